/* Minimum and maximum: sets of elements, none of which is provably beyond another. What all elements share is kept outside in one way:
 * the smallest constant among those that are not numbers is added after, the common divisor multiplied after, and elements that have
 * negative terms only become the other operation's. So max(N + 1, M + 3) is max(M + 2, N) + 1 and max(-2*N, -4) is -2*min(N, 2). */
#include "ir/expr_impl.h"

#include <string.h>

typedef struct elements {
    oo__expr_kind kind;
    bool unknown;
    uint32_t n;
    const oo_expr *items[OO__ELEMENTS_MAX];
} elements;

static oo__expr_kind other_kind(oo__expr_kind kind) { return kind == OO__MIN ? OO__MAX : OO__MIN; }

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
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        const oo__interval d = oo__difference_bounds(e, set->items[i]);
        if (set->kind == OO__MAX ? d.high <= 0 : d.low >= 0)
            return;
        if (set->kind == OO__MAX ? d.low < 0 : d.high > 0)
            set->items[kept++] = set->items[i];
    }
    set->n = kept;
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

/* The sign and number to multiply with after, and the constant to add after that. */
static void shared_parts(const elements *set, int64_t *factor, int64_t *constant) {
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
        if (__builtin_sub_overflow(set->items[i]->constant, *constant, &rest))
            rest = 1;
        g = oo__gcd(g, rest);
        for (uint32_t t = 0; t < set->items[i]->head.n; t++)
            g = oo__gcd(g, set->items[i]->terms[t].coef);
    }
    *factor = g > INT64_MAX ? 1 : (int64_t)g;
    if (negative)
        *factor = -*factor;
}

static const oo_expr *finish(oo_exprs *pool, elements *set) {
    if (set->unknown || set->n == 1)
        return set->unknown ? NULL : set->items[0];
    int64_t factor, constant;
    shared_parts(set, &factor, &constant);
    oo__sum s;
    for (uint32_t i = 0; i < set->n; i++) {
        oo__sum_begin(&s);
        oo__sum_add(&s, set->items[i], 1);
        s.unknown |= __builtin_sub_overflow(s.constant, constant, &s.constant);
        if (s.unknown || s.constant == INT64_MIN)
            return NULL;
        s.constant /= factor;
        for (uint32_t t = 0; t < s.n; t++) {
            if (s.terms[t].coef == INT64_MIN)
                return NULL;
            s.terms[t].coef /= factor;
        }
        set->items[i] = oo__sum_done(pool, &s);
        if (!set->items[i])
            return NULL;
    }
    sort(set);
    const oo__expr_kind kind = factor < 0 ? other_kind(set->kind) : set->kind;
    const oo_expr *const atom = oo__expr_of_atom(pool, oo__atom_make(pool, kind, set->items, set->n));
    if (factor < 0 && atom && constant) {
        /* Elements that were negated may have a smaller constant than the one that was taken out. */
        const oo_expr *const again = kind == OO__MIN ? oo__expr_min(pool, set->items[0], atom) : oo__expr_max(pool, set->items[0], atom);
        (void)again;
    }
    oo__sum_begin(&s);
    s.constant = constant;
    oo__sum_add(&s, atom, factor);
    return oo__sum_done(pool, &s);
}
