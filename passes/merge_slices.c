/* Slices that together are the whole of a dimension are the parts of one Split. */
#include "passes/whole_numbers.h"

#include <stdlib.h>

static const char RULE[] = "merge-slices";
enum { MAX_PARTS = 1024 };

typedef struct part {
    oo_node *node;
    int64_t axis, start, end;
    uint32_t use; /* which of the value's */
    bool leads;   /* other parts go on from its end to the end of all */
} part;

/* A Slice's only start, end, axis or step: an input from opset 10 on, an attribute before. False when it is absent, longer or unknown. */
static bool single(int64_t *out, const oo_node *node, uint32_t input, const char *attr) {
    if (oo_graph_opset(oo_node_graph(node), "") < 10) {
        const int64_t *items;
        uint32_t count;
        if (!oo_node_ints(&items, &count, node, attr) || count != 1)
            return false;
        *out = items[0];
        return true;
    }
    return oo__whole_number(out, oo_node_input(node, input));
}

static int64_t within(int64_t position, int64_t size) {
    const int64_t from_front = position < 0 ? position + size : position;
    return from_front < 0 ? 0 : from_front > size ? size : from_front;
}

/* Whether the node takes some, and not all, of one dimension of known size, item after item. */
static bool reads_part(part *out, oo_node *node) {
    const oo_value *const value = oo_node_input(node, 0);
    const int32_t rank = value ? oo_type_rank(oo_value_type(value)) : -1;
    const bool by_inputs = oo_graph_opset(oo_node_graph(node), "") >= 10;
    int64_t start, end, axis = 0, step = 1;
    if (rank < 1 || !oo_node_output(node, 0) || !single(&start, node, 1, "starts") || !single(&end, node, 2, "ends"))
        return false;
    if ((by_inputs ? oo_node_input(node, 3) != NULL : oo_node_attr(node, "axes") != NULL) &&
        !single(&axis, node, 3, "axes"))
        return false;
    if (by_inputs && oo_node_input(node, 4) && (!single(&step, node, 4, "") || step != 1))
        return false;
    axis += axis < 0 ? rank : 0;
    const int64_t size = axis >= 0 && axis < rank ? oo_type_dim(oo_value_type(value), (uint32_t)axis) : -1;
    if (size < 1)
        return false;
    *out = (part){.node = node, .axis = axis, .start = within(start, size), .end = within(end, size)};
    return out->start < out->end && out->end - out->start < size && !oo_value_is_annotated(oo_node_output(node, 0));
}

static int by_place(const void *a, const void *b) {
    const part *const x = a, *const y = b;
    if (x->axis != y->axis)
        return x->axis < y->axis ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->use < y->use ? -1 : 1;
}

/* Marks the parts from which others lead on to `size`. */
static void find_ways(part *parts, uint32_t count, int64_t size) {
    for (uint32_t i = count; i-- > 0;) {
        parts[i].leads = parts[i].end == size;
        for (uint32_t k = i + 1; k < count && !parts[i].leads && parts[k].start <= parts[i].end; k++)
            parts[i].leads = parts[k].start == parts[i].end && parts[k].leads;
    }
}

/* The parts among those of one axis that follow each other from 0 to `size`, moved before the others; how many, 0 when one is missing. */
static uint32_t chain(part *parts, uint32_t count, int64_t size) {
    part others[MAX_PARTS];
    int64_t reached = 0;
    uint32_t taken = 0, left = 0;
    find_ways(parts, count, size);
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].start != reached || !parts[i].leads || reached == size) {
            others[left++] = parts[i];
            continue;
        }
        reached = parts[i].end;
        parts[taken++] = parts[i];
    }
    for (uint32_t i = 0; i < left; i++)
        parts[taken + i] = others[i];
    return reached == size ? taken : 0;
}

