#include "passes/outputs.h"

#include "ir/schema.h"

bool oo__is_read(const oo_value *value) { return value && (value->nuses || oo_value_is_pinned(value)); }

/* Before opset 14 a BatchNormalization with more outputs than one trains; what Attention returns of its cache goes together. */
static const char *const counted[] = {"BatchNormalization", "Attention"};

bool oo__may_omit_output(const oo_node *node, uint32_t index) {
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (oo_node_is(node, counted[i]))
            return false;
    if (oo_model_callee(node->graph->model, node))
        return false;
    const oo_schema *const schema = oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), false);
    const oo_schema_io *const output = schema ? oo__schema_output(schema, index) : NULL;
    return output && output->optional;
}
