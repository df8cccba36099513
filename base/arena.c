#include "base/arena.h"

#include "base/pages.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under the address sanitizer only what was handed out may be touched, and a gap lies between any two pieces. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#if defined WATCHED || defined __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { GAP = 16, PAGED = 0 }; /* the leak checker looks for pointers in the heap, not in pages */
#define FORBID(p, size) ASAN_POISON_MEMORY_REGION(p, size)
#define ALLOW(p, size) ASAN_UNPOISON_MEMORY_REGION(p, size)
#else
enum { GAP = 0, PAGED = 1 };
#define FORBID(p, size) ((void)(p), (void)(size))
#define ALLOW(p, size) ((void)(p), (void)(size))
#endif

/* Blocks grow by this up to LARGE_BLOCK; an arena that needs more gets huge pages. */
enum { FIRST_BLOCK = 16 * 1024, GROWTH = 4, LARGE_BLOCK = FIRST_BLOCK * GROWTH * GROWTH, ALIGNMENT = 16 };

typedef struct block {
    struct block *next;
    size_t size; /* bytes after the header */
    size_t used;
    size_t dirty; /* bytes that were handed out before a reset; those behind are still zero from the system */
    bool paged;   /* from oo__pages_new */
    alignas(ALIGNMENT) unsigned char data[];
} block;

struct oo_arena {
    block *head;
    size_t next_size;
    size_t handed_out;
};

_Noreturn void oo__oom(size_t size) {
    fprintf(stderr, "onnxopt: error: out of memory (%zu bytes asked for)\n", size);
    exit(1);
}

void *oo__malloc(size_t size) {
    void *const block_ = malloc(size ? size : 1);
    if (!block_)
        oo__oom(size);
    return block_;
}

void *oo__realloc(void *old, size_t size) {
    void *const block_ = realloc(old, size ? size : 1);
    if (!block_)
        oo__oom(size);
    return block_;
}

oo_arena *oo__arena_new(void) {
    oo_arena *const arena = oo__malloc(sizeof *arena);
    *arena = (oo_arena){.next_size = FIRST_BLOCK};
    return arena;
}

static void free_blocks(block *b) {
    while (b) {
        block *const next = b->next;
        ALLOW(b->data, b->size);
        if (b->paged)
            oo__pages_free(b, sizeof *b + b->size);
        else
            free(b);
        b = next;
    }
}

void oo__arena_free(oo_arena *arena) {
    if (!arena)
        return;
    free_blocks(arena->head);
    free(arena);
}

void oo__arena_reset(oo_arena *arena) {
    arena->handed_out = 0;
    if (!arena->head)
        return;
    free_blocks(arena->head->next);
    arena->head->next = NULL;
#ifdef OO_DEBUG
    /* A pointer kept over a reset must be seen, not work by luck. */
    ALLOW(arena->head->data, arena->head->used);
    memset(arena->head->data, 0xA5, arena->head->used);
#endif
    FORBID(arena->head->data, arena->head->size);
    if (arena->head->dirty < arena->head->used)
        arena->head->dirty = arena->head->used;
    arena->head->used = 0;
}

static block *add_block(oo_arena *arena, size_t need) {
    size_t size = arena->next_size;
    if (size < LARGE_BLOCK)
        arena->next_size *= GROWTH;
    else
        arena->next_size = OO_HUGE_PAGE - sizeof(block);
    const bool oversized = need > size;
    if (oversized)
        size = need;
    const bool paged = PAGED && size >= LARGE_BLOCK;
    block *const b = paged ? oo__pages_new(sizeof *b + size) : calloc(1, sizeof *b + size);
    if (!b)
        oo__oom(size);
    b->size = size;
    b->paged = paged;
    FORBID(b->data, size);
    /* An oversized block goes behind the head, so that the room left in the head is not lost. */
    if (oversized && arena->head) {
        b->next = arena->head->next;
        arena->head->next = b;
    } else {
        b->next = arena->head;
        arena->head = b;
    }
    return b;
}

static void *take(oo_arena *arena, size_t size, bool zeroed) {
    if (size > SIZE_MAX / 2)
        oo__oom(size);
    const size_t need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + (size == 0 ? ALIGNMENT : 0) + GAP;
    block *b = arena->head;
    if (!b || b->size - b->used < need)
        b = add_block(arena, need);
    void *const p = b->data + b->used;
    ALLOW(p, size);
    if (zeroed && b->used < b->dirty)
        memset(p, 0, size < b->dirty - b->used ? size : b->dirty - b->used);
    b->used += need;
    arena->handed_out += need;
    return p;
}

void *oo__arena_alloc(oo_arena *arena, size_t size) { return take(arena, size, true); }
void *oo__arena_take(oo_arena *arena, size_t size) { return take(arena, size, false); }

void *oo__arena_array(oo_arena *arena, size_t count, size_t item_size) {
    if (item_size && count > SIZE_MAX / 4 / item_size)
        oo__oom(SIZE_MAX);
    return oo__arena_alloc(arena, count * item_size);
}

char *oo__arena_copy(oo_arena *arena, const void *data, size_t size) {
    char *const copy = oo__arena_take(arena, size + 1);
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    return copy;
}

char *oo__arena_printf(oo_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *const text = oo__arena_alloc(arena, size > 0 ? (size_t)size + 1 : 1);
    if (size > 0)
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

size_t oo__arena_used(const oo_arena *arena) { return arena->handed_out; }
