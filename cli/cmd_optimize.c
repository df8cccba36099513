/* The command: read a model, run a pipeline over it, write it. */
#include "cli/broken.h"
#include "cli/checking.h"
#include "ir/infer.h"
#include "passes/aliases.h"
#include "passes/rule_base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One run, from the command line to the exit code. */
typedef struct job {
    const oo_settings *settings;
    oo_context *context;
    const oo_printer *printer;
    oo_pipeline *pipeline;
    oo_rulebase *rules;
    oo_words disabled; /* passes, rules and groups; what --disable says in other optimizers' words is translated */
    oo_input input;
    const oo_registry *registry;
    oo_model *model, *before; /* before: the model as read, for pictures */
    oo_run_report report;
    oo_run_settings run;
    oo_check_each each; /* of --check-each */
    oo_result result;
    bool as_text;
} job;

/* model.onnx -> model.opt.onnx, beside it; standard input goes to standard output. */
static const char *default_output(const oo_settings *s, bool as_text) {
    if (strcmp(s->model, "-") == 0)
        return "-";
    return oo__arena_printf(s->arena, "%.*s.opt.%s", (int)oo__model_stem(s->model), s->model, as_text ? "onnxtxt" : "onnx");
}

/* Where and how to write. */
static oo_status plan_output(job *j) {
    const oo_settings *const s = j->settings;
    j->as_text = oo__writes_text(s, s->output);
    if (s->dry_run)
        return OO_OK;
    j->result.output = s->output ? s->output : default_output(s, j->as_text);
    if (strcmp(j->result.output, "-") == 0 && !j->as_text && isatty(STDOUT_FILENO)) {
        oo__usage_error(j->context, "a binary model is not written to a terminal; name a file with -o, or add --emit=text");
        return OO_INVALID;
    }
    return OO_OK;
}

/* ---- what does not run ---- */
typedef struct names {
    oo_arena *arena;
    oo_words *words;
} names;

static void add_name(void *state, const char *name) {
    const names *const n = state;
    oo_vec_push(n->arena, n->words, name);
}

static oo_status disable(job *j, const oo_registry *registry, const char *word) {
    oo_arena *const arena = j->settings->arena;
    const size_t n = strcspn(word, "#");
    char *const text = oo__arena_copy(arena, word, strlen(word)), *const name = oo__arena_copy(arena, word, n);
    for (size_t i = 0; i < n; i++)
        if (word[i] == '_')
            text[i] = name[i] = '-';
    oo_rulebase *const rules = oo__registry_rules(registry);
    const bool is_pass = oo__registry_find(registry, name), is_rule = oo__rulebase_has(rules, name);
    /* What another optimizer spells exactly so may be more than the one rule of ours that is called alike. */
    const oo_alias *const alias = is_pass ? NULL : oo__alias_find(word, is_rule);
    if (alias) {
        oo__alias_each(alias, arena, add_name, &(names){arena, &j->disabled});
        return OO_OK;
    }
    if (is_pass || is_rule) {
        oo_vec_push(arena, &j->disabled, text);
        return OO_OK;
    }
    const char *near = oo__registry_suggest(registry, name);
    near = near ? near : oo__rulebase_suggest(rules, name);
    near = near ? near : oo__alias_suggest(name);
    oo__usage_error(j->context, "--disable: there is no pass or rule \"%s\"%s%s%s", oo__printable(word, n), near ? "; did you mean " : "",
                    near ? near : "", near ? "?" : "");
    return OO_INVALID;
}

/* The rules of files go first: they were written for the model as it is. */
static const char *with_rules(const oo_settings *s, const char *pipeline) {
    for (uint32_t i = s->rule_files.n; i-- > 0;)
        pipeline = oo__arena_printf(s->arena, "rules{file=\"%s\" level=3}%s%s", s->rule_files.data[i], *pipeline ? "," : "", pipeline);
    return pipeline;
}

/* --io-layout: the first pass, so that all others see the new order. */
static void add_io_layout(oo_pipeline *pipeline, const oo_settings *s, const oo_registry *registry) {
    const char *const keys[] = {"layouts"}, *const values[] = {s->io_layout};
    if (*s->io_layout)
        oo__pipeline_add(pipeline, registry, "convert-io", true, keys, values, 1);
}

/* --strip: the last pass but what declares shapes. */
static void add_strip(oo_pipeline *pipeline, const oo_settings *s, const oo_registry *registry) {
    static const char *const keys[] = {"docs", "metadata", "shapes", "names"};
    const char *values[4];
    for (uint32_t i = 0; i < 4; i++)
        values[i] = s->strip >> i & 1 ? "true" : "false";
    if (s->strip)
        oo__pipeline_add(pipeline, registry, "strip", false, keys, values, 4);
}

static bool has_option(const oo_pass *pass, const char *name) {
    for (uint32_t i = 0; i < pass->noptions; i++)
        if (strcmp(pass->options[i].name, name) == 0)
            return true;
    return false;
}

