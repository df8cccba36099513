#include "tests/fuzz/proto_mutator.h"

#include "base/arena.h"
#include "base/vec.h"

#include <stdbool.h>
#include <string.h>

typedef struct mutator {
    oo_arena *arena;
    ProtobufCAllocator allocator;
    uint64_t seed;
    oo_vec(ProtobufCMessage *) messages;  /* all in the tree */
    oo_vec(ProtobufCBinaryData) texts;    /* short ones: names, mostly */
} mutator;

static void *allocate(void *arena, size_t size) { return oo__arena_alloc(arena, size); }
static void release(void *arena, void *block) {
    (void)arena;
    (void)block;
}

static uint32_t below(mutator *m, size_t limit) {
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return limit ? (uint32_t)((m->seed >> 33) % limit) : 0;
}

/* ---- fields ---- */
static size_t width_of(const ProtobufCFieldDescriptor *f) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING: return sizeof(void *);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    default: return 4;
    }
}

static void *at(const ProtobufCMessage *message, unsigned offset) { return (uint8_t *)(uintptr_t)message + offset; }

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *f) {
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(uint32_t *)at(message, f->quantifier_offset) == f->id;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void **)at(message, f->offset) != NULL;
    return *(protobuf_c_boolean *)at(message, f->quantifier_offset);
}

static void collect(mutator *m, ProtobufCMessage *message);

static void collect_one(mutator *m, const ProtobufCFieldDescriptor *f, void *value) {
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        collect(m, *(ProtobufCMessage **)value);
    else if (f->type == PROTOBUF_C_TYPE_BYTES && ((ProtobufCBinaryData *)value)->len < 40)
        oo_vec_push(m->arena, &m->texts, *(ProtobufCBinaryData *)value);
}

static void collect(mutator *m, ProtobufCMessage *message) {
    oo_vec_push(m->arena, &m->messages, message);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *const f = &message->descriptor->fields[i];
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            if (is_set(message, f))
                collect_one(m, f, at(message, f->offset));
            continue;
        }
        const size_t n = *(size_t *)at(message, f->quantifier_offset);
        for (size_t k = 0; k < n; k++)
            collect_one(m, f, *(uint8_t **)at(message, f->offset) + k * width_of(f));
    }
}

/* A copy of some message of this type, or an empty one. */
static ProtobufCMessage *some_message(mutator *m, const ProtobufCMessageDescriptor *type) {
    const uint32_t start = below(m, m->messages.n);
    for (uint32_t i = 0; i < m->messages.n; i++) {
        const ProtobufCMessage *const from = m->messages.data[(start + i) % m->messages.n];
        const size_t size = from->descriptor == type ? protobuf_c_message_get_packed_size(from) : SIZE_MAX;
        if (size > 1 << 16)
            continue;
        uint8_t *const packed = oo__arena_alloc(m->arena, size);
        protobuf_c_message_pack(from, packed);
        return protobuf_c_message_unpack(type, &m->allocator, size, packed);
    }
    static const uint8_t nothing[1];
    return protobuf_c_message_unpack(type, &m->allocator, 0, nothing);
}

static int64_t some_number(mutator *m, int64_t before) {
    static const int64_t odd[] = {-1, 0, 1, 2, 3, 7, 8, 11, 13, 17, 20, 255, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    switch (below(m, 4)) {
    case 0: return (int64_t)((uint64_t)before + 1);
    case 1: return (int64_t)((uint64_t)before - 1);
    case 2: return odd[below(m, sizeof odd / sizeof *odd)];
    default: return (int64_t)below(m, 16);
    }
}

static void change_value(mutator *m, const ProtobufCFieldDescriptor *f, void *value) {
    int64_t number = 0;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)value = some_message(m, f->descriptor);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        if (m->texts.n)
            *(ProtobufCBinaryData *)value = m->texts.data[below(m, m->texts.n)];
    } else {
        memcpy(&number, value, width_of(f));
        number = f->type == PROTOBUF_C_TYPE_FLOAT && below(m, 2) ? (int64_t)below(m, UINT32_MAX) << 1 : some_number(m, number);
        memcpy(value, &number, width_of(f));
    }
}

static void change_list(mutator *m, ProtobufCMessage *message, const ProtobufCFieldDescriptor *f) {
    size_t *const n = at(message, f->quantifier_offset);
    uint8_t **const list = at(message, f->offset);
    const size_t width = width_of(f);
    const size_t i = below(m, *n), k = below(m, *n + 1);
    const uint32_t how = *n ? below(m, 5) : 0;
    if (how == 0) { /* a new item, at k */
        uint8_t *const longer = oo__arena_alloc(m->arena, (*n + 1) * width);
        if (*n) {
            memcpy(longer, *list, k * width);
            memcpy(longer + (k + 1) * width, *list + k * width, (*n - k) * width);
        }
        change_value(m, f, longer + k * width);
        *list = longer;
        ++*n;
    } else if (how == 1) { /* one less */
        memmove(*list + i * width, *list + (i + 1) * width, (*n - i - 1) * width);
        --*n;
    } else if (how == 2) { /* two change places */
        uint8_t *const a = *list + i * width, *const b = *list + below(m, *n) * width;
        uint8_t kept[sizeof(ProtobufCBinaryData)];
        memcpy(kept, a, width);
        memmove(a, b, width);
        memcpy(b, kept, width);
    } else {
        change_value(m, f, *list + i * width);
    }
}

static void change_field(mutator *m, ProtobufCMessage *message, const ProtobufCFieldDescriptor *f) {
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        change_list(m, message, f);
        return;
    }
    const bool oneof = f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF, set = is_set(message, f), clear = set && below(m, 3) == 0;
    /* Other messages are copied to get a value, perhaps this one: it changes only when the value is there. */
    ProtobufCBinaryData value = {0}; /* the largest that a field can be */
    if (set)
        memcpy(&value, at(message, f->offset), width_of(f));
    if (!clear)
        change_value(m, f, &value);
    else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        memset(&value, 0, sizeof value);
    memcpy(at(message, f->offset), &value, width_of(f));
    if (oneof)
        *(uint32_t *)at(message, f->quantifier_offset) = clear ? 0 : f->id;
    else if (f->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)at(message, f->quantifier_offset) = !clear;
}

size_t oo__proto_mutate(const ProtobufCMessageDescriptor *type, uint8_t *data, size_t size, size_t room, unsigned seed) {
    mutator m = {.arena = oo__arena_new(), .seed = seed * 2654435769u + 1u};
    m.allocator = (ProtobufCAllocator){allocate, release, m.arena};
    ProtobufCMessage *const message = protobuf_c_message_unpack(type, &m.allocator, size, data);
    size_t out = 0;
    if (message) {
        collect(&m, message);
        for (uint32_t changes = 1 + below(&m, 4); changes--;) {
            ProtobufCMessage *const chosen = m.messages.data[below(&m, m.messages.n)];
            if (chosen->descriptor->n_fields)
                change_field(&m, chosen, &chosen->descriptor->fields[below(&m, chosen->descriptor->n_fields)]);
        }
        out = protobuf_c_message_get_packed_size(message);
        if (out <= room)
            protobuf_c_message_pack(message, data);
    }
    oo__arena_free(m.arena);
    return out <= room ? out : 0;
}
