#include "passes/inner_first.h"

static bool visit_graph(oo_graph *graph, bool (*visit)(void *state, oo_node *node), void *state) {
    for (oo_node *node = oo_graph_first(graph), *next; node; node = next) {
        next = oo_node_next(node);
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node); i++)
            if (!visit_graph(oo_node_subgraph(node, i), visit, state))
                return false;
        if (!visit(state, node))
            return false;
    }
    return true;
}

void oo__visit_inner_first(oo_model *model, bool (*visit)(void *state, oo_node *node), void *state) {
    oo_for_each_graph(graph, model) if (!oo_graph_owner(graph) && !visit_graph(graph, visit, state)) return;
}
