/* Proves a rule by instances: both sides are run, and must agree. */
#include "passes/rule_prove.h"

#include "io/io.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef oo__instance inst;

enum { TRIES_EACH = 150 }; /* for each instance that is wanted */

static void set_why(oo__proof *out, const char *why, uint64_t seed) {
    if (out->failed == 1)
        snprintf(out->why, sizeof out->why, "%s (instance %llu)", why, (unsigned long long)seed);
}

/* ---- comparing ---- */
static bool is_real(oo_elem elem) { return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16; }

/* How far the two may be apart, as a part of the largest number. */
static double tolerance(oo_elem elem) {
    switch (elem) {
    case OO_DOUBLE: return 1e-11;
    case OO_FLOAT: return 2e-5;
    case OO_FLOAT16: return 1e-2;
    default: return 8e-2;
    }
}

static bool same_bits(const oo_array *a, const oo_array *b, uint64_t i) {
    const uint32_t width = oo__array_width(a->elem);
    if (is_real(a->elem) && isnan(oo__array_double(a, i)))
        return isnan(oo__array_double(b, i));
    if (a->elem == OO_STRING) {
        const oo_bytes *const x = (const oo_bytes *)a->data + i, *const y = (const oo_bytes *)b->data + i;
        return x->size == y->size && (!x->size || memcmp(x->data, y->data, x->size) == 0);
    }
    return memcmp((const char *)a->data + i * width, (const char *)b->data + i * width, width) == 0;
}

static bool near_enough(const oo_array *a, const oo_array *b, uint64_t i, double scale) {
    const double x = oo__array_double(a, i), y = oo__array_double(b, i);
    if (same_bits(a, b, i) || x == y)
        return true;
    return isfinite(x) && isfinite(y) && fabs(x - y) <= tolerance(a->elem) * scale;
}

static bool same_tensor(const oo_datum *a, const oo_datum *b, bool inexact, char *why, size_t size) {
    const oo_array *const x = a ? a->array : NULL, *const y = b ? b->array : NULL;
    bool same = x && y && x->elem == y->elem && x->rank == y->rank;
    for (uint32_t i = 0; same && i < x->rank; i++)
        same = x->dims[i] == y->dims[i];
    if (!same) {
        snprintf(why, size, "an output gets another type or shape");
        return false;
    }
    double scale = 1;
    for (uint64_t i = 0; i < x->count && is_real(x->elem); i++)
        if (isfinite(oo__array_double(x, i)) && fabs(oo__array_double(x, i)) > scale)
            scale = fabs(oo__array_double(x, i));
    for (uint64_t i = 0; i < x->count; i++) {
        if (inexact && is_real(x->elem) ? near_enough(x, y, i, scale) : same_bits(x, y, i))
            continue;
        if (x->elem == OO_STRING)
            snprintf(why, size, "element %llu is another string", (unsigned long long)i);
        else
            snprintf(why, size, "element %llu was %.17g and is %.17g", (unsigned long long)i, oo__array_double(x, i), oo__array_double(y, i));
        return false;
    }
    return true;
}

static bool same_output(const oo_datum *a, const oo_datum *b, bool inexact, char *why, size_t size) {
    if (!a || !b || a->kind != b->kind || (a->kind != OO_DATUM_SEQUENCE && a->kind != OO_DATUM_OPTIONAL))
        return same_tensor(a, b, inexact, why, size);
    if (a->nitems != b->nitems) {
        snprintf(why, size, "an output has %u items and had %u", b->nitems, a->nitems);
        return false;
    }
    for (uint32_t i = 0; i < a->nitems; i++)
        if (!same_output(a->items[i], b->items[i], inexact, why, size))
            return false;
    return true;
}

/* ---- running ---- */
static bool evaluate(inst *in, oo_datum **out) {
    const oo_eval_settings settings = {.step_limit = 1000, .memory_limit = UINT64_C(1) << 26};
    const uint64_t before = oo__eval_limit;
    oo_evaluator *const ev = oo__evaluator_new(in->model, &settings);
    const bool ok = oo__evaluate(ev, in->inputs.data, out) == OO_OK;
    oo__evaluator_free(ev);
    oo__eval_limit = before;
    return ok;
}

