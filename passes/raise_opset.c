/* Importing a newer operator set. versions.def says for each version of an operator whether it means what the version before it meant; unknown
 * is not yes. */
#include "passes/raise_opset.h"

#include "ir/disputed.h"
#include "passes/rule_run.h"

#include <stdio.h>
#include <string.h>

typedef struct question {
    oo_arena *arena;
    const char **why;
    const oo_node *node;
    const oo_schema *before, *after;
} question;

static bool refuse(const question *q, const char *reason) {
    const oo_node *const node = q->node;
    *q->why = oo__arena_printf(q->arena, "%s \"%s\": %s", node->op->name, node->name ? node->name : "", reason);
    return false;
}

static bool says_otherwise(const question *q) {
    char text[120];
    snprintf(text, sizeof text, "version %lld of the operator may mean something else", (long long)q->after->since);
    return refuse(q, text);
}

/* ---- conditions of versions.def ---- */
static bool is_int(const oo_node *node, const char *name, int64_t absent, int64_t wanted) {
    int64_t value;
    return oo_node_int(&value, node, name, absent) && value == wanted;
}

/* How the last window is counted was told anew. */
static bool no_ceil_mode(const question *q) { return is_int(q->node, "ceil_mode", 0, 0); }

static bool no_auto_pad(const question *q) {
    const oo_attr *const attr = oo_node_attr(q->node, "auto_pad");
    return !attr || (!attr->reference && attr->type == OO_ATTR_STRING && attr->s.size == 6 && memcmp(attr->s.data, "NOTSET", 6) == 0);
}

static bool is_spatial(const question *q) { return is_int(q->node, "spatial", 1, 1); }

/* More of them meant training, or have another type. */
static bool one_output(const question *q) {
    for (uint32_t i = 1; i < q->node->noutputs; i++)
        if (q->node->outputs[i])
            return false;
    return true;
}

/* Earlier the input was made a matrix at the axis: that is the same when nothing stands behind it. */
static bool last_axis(const question *q) {
    const oo_value *const x = oo_node_input(q->node, 0);
    const int32_t rank = x ? oo_type_rank(oo_value_type(x)) : -1;
    int64_t axis;
    return rank > 0 && oo_node_int(&axis, q->node, "axis", 1) && (axis == rank - 1 || axis == -1);
}

static bool of_floats(const question *q) {
    const oo_value *const x = oo_node_input(q->node, 0);
    const oo_elem elem = x ? oo_type_elem(oo_value_type(x)) : OO_UNDEFINED;
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}

/* ---- numbers of versions.def ---- */
/* A Split without sizes makes equal parts, as many as it has outputs. */
static int64_t parts(const oo_node *node) { return oo_node_input(node, 1) ? 0 : node->noutputs; }

/* ---- the table ---- */
typedef struct version {
    const char *op;
    int64_t since;
    bool moved;
    bool (*condition)(const question *q);
    const char *said;
    int64_t (*number)(const oo_node *node); /* 0 = it need not be said */
} version;

static const version VERSIONS[] = {
#define SAME(op, since) {#op, since, false, NULL, NULL, NULL},
#define MOVED(op, since) {#op, since, true, NULL, NULL, NULL},
#define SAME_IF(op, since, condition) {#op, since, false, condition, NULL, NULL},
#define SAID(op, since, attribute, number) {#op, since, false, NULL, #attribute, number},
#include "passes/versions.def"
};

static const version *find_version(const oo_schema *schema) {
    for (size_t i = 0; i < sizeof VERSIONS / sizeof *VERSIONS; i++)
        if (VERSIONS[i].since == schema->since && strcmp(VERSIONS[i].op, schema->name) == 0)
            return &VERSIONS[i];
    return NULL;
}

/* ---- may it ---- */
/* Whether an attribute can become the input that it is in the newer version. */
static bool can_move(const question *q, const oo__form *form) {
    const oo_attr *const attr = oo_node_attr(q->node, form->attr);
    if (!attr)
        return true;
    if (attr->reference || attr->raw.data || attr->type != form->type)
        return refuse(q, "an attribute that became an input is not known");
    const oo_value *const first = oo_node_input(q->node, 0);
    if (form->like_first && oo_type_elem(first ? oo_value_type(first) : NULL) == OO_UNDEFINED)
        return refuse(q, "the type that an attribute gets as an input is unknown");
    return true;
}

static bool step_is_same(const question *q) {
    const version *const v = find_version(q->after);
    if (!v || (q->after->traits & OO_TRAIT_DEPRECATED) || (v->condition && !v->condition(q)))
        return says_otherwise(q);
    if (v->moved && oo__node_disputed(q->node)) /* an empty list as an input is read otherwise than as an attribute */
        return refuse(q, "it is read in more than one way");
    for (uint32_t i = 0; v->moved && i < q->after->max_inputs && i < 8; i++) {
        const oo__form *const form = oo__form_of_input(v->op, i);
        if (form && form->since == v->since && !can_move(q, form))
            return false;
    }
    return true;
}

