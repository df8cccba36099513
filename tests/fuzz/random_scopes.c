/* Nodes with graphs in them: branches and bodies are grown as the main graph is, from what is visible there. */
#include "tests/fuzz/random_graph.h"

#include <stdio.h>
#include <string.h>

enum { MOST_DEPTH = 2, MOST_CARRIED = 3 };

/* Inputs and initializers that were made inside stay visible: they are of the main graph. */
static void leave_scope(oo_random_graph *g, uint32_t length) {
    uint32_t kept = length;
    for (uint32_t i = length; i < g->pool.n; i++) {
        if (g->pool.data[i].value->producer || g->pool.data[i].value->graph != g->model->graph)
            oo__datum_release(g->pool.data[i].datum);
        else
            g->pool.data[kept++] = g->pool.data[i];
    }
    g->pool.n = kept;
}

static oo_graph *open_subgraph(oo_random_graph *g, oo_node *node, const char *attribute) {
    oo_graph *const graph = oo__graph_new(g->model, g->graph);
    graph->owner = node;
    graph->name = oo__str(g->model, attribute);
    oo__random_attr(g, node, attribute, OO_ATTR_GRAPH)->g = graph;
    return graph;
}

void oo__random_output(oo_random_graph *g, oo_graph *graph, oo_value *value) {
    value->noutputs++;
    if (value->graph == graph)
        value->output_index = graph->outputs.n;
    oo_vec_push(g->model->arena, &graph->outputs, (oo_value_info){.value = value, .name = value->name});
}

/* An output must be made inside. */
static void output_copy(oo_random_graph *g, oo_value *value) {
    oo_node *const copy = oo__node_new(g->graph, NULL, "Identity", 1, 1, 0);
    oo__use_link(copy, 0, value);
    oo__node_set_output(copy, 0, oo__value_new(g->graph, NULL));
    oo__random_output(g, g->graph, copy->outputs[0]);
}

/* ---- If ---- */
static oo_elem elem_of(const oo_datum *datum) { return datum->kind == OO_DATUM_TENSOR ? datum->array->elem : OO_UNDEFINED; }

/* The last value, or the last that is of the other branch's type: mostly that, as ONNX wants it. */
static pooled result(oo_random_graph *g, const oo_datum *other) {
    const oo_elem elem = other ? elem_of(other) : OO_UNDEFINED;
    if (elem == OO_UNDEFINED || oo__likely(g, 5))
        return g->pool.data[g->pool.n - 1];
    for (uint32_t i = g->pool.n; i-- > 0;)
        if (elem_of(g->pool.data[i].datum) == elem && g->pool.data[i].datum->array->rank == other->array->rank)
            return g->pool.data[i];
    return oo__random_tensor(g, elem, other->array->rank, other->array->dims);
}

/* One branch, and what it gives when it is taken; as the other one does, when that is given. */
static oo_datum *branch(oo_random_graph *g, oo_node *node, const char *attribute, const oo_datum *other) {
    oo_graph *const outer = g->graph;
    const uint32_t before = g->pool.n;
    g->graph = open_subgraph(g, node, attribute);
    g->depth++;
    oo__random_grow(g, 1 + oo__draw(g, 3));
    const pooled last = result(g, other);
    output_copy(g, last.value);
    oo_datum *const datum = oo__datum_retain(last.datum);
    g->depth--;
    g->graph = outer;
    leave_scope(g, before);
    return datum;
}

static bool add_if(oo_random_graph *g) {
    const pooled on = oo__random_tensor(g, OO_BOOL, 0, NULL);
    oo_node *const node = oo__node_new(g->graph, NULL, "If", 1, 1, 0);
    oo__graph_unlink(node); /* its branches come first, so that nothing they add to this graph stands behind it */
    oo__use_link(node, 0, on.value);
    oo__node_set_output(node, 0, oo__value_new(g->graph, NULL));
    oo_datum *const a = branch(g, node, "then_branch", NULL), *const b = branch(g, node, "else_branch", a);
    oo__graph_link(g->graph, node, NULL);
    const bool taken = oo__array_int(on.datum->array, 0) != 0;
    oo_vec_push(NULL, &g->pool, ((pooled){node->outputs[0], oo__datum_retain(taken ? a : b), true}));
    oo__datum_release(a);
    oo__datum_release(b);
    return true;
}

