/* Random expression trees: the canonical expression has the value of the tree under every assignment, lies within its bounds, is printed
 * to text that parses to the same pointer, and equal, less and substitute agree with the values. With --dump COUNT it prints lines
 * "<tree in Python> TAB <canonical text>" instead, for tests/judge/expr_sympy.py. */
#include "ir/expr.h"
#include "under_valgrind.h"

#include <inttypes.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NODES = 1024, ASSIGNMENTS = 50, TREES = 24000, TREES_PER_POOL = 400 };

typedef enum op { LEAF_INT, LEAF_SYMBOL, ADD, SUB, MUL, FLOORDIV, CEILDIV, TRUNCDIV, MOD, MIN, MAX, EXACT, OPS } op;

typedef struct tree {
    op op;
    int64_t value; /* number, or index of the symbol */
    const struct tree *left, *right;
    const oo_expr *expr;
} tree;

static const struct symbol {
    const char *name;
    int64_t low, high;
} symbols[] = {{"N", 0, INT64_MAX}, {"M", 1, INT64_MAX}, {"K", 1, 64},
               {"a.b", -7, 7},      {"w_0", 3, 9},       {"batch size", 0, 5},
               {"x", -20, -1},      {"z", -30, 0},       {"any", INT64_MIN, INT64_MAX}};
enum { SYMBOLS = sizeof symbols / sizeof *symbols };

