/* Hashing: 64-bit XXH3 (libxxhash). Hash values are not stored in files. */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

uint64_t oo__hash(const void *data, size_t size);
/* The same with a seed: whoever does not know the seed cannot choose contents that collide. */
uint64_t oo__hash_seeded(const void *data, size_t size, uint64_t seed);
/* Order matters: combine(combine(0, a), b) differs from the other order. */
uint64_t oo__hash_combine(uint64_t seed, uint64_t value);
/* A hash over data that comes in pieces. */
typedef struct oo_hasher oo_hasher;
oo_hasher *oo__hasher_new(void);
void oo__hasher_add(oo_hasher *h, const void *data, size_t size);
uint64_t oo__hasher_done(oo_hasher *h); /* releases h */
#endif
