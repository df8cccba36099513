#include "eval/check_runs.h"

#include "base/diag.h"

#include <stdio.h>
#include <string.h>

/* ---- plans ---- */
uint64_t oo__datum_bytes(const oo_datum *d) {
    if (!d)
        return 0;
    uint64_t bytes = d->array ? d->array->count * oo__array_width(d->array->elem) : 0;
    for (uint32_t i = 0; i < d->nitems; i++)
        bytes += oo__datum_bytes(d->items[i]);
    return bytes;
}

void oo__check_forget(oo__check *c) {
    for (uint32_t i = 0; i < c->a->nvalues; i++) {
        for (uint32_t k = 0; k < c->takes[i].n; k++)
            oo__datum_release(c->takes[i].data[k]);
        oo_vec_free(&c->takes[i]);
    }
    c->held = 0;
    c->full = false;
}

bool oo__is_discrete(const oo_node *node) {
    static const char *const NAMES[] = {"ArgMax",
                                        "ArgMin",
                                        "Binarizer",
                                        "Cast",
                                        "CastLike",
                                        "Ceil",
                                        "DynamicQuantizeLinear",
                                        "Equal",
                                        "Floor",
                                        "Greater",
                                        "GreaterOrEqual",
                                        "GridSample",
                                        "Hardmax",
                                        "IsInf",
                                        "IsNaN",
                                        "LabelEncoder",
                                        "Less",
                                        "LessOrEqual",
                                        "LinearClassifier",
                                        "MaxPool",
                                        "Mod",
                                        "NonMaxSuppression",
                                        "NonZero",
                                        "QuantizeLinear",
                                        "Round",
                                        "SVMClassifier",
                                        "Shrink",
                                        "Sign",
                                        "ThresholdedRelu",
                                        "TopK",
                                        "TreeEnsemble",
                                        "TreeEnsembleClassifier",
                                        "TreeEnsembleRegressor",
                                        "Unique",
                                        NULL};
    for (const char *const *name = NAMES; *name; name++)
        if (strcmp(node->op->name, *name) == 0)
            return true;
    return false;
}

/* A random operator itself or a call of a function with one: not a node that holds one in a subgraph. */
static bool draws(const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (oo__attr_ngraphs(node->attrs[i]))
            return false;
    return oo_node_is_random(node);
}

static void plan_outputs(oo__check *c, const oo_node *node, unsigned what) {
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const a = node->outputs[i] ? c->matching->of_a[node->outputs[i]->id] : NULL;
        if (a)
            c->plan[a->id] |= (uint8_t)what;
    }
}

static void each_node(oo__check *c, void (*visit)(oo__check *c, const oo_node *node)) {
    oo_for_each_graph(graph, c->b) {
        for (const oo_node *node = graph->first; node && !oo_graph_in_function(graph); node = node->next)
            visit(c, node);
    }
}

static void plan_draw(oo__check *c, const oo_node *node) {
    if (draws(node))
        plan_outputs(c, node, OO__CHECK_DRAWN);
}

static void plan_part(oo__check *c, const oo_node *node) {
    if (!c->matching->same[node->id])
        plan_outputs(c, node, OO__CHECK_COMPARE | OO__CHECK_FORCE);
}

static void plan_decision(oo__check *c, const oo_node *node) {
    if (!c->matching->same[node->id] || !oo__is_discrete(node))
        return;
    plan_outputs(c, node, OO__CHECK_DECIDE);
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        const oo_value *const a = value && value->producer ? c->matching->of_a[value->id] : NULL;
        if (a)
            c->plan[a->id] |= OO__CHECK_COMPARE;
    }
}

void oo__check_plan_draws(oo__check *c) {
    oo__check_forget(c);
    memset(c->plan, 0, c->a->nvalues);
    memset(c->state, OO__CHECK_UNSEEN, c->a->nvalues);
    each_node(c, plan_draw);
}

void oo__check_plan_parts(oo__check *c) {
    oo__check_plan_draws(c);
    each_node(c, plan_part);
}

