/* The only means to change a model. Every primitive change is logged with what is needed to take it back; a rewrite groups changes
 * and records which nodes went, came and were changed. */
#include "ir/rewriter.h"

#include "ir/change.h"
#include "ir/expr.h"
#include "ir/schema.h"

#include <stdlib.h>
#include <string.h>

oo_rewriter *oo__rewriter_new(oo_model *model, oo_arena *scratch, const oo_rewriter_settings *settings) {
    oo_rewriter *const rw = oo__malloc(sizeof *rw);
    *rw = (oo_rewriter){.model = model, .scratch = scratch, .settings = *settings};
    return rw;
}

static void forget_ids(oo_rewriter *rw) {
    rw->removed.n = rw->added.n = rw->changed.n = rw->values = 0;
    rw->fresh.n = rw->stale.n = rw->swaps.n = 0;
}

bool oo__rewriter_free(oo_rewriter *rw) {
    const bool closed = !rw->open;
    if (!closed)
        oo_abandon(rw);
    oo_vec_free(&rw->log);
    oo_vec_free(&rw->removed);
    oo_vec_free(&rw->added);
    oo_vec_free(&rw->changed);
    oo_vec_free(&rw->fresh);
    oo_vec_free(&rw->stale);
    oo_vec_free(&rw->swaps);
    oo_vec_free(&rw->counters);
    oo_vec_free(&rw->touched);
    free(rw->twins);
    free(rw);
    return closed;
}

bool oo__rewriter_is_broken(const oo_rewriter *rw) { return rw->broken; }
bool oo__rewriter_tells_passed(const oo_rewriter *rw) { return rw->settings.tell_passed; }
bool oo__rewriter_tells_missed(const oo_rewriter *rw) { return rw->settings.tell_missed; }
const void *oo__rewriter_host(const oo_rewriter *rw) { return rw->settings.host; }
uint32_t oo__rewriter_rewrites(const oo_rewriter *rw) { return rw->rewrites; }

const oo_counter *oo__rewriter_counters(const oo_rewriter *rw, uint32_t *count) {
    *count = rw->counters.n;
    return rw->counters.data;
}

oo_model *oo_rewriter_model(const oo_rewriter *rw) { return rw->model; }
void *oo_scratch(oo_rewriter *rw, size_t size) { return oo__arena_alloc(rw->scratch, size); }

void oo_count(oo_rewriter *rw, const char *name, uint64_t add) {
    for (uint32_t i = 0; i < rw->counters.n; i++) {
        if (strcmp(rw->counters.data[i].name, name) == 0) {
            rw->counters.data[i].value += add;
            return;
        }
    }
    oo_vec_push(NULL, &rw->counters, (oo_counter){name, add});
}

/* ---- rewrites ---- */
bool oo_begin(oo_rewriter *rw, const char *rule, const oo_node *root) {
    oo_require(!rw->open, "oo_begin: the rewrite \"%s\" is still open", rw->rule);
    if (rw->settings.fuel && *rw->settings.fuel == 0)
        return false;
    rw->open = true;
    rw->rule = rule;
    rw->root = root;
    rw->source = NULL;
    rw->named = 1;
    oo__inherit_from(rw, root, true);
    rw->start = rw->log.n;
    rw->model->serial++;
    forget_ids(rw);
    return true;
}

static uint32_t *copy_ids(oo_model *model, const oo__ids *ids) {
    uint32_t *const copy = OO_NEW_ARRAY(model->arena, uint32_t, ids->n);
    if (ids->n)
        memcpy(copy, ids->data, ids->n * sizeof *copy);
    return copy;
}

/* A rewrite that in the end changed nothing leaves no trace and costs no fuel. */
void oo_end(oo_rewriter *rw) {
    oo_require(rw->open, "oo_end: no rewrite is open");
    if (rw->model->properties & OO_TYPES)
        oo__retype(rw);
    rw->open = false;
    if (rw->log.n == rw->start)
        return;
    oo_model *const model = rw->model;
    const oo_rewrite done = {.pass = rw->settings.pass,
                             .rule = oo__str(model, rw->rule),
                             .root = rw->root ? rw->root->id : UINT32_MAX,
                             .removed = copy_ids(model, &rw->removed),
                             .added = copy_ids(model, &rw->added),
                             .changed = copy_ids(model, &rw->changed),
                             .nremoved = rw->removed.n,
                             .nadded = rw->added.n,
                             .nchanged = rw->changed.n,
                             .values = rw->values};
    oo_vec_push(model->arena, &model->history, done);
    rw->rewrites++;
    if (rw->settings.fuel)
        --*rw->settings.fuel;
}

oo_checkpoint oo__checkpoint(const oo_rewriter *rw) {
    oo_require(!rw->open, "oo__checkpoint: a rewrite is open");
    return (oo_checkpoint){rw->log.n, rw->model->history.n};
}

