/* CumSum, CumProd, Det. */
#include "eval/kernels.h"
#include "eval/move.h"

#include <math.h>
#include <stdlib.h>

/* ---- CumSum, CumProd ---- */
typedef struct scan {
    const oo_array *x;
    oo_array *out;
    uint64_t dim, inner;
    bool product, exclusive, reverse;
} scan;

/* Sums of floating-point numbers are kept in double and rounded when stored; integers wrap. */
static void scan_lines(void *state, uint64_t first, uint64_t last) {
    const scan *const s = state;
    const bool reals = oo__is_floating(s->x->elem);
    for (uint64_t n = first; n < last; n++) {
        double real = s->product;
        uint64_t integer = s->product;
        for (uint64_t i = 0; i < s->dim; i++) {
            const uint64_t at = (n / s->inner * s->dim + (s->reverse ? s->dim - 1 - i : i)) * s->inner + n % s->inner;
            const double before = real;
            const uint64_t integer_before = integer;
            if (reals) {
                const double x = oo__array_double(s->x, at);
                real = s->product ? real * x : real + x;
                oo__array_set_double(s->out, at, s->exclusive ? before : real);
            } else {
                const uint64_t x = (uint64_t)oo__array_int(s->x, at);
                integer = s->product ? integer * x : integer + x;
                oo__array_set_int(s->out, at, (int64_t)(s->exclusive ? integer_before : integer));
            }
        }
    }
}

static oo_status cumulate(oo__call *c, bool product) {
    const oo_array *x;
    int64_t axis;
    if (!oo__need(c, 0, &x) || !oo__integer_of(c, 1, INT64_MAX, &axis))
        return OO_INVALID;
    if (x->elem == OO_STRING || oo__is_complex(x->elem))
        return oo__eval_unsupported(c, "element type %s", oo__elem_name((int32_t)x->elem));
    if (!oo__axis(&axis, x->rank))
        return oo__eval_fail(c, "axis is missing or out of range for %u dimensions", x->rank);
    oo_array *const out = oo__array_new(x->elem, x->rank, x->dims);
    if (out && out->count) {
        const uint64_t dim = (uint64_t)x->dims[axis];
        scan s = {x,
                  out,
                  dim,
                  oo__product(x->dims, (uint32_t)axis + 1, x->rank),
                  product,
                  oo__int(c, "exclusive", 0) != 0,
                  oo__int(c, "reverse", 0) != 0};
        oo__parallel(x->count / dim, (1 << 15) / dim + 1, scan_lines, &s);
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_cum_sum(oo__call *c) { return cumulate(c, false); }

oo_status oo__kernel_cum_prod(oo__call *c) { return cumulate(c, true); }

/* ---- Det ---- */
static void swap_rows(double *a, double *b, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        const double x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

/* By elimination with the largest pivot of each column; m [n, n] is destroyed. */
static double determinant(double *m, uint64_t n) {
    double product = 1;
    for (uint64_t k = 0; k < n; k++) {
        uint64_t pivot = k;
        for (uint64_t i = k + 1; i < n; i++)
            if (fabs(m[i * n + k]) > fabs(m[pivot * n + k]))
                pivot = i;
        if (pivot != k) {
            swap_rows(&m[k * n], &m[pivot * n], n);
            product = -product;
        }
        const double p = m[k * n + k];
        product *= p;
        if (p == 0)
            return product;
        for (uint64_t i = k + 1; i < n; i++) {
            const double factor = m[i * n + k] / p;
            for (uint64_t j = k + 1; j < n; j++)
                m[i * n + j] -= factor * m[k * n + j];
        }
    }
    return product;
}

oo_status oo__kernel_det(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2] || !oo__is_floating(x->elem))
        return oo__eval_fail(c, "the input holds no square matrices of floating-point numbers");
    oo_array *const out = oo__array_new(x->elem, x->rank - 2, x->dims);
    const uint64_t n = (uint64_t)x->dims[x->rank - 1];
    double *const all = oo__array_doubles(x);
    for (uint64_t i = 0; out && i < out->count; i++)
        oo__array_set_double(out, i, determinant(&all[n ? i * n * n : 0], n));
    free(all);
    return oo__set(c, 0, out);
}
