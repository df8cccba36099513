/* Folds an inference-mode BatchNormalization into the Conv or ConvTranspose that makes its input.
 *
 *     y = (conv(x, W) + B - mean) * k + b  with  k = scale / sqrt(var + epsilon), per output channel
 *       = conv(x, W * k) + ((B - mean) * k + b)
 *
 * The new weights are a lazy tensor: the old ones, multiplied when somebody reads them. */
#include <onnxopt/onnxopt.h>

#include <float.h>
#include <math.h>
#include <string.h>

static const char RULE[] = "fuse-conv-bn";

enum {
    BLOCK = 256,         /* elements converted at once: a constant, so that the loops vectorize */
    CHUNK = 64 * 1024    /* elements read at once by scans */
};

typedef struct options {
    bool allow_denormals;
} options;

/* Which elements of the weights belong to which output channel: runs of `run` elements, channels going round as in
 * Conv [M, C/group, k..]: rows = 1, cols = M;  ConvTranspose [C, M/group, k..]: rows = C/group, cols = M/group. */
typedef struct layout {
    uint64_t run, rows, cols;
} layout;

/* State of the new weights: scale[channel] times source. */
typedef struct scaling {
    const oo_tensor *source;
    const double *scale; /* [channels] */
    layout at;
} scaling;

typedef struct site {
    oo_node *conv, *bn;
    const oo_tensor *weights, *bias; /* bias NULL = none */
    uint64_t channels;
    layout at;
    float epsilon;
} site;

typedef struct fuser {
    oo_rewriter *rw;
    oo_model *model;
    const options *options;
    double *scale, *shift, *more, *other; /* [room] */
    uint64_t room;
    unsigned char *chunk; /* CHUNK elements */
} fuser;

