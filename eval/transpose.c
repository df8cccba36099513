/* Operators that put elements in another order or repeat them: Transpose, DepthToSpace, SpaceToDepth, ReverseSequence, Expand, Tile. */
#include "eval/kernels.h"
#include "eval/move.h"

#include <string.h>

/* ---- Transpose ---- */
/* Output 0 has the elements of `in`, seen under dims[0 .. rank), in the order that `perm` gives; its shape is `out_dims`. */
static oo_status set_permuted(oo__call *c, const oo_array *in, uint32_t rank, const int64_t *dims, const int64_t *perm,
                              uint32_t out_rank, const int64_t *out_dims) {
    oo_array *const out = oo__array_new(in->elem, out_rank, out_dims);
    if (out && out->count) {
        int64_t strides[OO__MAX_RANK], moved[OO__MAX_RANK];
        oo__place to = {0, {0}}, from = {0, {0}};
        oo__strides(strides, rank, dims);
        for (uint32_t k = 0; k < rank; k++) {
            moved[k] = dims[perm[k]];
            from.steps[k] = strides[perm[k]];
        }
        oo__strides(to.steps, rank, moved);
        oo__copy_box(out, &to, in, &from, rank, moved);
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_transpose(oo__call *c) {
    const oo_array *x;
    oo__list perm;
    if (!oo__need(c, 0, &x) || !oo__list_attr(c, "perm", &perm))
        return OO_INVALID;
    if (!perm.given) {
        perm.count = x->rank;
        for (uint32_t k = 0; k < x->rank; k++)
            perm.items[k] = (int64_t)(x->rank - 1 - k);
    }
    if (perm.count != x->rank)
        return oo__eval_fail(c, "perm has %u items, the input %u dimensions", perm.count, x->rank);
    if (!oo__list_axes(c, &perm, x->rank))
        return OO_INVALID;
    int64_t dims[OO__MAX_RANK];
    uint32_t last = 0; /* dimensions of 1 may go anywhere without moving anything */
    bool moves = false;
    for (uint32_t k = 0; k < x->rank; k++) {
        dims[k] = x->dims[perm.items[k]];
        if (dims[k] == 1)
            continue;
        moves |= perm.items[k] < (int64_t)last;
        last = (uint32_t)perm.items[k];
    }
    if (!moves)
        return oo__set_view(c, x, x->rank, dims);
    return set_permuted(c, x, x->rank, x->dims, perm.items, x->rank, dims);
}

/* ---- DepthToSpace, SpaceToDepth ---- */
/* The input seen as six dimensions, and the order in which they make the output. [N, C, H, W] both. */
static oo_status move_blocks(oo__call *c, const oo_array *x, const int64_t *six, const int64_t *order, int64_t channels,
                             int64_t height, int64_t width) {
    return set_permuted(c, x, 6, six, order, 4, (const int64_t[]){x->dims[0], channels, height, width});
}

/* The block size, 0 after an error. */
static int64_t block_size(const oo__call *c, const oo_array *x) {
    const int64_t block = oo__int(c, "blocksize", 0);
    if (x->rank == 4 && block > 0)
        return block;
    oo__eval_fail(c, "the input has %u dimensions and not 4, or the blocks are of size %lld", x->rank,
                  (long long)block);
    return 0;
}

static bool is_crd(const oo__call *c) { return strcmp(oo__string(c, "mode", "DCR"), "CRD") == 0; }

oo_status oo__kernel_depth_to_space(oo__call *c) {
    static const int64_t DCR[] = {0, 3, 4, 1, 5, 2}, CRD[] = {0, 1, 4, 2, 5, 3};
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const int64_t b = block_size(c, x);
    if (!b)
        return OO_INVALID;
    const int64_t n = x->dims[0], depth = x->dims[1], h = x->dims[2], w = x->dims[3], square = oo__times(b, b);
    if (depth % square != 0)
        return oo__eval_fail(c, "%lld channels are no multiple of %lld * %lld", (long long)depth, (long long)b,
                             (long long)b);
    const int64_t channels = depth / square;
    const int64_t dcr[] = {n, b, b, channels, h, w}, crd[] = {n, channels, b, b, h, w};
    return move_blocks(c, x, is_crd(c) ? crd : dcr, is_crd(c) ? CRD : DCR, channels, oo__times(h, b), oo__times(w, b));
}

oo_status oo__kernel_space_to_depth(oo__call *c) {
    static const int64_t DCR[] = {0, 3, 5, 1, 2, 4}, CRD[] = {0, 1, 3, 5, 2, 4};
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const int64_t b = block_size(c, x);
    if (!b)
        return OO_INVALID;
    const int64_t channels = x->dims[1], h = x->dims[2], w = x->dims[3];
    if (h % b != 0 || w % b != 0)
        return oo__eval_fail(c, "height %lld or width %lld is no multiple of %lld", (long long)h, (long long)w,
                             (long long)b);
    const int64_t six[] = {x->dims[0], channels, h / b, b, w / b, b};
    return move_blocks(c, x, six, is_crd(c) ? CRD : DCR, oo__times(channels, oo__times(b, b)), h / b, w / b);
}

/* ---- ReverseSequence ---- */
/* Copies the times first .. last of one batch item; `backward` puts them in the opposite order. */
static void copy_times(oo_array *out, const oo_array *x, int64_t batch_axis, int64_t item, int64_t time_axis,
                       int64_t first, int64_t last, bool backward) {
    int64_t dims[OO__MAX_RANK];
    oo__place to = {0, {0}}, from;
    memcpy(dims, x->dims, x->rank * sizeof *dims);
    oo__strides(to.steps, x->rank, dims);
    from = to;
    const int64_t step = to.steps[time_axis];
    dims[batch_axis] = 1;
    dims[time_axis] = last - first;
    to.first = from.first = item * to.steps[batch_axis];
    to.first += first * step;
    from.first += (backward ? last - 1 : first) * step;
    from.steps[time_axis] = backward ? -step : step;
    oo__copy_box(out, &to, x, &from, x->rank, dims);
}

oo_status oo__kernel_reverse_sequence(oo__call *c) {
    const oo_array *x, *lengths;
    if (!oo__need(c, 0, &x) || !oo__need(c, 1, &lengths))
        return OO_INVALID;
    int64_t batch = oo__int(c, "batch_axis", 1), time = oo__int(c, "time_axis", 0);
    if (!oo__axis(&batch, x->rank) || !oo__axis(&time, x->rank) || batch == time)
        return oo__eval_fail(c, "batch_axis and time_axis are no two of %u dimensions", x->rank);
    if (lengths->elem != OO_INT64 || lengths->count != (uint64_t)x->dims[batch])
        return oo__eval_fail(c, "the lengths are not one int64 for each of %lld sequences", (long long)x->dims[batch]);
    oo_array *const out = oo__array_new(x->elem, x->rank, x->dims);
    for (int64_t i = 0; out && i < x->dims[batch]; i++) {
        const int64_t length = ((const int64_t *)lengths->data)[i];
        if (length < 0 || length > x->dims[time]) {
            oo__array_release(out);
            return oo__eval_fail(c, "sequence %lld has the length %lld of %lld", (long long)i, (long long)length,
                                 (long long)x->dims[time]);
        }
        if (!x->count)
            continue;
        copy_times(out, x, batch, i, time, 0, length, true);
        copy_times(out, x, batch, i, time, length, x->dims[time], false);
    }
    return oo__set(c, 0, out);
}

/* ---- Expand, Tile ---- */
oo_status oo__kernel_expand(oo__call *c) {
    const oo_array *x;
    oo__list shape;
    if (!oo__need(c, 0, &x) || !oo__list_of(c, 1, NULL, &shape))
        return OO_INVALID;
    if (!shape.given || shape.count > OO__MAX_RANK)
        return oo__eval_fail(c, "the new shape is missing or has more than %d dimensions", OO__MAX_RANK);
    for (uint32_t i = 0; i < shape.count; i++)
        if (shape.items[i] < 0)
            return oo__eval_fail(c, "dimension %u of the new shape is negative", i);
    int64_t dims[OO__MAX_RANK];
    uint32_t rank;
    if (!oo__broadcast(&rank, dims, x->rank, x->dims, shape.count, shape.items))
        return oo__eval_fail(c, "the input cannot be broadcast to the new shape");
    oo_array *const same = oo__array_view((oo_array *)(uintptr_t)x, rank, dims);
    if (same) /* nothing is repeated */
        return oo__set(c, 0, same);
    oo_array *const out = oo__array_new(x->elem, rank, dims);
    if (out && out->count) {
        int64_t strides[OO__MAX_RANK];
        oo__place to = {0, {0}}, from = {0, {0}};
        oo__strides(strides, x->rank, x->dims);
        oo__strides(to.steps, rank, dims);
        for (uint32_t k = 0; k < x->rank; k++)
            from.steps[rank - x->rank + k] = x->dims[k] == 1 ? 0 : strides[k];
        oo__copy_box(out, &to, x, &from, rank, dims);
    }
    return oo__set(c, 0, out);
}

/* How often each dimension is repeated: one number each, or in version 1 one number and its axis. False after an error. */
static bool repeats_of(const oo__call *c, const oo_array *x, oo__list *repeats) {
    int64_t axis, times;
    if (c->schema->since >= 6)
        return oo__list_of(c, 1, NULL, repeats);
    if (!oo__integer_of(c, 1, -1, &times) || !oo__integer_of(c, 2, INT64_MAX, &axis))
        return false;
    repeats->count = x->rank;
    for (uint32_t k = 0; k < x->rank; k++)
        repeats->items[k] = 1;
    if (oo__axis(&axis, x->rank))
        repeats->items[axis] = times;
    else
        oo__eval_fail(c, "axis is missing or out of range for %u dimensions", x->rank);
    return axis >= 0 && axis < (int64_t)x->rank;
}

oo_status oo__kernel_tile(oo__call *c) {
    const oo_array *x;
    oo__list repeats;
    if (!oo__need(c, 0, &x) || !repeats_of(c, x, &repeats))
        return OO_INVALID;
    if (repeats.count != x->rank)
        return oo__eval_fail(c, "there are %u repeats for %u dimensions", repeats.count, x->rank);
    int64_t dims[OO__MAX_RANK], pairs[OO__MAX_BOX], strides[OO__MAX_RANK];
    for (uint32_t k = 0; k < x->rank; k++) {
        if (repeats.items[k] < 0)
            return oo__eval_fail(c, "repeat %u is negative", k);
        pairs[2 * k] = repeats.items[k];
        pairs[2 * k + 1] = x->dims[k];
        dims[k] = oo__times(repeats.items[k], x->dims[k]);
    }
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (out && out->count) {
        oo__place to = {0, {0}}, from = {0, {0}};
        oo__strides(to.steps, 2 * x->rank, pairs);
        oo__strides(strides, x->rank, x->dims);
        for (uint32_t k = 0; k < x->rank; k++)
            from.steps[2 * k + 1] = strides[k];
        oo__copy_box(out, &to, x, &from, 2 * x->rank, pairs);
    }
    return oo__set(c, 0, out);
}
