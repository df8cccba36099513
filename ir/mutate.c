/* The mutators that passes see: replacing values, erasing nodes, changing inputs, outputs, attributes and initializers. */
#include "ir/change.h"
#include "ir/schema.h"

#include <string.h>

void oo__require_node(const oo_rewriter *rw, const oo_node *node, const char *function) {
    oo_require(rw->open, "%s: outside of oo_begin .. oo_end", function);
    oo_require(node && !node->erased, "%s: the node was erased", function);
}

/* ---- what a rewrite touched ---- */
void oo__note_changed(oo_rewriter *rw, oo_node *node) {
    if (node->stamp == rw->model->serial)
        return;
    node->stamp = rw->model->serial;
    oo_vec_push(NULL, &rw->changed, node->id);
    if (rw->model->properties & OO_TYPES)
        oo_vec_push(NULL, &rw->stale, node);
}

/* ---- inputs and outputs of nodes ---- */
static void relink(oo_rewriter *rw, oo_node *node, uint32_t index, oo_value *value) {
    oo__log(rw, (oo__change){.kind = OO__INPUT, .node = node, .index = index, .old = node->inputs[index].value});
    oo__use_link(node, index, value);
}

static void resize(oo_rewriter *rw, oo_node *node, uint32_t count, oo_value *last) {
    const uint32_t before = node->ninputs;
    oo_value **const values = OO_NEW_ARRAY(rw->model->arena, oo_value *, before > count ? before : count);
    for (uint32_t i = 0; i < before; i++)
        values[i] = node->inputs[i].value;
    oo__log(rw, (oo__change){.kind = OO__INPUTS, .node = node, .index = before, .old = values});
    oo_value **const next = OO_NEW_ARRAY(rw->model->arena, oo_value *, count ? count : 1);
    for (uint32_t i = 0; i < count; i++)
        next[i] = i < before ? values[i] : last;
    oo__node_resize_inputs(node, count, next);
}

void oo_set_input(oo_rewriter *rw, oo_node *node, uint32_t index, oo_value *value) {
    oo__require_node(rw, node, __func__);
    oo_require(index <= node->ninputs, "oo_set_input: index %u of %u", index, node->ninputs);
    if (index == node->ninputs)
        resize(rw, node, index + 1, value);
    else if (node->inputs[index].value != value)
        relink(rw, node, index, value);
    else
        return;
    oo__note_changed(rw, node);
}

void oo_trim_inputs(oo_rewriter *rw, oo_node *node) {
    oo__require_node(rw, node, __func__);
    uint32_t count = node->ninputs;
    while (count && !node->inputs[count - 1].value)
        count--;
    if (count == node->ninputs)
        return;
    resize(rw, node, count, NULL);
    oo__note_changed(rw, node);
}

void oo_drop_output(oo_rewriter *rw, oo_node *node, uint32_t index) {
    oo__require_node(rw, node, __func__);
    oo_require(index < node->noutputs, "oo_drop_output: index %u of %u", index, node->noutputs);
    oo_value *const value = node->outputs[index];
    if (!value)
        return;
    oo_require(!value->nuses && !oo_value_is_pinned(value), "oo_drop_output: \"%s\" is used", oo_value_name(value));
    oo__log(rw, (oo__change){.kind = OO__OUTPUT, .node = node, .index = index, .count = node->noutputs, .old = value});
    node->outputs[index] = NULL;
    while (node->noutputs && !node->outputs[node->noutputs - 1])
        node->noutputs--;
    oo__note_changed(rw, node);
}

/* ---- replacing ---- */
bool oo__is_visible(const oo_graph *of, const oo_graph *at) {
    while (at && at != of)
        at = at->parent;
    return at != NULL;
}

static bool visible_everywhere(const oo_value *by, const oo_value *old) {
    if (oo__is_visible(by->graph, old->graph))
        return true;
    if (old->noutputs)
        return false;
    for (const oo_use *use = old->uses; use; use = use->next)
        if (!oo__is_visible(by->graph, use->user->graph))
            return false;
    return true;
}

static void rename_value(oo_rewriter *rw, oo_value *value, const char *name, uint32_t flags) {
    oo__log(rw, (oo__change){.kind = OO__NAME, .value = value, .index = value->flags, .old = (void *)(uintptr_t)value->name});
    value->name = name;
    value->flags = flags;
}

