#include "tests/fuzz/random_motifs.h"

#include "io/io.h"
#include "ir/rewriter.h"
#include "passes/manager.h"
#include "passes/rule_prove.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oo_motifs {
    oo_context *context;
    oo_registry *registry;
    const oo__rules *rules;
    oo_vec(oo_model *) models, rare; /* rare: of these, those of RARE */
};

/* Passes that want what nothing else makes: their tests are taken more often. */
static const char *const RARE[] = {"generate-constants", "lift-split", "merge-blocks", "merge-products", "refute-branch", "unstack"};

/* ---- what there is ---- */
/* The data of every constant are here: no file beside the model is missing. No graph gives out what is not its own. */
static bool is_whole(const oo_model *model) {
    oo_for_each_graph(graph, model) {
        for (uint32_t i = 0; i < graph->outputs.n; i++)
            if (graph->outputs.data[i].value->graph != graph)
                return false;
        for (uint32_t i = 0; i < graph->initializers.n; i++)
            if (!graph->initializers.data[i]->init || graph->initializers.data[i]->init->storage == OO_STORE_EXTERNAL)
                return false;
        for (const oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < node->nattrs; i++)
                if ((node->attrs[i]->type == OO_ATTR_TENSOR && node->attrs[i]->t && node->attrs[i]->t->storage == OO_STORE_EXTERNAL) ||
                    node->attrs[i]->type == OO_ATTR_TYPE_PROTO || node->attrs[i]->type == OO_ATTR_SPARSE_TENSOR)
                    return false;
    }
    return true;
}

static bool is_rare(const char *path) {
    for (size_t i = 0; i < sizeof RARE / sizeof *RARE; i++)
        if (strstr(path, RARE[i]))
            return true;
    return false;
}

static void add_model(oo_motifs *m, const char *path) {
    FILE *const f = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    const size_t size = f && text ? fread(text, 1, (1 << 16) - 1, f) : 0;
    const char *const mark = text ? strstr(text, "\n# =>\n") : NULL;
    oo_model *model;
    if (size && mark && oo_model_parse(&model, m->context, text, (size_t)(mark - text) + 1, path) == OO_OK) {
        const bool good = model->graph && !model->functions.n && is_whole(model) && oo__model_sort(model) == OO_OK;
        if (good)
            oo_vec_push(NULL, &m->models, model);
        else
            oo_model_free(model);
        if (good && is_rare(path))
            oo_vec_push(NULL, &m->rare, model);
    }
    if (f)
        fclose(f);
    free(text);
}

oo_motifs *oo__motifs_new(const char *folder) {
    oo_motifs *const m = calloc(1, sizeof *m);
    if (!m)
        oo__oom(sizeof *m);
    m->context = oo_context_new();
    m->context->quiet = true;
    m->registry = oo__registry_new(m->context);
    m->rules = oo__rulebase_all(oo__registry_rules(m->registry));
    glob_t files = {0};
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/*/*.onnxtxt", folder ? folder : "/nowhere");
    glob(pattern, 0, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc; i++)
        add_model(m, files.gl_pathv[i]);
    globfree(&files);
    return m;
}

void oo__motifs_free(oo_motifs *m) {
    for (uint32_t i = 0; i < m->models.n; i++)
        oo_model_free(m->models.data[i]);
    oo_vec_free(&m->models);
    oo_vec_free(&m->rare);
    oo__registry_free(m->registry);
    oo_context_free(m->context);
    free(m);
}

/* ---- data ---- */
static oo_array *copy_of(const oo_array *a) {
    oo_array *const copy = oo__array_new(a->elem, a->rank, a->dims);
    if (a->elem == OO_STRING)
        for (uint64_t i = 0; i < a->count; i++)
            oo__array_set_string(copy, i, ((const oo_bytes *)a->data)[i]);
    else if (a->count)
        memcpy(copy->data, a->data, (size_t)a->count * oo__array_width(a->elem));
    return copy;
}

static bool is_wild(const oo_array *a) {
    if (a->elem != OO_FLOAT && a->elem != OO_DOUBLE && a->elem != OO_FLOAT16 && a->elem != OO_BFLOAT16)
        return false;
    for (uint64_t i = 0; i < a->count; i++)
        if (!(fabs(oo__array_double(a, i)) <= 1e4))
            return true;
    return false;
}

static bool is_common(oo_elem elem) { return elem == OO_FLOAT || elem == OO_INT64 || elem == OO_INT32 || elem == OO_BOOL; }

/* Whether its numbers do not suit a graph of small ones, or its types one of common ones. */
static bool too_wild(const oo_random_graph *g, const oo__instance *in) {
    bool wild = false;
    for (uint32_t i = 0; i < in->inputs.n; i++)
        wild |= is_wild(in->inputs.data[i]->array);
    for (uint32_t i = 0; i < in->inputs.n && g->plan->common; i++)
        if (!is_common(in->inputs.data[i]->array->elem))
            return true;
    const oo_graph *const graph = in->model->graph;
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        oo_array *const a = graph->initializers.data[i]->init ? oo__array_of_tensor(graph->initializers.data[i]->init) : NULL;
        wild |= a && (is_wild(a) || (g->plan->common && !is_common(a->elem)));
        oo__array_release(a);
    }
    return wild && (g->plan->common || !g->plan->wild);
}