void oo__rollback(oo_rewriter *rw, oo_checkpoint point) {
    oo_require(!rw->open && point.log <= rw->log.n && point.history <= rw->model->history.n, "oo__rollback: stale point");
    oo__undo(rw, point.log);
    rw->rewrites -= rw->model->history.n - point.history;
    rw->model->history.n = point.history;
    rw->model->serial++;
}

void oo_abandon(oo_rewriter *rw) {
    oo_require(rw->open, "oo_abandon: no rewrite is open");
    oo__undo(rw, rw->start);
    rw->open = false;
    rw->model->serial++;
}

/* ---- building ---- */
void oo__inherit_from(oo_rewriter *rw, const oo_node *source, bool whole) {
    if (source != rw->source)
        rw->named = 1;
    rw->source = source;
    rw->whole = whole;
}

static const char *name_for_new_node(oo_rewriter *rw, const char *op) {
    const char *const stem = rw->source && rw->source->name && *rw->source->name ? rw->source->name : NULL;
    const bool whole = rw->whole;
    rw->whole = false;
    if (!stem || whole)
        return stem;
    /* An earlier rewrite may have named a node so; runtimes want names that differ. */
    const char *name;
    do
        name = oo__arena_printf(rw->scratch, "%s_%s_%u", stem, op, rw->named++);
    while (oo__intern_find(rw->model->strings, name, strlen(name)));
    return oo__str(rw->model, name);
}

/* Documentation and metadata say where a node came from in the user's source: what replaces it keeps them. */
static void inherit(oo_rewriter *rw, oo_node *node) {
    node->name = name_for_new_node(rw, node->op->name);
    node->origin = rw->model->history.n + 1;
    const oo_node_extra *const extra = rw->source ? rw->source->extra : NULL;
    if (!extra)
        return;
    oo_node_extra *const own = oo__node_extra(node);
    own->doc = extra->doc;
    own->metadata = extra->metadata;
}

oo_value *oo__fresh_value(oo_graph *graph, const char *stem) {
    oo_value *const value = oo__value_new(graph, NULL);
    value->flags |= OO_VALUE_FRESH;
    value->read_name = stem;
    graph->model->fresh++;
    return value;
}

static oo_node *build_in(oo_rewriter *rw, oo_graph *graph, oo_node *before, const char *domain, const char *op, uint32_t ninputs,
                         uint32_t noutputs) {
    oo_node *const node = oo__node_new(graph, *domain ? domain : NULL, op, ninputs, noutputs, 0);
    oo__graph_unlink(node);
    oo__graph_link(graph, node, before);
    oo__log(rw, (oo__change){.kind = OO__NODE_IN, .node = node});
    oo_vec_push(NULL, &rw->added, node->id);
    if (rw->model->properties & OO_TYPES)
        oo_vec_push(NULL, &rw->fresh, node);
    inherit(rw, node);
    node->stamp = rw->model->serial;
    for (uint32_t i = 0; i < noutputs; i++)
        oo__node_set_output(node, i, oo__fresh_value(graph, NULL));
    return node;
}

static void require_open(const oo_rewriter *rw, const char *function) {
    oo_require(rw->open, "%s: outside of oo_begin .. oo_end", function);
}

oo_node *oo_build(oo_rewriter *rw, oo_node *before, const char *domain, const char *op, const oo_value *const *inputs,
                  uint32_t ninputs, uint32_t noutputs) {
    require_open(rw, __func__);
    oo_require(before && !before->erased, "oo_build: the place to build at was erased");
    oo_node *const node = build_in(rw, before->graph, before, domain, op, ninputs, noutputs);
    const oo_value *const model_output = rw->source && rw->source->noutputs ? rw->source->outputs[0] : NULL;
    for (uint32_t i = 0; i < noutputs; i++)
        node->outputs[i]->read_name = model_output ? model_output->name : NULL;
    for (uint32_t i = 0; i < ninputs; i++)
        oo__use_link(node, i, (oo_value *)(uintptr_t)inputs[i]);
    return node;
}

oo_node *oo__build_last(oo_rewriter *rw, oo_graph *graph, const char *op, oo_value *input) {
    require_open(rw, __func__);
    oo_node *const node = build_in(rw, graph, NULL, "", op, 1, 1);
    node->outputs[0]->read_name = input->name ? input->name : input->read_name;
    oo__use_link(node, 0, input);
    return node;
}

