/* Operators of ai.onnx.ml. */
#include "ir/infer_run.h"

#include <string.h>

static const oo_expr *rows_of(const oo__infer *c, oo__infer *made) {
    const int32_t rank = oo__input_rank(c, 0);
    return rank == 1 ? oo__number(made, 1) : rank > 1 ? oo__input_dim(c, 0, 0) : NULL;
}

static void set_vector(oo__infer *c, uint32_t output, oo_elem elem, const oo_expr *n) { oo__set_tensor(c, output, elem, 1, &n); }

static void set_matrix(oo__infer *c, uint32_t output, oo_elem elem, const oo_expr *rows, const oo_expr *columns) {
    oo__set_tensor(c, output, elem, 2, (const oo_expr *const[]){rows, columns});
}

static uint32_t list_length(const oo__infer *c, const char *name) {
    const oo_attr *const a = oo__infer_attr(c, name);
    return a && !a->reference && !a->raw.data ? a->count : 0;
}

/* Scaler and Normalizer give floats of the same shape. */
oo_status oo__infer_ml_float(oo__infer *c) {
    enum { MAX_RANK = 64 };
    const oo_type *const in = oo__input_type(c, 0);
    const oo_expr *dims[MAX_RANK] = {NULL};
    for (int32_t i = 0; i < oo_type_rank(in) && i < MAX_RANK; i++)
        dims[i] = in->dims[i].expr;
    oo__set_tensor(c, 0, OO_FLOAT, oo_type_rank(in) <= MAX_RANK ? oo_type_rank(in) : -1, dims);
    return OO_OK;
}

/* Labels [N] and scores [N, classes]. The list of labels that is there says their type and number. */
oo_status oo__infer_ml_classifier(oo__infer *c) {
    static const char *const INTS[] = {"classlabels_ints", "classlabels_int64s"}, *const STRINGS[] = {"classlabels_strings"};
    uint32_t ints = 0, strings = list_length(c, STRINGS[0]);
    for (size_t i = 0; i < 2; i++)
        ints += list_length(c, INTS[i]);
    const oo_expr *const rows = rows_of(c, c);
    const uint32_t classes = strings ? strings : ints;
    set_vector(c, 0, strings ? OO_STRING : OO_INT64, rows);
    set_matrix(c, 1, OO_FLOAT, rows, classes ? oo__number(c, classes) : NULL);
    return OO_OK;
}

/* [N, targets]. */
oo_status oo__infer_ml_regressor(oo__infer *c) {
    int64_t targets;
    const bool svm = strcmp(c->node->op->name, "SVMRegressor") == 0;
    const char *const name = strcmp(c->node->op->name, "LinearRegressor") == 0 ? "targets" : "n_targets";
    const bool known = oo__infer_int(c, &targets, name, 1) && targets > 0;
    set_matrix(c, 0, OO_FLOAT, rows_of(c, c), svm ? oo__number(c, 1) : known ? oo__number(c, targets) : NULL);
    return OO_OK;
}

/* Picks along the last axis: [..., indices]. */
oo_status oo__infer_ml_array_feature_extractor(oo__infer *c) {
    enum { MAX_RANK = 64 };
    const oo_type *const in = oo__input_type(c, 0), *const which = oo__input_type(c, 1);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *dims[MAX_RANK] = {NULL};
    const oo_expr *picked = oo_type_rank(which) >= 0 ? oo__number(c, 1) : NULL;
    for (int32_t i = 0; i < oo_type_rank(which); i++)
        picked = oo__expr_mul(c->exprs, picked, which->dims[i].expr);
    if (rank == 0)
        return oo__infer_fail(c, "the input is a scalar");
    if (rank == 1) {
        set_matrix(c, 0, oo_type_elem(in), oo__number(c, 1), picked);
        return OO_OK;
    }
    for (int32_t i = 0; i < rank && i < MAX_RANK; i++)
        dims[i] = i + 1 < rank ? in->dims[i].expr : picked;
    oo__set_tensor(c, 0, oo_type_elem(in), rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

/* A sequence of maps from label to score. */
oo_status oo__infer_ml_zip_map(oo__infer *c) {
    oo_type *const types = OO_NEW_ARRAY(c->model->arena, oo_type, 3);
    types[2] = (oo_type){.kind = OO_TYPE_TENSOR, .elem = OO_FLOAT, .has_elem = true, .has_shape = true};
    types[1] = (oo_type){.kind = OO_TYPE_MAP, .elem = list_length(c, "classlabels_strings") ? OO_STRING : OO_INT64, .has_elem = true, .inner = &types[2]};
    types[0] = (oo_type){.kind = OO_TYPE_SEQUENCE, .inner = &types[1]};
    oo__set_type(c, 0, &types[0]);
    return OO_OK;
}
