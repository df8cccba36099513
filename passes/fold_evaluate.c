/* Evaluates the candidates that somebody wants, and keeps the results that may go into the file. */
#include "passes/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char RULE[] = "fold";
/* Results of this size are kept although only candidates want them: a candidate that stays will want its operands as constants. */
enum { SMALL = 4096, ALL_SMALL = 64 << 20 };
/* With `shrink`: what the nodes of a fold are thought to take at most, before it is known. */
enum { NODES = 65536 };
/* Work is bounded: nodes run for one result (those of loops count each time), and bytes of all results in units of the memory limit. */
enum { MAX_STEPS = 20000, WORK = 4 };

uint64_t fold_tensor_bytes(const oo_tensor *tensor) {
    uint64_t bytes = oo_tensor_size(tensor);
    for (uint32_t i = 0; i < tensor->strings.n; i++)
        bytes += tensor->strings.data[i].size;
    return bytes;
}

uint64_t fold_bytes_of(const oo_datum *datum) {
    if (datum->kind != OO_DATUM_TENSOR)
        return UINT64_MAX;
    const oo_array *const a = datum->array;
    if (a->elem != OO_STRING)
        return (a->count * oo__elem_bits((int32_t)a->elem) + 7) / 8;
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < a->count; i++)
        bytes += ((const oo_bytes *)a->data)[i].size;
    return bytes;
}

