/* Division. floordiv(a, b) is brought to a form on which none of the steps of `divide` has anything left to do; dividing the parts of
 * that form again gives it back. */
#include "ir/expr_impl.h"

enum { FUEL = 24, LONG_DIVISION_STEPS = 128 };

typedef enum divisor { MAY_BE_ZERO, POSITIVE, NEGATIVE, NOT_ZERO } divisor;

static const oo_expr *divide(oo_exprs *pool, const oo_expr *a, const oo_expr *b, int fuel);

/* Symbols that divide are taken as not zero. */
static divisor atom_sign(const oo__atom *atom) {
    const bool symbol = atom->head.kind == OO__SYMBOL;
    if (atom->low > 0 || (symbol && atom->low == 0))
        return POSITIVE;
    if (atom->high < 0 || (symbol && atom->high == 0))
        return NEGATIVE;
    return symbol ? NOT_ZERO : MAY_BE_ZERO;
}

/* The product of powers of non-zero atoms that divides every term; `common` NULL starts with those of the first. */
static const oo__monomial *common_factor(oo_exprs *pool, const oo_expr *e, const oo__monomial *common) {
    oo__power out[OO__DEGREE_MAX];
    uint32_t n = 0;
    if (e->constant || e->head.n == 0)
        return pool->one;
    const oo__monomial *const first = common ? common : e->terms[0].monomial;
    for (uint32_t i = 0; i < first->head.n; i++) {
        oo__power p = first->powers[i];
        if (atom_sign(p.atom) == MAY_BE_ZERO)
            continue;
        for (uint32_t t = 0; t < e->head.n && p.exponent; t++) {
            const oo__monomial *const m = e->terms[t].monomial;
            uint64_t has = 0;
            for (uint32_t j = 0; j < m->head.n; j++)
                has = m->powers[j].atom == p.atom ? m->powers[j].exponent : has;
            p.exponent = has < p.exponent ? has : p.exponent;
        }
        if (p.exponent)
            out[n++] = p;
    }
    return oo__monomial_make(pool, out, n);
}

/* e / (number * monomial), which divides each term. */
static const oo_expr *strip(oo_exprs *pool, const oo_expr *e, int64_t number, const oo__monomial *monomial) {
    oo__sum s;
    oo__sum_begin(&s);
    s.constant = e->constant / number;
    for (uint32_t i = 0; i < e->head.n; i++)
        oo__sum_add_term(&s, e->terms[i].coef / number, oo__monomial_divide(pool, e->terms[i].monomial, monomial));
    return oo__sum_done(pool, &s);
}

/* The sign of b, where its common factors are symbols that are not zero. */
static divisor sign_of(oo_exprs *pool, const oo_expr *b) {
    const oo__monomial *const common = common_factor(pool, b, NULL);
    divisor sign = POSITIVE;
    for (uint32_t i = 0; i < common->head.n; i++) {
        const oo__power *const p = &common->powers[i];
        const divisor s = p->exponent % 2 == 0 ? POSITIVE : atom_sign(p->atom);
        if (s == NOT_ZERO || sign == NOT_ZERO)
            sign = NOT_ZERO;
        else if (s == NEGATIVE)
            sign = sign == POSITIVE ? NEGATIVE : POSITIVE;
    }
    const oo_expr *const rest = common == pool->one ? b : strip(pool, b, 1, common);
    if (!rest || (rest->low <= 0 && rest->high >= 0))
        return MAY_BE_ZERO;
    if (rest->low > 0 || sign == NOT_ZERO)
        return sign;
    return sign == POSITIVE ? NEGATIVE : POSITIVE;
}

static uint64_t content(uint64_t g, const oo_expr *e, bool with_constant) {
    for (uint32_t i = 0; i < e->head.n; i++)
        g = oo__gcd(g, e->terms[i].coef);
    return with_constant ? oo__gcd(g, e->constant) : g;
}

/* Takes numbers and non-zero products out that all terms of both share. */
static bool cancel_common(oo_exprs *pool, const oo_expr **a, const oo_expr **b) {
    uint64_t g = content(content(0, *a, true), *b, true);
    if (g > INT64_MAX)
        g = 1;
    const oo__monomial *common = common_factor(pool, *b, NULL);
    common = common == pool->one ? common : common_factor(pool, *a, common);
    if (g <= 1 && common == pool->one)
        return false;
    *a = strip(pool, *a, (int64_t)g, common);
    *b = strip(pool, *b, (int64_t)g, common);
    return true;
}

