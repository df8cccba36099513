/* Two models on the same inputs. Where the outputs differ by more than rounding in the usual order of things, three more runs of both tell
 * what it is: with the values of the original fed into every rewritten part of the other, in double precision, and with the original's
 * discrete decisions. */
#include "eval/check_cone.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t DEFAULT_ROOM = UINT64_C(2) << 30;
/* Of doubles that stand for floats: constants that a pass folded were rounded to float. */
static const double DOUBLES_LIMIT = 2e-6;
/* So much farther off than the original, measured against double precision, a changed model may be. */
static const double WORSE = 10;

/* ---- sets of inputs ---- */
typedef struct set_plan {
    oo_random_values values;
    int64_t first, other, spread;
} set_plan;

/* Sizes that have no common divisor show wrong broadcasts; 1 shows what holds for 1 only. */
static const set_plan PLANS[] = {
    {OO_RANDOM_NORMAL, 2, 16, 0}, {OO_RANDOM_UNIFORM, 3, 24, 8}, {OO_RANDOM_EDGES, 1, 16, 0}, {OO_RANDOM_NEGATIVE, 1, 1, 0},
    {OO_RANDOM_ZEROS, 2, 20, 12}, {OO_RANDOM_TINY, 3, 16, 0},    {OO_RANDOM_LARGE, 2, 17, 2}, {OO_RANDOM_SPECIAL, 2, 16, 0},
};
/* Tried where the original does not run with the planned sizes. */
static const set_plan OTHERS[] = {
    {OO_RANDOM_NORMAL, 2, 16, 0}, {OO_RANDOM_NORMAL, 1, 32, 0}, {OO_RANDOM_NORMAL, 1, 64, 0}, {OO_RANDOM_NORMAL, 1, 224, 0}};
enum { NPLANS = sizeof PLANS / sizeof *PLANS, NOTHERS = sizeof OTHERS / sizeof *OTHERS };

static set_plan plan_of(uint32_t k) {
    if (k < NPLANS)
        return PLANS[k];
    set_plan plan = PLANS[k % 2];
    plan.values = OO_RANDOM_NORMAL;
    return plan;
}

static bool has_symbols(const oo_model *model) {
    for (uint32_t i = 0; i < model->graph->inputs.n; i++) {
        const oo_type *const type = model->graph->inputs.data[i].type;
        for (uint32_t k = 0; type && type->has_shape && k < type->rank; k++)
            if (type->dims[k].kind != OO_DIM_VALUE)
                return true;
    }
    return false;
}

/* ---- one set at work ---- */
typedef struct job {
    oo__check c;
    oo_compare_report *report;
    uint32_t set; /* from 0 */
    oo_datum **in, **in_b;
    oo_datum **want, **got; /* outputs */
    uint32_t nin, nout;
    bool *drawn; /* outputs that are judged by type and shape only */
    int fits;    /* sizes that worked: -1 = the planned ones, else of OTHERS */
} job;

static void release(oo_datum **data, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        oo__datum_release(data[i]);
        data[i] = NULL;
    }
}

/* Inputs of B by name; the values are A's. */
static void hand_over(job *j) {
    const oo_graph *const a = j->c.a->graph, *const b = j->c.b->graph;
    memset(j->in_b, 0, b->inputs.n * sizeof *j->in_b);
    for (uint32_t i = 0; i < a->inputs.n; i++) {
        const oo_value *const value = j->c.matching->of_b[a->inputs.data[i].value->id];
        for (uint32_t k = 0; value && k < b->inputs.n; k++)
            if (b->inputs.data[k].value == value)
                j->in_b[k] = j->in[i];
    }
}

static bool run_a(job *j, oo_datum **out) { return oo__check_run(&j->c, true, j->in, out) == OO_OK; }
static bool run_b(job *j, oo_datum **out) { return oo__check_run(&j->c, false, j->in_b, out) == OO_OK; }

static void hear(void *user, const oo_diag *diag) {
    oo__check *const c = user;
    if (diag->severity == OO_ERROR && !c->why[0])
        snprintf(c->why, sizeof c->why, "%s%s%s%s", diag->value ? "\"" : "", diag->value ? diag->value : "", diag->value ? "\": " : "",
                 diag->text);
}