/* Some sizes of inputs become symbols; equal ones may get the same. */
static void make_symbolic(inst *in) {
    oo_graph *const graph = in->model->graph;
    if (oo__chance(&in->dice, 40))
        return;
    const uint32_t part = 30 + oo__pick(&in->dice, 70);
    for (uint32_t i = 0; i < graph->inputs.n; i++) {
        oo_type *const type = (oo_type *)(uintptr_t)graph->inputs.data[i].type;
        for (uint32_t d = 0; d < type->rank; d++) {
            if (!oo__chance(&in->dice, part))
                continue;
            const bool alone = oo__chance(&in->dice, 30);
            const char *const name = alone ? oo__arena_printf(in->run->arena, "n%u_%u", i, d)
                                           : oo__arena_printf(in->run->arena, "s%lld", (long long)type->dims[d].value);
            type->dims[d] = (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(in->model, name)};
        }
    }
}

static uint32_t apply(inst *in, const oo__rule *rule, bool *broken) {
    const oo_rewriter_settings settings = {.pass = "rules"};
    oo_arena *const scratch = oo__arena_new();
    oo_rewriter *const rw = oo__rewriter_new(in->model, scratch, &settings);
    const oo__rules none = {.data = (oo__rule *[]){(oo__rule *)(uintptr_t)rule}, .n = 1};
    const oo__rule_choice choice = {.single = rule};
    *broken = oo__rules_run(rw, in->model, &none, &choice) != OO_OK;
    *broken |= oo__rewriter_is_broken(rw);
    const uint32_t count = oo__rewriter_rewrites(rw);
    *broken |= !oo__rewriter_free(rw) || oo_model_verify(in->model) != OO_OK;
    oo__arena_free(scratch);
    return count;
}

static void release(oo_datum **data, uint32_t n) {
    for (uint32_t i = 0; data && i < n; i++)
        oo__datum_release(data[i]);
    free(data);
}

static void compare(inst *in, oo__proof *out, uint64_t seed, oo_datum *const *before, uint32_t n) {
    char why[256] = "the result cannot be run";
    oo_datum **const after = calloc(n + 1, sizeof *after);
    bool same = after && evaluate(in, after);
    for (uint32_t i = 0; i < n && same; i++)
        same = same_output(before[i], after[i], in->rule->inexact, why, sizeof why);
    release(after, n);
    if (same)
        return;
    out->failed++;
    set_why(out, why, seed);
}

/* True when the instance came to be and the rule fired. */
static bool prove_one(oo__proof *out, oo_context *context, const oo__rule *rule, uint64_t seed) {
    inst in;
    bool fired = false, broken = false;
    oo__instance_begin(&in, context, rule, seed, 0);
    const uint32_t n = in.model->graph->outputs.n;
    oo_datum **const before = calloc(n + 1, sizeof *before);
    if (!in.why && before && evaluate(&in, before)) {
        out->built++;
        make_symbolic(&in);
        oo__facts_renew(in.model);
        fired = apply(&in, rule, &broken) > 0;
        if (broken) {
            out->failed++;
            set_why(out, "the rewritten model is broken", seed);
        } else if (fired) {
            compare(&in, out, seed, before, n);
        }
    }
    release(before, n);
    oo__instance_end(&in);
    return fired;
}

/* The instance as text, its inputs as defaults. */
static char *reproduce(oo_context *context, const oo__rule *rule, uint64_t seed) {
    inst in;
    oo__instance_begin(&in, context, rule, seed, 0);
    for (uint32_t i = 0; i < in.inputs.n; i++) {
        oo_value *const value = in.model->graph->inputs.data[i].value;
        value->init = oo__tensor_of_array(in.model, in.inputs.data[i]->array);
        value->flags |= OO_VALUE_INITIALIZER;
        oo_vec_push(in.model->arena, &in.model->graph->initializers, value);
    }
    char *const text = oo_model_print(in.model, NULL);
    oo__instance_end(&in);
    return text;
}

void oo__rule_prove(oo__proof *out, const oo__rule *rule, uint64_t seed, uint32_t wanted) {
    *out = (oo__proof){0};
    oo_context *const context = oo_context_new();
    context->quiet = true;
    for (uint32_t i = 0; i < wanted * TRIES_EACH && out->fired < wanted && !out->failed; i++) {
        const uint64_t own = seed * UINT64_C(1000003) + i;
        out->tried++;
        out->fired += prove_one(out, context, rule, own);
        if (out->failed)
            out->reproducer = reproduce(context, rule, own);
    }
    oo_context_free(context);
}
