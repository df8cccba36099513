/* Functions of float that compilers can vectorize: no calls, no branches, no conversions. Private to eval/. */
#ifndef EVAL_FAST_MATH_H
#define EVAL_FAST_MATH_H
#include <stdint.h>
#include <string.h>

/* 2^n for n in [-126, 127]; other n give some number. */
static inline float oo__power_of_two(int32_t n) {
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* e^x within 1.5 units in the last place. x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 is split so that n times its upper half is exact; e^r is
 * its Taylor series, whose next term is below 2^-27; 2^n is multiplied in two halves, so that small results lose nothing early. */
static inline float oo__expf(float x) {
    static const float rounder = 12582912; /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
    const float low = x < -105 ? -105 : x, bound = low > 89 ? 89 : low;
    const float shifted = bound * 1.44269504088896341f + rounder;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    const int32_t n = bits - 0x4b400000, half = n >> 1;
    const float whole = shifted - rounder, r = bound - whole * 0.693359375f + whole * 2.12194440e-4f;
    const float tail = 1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040)), series = 0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * tail));
    return (1 + (r + r * r * series)) * oo__power_of_two(half) * oo__power_of_two(n - half);
}

static inline float oo__sigmoidf(float x) { return 1 / (1 + oo__expf(-x)); }

/* y = softmax of x, n floats; they may be the same. */
void oo__softmax_floats(float *y, const float *x, uint64_t n);
#endif
