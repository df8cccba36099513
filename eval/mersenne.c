/* Source of the constants: M. Matsumoto and T. Nishimura, Mersenne Twister, ACM TOMACS 8 (1998). */
#include "eval/mersenne.h"

enum { WORDS = OO__MERSENNE_WORDS, AHEAD = 397 };

void oo__mersenne_seed(oo__mersenne *m, uint32_t seed) {
    m->word[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        m->word[i] = UINT32_C(1812433253) * (m->word[i - 1] ^ m->word[i - 1] >> 30) + i;
    m->used = WORDS;
}

static void next_state(oo__mersenne *m) {
    for (uint32_t i = 0; i < WORDS; i++) {
        const uint32_t bits = (m->word[i] & UINT32_C(0x80000000)) | (m->word[(i + 1) % WORDS] & UINT32_C(0x7fffffff));
        m->word[i] = m->word[(i + AHEAD) % WORDS] ^ bits >> 1 ^ (bits & 1 ? UINT32_C(0x9908b0df) : 0);
    }
    m->used = 0;
}

static uint32_t next_word(oo__mersenne *m) {
    if (m->used == WORDS)
        next_state(m);
    uint32_t x = m->word[m->used++];
    x ^= x >> 11;
    x ^= x << 7 & UINT32_C(0x9d2c5680);
    x ^= x << 15 & UINT32_C(0xefc60000);
    return x ^ x >> 18;
}

double oo__mersenne_uniform(oo__mersenne *m) {
    const uint32_t high = next_word(m) >> 5, low = next_word(m) >> 6;
    return ((double)high * 67108864 + (double)low) / 9007199254740992.0;
}
