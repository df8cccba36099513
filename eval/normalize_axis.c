/* Normalization along axes: LpNormalization, LRN, MeanVarianceNormalization. */
#include "eval/broadcast.h"
#include "eval/kernels.h"
#include "eval/real.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const oo_array *x;
    oo_array *y;
    uint64_t length, inner; /* of the axis; of what follows it */
    double p, alpha, beta, bias;
    int64_t size;
} job;

/* Makes the working arrays, calls `work` on parts of [0, count), sets the output. */
static oo_status run(oo__call *c, job *j, uint64_t count, void (*work)(void *state, uint64_t first, uint64_t last)) {
    const oo_array *const x = oo__in(c, 0);
    oo_array *const real = oo__as_real(x, oo__work_elem(x->elem));
    j->x = real;
    j->y = real ? oo__array_new(real->elem, x->rank, x->dims) : NULL;
    if (j->y && x->count)
        oo__parallel(count, (1 << 13) / (j->length + 1) + 1, work, j);
    oo__array_release(real);
    return oo__set(c, 0, oo__as_elem(j->y, x->elem));
}

/* ---- LpNormalization: where the norm is 0, so is the result ---- */
static void divide_by_norm(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    for (uint64_t line = first; line < last; line++) {
        const uint64_t at = line / j->inner * j->length * j->inner + line % j->inner;
        double norm = 0;
        for (uint64_t i = 0; i < j->length; i++) {
            const double v = fabs(oo__real(j->x, at + i * j->inner));
            norm += j->p == 1 ? v : v * v;
        }
        norm = j->p == 1 ? norm : sqrt(norm);
        for (uint64_t i = 0; i < j->length; i++)
            oo__real_set(j->y, at + i * j->inner, norm == 0 ? 0 : oo__real(j->x, at + i * j->inner) / norm);
    }
}

/* Sizes around an axis; of an empty input, ones. */
static void split_at(job *j, const oo_array *x, uint32_t axis) {
    j->length = j->inner = 1;
    for (uint32_t i = axis; i < x->rank && x->count; i++)
        *(i == axis ? &j->length : &j->inner) *= (uint64_t)x->dims[i];
}

oo_status oo__kernel_lp_normalization(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "input"));
    const oo_array *const x = oo__in(c, 0);
    int64_t axis = oo__int(c, "axis", -1);
    const int64_t p = oo__int(c, "p", 2);
    if (!oo__axis(&axis, x->rank))
        return oo__eval_fail(c, "axis %lld of %u dimensions", (long long)axis, x->rank);
    if (p != 1 && p != 2)
        return oo__eval_fail(c, "p is %lld, not 1 or 2", (long long)p);
    job j = {.p = (double)p};
    split_at(&j, x, (uint32_t)axis);
    return run(c, &j, x->count / j.length, divide_by_norm);
}

/* ---- LRN: over neighbouring channels ---- */
static void divide_by_neighbours(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    const int64_t before = (j->size - 1) / 2, after = j->size / 2, channels = (int64_t)j->length;
    for (uint64_t line = first; line < last; line++) {
        const uint64_t at = line / j->inner * j->length * j->inner + line % j->inner;
        for (int64_t ch = 0; ch < channels; ch++) {
            const int64_t from = ch < before ? 0 : ch - before, to = channels - 1 - ch < after ? channels - 1 : ch + after;
            double sum = 0;
            for (int64_t i = from; i <= to; i++) {
                const double v = oo__real(j->x, at + (uint64_t)i * j->inner);
                sum += v * v;
            }
            const uint64_t here = at + (uint64_t)ch * j->inner;
            oo__real_set(j->y, here, oo__real(j->x, here) / pow(j->bias + j->alpha / (double)j->size * sum, j->beta));
        }
    }
}

oo_status oo__kernel_lrn(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "X"));
    const oo_array *const x = oo__in(c, 0);
    job j = {.alpha = oo__float(c, "alpha", 1e-4),
             .beta = oo__float(c, "beta", 0.75),
             .bias = oo__float(c, "bias", 1),
             .size = oo__int(c, "size", 0)};
    if (x->rank < 2 || j.size < 1)
        return oo__eval_fail(c, "the input has %u dimensions, size is %lld", x->rank, (long long)j.size);
    split_at(&j, x, 1);
    return run(c, &j, x->count / j.length, divide_by_neighbours);
}

/* ---- MeanVarianceNormalization: any set of axes ---- */
typedef struct groups {
    uint32_t rank;
    int64_t index[OO__MAX_RANK];
    uint64_t stride[OO__MAX_RANK]; /* 0 along the axes that are summed over */
    uint64_t at, count;
} groups;

static oo_status groups_of(const oo__call *c, groups *g, const oo_array *x) {
    static const int64_t usual[] = {0, 2, 3};
    uint32_t n;
    const int64_t *axes = oo__ints(c, "axes", &n);
    bool summed[OO__MAX_RANK] = {false};
    if (!axes) {
        axes = usual;
        n = 3;
    }
    for (uint32_t i = 0; i < n; i++) {
        int64_t axis = axes[i];
        if (!oo__axis(&axis, x->rank))
            return oo__eval_fail(c, "axis %lld of %u dimensions", (long long)axes[i], x->rank);
        summed[axis] = true;
    }
    *g = (groups){.rank = x->rank, .count = 1};
    for (uint32_t i = x->rank; i-- > 0 && x->count;) {
        g->stride[i] = summed[i] ? 0 : g->count;
        g->count *= summed[i] ? 1 : (uint64_t)x->dims[i];
    }
    return OO_OK;
}

/* The group of the next element in row-major order. */
static void next_element(groups *g, const int64_t *dims) {
    for (uint32_t i = g->rank; i-- > 0;) {
        g->at += g->stride[i];
        if (++g->index[i] < dims[i])
            return;
        g->at -= g->stride[i] * (uint64_t)dims[i];
        g->index[i] = 0;
    }
}

static void divide_by_deviation(const oo_array *x, oo_array *y, groups *g) {
    const uint64_t each = x->count / g->count;
    const double n = (double)each;
    double *const mean = calloc(2 * g->count, sizeof *mean), *const squares = mean + g->count;
    if (!mean)
        oo__oom(2 * g->count * sizeof *mean);
    for (uint64_t i = 0; i < x->count; i++, next_element(g, x->dims))
        mean[g->at] += oo__real(x, i) / n;
    for (uint64_t i = 0; i < x->count; i++, next_element(g, x->dims)) {
        const double d = oo__real(x, i) - mean[g->at];
        squares[g->at] += d * d;
    }
    for (uint64_t i = 0; i < x->count; i++, next_element(g, x->dims))
        oo__real_set(y, i, (oo__real(x, i) - mean[g->at]) / (sqrt(squares[g->at] / n) + 1e-9));
    free(mean);
}

oo_status oo__kernel_mean_variance_normalization(oo__call *c) {
    groups g;
    OO_TRY(oo__need_real(c, 0, "X"));
    const oo_array *const x = oo__in(c, 0);
    OO_TRY(groups_of(c, &g, x));
    oo_array *const real = oo__as_real(x, oo__work_elem(x->elem)), *const y = real ? oo__array_new(real->elem, x->rank, x->dims) : NULL;
    if (y && x->count)
        divide_by_deviation(real, y, &g);
    oo__array_release(real);
    return oo__set(c, 0, oo__as_elem(y, x->elem));
}
