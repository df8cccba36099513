/* Inputs that an initializer gives a default are inputs no more: their values are constants. Before IR version 4 every initializer had to be an
 * input too, so the models of that time have no constants at all; what they are frozen into needs version 4.
 *
 * Names of what stays are kept, and so is what the model computes for those who give none of these inputs. Whoever gives one is refused by a
 * runtime afterwards: so this is done only where it is asked for. */
#include "ir/rewriter.h"

#include <string.h>

static const char RULE[] = "freeze-defaults";

typedef struct options {
    const char *names;
} options;

enum { FREE_INITIALIZERS = 4 }; /* IR version */

/* Whether the name is one of a list, or the list is empty. */
static bool is_named(const char *list, const char *name) {
    const size_t length = strlen(name);
    if (!*list)
        return true;
    for (const char *at = list; *at; at += strspn(at, "+")) {
        const size_t n = strcspn(at, "+");
        if (n == length && memcmp(at, name, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static bool has_default(const oo_value_info *input) { return input->value->init || input->value->sparse_init; }

/* How many of the graph's inputs an initializer gives a value; with `names`, how many of those in the list. */
static uint32_t count_defaults(const oo_graph *graph, const char *names) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        n += has_default(&graph->inputs.data[i]) && (!names || is_named(names, oo_value_name(graph->inputs.data[i].value)));
    return n;
}

static void freeze(oo_rewriter *rw, oo_graph *graph, const char *names) {
    for (uint32_t i = graph->inputs.n; i-- > 0;)
        if (has_default(&graph->inputs.data[i]) && is_named(names, oo_value_name(graph->inputs.data[i].value)))
            oo__freeze_input(rw, graph, i);
}

/* An input that stays with a default may be one in any version; an initializer that is no input may not be before version 4. */
static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const char *const names = ((const options *)opts)->names;
    const uint32_t count = model->graph ? count_defaults(model->graph, names) : 0;
    if (!count || !oo_begin(rw, RULE, NULL))
        return OO_OK;
    freeze(rw, model->graph, names);
    if (model->ir_version < FREE_INITIALIZERS) {
        oo_for_each_graph(graph, model) if (graph->owner) freeze(rw, graph, ""); /* those of subgraphs were never given */
        oo__raise_ir_version(rw, FREE_INITIALIZERS);
    }
    oo_end(rw);
    oo_count(rw, "inputs frozen", count);
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, names, OO_OPT_STRING, "names", "", "only these inputs: names joined by +"),
};

const oo_pass oo_pass_freeze_defaults = {
    .size = sizeof(oo_pass),
    .name = "freeze-defaults",
    .summary = "Make constants of inputs that have a default",
    .doc = "An initializer that a graph input of the same name may override is not constant: nothing is folded that depends on it. This takes such inputs "
           "out of the model's interface, so that their defaults hold for good. Models of IR version 3, where every initializer is an input, come to say "
           "version 4. Inputs without a default stay. It runs only where it is asked for: the program's option --freeze-defaults puts it first.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .run = run,
};
