/* Sizes that are equal are computed once; a vector of sizes that takes a chain of nodes is taken from the Shape of a value that has them.
 *
 * Graphs are walked in the order in which things are computed, a node's subgraphs before its results: what the tables hold is visible at the
 * place that is looked at. */
#include "passes/place.h"
#include "passes/shapes.h"

#include <stdlib.h>

static const char SHARE[] = "equal-sizes", SHAPE[] = "sizes-from-shape";
/* Values looked at for one dimension; items of one vector; nodes counted of a chain. */
enum { FEW = 4, MAX_ITEMS = 64, MAX_CHAIN = 64 };

/* A value with known contents, or one of whose dimensions is an expression. */
typedef struct entry {
    uint64_t key;
    oo_value *value;
    uint32_t axis;
    struct entry *next; /* in its bucket */
    struct entry *older;
} entry;

typedef struct table {
    entry **buckets;
    entry *newest;
} table;

typedef struct share {
    shapes *s;
    uint64_t mask; /* of both tables */
    table contents, dims;
} share;

/* ---- tables ---- */
static uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static void add(share *h, table *t, uint64_t key, oo_value *value, uint32_t axis) {
    entry *const e = oo_scratch(h->s->rw, sizeof *e);
    entry **const bucket = &t->buckets[key & h->mask];
    *e = (entry){.key = key, .value = value, .axis = axis, .next = *bucket, .older = t->newest};
    *bucket = t->newest = e;
}

static void cut(const share *h, table *t, const entry *newest) {
    for (; t->newest != newest; t->newest = t->newest->older)
        t->buckets[t->newest->key & h->mask] = t->newest->next;
}

/* ---- contents ---- */
/* All items are expressions, and not all of them numbers: those are constants. */
static bool is_size(const oo_value *value) {
    const oo_known *const k = value->known;
    int64_t n;
    bool symbolic = false;
    if (!k || k->elem != OO_INT64 || k->count > MAX_ITEMS || oo_type_elem(value->type) != OO_INT64)
        return false;
    for (uint32_t i = 0; i < k->count; i++) {
        if (!k->items[i].numerator || k->items[i].denominator != 1)
            return false;
        symbolic |= !oo__expr_is_int(k->items[i].numerator, &n);
    }
    return symbolic;
}

static uint64_t key_of(uint32_t rank, uint32_t count, const oo_item *items) {
    uint64_t h = mix(rank, count);
    for (uint32_t i = 0; i < count; i++)
        h = mix(h, (uint64_t)(uintptr_t)items[i].numerator);
    return h;
}

/* Of rank 0 or 1; others are told apart by their dimensions, which are numbers. */
static bool has_items(const oo_known *k, uint32_t rank, const int64_t *dims, uint32_t count, const oo_item *items) {
    if (!k || k->elem != OO_INT64 || k->rank != rank || k->count != count)
        return false;
    for (uint32_t i = 0; i < rank; i++)
        if (k->dims[i] != dims[i])
            return false;
    for (uint32_t i = 0; i < count; i++)
        if (k->items[i].numerator != items[i].numerator || k->items[i].denominator != 1)
            return false;
    return true;
}

/* Its node may have been erased since the value was noted. */
static bool is_gone(const oo_value *value) { return value->producer && value->producer->erased; }

static oo_value *find(const share *h, uint32_t rank, const int64_t *dims, uint32_t count, const oo_item *items) {
    const uint64_t key = key_of(rank, count, items);
    for (const entry *e = h->contents.buckets[key & h->mask]; e; e = e->next)
        if (e->key == key && !is_gone(e->value) && has_items(e->value->known, rank, dims, count, items))
            return e->value;
    return NULL;
}

static void remember_contents(share *h, oo_value *value) {
    if (is_size(value))
        add(h, &h->contents, key_of(value->known->rank, value->known->count, value->known->items), value, 0);
}

/* ---- dimensions ---- */
static uint64_t key_of_dim(const oo_expr *e) { return mix(0, (uint64_t)(uintptr_t)e); }

