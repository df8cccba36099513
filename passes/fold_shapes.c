/* Replaces what follows from shapes. Everything that is used here was proved by inference (OO_TYPES, OO_VALUES): it follows from the types of
 * the model's inputs, from constants, and from each operator running without an error; the file's own claims do not count. */
#include "passes/place.h"
#include "passes/shapes.h"
#include "passes/veil.h"

static const char CONSTANT[] = "constant-contents", SAME[] = "same-shape", RESHAPE[] = "reshape-target",
                  EXPAND[] = "expand-target", ENDS[] = "slice-ends", TYPE[] = "known-type";
/* Longer contents are the business of fold-constants and its budget; a shape is not longer. */
enum { MAX_ITEMS = 64, MAX_RANK = 64 };

const oo_type *shapes_full(const oo_value *value) {
    const oo_type *const type = value ? value->type : NULL;
    if (oo_type_rank(type) < 0 || type->rank > MAX_RANK)
        return NULL;
    for (uint32_t i = 0; i < type->rank; i++)
        if (!type->dims[i].expr)
            return NULL;
    return type;
}

bool shapes_begin(shapes *s, const char *rule, const oo_node *node) {
    s->done = s->done || !oo_begin(s->rw, rule, node);
    return !s->done;
}

bool shapes_is_veil(const shapes *s, const oo_node *node) {
    return s->veils && node->id < s->nveils && s->veils[node->id];
}

static const oo_expr *dim(const oo_type *type, uint32_t axis) {
    return type && axis < type->rank ? type->dims[axis].expr : NULL;
}

static bool is_dim(const oo_expr *e, const oo_type *type, uint32_t axis) { return e && e == dim(type, axis); }

/* ---- contents that are numbers ---- */
/* A tensor of the contents; NULL unless they are integers or truth values, few, and all known. */
static oo_tensor *numbers_of(oo_model *model, const oo_value *value) {
    const oo_known *const k = value->known;
    if (!k || k->count > MAX_ITEMS || (k->elem != OO_INT64 && k->elem != OO_INT32 && k->elem != OO_BOOL) ||
        oo_type_elem(value->type) != k->elem)
        return NULL;
    union {
        int64_t i64[MAX_ITEMS];
        int32_t i32[MAX_ITEMS];
        uint8_t u8[MAX_ITEMS];
    } data;
    for (uint32_t i = 0; i < k->count; i++) {
        int64_t n;
        if (!k->items[i].numerator || k->items[i].denominator != 1 || !oo__expr_is_int(k->items[i].numerator, &n))
            return NULL;
        if (k->elem == OO_INT64)
            data.i64[i] = n;
        else if (k->elem == OO_INT32)
            data.i32[i] = (int32_t)n;
        else
            data.u8[i] = n != 0;
    }
    return oo_tensor_make(model, k->elem, k->rank, k->dims, &data);
}

static void fold_node(shapes *s, oo_node *node) {
    if (oo_node_is(node, "Constant") || oo_node_is(node, "Identity") || shapes_is_veil(s, node))
        return;
    for (uint32_t i = 0; i < node->noutputs && !node->erased; i++) {
        oo_value *const value = node->outputs[i];
        oo_tensor *const tensor =
            value && value->known && (value->nuses || value->noutputs) ? numbers_of(s->model, value) : NULL;
        if (!tensor)
            continue;
        const char *const problem = oo__place_problem(value, oo_tensor_elem(tensor), tensor->rank, tensor->dims);
        if (problem) {
            oo_miss(s->rw, CONSTANT, node, "\"%s\" stays: %s", oo_value_name(value), problem);
            continue;
        }
        if (!shapes_begin(s, CONSTANT, node))
            return;
        oo__place_constant(s->rw, node, value, tensor);
        oo__erase_unused(s->rw, node);
        oo_end(s->rw);
    }
}

/* Backwards, so that of a chain only the end becomes a constant. */
static void fold_graph(shapes *s, oo_graph *graph) {
    for (oo_node *node = graph->last; node && !s->done; node = oo_node_prev(node)) {
        fold_node(s, node);
        for (uint32_t i = 0; !node->erased && i < oo_node_nsubgraphs(node); i++)
            fold_graph(s, oo_node_subgraph(node, i));
    }
}

