/* MaxUnpool: puts each element back where MaxPool found it. */
#include "eval/kernels.h"
#include "eval/real.h"
#include "eval/window.h"

#include <string.h>

/* The shape that the pool had by its attributes: (x - 1) stride - padding + kernel. */
static oo_status shape_of(const oo__call *c, int64_t *dims, const oo_array *x) {
    oo__window w;
    OO_TRY(oo__window_read(c, &w, x->rank - 2, x->dims + 2, NULL));
    for (uint32_t i = 0; i < w.rank; i++) {
        if (__builtin_mul_overflow(w.in[i] - 1, w.stride[i], &dims[i + 2]))
            return oo__eval_unsupported(c, "the result is too large");
        const int64_t extra = w.kernel[i] - w.head[i] - w.tail[i];
        if (__builtin_add_overflow(dims[i + 2], extra, &dims[i + 2]) || dims[i + 2] < 0)
            return oo__eval_fail(c, "dimension %u of the result would have size %lld", i + 2, (long long)dims[i + 2]);
    }
    return OO_OK;
}

static oo_status read_shape(const oo__call *c, int64_t *dims, uint32_t rank, const oo_array *shape) {
    if (shape->elem != OO_INT64 || shape->rank != 1 || shape->count != rank)
        return oo__eval_fail(c, "output_shape is no int64 vector of %u numbers", rank);
    memcpy(dims, shape->data, rank * sizeof *dims);
    return OO_OK;
}

/* Index `at` of a tensor with dimensions `from` as an index of one with dimensions `to`; -1 when it lies outside of that. */
static int64_t moved(int64_t at, uint32_t rank, const int64_t *from, const int64_t *to) {
    int64_t result = 0, step = 1;
    for (uint32_t i = rank; i-- > 0; at /= from[i]) {
        if (at % from[i] >= to[i])
            return -1;
        result += at % from[i] * step;
        step *= to[i];
    }
    return result;
}

static bool all_below(const oo_array *indices, uint64_t limit) {
    for (uint64_t i = 0; i < indices->count; i++)
        if (((const uint64_t *)indices->data)[i] >= limit)
            return false;
    return true;
}

static bool count_of(uint64_t *out, uint32_t rank, const int64_t *dims) {
    *out = 1;
    for (uint32_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(*out, (uint64_t)dims[i], out))
            return false;
    return true;
}

/* The indices count in the shape that the attributes give, which output_shape enlarges; but indices that do not fit there can only
 * count in output_shape itself. */
static oo_status put_back(const oo__call *c, oo_array *out, const oo_array *x, const oo_array *indices, const int64_t *inferred) {
    const uint32_t width = oo__array_width(x->elem);
    uint64_t count;
    const bool fits = count_of(&count, x->rank, inferred) && all_below(indices, count);
    if (!fits && !all_below(indices, out->count))
        return oo__eval_fail(c, "an index lies outside of the result");
    for (uint64_t i = 0; i < x->count; i++) {
        const int64_t index = ((const int64_t *)indices->data)[i], at = fits ? moved(index, x->rank, inferred, out->dims) : index;
        if (at >= 0)
            memcpy((char *)out->data + (uint64_t)at * width, (const char *)x->data + i * width, width);
    }
    return OO_OK;
}

oo_status oo__kernel_max_unpool(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "X"));
    const oo_array *const x = oo__in(c, 0), *const indices = oo__in(c, 1), *const shape = oo__in(c, 2);
    int64_t inferred[OO__MAX_RANK], dims[OO__MAX_RANK];
    if (x->rank < 3)
        return oo__eval_fail(c, "the input has %u dimensions where at least 3 are wanted", x->rank);
    if (!oo__has_dims(indices, x->rank, x->dims) || indices->elem != OO_INT64)
        return oo__eval_fail(c, "the indices have not the shape of the input, or are not int64");
    memcpy(inferred, x->dims, 2 * sizeof *dims);
    OO_TRY(shape_of(c, inferred, x));
    memcpy(dims, inferred, x->rank * sizeof *dims);
    if (shape)
        OO_TRY(read_shape(c, dims, x->rank, shape));
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (!out)
        return oo__set(c, 0, NULL);
    memset(out->data, 0, out->count * oo__array_width(out->elem));
    const oo_status status = put_back(c, out, x, indices, inferred);
    if (status == OO_OK)
        return oo__set(c, 0, out);
    oo__array_release(out);
    return status;
}
