/* Operators that make or use shapes: Shape, Size, Constant, ConstantOfShape, Range, Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile. */
#include "ir/infer_run.h"

#include <math.h>
#include <string.h>

enum { MAX_RANK = 64 };

static bool is_axis(int64_t *axis, int32_t rank) {
    if (*axis < -(int64_t)rank || *axis >= rank)
        return false; /* as it was given, for the message */
    *axis += *axis < 0 ? rank : 0;
    return true;
}

static oo_known *vector(oo__infer *c, oo_elem elem, uint32_t n) { return oo__known_new(c, elem, 1, (const int64_t[]){n}); }

/* ---- constants ---- */
static void set_list(oo__infer *c, oo_elem elem, uint32_t rank, uint32_t n) {
    oo__set_type(c, 0, oo__type_of_dims(c, elem, rank, (const int64_t[]){n}));
}

/* Contents of a Constant with a tensor are read when somebody asks. */
oo_status oo__infer_constant(oo__infer *c) {
    const char *const name = c->node->nattrs ? oo_attr_name(c->node->attrs[0]) : "value";
    const oo_attr *const a = oo__infer_attr(c, name);
    if (!a || a->raw.data || a->reference)
        return oo__infer_fail(c, "the value attribute is missing or unknown");
    if (a->type == OO_ATTR_TENSOR)
        oo__set_type(c, 0, oo__type_of_dims(c, (oo_elem)a->t->elem, a->t->rank, a->t->dims));
    else if (a->type == OO_ATTR_SPARSE_TENSOR && a->sparse->values)
        oo__set_type(c, 0, oo__type_of_dims(c, (oo_elem)a->sparse->values->elem, a->sparse->rank, a->sparse->dims));
    else if (strcmp(name, "value_int") == 0 && a->type == OO_ATTR_INT) {
        oo_known *const k = oo__known_new(c, OO_INT64, 0, NULL);
        k->items[0].numerator = oo__number(c, a->i);
        set_list(c, OO_INT64, 0, 0);
        oo__set_constant(c, 0, k);
    } else if (a->type == OO_ATTR_INTS) {
        set_list(c, OO_INT64, 1, a->count);
        if (a->count > OO_KNOWN_MAX)
            return OO_OK;
        oo_known *const k = vector(c, OO_INT64, a->count);
        for (uint32_t i = 0; i < a->count; i++)
            k->items[i].numerator = oo__number(c, a->ints[i]);
        oo__set_constant(c, 0, k);
    } else {
        const bool list = a->type == OO_ATTR_FLOATS || a->type == OO_ATTR_STRINGS;
        const bool text = a->type == OO_ATTR_STRING || a->type == OO_ATTR_STRINGS;
        set_list(c, text ? OO_STRING : OO_FLOAT, list ? 1 : 0, a->count);
    }
    return OO_OK;
}

/* ---- Shape, Size ---- */
oo_status oo__infer_shape(oo__infer *c) {
    const oo_type *const t = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(t);
    int64_t start, end;
    const bool known = oo__infer_int(c, &start, "start", 0) && oo__infer_int(c, &end, "end", INT64_MAX);
    if (rank < 0 || !known) {
        oo__set_tensor(c, 0, OO_INT64, 1, (const oo_expr *[]){NULL});
        return OO_OK;
    }
    start = start < 0 ? (start + rank < 0 ? 0 : start + rank) : start > rank ? rank : start;
    end = end < 0 ? (end + rank < 0 ? 0 : end + rank) : end > rank ? rank : end;
    const uint32_t n = end > start ? (uint32_t)(end - start) : 0;
    set_list(c, OO_INT64, 1, n);
    oo_known *const k = vector(c, OO_INT64, n);
    for (uint32_t i = 0; i < n; i++)
        k->items[i].numerator = t->dims[start + i].expr;
    oo__set_known(c, 0, k);
    return OO_OK;
}

oo_status oo__infer_size(oo__infer *c) {
    const oo_type *const t = oo__input_type(c, 0);
    set_list(c, OO_INT64, 0, 0);
    if (oo_type_rank(t) < 0)
        return OO_OK;
    const oo_expr *product = oo__number(c, 1);
    for (uint32_t i = 0; i < t->rank; i++)
        product = oo__expr_mul(c->exprs, product, t->dims[i].expr);
    oo_known *const k = oo__known_new(c, OO_INT64, 0, NULL);
    k->items[0].numerator = product;
    oo__set_known(c, 0, k);
    return OO_OK;
}

