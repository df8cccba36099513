#include "passes/scaled_weights.h"

#include "base/diag.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    BLOCK = 256,      /* elements converted at once: a constant, so that the loops vectorize */
    FLOATS = 32,      /* the same for floats: rows of weights are often short, and what is left of them goes one by one */
    CHUNK = 64 * 1024 /* elements read at once by scans */
};

/* State of the lazy tensor: factors[channel] times source. */
typedef struct scaling {
    const oo_tensor *source;
    const double *factors; /* [at.count] */
    oo__channels at;
} scaling;

static uint64_t channel_of(const oo__channels *at, uint64_t element) {
    const uint64_t run = element / at->run;
    return run / (at->rows * at->cols) * at->cols + run % at->cols;
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t width_of(oo_elem elem) { return elem == OO_DOUBLE ? 8 : elem == OO_FLOAT ? 4 : 2; }

oo__range oo__range_of(oo_elem elem) {
    switch (elem) {
    case OO_FLOAT16: return (oo__range){0x1p-14, 65504};
    case OO_BFLOAT16: return (oo__range){FLT_MIN, 0x1.fep127};
    case OO_FLOAT: return (oo__range){(double)FLT_MIN, (double)FLT_MAX};
    default: return (oo__range){DBL_MIN, DBL_MAX};
    }
}

/* ---- the lazy tensor ---- */
static void scale_floats(unsigned char *packed, uint64_t count, double k) {
    float block[FLOATS];
    for (; count >= FLOATS; count -= FLOATS, packed += sizeof block) {
        memcpy(block, packed, sizeof block);
        for (int i = 0; i < FLOATS; i++)
            block[i] = (float)((double)block[i] * k);
        memcpy(packed, block, sizeof block);
    }
    memcpy(block, packed, count * sizeof *block);
    for (uint64_t i = 0; i < count; i++)
        block[i] = (float)((double)block[i] * k);
    memcpy(packed, block, count * sizeof *block);
}

static void scale_others(oo_elem elem, unsigned char *packed, uint64_t width, uint64_t count, double k) {
    double block[BLOCK];
    while (count) {
        const uint64_t n = smaller(count, BLOCK);
        oo_doubles_unpack(block, elem, packed, n);
        for (uint64_t i = 0; i < n; i++)
            block[i] *= k;
        oo_doubles_pack(packed, elem, block, n);
        packed += n * width;
        count -= n;
    }
}

static bool fill_scaled(const void *state, uint64_t first, uint64_t count, void *out) {
    const scaling *const s = state;
    if (!oo_tensor_read(s->source, first, count, out))
        return false;
    const oo_elem elem = oo_tensor_elem(s->source);
    const uint64_t width = width_of(elem);
    unsigned char *packed = out;
    while (count) {
        const uint64_t n = smaller(count, s->at.run - first % s->at.run);
        const double k = s->factors[channel_of(&s->at, first)];
        if (elem == OO_FLOAT)
            scale_floats(packed, n, k);
        else
            scale_others(elem, packed, width, n, k);
        packed += n * width;
        first += n;
        count -= n;
    }
    return true;
}

/* ---- whether the products stay in range ---- */
/* Whether a magnitude is above the threshold; NaN and infinity are. Magnitudes of floats are ordered as their bits are. */
static bool any_float_above(const unsigned char *packed, uint64_t count, float threshold) {
    int32_t limit, block[FLOATS], signs = 0;
    memcpy(&limit, &threshold, sizeof limit);
    for (; count >= FLOATS; count -= FLOATS, packed += sizeof block) {
        memcpy(block, packed, sizeof block);
        for (int i = 0; i < FLOATS; i++)
            signs |= limit - (block[i] & INT32_MAX);
    }
    memcpy(block, packed, count * sizeof *block);
    for (uint64_t i = 0; i < count; i++)
        signs |= limit - (block[i] & INT32_MAX);
    return signs < 0;
}

static bool any_double_above(const unsigned char *packed, uint64_t count, double threshold) {
    bool above = false;
    for (uint64_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, packed + i * sizeof value, sizeof value);
        above |= !(fabs(value) <= threshold);
    }
    return above;
}

