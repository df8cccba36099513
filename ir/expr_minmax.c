/* Minimum and maximum: sets of elements, none of which is provably beyond another. What all elements share is kept outside in one way:
 * the smallest constant among those that are not numbers is added after, the common divisor multiplied after, and elements that have
 * negative terms only become the other operation's. So max(N + 1, M + 3) is max(M + 2, N) + 1 and max(-2*N, -4) is -2*min(N, 2). */
#include "ir/expr_impl.h"

typedef struct elements {
    oo__expr_kind kind;
    bool unknown;
    uint32_t n;
    const oo_expr *items[OO__ELEMENTS_MAX];
} elements;

static oo__expr_kind other_kind(oo__expr_kind kind) { return kind == OO__MIN ? OO__MAX : OO__MIN; }

static bool is_number(const oo_expr *e, int64_t value) { return e->head.n == 0 && e->constant == value; }

/* Whether a is always the one that counts (positive), or b (negative). Values have 64 bits: nothing is above the largest number. This
 * holds for the elements of a maximum since it holds for the maximum itself; of a minimum it says that leaving that number out is no
 * loss. */
static int which_counts(oo__expr_kind kind, const oo_expr *a, const oo_expr *b) {
    const int sign = kind == OO__MAX ? 1 : -1;
    if (a == b || is_number(a, INT64_MAX) || is_number(b, INT64_MIN))
        return sign;
    if (is_number(b, INT64_MAX) || is_number(a, INT64_MIN))
        return -sign;
    const oo__interval d = oo__difference_bounds(a, b);
    if (d.low == 0 && d.high == 0)
        return oo__expr_compare(a, b) < 0 ? 1 : -1;
    return d.low >= 0 ? sign : d.high <= 0 ? -sign : 0;
}

/* Adds e to the set: its elements when it is such a set itself, nothing when another element is always beyond it. */
static void include(oo_exprs *pool, elements *set, const oo_expr *e) {
    int64_t coef = 0;
    const oo__atom *const atom = e ? oo__expr_only_atom(e, &coef) : NULL;
    if (atom && atom->head.kind == (coef > 0 ? set->kind : other_kind(set->kind))) {
        for (uint32_t i = 0; i < atom->head.n && !set->unknown; i++) {
            oo__sum s;
            oo__sum_begin(&s);
            s.constant = e->constant;
            oo__sum_add(&s, atom->args[i], coef);
            include(pool, set, oo__sum_done(pool, &s));
        }
        return;
    }
    if (!e) {
        set->unknown = true;
        return;
    }
    const oo_expr *kept[OO__ELEMENTS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        const int which = which_counts(set->kind, e, set->items[i]);
        if (which < 0)
            return;
        if (which == 0)
            kept[n++] = set->items[i];
    }
    set->n = n;
    for (uint32_t i = 0; i < n; i++)
        set->items[i] = kept[i];
    if (set->n == OO__ELEMENTS_MAX)
        set->unknown = true;
    else
        set->items[set->n++] = e;
}

static void sort(elements *set) {
    for (uint32_t i = 1; i < set->n; i++) {
        const oo_expr *const e = set->items[i];
        uint32_t j = i;
        for (; j && oo__expr_compare(e, set->items[j - 1]) < 0; j--)
            set->items[j] = set->items[j - 1];
        set->items[j] = e;
    }
}

/* Near the ends of 64 bits nothing is moved: what was a value before might be none after. */
static bool is_huge(int64_t value) { return value > INT64_MAX / 2 || value < INT64_MIN / 2; }

/* What to subtract from each element and then divide it by. */
static void shared_parts(const elements *set, int64_t *constant, int64_t *factor) {
    bool found = false, negative = true;
    *constant = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        const oo_expr *const e = set->items[i];
        if (e->head.n && (!found || e->constant < *constant)) {
            *constant = e->constant;
            found = true;
        }
        for (uint32_t t = 0; t < e->head.n; t++)
            negative &= e->terms[t].coef < 0;
    }
    uint64_t g = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        int64_t rest = 0;
        if (__builtin_sub_overflow(set->items[i]->constant, *constant, &rest) || is_huge(rest)) {
            *constant = 0;
            *factor = 1;
            return;
        }
        g = oo__gcd(g, rest);
        for (uint32_t t = 0; t < set->items[i]->head.n; t++)
            g = oo__gcd(g, set->items[i]->terms[t].coef);
    }
    *factor = g > INT64_MAX ? 1 : (int64_t)g;
    if (negative)
        *factor = -*factor;
}

/* (e - constant) / factor, which is whole. */
static const oo_expr *without(oo_exprs *pool, const oo_expr *e, int64_t constant, int64_t factor) {
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, e, 1);
    s.unknown |= __builtin_sub_overflow(s.constant, constant, &s.constant) || s.constant == INT64_MIN;
    for (uint32_t t = 0; t < s.n && !s.unknown; t++) {
        s.unknown = s.terms[t].coef == INT64_MIN;
        if (!s.unknown)
            s.terms[t].coef /= factor;
    }
    if (!s.unknown)
        s.constant /= factor;
    return oo__sum_done(pool, &s);
}

static const oo_expr *finish(oo_exprs *pool, elements *set) {
    if (set->unknown || set->n == 1)
        return set->unknown ? NULL : set->items[0];
    int64_t factor = 1, constant = 0;
    shared_parts(set, &constant, &factor);
    if (factor == 1 && constant == 0) {
        sort(set);
        return oo__expr_of_atom(pool, oo__atom_make(pool, set->kind, set->items, set->n));
    }
    elements inner = {.kind = factor < 0 ? other_kind(set->kind) : set->kind};
    for (uint32_t i = 0; i < set->n && !inner.unknown; i++)
        include(pool, &inner, without(pool, set->items[i], constant, factor));
    oo__sum s;
    oo__sum_begin(&s);
    s.constant = constant;
    oo__sum_add(&s, finish(pool, &inner), factor);
    return oo__sum_done(pool, &s);
}

const oo_expr *oo__expr_extreme(oo_exprs *pool, oo__expr_kind kind, const oo_expr *const *args, size_t n) {
    elements set = {.kind = kind};
    for (size_t i = 0; i < n && !set.unknown; i++)
        include(pool, &set, args[i]);
    return finish(pool, &set);
}

const oo_expr *oo__expr_min(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    const oo_expr *const args[2] = {a, b};
    return oo__expr_extreme(pool, OO__MIN, args, 2);
}

const oo_expr *oo__expr_max(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    const oo_expr *const args[2] = {a, b};
    return oo__expr_extreme(pool, OO__MAX, args, 2);
}
