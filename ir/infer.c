/* Drives inference over graphs, subgraphs and functions, and merges what operators say with what the file claims. */
#include "ir/infer.h"

#include "ir/disputed.h"
#include "ir/infer_learn.h"
#include "ir/infer_run.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CALLS = 64 };

typedef struct row {
    oo_domain domain;
    const char *name;
    oo__infer_function function;
} row;


static row ROWS[] = {
#define INFER(domain, name, function) {OO_DOMAIN_##domain, #name, oo__infer_##function},
#include "ir/infer.def"
#undef INFER
    {OO_DOMAIN_OTHER, "", NULL},
};
enum { COUNT = sizeof ROWS / sizeof *ROWS };

static int compare_rows(const void *a, const void *b) {
    const row *const x = a, *const y = b;
    return x->domain != y->domain ? (x->domain < y->domain ? -1 : 1) : strcmp(x->name, y->name);
}

static oo__infer_function search(const oo_schema *schema) {
    static bool sorted;
    if (!sorted) {
        qsort(ROWS, COUNT, sizeof *ROWS, compare_rows);
        sorted = true;
    }
    const row key = {schema->domain, schema->name, NULL};
    const row *const found = bsearch(&key, ROWS, COUNT, sizeof *ROWS, compare_rows);
    return found ? found->function : NULL;
}

/* A graph asks for few operators, and for these again and again. */
static oo__infer_function function_of(const oo_schema *schema) {
    enum { KEPT = 256 };
    static row kept[KEPT];
    if (!schema)
        return NULL;
    row *const r = &kept[(uintptr_t)schema->name / 4 % KEPT]; /* the name is a literal of the table: its address stands for it */
    if (r->name != schema->name || r->domain != schema->domain)
        *r = (row){schema->domain, schema->name, search(schema)};
    return r->function;
}

