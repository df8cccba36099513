/* Inputs that the user fixes: declared types change, everything downstream is inferred anew, and what was baked from the old shape is told. */
#include "ir/infer_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RANK = 64 };
enum { FAILED_BEFORE = 1, FAILED_NOW = 2 };

/* A Reshape and what it was, to see what stays when its input changes. */
typedef struct reshaped {
    const oo_node *node;
    const oo_type *in, *out;
} reshaped;

typedef struct fix {
    oo_rewriter *rw;
    oo_model *model;
    const oo_shape_request *request;
    oo_arena *arena;
    bool renumbered;  /* a number that an input declared is another one now */
    bool changed;
    uint8_t *failed;  /* by node id */
    uint8_t pass;     /* FAILED_BEFORE or FAILED_NOW */
    bool broken;      /* a node that fitted before does not now */
    oo_vec(reshaped) reshapes;
} fix;

OO_PRINTF(2, 3) static oo_status refuse(const fix *f, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    oo__report(f->model, OO_ERROR, "infer-input", NULL, NULL, NULL, "%s", text);
    return OO_UNSUPPORTED;
}

/* "x, y" */
static const char *input_names(const fix *f) {
    const char *names = "";
    const oo_value_infos *const inputs = &f->model->graph->inputs;
    for (uint32_t i = 0; i < inputs->n && i < 20; i++) {
        const char *const name = inputs->data[i].value->name;
        names = oo__arena_printf(f->arena, "%s%s%s", names, i ? ", " : "", oo__printable(name, strlen(name)));
    }
    return names;
}

/* ---- symbols ---- */
typedef struct lookup {
    const fix *fix;
    oo_exprs *exprs;
    bool found;
} lookup;

static const oo_expr *symbol(void *state, const char *name, size_t size) {
    lookup *const l = state;
    for (uint32_t i = 0; i < l->fix->request->ndims; i++) {
        const char *const pair = l->fix->request->dims[i], *const sign = strrchr(pair, '=');
        if ((size_t)(sign - pair) != size || memcmp(pair, name, size) != 0)
            continue;
        l->found = true;
        return oo__expr_int(l->exprs, strtoll(sign + 1, NULL, 10));
    }
    return oo__expr_symbol(l->exprs, oo__str_n(l->fix->model, name, size), 0, INT64_MAX);
}

/* A named dimension under --dim; false when it uses none of the names. */
static bool fixed(const fix *f, oo_dim *dim) {
    lookup l = {.fix = f, .exprs = oo__exprs_new(f->arena)};
    const oo_expr *e = symbol(&l, dim->param, strlen(dim->param));
    if (!l.found)
        e = oo__expr_parse(l.exprs, dim->param, symbol, &l);
    if (l.found && e) {
        int64_t n;
        const oo_dim old = *dim;
        *dim = (oo_dim){.kind = OO_DIM_PARAM, .denotation = old.denotation};
        if (oo__expr_is_int(e, &n))
            dim->kind = OO_DIM_VALUE, dim->value = n;
        else
            dim->param = oo__str(f->model, oo__expr_print(e, f->model->arena));
    }
    oo__exprs_free(l.exprs);
    return l.found && e;
}

static const oo_type *with_dims_fixed(const fix *f, const oo_type *type) {
    if (!type)
        return NULL;
    const oo_type *const inner = with_dims_fixed(f, type->inner);
    oo_type *out = NULL;
    for (uint32_t i = 0; i < type->rank; i++) {
        oo_dim dim = type->dims[i];
        if (dim.kind != OO_DIM_PARAM || !dim.param || !fixed(f, &dim))
            continue;
        if (!out) {
            out = OO_NEW(f->model->arena, oo_type);
            *out = *type;
            out->dims = (oo_dim *)(void *)oo__arena_copy(f->model->arena, type->dims, type->rank * sizeof *type->dims);
        }
        out->dims[i] = dim;
    }
    if (!out && inner == type->inner)
        return type;
    if (!out) {
        out = OO_NEW(f->model->arena, oo_type);
        *out = *type;
    }
    out->raw = (oo_bytes){0};
    out->inner = inner;
    return out;
}

static void change_input(fix *f, uint32_t index, const oo_type *type) {
    oo_value *const value = f->model->graph->inputs.data[index].value;
    if (!oo__declare(f->rw, f->model->graph, OO__DECLARED_INPUTS, index, type))
        return;
    f->changed = true;
    oo__log(f->rw, (oo__change){.kind = OO__TYPE, .value = value, .old = (void *)(uintptr_t)value->type});
    value->type = type;
}

