/* Resize (versions 10 to 19) and Upsample (1 to 10). */
#include "eval/resize.h"

#include "eval/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- nearest: elements of any type are picked ---- */
static int64_t nearest(const oo__resizing *r, const oo__resize_dim *d, double x) {
    double i;
    switch (r->nearness) {
    case OO__PREFER_FLOOR: i = ceil(x - 0.5); break;
    case OO__PREFER_CEIL: i = floor(x + 0.5); break;
    case OO__FLOOR: i = floor(x); break;
    case OO__CEIL: i = ceil(x); break;
    default: i = d->scale < 1 ? ceil(x) : floor(x); break;
    }
    return i > 0 ? (i < (double)d->in ? (int64_t)i : d->in - 1) : 0;
}

static oo_array *pick_nearest(const oo__resizing *r, const oo_array *x, const int64_t *dims) {
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    if (!out || !out->count)
        return out;
    if (x->elem == OO_STRING || oo__is_complex(x->elem)) {
        oo__fill_zero(out);
    } else {
        oo_array *const value = oo__array_new(x->elem, 0, NULL);
        oo__array_set_double(value, 0, r->extrapolation);
        oo__fill(out, value, 0);
        oo__array_release(value);
    }
    int64_t *maps[OO__MAX_RANK];
    for (uint32_t k = 0; k < x->rank; k++) {
        const oo__resize_dim *const d = &r->dims[k];
        maps[k] = NULL;
        if (!oo__resize_changes(r, d))
            continue;
        maps[k] = oo__malloc((size_t)d->out * sizeof *maps[k]);
        for (int64_t i = 0; i < d->out; i++) {
            const double at = oo__resize_coordinate(r, d, i);
            maps[k][i] = oo__resize_is_outside(r, d, at) ? -1 : nearest(r, d, at);
        }
    }
    oo__copy_mapped(out, x, (const int64_t *const *)maps);
    for (uint32_t k = 0; k < x->rank; k++)
        free(maps[k]);
    return out;
}

/* ---- linear and cubic: one dimension after the other, in double ---- */
typedef struct pass {
    const double *from; /* [outer, in, inner] */
    double *to;         /* [outer, out, inner] */
    int64_t in, out;
    uint64_t inner;
    const oo__taps *taps;
    double extrapolation;
} pass;

static void run_pass(void *state, uint64_t first, uint64_t last) {
    const pass *const p = state;
    for (uint64_t row = first; row < last; row++) { /* of [outer, out] */
        const uint64_t i = row % (uint64_t)p->out;
        const double *const from = p->from + row / (uint64_t)p->out * (uint64_t)p->in * p->inner;
        double *const to = p->to + row * p->inner;
        const bool outside = p->taps->first[i] == INT64_MIN;
        for (uint64_t k = 0; k < p->inner; k++)
            to[k] = outside ? p->extrapolation : 0;
        for (uint32_t t = 0; t < p->taps->count && !outside; t++) {
            const int64_t at = p->taps->first[i] + (int64_t)t;
            const double *const line = from + (uint64_t)(at < 0 ? 0 : at < p->in ? at : p->in - 1) * p->inner;
            const double weight = p->taps->weights[i * p->taps->count + t];
            for (uint64_t k = 0; weight != 0 && k < p->inner; k++)
                to[k] += weight * line[k];
        }
    }
}

/* Rounded and clamped for integers; ONNX saturates here. */
static void store(oo_array *out, const double *values) {
    if (oo__is_floating(out->elem)) {
        oo__array_from_doubles(out, values);
        return;
    }
    const uint32_t bits = oo__elem_bits((int32_t)out->elem);
    const bool is_signed =
        out->elem == OO_INT8 || out->elem == OO_INT16 || out->elem == OO_INT32 || out->elem == OO_INT64;
    const double high = out->elem == OO_BOOL ? 1 : ldexp(1, (int)bits - is_signed) - 1,
                 low = is_signed ? -ldexp(1, (int)bits - 1) : 0;
    for (uint64_t i = 0; i < out->count; i++) {
        const double value = nearbyint(values[i]);
        if (bits == 64 && value >= high)
            oo__array_set_int(out, i, is_signed ? INT64_MAX : -1);
        else
            oo__array_set_double(out, i, value > high ? high : value >= low ? value : low);
    }
}

/* `x` in doubles, with dimension `axis` resized. NULL: too large. */
static oo_array *resize_axis(const oo__resizing *r, const oo_array *x, uint32_t axis) {
    const oo__resize_dim *const d = &r->dims[axis];
    int64_t dims[OO__MAX_RANK];
    memcpy(dims, x->dims, x->rank * sizeof *dims);
    dims[axis] = d->out;
    oo_array *const out = oo__array_new(OO_DOUBLE, x->rank, dims);
    if (!out)
        return NULL;
    oo__taps taps = oo__taps_new(r, d);
    pass p = {x->data, out->data, d->in, d->out, oo__product(dims, axis + 1, x->rank), &taps, r->extrapolation};
    oo__parallel(oo__product(dims, 0, axis + 1), (1 << 14) / (p.inner * taps.count) + 1, run_pass, &p);
    oo__taps_free(&taps);
    return out;
}

