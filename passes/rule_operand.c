/* What a name of a rule stands for, asked in one way whether it is a value of the graph, an attribute or a constant being built. */
#include "passes/rule_run.h"

#include "eval/eval.h"

#include <string.h>

enum { MOST_INTS = 4096 }; /* of a small tensor */

const oo_tensor *oo__operand_tensor(oo__operand *o) {
    if (o->kind == OO__GRAPH_VALUE && !o->tensor && !(o->value->flags & OO_VALUE_PINNED))
        o->tensor = oo_value_const(o->value);
    return o->kind == OO__GRAPH_VALUE || o->kind == OO__TENSOR ? o->tensor : NULL;
}

bool oo__operand_is_const(oo__operand *o) { return o->kind == OO__LITERAL || o->kind == OO__COMPUTED || oo__operand_tensor(o) != NULL; }

oo_elem oo__operand_elem(const oo__operand *o) {
    switch (o->kind) {
    case OO__GRAPH_VALUE: return oo_type_elem(oo_value_type(o->value));
    case OO__TENSOR: return oo_tensor_elem(o->tensor);
    case OO__COMPUTED: return o->elem;
    default: return OO_UNDEFINED;
    }
}

int32_t oo__operand_rank(const oo__operand *o) {
    switch (o->kind) {
    case OO__GRAPH_VALUE: return oo_type_rank(oo_value_type(o->value));
    case OO__TENSOR: return (int32_t)oo_tensor_rank(o->tensor);
    case OO__COMPUTED: return (int32_t)o->array->rank;
    case OO__LITERAL: return 0;
    default: return -1;
    }
}

oo__term oo__operand_dim(oo__rule_run *run, const oo__operand *o, uint32_t axis) {
    (void)run;
    if ((int32_t)axis >= oo__operand_rank(o))
        return oo__unknown();
    if (o->kind != OO__GRAPH_VALUE)
        return oo__term_int(o->kind == OO__TENSOR ? o->tensor->dims[axis] : o->array->dims[axis]);
    const oo_dim *const dim = &o->value->type->dims[axis];
    if (dim->expr)
        return oo__term_expr(dim->expr);
    return dim->kind == OO_DIM_VALUE && dim->value >= 0 ? oo__term_int(dim->value) : oo__unknown();
}

bool oo__operand_same(oo__operand *a, oo__operand *b) {
    if (a->kind == OO__MANY || b->kind == OO__MANY) {
        if (a->kind != b->kind || a->count != b->count)
            return false;
        for (uint32_t i = 0; i < a->count; i++) {
            oo__operand x = a->items[i], y = b->items[i];
            if (!oo__operand_same(&x, &y))
                return false;
        }
        return true;
    }
    if (a->kind == OO__GRAPH_VALUE && b->kind == OO__GRAPH_VALUE && a->value == b->value)
        return true;
    if (a->kind == OO__LITERAL && b->kind == OO__LITERAL)
        return a->omitted == b->omitted && memcmp(&a->number, &b->number, sizeof a->number) == 0;
    if (a->kind == OO__ABSENT || b->kind == OO__ABSENT)
        return a->kind == b->kind;
    const oo_tensor *const x = oo__operand_tensor(a), *const y = oo__operand_tensor(b);
    return x && y && oo_tensor_equal(x, y);
}

uint64_t oo__operand_count(const oo__operand *o) {
    if (o->kind == OO__COMPUTED)
        return o->array->count;
    return o->tensor ? oo_tensor_count(o->tensor) : 1;
}

bool oo__operand_scan(oo__operand *o, bool (*visit)(void *state, const double *values, uint64_t count), void *state) {
    enum { BLOCK = 1024 };
    double block[BLOCK];
    if (o->kind == OO__LITERAL)
        return visit(state, &o->number, 1);
    const oo_tensor *const tensor = oo__operand_tensor(o);
    if (!tensor && o->kind != OO__COMPUTED)
        return false;
    const uint64_t count = oo__operand_count(o);
    for (uint64_t first = 0; first < count; first += BLOCK) {
        const uint64_t n = count - first < BLOCK ? count - first : BLOCK;
        for (uint64_t i = 0; i < n && !tensor; i++)
            block[i] = oo__array_double(o->array, first + i);
        if (tensor && !oo_tensor_doubles(tensor, first, n, block))
            return false;
        if (!visit(state, block, n))
            return false;
    }
    return true;
}

/* ---- small integer tensors ---- */
static oo__term ints_of_bytes(oo__rule_run *run, oo_elem elem, uint64_t count, const void *bytes) {
    oo__term *const items = oo__term_items(run, (uint32_t)count);
    for (uint64_t i = 0; i < count; i++) {
        int64_t wide = 0;
        int32_t narrow = 0;
        if (elem == OO_INT64)
            memcpy(&wide, (const char *)bytes + i * sizeof wide, sizeof wide);
        else
            memcpy(&narrow, (const char *)bytes + i * sizeof narrow, sizeof narrow);
        items[i] = oo__term_int(elem == OO_INT64 ? wide : narrow);
    }
    return oo__term_list(items, (uint32_t)count);
}

