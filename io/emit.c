#include "io/emit.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BLOCK = 256 * 1024,
    LAST_BLOCK = 2 * 1024 * 1024,
    HEADER = 64,      /* of the arena's block */
    INLINE_MAX = 1024 /* what is shorter is copied: a piece has its price */
};

struct oo__emit {
    oo_arena *arena;
    size_t next_block;
    uint8_t *block, *at;       /* the free part of the current block is [block, at) */
    const uint8_t *run_end;    /* the unfinished run of bytes is [at, run_end) */
    uint64_t size;
    oo_vec(oo_piece) pieces;   /* the last one is the first of the file */
};

oo__emit *oo__emit_new(void) {
    oo__emit *const e = oo__malloc(sizeof *e);
    *e = (oo__emit){.arena = oo__arena_new(), .next_block = FIRST_BLOCK};
    return e;
}

void oo__emit_free(oo__emit *e) {
    if (!e)
        return;
    oo__arena_free(e->arena);
    oo_vec_free(&e->pieces);
    free(e);
}

uint64_t oo__emit_size(const oo__emit *e) { return e->size; }

static void end_run(oo__emit *e) {
    if (e->run_end != e->at)
        oo_vec_push(NULL, &e->pieces, (oo_piece){.bytes = e->at, .size = (uint64_t)(e->run_end - e->at)});
    e->run_end = e->at;
}

static void add_block(oo__emit *e, size_t size) {
    end_run(e);
    const size_t usual = e->next_block - HEADER, room = size > usual ? size : usual;
    if (e->next_block < LAST_BLOCK)
        e->next_block *= 2;
    e->block = oo__arena_alloc(e->arena, room);
    e->at = e->block + room;
    e->run_end = e->at;
}

/* Where `size` bytes more may end. */
static inline uint8_t *room(oo__emit *e, size_t size) {
    if ((size_t)(e->at - e->block) < size || !e->block)
        add_block(e, size);
    return e->at;
}

static inline void begin_at(oo__emit *e, uint8_t *at) {
    e->size += (size_t)(e->at - at);
    e->at = at;
}

static inline uint8_t *reserve(oo__emit *e, size_t size) {
    begin_at(e, room(e, size) - size);
    return e->at;
}

void oo__emit_bytes(oo__emit *e, const void *data, size_t size) {
    if (size)
        memcpy(reserve(e, size), data, size);
}

void oo__emit_message(oo__emit *e, const ProtobufCMessage *message) {
    const size_t size = protobuf_c_message_get_packed_size(message);
    if (size)
        protobuf_c_message_pack(message, reserve(e, size));
}

static void emit_reference(oo__emit *e, const oo_payload *p) {
    end_run(e);
    oo_vec_push(NULL, &e->pieces,
                (oo_piece){.bytes = p->source ? NULL : p->memory, .source = p->source, .offset = p->offset, .size = p->size});
    e->size += p->size;
}

void oo__emit_payload(oo__emit *e, const oo_payload *p) {
    if (!p->source && p->size <= INLINE_MAX)
        oo__emit_bytes(e, p->memory, p->size);
    else
        emit_reference(e, p);
}

void oo__emit_lazy(oo__emit *e, const oo_tensor *tensor) {
    end_run(e);
    const uint64_t size = oo_tensor_size(tensor);
    oo_vec_push(NULL, &e->pieces, (oo_piece){.make = oo__tensor_make, .state = tensor, .size = size});
    e->size += size;
}

enum { MAX_VARINT = 10, MAX_PAIR = 2 * MAX_VARINT };

static uint8_t *put_long(uint8_t *at, uint64_t value) {
    size_t n = 1;
    for (uint64_t left = value; left >= 0x80; left >>= 7)
        n++;
    uint8_t *const start = at - n;
    for (at = start; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at = (uint8_t)value;
    return start;
}

/* Puts a number in front of `at`; returns where it begins. */
static inline uint8_t *put_varint(uint8_t *at, uint64_t value) {
    if (value >= 0x80)
        return put_long(at, value);
    *--at = (uint8_t)value;
    return at;
}

static inline void emit_pair(oo__emit *e, uint64_t tag, uint64_t value) {
    begin_at(e, put_varint(put_varint(room(e, MAX_PAIR), value), tag));
}

void oo__emit_close(oo__emit *e, uint32_t field, uint64_t mark) { emit_pair(e, (uint64_t)field << 3 | 2, e->size - mark); }

void oo__emit_text_field(oo__emit *e, uint32_t field, const char *text, size_t size) {
    const uint64_t tag = (uint64_t)field << 3 | 2;
    if (size > INLINE_MAX) {
        emit_reference(e, &(oo_payload){.memory = (const uint8_t *)text, .size = size});
        emit_pair(e, tag, size);
        return;
    }
    uint8_t *const at = room(e, size + MAX_PAIR) - size;
    if (size)
        memcpy(at, text, size);
    begin_at(e, put_varint(put_varint(at, size), tag));
}

void oo__emit_varint_field(oo__emit *e, uint32_t field, uint64_t value) { emit_pair(e, (uint64_t)field << 3, value); }

void oo__emit_float_field(oo__emit *e, uint32_t field, float value) {
    uint8_t *const at = room(e, sizeof value + MAX_VARINT) - sizeof value;
    memcpy(at, &value, sizeof value);
    begin_at(e, put_varint(at, (uint64_t)field << 3 | 5));
}

bool oo__emit_write(oo__emit *e, oo_output *output) {
    end_run(e);
    for (uint32_t i = 0, j = e->pieces.n; i + 1 < j; i++) {
        const oo_piece last = e->pieces.data[--j];
        e->pieces.data[j] = e->pieces.data[i];
        e->pieces.data[i] = last;
    }
    return oo__output_pieces(output, e->pieces.data, e->pieces.n);
}
