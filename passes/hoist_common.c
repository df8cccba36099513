/* What both branches of an If compute is computed before it. It is computed in either case, so nothing new can fail. */
#include "ir/body.h"
#include "passes/branches.h"
#include "passes/inner_first.h"
#include "passes/same_code.h"

static const char RULE[] = "hoist-common";

typedef struct entry {
    uint64_t hash;
    oo_node *node;
    struct entry *next;
} entry;

typedef struct pair {
    oo_node *ours, *theirs; /* of the then_branch, of the else_branch */
} pair;

typedef struct state {
    oo_rewriter *rw;
    oo__same *same;
    bool done; /* fuel is out */
} state;

/* ---- what may be hoisted ---- */
/* A value of the branch may be returned only where its partner is: then the If's output is that value. */
static bool returned_alike(const oo_branches *b, const oo_value *x, const oo_value *y) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->then_graph->outputs.n; i++) {
        const bool here = b->then_graph->outputs.data[i].value == x;
        if (here != (b->else_graph->outputs.data[i].value == y))
            return false;
        n += here;
    }
    return n == (x ? x->noutputs : 0) && n == (y ? y->noutputs : 0);
}

static bool may_hoist(const oo_branches *b, const oo_node *x, const oo_node *y) {
    if (oo_node_nsubgraphs(x) || oo_node_is_random(x) || oo_node_is_opaque(x))
        return false;
    for (uint32_t i = 0; i < x->noutputs || i < y->noutputs; i++) {
        const oo_value *const a = oo_node_output(x, i), *const c = oo_node_output(y, i);
        if ((a && oo_value_is_annotated(a)) || (c && oo_value_is_annotated(c)) || !returned_alike(b, a, c))
            return false;
    }
    return true;
}

/* ---- moving ---- */
/* by[i]: what of the hoisted node output i of the If is, NULL = nothing. False when the If would have none left and must stay for what it does. */
static bool find_returned(const oo_node *owner, const oo_branches *b, const oo_node *node, oo_value **by) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < owner->noutputs; i++) {
        by[i] = NULL;
        for (uint32_t k = 0; k < node->noutputs; k++)
            if (node->outputs[k] && b->then_graph->outputs.data[i].value == node->outputs[k])
                by[i] = node->outputs[k];
        n += by[i] != NULL;
    }
    return n < owner->noutputs || !oo_node_is_opaque(owner);
}

/* The branches do not return it any more: what stands in an If's outputs is not moved out. */
static void return_less(state *s, const oo_node *owner, const oo_branches *b, oo_value *const *by) {
    for (uint32_t i = owner->noutputs; i-- > 0;) {
        if (!by[i])
            continue;
        oo__remove_body_output(s->rw, b->then_graph, i);
        oo__remove_body_output(s->rw, b->else_graph, i);
    }
}

static void replace_results(state *s, oo_node *owner, const pair *p, oo_value *const *by) {
    for (uint32_t i = 0; i < p->ours->noutputs; i++) {
        oo_value *const ours = p->ours->outputs[i], *const theirs = oo_node_output(p->theirs, i);
        oo_require(!ours || !theirs || oo_replace(s->rw, theirs, ours), "hoist-common: a hoisted value is not visible");
    }
    for (uint32_t i = owner->noutputs; i-- > 0;) {
        if (!by[i])
            continue;
        oo_require(!owner->outputs[i] || oo_replace(s->rw, owner->outputs[i], by[i]), "hoist-common: a hoisted value is not visible");
        oo__remove_output(s->rw, owner, i);
    }
}

static void hoist(state *s, oo_node *owner, const oo_branches *b, const pair *p, oo_value *const *by) {
    if (!oo_begin(s->rw, RULE, p->ours)) {
        s->done = true;
        return;
    }
    oo__lift_constants(s->rw, p->ours, owner);
    return_less(s, owner, b, by);
    oo__move_node(s->rw, p->ours, owner);
    replace_results(s, owner, p, by);
    oo_erase(s->rw, p->theirs);
    if (!owner->noutputs)
        oo_erase(s->rw, owner);
    oo_end(s->rw);
    oo_count(s->rw, "nodes hoisted", 1);
}

/* ---- pairs ---- */
static uint32_t index_branch(state *s, entry ***out, const oo_graph *branch) {
    uint32_t room = 8;
    while (room < branch->nnodes)
        room *= 2;
    entry **const buckets = oo_scratch(s->rw, room * sizeof(entry *));
    for (oo_node *node = branch->first; node; node = node->next) {
        if (oo_node_is(node, "Constant"))
            continue;
        entry *const e = oo_scratch(s->rw, sizeof *e);
        const uint64_t hash = oo__same_hash(s->same, node);
        *e = (entry){hash, node, buckets[hash & (room - 1)]};
        buckets[hash & (room - 1)] = e;
    }
    *out = buckets;
    return room - 1;
}

/* A hash of a node that uses what is hoisted comes out right once its inputs are taken for those of its partner. */
static oo_node *find_partner(state *s, const oo_branches *b, entry *const *buckets, uint32_t mask, const oo_node *node) {
    const uint64_t hash = oo__same_hash(s->same, node);
    for (entry *e = buckets[hash & mask]; e; e = e->next) {
        if (e->hash != hash || !e->node || !oo__same_nodes(s->same, node, e->node) || !may_hoist(b, e->node, node))
            continue;
        oo_node *const found = e->node;
        e->node = NULL;
        return found;
    }
    return NULL;
}

static void hoist_from(state *s, oo_node *owner) {
    oo_branches b;
    if (!oo__read_branches(&b, owner) || !b.then_graph->first || !b.else_graph->first)
        return;
    oo_value **const by = oo_scratch(s->rw, (owner->noutputs + 1u) * sizeof *by);
    entry **buckets;
    const uint32_t mask = index_branch(s, &buckets, b.then_graph);
    for (oo_node *node = b.else_graph->first, *next; node && !s->done; node = next) {
        next = node->next;
        if (oo_node_is(node, "Constant"))
            continue;
        oo_node *const partner = find_partner(s, &b, buckets, mask, node);
        if (!partner || !find_returned(owner, &b, partner, by))
            continue;
        for (uint32_t i = 0; i < partner->noutputs && i < node->noutputs; i++)
            if (partner->outputs[i] && node->outputs[i])
                oo__same_let(s->same, node->outputs[i], partner->outputs[i]);
        hoist(s, owner, &b, &(pair){partner, node}, by);
        if (oo_node_erased(owner))
            return;
    }
}

/* Inner Ifs first: what leaves them may leave the one around, too. */
static bool visit(void *state_, oo_node *node) {
    state *const s = state_;
    if (oo_node_is(node, "If"))
        hoist_from(s, node);
    return !s->done;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw, .same = oo__same_new(rw)};
    oo__visit_inner_first(model, visit, &s);
    return OO_OK;
}

const oo_pass oo_pass_hoist_common = {
    .size = sizeof(oo_pass),
    .name = "hoist-common",
    .summary = "Compute before an If what both of its branches compute",
    .doc = "Nodes of the two branches that are equal, with inputs from around the If, constants or nodes hoisted before, move out as one. An output "
           "that both return is then no output of the If any more. Random operators, operators that nothing is known about, nodes with subgraphs and "
           "annotated values stay, and so does a node whose result only one branch returns.",
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
