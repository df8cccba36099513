/* Laws of the rule set, on random instances of every rule: each rewrite leaves fewer nodes, or as many and a shorter way from inputs to results, or as
 * long a way and less work. So no rules undo each other in turns, and all together come to an end, at which none applies. */
#include "passes/manager.h"
#include "passes/rule_prove.h"
#include "tests/unit/under_valgrind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What a rewrite must make smaller, the first first. */
typedef struct size {
    int64_t nodes; /* but Identity: what cannot take an output's name keeps one */
    uint64_t way;  /* of all nodes */
    double work;
} size;

/* ---- work ---- */
static double operations(const oo_node *node, const oo_array *out) {
    static const struct {
        const char *op;
        double each; /* element of the result */
    } COSTS[] = {{"Pow", 16}, {"Exp", 8},  {"Log", 8}, {"Sqrt", 4}, {"Tanh", 8}, {"Sigmoid", 8}, {"Erf", 8}, {"Div", 4}, {"Reciprocal", 4},
                 {"Reshape", 0.01}, {"Squeeze", 0.01}, {"Unsqueeze", 0.01}, {"Flatten", 0.01}, {"Identity", 0}};
    for (size_t i = 0; i < sizeof COSTS / sizeof *COSTS; i++)
        if (oo_node_is(node, COSTS[i].op))
            return COSTS[i].each * (double)(out->count + 1);
    return (double)out->count + 1;
}

static void add_work(void *user, const oo_node *node, oo_datum *const *outputs, double seconds) {
    size *const s = user;
    (void)seconds;
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (outputs[i] && outputs[i]->array && !oo_node_is(node, "Constant"))
            s->work += operations(node, outputs[i]->array);
    for (uint32_t i = 0; i < node->ninputs; i++)
        s->work += node->inputs[i].value ? 0.001 : 0;
}

static void add_ways(size *out, const oo__instance *in) {
    const oo_graph *const graph = in->model->graph;
    uint32_t *const depth = calloc(in->model->nnodes + 1, sizeof *depth);
    assert_non_null(depth);
    for (const oo_node *node = graph->first; node; node = node->next) {
        for (uint32_t i = 0; i < node->ninputs; i++) {
            const oo_node *const from = node->inputs[i].value ? node->inputs[i].value->producer : NULL;
            if (from && depth[from->id] >= depth[node->id])
                depth[node->id] = depth[from->id] + 1;
        }
        out->way += depth[node->id];
        out->nodes += !oo_node_is(node, "Identity") && !oo_node_is(node, "Constant");
    }
    free(depth);
}

/* False when it does not run. */
static bool measure(size *out, const oo__instance *in) {
    *out = (size){0};
    const oo_eval_settings settings = {.step_limit = 10000, .memory_limit = 1 << 26, .watch = add_work, .user = out};
    oo_graph *const graph = in->model->graph;
    oo_datum **const results = calloc(graph->outputs.n + 1, sizeof *results);
    oo_evaluator *const ev = oo__evaluator_new(in->model, &settings);
    const bool ran = oo__evaluate(ev, in->inputs.data, results) == OO_OK;
    oo__evaluator_free(ev);
    for (uint32_t i = 0; i < graph->outputs.n; i++)
        oo__datum_release(results[i]);
    free(results);
    add_ways(out, in);
    return ran;
}

static bool is_smaller(const size *a, const size *b) {
    if (a->nodes != b->nodes)
        return a->nodes < b->nodes;
    return a->way != b->way ? a->way < b->way : a->work < b->work;
}

/* ---- rules on an instance ---- */
static uint32_t apply(oo__instance *in, const oo__rules *rules, uint64_t fuel, oo_status *status) {
    const oo_rewriter_settings settings = {.pass = "rules", .fuel = &fuel};
    oo_arena *const scratch = oo__arena_new();
    oo_rewriter *const rw = oo__rewriter_new(in->model, scratch, &settings);
    const oo__rule_choice choice = {.level = 3};
    *status = oo__rules_run(rw, in->model, rules, &choice);
    const uint32_t count = oo__rewriter_rewrites(rw);
    assert_true(oo__rewriter_free(rw));
    oo__arena_free(scratch);
    return count;
}

