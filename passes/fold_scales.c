/* Takes a multiplication by constants into the constants of what made its operand.
 *
 *     (MatMul(x, W) + b) * k = MatMul(x, W * k) + b * k
 *
 * The walk goes up from the Mul or Div through values that nothing else uses: a linear operator passes the factor on to an operand, a
 * constant takes it. Nothing is changed unless every path ends in a constant. */
#include "ir/growth.h"
#include "passes/permutation.h"
#include "passes/scaled_weights.h"
#include "passes/wholes.h"

#include <math.h>
#include <string.h>

static const char RULE[] = "fold-scales";

enum {
    MOST_EDITS = 16, /* constants changed for one multiplication */
    DEEP = 24,       /* operators between it and them */
    MOST_FACTORS = 1 << 16,
    SMALL = 4096     /* elements of a constant that may be copied because others use it too */
};

/* The factor: one number, or one for each index of an axis. */
typedef struct factor {
    const double *k;
    uint64_t n;
    uint32_t behind; /* axes after that one; 0 for a single number */
} factor;

typedef struct edit {
    oo_node *node;
    uint32_t input;
    oo_tensor *tensor;
} edit;

typedef struct options {
    oo_growth_options growth;
} options;

typedef struct folder {
    oo_rewriter *rw;
    oo_model *model;
    oo__scaler scaler;
    const oo_node *root;
    const oo_value *at; /* the value looked at */
    factor f;
    edit edits[MOST_EDITS];
    uint32_t nedits;
    int64_t room; /* bytes by which the file may grow */
    const char *why;
} folder;

typedef bool (*visitor)(folder *f, oo_node *node, unsigned depth);
static bool walk(folder *f, const oo_value *value, const oo_node *user, unsigned depth);

static bool refuse(folder *f, const char *why) {
    if (!f->why)
        f->why = why;
    return false;
}

static bool is_scalar(const folder *f) { return f->f.n == 1; }

/* ---- constants that take the factor ---- */
/* Where the factor's numbers go in a constant that broadcasts against the result. */
static bool channels_of(const folder *f, const oo_tensor *t, oo__channels *out) {
    const uint32_t rank = oo_tensor_rank(t);
    const int64_t *const dims = oo_tensor_dims(t);
    if (is_scalar(f)) {
        *out = (oo__channels){.run = oo_tensor_count(t), .rows = 1, .cols = 1, .count = 1};
        return true;
    }
    if (f->f.behind >= rank || dims[rank - 1 - f->f.behind] != (int64_t)f->f.n)
        return false;
    *out = (oo__channels){.run = 1, .rows = 1, .cols = f->f.n, .count = f->f.n};
    for (uint32_t i = rank - f->f.behind; i < rank; i++)
        out->run *= (uint64_t)dims[i];
    for (uint32_t i = 0; i + 1 + f->f.behind < rank; i++)
        out->rows *= (uint64_t)dims[i];
    return true;
}

static bool take_with(folder *f, oo_node *node, uint32_t input, const oo__channels *at, const double *k) {
    const oo_value *const value = oo_node_input(node, input);
    const oo_tensor *const t = oo_value_const(value);
    if (oo_value_is_annotated(value))
        return refuse(f, "a constant is annotated");
    if (oo_value_nuses(value) != 1 && oo_tensor_count(t) > SMALL)
        return refuse(f, "a large constant has other uses");
    if (f->nedits == MOST_EDITS)
        return refuse(f, "too many constants would change");
    const char *why = NULL;
    oo_tensor *const scaled = oo__scale_weights(&f->scaler, t, at, k, &why);
    if (!scaled)
        return refuse(f, why);
    f->edits[f->nedits++] = (edit){node, input, scaled};
    return true;
}

static bool is_constant(const oo_node *node, uint32_t input) {
    const oo_value *const value = oo_node_input(node, input);
    return value && oo_value_const(value);
}

/* The constant broadcasts against the result: numbers of one axis find their place by its size. */
static bool take(folder *f, oo_node *node, uint32_t input) {
    oo__channels at;
    if (!channels_of(f, oo_value_const(oo_node_input(node, input)), &at))
        return refuse(f, "a constant has no axis for the factors");
    return take_with(f, node, input, &at, f->f.k);
}

