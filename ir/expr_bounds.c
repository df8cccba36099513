/* Bounds of expressions. Plain interval arithmetic forgets that N - 4*floor(N/4) names N twice; so where an atom has something in common
 * with the other terms, it is replaced by its own linear bounds (x - c + 1 <= c*floor(x/c) <= x, the elements of min and max) and the
 * result is bounded instead. Every step is a true inequality over the integers; the tightest answer wins. */
#include "ir/expr_impl.h"

enum { RELAX_DEPTH = 3, RELAX_STEPS = 16 };

/* ---- intervals ---- */
static oo__wide negative_infinity(void) { return -OO__INFINITE; }

oo__interval oo__interval_load(int64_t low, int64_t high) {
    return (oo__interval){low == INT64_MIN ? negative_infinity() : low, high == INT64_MAX ? OO__INFINITE : high};
}

/* An end beyond 64 bits says no more than the last number does, or nothing. */
static oo__interval rounded(oo__interval i) {
    if (i.low < INT64_MIN)
        i.low = negative_infinity();
    if (i.high > INT64_MAX)
        i.high = OO__INFINITE;
    if (i.low > INT64_MAX)
        i.low = INT64_MAX;
    if (i.high < INT64_MIN)
        i.high = INT64_MIN;
    return i;
}

void oo__interval_store(oo__interval i, int64_t *low, int64_t *high) {
    i = rounded(i);
    const bool empty = i.low > i.high; /* no values at all: what was assumed cannot be */
    *low = empty || i.low < INT64_MIN ? INT64_MIN : (int64_t)i.low;
    *high = empty || i.high > INT64_MAX ? INT64_MAX : (int64_t)i.high;
}

static oo__interval add(oo__interval a, oo__interval b) {
    return rounded((oo__interval){a.low + b.low, a.high + b.high});
}

static oo__wide multiply_ends(oo__wide a, oo__wide b) {
    if (a == 0 || b == 0)
        return 0;
    const bool infinite = a <= -OO__INFINITE || a >= OO__INFINITE || b <= -OO__INFINITE || b >= OO__INFINITE;
    if (infinite)
        return (a < 0) == (b < 0) ? OO__INFINITE : -OO__INFINITE;
    return a * b;
}

static oo__interval multiply(oo__interval a, oo__interval b) {
    if (a.low == 1 && a.high == 1 && b.low <= b.high) /* most coefficients */
        return rounded(b);
    const oo__wide ends[4] = {multiply_ends(a.low, b.low), multiply_ends(a.low, b.high), multiply_ends(a.high, b.low),
                              multiply_ends(a.high, b.high)};
    oo__interval out = {ends[0], ends[0]};
    for (int i = 1; i < 4; i++) {
        out.low = ends[i] < out.low ? ends[i] : out.low;
        out.high = ends[i] > out.high ? ends[i] : out.high;
    }
    return rounded(out);
}

static oo__interval exactly(int64_t value) { return (oo__interval){value, value}; }

