/* Passes that break what they must keep: each must end the run with exit code 5. */
#include <onnxopt/plugin.h>

static oo_node *find(oo_model *model, const char *op) {
    oo_for_each_node(node, oo_model_graph(model)) {
        if (oo_node_is(node, op))
            return node;
    }
    return NULL;
}

/* A new operator in the place of one; its input is that one's. */
static oo_node *build_instead(oo_rewriter *rw, oo_node *node, const char *op) {
    const oo_value *const inputs[] = {oo_node_input(node, 0)};
    oo_node *const other = oo_build(rw, node, "", op, inputs, 1, 1);
    oo_replace(rw, oo_node_output(node, 0), oo_node_output(other, 0));
    oo_erase(rw, node);
    return other;
}

/* Of another shape: the engine compares types. */
static oo_status break_type(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const relu = find(model, "Relu");
    if (relu && oo_begin(rw, "break-type", relu)) {
        build_instead(rw, relu, "Shape");
        oo_end(rw);
    }
    return OO_OK;
}

/* An attribute that the operator does not allow: only the check of the whole model knows. */
static oo_status break_operator(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const relu = find(model, "Relu");
    if (relu && oo_begin(rw, "break-operator", relu)) {
        oo_set_int(rw, build_instead(rw, relu, "Softmax"), "no_such_attribute", 1);
        oo_end(rw);
    }
    return OO_OK;
}

/* A circle. */
static oo_status break_order(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const relu = find(model, "Relu"), *const tanh = find(model, "Tanh");
    if (relu && tanh && oo_begin(rw, "break-order", tanh)) {
        oo_set_input(rw, tanh, 0, oo_node_output(relu, 0));
        oo_end(rw);
    }
    return OO_OK;
}

static oo_status leave_open(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const relu = find(model, "Relu");
    if (relu && oo_begin(rw, "leave-open", relu))
        build_instead(rw, relu, "Abs");
    return OO_OK;
}

/* Outside of a rewrite: the engine stops the program. */
static oo_status break_rules(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const relu = find(model, "Relu");
    if (relu)
        oo_erase(rw, relu);
    return OO_OK;
}

#define BREAKING(function_, name_, needs_) \
    static const oo_pass function_##_pass = {.size = sizeof(oo_pass), .name = name_, .summary = "for tests", .needs = needs_, .run = function_}
BREAKING(break_type, "break-type", OO_TYPES);
BREAKING(break_operator, "break-operator", 0);
BREAKING(break_order, "break-order", 0);
BREAKING(leave_open, "leave-open", 0);
BREAKING(break_rules, "break-rules", 0);

OO_PLUGIN(&break_type_pass, &break_operator_pass, &break_order_pass, &leave_open_pass, &break_rules_pass)
