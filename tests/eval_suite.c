/* Runs cases in ONNX's test layout (model.onnx, test_data_set_N/input_K.pb, output_K.pb) with the evaluator and compares the outputs.
 *
 * usage: eval_suite [-v] [--isolate] [--missing] [--only TEXT]... [--overrides FILE] [--at-least N] [--at-most-in-double N] FOLDER...
 *   FOLDER...     every folder below it that has a model.onnx is a case
 *   -v            also a table by operator, and the operators that cases need and that have no kernel
 *   --isolate     each case in a process of its own: a crash fails the case and not the run
 *   --missing     only list the operators without kernel, of all schemas, and exit
 *   --only TEXT   only cases with TEXT in their name
 *   --overrides   how single cases are judged otherwise; eval_overrides.txt beside this file without it
 *   --at-least N  also fail when fewer cases passed
 *   --at-most-in-double N  a case whose results differ runs again with doubles for floats. If they agree then, the case is ill-conditioned and
 *                 not wrong: it has passed, and the summary names it. More than N such cases fail the run; 0, the default: none runs again.
 * Shapes and types must be equal; floats agree within rtol 1e-3, atol 1e-7, or what data.json beside the model says. */
#include "eval/compare.h"
#include "eval/evaluator.h"
#include "io/io.h"
#include "passes/values.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WHY = 400, PATH_ROOM = 4096 };

typedef enum verdict { PASSED, FAILED, SKIPPED } verdict;
typedef struct outcome {
    verdict verdict;
    bool differs, in_double; /* computed, but other results than expected; passed only with doubles */
    char why[WHY];
    char group[64];   /* operator, or a kind of models of several */
    char missing[64]; /* operator without kernel, "" = none */
} outcome;

typedef struct override {
    char glob[128], verdict[64];
} override;

typedef struct tally {
    char name[64];
    unsigned counts[3];
} tally;
typedef oo_vec(tally) tallies;

static struct {
    bool verbose, isolate;
    oo_vec(const char *) only;
    oo_vec(override) overrides;
    oo_vec(char *) cases;
    unsigned counts[3];
    tallies groups, missing;
    oo_vec(const char *) in_double; /* cases that passed only so */
    long at_least, at_most_in_double;
} suite;

/* ---- small things ---- */
static const char *base_name(const char *path) {
    const char *const slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void copy_text(char *out, size_t size, const char *text) { snprintf(out, size, "%s", text); }

static tally *tally_of(tallies *list, const char *name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp(list->data[i].name, name) == 0)
            return &list->data[i];
    tally t = {0};
    copy_text(t.name, sizeof t.name, name);
    oo_vec_push(NULL, list, t);
    return &list->data[list->n - 1];
}

static int by_name(const void *a, const void *b) { return strcmp(((const tally *)a)->name, ((const tally *)b)->name); }
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool exists(const char *path) { return access(path, R_OK) == 0; }

/* The first error's text; later ones only say more of the same. */
static void remember_error(void *user, const oo_diag *d) {
    outcome *const o = user;
    if (d->severity != OO_ERROR || o->why[0])
        return;
    snprintf(o->why, sizeof o->why, "%s%s%s%s%s [%s]", d->op ? d->op : "", d->node ? " \"" : "", d->node ? d->node : "",
             d->node ? "\": " : d->op ? ": " : "", d->text, d->code ? d->code : "");
    if (d->code && strcmp(d->code, "eval-unsupported") == 0 && d->op && strstr(d->text, "has no operator"))
        copy_text(o->missing, sizeof o->missing, d->op);
}

/* ---- one case ---- */
static verdict tell(outcome *o, verdict v, const char *format, ...) OO_PRINTF(3, 4);
static verdict tell(outcome *o, verdict v, const char *format, ...) {
    if (o->why[0])
        return v;
    va_list args;
    va_start(args, format);
    vsnprintf(o->why, sizeof o->why, format, args);
    va_end(args);
    return v;
}

static verdict compare(outcome *o, oo_model *values, const oo_graph *graph, const char *folder, oo_datum **out,
                       const oo_tolerance *tolerance) {
    char why[256];
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        oo_datum *want;
        if (oo__test_output_read(&want, values, graph, folder, i) != OO_OK)
            return FAILED;
        if (!want)
            return i ? PASSED : tell(o, FAILED, "there is no expected output");
        if (o->in_double && want->elem == OO_FLOAT)
            out[i] = oo__datum_retyped(out[i], OO_DOUBLE, OO_FLOAT);
        const bool same = oo__datum_agrees(out[i], want, tolerance, why, sizeof why);
        oo__datum_release(want);
        o->differs |= !same;
        if (!same)
            return tell(o, FAILED, "output %u \"%s\": %s", i, oo_value_name(graph->outputs.data[i].value), why);
    }
    return PASSED;
}

