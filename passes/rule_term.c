/* Computes the terms of guards, attributes and right sides. What is not known stays unknown through everything. */
#include "passes/rule_run.h"

#include <math.h>
#include <string.h>

/* ---- making terms ---- */
oo__term oo__term_expr(const oo_expr *expr) {
    int64_t number = 0;
    if (!expr)
        return oo__unknown();
    if (oo__expr_is_int(expr, &number))
        return oo__term_int(number);
    return (oo__term){.sort = OO__SORT_INT, .expr = expr};
}

oo__term oo__term_type(oo_elem elem) {
    return elem == OO_UNDEFINED ? oo__unknown() : (oo__term){.sort = OO__SORT_TYPE, .number = (int64_t)elem};
}

oo__term *oo__term_items(oo__rule_run *run, uint32_t count) { return OO_NEW_ARRAY(run->arena, oo__term, count); }

oo__term oo__term_list(const oo__term *items, uint32_t count) {
    return (oo__term){.sort = OO__SORT_INTS, .items = items, .count = count};
}

oo__term oo__term_of_attr(oo__rule_run *run, const oo_attr *attr) {
    if (attr->reference || attr->raw.data)
        return oo__unknown();
    switch (attr->type) {
    case OO_ATTR_INT: return oo__term_int(attr->i);
    case OO_ATTR_FLOAT: return oo__term_float((double)attr->f);
    case OO_ATTR_STRING:
        if (attr->s.size && memchr(attr->s.data, 0, attr->s.size))
            return oo__unknown();
        return (oo__term){.sort = OO__SORT_STRING, .string = attr->s.size ? (const char *)attr->s.data : ""};
    case OO_ATTR_INTS:
    case OO_ATTR_FLOATS: {
        oo__term *const items = oo__term_items(run, attr->count);
        for (uint32_t i = 0; i < attr->count; i++)
            items[i] = attr->type == OO_ATTR_INTS ? oo__term_int(attr->ints[i]) : oo__term_float((double)attr->floats[i]);
        oo__term list = oo__term_list(items, attr->count);
        list.sort = attr->type == OO_ATTR_INTS ? OO__SORT_INTS : OO__SORT_FLOATS;
        return list;
    }
    default: return oo__unknown();
    }
}

/* ---- reading terms ---- */
static bool is_whole(const oo__term *t) { return t->sort == OO__SORT_INT || t->sort == OO__SORT_TYPE; }

bool oo__int_of(const oo__term *t, int64_t *out) {
    if (!is_whole(t) || t->expr)
        return false;
    *out = t->number;
    return true;
}

bool oo__real_of(const oo__term *t, double *out) {
    if (t->sort == OO__SORT_FLOAT) {
        *out = t->real;
        return true;
    }
    if (!is_whole(t) || t->expr)
        return false;
    *out = (double)t->number;
    return true;
}

int64_t *oo__ints_of(oo__rule_run *run, const oo__term *t, uint32_t *count) {
    if (t->sort != OO__SORT_INTS)
        return NULL;
    int64_t *const out = OO_NEW_ARRAY(run->arena, int64_t, t->count + 1);
    for (uint32_t i = 0; i < t->count; i++)
        if (!oo__int_of(&t->items[i], &out[i]))
            return NULL;
    *count = t->count;
    return out;
}

const char *oo__term_text(oo__rule_run *run, const oo__term *t) {
    switch (t->sort) {
    case OO__SORT_BOOL: return t->answer == OO_YES ? "true" : t->answer == OO_NO ? "false" : "unknown";
    case OO__SORT_TYPE: return oo__elem_name((int32_t)t->number);
    case OO__SORT_INT: return t->expr ? oo__expr_print(t->expr, run->arena) : oo__arena_printf(run->arena, "%lld", (long long)t->number);
    case OO__SORT_FLOAT: return oo__arena_printf(run->arena, "%.9g", t->real);
    case OO__SORT_STRING: return oo__arena_printf(run->arena, "\"%.40s\"", t->string);
    case OO__SORT_INTS:
    case OO__SORT_FLOATS: {
        const char *text = "[";
        for (uint32_t i = 0; i < t->count && i < 8; i++)
            text = oo__arena_printf(run->arena, "%s%s%s", text, i ? ", " : "", oo__term_text(run, &t->items[i]));
        return oo__arena_printf(run->arena, "%s%s]", text, t->count > 8 ? ", ..." : "");
    }
    default: return "unknown";
    }
}

