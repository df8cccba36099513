/* What is known of nodes as a whole: randomness and opaqueness, through subgraphs and calls. */
#include "tests/unit/build.h"

static oo_tensor *truth(oo_model *model, bool value) {
    return oo_tensor_make(model, OO_BOOL, 0, NULL, &(uint8_t){value});
}

/* ---- single operators ---- */
static void random_operators(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    static const char *const random[] = {"RandomNormal", "RandomUniformLike", "Multinomial", "Bernoulli"};
    for (size_t i = 0; i < COUNT_OF(random); i++)
        assert_true(oo_node_is_random(add_node(w->graph, random[i], "r", 1, x)));
    static const char *const steady[] = {"Relu", "Conv", "If", "Constant"};
    for (size_t i = 0; i < COUNT_OF(steady); i++)
        assert_false(oo_node_is_random(add_node(w->graph, steady[i], "s", 1, x)));
    oo_node *const foreign = oo__node_new(w->graph, "com.example", "RandomNormal", 0, 1, 0);
    assert_false(oo_node_is_random(foreign)); /* unknown domains count as pure */
    assert_true(oo_node_is_opaque(foreign));
    assert_false(oo_node_is_opaque(add_node(w->graph, "Relu", "k", 1, x)));
    assert_true(oo_node_is_opaque(add_node(w->graph, "Rleu", "k", 1, x)));
    assert_true(oo_node_is_opaque(add_node(w->graph, "Gelu", "k", 1, x))); /* came with 20 */
    w->model->opsets.data[0].version = 20;
    assert_false(oo_node_is_opaque(add_node(w->graph, "Gelu", "k", 1, x)));
    world_free(w);
}

static void opsets_from_the_future(void **state) {
    (void)state;
    world *const w = world_new(1000);
    oo_value *const x = add_input(w->graph, "x");
    assert_true(oo_node_is_random(add_node(w->graph, "RandomNormalLike", "r", 1, x)));
    assert_false(oo_node_is_opaque(add_node(w->graph, "Relu", "k", 1, x)));
    world_free(w);
}

