/* Applies rules to a model. Rules wait in buckets by the operator that their root is; a node is shown to the rules of its bucket whose
 * needs its inputs' producers meet. What a rewrite touched is looked at again, so a fixpoint costs what changed. */
#include "passes/raise_opset.h"
#include "passes/rule_base.h"
#include "passes/rule_run.h"

#include "ir/disputed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPREAD = 256,          /* nodes that one rewrite may ask to look at again; more, and everything is looked at again */
    AGE_BASE = 1000,       /* rewrites in a row, one on what the other made, without getting smaller: this many and four for each node */
    GROWTH = 64,           /* rewrites for each node in all */
    SWEEPS = 100
};

/* A rule in a bucket. */
typedef struct entry {
    uint64_t needs;
    const oo__rule *rule;
    int64_t rise; /* the version of ai.onnx that its right side needs, 0 = the graph has it */
} entry;

typedef struct bucket {
    const char *domain, *name;
    oo_vec(entry) entries;
} bucket;

/* The rules that can be used at one opset. */
typedef struct plan {
    int64_t opset;
    oo_vec(bucket) buckets;
    oo__op_facts **table; /* by operator */
    uint32_t room, count;
} plan;

/* How a node came to be. */
typedef struct age {
    uint32_t rewrites;   /* in a row that did not make the graph smaller */
    const oo__rule *rule;
} age;

typedef struct engine {
    oo__rule_run run;
    const oo__rules *rules;
    const oo__rule_choice *choice;
    oo_arena *arena;             /* of the run */
    oo_vec(plan *) plans;
    plan *plan;
    uint32_t depth;              /* of the deepest left side */
    oo_vec(oo_node *) queue;
    uint32_t next;               /* in the queue */
    bool *queued;                /* by node id */
    age *ages;                   /* by node id */
    uint32_t nnodes;             /* room of the two */
    uint32_t limit_age;
    uint64_t limit_all, done;
    bool again, fuel;
    oo_status status;
    int64_t barred;              /* the model may not import this version of ai.onnx or a newer one; INT64_MAX = none is known */
    const char *bar;             /* why */
} engine;

