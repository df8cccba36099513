#include "eval/match_models.h"

#include "ir/schema.h"

#include <ctype.h>
#include <string.h>

static void *table(uint32_t count, size_t size) {
    void *const t = calloc((size_t)count + 1, size);
    if (!t)
        oo__oom(((size_t)count + 1) * size);
    return t;
}

/* ---- nodes ---- */
static const oo_schema *schema_of(const oo_node *node) {
    return oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), true);
}

static bool same_operator(const oo_node *a, const oo_node *b) {
    const bool local = a->op->functions || b->op->functions;
    return !local && strcmp(a->op->name, b->op->name) == 0 && strcmp(a->op->domain, b->op->domain) == 0 && schema_of(a) == schema_of(b);
}

/* The same bytes of the same file need not be read. */
static bool same_place(const oo_tensor *a, const oo_tensor *b) {
    const oo_payload *const p = &a->payload, *const q = &b->payload;
    return a->storage == b->storage && a->elem == b->elem && a->rank == b->rank &&
           (!a->rank || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0) && p->source && q->source && p->source->inode &&
           p->source->inode == q->source->inode && p->source->device == q->source->device && p->offset == q->offset && p->size == q->size;
}

static bool same_value(const oo_matching *m, const oo_value *a, const oo_value *b) {
    if (!a || !b)
        return a == b;
    const oo_tensor *const x = oo_value_const(a), *const y = oo_value_const(b);
    return x && y ? same_place(x, y) || oo_tensor_equal(x, y) : m->of_a[b->id] == a;
}

static bool same_inputs(const oo_matching *m, const oo_node *a, const oo_node *b) {
    const uint32_t most = a->ninputs > b->ninputs ? a->ninputs : b->ninputs;
    for (uint32_t i = 0; i < most; i++)
        if (!same_value(m, i < a->ninputs ? a->inputs[i].value : NULL, i < b->ninputs ? b->inputs[i].value : NULL))
            return false;
    return true;
}

/* Outputs at the same places; B may have dropped some that nothing uses. */
static bool same_outputs(const oo_matching *m, const oo_node *a, const oo_node *b) {
    for (uint32_t i = 0; i < b->noutputs; i++)
        if (b->outputs[i] && (i >= a->noutputs || m->of_a[b->outputs[i]->id] != a->outputs[i]))
            return false;
    return true;
}

static bool same_graph(const oo_matching *m, const oo_graph *a, const oo_graph *b) {
    bool same = a->inputs.n == b->inputs.n && a->outputs.n == b->outputs.n;
    for (uint32_t i = 0; same && i < b->outputs.n; i++)
        same = same_value(m, a->outputs.data[i].value, b->outputs.data[i].value);
    for (const oo_node *node = b->first; same && node; node = node->next)
        same = m->same[node->id];
    return same;
}

static const oo_attr *attr_named(const oo_node *node, const char *name) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (strcmp(node->attrs[i]->name, name) == 0)
            return node->attrs[i];
    return NULL;
}

static bool same_attr(const oo_matching *m, const oo_attr *a, const oo_attr *b) {
    if (!a || (a->reference || b->reference))
        return false;
    oo_attr x = *a; /* names are unique in a model, not across two */
    x.name = b->name;
    if (!oo_attr_equal(&x, b))
        return false;
    const uint32_t graphs = oo__attr_ngraphs(b);
    for (uint32_t i = 0; i < graphs; i++)
        if (!same_graph(m, oo__attr_graph(a, i), oo__attr_graph(b, i)))
            return false;
    return true;
}

static bool same_attrs(const oo_matching *m, const oo_node *a, const oo_node *b) {
    if (a->nattrs != b->nattrs)
        return false;
    for (uint32_t i = 0; i < b->nattrs; i++)
        if (!same_attr(m, attr_named(a, b->attrs[i]->name), b->attrs[i]))
            return false;
    return true;
}

/* The node of A whose output is the first one that corresponds. */
static const oo_node *partner(const oo_matching *m, const oo_node *b) {
    for (uint32_t i = 0; i < b->noutputs; i++)
        if (b->outputs[i] && m->of_a[b->outputs[i]->id])
            return m->of_a[b->outputs[i]->id]->producer;
    return NULL;
}

static bool same_node(const oo_matching *m, const oo_node *b) {
    const oo_node *const a = partner(m, b);
    return a && same_operator(a, b) && same_outputs(m, a, b) && same_inputs(m, a, b) && same_attrs(m, a, b);
}

/* ---- values ---- */
static void pair_values(oo_matching *m, const oo_value *a, const oo_value *b) {
    if (m->of_a[b->id])
        m->of_b[m->of_a[b->id]->id] = NULL;
    if (m->of_b[a->id])
        m->of_a[m->of_b[a->id]->id] = NULL;
    m->of_a[b->id] = a;
    m->of_b[a->id] = b;
}

/* Names of one graph of A. The slot of a name holds its value. */
typedef struct names {
    oo_arena *arena;
    oo_intern *pool;
    oo_vec(const char *) used;
} names;

