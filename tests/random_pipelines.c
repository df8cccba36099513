/* Random whole models through the optimization levels: what comes out must compute what went in.
 *
 * usage: random_pipelines [--motifs FOLDER] [--levels 1,2,..] [--write FOLDER] [--seed-only] FIRST COUNT
 * Seeds FIRST .. FIRST + COUNT - 1, one model each, of 5 to 200 steps (fuzz/random_graph.h), with parts that rules and passes look for: left sides
 * of rules, and the models of the golden tests in FOLDER. Each goes through -O1, through -O2, -O3 and -Os with --exact: the outputs must be the
 * same bits (any NaN is as good as another); and through -O2, -O3 and -Os (level 4): the outputs must be as close as --check wants them. Every pass is verified and must
 * be honest, a valid model stays valid, and a second run changes nothing.
 * --write leaves SEED.onnx, SEED.inputs/K.pb and SEED.O1.onnx .. for another judge. A failure prints its seed, the level, and the first rewrite after
 * which the outputs are wrong. */
#include "eval/check_models.h"
#include "io/io.h"
#include "ir/check.h"
#include "passes/find_rewrite.h"
#include "passes/values.h"
#include "tests/fuzz/random_motifs.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct level {
    const char *name, *file;
    int number;
    bool exact; /* the same bits */
} level;

static const level LEVELS[] = {{"-O1", "O1", 1, true}, {"-O2 --exact", "O2e", 2, true}, {"-O3 --exact", "O3e", 3, true}, {"-Os --exact", "Ose", 4, true},
                               {"-O2", "O2", 2, false},  {"-O3", "O3", 3, false},         {"-Os", "Os", 4, false}};
enum { NLEVELS = sizeof LEVELS / sizeof *LEVELS };

/* One model and what it computes. */
typedef struct trial {
    unsigned long seed;
    oo_random_graph *g;
    oo_context *context;
    char path[512];     /* the model as a file */
    char heard[1024];   /* the first error diagnostic of what runs now */
    bool valid, random, restless;
    bool coarse;        /* has floats of 16 bits or less: what a rewrite rounds elsewhere may be far off in the end */
    oo_datum **want;    /* [nout] */
    bool *drawn;        /* [nout] random operators decide it */
    uint64_t draws;     /* seed of them */
    uint32_t nout;
    const level *level;
    char why[2048];     /* what is wrong */
} trial;

static struct {
    uint32_t models, valid, fired[NLEVELS], bad;
    uint64_t nodes;
} total;

/* In how many runs of a level each pass changed the model. */
static struct {
    const char *name; /* of a built-in pass */
    uint32_t runs;
} passes[128];

static void note_pass(const char *name) {
    size_t i = 0;
    while (i + 1 < sizeof passes / sizeof *passes && passes[i].name && strcmp(passes[i].name, name) != 0)
        i++;
    passes[i].name = name;
    passes[i].runs++;
}

static unsigned long current; /* seed, for the signal handler */

