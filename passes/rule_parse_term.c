/* Reads the terms of guards, attributes and both sides of rules, and checks their sorts. Operator calls are in rule_parse_operator.c. */
#include "passes/rule_parse.h"

#include "io/text_number.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- looking ahead ---- */
/* The first character behind the current token that is no blank. */
const char *oo__rp_behind(const oo__rule_parser *p) {
    const char *at = p->lex.at;
    while (at < p->lex.end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
        at++;
    return at;
}

char oo__rp_char_behind(const oo__rule_parser *p) {
    const char *const at = oo__rp_behind(p);
    if (at < p->lex.end)
        return *at;
    return '\0';
}

/* ---- nodes ---- */
static oo__ast *new_ast(const oo__rule_parser *p, oo__ast_kind kind, oo__sort sort, const oo__token *at) {
    oo__ast *const ast = OO_NEW(p->arena, oo__ast);
    ast->kind = kind;
    ast->sort = sort;
    ast->line = at->line;
    ast->column = at->column;
    return ast;
}

static void set_args(oo__ast *ast, oo__rule_parser *p, const oo__ast *a, const oo__ast *b) {
    ast->args = OO_NEW_ARRAY(p->arena, const oo__ast *, 2);
    ast->args[0] = a;
    ast->args[1] = b;
    ast->nargs = b ? 2 : 1;
}

oo_status oo__rp_sort_error(oo__rule_parser *p, const oo__ast *at, const char *what, oo__sort found) {
    oo__rule_fail(p, at->line, at->column, "rule-sort", "expected %s, found %s", what, oo__sort_name(found));
    return OO_INVALID;
}

static bool is_number(oo__sort sort) { return sort == OO__SORT_INT || sort == OO__SORT_FLOAT || sort == OO__SORT_ANY; }

/* Whether a term of sort `from` may stand where `to` is wanted. */
bool oo__sort_fits(oo__sort from, oo__sort to) {
    if (from == to || from == OO__SORT_ANY || to == OO__SORT_ANY)
        return true;
    if (from == OO__SORT_INT)
        return to == OO__SORT_FLOAT || to == OO__SORT_TYPE;
    if (from == OO__SORT_TYPE)
        return to == OO__SORT_INT;
    return from == OO__SORT_INTS && to == OO__SORT_FLOATS;
}

/* ---- numbers and words ---- */
static oo_status parse_number(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    oo__ast *const ast = *out = new_ast(p, OO__AST_NUMBER, t.kind == OO__TOKEN_INT ? OO__SORT_INT : OO__SORT_FLOAT, &t);
    bool ok = oo__double_read(&ast->number, t.text, t.size);
    if (t.kind == OO__TOKEN_INT)
        ok = oo__int64_read(&ast->integer, t.text, t.size);
    if (!ok)
        return oo__lex_fail(&p->lex, &t, "text-number", "this number does not fit");
    oo__rp_next(p);
    return OO_OK;
}

/* true, false, inf, nan and element types; false when the word is none of these. */
static bool take_word(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    const oo_elem elem = oo__elem_find(t.text, t.size);
    const bool truth = oo__lex_is_word(&p->lex, "true"), falsity = oo__lex_is_word(&p->lex, "false");
    const bool inf = oo__lex_is_word(&p->lex, "inf"), nan = oo__lex_is_word(&p->lex, "nan");
    if (elem != OO_UNDEFINED) {
        *out = new_ast(p, OO__AST_TYPE, OO__SORT_TYPE, &t);
        (*out)->elem = elem;
        (*out)->integer = (int64_t)elem;
    } else if (truth || falsity) {
        *out = new_ast(p, OO__AST_NUMBER, OO__SORT_INT, &t);
        (*out)->number = truth;
        (*out)->integer = truth;
    } else if (inf || nan) {
        *out = new_ast(p, OO__AST_NUMBER, OO__SORT_FLOAT, &t);
        (*out)->number = inf ? (double)INFINITY : (double)NAN;
    } else {
        return false;
    }
    oo__rp_next(p);
    return true;
}

static oo_status parse_string(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    *out = new_ast(p, OO__AST_STRING, OO__SORT_STRING, &t);
    char *const text = oo__arena_alloc(p->arena, t.size + 1);
    text[oo__lex_unescape(text, &t)] = 0;
    (*out)->string = text;
    oo__rp_next(p);
    return OO_OK;
}

/* ---- lists ---- */
/* Terms up to `close`, which is taken. */
static oo_status parse_terms(oo__ast *ast, oo__rule_parser *p, int close, const char *expected) {
    const uint32_t base = p->stack.n;
    while (!oo__rp_take(p, close)) {
        if (p->stack.n > base)
            OO_TRY(oo__rp_expect(p, ',', expected));
        const oo__ast *term = NULL;
        OO_TRY(oo__rp_term(&term, p, true));
        oo_vec_push(NULL, &p->stack, (oo__ast *)(uintptr_t)term);
    }
    ast->nargs = p->stack.n - base;
    ast->args = OO_NEW_ARRAY(p->arena, const oo__ast *, ast->nargs + 1);
    for (uint32_t i = 0; i < ast->nargs; i++)
        ast->args[i] = p->stack.data[base + i];
    p->stack.n = base;
    return OO_OK;
}

static oo_status parse_list(oo__ast **out, oo__rule_parser *p) {
    oo__ast *const ast = *out = new_ast(p, OO__AST_LIST, OO__SORT_INTS, &p->lex.token);
    oo__rp_next(p);
    OO_TRY(parse_terms(ast, p, ']', "',' or ']'"));
    for (uint32_t i = 0; i < ast->nargs; i++) {
        const oo__sort sort = ast->args[i]->sort;
        if (sort == OO__SORT_FLOAT)
            ast->sort = OO__SORT_FLOATS;
        else if (sort == OO__SORT_VALUE || sort == OO__SORT_BOOL || sort == OO__SORT_INTS || sort == OO__SORT_VALUES)
            return oo__rp_sort_error(p, ast->args[i], "a number, a type or a string in a list", sort);
    }
    return OO_OK;
}

/* ---- functions ---- */
static const char *function_name(const void *state, uint32_t k) {
    (void)state;
    bool is_helper;
    const oo__function_row *const row = oo__function_at(k, &is_helper);
    return row ? row->name : NULL;
}

static const oo__function_row *find_function(const oo__rule_parser *p, const char *name) {
    bool is_helper;
    for (uint32_t k = 0; oo__function_at(k, &is_helper); k++)
        if (strcmp(oo__function_at(k, &is_helper)->name, name) == 0)
            return oo__function_at(k, &is_helper);
    return p->source->find ? p->source->find(p->source->state, name) : NULL;
}

static oo_status check_arguments(oo__rule_parser *p, const oo__ast *call, const char *name) {
    oo__sort sort;
    for (uint32_t i = 0; i < call->nargs; i++) {
        const oo__ast *const arg = call->args[i];
        if (!oo__signature_at(call->function, i, &sort))
            return oo__rule_fail(p, arg->line, arg->column, "rule-sort", "%s takes %u arguments, not %u: %s(%s)", name, i, call->nargs,
                                 name, call->function->signature);
        if (!oo__sort_fits(arg->sort, sort))
            return oo__rule_fail(p, arg->line, arg->column, "rule-sort", "expected %s, found %s: %s(%s)", oo__sort_name(sort),
                                 oo__sort_name(arg->sort), name, call->function->signature);
    }
    const bool many = strstr(call->function->signature, "...") != NULL;
    if (!many && oo__signature_at(call->function, call->nargs, &sort))
        return oo__rule_fail(p, call->line, call->column, "rule-sort", "%s lacks %s: %s(%s)", name, oo__sort_name(sort), name,
                             call->function->signature);
    return OO_OK;
}

static oo_status parse_call(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    const char *const name = oo__rp_text(p);
    oo__ast *const ast = *out = new_ast(p, OO__AST_CALL, OO__SORT_ANY, &t);
    ast->function = find_function(p, name);
    if (!ast->function) {
        const char *const near = oo__nearest(name, function_name, NULL);
        return oo__lex_fail(&p->lex, &t, "rule-function", "there is no guard or helper %s%s%s%s", name, near ? "; did you mean " : "",
                            near ? near : "", near ? "?" : "");
    }
    oo__rp_next(p); /* '(' */
    OO_TRY(parse_terms(ast, p, ')', "',' or ')'"));
    ast->sort = oo__signature_result(ast->function);
    return check_arguments(p, ast, name);
}

/* ---- names ---- */
static const char *slot_name(const void *state, uint32_t i) {
    const oo__rule *const rule = state;
    return i < rule->nslots ? rule->slots[i].name : NULL;
}

/* A name in a guard or on the right side, where it must be known. */
static oo_status parse_known_name(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    const char *const name = oo__rp_text(p);
    const uint32_t slot = oo__rp_find_slot(p, name);
    if (slot == UINT32_MAX) {
        const char *const near = oo__nearest(name, slot_name, p->rule);
        return oo__lex_fail(&p->lex, &t, "rule-name", "nothing is called %s in this rule%s%s%s", name, near ? "; did you mean " : "",
                            near ? near : "", near ? "?" : "");
    }
    oo__slot *const s = &p->rule->slots[slot];
    const bool spread = oo__lex_is(&p->lex, OO__DOTS);
    if (spread) {
        oo__rp_next(p);
        OO_TRY(oo__rp_expect(p, '.', "\"...\""));
    }
    if (!s->many && spread)
        return oo__lex_fail(&p->lex, &t, "rule-name", "%s is one value, no list", name);
    s->used_right |= p->place == OO__RIGHT;
    *out = new_ast(p, s->many ? OO__AST_VALUES : OO__AST_VALUE, s->many ? OO__SORT_VALUES : OO__SORT_VALUE, &t);
    (*out)->slot = slot;
    return OO_OK;
}

static uint32_t find_attr(const oo__rule *rule, const char *name) {
    for (uint32_t i = 0; i < rule->nattrs; i++)
        if (strcmp(rule->attrs[i], name) == 0)
            return i;
    return UINT32_MAX;
}

static const char *attr_name(const void *state, uint32_t i) {
    const oo__rule *const rule = state;
    return i < rule->nattrs ? rule->attrs[i] : NULL;
}

/* @name; `binding`: it may be new. */
oo_status oo__rp_attr_name(oo__ast **out, oo__rule_parser *p, bool binding, oo__sort sort) {
    oo__rp_next(p);
    const oo__token t = p->lex.token;
    if (t.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, "a name behind @");
    const char *const name = oo__rp_text(p);
    uint32_t slot = find_attr(p->rule, name);
    if (slot == UINT32_MAX && !binding) {
        const char *const near = oo__nearest(name, attr_name, p->rule);
        return oo__lex_fail(&p->lex, &t, "rule-name", "no attribute is bound to @%s%s%s%s", name, near ? "; did you mean @" : "",
                            near ? near : "", near ? "?" : "");
    }
    if (slot == UINT32_MAX) {
        if (p->rule->nattrs == OO__RULE_ATTRS)
            return oo__lex_fail(&p->lex, &t, "rule-limit", "a rule binds at most %d attributes", OO__RULE_ATTRS);
        slot = p->rule->nattrs++;
        p->rule->attrs[slot] = name;
        p->rule->attr_sorts[slot] = sort;
    }
    *out = new_ast(p, OO__AST_ATTR, p->rule->attr_sorts[slot], &t);
    (*out)->slot = slot;
    return OO_OK;
}

/* ---- terms ---- */
static oo_status parse_operator_term(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    oo__operator *op = NULL;
    OO_TRY(oo__rp_operator(&op, p));
    *out = new_ast(p, OO__AST_OPERATOR, OO__SORT_VALUE, &t);
    (*out)->op = op;
    return OO_OK;
}

static oo_status parse_group(oo__ast **out, oo__rule_parser *p) {
    oo__rp_next(p);
    const oo__ast *inner = NULL;
    OO_TRY(oo__rp_term(&inner, p, true));
    *out = (oo__ast *)(uintptr_t)inner;
    return oo__rp_expect(p, ')', "')' or an operator");
}

static oo_status parse_primary(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    if (t.kind == OO__TOKEN_INT || t.kind == OO__TOKEN_FLOAT)
        return parse_number(out, p);
    if (t.kind == OO__TOKEN_STRING)
        return parse_string(out, p);
    if (oo__lex_is(&p->lex, '['))
        return parse_list(out, p);
    if (oo__lex_is(&p->lex, '@'))
        return oo__rp_attr_name(out, p, false, OO__SORT_ANY);
    if (oo__rp_at_operator(p))
        return parse_operator_term(out, p);
    if (oo__lex_is(&p->lex, '('))
        return parse_group(out, p);
    if (p->place == OO__RIGHT && oo__lex_is_word(&p->lex, "_")) {
        *out = new_ast(p, OO__AST_ANYTHING, OO__SORT_VALUE, &t); /* an omitted input */
        oo__rp_next(p);
        return OO_OK;
    }
    if (t.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, p->place == OO__RIGHT ? "a value, a number or an operator" : "a term");
    if (oo__rp_char_behind(p) == '(')
        return parse_call(out, p);
    char name[64] = "";
    memcpy(name, t.text, t.size < 63 ? t.size : 63);
    return oo__rp_find_slot(p, name) == UINT32_MAX && take_word(out, p) ? OO_OK : parse_known_name(out, p);
}

static oo_status parse_indexed(oo__ast **out, oo__rule_parser *p) {
    OO_TRY(parse_primary(out, p));
    while (oo__lex_is(&p->lex, '[')) {
        oo__ast *const list = *out;
        oo__sort item = list->sort == OO__SORT_INTS ? OO__SORT_INT : list->sort == OO__SORT_FLOATS ? OO__SORT_FLOAT : OO__SORT_ANY;
        if (list->sort == OO__SORT_VALUES)
            item = OO__SORT_VALUE;
        else if (list->sort != OO__SORT_ANY && item == OO__SORT_ANY)
            return oo__rp_sort_error(p, list, "a list before [", list->sort);
        oo__ast *const ast = new_ast(p, OO__AST_INDEX, item, &p->lex.token);
        oo__rp_next(p);
        const oo__ast *index = NULL;
        OO_TRY(oo__rp_term(&index, p, true));
        if (!oo__sort_fits(index->sort, OO__SORT_INT))
            return oo__rp_sort_error(p, index, "an index", index->sort);
        OO_TRY(oo__rp_expect(p, ']', "']'"));
        set_args(ast, p, list, index);
        *out = ast;
    }
    return OO_OK;
}

static oo_status parse_unary(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    if (!oo__rp_take(p, '-'))
        return parse_indexed(out, p);
    oo__ast *inner = NULL;
    OO_TRY(parse_unary(&inner, p));
    if (!is_number(inner->sort))
        return oo__rp_sort_error(p, inner, "a number behind -", inner->sort);
    *out = new_ast(p, OO__AST_MINUS, inner->sort, &t);
    set_args(*out, p, inner, NULL);
    return OO_OK;
}

/* The sort of a OP b; OO__SORT_STRING when there is none. */
static oo__sort arithmetic_sort(oo__sort a, oo__sort b) {
    if (a == OO__SORT_INTS || b == OO__SORT_INTS)
        return (a == OO__SORT_INTS || a == OO__SORT_INT || a == OO__SORT_ANY) && (b == OO__SORT_INTS || b == OO__SORT_INT || b == OO__SORT_ANY)
                   ? OO__SORT_INTS
                   : OO__SORT_STRING;
    if (!is_number(a) || !is_number(b))
        return OO__SORT_STRING;
    if (a == OO__SORT_ANY || b == OO__SORT_ANY)
        return OO__SORT_ANY;
    return a == OO__SORT_INT && b == OO__SORT_INT ? OO__SORT_INT : OO__SORT_FLOAT;
}

static oo_status binary(oo__ast **left, oo__rule_parser *p, oo__ast_kind kind, const oo__token *at, const oo__ast *right) {
    const oo__sort sort = arithmetic_sort((*left)->sort, right->sort);
    if (sort == OO__SORT_STRING)
        return oo__rp_sort_error(p, is_number((*left)->sort) ? right : *left, "a number", is_number((*left)->sort) ? right->sort : (*left)->sort);
    oo__ast *const ast = new_ast(p, kind, sort, at);
    set_args(ast, p, *left, right);
    *left = ast;
    return OO_OK;
}

static oo_status parse_product(oo__ast **out, oo__rule_parser *p) {
    OO_TRY(parse_unary(out, p));
    for (;;) {
        const oo__token t = p->lex.token;
        const oo__ast_kind kind = oo__lex_is(&p->lex, '*') ? OO__AST_MUL : oo__lex_is(&p->lex, '/') ? OO__AST_DIV : OO__AST_MOD;
        if (kind == OO__AST_MOD && !oo__lex_is(&p->lex, '%'))
            return OO_OK;
        oo__rp_next(p);
        oo__ast *right = NULL;
        OO_TRY(parse_unary(&right, p));
        OO_TRY(binary(out, p, kind, &t, right));
    }
}

static oo_status parse_sum(oo__ast **out, oo__rule_parser *p) {
    OO_TRY(parse_product(out, p));
    for (;;) {
        const oo__token t = p->lex.token;
        const bool minus = oo__lex_is(&p->lex, '-');
        /* "a -1": the lexer takes the sign with the number, so this is a sum of a and -1. */
        const bool negative = (t.kind == OO__TOKEN_INT || t.kind == OO__TOKEN_FLOAT) && *t.text == '-';
        if (!minus && !negative && !oo__lex_is(&p->lex, '+'))
            return OO_OK;
        if (!negative)
            oo__rp_next(p);
        oo__ast *right = NULL;
        OO_TRY(parse_product(&right, p));
        OO_TRY(binary(out, p, minus ? OO__AST_SUB : OO__AST_ADD, &t, right));
    }
}

static const struct {
    int punct;
    oo__ast_kind kind;
} COMPARISONS[] = {{OO__EQUAL, OO__AST_EQUAL}, {OO__UNEQUAL, OO__AST_UNEQUAL},     {OO__LESS, OO__AST_LESS_EQUAL},
                   {'<', OO__AST_LESS},        {OO__MORE, OO__AST_MORE_EQUAL}, {'>', OO__AST_MORE}};

static oo_status check_comparison(oo__rule_parser *p, const oo__ast *a, oo__ast_kind kind, const oo__ast *b) {
    if (kind == OO__AST_EQUAL || kind == OO__AST_UNEQUAL)
        return oo__sort_fits(a->sort, b->sort) || oo__sort_fits(b->sort, a->sort) ? OO_OK : oo__rp_sort_error(p, b, oo__sort_name(a->sort), b->sort);
    if (kind == OO__AST_IN)
        return b->sort == OO__SORT_INTS || b->sort == OO__SORT_FLOATS || b->sort == OO__SORT_ANY
                   ? OO_OK
                   : oo__rp_sort_error(p, b, "a list behind \"in\"", b->sort);
    if (!is_number(a->sort))
        return oo__rp_sort_error(p, a, "a number", a->sort);
    return is_number(b->sort) ? OO_OK : oo__rp_sort_error(p, b, "a number", b->sort);
}

static oo_status parse_comparison(oo__ast **out, oo__rule_parser *p, bool comparing) {
    const char *const start = p->lex.token.text;
    OO_TRY(parse_sum(out, p));
    oo__ast_kind kind = OO__AST_IN;
    bool found = oo__lex_is_word(&p->lex, "in");
    for (size_t i = 0; !found && i < sizeof COMPARISONS / sizeof *COMPARISONS; i++) {
        found = oo__lex_is(&p->lex, COMPARISONS[i].punct);
        kind = COMPARISONS[i].kind;
    }
    if (!found || !comparing)
        return OO_OK;
    oo__ast *const left = *out;
    oo__ast *const ast = new_ast(p, kind, OO__SORT_BOOL, &p->lex.token);
    oo__rp_next(p);
    oo__ast *right = NULL;
    OO_TRY(parse_sum(&right, p));
    OO_TRY(check_comparison(p, left, kind, right));
    set_args(ast, p, left, right);
    ast->text = oo__rp_slice(p, start);
    *out = ast;
    return OO_OK;
}

static oo_status need_bool(oo__rule_parser *p, const oo__ast *ast) {
    return oo__sort_fits(ast->sort, OO__SORT_BOOL) ? OO_OK : oo__rp_sort_error(p, ast, "a condition", ast->sort);
}

static oo_status parse_not(oo__ast **out, oo__rule_parser *p, bool comparing) {
    const oo__token t = p->lex.token;
    if (!comparing || !oo__rp_take_word(p, "not"))
        return parse_comparison(out, p, comparing);
    oo__ast *inner = NULL;
    OO_TRY(parse_not(&inner, p, comparing));
    OO_TRY(need_bool(p, inner));
    *out = new_ast(p, OO__AST_NOT, OO__SORT_BOOL, &t);
    set_args(*out, p, inner, NULL);
    return OO_OK;
}

static oo_status parse_and_or(oo__ast **out, oo__rule_parser *p, bool comparing, oo__ast_kind kind) {
    const bool is_or = kind == OO__AST_OR;
    OO_TRY(is_or ? parse_and_or(out, p, comparing, OO__AST_AND) : parse_not(out, p, comparing));
    while (comparing) {
        const oo__token t = p->lex.token;
        if (!oo__rp_take_word(p, is_or ? "or" : "and"))
            break;
        oo__ast *const left = *out;
        oo__ast *right = NULL;
        OO_TRY(is_or ? parse_and_or(&right, p, comparing, OO__AST_AND) : parse_not(&right, p, comparing));
        OO_TRY(need_bool(p, left));
        OO_TRY(need_bool(p, right));
        *out = new_ast(p, kind, OO__SORT_BOOL, &t);
        set_args(*out, p, left, right);
    }
    return OO_OK;
}

oo_status oo__rp_term(const oo__ast **out, oo__rule_parser *p, bool comparing) {
    if (++p->depth > OO__RULE_DEPTH)
        return oo__lex_fail(&p->lex, &p->lex.token, "rule-limit", "terms are nested more than %d deep", OO__RULE_DEPTH);
    const char *const start = p->lex.token.text;
    oo__ast *ast = NULL;
    OO_TRY(parse_and_or(&ast, p, comparing, OO__AST_OR));
    if (!ast->text)
        ast->text = oo__rp_slice(p, start);
    p->depth--;
    *out = ast;
    return OO_OK;
}

oo_status oo__rp_guard(const oo__ast **out, oo__rule_parser *p) {
    OO_TRY(oo__rp_term(out, p, true));
    return need_bool(p, *out);
}

/* ---- arguments of operators ---- */
static oo_status parse_default(oo__ast *ast, oo__rule_parser *p) {
    oo__ast *number = NULL;
    if (p->lex.token.kind != OO__TOKEN_INT && p->lex.token.kind != OO__TOKEN_FLOAT && !take_word(&number, p))
        return oo__lex_expected(&p->lex, "the default of the optional input, a number");
    if (!number)
        OO_TRY(parse_number(&number, p));
    if (number->kind != OO__AST_NUMBER)
        return oo__rp_sort_error(p, number, "a number", number->sort);
    ast->has_default = true;
    ast->number = number->number;
    return OO_OK;
}

/* name, const name, name = 0, name... on the left side. */
static oo_status parse_pattern_name(oo__ast **out, oo__rule_parser *p) {
    const bool is_const = oo__rp_take_word(p, "const");
    const oo__token t = p->lex.token;
    if (t.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, is_const ? "a name behind \"const\"" : "a name, a number, an operator or _");
    const char *const name = oo__rp_text(p);
    oo__ast *const ast = *out = new_ast(p, OO__AST_VALUE, OO__SORT_VALUE, &t);
    uint32_t slot = oo__rp_find_slot(p, name);
    const bool is_new = slot == UINT32_MAX;
    if (is_new)
        OO_TRY(oo__rp_add_slot(&slot, p, name, &t));
    oo__slot *const s = &p->rule->slots[slot];
    const bool many = oo__rp_take(p, OO__DOTS);
    if (many)
        OO_TRY(oo__rp_expect(p, '.', "\"...\""));
    if (many && is_new)
        s->many = true;
    if (s->many != many)
        return oo__lex_fail(&p->lex, &t, "rule-name", "%s is one value here and a list there", name);
    ast->kind = many ? OO__AST_VALUES : OO__AST_VALUE;
    ast->sort = many ? OO__SORT_VALUES : OO__SORT_VALUE;
    ast->slot = slot;
    ast->is_const = is_const;
    s->is_const |= is_const;
    s->uses++;
    if (oo__rp_take(p, '=')) {
        OO_TRY(parse_default(ast, p));
        s->optional = true;
    }
    return OO_OK;
}

/* near 0.7071 */
static bool is_near_number(const oo__rule_parser *p) {
    const char next = oo__rp_char_behind(p);
    return oo__lex_is_word(&p->lex, "near") && (isdigit((unsigned char)next) || next == '-');
}

static oo_status parse_near(oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    oo__rp_next(p);
    if (!p->rule->inexact)
        return oo__lex_fail(&p->lex, &t, "rule-keyword", "only an inexact rule takes a number that is not exactly the one it means");
    if (p->lex.token.kind != OO__TOKEN_INT && p->lex.token.kind != OO__TOKEN_FLOAT)
        return oo__lex_expected(&p->lex, "a number behind \"near\"");
    OO_TRY(parse_number(out, p));
    (*out)->is_near = true;
    return OO_OK;
}

static oo_status parse_pattern_argument(const oo__ast **out, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    oo__ast *ast = NULL;
    if (oo__rp_at_operator(p)) {
        OO_TRY(parse_operator_term(&ast, p));
        oo__operator *const op = (oo__operator *)(uintptr_t)ast->op;
        op->results = OO_NEW_ARRAY(p->arena, uint32_t, 1);
        op->nresults = 1;
        OO_TRY(oo__rp_add_slot(&op->results[0], p, "", &t));
        oo__slot *const s = &p->rule->slots[op->results[0]];
        s->node = op->index;
        s->uses = 1;
    } else if (t.kind == OO__TOKEN_INT || t.kind == OO__TOKEN_FLOAT) {
        OO_TRY(parse_number(&ast, p));
    } else if (is_near_number(p)) {
        OO_TRY(parse_near(&ast, p));
    } else if (oo__lex_is_word(&p->lex, "_")) {
        ast = new_ast(p, OO__AST_ANYTHING, OO__SORT_VALUE, &t);
        oo__rp_next(p);
    } else {
        const bool word = oo__lex_is_word(&p->lex, "true") || oo__lex_is_word(&p->lex, "false") || oo__lex_is_word(&p->lex, "inf");
        if (!word || !take_word(&ast, p))
            OO_TRY(parse_pattern_name(&ast, p));
    }
    ast->text = oo__rp_slice(p, t.text);
    *out = ast;
    return OO_OK;
}

oo_status oo__rp_argument(const oo__ast **out, oo__rule_parser *p) {
    if (p->place == OO__LEFT)
        return parse_pattern_argument(out, p);
    OO_TRY(oo__rp_term(out, p, false));
    switch ((*out)->sort) {
    case OO__SORT_BOOL:
    case OO__SORT_STRING:
    case OO__SORT_TYPE: return oo__rp_sort_error(p, *out, "a value or a number", (*out)->sort);
    default: return OO_OK;
    }
}
