/* Texts, types, tensors and attributes. */
#include "io/writer.h"

#include <string.h>

ProtobufCBinaryData oo__write_text(const char *interned) {
    if (!interned)
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){oo__str_len(interned), (uint8_t *)(uintptr_t)interned};
}

static ProtobufCBinaryData bytes_of(oo_bytes b) { return (ProtobufCBinaryData){b.size, (uint8_t *)(uintptr_t)b.data}; }

/* A message that was kept packed. */
static void *unpacked(oo__writer *w, const ProtobufCMessageDescriptor *type, oo_bytes raw) {
    return protobuf_c_message_unpack(type, &w->allocator, raw.size, raw.data);
}

void oo__write_text_field(oo__writer *w, uint32_t field, const char *interned) {
    if (interned)
        oo__emit_text_field(w->emit, field, interned, oo__str_len(interned));
}

void oo__write_props(oo__writer *w, uint32_t field, const oo_props *props) {
    for (uint32_t i = props->n; i-- > 0;) {
        const oo_prop *const p = &props->data[i];
        const uint64_t mark = oo__emit_size(w->emit);
        if (p->raw.data) {
            oo__emit_bytes(w->emit, p->raw.data, p->raw.size);
        } else {
            oo__write_text_field(w, 2, p->value);
            oo__write_text_field(w, 1, p->key);
        }
        oo__emit_close(w->emit, field, mark);
    }
}

Onnx__OperatorSetIdProto **oo__write_opsets(oo__writer *w, const oo_opsets *opsets) {
    Onnx__OperatorSetIdProto **const list = OO_NEW_ARRAY(w->messages, Onnx__OperatorSetIdProto *, opsets->n);
    for (uint32_t i = 0; i < opsets->n; i++) {
        const oo_opset *const o = &opsets->data[i];
        if (o->raw.data) {
            list[i] = unpacked(w, &onnx__operator_set_id_proto__descriptor, o->raw);
            continue;
        }
        list[i] = OO_NEW(w->messages, Onnx__OperatorSetIdProto);
        onnx__operator_set_id_proto__init(list[i]);
        OO__SET_TEXT(list[i], domain, o->domain);
        list[i]->has_version = o->has_version;
        list[i]->version = o->version;
    }
    return list;
}

/* ---- types ---- */
static Onnx__TensorShapeProto *write_shape(oo__writer *w, const oo_type *type) {
    if (!type->has_shape)
        return NULL;
    Onnx__TensorShapeProto *const shape = OO_NEW(w->messages, Onnx__TensorShapeProto);
    onnx__tensor_shape_proto__init(shape);
    shape->n_dim = type->rank;
    shape->dim = OO_NEW_ARRAY(w->messages, Onnx__TensorShapeProto__Dimension *, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        const oo_dim *const from = &type->dims[i];
        Onnx__TensorShapeProto__Dimension *const d = OO_NEW(w->messages, Onnx__TensorShapeProto__Dimension);
        onnx__tensor_shape_proto__dimension__init(d);
        shape->dim[i] = d;
        OO__SET_TEXT(d, denotation, from->denotation);
        if (from->kind == OO_DIM_VALUE) {
            d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d->dim_value = from->value;
        } else if (from->kind == OO_DIM_PARAM) {
            d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            d->dim_param = oo__write_text(from->param);
        }
    }
    return shape;
}

static void write_tensor_type(oo__writer *w, Onnx__TypeProto *m, const oo_type *type) {
    Onnx__TypeProto__Tensor *const t = OO_NEW(w->messages, Onnx__TypeProto__Tensor);
    onnx__type_proto__tensor__init(t);
    t->has_elem_type = type->has_elem;
    t->elem_type = type->elem;
    t->shape = write_shape(w, type);
    m->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    m->tensor_type = t;
}

static void write_sparse_type(oo__writer *w, Onnx__TypeProto *m, const oo_type *type) {
    Onnx__TypeProto__SparseTensor *const t = OO_NEW(w->messages, Onnx__TypeProto__SparseTensor);
    onnx__type_proto__sparse_tensor__init(t);
    t->has_elem_type = type->has_elem;
    t->elem_type = type->elem;
    t->shape = write_shape(w, type);
    m->value_case = ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE;
    m->sparse_tensor_type = t;
}