static void dropout_by_opset(void **state) {
    (void)state;
    static const struct {
        int64_t opset;
        int is_test;  /* -1 = absent */
        int training; /* -1 = omitted, 2 = not constant */
        bool random;
    } cases[] = {
        {1, -1, -1, true},  {1, 0, -1, true},    {1, 1, -1, false},  {6, -1, -1, true},   {6, 1, -1, false},
        {7, -1, -1, false}, {10, -1, -1, false}, {11, 0, -1, false}, {12, -1, -1, false}, {12, -1, 0, false},
        {12, -1, 1, true},  {12, -1, 2, true},   {13, -1, 0, false}, {13, -1, 1, true},   {22, -1, -1, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        world *const w = world_new(cases[i].opset);
        oo_value *const x = add_input(w->graph, "x");
        oo_value *mode = NULL;
        if (cases[i].training == 2)
            mode = add_input(w->graph, "mode");
        if (cases[i].training == 0 || cases[i].training == 1)
            mode = add_init(w->graph, "mode", truth(w->model, cases[i].training));
        oo_node *const node = cases[i].training < 0 ? add_node(w->graph, "Dropout", "d", 2, x)
                                                    : add_node(w->graph, "Dropout", "d", 2, x, NULL, mode);
        if (cases[i].is_test >= 0)
            add_int(node, "is_test", cases[i].is_test);
        if (oo_node_is_random(node) != cases[i].random)
            fail_msg("case %zu (opset %d)", i, (int)cases[i].opset);
        world_free(w);
    }
}

static void dropout_with_an_odd_mode(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    const uint8_t zeros[2] = {0};
    oo_tensor *const two = oo_tensor_make(w->model, OO_BOOL, 1, (const int64_t[]){2}, zeros);
    assert_true(oo_node_is_random(add_node(w->graph, "Dropout", "d", 1, x, NULL, add_init(w->graph, "m", two))));
    oo_tensor *const gone = oo__tensor_new(w->model, OO_BOOL, 0, NULL, NULL);
    gone->storage = OO_STORE_EXTERNAL; /* not to be had */
    assert_true(oo_node_is_random(add_node(w->graph, "Dropout", "e", 1, x, NULL, add_init(w->graph, "n", gone))));
    w->model->opsets.data[0].version = 6;
    oo_node *const old = add_node(w->graph, "Dropout", "f", 1, x);
    add_int(old, "is_test", 1);
    assert_false(oo_node_is_random(old));
    old->attrs[0]->reference = oo__str(w->model, "mode"); /* of the function around it: unknown is not yes */
    assert_true(oo_node_is_random(old));
    world_free(w);
}

/* ---- through subgraphs and calls ---- */
static void facts_of_bodies(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x"), *const c = add_input(w->graph, "c");
    oo_node *const outer = add_if(w->graph, "outer", c);
    oo_node *const inner = add_if(branch(outer, 1), "inner", c);
    add_op(branch(outer, 0), "Relu", "r", x);
    assert_false(oo_node_is_random(outer) || oo_node_is_opaque(outer));
    oo_node *const b = add_node(branch(inner, 1), "Bernoulli", "b", 1, x);
    assert_true(oo_node_is_random(outer));
    assert_true(oo_node_is_random(inner));
    assert_false(oo_node_is_opaque(outer));
    oo__graph_unlink(b);
    assert_false(oo_node_is_random(outer));
    oo__node_new(branch(inner, 0), "com.example", "F", 0, 0, 0);
    assert_true(oo_node_is_opaque(outer));
    assert_false(oo_node_is_random(outer));
    world_free(w);
}

static void facts_of_calls(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_function *const f = add_function(w->model, "local", "f", NULL), *const g =
                                                                           add_function(w->model, "local", "g", NULL);
    oo_node *const call = oo__node_new(w->graph, "local", "f", 0, 1, 0);
    assert_false(oo_node_is_opaque(call)); /* known: it is a function of the model */
    oo__node_new(f->graph, "local", "g", 0, 1, 0);
    add_node_n(g->graph, "Relu", "r", 1, NULL, 0);
    assert_false(oo_node_is_random(call) || oo_node_is_opaque(call));
    add_node_n(g->graph, "RandomNormal", "n", 1, NULL, 0);
    w->model->function_serial++; /* what was found out of functions is kept until one changes */
    assert_true(oo_node_is_random(call));
    /* The body counts, not the name: a local function Bernoulli may be steady, and Relu random. */
    oo_function *const own = add_function(w->model, "", "Bernoulli", NULL);
    add_node_n(own->graph, "Relu", "s", 1, NULL, 0);
    assert_false(oo_node_is_random(add_node_n(w->graph, "Bernoulli", "b", 1, NULL, 0)));
    world_free(w);
}

static void functions_that_call_themselves(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_function *const f = add_function(w->model, "local", "f", NULL);
    oo__node_new(f->graph, "local", "f", 0, 1, 0);
    oo__node_new(f->graph, "local", "f", 0, 1, 0);
    const oo_node *const call = oo__node_new(w->graph, "local", "f", 0, 1, 0);
    assert_true(oo_node_is_random(call)); /* not trusted, and not followed for ever */
    assert_true(oo_node_is_opaque(call));
    world_free(w);
}

/* Each function calls the next one twice: 2^40 visits unless what is known of a function is kept. */
static void calls_that_double(void **state) {
    (void)state;
    enum { N = 40 };
    world *const w = world_new(17);
    char name[16];
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "f%u", i);
        oo_function *const f = add_function(w->model, "local", name, NULL);
        snprintf(name, sizeof name, "f%u", i + 1);
        for (int k = 0; k < 2; k++)
            i + 1 < N ? oo__node_new(f->graph, "local", name, 0, 1, 0) : oo__node_new(f->graph, NULL, "Relu", 0, 1, 0);
    }
    const oo_node *const call = oo__node_new(w->graph, "local", "f0", 0, 1, 0);
    assert_false(oo_node_is_random(call) || oo_node_is_opaque(call));
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operators),
        cmocka_unit_test(opsets_from_the_future),
        cmocka_unit_test(dropout_by_opset),
        cmocka_unit_test(dropout_with_an_odd_mode),
        cmocka_unit_test(facts_of_bodies),
        cmocka_unit_test(facts_of_calls),
        cmocka_unit_test(functions_that_call_themselves),
        cmocka_unit_test(calls_that_double),
    };
    return cmocka_run_group_tests_name("node facts", tests, NULL, NULL);
}