/* ---- shapes from contents ---- */
/* The dimensions that input `i`, a vector, holds; the rank alone when only its length is known. False when not even that is. */
static bool dims_from_input(const oo__infer *c, uint32_t i, int32_t *rank, const oo_expr **dims) {
    const oo_known *const k = oo__input_known(c, i);
    int64_t length;
    if (k) {
        if (k->rank > 1 || k->count > MAX_RANK)
            return false;
        *rank = (int32_t)k->count;
        for (uint32_t d = 0; d < k->count; d++)
            dims[d] = k->items[d].denominator == 1 ? k->items[d].numerator : NULL;
        return true;
    }
    const oo_expr *const n = oo__input_rank(c, i) == 1 ? oo__input_dim(c, i, 0) : NULL;
    if (!n || !oo__expr_is_int(n, &length) || length < 0 || length > MAX_RANK)
        return false;
    *rank = (int32_t)length;
    for (int32_t d = 0; d < *rank; d++)
        dims[d] = NULL;
    return true;
}

static const oo_attr *tensor_attr(const oo__infer *c, const char *name) {
    const oo_attr *const a = oo__infer_attr(c, name);
    return a && !a->raw.data && !a->reference && a->type == OO_ATTR_TENSOR ? a : NULL;
}

oo_status oo__infer_constant_of_shape(oo__infer *c) {
    const oo_attr *const value = tensor_attr(c, "value");
    const oo_elem elem = value ? (oo_elem)value->t->elem : OO_FLOAT;
    const oo_expr *dims[MAX_RANK];
    int32_t rank;
    if (oo__input_elem(c, 0) != OO_UNDEFINED && oo__input_elem(c, 0) != OO_INT64)
        return oo__infer_fail(c, "the shape is %s, not int64", oo__elem_name((int32_t)oo__input_elem(c, 0)));
    if (!dims_from_input(c, 0, &rank, dims)) {
        oo__set_tensor(c, 0, elem, -1, NULL);
        return OO_OK;
    }
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] && oo__expr_high(dims[i]) < 0)
            return oo__infer_fail(c, "dimension %d of the shape is negative", i);
    oo__set_tensor(c, 0, elem, rank, dims);
    int64_t n = 0;
    double filler = 0;
    const bool whole = rank == 0 || (rank == 1 && dims[0] && oo__expr_is_int(dims[0], &n) && n <= OO_KNOWN_MAX);
    if (!whole || elem == OO_STRING || (value && !oo_tensor_doubles(value->t, 0, value->t->count ? 1 : 0, &filler)) ||
        !(fabs(filler) <= 9e15) || filler != trunc(filler)) /* a double is exact so far */
        return OO_OK;
    oo_known *const k = oo__known_new(c, elem, (uint32_t)rank, (const int64_t[]){n});
    for (uint32_t i = 0; i < k->count; i++)
        k->items[i].numerator = oo__number(c, (int64_t)filler);
    oo__set_known(c, 0, k);
    return OO_OK;
}

static const oo_expr *scalar_input(const oo__infer *c, uint32_t i) {
    const oo_known *const k = oo__input_known(c, i);
    return k && k->count == 1 && k->items[0].denominator == 1 ? k->items[0].numerator : NULL;
}

