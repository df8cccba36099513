/* onnxopt infer: types and symbolic shapes of all values, as a table or as JSON, and the model with them. */
#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/json.h"
#include "ir/infer_learn.h"
#include "ir/infer_store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct job {
    const oo_settings *settings;
    oo_context *context;
    oo_input input;
    oo_model *model;
    oo_arena *arena;
    oo_infer_counts counts;
    double seconds; /* of inference */
} job;

/* One value, as it is shown. */
typedef struct line {
    const oo_value *value;
    const char *name, *producer, *type, *contents;
} line;

/* Text of a file, in the arena: JSON must be UTF-8, a terminal must not obey it. */
static const char *safe(const job *j, const char *text) {
    char *copy = NULL;
    size_t size = 0;
    if (j->settings->shapes.json) {
        copy = oo__clean(text);
    } else {
        FILE *const f = open_memstream(&copy, &size);
        if (!f)
            oo__oom(0);
        oo__put_safe(f, text);
        fclose(f);
    }
    const char *const out = oo__arena_printf(j->arena, "%s", copy);
    free(copy);
    return out;
}

/* ---- texts ---- */
static const char *dim_text(const job *j, const oo_dim *d) {
    if (d->kind == OO_DIM_VALUE)
        return oo__arena_printf(j->arena, "%lld", (long long)d->value);
    return d->expr ? safe(j, oo__dim_text(j->model, d->expr, j->arena)) : "?";
}

/* "float[N,3]", "seq(float[?])" */
static const char *type_text(const job *j, const oo_type *type) {
    static const char *const CONTAINERS[] = {[OO_TYPE_SEQUENCE] = "seq", [OO_TYPE_MAP] = "map", [OO_TYPE_OPAQUE] = "opaque",
                                             [OO_TYPE_OPTIONAL] = "optional"};
    if (!type || type->kind == OO_TYPE_NONE)
        return "?";
    const char *const elem = type->has_elem ? oo__elem_name(type->elem) : NULL;
    if (type->kind == OO_TYPE_MAP)
        return oo__arena_printf(j->arena, "map(%s, %s)", elem ? elem : "?", type_text(j, type->inner));
    if (type->kind != OO_TYPE_TENSOR && type->kind != OO_TYPE_SPARSE_TENSOR)
        return oo__arena_printf(j->arena, "%s(%s)", CONTAINERS[type->kind], type->kind == OO_TYPE_OPAQUE ? "" : type_text(j, type->inner));
    const char *text = oo__arena_printf(j->arena, "%s%s%s", type->kind == OO_TYPE_SPARSE_TENSOR ? "sparse " : "", elem ? elem : "?",
                                        type->has_shape ? "[" : "");
    for (uint32_t i = 0; type->has_shape && i < type->rank; i++)
        text = oo__arena_printf(j->arena, "%s%s%s", text, i ? "," : "", dim_text(j, &type->dims[i]));
    return type->has_shape ? oo__arena_printf(j->arena, "%s]", text) : text;
}

static const char *item_text(const job *j, const oo_item *item) {
    if (!item->numerator)
        return "?";
    const char *const text = safe(j, oo__dim_text(j->model, item->numerator, j->arena));
    return item->denominator == 1 ? text : oo__arena_printf(j->arena, "(%s)/%lld", text, (long long)item->denominator);
}

/* What is known of the contents of a small tensor that a node makes: "{N, 12, 64}", "" when nothing is. */
static const char *contents_text(const job *j, const oo_value *value) {
    enum { SHOWN = 8 };
    const oo_known *const known = value->producer ? value->known : NULL;
    bool any = false;
    for (uint32_t i = 0; known && i < known->count; i++)
        any = any || known->items[i].numerator;
    if (!any)
        return "";
    const char *text = "{";
    for (uint32_t i = 0; i < known->count && i < SHOWN; i++)
        text = oo__arena_printf(j->arena, "%s%s%s", text, i ? ", " : "", item_text(j, &known->items[i]));
    return oo__arena_printf(j->arena, "%s%s}", text, known->count > SHOWN ? ", ..." : "");
}

static const char *node_text(const job *j, const oo_node *node) {
    const char *const op = safe(j, node->op->name), *const name = oo_node_name(node);
    return *name ? oo__arena_printf(j->arena, "%s \"%s\"", op, safe(j, name)) : op;
}

static const char *producer_text(const job *j, const oo_value *value) {
    return value->producer ? node_text(j, value->producer) : "input";
}

/* ---- the table ---- */
static bool is_shown(const job *j, const oo_value *value) {
    return !j->settings->shapes.unresolved || oo__infer_class(value) != OO_INFER_RESOLVED;
}

typedef oo_vec(line) lines;

