#include "eval/blas.h"

#include "eval/blas_library.h"

#include <limits.h>
#include <string.h>

/* Products below this many multiplications are not worth a thread. */
enum { WORTH_A_THREAD = 1 << 20 };

bool oo__gemm_fits(const oo__gemm *g) {
    const int64_t sizes[] = {g->m, g->n, g->k, g->lda, g->ldb, g->ldc};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] < 0 || sizes[i] > INT_MAX)
            return false;
    return true;
}

static const void *element(oo_elem elem, const void *data, int64_t index) {
    return (const char *)data + index * (elem == OO_DOUBLE ? 8 : 4);
}

static void *element_of(oo_elem elem, void *data, int64_t index) { return (char *)data + index * (elem == OO_DOUBLE ? 8 : 4); }

/* Nothing is summed: only beta is left to do. */
static void scale(const oo__gemm *g) {
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            void *const c = element_of(g->elem, g->c, i * g->ldc + j);
            if (g->elem == OO_DOUBLE)
                *(double *)c = g->beta == 0 ? 0 : *(double *)c * g->beta;
            else
                *(float *)c = g->beta == 0 ? 0 : *(float *)c * (float)g->beta;
        }
}

/* y = alpha op(M) x + beta y. */
static void vector(const oo__blas_table *blas, const oo__gemm *g, bool trans, int64_t rows, int64_t cols, const void *matrix, int64_t ld, const void *x, int64_t x_step,
                   int64_t y_step) {
    const CBLAS_TRANSPOSE t = trans ? CblasTrans : CblasNoTrans;
    if (g->elem == OO_DOUBLE)
        blas->cblas_dgemv(CblasRowMajor, t, (int)rows, (int)cols, g->alpha, matrix, (int)ld, x, (int)x_step, g->beta, g->c, (int)y_step);
    else
        blas->cblas_sgemv(CblasRowMajor, t, (int)rows, (int)cols, (float)g->alpha, matrix, (int)ld, x, (int)x_step, (float)g->beta, g->c,
                    (int)y_step);
}

static double at(oo_elem elem, const void *data, bool trans, int64_t ld, int64_t row, int64_t column) {
    const void *const p = element(elem, data, trans ? column * ld + row : row * ld + column);
    return elem == OO_DOUBLE ? *(const double *)p : (double)*(const float *)p;
}

void oo__gemm_plain(const oo__gemm *g) {
    scale(g);
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < g->k; k++)
                sum += at(g->elem, g->a, g->trans_a, g->lda, i, k) * at(g->elem, g->b, g->trans_b, g->ldb, k, j);
            void *const c = element_of(g->elem, g->c, i * g->ldc + j);
            if (g->elem == OO_DOUBLE)
                *(double *)c += g->alpha * sum;
            else
                *(float *)c += (float)(g->alpha * sum);
        }
}

void oo__gemm_run(const oo__gemm *g) {
    const oo__blas_table *const blas = oo__blas();
    if (!blas) {
        oo__gemm_plain(g);
        return;
    }
    if (g->m == 0 || g->n == 0)
        return;
    if (g->k == 0) {
        scale(g);
        return;
    }
    /* Not every gemv takes beta 0 to mean that y is not read. */
    if ((g->m == 1 || g->n == 1) && g->beta == 0)
        scale(g);
    if (g->m == 1) {
        vector(blas, g, !g->trans_b, g->trans_b ? g->n : g->k, g->trans_b ? g->k : g->n, g->b, g->ldb, g->a, g->trans_a ? g->lda : 1, 1);
        return;
    }
    if (g->n == 1) {
        vector(blas, g, g->trans_a, g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k, g->a, g->lda, g->b, g->trans_b ? 1 : g->ldb, g->ldc);
        return;
    }
    const CBLAS_TRANSPOSE ta = g->trans_a ? CblasTrans : CblasNoTrans, tb = g->trans_b ? CblasTrans : CblasNoTrans;
    if (g->elem == OO_DOUBLE)
        blas->cblas_dgemm(CblasRowMajor, ta, tb, (int)g->m, (int)g->n, (int)g->k, g->alpha, g->a, (int)g->lda, g->b, (int)g->ldb, g->beta, g->c,
                    (int)g->ldc);
    else
        blas->cblas_sgemm(CblasRowMajor, ta, tb, (int)g->m, (int)g->n, (int)g->k, (float)g->alpha, g->a, (int)g->lda, g->b, (int)g->ldb,
                    (float)g->beta, g->c, (int)g->ldc);
}

/* ---- many products, cut up by rows (or by columns, when there are more) of all results taken together ---- */
typedef struct batch {
    const oo__gemm *g;
    const uint64_t *a_at, *b_at;
    bool by_columns;
} batch;

static void run_rows(const batch *b, uint64_t product, int64_t first, int64_t count) {
    oo__gemm part = *b->g;
    const oo__gemm *const g = b->g;
    int64_t a_shift = (int64_t)b->a_at[product], b_shift = (int64_t)b->b_at[product], c_shift = (int64_t)product * g->m * g->n;
    if (b->by_columns) {
        part.n = count;
        b_shift += g->trans_b ? first * g->ldb : first;
        c_shift += first;
    } else {
        part.m = count;
        a_shift += g->trans_a ? first : first * g->lda;
        c_shift += first * g->ldc;
    }
    part.a = element(g->elem, g->a, a_shift);
    part.b = element(g->elem, g->b, b_shift);
    part.c = element_of(g->elem, g->c, c_shift);
    oo__gemm_run(&part);
}

static void run_part(void *state, uint64_t first, uint64_t last) {
    const batch *const b = state;
    const uint64_t length = (uint64_t)(b->by_columns ? b->g->n : b->g->m);
    while (first < last) {
        const uint64_t product = first / length, row = first % length;
        const uint64_t count = length - row < last - first ? length - row : last - first;
        run_rows(b, product, (int64_t)row, (int64_t)count);
        first += count;
    }
}

void oo__gemm_batch(const oo__gemm *g, uint64_t count, const uint64_t *a_at, const uint64_t *b_at) {
    batch b = {g, a_at, b_at, g->n > g->m};
    const uint64_t across = (uint64_t)(b.by_columns ? g->m : g->n), along = (uint64_t)(b.by_columns ? g->n : g->m);
    if (!across || !along)
        return;
    const uint64_t each = across * (uint64_t)g->k;
    oo__parallel(count * along, each ? WORTH_A_THREAD / each + 1 : along, run_part, &b);
}
