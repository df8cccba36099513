/* MaxPool, AveragePool, LpPool and the global pools. A pool slides each kernel position over the whole plane, as convolutions do. */
#include "eval/kernels.h"
#include "eval/real.h"
#include "eval/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- loops over what one kernel position sees: x at a distance of `step`, y one after the other ---- */
typedef struct pass {
    const void *x; /* a plane */
    void *y;
    int64_t *index; /* of the largest, -1 = none yet; NULL when nobody wants it */
    int64_t step;
    double p;
} pass;

/* NaN is larger than all. */
#define POOL_LOOPS(real, fabs_, pow_)                                                                \
    static void max_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) {       \
        const pass *const s = state;                                                                 \
        const real *const x = (const real *)s->x + in;                                               \
        real *const y = (real *)s->y + out;                                                          \
        (void)tap;                                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                        \
            const real v = x[i * s->step];                                                           \
            y[i] = v > y[i] || v != v ? v : y[i];                                                    \
        }                                                                                            \
    }                                                                                                \
    static void max_index_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) { \
        const pass *const s = state;                                                                 \
        const real *const x = (const real *)s->x + in;                                               \
        real *const y = (real *)s->y + out;                                                          \
        int64_t *const index = s->index + out;                                                       \
        (void)tap;                                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                        \
            const real v = x[i * s->step];                                                           \
            if (index[i] >= 0 && !(v > y[i]) && (v == v || y[i] != y[i]))                            \
                continue;                                                                            \
            y[i] = v;                                                                                \
            index[i] = in + i * s->step;                                                             \
        }                                                                                            \
    }                                                                                                \
    static void add_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) {       \
        const pass *const s = state;                                                                 \
        const real *const x = (const real *)s->x + in;                                               \
        real *const y = (real *)s->y + out;                                                          \
        (void)tap;                                                                                   \
        for (int64_t i = 0; i < count; i++)                                                          \
            y[i] += x[i * s->step];                                                                  \
    }                                                                                                \
    static void add_power_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) { \
        const pass *const s = state;                                                                 \
        const real *const x = (const real *)s->x + in;                                               \
        real *const y = (real *)s->y + out;                                                          \
        (void)tap;                                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                        \
            const real v = fabs_(x[i * s->step]);                                                    \
            y[i] += s->p == 1 ? v : s->p == 2 ? v * v : pow_(v, (real)s->p);                         \
        }                                                                                            \
    }
POOL_LOOPS(float, fabsf, powf)
POOL_LOOPS(double, fabs, pow)

typedef struct kind {
    oo__window_run runs[2]; /* of float, of double */
    double start;
} kind;
static const kind MAX = {{max_float, max_double}, -INFINITY}, MAX_INDEX = {{max_index_float, max_index_double}, -INFINITY},
                  SUM = {{add_float, add_double}, 0}, POWERS = {{add_power_float, add_power_double}, 0};

typedef struct pool {
    const kind *kind;
    const oo__window *window;
    const oo_array *x;
    oo_array *y;
    int64_t *index;  /* NULL or as many as y has elements */
    double *divisor; /* of each output of a plane; NULL = 1 */
    double p, lowest;
    bool by_column; /* indices count the first spatial dimension fastest */
} pool;

/* From an index within a plane to the one that MaxPool gives out. */
static int64_t index_of(const pool *j, uint64_t plane, int64_t at) {
    const oo__window *const w = j->window;
    int64_t result = at;
    if (j->by_column && w->in_size) { /* windows over nothing but padding have no index */
        int64_t digits[OO__MAX_RANK];
        for (uint32_t i = w->rank; i-- > 0; at /= w->in[i])
            digits[i] = at % w->in[i];
        result = 0;
        for (uint32_t i = w->rank; i-- > 0;)
            result = result * w->in[i] + digits[i];
    }
    return (int64_t)plane * w->in_size + result;
}

static void finish_plane(const pool *j, uint64_t plane) {
    const uint64_t size = (uint64_t)j->window->out_size, at = plane * size;
    for (uint64_t i = 0; i < size && j->divisor; i++)
        oo__real_set(j->y, at + i, oo__real(j->y, at + i) / j->divisor[i]);
    for (uint64_t i = 0; i < size && j->kind == &POWERS; i++) {
        const double sum = oo__real(j->y, at + i);
        oo__real_set(j->y, at + i, j->p == 1 ? sum : j->p == 2 ? sqrt(sum) : pow(sum, 1 / j->p));
    }
    for (uint64_t i = 0; i < size && j->index; i++)
        j->index[at + i] = index_of(j, plane, j->index[at + i] < 0 ? 0 : j->index[at + i]);
}

