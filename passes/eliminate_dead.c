/* Removes what no output depends on: nodes, local functions and initializers without a use. What is public or named
 * from elsewhere (graph inputs and outputs, their defaults, annotated values) stays. */
#include <onnxopt/onnxopt.h>

#include <stdlib.h>
#include <string.h>

typedef struct options {
    bool keep_unknown;
} options;

typedef struct dce {
    oo_rewriter *rw;
    const options *options;
    oo_node **stack; /* nodes that may have become unused */
    size_t n, room;
} dce;

static void push(dce *d, oo_node *node) {
    if (d->n == d->room) {
        d->room = d->room ? 2 * d->room : 256;
        oo_node **const larger = oo_scratch(d->rw, d->room * sizeof(oo_node *));
        if (d->n)
            memcpy(larger, d->stack, d->n * sizeof(oo_node *));
        d->stack = larger;
    }
    d->stack[d->n++] = node;
}

/* ---- nodes ---- */
static bool is_dead(const dce *d, const oo_node *node) {
    bool returns = false;
    for (uint32_t i = 0; i < oo_node_noutputs(node); i++) {
        const oo_value *const value = oo_node_output(node, i);
        if (value && (oo_value_nuses(value) || oo_value_is_pinned(value)))
            return false;
        returns |= value != NULL;
    }
    /* A node without results is there for what it does. */
    if (!returns && oo_node_is_opaque(node))
        return oo_miss(d->rw, "dead-node", node, "it has no outputs and nothing is known about its operator");
    if (d->options->keep_unknown && oo_node_is_opaque(node))
        return oo_miss(d->rw, "dead-node", node, "nothing is known about its operator, and keep-unknown is set");
    return true;
}

static void push_producer(dce *d, const oo_value *value, const oo_graph *graph) {
    oo_node *const producer = value ? oo_value_producer(value) : NULL;
    if (producer && !oo_node_erased(producer) && oo_node_graph(producer) == graph)
        push(d, producer);
}

/* Whatever in `graph` makes what the node uses, itself or inside its subgraphs. Outer graphs are swept later. */
static void push_producers(dce *d, const oo_node *node, const oo_graph *graph) {
    for (uint32_t i = 0; i < oo_node_ninputs(node); i++)
        push_producer(d, oo_node_input(node, i), graph);
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++) {
        const oo_graph *const body = oo_node_subgraph(node, s);
        oo_for_each_node(inner, body)
            push_producers(d, inner, graph);
        for (uint32_t i = 0; i < oo_graph_noutputs(body); i++)
            push_producer(d, oo_graph_output(body, i), graph);
    }
}

/* Removes the node if it is dead, then what died with it. False when fuel is out. */
static bool remove_from(dce *d, oo_node *node) {
    push(d, node);
    while (d->n) {
        oo_node *const next = d->stack[--d->n];
        if (oo_node_erased(next) || !is_dead(d, next))
            continue;
        if (!oo_begin(d->rw, "dead-node", next))
            return false;
        push_producers(d, next, oo_node_graph(next));
        oo_erase(d->rw, next);
        oo_end(d->rw);
        oo_count(d->rw, "nodes removed", 1);
    }
    return true;
}

/* Backwards, so that in a sorted graph one look at each node is enough. */
static bool sweep_nodes(dce *d, oo_graph *graph) {
    for (oo_node *node = oo_graph_last(graph); node; node = oo_node_prev(node))
        if (!remove_from(d, node))
            return false;
    return true;
}

/* Inner graphs before outer ones: their captured uses go first. */
static bool sweep_graphs(dce *d, const oo_model *model) {
    size_t count = 0;
    oo_for_each_graph(graph, model)
        count++;
    oo_graph **const graphs = oo_scratch(d->rw, (count + 1) * sizeof(oo_graph *));
    count = 0;
    oo_for_each_graph(graph, model)
        graphs[count++] = graph;
    while (count)
        if (!sweep_nodes(d, graphs[--count]))
            return false;
    return true;
}

/* ---- local functions ---- */
typedef struct function {
    oo_graph *body;
    bool called;
} function;

