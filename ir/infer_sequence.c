/* Sequences as wholes: ConcatFromSequence and SequenceMap. */
#include "ir/infer_run.h"

#include <stdlib.h>

enum { MAX_RANK = 64 };

static const oo_type *element_of(const oo_type *t) { return t && t->kind == OO_TYPE_SEQUENCE ? t->inner : NULL; }

/* Elements are joined along an axis of theirs, or along a new one: how many there are is not known. */
oo_status oo__infer_concat_from_sequence(oo__infer *c) {
    const oo_type *const element = element_of(oo__input_type(c, 0));
    const int32_t own = oo_type_rank(element);
    int64_t axis, fresh;
    const bool known = oo__infer_int(c, &axis, "axis", 0) && oo__infer_int(c, &fresh, "new_axis", 0);
    if (!element || own < 0 || own >= MAX_RANK || !known) {
        oo__set_tensor(c, 0, oo_type_elem(element), -1, NULL);
        return OO_OK;
    }
    const int32_t rank = own + (fresh ? 1 : 0);
    if (axis < -rank || axis >= rank)
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    axis += axis < 0 ? rank : 0;
    const oo_expr *dims[MAX_RANK];
    for (int32_t i = 0, k = 0; i < rank; i++) {
        dims[i] = i == axis ? oo__infer_symbol(c, "joined", 0, INT64_MAX) : element->dims[k].expr;
        k += i != axis || !fresh;
    }
    oo__set_tensor(c, 0, oo_type_elem(element), rank, dims);
    return OO_OK;
}

/* The body sees one element of every sequence, and further tensors as they are. */
oo_status oo__infer_sequence_map(oo__infer *c) {
    const uint32_t n = c->node->ninputs;
    const oo_type **const types = calloc(n + 1u, sizeof *types);
    if (!types)
        oo__oom(n * sizeof *types);
    for (uint32_t i = 0; i < n; i++) {
        const oo_type *const t = oo__input_type(c, i);
        types[i] = t && t->kind == OO_TYPE_SEQUENCE ? t->inner : t;
    }
    const oo_status status = oo__infer_subgraph(c, "body", types, NULL, n);
    free(types);
    for (uint32_t i = 0; i < c->node->noutputs && status == OO_OK; i++) {
        oo_type *const type = OO_NEW(c->model->arena, oo_type);
        *type = (oo_type){.kind = OO_TYPE_SEQUENCE, .inner = oo__subgraph_output(c, "body", i)};
        oo__set_type(c, i, type);
    }
    return status;
}