static oo_status fix_dims(fix *f) {
    const oo_value_infos *const inputs = &f->model->graph->inputs;
    for (uint32_t d = 0; d < f->request->ndims; d++) {
        const char *const pair = f->request->dims[d], *const sign = strrchr(pair, '=');
        const oo_shape_request one = {.dims = &pair, .ndims = 1};
        fix only = *f;
        only.request = &one;
        bool used = false;
        for (uint32_t i = 0; i < inputs->n && !used; i++)
            used = with_dims_fixed(&only, inputs->data[i].type) != inputs->data[i].type;
        if (!used)
            return refuse(f, "no input has a dimension \"%s\"", oo__printable(pair, (size_t)(sign - pair)));
    }
    for (uint32_t i = 0; i < inputs->n; i++)
        change_input(f, i, with_dims_fixed(f, inputs->data[i].type));
    return OO_OK;
}

/* ---- shapes ---- */
/* "1,3,H,224"; "" and "[]" are rank 0. */
static oo_status parse_shape(const fix *f, const char *text, oo_type *type) {
    oo_vec(oo_dim) dims = {0};
    const char *at = *text == '[' ? text + 1 : text;
    const char *const end = at + strcspn(at, "]");
    while (at < end) {
        const size_t n = strcspn(at, ",]");
        char *const word = oo__arena_copy(f->model->arena, at, n);
        char *rest;
        const long long number = strtoll(word, &rest, 10);
        if (!n || (*word >= '0' && *word <= '9' ? *rest != 0 : strpbrk(word, " -") != NULL) || dims.n >= MAX_RANK || (!*rest && n > 18))
            return refuse(f, "\"%s\" is no shape: numbers or names with commas between them", oo__printable(text, strlen(text)));
        oo_vec_push(f->arena, &dims, *rest ? (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(f->model, word)}
                                           : (oo_dim){.kind = OO_DIM_VALUE, .value = number});
        at += n + (at[n] == ',');
    }
    type->has_shape = true;
    type->rank = dims.n;
    type->dims = (oo_dim *)(void *)oo__arena_copy(f->model->arena, dims.data, dims.n * sizeof *dims.data);
    return OO_OK;
}

static bool fits_default(const oo_tensor *init, const oo_type *type) {
    bool fit = init->rank == type->rank;
    for (uint32_t i = 0; fit && i < type->rank; i++)
        fit = type->dims[i].kind != OO_DIM_VALUE || type->dims[i].value == init->dims[i];
    return fit;
}

static oo_status fix_shape(fix *f, uint32_t index, const char *shape) {
    const oo_value_info *const info = &f->model->graph->inputs.data[index];
    const char *const name = oo__printable(info->value->name, strlen(info->value->name));
    const oo_type *const old = info->type;
    if (old && old->kind != OO_TYPE_TENSOR && old->kind != OO_TYPE_NONE)
        return refuse(f, "input \"%s\" is no tensor", name);
    oo_type *const type = OO_NEW(f->model->arena, oo_type);
    *type = old ? *old : (oo_type){0};
    type->kind = OO_TYPE_TENSOR;
    type->raw = (oo_bytes){0};
    OO_TRY(parse_shape(f, shape, type));
    if (old && old->has_shape && old->rank != type->rank)
        return refuse(f, "input \"%s\" has rank %u, \"%s\" %u", name, old->rank, oo__printable(shape, strlen(shape)), type->rank);
    if (info->value->init && !fits_default(info->value->init, type))
        return refuse(f, "input \"%s\" has a default of another shape", name);
    for (uint32_t i = 0; old && old->has_shape && i < type->rank; i++) {
        const bool same = type->dims[i].kind == OO_DIM_VALUE && type->dims[i].value == old->dims[i].value;
        f->renumbered |= old->dims[i].kind == OO_DIM_VALUE && !same;
        type->dims[i].denotation = old->dims[i].denotation;
    }
    change_input(f, index, type);
    return OO_OK;
}

static oo_status fix_shapes(fix *f) {
    const oo_value_infos *const inputs = &f->model->graph->inputs;
    for (uint32_t s = 0; s < f->request->nshapes; s++) {
        const char *const text = f->request->shapes[s], *const colon = strrchr(text, ':');
        const size_t n = colon ? (size_t)(colon - text) : 0;
        uint32_t i = 0;
        while (i < inputs->n && (strlen(inputs->data[i].value->name) != n || memcmp(inputs->data[i].value->name, text, n) != 0))
            i++;
        if (n == 0 && inputs->n == 1)
            i = 0;
        if (i == inputs->n)
            return n ? refuse(f, "the model has no input \"%s\"; it has %s", oo__printable(text, n), input_names(f))
                     : refuse(f, "\"%s\" names no input, and the model has %u: %s", oo__printable(text, strlen(text)), inputs->n, input_names(f));
        OO_TRY(fix_shape(f, i, colon ? colon + 1 : text));
    }
    return OO_OK;
}

/* ---- what does not fit any more ---- */
/* Whether it surely runs when the model does. */
static bool is_unconditional(const oo_node *node) {
    for (const oo_graph *g = node->graph; g; g = g->owner ? g->owner->graph : NULL)
        if (g->owner && oo_node_is(g->owner, "If"))
            return false;
    return true;
}