static const oo_type *tensor_type(oo_model *model, int32_t elem, int32_t rank, const int64_t *dims) {
    oo_type *const type = OO_NEW(model->arena, oo_type);
    type->kind = OO_TYPE_TENSOR;
    type->elem = elem;
    type->has_elem = true;
    type->has_shape = rank >= 0;
    type->rank = rank > 0 ? (uint32_t)rank : 0;
    type->dims = OO_NEW_ARRAY(model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++)
        if (dims[i] >= 0)
            type->dims[i] = (oo_dim){.kind = OO_DIM_VALUE,
                                     .value = dims[i],
                                     .expr = model->exprs ? oo__expr_int(model->exprs, dims[i]) : NULL};
    return type;
}

/* Function bodies have no initializers, and before IR version 4 an initializer had to be a public input as well: there a Constant
 * node holds the data. */
static oo_value *build_constant_node(oo_rewriter *rw, oo_graph *graph, oo_tensor *tensor) {
    oo_node *const node = build_in(rw, graph, graph->first, "", "Constant", 0, 1);
    oo_set_tensor(rw, node, "value", tensor);
    return node->outputs[0];
}

bool oo__can_build_constant_node(const oo_graph *graph, oo_elem elem) {
    const oo_schema *const schema = oo__schema_find("", "Constant", oo_graph_opset(graph, ""));
    return schema && oo__schema_output(schema, 0)->types->elems[OO_FORM_TENSOR] >> elem & 1;
}

static bool is_built_as_node(const oo_graph *graph) { return oo_graph_in_function(graph) || graph->model->ir_version < 4; }

bool oo__can_build_const(const oo_graph *graph, oo_elem elem) {
    return !is_built_as_node(graph) || oo__can_build_constant_node(graph, elem);
}

oo_value *oo_build_const(oo_rewriter *rw, oo_graph *graph, oo_tensor *tensor, const char *stem) {
    require_open(rw, __func__);
    oo_value *value;
    if (is_built_as_node(graph)) {
        value = build_constant_node(rw, graph, tensor);
    } else {
        value = oo__fresh_value(graph, NULL);
        value->flags |= OO_VALUE_INITIALIZER;
        value->init = tensor;
        oo_vec_push(rw->model->arena, &graph->initializers, value);
        oo__log(rw, (oo__change){.kind = OO__INIT_IN, .graph = graph, .value = value});
        rw->values++;
    }
    value->read_name = oo__str(rw->model, stem && *stem ? stem : "const");
    value->type = tensor_type(rw->model, tensor->elem, (int32_t)tensor->rank, tensor->dims);
    return value;
}

/* ---- telling ---- */
static void tell(const oo_rewriter *rw, oo_severity severity, const char *code, const char *rule, const oo_node *node,
                 const char *format, va_list args) {
    oo_arena *const arena = oo__arena_new();
    const oo_diag diag = {.severity = severity,
                          .code = code,
                          .file = rw->model->path,
                          .pass = rw->settings.pass,
                          .rule = rule,
                          .graph = node ? oo__graph_path(node->graph, arena) : NULL,
                          .node = node ? oo_node_name(node) : NULL,
                          .op = node ? node->op->name : NULL,
                          .value = node && node->noutputs && node->outputs[0] ? oo_value_name(node->outputs[0]) : NULL,
                          .offset = -1};
    oo__diag_v(rw->model->context, diag, format, args);
    oo__arena_free(arena);
}

bool oo_miss(oo_rewriter *rw, const char *rule, const oo_node *node, const char *format, ...) {
    if (!rw->settings.tell_missed)
        return false;
    va_list args;
    va_start(args, format);
    tell(rw, OO_REMARK, "remark-missed", rule, node, format, args);
    va_end(args);
    return false;
}

void oo_remark(oo_rewriter *rw, const oo_node *node, const char *format, ...) {
    if (!rw->settings.tell_passed)
        return;
    va_list args;
    va_start(args, format);
    tell(rw, OO_REMARK, "remark-passed", rw->open ? rw->rule : NULL, node, format, args);
    va_end(args);
}

oo_status oo_error_at(oo_rewriter *rw, const oo_node *node, oo_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tell(rw, OO_ERROR, "pass-error", rw->open ? rw->rule : NULL, node, format, args);
    va_end(args);
    return status;
}

/* ---- types ---- */
static void set_type(oo_rewriter *rw, oo_value *value, const oo_type *type) {
    oo__log(rw, (oo__change){.kind = OO__TYPE, .value = value, .old = (void *)(uintptr_t)value->type});
    value->type = type;
    rw->values++;
}

void oo_set_tensor_type(oo_rewriter *rw, oo_value *value, oo_elem elem, int32_t rank, const int64_t *dims) {
    require_open(rw, __func__);
    set_type(rw, value, tensor_type(rw->model, (int32_t)elem, rank, dims));
}

void oo_copy_type(oo_rewriter *rw, oo_value *to, const oo_value *from) {
    require_open(rw, __func__);
    if (from->type && to->type != from->type)
        set_type(rw, to, from->type);
}
