#include "ir/weigh.h"

#include <string.h>

enum { FIELD = 2, NUMBER = 5 }; /* tag and length; a float with its tag */

static uint64_t number(uint64_t value) {
    uint64_t n = 1;
    for (; value >= 128; value >>= 7)
        n++;
    return n;
}

static uint64_t text(const char *interned) { return interned ? FIELD + oo__str_len(interned) : 0; }

/* What has no name yet gets its stem and a number; an omitted value has none. */
static uint64_t name_of(const oo_value *value) {
    enum { NUMBER_SIZE = 3 };
    if (!value)
        return FIELD;
    return FIELD + (value->name ? oo__str_len(value->name) : strlen(value->read_name ? value->read_name : "value") + NUMBER_SIZE);
}

static uint64_t props(const oo_props *list) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        n += FIELD + text(list->data[i].key) + text(list->data[i].value);
    return n;
}

static uint64_t tensor_around(uint32_t rank, uint64_t data) { return FIELD + 2 * (uint64_t)rank + 2 + 1 + number(data); }

uint64_t oo__weigh_tensor(const oo_tensor *t) {
    uint64_t n = tensor_around(t->rank, oo_tensor_size(t)) + oo_tensor_size(t) + props(&t->metadata) + text(t->doc);
    for (uint32_t i = 0; i < t->strings.n; i++)
        n += FIELD + t->strings.data[i].size;
    return n;
}

uint64_t oo__weigh_initializer(uint32_t rank, uint64_t data, const oo_value *value) {
    return tensor_around(rank, data) + data + name_of(value);
}

static uint64_t weigh_attr(const oo_attr *attr) {
    uint64_t n = FIELD + text(attr->name) + text(attr->reference) + text(attr->doc) + 2;
    switch (attr->type) {
    case OO_ATTR_INT: return n + 1 + number((uint64_t)attr->i);
    case OO_ATTR_FLOAT: return n + NUMBER;
    case OO_ATTR_STRING: return n + FIELD + attr->s.size;
    case OO_ATTR_TENSOR: return n + (attr->t ? oo__weigh_tensor(attr->t) : 0);
    case OO_ATTR_INTS:
        for (uint32_t i = 0; i < attr->count; i++)
            n += 1 + number((uint64_t)attr->ints[i]);
        return n;
    case OO_ATTR_FLOATS: return n + NUMBER * (uint64_t)attr->count;
    case OO_ATTR_STRINGS:
        for (uint32_t i = 0; i < attr->count; i++)
            n += FIELD + attr->strings[i].size;
        return n;
    default: return n;
    }
}

uint64_t oo__weigh_node(const oo_node *node) {
    uint64_t n = FIELD + text(node->op->name) + text(node->domain) + text(node->name);
    for (uint32_t i = 0; i < node->ninputs; i++)
        n += name_of(node->inputs[i].value);
    for (uint32_t i = 0; i < node->noutputs; i++)
        n += name_of(node->outputs[i]);
    for (uint32_t i = 0; i < node->nattrs; i++)
        n += weigh_attr(node->attrs[i]);
    if (node->extra)
        n += text(node->extra->doc) + props(&node->extra->metadata);
    return n;
}

int64_t oo__saved_by_generating(uint64_t size, uint64_t kept, bool one_element, uint32_t rank, const oo_value *value) {
    enum { OPERATOR = 64, ATTRIBUTE = 24 };
    const uint64_t names = 3 * (name_of(value) + 4 - FIELD), shape = tensor_around(1, 8 * (uint64_t)rank) + 8 * (uint64_t)rank + FIELD + sizeof "shape_00" - 1;
    const uint64_t few = one_element ? ATTRIBUTE + kept : oo__weigh_initializer(rank, kept, value);
    return (int64_t)size - (int64_t)(OPERATOR + names + shape + few);
}