static verdict run_set(outcome *o, oo_model *model, const char *folder, const oo_tolerance *tolerance) {
    const oo_graph *const graph = model->graph;
    oo_model *const values = oo__model_new(model->context, folder);
    oo_datum **const in = calloc(graph->inputs.n + 1u, sizeof *in), **const out = calloc(graph->outputs.n + 1u, sizeof *out);
    verdict v = FAILED;
    if (in && out && oo__test_inputs_read(in, values, graph, folder) == OO_OK) {
        oo_evaluator *const ev = oo__evaluator_new(model, &(oo_eval_settings){.in_double = o->in_double});
        if (oo__evaluate(ev, in, out) == OO_OK)
            v = compare(o, values, graph, folder, out, tolerance);
        oo__evaluator_free(ev);
    }
    for (uint32_t i = 0; in && i < graph->inputs.n; i++)
        oo__datum_release(in[i]);
    for (uint32_t i = 0; out && i < graph->outputs.n; i++)
        oo__datum_release(out[i]);
    free(in);
    free(out);
    oo_model_free(values);
    return v;
}

/* The operator when there is only one node, else what kind of models it is. */
static void name_group(outcome *o, const oo_model *model, const char *folder) {
    const oo_graph *const g = model->graph;
    if (g->nnodes == 1) {
        copy_text(o->group, sizeof o->group, g->first->op->name);
        return;
    }
    char path[PATH_ROOM];
    copy_text(path, sizeof path, folder);
    char *const slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
    snprintf(o->group, sizeof o->group, "(%.40s%s)", slash ? base_name(path) : "several",
             strstr(base_name(folder), "_expanded") ? ", expanded" : "");
}

static char *read_text(const char *path) {
    FILE *const f = fopen(path, "rb");
    char *const text = f ? calloc(1, 65536) : NULL;
    if (text)
        text[fread(text, 1, 65535, f)] = 0;
    if (f)
        fclose(f);
    return text;
}

static void read_tolerance(oo_tolerance *t, const char *folder) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/data.json", folder);
    char *const text = read_text(path);
    cJSON *const json = text ? cJSON_Parse(text) : NULL;
    const cJSON *const rtol = cJSON_GetObjectItem(json, "rtol"), *const atol = cJSON_GetObjectItem(json, "atol");
    if (cJSON_IsNumber(rtol))
        t->rtol = rtol->valuedouble;
    if (cJSON_IsNumber(atol))
        t->atol = atol->valuedouble;
    cJSON_Delete(json);
    free(text);
}

/* What the overrides say of a case; false = skip it. */
static bool judge_of(oo_tolerance *t, const char *folder) {
    *t = (oo_tolerance){1e-3, 1e-7, false};
    read_tolerance(t, folder);
    for (uint32_t i = 0; i < suite.overrides.n; i++) {
        const override *const o = &suite.overrides.data[i];
        if (fnmatch(o->glob, base_name(folder), 0) != 0)
            continue;
        t->shape_only = strcmp(o->verdict, "shape") == 0;
        sscanf(o->verdict, "rtol=%lf,atol=%lf", &t->rtol, &t->atol);
        return strcmp(o->verdict, "skip") != 0;
    }
    return true;
}

static verdict run_sets(outcome *o, oo_model *model, const char *folder, const oo_tolerance *tolerance) {
    char path[PATH_ROOM];
    verdict v = PASSED;
    for (unsigned set = 0; v == PASSED; set++) {
        snprintf(path, sizeof path, "%s/test_data_set_%u", folder, set);
        if (set && !exists(path))
            break;
        v = run_set(o, model, path, tolerance);
    }
    return v;
}

/* Where one unit in the last place of some float decides the results, they tell nothing of the kernels; those of doubles do. */
static verdict run_again_in_double(outcome *o, oo_model *model, const char *folder, const oo_tolerance *tolerance) {
    outcome again = {.in_double = true};
    oo_set_sink(model->context, remember_error, &again);
    if (run_sets(&again, model, folder, tolerance) != PASSED)
        return FAILED;
    o->in_double = true;
    return PASSED;
}

