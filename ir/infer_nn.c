/* Networks' own operators: matrix products, convolutions, pooling, normalization, recurrent layers, attention. */
#include "ir/infer_run.h"

#include <string.h>

enum { MAX_RANK = 64 };

static void copy_dims(const oo_type *t, const oo_expr **dims) {
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = t->dims[i].expr;
}

static void set_unknown(oo__infer *c, uint32_t output, oo_elem elem, int32_t rank) {
    const oo_expr *dims[MAX_RANK] = {NULL};
    oo__set_tensor(c, output, elem, rank <= MAX_RANK ? rank : -1, dims);
}

/* ---- matrix products ---- */
static const char INNER[] = "the inner dimensions of the factors";

static oo_status matmul(oo__infer *c, uint32_t ia, uint32_t ib, oo_elem elem) {
    const oo_type *const a = oo__input_type(c, ia), *const b = oo__input_type(c, ib);
    const int32_t ra = oo_type_rank(a), rb = oo_type_rank(b);
    if (ra < 0 || rb < 0 || ra > MAX_RANK || rb > MAX_RANK) {
        set_unknown(c, 0, elem, -1);
        return OO_OK;
    }
    if (!ra || !rb)
        return oo__infer_fail(c, "a factor is a scalar");
    const oo_expr *const k1 = a->dims[ra - 1].expr, *const k2 = b->dims[rb == 1 ? 0 : rb - 2].expr;
    if (oo__expr_equal(c->exprs, k1, k2) == OO_NO)
        return oo__infer_fail_pair(c, ia, ib, "the inner dimensions of the factors differ");
    oo__infer_equal_sizes(c, k1, k2, INNER);
    const int32_t batch_a = ra > 2 ? ra - 2 : 0, batch_b = rb > 2 ? rb - 2 : 0;
    const int32_t batch = batch_a > batch_b ? batch_a : batch_b;
    const oo_expr *dims[MAX_RANK + 2];
    bool clash = false;
    int32_t n = 0;
    for (; n < batch; n++) {
        const oo_expr *const x = n < batch - batch_a ? oo__number(c, 1) : a->dims[n - (batch - batch_a)].expr;
        const oo_expr *const y = n < batch - batch_b ? oo__number(c, 1) : b->dims[n - (batch - batch_b)].expr;
        dims[n] = oo__broadcast_dim(c, x, y, &clash);
    }
    if (clash)
        return oo__infer_fail_pair(c, ia, ib, "the batch dimensions of the factors do not broadcast");
    if (ra > 1)
        dims[n++] = a->dims[ra - 2].expr;
    if (rb > 1)
        dims[n++] = b->dims[rb - 1].expr;
    oo__set_tensor(c, 0, elem, n, dims);
    return OO_OK;
}

oo_status oo__infer_mat_mul(oo__infer *c) { return matmul(c, 0, 1, oo__input_elem(c, 0)); }
oo_status oo__infer_mat_mul_integer(oo__infer *c) { return matmul(c, 0, 1, OO_INT32); }
oo_status oo__infer_q_linear_mat_mul(oo__infer *c) { return matmul(c, 0, 3, oo__input_elem(c, 7)); }

oo_status oo__infer_gemm(oo__infer *c) {
    const oo_type *const a = oo__input_type(c, 0), *const b = oo__input_type(c, 1);
    int64_t ta, tb;
    const oo_expr *dims[2] = {NULL, NULL};
    if (!(oo__infer_int(c, &ta, "transA", 0) && oo__infer_int(c, &tb, "transB", 0))) {
        set_unknown(c, 0, oo_type_elem(a), 2);
        return OO_OK;
    }
    if ((oo_type_rank(a) >= 0 && oo_type_rank(a) != 2) || (oo_type_rank(b) >= 0 && oo_type_rank(b) != 2))
        return oo__infer_fail(c, "a factor is no matrix");
    if (oo_type_rank(a) == 2)
        dims[0] = a->dims[ta ? 1 : 0].expr;
    if (oo_type_rank(b) == 2)
        dims[1] = b->dims[tb ? 0 : 1].expr;
    if (oo_type_rank(a) == 2 && oo_type_rank(b) == 2) {
        const oo_expr *const k1 = a->dims[ta ? 0 : 1].expr, *const k2 = b->dims[tb ? 1 : 0].expr;
        if (oo__expr_equal(c->exprs, k1, k2) == OO_NO)
            return oo__infer_fail_pair(c, 0, 1, "the inner dimensions of the factors differ");
        oo__infer_equal_sizes(c, k1, k2, INNER);
    }
    oo__set_tensor(c, 0, oo_type_elem(a), 2, dims);
    return OO_OK;
}

