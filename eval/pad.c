/* Pad, CenterCropPad. */
#include "eval/kernels.h"
#include "eval/move.h"

#include <stdlib.h>
#include <string.h>

/* Elements added before and after each dimension, negative: removed. */
typedef struct margins {
    int64_t before[OO__MAX_RANK], after[OO__MAX_RANK];
} margins;

/* What the margins leave of the input goes to its place; the rest is the filler's first element, or 0 (NULL). */
static oo_array *pad_constant(const oo_array *x, const margins *m, const int64_t *dims, const oo_array *filler) {
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (!out || !out->count)
        return out;
    if (filler)
        oo__fill(out, filler, 0);
    else
        oo__fill_zero(out);
    oo__place to = {0, {0}}, from = {0, {0}};
    int64_t kept[OO__MAX_RANK];
    oo__strides(to.steps, x->rank, dims);
    oo__strides(from.steps, x->rank, x->dims);
    for (uint32_t k = 0; k < x->rank; k++) {
        const int64_t skipped = m->before[k] < 0 ? -m->before[k] : 0, cut = m->after[k] < 0 ? -m->after[k] : 0;
        kept[k] = x->dims[k] - skipped - cut;
        if (kept[k] <= 0)
            return out;
        from.first += skipped * from.steps[k];
        to.first += (m->before[k] > 0 ? m->before[k] : 0) * to.steps[k];
    }
    oo__copy_box(out, &to, x, &from, x->rank, kept);
    return out;
}

/* ---- the modes that repeat elements: where index i (it may be outside) of a dimension reads ---- */
static int64_t at_edge(int64_t i, int64_t dim) { return i < 0 ? 0 : i >= dim ? dim - 1 : i; }

static int64_t wrapped(int64_t i, int64_t dim) { return (i % dim + dim) % dim; }

/* Mirrored at the first and the last element, which are not doubled. */
static int64_t reflected(int64_t i, int64_t dim) {
    if (dim == 1)
        return 0;
    const int64_t j = wrapped(i, 2 * (dim - 1));
    return j < dim ? j : 2 * (dim - 1) - j;
}

typedef int64_t (*source_index)(int64_t i, int64_t dim);

static oo_array *pad_repeating(const oo_array *x, const margins *m, const int64_t *dims, source_index source) {
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (!out || !out->count)
        return out;
    int64_t *maps[OO__MAX_RANK];
    for (uint32_t k = 0; k < x->rank; k++) {
        maps[k] = NULL;
        if (!m->before[k] && !m->after[k])
            continue;
        /* Negative margins cut the array first; the modes see what is left of it. */
        const int64_t skipped = m->before[k] < 0 ? -m->before[k] : 0, cut = m->after[k] < 0 ? -m->after[k] : 0;
        const int64_t left = x->dims[k] - skipped - cut;
        maps[k] = oo__malloc((size_t)dims[k] * sizeof *maps[k]);
        for (int64_t i = 0; i < dims[k]; i++)
            maps[k][i] = skipped + source(i - (m->before[k] > 0 ? m->before[k] : 0), left);
    }
    oo__copy_mapped(out, x, (const int64_t *const *)maps);
    for (uint32_t k = 0; k < x->rank; k++)
        free(maps[k]);
    return out;
}

