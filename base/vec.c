#include "base/vec.h"

#include <string.h>

void *oo__vec_grow(oo_arena *arena, void *data, uint32_t n, uint32_t more, uint32_t *cap, size_t item_size) {
    if (more > UINT32_MAX / 2 - n)
        oo__oom(SIZE_MAX);
    uint32_t room = *cap ? *cap * 2 : 4;
    if (room < n + more)
        room = n + more;
    *cap = room;
    if (!arena)
        return oo__realloc(data, (size_t)room * item_size);
    void *const moved = oo__arena_array(arena, room, item_size);
    if (n)
        memcpy(moved, data, (size_t)n * item_size);
    return moved;
}

void oo__vec_remove(void *data, uint32_t *n, uint32_t index, size_t item_size) {
    unsigned char *const at = (unsigned char *)data + (size_t)index * item_size;
    memmove(at, at + item_size, (size_t)(*n - index - 1) * item_size);
    --*n;
}

void oo__vec_open(void *data, uint32_t *n, uint32_t index, size_t item_size) {
    unsigned char *const at = (unsigned char *)data + (size_t)index * item_size;
    memmove(at + item_size, at, (size_t)(*n - index) * item_size);
    ++*n;
}
