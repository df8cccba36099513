/* Which of the contents that arithmetic on expressions gives are proofs: a machine computes with types that round and wrap.
 *
 * An item is certain when its type holds it exactly. Then, step by step, what a machine computes is the item: operators are defined as the
 * exact result brought into the type, and that changes nothing here. 64-bit integers are taken not to overflow: they are sizes. */
#include "base/half.h"
#include "ir/infer_run.h"

#include <math.h>
#include <string.h>

typedef struct range {
    int64_t low, high;
} range;

/* {0, 0}: no integer type. */
static range range_of(oo_elem elem) {
    switch (elem) {
    case OO_BOOL: return (range){0, 1};
    case OO_UINT2: return (range){0, 3};
    case OO_INT2: return (range){-2, 1};
    case OO_UINT4: return (range){0, 15};
    case OO_INT4: return (range){-8, 7};
    case OO_UINT8: return (range){0, UINT8_MAX};
    case OO_INT8: return (range){INT8_MIN, INT8_MAX};
    case OO_UINT16: return (range){0, UINT16_MAX};
    case OO_INT16: return (range){INT16_MIN, INT16_MAX};
    case OO_UINT32: return (range){0, UINT32_MAX};
    case OO_INT32: return (range){INT32_MIN, INT32_MAX};
    case OO_UINT64: return (range){0, INT64_MAX};
    case OO_INT64: return (range){INT64_MIN, INT64_MAX};
    default: return (range){0, 0};
    }
}

/* Whether a floating-point type has this fraction. */
static bool is_representable(oo_elem elem, int64_t numerator, int64_t denominator) {
    const double x = (double)numerator / (double)denominator;
    if (fabs((double)numerator) > 9007199254740992.0 || (denominator & (denominator - 1)))
        return false;
    switch (elem) {
    case OO_DOUBLE: return true;
    case OO_FLOAT: return (double)(float)x == x;
    case OO_FLOAT16: return oo__half_to_double(oo__half_from_double(x)) == x;
    case OO_BFLOAT16: return oo__bfloat_to_double(oo__bfloat_from_double(x)) == x;
    default: return false;
    }
}

static bool is_certain(oo_elem elem, const oo_item *item) {
    const range r = range_of(elem);
    int64_t number;
    if (r.high)
        return item->denominator == 1 && oo__expr_low(item->numerator) >= r.low &&
               oo__expr_high(item->numerator) <= r.high;
    return oo__expr_is_int(item->numerator, &number) && is_representable(elem, number, item->denominator);
}

const oo_known *oo__certain(oo__infer *c, const oo_known *known) {
    if (!known || !c->settings || !c->settings->proofs_only)
        return known;
    oo_known *left = NULL;
    for (uint32_t i = 0; i < known->count; i++) {
        if (!known->items[i].numerator || is_certain(known->elem, &known->items[i]))
            continue;
        if (!left) {
            left = oo__known_new(c, known->elem, known->rank, known->dims);
            memcpy(left->items, known->items, known->count * sizeof *left->items);
        }
        left->items[i] = (oo_item){NULL, 1};
    }
    return left ? left : known;
}

const oo_expr *oo__scaled_size(oo__infer *c, const oo_expr *size, const oo_item *scale) {
    enum { FEW = 64 };
    int64_t n, factor;
    if (!size || !scale->numerator)
        return NULL;
    const oo_expr *const product = oo__expr_mul(c->exprs, size, scale->numerator);
    const oo_expr *const rounded =
        scale->denominator == 1 ? product
                                : oo__expr_floordiv(c->exprs, product, oo__expr_int(c->exprs, scale->denominator));
    if (!c->settings || !c->settings->proofs_only || !rounded)
        return rounded;
    if (!oo__expr_is_int(scale->numerator, &factor))
        return NULL;
    /* Runtimes multiply in float: of a number it can be tried; a symbol is taken to be less than 2^24 / FEW, where simple factors are exact. */
    if (!oo__expr_is_int(size, &n))
        return factor > 0 && factor <= FEW && scale->denominator <= FEW ? rounded : NULL;
    int64_t exact;
    const double x = (double)factor / (double)scale->denominator;
    const bool same = oo__expr_is_int(rounded, &exact) && (int64_t)((float)n * (float)x) == exact &&
                      (int64_t)((double)n * x) == exact;
    return same ? rounded : NULL;
}
