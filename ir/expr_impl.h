/* What the files expr*.c share. A sum (oo_expr) is a constant and terms; a term is a number times a monomial; a monomial is a product of
 * powers of atoms; an atom is a symbol, or a floor division, minimum or maximum over sums. All four are interned: equal means same
 * pointer. Terms, powers and elements stand in a fixed order that comes from names and structure, never from addresses. */
#ifndef IR_EXPR_IMPL_H
#define IR_EXPR_IMPL_H
#include "ir/expr.h"

#include <stddef.h>

/* Beyond these an expression is unknown. Size counts a sum as it would be written out, so that walks and printing are bounded. */
enum {
    OO__TERMS_MAX = 64,
    OO__ELEMENTS_MAX = 16,
    OO__DEGREE_MAX = 16,
    OO__EXPR_SIZE_MAX = 1000,
    OO__EXPR_DEPTH_MAX = 32
};

typedef enum oo__expr_kind { OO__SUM, OO__MONOMIAL, OO__SYMBOL, OO__FLOORDIV, OO__MIN, OO__MAX } oo__expr_kind;

/* The head of everything that is interned. */
typedef struct oo__interned {
    uint64_t hash;
    oo__expr_kind kind;
    uint32_t n; /* terms, powers or arguments */
} oo__interned;

typedef struct oo__atom {
    oo__interned head;
    const char *name; /* symbol */
    int64_t low, high;
    uint32_t size, depth;
    uint32_t epoch;
    const oo_expr *args[]; /* floor division: dividend, divisor; minimum and maximum: the elements */
} oo__atom;

typedef struct oo__power {
    const oo__atom *atom;
    uint64_t exponent; /* > 0 */
} oo__power;

typedef struct oo__monomial {
    oo__interned head;
    uint32_t degree, size, depth;
    oo__power powers[];
} oo__monomial;

typedef struct oo__term {
    int64_t coef; /* != 0 */
    const oo__monomial *monomial;
} oo__term;

struct oo_expr {
    oo__interned head;
    int64_t constant;
    int64_t low, high;
    uint32_t size, depth;
    uint32_t epoch; /* the pool's when the bounds were computed */
    oo__term terms[];
};

struct oo_exprs {
    oo_arena *arena;
    oo__interned **table; /* open addressing, power of two */
    size_t mask, count;
    uint32_t epoch; /* counts how often the bounds of a symbol became narrower */
    const oo__monomial *one;
};

/* ---- sums under construction (expr_sum.c); `unknown` is sticky ---- */
typedef struct oo__sum {
    int64_t constant;
    uint32_t n;
    bool unknown;
    oo__term terms[OO__TERMS_MAX];
} oo__sum;

void oo__sum_begin(oo__sum *s);
void oo__sum_add_term(oo__sum *s, int64_t coef, const oo__monomial *monomial);
/* s += factor * e; a NULL e makes it unknown. */
void oo__sum_add(oo__sum *s, const oo_expr *e, int64_t factor);
/* s += factor * monomial * e */
void oo__sum_add_product(oo_exprs *pool, oo__sum *s, const oo_expr *e, int64_t factor, const oo__monomial *monomial);
/* The interned sum; a number when its bounds leave only one value; NULL when unknown. */
const oo_expr *oo__sum_done(oo_exprs *pool, const oo__sum *s);
const oo_expr *oo__expr_scale(oo_exprs *pool, const oo_expr *e, int64_t factor);
/* The expression that is this atom. */
const oo_expr *oo__expr_of_atom(oo_exprs *pool, const oo__atom *atom);
/* The one atom of `e` when it is coef * atom + constant, else NULL. */
const oo__atom *oo__expr_only_atom(const oo_expr *e, int64_t *coef);

/* The minimum or maximum of n > 0 expressions. */
const oo_expr *oo__expr_extreme(oo_exprs *pool, oo__expr_kind kind, const oo_expr *const *args, size_t n);

/* ---- interning and order (expr.c); NULL when a limit is passed ---- */
const oo__atom *oo__atom_make(oo_exprs *pool, oo__expr_kind kind, const oo_expr *const *args, uint32_t n);
const oo__monomial *oo__monomial_make(oo_exprs *pool, const oo__power *powers, uint32_t n);
const oo__monomial *oo__monomial_multiply(oo_exprs *pool, const oo__monomial *a, const oo__monomial *b);
/* a / b, NULL when b does not divide a. */
const oo__monomial *oo__monomial_divide(oo_exprs *pool, const oo__monomial *a, const oo__monomial *b);
/* The place in the table of the thing with this kind and number of parts: it holds the thing, or NULL where it belongs. Sets head->hash.
 * `data` are the parts: terms, powers, arguments, or the name of a symbol. */
oo__interned **oo__interned_find(oo_exprs *pool, oo__interned *head, int64_t constant, const void *data);
void oo__interned_add(oo_exprs *pool, oo__interned **place, oo__interned *thing);
int oo__atom_compare(const oo__atom *a, const oo__atom *b);
/* Higher degree first, then lexicographic: an order that products keep, as division needs it. */
int oo__monomial_compare(const oo__monomial *a, const oo__monomial *b);
int oo__expr_compare(const oo_expr *a, const oo_expr *b);

/* ---- bounds (expr_bounds.c): 128 bits hold every product of two 64-bit ends ---- */
__extension__ typedef __int128 oo__wide;
#define OO__INFINITE ((oo__wide)1 << 100)
typedef struct oo__interval {
    oo__wide low, high;
} oo__interval;

oo__interval oo__interval_load(int64_t low, int64_t high);
void oo__interval_store(oo__interval i, int64_t *low, int64_t *high);
/* Of the value of a sum, using what its floor divisions, minima and maxima have in common with its other terms. */
oo__interval oo__sum_bounds(const oo__sum *s);
oo__interval oo__monomial_bounds(const oo__monomial *m);
/* Of a - b, also where the difference itself is unknown. */
oo__interval oo__difference_bounds(const oo_expr *a, const oo_expr *b);
/* Of an atom from those of its arguments; a divisor is not zero. */
oo__interval oo__atom_bounds(oo__expr_kind kind, const oo_expr *const *args, uint32_t n);
oo__interval oo__floordiv_bounds(oo__interval a, oo__interval b);
oo__wide oo__floor_wide(oo__wide a, oo__wide b); /* b > 0 */

/* Greatest common divisor of the magnitude of `value` and g; g = 0 stands for none yet. */
uint64_t oo__gcd(uint64_t g, int64_t value);
#endif
