#include "passes/filled.h"

#include "ir/ir.h"

#include <math.h>

enum { DEEP = 12, BLOCK = 1024, MOST = 1 << 22 };

static bool filled(double *out, const oo_value *value, unsigned depth);

static bool constant_is(double *out, const oo_tensor *t) {
    double block[BLOCK];
    const uint64_t count = oo_tensor_count(t);
    if (!count || count > MOST || !oo_tensor_doubles(t, 0, 1, out) || isnan(*out))
        return false;
    for (uint64_t first = 0; first < count; first += BLOCK) {
        const uint64_t n = count - first < BLOCK ? count - first : BLOCK;
        if (!oo_tensor_doubles(t, first, n, block))
            return false;
        for (uint64_t i = 0; i < n; i++)
            if (block[i] != *out || signbit(block[i]) != signbit(*out))
                return false;
    }
    return true;
}

static bool from_shape(double *out, const oo_node *node, unsigned depth) {
    (void)depth;
    *out = 0;
    const oo_attr *const value = oo_node_attr(node, "value");
    if (!value)
        return true;
    return !oo_attr_is_reference(value) && oo_attr_kind(value) == OO_ATTR_TENSOR && !value->raw.data && constant_is(out, value->t);
}

static bool from_first(double *out, const oo_node *node, unsigned depth) { return filled(out, oo_node_input(node, 0), depth); }

static bool from_all(double *out, const oo_node *node, unsigned depth) {
    double other;
    if (!filled(out, oo_node_input(node, 0), depth))
        return false;
    for (uint32_t i = 1; i < oo_node_ninputs(node); i++)
        if (!filled(&other, oo_node_input(node, i), depth) || other != *out || signbit(other) != signbit(*out))
            return false;
    return true;
}

static bool from_where(double *out, const oo_node *node, unsigned depth) {
    double condition;
    return filled(&condition, oo_node_input(node, 0), depth) && filled(out, oo_node_input(node, condition != 0 ? 1 : 2), depth);
}

/* Only what is the same number in every type it may come from. */
static bool from_cast(double *out, const oo_node *node, unsigned depth) {
    return from_first(out, node, depth) && (*out == 0 || *out == 1) && !signbit(*out);
}

static const struct {
    const char *op;
    bool (*from)(double *out, const oo_node *node, unsigned depth);
} SOURCES[] = {
    {"ConstantOfShape", from_shape}, {"Expand", from_first},  {"Identity", from_first},  {"Reshape", from_first}, {"Transpose", from_first},
    {"Slice", from_first},           {"Squeeze", from_first}, {"Unsqueeze", from_first}, {"Flatten", from_first}, {"Tile", from_first},
    {"Gather", from_first},          {"Concat", from_all},    {"Where", from_where},     {"Cast", from_cast},
};

static bool filled(double *out, const oo_value *value, unsigned depth) {
    const oo_tensor *const t = value ? oo_value_const(value) : NULL;
    const oo_node *const node = value ? oo_value_producer(value) : NULL;
    if (t || !node || depth == DEEP)
        return t && constant_is(out, t);
    for (size_t i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++)
        if (oo_node_is(node, SOURCES[i].op))
            return !oo_model_callee(oo_graph_model(oo_node_graph(node)), node) && SOURCES[i].from(out, node, depth + 1);
    return false;
}

bool oo__filled_with(double *out, const oo_value *value) { return filled(out, value, 0); }
