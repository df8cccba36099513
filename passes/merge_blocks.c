/* Slices with steps that take a value apart into pixels of blocks, concatenated, are one movement of the whole: SpaceToDepth, or Reshape,
 * Transpose, Reshape. */
#include "passes/whole_numbers.h"

static const char RULE[] = "merge-blocks";
enum { MOST_AXES = 8, MOST_PARTS = 64 };

/* What all Slices have in common, and which pixel of a block each takes. */
typedef struct blocks {
    oo_rewriter *rw;
    oo_node *concat;
    oo_value *x;
    uint32_t rank, naxes, nparts;
    int64_t axes[MOST_AXES], steps[MOST_AXES];       /* [naxes], axes from small to large */
    int64_t starts[MOST_PARTS][MOST_AXES];
    int64_t strides[MOST_AXES];                      /* part = sum of starts * strides; 0 = there are none such */
    int64_t channel;                                 /* the axis of Concat */
} blocks;

/* ---- reading ---- */
typedef struct cut {
    uint32_t n;
    int64_t starts[MOST_AXES], ends[MOST_AXES], axes[MOST_AXES], steps[MOST_AXES];
} cut;

static void swap(int64_t *a, int64_t *b) {
    const int64_t other = *a;
    *a = *b;
    *b = other;
}

static void sort_cut(cut *c) {
    for (uint32_t i = 1; i < c->n; i++)
        for (uint32_t k = i; k > 0 && c->axes[k - 1] > c->axes[k]; k--) {
            swap(&c->axes[k - 1], &c->axes[k]);
            swap(&c->starts[k - 1], &c->starts[k]);
            swap(&c->ends[k - 1], &c->ends[k]);
            swap(&c->steps[k - 1], &c->steps[k]);
        }
}

static bool cut_of(cut *out, const oo_node *slice, uint32_t rank) {
    int64_t *const lists[] = {out->starts, out->ends, out->axes, out->steps};
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t n;
        if (!oo__whole_numbers(lists[i], &n, MOST_AXES, oo_node_input(slice, i + 1)) || !n || (i && n != out->n))
            return false;
        out->n = n;
    }
    for (uint32_t i = 0; i < out->n; i++) {
        out->axes[i] += out->axes[i] < 0 ? rank : 0;
        if (out->axes[i] < 0 || out->axes[i] >= (int64_t)rank)
            return false;
    }
    sort_cut(out);
    return true;
}

/* Whether the Slice takes one pixel of each block along its axes, to the end. */
static bool takes_pixels(const blocks *b, const cut *c) {
    for (uint32_t i = 0; i < c->n; i++) {
        const int64_t size = oo_type_dim(oo_value_type(b->x), (uint32_t)c->axes[i]);
        if (size < 1 || c->steps[i] < 2 || size % c->steps[i] || c->starts[i] < 0 || c->starts[i] >= c->steps[i] || c->ends[i] < size ||
            (i && c->axes[i] == c->axes[i - 1]) || c->axes[i] == b->channel)
            return false;
    }
    return true;
}

static bool read_part(blocks *b, uint32_t part) {
    const oo_value *const value = oo_node_input(b->concat, part);
    const oo_node *const slice = value ? oo_value_producer(value) : NULL;
    cut c;
    if (!slice || !oo_node_is(slice, "Slice") || oo_node_graph(slice) != oo_node_graph(b->concat) || oo_value_nuses(value) != 1 ||
        oo_value_is_pinned(value) || (part && oo_node_input(slice, 0) != b->x))
        return false;
    b->x = oo_node_input(slice, 0);
    const int32_t rank = b->x ? oo_type_rank(oo_value_type(b->x)) : -1;
    if (rank < 2 || rank > MOST_AXES || !cut_of(&c, slice, (uint32_t)rank))
        return false;
    b->rank = (uint32_t)rank;
    if (!part) {
        if (!oo_node_int(&b->channel, b->concat, "axis", 1))
            return false;
        b->channel += b->channel < 0 ? rank : 0;
        b->naxes = c.n;
    }
    for (uint32_t i = 0; i < c.n && i < b->naxes && !part; i++) {
        b->axes[i] = c.axes[i];
        b->steps[i] = c.steps[i];
    }
    bool same = c.n == b->naxes && takes_pixels(b, &c);
    for (uint32_t i = 0; i < b->naxes && same; i++) {
        same = c.axes[i] == b->axes[i] && c.steps[i] == b->steps[i];
        b->starts[part][i] = c.starts[i];
    }
    return same;
}

/* ---- the order of the parts ---- */
/* The place of a part's pixel in its block, row by row. */
static int64_t place_of(const blocks *b, uint32_t part) {
    int64_t place = 0;
    for (uint32_t i = 0; i < b->naxes; i++)
        place = place * b->steps[i] + b->starts[part][i];
    return place;
}