/* ---- operators that give what they get ---- */
/* The numbers of a vector, be it a constant that inference has not looked at yet. */
static bool numbers(const oo_value *value, uint32_t *count, int64_t *out) {
    const oo_tensor *const tensor = oo_value_const(value);
    const oo_known *const k = value->known;
    *count = k ? k->count : 0;
    if (tensor && oo_tensor_elem(tensor) == OO_INT64 && oo_tensor_count(tensor) <= MAX_ITEMS) {
        *count = (uint32_t)oo_tensor_count(tensor);
        return oo_tensor_read(tensor, 0, *count, out);
    }
    for (uint32_t i = 0; i < *count; i++)
        if (*count > MAX_ITEMS || !k->items[i].numerator || k->items[i].denominator != 1 || !oo__expr_is_int(k->items[i].numerator, &out[i]))
            return false;
    return k;
}

static bool is_one(const oo_value *value) {
    int64_t n[MAX_ITEMS];
    uint32_t count;
    if (!numbers(value, &count, n))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (n[i] != 1)
            return false;
    return true;
}

/* Slices with steps of one; a step of minus one turns a tensor round and keeps its shape. */
static bool steps_are_one(const oo_node *node) { return !oo_node_input(node, 4) || is_one(oo_node_input(node, 4)); }

