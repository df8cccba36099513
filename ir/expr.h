/* Symbolic integers: polynomials over the symbols of a model's inputs, with floor division, minimum and maximum as atoms. Expressions are
 * kept in a canonical form and hash-consed in a pool, so that two expressions that the algebra can show equal are one pointer.
 * Modulo is a - b * floor(a / b), ceiling division is floor((a + b - 1) / b). NULL stands for "unknown" everywhere: operations on NULL,
 * and operations whose numbers overflow 64 bits, give NULL. */
#ifndef IR_EXPR_H
#define IR_EXPR_H
#include "base/arena.h"

#include <onnxopt/onnxopt.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct oo_expr oo_expr;
typedef struct oo_exprs oo_exprs;

oo_exprs *oo__exprs_new(oo_arena *arena);
void oo__exprs_free(oo_exprs *pool);

const oo_expr *oo__expr_int(oo_exprs *pool, int64_t value);
/* The symbol of this (interned) name, which outlives the pool; its value lies in [low, high]. Asking again with other bounds intersects
 * them (bounds that contradict the known ones are passed over); expressions that exist take notice when they are made again. A symbol
 * that can have one value only is that number. */
const oo_expr *oo__expr_symbol(oo_exprs *pool, const char *name, int64_t low, int64_t high);
const oo_expr *oo__expr_add(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__expr_sub(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__expr_mul(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
/* Division rounding down; NULL when b may be zero and is not a symbol or product of symbols (a dimension that divides is taken as not zero). */
const oo_expr *oo__expr_floordiv(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__expr_ceildiv(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
/* Division rounding toward zero, as ONNX's integer Div; NULL when the sign of a is not known. */
const oo_expr *oo__expr_truncdiv(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__expr_mod(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__expr_min(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__expr_max(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
/* a / b when it is proved exact, else NULL. Any b but the number 0 is taken as not zero. */
const oo_expr *oo__expr_exact_div(oo_exprs *pool, const oo_expr *a, const oo_expr *b);

/* True and the number when the expression is one. */
bool oo__expr_is_int(const oo_expr *e, int64_t *out);
/* Bounds that hold for all values of the symbols; INT64_MIN and INT64_MAX mean none. */
int64_t oo__expr_low(const oo_expr *e);
int64_t oo__expr_high(const oo_expr *e);

oo_answer oo__expr_equal(oo_exprs *pool, const oo_expr *a, const oo_expr *b);
oo_answer oo__expr_less(oo_exprs *pool, const oo_expr *a, const oo_expr *b); /* a < b */

/* Every symbol replaced: `of(state, name)` gives the expression for a symbol, NULL = leave it. */
const oo_expr *oo__expr_substitute(oo_exprs *pool, const oo_expr *e, const oo_expr *(*of)(void *state, const char *name), void *state);
/* The value under an assignment: false when a symbol has none, or on overflow or division by zero. */
bool oo__expr_evaluate(const oo_expr *e, bool (*of)(void *state, const char *name, int64_t *out), void *state, int64_t *out);
/* Calls `visit` once for each symbol in it. */
void oo__expr_symbols(const oo_expr *e, void (*visit)(void *state, const char *name), void *state);

/* Text such as "2*N + 1", "floor(H/2)", "min(M, N)": in a stable order, parsed back by oo__expr_parse to the same expression (with numbers
 * near the ends of 64 bits it may be another form of the same value). In `arena`. Names that are no identifiers are in quotes; NULL is "?". */
const char *oo__expr_print(const oo_expr *e, oo_arena *arena);
/* Parses +, -, *, **, //, /, %, floor(a/b), ceiling(a/b), min, max, Mod, parentheses, as exporters write dimensions; NULL when it is no
 * expression. `symbol` gives the expression for a name, NULL = there is none; the name does not outlive the call. */
const oo_expr *oo__expr_parse(oo_exprs *pool, const char *text, const oo_expr *(*symbol)(void *state, const char *name, size_t size), void *state);
#endif