/* ---- comparing ---- */
static const oo_expr *expr_of(oo__rule_run *run, const oo__term *t) {
    return t->expr ? t->expr : oo__expr_int(run->model->exprs, t->number);
}

static bool is_list(const oo__term *t) { return t->sort == OO__SORT_INTS || t->sort == OO__SORT_FLOATS; }

static oo_answer lists_equal(oo__rule_run *run, const oo__term *a, const oo__term *b) {
    if (a->count != b->count)
        return OO_NO;
    oo_answer all = OO_YES;
    for (uint32_t i = 0; i < a->count; i++) {
        const oo_answer one = oo__terms_equal(run, &a->items[i], &b->items[i]);
        if (one == OO_NO)
            return OO_NO;
        all = one == OO_YES ? all : OO_UNKNOWN;
    }
    return all;
}

oo_answer oo__terms_equal(oo__rule_run *run, const oo__term *a, const oo__term *b) {
    double x, y;
    if (a->sort == OO__SORT_ANY || b->sort == OO__SORT_ANY)
        return OO_UNKNOWN;
    if (is_whole(a) && is_whole(b)) {
        if (!a->expr && !b->expr)
            return a->number == b->number ? OO_YES : OO_NO;
        return oo__expr_equal(run->model->exprs, expr_of(run, a), expr_of(run, b));
    }
    if (is_list(a) && is_list(b))
        return lists_equal(run, a, b);
    if (oo__real_of(a, &x) && oo__real_of(b, &y))
        return x == y ? OO_YES : OO_NO;
    if (a->sort != b->sort)
        return OO_UNKNOWN;
    if (a->sort == OO__SORT_STRING)
        return strcmp(a->string, b->string) == 0 ? OO_YES : OO_NO;
    if (a->sort == OO__SORT_BOOL)
        return a->answer == OO_UNKNOWN || b->answer == OO_UNKNOWN ? OO_UNKNOWN : a->answer == b->answer ? OO_YES : OO_NO;
    if (a->sort == OO__SORT_VALUE || a->sort == OO__SORT_VALUES) {
        oo__operand p = a->operand, q = b->operand;
        return oo__operand_same(&p, &q) ? OO_YES : OO_UNKNOWN; /* other values may be equal all the same */
    }
    return OO_UNKNOWN;
}

oo_answer oo__term_less(oo__rule_run *run, const oo__term *a, const oo__term *b) {
    double x, y;
    if (is_whole(a) && is_whole(b)) {
        if (!a->expr && !b->expr)
            return a->number < b->number ? OO_YES : OO_NO;
        return oo__expr_less(run->model->exprs, expr_of(run, a), expr_of(run, b));
    }
    if (oo__real_of(a, &x) && oo__real_of(b, &y))
        return x < y ? OO_YES : OO_NO;
    return OO_UNKNOWN;
}

static oo_answer negated(oo_answer a) { return a == OO_UNKNOWN ? a : a == OO_YES ? OO_NO : OO_YES; }
static oo_answer both(oo_answer a, oo_answer b) { return a == OO_NO || b == OO_NO ? OO_NO : a == OO_YES && b == OO_YES ? OO_YES : OO_UNKNOWN; }
static oo_answer either(oo_answer a, oo_answer b) { return negated(both(negated(a), negated(b))); }

/* a <= b; with a NaN every comparison is no. */
static oo_answer less_equal(oo__rule_run *run, const oo__term *a, const oo__term *b) {
    double x, y;
    if (!(is_whole(a) && is_whole(b)) && oo__real_of(a, &x) && oo__real_of(b, &y))
        return x <= y ? OO_YES : OO_NO;
    if (!is_whole(a) || !is_whole(b))
        return OO_UNKNOWN;
    return negated(oo__term_less(run, b, a));
}

static oo_answer contains(oo__rule_run *run, const oo__term *list, const oo__term *item) {
    if (!is_list(list))
        return OO_UNKNOWN;
    oo_answer any = OO_NO;
    for (uint32_t i = 0; i < list->count; i++)
        any = either(any, oo__terms_equal(run, &list->items[i], item));
    return any;
}

