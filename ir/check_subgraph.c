/* Checks of what nodes and their subgraphs hand each other: how many values, and of which types. */
#include "ir/check_run.h"

#include <string.h>

/* One attribute that holds a graph. Counts: what the node fixes; -1 = nothing. */
typedef struct body {
    const char *attribute;
    const oo_graph *graph;
    int64_t inputs, outputs;
} body;

static const oo_graph *graph_of(const oo__infer *infer, const char *attribute) {
    const oo_attr *const a = oo__infer_attr(infer, attribute);
    return a && !a->raw.data && !a->reference && a->type == OO_ATTR_GRAPH ? a->g : NULL;
}

static bool check_counts(oo__check_run *c, const body *b) {
    if (!b->graph)
        return false;
    /* Up to IR version 3 initializers are inputs too, at the end of the list. */
    const bool defaults = c->model->ir_version < 4;
    const bool inputs = b->inputs < 0 || (defaults ? b->graph->inputs.n >= b->inputs : b->graph->inputs.n == b->inputs);
    if (!inputs)
        oo__tell(c, DEFECT_SUBGRAPH, NULL, "the graph in attribute \"%s\" has %u inputs, the node gives it %lld", b->attribute, b->graph->inputs.n,
                 (long long)b->inputs);
    const bool outputs = b->outputs < 0 || b->graph->outputs.n == b->outputs;
    if (!outputs)
        oo__tell(c, DEFECT_SUBGRAPH, NULL, "the graph in attribute \"%s\" has %u outputs, the node takes %lld", b->attribute, b->graph->outputs.n,
                 (long long)b->outputs);
    return inputs && outputs;
}

/* ---- types ---- */
/* Whether two types may be the same as far as kinds and element types tell. */
static bool agree(const oo_type *a, const oo_type *b) {
    if (!a || !b || a->kind == OO_TYPE_NONE || b->kind == OO_TYPE_NONE)
        return true;
    if (a->kind != b->kind)
        return false;
    const bool elems = !a->elem || !b->elem || a->elem == b->elem;
    return elems && (a->kind == OO_TYPE_TENSOR || a->kind == OO_TYPE_SPARSE_TENSOR || agree(a->inner, b->inner));
}

/* What is carried round a loop may be wrapped: an optional at first, its element from then on. */
static bool agree_carried(const oo_type *a, const oo_type *b) {
    return agree(a, b) || (b && b->kind == OO_TYPE_OPTIONAL && agree(a, b->inner));
}

static void compare(oo__check_run *c, const oo_type *a, const oo_type *b, const char *what, uint32_t index, const char *attribute) {
    if (!agree(a, b))
        oo__tell(c, DEFECT_SUBGRAPH, NULL, "%s %u of the graph in attribute \"%s\" is a %s, where a %s belongs", what, index, attribute,
                 oo__type_text(a, c->arena), oo__type_text(b, c->arena));
}

/* Whether two shapes cannot be of one value; `less` dimensions of the second are not counted (which ones is not asked then). */
static bool shapes_clash(const oo_type *a, const oo_type *b, uint32_t less) {
    if (!a || !b || a->kind != OO_TYPE_TENSOR || b->kind != OO_TYPE_TENSOR || !a->has_shape || !b->has_shape)
        return false;
    if (a->rank + less != b->rank)
        return true;
    for (uint32_t i = 0; !less && i < a->rank; i++)
        if (a->dims[i].kind == OO_DIM_VALUE && b->dims[i].kind == OO_DIM_VALUE && a->dims[i].value != b->dims[i].value)
            return true;
    return false;
}

static void compare_shape(oo__check_run *c, const oo_type *inside, const oo_type *given, uint32_t less, uint32_t index) {
    if (shapes_clash(inside, given, less))
        oo__tell(c, DEFECT_SUBGRAPH, NULL, "input %u of the graph in attribute \"body\" is declared as %s, the node gives it %s of %s", index,
                 oo__type_text(inside, c->arena), less ? "slices" : "a value", oo__type_text(given, c->arena));
}

static const oo_type *declared(const oo_graph *g, uint32_t i) { return g->inputs.data[i].type; }
static const oo_type *result(const oo_graph *g, uint32_t i) { return g->outputs.data[i].value ? g->outputs.data[i].value->type : NULL; }

