/* How operators work in another order of their axes: the kinds that layout.def names. */
#include "passes/layout.h"
#include "passes/whole_numbers.h"

#include <string.h>

enum { RANK = OO_LAYOUT_RANK };

static const uint8_t STRAIGHT[RANK] = {0, 1, 2, 3, 4, 5, 6, 7};

/* ---- asking the node ---- */
static int32_t rank_of(const oo_value *value) { return value ? oo_type_rank(oo_value_type(value)) : -1; }

/* Rank of an input or output that can be in a frame, else -1. */
static int32_t usable(const oo_value *value) {
    const int32_t rank = rank_of(value);
    return rank <= RANK ? rank : -1;
}

/* Axes as the node has them, each once, in [0, rank). Not named: *named is false. False when they are not known or wrong. */
static bool axes_of(const oo_seat *seat, int32_t rank, int64_t *axes, uint32_t *n, bool *named) {
    const oo_layout_row *const row = seat->row;
    *n = 0;
    *named = row->attr ? oo_node_attr(seat->node, row->attr) != NULL : oo_node_input(seat->node, (uint32_t)row->input) != NULL;
    if (!*named)
        return true;
    if (row->attr) {
        const int64_t *items;
        if (!oo_node_ints(&items, n, seat->node, row->attr) || *n > RANK)
            return false;
        for (uint32_t i = 0; i < *n; i++)
            axes[i] = items[i];
    } else if (!oo__whole_numbers(axes, n, RANK, oo_node_input(seat->node, (uint32_t)row->input))) {
        return false;
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < *n; i++) {
        axes[i] += axes[i] < 0 ? rank : 0;
        if (axes[i] < 0 || axes[i] >= rank || seen >> axes[i] & 1)
            return false;
        seen |= 1u << axes[i];
    }
    return true;
}

static bool axis_of(const oo_seat *seat, int32_t rank, int64_t *axis) {
    const oo_layout_row *const row = seat->row;
    if (row->input >= 0) {
        if (!oo__whole_number(axis, oo_node_input(seat->node, (uint32_t)row->input)))
            return false;
    } else if (!row->attr) {
        *axis = row->absent;
    } else if (!oo_node_int(axis, seat->node, row->attr, row->absent)) {
        return false;
    }
    *axis += *axis < 0 ? rank : 0;
    return *axis >= 0 && *axis < rank;
}

/* ---- telling the node ---- */
static oo_value *numbers(oo_rewriter *rw, const oo_layout *l, const int64_t *items, uint32_t n, oo_elem elem, const char *stem) {
    const int64_t length[] = {n};
    int32_t narrow[2 * RANK];
    for (uint32_t i = 0; i < n; i++)
        narrow[i] = (int32_t)items[i];
    return oo_build_const(rw, l->graph, oo_tensor_make(l->model, elem, 1, length, elem == OO_INT32 ? (const void *)narrow : items), stem);
}

static oo_elem elem_of(const oo_value *value) { return oo_type_elem(oo_value_type(value)) == OO_INT32 ? OO_INT32 : OO_INT64; }

static void set_axes(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, oo_node *node, const int64_t *axes, uint32_t n, oo_elem elem) {
    if (seat->row->attr) {
        oo_set_ints(rw, node, seat->row->attr, axes, n);
        return;
    }
    const uint32_t input = (uint32_t)seat->row->input;
    while (oo_node_ninputs(node) < input)
        oo_set_input(rw, node, oo_node_ninputs(node), NULL);
    oo_set_input(rw, node, input, numbers(rw, l, axes, n, elem, "axes"));
}

static void to_places(const oo_perm *order, int64_t *axes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        axes[i] = oo__perm_place(order, (uint32_t)axes[i]);
}

static int by_number(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* ---- elementwise, with broadcasting ---- */
/* Operands end where the frame ends. */
static bool declare_broadcast(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_output(seat->node, 0));
    if (rank < 1 || oo_node_noutputs(seat->node) != 1)
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    for (uint32_t i = 0; i < oo_node_ninputs(seat->node); i++) {
        const oo_value *const value = oo_node_input(seat->node, i);
        const int32_t own = value ? rank_of(value) : 0;
        if (own < 0 || own > rank || !oo__seat_input(l, seat, i, &STRAIGHT[rank - own], (uint32_t)own))
            return false;
    }
    return oo__seat_output(l, seat, 0, STRAIGHT, (uint32_t)rank);
}