static bool take_if_there(folder *f, oo_node *node, uint32_t input) {
    if (!oo_node_input(node, input))
        return true;
    return is_constant(node, input) ? take(f, node, input) : refuse(f, "an operand is not constant");
}

/* ---- operators ---- */
/* Data moves, nothing is computed. */
static bool pass_move(folder *f, oo_node *node, unsigned depth) {
    if (!is_scalar(f))
        return refuse(f, "factors of an axis do not pass an operator that moves data");
    return walk(f, oo_node_input(node, 0), node, depth);
}

/* The first operand, with other factors. */
static bool walk_with(folder *f, const oo_node *node, factor other, unsigned depth) {
    const factor own = f->f;
    f->f = other;
    const bool passed = walk(f, oo_node_input(node, 0), node, depth);
    f->f = own;
    return passed;
}

/* Sizes of the last dimensions, multiplied; 0 where one is no number or the product is large. */
static uint64_t known_product(const oo_type *type, uint32_t count) {
    uint64_t product = 1;
    const int32_t rank = oo_type_rank(type);
    for (uint32_t i = 0; i < count && product <= MOST_FACTORS; i++) {
        const int64_t dim = (int64_t)i < rank ? oo_type_dim(type, (uint32_t)rank - 1 - i) : -1;
        if (dim < 1 || dim > MOST_FACTORS)
            return 0;
        product *= (uint64_t)dim;
    }
    return product;
}

/* The factors for an axis of this size, each for so many indices, again and again. */
static factor spread(folder *f, uint64_t size, uint64_t each, uint32_t behind) {
    double *const k = oo_scratch(f->rw, size * sizeof *k);
    for (uint64_t i = 0; i < size; i++)
        k[i] = f->f.k[i / each % f->f.n];
    return (factor){k, size, behind};
}

/* Factors of an axis lie along another one before it is moved. */
static bool pass_transpose(folder *f, oo_node *node, unsigned depth) {
    if (is_scalar(f))
        return pass_move(f, node, depth);
    int64_t perm[OO_PERMUTATION_MOST];
    const int32_t rank = oo_type_rank(oo_value_type(oo_node_output(node, 0)));
    if (rank < 0 || f->f.behind >= (uint32_t)rank || !oo__permutation_of(perm, node, (uint32_t)rank))
        return refuse(f, "a Transpose does not say which axis the factors lie along");
    const int64_t from = perm[(uint32_t)rank - 1 - f->f.behind];
    return walk_with(f, node, (factor){f->f.k, f->f.n, (uint32_t)rank - 1 - (uint32_t)from}, depth);
}

/* Whether the value has the axis of the factors: what broadcasts may have one index there. */
static bool lies_along(const folder *f, const oo_type *type) {
    const int32_t rank = oo_type_rank(type);
    return rank > (int32_t)f->f.behind && oo_type_dim(type, (uint32_t)rank - 1 - f->f.behind) == (int64_t)f->f.n;
}

/* Factors of an axis that is taken out of a larger one, or put behind ones: each stands there for as many elements as it stood for. */
static bool pass_reshape(folder *f, oo_node *node, unsigned depth) {
    if (is_scalar(f))
        return pass_move(f, node, depth);
    const oo_type *const from = oo_value_type(oo_node_input(node, 0)), *const to = oo_value_type(oo_node_output(node, 0));
    const int32_t rank = oo_type_rank(from);
    const uint64_t behind = known_product(to, f->f.behind);
    if (rank < 0 || !behind || behind > MOST_FACTORS || !lies_along(f, to))
        return refuse(f, "the sizes around a Reshape are not known");
    uint64_t under = 1; /* elements for each index of the axis looked at */
    for (uint32_t i = 0; i < (uint32_t)rank && under <= behind; i++) {
        const int64_t dim = oo_type_dim(from, (uint32_t)rank - 1 - i);
        if (dim < 1 || dim > MOST_FACTORS)
            return refuse(f, "the sizes around a Reshape are not known");
        const uint64_t each = behind / under;
        if (behind % under == 0 && (uint64_t)dim % (each * f->f.n) == 0)
            return walk_with(f, node, spread(f, (uint64_t)dim, each, i), depth);
        under *= (uint64_t)dim;
    }
    return refuse(f, "a Reshape takes the axis of the factors apart");
}

