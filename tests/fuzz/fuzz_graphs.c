/* Random valid graphs from the schemas: what inference says of types, shapes and contents must be what the evaluator computes. */
#include "eval/eval.h"
#include "ir/infer.h"
#include "ir/infer_learn.h"
#include "tests/fuzz/random_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was compared so far, for tests/random_graphs.c. */
uint64_t oo__compared_nodes;
char oo__compared_operators[1024][48];

typedef struct check {
    oo_random_graph *g;
    int64_t *fresh;   /* [nfresh] sizes of data-dependent symbols, by the number behind '#' */
    bool *bound;
    uint32_t nfresh;
    uint8_t *refused; /* by node id */
    const char **why;
} check;

/* ---- expressions ---- */
static bool is_fresh(const char *name) { return strchr(name, '#') != NULL; }

static bool size_of_symbol(void *state, const char *name, int64_t *out) {
    const check *const c = state;
    if (!is_fresh(name))
        return oo__random_symbol(c->g, name, out);
    const unsigned long n = strtoul(strchr(name, '#') + 1, NULL, 10);
    if (n >= c->nfresh || !c->bound[n])
        return false;
    *out = c->fresh[n];
    return true;
}

typedef struct names {
    const char *one;
    uint32_t count;
    bool fresh;
} names;

static void see(void *state, const char *name) {
    names *const n = state;
    n->one = name;
    n->count++;
    n->fresh |= is_fresh(name);
}

/* A data-dependent symbol gets its size where it is seen alone for the first time. Within loops each turn has its own. */
static void bind(const check *c, const oo_expr *e, int64_t actual) {
    names n = {0};
    oo__expr_symbols(e, see, &n);
    if (n.count != 1 || !n.fresh || oo__expr_symbol(c->g->model->exprs, n.one, INT64_MIN, INT64_MAX) != e)
        return;
    const unsigned long k = strtoul(strchr(n.one, '#') + 1, NULL, 10);
    if (k >= c->nfresh || c->bound[k])
        return;
    oo_require(actual >= oo__expr_low(e) && actual <= oo__expr_high(e), "%s is %lld, outside of its bounds", n.one, (long long)actual);
    c->fresh[k] = actual;
    c->bound[k] = true;
}

static bool contradicts(const check *c, const oo_expr *e, int64_t denominator, double actual) {
    int64_t value;
    if (!e || !oo__expr_evaluate(e, size_of_symbol, (void *)(uintptr_t)c, &value))
        return false;
    return (double)value / (double)denominator != actual;
}

/* ---- reporting ---- */
static void describe(const check *c, const oo_node *node) {
    fprintf(stderr, "%s (opset %lld)", node->op->name, (long long)oo_graph_opset(node->graph, node->op->domain));
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const oo_attr *const a = node->attrs[i];
        fprintf(stderr, " %s=", oo_attr_name(a));
        if (a->type == OO_ATTR_GRAPH && a->g->outputs.n)
            fprintf(stderr, "(%s)", oo__elem_name((int32_t)oo_type_elem(a->g->outputs.data[0].value->type)));
        if (a->type == OO_ATTR_INT)
            fprintf(stderr, "%lld", (long long)a->i);
        else if (a->type == OO_ATTR_STRING)
            fprintf(stderr, "%.*s", (int)a->s.size, (const char *)a->s.data);
        else if (a->type == OO_ATTR_FLOAT)
            fprintf(stderr, "%g", (double)a->f);
        for (uint32_t k = 0; a->type == OO_ATTR_INTS && k < a->count; k++)
            fprintf(stderr, "%s%lld", k ? "," : "", (long long)a->ints[k]);
    }
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const v = node->inputs[i].value;
        fprintf(stderr, "\n  input %u: ", i);
        if (!v) {
            fputs("omitted", stderr);
            continue;
        }
        const oo_type *const t = v->type;
        fprintf(stderr, "%s[", t && t->kind == OO_TYPE_TENSOR ? oo__elem_name(t->elem) : "no tensor ");
        for (uint32_t k = 0; t && k < t->rank; k++)
            fprintf(stderr, "%s%s", k ? "," : "", oo__expr_print(t->dims[k].expr, c->g->model->arena));
        fprintf(stderr, "]%s", t && t->kind == OO_TYPE_TENSOR && !t->has_shape ? " of any rank" : "");
        for (uint32_t k = 0; v->known && k < v->known->count && k < 10; k++)
            fprintf(stderr, "%s%s/%lld", k ? ", " : " = ", oo__expr_print(v->known->items[k].numerator, c->g->model->arena),
                    (long long)v->known->items[k].denominator);
    }
    fputc('\n', stderr);
}