/* Operators that give their first input, in order, when the shape is the same. */
static bool keeps_order(const oo_node *node) {
    static const char *const ops[] = {"Expand", "Reshape", "Tile", "Flatten", "Squeeze", "Slice"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (oo_node_is(node, ops[i]))
            return i < 5 || steps_are_one(node);
    return false;
}

static bool same_shape(const oo_value *a, const oo_value *b) {
    const oo_type *const x = shapes_full(a), *const y = shapes_full(b);
    if (!x || !y || x->rank != y->rank)
        return false;
    for (uint32_t i = 0; i < x->rank; i++)
        if (x->dims[i].expr != y->dims[i].expr)
            return false;
    return true;
}

static void pass_on(shapes *s, oo_node *node) {
    oo_value *const in = oo_node_input(node, 0), *const out = oo_node_output(node, 0);
    if (!in || !out || !keeps_order(node) || oo_graph_opset(node->graph, "") < 5 || !same_shape(in, out) ||
        !(out->nuses || out->noutputs))
        return;
    if (oo_value_is_annotated(out) || (out->noutputs && oo_value_is_annotated(in))) {
        oo_miss(s->rw, SAME, node, "its input or output is annotated");
        return;
    }
    if (!shapes_begin(s, SAME, node))
        return;
    if (!oo_replace(s->rw, out, in)) {
        oo_abandon(s->rw);
        return;
    }
    oo__erase_unused(s->rw, node);
    oo_end(s->rw);
}

/* ---- operands that need not be computed ---- */
static bool is_computed(const oo_value *value) { return value && value->producer && !oo_value_const(value); }

/* An operand becomes these numbers, and what computed it goes if nobody else needs it. */
static void set_numbers(shapes *s, const char *rule, oo_node *node, uint32_t index, const int64_t *numbers,
                        uint32_t count) {
    oo_value *const old = oo_node_input(node, index);
    if (!oo__can_build_const(node->graph, OO_INT64) || !shapes_begin(s, rule, node))
        return;
    const int64_t dims[] = {count};
    oo_tensor *const tensor = oo_tensor_make(s->model, OO_INT64, 1, dims, numbers);
    oo_set_input(s->rw, node, index, oo_build_const(s->rw, node->graph, tensor, oo_value_name(old)));
    if (oo_node_attr(node, "allowzero"))
        oo_remove_attr(s->rw, node, "allowzero"); /* the zeros of a new target copy */
    oo__erase_unused(s->rw, old->producer);
    oo_end(s->rw);
}

/* One entry of a target: the number, 0 for the input's own dimension, else -1. False when it cannot be said. */
static bool target_entry(const oo_expr *e, const oo_type *in, uint32_t axis, int64_t *out) {
    int64_t own;
    if (oo__expr_is_int(e, out) && *out != 0)
        return *out > 0;
    if (oo__expr_is_int(e, out)) /* 0 copies: that must be a 0 */
        return axis < in->rank && dim(in, axis) && oo__expr_is_int(dim(in, axis), &own) && own == 0;
    *out = is_dim(e, in, axis) ? 0 : -1;
    return true;
}

/* Reshape's target as constants with at most one -1, which is right only if no other entry can be 0. */
static bool reshape_target(const oo_node *node, int64_t *out, uint32_t *count) {
    const oo_type *const in = oo_node_input(node, 0)->type, *const type = shapes_full(oo_node_output(node, 0));
    uint32_t holes = 0, zeros = 0;
    if (!type || oo_type_rank(in) < 0)
        return false;
    for (uint32_t i = 0; i < type->rank; i++) {
        if (!target_entry(type->dims[i].expr, in, i, &out[i]))
            return false;
        holes += out[i] == -1;
        zeros += out[i] == 0 && oo__expr_low(type->dims[i].expr) < 1;
    }
    *count = type->rank;
    return holes == 0 || (holes == 1 && zeros == 0);
}

static void settle_reshape(shapes *s, oo_node *node) {
    int64_t target[MAX_RANK], allow_zero;
    uint32_t count;
    if (!oo_node_is(node, "Reshape") || !oo_node_input(node, 0) || !is_computed(oo_node_input(node, 1)) ||
        !oo_node_output(node, 0))
        return;
    if (!oo_node_int(&allow_zero, node, "allowzero", 0))
        oo_miss(s->rw, RESHAPE, node, "allowzero is not known");
    else if (!reshape_target(node, target, &count))
        oo_miss(s->rw, RESHAPE, node, "more than one dimension of the result is neither a number nor the input's");
    else
        set_numbers(s, RESHAPE, node, 1, target, count);
}

/* Expand leaves a dimension as it is where its target says 1. */
static void settle_expand(shapes *s, oo_node *node) {
    int64_t target[MAX_RANK];
    if (!oo_node_is(node, "Expand") || !oo_node_input(node, 0) || !is_computed(oo_node_input(node, 1)) ||
        !oo_node_output(node, 0))
        return;
    const oo_type *const in = oo_node_input(node, 0)->type, *const out = shapes_full(oo_node_output(node, 0));
    if (!out || oo_type_rank(in) < 0 || in->rank > out->rank)
        return;
    for (uint32_t i = 0; i < out->rank; i++) {
        const uint32_t missing = out->rank - in->rank;
        if (i >= missing && is_dim(out->dims[i].expr, in, i - missing))
            target[i] = 1;
        else if (!oo__expr_is_int(out->dims[i].expr, &target[i])) {
            oo_miss(s->rw, EXPAND, node, "dimension %u of the result is neither a number nor the input's", i);
            return;
        }
    }
    set_numbers(s, EXPAND, node, 1, target, out->rank);
}

/* An end that is the dimension itself, or a number. */
static bool slice_ends(const oo_node *node, int64_t *out, uint32_t *count) {
    const oo_value *const ends = oo_node_input(node, 2), *const axes = oo_node_input(node, 3);
    const oo_known *const k = ends->known;
    const oo_type *const in = oo_node_input(node, 0)->type;
    int64_t axis[MAX_ITEMS];
    uint32_t naxes;
    if (!k || k->rank != 1 || k->count > MAX_RANK || k->elem != OO_INT64 || oo_type_rank(in) < 0 || !steps_are_one(node) ||
        (axes && (!numbers(axes, &naxes, axis) || naxes != k->count)))
        return false;
    for (uint32_t i = 0; i < k->count; i++) {
        const int64_t own = !axes ? (int64_t)i : axis[i] < 0 ? axis[i] + (int64_t)in->rank : axis[i];
        if (!k->items[i].numerator || k->items[i].denominator != 1 || own < 0 || own >= (int64_t)in->rank)
            return false;
        if (is_dim(k->items[i].numerator, in, (uint32_t)own))
            out[i] = INT64_MAX;
        else if (!oo__expr_is_int(k->items[i].numerator, &out[i]))
            return false;
    }
    *count = k->count;
    return true;
}

static void settle_slice(shapes *s, oo_node *node) {
    int64_t ends[MAX_RANK];
    uint32_t count;
    if (!oo_node_is(node, "Slice") || !oo_node_input(node, 0) || !is_computed(oo_node_input(node, 2)))
        return;
    /* Of one type with the starts. */
    if (!oo_node_input(node, 1) || oo_type_elem(oo_node_input(node, 1)->type) != OO_INT64 ||
        !slice_ends(node, ends, &count))
        oo_miss(s->rw, ENDS, node, "an end is neither a number nor the whole dimension");
    else
        set_numbers(s, ENDS, node, 2, ends, count);
}

/* ---- types that are known ---- */
/* Whether Cast has the attributes of this CastLike at the graph's opset. */
static bool cast_knows(const oo_node *node) {
    const oo_schema *const cast = oo__schema_find("", "Cast", oo_graph_opset(node->graph, ""));
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (!cast || !oo__schema_attr(cast, oo_attr_name(node->attrs[i])))
            return false;
    return cast;
}

static oo_value *cast_to(shapes *s, oo_node *node, oo_elem elem) {
    const oo_value *const in[] = {oo_node_input(node, 0)};
    if (oo_type_elem(in[0]->type) == elem)
        return oo_node_input(node, 0);
    oo_node *const cast = oo_build(s->rw, node, "", "Cast", in, 1, 1);
    oo_copy_attrs(s->rw, cast, node);
    oo_set_int(s->rw, cast, "to", (int64_t)elem);
    return cast->outputs[0];
}

/* CastLike a value of a type that is known. */
static void settle_type(shapes *s, oo_node *node) {
    if (!oo_node_is(node, "CastLike") || !oo_node_input(node, 0) || !oo_node_input(node, 1) || !oo_node_output(node, 0))
        return;
    oo_value *const out = oo_node_output(node, 0);
    const oo_elem elem = oo_type_elem(oo_node_input(node, 1)->type);
    if (elem == OO_UNDEFINED || !cast_knows(node)) {
        oo_miss(s->rw, TYPE, node, "the type is not known, or Cast lacks an attribute");
        return;
    }
    if (oo_value_is_annotated(out) || (out->noutputs && oo_value_is_annotated(oo_node_input(node, 0)))) {
        oo_miss(s->rw, TYPE, node, "its input or output is annotated");
        return;
    }
    if (!shapes_begin(s, TYPE, node))
        return;
    oo_replace(s->rw, out, cast_to(s, node, elem));
    oo__erase_unused(s->rw, node);
    oo_end(s->rw);
}

static void settle_graph(shapes *s, oo_graph *graph) {
    for (oo_node *node = graph->first; node && !s->done; node = oo_node_next(node)) {
        const bool veil = shapes_is_veil(s, node);
        if (!veil)
            pass_on(s, node);
        if (!veil && !node->erased)
            settle_reshape(s, node);
        if (!node->erased)
            settle_type(s, node);
        if (!veil && !node->erased)
            settle_expand(s, node);
        if (!veil && !node->erased)
            settle_slice(s, node);
        for (uint32_t i = 0; !node->erased && i < oo_node_nsubgraphs(node); i++)
            settle_graph(s, oo_node_subgraph(node, i));
    }
}

/* ---- the pass ---- */
static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    shapes s = {.rw = rw, .model = model, .veils = oo__find_veils(rw, model), .nveils = model->nnodes};
    oo_for_each_graph(graph, model) if (!graph->owner && !s.done) settle_graph(&s, graph);
    oo_for_each_graph(graph, model) if (!graph->owner && !s.done) fold_graph(&s, graph);
    if (!s.done)
        shapes_share(&s);
    return OO_OK;
}

const oo_pass oo_pass_fold_shapes = {
    .size = sizeof(oo_pass),
    .name = "fold-shapes",
    .summary = "Replace what follows from shapes by constants, or by what is cheaper to compute",
    .doc =
        "Integers and truth values that inference proves become constants. Reshape, Expand, Tile, Flatten, Squeeze and "
        "Slice that keep the "
        "shape pass their input on. A computed target of Reshape becomes constant when each dimension of the result is "
        "a number, the input's "
        "own (0), or one -1 where nothing else can be zero; one of Expand when it is a number or the input's own (1); "
        "an end of Slice when "
        "it is the dimension itself. CastLike a known type becomes Cast. Equal sizes are computed once, and by Shape of a value that has them when that "
        "takes fewer nodes.\n\n"
        "Only proofs count: what follows from the types of the model's inputs, from constants and from each operator "
        "running without an "
        "error. Types that the file claims for other values do not, nor those within functions with several callers.",
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
