/* What is shown around every pass: changes, dumps, progress lines. */
#include "cli/cli.h"
#include "cli/duration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Tensors of more elements are shown as a hash: a diff is about the graph. */
static const oo_print_options shown = {.elide = 16};

oo_status oo__text_to_file(oo_context *context, const char *path, const char *text, size_t size) {
    oo_output *output;
    OO_TRY(oo__output_open(&output, context, path));
    oo__output_write(output, text, size);
    return oo__output_commit(output);
}

static void dump(oo_watch *w, uint32_t number, const char *name, const char *text) {
    if (w->status != OO_OK)
        return;
    const size_t room = strlen(w->settings->dump_dir) + strlen(name) + 32;
    char *const path = oo__malloc(room);
    snprintf(path, room, "%s/%03u-%s.onnxtxt", w->settings->dump_dir, number, name);
    w->status = oo__text_to_file(w->context, path, text, strlen(text));
    free(path);
}

static void put_change(const oo_watch *w, const oo_pass_report *report, const char *text) {
    char *const diff = oo__text_diff(w->text, text, 2);
    FILE *const f = w->printer->file;
    const bool color = w->printer->color;
    fprintf(f, "%s*** run %u: %s: %u rewrite%s ***%s\n", color ? "\033[1m" : "", report->number, report->name, report->rewrites,
            report->rewrites == 1 ? "" : "s", color ? "\033[0m" : "");
    for (const char *line = diff; *line;) {
        const size_t size = strcspn(line, "\n");
        const char *const paint = !color ? "" : *line == '-' ? "\033[31m" : *line == '+' ? "\033[32m" : *line == '@' ? "\033[36m" : "";
        fprintf(f, "%s%.*s%s\n", paint, (int)size, line, *paint ? "\033[0m" : "");
        line += size + (line[size] == '\n');
    }
    free(diff);
}

static void put_progress(const oo_watch *w, const oo_pass_report *r) {
    char took[OO_DURATION_SIZE];
    if (r->skipped)
        fprintf(w->printer->file, "run %u: %s: skipped\n", r->number, r->name);
    else
        fprintf(w->printer->file, "run %u: %s: %u rewrite%s, nodes %lld -> %lld, %s\n", r->number, r->name, r->rewrites,
                r->rewrites == 1 ? "" : "s", (long long)r->nodes_before, (long long)r->nodes_after, oo__duration(took, r->seconds));
}

void oo__watch_start(oo_watch *w, oo_model *model) {
    if (!w->settings->print_changed && !w->settings->dump_dir)
        return;
    w->text = oo_model_print(model, &shown);
    if (!w->settings->dump_dir)
        return;
    if (mkdir(w->settings->dump_dir, 0777) != 0 && errno != EEXIST) {
        oo__file_error(w->context, "file-write", w->settings->dump_dir, -1, "the folder cannot be made: %s", strerror(errno));
        w->status = OO_IO;
    }
    dump(w, 0, "input", w->text);
}

void oo__watch(void *user, oo_event event, const oo_pass_report *report, oo_model *model) {
    oo_watch *const w = user;
    oo__signals_running(event == OO_EVENT_BEFORE ? report->name : NULL, report->number);
    if (event == OO_EVENT_BEFORE)
        return;
    if (w->printer->json)
        oo__print_pass_json(w->printer, report);
    else if (w->settings->verbose)
        put_progress(w, report);
    if (!report->changed || !w->text)
        return;
    char *const text = oo_model_print(model, &shown);
    if (w->settings->print_changed && !w->printer->json)
        put_change(w, report, text);
    if (w->settings->dump_dir)
        dump(w, report->number, report->name, text);
    free(w->text);
    w->text = text;
}

void oo__watch_end(oo_watch *w) {
    oo__signals_running(NULL, 1);
    free(w->text);
    w->text = NULL;
}
