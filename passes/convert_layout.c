/* Moves images between channels on axis 1, as ONNX's operators have them, and channels last. */
#include "ir/infer.h"
#include "ir/interface.h"
#include "ir/new_function.h"
#include "passes/layout.h"
#include "passes/permutation.h"
#include "passes/veil.h"

#include <stdio.h>
#include <string.h>

static const char RULE[] = "convert-layout";
static const char OWN_DOMAIN[] = "onnxopt.nhwc";

typedef struct options {
    const char *to, *domain;
} options;

typedef struct nhwc_row {
    const char *op;
    uint32_t least_rank;
    bool plain;
} nhwc_row;

static const nhwc_row ROWS[] = {
#define NHWC(op, least_rank, plain) {op, least_rank, plain},
#include "passes/nhwc.def"
#undef NHWC
};

typedef struct converter {
    oo_rewriter *rw;
    oo_model *model;
    const char *domain; /* NULL: functions of OWN_DOMAIN */
    const uint8_t *veils;
    uint32_t nveils;
    uint32_t done; /* operators that went back in this round */
    bool out_of_fuel;
} converter;

static int compare_row(const void *key, const void *row) { return strcmp(key, ((const nhwc_row *)row)->op); }

static const nhwc_row *row_of(const char *op) { return bsearch(op, ROWS, sizeof ROWS / sizeof *ROWS, sizeof *ROWS, compare_row); }

static oo_value *transpose(const converter *c, oo_node *before, oo_value *x, uint32_t rank, bool last) {
    int64_t perm[OO_LAYOUT_RANK];
    oo__move_channels(perm, rank, last);
    const oo_value *const inputs[] = {x};
    oo_node *const node = oo_build(c->rw, before, "", "Transpose", inputs, 1, 1);
    oo_set_ints(c->rw, node, "perm", perm, rank);
    return oo_node_output(node, 0);
}

/* Whether the node's first input and only output are images of one rank; that rank, else 0. */
static uint32_t image_rank(const oo_node *node) {
    const oo_value *const x = oo_node_input(node, 0), *const y = oo_node_output(node, 0);
    const int32_t rank = x ? oo_type_rank(oo_value_type(x)) : -1;
    if (rank < 3 || rank > OO_LAYOUT_RANK || !y || oo_type_rank(oo_value_type(y)) != rank || oo_value_is_annotated(y))
        return 0;
    for (uint32_t i = 1; i < oo_node_noutputs(node); i++)
        if (oo_node_output(node, i) && (oo_value_nuses(oo_node_output(node, i)) || oo_value_is_pinned(oo_node_output(node, i))))
            return 0;
    return (uint32_t)rank;
}

/* ---- to channels last ---- */
/* Omitted inputs inside of a function would be a matter of their own: each pattern of inputs has its function. */
static const char *function_name(const converter *c, const oo_node *node, uint32_t rank) {
    char text[128];
    int n = snprintf(text, sizeof text, "%s%uD", oo_node_op(node), rank - 2);
    for (uint32_t i = 1; i < oo_node_ninputs(node) && n < 120; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s", i == 1 ? (oo_node_input(node, i) ? "_x" : "_o") : oo_node_input(node, i) ? "x" : "o");
    return oo__str(c->model, text);
}

/* What an operator of this layout means, said by ONNX's own. */
static void make_function(const converter *c, const oo_node *node, const char *name, uint32_t rank) {
    oo_function *const f = oo__function_new(c->rw, OWN_DOMAIN, name, "With channels last: what the operator inside does with channels on axis 1.");
    if (!f)
        return; /* it is there */
    int64_t perm[OO_LAYOUT_RANK];
    const uint32_t n = oo_node_ninputs(node);
    oo_value **const inputs = oo_scratch(c->rw, (n + 1) * sizeof *inputs);
    char text[16];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "x%u", i);
        if (oo_node_input(node, i))
            inputs[i] = oo__function_input(f, text);
    }
    oo_node *const before = oo__function_node(f, "Transpose", inputs, 1, "first");
    inputs[0] = oo_node_output(before, 0);
    oo_node *const inner = oo__function_node(f, oo_node_op(node), inputs, n, "inner");
    oo_value *const between = oo_node_output(inner, 0);
    oo_node *const after = oo__function_node(f, "Transpose", &between, 1, "y");
    oo__move_channels(perm, rank, false);
    oo__function_ints(before, "perm", perm, rank);
    oo__move_channels(perm, rank, true);
    oo__function_ints(after, "perm", perm, rank);
    oo__function_attributes(f, inner);
    oo__function_output(f, oo_node_output(after, 0));
}

