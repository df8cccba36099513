/* Growable arrays: a struct of data, n and cap. With an arena the old room is abandoned there; with NULL it is heap memory
 * and oo_vec_free releases it.
 *
 *     oo_vec(int) v = {0};
 *     oo_vec_push(NULL, &v, 3);
 *     oo_vec_free(&v);
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include "base/arena.h"

#include <stdlib.h>

#define oo_vec(type)                                                                                                   \
    struct {                                                                                                           \
        type *data;                                                                                                    \
        uint32_t n, cap;                                                                                               \
    }
#define oo_vec_push(arena, v, ...)                                                                                     \
    ((v)->data = oo__vec_room((arena), (v)->data, (v)->n, 1, &(v)->cap, sizeof *(v)->data),                            \
     (v)->data[(v)->n++] = (__VA_ARGS__))
#define oo_vec_reserve(arena, v, more)                                                                                 \
    ((v)->data = oo__vec_room((arena), (v)->data, (v)->n, (more), &(v)->cap, sizeof *(v)->data))
#define oo_vec_free(v) (free((v)->data), (v)->data = NULL, (v)->n = (v)->cap = 0)
/* Takes item `i` out and keeps the order of the others. */
#define oo_vec_remove(v, i) oo__vec_remove((v)->data, &(v)->n, (i), sizeof *(v)->data)
/* Puts an item at `i` and keeps the order of the others. */
#define oo_vec_insert(arena, v, i, ...)                                                                                \
    (oo_vec_reserve((arena), (v), 1), oo__vec_open((v)->data, &(v)->n, (i), sizeof *(v)->data),                        \
     (v)->data[i] = (__VA_ARGS__))

void *oo__vec_grow(oo_arena *arena, void *data, uint32_t n, uint32_t more, uint32_t *cap, size_t item_size);
/* Room for `more` items behind the first `n`; returns the (moved) data. */
static inline void *oo__vec_room(oo_arena *arena, void *data, uint32_t n, uint32_t more, uint32_t *cap, size_t item_size) {
    return more <= *cap - n ? data : oo__vec_grow(arena, data, n, more, cap, item_size);
}
void oo__vec_remove(void *data, uint32_t *n, uint32_t index, size_t item_size);
void oo__vec_open(void *data, uint32_t *n, uint32_t index, size_t item_size);
#endif
