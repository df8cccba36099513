/* Tensors of attention heads, [batch, heads, sequence, size], from and to the packed form [batch, sequence, heads * size]. Private to
 * eval/. */
#ifndef EVAL_HEADS_H
#define EVAL_HEADS_H
#include "eval/real.h"

/* A tensor of rank 4 as it is, one of rank 3 split into heads, in the working type. NULL when its last dimension does not divide by
 * `heads`, or memory was refused. */
oo_array *oo__split_heads(const oo_array *x, int64_t heads, oo_elem work);
/* [batch, sequence, heads * size]; takes the reference. NULL for NULL. */
oo_array *oo__merge_heads(oo_array *x);
/* Past and new along the sequence; past may be NULL. Both FLOAT or both DOUBLE. NULL when they do not fit. */
oo_array *oo__append_sequence(const oo_array *past, const oo_array *x);
/* Softmax of one row in place; a row of negative infinities becomes zeros. */
void oo__softmax_row(oo_array *a, uint64_t at, uint64_t count);
#endif
