/* What suits an operator when a rule is proved: shapes, lists of numbers and attributes that are often legal. Nothing here has to be right:
 * an instance that inference or the evaluator refuses is thrown away. */
#include "passes/rule_prove.h"

#include <string.h>

typedef oo__instance inst;
typedef const oo__operator *oper;

/* ---- shapes ---- */
static int64_t size(inst *in) {
    static const int64_t SIZES[] = {0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5};
    const uint32_t at = oo__pick(&in->dice, sizeof SIZES / sizeof *SIZES);
    return SIZES[at] ? SIZES[at] : oo__chance(&in->dice, 40) ? 0 : 2;
}

static int64_t some(inst *in, int64_t least, int64_t most) { return least + (int64_t)oo__pick(&in->dice, (uint32_t)(most - least + 1)); }

/* A shape that broadcasts with another: some dimensions 1, some leading ones left out. */
static void broadcastable(inst *in, oo__shape *out, const oo__shape *base) {
    const uint32_t cut = oo__chance(&in->dice, 40) && base->rank ? oo__pick(&in->dice, base->rank + 1) : 0;
    out->rank = base->rank - cut;
    for (uint32_t i = 0; i < out->rank; i++)
        out->dims[i] = oo__chance(&in->dice, 25) ? 1 : base->dims[i + cut];
    if (out->rank < 4 && oo__chance(&in->dice, 8)) { /* raises the rank */
        memmove(out->dims + 1, out->dims, out->rank * sizeof *out->dims);
        out->dims[0] = 1;
        out->rank++;
    }
    for (uint32_t i = 0; i < out->rank; i++)
        if (out->dims[i] == 1 && oo__chance(&in->dice, 10))
            out->dims[i] = size(in); /* widens, or clashes */
}

static bool known_shape(inst *in, oper op, uint32_t except, oo__shape *out) {
    for (uint32_t i = 0; i < op->nargs; i++)
        if (i != except && oo__instance_shape(in, op, i, out))
            return true;
    return false;
}

static bool add_extra(inst *in, const char *name, oo__term value) {
    for (uint32_t i = 0; i < in->nextra; i++)
        if (strcmp(in->extra[i].name, name) == 0)
            return false;
    if (in->nextra < 32)
        in->extra[in->nextra++] = (oo__set_attr){.name = name, .value = value};
    return true;
}

static bool default_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    oo__shape other;
    const bool elementwise = op->schema && (op->schema->traits & OO_TRAIT_ELEMENTWISE) && op->nargs > 1;
    if (!known_shape(in, op, index, &other))
        other = in->base;
    *out = other;
    if (elementwise)
        broadcastable(in, out, &other);
    if (elementwise && op->args[index]->is_const && oo__chance(&in->dice, 35))
        out->rank = 0;
    return true;
}

static bool same_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (!known_shape(in, op, index, out))
        *out = in->base;
    return true;
}

static bool scalar_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (index == 0)
        return default_shape(in, op, index, out);
    out->rank = 0;
    return true;
}

/* [N, C, d..] */
static void image(inst *in, oo__shape *out) {
    out->rank = 3 + oo__pick(&in->dice, 2);
    out->dims[0] = some(in, oo__chance(&in->dice, 5) ? 0 : 1, 2);
    out->dims[1] = some(in, 1, 4);
    for (uint32_t i = 2; i < out->rank; i++)
        out->dims[i] = some(in, 1, 5);
}

