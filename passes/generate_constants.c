/* Replaces constants whose elements repeat by operators that make them from fewer. */
#include "ir/schema.h"
#include "ir/weigh.h"

#include <stdlib.h>
#include <string.h>

static const char RULE[] = "generate";
enum { MAX_RANK = 16, MAX_BYTES = 1 << 28 };

typedef struct options {
    int64_t least;
} options;

/* A constant as a block of bytes, and what of it is enough. */
typedef struct repeats {
    const oo_tensor *tensor;
    uint8_t *bytes;               /* all elements */
    uint64_t width;               /* of an element */
    uint32_t rank;
    int64_t dims[MAX_RANK];       /* of the constant */
    int64_t kept[MAX_RANK];       /* the same with 1 along axes where all slices are equal */
    uint64_t count;               /* product of kept */
} repeats;

/* ---- what repeats ---- */
static uint64_t product(const int64_t *dims, uint32_t n) {
    uint64_t all = 1;
    for (uint32_t i = 0; i < n; i++)
        all *= (uint64_t)dims[i];
    return all;
}

/* Weights hardly ever begin with two equal slices: a look at one element of the second is enough for most. */
static bool may_repeat(const repeats *r) {
    uint8_t first[16], other[16];
    if (!oo_tensor_read(r->tensor, 0, 1, first))
        return false;
    for (uint32_t a = 0; a < r->rank; a++) {
        const uint64_t stride = product(r->dims + a + 1, r->rank - a - 1);
        if (r->dims[a] > 1 && oo_tensor_read(r->tensor, stride, 1, other) && memcmp(first, other, r->width) == 0)
            return true;
    }
    return false;
}

static bool is_equal_along(const repeats *r, uint32_t axis) {
    const uint64_t outer = product(r->dims, axis), block = product(r->dims + axis + 1, r->rank - axis - 1) * r->width;
    const uint64_t n = (uint64_t)r->dims[axis];
    for (uint64_t o = 0; o < outer; o++) {
        const uint8_t *const base = r->bytes + o * n * block;
        for (uint64_t i = 1; i < n; i++)
            if (memcmp(base, base + i * block, block) != 0)
                return false;
    }
    return true;
}

/* False when nothing repeats, or the data is not to be had. `bytes` is from malloc, also then. */
static bool find_repeats(repeats *r, const oo_tensor *tensor) {
    const uint32_t bits = oo__elem_bits((int32_t)oo_tensor_elem(tensor));
    *r = (repeats){.tensor = tensor, .rank = oo_tensor_rank(tensor), .width = bits / 8};
    if (bits % 8 || !r->width || r->width > 16 || r->rank > MAX_RANK || oo_tensor_size(tensor) > MAX_BYTES)
        return false;
    for (uint32_t i = 0; i < r->rank; i++)
        r->dims[i] = r->kept[i] = oo_tensor_dims(tensor)[i];
    if (!may_repeat(r))
        return false;
    r->bytes = oo__malloc(oo_tensor_size(tensor));
    if (!oo_tensor_read(tensor, 0, oo_tensor_count(tensor), r->bytes))
        return false;
    for (uint32_t a = 0; a < r->rank; a++)
        if (r->dims[a] > 1 && is_equal_along(r, a))
            r->kept[a] = 1;
    r->count = product(r->kept, r->rank);
    return r->count < oo_tensor_count(tensor);
}

/* The elements that are enough, from malloc. */
static uint8_t *kept_bytes(const repeats *r) {
    uint8_t *const out = oo__malloc(r->count * r->width);
    for (uint64_t k = 0; k < r->count; k++) {
        uint64_t rest = k, at = 0, stride = 1;
        for (uint32_t a = r->rank; a-- > 0;) {
            at += rest % (uint64_t)r->kept[a] * stride;
            rest /= (uint64_t)r->kept[a];
            stride *= (uint64_t)r->dims[a];
        }
        memcpy(out + k * r->width, r->bytes + at * r->width, r->width);
    }
    return out;
}

/* ---- what it may be ---- */
static bool fills_type(const oo_graph *graph, oo_elem elem) {
    const oo_schema *const schema = oo__schema_find("", "ConstantOfShape", oo_graph_opset(graph, ""));
    const oo_schema_io *const io = schema ? oo__schema_output(schema, 0) : NULL;
    return io && (io->types->elems[OO_FORM_TENSOR] >> elem & 1);
}

static bool expands(const oo_graph *graph) { return oo__schema_find("", "Expand", oo_graph_opset(graph, "")) != NULL; }

/* Operators that nothing is known about, and those whose parameters runtimes want to see, keep their constants. */
static bool wants_constant(const oo_node *user) {
    return *oo_node_domain(user) || oo_node_is_opaque(user) || strstr(oo_node_op(user), "Linear") || strstr(oo_node_op(user), "Integer");
}

