#include "eval/pieces.h"

#include <string.h>

oo_array *oo__cut(const oo_array *a, uint32_t axis, int64_t first, int64_t count) {
    int64_t dims[OO__MAX_RANK];
    memcpy(dims, a->dims, a->rank * sizeof *dims);
    dims[axis] = count;
    oo_array *const out = oo__array_new(a->elem, a->rank, dims);
    if (!out || !out->count)
        return out;
    const uint64_t inner = oo__product(dims, axis + 1, a->rank), outer = oo__product(dims, 0, axis);
    const uint64_t piece = (uint64_t)count * inner, step = (uint64_t)a->dims[axis] * inner;
    for (uint64_t o = 0; o < outer; o++)
        oo__copy_run(out, o * piece, a, o * step + (uint64_t)first * inner, piece);
    return out;
}

oo_array *oo__cut_one(const oo_array *a, uint32_t axis, int64_t index) {
    oo_array *const piece = oo__cut(a, axis, index, 1);
    if (!piece)
        return NULL;
    int64_t dims[OO__MAX_RANK];
    memcpy(dims, a->dims, axis * sizeof *dims);
    memcpy(dims + axis, a->dims + axis + 1, (a->rank - axis - 1) * sizeof *dims);
    oo_array *const out = oo__array_view(piece, a->rank - 1, dims);
    oo__array_release(piece);
    return out;
}

/* Whether b may stand behind a along `axis`; UINT32_MAX: whether it has the same shape. */
static bool fits(const oo_array *a, const oo_array *b, uint32_t axis) {
    if (!b || a->elem != b->elem || a->rank != b->rank)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (i != axis && a->dims[i] != b->dims[i])
            return false;
    return true;
}

/* The dimensions of the result; false when the parts do not fit together. */
static bool shape_of(oo_datum *const *parts, uint64_t n, const oo__joint *how, uint32_t *rank, int64_t *dims,
                     uint32_t *axis) {
    const oo_array *const first = parts[0]->array;
    int64_t at = how->axis;
    *rank = first ? first->rank + how->stacked : 0;
    if (!first || *rank > OO__MAX_RANK || !oo__axis(&at, *rank))
        return false;
    *axis = (uint32_t)at;
    memcpy(dims, first->dims, first->rank * sizeof *dims);
    if (how->stacked)
        memmove(dims + at + 1, dims + at, (first->rank - *axis) * sizeof *dims);
    dims[at] = 0;
    for (uint64_t i = 0; i < n; i++) {
        const oo_array *const part = parts[i]->kind == OO_DATUM_TENSOR ? parts[i]->array : NULL;
        if (!part || !fits(first, part, how->stacked ? UINT32_MAX : *axis))
            return false;
        dims[at] = oo__plus(dims[at], how->stacked ? 1 : part->dims[at]);
    }
    return true;
}

oo_array *oo__join(oo_datum *const *parts, uint64_t n, const oo__joint *how) {
    int64_t dims[OO__MAX_RANK + 1];
    uint32_t rank, axis;
    if (!shape_of(parts, n, how, &rank, dims, &axis))
        return NULL;
    oo_array *const out = oo__array_new(parts[0]->array->elem, rank, dims);
    if (!out || !out->count)
        return out;
    const uint64_t inner = oo__product(dims, axis + 1, rank), outer = oo__product(dims, 0, axis),
                   step = (uint64_t)dims[axis] * inner;
    uint64_t at = 0;
    for (uint64_t i = 0; i < n; i++) {
        const oo_array *const part = parts[how->backwards ? n - 1 - i : i]->array;
        const uint64_t piece = part->count / outer;
        for (uint64_t o = 0; o < outer; o++)
            oo__copy_run(out, o * step + at, part, o * piece, piece);
        at += piece;
    }
    return out;
}
