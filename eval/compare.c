#include "eval/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct place {
    const oo_tolerance *tolerance;
    char *why;
    size_t size;
} place;

static bool differs(const place *p, const char *format, ...) OO_PRINTF(2, 3);
static bool differs(const place *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(p->why, p->size, format, args);
    va_end(args);
    return false;
}

/* ---- elements ---- */
static bool is_floating(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || (elem >= OO_COMPLEX64 && elem <= OO_FLOAT8E5M2FNUZ) ||
           elem == OO_FLOAT4E2M1 || elem == OO_FLOAT8E8M0 || elem == OO_FLOAT6E2M3 || elem == OO_FLOAT6E3M2;
}

static bool is_complex(oo_elem elem) { return elem == OO_COMPLEX64 || elem == OO_COMPLEX128; }

/* Element i, or part i % 2 of complex number i / 2. */
static double part(const oo_array *a, uint64_t i) {
    if (a->elem == OO_COMPLEX64)
        return (double)((const float *)a->data)[i];
    return a->elem == OO_COMPLEX128 ? ((const double *)a->data)[i] : oo__array_double(a, i);
}

static bool floats_agree(const place *p, const oo_array *got, const oo_array *want) {
    const double two_ulps = got->elem == OO_BFLOAT16 ? 0x1p-6 : got->elem == OO_FLOAT16 ? 0x1p-9 : 0;
    const double rtol = fmax(p->tolerance->rtol, two_ulps);
    const uint64_t count = got->count * (is_complex(got->elem) ? 2 : 1);
    uint64_t bad = 0, first = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double g = part(got, i), w = part(want, i);
        if (g == w || (isnan(g) && isnan(w)) || (isfinite(g) && isfinite(w) && fabs(g - w) <= p->tolerance->atol + rtol * fabs(w)))
            continue;
        if (!bad++)
            first = i;
    }
    return !bad || differs(p, "%llu of %llu elements differ; element %llu is %.9g instead of %.9g", (unsigned long long)bad,
                           (unsigned long long)count, (unsigned long long)first, part(got, first), part(want, first));
}

static bool strings_agree(const place *p, const oo_array *got, const oo_array *want) {
    for (uint64_t i = 0; i < got->count; i++) {
        const oo_bytes g = ((const oo_bytes *)got->data)[i], w = ((const oo_bytes *)want->data)[i];
        if (g.size != w.size || (g.size && memcmp(g.data, w.data, g.size) != 0))
            return differs(p, "element %llu is \"%s\" instead of \"%s\"", (unsigned long long)i, oo__printable((const char *)g.data, g.size),
                           oo__printable((const char *)w.data, w.size));
    }
    return true;
}

static bool ints_agree(const place *p, const oo_array *got, const oo_array *want) {
    uint64_t bad = 0, first = 0;
    for (uint64_t i = 0; i < got->count; i++)
        if (oo__array_int(got, i) != oo__array_int(want, i) && !bad++)
            first = i;
    return !bad || differs(p, "%llu of %llu elements differ; element %llu is %lld instead of %lld", (unsigned long long)bad,
                           (unsigned long long)got->count, (unsigned long long)first, (long long)oo__array_int(got, first),
                           (long long)oo__array_int(want, first));
}

static bool arrays_agree(const place *p, const oo_array *got, const oo_array *want) {
    if (got->elem != want->elem || got->rank != want->rank || (got->rank && memcmp(got->dims, want->dims, got->rank * sizeof *got->dims) != 0)) {
        char a[128], b[128];
        oo__array_name(got, a, sizeof a);
        oo__array_name(want, b, sizeof b);
        return differs(p, "it is %s instead of %s", a, b);
    }
    if (p->tolerance->shape_only)
        return true;
    if (got->elem == OO_STRING)
        return strings_agree(p, got, want);
    return is_floating(got->elem) ? floats_agree(p, got, want) : ints_agree(p, got, want);
}

/* ---- containers ---- */
static const char *kind_name(const oo_datum *d) {
    static const char *const NAMES[] = {"nothing", "a tensor", "a sequence", "a map", "an optional", "a sparse tensor"};
    return d ? NAMES[d->kind] : "nothing";
}

static bool items_agree(const place *p, const oo_datum *got, const oo_datum *want) {
    if (got->nitems != want->nitems)
        return differs(p, "%s holds %u items instead of %u", kind_name(got), got->nitems, want->nitems);
    for (uint32_t i = 0; i < got->nitems; i++) {
        char why[256];
        if (!oo__datum_agrees(got->items[i], want->items[i], p->tolerance, why, sizeof why))
            return differs(p, "item %u: %s", i, why);
    }
    return true;
}

bool oo__datum_agrees(const oo_datum *got, const oo_datum *want, const oo_tolerance *tolerance, char *why, size_t size) {
    const place p = {tolerance, why, size};
    if (!got || !want || got->kind != want->kind)
        return got == want || differs(&p, "it is %s instead of %s", kind_name(got), kind_name(want));
    if (got->array && !arrays_agree(&p, got->array, want->array))
        return false;
    if (got->indices && !arrays_agree(&p, got->indices, want->indices))
        return false;
    return items_agree(&p, got, want);
}
