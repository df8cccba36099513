/* onnxopt run: a model on inputs of files, of a test folder, or random. */
#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/profile.h"
#include "eval/compare.h"
#include "eval/random_input.h"
#include "io/npy.h"
#include "passes/values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct job {
    const oo_settings *settings;
    const oo_run_options *run;
    oo_context *context;
    oo_input input;
    oo_model *model, *values; /* values: owns the tensors of files */
    oo_datum **in, **out;     /* of the main graph */
    double seconds;           /* of the evaluation */
} job;

/* ---- inputs ---- */
/* "float[N,3]" */
static const char *type_text(const job *j, const oo_type *type) {
    const char *const elem = oo__elem_name(type->elem);
    const char *text = oo__arena_printf(j->settings->arena, "%s%s", elem ? elem : "unknown", type->has_shape ? "[" : "");
    for (uint32_t i = 0; type->has_shape && i < type->rank; i++) {
        const oo_dim *const d = &type->dims[i];
        const char *const name = d->kind == OO_DIM_PARAM ? oo__printable(d->param, strlen(d->param)) : "?";
        text = d->kind == OO_DIM_VALUE ? oo__arena_printf(j->settings->arena, "%s%s%lld", text, i ? "," : "", (long long)d->value)
                                       : oo__arena_printf(j->settings->arena, "%s%s%s", text, i ? "," : "", name);
    }
    return type->has_shape ? oo__arena_printf(j->settings->arena, "%s]", text) : text;
}

static const char *array_text(const job *j, const oo_array *a) {
    const char *text = oo__arena_printf(j->settings->arena, "%s[", oo__elem_name((int32_t)a->elem));
    for (uint32_t i = 0; i < a->rank; i++)
        text = oo__arena_printf(j->settings->arena, "%s%s%lld", text, i ? "," : "", (long long)a->dims[i]);
    return oo__arena_printf(j->settings->arena, "%s]", text);
}

static bool fits(const oo_array *a, const oo_type *type) {
    bool same = !type->has_elem || (oo_elem)type->elem == a->elem;
    same = same && (!type->has_shape || type->rank == a->rank);
    for (uint32_t i = 0; same && type->has_shape && i < type->rank; i++)
        same = type->dims[i].kind != OO_DIM_VALUE || type->dims[i].value == a->dims[i];
    return same;
}

/* A given value must be of the type that the model declares. */
static oo_status check_input(const job *j, const oo_value_info *info, const oo_datum *given) {
    const oo_type *const type = info->type;
    if (!type || type->kind != OO_TYPE_TENSOR || given->kind != OO_DATUM_TENSOR || fits(given->array, type))
        return OO_OK;
    oo__report(j->model, OO_ERROR, "run-input", j->model->graph, NULL, info->value, "the input is declared as %s, the value given is %s",
               type_text(j, type), array_text(j, given->array));
    return OO_INVALID;
}

static oo_status read_input(job *j, const char *pair) {
    const char *const sign = strrchr(pair, '=');
    const oo_value_infos *const list = &j->model->graph->inputs;
    for (uint32_t i = 0; i < list->n; i++) {
        const char *const name = list->data[i].value->name;
        if (strlen(name) != (size_t)(sign - pair) || memcmp(name, pair, strlen(name)) != 0)
            continue;
        oo__datum_release(j->in[i]);
        j->in[i] = NULL;
        return oo__datum_read(&j->in[i], j->values, sign + 1, list->data[i].type);
    }
    const char *names = "";
    for (uint32_t i = 0; i < list->n && i < 20; i++)
        names = oo__arena_printf(j->settings->arena, "%s%s%s", names, i ? ", " : "",
                                 oo__printable(list->data[i].value->name, strlen(list->data[i].value->name)));
    oo__usage_error(j->context, "--input: the model has no input \"%s\"; it has %s", oo__printable(pair, (size_t)(sign - pair)), names);
    return OO_UNSUPPORTED;
}

