/* Normalization of rows: LayerNormalization, RMSNormalization, GroupNormalization, InstanceNormalization. All see X as [rows, cols] and
 * differ in what scale and bias belong to. Statistics are gathered in double. */
#include "eval/broadcast.h"
#include "eval/kernels.h"
#include "eval/real.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct rows {
    const oo_array *x, *scale, *bias; /* of one working type; bias may be NULL */
    oo_array *y, *mean, *inverse;     /* what was found for each row: NULL when nobody asks */
    uint64_t rows, cols;
    /* Scale and bias of an element: row % period * step + col / span. */
    uint64_t period, step, span;
    double epsilon;
    bool centered;   /* the mean is taken away */
    oo_elem between; /* the normalized numbers are rounded to this before scale and bias */
} rows;

/* ---- loops; sums go in four lanes, which is faster and more exact than one ---- */
#define ROW_LOOPS(real)                                                                    \
    static double sum_##real(const real *x, uint64_t n) {                                  \
        double lane[4] = {0};                                                              \
        uint64_t i = 0;                                                                    \
        for (; i + 4 <= n; i += 4)                                                         \
            for (unsigned k = 0; k < 4; k++)                                               \
                lane[k] += (double)x[i + k];                                               \
        for (; i < n; i++)                                                                 \
            lane[0] += (double)x[i];                                                       \
        return lane[0] + lane[1] + (lane[2] + lane[3]);                                    \
    }                                                                                      \
    static double squares_##real(const real *x, uint64_t n, double mean) {                 \
        double lane[4] = {0};                                                              \
        uint64_t i = 0;                                                                    \
        for (; i + 4 <= n; i += 4)                                                         \
            for (unsigned k = 0; k < 4; k++)                                               \
                lane[k] += ((double)x[i + k] - mean) * ((double)x[i + k] - mean);          \
        for (; i < n; i++)                                                                 \
            lane[0] += ((double)x[i] - mean) * ((double)x[i] - mean);                      \
        return lane[0] + lane[1] + (lane[2] + lane[3]);                                    \
    }                                                                                      \
    static void apply_##real(const rows *j, uint64_t row, double mean_, double inverse_) { \
        const real mean = (real)mean_, inverse = (real)inverse_;                           \
        const real *const x = (const real *)j->x->data + row * j->cols;                    \
        real *const y = (real *)j->y->data + row * j->cols;                                \
        const uint64_t base = row % j->period * j->step;                                   \
        const real *const scale = (const real *)j->scale->data + base;                     \
        const real *const bias = j->bias ? (const real *)j->bias->data + base : NULL;      \
        if (j->span == 1) {                                                                \
            for (uint64_t i = 0; i < j->cols; i++)                                         \
                y[i] = (x[i] - mean) * inverse * scale[i];                                 \
            for (uint64_t i = 0; i < j->cols && bias; i++)                                 \
                y[i] += bias[i];                                                           \
            return;                                                                        \
        }                                                                                  \
        for (uint64_t s = 0, from = 0; from < j->cols; s++, from += j->span) {             \
            const uint64_t to = from + j->span < j->cols ? from + j->span : j->cols;       \
            const real a = scale[s], b = bias ? bias[s] : 0;                               \
            for (uint64_t i = from; i < to; i++)                                           \
                y[i] = (x[i] - mean) * inverse * a + b;                                    \
        }                                                                                  \
    }
ROW_LOOPS(float)
ROW_LOOPS(double)

/* The same with a rounding to a half type after each of the operators that ONNX spells it with. */
static void apply_rounded(const rows *j, uint64_t row, double mean, double inverse) {
    const uint64_t base = row % j->period * j->step;
    for (uint64_t i = 0; i < j->cols; i++) {
        const uint64_t at = row * j->cols + i;
        double v = oo__round_to(j->between, (double)(float)((oo__real(j->x, at) - mean) * inverse));
        v *= oo__real(j->scale, base + i / j->span);
        oo__real_set(j->y, at, j->bias ? oo__round_to(j->between, v) + oo__real(j->bias, base + i / j->span) : v);
    }
}

