/* What two models compute, compared on random inputs: --check, and onnxopt diff --numeric. */
#include "cli/checking.h"
#include "passes/reproducer.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* ---- progress on a terminal ---- */
typedef struct progress {
    FILE *file; /* NULL = none is shown */
    double begin, last;
    bool shown;
} progress;

static void show_progress(void *user, uint32_t done, uint32_t sets, double part) {
    progress *const p = user;
    const double now = oo__now();
    if (!p->file || now - p->begin < 1 || now - p->last < 0.1)
        return;
    p->last = now;
    p->shown = true;
    fprintf(p->file, "\r\033[Kchecking: input set %u of %u, %.0f %%", done + 1, sets, part * 100);
    fflush(p->file);
}

static void end_progress(const progress *p) {
    if (p->shown)
        fputs("\r\033[K", p->file);
}

/* ---- settings ---- */
static oo_status read_dims(const oo_checking *ch, const oo_model *model, oo_compare_settings *out) {
    const oo_words *const words = &ch->settings->compare.dims;
    oo_named_dim *const dims = OO_NEW_ARRAY(ch->settings->arena, oo_named_dim, words->n);
    for (uint32_t i = 0; i < words->n; i++) {
        const char *const pair = words->data[i], *const sign = strrchr(pair, '=');
        dims[i].name = oo__arena_copy(ch->settings->arena, pair, (size_t)(sign - pair));
        oo__parse_count(&dims[i].size, sign + 1);
        if (oo__model_has_dim(model, dims[i].name))
            continue;
        oo__usage_error(ch->context, "no input has a dimension \"%s\"", oo__printable(dims[i].name, strlen(dims[i].name)));
        return OO_UNSUPPORTED;
    }
    out->dims = dims;
    out->ndims = words->n;
    return OO_OK;
}

static oo_limits limits_of(const oo_compare_options *o) {
    const bool given = o->rtol >= 0 || o->atol >= 0;
    return (oo_limits){.elementwise = given, .rtol = fmax(o->rtol, 0), .atol = fmax(o->atol, 0)};
}

const char *oo__check_folder(const oo_settings *s, const char *model) {
    if (s->dump_dir)
        return oo__arena_printf(s->arena, "%s/check-failed", s->dump_dir);
    if (strcmp(model, "-") == 0)
        return "stdin.check-failed";
    return oo__arena_printf(s->arena, "%.*s.check-failed", (int)oo__model_stem(model), model);
}

/* ---- comparing ---- */
oo_status oo__checking_compare(oo_compare_report *out, const oo_checking *ch, oo_model *before, oo_model *after, uint32_t only) {
    const oo_compare_options *const o = &ch->settings->compare;
    *out = (oo_compare_report){0};
    progress p = {.begin = oo__now()};
    p.file = !ch->printer->json && !ch->printer->quiet && isatty(fileno(ch->printer->file)) ? ch->printer->file : NULL;
    oo_compare_settings settings = {
        .sets = (uint32_t)o->sets, .only = only, .seed = (uint64_t)o->seed, .limits = limits_of(o), .progress = show_progress, .user = &p};
    OO_TRY(read_dims(ch, before, &settings));
    OO_TRY(oo__model_sort(before));
    OO_TRY(oo__model_sort(after));
    const oo_status status = oo__compare_models(out, before, after, &settings);
    end_progress(&p);
    return status;
}

/* ---- telling ---- */
/* "the outputs agree on 3 of 4 input sets, on 1 of them but for ties ...; largest error 2.1e-07 of an output's scale" */
static void tell_agreement(const oo_checking *ch, const oo_compare_report *r, oo_model *after) {
    oo_arena *const arena = ch->settings->arena;
    const uint32_t ties = r->counts[OO_COMPARE_TIE], rounding = r->counts[OO_COMPARE_ROUNDING];
    const char *text = oo__arena_printf(arena, "the outputs agree on %u of %u input sets", r->ran, r->sets);
    if (ties)
        text = oo__arena_printf(arena, "%s, on %u of them but for ties: ArgMax, TopK and the like choose between values as good as equal",
                                text, ties);
    if (rounding)
        text = oo__arena_printf(arena, "%s, on %u of them but for rounding that the model enlarges, to %.2g of an output's scale", text,
                                rounding, r->loose);
    if (r->ran > ties + rounding)
        text = r->error > 0 ? oo__arena_printf(arena, "%s; largest error %.2g of an output's scale", text, r->error)
                            : oo__arena_printf(arena, "%s; all numbers are equal", text);
    if (r->drawn)
        text = oo__arena_printf(arena, "%s; %u output%s, which random operators decide, by type and shape only", text, r->drawn,
                                r->drawn > 1 ? "s" : "");
    oo__report(after, OO_NOTE, "check-done", NULL, NULL, NULL, "%s", text);
}

static void tell_skipped(const oo_compare_report *r, oo_model *before) {
    const uint32_t skipped = r->counts[OO_COMPARE_SKIPPED];
    if (skipped && r->ran)
        oo__report(before, OO_WARNING, "check-skipped", NULL, NULL, NULL,
                   "%u of %u input sets were skipped: the original model does not run on them: %s", skipped, r->sets, r->skip_reason);
    else if (skipped)
        oo__report(before, OO_ERROR, "check-nothing", NULL, NULL, NULL,
                   "nothing was checked: the original model runs on none of %u input sets, so nothing is known of the result: %s", r->sets,
                   r->skip_reason);
}

