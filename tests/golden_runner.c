/* Golden tests. A case is one file that onnx.parser can read too:
 *
 *     # passes: a,b{option=1}
 *     <ir_version: 8, ...> main (...) => (...) { ... }
 *     # =>
 *     the model after the passes, as the printer writes it
 *
 * usage: golden_runner [--update] FILE_OR_FOLDER...
 * Exits 1 when a result differs from what its file says; --update writes the results into the files instead. */
#include "cli/cli.h"
#include "io/io.h"
#include "passes/manager.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MARK[] = "\n# =>\n";

typedef struct golden_case {
    const char *path;
    char *text;   /* the whole file */
    size_t head;  /* bytes up to and including the line "# =>" */
    size_t model; /* bytes of the model's part */
    char *passes;
} golden_case;

/* Diagnostics go into the report of the case. */
static void collect(void *user, const oo_diag *d) {
    FILE *const f = user;
    if (d->severity < OO_WARNING)
        return;
    fprintf(f, "  %s", d->file ? d->file : "");
    if (d->line)
        fprintf(f, ":%u:%u", d->line, d->column);
    fprintf(f, ": %s%s%s%s [%s]\n", d->node ? "node " : "", d->node ? d->node : "", d->node ? ": " : "", d->text,
            d->code);
    if (d->source_line)
        fprintf(f, "  %s\n  %*s^\n", d->source_line, (int)d->column - 1, "");
}

static char *read_whole(const char *path) {
    FILE *const f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = NULL;
    size_t size = 0, got;
    char block[4096];
    while ((got = fread(block, 1, sizeof block, f)) > 0) {
        text = oo__realloc(text, size + got + 1);
        memcpy(text + size, block, got);
        size += got;
    }
    fclose(f);
    if (!text)
        text = oo__malloc(1);
    text[size] = 0;
    return text;
}

/* NULL, or what is wrong with the file. */
static const char *split_case(golden_case *c) {
    static const char word[] = "# passes:";
    c->text = read_whole(c->path);
    if (!c->text)
        return "cannot be read";
    if (strncmp(c->text, word, sizeof word - 1) != 0)
        return "does not begin with \"# passes:\"";
    const char *const mark = strstr(c->text, MARK);
    if (!mark)
        return "has no line \"# =>\"";
    c->model = (size_t)(mark - c->text) + 1;
    c->head = c->model + sizeof MARK - 2;
    const char *const from = c->text + sizeof word - 1;
    c->passes = strndup(from + strspn(from, " "), strcspn(from + strspn(from, " "), "\r\n"));
    return NULL;
}

/* The printed model after the passes, NULL after diagnostics. */
static char *run_case(const golden_case *c, oo_context *context) {
    oo_registry *const registry = oo__registry_new(context);
    oo_pipeline *pipeline = NULL;
    oo_model *model = NULL;
    oo_run_report report = {0};
    char *result = NULL;
    const oo_run_settings settings = {.verify = OO_VERIFY_EACH, .honest = true, .bisect_limit = -1, .fuel = -1};
    if (oo__pipeline_parse(&pipeline, context, registry, c->passes, c->path) == OO_OK &&
        oo_model_parse(&model, context, c->text, c->model, c->path) == OO_OK &&
        oo__pipeline_run(&report, pipeline, model, &settings) == OO_OK)
        result = oo_model_print(model, NULL);
    oo__run_report_free(&report);
    oo_model_free(model);
    oo__pipeline_free(pipeline);
    oo__registry_free(registry);
    return result;
}

static bool update(const golden_case *c, const char *result) {
    FILE *const f = fopen(c->path, "wb");
    if (!f)
        return false;
    const bool ok = fwrite(c->text, 1, c->head, f) == c->head && fputs(result, f) >= 0;
    return fclose(f) == 0 && ok;
}

/* Whether the case holds, or could be updated. */
static bool check(const char *path, bool updating, uint32_t *updated) {
    golden_case c = {.path = path};
    const char *const malformed = split_case(&c);
    char *heard = NULL;
    size_t size = 0;
    FILE *const memory = open_memstream(&heard, &size);
    oo_context *const context = oo_context_new();
    oo_set_sink(context, collect, memory);
    char *const result = malformed ? NULL : run_case(&c, context);
    fclose(memory);
    bool ok = result && strcmp(result, c.text + c.head) == 0;
    if (malformed) {
        printf("%s: %s\n", path, malformed);
    } else if (!result) {
        printf("%s: -p %s fails\n%s", path, c.passes, heard);
    } else if (!ok && updating) {
        ok = update(&c, result);
        *updated += ok;
        printf("%s: %s\n", path, ok ? "updated" : "cannot be written");
    } else if (!ok) {
        char *const diff = oo__text_diff(c.text + c.head, result, 3);
        printf("%s: -p %s: the result (+) differs from the file (-)\n%s", path, c.passes, diff);
        free(diff);
    }
    free(heard);
    free(result);
    free(c.text);
    free(c.passes);
    oo_context_free(context);
    return ok;
}

int main(int argc, char **argv) {
    const bool updating = argc > 1 && strcmp(argv[1], "--update") == 0;
    glob_t files = {0};
    int flags = 0;
    for (int i = 1 + updating; i < argc; i++) {
        char pattern[4096];
        const size_t n = strlen(argv[i]);
        const bool is_file = n > 8 && strcmp(argv[i] + n - 8, ".onnxtxt") == 0;
        snprintf(pattern, sizeof pattern, "%s%s", argv[i], is_file ? "" : "/*/*.onnxtxt");
        glob(pattern, flags, NULL, &files);
        flags = GLOB_APPEND;
    }
    uint32_t failed = 0, updated = 0;
    for (size_t i = 0; i < files.gl_pathc; i++)
        failed += !check(files.gl_pathv[i], updating, &updated);
    const size_t total = files.gl_pathc;
    printf("golden: %zu of %zu cases hold%s", total - failed, total, updated ? "" : "\n");
    if (updated)
        printf(", %u updated: read the difference before committing\n", updated);
    globfree(&files);
    return failed || !total;
}