/* ---- symbols ---- */
/* --dim NAME=N. */
static bool fixed_dim(const oo__infer *c, const char *name, size_t n, int64_t *out) {
    for (uint32_t i = 0; c->settings && i < c->settings->ndims; i++) {
        const char *const text = c->settings->dims[i];
        if (strncmp(text, name, n) == 0 && text[n] == '=') {
            *out = strtoll(text + n + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

static const oo_expr *input_symbol(oo__infer *c, const char *name) {
    oo__learn_symbol(c, name);
    return oo__expr_symbol(c->exprs, name, 0, INT64_MAX);
}

static const oo_expr *symbol_named(void *state, const char *name, size_t size) {
    oo__infer *const c = state;
    int64_t fixed;
    if (fixed_dim(c, name, size, &fixed))
        return oo__expr_int(c->exprs, fixed);
    return input_symbol(c, oo__str_n(c->model, name, size));
}

/* Whether a caller takes a name as one: exporters write "?" and the like for any number of dimensions that differ. */
static bool is_label(const char *name) {
    static const char *const empty[] = {"none", "None", "unknown", "dynamic"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if (strcmp(name, empty[i]) == 0)
            return false;
    while (*name && !isalpha((unsigned char)*name))
        name++;
    return *name;
}

/* The dimension of an input: a number, an expression over symbols, or a symbol of its own where nothing is said. Arithmetic in names is what
 * the exporter means, and ONNX holds nobody to it: for proofs, "N + 1" is a name. */
static const oo_expr *input_dim(oo__infer *c, const oo_value *value, uint32_t axis, const oo_dim *dim) {
    int64_t fixed;
    if (dim->kind == OO_DIM_VALUE)
        return dim->value >= 0 ? oo__expr_int(c->exprs, dim->value) : NULL;
    const bool proofs = c->settings && c->settings->proofs_only;
    if (dim->kind == OO_DIM_PARAM && *dim->param && (!proofs || is_label(dim->param))) {
        if (fixed_dim(c, dim->param, strlen(dim->param), &fixed))
            return oo__expr_int(c->exprs, fixed);
        if (proofs)
            return input_symbol(c, dim->param);
        const oo_expr *const parsed = oo__expr_parse(c->exprs, dim->param, symbol_named, c);
        return parsed ? parsed : input_symbol(c, dim->param);
    }
    char text[256];
    snprintf(text, sizeof text, "%.200s_dim_%u", oo_value_name(value), axis);
    return input_symbol(c, oo__str(c->model, text));
}

static const oo_type *claim_of(oo__infer *c, const oo_type *declared);

/* What is in an input that is a container: of the elements of a sequence numbers alone count, since each may have sizes of its own. */
static const oo_type *input_type(oo__infer *c, const oo_value *value, const oo_type *declared);
static const oo_type *container_type(oo__infer *c, const oo_value *value, const oo_type *declared) {
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = *declared;
    type->inner = declared->kind == OO_TYPE_OPTIONAL ? input_type(c, value, declared->inner) : claim_of(c, declared->inner);
    return type;
}

static const oo_type *input_type(oo__infer *c, const oo_value *value, const oo_type *declared) {
    if (declared && declared->inner)
        return container_type(c, value, declared);
    if (!declared || declared->kind != OO_TYPE_TENSOR || !declared->has_shape)
        return declared;
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = *declared;
    type->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        type->dims[i] = declared->dims[i];
        type->dims[i].expr = oo__as_learned(c, input_dim(c, value, i, &declared->dims[i]));
    }
    return type;
}

/* ---- claims ---- */
/* What the file says of a value that an operator makes: rank, element type and numbers; symbols are not taken as proof of anything. */
static const oo_type *claim_of(oo__infer *c, const oo_type *declared) {
    const bool shaped = declared && declared->kind == OO_TYPE_TENSOR && declared->has_shape;
    if (!declared || (!shaped && !declared->inner))
        return declared;
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = *declared;
    type->inner = claim_of(c, declared->inner);
    if (!shaped)
        return type;
    type->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    const bool names = c->settings && c->settings->names_hold;
    for (uint32_t i = 0; i < type->rank; i++) {
        const oo_dim *const dim = &declared->dims[i];
        if (dim->kind == OO_DIM_VALUE && dim->value >= 0)
            type->dims[i] = oo__dim_of(oo__expr_int(c->exprs, dim->value));
        else if (names && dim->kind == OO_DIM_PARAM && *dim->param)
            type->dims[i] = oo__dim_of(oo__expr_symbol(c->exprs, dim->param, 0, INT64_MAX));
    }
    return type;
}

static const oo_type *find_claim(const oo__infer_run *run, const oo_value *value) {
    return run->claims ? run->claims[value->id] : NULL;
}

static void collect_claims(oo__infer_run *run, const oo_value_infos *infos) {
    for (uint32_t i = 0; i < infos->n; i++)
        if (infos->data[i].value && infos->data[i].type && !run->claims[infos->data[i].value->id])
            run->claims[infos->data[i].value->id] = infos->data[i].type;
}

/* Numbers that the file declares where operators have an expression: ONNX takes them. */
static const oo_type *with_numbers(oo__infer *c, const oo_type *type, const oo_type *claim) {
    if (!type || type->kind != OO_TYPE_TENSOR || !type->has_shape || claim->kind != OO_TYPE_TENSOR || oo_type_rank(claim) != oo_type_rank(type))
        return type;
    oo_type *const out = OO_NEW(c->model->arena, oo_type);
    *out = *type;
    out->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++)
        out->dims[i] = claim->dims[i].kind == OO_DIM_VALUE ? claim->dims[i] : type->dims[i];
    return out;
}

/* Operators are right, declarations may be old: that is worth a word to who asks, and an error in strict mode. */
static void tell_claim(oo__infer_run *run, const oo_value *value, const oo_type *claim) {
    const oo_infer_settings *const s = run->c.settings;
    if (!s || (!s->strict && !s->tell_claims))
        return;
    oo_arena *const arena = oo__arena_new();
    oo__infer_fail(&run->c, "\"%s\" is declared as %s, its operator gives %s", oo__printable(oo_value_name(value), strlen(oo_value_name(value))),
                   oo__type_text(claim, arena), oo__type_text(value->type, arena));
    oo__arena_free(arena);
}

static void merge_claim(oo__infer_run *run, oo_value *value) {
    const oo_type *const claim = claim_of(&run->c, find_claim(run, value));
    if (!claim)
        return;
    bool clash = false;
    const oo_type *const merged = oo__type_merge(&run->c, value->type, claim, &clash);
    if (clash)
        tell_claim(run, value, claim);
    if (!clash)
        value->type = run->c.settings && run->c.settings->names_hold ? with_numbers(&run->c, merged, claim) : merged;
}

/* ---- nodes ---- */
static const oo_schema *schema_of(const oo_node *node, bool proofs_only) {
    return oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), !proofs_only);
}

static oo_status infer_call(oo__infer_run *run, const oo_node *node, oo_graph *body) {
    oo__infer *const c = &run->c;
    const bool strict = c->settings && c->settings->strict;
    oo_status misfit = OO_OK;
    if (node->noutputs > body->outputs.n || (strict && node->noutputs < body->outputs.n))
        misfit = oo__infer_fail(c, "the call has %u outputs, the function %u", node->noutputs, body->outputs.n);
    else if (node->ninputs > body->inputs.n)
        misfit = oo__infer_fail(c, "the call has %u inputs, the function %u", node->ninputs, body->inputs.n);
    if (misfit != OO_OK)
        return strict ? misfit : OO_OK;
    if (run->depth >= MAX_CALLS)
        return oo__infer_fail(&run->c, "functions call each other more than %d deep", MAX_CALLS);
    for (uint32_t i = 0; i < body->inputs.n; i++) {
        oo_value *const formal = body->inputs.data[i].value;
        const oo_value *const actual = i < node->ninputs ? node->inputs[i].value : NULL;
        formal->type = actual ? actual->type : NULL;
        formal->known = actual ? actual->known : NULL;
    }
    const oo__infer_frame call = {node, body->function, c->call};
    run->depth++;
    body->function->inferred++;
    c->call = &call;
    const oo_status status = oo__infer_graph(run, body);
    c->call = call.outer;
    run->depth--;
    for (uint32_t i = 0; i < node->noutputs && i < body->outputs.n; i++) {
        if (!node->outputs[i])
            continue;
        node->outputs[i]->type = body->outputs.data[i].value->type;
        node->outputs[i]->known = body->outputs.data[i].value->known;
    }
    run->c.node = node;
    return status;
}

/* A tensor that the model takes, of nobody says what. */
static bool is_untyped(const oo_value *value) {
    return value && !value->producer && value->type && value->type->kind == OO_TYPE_TENSOR && oo_type_elem(value->type) == OO_UNDEFINED &&
           (value->flags & OO_VALUE_INPUT);
}

static void forget_outputs(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i])
            node->outputs[i]->type = NULL, node->outputs[i]->known = NULL;
}

