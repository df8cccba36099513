/* Graphs, nodes and functions. */
#include "io/text_parse.h"

#include <string.h>

/* ---- values ---- */
/* [type] name */
static oo_status parse_info(oo_value_info *info, oo__parser *p, oo__token *name) {
    *info = (oo_value_info){0};
    if (oo__parse_sees_type(p))
        OO_TRY(oo__parse_type(&info->type, p));
    *name = p->lex.token;
    OO_TRY(oo__parse_name(&info->name, p, "the name of a value"));
    if (!info->type && (oo__lex_is(&p->lex, '[') || oo__parse_sees_name(p)))
        return oo__lex_fail(&p->lex, name, "text-syntax", "there is no type \"%s\"",
                            oo__printable(name->text, name->size));
    return OO_OK;
}

static oo_status define(oo__parser *p, oo_value *value, const oo__token *where) {
    p->at = where;
    const bool ok = oo__binder_define(p->binder, value);
    p->at = NULL;
    return ok ? OO_OK : OO_INVALID;
}

static oo_status refuse_nameless(oo__parser *p, const oo__token *where, const char *what) {
    return oo__lex_fail(&p->lex, where, "text-no-name", "%s needs a name", what);
}

static oo_status add_input(oo__parser *p, oo_graph *graph, oo_value_info info, const oo__token *where) {
    if (!*info.name)
        return refuse_nameless(p, where, "a graph input");
    oo_value *const value = oo__value_new(graph, info.name);
    value->flags = OO_VALUE_INPUT;
    value->type = info.type;
    info.value = value;
    oo_vec_push(p->model->arena, &graph->inputs, info);
    return define(p, value, where);
}

/* Behind "name =". */
static oo_status add_initializer(oo__parser *p, oo_graph *graph, const oo_value_info *info, const oo__token *where) {
    if (!*info->name)
        return refuse_nameless(p, where, "an initializer");
    oo_tensor *tensor;
    OO_TRY(oo__parse_tensor(&tensor, p, info->type, where, info->name));
    oo_value *value = oo__binder_find_local(p->binder, info->name);
    const bool is_known = value != NULL;
    if (!is_known)
        value = oo__value_new(graph, info->name);
    if (!is_known || (value->flags & OO_VALUE_INITIALIZER))
        OO_TRY(define(p, value, where));
    value->flags |= OO_VALUE_INITIALIZER;
    value->init = tensor;
    if (!value->type)
        value->type = info->type;
    oo_vec_push(p->model->arena, &graph->initializers, value);
    return OO_OK;
}

static oo_status parse_inputs(oo__parser *p, oo_graph *graph) {
    if (!oo__lex_take(&p->lex, '(') || oo__lex_take(&p->lex, ')'))
        return OO_OK;
    do {
        oo_value_info info;
        oo__token where;
        OO_TRY(parse_info(&info, p, &where));
        OO_TRY(add_input(p, graph, info, &where));
        if (oo__lex_take(&p->lex, '='))
            OO_TRY(add_initializer(p, graph, &info, &where));
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, ')');
}

/* Outputs get their values when the nodes are known; until then their places are kept. */
static oo_status parse_outputs(oo__parser *p, oo_graph *graph) {
    OO_TRY(oo__lex_expect(&p->lex, '('));
    if (oo__lex_take(&p->lex, ')'))
        return OO_OK;
    do {
        oo_value_info info;
        oo__token where;
        OO_TRY(parse_info(&info, p, &where));
        oo_vec_push(p->model->arena, &graph->outputs, info);
        oo_vec_push(NULL, &p->places, where);
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, ')');
}

/* <initializers and value infos> */
static oo_status parse_infos(oo__parser *p, oo_graph *graph) {
    if (!oo__lex_take(&p->lex, '<') || oo__lex_take(&p->lex, '>'))
        return OO_OK;
    do {
        oo_value_info info;
        oo__token where;
        OO_TRY(parse_info(&info, p, &where));
        if (graph->function ? false : oo__lex_take_assign(&p->lex))
            OO_TRY(add_initializer(p, graph, &info, &where));
        else
            oo_vec_push(p->model->arena, &graph->infos, info);
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, '>');
}

static oo_status resolve_outputs(oo__parser *p, oo_graph *graph) {
    const uint32_t first = p->places.n - graph->outputs.n;
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        oo_value_info *const info = &graph->outputs.data[i];
        info->value = *info->name ? oo__binder_find(p->binder, info->name) : NULL;
        if (!info->value)
            return oo__lex_fail(&p->lex, &p->places.data[first + i], "load-unknown-value",
                                "output \"%s\" is defined nowhere: no node, graph input or initializer has this name",
                                oo__printable(info->name, oo__str_len(info->name)));
        info->value->noutputs++;
        if (info->value->graph == graph)
            info->value->output_index = i;
        if (!info->value->type)
            info->value->type = info->type;
    }
    p->places.n = first;
    return OO_OK;
}