static void write_map_type(oo__writer *w, Onnx__TypeProto *m, const oo_type *type) {
    Onnx__TypeProto__Map *const t = OO_NEW(w->messages, Onnx__TypeProto__Map);
    onnx__type_proto__map__init(t);
    t->has_key_type = type->has_elem;
    t->key_type = type->elem;
    t->value_type = oo__write_type(w, type->inner);
    m->value_case = ONNX__TYPE_PROTO__VALUE_MAP_TYPE;
    m->map_type = t;
}

static void write_container_type(oo__writer *w, Onnx__TypeProto *m, const oo_type *type) {
    if (type->kind == OO_TYPE_SEQUENCE) {
        m->sequence_type = OO_NEW(w->messages, Onnx__TypeProto__Sequence);
        onnx__type_proto__sequence__init(m->sequence_type);
        m->sequence_type->elem_type = oo__write_type(w, type->inner);
        m->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
    } else {
        m->optional_type = OO_NEW(w->messages, Onnx__TypeProto__Optional);
        onnx__type_proto__optional__init(m->optional_type);
        m->optional_type->elem_type = oo__write_type(w, type->inner);
        m->value_case = ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE;
    }
}

static void write_opaque_type(oo__writer *w, Onnx__TypeProto *m, const oo_type *type) {
    m->opaque_type = OO_NEW(w->messages, Onnx__TypeProto__Opaque);
    onnx__type_proto__opaque__init(m->opaque_type);
    OO__SET_TEXT(m->opaque_type, domain, type->opaque_domain);
    OO__SET_TEXT(m->opaque_type, name, type->opaque_name);
    m->value_case = ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE;
}

Onnx__TypeProto *oo__write_type(oo__writer *w, const oo_type *type) {
    if (!type)
        return NULL;
    if (type->raw.data)
        return unpacked(w, &onnx__type_proto__descriptor, type->raw);
    Onnx__TypeProto *const m = OO_NEW(w->messages, Onnx__TypeProto);
    onnx__type_proto__init(m);
    OO__SET_TEXT(m, denotation, type->denotation);
    switch (type->kind) {
    case OO_TYPE_TENSOR: write_tensor_type(w, m, type); break;
    case OO_TYPE_SPARSE_TENSOR: write_sparse_type(w, m, type); break;
    case OO_TYPE_MAP: write_map_type(w, m, type); break;
    case OO_TYPE_SEQUENCE:
    case OO_TYPE_OPTIONAL: write_container_type(w, m, type); break;
    case OO_TYPE_OPAQUE: write_opaque_type(w, m, type); break;
    case OO_TYPE_NONE: break;
    }
    return m;
}

/* ---- tensors ---- */
static const uint32_t STORAGE_FIELD[] = {[OO_STORE_RAW] = 9,      [OO_STORE_FLOATS] = 4,   [OO_STORE_INT32S] = 5,
                                         [OO_STORE_INT64S] = 7,   [OO_STORE_DOUBLES] = 10, [OO_STORE_UINT64S] = 11,
                                         [OO_STORE_STRINGS] = 0,  [OO_STORE_EXTERNAL] = 9, [OO_STORE_LAZY] = 9};

static bool wants_split(const oo__writer *w, const oo_tensor *t) {
    return w->options.external == OO_EXTERNAL_SPLIT && t->elem != OO_STRING && oo_tensor_size(t) >= w->options.threshold &&
           oo_tensor_size(t) > 0 && oo__elem_bits(t->elem) && (t->storage != OO_STORE_EXTERNAL || t->payload.source);
}

static void add_entry(oo__writer *w, oo_props *props, const char *key, const char *value) {
    oo_vec_push(w->messages, props, (oo_prop){.key = oo__str(w->model, key), .value = oo__str(w->model, value)});
}