static bool to_last(converter *c, oo_node *node) {
    const nhwc_row *const row = row_of(oo_node_op(node));
    const uint32_t rank = row ? image_rank(node) : 0;
    if (!rank || rank < row->least_rank || strcmp(oo_node_domain(node), "") != 0 || oo_model_callee(c->model, node) || oo_node_is_random(node) ||
        (c->domain && !row->plain) || oo_graph_in_function(oo_node_graph(node)))
        return true;
    if (!oo_begin(c->rw, RULE, node)) {
        c->out_of_fuel = true;
        return false;
    }
    oo__inherit_from(c->rw, node, false);
    const uint32_t n = oo_node_ninputs(node);
    const oo_value **const inputs = oo_scratch(c->rw, (n + 1) * sizeof *inputs);
    uint32_t given = 0;
    for (uint32_t i = 0; i < n; i++)
        if (c->domain || oo_node_input(node, i))
            inputs[given++] = oo_node_input(node, i);
    inputs[0] = transpose(c, node, oo_node_input(node, 0), rank, true);
    const char *const name = c->domain ? oo_node_op(node) : function_name(c, node, rank);
    if (c->domain)
        oo__import_opset(c->rw, oo_node_graph(node), c->domain, oo_graph_opset(oo_node_graph(node), ""));
    else
        make_function(c, node, name, rank);
    oo__inherit_from(c->rw, node, true);
    oo_node *const made = oo_build(c->rw, node, c->domain ? c->domain : OWN_DOMAIN, name, inputs, given, 1);
    oo_copy_attrs(c->rw, made, node);
    int64_t perm[OO_LAYOUT_RANK];
    oo__move_channels(perm, rank, true);
    oo__set_permuted_type(c->rw, oo_node_output(made, 0), oo_value_type(oo_node_output(node, 0)), perm, rank);
    oo_replace(c->rw, oo_node_output(node, 0), transpose(c, node, oo_node_output(made, 0), rank, false));
    oo_erase(c->rw, node);
    oo_end(c->rw);
    oo_count(c->rw, "operators with channels last", 1);
    return true;
}

/* ---- and back ---- */
/* The rank of what a runtime's operator takes; of its results nothing is known, so the node itself is asked too: weights have the rank of the image, and
 * kernels that of its spatial part. 0 when unknown. */
static uint32_t rank_back(const oo_node *node) {
    const oo_value *const x = oo_node_input(node, 0), *const w = oo_node_input(node, 1);
    const int64_t *kernel;
    uint32_t n;
    int32_t rank = x ? oo_type_rank(oo_value_type(x)) : -1;
    if (rank < 0 && oo_node_ints(&kernel, &n, node, "kernel_shape") && n)
        rank = (int32_t)n + 2;
    if (rank < 0 && w && strstr(oo_node_op(node), "Conv"))
        rank = oo_type_rank(oo_value_type(w));
    return rank >= 3 && rank <= OO_LAYOUT_RANK ? (uint32_t)rank : 0;
}

static bool is_ours(const converter *c, const oo_node *node) {
    return strcmp(oo_node_domain(node), c->domain ? c->domain : OWN_DOMAIN) == 0;
}

static bool inline_call(converter *c, oo_node *node, const oo_graph *body) {
    if (oo_splice_problem(c->rw, body, oo_node_graph(node), node) || oo_node_noutputs(node) != 1)
        return false;
    oo_value **const inputs = oo_scratch(c->rw, (oo_graph_ninputs(body) + 1) * sizeof *inputs);
    for (uint32_t i = 0; i < oo_graph_ninputs(body); i++)
        inputs[i] = oo_node_input(node, i);
    oo_value *output = NULL;
    oo_splice(c->rw, body, node, node, inputs, &output);
    return oo_replace(c->rw, oo_node_output(node, 0), output);
}

