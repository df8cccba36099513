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
static void write_shape(oo__writer *w, const oo_type *type) {
    for (uint32_t i = type->rank; i-- > 0;) {
        const oo_dim *const d = &type->dims[i];
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_text_field(w, 3, d->denotation);
        if (d->kind == OO_DIM_PARAM)
            oo__write_text_field(w, 2, d->param);
        else if (d->kind == OO_DIM_VALUE)
            oo__emit_varint_field(w->emit, 1, (uint64_t)d->value);
        oo__emit_close(w->emit, 1, mark);
    }
}

/* The message that is chosen in TypeProto.value. */
static void write_kind(oo__writer *w, const oo_type *type) {
    const uint64_t mark = oo__emit_size(w->emit);
    const bool is_tensor = type->kind == OO_TYPE_TENSOR || type->kind == OO_TYPE_SPARSE_TENSOR, is_map = type->kind == OO_TYPE_MAP;
    if (type->kind == OO_TYPE_OPAQUE) {
        oo__write_text_field(w, 2, type->opaque_name);
        oo__write_text_field(w, 1, type->opaque_domain);
    } else if (is_tensor && type->has_shape) {
        write_shape(w, type);
        oo__emit_close(w->emit, 2, mark);
    } else if (!is_tensor && type->inner) {
        oo__write_type(w, type->inner);
        oo__emit_close(w->emit, is_map ? 2 : 1, mark);
    }
    if ((is_tensor || is_map) && type->has_elem)
        oo__emit_varint_field(w->emit, 1, (uint64_t)(int64_t)type->elem);
}

void oo__write_type(oo__writer *w, const oo_type *type) {
    static const uint32_t fields[] = {[OO_TYPE_TENSOR] = 1,   [OO_TYPE_SEQUENCE] = 4,      [OO_TYPE_MAP] = 5,
                                      [OO_TYPE_OPAQUE] = 7,   [OO_TYPE_SPARSE_TENSOR] = 8, [OO_TYPE_OPTIONAL] = 9};
    enum { DENOTATION = 6 };
    if (type->raw.data) {
        oo__emit_bytes(w->emit, type->raw.data, type->raw.size);
        return;
    }
    const uint32_t field = type->kind == OO_TYPE_NONE ? 0 : fields[type->kind];
    if (field < DENOTATION)
        oo__write_text_field(w, DENOTATION, type->denotation);
    if (field) {
        const uint64_t mark = oo__emit_size(w->emit);
        write_kind(w, type);
        oo__emit_close(w->emit, field, mark);
    }
    if (field > DENOTATION)
        oo__write_text_field(w, DENOTATION, type->denotation);
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

static void write_bytes_field(oo__writer *w, uint32_t field, oo_bytes b) { oo__emit_text_field(w->emit, field, (const char *)b.data, b.size); }

static void write_type_field(oo__writer *w, uint32_t field, const oo_type *type) {
    const uint64_t mark = oo__emit_size(w->emit);
    oo__write_type(w, type);
    oo__emit_close(w->emit, field, mark);
}

static void write_types(oo__writer *w, const oo_attr *a) {
    if (a->type == OO_ATTR_TYPE_PROTO && a->type_proto)
        write_type_field(w, 14, a->type_proto);
    for (uint32_t i = a->type == OO_ATTR_TYPE_PROTOS ? a->count : 0; i-- > 0;)
        write_type_field(w, 15, a->type_protos[i]);
}

static void write_plain(oo__writer *w, const oo_attr *a) {
    switch (a->type) {
    case OO_ATTR_FLOAT: oo__emit_float_field(w->emit, 2, a->f); break;
    case OO_ATTR_INT: oo__emit_varint_field(w->emit, 3, (uint64_t)a->i); break;
    case OO_ATTR_STRING: write_bytes_field(w, 4, a->s); break;
    case OO_ATTR_FLOATS:
        for (uint32_t i = a->count; i-- > 0;)
            oo__emit_float_field(w->emit, 7, a->floats[i]);
        break;
    case OO_ATTR_INTS:
        for (uint32_t i = a->count; i-- > 0;)
            oo__emit_varint_field(w->emit, 8, (uint64_t)a->ints[i]);
        break;
    case OO_ATTR_STRINGS:
        for (uint32_t i = a->count; i-- > 0;)
            write_bytes_field(w, 9, a->strings[i]);
        break;
    default: break;
    }
}

/* Fields in the order of their numbers, but for tensors and graphs, which come last. */
void oo__write_attr(oo__writer *w, const oo_attr *a) {
    if (a->raw.data) {
        oo__emit_bytes(w->emit, a->raw.data, a->raw.size);
        return;
    }
    oo__emit_bytes(w->emit, a->unknown.data, a->unknown.size);
    if (!a->reference)
        write_holders(w, a);
    oo__write_text_field(w, 21, a->reference);
    if (a->has_type)
        oo__emit_varint_field(w->emit, 20, (uint64_t)(int64_t)a->type);
    if (!a->reference)
        write_types(w, a);
    oo__write_text_field(w, 13, a->doc);
    if (!a->reference)
        write_plain(w, a);
    oo__write_text_field(w, 1, a->name);
}