static oo_status make_random(job *j) {
    oo_vec(oo_named_dim) dims = {0};
    oo_status status = OO_OK;
    for (uint32_t i = 0; i < j->run->dims.n && status == OO_OK; i++) {
        const char *const pair = j->run->dims.data[i], *const sign = strrchr(pair, '=');
        oo_named_dim dim = {.name = oo__arena_copy(j->settings->arena, pair, (size_t)(sign - pair))};
        oo__parse_count(&dim.size, sign + 1);
        oo_vec_push(NULL, &dims, dim);
        if (oo__model_has_dim(j->model, dim.name))
            continue;
        oo__usage_error(j->context, "--dim: no input has a dimension \"%s\"", oo__printable(dim.name, strlen(dim.name)));
        status = OO_UNSUPPORTED;
    }
    const oo_random_settings settings = {.seed = (uint64_t)j->run->seed, .dims = dims.data, .ndims = dims.n};
    if (status == OO_OK)
        status = oo__random_inputs(j->in, j->model, &settings);
    oo_vec_free(&dims);
    return status;
}

static oo_status prepare_inputs(job *j) {
    const oo_value_infos *const list = &j->model->graph->inputs;
    if (j->run->test_data)
        OO_TRY(oo__test_inputs_read(j->in, j->values, j->model->graph, j->run->test_data));
    for (uint32_t i = 0; i < j->run->inputs.n; i++)
        OO_TRY(read_input(j, j->run->inputs.data[i]));
    for (uint32_t i = 0; i < list->n; i++)
        if (j->in[i])
            OO_TRY(check_input(j, &list->data[i], j->in[i]));
    return make_random(j);
}

/* ---- outputs ---- */
static oo_status write_datum(const job *j, const oo_datum *d, const char *what, uint32_t k) {
    const bool npy = j->run->npy && d->kind == OO_DATUM_TENSOR && d->elem != OO_STRING;
    const char *const path = oo__arena_printf(j->settings->arena, "%s/%s_%u.%s", j->run->output_dir, what, k, npy ? "npy" : "pb");
    const oo_value_tree *const tree = oo__tree_of_datum(j->values, d);
    return npy ? oo__npy_write(j->context, tree->tensor, path) : oo__value_write(j->context, tree, path);
}

/* Inputs are written before the run: they tell how it failed. */
static oo_status write_inputs(const job *j) {
    const char *const folder = j->run->output_dir;
    if (!folder)
        return OO_OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        oo__file_error(j->context, "file-write", folder, -1, "cannot be made: %s", strerror(errno));
        return OO_IO;
    }
    const oo_graph *const graph = j->model->graph;
    for (uint32_t i = 0; j->run->save_inputs && i < graph->inputs.n; i++)
        if (j->in[i])
            OO_TRY(write_datum(j, j->in[i], "input", i));
    return OO_OK;
}

static oo_status write_outputs(const job *j) {
    const oo_graph *const graph = j->model->graph;
    for (uint32_t i = 0; j->run->output_dir && i < graph->outputs.n; i++)
        OO_TRY(write_datum(j, j->out[i], "output", i));
    return OO_OK;
}

static void put_range(const oo_array *a) {
    double least = INFINITY, most = -INFINITY, sum = 0;
    uint64_t nans = 0;
    for (uint64_t i = 0; i < a->count; i++) {
        const double x = oo__array_double(a, i);
        nans += isnan(x) != 0;
        least = fmin(least, x);
        most = fmax(most, x);
        sum += isnan(x) ? 0 : x;
    }
    if (a->count > nans)
        printf(", from %.6g to %.6g, mean %.6g", least, most, sum / (double)(a->count - nans));
    if (nans)
        printf(", %llu NaN", (unsigned long long)nans);
}

static void put_datum(const job *j, const oo_datum *d) {
    static const char *const KINDS[] = {"nothing", "a tensor", "a sequence", "a map", "an optional", "a sparse tensor"};
    if (d->kind == OO_DATUM_TENSOR) {
        fputs(array_text(j, d->array), stdout);
        if (d->elem != OO_STRING && d->elem != OO_COMPLEX64 && d->elem != OO_COMPLEX128)
            put_range(d->array);
    } else {
        printf("%s of %u", KINDS[d->kind], d->nitems);
    }
    fputc('\n', stdout);
}

static void print_outputs(const job *j) {
    const oo_graph *const graph = j->model->graph;
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        const char *const name = graph->outputs.data[i].value->name;
        printf("output %u \"%s\": ", i, oo__printable(name, strlen(name)));
        put_datum(j, j->out[i]);
    }
}