/* One Split before *at, which becomes the new *at. False when fuel is out. */
static bool merge(oo_rewriter *rw, oo_node **at, oo_value *value, const part *parts, uint32_t count) {
    oo_graph *const graph = oo_node_graph(*at);
    int64_t sizes[MAX_PARTS];
    for (uint32_t i = 0; i < count; i++)
        sizes[i] = parts[i].end - parts[i].start;
    if (!oo_begin(rw, RULE, parts[0].node))
        return false;
    const bool by_input = oo_graph_opset(graph, "") >= 13;
    const oo_value *inputs[2] = {value, NULL};
    if (by_input)
        inputs[1] = oo_build_const(
            rw, graph, oo_tensor_make(oo_rewriter_model(rw), OO_INT64, 1, (const int64_t[]){count}, sizes), "split");
    oo_node *const split = oo_build(rw, *at, "", "Split", inputs, by_input ? 2 : 1, count);
    oo_set_int(rw, split, "axis", parts[0].axis);
    if (!by_input)
        oo_set_ints(rw, split, "split", sizes, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!oo_replace(rw, oo_node_output(parts[i].node, 0), oo_node_output(split, i))) {
            oo_abandon(rw);
            oo_miss(rw, RULE, parts[i].node, "a part is not visible at every use");
            return true;
        }
        oo_erase(rw, parts[i].node);
    }
    oo_end(rw);
    *at = split;
    oo_count(rw, "nodes removed", count - 1);
    return true;
}

/* The parts that nodes of `graph` read of the value; each of these nodes is marked. */
static uint32_t collect(part *parts, bool *seen, const oo_value *value, const oo_graph *graph) {
    uint32_t count = 0;
    for (oo_use *use = oo_value_first_use(value); use && count < MAX_PARTS; use = oo_use_next(use)) {
        oo_node *const node = oo_use_node(use);
        if (!node || oo_node_graph(node) != graph || oo_use_index(use) != 0 || !oo_node_is(node, "Slice") ||
            seen[oo_node_id(node)])
            continue;
        seen[oo_node_id(node)] = true;
        if (!reads_part(&parts[count], node))
            continue;
        parts[count].use = count;
        count++;
    }
    return count;
}

/* `first` is the first Slice of the value in its graph. False when fuel is out. */
static bool merge_users(oo_rewriter *rw, part *parts, bool *seen, oo_node *first) {
    oo_value *const value = oo_node_input(first, 0);
    const uint32_t count = collect(parts, seen, value, oo_node_graph(first));
    qsort(parts, count, sizeof *parts, by_place);
    for (uint32_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && parts[to].axis == parts[from].axis; to++)
            ;
        const int64_t size = oo_type_dim(oo_value_type(value), (uint32_t)parts[from].axis);
        uint32_t taken = chain(parts + from, to - from, size);
        if (!taken)
            oo_miss(rw, RULE, parts[from].node, "what is read of axis %d is not the whole of it, part by part",
                    (int)parts[from].axis);
        for (uint32_t at = from; taken >= 2; taken = at < to ? chain(parts + at, to - at, size) : 0) {
            if (!merge(rw, &first, value, parts + at, taken))
                return false;
            at += taken;
        }
    }
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    const uint32_t known = oo_model_node_ids(model);
    bool *const seen = oo_scratch(rw, known ? known : 1);
    part *const parts = oo_scratch(rw, MAX_PARTS * sizeof *parts);
    oo_for_each_graph(graph, model) if (oo_graph_opset(graph, "") >= 2) oo_for_each_node(
        node, graph) if (oo_node_is(node, "Slice") && oo_node_id(node) < known && !seen[oo_node_id(node)] &&
                         oo_node_input(node, 0) && !merge_users(rw, parts, seen, node)) return OO_OK;
    return OO_OK;
}

const oo_pass oo_pass_merge_slices = {
    .size = sizeof(oo_pass),
    .name = "merge-slices",
    .summary = "Make one Split of Slices that together are the whole of a dimension",
    .doc = "Slices of one value along one axis of known size, with constant ends and step 1, that follow each other "
           "from the first item to "
           "the last become the outputs of one Split.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
