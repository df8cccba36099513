/* Checks of one graph: interface, initializers, value_info, annotations. */
#include "ir/check_run.h"

#include <string.h>

/* ---- interface ---- */
/* What a declared type lacks, NULL when it is whole. */
static const char *lack_of(const oo_type *t) {
    if (!t)
        return "has no type";
    switch (t->kind) {
    case OO_TYPE_TENSOR:
    case OO_TYPE_SPARSE_TENSOR: return !t->has_elem ? "has no element type" : !t->has_shape ? "has no shape (one without dimensions is a scalar's)" : NULL;
    case OO_TYPE_SEQUENCE:
    case OO_TYPE_OPTIONAL: return t->inner ? NULL : "has no type of its elements";
    case OO_TYPE_MAP: return !t->has_elem ? "has no key type" : t->inner ? NULL : "has no type of its values";
    case OO_TYPE_OPAQUE: return t->opaque_name && *t->opaque_name ? NULL : "is opaque and has no name";
    default: return "has a type that says nothing";
    }
}

static void check_ends(oo__check_run *c, const oo_value_infos *infos, const char *what) {
    const bool main = c->graph == c->model->graph;
    for (uint32_t i = 0; i < infos->n; i++) {
        const oo_value_info *const info = &infos->data[i];
        const char *const lack = main ? lack_of(info->type) : NULL;
        if (lack)
            oo__tell(c, DEFECT_VALUE_TYPE, info->value, "%s %u %s", what, i, lack);
        if (info->type && info->type->kind == OO_TYPE_TENSOR && info->type->has_elem && info->type->elem && !oo__elem_name(info->type->elem))
            oo__tell(c, DEFECT_VALUE_TYPE, info->value, "%s %u has element type %d, which does not exist", what, i, (int)info->type->elem);
        if (info->type && info->type->kind == OO_TYPE_TENSOR)
            oo__check_elem_version(c, info->type->elem, info->value);
        oo__check_props(c, DEFECT_METADATA_TWICE, &info->metadata, info->value, what);
    }
}

void oo__check_interface(oo__check_run *c) {
    const oo_graph *const g = c->graph;
    if (!g->function && (!g->name || !*g->name))
        oo__tell(c, DEFECT_NO_NAME, NULL, "the graph has no name");
    check_ends(c, &g->inputs, "input");
    check_ends(c, &g->outputs, "output");
    oo__check_props(c, DEFECT_METADATA_TWICE, &g->metadata, NULL, "the graph");
}

/* ---- initializers ---- */
void oo__check_initializers(oo__check_run *c) {
    const oo_graph *const g = c->graph;
    for (uint32_t i = 0; i < g->initializers.n; i++) {
        const oo_value *const value = g->initializers.data[i];
        if (!value->init)
            continue;
        if (c->model->ir_version <= 3 && !(value->flags & OO_VALUE_INPUT))
            oo__tell(c, DEFECT_INITIALIZER, value, "the initializer is no graph input: up to IR version 3 it must be one");
        if (g->owner && value->flags & OO_VALUE_INPUT && c->model->ir_version >= 4)
            oo__tell(c, DEFECT_INITIALIZER, value, "an input of a subgraph is an initializer too: nothing may give it a default");
        oo__check_tensor(c, value->init, value, "");
    }
    for (uint32_t i = 0; i < g->sparse_initializers.n; i++)
        if (g->sparse_initializers.data[i]->sparse_init)
            oo__check_sparse(c, g->sparse_initializers.data[i]->sparse_init, g->sparse_initializers.data[i], "");
}

/* ---- value_info ---- */
void oo__check_infos(oo__check_run *c) {
    static char seen;
    const oo_value_infos *const infos = &c->graph->infos;
    for (uint32_t i = 0; i < infos->n; i++) {
        const oo_value_info *const info = &infos->data[i];
        const char *const name = info->value ? info->value->name : info->name;
        if (!name || !oo__str_len(name)) {
            oo__tell(c, DEFECT_VALUE_INFO, NULL, "value_info %u has no name", i);
            continue;
        }
        if (!info->value)
            oo__tell(c, DEFECT_VALUE_INFO, NULL, "value_info \"%s\" is about a value that the graph does not define", oo__shown(name));
        if (*oo__str_slot(name) == &seen)
            oo__tell(c, DEFECT_VALUE_INFO, info->value, "there are two value_infos \"%s\"", oo__shown(name));
        *oo__str_slot(name) = &seen;
        oo__check_props(c, DEFECT_METADATA_TWICE, &info->metadata, info->value, "the value_info");
    }
    for (uint32_t i = 0; i < infos->n; i++) {
        const char *const name = infos->data[i].value ? infos->data[i].value->name : infos->data[i].name;
        if (name)
            *oo__str_slot(name) = NULL;
    }
}

/* ---- quantization annotations ---- */
void oo__check_annotations(oo__check_run *c) {
    for (uint32_t i = 0; i < c->graph->annotations.n; i++) {
        const oo_annotation *const a = &c->graph->annotations.data[i];
        if (!a->value)
            oo__tell(c, DEFECT_ANNOTATION, NULL, "the annotation is about \"%s\", which nothing defines", oo__shown(a->name));
        for (uint32_t k = 0; k < a->count; k++)
            if (!a->entries[k].value)
                oo__tell(c, DEFECT_ANNOTATION, a->value, "the annotation's %s is \"%s\", which nothing defines", oo__shown(a->entries[k].prop.key),
                         oo__shown(a->entries[k].prop.value));
    }
}