static void run_planes(void *state, uint64_t first, uint64_t last) {
    const pool *const j = state;
    const oo__window *const w = j->window;
    const uint64_t size = (uint64_t)w->out_size;
    for (uint64_t plane = first; plane < last; plane++) {
        for (uint64_t i = 0; i < size; i++)
            oo__real_set(j->y, plane * size + i, j->kind->start < 0 ? j->lowest : 0);
        for (uint64_t i = 0; i < size && j->index; i++)
            j->index[plane * size + i] = -1;
        pass s = {oo__real_at(j->x, plane * (uint64_t)w->in_size), oo__real_at(j->y, plane * size),
                  j->index ? j->index + plane * size : NULL, w->stride[w->rank - 1], j->p};
        for (int64_t tap = 0; tap < w->taps; tap++)
            oo__window_tap(w, tap, 0, w->out_size, j->kind->runs[j->x->elem == OO_DOUBLE], &s);
        finish_plane(j, plane);
    }
}

/* The pool of an input in its own element type; kernel positions and padding are in the window. */
static oo_status run_pool(oo__call *c, pool *j) {
    const oo_array *const x = oo__in(c, 0);
    const oo__window *const w = j->window;
    int64_t dims[OO__MAX_RANK] = {x->dims[0], x->dims[1]};
    memcpy(dims + 2, w->out, w->rank * sizeof *dims);
    oo_array *const work = oo__as_real(x, oo__work_elem(x->elem));
    oo_array *const index = j->kind == &MAX_INDEX ? oo__array_new(OO_INT64, x->rank, dims) : NULL;
    j->x = work;
    j->y = work ? oo__array_new(work->elem, x->rank, dims) : NULL;
    j->index = index ? index->data : NULL;
    j->lowest = x->elem == OO_INT8 ? -128 : x->elem == OO_UINT8 ? 0 : -(double)INFINITY;
    const bool ok = j->y && (index || j->kind != &MAX_INDEX);
    if (ok && j->y->count)
        oo__parallel((uint64_t)(dims[0] * dims[1]), (1 << 15) / ((uint64_t)(w->taps * w->out_size) + 1) + 1, run_planes, j);
    oo__array_release(work);
    if (!ok) {
        oo__array_release(index);
        oo__array_release(j->y);
        return oo__eval_fail(c, "the result is larger than the limit for one tensor");
    }
    const oo_status first = oo__set(c, 0, oo__as_elem(j->y, x->elem)), second = index ? oo__set(c, 1, index) : OO_OK;
    return first != OO_OK ? first : second;
}

static oo_status read_window(const oo__call *c, oo__window *w, bool bytes) {
    *w = (oo__window){0};
    const oo_array *const x = oo__in(c, 0);
    if (!x)
        return oo__need_real(c, 0, "X");
    if (!bytes || (x->elem != OO_INT8 && x->elem != OO_UINT8))
        OO_TRY(oo__need_real(c, 0, "X"));
    if (x->rank < 3 || x->rank > OO__MAX_RANK)
        return oo__eval_fail(c, "the input has %u dimensions where at least 3 are wanted", x->rank);
    OO_TRY(oo__window_read(c, w, x->rank - 2, x->dims + 2, NULL));
    return oo__window_close(c, w, oo__int(c, "ceil_mode", 0) != 0);
}

oo_status oo__kernel_max_pool(oo__call *c) {
    oo__window w;
    OO_TRY(read_window(c, &w, true));
    pool j = {.kind = c->nout > 1 ? &MAX_INDEX : &MAX, .window = &w, .by_column = oo__int(c, "storage_order", 0) != 0};
    return run_pool(c, &j);
}

/* How many kernel positions from `start` on lie in [low, high). */
static int64_t count_between(int64_t start, int64_t step, int64_t count, int64_t low, int64_t high) {
    const int64_t before = start < low ? (low - start + step - 1) / step : 0;
    const int64_t within = high > start ? (high - start + step - 1) / step : 0;
    const int64_t end = within < count ? within : count;
    return end > before ? end - before : 0;
}