static bool is_candidate(oo_rewriter *rw, const oo_value *value, const oo_tensor *tensor, const options *o) {
    if (!tensor || !oo_value_nuses(value) || oo_value_is_pinned(value) || oo_tensor_size(tensor) < (uint64_t)o->least)
        return false;
    for (const oo_use *use = oo_value_first_use(value); use; use = oo_use_next(use))
        if (wants_constant(oo_use_node(use)))
            return oo_miss(rw, RULE, oo_use_node(use), "\"%s\" stays a constant for this operator", oo_value_name(value));
    return true;
}

/* ---- rewriting ---- */
static oo_value *build_shape(oo_rewriter *rw, oo_graph *graph, const repeats *r) {
    const int64_t dims[] = {r->rank};
    return oo_build_const(rw, graph, oo_tensor_make(oo_rewriter_model(rw), OO_INT64, 1, dims, r->dims), "shape");
}

/* ConstantOfShape for one number, else Expand. */
static oo_value *build(oo_rewriter *rw, oo_graph *graph, oo_node *before, const repeats *r, const char *stem) {
    oo_model *const model = oo_rewriter_model(rw);
    const oo_elem elem = oo_tensor_elem(r->tensor);
    uint8_t *const kept = kept_bytes(r);
    const int64_t one[] = {1};
    oo_node *node;
    if (r->count == 1 && fills_type(graph, elem)) {
        const oo_value *const inputs[] = {build_shape(rw, graph, r)};
        node = oo_build(rw, before, "", "ConstantOfShape", inputs, 1, 1);
        oo_set_tensor(rw, node, "value", oo_tensor_make(model, elem, 1, one, kept));
    } else {
        const oo_value *const inputs[] = {oo_build_const(rw, graph, oo_tensor_make(model, elem, r->rank, r->kept, kept), stem), build_shape(rw, graph, r)};
        node = oo_build(rw, before, "", "Expand", inputs, 2, 1);
    }
    free(kept);
    return oo_node_output(node, 0);
}

/* False when fuel is out. */
static bool generate(oo_rewriter *rw, oo_value *value, const repeats *r, const options *o) {
    oo_graph *const graph = oo_value_graph(value);
    oo_node *const producer = oo_value_producer(value), *const before = producer ? producer : oo_graph_first(graph);
    const int64_t saves = oo__saved_by_generating(oo_tensor_size(r->tensor), r->count * r->width, r->count == 1, r->rank, value);
    const bool can = before && (expands(graph) || (r->count == 1 && fills_type(graph, oo_tensor_elem(r->tensor))));
    if (!can || saves < o->least) {
        oo_miss(rw, RULE, producer, can ? "\"%s\" would save too few bytes" : "no operator of the graph's opset makes \"%s\"", oo_value_name(value));
        return true;
    }
    if (!oo_begin(rw, RULE, producer))
        return false;
    const uint64_t size = oo_tensor_size(r->tensor);
    if (!oo_replace(rw, value, build(rw, graph, before, r, oo_value_name(value)))) {
        oo_abandon(rw);
        oo_miss(rw, RULE, producer, "what makes \"%s\" is not visible at every use", oo_value_name(value));
        return true;
    }
    if (producer)
        oo_erase(rw, producer);
    else
        oo_drop_initializer(rw, value);
    oo_end(rw);
    oo_count(rw, "constants generated", 1);
    oo_count(rw, "bytes of constants removed", size - r->count * r->width);
    return true;
}

static bool visit(oo_rewriter *rw, oo_value *value, const options *o) {
    const oo_tensor *const tensor = oo_value_const(value);
    if (!is_candidate(rw, value, tensor, o))
        return true;
    repeats r;
    const bool goes_on = !find_repeats(&r, tensor) || generate(rw, value, &r, o);
    free(r.bytes);
    return goes_on;
}

static bool visit_graph(oo_rewriter *rw, oo_graph *graph, const options *o) {
    const uint32_t n = oo_graph_ninitializers(graph);
    for (uint32_t i = 0; i < n; i++)
        if (oo_value_is_initializer(oo_graph_initializer(graph, i)) && !visit(rw, oo_graph_initializer(graph, i), o))
            return false;
    for (oo_node *node = oo_graph_first(graph), *next; node; node = next) {
        next = oo_node_next(node);
        if (oo_node_is(node, "Constant") && oo_node_output(node, 0) && !visit(rw, oo_node_output(node, 0), o))
            return false;
    }
    return true;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    oo_for_each_graph(graph, model)
        if (!oo_graph_in_function(graph) && !visit_graph(rw, graph, opts))
            break;
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, least, OO_OPT_INT, "least", "512", "bytes that each must save"),
};

const oo_pass oo_pass_generate_constants = {
    .size = sizeof(oo_pass),
    .name = "generate-constants",
    .summary = "Make constants whose elements repeat by ConstantOfShape or Expand",
    .doc = "A constant that is one number everywhere becomes ConstantOfShape; one whose slices along some axes are equal becomes Expand of one slice. "
           "Comparison is bit by bit. Each must save `least` bytes. Constants that an input can override, outputs, annotated ones, those in functions, "
           "and operands of quantized operators and of operators outside ai.onnx stay. fold-constants undoes this where it may grow the file.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .needs = OO_TYPES,
    .keeps = OO_TYPES,
    .run = run,
};
