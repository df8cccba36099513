/* GraphProto, NodeProto, FunctionProto and TrainingInfoProto. */
#include "io/reader.h"

#include <string.h>

/* ---- value infos ---- */
static oo_value_info read_info(oo__reader *r, const Onnx__ValueInfoProto *m) {
    oo_value_info info = {.name = oo__read_text(r, m->has_name, m->name),
                          .type = oo__read_type(r, m->type),
                          .doc = oo__read_text(r, m->has_doc_string, m->doc_string),
                          .unknown = oo__read_unknown(r, &m->base)};
    oo__read_props(r, &info.metadata, m->metadata_props, m->n_metadata_props);
    return info;
}

static oo_status define_input(oo_graph *graph, oo__reader *r, oo_value_info info) {
    if (!info.name || !oo__str_len(info.name))
        return oo__read_defect(r, oo__read_fail(r, "load-no-name", r->item, "an input of graph \"%s\" has no name", oo_graph_name(graph)));
    oo_value *const value = oo__value_new(graph, info.name);
    value->flags = OO_VALUE_INPUT;
    value->type = info.type;
    info.value = value;
    oo_vec_push(r->model->arena, &graph->inputs, info);
    return oo__read_defect(r, oo__binder_define(r->binder, value) ? OO_OK : OO_INVALID);
}

static oo_status add_output(oo_graph *graph, oo__reader *r, oo_value_info info) {
    oo_value *value = info.name && oo__str_len(info.name) ? oo__binder_find(r->binder, info.name) : NULL;
    if (!value) {
        oo__report(r->model, OO_ERROR, "load-unknown-value", graph, NULL, NULL,
                   "output \"%s\" is defined nowhere: no node, graph input or initializer has this name",
                   info.name ? oo__printable(info.name, oo__str_len(info.name)) : "");
        OO_TRY(oo__read_defect(r, OO_INVALID));
        value = oo__value_new(graph, info.name ? info.name : r->model->empty);
        value->flags = OO_VALUE_ORPHAN;
    }
    info.value = value;
    value->noutputs++;
    if (value->graph == graph)
        value->output_index = graph->outputs.n;
    if (!value->type)
        value->type = info.type;
    oo_vec_push(r->model->arena, &graph->outputs, info);
    return OO_OK;
}

static void add_info(oo_graph *graph, oo__reader *r, oo_value_info info) {
    info.value = info.name ? oo__binder_find_local(r->binder, info.name) : NULL;
    if (info.value && !info.value->type)
        info.value->type = info.type;
    oo_vec_push(r->model->arena, &graph->infos, info);
}

/* ---- initializers ---- */
/* The value of an initializer: the graph input of the same name, or a new one. NULL after a diagnostic. */
static oo_value *initializer_value(oo_graph *graph, oo__reader *r, const char *name) {
    if (!name || !oo__str_len(name)) {
        oo__read_fail(r, "load-no-name", r->item, "an initializer of graph \"%s\" has no name", oo_graph_name(graph));
        return NULL;
    }
    oo_value *value = oo__binder_find_local(r->binder, name);
    const bool fresh = !value;
    if (fresh)
        value = oo__value_new(graph, name);
    const bool first = !(value->flags & OO_VALUE_INITIALIZER);
    value->flags |= OO_VALUE_INITIALIZER;
    /* A second initializer of one name is refused by the binder. */
    return (fresh || !first) && !oo__binder_define(r->binder, value) ? NULL : value;
}

static const oo_type *type_of_tensor(oo_model *model, const oo_tensor *t) {
    oo_type *const type = OO_NEW(model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = t->elem, .has_elem = true, .has_shape = true, .rank = t->rank};
    type->dims = OO_NEW_ARRAY(model->arena, oo_dim, t->rank);
    for (uint32_t i = 0; i < t->rank; i++)
        type->dims[i] = (oo_dim){.kind = OO_DIM_VALUE, .value = t->dims[i]};
    return type;
}

static oo_status read_initializer(oo_graph *graph, oo__reader *r, const Onnx__TensorProto *m) {
    oo_tensor *tensor;
    OO_TRY(oo__read_tensor(&tensor, r, m));
    oo_value *const value = initializer_value(graph, r, tensor->name);
    if (!value)
        return oo__read_defect(r, OO_INVALID);
    value->init = tensor;
    if (!value->type)
        value->type = type_of_tensor(r->model, tensor);
    oo_vec_push(r->model->arena, &graph->initializers, value);
    return OO_OK;
}