/* ---- sliding windows ---- */
typedef struct window {
    uint32_t n; /* spatial axes */
    const oo_expr *kernel[MAX_RANK];
    int64_t strides[MAX_RANK], dilations[MAX_RANK], pads[2 * MAX_RANK];
    const char *auto_pad;
    int64_t ceil_mode;
} window;

static bool read_list(const oo__infer *c, const char *name, uint32_t n, int64_t absent, int64_t *out) {
    const int64_t *list;
    uint32_t count;
    if (!oo__infer_ints(c, &list, &count, name) || (list && count != n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        out[i] = list ? list[i] : absent;
    return true;
}

/* Numbers that no window can have. */
static oo_status check_window(oo__infer *c, const window *w) {
    if (oo__infer_attr(c, "pads") && strcmp(w->auto_pad, "NOTSET") != 0 && strcmp(c->node->op->name, "ConvTranspose") == 0)
        return oo__infer_fail(c, "pads and auto_pad %s exclude each other", w->auto_pad);
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->strides[i] < 1 || w->dilations[i] < 1)
            return oo__infer_fail(c, "stride %lld or dilation %lld of axis %u is not positive", (long long)w->strides[i],
                                  (long long)w->dilations[i], i);
        if (w->kernel[i] && oo__expr_high(w->kernel[i]) < 1)
            return oo__infer_fail(c, "the kernel has no elements along axis %u", i);
        if (w->pads[i] < 0 || w->pads[i + w->n] < 0)
            return oo__infer_fail(c, "a pad of axis %u is negative", i);
    }
    return OO_OK;
}

/* `weights`: input whose trailing dimensions are the kernel, UINT32_MAX = the attribute says it. */
static bool read_window(oo__infer *c, uint32_t n, uint32_t weights, window *w) {
    int64_t kernel[MAX_RANK];
    *w = (window){.n = n, .auto_pad = oo__infer_string(c, "auto_pad", "NOTSET")};
    const bool listed = oo__infer_attr(c, "kernel_shape") != NULL;
    const bool known = w->auto_pad && read_list(c, "strides", n, 1, w->strides) && read_list(c, "dilations", n, 1, w->dilations) &&
                       read_list(c, "pads", 2 * n, 0, w->pads) && oo__infer_int(c, &w->ceil_mode, "ceil_mode", 0) &&
                       (!listed || read_list(c, "kernel_shape", n, 1, kernel));
    if (!known || (!listed && weights == UINT32_MAX))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        w->kernel[i] = listed ? oo__number(c, kernel[i]) : oo__input_dim(c, weights, i + 2);
    }
    return true;
}

/* Extent of a dilated kernel: d * (k - 1) + 1. */
static const oo_expr *extent(oo__infer *c, const window *w, uint32_t i) {
    const oo_expr *const k = oo__expr_sub(c->exprs, w->kernel[i], oo__number(c, 1));
    return oo__dim_add(c, oo__dim_mul(c, k, oo__number(c, w->dilations[i])), oo__number(c, 1));
}

/* With ceil_mode a last window that would start in the padding behind the data is left out; only one is, however long the padding. */
static const oo_expr *without_last(oo__infer *c, const window *w, uint32_t i, const oo_expr *in, const oo_expr *count) {
    int64_t reach;
    const oo_expr *const data = oo__dim_add(c, in, oo__number(c, w->pads[i]));
    const oo_expr *const beyond = oo__expr_sub(c->exprs, oo__number(c, w->pads[i + w->n]), extent(c, w, i));
    if (!beyond || !oo__expr_is_int(beyond, &reach))
        return NULL;
    if (reach >= 0)
        return oo__expr_sub(c->exprs, count, oo__number(c, 1));
    return oo__expr_min(c->exprs, count, oo__expr_ceildiv(c->exprs, data, oo__number(c, w->strides[i])));
}

