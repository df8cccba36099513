/* Operators that change the shape and no element, and those that tell the shape. */
#include "eval/kernels.h"
#include "eval/move.h"

/* Product of the dimensions that are known; false when it is more than an int64. */
static bool known_product(int64_t *out, const oo__list *shape) {
    *out = 1;
    for (uint32_t i = 0; i < shape->count; i++)
        if (shape->items[i] != -1 && __builtin_mul_overflow(*out, shape->items[i], out))
            return false;
    return true;
}

/* Reshape, versions 1 (attribute) to 25: 0 copies the input's dimension unless allowzero, one -1 is what remains. */
oo_status oo__kernel_reshape(oo__call *c) {
    const oo_array *x;
    oo__list shape;
    if (!oo__need(c, 0, &x) || !oo__list_of(c, 1, "shape", &shape))
        return OO_INVALID;
    if (!shape.given || shape.count > OO__MAX_RANK)
        return oo__eval_fail(c, "the new shape is missing or has more than %d dimensions", OO__MAX_RANK);
    const bool allow_zero = oo__int(c, "allowzero", 0) != 0;
    int64_t *open = NULL;
    for (uint32_t i = 0; i < shape.count; i++) {
        int64_t *const dim = &shape.items[i];
        if (*dim == 0 && !allow_zero) {
            if (i >= x->rank)
                return oo__eval_fail(c, "dimension %u is to be copied from the input, which has %u", i, x->rank);
            *dim = x->dims[i];
        }
        if (*dim < -1 || (*dim == -1 && open))
            return oo__eval_fail(c, "dimension %u of the new shape is %lld%s", i, (long long)*dim,
                                 *dim == -1 ? ", as another one" : "");
        if (*dim == -1)
            open = dim;
    }
    int64_t known;
    if (!known_product(&known, &shape) || (open && (known == 0 || x->count % (uint64_t)known != 0)))
        return oo__eval_fail(c, "the new shape does not fit %llu elements", (unsigned long long)x->count);
    if (open)
        *open = (int64_t)(x->count / (uint64_t)known);
    return oo__set_view(c, x, shape.count, shape.items);
}

oo_status oo__kernel_flatten(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    int64_t axis = oo__int(c, "axis", 1);
    if (axis < 0 && c->schema->since >= 11)
        axis += (int64_t)x->rank;
    if (axis < 0 || axis > (int64_t)x->rank)
        return oo__eval_fail(c, "axis is out of range for %u dimensions", x->rank);
    const int64_t dims[] = {(int64_t)oo__product(x->dims, 0, (uint32_t)axis),
                            (int64_t)oo__product(x->dims, (uint32_t)axis, x->rank)};
    return oo__set_view(c, x, 2, dims);
}

oo_status oo__kernel_squeeze(oo__call *c) {
    const oo_array *x;
    oo__list axes;
    if (!oo__need(c, 0, &x) || !oo__list_of(c, 1, "axes", &axes) || !oo__list_axes(c, &axes, x->rank))
        return OO_INVALID;
    bool drop[OO__MAX_RANK];
    for (uint32_t i = 0; i < x->rank; i++)
        drop[i] = !axes.given && x->dims[i] == 1;
    for (uint32_t i = 0; i < axes.count; i++) {
        if (x->dims[axes.items[i]] != 1)
            return oo__eval_fail(c, "dimension %lld is %lld and not 1", (long long)axes.items[i],
                                 (long long)x->dims[axes.items[i]]);
        drop[axes.items[i]] = true;
    }
    int64_t dims[OO__MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < x->rank; i++)
        if (!drop[i])
            dims[rank++] = x->dims[i];
    return oo__set_view(c, x, rank, dims);
}

oo_status oo__kernel_unsqueeze(oo__call *c) {
    const oo_array *x;
    oo__list axes;
    if (!oo__need(c, 0, &x) || !oo__list_of(c, 1, "axes", &axes))
        return OO_INVALID;
    const uint32_t rank = x->rank + axes.count;
    if (!axes.given || rank > OO__MAX_RANK)
        return oo__eval_fail(c, "axes are missing or the result has more than %d dimensions", OO__MAX_RANK);
    if (!oo__list_axes(c, &axes, rank))
        return OO_INVALID;
    int64_t dims[OO__MAX_RANK] = {0};
    for (uint32_t i = 0; i < axes.count; i++)
        dims[axes.items[i]] = -1; /* a new one */
    for (uint32_t i = 0, from = 0; i < rank; i++)
        dims[i] = dims[i] ? 1 : x->dims[from++];
    return oo__set_view(c, x, rank, dims);
}

static int64_t bound(int64_t at, int64_t rank) {
    if (at < 0)
        at += rank;
    return at < 0 ? 0 : at > rank ? rank : at;
}

/* Shape: since version 15 of the dimensions start to end. */
oo_status oo__kernel_shape(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const int64_t rank = (int64_t)x->rank;
    const int64_t start = bound(oo__int(c, "start", 0), rank), end = bound(oo__int(c, "end", rank), rank);
    const int64_t count[] = {end > start ? end - start : 0};
    oo_array *const out = oo__array_new(OO_INT64, 1, count);
    for (int64_t i = 0; out && i < count[0]; i++)
        ((int64_t *)out->data)[i] = x->dims[start + i];
    return oo__set(c, 0, out);
}

oo_status oo__kernel_size(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    return oo__set(c, 0, oo__array_scalar(OO_INT64, &(int64_t){(int64_t)x->count}));
}
