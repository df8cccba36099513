#include "io/emit.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 * 1024, LAZY_CHUNK = 256 * 1024 };

typedef struct segment {
    const uint8_t *bytes;      /* memory, or ... */
    const oo_source *source;   /* a range of a file, or ... */
    const oo_tensor *lazy;     /* what this tensor makes */
    uint64_t offset, size;
} segment;

struct oo__emit {
    oo_arena *arena;
    uint8_t *block, *at;       /* the free part of the current block is [block, at) */
    const uint8_t *run_end;    /* the unfinished run of bytes is [at, run_end) */
    uint64_t size;
    oo_vec(segment) segments;  /* the last one is the first of the file */
};

oo__emit *oo__emit_new(void) {
    oo__emit *const e = oo__malloc(sizeof *e);
    *e = (oo__emit){.arena = oo__arena_new()};
    return e;
}

void oo__emit_free(oo__emit *e) {
    if (!e)
        return;
    oo__arena_free(e->arena);
    oo_vec_free(&e->segments);
    free(e);
}

uint64_t oo__emit_size(const oo__emit *e) { return e->size; }

static void end_run(oo__emit *e) {
    if (e->run_end != e->at)
        oo_vec_push(NULL, &e->segments, (segment){.bytes = e->at, .size = (uint64_t)(e->run_end - e->at)});
    e->run_end = e->at;
}

static uint8_t *reserve(oo__emit *e, size_t size) {
    if ((size_t)(e->at - e->block) < size || !e->block) {
        end_run(e);
        const size_t room = size > BLOCK ? size : BLOCK;
        e->block = oo__arena_alloc(e->arena, room);
        e->at = e->block + room;
        e->run_end = e->at;
    }
    e->at -= size;
    e->size += size;
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

void oo__emit_payload(oo__emit *e, const oo_payload *p) {
    enum { INLINE_MAX = 256 };
    if (!p->source && p->size <= INLINE_MAX) {
        oo__emit_bytes(e, p->memory, p->size);
        return;
    }
    end_run(e);
    oo_vec_push(NULL, &e->segments,
                (segment){.bytes = p->source ? NULL : p->memory, .source = p->source, .offset = p->offset, .size = p->size});
    e->size += p->size;
}

void oo__emit_lazy(oo__emit *e, const oo_tensor *tensor) {
    end_run(e);
    const uint64_t size = oo_tensor_size(tensor);
    oo_vec_push(NULL, &e->segments, (segment){.lazy = tensor, .size = size});
    e->size += size;
}

static void emit_varint(oo__emit *e, uint64_t value) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    oo__emit_bytes(e, bytes, n);
}

void oo__emit_close(oo__emit *e, uint32_t field, uint64_t mark) {
    emit_varint(e, e->size - mark);
    emit_varint(e, (uint64_t)field << 3 | 2);
}

void oo__emit_varint_field(oo__emit *e, uint32_t field, uint64_t value) {
    emit_varint(e, value);
    emit_varint(e, (uint64_t)field << 3);
}

static bool write_lazy(const oo_tensor *t, oo_output *output) {
    const uint64_t bits = oo__elem_bits(t->elem);
    const uint64_t step = (uint64_t)LAZY_CHUNK * 8 / bits / 8 * 8; /* elements that end with a byte */
    uint8_t *const chunk = oo__malloc(LAZY_CHUNK);
    bool ok = true;
    for (uint64_t at = 0; ok && at < t->count; at += step) {
        const uint64_t n = t->count - at < step ? t->count - at : step;
        ok = oo_tensor_read(t, at, n, chunk);
        if (ok)
            oo__output_write(output, chunk, (n * bits + 7) / 8);
    }
    free(chunk);
    return ok;
}

static bool write_segment(const segment *s, oo_output *output) {
    if (s->lazy)
        return write_lazy(s->lazy, output);
    if (s->source)
        oo__output_copy(output, s->source, s->offset, s->size);
    else
        oo__output_write(output, s->bytes, s->size);
    return true;
}

bool oo__emit_write(const oo__emit *e, oo_output *output) {
    if (e->run_end != e->at)
        oo__output_write(output, e->at, (size_t)(e->run_end - e->at));
    for (uint32_t i = e->segments.n; i-- > 0;)
        if (!write_segment(&e->segments.data[i], output))
            return false;
    return true;
}
