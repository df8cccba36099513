/* Mutators of subgraphs, for the passes over control flow. All within an open rewrite. */
#ifndef IR_BODY_H
#define IR_BODY_H
#include "ir/rewriter.h"

/* Takes the node to the place before `before`, in its own graph or another one. The caller answers for what it uses being visible there, and
 * what it makes where it is used. In another graph its outputs get new names; none of them may be an output of the old graph, or annotated. A
 * walk over the old graph must have its next node before. */
void oo__move_node(oo_rewriter *rw, oo_node *node, oo_node *before);
/* The same to the end of another graph. */
void oo__move_to_end(oo_rewriter *rw, oo_node *node, oo_graph *graph);
/* Takes an input out; those behind it move up. */
void oo__remove_input(oo_rewriter *rw, oo_node *node, uint32_t index);
/* Takes an output out that nothing uses; those behind it move up (oo_drop_output leaves a gap). */
void oo__remove_output(oo_rewriter *rw, oo_node *node, uint32_t index);
/* Takes an input out of a subgraph; nothing may use it. */
void oo__remove_body_input(oo_rewriter *rw, oo_graph *body, uint32_t index);
/* Takes an output out of a subgraph. What made it stays. */
void oo__remove_body_output(oo_rewriter *rw, oo_graph *body, uint32_t index);
/* The subgraph returns the value. One of a graph around goes through an Identity: runtimes want what is returned to be made inside. */
void oo__set_body_output(oo_rewriter *rw, oo_graph *body, uint32_t index, oo_value *value);
/* One more output of the node, of the type of another value. */
oo_value *oo__add_output(oo_rewriter *rw, oo_node *node, const oo_value *like);
/* The subgraph returns one more value, declared with a type (NULL: none). One that it returns already, or of a graph around, goes through an Identity. */
void oo__add_body_output(oo_rewriter *rw, oo_graph *body, oo_value *value, const oo_type *declared);
/* Two attributes of the node that hold a graph each exchange their names. */
void oo__swap_graphs(oo_rewriter *rw, oo_node *node, const char *a, const char *b);
#endif