static void tell(void *user, const oo_node *node, const char *text) {
    fix *const f = user;
    const bool known = node && (f->failed[node->id] & FAILED_BEFORE);
    if (node)
        f->failed[node->id] |= f->pass;
    if (f->pass == FAILED_BEFORE)
        return;
    const bool baked = f->changed && node && !known && is_unconditional(node);
    f->broken |= baked;
    if (baked)
        oo__report(f->model, OO_ERROR, "infer-baked", NULL, node, NULL, "%s; it fitted before the inputs were fixed", text);
    else
        oo__report(f->model, f->request->strict ? OO_ERROR : OO_WARNING, "infer-clash", NULL, node, NULL, "%s", text);
}

static const oo_type *type_of_input(const oo_node *node, uint32_t i) {
    const oo_value *const v = i < node->ninputs ? node->inputs[i].value : NULL;
    return v ? v->type : NULL;
}

static void remember_reshapes(fix *f) {
    oo_for_each_graph(graph, f->model) {
        for (const oo_node *node = graph->first; node; node = node->next) {
            const oo_value *const target = node->ninputs > 1 ? node->inputs[1].value : NULL;
            if (oo_node_is(node, "Reshape") && target && oo_value_const(target) && node->noutputs && node->outputs[0])
                oo_vec_push(f->arena, &f->reshapes, (reshaped){node, type_of_input(node, 0), node->outputs[0]->type});
        }
    }
}

/* A constant target that holds the old number while the input's dimension is another now: elements move to other dimensions. */
static void tell_baked_targets(const fix *f) {
    for (uint32_t k = 0; k < f->reshapes.n; k++) {
        const reshaped *const r = &f->reshapes.data[k];
        const oo_type *const in = type_of_input(r->node, 0), *const out = r->node->outputs[0]->type;
        const int32_t rank = oo_type_rank(in);
        if (rank < 0 || oo_type_rank(r->in) != rank || oo_type_rank(out) < 0 || oo_type_rank(r->out) != oo_type_rank(out))
            continue;
        for (int32_t i = 0; i < rank && i < oo_type_rank(out); i++) {
            const uint32_t axis = (uint32_t)i;
            const int64_t was = oo_type_dim(r->in, axis), is = oo_type_dim(in, axis);
            if (was < 0 || was == is || oo_type_dim(r->out, axis) != was || oo_type_dim(out, axis) != was)
                continue;
            oo__report(f->model, OO_WARNING, "infer-baked", NULL, r->node, NULL,
                       "the target \"%s\" keeps %lld of the old shape at axis %d, where the input has %s now",
                       oo_value_name(r->node->inputs[1].value), (long long)was, i, in->dims[axis].expr ? oo__dim_text(f->model, in->dims[axis].expr, f->arena) : "another");
            break;
        }
    }
}

/* ---- all together ---- */
static oo_status infer(fix *f, uint8_t pass) {
    f->pass = pass;
    const oo_infer_settings settings = {.strict = f->request->strict && pass == FAILED_NOW,
                                        .forget_claims = f->request->forget || (pass == FAILED_NOW && f->renumbered),
                                        .tell_claims = true,
                                        .tell = tell,
                                        .user = f};
    oo__infer_restart(f->model);
    return oo__infer_model(f->model, &settings);
}

static oo_status fix_inputs(fix *f) {
    OO_TRY(infer(f, FAILED_BEFORE));
    remember_reshapes(f);
    if (!oo_begin(f->rw, "inputs", NULL))
        return OO_OK;
    oo_status status = fix_dims(f);
    if (status == OO_OK)
        status = fix_shapes(f);
    if (status == OO_OK)
        oo_end(f->rw);
    else
        oo_abandon(f->rw);
    return status;
}

static oo_status run(fix *f) {
    if (f->request->ndims || f->request->nshapes)
        OO_TRY(fix_inputs(f));
    OO_TRY(infer(f, FAILED_NOW));
    tell_baked_targets(f);
    if (f->broken)
        return OO_INVALID;
    if (f->changed || f->request->emit)
        oo_count(f->rw, "types declared", oo__infer_store(f->rw, f->model, (oo_store){.all = f->request->emit, .stale = f->renumbered}));
    return OO_OK;
}

oo_status oo__infer_shapes(oo_rewriter *rw, const oo_shape_request *request) {
    oo_model *const model = rw->model;
    fix f = {.rw = rw, .model = model, .request = request};
    if (!model->graph)
        return OO_OK;
    f.arena = oo__arena_new();
    f.failed = calloc(model->nnodes + 1u, 1);
    if (!f.failed)
        oo__oom(model->nnodes);
    const oo_status status = run(&f);
    free(f.failed);
    oo__arena_free(f.arena);
    return status;
}
