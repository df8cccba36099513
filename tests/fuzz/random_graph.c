#include "tests/fuzz/random_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 30, MOST_DEPTH = 2, MEMORY = 1 << 22 };
static const char *const SYMBOLS[] = {"A", "B", "C"};

/* ---- bytes ---- */
uint32_t oo__pick(oo_random_graph *g, uint32_t limit) {
    if (limit < 2 || g->at >= g->size)
        return 0;
    uint32_t x = g->data[g->at++];
    if (limit > 256 && g->at < g->size)
        x = x << 8 | g->data[g->at++];
    return x % limit;
}

bool oo__chance(oo_random_graph *g, uint32_t percent) { return oo__pick(g, 100) < percent; }

/* ---- tensors ---- */
static void fill(oo_random_graph *g, oo_array *a) {
    static const char *const WORDS[] = {"", "a", "b c", "12"};
    const bool whole = a->elem != OO_STRING && a->elem != OO_COMPLEX64 && a->elem != OO_COMPLEX128;
    for (uint64_t i = 0; i < a->count && whole; i++) {
        const int64_t n = (int64_t)oo__pick(g, 7) - 3;
        if (a->elem == OO_BOOL || a->elem == OO_UINT2 || a->elem == OO_INT2)
            oo__array_set_int(a, i, n & 1);
        else if (a->elem == OO_UINT8 || a->elem == OO_UINT16 || a->elem == OO_UINT32 || a->elem == OO_UINT64 || a->elem == OO_UINT4)
            oo__array_set_int(a, i, n < 0 ? -n : n);
        else if (a->elem == OO_INT8 || a->elem == OO_INT16 || a->elem == OO_INT32 || a->elem == OO_INT64 || a->elem == OO_INT4)
            oo__array_set_int(a, i, n);
        else
            oo__array_set_double(a, i, a->elem == OO_FLOAT8E8M0 ? 1 : 0.5 * (double)n);
    }
    for (uint64_t i = 0; i < a->count && a->elem == OO_STRING; i++) {
        const char *const word = WORDS[oo__pick(g, 4)];
        oo__array_set_string(a, i, (oo_bytes){(const uint8_t *)word, strlen(word)});
    }
    if (!whole && a->elem != OO_STRING && a->count)
        memset(a->data, 0, (size_t)a->count * oo__array_width(a->elem));
}

/* A dimension of an input: the number, or a symbol that has this size. */
static oo_dim declared(oo_random_graph *g, int64_t size) {
    const uint32_t k = oo__pick(g, 6);
    if (k < 3 && g->symbols[k] == size)
        return (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(g->model, SYMBOLS[k])};
    if (k < 2 && g->symbols[k] + 1 == size)
        return (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(g->model, k ? "B + 1" : "A + 1")};
    if (k == 5)
        return (oo_dim){0};
    return (oo_dim){.kind = OO_DIM_VALUE, .value = size};
}

static oo_value *add_input(oo_random_graph *g, const oo_array *a) {
    oo_graph *const main_graph = g->model->graph;
    char name[32];
    snprintf(name, sizeof name, "x%u", main_graph->inputs.n);
    oo_value *const value = oo__value_new(main_graph, oo__str(g->model, name));
    oo_type *const type = OO_NEW(g->model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = (int32_t)a->elem, .has_elem = true, .has_shape = !oo__chance(g, 4), .rank = a->rank};
    type->dims = OO_NEW_ARRAY(g->model->arena, oo_dim, a->rank);
    for (uint32_t i = 0; i < a->rank; i++)
        type->dims[i] = declared(g, a->dims[i]);
    type->rank = type->has_shape ? a->rank : 0;
    value->flags = OO_VALUE_INPUT;
    value->type = type;
    oo_vec_push(g->model->arena, &main_graph->inputs, (oo_value_info){.value = value, .name = value->name, .type = type});
    return value;
}