/* --max-growth: of every pass that asks how far the file may grow. */
static void bound_growth(oo_pipeline *pipeline, const oo_registry *registry, const char *bytes) {
    for (uint32_t i = 0; i < oo__registry_count(registry); i++) {
        const oo_pass *const pass = oo__registry_at(registry, i, NULL);
        if (!has_option(pass, "limit") || !has_option(pass, "percent"))
            continue;
        oo__pipeline_set(pipeline, pass->name, "limit", bytes);
        oo__pipeline_set(pipeline, pass->name, "percent", "0");
    }
}

static oo_status plan(job *j, const oo_registry *registry) {
    const oo_settings *const s = j->settings;
    j->registry = registry;
    for (uint32_t i = 0; i < s->disabled.n; i++)
        OO_TRY(disable(j, registry, s->disabled.data[i]));
    const int level = s->level >= 0 ? s->level : 2;
    const char *const text = s->pipeline ? s->pipeline : oo__pipeline_of_level(level);
    const char *const origin = s->pipeline ? "-p" : oo__arena_printf(s->arena, "-O%s", oo__level_name(level));
    j->rules = oo__registry_rules(registry);
    OO_TRY(oo__pipeline_parse(&j->pipeline, j->context, registry, with_rules(s, text), origin));
    add_strip(j->pipeline, s, registry);
    add_io_layout(j->pipeline, s, registry);
    if (s->freeze_defaults)
        oo__pipeline_add(j->pipeline, registry, "freeze-defaults", true, NULL, NULL, 0);
    if (s->max_growth)
        bound_growth(j->pipeline, registry, s->max_growth);
    if (s->exact)
        oo__pipeline_keep_exact(j->pipeline);
    oo__pipeline_add_shapes(j->pipeline, s, registry);
    return OO_OK;
}

static bool checks(const oo_settings *s) { return s->compare.sets > 0; }

static oo_status prepare_checks(job *j) {
    const oo_settings *const s = j->settings;
    j->each.checking = (oo_checking){.settings = s, .context = j->context, .printer = j->printer};
    if (checks(s))
        j->each.checking.folder = oo__check_folder(s, s->model);
    if (!s->compare.each)
        return OO_OK;
    OO_TRY(oo__input_read(&j->before, j->context, &j->input));
    j->each.before = j->before;
    return OO_OK;
}

/* Else nothing would say why so little is done for such a model. */
static void tell_defaults(const job *j) {
    const oo_graph *const graph = j->model->graph;
    const uint32_t n = graph ? oo_graph_ninputs(graph) : 0;
    uint32_t defaults = 0;
    for (uint32_t i = 0; i < n; i++)
        defaults += oo_value_is_initializer(oo_graph_input(graph, i));
    if (defaults && j->report.npasses)
        oo__report(j->model, OO_NOTE, "default-inputs", NULL, NULL, NULL,
                   "%u of %u inputs have a default that callers may override, so it is not constant: --freeze-defaults makes it so", defaults, n);
}

/* What Transposes move in the model as it was read: nothing of what this finds out is left behind. */
static void measure_before(job *j) {
    oo__infer_proofs(j->model);
    j->result.moved_before = oo__moved_bytes(j->model);
    oo__infer_restart(j->model);
}

static void measure_after(job *j) {
    oo__infer_proofs(j->model);
    j->result.moved_after = oo__moved_bytes(j->model);
    j->result.moved = true;
}

static oo_status run_passes(job *j) {
    const oo_settings *const s = j->settings;
    oo_watch watch = {.settings = s, .printer = j->printer, .context = j->context};
    const oo_instrument instruments[] = {oo__watch, oo__check_each};
    void *const users[] = {&watch, &j->each};
    j->run = (oo_run_settings){.verify = s->verify,
                               .honest = s->honest,
                               .disabled = j->disabled.data,
                               .ndisabled = j->disabled.n,
                               .bisect_limit = s->bisect_limit,
                               .bisect_verbose = s->bisect_limit >= 0,
                               .fuel = s->fuel,
                               .tell_passed = s->tell_passed,
                               .tell_missed = s->tell_missed,
                               .rules = {.base = j->rules,
                                         .target = s->target,
                                         .exact = s->exact,
                                         .allow_opset = s->allow_opset,
                                         .disabled = j->disabled.data,
                                         .ndisabled = j->disabled.n},
                               .instruments = instruments,
                               .users = users,
                               .ninstruments = s->compare.each ? 2 : 1};
    oo__watch_start(&watch, j->model);
    oo__broken_prepare(s, j->pipeline);
    j->result.nodes_before = oo__count_nodes(j->model);
    if (s->stats)
        measure_before(j);
    const oo_status status = oo__pipeline_run(&j->report, j->pipeline, j->model, &j->run);
    j->run.ninstruments = 0;
    j->result.changed = j->report.changed;
    j->result.nodes_after = j->result.changed ? oo__count_nodes(j->model) : j->result.nodes_before;
    j->result.ran = true;
    oo__watch_end(&watch);
    tell_defaults(j);
    if (s->stats && status == OO_OK)
        measure_after(j);
    if (!j->printer->json && s->time)
        oo__print_times(j->printer->file, &j->report);
    if (!j->printer->json && s->stats)
        oo__print_stats(j->printer->file, &j->report, &j->result);
    return status != OO_OK ? status : watch.status;
}

