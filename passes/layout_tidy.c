/* Transposes that only Transposes are between: what is left of them is at most one for each order of a tensor. */
#include "passes/layout.h"

/* Whether an output's name would need an Identity to stay. */
static bool leaves_identity(const oo_value *old, const oo_value *by) {
    return oo_value_is_output(old) && (!oo_value_producer(by) || oo_value_is_pinned(by) || oo_value_graph(by) != oo_value_graph(old));
}

/* A value that is what the Transpose gives: the tensor's root, or what an earlier one gives. NULL when there is none. */
static oo_value *same_as(const oo_layout *l, const oo_node *node, uint32_t tensor, oo_node *const *kept, uint32_t n) {
    const oo_perm *const order = &l->from_root[oo_value_id(oo_node_output(node, 0))];
    const oo_perm straight = oo__perm_identity(order->n);
    oo_value *const root = l->tensors.data[tensor].root;
    if (oo__perm_equal(order, &straight))
        return root;
    for (uint32_t i = 0; i < n; i++) {
        oo_value *const y = oo_node_output(kept[i], 0);
        if (l->tensor_of[oo_value_id(y)] == tensor + 1 && oo__perm_equal(&l->from_root[oo_value_id(y)], order))
            return y;
    }
    return NULL;
}

static bool take_from_root(oo_layout *l, oo_rewriter *rw, const char *rule, oo_node *node, uint32_t tensor) {
    const oo_perm *const order = &l->from_root[oo_value_id(oo_node_output(node, 0))];
    int64_t perm[OO_LAYOUT_RANK];
    oo__perm_axes(perm, order);
    if (!oo_begin(rw, rule, node))
        return false;
    oo_set_input(rw, node, 0, l->tensors.data[tensor].root);
    oo_set_ints(rw, node, "perm", perm, order->n);
    oo_end(rw);
    oo_count(rw, "Transposes of Transposes merged", 1);
    return true;
}

static bool stand_for(oo_rewriter *rw, const char *rule, oo_node *node, oo_value *by) {
    if (!oo_begin(rw, rule, node))
        return false;
    if (oo_replace(rw, oo_node_output(node, 0), by)) {
        oo_erase(rw, node);
        oo_end(rw);
        oo_count(rw, "Transposes taken out", 1);
    } else {
        oo_abandon(rw);
    }
    return true;
}

static bool erase_unused(oo_rewriter *rw, const char *rule, oo_node *node) {
    if (oo_value_nuses(oo_node_output(node, 0)) || oo_value_is_pinned(oo_node_output(node, 0)))
        return true;
    if (!oo_begin(rw, rule, node))
        return false;
    oo_erase(rw, node);
    oo_end(rw);
    return true;
}

/* How many later Transposes are compared with: a tensor has few orders. */
enum { WINDOW = 64 };

bool oo__layout_tidy(oo_layout *l, oo_rewriter *rw, const char *rule) {
    oo_vec(oo_node *) kept = {0};
    bool fuel = true;
    oo_node *next;
    for (oo_node *node = oo_graph_first(l->graph); node && fuel; node = next) {
        next = oo_node_next(node);
        const uint32_t tensor = oo__layout_transposed(l, node);
        if (tensor == OO_LAYOUT_FIXED)
            continue;
        const uint32_t window = kept.n < WINDOW ? kept.n : WINDOW;
        oo_value *const by = same_as(l, node, tensor, kept.n ? kept.data + kept.n - window : NULL, window);
        if (by && !leaves_identity(oo_node_output(node, 0), by)) {
            fuel = stand_for(rw, rule, node, by);
            continue;
        }
        if (oo_node_input(node, 0) != l->tensors.data[tensor].root)
            fuel = take_from_root(l, rw, rule, node, tensor);
        oo_vec_push(NULL, &kept, node);
    }
    for (uint32_t i = kept.n; i-- > 0 && fuel;)
        fuel = erase_unused(rw, rule, kept.data[i]);
    oo_vec_free(&kept);
    return fuel;
}
