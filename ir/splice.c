/* Copies of graphs: the nodes of a subgraph or of a function's body at another place, with values in the place of the body's inputs.
 *
 * The body may belong to another model (a body that is kept as text is parsed into one of its own); then everything is copied.
 * Within one model attributes and tensors are shared: they are never changed in place. */
#include "ir/splice.h"

#include "ir/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct splice {
    oo_rewriter *rw;
    oo_model *model;
    const oo_graph *body;
    const oo_node *call;         /* whose attributes the references of the body mean; NULL: they stay references */
    const oo_function *function; /* whose defaults come next */
    bool given;                  /* a graph of the call is being copied */
    bool foreign;                /* what is being copied belongs to another model */
    oo_value **foreign_twins;    /* by value id, of that model */
} splice;

static oo_graph *copy_graph(splice *s, const oo_graph *from, oo_node *owner);

/* ---- values ---- */
static bool is_foreign(const splice *s, const oo_value *value) { return s->foreign_twins && value->graph->model != s->model; }

static void remember(splice *s, const oo_value *from, oo_value *to) {
    oo_rewriter *const rw = s->rw;
    if (is_foreign(s, from)) {
        s->foreign_twins[from->id] = to;
        return;
    }
    if (from->id >= rw->ntwins) {
        const uint32_t room = s->model->nvalues;
        rw->twins = oo__realloc(rw->twins, room * sizeof *rw->twins);
        memset(rw->twins + rw->ntwins, 0, (room - rw->ntwins) * sizeof *rw->twins);
        rw->ntwins = room;
    }
    rw->twins[from->id] = to;
    oo_vec_push(NULL, &rw->touched, from->id);
}

static oo_value *twin_of(const splice *s, const oo_value *from) {
    if (is_foreign(s, from))
        return s->foreign_twins[from->id];
    return from->id < s->rw->ntwins ? s->rw->twins[from->id] : NULL;
}

/* What stands for a value: its copy, or itself when it belongs to a graph around. An input of the body that was omitted has nothing. */
static oo_value *mapped(const splice *s, const oo_value *from) {
    if (!from)
        return NULL;
    oo_value *const twin = twin_of(s, from);
    return twin || from->graph == s->body ? twin : (oo_value *)(uintptr_t)from;
}

static const char *text(const splice *s, const char *from) {
    return s->foreign && from ? oo__str_n(s->model, from, oo__str_len(from)) : from;
}

static oo_value *copy_value(splice *s, const oo_value *from, oo_graph *graph, uint32_t flags) {
    oo_value *const value = oo__value_new(graph, NULL);
    value->flags = flags | OO_VALUE_FRESH;
    value->read_name = text(s, from->read_name ? from->read_name : from->name);
    /* What inference found in a function's body it found for one of its calls. */
    value->type = s->call || s->foreign ? NULL : from->type;
    s->model->fresh++;
    remember(s, from, value);
    return value;
}

/* ---- attributes ---- */
static void *copy_bytes(const splice *s, const void *from, size_t size) {
    return size ? (void *)oo__arena_copy(s->model->arena, from, size) : NULL;
}

static oo_tensor *copy_text_tensor(const splice *s, const oo_tensor *from) {
    bool valid;
    oo_tensor *const tensor = oo__tensor_new(s->model, from->elem, from->rank, from->dims, &valid);
    tensor->storage = from->storage;
    for (uint32_t i = 0; i < from->strings.n; i++) {
        const oo_bytes text = from->strings.data[i];
        oo_vec_push(s->model->arena, &tensor->strings, ((oo_bytes){copy_bytes(s, text.data, text.size), text.size}));
    }
    return tensor;
}

