/* Invariants of the structure. The verifier trusts nothing that it can recompute. */
#include "ir/ir.h"

#include <stdlib.h>

typedef struct checker {
    oo_model *model;
    uint32_t breaches;
    uint32_t *uses; /* by value id: uses seen at nodes */
    uint32_t *outs; /* by value id: positions seen in graph outputs */
} checker;

enum { MAX_BREACHES = 20 };

#define breach(c, graph, node, value, ...)                                                                             \
    do {                                                                                                               \
        if ((c)->breaches++ < MAX_BREACHES)                                                                            \
            oo__report((c)->model, OO_ERROR, "verify", (graph), (node), (value), __VA_ARGS__);                         \
    } while (0)

/* The node of `graph` that contains (or is) `node`; NULL when it lies elsewhere. */
static const oo_node *ancestor_in(const oo_graph *graph, const oo_node *node) {
    while (node && node->graph != graph)
        node = node->graph->owner;
    return node;
}

static bool is_visible(const oo_value *value, const oo_graph *at) {
    while (at && at != value->graph)
        at = at->parent;
    return at != NULL;
}

/* Whether the value is made behind the node (or behind the node around it). */
static bool is_later(const oo_value *value, const oo_node *node) {
    const oo_node *const at = ancestor_in(value->graph, node);
    return value->producer && at && !value->graph->unsorted && value->producer->order >= at->order;
}

static bool has_origin(const oo_value *value) {
    return value->producer || (value->flags & (OO_VALUE_INPUT | OO_VALUE_INITIALIZER | OO_VALUE_ORPHAN));
}

static void check_input(checker *c, const oo_node *node, uint32_t i) {
    const oo_use *const use = &node->inputs[i];
    const oo_value *const value = use->value;
    if (use->user != node || use->index != i)
        breach(c, NULL, node, value, "input %u: the use does not belong to the node", i);
    if (!value)
        return;
    c->uses[value->id]++;
    if (value->producer && value->producer->erased)
        breach(c, NULL, node, value, "input %u is the output of a node that was erased", i);
    if (!is_visible(value, node->graph)) {
        breach(c, NULL, node, value, "input %u is not in scope: it belongs to another graph", i);
        return;
    }
    if (!has_origin(value))
        breach(c, NULL, node, value, "input %u has no origin: no node, graph input or initializer", i);
    if (is_later(value, node))
        breach(c, NULL, node, value, "input %u is made by a later node", i);
}

/* Whoever walks the graph relies on its lists: they are checked before anything else, and without trust in an end. */
static void check_lists(checker *c, const oo_graph *graph) {
    uint32_t count = 0;
    for (const oo_node *node = graph->first; node && count <= graph->nnodes; node = node->next, count++) {
        if (node->erased || node->graph != graph)
            breach(c, graph, node, NULL, "the node is in a list that it does not belong to");
        if (node->next ? node->next->prev != node : graph->last != node)
            breach(c, graph, node, NULL, "the node list is broken after this node");
    }
    if (count != graph->nnodes)
        breach(c, graph, NULL, NULL, "%u nodes are listed, %u counted", count, graph->nnodes);
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        if (!graph->inputs.data[i].value)
            breach(c, graph, NULL, NULL, "input %u has no value", i);
    if (graph->owner && graph->owner->erased)
        breach(c, graph, NULL, NULL, "the graph lives although its node was erased");
}

static void check_node(checker *c, const oo_graph *graph, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        check_input(c, node, i);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (value && (value->producer != node || value->index != i || value->graph != graph))
            breach(c, graph, node, value, "output %u does not know its producer", i);
    }
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++) {
            const oo_graph *const inner = oo__attr_graph(node->attrs[i], k);
            if (inner->owner != node || inner->parent != graph || inner->dead)
                breach(c, graph, node, NULL, "the subgraph in attribute \"%s\" does not know its owner",
                       oo_attr_name(node->attrs[i]));
        }
    }
}

