/* Passes that make models wrong: what --check must find. */
#include <onnxopt/plugin.h>

#include <string.h>

/* ---- swap-operands: harmless where the order does not matter, wrong for Sub ---- */
static void swap(oo_rewriter *rw, oo_node *node) {
    oo_value *const a = oo_node_input(node, 0), *const b = oo_node_input(node, 1);
    oo_set_input(rw, node, 0, b);
    oo_set_input(rw, node, 1, a);
}

/* The same with a new node. */
static void build_swapped(oo_rewriter *rw, oo_node *node) {
    const oo_value *const inputs[] = {oo_node_input(node, 1), oo_node_input(node, 0)};
    oo_node *const swapped = oo_build(rw, node, "", oo_node_op(node), inputs, 2, 1);
    oo_copy_type(rw, oo_node_output(swapped, 0), oo_node_output(node, 0));
    oo_replace(rw, oo_node_output(node, 0), oo_node_output(swapped, 0));
    oo_erase(rw, node);
}

static oo_status swap_operands(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) {
        oo_node *next;
        for (oo_node *node = oo_graph_first(graph); node; node = next) {
            next = oo_node_next(node);
            const bool sum = oo_node_is(node, "Add") || oo_node_is(node, "Mul"), difference = oo_node_is(node, "Sub");
            if (!sum && !difference)
                continue;
            if (!oo_begin(rw, sum ? "swap-sum" : "swap-difference", node))
                return OO_OK;
            if (sum)
                swap(rw, node);
            else
                build_swapped(rw, node);
            oo_end(rw);
        }
    }
    return OO_OK;
}

/* ---- big-epsilon: a small error ---- */
static oo_status big_epsilon(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) {
        oo_for_each_node(node, graph) {
            float epsilon;
            if (!strstr(oo_node_op(node), "Normalization") || !oo_node_float(&epsilon, node, "epsilon", 1e-5F))
                continue;
            if (!oo_begin(rw, "big-epsilon", node))
                return OO_OK;
            oo_set_float(rw, node, "epsilon", epsilon * 100);
            oo_end(rw);
        }
    }
    return OO_OK;
}

/* ---- break-relu: what cannot run ---- */
static oo_status break_relu(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *next;
    for (oo_node *node = oo_graph_first(oo_model_graph(model)); node; node = next) {
        next = oo_node_next(node);
        if (!oo_node_is(node, "Relu") || !oo_begin(rw, "break-relu", node))
            continue;
        const oo_value *const inputs[] = {oo_node_input(node, 0)};
        oo_node *const other = oo_build(rw, node, "", "Transpose", inputs, 1, 1);
        const int64_t perm[] = {7, 7, 7};
        oo_set_ints(rw, other, "perm", perm, 3);
        oo_replace(rw, oo_node_output(node, 0), oo_node_output(other, 0));
        oo_erase(rw, node);
        oo_end(rw);
    }
    return OO_OK;
}

static const oo_pass swap_pass = {.size = sizeof(oo_pass), .name = "swap-operands", .summary = "for tests", .run = swap_operands};
static const oo_pass epsilon_pass = {.size = sizeof(oo_pass), .name = "big-epsilon", .summary = "for tests", .run = big_epsilon};
static const oo_pass relu_pass = {.size = sizeof(oo_pass), .name = "break-relu", .summary = "for tests", .run = break_relu};

OO_PLUGIN(&swap_pass, &epsilon_pass, &relu_pass)
