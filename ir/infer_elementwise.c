/* Elementwise operators: shapes by numpy broadcasting, and the contents of small tensors through the arithmetic that exporters use to
 * compute shapes. */
#include "ir/infer_run.h"

#include <string.h>

enum { MAX_RANK = 64 };

/* ---- shapes ---- */
/* Output 0 is as input 0. */
oo_status oo__infer_same(oo__infer *c) {
    oo__set_type(c, 0, oo__input_type(c, 0));
    return OO_OK;
}

static oo_status broadcast_as(oo__infer *c, uint32_t first, uint32_t last, oo_elem elem) {
    const oo_expr *dims[MAX_RANK];
    int32_t rank;
    if (!oo__broadcast_inputs(c, first, last, &rank, dims))
        return OO_INVALID;
    oo__set_tensor(c, 0, elem, rank, dims);
    return OO_OK;
}

/* Element type of the first input that has one. */
static oo_elem elem_of_inputs(const oo__infer *c, uint32_t first) {
    for (uint32_t i = first; i < c->node->ninputs; i++)
        if (oo__input_elem(c, i) != OO_UNDEFINED)
            return oo__input_elem(c, i);
    return OO_UNDEFINED;
}

/* Before version 7 the second operand was aligned by an attribute and the first gave the shape. */
static bool is_legacy(const oo__infer *c) { return c->schema->since < 7 && oo__schema_attr(c->schema, "broadcast"); }

/* ---- contents ---- */
/* The shape that the contents of operands broadcast to; false when it is not all numbers or too large. */
static bool known_shape(oo_known *const *k, uint32_t n, uint32_t *rank, int64_t *dims) {
    uint64_t count = 1;
    *rank = 0;
    for (uint32_t i = 0; i < n; i++)
        *rank = k[i]->rank > *rank ? k[i]->rank : *rank;
    if (*rank > MAX_RANK)
        return false;
    for (uint32_t d = 0; d < *rank; d++) {
        dims[d] = 1;
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t missing = *rank - k[i]->rank;
            const int64_t dim = d < missing ? 1 : k[i]->dims[d - missing];
            if (dim != 1 && dims[d] != 1 && dim != dims[d])
                return false;
            dims[d] = dim == 1 ? dims[d] : dim;
        }
        count *= (uint64_t)dims[d];
        if (count > OO_KNOWN_MAX)
            return false;
    }
    return true;
}

/* The element of an operand that belongs to element `index` of the broadcast shape. */
static oo_item item_at(const oo_known *k, uint32_t rank, const int64_t *dims, uint32_t index) {
    uint32_t at = 0, step = 1;
    for (uint32_t d = rank; d-- > 0;) {
        const uint32_t i = index % (uint32_t)dims[d];
        index /= (uint32_t)dims[d];
        if (d < rank - k->rank)
            continue;
        const int64_t own = k->dims[d - (rank - k->rank)];
        at += own == 1 ? 0 : i * step;
        step *= (uint32_t)own;
    }
    return k->items[at];
}

static const oo_item NOTHING = {NULL, 1};

/* Whether an element type holds the item: integers do not wrap and floats do not round. Of a symbolic item the bounds must fit; sizes and what is
 * computed from them are taken to fit 32-bit integers and floats, since no axis has more elements. */
