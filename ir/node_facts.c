/* What is known of a node as a whole: whether it may give different results from run to run, and whether anything is known of it. */
#include "ir/ir.h"
#include "ir/schema.h"

#include <string.h>

/* Bounds of one question: a function that calls itself is no valid ONNX, and functions that each call the next one twice make a
 * small model very large. What passes a bound is not trusted. */
enum { MAX_DEPTH = 64, MAX_NODES = 1 << 18 };

typedef bool (*predicate)(const oo_node *node);

typedef struct question {
    predicate holds;
    unsigned fact;  /* which of a function's facts it is */
    uint32_t nodes; /* seen so far */
    bool bounded;   /* a bound was passed */
} question;

static bool any(question *q, const oo_node *node, unsigned depth);

static bool any_in_graph(question *q, const oo_graph *graph, unsigned depth) {
    for (const oo_node *node = graph->first; node; node = node->next)
        if (any(q, node, depth + 1))
            return true;
    return false;
}

/* What was found out of a function holds until a function changes. An answer that a bound gave is kept only for the whole budget. */
static bool any_in_callee(question *q, const oo_graph *callee, unsigned depth) {
    oo_function *const f = callee->function;
    const uint32_t now = callee->model->function_serial + 1;
    if (f->facts[q->fact].serial == now)
        return f->facts[q->fact].answer;
    const bool answer = any_in_graph(q, callee, depth);
    if (!q->bounded || depth == 0) {
        f->facts[q->fact].serial = now;
        f->facts[q->fact].answer = answer;
    }
    return answer;
}

/* Whether it holds of the node, of a node in the function that it calls, or of one in its subgraphs. */
static bool any(question *q, const oo_node *node, unsigned depth) {
    if (depth > MAX_DEPTH || ++q->nodes > MAX_NODES)
        return q->bounded = true;
    const oo_graph *const callee = oo_model_callee(node->graph->model, node);
    if (callee ? any_in_callee(q, callee, depth) : q->holds(node))
        return true;
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++)
            if (any_in_graph(q, oo__attr_graph(node->attrs[i], k), depth))
                return true;
    }
    return false;
}

static const oo_schema *schema_of(const oo_node *node) {
    return oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), true);
}

/* Whether training_mode may be true (since version 12), or is_test may be 0 (before 7). Dropout of versions 7 to 11 is inference. */
static bool may_train(const oo_node *node, int64_t since) {
    if (since < 7) {
        int64_t is_test;
        return !oo_node_int(&is_test, node, "is_test", 0) || is_test == 0;
    }
    const oo_value *const mode = oo_node_input(node, 2);
    if (!mode)
        return false;
    const oo_tensor *const tensor = oo_value_const(mode);
    double on = 1;
    return !tensor || oo_tensor_count(tensor) != 1 || !oo_tensor_doubles(tensor, 0, 1, &on) || on != 0;
}

static bool draws(const oo_node *node) {
    const oo_schema *const schema = schema_of(node);
    if (!schema)
        return false;
    if (schema->traits & OO_TRAIT_TRAINING_RANDOM)
        return may_train(node, schema->since);
    return schema->traits & OO_TRAIT_RANDOM;
}

static bool is_unknown(const oo_node *node) { return !schema_of(node); }

bool oo_node_is_random(const oo_node *node) { return any(&(question){.holds = draws, .fact = 0}, node, 0); }
bool oo_node_is_opaque(const oo_node *node) { return any(&(question){.holds = is_unknown, .fact = 1}, node, 0); }
