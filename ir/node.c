#include "ir/ir.h"

#include <string.h>

oo_node *oo__node_new(oo_graph *graph, const char *domain, const char *op, uint32_t ninputs, uint32_t noutputs,
                      uint32_t nattrs) {
    oo_model *const model = graph->model;
    /* One piece: whoever looks at a node looks at its inputs next. */
    oo_node *const node = oo__arena_alloc(model->arena, sizeof *node + ninputs * sizeof *node->inputs + noutputs * sizeof *node->outputs +
                                                            nattrs * sizeof *node->attrs);
    node->op = oo__op(model, domain, op);
    node->domain = domain ? oo__str(model, domain) : NULL;
    node->id = model->nnodes++;
    node->ninputs = ninputs;
    node->noutputs = noutputs;
    node->nattrs = nattrs;
    node->inputs = (oo_use *)(node + 1);
    node->outputs = (oo_value **)(node->inputs + ninputs);
    node->attrs = (oo_attr **)(node->outputs + noutputs);
    for (uint32_t i = 0; i < ninputs; i++)
        node->inputs[i] = (oo_use){.user = node, .index = i};
    oo__graph_link(graph, node, NULL);
    return node;
}

oo_node_extra *oo__node_extra(oo_node *node) {
    if (!node->extra)
        node->extra = OO_NEW(node->graph->model->arena, oo_node_extra);
    return node->extra;
}

oo_value *oo__value_new(oo_graph *graph, const char *name) {
    oo_value *const value = OO_NEW(graph->model->arena, oo_value);
    value->graph = graph;
    value->name = value->read_name = name;
    value->id = graph->model->nvalues++;
    return value;
}

void oo__node_set_output(oo_node *node, uint32_t index, oo_value *value) {
    node->outputs[index] = value;
    if (!value)
        return;
    value->producer = node;
    value->index = index;
}

void oo__use_link(oo_node *node, uint32_t index, oo_value *value) {
    oo_use *const use = &node->inputs[index];
    if (use->value) {
        *(use->prev ? &use->prev->next : &use->value->uses) = use->next;
        if (use->next)
            use->next->prev = use->prev;
        use->value->nuses--;
    }
    use->value = value;
    use->prev = NULL;
    use->next = NULL;
    if (!value)
        return;
    use->next = value->uses;
    if (use->next)
        use->next->prev = use;
    value->uses = use;
    value->nuses++;
}

static const oo_node *checked(const oo_node *node, const char *function) {
    oo_require(node != NULL, "%s: node is NULL", function);
    oo_require(!node->erased, "%s: node %u was erased", function, node->id);
    return node;
}

oo_node *oo_node_next(const oo_node *node) {
    oo_node *next = node->next;
    while (next && next->erased)
        next = next->next;
    return next;
}

oo_node *oo_node_prev(const oo_node *node) {
    oo_node *prev = node->prev;
    while (prev && prev->erased)
        prev = prev->prev;
    return prev;
}

const char *oo_node_op(const oo_node *node) { return checked(node, __func__)->op->name; }
const char *oo_node_overload(const oo_node *node) { return node->extra && node->extra->overload ? node->extra->overload : ""; }
const char *oo_node_domain(const oo_node *node) { return checked(node, __func__)->op->domain; }
const char *oo_node_name(const oo_node *node) { return node->name ? node->name : ""; }
uint32_t oo_node_id(const oo_node *node) { return node->id; }
bool oo_node_erased(const oo_node *node) { return node->erased; }
oo_graph *oo_node_graph(const oo_node *node) { return node->graph; }
uint32_t oo_node_ninputs(const oo_node *node) { return checked(node, __func__)->ninputs; }
uint32_t oo_node_noutputs(const oo_node *node) { return checked(node, __func__)->noutputs; }
uint32_t oo_node_nattrs(const oo_node *node) { return checked(node, __func__)->nattrs; }

bool oo_node_is(const oo_node *node, const char *op) {
    const oo_op *const own = checked(node, __func__)->op;
    return *own->name == *op && !*own->domain && !own->functions && strcmp(own->name, op) == 0;
}

oo_value *oo_node_input(const oo_node *node, uint32_t index) {
    return index < checked(node, __func__)->ninputs ? node->inputs[index].value : NULL;
}

oo_value *oo_node_output(const oo_node *node, uint32_t index) {
    return index < checked(node, __func__)->noutputs ? node->outputs[index] : NULL;
}

uint32_t oo_node_order(const oo_node *node) {
    oo_require(node->graph->model->properties & OO_ORDER, "oo_node_order: the pass does not declare that it needs OO_ORDER");
    return checked(node, __func__)->order;
}

uint32_t oo_node_nsubgraphs(const oo_node *node) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < checked(node, __func__)->nattrs; i++)
        count += oo__attr_ngraphs(node->attrs[i]);
    return count;
}

oo_graph *oo_node_subgraph(const oo_node *node, uint32_t index) {
    for (uint32_t i = 0; i < checked(node, __func__)->nattrs; i++) {
        const uint32_t count = oo__attr_ngraphs(node->attrs[i]);
        if (index < count)
            return oo__attr_graph(node->attrs[i], index);
        index -= count;
    }
    oo_bug("oo_node_subgraph: index out of range in node %u", node->id);
}

/* ---- values ---- */
const char *oo_value_name(const oo_value *value) { return value->name ? value->name : ""; }
uint32_t oo_value_id(const oo_value *value) { return value->id; }
oo_graph *oo_value_graph(const oo_value *value) { return value->graph; }
oo_node *oo_value_producer(const oo_value *value) { return value->producer; }
uint32_t oo_value_index(const oo_value *value) { return value->index; }
bool oo_value_is_input(const oo_value *value) { return value->flags & OO_VALUE_INPUT; }
bool oo_value_is_initializer(const oo_value *value) { return value->flags & OO_VALUE_INITIALIZER; }
bool oo_value_is_output(const oo_value *value) { return value->noutputs > 0; }
bool oo_value_is_annotated(const oo_value *value) { return value->flags & OO_VALUE_PINNED; }
bool oo_value_is_pinned(const oo_value *value) { return value->noutputs > 0 || (value->flags & OO_VALUE_PINNED); }
uint32_t oo_value_nuses(const oo_value *value) { return value->nuses; }
oo_use *oo_value_first_use(const oo_value *value) { return value->uses; }
oo_use *oo_use_next(const oo_use *use) { return use->next; }
oo_node *oo_use_node(const oo_use *use) { return use->user; }
uint32_t oo_use_index(const oo_use *use) { return use->index; }
const oo_type *oo_value_type(const oo_value *value) { return value->type; }

static const oo_tensor *constant_node_tensor(const oo_node *node) {
    if (node->erased || node->nattrs != 1 || !oo_node_is(node, "Constant"))
        return NULL;
    const oo_attr *const attr = node->attrs[0];
    if (attr->reference || attr->raw.data || attr->type != OO_ATTR_TENSOR || strcmp(oo_attr_name(attr), "value") != 0)
        return NULL;
    return attr->t;
}

const oo_tensor *oo_value_const(const oo_value *value) {
    if (value->producer)
        return constant_node_tensor(value->producer);
    /* Before IR version 4 every initializer had to be listed as an input too; an input is its default, not a constant. */
    return value->flags & OO_VALUE_INPUT ? NULL : value->init;
}