static const oo_layout_kind broadcast = {.declare = declare_broadcast, .broadcasts = true};

/* ---- the first inputs and all outputs have the frame's axes ---- */
static bool declare_same(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_input(seat->node, 0));
    const uint32_t n = seat->row->tensors ? seat->row->tensors : oo_node_ninputs(seat->node);
    if (rank < 1)
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    for (uint32_t i = 0; i < n; i++)
        if (!oo__seat_input(l, seat, i, STRAIGHT, (uint32_t)rank))
            return false;
    for (uint32_t i = 0; i < oo_node_noutputs(seat->node); i++)
        if (!oo__seat_output(l, seat, i, STRAIGHT, (uint32_t)rank))
            return false;
    return true;
}

static const oo_layout_kind same = {.declare = declare_same};

/* ---- one axis is special ---- */
static bool declare_along(oo_layout *l, oo_seat *seat) {
    int64_t axis;
    return axis_of(seat, usable(oo_node_input(seat->node, 0)), &axis) && declare_same(l, seat);
}

static void set_axis(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, oo_node *node, int64_t axis) {
    if (seat->row->attr) {
        oo_set_int(rw, node, seat->row->attr, axis);
        return;
    }
    const oo_value *const old = oo_node_input(seat->node, (uint32_t)seat->row->input);
    const oo_tensor *const tensor = oo_value_const(old);
    const int32_t narrow = (int32_t)axis;
    oo_tensor *const made = oo_tensor_make(l->model, oo_tensor_elem(tensor), oo_tensor_rank(tensor), oo_tensor_dims(tensor),
                                           oo_tensor_elem(tensor) == OO_INT32 ? (const void *)&narrow : &axis);
    oo_set_input(rw, node, (uint32_t)seat->row->input, oo_build_const(rw, l->graph, made, "axis"));
}

static oo_value *adapt_along(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    int64_t axis = 0;
    if (axis_of(seat, (int32_t)seat->rank, &axis))
        set_axis(rw, l, seat, node, oo__perm_place(order, (uint32_t)axis));
    return NULL;
}

static const oo_layout_kind along = {.declare = declare_along, .adapt = adapt_along};

/* ---- axes from some axis on must stay together at the end ---- */
static bool keeps_tail(const oo_layout *l, const oo_seat *seat, const oo_perm *order) {
    (void)l;
    int64_t axis;
    if (!axis_of(seat, (int32_t)seat->rank, &axis))
        return false;
    for (uint32_t i = (uint32_t)axis; i < seat->rank; i++)
        if (order->at[i] != i)
            return false;
    return true;
}

static const oo_layout_kind tail = {.declare = declare_along, .allows = keeps_tail};

/* ---- the result lacks axes, or has them with size 1 ---- */
/* The frame's axes without those of the list. */
static uint32_t without(uint8_t *out, uint32_t rank, const int64_t *axes, uint32_t n) {
    uint32_t gone = 0, left = 0;
    for (uint32_t i = 0; i < n; i++)
        gone |= 1u << axes[i];
    for (uint32_t i = 0; i < rank; i++)
        if (!(gone >> i & 1))
            out[left++] = (uint8_t)i;
    return left;
}

/* ArgMax and ArgMin have one axis, which counts as named. */
static bool reduced_axes(const oo_seat *seat, int32_t rank, int64_t *axes, uint32_t *n, bool *named) {
    if (!seat->row->attr || strcmp(seat->row->attr, "axis") != 0)
        return axes_of(seat, rank, axes, n, named);
    *named = true;
    *n = 1;
    return axis_of(seat, rank, axes);
}

