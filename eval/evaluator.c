/* Runs graphs node by node. What a value is lies in a slot by value id; a plan for each graph says after which node a value of that
 * graph is used no more. */
#include "eval/evaluator.h"

#include "eval/random.h"
#include "eval/reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- tables ---- */
static void *table(uint32_t count, size_t size) {
    void *const t = calloc((size_t)count + 1, size);
    if (!t)
        oo__oom(((size_t)count + 1) * size);
    return t;
}

static void free_tables(oo_evaluator *ev) {
    for (uint32_t i = 0; i < ev->nslots; i++)
        oo__datum_release(ev->slots[i]);
    for (uint32_t i = 0; i < ev->nplans; i++) {
        if (ev->plans[i])
            oo_vec_free(&ev->plans[i]->dying);
        free(ev->plans[i]);
    }
    free(ev->slots);
    free(ev->plans);
    free(ev->callees);
}

static void make_tables(oo_evaluator *ev) {
    const oo_model *const model = ev->model;
    ev->serial = model->serial;
    ev->nslots = model->nvalues;
    ev->nplans = model->graphs.n;
    ev->ncallees = model->nnodes;
    ev->slots = table(ev->nslots, sizeof *ev->slots);
    ev->plans = table(ev->nplans, sizeof *ev->plans);
    ev->callees = table(ev->ncallees, sizeof *ev->callees);
    oo__model_number((oo_model *)(uintptr_t)model);
}

/* The model may have been rewritten since the last evaluation. */
static void refresh(oo_evaluator *ev) {
    const oo_model *const model = ev->model;
    if (ev->serial == model->serial && ev->nslots == model->nvalues && ev->nplans == model->graphs.n && ev->ncallees == model->nnodes)
        return;
    free_tables(ev);
    make_tables(ev);
}

/* ---- plans ---- */
/* The node of `graph` that contains (or is) `node`. */
static const oo_node *user_in(const oo_graph *graph, const oo_node *node) {
    while (node && node->graph != graph)
        node = node->graph->owner;
    return node;
}

/* The last node of the value's own graph that needs it, NULL when none does. Uses inside subgraphs count for the node around. */
static const oo_node *last_user(const oo_value *value) {
    const oo_node *last = NULL;
    for (const oo_use *use = value->uses; use; use = use->next) {
        const oo_node *const user = user_in(value->graph, use->user);
        if (user && (!last || user->order > last->order))
            last = user;
    }
    return last;
}

static void plan_value(oo__plan *plan, const oo_value *value) {
    /* What is returned stays; so does what an inner graph returns directly. */
    const oo_node *const last = value->noutputs ? NULL : last_user(value);
    if (last)
        oo_vec_push(NULL, &plan->dying, (oo__death){last->order, value->id});
    else if (!value->noutputs && value->producer)
        oo_vec_push(NULL, &plan->dying, (oo__death){value->producer->order, value->id});
}

static int by_order(const void *a, const void *b) {
    const oo__death *const x = a, *const y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static oo__plan *plan_of(oo_evaluator *ev, const oo_graph *graph) {
    refresh(ev);
    oo__plan **const place = &ev->plans[graph->index];
    if (*place)
        return *place;
    oo__plan *const plan = *place = oo__malloc(sizeof *plan);
    *plan = (oo__plan){0};
    /* The main graph runs once: its constants go as other values do. Those of inner graphs stay for the next run. */
    for (uint32_t i = 0; i < graph->initializers.n && !graph->owner; i++)
        if (!(graph->initializers.data[i]->flags & OO_VALUE_INPUT))
            plan_value(plan, graph->initializers.data[i]);
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        plan_value(plan, graph->inputs.data[i].value);
    for (const oo_node *node = graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i])
                plan_value(plan, node->outputs[i]);
    if (plan->dying.n)
        qsort(plan->dying.data, plan->dying.n, sizeof *plan->dying.data, by_order);
    return plan;
}

/* ---- slots ---- */
static void set_slot(oo_evaluator *ev, const oo_value *value, oo_datum *datum) {
    oo__datum_release(ev->slots[value->id]);
    ev->slots[value->id] = datum;
}

