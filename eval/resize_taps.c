/* Coordinates and weights of Resize along one dimension. */
#include "eval/resize.h"

#include <math.h>
#include <stdlib.h>

double oo__resize_coordinate(const oo__resizing *r, const oo__resize_dim *d, int64_t i) {
    const double x = (double)i, last = (double)(d->in - 1);
    const double length = d->scale * (double)d->in; /* may have a fraction */
    const bool single = fabs(length - 1) < 1e-9;
    switch (r->coordinates) {
    case OO__ALIGN_CORNERS: return single ? 0 : x * last / (length - 1);
    case OO__ASYMMETRIC: return x / d->scale;
    case OO__CROP_AND_RESIZE:
        return d->start * last +
               (single ? (d->end - d->start) * last / 2 : x * (d->end - d->start) * last / (length - 1));
    case OO__PYTORCH_HALF_PIXEL: return d->out <= 1 ? 0 : (x + 0.5) / d->scale - 0.5;
    case OO__HALF_PIXEL_FOR_NN: return (x + 0.5) / d->scale;
    case OO__HALF_PIXEL_SYMMETRIC:
        return (double)d->in / 2 * (1 - (double)d->out / length) + (x + 0.5) / d->scale - 0.5;
    default: return (x + 0.5) / d->scale - 0.5;
    }
}

bool oo__resize_is_outside(const oo__resizing *r, const oo__resize_dim *d, double x) {
    return r->coordinates == OO__CROP_AND_RESIZE && !(x >= 0 && x <= (double)(d->in - 1));
}

bool oo__resize_changes(const oo__resizing *r, const oo__resize_dim *d) {
    const bool cropped = r->coordinates == OO__CROP_AND_RESIZE && (d->start != 0 || d->end != 1);
    return d->in != d->out || fabs(d->scale - 1) > 1e-9 || cropped;
}

/* ---- weights: at distance x from the coordinate, in the input's elements (stretched by antialias) ---- */
static double triangle(double x, double a) {
    (void)a;
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* The cubic convolution of Keys (1981) with parameter a. */
static double cubic(double x, double a) {
    x = fabs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Weights of one output element, whose coordinate is `x`. */
static int64_t weigh(const oo__resizing *r, const oo__resize_dim *d, double x, double stretch, uint32_t count,
                     double *weights) {
    double (*const weight)(double, double) = r->mode == OO__CUBIC ? cubic : triangle;
    const int64_t middle = oo__truncate(floor(x));
    const int64_t first = middle > INT32_MIN && middle < INT64_MAX / 2 ? middle - (int64_t)(count / 2) + 1 : 0;
    double sum = 0;
    for (uint32_t k = 0; k < count; k++) {
        const int64_t i = first + (int64_t)k;
        const bool counts = !r->exclude_outside || (i >= 0 && i < d->in);
        weights[k] = counts ? weight(((double)i - x) * stretch, r->cubic_a) : 0;
        sum += weights[k];
    }
    for (uint32_t k = 0; k < count && sum != 0 && (r->exclude_outside || stretch != 1); k++)
        weights[k] /= sum;
    return first;
}

oo__taps oo__taps_new(const oo__resizing *r, const oo__resize_dim *d) {
    /* Antialiasing stretches the filter when the dimension shrinks; not further than what there is to see. */
    const double stretch = r->antialias && d->scale < 1 ? d->scale : 1,
                 reach = (r->mode == OO__CUBIC ? 2 : 1) / stretch;
    const double most = fmin(4.0 * (double)d->in + 8, 1 << 30);
    const uint32_t count = 2 * (uint32_t)ceil(reach < most ? reach : most);
    oo__taps taps = {count, oo__malloc((size_t)d->out * sizeof *taps.first),
                     oo__malloc((size_t)d->out * count * sizeof *taps.weights)};
    for (int64_t i = 0; i < d->out; i++) {
        const double x = oo__resize_coordinate(r, d, i);
        taps.first[i] = INT64_MIN;
        if (!oo__resize_is_outside(r, d, x))
            taps.first[i] = weigh(r, d, x, stretch, count, &taps.weights[(uint64_t)i * count]);
    }
    return taps;
}

void oo__taps_free(oo__taps *taps) {
    free(taps->first);
    free(taps->weights);
}