static oo_tensor *copy_tensor(splice *s, const oo_tensor *from) {
    if (from->elem == OO_STRING)
        return copy_text_tensor(s, from);
    oo_arena *const arena = oo__arena_new();
    const void *const bytes = oo__tensor_bytes(from, arena);
    oo_require(bytes || !from->count, "oo_splice: a constant of a foreign body cannot be read");
    oo_tensor *const tensor = oo_tensor_make(s->model, (oo_elem)from->elem, from->rank, from->dims, bytes ? bytes : "");
    oo__arena_free(arena);
    return tensor;
}

static void copy_strings(const splice *s, oo_attr *attr) {
    attr->strings = copy_bytes(s, attr->strings, attr->count * sizeof *attr->strings);
    for (uint32_t i = 0; i < attr->count; i++)
        attr->strings[i].data = copy_bytes(s, attr->strings[i].data, attr->strings[i].size);
}

/* The value of an attribute of another model. */
static void copy_foreign(splice *s, oo_attr *attr) {
    attr->reference = text(s, attr->reference);
    attr->doc = text(s, attr->doc);
    switch (attr->type) {
    case OO_ATTR_STRING: attr->s.data = copy_bytes(s, attr->s.data, attr->s.size); break;
    case OO_ATTR_INTS: attr->ints = copy_bytes(s, attr->ints, attr->count * sizeof *attr->ints); break;
    case OO_ATTR_FLOATS: attr->floats = copy_bytes(s, attr->floats, attr->count * sizeof *attr->floats); break;
    case OO_ATTR_STRINGS: copy_strings(s, attr); break;
    case OO_ATTR_TENSOR: attr->t = attr->t ? copy_tensor(s, attr->t) : NULL; break;
    default:
        oo_require(attr->type == OO_ATTR_INT || attr->type == OO_ATTR_FLOAT || attr->type == OO_ATTR_GRAPH || attr->reference,
                   "oo_splice: attribute \"%s\" of a foreign body", oo_attr_name(attr));
    }
}

static void copy_subgraphs(splice *s, oo_attr *attr, oo_node *owner) {
    if (attr->type == OO_ATTR_GRAPH) {
        attr->g = copy_graph(s, attr->g, owner);
        return;
    }
    oo_graph **const graphs = OO_NEW_ARRAY(s->model->arena, oo_graph *, attr->count);
    for (uint32_t i = 0; i < attr->count; i++)
        graphs[i] = copy_graph(s, attr->graphs[i], owner);
    attr->graphs = graphs;
}

const oo_attr *oo__splice_attr(const oo_attr *attr, const oo_node *call, const oo_function *function) {
    if (!attr->reference || !call)
        return attr;
    const oo_attr *const given = oo_node_attr(call, attr->reference);
    for (uint32_t i = 0; !given && function && i < function->defaults.n; i++)
        if (strcmp(oo_attr_name(function->defaults.data[i]), attr->reference) == 0)
            return function->defaults.data[i];
    return given;
}

/* NULL when it is a reference to an attribute that the call leaves out: then the copy has none. */
static oo_attr *copy_attr(splice *s, const oo_attr *from, oo_node *owner) {
    const oo_attr *const meant = oo__splice_attr(from, s->call, s->function);
    if (!meant)
        return NULL;
    const uint32_t graphs = oo__attr_ngraphs(meant);
    if (!s->foreign && meant == from && !graphs)
        return (oo_attr *)(uintptr_t)from;
    oo_attr *const attr = OO_NEW(s->model->arena, oo_attr);
    *attr = *meant;
    attr->name = text(s, from->name);
    /* What the call says belongs to the graph of the call: nothing in it is foreign, nor means the call's attributes. */
    splice outside = *s;
    const bool given = meant != from && oo_node_attr(s->call, from->reference) == meant;
    if (given)
        outside.foreign = false, outside.call = NULL, outside.given = true;
    else if (s->foreign)
        copy_foreign(s, attr);
    if (graphs)
        copy_subgraphs(given ? &outside : s, attr, owner);
    return attr;
}

/* ---- nodes ---- */
enum { NAME_ROOM = 256 };

