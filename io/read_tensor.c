/* TensorProto and SparseTensorProto. */
#include "io/reader.h"

#include <stdlib.h>
#include <string.h>

/* The payload that was cut out of this message, NULL when it carries its own. */
static const oo__cut *cut_of(const oo__reader *r, const Onnx__TensorProto *m) {
    if (!m->base.n_unknown_fields || m->base.unknown_fields[0].tag != OO__CUT_FIELD)
        return NULL;
    const ProtobufCMessageUnknownField *const f = &m->base.unknown_fields[0];
    uint64_t index = 0;
    for (size_t i = 0; i < f->len; i++)
        index |= (uint64_t)(f->data[i] & 0x7f) << (7 * i);
    return &r->cuts.data[index - 1];
}

static oo_payload memory_payload(const oo__reader *r, const void *data, size_t size) {
    return (oo_payload){.memory = (const uint8_t *)oo__arena_copy(r->model->arena, data, size), .size = size};
}

/* Numbers that protobuf-c has decoded, encoded again as one packed run of varints. */
static oo_payload varint_payload(const oo__reader *r, size_t count, const void *numbers, size_t width) {
    oo__buffer wire = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 0;
        if (width == 4) {
            int32_t narrow;
            memcpy(&narrow, (const char *)numbers + 4 * i, 4);
            number = (uint64_t)(int64_t)narrow;
        } else {
            memcpy(&number, (const char *)numbers + 8 * i, 8);
        }
        oo__buffer_add_varint(&wire, number);
    }
    const oo_payload payload = memory_payload(r, wire.data, wire.n);
    oo_vec_free(&wire);
    return payload;
}

/* The storage that the message itself uses; more than one is an error (NONE and *count > 1). */
static oo_storage storage_of(const Onnx__TensorProto *m, unsigned *count) {
    const struct {
        bool used;
        oo_storage storage;
    } kinds[] = {{m->has_raw_data, OO_STORE_RAW},           {m->n_float_data > 0, OO_STORE_FLOATS},
                 {m->n_int32_data > 0, OO_STORE_INT32S},    {m->n_int64_data > 0, OO_STORE_INT64S},
                 {m->n_double_data > 0, OO_STORE_DOUBLES},  {m->n_uint64_data > 0, OO_STORE_UINT64S},
                 {m->n_string_data > 0, OO_STORE_STRINGS}};
    oo_storage storage = OO_STORE_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!kinds[i].used)
            continue;
        storage = kinds[i].storage;
        ++*count;
    }
    return storage;
}

static void read_own_payload(const oo__reader *r, oo_tensor *t, const Onnx__TensorProto *m) {
    switch (t->storage) {
    case OO_STORE_RAW: t->payload = memory_payload(r, m->raw_data.data, m->raw_data.len); break;
    case OO_STORE_FLOATS: t->payload = memory_payload(r, m->float_data, m->n_float_data * sizeof *m->float_data); break;
    case OO_STORE_DOUBLES: t->payload = memory_payload(r, m->double_data, m->n_double_data * sizeof *m->double_data); break;
    case OO_STORE_INT32S: t->payload = varint_payload(r, m->n_int32_data, m->int32_data, 4); break;
    case OO_STORE_INT64S: t->payload = varint_payload(r, m->n_int64_data, m->int64_data, 8); break;
    case OO_STORE_UINT64S: t->payload = varint_payload(r, m->n_uint64_data, m->uint64_data, 8); break;
    case OO_STORE_STRINGS:
        for (size_t i = 0; i < m->n_string_data; i++)
            oo_vec_push(r->model->arena, &t->strings, oo__read_bytes(r, m->string_data[i]));
        break;
    default: break;
    }
}

static oo_payload cut_payload(const oo__reader *r, const oo__cut *cut) {
    return (oo_payload){.source = r->source, .offset = (uint64_t)(cut->data - r->source->bytes), .size = cut->size};
}

/* Segment and unknown fields, as they stand on the wire. */
static oo_bytes rest_of(const oo__reader *r, const Onnx__TensorProto *m) {
    const oo_bytes unknown = oo__read_unknown(r, &m->base);
    if (!m->segment)
        return unknown;
    Onnx__TensorProto only = ONNX__TENSOR_PROTO__INIT;
    only.segment = m->segment;
    const oo_bytes segment = oo__read_packed(r, &only.base);
    uint8_t *const both = oo__arena_alloc(r->model->arena, segment.size + unknown.size);
    memcpy(both, segment.data, segment.size);
    if (unknown.size)
        memcpy(both + segment.size, unknown.data, unknown.size);
    return (oo_bytes){both, segment.size + unknown.size};
}

/* Numbers in a packed run of varints: bytes that end one. The pages of a mapped run are given back. False when the last has no end. */
static bool count_varints(const oo_payload *p, uint64_t *count) {
    const uint8_t *const data = p->source ? p->source->bytes + p->offset : p->memory;
    *count = 0;
    for (uint64_t i = 0; i < p->size; i++)
        *count += !(data[i] & 0x80);
    const bool whole = !p->size || !(data[p->size - 1] & 0x80);
    if (p->source)
        oo__source_forget(p->source, p->offset, p->size);
    return whole;
}