static bool holds(oo_elem elem, const oo_item *item) {
    static const struct {
        int64_t low, high;
    } RANGES[OO_ELEM_COUNT] = {[OO_UINT8] = {0, UINT8_MAX}, [OO_INT8] = {INT8_MIN, INT8_MAX}, [OO_UINT16] = {0, UINT16_MAX},
                               [OO_INT16] = {INT16_MIN, INT16_MAX}, [OO_INT32] = {INT32_MIN, INT32_MAX}, [OO_INT64] = {INT64_MIN, INT64_MAX},
                               [OO_UINT32] = {0, UINT32_MAX}, [OO_UINT64] = {0, INT64_MAX}, [OO_BOOL] = {0, 1}, [OO_UINT4] = {0, 15},
                               [OO_INT4] = {-8, 7}, [OO_UINT2] = {0, 3}, [OO_INT2] = {-2, 1}};
    static const int DIGITS[OO_ELEM_COUNT] = {[OO_FLOAT] = 24, [OO_DOUBLE] = 53, [OO_FLOAT16] = 11, [OO_BFLOAT16] = 8};
    const int64_t low = oo__expr_low(item->numerator), high = oo__expr_high(item->numerator);
    int64_t n;
    const bool number = oo__expr_is_int(item->numerator, &n);
    if (elem < 0 || elem >= OO_ELEM_COUNT)
        return false;
    if (DIGITS[elem]) {
        if (!number)
            return elem == OO_FLOAT || elem == OO_DOUBLE;
        const int64_t limit = INT64_C(1) << DIGITS[elem];
        return (item->denominator & (item->denominator - 1)) == 0 && item->denominator <= 1 << 10 && n >= -limit && n <= limit;
    }
    if (item->denominator != 1 || !RANGES[elem].high)
        return false;
    if (number)
        return n >= RANGES[elem].low && n <= RANGES[elem].high;
    const bool large = elem == OO_INT32 || elem == OO_INT64 || elem == OO_UINT32 || elem == OO_UINT64;
    return (low >= RANGES[elem].low && high <= RANGES[elem].high) || (large && (RANGES[elem].low < 0 || low >= 0));
}

typedef oo_item (*item_function)(oo__infer *c, oo_elem elem, const oo_item *in);

/* Applies a function to the contents of inputs [first, first + n); nothing is known when one input is not. */
static void propagate(oo__infer *c, uint32_t first, uint32_t n, oo_elem elem, item_function f) {
    enum { MAX_INPUTS = 8 };
    oo_known *in[MAX_INPUTS];
    uint32_t rank;
    int64_t dims[MAX_RANK];
    if (n > MAX_INPUTS || (c->settings && c->settings->no_values))
        return;
    for (uint32_t i = 0; i < n; i++)
        if (!(in[i] = (oo_known *)(uintptr_t)oo__input_known(c, first + i)))
            return;
    if (!known_shape(in, n, &rank, dims))
        return;
    oo_known *const out = oo__known_new(c, elem, rank, dims);
    for (uint32_t e = 0; e < out->count; e++) {
        oo_item items[MAX_INPUTS];
        for (uint32_t i = 0; i < n; i++)
            items[i] = item_at(in[i], rank, dims, e);
        out->items[e] = f(c, elem, items);
        if (out->items[e].numerator && !holds(elem, &out->items[e]))
            out->items[e] = NOTHING;
    }
    oo__set_known(c, 0, out);
}

static bool is_float(oo_elem e) { return e == OO_FLOAT || e == OO_DOUBLE || e == OO_FLOAT16 || e == OO_BFLOAT16; }

/* Numerator and denominator without a common number; a denominator beyond a million is given up. */
static oo_item ratio(oo__infer *c, const oo_expr *numerator, int64_t denominator) {
    if (!numerator || denominator <= 0 || denominator > 1 << 20)
        return NOTHING;
    const oo_expr *const whole = denominator == 1 ? numerator : oo__expr_exact_div(c->exprs, numerator, oo__expr_int(c->exprs, denominator));
    return whole ? (oo_item){whole, 1} : (oo_item){numerator, denominator};
}

/* The result of integer arithmetic, which must not overflow. */
static oo_item whole(oo__infer *c, const oo_item *in, const oo_expr *result, const char *what) {
    int64_t a, b;
    if (!result && in[0].numerator && in[1].numerator && oo__expr_is_int(in[0].numerator, &a) && oo__expr_is_int(in[1].numerator, &b))
        oo__infer_fail(c, "%lld %s %lld does not fit 64 bits", (long long)a, what, (long long)b);
    return (oo_item){result, 1};
}