static bool declare_reduced(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_input(seat->node, 0));
    int64_t axes[RANK], keep, noop;
    uint8_t rest[RANK];
    uint32_t n;
    bool named;
    if (rank < 1 || oo_node_noutputs(seat->node) != 1 || !oo_node_int(&keep, seat->node, "keepdims", 1) ||
        !oo_node_int(&noop, seat->node, "noop_with_empty_axes", 0) || !reduced_axes(seat, rank, axes, &n, &named) || (named && n == 0) ||
        (!named && noop))
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    const uint32_t left = named ? without(rest, (uint32_t)rank, axes, n) : 0;
    return oo__seat_input(l, seat, 0, STRAIGHT, (uint32_t)rank) &&
           oo__seat_output(l, seat, 0, keep ? STRAIGHT : rest, keep ? (uint32_t)rank : left);
}

static oo_value *adapt_axes(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    int64_t axes[RANK];
    uint32_t n;
    bool named;
    if (!reduced_axes(seat, (int32_t)seat->rank, axes, &n, &named) || !named)
        return NULL;
    to_places(order, axes, n);
    qsort(axes, n, sizeof *axes, by_number);
    if (seat->row->attr && strcmp(seat->row->attr, "axis") == 0)
        oo_set_int(rw, node, "axis", axes[0]);
    else
        set_axes(rw, l, seat, node, axes, n, OO_INT64);
    return NULL;
}

static const oo_layout_kind reduced = {.declare = declare_reduced, .adapt = adapt_axes};

/* One end has all axes of the frame, the other lacks those that are named. */
static bool declare_lacking(oo_layout *l, oo_seat *seat, bool output) {
    const int32_t rank = usable(output ? oo_node_input(seat->node, 0) : oo_node_output(seat->node, 0));
    int64_t axes[RANK];
    uint8_t rest[RANK];
    uint32_t n;
    bool named;
    if (rank < 1 || !axes_of(seat, rank, axes, &n, &named) || n == 0)
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    const uint32_t all = (uint32_t)rank, left = without(rest, all, axes, n);
    return oo__seat_input(l, seat, 0, output ? STRAIGHT : rest, output ? all : left) &&
           oo__seat_output(l, seat, 0, output ? rest : STRAIGHT, output ? left : all);
}

static bool declare_squeezed(oo_layout *l, oo_seat *seat) { return declare_lacking(l, seat, true); }

static bool declare_unsqueezed(oo_layout *l, oo_seat *seat) { return declare_lacking(l, seat, false); }

static const oo_layout_kind squeezed = {.declare = declare_squeezed, .adapt = adapt_axes};
static const oo_layout_kind unsqueezed = {.declare = declare_unsqueezed, .adapt = adapt_axes};

/* ---- a list of axes that other lists follow: Slice, Pad ---- */
/* Not named, they are the first ones: as many as there are numbers in input 1. */
static bool listed_axes(const oo_seat *seat, int32_t rank, int64_t *axes, uint32_t *n) {
    bool named;
    if (!axes_of(seat, rank, axes, n, &named))
        return false;
    if (named)
        return true;
    if (oo_node_is(seat->node, "Pad")) {
        *n = (uint32_t)rank;
    } else if (seat->row->attr) {
        const int64_t *starts;
        if (!oo_node_ints(&starts, n, seat->node, "starts"))
            return false;
    } else {
        const oo_value *const starts = oo_node_input(seat->node, 1);
        const int64_t length = starts && rank_of(starts) == 1 ? oo_type_dim(oo_value_type(starts), 0) : -1;
        if (length < 0 || length > rank)
            return false;
        *n = (uint32_t)length;
    }
    if (*n > (uint32_t)rank)
        return false;
    for (uint32_t i = 0; i < *n; i++)
        axes[i] = i;
    return true;
}

static bool declare_listed(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_input(seat->node, 0));
    int64_t axes[RANK];
    uint32_t n;
    return rank > 0 && listed_axes(seat, rank, axes, &n) && declare_same(l, seat);
}

static oo_value *adapt_listed(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    int64_t axes[RANK];
    uint32_t n;
    if (!listed_axes(seat, (int32_t)seat->rank, axes, &n))
        return NULL;
    to_places(order, axes, n);
    /* The axes of Slice have the type of its starts; those of Pad any. */
    set_axes(rw, l, seat, node, axes, n, oo_node_is(node, "Slice") && !seat->row->attr ? elem_of(oo_node_input(seat->node, 1)) : OO_INT64);
    return NULL;
}

