/* Sequence layers of newer operator sets: LinearAttention, FlexAttention, CausalConvWithState, SwiGLU. */
#include "ir/infer_run.h"

static oo_status want_rank(oo__infer *c, uint32_t input, int32_t rank) {
    const int32_t own = oo__input_rank(c, input);
    return own >= 0 && own != rank ? oo__infer_fail(c, "input %u has rank %d, not %d", input, own, rank) : OO_OK;
}

/* Two dimensions that must be equal: the number, if one is; `what` names them when they cannot be. */
static oo_status agree(oo__infer *c, const oo_expr **out, const oo_expr *a, const oo_expr *b, const char *what) {
    int64_t n;
    if (a && b && oo__expr_equal(c->exprs, a, b) == OO_NO)
        return oo__infer_fail(c, "the inputs differ in %s: %s and %s", what, oo__expr_print(a, c->model->arena),
                              oo__expr_print(b, c->model->arena));
    *out = !a || (b && oo__expr_is_int(b, &n)) ? (b ? b : a) : a;
    return OO_OK;
}

/* Size of one head of packed heads; a packed size that the number of heads does not divide is an error. */
static oo_status head_size(oo__infer *c, const oo_expr **out, const oo_expr *packed, int64_t heads) {
    int64_t n;
    *out = NULL;
    if (packed && oo__expr_is_int(packed, &n) && n % heads != 0)
        return oo__infer_fail(c, "%lld packed elements do not divide into %lld heads", (long long)n, (long long)heads);
    *out = oo__expr_exact_div(c->exprs, packed, oo__number(c, heads));
    return OO_OK;
}

/* beta is [B, T, kv heads] or [B, T, 1]. */
static oo_status check_beta(oo__infer *c, int64_t heads) {
    int64_t n;
    OO_TRY(want_rank(c, 5, 3));
    const oo_expr *const last = oo__input_dim(c, 5, 2);
    if (last && oo__expr_is_int(last, &n) && n != 1 && n != heads)
        return oo__infer_fail(c, "beta ends in %lld elements, not 1 or %lld", (long long)n, (long long)heads);
    return OO_OK;
}

/* query [B, T, Hq*dk], key [B, T, Hkv*dk], value [B, T, Hkv*dv], past_state [B, Hkv, dk, dv]
 * -> output [B, T, Hq*dv], present_state [B, Hkv, dk, dv] of the past's type. */
oo_status oo__infer_linear_attention(oo__infer *c) {
    static const int32_t RANKS[] = {3, 3, 3, 4, 3};
    int64_t hq, hkv;
    if (!(oo__infer_int(c, &hq, "q_num_heads", 0) && oo__infer_int(c, &hkv, "kv_num_heads", 0)))
        return OO_OK;
    if (hq < 1 || hkv < 1 || hq % hkv != 0)
        return oo__infer_fail(c, "%lld query heads and %lld key heads do not go together", (long long)hq, (long long)hkv);
    for (uint32_t i = 0; i < 5; i++)
        OO_TRY(want_rank(c, i, RANKS[i]));
    OO_TRY(check_beta(c, hkv));
    const oo_expr *batch, *steps, *dk, *dv, *other;
    OO_TRY(agree(c, &batch, oo__input_dim(c, 0, 0), oo__input_dim(c, 1, 0), "batch"));
    OO_TRY(agree(c, &batch, batch, oo__input_dim(c, 2, 0), "batch"));
    OO_TRY(agree(c, &batch, batch, oo__input_dim(c, 3, 0), "batch"));
    OO_TRY(agree(c, &steps, oo__input_dim(c, 0, 1), oo__input_dim(c, 1, 1), "length"));
    OO_TRY(agree(c, &steps, steps, oo__input_dim(c, 2, 1), "length"));
    OO_TRY(head_size(c, &dk, oo__input_dim(c, 0, 2), hq));
    OO_TRY(head_size(c, &other, oo__input_dim(c, 1, 2), hkv));
    OO_TRY(agree(c, &dk, dk, other, "key size"));
    OO_TRY(agree(c, &dk, dk, oo__input_dim(c, 3, 2), "key size"));
    OO_TRY(head_size(c, &dv, oo__input_dim(c, 2, 2), hkv));
    OO_TRY(agree(c, &dv, dv, oo__input_dim(c, 3, 3), "value size"));
    const oo_expr *const packed = oo__expr_mul(c->exprs, dv, oo__number(c, hq));
    const oo_elem state = oo__has_input(c, 3) ? oo__input_elem(c, 3) : oo__input_elem(c, 0);
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 3, (const oo_expr *const[]){batch, steps, packed});
    oo__set_tensor(c, 1, state, 4, (const oo_expr *const[]){batch, oo__number(c, hkv), dk, dv});
    return OO_OK;
}

