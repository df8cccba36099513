/* What the folding passes share: constants in the place of computed values, and taking out what nothing uses any more. */
#ifndef PASSES_PLACE_H
#define PASSES_PLACE_H
#include "ir/ir.h"

/* Why a constant of this type must not take the place of a value that a node makes, NULL when it may. A model whose declared output says
 * something else is left as it is. */
const char *oo__place_problem(const oo_value *value, oo_elem elem, uint32_t rank, const int64_t *dims);
/* In an open rewrite: the constant takes the place of the node's output. An initializer; in the place of a graph output a Constant, which can
 * take its name. */
void oo__place_constant(oo_rewriter *rw, oo_node *node, oo_value *value, oo_tensor *tensor);
/* In an open rewrite: erases the node if nothing uses its outputs, then whatever only it used; of operators that nothing is known about only
 * the node itself. Returns how many nodes went; Constants are data and do not count. */
uint32_t oo__erase_unused(oo_rewriter *rw, oo_node *node);
#endif