static void run_rows(void *state, uint64_t first, uint64_t last) {
    const rows *const j = state;
    const bool wide = j->x->elem == OO_DOUBLE, rounded = j->between == OO_FLOAT16 || j->between == OO_BFLOAT16;
    for (uint64_t row = first; row < last; row++) {
        const void *const x = oo__real_at(j->x, row * j->cols);
        const double n = (double)j->cols;
        const double mean = !j->centered ? 0 : (wide ? sum_double(x, j->cols) : sum_float(x, j->cols)) / n;
        const double variance = (wide ? squares_double(x, j->cols, mean) : squares_float(x, j->cols, mean)) / n;
        const double inverse = 1 / sqrt(variance + j->epsilon);
        if (j->mean)
            oo__real_set(j->mean, row, mean);
        if (j->inverse)
            oo__real_set(j->inverse, row, inverse);
        if (rounded)
            apply_rounded(j, row, mean, inverse);
        else if (wide)
            apply_double(j, row, mean, inverse);
        else
            apply_float(j, row, mean, inverse);
    }
}

static void normalize_rows(rows *j) {
    if (j->x->count)
        oo__parallel(j->rows, (1 << 14) / j->cols + 1, run_rows, j);
}

/* ---- scale and bias by channel: InstanceNormalization, GroupNormalization ---- */
static oo_status normalize_channels(oo__call *c, int64_t groups, bool by_group, oo_elem between) {
    for (uint32_t i = 0; i < 3; i++)
        OO_TRY(oo__need_real(c, i, i == 0 ? "X" : i == 1 ? "scale" : "bias"));
    const oo_array *const x = oo__in(c, 0), *const scale = oo__in(c, 1), *const bias = oo__in(c, 2);
    OO_TRY(oo__need_like(c, 1, x));
    OO_TRY(oo__need_like(c, 2, x));
    if (x->rank < 2)
        return oo__eval_fail(c, "the input has %u dimensions where at least 2 are wanted", x->rank);
    const int64_t channels = x->dims[1], of = groups ? groups : channels;
    if (of < 0 || (of == 0 ? channels != 0 : channels % of != 0))
        return oo__eval_fail(c, "%lld channels do not divide into %lld groups", (long long)channels, (long long)groups);
    const uint64_t wanted = (uint64_t)(by_group ? of : channels);
    if (scale->count != wanted || bias->count != wanted)
        return oo__eval_fail(c, "scale and bias have %llu and %llu elements where %llu are wanted", (unsigned long long)scale->count,
                             (unsigned long long)bias->count, (unsigned long long)wanted);
    const oo_elem work = oo__work_elem(x->elem);
    oo_array *const wx = oo__as_real(x, work), *const ws = oo__as_real(scale, work), *const wb = oo__as_real(bias, work);
    rows j = {.x = wx,
              .scale = ws,
              .bias = wb,
              .y = oo__array_new(work, x->rank, x->dims),
              .epsilon = oo__float(c, "epsilon", 1e-5),
              .centered = true,
              .between = between};
    j.rows = (uint64_t)(x->dims[0] * of);
    if (wx && j.y && x->count && j.rows) {
        j.cols = x->count / j.rows;
        j.period = (uint64_t)of;
        j.step = wanted / (uint64_t)of;
        j.span = j.cols / j.step;
        normalize_rows(&j);
    }
    oo__array_release(wx);
    oo__array_release(ws);
    oo__array_release(wb);
    return oo__set(c, 0, oo__as_elem(j.y, x->elem));
}

oo_status oo__kernel_instance_normalization(oo__call *c) { return normalize_channels(c, 0, false, OO_FLOAT); }

/* Version 18 has scale and bias for each group; 21 for each channel, and rounds between its two stages. */
oo_status oo__kernel_group_normalization(oo__call *c) {
    const oo_array *const x = oo__in(c, 0);
    const int64_t groups = oo__int(c, "num_groups", 0);
    if (groups < 1)
        return oo__eval_fail(c, "num_groups is %lld", (long long)groups);
    return normalize_channels(c, groups, c->schema->since < 21, x && c->schema->since >= 21 ? x->elem : OO_FLOAT);
}