void oo__set_graph_output(oo_rewriter *rw, oo_graph *graph, uint32_t index, oo_value *value) {
    oo_value *const old = graph->outputs.data[index].value;
    oo__log(rw, (oo__change){.kind = OO__GRAPH_OUTPUT, .graph = graph, .index = index, .old = old});
    old->noutputs--;
    graph->outputs.data[index].value = value;
    value->noutputs++;
    if (value->graph == graph)
        value->output_index = index;
}

void oo__hand_name_on(oo_rewriter *rw, oo_value *to, oo_value *from) {
    const char *const name = from->name;
    rename_value(rw, from, NULL, from->flags | OO_VALUE_FRESH);
    rename_value(rw, to, name, to->flags & ~(uint32_t)OO_VALUE_FRESH);
    rw->model->fresh++;
}

static void take_name(oo_rewriter *rw, oo_value *by, oo_value *old) {
    oo__hand_name_on(rw, by, old);
    if (!by->type && old->type)
        oo_copy_type(rw, by, old);
}

static bool can_take_name(const oo_value *by, const oo_value *old) {
    return by->producer && by->graph == old->graph && !by->noutputs && !(by->flags & OO_VALUE_PINNED);
}

static bool is_identity_of(const oo_node *node, const oo_value *value) {
    return node && oo_node_is(node, "Identity") && node->ninputs == 1 && node->inputs[0].value == value;
}

/* The value that may stand in a graph output in place of `old`: `by` itself, or an Identity of it under the old name. */
static oo_value *stand_in(oo_rewriter *rw, oo_value *by, oo_value *old) {
    if (old->flags & OO_VALUE_INPUT)
        return old; /* the output is called as the input is: nothing else can stand there */
    if (can_take_name(by, old)) {
        take_name(rw, by, old);
        return by;
    }
    if (!old->producer || is_identity_of(old->producer, by))
        return old;
    const oo_value *const inputs[] = {by};
    oo_node *const identity = oo_build(rw, old->producer, "", "Identity", inputs, 1, 1);
    take_name(rw, identity->outputs[0], old);
    return identity->outputs[0];
}

/* Whether an Identity would have to carry the name, and may not: there are types that a Cast makes and an Identity does not take. */
static bool lacks_identity(const oo_value *by, const oo_value *old) {
    if ((old->flags & OO_VALUE_INPUT) || !old->noutputs || can_take_name(by, old) || !old->producer || is_identity_of(old->producer, by))
        return false;
    const oo_schema *const schema = oo__schema_find("", "Identity", oo_graph_opset(old->graph, ""));
    const oo_elem elem = oo_type_elem(by->type);
    return schema && elem != OO_UNDEFINED && !(oo__schema_input(schema, 0)->types->elems[OO_FORM_TENSOR] >> elem & 1);
}

static void replace_outputs(oo_rewriter *rw, oo_value *old, oo_value *by) {
    oo_value *const instead = stand_in(rw, by, old);
    if (instead == old)
        return;
    const uint32_t hint = old->output_index;
    if (hint < old->graph->outputs.n && old->graph->outputs.data[hint].value == old && !old->graph->dead)
        oo__set_graph_output(rw, old->graph, hint, instead);
    /* Its own graph comes first; only a captured value that an inner graph returns needs the search. */
    for (uint32_t g = old->graph->index; g < rw->model->graphs.n && old->noutputs; g++) {
        oo_graph *const graph = rw->model->graphs.data[g];
        for (uint32_t i = 0; i < graph->outputs.n && !graph->dead; i++)
            if (graph->outputs.data[i].value == old)
                oo__set_graph_output(rw, graph, i, instead);
    }
}

bool oo_replace(oo_rewriter *rw, oo_value *old, oo_value *by) {
    oo_require(rw->open, "oo_replace: outside of oo_begin .. oo_end");
    if (old == by)
        return true;
    if (!visible_everywhere(by, old) || lacks_identity(by, old))
        return false;
    if ((rw->model->properties & OO_TYPES) && old->type)
        oo_vec_push(NULL, &rw->swaps, (oo__swap){by, old->type});
    while (old->uses)
        relink(rw, old->uses->user, old->uses->index, by);
    if (old->noutputs)
        replace_outputs(rw, old, by);
    return true;
}

/* ---- erasing ---- */
static void erase_subgraph(oo_rewriter *rw, oo_graph *graph);

