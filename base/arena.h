/* Arenas: memory that is released all at once. A model owns one; a pass run has a scratch arena that the manager resets. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stddef.h>
#include <stdint.h>

typedef struct oo_arena oo_arena;

/* A new arena; never NULL (memory exhaustion ends the process through oo__oom). */
oo_arena *oo__arena_new(void);
/* Releases the arena and everything in it. NULL is allowed. */
void oo__arena_free(oo_arena *arena);
/* Forgets everything in the arena but keeps one block for reuse. */
void oo__arena_reset(oo_arena *arena);
/* `size` zeroed bytes aligned to 16; valid until reset or free. A size of 0 gives a unique non-NULL pointer. */
void *oo__arena_alloc(oo_arena *arena, size_t size);
/* The same with any content. */
void *oo__arena_take(oo_arena *arena, size_t size);
/* Like oo__arena_alloc for `count` items; an overflowing product ends the process through oo__oom. */
void *oo__arena_array(oo_arena *arena, size_t count, size_t item_size);
/* A copy of `size` bytes followed by a NUL that is not counted. */
char *oo__arena_copy(oo_arena *arena, const void *data, size_t size);
/* Formatted text in the arena. */
char *oo__arena_printf(oo_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes handed out since creation or reset. */
size_t oo__arena_used(const oo_arena *arena);

/* Says how much could not be had, then exits with status 1. */
_Noreturn void oo__oom(size_t size);
/* malloc and realloc that never return NULL. */
void *oo__malloc(size_t size);
void *oo__realloc(void *old, size_t size);

#define OO_NEW(arena, type) ((type *)oo__arena_alloc((arena), sizeof(type)))
#define OO_NEW_ARRAY(arena, type, count) ((type *)oo__arena_array((arena), (count), sizeof(type)))
#endif
