/* Puts bodies in the place of operators that ONNX defines by other operators.
 *
 * The text of the body, as this node needs it, is parsed into a model of its own and copied from there; then inference and the schemas say
 * whether each copied node is legal where it stands, and whether the results are what they were. */
#include "io/io.h"
#include "ir/infer.h"
#include "ir/node_types.h"
#include "ir/splice.h"
#include "passes/bodies.h"

#include <onnxopt/onnxopt.h>
#include <string.h>

static const char RULE[] = "expand-functions";

typedef struct options {
    const char *ops;
    int64_t depth, max_nodes;
} options;

typedef struct state {
    oo_rewriter *rw;
    oo_model *model;
    const options *options;
    int64_t grown; /* nodes copied so far */
    bool done;     /* fuel is out */
} state;

/* ---- which nodes ---- */
/* Whether the list, joined by '+', has the operator: by its name, or its domain, a dot and its name. */
static bool is_listed(const char *list, const oo_schema *schema) {
    const size_t d = strlen(schema->domain_name), m = strlen(schema->name);
    for (size_t n; *list; list += n + (list[n] == '+')) {
        n = strcspn(list, "+");
        if (n == m && memcmp(list, schema->name, n) == 0)
            return true;
        if (d && n == d + 1 + m && memcmp(list, schema->domain_name, d) == 0 && list[d] == '.' && memcmp(list + d + 1, schema->name, m) == 0)
            return true;
    }
    return false;
}

/* The schema of a node whose operator has a body and is wanted. */
static const oo_schema *wanted(const state *s, const oo_node *node, int64_t level) {
    if (oo_model_callee(s->model, node))
        return NULL;
    const oo_schema *const schema = oo__schema_find(oo_node_domain(node), oo_node_op(node), oo_graph_opset(oo_node_graph(node), oo_node_domain(node)));
    if (!schema || !(schema->traits & (OO_TRAIT_FUNCTION_BODY | OO_TRAIT_CONTEXT_BODY)))
        return NULL;
    return level == 0 && *s->options->ops && !is_listed(s->options->ops, schema) ? NULL : schema;
}

/* ---- the body ---- */
/* Attributes that the node does not have are what the schema says. */
static void add_defaults(oo_function *function, const oo_schema *schema) {
    oo_model *const model = function->graph->model;
    for (uint32_t i = 0; i < schema->nattrs; i++) {
        const oo_schema_attr *const row = &schema->attrs[i];
        if (!row->has_default)
            continue;
        oo_attr *const attr = OO_NEW(model->arena, oo_attr);
        *attr = (oo_attr){.name = oo__str(model, row->name), .type = row->type, .has_type = true, .count = row->count};
        if (row->type == OO_ATTR_INT)
            attr->i = row->i;
        else if (row->type == OO_ATTR_FLOAT)
            attr->f = row->f;
        else if (row->type == OO_ATTR_STRING)
            attr->s = (oo_bytes){(const uint8_t *)row->s, strlen(row->s)};
        else if (row->type == OO_ATTR_INTS)
            attr->ints = (int64_t *)(uintptr_t)row->ints;
        else if (row->type == OO_ATTR_FLOATS)
            attr->floats = (float *)(uintptr_t)row->floats;
        else
            continue;
        oo_vec_push(model->arena, &function->defaults, attr);
    }
}

/* A model with the body as its function, NULL after a remark. */
static oo_model *body_model(const state *s, const oo_node *node, const oo_schema *schema) {
    int64_t later;
    const oo__body *const body = oo__body_find(schema, oo_graph_opset(oo_node_graph(node), ""), &later);
    if (!body) {
        if (later)
            oo_miss(s->rw, RULE, node, "its body is written for opset %lld or later", (long long)later);
        else
            oo_miss(s->rw, RULE, node, "no body is known of this version of the operator");
        return NULL;
    }
    oo_arena *const arena = oo__arena_new();
    const char *why, *named;
    const char *text = oo__body_text(body, schema, node, arena, &why, &named);
    oo_model *model = NULL;
    if (!text)
        oo_miss(s->rw, RULE, node, "%s", why);
    if (text && named && !is_listed(s->options->ops, schema)) {
        oo_miss(s->rw, RULE, node, "its body %s: name the operator in ops to have it all the same", named);
        text = NULL;
    }
    if (text && oo_model_parse(&model, s->model->context, text, strlen(text), schema->name) == OO_OK)
        add_defaults(model->functions.data[0], schema);
    oo_require(!text || model, "the body of %s is malformed:\n%s", schema->name, text);
    oo__arena_free(arena);
    return model;
}