/* Where a split tensor goes: pages of their own, so that a reader can map them. */
static void split_entries(oo__writer *w, const oo_tensor *t, oo_props *out) {
    const uint64_t align = oo_tensor_size(t) >= 4096 ? 4096 : 16;
    w->data_size = (w->data_size + align - 1) / align * align;
    add_entry(w, out, "location", w->data_name);
    add_entry(w, out, "offset", oo__arena_printf(w->messages, "%llu", (unsigned long long)w->data_size));
    add_entry(w, out, "length", oo__arena_printf(w->messages, "%llu", (unsigned long long)oo_tensor_size(t)));
    oo_vec_push(NULL, &w->split, t);
    oo_vec_push(NULL, &w->offsets, w->data_size);
    w->data_size += oo_tensor_size(t);
}

static void emit_data(oo__writer *w, const oo_tensor *t) {
    const uint32_t field = STORAGE_FIELD[t->storage];
    if (!field)
        return;
    const uint64_t mark = oo__emit_size(w->emit);
    if (t->storage == OO_STORE_LAZY)
        oo__emit_lazy(w->emit, t);
    else
        oo__emit_payload(w->emit, &t->payload);
    oo__emit_close(w->emit, field, mark);
}

static void fail_missing(oo__writer *w, const oo_tensor *t, const char *name) {
    const char *const shown = name ? name : t->name;
    oo__report(w->model, OO_ERROR, "save-external-missing", NULL, NULL, NULL,
               "the external data of tensor \"%s\" is not there, so it cannot be written", shown ? shown : "");
    w->status = OO_IO;
}

void oo__write_tensor(oo__writer *w, const oo_tensor *t, const char *name) {
    Onnx__TensorProto m = ONNX__TENSOR_PROTO__INIT;
    m.n_dims = t->rank;
    m.dims = t->dims;
    m.has_data_type = t->has_elem;
    m.data_type = t->elem;
    OO__SET_TEXT(&m, name, name);
    OO__SET_TEXT(&m, doc_string, t->doc);
    m.has_data_location = t->has_location;
    m.data_location = t->location;
    m.n_string_data = t->strings.n;
    m.string_data = OO_NEW_ARRAY(w->messages, ProtobufCBinaryData, t->strings.n);
    for (uint32_t i = 0; i < t->strings.n; i++)
        m.string_data[i] = bytes_of(t->strings.data[i]);
    const bool split = wants_split(w, t);
    const bool keep = !split && t->storage == OO_STORE_EXTERNAL && w->options.external != OO_EXTERNAL_INLINE;
    oo_props external = {0};
    if (split)
        split_entries(w, t, &external);
    else if (keep || t->storage != OO_STORE_EXTERNAL)
        external = t->external;
    if (split)
        m.has_data_location = m.data_location = 1;
    else if (t->storage == OO_STORE_EXTERNAL && !keep)
        m.has_data_location = m.data_location = 0;
    m.has_raw_data = keep && t->has_empty_raw;
    oo__emit_bytes(w->emit, t->rest.data, t->rest.size);
    oo__write_props(w, 16, &t->metadata);
    oo__write_props(w, 13, &external);
    if (!split && !keep) {
        if (t->storage == OO_STORE_EXTERNAL && !t->payload.source && oo_tensor_size(t))
            fail_missing(w, t, name);
        emit_data(w, t);
    }
    oo__emit_message(w->emit, &m.base);
}

void oo__write_sparse(oo__writer *w, const oo_sparse *s, const char *name) {
    Onnx__SparseTensorProto m = ONNX__SPARSE_TENSOR_PROTO__INIT;
    m.n_dims = s->rank;
    m.dims = s->dims;
    oo__emit_bytes(w->emit, s->unknown.data, s->unknown.size);
    oo__emit_message(w->emit, &m.base);
    if (s->indices) {
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_tensor(w, s->indices, s->indices->name);
        oo__emit_close(w->emit, 2, mark);
    }
    if (s->values) {
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_tensor(w, s->values, name ? name : s->values->name);
        oo__emit_close(w->emit, 1, mark);
    }
}