/* ---- arithmetic ---- */
static const oo_expr *expr_arithmetic(oo_exprs *pool, oo__ast_kind kind, const oo_expr *a, const oo_expr *b) {
    switch (kind) {
    case OO__AST_ADD: return oo__expr_add(pool, a, b);
    case OO__AST_SUB: return oo__expr_sub(pool, a, b);
    case OO__AST_MUL: return oo__expr_mul(pool, a, b);
    case OO__AST_DIV: return oo__expr_floordiv(pool, a, b);
    default: return oo__expr_mod(pool, a, b);
    }
}

static oo__term whole_arithmetic(oo__rule_run *run, oo__ast_kind kind, const oo__term *a, const oo__term *b) {
    if ((kind == OO__AST_DIV || kind == OO__AST_MOD) && !b->expr && b->number == 0)
        return oo__unknown();
    return oo__term_expr(expr_arithmetic(run->model->exprs, kind, expr_of(run, a), expr_of(run, b)));
}

static oo__term real_arithmetic(oo__ast_kind kind, double a, double b) {
    switch (kind) {
    case OO__AST_ADD: return oo__term_float(a + b);
    case OO__AST_SUB: return oo__term_float(a - b);
    case OO__AST_MUL: return oo__term_float(a * b);
    case OO__AST_DIV: return oo__term_float(a / b);
    default: return oo__term_float(a - b * floor(a / b));
    }
}

