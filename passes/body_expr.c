/* Expressions in the bodies of operators. */
#include "passes/bodies.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    oo__body_scope *scope;
    const char *at, *end;
    unsigned depth;
} reader;

enum { DEEP = 32 };

static oo__body_value any(reader *r);

static oo__body_value whole(int64_t i) { return (oo__body_value){.kind = OO__BODY_INT, .i = i}; }
static oo__body_value real(double f) { return (oo__body_value){.kind = OO__BODY_REAL, .f = f}; }
static oo__body_value words(const char *text) { return (oo__body_value){.kind = OO__BODY_TEXT, .text = text}; }

static oo__body_value unknown(oo__body_scope *scope, const char *why) {
    if (!scope->why)
        scope->why = why;
    return (oo__body_value){.kind = OO__BODY_UNKNOWN};
}

/* ---- tokens ---- */
static void skip(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

static bool take(reader *r, const char *token) {
    skip(r);
    const size_t n = strlen(token);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, token, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The name that comes, NULL when none does. */
static const char *take_name(reader *r) {
    skip(r);
    const char *const from = r->at;
    if (from == r->end || !is_letter(*from))
        return NULL;
    while (r->at < r->end && (is_letter(*r->at) || is_digit(*r->at)))
        r->at++;
    return oo__arena_copy(r->scope->arena, from, (size_t)(r->at - from));
}

/* ---- what is known of the node ---- */
static int formal_index(const oo_schema_io *list, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return (int)i;
    return -1;
}

static oo__body_value attr_value(oo__body_scope *s, const char *name) {
    const oo_schema_attr *const row = oo__schema_attr(s->schema, name);
    const oo_attr *const attr = oo_node_attr(s->node, name);
    if (!row)
        return unknown(s, oo__arena_printf(s->arena, "the body names \"%s\", which is nothing", name));
    const char *const why = oo__arena_printf(s->arena, "the value of attribute \"%s\" is unknown", name);
    if (attr && (attr->reference || attr->raw.data || attr->type != row->type))
        return unknown(s, why);
    if (row->type == OO_ATTR_INT && (attr || row->has_default))
        return whole(attr ? attr->i : row->i);
    if (row->type == OO_ATTR_FLOAT && (attr || row->has_default))
        return real(attr ? (double)attr->f : (double)row->f);
    if (row->type == OO_ATTR_STRING && attr)
        return words(oo__arena_copy(s->arena, attr->s.data, attr->s.size));
    return row->type == OO_ATTR_STRING && row->has_default ? words(row->s) : unknown(s, why);
}

static oo__body_value name_value(oo__body_scope *s, const char *name) {
    for (uint32_t i = s->names.n; i-- > 0;)
        if (strcmp(s->names.data[i].name, name) == 0)
            return s->names.data[i].value;
    if (strcmp(name, "since") == 0 || strcmp(name, "opset") == 0)
        return whole(*name == 's' ? s->body->since : s->body->opset);
    const oo_elem elem = oo__elem_find(name, strlen(name));
    return elem != OO_UNDEFINED ? whole(elem) : attr_value(s, name);
}

static oo__body_value input_fact(reader *r, const char *function, const char *name, int64_t axis) {
    oo__body_scope *const s = r->scope;
    const int index = formal_index(s->schema->inputs, s->schema->ninputs, name);
    const oo_value *const value = index < 0 ? NULL : oo_node_input(s->node, (uint32_t)index);
    if (index < 0)
        return unknown(s, oo__arena_printf(s->arena, "the body names \"%s\", which is no input", name));
    if (strcmp(function, "has") == 0)
        return whole(value != NULL);
    const oo_type *const type = value ? oo_value_type(value) : NULL;
    if (strcmp(function, "elem") == 0)
        return oo_type_elem(type) != OO_UNDEFINED ? whole(oo_type_elem(type))
                                                  : unknown(s, oo__arena_printf(s->arena, "the element type of \"%s\" is unknown", name));
    if (strcmp(function, "rank") == 0)
        return oo_type_rank(type) >= 0 ? whole(oo_type_rank(type)) : unknown(s, oo__arena_printf(s->arena, "the rank of \"%s\" is unknown", name));
    const int64_t size = axis < 0 ? -1 : oo_type_dim(type, (uint32_t)axis);
    return size >= 0 ? whole(size) : unknown(s, oo__arena_printf(s->arena, "dimension %d of \"%s\" is unknown", (int)axis, name));
}

static oo__body_value call(reader *r, const char *function) {
    oo__body_scope *const s = r->scope;
    if (strcmp(function, "name") == 0) {
        const oo__body_value elem = any(r);
        const char *const text = elem.kind == OO__BODY_INT ? oo__elem_name((int32_t)elem.i) : NULL;
        return text ? words(text) : unknown(s, "an element type is unknown");
    }
    const char *const name = take_name(r);
    if (!name)
        return unknown(s, "the body asks for nothing");
    if (strcmp(function, "given") == 0)
        return whole(oo_node_attr(s->node, name) != NULL);
    if (strcmp(function, "used") == 0) {
        const int index = formal_index(s->schema->outputs, s->schema->noutputs, name);
        return whole(index >= 0 && oo_node_output(s->node, (uint32_t)index) != NULL);
    }
    const oo__body_value axis = take(r, ",") ? any(r) : whole(0);
    return input_fact(r, function, name, axis.i);
}

/* ---- the grammar ---- */
static oo__body_value number(reader *r) {
    char text[64] = "";
    size_t n = 0;
    while (r->at < r->end && n < sizeof text - 1 && (is_digit(*r->at) || *r->at == '.' || *r->at == 'e'))
        text[n++] = *r->at++;
    return strpbrk(text, ".e") ? real(strtod(text, NULL)) : whole(strtoll(text, NULL, 10));
}

static oo__body_value primary(reader *r) {
    if (r->depth++ > DEEP)
        return unknown(r->scope, "the body nests expressions too deeply");
    skip(r);
    if (take(r, "(")) {
        const oo__body_value value = any(r);
        take(r, ")");
        return value;
    }
    if (take(r, "\"")) {
        const char *const from = r->at;
        while (r->at < r->end && *r->at != '"')
            r->at++;
        const char *const text = oo__arena_copy(r->scope->arena, from, (size_t)(r->at - from));
        take(r, "\"");
        return words(text);
    }
    if (r->at < r->end && is_digit(*r->at))
        return number(r);
    const char *const name = take_name(r);
    if (!name)
        return unknown(r->scope, "the body has a malformed expression");
    if (!take(r, "("))
        return name_value(r->scope, name);
    const oo__body_value value = call(r, name);
    take(r, ")");
    return value;
}

static bool truth(const oo__body_value *v) { return v->kind == OO__BODY_TEXT ? *v->text : v->kind == OO__BODY_REAL ? v->f != 0 : v->i != 0; }

static oo__body_value unary(reader *r) {
    skip(r);
    if (r->at + 1 < r->end && r->at[0] == '!' && r->at[1] != '=' && take(r, "!")) {
        const oo__body_value v = unary(r);
        return v.kind == OO__BODY_UNKNOWN ? v : whole(!truth(&v));
    }
    if (take(r, "-")) {
        const oo__body_value v = unary(r);
        return v.kind == OO__BODY_REAL ? real(-v.f) : v.kind == OO__BODY_INT ? whole(-v.i) : v;
    }
    const oo__body_value v = primary(r);
    r->depth--;
    return v;
}

static double as_real(const oo__body_value *v) { return v->kind == OO__BODY_REAL ? v->f : (double)v->i; }

static oo__body_value arithmetic(reader *r, char op, oo__body_value a, oo__body_value b) {
    if (a.kind == OO__BODY_UNKNOWN || b.kind == OO__BODY_UNKNOWN)
        return a.kind == OO__BODY_UNKNOWN ? a : b;
    if (a.kind == OO__BODY_TEXT || b.kind == OO__BODY_TEXT)
        return unknown(r->scope, "the body computes with text");
    if (a.kind == OO__BODY_REAL || b.kind == OO__BODY_REAL) {
        const double x = as_real(&a), y = as_real(&b);
        return real(op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y);
    }
    int64_t i;
    const bool bad = op == '+'   ? __builtin_add_overflow(a.i, b.i, &i)
                     : op == '-' ? __builtin_sub_overflow(a.i, b.i, &i)
                     : op == '*' ? __builtin_mul_overflow(a.i, b.i, &i)
                                 : b.i == 0 || b.i == -1;
    if (bad)
        return unknown(r->scope, "a number of the body does not fit 64 bits");
    return whole(op == '/' ? a.i / b.i : op == '%' ? a.i % b.i : i);
}

static oo__body_value product(reader *r) {
    oo__body_value v = unary(r);
    for (;;) {
        const char op = (char)(take(r, "*") ? '*' : take(r, "/") ? '/' : take(r, "%") ? '%' : 0);
        if (!op)
            return v;
        v = arithmetic(r, op, v, unary(r));
    }
}

static oo__body_value sum(reader *r) {
    oo__body_value v = product(r);
    for (;;) {
        const char op = (char)(take(r, "+") ? '+' : take(r, "-") ? '-' : 0);
        if (!op)
            return v;
        v = arithmetic(r, op, v, product(r));
    }
}

static oo__body_value comparison(reader *r) {
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    const oo__body_value a = sum(r);
    for (unsigned k = 0; k < sizeof ops / sizeof *ops; k++) {
        if (!take(r, ops[k]))
            continue;
        const oo__body_value b = sum(r);
        if (a.kind == OO__BODY_UNKNOWN || b.kind == OO__BODY_UNKNOWN)
            return a.kind == OO__BODY_UNKNOWN ? a : b;
        const bool texts = a.kind == OO__BODY_TEXT && b.kind == OO__BODY_TEXT;
        const double x = texts ? (double)strcmp(a.text, b.text) : as_real(&a), y = texts ? 0 : as_real(&b);
        const bool holds[] = {x == y, x != y, x <= y, x >= y, x < y, x > y};
        return whole(holds[k]);
    }
    return a;
}

/* What is unknown on one side of && and || does not count when the other side decides. */
static oo__body_value logic(reader *r, oo__body_value (*next)(reader *), const char *op, bool decides) {
    const char *const why = r->scope->why;
    oo__body_value v = next(r);
    while (take(r, op)) {
        const oo__body_value b = next(r);
        const bool decided = (v.kind != OO__BODY_UNKNOWN && truth(&v) == decides) || (b.kind != OO__BODY_UNKNOWN && truth(&b) == decides);
        if (decided)
            r->scope->why = why;
        v = decided ? whole(decides) : v.kind == OO__BODY_UNKNOWN ? v : b.kind == OO__BODY_UNKNOWN ? b : whole(!decides);
    }
    return v;
}

static oo__body_value both(reader *r) { return logic(r, comparison, "&&", false); }
static oo__body_value any(reader *r) { return logic(r, both, "||", true); }

oo__body_value oo__body_evaluate(oo__body_scope *scope, const char *text, size_t size) {
    reader r = {.scope = scope, .at = text, .end = text + size};
    const oo__body_value value = any(&r);
    skip(&r);
    return r.at == r.end ? value : unknown(scope, "the body has a malformed expression");
}
