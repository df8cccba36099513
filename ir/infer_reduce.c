/* Reductions, selections whose size depends on data, and operators that build tensors from parameters. */
#include "ir/infer_run.h"

#include <string.h>

enum { MAX_RANK = 64 };

static bool is_axis(int64_t *axis, int32_t rank) {
    if (*axis < -(int64_t)rank || *axis >= rank)
        return false; /* as it was given, for the message */
    *axis += *axis < 0 ? rank : 0;
    return true;
}

static void set_unknown(oo__infer *c, uint32_t output, oo_elem elem, int32_t rank) {
    const oo_expr *dims[MAX_RANK] = {NULL};
    oo__set_tensor(c, output, elem, rank <= MAX_RANK ? rank : -1, dims);
}

static void copy_dims(const oo_type *t, const oo_expr **dims) {
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = t->dims[i].expr;
}

/* ---- reductions ---- */
static bool read_axes(const oo__infer *c, uint32_t *n, int64_t *out) {
    const int64_t *list;
    *n = 0;
    if (oo__schema_attr(c->schema, "axes")) {
        if (!oo__infer_ints(c, &list, n, "axes") || *n > MAX_RANK)
            return false;
        if (!list)
            *n = 0;
        else
            memcpy(out, list, *n * sizeof *out);
        return true;
    }
    return !oo__has_input(c, 1) || oo__input_ints(c, 1, n, out, MAX_RANK);
}

/* Contents of a vector reduced to one number. */
static void reduce_contents(oo__infer *c) {
    const oo_known *const in = oo__input_known(c, 0);
    const oo_type *const t = c->node->outputs[0] ? c->node->outputs[0]->type : NULL;
    const char *const op = c->node->op->name;
    const bool prod = strcmp(op, "ReduceProd") == 0, sum = strcmp(op, "ReduceSum") == 0, min = strcmp(op, "ReduceMin") == 0;
    if (!in || in->rank != 1 || !in->count || !t || !(prod || sum || min || strcmp(op, "ReduceMax") == 0))
        return;
    const oo_expr *result = in->items[0].numerator;
    for (uint32_t i = 0; i < in->count; i++) {
        const oo_expr *const x = in->items[i].denominator == 1 ? in->items[i].numerator : NULL;
        if (i)
            result = prod  ? oo__expr_mul(c->exprs, result, x)
                     : sum ? oo__expr_add(c->exprs, result, x)
                     : min ? oo__expr_min(c->exprs, result, x)
                           : oo__expr_max(c->exprs, result, x);
        else
            result = x;
    }
    oo_known *const out = oo__known_new(c, in->elem, t->rank, (const int64_t[]){1});
    out->items[0].numerator = result;
    oo__set_known(c, 0, out);
}

oo_status oo__infer_reduce(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axes[MAX_RANK], keep, noop;
    uint32_t n;
    bool gone[MAX_RANK] = {false};
    const oo_expr *dims[MAX_RANK];
    const bool attrs = oo__infer_int(c, &keep, "keepdims", 1) && oo__infer_int(c, &noop, "noop_with_empty_axes", 0);
    const bool known = read_axes(c, &n, axes);
    if (rank < 0 || rank > MAX_RANK || !attrs || !known) {
        set_unknown(c, 0, oo_type_elem(in), attrs && keep ? rank : -1);
        return OO_OK;
    }
    for (int32_t i = 0; i < rank; i++)
        gone[i] = !n && !noop;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_axis(&axes[i], rank))
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axes[i], rank);
        gone[axes[i]] = true;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < rank; i++)
        if (!gone[i] || keep)
            dims[kept++] = gone[i] ? oo__number(c, 1) : in->dims[i].expr;
    oo__set_tensor(c, 0, oo_type_elem(in), kept, dims);
    if (rank == 1 && gone[0])
        reduce_contents(c);
    return OO_OK;
}

/* Softmax, LogSoftmax, Hardmax: the type of the input, which has an axis to work along. */
oo_status oo__infer_softmax(oo__infer *c) {
    const int32_t rank = oo__input_rank(c, 0);
    int64_t axis;
    const bool known = oo__infer_int(c, &axis, "axis", -1);
    if (rank == 0 || (rank > 0 && known && (axis < -rank || axis >= rank)))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    oo__set_type(c, 0, oo__input_type(c, 0));
    return OO_OK;
}