static const oo_expr *times(oo__infer *c, const oo_expr *e, int64_t n) { return oo__expr_mul(c->exprs, e, oo__expr_int(c->exprs, n)); }

static bool both_whole(const oo_item *in) { return in[0].denominator == 1 && in[1].denominator == 1; }

static oo_item add_or_sub(oo__infer *c, const oo_item *in, bool sub) {
    if (both_whole(in)) {
        const oo_expr *const x = in[0].numerator, *const y = in[1].numerator;
        return whole(c, in, sub ? oo__expr_sub(c->exprs, x, y) : oo__expr_add(c->exprs, x, y), sub ? "-" : "+");
    }
    const oo_expr *const a = times(c, in[0].numerator, in[1].denominator), *const b = times(c, in[1].numerator, in[0].denominator);
    return ratio(c, sub ? oo__expr_sub(c->exprs, a, b) : oo__expr_add(c->exprs, a, b), in[0].denominator * in[1].denominator);
}

static oo_item item_add(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)elem, add_or_sub(c, in, false); }
static oo_item item_sub(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)elem, add_or_sub(c, in, true); }
static oo_item item_mul(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    if (both_whole(in))
        return whole(c, in, oo__expr_mul(c->exprs, in[0].numerator, in[1].numerator), "*");
    return ratio(c, oo__expr_mul(c->exprs, in[0].numerator, in[1].numerator), in[0].denominator * in[1].denominator);
}

static oo_item item_div(oo__infer *c, oo_elem elem, const oo_item *in) {
    int64_t divisor;
    if (!is_float(elem))
        return (oo_item){oo__expr_truncdiv(c->exprs, in[0].numerator, in[1].numerator), 1};
    if (in[1].numerator && oo__expr_is_int(in[1].numerator, &divisor) && divisor > 0 && divisor < 1 << 20)
        return ratio(c, times(c, in[0].numerator, in[1].denominator), in[0].denominator * divisor);
    if (in[0].denominator != 1 || in[1].denominator != 1)
        return NOTHING;
    return (oo_item){oo__expr_exact_div(c->exprs, in[0].numerator, in[1].numerator), 1};
}

