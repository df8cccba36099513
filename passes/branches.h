/* What the passes over If share. */
#ifndef PASSES_BRANCHES_H
#define PASSES_BRANCHES_H
#include "ir/infer.h"

/* The graph of an attribute; NULL when it holds none or refers to one of a function. */
oo_graph *oo__graph_attr(const oo_node *node, const char *name);
/* Both branches of an If that is as ONNX says: without inputs, with as many outputs as the node. */
typedef struct oo_branches {
    oo_graph *then_graph, *else_graph;
} oo_branches;
bool oo__read_branches(oo_branches *out, const oo_node *node);
/* What is proved of a truth value of one element; OO_UNKNOWN when it depends on data. */
oo_answer oo__truth_of(const oo_value *value);
/* What Identities inside of the graph hand on. */
oo_value *oo__handed_on(oo_value *value, const oo_graph *graph);
/* Whether the graph is the other one, or lies in it. */
bool oo__lies_in(const oo_graph *graph, const oo_graph *outer);
/* In an open rewrite: constants of the node's own graph that it uses become constants of the graph of `owner`. */
void oo__lift_constants(oo_rewriter *rw, oo_node *node, const oo_node *owner);

/* Puts the branch in the place of the If. OO_NO after a remark when that may not be, OO_UNKNOWN when fuel is out. */
oo_answer oo__inline_branch(oo_rewriter *rw, const char *rule, oo_node *node, const oo_graph *branch);
#endif
