/* Laws of If. Its condition is true in the one branch and false in the other; what both branches give is what it gives. */
#include "ir/body.h"
#include "passes/branches.h"
#include "passes/place.h"
#include "passes/same_code.h"

#include <string.h>

static const char NOT[] = "if-not", SAME[] = "if-same-branches", OUTPUT[] = "if-same-output", IMPLIED[] = "if-implied";

typedef struct fact {
    const oo_value *value;
    bool truth;
} fact;

enum { MAX_FACTS = 64, MAX_USES = 4096 }; /* of a value that has more uses nothing is concluded */

typedef struct state {
    oo_rewriter *rw;
    oo__same *same;
    int8_t *ranks; /* by value id: of truth values of one element, -1 for others. Found at once: a rewrite may cost what is known of types */
    uint32_t nranks;
    fact facts[MAX_FACTS]; /* what is known in the branch that is being looked at */
    uint32_t nfacts;
    bool done; /* fuel is out */
} state;

static bool begin(state *s, const char *rule, const oo_node *node) {
    s->done = s->done || !oo_begin(s->rw, rule, node);
    return !s->done;
}

/* ---- If(Not(c)) ---- */
static void swap(state *s, oo_node *node) {
    const oo_value *const condition = node->inputs[0].value;
    const oo_node *const negation = condition->producer;
    oo_branches b;
    if (!negation || !oo_node_is(negation, "Not") || oo_value_is_annotated(condition) || !oo__read_branches(&b, node) || !begin(s, NOT, node))
        return;
    oo_set_input(s->rw, node, 0, negation->inputs[0].value);
    oo__swap_graphs(s->rw, node, "then_branch", "else_branch");
    oo_end(s->rw);
    oo_count(s->rw, "conditions turned", 1);
}

/* ---- outputs ---- */
/* Whether the value may stand for the If's output without a node that only keeps its name. */
static bool may_stand_for(const oo_value *by, const oo_value *old) {
    return !old->noutputs || (by->producer && by->graph == old->graph && !by->noutputs && !oo_value_is_annotated(by));
}

/* What both branches return as output i: a value of a graph around the If. */
static oo_value *common_value(const oo_branches *b, const oo_node *node, uint32_t i) {
    oo_value *const x = oo__handed_on(b->then_graph->outputs.data[i].value, b->then_graph);
    oo_value *const y = oo__handed_on(b->else_graph->outputs.data[i].value, b->else_graph);
    return x == y && oo__lies_in(node->graph, x->graph) ? x : NULL;
}

static oo_tensor *common_constant(const oo_branches *b, uint32_t i) {
    const oo_tensor *const x = oo_value_const(oo__handed_on(b->then_graph->outputs.data[i].value, b->then_graph));
    const oo_tensor *const y = oo_value_const(oo__handed_on(b->else_graph->outputs.data[i].value, b->else_graph));
    return x && y && oo_tensor_equal(x, y) ? (oo_tensor *)(uintptr_t)x : NULL;
}

static void replace_output(state *s, oo_node *node, const oo_branches *b, uint32_t i) {
    oo_value *const old = node->outputs[i];
    if (!old || (!old->nuses && !old->noutputs) || oo_value_is_annotated(old))
        return;
    oo_value *const by = common_value(b, node, i);
    oo_tensor *const tensor = by ? NULL : common_constant(b, i);
    if (by ? !may_stand_for(by, old) : !tensor)
        return;
    const char *const problem = tensor ? oo__place_problem(old, oo_tensor_elem(tensor), tensor->rank, tensor->dims) : NULL;
    if (problem) {
        oo_miss(s->rw, OUTPUT, node, "output \"%s\": %s", oo_value_name(old), problem);
        return;
    }
    if (!begin(s, OUTPUT, node))
        return;
    if (tensor)
        oo__place_constant(s->rw, node, old, tensor);
    else
        oo_require(oo_replace(s->rw, old, by), "simplify-if: a value from around the node is not visible behind it");
    oo_end(s->rw);
    oo_count(s->rw, "outputs that both branches give", 1);
}

/* ---- what the condition implies ---- */
static void learn(state *s, const oo_value *value, bool truth) {
    for (uint32_t i = 0; i < s->nfacts; i++)
        if (s->facts[i].value == value)
            return;
    if (value && s->nfacts < MAX_FACTS && value->nuses <= MAX_USES && !oo_value_const(value))
        s->facts[s->nfacts++] = (fact){value, truth};
}

/* Of one truth value others follow: the operands of Not, of And that is true, of Or that is false; and its negations. */
static void conclude(state *s, const fact *f) {
    const oo_node *const node = f->value->producer;
    if (node && oo_node_is(node, "Not"))
        learn(s, node->inputs[0].value, !f->truth);
    if (node && oo_node_is(node, f->truth ? "And" : "Or"))
        for (uint32_t i = 0; i < node->ninputs; i++)
            learn(s, node->inputs[i].value, f->truth);
    for (const oo_use *use = f->value->uses; use; use = use->next)
        if (oo_node_is(use->user, "Not") && use->user->noutputs == 1)
            learn(s, use->user->outputs[0], !f->truth);
}

/* The rank of a truth value of one element, -1 when it may be none. */
static int32_t single_rank(const oo_value *value) {
    const int32_t rank = oo_type_rank(value->type);
    for (int32_t i = 0; i < rank; i++)
        if (oo_type_dim(value->type, (uint32_t)i) != 1)
            return -1;
    return rank <= 1 ? rank : -1;
}

