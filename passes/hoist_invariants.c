/* What a loop computes anew in every iteration, always from the same values, is computed once, before it.
 *
 * Where the loop may not run at all, such a node would not have run either: then it moves only if it cannot fail. Nothing ever leaves a branch of
 * an If. */
#include "ir/body.h"
#include "passes/branches.h"
#include "passes/inner_first.h"
#include "passes/loops.h"

static const char RULE[] = "hoist-invariant";

typedef struct state {
    oo_rewriter *rw;
    oo_model *model;
    bool done; /* fuel is out */
} state;

/* ---- whether ---- */
static bool is_invariant(const oo_value *value, const oo_graph *body) {
    return !value || !oo__lies_in(value->graph, body) || (value->graph == body && oo_value_const(value) && !oo_value_is_annotated(value));
}

/* What graphs inside the node use of the body would have to move along, so there constants do not count either. */
static bool captures_from(const oo_node *node, const oo_graph *body) {
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++) {
        const oo_graph *const inner = oo_node_subgraph(node, s);
        for (const oo_node *n = inner->first; n; n = n->next) {
            for (uint32_t i = 0; i < n->ninputs; i++)
                if (n->inputs[i].value && n->inputs[i].value->graph == body)
                    return true;
            if (captures_from(n, body))
                return true;
        }
        for (uint32_t i = 0; i < inner->outputs.n; i++)
            if (inner->outputs.data[i].value->graph == body)
                return true;
    }
    return false;
}

static bool has_invariant_inputs(const oo_node *node, const oo_graph *body) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (!is_invariant(node->inputs[i].value, body))
            return false;
    return !captures_from(node, body);
}

/* Returned, it would have to be returned through an Identity: no node less. */
static bool is_free(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && oo_value_is_pinned(node->outputs[i]))
            return false;
    return true;
}

static bool may_hoist(const state *s, const oo_node *node, const oo_graph *body, bool runs) {
    if (oo_node_is(node, "Constant") || !has_invariant_inputs(node, body))
        return false;
    if (!is_free(node))
        return oo_miss(s->rw, RULE, node, "its result is what the body returns, or annotated");
    if (oo_node_is_opaque(node) || oo_node_is_random(node))
        return oo_miss(s->rw, RULE, node, "it draws random numbers, or nothing is known about its operator");
    return runs || oo__cannot_fail(node) || oo_miss(s->rw, RULE, node, "it might fail, and the loop might not run");
}

/* ---- moving ---- */
static void hoist(state *s, oo_node *node, oo_node *owner) {
    if (!oo_begin(s->rw, RULE, node)) {
        s->done = true;
        return;
    }
    oo__lift_constants(s->rw, node, owner);
    oo__move_node(s->rw, node, owner);
    oo_end(s->rw);
    oo_count(s->rw, "nodes hoisted", 1);
}

static void hoist_from(state *s, oo_node *owner) {
    oo_loop loop;
    if (!oo__read_loop(&loop, owner))
        return;
    const bool runs = oo__runs_once(&loop);
    for (oo_node *node = loop.body->first, *next; node && !s->done; node = next) {
        next = node->next;
        if (may_hoist(s, node, loop.body, runs))
            hoist(s, node, owner);
    }
}

/* Inner loops first: what leaves them may leave the one around, too. */
static bool visit(void *state_, oo_node *node) {
    state *const s = state_;
    hoist_from(s, node);
    return !s->done;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw, .model = model};
    oo__visit_inner_first(model, visit, &s);
    return OO_OK;
}

const oo_pass oo_pass_hoist_invariants = {
    .size = sizeof(oo_pass),
    .name = "hoist-invariants",
    .summary = "Compute before a Loop or Scan what every iteration computes from the same values",
    .doc = "A node of the body that uses nothing but values from around the loop and constants moves out. If the loop may run no time at all, only operators "
           "move that cannot fail on inputs of these types. Random operators, operators that nothing is known about and annotated values stay, and so does a "
           "node whose result the body returns.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