static oo_value *add_initializer(oo_random_graph *g, const oo_array *a) {
    char name[32];
    snprintf(name, sizeof name, "w%u", g->ninits++);
    oo_value *const value = oo__value_new(g->model->graph, oo__str(g->model, name));
    value->flags = OO_VALUE_INITIALIZER;
    value->init = oo__tensor_of_array(g->model, a);
    oo_vec_push(g->model->arena, &g->model->graph->initializers, value);
    return value;
}

/* Takes the array. Inputs and initializers are of the main graph, so they come before what is visible in subgraphs only. */
static pooled add_tensor(oo_random_graph *g, oo_array *a, bool constant, bool plain) {
    pooled p = {.datum = oo__datum_tensor(a), .plain = plain};
    p.value = constant ? add_initializer(g, a) : add_input(g, a);
    if (!constant)
        oo_vec_push(NULL, &g->inputs, oo__datum_retain(p.datum));
    oo_vec_push(NULL, &g->pool, p);
    return p;
}

pooled oo__random_tensor(oo_random_graph *g, oo_elem elem, uint32_t rank, const int64_t *dims) {
    const uint32_t start = oo__pick(g, g->pool.n);
    for (uint32_t i = 0; i < g->pool.n && !oo__chance(g, 30); i++) {
        const pooled *const p = &g->pool.data[(start + i) % g->pool.n];
        const oo_array *const a = p->datum->kind == OO_DATUM_TENSOR ? p->datum->array : NULL;
        if (a && p->plain && a->elem == elem && a->rank == rank && (!rank || memcmp(a->dims, dims, rank * sizeof *dims) == 0))
            return *p;
    }
    oo_array *const a = oo__array_new(elem, rank, dims);
    oo_require(a, "a small tensor was refused");
    fill(g, a);
    return add_tensor(g, a, oo__chance(g, 25), true);
}

pooled oo__random_numbers(oo_random_graph *g, oo_elem elem, uint32_t rank, uint32_t n, const int64_t *numbers) {
    oo_array *const a = oo__array_new(elem, rank, (const int64_t[]){n});
    for (uint32_t i = 0; i < n; i++)
        oo__array_set_int(a, i, numbers[i]);
    return add_tensor(g, a, oo__chance(g, 85), false);
}

pooled oo__random_reals(oo_random_graph *g, oo_elem elem, uint32_t n, const double *numbers) {
    oo_array *const a = oo__array_new(elem, 1, (const int64_t[]){n});
    for (uint32_t i = 0; i < n; i++)
        oo__array_set_double(a, i, numbers[i]);
    return add_tensor(g, a, oo__chance(g, 85), false);
}

/* ---- nodes ---- */
oo_attr *oo__random_attr(oo_random_graph *g, oo_node *node, const char *name, oo_attr_type type) {
    oo_attr **const attrs = OO_NEW_ARRAY(g->model->arena, oo_attr *, node->nattrs + 1);
    if (node->nattrs)
        memcpy(attrs, node->attrs, node->nattrs * sizeof *attrs);
    oo_attr *const a = attrs[node->nattrs++] = OO_NEW(g->model->arena, oo_attr);
    *a = (oo_attr){.name = oo__str(g->model, name), .type = type, .has_type = true};
    node->attrs = attrs;
    return a;
}

static void drop(oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        for (uint32_t k = 0; k < oo__attr_ngraphs(node->attrs[i]); k++)
            oo__attr_graph(node->attrs[i], k)->dead = true;
    for (uint32_t i = 0; i < node->ninputs; i++)
        oo__use_link(node, i, NULL);
    oo__graph_unlink(node);
}

/* ONNX does not say what an integer divided by zero is; inference takes what divides as not zero. */
static bool divides_by_zero(const oo_node *node, const pooled *inputs) {
    if (!oo_node_is(node, "Div") && !oo_node_is(node, "Mod"))
        return false;
    const oo_array *const by = inputs[1].datum->array;
    for (uint64_t i = 0; i < by->count; i++)
        if (oo__array_double(by, i) == 0)
            return true;
    return false;
}

