/* A hash over what a model computes and promises: used to see whether a pass that says "nothing changed" told the truth. */
#include "base/hash.h"
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

typedef struct hasher {
    uint64_t hash;
    uint32_t *number; /* by value id: order of first sight + 1 */
    uint32_t next;
} hasher;

static void add(hasher *h, uint64_t word) { h->hash = oo__hash_combine(h->hash, word); }
static void add_bytes(hasher *h, const void *data, size_t size) { add(h, oo__hash(data, size)); }
static void add_text(hasher *h, const char *text) { add_bytes(h, text ? text : "", text ? strlen(text) : 0); }

static void add_value(hasher *h, const oo_value *value) {
    if (!value) {
        add(h, 0);
        return;
    }
    if (!h->number[value->id])
        h->number[value->id] = h->next++;
    add(h, h->number[value->id]);
}

static void add_type(hasher *h, const oo_type *type) {
    if (!type) {
        add(h, 0);
        return;
    }
    add(h, (uint64_t)type->kind << 32 | (uint32_t)type->elem);
    add(h, type->has_shape ? type->rank + 1 : 0);
    for (uint32_t i = 0; i < type->rank; i++) {
        add(h, (uint64_t)type->dims[i].kind);
        add(h, (uint64_t)type->dims[i].value);
        add_text(h, type->dims[i].param);
    }
    add_type(h, type->inner);
}

static void add_graph(hasher *h, const oo_graph *graph);

static void add_attr(hasher *h, const oo_attr *a) {
    add_text(h, a->name);
    add(h, (uint64_t)a->type);
    add_text(h, a->reference);
    if (a->raw.data) {
        add_bytes(h, a->raw.data, a->raw.size);
        return;
    }
    const uint32_t graphs = oo__attr_ngraphs(a);
    for (uint32_t i = 0; i < graphs; i++)
        add_graph(h, oo__attr_graph(a, i));
    add(h, a->count);
    switch (a->type) {
    case OO_ATTR_INT: add(h, (uint64_t)a->i); break;
    case OO_ATTR_FLOAT: add_bytes(h, &a->f, sizeof a->f); break;
    case OO_ATTR_STRING: add_bytes(h, a->s.data, a->s.size); break;
    case OO_ATTR_TENSOR: add(h, a->t ? oo_tensor_hash(a->t) : 0); break;
    case OO_ATTR_INTS: add_bytes(h, a->ints, a->count * sizeof *a->ints); break;
    case OO_ATTR_FLOATS: add_bytes(h, a->floats, a->count * sizeof *a->floats); break;
    case OO_ATTR_STRINGS:
        for (uint32_t i = 0; i < a->count; i++)
            add_bytes(h, a->strings[i].data, a->strings[i].size);
        break;
    case OO_ATTR_TENSORS:
        for (uint32_t i = 0; i < a->count; i++)
            add(h, oo_tensor_hash(a->tensors[i]));
        break;
    default: break;
    }
}

static void add_node(hasher *h, const oo_node *node) {
    add_text(h, node->op->domain);
    add_text(h, node->op->name);
    add_text(h, node->extra ? node->extra->overload : NULL);
    add(h, (uint64_t)node->ninputs << 32 | node->noutputs);
    for (uint32_t i = 0; i < node->ninputs; i++)
        add_value(h, node->inputs[i].value);
    for (uint32_t i = 0; i < node->noutputs; i++)
        add_value(h, node->outputs[i]);
    add(h, node->nattrs);
    for (uint32_t i = 0; i < node->nattrs; i++)
        add_attr(h, node->attrs[i]);
}

/* The names of a subgraph's inputs and outputs are its own affair: they are matched by position. */
static void add_infos(hasher *h, const oo_graph *graph, const oo_value_infos *infos) {
    add(h, infos->n);
    for (uint32_t i = 0; i < infos->n; i++) {
        const oo_value *const value = infos->data[i].value;
        add_value(h, value);
        if (!graph->owner)
            add_text(h, value ? value->name : infos->data[i].name);
        add_type(h, infos->data[i].type);
    }
}

static void add_graph(hasher *h, const oo_graph *graph) {
    add_infos(h, graph, &graph->inputs);
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        const oo_value *const value = graph->initializers.data[i];
        if (!value->init)
            continue;
        add_value(h, value);
        add(h, oo_tensor_hash(value->init));
    }
    for (const oo_node *node = graph->first; node; node = node->next)
        add_node(h, node);
    add_infos(h, graph, &graph->outputs);
    for (uint32_t i = 0; i < graph->infos.n; i++)
        if (graph->infos.data[i].value)
            add_type(h, graph->infos.data[i].type);
}

uint64_t oo__model_hash(const oo_model *model) {
    hasher h = {.number = calloc(model->nvalues + 1u, sizeof *h.number), .next = 1};
    if (!h.number)
        oo__oom(model->nvalues);
    for (uint32_t i = 0; i < model->opsets.n; i++) {
        add_text(&h, model->opsets.data[i].domain);
        add(&h, (uint64_t)model->opsets.data[i].version);
    }
    for (uint32_t i = 0; i < model->graphs.n; i++)
        if (!model->graphs.data[i]->dead && !model->graphs.data[i]->owner)
            add_graph(&h, model->graphs.data[i]);
    free(h.number);
    return h.hash;
}
