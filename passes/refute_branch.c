/* An If one of whose branches cannot be taken in any run that ends without an error is the other branch.
 *
 * The branches return values of different ranks. Types are inferred onwards from the one, then from the other, through the nodes behind the If
 * that run whenever it does. Where a node then gets an input of a rank that it does not take, the branch is refuted. Exporters write such an If
 * for what torch calls squeeze. */
#include "passes/branches.h"
#include "passes/inner_first.h"

#include <string.h>

static const char RULE[] = "refute-branch";

enum { MAX_STEPS = 1 << 16 };

typedef struct fact {
    oo_value *value;
    const oo_type *type;
    const oo_known *known;
} fact;

typedef struct state {
    oo_rewriter *rw;
    oo_model *model;
    oo_vec(fact) before; /* what was known before the assumption */
    uint32_t *assumed;   /* by value id: stamp of the assumption that the value depends on */
    uint32_t nassumed, stamp;
    uint32_t steps;
    bool done; /* fuel is out, or as many nodes were looked at as may be */
} state;

/* ---- what is known, and what it was ---- */
static void save_value(state *s, oo_value *value) {
    if (value)
        oo_vec_push(NULL, &s->before, (fact){value, value->type, value->known});
}

static void save(state *s, const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        save_value(s, node->outputs[i]);
    for (uint32_t g = 0; g < oo_node_nsubgraphs(node); g++) {
        const oo_graph *const inner = oo_node_subgraph(node, g);
        for (uint32_t i = 0; i < inner->inputs.n; i++)
            save_value(s, inner->inputs.data[i].value);
        for (const oo_node *n = inner->first; n; n = n->next)
            save(s, n);
    }
}

static void restore(state *s) {
    while (s->before.n) {
        const fact *const f = &s->before.data[--s->before.n];
        f->value->type = f->type;
        f->value->known = f->known;
    }
}

/* ---- what depends on the assumption ---- */
static bool is_assumed(const state *s, const oo_value *value) {
    return value && value->id < s->nassumed && s->assumed[value->id] == s->stamp;
}

static bool depends(state *s, const oo_node *node) {
    s->steps++;
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (is_assumed(s, node->inputs[i].value))
            return true;
    for (uint32_t g = 0; g < oo_node_nsubgraphs(node); g++) {
        const oo_graph *const inner = oo_node_subgraph(node, g);
        for (const oo_node *n = inner->first; n; n = n->next)
            if (depends(s, n))
                return true;
        for (uint32_t i = 0; i < inner->outputs.n; i++)
            if (is_assumed(s, inner->outputs.data[i].value))
                return true;
    }
    return false;
}

static void assume(const state *s, const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && node->outputs[i]->id < s->nassumed)
            s->assumed[node->outputs[i]->id] = s->stamp;
}

/* ---- what nodes demand ---- */
/* Operators that take one rank alone, whatever else they are given, and that every runtime refuses others for. */
typedef struct demand {
    const char *op;
    int32_t rank;  /* of input 0; 0: that of input 1 */
} demand;
static const demand demands[] = {{"LSTM", 3}, {"GRU", 3}, {"RNN", 3}, {"Conv", 0}, {"ConvTranspose", 0}};

static int32_t rank_of(const oo_node *node, uint32_t input) {
    const oo_value *const value = oo_node_input(node, input);
    return value ? oo_type_rank(value->type) : -1;
}

static bool refuses(const oo_node *node) {
    for (size_t i = 0; i < sizeof demands / sizeof *demands; i++) {
        if (!oo_node_is(node, demands[i].op))
            continue;
        const int32_t rank = rank_of(node, 0), wanted = demands[i].rank ? demands[i].rank : rank_of(node, 1);
        return rank >= 0 && wanted >= 0 && rank != wanted;
    }
    return false;
}

/* ---- assuming a branch ---- */
/* A node behind the If that would refuse what the branch leads to; NULL when none is found. */
static const oo_node *find_refusal(state *s, const oo_node *node, const oo_graph *branch) {
    const oo_node *found = NULL;
    s->stamp++;
    save(s, node);
    assume(s, node);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        if (!node->outputs[i])
            continue;
        node->outputs[i]->type = branch->outputs.data[i].value->type;
        node->outputs[i]->known = NULL;
    }
    for (const oo_node *n = node->next; n && !found && s->steps < MAX_STEPS; n = n->next) {
        if (!depends(s, n))
            continue;
        if (refuses(n))
            found = n;
        save(s, n);
        (void)oo__infer_one(s->model, n);
        assume(s, n);
    }
    restore(s);
    s->done = s->steps >= MAX_STEPS;
    return found;
}

static bool ranks_differ(const oo_branches *b) {
    for (uint32_t i = 0; i < b->then_graph->outputs.n; i++) {
        const int32_t x = oo_type_rank(b->then_graph->outputs.data[i].value->type), y = oo_type_rank(b->else_graph->outputs.data[i].value->type);
        if (x >= 0 && y >= 0 && x != y)
            return true;
    }
    return false;
}

static void try_branches(state *s, oo_node *node) {
    oo_branches b;
    if (!(s->model->properties & OO_TYPES) || !oo__read_branches(&b, node) || oo__truth_of(node->inputs[0].value) != OO_UNKNOWN || !ranks_differ(&b))
        return;
    const oo_node *const after_then = find_refusal(s, node, b.then_graph), *const after_else = find_refusal(s, node, b.else_graph);
    if (!after_then == !after_else) {
        oo_miss(s->rw, RULE, node, after_then ? "each branch leads to an error" : "no branch leads to an error for certain");
        return;
    }
    const oo_node *const refusal = after_then ? after_then : after_else;
    oo_remark(s->rw, node, "behind its %s %s would get an input of another rank than it takes", after_then ? "then_branch" : "else_branch",
              oo_node_op(refusal));
    if (oo__inline_branch(s->rw, RULE, node, after_then ? b.else_graph : b.then_graph) == OO_UNKNOWN)
        s->done = true;
}

static bool visit(void *state_, oo_node *node) {
    state *const s = state_;
    if (oo_node_is(node, "If"))
        try_branches(s, node);
    return !s->done;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw, .model = model, .nassumed = model->nvalues};
    s.assumed = oo_scratch(rw, ((size_t)s.nassumed + 1) * sizeof *s.assumed);
    oo__visit_inner_first(model, visit, &s);
    oo_vec_free(&s.before);
    return OO_OK;
}

const oo_pass oo_pass_refute_branch = {
    .size = sizeof(oo_pass),
    .name = "refute-branch",
    .summary = "Replace an If one of whose branches always ends in an error by the other branch",
    .doc = "Where the branches return values of different ranks, types are inferred onwards from each. A branch behind which a recurrent operator or a "
           "convolution, in the graph of the If, would get an input of a rank that it does not take is never taken in a run without an error.",
    .needs = OO_TYPES | OO_VALUES, /* not kept: one branch is known better than two */
    .run = run,
};
