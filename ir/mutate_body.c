#include "ir/body.h"

#include "ir/change.h"

#include <string.h>

static void require_body(const oo_rewriter *rw, const oo_graph *body, const char *function) {
    oo_require(rw->open, "%s: outside of oo_begin .. oo_end", function);
    oo_require(body->owner && !body->dead, "%s: no live subgraph", function);
}

/* ---- moving ---- */
void oo__node_adopt(oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i])
            node->outputs[i]->graph = node->graph;
    for (uint32_t i = 0; i < node->nattrs; i++)
        for (uint32_t k = 0; k < oo__attr_ngraphs(node->attrs[i]); k++)
            oo__attr_graph(node->attrs[i], k)->parent = node->graph;
}

/* A name that is free in its own graph may be taken in another one, or hide what is called so in graphs inside that. */
static void forget_name(oo_rewriter *rw, oo_value *value) {
    oo_require(!oo_value_is_pinned(value), "oo__move_node: \"%s\" is an output or annotated", oo_value_name(value));
    oo__log(rw, (oo__change){.kind = OO__NAME, .value = value, .index = value->flags, .old = (void *)(uintptr_t)value->name});
    value->read_name = value->name ? value->name : value->read_name;
    value->name = NULL;
    value->flags |= OO_VALUE_FRESH;
    rw->model->fresh++;
}

/* `before` NULL: to the end. */
static void move(oo_rewriter *rw, oo_node *node, oo_graph *graph, oo_node *before) {
    oo__log(rw, (oo__change){.kind = OO__MOVED, .node = node, .graph = node->graph, .old = oo_node_next(node)});
    const bool leaves = graph != node->graph;
    oo__graph_unlink(node);
    oo__graph_link(graph, node, before);
    for (uint32_t i = 0; leaves && i < node->noutputs; i++)
        if (node->outputs[i])
            forget_name(rw, node->outputs[i]);
    oo__node_adopt(node);
    oo__note_changed(rw, node);
}

void oo__move_node(oo_rewriter *rw, oo_node *node, oo_node *before) {
    oo__require_node(rw, node, __func__);
    oo_require(before && !before->erased && before != node, "oo__move_node: there is no such place");
    move(rw, node, before->graph, before);
}

void oo__move_to_end(oo_rewriter *rw, oo_node *node, oo_graph *graph) {
    oo__require_node(rw, node, __func__);
    oo_require(!graph->dead && graph != node->graph, "oo__move_to_end: there is no such place");
    move(rw, node, graph, NULL);
}

/* ---- inputs and outputs of the node ---- */
void oo__remove_input(oo_rewriter *rw, oo_node *node, uint32_t index) {
    oo__require_node(rw, node, __func__);
    oo_require(index < node->ninputs, "oo__remove_input: index %u of %u", index, node->ninputs);
    oo_value **const old = OO_NEW_ARRAY(rw->model->arena, oo_value *, node->ninputs);
    oo_value **const left = OO_NEW_ARRAY(rw->model->arena, oo_value *, node->ninputs);
    for (uint32_t i = 0, k = 0; i < node->ninputs; i++) {
        old[i] = node->inputs[i].value;
        if (i != index)
            left[k++] = old[i];
    }
    oo__log(rw, (oo__change){.kind = OO__INPUTS, .node = node, .index = node->ninputs, .old = old});
    oo__node_resize_inputs(node, node->ninputs - 1, left);
    oo__note_changed(rw, node);
}

void oo__remove_output(oo_rewriter *rw, oo_node *node, uint32_t index) {
    oo__require_node(rw, node, __func__);
    oo_require(index < node->noutputs, "oo__remove_output: index %u of %u", index, node->noutputs);
    const oo_value *const gone = node->outputs[index];
    oo_require(!gone || (!gone->nuses && !oo_value_is_pinned(gone)), "oo__remove_output: \"%s\" is used", oo_value_name(gone));
    oo__log(rw, (oo__change){.kind = OO__OUTPUTS, .node = node, .index = node->noutputs, .old = node->outputs});
    oo_value **const left = OO_NEW_ARRAY(rw->model->arena, oo_value *, node->noutputs);
    for (uint32_t i = 0, k = 0; i < node->noutputs; i++) {
        if (i == index)
            continue;
        left[k] = node->outputs[i];
        if (left[k])
            left[k]->index = k;
        k++;
    }
    node->outputs = left;
    node->noutputs--;
    oo__note_changed(rw, node);
}

oo_value *oo__add_output(oo_rewriter *rw, oo_node *node, const oo_value *like) {
    oo__require_node(rw, node, __func__);
    oo__log(rw, (oo__change){.kind = OO__OUTPUTS, .node = node, .index = node->noutputs, .old = node->outputs});
    oo_value **const more = OO_NEW_ARRAY(rw->model->arena, oo_value *, node->noutputs + 1u);
    if (node->noutputs)
        memcpy(more, node->outputs, node->noutputs * sizeof(oo_value *));
    oo_value *const value = oo__fresh_value(node->graph, like->name ? like->name : like->read_name);
    value->type = like->type;
    value->known = like->known;
    node->outputs = more;
    oo__node_set_output(node, node->noutputs++, value);
    oo__note_changed(rw, node);
    return value;
}

