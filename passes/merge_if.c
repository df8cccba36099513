/* Two Ifs of one graph on the same condition are one: the branches of the later one go on where those of the earlier one end. */
#include "ir/body.h"
#include "passes/branches.h"

static const char RULE[] = "merge-if";

typedef struct state {
    oo_rewriter *rw;
    oo_model *model;
    uint32_t *order; /* by node id: place in the graph that is being looked at */
    uint32_t norder;
    bool done;       /* fuel is out */
} state;

/* An If that goes, and the one that takes it in. */
typedef struct pair {
    oo_node *first, *second;
    oo_branches into, from;
} pair;

static void number(state *s, const oo_graph *graph) {
    if (!s->order || s->model->nnodes > s->norder) {
        s->norder = s->model->nnodes + 256;
        s->order = oo_scratch(s->rw, s->norder * sizeof *s->order);
    }
    uint32_t n = 0;
    for (const oo_node *node = graph->first; node; node = node->next)
        s->order[node->id] = n++;
}

/* The node of the graph that is the node, or holds it. */
static const oo_node *holder(const oo_node *node, const oo_graph *graph) {
    while (node && node->graph != graph)
        node = node->graph->owner;
    return node;
}

/* ---- whether ---- */
/* Whether what the value is made by stands before the place, or it is not made in this graph. */
static bool is_before(const state *s, const oo_value *value, const oo_node *place) {
    return !value || value->graph != place->graph || !value->producer || value->producer == place || s->order[value->producer->id] < s->order[place->id];
}

static bool all_before(const state *s, const oo_graph *branch, const oo_node *place) {
    for (const oo_node *node = branch->first; node; node = node->next) {
        for (uint32_t i = 0; i < node->ninputs; i++)
            if (!is_before(s, node->inputs[i].value, place))
                return false;
        for (uint32_t k = 0; k < oo_node_nsubgraphs(node); k++)
            if (!all_before(s, oo_node_subgraph(node, k), place))
                return false;
    }
    for (uint32_t i = 0; i < branch->outputs.n; i++)
        if (!is_before(s, branch->outputs.data[i].value, place))
            return false;
    return true;
}

/* Whether nothing between the two uses what the first one makes: then it may stand right before the second. */
static bool may_wait(const state *s, const pair *p) {
    for (uint32_t i = 0; i < p->first->noutputs; i++) {
        const oo_value *const value = p->first->outputs[i];
        for (const oo_use *use = value ? value->uses : NULL; use; use = use->next)
            if (s->order[holder(use->user, p->first->graph)->id] < s->order[p->second->id])
                return false;
    }
    return true;
}

/* What is made inside is returned by the branch alone, and by no graph inside of it. */
static bool is_plain(const oo_graph *branch) {
    if (branch->annotations.n)
        return false;
    for (uint32_t i = 0; i < branch->sparse_initializers.n; i++)
        if (branch->sparse_initializers.data[i]->sparse_init)
            return false;
    for (uint32_t i = 0; i < branch->initializers.n; i++)
        if (branch->initializers.data[i]->init && !oo__can_build_const(branch, (oo_elem)branch->initializers.data[i]->init->elem))
            return false;
    for (const oo_node *node = branch->first; node; node = node->next) {
        for (uint32_t i = 0; i < node->noutputs; i++) {
            const oo_value *const value = node->outputs[i];
            uint32_t n = 0;
            for (uint32_t k = 0; value && k < branch->outputs.n; k++)
                n += branch->outputs.data[k].value == value;
            if (value && (value->noutputs != n || oo_value_is_annotated(value)))
                return false;
        }
    }
    return true;
}

/* What a graph returns from around it has no use that could be redirected. */
static bool returns_outputs_of(const oo_graph *graph, const oo_node *node) {
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        if (graph->outputs.data[i].value->producer == node)
            return true;
    for (const oo_node *n = graph->first; n; n = n->next)
        for (uint32_t k = 0; k < oo_node_nsubgraphs(n); k++)
            if (returns_outputs_of(oo_node_subgraph(n, k), node))
                return true;
    return false;
}

static bool is_odd(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (!node->outputs[i] || oo_value_is_annotated(node->outputs[i]))
            return true;
    return false;
}

static bool may_merge(const pair *p) {
    return is_plain(p->from.then_graph) && is_plain(p->from.else_graph) && !is_odd(p->second) && !is_odd(p->first) &&
           !returns_outputs_of(p->from.then_graph, p->first) && !returns_outputs_of(p->from.else_graph, p->first);
}

/* ---- merging ---- */
/* Inside the branch the first If's outputs are what the same branch of it returns. */
static void redirect(state *s, const pair *p, const oo_graph *from, const oo_graph *into) {
    for (uint32_t i = 0; i < p->first->noutputs; i++) {
        for (oo_use *use = p->first->outputs[i]->uses, *next; use; use = next) {
            next = use->next;
            if (oo__lies_in(use->user->graph, from))
                oo_set_input(s->rw, use->user, use->index, into->outputs.data[i].value);
        }
    }
}