OO_PRINTF(3, 4) static void contradiction(const check *c, const oo_node *node, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    describe(c, node);
    for (int i = 0; i < 3; i++)
        fprintf(stderr, "%c = %lld  ", 'A' + i, (long long)c->g->symbols[i]);
    oo_bug("%s: %s", node->op->name, text);
}

/* ---- values ---- */
static void check_contents(const check *c, const oo_node *node, const oo_value *value, const oo_array *a) {
    const oo_known *const k = value->known;
    if (!k)
        return;
    if (k->count != a->count || k->elem != a->elem)
        contradiction(c, node, "%u elements of type %d are known, there are %llu of type %d", k->count, (int)k->elem, (unsigned long long)a->count,
                      (int)a->elem);
    for (uint32_t i = 0; i < k->count; i++)
        if (contradicts(c, k->items[i].numerator, k->items[i].denominator, oo__array_double(a, i)))
            contradiction(c, node, "element %u of output %u is said to be (%s)/%lld, and is %g", i, value->index,
                          oo__expr_print(k->items[i].numerator, c->g->model->arena), (long long)k->items[i].denominator, oo__array_double(a, i));
}

static void check_tensor(const check *c, const oo_node *node, uint32_t output, const oo_type *type, const oo_array *a) {
    if (type->has_elem && type->elem != OO_UNDEFINED && (oo_elem)type->elem != a->elem)
        contradiction(c, node, "output %u is said to have type %s, and has %s", output, oo__elem_name(type->elem), oo__elem_name((int32_t)a->elem));
    if (!type->has_shape)
        return;
    if (type->rank != a->rank)
        contradiction(c, node, "output %u is said to have rank %u, and has %u", output, type->rank, a->rank);
    for (uint32_t i = 0; i < a->rank; i++) {
        const oo_expr *const e = type->dims[i].expr;
        if (e && !c->g->depth)
            bind(c, e, a->dims[i]);
        if (contradicts(c, e, 1, (double)a->dims[i]))
            contradiction(c, node, "output %u is said to have %s at axis %u, and has %lld", output, oo__expr_print(e, c->g->model->arena), i,
                          (long long)a->dims[i]);
    }
}

static void check_type(const check *c, const oo_node *node, uint32_t output, const oo_type *type, const oo_datum *v) {
    static const oo_kind KINDS[] = {[OO_DATUM_NONE] = OO_TYPE_NONE, [OO_DATUM_TENSOR] = OO_TYPE_TENSOR, [OO_DATUM_SEQUENCE] = OO_TYPE_SEQUENCE,
                                    [OO_DATUM_MAP] = OO_TYPE_MAP, [OO_DATUM_OPTIONAL] = OO_TYPE_OPTIONAL, [OO_DATUM_SPARSE] = OO_TYPE_SPARSE_TENSOR};
    if (!type || type->kind == OO_TYPE_NONE || v->kind == OO_DATUM_NONE)
        return;
    if (type->kind != KINDS[v->kind])
        contradiction(c, node, "output %u is said to be of kind %d, and is of kind %d", output, (int)type->kind, (int)KINDS[v->kind]);
    if (v->kind == OO_DATUM_TENSOR)
        check_tensor(c, node, output, type, v->array);
    else if (v->kind == OO_DATUM_MAP && type->has_elem && (oo_elem)type->elem != v->array->elem)
        contradiction(c, node, "keys of output %u have another type", output);
    for (uint32_t i = 0; i < v->nitems && v->kind != OO_DATUM_MAP; i++)
        if (v->items[i])
            check_type(c, node, output, type->inner, v->items[i]);
}

static bool in_loop(const oo_node *node) {
    const oo_node *owner = node->graph->owner;
    while (owner && !oo_node_is(owner, "Loop") && !oo_node_is(owner, "Scan"))
        owner = owner->graph->owner;
    return owner != NULL;
}

/* What ONNX forbids and the evaluator, as NumPy and runtimes, lets pass. */
static bool may_be_refused(const oo_node *node, const char *why) {
    static const struct {
        const char *op, *why;
    } LENIENT[] = {
        {"Softmax", "out of range for rank"}, {"LogSoftmax", "out of range for rank"}, {"Hardmax", "out of range for rank"},
        {"ArgMax", "out of range for rank 0"}, {"ArgMin", "out of range for rank 0"}, {"ConvTranspose", "exclude each other"},
        {"Attention", "go together"}, {"OneHot", "is negative"},
    };
    for (size_t i = 0; i < sizeof LENIENT / sizeof *LENIENT; i++)
        if (strcmp(node->op->name, LENIENT[i].op) == 0 && strstr(why, LENIENT[i].why))
            return true;
    return strstr(why, "does not fit 64 bits") != NULL; /* of contents: sizes that overflow do not run */
}

