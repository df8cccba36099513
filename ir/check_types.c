/* Checks of types: what inference finds, against what operators allow. */
#include "ir/check_run.h"

#include <stdlib.h>
#include <string.h>

/* ---- types as the schemas write them ---- */
static oo_type_form form_of_map(const oo_type *map, bool in_sequence) {
    if (map->elem == OO_INT64)
        return in_sequence ? OO_FORM_SEQ_MAP_INT64 : OO_FORM_MAP_INT64;
    if (map->elem == OO_STRING)
        return in_sequence ? OO_FORM_SEQ_MAP_STRING : OO_FORM_MAP_STRING;
    return OO_FORM_COUNT;
}

static bool is_kind(const oo_type *t, oo_kind kind) { return t && t->kind == kind; }

/* What holds the tensors of a type; OO_FORM_COUNT: no schema has such a type. *tensor NULL: not known. */
static oo_type_form take_apart(const oo_type *t, const oo_type **tensor) {
    *tensor = t;
    if (t->kind == OO_TYPE_TENSOR)
        return OO_FORM_TENSOR;
    *tensor = t->inner;
    if (t->kind == OO_TYPE_MAP)
        return form_of_map(t, false);
    if (t->kind != OO_TYPE_SEQUENCE && t->kind != OO_TYPE_OPTIONAL)
        return OO_FORM_COUNT;
    const bool sequence = t->kind == OO_TYPE_SEQUENCE;
    if (!t->inner || is_kind(t->inner, OO_TYPE_TENSOR))
        return sequence ? OO_FORM_SEQ : OO_FORM_OPTIONAL;
    *tensor = t->inner->inner;
    if (sequence && is_kind(t->inner, OO_TYPE_MAP))
        return form_of_map(t->inner, true);
    return !sequence && is_kind(t->inner, OO_TYPE_SEQUENCE) ? OO_FORM_OPTIONAL_SEQ : OO_FORM_COUNT;
}

oo__form oo__type_form(const oo_type *type, oo_type_form *form, oo_elem *elem) {
    if (!type || type->kind == OO_TYPE_NONE)
        return FORM_UNKNOWN;
    const oo_type *tensor;
    *form = take_apart(type, &tensor);
    if (*form == OO_FORM_COUNT)
        return FORM_OTHER;
    *elem = oo_type_elem(tensor);
    return *elem == OO_UNDEFINED ? FORM_UNKNOWN : FORM_KNOWN;
}

/* ---- type constraints ---- */
/* What the node's type variables stand for so far. */
typedef struct binding {
    oo_type_form form;
    oo_elem elem;
    bool bound;
} binding;

typedef struct constraints {
    oo__check_run *c;
    const oo_schema *schema;
    binding *bound; /* [nconstraints] */
    bool failed;
} constraints;

static void refuse(constraints *k, const oo_value *value, const oo_schema_io *io, const char *what, uint32_t index, const char *why) {
    oo__tell(k->c, DEFECT_TYPE, value, "%s %u (%s) is a %s, which %s", what, index, io->name, oo__type_text(value->type, k->c->arena), why);
    k->failed = true;
}

static void check_one(constraints *k, const oo_value *value, const oo_schema_io *io, const char *what, uint32_t index) {
    oo_type_form form = OO_FORM_COUNT;
    oo_elem elem = OO_UNDEFINED;
    const oo__form known = value && io ? oo__type_form(value->type, &form, &elem) : FORM_UNKNOWN;
    if (known == FORM_UNKNOWN)
        return;
    if (known == FORM_OTHER || !(io->types->elems[form] >> elem & 1)) {
        refuse(k, value, io, what, index, "the operator does not take here");
        return;
    }
    binding *const b = io->constraint >= 0 && !io->heterogeneous ? &k->bound[io->constraint] : NULL;
    if (b && b->bound && (b->form != form || b->elem != elem))
        refuse(k, value, io, what, index,
               oo__arena_printf(k->c->arena, "differs from another of the same type variable %s", k->schema->constraints[io->constraint].name));
    else if (b)
        *b = (binding){form, elem, true};
}