static void say_seed(int number) {
    char text[64];
    const int n = snprintf(text, sizeof text, "crashed with signal %d at seed %lu\n", number, current);
    if (write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

static void hear(void *user, const oo_diag *d) {
    trial *const t = user;
    t->restless |= d->code && (strcmp(d->code, "fix-limit") == 0 || strcmp(d->code, "idle-pass") == 0);
    if (d->severity == OO_ERROR && !t->heard[0])
        snprintf(t->heard, sizeof t->heard, "%s: %s [%s]", d->node ? d->node : d->graph ? d->graph : "", d->text, d->code);
}

/* ---- comparing ---- */
static bool same_bits(const oo_array *a, const oo_array *b, uint64_t i) {
    const uint32_t width = oo__array_width(a->elem);
    if (a->elem == OO_STRING) {
        const oo_bytes *const x = (const oo_bytes *)a->data + i, *const y = (const oo_bytes *)b->data + i;
        return x->size == y->size && (!x->size || memcmp(x->data, y->data, x->size) == 0);
    }
    if (memcmp((const char *)a->data + i * width, (const char *)b->data + i * width, width) == 0)
        return true;
    if (a->elem == OO_COMPLEX64 || a->elem == OO_COMPLEX128)
        return false;
    return isnan(oo__array_double(a, i)) && isnan(oo__array_double(b, i));
}

static bool same_array(const oo_array *a, const oo_array *b, char *why, size_t size) {
    bool same = a->elem == b->elem && a->rank == b->rank && (!a->rank || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0);
    if (!same)
        snprintf(why, size, "another type or shape");
    for (uint64_t i = 0; same && i < a->count; i++) {
        same = same_bits(a, b, i);
        if (!same && a->elem == OO_STRING)
            snprintf(why, size, "element %llu is another string", (unsigned long long)i);
        else if (!same)
            snprintf(why, size, "element %llu was %.17g and is %.17g", (unsigned long long)i, oo__array_double(a, i), oo__array_double(b, i));
    }
    return same;
}

static bool same_datum(const oo_datum *a, const oo_datum *b, char *why, size_t size) {
    snprintf(why, size, "a value of another kind");
    if (!a || !b || a->kind != b->kind || a->nitems != b->nitems || !a->array != !b->array || !a->indices != !b->indices)
        return a == b;
    bool same = !a->array || same_array(a->array, b->array, why, size);
    same = same && (!a->indices || same_array(a->indices, b->indices, why, size));
    for (uint32_t i = 0; same && i < a->nitems; i++)
        same = same_datum(a->items[i], b->items[i], why, size);
    return same;
}

static void release(oo_datum **data, uint32_t n) {
    for (uint32_t i = 0; data && i < n; i++)
        oo__datum_release(data[i]);
    free(data);
}

static oo_datum **evaluate_on(const oo_model *model, trial *t, oo_datum *const *inputs, void (*watch)(void *, const oo_node *, oo_datum *const *, double)) {
    const oo_eval_settings settings = {.memory_limit = 1 << 26, .loop_limit = 1000, .step_limit = 1000000, .seed = t->draws, .watch = watch, .user = t};
    oo_datum **const out = calloc(model->graph->outputs.n + 1u, sizeof *out);
    oo_require(out != NULL, "out of memory");
    oo_evaluator *const ev = oo__evaluator_new(model, &settings);
    const bool ran = oo__evaluate(ev, inputs, out) == OO_OK;
    oo__evaluator_free(ev);
    if (ran)
        return out;
    release(out, model->graph->outputs.n);
    return NULL;
}

static oo_datum **evaluate(const oo_model *model, trial *t) { return evaluate_on(model, t, t->g->inputs.data, NULL); }

static bool outputs_same(trial *t, oo_model *model) {
    oo_datum **const got = evaluate(model, t);
    bool same = got != NULL;
    char why[256];
    if (!same)
        snprintf(t->why, sizeof t->why, "the result does not run: %s", t->heard);
    for (uint32_t i = 0; i < t->nout && same; i++) {
        same = same_datum(t->want[i], got[i], why, sizeof why);
        if (!same)
            snprintf(t->why, sizeof t->why, "output %s: %s", oo_value_name(model->graph->outputs.data[i].value), why);
    }
    release(got, t->nout);
    return same;
}

static oo_model *read_model(const trial *t) {
    oo_model *model = NULL;
    if (oo_model_load(&model, t->context, t->path) == OO_OK && oo__model_sort(model) != OO_OK)
        return NULL;
    return model;
}

/* Nothing is off by more than a tenth of its output's scale. */
static bool roughly_same(trial *t, const oo_model *model) {
    oo_datum **const got = evaluate(model, t);
    bool same = got != NULL;
    for (uint32_t i = 0; i < t->nout && same; i++) {
        oo_limits limits = {0};
        const oo_difference d = oo__difference(got[i], t->want[i], &limits);
        same = t->drawn[i] || d.agree || (!d.incomparable && !d.lost_finite && (!d.floating || d.error < 0.1));
    }
    release(got, t->nout);
    return same;
}

/* An input, each number off by some millionths. */
static oo_datum *shaken(const oo_datum *input, uint32_t round) {
    const oo_array *const a = input->array;
    if (input->kind != OO_DATUM_TENSOR || (a->elem != OO_FLOAT && a->elem != OO_DOUBLE))
        return oo__datum_retain((oo_datum *)(uintptr_t)input);
    oo_array *const moved = oo__array_new(a->elem, a->rank, a->dims);
    for (uint64_t i = 0; i < a->count; i++)
        oo__array_set_double(moved, i, oo__array_double(a, i) * (1 + 1e-6 * ((double)((i * 7 + round * 3) % 5) - 2)));
    return oo__datum_tensor(moved);
}

/* Whether the original jumps in every output that the result has otherwise, where its inputs hardly move. */
static bool is_unsteady(trial *t, const oo_model *model) {
    oo_datum **const got = evaluate(model, t);
    oo_model *const original = read_model(t);
    const oo_limits limits = {0};
    uint32_t steady = got ? 0 : 1;
    bool *const jumps = calloc(t->nout + 1, sizeof *jumps);
    oo_datum **const inputs = calloc(t->g->inputs.n + 1, sizeof *inputs);
    oo_require(jumps && inputs, "out of memory");
    for (uint32_t round = 0; round < 4 && got; round++) {
        for (uint32_t i = 0; i < t->g->inputs.n; i++)
            inputs[i] = shaken(t->g->inputs.data[i], round);
        oo_datum **const moved = evaluate_on(original, t, inputs, NULL);
        for (uint32_t i = 0; i < t->nout; i++)
            jumps[i] |= !moved || !oo__difference(moved[i], t->want[i], &limits).agree;
        release(moved, moved ? t->nout : 0);
        for (uint32_t i = 0; i < t->g->inputs.n; i++)
            oo__datum_release(inputs[i]);
    }
    for (uint32_t i = 0; i < t->nout && got; i++)
        steady += !t->drawn[i] && !jumps[i] && !oo__difference(got[i], t->want[i], &limits).agree;
    free(inputs);
    free(jumps);
    release(got, t->nout);
    oo_model_free(original);
    return !steady;
}

/* As --check compares: rounding errors that the model enlarges and decisions at a tie are none of the rewrites', nor is what jumps where
 * inputs hardly move. */
static bool outputs_close(trial *t, oo_model *model) {
    oo_model *const original = read_model(t);
    const oo_compare_settings settings = {.sets = 1, .given = t->g->inputs.data};
    oo_compare_report report;
    const bool good = oo__compare_models(&report, original, model, &settings) == OO_OK || (t->coarse && roughly_same(t, model)) || is_unsteady(t, model);
    if (!good)
        snprintf(t->why, sizeof t->why, "%s (at %s: %s)", report.failure.text ? report.failure.text : "the original does not run",
                 report.failure.value ? oo_value_name(report.failure.value) : "?", report.failure.value_text ? report.failure.value_text : "");
    oo__compare_report_free(&report);
    oo_model_free(original);
    return good;
}

static bool outputs_right(trial *t, oo_model *model) {
    return t->level->exact && !t->random ? outputs_same(t, model) : outputs_close(t, model);
}

/* ---- running ---- */
typedef struct rerun {
    oo_registry *registry;
    oo_pipeline *pipeline;
    oo_run_settings settings;
} rerun;

static rerun begin(const trial *t) {
    rerun r = {.registry = oo__registry_new(t->context)};
    oo_require(oo__pipeline_parse(&r.pipeline, t->context, r.registry, oo__pipeline_of_level(t->level->number), t->level->name) == OO_OK,
               "the pipeline does not parse");
    if (t->level->exact && t->level->number > 1)
        oo__pipeline_keep_exact(r.pipeline);
    r.settings = (oo_run_settings){.verify = OO_VERIFY_EACH, .honest = true, .bisect_limit = -1, .fuel = -1};
    r.settings.rules = (oo_rule_settings){.base = oo__registry_rules(r.registry), .exact = t->level->exact && t->level->number > 1};
    return r;
}

static void end(rerun *r) {
    oo__pipeline_free(r->pipeline);
    oo__registry_free(r->registry);
}

/* OO_OK when the pipeline ran. */
static oo_status run(const rerun *r, oo_model *model, bool *changed, uint64_t *rewrites) {
    oo_run_report report;
    const oo_status status = oo__pipeline_run(&report, r->pipeline, model, &r->settings);
    *changed = report.changed;
    *rewrites = 0;
    for (uint32_t i = 0; i < report.npasses; i++) {
        *rewrites += report.passes[i].rewrites;
        bool again = !report.passes[i].rewrites;
        for (uint32_t k = 0; k < i && !again; k++)
            again = report.passes[k].rewrites && strcmp(report.passes[k].name, report.passes[i].name) == 0;
        if (!again)
            note_pass(report.passes[i].name);
    }
    oo__run_report_free(&report);
    return status;
}

static oo_status read_again(void *user, oo_model **out) {
    *out = read_model(user);
    return *out ? OO_OK : OO_INVALID;
}

static bool is_wrong(void *user, oo_model *model) {
    trial copy = *(trial *)user;
    return !outputs_right(&copy, model);
}

/* The rewrite that made it wrong, as a pass and rule, with the node it began at. */
static void blame(trial *t, const rerun *r, uint64_t rewrites) {
    oo_model *before, *after;
    const oo_rewrite_search search = {.pipeline = r->pipeline, .run = &r->settings, .last_run = INT32_MAX, .bad = rewrites,
                                      .read = read_again, .is_wrong = is_wrong, .user = t};
    if (oo__find_rewrite(&before, &after, &search) != OO_OK)
        return;
    const oo_rewrite *const last = &after->history.data[after->history.n - 1];
    const size_t used = strlen(t->why);
    snprintf(t->why + used, sizeof t->why - used, "\n    rewrite %u: %s/%s", after->history.n, last->pass, last->rule ? last->rule : "");
    oo_arena *const arena = oo__arena_new();
    oo_for_each_graph(graph, before) {
        for (oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < last->nremoved + last->nchanged; i++)
                if (node->id == (i < last->nremoved ? last->removed[i] : last->changed[i - last->nremoved]))
                    fprintf(stderr, "    - %s\n", oo__node_print(node, arena));
    }
    oo_for_each_graph(graph, after) {
        for (oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < last->nadded + last->nchanged; i++)
                if (node->id == (i < last->nadded ? last->added[i] : last->changed[i - last->nadded]))
                    fprintf(stderr, "    + %s\n", oo__node_print(node, arena));
    }
    oo__arena_free(arena);
    oo_model_free(before);
    oo_model_free(after);
}

static bool still_valid(trial *t) {
    oo_model *const model = read_model(t);
    t->heard[0] = 0;
    const bool valid = model && oo__model_check(model, NULL) == OO_OK;
    if (!valid)
        snprintf(t->why, sizeof t->why, "the result is not valid: %s", t->heard);
    oo_model_free(model);
    return valid;
}

/* A second run on the result, read from its file. */
static bool is_fixed(trial *t, const rerun *r) {
    oo_model *const model = read_model(t);
    bool changed = true;
    uint64_t rewrites;
    if (!model || run(r, model, &changed, &rewrites) != OO_OK)
        snprintf(t->why, sizeof t->why, "a second run fails: %s", t->heard);
    else if (changed)
        snprintf(t->why, sizeof t->why, "a second run changes the result again: %s/%s", model->history.data[0].pass,
                 model->history.data[0].rule ? model->history.data[0].rule : "");
    oo_model_free(model);
    return !changed;
}

/* One level; the result stays as a file when `out` is given. */
static bool try_level(trial *t, const char *out) {
    rerun r = begin(t);
    oo_model *const model = read_model(t);
    bool changed;
    uint64_t rewrites;
    t->why[0] = t->heard[0] = 0;
    t->restless = false;
    bool good = run(&r, model, &changed, &rewrites) == OO_OK;
    if (!good)
        snprintf(t->why, sizeof t->why, "the pipeline fails: %s", t->heard);
    total.fired[t->level - LEVELS] += changed;
    if (good && t->restless) {
        good = false;
        snprintf(t->why, sizeof t->why, "passes undo each other, or one itself");
    }
    if (good && !outputs_right(t, model)) {
        good = false;
        blame(t, &r, rewrites);
    }
    char original[sizeof t->path];
    memcpy(original, t->path, sizeof original);
    if (good) {
        snprintf(t->path, sizeof t->path, "%s", out);
        good = oo_model_save(model, out, NULL) == OO_OK && (!t->valid || still_valid(t)) && is_fixed(t, &r);
        memcpy(t->path, original, sizeof original);
    }
    oo_model_free(model);
    end(&r);
    return good;
}

/* ---- one seed ---- */
static void make_bytes(unsigned long seed, uint8_t *data, size_t size) {
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        data[i] = (uint8_t)(x >> 24);
    }
}

static bool has_random(const oo_model *model) {
    oo_for_each_graph(graph, model) {
        for (const oo_node *node = graph->first; node; node = node->next)
            if (oo_node_is_random(node))
                return true;
    }
    return false;
}

static void write_inputs(const trial *t, const char *folder) {
    char path[600];
    snprintf(path, sizeof path, "%s/%lu.inputs", folder, t->seed);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return;
    for (uint32_t i = 0; i < t->g->inputs.n; i++) {
        snprintf(path, sizeof path, "%s/%lu.inputs/%u.pb", folder, t->seed, i);
        (void)oo__value_write(t->context, oo__tree_of_datum(t->g->model, t->g->inputs.data[i]), path);
    }
}

static void note_small(void *user, const oo_node *node, oo_datum *const *outputs, double seconds) {
    trial *const t = user;
    (void)seconds;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_array *const a = outputs[i] ? outputs[i]->array : NULL;
        t->coarse |= a && (a->elem == OO_FLOAT16 || a->elem == OO_BFLOAT16 || (a->elem >= OO_FLOAT8E4M3FN && oo__array_width(a->elem) == 1));
    }
}