static bool rename_back(converter *c, oo_node *node, uint32_t rank) {
    const uint32_t n = oo_node_ninputs(node);
    const oo_value **const inputs = oo_scratch(c->rw, (n + 1) * sizeof *inputs);
    for (uint32_t i = 0; i < n; i++)
        inputs[i] = oo_node_input(node, i);
    inputs[0] = transpose(c, node, oo_node_input(node, 0), rank, false);
    oo__inherit_from(c->rw, node, true);
    oo_node *const made = oo_build(c->rw, node, "", oo_node_op(node), inputs, n, 1);
    oo_copy_attrs(c->rw, made, node);
    (void)oo_infer(c->rw, made);
    return oo_replace(c->rw, oo_node_output(node, 0), transpose(c, node, oo_node_output(made, 0), rank, true));
}

static bool to_second(converter *c, oo_node *node) {
    if (!is_ours(c, node))
        return true;
    const oo_graph *const body = oo_model_callee(c->model, node);
    const uint32_t rank = rank_back(node);
    if (!body && (!row_of(oo_node_op(node)) || !rank || oo_node_noutputs(node) != 1)) {
        oo_miss(c->rw, RULE, node, "the rank of what it takes is not known, or the operator is not in the table");
        return true;
    }
    if (!oo_begin(c->rw, RULE, node)) {
        c->out_of_fuel = true;
        return false;
    }
    oo__inherit_from(c->rw, node, false);
    if (!(body ? inline_call(c, node, body) : rename_back(c, node, rank))) {
        oo_abandon(c->rw);
        oo_miss(c->rw, RULE, node, "ONNX's operator refuses its operands");
        return true;
    }
    oo_erase(c->rw, node);
    oo_end(c->rw);
    c->done++;
    oo_count(c->rw, "operators with channels on axis 1", 1);
    return true;
}

/* ---- all ---- */
static void push_transposes(converter *c) {
    oo_layout l = {.model = c->model, .veils = c->veils, .nveils = c->nveils};
    oo_for_each_graph(graph, c->model) {
        if (!c->out_of_fuel)
            c->out_of_fuel = !oo__layout_improve(&l, c->rw, RULE, graph);
    }
    oo__layout_free(&l);
}

static void convert_all(converter *c, bool last) {
    oo_for_each_graph(graph, c->model) {
        for (oo_node *node = oo_graph_first(graph), *next; node && !c->out_of_fuel; node = next) {
            next = oo_node_next(node);
            if (!(last ? to_last : to_second)(c, node))
                break;
        }
    }
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const options *const o = opts;
    const bool last = strcmp(o->to, "nhwc") == 0;
    if (!last && strcmp(o->to, "nchw") != 0)
        return oo_error_at(rw, NULL, OO_UNSUPPORTED, "to=%s: nhwc and nchw are the layouts", o->to);
    converter c = {.rw = rw, .model = model, .domain = *o->domain ? o->domain : NULL, .veils = oo__find_veils(rw, model)};
    c.nveils = oo_model_node_ids(model);
    /* What went back tells what follows it: a round for each step that only this makes known. */
    do {
        c.done = 0;
        convert_all(&c, last);
        if (c.done)
            oo__infer_proofs(model);
    } while (c.done && !c.out_of_fuel);
    if (!c.out_of_fuel)
        push_transposes(&c);
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, to, OO_OPT_STRING, "to", "nhwc", "nhwc: channels last; nchw: channels on axis 1, as ONNX has them"),
    OO_OPTION(options, domain, OO_OPT_STRING, "domain", "", "of a runtime's own operators with channels last; without, each is a local function"),
};

const oo_pass oo_pass_convert_layout = {
    .size = sizeof(oo_pass),
    .name = "convert-layout",
    .summary = "Move convolutions, pooling and their kin to channels last, or back",
    .doc = "ONNX has no operators with channels last. Each operator that has images becomes a call of a local function that says what it means by ONNX's own operators, "
           "so that every tool can run the model and a converter finds operators by name; or a node of a runtime's domain, which only that runtime understands. "
           "Everything between is stored with channels last too, and the Transposes that are left stand at the borders. Inputs and outputs keep their order: see "
           "--io-layout.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .needs = OO_TYPES,
    .run = run,
};