/* What the sum at each output is divided by: the positions that count. */
static double *divisors(const oo__window *w, bool with_padding) {
    double *const all = oo__malloc((size_t)w->out_size * sizeof *all);
    for (int64_t o = 0; o < w->out_size; o++) {
        int64_t rest = o;
        all[o] = 1;
        for (uint32_t i = w->rank; i-- > 0; rest /= w->out[i]) {
            const int64_t start = rest % w->out[i] * w->stride[i] - w->head[i];
            all[o] *= (double)count_between(start, w->dilation[i], w->kernel[i], with_padding ? start : 0,
                                            w->in[i] + (with_padding ? w->tail[i] : 0));
        }
    }
    return all;
}

oo_status oo__kernel_average_pool(oo__call *c) {
    oo__window w;
    OO_TRY(read_window(c, &w, false));
    const oo_array *const x = oo__in(c, 0);
    if (x->dims[0] && x->dims[1] && (uint64_t)w.out_size > oo__eval_limit / 8)
        return oo__eval_fail(c, "the result is larger than the limit for one tensor");
    pool j = {
        .kind = &SUM, .window = &w, .divisor = x->dims[0] && x->dims[1] ? divisors(&w, oo__int(c, "count_include_pad", 0) != 0) : NULL};
    const oo_status status = run_pool(c, &j);
    free(j.divisor);
    return status;
}

/* p is a FLOAT in version 1. */
static double exponent(const oo__call *c) {
    const oo_schema_attr *const p = oo__schema_attr(c->schema, "p");
    return p && p->type == OO_ATTR_FLOAT ? oo__float(c, "p", 2) : (double)oo__int(c, "p", 2);
}

oo_status oo__kernel_lp_pool(oo__call *c) {
    oo__window w;
    OO_TRY(read_window(c, &w, false));
    pool j = {.kind = &POWERS, .window = &w, .p = exponent(c)};
    return run_pool(c, &j);
}

/* ---- the whole plane at once ---- */
typedef struct global {
    const oo_array *x;
    oo_array *y;
    uint64_t size;
    double (*of)(const oo_array *x, uint64_t at, uint64_t count, double p);
    double p;
} global;

static void run_global(void *state, uint64_t first, uint64_t last) {
    const global *const j = state;
    for (uint64_t plane = first; plane < last; plane++)
        oo__real_set(j->y, plane, j->of(j->x, plane * j->size, j->size, j->p));
}

static double mean_of(const oo_array *x, uint64_t at, uint64_t count, double p) {
    double sum = 0;
    (void)p;
    for (uint64_t i = 0; i < count; i++)
        sum += oo__real(x, at + i);
    return sum / (double)count;
}

static double max_of(const oo_array *x, uint64_t at, uint64_t count, double p) {
    double most = -(double)INFINITY;
    (void)p;
    for (uint64_t i = 0; i < count; i++) {
        const double v = oo__real(x, at + i);
        most = v > most || isnan(v) ? v : most;
    }
    return most;
}

static double norm_of(const oo_array *x, uint64_t at, uint64_t count, double p) {
    double sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double v = fabs(oo__real(x, at + i));
        sum += p == 1 ? v : p == 2 ? v * v : pow(v, p);
    }
    return p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

static oo_status pool_plane(oo__call *c, double (*of)(const oo_array *x, uint64_t at, uint64_t count, double p), double p) {
    OO_TRY(oo__need_real(c, 0, "X"));
    const oo_array *const x = oo__in(c, 0);
    if (x->rank < 2)
        return oo__eval_fail(c, "the input has %u dimensions where at least 2 are wanted", x->rank);
    int64_t dims[OO__MAX_RANK] = {x->dims[0], x->dims[1]};
    for (uint32_t i = 2; i < x->rank; i++)
        dims[i] = 1;
    oo_array *const work = oo__as_real(x, oo__work_elem(x->elem));
    global j = {.x = work, .y = work ? oo__array_new(work->elem, x->rank, dims) : NULL, .of = of, .p = p};
    if (j.y && j.y->count) {
        j.size = x->count / j.y->count;
        oo__parallel(j.y->count, (1 << 15) / (j.size + 1) + 1, run_global, &j);
    }
    oo__array_release(work);
    return oo__set(c, 0, oo__as_elem(j.y, x->elem));
}

oo_status oo__kernel_global_average_pool(oo__call *c) { return pool_plane(c, mean_of, 0); }
oo_status oo__kernel_global_max_pool(oo__call *c) { return pool_plane(c, max_of, 0); }
oo_status oo__kernel_global_lp_pool(oo__call *c) { return pool_plane(c, norm_of, exponent(c)); }
