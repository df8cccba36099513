/* Discrete Fourier transforms of any length, in double. Private to eval/. */
#ifndef EVAL_FOURIER_H
#define EVAL_FOURIER_H
#include <stdbool.h>
#include <stdint.h>

enum { OO__LONGEST_TRANSFORM = 1 << 26 };

typedef struct oo__complex {
    double re, im;
} oo__complex;

/* A plan for transforms of n numbers, 1 <= n <= OO__LONGEST_TRANSFORM; the inverse divides by n. Plans are not changed by running. */
typedef struct oo__fourier oo__fourier;
oo__fourier *oo__fourier_new(uint64_t n, bool inverse);
void oo__fourier_free(oo__fourier *plan); /* NULL is allowed */
/* Numbers of scratch memory that one run needs. */
uint64_t oo__fourier_scratch(const oo__fourier *plan);
/* Transforms x[n] in place. */
void oo__fourier_run(const oo__fourier *plan, oo__complex *x, oo__complex *scratch);
#endif