/* Outputs that are others with other draws. */
static void find_drawn(trial *t, const oo_model *model) {
    const oo_limits limits = {0};
    t->draws = 2;
    oo_datum **const other = t->random && t->want ? evaluate(model, t) : NULL;
    t->draws = 1;
    for (uint32_t i = 0; other && i < t->nout; i++)
        t->drawn[i] = !oo__difference(other[i], t->want[i], &limits).equal;
    release(other, other ? t->nout : 0);
}

/* What the original computes; false when it does not run, which says nothing. */
static bool run_original(trial *t) {
    oo_model *const model = read_model(t);
    if (!model)
        return false;
    t->nout = model->graph->outputs.n;
    t->random = has_random(model);
    t->draws = 1;
    t->want = evaluate_on(model, t, t->g->inputs.data, note_small);
    t->drawn = calloc(t->nout + 1, sizeof *t->drawn);
    oo_require(t->drawn, "out of memory");
    find_drawn(t, model);
    t->valid = oo__model_check(model, NULL) == OO_OK;
    total.nodes += (uint64_t)oo__count_nodes(model);
    total.valid += t->valid;
    total.models++;
    oo_model_free(model);
    return t->want != NULL;
}

static void try_seed(unsigned long seed, oo_motifs *motifs, const char *levels, const char *folder, bool keep) {
    enum { SIZE = 1 << 16 };
    static uint8_t data[SIZE];
    make_bytes(seed, data, SIZE);
    const uint32_t most = seed % 10 == 9 ? 200 : seed % 3 == 2 ? 60 : 20;
    const oo_random_plan plan = {.data = data, .size = SIZE, .least = 5, .most = most, .common = seed % 2 == 0, .wild = seed % 4 == 3, .motif = motifs ? oo__random_motif : NULL,
                                 .user = motifs};
    trial t = {.seed = current = seed, .g = oo__random_graph(&plan), .context = oo_context_new()};
    oo_set_sink(t.context, hear, &t);
    snprintf(t.path, sizeof t.path, "%s/%lu.onnx", folder, seed);
    char out[600] = "";
    const bool good = t.g && oo_model_save(t.g->model, t.path, NULL) == OO_OK && run_original(&t);
    bool bad = false;
    for (int i = 0; i < NLEVELS && good; i++) {
        t.level = &LEVELS[i];
        if (!strchr(levels, '0' + t.level->number) || (plan.wild && !t.level->exact))
            continue;
        snprintf(out, sizeof out, "%s/%lu.%s.onnx", folder, seed, t.level->file);
        if (!try_level(&t, out)) {
            printf("seed %lu, %s: %s\n", seed, t.level->name, t.why);
            fflush(stdout);
            bad = true;
        }
        if (!keep)
            unlink(out);
    }
    total.bad += bad;
    if (keep && good)
        write_inputs(&t, folder);
    else
        unlink(t.path);
    release(t.want, t.nout);
    free(t.drawn);
    if (t.g)
        oo__random_graph_free(t.g);
    oo_context_free(t.context);
}

