#include "passes/branches.h"

oo_graph *oo__graph_attr(const oo_node *node, const char *name) {
    const oo_attr *const attr = oo_node_attr(node, name);
    return attr && !oo_attr_is_reference(attr) && !attr->raw.data && attr->type == OO_ATTR_GRAPH ? attr->g : NULL;
}

bool oo__read_branches(oo_branches *out, const oo_node *node) {
    *out = (oo_branches){oo__graph_attr(node, "then_branch"), oo__graph_attr(node, "else_branch")};
    return out->then_graph && out->else_graph && node->ninputs == 1 && node->inputs[0].value && !out->then_graph->inputs.n &&
           !out->else_graph->inputs.n && out->then_graph->outputs.n == node->noutputs && out->else_graph->outputs.n == node->noutputs;
}

oo_answer oo__truth_of(const oo_value *value) {
    const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
    uint8_t truth;
    int64_t number;
    if (tensor && oo_tensor_elem(tensor) == OO_BOOL && oo_tensor_count(tensor) == 1)
        return !oo_tensor_read(tensor, 0, 1, &truth) ? OO_UNKNOWN : truth ? OO_YES : OO_NO;
    const oo_known *const known = value ? value->known : NULL;
    if (!known || known->elem != OO_BOOL || known->count != 1 || !known->items[0].numerator || known->items[0].denominator != 1)
        return OO_UNKNOWN;
    return !oo__expr_is_int(known->items[0].numerator, &number) ? OO_UNKNOWN : number ? OO_YES : OO_NO;
}

oo_value *oo__handed_on(oo_value *value, const oo_graph *graph) {
    while (value->graph == graph && value->producer && oo_node_is(value->producer, "Identity") && value->producer->ninputs == 1 &&
           value->producer->inputs[0].value && !oo_value_is_annotated(value))
        value = value->producer->inputs[0].value;
    return value;
}

bool oo__lies_in(const oo_graph *graph, const oo_graph *outer) {
    while (graph && graph != outer)
        graph = graph->parent;
    return graph != NULL;
}

void oo__lift_constants(oo_rewriter *rw, oo_node *node, const oo_node *owner) {
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        const oo_tensor *const tensor = value && value->graph == node->graph ? oo_value_const(value) : NULL;
        if (tensor)
            oo_set_input(rw, node, i, oo_build_const(rw, owner->graph, (oo_tensor *)(uintptr_t)tensor, oo_value_name(value)));
    }
}

/* ---- inlining ---- */
static const char *problem_of(oo_rewriter *rw, const oo_node *node, const oo_graph *branch) {
    if (oo_graph_ninputs(branch) || oo_graph_noutputs(branch) < oo_node_noutputs(node))
        return "the branch has inputs, or fewer outputs than the node";
    for (uint32_t i = 0; i < oo_node_noutputs(node); i++)
        if (oo_node_output(node, i) && oo_value_is_annotated(oo_node_output(node, i)))
            return "an output is annotated";
    return oo_splice_problem(rw, branch, oo_node_graph(node), NULL);
}

static bool replace_outputs(oo_rewriter *rw, const oo_node *node, oo_value *const *outputs) {
    for (uint32_t i = 0; i < oo_node_noutputs(node); i++) {
        oo_value *const old = oo_node_output(node, i);
        if (old && (oo_value_nuses(old) || oo_value_is_output(old)) && !oo_replace(rw, old, outputs[i]))
            return false;
    }
    return true;
}

oo_answer oo__inline_branch(oo_rewriter *rw, const char *rule, oo_node *node, const oo_graph *branch) {
    const char *const problem = problem_of(rw, node, branch);
    if (problem) {
        oo_miss(rw, rule, node, "%s", problem);
        return OO_NO;
    }
    if (!oo_begin(rw, rule, node))
        return OO_UNKNOWN;
    oo_value **const outputs = oo_scratch(rw, (oo_graph_noutputs(branch) + 1u) * sizeof *outputs);
    oo_splice(rw, branch, node, NULL, NULL, outputs);
    if (!replace_outputs(rw, node, outputs)) {
        oo_abandon(rw);
        oo_miss(rw, rule, node, "an output of the branch is not visible where the node's is used");
        return OO_NO;
    }
    oo_erase(rw, node);
    oo_end(rw);
    oo_count(rw, "branches inlined", 1);
    return OO_YES;
}
