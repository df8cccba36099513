/* Texts, unknown fields and types. */
#include "io/reader.h"

#include <string.h>

/* The list is searched for every node. */
enum { MAX_OPSETS = 1000 };

const char *oo__read_item(const oo__reader *r, ProtobufCBinaryData text) { return oo__str_n(r->model, text.data, text.len); }

const char *oo__read_text(const oo__reader *r, protobuf_c_boolean has, ProtobufCBinaryData text) {
    return has ? oo__read_item(r, text) : NULL;
}

oo_bytes oo__read_bytes(const oo__reader *r, ProtobufCBinaryData data) {
    return (oo_bytes){(const uint8_t *)oo__arena_copy(r->model->arena, data.data, data.len), data.len};
}

oo_bytes oo__read_unknown(const oo__reader *r, const ProtobufCMessage *message) {
    if (!message->n_unknown_fields)
        return (oo_bytes){0};
    const bool tensor = message->descriptor == &onnx__tensor_proto__descriptor;
    oo__buffer wire = {0};
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *const f = &message->unknown_fields[i];
        if (tensor && f->tag == OO__CUT_FIELD)
            continue;
        oo__buffer_add_varint(&wire, (uint64_t)f->tag << 3 | (uint64_t)f->wire_type);
        oo__buffer_add(&wire, f->data, f->len);
    }
    const oo_bytes out = {wire.n ? (const uint8_t *)oo__arena_copy(r->model->arena, wire.data, wire.n) : NULL, wire.n};
    oo_vec_free(&wire);
    return out;
}

oo_bytes oo__read_packed(const oo__reader *r, const ProtobufCMessage *message) {
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *const data = oo__arena_alloc(r->model->arena, size + 1); /* an empty message is still a message: not NULL */
    protobuf_c_message_pack(message, data);
    return (oo_bytes){data, size};
}

void oo__read_props(const oo__reader *r, oo_props *out, Onnx__StringStringEntryProto *const *entries, size_t count) {
    if (count)
        oo_vec_reserve(r->model->arena, out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const Onnx__StringStringEntryProto *const e = entries[i];
        oo_prop prop = {oo__read_text(r, e->has_key, e->key), oo__read_text(r, e->has_value, e->value), {0}};
        if (e->base.n_unknown_fields)
            prop.raw = oo__read_packed(r, &e->base);
        oo_vec_push(r->model->arena, out, prop);
    }
}

oo_status oo__read_opsets(const oo__reader *r, oo_opsets *out, Onnx__OperatorSetIdProto *const *entries, size_t count) {
    if (count > MAX_OPSETS)
        return oo__read_fail(r, "load-too-large", NULL, "%zu operator sets are imported, %d are the most", count, MAX_OPSETS);
    for (size_t i = 0; i < count; i++) {
        const Onnx__OperatorSetIdProto *const e = entries[i];
        oo_opset opset = {oo__read_text(r, e->has_domain, e->domain), e->version, e->has_version, {0}};
        if (e->base.n_unknown_fields)
            opset.raw = oo__read_packed(r, &e->base);
        oo_vec_push(r->model->arena, out, opset);
    }
    return OO_OK;
}

static bool field_has_unknown(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    if (f->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const uint8_t *const base = (const uint8_t *)m;
    const bool chosen = !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *(const uint32_t *)(const void *)(base + f->quantifier_offset) == f->id;
    if (!chosen)
        return false;
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        const ProtobufCMessage *const inner = *(ProtobufCMessage *const *)(const void *)(base + f->offset);
        return inner && oo__read_has_unknown(inner);
    }
    const size_t n = *(const size_t *)(const void *)(base + f->quantifier_offset);
    ProtobufCMessage *const *const list = *(ProtobufCMessage *const *const *)(const void *)(base + f->offset);
    for (size_t i = 0; i < n; i++)
        if (oo__read_has_unknown(list[i]))
            return true;
    return false;
}

bool oo__read_has_unknown(const ProtobufCMessage *message) {
    if (message->n_unknown_fields)
        return true;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        if (field_has_unknown(message, &message->descriptor->fields[i]))
            return true;
    return false;
}

/* ---- types ---- */
static void read_shape(const oo__reader *r, oo_type *type, const Onnx__TensorShapeProto *shape) {
    type->has_shape = shape != NULL;
    if (!shape)
        return;
    type->rank = (uint32_t)shape->n_dim;
    type->dims = OO_NEW_ARRAY(r->model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *const d = shape->dim[i];
        oo_dim *const dim = &type->dims[i];
        dim->denotation = oo__read_text(r, d->has_denotation, d->denotation);
        if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
            dim->kind = OO_DIM_VALUE;
            dim->value = d->dim_value;
        } else if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM) {
            dim->kind = OO_DIM_PARAM;
            dim->param = oo__read_item(r, d->dim_param);
        }
    }
}

static void read_tensor_type(const oo__reader *r, oo_type *type, const Onnx__TypeProto *m) {
    if (m->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) {
        type->kind = OO_TYPE_TENSOR;
        type->has_elem = m->tensor_type->has_elem_type;
        type->elem = m->tensor_type->elem_type;
        read_shape(r, type, m->tensor_type->shape);
    } else {
        type->kind = OO_TYPE_SPARSE_TENSOR;
        type->has_elem = m->sparse_tensor_type->has_elem_type;
        type->elem = m->sparse_tensor_type->elem_type;
        read_shape(r, type, m->sparse_tensor_type->shape);
    }
}

static void read_type_into(const oo__reader *r, oo_type *type, const Onnx__TypeProto *m) {
    type->denotation = oo__read_text(r, m->has_denotation, m->denotation);
    switch (m->value_case) {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE: read_tensor_type(r, type, m); break;
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        type->kind = OO_TYPE_SEQUENCE;
        type->inner = oo__read_type(r, m->sequence_type->elem_type);
        break;
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        type->kind = OO_TYPE_OPTIONAL;
        type->inner = oo__read_type(r, m->optional_type->elem_type);
        break;
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        type->kind = OO_TYPE_MAP;
        type->has_elem = m->map_type->has_key_type;
        type->elem = m->map_type->key_type;
        type->inner = oo__read_type(r, m->map_type->value_type);
        break;
    case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
        type->kind = OO_TYPE_OPAQUE;
        type->opaque_domain = oo__read_text(r, m->opaque_type->has_domain, m->opaque_type->domain);
        type->opaque_name = oo__read_text(r, m->opaque_type->has_name, m->opaque_type->name);
        break;
    default: type->kind = OO_TYPE_NONE; break;
    }
}

const oo_type *oo__read_type(const oo__reader *r, const Onnx__TypeProto *message) {
    if (!message)
        return NULL;
    oo_type *const type = OO_NEW(r->model->arena, oo_type);
    read_type_into(r, type, message);
    if (oo__read_has_unknown(&message->base))
        type->raw = oo__read_packed(r, &message->base);
    return type;
}