/* ---- the new weights ---- */
static uint64_t channel_of(const layout *at, uint64_t element) {
    const uint64_t run = element / at->run;
    return run / (at->rows * at->cols) * at->cols + run % at->cols;
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void scale_floats(unsigned char *packed, uint64_t count, double k) {
    float block[BLOCK];
    for (; count >= BLOCK; count -= BLOCK, packed += sizeof block) {
        memcpy(block, packed, sizeof block);
        for (int i = 0; i < BLOCK; i++)
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

static uint64_t width_of(oo_elem elem) { return elem == OO_DOUBLE ? 8 : elem == OO_FLOAT ? 4 : 2; }

static bool fill_scaled(const void *state, uint64_t first, uint64_t count, void *out) {
    const scaling *const s = state;
    if (!oo_tensor_read(s->source, first, count, out))
        return false;
    const oo_elem elem = oo_tensor_elem(s->source);
    const uint64_t width = width_of(elem);
    unsigned char *packed = out;
    while (count) {
        const uint64_t n = smaller(count, s->at.run - first % s->at.run);
        const double k = s->scale[channel_of(&s->at, first)];
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

/* ---- recognising ---- */
static bool outputs_say_inference(fuser *f, const oo_node *bn, int64_t opset) {
    for (uint32_t i = 1; i < oo_node_noutputs(bn); i++) {
        const oo_value *const value = oo_node_output(bn, i);
        if (value && (oo_value_nuses(value) || oo_value_is_pinned(value)))
            return oo_miss(f->rw, RULE, bn, "its output %u is used", i);
        if (value && opset >= 7 && opset < 14)
            return oo_miss(f->rw, RULE, bn, "at opset %d more than one output means training", (int)opset);
    }
    return true;
}

/* Whether the attribute is known to hold `wanted`. */
static bool attribute_is(fuser *f, const oo_node *node, const char *name, int64_t absent, int64_t wanted) {
    int64_t value;
    if (!oo_node_int(&value, node, name, absent))
        return oo_miss(f->rw, RULE, node, "%s is unknown", name);
    return value == wanted ? true : oo_miss(f->rw, RULE, node, "%s is not %d", name, (int)wanted);
}

static bool is_inference(fuser *f, const oo_node *bn) {
    const int64_t opset = oo_graph_opset(oo_node_graph(bn), "");
    if (opset < 1)
        return oo_miss(f->rw, RULE, bn, "the opset is unknown");
    if (!outputs_say_inference(f, bn, opset))
        return false;
    if (opset >= 14)
        return attribute_is(f, bn, "training_mode", 0, 0);
    if (opset < 9 && !attribute_is(f, bn, "spatial", 1, 1))
        return false;
    return opset >= 7 || attribute_is(f, bn, "is_test", 0, 1);
}

/* The convolution, when nothing else wants its result. */
static oo_node *find_conv(fuser *f, const oo_node *bn) {
    const oo_value *const x = oo_node_input(bn, 0);
    oo_node *const conv = x ? oo_value_producer(x) : NULL;
    const char *reason = NULL;
    if (!conv || !(oo_node_is(conv, "Conv") || oo_node_is(conv, "ConvTranspose")))
        reason = "its input is not made by Conv or ConvTranspose";
    else if (oo_node_graph(conv) != oo_node_graph(bn))
        reason = "the convolution is in another graph";
    else if (oo_value_is_output(x))
        reason = "the convolution's result is a graph output";
    else if (oo_value_is_annotated(x))
        reason = "the convolution's result is annotated";
    else if (oo_value_nuses(x) != 1)
        reason = "the convolution's result has other uses";
    else if (oo_node_noutputs(conv) != 1)
        reason = "the convolution has more than one output";
    else if (!oo_node_output(bn, 0) || oo_value_is_annotated(oo_node_output(bn, 0)))
        reason = "its output is omitted or annotated";
    if (reason)
        oo_miss(f->rw, RULE, bn, "%s", reason);
    return reason ? NULL : conv;
}

static bool is_float(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}

/* The floating-point data of an input that nobody can change, NULL after a remark. */
static const oo_tensor *constant(fuser *f, const oo_node *node, uint32_t index, const char *what) {
    const oo_value *const value = oo_node_input(node, index);
    const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
    const char *reason = NULL;
    if (!value)
        reason = "is missing";
    else if (!tensor)
        reason = oo_value_is_initializer(value) ? "can be overridden by a graph input" : "is not constant";
    else if (oo_value_is_annotated(value))
        reason = "is annotated";
    else if (!is_float(oo_tensor_elem(tensor)))
        reason = "has no floating-point type";
    if (reason)
        oo_miss(f->rw, RULE, node, "%s %s", what, reason);
    return reason ? NULL : tensor;
}

static bool read_conv_layout(fuser *f, site *s) {
    const int64_t *const dims = oo_tensor_dims(s->weights);
    const uint64_t count = oo_tensor_count(s->weights);
    if (oo_tensor_rank(s->weights) < 2 || count == 0)
        return oo_miss(f->rw, RULE, s->bn, "the weights are empty or have no channels");
    if (oo_node_is(s->conv, "Conv")) {
        s->channels = (uint64_t)dims[0];
        s->at = (layout){.run = count / s->channels, .rows = 1, .cols = s->channels};
        return true;
    }
    int64_t group;
    if (!oo_node_int(&group, s->conv, "group", 1))
        return oo_miss(f->rw, RULE, s->bn, "the group of the ConvTranspose is unknown");
    if (group < 1 || dims[0] % group != 0)
        return oo_miss(f->rw, RULE, s->bn, "the group of the ConvTranspose does not divide its input channels");
    s->at.rows = (uint64_t)(dims[0] / group);
    s->at.cols = (uint64_t)dims[1];
    s->at.run = count / (uint64_t)dims[0] / s->at.cols;
    s->channels = s->at.cols * (uint64_t)group;
    return true;
}

static bool is_channelwise(fuser *f, const site *s, const oo_tensor *tensor, const char *what) {
    const bool fits = oo_tensor_rank(tensor) == 1 && oo_tensor_count(tensor) == s->channels;
    return fits ? true : oo_miss(f->rw, RULE, s->bn, "%s is not one number for each output channel", what);
}

static bool match_conv(fuser *f, site *s) {
    s->weights = constant(f, s->conv, 1, "the weight");
    if (!s->weights || !read_conv_layout(f, s))
        return false;
    if (!oo_node_input(s->conv, 2))
        return true;
    s->bias = constant(f, s->conv, 2, "the bias");
    if (!s->bias || !is_channelwise(f, s, s->bias, "the bias"))
        return false;
    if (oo_tensor_elem(s->bias) != oo_tensor_elem(s->weights))
        return oo_miss(f->rw, RULE, s->bn, "weights and bias differ in type");
    return true;
}

/* ---- numbers ---- */
static void make_room(fuser *f, uint64_t channels) {
    if (channels <= f->room)
        return;
    f->room = channels > 2 * f->room ? channels : 2 * f->room;
    f->scale = oo_scratch(f->rw, 4 * f->room * sizeof *f->scale);
    f->shift = f->scale + f->room;
    f->more = f->shift + f->room;
    f->other = f->more + f->room;
}

/* A parameter of the BatchNormalization as doubles; all finite. */
static bool read_param(fuser *f, const site *s, uint32_t index, const char *what, double *out) {
    const oo_tensor *const tensor = constant(f, s->bn, index, what);
    if (!tensor || !is_channelwise(f, s, tensor, what))
        return false;
    if (!oo_tensor_doubles(tensor, 0, s->channels, out))
        return oo_miss(f->rw, RULE, s->bn, "the data of %s cannot be read", what);
    for (uint64_t c = 0; c < s->channels; c++)
        if (!isfinite(out[c]))
            return oo_miss(f->rw, RULE, s->bn, "%s is not finite", what);
    return true;
}

/* scale = s / sqrt(var + epsilon). Room is made only for as many channels as there is data for. */
static bool compute_scale(fuser *f, const site *s) {
    const oo_tensor *const first = constant(f, s->bn, 1, "scale");
    double probe;
    if (!first || !is_channelwise(f, s, first, "scale"))
        return false;
    if (!oo_tensor_doubles(first, s->channels - 1, 1, &probe))
        return oo_miss(f->rw, RULE, s->bn, "the data of scale cannot be read");
    make_room(f, s->channels);
    if (!read_param(f, s, 1, "scale", f->scale) || !read_param(f, s, 4, "the variance", f->more))
        return false;
    for (uint64_t c = 0; c < s->channels; c++) {
        const double spread = f->more[c] + (double)s->epsilon;
        if (!(spread > 0))
            return oo_miss(f->rw, RULE, s->bn, "variance plus epsilon is not positive");
        const double k = f->scale[c] / sqrt(spread);
        if (!isfinite(k) || (k == 0) != (f->scale[c] == 0))
            return oo_miss(f->rw, RULE, s->bn, "the factor of a channel is too large or too small");
        f->scale[c] = k;
    }
    return true;
}

typedef struct range {
    double least, most; /* smallest normal number, largest number */
} range;

static range range_of(oo_elem elem) {
    switch (elem) {
    case OO_FLOAT16: return (range){0x1p-14, 65504};
    case OO_BFLOAT16: return (range){FLT_MIN, 0x1.fep127};
    case OO_FLOAT: return (range){(double)FLT_MIN, (double)FLT_MAX};
    default: return (range){DBL_MIN, DBL_MAX};
    }
}

static bool is_half(oo_elem elem) { return elem == OO_FLOAT16 || elem == OO_BFLOAT16; }

/* shift = (bias - mean) * scale + b: the new bias. */
static bool compute_shift(fuser *f, const site *s) {
    if (!read_param(f, s, 2, "the bias of the BatchNormalization", f->shift) || !read_param(f, s, 3, "the mean", f->more))
        return false;
    if (!s->bias)
        memset(f->other, 0, s->channels * sizeof *f->other);
    else if (!oo_tensor_doubles(s->bias, 0, s->channels, f->other))
        return oo_miss(f->rw, RULE, s->bn, "the data of the bias cannot be read");
    const oo_elem elem = oo_tensor_elem(s->weights);
    const range limits = range_of(elem);
    for (uint64_t c = 0; c < s->channels; c++) {
        const double shift = (f->other[c] - f->more[c]) * f->scale[c] + f->shift[c];
        if (!(fabs(shift) <= limits.most))
            return oo_miss(f->rw, RULE, s->bn, "the bias of a channel would not be finite");
        if (is_half(elem) && !f->options->allow_denormals && shift != 0 && fabs(shift) < limits.least)
            return oo_miss(f->rw, RULE, s->bn, "the bias of a channel would be denormal");
        f->shift[c] = shift;
    }
    return true;
}

/* ---- whether the scaled weights stay in range ---- */

/* Whether a magnitude is above the threshold; NaN and infinity are. Magnitudes of floats are ordered as their bits are. */
static bool any_float_above(const unsigned char *packed, uint64_t count, float threshold) {
    int32_t limit, block[BLOCK], signs = 0;
    memcpy(&limit, &threshold, sizeof limit);
    for (; count >= BLOCK; count -= BLOCK, packed += sizeof block) {
        memcpy(block, packed, sizeof block);
        for (int i = 0; i < BLOCK; i++)
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
    const range limits = range_of(elem);
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

static bool is_at_risk(oo_elem elem, double k) { return is_half(elem) || fabs(k) > 1 || is_tiny(k); }

/* Of a channel with a tiny factor: more = 1 when it has a normal weight, other = 1 when it keeps one. */
static bool scan_run(fuser *f, const site *s, const unsigned char *packed, uint64_t count, uint64_t channel) {
    const oo_elem elem = oo_tensor_elem(s->weights);
    const range limits = range_of(elem);
    const double k = f->scale[channel];
    if (is_half(elem))
        return halves_fit(elem, packed, count, k, f->options->allow_denormals) ||
               oo_miss(f->rw, RULE, s->bn, "a weight would be too large, or denormal, for its type");
    if (!is_tiny(k))
        return !any_above(elem, packed, count, limits.most / fabs(k)) ||
               oo_miss(f->rw, RULE, s->bn, "a weight would not be finite");
    if (any_above(elem, packed, count, limits.least))
        f->more[channel] = 1;
    if (any_above(elem, packed, count, limits.least / fabs(k)))
        f->other[channel] = 1;
    return true;
}

/* Reads the elements [first, end), all of channels at risk, and looks at them run by run. */
static bool scan_range(fuser *f, const site *s, const oo_tensor *source, uint64_t first, uint64_t end) {
    const uint64_t width = width_of(oo_tensor_elem(source));
    for (; first < end; first += smaller(CHUNK, end - first)) {
        const uint64_t stop = first + smaller(CHUNK, end - first);
        if (!oo_tensor_read(source, first, stop - first, f->chunk))
            return oo_miss(f->rw, RULE, s->bn, "the data of the weights cannot be read");
        for (uint64_t at = first, n; at < stop; at += n) {
            n = smaller(stop - at, s->at.run - at % s->at.run);
            if (!scan_run(f, s, f->chunk + (at - first) * width, n, channel_of(&s->at, at)))
                return false;
        }
    }
    return true;
}

/* Only what is at risk is read: neighbouring runs of such channels together. */
static bool scan_weights(fuser *f, const site *s, const oo_tensor *source) {
    const uint64_t count = oo_tensor_count(source), run = s->at.run;
    const oo_elem elem = oo_tensor_elem(source);
    if (!f->chunk)
        f->chunk = oo_scratch(f->rw, CHUNK * sizeof(double));
    memset(f->more, 0, s->channels * sizeof *f->more);
    memset(f->other, 0, s->channels * sizeof *f->other);
    for (uint64_t first = 0; first < count;) {
        uint64_t end = first;
        while (end < count && is_at_risk(elem, f->scale[channel_of(&s->at, end)]))
            end += run;
        if (!scan_range(f, s, source, first, end))
            return false;
        first = end + run;
    }
    return true;
}

/* No scaled weight overflows, and no channel vanishes. */
static bool weights_fit(fuser *f, const site *s, const oo_tensor *source) {
    double probe;
    if (!oo_tensor_read(source, oo_tensor_count(source) - 1, 1, &probe))
        return oo_miss(f->rw, RULE, s->bn, "the data of the weights cannot be read");
    bool at_risk = false;
    for (uint64_t c = 0; c < s->channels; c++)
        at_risk |= is_at_risk(oo_tensor_elem(source), f->scale[c]);
    if (!at_risk)
        return true;
    if (!scan_weights(f, s, source))
        return false;
    for (uint64_t c = 0; c < s->channels; c++)
        if (f->more[c] > f->other[c])
            return oo_miss(f->rw, RULE, s->bn, "the weights of a channel would all be denormal");
    return true;
}

static bool same_layout(const layout *a, const layout *b) {
    return a->run == b->run && a->rows == b->rows && a->cols == b->cols;
}

/* Weights that an earlier fusion scaled are not scaled again: the factors are multiplied, and the tensor reads what the
 * first one did. NULL when a product is out of range. */
static const oo_tensor *unscaled(fuser *f, const site *s) {
    const scaling *const before = oo_tensor_state(s->weights, fill_scaled);
    if (!before || !same_layout(&before->at, &s->at))
        return s->weights;
    for (uint64_t c = 0; c < s->channels; c++) {
        const double k = f->scale[c] * before->scale[c];
        const bool zero = f->scale[c] == 0 || before->scale[c] == 0;
        if (!isfinite(k) || (k == 0) != zero) {
            oo_miss(f->rw, RULE, s->bn, "the factor of a channel is too large or too small");
            return NULL;
        }
        f->scale[c] = k;
    }
    return before->source;
}

/* ---- rewriting ---- */
static oo_tensor *make_weights(fuser *f, const site *s, const oo_tensor *source) {
    double *const scale = oo_model_alloc(f->model, s->channels * sizeof *scale);
    memcpy(scale, f->scale, s->channels * sizeof *scale);
    const scaling state = {.source = source, .scale = scale, .at = s->at};
    return oo_tensor_make_lazy(f->model, oo_tensor_elem(source), oo_tensor_rank(source), oo_tensor_dims(source),
                               fill_scaled, &state, sizeof state);
}

/* False when fuel is out. */
static bool fuse(fuser *f, const site *s, const oo_tensor *source) {
    oo_rewriter *const rw = f->rw;
    oo_value *const y = oo_node_output(s->bn, 0);
    oo_value *const result = oo_node_output(s->conv, 0);
    if (!oo_begin(rw, RULE, s->conv))
        return false;
    const int64_t dims[] = {(int64_t)s->channels};
    oo_graph *const graph = oo_node_graph(s->conv);
    oo_tensor *const bias = oo_tensor_from_doubles(f->model, oo_tensor_elem(source), 1, dims, f->shift);
    const oo_value *const stem = oo_node_input(s->bias ? s->conv : s->bn, 2);
    oo_value *const new_bias = oo_build_const(rw, graph, bias, oo_value_name(stem));
    oo_value *const new_weights =
        oo_build_const(rw, graph, make_weights(f, s, source), oo_value_name(oo_node_input(s->conv, 1)));
    oo_set_input(rw, s->conv, 1, new_weights);
    oo_set_input(rw, s->conv, 2, new_bias);
    if (!oo_value_type(result))
        oo_copy_type(rw, result, y);
    if (!oo_replace(rw, y, result)) {
        oo_abandon(rw);
        oo_miss(rw, RULE, s->bn, "the convolution's result is not visible at every use of its output");
        return true;
    }
    oo_erase(rw, s->bn);
    oo_remark(rw, s->conv, "took in the BatchNormalization after it");
    oo_end(rw);
    oo_count(rw, "batch normalizations folded", 1);
    return true;
}

/* The shift needs the factor of this BatchNormalization alone, the weights the product with earlier ones. */
static bool visit(fuser *f, oo_node *bn) {
    site s = {.bn = bn};
    if (!is_inference(f, bn))
        return true;
    s.conv = find_conv(f, bn);
    if (!s.conv || !match_conv(f, &s))
        return true;
    if (!oo_node_float(&s.epsilon, bn, "epsilon", 1e-5f)) {
        oo_miss(f->rw, RULE, bn, "epsilon is unknown");
        return true;
    }
    if (!compute_scale(f, &s) || !compute_shift(f, &s))
        return true;
    const oo_tensor *const source = unscaled(f, &s);
    return !source || !weights_fit(f, &s, source) || fuse(f, &s, source);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    fuser f = {.rw = rw, .model = model, .options = opts};
    make_room(&f, 256);
    oo_for_each_graph(graph, model)
        oo_for_each_node(node, graph)
            if (oo_node_is(node, "BatchNormalization") && !visit(&f, node))
                return OO_OK;
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, allow_denormals, OO_OPT_BOOL, "allow-denormals", "false",
              "fold 16-bit weights also where a normal number becomes denormal or zero"),
};

const oo_pass oo_pass_fuse_conv_bn = {
    .size = sizeof(oo_pass),
    .name = "fuse-conv-bn",
    .summary = "Fold BatchNormalization into the Conv or ConvTranspose before it",
    .doc = "Conv and ConvTranspose of any rank and group, with or without bias, in FLOAT, DOUBLE, FLOAT16 and BFLOAT16. "
           "All parameters must be constants that no graph input overrides, the BatchNormalization must be in inference "
           "mode by the rules of its opset, and nothing else may use the convolution's result. Shared weights stay for "
           "their other users: the convolution gets weights of its own.\n\n"
           "Factors are computed in double and each weight is rounded once. A fold is refused where variance plus "
           "epsilon is not positive, a weight or bias would not be finite, a whole channel of weights would vanish, or "
           "a 16-bit weight or bias would become denormal (see allow-denormals). Old parameters that lost their last "
           "user are left to dce.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .inexact = true,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
