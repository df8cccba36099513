/* Topological order of unsorted graphs, numbering, and names for values that have none. */
#include "tests/unit/build.h"

#include <time.h>

static const char *names_of(const oo_graph *graph) {
    static char text[4096];
    size_t size = 0;
    text[0] = 0;
    for (const oo_node *node = graph->first; node && size < sizeof text; node = node->next)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size ? " " : "", oo_node_name(node));
    return text;
}

/* ---- order ---- */
/* Nodes a, b, c ... of one graph; edges as text: "ba" says that b uses a. */
static world *world_of(const char *order, const char *const *edges, uint32_t count) {
    world *const w = world_new(17);
    oo_node *nodes[26] = {0};
    for (const char *p = order; *p; p++) {
        const char name[] = {*p, 0};
        nodes[*p - 'a'] = add_node(w->graph, "Sum", name, 1, NULL, NULL, NULL);
    }
    for (uint32_t i = 0; i < count; i++) {
        oo_node *const user = nodes[edges[i][0] - 'a'];
        uint32_t free_input = 0;
        while (user->inputs[free_input].value)
            free_input++;
        oo__use_link(user, free_input, nodes[edges[i][1] - 'a']->outputs[0]);
    }
    w->graph->unsorted = true;
    return w;
}

static void sorted_graphs_are_left_alone(void **state) {
    (void)state;
    static const char *const edges[] = {"ca", "cb", "fc", "da", "ed"};
    world *const w = world_of("abcdefg", edges, COUNT_OF(edges));
    assert_int_equal(oo__model_check_acyclic(w->model), OO_OK);
    assert_true(w->graph->unsorted); /* nothing was moved */
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    assert_false(w->graph->unsorted);
    assert_string_equal(names_of(w->graph), "a b c d e f g");
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

static void only_what_must_move_moves(void **state) {
    (void)state;
    static const char *const edges[] = {"bd", "ge"};
    world *const w = world_of("abcdefg", edges, COUNT_OF(edges));
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    assert_string_equal(names_of(w->graph), "a d b c e f g");
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    assert_int_equal(w->graph->nnodes, 7);
    world_free(w);
}

static void reversed_graphs(void **state) {
    (void)state;
    static const char *const edges[] = {"ab", "bc", "cd", "de", "ef"};
    world *const w = world_of("abcdef", edges, COUNT_OF(edges));
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    assert_string_equal(names_of(w->graph), "f e d c b a");
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

static void cycles_are_found(void **state) {
    (void)state;
    static const char *const edges[] = {"ba", "cb", "bd", "dc"};
    world *const w = world_of("abcd", edges, COUNT_OF(edges));
    char *const before = dump(w->model);
    assert_int_equal(oo__model_check_acyclic(w->model), OO_INVALID);
    assert_told("error load-cycle test.onnx:0:0 [main]");
    assert_told("depends on its own output");
    assert_int_equal(oo__model_sort(w->model), OO_INVALID);
    char *const after = dump(w->model);
    assert_string_equal(before, after);
    free(before);
    free(after);
    world_free(w);
}

static void a_node_that_uses_itself(void **state) {
    (void)state;
    static const char *const edges[] = {"bb"};
    world *const w = world_of("ab", edges, 1);
    assert_int_equal(oo__model_sort(w->model), OO_INVALID);
    assert_told("b(Sum)");
    world_free(w);
}

static void captures_are_dependencies(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_node *const outer = add_if(w->graph, "outer", NULL);
    oo_node *const inner = add_if(branch(outer, 1), "inner", NULL);
    oo_node *const user = add_node(branch(inner, 0), "Relu", "user", 1, NULL);
    oo_node *const made = add_node(w->graph, "Abs", "made", 1, NULL), *const returned = add_node(w->graph, "Neg",
                                                                                                 "returned", 1, NULL);
    oo__use_link(user, 0, made->outputs[0]);
    add_output(branch(outer, 0), returned->outputs[0]); /* used by being returned only */
    w->graph->unsorted = true;
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    assert_ptr_equal(w->graph->last, outer);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    /* The captured value comes from the node around it: a cycle through the subgraph. */
    oo__use_link(user, 0, outer->outputs[0]);
    w->graph->unsorted = true;
    assert_int_equal(oo__model_check_acyclic(w->model), OO_INVALID);
    assert_told("[main] outer(If)");
    forget_told();
    oo__use_link(user, 0, NULL);
    add_output(branch(inner, 1), outer->outputs[0]);
    assert_int_equal(oo__model_sort(w->model), OO_INVALID);
    assert_told("[main] outer(If)");
    world_free(w);
}

static void inner_graphs_are_sorted_too(void **state) {
    (void)state;
    world *const w = world_new(17);
    const oo_node *const outer = add_if(w->graph, "outer", NULL);
    oo_node *const a = add_node(branch(outer, 0), "Relu", "a", 1, NULL), *const b = add_node(branch(outer, 0), "Abs",
                                                                                             "b", 1, NULL);
    oo__use_link(a, 0, b->outputs[0]);
    branch(outer, 0)->unsorted = true;
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    assert_string_equal(names_of(branch(outer, 0)), "b a");
    oo__use_link(b, 0, a->outputs[0]);
    branch(outer, 0)->unsorted = true;
    assert_int_equal(oo__model_sort(w->model), OO_INVALID);
    assert_told("[main/outer.then_branch]");
    world_free(w);
}

/* Random graphs, listed in random order: what comes out is sorted and a permutation; shallow stacks only. */
static void random_orders(void **state) {
    (void)state;
    enum { N = 300 };
    for (uint64_t round = 1; round <= 50; round++) {
        uint64_t seed = round;
        world *const w = world_new(17);
        oo_node *nodes[N];
        uint32_t rank[N];
        for (uint32_t i = 0; i < N; i++) {
            nodes[i] = add_node(w->graph, "Sum", "n", 1, NULL, NULL);
            nodes[i]->outputs[0]->name = NULL;
            rank[i] = i;
        }
        for (uint32_t i = N; i-- > 1;) {
            const uint32_t k = draw(&seed, i + 1), t = rank[i];
            rank[i] = rank[k];
            rank[k] = t;
        }
        for (uint32_t i = 1; i < N; i++)
            for (uint32_t k = 0; k < 2; k++)
                oo__use_link(nodes[rank[i]], k, nodes[rank[draw(&seed, i)]]->outputs[0]);
        w->graph->unsorted = true;
        assert_int_equal(oo__model_sort(w->model), OO_OK);
        assert_int_equal(oo_model_verify(w->model), OO_OK);
        assert_told_nothing();
        world_free(w);
    }
}

static void long_chains(void **state) {
    (void)state;
    enum { N = 200000 };
    world *const w = world_new(17);
    oo_node *before = NULL;
    for (uint32_t i = 0; i < N; i++) { /* each uses the one that is listed after it */
        oo_node *const node = oo__node_new(w->graph, NULL, "Relu", 1, 1, 0);
        oo__node_set_output(node, 0, oo__value_new(w->graph, NULL));
        if (before)
            oo__use_link(before, 0, node->outputs[0]);
        before = node;
    }
    w->graph->unsorted = true;
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    assert_int_equal(w->graph->first->id, N - 1);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

static void numbers_count_along_the_list(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_node *const a = add_node(w->graph, "Relu", "a", 1, NULL), *const b = add_if(w->graph, "b", NULL);
    oo_node *const c = add_node(branch(b, 1), "Relu", "c", 1, NULL);
    oo__model_number(w->model);
    assert_true(w->model->properties & OO_ORDER);
    assert_int_equal(oo_node_order(a), 0);
    assert_int_equal(oo_node_order(b), 1);
    assert_int_equal(oo_node_order(c), 0);
    world_free(w);
}

/* ---- names ---- */
static void names_do_not_clash(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "const_0");
    oo_node *const branches = add_if(w->graph, "const_1", x);
    add_node(branch(branches, 0), "Relu", "const_2", 1, x); /* an inner name counts */
    oo__str(w->model, "const_3");                           /* and one that only an annotation, say, mentions */
    assert_true(oo_begin(w->rw, "r", NULL));
    oo_value *values[30];
    for (unsigned i = 0; i < COUNT_OF(values); i++)
        values[i] = oo_build_const(w->rw, i % 2 ? w->graph : branch(branches, 1), scalar(w->model, 1),
                                   i % 3 ? NULL : "weird \"stem\"");
    oo_end(w->rw);
    assert_string_equal(oo_value_name(values[0]), "");
    oo__model_name_values(w->model);
    for (unsigned i = 0; i < COUNT_OF(values); i++) {
        assert_string_not_equal(oo_value_name(values[i]), "");
        assert_null(strstr("const_0 const_1 const_2 const_3", oo_value_name(values[i])));
        for (unsigned k = 0; k < i; k++)
            assert_ptr_not_equal(values[i]->name, values[k]->name);
    }
    assert_int_equal(strncmp(values[0]->name, "weird \"stem\"_", 13), 0);
    assert_int_equal(strncmp(values[1]->name, "const_", 6), 0);
    assert_string_equal(x->name, "const_0");
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    /* A second time nothing changes. */
    const char *const name = values[5]->name;
    oo__model_name_values(w->model);
    assert_ptr_equal(values[5]->name, name);
    world_free(w);
}

static void stems_come_from_the_root(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    oo_node *const root = add_node(w->graph, "Relu", "conv1", 1, x);
    assert_true(oo_begin(w->rw, "r", root));
    const oo_value *const in[] = {x};
    const oo_node *const a = oo_build(w->rw, root, "", "Abs", in, 1, 2);
    oo_end(w->rw);
    assert_true(oo_begin(w->rw, "r", NULL));
    const oo_node *const b = oo_build(w->rw, root, "", "Abs", in, 1, 1);
    oo_end(w->rw);
    oo__model_name_values(w->model);
    assert_string_equal(oo_value_name(a->outputs[0]), "conv1_0");
    assert_int_equal(strncmp(oo_value_name(a->outputs[1]), "conv1_", 6), 0);
    assert_string_equal(oo_value_name(b->outputs[0]), "value_0");
    world_free(w);
}

/* A stem is cut between characters, never within one. */
static void long_stems(void **state) {
    (void)state;
    for (unsigned shift = 0; shift < 5; shift++) {
        world *const w = world_new(17);
        char stem[400] = "abcd";
        stem[shift] = 0;
        for (unsigned i = 0; i < 60; i++)
            strncat(stem, "\xe2\x82\xac", sizeof stem - strlen(stem) - 1); /* the euro sign */
        assert_true(oo_begin(w->rw, "r", NULL));
        const oo_value *const v = oo_build_const(w->rw, w->graph, scalar(w->model, 1), stem);
        oo_end(w->rw);
        oo__model_name_values(w->model);
        const size_t kept = strlen(v->name) - 2;
        assert_true(kept <= 120 && kept > 116);
        assert_int_equal((kept - shift) % 3, 0);
        assert_memory_equal(v->name, stem, kept);
        world_free(w);
    }
}

static void a_hundred_thousand_names(void **state) {
    (void)state;
    enum { N = 100000 };
    world *const w = world_new(17);
    char text[32];
    for (unsigned i = 0; i < 20000; i++) { /* names in the way */
        snprintf(text, sizeof text, "const_%u", i * 3);
        add_input(w->graph, text);
    }
    oo_tensor *const one = scalar(w->model, 1);
    assert_true(oo_begin(w->rw, "r", NULL));
    for (unsigned i = 0; i < N; i++)
        oo_build_const(w->rw, w->graph, one, NULL);
    oo_end(w->rw);
    const clock_t start = clock();
    oo__model_name_values(w->model);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);  /* a tenth of a second, but for valgrind */
    assert_int_equal(oo_model_verify(w->model), OO_OK); /* no name twice */
    for (uint32_t i = 0; i < w->graph->initializers.n; i++)
        assert_non_null(w->graph->initializers.data[i]->name);
    world_free(w);
}

/* A value gets its name while a rewrite has moved its own to another; the rollback brings the old name back. */
static void names_after_a_rollback(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    oo_node *const relu = add_node(w->graph, "Relu", "y", 1, x);
    add_output(w->graph, relu->outputs[0]);
    const oo_value *const in[] = {x};
    assert_true(oo_begin(w->rw, "build", relu));
    const oo_node *const abs = oo_build(w->rw, relu, "", "Abs", in, 1, 1);
    oo_end(w->rw);
    const oo_checkpoint point = oo__checkpoint(w->rw);
    assert_true(oo_begin(w->rw, "replace", relu));
    assert_true(oo_replace(w->rw, relu->outputs[0], abs->outputs[0]));
    oo_end(w->rw);
    oo__model_name_values(w->model);
    assert_string_equal(oo_value_name(abs->outputs[0]), "y");
    oo__rollback(w->rw, point);
    assert_string_equal(oo_value_name(relu->outputs[0]), "y");
    oo__model_name_values(w->model);
    assert_string_not_equal(oo_value_name(abs->outputs[0]), "");
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_graphs_are_left_alone),
        cmocka_unit_test(only_what_must_move_moves),
        cmocka_unit_test(reversed_graphs),
        cmocka_unit_test(cycles_are_found),
        cmocka_unit_test(a_node_that_uses_itself),
        cmocka_unit_test(captures_are_dependencies),
        cmocka_unit_test(inner_graphs_are_sorted_too),
        cmocka_unit_test(random_orders),
        cmocka_unit_test(long_chains),
        cmocka_unit_test(numbers_count_along_the_list),
        cmocka_unit_test(names_do_not_clash),
        cmocka_unit_test(stems_come_from_the_root),
        cmocka_unit_test(long_stems),
        cmocka_unit_test(a_hundred_thousand_names),
        cmocka_unit_test(names_after_a_rollback),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