/* Whether the payload has as much data as the dimensions ask for; types of unknown width are let through. */
static bool size_fits(const oo_tensor *t, uint64_t *have, uint64_t *need) {
    const uint32_t bits = oo__elem_bits(t->elem);
    *have = t->payload.size;
    *need = oo_tensor_size(t);
    switch (t->storage) {
    case OO_STORE_RAW: return t->elem == OO_STRING || !bits || *have == *need;
    case OO_STORE_FLOATS: return t->elem == OO_FLOAT || t->elem == OO_COMPLEX64 ? *have == *need : *have % 4 == 0;
    case OO_STORE_DOUBLES: return t->elem == OO_DOUBLE || t->elem == OO_COMPLEX128 ? *have == *need : *have % 8 == 0;
    case OO_STORE_STRINGS:
        *have = t->strings.n;
        *need = t->count;
        return t->elem != OO_STRING || *have == *need;
    case OO_STORE_INT32S:
    case OO_STORE_INT64S:
    case OO_STORE_UINT64S:
        *need = oo__tensor_numbers(t);
        return count_varints(&t->payload, have) && *have == *need;
    case OO_STORE_NONE:
        *have = 0;
        return t->count == 0 || !oo__elem_name(t->elem);
    default: return true;
    }
}

static oo_status check_size(const oo__reader *r, const oo_tensor *t) {
    uint64_t have, need;
    if (size_fits(t, &have, &need))
        return OO_OK;
    const char *const type = oo__elem_name(t->elem);
    return oo__read_fail(r, "load-tensor-size", r->item,
                         "tensor \"%s\" of type %s holds %llu %s where its dimensions ask for %llu",
                         t->name ? oo__printable(t->name, oo__str_len(t->name)) : "", type ? type : "unknown",
                         (unsigned long long)have, t->storage == OO_STORE_RAW || t->storage == OO_STORE_NONE ? "bytes" : "numbers or bytes",
                         (unsigned long long)need);
}

static oo_status tensor_error(const oo__reader *r, const Onnx__TensorProto *m, const char *code, const char *what) {
    return oo__read_fail(r, code, r->item, "tensor \"%s\" %s", oo__printable((const char *)m->name.data, m->name.len), what);
}

/* A tensor of which the dimensions or the data were told to be wrong has neither. */
static void give_up(oo_tensor *t) {
    t->broken = true;
    t->rank = 0;
    t->count = 1;
    t->storage = OO_STORE_NONE;
    t->payload = (oo_payload){0};
    t->strings.n = 0;
}

static oo_status defect(oo__reader *r, oo_tensor *t, oo_status failure) {
    if (failure != OO_OK && oo__read_defect(r, failure) == OO_OK) {
        give_up(t);
        return OO_OK;
    }
    return failure;
}

static oo_status read_data(oo__reader *r, oo_tensor *t, const Onnx__TensorProto *m) {
    const oo__cut *const cut = cut_of(r, m);
    unsigned kinds = cut ? 1 : 0;
    const oo_storage own = storage_of(m, &kinds);
    if (kinds > 1)
        return defect(r, t, tensor_error(r, m, "load-tensor-data", "holds its data in more than one field"));
    t->storage = cut ? cut->storage : own;
    if (m->has_data_location && m->data_location == 1) {
        if (kinds && !(own == OO_STORE_RAW && !cut && m->raw_data.len == 0))
            return defect(r, t, tensor_error(r, m, "load-tensor-data", "holds data although it says that they are in another file"));
        t->storage = OO_STORE_EXTERNAL;
        t->has_empty_raw = m->has_raw_data;
        return defect(r, t, oo__read_external(r, t));
    }
    if (cut)
        t->payload = cut_payload(r, cut);
    else
        read_own_payload(r, t, m);
    return defect(r, t, check_size(r, t));
}

oo_status oo__read_tensor(oo_tensor **out, oo__reader *r, const Onnx__TensorProto *m) {
    bool valid;
    oo_tensor *const t = oo__tensor_new(r->model, m->data_type, (uint32_t)m->n_dims, m->dims, &valid);
    if (!valid) {
        OO_TRY(oo__read_defect(r, tensor_error(r, m, "load-tensor-dims", "has negative dimensions or more elements than can be counted")));
        give_up(t);
    }
    t->has_elem = m->has_data_type;
    t->name = oo__read_text(r, m->has_name, m->name);
    t->doc = oo__read_text(r, m->has_doc_string, m->doc_string);
    t->has_location = m->has_data_location;
    t->location = m->data_location;
    oo__read_props(r, &t->metadata, m->metadata_props, m->n_metadata_props);
    oo__read_props(r, &t->external, m->external_data, m->n_external_data);
    t->rest = rest_of(r, m);
    *out = t;
    return t->broken ? OO_OK : read_data(r, t, m);
}

oo_status oo__read_sparse(oo_sparse **out, oo__reader *r, const Onnx__SparseTensorProto *m) {
    oo_sparse *const s = OO_NEW(r->model->arena, oo_sparse);
    *out = s;
    s->rank = (uint32_t)m->n_dims;
    s->dims = OO_NEW_ARRAY(r->model->arena, int64_t, s->rank);
    if (s->rank)
        memcpy(s->dims, m->dims, s->rank * sizeof *s->dims);
    s->unknown = oo__read_unknown(r, &m->base);
    if (m->values)
        OO_TRY(oo__read_tensor(&s->values, r, m->values));
    return m->indices ? oo__read_tensor(&s->indices, r, m->indices) : OO_OK;
}