/* Rewrite by rewrite until none is left; the number of them. `idle`: the first one that leaves nothing smaller, NULL = none. */
static uint32_t watch(oo__instance *in, const oo__rules *rules, const char **idle) {
    enum { MOST = 200 };
    uint32_t count = 0;
    size before, after;
    oo_status status = OO_OK;
    *idle = NULL;
    if (in->why || !measure(&before, in))
        return 0;
    while (!*idle && apply(in, rules, 1, &status)) {
        const oo_rewrite *const last = &in->model->history.data[in->model->history.n - 1];
        assert_true(++count < MOST);
        assert_int_equal(status, OO_OK);
        assert_true(measure(&after, in));
        if (!is_smaller(&after, &before))
            *idle = last->rule;
        before = after;
    }
    return count;
}

typedef struct world {
    oo_context *context;
    oo_registry *registry;
    oo_rulebase *base;
} world;

static world begin(void) {
    world w = {.context = oo_context_new()};
    w.context->quiet = true;
    w.registry = oo__registry_new(w.context);
    w.base = oo__rulebase_new(w.context);
    return w;
}

static void end(world *w) {
    oo__rulebase_free(w->base);
    oo__registry_free(w->registry);
    oo_context_free(w->context);
}

/* Instances of one rule under all; the first rewrite that is idle. */
static const char *first_idle(const world *w, const oo__rule *rule, const oo__rules *rules, uint32_t instances, uint64_t *seed) {
    static char name[128];
    const uint32_t tries = instances * 40;
    const char *idle = NULL;
    for (uint32_t i = 0, fired = 0; i < tries && fired < instances && !idle; i++) {
        oo__instance in;
        *seed = 77777 + i;
        oo__instance_begin(&in, w->context, rule, *seed, 0);
        fired += watch(&in, rules, &idle) > 0;
        if (idle)
            snprintf(name, sizeof name, "%s", idle); /* it may lie in the instance */
        oo__instance_end(&in);
    }
    return idle ? name : NULL;
}

/* Sanitizers look for other faults, which few instances show as well as many. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif
#else
enum { SLOW = 0 };
#endif

static void test_every_rewrite_shrinks(void **state) {
    (void)state;
    world w = begin();
    const oo__rules *const rules = oo__rulebase_all(oo__registry_rules(w.registry));
    for (uint32_t k = 0; k < rules->n; k++) {
        uint64_t seed;
        const uint32_t instances = SLOW || under_valgrind() ? 2 : rules->data[k]->form > 1 ? 10 : 40; /* other forms of a rule are alike */
        const char *const idle = first_idle(&w, rules->data[k], rules, instances, &seed);
        if (idle)
            fail_msg("%s shrinks nothing, on instance %llu of %s", idle, (unsigned long long)seed, rules->data[k]->name);
    }
    end(&w);
}

/* The laws can be broken. */
static void test_idle_rules_are_seen(void **state) {
    (void)state;
    static const struct {
        const char *rules, *idle;
    } CASES[] = {
        {"rule turn { y = Max(x, z)  =>  y = Max(z, x) }", "turn"},
        {"rule grow { y = Sub(x, z)  where is_float(type(x))  =>  y = Add(x, Neg(z)) }\n"
         "rule back { y = Add(x, Neg(z))  =>  y = Sub(x, z) }", "grow"},
        {"rule dear { y = Mul(x, x)  where is_float(type(x))  =>  y = Pow(x, 2.0) }", "dear"},
        {"rule good { y = Relu(Relu(x))  =>  y = Relu(x) }", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        world w = begin();
        assert_int_equal(oo__rulebase_add(w.base, CASES[i].rules, strlen(CASES[i].rules), "laws.rules", 2), OO_OK);
        const oo__rules *const all = oo__rulebase_all(w.base);
        const char *idle = NULL;
        oo__rules own = {0};
        uint64_t seed;
        for (uint32_t k = 0; k < all->n; k++)
            if (all->data[k]->rank == 2)
                oo_vec_push(NULL, &own, all->data[k]);
        for (uint32_t k = 0; k < own.n && !idle; k++)
            idle = first_idle(&w, own.data[k], &own, 20, &seed);
        if (CASES[i].idle)
            assert_string_equal(idle ? idle : "none", CASES[i].idle);
        else
            assert_null(idle);
        oo_vec_free(&own);
        end(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_rewrite_shrinks), cmocka_unit_test(test_idle_rules_are_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
