#include "ir/infer_learn.h"

#include "ir/expr_impl.h"
#include "ir/infer_run.h"

#include <string.h>

static oo__learned *learned_of(const oo__infer *c) { return c->model->learned; }

static uint32_t index_of(const oo__learned *l, const char *name) {
    uint32_t i = 0;
    while (i < l->symbols.n && l->symbols.data[i] != name)
        i++;
    return i;
}

void oo__learn_symbol(oo__infer *c, const char *name) {
    oo__learned *const l = learned_of(c);
    if (!l || index_of(l, name) < l->symbols.n)
        return;
    oo_vec_push(c->model->arena, &l->symbols, name);
    if (l->symbols.n <= l->room)
        return;
    const oo_expr **const old = l->values;
    l->values = OO_NEW_ARRAY(c->model->arena, const oo_expr *, l->symbols.n * 2);
    if (l->room)
        memcpy(l->values, old, l->room * sizeof *old);
    l->room = l->symbols.n * 2;
}

static const oo_expr *value_of(void *state, const char *name) {
    const oo__learned *const l = state;
    const uint32_t i = index_of(l, name);
    return i < l->symbols.n ? l->values[i] : NULL;
}

const oo_expr *oo__as_learned(oo__infer *c, const oo_expr *e) {
    oo__learned *const l = learned_of(c);
    if (!l || !l->all.n || !e)
        return e;
    const oo_expr *const known = oo__expr_substitute(c->exprs, e, value_of, l);
    return known ? known : e;
}

/* ---- solving ---- */
typedef struct scan {
    const oo__learned *learned;
    const char *wanted;
    bool found, foreign; /* foreign: a symbol that is none of the inputs' */
} scan;

static void see(void *state, const char *name) {
    scan *const s = state;
    s->found |= name == s->wanted;
    s->foreign |= index_of(s->learned, name) == s->learned->symbols.n;
}

/* What the symbol of a term must be so that the sum is zero; NULL when the equation does not say it, or says it in a form that is worse. */
static const oo_expr *solution(oo__infer *c, const oo_expr *zero, const oo__term *term, const char **symbol) {
    const oo__monomial *const m = term->monomial;
    if (m->head.n != 1 || m->powers[0].exponent != 1 || m->powers[0].atom->head.kind != OO__SYMBOL)
        return NULL;
    const oo_expr *const itself = oo__expr_of_atom(c->exprs, m->powers[0].atom);
    const oo_expr *const rest = oo__expr_sub(c->exprs, zero, oo__expr_mul(c->exprs, itself, oo__expr_int(c->exprs, term->coef)));
    const oo_expr *const minus = oo__expr_int(c->exprs, -1);
    const oo_expr *const value = term->coef == -1 ? rest : oo__expr_exact_div(c->exprs, oo__expr_mul(c->exprs, rest, minus), oo__expr_int(c->exprs, term->coef));
    scan s = {.learned = learned_of(c), .wanted = m->powers[0].atom->name};
    if (!value)
        return NULL;
    oo__expr_symbols(value, see, &s);
    const bool own = index_of(s.learned, s.wanted) < s.learned->symbols.n;
    *symbol = s.wanted;
    return own && !s.found && !s.foreign && oo__expr_low(value) >= 0 ? value : NULL;
}

/* Replaces one symbol, the one that the inputs name last, by what it must be. */
static const char *solve(oo__infer *c, const oo_expr *zero) {
    oo__learned *const l = learned_of(c);
    const oo_expr *best = NULL;
    uint32_t place = 0;
    for (uint32_t i = 0; i < zero->head.n; i++) {
        const char *symbol;
        const oo_expr *const value = solution(c, zero, &zero->terms[i], &symbol);
        if (!value || (best && index_of(l, symbol) < place))
            continue;
        best = value;
        place = index_of(l, symbol);
    }
    if (!best)
        return NULL;
    l->values[place] = best;
    for (uint32_t i = 0; i < l->symbols.n; i++)
        if (l->values[i])
            l->values[i] = oo__expr_substitute(c->exprs, l->values[i], value_of, l);
    l->changed = true;
    return l->symbols.data[place];
}

/* Whether an earlier round, or the same node, told it in other words. */
static bool listed(oo__infer *c, const oo_expr *zero) {
    const oo__learned *const l = learned_of(c);
    for (uint32_t i = 0; i < l->all.n; i++) {
        const oo_constraint *const k = &l->all.data[i];
        if (k->node == c->node && oo__expr_sub(c->exprs, oo__as_learned(c, k->left), oo__as_learned(c, k->right)) == zero)
            return true;
    }
    return false;
}

void oo__infer_equal_sizes(oo__infer *c, const oo_expr *a, const oo_expr *b, const char *why) {
    oo__learned *const l = learned_of(c);
    int64_t n;
    if (!l || !a || !b || a == b || ((oo__infer_run *)c)->inside || l->all.n >= OO__LEARNED_MAX)
        return;
    const oo_expr *const x = oo__as_learned(c, a), *const y = oo__as_learned(c, b), *const zero = oo__expr_sub(c->exprs, x, y);
    if (!zero || oo__expr_is_int(zero, &n))
        return; /* proved already, or a contradiction that the operator tells */
    if (listed(c, zero))
        return;
    oo_vec_push(c->model->arena, &l->all, (oo_constraint){x, y, c->node, why, solve(c, zero)});
}