static void erase_one(oo_rewriter *rw, oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++)
            erase_subgraph(rw, oo__attr_graph(node->attrs[i], k));
    }
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (node->inputs[i].value)
            relink(rw, node, i, NULL);
    oo__log(rw, (oo__change){.kind = OO__NODE_OUT, .node = node});
    oo__graph_unlink(node);
    oo_vec_push(NULL, &rw->removed, node->id);
}

/* Uses inside go as well; outputs that are values of outer graphs are released. */
static void erase_subgraph(oo_rewriter *rw, oo_graph *graph) {
    for (oo_node *node = graph->last; node; node = oo_node_prev(node))
        erase_one(rw, node);
    oo__log(rw, (oo__change){.kind = OO__GRAPH_DEAD, .graph = graph});
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        graph->outputs.data[i].value->noutputs--;
    graph->dead = true;
}

void oo_erase(oo_rewriter *rw, oo_node *node) {
    oo__require_node(rw, node, __func__);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        oo_require(!value || (!value->nuses && !value->noutputs), "oo_erase: output \"%s\" of node \"%s\" is still used",
                   oo_value_name(value), oo_node_name(node));
    }
    erase_one(rw, node);
}

/* ---- initializers and functions ---- */
void oo_drop_initializer(oo_rewriter *rw, oo_value *value) {
    oo_require(rw->open, "oo_drop_initializer: outside of oo_begin .. oo_end");
    oo_require(!value->nuses && !oo_value_is_pinned(value), "oo_drop_initializer: \"%s\" is used", oo_value_name(value));
    oo_require(value->init, "oo_drop_initializer: \"%s\" is no initializer", oo_value_name(value));
    /* The list keeps its place, so that dropping many stays linear. */
    oo__log(rw, (oo__change){.kind = OO__INIT_OUT, .value = value, .old = value->init});
    value->init = NULL;
    value->flags &= ~(uint32_t)OO_VALUE_INITIALIZER;
    rw->values++;
}

void oo_drop_function(oo_rewriter *rw, oo_graph *body) {
    oo_require(rw->open, "oo_drop_function: outside of oo_begin .. oo_end");
    oo_require(body->function && !body->function->dropped, "oo_drop_function: no live function");
    erase_subgraph(rw, body);
    oo__log(rw, (oo__change){.kind = OO__FUNCTION_OUT, .graph = body});
    body->function->dropped = true;
    memset(rw->model->last_function, 0, sizeof rw->model->last_function);
    rw->values++;
}

/* ---- operator sets ---- */
static bool imports(const oo_opsets *opsets, const char *domain) {
    for (uint32_t i = 0; i < opsets->n; i++)
        if (opsets->data[i].domain && strcmp(opsets->data[i].domain, domain) == 0)
            return true;
    return false;
}

/* A function's imports are its own, and the model that holds it must have them too. */
static void import_into(oo_rewriter *rw, oo_graph *body, const char *domain, int64_t version) {
    oo_opsets *const opsets = body ? &body->function->opsets : &rw->model->opsets;
    if (imports(opsets, domain))
        return;
    oo__log(rw, (oo__change){.kind = OO__IMPORT, .graph = body});
    oo_vec_push(rw->model->arena, opsets, (oo_opset){.domain = oo__str(rw->model, domain), .version = version, .has_version = true});
    rw->values++;
}

void oo__import_opset(oo_rewriter *rw, const oo_graph *graph, const char *domain, int64_t version) {
    oo_require(rw->open, "oo__import_opset: outside of oo_begin .. oo_end");
    while (graph && !graph->function)
        graph = graph->parent;
    if (graph)
        import_into(rw, graph->function->graph, domain, version);
    import_into(rw, NULL, domain, version);
}

/* ONNX's own domain has three names: none, the empty one and "ai.onnx". */
static bool names_domain(const oo_opset *opset, const char *domain) {
    const char *const own = opset->domain ? opset->domain : "";
    return strcmp(strcmp(own, "ai.onnx") == 0 ? "" : own, domain) == 0;
}

static void raise_in(oo_rewriter *rw, oo_graph *body, const char *domain, int64_t version) {
    oo_opsets *const opsets = body ? &body->function->opsets : &rw->model->opsets;
    for (uint32_t i = 0; i < opsets->n; i++) {
        oo_opset *const own = &opsets->data[i];
        if (!names_domain(own, domain) || own->version >= version)
            continue;
        int64_t *const old = OO_NEW(rw->model->arena, int64_t);
        *old = own->version;
        oo__log(rw, (oo__change){.kind = OO__VERSION, .graph = body, .index = i, .old = old});
        own->version = version;
        rw->values++;
    }
}

