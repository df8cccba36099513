/* Takes out what nodes return and nobody reads: optional outputs, and outputs of If, Loop, Scan and SequenceMap with the part of the body that
 * makes them. A state of a loop that only its own next value depends on is read by nobody. */
#include "ir/body.h"
#include "passes/loops.h"
#include "passes/outputs.h"
#include "passes/place.h"

#include <string.h>

static const char RULE[] = "dead-output";

typedef struct options {
    bool optional;
} options;

typedef struct drop {
    oo_rewriter *rw;
    const options *options;
    uint32_t *values, *nodes; /* by id: stamp of the body in which it was found to be read */
    uint32_t stamp;
    bool changed, done;
} drop;

static bool begin(drop *d, const oo_node *node) {
    d->done = d->done || !oo_begin(d->rw, RULE, node);
    d->changed = d->changed || !d->done;
    return !d->done;
}

/* ---- optional outputs ---- */
static uint32_t count_read(const oo_node *node) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->noutputs; i++)
        n += oo__is_read(node->outputs[i]);
    return n;
}

static void drop_optional(drop *d, oo_node *node) {
    bool open = false;
    for (uint32_t i = node->noutputs; i-- > 0;) {
        if (!node->outputs[i] || oo__is_read(node->outputs[i]) || !oo__may_omit_output(node, i))
            continue;
        if (!open && !begin(d, node))
            return;
        open = true;
        oo_drop_output(d->rw, node, i);
        oo_count(d->rw, "optional outputs dropped", 1);
    }
    if (open)
        oo_end(d->rw);
}

/* ---- what is read inside a body ---- */
typedef struct body {
    oo_loop loop;
    bool *live; /* [states] */
} body;

static void see(drop *d, const body *b, const oo_value *value);

static void see_inside(drop *d, const body *b, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        see(d, b, node->inputs[i].value);
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++) {
        const oo_graph *const inner = oo_node_subgraph(node, s);
        for (const oo_node *n = inner->first; n; n = n->next)
            see_inside(d, b, n);
        for (uint32_t i = 0; i < inner->outputs.n; i++)
            see(d, b, inner->outputs.data[i].value);
    }
}

static void see(drop *d, const body *b, const oo_value *value) {
    if (!value || value->graph != b->loop.body)
        return;
    d->values[value->id] = d->stamp;
    if (value->producer)
        d->nodes[value->producer->id] = d->stamp;
}

/* Backwards through the sorted nodes: what reads a value stands behind what makes it. */
static void follow(drop *d, const body *b) {
    for (const oo_node *node = b->loop.body->last; node; node = node->prev)
        if (d->nodes[node->id] == d->stamp)
            see_inside(d, b, node);
}

static bool is_annotated(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && oo_value_is_annotated(node->outputs[i]))
            return true;
    return false;
}

static bool returns_nothing(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i])
            return false;
    return true;
}

/* What is there for more than its results, and what is not a state. */
static void see_roots(drop *d, const body *b) {
    for (const oo_node *node = b->loop.body->first; node; node = node->next)
        if (returns_nothing(node) || is_annotated(node))
            d->nodes[node->id] = d->stamp;
    for (uint32_t i = 0; i < b->loop.body_output; i++)
        see(d, b, b->loop.body->outputs.data[i].value);
    for (uint32_t i = b->loop.body_output + b->loop.states; i < b->loop.body->outputs.n; i++)
        if (oo__is_read(b->loop.node->outputs[i - b->loop.body_output]))
            see(d, b, b->loop.body->outputs.data[i].value);
}

static void keep_state(drop *d, const body *b, uint32_t i) {
    b->live[i] = true;
    see(d, b, b->loop.body->outputs.data[b->loop.body_output + i].value);
}

/* Before version 11 a Loop has at least one state. */
static bool needs_state(const body *b) {
    for (uint32_t i = 0; i < b->loop.states; i++)
        if (b->live[i])
            return false;
    return b->loop.states && oo_node_is(b->loop.node, "Loop") && oo_graph_opset(b->loop.node->graph, "") < 11;
}

