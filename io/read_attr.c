/* AttributeProto. An attribute whose fields do not say exactly what its type announces is kept packed, unless it holds tensors or
 * graphs: then it is refused, since nothing could keep names and payloads in it right. */
#include "io/reader.h"

#include <string.h>

/* Which value fields the message has, as bits by oo_attr_type. */
static uint32_t fields_of(const Onnx__AttributeProto *m) {
    uint32_t set = 0;
    set |= m->has_f ? 1u << OO_ATTR_FLOAT : 0;
    set |= m->has_i ? 1u << OO_ATTR_INT : 0;
    set |= m->has_s ? 1u << OO_ATTR_STRING : 0;
    set |= m->t ? 1u << OO_ATTR_TENSOR : 0;
    set |= m->g ? 1u << OO_ATTR_GRAPH : 0;
    set |= m->n_floats ? 1u << OO_ATTR_FLOATS : 0;
    set |= m->n_ints ? 1u << OO_ATTR_INTS : 0;
    set |= m->n_strings ? 1u << OO_ATTR_STRINGS : 0;
    set |= m->n_tensors ? 1u << OO_ATTR_TENSORS : 0;
    set |= m->n_graphs ? 1u << OO_ATTR_GRAPHS : 0;
    set |= m->sparse_tensor ? 1u << OO_ATTR_SPARSE_TENSOR : 0;
    set |= m->n_sparse_tensors ? 1u << OO_ATTR_SPARSE_TENSORS : 0;
    set |= m->tp ? 1u << OO_ATTR_TYPE_PROTO : 0;
    set |= m->n_type_protos ? 1u << OO_ATTR_TYPE_PROTOS : 0;
    return set;
}

enum {
    LISTS = 1u << OO_ATTR_FLOATS | 1u << OO_ATTR_INTS | 1u << OO_ATTR_STRINGS | 1u << OO_ATTR_TENSORS | 1u << OO_ATTR_GRAPHS |
            1u << OO_ATTR_SPARSE_TENSORS | 1u << OO_ATTR_TYPE_PROTOS,
    HOLDERS = 1u << OO_ATTR_TENSOR | 1u << OO_ATTR_TENSORS | 1u << OO_ATTR_GRAPH | 1u << OO_ATTR_GRAPHS |
              1u << OO_ATTR_SPARSE_TENSOR | 1u << OO_ATTR_SPARSE_TENSORS
};

/* The type that the fields announce when none is declared (IR versions 1 and 2). */
static oo_attr_type implied_type(uint32_t set) {
    for (uint32_t t = 1; t <= OO_ATTR_TYPE_PROTOS; t++)
        if (set == 1u << t)
            return (oo_attr_type)t;
    return OO_ATTR_UNDEFINED;
}

static bool is_canonical(const oo_attr *a, uint32_t set) {
    if (a->type <= OO_ATTR_UNDEFINED || a->type > OO_ATTR_TYPE_PROTOS)
        return false;
    if (a->reference)
        return set == 0;
    return set == 1u << a->type || (set == 0 && (LISTS >> a->type & 1));
}

/* ---- subgraphs ---- */
static oo_status read_subgraph(oo_graph **out, oo__reader *r, oo_graph *around, oo_node *owner, const Onnx__GraphProto *m) {
    oo_graph *const graph = oo__graph_new(r->model, around);
    graph->owner = owner;
    *out = graph;
    const oo__graph_source source = {.message = m};
    oo__binder_open(r->binder, graph);
    OO_TRY(oo__read_graph(graph, r, &source));
    return oo__binder_close(r->binder) ? OO_OK : OO_INVALID;
}

static oo_status read_holders(oo_attr *a, oo__reader *r, oo_graph *graph, oo_node *node, const Onnx__AttributeProto *m) {
    oo_arena *const arena = r->model->arena;
    switch (a->type) {
    case OO_ATTR_TENSOR: return oo__read_tensor(&a->t, r, m->t);
    case OO_ATTR_SPARSE_TENSOR: return oo__read_sparse(&a->sparse, r, m->sparse_tensor);
    case OO_ATTR_GRAPH: return read_subgraph(&a->g, r, graph, node, m->g);
    case OO_ATTR_TENSORS:
        a->tensors = OO_NEW_ARRAY(arena, oo_tensor *, m->n_tensors);
        for (a->count = 0; a->count < m->n_tensors; a->count++)
            OO_TRY(oo__read_tensor(&a->tensors[a->count], r, m->tensors[a->count]));
        return OO_OK;
    case OO_ATTR_SPARSE_TENSORS:
        a->sparses = OO_NEW_ARRAY(arena, oo_sparse *, m->n_sparse_tensors);
        for (a->count = 0; a->count < m->n_sparse_tensors; a->count++)
            OO_TRY(oo__read_sparse(&a->sparses[a->count], r, m->sparse_tensors[a->count]));
        return OO_OK;
    case OO_ATTR_GRAPHS:
        a->graphs = OO_NEW_ARRAY(arena, oo_graph *, m->n_graphs);
        for (uint32_t i = 0; i < m->n_graphs; i++) {
            a->count = i + 1;
            OO_TRY(read_subgraph(&a->graphs[i], r, graph, node, m->graphs[i]));
        }
        return OO_OK;
    default: return OO_OK;
    }
}

