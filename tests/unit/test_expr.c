/* Symbolic integers: every law with the text it prints; bounds, answers, substitution, evaluation; the parser on good and hostile text. */
#include "ir/expr.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static oo_arena *arena;
static oo_exprs *pool;
static const oo_expr *N, *M, *B, *S, *H, *W, *any, *negative;

static int set_up(void **state) {
    (void)state;
    arena = oo__arena_new();
    pool = oo__exprs_new(arena);
    N = oo__expr_symbol(pool, "N", 1, INT64_MAX);
    M = oo__expr_symbol(pool, "M", 1, INT64_MAX);
    B = oo__expr_symbol(pool, "B", 0, INT64_MAX);
    S = oo__expr_symbol(pool, "S", 0, INT64_MAX);
    H = oo__expr_symbol(pool, "H", 1, INT64_MAX);
    W = oo__expr_symbol(pool, "W", 1, INT64_MAX);
    any = oo__expr_symbol(pool, "any", INT64_MIN, INT64_MAX);
    negative = oo__expr_symbol(pool, "neg", INT64_MIN, -1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    oo__exprs_free(pool);
    oo__arena_free(arena);
    return 0;
}

static const oo_expr *named(void *state, const char *name, size_t size) {
    (void)state;
    static const char *const names[] = {"N",  "M",  "B",     "S",     "H",          "W",         "K",
                                        "s0", "s1", "a.b_1", "floor", "batch size", "a\"\\\x01", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return oo__expr_symbol(pool, names[i], 0, INT64_MAX);
    if (size == 3 && memcmp(name, "any", 3) == 0)
        return any;
    return size == 3 && memcmp(name, "neg", 3) == 0 ? negative : NULL;
}

static const oo_expr *parse(const char *text) { return oo__expr_parse(pool, text, named, NULL); }
static const char *print(const oo_expr *e) { return oo__expr_print(e, arena); }
static const oo_expr *number(int64_t value) { return oo__expr_int(pool, value); }
static const oo_expr *add(const oo_expr *a, const oo_expr *b) { return oo__expr_add(pool, a, b); }
static const oo_expr *sub(const oo_expr *a, const oo_expr *b) { return oo__expr_sub(pool, a, b); }
static const oo_expr *mul(const oo_expr *a, const oo_expr *b) { return oo__expr_mul(pool, a, b); }
static const oo_expr *floordiv(const oo_expr *a, const oo_expr *b) { return oo__expr_floordiv(pool, a, b); }

/* The text reads as an expression that prints as `expected`, and that reads as the same pointer. */
static void expect_at(int line, const char *text, const char *expected) {
    const oo_expr *const e = parse(text);
    if (strcmp(print(e), expected) != 0)
        fail_msg("line %d: %s gives %s, not %s", line, text, print(e), expected);
    if (e && parse(expected) != e)
        fail_msg("line %d: %s is not read back", line, expected);
}
#define EXPECT(text, expected) expect_at(__LINE__, text, expected)

static void sums_and_products(void **state) {
    (void)state;
    EXPECT("0", "0");
    EXPECT("N", "N");
    EXPECT("N + N + 1", "2*N + 1");
    EXPECT("N - 1", "N - 1");
    EXPECT("1 - N", "1 - N");
    EXPECT("-N - 1", "-N - 1");
    EXPECT("N - M", "N - M");
    EXPECT("M - N", "M - N");
    EXPECT("S + 1 - 1", "S");
    EXPECT("N - N", "0");
    EXPECT("S*B", "B*S");
    EXPECT("(B + 1)*(S + 2)", "B*S + 2*B + S + 2");
    EXPECT("(B + S)*(B - S)", "B**2 - S**2");
    EXPECT("B*S*B*B", "B**3*S");
    EXPECT("-(N - 3)*2", "6 - 2*N");
    EXPECT("0*N + 7", "7");
    assert_ptr_equal(mul(add(B, S), add(B, S)), add(add(mul(B, B), mul(number(2), mul(S, B))), mul(S, S)));
    assert_ptr_equal(sub(add(N, M), N), M);
}

static void divisions_by_numbers(void **state) {
    (void)state;
    EXPECT("(2*S)//2", "S");
    EXPECT("(4*S + 2*B)//2", "B + 2*S");
    EXPECT("(6*S + B + 13)//6", "S + floor((B - 5)/6) + 3");
    EXPECT("N//1", "N");
    EXPECT("N//-1", "-N");
    EXPECT("N//2", "floor(N/2)");
    EXPECT("N//-2", "-floor((N - 1)/2) - 1");
    EXPECT("-(-N//2)", "floor((N - 1)/2) + 1");
    EXPECT("(N + 1)//2", "floor((N - 1)/2) + 1");
    EXPECT("(5*N)//2", "2*N + floor(N/2)");
    EXPECT("(4*N + 6)//8", "floor((N - 1)/2) + 1");
    EXPECT("(4*N + 2*M)//6", "floor((M + 2*N)/3)");
    EXPECT("(N//2)//3", "floor(N/6)");
    EXPECT("(N//2 + 1)//3", "floor((N - 4)/6) + 1");
    EXPECT("((N//2) + M)//3", "floor((2*M + N)/6)");
    EXPECT("(floor((floor((H-1)/2) + 1 - 1)/2))", "floor((H - 1)/4)");
    EXPECT("7//2", "3");
    EXPECT("-7//2", "-4");
    EXPECT("7//-2", "-4");
    EXPECT("N//0", "?");
    EXPECT("(N % 4)//4", "0");
    EXPECT("(4*N + M % 4)//4", "N");
}

static void divisions_by_symbols(void **state) {
    (void)state;
    EXPECT("(B*S)//S", "B");
    EXPECT("(B*S + 3*S + 1)//S", "B + floor(1/S) + 3");
    EXPECT("(B*S + W)//S", "B + floor(W/S)");
    EXPECT("(B*S*64)//(B*8*8)", "S");
    EXPECT("(B*S)//(B*W)", "floor(S/W)");
    EXPECT("(2*B*S + 4*B)//(2*B*W)", "floor((S + 2)/W)");
    EXPECT("(6*S)//(4*W)", "floor(3*S/(2*W))");
    EXPECT("N//(N + 1)", "0");
    EXPECT("B//(B + S + 1)", "0");
    EXPECT("(-B - 1)//(B + S + 1)", "-1");
    EXPECT("B//(B + S)", "?");
    EXPECT("(N*M)//(N + 1)", "floor(M*N/(N + 1))");
    EXPECT("(N//M + S)//2", "floor((S + floor(N/M))/2)");
    EXPECT("(N//M + 1)//2", "floor((N - M)/(2*M)) + 1");
    EXPECT("(N*M + M)//(N + 1)", "M");
    EXPECT("(N + M + 1)//(N + 1)", "floor(M/(N + 1)) + 1");
    EXPECT("(N//M)//S", "floor(N/(M*S))");
    EXPECT("(N//M)//2", "floor(N/(2*M))");
    EXPECT("S//S", "1");
    EXPECT("0//S", "0");
    EXPECT("B//(S - 3)", "?");
    EXPECT("B//(B//2)", "?");
    EXPECT("B//(S*(N + 1))", "floor(B/(N*S + S))");
    EXPECT("neg//neg", "1");
    EXPECT("B//neg", "-floor((B - 1)/(-neg)) - 1");
    EXPECT("(any*B)//any", "B");
    EXPECT("B//any", "floor(B/any)");
    assert_ptr_equal(floordiv(sub(N, number(1)), N), number(0));
    assert_ptr_equal(floordiv(number(-1), N), number(-1));
    assert_ptr_equal(floordiv(mul(mul(B, S), number(64)), mul(mul(number(8), B), number(8))), S);
}

static void other_divisions(void **state) {
    (void)state;
    EXPECT("CeilDiv(N, 2)", "floor((N - 1)/2) + 1");
    EXPECT("CeilDiv(4*N, 2)", "2*N");
    EXPECT("CeilDiv(N, M)", "floor((N - 1)/M) + 1");
    EXPECT("CeilDiv(7, 2)", "4");
    EXPECT("CeilDiv(-7, 2)", "-3");
    EXPECT("CeilDiv(7, -2)", "-3");
    EXPECT("CeilDiv(N, B - 3)", "?");
    EXPECT("trunc(N/2)", "floor(N/2)");
    EXPECT("trunc((-N)/2)", "-floor(N/2)");
    EXPECT("trunc(any/2)", "?");
    EXPECT("trunc((2*any)/2)", "any");
    EXPECT("trunc((-7)/2)", "-3");
    EXPECT("N % 4", "N - 4*floor(N/4)");
    EXPECT("(N % 4) % 4", "N - 4*floor(N/4)");
    EXPECT("(4*N) % 4", "0");
    EXPECT("(4*N + 3) % 4", "3");
    EXPECT("N % N", "0");
    EXPECT("-7 % 3", "2");
    EXPECT("7 % -3", "-2");
    EXPECT("CleanDiv(6*N*M + 4*N, 2*N)", "3*M + 2");
    EXPECT("CleanDiv(N*N - 1, N - 1)", "N + 1");
    EXPECT("CleanDiv(3*N, 2)", "?");
    EXPECT("CleanDiv(N, M)", "?");
    EXPECT("CleanDiv(6, -2)", "-3");
    EXPECT("CleanDiv(N, 0)", "?");
    assert_ptr_equal(oo__expr_exact_div(pool, mul(B, floordiv(H, number(2))), floordiv(H, number(2))), B);
}

static void minima_and_maxima(void **state) {
    (void)state;
    EXPECT("max(N, M)", "max(M, N)");
    EXPECT("max(max(N, 3), max(M, 5))", "max(M, N, 5)");
    EXPECT("max(N, N)", "N");
    EXPECT("max(N, N + 1)", "N + 1");
    EXPECT("min(N, N + 1, N - 2)", "N - 2");
    EXPECT("max(N + 1, M + 1)", "max(M, N) + 1");
    EXPECT("max(N + 1, M + 3)", "max(M + 2, N) + 1");
    EXPECT("max(N - 1, 1)", "max(N, 2) - 1");
    EXPECT("min(max(N, M + 2) - 5, S)", "min(S + 5, max(M + 2, N)) - 5");
    EXPECT("max(max(N, M + 2) - 5, S)", "max(M + 2, N, S + 5) - 5");
    EXPECT("max(2*N, 2*M)", "2*max(M, N)");
    EXPECT("max(2*N, 5)", "max(2*N, 5)");
    EXPECT("max(-N, -M)", "-min(M, N)");
    EXPECT("-max(-N, -M)", "min(M, N)");
    EXPECT("max(-2*N, -4)", "-2*min(N, 2)");
    EXPECT("max(N, 0)", "N");
    EXPECT("max(N, B, 0)", "max(B, N)");
    EXPECT("min(N, 0)", "0");
    EXPECT("min(N, 9223372036854775807)", "N");
    EXPECT("max(any, -9223372036854775808)", "any");
    EXPECT("min(any - 1, 9223372036854775807)", "any - 1");
    EXPECT("max(N, min(N, M))", "N");
    EXPECT("min(N, max(N, M))", "N");
    EXPECT("min(H, floor(H/2))", "floor(H/2)");
    EXPECT("min(H, floor((H - 1)/2) + 1)", "floor((H - 1)/2) + 1");
    EXPECT("max(H*W, H)", "H*W");
    EXPECT("min(N % 4, 3)", "N - 4*floor(N/4)");
    EXPECT("max(7)", "7");
    EXPECT("max(N - 4, B - 9223372036854775807)", "max(B - 9223372036854775807, N - 4)");
    EXPECT("max(B + neg//2, B + neg//2 - 9223372036854775807)", "B + floor(neg/2)");
}

static void convolutions_stay_small(void **state) {
    (void)state;
    const oo_expr *e = H, *padded = H, *pooled = H;
    for (int i = 0; i < 5; i++) {
        e = add(floordiv(sub(add(e, number(2)), number(3)), number(2)), number(1));
        padded = add(floordiv(sub(add(padded, number(6)), number(7)), number(2)), number(1));
        pooled = floordiv(pooled, number(2));
    }
    assert_string_equal(print(e), "floor((H - 1)/32) + 1");
    assert_ptr_equal(e, padded);
    assert_string_equal(print(pooled), "floor(H/32)");
    e = H;
    for (int i = 0; i < 5; i++)
        e = add(floordiv(sub(e, number(3)), number(2)), number(1));
    assert_string_equal(print(e), "floor((H - 31)/32)");
    for (int i = 0; i < 1000; i++)
        e = sub(add(e, number(2)), number(2));
    assert_string_equal(print(e), "floor((H - 31)/32)");
    assert_ptr_equal(mul(number(32), floordiv(mul(number(32), H), number(32))), mul(H, number(32)));
}

static void bounds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t low, high;
    } rows[] = {{"5", 5, 5},
                {"N", 1, INT64_MAX},
                {"B", 0, INT64_MAX},
                {"N*M", 1, INT64_MAX},
                {"2*N + 3", 5, INT64_MAX},
                {"7 - 2*N", INT64_MIN, 5},
                {"neg*N", INT64_MIN, -1},
                {"neg*neg", 1, INT64_MAX},
                {"any**2", 0, INT64_MAX},
                {"floor((N - 1)/2)", 0, INT64_MAX},
                {"floor(5/N)", 0, 5},
                {"N % 4", 0, 3},
                {"any % 8", 0, 7},
                {"(any % 8)//4", 0, 1},
                {"any % N", 0, INT64_MAX},
                {"min(N, 6)", 1, 6},
                {"max(neg, -4)", -4, -1},
                {"N - min(N, M)", 0, INT64_MAX},
                {"max(N, M) - N", 0, INT64_MAX},
                {"H - floor(H/2)", 1, INT64_MAX},
                {"H*W - H", 0, INT64_MAX},
                {"N*4611686018427387904", 4611686018427387904, INT64_MAX},
                {"any", INT64_MIN, INT64_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const oo_expr *const e = parse(rows[i].text);
        assert_non_null(e);
        if (oo__expr_low(e) != rows[i].low || oo__expr_high(e) != rows[i].high)
            fail_msg("%s is in [%lld, %lld]", print(e), (long long)oo__expr_low(e), (long long)oo__expr_high(e));
    }
    assert_true(oo__expr_low(NULL) == INT64_MIN && oo__expr_high(NULL) == INT64_MAX);
}

static void bounds_of_symbols_intersect(void **state) {
    (void)state;
    const oo_expr *const k = oo__expr_symbol(pool, "k", 0, 100), *const more = add(k, number(1));
    assert_ptr_equal(oo__expr_symbol(pool, "k", 5, INT64_MAX), k);
    assert_int_equal(oo__expr_low(k), 5);
    assert_int_equal(oo__expr_high(k), 100);
    assert_ptr_equal(add(k, number(1)), more);
    assert_int_equal(oo__expr_low(more), 6);
    assert_ptr_equal(oo__expr_symbol(pool, "k", 200, 300), k); /* a contradiction says nothing */
    assert_int_equal(oo__expr_high(k), 100);
    assert_ptr_equal(oo__expr_symbol(pool, "k", 9, 9), number(9));
    assert_ptr_equal(oo__expr_symbol(pool, "fixed", 4, 4), number(4));
}

static void answers(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        oo_answer equal, less;
    } rows[] = {{"N", "N", OO_YES, OO_NO},
                {"N", "N + 1", OO_NO, OO_YES},
                {"N + 1", "N", OO_NO, OO_NO},
                {"N", "M", OO_UNKNOWN, OO_UNKNOWN},
                {"N", "0", OO_NO, OO_NO},
                {"B", "0", OO_UNKNOWN, OO_NO},
                {"neg", "B", OO_NO, OO_YES},
                {"2*N", "2*M + 1", OO_NO, OO_UNKNOWN},
                {"N % 4", "4", OO_NO, OO_YES},
                {"N//2 + CeilDiv(N, 2)", "N", OO_YES, OO_NO},
                {"any", "9223372036854775807", OO_UNKNOWN, OO_UNKNOWN},
                {"-neg", "-9223372036854775808", OO_NO, OO_NO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const oo_expr *const a = parse(rows[i].a), *const b = parse(rows[i].b);
        if (oo__expr_equal(pool, a, b) != rows[i].equal || oo__expr_less(pool, a, b) != rows[i].less)
            fail_msg("%s and %s: equal %d, less %d", rows[i].a, rows[i].b, oo__expr_equal(pool, a, b),
                     oo__expr_less(pool, a, b));
    }
    assert_int_equal(oo__expr_equal(pool, NULL, NULL), OO_UNKNOWN);
    assert_int_equal(oo__expr_less(pool, N, NULL), OO_UNKNOWN);
}

static void beyond_64_bits_is_unknown(void **state) {
    (void)state;
    const oo_expr *const most = number(INT64_MAX), *const least = number(INT64_MIN);
    assert_null(add(most, number(1)));
    assert_null(sub(least, number(1)));
    assert_null(mul(least, number(-1)));
    assert_null(floordiv(least, number(-1)));
    assert_null(mul(mul(most, N), number(2)));
    assert_null(add(mul(most, N), N));
    assert_null(sub(mul(least, N), N));
    assert_null(add(NULL, N));
    assert_null(oo__expr_min(pool, N, NULL));
    assert_null(oo__expr_mod(pool, NULL, N));
    assert_string_equal(print(least), "-9223372036854775808");
    EXPECT("-9223372036854775808*N - 9223372036854775807", "-9223372036854775808*N - 9223372036854775807");
    EXPECT("M + -9223372036854775808*N + -9223372036854775808", "M + -9223372036854775808*N + -9223372036854775808");
    EXPECT("9223372036854775808", "?");
    EXPECT("99999999999999999999999999", "?");
}

static void what_is_too_large_is_unknown(void **state) {
    (void)state;
    const oo_expr *power = N, *wide = number(0), *deep = N, *doubled = N, *written = number(0);
    for (int i = 0; i < 5; i++)
        power = mul(power, power);
    assert_null(power);
    for (int i = 0; i < 65; i++) {
        char *const name = oo__arena_printf(arena, "t%d", i);
        wide = add(wide, oo__expr_symbol(pool, name, 0, INT64_MAX));
        assert_true((wide != NULL) == (i < 64));
        deep = floordiv(add(mul(deep, N), number(1)), number(3));
        assert_true((deep != NULL) == (i < 32));
        doubled = floordiv(add(mul(doubled, add(N, M)), number(1)), number(3));
        const oo_expr *terms = number(i);
        for (int k = 0; k < 16; k++)
            terms = add(terms, mul(N, oo__expr_symbol(pool, oo__arena_printf(arena, "u%d", k), 0, INT64_MAX)));
        written = add(written, floordiv(terms, number(i + 100)));
        assert_true((doubled != NULL) == (i < 6));
        assert_true((written != NULL) == (i < 19));
    }
}

static bool values(void *state, const char *name, int64_t *out) {
    *out = strcmp(name, "N") == 0 ? 7 : strcmp(name, "S") == 0 ? 0 : -3;
    return strcmp(name, (const char *)state) != 0;
}

static const oo_expr *halves(void *state, const char *name) {
    (void)state;
    return strcmp(name, "N") == 0 ? mul(S, number(2)) : strcmp(name, "M") == 0 ? number(0) : NULL;
}

static void gather(void *state, const char *name) {
    char *const seen = state;
    const size_t used = strlen(seen);
    snprintf(seen + used, 64 - used, "%s ", name);
}

static void walks(void **state) {
    (void)state;
    int64_t out = 0;
    char none[] = "", without_n[] = "N";
    assert_true(oo__expr_evaluate(parse("N//2*any + max(N, any)**2"), values, none, &out));
    assert_int_equal(out, 40);
    assert_true(oo__expr_evaluate(parse("any//2"), values, none, &out));
    assert_int_equal(out, -2);
    assert_false(oo__expr_evaluate(N, values, without_n, &out));
    assert_false(oo__expr_evaluate(parse("N//S"), values, none, &out));
    assert_false(oo__expr_evaluate(parse("9223372036854775807*N"), values, none, &out));
    assert_false(oo__expr_evaluate(NULL, values, none, &out));
    assert_string_equal(print(oo__expr_substitute(pool, parse("N//2 + M*S + min(N, 2*B)"), halves, NULL)),
                        "S + 2*min(B, S)");
    assert_null(oo__expr_substitute(pool, parse("H//M"), halves, NULL));
    assert_null(oo__expr_substitute(pool, NULL, halves, NULL));
    char seen[64] = "";
    oo__expr_symbols(parse("N*M + floor((N + H)/2) + max(W, N)"), gather, seen);
    assert_string_equal(seen, "M N H W ");
    oo__expr_symbols(NULL, gather, seen);
    assert_true(oo__expr_is_int(number(-4), &out) && out == -4);
    assert_false(oo__expr_is_int(N, &out));
    assert_false(oo__expr_is_int(NULL, &out));
}

static void exporters_spellings(void **state) {
    (void)state;
    EXPECT("floor(s0/2 - 1/2) + 1", "floor((s0 - 1)/2) + 1");
    EXPECT("floor((s0 - 1)/2)+1", "floor((s0 - 1)/2) + 1");
    EXPECT("((s0 - 1)//2) + 1", "floor((s0 - 1)/2) + 1");
    EXPECT("ceiling(s0/32)", "floor((s0 - 1)/32) + 1");
    EXPECT("CeilToInt(IntTrueDiv(s0, 32))", "floor((s0 - 1)/32) + 1");
    EXPECT("FloorToInt(IntTrueDiv(s0, 32))", "floor(s0/32)");
    EXPECT("FloorDiv(s0, 4)*s1", "s1*floor(s0/4)");
    EXPECT("Mod(s0, 4)", "s0 - 4*floor(s0/4)");
    EXPECT("PythonMod(s0,4)", "s0 - 4*floor(s0/4)");
    EXPECT("ModularIndexing(s0, 4, 8)", "floor(s0/4) - 8*floor(s0/32)");
    EXPECT("Max(1, s0)", "max(s0, 1)");
    EXPECT("Min(1024, s0 + s1)", "min(s0 + s1, 1024)");
    EXPECT("s0**2 - PowByNatural(s0, 2)", "0");
    EXPECT("  4 * a.b_1\t", "4*a.b_1");
    EXPECT("2*s0/2", "s0");
    EXPECT("(s0/4)//(1/2)", "floor(s0/2)");
    EXPECT("s0/2 + s0/2", "s0");
    EXPECT("s0/3 + s0/6 + (s0/4)*2", "s0");
    EXPECT("floor(s0/s1 + 1)", "floor(s0/s1) + 1");
    EXPECT("+-s0", "-s0");
    EXPECT("-s0**2", "-s0**2");
    EXPECT("-2**2", "-4");
    EXPECT("floor*2", "2*floor");
    EXPECT("\"batch size\" + 1", "\"batch size\" + 1");
    EXPECT("\"a\\x22\\x5c\\x01\"", "\"a\\x22\\x5c\\x01\"");
    EXPECT("\xc3\xa9 + 1", "\xc3\xa9 + 1");
}

static void what_is_no_expression(void **state) {
    (void)state;
    static const char *const rows[] = {"",
                                       " ",
                                       "+",
                                       "-",
                                       "*",
                                       "N +",
                                       "N N",
                                       "2N",
                                       "2 N",
                                       "N 2",
                                       "(N",
                                       "N)",
                                       "()",
                                       "N//",
                                       "N/2",
                                       "1/0",
                                       "N % 0",
                                       "floor(N/0)",
                                       "floor()",
                                       "floor(N",
                                       "floor(N,",
                                       "floor(N,)",
                                       "floor(N, M)",
                                       "max()",
                                       "Mod(N)",
                                       "Mod(N, 2, 3)",
                                       "unknown_name",
                                       "sqrt(N)",
                                       "N.5",
                                       "2.5",
                                       "1e3",
                                       "N**-1",
                                       "N**99",
                                       "N**M",
                                       "N***2",
                                       "N // // 2",
                                       "N = 1",
                                       "N;",
                                       "N\n",
                                       "\"",
                                       "\"\"",
                                       "\"N",
                                       "\"\\\"",
                                       "\"\\x\"",
                                       "\"\\x0\"",
                                       "\"\\x00\"",
                                       "\"\\n\"",
                                       "?",
                                       "#",
                                       "N ^ 2",
                                       "[N]",
                                       "max(N M)",
                                       "max(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17)",
                                       ".5",
                                       "N/2 + 1",
                                       "max(N/2, 1)",
                                       "9223372036854775807 + N + 1",
                                       "N*9223372036854775807*2"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (parse(rows[i]))
            fail_msg("'%s' is read as %s", rows[i], print(parse(rows[i])));
    enum { LONG = 100000 };
    static const char *const repeated[] = {"(", "-", "floor(", "2**", "max(1,", "N+", "\"", "N//"};
    char *const text = oo__malloc(LONG * 8 + 1);
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        const size_t size = strlen(repeated[i]);
        for (size_t k = 0; k < LONG; k++)
            memcpy(text + k * size, repeated[i], size + 1);
        assert_null(parse(text));
    }
    for (size_t k = 0; k < LONG; k++)
        memcpy(text + k * 2, k ? "+N" : " N", 3);
    assert_string_equal(print(parse(text)), "100000*N");
    free(text);
}

/* Damaged texts must be refused or read, and what is read must be printed and read again. */
static void damaged_texts(void **state) {
    (void)state;
    static const char seeds[][48] = {"floor((H - 1)/32) + max(N, M*2 + 1) % 7", "CeilToInt(IntTrueDiv(s0, 32))*-B**2",
                                     "\"batch size\"//(S+1) - min(3,W)"};
    static const char letters[] = "()+-*/%,\"\\ x0129NMs.floormaxin";
    uint64_t draw = 88172645463325252u;
    int read = 0;
    for (int i = 0; i < 20000; i++) {
        char text[48];
        memcpy(text, seeds[i % 3], sizeof text);
        for (int k = 0; k < 1 + i % 5; k++) {
            draw ^= draw << 13, draw ^= draw >> 7, draw ^= draw << 17;
            text[(draw >> 8) % strlen(seeds[i % 3])] = letters[(draw >> 32) % (sizeof letters - 1)];
        }
        const oo_expr *const e = parse(text);
        read += e != NULL;
        if (e && parse(print(e)) != e)
            fail_msg("'%s' is read as %s, that as %s", text, print(e), print(parse(print(e))));
    }
    assert_in_range(read, 300, 5000);
}

static void order_does_not_depend_on_history(void **state) {
    (void)state;
    const char *const text = "W*floor((H + N)/3) + max(N, M, W*2) - min(H, B*S) + B + S*N + 4";
    const char *const expected = print(parse(text));
    oo_arena *const other_arena = oo__arena_new();
    oo_exprs *const other = oo__exprs_new(other_arena), *const first = pool;
    pool = other;
    static const char *const backwards[] = {"W", "S", "N", "M", "H", "B"};
    for (size_t i = 0; i < sizeof backwards / sizeof *backwards; i++)
        (void)named(NULL, backwards[i], 1);
    (void)parse("min(H, B*S)*max(2*W, M, N)*floor((H + N)/3)");
    assert_string_equal(print(parse("4 + S*N + B - min(S*B, H) + max(2*W, M, N) + floor((N + H)/3)*W")), expected);
    assert_string_equal(expected, "N*S + W*floor((H + N)/3) + B - min(B*S, H) + max(M, N, 2*W) + 4");
    pool = first;
    oo__exprs_free(other);
    oo__arena_free(other_arena);
    oo__exprs_free(NULL);
}

int main(void) {
    setlocale(LC_ALL, "C");
#define LAW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LAW(sums_and_products),
        LAW(divisions_by_numbers),
        LAW(divisions_by_symbols),
        LAW(other_divisions),
        LAW(minima_and_maxima),
        LAW(convolutions_stay_small),
        LAW(bounds),
        LAW(bounds_of_symbols_intersect),
        LAW(answers),
        LAW(beyond_64_bits_is_unknown),
        LAW(what_is_too_large_is_unknown),
        LAW(walks),
        LAW(exporters_spellings),
        LAW(what_is_no_expression),
        LAW(damaged_texts),
        LAW(order_does_not_depend_on_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