static bool make_inputs(job *j, set_plan plan) {
    oo__check *const c = &j->c;
    const oo_compare_settings *const s = c->settings;
    const oo_random_settings random = {.seed = s->seed + j->set,
                                       .dims = s->dims,
                                       .ndims = s->ndims,
                                       .first = plan.first,
                                       .other = plan.other,
                                       .spread = plan.spread,
                                       .values = plan.values,
                                       .fixed = c->b};
    for (uint32_t i = 0; s->given && i < j->nin; i++)
        j->in[i] = s->given[i] ? oo__datum_retain(s->given[i]) : NULL;
    oo_context *const context = c->a->context;
    const oo_context heard = *context;
    c->why[0] = 0;
    oo_set_sink(context, hear, c);
    context->quiet = false;
    const oo_status status = oo__random_inputs(j->in, c->a, &random);
    *context = heard;
    return status == OO_OK;
}

static bool try_set(job *j, set_plan plan) {
    release(j->in, j->nin);
    oo__check_plan_draws(&j->c);
    j->c.in_double = false;
    return make_inputs(j, plan) && run_a(j, j->want);
}

/* The original on inputs of set `set`, of other sizes where the planned ones do not fit. */
static bool run_original(job *j) {
    const set_plan plan = plan_of(j->set);
    const bool variable = has_symbols(j->c.a);
    bool ran = try_set(j, plan);
    const char *const why = ran ? NULL : oo__arena_copy(j->report->arena, j->c.why, strlen(j->c.why));
    for (int i = 0; i < NOTHERS && !ran && variable; i++) {
        const set_plan other = OTHERS[j->fits >= 0 ? (i + j->fits) % NOTHERS : i];
        ran = try_set(j, (set_plan){plan.values, other.first, other.other, other.spread});
        if (ran)
            j->fits = j->fits >= 0 ? (i + j->fits) % NOTHERS : i;
    }
    if (!ran && !j->report->skip_reason)
        j->report->skip_reason = why;
    return ran;
}

/* ---- comparing ---- */
/* The output that is farthest beyond (or below) its limits, with what holds of all; `bad` is the first that is beyond, -1 = none. */
static oo_difference compare(const job *j, oo_datum *const *got, oo_datum *const *want, int *bad) {
    oo_difference worst = {.equal = true, .agree = true};
    bool agree = true, equal = true, lost = false;
    *bad = -1;
    for (uint32_t i = 0; i < j->nout; i++) {
        oo_limits limits = j->c.limits;
        limits.shape_only |= j->drawn[i];
        const oo_difference d = oo__difference(got[i], want[i], &limits);
        if (!d.agree && *bad < 0)
            *bad = (int)i;
        if (d.excess > worst.excess)
            worst = d;
        agree &= d.agree;
        equal &= d.equal;
        lost |= d.lost_finite;
    }
    worst.agree = agree;
    worst.equal = equal;
    worst.lost_finite = lost;
    return worst;
}

/* B with values of A as planned, both in the precision that is set; whether the outputs agree then. */
static bool agree_again(job *j, oo_difference *d, int *bad) {
    oo_datum **const want = OO_NEW_ARRAY(j->c.arena, oo_datum *, j->nout), **const got = OO_NEW_ARRAY(j->c.arena, oo_datum *, j->nout);
    *bad = -1;
    const bool ran = run_a(j, want) && run_b(j, got);
    if (ran)
        *d = compare(j, got, want, bad);
    release(want, j->nout);
    release(got, j->nout);
    return ran && d->agree;
}

static bool agree_by_parts(job *j, oo_difference *d, int *bad) {
    oo__check_plan_parts(&j->c);
    return agree_again(j, d, bad);
}

static bool agree_by_decisions(job *j) {
    oo_difference d;
    int bad;
    return oo__check_plan_decisions(&j->c) && agree_again(j, &d, &bad);
}

/* How far the outputs that differ are from those of the original in double precision. */
static double distance(const job *j, oo_datum *const *data, oo_datum *const *exact) {
    oo_limits limits = j->c.limits;
    double most = 0;
    for (uint32_t i = 0; i < j->nout; i++) {
        oo_datum *const d = oo__datum_retyped(oo__datum_retain(data[i]), OO_FLOAT, OO_DOUBLE);
        const oo_difference found = oo__difference(d, exact[i], &limits);
        most = fmax(most, found.error);
        oo__datum_release(d);
    }
    return most;
}

