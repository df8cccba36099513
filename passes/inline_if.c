/* Puts the branch that an If always takes in the place of the If. */
#include "passes/branches.h"

static const char RULE[] = "inline-if";

typedef struct state {
    oo_rewriter *rw;
    bool done; /* fuel is out */
} state;

/* The branch that is taken, NULL when that is not known or the node is malformed. */
static const oo_graph *taken(const oo_node *node) {
    const oo_answer condition = oo__truth_of(oo_node_input(node, 0));
    return condition == OO_UNKNOWN ? NULL : oo__graph_attr(node, condition == OO_YES ? "then_branch" : "else_branch");
}

static void visit(state *s, oo_graph *graph) {
    for (oo_node *node = oo_graph_first(graph); node && !s->done;) {
        oo_node *const before = oo_node_prev(node);
        if (oo_node_is(node, "If")) {
            const oo_graph *const branch = taken(node);
            if (branch)
                s->done = oo__inline_branch(s->rw, RULE, node, branch) == OO_UNKNOWN;
            else
                oo_miss(s->rw, RULE, node, "its condition is not constant");
        }
        if (oo_node_erased(node)) {
            node = before ? oo_node_next(before) : oo_graph_first(graph); /* what came in its place is next */
            continue;
        }
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node); i++)
            visit(s, oo_node_subgraph(node, i));
        node = oo_node_next(node);
    }
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw};
    oo_for_each_graph(graph, model) if (!oo_graph_owner(graph)) visit(&s, graph);
    return OO_OK;
}

const oo_pass oo_pass_inline_if = {
    .size = sizeof(oo_pass),
    .name = "inline-if",
    .summary = "Replace an If whose condition is known by the branch that it takes",
    .doc = "The condition is a constant, or a value that inference proves: a comparison of shapes, say. The nodes of "
           "the branch take the place of "
           "the If, its initializers become initializers of the graph around. An If stays when an output of it is "
           "annotated, or when the "
           "branch has quantization annotations or sparse initializers.",
    .needs = OO_TYPES | OO_VALUES, /* kept they are not: one branch is known better than two */
    .run = run,
};