oo_status oo__infer_arg(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis, keep;
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 || rank > MAX_RANK || !(oo__infer_int(c, &axis, "axis", 0) && oo__infer_int(c, &keep, "keepdims", 1))) {
        set_unknown(c, 0, OO_INT64, -1);
        return OO_OK;
    }
    if (!is_axis(&axis, rank))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    int32_t kept = 0;
    for (int32_t i = 0; i < rank; i++)
        if (i != axis || keep)
            dims[kept++] = i == axis ? oo__number(c, 1) : in->dims[i].expr;
    oo__set_tensor(c, 0, OO_INT64, kept, dims);
    return OO_OK;
}

/* ---- selections ---- */
static const oo_expr *one_number(const oo__infer *c, uint32_t input) {
    const oo_known *const k = oo__input_known(c, input);
    return k && k->count == 1 && k->items[0].denominator == 1 ? k->items[0].numerator : NULL;
}

oo_status oo__infer_top_k(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis, k;
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 || rank > MAX_RANK || !oo__infer_int(c, &axis, "axis", -1)) {
        set_unknown(c, 0, oo_type_elem(in), rank);
        set_unknown(c, 1, OO_INT64, rank);
        return OO_OK;
    }
    if (!is_axis(&axis, rank))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    copy_dims(in, dims);
    if (c->schema->since < 10)
        dims[axis] = oo__infer_int(c, &k, "k", -1) && k >= 0 ? oo__number(c, k) : NULL;
    else
        dims[axis] = one_number(c, 1);
    int64_t have;
    if (dims[axis] && oo__expr_is_int(dims[axis], &k) && in->dims[axis].expr && oo__expr_is_int(in->dims[axis].expr, &have) && k > have)
        return oo__infer_fail(c, "k is %lld, the axis has %lld elements", (long long)k, (long long)have);
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    oo__set_tensor(c, 1, OO_INT64, rank, dims);
    return OO_OK;
}

/* [rank, number of elements that are not zero]. */
oo_status oo__infer_non_zero(oo__infer *c) {
    const int32_t rank = oo__input_rank(c, 0);
    const oo_expr *const dims[] = {rank >= 0 ? oo__number(c, rank) : NULL, oo__infer_symbol(c, "nonzero", 0, INT64_MAX)};
    oo__set_tensor(c, 0, OO_INT64, 2, dims);
    return OO_OK;
}

oo_status oo__infer_non_max_suppression(oo__infer *c) {
    const oo_expr *const dims[] = {oo__infer_symbol(c, "selected", 0, INT64_MAX), oo__number(c, 3)};
    oo__set_tensor(c, 0, OO_INT64, 2, dims);
    return OO_OK;
}

oo_status oo__infer_compress(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis;
    const oo_expr *dims[MAX_RANK];
    const oo_expr *const kept = oo__infer_symbol(c, "compressed", 0, INT64_MAX);
    if (!oo__infer_attr(c, "axis")) {
        oo__set_tensor(c, 0, oo_type_elem(in), 1, &kept);
        return OO_OK;
    }
    if (rank < 0 || rank > MAX_RANK || !oo__infer_int(c, &axis, "axis", 0)) {
        set_unknown(c, 0, oo_type_elem(in), rank);
        return OO_OK;
    }
    if (!is_axis(&axis, rank))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    copy_dims(in, dims);
    dims[axis] = kept;
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}

oo_status oo__infer_unique(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *const found = oo__infer_symbol(c, "unique", 0, INT64_MAX);
    const oo_expr *dims[MAX_RANK], *all = oo__number(c, 1);
    int64_t axis;
    const bool flat = !oo__infer_attr(c, "axis");
    if (flat) {
        oo__set_tensor(c, 0, oo_type_elem(in), 1, &found);
        for (int32_t i = 0; i < rank; i++)
            all = oo__expr_mul(c->exprs, all, in->dims[i].expr);
        all = rank >= 0 ? all : NULL;
    } else if (rank >= 0 && rank <= MAX_RANK && oo__infer_int(c, &axis, "axis", 0)) {
        if (!is_axis(&axis, rank))
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
        copy_dims(in, dims);
        all = dims[axis];
        dims[axis] = found;
        oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    } else {
        set_unknown(c, 0, oo_type_elem(in), rank);
        all = NULL;
    }
    oo__set_tensor(c, 1, OO_INT64, 1, &found);
    oo__set_tensor(c, 2, OO_INT64, 1, &all);
    oo__set_tensor(c, 3, OO_INT64, 1, &found);
    return OO_OK;
}