static void resolve_infos(oo__parser *p, oo_graph *graph) {
    for (uint32_t i = 0; i < graph->infos.n; i++) {
        oo_value_info *const info = &graph->infos.data[i];
        info->value = oo__binder_find_local(p->binder, info->name);
        if (info->value && !info->value->type)
            info->value->type = info->type;
    }
}

/* ---- nodes ---- */
typedef oo_vec(oo__token) tokens;

/* Names, or nothing before a comma, which is a name left out; the tokens of left-out ones are empty. */
static oo_status parse_ids(oo__parser *p, tokens *out) {
    for (;;) {
        if (oo__parse_sees_name(p)) {
            oo_vec_push(NULL, out, p->lex.token);
            oo__lex_next(&p->lex);
        } else if (oo__lex_is(&p->lex, ',')) {
            oo_vec_push(NULL, out, (oo__token){0});
        } else {
            return OO_OK;
        }
        if (!oo__lex_take(&p->lex, ','))
            return OO_OK;
    }
}

/* The name that a token holds, NULL for none. */
static const char *name_of(oo__parser *p, const oo__token *t) { return t->size ? oo__parse_text(p, t) : NULL; }

static oo_status parse_attrs(oo__parser *p, oo_node *node) {
    if (!oo__lex_take(&p->lex, '<'))
        return OO_OK;
    uint32_t room = 0;
    do {
        node->attrs = oo__vec_room(p->model->arena, node->attrs, node->nattrs, 1, &room, sizeof *node->attrs);
        OO_TRY(oo__parse_attr(&node->attrs[node->nattrs], p, node->graph, node));
        node->nattrs++;
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, '>');
}

static void connect(oo__parser *p, oo_node *node, const tokens *inputs) {
    node->ninputs = inputs->n;
    node->inputs = OO_NEW_ARRAY(p->model->arena, oo_use, inputs->n);
    for (uint32_t i = 0; i < inputs->n; i++) {
        node->inputs[i] = (oo_use){.user = node, .index = i};
        const char *const name = name_of(p, &inputs->data[i]);
        if (!name)
            continue;
        oo__binder_connect(p->binder, node, i, name);
        if (!node->inputs[i].value)
            oo_vec_push(NULL, &p->late, (oo__late_use){node, i, inputs->data[i]});
    }
}

static oo_status define_outputs(oo__parser *p, oo_node *node, const tokens *outputs) {
    for (uint32_t i = 0; i < outputs->n; i++) {
        const char *const name = name_of(p, &outputs->data[i]);
        if (!name)
            continue;
        oo_value *const value = oo__value_new(node->graph, name);
        oo__node_set_output(node, i, value);
        OO_TRY(define(p, value, &outputs->data[i]));
    }
    return OO_OK;
}

/* domain.Op:overload */
static oo_status parse_op(oo__parser *p, const char **domain, const char **op, const char **overload) {
    const oo__token where = p->lex.token;
    OO_TRY(oo__parse_dotted(domain, op, p, "an operator"));
    if (!**op)
        return refuse_nameless(p, &where, "an operator");
    return oo__lex_take(&p->lex, ':') ? oo__parse_name(overload, p, "an overload") : OO_OK;
}

/* What follows the outputs. Subgraphs and inputs are read before the outputs are defined: they cannot use them. */
static oo_status parse_call(oo__parser *p, oo_graph *graph, const char *label, const tokens *outputs, tokens *inputs) {
    OO_TRY(oo__lex_expect(&p->lex, '='));
    const char *domain = NULL, *op = p->model->empty, *overload = NULL;
    OO_TRY(parse_op(p, &domain, &op, &overload));
    oo_node *const node = oo__node_new(graph, domain, op, 0, outputs->n, 0);
    node->name = label;
    if (overload)
        oo__node_extra(node)->overload = overload;
    OO_TRY(parse_attrs(p, node));
    OO_TRY(oo__lex_expect(&p->lex, '('));
    OO_TRY(parse_ids(p, inputs));
    OO_TRY(oo__lex_expect(&p->lex, ')'));
    connect(p, node, inputs);
    if (!node->nattrs)
        OO_TRY(parse_attrs(p, node));
    return define_outputs(p, node, outputs);
}

/* [label] */
static oo_status parse_label(const char **label, oo__parser *p) {
    *label = NULL;
    if (!oo__lex_take(&p->lex, '['))
        return OO_OK;
    if (oo__lex_take(&p->lex, ']')) {
        *label = p->model->empty;
        return OO_OK;
    }
    OO_TRY(oo__parse_name(label, p, "the name of a node"));
    return oo__lex_expect(&p->lex, ']');
}

