#include "base/intern.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    void *slot;
    uint32_t hash;
    uint32_t size_low; /* length, low half: names are short, documents may be long */
    uint32_t size_high;
    uint32_t padding;
    char text[];
} entry;

struct oo_intern {
    oo_arena *arena;
    entry **table; /* open addressing, power of two */
    size_t mask, count;
};

oo_intern *oo__intern_new(oo_arena *arena) {
    oo_intern *const pool = oo__malloc(sizeof *pool);
    *pool = (oo_intern){.arena = arena, .mask = 1023};
    pool->table = calloc(pool->mask + 1, sizeof *pool->table);
    if (!pool->table)
        oo__oom((pool->mask + 1) * sizeof *pool->table);
    return pool;
}

void oo__intern_free(oo_intern *pool) {
    if (!pool)
        return;
    free(pool->table);
    free(pool);
}

static entry *entry_of(const char *interned) {
    return (entry *)(uintptr_t)(interned - offsetof(entry, text));
}

static size_t entry_size(const entry *e) { return (size_t)e->size_high << 32 | e->size_low; }

/* The place of the contents in the table: an equal entry or the empty place where it belongs. */
static size_t find_place(const oo_intern *pool, uint32_t hash, const void *data, size_t size) {
    size_t i = hash & pool->mask;
    for (;; i = (i + 1) & pool->mask) {
        const entry *const e = pool->table[i];
        if (!e || (e->hash == hash && entry_size(e) == size && (size == 0 || memcmp(e->text, data, size) == 0)))
            return i;
    }
}

static void grow(oo_intern *pool) {
    const size_t old_count = pool->mask + 1;
    entry **const old = pool->table;
    pool->mask = old_count * 2 - 1;
    pool->table = calloc(old_count * 2, sizeof *pool->table);
    if (!pool->table)
        oo__oom(old_count * 2 * sizeof *pool->table);
    for (size_t k = 0; k < old_count; k++) {
        if (!old[k])
            continue;
        size_t i = old[k]->hash & pool->mask;
        while (pool->table[i])
            i = (i + 1) & pool->mask;
        pool->table[i] = old[k];
    }
    free(old);
}

const char *oo__intern_find(const oo_intern *pool, const void *data, size_t size) {
    const entry *const e = pool->table[find_place(pool, (uint32_t)oo__hash(data, size), data, size)];
    return e ? e->text : NULL;
}

const char *oo__intern_bytes(oo_intern *pool, const void *data, size_t size) {
    const uint32_t hash = (uint32_t)oo__hash(data, size);
    const size_t i = find_place(pool, hash, data, size);
    if (pool->table[i])
        return pool->table[i]->text;
    entry *const e = oo__arena_alloc(pool->arena, sizeof *e + size + 1);
    e->hash = hash;
    e->size_low = (uint32_t)size;
    e->size_high = (uint32_t)(size >> 32);
    if (size)
        memcpy(e->text, data, size);
    pool->table[i] = e;
    if (++pool->count * 3 > pool->mask * 2)
        grow(pool);
    return e->text;
}

const char *oo__intern(oo_intern *pool, const char *text) { return oo__intern_bytes(pool, text, strlen(text)); }
size_t oo__str_len(const char *interned) { return entry_size(entry_of(interned)); }
void **oo__str_slot(const char *interned) { return &entry_of(interned)->slot; }
