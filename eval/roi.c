/* Pools over regions of interest: RoiAlign and MaxRoiPool. */
#include "eval/kernels.h"
#include "eval/real.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More samples in one direction of a bin than that are a mistake. */
enum { MOST_SAMPLES = 1 << 12 };

typedef struct roi {
    const oo_array *x, *regions, *images; /* images: of RoiAlign */
    oo_array *y;
    double scale;
    int64_t samples; /* in each direction, 0 = by the size of a bin */
    bool half_pixel, by_max;
} roi;

static int64_t image_of(const roi *j, uint64_t n) {
    if (j->images)
        return oo__array_int(j->images, n);
    const double image = oo__real(j->regions, n * 5);
    return image >= 0 && image < (double)j->x->dims[0] ? (int64_t)image : -1;
}

/* Bad image numbers and coordinates that are no numbers of pixels. */
static oo_status check_regions(const oo__call *c, const roi *j, uint32_t columns) {
    if (j->regions->rank != 2 || j->regions->dims[1] != columns)
        return oo__eval_fail(c, "rois is not [regions, %u]", columns);
    for (uint64_t n = 0; n < (uint64_t)j->regions->dims[0]; n++) {
        const int64_t image = image_of(j, n);
        if (image < 0 || image >= j->x->dims[0])
            return oo__eval_fail(c, "region %llu lies in an image that is not there", (unsigned long long)n);
        for (uint32_t i = columns - 4; i < columns; i++) {
            const double at = oo__real(j->regions, n * columns + i) * j->scale;
            if (!(at > -1e9 && at < 1e9))
                return oo__eval_fail(c, "region %llu has the coordinate %g", (unsigned long long)n, at);
        }
    }
    return OO_OK;
}

/* [regions, C, height, width] in the type that is worked in, or NULL. */
static oo_array *result_of(const roi *j, int64_t height, int64_t width) {
    const int64_t dims[] = {j->regions->dims[0], j->x->dims[1], height, width};
    return oo__array_new(j->x->elem, 4, dims);
}

/* ---- RoiAlign ---- */
/* One sample: four neighbours and their weights. */
typedef struct sample {
    uint64_t at[4];
    double weight[4];
} sample;

static bool place(int64_t *low, int64_t *high, double *part, double at, int64_t size) {
    if (!(at >= -1 && at <= (double)size))
        return false;
    const double inside = at < 0 ? 0 : at;
    *low = (int64_t)inside;
    if (*low >= size - 1) {
        *low = *high = size - 1;
        *part = 0;
    } else {
        *high = *low + 1;
        *part = inside - (double)*low;
    }
    return true;
}

static void sample_at(sample *s, double y, double x, int64_t height, int64_t width) {
    int64_t y0, y1, x0, x1;
    double ly, lx;
    memset(s, 0, sizeof *s);
    if (!place(&y0, &y1, &ly, y, height) || !place(&x0, &x1, &lx, x, width))
        return;
    *s = (sample){{(uint64_t)(y0 * width + x0), (uint64_t)(y0 * width + x1), (uint64_t)(y1 * width + x0), (uint64_t)(y1 * width + x1)},
                  {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}};
}

/* A region as bins: where the first begins, how large they are, how many samples they have. */
typedef struct grid {
    double y, x, bin_height, bin_width;
    int64_t ny, nx;
} grid;

static grid grid_of(const roi *j, uint64_t n) {
    const double shift = j->half_pixel ? 0.5 : 0;
    double at[4];
    for (uint32_t i = 0; i < 4; i++)
        at[i] = oo__real(j->regions, n * 4 + i) * j->scale - shift;
    double height = at[3] - at[1], width = at[2] - at[0];
    if (!j->half_pixel) {
        height = height > 1 ? height : 1;
        width = width > 1 ? width : 1;
    }
    grid g = {at[1], at[0], height / (double)j->y->dims[2], width / (double)j->y->dims[3], j->samples, j->samples};
    if (!j->samples) {
        g.ny = (int64_t)ceil(g.bin_height);
        g.nx = (int64_t)ceil(g.bin_width);
    }
    return g;
}

