#include "ir/expr_impl.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- the pool ---- */
static oo__interned **new_table(size_t places) {
    oo__interned **const table = calloc(places, sizeof *table);
    if (!table)
        oo__oom(places * sizeof *table);
    return table;
}

oo_exprs *oo__exprs_new(oo_arena *arena) {
    oo_exprs *const pool = oo__malloc(sizeof *pool);
    *pool = (oo_exprs){.arena = arena, .mask = 255};
    pool->table = new_table(pool->mask + 1);
    pool->one = oo__monomial_make(pool, NULL, 0);
    return pool;
}

void oo__exprs_free(oo_exprs *pool) {
    if (!pool)
        return;
    free(pool->table);
    free(pool);
}

static uint64_t hash_parts(oo__expr_kind kind, uint32_t n, int64_t constant, const void *data) {
    const size_t part = kind == OO__SUM ? sizeof(oo__term) : kind == OO__MONOMIAL ? sizeof(oo__power) : sizeof(void *);
    const uint64_t content = kind == OO__SYMBOL ? oo__hash(data, strlen(data)) : n ? oo__hash(data, part * n) : n;
    return oo__hash_combine(content, (uint64_t)constant * 8 + (uint64_t)kind);
}

static bool same_parts(const oo__interned *thing, int64_t constant, const void *data) {
    const size_t n = thing->n;
    switch (thing->kind) {
    case OO__SUM: {
        const oo_expr *const e = (const oo_expr *)thing;
        return e->constant == constant && (n == 0 || memcmp(e->terms, data, n * sizeof *e->terms) == 0);
    }
    case OO__MONOMIAL: {
        const oo__monomial *const m = (const oo__monomial *)thing;
        return n == 0 || memcmp(m->powers, data, n * sizeof *m->powers) == 0;
    }
    case OO__SYMBOL: return strcmp(((const oo__atom *)thing)->name, data) == 0;
    case OO__FLOORDIV:
    case OO__MIN:
    case OO__MAX: break;
    }
    return memcmp(((const oo__atom *)thing)->args, data, n * sizeof(void *)) == 0;
}

oo__interned **oo__interned_find(oo_exprs *pool, oo__interned *head, int64_t constant, const void *data) {
    head->hash = hash_parts(head->kind, head->n, constant, data);
    for (size_t i = head->hash & pool->mask;; i = (i + 1) & pool->mask) {
        const oo__interned *const t = pool->table[i];
        if (!t || (t->hash == head->hash && t->kind == head->kind && t->n == head->n && same_parts(t, constant, data)))
            return &pool->table[i];
    }
}

void oo__interned_add(oo_exprs *pool, oo__interned **place, oo__interned *thing) {
    *place = thing;
    if (++pool->count * 3 <= pool->mask * 2)
        return;
    const size_t old_places = pool->mask + 1;
    oo__interned **const old = pool->table;
    pool->table = new_table(old_places * 2);
    pool->mask = old_places * 2 - 1;
    for (size_t k = 0; k < old_places; k++) {
        if (!old[k])
            continue;
        size_t i = old[k]->hash & pool->mask;
        while (pool->table[i])
            i = (i + 1) & pool->mask;
        pool->table[i] = old[k];
    }
    free(old);
}

/* ---- atoms ---- */
const oo_expr *oo__expr_symbol(oo_exprs *pool, const char *name, int64_t low, int64_t high) {
    oo__interned head = {.kind = OO__SYMBOL};
    oo__interned **const place = oo__interned_find(pool, &head, 0, name);
    oo__atom *atom = (oo__atom *)*place;
    if (!atom) {
        atom = OO_NEW(pool->arena, oo__atom);
        *atom = (oo__atom){.head = head, .name = name, .low = INT64_MIN, .high = INT64_MAX, .size = 1};
        oo__interned_add(pool, place, &atom->head);
    }
    const int64_t new_low = low > atom->low ? low : atom->low, new_high = high < atom->high ? high : atom->high;
    const bool narrower = new_low != atom->low || new_high != atom->high;
    if (narrower && new_low <= new_high) { /* bounds that contradict the known ones say nothing */
        atom->low = new_low;
        atom->high = new_high;
        pool->epoch++;
    }
    return oo__expr_of_atom(pool, atom);
}