static const oo_layout_kind listed = {.declare = declare_listed, .adapt = adapt_listed};

/* ---- numbers, one for each axis, or several rounds of them; `absent` of the row says how many rounds ---- */
static bool numbers_of(const oo_seat *seat, int64_t *items) {
    const uint32_t want = seat->rank * (uint32_t)seat->row->absent;
    uint32_t n;
    if (!seat->row->attr)
        return oo__whole_numbers(items, &n, 2 * RANK, oo_node_input(seat->node, (uint32_t)seat->row->input)) && n == want;
    const int64_t *given;
    if (!oo_node_ints(&given, &n, seat->node, seat->row->attr) || n != want)
        return false;
    memcpy(items, given, n * sizeof *items);
    return true;
}

static bool declare_numbered(oo_layout *l, oo_seat *seat) {
    int64_t items[2 * RANK];
    return usable(oo_node_input(seat->node, 0)) > 0 && declare_same(l, seat) && numbers_of(seat, items);
}

static oo_value *adapt_numbered(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    int64_t items[2 * RANK], moved[2 * RANK];
    const uint32_t rank = seat->rank, rounds = (uint32_t)seat->row->absent;
    if (!numbers_of(seat, items))
        return NULL;
    for (uint32_t r = 0; r < rounds; r++)
        for (uint32_t i = 0; i < rank; i++)
            moved[r * rank + i] = items[r * rank + order->at[i]];
    if (seat->row->attr)
        oo_set_ints(rw, node, seat->row->attr, moved, rounds * rank);
    else
        oo_set_input(rw, node, (uint32_t)seat->row->input, numbers(rw, l, moved, rounds * rank, OO_INT64, "numbers"));
    return NULL;
}

static const oo_layout_kind numbered = {.declare = declare_numbered, .adapt = adapt_numbered};

/* ---- Expand: the target broadcasts with the operand ---- */
static bool target_of(const oo_seat *seat, int64_t *target) {
    int64_t given[RANK];
    uint32_t n;
    if (!oo__whole_numbers(given, &n, RANK, oo_node_input(seat->node, 1)) || n > seat->rank)
        return false;
    for (uint32_t i = 0; i < seat->rank; i++)
        target[i] = i < seat->rank - n ? 1 : given[i - (seat->rank - n)];
    return true;
}

static bool declare_expanded(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_output(seat->node, 0)), own = usable(oo_node_input(seat->node, 0));
    int64_t target[RANK];
    if (rank < 1 || own < 0 || own > rank)
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    return target_of(seat, target) && oo__seat_input(l, seat, 0, &STRAIGHT[rank - own], (uint32_t)own) &&
           oo__seat_output(l, seat, 0, STRAIGHT, (uint32_t)rank);
}

static oo_value *adapt_expanded(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    int64_t target[RANK], moved[RANK];
    if (!target_of(seat, target))
        return NULL;
    for (uint32_t i = 0; i < seat->rank; i++)
        moved[i] = target[order->at[i]];
    oo_set_input(rw, node, 1, numbers(rw, l, moved, seat->rank, OO_INT64, "shape"));
    return NULL;
}

static const oo_layout_kind expanded = {.declare = declare_expanded, .adapt = adapt_expanded, .broadcasts = true};

/* ---- Gather with at most one dimension of indices ---- */
static bool declare_gathered(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_input(seat->node, 0)), indices = rank_of(oo_node_input(seat->node, 1));
    int64_t axis;
    uint8_t rest[RANK];
    if (rank < 1 || indices < 0 || indices > 1 || !axis_of(seat, rank, &axis))
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    const uint32_t left = indices ? (uint32_t)rank : without(rest, (uint32_t)rank, &axis, 1);
    return oo__seat_input(l, seat, 0, STRAIGHT, (uint32_t)rank) && oo__seat_output(l, seat, 0, indices ? STRAIGHT : rest, left);
}

static const oo_layout_kind gathered = {.declare = declare_gathered, .adapt = adapt_along};