static const oo_expr *window_count(oo__infer *c, const window *w, uint32_t i, const oo_expr *in) {
    const oo_expr *const stride = oo__number(c, w->strides[i]);
    if (strncmp(w->auto_pad, "SAME", 4) == 0)
        return oo__expr_ceildiv(c->exprs, in, stride);
    const bool valid = strcmp(w->auto_pad, "VALID") == 0;
    const oo_expr *const padded = valid ? in : oo__dim_add(c, in, oo__number(c, w->pads[i] + w->pads[i + w->n]));
    const oo_expr *const span = oo__expr_sub(c->exprs, padded, extent(c, w, i));
    const oo_expr *const floor = oo__expr_floordiv(c->exprs, span, stride);
    if (!w->ceil_mode)
        return oo__dim_add(c, floor, oo__number(c, 1));
    const oo_expr *const ceiling = oo__expr_ceildiv(c->exprs, span, stride);
    if (valid) /* ONNX's text rounds down, its shape inference and runtimes round up */
        return floor == ceiling ? oo__dim_add(c, floor, oo__number(c, 1)) : NULL;
    return without_last(c, w, i, in, oo__dim_add(c, ceiling, oo__number(c, 1)));
}

/* dims[2..] of a result from the input's. */
static oo_status slide(oo__infer *c, const window *w, const oo_type *in, const oo_expr **dims) {
    for (uint32_t i = 0; i < w->n; i++) {
        dims[i + 2] = window_count(c, w, i, in->dims[i + 2].expr);
        if (dims[i + 2] && oo__expr_high(dims[i + 2]) < 0)
            return oo__infer_fail(c, "a window of %s does not fit an input of %s with its padding", oo__expr_print(extent(c, w, i), c->model->arena),
                                  oo__expr_print(in->dims[i + 2].expr, c->model->arena));
    }
    return OO_OK;
}

static oo_status convolve(oo__infer *c, uint32_t weights, oo_elem elem) {
    const oo_type *const in = oo__input_type(c, 0), *const kernel = oo__input_type(c, weights);
    const int32_t rank = oo_type_rank(in);
    window w;
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 && oo_type_rank(kernel) >= 3 && oo_type_rank(kernel) <= MAX_RANK) { /* the weights say the rank, and the channels */
        memset(dims, 0, sizeof dims);
        dims[1] = kernel->dims[0].expr;
        oo__set_tensor(c, 0, elem, oo_type_rank(kernel), dims);
        return OO_OK;
    }
    if (rank < 0 || rank > MAX_RANK) {
        set_unknown(c, 0, elem, -1);
        return OO_OK;
    }
    if (rank < 3 || (oo_type_rank(kernel) >= 0 && oo_type_rank(kernel) != rank))
        return oo__infer_fail(c, "input and weights have ranks %d and %d", rank, oo_type_rank(kernel));
    int64_t group;
    if (oo_type_rank(kernel) >= 0 && oo__infer_int(c, &group, "group", 1) && group > 0) {
        const oo_expr *const channels = oo__expr_mul(c->exprs, kernel->dims[1].expr, oo__number(c, group));
        if (oo__expr_equal(c->exprs, in->dims[1].expr, channels) == OO_NO)
            return oo__infer_fail_pair(c, 0, weights, "the channels do not fit in %lld group%s", (long long)group, group == 1 ? "" : "s");
        oo__infer_equal_sizes(c, in->dims[1].expr, channels, "the channels of the input and the weights");
    }
    dims[0] = in->dims[0].expr;
    dims[1] = oo_type_rank(kernel) >= 0 ? kernel->dims[0].expr : NULL;
    for (int32_t i = 2; i < rank; i++)
        dims[i] = NULL;
    if (read_window(c, (uint32_t)rank - 2, weights, &w)) {
        OO_TRY(check_window(c, &w));
        OO_TRY(slide(c, &w, in, dims));
    }
    oo__set_tensor(c, 0, elem, rank, dims);
    return OO_OK;
}

oo_status oo__infer_conv(oo__infer *c) { return convolve(c, 1, oo__input_elem(c, 0)); }
oo_status oo__infer_conv_integer(oo__infer *c) { return convolve(c, 1, OO_INT32); }
oo_status oo__infer_q_linear_conv(oo__infer *c) { return convolve(c, 3, oo__input_elem(c, 7)); }

