/* Sampling, cropping, losses, and operators with a few dimensions of their own. */
#include "ir/infer_run.h"

#include <string.h>

enum { MAX_RANK = 64 };

static void copy_dims(const oo_type *t, const oo_expr **dims) {
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = t->dims[i].expr;
}

/* ---- the shape of input 0 with another element type ---- */
static oo_status as_input(oo__infer *c, oo_elem elem) {
    const oo_type *const in = oo__input_type(c, 0);
    const oo_expr *dims[MAX_RANK] = {NULL};
    const int32_t rank = oo_type_rank(in);
    if (rank >= 0 && rank <= MAX_RANK)
        copy_dims(in, dims);
    oo__set_tensor(c, 0, elem, rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

oo_status oo__infer_bit_cast(oo__infer *c) {
    int64_t to;
    const bool known = oo__infer_int(c, &to, "to", 0) && oo__elem_name((int32_t)to);
    const oo_elem from = oo__input_elem(c, 0);
    if (known && from != OO_UNDEFINED && oo__elem_bits((int32_t)from) != oo__elem_bits((int32_t)to))
        return oo__infer_fail(c, "the types have elements of different sizes");
    return as_input(c, known ? (oo_elem)to : OO_UNDEFINED);
}

/* LabelEncoder: the list of values that is there says the type. */
oo_status oo__infer_label_encoder(oo__infer *c) {
    static const struct {
        const char *name;
        oo_elem elem;
    } VALUES[] = {{"values_strings", OO_STRING}, {"values_int64s", OO_INT64}, {"values_floats", OO_FLOAT}};
    const oo_attr *const tensor = oo__infer_attr(c, "values_tensor");
    if (tensor && tensor->type == OO_ATTR_TENSOR && !tensor->reference)
        return as_input(c, oo_tensor_elem(tensor->t));
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++)
        if (oo__infer_attr(c, VALUES[i].name))
            return as_input(c, VALUES[i].elem);
    /* Version 1 maps between strings and integers. */
    return as_input(c, oo__input_elem(c, 0) == OO_STRING ? OO_INT64 : oo__input_elem(c, 0) == OO_INT64 ? OO_STRING : OO_UNDEFINED);
}

static const oo_tensor *tensor_of(const oo__infer *c, const char *name) {
    const oo_attr *const a = oo__infer_attr(c, name);
    return a && !a->reference && !a->raw.data && a->type == OO_ATTR_TENSOR ? a->t : NULL;
}

/* Lists for nodes and for leaves go together, and splits and weights are of the input's type. */
static oo_status check_trees(oo__infer *c) {
    static const char *const NODES[] = {"nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids", "nodes_trueleafs", "nodes_falseleafs"};
    static const char *const TYPED[] = {"nodes_splits", "leaf_weights"};
    const oo_tensor *const splits = tensor_of(c, TYPED[0]), *const weights = tensor_of(c, TYPED[1]);
    const int64_t *list;
    uint32_t n;
    for (size_t i = 0; i < sizeof NODES / sizeof *NODES; i++)
        if (splits && oo__infer_ints(c, &list, &n, NODES[i]) && list && n != splits->count)
            return oo__infer_fail(c, "%s has %u entries, nodes_splits %lld", NODES[i], n, (long long)splits->count);
    if (weights && oo__infer_ints(c, &list, &n, "leaf_targetids") && list && n != weights->count)
        return oo__infer_fail(c, "leaf_targetids has %u entries, leaf_weights %lld", n, (long long)weights->count);
    const oo_elem elem = oo__input_elem(c, 0);
    for (size_t i = 0; i < 2; i++) {
        const oo_tensor *const t = i ? weights : splits;
        if (t && elem != OO_UNDEFINED && oo_tensor_elem(t) != elem)
            return oo__infer_fail(c, "%s is %s, the input %s", TYPED[i], oo__elem_name((int32_t)oo_tensor_elem(t)), oo__elem_name((int32_t)elem));
    }
    return OO_OK;
}

oo_status oo__infer_tree_ensemble(oo__infer *c) {
    int64_t targets;
    OO_TRY(check_trees(c));
    const bool known = oo__infer_int(c, &targets, "n_targets", 0) && targets > 0;
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 2,
                   (const oo_expr *const[]){oo__input_dim(c, 0, 0), known ? oo__number(c, targets) : NULL});
    return OO_OK;
}

