/* DeformConv: a convolution whose kernel positions are moved by offsets, so that it reads between the input's elements. X [N, C, in...],
 * W [M, C / group, kernel...], offset [N, offset_group * taps * n, out...], mask [N, offset_group * taps, out...]. */
#include "eval/blas.h"
#include "eval/convolution.h"
#include "eval/kernels.h"
#include "eval/real.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIMENSIONS = 6, CORNERS = 1 << MOST_DIMENSIONS, UNROLLED = 1 << 18, GOOD_COLUMNS = 128, MOST_UNROLLED = 1 << 24 };

typedef struct job {
    const oo__convolution *v;
    const oo_array *x, *w, *offset, *bias, *mask; /* bias and mask may be NULL */
    oo_array *y;
    int64_t offset_groups, tile, tiles;
} job;

/* Where one reading comes from: elements of a plane and their weights. */
typedef struct reading {
    int64_t at[CORNERS];
    double weight[CORNERS];
    uint32_t count;
} reading;

/* Linear interpolation at `where`; what lies outside of the plane counts as 0. */
static void locate(reading *r, const oo__window *w, const double *where) {
    int64_t low[MOST_DIMENSIONS];
    double part[MOST_DIMENSIONS];
    r->count = 0;
    for (uint32_t d = 0; d < w->rank; d++) {
        if (!(where[d] > -1 && where[d] < (double)w->in[d]))
            return;
        low[d] = (int64_t)floor(where[d]);
        part[d] = where[d] - (double)low[d];
    }
    for (uint32_t corner = 0; corner < 1u << w->rank; corner++) {
        int64_t at = 0;
        double weight = 1;
        bool inside = true;
        for (uint32_t d = 0; d < w->rank; d++) {
            const int64_t i = low[d] + (corner >> d & 1);
            weight *= corner >> d & 1 ? part[d] : 1 - part[d];
            inside &= i >= 0 && i < w->in[d];
            at = at * w->in[d] + i;
        }
        if (inside && weight != 0) {
            r->at[r->count] = at;
            r->weight[r->count++] = weight;
        }
    }
}

/* Where the output `position` of an image reads through one kernel position, offset and mask applied. */
static void read_at(reading *r, const job *j, int64_t image, int64_t offset_group, int64_t tap, int64_t position) {
    const oo__window *const w = &j->v->window;
    const uint64_t row = (uint64_t)((image * j->offset_groups + offset_group) * w->taps + tap);
    double where[MOST_DIMENSIONS];
    int64_t k = tap, o = position;
    for (uint32_t d = w->rank; d-- > 0;) {
        const double shift = oo__real(j->offset, (row * w->rank + d) * (uint64_t)w->out_size + (uint64_t)position);
        where[d] = (double)(o % w->out[d] * w->stride[d] - w->head[d] + k % w->kernel[d] * w->dilation[d]) + shift;
        k /= w->kernel[d];
        o /= w->out[d];
    }
    locate(r, w, where);
    const double mask = j->mask ? oo__real(j->mask, row * (uint64_t)w->out_size + (uint64_t)position) : 1;
    for (uint32_t i = 0; i < r->count; i++)
        r->weight[i] *= mask;
}

/* columns [channels * taps, last - first] for the channels of one group. */
static void unroll(const job *j, oo_array *columns, int64_t image, int64_t group, int64_t first, int64_t last) {
    const oo__window *const w = &j->v->window;
    const int64_t channels = j->v->channels / j->v->group, per_offset = j->v->channels / j->offset_groups;
    for (int64_t tap = 0; tap < w->taps; tap++)
        for (int64_t position = first; position < last; position++) {
            int64_t known = -1;
            reading r = {.count = 0};
            for (int64_t c = 0; c < channels; c++) {
                const int64_t channel = group * channels + c;
                if (channel / per_offset != known)
                    read_at(&r, j, image, known = channel / per_offset, tap, position);
                const uint64_t plane = (uint64_t)((image * j->v->channels + channel) * w->in_size);
                double sum = 0;
                for (uint32_t i = 0; i < r.count; i++)
                    sum += r.weight[i] * oo__real(j->x, plane + (uint64_t)r.at[i]);
                oo__real_set(columns, (uint64_t)((c * w->taps + tap) * (last - first) + position - first), sum);
            }
        }
}