static oo__term list(inst *in, const int64_t *ints, uint32_t count) {
    oo__term *const items = oo__term_items(in->run, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = oo__term_int(ints[i]);
    return oo__term_list(items, count);
}

/* Weights of a convolution that keeps channels and sizes. */
static bool keeping_weights(inst *in, const oo__shape *x, oo__shape *out) {
    static const int64_t ONES[OO__DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    int64_t pads[2 * OO__DIMS];
    *out = (oo__shape){.rank = x->rank, .dims = {x->dims[1], x->dims[1]}};
    const uint32_t n = x->rank - 2;
    for (uint32_t i = 0; i < n; i++) {
        pads[i] = some(in, 0, 1);
        pads[n + i] = some(in, 0, 1);
        out->dims[2 + i] = pads[i] + pads[n + i] + 1;
    }
    add_extra(in, "group", oo__term_int(1));
    add_extra(in, "pads", list(in, pads, 2 * n));
    add_extra(in, "strides", list(in, ONES, n));
    return add_extra(in, "dilations", list(in, ONES, n));
}

static bool conv_like(inst *in, oper op, uint32_t index, oo__shape *out, bool transposed) {
    oo__shape x, w;
    if (index == 0) {
        image(in, out);
        return true;
    }
    if (!oo__instance_shape(in, op, 0, &x) || x.rank < 3)
        return false;
    if (index == 1 && !transposed && oo__chance(&in->dice, 15))
        return keeping_weights(in, &x, out);
    if (index == 1) {
        const int64_t channels = x.dims[1], group = channels > 1 && oo__chance(&in->dice, 40) ? channels : channels % 2 == 0 && oo__chance(&in->dice, 30) ? 2 : 1;
        const int64_t each = some(in, 1, 2);
        out->rank = x.rank;
        out->dims[0] = transposed ? channels : each * group;
        out->dims[1] = transposed ? each : group ? channels / group : channels;
        for (uint32_t i = 2; i < x.rank; i++)
            out->dims[i] = some(in, 1, x.dims[i] < 3 ? x.dims[i] : 3);
        add_extra(in, "group", oo__term_int(group ? group : 1));
        return true;
    }
    if (!oo__instance_shape(in, op, 1, &w))
        return false;
    int64_t group = 1;
    for (uint32_t i = 0; i < in->nextra; i++)
        if (strcmp(in->extra[i].name, "group") == 0)
            group = in->extra[i].value.number;
    *out = (oo__shape){.rank = 1, .dims = {transposed ? w.dims[1] * group : w.dims[0]}};
    return true;
}

static bool conv_shape(inst *in, oper op, uint32_t index, oo__shape *out) { return conv_like(in, op, index, out, false); }
static bool conv_transpose_shape(inst *in, oper op, uint32_t index, oo__shape *out) { return conv_like(in, op, index, out, true); }

static bool channels_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    oo__shape x;
    if (index == 0) {
        image(in, out);
        return true;
    }
    if (!oo__instance_shape(in, op, 0, &x) || x.rank < 2)
        return false;
    *out = (oo__shape){.rank = 1, .dims = {x.dims[1]}};
    return true;
}

static bool image_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    (void)op;
    (void)index;
    image(in, out);
    return true;
}

static bool matmul_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    oo__shape other;
    const bool known = oo__instance_shape(in, op, 1 - (index & 1), &other);
    out->rank = oo__chance(&in->dice, 60) ? 2 : 1 + oo__pick(&in->dice, 3);
    for (uint32_t i = 0; i < out->rank; i++)
        out->dims[i] = size(in);
    if (!known || !other.rank)
        return true;
    if (index == 0)
        out->dims[out->rank - 1] = other.dims[other.rank >= 2 ? other.rank - 2 : 0];
    else
        out->dims[out->rank >= 2 ? out->rank - 2 : 0] = other.dims[other.rank - 1];
    for (uint32_t i = 2; i < out->rank && i < other.rank; i++)
        out->dims[out->rank - 1 - i] = oo__chance(&in->dice, 70) ? other.dims[other.rank - 1 - i] : 1;
    return true;
}

static bool gemm_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    oo__shape a, b;
    if (index < 2) {
        (void)matmul_shape(in, op, index, out);
        out->rank = 2;
        if (oo__instance_shape(in, op, 1 - index, &a) && a.rank == 2) {
            out->dims[0] = index ? a.dims[1] : size(in);
            out->dims[1] = index ? size(in) : a.dims[0];
        }
        return true;
    }
    if (!oo__instance_shape(in, op, 0, &a) || !oo__instance_shape(in, op, 1, &b) || a.rank != 2 || b.rank != 2)
        return false;
    const oo__shape full = {.rank = 2, .dims = {a.dims[0], b.dims[1]}};
    broadcastable(in, out, &full);
    return true;
}

