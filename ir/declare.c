/* Declared types: the mutators of graph inputs, graph outputs and value_info. */
#include "ir/change.h"

#include <string.h>

oo_value_infos *oo__declarations(oo_graph *graph, oo__declared list) {
    return list == OO__DECLARED_INPUTS ? &graph->inputs : list == OO__DECLARED_OUTPUTS ? &graph->outputs : &graph->infos;
}

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool same_dim(const oo_dim *a, const oo_dim *b) {
    if (a->kind != b->kind || !same_text(a->denotation, b->denotation))
        return false;
    return a->kind == OO_DIM_VALUE ? a->value == b->value : a->kind != OO_DIM_PARAM || same_text(a->param, b->param);
}

bool oo__type_says_same(const oo_type *a, const oo_type *b) {
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind || a->has_elem != b->has_elem || (a->has_elem && a->elem != b->elem) ||
        a->has_shape != b->has_shape || !same_text(a->denotation, b->denotation) || !same_text(a->opaque_domain, b->opaque_domain) ||
        !same_text(a->opaque_name, b->opaque_name))
        return false;
    if (a->has_shape && a->rank != b->rank)
        return false;
    for (uint32_t i = 0; a->has_shape && i < a->rank; i++)
        if (!same_dim(&a->dims[i], &b->dims[i]))
            return false;
    return oo__type_says_same(a->inner, b->inner);
}

bool oo__declare(oo_rewriter *rw, oo_graph *graph, oo__declared list, uint32_t index, const oo_type *type) {
    oo_value_info *const info = &oo__declarations(graph, list)->data[index];
    if (oo__type_says_same(info->type, type))
        return false;
    if (rw) {
        oo__log(rw, (oo__change){.kind = OO__DECLARED, .graph = graph, .index = index, .count = (uint32_t)list,
                                 .old = (void *)(uintptr_t)info->type});
        rw->values++;
    }
    info->type = type;
    return true;
}

void oo__declare_value(oo_rewriter *rw, oo_graph *graph, oo_value *value, const oo_type *type) {
    if (rw) {
        oo__log(rw, (oo__change){.kind = OO__INFO_IN, .graph = graph, .value = value});
        rw->values++;
    }
    oo_vec_push(graph->model->arena, &graph->infos, (oo_value_info){.value = value, .name = value->name, .type = type});
}
