/* Operator types and local functions of a model, found by name. Models may have a hundred thousand of either, so both tables grow;
 * their rooms are powers of two. */
#include "base/hash.h"
#include "ir/disputed.h"
#include "ir/ir.h"

#include <string.h>

static const char *canonical_domain(oo_model *model, const char *domain) {
    return !domain || strcmp(domain, "ai.onnx") == 0 ? model->empty : oo__str(model, domain);
}

static uint64_t pair_hash(const void *a, const void *b) { return oo__hash_combine((uintptr_t)a, (uintptr_t)b); }

/* ---- operators: chained in buckets ---- */
static void grow_ops(oo_model *model) {
    const uint32_t count = model->op_room ? model->op_room * 2 : 64;
    oo_op **const buckets = OO_NEW_ARRAY(model->arena, oo_op *, count);
    for (uint32_t i = 0; i < model->op_room; i++) {
        for (oo_op *op = model->ops[i], *next; op; op = next) {
            oo_op **const bucket = &buckets[pair_hash(op->name, op->domain) & (count - 1)];
            next = op->next;
            op->next = *bucket;
            *bucket = op;
        }
    }
    model->ops = buckets;
    model->op_room = count;
}

oo_op *oo__op(oo_model *model, const char *domain, const char *name) {
    const char *const op_domain = canonical_domain(model, domain);
    const char *const op_name = oo__str(model, name);
    const uint64_t hash = pair_hash(op_name, op_domain);
    for (oo_op *op = model->op_room ? model->ops[hash & (model->op_room - 1)] : NULL; op; op = op->next)
        if (op->name == op_name && op->domain == op_domain)
            return op;
    if (model->nops == model->op_room)
        grow_ops(model);
    oo_op **const bucket = &model->ops[hash & (model->op_room - 1)];
    oo_op *const op = OO_NEW(model->arena, oo_op);
    *op = (oo_op){.name = op_name, .domain = op_domain, .rows = oo__schema_rows(op_domain, op_name), .next = *bucket};
    op->dispute = oo__dispute_of(op_domain, op_name);
    op->is_constant = !*op_domain && strcmp(op_name, "Constant") == 0;
    model->nops++;
    return *bucket = op;
}

static bool is_among(const char *names, const char *name) {
    const size_t size = strlen(name);
    for (const char *at = names; size && *at; at += strcspn(at, " "), at += *at != 0)
        if (strcspn(at, " ") == size && memcmp(at, name, size) == 0)
            return true;
    return false;
}

bool oo__model_has_op(const oo_model *model, const char *names) {
    for (uint32_t i = 0; i < model->op_room; i++)
        for (const oo_op *op = model->ops[i]; op; op = op->next)
            if (!*op->domain && is_among(names, op->name))
                return true;
    return false;
}

/* ---- functions: open addressing, at most half full ---- */
static oo_function **place_of(const oo_model *model, const oo_op *op, const char *overload) {
    for (uint64_t i = pair_hash(op, overload);; i++) {
        oo_function **const place = &model->function_table[i & (model->function_room - 1)];
        const oo_function *const f = *place;
        if (!f || (f->op == op && (f->overload ? f->overload : model->empty) == overload))
            return place;
    }
}

static void grow_functions(oo_model *model) {
    model->function_room = model->function_room ? model->function_room * 2 : 16;
    model->function_table = OO_NEW_ARRAY(model->arena, oo_function *, model->function_room);
    for (uint32_t i = 0; i < model->functions.n; i++) {
        oo_function *const f = model->functions.data[i];
        *place_of(model, f->op, f->overload ? f->overload : model->empty) = f;
    }
}

bool oo__function_add(oo_model *model, oo_function *function) {
    if (model->functions.n * 2 >= model->function_room)
        grow_functions(model);
    function->op = oo__op(model, function->domain, function->name ? function->name : "");
    oo_function **const place = place_of(model, function->op, function->overload ? function->overload : model->empty);
    if (*place) {
        oo__report(model, OO_ERROR, "load-duplicate-name", function->graph, NULL, NULL, "the function is defined twice");
        return false;
    }
    *place = function;
    function->op->functions = function;
    oo_vec_push(model->arena, &model->functions, function);
    model->function_serial++;
    return true;
}

oo_graph *oo_model_callee(const oo_model *model, const oo_node *node) {
    if (!node->op->functions)
        return NULL;
    const char *const overload = node->extra && node->extra->overload ? node->extra->overload : model->empty;
    const oo_function *const f = *place_of(model, node->op, overload);
    return f && !f->dropped ? f->graph : NULL;
}