static oo_status parse_nodes(oo__parser *p, oo_graph *graph) {
    OO_TRY(oo__lex_expect(&p->lex, '{'));
    tokens outputs = {0}, inputs = {0};
    oo_status status = OO_OK;
    while (status == OO_OK && !oo__lex_take(&p->lex, '}')) {
        const char *label;
        outputs.n = inputs.n = 0;
        status = parse_label(&label, p);
        if (status == OO_OK)
            status = parse_ids(p, &outputs);
        if (status == OO_OK)
            status = parse_call(p, graph, label, &outputs, &inputs);
    }
    oo_vec_free(&outputs);
    oo_vec_free(&inputs);
    return status;
}

/* ---- graphs ---- */
static oo_status parse_graph(oo__parser *p, oo_graph *graph) {
    OO_TRY(oo__parse_enter(p));
    OO_TRY(oo__parse_name(&graph->name, p, "the name of a graph"));
    oo__binder_open(p->binder, graph);
    OO_TRY(parse_inputs(p, graph));
    OO_TRY(oo__lex_expect(&p->lex, OO__ARROW));
    OO_TRY(parse_outputs(p, graph));
    OO_TRY(parse_infos(p, graph));
    OO_TRY(parse_nodes(p, graph));
    OO_TRY(resolve_outputs(p, graph));
    resolve_infos(p, graph);
    oo__parse_leave(p);
    return oo__binder_close(p->binder) ? OO_OK : OO_INVALID;
}

oo_status oo__parse_subgraph(oo_graph **out, oo__parser *p, oo_graph *around, oo_node *owner) {
    *out = oo__graph_new(p->model, around);
    (*out)->owner = owner;
    return parse_graph(p, *out);
}

oo_status oo__parse_main_graph(oo__parser *p) {
    p->model->graph = oo__graph_new(p->model, NULL);
    OO_TRY(parse_graph(p, p->model->graph));
    p->late.n = 0;
    return OO_OK;
}

/* ---- functions ---- */
/* <name, ..., name: kind = default, ...> */
static oo_status parse_function_attrs(oo__parser *p, oo_function *f) {
    if (!oo__lex_take(&p->lex, '<'))
        return OO_OK;
    do {
        const char *name;
        OO_TRY(oo__parse_name(&name, p, "the name of an attribute"));
        if (!oo__lex_is(&p->lex, ':') && !oo__lex_is(&p->lex, '=')) {
            oo_vec_push(p->model->arena, &f->attributes, name);
            continue;
        }
        oo_attr *const attr = OO_NEW(p->model->arena, oo_attr);
        attr->name = name;
        OO_TRY(oo__parse_attr_value(attr, p, f->graph, NULL));
        oo_vec_push(p->model->arena, &f->defaults, attr);
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, '>');
}

/* An input or output of a function: a name, and a value info when a type stands before it. */
static oo_status parse_parameter(oo__parser *p, oo_graph *graph, bool is_input) {
    oo_value_info info;
    oo__token where;
    OO_TRY(parse_info(&info, p, &where));
    if (info.type)
        oo_vec_push(p->model->arena, &graph->infos, info);
    const oo_value_info bare = {.name = info.name};
    if (is_input)
        return add_input(p, graph, bare, &where);
    oo_vec_push(p->model->arena, &graph->outputs, bare);
    oo_vec_push(NULL, &p->places, where);
    return OO_OK;
}

static oo_status parse_parameters(oo__parser *p, oo_graph *graph, bool is_input) {
    OO_TRY(oo__lex_expect(&p->lex, '('));
    if (oo__lex_take(&p->lex, ')'))
        return OO_OK;
    do {
        OO_TRY(parse_parameter(p, graph, is_input));
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, ')');
}

oo_status oo__parse_function(oo__parser *p) {
    oo_function *const f = OO_NEW(p->model->arena, oo_function);
    oo_graph *const graph = oo__graph_new(p->model, NULL);
    f->graph = graph;
    graph->function = f;
    OO_TRY(oo__parse_head(f, p, &oo__function_keys));
    OO_TRY(oo__parse_name(&f->name, p, "the name of a function"));
    if (!oo__function_add(p->model, f))
        return OO_INVALID;
    oo__binder_open(p->binder, graph);
    OO_TRY(parse_function_attrs(p, f));
    OO_TRY(parse_parameters(p, graph, true));
    OO_TRY(oo__lex_expect(&p->lex, OO__ARROW));
    OO_TRY(parse_parameters(p, graph, false));
    OO_TRY(parse_infos(p, graph));
    OO_TRY(parse_nodes(p, graph));
    OO_TRY(resolve_outputs(p, graph));
    resolve_infos(p, graph);
    p->depth = 0;
    const bool closed = oo__binder_close(p->binder);
    p->late.n = 0;
    return closed ? OO_OK : OO_INVALID;
}
