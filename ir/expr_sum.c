/* Sums: building them term by term, and the arithmetic that needs nothing else. */
#include "ir/expr_impl.h"

#include <string.h>

void oo__sum_begin(oo__sum *s) {
    s->constant = 0;
    s->n = 0;
    s->unknown = false;
}

static void add_constant(oo__sum *s, int64_t value) {
    s->unknown |= __builtin_add_overflow(s->constant, value, &s->constant);
}

void oo__sum_add_term(oo__sum *s, int64_t coef, const oo__monomial *monomial) {
    if (!monomial)
        s->unknown = true;
    if (s->unknown || coef == 0)
        return;
    if (monomial->head.n == 0) {
        add_constant(s, coef);
        return;
    }
    uint32_t at = s->n;
    while (at && s->terms[at - 1].monomial != monomial && oo__monomial_compare(monomial, s->terms[at - 1].monomial) < 0)
        at--;
    if (at && s->terms[at - 1].monomial == monomial) {
        oo__term *const t = &s->terms[at - 1];
        s->unknown |= __builtin_add_overflow(t->coef, coef, &t->coef);
        if (t->coef == 0)
            memmove(t, t + 1, (--s->n - (at - 1)) * sizeof *t);
    } else if (s->n == OO__TERMS_MAX) {
        s->unknown = true;
    } else {
        memmove(&s->terms[at + 1], &s->terms[at], (s->n++ - at) * sizeof *s->terms);
        s->terms[at] = (oo__term){coef, monomial};
    }
}

void oo__sum_add(oo__sum *s, const oo_expr *e, int64_t factor) {
    int64_t value = 0;
    s->unknown |= !e || __builtin_mul_overflow(e->constant, factor, &value);
    if (s->unknown)
        return;
    add_constant(s, value);
    for (uint32_t i = 0; i < e->head.n; i++) {
        s->unknown |= __builtin_mul_overflow(e->terms[i].coef, factor, &value);
        oo__sum_add_term(s, value, e->terms[i].monomial);
    }
}

void oo__sum_add_product(oo_exprs *pool, oo__sum *s, const oo_expr *e, int64_t factor, const oo__monomial *monomial) {
    int64_t value = 0;
    s->unknown |= !e || !monomial || __builtin_mul_overflow(e->constant, factor, &value);
    if (s->unknown)
        return;
    oo__sum_add_term(s, value, monomial);
    for (uint32_t i = 0; i < e->head.n && !s->unknown; i++) {
        s->unknown |= __builtin_mul_overflow(e->terms[i].coef, factor, &value);
        oo__sum_add_term(s, value, oo__monomial_multiply(pool, e->terms[i].monomial, monomial));
    }
}

static oo_expr *new_sum(oo_exprs *pool, const oo__sum *s) {
    uint32_t size = 1, depth = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const oo__monomial *const m = s->terms[i].monomial;
        size += 1 + m->size;
        depth = m->depth > depth ? m->depth : depth;
    }
    if (size > OO__EXPR_SIZE_MAX)
        return NULL;
    oo_expr *const e = oo__arena_alloc(pool->arena, sizeof *e + s->n * sizeof *s->terms);
    e->constant = s->constant;
    e->low = INT64_MIN;
    e->high = INT64_MAX;
    e->size = size;
    e->depth = depth;
    if (s->n)
        memcpy(e->terms, s->terms, s->n * sizeof *s->terms);
    return e;
}

const oo_expr *oo__sum_done(oo_exprs *pool, const oo__sum *s) {
    if (s->unknown)
        return NULL;
    oo__interned head = {.kind = OO__SUM, .n = s->n};
    oo__interned **const place = oo__interned_find(pool, &head, s->constant, s->terms);
    oo_expr *e = (oo_expr *)*place;
    if (e && e->epoch == pool->epoch)
        return e;
    const oo__interval bounds = s->n ? oo__sum_bounds(s) : (oo__interval){s->constant, s->constant};
    if (s->n && bounds.low == bounds.high)
        return oo__expr_int(pool, (int64_t)bounds.low);
    if (!e) {
        e = new_sum(pool, s);
        if (!e)
            return NULL;
        e->head = head;
        oo__interned_add(pool, place, &e->head);
    }
    int64_t low, high;
    oo__interval_store(bounds, &low, &high);
    e->low = low > e->low ? low : e->low;
    e->high = high < e->high ? high : e->high;
    e->epoch = pool->epoch;
    return e;
}

const oo_expr *oo__expr_int(oo_exprs *pool, int64_t value) {
    oo__sum s;
    oo__sum_begin(&s);
    s.constant = value;
    return oo__sum_done(pool, &s);
}

const oo_expr *oo__expr_of_atom(oo_exprs *pool, const oo__atom *atom) {
    if (!atom)
        return NULL;
    const oo__power power = {atom, 1};
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add_term(&s, 1, oo__monomial_make(pool, &power, 1));
    return oo__sum_done(pool, &s);
}

const oo__atom *oo__expr_only_atom(const oo_expr *e, int64_t *coef) {
    if (e->head.n != 1 || e->terms[0].monomial->degree != 1)
        return NULL;
    *coef = e->terms[0].coef;
    return e->terms[0].monomial->powers[0].atom;
}

const oo_expr *oo__expr_scale(oo_exprs *pool, const oo_expr *e, int64_t factor) {
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, e, factor);
    return oo__sum_done(pool, &s);
}

const oo_expr *oo__expr_add(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, a, 1);
    oo__sum_add(&s, b, 1);
    return oo__sum_done(pool, &s);
}

const oo_expr *oo__expr_sub(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, a, 1);
    oo__sum_add(&s, b, -1);
    return oo__sum_done(pool, &s);
}

const oo_expr *oo__expr_mul(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    if (!a || !b)
        return NULL;
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add_product(pool, &s, a, b->constant, pool->one);
    for (uint32_t i = 0; i < b->head.n && !s.unknown; i++)
        oo__sum_add_product(pool, &s, a, b->terms[i].coef, b->terms[i].monomial);
    return oo__sum_done(pool, &s);
}

uint64_t oo__gcd(uint64_t g, int64_t value) {
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    while (v) {
        const uint64_t rest = g % v;
        g = v;
        v = rest;
    }
    return g;
}