static bool takes_all(const blocks *b) {
    bool seen[MOST_PARTS] = {false};
    uint64_t pixels = 1;
    for (uint32_t i = 0; i < b->naxes; i++)
        pixels *= pixels <= MOST_PARTS ? (uint64_t)b->steps[i] : 1;
    if (pixels != b->nparts)
        return false;
    for (uint32_t i = 0; i < b->nparts; i++) {
        const int64_t place = place_of(b, i);
        if (seen[place])
            return false;
        seen[place] = true;
    }
    return true;
}

/* Whether the parts follow each other as the digits of their number do, in some order of the axes. */
static bool find_strides(blocks *b) {
    for (uint32_t k = 0; k < b->naxes; k++) {
        for (uint32_t part = 0; part < b->nparts; part++) {
            bool unit = true;
            for (uint32_t i = 0; i < b->naxes; i++)
                unit = unit && b->starts[part][i] == (i == k);
            b->strides[k] = unit ? part : b->strides[k];
        }
    }
    for (uint32_t part = 0; part < b->nparts; part++) {
        int64_t number = 0;
        for (uint32_t k = 0; k < b->naxes; k++)
            number += b->starts[part][k] * b->strides[k];
        if (number != part)
            return false;
    }
    return true;
}

static bool understand(blocks *b) {
    b->nparts = oo_node_ninputs(b->concat);
    if (b->nparts < 4 || b->nparts > MOST_PARTS || !oo_node_output(b->concat, 0) || oo_value_is_annotated(oo_node_output(b->concat, 0)))
        return false;
    for (uint32_t i = 0; i < b->nparts; i++)
        if (!read_part(b, i))
            return i ? oo_miss(b->rw, RULE, b->concat, "operand %u takes other pixels of another value", i) : false;
    return takes_all(b) || oo_miss(b->rw, RULE, b->concat, "not each pixel of a block is there once");
}

/* ---- building ---- */
static oo_value *ints(blocks *b, const int64_t *data, uint32_t count, const char *stem) {
    const int64_t dims[] = {count};
    return oo_build_const(b->rw, oo_node_graph(b->concat), oo_tensor_make(oo_rewriter_model(b->rw), OO_INT64, 1, dims, data), stem);
}

static oo_value *with_list(blocks *b, const char *op, oo_value *x, const int64_t *data, uint32_t count) {
    const oo_value *const inputs[] = {x, ints(b, data, count, "shape")};
    return oo_node_output(oo_build(b->rw, b->concat, "", op, inputs, 2, 1), 0);
}

static int32_t sliced(const blocks *b, uint32_t axis) {
    for (uint32_t i = 0; i < b->naxes; i++)
        if (b->axes[i] == axis)
            return (int32_t)i;
    return -1;
}

static int64_t size_of(const blocks *b, uint32_t axis) { return oo_type_dim(oo_value_type(b->x), axis); }

/* An image in channels first, which SpaceToDepth knows: blocks are squares of the last two axes. */
static bool is_image(const blocks *b) {
    const oo_elem elem = oo_type_elem(oo_value_type(b->x));
    return b->rank == 4 && b->channel == 1 && b->naxes == 2 && b->axes[0] == 2 && b->axes[1] == 3 && b->steps[0] == b->steps[1] &&
           size_of(b, 1) > 0 && size_of(b, 1) * (int64_t)b->nparts <= 4096 && (elem == OO_FLOAT || elem == OO_DOUBLE);
}

static oo_value *space_to_depth(blocks *b) {
    int64_t order[4096];
    const int64_t channels = size_of(b, 1);
    bool in_order = true;
    for (uint32_t part = 0; part < b->nparts; part++) {
        const int64_t place = place_of(b, part);
        in_order = in_order && place == part;
        for (int64_t c = 0; c < channels; c++)
            order[part * channels + c] = place * channels + c;
    }
    const oo_value *inputs[2] = {b->x};
    oo_node *const moved = oo_build(b->rw, b->concat, "", "SpaceToDepth", inputs, 1, 1);
    oo_set_int(b->rw, moved, "blocksize", b->steps[0]);
    if (in_order)
        return oo_node_output(moved, 0);
    inputs[0] = oo_node_output(moved, 0);
    inputs[1] = ints(b, order, b->nparts * (uint32_t)channels, "order");
    oo_node *const gather = oo_build(b->rw, b->concat, "", "Gather", inputs, 2, 1);
    oo_set_int(b->rw, gather, "axis", 1);
    return oo_node_output(gather, 0);
}