static oo_status write_model(job *j) {
    if (j->settings->dry_run)
        return OO_OK;
    return oo__write_model(j->settings, j->context, j->model, j->result.output, j->as_text, &j->result.bytes_after);
}

/* The model as it was, read again while the file is still the old one: the output may replace it. */
static oo_status read_before(job *j) {
    const oo_settings *const s = j->settings;
    const bool wanted = s->review || ((s->dot || s->svg || checks(s)) && j->report.changed);
    if (!wanted || j->before)
        return OO_OK;
    return oo__input_read(&j->before, j->context, &j->input);
}

/* With --io-layout, the result is compared with the model as read behind Transposes. */
static oo_status convert_before(const job *j) {
    if (!*j->settings->io_layout)
        return OO_OK;
    oo_pipeline *pipeline;
    OO_TRY(oo__pipeline_parse(&pipeline, j->context, j->registry, "", "--check"));
    add_io_layout(pipeline, j->settings, j->registry);
    const oo_run_settings settings = {.bisect_limit = -1, .fuel = -1};
    oo_run_report report;
    const oo_status status = oo__pipeline_run(&report, pipeline, j->before, &settings);
    oo__run_report_free(&report);
    oo__pipeline_free(pipeline);
    return status;
}

/* OO_MISMATCH: the result is wrong, or nothing is known of it. */
static oo_status check_result(job *j) {
    if (!checks(j->settings))
        return OO_OK;
    if (!j->report.changed) {
        oo__report(j->model, OO_NOTE, "check-done", NULL, NULL, NULL, "no pass changed anything: there is nothing to check");
        return OO_OK;
    }
    OO_TRY(convert_before(j));
    return j->settings->compare.each ? oo__check_each_end(&j->each, j->pipeline, &j->run, &j->input, j->model)
                                   : oo__checking_run(&j->each.checking, j->before, j->model);
}

static bool draws(const oo_settings *s) { return s->dot || s->svg || s->review; }

static bool is_sound(const job *j, const oo_broken *broken) {
    return !j->report.changed || j->settings->verify == OO_VERIFY_OFF || oo__broken_check(broken, j->model);
}

/* From the open input to the written output. */
static oo_exit process(job *j) {
    if (oo__input_read(&j->model, j->context, &j->input) != OO_OK || prepare_checks(j) != OO_OK)
        return OO_EXIT_INPUT;
    const oo_broken broken = {.settings = j->settings, .context = j->context, .input = &j->input, .pipeline = j->pipeline, .run = &j->run,
                              .report = &j->report};
    const oo_status status = run_passes(j);
    if (status == OO_MISMATCH || (status == OO_OK && !is_sound(j, &broken))) {
        oo__broken_write(&broken);
        return OO_EXIT_BROKEN;
    }
    if (status != OO_OK || read_before(j) != OO_OK)
        return OO_EXIT_FAILED;
    const oo_status checked = check_result(j);
    if (checked != OO_OK)
        return checked == OO_UNSUPPORTED ? OO_EXIT_USAGE : checked == OO_MISMATCH ? OO_EXIT_CHECK : OO_EXIT_FAILED;
    if (write_model(j) != OO_OK)
        return OO_EXIT_FAILED;
    if (draws(j->settings) && oo__draw_pictures(j->settings, j->context, j->before, j->model) != OO_OK)
        return OO_EXIT_FAILED;
    return OO_EXIT_DONE;
}

static int print_pipeline(const job *j) {
    char *const text = oo__pipeline_print(j->pipeline);
    puts(text);
    free(text);
    return OO_EXIT_DONE;
}

static oo_exit start(job *j, const oo_registry *registry) {
    if (plan(j, registry) != OO_OK)
        return OO_EXIT_USAGE;
    if (j->settings->print_pipeline)
        return (oo_exit)print_pipeline(j);
    if (plan_output(j) != OO_OK)
        return OO_EXIT_USAGE;
    if (oo__input_open(&j->input, j->context, j->settings->model) != OO_OK)
        return OO_EXIT_INPUT;
    j->result.bytes_before = j->input.size;
    return process(j);
}

oo_exit oo__cmd_optimize(const oo_settings *settings, oo_context *context, const oo_printer *printer, oo_registry *registry) {
    const double begin = oo__now();
    job j = {.settings = settings, .context = context, .printer = printer};
    j.result = (oo_result){.input = settings->model, .bytes_before = -1, .bytes_after = -1};
    const oo_exit code = start(&j, registry);
    j.result.exit = code;
    if (code != OO_EXIT_DONE)
        j.result.output = NULL;
    j.result.seconds = oo__now() - begin;
    if (!settings->print_pipeline)
        oo__print_result(printer, &j.result);
    oo__run_report_free(&j.report);
    oo__pipeline_free(j.pipeline);
#ifdef OO_DEBUG /* the system takes the memory of a process that ends back faster; debug builds let leaks be seen */
    oo_model_free(j.before);
    oo_model_free(j.model);
    oo__input_close(&j.input);
#endif
    return code;
}