/* a = quotient * b + rest, with rest as small as whole coefficients allow. */
static void long_division(oo_exprs *pool, const oo_expr *a, const oo_expr *b, oo__sum *quotient, oo__sum *rest) {
    oo__sum_begin(quotient);
    oo__sum_begin(rest);
    oo__sum_add(rest, a, 1);
    const int64_t lead = b->head.n ? b->terms[0].coef : b->constant;
    const oo__monomial *const lead_monomial = b->head.n ? b->terms[0].monomial : pool->one;
    uint32_t i = 0;
    for (int step = 0; i < rest->n && !rest->unknown && !quotient->unknown; step++) {
        const oo__term t = rest->terms[i];
        const oo__monomial *const m = oo__monomial_divide(pool, t.monomial, lead_monomial);
        int64_t factor = 0;
        if (step == LONG_DIVISION_STEPS || (t.coef == INT64_MIN && lead == -1))
            rest->unknown = true;
        else
            factor = m ? t.coef / lead : 0;
        if (factor == 0 || factor == INT64_MIN) {
            i++;
            continue;
        }
        oo__sum_add_term(quotient, factor, m);
        oo__sum_add_product(pool, rest, b, -factor, m);
        if (i < rest->n && rest->terms[i].monomial == t.monomial)
            i++; /* what is less than the leading coefficient stays */
    }
}

/* The division with rest of a sum as floordiv wants it: the rest of the constant in (-b, 0] for a number b > 0, so that (H - 1)/2 keeps
 * its looks; a divisor of many terms only when that leaves fewer terms. False when there is nothing to take out. */
static bool take_out(oo_exprs *pool, const oo_expr *a, const oo_expr *b, const oo_expr **quotient,
                     const oo_expr **rest) {
    oo__sum q, r;
    long_division(pool, a, b, &q, &r);
    int64_t number;
    if (oo__expr_is_int(b, &number)) {
        const int64_t over = r.constant % number;
        q.unknown |= __builtin_add_overflow(q.constant, r.constant / number + (over > 0), &q.constant);
        r.constant = over > 0 ? over - number : over;
    }
    if (q.unknown || r.unknown || (q.n == 0 && q.constant == 0))
        return false;
    if (b->head.n + (b->constant != 0) > 1 && r.n >= a->head.n)
        return false;
    *quotient = oo__sum_done(pool, &q);
    *rest = oo__sum_done(pool, &r);
    return *quotient && *rest;
}

/* The quotient when the bounds leave one value. */
static bool only_value(const oo_expr *a, const oo_expr *b, divisor sign, int64_t *out) {
    const oo__interval q = oo__floordiv_bounds(oo__interval_load(a->low, a->high), oo__interval_load(b->low, b->high));
    *out = 0;
    if (q.low == q.high) {
        *out = (int64_t)q.low;
        return true;
    }
    if (sign != POSITIVE || b->head.n == 0)
        return false;
    if (a->low >= 0)
        return oo__difference_bounds(a, b).high < 0;
    *out = -1;
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, a, 1);
    oo__sum_add(&s, b, 1);
    return a->high < 0 && !s.unknown && oo__sum_bounds(&s).low >= 0;
}

/* floor((g*p + r) / (g*b)) = floor((p + floor(r/g)) / b) for a number g > 1, b > 0. */
static bool cancel_all_but_constant(oo_exprs *pool, const oo_expr **a, const oo_expr **b) {
    const uint64_t g = content(content(0, *a, false), *b, true);
    if (g <= 1 || g > INT64_MAX)
        return false;
    oo__sum s;
    oo__sum_begin(&s);
    s.constant = (int64_t)oo__floor_wide((*a)->constant, (oo__wide)g);
    for (uint32_t i = 0; i < (*a)->head.n; i++)
        oo__sum_add_term(&s, (*a)->terms[i].coef / (int64_t)g, (*a)->terms[i].monomial);
    *a = oo__sum_done(pool, &s);
    *b = strip(pool, *b, (int64_t)g, pool->one);
    return true;
}

/* floor((floor(x/c) + q) / b) = floor((x + c*q) / (c*b)) for b > 0; with symbols in c only when q is a number. */
static bool flatten(oo_exprs *pool, const oo_expr **a, const oo_expr **b) {
    for (uint32_t i = 0; i < (*a)->head.n; i++) {
        const oo__monomial *const m = (*a)->terms[i].monomial;
        const oo__atom *const atom = m->powers[0].atom;
        if ((*a)->terms[i].coef != 1 || m->degree != 1 || atom->head.kind != OO__FLOORDIV)
            continue;
        const oo_expr *const c = atom->args[1];
        if (c->head.n && (*a)->head.n > 1)
            continue;
        oo__sum s;
        oo__sum_begin(&s);
        oo__sum_add(&s, *a, 1);
        oo__sum_add_term(&s, -1, m);
        const oo_expr *const scaled = oo__expr_mul(pool, oo__sum_done(pool, &s), c);
        const oo_expr *const dividend = oo__expr_add(pool, scaled, atom->args[0]), *const product =
                                                                                       oo__expr_mul(pool, c, *b);
        if (!dividend || !product || sign_of(pool, product) == MAY_BE_ZERO)
            continue;
        *a = dividend;
        *b = product;
        return true;
    }
    return false;
}

