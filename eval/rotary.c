/* RotaryEmbedding: turns pairs of a head's elements by the angle of their position. Also SwiGLU, of the same models. */
#include "eval/heads.h"
#include "eval/kernels.h"

#include <math.h>
#include <string.h>

typedef struct rotary {
    const oo_array *x, *cos, *sin, *positions; /* x [batch, heads, sequence, size]; positions may be NULL */
    oo_array *y;
    oo_elem elem;                           /* rounded to after each step */
    uint64_t heads, sequence, size, turned; /* the first `turned` elements of each head are turned */
    bool interleaved;
} rotary;

/* The row of the caches for a token. */
static uint64_t cache_row(const rotary *r, uint64_t batch, uint64_t t) {
    const uint64_t token = batch * r->sequence + t;
    return r->positions ? (uint64_t)oo__array_int(r->positions, token) : token;
}

static void turn_rows(void *state, uint64_t first, uint64_t last) {
    const rotary *const r = state;
    const uint64_t half = r->turned / 2;
    for (uint64_t row = first; row < last; row++) {
        const uint64_t t = row % r->sequence, batch = row / r->sequence / r->heads, at = row * r->size,
                       cache = cache_row(r, batch, t) * half;
        for (uint64_t i = 0; i < half; i++) {
            const uint64_t one = at + (r->interleaved ? 2 * i : i), two = at + (r->interleaved ? 2 * i + 1 : half + i);
            const double x1 = oo__real(r->x, one), x2 = oo__real(r->x, two), c = oo__real(r->cos, cache + i),
                         s = oo__real(r->sin, cache + i);
            oo__real_set(r->y, one, oo__round_to(r->elem, c * x1) - oo__round_to(r->elem, s * x2));
            oo__real_set(r->y, two, oo__round_to(r->elem, s * x1) + oo__round_to(r->elem, c * x2));
        }
        for (uint64_t i = r->turned; i < r->size; i++)
            oo__real_set(r->y, at + i, oo__real(r->x, at + i));
    }
}

/* The caches: by position [positions, turned / 2], or by token [batch, sequence, turned / 2]. */
static oo_status check_caches(const oo__call *c, const rotary *r, int64_t batch) {
    const oo_array *const positions = r->positions;
    const int64_t by_token[] = {batch, (int64_t)r->sequence, (int64_t)r->turned / 2};
    for (uint32_t i = 1; i < 3; i++) {
        const oo_array *const cache = oo__in(c, i);
        const bool fits = positions ? cache->rank == 2 && cache->dims[1] == by_token[2] : oo__has_dims(cache, 3, by_token);
        if (!fits || (i == 2 && !oo__has_dims(cache, oo__in(c, 1)->rank, oo__in(c, 1)->dims)))
            return oo__eval_fail(c, "the shape of the %s cache does not fit", i == 1 ? "cosine" : "sine");
    }
    if (!positions)
        return OO_OK;
    if (positions->elem != OO_INT64 || !oo__has_dims(positions, 2, by_token))
        return oo__eval_fail(c, "position_ids is not int64 [batch, sequence]");
    for (uint64_t i = 0; i < positions->count; i++)
        if (oo__array_int(positions, i) < 0 || oo__array_int(positions, i) >= oo__in(c, 1)->dims[0])
            return oo__eval_fail(c, "position %lld lies outside of the caches", (long long)oo__array_int(positions, i));
    return OO_OK;
}

static oo_status turn(oo__call *c, rotary *r, const oo_array *x) {
    const int64_t part = oo__int(c, "rotary_embedding_dim", 0);
    r->x = x;
    r->heads = (uint64_t)x->dims[1];
    r->sequence = (uint64_t)x->dims[2];
    r->size = (uint64_t)x->dims[3];
    r->turned = part ? (uint64_t)part : r->size;
    r->positions = oo__in(c, 3);
    r->interleaved = oo__int(c, "interleaved", 0) != 0;
    if (part < 0 || r->turned > r->size || r->turned % 2 != 0)
        return oo__eval_fail(c, "%lld of the %llu elements of a head are to be turned", (long long)part, (unsigned long long)r->size);
    OO_TRY(check_caches(c, r, x->dims[0]));
    oo_array *const cos_cache = oo__as_real(oo__in(c, 1), x->elem), *const sin_cache = oo__as_real(oo__in(c, 2), x->elem);
    r->cos = cos_cache;
    r->sin = sin_cache;
    r->y = cos_cache && sin_cache ? oo__array_new(x->elem, 4, x->dims) : NULL;
    if (r->y && x->count)
        oo__parallel(x->count / r->size, (1 << 14) / r->size + 1, turn_rows, r);
    oo__array_release(cos_cache);
    oo__array_release(sin_cache);
    return OO_OK;
}

oo_status oo__kernel_rotary_embedding(oo__call *c) {
    static const char *const names[] = {"X", "cos_cache", "sin_cache"};
    for (uint32_t i = 0; i < 3; i++) {
        OO_TRY(oo__need_real(c, i, names[i]));
        OO_TRY(oo__need_like(c, i, oo__in(c, 0)));
    }
    const oo_array *const x = oo__in(c, 0);
    oo_array *const heads = oo__split_heads(x, oo__int(c, "num_heads", 0), oo__work_elem(x->elem));
    if (!heads)
        return oo__eval_fail(c, "the input has %u dimensions, or its last does not divide into num_heads", x->rank);
    rotary r = {.elem = x->elem};
    const oo_status status = turn(c, &r, heads);
    oo__array_release(heads);
    if (status != OO_OK)
        return status;
    return oo__set(c, 0, oo__as_elem(x->rank == 3 ? oo__merge_heads(r.y) : r.y, x->elem));
}

/* ---- SwiGLU: swish of one input times the other ---- */
typedef struct gate {
    const oo_array *a, *b;
    oo_array *y;
    oo_elem elem;
    double alpha;
} gate;

static void run_gate(void *state, uint64_t first, uint64_t last) {
    const gate *const j = state;
    for (uint64_t i = first; i < last; i++) {
        const double a = oo__real(j->a, i);
        oo__real_set(j->y, i, oo__round_to(j->elem, a / (1 + exp(-j->alpha * a))) * oo__real(j->b, i));
    }
}

oo_status oo__kernel_swiglu(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "A"));
    OO_TRY(oo__need_real(c, 1, "B"));
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1);
    OO_TRY(oo__need_like(c, 1, a));
    if (!oo__has_dims(b, a->rank, a->dims))
        return oo__eval_fail(c, "A and B have different shapes");
    const oo_elem work = oo__work_elem(a->elem);
    oo_array *const wa = oo__as_real(a, work), *const wb = oo__as_real(b, work);
    gate j = {wa, wb, wa && wb ? oo__array_new(work, a->rank, a->dims) : NULL, a->elem, oo__float(c, "alpha", 1)};
    if (j.y)
        oo__parallel(a->count, 1 << 13, run_gate, &j);
    oo__array_release(wa);
    oo__array_release(wb);
    return oo__set(c, 0, oo__as_elem(j.y, a->elem));
}