oo_status oo__infer_range(oo__infer *c) {
    const oo_expr *const start = scalar_input(c, 0), *const limit = scalar_input(c, 1), *const delta = scalar_input(c, 2);
    const oo_elem elem = oo__input_elem(c, 0);
    int64_t step = 0, first, n;
    for (uint32_t i = 0; i < 3; i++) {
        const oo_known *const k = oo__input_known(c, i);
        if (k && k->count != 1)
            return oo__infer_fail(c, "input %u has %u elements, not one", i, k->count);
    }
    const bool stepped = delta && oo__expr_is_int(delta, &step) && step != 0 && step != INT64_MIN;
    const oo_expr *length = NULL;
    if (start && limit && stepped) {
        const oo_expr *const span = step > 0 ? oo__expr_sub(c->exprs, limit, start) : oo__expr_sub(c->exprs, start, limit);
        length = oo__expr_max(c->exprs, oo__expr_ceildiv(c->exprs, span, oo__number(c, step > 0 ? step : -step)), oo__number(c, 0));
    }
    if (!length)
        length = oo__infer_symbol(c, "range", 0, INT64_MAX);
    oo__set_tensor(c, 0, elem, 1, &length);
    if (!oo__expr_is_int(length, &n) || n > OO_KNOWN_MAX || !oo__expr_is_int(start, &first))
        return OO_OK;
    oo_known *const k = vector(c, elem, (uint32_t)n);
    for (uint32_t i = 0; i < k->count; i++)
        k->items[i].numerator = oo__number(c, first + (int64_t)i * step);
    oo__set_known(c, 0, k);
    return OO_OK;
}

/* ---- Reshape and its family ---- */
/* Contents pass through: they are the same elements in the same order. */
static void pass_contents(oo__infer *c) {
    const oo_known *const in = oo__input_known(c, 0);
    const oo_type *const t = c->node->noutputs && c->node->outputs[0] ? c->node->outputs[0]->type : NULL;
    int64_t dims[MAX_RANK], product = 1;
    if (!in || !t || oo_type_rank(t) < 0 || t->rank > MAX_RANK)
        return;
    for (uint32_t i = 0; i < t->rank; i++) {
        dims[i] = oo_type_dim(t, i);
        if (dims[i] < 0 || dims[i] > OO_KNOWN_MAX)
            return;
        product *= dims[i];
        if (product > OO_KNOWN_MAX)
            return;
    }
    if (product != in->count)
        return;
    oo_known *const out = oo__known_new(c, in->elem, t->rank, dims);
    memcpy(out->items, in->items, in->count * sizeof *in->items);
    oo__set_known(c, 0, out);
}

static const oo_expr *product_of(oo__infer *c, const oo_type *t) {
    if (oo_type_rank(t) < 0)
        return NULL;
    const oo_expr *p = oo__number(c, 1);
    for (uint32_t i = 0; i < t->rank; i++)
        p = oo__expr_mul(c->exprs, p, t->dims[i].expr);
    return p;
}

/* What is left for one dimension: the product of the input over the product of the others, where factors that are the same symbol in
 * both go out first, so that an unknown input dimension that is copied does not matter. */
static const oo_expr *remaining(oo__infer *c, const oo_type *in, int32_t rank, const oo_expr *const *dims, int32_t hole) {
    const oo_expr *rest = oo__number(c, 1);
    for (int32_t i = 0; i < rank; i++)
        if (i != hole)
            rest = oo__expr_mul(c->exprs, rest, dims[i]);
    /* A valid reshape divides without a remainder, so the quotient rounded down is it. */
    const oo_expr *const whole = product_of(c, in), *const exact = oo__expr_exact_div(c->exprs, whole, rest);
    return exact ? exact : oo__expr_floordiv(c->exprs, whole, rest);
}

/* A target of Reshape: 0 copies (unless allowzero), -1 is what is left. `negative` counts the -1s. */
static oo_status resolve_target(oo__infer *c, const oo_type *in, int32_t rank, const oo_expr **dims, bool allow_zero) {
    int32_t hole = -1;
    for (int32_t i = 0; i < rank; i++) {
        int64_t n;
        if (!dims[i] || !oo__expr_is_int(dims[i], &n))
            continue;
        if (n == 0 && !allow_zero) {
            if (oo_type_rank(in) >= 0 && i >= oo_type_rank(in))
                return oo__infer_fail(c, "target dimension %d copies one that the input does not have", i);
            dims[i] = oo_type_rank(in) >= 0 ? in->dims[i].expr : NULL;
        } else if (n == -1) {
            if (hole >= 0)
                return oo__infer_fail(c, "the target has more than one -1");
            hole = i;
        } else if (n < -1) {
            return oo__infer_fail(c, "target dimension %d is %lld", i, (long long)n);
        }
    }
    /* A target that is symbolic could be -1 at run time only if it may be negative. */
    for (int32_t i = 0; i < rank; i++)
        if (i != hole && dims[i] && oo__expr_low(dims[i]) < 0)
            dims[i] = NULL;
    if (hole >= 0)
        dims[hole] = NULL;
    int32_t unknown = 0, place = -1;
    for (int32_t i = 0; i < rank; i++) {
        unknown += dims[i] == NULL;
        place = dims[i] ? place : i;
    }
    if (unknown == 1)
        dims[place] = remaining(c, in, rank, dims, place);
    return OO_OK;
}