/* ---- sampling and cropping ---- */
/* X [N, C, ...], grid [N, d..., n] -> [N, C, d...]. */
oo_status oo__infer_grid_sample(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0), *const grid = oo__input_type(c, 1);
    const int32_t rank = oo_type_rank(grid) >= 0 ? oo_type_rank(grid) : oo_type_rank(in);
    const oo_expr *dims[MAX_RANK] = {NULL};
    for (int32_t i = 0; i < rank && i < MAX_RANK; i++)
        dims[i] = i < 2 ? oo__input_dim(c, 0, (uint32_t)i) : oo__input_dim(c, 1, (uint32_t)i - 1);
    oo__set_tensor(c, 0, oo_type_elem(in), rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

/* size [N, C, (D,) H, W] -> [N, (D,) H, W, 2 or 3]. */
oo_status oo__infer_affine_grid(oo__infer *c) {
    const oo_known *const size = oo__input_known(c, 1);
    const oo_expr *dims[MAX_RANK];
    int64_t length = size ? (int64_t)size->count : -1;
    if (!size && oo__input_dim(c, 1, 0))
        (void)oo__expr_is_int(oo__input_dim(c, 1, 0), &length);
    if (length != 4 && length != 5)
        return oo__set_tensor(c, 0, oo__input_elem(c, 0), -1, NULL), OO_OK;
    int32_t n = 0;
    if (!size) {
        for (n = 0; n < length - 1; n++)
            dims[n] = NULL;
        dims[n++] = oo__number(c, length - 2);
        oo__set_tensor(c, 0, oo__input_elem(c, 0), n, dims);
        return OO_OK;
    }
    dims[n++] = size->items[0].numerator;
    for (uint32_t i = 2; i < size->count; i++)
        dims[n++] = size->items[i].numerator;
    dims[n++] = oo__number(c, (int64_t)size->count - 2);
    oo__set_tensor(c, 0, oo__input_elem(c, 0), n, dims);
    return OO_OK;
}

oo_status oo__infer_center_crop_pad(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const oo_known *const shape = oo__input_known(c, 1);
    const int64_t *axes;
    uint32_t n;
    const oo_expr *dims[MAX_RANK];
    const int32_t rank = oo_type_rank(in);
    if (rank < 0 || rank > MAX_RANK || !oo__infer_ints(c, &axes, &n, "axes")) {
        oo__set_tensor(c, 0, oo_type_elem(in), rank > MAX_RANK ? -1 : rank, NULL);
        return OO_OK;
    }
    copy_dims(in, dims);
    const uint32_t count = axes ? n : (uint32_t)rank;
    if (shape && shape->count != count)
        return oo__infer_fail(c, "%u sizes are given for %u axes", shape->count, count);
    for (uint32_t i = 0; i < count; i++) {
        const int64_t axis = axes ? axes[i] : (int64_t)i;
        const int64_t at = axis < 0 ? axis + rank : axis;
        if (at < 0 || at >= rank)
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
        dims[at] = shape ? shape->items[i].numerator : NULL;
    }
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}

/* [..., n, n] -> [...]. */
oo_status oo__infer_det(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *dims[MAX_RANK] = {NULL};
    if (rank < 0 || rank > MAX_RANK)
        return oo__set_tensor(c, 0, oo_type_elem(in), -1, NULL), OO_OK;
    if (rank < 2)
        return oo__infer_fail(c, "the input has rank %d", rank);
    copy_dims(in, dims);
    if (oo__expr_equal(c->exprs, dims[rank - 1], dims[rank - 2]) == OO_NO)
        return oo__infer_fail(c, "the matrices are not square");
    oo__set_tensor(c, 0, oo_type_elem(in), rank - 2, dims);
    return OO_OK;
}

/* ---- losses ---- */
/* A scalar, or the shape of the target without reduction. */
static oo_status loss(oo__infer *c) {
    const char *const reduction = oo__infer_string(c, "reduction", "mean");
    const oo_type *const target = oo__input_type(c, 1);
    const oo_expr *dims[MAX_RANK] = {NULL};
    const bool none = reduction && strcmp(reduction, "none") == 0;
    int32_t rank = none ? oo_type_rank(target) : 0;
    if (!reduction || rank > MAX_RANK)
        rank = -1;
    if (none && rank >= 0)
        copy_dims(target, dims);
    oo__set_tensor(c, 0, oo__input_elem(c, 0), rank, dims);
    return OO_OK;
}

oo_status oo__infer_negative_log_likelihood_loss(oo__infer *c) { return loss(c); }

oo_status oo__infer_softmax_cross_entropy_loss(oo__infer *c) {
    OO_TRY(loss(c));
    oo__set_type(c, 1, oo__input_type(c, 0));
    return OO_OK;
}

/* ---- strings and updates ---- */
oo_status oo__infer_string_concat(oo__infer *c) { return oo__infer_broadcast(c); }

/* Optimizers: after R and T come inputs in groups; the outputs repeat all but the gradients. `kept` says which groups. */
static oo_status optimizer(oo__infer *c, uint32_t groups, const uint32_t *kept, uint32_t nkept) {
    const uint32_t n = (c->node->ninputs - 2) / groups;
    for (uint32_t k = 0; k < nkept; k++)
        for (uint32_t i = 0; i < n; i++)
            oo__set_type(c, k * n + i, oo__input_type(c, 2 + kept[k] * n + i));
    return OO_OK;
}

oo_status oo__infer_momentum(oo__infer *c) { return optimizer(c, 3, (const uint32_t[]){0, 2}, 2); }
oo_status oo__infer_adagrad(oo__infer *c) { return optimizer(c, 3, (const uint32_t[]){0, 2}, 2); }
oo_status oo__infer_adam(oo__infer *c) { return optimizer(c, 4, (const uint32_t[]){0, 2, 3}, 3); }