static void remember_dims(share *h, oo_value *value) {
    const oo_type *const type = value->type;
    for (uint32_t i = 0; oo_type_rank(type) > 0 && i < type->rank; i++) {
        int64_t n;
        uint32_t known = 0;
        const oo_expr *const e = type->dims[i].expr;
        if (!e || oo__expr_is_int(e, &n))
            continue;
        const uint64_t key = key_of_dim(e);
        for (const entry *have = h->dims.buckets[key & h->mask]; have && known < FEW; have = have->next)
            known += have->key == key;
        if (known < FEW)
            add(h, &h->dims, key, value, i);
    }
}

/* Whether somebody asks for the shape of the value already: then it lives, and is near. */
static bool is_measured(const oo_value *value) {
    uint32_t seen = 0;
    for (const oo_use *use = value->uses; use && seen < 16; use = use->next, seen++)
        if (oo_node_is(use->user, "Shape"))
            return true;
    return false;
}

/* ---- vectors from shapes ---- */
/* A run of items: a value that is there, dimensions [axis, axis + count) of one, or numbers. */
typedef struct run {
    oo_value *value, *of;
    uint32_t first, count, axis;
} run;

static uint32_t match_length(const oo_type *type, uint32_t axis, const oo_item *items, uint32_t count) {
    uint32_t n = 0;
    while (n < count && axis + n < type->rank && type->dims[axis + n].expr == items[n].numerator)
        n++;
    return n;
}

/* The longest run of dimensions that begins with the first item. Before opset 15, Shape gives all dimensions. */
static run find_run(const share *h, const oo_graph *graph, const oo_item *items, uint32_t count) {
    const uint64_t key = key_of_dim(items[0].numerator);
    const bool whole = oo_graph_opset(graph, "") < 15;
    run best = {0};
    for (const entry *e = h->dims.buckets[key & h->mask]; e; e = e->next) {
        if (e->key != key || is_gone(e->value) || e->value->type->dims[e->axis].expr != items[0].numerator)
            continue;
        const uint32_t n = match_length(e->value->type, e->axis, items, count);
        if (n > best.count && (!whole || n == e->value->type->rank))
            best = (run){.of = e->value, .axis = e->axis, .count = n};
    }
    return best;
}

static bool is_number(const oo_item *item) {
    int64_t n;
    return oo__expr_is_int(item->numerator, &n);
}

/* Cuts the vector into runs; the number of nodes that have to be built, or UINT32_MAX when it cannot be had. */
static uint32_t cut_into_runs(const share *h, const oo_node *node, run *runs, uint32_t *nruns) {
    const oo_known *const k = node->outputs[0]->known;
    uint32_t cost = 0;
    *nruns = 0;
    for (uint32_t i = 0; i < k->count;) {
        run r = {.first = i};
        if (is_number(&k->items[i])) {
            while (i + r.count < k->count && is_number(&k->items[i + r.count]))
                r.count++;
        } else {
            r = find_run(h, node->graph, &k->items[i], k->count - i);
            r.first = i;
            if (!r.count)
                return UINT32_MAX;
            const int64_t dims[] = {r.count};
            r.value = find(h, 1, dims, r.count, &k->items[i]);
            cost += r.value == NULL;
        }
        runs[(*nruns)++] = r;
        i += r.count;
    }
    return cost + (*nruns > 1);
}

/* Nodes that go when nobody needs this one any more, at least. */
static uint32_t chain_length(const oo_node *node, uint32_t limit) {
    uint32_t n = 1;
    for (uint32_t i = 0; i < node->ninputs && n < limit; i++) {
        const oo_value *const v = node->inputs[i].value;
        if (v && v->producer && v->nuses == 1 && !oo_value_is_pinned(v) && v->producer->noutputs == 1 &&
            !oo_value_const(v))
            n += chain_length(v->producer, limit - n);
    }
    return n;
}

static oo_value *build_run(const share *h, oo_node *before, const oo_known *k, const run *r) {
    oo_rewriter *const rw = h->s->rw;
    const int64_t dims[] = {r->count};
    int64_t numbers[MAX_ITEMS];
    if (r->value)
        return r->value;
    if (!r->of) {
        for (uint32_t i = 0; i < r->count; i++)
            (void)oo__expr_is_int(k->items[r->first + i].numerator, &numbers[i]);
        return oo_build_const(rw, before->graph, oo_tensor_make(h->s->model, OO_INT64, 1, dims, numbers), "sizes");
    }
    const oo_value *const in[] = {r->of};
    oo_node *const shape = oo_build(rw, before, "", "Shape", in, 1, 1);
    if (r->axis)
        oo_set_int(rw, shape, "start", r->axis);
    if (r->axis + r->count < r->of->type->rank)
        oo_set_int(rw, shape, "end", r->axis + r->count);
    return shape->outputs[0];
}

