/* GridSample, AffineGrid. */
#include "eval/kernels.h"
#include "eval/move.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TAPS = 4, MAX_INTERPOLATED = 8 }; /* a point takes taps ^ dimensions steps */
typedef enum padding { ZEROS, BORDER, REFLECTION } padding;

typedef struct sampling {
    const oo_array *x, *grid; /* [N, C, D1 ... Dr], [N, O1 ... Or, r] */
    oo_array *out;            /* [N, C, O1 ... Or] */
    uint32_t taps;            /* for each dimension: 1, 2 or 4 */
    padding padding;
    bool align;
    uint32_t rank;          /* r */
    uint64_t plane, points; /* elements of D1 ... Dr, of O1 ... Or */
} sampling;

/* Mirrors x at both ends until it is between them. */
static double reflect(double x, double low, double high) {
    const double range = high - low;
    if (x >= low && x <= high)
        return x;
    if (!(range > 0))
        return low;
    const double beyond = x < low ? low - x : x - high;
    const double times = floor(beyond / range), rest = beyond - times * range;
    const bool even = fmod(times, 2) == 0;
    return (x < low) == even ? low + rest : high - rest;
}

/* The position along a dimension of `dim`; computed in float unless the grid is of doubles, as ONNX's own implementation does. */
static double position(const sampling *s, double normalized, int64_t dim) {
    if (s->grid->elem == OO_DOUBLE)
        return s->align ? (normalized + 1) / 2 * (double)(dim - 1) : ((normalized + 1) * (double)dim - 1) / 2;
    const float n = (float)normalized;
    return (double)(s->align ? (n + 1) / 2.0f * (float)(dim - 1) : ((n + 1) * (float)dim - 1) / 2.0f);
}

/* The index that is read for index i, -1 for zero. */
static int64_t padded_index(const sampling *s, int64_t i, int64_t dim) {
    if (i >= 0 && i < dim)
        return i;
    if (s->padding == ZEROS)
        return -1;
    if (s->padding == BORDER)
        return i < 0 ? 0 : dim - 1;
    const double edge = s->align ? 0 : 0.5;
    const int64_t mirrored = oo__truncate(reflect((double)i, -edge, (double)(dim - 1) + edge));
    return mirrored < 0 ? 0 : mirrored < dim ? mirrored : dim - 1;
}

/* Weights of the four elements around a place that lies `t` behind the second one. */
static void cubic_weights(double t, double *w) {
    const double a = -0.75;
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
    w[3] = ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a;
}

typedef struct taps {
    int64_t index[MAX_TAPS]; /* -1: zero */
    double weight[MAX_TAPS];
} taps;

static taps taps_at(const sampling *s, double normalized, int64_t dim) {
    const double edge = s->align ? 0 : 0.5, low = -edge, high = (double)(dim - 1) + edge;
    double x = position(s, normalized, dim);
    if (s->taps == 1)
        x = nearbyint(x);
    if (!(x >= low && x <= high)) {
        if (s->padding == BORDER)
            x = x > 0 ? (double)(dim - 1) : 0;
        else if (s->padding == REFLECTION)
            x = reflect(x, low, high);
    }
    if (!(fabs(x) < 1e15)) /* NaN and what no index reaches */
        x = s->padding == ZEROS ? -8 : 0;
    taps t = {{0}, {1}};
    const double below = floor(x);
    const int64_t first = (int64_t)below - (s->taps == 4);
    for (uint32_t k = 0; k < s->taps; k++)
        t.index[k] = padded_index(s, first + (int64_t)k, dim);
    if (s->taps == 2) {
        t.weight[0] = 1 - (x - below);
        t.weight[1] = x - below;
    } else if (s->taps == 4) {
        cubic_weights(x - below, t.weight);
    }
    return t;
}

/* The weighted sum over all combinations of taps, in a plane that begins at element `start`. */
static double weighted(const sampling *s, const taps *t, uint64_t start) {
    double sum = 0;
    uint32_t combination[OO__MAX_RANK] = {0};
    for (;;) {
        double weight = 1;
        int64_t at = 0;
        for (uint32_t k = 0; k < s->rank && at >= 0; k++) {
            const int64_t i = t[k].index[combination[k]];
            weight *= t[k].weight[combination[k]];
            at = i < 0 ? -1 : at * s->x->dims[2 + k] + i;
        }
        if (at >= 0 && weight != 0)
            sum += weight * oo__array_double(s->x, start + (uint64_t)at);
        uint32_t k = s->rank;
        while (k-- > 0) {
            if (++combination[k] < s->taps)
                break;
            combination[k] = 0;
        }
        if (k == UINT32_MAX)
            return sum;
    }
}

static void sample_nearest(const sampling *s, const taps *t, uint64_t start, uint64_t out) {
    int64_t at = 0;
    for (uint32_t k = 0; k < s->rank && at >= 0; k++)
        at = t[k].index[0] < 0 ? -1 : at * s->x->dims[2 + k] + t[k].index[0];
    if (at >= 0)
        oo__copy_run(s->out, out, s->x, start + (uint64_t)at, 1);
}

static void sample_points(void *state, uint64_t first, uint64_t last) {
    const sampling *const s = state;
    const uint64_t channels = (uint64_t)s->x->dims[1];
    taps t[OO__MAX_RANK];
    for (uint64_t p = first; p < last; p++) {  /* of [N, points] */
        for (uint32_t k = 0; k < s->rank; k++) /* coordinates begin with the innermost dimension */
            t[k] = taps_at(s, oo__array_double(s->grid, p * s->rank + s->rank - 1 - k), s->x->dims[2 + k]);
        for (uint64_t channel = 0; channel < channels; channel++) {
            const uint64_t plane = p / s->points * channels + channel, at = plane * s->points + p % s->points;
            if (s->taps == 1)
                sample_nearest(s, t, plane * s->plane, at);
            else
                oo__array_set_double(s->out, at, weighted(s, t, plane * s->plane));
        }
    }
}