/* ---- Loop and Scan ---- */
/* An input of the body, which has this value the first time. Takes the datum. */
static void add_formal(oo_random_graph *g, const char *name, oo_datum *datum, bool scalar) {
    oo_graph *const body = g->graph;
    char full[32];
    snprintf(full, sizeof full, "%s%u_%u", name, body->index, body->inputs.n);
    oo_value *const formal = oo__value_new(body, oo__str(g->model, full));
    oo_type *const type = OO_NEW(g->model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = (int32_t)elem_of(datum), .has_elem = true, .has_shape = scalar};
    formal->flags = OO_VALUE_INPUT;
    formal->type = type;
    oo_vec_push(g->model->arena, &body->inputs, (oo_value_info){.value = formal, .name = formal->name, .type = type});
    oo_vec_push(NULL, &g->pool, ((pooled){formal, datum, !scalar}));
}

static oo_datum *scalar(oo_elem elem, int64_t number) {
    oo_array *const a = oo__array_new(elem, 0, NULL);
    oo__array_set_int(a, 0, number);
    return oo__datum_tensor(a);
}

/* Something of the pool from `from` on that can stand for a carried value; else the value as it came. */
static oo_value *next_of(oo_random_graph *g, uint32_t from, const pooled *formal) {
    const oo_array *const old = formal->datum->array;
    for (uint32_t i = g->pool.n; i-- > from && !oo__likely(g, 20);) {
        const oo_datum *const d = g->pool.data[i].datum;
        const bool fits = elem_of(d) == old->elem && d->array->rank == old->rank;
        if (fits && (!old->rank || oo__likely(g, 10) || memcmp(d->array->dims, old->dims, old->rank * sizeof *old->dims) == 0))
            return g->pool.data[i].value;
    }
    return formal->value;
}

/* Carried values first, then as many results of single turns as the node still has outputs. */
static void body_outputs(oo_random_graph *g, uint32_t formals, uint32_t carried, uint32_t scans) {
    const uint32_t made = g->pool.n;
    for (uint32_t i = 0; i < carried; i++)
        output_copy(g, next_of(g, formals + carried, &g->pool.data[formals + i]));
    for (uint32_t i = 0; i < scans; i++) {
        uint32_t at = made - 1 - oo__draw(g, made - formals < 3 ? made - formals : 3);
        while (at > formals && elem_of(g->pool.data[at].datum) == OO_UNDEFINED)
            at--;
        output_copy(g, g->pool.data[at].value);
    }
}

static uint32_t take_tensors(oo_random_graph *g, pooled *out, uint32_t count) {
    static const oo_elem ELEMS[] = {OO_FLOAT, OO_FLOAT, OO_INT64, OO_DOUBLE, OO_BOOL};
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t start = oo__draw(g, g->pool.n);
        bool found = false;
        for (uint32_t i = 0; i < g->pool.n && !found; i++) {
            out[k] = g->pool.data[(start + i) % g->pool.n];
            found = elem_of(out[k].datum) != OO_UNDEFINED && out[k].datum->array->rank < 4 && oo__likely(g, 60);
        }
        if (!found)
            out[k] = oo__random_tensor(g, ELEMS[oo__draw(g, 5)], 1, (const int64_t[]){1 + oo__draw(g, 3)});
    }
    return count;
}

static oo_node *new_node(oo_random_graph *g, const char *op, uint32_t ninputs, uint32_t noutputs) {
    oo_node *const node = oo__node_new(g->graph, NULL, op, ninputs, noutputs, 0);
    oo__graph_unlink(node);
    for (uint32_t i = 0; i < noutputs; i++)
        oo__node_set_output(node, i, oo__value_new(g->graph, NULL));
    return node;
}

static void enter(oo_random_graph *g, oo_node *node) {
    g->graph = open_subgraph(g, node, "body");
    g->depth++;
}

