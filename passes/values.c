#include "passes/values.h"

#include "io/npy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files to the evaluator ---- */
/* The element type that all tensors of the items share, OO_UNDEFINED when there are none. */
static oo_elem elem_of(oo_datum *const *items, uint32_t count) { return count && items[0]->kind == OO_DATUM_TENSOR ? items[0]->elem : OO_UNDEFINED; }

/* The items as data with room behind for one NULL; NULL when one of them is not to be had. */
static oo_datum **items_of(const oo_value_tree *tree) {
    oo_datum **const items = oo__malloc((tree->nitems + 1u) * sizeof *items);
    for (uint32_t i = 0; i < tree->nitems; i++) {
        items[i] = oo__datum_of_tree(tree->items[i]);
        if (items[i])
            continue;
        while (i-- > 0)
            oo__datum_release(items[i]);
        free(items);
        return NULL;
    }
    items[tree->nitems] = NULL;
    return items;
}

static oo_datum *container_of(const oo_value_tree *tree) {
    oo_datum **const items = items_of(tree);
    if (!items)
        return NULL;
    const oo_elem elem = elem_of(items, tree->nitems);
    oo_datum *const d = tree->kind == OO_TYPE_SEQUENCE ? oo__datum_sequence(tree->nitems, items, elem) : oo__datum_optional(items[0], elem);
    for (uint32_t i = 0; i < tree->nitems; i++)
        oo__datum_release(items[i]);
    free(items);
    return d;
}

static oo_datum *map_of(const oo_value_tree *tree) {
    if (!tree->nitems)
        return NULL;
    oo_array *const keys = oo__array_of_tensor(tree->tensor);
    oo_datum *const map = keys ? container_of(tree->items[0]) : NULL;
    if (!map) {
        oo__array_release(keys);
        return NULL;
    }
    map->kind = OO_DATUM_MAP;
    map->array = keys;
    return map;
}

static oo_datum *sparse_of(const oo_value_tree *tree) {
    oo_array *const values = tree->sparse->values ? oo__array_of_tensor(tree->sparse->values) : NULL;
    oo_array *const indices = tree->sparse->indices ? oo__array_of_tensor(tree->sparse->indices) : NULL;
    oo_datum *const d = values && indices ? oo__datum_tensor(values) : NULL;
    if (!d) {
        oo__array_release(values);
        oo__array_release(indices);
        return NULL;
    }
    d->kind = OO_DATUM_SPARSE;
    d->indices = indices;
    return d;
}

oo_datum *oo__datum_of_tree(const oo_value_tree *tree) {
    switch (tree->kind) {
    case OO_TYPE_TENSOR: return oo__datum_tensor(oo__array_of_tensor(tree->tensor));
    case OO_TYPE_SPARSE_TENSOR: return sparse_of(tree);
    case OO_TYPE_MAP: return map_of(tree);
    case OO_TYPE_SEQUENCE:
    case OO_TYPE_OPTIONAL: return container_of(tree);
    default: return NULL;
    }
}

/* ---- the evaluator to files ---- */
static oo_kind kind_of(oo_datum_kind kind) {
    switch (kind) {
    case OO_DATUM_TENSOR: return OO_TYPE_TENSOR;
    case OO_DATUM_SEQUENCE: return OO_TYPE_SEQUENCE;
    case OO_DATUM_MAP: return OO_TYPE_MAP;
    case OO_DATUM_OPTIONAL: return OO_TYPE_OPTIONAL;
    case OO_DATUM_SPARSE: return OO_TYPE_SPARSE_TENSOR;
    default: return OO_TYPE_NONE;
    }
}

static void put_items(oo_model *model, oo_value_tree *tree, const oo_datum *d) {
    tree->nitems = d->nitems;
    tree->items = OO_NEW_ARRAY(model->arena, oo_value_tree *, d->nitems);
    tree->inner = d->nitems ? kind_of(d->items[0]->kind) : d->elem ? OO_TYPE_TENSOR : OO_TYPE_NONE;
    for (uint32_t i = 0; i < d->nitems; i++)
        tree->items[i] = oo__tree_of_datum(model, d->items[i]);
}

static void put_map(oo_model *model, oo_value_tree *tree, const oo_datum *d) {
    oo_value_tree *const values = OO_NEW(model->arena, oo_value_tree);
    values->kind = OO_TYPE_SEQUENCE;
    put_items(model, values, d);
    tree->tensor = oo__tensor_of_array(model, d->array);
    tree->inner = OO_TYPE_SEQUENCE;
    tree->nitems = 1;
    tree->items = OO_NEW_ARRAY(model->arena, oo_value_tree *, 1);
    tree->items[0] = values;
}

