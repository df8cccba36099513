/* The Mersenne Twister MT19937 as numpy's RandomState uses it: with the same seed, the same numbers as ONNX's reference implementation.
 * Private to eval/. */
#ifndef EVAL_MERSENNE_H
#define EVAL_MERSENNE_H
#include <stdint.h>

enum { OO__MERSENNE_WORDS = 624 };

typedef struct oo__mersenne {
    uint32_t word[OO__MERSENNE_WORDS];
    uint32_t used;
} oo__mersenne;

void oo__mersenne_seed(oo__mersenne *m, uint32_t seed);
/* In [0, 1), a multiple of 2^-53. */
double oo__mersenne_uniform(oo__mersenne *m);
#endif
