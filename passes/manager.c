/* Runs pipelines: every pass invocation is numbered, timed, verified and reported. */
#include "passes/manager.h"

#include "ir/growth.h"
#include "ir/infer.h"
#include "passes/pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- properties ---- */
typedef struct analysis {
    uint32_t bits; /* that one computation serves */
    const char *name;
    void (*compute)(oo_model *model);
} analysis;

static const analysis ANALYSES[] = {
    {OO_ORDER, "order", oo__model_number},
    {OO_TYPES | OO_VALUES, "types", oo__infer_proofs},
};

static void compute_needed(oo_model *model, uint32_t needs) {
    for (size_t i = 0; i < sizeof ANALYSES / sizeof *ANALYSES; i++)
        if (needs & ANALYSES[i].bits & ~model->properties)
            ANALYSES[i].compute(model);
}

/* ---- state of a run ---- */
/* An input or output of the model. */
typedef struct port {
    const char *name;
    const oo_value *input; /* NULL: an output */
} port;

typedef struct run {
    const oo_run_settings *settings;
    oo_model *model;
    oo_arena *scratch;
    uint64_t fuel;
    bool limited;
    oo_vec(oo_pass_report) reports;
    oo_vec(port) interface;         /* public inputs, then outputs */
    int64_t nodes;                  /* as the last change left them */
    bool changed;
} run;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t oo__count_nodes(const oo_model *model) {
    int64_t count = 0;
    oo_for_each_graph(graph, model) {
        count += graph->nnodes - graph->nconstants;
        if (!model->functions.n)
            continue;
        for (const oo_node *node = graph->first; node; node = node->next) /* calls of a function of this name are no data */
            count += node->op->is_constant && node->op->functions;
    }
    return count;
}

/* ---- checks ---- */
static void collect_interface(run *r) {
    const oo_graph *const graph = r->model->graph;
    for (uint32_t i = 0; graph && i < graph->inputs.n; i++)
        oo_vec_push(NULL, &r->interface, (port){graph->inputs.data[i].value->name, graph->inputs.data[i].value});
    for (uint32_t i = 0; graph && i < graph->outputs.n; i++)
        oo_vec_push(NULL, &r->interface, (port){graph->outputs.data[i].value->name, NULL});
}

static oo_status check_interface(const run *r, const char *pass) {
    const oo_graph *const graph = r->model->graph;
    const uint32_t total = graph ? graph->inputs.n + graph->outputs.n : 0;
    bool same = true;
    uint32_t at = 0;
    for (uint32_t i = 0; same && i < r->interface.n; i++) {
        const port *const wanted = &r->interface.data[i];
        if (wanted->input && (wanted->input->flags & OO_VALUE_FROZEN))
            continue; /* by freeze-defaults, which is asked for */
        const oo_value *const v = at >= total ? NULL : at < graph->inputs.n ? graph->inputs.data[at].value : graph->outputs.data[at - graph->inputs.n].value;
        same = v && v->name == wanted->name;
        at++;
    }
    if (same && at == total)
        return OO_OK;
    oo__report(r->model, OO_ERROR, "verify-interface", graph, NULL, NULL, "pass \"%s\" changed the names of public inputs or outputs", pass);
    return OO_MISMATCH;
}

static oo_status verify(const run *r, const char *pass) {
    OO_TRY(check_interface(r, pass));
    if (oo_model_verify(r->model) == OO_OK && oo__infer_verify(r->model) == OO_OK)
        return OO_OK;
    oo__report(r->model, OO_ERROR, "verify-pass", NULL, NULL, NULL, "the model is broken after pass \"%s\"", pass);
    return OO_MISMATCH;
}

/* A change that the rewriter did not see, or one that it counted but that is none. */
static oo_status check_honesty(const run *r, const oo_pass_report *report, uint64_t before) {
    const bool differs = oo__model_hash(r->model) != before;
    if (differs && !report->rewrites) {
        oo__report(r->model, OO_ERROR, "dishonest-pass", NULL, NULL, NULL, "pass \"%s\" changed the model but reported nothing", report->name);
        return OO_MISMATCH;
    }
    if (!differs && report->rewrites)
        oo__report(r->model, OO_WARNING, "idle-pass", NULL, NULL, NULL, "pass \"%s\" reported %u rewrites, but the model is the same",
                   report->name, report->rewrites);
    return OO_OK;
}

/* ---- one pass ---- */
static void announce(const run *r, oo_event event, const oo_pass_report *report) {
    for (uint32_t i = 0; i < r->settings->ninstruments; i++)
        r->settings->instruments[i](r->settings->users[i], event, report, r->model);
}

/* Whether `text`, "name" or "name#2", means this invocation. */
static bool means(const char *text, const char *name, uint32_t occurrence) {
    const size_t n = strlen(name);
    if (strncmp(text, name, n) != 0)
        return false;
    return !text[n] || (text[n] == '#' && strtoul(text + n + 1, NULL, 10) == occurrence);
}

static bool is_disabled(const run *r, const char *name) {
    uint32_t occurrence = 1;
    for (uint32_t i = 0; i < r->reports.n; i++)
        occurrence += strcmp(r->reports.data[i].name, name) == 0;
    for (uint32_t i = 0; i < r->settings->ndisabled; i++)
        if (means(r->settings->disabled[i], name, occurrence))
            return true;
    return false;
}

static bool should_skip(const run *r, const oo_pass_report *report, bool inexact) {
    const int64_t limit = r->settings->bisect_limit;
    const bool past = limit >= 0 && report->number > limit;
    if (r->settings->bisect_verbose)
        oo__report(r->model, OO_NOTE, "bisect", NULL, NULL, NULL, "BISECT: %s pass (%u) %s", past ? "not running" : "running",
                   report->number, report->name);
    return past || (r->settings->rules.exact && inexact) || is_disabled(r, report->name);
}

