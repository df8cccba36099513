/* Whether the nodes of a graph may be copied to another place: they must mean there what they mean here, and lack nothing. */
#include "ir/schema.h"
#include "ir/splice.h"

#include <stdio.h>

typedef struct question {
    oo_rewriter *rw;
    const oo_graph *body, *at;
    const oo_node *call; /* NULL: the body is a subgraph */
} question;

static const char *graph_problem(const question *q, const oo_graph *graph);

const char *oo__scratch_printf(oo_rewriter *rw, const char *format, ...) {
    enum { ROOM = 512 };
    char *const text = oo_scratch(rw, ROOM);
    va_list args;
    va_start(args, format);
    vsnprintf(text, ROOM, format, args);
    va_end(args);
    return text;
}

static const char *domain_text(const oo_node *node) { return *node->op->domain ? node->op->domain : "ai.onnx"; }

/* ---- the operator ---- */
static const char *opset_problem(const question *q, const oo_node *node) {
    const char *const domain = node->op->domain, *const op = node->op->name;
    if (oo_model_callee(node->graph->model, node))
        return NULL;
    const int64_t here = oo_graph_opset(q->body, domain), there = oo_graph_opset(q->at, domain);
    if (here == there)
        return NULL;
    if (!there)
        return oo__scratch_printf(q->rw, "the model does not import %s, which the body's %s needs", domain_text(node), op);
    const oo_schema *const a = oo__schema_find(domain, op, here), *const b = oo__schema_find(domain, op, there);
    if (oo__schema_means_same(a, b))
        return NULL;
    return oo__scratch_printf(q->rw, "%s of %s is not known to mean at version %lld what it means at %lld, which the body is written for", op,
                              domain_text(node), (long long)there, (long long)here);
}

/* ---- its inputs ---- */
/* Whether the call gives the body nothing for this value. */
static bool is_omitted(const question *q, const oo_value *value) {
    if (!q->call || !value || value->graph != q->body || !(value->flags & OO_VALUE_INPUT))
        return false;
    for (uint32_t i = 0; i < q->body->inputs.n; i++)
        if (q->body->inputs.data[i].value == value)
            return !oo_node_input(q->call, i);
    return false;
}

static const char *input_problem(const question *q, const oo_node *node, const oo_schema *schema) {
    const bool is_call = oo_model_callee(node->graph->model, node) != NULL;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        if (is_call || !is_omitted(q, node->inputs[i].value))
            continue;
        const oo_schema_io *const io = schema ? oo__schema_input(schema, i) : NULL;
        if (!io || !io->optional)
            return oo__scratch_printf(q->rw, "the call omits \"%s\", which the body's %s needs", oo_value_name(node->inputs[i].value),
                                      node->op->name);
    }
    return NULL;
}

/* ---- its attributes ---- */
static const char *attr_problem(const question *q, const oo_node *node, const oo_schema *schema, const oo_attr *attr) {
    if (attr->raw.data)
        return oo__scratch_printf(q->rw, "attribute \"%s\" of the body's %s is malformed", oo_attr_name(attr), node->op->name);
    const oo_attr *const meant = oo__splice_attr(attr, q->call, q->body->function);
    const oo_schema_attr *const row = schema ? oo__schema_attr(schema, oo_attr_name(attr)) : NULL;
    const bool needed = (row && row->required) || oo_node_is(node, "Constant");
    if (!meant && needed)
        return oo__scratch_printf(q->rw, "nothing gives attribute \"%s\", which the body's %s needs", attr->reference, node->op->name);
    if (meant && meant != attr && ((attr->has_type && meant->type != attr->type) || meant->raw.data))
        return oo__scratch_printf(q->rw, "attribute \"%s\" has another type than the body's %s needs", attr->reference, node->op->name);
    const uint32_t graphs = oo__attr_ngraphs(attr);
    for (uint32_t i = 0; i < graphs; i++) {
        const char *const problem = graph_problem(q, oo__attr_graph(attr, i));
        if (problem)
            return problem;
    }
    return NULL;
}

static const char *node_problem(const question *q, const oo_node *node) {
    const oo_schema *const schema = oo__schema_among(node->op->rows, oo_graph_opset(q->body, node->op->domain), false);
    const char *problem = opset_problem(q, node);
    if (!problem)
        problem = input_problem(q, node, schema);
    for (uint32_t i = 0; i < node->nattrs && !problem; i++)
        problem = attr_problem(q, node, schema, node->attrs[i]);
    return problem;
}

/* ---- graphs ---- */
static const char *graph_problem(const question *q, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n && graph != q->body; i++)
        if (is_omitted(q, graph->outputs.data[i].value))
            return oo__scratch_printf(q->rw, "the call omits \"%s\", which a graph in the body returns", oo_value_name(graph->outputs.data[i].value));
    for (const oo_node *node = graph->first; node; node = node->next) {
        const char *const problem = node_problem(q, node);
        if (problem)
            return problem;
    }
    return NULL;
}

static const char *call_problem(const question *q) {
    const oo_node *const call = q->call;
    if (call->ninputs > q->body->inputs.n || call->noutputs > q->body->outputs.n)
        return oo__scratch_printf(q->rw, "the call has %u inputs and %u outputs, the function %u and %u", call->ninputs, call->noutputs,
                                  q->body->inputs.n, q->body->outputs.n);
    if (call->extra && call->extra->devices.n)
        return "the call has a device configuration";
    for (uint32_t i = 0; i < call->noutputs; i++) {
        const oo_value *const out = call->outputs[i];
        if (out && oo_value_is_annotated(out))
            return oo__scratch_printf(q->rw, "output \"%s\" is annotated", oo_value_name(out));
        if (out && (out->nuses || out->noutputs) && is_omitted(q, q->body->outputs.data[i].value))
            return oo__scratch_printf(q->rw, "the call omits \"%s\", which the body returns", oo_value_name(q->body->outputs.data[i].value));
    }
    return NULL;
}

const char *oo_splice_problem(oo_rewriter *rw, const oo_graph *body, const oo_graph *at, const oo_node *call) {
    const question q = {rw, body, at, call};
    if (body->annotations.n)
        return "the body has quantization annotations";
    for (uint32_t i = 0; i < body->sparse_initializers.n; i++)
        if (body->sparse_initializers.data[i]->sparse_init)
            return "the body has a sparse initializer";
    const char *const problem = call ? call_problem(&q) : NULL;
    return problem ? problem : graph_problem(&q, body);
}
