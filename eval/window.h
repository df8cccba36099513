/* Sliding windows of convolutions and pools over any number of spatial dimensions. Private to eval/. */
#ifndef EVAL_WINDOW_H
#define EVAL_WINDOW_H
#include "eval/broadcast.h"

/* Output position o sees through kernel position k the input position o * stride - head + k * dilation, in each dimension. */
typedef struct oo__window {
    uint32_t rank; /* spatial dimensions, at least 1 */
    int64_t in[OO__MAX_RANK], out[OO__MAX_RANK];
    int64_t kernel[OO__MAX_RANK], stride[OO__MAX_RANK], dilation[OO__MAX_RANK];
    int64_t head[OO__MAX_RANK], tail[OO__MAX_RANK]; /* padding */
    int64_t in_size, out_size, taps;                /* products of in, out, kernel */
} oo__window;

/* kernel_shape (absent: `kernel`, which else it must equal), strides, dilations, pads as the node has them, and the input's shape. */
oo_status oo__window_read(const oo__call *c, oo__window *w, uint32_t rank, const int64_t *in, const int64_t *kernel);
/* Padding and output size by auto_pad, pads and `ceil` (the last window may be cut off, but starts inside). */
oo_status oo__window_close(const oo__call *c, oo__window *w, bool ceil);
/* in_size, out_size and taps; an error when one overflows. */
oo_status oo__window_sizes(const oo__call *c, oo__window *w);
/* Whether no window touches the padding. */
bool oo__window_inside(const oo__window *w);

/* Outputs out, out + 1, ... out + count - 1 see the inputs in, in + step, ... where step is the stride of the last dimension. Positions
 * are those of flat arrays of one plane. */
typedef void (*oo__window_run)(void *state, int64_t tap, int64_t out, int64_t in, int64_t count);
/* Calls `run` for what the outputs [first, last) see through kernel position `tap` (counted row-major); not for padding. */
void oo__window_tap(const oo__window *w, int64_t tap, int64_t first, int64_t last, oo__window_run run, void *state);
#endif
