#include "tests/fuzz/random_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 1 << 22 };
static const char *const SYMBOLS[] = {"A", "B", "C"};

/* ---- bytes ---- */
uint32_t oo__draw(oo_random_graph *g, uint32_t limit) {
    const oo_random_plan *const plan = g->plan;
    if (limit < 2 || g->at >= plan->size)
        return 0;
    uint32_t x = plan->data[g->at++];
    if (limit > 256 && g->at < plan->size)
        x = x << 8 | plan->data[g->at++];
    return x % limit;
}

bool oo__likely(oo_random_graph *g, uint32_t percent) { return oo__draw(g, 100) < percent; }

/* ---- tensors ---- */
static double special(oo_random_graph *g) {
    static const double NUMBERS[] = {-0.0, INFINITY, -INFINITY, NAN, 1e-40, 65504, 3e38, -1e-30};
    return NUMBERS[oo__draw(g, sizeof NUMBERS / sizeof *NUMBERS)];
}

static void fill(oo_random_graph *g, oo_array *a) {
    static const char *const WORDS[] = {"", "a", "b c", "12"};
    const bool whole = a->elem != OO_STRING && a->elem != OO_COMPLEX64 && a->elem != OO_COMPLEX128;
    for (uint64_t i = 0; i < a->count && whole; i++) {
        const int64_t n = (int64_t)oo__draw(g, 7) - 3;
        if (a->elem == OO_BOOL || a->elem == OO_UINT2 || a->elem == OO_INT2)
            oo__array_set_int(a, i, n & 1);
        else if (a->elem == OO_UINT8 || a->elem == OO_UINT16 || a->elem == OO_UINT32 || a->elem == OO_UINT64 || a->elem == OO_UINT4)
            oo__array_set_int(a, i, n < 0 ? -n : n);
        else if (a->elem == OO_INT8 || a->elem == OO_INT16 || a->elem == OO_INT32 || a->elem == OO_INT64 || a->elem == OO_INT4)
            oo__array_set_int(a, i, n);
        else
            oo__array_set_double(a, i, a->elem == OO_FLOAT8E8M0 ? 1 : g->plan->wild && oo__likely(g, 8) ? special(g) : 0.5 * (double)n);
    }
    for (uint64_t i = 0; i < a->count && a->elem == OO_STRING; i++) {
        const char *const word = WORDS[oo__draw(g, 4)];
        oo__array_set_string(a, i, (oo_bytes){(const uint8_t *)word, strlen(word)});
    }
    if (!whole && a->elem != OO_STRING && a->count)
        memset(a->data, 0, (size_t)a->count * oo__array_width(a->elem));
}

/* A dimension of an input: the number, or a symbol that has this size. */
static oo_dim declared(oo_random_graph *g, int64_t size) {
    const uint32_t k = oo__draw(g, 6);
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
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = (int32_t)a->elem, .has_elem = true, .has_shape = !oo__likely(g, g->plan->motif ? 0 : 4), .rank = a->rank};
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

/* The input has a default that is not what is given. */
static void add_default(oo_random_graph *g, oo_value *input, const oo_array *given) {
    oo_array *const other = oo__array_new(given->elem, given->rank, given->dims);
    fill(g, other);
    input->flags |= OO_VALUE_INITIALIZER;
    input->init = oo__tensor_of_array(g->model, other);
    oo_vec_push(g->model->arena, &g->model->graph->initializers, input);
    oo__array_release(other);
}

/* Takes the array. Inputs and initializers are of the main graph, so they come before what is visible in subgraphs only. */
static pooled add_tensor(oo_random_graph *g, oo_array *a, bool constant, bool plain) {
    pooled p = {.datum = oo__datum_tensor(a), .plain = plain};
    p.value = constant ? add_initializer(g, a) : add_input(g, a);
    if (!constant)
        oo_vec_push(NULL, &g->inputs, oo__datum_retain(p.datum));
    if (!constant && plain && g->plan->motif && oo__likely(g, 5))
        add_default(g, p.value, a);
    oo_vec_push(NULL, &g->pool, p);
    return p;
}

