/* Decides which evaluated nodes go, from the last to the first: a node whose results fit goes; one that stays needs its operands, which
 * then may be folded in turn. */
#include "passes/fold.h"

#include "passes/place.h"
#include "ir/weigh.h"

static const char RULE[] = "fold";

/* ---- uses ---- */
static void count_uses(fold *f) {
    oo_for_each_graph(graph, f->model) {
        for (uint32_t i = 0; i < graph->initializers.n; i++)
            f->facts[graph->initializers.data[i]->id].uses =
                graph->initializers.data[i]->nuses + graph->initializers.data[i]->noutputs;
        for (const oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < node->noutputs; i++)
                if (node->outputs[i])
                    f->facts[node->outputs[i]->id].uses = node->outputs[i]->nuses + node->outputs[i]->noutputs;
    }
}

static bool is_public(const oo_value *value) { return oo_value_is_annotated(value) || oo_value_is_input(value); }

/* ---- what a fold frees ---- */
/* One use less. What nothing uses any more is put on the stack. Returns the bytes of a constant that is free now. */
static uint64_t drop_use(fold *f, oo_value *value) {
    fold_fact *const fact = &f->facts[value->id];
    oo_vec_push(NULL, &f->undo, value);
    if (--fact->uses || is_public(value))
        return 0;
    if (!value->producer || fold_is_literal(value->producer)) {
        const oo_tensor *const tensor = oo_value_const(value);
        return tensor ? fold_tensor_bytes(tensor) : 0;
    }
    oo_vec_push(NULL, &f->stack, value);
    return 0;
}

static bool is_unused(const fold *f, const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && (f->facts[node->outputs[i]->id].uses || is_public(node->outputs[i])))
            return false;
    return true;
}

/* Takes the uses of the node and of all that dies with it; returns the bytes of the constants that are free then, and with `shrink` of the
 * nodes too. */
static uint64_t drop_node(fold *f, oo_node *node) {
    uint64_t bytes = 0;
    f->undo.n = f->stack.n = 0;
    f->nodes[node->id].dead = true;
    for (const oo_node *next = node; next;) {
        for (uint32_t i = 0; i < fold_noperands(f, next); i++)
            if (fold_operand(f, next, i))
                bytes += drop_use(f, fold_operand(f, next, i));
        bytes += f->options->shrink ? oo__weigh_node(next) : 0;
        f->work -= f->work > 0;
        next = NULL;
        while (f->stack.n && !next) {
            const oo_node *const producer = f->stack.data[--f->stack.n]->producer;
            fold_node *const state = &f->nodes[producer->id];
            if (!state->dead && state->state == FOLD_EVALUATED && is_unused(f, producer)) {
                state->dead = true;
                next = producer;
            }
        }
    }
    return bytes;
}

static void take_back(fold *f, oo_node *node) {
    f->nodes[node->id].dead = false;
    while (f->undo.n) {
        oo_value *const value = f->undo.data[--f->undo.n];
        f->facts[value->id].uses++;
        if (value->producer)
            f->nodes[value->producer->id].dead = false;
    }
}

/* ---- results ---- */
static bool may_replace(fold *f, const oo_node *node, const oo_value *value) {
    const fold_fact *const fact = &f->facts[value->id];
    if (fact->datum && fact->datum->kind != OO_DATUM_TENSOR)
        return oo_miss(f->rw, RULE, node, "\"%s\" is no tensor", oo_value_name(value));
    if (!fact->datum || !fact->kept)
        return oo_miss(f->rw, RULE, node, "the %llu bytes of \"%s\" pass the limit", (unsigned long long)fact->bytes,
                       oo_value_name(value));
    const oo_array *const array = fact->datum->array;
    const char *const problem = oo__place_problem(value, array->elem, array->rank, array->dims);
    return !problem || oo_miss(f->rw, RULE, node, "\"%s\" stays: %s", oo_value_name(value), problem);
}

/* Whether the constants may grow by the bytes of the node's results less what they free. */
static bool finds_room(fold *f, oo_node *node, uint64_t bytes) {
    if (!f->work)
        return oo_miss(f->rw, RULE, node, "the limit of work is reached");
    const uint64_t freed = drop_node(f, node);
    const bool grows = f->options->shrink ? f->nodes[node->id].pays : f->options->growth.limit < 0 || (f->room >= 0 && bytes - freed <= (uint64_t)f->room);
    if (bytes <= freed || grows) {
        f->room += f->options->growth.limit < 0 ? 0 : (int64_t)freed - (int64_t)bytes;
        return true;
    }
    take_back(f, node);
    return oo_miss(f->rw, RULE, node, "the file would grow by %llu bytes%s", (unsigned long long)(bytes - freed),
                   f->options->shrink ? "" : ", past the limit");
}

/* ---- deciding ---- */
uint64_t fold_bytes_in_file(const fold *f, const oo_value *value) {
    const oo_datum *const datum = f->facts[value->id].datum;
    const bool is_tensor = datum && datum->kind == OO_DATUM_TENSOR;
    return oo__weigh_initializer(is_tensor ? datum->array->rank : 0, f->facts[value->id].bytes, value);
}

static void decide(fold *f, oo_node *node) {
    uint64_t bytes = 0;
    bool needed = false, fits = true;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (!value || !(f->facts[value->id].needed || oo_value_is_annotated(value)))
            continue;
        needed = true;
        fits = fits && may_replace(f, node, value);
        bytes += f->options->shrink ? fold_bytes_in_file(f, value) : f->facts[value->id].bytes;
    }
    /* What an Identity gives is there already. */
    if (needed && (!fits || oo_node_is(node, "Identity") || !finds_room(f, node, bytes)))
        return;
    if (!f->nodes[node->id].dead)
        drop_node(f, node);
    f->nodes[node->id].state = FOLD_GOES;
    if (needed)
        oo_vec_push(NULL, &f->goes, node);
}

static void need(fold *f, const oo_value *value) {
    if (value)
        f->facts[value->id].needed = true;
}

static void decide_in(fold *f, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        need(f, graph->outputs.data[i].value);
    for (oo_node *node = graph->last; node; node = node->prev) {
        const fold_node *const state = &f->nodes[node->id];
        if (state->state == FOLD_EVALUATED)
            decide(f, node);
        if (state->state == FOLD_GOES)
            continue;
        for (uint32_t i = 0; i < fold_noperands(f, node); i++)
            need(f, fold_operand(f, node, i));
        for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++)
            decide_in(f, oo_node_subgraph(node, s));
    }
}

void fold_decide(fold *f) {
    count_uses(f);
    if (f->options->shrink)
        fold_find_groups(f);
    f->work = 64 * (uint64_t)f->model->nnodes + 1024;
    /* Training graphs use values of the main graph, so they come before it: as its users. */
    for (uint32_t g = f->model->graphs.n; g > 0; g--)
        if (!f->model->graphs.data[g - 1]->dead && !f->model->graphs.data[g - 1]->owner)
            decide_in(f, f->model->graphs.data[g - 1]);
}
