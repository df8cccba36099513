#include "ir/extract.h"

#include <stdlib.h>
#include <string.h>

typedef struct copier {
    const oo_model *from;
    oo_model *to;
    oo_value **values;   /* by id of the old value: the new one */
    bool *needed;        /* by id of the old node; of the main graph */
    oo_graph **graphs;   /* by index of the old graph: the new one */
    oo_intern *reserved; /* names of the new inputs and outputs */
    bool failed;
} copier;

/* ---- what is needed ---- */
typedef oo_vec(const oo_value *) stack;

static void push_node(const copier *c, stack *todo, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (node->inputs[i].value)
            oo_vec_push(NULL, todo, node->inputs[i].value);
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++) {
            const oo_graph *const graph = oo__attr_graph(node->attrs[i], k);
            for (uint32_t o = 0; o < graph->outputs.n; o++)
                oo_vec_push(NULL, todo, graph->outputs.data[o].value);
            for (const oo_node *inner = graph->first; inner; inner = inner->next)
                push_node(c, todo, inner);
        }
    }
}

static void find_needed(copier *c, const oo_extract *part) {
    stack todo = {0};
    for (uint32_t i = 0; i < part->noutputs; i++)
        oo_vec_push(NULL, &todo, part->outputs[i].value);
    while (todo.n) {
        const oo_value *const value = todo.data[--todo.n];
        const oo_node *const node = value->producer;
        if (value->graph != c->from->graph || c->values[value->id] || !node || c->needed[node->id])
            continue;
        c->needed[node->id] = true;
        push_node(c, &todo, node);
    }
    oo_vec_free(&todo);
}

/* ---- copies ---- */
static const char *text(const copier *c, const char *old) { return old ? oo__str(c->to, old) : NULL; }

static const char *free_name(const copier *c, const char *name) {
    return name && !oo__intern_find(c->reserved, name, strlen(name)) ? oo__str(c->to, name) : NULL;
}

static oo_value *new_value(copier *c, oo_graph *graph, const oo_value *old) {
    oo_value *const value = oo__value_new(graph, free_name(c, old->name));
    if (!value->name) {
        value->flags |= OO_VALUE_FRESH;
        value->read_name = text(c, old->name ? old->name : old->read_name);
        c->to->fresh++;
    }
    value->type = old->type;
    c->values[old->id] = value;
    return value;
}

/* The new value; initializers come when they are first used. */
static oo_value *copied(copier *c, const oo_value *old) {
    if (!old)
        return NULL;
    if (c->values[old->id])
        return c->values[old->id];
    oo_graph *const graph = c->graphs[old->graph->index];
    if (!graph || (!old->init && !old->sparse_init)) {
        c->failed = true;
        return NULL;
    }
    oo_value *const value = new_value(c, graph, old);
    value->flags |= OO_VALUE_INITIALIZER;
    value->init = old->init;
    value->sparse_init = old->sparse_init;
    if (old->init)
        oo_vec_push(c->to->arena, &graph->initializers, value);
    else
        oo_vec_push(c->to->arena, &graph->sparse_initializers, value);
    return value;
}

static void copy_graph(copier *c, const oo_graph *old, oo_graph *graph);

static oo_graph *copy_subgraph(copier *c, const oo_graph *old, oo_node *owner) {
    oo_graph *const graph = oo__graph_new(c->to, owner->graph);
    graph->owner = owner;
    copy_graph(c, old, graph);
    return graph;
}

static oo_attr *copy_attr(copier *c, const oo_attr *old, oo_node *owner) {
    oo_attr *const attr = OO_NEW(c->to->arena, oo_attr);
    *attr = *old;
    attr->name = text(c, old->name);
    attr->reference = text(c, old->reference);
    attr->doc = NULL;
    if (old->type == OO_ATTR_GRAPH && old->g && owner)
        attr->g = copy_subgraph(c, old->g, owner);
    if (old->type != OO_ATTR_GRAPHS || !owner)
        return attr;
    attr->graphs = OO_NEW_ARRAY(c->to->arena, oo_graph *, old->count);
    for (uint32_t i = 0; i < old->count; i++)
        attr->graphs[i] = copy_subgraph(c, old->graphs[i], owner);
    return attr;
}

static void copy_node(copier *c, const oo_node *old, oo_graph *graph) {
    oo_node *const node = oo__node_new(graph, old->domain, old->op->name, old->ninputs, old->noutputs, old->nattrs);
    node->name = text(c, old->name);
    if (old->extra && old->extra->overload)
        oo__node_extra(node)->overload = text(c, old->extra->overload);
    for (uint32_t i = 0; i < old->ninputs; i++)
        oo__use_link(node, i, copied(c, old->inputs[i].value));
    for (uint32_t i = 0; i < old->noutputs; i++) {
        oo_value *const known = old->outputs[i] ? c->values[old->outputs[i]->id] : NULL;
        /* A value that is an input of the new model goes unnamed here: the node is needed for another one. */
        const bool given = known && (known->flags & OO_VALUE_INPUT);
        if (old->outputs[i] && !given)
            oo__node_set_output(node, i, known ? known : new_value(c, graph, old->outputs[i]));
    }
    for (uint32_t i = 0; i < old->nattrs; i++)
        node->attrs[i] = copy_attr(c, old->attrs[i], node);
}

static void put_info(copier *c, oo_value_infos *list, oo_value *value, const oo_type *type) {
    oo_vec_push(c->to->arena, list, (oo_value_info){.value = value, .name = value->name, .type = type});
    value->type = type ? type : value->type;
}