bool oo__check_plan_decisions(oo__check *c) {
    oo__check_plan_draws(c);
    each_node(c, plan_decision);
    bool any = false;
    for (uint32_t i = 0; i < c->a->nvalues; i++)
        any |= (c->plan[i] & OO__CHECK_DECIDE) != 0;
    return any;
}

void oo__check_plan_fetch(oo__check *c, const oo_value *const *values, uint32_t count) {
    oo__check_plan_draws(c);
    for (uint32_t i = 0; i < count; i++)
        c->plan[values[i]->id] |= OO__CHECK_FETCH;
}

/* ---- what happens behind each node ---- */
static void tell_progress(oo__check *c) {
    const oo_compare_settings *const s = c->settings;
    c->steps++;
    if (s->progress && c->steps % 16 == 0) {
        const double part = c->all_steps ? (double)c->steps / (double)c->all_steps : 0;
        s->progress(s->user, c->done, s->sets, part < 1 ? part : 1);
    }
}

/* Values of a run of A are kept until there is no room any more; draws always. */
static void after_a(void *user, const oo_node *node, oo_datum **out) {
    oo__check *const c = user;
    tell_progress(c);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (!value || !out[i] || !c->plan[value->id])
            continue;
        const uint64_t bytes = oo__datum_bytes(out[i]);
        c->full |= c->held + bytes > c->room;
        if (c->full && !(c->plan[value->id] & (OO__CHECK_DRAWN | OO__CHECK_FETCH)))
            continue;
        oo_vec_push(NULL, &c->takes[value->id], oo__datum_retain(out[i]));
        c->held += bytes;
    }
}

static bool inputs_agree(const oo__check *c, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        const oo_value *const a = value ? c->matching->of_a[value->id] : NULL;
        if (a && c->state[a->id] == OO__CHECK_DIFFERS)
            return false;
    }
    return true;
}

static void put(oo_datum **place, oo_datum *value) {
    oo_datum *const old = *place;
    *place = oo__datum_retain(value);
    oo__datum_release(old);
}

static void meet(oo__check *c, const oo_node *node, uint32_t id, oo_datum **out, oo_datum *want) {
    const unsigned plan = c->plan[id];
    if ((plan & OO__CHECK_DRAWN) || ((plan & OO__CHECK_DECIDE) && inputs_agree(c, node)))
        put(out, want);
    if (!(plan & OO__CHECK_COMPARE))
        return;
    const bool agree = oo__difference(*out, want, &c->limits).agree;
    if (c->state[id] != OO__CHECK_DIFFERS)
        c->state[id] = agree ? OO__CHECK_AGREES : OO__CHECK_DIFFERS;
    if (agree && (plan & OO__CHECK_FORCE))
        put(out, want);
}

static void after_b(void *user, const oo_node *node, oo_datum **out) {
    oo__check *const c = user;
    tell_progress(c);
    c->last = node->graph == c->b->graph ? node : c->last;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        const oo_value *const a = value && out[i] ? c->matching->of_a[value->id] : NULL;
        if (a && c->plan[a->id] && c->next[a->id] < c->takes[a->id].n)
            meet(c, node, a->id, &out[i], c->takes[a->id].data[c->next[a->id]++]);
    }
}

/* ---- running ---- */
/* A model may be made to run for ever. */
static const uint64_t MOST_STEPS = 100000000;

static void hear(void *user, const oo_diag *diag) {
    oo__check *const c = user;
    if (diag->severity != OO_ERROR || c->why[0])
        return;
    const char *const name = diag->node && *diag->node ? diag->node : diag->value ? diag->value : "";
    snprintf(c->why, sizeof c->why, "%s%s%s%s%s", diag->op ? diag->op : "", *name ? " \"" : "",
             *name ? oo__printable(name, strlen(name)) : "",
             *name      ? "\": "
             : diag->op ? ": "
                        : "",
             diag->text);
}