/* The threshold is rounded towards zero. */
static bool any_above(oo_elem elem, const unsigned char *packed, uint64_t count, double threshold) {
    if (elem == OO_DOUBLE)
        return any_double_above(packed, count, threshold);
    const float rounded = (float)threshold;
    return any_float_above(packed, count, (double)rounded > threshold ? nextafterf(rounded, 0) : rounded);
}

/* Every product of a 16-bit weight must be a finite normal number, if the weight was one. */
static bool halves_fit(oo_elem elem, const unsigned char *packed, uint64_t count, double k, bool allow_denormals) {
    const oo__range limits = oo__range_of(elem);
    double block[BLOCK];
    bool fit = true;
    for (uint64_t n; count; count -= n, packed += 2 * n) {
        n = smaller(count, BLOCK);
        oo_doubles_unpack(block, elem, packed, n);
        for (uint64_t i = 0; i < n; i++) {
            const double before = fabs(block[i]), after = fabs(block[i] * k);
            fit &= after <= limits.most;
            fit &= allow_denormals || k == 0 || before < limits.least || after >= limits.least;
        }
    }
    return fit;
}

/* A factor so small that it may push all weights of a channel below the type's range. */
static bool is_tiny(double k) { return k != 0 && fabs(k) < 0x1p-20; }

static bool is_at_risk(oo_elem elem, double k) { return oo__is_half(elem) || fabs(k) > 1 || is_tiny(k); }

/* What is being scaled, while it is looked at. */
typedef struct scan {
    oo__scaler *scaler;
    const oo_tensor *source;
    const oo__channels *at;
    const double *factors;
    const char *why;
} scan;

static bool refuse(scan *s, const char *why) {
    s->why = why;
    return false;
}

/* Of a channel with a tiny factor: normal = 1 when it has a normal weight, kept = 1 when it keeps one. */
static bool scan_run(scan *s, const unsigned char *packed, uint64_t count, uint64_t channel) {
    const oo_elem elem = oo_tensor_elem(s->source);
    const oo__range limits = oo__range_of(elem);
    const double k = s->factors[channel];
    if (oo__is_half(elem))
        return halves_fit(elem, packed, count, k, s->scaler->allow_denormals) ||
               refuse(s, "a weight would be too large, or denormal, for its type");
    if (!is_tiny(k))
        return !any_above(elem, packed, count, limits.most / fabs(k)) || refuse(s, "a weight would not be finite");
    if (any_above(elem, packed, count, limits.least))
        s->scaler->normal[channel] = 1;
    if (any_above(elem, packed, count, limits.least / fabs(k)))
        s->scaler->kept[channel] = 1;
    return true;
}

static bool run_at_risk(const scan *s, uint64_t element) {
    return is_at_risk(oo_tensor_elem(s->source), s->factors[channel_of(s->at, element)]);
}

/* Reads the elements [first, end) and looks at those that are at risk, run by run. */
static bool scan_range(scan *s, uint64_t first, uint64_t end) {
    const uint64_t width = width_of(oo_tensor_elem(s->source));
    for (; first < end; first += smaller(CHUNK, end - first)) {
        const uint64_t stop = first + smaller(CHUNK, end - first);
        if (!oo_tensor_read(s->source, first, stop - first, s->scaler->chunk))
            return refuse(s, "the data of the weights cannot be read");
        for (uint64_t at = first, n; at < stop; at += n) {
            n = smaller(stop - at, s->at->run - at % s->at->run);
            if (run_at_risk(s, at) && !scan_run(s, s->scaler->chunk + (at - first) * width, n, channel_of(s->at, at)))
                return false;
        }
    }
    return true;
}