/* ---- QuantizeLinear and DequantizeLinear ---- */
static bool is_per_axis(const oo_seat *seat) { return rank_of(oo_node_input(seat->node, 1)) == 1; }

static bool declare_quantized(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_input(seat->node, 0)), scale = rank_of(oo_node_input(seat->node, 1));
    int64_t axis, block;
    if (rank < 1 || scale < 0 || scale > 1 || !oo_node_int(&block, seat->node, "block_size", 0) || block)
        return false;
    return (scale == 0 || (seat->row->attr && axis_of(seat, rank, &axis))) && declare_same(l, seat);
}

static oo_value *adapt_quantized(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    return is_per_axis(seat) ? adapt_along(rw, l, seat, order, node) : NULL;
}

static const oo_layout_kind quantized = {.declare = declare_quantized, .adapt = adapt_quantized};

/* ---- MatMul: the frame is the batch, then rows, the summed axis, and columns ---- */
static bool declare_products(oo_layout *l, oo_seat *seat) {
    const int32_t a = usable(oo_node_input(seat->node, 0)), b = usable(oo_node_input(seat->node, 1)),
                  y = usable(oo_node_output(seat->node, 0));
    if (a < 3 || a >= RANK || a != y || (b != a && b != 2))
        return false;
    const uint8_t rows = (uint8_t)(a - 2), summed = (uint8_t)(a - 1), columns = (uint8_t)a;
    uint8_t left[RANK], right[RANK], result[RANK];
    memcpy(left, STRAIGHT, sizeof left);
    memcpy(right, STRAIGHT, sizeof right);
    memcpy(result, STRAIGHT, sizeof result);
    right[b - 2] = summed;
    right[b - 1] = columns;
    result[rows + 1] = columns;
    oo__seat_rank(seat, (uint32_t)a + 1);
    return oo__seat_input(l, seat, 0, left, (uint32_t)a) && oo__seat_input(l, seat, 1, right, (uint32_t)b) &&
           oo__seat_output(l, seat, 0, result, (uint32_t)a);
}

/* One matrix for all of the batch: rows and batch are the same then. */
static bool allows_products(const oo_layout *l, const oo_seat *seat, const oo_perm *order) {
    (void)l;
    const uint32_t fixed = usable(oo_node_input(seat->node, 1)) == 2 ? 2 : 3;
    for (uint32_t i = seat->rank - fixed; i < seat->rank; i++)
        if (order->at[i] != i)
            return false;
    return true;
}

static const oo_layout_kind products = {.declare = declare_products, .allows = allows_products};

/* ---- Resize to the nearest element: scales or sizes, one for each axis ---- */
static bool is_given(const oo_value *value) {
    const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
    return value && !(tensor && oo_tensor_count(tensor) == 0);
}

/* The only input with numbers, 0 when there is none or not one. */
static uint32_t resize_input(const oo_seat *seat) {
    const bool old = seat->row->input == 1;
    uint32_t found = 0;
    if (!old && is_given(oo_node_input(seat->node, 1)))
        return 0;
    for (uint32_t i = old ? 1 : 2; i < oo_node_ninputs(seat->node); i++)
        if (is_given(oo_node_input(seat->node, i))) {
            if (found)
                return 0;
            found = i;
        }
    return found;
}

static bool declare_resized(oo_layout *l, oo_seat *seat) {
    const char *mode;
    const int32_t rank = usable(oo_node_input(seat->node, 0));
    const uint32_t input = resize_input(seat);
    const oo_tensor *const given = input ? oo_value_const(oo_node_input(seat->node, input)) : NULL;
    if (rank < 1 || !given || oo_tensor_count(given) != (uint64_t)rank || !oo_node_string(&mode, seat->node, "mode", "nearest") ||
        strcmp(mode, "nearest") != 0 || oo_node_attr(seat->node, "axes") || oo_node_attr(seat->node, "keep_aspect_ratio_policy"))
        return false;
    return (oo_tensor_elem(given) == OO_FLOAT || oo_tensor_elem(given) == OO_INT64) && declare_same(l, seat);
}