oo_status oo__infer_conv_transpose(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0), *const kernel = oo__input_type(c, 1);
    const int32_t rank = oo_type_rank(in);
    window w;
    int64_t group, output_padding[MAX_RANK], output_shape[MAX_RANK];
    const oo_expr *dims[MAX_RANK] = {NULL};
    const int32_t weights = oo_type_rank(kernel);
    if ((rank >= 0 && rank < 3) || (weights >= 0 && weights < 3) || (rank >= 0 && weights >= 0 && rank != weights))
        return oo__infer_fail(c, "input and weights have ranks %d and %d", rank, weights);
    if (rank < 3 || rank > MAX_RANK || weights != rank || !oo__infer_int(c, &group, "group", 1)) {
        set_unknown(c, 0, oo_type_elem(in), rank);
        return OO_OK;
    }
    int64_t channels;
    if (group > 0 && in->dims[1].expr && oo__expr_is_int(in->dims[1].expr, &channels) && channels % group)
        return oo__infer_fail(c, "%lld channels are not divisible by %lld groups", (long long)channels, (long long)group);
    const uint32_t n = (uint32_t)rank - 2;
    dims[0] = in->dims[0].expr;
    dims[1] = oo__dim_mul(c, kernel->dims[1].expr, oo__number(c, group));
    const bool shaped = oo__infer_attr(c, "output_shape") != NULL;
    const bool known = read_window(c, n, 1, &w) && read_list(c, "output_padding", n, 0, output_padding) &&
                       (!shaped || read_list(c, "output_shape", n, 0, output_shape));
    if (known)
        OO_TRY(check_window(c, &w));
    for (uint32_t i = 0; known && i < n; i++) {
        if (output_padding[i] < 0 || (shaped && output_shape[i] < 0))
            return oo__infer_fail(c, "output_padding or output_shape is negative along axis %u", i);
        const oo_expr *const stride = oo__number(c, w.strides[i]), *const size = in->dims[i + 2].expr;
        if (shaped) {
            dims[i + 2] = oo__number(c, output_shape[i]);
        } else if (strncmp(w.auto_pad, "SAME", 4) == 0) {
            dims[i + 2] = oo__dim_mul(c, size, stride);
        } else {
            const oo_expr *const steps = oo__dim_mul(c, oo__expr_sub(c->exprs, size, oo__number(c, 1)), stride);
            const int64_t more = output_padding[i] - (strcmp(w.auto_pad, "VALID") == 0 ? 0 : w.pads[i] + w.pads[i + n]);
            dims[i + 2] = oo__dim_add(c, oo__dim_add(c, steps, extent(c, &w, i)), oo__number(c, more));
        }
    }
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}

