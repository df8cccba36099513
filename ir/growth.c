#include "ir/growth.h"

#include "ir/change.h"
#include "ir/weigh.h"

#include <stdlib.h>
#include <string.h>

static uint64_t data_of(const oo_tensor *tensor) {
    uint64_t bytes = oo_tensor_size(tensor);
    for (uint32_t i = 0; i < tensor->strings.n; i++)
        bytes += tensor->strings.data[i].size;
    return bytes;
}

static uint64_t weigh_constant(const oo_value *value) {
    return oo__weigh_initializer(value->init->rank, data_of(value->init), value);
}

/* ---- a whole model ---- */
typedef struct walk {
    const oo_model *model;
    bool *seen;              /* by index: bodies of functions that are called; NULL = these do not count */
    oo_vec(oo_graph *) calls;
} walk;

static void weigh_node(oo__weight *sum, const oo_node *node) {
    const uint64_t bytes = oo__weigh_node(node);
    const oo_tensor *const tensor = node->noutputs && node->outputs[0] ? oo_value_const(node->outputs[0]) : NULL;
    sum->all += bytes;
    sum->constants += tensor && (node->outputs[0]->nuses || node->outputs[0]->noutputs) ? data_of(tensor) : 0;
}

static void weigh_graph(oo__weight *sum, walk *w, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        const oo_value *const value = graph->initializers.data[i];
        if (!value->init || !(value->nuses || oo_value_is_pinned(value) || oo_value_is_input(value)))
            continue;
        sum->all += weigh_constant(value);
        sum->constants += data_of(value->init);
    }
    for (const oo_node *node = graph->first; node; node = node->next) {
        oo_graph *const callee = w->seen ? oo_model_callee(w->model, node) : NULL;
        weigh_node(sum, node);
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node); i++)
            weigh_graph(sum, w, oo_node_subgraph(node, i));
        if (!callee || w->seen[callee->index])
            continue;
        w->seen[callee->index] = true;
        oo_vec_push(NULL, &w->calls, callee);
    }
}

uint64_t oo__weigh_graph(const oo_graph *graph) {
    oo__weight sum = {0};
    weigh_graph(&sum, &(walk){.model = graph->model}, graph);
    return sum.all;
}

oo__weight oo__weigh_model(const oo_model *model) {
    walk w = {.model = model, .seen = calloc(model->graphs.n + 1u, sizeof *w.seen)};
    oo__weight sum = {0};
    if (!w.seen)
        oo__oom(model->graphs.n);
    for (uint32_t i = 0; i < model->graphs.n; i++) {
        const oo_graph *const graph = model->graphs.data[i];
        if (!graph->dead && !graph->owner && !graph->function)
            weigh_graph(&sum, &w, graph);
    }
    while (w.calls.n)
        weigh_graph(&sum, &w, w.calls.data[--w.calls.n]);
    oo_vec_free(&w.calls);
    free(w.seen);
    return sum;
}

/* ---- the budget ---- */
void oo__growth_start(oo_model *model) {
    if (model->weighed)
        return;
    const oo__weight now = oo__weigh_model(model);
    model->weighed = true;
    model->first_weight = now.all;
    model->first_constants = now.constants;
}

static int64_t room_of(uint64_t first, uint64_t now, const oo_growth_options *options) {
    const double share = (double)first * options->percent / 100;
    const int64_t budget = share > (double)options->limit && share < 9e18 ? (int64_t)share : options->limit;
    return budget - (int64_t)(now - first);
}

int64_t oo__growth_room(oo_model *model, const oo_growth_options *options) {
    oo__growth_start(model);
    if (options->limit < 0)
        return INT64_MAX;
    const oo__weight first = {.all = model->first_weight, .constants = model->first_constants};
    const oo__weight now = model->serial ? oo__weigh_model(model) : first; /* no rewrite has been opened yet */
    const int64_t all = room_of(model->first_weight, now.all, options), constants = room_of(model->first_constants, now.constants, options);
    return all < constants ? all : constants;
}

/* ---- one rewrite ---- */
typedef oo_vec(const oo_value *) values;

static int compare(const void *a, const void *b) {
    const oo_value *const x = *(const oo_value *const *)a, *const y = *(const oo_value *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Constants among these that nothing uses any more: what dce takes out. */
static int64_t weigh_freed(const values *lost) {
    int64_t bytes = 0;
    if (lost->data)
        qsort(lost->data, lost->n, sizeof *lost->data, compare);
    for (uint32_t i = 0; i < lost->n; i++) {
        const oo_value *const value = lost->data[i];
        if ((i && lost->data[i - 1] == value) || value->nuses || oo_value_is_pinned(value) || oo_value_is_input(value) || !oo_value_const(value))
            continue;
        if (value->init)
            bytes += (int64_t)weigh_constant(value);
        else if (value->producer && !value->producer->erased)
            bytes += (int64_t)oo__weigh_node(value->producer);
    }
    return bytes;
}

static int64_t weigh_change(const oo__change *change, values *lost) {
    const oo_value *const old = change->old;
    int64_t bytes = 0;
    switch (change->kind) {
    case OO__NODE_IN: return (int64_t)oo__weigh_node(change->node);
    case OO__NODE_OUT: return -(int64_t)oo__weigh_node(change->node);
    case OO__INIT_IN: return (int64_t)weigh_constant(change->value);
    case OO__GRAPH_IN:
        for (uint32_t i = 0; i < change->graph->initializers.n; i++)
            bytes += change->graph->initializers.data[i]->init ? (int64_t)weigh_constant(change->graph->initializers.data[i]) : 0;
        return bytes;
    case OO__INPUT: /* an erased node is weighed without its inputs */
        if (old)
            oo_vec_push(NULL, lost, old);
        return old && change->node->erased ? -(int64_t)strlen(oo_value_name(old)) : 0;
    default: return 0;
    }
}

int64_t oo__growth_of_rewrite(const oo_rewriter *rw) {
    values lost = {0};
    int64_t bytes = 0;
    for (uint32_t i = rw->start; i < rw->log.n; i++)
        bytes += weigh_change(&rw->log.data[i], &lost);
    bytes -= weigh_freed(&lost);
    oo_vec_free(&lost);
    return bytes;
}

bool oo__growth_allowed(int64_t *room, const oo_rewriter *rw) {
    if (*room == INT64_MAX)
        return true;
    const int64_t bytes = oo__growth_of_rewrite(rw);
    if (bytes > 0 && bytes > *room)
        return false;
    *room -= bytes;
    return true;
}