static uint64_t saturated(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/* ---- why an evaluation failed ---- */
typedef struct listener {
    char text[256];
} listener;

static void listen(void *user, const oo_diag *diag) {
    listener *const l = user;
    if (diag->severity == OO_ERROR)
        snprintf(l->text, sizeof l->text, "%s", diag->text);
}

static oo_status call(fold *f, const oo_node *node, oo_datum *const *in, oo_datum **out, listener *why) {
    oo_context *const context = f->model->context;
    const oo_context before = *context;
    oo_set_sink(context, listen, why);
    context->quiet = false;
    const oo_status status = oo__evaluate_node(f->evaluator, node, in, out);
    *context = before;
    return status;
}

/* ---- operands ---- */
static void load_literal(fold *f, const oo_node *node, fold_fact *fact) {
    oo_datum *out[1];
    listener why = {""};
    if (node->noutputs == 1 && call(f, node, NULL, out, &why) == OO_OK)
        fact->datum = out[0];
}

/* The contents of a constant, NULL when they are not to be had. */
static oo_datum *datum_of(fold *f, const oo_value *value) {
    fold_fact *const fact = &f->facts[value->id];
    if (fact->datum || (value->producer && !fold_is_literal(value->producer)))
        return fact->datum;
    if (value->producer)
        load_literal(f, value->producer, fact);
    else
        fact->datum = oo__datum_tensor(oo__array_of_tensor(value->init));
    if (fact->datum)
        fact->bytes = fact->cone = fold_bytes_of(fact->datum);
    return fact->datum;
}

/* What an operand weighs, without looking at its contents. */
static uint64_t cone_of(const fold *f, const oo_value *value) {
    const oo_tensor *const tensor = oo_value_const(value);
    return tensor ? fold_tensor_bytes(tensor) : f->facts[value->id].cone;
}

static void forget(fold *f, const oo_value *value) {
    fold_fact *const fact = &f->facts[value->id];
    oo__datum_release(fact->datum);
    fact->datum = NULL;
}

static void release_operands(fold *f, const oo_node *node) {
    for (uint32_t i = 0; i < fold_noperands(f, node); i++) {
        const oo_value *const value = fold_operand(f, node, i);
        if (value && --f->facts[value->id].waiting == 0 && !f->facts[value->id].kept)
            forget(f, value);
    }
}

/* ---- sizes known beforehand ---- */
static uint64_t product(const int64_t *dims, uint64_t count) {
    uint64_t all = 1;
    for (uint64_t i = 0; i < count; i++) {
        if (dims[i] <= 0)
            return 0;
        all = all > UINT64_MAX / (uint64_t)dims[i] ? UINT64_MAX : all * (uint64_t)dims[i];
    }
    return all;
}

/* Elements of the first output, as far as inputs that are shapes, or the types, tell; 0 = nothing is known. A hint: it decides only whether
 * evaluating is worth while. */
static uint64_t expected_count(fold *f, const oo_node *node) {
    const bool fills = oo_node_is(node, "ConstantOfShape"),
               expands = oo_node_is(node, "Expand") || oo_node_is(node, "Tile");
    const oo_value *const shape = fills || expands ? oo_node_input(node, expands) : NULL;
    const oo_datum *const datum = shape ? datum_of(f, shape) : NULL;
    if (datum && datum->kind == OO_DATUM_TENSOR && datum->array->elem == OO_INT64)
        return product(datum->array->data, datum->array->count);
    const oo_type *const type = node->outputs[0] ? node->outputs[0]->type : NULL;
    uint64_t count = oo_type_rank(type) >= 0;
    for (int32_t i = 0; i < oo_type_rank(type) && count; i++) {
        const int64_t dim = oo_type_dim(type, (uint32_t)i);
        count = dim <= 0 ? 0 : count > UINT64_MAX / (uint64_t)dim ? UINT64_MAX : count * (uint64_t)dim;
    }
    return count;
}

static oo_elem expected_elem(const oo_node *node) {
    const oo_attr *const fill = oo_node_is(node, "ConstantOfShape") ? oo_node_attr(node, "value") : NULL;
    if (fill && fill->type == OO_ATTR_TENSOR && !fill->reference && !fill->raw.data)
        return oo_tensor_elem(fill->t);
    if (oo_node_is(node, "ConstantOfShape"))
        return OO_FLOAT;
    return node->outputs[0] ? oo_type_elem(node->outputs[0]->type) : OO_UNDEFINED;
}

static uint64_t expected_bytes(fold *f, const oo_node *node) {
    const uint64_t count = expected_count(f, node);
    const oo_elem elem = expected_elem(node);
    const uint32_t bits = elem != OO_UNDEFINED ? oo__elem_bits((int32_t)elem) : 8;
    return count > UINT64_MAX / 128 ? UINT64_MAX : count * bits / 8;
}

/* ---- one node ---- */
/* Whether contents of this size may find room, given the most that they can free. */
static bool may_fit(const fold *f, uint64_t bytes, uint64_t cone) {
    if (f->options->growth.limit < 0 || bytes <= cone || (f->options->shrink && bytes - cone <= NODES))
        return true;
    if (f->options->shrink)
        return false;
    return f->room >= 0 && bytes - cone <= (uint64_t)f->room;
}

static bool is_ready(fold *f, const oo_node *node, oo_datum **in, uint64_t *cone) {
    for (uint32_t i = 0; i < fold_noperands(f, node); i++) {
        const oo_value *const value = fold_operand(f, node, i);
        if (!value)
            continue;
        in[i] = datum_of(f, value);
        if (!in[i])
            return oo_miss(f->rw, RULE, node, "\"%s\" was not computed, or its data cannot be had",
                           oo_value_name(value));
        *cone = saturated(*cone, cone_of(f, value));
    }
    return true;
}

/* Told before evaluating, from sizes: nobody wants a result that is too large for the file, unless what follows from it is small. */
static bool is_hopeless(fold *f, const oo_node *node) {
    uint64_t cone = 0;
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && f->facts[node->outputs[i]->id].waiting)
            return false;
    for (uint32_t i = 0; i < fold_noperands(f, node); i++)
        if (fold_operand(f, node, i))
            cone = saturated(cone, cone_of(f, fold_operand(f, node, i)));
    const uint64_t bytes = expected_bytes(f, node);
    if (may_fit(f, bytes, cone) && bytes <= f->memory)
        return false;
    oo_miss(f->rw, RULE, node, "its result of %llu bytes passes the limit", (unsigned long long)bytes);
    return true;
}

