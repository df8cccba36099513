/* Replaces what depends on constants alone by its value, as far as the file does not grow by it. */
#include "ir/schema.h"
#include "passes/fold.h"
#include "passes/place.h"
#include "passes/veil.h"

#include <stdlib.h>
#include <string.h>

static const char RULE[] = "fold", FORM[] = "constant-form";

/* ---- operands ---- */
uint32_t fold_noperands(const fold *f, const oo_node *node) {
    const fold_captures *const c = f->nodes[node->id].captures;
    return node->ninputs + (c ? c->count : 0);
}

oo_value *fold_operand(const fold *f, const oo_node *node, uint32_t index) {
    return index < node->ninputs ? node->inputs[index].value
                                 : f->nodes[node->id].captures->values[index - node->ninputs];
}

/* ---- what is constant ---- */
bool fold_is_literal(const oo_node *node) {
    return oo_node_is(node, "Constant") && node->nattrs == 1 && !node->ninputs && !node->attrs[0]->reference &&
           !node->attrs[0]->raw.data;
}

static bool is_constant(const fold *f, const oo_value *value) {
    if (value->producer)
        return fold_is_literal(value->producer) || f->nodes[value->producer->id].state == FOLD_CANDIDATE;
    /* What a training binding or a quantization annotation names may be changed from outside. */
    return oo_value_const(value) && !oo_value_is_annotated(value);
}

static bool is_outside(const oo_value *value, const oo_graph *of) {
    while (of && of != value->graph)
        of = of->parent;
    return of != NULL;
}

typedef oo_vec(oo_value *) values;

static bool capture(const fold *f, values *found, const oo_node *owner, oo_value *value) {
    if (!value || !is_outside(value, owner->graph))
        return true;
    oo_vec_push(NULL, found, value);
    return is_constant(f, value);
}

/* Collects what is captured in the node's subgraphs; false when some of it is not constant. */
static bool capture_all(const fold *f, values *found, const oo_node *owner, const oo_node *node) {
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++) {
        const oo_graph *const body = oo_node_subgraph(node, s);
        for (const oo_node *inner = body->first; inner; inner = inner->next) {
            for (uint32_t i = 0; i < inner->ninputs; i++)
                if (!capture(f, found, owner, inner->inputs[i].value))
                    return false;
            if (!capture_all(f, found, owner, inner))
                return false;
        }
        for (uint32_t i = 0; i < body->outputs.n; i++)
            if (!capture(f, found, owner, body->outputs.data[i].value))
                return false;
    }
    return true;
}

/* ---- what may be evaluated ---- */
/* Whether an attribute, be it in a subgraph, stands for one of the function around: its value is not known. */
static bool refers(const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (node->attrs[i]->reference)
            return true;
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++)
        for (const oo_node *inner = oo_node_subgraph(node, s)->first; inner; inner = inner->next)
            if (refers(inner))
                return true;
    return false;
}

static bool dequantizes(fold *f, const oo_node *node);

static bool dequantizes_in(fold *f, const oo_graph *graph) {
    for (const oo_node *node = graph->first; node; node = node->next)
        if (dequantizes(f, node))
            return true;
    return false;
}

/* Whether it is, calls or contains a DequantizeLinear. */
static bool dequantizes(fold *f, const oo_node *node) {
    const oo_graph *const callee = oo_model_callee(f->model, node);
    if (callee && !f->dequantizes[callee->index]) {
        f->dequantizes[callee->index] = 2; /* of a function that calls itself nothing is known */
        f->dequantizes[callee->index] = dequantizes_in(f, callee) ? 2 : 1;
    }
    if (callee ? f->dequantizes[callee->index] == 2 : oo_node_is(node, "DequantizeLinear"))
        return true;
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++)
        if (dequantizes_in(f, oo_node_subgraph(node, s)))
            return true;
    return false;
}

static bool may_evaluate(fold *f, const oo_node *node) {
    const int64_t opset = oo_graph_opset(node->graph, node->op->domain);
    if (f->veils && f->veils[node->id])
        return oo_miss(f->rw, RULE, node, "the shape of an output that is declared otherwise would become visible");
    if (!oo_model_callee(f->model, node) && opset > oo__schema_latest_opset(node->op->domain))
        return oo_miss(f->rw, RULE, node, "opset %lld is not known yet", (long long)opset);
    if (oo_node_is_opaque(node))
        return oo_miss(f->rw, RULE, node, "nothing is known about its operator");
    if (oo_node_is_random(node))
        return oo_miss(f->rw, RULE, node, "it draws random numbers");
    if (!oo__can_evaluate(node))
        return oo_miss(f->rw, RULE, node, "the evaluator has no such operator");
    if (oo_graph_in_function(node->graph) && refers(node))
        return oo_miss(f->rw, RULE, node, "an attribute refers to one of the function");
    if (!f->options->dequantize && dequantizes(f, node))
        return oo_miss(f->rw, RULE, node, "a quantized constant stays quantized");
    return true;
}