/* ---- whether it is right ---- */
static const char *input_problem(const oo_node *node) {
    const uint32_t n = oo_node_ninputs(node);
    for (uint32_t i = 0; i < n; i++) {
        const oo_value *const value = oo_node_input(node, i);
        const oo_type *const type = value ? oo_value_type(value) : NULL;
        if (value && (oo_type_kind(type) == OO_TYPE_NONE || (oo_type_kind(type) == OO_TYPE_TENSOR && oo_type_elem(type) == OO_UNDEFINED)))
            return "the element type of an input is unknown";
    }
    return NULL;
}

static const char *copy_problem(const state *s, oo_node *first, const oo_node *end, oo_arena *arena) {
    for (oo_node *node = first; node != end; node = oo_node_next(node)) {
        if (!oo_infer(s->rw, node))
            return oo__arena_printf(arena, "%s of the body refuses its inputs", oo_node_op(node));
        const char *const problem = oo__node_type_problem(node, arena);
        if (problem)
            return problem;
    }
    return NULL;
}

static bool clash(const state *s, const oo_value *a, const oo_value *b) {
    oo__infer c = {.model = s->model, .exprs = s->model->exprs};
    bool differ = false;
    if (oo_value_type(a) && oo_value_type(b))
        (void)oo__type_merge(&c, oo_value_type(a), oo_value_type(b), &differ);
    return differ;
}

/* NULL when the node's outputs could all be replaced. */
static const char *replace_outputs(const state *s, const oo_node *node, oo_value *const *outputs) {
    const uint32_t n = oo_node_noutputs(node);
    for (uint32_t i = 0; i < n; i++) {
        oo_value *const old = oo_node_output(node, i);
        if (!old || (!oo_value_nuses(old) && !oo_value_is_output(old)))
            continue;
        if (clash(s, outputs[i], old))
            return "the body's result has another type or shape than the node's";
        if (!oo_replace(s->rw, old, outputs[i]))
            return "a result of the body is not visible where the node's is used";
    }
    return NULL;
}

/* ---- graphs that the node holds ---- */
/* A node graph.NAME of the body stands for the graph in the node's attribute NAME: its nodes take the place. */
static const char *call_graph(const state *s, const oo_node *holder, oo_node *node, oo_arena *arena) {
    const oo_attr *const attr = oo_node_attr(holder, oo_node_op(node));
    if (!attr || oo_attr_nsubgraphs(attr) != 1)
        return oo__arena_printf(arena, "attribute \"%s\" holds no graph", oo_node_op(node));
    const oo_graph *const graph = oo_attr_subgraph(attr, 0);
    const uint32_t n = oo_graph_noutputs(graph);
    if (oo_graph_ninputs(graph) != oo_node_ninputs(node) || n != oo_node_noutputs(node))
        return oo__arena_printf(arena, "the graph in \"%s\" has other inputs or outputs than it must", oo_node_op(node));
    const char *const problem = oo_splice_problem(s->rw, graph, oo_node_graph(node), NULL);
    if (problem)
        return problem;
    oo_value **const inputs = OO_NEW_ARRAY(arena, oo_value *, oo_graph_ninputs(graph)), **const outputs = OO_NEW_ARRAY(arena, oo_value *, n);
    for (uint32_t i = 0; i < oo_graph_ninputs(graph); i++)
        inputs[i] = oo_node_input(node, i);
    oo_splice(s->rw, graph, node, NULL, inputs, outputs);
    for (uint32_t i = 0; i < n; i++)
        if (!oo_replace(s->rw, oo_node_output(node, i), outputs[i]))
            return "a result of a graph that the node holds is not visible where it is used";
    oo_erase(s->rw, node);
    return NULL;
}

static const char *call_graphs(const state *s, const oo_node *holder, oo_node *first, const oo_node *end, oo_arena *arena) {
    const char *problem = NULL;
    for (oo_node *node = first; node != end && !problem; node = oo_node_next(node)) {
        const uint32_t n = oo_node_nsubgraphs(node);
        for (uint32_t i = 0; i < n && !problem; i++)
            problem = call_graphs(s, holder, oo_graph_first(oo_node_subgraph(node, i)), NULL, arena);
        if (!problem && strcmp(oo_node_domain(node), "graph") == 0)
            problem = call_graph(s, holder, node, arena);
    }
    return problem;
}

