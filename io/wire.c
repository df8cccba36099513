#include "io/wire.h"

#include "onnx.pb-c.h"

#include <string.h>

/* A subgraph costs three messages (attribute, graph, node): this allows 80 levels, where other readers stop at 33. */
enum { MAX_DEPTH = 256 };

static bool read_varint(oo__cursor *c, uint64_t *out) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (c->at == c->end) {
            c->error = "the file ends inside a number";
            return false;
        }
        const uint8_t byte = *c->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    c->error = "a number has more than 10 bytes";
    return false;
}

static bool read_content(oo__cursor *c, oo__field *f) {
    const uint64_t left = (uint64_t)(c->end - c->at);
    switch (f->wire) {
    case OO__WIRE_VARINT:
        f->data = c->at;
        if (!read_varint(c, &f->value))
            return false;
        f->size = (uint64_t)(c->at - f->data);
        return true;
    case OO__WIRE_BYTES:
        if (!read_varint(c, &f->size))
            return false;
        if (f->size > (uint64_t)(c->end - c->at)) {
            c->error = "a field is longer than what is left: the file is truncated or damaged";
            return false;
        }
        break;
    case OO__WIRE_64:
    case OO__WIRE_32:
        f->size = f->wire == OO__WIRE_64 ? 8 : 4;
        if (left < f->size) {
            c->error = "the file ends inside a number";
            return false;
        }
        break;
    default:
        c->error = "a field has a wire type that ONNX does not use";
        return false;
    }
    f->data = c->at;
    c->at += f->size;
    return true;
}

bool oo__wire_next_any(oo__cursor *c, oo__field *f) {
    c->error = NULL;
    if (c->at == c->end)
        return false;
    f->start = c->at;
    uint64_t tag;
    if (!read_varint(c, &tag))
        return false;
    f->number = (uint32_t)(tag >> 3);
    f->wire = (uint32_t)(tag & 7);
    if (tag >> 3 == 0 || tag >> 3 >= 1u << 29) {
        c->error = "a field has an impossible number";
        return false;
    }
    return read_content(c, f);
}

void oo__buffer_add(oo__buffer *b, const void *data, size_t size) {
    if (size > UINT32_MAX / 2)
        oo__oom(size);
    oo_vec_reserve(NULL, b, (uint32_t)size);
    if (size)
        memcpy(b->data + b->n, data, size);
    b->n += (uint32_t)size;
}

void oo__buffer_add_varint(oo__buffer *b, uint64_t value) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    oo__buffer_add(b, bytes, n);
}

/* ---- payloads ---- */
static oo_storage payload_kind(uint32_t number) {
    switch (number) {
    case 4: return OO_STORE_FLOATS;
    case 5: return OO_STORE_INT32S;
    case 7: return OO_STORE_INT64S;
    case 9: return OO_STORE_RAW;
    case 10: return OO_STORE_DOUBLES;
    case 11: return OO_STORE_UINT64S;
    default: return OO_STORE_NONE;
    }
}

/* The only payload field of a TensorProto when it is worth cutting; a payload in several pieces is left to protobuf-c to join. */
static bool find_payload(const uint8_t *data, uint64_t size, oo__field *out) {
    oo__cursor c = {data, data + size, NULL};
    oo__field f;
    unsigned pieces = 0;
    while (oo__wire_next(&c, &f)) {
        if (payload_kind(f.number) == OO_STORE_NONE)
            continue;
        pieces++;
        *out = f;
    }
    return pieces == 1 && out->wire == OO__WIRE_BYTES && out->size >= OO__CUT_MIN;
}

/* ---- checking ---- */
/* The message type of a field, NULL when it holds none. */
static const ProtobufCFieldDescriptor *message_field(const ProtobufCMessageDescriptor *type, const oo__field *f) {
    if (f->wire != OO__WIRE_BYTES)
        return NULL;
    const ProtobufCFieldDescriptor *const field = protobuf_c_message_descriptor_get_field(type, f->number);
    return field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field : NULL;
}

static void fail(oo__check *check, const char *error, const uint8_t *where) {
    check->error = error;
    check->where = where;
}

