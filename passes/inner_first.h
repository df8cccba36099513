/* The walk of passes over control flow. */
#ifndef PASSES_INNER_FIRST_H
#define PASSES_INNER_FIRST_H
#include <onnxopt/onnxopt.h>

/* Visits every node of the model, those of a node's subgraphs before the node itself; the visit may erase or move its node and add nodes before
 * it. Ends when a visit gives false: fuel is out. */
void oo__visit_inner_first(oo_model *model, bool (*visit)(void *state, oo_node *node), void *state);
#endif
