/* LinearAttention: each head keeps a matrix [d_k, d_v] that every token changes and reads. */
#include "eval/heads.h"
#include "eval/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY, KEY, VALUE, PAST, DECAY, BETA };

typedef struct linear {
    bool gated, delta;
    int64_t batch, length, q_heads, kv_heads, d_k, d_v;
    oo_array *in[6];     /* in the working type; PAST, DECAY and BETA may be NULL */
    oo_array *y, *state; /* [batch, length, q_heads * d_v], [batch, kv_heads, d_k, d_v] */
    bool decay_by_key;   /* one decay for each row of the state, not one for all */
    int64_t betas;       /* of a token: kv_heads or 1 */
    double scale;
} linear;

/* exp(decay) takes from row `row` of the state. */
static double kept(const linear *l, uint64_t token, uint64_t head, uint64_t row) {
    const uint64_t heads = (uint64_t)l->kv_heads,
                   at = l->decay_by_key ? (token * heads + head) * (uint64_t)l->d_k + row : token * heads + head;
    return exp(oo__real(l->in[DECAY], at));
}

/* One token of one head: `v` becomes what is written. */
static void write_token(const linear *l, uint64_t token, uint64_t head, double *state, double *v) {
    const uint64_t d_k = (uint64_t)l->d_k, d_v = (uint64_t)l->d_v, kv = token * (uint64_t)l->kv_heads + head;
    for (uint64_t i = 0; i < d_k && l->gated; i++) {
        const double keep = kept(l, token, head, i);
        for (uint64_t m = 0; m < d_v; m++)
            state[i * d_v + m] *= keep;
    }
    for (uint64_t m = 0; m < d_v; m++)
        v[m] = oo__real(l->in[VALUE], kv * d_v + m);
    if (l->delta) {
        const uint64_t of = (uint64_t)l->betas;
        const double beta = oo__real(l->in[BETA], token * of + (of == 1 ? 0 : head));
        for (uint64_t i = 0; i < d_k; i++)
            for (uint64_t m = 0; m < d_v; m++)
                v[m] -= state[i * d_v + m] * oo__real(l->in[KEY], kv * d_k + i);
        for (uint64_t m = 0; m < d_v; m++)
            v[m] *= beta;
    }
    for (uint64_t i = 0; i < d_k; i++)
        for (uint64_t m = 0; m < d_v; m++)
            state[i * d_v + m] += oo__real(l->in[KEY], kv * d_k + i) * v[m];
}

/* The query heads that share this head read the state. */
static void read_token(const linear *l, uint64_t token, uint64_t head, const double *state, double *v) {
    const uint64_t d_k = (uint64_t)l->d_k, d_v = (uint64_t)l->d_v, group = (uint64_t)(l->q_heads / l->kv_heads);
    for (uint64_t g = 0; g < group; g++) {
        const uint64_t q = token * (uint64_t)l->q_heads + head * group + g;
        memset(v, 0, d_v * sizeof *v);
        for (uint64_t i = 0; i < d_k; i++)
            for (uint64_t m = 0; m < d_v; m++)
                v[m] += oo__real(l->in[QUERY], q * d_k + i) * state[i * d_v + m];
        for (uint64_t m = 0; m < d_v; m++)
            oo__real_set(l->y, q * d_v + m, l->scale * v[m]);
    }
}

static void run_heads(void *argument, uint64_t first, uint64_t last) {
    const linear *const l = argument;
    const uint64_t size = (uint64_t)(l->d_k * l->d_v);
    double *const state = oo__malloc((size_t)size * sizeof *state + 1), *const v = oo__malloc((size_t)l->d_v * sizeof *v + 1);
    for (uint64_t at = first; at < last; at++) {
        for (uint64_t i = 0; i < size; i++)
            state[i] = l->in[PAST] ? oo__real(l->in[PAST], at * size + i) : 0;
        for (uint64_t t = 0; t < (uint64_t)l->length; t++) {
            const uint64_t token = at / (uint64_t)l->kv_heads * (uint64_t)l->length + t, head = at % (uint64_t)l->kv_heads;
            write_token(l, token, head, state, v);
            read_token(l, token, head, state, v);
        }
        for (uint64_t i = 0; i < size; i++)
            oo__real_set(l->state, at * size + i, state[i]);
    }
    free(state);
    free(v);
}

static oo_status read_rule(const oo__call *c, linear *l) {
    const char *const rule = oo__string(c, "update_rule", "gated_delta");
    l->gated = strncmp(rule, "gated", 5) == 0;
    l->delta = strcmp(rule, "delta") == 0 || strcmp(rule, "gated_delta") == 0;
    if (strcmp(rule, "linear") != 0 && strcmp(rule, "gated") != 0 && !l->delta)
        return oo__eval_fail(c, "update_rule is \"%s\"", rule);
    if ((oo__in(c, DECAY) != NULL) != l->gated || (oo__in(c, BETA) != NULL) != l->delta)
        return oo__eval_fail(c, "update_rule \"%s\" takes %s decay and %s beta", rule, l->gated ? "a" : "no", l->delta ? "a" : "no");
    return OO_OK;
}

