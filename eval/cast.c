/* Cast, CastLike, BitCast. Between numbers, elements go through int64, double or float; eval/cast_text.c does strings. */
#include "eval/cast.h"

#include "base/minifloat.h"
#include "eval/kernels.h"
#include "eval/move.h"
#include "eval/real.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { GRAIN = 1 << 14 };

/* ---- one element ---- */
/* What C's conversion gives on the machines at hand where ONNX leaves it open (out of range): types below 64 bits go through int32, whose
 * answer is INT32_MIN; uint32 and 64 bits through int64. */
static int64_t integer_of_real(double value, oo_elem elem) {
    if (elem == OO_UINT64 && value >= 9223372036854775808.0)
        return value < 18446744073709551616.0 ? (int64_t)(uint64_t)value : 0;
    if (elem == OO_INT64 || elem == OO_UINT32 || elem == OO_UINT64)
        return oo__int_of_double(value);
    const double whole = trunc(value);
    return whole >= -2147483648.0 && whole < 2147483648.0 ? (int64_t)whole : INT32_MIN;
}

/* FLOAT8E8M0 is the exponent of a float; what lies between two powers of two goes where round_mode says. Inf and NaN are NaN. */
static uint8_t scale_of(float value, oo__cast_rules rules) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t exponent = bits >> 23 & 255, fraction = bits & 0x7fffff;
    if (exponent == 255)
        return 255;
    bool up = false;
    if (rules.round == OO__ROUND_UP)
        up = fraction != 0;
    else if (rules.round == OO__ROUND_NEAREST)
        up = fraction > 0x400000 || (fraction == 0x400000 && exponent > 0);
    return (uint8_t)(exponent + (up && !(rules.saturate && exponent == 254) ? 1 : 0));
}

static void set_real(oo_array *out, uint64_t i, double value, oo__cast_rules rules) {
    const oo__minifloat *const mini = oo__minifloat_of((int32_t)out->elem);
    if (out->elem == OO_FLOAT8E8M0)
        ((uint8_t *)out->data)[i] = scale_of((float)value, rules);
    else if (mini)
        ((uint8_t *)out->data)[i] = oo__minifloat_encode(mini, value, rules.saturate);
    else
        oo__array_set_double(out, i, value);
}

/* An integer as the nearest element; formats below FLOAT are made from the nearest float. */
static void set_real_of_int(oo_array *out, uint64_t i, int64_t value, bool is_uint64, oo__cast_rules rules) {
    if (out->elem == OO_DOUBLE)
        ((double *)out->data)[i] = is_uint64 ? (double)(uint64_t)value : (double)value;
    else
        set_real(out, i, (double)(is_uint64 ? (float)(uint64_t)value : (float)value), rules);
}

/* ---- whole arrays ---- */
typedef struct casting {
    const oo_array *in;
    oo_array *out;
    oo__cast_rules rules;
} casting;

static void reals_to_reals(void *state, uint64_t first, uint64_t last) {
    const casting *const j = state;
    for (uint64_t i = first; i < last; i++)
        set_real(j->out, i, oo__array_double(j->in, i), j->rules);
}

static void reals_to_ints(void *state, uint64_t first, uint64_t last) {
    const casting *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__array_set_int(j->out, i, integer_of_real(oo__array_double(j->in, i), j->out->elem));
}

static void ints_to_reals(void *state, uint64_t first, uint64_t last) {
    const casting *const j = state;
    for (uint64_t i = first; i < last; i++)
        set_real_of_int(j->out, i, oo__array_int(j->in, i), j->in->elem == OO_UINT64, j->rules);
}

static void ints_to_ints(void *state, uint64_t first, uint64_t last) {
    const casting *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__array_set_int(j->out, i, oo__array_int(j->in, i));
}

static void to_bools(void *state, uint64_t first, uint64_t last) {
    const casting *const j = state;
    for (uint64_t i = first; i < last; i++)
        ((uint8_t *)j->out->data)[i] = oo__truth(j->in, i);
}

void oo__cast_numbers(oo_array *out, const oo_array *in, oo__cast_rules rules) {
    static void (*const WAYS[2][2])(void *, uint64_t, uint64_t) = {{ints_to_ints, ints_to_reals},
                                                                   {reals_to_ints, reals_to_reals}};
    casting j = {in, out, rules};
    oo__parallel(in->count, GRAIN,
                 out->elem == OO_BOOL ? to_bools : WAYS[oo__is_floating(in->elem)][oo__is_floating(out->elem)], &j);
}

