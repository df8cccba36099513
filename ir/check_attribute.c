/* Checks of a node's attributes: in themselves, and against the operator's schema. */
#include "ir/check_run.h"

#include <string.h>

static const char *const kinds[] = {
    [OO_ATTR_UNDEFINED] = "of no type", [OO_ATTR_FLOAT] = "a float",        [OO_ATTR_INT] = "an int",
    [OO_ATTR_STRING] = "a string",      [OO_ATTR_TENSOR] = "a tensor",      [OO_ATTR_GRAPH] = "a graph",
    [OO_ATTR_FLOATS] = "floats",        [OO_ATTR_INTS] = "ints",            [OO_ATTR_STRINGS] = "strings",
    [OO_ATTR_TENSORS] = "tensors",      [OO_ATTR_GRAPHS] = "graphs",        [OO_ATTR_SPARSE_TENSOR] = "a sparse tensor",
    [OO_ATTR_SPARSE_TENSORS] = "sparse tensors", [OO_ATTR_TYPE_PROTO] = "a type", [OO_ATTR_TYPE_PROTOS] = "types",
};

static const char *kind_text(oo_attr_type type) { return (size_t)type < sizeof kinds / sizeof *kinds ? kinds[type] : kinds[0]; }

/* Which value fields the attribute has, as bits by type. */
static unsigned fields_of(const oo_attr *a) {
    const unsigned types = (1u << (OO_ATTR_TYPE_PROTOS + 1)) - 2;
    if (a->raw.data)
        return a->fields & types;
    return a->reference ? 0 : 1u << a->type;
}

static bool is_scalar(oo_attr_type type) { return type == OO_ATTR_INT || type == OO_ATTR_FLOAT || type == OO_ATTR_STRING; }

/* Values and the declared type must agree, and there may be one value. */
static void check_value(oo__check_run *c, const oo_attr *a) {
    const char *const name = oo__shown(a->name);
    const unsigned fields = fields_of(a);
    if (a->fields & OO_ATTR_ODD_TYPE)
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" has a type that does not exist", name);
    else if (a->has_type && fields & ~(1u << a->type))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" is declared as %s and holds something else", name, kind_text(a->type));
    if (fields & (fields - 1))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" holds more than one value", name);
    if (a->has_type && !fields && !a->reference && a->raw.data && is_scalar(a->type))
        oo__tell(c, DEFECT_ATTRIBUTE_ODD, NULL, "attribute \"%s\" holds no value: it counts as zero or empty", name);
}

static void check_reference(oo__check_run *c, const oo_attr *a) {
    const oo_function *const f = oo__check_function_around(c->node->graph);
    if (!a->reference)
        return;
    if (!f)
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" refers to \"%s\" of a function, and is in none", oo__shown(a->name),
                 oo__shown(a->reference));
    else if (!oo__check_declares(f, a->reference))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" refers to \"%s\", which the function does not declare", oo__shown(a->name),
                 oo__shown(a->reference));
    if (fields_of(a))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" refers to another and holds a value", oo__shown(a->name));
}

void oo__check_attributes(oo__check_run *c) {
    static char seen;
    const oo_node *const node = c->node;
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const oo_attr *const a = node->attrs[i];
        if (*oo__str_slot(a->name) == &seen)
            oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" is there twice", oo__shown(a->name));
        *oo__str_slot(a->name) = &seen;
        if (!a->has_type && c->model->ir_version >= 2)
            oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" has no type", oo__shown(a->name));
        check_value(c, a);
        check_reference(c, a);
    }
    for (uint32_t i = 0; i < node->nattrs; i++)
        *oo__str_slot(node->attrs[i]->name) = NULL;
}

/* ---- against the schema ---- */
/* Operators that take attributes which their schemas do not list. */
static bool takes_any(const oo_schema *s) { return s->domain == OO_DOMAIN_ONNX && s->since == 17 && strcmp(s->name, "LayerNormalization") == 0; }

/* Names that begin with two underscores are implementations' own. */
static bool is_private(const char *name) { return name[0] == '_' && name[1] == '_'; }

static void check_against(oo__check_run *c, const oo_attr *a) {
    const oo_schema_attr *const s = oo__schema_attr(c->schema, a->name);
    const oo_attr_type type = a->has_type ? a->type : OO_ATTR_UNDEFINED;
    if (!s) {
        if (oo__str_len(a->name) && !takes_any(c->schema) && !is_private(a->name))
            oo__tell(c, DEFECT_ATTRIBUTE, NULL, "the operator has no attribute \"%s\" (its definition is of version %lld)", oo__shown(a->name),
                     (long long)c->schema->since);
        return;
    }
    if (type != s->type)
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" is %s, the operator wants %s", oo__shown(a->name), kind_text(type), kind_text(s->type));
    else if (!a->reference && a->raw.data && !fields_of(a) && !is_scalar(type))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" holds no value", oo__shown(a->name));
}

void oo__check_schema_attributes(oo__check_run *c) {
    if (!c->schema || c->schema->traits & OO_TRAIT_DEPRECATED)
        return;
    for (uint32_t i = 0; i < c->node->nattrs; i++)
        check_against(c, c->node->attrs[i]);
    for (uint32_t i = 0; i < c->schema->nattrs; i++)
        if (c->schema->attrs[i].required && !oo_node_attr(c->node, c->schema->attrs[i].name))
            oo__tell(c, DEFECT_ATTRIBUTE, NULL, "the attribute \"%s\" is missing, the operator requires it", c->schema->attrs[i].name);
}

/* ---- tensors in attributes ---- */
void oo__check_node_tensors(oo__check_run *c) {
    for (uint32_t i = 0; i < c->node->nattrs; i++) {
        const oo_attr *const a = c->node->attrs[i];
        const bool holds_tensors = a->type == OO_ATTR_TENSOR || a->type == OO_ATTR_SPARSE_TENSOR || a->type == OO_ATTR_TENSORS ||
                                   a->type == OO_ATTR_SPARSE_TENSORS;
        if (a->raw.data || a->reference || !holds_tensors)
            continue;
        const char *const what = oo__arena_printf(c->arena, "attribute \"%s\": ", oo__shown(a->name));
        if (a->type == OO_ATTR_TENSOR)
            oo__check_tensor(c, a->t, NULL, what);
        if (a->type == OO_ATTR_SPARSE_TENSOR)
            oo__check_sparse(c, a->sparse, NULL, what);
        for (uint32_t k = 0; a->type == OO_ATTR_TENSORS && k < a->count; k++)
            oo__check_tensor(c, a->tensors[k], NULL, what);
        for (uint32_t k = 0; a->type == OO_ATTR_SPARSE_TENSORS && k < a->count; k++)
            oo__check_sparse(c, a->sparses[k], NULL, what);
    }
}
