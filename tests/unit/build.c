#include "tests/unit/build.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- diagnostics ---- */
heard told;

static const char *or_empty(const char *text) { return text ? text : ""; }

static void keep(void *user, const oo_diag *d) {
    (void)user;
    static const char *const severities[] = {"note", "remark", "warning", "error"};
    char *text;
    size_t size;
    FILE *const f = open_memstream(&text, &size);
    fprintf(f, "%s%s %s %s:%u:%u [%s] %s(%s) %s {%s/%s}: %s\n", or_empty(told.text), severities[d->severity],
            or_empty(d->code), or_empty(d->file), d->line, d->column, or_empty(d->graph), or_empty(d->node),
            or_empty(d->op), or_empty(d->value), or_empty(d->pass), or_empty(d->rule), d->text);
    fclose(f);
    free(told.text);
    told.text = text;
    told.size = size;
    told.count++;
    told.last = (oo_diag){.severity = d->severity, .line = d->line, .column = d->column, .offset = d->offset};
}

oo_context *new_context(void) {
    forget_told();
    oo_context *const context = oo_context_new();
    oo_set_sink(context, keep, NULL);
    return context;
}

void forget_told(void) {
    free(told.text);
    told = (heard){0};
}

void assert_told(const char *part) {
    if (!told.text || !strstr(told.text, part))
        fail_msg("expected \"%s\" in:\n%s", part, or_empty(told.text));
}

void assert_told_nothing(void) {
    if (told.count)
        fail_msg("expected silence, got:\n%s", told.text);
}

bool dies(void (*f)(void *argument), void *argument, const char *part) {
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        f(argument);
        _exit(0);
    }
    close(ends[1]);
    char text[4096] = "";
    size_t size = 0;
    for (ssize_t n; size < sizeof text - 1 && (n = read(ends[0], text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)n;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    const bool dead = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (!dead || !strstr(text, part))
        print_error("expected death by \"%s\", got status %d and: %s\n", part, status, text);
    return dead && strstr(text, part);
}

uint32_t draw(uint64_t *seed, uint32_t limit) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*seed >> 33) % limit);
}

/* ---- a model in the making ---- */
void import_opset(oo_model *model, oo_opsets *opsets, const char *domain, int64_t version) {
    oo_vec_push(model->arena, opsets,
                (oo_opset){.domain = oo__str(model, domain), .version = version, .has_version = true});
}

world *world_new(int64_t opset) {
    world *const w = oo__malloc(sizeof *w);
    *w = (world){.context = new_context(), .scratch = oo__arena_new()};
    w->model = oo__model_new(w->context, "test.onnx");
    w->model->ir_version = 9;
    import_opset(w->model, &w->model->opsets, "", opset);
    w->graph = w->model->graph = oo__graph_new(w->model, NULL);
    w->graph->name = oo__str(w->model, "g");
    const oo_rewriter_settings settings = {.pass = "test"};
    w->rw = oo__rewriter_new(w->model, w->scratch, &settings);
    return w;
}

void world_free(world *w) {
    oo__rewriter_free(w->rw);
    oo_model_free(w->model);
    oo__arena_free(w->scratch);
    oo_context_free(w->context);
    free(w);
    forget_told();
}

oo_value *add_input(oo_graph *graph, const char *name) {
    oo_value *const value = oo__value_new(graph, oo__str(graph->model, name));
    value->flags |= OO_VALUE_INPUT;
    oo_vec_push(graph->model->arena, &graph->inputs, (oo_value_info){.value = value, .name = value->name});
    return value;
}

oo_value *add_init(oo_graph *graph, const char *name, oo_tensor *tensor) {
    oo_value *const value = oo__value_new(graph, oo__str(graph->model, name));
    value->flags |= OO_VALUE_INITIALIZER;
    value->init = tensor;
    oo_vec_push(graph->model->arena, &graph->initializers, value);
    return value;
}

void add_output(oo_graph *graph, oo_value *value) {
    value->noutputs++;
    oo_vec_push(graph->model->arena, &graph->outputs, (oo_value_info){.value = value, .name = value->name});
}