static bool leave(oo_random_graph *g, oo_graph *outer, oo_node *node, uint32_t length, const pooled *inputs) {
    g->graph = outer;
    g->depth--;
    leave_scope(g, length);
    oo__graph_link(outer, node, NULL);
    return oo__random_keep(g, node, inputs);
}

static bool add_loop(oo_random_graph *g) {
    oo_graph *const outer = g->graph;
    pooled inputs[2 + MOST_CARRIED] = {{0}};
    const uint32_t least = oo_model_opset(g->model, "") < 11, ncarried = least + oo__draw(g, MOST_CARRIED + 1 - least), scans = oo__draw(g, 3) + !ncarried;
    const int64_t turns = scans ? 1 + oo__draw(g, 3) : oo__draw(g, 4); /* where no turn is made, ONNX does not say what shape the results of the turns have */
    const bool counted = oo__likely(g, 90), conditional = !scans && (!counted || oo__likely(g, 30));
    if (counted || !conditional)
        inputs[0] = oo__random_numbers(g, OO_INT64, 0, 1, &turns);
    if (conditional)
        inputs[1] = oo__random_tensor(g, OO_BOOL, 0, NULL);
    const uint32_t carried = take_tensors(g, inputs + 2, ncarried);
    oo_node *const node = new_node(g, "Loop", 2 + carried, carried + scans);
    for (uint32_t i = 0; i < 2 + carried; i++)
        oo__use_link(node, i, inputs[i].value);
    const uint32_t length = g->pool.n;
    enter(g, node);
    add_formal(g, "i", scalar(OO_INT64, 0), true);
    add_formal(g, "on", scalar(OO_BOOL, 1), true);
    for (uint32_t i = 0; i < carried; i++)
        add_formal(g, "v", oo__datum_retain(inputs[2 + i].datum), false);
    oo__random_grow(g, 1 + oo__draw(g, 4));
    output_copy(g, counted ? g->pool.data[length + 1].value : oo__random_tensor(g, OO_BOOL, 0, NULL).value);
    body_outputs(g, length + 2, carried, scans);
    return leave(g, outer, node, length, inputs);
}

/* Element 0 along axis 0; NULL when there is none or it is no number. */
static oo_datum *first_slice(const oo_array *a) {
    if (!a->rank || !a->dims[0] || a->elem == OO_STRING)
        return NULL;
    oo_array *const slice = oo__array_new(a->elem, a->rank - 1, a->dims + 1);
    if (slice->count)
        memcpy(slice->data, a->data, (size_t)slice->count * oo__array_width(a->elem));
    return oo__datum_tensor(slice);
}

static bool add_scan(oo_random_graph *g) {
    oo_graph *const outer = g->graph;
    pooled inputs[1 + MOST_CARRIED];
    const uint32_t carried = take_tensors(g, inputs, oo__draw(g, MOST_CARRIED)), scans = 1 + oo__draw(g, 2);
    take_tensors(g, inputs + carried, 1);
    oo_datum *const slice = first_slice(inputs[carried].datum->array);
    if (!slice || oo_model_opset(g->model, "") < 9) {
        oo__datum_release(slice);
        return false;
    }
    oo_node *const node = new_node(g, "Scan", carried + 1, carried + scans);
    for (uint32_t i = 0; i <= carried; i++)
        oo__use_link(node, i, inputs[i].value);
    oo__random_attr(g, node, "num_scan_inputs", OO_ATTR_INT)->i = 1;
    const uint32_t length = g->pool.n;
    enter(g, node);
    for (uint32_t i = 0; i < carried; i++)
        add_formal(g, "s", oo__datum_retain(inputs[i].datum), false);
    add_formal(g, "e", slice, false);
    oo__random_grow(g, 1 + oo__draw(g, 4));
    body_outputs(g, length, carried, scans);
    return leave(g, outer, node, length, inputs);
}

bool oo__random_scope(oo_random_graph *g, uint32_t kind) {
    static bool (*const ADD[])(oo_random_graph *g) = {add_if, add_loop, add_scan};
    return g->depth < MOST_DEPTH && ADD[kind](g);
}
