/* Takes out what a model says and does not compute. */
#include "ir/rewriter.h"

static const char RULE[] = "strip";

typedef struct options {
    bool docs, metadata, shapes, names;
} options;

static bool has_something(const oo_node *node, const oo_strip *what) {
    const oo_node_extra *const extra = node->extra;
    return (what->names && node->name) || (extra && ((what->docs && extra->doc) || (what->metadata && extra->metadata.n)));
}

/* False when fuel is out. */
static bool strip_nodes(oo_rewriter *rw, oo_graph *graph, const oo_strip *what) {
    oo_for_each_node(node, graph) {
        if (!has_something(node, what))
            continue;
        if (!oo_begin(rw, RULE, NULL))
            return false;
        oo__strip_node(rw, node, what);
        oo_end(rw);
        oo_count(rw, "nodes stripped", 1);
    }
    return true;
}

static bool strip_infos(oo_rewriter *rw, oo_graph *graph) {
    if (!graph->infos.n)
        return true;
    if (!oo_begin(rw, RULE, NULL))
        return false;
    const uint32_t gone = oo__strip_infos(rw, graph);
    if (gone)
        oo_end(rw);
    else
        oo_abandon(rw);
    oo_count(rw, "value_info removed", gone);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const options *const o = opts;
    const oo_strip what = {.docs = o->docs, .metadata = o->metadata, .names = o->names};
    oo_for_each_graph(graph, model)
        if (!strip_nodes(rw, graph, &what) || (o->shapes && !strip_infos(rw, graph)))
            break;
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, docs, OO_OPT_BOOL, "docs", "true", "documentation of nodes"),
    OO_OPTION(options, metadata, OO_OPT_BOOL, "metadata", "true", "metadata of nodes: where exporters note the lines of source that they come from"),
    OO_OPTION(options, shapes, OO_OPT_BOOL, "shapes", "true", "value_info: what inference finds again"),
    OO_OPTION(options, names, OO_OPT_BOOL, "names", "false", "names of nodes"),
};

const oo_pass oo_pass_strip = {
    .size = sizeof(oo_pass),
    .name = "strip",
    .summary = "Remove documentation, metadata, value_info and names of nodes",
    .doc = "What a model says and does not compute: documentation and metadata of nodes, value_info, and where it is asked for names of nodes. "
           "The model's own documentation and metadata, graph inputs and outputs and names of values stay, and so does the value_info of what operators "
           "make that nothing is known about.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .keeps = OO_TYPES | OO_VALUES | OO_ORDER,
    .run = run,
};
