#define XXH_INLINE_ALL
#include "base/hash.h"

#include "base/arena.h"

#include <stdlib.h>
#include <xxhash.h>

struct oo_hasher {
    XXH3_state_t *state;
};

uint64_t oo__hash(const void *data, size_t size) { return XXH3_64bits(data, size); }

uint64_t oo__hash_seeded(const void *data, size_t size, uint64_t seed) { return XXH3_64bits_withSeed(data, size, seed); }

uint64_t oo__hash_combine(uint64_t seed, uint64_t value) {
    const uint64_t pair[2] = {seed, value};
    return XXH3_64bits(pair, sizeof pair);
}

oo_hasher *oo__hasher_new(void) {
    oo_hasher *const h = oo__malloc(sizeof *h);
    h->state = XXH3_createState();
    if (!h->state)
        oo__oom(sizeof(XXH3_state_t));
    XXH3_64bits_reset(h->state);
    return h;
}

void oo__hasher_add(oo_hasher *h, const void *data, size_t size) { XXH3_64bits_update(h->state, data, size); }

uint64_t oo__hasher_done(oo_hasher *h) {
    const uint64_t value = XXH3_64bits_digest(h->state);
    XXH3_freeState(h->state);
    free(h);
    return value;
}
