/* Text of expressions: terms in canonical order, but a positive one goes first where there is one, so that it reads M - N. */
#include "ir/expr_impl.h"

#include "base/vec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef oo_vec(char) text;

static void put(text *out, const char *bytes, size_t size) {
    if (size == 0)
        return;
    oo_vec_reserve(NULL, out, (uint32_t)size);
    memcpy(out->data + out->n, bytes, size);
    out->n += (uint32_t)size;
}

static void put_text(text *out, const char *string) { put(out, string, strlen(string)); }

static void put_number(text *out, uint64_t value) {
    char digits[24];
    put(out, digits, (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value));
}

static bool starts_name(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_plain(const char *name) {
    if (!starts_name((unsigned char)*name))
        return false;
    for (const char *p = name; *p; p++)
        if (!starts_name((unsigned char)*p) && !(*p >= '0' && *p <= '9') && *p != '.')
            return false;
    return true;
}

/* Names that are no identifiers stand in quotes, with \xHH for what would not be seen. */
static void put_name(text *out, const char *name) {
    if (is_plain(name)) {
        put_text(out, name);
        return;
    }
    put_text(out, "\"");
    for (const char *p = name; *p; p++) {
        char escaped[8];
        const unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            put(out, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", c));
        else
            put(out, p, 1);
    }
    put_text(out, "\"");
}

static void put_sum(text *out, const oo_expr *e);

/* What may stand beside a slash without parentheses: a positive number, a name, a call; before it also a product. */
static void put_operand(text *out, const oo_expr *e, bool product) {
    const bool one_term = e->head.n + (e->constant != 0) <= 1;
    const bool bare = one_term && (e->head.n == 0 || (e->terms[0].coef == 1 && e->terms[0].monomial->degree == 1));
    const bool parentheses = !bare && !(product && one_term);
    put_text(out, parentheses ? "(" : "");
    put_sum(out, e);
    put_text(out, parentheses ? ")" : "");
}

static void put_atom(text *out, const oo__atom *atom) {
    if (atom->head.kind == OO__SYMBOL) {
        put_name(out, atom->name);
        return;
    }
    put_text(out, atom->head.kind == OO__FLOORDIV ? "floor(" : atom->head.kind == OO__MIN ? "min(" : "max(");
    for (uint32_t i = 0; i < atom->head.n; i++) {
        if (atom->head.kind == OO__FLOORDIV) {
            put_text(out, i ? "/" : "");
            put_operand(out, atom->args[i], i == 0);
        } else {
            put_text(out, i ? ", " : "");
            put_sum(out, atom->args[i]);
        }
    }
    put_text(out, ")");
}

/* A number or term with the sign that joins it. The lowest number keeps its minus: it has no positive counterpart. */
static void put_sign(text *out, int64_t value, bool first) {
    if (value == INT64_MIN)
        put_text(out, first ? "-" : " + -");
    else if (value < 0)
        put_text(out, first ? "-" : " - ");
    else
        put_text(out, first ? "" : " + ");
}

static uint64_t magnitude(int64_t value) { return value < 0 ? 0 - (uint64_t)value : (uint64_t)value; }

static void put_term(text *out, const oo__term *t, bool first) {
    put_sign(out, t->coef, first);
    if (magnitude(t->coef) != 1) {
        put_number(out, magnitude(t->coef));
        put_text(out, "*");
    }
    for (uint32_t i = 0; i < t->monomial->head.n; i++) {
        const oo__power *const p = &t->monomial->powers[i];
        put_text(out, i ? "*" : "");
        put_atom(out, p->atom);
        if (p->exponent > 1) {
            put_text(out, "**");
            put_number(out, p->exponent);
        }
    }
}

static void put_constant(text *out, int64_t value, bool first) {
    put_sign(out, value, first);
    put_number(out, magnitude(value));
}

static void put_sum(text *out, const oo_expr *e) {
    uint32_t lead = 0;
    while (lead < e->head.n && e->terms[lead].coef < 0)
        lead++;
    const bool constant_first = e->head.n == 0 || (lead == e->head.n && e->constant > 0);
    if (constant_first)
        put_constant(out, e->constant, true);
    else if (lead < e->head.n)
        put_term(out, &e->terms[lead], true);
    for (uint32_t i = 0; i < e->head.n; i++)
        if (i != lead)
            put_term(out, &e->terms[i], i == 0 && lead == e->head.n && !constant_first);
    if (e->constant && !constant_first)
        put_constant(out, e->constant, false);
}

const char *oo__expr_print(const oo_expr *e, oo_arena *arena) {
    if (!e)
        return oo__arena_copy(arena, "?", 1);
    text out = {0};
    put_sum(&out, e);
    const char *const copy = oo__arena_copy(arena, out.data, out.n);
    oo_vec_free(&out);
    return copy;
}
