/* Inferred types as value_info and output types of the model, with dimensions as text. */
#include "ir/infer_run.h"

#include <stdlib.h>

/* The type with dimensions that are expressions spelled out; the same object when nothing had to be spelled. */
static const oo_type *spelled(oo_model *model, const oo_type *type) {
    if (!type)
        return NULL;
    const oo_type *const inner = spelled(model, type->inner);
    oo_type *const out = OO_NEW(model->arena, oo_type);
    *out = *type;
    out->inner = inner;
    out->dims = OO_NEW_ARRAY(model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        out->dims[i] = type->dims[i];
        if (type->dims[i].expr && type->dims[i].kind != OO_DIM_VALUE) {
            out->dims[i].kind = OO_DIM_PARAM;
            out->dims[i].param = oo__str(model, oo__expr_print(type->dims[i].expr, model->arena));
        }
    }
    return out;
}

static void store_infos(oo_model *model, oo_graph *graph, uint8_t *has) {
    for (uint32_t i = 0; i < graph->infos.n; i++) {
        oo_value_info *const info = &graph->infos.data[i];
        if (!info->value)
            continue;
        has[info->value->id] = 1;
        if (info->value->type)
            info->type = spelled(model, info->value->type);
    }
    for (const oo_node *node = graph->first; node; node = node->next) {
        for (uint32_t i = 0; i < node->noutputs; i++) {
            oo_value *const value = node->outputs[i];
            if (!value || !value->type || value->noutputs || has[value->id])
                continue;
            oo_vec_push(model->arena, &graph->infos, (oo_value_info){.value = value, .name = value->name, .type = spelled(model, value->type)});
        }
    }
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        if (graph->outputs.data[i].value->type)
            graph->outputs.data[i].type = spelled(model, graph->outputs.data[i].value->type);
}

void oo__infer_store(oo_model *model) {
    oo__model_name_values(model);
    uint8_t *const has = calloc(model->nvalues + 1u, 1);
    if (!has)
        oo__oom(model->nvalues);
    oo_for_each_graph(graph, model) {
        if (!graph->function)
            store_infos(model, graph, has);
    }
    free(has);
}