/* ---- built from parameters ---- */
oo_status oo__infer_one_hot(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis;
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 || rank >= MAX_RANK || !oo__infer_int(c, &axis, "axis", -1)) {
        set_unknown(c, 0, oo__input_elem(c, 2), rank >= 0 ? rank + 1 : -1);
        return OO_OK;
    }
    if (!is_axis(&axis, rank + 1))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank + 1);
    const oo_expr *const depth = one_number(c, 1);
    if (depth && oo__expr_high(depth) < 0)
        return oo__infer_fail(c, "the depth is negative");
    const oo_known *const indices = c->schema->since < 11 ? oo__input_known(c, 0) : NULL; /* since then they count from the end */
    for (uint32_t i = 0; indices && i < indices->count; i++)
        if (indices->items[i].numerator && oo__expr_high(indices->items[i].numerator) < 0)
            return oo__infer_fail(c, "index %u is negative", i);
    for (int32_t i = 0, k = 0; i <= rank; i++)
        dims[i] = i == axis ? depth : in->dims[k++].expr;
    oo__set_tensor(c, 0, oo__input_elem(c, 2), rank + 1, dims);
    return OO_OK;
}

/* The shape of input 0, the type that `dtype` names (absent: the input's own). */
oo_status oo__infer_like(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    int64_t dtype;
    const oo_expr *dims[MAX_RANK] = {NULL};
    const int32_t rank = oo_type_rank(in);
    const bool known = oo__infer_int(c, &dtype, "dtype", (int64_t)oo_type_elem(in));
    if (rank >= 0 && rank <= MAX_RANK)
        copy_dims(in, dims);
    oo__set_tensor(c, 0, known && oo__elem_name((int32_t)dtype) ? (oo_elem)dtype : OO_UNDEFINED, rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

/* RandomNormal, RandomUniform: shape and dtype are attributes. */
oo_status oo__infer_from_shape_attribute(oo__infer *c) {
    const int64_t *shape;
    uint32_t n;
    int64_t dtype;
    if (!oo__infer_ints(c, &shape, &n, "shape") || n > MAX_RANK || !oo__infer_int(c, &dtype, "dtype", OO_FLOAT))
        return OO_OK;
    oo__set_type(c, 0, oo__type_of_dims(c, (oo_elem)dtype, n, shape));
    return OO_OK;
}

/* QuantizeLinear: the zero point, output_dtype or UINT8 says the type. */
oo_status oo__infer_quantize(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    int64_t dtype;
    const oo_expr *dims[MAX_RANK] = {NULL};
    oo_elem elem = oo__input_elem(c, 2);
    if (elem != OO_UNDEFINED && oo__infer_int(c, &dtype, "output_dtype", 0) && dtype && dtype != (int64_t)elem)
        return oo__infer_fail(c, "output_dtype is %s, the zero point %s", oo__elem_name((int32_t)dtype) ? oo__elem_name((int32_t)dtype) : "unknown",
                              oo__elem_name((int32_t)elem));
    if (elem == OO_UNDEFINED)
        elem = oo__infer_int(c, &dtype, "output_dtype", 0) && dtype ? (oo_elem)dtype : oo__has_input(c, 2) ? OO_UNDEFINED : OO_UINT8;
    if (oo_type_rank(in) >= 0 && oo_type_rank(in) <= MAX_RANK)
        copy_dims(in, dims);
    oo__set_tensor(c, 0, elem, oo_type_rank(in), dims);
    return OO_OK;
}

oo_status oo__infer_dequantize(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    int64_t dtype;
    const oo_expr *dims[MAX_RANK] = {NULL};
    const bool named = oo__infer_int(c, &dtype, "output_dtype", 0) && dtype;
    if (oo_type_rank(in) >= 0 && oo_type_rank(in) <= MAX_RANK)
        copy_dims(in, dims);
    const oo_elem elem = named ? (oo_elem)dtype : c->schema->since < 19 ? OO_FLOAT : oo__input_elem(c, 1);
    oo__set_tensor(c, 0, elem, oo_type_rank(in), dims);
    return OO_OK;
}

/* ---- Resize, Upsample ---- */
/* Upsample before version 9: scales are an attribute, before version 7 two of them. Numbers only, as float arithmetic has them. */
static oo_status upsample_by_attribute(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const oo_attr *const scales = oo__infer_attr(c, "scales");
    const oo_expr *dims[MAX_RANK] = {NULL};
    const bool listed = scales && scales->type == OO_ATTR_FLOATS && !scales->reference && !scales->raw.data;
    if (listed && oo_type_rank(in) >= 0 && scales->count != in->rank)
        return oo__infer_fail(c, "%u scales are given for rank %u", scales->count, in->rank);
    for (uint32_t i = 0; listed && i < scales->count; i++)
        if (!(scales->floats[i] > 0))
            return oo__infer_fail(c, "scale %u is %g, not positive", i, (double)scales->floats[i]);
    for (int32_t i = 0; listed && i < oo_type_rank(in) && i < MAX_RANK; i++) {
        int64_t size;
        if (!in->dims[i].expr || !(scales->floats[i] > 0) || !(scales->floats[i] < 1e6f))
            continue;
        if (scales->floats[i] == 1)
            dims[i] = in->dims[i].expr;
        else if (oo__expr_is_int(in->dims[i].expr, &size) && size <= INT32_MAX)
            dims[i] = oo__number(c, (int64_t)((float)size * scales->floats[i]));
        else if (scales->floats[i] == (float)(int64_t)scales->floats[i])
            dims[i] = oo__expr_mul(c->exprs, in->dims[i].expr, oo__number(c, (int64_t)scales->floats[i]));
    }
    oo__set_tensor(c, 0, oo_type_elem(in), oo_type_rank(in) <= MAX_RANK ? oo_type_rank(in) : -1, dims);
    return OO_OK;
}

oo_status oo__infer_resize(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    if (c->schema->since < 9)
        return upsample_by_attribute(c);
    const bool has_roi = c->schema->since >= 11 && strcmp(c->node->op->name, "Resize") == 0;
    const oo_known *const scales = oo__input_known(c, has_roi ? 2 : 1), *const sizes = has_roi ? oo__input_known(c, 3) : NULL;
    const int64_t *listed;
    int64_t axes[MAX_RANK];
    uint32_t n;
    const oo_expr *dims[MAX_RANK];
    const char *const policy = oo__infer_string(c, "keep_aspect_ratio_policy", "stretch");
    const bool sized = has_roi && oo__has_input(c, 3) && !(sizes && !sizes->count); /* then the scales, if any, do not count */
    const oo_known *const k = sized ? sizes : scales && scales->count ? scales : NULL;
    if (rank < 0 || rank > MAX_RANK || !oo__infer_ints(c, &listed, &n, "axes") || !k || !policy) {
        set_unknown(c, 0, oo_type_elem(in), rank);
        return OO_OK;
    }
    copy_dims(in, dims);
    if (k->count != (listed ? n : (uint32_t)rank))
        return oo__infer_fail(c, "%u sizes or scales are given for %u axes", k->count, listed ? n : (uint32_t)rank);
    for (uint32_t i = 0; i < k->count; i++) {
        axes[i] = listed ? listed[i] : (int64_t)i;
        if (!is_axis(&axes[i], rank))
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axes[i], rank);
        if (k != sizes)
            dims[axes[i]] = oo__scaled_size(c, dims[axes[i]], &k->items[i]);
    }
    const bool stretch = strcmp(policy, "stretch") == 0, proofs = c->settings && c->settings->proofs_only;
    const bool kept = k == sizes && !stretch && !proofs && oo__resize_by_aspect(c, dims, axes, sizes, strcmp(policy, "not_larger") == 0);
    for (uint32_t i = 0; k == sizes && !kept && i < k->count; i++)
        dims[axes[i]] = stretch ? k->items[i].numerator : NULL;
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}

oo_status oo__infer_depth_to_space(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    int64_t b;
    const bool to_depth = strcmp(c->node->op->name, "SpaceToDepth") == 0;
    if (oo_type_rank(in) != 4 || !oo__infer_int(c, &b, "blocksize", 0) || b < 1 || b > INT32_MAX) {
        set_unknown(c, 0, oo_type_elem(in), oo_type_rank(in));
        return OO_OK;
    }
    const oo_expr *const block = oo__number(c, b), *const square = oo__number(c, b * b);
    const oo_expr *dims[4] = {NULL};
    copy_dims(in, dims);
    dims[1] = to_depth ? oo__expr_mul(c->exprs, dims[1], square) : oo__expr_floordiv(c->exprs, dims[1], square);
    for (int i = 2; i < 4; i++)
        dims[i] = to_depth ? oo__expr_floordiv(c->exprs, dims[i], block) : oo__expr_mul(c->exprs, dims[i], block);
    oo__set_tensor(c, 0, oo_type_elem(in), 4, dims);
    return OO_OK;
}