/* The node's name, or that of what it makes. */
static const char *own_name(const oo_node *from) {
    const oo_value *const output = from->noutputs ? from->outputs[0] : NULL;
    if (from->name && *from->name)
        return from->name;
    return output && output->name ? output->name : "";
}

/* The name of the call goes before, as a scope does. Very long ones would make a small model large. In `room`; "" when there is none. */
static const char *scoped_name(const splice *s, const oo_node *from, char *room) {
    const char *const outer = s->call && s->call->name ? s->call->name : "", *const inner = *outer ? own_name(from) : from->name ? from->name : "";
    const size_t n = *outer ? oo__str_len(outer) : 0, m = *inner ? oo__str_len(inner) : 0;
    if (n && m && n + m + 1 <= NAME_ROOM)
        snprintf(room, NAME_ROOM + 1, "%s/%s", outer, inner);
    else
        snprintf(room, NAME_ROOM + 1, "%.*s", NAME_ROOM, inner);
    return room;
}

/* Runtimes refuse two nodes of one name. The nodes of a graph that is copied once, to take the place of the node that holds it, keep theirs. */
static const char *new_name(const splice *s, const oo_node *from, uint32_t id) {
    char base[NAME_ROOM + 1], name[NAME_ROOM + 32];
    if (!s->call && !s->given)
        return text(s, from->name);
    if (!*scoped_name(s, from, base))
        return NULL;
    snprintf(name, sizeof name, "%s", base);
    for (uint32_t i = id; oo__intern_find(s->model->strings, name, strlen(name)); i++)
        snprintf(name, sizeof name, "%s_%u", base, i);
    return oo__str(s->model, name);
}

static bool has_key(const oo_props *props, const char *key) {
    for (uint32_t i = 0; i < props->n; i++)
        if (props->data[i].key == key)
            return true;
    return false;
}

/* Its own documentation and metadata; the call's, which tell where in the user's source it is, where it has none. */
static void copy_extra(const splice *s, oo_node *node, const oo_node *from) {
    const oo_node_extra *const call = s->call ? s->call->extra : NULL;
    if (!from->extra && (!call || (!call->doc && !call->metadata.n)))
        return;
    oo_node_extra *const extra = oo__node_extra(node);
    if (from->extra && !s->foreign)
        *extra = *from->extra;
    if (!call)
        return;
    extra->doc = extra->doc ? extra->doc : call->doc;
    oo_props props = {0};
    for (uint32_t i = 0; i < extra->metadata.n; i++)
        oo_vec_push(s->model->arena, &props, extra->metadata.data[i]);
    for (uint32_t i = 0; i < call->metadata.n; i++)
        if (!has_key(&props, call->metadata.data[i].key))
            oo_vec_push(s->model->arena, &props, call->metadata.data[i]);
    extra->metadata = props;
}

static oo_node *copy_node(splice *s, const oo_node *from, oo_graph *graph, oo_node *before) {
    uint32_t ninputs = from->ninputs; /* but for those that the call leaves out; an omitted one that is written down may have to be there */
    while (ninputs && from->inputs[ninputs - 1].value && !mapped(s, from->inputs[ninputs - 1].value))
        ninputs--;
    oo_node *const node = oo__node_new(graph, text(s, from->domain), from->op->name, ninputs, from->noutputs, from->nattrs);
    if (!s->foreign)
        node->op = from->op;
    oo__graph_unlink(node);
    oo__graph_link(graph, node, before);
    oo__log(s->rw, (oo__change){.kind = OO__NODE_IN, .node = node});
    oo_vec_push(NULL, &s->rw->added, node->id);
    node->name = new_name(s, from, node->id);
    node->origin = s->model->history.n + 1;
    node->stamp = s->model->serial;
    copy_extra(s, node, from);
    for (uint32_t i = 0; i < ninputs; i++)
        oo__use_link(node, i, mapped(s, from->inputs[i].value));
    node->nattrs = 0;
    for (uint32_t i = 0; i < from->nattrs; i++) {
        oo_attr *const attr = copy_attr(s, from->attrs[i], node);
        if (attr)
            node->attrs[node->nattrs++] = attr;
    }
    for (uint32_t i = 0; i < from->noutputs; i++)
        if (from->outputs[i])
            oo__node_set_output(node, i, copy_value(s, from->outputs[i], graph, from->outputs[i]->flags & OO_VALUE_PINNED));
    return node;
}

