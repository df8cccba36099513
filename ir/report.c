/* Diagnostics that know where in the model they are. */
#include "ir/ir.h"

#include <string.h>

/* One step of a path. Names may be megabytes long, and paths repeat them. */
static const char *shortened(const char *text, oo_arena *arena) {
    enum { MOST = 200 };
    return strnlen(text, MOST + 1) <= MOST ? text : oo__arena_printf(arena, "%.*s...", (int)MOST, text);
}

const char *oo__node_label(const oo_node *node, oo_arena *arena) {
    if (node->name && *node->name)
        return node->name;
    const char *const output = node->noutputs && node->outputs[0] ? oo_value_name(node->outputs[0]) : "";
    return oo__arena_printf(arena, "%s:%s", node->op->name, output);
}

static const char *attr_holding(const oo_graph *graph, oo_arena *arena) {
    const oo_node *const owner = graph->owner;
    for (uint32_t i = 0; i < owner->nattrs; i++) {
        const oo_attr *const attr = owner->attrs[i];
        if (!attr)
            continue;
        const uint32_t n = oo__attr_ngraphs(attr);
        for (uint32_t k = 0; k < n; k++)
            if (oo__attr_graph(attr, k) == graph)
                return attr->type == OO_ATTR_GRAPH ? oo_attr_name(attr)
                                                   : oo__arena_printf(arena, "%s[%u]", oo_attr_name(attr), k);
    }
    return "subgraph";
}

const char *oo__graph_path(const oo_graph *graph, oo_arena *arena) {
    if (graph->function)
        return oo__arena_printf(arena, "function %s.%s", shortened(graph->function->domain ? graph->function->domain : "", arena),
                                shortened(graph->function->name ? graph->function->name : "", arena));
    if (graph->training)
        return "training";
    if (!graph->parent)
        return "main";
    const char *const outer = oo__graph_path(graph->parent, arena);
    if (!graph->owner)
        return oo__arena_printf(arena, "%s/subgraph", outer);
    return oo__arena_printf(arena, "%s/%s.%s", outer, shortened(oo__node_label(graph->owner, arena), arena),
                            shortened(attr_holding(graph, arena), arena));
}

void oo__report(oo_model *model, oo_severity severity, const char *code, const oo_graph *graph, const oo_node *node,
                const oo_value *value, const char *format, ...) {
    oo_arena *const arena = oo__arena_new();
    if (!graph && node)
        graph = node->graph;
    if (!graph && value)
        graph = value->graph;
    const oo_diag diag = {.severity = severity,
                          .code = code,
                          .file = model->path,
                          .graph = graph ? oo__graph_path(graph, arena) : NULL,
                          .node = node ? oo__node_label(node, arena) : NULL,
                          .op = node ? node->op->name : NULL,
                          .value = value ? oo_value_name(value) : NULL,
                          .offset = -1};
    va_list args;
    va_start(args, format);
    oo__diag_v(model->context, diag, format, args);
    va_end(args);
    oo__arena_free(arena);
}