static oo_status check_counts(oo__infer *c, const oo_type *in, int32_t rank, const oo_expr *const *dims) {
    const oo_expr *out = oo__number(c, 1);
    for (int32_t i = 0; i < rank; i++)
        out = oo__expr_mul(c->exprs, out, dims[i]);
    int64_t a, b;
    const oo_expr *const have = product_of(c, in);
    if (have && out && oo__expr_is_int(have, &a) && oo__expr_is_int(out, &b) && a != b)
        return oo__infer_fail(c, "%lld elements cannot take a shape of %lld", (long long)a, (long long)b);
    oo__infer_equal_sizes(c, have, out, "the numbers of elements");
    return OO_OK;
}

/* Where contents do not flow, ONNX takes the length of an unknown shape for a rank only since version 14. */
static bool is_only_counted(const oo__infer *c) {
    return c->settings && c->settings->no_values && c->schema->since < 14 && !oo__input_known(c, 1);
}

oo_status oo__infer_reshape(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const oo_expr *dims[MAX_RANK];
    int32_t rank = 0;
    int64_t allow_zero;
    const int64_t *list;
    uint32_t n;
    if (c->schema->since < 5) {
        if (!oo__infer_ints(c, &list, &n, "shape") || n > MAX_RANK) {
            oo__set_tensor(c, 0, oo_type_elem(in), -1, NULL);
            return OO_OK;
        }
        rank = (int32_t)n;
        for (uint32_t i = 0; i < n; i++)
            dims[i] = oo__number(c, list[i]);
    } else if (!dims_from_input(c, 1, &rank, dims) || is_only_counted(c)) {
        oo__set_tensor(c, 0, oo_type_elem(in), -1, NULL);
        return OO_OK;
    }
    if (!oo__infer_int(c, &allow_zero, "allowzero", 0))
        allow_zero = 0;
    OO_TRY(resolve_target(c, in, rank, dims, allow_zero != 0));
    OO_TRY(check_counts(c, in, rank, dims));
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    pass_contents(c);
    return OO_OK;
}

oo_status oo__infer_flatten(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis;
    const oo_expr *dims[2] = {NULL, NULL};
    if (rank >= 0 && oo__infer_int(c, &axis, "axis", 1)) {
        if (axis < -rank || axis > rank)
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
        axis += axis < 0 ? rank : 0;
        dims[0] = dims[1] = oo__number(c, 1);
        for (int32_t i = 0; i < rank; i++)
            dims[i >= axis] = oo__dim_mul(c, dims[i >= axis], in->dims[i].expr);
    }
    oo__set_tensor(c, 0, oo_type_elem(in), 2, dims);
    return OO_OK;
}

/* Axes as an attribute or as input 1. False when they are unknown; *given tells whether there are any. */
static bool read_axes(const oo__infer *c, bool *given, uint32_t *n, int64_t *out) {
    const int64_t *list;
    *n = 0;
    if (oo__schema_attr(c->schema, "axes")) {
        *given = oo__infer_attr(c, "axes") != NULL;
        if (!oo__infer_ints(c, &list, n, "axes") || *n > MAX_RANK)
            return false;
        memcpy(out, list ? list : out, *n * sizeof *out);
        return true;
    }
    *given = oo__has_input(c, 1);
    return !*given || oo__input_ints(c, 1, n, out, MAX_RANK);
}