/* Q [B, Hq, L, Dqk], K [B, Hkv, S, Dqk], V [B, Hkv, S, Dv] -> [B, Hq, L, Dv]. */
oo_status oo__infer_flex_attention(oo__infer *c) {
    const oo_expr *batch, *ignored;
    for (uint32_t i = 0; i < 3; i++)
        OO_TRY(want_rank(c, i, 4));
    OO_TRY(agree(c, &batch, oo__input_dim(c, 0, 0), oo__input_dim(c, 1, 0), "batch"));
    OO_TRY(agree(c, &batch, batch, oo__input_dim(c, 2, 0), "batch"));
    OO_TRY(agree(c, &ignored, oo__input_dim(c, 1, 1), oo__input_dim(c, 2, 1), "key and value heads"));
    OO_TRY(agree(c, &ignored, oo__input_dim(c, 1, 2), oo__input_dim(c, 2, 2), "key and value length"));
    OO_TRY(agree(c, &ignored, oo__input_dim(c, 0, 3), oo__input_dim(c, 1, 3), "query and key size"));
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 4,
                   (const oo_expr *const[]){batch, oo__input_dim(c, 0, 1), oo__input_dim(c, 0, 2), oo__input_dim(c, 2, 3)});
    return OO_OK;
}

/* input [B, C, L], weight [C, 1, k], past_state [B, C, k - 1] -> as the input, and [B, C, k - 1]. */
oo_status oo__infer_causal_conv(oo__infer *c) {
    const oo_expr *batch, *channels, *state;
    OO_TRY(want_rank(c, 0, 3));
    OO_TRY(want_rank(c, 1, 3));
    OO_TRY(want_rank(c, 2, 1));
    OO_TRY(want_rank(c, 3, 3));
    const oo_expr *const kernel = oo__input_dim(c, 1, 2);
    if (kernel && oo__expr_high(kernel) < 1)
        return oo__infer_fail(c, "the kernel has no elements");
    OO_TRY(agree(c, &batch, oo__input_dim(c, 0, 0), oo__input_dim(c, 3, 0), "batch"));
    OO_TRY(agree(c, &channels, oo__input_dim(c, 0, 1), oo__input_dim(c, 1, 0), "channels"));
    OO_TRY(agree(c, &state, oo__expr_sub(c->exprs, kernel, oo__number(c, 1)), oo__input_dim(c, 3, 2), "state length"));
    const oo_expr *const length = oo__input_dim(c, 0, 2);
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 3, (const oo_expr *const[]){batch, channels, length});
    oo__set_tensor(c, 1, oo__input_elem(c, 0), 3, (const oo_expr *const[]){batch, channels, state});
    return OO_OK;
}

/* Both inputs and the output have one shape: nothing is broadcast. */
oo_status oo__infer_swiglu(oo__infer *c) {
    bool clash = false;
    const oo_type *const type = oo__type_merge(c, oo__input_type(c, 0), oo__input_type(c, 1), &clash);
    if (clash)
        return oo__infer_fail(c, "the inputs have different shapes");
    oo_type *const sharp = OO_NEW(c->model->arena, oo_type);
    if (!type || type->kind != OO_TYPE_TENSOR || !type->has_shape)
        return oo__set_type(c, 0, type), OO_OK;
    *sharp = *type;
    sharp->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        const oo_expr *dim;
        OO_TRY(agree(c, &dim, oo__input_dim(c, 0, i), oo__input_dim(c, 1, i), "shape"));
        sharp->dims[i] = oo__dim_of(dim);
    }
    oo__set_type(c, 0, sharp);
    return OO_OK;
}