static oo__term list_arithmetic(oo__rule_run *run, oo__ast_kind kind, const oo__term *a, const oo__term *b) {
    const uint32_t count = is_list(a) ? a->count : b->count;
    if (is_list(a) && is_list(b) && a->count != b->count)
        return oo__unknown();
    oo__term *const items = oo__term_items(run, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = oo__term_arithmetic(run, kind, is_list(a) ? &a->items[i] : a, is_list(b) ? &b->items[i] : b);
    return oo__term_list(items, count);
}

oo__term oo__term_arithmetic(oo__rule_run *run, oo__ast_kind kind, const oo__term *a, const oo__term *b) {
    double x, y;
    if (a->sort == OO__SORT_ANY || b->sort == OO__SORT_ANY)
        return oo__unknown();
    if (is_list(a) || is_list(b))
        return list_arithmetic(run, kind, a, b);
    if (is_whole(a) && is_whole(b))
        return whole_arithmetic(run, kind, a, b);
    return oo__real_of(a, &x) && oo__real_of(b, &y) ? real_arithmetic(kind, x, y) : oo__unknown();
}

/* ---- terms as written ---- */
static oo_answer as_answer(const oo__term *t) { return t->sort == OO__SORT_BOOL ? t->answer : OO_UNKNOWN; }

static oo__term eval_list(oo__rule_run *run, const oo__ast *ast) {
    oo__term *const items = oo__term_items(run, ast->nargs);
    for (uint32_t i = 0; i < ast->nargs; i++)
        items[i] = oo__eval(run, ast->args[i]);
    oo__term list = oo__term_list(items, ast->nargs);
    list.sort = ast->sort;
    return list;
}

static oo__term eval_index(oo__rule_run *run, const oo__ast *ast) {
    const oo__term list = oo__eval(run, ast->args[0]), index = oo__eval(run, ast->args[1]);
    int64_t i;
    if (!oo__int_of(&index, &i))
        return oo__unknown();
    const bool values = list.sort == OO__SORT_VALUES;
    if (!values && !is_list(&list))
        return oo__unknown();
    const int64_t count = values ? list.operand.count : list.count;
    i += i < 0 ? count : 0;
    if (i < 0 || i >= count)
        return oo__unknown();
    return values ? (oo__term){.sort = OO__SORT_VALUE, .operand = list.operand.items[i]} : list.items[i];
}

static oo__term eval_call(oo__rule_run *run, const oo__ast *ast) {
    oo__term args[OO__RULE_ARGS];
    if (ast->nargs > OO__RULE_ARGS)
        return oo__unknown();
    for (uint32_t i = 0; i < ast->nargs; i++) {
        args[i] = oo__eval(run, ast->args[i]);
        const bool lacks = args[i].sort == OO__SORT_ANY || (args[i].sort == OO__SORT_VALUE && args[i].operand.kind == OO__ABSENT);
        if (lacks && !ast->function->sees_unknown)
            return oo__unknown();
    }
    return ast->function->plugin ? oo__plugin_answer(ast->function->plugin, args, ast->nargs)
                                 : ast->function->function(run, args, ast->nargs);
}

/* In a guard an operator is computed when all that it needs is constant. */
static oo__term eval_operator(oo__rule_run *run, const oo__operator *op) {
    oo__operand args[OO__RULE_ARGS], out;
    if (op->nargs > OO__RULE_ARGS || !run->constants)
        return oo__unknown();
    for (uint32_t i = 0; i < op->nargs; i++) {
        const oo__term arg = oo__eval(run, op->args[i]);
        args[i] = arg.sort == OO__SORT_VALUE ? arg.operand : oo__constant_of_term(run, &arg);
        if (!oo__operand_is_const(&args[i]))
            return oo__unknown();
    }
    if (!oo__constant_fold(run, &out, 1, op, oo__call_name(run, op), args, op->nargs))
        return oo__unknown();
    return (oo__term){.sort = OO__SORT_VALUE, .operand = out};
}

static oo__term eval_comparison(oo__rule_run *run, oo__ast_kind kind, const oo__term *a, const oo__term *b) {
    switch (kind) {
    case OO__AST_EQUAL: return oo__term_answer(oo__terms_equal(run, a, b));
    case OO__AST_UNEQUAL: return oo__term_answer(negated(oo__terms_equal(run, a, b)));
    case OO__AST_LESS: return oo__term_answer(oo__term_less(run, a, b));
    case OO__AST_MORE: return oo__term_answer(oo__term_less(run, b, a));
    case OO__AST_LESS_EQUAL: return oo__term_answer(less_equal(run, a, b));
    case OO__AST_MORE_EQUAL: return oo__term_answer(less_equal(run, b, a));
    default: return oo__term_answer(contains(run, b, a));
    }
}

static oo__term eval_binary(oo__rule_run *run, const oo__ast *ast) {
    const oo__term a = oo__eval(run, ast->args[0]);
    if (ast->kind == OO__AST_AND && as_answer(&a) == OO_NO)
        return oo__term_answer(OO_NO);
    if (ast->kind == OO__AST_OR && as_answer(&a) == OO_YES)
        return oo__term_answer(OO_YES);
    const oo__term b = oo__eval(run, ast->args[1]);
    if (ast->kind == OO__AST_AND)
        return oo__term_answer(both(as_answer(&a), as_answer(&b)));
    if (ast->kind == OO__AST_OR)
        return oo__term_answer(either(as_answer(&a), as_answer(&b)));
    return ast->kind >= OO__AST_ADD ? oo__term_arithmetic(run, ast->kind, &a, &b) : eval_comparison(run, ast->kind, &a, &b);
}

static oo__term eval_value(oo__rule_run *run, const oo__ast *ast) {
    if (!(run->bound >> ast->slot & 1))
        return oo__unknown();
    return (oo__term){.sort = ast->kind == OO__AST_VALUES ? OO__SORT_VALUES : OO__SORT_VALUE, .operand = run->values[ast->slot]};
}

oo__term oo__eval(oo__rule_run *run, const oo__ast *ast) {
    switch (ast->kind) {
    case OO__AST_NUMBER: return ast->sort == OO__SORT_INT ? oo__term_int(ast->integer) : oo__term_float(ast->number);
    case OO__AST_STRING: return (oo__term){.sort = OO__SORT_STRING, .string = ast->string};
    case OO__AST_TYPE: return oo__term_type(ast->elem);
    case OO__AST_LIST: return eval_list(run, ast);
    case OO__AST_VALUE:
    case OO__AST_VALUES: return eval_value(run, ast);
    case OO__AST_ATTR: return run->bound_attrs >> ast->slot & 1 ? run->attrs[ast->slot] : oo__unknown();
    case OO__AST_ANYTHING: return (oo__term){.sort = OO__SORT_VALUE, .operand = {.kind = OO__ABSENT}};
    case OO__AST_OPERATOR: return eval_operator(run, ast->op);
    case OO__AST_CALL: return eval_call(run, ast);
    case OO__AST_INDEX: return eval_index(run, ast);
    case OO__AST_NOT: {
        const oo__term a = oo__eval(run, ast->args[0]);
        return oo__term_answer(negated(as_answer(&a)));
    }
    case OO__AST_MINUS: {
        const oo__term a = oo__eval(run, ast->args[0]), zero = a.sort == OO__SORT_FLOAT ? oo__term_float(-0.0) : oo__term_int(0);
        return oo__term_arithmetic(run, OO__AST_SUB, &zero, &a);
    }
    default: return eval_binary(run, ast);
    }
}