void oo__raise_opset(oo_rewriter *rw, const char *domain, int64_t version) {
    oo_require(rw->open, "oo__raise_opset: outside of oo_begin .. oo_end");
    raise_in(rw, NULL, domain, version);
    for (uint32_t i = 0; i < rw->model->functions.n; i++)
        if (!rw->model->functions.data[i]->dropped)
            raise_in(rw, rw->model->functions.data[i]->graph, domain, version);
}

/* ---- attributes ---- */
void oo__own_attrs(oo_rewriter *rw, oo_node *node) {
    oo_attr **const attrs = OO_NEW_ARRAY(rw->model->arena, oo_attr *, node->nattrs + 1);
    if (node->nattrs)
        memcpy(attrs, node->attrs, node->nattrs * sizeof *attrs);
    oo__log(rw, (oo__change){.kind = OO__ATTRS, .node = node, .index = node->nattrs, .old = node->attrs});
    node->attrs = attrs;
    oo__note_changed(rw, node);
}

/* Adds the attribute, or puts it in the place of the one of its name. */
static void put_attr(oo_rewriter *rw, oo_node *node, oo_attr *attr, const char *function) {
    oo__own_attrs(rw, node);
    uint32_t i = 0;
    while (i < node->nattrs && node->attrs[i]->name != attr->name)
        i++;
    oo_require(i == node->nattrs || !oo__attr_ngraphs(node->attrs[i]), "%s: \"%s\" holds a graph", function, oo_attr_name(attr));
    node->attrs[i] = attr;
    node->nattrs += i == node->nattrs;
}

static oo_attr *new_attr(oo_rewriter *rw, oo_node *node, const char *name, oo_attr_type type, const char *function) {
    oo__require_node(rw, node, function);
    oo_attr *const attr = OO_NEW(rw->model->arena, oo_attr);
    attr->name = oo__str(rw->model, name);
    attr->type = type;
    attr->has_type = true;
    put_attr(rw, node, attr, function);
    return attr;
}

void oo_set_int(oo_rewriter *rw, oo_node *node, const char *name, int64_t value) {
    new_attr(rw, node, name, OO_ATTR_INT, __func__)->i = value;
}

void oo_set_float(oo_rewriter *rw, oo_node *node, const char *name, float value) {
    new_attr(rw, node, name, OO_ATTR_FLOAT, __func__)->f = value;
}

void oo_set_string(oo_rewriter *rw, oo_node *node, const char *name, const char *value) {
    const size_t size = strlen(value);
    new_attr(rw, node, name, OO_ATTR_STRING, __func__)->s =
        (oo_bytes){(const uint8_t *)oo__arena_copy(rw->model->arena, value, size), size};
}

void oo_set_ints(oo_rewriter *rw, oo_node *node, const char *name, const int64_t *values, uint32_t count) {
    oo_attr *const attr = new_attr(rw, node, name, OO_ATTR_INTS, __func__);
    attr->ints = (int64_t *)(void *)oo__arena_copy(rw->model->arena, values, count * sizeof *values);
    attr->count = count;
}

void oo_set_tensor(oo_rewriter *rw, oo_node *node, const char *name, oo_tensor *value) {
    new_attr(rw, node, name, OO_ATTR_TENSOR, __func__)->t = value;
}

void oo_remove_attr(oo_rewriter *rw, oo_node *node, const char *name) {
    oo__require_node(rw, node, __func__);
    for (uint32_t i = 0; i < node->nattrs; i++) {
        if (strcmp(oo_attr_name(node->attrs[i]), name) != 0)
            continue;
        oo_require(oo__attr_ngraphs(node->attrs[i]) == 0, "oo_remove_attr: \"%s\" holds a graph", name);
        oo__own_attrs(rw, node);
        oo_vec(oo_attr *) rest = {node->attrs, node->nattrs, node->nattrs};
        oo_vec_remove(&rest, i);
        node->nattrs = rest.n;
        return;
    }
}

void oo_copy_attrs(oo_rewriter *rw, oo_node *to, const oo_node *from) {
    oo__require_node(rw, to, __func__);
    for (uint32_t i = 0; i < from->nattrs; i++)
        if (!oo__attr_ngraphs(from->attrs[i]))
            put_attr(rw, to, from->attrs[i], __func__); /* attributes are never changed in place, so they may be shared */
}