/* What is split off takes the factors; the rest is multiplied by ones. */
static bool pass_split(folder *f, oo_node *node, unsigned depth) {
    const oo_value *const part = f->at;
    const oo_type *const whole = oo_value_type(oo_node_input(node, 0));
    const int32_t rank = oo_type_rank(whole);
    int64_t axis, size = -1, before = 0;
    if (rank < 1 || !oo_node_int(&axis, node, "axis", 0) || axis < -rank || axis >= rank)
        return refuse(f, "a Split does not say along which axis");
    axis += axis < 0 ? rank : 0;
    const uint32_t behind = (uint32_t)rank - 1 - (uint32_t)axis;
    const int64_t all = oo_type_dim(whole, (uint32_t)axis);
    for (uint32_t i = 0; i < oo_node_noutputs(node) && size < 0; i++) {
        const int64_t own = oo_node_output(node, i) ? oo_type_dim(oo_value_type(oo_node_output(node, i)), (uint32_t)axis) : -1;
        if (own < 1)
            return refuse(f, "the sizes of a Split are not known");
        size = oo_node_output(node, i) == part ? own : -1;
        before += size < 0 ? own : 0;
    }
    if (all < 1 || all > MOST_FACTORS || size < 0 || before + size > all || (!is_scalar(f) && (f->f.behind != behind || (int64_t)f->f.n != size)))
        return refuse(f, "a Split takes another axis apart than that of the factors");
    double *const k = oo_scratch(f->rw, (uint64_t)all * sizeof *k);
    for (int64_t i = 0; i < all; i++)
        k[i] = i < before || i >= before + size ? 1 : f->f.k[is_scalar(f) ? 0 : i - before];
    return walk_with(f, node, (factor){k, (uint64_t)all, behind}, depth);
}

/* f(k x) = k f(x) for k > 0, element by element. */
static bool pass_positive(folder *f, oo_node *node, unsigned depth) {
    for (uint64_t i = 0; i < f->f.n; i++)
        if (!(f->f.k[i] > 0))
            return refuse(f, "a negative factor does not pass an operator on the way");
    return walk(f, oo_node_input(node, 0), node, depth);
}

static bool pass_pool(folder *f, oo_node *node, unsigned depth) {
    if (!is_scalar(f) || oo_node_noutputs(node) != 1)
        return refuse(f, "factors of an axis do not pass a pool");
    return pass_positive(f, node, depth);
}

static bool pass_elementwise(folder *f, oo_node *node, unsigned depth) { return walk(f, oo_node_input(node, 0), node, depth); }

static bool pass_add(folder *f, oo_node *node, unsigned depth) {
    for (uint32_t i = 0; i < 2; i++)
        if (!(is_constant(node, i) ? take(f, node, i) : walk(f, oo_node_input(node, i), node, depth)))
            return false;
    return true;
}

/* One operand takes it, a constant if there is one; not the half of a Gelu in parts. */
static bool pass_mul(folder *f, oo_node *node, unsigned depth) {
    if (oo__closes_gelu(oo_node_output(node, 0)))
        return refuse(f, "a product on the way is the last part of a Gelu");
    const uint32_t before = f->nedits;
    for (uint32_t i = 0; i < 2; i++)
        if (is_constant(node, i) && take(f, node, i))
            return true;
    for (uint32_t i = 0; i < 2; i++) {
        f->nedits = before;
        if (is_scalar(f) && !is_constant(node, i) && walk(f, oo_node_input(node, i), node, depth))
            return true;
    }
    return refuse(f, "neither operand of a product takes the factor");
}

static bool pass_div(folder *f, oo_node *node, unsigned depth) {
    if (is_constant(node, 0))
        return take(f, node, 0);
    if (!is_scalar(f))
        return refuse(f, "the divided operand is not constant");
    return walk(f, oo_node_input(node, 0), node, depth);
}

