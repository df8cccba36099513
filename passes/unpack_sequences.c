/* What a sequence is asked for at a known place is the tensor that went into it, or a slice of the tensor that was split. */
#include "passes/whole_numbers.h"

static const char RULE[] = "unpack-sequences";
enum { MAX_PARTS = 4096 };

typedef struct unpacker {
    oo_rewriter *rw;
    int64_t *sizes; /* MAX_PARTS */
} unpacker;

/* The whole numbers of a constant of rank 0 or 1; how many, 0 when it is none or has more than `room`. */
static uint32_t list_of(int64_t *out, uint32_t room, const oo_value *value) {
    uint32_t count;
    return oo__whole_numbers(out, &count, room, value) && oo_tensor_rank(oo_value_const(value)) <= 1 ? count : 0;
}

/* Where part `position` of a SplitToSequence begins and ends: one size for all but the last, or a list of sizes. */
static bool part_of(int64_t *start, int64_t *end, const unpacker *u, const oo_node *split, uint32_t axis,
                    int64_t position) {
    const oo_value *const sizes = oo_node_input(split, 1);
    const int64_t whole = oo_type_dim(oo_value_type(oo_node_input(split, 0)), axis);
    const bool even = !sizes || (oo_value_const(sizes) && oo_tensor_rank(oo_value_const(sizes)) == 0);
    u->sizes[0] = 1;
    const uint32_t count = sizes ? list_of(u->sizes, MAX_PARTS, sizes) : 1;
    if (!count || (even && (whole < 0 || u->sizes[0] < 1)))
        return oo_miss(u->rw, RULE, split, "the sizes of its parts are not known");
    const int64_t size = u->sizes[0], parts = even ? whole / size + (whole % size != 0) : count;
    const int64_t index = position < 0 ? position + parts : position;
    if (index < 0 || index >= parts)
        return oo_miss(u->rw, RULE, split, "it has no part %d", (int)position);
    *start = even ? index * size : 0;
    for (int64_t i = 0; i < index && !even; i++)
        *start += u->sizes[i];
    *end = even && whole - *start < size ? whole : *start + u->sizes[even ? 0 : index];
    return true;
}

static oo_value *list(const unpacker *u, oo_graph *graph, int64_t number) {
    oo_tensor *const tensor = oo_tensor_make(oo_rewriter_model(u->rw), OO_INT64, 1, (const int64_t[]){1}, &number);
    return oo_build_const(u->rw, graph, tensor, "at");
}

/* The rewrite is open. */
static void replace(const unpacker *u, oo_node *node, oo_value *by) {
    if (!oo_replace(u->rw, oo_node_output(node, 0), by)) {
        oo_abandon(u->rw);
        oo_miss(u->rw, RULE, node, "what it takes is not visible at every use");
        return;
    }
    oo_erase(u->rw, node);
    oo_end(u->rw);
    oo_count(u->rw, "items taken directly", 1);
}

/* False when fuel is out; so the next two. */
static bool take_slice(const unpacker *u, oo_node *node, const oo_node *split, int64_t position) {
    const int32_t rank = oo_type_rank(oo_value_type(oo_node_input(split, 0)));
    int64_t axis, keeps, start = 0, end = 0;
    if (rank < 1 || !oo_node_int(&axis, split, "axis", 0) || !oo_node_int(&keeps, split, "keepdims", 1) ||
        (!keeps && !oo_node_input(split, 1))) {
        oo_miss(u->rw, RULE, node, "the rank or the axis of what is split is not known, or the parts lack the axis");
        return true;
    }
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank || !part_of(&start, &end, u, split, (uint32_t)axis, position))
        return true;
    if (!oo_begin(u->rw, RULE, node))
        return false;
    oo_graph *const graph = oo_node_graph(node);
    const oo_value *const inputs[] = {oo_node_input(split, 0), list(u, graph, start), list(u, graph, end),
                                      list(u, graph, axis)};
    replace(u, node, oo_node_output(oo_build(u->rw, node, "", "Slice", inputs, 4, 1), 0));
    return true;
}

static bool take_item(const unpacker *u, oo_node *node, const oo_node *construct, int64_t position) {
    const int64_t count = oo_node_ninputs(construct), index = position < 0 ? position + count : position;
    oo_value *const item = index >= 0 && index < count ? oo_node_input(construct, (uint32_t)index) : NULL;
    if (!item) {
        oo_miss(u->rw, RULE, node, "the sequence has no item %d", (int)position);
        return true;
    }
    if (!oo_begin(u->rw, RULE, node))
        return false;
    replace(u, node, item);
    return true;
}

static bool unpack(const unpacker *u, oo_node *node) {
    const oo_value *const sequence = oo_node_input(node, 0);
    const oo_node *const maker = sequence ? oo_value_producer(sequence) : NULL;
    int64_t position;
    if (!maker || !oo_node_output(node, 0) || oo_value_is_annotated(oo_node_output(node, 0)))
        return true;
    if (list_of(&position, 1, oo_node_input(node, 1)) != 1) {
        oo_miss(u->rw, RULE, node, "its position is not constant");
        return true;
    }
    if (oo_node_is(maker, "SplitToSequence") && oo_node_input(maker, 0))
        return take_slice(u, node, maker, position);
    return oo_node_is(maker, "SequenceConstruct") ? take_item(u, node, maker, position) : true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    const unpacker u = {.rw = rw, .sizes = oo_scratch(rw, MAX_PARTS * sizeof(int64_t))};
    oo_for_each_graph(graph, model)
        oo_for_each_node(node, graph) if (oo_node_is(node, "SequenceAt") && !unpack(&u, node)) return OO_OK;
    return OO_OK;
}

const oo_pass oo_pass_unpack_sequences = {
    .size = sizeof(oo_pass),
    .name = "unpack-sequences",
    .summary = "Take what a sequence holds at a known place without the sequence",
    .doc = "SequenceAt a constant position is the input of SequenceConstruct there, or a Slice of what SplitToSequence "
           "splits into parts of known "
           "size. merge-slices makes one Split of such Slices.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