oo_node *add_node_n(oo_graph *graph, const char *op, const char *name, uint32_t noutputs, oo_value *const *inputs,
                    uint32_t ninputs) {
    oo_model *const model = graph->model;
    oo_node *const node = oo__node_new(graph, NULL, op, ninputs, noutputs, 0);
    node->name = oo__str(model, name);
    for (uint32_t i = 0; i < ninputs; i++)
        oo__use_link(node, i, inputs[i]);
    for (uint32_t i = 0; i < noutputs; i++) {
        char text[80];
        snprintf(text, sizeof text, i ? "%s_%u" : "%s", name, i);
        oo__node_set_output(node, i, oo__value_new(graph, oo__str(model, text)));
    }
    return node;
}

oo_attr *add_attr(oo_node *node, const char *name, oo_attr_type type) {
    oo_model *const model = node->graph->model;
    oo_attr **const attrs = OO_NEW_ARRAY(model->arena, oo_attr *, node->nattrs + 1);
    for (uint32_t i = 0; i < node->nattrs; i++)
        attrs[i] = node->attrs[i];
    oo_attr *const attr = OO_NEW(model->arena, oo_attr);
    attr->name = oo__str(model, name);
    attr->type = type;
    attr->has_type = true;
    attrs[node->nattrs++] = attr;
    node->attrs = attrs;
    return attr;
}

void add_int(oo_node *node, const char *name, int64_t value) { add_attr(node, name, OO_ATTR_INT)->i = value; }

oo_graph *add_subgraph(oo_node *node, const char *name) {
    oo_graph *const graph = oo__graph_new(node->graph->model, node->graph);
    graph->owner = node;
    graph->name = oo__str(graph->model, name);
    add_attr(node, name, OO_ATTR_GRAPH)->g = graph;
    return graph;
}

oo_node *add_if(oo_graph *graph, const char *name, oo_value *condition) {
    oo_node *const node = add_node(graph, "If", name, 1, condition);
    add_subgraph(node, "then_branch");
    add_subgraph(node, "else_branch");
    return node;
}

oo_graph *branch(const oo_node *node, uint32_t index) { return oo_node_subgraph(node, index); }

oo_function *add_function(oo_model *model, const char *domain, const char *name, const char *overload) {
    oo_function *const f = OO_NEW(model->arena, oo_function);
    f->domain = oo__str(model, domain);
    f->name = oo__str(model, name);
    f->overload = overload ? oo__str(model, overload) : NULL;
    f->graph = oo__graph_new(model, NULL);
    f->graph->function = f;
    oo__function_add(model, f);
    return f;
}

oo_tensor *floats(oo_model *model, uint32_t count, const float *data) {
    return oo_tensor_make(model, OO_FLOAT, 1, (const int64_t[]){count}, data);
}

oo_tensor *scalar(oo_model *model, float value) { return oo_tensor_make(model, OO_FLOAT, 0, NULL, &value); }

oo_type *tensor_type_of(oo_model *model, oo_elem elem, uint32_t rank, const int64_t *dims) {
    oo_type *const type = OO_NEW(model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .has_elem = true, .elem = (int32_t)elem, .has_shape = true, .rank = rank};
    type->dims = OO_NEW_ARRAY(model->arena, oo_dim, rank);
    for (uint32_t i = 0; i < rank; i++)
        type->dims[i] = (oo_dim){.kind = OO_DIM_VALUE, .value = dims[i]};
    return type;
}

/* ---- looking at it ---- */
static void print_type(FILE *f, const oo_type *type) {
    if (!type)
        return;
    fprintf(f, ":%d.%d.%d(", (int)type->kind, type->elem, type->has_shape);
    for (uint32_t i = 0; i < type->rank; i++)
        fprintf(f, "%lld,", (long long)type->dims[i].value);
    fputc(')', f);
}

static int by_user(const void *a, const void *b) {
    const oo_use *const x = *(const oo_use *const *)a, *const y = *(const oo_use *const *)b;
    return x->user->id != y->user->id ? (x->user->id > y->user->id) - (x->user->id < y->user->id)
                                      : (x->index > y->index) - (x->index < y->index);
}

