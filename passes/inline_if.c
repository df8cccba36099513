/* Puts the branch that an If always takes in the place of the If. */
#include "ir/infer.h"

static const char RULE[] = "inline-if";

typedef struct state {
    oo_rewriter *rw;
    bool done; /* fuel is out */
} state;

/* What inference proves of the condition; OO_UNKNOWN when it depends on data. */
static oo_answer condition_of(const oo_node *node) {
    const oo_value *const value = oo_node_input(node, 0);
    const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
    uint8_t truth;
    int64_t number;
    if (tensor && oo_tensor_elem(tensor) == OO_BOOL && oo_tensor_count(tensor) == 1)
        return !oo_tensor_read(tensor, 0, 1, &truth) ? OO_UNKNOWN : truth ? OO_YES : OO_NO;
    const oo_known *const known = value ? value->known : NULL;
    if (!known || known->elem != OO_BOOL || known->count != 1 || !known->items[0].numerator ||
        known->items[0].denominator != 1)
        return OO_UNKNOWN;
    return !oo__expr_is_int(known->items[0].numerator, &number) ? OO_UNKNOWN : number ? OO_YES : OO_NO;
}

/* The branch that is taken, NULL when that is not known or the node is malformed. */
static const oo_graph *taken(const oo_node *node) {
    const oo_answer condition = condition_of(node);
    if (condition == OO_UNKNOWN)
        return NULL;
    const oo_attr *const attr = oo_node_attr(node, condition == OO_YES ? "then_branch" : "else_branch");
    return attr && !oo_attr_is_reference(attr) && oo_attr_nsubgraphs(attr) == 1 ? oo_attr_subgraph(attr, 0) : NULL;
}

static const char *problem_of(const state *s, const oo_node *node, const oo_graph *branch) {
    if (oo_graph_ninputs(branch) || oo_graph_noutputs(branch) < oo_node_noutputs(node))
        return "the branch has inputs, or fewer outputs than the node";
    for (uint32_t i = 0; i < oo_node_noutputs(node); i++)
        if (oo_node_output(node, i) && oo_value_is_annotated(oo_node_output(node, i)))
            return "an output is annotated";
    return oo_splice_problem(s->rw, branch, oo_node_graph(node), NULL);
}

static bool replace_outputs(const state *s, const oo_node *node, oo_value *const *outputs) {
    for (uint32_t i = 0; i < oo_node_noutputs(node); i++) {
        oo_value *const old = oo_node_output(node, i);
        if (old && (oo_value_nuses(old) || oo_value_is_output(old)) && !oo_replace(s->rw, old, outputs[i]))
            return false;
    }
    return true;
}

static void inline_branch(state *s, oo_node *node, const oo_graph *branch) {
    const char *const problem = problem_of(s, node, branch);
    if (problem) {
        oo_miss(s->rw, RULE, node, "%s", problem);
        return;
    }
    if (!oo_begin(s->rw, RULE, node)) {
        s->done = true;
        return;
    }
    oo_value **const outputs = oo_scratch(s->rw, (oo_graph_noutputs(branch) + 1u) * sizeof *outputs);
    oo_splice(s->rw, branch, node, NULL, NULL, outputs);
    if (!replace_outputs(s, node, outputs)) {
        oo_abandon(s->rw);
        oo_miss(s->rw, RULE, node, "an output of the branch is not visible where the node's is used");
        return;
    }
    oo_erase(s->rw, node);
    oo_end(s->rw);
    oo_count(s->rw, "branches inlined", 1);
}

static void visit(state *s, oo_graph *graph) {
    for (oo_node *node = oo_graph_first(graph); node && !s->done;) {
        oo_node *const before = oo_node_prev(node);
        if (oo_node_is(node, "If")) {
            const oo_graph *const branch = taken(node);
            if (branch)
                inline_branch(s, node, branch);
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