bool oo__random_keep(oo_random_graph *g, oo_node *node, const pooled *inputs) {
    if (divides_by_zero(node, inputs)) {
        drop(node);
        return false;
    }
    const oo_eval_settings settings = {.memory_limit = MEMORY, .loop_limit = 100, .step_limit = 10000, .seed = 1};
    oo_evaluator *const ev = oo__evaluator_new(g->model, &settings);
    oo_datum *in[64] = {NULL}, *out[64] = {NULL};
    for (uint32_t i = 0; i < node->ninputs; i++)
        in[i] = inputs[i].datum;
    const bool good = oo__evaluate_node(ev, node, in, out) == OO_OK;
    oo__evaluator_free(ev);
    for (uint32_t i = 0; good && i < node->noutputs; i++) {
        if (node->outputs[i] && out[i])
            oo_vec_push(NULL, &g->pool, ((pooled){node->outputs[i], out[i], true}));
        else
            oo__datum_release(out[i]);
    }
    if (!good)
        drop(node);
    return good;
}

static const char *opset_domain(oo_domain d) {
    static const char *const DOMAINS[] = {"", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training"};
    return DOMAINS[d];
}

/* The definition that holds at the model's opset; NULL when it is none for this generator. */
static const oo_schema *usable(const oo_random_graph *g, const oo_schema *row) {
    const oo_schema *const s = oo__schema_find(row->domain_name, row->name, oo_model_opset(g->model, row->domain_name));
    if (!s || (s->traits & (OO_TRAIT_DEPRECATED | OO_TRAIT_CONTROL)))
        return NULL;
    return strcmp(s->name, "ImageDecoder") == 0 || strcmp(s->name, "Gradient") == 0 ? NULL : s;
}

/* ---- subgraphs ---- */
static void grow(oo_random_graph *g, uint32_t nodes);

static void forget_pool(oo_random_graph *g, uint32_t length) {
    while (g->pool.n > length)
        oo__datum_release(g->pool.data[--g->pool.n].datum);
}

/* Inputs and initializers that were made inside stay visible: they are of the main graph. */
static void leave_scope(oo_random_graph *g, uint32_t length) {
    uint32_t kept = length;
    for (uint32_t i = length; i < g->pool.n; i++) {
        if (g->pool.data[i].value->producer)
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

static void add_output(oo_random_graph *g, oo_graph *graph, oo_value *value) {
    value->noutputs++;
    if (value->graph == graph)
        value->output_index = graph->outputs.n;
    oo_vec_push(g->model->arena, &graph->outputs, (oo_value_info){.value = value, .name = value->name});
}

/* One branch of an If, and what it gives when it is taken. */
static oo_datum *branch(oo_random_graph *g, oo_node *node, const char *attribute) {
    oo_graph *const outer = g->graph;
    const uint32_t before = g->pool.n;
    g->graph = open_subgraph(g, node, attribute);
    g->depth++;
    grow(g, 1 + oo__pick(g, 3));
    /* An output must be made inside. */
    const pooled last = g->pool.data[g->pool.n - 1];
    oo_node *const copy = oo__node_new(g->graph, NULL, "Identity", 1, 1, 0);
    oo__use_link(copy, 0, last.value);
    oo__node_set_output(copy, 0, oo__value_new(g->graph, NULL));
    add_output(g, g->graph, copy->outputs[0]);
    oo_datum *const result = oo__datum_retain(last.datum);
    g->depth--;
    g->graph = outer;
    leave_scope(g, before);
    return result;
}

static void add_if(oo_random_graph *g) {
    const pooled on = oo__random_tensor(g, OO_BOOL, 0, NULL);
    oo_node *const node = oo__node_new(g->graph, NULL, "If", 1, 1, 0);
    oo__graph_unlink(node); /* its branches come first, so that nothing they add to this graph stands behind it */
    oo__use_link(node, 0, on.value);
    oo__node_set_output(node, 0, oo__value_new(g->graph, NULL));
    oo_datum *const a = branch(g, node, "then_branch"), *const b = branch(g, node, "else_branch");
    oo__graph_link(g->graph, node, NULL);
    const bool taken = oo__array_int(on.datum->array, 0) != 0;
    oo_vec_push(NULL, &g->pool, ((pooled){node->outputs[0], oo__datum_retain(taken ? a : b), true}));
    oo__datum_release(a);
    oo__datum_release(b);
}

/* A loop that carries one tensor, which its body may grow, shrink or leave. */
static bool add_loop(oo_random_graph *g) {
    static const char *const BODIES[] = {"Identity", "Neg", "Concat", "Unsqueeze", "ReduceSum", "Transpose", "Flatten"};
    const int64_t dims[] = {oo__pick(g, 3), oo__pick(g, 3)}, turns = oo__pick(g, 4);
    const pooled trips = oo__random_numbers(g, OO_INT64, 0, 1, &turns), start = oo__random_tensor(g, OO_FLOAT, oo__pick(g, 3), dims);
    const char *const op = BODIES[oo__pick(g, 7)];
    oo_node *const node = oo__node_new(g->graph, NULL, "Loop", 3, 2, 0);
    oo__use_link(node, 0, trips.value);
    oo__use_link(node, 2, start.value);
    for (uint32_t i = 0; i < 2; i++)
        oo__node_set_output(node, i, oo__value_new(g->graph, NULL));
    oo_graph *const body = open_subgraph(g, node, "body");
    static const oo_type INDEX = {.kind = OO_TYPE_TENSOR, .elem = OO_INT64, .has_elem = true, .has_shape = true},
                         FLAG = {.kind = OO_TYPE_TENSOR, .elem = OO_BOOL, .has_elem = true, .has_shape = true},
                         CARRIED = {.kind = OO_TYPE_TENSOR, .elem = OO_FLOAT, .has_elem = true};
    const oo_type *const types[] = {&INDEX, &FLAG, &CARRIED};
    for (uint32_t i = 0; i < 3; i++) {
        oo_value *const formal = oo__value_new(body, oo__str(g->model, ((const char *const[]){"i", "on", "v"})[i]));
        formal->flags = OO_VALUE_INPUT;
        oo_vec_push(g->model->arena, &body->inputs, (oo_value_info){.value = formal, .name = formal->name, .type = types[i]});
    }
    oo_value *const v = body->inputs.data[2].value;
    oo_node *const on = oo__node_new(body, NULL, "Identity", 1, 1, 0), *const work = oo__node_new(body, NULL, op, strcmp(op, "Concat") == 0 ? 2 : 1, 1, 0);
    oo_node *const scan = oo__node_new(body, NULL, "Shape", 1, 1, 0);
    oo__use_link(on, 0, body->inputs.data[1].value);
    for (uint32_t i = 0; i < work->ninputs; i++)
        oo__use_link(work, i, v);
    oo__use_link(scan, 0, v);
    if (strcmp(op, "Concat") == 0)
        oo__random_attr(g, work, "axis", OO_ATTR_INT)->i = 0;
    if (strcmp(op, "Unsqueeze") == 0 && oo_model_opset(g->model, "") >= 13) {
        drop(node);
        return false;
    }
    if (strcmp(op, "Unsqueeze") == 0) {
        oo_attr *const axes = oo__random_attr(g, work, "axes", OO_ATTR_INTS);
        static int64_t zero;
        axes->ints = &zero;
        axes->count = 1;
    }
    oo_node *const all[] = {on, work, scan};
    for (uint32_t i = 0; i < 3; i++) {
        oo__node_set_output(all[i], 0, oo__value_new(body, NULL));
        add_output(g, body, all[i]->outputs[0]);
    }
    const pooled inputs[] = {trips, {0}, start};
    return oo__random_keep(g, node, inputs);
}

/* ---- graphs ---- */
static void grow(oo_random_graph *g, uint32_t nodes) {
    for (uint32_t made = 0, tried = 0; made < nodes && tried < nodes * 4; tried++) {
        const uint32_t kind = oo__pick(g, 24);
        if (kind == 23 && g->depth < MOST_DEPTH) {
            add_if(g);
            made++;
            continue;
        }
        if (kind == 22 && g->depth == 0) {
            made += add_loop(g);
            continue;
        }
        const oo_schema *const s = usable(g, oo__schema_at(oo__pick(g, oo__schema_count())));
        made += s && oo__random_node(g, s);
    }
    if (!g->pool.n)
        (void)oo__random_tensor(g, OO_FLOAT, 1, (const int64_t[]){2});
}

static void silence(void *user, const oo_diag *diag) {
    (void)user;
    (void)diag;
}

static void start(oo_random_graph *g) {
    g->context = oo_context_new();
    oo_set_sink(g->context, silence, NULL);
    g->model = oo__model_new(g->context, "random");
    g->model->ir_version = 10;
    g->model->has_ir_version = true;
    for (int d = OO_DOMAIN_ONNX; d < OO_DOMAIN_OTHER; d++) {
        const int latest = oo__schema_latest_opset(opset_domain((oo_domain)d));
        int64_t version = 1 + (int64_t)oo__pick(g, (uint32_t)latest);
        if (d == OO_DOMAIN_ONNX)
            version = oo__chance(g, 50) ? 7 + version % (latest - 6) : latest - (int64_t)oo__pick(g, 3);
        oo_vec_push(g->model->arena, &g->model->opsets,
                    ((oo_opset){.domain = oo__str(g->model, opset_domain((oo_domain)d)), .version = version, .has_version = true}));
    }
    g->model->graph = g->graph = oo__graph_new(g->model, NULL);
    g->graph->name = oo__str(g->model, "main");
    for (int i = 0; i < 3; i++)
        g->symbols[i] = oo__pick(g, 5);
}

oo_random_graph *oo__random_graph(const uint8_t *data, size_t size) {
    oo_random_graph *const g = calloc(1, sizeof *g);
    if (!g)
        oo__oom(sizeof *g);
    g->data = data;
    g->size = size;
    start(g);
    grow(g, 1 + oo__pick(g, MOST_NODES));
    for (oo_node *node = g->graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i] && (!node->outputs[i]->nuses || oo__chance(g, 10)))
                add_output(g, g->graph, node->outputs[i]);
    oo__model_name_values(g->model);
    oo_for_each_graph(graph, g->model) {
        for (uint32_t i = 0; i < graph->outputs.n; i++)
            graph->outputs.data[i].name = graph->outputs.data[i].value->name;
    }
    if (g->graph->nnodes)
        return g;
    oo__random_graph_free(g);
    return NULL;
}

void oo__random_graph_free(oo_random_graph *g) {
    forget_pool(g, 0);
    oo_vec_free(&g->pool);
    for (uint32_t i = 0; i < g->inputs.n; i++)
        oo__datum_release(g->inputs.data[i]);
    oo_vec_free(&g->inputs);
    oo_model_free(g->model);
    oo_context_free(g->context);
    free(g);
}

bool oo__random_symbol(const oo_random_graph *g, const char *name, int64_t *out) {
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, SYMBOLS[i]) == 0) {
            *out = g->symbols[i];
            return true;
        }
    }
    /* "x3_dim_1": a dimension of an input of which nothing is said */
    unsigned input, axis;
    if (sscanf(name, "x%u_dim_%u", &input, &axis) != 2 || input >= g->inputs.n || axis >= g->inputs.data[input]->array->rank)
        return false;
    *out = g->inputs.data[input]->array->dims[axis];
    return true;
}
