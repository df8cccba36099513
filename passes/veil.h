/* Files that declare an output with another type or shape than it has. Tools accept them as long as the shape is computed and they cannot see
 * it; a constant in the place of the computation would make the lie visible, and the model invalid. What hides it stays. */
#ifndef PASSES_VEIL_H
#define PASSES_VEIL_H
#include "ir/ir.h"

/* By node id, in scratch memory: nodes that must stay computed. NULL when there are none, as nearly always. Needs OO_TYPES. */
const uint8_t *oo__find_veils(oo_rewriter *rw, const oo_model *model);
/* Whether a declared type says something else than a proved one (each may be NULL). */
bool oo__contradicts(const oo_type *declared, const oo_type *proved);
#endif