const oo__atom *oo__atom_make(oo_exprs *pool, oo__expr_kind kind, const oo_expr *const *args, uint32_t n) {
    uint32_t size = 1, depth = 0;
    for (uint32_t i = 0; i < n; i++) {
        size += args[i]->size;
        depth = args[i]->depth > depth ? args[i]->depth : depth;
    }
    if (size > OO__EXPR_SIZE_MAX || depth >= OO__EXPR_DEPTH_MAX)
        return NULL;
    oo__interned head = {.kind = kind, .n = n};
    oo__interned **const place = oo__interned_find(pool, &head, 0, args);
    oo__atom *atom = (oo__atom *)*place;
    if (atom && atom->epoch == pool->epoch)
        return atom;
    int64_t low, high;
    oo__interval_store(oo__atom_bounds(kind, args, n), &low, &high);
    if (!atom) {
        atom = oo__arena_alloc(pool->arena, sizeof *atom + n * sizeof *args);
        *atom = (oo__atom){.head = head, .low = low, .high = high, .size = size, .depth = depth + 1};
        memcpy(atom->args, args, n * sizeof *args);
        oo__interned_add(pool, place, &atom->head);
    }
    atom->low = low > atom->low ? low : atom->low;
    atom->high = high < atom->high ? high : atom->high;
    atom->epoch = pool->epoch;
    return atom;
}

/* ---- monomials ---- */
const oo__monomial *oo__monomial_make(oo_exprs *pool, const oo__power *powers, uint32_t n) {
    oo__interned head = {.kind = OO__MONOMIAL, .n = n};
    oo__interned **const place = oo__interned_find(pool, &head, 0, powers);
    if (*place)
        return (const oo__monomial *)*place;
    uint64_t degree = 0, size = 0;
    uint32_t depth = 0;
    for (uint32_t i = 0; i < n; i++) {
        degree += powers[i].exponent;
        size += powers[i].atom->size;
        depth = powers[i].atom->depth > depth ? powers[i].atom->depth : depth;
    }
    if (degree > OO__DEGREE_MAX || size > OO__EXPR_SIZE_MAX)
        return NULL;
    oo__monomial *const m = oo__arena_alloc(pool->arena, sizeof *m + n * sizeof *powers);
    *m = (oo__monomial){.head = head, .degree = (uint32_t)degree, .size = (uint32_t)size, .depth = depth};
    if (n)
        memcpy(m->powers, powers, n * sizeof *powers);
    oo__interned_add(pool, place, &m->head);
    return m;
}

const oo__monomial *oo__monomial_multiply(oo_exprs *pool, const oo__monomial *a, const oo__monomial *b) {
    if (a == pool->one || b == pool->one)
        return a == pool->one ? b : a;
    oo__power out[2 * OO__DEGREE_MAX];
    uint32_t n = 0, i = 0, j = 0;
    while (i < a->head.n || j < b->head.n) {
        const int order = i == a->head.n   ? 1
                          : j == b->head.n ? -1
                                           : oo__atom_compare(a->powers[i].atom, b->powers[j].atom);
        out[n] = order <= 0 ? a->powers[i++] : b->powers[j++];
        if (order == 0)
            out[n].exponent += b->powers[j++].exponent;
        n++;
    }
    return oo__monomial_make(pool, out, n);
}

const oo__monomial *oo__monomial_divide(oo_exprs *pool, const oo__monomial *a, const oo__monomial *b) {
    oo__power out[OO__DEGREE_MAX];
    uint32_t n = 0, j = 0;
    for (uint32_t i = 0; i < a->head.n; i++) {
        oo__power p = a->powers[i];
        if (j < b->head.n && b->powers[j].atom == p.atom) {
            if (b->powers[j].exponent > p.exponent)
                return NULL;
            p.exponent -= b->powers[j++].exponent;
        }
        if (p.exponent)
            out[n++] = p;
    }
    return j == b->head.n ? oo__monomial_make(pool, out, n) : NULL;
}

