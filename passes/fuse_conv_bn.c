/* Folds an inference-mode BatchNormalization into the Conv or ConvTranspose that makes its input.
 *
 *     y = (conv(x, W) + B - mean) * k + b  with  k = scale / sqrt(var + epsilon), per output channel
 *       = conv(x, W * k) + ((B - mean) * k + b)
 *
 * The new weights are a lazy tensor: the old ones, multiplied when somebody reads them. */
#include "ir/growth.h"
#include "passes/filled.h"
#include "passes/scaled_weights.h"

#include <math.h>
#include <string.h>

static const char RULE[] = "fuse-conv-bn";

typedef struct options {
    bool allow_denormals;
    oo_growth_options growth;
} options;

typedef struct site {
    oo_node *conv, *bn;
    const oo_tensor *weights, *bias; /* bias NULL = `fill` for each channel */
    double fill;
    oo__channels at; /* output channels in the weights */
    float epsilon;
} site;

typedef struct fuser {
    oo_rewriter *rw;
    oo_model *model;
    const options *options;
    double *scale, *shift, *more, *other; /* [room] */
    uint64_t room;
    int64_t may_grow; /* bytes of the file */
    oo__scaler scaler;
} fuser;

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

/* The floating-point data of an input that nobody can change, NULL after a remark. */
static const oo_tensor *constant(fuser *f, const oo_node *node, uint32_t index, const char *what) {
    const oo_value *const value = oo_node_input(node, index);
    const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
    const char *reason = NULL;
    if (!value)
        reason = "is missing";
    else if (!tensor)
        reason = oo_value_is_initializer(value) ? "can be overridden by a graph input (--freeze-defaults makes it constant)" : "is not constant";
    else if (oo_value_is_annotated(value))
        reason = "is annotated";
    else if (!oo__is_weight_type(oo_tensor_elem(tensor)))
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
        const uint64_t channels = (uint64_t)dims[0];
        s->at = (oo__channels){.run = count / channels, .rows = 1, .cols = channels, .count = channels};
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
    s->at.count = s->at.cols * (uint64_t)group;
    return true;
}

static bool is_channelwise(fuser *f, const site *s, const oo_tensor *tensor, const char *what) {
    const bool fits = oo_tensor_rank(tensor) == 1 && oo_tensor_count(tensor) == s->at.count;
    return fits ? true : oo_miss(f->rw, RULE, s->bn, "%s is not one number for each output channel", what);
}

/* One number for each channel that an operator makes: what fold-constants leaves computed because of its size. */
static bool is_filled_bias(site *s, const oo_value *bias) {
    const oo_type *const type = oo_value_type(bias);
    return oo_value_producer(bias) && !oo_value_is_annotated(bias) && oo_type_elem(type) == oo_tensor_elem(s->weights) && oo_type_rank(type) == 1 &&
           oo_type_dim(type, 0) == (int64_t)s->at.count && oo__filled_with(&s->fill, bias);
}

static bool match_conv(fuser *f, site *s) {
    s->weights = constant(f, s->conv, 1, "the weight");
    if (!s->weights || !read_conv_layout(f, s))
        return false;
    const oo_value *const bias = oo_node_input(s->conv, 2);
    if (!bias || (!oo_value_const(bias) && is_filled_bias(s, bias)))
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
    if (!oo_tensor_doubles(tensor, 0, s->at.count, out))
        return oo_miss(f->rw, RULE, s->bn, "the data of %s cannot be read", what);
    for (uint64_t c = 0; c < s->at.count; c++)
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
    if (!oo_tensor_doubles(first, s->at.count - 1, 1, &probe))
        return oo_miss(f->rw, RULE, s->bn, "the data of scale cannot be read");
    make_room(f, s->at.count);
    if (!read_param(f, s, 1, "scale", f->scale) || !read_param(f, s, 4, "the variance", f->more))
        return false;
    for (uint64_t c = 0; c < s->at.count; c++) {
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

/* shift = (bias - mean) * scale + b: the new bias. */
static bool compute_shift(fuser *f, const site *s) {
    if (!read_param(f, s, 2, "the bias of the BatchNormalization", f->shift) || !read_param(f, s, 3, "the mean", f->more))
        return false;
    for (uint64_t c = 0; !s->bias && c < s->at.count; c++)
        f->other[c] = s->fill;
    if (s->bias && !oo_tensor_doubles(s->bias, 0, s->at.count, f->other))
        return oo_miss(f->rw, RULE, s->bn, "the data of the bias cannot be read");
    const oo_elem elem = oo_tensor_elem(s->weights);
    const oo__range limits = oo__range_of(elem);
    for (uint64_t c = 0; c < s->at.count; c++) {
        const double shift = (f->other[c] - f->more[c]) * f->scale[c] + f->shift[c];
        if (!(fabs(shift) <= limits.most))
            return oo_miss(f->rw, RULE, s->bn, "the bias of a channel would not be finite");
        if (oo__is_half(elem) && !f->options->allow_denormals && shift != 0 && fabs(shift) < limits.least)
            return oo_miss(f->rw, RULE, s->bn, "the bias of a channel would be denormal");
        f->shift[c] = shift;
    }
    return true;
}

/* ---- rewriting ---- */
/* False when fuel is out. */
static bool fuse(fuser *f, const site *s, oo_tensor *weights) {
    oo_rewriter *const rw = f->rw;
    oo_value *const y = oo_node_output(s->bn, 0);
    oo_value *const result = oo_node_output(s->conv, 0);
    if (!oo_begin(rw, RULE, s->conv))
        return false;
    const int64_t dims[] = {(int64_t)s->at.count};
    oo_graph *const graph = oo_node_graph(s->conv);
    oo_tensor *const bias = oo_tensor_from_doubles(f->model, oo_tensor_elem(weights), 1, dims, f->shift);
    const oo_value *const stem = oo_node_input(s->bias ? s->conv : s->bn, 2);
    oo_value *const new_bias = oo_build_const(rw, graph, bias, oo_value_name(stem));
    oo_value *const new_weights =
        oo_build_const(rw, graph, weights, oo_value_name(oo_node_input(s->conv, 1)));
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
    if (!oo__growth_allowed(&f->may_grow, rw)) {
        oo_miss(rw, RULE, s->bn, "the file would grow by %lld bytes, past the limit: others use the weights too", (long long)oo__growth_of_rewrite(rw));
        oo_abandon(rw);
        return true;
    }
    oo_remark(rw, s->conv, "took in the BatchNormalization after it");
    oo_end(rw);
    oo_count(rw, "batch normalizations folded", 1);
    return true;
}

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
    const char *why;
    oo_tensor *const weights = oo__scale_weights(&f->scaler, s.weights, &s.at, f->scale, &why);
    if (!weights)
        oo_miss(f->rw, RULE, bn, "%s", why);
    return !weights || fuse(f, &s, weights);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const options *const o = opts;
    fuser f = {.rw = rw, .model = model, .options = o, .may_grow = oo__growth_room(model, &o->growth), .scaler = {.rw = rw, .allow_denormals = o->allow_denormals}};
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
    OO_GROWTH_OPTIONS(options, growth),
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
    .needs = OO_TYPES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
    .only_for = "BatchNormalization",
};
