/* Inferred types as value_info and output types of the model, with dimensions as text. */
#include "ir/infer_run.h"

#include <stdlib.h>

static const oo_dim *declared_dim(const oo_type *declared, const oo_type *type, uint32_t i) {
    return declared && declared->kind == type->kind && declared->has_shape && declared->rank == type->rank ? &declared->dims[i] : NULL;
}

/* The type with dimensions that are expressions spelled out. Where nothing is known, the name that the file gives a dimension stays. */
static const oo_type *spelled(oo_model *model, const oo_type *type, const oo_type *declared) {
    if (!type)
        return declared;
    const oo_type *const inner = spelled(model, type->inner, declared ? declared->inner : NULL);
    oo_type *const out = OO_NEW(model->arena, oo_type);
    *out = *type;
    out->inner = inner;
    out->dims = OO_NEW_ARRAY(model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        const oo_dim *const given = declared_dim(declared, type, i);
        out->dims[i] = type->dims[i];
        if (type->dims[i].expr && type->dims[i].kind != OO_DIM_VALUE) {
            out->dims[i].kind = OO_DIM_PARAM;
            out->dims[i].param = oo__str(model, oo__expr_print(type->dims[i].expr, model->arena));
        } else if (!type->dims[i].expr && given) {
            out->dims[i] = *given;
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
        info->type = spelled(model, info->value->type, info->type);
    }
    for (const oo_node *node = graph->first; node; node = node->next) {
        for (uint32_t i = 0; i < node->noutputs; i++) {
            oo_value *const value = node->outputs[i];
            if (!value || !value->type || value->noutputs || has[value->id])
                continue;
            oo_vec_push(model->arena, &graph->infos, (oo_value_info){.value = value, .name = value->name, .type = spelled(model, value->type, NULL)});
        }
    }
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        graph->outputs.data[i].type = spelled(model, graph->outputs.data[i].value->type, graph->outputs.data[i].type);
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
