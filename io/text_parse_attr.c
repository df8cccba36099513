/* Attributes. */
#include "io/text_number.h"
#include "io/text_parse.h"

#include <string.h>

typedef struct context {
    oo__parser *p;
    oo_graph *graph;
    oo_node *node;
    oo_attr_type expected; /* of one value; UNDEFINED = whatever comes */
} context;

/* A literal tensor, or a type. */
static oo_status parse_typed(oo_attr *one, const context *c) {
    oo__parser *const p = c->p;
    const oo__token where = p->lex.token;
    const oo_type *type;
    OO_TRY(oo__parse_type(&type, p));
    const bool is_tensor = oo__lex_is(&p->lex, '{') || oo__lex_is(&p->lex, '=') || oo__lex_is(&p->lex, OO__ARROW) ||
                           p->lex.token.kind == OO__TOKEN_NAME;
    if (!is_tensor) {
        one->type = OO_ATTR_TYPE_PROTO;
        one->type_proto = type;
        return OO_OK;
    }
    one->type = OO_ATTR_TENSOR;
    const char *name = NULL;
    if (p->lex.token.kind == OO__TOKEN_NAME)
        OO_TRY(oo__parse_name(&name, p, "a name"));
    oo__lex_take_assign(&p->lex);
    return oo__parse_tensor(&one->t, p, type, &where, name);
}

static oo_status parse_float(oo_attr *one, oo__parser *p) {
    const oo__token *const t = &p->lex.token;
    one->type = OO_ATTR_FLOAT;
    if (!oo__float_read(&one->f, t->text, t->size))
        return oo__lex_fail(&p->lex, t, "text-number", "the number %s does not fit a float",
                            oo__printable(t->text, t->size));
    oo__lex_next(&p->lex);
    return OO_OK;
}

static oo_status parse_single(oo_attr *one, const context *c) {
    oo__parser *const p = c->p;
    const oo__token *const t = &p->lex.token;
    switch (t->kind) {
    case OO__TOKEN_NAME:
        if (oo__parse_sees_type(p))
            return parse_typed(one, c);
        if (oo__is_float_word(t->text, t->size))
            return parse_float(one, p);
        one->type = OO_ATTR_GRAPH;
        return oo__parse_subgraph(&one->g, p, c->graph, c->node);
    case OO__TOKEN_INT:
        if (c->expected == OO_ATTR_FLOAT)
            return parse_float(one, p);
        one->type = OO_ATTR_INT;
        return oo__parse_int(&one->i, p, "an integer");
    case OO__TOKEN_FLOAT: return parse_float(one, p);
    case OO__TOKEN_STRING: one->type = OO_ATTR_STRING; return oo__parse_bytes(&one->s, p, "a string");
    default: return oo__lex_expected(&p->lex, "the value of the attribute");
    }
}

/* One value of the expected kind. */
static oo_status parse_value(oo_attr *one, const context *c) {
    const oo__token where = c->p->lex.token;
    OO_TRY(parse_single(one, c));
    if (c->expected == OO_ATTR_UNDEFINED || c->expected == one->type)
        return OO_OK;
    return oo__lex_fail(&c->p->lex, &where, "text-attribute",
                        "the attribute takes a value of kind %s, but this one is of kind %s",
                        oo__attr_kind_name(c->expected), oo__attr_kind_name(one->type));
}

/* Appends a value to a list that has room for it. */
static void store(oo_attr *list, const oo_attr *one, uint32_t at) {
    switch (one->type) {
    case OO_ATTR_INT: list->ints[at] = one->i; break;
    case OO_ATTR_FLOAT: list->floats[at] = one->f; break;
    case OO_ATTR_STRING: list->strings[at] = one->s; break;
    case OO_ATTR_TENSOR: list->tensors[at] = one->t; break;
    case OO_ATTR_GRAPH: list->graphs[at] = one->g; break;
    default: list->type_protos[at] = one->type_proto; break;
    }
}

static size_t item_size(oo_attr_type one) {
    switch (one) {
    case OO_ATTR_INT: return sizeof(int64_t);
    case OO_ATTR_FLOAT: return sizeof(float);
    case OO_ATTR_STRING: return sizeof(oo_bytes);
    default: return sizeof(void *);
    }
}

/* Behind "[". The items lie in the arena from the start: whatever fails, the list is whole. */
static oo_status parse_list(oo_attr *attr, context *c) {
    oo__parser *const p = c->p;
    if (oo__lex_is(&p->lex, ']')) {
        if (attr->type == OO_ATTR_UNDEFINED)
            return oo__lex_fail(&p->lex, &p->lex.token, "text-attribute",
                                "an empty list must say its kind, for example axes: ints = []");
        if (oo__attr_kind_one(attr->type) == attr->type)
            return oo__lex_fail(&p->lex, &p->lex.token, "text-attribute",
                                "an attribute of kind %s takes one value, not a list", oo__attr_kind_name(attr->type));
        oo__lex_next(&p->lex);
        return OO_OK;
    }
    c->expected = oo__attr_kind_one(attr->type);
    uint32_t room = 0;
    do {
        oo_attr one = {0};
        OO_TRY(parse_value(&one, c));
        c->expected = one.type;
        attr->type = oo__attr_kind_many(one.type);
        attr->ints = oo__vec_room(p->model->arena, attr->ints, attr->count, 1, &room, item_size(one.type));
        store(attr, &one, attr->count++);
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, ']');
}

static oo_status parse_kind(oo_attr *attr, oo__parser *p) {
    const oo__token *const t = &p->lex.token;
    attr->type = t->kind == OO__TOKEN_NAME ? oo__attr_kind_find(t->text, t->size) : OO_ATTR_UNDEFINED;
    if (attr->type == OO_ATTR_UNDEFINED)
        return oo__lex_expected(&p->lex, "a kind of attribute such as int, floats or graph");
    oo__lex_next(&p->lex);
    return OO_OK;
}

oo_status oo__parse_attr_value(oo_attr *attr, oo__parser *p, oo_graph *graph, oo_node *node) {
    context c = {p, graph, node, OO_ATTR_UNDEFINED};
    if (oo__lex_take(&p->lex, ':'))
        OO_TRY(parse_kind(attr, p));
    OO_TRY(oo__lex_expect(&p->lex, '='));
    if (oo__lex_take(&p->lex, '@')) {
        attr->has_type = attr->type != OO_ATTR_UNDEFINED;
        return oo__parse_name(&attr->reference, p, "the name of an attribute of the function");
    }
    attr->has_type = true;
    if (oo__lex_take(&p->lex, '['))
        return parse_list(attr, &c);
    c.expected = attr->type;
    return parse_value(attr, &c);
}

oo_status oo__parse_attr(oo_attr **out, oo__parser *p, oo_graph *graph, oo_node *node) {
    oo_attr *const attr = OO_NEW(p->model->arena, oo_attr);
    OO_TRY(oo__parse_name(&attr->name, p, "the name of an attribute"));
    OO_TRY(oo__parse_attr_value(attr, p, graph, node));
    *out = attr;
    return OO_OK;
}