static oo_array *interpolate(const oo__resizing *r, const oo_array *x, const int64_t *dims) {
    oo_array *const out = oo__array_new(x->elem, x->rank, dims);
    oo_array *values = out && out->count ? oo__array_new(OO_DOUBLE, x->rank, x->dims) : NULL;
    for (uint64_t i = 0; values && i < x->count; i++)
        ((double *)values->data)[i] = oo__array_double(x, i);
    for (uint32_t k = 0; values && k < x->rank; k++) {
        if (!oo__resize_changes(r, &r->dims[k]))
            continue;
        oo_array *const next = resize_axis(r, values, k);
        oo__array_release(values);
        values = next;
    }
    if (values)
        store(out, values->data);
    const bool refused = out && out->count && !values;
    oo__array_release(values);
    if (!refused)
        return out;
    oo__array_release(out);
    return NULL;
}

static oo_status run(oo__call *c, oo__resizing *r, const oo_array *x) {
    int64_t dims[OO__MAX_RANK];
    bool empty = false, changes = false;
    for (uint32_t k = 0; k < x->rank; k++) {
        dims[k] = r->dims[k].out;
        empty |= dims[k] == 0;
        changes |= oo__resize_changes(r, &r->dims[k]);
    }
    if (!x->count && !empty)
        return oo__eval_fail(c, "an empty input is to be resized to something");
    if (!changes)
        return oo__set_same(c, x);
    if (r->mode == OO__NEAREST)
        return oo__set(c, 0, pick_nearest(r, x, dims));
    if (x->elem == OO_STRING || oo__is_complex(x->elem))
        return oo__eval_unsupported(c, "only mode nearest resizes %s", oo__elem_name((int32_t)x->elem));
    return oo__set(c, 0, interpolate(r, x, dims));
}

/* ---- what the node says ---- */
typedef struct word {
    const char *text;
    int value;
} word;

/* The value of a word; false after an error. */
static bool look_up(const oo__call *c, const char *attribute, const char *absent, const word *words, uint32_t count,
                    int *out) {
    const char *const text = oo__string(c, attribute, absent);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(words[i].text, text) == 0) {
            *out = words[i].value;
            return true;
        }
    oo__eval_fail(c, "%s \"%s\" is unknown", attribute, text);
    return false;
}

#define LOOK_UP(c, attribute, absent, words, out) \
    look_up((c), (attribute), (absent), (words), sizeof(words) / sizeof *(words), (out))

static bool read_modes(const oo__call *c, oo__resizing *r) {
    static const word MODES[] = {
        {"nearest", OO__NEAREST}, {"linear", OO__LINEAR}, {"bilinear", OO__LINEAR}, {"cubic", OO__CUBIC}};
    static const word COORDINATES[] = {{"half_pixel", OO__HALF_PIXEL},
                                       {"half_pixel_symmetric", OO__HALF_PIXEL_SYMMETRIC},
                                       {"pytorch_half_pixel", OO__PYTORCH_HALF_PIXEL},
                                       {"tf_half_pixel_for_nn", OO__HALF_PIXEL_FOR_NN}, /* version 11 only */
                                       {"align_corners", OO__ALIGN_CORNERS},
                                       {"asymmetric", OO__ASYMMETRIC},
                                       {"tf_crop_and_resize", OO__CROP_AND_RESIZE}};
    static const word NEARNESS[] = {{"round_prefer_floor", OO__PREFER_FLOOR},
                                    {"round_prefer_ceil", OO__PREFER_CEIL},
                                    {"floor", OO__FLOOR},
                                    {"ceil", OO__CEIL},
                                    {"by_scale", OO__BY_SCALE}};
    int mode, coordinates, nearness;
    if (!LOOK_UP(c, "mode", "nearest", MODES, &mode) ||
        !LOOK_UP(c, "coordinate_transformation_mode", "asymmetric", COORDINATES, &coordinates) ||
        !LOOK_UP(c, "nearest_mode", "by_scale", NEARNESS, &nearness))
        return false;
    *r = (oo__resizing){.mode = (oo__interpolation)mode,
                        .coordinates = (oo__coordinates)coordinates,
                        .nearness = (oo__nearness)nearness};
    r->antialias = oo__int(c, "antialias", 0) != 0;
    r->exclude_outside = oo__int(c, "exclude_outside", 0) != 0;
    r->cubic_a = oo__float(c, "cubic_coeff_a", -0.75);
    r->extrapolation = oo__float(c, "extrapolation_value", 0);
    return true;
}

/* Scales of the axes, floats; the lengths as ONNX and its runtimes compute them, in float. False after an error. */
static bool apply_scales(const oo__call *c, oo__resizing *r, const oo__list *axes, uint64_t count,
                         const float *scales) {
    bool fits = count == axes->count;
    for (uint32_t i = 0; fits && i < axes->count; i++) {
        oo__resize_dim *const d = &r->dims[axes->items[i]];
        const float length = floorf((float)d->in * scales[i]);
        fits = scales[i] > 0 && length < 9e18f;
        d->scale = (double)scales[i];
        d->out = fits ? (int64_t)length : 0;
    }
    if (!fits)
        oo__eval_fail(c, "the scales are not one positive number for each of %u dimensions", axes->count);
    return fits;
}

