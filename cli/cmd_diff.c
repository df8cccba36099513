/* onnxopt diff: how two models differ, in what they promise, in what they are made of, in what they compute. */
#include "cli/checking.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    const oo_settings *settings;
    oo_context *context;
    const oo_printer *printer;
    oo_input inputs[2];
    oo_model *models[2];
    uint32_t lines; /* printed: differences */
} job;

static const char *safe(const char *text) { return oo__printable(text ? text : "", text ? strlen(text) : 0); }

static void put(job *j, const char *format, ...) OO_PRINTF(2, 3);
static void put(job *j, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    j->lines++;
}

/* ---- counts of names ---- */
typedef struct tally {
    const char *name;
    int64_t counts[2];
} tally;
typedef oo_vec(tally) tallies;

static int by_name(const void *a, const void *b) { return strcmp(((const tally *)a)->name, ((const tally *)b)->name); }

/* Sorts, and adds up what has the same name. */
static void merge(tallies *t) {
    if (t->n)
        qsort(t->data, t->n, sizeof *t->data, by_name);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        if (!kept || strcmp(t->data[kept - 1].name, t->data[i].name) != 0) {
            t->data[kept++] = t->data[i];
            continue;
        }
        t->data[kept - 1].counts[0] += t->data[i].counts[0];
        t->data[kept - 1].counts[1] += t->data[i].counts[1];
    }
    t->n = kept;
}

static tally one(const char *name, int side, int64_t count) {
    tally t = {.name = name};
    t.counts[side] = count;
    return t;
}

/* ---- heads ---- */
static void diff_text(job *j, const char *what, const char *a, const char *b) {
    if ((a || b) && (!a || !b || strcmp(a, b) != 0))
        put(j, "%s: \"%s\" -> \"%s\"\n", what, safe(a), safe(b));
}

static void diff_opsets(job *j) {
    tallies t = {0};
    for (int side = 0; side < 2; side++)
        for (uint32_t i = 0; i < j->models[side]->opsets.n; i++) {
            const oo_opset *const o = &j->models[side]->opsets.data[i];
            oo_vec_push(j->settings->arena, &t, one(o->domain && *o->domain ? o->domain : "ai.onnx", side, o->version));
        }
    merge(&t);
    for (uint32_t i = 0; i < t.n; i++)
        if (t.data[i].counts[0] != t.data[i].counts[1])
            put(j, "opset %s: %lld -> %lld\n", safe(t.data[i].name), (long long)t.data[i].counts[0], (long long)t.data[i].counts[1]);
}

static void diff_heads(job *j) {
    const oo_model *const a = j->models[0], *const b = j->models[1];
    if (a->ir_version != b->ir_version)
        put(j, "ir_version: %lld -> %lld\n", (long long)a->ir_version, (long long)b->ir_version);
    diff_opsets(j);
    diff_text(j, "producer", a->producer_name, b->producer_name);
    diff_text(j, "graph", a->graph->name, b->graph->name);
    if (a->metadata.n != b->metadata.n)
        put(j, "metadata entries: %u -> %u\n", a->metadata.n, b->metadata.n);
}

/* ---- interface ---- */
/* A list by name. */
typedef struct named_infos {
    const oo_value_infos *list;
    oo_intern *names; /* the slot of each holds its entry */
} named_infos;

static named_infos names_of(const job *j, const oo_value_infos *list) {
    const named_infos x = {list, oo__intern_new(j->settings->arena)};
    for (uint32_t i = 0; i < list->n; i++)
        *oo__str_slot(oo__intern(x.names, oo_value_name(list->data[i].value))) = &list->data[i];
    return x;
}

static const oo_value_info *find(const named_infos *x, const oo_value_info *other) {
    const char *const name = oo_value_name(other->value), *const known = oo__intern_find(x->names, name, strlen(name));
    return known ? *oo__str_slot(known) : NULL;
}

static void diff_types(job *j, const char *what, const oo_value_info *a, const oo_value_info *b) {
    const char *const x = oo__type_text(a->type, j->settings->arena), *const y = oo__type_text(b->type, j->settings->arena);
    if (strcmp(x, y) != 0)
        put(j, "~ %s %s: %s -> %s\n", what, safe(oo_value_name(a->value)), x, y);
}

static void diff_one(job *j, char sign, const char *what, const oo_value_info *info) {
    put(j, "%c %s %s: %s\n", sign, what, safe(oo_value_name(info->value)), oo__type_text(info->type, j->settings->arena));
}

/* Order counts: callers may go by position. */
static void diff_list(job *j, const char *what, const oo_value_infos *a, const oo_value_infos *b) {
    const named_infos in_a = names_of(j, a), in_b = names_of(j, b);
    bool moved = false, same = a->n == b->n;
    for (uint32_t i = 0; i < a->n; i++) {
        const oo_value_info *const other = find(&in_b, &a->data[i]);
        if (other)
            diff_types(j, what, &a->data[i], other);
        else
            diff_one(j, '-', what, &a->data[i]);
        moved |= other && other != &b->data[i];
        same &= other != NULL;
    }
    for (uint32_t i = 0; i < b->n; i++)
        if (!find(&in_a, &b->data[i]))
            diff_one(j, '+', what, &b->data[i]);
    if (moved && same)
        put(j, "~ the %ss stand in another order\n", what);
    oo__intern_free(in_a.names);
    oo__intern_free(in_b.names);
}