static void put_output(copier *c, oo_graph *graph, oo_value *value, const oo_type *type) {
    if (!value)
        return;
    value->noutputs++;
    if (value->graph == graph)
        value->output_index = graph->outputs.n;
    put_info(c, &graph->outputs, value, type);
}

static void copy_graph(copier *c, const oo_graph *old, oo_graph *graph) {
    c->graphs[old->index] = graph;
    graph->name = text(c, old->name);
    for (uint32_t i = 0; i < old->inputs.n; i++) {
        oo_value *const value = new_value(c, graph, old->inputs.data[i].value);
        value->flags |= OO_VALUE_INPUT;
        put_info(c, &graph->inputs, value, old->inputs.data[i].type);
    }
    for (const oo_node *node = old->first; node; node = node->next)
        copy_node(c, node, graph);
    for (uint32_t i = 0; i < old->outputs.n; i++)
        put_output(c, graph, copied(c, old->outputs.data[i].value), old->outputs.data[i].type);
}

/* ---- the model ---- */
static void copy_opsets(const copier *c, oo_opsets *to, const oo_opsets *from) {
    for (uint32_t i = 0; i < from->n; i++) {
        oo_opset opset = from->data[i];
        opset.domain = text(c, opset.domain);
        oo_vec_push(c->to->arena, to, opset);
    }
}

/* Heads first: a body may call any function. */
static void copy_functions(copier *c) {
    oo_function **const made = OO_NEW_ARRAY(c->to->arena, oo_function *, c->from->functions.n);
    for (uint32_t i = 0; i < c->from->functions.n; i++) {
        const oo_function *const old = c->from->functions.data[i];
        if (old->dropped)
            continue;
        oo_function *const f = made[i] = OO_NEW(c->to->arena, oo_function);
        f->name = text(c, old->name);
        f->domain = text(c, old->domain);
        f->overload = text(c, old->overload);
        copy_opsets(c, &f->opsets, &old->opsets);
        for (uint32_t k = 0; k < old->attributes.n; k++)
            oo_vec_push(c->to->arena, &f->attributes, text(c, old->attributes.data[k]));
        for (uint32_t k = 0; k < old->defaults.n; k++)
            oo_vec_push(c->to->arena, &f->defaults, copy_attr(c, old->defaults.data[k], NULL));
        f->graph = oo__graph_new(c->to, NULL);
        f->graph->function = f;
        oo__function_add(c->to, f);
    }
    for (uint32_t i = 0; i < c->from->functions.n; i++)
        if (made[i])
            copy_graph(c, c->from->functions.data[i]->graph, made[i]->graph);
}

static void place_ends(copier *c, const oo_extract *part) {
    oo_graph *const graph = c->to->graph;
    for (uint32_t i = 0; i < part->ninputs; i++) {
        const oo_extract_end *const end = &part->inputs[i];
        oo_value *const value = oo__value_new(graph, oo__str(c->to, end->name));
        value->flags |= OO_VALUE_INPUT;
        if (end->value)
            c->values[end->value->id] = value;
        put_info(c, &graph->inputs, value, end->type ? end->type : end->value ? end->value->type : NULL);
    }
    for (uint32_t i = 0; i < part->noutputs; i++)
        oo__intern(c->reserved, part->outputs[i].name);
    for (uint32_t i = 0; i < part->ninputs; i++)
        oo__intern(c->reserved, part->inputs[i].name);
}

/* The main graph: outputs are named before the nodes are copied. */
static void copy_part(copier *c, const oo_extract *part) {
    oo_graph *const graph = c->to->graph;
    c->graphs[c->from->graph->index] = graph;
    for (uint32_t i = 0; i < part->noutputs; i++) {
        const oo_value *const old = part->outputs[i].value;
        if (c->values[old->id] || !old->producer)
            continue;
        c->values[old->id] = oo__value_new(graph, oo__str(c->to, part->outputs[i].name));
        c->values[old->id]->type = old->type;
    }
    for (const oo_node *node = c->from->graph->first; node; node = node->next)
        if (c->needed[node->id])
            copy_node(c, node, graph);
    for (uint32_t i = 0; i < part->noutputs; i++)
        put_output(c, graph, copied(c, part->outputs[i].value), part->outputs[i].type);
}

oo_model *oo__model_extract(const oo_model *model, const oo_extract *part) {
    oo_arena *const scratch = oo__arena_new();
    copier c = {.from = model, .to = oo__model_new(model->context, model->path), .reserved = oo__intern_new(scratch)};
    c.values = OO_NEW_ARRAY(scratch, oo_value *, model->nvalues);
    c.needed = OO_NEW_ARRAY(scratch, bool, model->nnodes);
    c.graphs = OO_NEW_ARRAY(scratch, oo_graph *, model->graphs.n);
    /* Before version 4 initializers had to be inputs as well. */
    c.to->ir_version = model->ir_version < 4 ? 4 : model->ir_version;
    c.to->has_ir_version = model->has_ir_version;
    copy_opsets(&c, &c.to->opsets, &model->opsets);
    c.to->graph = oo__graph_new(c.to, NULL);
    c.to->graph->name = text(&c, part->name ? part->name : "part");
    place_ends(&c, part);
    find_needed(&c, part);
    copy_functions(&c);
    copy_part(&c, part);
    oo__intern_free(c.reserved);
    oo__arena_free(scratch);
    if (!c.failed)
        return c.to;
    oo_model_free(c.to);
    return NULL;
}
