/* Models, functions, graphs and nodes as text. */
#include "io/text_print.h"

#include "io/text_lex.h"
#include "io/text_number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the buffer ---- */
static void add(char **data, size_t *size, size_t *room, const void *from, size_t n) {
    if (*room - *size <= n) {
        *room = (*size + n + 1) * 2;
        *data = oo__realloc(*data, *room);
    }
    memcpy(*data + *size, from, n);
    *size += n;
    (*data)[*size] = 0;
}

void oo__print_bytes(oo__printer *o, const void *data, size_t size) { add(&o->data, &o->size, &o->room, data, size); }
void oo__print_text(oo__printer *o, const char *text) { oo__print_bytes(o, text, strlen(text)); }

enum { FORMAT_ROOM = 256 };

/* Returns the length: what does not fit is cut. */
static size_t format_v(char text[FORMAT_ROOM], const char *format, va_list args) {
    const int n = vsnprintf(text, FORMAT_ROOM, format, args);
    if (n < 0)
        return 0;
    return n < FORMAT_ROOM ? (size_t)n : FORMAT_ROOM - 1;
}

void oo__print_format(oo__printer *o, const char *format, ...) {
    char text[FORMAT_ROOM];
    va_list args;
    va_start(args, format);
    oo__print_bytes(o, text, format_v(text, format, args));
    va_end(args);
}

void oo__print_note(oo__printer *o, const char *format, ...) {
    char text[FORMAT_ROOM];
    if (o->note.size)
        add(&o->note.data, &o->note.size, &o->note.room, ", ", 2);
    va_list args;
    va_start(args, format);
    add(&o->note.data, &o->note.size, &o->note.room, text, format_v(text, format, args));
    va_end(args);
}

static void end_line(oo__printer *o) {
    if (!o->note.size)
        return;
    oo__print_text(o, "  # ");
    oo__print_bytes(o, o->note.data, o->note.size);
    o->note.size = 0;
}

void oo__print_line(oo__printer *o) {
    end_line(o);
    oo__print_text(o, "\n");
    for (uint32_t i = 0; i < o->indent; i++)
        oo__print_text(o, "  ");
}

/* ---- names ---- */
void oo__print_quoted(oo__printer *o, const void *data, size_t size) {
    const char *const text = data;
    size_t done = 0;
    oo__print_text(o, "\"");
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '"' && text[i] != '\\')
            continue;
        oo__print_bytes(o, text + done, i - done);
        oo__print_text(o, "\\");
        done = i;
    }
    if (size)
        oo__print_bytes(o, text + done, size - done);
    oo__print_text(o, "\"");
}

static const char *or_empty(const char *text) { return text ? text : ""; }
static size_t length(const char *interned) { return interned ? oo__str_len(interned) : 0; }

void oo__print_word(oo__printer *o, const char *text, size_t size) {
    if (oo__lex_is_name(text, size))
        oo__print_bytes(o, text, size);
    else
        oo__print_quoted(o, text, size);
}

void oo__print_name(oo__printer *o, const char *interned) {
    if (oo__is_type_word(or_empty(interned), length(interned)))
        oo__print_quoted(o, interned, length(interned));
    else
        oo__print_word(o, or_empty(interned), length(interned));
}

void oo__print_value(oo__printer *o, const oo_value *value) {
    if (value && !value->name)
        oo__print_format(o, "%%%u", value->id);
    else
        oo__print_name(o, value ? value->name : NULL);
}

void oo__print_dotted(oo__printer *o, const char *interned) {
    const char *part = interned, *const end = interned + oo__str_len(interned);
    for (;;) {
        const char *const dot = memchr(part, '.', (size_t)(end - part));
        oo__print_word(o, part, (size_t)((dot ? dot : end) - part));
        if (!dot)
            return;
        oo__print_text(o, ".");
        part = dot + 1;
    }
}

void oo__print_props(oo__printer *o, const oo_props *props) {
    oo__print_text(o, "[");
    for (uint32_t i = 0; i < props->n; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_quoted(o, or_empty(props->data[i].key), length(props->data[i].key));
        oo__print_text(o, ": ");
        oo__print_quoted(o, or_empty(props->data[i].value), length(props->data[i].value));
    }
    oo__print_text(o, "]");
}

