/* Identity(x) is x, unless that would change a public name. */
#include <onnxopt/onnxopt.h>

static const char RULE[] = "eliminate-identity";

/* Whether the name of the graph output `old` can move to `by`, so that no node is needed to keep it. */
static bool can_be_output(oo_rewriter *rw, const oo_node *node, const oo_value *by, const oo_value *old) {
    const oo_node *const producer = oo_value_producer(by);
    if (!producer)
        return oo_miss(rw, RULE, node, "it makes a graph output of a graph input or an initializer");
    if (oo_node_graph(producer) != oo_value_graph(old))
        return oo_miss(rw, RULE, node, "it makes an output of a value of an outer graph");
    if (oo_value_is_output(by))
        return oo_miss(rw, RULE, node, "its input and its output are both graph outputs");
    if (oo_value_is_annotated(by))
        return oo_miss(rw, RULE, node, "its input is annotated and cannot take the output's name");
    return true;
}

static bool matches(oo_rewriter *rw, const oo_node *node) {
    const oo_value *const by = oo_node_input(node, 0);
    const oo_value *const old = oo_node_output(node, 0);
    if (oo_node_ninputs(node) != 1 || oo_node_noutputs(node) != 1 || !by || !old)
        return oo_miss(rw, RULE, node, "it has not exactly one input and one output");
    if (oo_value_is_annotated(old))
        return oo_miss(rw, RULE, node, "its output is annotated");
    return !oo_value_is_output(old) || can_be_output(rw, node, by, old);
}

/* False when fuel is out. */
static bool eliminate(oo_rewriter *rw, oo_node *node) {
    oo_value *const by = oo_node_input(node, 0);
    oo_value *const old = oo_node_output(node, 0);
    if (!oo_begin(rw, RULE, node))
        return false;
    if (oo_value_producer(by) && !oo_value_type(by))
        oo_copy_type(rw, by, old);
    if (!oo_replace(rw, old, by)) {
        oo_abandon(rw);
        oo_miss(rw, RULE, node, "its input is not visible at every use of its output");
        return true;
    }
    oo_erase(rw, node);
    oo_end(rw);
    oo_count(rw, "nodes removed", 1);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model)
        oo_for_each_node(node, graph)
            if (oo_node_is(node, "Identity") && matches(rw, node) && !eliminate(rw, node))
                return OO_OK;
    return OO_OK;
}

const oo_pass oo_pass_eliminate_identity = {
    .size = sizeof(oo_pass),
    .name = "eliminate-identity",
    .summary = "Replace the output of Identity by its input",
    .doc = "Identity of tensors, sequences and optionals alike, in every graph. Where the output is a graph output, the "
           "node that makes the input takes over its name. The Identity stays where it has a purpose: to turn an input, "
           "an initializer, an outer value or another output into an output, or to carry an annotation.",
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