static bool apply_sizes(const oo__call *c, oo__resizing *r, const oo__list *axes, const oo__list *sizes) {
    enum { STRETCH, NOT_LARGER, NOT_SMALLER };
    static const word POLICIES[] = {{"stretch", STRETCH}, {"not_larger", NOT_LARGER}, {"not_smaller", NOT_SMALLER}};
    int policy;
    if (!LOOK_UP(c, "keep_aspect_ratio_policy", "stretch", POLICIES, &policy))
        return false;
    bool fits = sizes->count == axes->count;
    double common = 0;
    for (uint32_t i = 0; fits && i < axes->count; i++) {
        oo__resize_dim *const d = &r->dims[axes->items[i]];
        fits = sizes->items[i] >= 0 && (d->in || !sizes->items[i]);
        d->out = sizes->items[i];
        d->scale = d->in ? (double)d->out / (double)d->in : 1;
        if (i == 0 || (policy == NOT_LARGER ? d->scale < common : d->scale > common))
            common = d->scale;
    }
    for (uint32_t i = 0; fits && policy != STRETCH && i < axes->count; i++) {
        oo__resize_dim *const d = &r->dims[axes->items[i]];
        d->scale = common;
        d->out = oo__truncate(common * (double)d->in + 0.5);
    }
    if (!fits)
        oo__eval_fail(c, "the sizes are not one number for each of %u dimensions that have elements", axes->count);
    return fits;
}

static bool apply_region(const oo__call *c, oo__resizing *r, const oo__list *axes, const oo_array *region) {
    if (r->coordinates != OO__CROP_AND_RESIZE)
        return true;
    if (!region || region->count != 2 * (uint64_t)axes->count || !oo__is_floating(region->elem)) {
        oo__eval_fail(c, "the region is not two numbers for each of %u dimensions", axes->count);
        return false;
    }
    for (uint32_t i = 0; i < axes->count; i++) {
        r->dims[axes->items[i]].start = oo__array_double(region, i);
        r->dims[axes->items[i]].end = oo__array_double(region, axes->count + i);
    }
    return true;
}

static void begin_dims(oo__resizing *r, const oo_array *x) {
    for (uint32_t k = 0; k < x->rank; k++)
        r->dims[k] = (oo__resize_dim){x->dims[k], x->dims[k], 1, 0, 1};
}

static void all_axes(oo__list *axes, uint32_t rank) {
    axes->count = rank;
    for (uint32_t k = 0; k < rank; k++)
        axes->items[k] = (int64_t)k;
}

oo_status oo__kernel_resize(oo__call *c) {
    const bool first = c->schema->since < 11; /* X, scales; asymmetric coordinates */
    const oo_array *x, *region = NULL, *scales;
    oo__list sizes = {.given = false}, axes;
    oo__resizing r;
    if (!oo__need(c, 0, &x) || !oo__want(c, first ? 1 : 2, &scales) || (!first && !oo__want(c, 1, &region)) ||
        (!first && !oo__list_of(c, 3, NULL, &sizes)) || !oo__list_attr(c, "axes", &axes) ||
        !oo__list_axes(c, &axes, x->rank) || !read_modes(c, &r))
        return OO_INVALID;
    if (!axes.given)
        all_axes(&axes, x->rank);
    begin_dims(&r, x);
    const bool by_sizes = sizes.given && sizes.count;
    if (!by_sizes && (!scales || scales->elem != OO_FLOAT))
        return oo__eval_fail(c, "there are neither scales nor sizes");
    if (!(by_sizes ? apply_sizes(c, &r, &axes, &sizes) : apply_scales(c, &r, &axes, scales->count, scales->data)) ||
        !apply_region(c, &r, &axes, region))
        return OO_INVALID;
    return run(c, &r, x);
}

/* Upsample: the scales are two attributes (1), one (7), an input (9). */
oo_status oo__kernel_upsample(oo__call *c) {
    const oo_array *x, *scales;
    oo__resizing r;
    oo__list axes;
    if (!oo__need(c, 0, &x) || !oo__want(c, 1, &scales) || !read_modes(c, &r))
        return OO_INVALID;
    begin_dims(&r, x);
    all_axes(&axes, x->rank);
    const float corner[] = {1, 1, (float)oo__float(c, "height_scale", 1), (float)oo__float(c, "width_scale", 1)};
    uint32_t count;
    const float *values = oo__floats(c, "scales", &count);
    uint64_t length = count;
    if (c->schema->since < 7) {
        values = corner;
        length = 4;
    } else if (scales && scales->elem == OO_FLOAT) {
        values = scales->data;
        length = scales->count;
    }
    return apply_scales(c, &r, &axes, values ? length : UINT64_MAX, values) ? run(c, &r, x) : OO_INVALID;
}