/* The samples of one bin; there are ny * nx. */
static void sample_bin(sample *samples, const roi *j, const grid *g, int64_t row, int64_t col) {
    for (int64_t iy = 0; iy < g->ny; iy++)
        for (int64_t ix = 0; ix < g->nx; ix++)
            sample_at(&samples[iy * g->nx + ix], g->y + (double)row * g->bin_height + ((double)iy + 0.5) * g->bin_height / (double)g->ny,
                      g->x + (double)col * g->bin_width + ((double)ix + 0.5) * g->bin_width / (double)g->nx, j->x->dims[2], j->x->dims[3]);
}

/* ONNX takes the largest of the weighted neighbours, not of the interpolated samples. */
static double bin_value(const roi *j, const sample *samples, int64_t count, uint64_t plane) {
    double sum = 0, most = count > 0 ? -(double)INFINITY : 0;
    for (int64_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < 4; k++) {
            const double v = samples[i].weight[k] * oo__real(j->x, plane + samples[i].at[k]);
            sum += v;
            most = v > most ? v : most;
        }
    return j->by_max ? most : sum / (double)(count > 1 ? count : 1);
}

static void align(void *state, uint64_t first, uint64_t last) {
    const roi *const j = state;
    const uint64_t size = (uint64_t)(j->x->dims[2] * j->x->dims[3]), channels = (uint64_t)j->x->dims[1];
    const int64_t height = j->y->dims[2], width = j->y->dims[3];
    for (uint64_t n = first; n < last; n++) {
        const grid g = grid_of(j, n);
        const int64_t count = g.ny > 0 && g.nx > 0 ? g.ny * g.nx : 0;
        sample *const samples = oo__malloc((size_t)(count + 1) * sizeof *samples);
        for (int64_t bin = 0; bin < height * width; bin++) {
            sample_bin(samples, j, &g, bin / width, bin % width);
            for (uint64_t ch = 0; ch < channels; ch++)
                oo__real_set(j->y, (n * channels + ch) * (uint64_t)(height * width) + (uint64_t)bin,
                             bin_value(j, samples, count, ((uint64_t)image_of(j, n) * channels + ch) * size));
        }
        free(samples);
    }
}

static oo_status check_grids(const oo__call *c, const roi *j) {
    for (uint64_t n = 0; n < (uint64_t)j->regions->dims[0]; n++) {
        const grid g = grid_of(j, n);
        if (g.ny > MOST_SAMPLES || g.nx > MOST_SAMPLES)
            return oo__eval_unsupported(c, "region %llu takes more than %d samples a bin", (unsigned long long)n, MOST_SAMPLES);
    }
    return OO_OK;
}

static oo_status run_align(oo__call *c, roi *j) {
    const char *const mode = oo__string(c, "mode", "avg");
    const int64_t height = oo__int(c, "output_height", 1), width = oo__int(c, "output_width", 1);
    j->by_max = strcmp(mode, "max") == 0;
    j->half_pixel = strcmp(oo__string(c, "coordinate_transformation_mode", "output_half_pixel"), "half_pixel") == 0;
    j->samples = oo__int(c, "sampling_ratio", 0);
    if (!j->images || j->images->rank != 1 || j->regions->rank != 2 || j->images->dims[0] != j->regions->dims[0] ||
        j->images->elem != OO_INT64)
        return oo__eval_fail(c, "batch_indices is no int64 vector with one number for each region");
    if ((!j->by_max && strcmp(mode, "avg") != 0) || height < 1 || width < 1 || j->samples < 0 || j->samples > MOST_SAMPLES)
        return oo__eval_fail(c, "mode \"%s\", output size %lld x %lld or sampling ratio %lld", mode, (long long)height, (long long)width,
                             (long long)j->samples);
    OO_TRY(check_regions(c, j, 4));
    j->y = result_of(j, height, width);
    if (!j->y)
        return oo__set(c, 0, NULL);
    const oo_status status = check_grids(c, j);
    if (status == OO_OK && j->y->count && j->x->count)
        oo__parallel((uint64_t)j->regions->dims[0], 1, align, j);
    else if (status == OO_OK)
        memset(j->y->data, 0, j->y->count * oo__array_width(j->y->elem));
    if (status == OO_OK)
        return oo__set(c, 0, oo__as_elem(j->y, oo__in(c, 0)->elem));
    oo__array_release(j->y);
    return status;
}

