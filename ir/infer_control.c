/* If, Loop, Scan, and sequences and optionals. */
#include "ir/infer_run.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RANK = 64, MAX_PASSES = 4 };

/* Elements that both know alike. */
static const oo_known *known_union(oo__infer *c, const oo_known *a, const oo_known *b) {
    if (!a || !b || a->elem != b->elem || a->rank != b->rank || a->count != b->count || (a->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0))
        return NULL;
    oo_known *const both = oo__known_new(c, a->elem, a->rank, a->dims);
    bool any = false;
    for (uint32_t i = 0; i < a->count; i++) {
        const bool alike = a->items[i].numerator == b->items[i].numerator && a->items[i].denominator == b->items[i].denominator;
        both->items[i] = alike ? a->items[i] : (oo_item){NULL, 1};
        any = any || both->items[i].numerator;
    }
    return any ? both : NULL;
}

oo_status oo__infer_if(oo__infer *c) {
    OO_TRY(oo__infer_subgraph(c, "then_branch", NULL, NULL, 0));
    OO_TRY(oo__infer_subgraph(c, "else_branch", NULL, NULL, 0));
    const oo_known *const condition = oo__input_known(c, 0);
    int64_t taken;
    const bool decided = condition && condition->count == 1 && condition->items[0].numerator &&
                         oo__expr_is_int(condition->items[0].numerator, &taken);
    for (uint32_t i = 0; i < c->node->noutputs; i++) {
        const oo_type *const a = oo__subgraph_output(c, "then_branch", i), *const b = oo__subgraph_output(c, "else_branch", i);
        oo__set_type(c, i, decided ? (taken ? a : b) : oo__type_union(c, a, b));
        const oo_known *const x = oo__subgraph_known(c, "then_branch", i), *const y = oo__subgraph_known(c, "else_branch", i);
        oo__set_known(c, i, decided ? (taken ? x : y) : known_union(c, x, y));
    }
    return OO_OK;
}

static const oo_type *scalar(oo__infer *c, oo_elem elem) { return oo__type_of_dims(c, elem, 0, NULL); }

/* A slice of a scan output with the axis put in. */
static const oo_type *with_axis(oo__infer *c, const oo_type *slice, const oo_expr *length, int64_t axis) {
    if (!slice || slice->kind != OO_TYPE_TENSOR)
        return NULL;
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = slice->elem, .has_elem = slice->has_elem, .has_shape = slice->has_shape};
    if (!slice->has_shape)
        return type;
    type->rank = slice->rank + 1;
    type->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    axis += axis < 0 ? (int64_t)type->rank : 0;
    for (uint32_t i = 0, k = 0; i < type->rank; i++)
        type->dims[i] = i == (uint32_t)axis ? oo__dim_of(length) : slice->dims[k++];
    return type;
}

static bool same_type(const oo_type *a, const oo_type *b) {
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind || a->elem != b->elem || a->has_shape != b->has_shape || a->rank != b->rank)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i].expr != b->dims[i].expr)
            return false;
    return a->kind == OO_TYPE_TENSOR || same_type(a->inner, b->inner);
}

/* What is carried may change from iteration to iteration: its type is widened until the body gives back what it got. */
static oo_status settle(oo__infer *c, const oo_type **types, uint32_t fixed, uint32_t carried, uint32_t n, uint32_t first_output) {
    for (int pass = 0; pass < MAX_PASSES; pass++) {
        OO_TRY(oo__infer_subgraph(c, "body", types, NULL, n));
        bool stable = true;
        for (uint32_t i = 0; i < carried; i++) {
            const oo_type *const back = oo__subgraph_output(c, "body", first_output + i);
            const oo_type *const wide = pass + 1 < MAX_PASSES ? oo__type_union(c, types[fixed + i], back) : NULL;
            stable = stable && same_type(wide, types[fixed + i]);
            types[fixed + i] = wide;
        }
        if (stable)
            return OO_OK;
    }
    return oo__infer_subgraph(c, "body", types, NULL, n);
}

static const oo_expr *trip_count(oo__infer *c) {
    const oo_known *const trips = oo__input_known(c, 0);
    const oo_known *const condition = oo__has_input(c, 1) ? oo__input_known(c, 1) : NULL;
    int64_t on = 1;
    if (oo__has_input(c, 1) && !(condition && condition->count == 1 && condition->items[0].numerator &&
                                 oo__expr_is_int(condition->items[0].numerator, &on) && on))
        return NULL;
    const oo_expr *const count = trips && trips->count == 1 ? trips->items[0].numerator : NULL;
    return count && oo__expr_low(count) < 0 ? oo__expr_max(c->exprs, count, oo__number(c, 0)) : count;
}

