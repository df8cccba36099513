/* What an operator's box says: type, name, attributes that are not the default, constants that go in. */
#include "ir/schema.h"
#include "viz/picture.h"

#include <string.h>

enum { LINE = 40, ATTR_LINES = 3, CONST_LINES = 4, LISTED = 8 };

#define SMALL "<br/><font point-size=\"8\" color=\"%s\">"

static bool is_constant_node(const oo_node *node) {
    return !*node->op->domain && !node->op->functions && strcmp(node->op->name, "Constant") == 0;
}

bool oo__is_constant(const oo_value *value) {
    return value->init || value->sparse_init || (value->producer && is_constant_node(value->producer));
}

/* The only attribute of a Constant node says what it is. */
void oo__markup_constant(oo_markup *m, const oo_value *value) {
    const oo_node *const node = value->producer;
    if (value->init)
        oo__markup_tensor(m, value->init);
    else if (value->sparse_init && value->sparse_init->values)
        oo__markup_add(m, "sparse %llu values", (unsigned long long)value->sparse_init->values->count);
    else if (node && node->nattrs == 1)
        oo__markup_attr(m, node->attrs[0]);
    else
        oo__markup_type(m, value->type);
}

static const oo_schema *schema_of(const oo_node *node) {
    if (node->op->functions)
        return NULL;
    return oo__schema_find(node->op->domain, node->op->name, oo_graph_opset(node->graph, node->op->domain));
}

static bool is_all(const oo_attr *attr, int64_t value) {
    for (uint32_t i = 0; i < attr->count; i++)
        if (attr->ints[i] != value)
            return false;
    return true;
}

/* These have a default for each spatial axis, which the schemas tell in prose only. */
static bool is_default_window(const oo_attr *attr) {
    if (strcmp(attr->name, "strides") == 0 || strcmp(attr->name, "dilations") == 0)
        return is_all(attr, 1);
    return strcmp(attr->name, "pads") == 0 && is_all(attr, 0);
}

static bool is_default(const oo_attr *attr, const oo_schema *schema) {
    const oo_schema_attr *const d = schema && attr->name ? oo__schema_attr(schema, attr->name) : NULL;
    if (!d || d->required || d->type != attr->type || attr->reference || attr->raw.data)
        return false;
    if (!d->has_default)
        return attr->type == OO_ATTR_INTS && is_default_window(attr);
    switch (attr->type) {
    case OO_ATTR_INT: return attr->i == d->i;
    case OO_ATTR_FLOAT: return memcmp(&attr->f, &d->f, sizeof d->f) == 0;
    case OO_ATTR_STRING: return d->s && attr->s.size == strlen(d->s) && memcmp(attr->s.data, d->s, attr->s.size) == 0;
    default: return false;
    }
}

/* Small print that breaks into lines of about LINE characters. */
typedef struct print {
    oo_markup *to;
    const char *colour;
    uint32_t lines, most, used, left_out;
} print;

static void print_item(print *p, oo_markup *item) {
    if (p->used && p->used + item->n + 2 <= LINE) {
        oo__markup_add(p->to, "&#160; %s", oo__markup_done(item));
        p->used += item->n + 2;
        return;
    }
    if (p->lines == p->most) {
        p->left_out++;
        return;
    }
    if (p->used)
        oo__markup_add(p->to, "</font>");
    oo__markup_add(p->to, SMALL "%s", p->colour, oo__markup_done(item));
    p->used = item->n;
    p->lines++;
}

static void print_end(print *p, const char *what) {
    if (p->left_out)
        oo__markup_add(p->to, "&#160; +%u %s", p->left_out, what);
    if (p->used)
        oo__markup_add(p->to, "</font>");
}

static void print_attrs(oo_markup *m, const oo_node *node, const oo_schema *schema) {
    print p = {.to = m, .colour = "#3D3D3D", .most = ATTR_LINES};
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const oo_attr *const attr = node->attrs[i];
        if (is_default(attr, schema) || oo__attr_ngraphs(attr))
            continue;
        oo_markup item = oo__markup(m->arena, OO_LABEL);
        oo__markup_name(&item, attr->name, 24);
        oo__markup_add(&item, "=");
        oo__markup_attr(&item, attr);
        print_item(&p, &item);
    }
    print_end(&p, "attributes");
}

static void put_slot(oo_markup *m, const oo_schema *schema, uint32_t index) {
    const oo_schema_io *const slot = schema ? oo__schema_input(schema, index) : NULL;
    if (slot && slot->name && !slot->variadic)
        oo__markup_name(m, slot->name, 16);
    else
        oo__markup_add(m, "#%u", index);
}

static void print_constants(oo_markup *m, const oo_node *node, const oo_schema *schema) {
    print p = {.to = m, .colour = "#1F4E79", .most = CONST_LINES};
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        if (!value || !oo__is_constant(value))
            continue;
        oo_markup item = oo__markup(m->arena, OO_LABEL);
        put_slot(&item, schema, i);
        oo__markup_add(&item, " ");
        oo__markup_constant(&item, value);
        p.used = p.used ? LINE : 0; /* each on its own line */
        print_item(&p, &item);
    }
    print_end(&p, "constants");
}

static void list_values(oo_markup *m, const char *what, uint32_t index, const oo_value *value) {
    if (!value || index >= LISTED)
        return;
    oo__markup_add(m, "\\n%s %u: ", what, index);
    oo__markup_name(m, value->name, OO_WHOLE);
    oo__markup_add(m, ": ");
    if (oo__is_constant(value))
        oo__markup_constant(m, value);
    else
        oo__markup_type(m, value->type);
}

static const char *tooltip_of(const oo_node *node, oo_arena *arena) {
    oo_markup m = oo__markup(arena, OO_TOOLTIP);
    oo__markup_add(&m, "operator ");
    if (*node->op->domain) {
        oo__markup_name(&m, node->op->domain, OO_WHOLE);
        oo__markup_add(&m, ".");
    }
    oo__markup_name(&m, node->op->name, OO_WHOLE);
    oo__markup_add(&m, "\\nnode %u: ", node->id);
    oo__markup_name(&m, node->name, OO_WHOLE);
    for (uint32_t i = 0; i < node->ninputs; i++)
        list_values(&m, "input", i, node->inputs[i].value);
    for (uint32_t i = 0; i < node->noutputs; i++)
        list_values(&m, "output", i, node->outputs[i]);
    return oo__markup_done(&m);
}

void oo__label_node(oo_box *box, const oo_node *node, bool deeper, oo_arena *arena) {
    const oo_schema *const schema = schema_of(node);
    oo_markup head = oo__markup(arena, OO_LABEL), lines = oo__markup(arena, OO_LABEL);
    oo__markup_text(&head, node->op->name, strlen(node->op->name), OO_BRIEF);
    if (*node->op->domain) {
        oo__markup_add(&lines, SMALL, "#5E5E5E");
        oo__markup_name(&lines, node->op->domain, OO_BRIEF);
        oo__markup_add(&lines, "</font>");
    }
    if (node->name && *node->name) {
        oo__markup_add(&lines, SMALL, "#5E5E5E");
        oo__markup_name(&lines, node->name, OO_BRIEF);
        oo__markup_add(&lines, "</font>");
    }
    print_attrs(&lines, node, schema);
    print_constants(&lines, node, schema);
    if (deeper)
        oo__markup_add(&lines, SMALL "deeper subgraphs are not drawn</font>", "#5E5E5E");
    box->origin = box->head = oo__markup_done(&head);
    box->lines = oo__markup_done(&lines);
    box->tooltip = tooltip_of(node, arena);
}