/* Functions of inference rely on the inputs that the operator requires. */
static bool has_arity(const oo_schema *s, const oo_node *node) {
    bool whole = node->ninputs >= s->min_inputs && node->ninputs <= s->max_inputs;
    for (uint32_t i = 0; whole && i < node->ninputs && i < s->ninputs; i++)
        whole = node->inputs[i].value || s->inputs[i].optional || s->inputs[i].variadic;
    return whole && node->noutputs <= s->max_outputs;
}

static oo_status refuse_arity(oo__infer *c, const oo_node *node, bool strict) {
    const oo_status status = oo__infer_fail(c, "%u inputs and %u outputs are not what the operator takes", node->ninputs, node->noutputs);
    return strict ? status : OO_OK;
}

/* What holds under one reading of the node only is no proof: of its results the element types alone are known. */
static void forget_disputed(oo__infer *c) {
    if (!c->node->op->dispute || !c->settings || !c->settings->proofs_only || !oo__disputes_shape(c->node->op->dispute) || !oo__infer_disputed(c))
        return;
    for (uint32_t i = 0; i < c->node->noutputs; i++) {
        oo_value *const value = c->node->outputs[i];
        const oo_elem elem = value ? oo_type_elem(value->type) : OO_UNDEFINED;
        if (!value)
            continue;
        value->type = NULL;
        value->known = NULL;
        oo__set_tensor(c, i, elem, -1, NULL);
    }
}