static oo_status fail_at(const oo_node *node, oo_status status, const char *code, const char *format, ...) OO_PRINTF(4, 5);
static oo_status fail_at(const oo_node *node, oo_status status, const char *code, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    oo__report(node->graph->model, OO_ERROR, code, NULL, node, NULL, "%s", text);
    return status;
}

/* The datum of a value; constants are made when first asked for. */
static oo_datum *datum_of(oo_evaluator *ev, const oo_value *value) {
    oo_datum **const slot = &ev->slots[value->id];
    if (*slot || (!value->init && !value->sparse_init))
        return *slot;
    *slot = value->init ? oo__datum_tensor(oo__array_of_tensor(value->init)) : oo__datum_of_sparse(value->sparse_init);
    if (ev->settings.in_double)
        *slot = oo__datum_retyped(*slot, OO_FLOAT, OO_DOUBLE);
    return *slot;
}

/* A function may be called with fewer inputs than it has: then they are omitted inside as well. */
static bool may_lack(const oo_value *value) { return (value->flags & OO_VALUE_INPUT) && value->graph->function; }

/* ---- nodes ---- */
static oo_status gather_inputs(oo_evaluator *ev, const oo_node *node, oo_datum **in) {
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        in[i] = value ? datum_of(ev, value) : NULL;
        if (value && !in[i] && !may_lack(value))
            return fail_at(node, OO_INVALID, "eval-no-value", "input %u \"%s\" has no value: its data is not to be had", i, oo_value_name(value));
    }
    return OO_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static oo_status call_function(oo_evaluator *ev, const oo_node *node, const oo_graph *body, oo_datum *const *in, uint32_t nin,
                               oo_datum **out) {
    if (ev->depth >= OO__MAX_CALLS)
        return fail_at(node, OO_LIMIT, "eval-depth", "functions call each other more than %d deep", OO__MAX_CALLS);
    const oo__frame frame = {node, body->function, ev->frame};
    const oo__frame *const around = ev->frame;
    ev->frame = &frame;
    ev->depth++;
    const uint64_t random = oo__random_enter(ev, node->id);
    oo_datum **const results = calloc(body->outputs.n + 1u, sizeof *results);
    const oo_status status = oo__run_graph(ev, body, in, nin, results);
    ev->random = random;
    for (uint32_t i = 0; i < body->outputs.n; i++) {
        if (i < node->noutputs && status == OO_OK)
            out[i] = results[i];
        else
            oo__datum_release(results[i]);
    }
    free(results);
    ev->depth--;
    ev->frame = around;
    return status;
}

static oo__callee find_callee(const oo_node *node) {
    oo__callee c = {.known = true, .body = oo_model_callee(node->graph->model, node)};
    c.schema = oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), true);
    c.kernel = c.schema ? oo__kernel_of(c.schema) : NULL;
    return c;
}

static oo_status call_kernel(oo_evaluator *ev, const oo_node *node, const oo__callee *callee, oo_datum *const *in, oo_datum **out) {
    if (!callee->kernel)
        return fail_at(node, OO_UNSUPPORTED, "eval-unsupported", "the evaluator has no operator %s%s%s", node->op->domain,
                       *node->op->domain ? "." : "", node->op->name);
    oo__call call = {.evaluator = ev, .node = node, .schema = callee->schema, .in = in, .nin = node->ninputs, .out = out, .nout = node->noutputs};
    const oo_status status = callee->kernel(&call);
    if (status == OO_OK && node->op->dispute && !ev->disputed)
        ev->disputed = oo__call_disputed(&call);
    return status;
}

static void retype_all(oo_datum **data, uint32_t count, oo_elem from, oo_elem to) {
    for (uint32_t i = 0; i < count; i++)
        data[i] = oo__datum_retyped(data[i], from, to);
}

