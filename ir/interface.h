/* Mutators of what a model promises to its callers, and of types in another order of axes. All within an open rewrite, of main graphs. */
#ifndef IR_INTERFACE_H
#define IR_INTERFACE_H
#include "ir/rewriter.h"

/* The input keeps its name and takes a tensor that is transposed by `perm` (axis i of what it takes is axis perm[i] of what it took): its
 * declared type follows, and a Transpose gives the old one to everybody who used it. NULL, or why not; then nothing is done. The rank of the
 * input must be known to be `rank`. */
const char *oo__permute_input(oo_rewriter *rw, oo_graph *graph, uint32_t index, const int64_t *perm, uint32_t rank);
/* The output keeps its name and is transposed by `perm`; what made it, and who else uses it, stay as they are. */
const char *oo__permute_output(oo_rewriter *rw, oo_graph *graph, uint32_t index, const int64_t *perm, uint32_t rank);
/* Gives `to` the type of `from`, transposed by `perm`. */
void oo__set_permuted_type(oo_rewriter *rw, oo_value *to, const oo_type *from, const int64_t *perm, uint32_t rank);
#endif