static bool node_may_rise(question *q, const oo_node *node, int64_t from, int64_t to) {
    q->node = node;
    if (*node->op->domain || node->op->functions)
        return !node->op->functions || *node->op->domain || refuse(q, "a function of the model is called as an operator may be");
    const oo_schema *schema = oo__schema_find("", node->op->name, from);
    if (!schema)
        return refuse(q, "the operator is not known");
    for (int64_t v = from + 1; v <= to; v++) {
        q->before = schema;
        q->after = oo__schema_find("", node->op->name, v);
        if (!q->after)
            return refuse(q, "the operator is not there in the newer operator set");
        if (q->after != schema && !step_is_same(q))
            return false;
        schema = q->after;
    }
    return true;
}

/* With a newer operator set more may be inferred: a declaration that is wrong already would make the model invalid. */
static bool is_declared_rightly(const question *q, const oo_graph *graph, const oo_value_infos *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        const oo_value_info *const info = &list->data[i];
        if (!info->value || !info->type || !info->value->type || !oo__types_clash(graph->model, info->type, info->value->type))
            continue;
        *q->why = oo__arena_printf(q->arena, "\"%s\" is declared with another type or shape than its operator gives", oo_value_name(info->value));
        return false;
    }
    return true;
}

bool oo__opset_may_rise(oo_model *model, int64_t to, oo_arena *arena, const char **why) {
    question q = {.arena = arena, .why = why};
    *why = "";
    oo_for_each_graph(graph, model) {
        if (!is_declared_rightly(&q, graph, &graph->outputs) || !is_declared_rightly(&q, graph, &graph->infos))
            return false;
        const int64_t from = oo_graph_opset(graph, "");
        for (const oo_node *node = graph->first; node; node = oo_node_next(node))
            if (!node_may_rise(&q, node, from, to))
                return false;
    }
    return true;
}

/* ---- doing it ---- */
static oo_tensor *tensor_of(oo_model *model, const oo_node *node, const oo__form *form, const oo_attr *attr) {
    const int64_t dims[] = {form->type == OO_ATTR_INT ? 1 : attr->count};
    const double number = (double)attr->f;
    switch (form->type) {
    case OO_ATTR_INT: return oo_tensor_make(model, OO_INT64, 1, dims, &attr->i);
    case OO_ATTR_INTS: return oo_tensor_make(model, OO_INT64, 1, dims, attr->ints);
    case OO_ATTR_FLOATS: return oo_tensor_make(model, OO_FLOAT, 1, dims, attr->floats);
    default: break;
    }
    const oo_elem elem = form->like_first ? oo_type_elem(oo_value_type(oo_node_input(node, 0))) : OO_FLOAT;
    return oo_tensor_from_doubles(model, elem, 0, NULL, &number);
}

static void move(oo_rewriter *rw, oo_node *node, const oo__form *form) {
    oo_model *const model = node->graph->model;
    const oo_attr *const attr = oo_node_attr(node, form->attr);
    if (!attr)
        return;
    oo_value *const value = oo_build_const(rw, node->graph, tensor_of(model, node, form, attr), form->attr);
    while (node->ninputs < form->input)
        oo_set_input(rw, node, node->ninputs, NULL);
    oo_set_input(rw, node, form->input, value);
    oo_remove_attr(rw, node, form->attr);
}

static void say(oo_rewriter *rw, oo_node *node, const version *row) {
    const int64_t number = row->number(node);
    if (number)
        oo_set_int(rw, node, row->said, number);
}

static void rewrite(oo_rewriter *rw, oo_node *node, int64_t from, int64_t to) {
    const oo_schema *schema = oo__schema_find("", node->op->name, from);
    for (int64_t v = from + 1; v <= to && schema; v++) {
        const oo_schema *const after = oo__schema_find("", node->op->name, v);
        const version *const row = after && after != schema ? find_version(after) : NULL;
        for (uint32_t i = 0; row && row->moved && i < after->max_inputs && i < 8; i++) {
            const oo__form *const form = oo__form_of_input(row->op, i);
            if (form && form->since == row->since)
                move(rw, node, form);
        }
        if (row && row->said)
            say(rw, node, row);
        schema = after;
    }
}

void oo__opset_rise(oo_rewriter *rw, oo_model *model, int64_t to) {
    oo_for_each_graph(graph, model) {
        const int64_t from = oo_graph_opset(graph, "");
        for (oo_node *node = graph->first; node && from < to; node = oo_node_next(node))
            if (!*node->op->domain)
                rewrite(rw, node, from, to);
    }
    oo__raise_opset(rw, "", to);
}