static oo_status read_sparse_initializer(oo_graph *graph, oo__reader *r, const Onnx__SparseTensorProto *m) {
    oo_sparse *sparse;
    OO_TRY(oo__read_sparse(&sparse, r, m));
    oo_value *const value = initializer_value(graph, r, sparse->values ? sparse->values->name : NULL);
    if (!value)
        return oo__read_defect(r, OO_INVALID);
    value->sparse_init = sparse;
    oo_vec_push(r->model->arena, &graph->sparse_initializers, value);
    return OO_OK;
}

/* ---- nodes ---- */
static void read_extra(oo_node *node, oo__reader *r, const Onnx__NodeProto *m, const oo_props *metadata) {
    if (!m->has_overload && !m->has_doc_string && !m->n_metadata_props && !metadata->n && !m->n_device_configurations && !m->base.n_unknown_fields)
        return;
    oo_node_extra *const extra = oo__node_extra(node);
    extra->overload = oo__read_text(r, m->has_overload, m->overload);
    extra->doc = oo__read_text(r, m->has_doc_string, m->doc_string);
    extra->metadata = *metadata;
    oo__read_props(r, &extra->metadata, m->metadata_props, m->n_metadata_props);
    for (size_t i = 0; i < m->n_device_configurations; i++)
        oo_vec_push(r->model->arena, &extra->devices, oo__read_packed(r, &m->device_configurations[i]->base));
    extra->unknown = oo__read_unknown(r, &m->base);
}

static oo_status define_outputs(oo_node *node, oo__reader *r, const Onnx__NodeProto *m) {
    for (uint32_t i = 0; i < node->noutputs; i++) {
        if (!m->output[i].len)
            continue;
        oo_value *const value = oo__value_new(node->graph, oo__read_item(r, m->output[i]));
        oo__node_set_output(node, i, value);
        OO_TRY(oo__read_defect(r, oo__binder_define(r->binder, value) ? OO_OK : OO_INVALID));
    }
    return OO_OK;
}

/* Operators are known by text that ends at a NUL: one inside would make another operator of it. */
static bool has_nul(ProtobufCBinaryData text) { return text.len && memchr(text.data, 0, text.len); }

/* `metadata`: what of it is not in the message. */
static oo_status read_node(oo_graph *graph, oo__reader *r, const Onnx__NodeProto *m, const oo_props *metadata) {
    if (!m->op_type.len)
        OO_TRY(oo__read_defect(r, oo__read_fail(r, "load-no-operator", r->item, "node \"%s\" has no operator type",
                                                oo__printable((const char *)m->name.data, m->name.len))));
    if (has_nul(m->op_type) || has_nul(m->domain))
        return oo__read_fail(r, "load-malformed", r->item, "the operator type or domain of node \"%s\" holds a NUL byte",
                             oo__printable((const char *)m->name.data, m->name.len));
    const char *const domain = oo__read_text(r, m->has_domain, m->domain);
    oo_node *const node = oo__node_new(graph, domain, oo__read_item(r, m->op_type), (uint32_t)m->n_input, (uint32_t)m->n_output,
                                       (uint32_t)m->n_attribute);
    node->name = oo__read_text(r, m->has_name, m->name);
    read_extra(node, r, m, metadata);
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (m->input[i].len)
            oo__binder_connect(r->binder, node, i, oo__read_item(r, m->input[i]));
    /* Subgraphs are read before the outputs are defined: they cannot use them. */
    const uint32_t nattrs = node->nattrs;
    for (uint32_t i = 0; i < nattrs; i++) {
        node->nattrs = i + 1; /* messages from inside a subgraph name its attribute */
        OO_TRY(oo__read_attr(&node->attrs[i], r, graph, node, m->attribute[i]));
    }
    return define_outputs(node, r, m);
}

/* ---- annotations ---- */
static void pin(oo_value *value) {
    if (value)
        value->flags |= OO_VALUE_PINNED;
}