/* The same in double precision, and no rewrite that loses what the original has. */
static bool agree_in_double(job *j) {
    oo__check *const c = &j->c;
    oo_datum **const exact = OO_NEW_ARRAY(c->arena, oo_datum *, j->nout);
    oo_difference d;
    int bad;
    c->in_double = true;
    c->limits.doubles = DOUBLES_LIMIT;
    bool agree = agree_by_parts(j, &d, &bad) && !oo__check_suspect(c, j->in, j->in_b);
    if (agree) {
        oo__check_plan_draws(c);
        agree = run_a(j, exact);
        const double own = distance(j, j->want, exact), other = distance(j, j->got, exact);
        agree = agree && other <= WORSE * fmax(own, oo__elem_limit(OO_FLOAT));
        release(exact, j->nout);
    }
    c->in_double = false;
    c->limits.doubles = 0;
    return agree;
}

/* ---- what is wrong ---- */
static const char *describe(const job *j, int output, const oo_difference *d) {
    oo_arena *const arena = j->report->arena;
    const char *const name = oo_value_name(j->c.b->graph->outputs.data[output].value);
    const char *const what = oo__arena_printf(arena, "output \"%s\" differs", oo__printable(name, strlen(name)));
    if (d->incomparable || !d->total)
        return oo__arena_printf(arena, "%s: %s", what, d->why);
    const char *const counts =
        oo__arena_printf(arena, "%s in %llu of %llu elements", what, (unsigned long long)d->bad, (unsigned long long)d->total);
    if (!d->floating || !isfinite(d->error))
        return oo__arena_printf(arena, "%s: %s", counts, d->why);
    return oo__arena_printf(arena, "%s, by up to %.2g %s: %s", counts, d->error,
                            j->c.limits.elementwise ? "times what is allowed" : "of its scale", d->why);
}

static void keep_outputs(job *j) {
    oo_compare_failure *const f = &j->report->failure;
    f->noutputs = j->nout;
    f->outputs = OO_NEW_ARRAY(j->report->arena, oo_datum *, j->nout);
    for (uint32_t i = 0; i < j->nout; i++)
        f->outputs[i] = oo__datum_retain(j->want[i]);
}

/* The node of the main graph at which B's last run ended. */
static const oo_node *failed_node(const oo__check *c) { return c->last ? oo_node_next(c->last) : oo_graph_first(c->b->graph); }

static const oo_value *first_output(const oo_node *node) {
    for (uint32_t i = 0; node && i < node->noutputs; i++)
        if (node->outputs[i])
            return node->outputs[i];
    return NULL;
}

/* Runs by parts: what agrees until there is what the search stands on. */
static void blame_run(job *j) {
    oo_compare_failure *const f = &j->report->failure;
    f->set = j->set + 1;
    f->text = oo__arena_printf(j->report->arena, "the changed model does not run: %s", j->c.why);
    keep_outputs(j);
    oo_difference d;
    int bad;
    agree_by_parts(j, &d, &bad);
    const oo_node *const failed = failed_node(&j->c);
    oo__check_cone(&j->c, f, first_output(failed), NULL, j->in);
    f->node = f->node ? f->node : failed;
    f->stops = f->node == failed;
}

/* `wrong`: the value that is, NULL = to be found. */
static void blame_output(job *j, int bad, const oo_value *wrong) {
    oo_compare_failure *const f = &j->report->failure;
    const oo_difference d = oo__difference(j->got[bad], j->want[bad], &j->c.limits);
    f->set = j->set + 1;
    f->text = describe(j, bad, &d);
    f->output = j->c.b->graph->outputs.data[bad].value;
    keep_outputs(j);
    /* Once more by parts in single precision: what is forced and what is not is what the search stands on. */
    oo_difference again;
    int first;
    agree_by_parts(j, &again, &first);
    const oo_value *const output = first >= 0 ? j->c.b->graph->outputs.data[first].value : f->output;
    oo__check_cone(&j->c, f, output, wrong, j->in);
}

/* ---- the verdict on a set ---- */
static bool rewrites_decide(const oo__check *c) {
    oo_for_each_graph(graph, c->b) {
        for (const oo_node *node = graph->first; node; node = node->next)
            if (!c->matching->same[node->id] && oo__is_discrete(node))
                return true;
    }
    return false;
}

/* The outputs agree by parts: then a part may be wrong only when nothing comes of it. */
static const oo_value *suspect(job *j) { return oo__check_suspect(&j->c, j->in, j->in_b); }