static void append_branch(state *s, const pair *p, oo_graph *from, oo_graph *into) {
    const uint32_t n = from->outputs.n;
    oo_value **const results = oo_scratch(s->rw, (n + 1u) * sizeof *results);
    const oo_type **const types = oo_scratch(s->rw, (n + 1u) * sizeof *types);
    redirect(s, p, from, into);
    for (uint32_t i = n; i-- > 0;) {
        results[i] = from->outputs.data[i].value;
        types[i] = from->outputs.data[i].type;
        oo__remove_body_output(s->rw, from, i);
    }
    for (oo_node *node = from->first, *next; node; node = next) {
        next = node->next;
        oo__move_to_end(s->rw, node, into);
    }
    for (uint32_t k = 0; k < from->initializers.n; k++) {
        oo_value *const old = from->initializers.data[k];
        if (!old->init)
            continue;
        oo_value *const constant = oo_build_const(s->rw, into, old->init, oo_value_name(old));
        for (oo_use *use = old->uses, *next; use; use = next) {
            next = use->next;
            oo_set_input(s->rw, use->user, use->index, constant);
        }
        for (uint32_t i = 0; i < n; i++)
            results[i] = results[i] == old ? constant : results[i];
    }
    for (uint32_t i = 0; i < n; i++)
        oo__add_body_output(s->rw, into, results[i], types[i]);
}

/* The first one moves down, to the place of the second, which goes. */
static void wait_for(state *s, const pair *p) {
    oo__move_node(s->rw, p->first, p->second);
    s->order[p->first->id] = s->order[p->second->id];
}

static void merge(state *s, const pair *p) {
    if (!oo_begin(s->rw, RULE, p->second)) {
        s->done = true;
        return;
    }
    if (p->first->next != p->second && (!all_before(s, p->from.then_graph, p->first) || !all_before(s, p->from.else_graph, p->first)))
        wait_for(s, p);
    append_branch(s, p, p->from.then_graph, p->into.then_graph);
    append_branch(s, p, p->from.else_graph, p->into.else_graph);
    for (uint32_t i = 0; i < p->second->noutputs; i++) {
        oo_value *const by = oo__add_output(s->rw, p->first, p->second->outputs[i]);
        oo_require(oo_replace(s->rw, p->second->outputs[i], by), "merge-if: an output is not visible");
    }
    oo_erase(s->rw, p->second);
    oo_end(s->rw);
    oo_count(s->rw, "ifs merged", 1);
}

/* ---- the walk ---- */
/* The last If before the node on the same condition; of one that very much depends on it is not looked for long. */
static oo_node *find_earlier(const state *s, const oo_node *node) {
    enum { MAX_USES = 1024 };
    oo_node *found = NULL;
    uint32_t n = 0;
    for (const oo_use *use = node->inputs[0].value->uses; use && n < MAX_USES; use = use->next, n++) {
        oo_node *const other = use->user;
        if (other->graph == node->graph && oo_node_is(other, "If") && s->order[other->id] < s->order[node->id] &&
            (!found || s->order[other->id] > s->order[found->id]))
            found = other;
    }
    return found;
}

static void try(state *s, oo_node *node) {
    pair p = {.second = node};
    if (!oo__read_branches(&p.from, node))
        return;
    p.first = find_earlier(s, node);
    if (!p.first || !oo__read_branches(&p.into, p.first) || !may_merge(&p))
        return;
    const bool early = all_before(s, p.from.then_graph, p.first) && all_before(s, p.from.else_graph, p.first);
    if (!early && !may_wait(s, &p)) {
        oo_miss(s->rw, RULE, node, "between it and the If on the same condition before it values go from the one to the other");
        return;
    }
    merge(s, &p);
}

static void visit(state *s, oo_graph *graph) {
    number(s, graph);
    for (oo_node *node = graph->first, *next; node && !s->done; node = next) {
        next = node->next;
        if (oo_node_is(node, "If"))
            try(s, node);
    }
    for (oo_node *node = graph->first; node && !s->done; node = node->next)
        for (uint32_t i = 0; i < oo_node_nsubgraphs(node) && !s->done; i++)
            visit(s, oo_node_subgraph(node, i));
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    state s = {.rw = rw, .model = model};
    oo_for_each_graph(graph, model) if (!oo_graph_owner(graph)) visit(&s, graph);
    return OO_OK;
}

const oo_pass oo_pass_merge_if = {
    .size = sizeof(oo_pass),
    .name = "merge-if",
    .summary = "Make one If of two on the same condition",
    .doc = "The branches of the later If go on where those of the earlier one end. The later one moves up when all that it uses is made before the earlier one "
           "or by it; else the earlier one moves down when nothing between the two uses what it makes.",
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
