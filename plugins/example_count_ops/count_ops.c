/* Two passes in one plugin: count-ops looks, remove-identity changes. */
#include <onnxopt/plugin.h>

#include <string.h>

/* ---- count-ops ---- */
typedef struct count_options {
    const char *only; /* operator type, "" = all */
} count_options;

/* Each operator type becomes a statistic of its own; its name lives as long as the model, as oo_count asks. */
static oo_status count_ops(oo_rewriter *rw, oo_model *model, const void *options) {
    const count_options *const o = options;
    oo_for_each_graph(graph, model) {
        oo_for_each_node(node, graph) {
            const char *const op = oo_node_op(node);
            if (!*o->only || strcmp(o->only, op) == 0)
                oo_count(rw, op, 1);
        }
    }
    return OO_OK;
}

static const oo_option_row count_rows[] = {
    OO_OPTION(count_options, only, OO_OPT_STRING, "only", "", "count this operator type alone"),
};

static const oo_pass count_pass = {
    .size = sizeof(oo_pass),
    .name = "count-ops",
    .summary = "Count the operators by type; see them with --stats",
    .options = count_rows,
    .noptions = sizeof count_rows / sizeof *count_rows,
    .options_size = sizeof(count_options),
    .keeps = OO_ALL,
    .run = count_ops,
};

/* ---- remove-identity ---- */
/* False when fuel is out. */
static bool remove_one(oo_rewriter *rw, oo_node *node) {
    oo_value *const from = oo_node_input(node, 0);
    oo_value *const to = oo_node_output(node, 0);
    if (!from || !to || oo_value_is_pinned(to)) {
        oo_miss(rw, "remove-identity", node, "its output is held by more than its uses");
        return true;
    }
    if (!oo_begin(rw, "remove-identity", node))
        return false;
    if (!oo_replace(rw, to, from)) {
        oo_abandon(rw);
        return true;
    }
    oo_erase(rw, node);
    oo_end(rw);
    oo_count(rw, "nodes removed", 1);
    return true;
}

static oo_status remove_identity(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) {
        oo_for_each_node(node, graph) {
            if (oo_node_is(node, "Identity") && !remove_one(rw, node))
                return OO_OK;
        }
    }
    return OO_OK;
}

static const oo_pass remove_pass = {
    .size = sizeof(oo_pass),
    .name = "remove-identity",
    .summary = "Remove Identity where nothing but its uses holds its output",
    .run = remove_identity,
};

OO_PLUGIN(&count_pass, &remove_pass)
