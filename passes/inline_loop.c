/* A Loop whose body runs a known number of times: none, once, or, where asked for, a few times. */
#include "ir/growth.h"
#include "passes/branches.h"
#include "passes/inner_first.h"
#include "passes/loops.h"

#include "ir/rewriter.h"
#include "ir/schema.h"
#include "ir/splice.h"

static const char RULE[] = "inline-loop";

typedef struct options {
    int64_t unroll, max_nodes;
    oo_growth_options growth;
} options;

typedef struct state {
    oo_rewriter *rw;
    const options *options;
    int64_t room; /* bytes by which the file may grow */
    bool done; /* fuel is out */
} state;

/* ---- whether ---- */
/* The rank of a scalar or of a vector of one number, as the body takes it; -1 when that is not known. */
static int32_t single_rank(const oo_value *value) {
    const int32_t rank = oo_type_rank(value->type);
    return rank == 0 || (rank == 1 && oo_type_dim(value->type, 0) == 1) ? rank : -1;
}

static bool slices_are_read(const oo_loop *loop) {
    for (uint32_t i = loop->states; i < loop->node->noutputs; i++)
        if (loop->node->outputs[i] && (loop->node->outputs[i]->nuses || loop->node->outputs[i]->noutputs))
            return true;
    return false;
}

static bool takes(const oo_graph *graph, const char *op, oo_elem elem) {
    const oo_schema *const schema = oo__schema_find("", op, oo_graph_opset(graph, ""));
    return schema && oo__schema_input(schema, 0)->types->elems[OO_FORM_TENSOR] >> elem & 1;
}

/* What the iterations give must be of a type that Unsqueeze and Concat take: not every version takes every one. */
static bool can_put_together(const oo_loop *loop, int64_t trips) {
    const oo_graph *const graph = loop->node->graph;
    for (uint32_t i = loop->states; i < loop->node->noutputs; i++) {
        const oo_value *const out = loop->node->outputs[i];
        const oo_elem elem = out ? oo_type_elem(out->type) : OO_UNDEFINED;
        if (out && (out->nuses || out->noutputs) &&
            (elem == OO_UNDEFINED || !takes(graph, "Unsqueeze", elem) || (trips > 1 && !takes(graph, "Concat", elem))))
            return false;
    }
    return true;
}

static int64_t copied_nodes(const oo_loop *loop) {
    const int64_t n = oo__nodes_inside(loop->body);
    return n ? n : 1;
}

static const char *problem_of(const state *s, const oo_loop *loop, int64_t trips) {
    for (uint32_t i = 0; i < loop->node->noutputs; i++)
        if (loop->node->outputs[i] && oo_value_is_annotated(loop->node->outputs[i]))
            return "an output is annotated";
    if (trips == 0)
        return slices_are_read(loop) ? "it never runs, and the shape of what it puts together is not known" : NULL;
    if (!oo_graph_opset(loop->node->graph, ""))
        return "ai.onnx is not imported";
    for (uint32_t i = 0; i < 2; i++)
        if (loop->body->inputs.data[i].value->nuses + loop->body->inputs.data[i].value->noutputs && single_rank(loop->body->inputs.data[i].value) < 0)
            return "the shape of the count or the condition inside is not known";
    for (uint32_t i = 0; i < 2; i++)
        if (loop->body->inputs.data[i].value->nuses + loop->body->inputs.data[i].value->noutputs &&
            !oo__can_build_const(loop->node->graph, i ? OO_BOOL : OO_INT64))
            return "the operator set has no Constant for the count or the condition";
    if (!can_put_together(loop, trips))
        return "what it puts together is of a type that Unsqueeze or Concat does not take, or of none that is known";
    if (trips > 1 && (trips > s->options->unroll || copied_nodes(loop) > s->options->max_nodes / trips))
        return "it runs more than once, and is too large to be unrolled or that is not asked for";
    return oo_splice_problem(s->rw, loop->body, loop->node->graph, NULL);
}

