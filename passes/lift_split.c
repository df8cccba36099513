/* What all parts of a Split go through is done once, before it: Reshape that cuts the split dimension, Transpose, functions of one element. */
#include "ir/expr.h"
#include "ir/ir.h"
#include "passes/permutation.h"

#include <string.h>

static const char RULE[] = "lift-split";
enum { MOST_PARTS = 64, MOST_RANK = 16 };

typedef struct lift {
    oo_rewriter *rw;
    oo_node *split;
    oo_value *x;
    uint32_t rank, axis, count;
    int64_t sizes[MOST_PARTS];   /* of the parts */
    oo_node *users[MOST_PARTS];  /* the only user of each part */
} lift;

/* ---- recognising ---- */
static bool read_parts(lift *l) {
    int64_t axis;
    l->count = oo_node_noutputs(l->split);
    l->x = oo_node_input(l->split, 0);
    const int32_t rank = l->x ? oo_type_rank(oo_value_type(l->x)) : -1;
    if (l->count < 2 || l->count > MOST_PARTS || rank < 1 || rank > MOST_RANK || !oo_node_int(&axis, l->split, "axis", 0))
        return false;
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank)
        return false;
    l->rank = (uint32_t)rank;
    l->axis = (uint32_t)axis;
    for (uint32_t i = 0; i < l->count; i++) {
        const oo_value *const part = oo_node_output(l->split, i);
        oo_use *const use = part ? oo_value_first_use(part) : NULL;
        l->users[i] = use ? oo_use_node(use) : NULL;
        if (!l->users[i] || oo_value_nuses(part) != 1 || oo_value_is_pinned(part) || oo_use_index(use) != 0 ||
            oo_node_graph(l->users[i]) != oo_node_graph(l->split) || oo_node_noutputs(l->users[i]) != 1 ||
            oo_value_is_annotated(oo_node_output(l->users[i], 0)) || strcmp(oo_node_op(l->users[i]), oo_node_op(l->users[0])) != 0)
            return false;
        l->sizes[i] = oo_type_rank(oo_value_type(part)) == rank ? oo_type_dim(oo_value_type(part), l->axis) : -1;
        if (l->sizes[i] < 1)
            return false;
    }
    return true;
}

/* ---- building ---- */
static oo_value *ints(lift *l, const int64_t *data, uint32_t count, const char *stem) {
    const int64_t dims[] = {count};
    return oo_build_const(l->rw, oo_node_graph(l->split), oo_tensor_make(oo_rewriter_model(l->rw), OO_INT64, 1, dims, data), stem);
}

static oo_node *new_split(lift *l, const oo_value *x, uint32_t axis, const int64_t *sizes) {
    const bool by_input = oo_graph_opset(oo_node_graph(l->split), "") >= 13;
    const oo_value *const inputs[] = {x, by_input ? ints(l, sizes, l->count, "split") : NULL};
    oo_node *const split = oo_build(l->rw, l->split, "", "Split", inputs, by_input ? 2 : 1, l->count);
    oo_set_int(l->rw, split, "axis", axis);
    if (!by_input)
        oo_set_ints(l->rw, split, "split", sizes, l->count);
    return split;
}

/* The parts of the new Split, or what is made of them, take the places of the users' results. */
static void finish(lift *l, oo_value *const *results) {
    for (uint32_t i = 0; i < l->count; i++)
        if (!oo_replace(l->rw, oo_node_output(l->users[i], 0), results[i])) {
            oo_abandon(l->rw);
            return;
        }
    for (uint32_t i = 0; i < l->count; i++)
        oo_erase(l->rw, l->users[i]);
    oo_erase(l->rw, l->split);
    oo_end(l->rw);
}

/* ---- functions of one element ---- */
static bool takes_elements(const oo_node *node) {
    static const char *const OPS[] = {"Relu", "Neg", "Abs", "Sign", "Not", "Floor", "Ceil", "Round", "Sqrt"}; /* those that round one way */
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
        if (oo_node_is(node, OPS[i]))
            return oo_node_nattrs(node) == 0 && oo_node_ninputs(node) == 1;
    return false;
}

static bool lift_elements(lift *l) {
    oo_value *results[MOST_PARTS];
    for (uint32_t i = 0; i < l->count; i++)
        if (!takes_elements(l->users[i]))
            return true;
    if (!oo_begin(l->rw, RULE, l->split))
        return false;
    const oo_value *const inputs[] = {l->x};
    oo_node *const all = oo_build(l->rw, l->split, "", oo_node_op(l->users[0]), inputs, 1, 1);
    oo_node *const split = new_split(l, oo_node_output(all, 0), l->axis, l->sizes);
    for (uint32_t i = 0; i < l->count; i++)
        results[i] = oo_node_output(split, i);
    finish(l, results);
    return true;
}

/* ---- Reshape [.., N, ..] to [.., H, D, ..], with one D for all parts ---- */
static bool cuts_axis(const lift *l, uint32_t part, int64_t *heads, int64_t *depth) {
    const oo_type *const from = oo_value_type(oo_node_output(l->split, part)), *const to = oo_value_type(oo_node_output(l->users[part], 0));
    if (oo_type_rank(to) != (int32_t)l->rank + 1)
        return false;
    for (uint32_t i = 0; i < l->rank; i++)
        if (i != l->axis && (!from->dims[i].expr || from->dims[i].expr != to->dims[i + (i > l->axis)].expr))
            return false;
    *heads = oo_type_dim(to, l->axis);
    *depth = oo_type_dim(to, l->axis + 1);
    return *heads >= 1 && *depth >= 1 && *heads * *depth == l->sizes[part];
}

