/* Items that Expand repeats side by side, between two views of the same elements, are what Gather takes several times: so heads of keys and
 * values that several heads of queries share are repeated. */
#include "passes/shapes.h"

static const char RULE[] = "merge-repeats";
enum { MAX_ITEMS = 1024 };

/* The one axis, not the first, that has size 1 in `from` and another number of items in `to`. False when anything else differs too. */
static bool repeated_axis(uint32_t *axis, const oo_type *from, const oo_type *to) {
    uint32_t found = 0;
    if (from->rank != to->rank)
        return false;
    for (uint32_t i = 0; i < from->rank; i++)
        if (from->dims[i].expr != to->dims[i].expr) {
            if (found || i == 0 || oo_type_dim(from, i) != 1)
                return false;
            found = i;
        }
    *axis = found;
    return found != 0;
}

/* Whether `merged` is `type` with the axis and the one before it as one, whose size is `count`. */
static bool merges(const oo_type *merged, const oo_type *type, uint32_t axis, int64_t count) {
    if (merged->rank + 1 != type->rank || oo_type_dim(merged, axis - 1) != count)
        return false;
    for (uint32_t i = 0; i < merged->rank; i++)
        if (i + 1 != axis && merged->dims[i].expr != type->dims[i < axis ? i : i + 1].expr)
            return false;
    return true;
}

static bool matches(uint32_t *axis, oo_rewriter *rw, const oo_node *reshape, const oo_node *expand) {
    const oo_type *const one = shapes_full(oo_node_input(expand, 0)), *const many = shapes_full(oo_node_output(expand, 0));
    const oo_type *const merged = shapes_full(oo_node_output(reshape, 0));
    if (!one || !many || !merged)
        return oo_miss(rw, RULE, reshape, "a dimension is not known");
    if (!repeated_axis(axis, one, many))
        return oo_miss(rw, RULE, reshape, "Expand does not repeat along one axis alone that has one before it");
    const int64_t items = oo_type_dim(many, *axis - 1), times = oo_type_dim(many, *axis);
    if (items < 1 || times < 1 || items > MAX_ITEMS || times > MAX_ITEMS || items * times > MAX_ITEMS)
        return oo_miss(rw, RULE, reshape, "how many items there are is not known, or they are many");
    if (!merges(merged, many, *axis, items * times))
        return oo_miss(rw, RULE, reshape, "Reshape does not merge the repeated axis with the one before it");
    if (oo_value_is_pinned(oo_node_output(expand, 0)) || oo_value_nuses(oo_node_output(expand, 0)) != 1)
        return oo_miss(rw, RULE, reshape, "what Expand makes has another use");
    return oo_value_is_annotated(oo_node_output(reshape, 0)) ? oo_miss(rw, RULE, reshape, "its output is annotated")
                                                             : true;
}

static oo_value *squeezed(oo_rewriter *rw, oo_node *before, oo_value *value, uint32_t axis) {
    oo_graph *const graph = oo_node_graph(before);
    const int64_t axes[] = {axis};
    const oo_value *inputs[2] = {value, NULL};
    const bool by_input = oo_graph_opset(graph, "") >= 13;
    if (by_input)
        inputs[1] = oo_build_const(
            rw, graph, oo_tensor_make(oo_rewriter_model(rw), OO_INT64, 1, (const int64_t[]){1}, axes), "axes");
    oo_node *const node = oo_build(rw, before, "", "Squeeze", inputs, by_input ? 2 : 1, 1);
    if (!by_input)
        oo_set_ints(rw, node, "axes", axes, 1);
    return oo_node_output(node, 0);
}

/* False when fuel is out. Expand and Reshape become Squeeze and Gather; merge-views takes the Squeeze into the view before it. */
static bool merge(oo_rewriter *rw, oo_node *reshape, oo_node *expand, uint32_t axis) {
    const int64_t times = oo_type_dim(oo_node_output(expand, 0)->type, axis);
    const int64_t count = times * oo_type_dim(oo_node_output(expand, 0)->type, axis - 1);
    int64_t indices[MAX_ITEMS];
    for (int64_t i = 0; i < count; i++)
        indices[i] = i / times;
    if (!oo_begin(rw, RULE, reshape))
        return false;
    const oo_value *const inputs[] = {
        squeezed(rw, reshape, oo_node_input(expand, 0), axis),
        oo_build_const(rw, oo_node_graph(reshape),
                       oo_tensor_make(oo_rewriter_model(rw), OO_INT64, 1, (const int64_t[]){count}, indices),
                       "repeated")};
    oo_node *const gather = oo_build(rw, reshape, "", "Gather", inputs, 2, 1);
    oo_set_int(rw, gather, "axis", (int64_t)axis - 1);
    if (!oo_replace(rw, oo_node_output(reshape, 0), oo_node_output(gather, 0))) {
        oo_abandon(rw);
        return oo_miss(rw, RULE, reshape, "its result is not visible at every use"), true;
    }
    oo_erase(rw, reshape);
    oo_erase(rw, expand);
    oo_end(rw);
    oo_count(rw, "repetitions merged", 1);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) oo_for_each_node(node, graph) {
        oo_node *const expand =
            oo_node_is(node, "Reshape") && oo_node_input(node, 0) ? oo_value_producer(oo_node_input(node, 0)) : NULL;
        uint32_t axis = 0;
        if (expand && oo_node_is(expand, "Expand") && expand->graph == graph && oo_node_input(expand, 0) &&
            oo_node_output(node, 0) && matches(&axis, rw, node, expand) && !merge(rw, node, expand, axis))
            return OO_OK;
    }
    return OO_OK;
}

const oo_pass oo_pass_merge_repeats = {
    .size = sizeof(oo_pass),
    .name = "merge-repeats",
    .summary = "Make Gather of an Expand and a Reshape that repeat the items of an axis",
    .doc = "An Expand along one axis of size 1, and a Reshape that merges this axis with the one before it, repeat "
           "each item of that axis: Gather with "
           "constant indices does it at once. All sizes are proved; at most 1024 items.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