/* ---- the operators ---- */
static bool rules_of(const oo__call *c, oo__cast_rules *rules) {
    static const char *const MODES[] = {
        [OO__ROUND_UP] = "up", [OO__ROUND_DOWN] = "down", [OO__ROUND_NEAREST] = "nearest"};
    const char *const mode = oo__string(c, "round_mode", "up");
    rules->saturate = oo__int(c, "saturate", 1) != 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(mode, MODES[i]) == 0) {
            rules->round = (oo__cast_rounding)i;
            return true;
        }
    oo__eval_fail(c, "round_mode \"%s\" is unknown", mode);
    return false;
}

static bool can_cast(oo_elem elem) { return elem > OO_UNDEFINED && elem < OO_ELEM_COUNT && !oo__is_complex(elem); }

static oo_status cast_to(oo__call *c, const oo_array *x, int64_t to) {
    oo__cast_rules rules;
    if (to <= 0 || to >= OO_ELEM_COUNT || !can_cast((oo_elem)to) || !can_cast(x->elem))
        return oo__eval_fail(c, "there is no cast from %s to type %lld", oo__elem_name((int32_t)x->elem),
                             (long long)to);
    const oo_elem elem = oo__run_elem(c, (oo_elem)to);
    if (!rules_of(c, &rules))
        return OO_INVALID;
    if (elem == x->elem)
        return oo__set_same(c, x);
    oo_array *const out = oo__array_new(elem, x->rank, x->dims);
    if (out && x->elem == OO_STRING && !oo__cast_from_text(c, out, x, rules)) {
        oo__array_release(out);
        return OO_INVALID;
    }
    if (out && x->elem != OO_STRING && elem == OO_STRING)
        oo__cast_to_text(out, x);
    if (out && x->elem != OO_STRING && elem != OO_STRING)
        oo__cast_numbers(out, x, rules);
    return oo__set(c, 0, out);
}

/* Cast: the type is a number since version 6, before that its name ("FLOAT"). */
oo_status oo__kernel_cast(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    int64_t to = oo__int(c, "to", OO_UNDEFINED);
    const char *const name = oo__string(c, "to", NULL);
    for (int32_t elem = 1; name && elem < OO_ELEM_COUNT; elem++)
        if (strcasecmp(name, oo__elem_name(elem)) == 0)
            to = elem;
    return cast_to(c, x, to);
}

oo_status oo__kernel_cast_like(oo__call *c) {
    const oo_array *x, *like;
    if (!oo__need(c, 0, &x) || !oo__need(c, 1, &like))
        return OO_INVALID;
    return cast_to(c, x, like->elem);
}

/* BitCast: types of less than a byte lie in a byte each, so signs are extended or cut. */
oo_status oo__kernel_bit_cast(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const int64_t to = oo__int(c, "to", OO_UNDEFINED);
    if (to <= 0 || to >= OO_ELEM_COUNT || to == OO_STRING || x->elem == OO_STRING ||
        oo__elem_bits((int32_t)to) != oo__elem_bits((int32_t)x->elem))
        return oo__eval_fail(c, "%s and type %lld have not the same number of bits", oo__elem_name((int32_t)x->elem),
                             (long long)to);
    const uint32_t bits = oo__elem_bits((int32_t)to);
    if (bits >= 8) {
        oo_array *const view = oo__array_view((oo_array *)(uintptr_t)x, x->rank, x->dims);
        view->elem = (oo_elem)to;
        return oo__set(c, 0, view);
    }
    oo_array *const out = oo__array_new((oo_elem)to, x->rank, x->dims);
    const bool is_signed = to == OO_INT4 || to == OO_INT2;
    for (uint64_t i = 0; out && i < x->count; i++) {
        const unsigned code = ((const uint8_t *)x->data)[i] & ((1u << bits) - 1),
                       sign = is_signed ? 1u << (bits - 1) : 0;
        ((uint8_t *)out->data)[i] = (uint8_t)((code ^ sign) - sign);
    }
    return oo__set(c, 0, out);
}
