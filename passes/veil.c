#include "passes/veil.h"

bool oo__contradicts(const oo_type *declared, const oo_type *proved) {
    if (!declared || !proved || declared->kind == OO_TYPE_NONE || proved->kind == OO_TYPE_NONE)
        return false;
    if (declared->kind != proved->kind || declared->kind != OO_TYPE_TENSOR)
        return declared->kind != proved->kind;
    if (oo_type_elem(declared) != OO_UNDEFINED && oo_type_elem(proved) != OO_UNDEFINED &&
        oo_type_elem(declared) != oo_type_elem(proved))
        return true;
    if (!declared->has_shape || !proved->has_shape)
        return false;
    bool differs = declared->rank != proved->rank;
    for (uint32_t i = 0; i < declared->rank && !differs; i++) {
        const int64_t a = oo_type_dim(declared, i), b = oo_type_dim(proved, i);
        differs = a >= 0 && b >= 0 && a != b;
    }
    return differs;
}

typedef oo_vec(oo_node *) nodes;

typedef struct search {
    uint8_t *veils, *seen; /* by node id */
    nodes stack;
} search;

static void push(search *s, const oo_value *value) {
    oo_node *const node = value ? value->producer : NULL;
    if (!node || s->seen[node->id])
        return;
    s->seen[node->id] = 1;
    oo_vec_push(NULL, &s->stack, node);
}

/* The computation of contents that inference knows, down to the shapes that it starts from. */
static void keep_computed(search *s, const oo_value *value) {
    nodes stack = {0};
    if (value->producer)
        oo_vec_push(NULL, &stack, value->producer);
    while (stack.n) {
        const oo_node *const node = stack.data[--stack.n];
        if (s->veils[node->id] || oo_node_is(node, "Constant"))
            continue;
        s->veils[node->id] = 1;
        for (uint32_t i = 0; i < node->ninputs && !oo_node_is(node, "Shape") && !oo_node_is(node, "Size"); i++)
            if (node->inputs[i].value && node->inputs[i].value->producer)
                oo_vec_push(NULL, &stack, node->inputs[i].value->producer);
    }
    oo_vec_free(&stack);
}

static bool is_computed(const oo_value *value) {
    return value && value->producer && value->known && !oo_value_const(value);
}

/* Operators whose result has the shape that an operand says. */
static bool is_shaped_by_operand(const oo_node *node) {
    return oo_node_is(node, "Reshape") || oo_node_is(node, "Expand") || oo_node_is(node, "ConstantOfShape") ||
           oo_node_is(node, "Range");
}

/* What makes the shape of the results hard to see, from the node back. */
static void visit(search *s, oo_node *node) {
    bool hidden = false;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        if (!is_computed(node->inputs[i].value))
            continue;
        hidden = true;
        s->veils[node->id] = 1;
        keep_computed(s, node->inputs[i].value);
    }
    if (hidden && is_shaped_by_operand(node))
        return;
    for (uint32_t i = 0; i < node->ninputs; i++)
        push(s, node->inputs[i].value);
    for (uint32_t g = 0; g < oo_node_nsubgraphs(node); g++) {
        const oo_graph *const body = oo_node_subgraph(node, g);
        for (uint32_t i = 0; i < body->outputs.n; i++)
            push(s, body->outputs.data[i].value);
    }
}

const uint8_t *oo__find_veils(oo_rewriter *rw, const oo_model *model) {
    search s = {0};
    oo_for_each_graph(graph, model) {
        for (uint32_t i = 0; i < graph->outputs.n && !graph->function; i++) {
            const oo_value *const value = graph->outputs.data[i].value;
            if (!value->producer || !oo__contradicts(graph->outputs.data[i].type, value->type))
                continue;
            if (!s.veils) {
                s.veils = oo_scratch(rw, model->nnodes + 1u);
                s.seen = oo_scratch(rw, model->nnodes + 1u);
            }
            oo_miss(rw, "declared-type", value->producer,
                    "output \"%s\" is declared with another type or shape than it has", oo_value_name(value));
            push(&s, value);
        }
    }
    while (s.stack.n)
        visit(&s, s.stack.data[--s.stack.n]);
    oo_vec_free(&s.stack);
    return s.veils;
}
