/* Laws of Loop and Scan. While the body of a Loop runs its condition is true; a state that the body hands on as it is is its first value. */
#include "ir/body.h"
#include "passes/branches.h"
#include "passes/loops.h"
#include "passes/place.h"

static const char CONDITION[] = "loop-condition", STATE[] = "loop-invariant-state";

typedef struct state {
    oo_rewriter *rw;
    bool done; /* fuel is out */
} state;

static bool begin(state *s, const char *rule, const oo_node *node) {
    s->done = s->done || !oo_begin(s->rw, rule, node);
    return !s->done;
}

/* ---- the condition inside ---- */
/* Identity of it is how a body says that nothing but the count ends the loop: that form stays. */
static bool hands_on(const oo_use *use) { return oo_node_is(use->user, "Identity"); }

static bool has_other_use(const oo_value *value, bool shaped) {
    for (const oo_use *use = value->uses; use; use = use->next)
        if (!hands_on(use) && (shaped || oo_node_is(use->user, "If")))
            return true;
    return false;
}

static void know_condition(state *s, const oo_loop *loop) {
    const oo_value *const go = loop->body->inputs.data[1].value;
    const int32_t rank = oo_type_rank(go->type);
    const bool shaped = rank == 0 || (rank == 1 && oo_type_dim(go->type, 0) == 1);
    static const int64_t one[] = {1};
    static const uint8_t truth[] = {1};
    if (oo_value_is_annotated(go) || !has_other_use(go, shaped) || !begin(s, CONDITION, loop->node))
        return;
    oo_tensor *const tensor = oo_tensor_make(loop->body->model, OO_BOOL, shaped && rank == 1 ? 1 : 0, one, truth);
    oo_value *const constant = oo_build_const(s->rw, loop->body, tensor, "running");
    for (oo_use *use = go->uses, *next; use; use = next) {
        next = use->next;
        if (!hands_on(use) && (shaped || oo_node_is(use->user, "If")))
            oo_set_input(s->rw, use->user, use->index, constant);
    }
    oo_end(s->rw);
    oo_count(s->rw, "conditions known", 1);
}

/* ---- states that stay what they are ---- */
static bool is_invariant(const oo_loop *loop, uint32_t i) {
    const oo_value *const in = loop->body->inputs.data[loop->body_input + i].value;
    const oo_value *const out = loop->node->outputs[i];
    return !oo_value_is_annotated(in) && !(out && oo_value_is_annotated(out)) &&
           oo__handed_on(loop->body->outputs.data[loop->body_output + i].value, loop->body) == in;
}

/* Whether the first value can be what the node returns without a node that only keeps a name. */
static bool may_stand_for(const oo_value *first, const oo_value *out) {
    return !out || !out->noutputs || (first->producer && first->graph == out->graph && !first->noutputs && !oo_value_is_annotated(first));
}

/* The body's other outputs that are the state return the first value, too. */
static void return_first(state *s, const oo_loop *loop, const oo_value *in, oo_value *first) {
    for (uint32_t k = 0; k < loop->body->outputs.n; k++)
        if (loop->body->outputs.data[k].value == in)
            oo__set_body_output(s->rw, loop->body, k, first);
}

static void capture(state *s, const oo_loop *loop, uint32_t i) {
    oo_value *const in = loop->body->inputs.data[loop->body_input + i].value, *const first = loop->node->inputs[loop->input + i].value;
    oo_value *const back = loop->body->outputs.data[loop->body_output + i].value, *const out = loop->node->outputs[i];
    if (!begin(s, STATE, loop->node))
        return;
    oo__remove_body_output(s->rw, loop->body, loop->body_output + i);
    return_first(s, loop, in, first);
    oo_require((!out || oo_replace(s->rw, out, first)) && oo_replace(s->rw, in, first), "simplify-loop: a state's first value is not visible");
    oo__remove_output(s->rw, loop->node, i);
    oo__remove_body_input(s->rw, loop->body, loop->body_input + i);
    oo__remove_input(s->rw, loop->node, loop->input + i);
    if (back != in && back->producer && back->producer->graph == loop->body)
        oo__erase_unused(s->rw, back->producer);
    if (!loop->node->noutputs)
        oo_erase(s->rw, loop->node);
    oo_end(s->rw);
    oo_count(s->rw, "states captured", 1);
}

/* A Loop of a version before 11 has a state; a node that is there for what it does keeps an output. */
static bool may_lose_state(const oo_loop *loop) {
    const bool old = !loop->scan && oo_graph_opset(loop->node->graph, "") < 11;
    return (loop->states > 1 || !old) && (loop->node->noutputs > 1 || !oo_node_is_opaque(loop->node));
}

static void capture_states(state *s, oo_node *node) {
    oo_loop loop;
    if (!oo__read_loop(&loop, node))
        return;
    for (uint32_t i = loop.states; i-- > 0 && !s->done;) {
        if (!is_invariant(&loop, i) || !may_lose_state(&loop))
            continue;
        if (!may_stand_for(node->inputs[loop.input + i].value, node->outputs[i])) {
            oo_miss(s->rw, STATE, node, "state %u never changes, but only an Identity could give its output its name", i);
            continue;
        }
        capture(s, &loop, i);
        if (oo_node_erased(node) || !oo__read_loop(&loop, node))
            return;
    }
}

/* ---- the walk ---- */
static void visit(state *s, oo_graph *graph) {
    for (oo_node *node = oo_graph_first(graph), *next; node && !s->done; node = next) {
        next = oo_node_next(node);
        oo_loop loop;
        if (oo_node_is(node, "Loop") && oo__read_loop(&loop, node))
            know_condition(s, &loop);
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node) && !s->done; i++)
            visit(s, oo_node_subgraph(node, i));
        if (!s->done)
            capture_states(s, node);
    }
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw};
    uint32_t before = 0;
    do { /* a state that hands on another one that was captured is captured next, and more is known now */
        if (oo__rewriter_rewrites(rw) != before)
            oo__infer_proofs(model);
        before = oo__rewriter_rewrites(rw);
        oo_for_each_graph(graph, model) if (!oo_graph_owner(graph)) visit(&s, graph);
    } while (!s.done && oo__rewriter_rewrites(rw) != before);
    return OO_OK;
}

const oo_pass oo_pass_simplify_loop = {
    .size = sizeof(oo_pass),
    .name = "simplify-loop",
    .summary = "Simplify Loop and Scan: states that never change, the condition inside",
    .doc = "A state that the body returns as it got it becomes a value of the graph around, and so does what the loop returns for it. Inside the body of a "
           "Loop its condition is true; handing it on stays as it is.",
    .needs = OO_TYPES | OO_VALUES, /* not kept: of what never changes more is known than of a state */
    .run = run,
};
