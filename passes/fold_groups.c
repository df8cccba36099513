/* With `shrink`: folds that pay only together. A scale and a shift that are computed from the same four vectors each cost a vector and free none,
 * both together free two. Groups are what constants of some size, or results, connect. */
#include "passes/fold.h"
#include "ir/weigh.h"

enum { LINK = 64 }; /* bytes from which on a constant connects its users */
#define NEVER (INT64_MIN / 2)

typedef struct group {
    uint32_t parent; /* node id; its own: a root */
    int64_t balance; /* of a root: bytes that the file shrinks by */
} group;

typedef struct grouping {
    fold *f;
    group *groups;      /* by node id */
    uint32_t *first;    /* by value id: 1 + id of a node that uses the constant */
} grouping;

static uint32_t root_of(grouping *g, uint32_t id) {
    while (g->groups[id].parent != id) {
        g->groups[id].parent = g->groups[g->groups[id].parent].parent;
        id = g->groups[id].parent;
    }
    return id;
}

static void join(grouping *g, uint32_t a, uint32_t b) { g->groups[root_of(g, a)].parent = root_of(g, b); }

static bool is_evaluated(const grouping *g, const oo_node *node) {
    return node->id < g->f->nnodes && g->f->nodes[node->id].state == FOLD_EVALUATED;
}

static void connect(grouping *g, const oo_node *node) {
    for (uint32_t i = 0; i < fold_noperands(g->f, node); i++) {
        const oo_value *const value = fold_operand(g->f, node, i);
        const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
        if (value && value->producer && is_evaluated(g, value->producer))
            join(g, node->id, value->producer->id);
        if (!tensor || fold_tensor_bytes(tensor) < LINK)
            continue;
        if (g->first[value->id])
            join(g, node->id, g->first[value->id] - 1);
        g->first[value->id] = 1 + node->id;
    }
}

/* Whether all that uses the value is in one group. */
static bool is_inside(grouping *g, const oo_value *value, uint32_t root) {
    for (const oo_use *use = value->uses; use; use = use->next)
        if (!is_evaluated(g, use->user) || root_of(g, use->user->id) != root)
            return false;
    return !value->noutputs && !oo_value_is_annotated(value) && !oo_value_is_input(value);
}

static int64_t freed_with(const oo_value *value, const oo_tensor *tensor) {
    return (int64_t)(value->producer ? oo__weigh_node(value->producer)
                                     : oo__weigh_initializer(oo_tensor_rank(tensor), fold_tensor_bytes(tensor), value));
}

static void weigh(grouping *g, const oo_node *node) {
    const uint32_t root = root_of(g, node->id);
    int64_t *const balance = &g->groups[root].balance;
    *balance += (int64_t)oo__weigh_node(node);
    for (uint32_t i = 0; i < fold_noperands(g->f, node); i++) {
        const oo_value *const value = fold_operand(g->f, node, i);
        const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
        if (!tensor || g->first[value->id] != 1 + node->id) /* each constant once */
            continue;
        g->first[value->id] = 0;
        *balance += is_inside(g, value, root) ? freed_with(value, tensor) : 0;
    }
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (!value || is_inside(g, value, root))
            continue;
        const fold_fact *const fact = &g->f->facts[value->id];
        *balance = fact->datum && fact->kept && *balance > NEVER ? *balance - (int64_t)fold_bytes_in_file(g->f, value) : NEVER;
    }
}

static void each_node(grouping *g, void (*visit)(grouping *g, const oo_node *node)) {
    oo_for_each_graph(graph, g->f->model)
        for (const oo_node *node = graph->first; node; node = node->next)
            if (is_evaluated(g, node))
                visit(g, node);
}

static void mark(grouping *g, const oo_node *node) { g->f->nodes[node->id].pays = g->groups[root_of(g, node->id)].balance >= 0; }

void fold_find_groups(fold *f) {
    grouping g = {.f = f,
                  .groups = oo_scratch(f->rw, (f->nnodes + 1u) * sizeof *g.groups),
                  .first = oo_scratch(f->rw, (f->model->nvalues + 1u) * sizeof *g.first)};
    for (uint32_t i = 0; i < f->nnodes; i++)
        g.groups[i].parent = i;
    each_node(&g, connect);
    each_node(&g, weigh);
    each_node(&g, mark);
}