static bool concat_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (in->mode < 15 && op->args[index]->kind == OO__AST_VALUE) { /* numbers beside each other */
        in->axis = 0;
        *out = (oo__shape){.rank = 1, .dims = {1}};
        return true;
    }
    if (!known_shape(in, op, index, out)) {
        *out = in->base;
        if (!out->rank)
            *out = (oo__shape){.rank = 1, .dims = {size(in)}};
    }
    if (in->axis == INT64_MIN || in->axis >= out->rank)
        in->axis = out->rank ? oo__pick(&in->dice, out->rank) : 0;
    if (out->rank)
        out->dims[in->axis] = size(in);
    return true;
}

/* Indices [n, 1] and updates of whole rows, or anything. */
static bool scatter_nd_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    oo__shape x, i;
    if (index == 0)
        return default_shape(in, op, index, out);
    if (!oo__instance_shape(in, op, 0, &x) || !x.rank)
        return false;
    if (index == 1) {
        *out = (oo__shape){.rank = 2, .dims = {oo__chance(&in->dice, 60) ? x.dims[0] : size(in), 1}};
        return true;
    }
    if (!oo__instance_shape(in, op, 1, &i) || i.rank != 2)
        return false;
    *out = x;
    out->dims[0] = i.dims[0];
    return true;
}

/* A mask for the first dimension of what is gathered. */
static bool mask_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (!in->base.rank || oo__chance(&in->dice, 30))
        return default_shape(in, op, index, out);
    *out = (oo__shape){.rank = 1, .dims = {in->base.dims[0]}};
    return true;
}

static bool gathered_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (index)
        return default_shape(in, op, index, out);
    *out = in->base;
    return out->rank > 0;
}

static bool list_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (index == 0)
        return default_shape(in, op, index, out);
    *out = (oo__shape){.rank = 0};
    return true;
}

static bool indices_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    if (index == 0)
        return default_shape(in, op, index, out);
    out->rank = oo__pick(&in->dice, 3);
    for (uint32_t i = 0; i < out->rank; i++)
        out->dims[i] = some(in, 1, 3);
    return true;
}

static bool last_axis_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    oo__shape x;
    if (index == 0)
        return default_shape(in, op, index, out);
    if (!oo__instance_shape(in, op, 0, &x) || !x.rank)
        return false;
    *out = (oo__shape){.rank = 1, .dims = {x.dims[x.rank - 1]}};
    return true;
}

/* x [T, N, I], W [D, G*H, I], R [D, G*H, H], B [D, 2*G*H], sequence_lens [N], states [D, N, H]; one direction. */
static bool recurrent(inst *in, oper op, uint32_t index, oo__shape *out, int64_t gates) {
    oo__shape x, r;
    if (index == 0) {
        *out = (oo__shape){.rank = 3, .dims = {some(in, 1, 3), some(in, 1, 2), some(in, 1, 3)}};
        return true;
    }
    if (!oo__instance_shape(in, op, 0, &x) || x.rank != 3)
        return false;
    if (!oo__instance_shape(in, op, 2, &r) || r.rank != 3)
        r = (oo__shape){.rank = 3, .dims = {1, 0, some(in, 1, 3)}};
    if (index == 1 && oo__instance_shape(in, op, 1, out))
        return true;
    const int64_t hidden = in->hidden ? in->hidden : (in->hidden = r.dims[2]);
    const oo__shape shapes[] = {{.rank = 3, .dims = {1, gates * hidden, x.dims[2]}}, {.rank = 3, .dims = {1, gates * hidden, hidden}},
                                {.rank = 2, .dims = {1, 2 * gates * hidden}},        {.rank = 1, .dims = {x.dims[1]}},
                                {.rank = 3, .dims = {1, x.dims[1], hidden}},         {.rank = 3, .dims = {1, x.dims[1], hidden}}};
    if (index > sizeof shapes / sizeof *shapes)
        return false;
    *out = shapes[index - 1];
    add_extra(in, "hidden_size", oo__term_int(hidden));
    return true;
}

