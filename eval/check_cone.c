#include "eval/check_cone.h"

#include <stdlib.h>
#include <string.h>

/* Values of one model by id. */
typedef struct walk {
    const oo__check *c;
    bool original;
    bool *seen;
    oo_vec(const oo_value *) stack;
    bool (*stop)(const struct walk *w, const oo_value *value);
    oo_vec(const oo_value *) stops; /* where it stopped */
    const bool *agreed;             /* by value id of B */
} walk;

static walk walk_new(const oo__check *c, bool original) {
    const oo_model *const model = original ? c->a : c->b;
    walk w = {.c = c, .original = original};
    w.seen = calloc(model->nvalues + 1u, sizeof *w.seen);
    if (!w.seen)
        oo__oom(model->nvalues);
    return w;
}

static void walk_free(walk *w) {
    free(w->seen);
    oo_vec_free(&w->stack);
    oo_vec_free(&w->stops);
}

static void push(walk *w, const oo_value *value) {
    if (!value || w->seen[value->id])
        return;
    w->seen[value->id] = true;
    oo_vec_push(NULL, &w->stack, value);
}

/* What the node takes, and what its subgraphs take from outside. */
static void push_inputs(walk *w, const oo_node *node);

static void push_captured(walk *w, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        push(w, graph->outputs.data[i].value);
    for (const oo_node *node = graph->first; node; node = node->next)
        push_inputs(w, node);
}

static void push_inputs(walk *w, const oo_node *node) {
    for (uint32_t i = 0; i < node->ninputs; i++)
        push(w, node->inputs[i].value);
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++)
            push_captured(w, oo__attr_graph(node->attrs[i], k));
    }
}

/* Backwards through the main graph. Values of subgraphs are passed over: their owner was pushed with all that it takes. */
static void walk_back(walk *w, const oo_value *from) {
    const oo_graph *const main_graph = (w->original ? w->c->a : w->c->b)->graph;
    push(w, from);
    while (w->stack.n) {
        const oo_value *const value = w->stack.data[--w->stack.n];
        if (value->graph != main_graph)
            continue;
        const bool given = !value->producer && (value->flags & OO_VALUE_INPUT) && !(value->flags & OO_VALUE_INITIALIZER);
        if (given || (value != from && value->producer && w->stop(w, value)))
            oo_vec_push(NULL, &w->stops, value);
        else if (value->producer)
            push_inputs(w, value->producer);
    }
}

static bool is_forced(const walk *w, const oo_value *value) {
    const oo_value *const a = w->c->matching->of_a[value->id];
    return a && w->c->state[a->id] == OO__CHECK_AGREES;
}

/* Whether both models have computed the same there. */
static bool is_agreed(const walk *w, const oo_value *value) {
    const oo_value *const b = w->original ? w->c->matching->of_b[value->id] : value;
    return b && w->agreed[b->id];
}

/* ---- the first value that differs ---- */
static const oo_value *first_of(const oo__check *c, const walk *w, const oo_value *output) {
    const oo_value *first = output;
    for (const oo_node *node = c->b->graph->first; node; node = node->next)
        for (uint32_t i = 0; i < node->noutputs; i++) {
            const oo_value *const value = node->outputs[i];
            const oo_value *const a = value && w->seen[value->id] ? c->matching->of_a[value->id] : NULL;
            if (a && a->graph == c->a->graph && a->producer && c->state[a->id] == OO__CHECK_DIFFERS)
                return value;
        }
    return first;
}

static const oo_value *first_inside(const oo__check *c, const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        for (uint32_t k = 0; k < oo__attr_ngraphs(node->attrs[i]); k++)
            for (const oo_node *inner = oo__attr_graph(node->attrs[i], k)->first; inner; inner = inner->next) {
                const oo_value *const deeper = first_inside(c, inner);
                if (deeper)
                    return deeper;
                for (uint32_t o = 0; o < inner->noutputs; o++) {
                    const oo_value *const a = inner->outputs[o] ? c->matching->of_a[inner->outputs[o]->id] : NULL;
                    if (a && c->state[a->id] == OO__CHECK_DIFFERS)
                        return inner->outputs[o];
                }
            }
    return NULL;
}

/* ---- what stands around it ---- */
static bool has_subgraph(const oo_node *node) {
    bool any = false;
    for (uint32_t i = 0; i < node->nattrs; i++)
        any |= oo__attr_ngraphs(node->attrs[i]) > 0;
    return any;
}

