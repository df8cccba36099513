/* Calls between local functions. ONNX forbids recursion, and whoever expands calls relies on it. */
#include "ir/ir.h"

#include <stdlib.h>

enum { WHITE, GREY, BLACK };

/* A call in some function's body; functions are known by the index of their body in model->graphs. */
typedef struct call {
    const oo_node *node;
    uint32_t callee;
    uint32_t next; /* the caller's next call + 1, 0 = none */
} call;

typedef struct caller {
    uint32_t first; /* call + 1 */
    uint8_t colour;
} caller;

typedef struct walk {
    const oo_model *model;
    caller *callers; /* by index of the body */
    oo_vec(call) calls;
    oo_vec(uint32_t) stack; /* bodies that are being followed */
} walk;

static const oo_graph *body_around(const oo_graph *graph) {
    while (graph && !graph->function)
        graph = graph->parent;
    return graph;
}

static void collect_calls(walk *w, const oo_graph *graph) {
    const oo_graph *const body = body_around(graph);
    if (!body)
        return;
    caller *const c = &w->callers[body->index];
    for (const oo_node *node = graph->first; node; node = node->next) {
        const oo_graph *const callee = oo_model_callee(w->model, node);
        if (!callee)
            continue;
        oo_vec_push(NULL, &w->calls, (call){node, callee->index, c->first});
        c->first = w->calls.n;
    }
}

/* Follows the calls of one function; a node that calls a function which is being followed, NULL when there is none. */
static const oo_node *find_recursion(walk *w, uint32_t start) {
    oo_vec_push(NULL, &w->stack, start);
    w->callers[start].colour = GREY;
    while (w->stack.n) {
        caller *const c = &w->callers[w->stack.data[w->stack.n - 1]];
        if (!c->first) {
            c->colour = BLACK;
            w->stack.n--;
            continue;
        }
        const call next = w->calls.data[c->first - 1];
        c->first = next.next;
        caller *const callee = &w->callers[next.callee];
        if (callee->colour == GREY)
            return next.node;
        if (callee->colour == BLACK)
            continue;
        callee->colour = GREY;
        oo_vec_push(NULL, &w->stack, next.callee);
    }
    return NULL;
}

oo_status oo__model_check_calls(oo_model *model) {
    if (!model->functions.n)
        return OO_OK;
    walk w = {.model = model, .callers = calloc(model->graphs.n, sizeof *w.callers)};
    if (!w.callers)
        oo__oom(model->graphs.n * sizeof *w.callers);
    oo_for_each_graph(graph, model) collect_calls(&w, graph);
    const oo_node *bad = NULL;
    for (uint32_t i = 0; i < model->functions.n && !bad; i++)
        if (w.callers[model->functions.data[i]->graph->index].colour == WHITE)
            bad = find_recursion(&w, model->functions.data[i]->graph->index);
    if (bad)
        oo__report(model, OO_ERROR, "load-recursion", NULL, bad, NULL, "the function calls itself, directly or through others");
    free(w.callers);
    oo_vec_free(&w.calls);
    oo_vec_free(&w.stack);
    return bad ? OO_INVALID : OO_OK;
}
