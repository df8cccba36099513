/* ConvTranspose: what a convolution reads through its window is what this one adds to. X [N, C, x...], W [C, M / group, kernel...] give
 * Y [N, M, y...]; the window looks from x (its output side) to y (its input side). */
#include "eval/blas.h"
#include "eval/convolution.h"
#include "eval/kernels.h"
#include "eval/real.h"

#include <stdlib.h>
#include <string.h>

/* Products that are held at a time: wanted, and at most. */
enum { UNROLLED = 1 << 18, MOST_UNROLLED = 1 << 24, COLUMNS = 512, WORTH_A_THREAD = 1 << 20 };

/* One spatial dimension: padding and the size of y. `given` is the size that output_shape or auto_pad asks for, -1 = none. */
static oo_status close_dimension(const oo__call *c, oo__window *w, uint32_t i, int64_t x, int64_t extra, int64_t given, bool upper) {
    const int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
    int64_t full;
    if (__builtin_mul_overflow(w->stride[i], x - 1, &full) || __builtin_add_overflow(full, extra + extent, &full))
        return oo__eval_unsupported(c, "the result is too large");
    if (given >= 0) {
        const int64_t total = full > given ? full - given : 0;
        w->head[i] = upper ? total / 2 : total - total / 2;
        w->tail[i] = total - w->head[i];
        w->in[i] = given;
    } else {
        w->in[i] = full - w->head[i] - w->tail[i];
    }
    w->out[i] = x;
    if (w->in[i] < 0 || w->in[i] > INT32_MAX || (w->in[i] == 0 && x > 0 && given < 0))
        return oo__eval_fail(c, "dimension %u of the result would have size %lld", i + 2, (long long)w->in[i]);
    return OO_OK;
}

/* Attributes that only this operator has. */
static oo_status close_window(const oo__call *c, oo__window *w, const int64_t *x) {
    uint32_t nextra, nshape;
    const int64_t *const extra = oo__ints(c, "output_padding", &nextra);
    const int64_t *shape = oo__ints(c, "output_shape", &nshape);
    const char *const mode = oo__string(c, "auto_pad", "NOTSET");
    const bool upper = strcmp(mode, "SAME_UPPER") == 0, same = upper || strcmp(mode, "SAME_LOWER") == 0;
    if ((extra && nextra < w->rank) || (shape && nshape != w->rank && nshape != w->rank + 2))
        return oo__eval_fail(c, "output_padding or output_shape has not one number for each of %u spatial dimensions", w->rank);
    if (shape)
        shape += nshape - w->rank;
    for (uint32_t i = 0; i < w->rank; i++) {
        int64_t given = shape ? shape[i] : -1;
        if (same && !shape && (__builtin_mul_overflow(x[i], w->stride[i], &given) || given > INT32_MAX))
            return oo__eval_unsupported(c, "the result is too large");
        if ((shape && (shape[i] < 0 || shape[i] > INT32_MAX)) || (extra && (extra[i] < 0 || extra[i] > INT32_MAX)))
            return oo__eval_fail(c, "output_shape or output_padding has a number out of range");
        if (strcmp(mode, "VALID") == 0)
            w->head[i] = w->tail[i] = 0;
        OO_TRY(close_dimension(c, w, i, x[i], extra ? extra[i] : 0, given, upper));
    }
    OO_TRY(oo__window_sizes(c, w));
    if (w->in_size > INT32_MAX || w->out_size > INT32_MAX)
        return oo__eval_unsupported(c, "a channel has more than 2^31 - 1 elements");
    return OO_OK;
}

static oo_status read_shapes(const oo__call *c, oo__convolution *v, const oo_array *x, const oo_array *w) {
    if (x->rank < 3 || w->rank != x->rank)
        return oo__eval_fail(c, "the input has %u dimensions, the weights %u", x->rank, w->rank);
    *v = (oo__convolution){.batch = x->dims[0], .channels = x->dims[1], .group = oo__int(c, "group", 1)};
    if (v->group < 1 || v->channels % v->group != 0 || w->dims[0] != v->channels ||
        __builtin_mul_overflow(w->dims[1], v->group, &v->outputs))
        return oo__eval_fail(c, "%lld input channels, weights [%lld, %lld, ...] and %lld groups do not fit", (long long)v->channels,
                             (long long)w->dims[0], (long long)w->dims[1], (long long)v->group);
    OO_TRY(oo__window_read(c, &v->window, x->rank - 2, x->dims + 2, w->dims + 2));
    return close_window(c, &v->window, x->dims + 2);
}

typedef struct job {
    const oo__convolution *v;
    const oo_array *x, *w, *bias;
    oo_array *y;
    int64_t tile, rows; /* columns and channels taken at a time */
} job;

typedef struct spread {
    const void *row; /* products of one tap */
    void *y;         /* a plane */
    int64_t first, step;
} spread;

#define SPREAD(real)                                                                              \
    static void spread_##real(void *state, int64_t tap, int64_t out, int64_t in, int64_t count) { \
        const spread *const s = state;                                                            \
        const real *const row = (const real *)s->row + (out - s->first);                          \
        real *const y = (real *)s->y + in;                                                        \
        (void)tap;                                                                                \
        for (int64_t i = 0; i < count; i++)                                                       \
            y[i * s->step] += row[i];                                                             \
    }
SPREAD(float)
SPREAD(double)