static void check_outputs(checker *c, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        const oo_value *const value = graph->outputs.data[i].value;
        if (!value) {
            breach(c, graph, NULL, NULL, "output %u has no value", i);
            continue;
        }
        c->outs[value->id]++;
        if (!is_visible(value, graph))
            breach(c, graph, NULL, value, "output %u is not in scope", i);
        else if (value->producer && value->producer->erased)
            breach(c, graph, NULL, value, "output %u is made by a node that was erased", i);
        else if (!has_origin(value))
            breach(c, graph, NULL, value, "output %u has no origin: no node, graph input or initializer", i);
        else if (value->graph != graph && is_later(value, graph->owner))
            breach(c, graph, NULL, value, "output %u is made by a later node", i);
    }
}

static void check_uses(checker *c, const oo_value *value) {
    uint32_t length = 0;
    for (const oo_use *use = value->uses; use && length <= value->nuses; use = use->next, length++) {
        if (use->value != value || (use->next && use->next->prev != use) || use->user->erased) {
            breach(c, NULL, use->user, value, "the use list is broken");
            return;
        }
    }
    if (length != value->nuses || length != c->uses[value->id])
        breach(c, NULL, value->producer, value, "%u uses are listed, %u counted and %u seen", length, value->nuses,
               c->uses[value->id]);
    if (value->noutputs != c->outs[value->id])
        breach(c, NULL, value->producer, value, "it is %u graph outputs, %u were counted", c->outs[value->id], value->noutputs);
}

/* Names are unique in each graph. The slot of an interned name holds the value that has it. */
static void take_name(checker *c, const oo_graph *graph, oo_value *value) {
    if (!value->name)
        return;
    void **const slot = oo__str_slot(value->name);
    if (*slot && *slot != value)
        breach(c, graph, value->producer, value, "the graph has another value of this name");
    *slot = value;
}

static void give_name(checker *c, const oo_graph *graph, oo_value *value) {
    (void)c;
    (void)graph;
    if (value->name)
        *oo__str_slot(value->name) = NULL;
}

static void check_value(checker *c, const oo_graph *graph, oo_value *value) {
    if (value->graph != graph)
        breach(c, graph, NULL, value, "the value belongs to another graph");
    check_uses(c, value);
}

typedef void (*visitor)(checker *c, const oo_graph *graph, oo_value *value);

/* The values that the graph defines; one that is input and initializer comes twice. */
static void each_value(checker *c, const oo_graph *graph, visitor visit) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        visit(c, graph, graph->inputs.data[i].value);
    for (uint32_t i = 0; i < graph->initializers.n; i++)
        if (graph->initializers.data[i]->init)
            visit(c, graph, graph->initializers.data[i]);
    for (uint32_t i = 0; i < graph->sparse_initializers.n; i++)
        if (graph->sparse_initializers.data[i]->sparse_init)
            visit(c, graph, graph->sparse_initializers.data[i]);
    for (const oo_node *node = graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i])
                visit(c, graph, node->outputs[i]);
}

static void check_contents(checker *c) {
    oo_for_each_graph(graph, c->model) {
        for (const oo_node *node = graph->first; node; node = node->next)
            check_node(c, graph, node);
        check_outputs(c, graph);
    }
    oo_for_each_graph(each, c->model) {
        each_value(c, each, check_value);
        each_value(c, each, take_name);
        each_value(c, each, give_name);
    }
}

oo_status oo_model_verify(oo_model *model) {
    const size_t values = model->nvalues + 1;
    checker c = {.model = model, .uses = calloc(values, sizeof *c.uses), .outs = calloc(values, sizeof *c.outs)};
    if (!c.uses || !c.outs)
        oo__oom(values * sizeof *c.uses);
    oo_for_each_graph(graph, model) check_lists(&c, graph);
    if (!c.breaches) {
        const uint32_t properties = model->properties;
        oo__model_number(model);
        model->properties = properties;
        check_contents(&c);
    }
    free(c.uses);
    free(c.outs);
    return c.breaches ? OO_MISMATCH : OO_OK;
}