static uint64_t seed;
static uint64_t draw(uint64_t n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

/* ---- making trees ---- */
typedef struct forest {
    oo_exprs *pool;
    tree nodes[NODES];
    uint32_t n;
    uint32_t first_symbol; /* three are used by a tree */
    bool large;            /* numbers at the ends of 64 bits */
} forest;

static const oo_expr *symbol_of(oo_exprs *pool, size_t i) {
    return oo__expr_symbol(pool, symbols[i].name, symbols[i].low, symbols[i].high);
}

static const tree *grow(forest *f, int depth);

static const tree *leaf(forest *f) {
    tree *const t = &f->nodes[f->n++];
    *t = (tree){.op = draw(5) < 2 ? LEAF_INT : LEAF_SYMBOL};
    if (t->op == LEAF_SYMBOL) {
        t->value = (int64_t)((f->first_symbol + draw(3)) % SYMBOLS);
        t->expr = symbol_of(f->pool, (size_t)t->value);
        return t;
    }
    t->value = draw(4) ? (int64_t)draw(9) - 1 : (int64_t)draw(41) - 20;
    if (f->large && draw(2))
        t->value = (int64_t)((uint64_t)INT64_MIN + draw(3) - 1 + draw(4) * ((uint64_t)1 << 62));
    t->expr = oo__expr_int(f->pool, t->value);
    return t;
}

static const oo_expr *apply(oo_exprs *pool, op o, const oo_expr *a, const oo_expr *b) {
    switch (o) {
    case ADD: return oo__expr_add(pool, a, b);
    case SUB: return oo__expr_sub(pool, a, b);
    case MUL: return oo__expr_mul(pool, a, b);
    case FLOORDIV: return oo__expr_floordiv(pool, a, b);
    case CEILDIV: return oo__expr_ceildiv(pool, a, b);
    case TRUNCDIV: return oo__expr_truncdiv(pool, a, b);
    case MOD: return oo__expr_mod(pool, a, b);
    case MIN: return oo__expr_min(pool, a, b);
    case MAX: return oo__expr_max(pool, a, b);
    case EXACT: return oo__expr_exact_div(pool, a, b);
    case LEAF_INT:
    case LEAF_SYMBOL:
    case OPS: break;
    }
    return NULL;
}

/* A random tree; where the expression would be unknown there is a leaf instead. */
static const tree *grow(forest *f, int depth) {
    if (depth == 0 || f->n > NODES / 2 || draw(8) == 0)
        return leaf(f);
    static const op likely[] = {ADD,      ADD,     SUB,      SUB, MUL, MUL, FLOORDIV, FLOORDIV,
                                FLOORDIV, CEILDIV, TRUNCDIV, MOD, MOD, MIN, MAX,      EXACT};
    const op o = likely[draw(sizeof likely / sizeof *likely)];
    const tree *const left = grow(f, depth - 1), *right = grow(f, o == FLOORDIV || o == MOD ? (int)draw(2) : depth - 1);
    const oo_expr *const e = apply(f->pool, o, left->expr, right->expr);
    if (!e)
        return leaf(f);
    tree *const t = &f->nodes[f->n++];
    *t = (tree){o, 0, left, right, e};
    return t;
}

/* ---- values ---- */
typedef struct values {
    int64_t of[SYMBOLS];
} values;

static values assign(bool large) {
    values v;
    for (size_t i = 0; i < SYMBOLS; i++) {
        const struct symbol *const s = &symbols[i];
        const uint64_t span = (uint64_t)s->high - (uint64_t)s->low;
        const uint64_t kind = draw(8);
        const uint64_t offset = kind == 0   ? 0
                                : kind == 1 ? (span < 3 ? span : 3)
                                            : draw(span < 200 ? span + 1
                                                   : kind < 5 ? 40
                                                              : 1000);
        const bool from_zero = s->low == INT64_MIN;
        v.of[i] = from_zero ? (int64_t)offset - (int64_t)draw(60) : (int64_t)((uint64_t)s->low + offset);
        if (kind == 2 && s->high != INT64_MAX)
            v.of[i] = s->high;
        if (large && kind >= 6 && s->high == INT64_MAX)
            v.of[i] = INT64_MAX - (int64_t)draw(3);
    }
    return v;
}

static bool value_of(void *state, const char *name, int64_t *out) {
    for (size_t i = 0; i < SYMBOLS; i++)
        if (strcmp(symbols[i].name, name) == 0) {
            *out = ((const values *)state)->of[i];
            return true;
        }
    return false;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* False where the tree has no value: division by zero, overflow. */
static bool compute(const tree *t, const values *v, int64_t *out) {
    int64_t a, b, up;
    if (t->op == LEAF_INT || t->op == LEAF_SYMBOL) {
        *out = t->op == LEAF_INT ? t->value : v->of[t->value];
        return true;
    }
    if (!compute(t->left, v, &a) || !compute(t->right, v, &b))
        return false;
    const bool divides = t->op == FLOORDIV || t->op == CEILDIV || t->op == TRUNCDIV || t->op == MOD || t->op == EXACT;
    if (divides && (b == 0 || (b == -1 && a == INT64_MIN)))
        return false;
    switch (t->op) {
    case ADD: return !__builtin_add_overflow(a, b, out);
    case SUB: return !__builtin_sub_overflow(a, b, out);
    case MUL: return !__builtin_mul_overflow(a, b, out);
    case FLOORDIV: *out = floor_div(a, b); return true;
    case CEILDIV:
        up = floor_div(a, b);
        *out = up + (a % b != 0);
        return true;
    case TRUNCDIV: *out = a / b; return true;
    case MOD: *out = a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0); return true;
    case MIN: *out = a < b ? a : b; return true;
    case MAX: *out = a > b ? a : b; return true;
    case EXACT:
        assert_int_equal(a % b, 0);
        *out = a / b;
        return true;
    case LEAF_INT:
    case LEAF_SYMBOL:
    case OPS: break;
    }
    return false;
}

/* ---- text ---- */
static void print_tree(const tree *t) {
    static const char *const forms[OPS] = {[ADD] = "(%+%)",
                                           [SUB] = "(%-%)",
                                           [MUL] = "(%*%)",
                                           [FLOORDIV] = "(%//%)",
                                           [CEILDIV] = "ceil_div(%,%)",
                                           [TRUNCDIV] = "trunc_div(%,%)",
                                           [MOD] = "(% mod %)",
                                           [MIN] = "min(%,%)",
                                           [MAX] = "max(%,%)",
                                           [EXACT] = "(%//%)"};
    if (t->op == LEAF_INT)
        printf(t->value < 0 ? "(%" PRId64 ")" : "%" PRId64, t->value);
    if (t->op == LEAF_SYMBOL)
        printf("s%" PRId64, t->value);
    bool right = false;
    for (const char *p = forms[t->op]; p && *p; p++) {
        if (*p == '%') {
            print_tree(right ? t->right : t->left);
            right = true;
        } else if (*p == 'm' && strncmp(p, "mod", 3) == 0) {
            putchar('%');
            p += 2;
        } else {
            putchar(*p);
        }
    }
}

static const oo_expr *parse_symbol(void *state, const char *name, size_t size) {
    for (size_t i = 0; i < SYMBOLS; i++)
        if (strlen(symbols[i].name) == size && memcmp(symbols[i].name, name, size) == 0)
            return symbol_of(state, i);
    return NULL;
}

/* ---- the checks ---- */
static struct counts { uint64_t values, lost, decided, numbers, reread; } counts;

static void fail_tree(const tree *t, const values *v, oo_arena *arena, const char *what, int64_t expected,
                      int64_t got) {
    print_tree(t);
    printf("\n  is %s\n", oo__expr_print(t->expr, arena));
    for (size_t i = 0; v && i < SYMBOLS; i++)
        printf("  s%zu \"%s\" = %" PRId64 "\n", i, symbols[i].name, v->of[i]);
    fail_msg("%s: expected %" PRId64 ", got %" PRId64, what, expected, got);
}

static void check_value(const tree *t, values *v, oo_arena *arena) {
    int64_t expected, got = 0;
    if (!compute(t, v, &expected))
        return;
    counts.values++;
    if (!oo__expr_evaluate(t->expr, value_of, v, &got)) {
        counts.lost++;
        return;
    }
    if (got != expected)
        fail_tree(t, v, arena, "value", expected, got);
    if (got < oo__expr_low(t->expr))
        fail_tree(t, v, arena, "low bound", oo__expr_low(t->expr), got);
    if (got > oo__expr_high(t->expr))
        fail_tree(t, v, arena, "high bound", oo__expr_high(t->expr), got);
}

/* The text is parsed to the same pointer. With numbers at the ends of 64 bits, where nothing can be moved, there are rare exceptions; then
 * what is returned for the checks of values is the expression that was parsed. */
static const oo_expr *check_text(forest *f, const tree *t, oo_arena *arena) {
    const char *const text = oo__expr_print(t->expr, arena);
    const oo_expr *const back = oo__expr_parse(f->pool, text, parse_symbol, f->pool);
    if (back == t->expr)
        return back;
    counts.reread++;
    if (!f->large) {
        print_tree(t);
        fail_msg("%s is parsed as %s", text, oo__expr_print(back, arena));
    }
    return back ? back : t->expr;
}

static void check_answers(forest *f, const tree *a, const tree *b, values *v, oo_arena *arena) {
    int64_t x, y;
    const oo_answer equal = oo__expr_equal(f->pool, a->expr, b->expr), less = oo__expr_less(f->pool, a->expr, b->expr);
    if (!compute(a, v, &x) || !compute(b, v, &y))
        return;
    counts.decided += equal != OO_UNKNOWN || less != OO_UNKNOWN;
    if (equal != OO_UNKNOWN && (equal == OO_YES) != (x == y))
        fail_tree(a, v, arena, oo__expr_print(b->expr, arena), x, y);
    if (less != OO_UNKNOWN && (less == OO_YES) != (x < y))
        fail_tree(a, v, arena, oo__expr_print(b->expr, arena), x, y);
}

typedef struct replacement {
    const char *name;
    const oo_expr *by;
} replacement;

static const oo_expr *replace(void *state, const char *name) {
    const replacement *const r = state;
    return strcmp(r->name, name) == 0 ? r->by : NULL;
}

/* e with one symbol replaced has the value of e where that symbol has the value of the replacement. */
static void check_substitution(forest *f, const tree *t, const tree *by, values v, oo_arena *arena) {
    const size_t which = f->first_symbol;
    int64_t value, expected, got;
    replacement r = {symbols[which].name, by->expr};
    const oo_expr *const e = oo__expr_substitute(f->pool, t->expr, replace, &r);
    if (!e || !compute(by, &v, &value) || value < symbols[which].low || value > symbols[which].high)
        return;
    values inner = v;
    inner.of[which] = value;
    if (compute(t, &inner, &expected) && oo__expr_evaluate(e, value_of, &v, &got) && got != expected)
        fail_tree(t, &v, arena, oo__expr_print(e, arena), expected, got);
}

static void check_tree(forest *f, oo_arena *arena) {
    f->n = 0;
    f->first_symbol = (uint32_t)draw(SYMBOLS);
    const tree *const grown = grow(f, 6), *const other = grow(f, 2);
    tree same = *grown;
    const tree *const t = &same;
    int64_t number;
    counts.numbers += oo__expr_is_int(t->expr, &number);
    same.expr = check_text(f, grown, arena);
    (void)check_text(f, other, arena);
    for (int i = 0; i < ASSIGNMENTS; i++) {
        values v = assign(f->large);
        check_value(t, &v, arena);
        if (i < 5) {
            check_answers(f, t, other, &v, arena);
            check_substitution(f, t, other, v, arena);
        }
    }
}

static void check_trees(uint64_t first_seed, int trees, bool large) {
    seed = first_seed;
    counts = (struct counts){0};
    static forest f;
    for (int i = 0; i < trees; i += TREES_PER_POOL) {
        oo_arena *const arena = oo__arena_new();
        f = (forest){.pool = oo__exprs_new(arena), .large = large};
        for (int k = 0; k < TREES_PER_POOL; k++)
            check_tree(&f, arena);
        oo__exprs_free(f.pool);
        oo__arena_free(arena);
    }
}

/* A tenth under valgrind, which is that much slower. */
static int trees_wanted(int trees) {
    const char *const wanted = getenv("OO_EXPR_TREES");
    return wanted ? atoi(wanted) : under_valgrind() ? trees / 10 : trees;
}

static void trees_keep_their_values(void **state) {
    (void)state;
    const int trees = trees_wanted(TREES);
    check_trees(0x9E3779B97F4A7C15u, trees, false);
    print_message("%" PRIu64 " values, %" PRIu64 " lost, %" PRIu64 " decided, %" PRIu64 " numbers\n", counts.values,
                  counts.lost, counts.decided, counts.numbers);
    assert_true(counts.values > (uint64_t)trees * 30);
    assert_true(counts.lost * 1000 < counts.values);
    assert_true(counts.decided > (uint64_t)trees);
    assert_true(counts.numbers < (uint64_t)trees / 4);
}

static void trees_of_large_numbers_keep_their_values(void **state) {
    (void)state;
    const int trees = trees_wanted(TREES) / 4;
    check_trees(0xD1B54A32D192ED03u, trees, true);
    assert_true(counts.values > (uint64_t)trees * 10);
    assert_true(counts.reread * 1000 < (uint64_t)trees);
}

static int dump(int count) {
    static forest f;
    seed = 0x2545F4914F6CDD1Du;
    oo_arena *const arena = oo__arena_new();
    f.pool = oo__exprs_new(arena);
    for (int i = 0; i < count; i++) {
        f.n = 0;
        f.first_symbol = (uint32_t)draw(SYMBOLS);
        const tree *const t = grow(&f, 4);
        print_tree(t);
        printf("\t%s\n", oo__expr_print(t->expr, arena));
    }
    oo__exprs_free(f.pool);
    oo__arena_free(arena);
    return 0;
}

int main(int argc, char **argv) {
    setlocale(LC_ALL, "C");
    if (argc == 3 && strcmp(argv[1], "--dump") == 0)
        return dump(atoi(argv[2]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_keep_their_values),
        cmocka_unit_test(trees_of_large_numbers_keep_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
