#include "base/sha1.h"

#include <stdio.h>
#include <string.h>

static uint32_t rotate(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }

static uint32_t load(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* One block of 64 bytes, as FIPS 180-4 section 6.1.2 has it. */
static void mix(uint32_t state[5], const uint8_t *block) {
    uint32_t w[80];
    for (unsigned t = 0; t < 16; t++)
        w[t] = load(block + 4 * t);
    for (unsigned t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned t = 0; t < 80; t++) {
        const uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                           : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                           : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                    : (b ^ c ^ d) + 0xca62c1d6;
        const uint32_t next = rotate(a, 5) + f + e + w[t];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void oo__sha1_begin(oo_sha1 *s) {
    *s = (oo_sha1){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void oo__sha1_add(oo_sha1 *s, const void *data, size_t size) {
    const uint8_t *p = data;
    while (size) {
        const size_t used = s->size % 64;
        const size_t n = size < 64 - used ? size : 64 - used;
        memcpy(s->block + used, p, n);
        s->size += n;
        p += n;
        size -= n;
        if (s->size % 64 == 0)
            mix(s->state, s->block);
    }
}

void oo__sha1_end(oo_sha1 *s, char hex[41]) {
    const uint64_t bits = s->size * 8;
    uint8_t tail[72] = {0x80};
    const size_t used = s->size % 64, pad = used < 56 ? 56 - used : 120 - used;
    for (unsigned i = 0; i < 8; i++)
        tail[pad + i] = (uint8_t)(bits >> (56 - 8 * i));
    oo__sha1_add(s, tail, pad + 8);
    for (unsigned i = 0; i < 5; i++)
        snprintf(hex + 8 * i, 9, "%08x", (unsigned)s->state[i]);
}
