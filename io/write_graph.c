/* GraphProto, NodeProto, FunctionProto and TrainingInfoProto. Lists are put in front, so they are walked from the end. */
#include "io/writer.h"

#include <string.h>

/* ---- value infos ---- */
static void write_info(oo__writer *w, uint32_t field, const oo_value_info *info) {
    const uint64_t mark = oo__emit_size(w->emit);
    oo__emit_bytes(w->emit, info->unknown.data, info->unknown.size);
    oo__write_props(w, 4, &info->metadata);
    oo__write_text_field(w, 3, info->doc);
    if (info->type) {
        const uint64_t inner = oo__emit_size(w->emit);
        oo__write_type(w, info->type);
        oo__emit_close(w->emit, 2, inner);
    }
    oo__write_text_field(w, 1, info->value ? info->value->name : info->name);
    oo__emit_close(w->emit, field, mark);
}

static void write_infos(oo__writer *w, uint32_t field, const oo_value_infos *infos) {
    for (uint32_t i = infos->n; i-- > 0;)
        write_info(w, field, &infos->data[i]);
}

static bool is_live(const oo_value *v) {
    if (v->producer)
        return !v->producer->erased && v->index < v->producer->noutputs && v->producer->outputs[v->index] == v;
    return v->init || v->sparse_init || (v->flags & OO_VALUE_INPUT);
}

/* A value that took a public name has that output's declaration; its own from before goes. So does that of a value that went to another graph. */
bool oo__keeps_info(const oo_graph *graph, const oo_value_info *info) {
    const oo_value *const v = info->value;
    return !v || (v->graph == graph && is_live(v) && (!v->noutputs || v->name == info->name));
}

/* ---- nodes ---- */
static const oo_value *named_at(const oo_node *node, const ProtobufCBinaryData *name) {
    for (uint32_t i = 0; i < node->ninputs + node->noutputs; i++) {
        const oo_value *const v = i < node->ninputs ? node->inputs[i].value : node->outputs[i - node->ninputs];
        if (v && v->read_name && oo__str_len(v->read_name) == name->len && memcmp(v->read_name, name->data, name->len) == 0)
            return v;
    }
    return NULL;
}

/* Sharding names a node's tensors; they may have got other names since. */
static void write_device(oo__writer *w, const oo_node *node, oo_bytes raw) {
    const uint64_t mark = oo__emit_size(w->emit);
    Onnx__NodeDeviceConfigurationProto *const m =
        onnx__node_device_configuration_proto__unpack(&w->allocator, raw.size, raw.data);
    for (size_t i = 0; i < m->n_sharding_spec; i++) {
        const oo_value *const v = named_at(node, &m->sharding_spec[i]->tensor_name);
        if (v && v->name != v->read_name)
            m->sharding_spec[i]->tensor_name = oo__write_text(v->name);
    }
    oo__emit_message(w->emit, &m->base);
    oo__emit_close(w->emit, 10, mark);
}

/* Nodes are the most frequent message: its texts are put together without a struct. A missing input is an empty text. */
static void write_name(oo__writer *w, uint32_t field, const oo_value *value) {
    const char *const name = value ? value->name : NULL;
    oo__emit_text_field(w->emit, field, name, name ? oo__str_len(name) : 0);
}

static void write_node(oo__writer *w, uint32_t field, const oo_node *node) {
    const uint64_t mark = oo__emit_size(w->emit);
    if (node->extra) {
        oo__emit_bytes(w->emit, node->extra->unknown.data, node->extra->unknown.size);
        for (uint32_t i = node->extra->devices.n; i-- > 0;)
            write_device(w, node, node->extra->devices.data[i]);
        oo__write_props(w, 9, &node->extra->metadata);
        oo__write_text_field(w, 8, node->extra->overload);
    }
    oo__write_text_field(w, 7, node->domain);
    oo__write_text_field(w, 6, node->extra ? node->extra->doc : NULL);
    for (uint32_t i = node->nattrs; i-- > 0;) {
        const uint64_t inner = oo__emit_size(w->emit);
        oo__write_attr(w, node->attrs[i]);
        oo__emit_close(w->emit, 5, inner);
    }
    oo__write_text_field(w, 4, node->op->name);
    oo__write_text_field(w, 3, node->name);
    for (uint32_t i = node->noutputs; i-- > 0;)
        write_name(w, 2, node->outputs[i]);
    for (uint32_t i = node->ninputs; i-- > 0;)
        write_name(w, 1, node->inputs[i].value);
    oo__emit_close(w->emit, field, mark);
}

/* ---- graphs ---- */
static void write_annotation(oo__writer *w, const oo_annotation *a) {
    Onnx__TensorAnnotation m = ONNX__TENSOR_ANNOTATION__INIT;
    OO__SET_TEXT(&m, tensor_name, a->value ? a->value->name : a->name);
    oo_props props = {0};
    for (uint32_t i = 0; i < a->count; i++) {
        oo_prop prop = a->entries[i].prop;
        if (a->entries[i].value && a->entries[i].value->name != prop.value)
            prop = (oo_prop){.key = prop.key, .value = a->entries[i].value->name};
        oo_vec_push(w->messages, &props, prop);
    }
    const uint64_t mark = oo__emit_size(w->emit);
    oo__emit_bytes(w->emit, a->unknown.data, a->unknown.size);
    oo__write_props(w, 2, &props);
    oo__emit_message(w->emit, &m.base);
    oo__emit_close(w->emit, 14, mark);
}