/* ---- splicing ---- */
static oo_datum *datum_of(const oo_random_graph *g, const oo_value *value) {
    for (uint32_t i = 0; i < g->pool.n; i++)
        if (g->pool.data[i].value == value)
            return g->pool.data[i].datum;
    return NULL;
}

/* Keeps what runs of the new nodes behind `last`. */
static bool keep_new(oo_random_graph *g, oo_node *last) {
    bool any = false;
    for (oo_node *node = last ? last->next : g->graph->first, *next; node; node = next) {
        next = node->next;
        pooled inputs[64] = {{0}};
        bool good = node->ninputs <= 64;
        for (uint32_t i = 0; good && i < node->ninputs; i++) {
            oo_value *const v = node->inputs[i].value;
            inputs[i] = (pooled){v, v ? datum_of(g, v) : NULL, true};
            good = !v || inputs[i].datum;
        }
        if (good)
            any |= oo__random_keep(g, node, inputs);
        else
            oo__random_drop(node);
    }
    return any;
}

/* The new constants of a graph. */
static void pool_constants(oo_random_graph *g, oo_graph *graph, uint32_t from) {
    for (uint32_t i = from; i < graph->initializers.n; i++) {
        oo_value *const v = graph->initializers.data[i];
        oo_array *const a = v->init ? oo__array_of_tensor(v->init) : NULL;
        if (a)
            oo_vec_push(NULL, &g->pool, ((pooled){v, oo__datum_tensor(a), false}));
    }
}

/* Copies the body to the end of `at`. False: it means something else there. */
static bool splice(oo_random_graph *g, const oo_graph *body, oo_graph *at, oo_value **inputs, oo_value **outputs) {
    oo_arena *const scratch = oo__arena_new();
    const oo_rewriter_settings settings = {.pass = "motif"};
    oo_rewriter *const rw = oo__rewriter_new(g->model, scratch, &settings);
    oo_node *const end = oo__node_new(at, NULL, "Constant", 0, 0, 0);
    const bool fits = !oo_splice_problem(rw, body, at, NULL);
    (void)oo_begin(rw, "motif", NULL);
    if (fits)
        oo_splice(rw, body, end, NULL, inputs, outputs);
    oo_erase(rw, end);
    oo_end(rw);
    oo__rewriter_free(rw);
    oo__arena_free(scratch);
    return fits;
}

