/* What the Transposes of a model move. */
#include "passes/layout.h"
#include "passes/permutation.h"

/* Of a Transpose whose operand has no known rank: the permutation is all there is. */
static double unknown_bytes(uint32_t rank) {
    double bytes = 4;
    for (uint32_t i = 0; i < rank; i++)
        bytes *= OO_SOME_SIZE;
    return bytes;
}

static double moved_by(const oo_node *node) {
    const oo_value *const x = oo_node_input(node, 0);
    const oo_type *const type = x ? oo_value_type(x) : NULL;
    const int64_t *axes;
    int64_t perm[OO_PERMUTATION_MOST], last = -1;
    uint32_t n;
    if (!oo_node_ints(&axes, &n, node, "perm"))
        return 0;
    if (oo_type_kind(type) != OO_TYPE_TENSOR || oo_type_rank(type) < 0)
        return unknown_bytes(n);
    const uint32_t rank = (uint32_t)oo_type_rank(type);
    bool moves = false;
    if (!oo__permutation_of(perm, node, rank))
        return 0;
    for (uint32_t i = 0; i < rank; i++) {
        if (oo_type_dim(type, (uint32_t)perm[i]) == 1)
            continue;
        moves |= perm[i] < last;
        last = perm[i];
    }
    return moves ? oo__likely_bytes(type) : 0;
}

oo_layout_cost oo__moved_bytes(const oo_model *model) {
    oo_layout_cost cost = {0};
    oo_for_each_graph(graph, model) {
        oo_for_each_node(node, graph) {
            if (!oo_node_is(node, "Transpose"))
                continue;
            const double bytes = moved_by(node);
            cost.bytes += bytes;
            cost.transposes += bytes > 0;
            cost.views += bytes <= 0;
        }
    }
    return cost;
}