/* Message structs of the outermost graph are not needed once their items are out. */
static void forget_messages(oo__writer *w, const oo_graph *graph) {
    if (!graph->parent && !graph->function)
        oo__arena_reset(w->messages);
}

static void write_values(oo__writer *w, const oo_graph *graph) {
    for (uint32_t i = graph->sparse_initializers.n; i-- > 0;) {
        const oo_value *const v = graph->sparse_initializers.data[i];
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_sparse(w, v->sparse_init, v->name);
        oo__emit_close(w->emit, 15, mark);
    }
    for (uint32_t i = graph->annotations.n; i-- > 0;)
        write_annotation(w, &graph->annotations.data[i]);
    for (uint32_t i = graph->infos.n; i-- > 0;) {
        if (oo__keeps_info(graph, &graph->infos.data[i]))
            write_info(w, 13, &graph->infos.data[i]);
        forget_messages(w, graph);
    }
    write_infos(w, 12, &graph->outputs);
    write_infos(w, 11, &graph->inputs);
    for (uint32_t i = graph->initializers.n; i-- > 0;) {
        const oo_value *const v = graph->initializers.data[i];
        if (!v->init)
            continue;
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_tensor(w, v->init, v->name);
        oo__emit_close(w->emit, 5, mark);
        forget_messages(w, graph);
    }
}

void oo__write_graph(oo__writer *w, const oo_graph *graph) {
    Onnx__GraphProto m = ONNX__GRAPH_PROTO__INIT;
    OO__SET_TEXT(&m, name, graph->name);
    OO__SET_TEXT(&m, doc_string, graph->doc);
    oo__emit_bytes(w->emit, graph->unknown.data, graph->unknown.size);
    oo__write_props(w, 16, &graph->metadata);
    oo__emit_message(w->emit, &m.base);
    write_values(w, graph);
    for (const oo_node *node = graph->last; node; node = node->prev) {
        write_node(w, 1, node);
        forget_messages(w, graph);
    }
}

/* ---- functions ---- */
static ProtobufCBinaryData *names_of(oo__writer *w, const oo_value_infos *infos) {
    ProtobufCBinaryData *const names = OO_NEW_ARRAY(w->messages, ProtobufCBinaryData, infos->n);
    for (uint32_t i = 0; i < infos->n; i++)
        names[i] = oo__write_text(infos->data[i].value->name);
    return names;
}

void oo__write_function(oo__writer *w, const oo_function *f) {
    Onnx__FunctionProto m = ONNX__FUNCTION_PROTO__INIT;
    OO__SET_TEXT(&m, name, f->name);
    OO__SET_TEXT(&m, domain, f->domain);
    OO__SET_TEXT(&m, overload, f->overload);
    OO__SET_TEXT(&m, doc_string, f->doc);
    m.n_opset_import = f->opsets.n;
    m.opset_import = oo__write_opsets(w, &f->opsets);
    m.n_input = f->graph->inputs.n;
    m.input = names_of(w, &f->graph->inputs);
    m.n_output = f->graph->outputs.n;
    m.output = names_of(w, &f->graph->outputs);
    m.n_attribute = f->attributes.n;
    m.attribute = OO_NEW_ARRAY(w->messages, ProtobufCBinaryData, f->attributes.n);
    for (uint32_t i = 0; i < f->attributes.n; i++)
        m.attribute[i] = oo__write_text(f->attributes.data[i]);
    oo__emit_bytes(w->emit, f->unknown.data, f->unknown.size);
    oo__write_props(w, 14, &f->metadata);
    for (uint32_t i = f->graph->infos.n; i-- > 0;)
        if (oo__keeps_info(f->graph, &f->graph->infos.data[i]))
            write_info(w, 12, &f->graph->infos.data[i]);
    for (uint32_t i = f->defaults.n; i-- > 0;) {
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_attr(w, f->defaults.data[i]);
        oo__emit_close(w->emit, 11, mark);
    }
    for (const oo_node *node = f->graph->last; node; node = node->prev)
        write_node(w, 7, node);
    oo__emit_message(w->emit, &m.base);
}

/* ---- training ---- */
static void write_training_graph(oo__writer *w, uint32_t field, const oo_graph *graph) {
    if (!graph)
        return;
    const uint64_t mark = oo__emit_size(w->emit);
    oo__write_graph(w, graph);
    oo__emit_close(w->emit, field, mark);
}

void oo__write_training(oo__writer *w, const oo_training *t) {
    oo__emit_bytes(w->emit, t->unknown.data, t->unknown.size);
    oo__write_props(w, 4, &t->update_binding);
    oo__write_props(w, 3, &t->initialization_binding);
    write_training_graph(w, 2, t->algorithm);
    write_training_graph(w, 1, t->initialization);
}
