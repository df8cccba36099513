/* numpy's matmul over any element type. Private to eval/. */
#ifndef EVAL_MATRIX_H
#define EVAL_MATRIX_H
#include "eval/eval.h"

/* The product of two arrays of one type: FLOAT and DOUBLE through CBLAS, 32- and 64-bit integers with wrapping. One-dimensional operands
 * are a row and a column; further dimensions broadcast. OO_INVALID after an error when the shapes do not fit. */
oo_status oo__matmul(const oo__call *c, oo_array **out, const oo_array *a, const oo_array *b);
/* C[m, n] += A[m, k] B[k, n] with wrapping, op() as in oo__gemm; `width` is 4 or 8 bytes. */
void oo__int_gemm(uint32_t width, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda, const void *b,
                  int64_t ldb, void *out);
#endif
