/* Operators that make arrays out of little: ConstantOfShape, Range, EyeLike, OneHot; and Trilu and Where, which leave elements out. */
#include "eval/kernels.h"
#include "eval/move.h"

#include <math.h>
#include <string.h>

/* ---- ConstantOfShape ---- */
oo_status oo__kernel_constant_of_shape(oo__call *c) {
    oo__list shape;
    if (!oo__list_of(c, 0, NULL, &shape))
        return OO_INVALID;
    if (!shape.given || shape.count > OO__MAX_RANK)
        return oo__eval_fail(c, "the shape is missing or has more than %d dimensions", OO__MAX_RANK);
    for (uint32_t i = 0; i < shape.count; i++)
        if (shape.items[i] < 0)
            return oo__eval_fail(c, "dimension %u of the shape is negative", i);
    const oo_attr *const attr = oo__attr(c, "value");
    oo_array *const value =
        attr && attr->type == OO_ATTR_TENSOR ? oo__array_of_tensor(attr->t) : oo__array_scalar(OO_FLOAT, &(float){0});
    if (!value || value->count != 1) {
        oo__array_release(value);
        return oo__eval_fail(c, "the value is no tensor of one element");
    }
    oo_array *const out = oo__array_new(value->elem, shape.count, shape.items);
    if (out)
        oo__fill(out, value, 0);
    oo__array_release(value);
    return oo__set(c, 0, out);
}

/* ---- Range ---- */
static bool is_single(const oo_array *a, oo_elem elem) { return a->count == 1 && a->elem == elem; }

/* Elements i of start + i * delta up to limit. Integers do not overflow. */
static oo_array *range_of_ints(oo_elem elem, int64_t start, int64_t limit, int64_t delta) {
    const bool up = delta > 0;
    const bool empty = up ? limit <= start : limit >= start;
    const uint64_t span = up ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    const uint64_t step = up ? (uint64_t)delta : 0 - (uint64_t)delta;
    const uint64_t count = empty ? 0 : (span - 1) / step + 1;
    oo_array *const out = count > INT64_MAX ? NULL : oo__array_new(elem, 1, (const int64_t[]){(int64_t)count});
    for (uint64_t i = 0; out && i < count; i++)
        oo__array_set_int(out, i, (int64_t)((uint64_t)start + i * (uint64_t)delta));
    return out;
}

static oo_array *range_of_reals(oo_elem elem, double start, double limit, double delta, bool in_float) {
    const double count = ceil((limit - start) / delta);
    if (!(count < 9e18))
        return NULL;
    const int64_t dims[] = {count > 0 ? (int64_t)count : 0};
    oo_array *const out = oo__array_new(elem, 1, dims);
    for (int64_t i = 0; out && i < dims[0]; i++) {
        const double value = start + (double)i * delta;
        oo__array_set_double(out, (uint64_t)i, in_float ? (double)(float)value : value);
    }
    return out;
}

oo_status oo__kernel_range(oo__call *c) {
    const oo_array *start, *limit, *delta;
    if (!oo__need(c, 0, &start) || !oo__need(c, 1, &limit) || !oo__need(c, 2, &delta))
        return OO_INVALID;
    if (start->elem == OO_STRING || oo__is_complex(start->elem) || !is_single(start, start->elem) ||
        !is_single(limit, start->elem) || !is_single(delta, start->elem))
        return oo__eval_fail(c, "start, limit and delta are no three numbers of one type");
    if (!oo__truth(delta, 0))
        return oo__eval_fail(c, "delta is 0");
    if (!oo__is_floating(start->elem))
        return oo__set(
            c, 0,
            range_of_ints(start->elem, oo__array_int(start, 0), oo__array_int(limit, 0), oo__array_int(delta, 0)));
    /* Since version 27 the half types are computed in the type stash_type, which is float or double. */
    const bool in_float = oo__int(c, "stash_type", OO_FLOAT) == OO_FLOAT && start->elem != OO_DOUBLE;
    return oo__set(c, 0,
                   range_of_reals(start->elem, oo__array_double(start, 0), oo__array_double(limit, 0),
                                  oo__array_double(delta, 0), in_float));
}

/* ---- EyeLike ---- */
oo_status oo__kernel_eye_like(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const int64_t elem = oo__int(c, "dtype", x->elem), k = oo__int(c, "k", 0);
    if (x->rank != 2 || elem <= 0 || elem >= OO_ELEM_COUNT || elem == OO_STRING || oo__is_complex((oo_elem)elem))
        return oo__eval_fail(c, "the input has %u dimensions and not 2, or dtype %lld is no type of numbers", x->rank,
                             (long long)elem);
    oo_array *const out = oo__array_new((oo_elem)elem, 2, x->dims);
    if (!out || !out->count)
        return oo__set(c, 0, out);
    oo__fill_zero(out);
    const int64_t rows = x->dims[0], columns = x->dims[1];
    for (int64_t i = 0; k > -rows && k < columns && i < rows; i++)
        if (i + k >= 0 && i + k < columns)
            oo__array_set_int(out, (uint64_t)(i * columns + i + k), 1);
    return oo__set(c, 0, out);
}

/* ---- OneHot ---- */
/* Where index i of the input points; -1 when outside. */
static int64_t hot_index(const oo_array *indices, uint64_t i, int64_t depth) {
    const int64_t index = oo__index(indices, i);
    if (indices->elem == OO_UINT64 && index < 0)
        return -1;
    const int64_t hot = index < 0 ? index + depth : index;
    return hot >= 0 && hot < depth ? hot : -1;
}