/* ---- inputs and outputs of the subgraph ---- */
static void remove_end(oo_rewriter *rw, oo_graph *body, oo__declared list, uint32_t index) {
    oo_value_infos *const ends = oo__declarations(body, list);
    oo_value_info *const old = OO_NEW(rw->model->arena, oo_value_info);
    *old = ends->data[index];
    oo__log(rw, (oo__change){.kind = OO__ENDS, .graph = body, .index = index, .count = (uint32_t)list, .old = old});
    oo_vec_remove(ends, index);
    if (body->owner)
        oo__note_changed(rw, body->owner);
}

void oo__remove_body_input(oo_rewriter *rw, oo_graph *body, uint32_t index) {
    require_body(rw, body, __func__);
    oo_require(index < body->inputs.n, "oo__remove_body_input: index %u of %u", index, body->inputs.n);
    oo_value *const value = body->inputs.data[index].value;
    oo_require(!value->nuses && !oo_value_is_pinned(value) && !value->init, "oo__remove_body_input: \"%s\" is used", oo_value_name(value));
    remove_end(rw, body, OO__DECLARED_INPUTS, index);
    oo__log(rw, (oo__change){.kind = OO__FLAGS, .value = value, .index = value->flags});
    value->flags &= ~(uint32_t)OO_VALUE_INPUT;
}

void oo__freeze_input(oo_rewriter *rw, oo_graph *graph, uint32_t index) {
    oo_require(rw->open, "oo__freeze_input: outside of oo_begin .. oo_end");
    oo_require(index < graph->inputs.n, "oo__freeze_input: index %u of %u", index, graph->inputs.n);
    oo_value *const value = graph->inputs.data[index].value;
    oo_require(value->init || value->sparse_init, "oo__freeze_input: \"%s\" has no default", oo_value_name(value));
    remove_end(rw, graph, OO__DECLARED_INPUTS, index);
    oo__log(rw, (oo__change){.kind = OO__FLAGS, .value = value, .index = value->flags});
    value->flags = (value->flags & ~(uint32_t)OO_VALUE_INPUT) | OO_VALUE_FROZEN;
    rw->values++;
}

void oo__raise_ir_version(oo_rewriter *rw, int64_t version) {
    oo_require(rw->open, "oo__raise_ir_version: outside of oo_begin .. oo_end");
    if (rw->model->ir_version >= version)
        return;
    int64_t *const old = OO_NEW(rw->model->arena, int64_t);
    *old = rw->model->ir_version;
    oo__log(rw, (oo__change){.kind = OO__IR_VERSION, .old = old});
    rw->model->ir_version = version;
}

void oo__remove_body_output(oo_rewriter *rw, oo_graph *body, uint32_t index) {
    require_body(rw, body, __func__);
    oo_require(index < body->outputs.n, "oo__remove_body_output: index %u of %u", index, body->outputs.n);
    oo_value *const value = body->outputs.data[index].value;
    remove_end(rw, body, OO__DECLARED_OUTPUTS, index);
    value->noutputs--;
}

void oo__set_body_output(oo_rewriter *rw, oo_graph *body, uint32_t index, oo_value *value) {
    require_body(rw, body, __func__);
    oo_require(index < body->outputs.n, "oo__set_body_output: index %u of %u", index, body->outputs.n);
    oo_require(oo__is_visible(value->graph, body), "oo__set_body_output: \"%s\" is not visible", oo_value_name(value));
    if (body->outputs.data[index].value == value)
        return;
    if (value->graph != body)
        value = oo__build_last(rw, body, "Identity", value)->outputs[0];
    oo__set_graph_output(rw, body, index, value);
    oo__note_changed(rw, body->owner);
}

void oo__add_body_output(oo_rewriter *rw, oo_graph *body, oo_value *value, const oo_type *declared) {
    require_body(rw, body, __func__);
    oo_require(oo__is_visible(value->graph, body), "oo__add_body_output: \"%s\" is not visible", oo_value_name(value));
    if (value->graph != body || value->noutputs)
        value = oo__build_last(rw, body, "Identity", value)->outputs[0];
    oo__log(rw, (oo__change){.kind = OO__END_IN, .graph = body});
    value->output_index = body->outputs.n;
    value->noutputs++;
    oo_vec_push(rw->model->arena, &body->outputs, (oo_value_info){.value = value, .name = value->name, .type = declared});
    oo__note_changed(rw, body->owner);
}

/* ---- attributes ---- */
static void rename_graph(oo_rewriter *rw, oo_node *node, uint32_t index, const char *name) {
    oo_attr *const attr = OO_NEW(rw->model->arena, oo_attr);
    *attr = *node->attrs[index];
    attr->name = oo__str(rw->model, name);
    node->attrs[index] = attr;
}

void oo__swap_graphs(oo_rewriter *rw, oo_node *node, const char *a, const char *b) {
    oo__require_node(rw, node, __func__);
    oo__own_attrs(rw, node);
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const char *const name = oo_attr_name(node->attrs[i]);
        if (strcmp(name, a) == 0)
            rename_graph(rw, node, i, b);
        else if (strcmp(name, b) == 0)
            rename_graph(rw, node, i, a);
    }
}