static void add_line(const job *j, lines *out, const oo_value *value) {
    if (!value || !is_shown(j, value))
        return;
    const line l = {.value = value,
                    .name = safe(j, oo_value_name(value)),
                    .producer = producer_text(j, value),
                    .type = type_text(j, value->type),
                    .contents = contents_text(j, value)};
    oo_vec_push(j->arena, out, l);
}

static void collect(const job *j, lines *out, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        add_line(j, out, graph->inputs.data[i].value);
    for (const oo_node *node = graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++)
            add_line(j, out, node->outputs[i]);
}

/* The width of a column: wide entries may stick out. */
static int width_of(size_t longest, int most) { return longest < (size_t)most ? (int)longest : most; }

static void print_lines(const job *j, const oo_graph *graph, const lines *all) {
    size_t name = 0, producer = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        const size_t n = strlen(all->data[i].name), p = strlen(all->data[i].producer);
        name = n > name ? n : name;
        producer = p > producer ? p : producer;
    }
    printf("%s\n", safe(j, oo__graph_path(graph, j->arena)));
    for (uint32_t i = 0; i < all->n; i++) {
        const line *const l = &all->data[i];
        printf("  %-*s  %-*s  %s%s%s\n", width_of(name, 40), l->name, width_of(producer, 40), l->producer, l->type, *l->contents ? " = " : "",
               l->contents);
    }
}

static double share_of(const oo_infer_counts *n) {
    return n->values > n->fresh ? 100.0 * (double)n->resolved / (double)(n->values - n->fresh) : 100.0;
}

static const char *summary(const job *j) {
    const oo_infer_counts *const n = &j->counts;
    return oo__arena_printf(j->arena, "%llu values of nodes, %llu resolved (%.1f %%), %llu sized by data, %llu unknown", (unsigned long long)n->values,
                            (unsigned long long)n->resolved, share_of(n), (unsigned long long)n->fresh, (unsigned long long)n->unknown);
}

/* ---- JSON ---- */
static cJSON *new_object(const char *type) {
    cJSON *const object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "v", 1);
    cJSON_AddStringToObject(object, "type", type);
    return object;
}

/* Numbers are numbers as far as a JSON reader surely keeps them, everything else is text. */
static cJSON *dim_json(const job *j, const oo_dim *d) {
    const int64_t exact = INT64_C(1) << 53;
    if (d->kind == OO_DIM_VALUE && d->value < exact)
        return cJSON_CreateNumber((double)d->value);
    return d->kind == OO_DIM_VALUE || d->expr ? cJSON_CreateString(dim_text(j, d)) : cJSON_CreateNull();
}

static void add_contents(const job *j, cJSON *object, const line *l) {
    if (!*l->contents)
        return;
    cJSON *const list = cJSON_AddArrayToObject(object, "contents");
    for (uint32_t i = 0; i < l->value->known->count; i++) {
        const oo_item *const item = &l->value->known->items[i];
        cJSON_AddItemToArray(list, item->numerator ? cJSON_CreateString(item_text(j, item)) : cJSON_CreateNull());
    }
}

static void print_value_json(const job *j, const oo_graph *graph, const line *l) {
    static const char *const CLASSES[] = {"resolved", "by-data", "unknown"};
    cJSON *const o = new_object("value");
    const oo_node *const node = l->value->producer;
    const oo_type *const type = l->value->type;
    cJSON_AddStringToObject(o, "graph", safe(j, oo__graph_path(graph, j->arena)));
    cJSON_AddStringToObject(o, "name", l->name);
    cJSON_AddStringToObject(o, "producer", node ? safe(j, node->op->name) : "input");
    if (node)
        cJSON_AddStringToObject(o, "node", safe(j, oo_node_name(node)));
    cJSON_AddStringToObject(o, "text", l->type);
    cJSON_AddStringToObject(o, "class", CLASSES[oo__infer_class(l->value)]);
    if (type && type->kind == OO_TYPE_TENSOR) {
        const char *const elem = type->has_elem ? oo__elem_name(type->elem) : NULL;
        if (elem)
            cJSON_AddStringToObject(o, "dtype", elem);
        cJSON *const shape = type->has_shape ? cJSON_AddArrayToObject(o, "shape") : NULL;
        for (uint32_t i = 0; shape && i < type->rank; i++)
            cJSON_AddItemToArray(shape, dim_json(j, &type->dims[i]));
    }
    add_contents(j, o, l);
    oo__put_json(stdout, o, false);
}

static void print_summary_json(const job *j) {
    cJSON *const o = new_object("summary");
    cJSON_AddNumberToObject(o, "values", (double)j->counts.values);
    cJSON_AddNumberToObject(o, "resolved", (double)j->counts.resolved);
    cJSON_AddNumberToObject(o, "by_data", (double)j->counts.fresh);
    cJSON_AddNumberToObject(o, "unknown", (double)j->counts.unknown);
    cJSON_AddNumberToObject(o, "share", share_of(&j->counts));
    cJSON_AddNumberToObject(o, "seconds", j->seconds);
    oo__put_json(stdout, o, false);
}

