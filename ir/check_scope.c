/* Checks of names: every input is defined before it is used, every name is defined once. The slot of an interned name holds the scopes
 * in which it means something, the innermost first, exactly as far as the walk has come. */
#include "ir/check_run.h"

#include <stdlib.h>

typedef struct definition {
    const oo_value *value;
    const char *name;
    struct definition *outer; /* what the name meant before */
    uint32_t depth;
} definition;

typedef struct scopes {
    oo__check_run *c;
    oo_vec(definition *) all;
    uint32_t depth; /* of the graph that is walked; 0 = none */
} scopes;

static definition *find(const char *name) { return *oo__str_slot(name); }

static void define(scopes *s, const oo_value *value) {
    if (!value->name)
        return;
    definition *const d = OO_NEW(s->c->arena, definition);
    *d = (definition){value, value->name, find(value->name), s->depth};
    *oo__str_slot(value->name) = d;
    oo_vec_push(NULL, &s->all, d);
}

static void forget(scopes *s, uint32_t down_to) {
    while (s->all.n > down_to) {
        const definition *const d = s->all.data[--s->all.n];
        *oo__str_slot(d->name) = d->outer;
    }
}

static void walk_graph(scopes *s, const oo_graph *graph);

/* Names of inputs and initializers: whether one hides another of a graph around it. */
static void define_outright(scopes *s, const oo_value *value) {
    const definition *const d = value->name ? find(value->name) : NULL;
    if (d && d->depth < s->depth && !value->graph->training)
        oo__tell(s->c, DEFECT_NAME_HIDDEN, value, "the name hides a value of a graph around this one");
    define(s, value);
}

static void define_heads(scopes *s, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        define_outright(s, graph->inputs.data[i].value);
    for (uint32_t i = 0; i < graph->initializers.n; i++)
        if (graph->initializers.data[i]->init && !(graph->initializers.data[i]->flags & OO_VALUE_INPUT))
            define_outright(s, graph->initializers.data[i]);
    for (uint32_t i = 0; i < graph->sparse_initializers.n; i++)
        if (graph->sparse_initializers.data[i]->sparse_init && !(graph->sparse_initializers.data[i]->flags & OO_VALUE_INPUT))
            define_outright(s, graph->sparse_initializers.data[i]);
}

static void check_inputs(scopes *s, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        if (value && value->name && !(value->flags & OO_VALUE_ORPHAN) && !find(value->name))
            oo__tell(s->c, DEFECT_ORDER, value, "input %u is made by a later node: nodes stand in topological order", i);
    }
}

static void define_outputs(scopes *s, const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        const definition *const d = value && value->name ? find(value->name) : NULL;
        const bool told = d && d->depth == s->depth && s->c->model->defects; /* by the reader */
        if (d && !told && !(node->graph->training && d->depth < s->depth))
            oo__tell(s->c, DEFECT_NAME_TWICE, value, "output %u has a name that is defined already%s", i,
                     d->depth < s->depth ? ", in a graph around this one" : "");
        if (value)
            define(s, value);
    }
}

static void walk_node(scopes *s, const oo_node *node) {
    oo__check_run *const c = s->c;
    c->graph = node->graph;
    c->node = node;
    check_inputs(s, node);
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++)
            walk_graph(s, oo__attr_graph(node->attrs[i], k));
    }
    c->graph = node->graph;
    c->node = node;
    define_outputs(s, node);
    c->node = NULL;
}

/* A function's outputs are names of its body; all other graphs make what they give out themselves. */
static void check_outputs(scopes *s, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        const oo_value *const value = graph->outputs.data[i].value;
        if (value && value->graph != graph)
            oo__tell(s->c, DEFECT_OUTPUT, value, "output %u is a value of a graph around this one: a graph gives out only what is its own", i);
    }
}

static void walk_graph(scopes *s, const oo_graph *graph) {
    const uint32_t before = s->all.n;
    s->depth++;
    s->c->graph = graph;
    s->c->node = NULL;
    define_heads(s, graph);
    for (const oo_node *node = graph->first; node; node = node->next)
        walk_node(s, node);
    s->c->graph = graph;
    check_outputs(s, graph);
    for (uint32_t i = 0; graph == s->c->model->graph && i < s->c->model->trainings.n; i++) {
        const oo_training *const t = s->c->model->trainings.data[i];
        if (t->initialization)
            walk_graph(s, t->initialization);
        if (t->algorithm)
            walk_graph(s, t->algorithm);
    }
    s->depth--;
    forget(s, before);
}

void oo__check_scopes(oo__check_run *c) {
    scopes s = {.c = c};
    if (c->model->graph)
        walk_graph(&s, c->model->graph);
    for (uint32_t i = 0; i < c->model->functions.n; i++)
        walk_graph(&s, c->model->functions.data[i]->graph);
    oo_vec_free(&s.all);
    c->graph = NULL;
    c->node = NULL;
}
