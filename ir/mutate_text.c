/* Taking out what a model says and does not compute: the mutators of names, documentation, metadata and value_info. */
#include "ir/change.h"

bool oo__strip_node(oo_rewriter *rw, oo_node *node, const oo_strip *what) {
    oo__require_node(rw, node, __func__);
    bool changed = false;
    if (what->names && node->name) {
        oo__log(rw, (oo__change){.kind = OO__NODE_NAME, .node = node, .old = (void *)(uintptr_t)node->name});
        node->name = NULL;
        changed = true;
    }
    const oo_node_extra *const extra = node->extra;
    if (extra && ((what->docs && extra->doc) || (what->metadata && extra->metadata.n))) {
        oo__log(rw, (oo__change){.kind = OO__NODE_EXTRA, .node = node, .old = node->extra});
        node->extra = OO_NEW(rw->model->arena, oo_node_extra);
        *node->extra = *extra;
        if (what->docs)
            node->extra->doc = NULL;
        if (what->metadata)
            node->extra->metadata = (oo_props){0};
        changed = true;
    }
    rw->values += changed;
    return changed;
}

/* What nothing else would tell: of results of operators that inference does not know. */
static bool is_needed(const oo_value_info *info) {
    return info->value && info->value->producer && oo_node_is_opaque(info->value->producer);
}

uint32_t oo__strip_infos(oo_rewriter *rw, oo_graph *graph) {
    oo_require(rw->open, "oo__strip_infos: outside of oo_begin .. oo_end");
    oo_value_infos kept = {0};
    for (uint32_t i = 0; i < graph->infos.n; i++)
        if (is_needed(&graph->infos.data[i]))
            oo_vec_push(rw->model->arena, &kept, graph->infos.data[i]);
    const uint32_t gone = graph->infos.n - kept.n;
    if (!gone)
        return 0;
    oo_value_infos *const old = OO_NEW(rw->model->arena, oo_value_infos);
    *old = graph->infos;
    oo__log(rw, (oo__change){.kind = OO__INFOS, .graph = graph, .old = old});
    graph->infos = kept;
    rw->values++;
    return gone;
}
