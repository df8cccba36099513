/* The folder of a review: pictures of both states and of the difference, and a summary that can be pasted into a pull request. */
#include "viz/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- counting ---- */
typedef struct op_row {
    const char *name; /* markup */
    const char *key;
    uint64_t count[2]; /* before, after */
} op_row;

typedef struct rule_row {
    const char *pass, *rule;
    uint64_t rewrites, removed, added, changed;
} rule_row;

typedef struct totals {
    uint64_t nodes, initializers, parameters, bytes;
} totals;

typedef struct summary {
    oo_arena *arena;
    oo_intern *keys; /* slot: row + 1 */
    oo_vec(op_row) ops;
    oo_vec(rule_row) rules;
    totals totals[2];
} summary;

static op_row *op_row_of(summary *s, const oo_node *node) {
    oo_markup m = oo__markup(s->arena, OO_MARKDOWN);
    if (*node->op->domain) {
        oo__markup_name(&m, node->op->domain, 60);
        oo__markup_add(&m, ".");
    }
    oo__markup_text(&m, node->op->name, strlen(node->op->name), 60);
    const char *const key = oo__intern(s->keys, oo__markup_done(&m));
    void **const slot = oo__str_slot(key);
    if (!*slot) {
        oo_vec_push(s->arena, &s->ops, (op_row){.name = key, .key = key});
        *slot = (void *)(uintptr_t)s->ops.n;
    }
    return &s->ops.data[(uintptr_t)*slot - 1];
}

static void count_state(summary *s, const oo_model *model, int state) {
    totals *const t = &s->totals[state];
    for (uint32_t g = 0; g < model->graphs.n; g++) {
        const oo_graph *const graph = model->graphs.data[g];
        if (graph->dead)
            continue;
        for (const oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node)) {
            const bool constant =
                node->noutputs == 1 && node->outputs[0] && !node->outputs[0]->init && oo__is_constant(node->outputs[0]);
            op_row_of(s, node)->count[state]++;
            t->nodes += !constant;
        }
        for (uint32_t i = 0; i < graph->initializers.n; i++) {
            const oo_tensor *const tensor = graph->initializers.data[i]->init;
            if (!tensor)
                continue;
            t->initializers++;
            t->parameters += tensor->count;
            t->bytes += oo_tensor_size(tensor);
        }
    }
}

static int compare_ops(const void *a, const void *b) {
    return strcmp(((const op_row *)a)->key, ((const op_row *)b)->key);
}

static void count_rewrites(summary *s, const oo_model *after) {
    for (uint32_t i = 0; i < after->history.n; i++) {
        const oo_rewrite *const r = &after->history.data[i];
        const char *const pass = r->pass ? r->pass : "", *const rule = r->rule ? r->rule : "";
        void **const slot = oo__str_slot(oo__intern(s->keys, oo__arena_printf(s->arena, "rule\n%s\n%s", pass, rule)));
        if (!*slot) {
            oo_vec_push(s->arena, &s->rules, (rule_row){.pass = pass, .rule = rule});
            *slot = (void *)(uintptr_t)s->rules.n;
        }
        rule_row *const row = &s->rules.data[(uintptr_t)*slot - 1];
        row->rewrites++;
        row->removed += r->nremoved;
        row->added += r->nadded;
        row->changed += r->nchanged;
    }
}

/* ---- telling ---- */
static const char *delta(oo_arena *arena, uint64_t before, uint64_t after) {
    if (before == after)
        return "";
    return after > before ? oo__arena_printf(arena, "+%llu", (unsigned long long)(after - before))
                          : oo__arena_printf(arena, "-%llu", (unsigned long long)(before - after));
}

static void put_row(oo_markup *m, const char *name, uint64_t before, uint64_t after) {
    oo__markup_add(m, "| %s | %llu | %llu | %s |\n", name, (unsigned long long)before, (unsigned long long)after,
                   delta(m->arena, before, after));
}

static void put_rules(oo_markup *m, const summary *s) {
    oo__markup_add(m, "\n## Rewrites\n\n");
    if (!s->rules.n) {
        oo__markup_add(m, "None.\n");
        return;
    }
    oo__markup_add(m, "| pass | rule | rewrites | nodes removed | added | changed |\n|---|---|--:|--:|--:|--:|\n");
    for (uint32_t i = 0; i < s->rules.n; i++) {
        const rule_row *const r = &s->rules.data[i];
        oo__markup_add(m, "| ");
        oo__markup_name(m, r->pass, 60);
        oo__markup_add(m, " | ");
        oo__markup_name(m, r->rule, 60);
        oo__markup_add(m, " | %llu | %llu | %llu | %llu |\n", (unsigned long long)r->rewrites,
                       (unsigned long long)r->removed, (unsigned long long)r->added, (unsigned long long)r->changed);
    }
}

