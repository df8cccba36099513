/* Inferred types as value_info and declared types of the model, with dimensions as text. */
#include "ir/infer_store.h"

#include "ir/infer_run.h"

#include <stdlib.h>

static const oo_dim *declared_dim(const oo_type *declared, const oo_type *type, uint32_t i) {
    return declared && declared->kind == type->kind && declared->has_shape && declared->rank == type->rank ? &declared->dims[i] : NULL;
}

/* The declaration without its numbers, which were of another shape of the inputs. */
static const oo_type *without_numbers(oo_model *model, const oo_type *declared) {
    if (!declared)
        return NULL;
    oo_type *const out = OO_NEW(model->arena, oo_type);
    *out = *declared;
    out->raw = (oo_bytes){0};
    out->inner = without_numbers(model, declared->inner);
    out->dims = OO_NEW_ARRAY(model->arena, oo_dim, declared->rank);
    for (uint32_t i = 0; i < declared->rank; i++)
        out->dims[i] = declared->dims[i].kind == OO_DIM_VALUE ? (oo_dim){.denotation = declared->dims[i].denotation} : declared->dims[i];
    return out;
}

typedef struct symbols {
    const char *name;
    uint32_t count;
} symbols;

static void see_symbol(void *state, const char *name) {
    symbols *const s = state;
    s->name = name;
    s->count++;
}

const char *oo__dim_text(const oo_model *model, const oo_expr *expr, oo_arena *arena) {
    symbols s = {0};
    oo__expr_symbols(expr, see_symbol, &s);
    const bool sole = s.count == 1 && oo__expr_symbol(model->exprs, s.name, INT64_MIN, INT64_MAX) == expr;
    return sole ? s.name : oo__expr_print(expr, arena);
}

/* One dimension. Where nothing is known, the name that the file gives it stays. */
static oo_dim spelled_dim(oo_model *model, const oo_dim *dim, const oo_dim *said) {
    oo_dim out = *dim;
    if (dim->expr && dim->kind != OO_DIM_VALUE) {
        out.kind = OO_DIM_PARAM;
        out.param = oo__str(model, oo__dim_text(model, dim->expr, model->arena));
    } else if (!dim->expr && dim->kind == OO_DIM_NONE && said) {
        out = *said;
    }
    out.denotation = out.denotation || !said ? out.denotation : said->denotation;
    return out;
}

/* The type with dimensions that are expressions spelled out. */
static const oo_type *spelled(oo_model *model, const oo_type *type, const oo_type *declared) {
    if (!type || (type->kind == OO_TYPE_NONE && declared))
        return declared;
    const bool alike = declared && declared->kind == type->kind;
    oo_type *const out = OO_NEW(model->arena, oo_type);
    *out = *type;
    out->raw = (oo_bytes){0};
    out->inner = spelled(model, type->inner, alike ? declared->inner : NULL);
    out->denotation = type->denotation || !alike ? type->denotation : declared->denotation;
    if (alike && declared->has_elem && !type->has_elem) {
        out->has_elem = true;
        out->elem = declared->elem;
    }
    if (alike && declared->has_shape && !type->has_shape) {
        out->has_shape = true;
        out->rank = declared->rank;
        out->dims = declared->dims;
        return out;
    }
    out->dims = OO_NEW_ARRAY(model->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++)
        out->dims[i] = spelled_dim(model, &type->dims[i], declared_dim(declared, type, i));
    return out;
}

static uint32_t renew(oo_rewriter *rw, oo_graph *graph, oo__declared list, bool stale) {
    uint32_t changed = 0;
    const oo_value_infos *const infos = oo__declarations(graph, list);
    const bool in_function = oo_graph_in_function(graph); /* what is inferred there is of one call; others may differ */
    for (uint32_t i = 0; i < infos->n; i++) {
        const oo_value_info *const info = &infos->data[i];
        const oo_type *const said = stale ? without_numbers(graph->model, info->type) : info->type;
        const oo_type *const type = in_function || !info->value ? said : spelled(graph->model, info->value->type, said);
        changed += oo__declare(rw, graph, list, i, type);
    }
    return changed;
}

static uint32_t add_missing(oo_rewriter *rw, oo_graph *graph, const uint8_t *has) {
    uint32_t added = 0;
    for (const oo_node *node = graph->first; node; node = node->next) {
        for (uint32_t i = 0; i < node->noutputs; i++) {
            oo_value *const value = node->outputs[i];
            if (!value || !value->type || value->noutputs || has[value->id])
                continue;
            oo__declare_value(rw, graph, value, spelled(graph->model, value->type, NULL));
            added++;
        }
    }
    return added;
}

static void see_declared(const oo_graph *graph, uint8_t *has) {
    for (uint32_t i = 0; i < graph->infos.n; i++)
        if (graph->infos.data[i].value)
            has[graph->infos.data[i].value->id] = 1;
}

uint32_t oo__infer_store(oo_rewriter *rw, oo_model *model, oo_store store) {
    uint8_t *const has = calloc(model->nvalues + 1u, 1);
    if (!has)
        oo__oom(model->nvalues);
    uint32_t changed = 0;
    oo_for_each_graph(graph, model) {
        if (rw && !oo_begin(rw, "declare", NULL))
            break;
        see_declared(graph, has);
        changed += renew(rw, graph, OO__DECLARED_INFOS, store.stale);
        if (!graph->function)
            changed += renew(rw, graph, OO__DECLARED_OUTPUTS, store.stale);
        if (graph->owner && store.stale)
            changed += renew(rw, graph, OO__DECLARED_INPUTS, store.stale);
        if (store.all && !oo_graph_in_function(graph))
            changed += add_missing(rw, graph, has);
        if (rw)
            oo_end(rw);
    }
    free(has);
    return changed;
}