oo_status oo__kernel_one_hot(oo__call *c) {
    const oo_array *indices, *values;
    int64_t depth, axis = oo__int(c, "axis", -1), dims[OO__MAX_RANK + 1];
    if (!oo__need(c, 0, &indices) || !oo__integer_of(c, 1, -1, &depth) || !oo__need(c, 2, &values))
        return OO_INVALID;
    if (depth < 0 || values->count != 2 || indices->elem == OO_STRING || oo__is_complex(indices->elem))
        return oo__eval_fail(c, "the depth is negative, there are not two values, or the indices are no numbers");
    if (!oo__axis(&axis, indices->rank + 1))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", indices->rank + 1);
    for (uint32_t k = 0; k <= indices->rank; k++)
        dims[k] = k == (uint32_t)axis ? depth : indices->dims[k < (uint32_t)axis ? k : k - 1];
    oo_array *const out = oo__array_new(values->elem, indices->rank + 1, dims);
    if (!out || !out->count)
        return oo__set(c, 0, out);
    oo__fill(out, values, 0);
    const uint64_t inner = oo__product(indices->dims, (uint32_t)axis, indices->rank);
    for (uint64_t i = 0; i < indices->count; i++) {
        const int64_t hot = hot_index(indices, i, depth);
        if (hot >= 0)
            oo__copy_run(out, (i / inner * (uint64_t)depth + (uint64_t)hot) * inner + i % inner, values, 1, 1);
    }
    return oo__set(c, 0, out);
}

/* ---- Trilu ---- */
oo_status oo__kernel_trilu(oo__call *c) {
    const oo_array *x;
    int64_t k;
    if (!oo__need(c, 0, &x) || !oo__integer_of(c, 1, 0, &k))
        return OO_INVALID;
    if (x->rank < 2)
        return oo__eval_fail(c, "the input has %u dimensions", x->rank);
    const bool upper = oo__int(c, "upper", 1) != 0;
    const int64_t rows = x->dims[x->rank - 2], columns = x->dims[x->rank - 1];
    k = k < -rows ? -rows : k > columns ? columns : k;
    oo_array *const out = oo__array_new(x->elem, x->rank, x->dims);
    if (!out || !out->count)
        return oo__set(c, 0, out);
    oo__fill_zero(out);
    const uint64_t lines = x->count / (uint64_t)columns;
    for (uint64_t line = 0; line < lines; line++) {
        const int64_t i = (int64_t)(line % (uint64_t)rows);
        const int64_t edge = i + k + (upper ? 0 : 1); /* first column kept, or first one not kept */
        const int64_t at = edge < 0 ? 0 : edge > columns ? columns : edge;
        const uint64_t start = line * (uint64_t)columns, first = upper ? (uint64_t)at : 0;
        oo__copy_run(out, start + first, x, start + first, upper ? (uint64_t)(columns - at) : (uint64_t)at);
    }
    return oo__set(c, 0, out);
}

/* ---- Where ---- */
typedef struct choice {
    oo_array *out;
    const oo_array *condition, *x, *y;
    uint32_t width;
} choice;

#define CHOOSE(size)                                                                                \
    case (size):                                                                                    \
        for (uint64_t i = 0; i < count; i++, x += strides[1], y += strides[2], which += strides[0]) \
            memcpy(to + i * (size), *which ? from_x + x * (size) : from_y + y * (size), (size));    \
        break;

static void choose_run(void *state, uint64_t out, const uint64_t *at, const int64_t *strides, uint64_t count) {
    const choice *const j = state;
    const uint8_t *which = (const uint8_t *)j->condition->data + at[0];
    char *const to = (char *)j->out->data + out * j->width;
    const char *const from_x = j->x->data, *const from_y = j->y->data;
    int64_t x = (int64_t)at[1], y = (int64_t)at[2];
    switch (j->out->elem == OO_STRING ? 0 : j->width) {
        CHOOSE(1)
        CHOOSE(2)
        CHOOSE(4)
        CHOOSE(8)
        CHOOSE(16)
    default:
        for (uint64_t i = 0; i < count; i++, x += strides[1], y += strides[2], which += strides[0])
            oo__array_set_string(j->out, out + i,
                                 *which ? ((const oo_bytes *)j->x->data)[x] : ((const oo_bytes *)j->y->data)[y]);
    }
}

oo_status oo__kernel_where(oo__call *c) {
    const oo_array *condition, *x, *y;
    if (!oo__need(c, 0, &condition) || !oo__need(c, 1, &x) || !oo__need(c, 2, &y))
        return OO_INVALID;
    if (condition->elem != OO_BOOL || x->elem != y->elem)
        return oo__eval_fail(c, "the condition is not bool, or X and Y are of different types");
    uint32_t rank;
    int64_t dims[OO__MAX_RANK];
    oo__walk walk;
    if (!oo__walk_begin(&walk, 3, (const oo_array *const[]){condition, x, y}, &rank, dims))
        return oo__eval_fail(c, "the shapes cannot be broadcast together");
    oo_array *const out = oo__array_new(x->elem, rank, dims);
    choice j = {out, condition, x, y, oo__array_width(x->elem)};
    if (out)
        oo__walk_runs(&walk, choose_run, &j);
    return oo__set(c, 0, out);
}