pooled oo__random_tensor(oo_random_graph *g, oo_elem elem, uint32_t rank, const int64_t *dims) {
    const uint32_t start = oo__draw(g, g->pool.n);
    for (uint32_t i = 0; i < g->pool.n && !oo__likely(g, 30); i++) {
        const pooled *const p = &g->pool.data[(start + i) % g->pool.n];
        const oo_array *const a = p->datum->kind == OO_DATUM_TENSOR ? p->datum->array : NULL;
        if (a && p->plain && a->elem == elem && a->rank == rank && (!rank || memcmp(a->dims, dims, rank * sizeof *dims) == 0))
            return *p;
    }
    oo_array *const a = oo__array_new(elem, rank, dims);
    oo_require(a, "a small tensor was refused");
    fill(g, a);
    return add_tensor(g, a, oo__likely(g, 25), true);
}

pooled oo__random_numbers(oo_random_graph *g, oo_elem elem, uint32_t rank, uint32_t n, const int64_t *numbers) {
    oo_array *const a = oo__array_new(elem, rank, (const int64_t[]){n});
    for (uint32_t i = 0; i < n; i++)
        oo__array_set_int(a, i, numbers[i]);
    return add_tensor(g, a, oo__likely(g, 85), false);
}

pooled oo__random_reals(oo_random_graph *g, oo_elem elem, uint32_t n, const double *numbers) {
    oo_array *const a = oo__array_new(elem, 1, (const int64_t[]){n});
    for (uint32_t i = 0; i < n; i++)
        oo__array_set_double(a, i, numbers[i]);
    return add_tensor(g, a, oo__likely(g, 85), false);
}

