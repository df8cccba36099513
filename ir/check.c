/* Drives the checks of check.def over a model. */
#include "ir/check_run.h"

#include <stdio.h>
#include <string.h>

static const struct {
    oo_severity severity;
    const char *code;
} defects[DEFECT_COUNT] = {
#define DEFECT(id, severity_, code_) [DEFECT_##id] = {OO_##severity_, code_},
#include "ir/check.def"
};

typedef enum scope { SCOPE_MODEL, SCOPE_GRAPH, SCOPE_NODE } scope;

static const struct {
    scope scope;
    void (*function)(oo__check_run *c);
} checks[] = {
#define CHECK(scope_, function_) {SCOPE_##scope_, oo__check_##function_},
#include "ir/check.def"
};
enum { NCHECKS = sizeof checks / sizeof *checks };

/* ---- messages ---- */
void oo__tell(oo__check_run *c, oo__defect defect, const oo_value *value, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->errors += defects[defect].severity == OO_ERROR;
    oo__report(c->model, defects[defect].severity, defects[defect].code, c->graph, c->node, value, "%s", text);
}

const char *oo__shown(const char *name) { return name ? oo__printable(name, oo__str_len(name)) : ""; }

/* ---- operators ---- */
bool oo__is_own_domain(const char *domain) { return oo__schema_latest_opset(domain) > 0; }

oo_graph *oo__check_callee(const oo__check_run *c, const oo_node *node) {
    return oo__is_own_domain(node->op->domain) ? NULL : oo_model_callee(c->model, node);
}

const oo_function *oo__check_function_around(const oo_graph *graph) {
    while (graph && !graph->function)
        graph = graph->parent;
    return graph ? graph->function : NULL;
}

bool oo__check_declares(const oo_function *f, const char *name) {
    for (uint32_t i = 0; i < f->attributes.n; i++)
        if (f->attributes.data[i] == name)
            return true;
    for (uint32_t i = 0; i < f->defaults.n; i++)
        if (f->defaults.data[i]->name == name)
            return true;
    return false;
}

static const oo_schema *schema_of(const oo_node *node) {
    return oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), true);
}

/* ---- walking ---- */
static void run_checks(oo__check_run *c, scope wanted) {
    for (size_t i = 0; i < NCHECKS; i++)
        if (checks[i].scope == wanted)
            checks[i].function(c);
}

static void check_graph(oo__check_run *c, const oo_graph *graph) {
    c->graph = graph;
    run_checks(c, SCOPE_GRAPH);
    for (const oo_node *node = graph->first; node; node = node->next) {
        c->node = node;
        c->schema = oo__check_callee(c, node) ? NULL : schema_of(node);
        run_checks(c, SCOPE_NODE);
    }
    c->graph = NULL;
    c->node = NULL;
    c->schema = NULL;
}

oo_status oo__model_check(oo_model *model, const oo_check_settings *settings) {
    static const oo_check_settings usual = {0};
    oo__check_run c = {.model = model, .settings = settings ? settings : &usual, .arena = oo__arena_new()};
    run_checks(&c, SCOPE_MODEL);
    oo_for_each_graph(graph, model) check_graph(&c, graph);
    if (!c.settings->no_infer && !model->defects)
        oo__check_types(&c);
    else if (!c.settings->no_infer)
        oo__report(model, OO_NOTE, NULL, NULL, NULL, NULL, "types and shapes were not checked: the model could not be read as a whole");
    oo__arena_free(c.arena);
    return c.errors || model->defects ? OO_INVALID : OO_OK;
}
