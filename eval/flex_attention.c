/* FlexAttention: attention whose scores and probabilities go through subgraphs of the node. */
#include "eval/blas.h"
#include "eval/heads.h"
#include "eval/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct flex {
    oo_elem elem, precision; /* of the inputs; of scores and probabilities */
    int64_t batch, heads, kv_heads, queries, keys, size, v_size;
    oo_array *q, *k, *v, *scores; /* FLOAT or DOUBLE */
} flex;

static oo_status read(const oo__call *c, flex *f) {
    static const char *const names[] = {"Q", "K", "V"};
    for (uint32_t i = 0; i < 3; i++) {
        OO_TRY(oo__need_real(c, i, names[i]));
        OO_TRY(oo__need_like(c, i, oo__in(c, 0)));
        if (oo__in(c, i)->rank != 4)
            return oo__eval_fail(c, "%s has %u dimensions, not 4", names[i], oo__in(c, i)->rank);
    }
    const int64_t *const q = oo__in(c, 0)->dims, *const k = oo__in(c, 1)->dims, *const v = oo__in(c, 2)->dims;
    if (k[0] != q[0] || v[0] != q[0] || k[1] != v[1] || k[2] != v[2] || k[3] != q[3] || k[1] < 1 || q[1] % k[1] != 0)
        return oo__eval_fail(c, "the shapes of Q, K and V do not fit");
    *f = (flex){.elem = oo__in(c, 0)->elem,
                .batch = q[0],
                .heads = q[1],
                .kv_heads = k[1],
                .queries = q[2],
                .keys = k[2],
                .size = q[3],
                .v_size = v[3]};
    const int64_t precision = oo__int(c, "softmax_precision", f->elem == OO_DOUBLE ? OO_DOUBLE : OO_FLOAT);
    f->precision = oo__run_elem(c, (oo_elem)precision);
    if (precision < 0 || precision > OO_BFLOAT16 || !oo__is_real(f->precision))
        return oo__eval_fail(c, "softmax_precision is %lld", (long long)precision);
    if (f->queries > INT32_MAX || f->keys > INT32_MAX || f->size > INT32_MAX || f->v_size > INT32_MAX)
        return oo__eval_unsupported(c, "more than 2^31 - 1 rows or columns");
    return OO_OK;
}

/* Which head of K and V a head of Q uses. */
static uint64_t shared_head(const flex *f, uint64_t head) {
    const uint64_t b = head / (uint64_t)f->heads, h = head % (uint64_t)f->heads;
    return b * (uint64_t)f->kv_heads + h / (uint64_t)(f->heads / f->kv_heads);
}

static void score_heads(void *state, uint64_t first, uint64_t last) {
    const flex *const f = state;
    for (uint64_t head = first; head < last; head++) {
        const oo__gemm g = {.elem = f->q->elem,
                            .trans_b = true,
                            .m = f->queries,
                            .n = f->keys,
                            .k = f->size,
                            .a = oo__real_at(f->q, head * (uint64_t)(f->queries * f->size)),
                            .lda = f->size,
                            .b = oo__real_at(f->k, shared_head(f, head) * (uint64_t)(f->keys * f->size)),
                            .ldb = f->size,
                            .c = oo__real_at(f->scores, head * (uint64_t)(f->queries * f->keys)),
                            .ldc = f->keys,
                            .alpha = 1};
        oo__gemm_run(&g);
    }
}

typedef struct values {
    const flex *f;
    const oo_array *p, *v;
    oo_array *y;
} values;

static void weigh_heads(void *state, uint64_t first, uint64_t last) {
    const values *const j = state;
    const flex *const f = j->f;
    for (uint64_t head = first; head < last; head++) {
        const oo__gemm g = {.elem = j->p->elem,
                            .m = f->queries,
                            .n = f->v_size,
                            .k = f->keys,
                            .a = oo__real_at(j->p, head * (uint64_t)(f->queries * f->keys)),
                            .lda = f->keys,
                            .b = oo__real_at(j->v, shared_head(f, head) * (uint64_t)(f->keys * f->v_size)),
                            .ldb = f->v_size,
                            .c = oo__real_at(j->y, head * (uint64_t)(f->queries * f->v_size)),
                            .ldc = f->v_size,
                            .alpha = 1};
        oo__gemm_run(&g);
    }
}

