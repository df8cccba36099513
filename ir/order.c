/* Topological order of the nodes of a graph. A node depends on the producers of its inputs and of what its subgraphs capture. */
#include "ir/ir.h"

#include <stdlib.h>

enum { WHITE, GREY, BLACK };

typedef struct visit {
    oo_node *node;
    bool leave; /* all that it depends on is done */
} visit;

typedef struct sorter {
    oo_graph *graph;
    oo_vec(visit) stack;
    oo_vec(oo_node *) sorted;
    uint8_t *colour; /* by node id */
    oo_node *cycle;
} sorter;

static void push_dependencies(sorter *s, const oo_node *node);

static void push_of_graph(sorter *s, const oo_graph *graph) {
    for (const oo_node *n = graph->first; n; n = n->next)
        push_dependencies(s, n);
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        const oo_value *const v = graph->outputs.data[i].value;
        if (v && v->producer && v->graph == s->graph)
            oo_vec_push(NULL, &s->stack, (visit){v->producer, false});
    }
}

static void push_dependencies(sorter *s, const oo_node *node) {
    for (uint32_t i = node->ninputs; i-- > 0;) {
        const oo_value *const v = node->inputs[i].value;
        if (v && v->producer && v->graph == s->graph)
            oo_vec_push(NULL, &s->stack, (visit){v->producer, false});
    }
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++)
            push_of_graph(s, oo__attr_graph(node->attrs[i], k));
    }
}

static void drain(sorter *s) {
    while (s->stack.n && !s->cycle) {
        const visit v = s->stack.data[--s->stack.n];
        uint8_t *const colour = &s->colour[v.node->id];
        if (v.leave) {
            *colour = BLACK;
            oo_vec_push(NULL, &s->sorted, v.node);
        } else if (*colour == WHITE) {
            *colour = GREY;
            oo_vec_push(NULL, &s->stack, (visit){v.node, true});
            push_dependencies(s, v.node);
        } else if (*colour == GREY) {
            s->cycle = v.node;
        }
    }
}

static void apply(sorter *s) {
    oo_graph *const graph = s->graph;
    oo_node *prev = NULL;
    graph->first = NULL;
    for (uint32_t i = 0; i < s->sorted.n; i++) {
        oo_node *const node = s->sorted.data[i];
        node->prev = prev;
        node->next = NULL;
        *(prev ? &prev->next : &graph->first) = node;
        prev = node;
    }
    graph->last = prev;
}

/* Stable: what a node depends on moves before it where it does not stand there already; all else keeps its place. */
static oo_status sort_graph(oo_graph *graph, uint8_t *colour, bool reorder) {
    oo_model *const model = graph->model;
    sorter s = {.graph = graph, .colour = colour};
    for (oo_node *node = graph->first; node && !s.cycle; node = node->next) {
        oo_vec_push(NULL, &s.stack, (visit){node, false});
        drain(&s);
    }
    if (s.cycle)
        oo__report(model, OO_ERROR, "load-cycle", graph, s.cycle, NULL, "the node depends on its own output: the graph has a cycle");
    else if (reorder)
        apply(&s);
    const oo_status status = s.cycle ? OO_INVALID : OO_OK;
    oo_vec_free(&s.stack);
    oo_vec_free(&s.sorted);
    return status;
}

/* Each node is coloured for its own graph only, so one array serves all graphs. */
static oo_status sort_graphs(oo_model *model, bool reorder) {
    uint8_t *colour = NULL;
    oo_status status = OO_OK;
    oo_for_each_graph(graph, model) {
        if (!graph->unsorted || status != OO_OK)
            continue;
        if (!colour && !(colour = calloc(model->nnodes + 1u, 1)))
            oo__oom(model->nnodes);
        status = sort_graph(graph, colour, reorder);
        graph->unsorted = !reorder || status != OO_OK;
    }
    free(colour);
    return status;
}

oo_status oo__model_check_acyclic(oo_model *model) { return sort_graphs(model, false); }
oo_status oo__model_sort(oo_model *model) { return sort_graphs(model, true); }

void oo__model_number(oo_model *model) {
    oo_for_each_graph(graph, model) {
        uint32_t order = 0;
        for (oo_node *node = graph->first; node; node = node->next)
            node->order = order++;
    }
    model->properties |= OO_ORDER;
}