/* A local function of the body, and a call of it. */
static bool call(oo_random_graph *g, const oo_graph *body, const pooled *inputs, oo_value **results) {
    oo_model *const model = g->model;
    oo_function *const f = OO_NEW(model->arena, oo_function);
    char name[32];
    snprintf(name, sizeof name, "F%u", model->functions.n);
    f->name = oo__str(model, name);
    f->domain = oo__str(model, "my.functions");
    for (uint32_t i = 0; i < model->opsets.n; i++)
        oo_vec_push(model->arena, &f->opsets, model->opsets.data[i]);
    f->graph = oo__graph_new(model, NULL);
    f->graph->function = f;
    oo_value **const formals = OO_NEW_ARRAY(model->arena, oo_value *, body->inputs.n + 1);
    for (uint32_t i = 0; i < body->inputs.n; i++) {
        char formal[32];
        snprintf(formal, sizeof formal, "a%u", i);
        formals[i] = oo__value_new(f->graph, oo__str(model, formal));
        formals[i]->flags = OO_VALUE_INPUT;
        oo_vec_push(model->arena, &f->graph->inputs, (oo_value_info){.value = formals[i], .name = formals[i]->name});
    }
    if (!model->functions.n)
        oo_vec_push(model->arena, &model->opsets, ((oo_opset){.domain = f->domain, .version = 1, .has_version = true}));
    if (!oo__function_add(model, f) || !splice(g, body, f->graph, formals, results))
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < body->outputs.n; i++)
        if (results[i]->producer && ++n)
            oo__random_output(g, f->graph, results[i]);
    oo_node *const node = oo__node_new(g->graph, "my.functions", name, body->inputs.n, n, 0);
    for (uint32_t i = 0; i < node->ninputs; i++)
        oo__use_link(node, i, inputs[i].value);
    for (uint32_t i = 0; i < n; i++)
        oo__node_set_output(node, i, oo__value_new(g->graph, NULL));
    return oo__random_keep(g, node, inputs);
}

/* inputs[i] stands for the body's input i. */
static bool add_body(oo_random_graph *g, const oo_graph *body, pooled *inputs) {
    enum { MOST = 128 };
    oo_value *values[MOST], *results[MOST] = {NULL};
    if (body->inputs.n > MOST || body->outputs.n > MOST)
        return false;
    for (uint32_t i = 0; i < body->inputs.n; i++)
        values[i] = inputs[i].value;
    if (body->inputs.n < 60 && oo_model_opset(g->model, "") >= 13 && oo__likely(g, 12))
        return call(g, body, inputs, results);
    oo_node *const last = g->graph->last;
    const uint32_t constants = g->graph->initializers.n;
    if (!splice(g, body, g->graph, values, results))
        return false;
    pool_constants(g, g->graph, constants);
    return keep_new(g, last);
}

/* ---- left sides of rules ---- */
static bool add_rule(oo_random_graph *g, const oo_motifs *m) {
    bool added = false;
    for (int i = 0; i < 12 && !added && m->rules->n; i++) {
        oo__instance in;
        const oo__rule *const rule = m->rules->data[oo__draw(g, m->rules->n)];
        oo__instance_begin(&in, m->context, rule, oo__draw(g, 1 << 16), oo_model_opset(g->model, ""));
        if (!in.why && !too_wild(g, &in)) {
            pooled *const inputs = calloc(in.inputs.n + 1, sizeof *inputs);
            oo_require(inputs != NULL, "out of memory");
            for (uint32_t k = 0; k < in.inputs.n; k++)
                inputs[k] = oo__random_given(g, copy_of(in.inputs.data[k]->array), false);
            added = add_body(g, in.model->graph, inputs);
            free(inputs);
        }
        oo__instance_end(&in);
    }
    return added;
}

/* ---- models of tests ---- */
/* Equal symbols get equal sizes, for this time. */
static int64_t size_of(const oo_dim *dim, uint32_t salt) {
    static const int64_t SIZES[] = {1, 2, 2, 3, 3, 4, 5, 0};
    if (dim->kind == OO_DIM_VALUE)
        return dim->value;
    uint32_t h = salt * 2654435761u;
    for (const char *c = dim->kind == OO_DIM_PARAM ? dim->param : ""; *c; c++)
        h = (h ^ (uint8_t)*c) * 16777619u;
    return SIZES[h >> 13 & 7];
}