static oo_status read_shapes(const oo__call *c, linear *l) {
    static const char *const names[] = {"query", "key", "value", "past_state", "decay", "beta"};
    for (uint32_t i = 0; i < 6; i++) {
        const oo_array *const a = oo__in(c, i);
        if (!a) {
            OO_TRY(i > VALUE ? OO_OK : oo__need_real(c, i, names[i]));
            continue;
        }
        OO_TRY(oo__need_real(c, i, names[i]));
        if (i != PAST)
            OO_TRY(oo__need_like(c, i, oo__in(c, QUERY)));
        if (a->rank != (i == PAST ? 4 : 3) || a->dims[0] != oo__in(c, QUERY)->dims[0] ||
            (i != PAST && a->dims[1] != oo__in(c, QUERY)->dims[1]))
            return oo__eval_fail(c, "the shape of %s does not fit", names[i]);
    }
    const oo_array *const q = oo__in(c, QUERY), *const past = oo__in(c, PAST), *const decay = oo__in(c, DECAY),
                          *const beta = oo__in(c, BETA);
    l->q_heads = oo__int(c, "q_num_heads", 0);
    l->kv_heads = oo__int(c, "kv_num_heads", 0);
    if (l->kv_heads < 1 || l->q_heads < 1 || l->q_heads % l->kv_heads != 0 || q->dims[2] % l->q_heads != 0 ||
        oo__in(c, VALUE)->dims[2] % l->kv_heads != 0)
        return oo__eval_fail(c, "query, key and value do not divide into %lld and %lld heads", (long long)l->q_heads,
                             (long long)l->kv_heads);
    l->batch = q->dims[0];
    l->length = q->dims[1];
    l->d_k = q->dims[2] / l->q_heads;
    l->d_v = oo__in(c, VALUE)->dims[2] / l->kv_heads;
    const int64_t state[] = {l->batch, l->kv_heads, l->d_k, l->d_v};
    if (oo__in(c, KEY)->dims[2] / l->kv_heads != l->d_k || oo__in(c, KEY)->dims[2] % l->kv_heads != 0 ||
        (past && !oo__has_dims(past, 4, state)))
        return oo__eval_fail(c, "key or past_state does not fit heads of %lld x %lld", (long long)l->d_k, (long long)l->d_v);
    l->decay_by_key = decay && decay->dims[2] != l->kv_heads;
    l->betas = beta ? beta->dims[2] : 0;
    if ((l->decay_by_key && decay->dims[2] != oo__in(c, KEY)->dims[2]) || (beta && l->betas != 1 && l->betas != l->kv_heads))
        return oo__eval_fail(c, "the last dimension of decay or beta does not fit %lld heads", (long long)l->kv_heads);
    return OO_OK;
}

static bool make_arrays(const oo__call *c, linear *l, oo_elem work) {
    const int64_t state[] = {l->batch, l->kv_heads, l->d_k, l->d_v};
    int64_t y[] = {l->batch, l->length, 0};
    bool ok = !__builtin_mul_overflow(l->q_heads, l->d_v, &y[2]);
    for (uint32_t i = 0; i < 6; i++) {
        l->in[i] = oo__as_real(oo__in(c, i), work);
        ok &= l->in[i] || !oo__in(c, i);
    }
    l->y = ok ? oo__array_new(work, 3, y) : NULL;
    l->state = oo__array_new(work, 4, state);
    return ok && l->y && l->state;
}

oo_status oo__kernel_linear_attention(oo__call *c) {
    linear l = {0};
    OO_TRY(read_rule(c, &l));
    OO_TRY(read_shapes(c, &l));
    const oo_elem elem = oo__in(c, QUERY)->elem, kept_in = oo__in(c, PAST) ? oo__in(c, PAST)->elem : elem;
    const double scale = oo__float(c, "scale", 0);
    l.scale = scale == 0 ? 1 / sqrt((double)l.d_k) : scale;
    const bool ok = make_arrays(c, &l, elem == OO_DOUBLE || kept_in == OO_DOUBLE ? OO_DOUBLE : OO_FLOAT);
    if (ok && (l.y->count || l.state->count))
        oo__parallel((uint64_t)(l.batch * l.kv_heads), 1, run_heads, &l);
    for (uint32_t i = 0; i < 6; i++)
        oo__array_release(l.in[i]);
    if (!ok) {
        oo__array_release(l.y);
        oo__array_release(l.state);
        return oo__eval_fail(c, "the result is larger than the limit for one tensor");
    }
    const oo_status first = oo__set(c, 0, oo__as_elem(l.y, elem)), second = oo__set(c, 1, oo__as_elem(l.state, kept_in));
    return first != OO_OK ? first : second;
}