/* ---- comparing with a test folder ---- */
static oo_status compare_outputs(const job *j) {
    const oo_graph *const graph = j->model->graph;
    const oo_tolerance tolerance = {j->run->rtol, j->run->atol, false};
    oo_status status = OO_OK;
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        oo_datum *want, *got = oo__datum_retain(j->out[i]);
        char why[256];
        OO_TRY(oo__test_output_read(&want, j->values, graph, j->run->test_data, i));
        if (j->run->in_double && want && want->elem == OO_FLOAT)
            got = oo__datum_retyped(got, OO_DOUBLE, OO_FLOAT);
        if (want && !oo__datum_agrees(got, want, &tolerance, why, sizeof why)) {
            oo__report(j->model, OO_ERROR, "run-differs", graph, NULL, graph->outputs.data[i].value, "output %u differs: %s", i, why);
            status = OO_MISMATCH;
        }
        oo__datum_release(got);
        oo__datum_release(want);
    }
    return status;
}

/* ---- running ---- */
static oo_status evaluate(job *j) {
    oo_profile *const profile = j->run->profile ? oo__profile_new(j->model) : NULL;
    const oo_eval_settings settings = {.seed = (uint64_t)j->run->seed,
                                       .in_double = j->run->in_double,
                                       .watch = profile ? oo__profile_watch : NULL,
                                       .user = profile};
    oo_evaluator *const ev = oo__evaluator_new(j->model, &settings);
    const double begin = oo__now();
    const oo_status status = oo__evaluate(ev, j->in, j->out);
    j->seconds = oo__now() - begin;
    if (profile && status == OO_OK)
        oo__profile_print(stdout, profile, j->seconds, j->run->profile_json);
    oo__profile_free(profile);
    oo__evaluator_free(ev);
    return status;
}

static oo_exit process(job *j) {
    if (oo__input_open(&j->input, j->context, j->settings->model) != OO_OK || oo__input_read(&j->model, j->context, &j->input) != OO_OK ||
        oo__model_sort(j->model) != OO_OK)
        return OO_EXIT_INPUT;
    const oo_graph *const graph = j->model->graph;
    j->values = oo__model_new(j->context, j->settings->model);
    j->in = OO_NEW_ARRAY(j->settings->arena, oo_datum *, graph->inputs.n);
    j->out = OO_NEW_ARRAY(j->settings->arena, oo_datum *, graph->outputs.n);
    const oo_status prepared = prepare_inputs(j);
    if (prepared != OO_OK)
        return prepared == OO_UNSUPPORTED ? OO_EXIT_USAGE : OO_EXIT_INPUT;
    if (write_inputs(j) != OO_OK || evaluate(j) != OO_OK || write_outputs(j) != OO_OK)
        return OO_EXIT_FAILED;
    if (!j->run->output_dir && !j->run->test_data && !j->run->profile)
        print_outputs(j);
    const oo_status compared = j->run->test_data ? compare_outputs(j) : OO_OK;
    return compared == OO_OK ? OO_EXIT_DONE : compared == OO_MISMATCH ? OO_EXIT_CHECK : OO_EXIT_INPUT;
}

static void tell_result(const job *j, const oo_printer *printer, oo_exit code, double seconds) {
    oo_result result = {.exit = code, .input = j->settings->model, .bytes_before = j->input.size, .bytes_after = -1, .seconds = seconds};
    if (code == OO_EXIT_DONE) {
        const long long nodes = oo__count_nodes(j->model);
        char took[OO_DURATION_SIZE];
        result.output = j->run->output_dir;
        result.summary = oo__arena_printf(j->settings->arena, "%lld node%s evaluated in %s%s", nodes, nodes == 1 ? "" : "s", oo__duration(took, j->seconds),
                                          j->run->test_data ? ", as expected" : "");
    }
    oo__print_result(printer, &result);
}

oo_exit oo__cmd_run(const oo_settings *settings, oo_context *context, const oo_printer *printer) {
    const double begin = oo__now();
    job j = {.settings = settings, .run = &settings->run, .context = context, .input = {.size = -1}};
    const oo_exit code = process(&j);
    tell_result(&j, printer, code, oo__now() - begin);
    for (uint32_t i = 0; j.in && i < j.model->graph->inputs.n; i++)
        oo__datum_release(j.in[i]);
    for (uint32_t i = 0; j.out && i < j.model->graph->outputs.n; i++)
        oo__datum_release(j.out[i]);
    oo_model_free(j.values);
    oo_model_free(j.model);
    oo__input_close(&j.input);
    return code;
}
