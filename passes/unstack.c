/* Parts that a Reshape stacks along an axis of their own, and that are taken off it one by one, are the parts of one Split along the axis beside. */
#include "passes/whole_numbers.h"

static const char RULE[] = "unstack";
enum { MOST_PARTS = 64, MOST_RANK = 16 };

typedef struct stack {
    oo_rewriter *rw;
    oo_node *reshape, *transpose, *split; /* split: NULL where Gathers take the parts */
    uint32_t rank, parts;
    int64_t perm[MOST_RANK], target[MOST_RANK]; /* of Transpose; of Reshape */
    int64_t place;                   /* the stack's axis after the Transpose, */
    int64_t axis;                    /* and before */
    int64_t size;                    /* of the axis beside it, before */
    oo_node *takers[MOST_PARTS];     /* the Gather or Squeeze of each part */
} stack;

/* ---- reading ---- */
static bool single_number(int64_t *out, const oo_value *value, uint32_t rank) {
    return oo__whole_number(out, value) && oo_tensor_rank(oo_value_const(value)) == rank;
}

static bool squeezed_axis(int64_t *out, const oo_node *node) {
    const int64_t *axes;
    uint32_t count;
    if (oo_graph_opset(oo_node_graph(node), "") >= 13)
        return single_number(out, oo_node_input(node, 1), 1);
    if (!oo_node_ints(&axes, &count, node, "axes") || count != 1)
        return false;
    *out = axes[0];
    return true;
}

static bool within(int64_t *axis, int64_t size) {
    *axis += *axis < 0 ? size : 0;
    return *axis >= 0 && *axis < size;
}

static bool is_free(const oo_value *value) { return value && !oo_value_is_pinned(value); }

/* Each user of the turned stack is a Gather of one number, each number once. */
static bool read_gathers(stack *s, const oo_value *turned) {
    for (oo_use *use = oo_value_first_use(turned); use; use = oo_use_next(use)) {
        oo_node *const node = oo_use_node(use);
        int64_t axis, index;
        if (!node || oo_use_index(use) || !oo_node_is(node, "Gather") || oo_node_graph(node) != oo_node_graph(s->transpose) ||
            !oo_node_output(node, 0) || oo_value_is_annotated(oo_node_output(node, 0)) || !oo_node_int(&axis, node, "axis", 0) ||
            !within(&axis, s->rank) || axis != s->place || !single_number(&index, oo_node_input(node, 1), 0) || !within(&index, s->parts) ||
            s->takers[index])
            return false;
        s->takers[index] = node;
    }
    return true;
}

/* Its only user is a Split into single parts, each of which is squeezed. */
static bool read_split(stack *s) {
    if (oo_node_noutputs(s->split) != s->parts)
        return false;
    for (uint32_t i = 0; i < s->parts; i++) {
        const oo_value *const part = oo_node_output(s->split, i);
        oo_use *const use = is_free(part) && oo_value_nuses(part) == 1 ? oo_value_first_use(part) : NULL;
        oo_node *const node = use ? oo_use_node(use) : NULL;
        int64_t axis;
        if (!node || oo_use_index(use) || !oo_node_is(node, "Squeeze") || oo_node_graph(node) != oo_node_graph(s->split) ||
            !oo_node_output(node, 0) || oo_value_is_annotated(oo_node_output(node, 0)) || oo_type_dim(oo_value_type(part), (uint32_t)s->place) != 1 ||
            !squeezed_axis(&axis, node) || !within(&axis, s->rank) || axis != s->place)
            return false;
        s->takers[i] = node;
    }
    return true;
}

static bool read_perm(stack *s) {
    const int64_t *perm;
    uint32_t n;
    bool seen[MOST_RANK] = {false};
    if (!oo_node_ints(&perm, &n, s->transpose, "perm") || (n && n != s->rank))
        return false;
    for (uint32_t i = 0; i < s->rank; i++) {
        s->perm[i] = n ? perm[i] : (int64_t)(s->rank - 1 - i);
        if (s->perm[i] < 0 || s->perm[i] >= (int64_t)s->rank || seen[s->perm[i]])
            return false;
        seen[s->perm[i]] = true;
    }
    return true;
}

/* The axis that the first user takes parts of. */
static bool read_place(stack *s, const oo_value *turned) {
    oo_node *const user = oo_value_first_use(turned) ? oo_use_node(oo_value_first_use(turned)) : NULL;
    if (!user || (!oo_node_is(user, "Gather") && !oo_node_is(user, "Split")) || oo_node_graph(user) != oo_node_graph(s->transpose) ||
        !oo_node_int(&s->place, user, "axis", 0) || !within(&s->place, s->rank))
        return false;
    s->split = oo_node_is(user, "Split") ? user : NULL;
    return !s->split || oo_value_nuses(turned) == 1;
}