static oo_status infer_node(oo__infer_run *run, const oo_node *node) {
    oo__infer *const c = &run->c;
    c->node = node;
    c->schema = NULL;
    oo_graph *const callee = oo_model_callee(c->model, node);
    if (callee)
        return infer_call(run, node, callee);
    c->schema = schema_of(node, c->settings && c->settings->proofs_only);
    const bool strict = c->settings && c->settings->strict;
    const oo__infer_function infer = c->schema                                ? function_of(c->schema)
                                     : c->settings && c->settings->custom ? c->settings->custom(node)
                                                                              : NULL;
    if (!infer)
        return OO_OK;
    for (uint32_t i = 0; strict && i < node->ninputs; i++)
        if (is_untyped(node->inputs[i].value))
            return oo__infer_fail(c, "input %u has no element type", i);
    if (c->schema && !has_arity(c->schema, node))
        return c->settings && c->settings->collect ? OO_OK : refuse_arity(c, node, strict);
    const uint32_t failures = c->failures;
    const oo_status status = infer(c);
    forget_disputed(c);
    if (c->failures != failures && strict && c->settings->collect)
        forget_outputs(node);
    return strict ? status : OO_OK;
}

oo_status oo__infer_graph(oo__infer_run *run, oo_graph *graph) {
    const oo_infer_settings *const settings = run->c.settings;
    for (oo_node *node = graph->first; node; node = node->next) {
        forget_outputs(node);
        const oo_status status = infer_node(run, node);
        if (status != OO_OK && !(settings && settings->collect))
            return status;
        if (settings && settings->visit)
            settings->visit(settings->user, &run->c);
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i])
                merge_claim(run, node->outputs[i]);
        if (run->c.status != OO_OK)
            return run->c.status;
    }
    return OO_OK;
}

/* ---- models ---- */
/* An initializer is what an input is when nobody gives one: it must fit what the input is declared as. */
static void check_default(oo__infer_run *run, const oo_value *value, const oo_type *declared) {
    const oo_tensor *const init = value->init;
    if (!declared || declared->kind != OO_TYPE_TENSOR)
        return;
    bool clash = oo_type_elem(declared) != OO_UNDEFINED && oo_type_elem(declared) != oo_tensor_elem(init);
    clash |= declared->has_shape && declared->rank != init->rank;
    for (uint32_t i = 0; declared->has_shape && !clash && i < init->rank; i++)
        clash |= declared->dims[i].kind == OO_DIM_VALUE && declared->dims[i].value >= 0 && declared->dims[i].value != init->dims[i];
    if (clash)
        oo__infer_fail(&run->c, "the initializer has another type or shape than the input \"%s\" is declared with", oo_value_name(value));
}

static void start_graph(oo__infer_run *run, oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++) {
        oo_value_info *const info = &graph->inputs.data[i];
        info->value->known = NULL;
        if (!graph->owner && !graph->function)
            info->value->type = input_type(&run->c, info->value, info->type);
        if (info->value->init && !graph->function)
            check_default(run, info->value, info->type);
    }
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        oo_value *const value = graph->initializers.data[i];
        value->known = NULL;
        if (value->init && !(value->flags & OO_VALUE_INPUT)) {
            int64_t const *const dims = value->init->dims;
            value->type = oo__type_of_dims(&run->c, (oo_elem)value->init->elem, value->init->rank, dims);
        }
    }
    if (!run->claims)
        return;
    collect_claims(run, &graph->outputs); /* before value_info: the first claim counts */
    collect_claims(run, &graph->infos);
}

