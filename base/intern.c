#include "base/intern.h"

#include "base/hash.h"
#include "base/pages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

typedef struct entry {
    void *slot;
    size_t size;
    char text[];
} entry;

/* The hash stands beside the pointer, so that a wrong place is left without touching the entry. */
typedef struct place {
    entry *entry;
    uint64_t hash;
} place;

struct oo_intern {
    oo_arena *arena;
    place *table; /* open addressing, power of two */
    size_t mask, count;
    uint64_t seed; /* by chance: names come from files, and a file of names that collide must not be possible */
};

enum { SMALL_TABLE = 4096 /* places */ };

static bool is_paged(size_t count) { return count > SMALL_TABLE; }

static place *new_table(size_t count) {
    place *const table = is_paged(count) ? oo__pages_new(count * sizeof *table) : calloc(count, sizeof *table);
    if (!table)
        oo__oom(count * sizeof *table);
    return table;
}

static void free_table(place *table, size_t count) {
    if (is_paged(count))
        oo__pages_free(table, count * sizeof *table);
    else
        free(table);
}

oo_intern *oo__intern_new(oo_arena *arena) {
    oo_intern *const pool = oo__malloc(sizeof *pool);
    *pool = (oo_intern){.arena = arena, .mask = 1023};
    if (getrandom(&pool->seed, sizeof pool->seed, GRND_NONBLOCK) != sizeof pool->seed)
        pool->seed = (uintptr_t)pool;
    pool->table = new_table(pool->mask + 1);
    return pool;
}

void oo__intern_free(oo_intern *pool) {
    if (!pool)
        return;
    free_table(pool->table, pool->mask + 1);
    free(pool);
}

static entry *entry_of(const char *interned) {
    return (entry *)(uintptr_t)(interned - offsetof(entry, text));
}

/* The place of the contents in the table: an equal entry or the empty place where it belongs. */
static size_t find_place(const oo_intern *pool, uint64_t hash, const void *data, size_t size) {
    for (size_t i = hash & pool->mask;; i = (i + 1) & pool->mask) {
        const place *const p = &pool->table[i];
        if (!p->entry)
            return i;
        if (p->hash == hash && p->entry->size == size && (size == 0 || memcmp(p->entry->text, data, size) == 0))
            return i;
    }
}

static void resize(oo_intern *pool, size_t count) {
    const size_t old_count = pool->mask + 1;
    place *const old = pool->table;
    pool->mask = count - 1;
    pool->table = new_table(count);
    for (size_t k = 0; k < old_count; k++) {
        if (!old[k].entry)
            continue;
        size_t i = old[k].hash & pool->mask;
        while (pool->table[i].entry)
            i = (i + 1) & pool->mask;
        pool->table[i] = old[k];
    }
    free_table(old, old_count);
}

void oo__intern_expect(oo_intern *pool, size_t more) {
    size_t count = pool->mask + 1;
    while ((pool->count + more) * 3 > count * 2)
        count *= 2;
    if (count > pool->mask + 1)
        resize(pool, count);
}

const char *oo__intern_find(const oo_intern *pool, const void *data, size_t size) {
    const entry *const e = pool->table[find_place(pool, oo__hash_seeded(data, size, pool->seed), data, size)].entry;
    return e ? e->text : NULL;
}

const char *oo__intern_bytes(oo_intern *pool, const void *data, size_t size) {
    const uint64_t hash = oo__hash_seeded(data, size, pool->seed);
    place *const p = &pool->table[find_place(pool, hash, data, size)];
    if (p->entry)
        return p->entry->text;
    entry *const e = oo__arena_alloc(pool->arena, sizeof *e + size + 1);
    e->size = size;
    if (size)
        memcpy(e->text, data, size);
    *p = (place){e, hash};
    if (++pool->count * 3 > pool->mask * 2)
        resize(pool, (pool->mask + 1) * 2);
    return e->text;
}

const char *oo__intern(oo_intern *pool, const char *text) { return oo__intern_bytes(pool, text, strlen(text)); }
size_t oo__str_len(const char *interned) { return entry_of(interned)->size; }
void **oo__str_slot(const char *interned) { return &entry_of(interned)->slot; }