/* ---- contents ---- */
static void count_nodes(job *j, tallies *t, int side) {
    oo_for_each_graph(graph, j->models[side]) {
        for (const oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node)) {
            const char *const domain = node->op->domain;
            const char *const name = *domain ? oo__arena_printf(j->settings->arena, "%s.%s", domain, node->op->name) : node->op->name;
            oo_vec_push(j->settings->arena, t, one(name, side, 1));
        }
    }
    merge(t);
}

static void diff_nodes(job *j) {
    tallies t = {0};
    count_nodes(j, &t, 0);
    count_nodes(j, &t, 1);
    int64_t all[2] = {0};
    for (uint32_t i = 0; i < t.n; i++) {
        all[0] += t.data[i].counts[0];
        all[1] += t.data[i].counts[1];
    }
    if (all[0] != all[1])
        put(j, "nodes: %lld -> %lld\n", (long long)all[0], (long long)all[1]);
    for (uint32_t i = 0; i < t.n; i++) {
        const int64_t a = t.data[i].counts[0], b = t.data[i].counts[1];
        if (a != b)
            put(j, "%c %s: %lld -> %lld\n", a < b ? '+' : '-', safe(t.data[i].name), (long long)a, (long long)b);
    }
}

typedef struct data_size {
    uint64_t tensors, bytes;
} data_size;

static data_size data_of(const oo_model *model) {
    data_size size = {0};
    oo_for_each_graph(graph, model) {
        for (uint32_t i = 0; i < graph->initializers.n; i++) {
            const oo_tensor *const tensor = graph->initializers.data[i]->init;
            size.tensors += tensor != NULL;
            size.bytes += tensor ? oo_tensor_size(tensor) : 0;
        }
    }
    return size;
}

static void diff_data(job *j) {
    const data_size a = data_of(j->models[0]), b = data_of(j->models[1]);
    if (a.tensors != b.tensors || a.bytes != b.bytes)
        put(j, "initializers: %llu -> %llu, bytes %llu -> %llu\n", (unsigned long long)a.tensors, (unsigned long long)b.tensors,
            (unsigned long long)a.bytes, (unsigned long long)b.bytes);
    const uint32_t f = oo_model_nfunctions(j->models[0]), g = oo_model_nfunctions(j->models[1]);
    if (f != g)
        put(j, "functions: %u -> %u\n", f, g);
}

static void print_text_diff(job *j) {
    static const oo_print_options elided = {.elide = 16};
    char *const a = oo_model_print(j->models[0], &elided), *const b = oo_model_print(j->models[1], &elided);
    char *const text = oo__text_diff(a, b, 2);
    fputs(text, stdout);
    free(text);
    free(a);
    free(b);
}

static void print_structure(job *j) {
    const bool same = oo__model_hash(j->models[0]) == oo__model_hash(j->models[1]);
    diff_heads(j);
    diff_list(j, "input", &j->models[0]->graph->inputs, &j->models[1]->graph->inputs);
    diff_list(j, "output", &j->models[0]->graph->outputs, &j->models[1]->graph->outputs);
    diff_nodes(j);
    diff_data(j);
    if (same)
        puts(j->lines ? "the graphs are the same" : "the models are the same (the names of values inside are not compared)");
    else if (!j->lines)
        puts("interface, operator counts and data sizes are the same; wiring, attributes or data differ");
}

/* ---- the command ---- */
static oo_status open_models(job *j) {
    const char *const paths[2] = {j->settings->model, j->settings->other};
    for (int i = 0; i < 2; i++) {
        OO_TRY(oo__input_open(&j->inputs[i], j->context, paths[i]));
        OO_TRY(oo__input_read(&j->models[i], j->context, &j->inputs[i]));
        if (j->models[i]->graph)
            continue;
        oo__report(j->models[i], OO_ERROR, "load-no-graph", NULL, NULL, NULL, "the model has no graph");
        return OO_INVALID;
    }
    return OO_OK;
}

static oo_exit process(job *j) {
    if (open_models(j) != OO_OK)
        return OO_EXIT_INPUT;
    print_structure(j);
    if (j->settings->text_diff)
        print_text_diff(j);
    if (!j->settings->compare.sets)
        return OO_EXIT_DONE;
    fflush(stdout);
    const oo_checking checking = {
        .settings = j->settings, .context = j->context, .printer = j->printer, .folder = oo__check_folder(j->settings, j->settings->other)};
    const oo_status status = oo__checking_run(&checking, j->models[0], j->models[1]);
    return status == OO_OK            ? OO_EXIT_DONE
           : status == OO_UNSUPPORTED ? OO_EXIT_USAGE
           : status == OO_MISMATCH    ? OO_EXIT_CHECK
                                      : OO_EXIT_INPUT;
}

oo_exit oo__cmd_diff(const oo_settings *settings, oo_context *context, const oo_printer *printer) {
    const double begin = oo__now();
    job j = {.settings = settings, .context = context, .printer = printer};
    const oo_exit code = process(&j);
    if (printer->json)
        oo__print_result(
            printer,
            &(oo_result){.exit = code, .input = settings->model, .bytes_before = -1, .bytes_after = -1, .seconds = oo__now() - begin});
    for (int i = 0; i < 2; i++) {
        oo_model_free(j.models[i]);
        oo__input_close(&j.inputs[i]);
    }
    return code;
}
