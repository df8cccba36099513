/* Operators that put elements or slices where indices say: Scatter, ScatterElements, ScatterND, TensorScatter. */
#include "eval/indices.h"
#include "eval/kernels.h"
#include "eval/real.h"

#include <stdlib.h>
#include <string.h>

static oo_array *copy_of(const oo_array *x) {
    oo_array *const out = oo__array_new(x->elem, x->rank, x->dims);
    if (out)
        oo__copy_run(out, 0, x, 0, x->count);
    return out;
}

/* Attribute `reduction`: *combine is NULL for "none". False after an error. */
static bool reduction_of(const oo__call *c, oo_elem elem, oo__combiner *combine) {
    const char *const name = oo__string(c, "reduction", "none");
    *combine = NULL;
    if (strcmp(name, "none") == 0)
        return true;
    *combine = oo__combiner_of(name, elem);
    if (!*combine)
        oo__eval_unsupported(c, "reduction \"%s\" of %s", name, oo__elem_name((int32_t)elem));
    return *combine;
}

/* A copy of the data with `count` pieces of the updates at the offsets, in order. */
static oo_array *scatter_pieces(const oo_array *data, const oo_array *updates, const int64_t *offsets, uint64_t count,
                                uint64_t piece, oo__combiner combine) {
    oo_array *const out = copy_of(data);
    for (uint64_t i = 0; out && i < count; i++) {
        const uint64_t at = (uint64_t)offsets[i];
        if (!combine)
            oo__copy_run(out, at, updates, i * piece, piece);
        for (uint64_t k = 0; combine && k < piece; k++)
            combine(out, at + k, updates, i * piece + k);
    }
    return out;
}

oo_status oo__kernel_scatter_elements(oo__call *c) {
    const oo_array *data, *indices, *updates;
    oo__combiner combine;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &indices) || !oo__need(c, 2, &updates))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", 0);
    if (!oo__axis(&axis, data->rank))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", data->rank);
    if (updates->elem != data->elem || !oo__has_dims(updates, indices->rank, indices->dims))
        return oo__eval_fail(c, "the updates have not the data's type or not the indices' shape");
    if (!reduction_of(c, data->elem, &combine))
        return OO_UNSUPPORTED;
    int64_t *const offsets = oo__element_offsets(c, data, indices, (uint32_t)axis);
    if (!offsets)
        return OO_INVALID;
    oo_array *const out = scatter_pieces(data, updates, offsets, indices->count, 1, combine);
    free(offsets);
    return oo__set(c, 0, out);
}

/* Whether updates are shaped as indices without the last dimension, then the data's dimensions that a tuple leaves. */
static bool nd_updates_fit(const oo_array *data, const oo_array *indices, const oo_array *updates) {
    const uint32_t tuples = indices->rank - 1, length = (uint32_t)indices->dims[tuples];
    bool fits = updates->elem == data->elem && updates->rank == tuples + data->rank - length;
    for (uint32_t k = 0; fits && k < updates->rank; k++)
        fits = updates->dims[k] == (k < tuples ? indices->dims[k] : data->dims[k - tuples + length]);
    return fits;
}

oo_status oo__kernel_scatter_nd(oo__call *c) {
    const oo_array *data, *indices, *updates;
    oo__combiner combine;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &indices) || !oo__need(c, 2, &updates))
        return OO_INVALID;
    if (!reduction_of(c, data->elem, &combine))
        return OO_UNSUPPORTED;
    int64_t *const offsets = oo__slice_offsets(c, data, indices, 0);
    if (!offsets)
        return OO_INVALID;
    if (!nd_updates_fit(data, indices, updates)) {
        free(offsets);
        return oo__eval_fail(
            c, "the updates have not the type of the data or not the shape that indices and data ask for");
    }
    const uint64_t length = (uint64_t)indices->dims[indices->rank - 1],
                   piece = oo__product(data->dims, (uint32_t)length, data->rank);
    oo_array *const out = scatter_pieces(data, updates, offsets, indices->count / length, piece, combine);
    free(offsets);
    return oo__set(c, 0, out);
}

/* ---- TensorScatter ---- */
/* Writes `count` rows of the update's batch item, from row `first` on, at row `at` of the cache. */
static void write_rows(oo_array *out, const oo_array *update, uint32_t axis, int64_t item, int64_t at, int64_t first,
                       int64_t count) {
    int64_t dims[OO__MAX_RANK];
    oo__place to, from;
    oo__strides(to.steps, out->rank, out->dims);
    oo__strides(from.steps, update->rank, update->dims);
    to.first = item * to.steps[0] + at * to.steps[axis];
    from.first = item * from.steps[0] + first * from.steps[axis];
    memcpy(dims, update->dims, update->rank * sizeof *dims);
    dims[0] = 1;
    dims[axis] = count;
    oo__copy_box(out, &to, update, &from, update->rank, dims);
}

static bool cache_fits(const oo_array *cache, const oo_array *update, const oo_array *starts, int64_t axis) {
    bool fits = update->elem == cache->elem && update->rank == cache->rank;
    for (uint32_t k = 0; fits && k < cache->rank; k++)
        fits = k == (uint32_t)axis ? update->dims[k] <= cache->dims[k] : update->dims[k] == cache->dims[k];
    return fits && (!starts || (starts->elem == OO_INT64 && starts->count == (uint64_t)cache->dims[0]));
}

oo_status oo__kernel_tensor_scatter(oo__call *c) {
    const oo_array *cache, *update, *starts;
    if (!oo__need(c, 0, &cache) || !oo__need(c, 1, &update) || !oo__want(c, 2, &starts))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", -2);
    if (!oo__axis(&axis, cache->rank) || axis == 0)
        return oo__eval_fail(c, "axis is the batch's or out of range for %u dimensions", cache->rank);
    if (!cache_fits(cache, update, starts, axis))
        return oo__eval_fail(c, "update or write_indices do not fit the cache");
    const bool circular = strcmp(oo__string(c, "mode", "linear"), "circular") == 0;
    const int64_t room = cache->dims[axis], rows = update->dims[axis];
    oo_array *const out = copy_of(cache);
    for (int64_t item = 0; out && update->count && item < cache->dims[0]; item++) {
        int64_t at = starts ? ((const int64_t *)starts->data)[item] : 0;
        if (circular)
            at = (at % room + room) % room;
        if (at < 0 || (!circular && at > room - rows)) {
            oo__array_release(out);
            return oo__eval_fail(c, "%lld rows do not fit at %lld of %lld", (long long)rows, (long long)at,
                                 (long long)room);
        }
        const int64_t before_end = rows < room - at ? rows : room - at;
        write_rows(out, update, (uint32_t)axis, item, at, 0, before_end);
        write_rows(out, update, (uint32_t)axis, item, 0, before_end, rows - before_end);
    }
    return oo__set(c, 0, out);
}