/* Only what is at risk is read, with short gaps between: they cost less than another call to the system. */
static bool scan_weights(scan *s) {
    enum { GAP = 4096 };
    const uint64_t count = oo_tensor_count(s->source), run = s->at->run;
    memset(s->scaler->normal, 0, s->at->count);
    memset(s->scaler->kept, 0, s->at->count);
    for (uint64_t first = 0; first < count;) {
        uint64_t at = first, end = first; /* of the last run at risk */
        for (; at < count && at - end <= GAP; at += run)
            if (run_at_risk(s, at))
                end = at + run;
        if (!scan_range(s, first, end))
            return false;
        first = at;
    }
    return true;
}

/* No product overflows, and no channel vanishes. */
static bool weights_fit(scan *s) {
    double probe;
    if (!oo_tensor_read(s->source, oo_tensor_count(s->source) - 1, 1, &probe))
        return refuse(s, "the data of the weights cannot be read");
    bool at_risk = false;
    for (uint64_t c = 0; c < s->at->count; c++)
        at_risk |= is_at_risk(oo_tensor_elem(s->source), s->factors[c]);
    if (!at_risk)
        return true;
    if (!scan_weights(s))
        return false;
    for (uint64_t c = 0; c < s->at->count; c++)
        if (s->scaler->normal[c] > s->scaler->kept[c])
            return refuse(s, "the weights of a channel would all be denormal");
    return true;
}

/* ---- putting it together ---- */
static void make_room(oo__scaler *s, uint64_t channels) {
    if (!s->chunk)
        s->chunk = oo_scratch(s->rw, CHUNK * sizeof(double));
    if (channels <= s->room)
        return;
    s->room = channels > 2 * s->room ? channels : 2 * s->room;
    s->normal = oo_scratch(s->rw, s->room);
    s->kept = oo_scratch(s->rw, s->room);
    s->product = oo_scratch(s->rw, s->room * sizeof *s->product);
}

static bool same_channels(const oo__channels *a, const oo__channels *b) {
    return a->run == b->run && a->rows == b->rows && a->cols == b->cols && a->count == b->count;
}

/* Goes back behind an earlier scaling of the same kind. */
static bool unscale(scan *s) {
    const scaling *const before = oo_tensor_state(s->source, fill_scaled);
    if (!before || !same_channels(&before->at, s->at))
        return true;
    for (uint64_t c = 0; c < s->at->count; c++) {
        const double k = s->factors[c] * before->factors[c];
        const bool zero = s->factors[c] == 0 || before->factors[c] == 0;
        if (!isfinite(k) || (k == 0) != zero)
            return refuse(s, "the factor of a channel is too large or too small");
        s->scaler->product[c] = k;
    }
    s->factors = s->scaler->product;
    s->source = before->source;
    return true;
}

static oo_tensor *make_lazy(const scan *s) {
    oo_model *const model = oo_rewriter_model(s->scaler->rw);
    double *const factors = oo_model_alloc(model, s->at->count * sizeof *factors);
    memcpy(factors, s->factors, s->at->count * sizeof *factors);
    const scaling state = {.source = s->source, .factors = factors, .at = *s->at};
    return oo_tensor_make_lazy(model, oo_tensor_elem(s->source), oo_tensor_rank(s->source), oo_tensor_dims(s->source), fill_scaled, &state,
                               sizeof state);
}

oo_tensor *oo__scale_weights(oo__scaler *scaler, const oo_tensor *weights, const oo__channels *at, const double *factors, const char **why) {
    scan s = {.scaler = scaler, .source = weights, .at = at, .factors = factors};
    if (!oo__is_weight_type(oo_tensor_elem(weights)) || !oo_tensor_count(weights)) {
        *why = "the weights are empty or have no floating-point type";
        return NULL;
    }
    const uint64_t turn = at->run * at->rows * at->cols, count = oo_tensor_count(weights);
    oo_require(turn && count % turn == 0 && count / turn * at->cols == at->count, "oo__scale_weights: the channels do not fit the weights");
    make_room(scaler, at->count);
    if (unscale(&s) && weights_fit(&s))
        return make_lazy(&s);
    *why = s.why;
    return NULL;
}