/* ---- graphs ---- */
static const oo_type *copy_type(const splice *s, const oo_type *from) {
    if (!s->foreign || !from)
        return from;
    oo_type *const type = OO_NEW(s->model->arena, oo_type);
    *type = (oo_type){.kind = from->kind, .has_elem = from->has_elem, .has_shape = from->has_shape, .elem = from->elem, .rank = from->rank};
    type->dims = OO_NEW_ARRAY(s->model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++)
        type->dims[i] = (oo_dim){.kind = from->dims[i].kind, .value = from->dims[i].value, .param = text(s, from->dims[i].param)};
    type->inner = copy_type(s, from->inner);
    return type;
}

static oo_value_info copy_info(const splice *s, const oo_value_info *from, oo_value *value) {
    oo_value_info info = {.value = value, .name = text(s, from->name), .type = copy_type(s, from->type), .doc = text(s, from->doc)};
    if (!s->foreign) {
        info.metadata = from->metadata;
        info.unknown = from->unknown;
    }
    return info;
}

static void copy_initializers(splice *s, const oo_graph *from, oo_graph *graph) {
    for (uint32_t i = 0; i < from->initializers.n; i++) {
        const oo_value *const v = from->initializers.data[i];
        if (!v->init)
            continue;
        oo_value *const value = v->flags & OO_VALUE_INPUT ? mapped(s, v) : copy_value(s, v, graph, v->flags & OO_VALUE_PINNED);
        value->flags |= OO_VALUE_INITIALIZER;
        value->init = s->foreign ? copy_tensor(s, v->init) : v->init;
        oo_vec_push(s->model->arena, &graph->initializers, value);
    }
    for (uint32_t i = 0; i < from->sparse_initializers.n; i++) {
        const oo_value *const v = from->sparse_initializers.data[i];
        if (!v->sparse_init)
            continue;
        oo_value *const value = v->flags & OO_VALUE_INPUT ? mapped(s, v) : copy_value(s, v, graph, v->flags & OO_VALUE_PINNED);
        value->flags |= OO_VALUE_INITIALIZER;
        value->sparse_init = v->sparse_init;
        oo_vec_push(s->model->arena, &graph->sparse_initializers, value);
    }
}

static void copy_annotations(const splice *s, const oo_graph *from, oo_graph *graph) {
    for (uint32_t i = 0; i < from->annotations.n; i++) {
        oo_annotation annotation = from->annotations.data[i];
        annotation.value = mapped(s, annotation.value);
        oo_annotation_entry *const entries = OO_NEW_ARRAY(s->model->arena, oo_annotation_entry, annotation.count);
        for (uint32_t k = 0; k < annotation.count; k++) {
            entries[k] = annotation.entries[k];
            entries[k].value = mapped(s, entries[k].value);
        }
        annotation.entries = entries;
        oo_vec_push(s->model->arena, &graph->annotations, annotation);
    }
}

static void copy_outputs(const splice *s, const oo_graph *from, oo_graph *graph) {
    for (uint32_t i = 0; i < from->outputs.n; i++) {
        oo_value *const value = mapped(s, from->outputs.data[i].value);
        oo_require(value, "oo_splice: an inner graph returns an omitted input");
        oo_vec_push(s->model->arena, &graph->outputs, copy_info(s, &from->outputs.data[i], value));
        value->noutputs++;
        if (value->graph == graph)
            value->output_index = i;
    }
}