static void forget_graph(oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n && (graph->owner || graph->function); i++)
        graph->inputs.data[i].value->type = NULL, graph->inputs.data[i].value->known = NULL;
    for (oo_node *node = graph->first; node; node = node->next)
        forget_outputs(node);
}

static const oo_function *function_around(const oo_graph *graph) {
    while (graph && !graph->function)
        graph = graph->parent;
    return graph ? graph->function : NULL;
}

/* What is known of a body's values is what was known in its last call, and another call may differ. */
static void forget_shared_bodies(oo_model *model) {
    if (!model->functions.n)
        return;
    oo_for_each_graph(graph, model) {
        const oo_function *const function = function_around(graph);
        if (function && function->inferred != 1)
            forget_graph(graph);
    }
}

void oo__infer_forget(oo_model *model) {
    oo_for_each_graph(graph, model) forget_graph(graph);
    model->properties &= ~(uint32_t)(OO_TYPES | OO_VALUES);
}

/* Everything once, under what was learned before. */
static oo_status infer_round(oo__infer_run *run) {
    oo_model *const model = run->c.model;
    for (uint32_t i = 0; i < model->functions.n; i++)
        model->functions.data[i]->inferred = 0;
    oo_for_each_graph(graph, model) start_graph(run, graph);
    oo_status status = run->c.status;
    if (status == OO_OK && model->graph)
        status = oo__infer_graph(run, model->graph);
    run->inside++; /* training graphs need not run */
    for (uint32_t i = 0; i < model->trainings.n && status == OO_OK; i++) {
        const oo_training *const t = model->trainings.data[i];
        if (t->initialization)
            status = oo__infer_graph(run, t->initialization);
        if (t->algorithm && status == OO_OK)
            status = oo__infer_graph(run, t->algorithm);
    }
    run->inside--;
    return status;
}

/* A pool of its own: a symbol that an earlier run made has bounds there and may mean something else here. */
void oo__infer_restart(oo_model *model) {
    oo__infer_forget(model);
    oo__exprs_free(model->exprs);
    model->exprs = oo__exprs_new(model->arena);
    model->learned = NULL;
    model->symbols = 0;
}

oo_status oo__infer_model(oo_model *model, const oo_infer_settings *settings) {
    if (!model->exprs)
        model->exprs = oo__exprs_new(model->arena);
    oo__infer_run run = {.c = {.model = model, .exprs = model->exprs, .settings = settings}};
    run.told = calloc(model->nnodes + 1u, 1);
    if (!run.told)
        oo__oom(model->nnodes);
    if (!settings || !settings->forget_claims) {
        run.claims = calloc(model->nvalues + 1u, sizeof *run.claims);
        if (!run.claims)
            oo__oom(model->nvalues * sizeof *run.claims);
    }
    model->learned = settings && settings->no_lessons ? NULL : OO_NEW(model->arena, oo__learned);
    oo_status status = oo__model_sort(model);
    if (status == OO_OK)
        status = infer_round(&run);
    for (int round = 1; status == OO_OK && model->learned && model->learned->changed && round < OO__ROUNDS_MAX; round++) {
        model->learned->changed = false;
        status = infer_round(&run);
    }
    free(run.claims);
    free(run.told);
    model->properties &= ~(uint32_t)(OO_TYPES | OO_VALUES);
    if (settings && settings->proofs_only) {
        forget_shared_bodies(model);
        model->properties |= OO_TYPES | OO_VALUES;
    }
    return status;
}

/* What nodes demand of sizes (lessons) is not demanded where a dimension is 0: operators let empty tensors pass. */
static const oo_infer_settings PROOFS = {.forget_claims = true, .proofs_only = true, .quiet = true, .no_lessons = true};

void oo__infer_proofs(oo_model *model) { (void)oo__infer_model(model, &PROOFS); }

