#include "eval/difference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- limits ---- */
/* Reordered sums in float differ by 1e-6 of the scale in nine of ten networks; some layers deeper it is more. The types of few bits: about
 * two units in the last place. */
double oo__elem_limit(oo_elem elem) {
    switch (elem) {
    case OO_FLOAT:
    case OO_COMPLEX64: return 2e-5;
    case OO_DOUBLE:
    case OO_COMPLEX128: return 1e-10;
    case OO_FLOAT16: return 5e-3;
    case OO_BFLOAT16: return 0x1p-5;
    case OO_FLOAT8E4M3FN:
    case OO_FLOAT8E4M3FNUZ:
    case OO_FLOAT6E2M3: return 0x1p-2;
    case OO_FLOAT8E5M2:
    case OO_FLOAT8E5M2FNUZ:
    case OO_FLOAT6E3M2:
    case OO_FLOAT4E2M1: return 0x1p-1;
    case OO_FLOAT8E8M0: return 1;
    default: return 0;
    }
}

static bool is_complex(oo_elem elem) { return elem == OO_COMPLEX64 || elem == OO_COMPLEX128; }

/* Element i, or part i % 2 of complex number i / 2. */
static double part(const oo_array *a, uint64_t i) {
    if (a->elem == OO_FLOAT)
        return (double)((const float *)a->data)[i];
    if (a->elem == OO_COMPLEX64)
        return (double)((const float *)a->data)[i];
    return a->elem == OO_COMPLEX128 || a->elem == OO_DOUBLE ? ((const double *)a->data)[i] : oo__array_double(a, i);
}

/* ---- scales ---- */
static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* What nine in ten numbers that are not 0 pass, from a sample; 0 when all are 0. */
static double tenth(const oo_array *a, uint64_t count) {
    enum { SAMPLE = 4096 };
    double *const found = oo__malloc(SAMPLE * sizeof *found);
    const uint64_t step = count / SAMPLE + 1;
    size_t n = 0;
    for (uint64_t i = 0; i < count && n < SAMPLE; i += step) {
        const double x = fabs(part(a, i));
        if (x > 0 && isfinite(x))
            found[n++] = x;
    }
    qsort(found, n, sizeof *found, by_size);
    const double result = n ? found[n / 10] : 0;
    free(found);
    return result;
}

static double scale_of(const oo_array *a, uint64_t count) {
    double most = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double x = fabs(part(a, i));
        most = x > most && isfinite(x) ? x : most;
    }
    const double cap = 1000 * tenth(a, count);
    return cap > 0 && cap < most ? cap : most;
}

/* ---- elements ---- */
typedef struct place {
    const oo_limits *limits;
    oo_difference *d;
} place;

static void note(const place *p, const char *what) {
    if (!p->d->why[0])
        snprintf(p->d->why, sizeof p->d->why, "%s", what);
}

static void differ(const place *p, double error, double excess, bool floating) {
    p->d->equal = false;
    if (error > p->d->error)
        p->d->error = error;
    if (excess <= p->d->excess)
        return;
    p->d->excess = excess;
    p->d->floating = floating;
}

/* Numbers that an inner product of zeros and rounding leaves behind are no difference. */
static const double FLOOR = 1e-6;

static void compare_floats(const place *p, const oo_array *got, const oo_array *want) {
    const uint64_t count = got->count * (is_complex(got->elem) ? 2 : 1);
    const bool own = got->elem == OO_DOUBLE && p->limits->doubles > 0;
    const double limit = p->limits->elementwise ? 1 : own ? p->limits->doubles : oo__elem_limit(got->elem);
    const double scale = p->limits->elementwise ? 0 : fmax(scale_of(want, count), FLOOR);
    p->d->total += count;
    for (uint64_t i = 0; i < count; i++) {
        const double g = part(got, i), w = part(want, i);
        if (g == w || (isnan(g) && isnan(w)))
            continue;
        const double allowed = p->limits->elementwise ? p->limits->atol + p->limits->rtol * fabs(w) : fmax(scale, fabs(w));
        const double error = isfinite(g) && isfinite(w) ? fabs(g - w) / allowed : INFINITY;
        p->d->lost_finite |= isfinite(w) && !isfinite(g);
        differ(p, error, error / limit, true);
        if (error <= limit)
            continue;
        p->d->bad++;
        char text[128];
        snprintf(text, sizeof text, "element %llu is %.9g instead of %.9g", (unsigned long long)i, g, w);
        note(p, text);
    }
}

