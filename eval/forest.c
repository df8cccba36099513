#include "eval/forest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- walking ---- */
static bool is_member(const oo__forest *f, const oo__tree_node *n, double x) {
    uint32_t low = n->first, high = n->first + n->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (f->members[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n->first + n->count && f->members[low] == x;
}

static bool holds(const oo__forest *f, const oo__tree_node *n, double x) {
    if (isnan(x) && n->missing_true)
        return true;
    switch (n->mode) {
    case OO__LEQ: return x <= n->split;
    case OO__LT: return x < n->split;
    case OO__GTE: return x >= n->split;
    case OO__GT: return x > n->split;
    case OO__EQ: return x == n->split;
    case OO__NEQ: return x != n->split;
    case OO__MEMBER: return is_member(f, n, x);
    case OO__LEAF: break;
    }
    return false;
}

uint32_t oo__forest_leaf(const oo__forest *f, uint32_t root, const oo_array *x, uint64_t row) {
    uint32_t at = root;
    const uint64_t base = x->rank == 2 ? row * (uint64_t)x->dims[1] : 0;
    for (uint32_t steps = 0; steps <= f->nnodes; steps++) {
        const oo__tree_node *const n = &f->nodes[at];
        if (n->mode == OO__LEAF)
            return at;
        at = holds(f, n, oo__array_double(x, base + n->feature)) ? n->yes : n->no;
    }
    return UINT32_MAX;
}

void oo__forest_free(oo__forest *f) {
    free(f->nodes);
    free(f->votes);
    free(f->members);
    free(f->roots);
}

/* ---- votes ---- */
static int by_node(const void *a, const void *b) {
    const oo__vote *const x = a, *const y = b;
    return x->node != y->node ? (x->node > y->node) * 2 - 1 : (x->target > y->target) - (x->target < y->target);
}

/* Sorts the votes, gives them to their nodes, and finds out what is true of all. */
static void settle_votes(oo__forest *f) {
    f->positive = f->single = true;
    if (f->nvotes)
        qsort(f->votes, f->nvotes, sizeof *f->votes, by_node);
    f->only = f->nvotes ? f->votes[0].target : 0;
    for (uint32_t i = 0; i < f->nvotes; i++) {
        oo__tree_node *const n = &f->nodes[f->votes[i].node];
        if (n->mode == OO__LEAF && !n->count++)
            n->first = i;
        f->positive &= !(f->votes[i].weight < 0);
        f->single &= f->votes[i].target == f->only;
    }
}

/* ---- attributes with tree and node ids ---- */
typedef struct list {
    const int64_t *data;
    uint32_t n;
} list;

/* Numbers from an attribute of floats, or from the tensor `name`_as_tensor in its place. */
typedef struct numbers {
    const float *floats;
    oo_array *array;
    uint32_t n;
} numbers;

static list ints_of(const oo__call *c, const char *name) {
    list l;
    l.data = oo__ints(c, name, &l.n);
    return l;
}

static numbers numbers_of(const oo__call *c, const char *name) {
    char other[64];
    snprintf(other, sizeof other, "%s_as_tensor", name);
    const oo_attr *const a = oo__attr(c, other);
    numbers n = {0};
    if (a && a->type == OO_ATTR_TENSOR && a->t->count && a->t->count < UINT32_MAX) {
        n.array = oo__array_of_tensor(a->t);
        if (n.array && oo__is_number(n.array))
            n.n = (uint32_t)n.array->count;
        return n;
    }
    n.floats = oo__floats(c, name, &n.n);
    return n;
}

static double number(const numbers *n, uint32_t i) {
    return n->floats ? (double)n->floats[i] : oo__array_double(n->array, i);
}

typedef struct node_id {
    int64_t tree, node;
    uint32_t index;
} node_id;

static int by_id(const void *a, const void *b) {
    const node_id *const x = a, *const y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

typedef struct reader {
    const oo__call *c;
    oo__forest *f;
    uint64_t features;
    list trees, ids, yes, no, features_of, missing;
    const oo_attr *modes;
    numbers splits;
    node_id *sorted;
} reader;

static uint32_t node_at(const reader *r, int64_t tree, int64_t node) {
    const node_id key = {tree, node, 0};
    const node_id *const found = r->f->nnodes ? bsearch(&key, r->sorted, r->f->nnodes, sizeof key, by_id) : NULL;
    return found ? found->index : UINT32_MAX;
}

static bool mode_of(oo_bytes text, oo__branch *out) {
    static const char *const NAMES[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
    for (uint32_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++)
        if (text.size == strlen(NAMES[k]) && memcmp(text.data, NAMES[k], text.size) == 0) {
            *out = (oo__branch)k;
            return k != OO__MEMBER;
        }
    return false;
}

static oo_status read_node(const reader *r, uint32_t i) {
    oo__tree_node *const n = &r->f->nodes[i];
    if (!mode_of(r->modes->strings[i], &n->mode))
        return oo__eval_fail(r->c, "the mode of node %u is unknown", i);
    n->missing_true = i < r->missing.n && r->missing.data[i] != 0;
    if (n->mode == OO__LEAF)
        return OO_OK;
    if (r->features_of.data[i] < 0 || (uint64_t)r->features_of.data[i] >= r->features)
        return oo__eval_fail(r->c, "node %u asks for feature %lld of %llu", i, (long long)r->features_of.data[i],
                             (unsigned long long)r->features);
    n->feature = (uint32_t)r->features_of.data[i];
    n->split = number(&r->splits, i);
    n->yes = node_at(r, r->trees.data[i], r->yes.data[i]);
    n->no = node_at(r, r->trees.data[i], r->no.data[i]);
    return n->yes < r->f->nnodes && n->no < r->f->nnodes
               ? OO_OK
               : oo__eval_fail(r->c, "node %u has a branch to a node that is not there", i);
}

/* Roots are the first nodes of each run of equal tree ids. */
static oo_status read_nodes(reader *r) {
    oo__forest *const f = r->f;
    f->nnodes = r->ids.n;
    f->nodes = calloc(f->nnodes + 1u, sizeof *f->nodes);
    f->roots = calloc(f->nnodes + 1u, sizeof *f->roots);
    r->sorted = calloc(f->nnodes + 1u, sizeof *r->sorted);
    if (!f->nodes || !f->roots || !r->sorted)
        oo__oom(f->nnodes * sizeof *f->nodes);
    for (uint32_t i = 0; i < f->nnodes; i++) {
        r->sorted[i] = (node_id){r->trees.data[i], r->ids.data[i], i};
        if (!i || r->trees.data[i] != r->trees.data[i - 1])
            f->roots[f->nroots++] = i;
    }
    if (f->nnodes)
        qsort(r->sorted, f->nnodes, sizeof *r->sorted, by_id);
    for (uint32_t i = 1; i < f->nnodes; i++)
        if (by_id(&r->sorted[i - 1], &r->sorted[i]) == 0)
            return oo__eval_fail(r->c, "a tree has two nodes with the id %lld", (long long)r->sorted[i].node);
    for (uint32_t i = 0; i < f->nnodes; i++)
        OO_TRY(read_node(r, i));
    return OO_OK;
}

static oo_status read_votes(const reader *r, const char *prefix) {
    char names[4][32];
    static const char *const PARTS[] = {"ids", "nodeids", "treeids", "weights"};
    for (uint32_t k = 0; k < 4; k++)
        snprintf(names[k], sizeof names[k], "%s_%s", prefix, PARTS[k]);
    const list targets = ints_of(r->c, names[0]), nodes = ints_of(r->c, names[1]), trees = ints_of(r->c, names[2]);
    const numbers weights = numbers_of(r->c, names[3]);
    oo__forest *const f = r->f;
    oo_status status = OO_OK;
    if (targets.n != nodes.n || targets.n != trees.n || targets.n != weights.n)
        status = oo__eval_fail(r->c, "the attributes %s_* differ in length", prefix);
    f->nvotes = status == OO_OK ? targets.n : 0;
    f->votes = oo__malloc(f->nvotes * sizeof *f->votes + 1);
    for (uint32_t i = 0; i < f->nvotes && status == OO_OK; i++) {
        f->votes[i] =
            (oo__vote){node_at(r, trees.data[i], nodes.data[i]), (uint32_t)targets.data[i], number(&weights, i)};
        if (f->votes[i].node >= f->nnodes || targets.data[i] < 0 || targets.data[i] >= (int64_t)f->targets)
            status = oo__eval_fail(r->c, "weight %u is for a node or a target that is not there", i);
    }
    oo__array_release(weights.array);
    if (status == OO_OK)
        settle_votes(f);
    return status;
}

oo_status oo__forest_by_ids(const oo__call *c, oo__forest *f, const char *votes, uint32_t targets, uint64_t features) {
    *f = (oo__forest){.targets = targets};
    reader r = {.c = c,
                .f = f,
                .features = features,
                .modes = oo__attr(c, "nodes_modes"),
                .splits = numbers_of(c, "nodes_values")};
    r.trees = ints_of(c, "nodes_treeids");
    r.ids = ints_of(c, "nodes_nodeids");
    r.yes = ints_of(c, "nodes_truenodeids");
    r.no = ints_of(c, "nodes_falsenodeids");
    r.features_of = ints_of(c, "nodes_featureids");
    r.missing = ints_of(c, "nodes_missing_value_tracks_true");
    const uint32_t n = r.ids.n;
    oo_status status = OO_OK;
    if (!n || !r.modes || r.modes->type != OO_ATTR_STRINGS || r.modes->count != n || r.trees.n != n || r.yes.n != n ||
        r.no.n != n || r.features_of.n != n || r.splits.n != n)
        status = oo__eval_fail(c, "the attributes nodes_* are missing or differ in length");
    if (status == OO_OK)
        status = read_nodes(&r);
    if (status == OO_OK)
        status = read_votes(&r, votes);
    oo__array_release(r.splits.array);
    free(r.sorted);
    return status;
}

/* ---- attributes with positions: inner nodes first, then the leaves ---- */
typedef struct position_reader {
    const oo__call *c;
    oo__forest *f;
    uint32_t inner;
    oo_array *modes, *splits, *weights, *members;
    list features_of, yes, no, yes_leaf, no_leaf, missing, targets, roots;
} position_reader;

static oo_array *tensor_of(const oo__call *c, const char *name) {
    const oo_attr *const a = oo__attr(c, name);
    oo_array *const array =
        a && a->type == OO_ATTR_TENSOR && a->t->count < UINT32_MAX ? oo__array_of_tensor(a->t) : NULL;
    if (!array || oo__is_number(array))
        return array;
    oo__array_release(array);
    return NULL;
}

static bool has(const oo_array *a, uint32_t count) { return a && a->count == count; }

static uint32_t branch_to(const position_reader *r, int64_t leaf, int64_t position) {
    const uint32_t limit = leaf ? r->targets.n : r->inner;
    return position >= 0 && position < (int64_t)limit ? (uint32_t)position + (leaf ? r->inner : 0) : UINT32_MAX;
}

static oo_status place_node(const position_reader *r, uint32_t i, uint64_t features) {
    oo__tree_node *const n = &r->f->nodes[i];
    const int64_t mode = oo__index(r->modes, i);
    if (mode < OO__LEQ || mode > OO__MEMBER)
        return oo__eval_fail(r->c, "the mode of node %u is unknown", i);
    if (r->features_of.data[i] < 0 || (uint64_t)r->features_of.data[i] >= features)
        return oo__eval_fail(r->c, "node %u asks for feature %lld of %llu", i, (long long)r->features_of.data[i],
                             (unsigned long long)features);
    n->mode = (oo__branch)mode;
    n->missing_true = i < r->missing.n && r->missing.data[i] != 0;
    n->feature = (uint32_t)r->features_of.data[i];
    n->split = oo__array_double(r->splits, i);
    n->yes = branch_to(r, r->yes_leaf.data[i], r->yes.data[i]);
    n->no = branch_to(r, r->no_leaf.data[i], r->no.data[i]);
    return n->yes < r->f->nnodes && n->no < r->f->nnodes
               ? OO_OK
               : oo__eval_fail(r->c, "node %u has a branch to a node that is not there", i);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The sets of the MEMBER nodes stand one after the other, each ended by NaN. */
static oo_status place_members(const position_reader *r) {
    oo__forest *const f = r->f;
    uint32_t at = 0;
    const uint32_t end = r->members ? (uint32_t)r->members->count : 0;
    f->members = r->members ? oo__array_doubles(r->members) : NULL;
    for (uint32_t i = 0; i < r->inner; i++) {
        oo__tree_node *const n = &f->nodes[i];
        if (n->mode != OO__MEMBER)
            continue;
        if (at >= end)
            return oo__eval_fail(r->c, "membership_values has fewer sets than there are nodes that ask for one");
        n->first = at;
        while (at < end && !isnan(f->members[at]))
            at++;
        n->count = at++ - n->first;
        if (n->count)
            qsort(f->members + n->first, n->count, sizeof *f->members, by_value);
    }
    return OO_OK;
}

static oo_status place_leaves(const position_reader *r) {
    oo__forest *const f = r->f;
    f->nvotes = r->targets.n;
    f->votes = oo__malloc(f->nvotes * sizeof *f->votes + 1);
    for (uint32_t i = 0; i < f->nvotes; i++) {
        if (r->targets.data[i] < 0 || r->targets.data[i] >= (int64_t)f->targets)
            return oo__eval_fail(r->c, "leaf %u is for target %lld of %u", i, (long long)r->targets.data[i],
                                 f->targets);
        f->nodes[r->inner + i].mode = OO__LEAF;
        f->votes[i] = (oo__vote){r->inner + i, (uint32_t)r->targets.data[i], oo__array_double(r->weights, i)};
    }
    settle_votes(f);
    f->nroots = r->roots.n;
    f->roots = oo__malloc(f->nroots * sizeof *f->roots + 1);
    for (uint32_t i = 0; i < f->nroots; i++) {
        if (r->roots.data[i] < 0 || r->roots.data[i] >= (int64_t)r->inner)
            return oo__eval_fail(r->c, "tree %u has its root at node %lld of %u", i, (long long)r->roots.data[i],
                                 r->inner);
        f->roots[i] = (uint32_t)r->roots.data[i];
    }
    return OO_OK;
}

static oo_status place_all(position_reader *r, uint64_t features) {
    const uint32_t n = r->inner = r->features_of.n;
    if (!n || !has(r->modes, n) || !has(r->splits, n) || r->yes.n != n || r->no.n != n || r->yes_leaf.n != n ||
        r->no_leaf.n != n)
        return oo__eval_fail(r->c, "the attributes nodes_* are missing or differ in length");
    if (!r->targets.n || !has(r->weights, r->targets.n) || r->targets.n > UINT32_MAX - n - 1)
        return oo__eval_fail(r->c, "the attributes leaf_* are missing or differ in length");
    r->f->nnodes = n + r->targets.n;
    oo__tree_node *const nodes = calloc(r->f->nnodes, sizeof *nodes);
    if (!nodes)
        oo__oom(r->f->nnodes * sizeof *nodes);
    r->f->nodes = nodes;
    for (uint32_t i = 0; i < n; i++)
        OO_TRY(place_node(r, i, features));
    OO_TRY(place_members(r));
    return place_leaves(r);
}

oo_status oo__forest_by_position(const oo__call *c, oo__forest *f, uint32_t targets, uint64_t features) {
    *f = (oo__forest){.targets = targets};
    position_reader r = {.c = c,
                         .f = f,
                         .modes = tensor_of(c, "nodes_modes"),
                         .splits = tensor_of(c, "nodes_splits"),
                         .weights = tensor_of(c, "leaf_weights"),
                         .members = tensor_of(c, "membership_values")};
    r.features_of = ints_of(c, "nodes_featureids");
    r.yes = ints_of(c, "nodes_truenodeids");
    r.no = ints_of(c, "nodes_falsenodeids");
    r.yes_leaf = ints_of(c, "nodes_trueleafs");
    r.no_leaf = ints_of(c, "nodes_falseleafs");
    r.missing = ints_of(c, "nodes_missing_value_tracks_true");
    r.targets = ints_of(c, "leaf_targetids");
    r.roots = ints_of(c, "tree_roots");
    const oo_status status = place_all(&r, features);
    oo__array_release(r.modes);
    oo__array_release(r.splits);
    oo__array_release(r.weights);
    oo__array_release(r.members);
    return status;
}
