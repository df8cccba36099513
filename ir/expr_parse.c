/* Expressions from text, as exporters write them into dim_param: Python and SymPy spellings, and what expr_print.c prints. A slash is
 * division of rational numbers, which only a rounding function around it, or a division that goes out even, makes whole again. */
#include "ir/expr_impl.h"

#include "base/vec.h"

#include <string.h>

enum { PARSE_DEPTH = 64 };

/* number / divisor; divisor NULL is 1; number NULL is an error, or a value that is unknown. */
typedef struct ratio {
    const oo_expr *number, *divisor;
} ratio;

typedef struct parser {
    oo_exprs *pool;
    const char *at;
    int depth;
    const oo_expr *(*symbol)(void *state, const char *name, size_t size);
    void *state;
} parser;

static const ratio nothing = {NULL, NULL};
static ratio parse_sum(parser *p);

/* ---- text ---- */
static void skip_space(parser *p) {
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool accept(parser *p, const char *token) {
    skip_space(p);
    const size_t size = strlen(token);
    if (strncmp(p->at, token, size) != 0)
        return false;
    p->at += size;
    return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool starts_name(char c) {
    const unsigned char u = (unsigned char)c;
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_' || u >= 0x80;
}

static int hex(char c) { return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* ---- ratios ---- */
static ratio whole(const oo_expr *e) { return (ratio){e, NULL}; }

/* The ratio as one expression when it is one. */
static const oo_expr *to_whole(const parser *p, ratio r) {
    return r.divisor ? oo__expr_exact_div(p->pool, r.number, r.divisor) : r.number;
}

static ratio divide(const parser *p, ratio a, ratio b) {
    const oo_expr *const number = b.divisor ? oo__expr_mul(p->pool, a.number, b.divisor) : a.number;
    const oo_expr *const divisor = a.divisor ? oo__expr_mul(p->pool, a.divisor, b.number) : b.number;
    return number && divisor ? (ratio){number, divisor} : nothing;
}

static ratio multiply(const parser *p, ratio a, ratio b) {
    const oo_expr *const number = oo__expr_mul(p->pool, a.number, b.number);
    if (!a.divisor || !b.divisor)
        return (ratio){number, a.divisor ? a.divisor : b.divisor};
    const oo_expr *const divisor = oo__expr_mul(p->pool, a.divisor, b.divisor);
    return divisor ? (ratio){number, divisor} : nothing;
}

/* Over the common divisor where both are numbers, else over the product. */
static ratio add(const parser *p, ratio a, ratio b) {
    oo_exprs *const pool = p->pool;
    const oo_expr *const one = oo__expr_int(pool, 1);
    const oo_expr *da = a.divisor ? a.divisor : one, *db = b.divisor ? b.divisor : one;
    const oo_expr *divisor = da;
    int64_t m = 0, n = 0;
    if (da == db) {
        da = db = one;
    } else {
        if (oo__expr_is_int(da, &m) && oo__expr_is_int(db, &n)) {
            const uint64_t g = oo__gcd(oo__gcd(0, m), n);
            if (g == 0 || g > INT64_MAX)
                return nothing;
            da = oo__expr_int(pool, m / (int64_t)g);
            db = oo__expr_int(pool, n / (int64_t)g);
        }
        divisor = oo__expr_mul(pool, divisor, db);
    }
    const oo_expr *const sum = oo__expr_add(pool, oo__expr_mul(pool, a.number, db), oo__expr_mul(pool, b.number, da));
    return sum && divisor ? (ratio){sum, divisor} : nothing;
}

static const oo_expr *floor_of(const parser *p, ratio r) {
    return r.divisor ? oo__expr_floordiv(p->pool, r.number, r.divisor) : r.number;
}

/* ---- functions ---- */
typedef enum function {
    FLOOR,
    CEILING,
    TRUNC,
    SAME,
    RATIO,
    FLOOR_DIV,
    CEIL_DIV,
    EXACT_DIV,
    MOD,
    MIN,
    MAX,
    INDEX,
    POWER
} function;

static const struct {
    const char *name;
    function function;
    uint8_t least, most; /* arguments */
} functions[] = {
    {"floor", FLOOR, 1, 1},
    {"FloorToInt", FLOOR, 1, 1},
    {"ceiling", CEILING, 1, 1},
    {"ceil", CEILING, 1, 1},
    {"CeilToInt", CEILING, 1, 1},
    {"trunc", TRUNC, 1, 1},
    {"TruncToInt", TRUNC, 1, 1},
    {"Identity", SAME, 1, 1},
    {"ToFloat", SAME, 1, 1},
    {"IntTrueDiv", RATIO, 2, 2},
    {"FloatTrueDiv", RATIO, 2, 2},
    {"FloorDiv", FLOOR_DIV, 2, 2},
    {"CeilDiv", CEIL_DIV, 2, 2},
    {"CleanDiv", EXACT_DIV, 2, 2},
    {"Mod", MOD, 2, 2},
    {"PythonMod", MOD, 2, 2},
    {"Min", MIN, 1, OO__ELEMENTS_MAX},
    {"min", MIN, 1, OO__ELEMENTS_MAX},
    {"Max", MAX, 1, OO__ELEMENTS_MAX},
    {"max", MAX, 1, OO__ELEMENTS_MAX},
    {"ModularIndexing", INDEX, 3, 3},
    {"PowByNatural", POWER, 2, 2},
};

static const oo_expr *power(const parser *p, const oo_expr *base, const oo_expr *exponent) {
    int64_t n = 0;
    if (!oo__expr_is_int(exponent, &n) || n < 0 || n > OO__DEGREE_MAX)
        return NULL;
    const oo_expr *out = oo__expr_int(p->pool, 1);
    for (int64_t i = 0; i < n; i++)
        out = oo__expr_mul(p->pool, out, base);
    return out;
}

/* Functions whose arguments are whole. */
static const oo_expr *call_whole(const parser *p, function f, const oo_expr *const *a, size_t n) {
    switch (f) {
    case FLOOR_DIV: return oo__expr_floordiv(p->pool, a[0], a[1]);
    case CEIL_DIV: return oo__expr_ceildiv(p->pool, a[0], a[1]);
    case EXACT_DIV: return oo__expr_exact_div(p->pool, a[0], a[1]);
    case MOD: return oo__expr_mod(p->pool, a[0], a[1]);
    case INDEX: return oo__expr_mod(p->pool, oo__expr_floordiv(p->pool, a[0], a[1]), a[2]);
    case POWER: return power(p, a[0], a[1]);
    case MIN:
    case MAX: return oo__expr_extreme(p->pool, f == MIN ? OO__MIN : OO__MAX, a, n);
    case FLOOR:
    case CEILING:
    case TRUNC:
    case SAME:
    case RATIO: break;
    }
    return NULL;
}

static ratio call(const parser *p, function f, const ratio *args, size_t n) {
    const oo_expr *wholes[OO__ELEMENTS_MAX] = {NULL};
    switch (f) {
    case FLOOR: return whole(floor_of(p, args[0]));
    case CEILING: return args[0].divisor ? whole(oo__expr_ceildiv(p->pool, args[0].number, args[0].divisor)) : args[0];
    case TRUNC: return args[0].divisor ? whole(oo__expr_truncdiv(p->pool, args[0].number, args[0].divisor)) : args[0];
    case SAME: return args[0];
    case RATIO: return divide(p, args[0], args[1]);
    case FLOOR_DIV:
    case CEIL_DIV:
    case EXACT_DIV:
    case MOD:
    case MIN:
    case MAX:
    case INDEX:
    case POWER: break;
    }
    for (size_t i = 0; i < n; i++)
        if (!(wholes[i] = to_whole(p, args[i])))
            return nothing;
    return whole(call_whole(p, f, wholes, n));
}

static ratio parse_call(parser *p, const char *name, size_t size) {
    ratio args[OO__ELEMENTS_MAX] = {{NULL, NULL}};
    size_t n = 0;
    do {
        if (n == OO__ELEMENTS_MAX)
            return nothing;
        args[n] = parse_sum(p);
        if (!args[n++].number)
            return nothing;
    } while (accept(p, ","));
    if (!accept(p, ")"))
        return nothing;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strlen(functions[i].name) == size && memcmp(functions[i].name, name, size) == 0)
            return n >= functions[i].least && n <= functions[i].most ? call(p, functions[i].function, args, n)
                                                                     : nothing;
    return nothing;
}

/* ---- grammar ---- */
static const oo_expr *parse_number(parser *p, bool negative) {
    const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    uint64_t value = 0;
    for (; is_digit(*p->at); p->at++) {
        const uint64_t digit = (uint64_t)(*p->at - '0');
        if (value > (most - digit) / 10)
            return NULL;
        value = value * 10 + digit;
    }
    if (starts_name(*p->at) || *p->at == '.')
        return NULL;
    return oo__expr_int(p->pool, negative ? (int64_t)(0 - value) : (int64_t)value);
}

static const oo_expr *parse_quoted(parser *p) {
    oo_vec(char) name = {0};
    bool good = true;
    while (good && *p->at && *p->at != '"') {
        char c = *p->at++;
        if (c == '\\') {
            const int high = p->at[0] == 'x' ? hex(p->at[1]) : -1, low = high >= 0 ? hex(p->at[2]) : -1;
            good = low >= 0 && high + low > 0;
            if (good)
                c = (char)(high * 16 + low);
            p->at += good ? 3 : 0;
        }
        oo_vec_push(NULL, &name, c);
    }
    good = good && name.n && *p->at == '"';
    p->at += good;
    const oo_expr *const e = good ? p->symbol(p->state, name.data, name.n) : NULL;
    oo_vec_free(&name);
    return e;
}

static ratio parse_primary(parser *p) {
    skip_space(p);
    if (is_digit(*p->at))
        return whole(parse_number(p, false));
    if (accept(p, "(")) {
        const ratio inner = parse_sum(p);
        return accept(p, ")") ? inner : nothing;
    }
    if (accept(p, "\""))
        return whole(parse_quoted(p));
    const char *const name = p->at;
    if (!starts_name(*name))
        return nothing;
    while (starts_name(*p->at) || is_digit(*p->at) || *p->at == '.')
        p->at++;
    const size_t size = (size_t)(p->at - name);
    return accept(p, "(") ? parse_call(p, name, size) : whole(p->symbol(p->state, name, size));
}

/* Minus binds less than ** and more than *, as in Python; `-9223372036854775808` is one number. */
static ratio parse_unary(parser *p) {
    if (++p->depth > PARSE_DEPTH)
        return nothing;
    ratio r = nothing;
    if (accept(p, "-")) {
        skip_space(p);
        size_t digits = 0;
        while (is_digit(p->at[digits]))
            digits++;
        const char *after = p->at + digits;
        while (*after == ' ' || *after == '\t')
            after++;
        if (digits && strncmp(after, "**", 2) != 0)
            r = whole(parse_number(p, true));
        else
            r = multiply(p, whole(oo__expr_int(p->pool, -1)), parse_unary(p));
    } else if (accept(p, "+")) {
        r = parse_unary(p);
    } else {
        r = parse_primary(p);
        if (r.number && accept(p, "**"))
            r = whole(power(p, to_whole(p, r), to_whole(p, parse_unary(p))));
    }
    p->depth--;
    return r;
}

static ratio parse_product(parser *p) {
    ratio left = parse_unary(p);
    while (left.number) {
        if (accept(p, "//"))
            left = whole(floor_of(p, divide(p, left, parse_unary(p))));
        else if (accept(p, "/"))
            left = divide(p, left, parse_unary(p));
        else if (accept(p, "%"))
            left = whole(oo__expr_mod(p->pool, to_whole(p, left), to_whole(p, parse_unary(p))));
        else if (accept(p, "*"))
            left = multiply(p, left, parse_unary(p));
        else
            break;
    }
    return left;
}

/* Whole terms are gathered before the sum is made, so that the text of a sum gives that sum whatever parts of it amount to. */
static ratio parse_sum(parser *p) {
    if (++p->depth > PARSE_DEPTH)
        return nothing;
    oo__sum s;
    oo__sum_begin(&s);
    ratio rest = nothing; /* the terms that are not whole */
    bool negative = false;
    do {
        const ratio term = parse_product(p);
        if (!term.number)
            return nothing;
        const ratio part = negative ? multiply(p, whole(oo__expr_int(p->pool, -1)), term) : term;
        if (!part.number)
            return nothing;
        if (!term.divisor)
            oo__sum_add(&s, term.number, negative ? -1 : 1);
        else
            rest = rest.number ? add(p, rest, part) : part;
        if (s.unknown || (term.divisor && !rest.number))
            return nothing;
        negative = accept(p, "-");
    } while (negative || accept(p, "+"));
    p->depth--;
    const ratio sum = whole(oo__sum_done(p->pool, &s));
    if (!rest.number || !sum.number)
        return sum;
    return add(p, rest, sum);
}

const oo_expr *oo__expr_parse(oo_exprs *pool, const char *text,
                              const oo_expr *(*symbol)(void *state, const char *name, size_t size), void *state) {
    parser p = {.pool = pool, .at = text, .symbol = symbol, .state = state};
    const ratio r = parse_sum(&p);
    skip_space(&p);
    return r.number && *p.at == '\0' ? to_whole(&p, r) : NULL;
}
