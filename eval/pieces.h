/* Cutting arrays along an axis and putting them together again: for loops, scans and sequences. Private to eval/. */
#ifndef EVAL_PIECES_H
#define EVAL_PIECES_H
#include "eval/move.h"

/* The part [first, first + count) of `a` along `axis`, which is in range. NULL when the memory was refused. */
oo_array *oo__cut(const oo_array *a, uint32_t axis, int64_t first, int64_t count);
/* The part at `index`, without the axis. */
oo_array *oo__cut_one(const oo_array *a, uint32_t axis, int64_t index);

typedef struct oo__joint {
    int64_t axis;   /* negative counts from the end of the result's dimensions */
    bool stacked;   /* the axis is a new one */
    bool backwards; /* the last part comes first */
} oo__joint;
/* One array of n > 0 tensors. NULL when one is no tensor, they differ in type or shape, the axis is out of range, or the memory was refused. */
oo_array *oo__join(oo_datum *const *parts, uint64_t n, const oo__joint *how);

/* Numbers that oo__array_double and oo__array_int read. */
static inline bool oo__is_number(const oo_array *a) { return a->elem != OO_STRING && !oo__is_complex(a->elem); }
#endif