oo_value_tree *oo__tree_of_datum(oo_model *model, const oo_datum *d) {
    oo_value_tree *const tree = OO_NEW(model->arena, oo_value_tree);
    tree->kind = kind_of(d->kind);
    switch (d->kind) {
    case OO_DATUM_TENSOR: tree->tensor = oo__tensor_of_array(model, d->array); break;
    case OO_DATUM_MAP: put_map(model, tree, d); break;
    case OO_DATUM_SPARSE:
        tree->sparse = OO_NEW(model->arena, oo_sparse);
        tree->sparse->values = oo__tensor_of_array(model, d->array);
        tree->sparse->indices = oo__tensor_of_array(model, d->indices);
        break;
    default: put_items(model, tree, d); break;
    }
    return tree;
}

/* ---- reading ---- */
static oo_elem declared_elem(const oo_type *type) {
    return type && type->kind == OO_TYPE_TENSOR && type->has_elem && oo__elem_name(type->elem) ? (oo_elem)type->elem : OO_UNDEFINED;
}

/* Whether .npy files hold `narrow` as `wide`. */
static bool is_widened(oo_elem wide, oo_elem narrow) {
    switch (narrow) {
    case OO_INT4:
    case OO_INT2: return wide == OO_INT8;
    case OO_UINT4:
    case OO_UINT2: return wide == OO_UINT8;
    case OO_BFLOAT16:
    case OO_FLOAT4E2M1: return wide == OO_FLOAT;
    default: return wide == OO_FLOAT && narrow >= OO_FLOAT8E4M3FN && narrow != OO_UNDEFINED;
    }
}

static oo_status read_npy(oo_datum **out, oo_model *values, const char *path, const oo_type *type) {
    oo_tensor *tensor;
    OO_TRY(oo__npy_read(&tensor, values, path));
    *out = oo__datum_tensor(oo__array_of_tensor(tensor));
    const oo_elem wanted = declared_elem(type);
    if (*out && wanted && is_widened((*out)->elem, wanted))
        *out = oo__datum_retyped(*out, (*out)->elem, wanted);
    return OO_OK;
}

static oo_status read_message(oo_datum **out, oo_model *values, const char *path, const oo_type *type) {
    oo_value_tree *tree;
    OO_TRY(oo__value_read(&tree, values, path, type && type->kind ? type->kind : OO_TYPE_TENSOR));
    *out = oo__datum_of_tree(tree);
    return OO_OK;
}

oo_status oo__datum_read(oo_datum **out, oo_model *values, const char *path, const oo_type *type) {
    *out = NULL;
    const size_t size = strlen(path);
    const bool npy = size > 4 && strcmp(path + size - 4, ".npy") == 0;
    OO_TRY(npy ? read_npy(out, values, path, type) : read_message(out, values, path, type));
    if (*out)
        return OO_OK;
    oo__file_error(values->context, "value-data", path, -1, "the value's data cannot be had: its type is unknown, or it is too large");
    return OO_INVALID;
}

static const char *data_path(oo_model *values, const char *folder, const char *what, uint32_t k) {
    return oo__arena_printf(values->arena, "%s/%s_%u.pb", folder, what, k);
}

oo_status oo__test_inputs_read(oo_datum **inputs, oo_model *values, const oo_graph *graph, const char *folder) {
    uint32_t files = 0, k = 0;
    while (access(data_path(values, folder, "input", files), R_OK) == 0)
        files++;
    for (uint32_t i = 0; i < graph->inputs.n && k < files; i++) {
        const oo_value_info *const info = &graph->inputs.data[i];
        if (files >= graph->inputs.n || !(info->value->flags & OO_VALUE_INITIALIZER))
            OO_TRY(oo__datum_read(&inputs[i], values, data_path(values, folder, "input", k++), info->type));
    }
    return OO_OK;
}

oo_status oo__test_output_read(oo_datum **out, oo_model *values, const oo_graph *graph, const char *folder, uint32_t k) {
    const char *const path = data_path(values, folder, "output", k);
    *out = NULL;
    return access(path, R_OK) == 0 ? oo__datum_read(out, values, path, graph->outputs.data[k].type) : OO_OK;
}