static void print_opsets(oo__printer *o, const oo_opsets *opsets) {
    oo__print_text(o, "[");
    for (uint32_t i = 0; i < opsets->n; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_quoted(o, or_empty(opsets->data[i].domain), length(opsets->data[i].domain));
        oo__print_format(o, " : %lld", (long long)opsets->data[i].version);
    }
    oo__print_text(o, "]");
}

/* ---- heads ---- */
static bool has_field(const void *object, const oo__key *key) {
    const char *const base = object, *const field = base + key->offset;
    switch (key->kind) {
    case OO__KEY_INT: return *((const bool *)object + key->presence);
    case OO__KEY_TEXT: return *(const char *const *)(const void *)field != NULL;
    case OO__KEY_OPSETS: return ((const oo_opsets *)(const void *)field)->n > 0;
    default: return ((const oo_props *)(const void *)field)->n > 0;
    }
}

static void print_field(oo__printer *o, const void *object, const oo__key *key) {
    const void *const field = (const char *)object + key->offset;
    oo__print_format(o, "%s: ", key->word);
    switch (key->kind) {
    case OO__KEY_INT: oo__print_format(o, "%lld", (long long)*(const int64_t *)field); break;
    case OO__KEY_TEXT: oo__print_quoted(o, *(const char *const *)field, length(*(const char *const *)field)); break;
    case OO__KEY_OPSETS: print_opsets(o, field); break;
    default: oo__print_props(o, field); break;
    }
}

static void print_head(oo__printer *o, const void *object, const oo__keys *keys) {
    bool any = false;
    for (size_t i = 0; i < keys->count; i++) {
        if (!has_field(object, &keys->rows[i]))
            continue;
        oo__print_text(o, any ? "," : "<");
        o->indent = 1;
        oo__print_line(o);
        o->indent = 0;
        print_field(o, object, &keys->rows[i]);
        any = true;
    }
    if (!any)
        return;
    oo__print_line(o);
    oo__print_text(o, ">");
    oo__print_line(o);
}

/* ---- nodes ---- */
static bool has_subgraph(const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (oo__attr_ngraphs(node->attrs[i]))
            return true;
    return false;
}

static void print_attrs(oo__printer *o, const oo_node *node) {
    oo__print_text(o, " <");
    for (uint32_t i = 0; i < node->nattrs; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_attr(o, node->attrs[i]);
    }
    oo__print_text(o, ">");
}

/* [label] outputs = domain.Op:overload */
static void print_callee(oo__printer *o, const oo_node *node) {
    if (node->name) {
        oo__print_text(o, "[");
        oo__print_name(o, node->name);
        oo__print_text(o, "] ");
    }
    for (uint32_t i = 0; i < node->noutputs; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_value(o, node->outputs[i]);
    }
    oo__print_text(o, node->noutputs ? " = " : "= ");
    if (node->domain && *node->domain) {
        oo__print_dotted(o, node->domain);
        oo__print_text(o, ".");
    }
    oo__print_word(o, node->op->name, oo__str_len(node->op->name));
    if (node->extra && node->extra->overload && *node->extra->overload) {
        oo__print_text(o, ":");
        oo__print_word(o, node->extra->overload, oo__str_len(node->extra->overload));
    }
}

static void print_node(oo__printer *o, const oo_node *node) {
    const bool late = has_subgraph(node);
    print_callee(o, node);
    if (node->nattrs && !late)
        print_attrs(o, node);
    oo__print_text(o, " (");
    for (uint32_t i = 0; i < node->ninputs; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_value(o, node->inputs[i].value);
    }
    oo__print_text(o, ")");
    if (late)
        print_attrs(o, node);
}

/* ---- graphs ---- */
static void print_info(oo__printer *o, const oo_value_info *info) {
    if (oo__type_has_text(info->type)) {
        oo__print_type(o, info->type);
        oo__print_text(o, " ");
    }
    if (info->value)
        oo__print_value(o, info->value);
    else
        oo__print_name(o, info->name);
}