static void check_message(oo__check *check, const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size,
                          unsigned depth) {
    if (depth > MAX_DEPTH) {
        fail(check, "messages are nested more than 256 deep", data);
        return;
    }
    const bool tensor = type == &onnx__tensor_proto__descriptor;
    oo__cursor c = {data, data + size, NULL};
    oo__field f;
    uint64_t seen = 0;
    while (oo__wire_next(&c, &f)) {
        if (tensor && f.number == OO__CUT_FIELD) {
            fail(check, "a tensor has field 19999, which protobuf reserves", f.start);
            return;
        }
        const ProtobufCFieldDescriptor *const field = message_field(type, &f);
        if (!field)
            continue;
        const uint64_t bit = f.number < 64 ? UINT64_C(1) << f.number : 0;
        if (field->label != PROTOBUF_C_LABEL_REPEATED && (seen & bit)) {
            fail(check, "a field that may occur once occurs twice", f.start);
            return;
        }
        seen |= bit;
        check_message(check, field->descriptor, f.data, f.size, depth + 1);
        if (check->error)
            return;
    }
    if (c.error)
        fail(check, c.error, c.at);
    else if (tensor && find_payload(data, size, &f))
        check->heavy += f.size;
}

oo__check oo__wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size, unsigned depth) {
    oo__check check = {0};
    check_message(&check, type, data, size, depth);
    return check;
}

static uint32_t expected_wire(const ProtobufCFieldDescriptor *field) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32: return OO__WIRE_32;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64: return OO__WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return OO__WIRE_BYTES;
    default: return OO__WIRE_VARINT;
    }
}

/* Whether a field may stand on the wire so; lists of numbers also as one packed run. */
static bool fits(const ProtobufCFieldDescriptor *field, const oo__field *f) {
    const uint32_t wire = expected_wire(field);
    if (f->wire == wire)
        return true;
    if (f->wire != OO__WIRE_BYTES || field->label != PROTOBUF_C_LABEL_REPEATED)
        return false;
    if (wire != OO__WIRE_VARINT)
        return f->size % (wire == OO__WIRE_32 ? 4 : 8) == 0;
    oo__cursor c = {f->data, f->data + f->size, NULL};
    uint64_t number;
    while (c.at != c.end)
        if (!read_varint(&c, &number))
            return false;
    return true;
}

oo__check oo__wire_explain(const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size) {
    oo__check check = {0};
    oo__cursor c = {data, data + size, NULL};
    oo__field f;
    while (!check.error && oo__wire_next(&c, &f)) {
        const ProtobufCFieldDescriptor *const field = protobuf_c_message_descriptor_get_field(type, f.number);
        if (field && !fits(field, &f))
            check = (oo__check){.error = "a field has another type than ONNX gives it", .field = field->name, .where = f.start};
        else if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
            check = oo__wire_explain(field->descriptor, f.data, f.size);
    }
    return check;
}

/* ---- cutting ---- */
static void cut_tensor(oo__buffer *out, oo__cuts *cuts, const uint8_t *data, uint64_t size) {
    oo__field payload;
    if (!find_payload(data, size, &payload)) {
        oo__buffer_add(out, data, size);
        return;
    }
    oo_vec_push(NULL, cuts, (oo__cut){payload_kind(payload.number), payload.data, payload.size});
    oo__buffer_add_varint(out, (uint64_t)OO__CUT_FIELD << 3 | OO__WIRE_VARINT);
    oo__buffer_add_varint(out, cuts->n);
    const uint8_t *const behind = payload.data + payload.size;
    oo__buffer_add(out, data, (size_t)(payload.start - data));
    oo__buffer_add(out, behind, (size_t)(data + size - behind));
}

/* Puts a smaller length behind a tag, in as many bytes as the old one has: a varint may end in zeros. */
static void shorten(uint8_t *head, uint64_t length) {
    while (*head++ & 0x80)
        ;
    for (; *head & 0x80; length >>= 7)
        *head++ = (uint8_t)(0x80 | (length & 0x7f));
    *head = (uint8_t)length;
}

/* A field with its content cut. */
static void cut_field(oo__buffer *out, oo__cuts *cuts, const ProtobufCMessageDescriptor *type, const oo__field *f) {
    const uint32_t head = out->n;
    oo__buffer_add(out, f->start, (size_t)(f->data - f->start));
    const uint32_t content = out->n;
    oo__wire_cut(out, cuts, type, f->data, f->size);
    shorten(out->data + head, out->n - content);
}

void oo__wire_cut(oo__buffer *out, oo__cuts *cuts, const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size) {
    if (type == &onnx__tensor_proto__descriptor) {
        cut_tensor(out, cuts, data, size);
        return;
    }
    oo__cursor c = {data, data + size, NULL};
    oo__field f;
    while (oo__wire_next(&c, &f)) {
        const ProtobufCFieldDescriptor *const field = message_field(type, &f);
        if (field)
            cut_field(out, cuts, field->descriptor, &f);
        else
            oo__buffer_add(out, f.start, (size_t)(c.at - f.start));
    }
}