/* ---- Pad ---- */
/* Reads the margins and the shape they give. False after an error. */
static bool margins_of(const oo__call *c, const oo_array *x, const char *mode, margins *m, int64_t *dims) {
    oo__list pads, axes;
    if (!oo__list_of(c, 1, c->schema->since < 2 ? "paddings" : "pads", &pads) || !oo__list_of(c, 3, NULL, &axes) ||
        !oo__list_axes(c, &axes, x->rank))
        return false;
    const uint32_t count = axes.given ? axes.count : x->rank;
    if (pads.count != 2 * count) {
        oo__eval_fail(c, "there are %u pads for %u dimensions", pads.count, count);
        return false;
    }
    *m = (margins){{0}, {0}};
    for (uint32_t i = 0; i < count; i++) {
        const int64_t k = axes.given ? axes.items[i] : (int64_t)i;
        m->before[k] = pads.items[i];
        m->after[k] = pads.items[count + i];
    }
    for (uint32_t k = 0; k < x->rank; k++) {
        const int64_t dim = x->dims[k], before = m->before[k], after = m->after[k];
        /* What is cut on both sides must be there; so must something to repeat. */
        const int64_t left =
            before < -dim || after < -dim ? -1 : dim + (before < 0 ? before : 0) + (after < 0 ? after : 0);
        const bool repeats = strcmp(mode, "constant") != 0 && (before > 0 || after > 0);
        if (left < 0 || (left == 0 && repeats)) {
            oo__eval_fail(c, "dimension %u of %lld cannot be padded by %lld and %lld", k, (long long)dim,
                          (long long)before, (long long)after);
            return false;
        }
        dims[k] = oo__plus(oo__plus(left, before > 0 ? before : 0), after > 0 ? after : 0);
    }
    return true;
}

/* The constant as a new array of one element, NULL for 0. False after an error. */
static bool filler_of(const oo__call *c, const oo_array *x, oo_array **out) {
    const oo_array *given;
    *out = NULL;
    if (!oo__want(c, 2, &given))
        return false;
    if (given && (given->count != 1 || given->elem != x->elem)) {
        oo__eval_fail(c, "the constant is no single element of the input's type");
        return false;
    }
    if (given) {
        *out = oo__array_retain((oo_array *)(uintptr_t)given);
    } else if (c->schema->since < 11 && x->elem != OO_STRING) {
        *out = oo__array_new(x->elem, 0, NULL);
        oo__array_set_double(*out, 0, oo__float(c, "value", 0));
    }
    return true;
}

oo_status oo__kernel_pad(oo__call *c) {
    static const struct {
        const char *mode;
        source_index source;
    } MODES[] = {{"edge", at_edge}, {"reflect", reflected}, {"wrap", wrapped}};
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const char *const mode = oo__string(c, "mode", "constant");
    margins m;
    int64_t dims[OO__MAX_RANK];
    if (!margins_of(c, x, mode, &m, dims))
        return OO_INVALID;
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
        if (strcmp(mode, MODES[i].mode) == 0)
            return oo__set(c, 0, pad_repeating(x, &m, dims, MODES[i].source));
    if (strcmp(mode, "constant") != 0)
        return oo__eval_fail(c, "mode \"%s\" is unknown", mode);
    oo_array *filler;
    if (!filler_of(c, x, &filler))
        return OO_INVALID;
    const oo_status status = oo__set(c, 0, pad_constant(x, &m, dims, filler));
    oo__array_release(filler);
    return status;
}

/* ---- CenterCropPad ---- */
oo_status oo__kernel_center_crop_pad(oo__call *c) {
    const oo_array *x;
    oo__list shape, axes;
    if (!oo__need(c, 0, &x) || !oo__list_of(c, 1, NULL, &shape) || !oo__list_attr(c, "axes", &axes) ||
        !oo__list_axes(c, &axes, x->rank))
        return OO_INVALID;
    if (shape.count != (axes.given ? axes.count : x->rank))
        return oo__eval_fail(c, "the shape has %u dimensions", shape.count);
    margins m = {{0}, {0}};
    int64_t dims[OO__MAX_RANK];
    if (x->rank)
        memcpy(dims, x->dims, x->rank * sizeof *dims);
    for (uint32_t i = 0; i < shape.count; i++) {
        const int64_t k = axes.given ? axes.items[i] : (int64_t)i, wanted = shape.items[i];
        if (wanted < 0)
            return oo__eval_fail(c, "dimension %u of the shape is negative", i);
        const int64_t more = wanted - dims[k];
        m.before[k] = more / 2; /* toward zero: what is odd goes to the end */
        m.after[k] = more - m.before[k];
        dims[k] = wanted;
    }
    return oo__set(c, 0, pad_constant(x, &m, dims, NULL));
}