static oo_compare_verdict judge(job *j, int bad) {
    oo_difference by_parts = {0};
    int first;
    const bool parts_agree = agree_by_parts(j, &by_parts, &first);
    const oo_value *const wrong = parts_agree ? suspect(j) : NULL;
    if (parts_agree && !wrong)
        return agree_by_decisions(j) ? OO_COMPARE_TIE : OO_COMPARE_ROUNDING;
    if (!parts_agree && !by_parts.incomparable && !by_parts.lost_finite && agree_in_double(j))
        return rewrites_decide(&j->c) ? OO_COMPARE_TIE : OO_COMPARE_ROUNDING;
    blame_output(j, bad, wrong);
    return OO_COMPARE_WRONG;
}

static oo_compare_verdict check_set(job *j) {
    if (!run_original(j))
        return OO_COMPARE_SKIPPED;
    j->report->ran++;
    hand_over(j);
    if (!run_b(j, j->got)) {
        blame_run(j);
        return OO_COMPARE_WRONG;
    }
    j->c.all_steps = j->c.steps;
    int bad;
    const oo_difference d = compare(j, j->got, j->want, &bad);
    double *const error = d.agree ? &j->report->error : &j->report->loose;
    *error = fmax(*error, d.error);
    return d.equal ? OO_COMPARE_EQUAL : d.agree ? OO_COMPARE_CLOSE : judge(j, bad);
}

/* ---- outputs that only chance decides ---- */
static bool is_tainted(const oo__check *c, const bool *tainted, const oo_node *node);

static bool any_tainted(const oo__check *c, const bool *tainted, const oo_graph *graph) {
    for (const oo_node *node = graph->first; node; node = node->next)
        if (is_tainted(c, tainted, node))
            return true;
    return false;
}

/* Whether the node draws numbers that are not A's, or uses such. */
static bool is_tainted(const oo__check *c, const bool *tainted, const oo_node *node) {
    bool subgraphs = false, any = false;
    for (uint32_t i = 0; i < node->ninputs; i++)
        any |= node->inputs[i].value && tainted[node->inputs[i].value->id];
    for (uint32_t i = 0; i < node->nattrs && !any; i++)
        for (uint32_t k = 0; k < oo__attr_ngraphs(node->attrs[i]); k++) {
            subgraphs = true;
            any |= any_tainted(c, tainted, oo__attr_graph(node->attrs[i], k));
        }
    if (any || subgraphs || !oo_node_is_random(node))
        return any;
    for (uint32_t i = 0; i < node->noutputs; i++)
        any |= node->outputs[i] && !c->matching->of_a[node->outputs[i]->id];
    return any;
}

static void find_drawn(job *j) {
    const oo__check *const c = &j->c;
    bool *const tainted = OO_NEW_ARRAY(c->arena, bool, c->b->nvalues);
    for (const oo_node *node = c->b->graph->first; node; node = node->next) {
        const bool taint = is_tainted(c, tainted, node);
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (node->outputs[i])
                tainted[node->outputs[i]->id] = taint;
    }
    j->drawn = OO_NEW_ARRAY(c->arena, bool, j->nout);
    for (uint32_t i = 0; i < j->nout; i++) {
        j->drawn[i] = tainted[c->b->graph->outputs.data[i].value->id];
        j->report->drawn += j->drawn[i];
    }
}

/* ---- the interface ---- */
static const char *type_difference(const oo_type *a, const oo_type *b) {
    if (!a || !b || !a->kind || !b->kind)
        return NULL;
    if (a->kind != b->kind)
        return "another kind of type";
    if (a->has_elem && b->has_elem && a->elem != b->elem)
        return "another element type";
    if (a->has_shape && b->has_shape && a->rank != b->rank)
        return "another rank";
    for (uint32_t i = 0; a->has_shape && b->has_shape && i < a->rank; i++)
        if (a->dims[i].kind == OO_DIM_VALUE && b->dims[i].kind == OO_DIM_VALUE && a->dims[i].value != b->dims[i].value)
            return "another dimension";
    return a->inner && b->inner ? type_difference(a->inner, b->inner) : NULL;
}

static const oo_value_info *next_public(const oo_value_infos *list, uint32_t *i) {
    while (*i < list->n && (list->data[*i].value->flags & OO_VALUE_INITIALIZER) && (list->data[*i].value->flags & OO_VALUE_INPUT))
        ++*i;
    return *i < list->n ? &list->data[(*i)++] : NULL;
}