/* ---- constraints ---- */
static void print_constraint(const job *j, const oo_constraint *k) {
    const char *const left = safe(j, oo__dim_text(j->model, k->left, j->arena)), *const right = safe(j, oo__dim_text(j->model, k->right, j->arena));
    if (!j->settings->shapes.json) {
        printf("  %s = %s, %s in %s%s\n", left, right, k->why, node_text(j, k->node), k->symbol ? "" : "; no symbol follows from it");
        return;
    }
    cJSON *const o = new_object("constraint");
    cJSON_AddStringToObject(o, "left", left);
    cJSON_AddStringToObject(o, "right", right);
    cJSON_AddStringToObject(o, "why", k->why);
    cJSON_AddStringToObject(o, "op", safe(j, k->node->op->name));
    cJSON_AddStringToObject(o, "node", safe(j, oo_node_name(k->node)));
    if (k->symbol)
        cJSON_AddStringToObject(o, "replaced", safe(j, k->symbol));
    oo__put_json(stdout, o, false);
}

static void print_constraints(const job *j) {
    const oo__learned *const l = j->model->learned;
    if (!l || !l->all.n)
        return;
    if (!j->settings->shapes.json)
        printf("what must hold for the model to run\n");
    for (uint32_t i = 0; i < l->all.n; i++)
        print_constraint(j, &l->all.data[i]);
}

static void print(const job *j) {
    const bool json = j->settings->shapes.json;
    oo_for_each_graph(graph, j->model) {
        if (oo_graph_in_function(graph))
            continue; /* each call may have other types */
        lines all = {0};
        collect(j, &all, graph);
        for (uint32_t i = 0; json && i < all.n; i++)
            print_value_json(j, graph, &all.data[i]);
        if (!json && all.n)
            print_lines(j, graph, &all);
    }
    print_constraints(j);
    if (json)
        print_summary_json(j);
    else
        printf("%s\n", summary(j));
}

/* ---- running ---- */
static oo_status infer(job *j) {
    const oo_shape_options *const o = &j->settings->shapes;
    const oo_shape_request request = {.dims = o->dims.data,
                                      .ndims = o->dims.n,
                                      .shapes = o->inputs.data,
                                      .nshapes = o->inputs.n,
                                      .emit = j->settings->output != NULL,
                                      .forget = o->forget,
                                      .strict = o->strict};
    const oo_rewriter_settings settings = {.pass = "infer"};
    oo_rewriter *const rw = oo__rewriter_new(j->model, j->arena, &settings);
    const double begin = oo__now();
    const oo_status status = oo__infer_shapes(rw, &request);
    j->seconds = oo__now() - begin;
    oo__rewriter_free(rw);
    return status;
}

static oo_exit process(job *j) {
    const oo_settings *const s = j->settings;
    const bool as_text = oo__writes_text(s, s->output);
    if (s->output && strcmp(s->output, "-") == 0 && !as_text && isatty(STDOUT_FILENO)) {
        oo__usage_error(j->context, "a binary model is not written to a terminal; name a file with -o");
        return OO_EXIT_USAGE;
    }
    if (oo__input_open(&j->input, j->context, s->model) != OO_OK || oo__input_read(&j->model, j->context, &j->input) != OO_OK ||
        oo__model_sort(j->model) != OO_OK)
        return OO_EXIT_INPUT;
    const oo_status inferred = infer(j);
    if (inferred != OO_OK)
        return inferred == OO_UNSUPPORTED ? OO_EXIT_USAGE : OO_EXIT_CHECK;
    j->counts = oo__infer_count(j->model);
    if (s->output && oo__write_model(s, j->context, j->model, s->output, as_text, NULL) != OO_OK)
        return OO_EXIT_FAILED;
    if (!s->output || strcmp(s->output, "-") != 0)
        print(j);
    return OO_EXIT_DONE;
}

oo_exit oo__cmd_infer(const oo_settings *settings, oo_context *context, const oo_printer *printer) {
    const double begin = oo__now();
    job j = {.settings = settings, .context = context, .input = {.size = -1}, .arena = oo__arena_new()};
    const oo_exit code = process(&j);
    oo_result result = {.exit = code, .input = settings->model, .bytes_before = j.input.size, .bytes_after = -1};
    if (code == OO_EXIT_DONE) {
        char took[OO_DURATION_SIZE];
        result.output = settings->output;
        result.summary = oo__arena_printf(j.arena, "%s in %s", summary(&j), oo__duration(took, j.seconds));
    }
    result.seconds = oo__now() - begin;
    oo__print_result(printer, &result);
    oo__arena_free(j.arena);
    oo_model_free(j.model);
    oo__input_close(&j.input);
    return code;
}
