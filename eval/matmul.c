/* MatMul, Gemm and the quantized products. */
#include "eval/blas.h"
#include "eval/broadcast.h"
#include "eval/kernels.h"
#include "eval/matrix.h"
#include "eval/quantized.h"
#include "eval/real.h"

#include <stdlib.h>
#include <string.h>

static bool is_wide_int(oo_elem elem) { return elem == OO_INT32 || elem == OO_INT64 || elem == OO_UINT32 || elem == OO_UINT64; }

/* Both factors are there, of one type that the products know. */
static oo_status check_factors(const oo__call *c) {
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1);
    if (!a || !b)
        return oo__eval_fail(c, "a factor is missing");
    OO_TRY(oo__need_like(c, 1, a));
    if (!oo__is_real(a->elem) && !is_wide_int(a->elem))
        return oo__eval_unsupported(c, "element type %s", oo__elem_name((int32_t)a->elem));
    return OO_OK;
}

oo_status oo__kernel_matmul(oo__call *c) {
    OO_TRY(check_factors(c));
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1);
    const oo_elem work = is_wide_int(a->elem) ? a->elem : oo__work_elem(a->elem);
    oo_array *const wa = oo__as_real(a, work), *const wb = oo__as_real(b, work);
    oo_array *out = NULL;
    const oo_status status = wa && wb ? oo__matmul(c, &out, wa, wb) : oo__eval_fail(c, "a factor is larger than the limit for one tensor");
    oo__array_release(wa);
    oo__array_release(wb);
    return status == OO_OK ? oo__set(c, 0, oo__as_elem(out, a->elem)) : status;
}

/* ---- Gemm: alpha op(A) op(B) + beta C, where C may broadcast ---- */
static oo_status gemm_shape(const oo__call *c, oo__gemm *g) {
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1);
    if (a->rank != 2 || b->rank != 2)
        return oo__eval_fail(c, "the factors have %u and %u dimensions, not 2", a->rank, b->rank);
    *g = (oo__gemm){.trans_a = oo__int(c, "transA", 0) != 0,
                    .trans_b = oo__int(c, "transB", 0) != 0,
                    .lda = a->dims[1],
                    .ldb = b->dims[1],
                    .alpha = oo__float(c, "alpha", 1),
                    .beta = oo__float(c, "beta", 1)};
    g->m = a->dims[g->trans_a];
    g->k = a->dims[!g->trans_a];
    g->n = b->dims[!g->trans_b];
    g->ldc = g->n;
    if (b->dims[g->trans_b] != g->k)
        return oo__eval_fail(c, "the factors do not fit: %lld columns, %lld rows", (long long)g->k, (long long)b->dims[g->trans_b]);
    if (!oo__gemm_fits(g))
        return oo__eval_unsupported(c, "a matrix has more than 2^31 - 1 rows or columns");
    return OO_OK;
}

static oo_status gemm_reals(oo__call *c, oo__gemm *g) {
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1), *const bias = oo__in(c, 2);
    const int64_t dims[2] = {g->m, g->n};
    static const uint64_t none = 0;
    g->elem = oo__work_elem(a->elem);
    oo_array *const wa = oo__as_real(a, g->elem), *const wb = oo__as_real(b, g->elem), *const wc = oo__as_real(bias, g->elem);
    oo_array *const out = wc ? oo__expand_real(wc, 2, dims) : oo__array_new(g->elem, 2, dims);
    oo_status status = OO_OK;
    if (!wa || !wb || !out) {
        status = oo__eval_fail(c, bias ? "C does not broadcast to [%lld, %lld]" : "the result [%lld, %lld] is too large", (long long)g->m,
                               (long long)g->n);
    } else {
        g->a = wa->data;
        g->b = wb->data;
        g->c = out->data;
        g->beta = wc ? g->beta : 0;
        oo__gemm_batch(g, 1, &none, &none);
    }
    oo__array_release(wa);
    oo__array_release(wb);
    oo__array_release(wc);
    if (status != OO_OK) {
        oo__array_release(out);
        return status;
    }
    return oo__set(c, 0, oo__as_elem(out, a->elem));
}

/* Element [row, col] of what C broadcasts to: a missing or single dimension does not move. */
static int64_t bias_at(const oo_array *bias, uint64_t row, uint64_t col) {
    const bool by_col = bias->rank && bias->dims[bias->rank - 1] != 1, by_row = bias->rank == 2 && bias->dims[0] != 1;
    return oo__array_int(bias, (by_row ? row * (uint64_t)bias->dims[1] : 0) + (by_col ? col : 0));
}