int main(int argc, char **argv) {
    const char *golden = NULL, *folder = NULL, *levels = "1234";
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        const char **const to = strcmp(argv[at], "--motifs") == 0 ? &golden : strcmp(argv[at], "--write") == 0 ? &folder
                                : strcmp(argv[at], "--levels") == 0 ? &levels : NULL;
        if (!to)
            return 2;
        *to = argv[at + 1];
    }
    if (argc - at != 2)
        return 2;
    char scratch[] = "/tmp/random-pipelines.XXXXXX";
    const bool keep = folder != NULL;
    if (!folder)
        folder = mkdtemp(scratch);
    if (!folder)
        return 2;
    signal(SIGABRT, say_seed);
    signal(SIGSEGV, say_seed);
    signal(SIGFPE, say_seed);
    oo_motifs *const motifs = oo__motifs_new(golden);
    const unsigned long first = strtoul(argv[at], NULL, 10), count = strtoul(argv[at + 1], NULL, 10);
    for (unsigned long seed = first; seed < first + count; seed++)
        try_seed(seed, motifs, levels, folder, keep);
    oo__motifs_free(motifs);
    if (!keep)
        rmdir(folder);
    printf("passes");
    for (size_t i = 0; i < sizeof passes / sizeof *passes && passes[i].name; i++)
        printf(" %s=%u", passes[i].name, passes[i].runs);
    printf("\n%u models (%u valid), %llu nodes; changed at", total.models, total.valid, (unsigned long long)total.nodes);
    for (int i = 0; i < NLEVELS; i++)
        printf(" %s: %u%s", LEVELS[i].name, total.fired[i], i + 1 < NLEVELS ? "," : ";");
    printf(" %u wrong\n", total.bad);
    return total.bad || !total.models;
}
