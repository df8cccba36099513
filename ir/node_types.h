/* Whether the types of a node's inputs and outputs are ones that its operator allows. */
#ifndef IR_NODE_TYPES_H
#define IR_NODE_TYPES_H
#include "ir/ir.h"

/* What is wrong with the tensor types that are known at the node, as text in `arena`; NULL when nothing is. Nodes in its subgraphs are looked
 * at too. */
const char *oo__node_type_problem(const oo_node *node, oo_arena *arena);
#endif