static bool model_input(oo_random_graph *g, const oo_value_info *info, uint32_t salt, pooled *out) {
    const oo_type *const t = info->type;
    int64_t dims[8], count = 1;
    if (!t || t->kind != OO_TYPE_TENSOR || !t->has_elem || !oo__elem_name(t->elem) || t->rank > 8)
        return false;
    for (uint32_t i = 0; i < t->rank; i++)
        count *= dims[i] = size_of(&t->dims[i], salt);
    if (count > 4096 || (info->value->flags & OO_VALUE_INITIALIZER))
        return false;
    if (g->plan->common && !is_common((oo_elem)t->elem))
        return false;
    *out = oo__random_tensor(g, (oo_elem)t->elem, t->rank, dims);
    return true;
}

static bool add_test(oo_random_graph *g, const oo_motifs *m) {
    bool added = false;
    for (int i = 0; i < 8 && !added && m->models.n; i++) {
        const bool rare = m->rare.n && oo__likely(g, 30);
        const oo_graph *const body = (rare ? m->rare.data[oo__draw(g, m->rare.n)] : m->models.data[oo__draw(g, m->models.n)])->graph;
        const uint32_t salt = oo__draw(g, 256);
        pooled *const inputs = calloc(body->inputs.n + 1, sizeof *inputs);
        oo_require(inputs != NULL, "out of memory");
        bool good = true;
        for (uint32_t k = 0; k < body->inputs.n && good; k++)
            good = model_input(g, &body->inputs.data[k], salt, &inputs[k]);
        added = good && add_body(g, body, inputs);
        free(inputs);
    }
    return added;
}

/* ---- things that are there twice ---- */
static bool copy_node(oo_random_graph *g) {
    const oo_node *old = g->graph->last;
    for (uint32_t i = oo__draw(g, 20); old && old->prev && i; i--)
        old = old->prev;
    for (uint32_t i = 0; old && i < old->nattrs; i++)
        if (oo__attr_ngraphs(old->attrs[i]))
            return false;
    if (!old || old->ninputs > 64)
        return false;
    oo_node *const node = oo__node_new(g->graph, old->domain, old->op->name, old->ninputs, old->noutputs, 0);
    pooled inputs[64] = {{0}};
    for (uint32_t i = 0; i < old->ninputs; i++) {
        oo__use_link(node, i, old->inputs[i].value);
        inputs[i] = (pooled){old->inputs[i].value, old->inputs[i].value ? datum_of(g, old->inputs[i].value) : NULL, true};
    }
    for (uint32_t i = 0; i < old->nattrs; i++) {
        oo_attr *const attr = oo__random_attr(g, node, oo_attr_name(old->attrs[i]), old->attrs[i]->type);
        *attr = *old->attrs[i];
    }
    for (uint32_t i = 0; i < old->noutputs; i++)
        if (old->outputs[i])
            oo__node_set_output(node, i, oo__value_new(g->graph, NULL));
    return oo__random_keep(g, node, inputs);
}

static bool copy_constant(oo_random_graph *g) {
    const oo_graph *const graph = g->model->graph;
    const oo_value *const old = graph->initializers.n ? graph->initializers.data[oo__draw(g, graph->initializers.n)] : NULL;
    oo_array *const a = old && old->init ? oo__array_of_tensor(old->init) : NULL;
    return a && oo__random_given(g, a, true).value;
}

bool oo__random_motif(oo_random_graph *g, void *user) {
    const oo_motifs *const m = user;
    const uint32_t kind = oo__draw(g, 20);
    return kind < 10 ? add_rule(g, m) : kind < 16 ? add_test(g, m) : kind < 19 ? copy_node(g) : copy_constant(g);
}
