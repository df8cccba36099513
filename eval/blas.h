/* Matrix products over CBLAS. Each CBLAS call runs in the thread that makes it; parallel work is cut up here. Private to eval/. */
#ifndef EVAL_BLAS_H
#define EVAL_BLAS_H
#include "eval/eval.h"

/* C = alpha op(A) op(B) + beta C, row-major; op transposes where the flag says so. C is [m, n], op(A) [m, k], op(B) [k, n]; ld* is the
 * distance of rows as stored. With beta 0, C need not be initialized. */
typedef struct oo__gemm {
    oo_elem elem; /* FLOAT or DOUBLE */
    bool trans_a, trans_b;
    int64_t m, n, k;
    const void *a, *b;
    void *c;
    int64_t lda, ldb, ldc;
    double alpha, beta;
} oo__gemm;

/* Whether CBLAS can count that far: sizes above 2^31 - 1 cannot be had. */
bool oo__gemm_fits(const oo__gemm *g);
/* One product, in this thread. */
void oo__gemm_run(const oo__gemm *g);
/* The same without OpenBLAS, for a system where it cannot be loaded: right, and slow. */
void oo__gemm_plain(const oo__gemm *g);
/* `count` products on all cores; A and B of product i begin a_at[i] and b_at[i] elements after g->a and g->b, C at i * m * n (ldc is n). */
void oo__gemm_batch(const oo__gemm *g, uint64_t count, const uint64_t *a_at, const uint64_t *b_at);
#endif
