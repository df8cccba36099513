/* The core of the convolutions: X [N, C, in...], W [M, C / group, kernel...], bias [M] give Y [N, M, out...]. Private to eval/. */
#ifndef EVAL_CONVOLUTION_H
#define EVAL_CONVOLUTION_H
#include "eval/window.h"

typedef struct oo__convolution {
    int64_t batch, channels, outputs, group; /* N, C, M */
    oo__window window;
} oo__convolution;

/* Shapes and attributes of a node whose input and weights these are. */
oo_status oo__convolution_read(const oo__call *c, oo__convolution *v, const oo_array *x, const oo_array *w);
/* Y, from FLOAT or DOUBLE arrays of one type; bias may be NULL. NULL when memory was refused. */
oo_array *oo__convolve(const oo__convolution *v, const oo_array *x, const oo_array *w, const oo_array *bias);
#endif
