/* The protobuf wire format, as far as it must be known outside of protobuf-c: walking over messages without unpacking them, bounding
 * their depth, and cutting large tensor payloads out. Private to io/. */
#ifndef IO_WIRE_H
#define IO_WIRE_H
#include "ir/ir.h"

#include <protobuf-c/protobuf-c.h>

enum { OO__WIRE_VARINT = 0, OO__WIRE_64 = 1, OO__WIRE_BYTES = 2, OO__WIRE_32 = 5 };

/* One field of a message. */
typedef struct oo__field {
    uint32_t number;
    uint32_t wire;        /* OO__WIRE_... */
    uint64_t value;       /* of a varint */
    const uint8_t *start; /* of the tag */
    const uint8_t *data;  /* content, without tag and length */
    uint64_t size;        /* of the content */
} oo__field;

typedef struct oo__cursor {
    const uint8_t *at, *end;
    const char *error; /* why the last oo__wire_next gave false, NULL at the end of the message */
} oo__cursor;

bool oo__wire_next_any(oo__cursor *cursor, oo__field *field);

/* Most fields: a run of bytes with a number below 16 that is shorter than 16 KiB. */
static inline bool oo__wire_next_short(oo__cursor *c, oo__field *f) {
    const uint8_t *const at = c->at;
    const ptrdiff_t left = c->end - at;
    if (left < 3 || (at[0] & 0x87) != OO__WIRE_BYTES || at[0] < 8)
        return false;
    const bool two = at[1] >= 0x80;
    if (two && at[2] >= 0x80)
        return false;
    const ptrdiff_t head = two ? 3 : 2, size = two ? (at[1] & 0x7f) | at[2] << 7 : at[1];
    if (left - head < size)
        return false;
    f->start = at;
    f->number = at[0] >> 3;
    f->wire = OO__WIRE_BYTES;
    f->data = at + head;
    f->size = (uint64_t)size;
    c->at = f->data + size;
    return true;
}

/* The next field; false at the end or when the bytes are malformed (cursor->error says which). */
static inline bool oo__wire_next(oo__cursor *cursor, oo__field *field) {
    return oo__wire_next_short(cursor, field) || oo__wire_next_any(cursor, field);
}

/* A growing byte buffer. */
typedef oo_vec(uint8_t) oo__buffer;
void oo__buffer_add(oo__buffer *buffer, const void *data, size_t size);
void oo__buffer_add_varint(oo__buffer *buffer, uint64_t value);

/* A tensor's payload that stays where it is. */
typedef struct oo__cut {
    oo_storage storage;
    const uint8_t *data;
    uint64_t size;
} oo__cut;
typedef oo_vec(oo__cut) oo__cuts;

/* In a cut-out TensorProto this field comes first and holds the index of its payload in the cuts, plus one. Protobuf reserves the
 * number for itself, so no legal schema has it; a file that has it is refused. */
enum { OO__CUT_FIELD = 19999, OO__CUT_MIN = 64 };

/* What a check found. */
typedef struct oo__check {
    const char *error;    /* NULL = well-formed */
    const char *field;    /* name of the field that is wrong, NULL = not said */
    const uint8_t *where; /* of the error */
    uint64_t heavy;       /* bytes of payloads to cut out */
} oo__check;

/* Walks a message and all messages in it, as `type` describes them; itself it lies in `depth` others. */
oo__check oo__wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size, unsigned depth);
/* Why protobuf-c refuses a message that was checked: the first field whose content is not of its type. */
oo__check oo__wire_explain(const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size);
/* A copy of a checked message without its payloads, which are added to `cuts`; never longer than the message. */
void oo__wire_cut(oo__buffer *out, oo__cuts *cuts, const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size);

/* A part of the file. */
typedef struct oo__range {
    const uint8_t *data;
    uint64_t size;
} oo__range;
typedef oo_vec(oo__range) oo__ranges;
#endif