static void run_case(outcome *o, const char *folder) {
    oo_tolerance tolerance;
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    oo_context *const context = oo_context_new();
    oo_set_sink(context, remember_error, o);
    oo_model *model;
    o->verdict = FAILED;
    if (oo_model_load(&model, context, path) == OO_OK) {
        name_group(o, model, folder);
        const bool judged = judge_of(&tolerance, folder);
        if (judged && oo__model_sort(model) == OO_OK)
            o->verdict = run_sets(o, model, folder, &tolerance);
        else if (!judged)
            o->verdict = SKIPPED;
        if (o->differs && suite.at_most_in_double)
            o->verdict = run_again_in_double(o, model, folder, &tolerance);
        oo_model_free(model);
    }
    oo_context_free(context);
}

/* ---- crashes ---- */
static const char *running;

static void crashed(int number) {
    char text[PATH_ROOM];
    const int n = snprintf(text, sizeof text, "FAIL %s: crashed (signal %d)\n", base_name(running ? running : "?"), number);
    if (write(STDOUT_FILENO, text, (size_t)n) < 0)
        _exit(3);
    _exit(2);
}

static void run_isolated(outcome *o, const char *folder) {
    int ends[2];
    fflush(stdout);
    const pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child < 0) {
        perror("eval_suite");
        exit(2);
    }
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGFPE, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        run_case(o, folder);
        _exit(write(ends[1], o, sizeof *o) == (ssize_t)sizeof *o ? 0 : 1);
    }
    close(ends[1]);
    const bool told = read(ends[0], o, sizeof *o) == (ssize_t)sizeof *o;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    if (told)
        return;
    *o = (outcome){.verdict = FAILED, .group = "(crashed)"};
    snprintf(o->why, sizeof o->why, "crashed (%s %d)", WIFSIGNALED(status) ? "signal" : "exit",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- finding cases ---- */
static bool wanted(const char *name) {
    bool found = suite.only.n == 0;
    for (uint32_t i = 0; i < suite.only.n; i++)
        found |= strstr(name, suite.only.data[i]) != NULL;
    return found;
}

static void find_cases(const char *folder, unsigned depth) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (exists(path)) {
        if (wanted(base_name(folder)))
            oo_vec_push(NULL, &suite.cases, strdup(folder));
        return;
    }
    DIR *const dir = depth < 8 ? opendir(folder) : NULL;
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
            find_cases(path, depth + 1);
    }
    if (dir)
        closedir(dir);
}

static void read_overrides(const char *path) {
    FILE *const f = fopen(path, "r");
    if (!f) {
        perror(path);
        exit(2);
    }
    char line[1024];
    while (fgets(line, sizeof line, f)) {
        override o;
        if (line[0] != '#' && sscanf(line, "%127s %63s", o.glob, o.verdict) == 2)
            oo_vec_push(NULL, &suite.overrides, o);
    }
    fclose(f);
}

/* ---- reports ---- */
static void print_tables(void) {
    qsort(suite.groups.data, suite.groups.n, sizeof *suite.groups.data, by_name);
    printf("%-40s %6s %6s %7s\n", "operator", "passed", "failed", "skipped");
    for (uint32_t i = 0; i < suite.groups.n; i++) {
        const tally *const t = &suite.groups.data[i];
        printf("%-40s %6u %6u %7u%s\n", t->name, t->counts[PASSED], t->counts[FAILED], t->counts[SKIPPED], t->counts[FAILED] ? "  <" : "");
    }
    if (suite.missing.n)
        qsort(suite.missing.data, suite.missing.n, sizeof *suite.missing.data, by_name);
    for (uint32_t i = 0; i < suite.missing.n; i++)
        printf("no kernel: %s, asked for by %u\n", suite.missing.data[i].name, suite.missing.data[i].counts[0]);
}

static void print_in_double(void) {
    if (!suite.in_double.n)
        return;
    printf("%u of them only in double (ill-conditioned):", suite.in_double.n);
    for (uint32_t i = 0; i < suite.in_double.n; i++)
        printf(" %s", base_name(suite.in_double.data[i]));
    if (suite.in_double.n > (unsigned)suite.at_most_in_double)
        printf("; at most %ld may", suite.at_most_in_double);
    putchar('\n');
}

/* Every operator whose latest schema has no kernel. */
static int print_missing(void) {
    unsigned have = 0, lack = 0;
    for (uint32_t i = 0; i < oo__schema_count(); i++) {
        const oo_schema *const s = oo__schema_at(i);
        if (oo__schema_find(s->domain_name, s->name, oo__schema_latest_opset(s->domain_name)) != s)
            continue;
        const bool there = oo__kernel_of(s) != NULL;
        have += there;
        lack += !there;
        if (!there)
            printf("%s%s%s\n", s->domain_name, *s->domain_name ? "." : "", s->name);
    }
    printf("%u operators have a kernel, %u have none\n", have, lack);
    return 0;
}