static oo_item item_mod(oo__infer *c, oo_elem elem, const oo_item *in) {
    return is_float(elem) || !both_whole(in) ? NOTHING : (oo_item){oo__expr_mod(c->exprs, in[0].numerator, in[1].numerator), 1};
}
/* Over a common denominator, which is positive. */
static oo_item extreme(oo__infer *c, const oo_item *in, bool least) {
    const oo_expr *const a = times(c, in[0].numerator, in[1].denominator), *const b = times(c, in[1].numerator, in[0].denominator);
    return ratio(c, least ? oo__expr_min(c->exprs, a, b) : oo__expr_max(c->exprs, a, b), in[0].denominator * in[1].denominator);
}
static oo_item item_min(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)elem, extreme(c, in, true); }
static oo_item item_max(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)elem, extreme(c, in, false); }
/* The bounds of Clip: the upper one wins. */
static oo_item item_clip(oo__infer *c, oo_elem elem, const oo_item *in) {
    const oo_item raised[] = {item_max(c, elem, in), in[2]};
    return item_min(c, elem, raised);
}
static oo_item item_clip_low(oo__infer *c, oo_elem elem, const oo_item *in) { return item_max(c, elem, in); }
static oo_item item_same(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)c, (void)elem, in[0]; }
static oo_item item_neg(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return (oo_item){times(c, in[0].numerator, -1), in[0].denominator};
}
static oo_item item_abs(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    const oo_expr *const e = in[0].numerator;
    if (!e || oo__expr_low(e) >= 0)
        return in[0];
    return oo__expr_high(e) <= 0 ? (oo_item){times(c, e, -1), in[0].denominator} : NOTHING;
}
static oo_item item_floor(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return in[0].denominator == 1 ? in[0]
                                  : (oo_item){oo__expr_floordiv(c->exprs, in[0].numerator, oo__expr_int(c->exprs, in[0].denominator)), 1};
}
static oo_item item_ceil(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return in[0].denominator == 1 ? in[0]
                                  : (oo_item){oo__expr_ceildiv(c->exprs, in[0].numerator, oo__expr_int(c->exprs, in[0].denominator)), 1};
}
/* Truth values are 0 and 1. */
static oo_item truth(oo__infer *c, oo_answer answer) {
    return answer == OO_UNKNOWN ? NOTHING : (oo_item){oo__expr_int(c->exprs, answer == OO_YES), 1};
}
static oo_answer opposite(oo_answer a) { return a == OO_UNKNOWN ? a : a == OO_YES ? OO_NO : OO_YES; }
static oo_item item_equal(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return both_whole(in) ? truth(c, oo__expr_equal(c->exprs, in[0].numerator, in[1].numerator)) : NOTHING;
}
static oo_item item_less(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return both_whole(in) ? truth(c, oo__expr_less(c->exprs, in[0].numerator, in[1].numerator)) : NOTHING;
}
static oo_item item_greater(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return both_whole(in) ? truth(c, oo__expr_less(c->exprs, in[1].numerator, in[0].numerator)) : NOTHING;
}
static oo_item item_less_equal(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return both_whole(in) ? truth(c, opposite(oo__expr_less(c->exprs, in[1].numerator, in[0].numerator))) : NOTHING;
}
static oo_item item_greater_equal(oo__infer *c, oo_elem elem, const oo_item *in) {
    (void)elem;
    return both_whole(in) ? truth(c, opposite(oo__expr_less(c->exprs, in[0].numerator, in[1].numerator))) : NOTHING;
}
static bool decided(const oo_item *in, int64_t *out) { return in->numerator && oo__expr_is_int(in->numerator, out); }
static oo_item item_not(oo__infer *c, oo_elem elem, const oo_item *in) {
    int64_t x;
    (void)elem;
    return decided(&in[0], &x) ? truth(c, x ? OO_NO : OO_YES) : NOTHING;
}
static oo_item logic(oo__infer *c, const oo_item *in, int64_t deciding) {
    int64_t x = -1, y = -1;
    const bool a = decided(&in[0], &x), b = decided(&in[1], &y);
    if ((a && !x == !deciding) || (b && !y == !deciding))
        return truth(c, deciding ? OO_YES : OO_NO);
    return a && b ? truth(c, deciding ? OO_NO : OO_YES) : NOTHING;
}
static oo_item item_and(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)elem, logic(c, in, 0); }
static oo_item item_or(oo__infer *c, oo_elem elem, const oo_item *in) { return (void)elem, logic(c, in, 1); }
static oo_item item_where(oo__infer *c, oo_elem elem, const oo_item *in) {
    int64_t x;
    (void)c;
    (void)elem;
    if (decided(&in[0], &x))
        return x ? in[1] : in[2];
    return in[1].numerator == in[2].numerator && in[1].denominator == in[2].denominator ? in[1] : NOTHING;
}

/* ---- operators ---- */
static oo_status arithmetic(oo__infer *c, item_function f) {
    const oo_elem elem = elem_of_inputs(c, 0);
    if (is_legacy(c))
        return oo__infer_same(c);
    OO_TRY(broadcast_as(c, 0, c->node->ninputs, elem));
    if (f)
        propagate(c, 0, c->node->ninputs, elem, f);
    return OO_OK;
}

static oo_status comparison(oo__infer *c, item_function f) {
    if (is_legacy(c)) {
        const oo_type *const t = oo__input_type(c, 0);
        const oo_expr *dims[MAX_RANK];
        for (int32_t i = 0; i < oo_type_rank(t) && i < MAX_RANK; i++)
            dims[i] = t->dims[i].expr;
        oo__set_tensor(c, 0, OO_BOOL, oo_type_rank(t), dims);
        return OO_OK;
    }
    OO_TRY(broadcast_as(c, 0, 2, OO_BOOL));
    if (f)
        propagate(c, 0, 2, OO_BOOL, f);
    return OO_OK;
}