static void see_ranks(state *s, const oo_value *value) {
    if (value && oo_type_elem(value->type) == OO_BOOL)
        s->ranks[value->id] = (int8_t)single_rank(value);
}

static void find_ranks(state *s, const oo_model *model) {
    s->nranks = model->nvalues;
    s->ranks = oo_scratch(s->rw, s->nranks + 1u);
    memset(s->ranks, -1, s->nranks);
    oo_for_each_graph(graph, model) {
        for (uint32_t i = 0; i < graph->inputs.n; i++)
            see_ranks(s, graph->inputs.data[i].value);
        for (const oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < node->noutputs; i++)
                see_ranks(s, node->outputs[i]);
    }
}

static bool is_condition(const oo_use *use) { return oo_node_is(use->user, "If") || (oo_node_is(use->user, "Loop") && use->index == 1); }

/* Uses inside the branch become uses of a constant. Where only the truth counts, a scalar will do. */
static void replace_uses(state *s, const oo_node *node, oo_graph *branch, const fact *f) {
    const int32_t rank = f->value->id < s->nranks ? s->ranks[f->value->id] : -1;
    const uint8_t truth = f->truth;
    static const int64_t one[] = {1};
    oo_value *constant = NULL;
    for (oo_use *use = f->value->uses, *next; use && !s->done; use = next) {
        next = use->next;
        const bool free = !oo_node_is(use->user, "Not") && oo__lies_in(use->user->graph, branch);
        if (!free || (rank < 0 && !oo_node_is(use->user, "If")))
            continue;
        if (!constant && !begin(s, IMPLIED, node))
            return;
        if (!constant)
            constant = oo_build_const(s->rw, branch, oo_tensor_make(branch->model, OO_BOOL, rank == 1 ? 1 : 0, one, &truth), "implied");
        oo_set_input(s->rw, use->user, use->index, constant);
        oo_count(s->rw, is_condition(use) ? "conditions known" : "values known", 1);
    }
    if (constant)
        oo_end(s->rw);
}

static void imply(state *s, const oo_node *node, oo_graph *branch, bool truth) {
    s->nfacts = 0;
    learn(s, node->inputs[0].value, truth);
    for (uint32_t i = 0; i < s->nfacts; i++)
        conclude(s, &(fact){s->facts[i].value, s->facts[i].truth});
    for (uint32_t i = 0; i < s->nfacts && !s->done; i++)
        if (!oo_value_is_annotated(s->facts[i].value))
            replace_uses(s, node, branch, &s->facts[i]);
}

/* ---- the walk ---- */
static void simplify(state *s, oo_node *node) {
    oo_branches b;
    while (oo__read_branches(&b, node) && !s->done) {
        const oo_value *const condition = node->inputs[0].value;
        swap(s, node);
        if (node->inputs[0].value == condition)
            break;
    }
    if (s->done || !oo__read_branches(&b, node))
        return;
    if (oo__same_graphs(s->same, b.then_graph, b.else_graph)) {
        const oo_answer answer = oo__inline_branch(s->rw, SAME, node, b.then_graph);
        s->done = answer == OO_UNKNOWN;
        if (answer != OO_NO)
            return;
    }
    for (uint32_t i = 0; i < node->noutputs && !s->done; i++)
        replace_output(s, node, &b, i);
    if (s->done || oo__truth_of(node->inputs[0].value) != OO_UNKNOWN)
        return;
    imply(s, node, b.then_graph, true);
    if (!s->done)
        imply(s, node, b.else_graph, false);
}

static void visit(state *s, oo_graph *graph) {
    for (oo_node *node = oo_graph_first(graph); node && !s->done;) {
        oo_node *const before = oo_node_prev(node);
        if (oo_node_is(node, "If"))
            simplify(s, node);
        if (oo_node_erased(node)) {
            node = before ? oo_node_next(before) : oo_graph_first(graph); /* what came in its place is next */
            continue;
        }
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node) && !s->done; i++)
            visit(s, oo_node_subgraph(node, i));
        node = oo_node_next(node);
    }
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw, .same = oo__same_new(rw)};
    uint32_t before = 0;
    do { /* what is known inside may make outputs equal, and branches */
        if (oo__rewriter_rewrites(rw) != before)
            oo__infer_proofs(model);
        before = oo__rewriter_rewrites(rw);
        find_ranks(&s, model);
        oo_for_each_graph(graph, model) if (!oo_graph_owner(graph)) visit(&s, graph);
    } while (!s.done && oo__rewriter_rewrites(rw) != before);
    return OO_OK;
}

const oo_pass oo_pass_simplify_if = {
    .size = sizeof(oo_pass),
    .name = "simplify-if",
    .summary = "Simplify If: equal branches, equal outputs, negated conditions, conditions known inside",
    .doc = "An If of a negation exchanges its branches. An If whose branches are equal is its branch; an output that is the same outer value or the same "
           "constant in both is that. In the one branch the condition is true, in the other false, and what follows from it (operands of Not, of And "
           "that is true, of Or that is false): uses inside become constants, so that an If inside on the same condition is decided.",
    .needs = OO_TYPES | OO_VALUES, /* not kept: a condition that is known decides more */
    .run = run,
};