/* ---- plans ---- */
static int compare_entries(const void *a, const void *b) {
    const oo__rule *const x = ((const entry *)a)->rule, *const y = ((const entry *)b)->rule;
    if (x->benefit != y->benefit)
        return x->benefit > y->benefit ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    const int64_t rise = ((const entry *)a)->rise, other = ((const entry *)b)->rise;
    if (rise != other) /* what the model has goes first */
        return rise < other ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static bucket *bucket_of(plan *p, const char *domain, const char *name, bool make) {
    for (uint32_t i = 0; i < p->buckets.n; i++)
        if (strcmp(p->buckets.data[i].name, name) == 0 && strcmp(p->buckets.data[i].domain, domain) == 0)
            return &p->buckets.data[i];
    if (!make)
        return NULL;
    oo_vec_push(NULL, &p->buckets, (bucket){.domain = domain, .name = name});
    return &p->buckets.data[p->buckets.n - 1];
}

/* The first version of ai.onnx from `opset` on, and not above what is allowed, that has what the rule builds; 0 = none. */
static int64_t version_for(const engine *e, const oo__rule *rule, int64_t opset, const oo_graph *graph) {
    if (oo__rule_can_build(rule, opset, graph))
        return opset;
    for (int64_t v = opset + 1; opset > 0 && v <= e->choice->allow_opset; v++)
        if (oo__rule_can_build(rule, v, graph))
            return v;
    return 0;
}

static plan *new_plan(engine *e, const oo_graph *graph, int64_t opset) {
    plan *const p = oo__malloc(sizeof *p);
    *p = (plan){.opset = opset};
    for (uint32_t i = 0; i < e->rules->n; i++) {
        const oo__rule *const rule = e->rules->data[i];
        const int64_t version = oo__rule_is_chosen(rule, e->choice) ? version_for(e, rule, opset, graph) : 0;
        if (!version)
            continue;
        e->depth = rule->depth > e->depth ? rule->depth : e->depth;
        const oo__operator *const root = rule->nodes[0];
        for (uint32_t k = 0; k < root->nnames; k++)
            oo_vec_push(NULL, &bucket_of(p, root->domain, root->names[k], true)->entries,
                        (entry){rule->needs, rule, version > opset ? version : 0});
    }
    for (uint32_t i = 0; i < p->buckets.n; i++)
        qsort(p->buckets.data[i].entries.data, p->buckets.data[i].entries.n, sizeof(entry), compare_entries);
    return p;
}

static void free_plan(plan *p) {
    for (uint32_t i = 0; i < p->buckets.n; i++)
        oo_vec_free(&p->buckets.data[i].entries);
    oo_vec_free(&p->buckets);
    free(p->table);
    free(p);
}

static void enter_graph(engine *e, oo_graph *graph) {
    if (e->run.graph == graph)
        return;
    e->run.graph = graph;
    e->run.opset = oo_graph_opset(graph, "");
    for (uint32_t i = 0; i < e->plans.n; i++) {
        e->plan = e->plans.data[i];
        if (e->plan->opset == e->run.opset)
            return;
    }
    e->plan = new_plan(e, graph, e->run.opset);
    oo_vec_push(NULL, &e->plans, e->plan);
}

/* ---- operators ---- */
static uint32_t hash_of(const oo_op *op) { return (uint32_t)(((uintptr_t)op >> 4) * 2654435761u); }

static void grow(plan *p) {
    const uint32_t room = p->room ? p->room * 2 : 64;
    oo__op_facts **const table = calloc(room, sizeof *table);
    if (!table)
        oo__oom(room * sizeof *table);
    for (uint32_t i = 0; i < p->room; i++) {
        if (!p->table[i])
            continue;
        uint32_t at = hash_of(p->table[i]->op) & (room - 1);
        while (table[at])
            at = (at + 1) & (room - 1);
        table[at] = p->table[i];
    }
    free(p->table);
    p->table = table;
    p->room = room;
}

static const oo__op_facts *add_facts(engine *e, const oo_op *op) {
    plan *const p = e->plan;
    if (2 * (p->count + 1) > p->room)
        grow(p);
    uint32_t at = hash_of(op) & (p->room - 1);
    while (p->table[at])
        at = (at + 1) & (p->room - 1);
    oo__op_facts *const facts = p->table[at] = OO_NEW(e->arena, oo__op_facts);
    oo__op_facts_find(facts, op, *op->domain ? oo_graph_opset(e->run.graph, op->domain) : e->run.opset);
    const bucket *const b = bucket_of(p, op->domain, op->name, false);
    facts->bucket = b && facts->usable ? (uint32_t)(b - p->buckets.data) : UINT32_MAX;
    p->count++;
    return facts;
}

static const oo__op_facts *facts_of(oo__rule_run *run, const oo_op *op) {
    engine *const e = run->engine;
    const plan *const p = e->plan;
    if (!p->room)
        return add_facts(e, op);
    uint32_t at = hash_of(op) & (p->room - 1);
    while (p->table[at]) {
        if (p->table[at]->op == op)
            return p->table[at];
        at = (at + 1) & (p->room - 1);
    }
    return add_facts(e, op);
}

/* ---- side tables ---- */
static void make_room(engine *e) {
    const uint32_t wanted = e->run.model->nnodes;
    if (wanted <= e->nnodes)
        return;
    const uint32_t room = wanted + wanted / 2 + 64;
    e->queued = oo__realloc(e->queued, room * sizeof *e->queued);
    e->ages = oo__realloc(e->ages, room * sizeof *e->ages);
    memset(e->queued + e->nnodes, 0, (room - e->nnodes) * sizeof *e->queued);
    memset(e->ages + e->nnodes, 0, (room - e->nnodes) * sizeof *e->ages);
    e->nnodes = room;
}

static void push(engine *e, oo_node *node) {
    if (!node || node->erased || e->queued[node->id])
        return;
    e->queued[node->id] = true;
    oo_vec_push(NULL, &e->queue, node);
}

/* The nodes behind a value, as far as a left side reaches. */
static void push_users(engine *e, const oo_value *value, uint32_t depth, uint32_t *left) {
    for (const oo_use *use = value->uses; use; use = use->next) {
        if (!*left) {
            e->again = true;
            return;
        }
        --*left;
        push(e, use->user);
        for (uint32_t i = 0; depth > 1 && i < use->user->noutputs; i++)
            if (use->user->outputs[i])
                push_users(e, use->user->outputs[i], depth - 1, left);
    }
}

/* ---- one rewrite ---- */
typedef struct before {
    oo_value *inputs[OO__RULE_SLOTS * 2];
    uint32_t ninputs;
    uint32_t first_new, nodes;
    age age;
} before;

static void note_input(before *b, const oo__operand *o) {
    if (o->kind == OO__GRAPH_VALUE && o->value && b->ninputs < OO__RULE_SLOTS * 2)
        b->inputs[b->ninputs++] = o->value;
}

static void look(const engine *e, before *b) {
    const oo__rule_run *const run = &e->run;
    b->ninputs = 0;
    b->first_new = run->model->nnodes;
    b->nodes = run->graph->nnodes;
    b->age = (age){0};
    for (uint32_t i = 0; i < run->rule->nslots; i++) {
        const oo__operand *const o = &run->values[i];
        if (!run->rule->slots[i].left || run->rule->slots[i].node != UINT32_MAX || !(run->bound >> i & 1))
            continue;
        note_input(b, o);
        for (uint32_t k = 0; o->kind == OO__MANY && k < o->count; k++)
            note_input(b, &o->items[k]);
    }
    for (uint32_t k = 0; k < run->rule->nnodes; k++)
        if (e->ages[run->nodes[k]->id].rewrites >= b->age.rewrites)
            b->age = e->ages[run->nodes[k]->id];
}

static void touch(engine *e, const before *b) {
    const oo__rule_run *const run = &e->run;
    uint32_t left = SPREAD;
    for (uint32_t i = 0; i < run->rule->nslots; i++) {
        const oo__slot *const s = &run->rule->slots[i];
        const oo__operand *const o = &run->values[i];
        if (s->left || !(run->bound >> i & 1) || o->kind != OO__GRAPH_VALUE || !o->value)
            continue;
        push(e, o->value->producer);
        if (s->is_result)
            push_users(e, o->value, e->depth, &left);
    }
    for (uint32_t i = 0; i < b->ninputs; i++) {
        const oo_value *const value = b->inputs[i];
        if (!value->nuses)
            push(e, value->producer);
        else if (value->nuses == 1)
            push_users(e, value, e->depth, &left);
    }
}

/* New nodes stand before the root or the nodes around it; the newest ids are theirs. */
static void date_new_nodes(engine *e, const before *b) {
    const oo__rule_run *const run = &e->run;
    const bool smaller = run->graph->nnodes < b->nodes;
    const age now = {b->age.rewrites + !smaller, run->rule};
    const oo_rewrite *const done = &run->model->history.data[run->model->history.n - 1];
    for (uint32_t i = 0; i < done->nadded; i++)
        e->ages[done->added[i]] = now;
}

static bool came_to_no_end(engine *e, const before *b, oo_node *root) {
    if (b->age.rewrites < e->limit_age && e->done < e->limit_all)
        return false;
    const oo__rule *const other = b->age.rule ? b->age.rule : e->run.rule;
    if (other == e->run.rule) {
        e->status = oo_error_at(e->run.rw, root, OO_LIMIT, "rule \"%s\" (%s:%u) comes to no end: it matches what it builds", other->name,
                                other->origin, other->line);
        return true;
    }
    e->status = oo_error_at(e->run.rw, root, OO_LIMIT, "rules \"%s\" (%s:%u) and \"%s\" (%s:%u) come to no end: each undoes what the other does",
                            e->run.rule->name, e->run.rule->origin, e->run.rule->line, other->name, other->origin, other->line);
    return true;
}

static void forget_attempt(engine *e) {
    oo__constants_reset(e->run.constants);
    if (oo__arena_used(e->run.arena))
        oo__arena_reset(e->run.arena);
}

/* ---- newer operator sets ---- */
/* Whether the model may import what the rule needs. What is in the way once stays so for this run. */
static bool may_rise(engine *e, int64_t version) {
    const char *why = "";
    if (!version)
        return true;
    if (version < e->barred && !oo__opset_may_rise(e->run.model, version, e->arena, &why)) {
        e->barred = version;
        e->bar = why;
    }
    return version < e->barred || oo__rule_miss(&e->run, OO__RULE_STEPS, "ai.onnx %lld is allowed but cannot be imported: %s", (long long)version, e->bar);
}

/* Every graph is looked at with other eyes. */
static void risen(engine *e) {
    if (!e->run.rise)
        return;
    oo_graph *const graph = e->run.graph;
    e->run.graph = NULL;
    e->again = true;
    enter_graph(e, graph);
}

/* Nodes that have several readings stay: the law holds for one of them, if for any. */
static bool is_read_alike(oo__rule_run *run) {
    for (uint32_t k = 0; k < run->rule->nnodes; k++) {
        const char *const disputed = oo__node_disputed(run->nodes[k]);
        if (disputed)
            return oo__rule_miss(run, OO__RULE_STEPS, "ONNX and runtimes differ on %s: %s", run->nodes[k]->op->name, disputed);
    }
    return true;
}

/* True when the root was rewritten, or nothing more may be done. */
static bool attempt(engine *e, const entry *by, oo_node *root, bool telling) {
    oo__rule_run *const run = &e->run;
    const oo__rule *const rule = by->rule;
    run->telling = telling;
    run->rise = by->rise;
    bool done = oo__rule_match(run, rule, root) && is_read_alike(run) && may_rise(e, by->rise);
    if (done) {
        before b;
        look(e, &b);
        done = came_to_no_end(e, &b, root);
        if (!done) {
            const uint32_t history = run->model->history.n;
            done = oo__rule_apply(run, &e->fuel);
            make_room(e);
            if (done && run->model->history.n > history) {
                e->done++;
                date_new_nodes(e, &b);
                touch(e, &b);
                risen(e);
                oo_count(run->rw, rule->name, 1);
            }
        }
    }
    if (!done && run->miss)
        (void)oo_miss(run->rw, rule->name, root, "%s", run->miss);
    forget_attempt(e);
    if (!(run->model->properties & OO_TYPES))
        oo__facts_renew(run->model);
    return done || !e->fuel || e->status != OO_OK;
}

static uint64_t producers_of(engine *e, const oo_node *node) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        if (value && value->producer)
            bits |= facts_of(&e->run, value->producer->op)->bit;
    }
    return bits;
}