static bool rnn_shape(inst *in, oper op, uint32_t index, oo__shape *out) { return recurrent(in, op, index, out, 1); }
static bool gru_shape(inst *in, oper op, uint32_t index, oo__shape *out) { return recurrent(in, op, index, out, 3); }
static bool lstm_shape(inst *in, oper op, uint32_t index, oo__shape *out) { return recurrent(in, op, index, out, 4); }

static const struct {
    const char *op;
    bool (*function)(inst *in, oper op, uint32_t index, oo__shape *out);
} SHAPES[] = {
    {"AveragePool", image_shape},
    {"BatchNormalization", channels_shape},
    {"Clip", scalar_shape},
    {"Concat", concat_shape},
    {"Conv", conv_shape},
    {"ConvTranspose", conv_transpose_shape},
    {"DepthToSpace", image_shape},
    {"Dropout", scalar_shape},
    {"Gather", indices_shape},
    {"GRU", gru_shape},
    {"GatherElements", same_shape},
    {"GatherND", gathered_shape},
    {"Gemm", gemm_shape},
    {"GlobalAveragePool", image_shape},
    {"GlobalMaxPool", image_shape},
    {"GroupNormalization", channels_shape},
    {"InstanceNormalization", channels_shape},
    {"LSTM", lstm_shape},
    {"LayerNormalization", last_axis_shape},
    {"MatMul", matmul_shape},
    {"MaxPool", image_shape},
    {"NonZero", mask_shape},
    {"Pad", scalar_shape},
    {"RMSNormalization", last_axis_shape},
    {"RNN", rnn_shape},
    {"ScatterND", scatter_nd_shape},
    {"SequenceAt", list_shape},
    {"SpaceToDepth", image_shape},
    {"SplitToSequence", list_shape},
};

bool oo__recipe_shape(inst *in, oper op, uint32_t index, oo__shape *out) {
    for (size_t i = 0; !*op->domain && i < sizeof SHAPES / sizeof *SHAPES; i++)
        if (strcmp(SHAPES[i].op, op->names[0]) == 0)
            return SHAPES[i].function(in, op, index, out);
    return default_shape(in, op, index, out);
}

/* ---- lists of numbers ---- */
static uint32_t some_axes(inst *in, uint32_t rank, int64_t *out, bool ones, const oo__shape *data) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < rank; i++) {
        const bool wanted = ones ? data->dims[i] == 1 && oo__chance(&in->dice, 70) : oo__chance(&in->dice, 40);
        if (wanted)
            out[n++] = oo__chance(&in->dice, 30) ? (int64_t)i - (int64_t)rank : i;
    }
    if (!n && rank && !ones)
        out[n++] = oo__pick(&in->dice, rank);
    for (uint32_t i = n; i > 1 && oo__chance(&in->dice, 20); i--) { /* now and then in another order */
        const uint32_t k = oo__pick(&in->dice, i);
        const int64_t other = out[k];
        out[k] = out[i - 1];
        out[i - 1] = other;
    }
    return n;
}

static bool axes_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data))
        return false;
    *shape = (oo__shape){.rank = 1, .dims = {some_axes(in, data.rank, out, false, &data)}};
    return true;
}

static bool squeeze_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data))
        return false;
    *shape = (oo__shape){.rank = 1, .dims = {some_axes(in, data.rank, out, true, &data)}};
    return true;
}

static bool unsqueeze_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data) || data.rank > 4)
        return false;
    const uint32_t more = 1 + oo__pick(&in->dice, 2);
    uint32_t n = 0;
    const uint32_t first = oo__pick(&in->dice, data.rank + 1);
    for (uint32_t i = 0; i < more; i++)
        out[n++] = oo__chance(&in->dice, 30) ? (int64_t)(first + i) - (int64_t)(data.rank + more) : first + i;
    *shape = (oo__shape){.rank = 1, .dims = {n}};
    return true;
}

