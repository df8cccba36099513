#include "ir/ir.h"

#include <string.h>

uint32_t oo__attr_ngraphs(const oo_attr *attr) {
    if (attr->raw.data || attr->reference)
        return 0;
    if (attr->type == OO_ATTR_GRAPH)
        return attr->g ? 1 : 0;
    return attr->type == OO_ATTR_GRAPHS ? attr->count : 0;
}

oo_graph *oo__attr_graph(const oo_attr *attr, uint32_t index) {
    return attr->type == OO_ATTR_GRAPH ? attr->g : attr->graphs[index];
}

const oo_attr *oo_node_attr_at(const oo_node *node, uint32_t index) {
    oo_require(!node->erased && index < node->nattrs, "oo_node_attr_at: index %u", index);
    return node->attrs[index];
}

const oo_attr *oo_node_attr(const oo_node *node, const char *name) {
    oo_require(!node->erased, "oo_node_attr: node %u was erased", node->id);
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (node->attrs[i]->name && strcmp(node->attrs[i]->name, name) == 0)
            return node->attrs[i];
    return NULL;
}

const char *oo_attr_name(const oo_attr *attr) { return attr->name ? attr->name : ""; }
oo_attr_type oo_attr_kind(const oo_attr *attr) { return attr->type; }
bool oo_attr_is_reference(const oo_attr *attr) { return attr->reference != NULL; }

/* Whether the attribute has a known value of this type. */
static bool holds(const oo_attr *attr, oo_attr_type type) {
    return !attr->reference && !attr->raw.data && attr->type == type;
}

bool oo_node_int(int64_t *out, const oo_node *node, const char *name, int64_t absent) {
    const oo_attr *const attr = oo_node_attr(node, name);
    *out = absent;
    if (!attr)
        return true;
    if (!holds(attr, OO_ATTR_INT))
        return false;
    *out = attr->i;
    return true;
}

bool oo_node_float(float *out, const oo_node *node, const char *name, float absent) {
    const oo_attr *const attr = oo_node_attr(node, name);
    *out = absent;
    if (!attr)
        return true;
    if (!holds(attr, OO_ATTR_FLOAT))
        return false;
    *out = attr->f;
    return true;
}

bool oo_node_string(const char **out, const oo_node *node, const char *name, const char *absent) {
    const oo_attr *const attr = oo_node_attr(node, name);
    *out = absent;
    if (!attr)
        return true;
    if (!holds(attr, OO_ATTR_STRING) || (attr->s.size && memchr(attr->s.data, 0, attr->s.size)))
        return false;
    *out = attr->s.size ? (const char *)attr->s.data : "";
    return true;
}

bool oo_node_ints(const int64_t **out, uint32_t *count, const oo_node *node, const char *name) {
    const oo_attr *const attr = oo_node_attr(node, name);
    *out = NULL;
    *count = 0;
    if (!attr)
        return true;
    if (!holds(attr, OO_ATTR_INTS))
        return false;
    *out = attr->ints;
    *count = attr->count;
    return true;
}

/* ---- types ---- */
oo_kind oo_type_kind(const oo_type *type) { return type ? type->kind : OO_TYPE_NONE; }

static bool is_tensor(const oo_type *type) { return type && type->kind == OO_TYPE_TENSOR; }

oo_elem oo_type_elem(const oo_type *type) {
    return is_tensor(type) && oo__elem_name(type->elem) ? (oo_elem)type->elem : OO_UNDEFINED;
}

int32_t oo_type_rank(const oo_type *type) { return is_tensor(type) && type->has_shape ? (int32_t)type->rank : -1; }

static const oo_dim *dim_of(const oo_type *type, uint32_t axis) {
    return is_tensor(type) && type->has_shape && axis < type->rank ? &type->dims[axis] : NULL;
}

int64_t oo_type_dim(const oo_type *type, uint32_t axis) {
    const oo_dim *const dim = dim_of(type, axis);
    return dim && dim->kind == OO_DIM_VALUE && dim->value >= 0 ? dim->value : -1;
}

const char *oo_type_dim_param(const oo_type *type, uint32_t axis) {
    const oo_dim *const dim = dim_of(type, axis);
    return dim && dim->kind == OO_DIM_PARAM ? dim->param : NULL;
}