bool oo__infer_one(oo_model *model, const oo_node *node) {
    oo__infer_run run = {.c = {.model = model, .exprs = model->exprs, .settings = &PROOFS}, .inside = 1};
    /* Of a call, and of an operator that nothing is known about, a pass may know more. */
    if (oo_model_callee(model, node) || !schema_of(node, true))
        return true;
    forget_outputs(node);
    (void)infer_node(&run, node);
    return !run.c.failures;
}

/* ---- subgraphs ---- */
static bool claims_hold(const oo__infer *c) { return !c->settings || !c->settings->forget_claims; }

static oo_graph *subgraph(const oo__infer *c, const char *attribute) {
    const oo_attr *const a = oo__infer_attr(c, attribute);
    return a && !a->raw.data && !a->reference && a->type == OO_ATTR_GRAPH ? a->g : NULL;
}

oo_status oo__infer_subgraph(oo__infer *c, const char *attribute, const oo_type *const *inputs, const oo_known *const *known,
                             uint32_t ninputs) {
    oo_graph *const graph = subgraph(c, attribute);
    if (!graph)
        return oo__infer_fail(c, "attribute \"%s\" holds no graph", attribute);
    oo__infer_run *const run = (oo__infer_run *)c; /* c is the first member */
    const oo_node *const node = c->node;
    const oo_schema *const schema = c->schema;
    for (uint32_t i = 0; i < graph->inputs.n; i++) {
        oo_value_info *const info = &graph->inputs.data[i];
        const oo_type *const claim = claims_hold(c) ? claim_of(c, info->type) : NULL;
        bool clash = false;
        const oo_type *const both = i < ninputs && inputs[i] ? oo__type_merge(c, inputs[i], claim, &clash) : claim;
        info->value->type = clash ? inputs[i] : both;
        info->value->known = i < ninputs && known ? known[i] : NULL;
    }
    run->inside++;
    const oo_status status = oo__infer_graph(run, graph);
    run->inside--;
    c->node = node;
    c->schema = schema;
    return status;
}

const oo_type *oo__subgraph_output(const oo__infer *c, const char *attribute, uint32_t index) {
    const oo_graph *const graph = subgraph(c, attribute);
    return graph && index < graph->outputs.n ? graph->outputs.data[index].value->type : NULL;
}

const oo_known *oo__subgraph_known(const oo__infer *c, const char *attribute, uint32_t index) {
    const oo_graph *const graph = subgraph(c, attribute);
    return graph && index < graph->outputs.n ? oo__value_known(c, graph->outputs.data[index].value) : NULL;
}

/* ---- counting ---- */
typedef struct census {
    bool fresh;
} census;

static void see_symbol(void *state, const char *name) {
    census *const s = state;
    s->fresh |= strchr(name, '#') != NULL;
}

oo_infer_class oo__infer_class(const oo_value *value) {
    const oo_type *const type = value->type;
    const bool tensor = type && type->kind == OO_TYPE_TENSOR;
    if (!type || (tensor && !type->has_shape))
        return OO_INFER_UNKNOWN;
    census s = {false};
    bool known = true;
    for (uint32_t i = 0; tensor && i < type->rank; i++) {
        known = known && type->dims[i].expr;
        if (type->dims[i].expr)
            oo__expr_symbols(type->dims[i].expr, see_symbol, &s);
    }
    return !known ? OO_INFER_UNKNOWN : s.fresh ? OO_INFER_FRESH : OO_INFER_RESOLVED;
}

static void count_value(oo_infer_counts *counts, const oo_value *value) {
    uint64_t *const by_class[] = {&counts->resolved, &counts->fresh, &counts->unknown};
    counts->values++;
    ++*by_class[oo__infer_class(value)];
}

oo_infer_counts oo__infer_count(const oo_model *model) {
    oo_infer_counts counts = {0};
    oo_for_each_graph(graph, model) {
        for (const oo_node *node = graph->first; node && !graph->function; node = node->next)
            for (uint32_t i = 0; i < node->noutputs; i++)
                if (node->outputs[i])
                    count_value(&counts, node->outputs[i]);
    }
    return counts;
}