static bool pass_matmul(folder *f, oo_node *node, unsigned depth) {
    const oo_tensor *const a = is_constant(node, 0) ? oo_value_const(oo_node_input(node, 0)) : NULL;
    const oo_tensor *const b = is_constant(node, 1) ? oo_value_const(oo_node_input(node, 1)) : NULL;
    if (is_scalar(f))
        return pass_mul(f, node, depth);
    /* The last axis of the result is that of b, the one before it that of a. */
    if (b && f->f.behind == 0 && oo_tensor_rank(b) >= 2)
        return take(f, node, 1);
    if (a && f->f.behind == 1 && oo_tensor_rank(a) >= 2 && oo_type_rank(oo_value_type(oo_node_input(node, 1))) >= 2)
        return take(f, node, 0);
    return refuse(f, "the axis of the factors is not that of a constant operand");
}

static bool pass_gemm(folder *f, oo_node *node, unsigned depth) {
    (void)depth;
    int64_t trans;
    const oo_tensor *const b = is_constant(node, 1) ? oo_value_const(oo_node_input(node, 1)) : NULL;
    if (!b || oo_tensor_rank(b) != 2 || !oo_node_int(&trans, node, "transB", 0))
        return refuse(f, "the second operand of a Gemm is not constant");
    if (!is_scalar(f) && (f->f.behind != 0 || oo_tensor_dims(b)[trans ? 0 : 1] != (int64_t)f->f.n))
        return refuse(f, "the axis of the factors is not that of the second operand of a Gemm");
    oo__channels at = {.run = oo_tensor_count(b), .rows = 1, .cols = 1, .count = 1};
    if (!is_scalar(f))
        at = (oo__channels){.run = trans ? (uint64_t)oo_tensor_dims(b)[1] : 1,
                            .rows = trans ? 1 : (uint64_t)oo_tensor_dims(b)[0],
                            .cols = f->f.n,
                            .count = f->f.n};
    return take_with(f, node, 1, &at, f->f.k) && take_if_there(f, node, 2);
}

/* Output channels of the weights, as in scaled_weights.h; the bias has one number for each. */
static bool pass_conv(folder *f, oo_node *node, unsigned depth) {
    (void)depth;
    const oo_tensor *const w = is_constant(node, 1) ? oo_value_const(oo_node_input(node, 1)) : NULL;
    int64_t group;
    if (!w || oo_tensor_rank(w) < 3 || !oo_tensor_count(w) || !oo_node_int(&group, node, "group", 1) || group < 1)
        return refuse(f, "the weights of a convolution are not constant");
    const int64_t *const dims = oo_tensor_dims(w);
    const uint64_t count = oo_tensor_count(w);
    oo__channels at = {.run = count, .rows = 1, .cols = 1, .count = 1}, bias = {.run = 1, .rows = 1, .cols = f->f.n, .count = f->f.n};
    const bool transposed = oo_node_is(node, "ConvTranspose");
    if (!is_scalar(f)) {
        if (f->f.behind != oo_tensor_rank(w) - 2 || (transposed && dims[0] % group != 0))
            return refuse(f, "the axis of the factors is not that of the channels of a convolution");
        at = (oo__channels){.run = count / (uint64_t)dims[0], .rows = 1, .cols = (uint64_t)dims[0], .count = (uint64_t)dims[0]};
        if (transposed)
            at = (oo__channels){.run = count / (uint64_t)dims[0] / (uint64_t)dims[1], .rows = (uint64_t)(dims[0] / group),
                                .cols = (uint64_t)dims[1], .count = (uint64_t)(dims[1] * group)};
        if (at.count != f->f.n)
            return refuse(f, "a convolution has another number of channels than there are factors");
    }
    if (!take_with(f, node, 1, &at, f->f.k))
        return false;
    if (!oo_node_input(node, 2))
        return true;
    if (!is_constant(node, 2))
        return refuse(f, "the bias of a convolution is not constant");
    if (is_scalar(f))
        bias.run = oo_tensor_count(oo_value_const(oo_node_input(node, 2)));
    return take_with(f, node, 2, &bias, f->f.k);
}