/* ---- one node ---- */
/* Puts the copy in its place, or takes it back: the reason, NULL when it stands. *first is the first node of the copy. */
static const char *substitute(const state *s, oo_node *node, const oo_graph *body, oo_node **first, oo_arena *arena) {
    oo_node *const before = oo_node_prev(node);
    oo_graph *const graph = oo_node_graph(node);
    const uint32_t n = oo_graph_ninputs(body);
    oo_value **const inputs = OO_NEW_ARRAY(arena, oo_value *, n);
    oo_value **const outputs = OO_NEW_ARRAY(arena, oo_value *, oo_graph_noutputs(body));
    for (uint32_t i = 0; i < n; i++)
        inputs[i] = oo_node_input(node, i);
    oo_splice(s->rw, body, node, node, inputs, outputs);
    const char *problem = call_graphs(s, node, before ? oo_node_next(before) : oo_graph_first(graph), node, arena);
    *first = before ? oo_node_next(before) : oo_graph_first(graph);
    if (!problem)
        problem = copy_problem(s, *first, node, arena);
    if (!problem)
        problem = replace_outputs(s, node, outputs);
    if (problem) {
        oo_abandon(s->rw);
        return problem;
    }
    oo_erase(s->rw, node);
    oo_end(s->rw);
    return NULL;
}

/* The first of the nodes that took the node's place, NULL when it stays. */
static oo_node *expand(state *s, oo_node *node, const oo_schema *schema) {
    const char *problem = input_problem(node);
    oo_model *const model = problem ? NULL : body_model(s, node, schema);
    oo_node *first = NULL;
    oo_arena *const arena = oo__arena_new();
    if (model) {
        const oo_graph *const body = model->functions.data[0]->graph;
        const int64_t size = oo__nodes_inside(body);
        problem = oo_splice_problem(s->rw, body, oo_node_graph(node), node);
        if (!problem && s->grown + size > s->options->max_nodes)
            problem = "max-nodes would be passed";
        if (!problem && !oo_begin(s->rw, RULE, node))
            s->done = true;
        if (!problem && !s->done)
            problem = substitute(s, node, body, &first, arena);
        if (!problem && !s->done) {
            s->grown += size;
            oo_count(s->rw, "nodes expanded", 1);
        }
    }
    if (problem)
        oo_miss(s->rw, RULE, node, "%s", problem);
    first = problem || s->done ? NULL : first;
    oo__arena_free(arena);
    oo_model_free(model);
    return first;
}

/* ---- all nodes ---- */
static void visit_inner(state *s, oo_node *node, int64_t level);

static void visit(state *s, oo_node *node, const oo_node *end, int64_t level) {
    while (node && node != end && !s->done) {
        oo_node *const next = oo_node_next(node);
        const oo_schema *const schema = wanted(s, node, level);
        oo_node *const first = schema ? expand(s, node, schema) : NULL;
        if (first && (level + 1 < s->options->depth || s->options->depth == 0))
            visit(s, first, next, level + 1);
        else if (!first)
            visit_inner(s, node, level);
        node = next;
    }
}

static void visit_inner(state *s, oo_node *node, int64_t level) {
    const uint32_t n = oo_node_nsubgraphs(node);
    for (uint32_t i = 0; i < n; i++)
        visit(s, oo_graph_first(oo_node_subgraph(node, i)), NULL, level);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options_) {
    state s = {.rw = rw, .model = model, .options = options_};
    const uint32_t n = model->graphs.n; /* graphs that come are visited with their nodes */
    for (uint32_t i = 0; i < n && !s.done; i++)
        if (!model->graphs.data[i]->dead && !model->graphs.data[i]->owner)
            visit(&s, oo_graph_first(model->graphs.data[i]), NULL, 0);
    return OO_OK;
}

static const oo_option_row OPTIONS[] = {
    OO_OPTION(options, ops, OO_OPT_STRING, "ops", "", "only these operators, joined by '+'; none: all whose bodies are as good as they are"),
    OO_OPTION(options, depth, OO_OPT_INT, "depth", "1", "how deep to expand what bodies consist of; 0: as far as it goes"),
    OO_OPTION(options, max_nodes, OO_OPT_INT, "max-nodes", "200000", "nodes that may be copied in all"),
};

const oo_pass oo_pass_expand_functions = {
    .size = sizeof(oo_pass),
    .name = "expand-functions",
    .summary = "Replace operators that ONNX defines by other operators by these",
    .doc = "Bodies are ONNX's own. A node stays when no body of its operator is written for an opset that the model has, when "
           "an operator of the body means something else at the model's opset or does not take the element types at hand, "
           "or when the body depends on what is not known of the node. One whose body is less good than the operator (its "
           "results overflow, or are random) is expanded only when ops names it. Nodes in the body are operators with bodies "
           "in turn: depth says how far to go.",
    .options = OPTIONS,
    .noptions = sizeof OPTIONS / sizeof *OPTIONS,
    .options_size = sizeof(options),
    .needs = OO_TYPES,
    .inexact = true,
    .run = run,
};
