/* Attention: reads the operator's many forms and hands heads to the core. */
#include "eval/attention.h"
#include "eval/kernels.h"

#include <math.h>
#include <string.h>

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };

/* The inputs with their heads apart and the past before them. */
typedef struct inputs {
    oo_array *q, *k, *v;
    bool packed; /* rank 3 */
} inputs;

static void release(inputs *in) {
    oo__array_release(in->q);
    oo__array_release(in->k);
    oo__array_release(in->v);
}

static oo_array *joined(const oo__call *c, uint32_t past, const oo_array *x, oo_elem work) {
    oo_array *const before = oo__as_real(oo__in(c, past), work), *const all = oo__append_sequence(before, x);
    oo__array_release(before);
    return all;
}

static oo_status check_types(const oo__call *c) {
    static const char *const names[] = {"Q", "K", "V"};
    for (uint32_t i = 0; i < 3; i++)
        OO_TRY(oo__need_real(c, i, names[i]));
    OO_TRY(oo__need_like(c, K, oo__in(c, Q)));
    OO_TRY(oo__need_like(c, PAST_KEY, oo__in(c, Q)));
    OO_TRY(oo__need_like(c, PAST_VALUE, oo__in(c, V)));
    const uint32_t rank = oo__in(c, Q)->rank;
    if ((rank != 3 && rank != 4) || oo__in(c, K)->rank != rank || oo__in(c, V)->rank != rank)
        return oo__eval_fail(c, "Q, K and V have %u, %u and %u dimensions", rank, oo__in(c, K)->rank, oo__in(c, V)->rank);
    if (!oo__in(c, PAST_KEY) != !oo__in(c, PAST_VALUE))
        return oo__eval_fail(c, "past_key and past_value are to be given together");
    if (oo__in(c, PAST_KEY) && oo__in(c, LENGTHS))
        return oo__eval_fail(c, "nonpad_kv_seqlen and a past are given both");
    return OO_OK;
}

static oo_status read_heads(const oo__call *c, inputs *in, oo_elem work) {
    const int64_t q_heads = oo__int(c, "q_num_heads", 0), kv_heads = oo__int(c, "kv_num_heads", 0);
    in->packed = oo__in(c, Q)->rank == 3;
    in->q = oo__split_heads(oo__in(c, Q), q_heads, work);
    oo_array *const k = oo__split_heads(oo__in(c, K), kv_heads, work), *const v = oo__split_heads(oo__in(c, V), kv_heads, work);
    in->k = k ? joined(c, PAST_KEY, k, work) : NULL;
    in->v = v ? joined(c, PAST_VALUE, v, work) : NULL;
    oo__array_release(k);
    oo__array_release(v);
    if (!in->q || !k || !v)
        return oo__eval_fail(c, "Q, K and V do not divide into %lld and %lld heads", (long long)q_heads, (long long)kv_heads);
    if (!in->k || !in->v)
        return oo__eval_fail(c, "the past does not fit K and V");
    return OO_OK;
}

static oo_status read_sizes(const oo__call *c, oo__attention *a, const inputs *in) {
    const int64_t *const q = in->q->dims, *const k = in->k->dims, *const v = in->v->dims;
    a->batch = q[0];
    a->heads = q[1];
    a->queries = q[2];
    a->size = q[3];
    a->kv_heads = k[1];
    a->keys = k[2];
    a->v_size = v[3];
    if (k[0] != q[0] || v[0] != q[0] || k[3] != q[3] || v[1] != k[1] || v[2] != k[2])
        return oo__eval_fail(c, "Q [%lld, %lld, %lld, %lld], K [%lld, %lld, %lld, %lld] and V [%lld, %lld, %lld, %lld] do not fit",
                             (long long)q[0], (long long)q[1], (long long)q[2], (long long)q[3], (long long)k[0], (long long)k[1],
                             (long long)k[2], (long long)k[3], (long long)v[0], (long long)v[1], (long long)v[2], (long long)v[3]);
    if (a->kv_heads < 1 || a->heads % a->kv_heads != 0)
        return oo__eval_fail(c, "%lld query heads do not share %lld key heads evenly", (long long)a->heads, (long long)a->kv_heads);
    if (a->keys > INT32_MAX || a->size > INT32_MAX || a->v_size > INT32_MAX || a->queries > INT32_MAX)
        return oo__eval_unsupported(c, "more than 2^31 - 1 rows or columns");
    return OO_OK;
}

static oo_status read_mask(const oo__call *c, oo__attention *a) {
    const int64_t full[] = {a->batch, a->heads, a->queries, a->keys};
    a->mask = oo__in(c, MASK);
    if (!a->mask)
        return OO_OK;
    const uint32_t rank = a->mask->rank;
    if (a->mask->elem == OO_STRING || rank < 1 || rank > 4)
        return oo__eval_fail(c, "the mask has %u dimensions, or is no number", rank);
    uint64_t step = 1;
    for (uint32_t i = rank; i-- > 0;) {
        const uint32_t axis = i + 4 - rank;
        const int64_t dim = a->mask->dims[i];
        if (axis == 3 ? dim > full[3] : dim != 1 && dim != full[axis])
            return oo__eval_fail(c, "dimension %u of the mask is %lld where the scores have %lld", i, (long long)dim,
                                 (long long)full[axis]);
        a->mask_step[axis] = dim == 1 && axis != 3 ? 0 : step;
        step *= (uint64_t)dim;
    }
    a->mask_keys = a->mask->dims[rank - 1];
    return OO_OK;
}