pooled oo__random_given(oo_random_graph *g, oo_array *a, bool constant) {
    const bool plain = a->elem != OO_INT64 && a->elem != OO_INT32;
    for (uint32_t i = 0, start = oo__draw(g, g->pool.n); plain && i < g->pool.n && oo__likely(g, 80); i++) {
        const pooled *const p = &g->pool.data[(start + i) % g->pool.n];
        const oo_array *const have = p->datum->kind == OO_DATUM_TENSOR ? p->datum->array : NULL;
        if (have && !constant && have->elem == a->elem && have->rank == a->rank && (!a->rank || !memcmp(have->dims, a->dims, a->rank * sizeof *a->dims))) {
            oo__array_release(a);
            return *p;
        }
    }
    return add_tensor(g, a, constant, plain);
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

static void unlink_inputs(oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        oo__use_link(node, i, NULL);
    for (uint32_t i = 0; i < node->nattrs; i++)
        for (uint32_t k = 0; k < oo__attr_ngraphs(node->attrs[i]); k++) {
            oo_graph *const graph = oo__attr_graph(node->attrs[i], k);
            graph->dead = true;
            for (oo_node *inner = graph->first; inner; inner = inner->next)
                unlink_inputs(inner);
        }
}

void oo__random_drop(oo_node *node) {
    unlink_inputs(node);
    oo__graph_unlink(node);
}

/* ONNX does not say what an integer divided by zero is; inference takes what divides as not zero. */
static bool divides_by_zero(const oo_node *node, const pooled *inputs) {
    if (!oo_node_is(node, "Div") && !oo_node_is(node, "Mod"))
        return false;
    const oo_array *const by = inputs[1].datum ? inputs[1].datum->array : NULL;
    if (!by)
        return false;
    for (uint64_t i = 0; i < by->count; i++)
        if (oo__array_double(by, i) == 0)
            return true;
    return false;
}

/* The results of the turns of a loop that made none: ONNX does not say what shape they have. */
static bool is_idle(const oo_node *node, oo_datum *const *out) {
    for (uint32_t i = node->ninputs - 2; oo_node_is(node, "Loop") && i < node->noutputs; i++)
        if (out[i] && out[i]->kind == OO_DATUM_TENSOR && out[i]->array->rank && !out[i]->array->dims[0])
            return true;
    return false;
}

/* What ONNX does not allow though the evaluator does it. */
static bool is_lenient(const oo_random_graph *g, const oo_node *node, oo_datum *const *in, oo_datum *const *out) {
    const oo_schema *const s = node->op->functions ? NULL : oo__schema_find(node->op->domain, node->op->name, oo_model_opset(g->model, node->op->domain));
    const oo_array *const first = node->ninputs && in[0] ? in[0]->array : NULL;
    static const char *const RANKED[] = {"ArgMax", "ArgMin", "Softmax", "LogSoftmax", "Hardmax"};
    for (size_t i = 0; first && !first->rank && i < sizeof RANKED / sizeof *RANKED; i++)
        if (strcmp(node->op->name, RANKED[i]) == 0)
            return true;
    if ((oo_node_is(node, "ConstantOfShape") && first && first->rank != 1) || (oo_node_is(node, "BatchNormalization") && node->noutputs > 1))
        return true;
    if (oo_node_is(node, "Split") && node->ninputs == 1 && oo_model_opset(g->model, "") >= 18 && !oo_node_attr(node, "num_outputs"))
        return true;
    for (uint32_t i = 0; s && i < node->noutputs; i++) {
        const oo_schema_io *const io = oo__schema_output(s, i);
        if (io && out[i] && out[i]->kind == OO_DATUM_TENSOR && !(io->types->elems[OO_FORM_TENSOR] & 1u << out[i]->array->elem))
            return true;
    }
    return false;
}

bool oo__random_keep(oo_random_graph *g, oo_node *node, const pooled *inputs) {
    if (divides_by_zero(node, inputs)) {
        oo__random_drop(node);
        return false;
    }
    const oo_eval_settings settings = {.memory_limit = MEMORY, .loop_limit = 100, .step_limit = 10000, .seed = 1};
    oo_evaluator *const ev = oo__evaluator_new(g->model, &settings);
    oo_datum *in[64] = {NULL}, *out[64] = {NULL};
    for (uint32_t i = 0; i < node->ninputs; i++)
        in[i] = inputs[i].datum;
    for (uint32_t i = 0; node->nattrs && i < g->pool.n; i++) /* graphs in attributes use them */
        oo__evaluator_give(ev, g->pool.data[i].value, g->pool.data[i].datum);
    const bool ran = oo__evaluate_node(ev, node, in, out) == OO_OK, good = ran && !is_idle(node, out) && (!g->plan->motif || !is_lenient(g, node, in, out));
    oo__evaluator_free(ev);
    for (uint32_t i = 0; ran && i < node->noutputs; i++) {
        if (good && node->outputs[i] && out[i])
            oo_vec_push(NULL, &g->pool, ((pooled){node->outputs[i], out[i], true}));
        else
            oo__datum_release(out[i]);
    }
    if (!good)
        oo__random_drop(node);
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

/* ---- graphs ---- */
static bool grow_once(oo_random_graph *g) {
    const oo_random_plan *const plan = g->plan;
    if (plan->motif && oo__likely(g, 45))
        return plan->motif(g, plan->user);
    const uint32_t kind = oo__draw(g, 24);
    if (kind >= 21)
        return oo__random_scope(g, kind - 21);
    const oo_schema *const s = usable(g, oo__schema_at(oo__draw(g, oo__schema_count())));
    if (s && plan->common && (*s->domain_name || (s->traits & OO_TRAIT_RANDOM)))
        return false;
    return s && oo__random_node(g, s);
}

void oo__random_grow(oo_random_graph *g, uint32_t nodes) {
    for (uint32_t made = 0, tried = 0; made < nodes && tried < nodes * 4; tried++)
        made += grow_once(g);
    if (!g->pool.n)
        (void)oo__random_tensor(g, OO_FLOAT, 1, (const int64_t[]){2});
}

static void silence(void *user, const oo_diag *diag) {
    (void)user;
    (void)diag;
}

static void forget_pool(oo_random_graph *g) {
    while (g->pool.n)
        oo__datum_release(g->pool.data[--g->pool.n].datum);
}

static void start(oo_random_graph *g) {
    g->context = oo_context_new();
    oo_set_sink(g->context, silence, NULL);
    g->model = oo__model_new(g->context, "random");
    g->model->ir_version = g->plan->motif ? 12 : 10;
    g->model->has_ir_version = true;
    for (int d = OO_DOMAIN_ONNX; d < OO_DOMAIN_OTHER; d++) {
        const int latest = oo__schema_latest_opset(opset_domain((oo_domain)d));
        int64_t version = 1 + (int64_t)oo__draw(g, (uint32_t)latest);
        if (d == OO_DOMAIN_ONNX)
            version = oo__likely(g, 50) ? 7 + version % (latest - 6) : latest - (int64_t)oo__draw(g, 3);
        if (d == OO_DOMAIN_ONNX && g->plan->common)
            version = 13 + (int64_t)oo__draw(g, 9);
        oo_vec_push(g->model->arena, &g->model->opsets,
                    ((oo_opset){.domain = oo__str(g->model, opset_domain((oo_domain)d)), .version = version, .has_version = true}));
    }
    g->model->graph = g->graph = oo__graph_new(g->model, NULL);
    g->graph->name = oo__str(g->model, "main");
    for (int i = 0; i < 3; i++)
        g->symbols[i] = oo__draw(g, 5);
}

/* The type of a result as the file says it; sizes mostly open, or all: another branch may give others. */
static const oo_type *type_of(oo_random_graph *g, const oo_datum *d, bool open) {
    static const oo_kind KINDS[] = {[OO_DATUM_TENSOR] = OO_TYPE_TENSOR, [OO_DATUM_SEQUENCE] = OO_TYPE_SEQUENCE, [OO_DATUM_OPTIONAL] = OO_TYPE_OPTIONAL};
    oo_type *const type = OO_NEW(g->model->arena, oo_type);
    if (d->kind >= sizeof KINDS / sizeof *KINDS || !KINDS[d->kind])
        return NULL;
    *type = (oo_type){.kind = KINDS[d->kind]};
    if (d->kind != OO_DATUM_TENSOR) {
        static const oo_type ANY = {.kind = OO_TYPE_TENSOR, .has_elem = true};
        oo_type *const bare = OO_NEW(g->model->arena, oo_type);
        *bare = ANY;
        bare->elem = (int32_t)d->elem;
        if (d->elem == OO_UNDEFINED && d->nitems && d->items[0] && d->items[0]->kind == OO_DATUM_TENSOR)
            bare->elem = (int32_t)d->items[0]->array->elem;
        type->inner = bare;
        return bare->elem ? type : NULL;
    }
    type->elem = (int32_t)d->array->elem;
    type->has_elem = type->has_shape = true;
    type->rank = d->array->rank;
    type->dims = OO_NEW_ARRAY(g->model->arena, oo_dim, type->rank + 1);
    for (uint32_t i = 0; i < type->rank; i++)
        type->dims[i] = !open && oo__likely(g, 20) ? (oo_dim){.kind = OO_DIM_VALUE, .value = d->array->dims[i]} : (oo_dim){0};
    return type;
}

static bool has_graphs(const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (oo__attr_ngraphs(node->attrs[i]))
            return true;
    return false;
}

/* What nothing uses is an output, and now and then something that is used. */
static void add_outputs(oo_random_graph *g) {
    for (uint32_t i = 0; i < g->pool.n; i++) {
        oo_value *const v = g->pool.data[i].value;
        if (!v->producer || v->noutputs || (v->nuses && !oo__likely(g, 10)))
            continue;
        oo__random_output(g, g->graph, v);
        g->graph->outputs.data[g->graph->outputs.n - 1].type = v->type = type_of(g, g->pool.data[i].datum, has_graphs(v->producer));
    }
}

oo_random_graph *oo__random_graph(const oo_random_plan *plan) {
    oo_random_graph *const g = calloc(1, sizeof *g);
    if (!g)
        oo__oom(sizeof *g);
    g->plan = plan;
    start(g);
    oo__random_grow(g, plan->least + oo__draw(g, plan->most - plan->least + 1));
    add_outputs(g);
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
    forget_pool(g);
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