static void count(const oo_node *node) {
    enum { ROWS = sizeof oo__compared_operators / sizeof *oo__compared_operators };
    oo__compared_nodes++;
    for (uint32_t i = 0; i < ROWS; i++) {
        char *const row = oo__compared_operators[i];
        if (!*row)
            snprintf(row, sizeof *oo__compared_operators, "%s", node->op->name);
        if (strcmp(row, node->op->name) == 0)
            return;
    }
}

static void watch(void *user, const oo_node *node, oo_datum *const *outputs, double seconds) {
    check *const c = user;
    (void)seconds;
    c->g->depth = in_loop(node);
    if (c->refused[node->id] && !may_be_refused(node, c->why[node->id]))
        contradiction(c, node, "inference refuses what runs: %s", c->why[node->id]);
    count(node);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        if (!node->outputs[i] || !outputs[i])
            continue;
        check_type(c, node, i, node->outputs[i]->type, outputs[i]);
        if (outputs[i]->kind == OO_DATUM_TENSOR)
            check_contents(c, node, node->outputs[i], outputs[i]->array);
    }
}

/* ---- models ---- */
static void tell(void *user, const oo_node *node, const char *text) {
    check *const c = user;
    if (!node)
        return;
    c->refused[node->id] = 1;
    c->why[node->id] = oo__str(c->g->model, text);
}

/* What was learned holds, since the model runs. */
static void check_lessons(const check *c) {
    const oo__learned *const l = c->g->model->learned;
    for (uint32_t i = 0; l && i < l->all.n; i++) {
        int64_t left, right;
        if (oo__expr_evaluate(l->all.data[i].left, size_of_symbol, (void *)(uintptr_t)c, &left) &&
            oo__expr_evaluate(l->all.data[i].right, size_of_symbol, (void *)(uintptr_t)c, &right) && left != right)
            contradiction(c, l->all.data[i].node, "%s are said to be equal, and are %lld and %lld", l->all.data[i].why, (long long)left,
                          (long long)right);
    }
}

static void check_inputs(const check *c) {
    const oo_graph *const graph = c->g->model->graph;
    for (uint32_t i = 0; i < graph->inputs.n; i++) {
        const oo_type *const type = graph->inputs.data[i].value->type;
        const oo_array *const a = c->g->inputs.data[i]->array;
        for (uint32_t k = 0; type->has_shape && k < type->rank; k++)
            oo_require(!contradicts(c, type->dims[k].expr, 1, (double)a->dims[k]), "input %u is said to have %s at axis %u, and has %lld", i,
                       oo__expr_print(type->dims[k].expr, c->g->model->arena), k, (long long)a->dims[k]);
    }
}

static void run(oo_random_graph *g) {
    check c = {.g = g};
    oo_model *const model = g->model;
    oo_require(oo_model_verify(model) == OO_OK, "the graph that was made up is broken");
    c.refused = calloc(model->nnodes + 1u, 1);
    c.why = calloc(model->nnodes + 1u, sizeof *c.why);
    const oo_infer_settings settings = {.tell = tell, .user = &c};
    (void)oo__infer_model(model, &settings);
    c.nfresh = model->symbols + 1;
    c.fresh = calloc(c.nfresh, sizeof *c.fresh);
    c.bound = calloc(c.nfresh, sizeof *c.bound);
    oo_require(c.refused && c.why && c.fresh && c.bound, "out of memory");
    const oo_eval_settings eval = {.memory_limit = 1 << 24, .loop_limit = 100, .step_limit = 100000, .seed = 1, .watch = watch, .user = &c};
    oo_evaluator *const ev = oo__evaluator_new(model, &eval);
    oo_datum **const out = calloc(model->graph->outputs.n + 1u, sizeof *out);
    oo_require(out != NULL, "out of memory");
    if (oo__evaluate(ev, g->inputs.data, out) == OO_OK) {
        check_lessons(&c);
        check_inputs(&c);
        for (uint32_t i = 0; i < model->graph->outputs.n; i++)
            oo__datum_release(out[i]);
    }
    oo__evaluator_free(ev);
    free(out);
    free(c.refused);
    free(c.why);
    free(c.fresh);
    free(c.bound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const oo_random_plan plan = {.data = data, .size = size, .least = 1, .most = 30};
    oo_random_graph *const g = oo__random_graph(&plan);
    if (g) {
        run(g);
        oo__random_graph_free(g);
    }
    return 0;
}
