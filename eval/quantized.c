#include "eval/quantized.h"

#include "eval/broadcast.h"
#include "eval/real.h"

#include <math.h>
#include <string.h>

/* A vector along `axis` of something with `rank` dimensions, as numpy broadcasts it: [n, 1, ...]. A new reference. */
static oo_array *along(const oo_array *vector, uint32_t rank, uint32_t axis) {
    oo_array *const own = oo__array_retain((oo_array *)(uintptr_t)vector);
    int64_t dims[OO__MAX_RANK];
    if (vector->rank != 1 || vector->count == 1 || axis >= rank || rank > OO__MAX_RANK)
        return own;
    dims[0] = vector->dims[0];
    for (uint32_t i = 1; i < rank - axis; i++)
        dims[i] = 1;
    oo_array *const view = oo__array_view(own, rank - axis, dims);
    oo__array_release(own);
    return view;
}

/* Any numeric tensor under the shape [dims], as doubles, or a scalar; NULL when it does not broadcast. */
static oo_array *spread(const oo_array *a, uint32_t rank, const int64_t *dims, uint32_t axis) {
    oo_array *const placed = along(a, rank, axis);
    oo_array *const real = oo__as_real(placed, OO_DOUBLE);
    oo__array_release(placed);
    if (!real || a->count == 1)
        return real;
    oo_array *const full = oo__expand_real(real, rank, dims);
    oo__array_release(real);
    return full;
}

static double spread_at(const oo_array *a, uint64_t i) { return ((const double *)a->data)[a->count == 1 ? 0 : i]; }

typedef struct centering {
    const uint8_t *x;
    const oo_array *zero; /* doubles: one, or as many as x; NULL is 0 */
    oo_array *out;
    double value[256]; /* of each byte */
} centering;

static void center(void *state, uint64_t first, uint64_t last) {
    const centering *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__real_set(j->out, i, j->value[j->x[i]] - (j->zero ? spread_at(j->zero, i) : 0));
}

oo_array *oo__centered(const oo_array *x, const oo_array *zero, oo_elem work, uint32_t axis) {
    centering j = {.x = x->data};
    j.zero = zero ? spread(zero, x->rank, x->dims, axis) : NULL;
    if (zero && (!j.zero || j.zero->count == 0 || (j.zero->count != 1 && j.zero->count != x->count))) {
        oo__array_release((oo_array *)(uintptr_t)j.zero);
        return NULL;
    }
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    const oo_array all = {.elem = x->elem, .count = 256, .data = bytes};
    for (unsigned i = 0; i < 256; i++)
        j.value[i] = oo__array_double(&all, i);
    j.out = oo__array_new(work, x->rank, x->dims);
    if (j.out)
        oo__parallel(x->count, 1 << 15, center, &j);
    oo__array_release((oo_array *)(uintptr_t)j.zero);
    return j.out;
}

oo_array *oo__wrapped_int32(oo_array *sums) {
    oo_array *const out = sums ? oo__array_new(OO_INT32, sums->rank, sums->dims) : NULL;
    for (uint64_t i = 0; out && i < out->count; i++) {
        const double sum = oo__real(sums, i);
        ((uint32_t *)out->data)[i] = (uint32_t)(uint64_t)(int64_t)sum;
    }
    oo__array_release(sums);
    return out;
}

static double clamped(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

static void store(oo_array *out, uint64_t i, double scaled, double zero) {
    switch (out->elem) {
    case OO_UINT8: ((uint8_t *)out->data)[i] = (uint8_t)clamped(nearbyint(isnan(scaled) ? 0 : scaled) + zero, 0, 255); break;
    case OO_INT8: ((int8_t *)out->data)[i] = (int8_t)clamped(nearbyint(isnan(scaled) ? 0 : scaled) + zero, -128, 127); break;
    default: oo__array_set_double(out, i, scaled + zero); break;
    }
}

oo_status oo__requantized(oo__call *c, oo_array *sums, const oo__requantize *r) {
    oo_array *parts[4] = {NULL};
    bool ok = true;
    for (unsigned k = 0; k < 4 && ok; k++) {
        const oo_array *const from = k < 3 ? r->scales[k] : r->zero;
        parts[k] = from ? spread(from, sums->rank, sums->dims, r->axes[k < 3 ? k : 2]) : NULL;
        ok = parts[k] && (parts[k]->count == 1 || parts[k]->count == sums->count);
    }
    oo_array *const out = ok ? oo__array_new(r->zero->elem, sums->rank, sums->dims) : NULL;
    for (uint64_t i = 0; out && i < out->count; i++) {
        const float scale = (float)spread_at(parts[0], i) * (float)spread_at(parts[1], i) / (float)spread_at(parts[2], i);
        store(out, i, oo__real(sums, i) * (double)scale, spread_at(parts[3], i));
    }
    for (unsigned k = 0; k < 4; k++)
        oo__array_release(parts[k]);
    oo__array_release(sums);
    return ok ? oo__set(c, 0, out) : oo__eval_fail(c, "a scale or zero point is missing or does not fit the shape of the result");
}