static void print_value(FILE *f, const oo_value *v) {
    if (!v) {
        fputs("-", f);
        return;
    }
    fprintf(f, "%u\"%s\"", v->id, or_empty(v->name));
}

/* A value where it is defined. */
static void print_definition(FILE *f, const oo_value *v) {
    print_value(f, v);
    if (!v)
        return;
    fprintf(f, " flags %u outputs %u producer %d init %p", v->flags, v->noutputs,
            v->producer ? (int)v->producer->id : -1, (const void *)v->init);
    print_type(f, v->type);
    fprintf(f, " uses %u:", v->nuses);
    const oo_use **const uses = oo__malloc(v->nuses * sizeof *uses);
    uint32_t n = 0;
    for (const oo_use *use = v->uses; use && n < v->nuses; use = use->next)
        uses[n++] = use;
    qsort(uses, n, sizeof *uses, by_user);
    for (uint32_t i = 0; i < n; i++)
        fprintf(f, " %u.%u", uses[i]->user->id, uses[i]->index);
    free(uses);
}

static void print_attr(FILE *f, const oo_attr *a) {
    fprintf(f, " %s:%d%s%s=", or_empty(a->name), (int)a->type, a->reference ? "@" : "", or_empty(a->reference));
    switch (a->type) {
    case OO_ATTR_INT: fprintf(f, "%lld", (long long)a->i); break;
    case OO_ATTR_FLOAT: fprintf(f, "%a", (double)a->f); break;
    case OO_ATTR_STRING: fprintf(f, "%.*s", (int)a->s.size, (const char *)a->s.data); break;
    case OO_ATTR_TENSOR: fprintf(f, "%p", (void *)a->t); break;
    case OO_ATTR_GRAPH: fprintf(f, "graph %u", a->g->index); break;
    case OO_ATTR_INTS:
        for (uint32_t i = 0; i < a->count; i++)
            fprintf(f, "%lld,", (long long)a->ints[i]);
        break;
    default: fprintf(f, "%u items", a->count);
    }
}

static void print_node(FILE *f, const oo_node *node) {
    fprintf(f, "  node %u \"%s\" %s.%s%s (", node->id, or_empty(node->name), node->op->domain, node->op->name,
            node->erased ? " ERASED" : "");
    for (uint32_t i = 0; i < node->ninputs; i++) {
        print_value(f, node->inputs[i].value);
        fputc(' ', f);
    }
    fputs(") ->\n", f);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        fputs("    ", f);
        print_definition(f, node->outputs[i]);
        fputc('\n', f);
    }
    fputs("   ", f);
    for (uint32_t i = 0; i < node->nattrs; i++)
        print_attr(f, node->attrs[i]);
    fputc('\n', f);
}

static void print_graph(FILE *f, const oo_graph *graph) {
    fprintf(f, "graph %u owner %d nodes %u\n", graph->index, graph->owner ? (int)graph->owner->id : -1, graph->nnodes);
    for (uint32_t i = 0; i < graph->inputs.n; i++) {
        fputs("  input ", f);
        print_definition(f, graph->inputs.data[i].value);
        fputc('\n', f);
    }
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        fputs("  init ", f);
        print_definition(f, graph->initializers.data[i]);
        fputc('\n', f);
    }
    for (const oo_node *node = graph->first; node; node = node->next)
        print_node(f, node);
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        fputs("  output ", f);
        print_value(f, graph->outputs.data[i].value);
        fputc('\n', f);
    }
}

char *dump(const oo_model *model) {
    char *text;
    size_t size;
    FILE *const f = open_memstream(&text, &size);
    oo_for_each_graph(graph, model) print_graph(f, graph);
    for (uint32_t i = 0; i < model->functions.n; i++)
        fprintf(f, "function %u dropped %d\n", i, model->functions.data[i]->dropped);
    fprintf(f, "history %u\n", model->history.n);
    fclose(f);
    return text;
}

const char *ops_of(const oo_graph *graph) {
    static char text[4096];
    size_t size = 0;
    text[0] = 0;
    for (const oo_node *node = graph->first; node && size < sizeof text; node = node->next)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size ? " " : "", node->op->name);
    return text;
}
