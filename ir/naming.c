/* Names for values that have none, given before writing or printing. Slots of interned names serve as the set of taken names. */
#include "ir/ir.h"

#include <stdio.h>

typedef void (*visitor)(oo_model *model, oo_value *value);

static void visit_graph(oo_model *model, oo_graph *graph, visitor visit) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        visit(model, graph->inputs.data[i].value);
    for (uint32_t i = 0; i < graph->initializers.n; i++)
        if (graph->initializers.data[i]->init)
            visit(model, graph->initializers.data[i]);
    for (const oo_node *node = graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i])
                visit(model, node->outputs[i]);
}

static void visit_values(oo_model *model, visitor visit) {
    oo_for_each_graph(graph, model) visit_graph(model, graph, visit);
}

static void mark(oo_model *model, oo_value *value) {
    if (value->name)
        *oo__str_slot(value->name) = model;
}

static void unmark(oo_model *model, oo_value *value) {
    (void)model;
    if (value->name)
        *oo__str_slot(value->name) = NULL;
}

/* read_name of a fresh value is the stem that its maker wished for. */
static void name_one(oo_model *model, oo_value *value) {
    if (value->name)
        return;
    const char *const stem = value->read_name ? value->read_name : "value";
    char text[160];
    const char *name;
    unsigned long number = 0;
    do {
        snprintf(text, sizeof text, "%.120s_%lu", stem, number);
        name = oo__str(model, text);
        number = number ? number * 2 + value->id % 7 : 1 + value->id; /* clashes are left behind quickly */
    } while (*oo__str_slot(name));
    value->name = name;
    mark(model, value);
}

void oo__model_name_values(oo_model *model) {
    if (!model->fresh)
        return;
    visit_values(model, mark);
    visit_values(model, name_one);
    visit_values(model, unmark);
    model->fresh = 0;
}
