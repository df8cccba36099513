/* Which calls have more than one reading, and what is known of a node to tell. */
#include "ir/disputed.h"

#include "ir/infer_run.h"

#include <string.h>

struct oo__dispute {
    const char *op;
    enum { SHAPE, CONTENTS } what;
    bool (*when)(const oo__reading *call);
    const char *text;
};

/* ---- tests ---- */
/* A dimension that may be 1 is squeezed by one reading only. */
static bool names_no_axis(const oo__reading *call) {
    bool ones = call->rank < 0;
    for (int32_t i = 0; i < call->rank; i++)
        ones |= call->dims[i] < 0 || call->dims[i] == 1;
    return call->listed && call->axes_known && !call->naxes && ones;
}

static bool takes_a_scalar(const oo__reading *call) { return call->rank == 0; }

/* For certain: a dimension that is not known is not taken for 0. Where one that stays is 0, there is no result to dispute. */
static bool reduces_nothing(const oo__reading *call) {
    bool gone[OO__READING_RANK] = {false}, nothing = false;
    if (!call->axes_known)
        return false;
    for (int32_t i = 0; i < call->rank; i++)
        gone[i] = !call->naxes && !call->keeps_all;
    for (uint32_t i = 0; i < call->naxes; i++) {
        const int64_t axis = call->axes[i] + (call->axes[i] < 0 ? call->rank : 0);
        if (axis >= 0 && axis < call->rank)
            gone[axis] = true;
    }
    for (int32_t i = 0; i < call->rank; i++) {
        if (call->dims[i] == 0 && !gone[i])
            return false;
        nothing |= call->dims[i] == 0;
    }
    return nothing;
}

static bool takes_integers(const oo__reading *call) {
    return call->elem != OO_UNDEFINED && call->elem != OO_FLOAT && call->elem != OO_DOUBLE && call->elem != OO_FLOAT16 && call->elem != OO_BFLOAT16;
}

static bool leaves_order_open(const oo__reading *call) { return call->unsorted; }

static bool does_not_fit(const oo__reading *call) { return call->misfit; }

/* ---- the table ---- */
static const oo__dispute ROWS[] = {
#define DISPUTED(op, what, when, text) {#op, what, when, text},
#include "ir/disputed.def"
#undef DISPUTED
};

const oo__dispute *oo__dispute_of(const char *domain, const char *name) {
    for (size_t i = 0; !*domain && i < sizeof ROWS / sizeof *ROWS; i++)
        if (strcmp(ROWS[i].op, name) == 0)
            return &ROWS[i];
    return NULL;
}

const char *oo__disputed(const oo__dispute *dispute, const oo__reading *call) {
    return dispute && call->rank <= OO__READING_RANK && dispute->when(call) ? dispute->text : NULL;
}

bool oo__disputes_shape(const oo__dispute *dispute) { return dispute->what == SHAPE; }

bool oo__takes_axes(const oo_schema *schema) {
    return oo__schema_attr(schema, "axes") || (schema->ninputs > 1 && strcmp(schema->inputs[1].name, "axes") == 0);
}

/* ---- what inference knows of a node ---- */
static void read_axes(oo__reading *call, const oo__infer *c) {
    const bool by_attribute = oo__schema_attr(c->schema, "axes");
    const int64_t *list = NULL;
    call->listed = by_attribute ? oo__infer_attr(c, "axes") != NULL : oo__has_input(c, 1);
    if (!call->listed)
        call->axes_known = true;
    else if (!by_attribute)
        call->axes_known = oo__input_ints(c, 1, &call->naxes, call->axes, OO__READING_RANK);
    else if (oo__infer_ints(c, &list, &call->naxes, "axes") && call->naxes <= OO__READING_RANK) {
        call->axes_known = true;
        memcpy(call->axes, list ? list : call->axes, call->naxes * sizeof *call->axes);
    }
}

static void read_node(oo__reading *call, const oo__infer *c) {
    const oo_type *const type = oo__input_type(c, 0);
    int64_t keeps = 0;
    *call = (oo__reading){.elem = oo_type_elem(type), .rank = oo_type_rank(type)};
    if (call->rank > OO__READING_RANK)
        return;
    for (int32_t i = 0; i < call->rank; i++)
        call->dims[i] = oo_type_dim(type, (uint32_t)i);
    int64_t sorted = 1;
    call->unsorted = oo__schema_attr(c->schema, "sorted") && (!oo__infer_int(c, &sorted, "sorted", 1) || sorted != 1);
    if (!oo__takes_axes(c->schema))
        return;
    read_axes(call, c);
    call->keeps_all = oo__schema_attr(c->schema, "noop_with_empty_axes") && oo__infer_int(c, &keeps, "noop_with_empty_axes", 0) && keeps;
}

const char *oo__infer_disputed(const oo__infer *c) {
    oo__reading call;
    if (!c->node->op->dispute || !c->schema)
        return NULL;
    read_node(&call, c);
    return oo__disputed(c->node->op->dispute, &call);
}

const char *oo__node_disputed(const oo_node *node) {
    static const oo_infer_settings proofs = {.proofs_only = true, .quiet = true};
    oo_model *const model = node->graph->model;
    if (!node->op->dispute || !model->exprs || oo_model_callee(model, node))
        return NULL;
    const oo_schema *const schema = oo__schema_among(node->op->rows, oo_graph_opset(node->graph, ""), true);
    return oo__infer_disputed(&(oo__infer){.model = model, .exprs = model->exprs, .settings = &proofs, .node = node, .schema = schema});
}