static void read_annotation(oo_graph *graph, oo__reader *r, const Onnx__TensorAnnotation *m) {
    oo_annotation a = {.name = oo__read_text(r, m->has_tensor_name, m->tensor_name), .unknown = oo__read_unknown(r, &m->base)};
    a.value = a.name ? oo__binder_find(r->binder, a.name) : NULL;
    pin(a.value);
    oo_props props = {0};
    oo__read_props(r, &props, m->quant_parameter_tensor_names, m->n_quant_parameter_tensor_names);
    a.count = props.n;
    a.entries = OO_NEW_ARRAY(r->model->arena, oo_annotation_entry, props.n);
    for (uint32_t i = 0; i < props.n; i++) {
        a.entries[i].prop = props.data[i];
        a.entries[i].value = props.data[i].value ? oo__binder_find(r->binder, props.data[i].value) : NULL;
        pin(a.entries[i].value);
    }
    oo_vec_push(r->model->arena, &graph->annotations, a);
}

/* ---- graphs ---- */
static oo_status read_initializers(oo_graph *graph, oo__reader *r, const oo__graph_source *s) {
    for (uint32_t i = 0; i < s->initializers.n; i++) {
        oo__read_start(r, &s->initializers.data[i]);
        const ProtobufCMessage *const m = oo__read_item_message(r, &onnx__tensor_proto__descriptor, &s->initializers.data[i]);
        if (!m)
            return OO_INVALID;
        OO_TRY(read_initializer(graph, r, (const Onnx__TensorProto *)m));
    }
    for (size_t i = 0; !s->streamed && i < s->message->n_initializer; i++)
        OO_TRY(read_initializer(graph, r, s->message->initializer[i]));
    return OO_OK;
}

static oo_status read_node_item(oo_graph *graph, oo__reader *r, const oo__range *item) {
    oo__read_start(r, item);
    oo_props metadata = {0};
    const Onnx__NodeProto *m = oo__plain_node(&metadata, r, item);
    if (!m)
        m = (const Onnx__NodeProto *)oo__read_item_message(r, &onnx__node_proto__descriptor, item);
    return m ? read_node(graph, r, m, &metadata) : OO_INVALID;
}

static oo_status read_nodes(oo_graph *graph, oo__reader *r, const oo__graph_source *s) {
    for (uint32_t i = 0; i < s->nodes.n; i++)
        OO_TRY(read_node_item(graph, r, &s->nodes.data[i]));
    for (size_t i = 0; !s->streamed && i < s->message->n_node; i++)
        OO_TRY(read_node(graph, r, s->message->node[i], &(oo_props){0}));
    return OO_OK;
}

static oo_status read_info_item(oo_graph *graph, oo__reader *r, const oo__range *item) {
    oo__read_start(r, item);
    oo_value_info info;
    if (!oo__plain_info(&info, r, item)) {
        const ProtobufCMessage *const m = oo__read_item_message(r, &onnx__value_info_proto__descriptor, item);
        if (!m)
            return OO_INVALID;
        info = read_info(r, (const Onnx__ValueInfoProto *)m);
    }
    add_info(graph, r, info);
    return OO_OK;
}

static oo_status read_infos(oo_graph *graph, oo__reader *r, const oo__graph_source *s) {
    for (uint32_t i = 0; i < s->infos.n; i++)
        OO_TRY(read_info_item(graph, r, &s->infos.data[i]));
    for (size_t i = 0; !s->streamed && i < s->message->n_value_info; i++)
        add_info(graph, r, read_info(r, s->message->value_info[i]));
    return OO_OK;
}

/* Streamed items reuse the memory of messages, so what is left of the graph's own message is read before and after them from a copy
 * of its lists that lives as long as needed: the caller unpacks it into an arena of its own. */
oo_status oo__read_graph(oo_graph *graph, oo__reader *r, const oo__graph_source *s) {
    const Onnx__GraphProto *const m = s->message;
    graph->name = oo__read_text(r, m->has_name, m->name);
    graph->doc = oo__read_text(r, m->has_doc_string, m->doc_string);
    graph->unknown = oo__read_unknown(r, &m->base);
    oo__read_props(r, &graph->metadata, m->metadata_props, m->n_metadata_props);
    for (size_t i = 0; i < m->n_input; i++)
        OO_TRY(define_input(graph, r, read_info(r, m->input[i])));
    for (size_t i = 0; i < m->n_sparse_initializer; i++)
        OO_TRY(read_sparse_initializer(graph, r, m->sparse_initializer[i]));
    OO_TRY(read_initializers(graph, r, s));
    OO_TRY(read_nodes(graph, r, s));
    for (size_t i = 0; i < m->n_output; i++)
        OO_TRY(add_output(graph, r, read_info(r, m->output[i])));
    OO_TRY(read_infos(graph, r, s));
    for (size_t i = 0; i < m->n_quantization_annotation; i++)
        read_annotation(graph, r, m->quantization_annotation[i]);
    return OO_OK;
}

