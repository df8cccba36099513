/* Names for values that have none, given before writing or printing. */
#include "ir/ir.h"

#include <stdio.h>
#include <string.h>

/* The stem's first bytes, up to 120, without half a UTF-8 character at the end. */
static int stem_size(const char *stem) {
    enum { MOST = 120 };
    size_t size = strnlen(stem, MOST + 1);
    if (size > MOST)
        for (size = MOST; size && ((unsigned char)stem[size] & 0xc0) == 0x80;)
            size--;
    return (int)size;
}

/* read_name of a fresh value is the stem that its maker wished for. A name is free when the model has never seen it: so it clashes
 * with no value of any graph, with nothing that an undone rewrite brings back, and with no name that only annotations mention. */
static void name_one(oo_model *model, oo_value *value) {
    const char *const stem = value->read_name ? value->read_name : "value";
    const int size = stem_size(stem);
    char text[160];
    uint64_t number = 0;
    do {
        snprintf(text, sizeof text, "%.*s_%llu", size, stem, (unsigned long long)number);
        /* Clashes are left behind quickly. */
        number = number == 0 ? 1 + value->id : number < (uint64_t)1 << 40 ? number * 2 + value->id % 7 : number + 1;
    } while (oo__intern_find(model->strings, text, strlen(text)));
    value->name = oo__str(model, text);
}

static void name_in_graph(oo_model *model, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        if (!graph->inputs.data[i].value->name)
            name_one(model, graph->inputs.data[i].value);
    for (uint32_t i = 0; i < graph->initializers.n; i++)
        if (graph->initializers.data[i]->init && !graph->initializers.data[i]->name)
            name_one(model, graph->initializers.data[i]);
    for (const oo_node *node = graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i] && !node->outputs[i]->name)
                name_one(model, node->outputs[i]);
}

void oo__model_name_values(oo_model *model) {
    if (!model->fresh)
        return;
    oo_for_each_graph(graph, model) name_in_graph(model, graph);
    model->fresh = 0;
}