/* Whether the model may hold a node that the pass is for. Plugins of before have no such field. */
static bool has_work(const run *r, const oo_pass *pass) {
    const bool says = pass->size >= offsetof(oo_pass, only_for) + sizeof pass->only_for;
    return !says || !pass->only_for || oo__model_has_op(r->model, pass->only_for);
}

static oo_status execute(run *r, const oo__item *item, oo_pass_report *report) {
    const oo_rewriter_settings settings = {.pass = item->pass->name,
                                           .fuel = r->limited ? &r->fuel : NULL,
                                           .tell_passed = r->settings->tell_passed,
                                           .tell_missed = r->settings->tell_missed,
                                           .host = &r->settings->rules};
    oo_rewriter *const rw = oo__rewriter_new(r->model, r->scratch, &settings);
    oo_status status = item->pass->run(rw, r->model, item->options);
    report->rewrites = oo__rewriter_rewrites(rw);
    report->changed = report->rewrites > 0;
    uint32_t n;
    const oo_counter *const counters = oo__rewriter_counters(rw, &n);
    report->counters = oo__malloc(n * sizeof *counters);
    report->ncounters = n;
    if (n)
        memcpy(report->counters, counters, n * sizeof *counters);
    if (oo__rewriter_is_broken(rw) && status == OO_OK)
        status = OO_MISMATCH;
    if (!oo__rewriter_free(rw) && status == OO_OK) {
        oo__report(r->model, OO_ERROR, "pass-open-rewrite", NULL, NULL, NULL, "pass \"%s\" left a rewrite open", item->pass->name);
        status = OO_MISMATCH;
    }
    if (report->changed)
        r->model->properties &= item->pass->keeps;
    return status;
}

static oo_status run_pass(run *r, const oo__item *item) {
    oo_pass_report report = {.name = item->pass->name, .number = r->reports.n + 1, .item = item};
    report.nodes_before = report.nodes_after = r->nodes;
    report.skipped = should_skip(r, &report, item->pass->inexact);
    oo_status status = OO_OK;
    if (report.skipped) {
        announce(r, OO_EVENT_SKIPPED, &report);
    } else {
        announce(r, OO_EVENT_BEFORE, &report);
        const double start = now();
        const bool works = has_work(r, item->pass);
        if (works)
            compute_needed(r->model, item->pass->needs); /* types that are found are no change */
        const uint64_t hash = r->settings->honest ? oo__model_hash(r->model) : 0;
        oo__arena_reset(r->scratch);
        if (works)
            status = execute(r, item, &report);
        report.seconds = now() - start;
        if (report.changed)
            r->nodes = report.nodes_after = oo__count_nodes(r->model);
        if (status == OO_OK && r->settings->honest)
            status = check_honesty(r, &report, hash);
        if (status == OO_OK && r->settings->verify == OO_VERIFY_EACH && report.changed)
            status = verify(r, report.name);
        if (status == OO_OK)
            announce(r, OO_EVENT_AFTER, &report);
    }
    r->changed |= report.changed;
    oo_vec_push(NULL, &r->reports, report);
    return status;
}

/* ---- pipelines ---- */
static oo_status run_items(run *r, const oo__items *items, bool *changed);

static oo_status run_fix(run *r, const oo__item *item, bool *changed) {
    bool again = true;
    for (int64_t i = 0; again; i++) {
        if (i == item->max) {
            oo__report(r->model, OO_WARNING, "fix-limit", NULL, NULL, NULL, "fix(...) still changed the model after %lld iterations",
                       (long long)i);
            return OO_OK;
        }
        again = false;
        OO_TRY(run_items(r, &item->items, &again));
        *changed |= again;
    }
    return OO_OK;
}

static oo_status run_items(run *r, const oo__items *items, bool *changed) {
    for (uint32_t i = 0; i < items->n; i++) {
        const oo__item *const item = items->data[i];
        if (!item->pass) {
            OO_TRY(run_fix(r, item, changed));
            continue;
        }
        OO_TRY(run_pass(r, item));
        *changed |= r->reports.data[r->reports.n - 1].changed;
    }
    return OO_OK;
}

oo_status oo__pipeline_run(oo_run_report *out, const oo_pipeline *pipeline, oo_model *model, const oo_run_settings *settings) {
    run r = {.settings = settings, .model = model, .scratch = oo__arena_new()};
    r.limited = settings->fuel >= 0;
    r.fuel = r.limited ? (uint64_t)settings->fuel : 0;
    collect_interface(&r);
    bool changed = false;
    oo_status status = pipeline->items.n ? oo__model_sort(model) : OO_OK;
    r.nodes = oo__count_nodes(model);
    if (pipeline->items.n && status == OO_OK)
        oo__growth_start(model);
    if (status == OO_OK)
        status = run_items(&r, &pipeline->items, &changed);
    if (status == OO_OK && r.changed && settings->verify == OO_VERIFY_END)
        status = verify(&r, "the last one");
    oo__arena_free(r.scratch);
    oo_vec_free(&r.interface);
    *out = (oo_run_report){.passes = r.reports.data, .npasses = r.reports.n, .changed = r.changed};
    return status;
}

void oo__run_report_free(oo_run_report *report) {
    for (uint32_t i = 0; i < report->npasses; i++)
        free(report->passes[i].counters);
    free(report->passes);
    *report = (oo_run_report){0};
}