/* A target of Reshape in the making: a number, 0 where the dimension is that at the same place, else -1, once. */
typedef struct target {
    int64_t items[2 * MOST_AXES];
    uint32_t n;
    bool open, copies;
} target;

static void add(target *t, int64_t size, bool in_place) {
    t->copies |= size < 0 && in_place;
    t->items[t->n++] = size >= 0 ? size : in_place ? 0 : -1;
}

static bool is_clear(const target *t) {
    uint32_t open = 0;
    for (uint32_t i = 0; i < t->n; i++)
        open += t->items[i] < 0;
    return open <= 1 && !(open && t->copies);
}

/* [.., d, ..] as [.., d / step, step, ..]. */
static bool cut_target(const blocks *b, target *out) {
    *out = (target){0};
    for (uint32_t axis = 0; axis < b->rank; axis++) {
        const int32_t k = sliced(b, axis);
        if (size_of(b, axis) == 0)
            return false;
        add(out, k < 0 ? size_of(b, axis) : size_of(b, axis) / b->steps[k], out->n == axis);
        if (k >= 0)
            add(out, b->steps[k], false);
    }
    return is_clear(out);
}

/* The pixels' axes go before the channels, the slowest first. */
static uint32_t turn(const blocks *b, int64_t *perm) {
    int64_t own[MOST_AXES], pixel[MOST_AXES] = {0};
    uint32_t at = 0, n = 0;
    for (uint32_t axis = 0; axis < b->rank; axis++) {
        own[axis] = at++;
        if (sliced(b, axis) >= 0)
            pixel[sliced(b, axis)] = at++;
    }
    for (uint32_t axis = 0; axis < b->rank; axis++) {
        for (int64_t stride = b->nparts; axis == b->channel && stride > 0; stride--)
            for (uint32_t k = 0; k < b->naxes; k++)
                if (b->strides[k] == stride)
                    perm[n++] = pixel[k];
        perm[n++] = own[axis];
    }
    return n;
}

static bool join_target(const blocks *b, target *out) {
    *out = (target){0};
    for (uint32_t axis = 0; axis < b->rank; axis++) {
        const int32_t k = sliced(b, axis);
        const int64_t size = size_of(b, axis), parts = axis == b->channel ? b->nparts : 1;
        add(out, size < 0 ? size : k < 0 ? size * parts : size / b->steps[k], axis < b->channel);
    }
    return is_clear(out);
}

static oo_value *reshape_transpose_reshape(blocks *b, const target *first, const target *last) {
    int64_t perm[2 * MOST_AXES];
    const oo_value *const cut_up[] = {with_list(b, "Reshape", b->x, first->items, first->n)};
    oo_node *const turned = oo_build(b->rw, b->concat, "", "Transpose", cut_up, 1, 1);
    oo_set_ints(b->rw, turned, "perm", perm, turn(b, perm));
    return with_list(b, "Reshape", oo_node_output(turned, 0), last->items, last->n);
}

/* False when fuel is out. */
static bool rewrite(blocks *b) {
    target first, last;
    const bool image = is_image(b);
    if (!image && (!find_strides(b) || !cut_target(b, &first) || !join_target(b, &last))) {
        oo_miss(b->rw, RULE, b->concat, "the order of the pixels is not that of their axes, or too many sizes are unknown");
        return true;
    }
    if (!oo_begin(b->rw, RULE, b->concat))
        return false;
    oo_value *const result = image ? space_to_depth(b) : reshape_transpose_reshape(b, &first, &last);
    if (!oo_replace(b->rw, oo_node_output(b->concat, 0), result)) {
        oo_abandon(b->rw);
        return true;
    }
    oo_node *slices[MOST_PARTS];
    for (uint32_t i = 0; i < b->nparts; i++)
        slices[i] = oo_value_producer(oo_node_input(b->concat, i));
    oo_erase(b->rw, b->concat);
    for (uint32_t i = 0; i < b->nparts; i++)
        oo_erase(b->rw, slices[i]);
    oo_end(b->rw);
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_for_each_graph(graph, model) {
        if (oo_graph_opset(graph, "") < 10)
            continue; /* no steps */
        oo_for_each_node(node, graph) {
            blocks b = {.rw = rw, .concat = node};
            if (oo_node_is(node, "Concat") && understand(&b) && !rewrite(&b))
                return OO_OK;
        }
    }
    return OO_OK;
}

const oo_pass oo_pass_merge_blocks = {
    .size = sizeof(oo_pass),
    .name = "merge-blocks",
    .summary = "Make SpaceToDepth, or Reshape and Transpose, of Slices that take blocks apart",
    .doc = "A Concat of Slices with steps that together take each pixel of each block once becomes SpaceToDepth (images of float and double, with "
           "a Gather of the channels where they stand in another order), else Reshape, Transpose, Reshape.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
