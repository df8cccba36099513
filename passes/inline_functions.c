/* Puts the bodies of local functions in the place of their calls.
 *
 * Calls are followed from the graphs that run: what a copied body calls is seen next, so calls within calls end too, and a function that
 * nothing calls any more is left for dce. */
#include "ir/growth.h"
#include "ir/splice.h"
#include "ir/weigh.h"

#include <string.h>

static const char RULE[] = "inline-functions";

typedef struct options {
    const char *names;
    int64_t max_nodes;
    oo_growth_options growth;
} options;

typedef struct state {
    oo_rewriter *rw;
    oo_model *model;
    const options *options;
    int64_t grown;     /* nodes copied so far */
    oo_graph **queue;  /* bodies of functions that are still called */
    uint32_t nqueue;
    oo_graph **kept;   /* the same as a set: open addressing, at most half full */
    uint32_t mask;
    int64_t room;      /* bytes by which the file may grow */
    uint64_t *calls;   /* by graph index: how often the function is called, where it counts */
    bool done;         /* fuel is out */
} state;

/* ---- which functions ---- */
/* The text before the next '+' of a list, and whether it is this one. */
static bool is_next(const char **list, const char *domain, const char *name) {
    const char *const item = *list;
    const size_t n = strcspn(item, "+"), m = strlen(name), d = strlen(domain);
    *list = item[n] ? item + n + 1 : item + n;
    if (n == m && memcmp(item, name, n) == 0)
        return true;
    return n == d + 1 + m && memcmp(item, domain, d) == 0 && item[d] == '.' && memcmp(item + d + 1, name, m) == 0;
}

static bool is_wanted(const state *s, const oo_node *call) {
    const char *list = s->options->names;
    if (!*list)
        return true;
    while (*list)
        if (is_next(&list, oo_node_domain(call), oo_node_op(call)))
            return true;
    return false;
}

/* ---- what it costs ---- */
/* Adds `by` to the calls of each function that the graph calls. */
static void count_calls(const state *s, const oo_graph *graph, uint64_t by) {
    for (const oo_node *node = graph->first; node; node = node->next) {
        const oo_graph *const callee = oo_model_callee(s->model, node);
        if (callee)
            s->calls[callee->index] += by;
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node); i++)
            count_calls(s, oo_node_subgraph(node, i), by);
    }
}

/* Whether the file has room for all calls of the function, of which the body's own place is freed in the end. */
static bool has_room(state *s, const oo_node *call, const oo_graph *body) {
    if (s->room == INT64_MAX)
        return true;
    const double calls = (double)s->calls[body->index], weight = (double)oo__weigh_graph(body);
    const double grows = (calls - 1) * weight - calls * (double)oo__weigh_node(call);
    return grows <= 0 || grows <= (double)s->room ||
           oo_miss(s->rw, RULE, call, "the file would grow by about %.0f bytes, past the limit, as there are %.0f calls", grows, calls);
}

/* A call less, and those of the body once more; the last call frees the body. */
static void settle(state *s, const oo_graph *body) {
    count_calls(s, body, 1);
    if (--s->calls[body->index])
        return;
    count_calls(s, body, UINT64_MAX); /* minus one */
    if (s->room != INT64_MAX)
        s->room += (int64_t)oo__weigh_graph(body);
}

/* ---- one call ---- */
static oo_value **actual_inputs(const state *s, const oo_node *call, const oo_graph *body) {
    const uint32_t n = oo_graph_ninputs(body);
    oo_value **const inputs = oo_scratch(s->rw, n * sizeof *inputs);
    for (uint32_t i = 0; i < n; i++)
        inputs[i] = oo_node_input(call, i);
    return inputs;
}

/* Whether the call's outputs could all be replaced. */
static bool replace_outputs(const state *s, const oo_node *call, oo_value *const *outputs) {
    const uint32_t n = oo_node_noutputs(call);
    for (uint32_t i = 0; i < n; i++) {
        oo_value *const old = oo_node_output(call, i);
        if (!old || (!oo_value_nuses(old) && !oo_value_is_output(old)))
            continue;
        if (oo_value_producer(outputs[i]) && !oo_value_type(outputs[i]))
            oo_copy_type(s->rw, outputs[i], old);
        if (!oo_replace(s->rw, old, outputs[i]))
            return false;
    }
    return true;
}