static oo_status unary(oo__infer *c, item_function f) {
    OO_TRY(oo__infer_same(c));
    propagate(c, 0, 1, oo__input_elem(c, 0), f);
    return OO_OK;
}

/* Sum, Mean, Min, Max before version 8: all inputs have one shape. */
static oo_status all_alike(oo__infer *c) {
    const oo_type *type = oo__input_type(c, 0);
    for (uint32_t i = 1; i < c->node->ninputs; i++) {
        bool clash = false;
        const oo_type *const other = oo__input_type(c, i);
        type = oo__type_merge(c, type, other, &clash);
        if (clash)
            return oo__infer_fail_pair(c, 0, i, "before version 8 of the operator all inputs have the same shape");
        for (int32_t d = 0; d < oo_type_rank(other) && d < oo_type_rank(oo__input_type(c, 0)); d++)
            oo__infer_equal_sizes(c, oo__input_dim(c, 0, (uint32_t)d), other->dims[d].expr, "the shapes of the inputs");
    }
    oo__set_type(c, 0, type);
    return OO_OK;
}

static bool takes_any(const oo__infer *c) { return c->schema->ninputs == 1 && c->schema->inputs[0].variadic && c->schema->since < 8; }

oo_status oo__infer_broadcast(oo__infer *c) { return takes_any(c) ? all_alike(c) : arithmetic(c, NULL); }
oo_status oo__infer_add(oo__infer *c) { return arithmetic(c, item_add); }
oo_status oo__infer_sub(oo__infer *c) { return arithmetic(c, item_sub); }
oo_status oo__infer_mul(oo__infer *c) { return arithmetic(c, item_mul); }
oo_status oo__infer_div(oo__infer *c) { return arithmetic(c, item_div); }
/* With fmod the sign is that of the dividend. */
static oo_item item_fmod(oo__infer *c, oo_elem elem, const oo_item *in) {
    const bool same = in[0].numerator && in[1].numerator && oo__expr_low(in[0].numerator) >= 0 && oo__expr_low(in[1].numerator) >= 0;
    return same ? item_mod(c, elem, in) : NOTHING;
}
oo_status oo__infer_mod(oo__infer *c) {
    int64_t fmod;
    return arithmetic(c, oo__infer_int(c, &fmod, "fmod", 0) ? fmod ? item_fmod : item_mod : NULL);
}
oo_status oo__infer_min(oo__infer *c) { return takes_any(c) ? all_alike(c) : arithmetic(c, c->node->ninputs == 2 ? item_min : c->node->ninputs == 1 ? item_same : NULL); }
oo_status oo__infer_max(oo__infer *c) { return takes_any(c) ? all_alike(c) : arithmetic(c, c->node->ninputs == 2 ? item_max : c->node->ninputs == 1 ? item_same : NULL); }
oo_status oo__infer_neg(oo__infer *c) { return unary(c, item_neg); }
oo_status oo__infer_abs(oo__infer *c) { return unary(c, item_abs); }
oo_status oo__infer_floor(oo__infer *c) { return unary(c, item_floor); }
oo_status oo__infer_ceil(oo__infer *c) { return unary(c, item_ceil); }
oo_status oo__infer_identity(oo__infer *c) {
    OO_TRY(oo__infer_same(c));
    oo__set_known(c, 0, oo__input_known(c, 0));
    return OO_OK;
}
/* Bounds as inputs (since version 11); those of earlier versions are attributes and bound activations, not shapes. */
oo_status oo__infer_clip(oo__infer *c) {
    OO_TRY(oo__infer_same(c));
    if (oo__has_input(c, 1))
        propagate(c, 0, oo__has_input(c, 2) ? 3 : 2, oo__input_elem(c, 0), oo__has_input(c, 2) ? item_clip : item_clip_low);
    return OO_OK;
}
oo_status oo__infer_not(oo__infer *c) { return unary(c, item_not); }
oo_status oo__infer_compare(oo__infer *c) { return comparison(c, NULL); }
oo_status oo__infer_equal(oo__infer *c) { return comparison(c, item_equal); }
oo_status oo__infer_less(oo__infer *c) { return comparison(c, item_less); }
oo_status oo__infer_greater(oo__infer *c) { return comparison(c, item_greater); }
oo_status oo__infer_less_equal(oo__infer *c) { return comparison(c, item_less_equal); }
oo_status oo__infer_greater_equal(oo__infer *c) { return comparison(c, item_greater_equal); }
oo_status oo__infer_and(oo__infer *c) { return comparison(c, item_and); }
oo_status oo__infer_or(oo__infer *c) { return comparison(c, item_or); }