static oo_status read_attributes(const oo__call *c, oo__attention *a) {
    const int64_t precision = oo__int(c, "softmax_precision", a->elem), mode = oo__int(c, "qk_matmul_output_mode", 0);
    const oo_array *const past = oo__in(c, PAST_KEY);
    a->precision = (oo_elem)precision;
    a->mode = (oo__attention_output)mode;
    a->causal = oo__int(c, "is_causal", 0) != 0;
    a->left = oo__int(c, "left_window_size", -1);
    a->right = oo__int(c, "right_window_size", -1);
    a->softcap = oo__round_to(a->elem, oo__float(c, "softcap", 0));
    a->lengths = oo__in(c, LENGTHS);
    a->past = past ? past->dims[2] : 0;
    if (precision < 0 || precision > OO_BFLOAT16 || !oo__is_real(a->precision))
        return oo__eval_fail(c, "softmax_precision is %lld", (long long)precision);
    if (mode < 0 || mode > OO__QK_PROBABILITY || a->left < -1 || a->right < -1 || a->left > INT32_MAX || a->right > INT32_MAX)
        return oo__eval_fail(c, "qk_matmul_output_mode or a window size is out of range");
    if (a->lengths && (a->lengths->elem != OO_INT64 || a->lengths->count != (uint64_t)a->batch))
        return oo__eval_fail(c, "nonpad_kv_seqlen is no int64 vector with one number for each sequence");
    for (uint64_t i = 0; a->lengths && i < a->lengths->count; i++)
        if (oo__array_int(a->lengths, i) < 0 || oo__array_int(a->lengths, i) > a->keys)
            return oo__eval_fail(c, "nonpad_kv_seqlen has %lld of %lld keys", (long long)oo__array_int(a->lengths, i), (long long)a->keys);
    return OO_OK;
}

/* Half of the scale goes to each factor, rounded to their type. A new reference. */
static oo_array *scaled(const oo_array *x, oo_elem elem, double factor) {
    oo_array *const out = oo__array_new(x->elem, x->rank, x->dims);
    for (uint64_t i = 0; out && i < x->count; i++)
        oo__real_set(out, i, oo__round_to(elem, oo__real(x, i) * factor));
    return out;
}

static oo_status run(oo__call *c, oo__attention *a, const inputs *in) {
    const double scale = oo__float(c, "scale", 1 / sqrt((double)a->size)), factor = oo__round_to(a->elem, sqrt(scale));
    const int64_t y[] = {a->batch, a->heads, a->queries, a->v_size}, qk[] = {a->batch, a->heads, a->queries, a->keys};
    oo_array *const q = scaled(in->q, a->elem, factor), *const k = scaled(in->k, a->elem, factor);
    a->q = q;
    a->k = k;
    a->v = in->v;
    a->y = oo__array_new(in->q->elem, 4, y);
    a->qk = c->nout > 3 ? oo__array_new(in->q->elem, 4, qk) : NULL;
    const bool ok = q && k && a->y && (a->qk || c->nout <= 3);
    if (ok)
        oo__attend(a);
    oo__array_release(q);
    oo__array_release(k);
    if (!ok) {
        oo__array_release(a->y);
        oo__array_release(a->qk);
        return oo__eval_fail(c, "the scores are larger than the limit for one tensor");
    }
    const oo_elem v_elem = oo__in(c, V)->elem;
    const oo_status status[] = {oo__set(c, 0, oo__as_elem(in->packed ? oo__merge_heads(a->y) : a->y, a->elem)),
                                c->nout > 1 ? oo__set(c, 1, oo__as_elem(oo__array_retain(in->k), a->elem)) : OO_OK,
                                c->nout > 2 ? oo__set(c, 2, oo__as_elem(oo__array_retain(in->v), v_elem)) : OO_OK,
                                a->qk ? oo__set(c, 3, oo__as_elem(a->qk, a->elem)) : OO_OK};
    for (uint32_t i = 0; i < 4; i++)
        OO_TRY(status[i]);
    return OO_OK;
}

oo_status oo__kernel_attention(oo__call *c) {
    OO_TRY(check_types(c));
    oo__attention a = {.elem = oo__in(c, Q)->elem};
    inputs in = {0};
    const oo_elem work = a.elem == OO_DOUBLE || oo__in(c, V)->elem == OO_DOUBLE ? OO_DOUBLE : OO_FLOAT;
    oo_status status = read_heads(c, &in, work);
    if (status == OO_OK)
        status = read_sizes(c, &a, &in);
    if (status == OO_OK)
        status = read_mask(c, &a);
    if (status == OO_OK)
        status = read_attributes(c, &a);
    if (status == OO_OK)
        status = run(c, &a, &in);
    release(&in);
    return status;
}