/* A graph within an attribute. */
static oo_graph *copy_graph(splice *s, const oo_graph *from, oo_node *owner) {
    oo_graph *const graph = oo__graph_new(s->model, owner->graph);
    graph->owner = owner;
    graph->name = text(s, from->name);
    graph->doc = text(s, from->doc);
    if (!s->foreign) {
        graph->metadata = from->metadata;
        graph->unknown = from->unknown;
    }
    for (uint32_t i = 0; i < from->inputs.n; i++) {
        const oo_value *const v = from->inputs.data[i].value;
        oo_value *const value = copy_value(s, v, graph, v->flags & (OO_VALUE_INPUT | OO_VALUE_PINNED));
        value->type = copy_type(s, from->inputs.data[i].type);
        oo_vec_push(s->model->arena, &graph->inputs, copy_info(s, &from->inputs.data[i], value));
    }
    copy_initializers(s, from, graph);
    for (const oo_node *node = from->first; node; node = node->next)
        copy_node(s, node, graph, NULL);
    copy_outputs(s, from, graph);
    for (uint32_t i = 0; i < from->infos.n; i++)
        if (from->infos.data[i].value && mapped(s, from->infos.data[i].value))
            oo_vec_push(s->model->arena, &graph->infos, copy_info(s, &from->infos.data[i], mapped(s, from->infos.data[i].value)));
    copy_annotations(s, from, graph);
    oo__log(s->rw, (oo__change){.kind = OO__GRAPH_IN, .graph = graph});
    return graph;
}

/* ---- the body ---- */
static oo_value **new_twins(const oo_model *model) {
    oo_value **const twins = calloc(model->nvalues + 1u, sizeof *twins);
    if (!twins)
        oo__oom(model->nvalues * sizeof *twins);
    return twins;
}

static void map_inputs(splice *s, oo_value *const *inputs) {
    for (uint32_t i = 0; i < s->body->inputs.n; i++)
        if (inputs[i])
            remember(s, s->body->inputs.data[i].value, inputs[i]);
}

/* Constants of a subgraph become constants of the graph around. */
static void map_constants(splice *s, oo_graph *graph) {
    for (uint32_t i = 0; i < s->body->initializers.n; i++) {
        const oo_value *const v = s->body->initializers.data[i];
        if (v->init && !twin_of(s, v))
            remember(s, v, oo_build_const(s->rw, graph, s->foreign ? copy_tensor(s, v->init) : v->init, v->read_name));
    }
}

void oo_splice(oo_rewriter *rw, const oo_graph *body, oo_node *before, const oo_node *call, oo_value *const *inputs, oo_value **outputs) {
    oo_require(rw->open, "oo_splice: outside of oo_begin .. oo_end");
    oo_require(before && !before->erased, "oo_splice: the place to copy to was erased");
    splice s = {.rw = rw,
                .model = rw->model,
                .body = body,
                .call = call,
                .function = body->function,
                .foreign = body->model != rw->model,
                .foreign_twins = body->model != rw->model ? new_twins(body->model) : NULL};
    map_inputs(&s, inputs);
    map_constants(&s, before->graph);
    for (const oo_node *node = body->first; node; node = node->next) {
        oo_node *const copy = copy_node(&s, node, before->graph, before);
        if (rw->model->properties & OO_TYPES)
            oo_vec_push(NULL, &rw->fresh, copy); /* what inner graphs hold is inferred with it */
    }
    for (uint32_t i = 0; i < body->outputs.n; i++)
        outputs[i] = mapped(&s, body->outputs.data[i].value);
    for (uint32_t i = 0; i < rw->touched.n; i++)
        rw->twins[rw->touched.data[i]] = NULL;
    rw->touched.n = 0;
    free(s.foreign_twins);
}

int64_t oo__nodes_inside(const oo_graph *graph) {
    int64_t count = 0;
    oo_for_each_node(node, graph) {
        count++;
        const uint32_t n = oo_node_nsubgraphs(node);
        for (uint32_t i = 0; i < n; i++)
            count += oo__nodes_inside(oo_node_subgraph(node, i));
    }
    return count;
}