/* Puts a tensor through the subgraph when the node has it; takes and gives a reference. The result has to have its type and shape. */
static oo_status modify(oo__call *c, oo_array **a, const char *name) {
    if (!oo__attr(c, name))
        return OO_OK;
    oo_datum *const in = oo__datum_tensor(*a), *out = NULL;
    *a = NULL;
    oo_status status = oo__run_subgraph(c, name, &in, 1, &out, 1);
    if (status == OO_OK) {
        const oo_array *const got = out && out->kind == OO_DATUM_TENSOR ? out->array : NULL;
        if (got && got->elem == in->array->elem && oo__has_dims(got, in->array->rank, in->array->dims))
            *a = oo__array_retain(out->array);
        else
            status = oo__eval_fail(c, "the result of %s has another type or shape than its input", name);
    }
    oo__datum_release(in);
    oo__datum_release(out);
    return status;
}

static oo_array *scaled(const oo_array *x, oo_elem elem, double factor) {
    oo_array *const out = oo__array_new(oo__work_elem(elem), x->rank, x->dims);
    for (uint64_t i = 0; out && i < x->count; i++)
        oo__real_set(out, i, oo__round_to(elem, oo__array_double(x, i) * factor));
    return out;
}

/* The scores in the softmax's precision, the first subgraph, softmax, the second. */
static oo_status probabilities(oo__call *c, flex *f, oo_array **p) {
    oo__round_array(f->elem, f->scores);
    *p = oo__as_elem(oo__as_elem(f->scores, oo__work_elem(f->precision)), f->precision);
    f->scores = NULL;
    if (!*p)
        return oo__eval_fail(c, "the scores are larger than the limit for one tensor");
    OO_TRY(modify(c, p, "score_mod"));
    oo_array *const work = oo__array_own(oo__as_elem(*p, oo__work_elem(f->precision)));
    *p = NULL;
    if (!work)
        return oo__eval_fail(c, "the scores are larger than the limit for one tensor");
    for (uint64_t row = 0; f->keys && row < work->count / (uint64_t)f->keys; row++)
        oo__softmax_row(work, row * (uint64_t)f->keys, (uint64_t)f->keys);
    *p = oo__as_elem(work, f->precision);
    if (!*p)
        return oo__eval_fail(c, "the probabilities are larger than the limit for one tensor");
    return modify(c, p, "prob_mod");
}

static oo_status run(oo__call *c, flex *f) {
    const double scale = oo__float(c, "scale", 1 / sqrt((double)f->size)), factor = oo__round_to(f->elem, sqrt(scale));
    const int64_t scores[] = {f->batch, f->heads, f->queries, f->keys}, y[] = {f->batch, f->heads, f->queries, f->v_size};
    f->q = scaled(oo__in(c, 0), f->elem, factor);
    f->k = scaled(oo__in(c, 1), f->elem, factor);
    f->scores = oo__array_new(oo__work_elem(f->elem), 4, scores);
    if (!f->q || !f->k || !f->scores)
        return oo__eval_fail(c, "the scores are larger than the limit for one tensor");
    if (f->scores->count)
        oo__parallel((uint64_t)(f->batch * f->heads), 1, score_heads, f);
    oo_array *p = NULL;
    OO_TRY(probabilities(c, f, &p));
    const oo_elem work = oo__work_elem(f->precision);
    p = oo__as_elem(p, work);
    oo_array *const v = oo__as_real(oo__in(c, 2), work);
    values j = {f, p, v, p && v ? oo__array_new(work, 4, y) : NULL};
    if (j.y && j.y->count)
        oo__parallel((uint64_t)(f->batch * f->heads), 1, weigh_heads, &j);
    oo__array_release(p);
    oo__array_release(v);
    return oo__set(c, 0, oo__as_elem(j.y, f->elem));
}

oo_status oo__kernel_flex_attention(oo__call *c) {
    flex f;
    OO_TRY(read(c, &f));
    const oo_status status = run(c, &f);
    oo__array_release(f.q);
    oo__array_release(f.k);
    oo__array_release(f.scores);
    return status;
}