static void keep(fold *f, fold_fact *fact) {
    const bool small = fact->bytes <= SMALL;
    if (fact->bytes > f->memory - f->kept || !may_fit(f, fact->bytes, fact->cone) || !(fact->shown || small))
        return;
    if (!fact->shown && fact->bytes > ALL_SMALL - f->kept_small)
        return;
    fact->kept = true;
    f->kept += fact->bytes;
    f->kept_small += fact->shown ? 0 : fact->bytes;
}

static void take_results(fold *f, const oo_node *node, oo_datum **out, uint64_t cone) {
    for (uint32_t i = 0; i < node->noutputs; i++) {
        fold_fact *const fact = node->outputs[i] ? &f->facts[node->outputs[i]->id] : NULL;
        if (!fact || !fact->wanted) {
            oo__datum_release(out[i]);
            continue;
        }
        fact->datum = out[i];
        fact->cone = cone;
        fact->bytes = fold_bytes_of(out[i]);
        if (fact->bytes != UINT64_MAX)
            keep(f, fact);
        if (!fact->waiting && !fact->kept)
            forget(f, node->outputs[i]);
    }
}

static void give_captures(fold *f, const oo_node *node, oo_datum *const *in) {
    for (uint32_t i = node->ninputs; i < fold_noperands(f, node); i++)
        oo__evaluator_give(f->evaluator, fold_operand(f, node, i), in ? in[i] : NULL);
}

static void evaluate(fold *f, const oo_node *node) {
    oo_datum **const in = calloc(fold_noperands(f, node) + 1u, sizeof *in),
                     **const out = calloc(node->noutputs + 1u, sizeof *out);
    if (!in || !out)
        oo__oom(node->ninputs * sizeof *in);
    uint64_t cone = 0;
    if (!is_hopeless(f, node) && is_ready(f, node, in, &cone)) {
        listener why = {"no reason is known"};
        give_captures(f, node, in);
        const oo_status status = call(f, node, in, out, &why);
        give_captures(f, node, NULL);
        const char *const disputed = oo__evaluator_disputed(f->evaluator);
        if (status == OO_OK && disputed) {
            oo_miss(f->rw, RULE, node, "ONNX and runtimes differ: %s", disputed);
            for (uint32_t i = 0; i < node->noutputs; i++)
                oo__datum_release(out[i]);
        } else if (status == OO_OK) {
            f->nodes[node->id].state = FOLD_EVALUATED;
            take_results(f, node, out, cone);
        } else {
            oo_miss(f->rw, RULE, node, "it could not be evaluated: %s", why.text);
        }
    }
    free(in);
    free(out);
    release_operands(f, node);
}

static void evaluate_in(fold *f, const oo_graph *graph) {
    for (const oo_node *node = graph->first; node; node = node->next) {
        const bool candidate = f->nodes[node->id].state == FOLD_CANDIDATE;
        bool wanted = false;
        for (uint32_t i = 0; i < node->noutputs; i++)
            wanted |= node->outputs[i] && f->facts[node->outputs[i]->id].wanted;
        if (candidate && wanted)
            evaluate(f, node);
        for (uint32_t s = 0; !candidate && s < oo_node_nsubgraphs(node); s++)
            evaluate_in(f, oo_node_subgraph(node, s));
    }
}

void fold_evaluate(fold *f) {
    const uint64_t limit = oo__eval_limit;
    const oo_eval_settings settings = {.memory_limit = f->memory, .step_limit = MAX_STEPS, .byte_limit = WORK * f->memory};
    f->evaluator = oo__evaluator_new(f->model, &settings);
    oo_for_each_graph(graph, f->model) if (!graph->owner) evaluate_in(f, graph);
    oo__evaluator_free(f->evaluator);
    oo__eval_limit = limit;
}