/* ---- attributes ---- */
static void write_tensor_field(oo__writer *w, uint32_t field, const oo_tensor *t) {
    const uint64_t mark = oo__emit_size(w->emit);
    oo__write_tensor(w, t, t->name);
    oo__emit_close(w->emit, field, mark);
}

static void write_graph_field(oo__writer *w, uint32_t field, const oo_graph *g) {
    const uint64_t mark = oo__emit_size(w->emit);
    oo__write_graph(w, g);
    oo__emit_close(w->emit, field, mark);
}

static void write_sparse_field(oo__writer *w, uint32_t field, const oo_sparse *s) {
    const uint64_t mark = oo__emit_size(w->emit);
    oo__write_sparse(w, s, NULL);
    oo__emit_close(w->emit, field, mark);
}

static void write_holders(oo__writer *w, const oo_attr *a) {
    switch (a->type) {
    case OO_ATTR_TENSOR: write_tensor_field(w, 5, a->t); break;
    case OO_ATTR_GRAPH: write_graph_field(w, 6, a->g); break;
    case OO_ATTR_SPARSE_TENSOR: write_sparse_field(w, 22, a->sparse); break;
    case OO_ATTR_TENSORS:
        for (uint32_t i = a->count; i-- > 0;)
            write_tensor_field(w, 10, a->tensors[i]);
        break;
    case OO_ATTR_GRAPHS:
        for (uint32_t i = a->count; i-- > 0;)
            write_graph_field(w, 11, a->graphs[i]);
        break;
    case OO_ATTR_SPARSE_TENSORS:
        for (uint32_t i = a->count; i-- > 0;)
            write_sparse_field(w, 23, a->sparses[i]);
        break;
    default: break;
    }
}

static void fill_plain(oo__writer *w, Onnx__AttributeProto *m, const oo_attr *a) {
    switch (a->type) {
    case OO_ATTR_FLOAT:
        m->has_f = 1;
        m->f = a->f;
        break;
    case OO_ATTR_INT:
        m->has_i = 1;
        m->i = a->i;
        break;
    case OO_ATTR_STRING:
        m->has_s = 1;
        m->s = bytes_of(a->s);
        break;
    case OO_ATTR_TYPE_PROTO: m->tp = oo__write_type(w, a->type_proto); break;
    case OO_ATTR_FLOATS:
        m->n_floats = a->count;
        m->floats = a->floats;
        break;
    case OO_ATTR_INTS:
        m->n_ints = a->count;
        m->ints = a->ints;
        break;
    case OO_ATTR_STRINGS:
        m->n_strings = a->count;
        m->strings = OO_NEW_ARRAY(w->messages, ProtobufCBinaryData, a->count);
        for (uint32_t i = 0; i < a->count; i++)
            m->strings[i] = bytes_of(a->strings[i]);
        break;
    case OO_ATTR_TYPE_PROTOS:
        m->n_type_protos = a->count;
        m->type_protos = OO_NEW_ARRAY(w->messages, Onnx__TypeProto *, a->count);
        for (uint32_t i = 0; i < a->count; i++)
            m->type_protos[i] = oo__write_type(w, a->type_protos[i]);
        break;
    default: break;
    }
}

void oo__write_attr(oo__writer *w, const oo_attr *a) {
    if (a->raw.data) {
        oo__emit_bytes(w->emit, a->raw.data, a->raw.size);
        return;
    }
    Onnx__AttributeProto m = ONNX__ATTRIBUTE_PROTO__INIT;
    OO__SET_TEXT(&m, name, a->name);
    OO__SET_TEXT(&m, doc_string, a->doc);
    OO__SET_TEXT(&m, ref_attr_name, a->reference);
    m.has_type = a->has_type;
    m.type = (int32_t)a->type;
    if (!a->reference)
        fill_plain(w, &m, a);
    oo__emit_bytes(w->emit, a->unknown.data, a->unknown.size);
    if (!a->reference)
        write_holders(w, a);
    oo__emit_message(w->emit, &m.base);
}