/* Whether the body hands its condition through or gives a constant true: then only the trip count ends the loop. */
static bool never_stops(const oo__infer *c) {
    const oo_attr *const a = oo__infer_attr(c, "body");
    const oo_graph *const body = a && a->type == OO_ATTR_GRAPH ? a->g : NULL;
    if (!body || !body->outputs.n || body->inputs.n < 2)
        return false;
    const oo_value *v = body->outputs.data[0].value;
    while (v && v->producer && oo_node_is(v->producer, "Identity"))
        v = oo_node_input(v->producer, 0);
    if (!v)
        return false;
    if (v == body->inputs.data[1].value)
        return true;
    const oo_tensor *const constant = oo_value_const(v);
    double on = 0;
    return constant && constant->count == 1 && oo_tensor_doubles(constant, 0, 1, &on) && on != 0;
}

/* The count or the condition as the body takes it: a scalar, or a vector of one number when the body says so. */
static const oo_type *single(oo__infer *c, uint32_t index, oo_elem elem) {
    static const int64_t one = 1;
    const oo_attr *const a = oo__infer_attr(c, "body");
    const oo_graph *const body = a && !a->raw.data && !a->reference && a->type == OO_ATTR_GRAPH ? a->g : NULL;
    const oo_type *const declared = body && index < body->inputs.n ? body->inputs.data[index].type : NULL;
    const bool vector = declared && declared->kind == OO_TYPE_TENSOR && declared->has_shape && declared->rank == 1;
    return vector ? oo__type_of_dims(c, elem, 1, &one) : scalar(c, elem);
}

oo_status oo__infer_loop(oo__infer *c) {
    const uint32_t carried = c->node->ninputs > 2 ? c->node->ninputs - 2 : 0;
    const oo_type **const types = calloc(carried + 2u, sizeof *types);
    if (!types)
        oo__oom(carried * sizeof *types);
    types[0] = single(c, 0, OO_INT64);
    types[1] = single(c, 1, OO_BOOL);
    for (uint32_t i = 0; i < carried; i++)
        types[i + 2] = oo__input_type(c, i + 2);
    const oo_status status = settle(c, types, 2, carried, carried + 2, 1);
    const oo_expr *length = never_stops(c) ? trip_count(c) : NULL;
    if (!length)
        length = oo__infer_symbol(c, "iterations", 0, INT64_MAX);
    for (uint32_t i = 0; i < c->node->noutputs && status == OO_OK; i++)
        oo__set_type(c, i, i < carried ? types[i + 2] : with_axis(c, oo__subgraph_output(c, "body", i + 1), length, 0));
    free(types);
    return status;
}

static int64_t listed(const oo__infer *c, const char *name, uint32_t index) {
    const int64_t *list;
    uint32_t n;
    return oo__infer_ints(c, &list, &n, name) && index < n ? list[index] : 0;
}

static const oo_type *without_axis(oo__infer *c, const oo_type *whole, int64_t axis, const oo_expr **length) {
    if (!whole || !whole->has_shape || !whole->rank)
        return NULL;
    axis += axis < 0 ? (int64_t)whole->rank : 0;
    if (axis < 0 || axis >= (int64_t)whole->rank)
        return NULL;
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = *whole;
    type->raw = (oo_bytes){0};
    type->rank = whole->rank - 1;
    type->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    for (uint32_t i = 0, k = 0; i < whole->rank; i++)
        if (i != (uint32_t)axis)
            type->dims[k++] = whole->dims[i];
    oo__infer_equal_sizes(c, *length, whole->dims[axis].expr, "the lengths that are scanned");
    if (!*length)
        *length = whole->dims[axis].expr;
    return type;
}

oo_status oo__infer_scan(oo__infer *c) {
    int64_t scans;
    const uint32_t n = c->node->ninputs;
    if (c->schema->since < 9 || !oo__infer_int(c, &scans, "num_scan_inputs", 0))
        return OO_OK;
    if (scans < 1 || scans > (int64_t)n)
        return oo__infer_fail(c, "%lld of %u inputs cannot be scanned", (long long)scans, n);
    const uint32_t states = n - (uint32_t)scans;
    if (c->node->noutputs < states)
        return oo__infer_fail(c, "%u outputs cannot hold %u states", c->node->noutputs, states);
    const oo_type **const types = calloc(n + 1u, sizeof *types);
    if (!types)
        oo__oom(n * sizeof *types);
    const oo_expr *length = NULL;
    for (uint32_t i = 0; i < n; i++)
        types[i] = i < states ? oo__input_type(c, i)
                              : without_axis(c, oo__input_type(c, i), listed(c, "scan_input_axes", i - states), &length);
    const oo_status status = settle(c, types, 0, states, n, 0);
    for (uint32_t i = 0; i < c->node->noutputs && status == OO_OK; i++)
        oo__set_type(c, i, i < states ? types[i]
                                      : with_axis(c, oo__subgraph_output(c, "body", i), length, listed(c, "scan_output_axes", i - states)));
    free(types);
    return status;
}