/* The first of the nodes that stand for the call, NULL when it stays. */
static oo_node *inline_call(state *s, oo_node *call, const oo_graph *body) {
    const int64_t size = oo__nodes_inside(body);
    const char *const problem = oo_splice_problem(s->rw, body, oo_node_graph(call), call);
    if (problem) {
        oo_miss(s->rw, RULE, call, "%s", problem);
        return NULL;
    }
    if (s->grown + size > s->options->max_nodes) {
        oo_miss(s->rw, RULE, call, "more than max-nodes = %lld nodes would be copied", (long long)s->options->max_nodes);
        return NULL;
    }
    if (!has_room(s, call, body))
        return NULL;
    if (!oo_begin(s->rw, RULE, call)) {
        s->done = true;
        return NULL;
    }
    oo_node *const before = oo_node_prev(call);
    oo_graph *const graph = oo_node_graph(call);
    oo_value **const outputs = oo_scratch(s->rw, oo_graph_noutputs(body) * sizeof *outputs);
    oo_splice(s->rw, body, call, call, actual_inputs(s, call, body), outputs);
    if (!replace_outputs(s, call, outputs)) {
        oo_abandon(s->rw);
        oo_miss(s->rw, RULE, call, "an output of the body is not visible where the call's is used");
        return NULL;
    }
    oo_erase(s->rw, call);
    if (s->calls[body->index] == 1 && s->room != INT64_MAX)
        s->room -= oo__growth_of_rewrite(s->rw); /* the body is freed for it */
    else if (!oo__growth_allowed(&s->room, s->rw)) {
        oo_miss(s->rw, RULE, call, "the file would grow by %lld bytes, past the limit", (long long)oo__growth_of_rewrite(s->rw));
        oo_abandon(s->rw);
        return NULL;
    }
    oo_end(s->rw);
    settle(s, body);
    s->grown += size;
    oo_count(s->rw, "calls inlined", 1);
    oo_count(s->rw, "nodes copied", (uint64_t)size);
    return before ? oo_node_next(before) : oo_graph_first(graph);
}

/* ---- all calls ---- */
/* A function that a call goes on calling runs too: its own calls are seen to later. */
static void keep(state *s, oo_graph *body) {
    uint32_t i = (uint32_t)((uintptr_t)body >> 4) * 0x9e3779b9u;
    while (s->kept[i & s->mask] && s->kept[i & s->mask] != body)
        i++;
    if (s->kept[i & s->mask])
        return;
    s->kept[i & s->mask] = s->queue[s->nqueue++] = body;
}

static void visit(state *s, oo_graph *graph) {
    oo_node *node = oo_graph_first(graph);
    while (node && !s->done) {
        oo_graph *const body = oo_model_callee(s->model, node);
        oo_node *const first = body && is_wanted(s, node) ? inline_call(s, node, body) : NULL;
        if (oo_node_erased(node)) {
            node = first; /* calls within the body are next */
            continue;
        }
        if (body)
            keep(s, body);
        const uint32_t n = oo_node_nsubgraphs(node);
        for (uint32_t i = 0; i < n; i++)
            visit(s, oo_node_subgraph(node, i));
        node = oo_node_next(node);
    }
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options_) {
    state s = {.rw = rw, .model = model, .options = options_, .mask = 1};
    const uint32_t n = oo_model_nfunctions(model);
    if (!n)
        return OO_OK;
    while (s.mask < n * 2)
        s.mask = s.mask * 2 + 1;
    s.queue = oo_scratch(rw, n * sizeof(oo_graph *));
    s.kept = oo_scratch(rw, (s.mask + 1) * sizeof(oo_graph *));
    s.room = oo__growth_room(model, &s.options->growth);
    s.calls = oo_scratch(rw, model->graphs.n * sizeof *s.calls);
    oo_for_each_graph(graph, model)
        if (!oo_graph_parent(graph))
            count_calls(&s, graph, 1);
    oo_for_each_graph(graph, model)
        if (!oo_graph_parent(graph) && !oo_graph_in_function(graph))
            visit(&s, graph);
    for (uint32_t i = 0; i < s.nqueue; i++)
        visit(&s, s.queue[i]);
    return OO_OK;
}

static const oo_option_row OPTIONS[] = {
    OO_OPTION(options, names, OO_OPT_STRING, "names", "", "only calls of these functions: name or domain.name, joined by '+'"),
    OO_OPTION(options, max_nodes, OO_OPT_INT, "max-nodes", "200000", "nodes that may be copied in all"),
    OO_GROWTH_OPTIONS(options, growth),
};

const oo_pass oo_pass_inline_functions = {
    .size = sizeof(oo_pass),
    .name = "inline-functions",
    .summary = "Replace calls of local functions by their bodies",
    .doc = "Attributes that the body refers to become what the call gives, else the function's default, else nothing; inputs "
           "that the call omits are omitted in the body. A call stays when an operator of the body is not known to mean the "
           "same at the model's opset, when the body needs what the call does not give, or when the call's output is "
           "annotated. Calls within bodies are inlined too. Functions that are no longer called are left for dce.",
    .options = OPTIONS,
    .noptions = sizeof OPTIONS / sizeof *OPTIONS,
    .options_size = sizeof(options),
    .run = run,
};