/* The result is x' * scale + bias. */
static bool pass_norm(folder *f, oo_node *node, unsigned depth) {
    (void)depth;
    if (oo_node_noutputs(node) != 1)
        return refuse(f, "a normalization has further outputs");
    if (!is_scalar(f) && (f->f.behind != 0 || !oo_node_is(node, "LayerNormalization")))
        return refuse(f, "the axis of the factors is not that of a normalization");
    if (!is_constant(node, 1))
        return refuse(f, "the scale of a normalization is not constant");
    return take(f, node, 1) && take_if_there(f, node, 2);
}

static const struct {
    const char *op;
    visitor visit;
} OPERATORS[] = {
    {"Identity", pass_elementwise}, {"Neg", pass_elementwise},       {"Reshape", pass_reshape},        {"Transpose", pass_transpose},
    {"Squeeze", pass_reshape},         {"Unsqueeze", pass_reshape},        {"Flatten", pass_reshape},        {"Expand", pass_move},
    {"Slice", pass_move},           {"Gather", pass_move},           {"Tile", pass_move},           {"DepthToSpace", pass_move},
    {"SpaceToDepth", pass_move},    {"ReduceMean", pass_move},       {"ReduceSum", pass_move},      {"GlobalAveragePool", pass_move},
    {"AveragePool", pass_move},     {"Relu", pass_positive},         {"LeakyRelu", pass_positive},  {"MaxPool", pass_pool},
    {"GlobalMaxPool", pass_pool},   {"ReduceMax", pass_pool},        {"Add", pass_add},             {"Sub", pass_add},
    {"Mul", pass_mul},              {"Div", pass_div},               {"MatMul", pass_matmul},       {"Gemm", pass_gemm},
    {"Conv", pass_conv},            {"ConvTranspose", pass_conv},    {"LayerNormalization", pass_norm},
    {"BatchNormalization", pass_norm}, {"InstanceNormalization", pass_norm}, {"RMSNormalization", pass_norm}, {"Split", pass_split},
};

static visitor visitor_of(const oo_node *node) {
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        if (oo_node_is(node, OPERATORS[i].op))
            return OPERATORS[i].visit;
    return NULL;
}

/* Whether multiplying the value beforehand is the same as multiplying it where it is used. */
static bool walk(folder *f, const oo_value *value, const oo_node *user, unsigned depth) {
    oo_node *const node = value ? oo_value_producer(value) : NULL;
    if (!node || oo_node_graph(node) != oo_node_graph(user))
        return refuse(f, "the operand is made by no operator of the same graph");
    if (oo_value_nuses(value) != 1 || oo_value_is_pinned(value))
        return refuse(f, "a value on the way has other uses");
    if (depth == DEEP)
        return refuse(f, "the way to a constant is too long");
    f->at = value;
    const visitor visit = oo_model_callee(f->model, node) || oo_node_is_opaque(node) ? NULL : visitor_of(node);
    return visit ? visit(f, node, depth + 1) : refuse(f, "an operator on the way is not linear");
}

/* ---- the multiplication ---- */
/* Reads the constant as factors of the result; false when it is not one number, nor one for each index of one axis of `x`. */
static bool read_factor(folder *f, const oo_value *x, const oo_tensor *c, bool divides) {
    const int32_t rank = oo_type_rank(oo_value_type(x));
    const uint32_t own = oo_tensor_rank(c);
    const uint64_t n = oo_tensor_count(c);
    if (rank < 0 || own > (uint32_t)rank || !n || n > UINT32_MAX)
        return oo_miss(f->rw, RULE, f->root, "the operand's rank is unknown, or the constant would raise it");
    f->f = (factor){.n = n};
    for (uint32_t i = 0; i < own; i++) {
        const uint32_t behind = own - 1 - i;
        if (oo_tensor_dims(c)[i] == 1)
            continue;
        if (oo_tensor_dims(c)[i] != (int64_t)n || oo_type_dim(oo_value_type(x), (uint32_t)rank - 1 - behind) != (int64_t)n)
            return oo_miss(f->rw, RULE, f->root, "the constant is neither one number nor one for each index of one axis");
        f->f.behind = behind;
    }
    double *const k = oo_scratch(f->rw, n * sizeof *k);
    if (!oo_tensor_doubles(c, 0, n, k))
        return oo_miss(f->rw, RULE, f->root, "the data of the constant cannot be read");
    const bool half = oo__is_half(oo_tensor_elem(c));
    for (uint64_t i = 0; i < n; i++) {
        k[i] = divides ? 1 / k[i] : k[i];
        if (!isfinite(k[i]) || k[i] == 0 || (half && !(fabs(k[i]) < 0x1p8 && fabs(k[i]) > 0x1p-8)))
            return oo_miss(f->rw, RULE, f->root, "a factor is zero, not finite, or too large or small for 16 bits");
    }
    f->f.k = k;
    return true;
}