/* A message at a node, value or both, about a rewrite. */
static void tell_at(const oo_model *model, const char *code, const oo_node *node, const oo_value *value, const oo_rewrite *by,
                    const char *format, ...) OO_PRINTF(6, 7);
static void tell_at(const oo_model *model, const char *code, const oo_node *node, const oo_value *value, const oo_rewrite *by,
                    const char *format, ...) {
    oo_arena *const arena = oo__arena_new();
    const oo_diag diag = {.severity = OO_ERROR,
                          .code = code,
                          .file = model->path,
                          .graph = node ? oo__graph_path(node->graph, arena) : NULL,
                          .node = node ? oo__node_label(node, arena) : NULL,
                          .op = node ? node->op->name : NULL,
                          .value = value ? oo_value_name(value) : NULL,
                          .pass = by ? by->pass : NULL,
                          .rule = by ? by->rule : NULL,
                          .offset = -1};
    va_list args;
    va_start(args, format);
    oo__diag_v(model->context, diag, format, args);
    va_end(args);
    oo__arena_free(arena);
}

/* The rewrite that made or last changed a node. */
static const oo_rewrite *rewrite_of(const oo_model *model, const oo_node *node) {
    for (uint32_t i = model->history.n; i-- > 0;) {
        const oo_rewrite *const r = &model->history.data[i];
        for (uint32_t k = 0; k < r->nadded + r->nchanged; k++)
            if ((k < r->nadded ? r->added[k] : r->changed[k - r->nadded]) == node->id)
                return r;
    }
    return NULL;
}

static void tell_first(const oo_compare_failure *f, const oo_model *after) {
    const oo_rewrite *const by = f->node ? rewrite_of(after, f->node) : NULL;
    const char *const from = by ? oo__arena_printf(after->arena, ", from rewrite %u", (unsigned)(by - after->history.data) + 1) : "";
    if (f->node && f->stops)
        tell_at(after, "check-first", f->node, NULL, by, "the node that does not run%s", from);
    else if (f->value)
        tell_at(after, "check-first", f->node, f->value, by, "the first value that differs%s", from);
}

void oo__checking_write(const oo_checking *ch, const oo_compare_failure *f, oo_model *before, oo_model *after) {
    if (oo__reproducer_write(ch->context, ch->folder, before, after, f) != OO_OK)
        return;
    oo__diag(ch->context, (oo_diag){.severity = OO_ERROR, .code = "check-part", .file = ch->folder, .offset = -1},
             "%s: model.onnx before, rewritten.onnx after, with inputs and what model.onnx computes in test_data_set_0",
             f->goal_a ? "the smallest part that differs is here" : "both models are here");
}

static void print_json(const oo_checking *ch, const oo_compare_report *r) {
    const bool wrong = r->failure.text != NULL;
    oo__print_compared_json(ch->printer, &(oo_compared){.verdict = wrong    ? "differ"
                                                                   : r->ran ? "agree"
                                                                            : "unknown",
                                                        .sets = r->sets,
                                                        .ran = r->ran,
                                                        .equal = r->counts[OO_COMPARE_EQUAL],
                                                        .close = r->counts[OO_COMPARE_CLOSE],
                                                        .rounding = r->counts[OO_COMPARE_ROUNDING],
                                                        .ties = r->counts[OO_COMPARE_TIE],
                                                        .wrong = r->counts[OO_COMPARE_WRONG],
                                                        .skipped = r->counts[OO_COMPARE_SKIPPED],
                                                        .error = r->error,
                                                        .folder = wrong && !r->interface ? ch->folder : NULL});
}

void oo__checking_tell(const oo_checking *ch, const oo_compare_report *r, oo_model *before, oo_model *after, const char *when) {
    const oo_compare_failure *const f = &r->failure;
    tell_skipped(r, before);
    if (r->interface)
        oo__report(after, OO_ERROR, "check-interface", NULL, NULL, NULL, "%s%s: nothing was run", when, f->text);
    else if (f->text)
        oo__report(after, OO_ERROR, "check-failed", NULL, NULL, NULL, "%sinput set %u: %s", when, f->set, f->text);
    else if (r->ran)
        tell_agreement(ch, r, after);
    if (ch->printer->json)
        print_json(ch, r);
}

oo_status oo__checking_run(const oo_checking *ch, oo_model *before, oo_model *after) {
    oo_compare_report report;
    const oo_status status = oo__checking_compare(&report, ch, before, after, 0);
    oo__checking_tell(ch, &report, before, after, "");
    if (report.counts[OO_COMPARE_WRONG]) {
        oo__model_name_values(after);
        tell_first(&report.failure, after);
        oo__checking_write(ch, &report.failure, before, after);
    }
    oo__compare_report_free(&report);
    return status;
}

/* ---- a rewrite that was found ---- */
static const oo_node *node_of(const oo_model *model, uint32_t id) {
    oo_for_each_graph(graph, model) {
        for (const oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node))
            if (node->id == id)
                return node;
    }
    return NULL;
}

void oo__checking_tell_rewrite(const oo_model *model, const char *pass, uint32_t run) {
    const oo_rewrite *const r = &model->history.data[model->history.n - 1];
    const oo_node *node = NULL;
    for (uint32_t k = 0; k < r->nadded + r->nchanged && !node; k++)
        node = node_of(model, k < r->nadded ? r->added[r->nadded - 1 - k] : r->changed[k - r->nadded]);
    tell_at(model, "check-rewrite", node, NULL, r, "rewrite %u made the model wrong, in run %u (%s)%s", model->history.n, run, pass,
            node ? "; this is what it left" : "");
}