/* ---- scale and bias by position: LayerNormalization, RMSNormalization ---- */
/* Scale or bias as it is, one element for each column; or, when its shape is another, spread over X. */
static oo_array *placed(rows *j, const oo_array *x, const oo_array *coefficient, oo_elem work, bool spread) {
    oo_array *const real = oo__as_real(coefficient, work);
    if (!real || !spread)
        return real;
    oo_array *const full = oo__expand_real(real, x->rank, x->dims);
    oo__array_release(real);
    j->period = j->rows ? j->rows : 1;
    j->step = j->cols;
    return full;
}

static bool covers_columns(const oo_array *a, const oo_array *x, uint32_t axis) {
    return !a || oo__has_dims(a, x->rank - axis, x->dims + axis);
}

/* Outputs 1 and 2 of LayerNormalization: one for each row. */
static oo_array *row_numbers(const oo__call *c, uint32_t index, const oo_array *x, uint32_t axis, oo_elem work) {
    int64_t dims[OO__MAX_RANK];
    if (index >= c->nout)
        return NULL;
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = i < axis ? x->dims[i] : 1;
    return oo__zeros(work, x->rank, dims);
}

static oo_status normalize_positions(oo__call *c, bool centered, oo_elem out) {
    const oo_array *const x = oo__in(c, 0), *const scale = oo__in(c, 1), *const bias = centered ? oo__in(c, 2) : NULL;
    int64_t axis = oo__int(c, "axis", -1);
    const oo_elem stash = (oo_elem)oo__int(c, "stash_type", OO_FLOAT);
    if (!oo__axis(&axis, x->rank))
        return oo__eval_fail(c, "axis %lld of %u dimensions", (long long)axis, x->rank);
    if (!oo__is_real(stash))
        return oo__eval_fail(c, "stash_type is %d", (int)stash);
    const bool spread = !covers_columns(scale, x, (uint32_t)axis) || !covers_columns(bias, x, (uint32_t)axis);
    const oo_elem work = x->elem == OO_DOUBLE || scale->elem == OO_DOUBLE || stash == OO_DOUBLE ? OO_DOUBLE : OO_FLOAT;
    rows j = {
        .rows = 1, .cols = 1, .period = 1, .span = 1, .epsilon = oo__float(c, "epsilon", 1e-5), .centered = centered, .between = x->elem};
    for (uint32_t i = 0; i < x->rank && x->count; i++)
        *(i < axis ? &j.rows : &j.cols) *= (uint64_t)x->dims[i];
    oo_array *const wx = oo__as_real(x, work), *const ws = placed(&j, x, scale, work, spread);
    oo_array *const wb = placed(&j, x, bias, work, spread);
    j.x = wx;
    j.scale = ws;
    j.bias = wb;
    j.y = oo__array_new(work, x->rank, x->dims);
    j.mean = row_numbers(c, 1, x, (uint32_t)axis, work);
    j.inverse = row_numbers(c, 2, x, (uint32_t)axis, work);
    const bool ok = wx && ws && (wb || !bias) && j.y;
    if (ok)
        normalize_rows(&j);
    oo__array_release(wx);
    oo__array_release(ws);
    oo__array_release(wb);
    if (!ok) {
        oo__array_release(j.y);
        oo__array_release(j.mean);
        oo__array_release(j.inverse);
        return oo__eval_fail(c, "scale or bias does not broadcast to the shape of the input");
    }
    const oo_status first = oo__set(c, 0, oo__as_elem(j.y, out));
    const oo_status second = j.mean ? oo__set(c, 1, oo__as_elem(j.mean, oo__run_elem(c, stash))) : OO_OK;
    const oo_status third = j.inverse ? oo__set(c, 2, oo__as_elem(j.inverse, oo__run_elem(c, stash))) : OO_OK;
    return first != OO_OK ? first : second != OO_OK ? second : third;
}

oo_status oo__kernel_layer_normalization(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "X"));
    OO_TRY(oo__need_real(c, 1, "Scale"));
    const oo_array *const x = oo__in(c, 0);
    OO_TRY(oo__need_like(c, 1, x));
    OO_TRY(oo__need_like(c, 2, x));
    return normalize_positions(c, true, x->elem);
}

/* Scale may have another type than X; it is the result's. */
oo_status oo__kernel_rms_normalization(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "X"));
    OO_TRY(oo__need_real(c, 1, "scale"));
    return normalize_positions(c, false, oo__in(c, 1)->elem);
}