/* A once more: B's value in one place, elsewhere compared and forced as B was. */
static void after_swapped(void *user, const oo_node *node, oo_datum **out) {
    oo__check *const c = user;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (!value || !out[i])
            continue;
        if (value == c->swapped) {
            if (c->next_swap < c->swaps.n)
                put(&out[i], c->swaps.data[c->next_swap++]);
        } else if (c->plan[value->id] && c->next[value->id] < c->takes[value->id].n) {
            meet(c, node, value->id, &out[i], c->takes[value->id].data[c->next[value->id]++]);
        }
    }
}

/* B's values at the place that is swapped. */
static void after_fetching(void *user, const oo_node *node, oo_datum **out) {
    oo__check *const c = user;
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && out[i] && c->matching->of_a[node->outputs[i]->id] == c->swapped)
            oo_vec_push(NULL, &c->swaps, oo__datum_retain(out[i]));
    after_b(user, node, out);
}

static oo_status run_with(oo__check *c, const oo_model *model, void (*amend)(void *, const oo_node *, oo_datum **), oo_datum *const *in,
                          oo_datum **out);

oo_status oo__check_run(oo__check *c, bool original, oo_datum *const *in, oo_datum **out) {
    if (original)
        oo__check_forget(c);
    return run_with(c, original ? c->a : c->b, original ? after_a : after_b, in, out);
}

static oo_status run_with(oo__check *c, const oo_model *model, void (*amend)(void *, const oo_node *, oo_datum **), oo_datum *const *in,
                          oo_datum **out) {
    const oo_context heard = *model->context;
    c->why[0] = 0;
    c->last = NULL;
    oo_set_sink(model->context, hear, c);
    model->context->quiet = false;
    memset(c->next, 0, c->a->nvalues * sizeof *c->next);
    memset(c->state, OO__CHECK_UNSEEN, c->a->nvalues);
    const oo_eval_settings settings = {
        .seed = c->settings->seed, .step_limit = MOST_STEPS, .in_double = c->in_double, .amend = amend, .user = c};
    oo_evaluator *const ev = oo__evaluator_new(model, &settings);
    const oo_status status = oo__evaluate(ev, in, out);
    oo__evaluator_free(ev);
    *model->context = heard;
    if (status != OO_OK && !c->why[0])
        snprintf(c->why, sizeof c->why, "it does not run");
    return status;
}

/* ---- values that differ and have no consequence ---- */
static const oo_value *first_different(const oo__check *c) {
    for (const oo_node *node = c->b->graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++) {
            const oo_value *const a = node->outputs[i] ? c->matching->of_a[node->outputs[i]->id] : NULL;
            if (a && a->producer && a->graph == c->a->graph && c->state[a->id] == OO__CHECK_DIFFERS)
                return node->outputs[i];
        }
    return NULL;
}

static bool runs(oo__check *c, const oo_model *model, void (*amend)(void *, const oo_node *, oo_datum **), oo_datum *const *in) {
    oo_datum **const out = OO_NEW_ARRAY(c->arena, oo_datum *, model->graph->outputs.n);
    const bool ran = run_with(c, model, amend, in, out) == OO_OK;
    for (uint32_t i = 0; ran && i < model->graph->outputs.n; i++)
        oo__datum_release(out[i]);
    return ran;
}

const oo_value *oo__check_suspect(oo__check *c, oo_datum *const *in_a, oo_datum *const *in_b) {
    const oo_value *const value = first_different(c);
    if (!value)
        return NULL;
    c->swapped = c->matching->of_a[value->id];
    c->next_swap = 0;
    bool same = runs(c, c->b, after_fetching, in_b);
    uint8_t *const state = OO_NEW_ARRAY(c->arena, uint8_t, c->a->nvalues);
    memcpy(state, c->state, c->a->nvalues);
    same = same && runs(c, c->a, after_swapped, in_a);
    for (uint32_t i = 0; same && i < c->a->nvalues; i++)
        same = state[i] != OO__CHECK_AGREES || c->state[i] != OO__CHECK_DIFFERS;
    for (uint32_t i = 0; i < c->swaps.n; i++)
        oo__datum_release(c->swaps.data[i]);
    oo_vec_free(&c->swaps);
    c->swapped = NULL;
    return same ? value : NULL;
}