static const char *list_difference(oo_arena *arena, const oo_value_infos *a, const oo_value_infos *b, const char *what, bool inputs) {
    for (uint32_t i = 0, k = 0;;) {
        const oo_value_info *const x = inputs ? next_public(a, &i) : i < a->n ? &a->data[i++] : NULL;
        const oo_value_info *const y = inputs ? next_public(b, &k) : k < b->n ? &b->data[k++] : NULL;
        if (!x || !y)
            return x || y ? oo__arena_printf(arena, "the changed model has %s %ss", y ? "more" : "fewer", what) : NULL;
        const char *const name = oo_value_name(x->value), *const other = oo_value_name(y->value);
        if (strcmp(name, other) != 0)
            return oo__arena_printf(arena, "%s \"%s\" is \"%s\" in the changed model", what, oo__printable(name, strlen(name)),
                                    oo__printable(other, strlen(other)));
        const char *const type = type_difference(x->type, y->type);
        if (type)
            return oo__arena_printf(arena, "%s \"%s\" has %s in the changed model", what, oo__printable(name, strlen(name)), type);
    }
}

static const char *interface_difference(oo_arena *arena, const oo_graph *a, const oo_graph *b) {
    const char *const inputs = list_difference(arena, &a->inputs, &b->inputs, "input", true);
    return inputs ? inputs : list_difference(arena, &a->outputs, &b->outputs, "output", false);
}

/* ---- all sets ---- */
static void job_begin(job *j, const oo_model *a, const oo_model *b, const oo_compare_settings *settings) {
    oo_arena *const arena = j->report->arena;
    j->nin = a->graph->inputs.n;
    j->nout = a->graph->outputs.n;
    j->in = OO_NEW_ARRAY(arena, oo_datum *, j->nin);
    j->in_b = OO_NEW_ARRAY(arena, oo_datum *, b->graph->inputs.n);
    j->want = OO_NEW_ARRAY(arena, oo_datum *, j->nout);
    j->got = OO_NEW_ARRAY(arena, oo_datum *, j->nout);
    j->fits = -1;
    j->c = (oo__check){.a = a, .b = b, .settings = settings, .limits = settings->limits, .arena = arena};
    j->c.room = settings->memory ? settings->memory : DEFAULT_ROOM;
    j->c.plan = OO_NEW_ARRAY(arena, uint8_t, a->nvalues);
    j->c.state = OO_NEW_ARRAY(arena, uint8_t, a->nvalues);
    j->c.takes = OO_NEW_ARRAY(arena, oo__takes, a->nvalues);
    j->c.next = OO_NEW_ARRAY(arena, uint32_t, a->nvalues);
    j->c.all_steps = (uint64_t)a->graph->nnodes + b->graph->nnodes; /* a guess for the first set */
    j->c.matching = oo__matching_new(a, b);
    find_drawn(j);
}

static void job_end(job *j) {
    release(j->in, j->nin);
    release(j->want, j->nout);
    release(j->got, j->nout);
    oo__check_forget(&j->c);
    oo__matching_free(j->c.matching);
}

oo_status oo__compare_models(oo_compare_report *out, const oo_model *original, const oo_model *changed,
                             const oo_compare_settings *settings) {
    oo_compare_settings own = *settings;
    own.sets = own.sets ? own.sets : OO_COMPARE_DEFAULT_SETS;
    *out = (oo_compare_report){.arena = oo__arena_new(), .sets = own.only ? 1 : own.sets};
    out->failure.text = interface_difference(out->arena, original->graph, changed->graph);
    out->interface = out->failure.text != NULL;
    if (out->interface)
        return OO_MISMATCH;
    job j = {.report = out};
    job_begin(&j, original, changed, &own);
    for (uint32_t k = own.only ? own.only - 1 : 0; k < (own.only ? own.only : own.sets) && !out->counts[OO_COMPARE_WRONG]; k++) {
        j.set = k;
        j.c.steps = 0;
        out->counts[check_set(&j)]++;
        release(j.want, j.nout);
        release(j.got, j.nout);
        j.c.done++;
    }
    job_end(&j);
    return out->ran && !out->counts[OO_COMPARE_WRONG] ? OO_OK : OO_MISMATCH;
}

void oo__compare_report_free(oo_compare_report *report) {
    if (!report->arena)
        return;
    oo_compare_failure *const f = &report->failure;
    for (uint32_t i = 0; i < f->inputs.n; i++)
        oo__datum_release(f->inputs.data[i].value);
    for (uint32_t i = 0; i < f->noutputs; i++)
        oo__datum_release(f->outputs[i]);
    oo__datum_release(f->want);
    oo__arena_free(report->arena);
    *report = (oo_compare_report){0};
}