/* False when fuel is out. */
static bool rewrite(folder *f, oo_node *node, oo_value *x) {
    if (!oo_begin(f->rw, RULE, node))
        return false;
    for (uint32_t i = 0; i < f->nedits; i++) {
        const edit *const e = &f->edits[i];
        oo_value *const old = oo_node_input(e->node, e->input);
        oo_set_input(f->rw, e->node, e->input, oo_build_const(f->rw, oo_node_graph(e->node), e->tensor, oo_value_name(old)));
    }
    if (!oo_replace(f->rw, oo_node_output(node, 0), x)) {
        oo_abandon(f->rw);
        return true;
    }
    oo_erase(f->rw, node);
    if (!oo__growth_allowed(&f->room, f->rw)) {
        oo_miss(f->rw, RULE, node, "the file would grow by %lld bytes, past the limit", (long long)oo__growth_of_rewrite(f->rw));
        oo_abandon(f->rw);
        return true;
    }
    oo_end(f->rw);
    oo_count(f->rw, "multiplications folded", 1);
    return true;
}

static bool visit(folder *f, oo_node *node) {
    const bool divides = oo_node_is(node, "Div");
    if ((!divides && !oo_node_is(node, "Mul")) || oo_node_ninputs(node) != 2 || oo_graph_opset(oo_node_graph(node), "") < 7)
        return true;
    const uint32_t side = !divides && is_constant(node, 0) ? 0 : 1;
    if (!is_constant(node, side) || is_constant(node, 1 - side))
        return true;
    oo_value *const x = oo_node_input(node, 1 - side);
    const oo_tensor *const c = oo_value_const(oo_node_input(node, side));
    f->root = node;
    f->nedits = 0;
    f->why = NULL;
    if (!oo__is_weight_type(oo_tensor_elem(c)) || oo_value_is_annotated(oo_node_output(node, 0)) || !read_factor(f, x, c, divides))
        return true;
    if (walk(f, x, node, 0))
        return rewrite(f, node, x);
    oo_miss(f->rw, RULE, node, "%s", f->why);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const options *const o = opts;
    folder f = {.rw = rw, .model = model, .scaler = {.rw = rw}, .room = oo__growth_room(model, &o->growth)};
    oo_for_each_graph(graph, model)
        oo_for_each_node(node, graph)
            if (!visit(&f, node))
                return OO_OK;
    return OO_OK;
}

static const oo_option_row rows[] = {OO_GROWTH_OPTIONS(options, growth)};

const oo_pass oo_pass_fold_scales = {
    .size = sizeof(oo_pass),
    .name = "fold-scales",
    .summary = "Take a multiplication by constants into the weights of what made its operand",
    .doc = "Mul and Div by one number, or by one for each index of an axis, go up through values that nothing else uses: operators that move "
           "data, pools, Add and Sub, products and quotients, until constants take the factor: weights and biases of MatMul, Gemm, Conv, "
           "ConvTranspose and normalizations, or operands of Add, Mul and Div. All paths must end in constants, or nothing is changed.\n\n"
           "Factors are applied in double and rounded once. A fold is refused where a constant would not be finite, would vanish, or is large "
           "and shared.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .inexact = true,
    .needs = OO_TYPES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