static bool check_constraints(oo__check_run *c, const oo_node *node, const oo_schema *schema) {
    constraints k = {.c = c, .schema = schema, .bound = calloc(schema->nconstraints + 1u, sizeof *k.bound)};
    if (!k.bound)
        oo__oom(schema->nconstraints * sizeof *k.bound);
    for (uint32_t i = 0; i < node->ninputs; i++)
        check_one(&k, node->inputs[i].value, oo__schema_input(schema, i), "input", i);
    for (uint32_t i = 0; i < node->noutputs && !k.failed; i++)
        check_one(&k, node->outputs[i], oo__schema_output(schema, i), "output", i);
    free(k.bound);
    return !k.failed;
}

/* ---- calls ---- */
/* Whether the value stands for an input that the call, or the call around it, leaves out. Such a value has no type. */
static bool is_left_out(const oo_value *value, const oo__infer_frame *call) {
    for (; value && !value->type && call && value->graph == call->function->graph && (value->flags & OO_VALUE_INPUT); call = call->outer) {
        uint32_t i = 0;
        while (i < value->graph->inputs.n && value->graph->inputs.data[i].value != value)
            i++;
        value = oo_node_input(call->node, i);
        if (!value)
            return true;
    }
    return false;
}

static void check_left_out(oo__check_run *c, const oo__infer *infer) {
    const oo_node *const node = infer->node;
    for (uint32_t i = 0; infer->call && i < node->ninputs; i++) {
        const oo_schema_io *const io = oo__schema_input(infer->schema, i);
        if (io && !io->optional && is_left_out(node->inputs[i].value, infer->call))
            oo__tell(c, DEFECT_CALL, node->inputs[i].value, "input %u is required, and a call leaves it out", i);
    }
}

/* ---- inference ---- */
/* Nodes of loops and functions come several times: each is told once. */
static void visit(void *user, const oo__infer *infer) {
    oo__check_run *const c = user;
    const oo_node *const node = infer->node;
    if (c->typed[node->id] || !infer->schema || infer->schema->traits & OO_TRAIT_DEPRECATED || oo_model_callee(c->model, node))
        return;
    const uint32_t errors = c->errors;
    c->graph = node->graph;
    c->node = node;
    check_constraints(c, node, infer->schema);
    check_left_out(c, infer);
    if (c->errors == errors) {
        oo__check_subgraphs(c, infer);
        oo__check_facts(c, infer);
    }
    c->graph = NULL;
    c->node = NULL;
    c->typed[node->id] = c->errors != errors;
}

/* Whether the node is a call whose numbers of inputs and outputs were told before. */
static bool is_told_call(const oo__check_run *c, const oo_node *node) {
    const oo_graph *const body = node ? oo__check_callee(c, node) : NULL;
    return body && (node->ninputs > body->inputs.n || node->noutputs > body->outputs.n);
}

static void tell(oo__check_run *c, oo__defect defect, const oo_node *node, const char *text) {
    if (node && (c->shaped[node->id] || is_told_call(c, node)))
        return;
    if (node)
        c->shaped[node->id] = 1;
    c->node = node;
    oo__tell(c, defect, NULL, "%s", text);
    c->node = NULL;
}

static void tell_clash(void *user, const oo_node *node, const char *text) { tell(user, DEFECT_SHAPE, node, text); }

static void tell_doubt(void *user, const oo_node *node, const char *text) {
    if (node)
        tell(user, DEFECT_SHAPE_ODD, node, text);
}

/* What follows from types, shapes and constants is an error, as it is to ONNX's checker. What needs the contents of computed tensors (the
 * shape that a Reshape is given, say) is a warning: much that runs has a stale value_info. */
void oo__check_types(oo__check_run *c) {
    c->typed = calloc(2 * (c->model->nnodes + 1u), 1);
    if (!c->typed)
        oo__oom(c->model->nnodes);
    c->shaped = c->typed + c->model->nnodes + 1u;
    oo_infer_settings settings = {.strict = true, .collect = true, .no_values = true, .defaults_hold = true, .visit = visit, .tell = tell_clash, .user = c};
    if (oo__infer_model(c->model, &settings) == OO_OK && !c->settings->errors_only) {
        settings.no_values = false;
        settings.visit = NULL;
        settings.tell = tell_doubt;
        (void)oo__infer_model(c->model, &settings);
    }
    free(c->typed);
}
