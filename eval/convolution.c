#include "eval/convolution.h"

#include "eval/blas.h"
#include "eval/real.h"

#include <stdlib.h>
#include <string.h>

/* Elements of the unrolled input that are held at a time, so that they stay in the cache; the columns that make a good product, for which
 * more is held; and how much at most. */
enum { UNROLLED = 1 << 18, GOOD_COLUMNS = 192, MOST_UNROLLED = 1 << 24, WORTH_A_THREAD = 1 << 20 };

oo_status oo__convolution_read(const oo__call *c, oo__convolution *v, const oo_array *x, const oo_array *w) {
    if (x->rank < 3 || x->rank > OO__MAX_RANK)
        return oo__eval_fail(c, "the input has %u dimensions where at least 3 are wanted", x->rank);
    if (w->rank != x->rank)
        return oo__eval_fail(c, "the weights have %u dimensions, the input %u", w->rank, x->rank);
    *v = (oo__convolution){.batch = x->dims[0], .channels = x->dims[1], .outputs = w->dims[0], .group = oo__int(c, "group", 1)};
    if (v->group < 1 || v->outputs % v->group != 0 || v->channels % v->group != 0 || v->channels / v->group != w->dims[1])
        return oo__eval_fail(c, "%lld input channels, weights [%lld, %lld, ...] and %lld groups do not fit", (long long)v->channels,
                             (long long)v->outputs, (long long)w->dims[1], (long long)v->group);
    OO_TRY(oo__window_read(c, &v->window, x->rank - 2, x->dims + 2, w->dims + 2));
    OO_TRY(oo__window_close(c, &v->window, false));
    if (v->window.in_size > INT32_MAX || v->window.out_size > INT32_MAX)
        return oo__eval_unsupported(c, "a channel has more than 2^31 - 1 elements");
    return OO_OK;
}

typedef struct job {
    const oo__convolution *v;
    const oo_array *x, *w, *bias;
    oo_array *y;
    int64_t tile, tiles; /* columns of one tile; tiles of a plane */
    bool plain;          /* the input is its own unrolling: 1x1, no stride, no padding */
    bool inside;
} job;

/* ---- one input channel to each output channel: the kernel is slid directly ---- */
typedef struct slide {
    const void *x, *w;
    void *y;
    int64_t step;
} slide;

#define SLIDE(real)                                                                              \
    static void slide_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) { \
        const slide *const s = state;                                                            \
        const real weight = ((const real *)s->w)[tap], *const x = (const real *)s->x + in;       \
        real *const y = (real *)s->y + out;                                                      \
        if (s->step == 1)                                                                        \
            for (int64_t i = 0; i < count; i++)                                                  \
                y[i] += weight * x[i];                                                           \
        else                                                                                     \
            for (int64_t i = 0; i < count; i++)                                                  \
                y[i] += weight * x[i * s->step];                                                 \
    }
SLIDE(float)
SLIDE(double)

static void fill(const job *j, uint64_t at, int64_t count, int64_t channel) {
    const double value = j->bias ? oo__real(j->bias, (uint64_t)channel) : 0;
    const float single = (float)value;
    if (j->y->elem == OO_DOUBLE)
        for (int64_t i = 0; i < count; i++)
            ((double *)j->y->data)[at + (uint64_t)i] = value;
    else
        for (int64_t i = 0; i < count; i++)
            ((float *)j->y->data)[at + (uint64_t)i] = single;
}

static void slide_planes(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    const oo__window *const w = &j->v->window;
    const uint64_t outputs = (uint64_t)j->v->outputs, per_channel = outputs / (uint64_t)j->v->channels;
    for (uint64_t plane = first; plane < last; plane++) {
        const uint64_t n = plane / outputs, m = plane % outputs;
        fill(j, plane * (uint64_t)w->out_size, w->out_size, (int64_t)m);
        slide s = {oo__real_at(j->x, (n * (uint64_t)j->v->channels + m / per_channel) * (uint64_t)w->in_size),
                   oo__real_at(j->w, m * (uint64_t)w->taps), oo__real_at(j->y, plane * (uint64_t)w->out_size), w->stride[w->rank - 1]};
        for (int64_t tap = 0; tap < w->taps; tap++)
            oo__window_tap(w, tap, 0, w->out_size, j->x->elem == OO_DOUBLE ? slide_double : slide_float, &s);
    }
}

/* ---- else: columns of what each output sees, times the weights ---- */
typedef struct unroll {
    const void *x; /* a plane */
    void *row;     /* of the unrolled input: one tap */
    int64_t first, step;
} unroll;

#define UNROLL(real)                                                                              \
    static void unroll_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) { \
        const unroll *const u = state;                                                            \
        const real *const x = (const real *)u->x + in;                                            \
        real *const row = (real *)u->row + (out - u->first);                                      \
        (void)tap;                                                                                \
        if (u->step == 1)                                                                         \
            memcpy(row, x, (size_t)count * sizeof *row);                                          \
        else                                                                                      \
            for (int64_t i = 0; i < count; i++)                                                   \
                row[i] = x[i * u->step];                                                          \
    }
UNROLL(float)
UNROLL(double)