static oo_value *adapt_resized(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    const uint32_t input = resize_input(seat);
    const oo_tensor *const given = oo_value_const(oo_node_input(seat->node, input));
    uint8_t moved[RANK * sizeof(int64_t)];
    const size_t size = oo_tensor_elem(given) == OO_FLOAT ? sizeof(float) : sizeof(int64_t);
    for (uint32_t i = 0; i < seat->rank; i++)
        if (!oo_tensor_read(given, order->at[i], 1, &moved[i * size]))
            return NULL;
    oo_tensor *const made = oo_tensor_make(l->model, oo_tensor_elem(given), oo_tensor_rank(given), oo_tensor_dims(given), moved);
    oo_set_input(rw, node, input, oo_build_const(rw, l->graph, made, "sizes"));
    return NULL;
}

static const oo_layout_kind resized = {.declare = declare_resized, .adapt = adapt_resized};

/* ---- Shape: its numbers are put in the order that is expected ---- */
static bool declare_shape(oo_layout *l, oo_seat *seat) {
    const int32_t rank = usable(oo_node_input(seat->node, 0));
    int64_t start, end;
    if (rank < 1 || !oo_node_int(&start, seat->node, "start", 0) || !oo_node_int(&end, seat->node, "end", rank))
        return false;
    oo__seat_rank(seat, (uint32_t)rank);
    return oo__seat_input(l, seat, 0, STRAIGHT, (uint32_t)rank);
}

static int64_t bound(int64_t at, int64_t rank) {
    at += at < 0 ? rank : 0;
    return at < 0 ? 0 : at > rank ? rank : at;
}

static oo_value *adapt_shape(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node) {
    int64_t start = 0, end = 0, places[RANK];
    const int64_t rank = (int64_t)seat->rank;
    if (!oo_node_int(&start, seat->node, "start", 0) || !oo_node_int(&end, seat->node, "end", rank))
        return NULL;
    start = bound(start, rank);
    end = bound(end, rank);
    uint32_t n = 0;
    for (int64_t axis = start; axis < end; axis++)
        places[n++] = oo__perm_place(order, (uint32_t)axis);
    oo_remove_attr(rw, node, "start");
    oo_remove_attr(rw, node, "end");
    const oo_value *const inputs[] = {oo_node_output(node, 0), numbers(rw, l, places, n, OO_INT64, "axes")};
    return oo_node_output(oo_build(rw, seat->node, "", "Gather", inputs, 2, 1), 0);
}

static const oo_layout_kind shape = {.declare = declare_shape, .adapt = adapt_shape};

/* ---- the table ---- */
static const oo_layout_row ROWS[] = {
#define LAYOUT(op, since, kind, tensors, attr, input, absent, exact) {op, since, &kind, tensors, attr, input, absent, exact},
#include "passes/layout.def"
#undef LAYOUT
};
static const oo_layout_row BROADCAST = {.kind = &broadcast, .input = -1, .exact = true};

static int compare_row(const void *key, const void *row) { return strcmp(key, ((const oo_layout_row *)row)->op); }

const oo_layout_row *oo__layout_row(const oo_node *node) {
    if (strcmp(oo_node_domain(node), "") != 0 || oo_node_nsubgraphs(node))
        return NULL;
    const oo_schema *const schema = oo__schema_among(node->op->rows, oo_graph_opset(oo_node_graph(node), ""), false);
    if (!schema || !(schema->traits & (OO_TRAIT_PURE | OO_TRAIT_TRAINING_RANDOM)) || schema->traits & OO_TRAIT_DEPRECATED)
        return NULL;
    if (schema->traits & OO_TRAIT_ELEMENTWISE)
        return &BROADCAST;
    const oo_layout_row *row = bsearch(oo_node_op(node), ROWS, sizeof ROWS / sizeof *ROWS, sizeof *ROWS, compare_row);
    if (!row)
        return NULL;
    while (row > ROWS && strcmp(row[-1].op, row->op) == 0)
        row--;
    const oo_layout_row *found = NULL;
    for (; row < ROWS + sizeof ROWS / sizeof *ROWS && strcmp(row->op, schema->name) == 0; row++)
        if (row->since <= schema->since)
            found = row;
    return found;
}
