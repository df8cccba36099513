/* A pass that breaks the model: nothing is written but a model and a command that show it, and the exit code is 5. */
#include "cli/broken.h"
#include "cli/checking.h"
#include "ir/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- is it valid? ---- */
static bool is_valid(oo_context *context, oo_model *model) {
    const bool quiet = context->quiet;
    context->quiet = true;
    const bool valid = oo__model_check(model, &(oo_check_settings){.errors_only = true}) == OO_OK;
    context->quiet = quiet;
    return valid;
}

static bool was_valid(const oo_broken *b) {
    oo_model *model;
    if (oo__input_read(&model, b->context, b->input) != OO_OK)
        return false;
    const bool valid = is_valid(b->context, model);
    oo_model_free(model);
    return valid;
}

bool oo__broken_check(const oo_broken *b, oo_model *model) {
    oo__model_name_values(model);
    if (is_valid(b->context, model) || !was_valid(b))
        return true;
    (void)oo__model_check(model, NULL);
    return false;
}

/* ---- which run did it? ---- */
/* The model after the first `limit` runs, NULL when it is broken. */
static oo_model *model_after(const oo_broken *b, uint32_t limit) {
    oo_model *model;
    oo_run_settings run = *b->run;
    oo_run_report report;
    const bool quiet = b->context->quiet;
    run.bisect_limit = limit;
    run.bisect_verbose = run.tell_passed = run.tell_missed = false;
    run.ninstruments = 0;
    b->context->quiet = true;
    bool good = oo__input_read(&model, b->context, b->input) == OO_OK;
    if (good) {
        good = oo__pipeline_run(&report, b->pipeline, model, &run) == OO_OK;
        oo__model_name_values(model);
        good = good && (b->run->verify == OO_VERIFY_OFF || !limit || is_valid(b->context, model) || !was_valid(b));
        oo__run_report_free(&report);
    }
    b->context->quiet = quiet;
    if (good)
        return model;
    oo_model_free(model);
    return NULL;
}

static bool is_good(const oo_broken *b, uint32_t limit) {
    oo_model *const model = model_after(b, limit);
    oo_model_free(model);
    return model != NULL;
}

/* The number of the first run after which it is broken, 0 when this time it is not. */
static uint32_t find_run(const oo_broken *b) {
    uint32_t good = 0, bad = b->report->npasses;
    if (is_good(b, bad))
        return 0;
    while (bad - good > 1) {
        const uint32_t middle = good + (bad - good) / 2;
        *(is_good(b, middle) ? &good : &bad) = middle;
    }
    return bad;
}

/* ---- what is left ---- */
const char *oo__broken_folder(const oo_settings *s) {
    const char *const failed = oo__check_folder(s, s->model);
    return oo__arena_printf(s->arena, "%.*sbroken", (int)(strlen(failed) - strlen("check-failed")), failed);
}

static void put_word(FILE *f, const char *option, const char *word) {
    fprintf(f, " %s '", option);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (const char[]){*word, 0}, f);
    fputc('\'', f);
}

/* The command line that breaks the model again. */
static oo_status write_command(const oo_broken *b, const char *path, const char *pipeline) {
    const oo_settings *const s = b->settings;
    char *text = NULL;
    size_t size = 0;
    FILE *const f = open_memstream(&text, &size);
    if (!f)
        oo__oom(0);
    fputs("onnxopt", f);
    for (uint32_t i = 0; i < s->loads.n; i++)
        put_word(f, "--load", s->loads.data[i]);
    for (uint32_t i = 0; i < s->disabled.n; i++)
        put_word(f, "--disable", s->disabled.data[i]);
    if (s->target)
        put_word(f, "--target", s->target);
    put_word(f, "-p", pipeline);
    fprintf(f, "%s%s -n model.onnx\n", s->exact ? " --exact" : "", s->honest ? " --honest" : "");
    fclose(f);
    const oo_status status = oo__text_to_file(b->context, path, text, size);
    free(text);
    return status;
}

static oo_status make_folder(const oo_broken *b, const char *path) {
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return OO_OK;
    oo__file_error(b->context, "file-write", path, -1, "the folder cannot be made: %s", strerror(errno));
    return OO_IO;
}

static oo_status write_all(const oo_broken *b, const char *folder, oo_model *model, const char *pipeline) {
    oo_arena *const arena = b->settings->arena;
    if (b->settings->dump_dir)
        OO_TRY(make_folder(b, b->settings->dump_dir));
    OO_TRY(make_folder(b, folder));
    OO_TRY(oo_model_save(model, oo__arena_printf(arena, "%s/model.onnx", folder), NULL));
    return write_command(b, oo__arena_printf(arena, "%s/command", folder), pipeline);
}

void oo__broken_write(const oo_broken *b) {
    const uint32_t run = find_run(b);
    oo_model *const model = model_after(b, run ? run - 1 : 0);
    char *const pipeline = run ? oo__pass_print(&b->report->passes[run - 1]) : oo__pipeline_print(b->pipeline);
    const char *const folder = oo__broken_folder(b->settings);
    const oo_diag place = {.severity = OO_ERROR, .code = "pass-broken", .file = b->settings->model, .offset = -1};
    const char *const who = run ? oo__arena_printf(b->settings->arena, "run %u, pass \"%s\",", run, b->report->passes[run - 1].name) : "the pipeline";
    if (model && write_all(b, folder, model, pipeline) == OO_OK)
        oo__diag(b->context, place, "%s broke the model, which is a bug; nothing was written but the model before it and the command that shows it: %s",
                 who, folder);
    else
        oo__diag(b->context, place, "%s broke the model, which is a bug; nothing was written", who);
    free(pipeline);
    oo_model_free(model);
}

/* ---- crashes ---- */
void oo__broken_prepare(const oo_settings *s, const oo_pipeline *pipeline) {
    const char *const folder = oo__broken_folder(s), *const model = oo__arena_printf(s->arena, "%s/model.onnx", folder);
    oo_words words = {0};
    if (strcmp(s->model, "-") == 0)
        return;
    char *const text = oo__pipeline_print(pipeline);
    const char *const fixed[] = {"onnxopt", "-q", "--verify=off", "--emit=onnx", "-p", oo__arena_copy(s->arena, text, strlen(text)), "-o", model, "--bisect-limit"};
    free(text);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        oo_vec_push(s->arena, &words, fixed[i]);
    const uint32_t limit = words.n;
    oo_vec_push(s->arena, &words, NULL);
    for (uint32_t i = 0; i < s->loads.n + s->disabled.n; i++) {
        oo_vec_push(s->arena, &words, i < s->loads.n ? "--load" : "--disable");
        oo_vec_push(s->arena, &words, i < s->loads.n ? s->loads.data[i] : s->disabled.data[i - s->loads.n]);
    }
    if (s->plugin_dir) {
        oo_vec_push(s->arena, &words, "--plugin-dir");
        oo_vec_push(s->arena, &words, s->plugin_dir);
    }
    if (s->target) {
        oo_vec_push(s->arena, &words, "--target");
        oo_vec_push(s->arena, &words, s->target);
    }
    if (s->exact)
        oo_vec_push(s->arena, &words, "--exact");
    oo_vec_push(s->arena, &words, "--");
    oo_vec_push(s->arena, &words, s->model);
    oo_vec_push(s->arena, &words, NULL);
    words.data[limit] = oo__signals_reproduce(words.data, folder, model);
}