/* A state is live when the node's output is read, or something live in the body reads the state. */
static void find_live(drop *d, const body *b) {
    d->stamp++;
    see_roots(d, b);
    for (bool again = true; again;) {
        again = false;
        follow(d, b);
        for (uint32_t i = 0; i < b->loop.states; i++) {
            const oo_value *const state = b->loop.body->inputs.data[b->loop.body_input + i].value;
            if (b->live[i] || !(oo__is_read(b->loop.node->outputs[i]) || d->values[state->id] == d->stamp || oo_value_is_annotated(state)))
                continue;
            keep_state(d, b, i);
            again = true;
        }
        if (!again && needs_state(b)) {
            keep_state(d, b, 0);
            again = true;
        }
    }
}

/* ---- taking out ---- */
static void erase_dead(drop *d, const body *b) {
    for (oo_node *node = b->loop.body->last; node; node = oo_node_prev(node))
        if (d->nodes[node->id] != d->stamp)
            oo_erase(d->rw, node);
}

/* The list without its item `index`; one that is gone altogether takes the attribute with it. */
static void shorten(oo_rewriter *rw, oo_node *node, const char *name, uint32_t index) {
    const int64_t *list;
    uint32_t n;
    if (!oo_node_ints(&list, &n, node, name) || index >= n)
        return;
    int64_t *const left = oo_scratch(rw, n * sizeof *left);
    memcpy(left, list, index * sizeof *left);
    memcpy(left + index, list + index + 1, (n - index - 1) * sizeof *left);
    if (n == 1)
        oo_remove_attr(rw, node, name);
    else
        oo_set_ints(rw, node, name, left, n - 1);
}

static void drop_result(drop *d, const body *b, uint32_t index) {
    oo__remove_body_output(d->rw, b->loop.body, b->loop.body_output + index);
    oo__remove_output(d->rw, b->loop.node, index);
    if (index >= b->loop.states && b->loop.scan) {
        shorten(d->rw, b->loop.node, "scan_output_axes", index - b->loop.states);
        shorten(d->rw, b->loop.node, "scan_output_directions", index - b->loop.states);
    }
    oo_count(d->rw, "outputs of bodies dropped", 1);
}

static void drop_results(drop *d, const body *b) {
    const uint32_t all = b->loop.states;
    for (uint32_t i = b->loop.node->noutputs; i-- > 0;)
        if (i < all ? !b->live[i] : !oo__is_read(b->loop.node->outputs[i]))
            drop_result(d, b, i);
    erase_dead(d, b);
    for (uint32_t i = all; i-- > 0;) {
        if (b->live[i])
            continue;
        oo__remove_body_input(d->rw, b->loop.body, b->loop.body_input + i);
        oo__remove_input(d->rw, b->loop.node, b->loop.input + i);
        oo_count(d->rw, "states dropped", 1);
    }
}

/* A slice that nothing in the body reads. One stays: it says how often the body runs. */
static void drop_scanned(drop *d, const body *b) {
    int64_t scans = b->loop.scanned;
    const uint32_t states = b->loop.node->ninputs - (uint32_t)scans; /* those that are left */
    for (uint32_t i = b->loop.node->ninputs; i-- > states && scans > 1;) {
        const oo_value *const slice = b->loop.body->inputs.data[i].value;
        if (slice->nuses || oo_value_is_pinned(slice))
            continue;
        oo__remove_body_input(d->rw, b->loop.body, i);
        oo__remove_input(d->rw, b->loop.node, i);
        shorten(d->rw, b->loop.node, "scan_input_axes", i - states);
        shorten(d->rw, b->loop.node, "scan_input_directions", i - states);
        oo_set_int(d->rw, b->loop.node, "num_scan_inputs", --scans);
        oo_count(d->rw, "scanned inputs dropped", 1);
    }
}

