#include "eval/broadcast.h"

static bool result_shape(uint32_t operands, const oo_array *const *arrays, uint32_t *rank, int64_t *dims) {
    *rank = 0;
    for (uint32_t k = 0; k < operands; k++) {
        int64_t merged[OO__MAX_RANK];
        uint32_t merged_rank;
        if (arrays[k]->rank > OO__MAX_RANK || !oo__broadcast(&merged_rank, merged, *rank, dims, arrays[k]->rank, arrays[k]->dims))
            return false;
        *rank = merged_rank;
        for (uint32_t i = 0; i < merged_rank; i++)
            dims[i] = merged[i];
    }
    return true;
}

static void strides_of(int64_t *strides, const oo_array *a, uint32_t rank) {
    uint64_t step = 1; /* unsigned: the dimensions of an empty array may be anything */
    for (uint32_t i = rank; i-- > 0;) {
        const uint32_t missing = rank - a->rank;
        const int64_t dim = i < missing ? 1 : a->dims[i - missing];
        strides[i] = dim == 1 ? 0 : (int64_t)step;
        step *= (uint64_t)dim;
    }
}

/* Whether dimension i continues dimension i - 1 for every operand. */
static bool can_merge(const oo__walk *w, uint32_t i) {
    for (uint32_t k = 0; k < w->operands; k++)
        if (w->strides[k][i - 1] != w->strides[k][i] * w->dims[i])
            return false;
    return true;
}

static void merge_dimensions(oo__walk *w) {
    for (uint32_t i = w->rank; i-- > 1;) {
        const bool one = w->dims[i - 1] == 1;
        if (!one && !can_merge(w, i))
            continue;
        w->dims[i - 1] *= w->dims[i];
        for (uint32_t k = 0; k < w->operands; k++)
            w->strides[k][i - 1] = w->strides[k][i];
        for (uint32_t j = i; j + 1 < w->rank; j++) {
            w->dims[j] = w->dims[j + 1];
            for (uint32_t k = 0; k < w->operands; k++)
                w->strides[k][j] = w->strides[k][j + 1];
        }
        w->rank--;
    }
}

bool oo__walk_begin(oo__walk *w, uint32_t operands, const oo_array *const *arrays, uint32_t *rank, int64_t *dims) {
    if (!result_shape(operands, arrays, rank, dims))
        return false;
    *w = (oo__walk){.operands = operands, .rank = *rank, .count = 1};
    for (uint32_t i = 0; i < *rank; i++) {
        w->dims[i] = dims[i];
        w->count *= (uint64_t)dims[i];
    }
    for (uint32_t k = 0; k < operands; k++)
        strides_of(w->strides[k], arrays[k], *rank);
    if (w->count)
        merge_dimensions(w);
    return true;
}

void oo__walk_runs(const oo__walk *w, oo__run run, void *state) {
    static const int64_t no_strides[OO__MAX_OPERANDS];
    uint64_t at[OO__MAX_OPERANDS] = {0};
    if (!w->count)
        return;
    if (w->rank == 0) {
        run(state, 0, at, no_strides, 1);
        return;
    }
    const uint32_t inner = w->rank - 1;
    const uint64_t length = (uint64_t)w->dims[inner];
    int64_t strides[OO__MAX_OPERANDS] = {0};
    for (uint32_t k = 0; k < w->operands; k++)
        strides[k] = w->strides[k][inner];
    int64_t index[OO__MAX_RANK] = {0};
    for (uint64_t out = 0; out < w->count; out += length) {
        run(state, out, at, strides, length);
        for (uint32_t i = inner; i-- > 0;) {
            for (uint32_t k = 0; k < w->operands; k++)
                at[k] += (uint64_t)w->strides[k][i];
            if (++index[i] < w->dims[i])
                break;
            for (uint32_t k = 0; k < w->operands; k++)
                at[k] -= (uint64_t)(w->strides[k][i] * w->dims[i]);
            index[i] = 0;
        }
    }
}
