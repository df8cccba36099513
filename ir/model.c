#include "ir/expr.h"
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

oo_model *oo__model_new(oo_context *context, const char *path) {
    oo_arena *const arena = oo__arena_new();
    oo_model *const model = OO_NEW(arena, oo_model);
    model->context = context;
    model->arena = arena;
    model->strings = oo__intern_new(arena);
    model->empty = oo__intern(model->strings, "");
    model->path = oo__str(model, path ? path : "model");
    return model;
}

void oo_model_free(oo_model *model) {
    if (!model)
        return;
    for (uint32_t i = 0; i < model->sources.n; i++)
        oo__source_close(model->sources.data[i]);
    if (model->exprs)
        oo__exprs_free(model->exprs);
    oo__intern_free(model->strings);
    oo__arena_free(model->arena);
}

const char *oo__str(oo_model *model, const char *text) { return oo__intern(model->strings, text); }

const char *oo__str_n(oo_model *model, const void *text, size_t size) {
    return oo__intern_bytes(model->strings, text, size);
}

static int64_t opset_of(const oo_opsets *opsets, const char *domain) {
    const bool standard = !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
    for (uint32_t i = 0; i < opsets->n; i++) {
        const char *const d = opsets->data[i].domain ? opsets->data[i].domain : "";
        if (standard ? (!*d || strcmp(d, "ai.onnx") == 0) : strcmp(d, domain) == 0)
            return opsets->data[i].version;
    }
    return 0;
}

oo_graph *oo_model_graph(const oo_model *model) { return model->graph; }
int64_t oo_model_ir_version(const oo_model *model) { return model->ir_version; }
int64_t oo_model_opset(const oo_model *model, const char *domain) { return opset_of(&model->opsets, domain); }
uint32_t oo_model_node_ids(const oo_model *model) { return model->nnodes; }
uint32_t oo_model_value_ids(const oo_model *model) { return model->nvalues; }
void *oo_model_alloc(oo_model *model, size_t size) { return oo__arena_alloc(model->arena, size); }

static oo_graph *live_from(const oo_model *model, uint32_t index) {
    for (uint32_t i = index; i < model->graphs.n; i++)
        if (!model->graphs.data[i]->dead)
            return model->graphs.data[i];
    return NULL;
}

oo_graph *oo_model_first_graph(const oo_model *model) { return live_from(model, 0); }
oo_graph *oo_graph_next(const oo_graph *graph) { return live_from(graph->model, graph->index + 1); }

uint32_t oo_model_nfunctions(const oo_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->functions.n; i++)
        count += !model->functions.data[i]->dropped;
    return count;
}

/* Goes on from the last answer: whoever asks for all of them asks in order. */
oo_graph *oo_model_function(const oo_model *model, uint32_t index) {
    uint32_t *const last = ((oo_model *)(uintptr_t)model)->last_function; /* a cache */
    if (last[0] > index)
        last[0] = last[1] = 0;
    for (uint32_t i = last[1], seen = last[0]; i < model->functions.n; i++) {
        if (model->functions.data[i]->dropped)
            continue;
        if (seen++ != index)
            continue;
        last[0] = index;
        last[1] = i;
        return model->functions.data[i]->graph;
    }
    oo_bug("oo_model_function: no function %u", index);
}

/* The function whose body the graph is part of, NULL outside of functions. */
static const oo_function *enclosing_function(const oo_graph *graph) {
    while (graph && !graph->function)
        graph = graph->parent;
    return graph ? graph->function : NULL;
}

bool oo_graph_in_function(const oo_graph *graph) { return enclosing_function(graph) != NULL; }

int64_t oo_graph_opset(const oo_graph *graph, const char *domain) {
    const oo_function *const f = enclosing_function(graph);
    const int64_t own = f ? opset_of(&f->opsets, domain) : 0;
    return own ? own : opset_of(&graph->model->opsets, domain);
}

oo_graph *oo__graph_new(oo_model *model, oo_graph *parent) {
    oo_graph *const graph = OO_NEW(model->arena, oo_graph);
    graph->model = model;
    graph->parent = parent;
    graph->index = model->graphs.n;
    oo_vec_push(model->arena, &model->graphs, graph);
    return graph;
}

const char *oo_graph_name(const oo_graph *graph) { return graph->name ? graph->name : ""; }
oo_model *oo_graph_model(const oo_graph *graph) { return graph->model; }
oo_graph *oo_graph_parent(const oo_graph *graph) { return graph->owner ? graph->parent : NULL; }
oo_node *oo_graph_owner(const oo_graph *graph) { return graph->owner; }
uint32_t oo_graph_ninputs(const oo_graph *graph) { return graph->inputs.n; }
uint32_t oo_graph_noutputs(const oo_graph *graph) { return graph->outputs.n; }
uint32_t oo_graph_ninitializers(const oo_graph *graph) { return graph->initializers.n; }
uint32_t oo_graph_nnodes(const oo_graph *graph) { return graph->nnodes; }
oo_node *oo_graph_first(const oo_graph *graph) { return graph->first; }
oo_node *oo_graph_last(const oo_graph *graph) { return graph->last; }

oo_value *oo_graph_input(const oo_graph *graph, uint32_t index) {
    oo_require(index < graph->inputs.n, "oo_graph_input: index %u of %u", index, graph->inputs.n);
    return graph->inputs.data[index].value;
}

oo_value *oo_graph_output(const oo_graph *graph, uint32_t index) {
    oo_require(index < graph->outputs.n, "oo_graph_output: index %u of %u", index, graph->outputs.n);
    return graph->outputs.data[index].value;
}

oo_value *oo_graph_initializer(const oo_graph *graph, uint32_t index) {
    oo_require(index < graph->initializers.n, "oo_graph_initializer: index %u of %u", index, graph->initializers.n);
    return graph->initializers.data[index];
}

void oo__graph_link(oo_graph *graph, oo_node *node, oo_node *before) {
    oo_node *const after = before ? before->prev : graph->last;
    node->graph = graph;
    node->prev = after;
    node->next = before;
    *(after ? &after->next : &graph->first) = node;
    *(before ? &before->prev : &graph->last) = node;
    node->erased = false;
    graph->nnodes++;
    graph->nconstants += node->op->is_constant;
}

void oo__graph_unlink(oo_node *node) {
    oo_graph *const graph = node->graph;
    *(node->prev ? &node->prev->next : &graph->first) = node->next;
    *(node->next ? &node->next->prev : &graph->last) = node->prev;
    node->erased = true;
    graph->nnodes--;
    graph->nconstants -= node->op->is_constant;
}