static void run_tiles(void *state, uint64_t first_tile, uint64_t last_tile) {
    const job *const j = state;
    const oo__convolution *const v = j->v;
    const oo__window *const w = &v->window;
    const int64_t depth = v->channels / v->group * w->taps, rows = v->outputs / v->group;
    oo_array columns = {.elem = j->x->elem, .data = oo__malloc((size_t)(depth * j->tile) * oo__array_width(j->x->elem))};
    for (uint64_t t = first_tile; t < last_tile; t++) {
        const int64_t tile = (int64_t)t % j->tiles, group = (int64_t)t / j->tiles % v->group, image = (int64_t)t / j->tiles / v->group;
        const int64_t first = tile * j->tile, last = first + j->tile < w->out_size ? first + j->tile : w->out_size;
        const uint64_t m = (uint64_t)(group * rows), out = ((uint64_t)(image * v->outputs) + m) * (uint64_t)w->out_size + (uint64_t)first;
        unroll(j, &columns, image, group, first, last);
        const oo__gemm g = {.elem = j->x->elem,
                            .m = rows,
                            .n = last - first,
                            .k = depth,
                            .a = oo__real_at(j->w, m * (uint64_t)depth),
                            .lda = depth,
                            .b = columns.data,
                            .ldb = last - first,
                            .c = oo__real_at(j->y, out),
                            .ldc = w->out_size,
                            .alpha = 1};
        oo__gemm_run(&g);
        for (int64_t i = 0; i < rows && j->bias; i++)
            for (int64_t k = 0; k < last - first; k++) {
                const uint64_t at = out + (uint64_t)(i * w->out_size + k);
                oo__real_set(j->y, at, oo__real(j->y, at) + oo__real(j->bias, m + (uint64_t)i));
            }
    }
    free(columns.data);
}

static oo_status check(const oo__call *c, const oo__convolution *v, int64_t groups) {
    const oo__window *const w = &v->window;
    const oo_array *const offset = oo__in(c, 2), *const bias = oo__in(c, 3), *const mask = oo__in(c, 4);
    if (w->rank > MOST_DIMENSIONS)
        return oo__eval_unsupported(c, "more than %d spatial dimensions", MOST_DIMENSIONS);
    if (groups < 1 || groups > v->channels || v->channels % groups != 0)
        return oo__eval_fail(c, "%lld channels do not divide into %lld offset groups", (long long)v->channels, (long long)groups);
    for (uint32_t i = 1; i < 5; i++)
        OO_TRY(oo__need_like(c, i, oo__in(c, 0)));
    int64_t dims[OO__MAX_RANK] = {v->batch, groups * w->taps};
    memcpy(dims + 2, w->out, w->rank * sizeof *dims);
    if (mask && !oo__has_dims(mask, w->rank + 2, dims))
        return oo__eval_fail(c, "the shape of mask does not fit the other inputs");
    dims[1] *= w->rank;
    if (!oo__has_dims(offset, w->rank + 2, dims))
        return oo__eval_fail(c, "the shape of offset does not fit the other inputs");
    if (bias && bias->count != (uint64_t)v->outputs)
        return oo__eval_fail(c, "the bias has %llu elements for %lld channels", (unsigned long long)bias->count, (long long)v->outputs);
    return OO_OK;
}

static oo_array *deformed(job *j) {
    const oo__convolution *const v = j->v;
    const oo__window *const w = &v->window;
    int64_t dims[OO__MAX_RANK] = {v->batch, v->outputs};
    memcpy(dims + 2, w->out, w->rank * sizeof *dims);
    j->y = oo__array_new(j->x->elem, w->rank + 2, dims);
    if (!j->y || j->y->count == 0)
        return j->y;
    const int64_t depth = v->channels / v->group * w->taps;
    j->tile = UNROLLED / depth < GOOD_COLUMNS ? GOOD_COLUMNS : UNROLLED / depth;
    if (j->tile > MOST_UNROLLED / depth + 1)
        j->tile = MOST_UNROLLED / depth + 1;
    if (j->tile > w->out_size)
        j->tile = w->out_size;
    j->tiles = (w->out_size + j->tile - 1) / j->tile;
    oo__parallel((uint64_t)(v->batch * v->group * j->tiles), 1, run_tiles, j);
    return j->y;
}

oo_status oo__kernel_deform_conv(oo__call *c) {
    static const char *const names[] = {"X", "W", "offset"};
    oo__convolution v;
    for (uint32_t i = 0; i < 3; i++)
        OO_TRY(oo__need_real(c, i, names[i]));
    const oo_array *const x = oo__in(c, 0);
    const int64_t groups = oo__int(c, "offset_group", 1);
    OO_TRY(oo__convolution_read(c, &v, x, oo__in(c, 1)));
    OO_TRY(check(c, &v, groups));
    oo_array *in[5], *y = NULL;
    for (uint32_t i = 0; i < 5; i++)
        in[i] = oo__as_real(oo__in(c, i), oo__work_elem(x->elem));
    job j = {.v = &v, .x = in[0], .w = in[1], .offset = in[2], .bias = in[3], .mask = in[4], .offset_groups = groups};
    if (in[0] && in[1] && in[2])
        y = deformed(&j);
    for (uint32_t i = 0; i < 5; i++)
        oo__array_release(in[i]);
    return oo__set(c, 0, oo__as_elem(y, x->elem));
}