static const char *base_name(const oo_model *model) {
    const char *const slash = strrchr(model->path, '/');
    return slash && slash[1] ? slash + 1 : model->path;
}

static const char *summarize(const oo_model *before, const oo_model *after, oo_arena *arena) {
    summary s = {.arena = arena, .keys = oo__intern_new(arena)};
    count_state(&s, before, 0);
    count_state(&s, after, 1);
    if (s.ops.n)
        qsort(s.ops.data, s.ops.n, sizeof *s.ops.data, compare_ops);
    count_rewrites(&s, after);
    oo_markup m = oo__markup(arena, OO_MARKDOWN);
    const totals *const t = s.totals;
    oo__markup_add(&m, "# ");
    oo__markup_name(&m, base_name(before), 200);
    oo__markup_add(&m, "\n\nPictures: [before](before.svg), [after](after.svg), [difference](diff.svg).\n"
                       "\n| | before | after | delta |\n|---|--:|--:|--:|\n");
    put_row(&m, "nodes (without Constant)", t[0].nodes, t[1].nodes);
    put_row(&m, "initializers", t[0].initializers, t[1].initializers);
    put_row(&m, "parameters in initializers", t[0].parameters, t[1].parameters);
    put_row(&m, "bytes of initializers", t[0].bytes, t[1].bytes);
    put_rules(&m, &s);
    oo__markup_add(&m, "\n## Operators\n\n| operator | before | after | delta |\n|---|--:|--:|--:|\n");
    for (uint32_t i = 0; i < s.ops.n; i++)
        put_row(&m, s.ops.data[i].name, s.ops.data[i].count[0], s.ops.data[i].count[1]);
    oo__intern_free(s.keys);
    return oo__markup_done(&m);
}

/* ---- writing ---- */
typedef struct folder {
    oo_context *context;
    const char *path;
    oo_arena *arena;
} folder;

static oo_status write_file(const folder *f, const char *name, const char *text) {
    oo_output *output;
    OO_TRY(oo__output_open(&output, f->context, oo__arena_printf(f->arena, "%s/%s", f->path, name)));
    oo__output_write(output, text, strlen(text));
    return oo__output_commit(output);
}

/* NAME.dot and NAME.svg. Takes `dot`. */
static oo_status write_picture(const folder *f, const char *name, char *dot, const oo_draw_options *options) {
    char *svg = NULL;
    oo_status status = write_file(f, oo__arena_printf(f->arena, "%s.dot", name), dot);
    if (status == OO_OK)
        status = oo__draw_svg(&svg, f->context, dot, options);
    if (status == OO_OK)
        status = write_file(f, oo__arena_printf(f->arena, "%s.svg", name), svg);
    free(svg);
    free(dot);
    return status;
}

static oo_status make_folder(oo_context *context, const char *dir) {
    if (mkdir(dir, 0777) == 0)
        return OO_OK;
    const int error = errno;
    struct stat info;
    if (error == EEXIST && stat(dir, &info) == 0 && S_ISDIR(info.st_mode))
        return OO_OK;
    oo__file_error(context, "file-write", dir, -1, "the folder cannot be made: %s", strerror(error));
    return OO_IO;
}

static oo_status write_review(const folder *f, const oo_model *before, const oo_model *after) {
    const char *const name = base_name(before);
    oo_draw_options options = {.changes = oo__changes_of(before, after, f->arena),
                               .title = oo__arena_printf(f->arena, "%s, before", name)};
    OO_TRY(write_picture(f, "before", oo__draw_dot(before, &options), &options));
    options.after = true;
    options.title = oo__arena_printf(f->arena, "%s, after", name);
    OO_TRY(write_picture(f, "after", oo__draw_dot(after, &options), &options));
    options.title = oo__arena_printf(f->arena, "%s, what changed", name);
    OO_TRY(write_picture(f, "diff", oo__draw_diff(before, after, &options, 1), &options));
    return write_file(f, "summary.md", summarize(before, after, f->arena));
}

oo_status oo__draw_review(oo_context *context, const oo_model *before, const oo_model *after, const char *dir) {
    OO_TRY(make_folder(context, dir));
    oo_arena *const arena = oo__arena_new();
    const folder f = {.context = context, .path = dir, .arena = arena};
    const oo_status status = write_review(&f, before, after);
    oo__arena_free(arena);
    return status;
}