typedef struct functions {
    const oo_model *model;
    function *all; /* sorted by address of the body */
    uint32_t n;
    function **found; /* called, and its own calls not yet followed */
    uint32_t nfound;
} functions;

static int by_address(const void *a, const void *b) {
    const uintptr_t x = (uintptr_t)((const function *)a)->body;
    const uintptr_t y = (uintptr_t)((const function *)b)->body;
    return (x > y) - (x < y);
}

static void follow_calls(functions *f, const oo_graph *graph) {
    oo_for_each_node(node, graph) {
        const function key = {.body = oo_model_callee(f->model, node)};
        function *const callee = key.body ? bsearch(&key, f->all, f->n, sizeof key, by_address) : NULL;
        if (callee && !callee->called) {
            callee->called = true;
            f->found[f->nfound++] = callee;
        }
        for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++)
            follow_calls(f, oo_node_subgraph(node, s));
    }
}

static void mark_called(functions *f, const oo_model *model) {
    oo_for_each_graph(graph, model)
        if (!oo_graph_parent(graph) && !oo_graph_in_function(graph))
            follow_calls(f, graph);
    while (f->nfound)
        follow_calls(f, f->found[--f->nfound]->body);
}

/* All in one rewrite: dead functions may call each other. */
static bool drop_functions(oo_rewriter *rw, const oo_model *model) {
    functions f = {.model = model, .n = oo_model_nfunctions(model)};
    if (f.n == 0)
        return true;
    f.all = oo_scratch(rw, f.n * sizeof *f.all);
    f.found = oo_scratch(rw, f.n * sizeof(function *));
    for (uint32_t i = 0; i < f.n; i++)
        f.all[i].body = oo_model_function(model, i);
    qsort(f.all, f.n, sizeof *f.all, by_address);
    mark_called(&f, model);
    if (!oo_begin(rw, "dead-function", NULL))
        return false;
    for (uint32_t i = 0; i < f.n; i++) {
        if (f.all[i].called)
            continue;
        oo_drop_function(rw, f.all[i].body);
        oo_count(rw, "functions removed", 1);
    }
    oo_end(rw);
    return true;
}

/* ---- initializers ---- */
static bool drop_initializers(oo_rewriter *rw, const oo_graph *graph) {
    for (uint32_t i = 0; i < oo_graph_ninitializers(graph); i++) {
        oo_value *const value = oo_graph_initializer(graph, i);
        if (!oo_value_is_initializer(value) || oo_value_nuses(value))
            continue;
        const bool public = oo_value_is_input(value);
        if (public || oo_value_is_pinned(value)) {
            oo_miss(rw, "dead-initializer", NULL, "\"%s\" is unused, but %s", oo_value_name(value),
                    public ? "it is the default of a graph input" : "it is an output or an annotation names it");
            continue;
        }
        if (!oo_begin(rw, "dead-initializer", NULL))
            return false;
        oo_drop_initializer(rw, value);
        oo_end(rw);
        oo_count(rw, "initializers removed", 1);
    }
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    dce d = {.rw = rw, .options = opts};
    if (!sweep_graphs(&d, model) || !drop_functions(rw, model))
        return OO_OK;
    oo_for_each_graph(graph, model)
        if (!drop_initializers(rw, graph))
            break;
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, keep_unknown, OO_OPT_BOOL, "keep-unknown", "false",
              "keep unused nodes whose operator is neither ONNX's nor a local function"),
};

const oo_pass oo_pass_eliminate_dead = {
    .size = sizeof(oo_pass),
    .name = "dce",
    .summary = "Remove nodes, local functions and initializers that no output depends on",
    .doc = "A node goes when no output of it has a use, be it in a subgraph, and none is a graph output or annotated. "
           "Nodes inside If, Loop and Scan bodies and inside local functions are treated alike; then functions go that "
           "no live node calls, then initializers without a use.\n\n"
           "Graph inputs and outputs stay, and with an input its default. Random operators go when they are unused. So "
           "do operators that nothing is known about, unless keep-unknown is set or they have no outputs at all. Unused "
           "outputs of nodes that stay are left as they are.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
