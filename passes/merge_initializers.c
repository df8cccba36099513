/* Keeps one of several initializers that hold the same bits. */
#include <onnxopt/onnxopt.h>

static const char RULE[] = "dedup-initializers";

typedef struct entry {
    uint64_t key; /* of content and graph */
    oo_value *value;
    struct entry *next;
} entry;

typedef struct table {
    oo_rewriter *rw;
    entry **buckets;
    uint64_t mask;
} table;

static uint64_t key_of(const oo_tensor *tensor, const oo_graph *graph) {
    uint64_t h = oo_tensor_hash(tensor) ^ ((uint64_t)(uintptr_t)graph * 0x9e3779b97f4a7c15u);
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

/* Constants that nothing names from outside the graph. Graph outputs may stand for others, but stay. */
static bool is_candidate(const oo_value *value) {
    return oo_value_is_initializer(value) && oo_value_const(value) && !oo_value_is_annotated(value);
}

/* An equal initializer of the same graph or one around it. */
static oo_value *find_equal(const table *t, const oo_value *value) {
    const oo_tensor *const tensor = oo_value_const(value);
    for (const oo_graph *graph = oo_value_graph(value); graph; graph = oo_graph_parent(graph)) {
        const uint64_t key = key_of(tensor, graph);
        for (const entry *e = t->buckets[key & t->mask]; e; e = e->next)
            if (e->key == key && oo_value_graph(e->value) == graph && oo_tensor_equal(oo_value_const(e->value), tensor))
                return e->value;
    }
    return NULL;
}

static void remember(table *t, oo_value *value) {
    entry *const e = oo_scratch(t->rw, sizeof *e);
    e->key = key_of(oo_value_const(value), oo_value_graph(value));
    e->value = value;
    e->next = t->buckets[e->key & t->mask];
    t->buckets[e->key & t->mask] = e;
}

/* False when fuel is out. */
static bool merge(table *t, oo_value *value, oo_value *kept) {
    const uint64_t size = oo_tensor_size(oo_value_const(value));
    if (!oo_begin(t->rw, RULE, NULL))
        return false;
    if (!oo_replace(t->rw, value, kept)) {
        oo_abandon(t->rw);
        oo_miss(t->rw, RULE, NULL, "\"%s\" is not visible at every use of \"%s\"", oo_value_name(kept),
                oo_value_name(value));
        return true;
    }
    oo_drop_initializer(t->rw, value);
    oo_end(t->rw);
    oo_count(t->rw, "initializers removed", 1);
    oo_count(t->rw, "bytes removed", size);
    return true;
}

/* Outputs first: they stay anyway, so that others are best replaced by them. */
static void remember_outputs(table *t, const oo_graph *graph) {
    for (uint32_t i = 0; i < oo_graph_ninitializers(graph); i++) {
        oo_value *const value = oo_graph_initializer(graph, i);
        if (!is_candidate(value) || !oo_value_is_output(value))
            continue;
        if (find_equal(t, value))
            oo_miss(t->rw, RULE, NULL, "\"%s\" is a copy of another, but a graph output", oo_value_name(value));
        else
            remember(t, value);
    }
}

static bool merge_in(table *t, const oo_graph *graph) {
    remember_outputs(t, graph);
    for (uint32_t i = 0; i < oo_graph_ninitializers(graph); i++) {
        oo_value *const value = oo_graph_initializer(graph, i);
        if (!is_candidate(value) || oo_value_is_output(value))
            continue;
        oo_value *const kept = find_equal(t, value);
        if (!kept)
            remember(t, value);
        else if (!merge(t, value, kept))
            return false;
    }
    return true;
}

/* A Constant in the place of which an initializer that is there anyway will do. False when fuel is out. */
static bool merge_constant(const table *t, oo_node *node) {
    oo_value *const value = oo_node_noutputs(node) == 1 ? oo_node_output(node, 0) : NULL;
    if (!value || !oo_value_const(value) || oo_value_is_pinned(value))
        return true;
    oo_value *const kept = find_equal(t, value);
    if (!kept)
        return true;
    if (!oo_begin(t->rw, RULE, node))
        return false;
    const uint64_t size = oo_tensor_size(oo_value_const(value));
    if (!oo_replace(t->rw, value, kept)) {
        oo_abandon(t->rw);
        return true;
    }
    oo_erase(t->rw, node);
    oo_end(t->rw);
    oo_count(t->rw, "constants removed", 1);
    oo_count(t->rw, "bytes removed", size);
    return true;
}

static bool merge_constants(const table *t, const oo_graph *graph) {
    oo_for_each_node(node, graph)
        if (oo_node_is(node, "Constant") && !merge_constant(t, node))
            return false;
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    uint64_t count = 0, buckets = 16;
    oo_for_each_graph(graph, model)
        count += oo_graph_ninitializers(graph);
    while (buckets < count)
        buckets *= 2;
    table t = {.rw = rw, .buckets = oo_scratch(rw, buckets * sizeof(entry *)), .mask = buckets - 1};
    oo_for_each_graph(graph, model)
        if (!merge_in(&t, graph) || !merge_constants(&t, graph))
            break;
    return OO_OK;
}

const oo_pass oo_pass_merge_initializers = {
    .size = sizeof(oo_pass),
    .name = "dedup-initializers",
    .summary = "Keep one of several initializers with the same type, dimensions and bits",
    .doc = "Comparison is bit by bit: 0.0 and -0.0 differ, and a NaN equals only the same NaN. An initializer of a "
           "subgraph may give way to an equal one of a graph around it. Initializers that a graph input can override, "
           "and annotated ones, are neither replaced nor used for others; graph outputs are not replaced. A Constant "
           "node gives way to an initializer that is there anyway; of several Constant nodes cse makes one.",
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