oo__term oo__operand_ints(oo__rule_run *run, oo__operand *o) {
    const oo_tensor *const tensor = oo__operand_tensor(o);
    const oo_elem elem = oo__operand_elem(o);
    if (o->kind == OO__LITERAL) {
        oo__term *const one = oo__term_items(run, 1);
        one[0] = oo__term_int((int64_t)o->number);
        return oo__term_list(one, 1);
    }
    if (!tensor && o->kind == OO__GRAPH_VALUE)
        return oo__known_ints(run, o->value);
    if ((elem != OO_INT64 && elem != OO_INT32) || oo__operand_rank(o) > 1 || oo__operand_count(o) > MOST_INTS)
        return oo__unknown();
    if (o->kind == OO__COMPUTED)
        return ints_of_bytes(run, elem, o->array->count, o->array->data);
    const void *const bytes = tensor ? oo__tensor_bytes(tensor, run->arena) : NULL;
    return bytes ? ints_of_bytes(run, elem, oo_tensor_count(tensor), bytes) : oo__unknown();
}

/* ---- inputs of nodes ---- */
static oo__operand value_operand(oo_value *value) {
    return value ? (oo__operand){.kind = OO__GRAPH_VALUE, .value = value} : (oo__operand){.kind = OO__ABSENT};
}

/* A tensor over memory of the attempt. */
static oo__operand raw_operand(oo__rule_run *run, oo_elem elem, uint32_t count, const void *bytes, size_t size) {
    oo_tensor *const t = OO_NEW(run->arena, oo_tensor);
    t->model = run->model;
    t->elem = (int32_t)elem;
    t->has_elem = true;
    t->storage = OO_STORE_RAW;
    t->rank = 1;
    t->dims = OO_NEW_ARRAY(run->arena, int64_t, 1);
    t->dims[0] = count;
    t->count = count;
    t->payload = (oo_payload){.size = size, .memory = (const uint8_t *)oo__arena_copy(run->arena, bytes ? bytes : "", size)};
    return (oo__operand){.kind = OO__TENSOR, .tensor = t};
}

static oo__operand literal(double number) { return (oo__operand){.kind = OO__LITERAL, .number = number}; }

/* The input that was an attribute in the node's version. */
static oo__operand attr_operand(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, const oo__form *form) {
    const oo_attr *const attr = oo_node_attr(node, form->attr);
    const oo_schema_attr *const schema = oo__schema_attr(facts->schema, form->attr);
    if (attr && (attr->reference || attr->raw.data || attr->type != form->type))
        return (oo__operand){.kind = OO__GRAPH_VALUE, .value = NULL}; /* unknown: matches nothing */
    if (attr) {
        switch (attr->type) {
        case OO_ATTR_FLOAT: return literal((double)attr->f);
        case OO_ATTR_INT: return raw_operand(run, OO_INT64, 1, &attr->i, sizeof attr->i);
        case OO_ATTR_INTS: return raw_operand(run, OO_INT64, attr->count, attr->ints, attr->count * sizeof *attr->ints);
        default: return raw_operand(run, OO_FLOAT, attr->count, attr->floats, attr->count * sizeof *attr->floats);
        }
    }
    if (schema && schema->has_default && schema->type == OO_ATTR_FLOAT)
        return literal((double)schema->f);
    return (oo__operand){.kind = OO__ABSENT};
}

oo__operand oo__node_operand(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, uint32_t index) {
    const bool is_input = !facts->schema || index < facts->schema->max_inputs;
    if (is_input)
        return value_operand(index < node->ninputs ? node->inputs[index].value : NULL);
    const oo__form *const form = *node->op->domain ? NULL : oo__form_of_input(node->op->name, index);
    return form && oo__schema_attr(facts->schema, form->attr) ? attr_operand(run, node, facts, form) : (oo__operand){.kind = OO__ABSENT};
}

/* ---- attributes of nodes ---- */
static oo__term default_term(oo__rule_run *run, const oo_schema_attr *a) {
    switch (a->type) {
    case OO_ATTR_INT: return oo__term_int(a->i);
    case OO_ATTR_FLOAT: return oo__term_float((double)a->f);
    case OO_ATTR_STRING: return (oo__term){.sort = OO__SORT_STRING, .string = a->s};
    case OO_ATTR_INTS: {
        oo__term *const items = oo__term_items(run, a->count);
        for (uint32_t i = 0; i < a->count; i++)
            items[i] = oo__term_int(a->ints[i]);
        return oo__term_list(items, a->count);
    }
    default: return oo__unknown();
    }
}

oo__term oo__node_attr(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, const char *name) {
    const oo_attr *const attr = oo_node_attr(node, name);
    if (attr)
        return oo__term_of_attr(run, attr);
    const oo__term implied = oo__implied_attr(run, node, facts, name);
    const oo_schema_attr *own = facts->schema ? oo__schema_attr(facts->schema, name) : NULL;
    if (!own && implied.sort != OO__SORT_ANY)
        return implied;
    if (!own && facts->newest)
        own = oo__schema_attr(facts->newest, name); /* the attribute is younger than the node: what it does by default was so before */
    return own && own->has_default ? default_term(run, own) : implied;
}
