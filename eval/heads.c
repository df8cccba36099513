#include "eval/heads.h"

#include "eval/fast_math.h"

#include <math.h>
#include <string.h>

/* Swaps dimensions 1 and 2 of [d0, d1, d2, size]. */
static void swap_middle(const oo_array *from, oo_array *to, const int64_t *dims) {
    const uint64_t size = (uint64_t)dims[3];
    const uint32_t width = oo__array_width(from->elem);
    uint64_t at = 0;
    for (int64_t i = 0; i < dims[0]; i++)
        for (int64_t k = 0; k < dims[2]; k++)
            for (int64_t j = 0; j < dims[1]; j++, at += size)
                memcpy((char *)to->data + at * width, (const char *)from->data + (uint64_t)((i * dims[1] + j) * dims[2] + k) * size * width,
                       size * width);
}

oo_array *oo__split_heads(const oo_array *x, int64_t heads, oo_elem work) {
    if (x->rank == 4)
        return oo__as_real(x, work);
    if (x->rank != 3 || heads < 1 || x->dims[2] % heads != 0)
        return NULL;
    oo_array *const real = oo__as_real(x, work);
    const int64_t size = x->dims[2] / heads, from[] = {x->dims[0], x->dims[1], heads, size}, to[] = {x->dims[0], heads, x->dims[1], size};
    oo_array *const out = real ? oo__array_new(work, 4, to) : NULL;
    if (out && out->count)
        swap_middle(real, out, from);
    oo__array_release(real);
    return out;
}

oo_array *oo__merge_heads(oo_array *x) {
    if (!x)
        return NULL;
    const int64_t dims[] = {x->dims[0], x->dims[2], x->dims[1] * x->dims[3]};
    oo_array *const out = oo__array_new(x->elem, 3, dims);
    if (out && out->count)
        swap_middle(x, out, x->dims);
    oo__array_release(x);
    return out;
}

oo_array *oo__append_sequence(const oo_array *past, const oo_array *x) {
    if (!past || !x)
        return oo__array_retain((oo_array *)(uintptr_t)x);
    if (past->rank != 4 || past->dims[0] != x->dims[0] || past->dims[1] != x->dims[1] || past->dims[3] != x->dims[3])
        return NULL;
    const int64_t dims[] = {x->dims[0], x->dims[1], past->dims[2] + x->dims[2], x->dims[3]};
    oo_array *const out = oo__array_new(x->elem, 4, dims);
    if (!out || out->count == 0)
        return out;
    const uint64_t planes = (uint64_t)(dims[0] * dims[1]), before = past->count / planes, after = x->count / planes;
    const uint32_t width = oo__array_width(x->elem);
    for (uint64_t i = 0; i < planes; i++) {
        char *const to = (char *)out->data + i * (before + after) * width;
        memcpy(to, (const char *)past->data + i * before * width, before * width);
        memcpy(to + before * width, (const char *)x->data + i * after * width, after * width);
    }
    return out;
}

void oo__softmax_row(oo_array *a, uint64_t at, uint64_t count) {
    double most = -(double)INFINITY, sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double v = oo__real(a, at + i);
        most = v > most || isnan(v) ? v : most;
    }
    if (most == -(double)INFINITY) {
        for (uint64_t i = 0; i < count; i++)
            oo__real_set(a, at + i, 0);
        return;
    }
    if (a->elem == OO_FLOAT) {
        oo__softmax_floats((float *)a->data + at, (const float *)a->data + at, count);
        return;
    }
    double *const x = (double *)a->data + at;
    for (uint64_t i = 0; i < count; i++)
        sum += x[i] = exp(x[i] - most);
    for (uint64_t i = 0; i < count; i++)
        x[i] /= sum;
}