static void count(const outcome *o, const char *folder) {
    suite.counts[o->verdict]++;
    tally_of(&suite.groups, o->group)->counts[o->verdict]++;
    if (o->missing[0])
        tally_of(&suite.missing, o->missing)->counts[0]++;
    if (o->verdict == FAILED)
        printf("FAIL %s: %s\n", base_name(folder), o->why);
    if (o->in_double)
        oo_vec_push(NULL, &suite.in_double, folder);
}

/* ---- options ---- */
static int usage(const char *what) {
    fprintf(stderr,
            "eval_suite: %s\nusage: eval_suite [-v] [--isolate] [--missing] [--only TEXT]... [--overrides FILE] [--at-least N] "
            "[--at-most-in-double N] FOLDER...\n",
            what);
    return 2;
}

static bool takes_argument(const char *option) {
    static const char *const THEY[] = {"--only", "--overrides", "--at-least", "--at-most-in-double"};
    for (unsigned i = 0; i < sizeof THEY / sizeof *THEY; i++)
        if (strcmp(option, THEY[i]) == 0)
            return true;
    return false;
}

static int run_all(void) {
    if (!suite.cases.n)
        return usage("no folder has a case of this name");
    qsort(suite.cases.data, suite.cases.n, sizeof *suite.cases.data, by_text);
    for (uint32_t i = 0; i < suite.cases.n; i++) {
        outcome o = {.group = "(unreadable)"};
        running = suite.cases.data[i];
        if (suite.isolate)
            run_isolated(&o, running);
        else
            run_case(&o, running);
        count(&o, running);
    }
    if (suite.verbose)
        print_tables();
    printf("%u passed, %u failed, %u skipped\n", suite.counts[PASSED], suite.counts[FAILED], suite.counts[SKIPPED]);
    print_in_double();
    if (suite.counts[PASSED] < (unsigned)suite.at_least)
        printf("only %u passed where %ld must\n", suite.counts[PASSED], suite.at_least);
    if (suite.in_double.n > (unsigned)suite.at_most_in_double)
        return 1;
    return suite.at_least ? suite.counts[PASSED] < (unsigned)suite.at_least : suite.counts[FAILED] != 0;
}

static void free_all(void) {
    for (uint32_t i = 0; i < suite.cases.n; i++)
        free(suite.cases.data[i]);
    oo_vec_free(&suite.cases);
    oo_vec_free(&suite.only);
    oo_vec_free(&suite.in_double);
    oo_vec_free(&suite.overrides);
    oo_vec_free(&suite.groups);
    oo_vec_free(&suite.missing);
}

int main(int argc, char **argv) {
    const char *overrides = EVAL_OVERRIDES;
    bool folders = false;
    for (int i = 1; i < argc; i++) {
        const char *const a = argv[i], *const next = i + 1 < argc ? argv[i + 1] : NULL;
        const bool takes = takes_argument(a);
        if (takes && !next)
            return usage("an option lacks its argument");
        i += takes;
        if (strcmp(a, "-v") == 0)
            suite.verbose = true;
        else if (strcmp(a, "--isolate") == 0)
            suite.isolate = true;
        else if (strcmp(a, "--missing") == 0)
            return print_missing();
        else if (strcmp(a, "--only") == 0)
            oo_vec_push(NULL, &suite.only, next);
        else if (strcmp(a, "--overrides") == 0)
            overrides = next;
        else if (strcmp(a, "--at-least") == 0)
            suite.at_least = strtol(next, NULL, 10);
        else if (strcmp(a, "--at-most-in-double") == 0)
            suite.at_most_in_double = strtol(next, NULL, 10);
        else if (a[0] == '-')
            return usage("unknown option");
        else
            folders = true;
    }
    if (!folders)
        return usage("no folder is given");
    read_overrides(overrides);
    for (int i = 1; i < argc; i++) {
        if (takes_argument(argv[i]))
            i++;
        else if (argv[i][0] != '-')
            find_cases(argv[i], 0);
    }
    signal(SIGSEGV, crashed);
    signal(SIGFPE, crashed);
    signal(SIGABRT, crashed);
    const int code = run_all();
    free_all();
    return code;
}