/* Element type of what a loop counts or asks with. */
static void need_elem(oo__check_run *c, const oo_type *type, oo_elem elem, const char *what, uint32_t index) {
    const oo_type wanted = {.kind = OO_TYPE_TENSOR, .has_elem = true, .elem = (int32_t)elem};
    compare(c, type, &wanted, what, index, "body");
}

/* ---- operators ---- */
static void check_if(oo__check_run *c, const oo__infer *infer) {
    const int64_t outputs = infer->node->noutputs;
    const body then = {"then_branch", graph_of(infer, "then_branch"), 0, outputs}, other = {"else_branch", graph_of(infer, "else_branch"), 0, outputs};
    const bool both = check_counts(c, &then), counted = check_counts(c, &other) && both;
    for (uint32_t i = 0; counted && i < infer->node->noutputs; i++)
        compare(c, result(other.graph, i), result(then.graph, i), "output", i, "else_branch");
}

/* Body: iteration, condition, carried ... -> condition, carried ..., scanned ... */
static void check_loop(oo__check_run *c, const oo__infer *infer) {
    const oo_node *const node = infer->node;
    const body b = {"body", graph_of(infer, "body"), node->ninputs < 2 ? 2 : node->ninputs, (int64_t)node->noutputs + 1};
    if (!check_counts(c, &b))
        return;
    need_elem(c, declared(b.graph, 0), OO_INT64, "input", 0);
    need_elem(c, declared(b.graph, 1), OO_BOOL, "input", 1);
    need_elem(c, result(b.graph, 0), OO_BOOL, "output", 0);
    compare_shape(c, declared(b.graph, 1), oo__input_type(infer, 1), 0, 1);
    for (uint32_t i = 2; i < node->ninputs; i++) {
        const oo_type *const given = oo__input_type(infer, i);
        compare(c, declared(b.graph, i), given, "input", i, "body");
        if (i - 1 < b.graph->outputs.n && !agree_carried(result(b.graph, i - 1), given))
            compare(c, result(b.graph, i - 1), given, "output", i - 1, "body");
    }
    if (node->ninputs >= 2 && node->noutputs < node->ninputs - 2)
        oo__tell(c, DEFECT_SUBGRAPH, NULL, "the node has %u outputs, fewer than the %u values that it carries", node->noutputs, node->ninputs - 2);
}

/* Body: state ..., slice of each scanned input -> state ..., slice of each scanned output. Version 8 has sequence_lens first. */
static void check_scan(oo__check_run *c, const oo__infer *infer) {
    const oo_node *const node = infer->node;
    const uint32_t skip = infer->schema->since < 9;
    int64_t scanned;
    const body b = {"body", graph_of(infer, "body"), (int64_t)node->ninputs - skip, node->noutputs};
    if (!check_counts(c, &b) || !oo__infer_int(infer, &scanned, "num_scan_inputs", 0))
        return;
    const int64_t states = (int64_t)node->ninputs - skip - scanned;
    if (scanned < 1 || states < 0)
        oo__tell(c, DEFECT_SUBGRAPH, NULL, "num_scan_inputs is %lld, the node has %u inputs", (long long)scanned, node->ninputs);
    for (uint32_t i = 0; i < node->ninputs - skip; i++) {
        const oo_type *const given = oo__input_type(infer, i + skip);
        compare(c, declared(b.graph, i), given, "input", i, "body");
        if (!skip)
            compare_shape(c, declared(b.graph, i), given, i >= states, i);
        if (i < states && i < b.graph->outputs.n)
            compare(c, result(b.graph, i), given, "output", i, "body");
    }
}

static void check_sequence_map(oo__check_run *c, const oo__infer *infer) {
    const oo_node *const node = infer->node;
    const body b = {"body", graph_of(infer, "body"), node->ninputs, node->noutputs};
    if (!check_counts(c, &b))
        return;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_type *const input = oo__input_type(infer, i), *const given = input && input->kind == OO_TYPE_SEQUENCE ? input->inner : input;
        compare(c, declared(b.graph, i), given, "input", i, "body");
        compare_shape(c, declared(b.graph, i), given, 0, i);
    }
}

static const struct {
    const char *name;
    void (*check)(oo__check_run *c, const oo__infer *infer);
} operators[] = {{"If", check_if}, {"Loop", check_loop}, {"Scan", check_scan}, {"SequenceMap", check_sequence_map}};

void oo__check_subgraphs(oo__check_run *c, const oo__infer *infer) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (infer->schema->domain == OO_DOMAIN_ONNX && strcmp(infer->schema->name, operators[i].name) == 0)
            operators[i].check(c, infer);
}