static void visit(engine *e, oo_node *node, bool telling) {
    enter_graph(e, node->graph);
    const uint32_t at = facts_of(&e->run, node->op)->bucket;
    if (at == UINT32_MAX)
        return;
    const uint64_t has = producers_of(e, node);
    const bucket *const b = &e->plan->buckets.data[at];
    for (uint32_t i = 0; i < b->entries.n; i++)
        if (!(b->entries.data[i].needs & ~has) && attempt(e, &b->entries.data[i], node, telling))
            return;
}

/* ---- all ---- */
static bool goes_on(const engine *e) { return e->fuel && e->status == OO_OK; }

static void drain(engine *e) {
    for (; e->next < e->queue.n && goes_on(e); e->next++) {
        oo_node *const node = e->queue.data[e->next];
        e->queued[node->id] = false;
        if (!node->erased)
            visit(e, node, false);
    }
    e->queue.n = e->next = 0;
}

static void sweep(engine *e, bool telling) {
    oo_for_each_graph(graph, e->run.model) {
        for (oo_node *node = graph->first; node && goes_on(e); node = oo_node_next(node))
            visit(e, node, telling);
        drain(e);
    }
}

static void start(engine *e, oo_rewriter *rw, oo_model *model) {
    uint64_t nodes = 0;
    oo_for_each_graph(graph, model) nodes += graph->nnodes;
    e->fuel = true;
    e->limit_age = AGE_BASE + (uint32_t)(nodes > UINT32_MAX / 8 ? UINT32_MAX / 2 : nodes * 4);
    e->limit_all = (nodes + AGE_BASE) * GROWTH;
    e->run = (oo__rule_run){.rw = rw, .model = model, .arena = oo__arena_new(), .facts = facts_of, .engine = e};
    e->run.constants = oo__constants_new(model);
    make_room(e);
}

oo_status oo__rules_run(oo_rewriter *rw, oo_model *model, const oo__rules *rules, const oo__rule_choice *choice) {
    engine *const e = calloc(1, sizeof *e);
    if (!e)
        oo__oom(sizeof *e);
    e->rules = rules;
    e->choice = choice;
    e->barred = INT64_MAX;
    e->arena = oo__arena_new();
    start(e, rw, model);
    e->run.room = choice->growth ? oo__growth_room(model, choice->growth) : INT64_MAX;
    e->again = true;
    for (int i = 0; e->again && i < SWEEPS && goes_on(e); i++) {
        e->again = false;
        sweep(e, i == 0 && oo__rewriter_tells_missed(rw));
    }
    const oo_status status = e->status;
    for (uint32_t i = 0; i < e->plans.n; i++)
        free_plan(e->plans.data[i]);
    oo_vec_free(&e->plans);
    oo_vec_free(&e->queue);
    free(e->queued);
    free(e->ages);
    oo__constants_free(e->run.constants);
    oo__arena_free(e->run.arena);
    oo__arena_free(e->arena);
    free(e);
    return status;
}
