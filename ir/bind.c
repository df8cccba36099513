/* Names to values while a model is read. Each interned name's slot points to its innermost definition; closing a scope restores what
 * was there before, so that a look-up costs one load. */
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

typedef struct definition {
    oo_value *value;
    struct definition *outer; /* what the name meant in the scopes around */
    uint32_t depth;
    const char *name;
} definition;

typedef struct pending {
    oo_node *node;
    uint32_t index;
    const char *name;
} pending;

typedef struct scope {
    oo_graph *graph;
    uint32_t definitions, late; /* counts of both stacks when the scope opened */
} scope;

struct oo_binder {
    oo_model *model;
    oo_arena *arena; /* of definitions */
    oo_vec(scope) scopes;
    oo_vec(definition *) definitions;
    oo_vec(pending) late;
    bool collect;
};

oo_binder *oo__binder_new(oo_model *model) {
    oo_binder *const b = oo__malloc(sizeof *b);
    *b = (oo_binder){.model = model, .arena = oo__arena_new()};
    return b;
}

void oo__binder_collect(oo_binder *b) { b->collect = true; }

static void forget(oo_binder *b, uint32_t down_to) {
    while (b->definitions.n > down_to) {
        definition *const d = b->definitions.data[--b->definitions.n];
        *oo__str_slot(d->name) = d->outer;
    }
}

void oo__binder_free(oo_binder *b) {
    if (!b)
        return;
    forget(b, 0);
    oo_vec_free(&b->scopes);
    oo_vec_free(&b->definitions);
    oo_vec_free(&b->late);
    oo__arena_free(b->arena);
    free(b);
}

void oo__binder_open(oo_binder *b, oo_graph *graph) {
    oo_vec_push(NULL, &b->scopes, (scope){graph, b->definitions.n, b->late.n});
}

static const char *shown(const oo_node *node) {
    const char *const text = *oo_node_name(node) ? oo_node_name(node) : node->op->name;
    return oo__printable(text, strlen(text));
}

bool oo__binder_define(oo_binder *b, oo_value *value) {
    definition *const outer = *oo__str_slot(value->name);
    if (outer && outer->depth == b->scopes.n) {
        oo__report(b->model, OO_ERROR, "load-duplicate-name", value->graph, value->producer, NULL,
                   "the name \"%s\" is defined twice%s%s", oo__printable(value->name, oo__str_len(value->name)),
                   outer->value->producer ? ", first by node " : "", outer->value->producer ? shown(outer->value->producer) : "");
        return false;
    }
    definition *const d = oo__arena_take(b->arena, sizeof *d);
    *d = (definition){value, outer, b->scopes.n, value->name};
    *oo__str_slot(value->name) = d;
    oo_vec_push(NULL, &b->definitions, d);
    return true;
}

oo_value *oo__binder_find(oo_binder *b, const char *name) {
    (void)b;
    const definition *const d = *oo__str_slot(name);
    return d ? d->value : NULL;
}

oo_value *oo__binder_find_local(oo_binder *b, const char *name) {
    const definition *const d = *oo__str_slot(name);
    return d && d->depth == b->scopes.n ? d->value : NULL;
}

void oo__binder_connect(oo_binder *b, oo_node *node, uint32_t index, const char *name) {
    oo_value *const value = oo__binder_find(b, name);
    if (value)
        oo__use_link(node, index, value);
    else
        oo_vec_push(NULL, &b->late, (pending){node, index, name});
}

static void report_unknown(const oo_binder *b, const pending *p) {
    oo__report(b->model, OO_ERROR, "load-unknown-value", p->node->graph, p->node, NULL,
               "input %u \"%s\" is defined nowhere: no node, graph input or initializer has this name", p->index,
               oo__printable(p->name, oo__str_len(p->name)));
}

/* Gives an input of no name a value that nothing makes. */
static void adopt(oo_binder *b, const pending *p, bool report) {
    if (report)
        report_unknown(b, p);
    oo_value *const value = oo__value_new(p->node->graph, p->name);
    value->flags = OO_VALUE_ORPHAN;
    oo__use_link(p->node, p->index, value);
    b->model->defects++;
}

bool oo__binder_close(oo_binder *b) {
    const scope s = b->scopes.data[b->scopes.n - 1];
    uint32_t kept = s.late;
    for (uint32_t i = s.late; i < b->late.n; i++) {
        const pending p = b->late.data[i];
        const definition *const d = *oo__str_slot(p.name);
        if (d) {
            oo__use_link(p.node, p.index, d->value);
            d->value->graph->unsorted = true;
        } else {
            b->late.data[kept++] = p;
        }
    }
    b->late.n = kept;
    forget(b, s.definitions);
    b->scopes.n--;
    if (b->scopes.n > 0)
        return true;
    if (b->late.n)
        report_unknown(b, &b->late.data[0]);
    const bool ok = b->late.n == 0 || b->collect;
    for (uint32_t i = 0; b->collect && i < b->late.n; i++)
        adopt(b, &b->late.data[i], i > 0);
    b->late.n = 0;
    return ok;
}
