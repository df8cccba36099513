#include "passes/place.h"

#include "ir/rewriter.h"
#include "passes/veil.h"

enum { MAX_RANK = 64 };

const char *oo__place_problem(const oo_value *value, oo_elem elem, uint32_t rank, const int64_t *dims) {
    const oo_graph *const graph = value->graph;
    oo_dim numbers[MAX_RANK];
    for (uint32_t i = 0; i < rank && i < MAX_RANK; i++)
        numbers[i] = (oo_dim){.kind = OO_DIM_VALUE, .value = dims[i]};
    const oo_type type = {.kind = OO_TYPE_TENSOR,
                          .has_elem = true,
                          .has_shape = rank <= MAX_RANK,
                          .elem = (int32_t)elem,
                          .rank = rank,
                          .dims = numbers};
    const uint32_t hint = value->output_index;
    if (oo_value_is_annotated(value))
        return "it is annotated";
    if (value->noutputs && hint < graph->outputs.n && graph->outputs.data[hint].value == value &&
        oo__contradicts(graph->outputs.data[hint].type, &type))
        return "it is declared with another type or shape";
    if (value->noutputs ? !oo__can_build_constant_node(graph, elem) : !oo__can_build_const(graph, elem))
        return "a Constant of its type is not legal here: the operator set of ai.onnx is too old or not imported";
    return NULL;
}

void oo__place_constant(oo_rewriter *rw, oo_node *node, oo_value *value, oo_tensor *tensor) {
    oo_value *by;
    if (value->noutputs) {
        oo_node *const constant = oo_build(rw, node, "", "Constant", NULL, 0, 1);
        oo_set_tensor(rw, constant, "value", tensor);
        by = constant->outputs[0];
        oo_set_tensor_type(rw, by, oo_tensor_elem(tensor), (int32_t)tensor->rank, tensor->dims);
    } else {
        by = oo_build_const(rw, value->graph, tensor, oo_value_name(value));
    }
    oo_require(oo_replace(rw, value, by), "a constant of the same graph is not visible");
}

static bool is_unused(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && (node->outputs[i]->nuses || oo_value_is_pinned(node->outputs[i])))
            return false;
    return true;
}

typedef oo_vec(oo_node *) nodes;

/* Producers of what the node uses, itself or in its subgraphs. */
static void push_producers(nodes *stack, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (node->inputs[i].value && node->inputs[i].value->producer)
            oo_vec_push(NULL, stack, node->inputs[i].value->producer);
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++) {
        const oo_graph *const body = oo_node_subgraph(node, s);
        for (const oo_node *inner = body->first; inner; inner = inner->next)
            push_producers(stack, inner);
        for (uint32_t i = 0; i < body->outputs.n; i++)
            if (body->outputs.data[i].value->producer)
                oo_vec_push(NULL, stack, body->outputs.data[i].value->producer);
    }
}

uint32_t oo__erase_unused(oo_rewriter *rw, oo_node *node) {
    nodes stack = {0};
    uint32_t erased = 0;
    oo_vec_push(NULL, &stack, node);
    while (stack.n) {
        oo_node *const next = stack.data[--stack.n];
        if (next->erased || next->graph->dead || !is_unused(next) || (next != node && oo_node_is_opaque(next)))
            continue;
        push_producers(&stack, next);
        erased += !oo_node_is(next, "Constant");
        oo_erase(rw, next);
    }
    oo_vec_free(&stack);
    return erased;
}