/* ---- the pieces ---- */
static oo_value *number(state *s, const oo_loop *loop, int64_t n, uint32_t input) {
    static const int64_t one[] = {1};
    const oo_value *const as = loop->body->inputs.data[input].value;
    const uint32_t rank = single_rank(as) == 1;
    const uint8_t truth = 1;
    oo_tensor *const tensor = input == 0 ? oo_tensor_make(loop->body->model, OO_INT64, rank, one, &n)
                                         : oo_tensor_make(loop->body->model, OO_BOOL, rank, one, &truth);
    return oo_build_const(s->rw, loop->node->graph, tensor, oo_value_name(as));
}

static bool is_used(const oo_value *value) { return value->nuses || value->noutputs; }

/* With the first axis put in: [1, ...]. */
static oo_value *as_slice(state *s, const oo_loop *loop, const oo_value *value) {
    static const int64_t zero[] = {0}, one[] = {1};
    const bool by_input = oo_graph_opset(loop->node->graph, "") >= 13;
    const oo_value *inputs[2] = {value, NULL};
    if (by_input)
        inputs[1] = oo_build_const(s->rw, loop->node->graph, oo_tensor_make(loop->body->model, OO_INT64, 1, one, zero), "axes");
    oo_node *const node = oo_build(s->rw, loop->node, "", "Unsqueeze", inputs, by_input ? 2 : 1, 1);
    if (!by_input)
        oo_set_ints(s->rw, node, "axes", zero, 1);
    return node->outputs[0];
}

static oo_value *put_together(state *s, const oo_loop *loop, const oo_value *const *slices, int64_t n) {
    if (n == 1)
        return (oo_value *)(uintptr_t)slices[0];
    oo_node *const node = oo_build(s->rw, loop->node, "", "Concat", slices, (uint32_t)n, 1);
    oo_set_int(s->rw, node, "axis", 0);
    return node->outputs[0];
}

/* Nodes that are there several times must not all have one name. */
static void forget_names(oo_node *first, const oo_node *end) {
    for (oo_node *node = first; node && node != end; node = node->next) {
        node->name = NULL;
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node); i++)
            forget_names(oo_node_subgraph(node, i)->first, NULL);
    }
}

/* ---- in the place of the loop ---- */
/* One iteration: states become what they are after it, and slices[i] is what it gives for output states + i. */
static void run_once(state *s, const oo_loop *loop, int64_t iteration, bool again, oo_value **states, const oo_value **slices) {
    oo_value **const inputs = oo_scratch(s->rw, (loop->body->inputs.n + 1u) * sizeof *inputs);
    oo_value **const outputs = oo_scratch(s->rw, (loop->body->outputs.n + 1u) * sizeof *outputs);
    for (uint32_t i = 0; i < 2; i++)
        inputs[i] = is_used(loop->body->inputs.data[i].value) ? number(s, loop, iteration, i) : NULL;
    for (uint32_t i = 0; i < loop->states; i++)
        inputs[2 + i] = states[i];
    oo_node *const last = oo_node_prev(loop->node);
    oo_splice(s->rw, loop->body, loop->node, NULL, inputs, outputs);
    if (again)
        forget_names(last ? last->next : loop->node->graph->first, loop->node);
    for (uint32_t i = 0; i < loop->states; i++)
        states[i] = outputs[1 + i];
    for (uint32_t i = loop->states; i < loop->node->noutputs; i++)
        if (loop->node->outputs[i] && is_used(loop->node->outputs[i]))
            slices[i - loop->states] = as_slice(s, loop, outputs[1 + i]);
}

static bool replace_outputs(state *s, const oo_loop *loop, int64_t trips, oo_value *const *states, const oo_value *const *slices) {
    const uint32_t n = loop->node->noutputs - loop->states;
    const oo_value **const parts = oo_scratch(s->rw, ((size_t)trips + 1) * sizeof *parts);
    for (uint32_t i = 0; i < loop->node->noutputs; i++) {
        oo_value *const old = loop->node->outputs[i];
        if (!old || !is_used(old))
            continue;
        for (int64_t t = 0; t < trips && i >= loop->states; t++)
            parts[t] = slices[t * n + (i - loop->states)];
        oo_value *const by = i < loop->states ? states[i] : put_together(s, loop, parts, trips);
        if (!oo_replace(s->rw, old, by))
            return false;
    }
    return true;
}