/* Floats are doubles here. An operator that has none, or that wants some input as float, gets floats. */
static oo_status call_in_double(oo_evaluator *ev, const oo_node *node, const oo__callee *callee, oo_datum *const *in, oo_datum **out) {
    oo_context *const context = ev->model->context;
    const bool quiet = context->quiet;
    const uint64_t random = ev->random;
    context->quiet = true;
    oo_status status = call_kernel(ev, node, callee, in, out);
    context->quiet = quiet;
    if (status != OO_OK) {
        oo_datum **const floats = table(node->ninputs, sizeof *floats);
        for (uint32_t i = 0; i < node->ninputs; i++)
            floats[i] = oo__datum_retyped(oo__datum_retain(in[i]), OO_DOUBLE, OO_FLOAT);
        for (uint32_t i = 0; i < node->noutputs; i++) {
            oo__datum_release(out[i]);
            out[i] = NULL;
        }
        ev->random = random;
        status = call_kernel(ev, node, callee, floats, out);
        for (uint32_t i = 0; i < node->ninputs; i++)
            oo__datum_release(floats[i]);
        free(floats);
    }
    retype_all(out, node->noutputs, OO_FLOAT, OO_DOUBLE);
    return status;
}

static oo_status check_outputs(const oo_node *node, oo_datum *const *out) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && !out[i])
            return fail_at(node, OO_UNSUPPORTED, "eval-no-output", "output %u was not computed", i);
    return OO_OK;
}

static oo_status count_bytes(oo_evaluator *ev, const oo_node *node, oo_datum *const *out) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (out[i] && out[i]->array)
            ev->bytes += out[i]->array->count * oo__array_width(out[i]->array->elem);
    if (ev->bytes <= ev->settings.byte_limit)
        return OO_OK;
    return fail_at(node, OO_LIMIT, "eval-bytes", "the results take more than %llu bytes in all", (unsigned long long)ev->settings.byte_limit);
}

static oo_status run_node(oo_evaluator *ev, const oo_node *node, oo_datum *const *in, oo_datum **out) {
    refresh(ev);
    if (ev->settings.step_limit && ++ev->steps > ev->settings.step_limit)
        return fail_at(node, OO_LIMIT, "eval-steps", "the evaluation takes more than %llu steps", (unsigned long long)ev->settings.step_limit);
    const double start = ev->settings.watch ? now() : 0;
    if (!ev->callees[node->id].known)
        ev->callees[node->id] = find_callee(node);
    const oo__callee callee = ev->callees[node->id];
    oo_status status = callee.body                 ? call_function(ev, node, callee.body, in, node->ninputs, out)
                       : ev->settings.in_double ? call_in_double(ev, node, &callee, in, out)
                                                   : call_kernel(ev, node, &callee, in, out);
    if (status == OO_OK)
        status = check_outputs(node, out);
    if (status == OO_OK && ev->settings.amend)
        ev->settings.amend(ev->settings.user, node, out);
    if (status == OO_OK && ev->settings.byte_limit)
        status = count_bytes(ev, node, out);
    if (status == OO_OK && ev->settings.watch)
        ev->settings.watch(ev->settings.user, node, out, now() - start);
    return status;
}

static oo_status step(oo_evaluator *ev, const oo_node *node) {
    enum { SMALL = 16 };
    oo_datum *small_in[SMALL], *small_out[SMALL] = {0};
    oo_datum **const in = node->ninputs <= SMALL ? small_in : oo__malloc(node->ninputs * sizeof *in);
    oo_datum **const out = node->noutputs <= SMALL ? small_out : calloc(node->noutputs, sizeof *out);
    oo_status status = gather_inputs(ev, node, in);
    if (status == OO_OK)
        status = run_node(ev, node, in, out);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        if (node->outputs[i] && status == OO_OK)
            set_slot(ev, node->outputs[i], out[i]);
        else
            oo__datum_release(out[i]);
    }
    if (in != small_in)
        free(in);
    if (out != small_out)
        free(out);
    return status;
}

/* ---- graphs ---- */
static void forget(oo_evaluator *ev, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        set_slot(ev, graph->inputs.data[i].value, NULL);
    for (const oo_node *node = graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i])
                set_slot(ev, node->outputs[i], NULL);
}

