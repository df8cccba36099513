/* Reads operator calls of both sides of rules: names, attributes, arguments. */
#include "passes/rule_parse.h"

#include <ctype.h>
#include <string.h>

/* ---- looking ahead ---- */
/* Whether '(' begins alternatives: (A|B). */
static bool at_alternatives(const oo__rule_parser *p) {
    if (!oo__lex_is(&p->lex, '('))
        return false;
    const char *at = oo__rp_behind(p);
    const char *const start = at;
    while (at < p->lex.end && (isalnum((unsigned char)*at) || *at == '_' || *at == '.'))
        at++;
    while (at < p->lex.end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
        at++;
    return at > start && at < p->lex.end && *at == '|';
}

bool oo__rp_at_operator(const oo__rule_parser *p) {
    const oo__token *const t = &p->lex.token;
    if (p->place == OO__LEFT && oo__lex_is_word(&p->lex, "shared"))
        return true;
    if (t->kind != OO__TOKEN_NAME)
        return at_alternatives(p);
    const char next = oo__rp_char_behind(p);
    const bool dots = next == '.' && oo__rp_behind(p)[1] == '.';
    if (next == '.' && !dots)
        return true;
    if (!isupper((unsigned char)*t->text) || (next != '(' && next != '<'))
        return false;
    char name[64];
    const size_t n = t->size < 63 ? t->size : 63;
    memcpy(name, t->text, n);
    name[n] = 0;
    return next == '(' || p->place != OO__WHERE || oo__rp_find_slot(p, name) == UINT32_MAX;
}

/* ---- attributes ---- */
static oo__sort sort_of_attr(const oo_schema_attr *attr) {
    switch (attr ? attr->type : OO_ATTR_UNDEFINED) {
    case OO_ATTR_INT: return OO__SORT_INT;
    case OO_ATTR_FLOAT: return OO__SORT_FLOAT;
    case OO_ATTR_STRING: return OO__SORT_STRING;
    case OO_ATTR_INTS: return OO__SORT_INTS;
    case OO_ATTR_FLOATS: return OO__SORT_FLOATS;
    case OO_ATTR_UNDEFINED: return OO__SORT_ANY;
    default: return OO__SORT_BOOL; /* tensors and graphs: no term is of this kind */
    }
}

static const char *schema_attr_name(const void *state, uint32_t i) {
    const oo_schema *const schema = state;
    return i < schema->nattrs ? schema->attrs[i].name : NULL;
}

static oo_status parse_copied(oo__rule_attr *attr, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    if (p->place == OO__LEFT)
        return oo__lex_fail(&p->lex, &t, "rule-attribute", "..name copies attributes to the right side; here they are only matched");
    if (t.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, "the name of a result whose attributes are copied");
    const char *const name = oo__rp_text(p);
    attr->slot = oo__rp_find_slot(p, name);
    while (attr->slot != UINT32_MAX && !p->rule->slots[attr->slot].left)
        attr->slot = p->rule->slots[attr->slot].replaced;
    if (attr->slot == UINT32_MAX || p->rule->slots[attr->slot].node == UINT32_MAX)
        return oo__lex_fail(&p->lex, &t, "rule-name", "%s is no result of the left side", name);
    return OO_OK;
}

static oo_status parse_attr(oo__rule_attr *attr, oo__rule_parser *p, const oo__operator *op) {
    const oo__token t = p->lex.token;
    if (oo__rp_take(p, OO__DOTS))
        return parse_copied(attr, p);
    if (t.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, "the name of an attribute");
    attr->name = oo__rp_text(p);
    attr->schema = op->schema ? oo__schema_attr(op->schema, attr->name) : NULL;
    if (op->schema && !attr->schema) {
        const char *const near = oo__nearest(attr->name, schema_attr_name, op->schema);
        return oo__lex_fail(&p->lex, &t, "rule-attribute", "%s has no attribute %s%s%s%s", op->names[0], attr->name,
                            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    const oo__sort sort = sort_of_attr(attr->schema);
    if (sort == OO__SORT_BOOL)
        return oo__lex_fail(&p->lex, &t, "rule-attribute", "%s of %s holds tensors or graphs: rules only copy it", attr->name, op->names[0]);
    OO_TRY(oo__rp_expect(p, '=', "'='"));
    oo__ast *bound = NULL;
    if (p->place == OO__LEFT && oo__lex_is(&p->lex, '@')) {
        OO_TRY(oo__rp_attr_name(&bound, p, true, sort));
        attr->value = bound;
    } else {
        OO_TRY(oo__rp_term(&attr->value, p, false));
    }
    return oo__sort_fits(attr->value->sort, sort) ? OO_OK : oo__rp_sort_error(p, attr->value, oo__sort_name(sort), attr->value->sort);
}

static oo_status parse_attrs(oo__operator *op, oo__rule_parser *p) {
    if (!oo__rp_take(p, '<'))
        return OO_OK;
    oo_vec(oo__rule_attr) attrs = {0};
    while (!oo__rp_take(p, '>')) {
        if (attrs.n)
            OO_TRY(oo__rp_expect(p, ',', "',' or '>'"));
        const oo__token t = p->lex.token;
        oo__rule_attr attr = {.slot = UINT32_MAX};
        OO_TRY(parse_attr(&attr, p, op));
        for (uint32_t i = 0; attr.name && i < attrs.n; i++)
            if (attrs.data[i].name && strcmp(attrs.data[i].name, attr.name) == 0)
                return oo__lex_fail(&p->lex, &t, "rule-attribute", "attribute %s stands twice", attr.name);
        oo_vec_push(p->arena, &attrs, attr);
    }
    op->attrs = attrs.data;
    op->nattrs = attrs.n;
    return OO_OK;
}

/* ---- operators ---- */
/* The newest definition that is not merely the end of the operator. */
static const oo_schema *newest(const char *domain, const char *name) {
    const oo_schema *schema = oo__schema_find(domain, name, oo__schema_latest_opset(domain));
    while (schema && (schema->traits & OO_TRAIT_DEPRECATED))
        schema = schema->since > 1 ? oo__schema_find(domain, name, schema->since - 1) : NULL;
    return schema;
}

static const char *operator_name(const void *state, uint32_t i) {
    const char *const domain = state;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < oo__schema_count(); k++)
        if (strcmp(oo__schema_at(k)->domain_name, domain) == 0 && seen++ == i)
            return oo__schema_at(k)->name;
    return NULL;
}

static oo_status parse_operator_name(oo__operator *op, oo__rule_parser *p) {
    const oo__token t = p->lex.token;
    if (t.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, "the name of an operator");
    const char *full = NULL;
    const char *const start = t.text;
    do {
        if (p->lex.token.kind != OO__TOKEN_NAME)
            return oo__lex_expected(&p->lex, "the name of an operator behind its domain");
        oo__rp_next(p);
    } while (oo__rp_take(p, '.'));
    full = oo__rp_slice(p, start);
    const char *const dot = strrchr(full, '.');
    const char *const domain = dot ? oo__arena_copy(p->arena, full, (size_t)(dot - full)) : "";
    const char *const name = dot ? dot + 1 : full;
    op->domain = strcmp(domain, "ai.onnx") == 0 ? "" : domain;
    op->names[op->nnames++] = name;
    const oo_schema *const schema = newest(op->domain, name);
    if (op->nnames == 1)
        op->schema = schema;
    if (schema || !oo__schema_latest_opset(op->domain))
        return OO_OK;
    const char *const near = oo__nearest(name, operator_name, op->domain);
    return oo__lex_fail(&p->lex, &t, "rule-operator", "ONNX has no operator %s%s%s%s", name, near ? "; did you mean " : "", near ? near : "",
                        near ? "?" : "");
}

static oo_status parse_operator_names(oo__operator *op, oo__rule_parser *p) {
    enum { MOST = 16 };
    op->names = OO_NEW_ARRAY(p->arena, const char *, MOST);
    if (!oo__rp_take(p, '('))
        return parse_operator_name(op, p);
    do {
        if (op->nnames == MOST)
            return oo__lex_fail(&p->lex, &p->lex.token, "rule-limit", "at most %d operators may be alternatives", MOST);
        const char *const domain = op->domain;
        const oo__token t = p->lex.token;
        OO_TRY(parse_operator_name(op, p));
        if (domain && strcmp(domain, op->domain) != 0)
            return oo__lex_fail(&p->lex, &t, "rule-operator", "alternatives are of one domain");
    } while (oo__rp_take(p, '|'));
    return oo__rp_expect(p, ')', "'|' or ')'");
}

static oo_status parse_args(oo__operator *op, oo__rule_parser *p) {
    oo_vec(const oo__ast *) args = {0};
    OO_TRY(oo__rp_expect(p, '(', op->nattrs ? "'('" : "'(' or '<'"));
    while (!oo__rp_take(p, ')')) {
        if (args.n)
            OO_TRY(oo__rp_expect(p, ',', "',' or ')'"));
        const oo__ast *arg = NULL;
        OO_TRY(oo__rp_argument(&arg, p));
        oo_vec_push(p->arena, &args, arg);
    }
    op->args = args.data;
    op->nargs = args.n;
    return OO_OK;
}

oo_status oo__rp_operator(oo__operator **out, oo__rule_parser *p) {
    if (++p->depth > OO__RULE_DEPTH)
        return oo__lex_fail(&p->lex, &p->lex.token, "rule-limit", "operators are nested more than %d deep", OO__RULE_DEPTH);
    oo__operator *const op = *out = OO_NEW(p->arena, oo__operator);
    op->line = p->lex.token.line;
    op->column = p->lex.token.column;
    op->index = UINT32_MAX;
    op->shared = p->place == OO__LEFT && oo__rp_take_word(p, "shared");
    if (p->place == OO__LEFT) {
        if (p->rule->nnodes == OO__RULE_NODES)
            return oo__lex_fail(&p->lex, &p->lex.token, "rule-limit", "the left side has at most %d operators", OO__RULE_NODES);
        op->index = p->rule->nnodes;
        p->rule->nodes[p->rule->nnodes++] = op;
    }
    OO_TRY(parse_operator_names(op, p));
    OO_TRY(parse_attrs(op, p));
    OO_TRY(parse_args(op, p));
    p->depth--;
    return OO_OK;
}