/* All dimensions but the last in one, or such a one spread to what it came from. */
static bool flat_ints(inst *in, const oo__shape *data, oo__shape *shape, int64_t *out) {
    const uint32_t rank = in->base.rank;
    if (data->rank < 2 || !oo__chance(&in->dice, 45))
        return false;
    if (data->rank > 2) {
        out[0] = -1;
        out[1] = data->dims[data->rank - 1];
        *shape = (oo__shape){.rank = 1, .dims = {2}};
        return true;
    }
    for (uint32_t i = 0; i + 1 < rank; i++)
        out[i] = in->base.dims[i];
    if (rank)
        out[rank - 1] = data->dims[1];
    *shape = (oo__shape){.rank = 1, .dims = {rank}};
    return rank > 2;
}

static bool reshape_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data))
        return false;
    if (flat_ints(in, &data, shape, out))
        return true;
    int64_t count = 1, left;
    for (uint32_t i = 0; i < data.rank; i++)
        count *= data.dims[i];
    left = count;
    const uint32_t rank = oo__chance(&in->dice, 35) ? data.rank : 1 + oo__pick(&in->dice, 4);
    const bool same = rank == data.rank && oo__chance(&in->dice, 50);
    for (uint32_t i = 0; i < rank; i++) {
        int64_t d = same ? data.dims[i] : i + 1 == rank ? left : some(in, 1, 4);
        if (!same && d && left % d)
            d = 1;
        out[i] = d;
        left = d ? left / d : 0;
        if (i < data.rank && out[i] == data.dims[i] && oo__chance(&in->dice, 25))
            out[i] = 0;
    }
    if (rank && oo__chance(&in->dice, 40))
        out[oo__pick(&in->dice, rank)] = -1;
    *shape = (oo__shape){.rank = 1, .dims = {rank}};
    return true;
}

static bool expand_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data, target;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data))
        return false;
    target = data;
    if (oo__chance(&in->dice, 50))
        broadcastable(in, &target, &data);
    for (uint32_t i = 0; i < target.rank; i++)
        out[i] = target.dims[i] == 1 && oo__chance(&in->dice, 25) ? size(in) : target.dims[i];
    *shape = (oo__shape){.rank = 1, .dims = {target.rank}};
    return true;
}

static bool tile_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data))
        return false;
    const bool ones = oo__chance(&in->dice, 50);
    for (uint32_t i = 0; i < data.rank; i++)
        out[i] = ones ? 1 : some(in, oo__chance(&in->dice, 10) ? 0 : 1, 2);
    *shape = (oo__shape){.rank = 1, .dims = {data.rank}};
    return true;
}

static bool pad_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data) || data.rank > 4)
        return false;
    const bool none = oo__chance(&in->dice, 35), cuts = oo__chance(&in->dice, 20);
    for (uint32_t i = 0; i < 2 * data.rank; i++)
        out[i] = none ? 0 : some(in, cuts ? -1 : 0, 2);
    *shape = (oo__shape){.rank = 1, .dims = {2 * data.rank}};
    return true;
}

/* Starts, ends, axes and steps over all axes, or over some where axes stand in the pattern. */
static bool slice_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data, first;
    if (index < 1 || index > 4 || !oo__instance_shape(in, op, 0, &data))
        return false;
    uint32_t n = data.rank;
    if (oo__instance_shape(in, op, 1, &first) && first.rank == 1)
        n = (uint32_t)first.dims[0];
    else if (op->nargs > 3 && data.rank && oo__chance(&in->dice, 70))
        n = oo__chance(&in->dice, 60) ? 1 : 1 + oo__pick(&in->dice, data.rank);
    const bool whole = in->mode < 50, backwards = in->mode >= 85;
    for (uint32_t i = 0; i < n && i < data.rank; i++) {
        const int64_t d = data.dims[i];
        switch (index) {
        case 1: out[i] = whole || in->mode < 65 ? 0 : backwards ? -1 : some(in, -d, d); break;
        case 2: out[i] = whole ? (oo__chance(&in->dice, 50) ? INT64_MAX : d) : backwards ? -INT64_MAX : some(in, in->mode < 75 ? 0 : -d, d + 2); break;
        case 3: out[i] = oo__chance(&in->dice, 20) ? (int64_t)i - data.rank : i; break;
        default: out[i] = backwards ? -1 : whole || oo__chance(&in->dice, 50) ? 1 : oo__chance(&in->dice, 50) ? 2 : -1; break;
        }
    }
    *shape = (oo__shape){.rank = 1, .dims = {n}};
    return true;
}

