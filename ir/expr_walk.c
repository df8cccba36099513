/* Walks over expressions: substitution, evaluation, the symbols. Their work is bounded by OO__EXPR_SIZE_MAX. */
#include "ir/expr_impl.h"

#include "base/vec.h"

/* ---- substitution ---- */
typedef struct substitution {
    oo_exprs *pool;
    const oo_expr *(*of)(void *state, const char *name);
    void *state;
} substitution;

static const oo_expr *substitute(const substitution *with, const oo_expr *e);

static const oo_expr *substitute_atom(const substitution *with, const oo__atom *atom) {
    if (atom->head.kind == OO__SYMBOL) {
        const oo_expr *const e = with->of(with->state, atom->name);
        return e ? e : oo__expr_of_atom(with->pool, atom);
    }
    const oo_expr *args[OO__ELEMENTS_MAX] = {NULL};
    for (uint32_t i = 0; i < atom->head.n; i++)
        args[i] = substitute(with, atom->args[i]);
    if (atom->head.kind == OO__FLOORDIV)
        return oo__expr_floordiv(with->pool, args[0], args[1]);
    return oo__expr_extreme(with->pool, atom->head.kind, args, atom->head.n);
}

static const oo_expr *substitute(const substitution *with, const oo_expr *e) {
    oo__sum s;
    oo__sum_begin(&s);
    s.constant = e->constant;
    for (uint32_t i = 0; i < e->head.n && !s.unknown; i++) {
        const oo__monomial *const m = e->terms[i].monomial;
        const oo_expr *product = oo__expr_int(with->pool, e->terms[i].coef);
        for (uint32_t j = 0; j < m->head.n && product; j++) {
            const oo_expr *const base = substitute_atom(with, m->powers[j].atom);
            for (uint64_t k = 0; k < m->powers[j].exponent; k++)
                product = oo__expr_mul(with->pool, product, base);
        }
        oo__sum_add(&s, product, 1);
    }
    return oo__sum_done(with->pool, &s);
}

const oo_expr *oo__expr_substitute(oo_exprs *pool, const oo_expr *e,
                                   const oo_expr *(*of)(void *state, const char *name), void *state) {
    const substitution with = {pool, of, state};
    return e ? substitute(&with, e) : NULL;
}

/* ---- evaluation ---- */
typedef struct assignment {
    bool (*of)(void *state, const char *name, int64_t *out);
    void *state;
} assignment;

static bool evaluate(const assignment *with, const oo_expr *e, int64_t *out);

static bool evaluate_atom(const assignment *with, const oo__atom *atom, int64_t *out) {
    if (atom->head.kind == OO__SYMBOL)
        return with->of(with->state, atom->name, out);
    if (!evaluate(with, atom->args[0], out))
        return false;
    for (uint32_t i = 1; i < atom->head.n; i++) {
        int64_t next = 0;
        if (!evaluate(with, atom->args[i], &next))
            return false;
        if (atom->head.kind == OO__FLOORDIV) {
            if (next == 0 || (next == -1 && *out == INT64_MIN))
                return false;
            *out = *out / next - (*out % next != 0 && (*out < 0) != (next < 0));
        } else if (atom->head.kind == OO__MIN ? next < *out : next > *out) {
            *out = next;
        }
    }
    return true;
}

static bool evaluate(const assignment *with, const oo_expr *e, int64_t *out) {
    oo__wide sum = e->constant;
    for (uint32_t i = 0; i < e->head.n; i++) {
        const oo__monomial *const m = e->terms[i].monomial;
        int64_t product = e->terms[i].coef;
        for (uint32_t j = 0; j < m->head.n; j++) {
            int64_t base = 0;
            if (!evaluate_atom(with, m->powers[j].atom, &base))
                return false;
            for (uint64_t k = 0; k < m->powers[j].exponent; k++)
                if (__builtin_mul_overflow(product, base, &product))
                    return false;
        }
        sum += product;
    }
    *out = (int64_t)sum;
    return sum >= INT64_MIN && sum <= INT64_MAX;
}

bool oo__expr_evaluate(const oo_expr *e, bool (*of)(void *state, const char *name, int64_t *out), void *state,
                       int64_t *out) {
    const assignment with = {of, state};
    int64_t value = 0;
    if (!e || !evaluate(&with, e, &value))
        return false;
    *out = value;
    return true;
}

/* ---- symbols ---- */
typedef oo_vec(const oo__atom *) atom_list;

static void gather(const oo_expr *e, atom_list *found) {
    for (uint32_t i = 0; i < e->head.n; i++) {
        const oo__monomial *const m = e->terms[i].monomial;
        for (uint32_t j = 0; j < m->head.n; j++) {
            const oo__atom *const atom = m->powers[j].atom;
            for (uint32_t k = 0; k < atom->head.n; k++)
                gather(atom->args[k], found);
            uint32_t at = 0;
            while (at < found->n && found->data[at] != atom)
                at++;
            if (atom->head.kind == OO__SYMBOL && at == found->n)
                oo_vec_push(NULL, found, atom);
        }
    }
}

void oo__expr_symbols(const oo_expr *e, void (*visit)(void *state, const char *name), void *state) {
    atom_list found = {0};
    if (e)
        gather(e, &found);
    for (uint32_t i = 0; i < found.n; i++)
        visit(state, found.data[i]->name);
    oo_vec_free(&found);
}