/* ---- MaxRoiPool: bins end on whole elements and overlap ---- */
static int64_t clamp(int64_t v, int64_t low, int64_t high) { return v < low ? low : v > high ? high : v; }

/* Elements [low, high) of a dimension of `size` that bin `bin` of `bins` covers. */
static void bin_range(int64_t *low, int64_t *high, int64_t bin, int64_t bins, int64_t start, int64_t end, int64_t size) {
    const double length = (double)(end - start + 1 > 1 ? end - start + 1 : 1) / (double)bins;
    *low = clamp((int64_t)floor((double)bin * length) + start, 0, size);
    *high = clamp((int64_t)ceil((double)(bin + 1) * length) + start, 0, size);
}

static void pool_regions(void *state, uint64_t first, uint64_t last) {
    const roi *const j = state;
    const int64_t height = j->x->dims[2], width = j->x->dims[3], rows = j->y->dims[2], cols = j->y->dims[3], channels = j->x->dims[1];
    for (uint64_t at = first; at < last; at++) {
        const int64_t col = (int64_t)at % cols, row = (int64_t)at / cols % rows, channel = (int64_t)at / cols / rows % channels;
        const uint64_t n = at / (uint64_t)(cols * rows * channels);
        const uint64_t plane = (uint64_t)((image_of(j, n) * channels + channel) * height * width);
        int64_t edge[4], y0, y1, x0, x1;
        for (uint32_t i = 0; i < 4; i++)
            edge[i] = (int64_t)round(oo__real(j->regions, n * 5 + 1 + i) * j->scale);
        bin_range(&y0, &y1, row, rows, edge[1], edge[3], height);
        bin_range(&x0, &x1, col, cols, edge[0], edge[2], width);
        double most = y0 < y1 && x0 < x1 ? -(double)INFINITY : 0;
        for (int64_t y = y0; y < y1; y++)
            for (int64_t x = x0; x < x1; x++) {
                const double v = oo__real(j->x, plane + (uint64_t)(y * width + x));
                most = v > most || isnan(v) ? v : most;
            }
        oo__real_set(j->y, at, most);
    }
}

static oo_status run_pool(oo__call *c, roi *j) {
    uint32_t n;
    const int64_t *const shape = oo__ints(c, "pooled_shape", &n);
    if (!shape || n != 2 || shape[0] < 1 || shape[1] < 1)
        return oo__eval_fail(c, "pooled_shape is not two positive numbers");
    OO_TRY(check_regions(c, j, 5));
    j->y = result_of(j, shape[0], shape[1]);
    if (j->y)
        oo__parallel(j->y->count, 1 << 10, pool_regions, j);
    return oo__set(c, 0, oo__as_elem(j->y, oo__in(c, 0)->elem));
}

static oo_status run(oo__call *c, oo_status (*operator_)(oo__call *c, roi *j)) {
    OO_TRY(oo__need_real(c, 0, "X"));
    OO_TRY(oo__need_real(c, 1, "rois"));
    const oo_array *const x = oo__in(c, 0);
    if (x->rank != 4)
        return oo__eval_fail(c, "the input has %u dimensions, not 4", x->rank);
    oo_array *const work = oo__as_real(x, oo__work_elem(x->elem)), *const regions = oo__as_real(oo__in(c, 1), OO_DOUBLE);
    roi j = {.x = work, .regions = regions, .images = oo__in(c, 2), .scale = oo__float(c, "spatial_scale", 1)};
    const oo_status status = work && regions ? operator_(c, &j) : oo__set(c, 0, NULL);
    oo__array_release(work);
    oo__array_release(regions);
    return status;
}

oo_status oo__kernel_roi_align(oo__call *c) { return run(c, run_align); }
oo_status oo__kernel_max_roi_pool(oo__call *c) { return run(c, run_pool); }
