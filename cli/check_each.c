/* --check-each: which pass, and which of its rewrites, made the model wrong. */
#include "cli/checking.h"
#include "passes/find_rewrite.h"

static bool is_wrong(const oo_compare_report *report) { return report->counts[OO_COMPARE_WRONG] || report->interface; }

void oo__check_each(void *user, oo_event event, const oo_pass_report *report, oo_model *model) {
    oo_check_each *const each = user;
    if (event != OO_EVENT_AFTER || !report->changed)
        return;
    const uint64_t before = each->rewrites;
    each->rewrites += report->rewrites;
    if (each->run || each->status == OO_UNSUPPORTED)
        return;
    oo__compare_report_free(&each->report);
    each->status = oo__checking_compare(&each->report, &each->checking, each->before, model, 0);
    if (!is_wrong(&each->report))
        return;
    each->run = report->number;
    each->pass = report->name;
    each->good = before;
    each->bad = each->rewrites;
}

/* ---- the rewrite ---- */
typedef struct search {
    const oo_check_each *each;
    const oo_input *input;
} search;

static oo_status read_model(void *user, oo_model **out) {
    const search *const s = user;
    return oo__input_read(out, s->each->checking.context, s->input);
}

/* On the input set that showed it. */
static bool still_wrong(void *user, oo_model *model) {
    const search *const s = user;
    oo_compare_report report;
    oo__checking_compare(&report, &s->each->checking, s->each->before, model, s->each->report.failure.set);
    const bool wrong = is_wrong(&report);
    oo__compare_report_free(&report);
    return wrong;
}

/* Between the models before and after the rewrite; else, where the error only shows together with earlier ones, against the model as read. */
static void write_difference(const oo_check_each *each, oo_model *before, oo_model *after) {
    for (int attempt = 0; attempt < 2; attempt++) {
        oo_model *const from = attempt == 0 ? before : each->before;
        oo_compare_report report;
        oo__checking_compare(&report, &each->checking, from, after, each->report.failure.set);
        const bool wrong = report.counts[OO_COMPARE_WRONG] > 0;
        if (wrong)
            oo__checking_write(&each->checking, &report.failure, from, after);
        oo__compare_report_free(&report);
        if (wrong)
            return;
    }
}

static void find(oo_check_each *each, const oo_pipeline *pipeline, const oo_run_settings *run, const oo_input *input, oo_model *after) {
    search s = {each, input};
    const oo_rewrite_search settings = {.pipeline = pipeline,
                                        .run = run,
                                        .last_run = each->run,
                                        .good = each->good,
                                        .bad = each->bad,
                                        .read = read_model,
                                        .is_wrong = still_wrong,
                                        .user = &s};
    oo_model *good, *bad;
    if (oo__find_rewrite(&good, &bad, &settings) != OO_OK) {
        oo__report(after, OO_ERROR, "check-rewrite", NULL, NULL, NULL,
                   "run %u (%s) made the model wrong, but not when it ran again: its rewrite is not known, the pass does not do the same "
                   "each time",
                   each->run, each->pass);
        return;
    }
    oo__model_name_values(bad);
    oo__checking_tell_rewrite(bad, each->pass, each->run);
    write_difference(each, good, bad);
    oo_model_free(good);
    oo_model_free(bad);
}

oo_status oo__check_each_end(oo_check_each *each, const oo_pipeline *pipeline, const oo_run_settings *run, const oo_input *input,
                             oo_model *after) {
    const char *const when =
        each->run ? oo__arena_printf(each->checking.settings->arena, "after run %u (%s): ", each->run, each->pass) : "";
    oo__checking_tell(&each->checking, &each->report, each->before, after, when);
    if (each->run)
        find(each, pipeline, run, input, after);
    oo__compare_report_free(&each->report);
    return each->status;
}
