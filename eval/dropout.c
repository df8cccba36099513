/* Dropout. In inference (and always in versions 7 and 10) it changes nothing. */
#include "eval/kernels.h"
#include "eval/mersenne.h"
#include "eval/random.h"

#include <string.h>

typedef struct dropout {
    double ratio;
    bool training;
    const oo_array *x;
    oo_array *y, *mask; /* mask may be NULL */
} dropout;

static oo_status read(const oo__call *c, dropout *d) {
    const oo_array *const ratio = oo__in(c, 1), *const training = oo__in(c, 2);
    d->x = oo__in(c, 0);
    d->ratio = oo__float(c, "ratio", 0.5);
    if (!d->x)
        return oo__eval_fail(c, "the input is missing");
    if (d->x->elem == OO_STRING || (ratio && (ratio->count != 1 || ratio->elem == OO_STRING)) ||
        (training && (training->count != 1 || training->elem != OO_BOOL)))
        return oo__eval_fail(c, "the input is no number, ratio no single one, or training_mode no single bool");
    if (ratio)
        d->ratio = oo__array_double(ratio, 0);
    d->training = c->schema->since >= 12 ? training && oo__array_int(training, 0) != 0 : c->schema->since < 7 && !oo__int(c, "is_test", 0);
    if (!(d->ratio >= 0 && d->ratio < 1) && d->training)
        return oo__eval_fail(c, "ratio is %g, not in [0, 1)", d->ratio);
    return OO_OK;
}

/* With a seed, what ONNX's reference implementation draws. */
static void drop(const oo__call *c, const dropout *d) {
    const oo_attr *const seed = oo__attr(c, "seed");
    const bool seeded = seed && seed->type == OO_ATTR_INT;
    const uint64_t key = oo__random_key(c);
    oo__mersenne m;
    if (seeded)
        oo__mersenne_seed(&m, (uint32_t)seed->i);
    for (uint64_t i = 0; i < d->x->count; i++) {
        const double drawn = seeded ? oo__mersenne_uniform(&m) : oo__random_uniform(key, i);
        const bool kept = drawn >= d->ratio;
        oo__array_set_double(d->y, i, (kept ? 1.0 : 0.0) * oo__array_double(d->x, i) / (1 - d->ratio));
        if (d->mask)
            oo__array_set_double(d->mask, i, kept);
    }
}

oo_status oo__kernel_dropout(oo__call *c) {
    dropout d = {0};
    OO_TRY(read(c, &d));
    d.mask = c->nout > 1 ? oo__array_new(c->schema->since >= 10 ? OO_BOOL : d.x->elem, d.x->rank, d.x->dims) : NULL;
    for (uint64_t i = 0; d.mask && i < d.x->count; i++)
        oo__array_set_double(d.mask, i, 1);
    if (d.training && d.ratio > 0) {
        d.y = oo__array_new(d.x->elem, d.x->rank, d.x->dims);
        if (d.y)
            drop(c, &d);
    } else {
        d.y = oo__array_retain((oo_array *)(uintptr_t)d.x);
    }
    const oo_status first = oo__set(c, 0, d.y), second = c->nout > 1 ? oo__set(c, 1, d.mask) : OO_OK;
    return first != OO_OK ? first : second;
}