/* Integers: the sum of products wraps; factors other than 1 go through double and are cut off. */
static oo_status gemm_ints(oo__call *c, const oo__gemm *g) {
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1), *const bias = oo__in(c, 2);
    const int64_t dims[2] = {g->m, g->n};
    uint32_t rank = 2;
    int64_t result[OO__MAX_RANK] = {g->m, g->n};
    if (bias &&
        (bias->rank > 2 || !oo__broadcast(&rank, result, bias->rank, bias->dims, 2, dims) || result[0] != g->m || result[1] != g->n))
        return oo__eval_fail(c, "C does not broadcast to [%lld, %lld]", (long long)g->m, (long long)g->n);
    oo_array *const out = oo__array_new(a->elem, 2, dims);
    if (!out)
        return oo__eval_fail(c, "the result [%lld, %lld] is too large", (long long)g->m, (long long)g->n);
    memset(out->data, 0, out->count * oo__array_width(out->elem));
    if (out->count)
        oo__int_gemm(oo__array_width(out->elem), g->trans_a, g->trans_b, g->m, g->n, g->k, a->data, g->lda, b->data, g->ldb, out->data);
    for (uint64_t i = 0; i < out->count; i++) {
        const int64_t add = bias ? bias_at(bias, i / (uint64_t)g->n, i % (uint64_t)g->n) : 0;
        if (g->alpha == 1 && g->beta == 1)
            oo__array_set_int(out, i, (int64_t)((uint64_t)oo__array_int(out, i) + (uint64_t)add));
        else
            oo__array_set_double(out, i, g->alpha * oo__array_double(out, i) + g->beta * (double)add);
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_gemm(oo__call *c) {
    oo__gemm g;
    OO_TRY(check_factors(c));
    OO_TRY(oo__need_like(c, 2, oo__in(c, 0)));
    OO_TRY(gemm_shape(c, &g));
    return oo__is_real(oo__in(c, 0)->elem) ? gemm_reals(c, &g) : gemm_ints(c, &g);
}

/* ---- quantized ---- */
/* A wide enough type for sums of k products of two centered bytes. */
static oo_elem exact_elem(const oo_array *a) { return oo__exact_products(a->rank ? a->dims[a->rank - 1] : 1); }

static bool is_byte(const oo_array *a) { return a && oo__array_width(a->elem) == 1 && a->elem != OO_BOOL; }

/* The product of centered factors: vectors of zero points count rows of A and columns of B. */
static oo_status centered_product(const oo__call *c, oo_array **out, const oo_array *a, const oo_array *a_zero, const oo_array *b,
                                  const oo_array *b_zero) {
    if (!is_byte(a) || !is_byte(b))
        return oo__eval_fail(c, "a factor is missing or no tensor of bytes");
    if (a->rank == 0 || b->rank == 0)
        return oo__eval_fail(c, "a factor is a scalar");
    const oo_elem work = exact_elem(a);
    oo_array *const wa = oo__centered(a, a_zero, work, a->rank > 1 ? a->rank - 2 : 0);
    oo_array *const wb = oo__centered(b, b_zero, work, b->rank - 1);
    const oo_status status =
        wa && wb ? oo__matmul(c, out, wa, wb) : oo__eval_fail(c, "the zero points do not fit the %s factor", wa ? "second" : "first");
    oo__array_release(wa);
    oo__array_release(wb);
    return status;
}

oo_status oo__kernel_matmul_integer(oo__call *c) {
    oo_array *product = NULL;
    if (!oo__is_int8(oo__in(c, 0)) || !oo__is_int8(oo__in(c, 1)))
        return oo__eval_fail(c, "a factor is missing or neither int8 nor uint8");
    OO_TRY(centered_product(c, &product, oo__in(c, 0), oo__in(c, 2), oo__in(c, 1), oo__in(c, 3)));
    return oo__set(c, 0, oo__wrapped_int32(product));
}

oo_status oo__kernel_qlinear_matmul(oo__call *c) {
    const oo_array *const zero = oo__in(c, 7);
    oo_array *product = NULL;
    if (!is_byte(zero))
        return oo__eval_fail(c, "the zero point of the result is missing or no byte");
    OO_TRY(centered_product(c, &product, oo__in(c, 0), oo__in(c, 2), oo__in(c, 3), oo__in(c, 5)));
    const uint32_t rank = product->rank;
    const oo__requantize r = {.scales = {oo__in(c, 1), oo__in(c, 4), oo__in(c, 6)},
                              .zero = zero,
                              .axes = {rank > 1 ? rank - 2 : 0, rank ? rank - 1 : 0, rank > 1 ? rank - 2 : 0}};
    return oo__requantized(c, product, &r);
}
