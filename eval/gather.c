/* Operators that pick elements or slices by index: Gather, GatherElements, GatherND, ArrayFeatureExtractor, Compress. */
#include "eval/indices.h"
#include "eval/kernels.h"

#include <stdlib.h>
#include <string.h>

enum { GRAIN = 1 << 16 }; /* elements that are worth a thread */

/* ---- pieces of `piece` elements from a list of offsets: out = data[offsets[0]], data[offsets[1]], ... ---- */
typedef struct job {
    oo_array *out;
    const oo_array *data;
    const int64_t *offsets;
    uint64_t piece;
} job;

static void gather_part(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__copy_run(j->out, i * j->piece, j->data, (uint64_t)j->offsets[i], j->piece);
}

static void gather_pieces(oo_array *out, const oo_array *data, const int64_t *offsets, uint64_t count, uint64_t piece) {
    job j = {out, data, offsets, piece};
    if (piece)
        oo__parallel(count, GRAIN / piece + 1, gather_part, &j);
}

/* ---- Gather and its relatives: whole slices of one axis ---- */
/* data[..., indices, ...] at the axis; `out` has its shape already. The indices are checked. */
static void gather_axis(oo_array *out, const oo_array *data, uint32_t axis, const int64_t *indices, uint64_t count) {
    if (!out->count)
        return;
    const uint64_t outer = oo__product(data->dims, 0, axis), inner = oo__product(data->dims, axis + 1, data->rank);
    const uint64_t dim = (uint64_t)data->dims[axis];
    int64_t *const offsets = oo__malloc(outer * count * sizeof *offsets);
    for (uint64_t o = 0; o < outer; o++)
        for (uint64_t i = 0; i < count; i++)
            offsets[o * count + i] = (int64_t)((o * dim + (uint64_t)indices[i]) * inner);
    gather_pieces(out, data, offsets, outer * count, inner);
    free(offsets);
}

oo_status oo__kernel_gather(oo__call *c) {
    const oo_array *data, *indices;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &indices))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", 0);
    if (!oo__axis(&axis, data->rank))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", data->rank);
    int64_t *const list = oo__indices_of(c, indices, data->dims[axis]);
    if (!list)
        return OO_INVALID;
    int64_t dims[2 * OO__MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t k = 0; k < (uint32_t)axis; k++)
        dims[rank++] = data->dims[k];
    for (uint32_t k = 0; k < indices->rank; k++)
        dims[rank++] = indices->dims[k];
    for (uint32_t k = (uint32_t)axis + 1; k < data->rank; k++)
        dims[rank++] = data->dims[k];
    oo_array *const out = oo__array_new(data->elem, rank, dims);
    if (out)
        gather_axis(out, data, (uint32_t)axis, list, indices->count);
    free(list);
    return oo__set(c, 0, out);
}

/* ArrayFeatureExtractor: picks along the last axis; the result of a vector has a leading 1. */
oo_status oo__kernel_array_feature_extractor(oo__call *c) {
    const oo_array *data, *indices;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &indices))
        return OO_INVALID;
    if (!data->rank)
        return oo__eval_fail(c, "the data has no dimension");
    const uint32_t axis = data->rank - 1;
    int64_t *const list = oo__indices_of(c, indices, data->dims[axis]);
    if (!list)
        return OO_INVALID;
    int64_t dims[OO__MAX_RANK + 1] = {1};
    const uint32_t rank = axis ? data->rank : 2;
    memcpy(dims, data->dims, axis * sizeof *dims);
    dims[rank - 1] = (int64_t)indices->count;
    oo_array *const out = oo__array_new(data->elem, rank, dims);
    if (out)
        gather_axis(out, data, axis, list, indices->count);
    free(list);
    return oo__set(c, 0, out);
}

/* Compress: the slices (without axis: elements) where the condition, which may be shorter, is true. */
oo_status oo__kernel_compress(oo__call *c) {
    const oo_array *data, *condition;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &condition))
        return OO_INVALID;
    const bool flat = !oo__attr(c, "axis");
    int64_t axis = oo__int(c, "axis", 0), dims[OO__MAX_RANK];
    if (condition->elem != OO_BOOL || (!flat && !oo__axis(&axis, data->rank)))
        return oo__eval_fail(c, "the condition is not bool, or axis is out of range for %u dimensions", data->rank);
    oo_array *const source =
        flat ? oo__array_view((oo_array *)(uintptr_t)data, 1, (const int64_t[]){(int64_t)data->count})
             : oo__array_retain((oo_array *)(uintptr_t)data);
    int64_t *const list = oo__malloc((condition->count + 1) * sizeof *list);
    int64_t count = 0;
    for (uint64_t i = 0; i < condition->count; i++)
        if (((const uint8_t *)condition->data)[i])
            list[count++] = (int64_t)i;
    oo_status status;
    if (count && list[count - 1] >= source->dims[axis]) {
        status = oo__eval_fail(c, "the condition is true at %lld of %lld", (long long)list[count - 1],
                               (long long)source->dims[axis]);
    } else {
        memcpy(dims, source->dims, source->rank * sizeof *dims);
        dims[axis] = count;
        oo_array *const out = oo__array_new(data->elem, source->rank, dims);
        if (out)
            gather_axis(out, source, (uint32_t)axis, list, (uint64_t)count);
        status = oo__set(c, 0, out);
    }
    free(list);
    oo__array_release(source);
    return status;
}

/* ---- single elements, and slices by tuples ---- */
oo_status oo__kernel_gather_elements(oo__call *c) {
    const oo_array *data, *indices;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &indices))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", 0);
    if (!oo__axis(&axis, data->rank))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", data->rank);
    int64_t *const offsets = oo__element_offsets(c, data, indices, (uint32_t)axis);
    if (!offsets)
        return OO_INVALID;
    oo_array *const out = oo__array_new(data->elem, indices->rank, indices->dims);
    if (out)
        gather_pieces(out, data, offsets, indices->count, 1);
    free(offsets);
    return oo__set(c, 0, out);
}

oo_status oo__kernel_gather_nd(oo__call *c) {
    const oo_array *data, *indices;
    if (!oo__need(c, 0, &data) || !oo__need(c, 1, &indices))
        return OO_INVALID;
    const int64_t batch_dims = oo__int(c, "batch_dims", 0);
    if (batch_dims < 0 || batch_dims > OO__MAX_RANK)
        return oo__eval_fail(c, "batch_dims is %lld", (long long)batch_dims);
    int64_t *const offsets = oo__slice_offsets(c, data, indices, (uint32_t)batch_dims);
    if (!offsets)
        return OO_INVALID;
    const int64_t length = indices->dims[indices->rank - 1];
    int64_t dims[2 * OO__MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t k = 0; k + 1 < indices->rank; k++)
        dims[rank++] = indices->dims[k];
    const uint32_t first = (uint32_t)(batch_dims + length);
    for (uint32_t k = first; k < data->rank; k++)
        dims[rank++] = data->dims[k];
    oo_array *const out = oo__array_new(data->elem, rank, dims);
    if (out)
        gather_pieces(out, data, offsets, indices->count / (uint64_t)length,
                      oo__product(data->dims, first, data->rank));
    free(offsets);
    return oo__set(c, 0, out);
}
