/* Dropout passes its input on when it does not train. */
#include <onnxopt/onnxopt.h>

static const char RULE[] = "eliminate-dropout";

/* Opset 12 and later: the third input says; absent is false. */
static bool training_input_is_false(oo_rewriter *rw, const oo_node *node) {
    const oo_value *const mode = oo_node_input(node, 2);
    if (!mode)
        return true;
    const oo_tensor *const tensor = oo_value_const(mode);
    unsigned char flag = 1;
    if (!tensor)
        return oo_miss(rw, RULE, node, "training_mode is not constant");
    if (oo_tensor_elem(tensor) != OO_BOOL || oo_tensor_count(tensor) != 1 || !oo_tensor_read(tensor, 0, 1, &flag))
        return oo_miss(rw, RULE, node, "training_mode is no readable boolean");
    return flag ? oo_miss(rw, RULE, node, "training_mode is true") : true;
}

static bool is_inference(oo_rewriter *rw, const oo_node *node) {
    const int64_t opset = oo_graph_opset(oo_node_graph(node), "");
    if (opset < 1)
        return oo_miss(rw, RULE, node, "the opset is unknown");
    if (opset >= 12)
        return training_input_is_false(rw, node);
    if (opset >= 7)
        return true;
    int64_t is_test;
    if (!oo_node_int(&is_test, node, "is_test", 0))
        return oo_miss(rw, RULE, node, "is_test is unknown");
    return is_test ? true : oo_miss(rw, RULE, node, "is_test is 0 at opset %d: it trains", (int)opset);
}

static bool matches(oo_rewriter *rw, const oo_node *node) {
    const oo_value *const data = oo_node_input(node, 0);
    const oo_value *const output = oo_node_output(node, 0);
    const oo_value *const mask = oo_node_output(node, 1);
    if (!data || !output || oo_node_noutputs(node) > 2)
        return oo_miss(rw, RULE, node, "it lacks its input or its output");
    if (mask && (oo_value_nuses(mask) || oo_value_is_pinned(mask)))
        return oo_miss(rw, RULE, node, "its mask is used");
    if (oo_value_is_annotated(output))
        return oo_miss(rw, RULE, node, "its output is annotated");
    return is_inference(rw, node);
}

/* False when fuel is out. Where the output is public and the input cannot take its name, an Identity remains. */
static bool eliminate(oo_rewriter *rw, oo_node *node) {
    oo_value *const data = oo_node_input(node, 0);
    oo_value *const output = oo_node_output(node, 0);
    if (!oo_begin(rw, RULE, node))
        return false;
    if (oo_value_producer(data) && !oo_value_type(data))
        oo_copy_type(rw, data, output);
    if (!oo_replace(rw, output, data)) {
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
            if (oo_node_is(node, "Dropout") && matches(rw, node) && !eliminate(rw, node))
                return OO_OK;
    return OO_OK;
}

const oo_pass oo_pass_eliminate_dropout = {
    .size = sizeof(oo_pass),
    .name = "eliminate-dropout",
    .summary = "Remove Dropout where it is known not to train",
    .doc = "Below opset 7 that is is_test = 1, at opset 7 to 11 always, from opset 12 on a training_mode that is absent "
           "or constant false; ratio and seed do not matter then. A Dropout whose mask is used stays. Where the output "
           "is a graph output whose name the input cannot take, an Identity takes the place.",
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
