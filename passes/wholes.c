#include "passes/wholes.h"

/* The producer if it is this operator with that many inputs, else NULL. */
static const oo_node *made_by(const oo_value *value, const char *op, uint32_t ninputs) {
    const oo_node *const node = value ? oo_value_producer(value) : NULL;
    return node && oo_node_is(node, op) && oo_node_ninputs(node) >= ninputs ? node : NULL;
}

static const oo_tensor *constant_input(const oo_node *node, uint32_t input) {
    const oo_value *const value = oo_node_input(node, input);
    return value ? oo_value_const(value) : NULL;
}

static bool is_number(const oo_tensor *t, double number) {
    double found;
    return t && oo_tensor_count(t) == 1 && oo_tensor_doubles(t, 0, 1, &found) && found == number;
}

/* The operand beside this constant number; NULL where there is none. */
static const oo_value *beside_number(const oo_node *node, double number) {
    for (uint32_t i = 0; i < 2; i++)
        if (is_number(constant_input(node, i), number))
            return oo_node_input(node, 1 - i);
    return NULL;
}

/* ---- Gelu ---- */
static bool is_one_and_curve(const oo_value *value) {
    const oo_node *const sum = made_by(value, "Add", 2);
    const oo_value *const curve = sum ? beside_number(sum, 1) : NULL;
    return made_by(curve, "Erf", 1) || made_by(curve, "Tanh", 1);
}

bool oo__closes_gelu(const oo_value *value) {
    const oo_node *const half = made_by(value, "Mul", 2);
    const oo_node *const product = half ? made_by(beside_number(half, 0.5), "Mul", 2) : NULL;
    return product && (is_one_and_curve(oo_node_input(product, 0)) || is_one_and_curve(oo_node_input(product, 1)));
}

/* ---- normalizations ---- */
static bool is_root_of_mean(const oo_value *value) {
    const oo_node *const root = made_by(value, "Sqrt", 1);
    const oo_node *const sum = root ? made_by(oo_node_input(root, 0), "Add", 2) : NULL;
    if (!sum)
        return false;
    for (uint32_t i = 0; i < 2; i++)
        if (made_by(oo_node_input(sum, i), "ReduceMean", 1) && constant_input(sum, 1 - i))
            return true;
    return false;
}

/* d of d / sqrt(...), also where the root's reciprocal is the factor; NULL where the value is something else. */
static const oo_value *normalized(const oo_value *value) {
    const oo_node *const quotient = made_by(value, "Div", 2), *const product = made_by(value, "Mul", 2);
    if (quotient)
        return is_root_of_mean(oo_node_input(quotient, 1)) ? oo_node_input(quotient, 0) : NULL;
    for (uint32_t i = 0; product && i < 2; i++) {
        const oo_node *const reciprocal = made_by(oo_node_input(product, i), "Reciprocal", 1);
        if (reciprocal && is_root_of_mean(oo_node_input(reciprocal, 0)))
            return oo_node_input(product, 1 - i);
    }
    return NULL;
}

/* The operand beside a constant vector. */
static const oo_value *beside_vector(const oo_node *node) {
    for (uint32_t i = 0; node && i < 2; i++) {
        const oo_tensor *const t = constant_input(node, i);
        if (t && oo_tensor_rank(t) == 1)
            return oo_node_input(node, 1 - i);
    }
    return NULL;
}

bool oo__closes_normalization(const oo_value *value) {
    if (normalized(beside_vector(made_by(value, "Mul", 2))))
        return true;
    const oo_value *const scaled = beside_vector(made_by(value, "Add", 2));
    const oo_node *const deviation = made_by(normalized(beside_vector(made_by(scaled, "Mul", 2))), "Sub", 2);
    return deviation && made_by(oo_node_input(deviation, 1), "ReduceMean", 1);
}
