/* Types stay true while a model is rewritten: what a rewrite made or changed is inferred when it ends, and what followed from it. */
#include "ir/change.h"
#include "ir/infer.h"

#include <string.h>

/* Steps that a change may take through the graph; after that nothing is known any more. */
enum { FAR = 1 << 14 };

typedef struct facts {
    const oo_type *type;
    const oo_known *known;
} facts;

static bool same_type(const oo_type *a, const oo_type *b) {
    if (!a || !b || a->kind != OO_TYPE_TENSOR || b->kind != OO_TYPE_TENSOR)
        return a == b;
    if (oo_type_elem(a) != oo_type_elem(b) || oo_type_rank(a) != oo_type_rank(b))
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i].expr != b->dims[i].expr)
            return false;
    return true;
}

static bool same_known(const oo_known *a, const oo_known *b) {
    if (!a || !b)
        return a == b;
    if (a->elem != b->elem || a->rank != b->rank || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->items[i].numerator != b->items[i].numerator || a->items[i].denominator != b->items[i].denominator)
            return false;
    return true;
}

static bool holds_graphs(const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (oo__attr_ngraphs(node->attrs[i]))
            return true;
    return false;
}

bool oo_infer(oo_rewriter *rw, oo_node *node) {
    oo_require(rw->open, "oo_infer: outside of oo_begin .. oo_end");
    oo_require(node && !node->erased, "oo_infer: the node was erased");
    return !(rw->model->properties & OO_TYPES) || oo__infer_one(rw->model, node);
}

/* The node is inferred anew, with its old facts in the log; true when one of its outputs is not what it was. */
static bool renew(oo_rewriter *rw, oo_node *node) {
    enum { SOME = 8 };
    facts before[SOME];
    facts *const old = node->noutputs <= SOME ? before : oo__arena_alloc(rw->scratch, node->noutputs * sizeof *old);
    for (uint32_t i = 0; i < node->noutputs; i++)
        old[i] = node->outputs[i] ? (facts){node->outputs[i]->type, node->outputs[i]->known} : (facts){NULL, NULL};
    (void)oo__infer_one(rw->model, node);
    bool differs = false;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        oo_value *const value = node->outputs[i];
        if (!value || (same_type(old[i].type, value->type) && same_known(old[i].known, value->known)))
            continue;
        oo__log(rw, (oo__change){.kind = OO__TYPE, .value = value, .old = (void *)(uintptr_t)old[i].type});
        oo__log(rw, (oo__change){.kind = OO__KNOWN, .value = value, .old = (void *)(uintptr_t)old[i].known});
        differs = true;
    }
    return differs;
}

/* A node that was changed in place may give something else than before, and then what uses it may, too. Where that would leave a subgraph,
 * or go on for long, all is forgotten instead. */
static void renew_all(oo_rewriter *rw) {
    for (uint32_t i = 0; i < rw->stale.n; i++) {
        oo_node *const node = rw->stale.data[i];
        if (node->erased || holds_graphs(node) || oo_model_callee(rw->model, node) || !renew(rw, node))
            continue;
        for (uint32_t k = 0; k < node->noutputs; k++) {
            const oo_value *const value = node->outputs[k];
            if (value && value->noutputs && value->graph->owner) {
                oo__infer_forget(rw->model);
                return;
            }
            for (const oo_use *use = value ? value->uses : NULL; use; use = use->next)
                oo_vec_push(NULL, &rw->stale, use->user);
        }
        if (rw->stale.n > FAR) {
            oo__infer_forget(rw->model);
            return;
        }
    }
}

/* ---- what replaced what ---- */
static bool clashes(oo_model *model, const oo_type *a, const oo_type *b) {
    oo__infer c = {.model = model, .exprs = model->exprs};
    bool clash = false;
    (void)oo__type_merge(&c, a, b, &clash);
    return clash;
}

static const char *text_of(const oo_type *type, oo_arena *arena) {
    const char *text = oo__elem_name((int32_t)oo_type_elem(type));
    text = oo__arena_printf(arena, "%s[", text ? text : "?");
    for (uint32_t i = 0; type->has_shape && i < type->rank; i++)
        text = oo__arena_printf(arena, "%s%s%s", text, i ? "," : "", oo__expr_print(type->dims[i].expr, arena));
    return oo__arena_printf(arena, type->has_shape ? "%s]" : "%s...]", text);
}

static void check_swaps(oo_rewriter *rw) {
    for (uint32_t i = 0; i < rw->swaps.n; i++) {
        const oo__swap *const s = &rw->swaps.data[i];
        if (!s->by->type)
            s->by->type = s->type; /* equal values have equal types */
        if (s->by->type == s->type || s->type->kind != OO_TYPE_TENSOR || !clashes(rw->model, s->by->type, s->type))
            continue;
        rw->broken = true;
        oo__report(rw->model, OO_ERROR, "patch-type", rw->root ? rw->root->graph : s->by->graph, rw->root, s->by,
                   "rewrite \"%s\" of pass \"%s\" puts %s in the place of %s", rw->rule, rw->settings.pass, text_of(s->by->type, rw->scratch),
                   text_of(s->type, rw->scratch));
    }
}

void oo__retype(oo_rewriter *rw) {
    for (uint32_t i = 0; i < rw->fresh.n; i++)
        if (!rw->fresh.data[i]->erased)
            (void)oo__infer_one(rw->model, rw->fresh.data[i]);
    renew_all(rw);
    if (rw->model->properties & OO_TYPES)
        check_swaps(rw);
}

/* ---- verifying ---- */
static void collect_types(const oo_model *model, const oo_type **types) {
    oo_for_each_graph(graph, model) {
        for (const oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < node->noutputs; i++)
                if (node->outputs[i])
                    types[node->outputs[i]->id] = node->outputs[i]->type;
    }
}

static oo_status compare_types(oo_model *model, const oo_type *const *types, oo_arena *arena) {
    oo_status status = OO_OK;
    oo_for_each_graph(graph, model) {
        for (const oo_node *node = graph->first; node; node = node->next) {
            for (uint32_t i = 0; i < node->noutputs; i++) {
                const oo_value *const value = node->outputs[i];
                const oo_type *const kept = value ? types[value->id] : NULL;
                if (!kept || !value->type || kept->kind != OO_TYPE_TENSOR || !clashes(model, kept, value->type))
                    continue;
                oo__report(model, OO_ERROR, "verify-type", graph, node, value, "the pass kept the type %s, but it is %s", text_of(kept, arena),
                           text_of(value->type, arena));
                status = OO_MISMATCH;
            }
        }
    }
    return status;
}

oo_status oo__infer_verify(oo_model *model) {
    if (!(model->properties & OO_TYPES))
        return OO_OK;
    oo_arena *const arena = oo__arena_new();
    const oo_type **const types = OO_NEW_ARRAY(arena, const oo_type *, model->nvalues + 1);
    collect_types(model, types);
    oo__infer_proofs(model);
    const oo_status status = compare_types(model, types, arena);
    oo__arena_free(arena);
    return status;
}