static bool has_unread_slice(const body *b) {
    for (uint32_t i = b->loop.node->ninputs - (uint32_t)b->loop.scanned; b->loop.scanned > 1 && i < b->loop.node->ninputs; i++)
        if (!b->loop.body->inputs.data[i].value->nuses && !oo_value_is_pinned(b->loop.body->inputs.data[i].value))
            return true;
    return false;
}

static bool may_drop(const body *b) {
    bool any = has_unread_slice(b);
    for (uint32_t i = 0; i < b->loop.node->noutputs && !any; i++)
        any = i < b->loop.states ? !b->live[i] : !oo__is_read(b->loop.node->outputs[i]);
    return any;
}

/* ---- the kinds of bodies ---- */
static void drop_from_loop(drop *d, oo_node *node) {
    body b;
    if (!oo__read_loop(&b.loop, node))
        return;
    b.live = oo_scratch(d->rw, (b.loop.states + 1u) * sizeof *b.live);
    find_live(d, &b);
    if (!may_drop(&b) || !begin(d, node))
        return;
    drop_results(d, &b);
    drop_scanned(d, &b);
    oo_end(d->rw);
}

/* An If, or a SequenceMap: output i is output i of each subgraph. */
static void drop_from_branches(drop *d, oo_node *node) {
    const uint32_t graphs = oo_node_nsubgraphs(node);
    for (uint32_t s = 0; s < graphs; s++)
        if (oo_node_subgraph(node, s)->outputs.n != node->noutputs)
            return;
    if (!begin(d, node))
        return;
    for (uint32_t i = node->noutputs; i-- > 0;) {
        if (oo__is_read(node->outputs[i]))
            continue;
        oo__remove_output(d->rw, node, i);
        for (uint32_t s = 0; s < graphs; s++) {
            oo_graph *const branch = oo_node_subgraph(node, s);
            oo_node *const producer = branch->outputs.data[i].value->producer;
            oo__remove_body_output(d->rw, branch, i);
            if (producer && producer->graph == branch)
                oo__erase_unused(d->rw, producer);
        }
        oo_count(d->rw, "outputs of bodies dropped", 1);
    }
    oo_end(d->rw);
}

/* ---- the walk ---- */
/* One without any output that is read is dead: another pass takes it out as a whole. */
static void visit(drop *d, oo_node *node) {
    const uint32_t read = count_read(node);
    if (!read)
        return;
    const bool branches = oo_node_is(node, "If") || oo_node_is(node, "SequenceMap");
    if (oo_node_is(node, "Loop") || oo_node_is(node, "Scan"))
        drop_from_loop(d, node);
    else if (branches && read < node->noutputs)
        drop_from_branches(d, node);
    else if (!branches && d->options->optional && read < node->noutputs)
        drop_optional(d, node);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    drop d = {.rw = rw, .options = opts, .changed = true};
    d.values = oo_scratch(rw, ((size_t)model->nvalues + 1) * sizeof *d.values);
    d.nodes = oo_scratch(rw, ((size_t)model->nnodes + 1) * sizeof *d.nodes);
    while (d.changed && !d.done) {
        d.changed = false;
        oo_for_each_graph(graph, model) {
            oo_for_each_node(node, graph) {
                if (d.done)
                    return OO_OK;
                visit(&d, node);
            }
        }
    }
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, optional, OO_OPT_BOOL, "optional", "true", "omit optional outputs too; without, only outputs of If, Loop, Scan and SequenceMap"),
};

const oo_pass oo_pass_drop_outputs = {
    .size = sizeof(oo_pass),
    .name = "drop-outputs",
    .summary = "Remove outputs of nodes and of subgraphs that nobody reads",
    .doc = "An optional output is omitted. An output of If, Loop, Scan or SequenceMap goes with what makes it in the subgraphs; so does the state of a "
           "loop that nothing but its own next value depends on, and what is scanned for nothing. Annotated values are read.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