/* Numbers, copied dimensions before the axis, and at most one that is left open. */
static bool cut_target(const lift *l, int64_t heads, int64_t depth, int64_t *out) {
    const oo_type *const type = oo_value_type(l->x);
    uint32_t n = 0, open = 0, copied = 0;
    for (uint32_t i = 0; i < l->rank; i++) {
        const int64_t size = oo_type_dim(type, i);
        if (size == 0)
            return false;
        if (i == l->axis) {
            out[n++] = heads;
            out[n++] = depth;
            continue;
        }
        copied += size < 0 && i < l->axis;
        open += size < 0 && i > l->axis;
        out[n++] = size > 0 ? size : i < l->axis ? 0 : -1;
    }
    return open == 0 || (open == 1 && !copied);
}

static bool lift_reshape(lift *l) {
    int64_t heads[MOST_PARTS], depth = 0, own, target[MOST_RANK + 1], all = 0;
    oo_value *results[MOST_PARTS];
    for (uint32_t i = 0; i < l->count; i++) {
        if (!oo_node_is(l->users[i], "Reshape") || !cuts_axis(l, i, &heads[i], &own) || (i && own != depth))
            return true;
        depth = own;
        all += heads[i];
    }
    if (oo_graph_opset(oo_node_graph(l->split), "") < 5 || !cut_target(l, all, depth, target))
        return true;
    if (!oo_begin(l->rw, RULE, l->split))
        return false;
    const oo_value *const inputs[] = {l->x, ints(l, target, l->rank + 1, "shape")};
    oo_node *const cut = oo_build(l->rw, l->split, "", "Reshape", inputs, 2, 1);
    oo_node *const split = new_split(l, oo_node_output(cut, 0), l->axis, heads);
    for (uint32_t i = 0; i < l->count; i++)
        results[i] = oo_node_output(split, i);
    finish(l, results);
    return true;
}

/* ---- Transpose ---- */
typedef struct order {
    int64_t axes[OO_PERMUTATION_MOST];
} order;

static bool order_of(const lift *l, order *out, const oo_node *node) {
    return oo_node_is(node, "Transpose") && oo__permutation_of(out->axes, node, l->rank);
}

static bool same_order(const lift *l, const order *a, const order *b) { return memcmp(a->axes, b->axes, l->rank * sizeof *a->axes) == 0; }

static int64_t place_in(const lift *l, const order *o, int64_t axis) {
    uint32_t i = 0;
    while (i + 1 < l->rank && o->axes[i] != axis)
        i++;
    return i;
}

/* The order that most parts have; how many have another. */
static uint32_t most_common(const lift *l, const order *orders, uint32_t *out) {
    uint32_t best = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t same = 0;
        for (uint32_t k = 0; k < l->count; k++)
            same += same_order(l, &orders[i], &orders[k]);
        if (same > best) {
            best = same;
            *out = i;
        }
    }
    return l->count - best;
}

static bool lift_transpose(lift *l) {
    order orders[MOST_PARTS];
    oo_value *results[MOST_PARTS];
    uint32_t common = 0;
    for (uint32_t i = 0; i < l->count; i++)
        if (!order_of(l, &orders[i], l->users[i]))
            return true;
    if (most_common(l, orders, &common) + 2 > l->count)
        return true; /* no Transpose less */
    if (!oo_begin(l->rw, RULE, l->split))
        return false;
    const order *const o = &orders[common];
    const oo_value *const inputs[] = {l->x};
    oo_node *const turned = oo_build(l->rw, l->split, "", "Transpose", inputs, 1, 1);
    oo_set_ints(l->rw, turned, "perm", o->axes, l->rank);
    oo_node *const split = new_split(l, oo_node_output(turned, 0), (uint32_t)place_in(l, o, l->axis), l->sizes);
    for (uint32_t i = 0; i < l->count; i++) {
        results[i] = oo_node_output(split, i);
        if (same_order(l, o, &orders[i]))
            continue;
        int64_t rest[MOST_RANK];
        for (uint32_t k = 0; k < l->rank; k++)
            rest[k] = place_in(l, o, orders[i].axes[k]);
        const oo_value *const part[] = {results[i]};
        oo_node *const more = oo_build(l->rw, l->split, "", "Transpose", part, 1, 1);
        oo_set_ints(l->rw, more, "perm", rest, l->rank);
        results[i] = oo_node_output(more, 0);
    }
    finish(l, results);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) oo_for_each_node(node, graph) {
        lift l = {.rw = rw, .split = node};
        if (oo_node_is(node, "Split") && read_parts(&l) &&
            !(oo_node_is(l.users[0], "Reshape")     ? lift_reshape(&l)
              : oo_node_is(l.users[0], "Transpose") ? lift_transpose(&l)
                                                    : lift_elements(&l)))
            return OO_OK;
    }
    return OO_OK;
}

const oo_pass oo_pass_lift_split = {
    .size = sizeof(oo_pass),
    .name = "lift-split",
    .summary = "Do once, before a Split, what all of its parts go through",
    .doc = "Reshape that cuts the split dimension in two with the same second size for all parts, Transpose (parts that are turned otherwise are "
           "turned once more, if that leaves fewer), Relu, Neg, Abs and other functions of one element that round one way only. Each part must have no other use.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
