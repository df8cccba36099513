/* Slice, Split, Concat: parts of an array along its axes. */
#include "eval/kernels.h"
#include "eval/move.h"

#include <stdlib.h>
#include <string.h>

/* ---- Slice ---- */
/* What one axis keeps: `count` elements, the first at `first`, `step` apart. */
typedef struct range {
    int64_t first, count, step;
} range;

static int64_t clamp(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

static range range_of(int64_t start, int64_t end, int64_t step, int64_t dim) {
    start = start < 0 ? start + dim : start;
    end = end < 0 ? end + dim : end;
    const bool forward = step > 0;
    start = forward ? clamp(start, 0, dim) : clamp(start, 0, dim - 1);
    end = forward ? clamp(end, 0, dim) : clamp(end, -1, dim - 1);
    const int64_t span = forward ? end - start : start - end;
    const uint64_t stride = forward ? (uint64_t)step : 0 - (uint64_t)step;
    if (span <= 0 || dim == 0)
        return (range){0, 0, 1};
    const int64_t count = (int64_t)((uint64_t)(span - 1) / stride) + 1;
    return (range){start, count, count > 1 ? step : 1};
}

static oo_status copy_slice(oo__call *c, const oo_array *x, const range *ranges) {
    int64_t dims[OO__MAX_RANK], strides[OO__MAX_RANK];
    bool whole = true;
    oo__strides(strides, x->rank, x->dims);
    oo__place from = {0, {0}}, to = {0, {0}};
    for (uint32_t k = 0; k < x->rank; k++) {
        dims[k] = ranges[k].count;
        whole &= dims[k] == x->dims[k] && ranges[k].step == 1;
        if (x->count) {
            from.first += ranges[k].first * strides[k];
            from.steps[k] = ranges[k].step * strides[k];
        }
    }
    if (whole)
        return oo__set_same(c, x);
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (out) {
        oo__strides(to.steps, x->rank, dims);
        oo__copy_box(out, &to, x, &from, x->rank, dims);
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_slice(oo__call *c) {
    const oo_array *x;
    oo__list starts, ends, axes, steps;
    if (!oo__need(c, 0, &x) || !oo__list_of(c, 1, "starts", &starts) || !oo__list_of(c, 2, "ends", &ends) ||
        !oo__list_of(c, 3, "axes", &axes) || !oo__list_of(c, 4, NULL, &steps))
        return OO_INVALID;
    if (!axes.given)
        axes.count = starts.count;
    if (ends.count != starts.count || axes.count != starts.count || (steps.given && steps.count != starts.count))
        return oo__eval_fail(c, "starts, ends, axes and steps are not of the same length");
    for (uint32_t i = 0; i < axes.count && !axes.given; i++)
        axes.items[i] = (int64_t)i;
    if (!oo__list_axes(c, &axes, x->rank))
        return OO_INVALID;
    range ranges[OO__MAX_RANK];
    for (uint32_t k = 0; k < x->rank; k++)
        ranges[k] = (range){0, x->dims[k], 1};
    for (uint32_t i = 0; i < axes.count; i++) {
        const int64_t step = steps.given ? steps.items[i] : 1, axis = axes.items[i];
        if (step == 0)
            return oo__eval_fail(c, "step %u is 0", i);
        ranges[axis] = range_of(starts.items[i], ends.items[i], step, x->dims[axis]);
    }
    return copy_slice(c, x, ranges);
}

/* ---- Split ---- */
/* Copies what begins at `first` of the axis to output `index`. */
static oo_status split_off(oo__call *c, uint32_t index, const oo_array *x, uint32_t axis, int64_t first,
                           int64_t count) {
    int64_t dims[OO__MAX_RANK];
    if (index >= c->nout)
        return OO_OK;
    memcpy(dims, x->dims, x->rank * sizeof *dims);
    dims[axis] = count;
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (out && out->count) {
        oo__place from, to = {0, {0}};
        oo__strides(from.steps, x->rank, x->dims);
        oo__strides(to.steps, x->rank, dims);
        from.first = first * from.steps[axis];
        oo__copy_box(out, &to, x, &from, x->rank, dims);
    }
    return oo__set(c, index, out);
}

/* Lengths from a tensor (version 1: of any type), an attribute, or equal ones. Version 18 lets the last be shorter. */
static bool split_lengths(const oo__call *c, const oo_array *x, int64_t dim, uint32_t parts, int64_t *lengths) {
    const oo_array *given;
    uint32_t count;
    const int64_t *const attribute = oo__ints(c, "split", &count);
    if (!oo__want(c, 1, &given))
        return false;
    if (given && (given->elem == OO_STRING || oo__is_complex(given->elem))) {
        oo__eval_fail(c, "the lengths are no integers");
        return false;
    }
    const uint64_t known = given ? given->count : attribute ? count : parts;
    const int64_t equal = dim / parts + (dim % parts != 0);
    if (known != parts || (!given && !attribute && dim % parts != 0 && c->schema->since < 18)) {
        oo__eval_fail(c, "dimension %lld cannot be split into %u parts by %llu lengths", (long long)dim, parts,
                      (unsigned long long)known);
        return false;
    }
    int64_t rest = dim;
    for (uint32_t i = 0; i < parts; i++) {
        lengths[i] = given ? oo__index(given, i) : attribute ? attribute[i] : rest < equal ? rest : equal;
        if (lengths[i] < 0 || lengths[i] > rest) {
            oo__eval_fail(c, "length %u is %lld where %lld remain", i, (long long)lengths[i], (long long)rest);
            return false;
        }
        rest -= lengths[i];
    }
    if (rest)
        oo__eval_fail(c, "the lengths of %u dimensions leave %lld of %lld", x->rank, (long long)rest, (long long)dim);
    return rest == 0;
}

oo_status oo__kernel_split(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", 0);
    if (!oo__axis(&axis, x->rank) || !c->nout)
        return oo__eval_fail(c, "axis is out of range for %u dimensions", x->rank);
    const int64_t asked = oo__int(c, "num_outputs", c->nout);
    if (asked != c->nout)
        return oo__eval_fail(c, "num_outputs is %lld; the node has %u", (long long)asked, c->nout);
    int64_t *const lengths = oo__malloc(c->nout * sizeof *lengths);
    oo_status status = split_lengths(c, x, x->dims[axis], c->nout, lengths) ? OO_OK : OO_INVALID;
    int64_t first = 0;
    for (uint32_t i = 0; i < c->nout && status == OO_OK; i++) {
        status = split_off(c, i, x, (uint32_t)axis, first, lengths[i]);
        first += lengths[i];
    }
    free(lengths);
    return status;
}

/* ---- Concat ---- */
static bool can_join(const oo_array *a, const oo_array *b, int64_t axis) {
    bool same = a->rank == b->rank && a->elem == b->elem;
    for (uint32_t k = 0; same && k < a->rank; k++)
        same = k == (uint32_t)axis || a->dims[k] == b->dims[k];
    return same;
}

oo_status oo__kernel_concat(oo__call *c) {
    const oo_array *first, *x;
    if (!oo__need(c, 0, &first))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", 1), dims[OO__MAX_RANK];
    if (!oo__axis(&axis, first->rank))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", first->rank);
    memcpy(dims, first->dims, first->rank * sizeof *dims);
    for (uint32_t i = 1; i < c->nin; i++) {
        if (!oo__need(c, i, &x))
            return OO_INVALID;
        if (!can_join(first, x, axis))
            return oo__eval_fail(c, "input %u differs from the first one in type or in another dimension than %lld", i,
                                 (long long)axis);
        dims[axis] = oo__plus(dims[axis], x->dims[axis]);
    }
    if (c->nin == 1)
        return oo__set_same(c, first);
    oo_array *const out = oo__array_new(first->elem, first->rank, dims);
    oo__place to = {0, {0}}, from = {0, {0}};
    oo__strides(to.steps, first->rank, dims);
    for (uint32_t i = 0; out && out->count && i < c->nin; i++) {
        x = oo__in(c, i);
        oo__strides(from.steps, x->rank, x->dims);
        oo__copy_box(out, &to, x, &from, x->rank, x->dims);
        to.first += x->dims[axis] * to.steps[axis];
    }
    return oo__set(c, 0, out);
}