static void put_name(names *n, const oo_value *value) {
    if (!value || !value->name || !*value->name)
        return;
    const char *const name = oo__intern(n->pool, value->name);
    *oo__str_slot(name) = (void *)(uintptr_t)value;
    oo_vec_push(n->arena, &n->used, name);
}

static const oo_value *find_name(const names *n, const char *name, size_t size) {
    const char *const known = oo__intern_find(n->pool, name, size);
    return known ? *oo__str_slot(known) : NULL;
}

/* The name that a value was made for: its stem, in a written model with a number behind. */
static const oo_value *find_stem(const names *n, const oo_value *b) {
    const char *const name = b->name ? b->name : (b->flags & OO_VALUE_FRESH) ? b->read_name : NULL;
    if (!name)
        return NULL;
    if (!b->name)
        return find_name(n, name, strlen(name));
    size_t size = strlen(name);
    while (size && isdigit((unsigned char)name[size - 1]))
        size--;
    return size > 1 && name[size] && name[size - 1] == '_' ? find_name(n, name, size - 1) : NULL;
}

static void match_by_name(oo_matching *m, const names *n, const oo_graph *b) {
    for (const oo_node *node = b->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++) {
            const oo_value *const value = node->outputs[i];
            const oo_value *const a = value && value->name && !m->of_a[value->id] ? find_name(n, value->name, strlen(value->name)) : NULL;
            if (a && !m->of_b[a->id])
                pair_values(m, a, value);
        }
}

/* The last of several values made for one name is the one that stands for it. */
static void match_by_stem(oo_matching *m, const names *n, const oo_graph *b) {
    for (const oo_node *node = b->last; node; node = oo_node_prev(node))
        for (uint32_t i = 0; i < node->noutputs; i++) {
            const oo_value *const value = node->outputs[i];
            const oo_value *const a = value && !m->of_a[value->id] ? find_stem(n, value) : NULL;
            if (a && !m->of_b[a->id])
                pair_values(m, a, value);
        }
}

static void match_graphs(oo_matching *m, const oo_graph *a, const oo_graph *b);

static void match_subgraphs(oo_matching *m, const oo_node *b) {
    const oo_node *const a = partner(m, b);
    for (uint32_t i = 0; a && i < b->nattrs; i++) {
        const oo_attr *const x = attr_named(a, b->attrs[i]->name), *const y = b->attrs[i];
        for (uint32_t k = 0; x && k < oo__attr_ngraphs(y) && k < oo__attr_ngraphs(x); k++)
            match_graphs(m, oo__attr_graph(x, k), oo__attr_graph(y, k));
    }
}

/* Inputs of a main graph go by name (some may be defaults that are gone), those of subgraphs by position. */
static void match_inputs(oo_matching *m, const names *n, const oo_graph *a, const oo_graph *b) {
    for (uint32_t i = 0; i < b->inputs.n; i++) {
        const oo_value *const value = b->inputs.data[i].value;
        const char *const name = b->owner ? NULL : value->name;
        const oo_value *const x = name ? find_name(n, name, strlen(name)) : b->owner && i < a->inputs.n ? a->inputs.data[i].value : NULL;
        if (x && !x->producer)
            pair_values(m, x, value);
    }
}

static void match_outputs(oo_matching *m, const oo_graph *a, const oo_graph *b) {
    for (uint32_t i = 0; i < a->outputs.n && i < b->outputs.n; i++) {
        const oo_value *const x = a->outputs.data[i].value, *const y = b->outputs.data[i].value;
        if (x->producer && y->producer && x->graph == a && y->graph == b && !m->of_a[y->id] && !m->of_b[x->id])
            pair_values(m, x, y);
    }
}

static void match_graphs(oo_matching *m, const oo_graph *a, const oo_graph *b) {
    names n = {.arena = oo__arena_new()};
    n.pool = oo__intern_new(n.arena);
    for (uint32_t i = 0; i < a->inputs.n && !a->owner; i++)
        put_name(&n, a->inputs.data[i].value);
    for (const oo_node *node = a->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            put_name(&n, node->outputs[i]);
    match_inputs(m, &n, a, b);
    match_outputs(m, a, b);
    match_by_name(m, &n, b);
    match_by_stem(m, &n, b);
    for (uint32_t i = 0; i < n.used.n; i++)
        *oo__str_slot(n.used.data[i]) = NULL;
    oo__intern_free(n.pool);
    oo__arena_free(n.arena);
    for (const oo_node *node = b->first; node; node = node->next) {
        match_subgraphs(m, node);
        m->same[node->id] = same_node(m, node);
    }
}

oo_matching *oo__matching_new(const oo_model *a, const oo_model *b) {
    oo_matching *const m = oo__malloc(sizeof *m);
    *m = (oo_matching){.a = a, .b = b};
    m->of_a = table(b->nvalues, sizeof *m->of_a);
    m->of_b = table(a->nvalues, sizeof *m->of_b);
    m->same = table(b->nnodes, sizeof *m->same);
    match_graphs(m, a->graph, b->graph);
    return m;
}

void oo__matching_free(oo_matching *m) {
    if (!m)
        return;
    free(m->of_a);
    free(m->of_b);
    free(m->same);
    free(m);
}
