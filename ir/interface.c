#include "ir/interface.h"

#include "ir/change.h"

static const oo_type *permuted(oo_model *model, const oo_type *type, const int64_t *perm, uint32_t rank) {
    if (!type || !type->has_shape)
        return type;
    oo_type *const out = OO_NEW(model->arena, oo_type);
    *out = *type;
    out->raw = (oo_bytes){0};
    out->dims = OO_NEW_ARRAY(model->arena, oo_dim, rank);
    for (uint32_t i = 0; i < rank; i++)
        out->dims[i] = type->dims[perm[i]];
    return out;
}

static const char *problem(const oo_value *value, const oo_type *declared, uint32_t rank) {
    if (oo_type_kind(value->type) != OO_TYPE_TENSOR || oo_type_rank(value->type) != (int32_t)rank || (declared && declared->has_shape && declared->rank != rank))
        return "its rank is another, or not known";
    if (oo_value_is_annotated(value))
        return "an annotation, binding or device names it";
    return NULL;
}

static void set_type(oo_rewriter *rw, oo_value *value, const oo_type *type) {
    oo__log(rw, (oo__change){.kind = OO__TYPE, .value = value, .old = (void *)(uintptr_t)value->type});
    value->type = type;
}

void oo__set_permuted_type(oo_rewriter *rw, oo_value *to, const oo_type *from, const int64_t *perm, uint32_t rank) {
    set_type(rw, to, permuted(rw->model, from, perm, rank));
}

/* What is known of its contents is known of elements in the old order. */
static void forget_contents(oo_rewriter *rw, oo_value *value) {
    oo__log(rw, (oo__change){.kind = OO__KNOWN, .value = value, .old = (void *)(uintptr_t)value->known});
    value->known = NULL;
}

/* A Transpose gives the old order to everybody who uses the value. */
static void turn_back(oo_rewriter *rw, oo_graph *graph, oo_value *value, const int64_t *perm, uint32_t rank) {
    int64_t *const back = OO_NEW_ARRAY(rw->scratch, int64_t, rank);
    for (uint32_t i = 0; i < rank; i++)
        back[perm[i]] = i;
    const oo_value *const inputs[] = {value};
    oo_node *const node = oo_build(rw, graph->first, "", "Transpose", inputs, 1, 1);
    oo_set_ints(rw, node, "perm", back, rank);
    for (oo_use *use = value->uses, *next; use; use = next) {
        next = use->next;
        if (use->user != node)
            oo_set_input(rw, use->user, use->index, node->outputs[0]);
    }
}

const char *oo__permute_input(oo_rewriter *rw, oo_graph *graph, uint32_t index, const int64_t *perm, uint32_t rank) {
    oo_require(rw->open, "oo__permute_input: outside of oo_begin .. oo_end");
    oo_value *const value = graph->inputs.data[index].value;
    const oo_type *const declared = graph->inputs.data[index].type;
    const char *const why = problem(value, declared, rank);
    if (why)
        return why;
    if (value->init || value->sparse_init)
        return "it has a default";
    if (value->noutputs)
        return "it is an output as well";
    if (value->uses)
        turn_back(rw, graph, value, perm, rank);
    oo__declare(rw, graph, OO__DECLARED_INPUTS, index, permuted(graph->model, declared, perm, rank));
    set_type(rw, value, permuted(graph->model, value->type, perm, rank));
    forget_contents(rw, value);
    return NULL;
}

const char *oo__permute_output(oo_rewriter *rw, oo_graph *graph, uint32_t index, const int64_t *perm, uint32_t rank) {
    oo_require(rw->open, "oo__permute_output: outside of oo_begin .. oo_end");
    oo_value *const value = graph->outputs.data[index].value;
    const oo_type *const declared = graph->outputs.data[index].type;
    const char *const why = problem(value, declared, rank);
    if (why)
        return why;
    if (value->noutputs != 1 || value->graph != graph)
        return "it is returned elsewhere as well";
    if (!value->producer)
        return "it is an input or a constant as well";
    oo_node *const node = oo__build_last(rw, graph, "Transpose", value);
    oo_set_ints(rw, node, "perm", perm, rank);
    oo__declare(rw, graph, OO__DECLARED_OUTPUTS, index, permuted(graph->model, declared, perm, rank));
    oo__hand_name_on(rw, node->outputs[0], value);
    oo__set_graph_output(rw, graph, index, node->outputs[0]);
    return NULL;
}
