/* What kernels ask of their call: inputs, outputs, attributes, errors, subgraphs. */
#include "eval/evaluator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const oo_array *oo__in(const oo__call *c, uint32_t index) {
    const oo_datum *const d = index < c->nin ? c->in[index] : NULL;
    if (!d)
        return NULL;
    if (d->kind == OO_DATUM_TENSOR)
        return d->array;
    /* An optional that holds a tensor may stand for the tensor (ONNX allows it where a schema takes both). */
    if (d->kind == OO_DATUM_OPTIONAL && d->nitems == 1 && d->items[0]->kind == OO_DATUM_TENSOR)
        return d->items[0]->array;
    oo__eval_fail(c, "input %u is no tensor", index);
    return NULL;
}

oo_status oo__set(oo__call *c, uint32_t index, oo_array *array) {
    if (!array)
        return oo__eval_fail(c, "output %u would be larger than the limit for one tensor", index);
    if (index >= c->nout) {
        oo__array_release(array);
        return OO_OK;
    }
    oo__datum_release(c->out[index]);
    c->out[index] = oo__datum_tensor(array);
    return OO_OK;
}

/* ---- attributes ---- */
static const oo_attr *attr_of_node(const oo_node *node, const char *name) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (strcmp(oo_attr_name(node->attrs[i]), name) == 0)
            return node->attrs[i];
    return NULL;
}

/* What a reference means: the caller's attribute, else the function's default, else nothing. The caller may itself refer further out. */
static const oo_attr *resolve(const oo_attr *attr, const oo__frame *frame) {
    while (attr && attr->reference && frame) {
        const char *const name = attr->reference;
        attr = attr_of_node(frame->call, name);
        for (uint32_t i = 0; !attr && i < frame->function->defaults.n; i++)
            if (strcmp(oo_attr_name(frame->function->defaults.data[i]), name) == 0)
                attr = frame->function->defaults.data[i];
        frame = frame->around;
    }
    return attr && !attr->reference && !attr->raw.data ? attr : NULL;
}

const oo_attr *oo__attr(const oo__call *c, const char *name) {
    return resolve(attr_of_node(c->node, name), c->evaluator->frame);
}

int64_t oo__int(const oo__call *c, const char *name, int64_t absent) {
    const oo_attr *const a = oo__attr(c, name);
    if (a && a->type == OO_ATTR_INT)
        return a->i;
    const oo_schema_attr *const s = oo__schema_attr(c->schema, name);
    return s && s->has_default && s->type == OO_ATTR_INT ? s->i : absent;
}

double oo__float(const oo__call *c, const char *name, double absent) {
    const oo_attr *const a = oo__attr(c, name);
    if (a && a->type == OO_ATTR_FLOAT)
        return (double)a->f;
    const oo_schema_attr *const s = oo__schema_attr(c->schema, name);
    return s && s->has_default && s->type == OO_ATTR_FLOAT ? (double)s->f : absent;
}

const char *oo__string(const oo__call *c, const char *name, const char *absent) {
    const oo_attr *const a = oo__attr(c, name);
    if (a && a->type == OO_ATTR_STRING)
        return a->s.data ? (const char *)a->s.data : "";
    const oo_schema_attr *const s = oo__schema_attr(c->schema, name);
    return s && s->has_default && s->type == OO_ATTR_STRING ? s->s : absent;
}

const int64_t *oo__ints(const oo__call *c, const char *name, uint32_t *count) {
    const oo_attr *const a = oo__attr(c, name);
    const oo_schema_attr *const s = a ? NULL : oo__schema_attr(c->schema, name);
    if (s && s->has_default && s->type == OO_ATTR_INTS) {
        *count = s->count;
        return s->ints;
    }
    const bool present = a && a->type == OO_ATTR_INTS;
    *count = present ? a->count : 0;
    return present ? a->ints : NULL;
}

const float *oo__floats(const oo__call *c, const char *name, uint32_t *count) {
    const oo_attr *const a = oo__attr(c, name);
    const oo_schema_attr *const s = a ? NULL : oo__schema_attr(c->schema, name);
    if (s && s->has_default && s->type == OO_ATTR_FLOATS) {
        *count = s->count;
        return s->floats;
    }
    const bool present = a && a->type == OO_ATTR_FLOATS;
    *count = present ? a->count : 0;
    return present ? a->floats : NULL;
}

/* ---- errors ---- */
void oo__eval_tell(const oo__call *c, oo_status status, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    oo__report(c->node->graph->model, OO_ERROR, status == OO_INVALID ? "eval-invalid" : "eval-unsupported", NULL, c->node, NULL, "%s", text);
}

/* ---- subgraphs ---- */
oo_status oo__run_subgraph(oo__call *c, const char *name, oo_datum *const *inputs, uint32_t ninputs, oo_datum **outputs,
                           uint32_t noutputs) {
    const oo_attr *const attr = oo__attr(c, name);
    if (!attr || attr->type != OO_ATTR_GRAPH)
        return oo__eval_fail(c, "attribute \"%s\" holds no graph", name);
    const oo_graph *const graph = attr->g;
    if (graph->outputs.n != noutputs)
        return oo__eval_fail(c, "subgraph \"%s\" has %u outputs where %u are wanted", name, graph->outputs.n, noutputs);
    for (uint32_t i = 0; i < noutputs; i++)
        outputs[i] = NULL;
    const oo_status status = oo__run_graph(c->evaluator, graph, inputs, ninputs, outputs);
    for (uint32_t i = 0; i < noutputs && status != OO_OK; i++) {
        oo__datum_release(outputs[i]);
        outputs[i] = NULL;
    }
    return status;
}

/* ---- sparse constants ---- */
oo_datum *oo__datum_of_sparse(const oo_sparse *sparse) {
    if (!sparse->values || !sparse->indices)
        return NULL;
    oo_array *const values = oo__array_of_tensor(sparse->values);
    oo_array *const indices = oo__array_of_tensor(sparse->indices);
    oo_array *const dense = values && indices ? oo__array_new(values->elem, sparse->rank, sparse->dims) : NULL;
    bool ok = dense && values->elem != OO_STRING && indices->elem == OO_INT64;
    if (ok) {
        const uint32_t width = oo__array_width(values->elem);
        memset(dense->data, 0, dense->count * width);
        for (uint64_t i = 0; ok && i < values->count; i++) {
            uint64_t at = 0;
            for (uint32_t k = 0; k < sparse->rank && indices->rank == 2; k++)
                at = at * (uint64_t)sparse->dims[k] + (uint64_t)((const int64_t *)indices->data)[i * sparse->rank + k];
            if (indices->rank == 1)
                at = (uint64_t)((const int64_t *)indices->data)[i];
            ok = at < dense->count;
            if (ok)
                memcpy((char *)dense->data + at * width, (const char *)values->data + i * width, width);
        }
    }
    oo__array_release(values);
    oo__array_release(indices);
    if (ok)
        return oo__datum_tensor(dense);
    oo__array_release(dense);
    return NULL;
}