/* All indices of an axis, in some order. */
static bool all_indices(inst *in, const oo__shape *data, oo__shape *shape, int64_t *out) {
    in->axis = data->rank > 1 && oo__chance(&in->dice, 60) ? 1 : oo__pick(&in->dice, data->rank);
    const uint32_t n = (uint32_t)data->dims[in->axis];
    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t i = n; i > 1 && in->mode < 15; i--) {
        const uint32_t k = oo__pick(&in->dice, i);
        const int64_t other = out[k];
        out[k] = out[i - 1];
        out[i - 1] = other;
    }
    *shape = (oo__shape){.rank = 1, .dims = {n}};
    return true;
}

static bool index_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data))
        return false;
    if (data.rank && in->mode < 30 && strcmp(op->names[0], "Gather") == 0)
        return all_indices(in, &data, shape, out);
    if (!oo__recipe_shape(in, op, index, shape))
        return false;
    int64_t least = 4, count = 1;
    for (uint32_t i = 0; i < data.rank; i++)
        least = data.dims[i] < least ? data.dims[i] : least;
    for (uint32_t i = 0; i < shape->rank; i++)
        count *= shape->dims[i];
    for (int64_t i = 0; i < count && i < 64; i++)
        out[i] = least ? some(in, -least, least - 1) : 0;
    return count <= 64;
}

static bool split_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape data;
    if (index != 1 || !oo__instance_shape(in, op, 0, &data) || !data.rank)
        return false;
    const bool free = op->many || strcmp(op->names[0], "Split") != 0;
    const uint32_t parts = free ? 1 + oo__pick(&in->dice, 3) : op->nresults;
    if (in->axis == INT64_MIN || in->axis >= data.rank)
        in->axis = oo__pick(&in->dice, data.rank);
    int64_t left = data.dims[in->axis];
    for (uint32_t i = 0; i < parts; i++) {
        out[i] = i + 1 == parts ? left : left ? some(in, 0, left) : 0;
        left -= out[i];
    }
    *shape = (oo__shape){.rank = 1, .dims = {parts}};
    return true;
}

static bool one_int(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    (void)op;
    if (index != 1)
        return false;
    *shape = (oo__shape){.rank = 1, .dims = {1}};
    out[0] = some(in, 1, 3);
    return true;
}

static bool rows_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    oo__shape x;
    if (index != 1 || !oo__instance_shape(in, op, 0, &x) || !oo__recipe_shape(in, op, index, shape))
        return false;
    const bool in_order = oo__chance(&in->dice, 60);
    for (int64_t i = 0; i < shape->dims[0]; i++)
        out[i] = in_order ? i : x.dims[0] ? some(in, -x.dims[0], x.dims[0] - 1) : 0;
    return true;
}

static bool item_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    *shape = (oo__shape){.rank = 0};
    out[0] = some(in, -2, 2);
    return index == 1 && op;
}

/* One size for all parts, or the size of each. */
static bool parts_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    if (oo__chance(&in->dice, 50))
        return split_ints(in, op, index, shape, out);
    *shape = (oo__shape){.rank = 0};
    out[0] = some(in, 1, 2);
    return index == 1;
}

static const struct {
    const char *op;
    bool (*function)(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out);
} INTS[] = {
    {"Expand", expand_ints},        {"Gather", index_ints},      {"GatherElements", index_ints}, {"Pad", pad_ints},
    {"ReduceL1", axes_ints},        {"ReduceL2", axes_ints},     {"ReduceLogSum", axes_ints},    {"ReduceLogSumExp", axes_ints},
    {"ReduceMax", axes_ints},       {"ReduceMean", axes_ints},   {"ReduceMin", axes_ints},       {"ReduceProd", axes_ints},
    {"ReduceSum", axes_ints},       {"ReduceSumSquare", axes_ints}, {"Reshape", reshape_ints},   {"ScatterND", rows_ints},
    {"SequenceAt", item_ints},      {"Slice", slice_ints},       {"SplitToSequence", parts_ints},
    {"Split", split_ints},          {"Squeeze", squeeze_ints},   {"Tile", tile_ints},            {"TopK", one_int},
    {"Unsqueeze", unsqueeze_ints},
};