/* Pow keeps the type of the base. */
oo_status oo__infer_pow(oo__infer *c) { return is_legacy(c) ? oo__infer_same(c) : broadcast_as(c, 0, 2, oo__input_elem(c, 0)); }

oo_status oo__infer_where(oo__infer *c) {
    const oo_elem elem = elem_of_inputs(c, 1);
    OO_TRY(broadcast_as(c, 0, 3, elem));
    propagate(c, 0, 3, elem, item_where);
    return OO_OK;
}

/* The output has the shape of input 0 and is BOOL. */
oo_status oo__infer_predicate(oo__infer *c) {
    const oo_type *const t = oo__input_type(c, 0);
    const oo_expr *dims[MAX_RANK] = {NULL};
    for (int32_t i = 0; i < oo_type_rank(t) && i < MAX_RANK; i++)
        dims[i] = t->dims[i].expr;
    oo__set_tensor(c, 0, OO_BOOL, oo_type_rank(t) < MAX_RANK ? oo_type_rank(t) : -1, dims);
    return OO_OK;
}

/* ---- Cast ---- */
/* Float to integer truncates; of a non-negative number that is the floor. Values are taken to be exact in float: dimensions are. */
static oo_item item_cast(oo__infer *c, oo_elem elem, const oo_item *in) {
    if (in[0].denominator == 1 || is_float(elem))
        return in[0];
    if (!in[0].numerator || oo__expr_low(in[0].numerator) < 0)
        return NOTHING;
    return item_floor(c, elem, in);
}

static oo_status cast_to(oo__infer *c, oo_elem elem) {
    const oo_type *const t = oo__input_type(c, 0);
    const oo_expr *dims[MAX_RANK] = {NULL};
    const int32_t rank = oo_type_rank(t);
    for (int32_t i = 0; i < rank && i < MAX_RANK; i++)
        dims[i] = t->dims[i].expr;
    oo__set_tensor(c, 0, elem, rank <= MAX_RANK ? rank : -1, dims);
    const bool numbers = elem == OO_INT64 || elem == OO_INT32 || is_float(elem);
    if (numbers && oo__input_elem(c, 0) != OO_STRING)
        propagate(c, 0, 1, elem, item_cast);
    return OO_OK;
}

/* Version 1 names the type in words. */
oo_status oo__infer_cast(oo__infer *c) {
    int64_t to;
    const oo_attr *const a = oo__infer_attr(c, "to");
    if (a && a->type == OO_ATTR_STRING && !a->reference) {
        char word[32] = {0};
        for (size_t i = 0; i < a->s.size && i < sizeof word - 1; i++)
            word[i] = (char)(a->s.data[i] | 0x20);
        return cast_to(c, oo__elem_find(word, strlen(word)));
    }
    if (!oo__infer_int(c, &to, "to", 0) || !oo__elem_name((int32_t)to))
        return cast_to(c, OO_UNDEFINED);
    return cast_to(c, (oo_elem)to);
}

oo_status oo__infer_cast_like(oo__infer *c) { return cast_to(c, oo__input_elem(c, 1)); }