/* ---- functions ---- */
static oo_status read_function_head(oo_function *f, const oo__reader *r, const Onnx__FunctionProto *m) {
    f->name = oo__read_text(r, m->has_name, m->name);
    f->domain = oo__read_text(r, m->has_domain, m->domain);
    f->overload = oo__read_text(r, m->has_overload, m->overload);
    f->doc = oo__read_text(r, m->has_doc_string, m->doc_string);
    f->unknown = oo__read_unknown(r, &m->base);
    if (has_nul(m->name) || has_nul(m->domain))
        return oo__read_fail(r, "load-malformed", r->item, "the name or domain of a function holds a NUL byte");
    OO_TRY(oo__read_opsets(r, &f->opsets, m->opset_import, m->n_opset_import));
    oo__read_props(r, &f->metadata, m->metadata_props, m->n_metadata_props);
    for (size_t i = 0; i < m->n_attribute; i++)
        oo_vec_push(r->model->arena, &f->attributes, oo__read_item(r, m->attribute[i]));
    return OO_OK;
}

static oo_status read_function_body(oo_function *f, oo__reader *r, const Onnx__FunctionProto *m) {
    oo_graph *const graph = f->graph;
    for (size_t i = 0; i < m->n_attribute_proto; i++) {
        oo_attr *attr;
        OO_TRY(oo__read_attr(&attr, r, graph, NULL, m->attribute_proto[i]));
        oo_vec_push(r->model->arena, &f->defaults, attr);
    }
    for (size_t i = 0; i < m->n_input; i++)
        OO_TRY(define_input(graph, r, (oo_value_info){.name = oo__read_item(r, m->input[i])}));
    for (size_t i = 0; i < m->n_node; i++)
        OO_TRY(read_node(graph, r, m->node[i], &(oo_props){0}));
    for (size_t i = 0; i < m->n_output; i++)
        OO_TRY(add_output(graph, r, (oo_value_info){.name = oo__read_item(r, m->output[i])}));
    for (size_t i = 0; i < m->n_value_info; i++)
        add_info(graph, r, read_info(r, m->value_info[i]));
    return OO_OK;
}

oo_status oo__read_function(oo__reader *r, const Onnx__FunctionProto *m) {
    oo_function *const f = OO_NEW(r->model->arena, oo_function);
    f->graph = oo__graph_new(r->model, NULL);
    f->graph->function = f;
    OO_TRY(read_function_head(f, r, m));
    if (!oo__function_add(r->model, f)) {
        f->graph->dead = true;
        return oo__read_defect(r, OO_INVALID);
    }
    oo__binder_open(r->binder, f->graph);
    OO_TRY(read_function_body(f, r, m));
    return oo__binder_close(r->binder) ? OO_OK : OO_INVALID;
}

/* ---- training ---- */
static oo_status read_training_graph(oo_graph **out, oo__reader *r, const Onnx__GraphProto *m) {
    if (!m)
        return OO_OK;
    oo_graph *const graph = oo__graph_new(r->model, r->model->graph);
    graph->training = true;
    *out = graph;
    const oo__graph_source source = {.message = m};
    oo__binder_open(r->binder, graph);
    OO_TRY(oo__read_graph(graph, r, &source));
    return oo__binder_close(r->binder) ? OO_OK : OO_INVALID;
}

static void pin_bound(oo__reader *r, const oo_props *props) {
    for (uint32_t i = 0; i < props->n; i++) {
        if (props->data[i].key)
            pin(oo__binder_find(r->binder, props->data[i].key));
        if (props->data[i].value)
            pin(oo__binder_find(r->binder, props->data[i].value));
    }
}

oo_status oo__read_training(oo__reader *r, const Onnx__TrainingInfoProto *m) {
    oo_training *const t = OO_NEW(r->model->arena, oo_training);
    oo_vec_push(r->model->arena, &r->model->trainings, t);
    t->unknown = oo__read_unknown(r, &m->base);
    oo__read_props(r, &t->initialization_binding, m->initialization_binding, m->n_initialization_binding);
    oo__read_props(r, &t->update_binding, m->update_binding, m->n_update_binding);
    pin_bound(r, &t->initialization_binding);
    pin_bound(r, &t->update_binding);
    OO_TRY(read_training_graph(&t->initialization, r, m->initialization));
    return read_training_graph(&t->algorithm, r, m->algorithm);
}