bool oo__recipe_ints(inst *in, oper op, uint32_t index, oo__shape *shape, int64_t *out) {
    for (size_t i = 0; !*op->domain && i < sizeof INTS / sizeof *INTS; i++)
        if (strcmp(INTS[i].op, op->names[0]) == 0)
            return INTS[i].function(in, op, index, shape, out);
    return false;
}

/* ---- attributes ---- */
static oo__term permutation(inst *in, uint32_t rank) {
    int64_t perm[OO__DIMS];
    for (uint32_t i = 0; i < rank; i++)
        perm[i] = i;
    for (uint32_t i = rank; i > 1 && !oo__chance(&in->dice, 10); i--) {
        const uint32_t k = oo__pick(&in->dice, i);
        const int64_t other = perm[k];
        perm[k] = perm[i - 1];
        perm[i - 1] = other;
    }
    return list(in, perm, rank);
}

static oo__term word(inst *in, const char *const *words, uint32_t count) {
    return (oo__term){.sort = OO__SORT_STRING, .string = words[oo__pick(&in->dice, count)]};
}

static oo__term string_attr(inst *in, oper op, const char *name) {
    static const char *const PADDING[] = {"NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    static const char *const FRAMES[] = {"constant", "constant", "edge", "reflect", "wrap"};
    static const char *const GELU[] = {"none", "tanh"};
    static const char *const BLOCKS[] = {"DCR", "CRD"};
    static const char *const SAMPLING[] = {"nearest", "linear", "cubic"};
    static const char *const PLACES[] = {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_crop_and_resize"};
    static const char *const REDUCTIONS[] = {"none", "add", "mul", "min", "max"};
    if (strcmp(name, "auto_pad") == 0)
        return word(in, PADDING, 5);
    if (strcmp(name, "mode") == 0 && strcmp(op->names[0], "Pad") == 0)
        return word(in, FRAMES, 5);
    if (strcmp(name, "mode") == 0 && strcmp(op->names[0], "DepthToSpace") == 0)
        return word(in, BLOCKS, 2);
    if (strcmp(name, "mode") == 0 && strcmp(op->names[0], "Resize") == 0)
        return word(in, SAMPLING, 3);
    if (strcmp(name, "coordinate_transformation_mode") == 0)
        return word(in, PLACES, 5);
    if (strcmp(name, "approximate") == 0)
        return word(in, GELU, 2);
    return strcmp(name, "reduction") == 0 ? word(in, REDUCTIONS, 5) : oo__unknown();
}

static oo__term spatial(inst *in, const oo__shape *x, uint32_t times, int64_t least, int64_t most) {
    int64_t ints[2 * OO__DIMS];
    const uint32_t n = x->rank < 2 ? 0 : (x->rank - 2) * times;
    const bool least_only = oo__chance(&in->dice, 25);
    for (uint32_t i = 0; i < n; i++)
        ints[i] = least_only ? least : some(in, least, most);
    return list(in, ints, n);
}

static oo__term ints_attr(inst *in, oper op, const char *name) {
    oo__shape x = in->base, w;
    int64_t axes[OO__DIMS];
    (void)oo__instance_shape(in, op, 0, &x);
    if (strcmp(name, "perm") == 0)
        return permutation(in, x.rank);
    if (strcmp(name, "axes") == 0)
        return list(in, axes, some_axes(in, x.rank, axes, false, &x));
    if (strcmp(name, "pads") == 0)
        return spatial(in, &x, 2, 0, 1);
    if (strcmp(name, "strides") == 0 || strcmp(name, "dilations") == 0)
        return spatial(in, &x, 1, 1, 2);
    if (strcmp(name, "kernel_shape") == 0 && op->nargs > 1 && oo__instance_shape(in, op, 1, &w) && w.rank >= 2)
        return list(in, w.dims + 2, w.rank - 2);
    if (strcmp(name, "kernel_shape") == 0)
        return spatial(in, &x, 1, 1, 2);
    return oo__unknown();
}

/* A type to convert to: often one that is there already, so that conversions meet. */
static oo_elem target_type(inst *in, oper op) {
    static const oo_elem TYPES[] = {OO_FLOAT, OO_DOUBLE, OO_FLOAT16, OO_BFLOAT16, OO_INT64, OO_INT32, OO_INT8, OO_UINT8, OO_BOOL, OO_UINT16, OO_INT16, OO_UINT32};
    const oo__operand data = oo__instance_operand(in, op, 0);
    if (oo__operand_elem(&data) != OO_UNDEFINED && oo__chance(&in->dice, 30))
        return oo__operand_elem(&data);
    for (int i = oo__chance(&in->dice, 60) ? 0 : 8; i < 8; i++) {
        const uint32_t slot = oo__pick(&in->dice, in->rule->nslots);
        if ((in->run->bound >> slot & 1) && oo__operand_elem(&in->run->values[slot]) != OO_UNDEFINED)
            return oo__operand_elem(&in->run->values[slot]);
    }
    return TYPES[oo__pick(&in->dice, sizeof TYPES / sizeof *TYPES)];
}

static oo__term int_attr(inst *in, oper op, const char *name) {
    static const char *const FLAGS[] = {"keepdims", "transA",  "transB",    "allowzero",         "noop_with_empty_axes", "count_include_pad",
                                        "ceil_mode", "exclusive", "reverse", "select_last_index", "largest",              "sorted"};
    oo__shape x = in->base;
    (void)oo__instance_shape(in, op, 0, &x);
    if (strcmp(name, "axis") == 0) {
        if (in->axis != INT64_MIN && oo__chance(&in->dice, 80))
            return oo__term_int(oo__chance(&in->dice, 30) ? in->axis - x.rank : in->axis);
        if (x.rank && op->nargs == 2 && oo__chance(&in->dice, 30))
            return oo__term_int(0);
        return oo__term_int(x.rank ? some(in, -(int64_t)x.rank, (int64_t)x.rank - 1) : 0);
    }
    if (strcmp(name, "to") == 0)
        return oo__term_type(target_type(in, op));
    if (strcmp(name, "blocksize") == 0)
        return oo__term_int(some(in, 1, 2));
    if (strcmp(name, "start") == 0 || strcmp(name, "end") == 0)
        return oo__term_int(some(in, -3, 4));
    if (strcmp(name, "group") == 0)
        return oo__term_int(1);
    if (strcmp(name, "num_groups") == 0)
        return oo__term_int(some(in, 1, 2));
    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++)
        if (strcmp(name, FLAGS[i]) == 0)
            return oo__term_int(oo__pick(&in->dice, 2));
    return oo__unknown();
}

static oo__term float_attr(inst *in, const char *name) {
    static const double NUMBERS[] = {0.5, 1, 2, -1, 0, 0.25, 1.702, 3};
    static const double SMALL[] = {1e-5, 1e-3, 0.1, 1e-6, 0};
    if (strcmp(name, "epsilon") == 0)
        return oo__term_float((double)(float)SMALL[oo__pick(&in->dice, 5)]);
    if (strcmp(name, "momentum") == 0)
        return oo__unknown();
    return oo__term_float((double)(float)NUMBERS[oo__pick(&in->dice, 8)]);
}

oo__term oo__recipe_attr(inst *in, oper op, const oo_schema_attr *attr) {
    for (uint32_t i = 0; i < in->nextra; i++)
        if (strcmp(in->extra[i].name, attr->name) == 0)
            return in->extra[i].value;
    switch (attr->type) {
    case OO_ATTR_INT: return int_attr(in, op, attr->name);
    case OO_ATTR_INTS: return ints_attr(in, op, attr->name);
    case OO_ATTR_FLOAT: return float_attr(in, attr->name);
    case OO_ATTR_STRING: return string_attr(in, op, attr->name);
    default: return oo__unknown();
    }
}