/* ---- order ---- */
int oo__atom_compare(const oo__atom *a, const oo__atom *b) {
    if (a == b)
        return 0;
    if (a->head.kind != b->head.kind)
        return a->head.kind < b->head.kind ? -1 : 1;
    if (a->head.kind == OO__SYMBOL)
        return strcmp(a->name, b->name);
    for (uint32_t i = 0; i < a->head.n && i < b->head.n; i++)
        if (a->args[i] != b->args[i])
            return oo__expr_compare(a->args[i], b->args[i]);
    return a->head.n < b->head.n ? -1 : 1;
}

int oo__monomial_compare(const oo__monomial *a, const oo__monomial *b) {
    if (a == b)
        return 0;
    if (a->degree != b->degree)
        return a->degree > b->degree ? -1 : 1;
    for (uint32_t i = 0;; i++) { /* equal degrees: they differ before either ends */
        const oo__power *const p = &a->powers[i], *const q = &b->powers[i];
        if (p->atom != q->atom)
            return oo__atom_compare(p->atom, q->atom);
        if (p->exponent != q->exponent)
            return p->exponent > q->exponent ? -1 : 1;
    }
}

int oo__expr_compare(const oo_expr *a, const oo_expr *b) {
    if (a == b)
        return 0;
    for (uint32_t i = 0; i < a->head.n && i < b->head.n; i++) {
        const oo__term *const s = &a->terms[i], *const t = &b->terms[i];
        if (s->monomial != t->monomial)
            return oo__monomial_compare(s->monomial, t->monomial);
        if (s->coef != t->coef)
            return s->coef < t->coef ? -1 : 1;
    }
    if (a->head.n != b->head.n)
        return a->head.n > b->head.n ? -1 : 1;
    return a->constant < b->constant ? -1 : 1;
}

/* ---- questions ---- */
bool oo__expr_is_int(const oo_expr *e, int64_t *out) {
    if (!e || e->head.n)
        return false;
    *out = e->constant;
    return true;
}

int64_t oo__expr_low(const oo_expr *e) { return e ? e->low : INT64_MIN; }
int64_t oo__expr_high(const oo_expr *e) { return e ? e->high : INT64_MAX; }

/* Whether a - b cannot be zero because the common divisor of its coefficients does not divide its constant, as in 2*N - 2*M + 1. */
static bool never_zero(const oo__sum *difference) {
    uint64_t g = 0;
    for (uint32_t i = 0; i < difference->n; i++)
        g = oo__gcd(g, difference->terms[i].coef);
    const uint64_t constant = oo__gcd(0, difference->constant);
    return g > 1 && constant % g != 0;
}

oo_answer oo__expr_equal(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    (void)pool;
    if (!a || !b)
        return OO_UNKNOWN;
    if (a == b)
        return OO_YES;
    const oo__interval d = oo__difference_bounds(a, b);
    if (d.low > 0 || d.high < 0)
        return OO_NO;
    if (d.low == 0 && d.high == 0)
        return OO_YES;
    oo__sum s;
    oo__sum_begin(&s);
    oo__sum_add(&s, a, 1);
    oo__sum_add(&s, b, -1);
    return !s.unknown && never_zero(&s) ? OO_NO : OO_UNKNOWN;
}

oo_answer oo__expr_less(oo_exprs *pool, const oo_expr *a, const oo_expr *b) {
    (void)pool;
    if (!a || !b)
        return OO_UNKNOWN;
    const oo__interval d = oo__difference_bounds(a, b);
    return d.high < 0 ? OO_YES : d.low >= 0 ? OO_NO : OO_UNKNOWN;
}