/* Adds the products [rows * taps, last - first] to the planes of `rows` output channels from `plane` on. */
static void spread_tile(const job *j, const char *products, uint64_t plane, int64_t rows, int64_t first, int64_t last) {
    const oo__window *const w = &j->v->window;
    const size_t length = (size_t)(last - first) * oo__array_width(j->y->elem);
    spread s = {.first = first, .step = w->stride[w->rank - 1]};
    for (int64_t m = 0; m < rows; m++) {
        s.y = oo__real_at(j->y, (plane + (uint64_t)m) * (uint64_t)w->in_size);
        for (int64_t tap = 0; tap < w->taps; tap++) {
            s.row = products + (size_t)(m * w->taps + tap) * length;
            oo__window_tap(w, tap, first, last, j->y->elem == OO_DOUBLE ? spread_double : spread_float, &s);
        }
    }
}

/* `rows` output channels of one group, from its channel `row` on. */
static void run_rows(const job *j, void *products, uint64_t unit, int64_t row, int64_t rows) {
    const oo__convolution *const v = j->v;
    const oo__window *const w = &v->window;
    const int64_t per_group = v->outputs / v->group, channels = v->channels / v->group;
    const int64_t image = (int64_t)unit / v->group, group = (int64_t)unit % v->group;
    const uint64_t plane = (uint64_t)(image * v->outputs + group * per_group + row), x = (uint64_t)(image * v->channels + group * channels);
    for (int64_t m = 0; m < rows; m++)
        for (int64_t i = 0; i < w->in_size; i++)
            oo__real_set(j->y, (plane + (uint64_t)m) * (uint64_t)w->in_size + (uint64_t)i,
                         j->bias ? oo__real(j->bias, (uint64_t)(group * per_group + row + m)) : 0);
    for (int64_t first = 0; first < w->out_size; first += j->tile) {
        const int64_t last = first + j->tile < w->out_size ? first + j->tile : w->out_size;
        /* W of the group is [C, M * taps]: its columns of these channels, transposed. */
        const oo__gemm g = {.elem = j->x->elem,
                            .trans_a = true,
                            .m = rows * w->taps,
                            .n = last - first,
                            .k = channels,
                            .a = oo__real_at(j->w, (uint64_t)((group * channels * per_group + row) * w->taps)),
                            .lda = per_group * w->taps,
                            .b = oo__real_at(j->x, x * (uint64_t)w->out_size + (uint64_t)first),
                            .ldb = w->out_size,
                            .c = products,
                            .ldc = last - first,
                            .alpha = 1};
        oo__gemm_run(&g);
        spread_tile(j, products, plane, rows, first, last);
    }
}

static void run_part(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    const uint64_t per_group = (uint64_t)(j->v->outputs / j->v->group);
    void *const products = oo__malloc((size_t)(j->rows * j->v->window.taps * j->tile) * oo__array_width(j->y->elem));
    while (first < last) {
        const uint64_t row = first % per_group;
        uint64_t count = per_group - row < last - first ? per_group - row : last - first;
        if (count > (uint64_t)j->rows)
            count = (uint64_t)j->rows;
        run_rows(j, products, first / per_group, (int64_t)row, (int64_t)count);
        first += count;
    }
    free(products);
}

static oo_array *transposed(const oo__convolution *v, const oo_array *x, const oo_array *w, const oo_array *bias) {
    const oo__window *const win = &v->window;
    int64_t dims[OO__MAX_RANK] = {v->batch, v->outputs};
    memcpy(dims + 2, win->in, win->rank * sizeof *dims);
    job j = {.v = v, .x = x, .w = w, .bias = bias, .y = oo__array_new(x->elem, win->rank + 2, dims)};
    if (!j.y || j.y->count == 0)
        return j.y;
    const int64_t per_group = v->outputs / v->group;
    j.tile = MOST_UNROLLED / win->taps < COLUMNS ? MOST_UNROLLED / win->taps + 1 : COLUMNS;
    if (j.tile > win->out_size)
        j.tile = win->out_size;
    j.rows = UNROLLED / (win->taps * (j.tile ? j.tile : 1)) + 1;
    if (j.rows > per_group)
        j.rows = per_group;
    const uint64_t each = (uint64_t)(win->taps * win->out_size) * (uint64_t)(v->channels / v->group) + (uint64_t)win->in_size;
    oo__parallel((uint64_t)(v->batch * v->outputs), WORTH_A_THREAD / each + 1, run_part, &j);
    return j.y;
}

oo_status oo__kernel_conv_transpose(oo__call *c) {
    oo__convolution v;
    OO_TRY(oo__need_real(c, 0, "X"));
    OO_TRY(oo__need_real(c, 1, "W"));
    const oo_array *const x = oo__in(c, 0), *const w = oo__in(c, 1), *const bias = oo__in(c, 2);
    OO_TRY(oo__need_like(c, 1, x));
    OO_TRY(oo__need_like(c, 2, x));
    OO_TRY(read_shapes(c, &v, x, w));
    if (bias && bias->count != (uint64_t)v.outputs)
        return oo__eval_fail(c, "the bias has %llu elements for %lld channels", (unsigned long long)bias->count, (long long)v.outputs);
    const oo_elem work = oo__work_elem(x->elem);
    oo_array *const wx = oo__as_real(x, work), *const ww = oo__as_real(w, work), *const wb = oo__as_real(bias, work);
    oo_array *const y = wx && ww ? transposed(&v, wx, ww, wb) : NULL;
    oo__array_release(wx);
    oo__array_release(ww);
    oo__array_release(wb);
    return oo__set(c, 0, oo__as_elem(y, x->elem));
}