static bool has_constant_inputs(const fold *f, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (node->inputs[i].value && !is_constant(f, node->inputs[i].value))
            return false;
    return true;
}

/* An input that an initializer gives a default. */
static bool is_default(const oo_value *value) { return value && oo_value_is_input(value) && oo_value_is_initializer(value); }

/* Tells when defaults of inputs are all that is in the way. */
static void tell_defaults(const fold *f, const oo_node *node) {
    const oo_value *found = NULL;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        if (value && !is_default(value) && !is_constant(f, value))
            return;
        found = is_default(value) ? value : found;
    }
    if (found)
        oo_miss(f->rw, RULE, node, "\"%s\" can be overridden by a graph input (--freeze-defaults makes it constant)", oo_value_name(found));
}

static bool is_candidate(fold *f, const oo_node *node) {
    if (oo_node_is(node, "Constant"))
        return false;
    if (!has_constant_inputs(f, node)) {
        if (oo__rewriter_tells_missed(f->rw))
            tell_defaults(f, node);
        return false;
    }
    if (oo_node_nsubgraphs(node)) {
        values found = {0};
        const bool constant = capture_all(f, &found, node, node);
        fold_captures *const c = constant && found.n ? oo_scratch(f->rw, sizeof *c) : NULL;
        if (c) {
            c->values = oo_scratch(f->rw, found.n * sizeof *c->values);
            memcpy(c->values, found.data, found.n * sizeof *c->values);
            c->count = found.n;
        }
        oo_vec_free(&found);
        if (!constant || !may_evaluate(f, node))
            return false;
        f->nodes[node->id].captures = c;
        return true;
    }
    return may_evaluate(f, node);
}

static void find_candidates(fold *f, const oo_graph *graph) {
    for (const oo_node *node = graph->first; node; node = node->next) {
        if (is_candidate(f, node))
            f->nodes[node->id].state = FOLD_CANDIDATE;
        for (uint32_t s = 0; f->nodes[node->id].state == FOLD_NOT && s < oo_node_nsubgraphs(node); s++)
            find_candidates(f, oo_node_subgraph(node, s));
    }
}

/* ---- what is wanted ---- */
static void show(fold *f, const oo_value *value) {
    if (value)
        f->facts[value->id].wanted = f->facts[value->id].shown = true;
}

static bool is_wanted(const fold *f, const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && f->facts[node->outputs[i]->id].wanted)
            return true;
    return false;
}

static void want_operands(fold *f, const oo_node *node) {
    for (uint32_t i = 0; i < fold_noperands(f, node); i++) {
        fold_fact *const fact = fold_operand(f, node, i) ? &f->facts[fold_operand(f, node, i)->id] : NULL;
        if (!fact)
            continue;
        fact->wanted = true;
        fact->waiting++;
    }
}

static void find_wanted(fold *f, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        show(f, graph->outputs.data[i].value);
    for (const oo_node *node = graph->last; node; node = node->prev) {
        if (f->nodes[node->id].state == FOLD_CANDIDATE) {
            if (is_wanted(f, node))
                want_operands(f, node);
            continue;
        }
        for (uint32_t i = 0; i < node->ninputs; i++)
            show(f, node->inputs[i].value);
        for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++)
            find_wanted(f, oo_node_subgraph(node, s));
    }
}

/* ---- putting results in ---- */
/* False when fuel is out. */
static bool put_in(fold *f, oo_node *node) {
    if (!oo_begin(f->rw, RULE, node))
        return false;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        oo_value *const value = node->outputs[i];
        fold_fact *const fact = value ? &f->facts[value->id] : NULL;
        if (!fact || !fact->needed)
            continue;
        oo__place_constant(f->rw, node, value, oo__tensor_of_array(f->model, fact->datum->array));
        oo__datum_release(fact->datum);
        fact->datum = NULL;
        oo_count(f->rw, "constants made", 1);
        oo_count(f->rw, "bytes of constants made", fact->bytes);
    }
    oo_count(f->rw, "nodes folded", oo__erase_unused(f->rw, node));
    oo_end(f->rw);
    return true;
}

/* ---- other forms of Constant ---- */
static oo_tensor *tensor_of(oo_model *model, const oo_attr *attr) {
    const bool many = attr->type == OO_ATTR_INTS || attr->type == OO_ATTR_FLOATS || attr->type == OO_ATTR_STRINGS;
    const int64_t dims[] = {attr->count};
    oo_tensor *t;
    switch (attr->type) {
    case OO_ATTR_INT: return oo_tensor_make(model, OO_INT64, 0, dims, &attr->i);
    case OO_ATTR_INTS: return oo_tensor_make(model, OO_INT64, 1, dims, attr->ints);
    case OO_ATTR_FLOAT: return oo_tensor_make(model, OO_FLOAT, 0, dims, &attr->f);
    case OO_ATTR_FLOATS: return oo_tensor_make(model, OO_FLOAT, 1, dims, attr->floats);
    case OO_ATTR_STRING:
    case OO_ATTR_STRINGS:
        t = oo__tensor_new(model, OO_STRING, many, dims, NULL);
        t->storage = OO_STORE_STRINGS;
        for (uint32_t i = 0; i < (many ? attr->count : 1); i++)
            oo_vec_push(model->arena, &t->strings, many ? attr->strings[i] : attr->s);
        return t;
    default: return NULL;
    }
}

