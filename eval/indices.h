/* What gathering and scattering share: lists of offsets into an array, checked before anything is read or written. Private to eval/. */
#ifndef EVAL_INDICES_H
#define EVAL_INDICES_H
#include "eval/move.h"

/* All three give new memory (release with free), or NULL after an error: an index is out of range, or a shape does not fit. */

/* The indices themselves, in [0, limit); negative ones count from the end. */
int64_t *oo__indices_of(const oo__call *c, const oo_array *indices, int64_t limit);
/* GatherElements, ScatterElements: for each index the offset of its element of `data`; `axis` is normalized. */
int64_t *oo__element_offsets(const oo__call *c, const oo_array *data, const oo_array *indices, uint32_t axis);
/* GatherND, ScatterND: for each tuple (the last dimension of `indices`) the offset of its slice of `data`. The first `batch_dims` dimensions
 * of both go together. */
int64_t *oo__slice_offsets(const oo__call *c, const oo_array *data, const oo_array *indices, uint32_t batch_dims);

/* An operation on elements of one type: out[at] = out[at] op in[i]. */
typedef void (*oo__combiner)(oo_array *out, uint64_t at, const oo_array *in, uint64_t i);
/* For "add", "mul", "min", "max"; NULL when the type does not allow it or the name is unknown. */
oo__combiner oo__combiner_of(const char *reduction, oo_elem elem);
#endif
