/* The functions of OpenBLAS that are used. It is loaded when the first product is wanted. Private to eval/. */
#ifndef EVAL_BLAS_LIBRARY_H
#define EVAL_BLAS_LIBRARY_H
#include <cblas.h>

#define OO_BLAS_FUNCTIONS(X) X(cblas_dgemm) X(cblas_dgemv) X(cblas_sgemm) X(cblas_sgemv) X(openblas_set_num_threads)

typedef struct oo__blas_table {
#define OO_POINTER(f) __typeof__(f) *f;
    OO_BLAS_FUNCTIONS(OO_POINTER)
#undef OO_POINTER
} oo__blas_table;

/* NULL when OpenBLAS cannot be loaded. May be called by any thread. */
const oo__blas_table *oo__blas(void);
#endif