static bool all_negative(const oo_expr *e) {
    for (uint32_t i = 0; i < e->head.n; i++)
        if (e->terms[i].coef > 0)
            return false;
    return e->head.n > 0;
}

/* -1 - floor((-a - 1) / b), which is floor(a / b) for b > 0. */
static const oo_expr *divide_negated(oo_exprs *pool, const oo_expr *a, const oo_expr *b, int fuel) {
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, a, -1);
    oo__sum_add_term(&s, -1, pool->one);
    const oo_expr *const q = divide(pool, oo__sum_done(pool, &s), b, fuel);
    oo__sum_begin(&s);
    oo__sum_add(&s, q, -1);
    oo__sum_add_term(&s, -1, pool->one);
    return oo__sum_done(pool, &s);
}

static const oo_expr *divide(oo_exprs *pool, const oo_expr *a, const oo_expr *b, int fuel) {
    if (!a || !b || fuel == 0)
        return NULL;
    const divisor sign = sign_of(pool, b);
    if (sign == MAY_BE_ZERO)
        return NULL;
    if (sign == NEGATIVE)
        return divide(pool, oo__expr_scale(pool, a, -1), oo__expr_scale(pool, b, -1), fuel - 1);
    int64_t value;
    if ((oo__expr_is_int(b, &value) && value == 1) || (oo__expr_is_int(a, &value) && value == 0))
        return a;
    if (cancel_common(pool, &a, &b))
        return divide(pool, a, b, fuel - 1);
    const oo_expr *quotient, *rest;
    if (take_out(pool, a, b, &quotient, &rest))
        return oo__expr_add(pool, quotient, divide(pool, rest, b, fuel - 1));
    if (only_value(a, b, sign, &value))
        return oo__expr_int(pool, value);
    if (sign == POSITIVE) {
        if (cancel_all_but_constant(pool, &a, &b) || flatten(pool, &a, &b))
            return divide(pool, a, b, fuel - 1);
        if (all_negative(a))
            return divide_negated(pool, a, b, fuel - 1);
    }
    const oo_expr *const args[2] = {a, b};
    return oo__expr_of_atom(pool, oo__atom_make(pool, OO__FLOORDIV, args, 2));
}

const oo_expr *oo__expr_floordiv(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    return divide(pool, a, b, FUEL);
}

const oo_expr *oo__expr_ceildiv(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    if (!a || !b)
        return NULL;
    const divisor sign = sign_of(pool, b);
    if (sign == NEGATIVE)
        return oo__expr_ceildiv(pool, oo__expr_scale(pool, a, -1), oo__expr_scale(pool, b, -1));
    const oo_expr *const up = oo__expr_sub(pool, oo__expr_add(pool, a, b), oo__expr_int(pool, 1));
    return sign == POSITIVE ? oo__expr_floordiv(pool, up, b) : NULL;
}

const oo_expr *oo__expr_exact_div(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    if (!a || !b || (b->head.n == 0 && b->constant == 0))
        return NULL;
    oo__sum q, r;
    long_division(pool, a, b, &q, &r);
    if (b->head.n == 0) {
        if (r.unknown || (r.constant == INT64_MIN && b->constant == -1) || r.constant % b->constant)
            return NULL;
        oo__sum_add_term(&q, r.constant / b->constant, pool->one);
        r.constant = 0;
    }
    return r.unknown || r.n || r.constant ? NULL : oo__sum_done(pool, &q);
}

const oo_expr *oo__expr_truncdiv(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    if (!a || !b)
        return NULL;
    const divisor sign = sign_of(pool, b);
    if (sign == MAY_BE_ZERO)
        return NULL;
    const oo_expr *const exact = oo__expr_exact_div(pool, a, b);
    if (exact)
        return exact;
    if (sign == NEGATIVE)
        return oo__expr_truncdiv(pool, oo__expr_scale(pool, a, -1), oo__expr_scale(pool, b, -1));
    if (sign == NOT_ZERO || (a->low < 0 && a->high > 0))
        return NULL;
    if (a->low >= 0)
        return oo__expr_floordiv(pool, a, b);
    return oo__expr_scale(pool, oo__expr_floordiv(pool, oo__expr_scale(pool, a, -1), b), -1);
}

const oo_expr *oo__expr_mod(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    return oo__expr_sub(pool, a, oo__expr_mul(pool, oo__expr_floordiv(pool, a, b), b));
}