/* X [N, C, ...], I, output_shape? -> what pooling it would have given X. */
oo_status oo__infer_max_unpool(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in), indices = oo__input_rank(c, 1);
    const oo_known *const shape = oo__has_input(c, 2) ? oo__input_known(c, 2) : NULL;
    window w;
    const oo_expr *dims[MAX_RANK] = {NULL};
    if ((rank >= 0 && rank < 3) || (indices >= 0 && indices < 3))
        return oo__infer_fail(c, "input and indices have ranks %d and %d", rank, indices);
    if (shape && rank >= 0 && shape->count != (uint32_t)rank)
        return oo__infer_fail(c, "output_shape has %u entries for rank %d", shape->count, rank);
    for (uint32_t i = 0; shape && i < shape->count && i < MAX_RANK; i++)
        dims[i] = shape->items[i].numerator;
    if (!oo__has_input(c, 2) && rank > 0 && rank <= MAX_RANK && read_window(c, (uint32_t)rank - 2, UINT32_MAX, &w)) {
        OO_TRY(check_window(c, &w));
        for (uint32_t i = 0; i < w.n; i++) {
            const oo_expr *const steps = oo__expr_sub(c->exprs, in->dims[i + 2].expr, oo__number(c, 1));
            const oo_expr *const most = oo__dim_add(c, oo__dim_mul(c, steps, oo__number(c, w.strides[i])), w.kernel[i]);
            dims[i + 2] = oo__expr_sub(c->exprs, oo__expr_sub(c->exprs, most, oo__number(c, w.pads[i])), oo__number(c, w.pads[i + w.n]));
        }
    }
    for (int32_t i = 0; !oo__has_input(c, 2) && i < 2 && i < rank; i++)
        dims[i] = in->dims[i].expr;
    oo__set_tensor(c, 0, oo_type_elem(in), rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

/* Pools; MaxPool's second output counts in INT64. */
oo_status oo__infer_pool(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    window w;
    const oo_expr *dims[MAX_RANK] = {NULL};
    if (rank >= 0 && rank < 3)
        return oo__infer_fail(c, "the input has rank %d", rank);
    if (rank > 0 && rank <= MAX_RANK) {
        dims[0] = in->dims[0].expr;
        dims[1] = in->dims[1].expr;
        if (read_window(c, (uint32_t)rank - 2, UINT32_MAX, &w)) {
            OO_TRY(check_window(c, &w));
            OO_TRY(slide(c, &w, in, dims));
        }
    }
    oo__set_tensor(c, 0, oo_type_elem(in), rank <= MAX_RANK ? rank : -1, dims);
    oo__set_tensor(c, 1, OO_INT64, rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

oo_status oo__infer_global_pool(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *dims[MAX_RANK];
    for (int32_t i = 0; i < rank && i < MAX_RANK; i++)
        dims[i] = i < 2 ? in->dims[i].expr : oo__number(c, 1);
    oo__set_tensor(c, 0, oo_type_elem(in), rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

/* ---- normalization ---- */
oo_status oo__infer_batch_normalization(oo__infer *c) {
    for (uint32_t i = 1; i < 5 && c->schema->since >= 9; i++) /* before, statistics could be of each element */
        if (oo__input_rank(c, i) >= 0 && oo__input_rank(c, i) != 1)
            return oo__infer_fail(c, "input %u has rank %d, not 1", i, oo__input_rank(c, i));
    if (c->schema->since >= 9)
        for (uint32_t i = 1; i < 5; i++)
            oo__infer_equal_sizes(c, oo__input_dim(c, 0, 1), oo__input_dim(c, i, 0), "the channels of the input and its statistics");
    oo__set_type(c, 0, oo__input_type(c, 0));
    for (uint32_t i = 1; i < c->node->noutputs; i++) {
        const oo_expr *const channels = oo__input_dim(c, 3, 0);
        oo__set_tensor(c, i, oo__input_elem(c, i % 2 ? 3 : 4), c->schema->since < 9 ? -1 : 1, &channels);
    }
    return OO_OK;
}

/* LayerNormalization and its kin: outputs 1 and 2 keep the axes before `axis`; their type is stash_type. */
oo_status oo__infer_layer_normalization(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis, stash;
    const oo_expr *dims[MAX_RANK];
    oo__set_type(c, 0, in);
    if (strcmp(c->node->op->name, "RMSNormalization") == 0 && rank <= MAX_RANK) { /* its result has the type of the scale */
        for (int32_t i = 0; i < rank; i++)
            dims[i] = in->dims[i].expr;
        oo__set_tensor(c, 0, oo__input_elem(c, 1), rank, dims);
    }
    if (rank < 0 || rank > MAX_RANK || !(oo__infer_int(c, &axis, "axis", -1) && oo__infer_int(c, &stash, "stash_type", OO_FLOAT)))
        return OO_OK;
    if (axis < -rank || axis >= rank)
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    axis += axis < 0 ? rank : 0;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = i < axis ? in->dims[i].expr : oo__number(c, 1);
    for (uint32_t i = 1; i < c->node->noutputs; i++)
        oo__set_tensor(c, i, (oo_elem)stash, rank, dims);
    return OO_OK;
}

/* Dropout: the mask has the type of the data before version 10. */
oo_status oo__infer_dropout(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const oo_expr *dims[MAX_RANK];
    oo__set_type(c, 0, in);
    if (oo_type_rank(in) >= 0 && oo_type_rank(in) <= MAX_RANK)
        copy_dims(in, dims);
    oo__set_tensor(c, 1, c->schema->since < 10 ? oo_type_elem(in) : OO_BOOL, oo_type_rank(in), dims);
    return OO_OK;
}

/* ---- recurrent layers ---- */
/* X [T, B, I] (layout 1: [B, T, I]), W [D, G*H, I], R [D, G*H, H] -> Y [T, D, B, H], Y_h and Y_c [D, B, H]. */
oo_status oo__infer_recurrent(oo__infer *c) {
    int64_t layout, hidden_attr;
    for (uint32_t i = 0; i < 3; i++)
        if (oo__input_rank(c, i) >= 0 && oo__input_rank(c, i) != 3)
            return oo__infer_fail(c, "input %u has rank %d, not 3", i, oo__input_rank(c, i));
    const oo_elem elem = oo__input_elem(c, 0);
    if (!(oo__infer_int(c, &layout, "layout", 0) && oo__infer_int(c, &hidden_attr, "hidden_size", 0))) {
        set_unknown(c, 0, elem, 4);
        return OO_OK;
    }
    const char *const direction = oo__infer_string(c, "direction", "forward");
    const oo_expr *const steps = oo__input_dim(c, 0, layout ? 1 : 0), *const batch = oo__input_dim(c, 0, layout ? 0 : 1);
    const oo_expr *const ways = direction ? oo__number(c, strcmp(direction, "bidirectional") == 0 ? 2 : 1) : NULL;
    oo__infer_equal_sizes(c, oo__input_dim(c, 0, 2), oo__input_dim(c, 1, 2), "the sizes of the input and the weights");
    const oo_expr *const hidden = hidden_attr > 0 ? oo__number(c, hidden_attr) : oo__input_dim(c, 2, 2);
    const oo_expr *const y0[] = {steps, ways, batch, hidden}, *const y1[] = {batch, steps, ways, hidden};
    const oo_expr *const h0[] = {ways, batch, hidden}, *const h1[] = {batch, ways, hidden};
    oo__set_tensor(c, 0, elem, 4, layout ? y1 : y0);
    oo__set_tensor(c, 1, elem, 3, layout ? h1 : h0);
    oo__set_tensor(c, 2, elem, 3, layout ? h1 : h0);
    return OO_OK;
}

/* ---- attention ---- */
/* Q [B, Hq, S, E] or [B, S, Hq*E], K, V likewise -> Y as Q with V's head size; present key and value; scores. */
static const oo_expr *heads(oo__infer *c, uint32_t input, const char *attr, int32_t rank) {
    int64_t n;
    if (rank == 4)
        return oo__input_dim(c, input, 1);
    return oo__infer_int(c, &n, attr, 0) && n > 0 ? oo__number(c, n) : NULL;
}

oo_status oo__infer_attention(oo__infer *c) {
    const int32_t rank = oo__input_rank(c, 0);
    const oo_elem elem = oo__input_elem(c, 0);
    if (rank != 3 && rank != 4) {
        for (uint32_t i = 0; i < c->node->noutputs; i++)
            set_unknown(c, i, oo__input_elem(c, i == 3 ? 0 : i), -1); /* Y, present_key, present_value, scores */
        return OO_OK;
    }
    for (uint32_t i = 1; i < 3; i++)
        if (oo__input_rank(c, i) >= 0 && oo__input_rank(c, i) != rank)
            return oo__infer_fail_pair(c, 0, i, "they have different ranks");
    const oo_node *const node = c->node;
    static const char *const WINDOWS[] = {"left_window_size", "right_window_size"};
    for (size_t i = 0; i < 2; i++) {
        int64_t size;
        if (oo__infer_int(c, &size, WINDOWS[i], -1) && size < -1)
            return oo__infer_fail(c, "%s is %lld: -1 means that there is no limit", WINDOWS[i], (long long)size);
    }
    if ((node->noutputs > 1 && node->outputs[1]) != (node->noutputs > 2 && node->outputs[2]))
        return oo__infer_fail(c, "present_key and present_value go together");
    const uint32_t seq = rank == 4 ? 2 : 1, last = (uint32_t)rank - 1;
    const oo_expr *const batch = oo__input_dim(c, 0, 0), *const queries = oo__input_dim(c, 0, seq);
    const oo_expr *const hq = heads(c, 0, "q_num_heads", rank), *const hkv = heads(c, 1, "kv_num_heads", rank);
    const oo_expr *const ek = rank == 4 ? oo__input_dim(c, 1, last) : oo__expr_exact_div(c->exprs, oo__input_dim(c, 1, last), hkv);
    const oo_expr *const ev = rank == 4 ? oo__input_dim(c, 2, last) : oo__expr_exact_div(c->exprs, oo__input_dim(c, 2, last), hkv);
    const oo_expr *keys = oo__input_dim(c, 1, seq);
    if (oo__has_input(c, 4))
        keys = oo__dim_add(c, keys, oo__input_dim(c, 4, 2));
    const oo_expr *const y4[] = {batch, hq, queries, ev}, *const y3[] = {batch, queries, oo__dim_mul(c, hq, ev)};
    const oo_expr *const k[] = {batch, hkv, keys, ek}, *const v[] = {batch, hkv, keys, ev}, *const scores[] = {batch, hq, queries, keys};
    oo__set_tensor(c, 0, elem, rank, rank == 4 ? y4 : y3);
    oo__set_tensor(c, 1, oo__input_elem(c, 1), 4, k);
    oo__set_tensor(c, 2, oo__input_elem(c, 2), 4, v);
    oo__set_tensor(c, 3, elem, 4, scores);
    return OO_OK;
}