/* False when it stays. */
static bool rebuild(share *h, oo_node *node) {
    oo_value *const value = node->outputs[0];
    const oo_known *const k = value->known;
    run runs[MAX_ITEMS];
    uint32_t n;
    if (k->rank != 1 || oo_node_is(node, "Shape"))
        return false;
    const uint32_t cost = cut_into_runs(h, node, runs, &n);
    for (uint32_t i = 0; i < n && cost != UINT32_MAX; i++)
        if (!runs[i].value && !runs[i].of && !oo__can_build_const(node->graph, OO_INT64))
            return false;
    if (cost == UINT32_MAX || chain_length(node, MAX_CHAIN) <= cost || !shapes_begin(h->s, SHAPE, node))
        return false;
    const oo_value *parts[MAX_ITEMS] = {NULL};
    for (uint32_t i = 0; i < n; i++)
        parts[i] = build_run(h, node, k, &runs[i]);
    oo_node *const concat = n > 1 ? oo_build(h->s->rw, node, "", "Concat", parts, n, 1) : NULL;
    if (concat)
        oo_set_int(h->s->rw, concat, "axis", 0);
    oo_value *const by = concat ? concat->outputs[0] : (oo_value *)(uintptr_t)parts[0];
    oo_replace(h->s->rw, value, by);
    if (oo__erase_unused(h->s->rw, node) <= cost) {
        oo_abandon(h->s->rw);
        return false;
    }
    oo_end(h->s->rw);
    remember_contents(h, by);
    return true;
}

/* ---- the walk ---- */
static bool share_equal(share *h, oo_node *node) {
    oo_value *const value = node->outputs[0];
    const oo_known *const k = value->known;
    oo_value *const same = find(h, k->rank, k->dims, k->count, k->items);
    if (!same || !shapes_begin(h->s, SHARE, node))
        return false;
    oo_replace(h->s->rw, value, same);
    oo__erase_unused(h->s->rw, node);
    oo_end(h->s->rw);
    return true;
}

/* Whether the node's only result may give way to an equal one. */
static bool is_candidate(const oo_node *node) {
    const oo_value *const value = node->noutputs == 1 ? node->outputs[0] : NULL;
    return value && value->nuses && !oo_value_is_pinned(value) && !oo_node_nsubgraphs(node) &&
           !oo_node_is(node, "Constant") && is_size(value);
}

static void walk(share *h, oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        remember_dims(h, graph->inputs.data[i].value);
    for (oo_node *node = graph->first; node && !h->s->done; node = oo_node_next(node)) {
        const entry *const contents = h->contents.newest, *const dims = h->dims.newest;
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node); i++) {
            walk(h, oo_node_subgraph(node, i));
            cut(h, &h->contents, contents);
            cut(h, &h->dims, dims);
        }
        if (!shapes_is_veil(h->s, node) && is_candidate(node) && (share_equal(h, node) || rebuild(h, node)))
            continue;
        for (uint32_t i = 0; i < node->noutputs; i++) {
            if (!node->outputs[i])
                continue;
            remember_contents(h, node->outputs[i]);
            if (is_measured(node->outputs[i]))
                remember_dims(h, node->outputs[i]);
        }
    }
}

void shapes_share(shapes *s) {
    uint64_t buckets = 64;
    while (buckets < s->model->nvalues)
        buckets *= 2;
    share h = {.s = s, .mask = buckets - 1};
    h.contents.buckets = oo_scratch(s->rw, buckets * sizeof(entry *));
    h.dims.buckets = oo_scratch(s->rw, buckets * sizeof(entry *));
    oo_for_each_graph(graph, s->model) {
        if (graph->owner)
            continue;
        walk(&h, graph);
        cut(&h, &h.contents, NULL);
        cut(&h, &h.dims, NULL);
    }
}