static void inline_body(state *s, const oo_loop *loop, int64_t trips) {
    const uint32_t n = loop->node->noutputs - loop->states;
    oo_value **const states = oo_scratch(s->rw, (loop->states + 1u) * sizeof *states);
    const oo_value **const slices = oo_scratch(s->rw, ((size_t)trips * n + 1) * sizeof *slices);
    if (!oo_begin(s->rw, RULE, loop->node)) {
        s->done = true;
        return;
    }
    for (uint32_t i = 0; i < loop->states; i++)
        states[i] = loop->node->inputs[loop->input + i].value;
    for (int64_t t = 0; t < trips; t++)
        run_once(s, loop, t, trips > 1, states, slices + t * n);
    if (!replace_outputs(s, loop, trips, states, slices)) {
        oo_abandon(s->rw);
        oo_miss(s->rw, RULE, loop->node, "an output of the body is not visible where the node's is used");
        return;
    }
    oo_erase(s->rw, loop->node);
    if (!oo__growth_allowed(&s->room, s->rw)) {
        oo_miss(s->rw, RULE, loop->node, "the file would grow by %lld bytes, past the limit", (long long)oo__growth_of_rewrite(s->rw));
        oo_abandon(s->rw);
        return;
    }
    oo_end(s->rw);
    oo_count(s->rw, trips == 0 ? "loops that never run" : trips == 1 ? "loops that run once" : "loops unrolled", 1);
}

/* ---- the walk ---- */
static void try(state *s, oo_node *node) {
    oo_loop loop;
    if (!oo_node_is(node, "Loop") || !oo__read_loop(&loop, node))
        return;
    const int64_t trips = oo__trip_count(&loop);
    if (trips < 0) {
        oo_miss(s->rw, RULE, node, "how often it runs is not known");
        return;
    }
    const char *const problem = problem_of(s, &loop, trips);
    if (problem)
        oo_miss(s->rw, RULE, node, "%s", problem);
    else
        inline_body(s, &loop, trips);
}

/* Inner loops first: what is unrolled is then copied as it is. */
static bool visit(void *state_, oo_node *node) {
    state *const s = state_;
    try(s, node);
    return !s->done;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    state s = {.rw = rw, .options = opts, .room = oo__growth_room(model, &((const options *)opts)->growth)};
    uint32_t before = 0;
    do { /* a count may be known once a loop before it is gone */
        if (oo__rewriter_rewrites(rw) != before)
            oo__infer_proofs(model);
        before = oo__rewriter_rewrites(rw);
        oo__visit_inner_first(model, visit, &s);
    } while (!s.done && oo__rewriter_rewrites(rw) != before);
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, unroll, OO_OPT_INT, "unroll", "1", "put the body in the place of a Loop that runs up to so many times"),
    OO_OPTION(options, max_nodes, OO_OPT_INT, "max-nodes", "256", "as long as there are not more nodes than this from one Loop that runs twice or more"),
    OO_GROWTH_OPTIONS(options, growth),
};

const oo_pass oo_pass_inline_loop = {
    .size = sizeof(oo_pass),
    .name = "inline-loop",
    .summary = "Replace a Loop that never runs, or runs once, by its first values or its body",
    .doc = "The count and the conditions are constants, or values that inference proves; inside the body its condition is true, so a body that hands it on "
           "runs as often as the count says. What the loop puts together of one iteration gets its axis by Unsqueeze. With unroll, a Loop that runs a few "
           "times becomes as many copies of its body.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .needs = OO_TYPES | OO_VALUES, /* not kept: of one iteration more is known than of all */
    .run = run,
};
