/* Whether nodes and graphs compute the same because they are the same code. */
#ifndef PASSES_SAME_CODE_H
#define PASSES_SAME_CODE_H
#include <onnxopt/onnxopt.h>

/* What has been found out so far; in scratch memory. It holds as long as values keep what they stand for. */
typedef struct oo__same oo__same;
oo__same *oo__same_new(oo_rewriter *rw);
/* Equal for nodes that are the same: operator, attributes (subgraphs up to the names inside) and inputs, constants by their bits. */
uint64_t oo__same_hash(oo__same *c, const oo_node *node);
/* Whether a may give way to b: they are the same, and b makes all that is read of a. */
bool oo__same_nodes(oo__same *c, const oo_node *a, const oo_node *b);
/* The same nodes in the same order with the same outputs. Graphs whose inputs have defaults are taken as different. */
bool oo__same_graphs(oo__same *c, const oo_graph *a, const oo_graph *b);
/* The same value, or constants of the same bits. */
bool oo__same_values(oo__same *c, const oo_value *a, const oo_value *b);
/* From now on the value is taken for the other one. */
void oo__same_let(oo__same *c, const oo_value *value, const oo_value *other);
/* Outputs but for trailing omitted ones. */
uint32_t oo__output_count(const oo_node *node);
#endif
