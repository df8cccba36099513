#include "ir/new_function.h"

#include "ir/change.h"

static bool exists(const oo_model *model, const char *domain, const char *name) {
    for (uint32_t i = 0; i < model->functions.n; i++)
        if (model->functions.data[i]->domain == domain && model->functions.data[i]->name == name)
            return true;
    return false;
}

oo_function *oo__function_new(oo_rewriter *rw, const char *domain, const char *name, const char *doc) {
    oo_model *const model = rw->model;
    oo_require(rw->open, "oo__function_new: outside of oo_begin .. oo_end");
    if (exists(model, oo__str(model, domain), oo__str(model, name)))
        return NULL;
    oo_function *const f = OO_NEW(model->arena, oo_function);
    f->graph = oo__graph_new(model, NULL);
    f->graph->function = f;
    f->name = oo__str(model, name);
    f->domain = oo__str(model, domain);
    f->doc = oo__str(model, doc);
    oo_vec_push(model->arena, &f->opsets, (oo_opset){.domain = model->empty, .version = oo_model_opset(model, ""), .has_version = true});
    if (!oo__function_add(model, f))
        return NULL;
    oo__log(rw, (oo__change){.kind = OO__FUNCTION_IN, .graph = f->graph});
    rw->values++;
    oo__import_opset(rw, NULL, domain, 1);
    return f;
}

oo_value *oo__function_input(oo_function *function, const char *name) {
    oo_graph *const body = function->graph;
    oo_value *const value = oo__value_new(body, oo__str(body->model, name));
    value->flags |= OO_VALUE_INPUT;
    oo_vec_push(body->model->arena, &body->inputs, (oo_value_info){.value = value, .name = value->name});
    return value;
}

oo_node *oo__function_node(oo_function *function, const char *op, oo_value *const *inputs, uint32_t ninputs, const char *output) {
    oo_graph *const body = function->graph;
    oo_node *const node = oo__node_new(body, NULL, op, ninputs, 1, 0);
    for (uint32_t i = 0; i < ninputs; i++)
        oo__use_link(node, i, inputs[i]);
    oo__node_set_output(node, 0, oo__value_new(body, oo__str(body->model, output)));
    return node;
}

void oo__function_ints(oo_node *node, const char *name, const int64_t *values, uint32_t count) {
    oo_model *const model = node->graph->model;
    oo_attr *const attr = OO_NEW(model->arena, oo_attr);
    *attr = (oo_attr){.name = oo__str(model, name), .type = OO_ATTR_INTS, .has_type = true, .count = count};
    attr->ints = (int64_t *)(void *)oo__arena_copy(model->arena, values, count * sizeof *values);
    oo_attr **const attrs = OO_NEW_ARRAY(model->arena, oo_attr *, node->nattrs + 1);
    for (uint32_t i = 0; i < node->nattrs; i++)
        attrs[i] = node->attrs[i];
    attrs[node->nattrs++] = attr;
    node->attrs = attrs;
}

void oo__function_attributes(oo_function *function, oo_node *node) {
    oo_model *const model = function->graph->model;
    const oo_schema *const schema = oo__schema_among(node->op->rows, oo_graph_opset(function->graph, ""), false);
    if (!schema)
        return;
    node->attrs = OO_NEW_ARRAY(model->arena, oo_attr *, schema->nattrs + 1);
    for (uint32_t i = 0; i < schema->nattrs; i++) {
        oo_attr *const attr = OO_NEW(model->arena, oo_attr);
        attr->name = attr->reference = oo__str(model, schema->attrs[i].name);
        attr->type = schema->attrs[i].type;
        attr->has_type = true;
        node->attrs[node->nattrs++] = attr;
        oo_vec_push(model->arena, &function->attributes, attr->name);
    }
}

void oo__function_output(oo_function *function, oo_value *value) {
    oo_graph *const body = function->graph;
    value->output_index = body->outputs.n;
    value->noutputs++;
    oo_vec_push(body->model->arena, &body->outputs, (oo_value_info){.value = value, .name = value->name});
}