static bool is_short_form(const oo_attr *attr) {
    static const char *const names[] = {"value_int",    "value_ints",   "value_float",
                                        "value_floats", "value_string", "value_strings"};
    static const oo_attr_type types[] = {OO_ATTR_INT,    OO_ATTR_INTS,   OO_ATTR_FLOAT,
                                         OO_ATTR_FLOATS, OO_ATTR_STRING, OO_ATTR_STRINGS};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(oo_attr_name(attr), names[i]) == 0)
            return attr->type == types[i];
    return false;
}

/* value_int and its like become value, which every pass can read. False when fuel is out. */
static bool unify_constants(oo_rewriter *rw, oo_model *model) {
    oo_for_each_graph(graph, model) {
        oo_for_each_node(node, graph) {
            if (!fold_is_literal(node) || !is_short_form(node->attrs[0]))
                continue;
            oo_tensor *const tensor = tensor_of(model, node->attrs[0]);
            if (!oo_begin(rw, FORM, node))
                return false;
            oo_remove_attr(rw, node, oo_attr_name(node->attrs[0]));
            oo_set_tensor(rw, node, "value", tensor);
            oo_end(rw);
        }
    }
    return true;
}

/* ---- the budget ---- */
static void set_room(fold *f) {
    const uint64_t now = oo__weigh_model(f->model).constants, least = 64u << 20;
    const int64_t most = f->options->memory < 1 ? 1 : f->options->memory > (1 << 20) ? 1 << 20 : f->options->memory;
    /* A small file has no claim on much memory, unless it may grow without limit. */
    f->memory = f->options->growth.limit < 0 ? UINT64_MAX : now < least / 4 ? least : now * 4;
    f->memory = f->memory < (uint64_t)most << 20 ? f->memory : (uint64_t)most << 20;
    f->room = oo__growth_room(f->model, &f->options->growth);
}

/* ---- the pass ---- */
static void run_steps(fold *f) {
    oo_for_each_graph(graph, f->model) if (!graph->owner) find_candidates(f, graph);
    for (uint32_t g = f->model->graphs.n; g > 0; g--)
        if (!f->model->graphs.data[g - 1]->dead && !f->model->graphs.data[g - 1]->owner)
            find_wanted(f, f->model->graphs.data[g - 1]);
    set_room(f);
    fold_evaluate(f);
    fold_decide(f);
    for (uint32_t i = f->goes.n; i > 0; i--)
        if (!put_in(f, f->goes.data[i - 1]))
            return;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    if (!unify_constants(rw, model))
        return OO_OK;
    const uint32_t nvalues = model->nvalues;
    fold f = {.rw = rw, .model = model, .options = options, .nnodes = model->nnodes};
    f.facts = oo_scratch(rw, (nvalues + 1u) * sizeof *f.facts);
    f.nodes = oo_scratch(rw, (model->nnodes + 1u) * sizeof *f.nodes);
    f.veils = oo__find_veils(rw, model);
    f.dequantizes = oo_scratch(rw, model->graphs.n + 1u);
    run_steps(&f);
    for (uint32_t i = 0; i < nvalues; i++)
        oo__datum_release(f.facts[i].datum);
    oo_vec_free(&f.goes);
    oo_vec_free(&f.stack);
    oo_vec_free(&f.undo);
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_GROWTH_OPTIONS(fold_options, growth),
    OO_OPTION(fold_options, memory, OO_OPT_INT, "memory", "1024",
              "MiB that one result, and all that are kept, may take; with a limit no more than 4 times the constants, or 64"),
    OO_OPTION(fold_options, dequantize, OO_OPT_BOOL, "dequantize", "false", "fold DequantizeLinear of constants too"),
    OO_OPTION(fold_options, shrink, OO_OPT_BOOL, "shrink", "false", "fold only what takes no more bytes than the nodes that go; limit and percent do not count"),
};

const oo_pass oo_pass_fold_constants = {
    .size = sizeof(oo_pass),
    .name = "fold-constants",
    .summary = "Replace what depends on constants alone by its value",
    .doc = "Nodes whose inputs, and whose subgraphs' outer values, are all constant are evaluated; what others use of "
           "the results becomes an "
           "initializer, in a graph output's place and in functions a Constant. Random operators, operators that "
           "nothing is known about and "
           "attributes that refer to a function's stay.\n\n"
           "The file may grow by `limit` bytes or `percent` of what it was at first, whichever is "
           "more, by this and all other passes together. A result that is "
           "too large stays computed, but what follows from it may be folded when that is small. DequantizeLinear is "
           "not folded, so that "
           "quantized models stay quantized, unless `dequantize` is set.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(fold_options),
    .needs = OO_TYPES, /* sizes of results before they are computed; kept they are not: a constant tells more than what computed it */
    .run = run,
};