oo_status oo__run_graph(oo_evaluator *ev, const oo_graph *graph, oo_datum *const *in, uint32_t nin, oo_datum **out) {
    const oo__plan *const plan = plan_of(ev, graph);
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        set_slot(ev, graph->inputs.data[i].value, i < nin ? oo__datum_retain(in[i]) : NULL);
    oo_status status = OO_OK;
    uint32_t dead = 0;
    for (const oo_node *node = graph->first; node && status == OO_OK; node = node->next) {
        status = step(ev, node);
        for (; dead < plan->dying.n && plan->dying.data[dead].order <= node->order; dead++) {
            oo_datum **const slot = &ev->slots[plan->dying.data[dead].value];
            oo__datum_release(*slot);
            *slot = NULL;
        }
    }
    for (uint32_t i = 0; i < graph->outputs.n && status == OO_OK; i++) {
        out[i] = oo__datum_retain(datum_of(ev, graph->outputs.data[i].value));
        if (!out[i]) {
            oo__report(graph->model, OO_ERROR, "eval-no-value", graph, NULL, graph->outputs.data[i].value, "the output has no value");
            status = OO_INVALID;
        }
    }
    forget(ev, graph);
    return status;
}

/* ---- the outside ---- */
oo_evaluator *oo__evaluator_new(const oo_model *model, const oo_eval_settings *settings) {
    oo_evaluator *const ev = oo__malloc(sizeof *ev);
    *ev = (oo_evaluator){.model = model, .random = settings ? settings->seed : 0};
    if (settings)
        ev->settings = *settings;
    if (!ev->settings.loop_limit)
        ev->settings.loop_limit = 10000000;
    if (ev->settings.memory_limit)
        oo__eval_limit = ev->settings.memory_limit;
    make_tables(ev);
    return ev;
}

void oo__evaluator_free(oo_evaluator *ev) {
    if (!ev)
        return;
    free_tables(ev);
    free(ev);
}

/* The evaluator's own references to what comes from outside, doubles where these are asked for. */
static oo_datum **taken(const oo_evaluator *ev, oo_datum *const *inputs, uint32_t count) {
    oo_datum **const own = table(count, sizeof *own);
    for (uint32_t i = 0; i < count; i++)
        own[i] = oo__datum_retain(inputs[i]);
    if (ev->settings.in_double)
        retype_all(own, count, OO_FLOAT, OO_DOUBLE);
    return own;
}

/* Ends an evaluation: after a failure there are no outputs. */
static oo_status finish(oo_status status, oo_datum **own, uint32_t nown, oo_datum **outputs, uint32_t noutputs) {
    for (uint32_t i = 0; i < nown; i++)
        oo__datum_release(own[i]);
    free(own);
    for (uint32_t i = 0; i < noutputs && status != OO_OK; i++) {
        oo__datum_release(outputs[i]);
        outputs[i] = NULL;
    }
    return status;
}

oo_status oo__evaluate(oo_evaluator *ev, oo_datum *const *inputs, oo_datum **outputs) {
    const oo_graph *const graph = ev->model->graph;
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        outputs[i] = NULL;
    ev->steps = 0;
    ev->disputed = NULL;
    oo_datum **const own = taken(ev, inputs, graph->inputs.n);
    const oo_status status = oo__run_graph(ev, graph, own, graph->inputs.n, outputs);
    return finish(status, own, graph->inputs.n, outputs, graph->outputs.n);
}

oo_status oo__evaluate_node(oo_evaluator *ev, const oo_node *node, oo_datum *const *inputs, oo_datum **outputs) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        outputs[i] = NULL;
    ev->steps = 0;
    ev->disputed = NULL;
    oo_datum **const own = taken(ev, inputs, node->ninputs);
    const oo_status status = run_node(ev, node, own, outputs);
    return finish(status, own, node->ninputs, outputs, node->noutputs);
}

void oo__evaluator_give(oo_evaluator *ev, const oo_value *value, oo_datum *datum) {
    refresh(ev);
    set_slot(ev, value, oo__datum_retain(datum));
}

const char *oo__evaluator_disputed(const oo_evaluator *ev) { return ev->disputed; }

bool oo__can_evaluate(const oo_node *node) {
    const oo__callee callee = find_callee(node);
    return callee.body || callee.kernel;
}