static void *copied(const oo__reader *r, const void *data, size_t count, size_t size) {
    return oo__arena_copy(r->model->arena, data, count * size);
}

static void read_plain(oo_attr *a, const oo__reader *r, const Onnx__AttributeProto *m) {
    oo_arena *const arena = r->model->arena;
    switch (a->type) {
    case OO_ATTR_FLOAT: a->f = m->f; break;
    case OO_ATTR_INT: a->i = m->i; break;
    case OO_ATTR_STRING: a->s = oo__read_bytes(r, m->s); break;
    case OO_ATTR_TYPE_PROTO: a->type_proto = oo__read_type(r, m->tp); break;
    case OO_ATTR_FLOATS:
        a->count = (uint32_t)m->n_floats;
        a->floats = copied(r, m->floats, m->n_floats, sizeof *m->floats);
        break;
    case OO_ATTR_INTS:
        a->count = (uint32_t)m->n_ints;
        a->ints = copied(r, m->ints, m->n_ints, sizeof *m->ints);
        break;
    case OO_ATTR_STRINGS:
        a->strings = OO_NEW_ARRAY(arena, oo_bytes, m->n_strings);
        for (a->count = 0; a->count < m->n_strings; a->count++)
            a->strings[a->count] = oo__read_bytes(r, m->strings[a->count]);
        break;
    case OO_ATTR_TYPE_PROTOS:
        a->type_protos = OO_NEW_ARRAY(arena, const oo_type *, m->n_type_protos);
        for (a->count = 0; a->count < m->n_type_protos; a->count++)
            a->type_protos[a->count] = oo__read_type(r, m->type_protos[a->count]);
        break;
    default: break;
    }
}

oo_status oo__read_attr(oo_attr **out, oo__reader *r, oo_graph *graph, oo_node *node, const Onnx__AttributeProto *m) {
    oo_attr *const a = OO_NEW(r->model->arena, oo_attr);
    *out = a;
    if (!m->name.len)
        OO_TRY(oo__read_defect(r, oo__read_fail(r, "load-no-name", r->item, "an attribute%s%s has no name",
                                                node ? " of an operator of type " : " of a function",
                                                node ? oo__printable(node->op->name, oo__str_len(node->op->name)) : "")));
    const uint32_t set = fields_of(m);
    a->name = oo__read_item(r, m->name);
    a->doc = oo__read_text(r, m->has_doc_string, m->doc_string);
    a->reference = m->has_ref_attr_name && m->ref_attr_name.len ? oo__read_item(r, m->ref_attr_name) : NULL;
    a->has_type = m->has_type;
    const bool known = m->type > 0 && m->type <= OO_ATTR_TYPE_PROTOS;
    a->type = m->has_type && known ? (oo_attr_type)m->type : implied_type(set);
    /* An empty ref_attr_name means none, but its presence must be written back. */
    const bool odd_reference = m->has_ref_attr_name && !m->ref_attr_name.len;
    if ((m->has_type && !known) || odd_reference || !is_canonical(a, set)) {
        if (set & HOLDERS && !r->collect) /* who collects looks at the fields */
            return oo__read_fail(r, "load-attribute", r->item, "attribute \"%s\" holds another kind of value than its type %d says",
                                 oo__printable(oo_attr_name(a), strlen(oo_attr_name(a))), (int)m->type);
        a->raw = oo__read_packed(r, &m->base);
        a->fields = (uint16_t)(set | (m->has_type && !known ? OO_ATTR_ODD_TYPE : 0u));
        return OO_OK;
    }
    a->unknown = oo__read_unknown(r, &m->base);
    if (a->reference)
        return OO_OK;
    read_plain(a, r, m);
    return read_holders(a, r, graph, node, m);
}
