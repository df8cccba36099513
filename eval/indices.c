#include "eval/indices.h"

#include <stdlib.h>

static bool are_indices(const oo__call *c, const oo_array *a) {
    if (a->elem == OO_INT32 || a->elem == OO_INT64)
        return true;
    oo__eval_fail(c, "the indices are of type %s", oo__elem_name((int32_t)a->elem));
    return false;
}

/* Makes an index positive; false after an error. */
static bool check(const oo__call *c, int64_t *index, int64_t limit) {
    const int64_t asked = *index;
    if (*index < 0)
        *index += limit;
    if (*index >= 0 && *index < limit)
        return true;
    oo__eval_fail(c, "index %lld is out of range for a dimension of %lld", (long long)asked, (long long)limit);
    return false;
}

static int64_t *new_offsets(uint64_t count) { return oo__malloc((count ? count : 1) * sizeof(int64_t)); }

int64_t *oo__indices_of(const oo__call *c, const oo_array *indices, int64_t limit) {
    if (!are_indices(c, indices))
        return NULL;
    int64_t *const out = new_offsets(indices->count);
    for (uint64_t i = 0; i < indices->count; i++) {
        out[i] = oo__array_int(indices, i);
        if (!check(c, &out[i], limit)) {
            free(out);
            return NULL;
        }
    }
    return out;
}

int64_t *oo__element_offsets(const oo__call *c, const oo_array *data, const oo_array *indices, uint32_t axis) {
    bool fits = data->rank == indices->rank && axis < data->rank;
    for (uint32_t k = 0; fits && k < data->rank; k++)
        fits = k == axis || indices->dims[k] <= data->dims[k];
    if (!fits) {
        oo__eval_fail(c, "the shape of the indices does not fit the data's");
        return NULL;
    }
    int64_t *const out = oo__indices_of(c, indices, data->dims[axis]);
    int64_t strides[OO__MAX_RANK], at[OO__MAX_RANK] = {0};
    oo__strides(strides, data->rank, data->dims);
    int64_t base = 0; /* offset of the element with index 0 along the axis */
    for (uint64_t i = 0; out && i < indices->count; i++) {
        out[i] = base + out[i] * strides[axis];
        for (uint32_t k = data->rank; k-- > 0;) {
            const int64_t step = k == axis ? 0 : strides[k];
            base += step;
            if (++at[k] < indices->dims[k])
                break;
            base -= at[k] * step;
            at[k] = 0;
        }
    }
    return out;
}

int64_t *oo__slice_offsets(const oo__call *c, const oo_array *data, const oo_array *indices, uint32_t batch_dims) {
    if (!are_indices(c, indices))
        return NULL;
    const int64_t length = indices->rank ? indices->dims[indices->rank - 1] : 0;
    bool fits = batch_dims < indices->rank && batch_dims <= data->rank && length >= 1 &&
                length <= (int64_t)(data->rank - batch_dims);
    for (uint32_t k = 0; fits && k < batch_dims; k++)
        fits = indices->dims[k] == data->dims[k];
    if (!fits) {
        oo__eval_fail(c, "tuples of %lld indices do not fit data of %u dimensions, %u of batches", (long long)length,
                      data->rank, batch_dims);
        return NULL;
    }
    int64_t strides[OO__MAX_RANK];
    oo__strides(strides, data->rank, data->dims);
    const uint64_t tuples = indices->count / (uint64_t)length;
    const uint64_t in_batch = oo__product(indices->dims, batch_dims, indices->rank - 1);
    const int64_t batch_step = batch_dims ? strides[batch_dims - 1] : 0;
    int64_t *const out = new_offsets(tuples);
    for (uint64_t t = 0; t < tuples; t++) {
        out[t] = (int64_t)(t / in_batch) * batch_step;
        for (uint32_t k = 0; k < (uint32_t)length; k++) {
            int64_t index = oo__array_int(indices, t * (uint64_t)length + k);
            if (!check(c, &index, data->dims[batch_dims + k])) {
                free(out);
                return NULL;
            }
            out[t] += index * strides[batch_dims + k];
        }
    }
    return out;
}