/* columns [channels * taps, last - first] of the channels from plane `plane` on. */
static void unroll_tile(const job *j, char *columns, uint64_t plane, int64_t channels, int64_t first, int64_t last) {
    const oo__window *const w = &j->v->window;
    const size_t width = j->x->elem == OO_DOUBLE ? 8 : 4, length = (size_t)(last - first) * width;
    if (!j->inside)
        memset(columns, 0, (size_t)(channels * w->taps) * length);
    unroll u = {.first = first, .step = w->stride[w->rank - 1]};
    for (int64_t c = 0; c < channels; c++) {
        u.x = oo__real_at(j->x, (plane + (uint64_t)c) * (uint64_t)w->in_size);
        for (int64_t tap = 0; tap < w->taps; tap++) {
            u.row = columns + (size_t)(c * w->taps + tap) * length;
            oo__window_tap(w, tap, first, last, j->x->elem == OO_DOUBLE ? unroll_double : unroll_float, &u);
        }
    }
}

/* Output channels [row, row + rows) of a group, for the columns of one tile. */
static void multiply_tile(const job *j, char *columns, uint64_t unit, int64_t row, int64_t rows) {
    const oo__convolution *const v = j->v;
    const oo__window *const w = &v->window;
    const uint64_t tile = unit % (uint64_t)j->tiles, group = unit / (uint64_t)j->tiles % (uint64_t)v->group;
    const uint64_t image = unit / (uint64_t)j->tiles / (uint64_t)v->group;
    const int64_t first = (int64_t)tile * j->tile, last = first + j->tile < w->out_size ? first + j->tile : w->out_size;
    const int64_t channels = v->channels / v->group, depth = channels * w->taps;
    const uint64_t plane = image * (uint64_t)v->channels + group * (uint64_t)channels;
    const uint64_t m = group * (uint64_t)(v->outputs / v->group) + (uint64_t)row,
                   out = (image * (uint64_t)v->outputs + m) * (uint64_t)w->out_size;
    if (columns)
        unroll_tile(j, columns, plane, channels, first, last);
    for (int64_t i = 0; i < rows && j->bias; i++)
        fill(j, out + (uint64_t)i * (uint64_t)w->out_size + (uint64_t)first, last - first, (int64_t)m + i);
    const oo__gemm g = {.elem = j->x->elem,
                        .m = rows,
                        .n = last - first,
                        .k = depth,
                        .a = oo__real_at(j->w, m * (uint64_t)depth),
                        .lda = depth,
                        .b = columns ? (void *)columns : oo__real_at(j->x, plane * (uint64_t)w->in_size + (uint64_t)first),
                        .ldb = columns ? last - first : w->in_size,
                        .c = oo__real_at(j->y, out + (uint64_t)first),
                        .ldc = w->out_size,
                        .alpha = 1,
                        .beta = j->bias ? 1 : 0};
    oo__gemm_run(&g);
}

/* Part of all rows of all tiles: a thread unrolls a tile once for all of its rows. */
static void multiply_rows(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    const uint64_t rows = (uint64_t)(j->v->outputs / j->v->group);
    const size_t depth = (size_t)(j->v->channels / j->v->group * j->v->window.taps);
    char *const columns = j->plain ? NULL : oo__malloc(depth * (size_t)j->tile * oo__array_width(j->x->elem));
    while (first < last) {
        const uint64_t row = first % rows, count = rows - row < last - first ? rows - row : last - first;
        multiply_tile(j, columns, first / rows, (int64_t)row, (int64_t)count);
        first += count;
    }
    free(columns);
}

static bool is_plain(const oo__window *w) {
    for (uint32_t i = 0; i < w->rank; i++)
        if (w->kernel[i] != 1 || w->stride[i] != 1 || w->head[i] != 0 || w->in[i] != w->out[i])
            return false;
    return true;
}

static uint64_t grain(uint64_t each) { return each ? WORTH_A_THREAD / each + 1 : WORTH_A_THREAD; }

static void multiply(job *j) {
    const oo__window *const w = &j->v->window;
    const int64_t products = j->v->channels / j->v->group * w->taps, depth = products ? products : 1;
    j->tile = UNROLLED / depth;
    if (j->tile < GOOD_COLUMNS)
        j->tile = MOST_UNROLLED / depth < GOOD_COLUMNS ? MOST_UNROLLED / depth + 1 : GOOD_COLUMNS;
    if (j->tile > w->out_size)
        j->tile = w->out_size;
    j->tiles = (w->out_size + j->tile - 1) / j->tile;
    oo__parallel((uint64_t)(j->v->batch * j->v->group * j->tiles * (j->v->outputs / j->v->group)), grain((uint64_t)(depth * j->tile)),
                 multiply_rows, j);
}

oo_array *oo__convolve(const oo__convolution *v, const oo_array *x, const oo_array *w, const oo_array *bias) {
    const oo__window *const win = &v->window;
    int64_t dims[OO__MAX_RANK] = {v->batch, v->outputs};
    memcpy(dims + 2, win->out, win->rank * sizeof *dims);
    job j = {.v = v,
             .x = x,
             .w = w,
             .bias = bias,
             .y = oo__array_new(x->elem, win->rank + 2, dims),
             .plain = is_plain(win),
             .inside = oo__window_inside(win)};
    if (!j.y || j.y->count == 0)
        return j.y;
    if (v->channels == v->group)
        oo__parallel((uint64_t)(v->batch * v->outputs), grain((uint64_t)(win->out_size * win->taps)), slide_planes, &j);
    else
        multiply(&j);
    return j.y;
}