static bool read_sampling(const oo__call *c, sampling *s) {
    static const struct {
        const char *mode;
        uint32_t taps;
    } MODES[] = {{"nearest", 1}, {"linear", 2}, {"bilinear", 2}, {"cubic", 4}, {"bicubic", 4}};
    static const char *const PADDINGS[] = {[ZEROS] = "zeros", [BORDER] = "border", [REFLECTION] = "reflection"};
    const char *const mode = oo__string(c, "mode", "linear"), *const how = oo__string(c, "padding_mode", "zeros");
    bool known = false;
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
        if (strcmp(mode, MODES[i].mode) == 0)
            s->taps = MODES[i].taps;
    for (int i = 0; i < 3; i++)
        if (strcmp(how, PADDINGS[i]) == 0) {
            s->padding = (padding)i;
            known = true;
        }
    s->align = oo__int(c, "align_corners", 0) != 0;
    if (!known || !s->taps)
        oo__eval_fail(c, "mode \"%s\" or padding_mode \"%s\" is unknown", mode, how);
    return known && s->taps;
}

oo_status oo__kernel_grid_sample(oo__call *c) {
    sampling s = {.taps = 0};
    if (!oo__need(c, 0, &s.x) || !oo__need(c, 1, &s.grid) || !read_sampling(c, &s))
        return OO_INVALID;
    if (s.x->rank < 3 || s.grid->rank != s.x->rank || s.grid->dims[0] != s.x->dims[0] ||
        s.grid->dims[s.grid->rank - 1] != (int64_t)s.x->rank - 2 || !oo__is_floating(s.grid->elem))
        return oo__eval_fail(c, "X [N, C, D1 ... Dr] and grid [N, O1 ... Or, r] do not fit");
    if (s.taps > 1 && (s.x->elem == OO_STRING || oo__is_complex(s.x->elem)))
        return oo__eval_unsupported(c, "only mode nearest samples %s", oo__elem_name((int32_t)s.x->elem));
    if (s.taps > 1 && s.x->rank - 2 > MAX_INTERPOLATED)
        return oo__eval_unsupported(c, "interpolation in %u dimensions", s.x->rank - 2);
    int64_t dims[OO__MAX_RANK];
    s.rank = s.x->rank - 2;
    memcpy(dims, s.x->dims, 2 * sizeof *dims);
    memcpy(dims + 2, s.grid->dims + 1, s.rank * sizeof *dims);
    s.out = oo__array_new(s.x->elem, s.x->rank, dims);
    if (!s.out || !s.out->count)
        return oo__set(c, 0, s.out);
    if (!s.x->count) {
        oo__array_release(s.out);
        return oo__eval_fail(c, "there is nothing to sample from");
    }
    oo__fill_zero(s.out);
    s.plane = oo__product(s.x->dims, 2, s.x->rank);
    s.points = oo__product(dims, 2, s.x->rank);
    oo__parallel((uint64_t)dims[0] * s.points, 1 << 10, sample_points, &s);
    return oo__set(c, 0, s.out);
}

/* ---- AffineGrid ---- */
/* Coordinate i of `dim` in [-1, 1]: of the elements' centers, the first and last of which are the ends when aligned. */
static double normalized(int64_t i, int64_t dim, bool align) {
    if (align)
        return dim == 1 ? -1 : -1 + 2 * (double)i / (double)(dim - 1);
    return (2 * (double)i + 1) / (double)dim - 1;
}

/* theta [N, r, r + 1] times the coordinates (x, y, 1) or (x, y, z, 1) of all places of `size` [N, C, ...]. */
oo_status oo__kernel_affine_grid(oo__call *c) {
    const oo_array *theta;
    oo__list size;
    if (!oo__need(c, 0, &theta) || !oo__list_of(c, 1, NULL, &size))
        return OO_INVALID;
    const uint32_t r = size.count < 4 ? 0 : size.count - 2;
    if (r < 2 || r > 3 || theta->rank != 3 || theta->dims[0] != size.items[0] || theta->dims[1] != (int64_t)r ||
        theta->dims[2] != (int64_t)r + 1 || !oo__is_floating(theta->elem))
        return oo__eval_fail(c, "theta [N, r, r + 1] and the size [N, C, ...] of r = 2 or 3 dimensions do not fit");
    const bool align = oo__int(c, "align_corners", 0) != 0;
    int64_t dims[5] = {size.items[0]};
    memcpy(dims + 1, size.items + 2, r * sizeof *dims);
    dims[r + 1] = (int64_t)r;
    oo_array *const out = oo__array_new(theta->elem, r + 2, dims);
    const uint64_t points = out && out->count ? oo__product(dims, 1, r + 1) : 0;
    for (uint64_t p = 0; points && p < out->count / r; p++) {
        double at[4] = {0};
        uint64_t rest = p % points;
        for (uint32_t k = r; k-- > 0;) { /* the innermost dimension is x */
            at[r - 1 - k] = normalized((int64_t)(rest % (uint64_t)dims[1 + k]), dims[1 + k], align);
            rest /= (uint64_t)dims[1 + k];
        }
        at[r] = 1;
        for (uint32_t row = 0; row < r; row++) {
            double sum = 0;
            for (uint32_t k = 0; k <= r; k++)
                sum += at[k] * oo__array_double(theta, (p / points * r + row) * (r + 1) + k);
            oo__array_set_double(out, p * r + row, sum);
        }
    }
    return oo__set(c, 0, out);
}