/* ---- sequences and optionals ---- */
static const oo_type *container(oo__infer *c, oo_kind kind, const oo_type *inner) {
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = (oo_type){.kind = kind, .inner = inner};
    return type;
}

static const oo_type *inner_of(const oo_type *t, oo_kind kind) { return t && t->kind == kind ? t->inner : NULL; }

oo_status oo__infer_sequence_construct(oo__infer *c) {
    const oo_type *element = oo__input_type(c, 0);
    for (uint32_t i = 1; i < c->node->ninputs; i++)
        element = oo__type_union(c, element, oo__input_type(c, i));
    oo__set_type(c, 0, container(c, OO_TYPE_SEQUENCE, element));
    return OO_OK;
}

oo_status oo__infer_sequence_at(oo__infer *c) {
    oo__set_type(c, 0, inner_of(oo__input_type(c, 0), OO_TYPE_SEQUENCE));
    return OO_OK;
}

oo_status oo__infer_sequence_insert(oo__infer *c) {
    const oo_type *const element = inner_of(oo__input_type(c, 0), OO_TYPE_SEQUENCE);
    oo__set_type(c, 0, container(c, OO_TYPE_SEQUENCE, oo__type_union(c, element, oo__input_type(c, 1))));
    return OO_OK;
}

oo_status oo__infer_sequence_length(oo__infer *c) {
    oo__set_type(c, 0, scalar(c, OO_INT64));
    return OO_OK;
}

oo_status oo__infer_sequence_empty(oo__infer *c) {
    int64_t dtype;
    const bool known = oo__infer_int(c, &dtype, "dtype", OO_FLOAT);
    oo_type *const element = OO_NEW(c->model->arena, oo_type);
    *element = (oo_type){.kind = OO_TYPE_TENSOR, .elem = known ? (int32_t)dtype : 0, .has_elem = known};
    oo__set_type(c, 0, container(c, OO_TYPE_SEQUENCE, element));
    return OO_OK;
}

/* Chunks along an axis: all alike when a scalar divides it, or when every length is the same. */
oo_status oo__infer_split_to_sequence(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis, keep, lengths[1024], whole;
    uint32_t n = 1;
    if (rank < 0 || !(oo__infer_int(c, &axis, "axis", 0) && oo__infer_int(c, &keep, "keepdims", 1))) {
        oo_type *const some = OO_NEW(c->model->arena, oo_type);
        *some = (oo_type){.kind = OO_TYPE_TENSOR, .elem = (int32_t)oo_type_elem(in), .has_elem = oo_type_elem(in) != OO_UNDEFINED};
        oo__set_type(c, 0, container(c, OO_TYPE_SEQUENCE, some));
        return OO_OK;
    }
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank)
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    const oo_expr *length = oo__has_input(c, 1) ? NULL : oo__expr_int(c->exprs, 1);
    if (oo__has_input(c, 1) && oo__input_ints(c, 1, &n, lengths, 1024) && n) {
        bool alike = true;
        for (uint32_t i = 1; i < n; i++)
            alike = alike && lengths[i] == lengths[0];
        const bool listed_lengths = oo__input_rank(c, 1) == 1;
        const bool divides = in->dims[axis].expr && oo__expr_is_int(in->dims[axis].expr, &whole) && lengths[0] > 0 && whole % lengths[0] == 0;
        length = alike && (listed_lengths || divides) ? oo__expr_int(c->exprs, lengths[0]) : NULL;
    }
    oo_type *const element = OO_NEW(c->model->arena, oo_type);
    *element = (oo_type){.kind = OO_TYPE_TENSOR, .elem = in->elem, .has_elem = in->has_elem, .has_shape = true};
    element->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, in->rank);
    for (int32_t i = 0; i < rank; i++) {
        if (i != axis)
            element->dims[element->rank++] = in->dims[i];
        else if (keep || oo__has_input(c, 1))
            element->dims[element->rank++] = oo__dim_of(length);
    }
    oo__set_type(c, 0, container(c, OO_TYPE_SEQUENCE, element));
    return OO_OK;
}

oo_status oo__infer_optional(oo__infer *c) {
    const oo_attr *const a = oo__infer_attr(c, "type");
    const oo_type *const element = oo__has_input(c, 0) ? oo__input_type(c, 0)
                                   : a && a->type == OO_ATTR_TYPE_PROTO ? a->type_proto : NULL;
    oo__set_type(c, 0, container(c, OO_TYPE_OPTIONAL, element));
    return OO_OK;
}

oo_status oo__infer_optional_get_element(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    oo__set_type(c, 0, in && in->kind == OO_TYPE_OPTIONAL ? in->inner : in);
    return OO_OK;
}

oo_status oo__infer_optional_has_element(oo__infer *c) {
    oo__set_type(c, 0, scalar(c, OO_BOOL));
    return OO_OK;
}