/* Values of B that were compared and agree, or that the same nodes make of such. */
static bool *find_agreed(const oo__check *c) {
    bool *const agreed = calloc(c->b->nvalues + 1u, sizeof *agreed);
    if (!agreed)
        oo__oom(c->b->nvalues);
    for (const oo_node *node = c->b->graph->first; node; node = node->next) {
        bool all = c->matching->same[node->id] && !has_subgraph(node);
        for (uint32_t i = 0; i < node->ninputs; i++) {
            const oo_value *const value = node->inputs[i].value;
            all &= !value || !value->producer || agreed[value->id];
        }
        for (uint32_t i = 0; i < node->noutputs; i++) {
            const oo_value *const value = node->outputs[i];
            const oo_value *const a = value ? c->matching->of_a[value->id] : NULL;
            if (a)
                agreed[value->id] = c->state[a->id] == OO__CHECK_AGREES || (all && c->state[a->id] == OO__CHECK_UNSEEN);
        }
    }
    return agreed;
}

static void add_input(oo__check *c, oo_compare_failure *f, const oo_value *a, const oo_value *b) {
    for (uint32_t i = 0; i < f->inputs.n; i++) {
        oo_compare_input *const known = &f->inputs.data[i];
        if ((a && known->a == a) || (b && known->b == b))
            return;
    }
    oo_vec_push(c->arena, &f->inputs, (oo_compare_input){a, b, NULL});
}

static void add_inputs(oo__check *c, oo_compare_failure *f, const walk *w) {
    for (uint32_t i = 0; i < w->stops.n; i++) {
        const oo_value *const value = w->stops.data[i];
        const oo_value *const a = w->original ? value : c->matching->of_a[value->id];
        add_input(c, f, a, w->original ? c->matching->of_b[value->id] : value);
    }
}

static oo_datum *given(const oo_graph *graph, oo_datum *const *in, const oo_value *value) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        if (graph->inputs.data[i].value == value)
            return in[i];
    return NULL;
}

/* A runs once more for the values at the ends. False when one of them cannot be had. */
static bool fetch(oo__check *c, oo_compare_failure *f, oo_datum *const *in) {
    const uint32_t n = f->inputs.n;
    const oo_value **const values = OO_NEW_ARRAY(c->arena, const oo_value *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        values[i] = f->inputs.data[i].a;
    values[n] = f->goal_a;
    oo__check_plan_fetch(c, values, n + 1);
    oo_datum **const out = OO_NEW_ARRAY(c->arena, oo_datum *, c->a->graph->outputs.n);
    bool all = oo__check_run(c, true, in, out) == OO_OK;
    for (uint32_t i = 0; all && i < c->a->graph->outputs.n; i++)
        oo__datum_release(out[i]);
    for (uint32_t i = 0; all && i <= n; i++) {
        oo_datum *const value = c->takes[values[i]->id].n ? c->takes[values[i]->id].data[0] : given(c->a->graph, in, values[i]);
        *(i < n ? &f->inputs.data[i].value : &f->want) = oo__datum_retain(value);
        all = value != NULL;
    }
    return all;
}

static void forget(oo_compare_failure *f) {
    for (uint32_t i = 0; i < f->inputs.n; i++)
        oo__datum_release(f->inputs.data[i].value);
    oo__datum_release(f->want);
    f->inputs.n = 0;
    f->want = NULL;
    f->goal_a = f->goal_b = NULL;
}

static void whole(oo__check *c, oo_compare_failure *f, oo_datum *const *in) {
    forget(f);
    for (uint32_t i = 0; i < c->a->graph->inputs.n; i++) {
        const oo_value *const a = c->a->graph->inputs.data[i].value;
        if (!in[i])
            continue;
        oo_vec_push(c->arena, &f->inputs, (oo_compare_input){a, c->matching->of_b[a->id], oo__datum_retain(in[i])});
    }
}

void oo__check_cone(oo__check *c, oo_compare_failure *f, const oo_value *output, const oo_value *first, oo_datum *const *in) {
    if (output && !first) {
        walk bad = walk_new(c, false);
        bad.stop = is_forced;
        walk_back(&bad, output);
        first = first_of(c, &bad, output);
        walk_free(&bad);
    }
    if (!first || !first->producer || !c->matching->of_a[first->id] || !c->matching->of_a[first->id]->producer) {
        whole(c, f, in);
        return;
    }
    const oo_value *const inside = first_inside(c, first->producer);
    f->value = inside ? inside : first;
    f->node = f->value->producer;
    f->goal_b = first;
    f->goal_a = c->matching->of_a[first->id];
    bool *const agreed = find_agreed(c);
    for (int side = 0; side < 2; side++) {
        walk w = walk_new(c, side == 0);
        w.stop = is_agreed;
        w.agreed = agreed;
        walk_back(&w, side == 0 ? f->goal_a : f->goal_b);
        add_inputs(c, f, &w);
        walk_free(&w);
    }
    free(agreed);
    bool all = true;
    for (uint32_t i = 0; i < f->inputs.n; i++)
        all &= f->inputs.data[i].a != NULL;
    if (!all || !fetch(c, f, in))
        whole(c, f, in);
}