static void compare_strings(const place *p, const oo_array *got, const oo_array *want) {
    p->d->total += got->count;
    for (uint64_t i = 0; i < got->count; i++) {
        const oo_bytes g = ((const oo_bytes *)got->data)[i], w = ((const oo_bytes *)want->data)[i];
        if (g.size == w.size && (!g.size || memcmp(g.data, w.data, g.size) == 0))
            continue;
        char text[192];
        snprintf(text, sizeof text, "element %llu is \"%.60s\" instead of \"%.60s\"", (unsigned long long)i,
                 oo__printable((const char *)g.data, g.size), oo__printable((const char *)w.data, w.size));
        p->d->bad++;
        differ(p, 1, INFINITY, false);
        note(p, text);
    }
}

static void compare_ints(const place *p, const oo_array *got, const oo_array *want) {
    p->d->total += got->count;
    for (uint64_t i = 0; i < got->count; i++) {
        const int64_t g = oo__array_int(got, i), w = oo__array_int(want, i);
        if (g == w)
            continue;
        char text[128];
        snprintf(text, sizeof text, "element %llu is %lld instead of %lld", (unsigned long long)i, (long long)g, (long long)w);
        p->d->bad++;
        differ(p, 1, INFINITY, false);
        note(p, text);
    }
}

/* ---- values ---- */
static void incomparable(const place *p, const char *got, const char *want) {
    char text[192];
    snprintf(text, sizeof text, "it is %s instead of %s", got, want);
    p->d->incomparable = true;
    differ(p, 1, INFINITY, false);
    note(p, text);
}

static void compare_arrays(const place *p, const oo_array *got, const oo_array *want) {
    if (got == want)
        return;
    if (got->elem != want->elem || got->rank != want->rank ||
        (got->rank && memcmp(got->dims, want->dims, got->rank * sizeof *got->dims) != 0)) {
        char a[80], b[80];
        oo__array_name(got, a, sizeof a);
        oo__array_name(want, b, sizeof b);
        incomparable(p, a, b);
        return;
    }
    if (p->limits->shape_only || !got->count)
        return;
    if (got->elem == OO_STRING)
        compare_strings(p, got, want);
    else if (memcmp(got->data, want->data, got->count * oo__array_width(got->elem)) == 0)
        p->d->total += got->count;
    else if (oo__elem_limit(got->elem) > 0)
        compare_floats(p, got, want);
    else
        compare_ints(p, got, want);
}

static const char *kind_name(const oo_datum *d) {
    static const char *const NAMES[] = {"nothing", "a tensor", "a sequence", "a map", "an optional", "a sparse tensor"};
    return d ? NAMES[d->kind] : "nothing";
}

static void compare_data(const place *p, const oo_datum *got, const oo_datum *want) {
    if (got == want)
        return;
    if (!got || !want || got->kind != want->kind || got->nitems != want->nitems) {
        incomparable(p, kind_name(got), kind_name(want));
        return;
    }
    if (got->array && want->array)
        compare_arrays(p, got->array, want->array);
    if (got->indices && want->indices)
        compare_arrays(p, got->indices, want->indices);
    for (uint32_t i = 0; i < got->nitems; i++)
        compare_data(p, got->items[i], want->items[i]);
}

oo_difference oo__difference(const oo_datum *got, const oo_datum *want, const oo_limits *limits) {
    oo_difference d = {.equal = true};
    compare_data(&(place){limits, &d}, got, want);
    d.agree = d.excess <= 1;
    return d;
}
