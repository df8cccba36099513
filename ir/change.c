#include "ir/change.h"

#include <string.h>

void oo__log(oo_rewriter *rw, oo__change change) {
    oo_vec_push(NULL, &rw->log, change);
    if (change.node && rw->model->functions.n && oo_graph_in_function(change.node->graph))
        rw->model->function_serial++;
}

void oo__node_resize_inputs(oo_node *node, uint32_t count, oo_value *const *values) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        oo__use_link(node, i, NULL);
    /* The array of uses is in lists by address, so it is replaced and never moved while linked. */
    node->inputs = OO_NEW_ARRAY(node->graph->model->arena, oo_use, count);
    node->ninputs = count;
    for (uint32_t i = 0; i < count; i++) {
        node->inputs[i] = (oo_use){.user = node, .index = i};
        oo__use_link(node, i, values[i]);
    }
}

static void undo_node_in(oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        oo__use_link(node, i, NULL);
    oo__graph_unlink(node);
}

static void undo_node_out(oo_node *node) {
    oo_graph *const graph = node->graph;
    *(node->prev ? &node->prev->next : &graph->first) = node;
    *(node->next ? &node->next->prev : &graph->last) = node;
    node->erased = false;
    graph->nnodes++;
    graph->nconstants += node->op->is_constant;
}

static void undo_output(const oo__change *c) {
    c->node->noutputs = c->count;
    c->node->outputs[c->index] = c->old;
}

static void undo_graph_output(const oo__change *c) {
    oo_value *const old = c->old;
    c->graph->outputs.data[c->index].value->noutputs--;
    c->graph->outputs.data[c->index].value = old;
    old->noutputs++;
}

static void undo_initializer_out(const oo__change *c) {
    c->value->init = c->old;
    c->value->flags |= OO_VALUE_INITIALIZER;
}

static void undo_graph_dead(oo_graph *graph) {
    graph->dead = false;
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        graph->outputs.data[i].value->noutputs++;
}

/* Its nodes came before it in the log: they are taken back next. */
static void undo_graph_in(oo_graph *graph) {
    graph->dead = true;
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        graph->outputs.data[i].value->noutputs--;
}

static void undo_name(const oo__change *c) {
    c->value->name = c->old;
    c->value->flags = c->index;
    c->value->graph->model->fresh += !c->old; /* names may have been given since */
}

static void undo_import(oo_rewriter *rw, const oo__change *c) {
    oo_opsets *const opsets = c->graph ? &c->graph->function->opsets : &rw->model->opsets;
    opsets->n--;
}

static void undo_version(oo_rewriter *rw, const oo__change *c) {
    oo_opsets *const opsets = c->graph ? &c->graph->function->opsets : &rw->model->opsets;
    opsets->data[c->index].version = *(const int64_t *)c->old;
}

static void undo_moved(const oo__change *c) {
    oo_node *const node = c->node;
    oo__graph_unlink(node);
    oo__graph_link(c->graph, node, c->old);
    oo__node_adopt(node);
}

static void undo_outputs(const oo__change *c) {
    c->node->outputs = c->old;
    c->node->noutputs = c->index;
    for (uint32_t i = 0; i < c->index; i++)
        if (c->node->outputs[i])
            c->node->outputs[i]->index = i;
}

static void undo_ends(const oo__change *c) {
    oo_value_infos *const ends = oo__declarations(c->graph, (oo__declared)c->count);
    const oo_value_info *const old = c->old;
    oo_vec_push(c->graph->model->arena, ends, *old);
    memmove(&ends->data[c->index + 1], &ends->data[c->index], (ends->n - c->index - 1) * sizeof *ends->data);
    ends->data[c->index] = *old;
    if (c->count == OO__DECLARED_OUTPUTS)
        old->value->noutputs++;
}

static void undo_one(oo_rewriter *rw, const oo__change *c) {
    switch (c->kind) {
    case OO__NODE_IN: undo_node_in(c->node); break;
    case OO__NODE_OUT: undo_node_out(c->node); break;
    case OO__INPUT: oo__use_link(c->node, c->index, c->old); break;
    case OO__INPUTS: oo__node_resize_inputs(c->node, c->index, c->old); break;
    case OO__OUTPUT: undo_output(c); break;
    case OO__ATTRS:
        c->node->attrs = c->old;
        c->node->nattrs = c->index;
        break;
    case OO__GRAPH_OUTPUT: undo_graph_output(c); break;
    case OO__NAME: undo_name(c); break;
    case OO__TYPE: c->value->type = c->old; break;
    case OO__KNOWN: c->value->known = c->old; break;
    case OO__DECLARED: oo__declarations(c->graph, (oo__declared)c->count)->data[c->index].type = c->old; break;
    case OO__INFO_IN: c->graph->infos.n--; break;
    case OO__INIT_IN: c->graph->initializers.n--; break;
    case OO__INIT_OUT: undo_initializer_out(c); break;
    case OO__GRAPH_DEAD: undo_graph_dead(c->graph); break;
    case OO__GRAPH_IN: undo_graph_in(c->graph); break;
    case OO__IMPORT: undo_import(rw, c); break;
    case OO__VERSION: undo_version(rw, c); break;
    case OO__MOVED: undo_moved(c); break;
    case OO__OUTPUTS: undo_outputs(c); break;
    case OO__ENDS: undo_ends(c); break;
    case OO__END_IN: c->graph->outputs.data[--c->graph->outputs.n].value->noutputs--; break;
    case OO__FLAGS: c->value->flags = c->index; break;
    case OO__IR_VERSION: rw->model->ir_version = *(const int64_t *)c->old; break;
    case OO__NODE_NAME: c->node->name = c->old; break;
    case OO__NODE_EXTRA: c->node->extra = c->old; break;
    case OO__INFOS: c->graph->infos = *(const oo_value_infos *)c->old; break;
    case OO__FUNCTION_IN:
        c->graph->function->dropped = c->graph->dead = true;
        memset(c->graph->model->last_function, 0, sizeof c->graph->model->last_function);
        break;
    case OO__FUNCTION_OUT:
        c->graph->function->dropped = false;
        memset(c->graph->model->last_function, 0, sizeof c->graph->model->last_function);
        break;
    }
}

void oo__undo(oo_rewriter *rw, uint32_t length) {
    rw->model->function_serial++;
    while (rw->log.n > length)
        undo_one(rw, &rw->log.data[--rw->log.n]);
}
