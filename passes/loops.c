#include "passes/loops.h"

#include "passes/branches.h"
#include "passes/permutation.h"

#include <string.h>

/* ---- the parts of a loop ---- */
static bool has_defaults(const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        if (graph->inputs.data[i].value->init || graph->inputs.data[i].value->sparse_init)
            return true;
    return false;
}

/* Count and condition, then states; the body returns the condition first. */
static bool read_loop(oo_loop *out) {
    if (out->node->ninputs < 2)
        return false;
    out->input = out->body_input = 2;
    out->body_output = 1;
    out->states = out->node->ninputs - 2;
    return true;
}

/* States, then what is scanned. */
static bool read_scan(oo_loop *out) {
    out->scan = true;
    if (oo_graph_opset(out->node->graph, "") < 9 || !oo_node_int(&out->scanned, out->node, "num_scan_inputs", 0) || out->scanned < 1 ||
        out->scanned > (int64_t)out->node->ninputs)
        return false;
    out->states = out->node->ninputs - (uint32_t)out->scanned;
    return true;
}

bool oo__read_loop(oo_loop *out, oo_node *node) {
    const bool loop = oo_node_is(node, "Loop");
    if (!loop && !oo_node_is(node, "Scan"))
        return false;
    *out = (oo_loop){.node = node, .body = oo__graph_attr(node, "body")};
    if (!out->body || has_defaults(out->body) || !(loop ? read_loop(out) : read_scan(out)))
        return false;
    for (uint32_t i = 0; i < out->states; i++)
        if (!node->inputs[out->input + i].value)
            return false;
    return out->body->inputs.n == node->ninputs && out->body->outputs.n == node->noutputs + out->body_output && node->noutputs >= out->states;
}

/* ---- how often ---- */
/* The number that the value surely is; false when it depends on data. */
static bool known_number(int64_t *out, const oo_value *value) {
    const oo_tensor *const tensor = oo_value_const(value);
    if (tensor)
        return oo_tensor_elem(tensor) == OO_INT64 && oo_tensor_count(tensor) == 1 && oo_tensor_read(tensor, 0, 1, out);
    const oo_known *const known = value->known;
    return known && known->count == 1 && known->items[0].numerator && known->items[0].denominator == 1 && oo__expr_is_int(known->items[0].numerator, out);
}

static int64_t least_number(const oo_value *value) {
    int64_t number;
    if (known_number(&number, value))
        return number;
    const oo_known *const known = value->known;
    const bool whole = known && known->count == 1 && known->items[0].numerator && known->items[0].denominator == 1;
    return whole ? oo__expr_low(known->items[0].numerator) : INT64_MIN;
}

static bool scans_something(const oo_loop *loop) {
    const oo_value *const value = loop->node->inputs[loop->states].value;
    const int64_t *axes;
    uint32_t n;
    if (!value || !oo_node_ints(&axes, &n, loop->node, "scan_input_axes"))
        return false;
    const int32_t rank = oo_type_rank(value->type);
    int64_t axis = n ? axes[0] : 0;
    axis += axis < 0 ? rank : 0;
    return rank > 0 && axis >= 0 && axis < rank && value->type->dims[axis].expr && oo__expr_low(value->type->dims[axis].expr) >= 1;
}

bool oo__runs_once(const oo_loop *loop) {
    if (loop->scan)
        return scans_something(loop);
    const oo_value *const count = loop->node->inputs[0].value, *const go = loop->node->inputs[1].value;
    return (!go || oo__truth_of(go) == OO_YES) && (!count || least_number(count) >= 1);
}

/* What the body says of going on: always, never, or it depends. Its own condition is true whenever it runs. */
static oo_answer goes_on(const oo_loop *loop) {
    const oo_value *const go = oo__handed_on(loop->body->outputs.data[0].value, loop->body);
    return go == loop->body->inputs.data[1].value ? OO_YES : oo__truth_of(go);
}

int64_t oo__trip_count(const oo_loop *loop) {
    const oo_value *const count = loop->node->inputs[0].value, *const go = loop->node->inputs[1].value;
    const oo_answer first = go ? oo__truth_of(go) : OO_YES, then = goes_on(loop);
    int64_t n = INT64_MAX;
    const bool counted = !count || known_number(&n, count);
    if (first == OO_NO || (counted && n <= 0))
        return 0;
    if (first != OO_YES)
        return -1;
    if (then == OO_NO && (!count || least_number(count) >= 1))
        return 1;
    return counted && count && (n == 1 || then == OO_YES) ? n : -1;
}

/* ---- what cannot fail ---- */
/* Operators that take whatever has the right element type, one element at a time. */
static const char *const unary[] = {"Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh", "Elu", "Erf", "Exp",
                                    "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish", "Neg", "Not",
                                    "Reciprocal", "Relu", "Round", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Softplus", "Softsign",
                                    "Sqrt", "Tan", "Tanh"};
/* The same of several, with shapes that broadcast. */
static const char *const broadcast[] = {"Add", "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mul", "Or",
                                        "Sub", "Sum", "Where", "Xor"};

static bool is_one_of(const oo_node *node, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (oo_node_is(node, names[i]))
            return true;
    return false;
}

static bool is_float(oo_elem elem) { return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16; }

/* Dimensions that are each the same or 1, whatever their size. */
static bool surely_broadcasts(const oo_node *node) {
    const oo_type *const result = node->noutputs && node->outputs[0] ? node->outputs[0]->type : NULL;
    if (!result || oo_type_rank(result) < 0 || oo_graph_opset(node->graph, "") < 7)
        return false;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_type *const type = node->inputs[i].value ? node->inputs[i].value->type : NULL;
        const int32_t rank = oo_type_rank(type), more = oo_type_rank(result) - rank;
        if (!type || rank < 0 || more < 0)
            return false;
        for (int32_t k = 0; k < rank; k++) {
            const oo_expr *const dim = type->dims[k].expr;
            int64_t size;
            if (!dim || (dim != result->dims[k + more].expr && !(oo__expr_is_int(dim, &size) && size == 1)))
                return false;
        }
    }
    return true;
}

/* A permutation of as many axes as there are. */
static bool is_permutation(const oo_node *node) {
    int64_t perm[OO_PERMUTATION_MOST];
    const int32_t rank = node->ninputs && node->inputs[0].value ? oo_type_rank(node->inputs[0].value->type) : -1;
    return rank >= 0 && oo__permutation_of(perm, node, (uint32_t)rank);
}

bool oo__cannot_fail(const oo_node *node) {
    const oo_elem elem = node->ninputs && node->inputs[0].value ? oo_type_elem(node->inputs[0].value->type) : OO_UNDEFINED;
    if (is_one_of(node, unary, sizeof unary / sizeof *unary))
        return node->ninputs == 1 && node->inputs[0].value;
    if (is_one_of(node, broadcast, sizeof broadcast / sizeof *broadcast) || (oo_node_is(node, "Div") && is_float(elem)))
        return surely_broadcasts(node);
    return oo_node_is(node, "Transpose") && is_permutation(node);
}