static oo__interval intersect(oo__interval a, oo__interval b) {
    return (oo__interval){a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

oo__wide oo__floor_wide(oo__wide a, oo__wide b) {
    const oo__wide q = a / b;
    return a % b < 0 ? q - 1 : q;
}

/* Rounded to the inside; infinite ends stay so. */
static oo__interval divide_inside(oo__interval i, int64_t by) {
    if (i.low > negative_infinity())
        i.low = -oo__floor_wide(-i.low, by);
    if (i.high < OO__INFINITE)
        i.high = oo__floor_wide(i.high, by);
    return i;
}

/* ---- atoms and monomials ---- */
/* floor(a / b) for b in [b.low, b.high] with b.low >= 1. */
static oo__interval floordiv_positive(oo__interval a, oo__interval b) {
    oo__interval out = {negative_infinity(), OO__INFINITE};
    if (a.low >= 0)
        out.low = b.high >= OO__INFINITE ? 0 : oo__floor_wide(a.low, b.high);
    else if (a.low > negative_infinity())
        out.low = oo__floor_wide(a.low, b.low);
    if (a.high < 0)
        out.high = b.high >= OO__INFINITE ? -1 : oo__floor_wide(a.high, b.high);
    else if (a.high < OO__INFINITE)
        out.high = oo__floor_wide(a.high, b.low);
    return out;
}

oo__interval oo__floordiv_bounds(oo__interval a, oo__interval b) {
    oo__interval out = {OO__INFINITE, negative_infinity()};
    if (b.high >= 1)
        out = floordiv_positive(a, (oo__interval){b.low > 1 ? b.low : 1, b.high});
    if (b.low <= -1) {
        const oo__interval negated = {-a.high, -a.low}, by = {b.high < -1 ? -b.high : 1, -b.low};
        const oo__interval other = floordiv_positive(negated, by);
        out.low = other.low < out.low ? other.low : out.low;
        out.high = other.high > out.high ? other.high : out.high;
    }
    return rounded(out);
}

oo__interval oo__atom_bounds(oo__expr_kind kind, const oo_expr *const *args, uint32_t n) {
    oo__interval out = oo__interval_load(args[0]->low, args[0]->high);
    for (uint32_t i = 1; i < n; i++) {
        const oo__interval next = oo__interval_load(args[i]->low, args[i]->high);
        if (kind == OO__FLOORDIV)
            return oo__floordiv_bounds(out, next);
        const bool smaller_low = next.low < out.low, smaller_high = next.high < out.high;
        out.low = smaller_low == (kind == OO__MIN) ? next.low : out.low;
        out.high = smaller_high == (kind == OO__MIN) ? next.high : out.high;
    }
    return out;
}

/* The quotient of two products of powers, or the first when `by` is NULL; false when it does not divide. */
static bool quotient_bounds(const oo__monomial *m, const oo__monomial *by, oo__interval *out) {
    uint32_t j = 0;
    *out = exactly(1);
    for (uint32_t i = 0; i < m->head.n; i++) {
        const oo__atom *const atom = m->powers[i].atom;
        uint64_t exponent = m->powers[i].exponent;
        if (by && j < by->head.n && by->powers[j].atom == atom) {
            if (by->powers[j].exponent > exponent)
                return false;
            exponent -= by->powers[j++].exponent;
        }
        const oo__interval base = oo__interval_load(atom->low, atom->high);
        oo__interval power = exactly(1);
        for (uint64_t k = 0; k < exponent; k++)
            power = multiply(power, base);
        if (exponent % 2 == 0 && power.low < 0)
            power.low = 0;
        *out = multiply(*out, power);
    }
    return !by || j == by->head.n;
}

oo__interval oo__monomial_bounds(const oo__monomial *m) {
    oo__interval out;
    (void)quotient_bounds(m, NULL, &out);
    return out;
}

/* ---- sums ---- */
static oo__interval plain_bounds(const oo__sum *s) {
    oo__interval out = exactly(s->constant);
    for (uint32_t i = 0; i < s->n; i++)
        out = add(out, multiply(exactly(s->terms[i].coef), oo__monomial_bounds(s->terms[i].monomial)));
    return out;
}

/* A lower bound of sign * s that sets each negative term against positive multiples of it: H*W - H >= 0 when W >= 1. */
static oo__wide paired_low(const oo__sum *s, int sign) {
    oo__wide coefs[OO__TERMS_MAX];
    for (uint32_t i = 0; i < s->n; i++)
        coefs[i] = (oo__wide)s->terms[i].coef * sign;
    for (uint32_t i = 0; i < s->n; i++) {
        if (coefs[i] >= 0 || oo__monomial_bounds(s->terms[i].monomial).low < 0)
            continue;
        for (uint32_t j = 0; j < s->n && coefs[i] < 0; j++) {
            oo__interval factor;
            if (coefs[j] <= 0 || !quotient_bounds(s->terms[j].monomial, s->terms[i].monomial, &factor) ||
                factor.low < 1)
                continue;
            const oo__wide wanted = -oo__floor_wide(coefs[i], factor.low);
            const oo__wide used = wanted < coefs[j] ? wanted : coefs[j];
            coefs[j] -= used;
            coefs[i] += used * factor.low;
        }
    }
    oo__wide low = (oo__wide)s->constant * sign;
    for (uint32_t i = 0; i < s->n; i++) {
        if (coefs[i] == 0)
            continue;
        const oo__interval coef = {coefs[i], coefs[i]};
        const oo__wide part = multiply(coef, oo__monomial_bounds(s->terms[i].monomial)).low;
        if (part <= negative_infinity())
            return part;
        low += part;
    }
    return low;
}

static oo__interval relaxed_bounds(const oo__sum *s, int depth, int *steps);

/* Whether adding e, or subtracting it, takes away from a multiple of this monomial. */
static bool cancels_one(int64_t coef, const oo__monomial *m, const oo_expr *e, bool negative) {
    for (uint32_t i = 0; i < e->head.n; i++)
        if (e->terms[i].monomial == m)
            return (coef < 0) != ((e->terms[i].coef < 0) != negative);
    return false;
}

/* The same for a sum, also for what its floor divisions by numbers divide. */
static bool cancels(const oo__sum *s, const oo_expr *e, bool negative) {
    if (e->head.n == 0)
        return s->constant && e->constant && (s->constant < 0) != ((e->constant < 0) != negative);
    for (uint32_t j = 0; j < s->n; j++) {
        const oo__term *const t = &s->terms[j];
        if (cancels_one(t->coef, t->monomial, e, negative))
            return true;
        const oo__atom *const atom = t->monomial->powers[0].atom;
        if (t->monomial->degree != 1 || atom->head.kind != OO__FLOORDIV || atom->args[1]->head.n)
            continue;
        const oo_expr *const x = atom->args[0];
        for (uint32_t i = 0; i < x->head.n; i++)
            if (cancels_one((x->terms[i].coef < 0) == (t->coef < 0) ? 1 : -1, x->terms[i].monomial, e, negative))
                return true;
    }
    return false;
}

/* `s` without term `skip`, times `factor`. */
static void others(oo__sum *out, const oo__sum *s, uint32_t skip, int64_t factor) {
    oo__sum_begin(out);
    out->unknown = __builtin_mul_overflow(s->constant, factor, &out->constant);
    for (uint32_t i = 0; i < s->n; i++) {
        if (i == skip)
            continue;
        oo__term *const t = &out->terms[out->n++];
        t->monomial = s->terms[i].monomial;
        out->unknown |= __builtin_mul_overflow(s->terms[i].coef, factor, &t->coef);
    }
}

/* The floor division of a term k * D * floor(x / (c*D)), c > 0 and D a product that is not negative (or nothing). */
static const oo__atom *scaled_floor(const oo__monomial *m, int64_t *c, const oo__monomial **divisor) {
    for (uint32_t i = 0; i < m->head.n; i++) {
        const oo__atom *const atom = m->powers[i].atom;
        if (atom->head.kind != OO__FLOORDIV || m->powers[i].exponent != 1)
            continue;
        const oo_expr *const b = atom->args[1];
        if (b->head.n == 0 && m->head.n == 1) {
            *c = b->constant;
            *divisor = NULL;
            return *c > 0 ? atom : NULL;
        }
        if (b->head.n != 1 || b->constant || b->terms[0].monomial->head.n + 1 != m->head.n)
            continue;
        *c = b->terms[0].coef;
        *divisor = b->terms[0].monomial;
        bool same = *c > 0 && oo__monomial_bounds(*divisor).low >= 0;
        for (uint32_t j = 0; j + 1 < m->head.n && same; j++) {
            const oo__power *const p = &m->powers[j < i ? j : j + 1], *const q = &(*divisor)->powers[j];
            same = p->atom == q->atom && p->exponent == q->exponent;
        }
        if (same)
            return atom;
    }
    return NULL;
}

/* Term i is k * D * floor(x / (c*D)): c times the sum lies between c*rest + k*x and that minus k * (c*D - 1). */
static oo__interval relax_floor(const oo__sum *s, uint32_t i, int depth, int *steps) {
    oo__interval out = {negative_infinity(), OO__INFINITE};
    const int64_t k = s->terms[i].coef;
    int64_t c = 0, slack = 0;
    const oo__monomial *divisor = NULL;
    const oo__atom *const atom = scaled_floor(s->terms[i].monomial, &c, &divisor);
    if (!atom || !cancels(s, atom->args[0], k < 0) || __builtin_mul_overflow(k, c, &slack) || slack == INT64_MIN)
        return out;
    oo__sum t;
    others(&t, s, i, c);
    oo__sum_add(&t, atom->args[0], k);
    if (t.unknown)
        return out;
    const oo__interval whole = relaxed_bounds(&t, depth + 1, steps);
    if (divisor)
        oo__sum_add_term(&t, -slack, divisor);
    else
        t.unknown |= __builtin_sub_overflow(t.constant, slack, &t.constant);
    t.unknown |= __builtin_add_overflow(t.constant, k, &t.constant);
    oo__interval less = {negative_infinity(), OO__INFINITE};
    if (!t.unknown)
        less = relaxed_bounds(&t, depth + 1, steps);
    out.low = k > 0 ? less.low : whole.low;
    out.high = k > 0 ? whole.high : less.high;
    return divide_inside(out, c);
}

/* Term i is k * min or max of elements: the sum is one of the sums with an element in its place, and beyond all of them on one side. */
static oo__interval relax_elements(const oo__sum *s, uint32_t i, int depth, int *steps) {
    const oo__interval all = {negative_infinity(), OO__INFINITE};
    const oo__atom *const atom = s->terms[i].monomial->powers[0].atom;
    const int64_t k = s->terms[i].coef;
    bool worth = false;
    for (uint32_t j = 0; j < atom->head.n && !worth; j++)
        worth = cancels(s, atom->args[j], k < 0);
    if (!worth)
        return all;
    oo__interval each = {OO__INFINITE, negative_infinity()}, some = all;
    for (uint32_t j = 0; j < atom->head.n; j++) {
        oo__sum t;
        others(&t, s, i, 1);
        oo__sum_add(&t, atom->args[j], k);
        const oo__interval with = t.unknown ? all : relaxed_bounds(&t, depth + 1, steps);
        each.low = with.low < each.low ? with.low : each.low;
        each.high = with.high > each.high ? with.high : each.high;
        some = intersect(some, with);
    }
    if ((atom->head.kind == OO__MAX) == (k > 0))
        each.low = some.low;
    else
        each.high = some.high;
    return each;
}

static oo__interval relaxed_bounds(const oo__sum *s, int depth, int *steps) {
    oo__interval out = plain_bounds(s);
    if (--*steps < 0)
        return out;
    bool positive = false, negative = false;
    for (uint32_t i = 0; i < s->n; i++)
        *(s->terms[i].coef > 0 ? &positive : &negative) = true;
    if (positive && negative) {
        const oo__wide low = paired_low(s, 1), high = -paired_low(s, -1);
        out = rounded(intersect(out, (oo__interval){low, high}));
    }
    for (uint32_t i = 0; i < s->n && depth < RELAX_DEPTH; i++) {
        const oo__monomial *const m = s->terms[i].monomial;
        const oo__expr_kind kind = m->powers[m->head.n - 1].atom->head.kind; /* symbols come first */
        if (m->degree == 1 && (kind == OO__MIN || kind == OO__MAX))
            out = rounded(intersect(out, relax_elements(s, i, depth, steps)));
        else if (kind != OO__SYMBOL)
            out = rounded(intersect(out, relax_floor(s, i, depth, steps)));
    }
    return out;
}

oo__interval oo__sum_bounds(const oo__sum *s) {
    int steps = RELAX_STEPS;
    return relaxed_bounds(s, 0, &steps);
}

oo__interval oo__difference_bounds(const oo_expr *a, const oo_expr *b) {
    const oo__interval left = oo__interval_load(a->low, a->high), right = oo__interval_load(b->low, b->high);
    const oo__interval apart = rounded((oo__interval){left.low - right.high, left.high - right.low});
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, a, 1);
    oo__sum_add(&s, b, -1);
    if (!s.unknown)
        return intersect(apart, oo__sum_bounds(&s));
    /* Mostly the constants are to blame, which need not be in the sum. */
    oo__sum_begin(&s);
    for (uint32_t i = 0; i < a->head.n; i++)
        oo__sum_add_term(&s, a->terms[i].coef, a->terms[i].monomial);
    for (uint32_t i = 0; i < b->head.n && !s.unknown; i++) {
        int64_t coef = 0;
        s.unknown |= __builtin_sub_overflow((int64_t)0, b->terms[i].coef, &coef);
        oo__sum_add_term(&s, coef, b->terms[i].monomial);
    }
    const oo__wide constant = (oo__wide)a->constant - b->constant;
    if (s.unknown)
        return apart;
    return intersect(apart, add(oo__sum_bounds(&s), (oo__interval){constant, constant}));
}