static void print_signature(oo__printer *o, const oo_value_infos *infos) {
    oo__print_text(o, "(");
    for (uint32_t i = 0; i < infos->n; i++) {
        oo__print_text(o, i ? ", " : "");
        print_info(o, &infos->data[i]);
    }
    oo__print_text(o, ")");
}

/* Separates the items between < and >, one a line. */
static void next_item(oo__printer *o, bool *any) {
    oo__print_text(o, *any ? "," : " <");
    if (!*any)
        o->indent++;
    *any = true;
    oo__print_line(o);
}

static bool print_initializers(oo__printer *o, const oo_graph *graph) {
    bool any = false;
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        const oo_value *const value = graph->initializers.data[i];
        if (!value->init)
            continue;
        next_item(o, &any);
        oo__print_tensor_type(o, value->init);
        oo__print_text(o, " ");
        oo__print_value(o, value);
        oo__print_text(o, " = ");
        oo__print_tensor_data(o, value->init, NULL);
    }
    return any;
}

static void print_items(oo__printer *o, const oo_graph *graph) {
    bool any = print_initializers(o, graph);
    for (uint32_t i = 0; i < graph->infos.n; i++) {
        if (!oo__keeps_info(graph, &graph->infos.data[i]))
            continue;
        next_item(o, &any);
        print_info(o, &graph->infos.data[i]);
    }
    if (!any)
        return;
    o->indent--;
    oo__print_line(o);
    oo__print_text(o, ">");
}

void oo__print_graph(oo__printer *o, const oo_graph *graph) {
    print_signature(o, &graph->inputs);
    oo__print_text(o, " => ");
    print_signature(o, &graph->outputs);
    print_items(o, graph);
    oo__print_text(o, " {");
    o->indent++;
    for (const oo_node *node = graph->first; node; node = node->next) {
        oo__print_line(o);
        print_node(o, node);
    }
    o->indent--;
    oo__print_line(o);
    oo__print_text(o, "}");
}

/* ---- functions ---- */
static void print_parameters(oo__printer *o, const oo_function *f) {
    if (!f->attributes.n && !f->defaults.n)
        return;
    oo__print_text(o, "<");
    for (uint32_t i = 0; i < f->attributes.n; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_name(o, f->attributes.data[i]);
    }
    for (uint32_t i = 0; i < f->defaults.n; i++) {
        oo__print_text(o, i || f->attributes.n ? ", " : "");
        oo__print_attr(o, f->defaults.data[i]);
    }
    oo__print_text(o, "> ");
}

static void print_function(oo__printer *o, const oo_function *f) {
    oo__print_text(o, "\n");
    print_head(o, f, &oo__function_keys);
    oo__print_name(o, f->name);
    oo__print_text(o, " ");
    print_parameters(o, f);
    oo__print_graph(o, f->graph);
    oo__print_line(o);
}

/* ---- the whole ---- */
char *oo__model_print_n(oo_model *model, const oo_print_options *options, size_t *size) {
    oo__model_name_values(model);
    const oo__plain_numbers numbers = oo__plain_numbers_begin();
    oo__printer o = {.elide = options ? options->elide : 0};
    print_head(&o, model, &oo__model_keys);
    oo__print_name(&o, model->graph ? model->graph->name : NULL);
    oo__print_text(&o, " ");
    if (model->graph)
        oo__print_graph(&o, model->graph);
    else
        oo__print_text(&o, "() => () {\n}");
    oo__print_line(&o);
    for (uint32_t i = 0; i < model->functions.n; i++)
        if (!model->functions.data[i]->dropped)
            print_function(&o, model->functions.data[i]);
    oo__plain_numbers_end(numbers);
    free(o.note.data);
    if (size)
        *size = o.size;
    return o.data;
}

char *oo_model_print(oo_model *model, const oo_print_options *options) {
    return oo__model_print_n(model, options, NULL);
}

char *oo__node_print(const oo_node *node, oo_arena *arena) {
    enum { FEW = 16 };
    const oo__plain_numbers numbers = oo__plain_numbers_begin();
    oo__printer o = {.elide = FEW, .one_line = true};
    print_node(&o, node);
    end_line(&o);
    oo__plain_numbers_end(numbers);
    char *const text = oo__arena_copy(arena, o.data, o.size);
    free(o.data);
    free(o.note.data);
    return text;
}