/* The target without the stack's axis: the one beside it is as much longer. Entries behind move, so that they must not copy. */
static bool read_target(stack *s) {
    int64_t allow_zero;
    const oo_value *const shape = oo_node_input(s->reshape, 1);
    const oo_tensor *const tensor = shape ? oo_value_const(shape) : NULL;
    if (!tensor || oo_tensor_elem(tensor) != OO_INT64 || oo_tensor_count(tensor) != s->rank || !oo_node_int(&allow_zero, s->reshape, "allowzero", 0) ||
        allow_zero || !oo_tensor_read(tensor, 0, s->rank, s->target))
        return false;
    const oo_type *const type = oo_value_type(oo_node_output(s->reshape, 0));
    for (uint32_t i = (uint32_t)s->axis; i < s->rank; i++) {
        const int64_t size = oo_type_dim(type, i);
        if (size > 0)
            s->target[i] = size;
        else if (s->target[i] != -1 || i <= s->axis + 1)
            return false;
    }
    s->size = s->target[s->axis + 1];
    s->target[s->axis] *= s->size;
    for (uint32_t i = (uint32_t)s->axis + 1; i + 1 < s->rank; i++)
        s->target[i] = s->target[i + 1];
    return true;
}

static bool understand(stack *s) {
    oo_value *const flat = oo_node_input(s->transpose, 0), *const turned = oo_node_output(s->transpose, 0);
    s->reshape = flat ? oo_value_producer(flat) : NULL;
    const int32_t rank = flat ? oo_type_rank(oo_value_type(flat)) : -1;
    if (!s->reshape || !oo_node_is(s->reshape, "Reshape") || oo_node_graph(s->reshape) != oo_node_graph(s->transpose) || oo_value_nuses(flat) != 1 ||
        !is_free(flat) || !is_free(turned) || rank < 2 || rank > MOST_RANK || oo_graph_opset(oo_node_graph(s->transpose), "") < 5)
        return false;
    s->rank = (uint32_t)rank;
    if (!read_perm(s) || !read_place(s, turned))
        return false;
    s->axis = s->perm[s->place];
    const int64_t parts = oo_type_dim(oo_value_type(flat), (uint32_t)s->axis);
    if (parts < 2 || parts > MOST_PARTS || s->axis + 1 >= rank)
        return false;
    s->parts = (uint32_t)parts;
    if (!s->split && (oo_value_nuses(turned) != s->parts || !read_gathers(s, turned)))
        return oo_miss(s->rw, RULE, s->transpose, "not each part of axis %d is taken once", (int)s->place);
    if (s->split && !read_split(s))
        return false;
    return read_target(s) || oo_miss(s->rw, RULE, s->transpose, "the sizes from axis %d on are no numbers", (int)s->axis);
}

/* ---- building ---- */
static oo_value *ints(stack *s, const int64_t *data, uint32_t count, const char *stem) {
    const int64_t dims[] = {count};
    return oo_build_const(s->rw, oo_node_graph(s->transpose), oo_tensor_make(oo_rewriter_model(s->rw), OO_INT64, 1, dims, data), stem);
}

static oo_node *build(stack *s) {
    int64_t perm[MOST_RANK], sizes[MOST_PARTS], along = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->rank; i++) {
        if (i == s->place)
            continue;
        perm[n] = s->perm[i] - (s->perm[i] > s->axis);
        along = perm[n] == s->axis ? n : along;
        n++;
    }
    for (uint32_t i = 0; i < s->parts; i++)
        sizes[i] = s->size;
    const oo_value *inputs[2] = {oo_node_input(s->reshape, 0), ints(s, s->target, n, "shape")};
    inputs[0] = oo_node_output(oo_build(s->rw, s->transpose, "", "Reshape", inputs, 2, 1), 0);
    oo_node *const turned = oo_build(s->rw, s->transpose, "", "Transpose", inputs, 1, 1);
    oo_set_ints(s->rw, turned, "perm", perm, n);
    const bool by_input = oo_graph_opset(oo_node_graph(s->transpose), "") >= 13;
    inputs[0] = oo_node_output(turned, 0);
    inputs[1] = by_input ? ints(s, sizes, s->parts, "split") : NULL;
    oo_node *const split = oo_build(s->rw, s->transpose, "", "Split", inputs, by_input ? 2 : 1, s->parts);
    oo_set_int(s->rw, split, "axis", along);
    if (!by_input)
        oo_set_ints(s->rw, split, "split", sizes, s->parts);
    return split;
}

/* False when fuel is out. */
static bool rewrite(stack *s) {
    if (!oo_begin(s->rw, RULE, s->transpose))
        return false;
    oo_node *const split = build(s);
    for (uint32_t i = 0; i < s->parts; i++)
        if (!oo_replace(s->rw, oo_node_output(s->takers[i], 0), oo_node_output(split, i))) {
            oo_abandon(s->rw);
            return true;
        }
    for (uint32_t i = 0; i < s->parts; i++)
        oo_erase(s->rw, s->takers[i]);
    if (s->split)
        oo_erase(s->rw, s->split);
    oo_erase(s->rw, s->transpose);
    oo_erase(s->rw, s->reshape);
    oo_end(s->rw);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) oo_for_each_node(node, graph) {
        stack s = {.rw = rw, .transpose = node};
        if (oo_node_is(node, "Transpose") && understand(&s) && !rewrite(&s))
            return OO_OK;
    }
    return OO_OK;
}

const oo_pass oo_pass_unstack = {
    .size = sizeof(oo_pass),
    .name = "unstack",
    .summary = "Make one Split of parts that are stacked by Reshape and taken off by Gather or Squeeze",
    .doc = "Reshape to [.., k, H, ..], Transpose, then each of the k parts taken once, by Gather or by Split and Squeeze, becomes Reshape to "
           "[.., k * H, ..], Transpose and Split.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