oo_status oo__infer_squeeze(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axes[MAX_RANK], size;
    uint32_t n;
    bool given, gone[MAX_RANK] = {false};
    const bool known = read_axes(c, &given, &n, axes);
    const oo_expr *dims[MAX_RANK];
    int32_t kept = 0;
    bool sure = known && rank >= 0 && rank <= MAX_RANK;
    for (int32_t i = 0; sure && !given && i < rank; i++) {
        sure = in->dims[i].expr && oo__expr_is_int(in->dims[i].expr, &size); /* a symbol may be 1 or not */
        gone[i] = sure && size == 1;
    }
    for (uint32_t i = 0; sure && given && i < n; i++) {
        if (!is_axis(&axes[i], rank))
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axes[i], rank);
        if (in->dims[axes[i]].expr && oo__expr_is_int(in->dims[axes[i]].expr, &size) && size != 1)
            return oo__infer_fail(c, "axis %lld has %lld elements and cannot be squeezed", (long long)axes[i], (long long)size);
        oo__infer_equal_sizes(c, in->dims[axes[i]].expr, oo__number(c, 1), "a squeezed dimension");
        gone[axes[i]] = true;
    }
    for (int32_t i = 0; sure && i < rank; i++)
        if (!gone[i])
            dims[kept++] = in->dims[i].expr;
    oo__set_tensor(c, 0, oo_type_elem(in), sure ? kept : -1, dims);
    pass_contents(c);
    return OO_OK;
}

oo_status oo__infer_unsqueeze(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axes[MAX_RANK];
    uint32_t n;
    bool given, fresh[MAX_RANK] = {false};
    const oo_expr *dims[MAX_RANK];
    if (!read_axes(c, &given, &n, axes) || !given || rank < 0 || rank + (int32_t)n > MAX_RANK) {
        oo__set_tensor(c, 0, oo_type_elem(in), -1, NULL);
        return OO_OK;
    }
    const int32_t out = rank + (int32_t)n;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_axis(&axes[i], out) || fresh[axes[i]])
            return oo__infer_fail(c, "axis %lld is out of range for rank %d, or named twice", (long long)axes[i], out);
        fresh[axes[i]] = true;
    }
    for (int32_t i = 0, k = 0; i < out; i++)
        dims[i] = fresh[i] ? oo__number(c, 1) : in->dims[k++].expr;
    oo__set_tensor(c, 0, oo_type_elem(in), out, dims);
    pass_contents(c);
    return OO_OK;
}

/* ---- Expand, Tile ---- */
oo_status oo__infer_expand(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *target[MAX_RANK], *dims[MAX_RANK];
    int32_t wanted;
    if (rank < 0 || rank > MAX_RANK || !dims_from_input(c, 1, &wanted, target)) {
        oo__set_tensor(c, 0, oo_type_elem(in), -1, NULL);
        return OO_OK;
    }
    const int32_t out = rank > wanted ? rank : wanted;
    bool clash = false;
    for (int32_t i = 0; i < out; i++) {
        const oo_expr *const a = i < out - rank ? oo__number(c, 1) : in->dims[i - (out - rank)].expr;
        const oo_expr *const b = i < out - wanted ? oo__number(c, 1) : target[i - (out - wanted)];
        /* What a negative number asks for is not defined. */
        dims[i] = b && oo__expr_high(b) < 0 ? NULL : oo__broadcast_dim(c, a, b, &clash);
    }
    if (clash)
        return oo__infer_fail(c, "the input does not broadcast to the shape asked for");
    oo__set_tensor(c, 0, oo_type_elem(in), out, dims);
    const oo_known *const k = oo__input_known(c, 0);
    int64_t n;
    if (k && k->count == 1 && out == 1 && dims[0] && oo__expr_is_int(dims[0], &n) && n >= 0 && n <= OO_KNOWN_MAX) {
        oo_known *const filled = vector(c, k->elem, (uint32_t)n);
        for (uint32_t i = 0; i < filled->count; i++)
            filled->items[i] = k->items[0];
        oo__set_known(c, 0, filled);
    }
    return OO_OK;
}

oo_status oo__infer_tile(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *repeats[MAX_RANK], *dims[MAX_RANK];
    int32_t n;
    if (c->schema->since < 6 || rank < 0 || rank > MAX_RANK || !dims_from_input(c, 1, &n, repeats)) {
        const oo_expr *unknown[MAX_RANK] = {NULL};
        oo__set_tensor(c, 0, oo_type_elem(in), rank <= MAX_RANK ? rank : -1, unknown);
        return OO_OK;
    }
    if (n != rank)
        return oo__infer_fail(c, "%d repeats are given for rank %d", n, rank);
    for (int32_t i = 0; i < rank; i++)
        dims[i] = oo__dim_mul(c, in->dims[i].expr, repeats[i]);
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}
