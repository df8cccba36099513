/* Names to values: scopes, names that come later, names defined twice or nowhere. */
#include "tests/unit/build.h"

typedef struct binding {
    world *w;
    oo_binder *b;
} binding;

static int set_up(void **state) {
    binding *const t = oo__malloc(sizeof *t);
    t->w = world_new(17);
    t->b = oo__binder_new(t->w->model);
    oo__binder_open(t->b, t->w->graph);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    binding *const t = *state;
    oo__binder_free(t->b);
    world_free(t->w);
    free(t);
    return 0;
}

static oo_value *define(const binding *t, oo_graph *graph, const char *name) {
    oo_value *const value = add_input(graph, name);
    assert_true(oo__binder_define(t->b, value));
    return value;
}

/* A node with one output of this name, defined, and one input to be connected. */
static oo_node *node_named(const binding *t, oo_graph *graph, const char *name, const char *input) {
    oo_node *const node = add_node(graph, "Relu", name, 1, NULL);
    oo__binder_connect(t->b, node, 0, oo__str(t->w->model, input));
    assert_true(oo__binder_define(t->b, node->outputs[0]));
    return node;
}

static void earlier_names(void **state) {
    const binding *const t = *state;
    oo_value *const x = define(t, t->w->graph, "x");
    const oo_node *const r = node_named(t, t->w->graph, "r", "x");
    assert_ptr_equal(oo_node_input(r, 0), x);
    assert_ptr_equal(oo__binder_find(t->b, x->name), x);
    assert_ptr_equal(oo__binder_find_local(t->b, x->name), x);
    assert_null(oo__binder_find(t->b, oo__str(t->w->model, "z")));
    assert_true(oo__binder_close(t->b));
    assert_false(t->w->graph->unsorted);
    assert_null(*oo__str_slot(x->name)); /* slots are left as they were found */
}

static void later_names(void **state) {
    const binding *const t = *state;
    const oo_node *const a = node_named(t, t->w->graph, "a", "b"), *const b = node_named(t, t->w->graph, "b", "x");
    oo_value *const x = define(t, t->w->graph, "x");
    assert_null(oo_node_input(a, 0));
    assert_true(oo__binder_close(t->b));
    assert_ptr_equal(oo_node_input(a, 0), b->outputs[0]);
    assert_ptr_equal(oo_node_input(b, 0), x);
    assert_true(t->w->graph->unsorted);
    assert_told_nothing();
}

static void inner_scopes(void **state) {
    const binding *const t = *state;
    oo_value *const x = define(t, t->w->graph, "x");
    oo_node *const branches = add_if(t->w->graph, "if", NULL);
    oo_graph *const inner = branch(branches, 0);
    oo__binder_open(t->b, inner);
    assert_null(oo__binder_find_local(t->b, x->name));
    const oo_node *const captures = node_named(t, inner, "captures", "x"); /* before the inner x exists */
    oo_value *const own = define(t, inner, "x");
    const oo_node *const shadowed = node_named(t, inner, "shadowed", "x"), *const late =
                                                                               node_named(t, inner, "late", "y");
    assert_true(oo__binder_close(t->b));
    assert_ptr_equal(oo_node_input(captures, 0), x);
    assert_ptr_equal(oo_node_input(shadowed, 0), own);
    assert_ptr_equal(oo__binder_find(t->b, x->name), x); /* the outer one again */
    assert_false(inner->unsorted);
    oo_value *const y = define(t, t->w->graph, "y"); /* after the node that captures it */
    assert_null(oo_node_input(late, 0));
    assert_true(oo__binder_close(t->b));
    assert_ptr_equal(oo_node_input(late, 0), y);
    assert_true(t->w->graph->unsorted);
    assert_false(inner->unsorted);
}

static void names_of_siblings_are_not_seen(void **state) {
    const binding *const t = *state;
    const oo_node *const branches = add_if(t->w->graph, "if", NULL);
    oo__binder_open(t->b, branch(branches, 0));
    define(t, branch(branches, 0), "x");
    assert_true(oo__binder_close(t->b));
    oo__binder_open(t->b, branch(branches, 1));
    node_named(t, branch(branches, 1), "r", "x");
    assert_true(oo__binder_close(t->b)); /* may still come in the graph around it */
    assert_false(oo__binder_close(t->b));
    assert_told("load-unknown-value");
    assert_told("[main/if.else_branch] r(Relu)");
    assert_told("input 0 \"x\" is defined nowhere");
    assert_int_equal(told.count, 1);
}

static void one_message_for_many_unknown_names(void **state) {
    const binding *const t = *state;
    node_named(t, t->w->graph, "a", "nowhere");
    node_named(t, t->w->graph, "b", "neither");
    assert_false(oo__binder_close(t->b));
    assert_told("\"nowhere\"");
    assert_int_equal(told.count, 1);
    oo__binder_open(t->b, t->w->graph); /* and none is left for the next scope */
    assert_true(oo__binder_close(t->b));
}

static void names_defined_twice(void **state) {
    const binding *const t = *state;
    define(t, t->w->graph, "x");
    assert_false(oo__binder_define(t->b, add_input(t->w->graph, "x")));
    assert_told("load-duplicate-name");
    assert_told("the name \"x\" is defined twice");
    forget_told();
    node_named(t, t->w->graph, "r", "x");
    const oo_node *const second = add_node(t->w->graph, "Abs", "r", 1, NULL);
    assert_false(oo__binder_define(t->b, second->outputs[0]));
    assert_told("defined twice, first by node r");
    assert_told("r(Abs)");
}

static void left_open(void **state) {
    const binding *const t = *state;
    oo_value *const x = define(t, t->w->graph, "x");
    oo__binder_open(t->b, branch(add_if(t->w->graph, "if", NULL), 0));
    node_named(t, t->w->graph, "r", "unknown");
    oo__binder_free(t->b); /* after an error: everything goes, slots too */
    oo__binder_free(NULL);
    assert_null(*oo__str_slot(x->name));
    ((binding *)*state)->b = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(earlier_names),
        TEST(later_names),
        TEST(inner_scopes),
        TEST(names_of_siblings_are_not_seen),
        TEST(one_message_for_many_unknown_names),
        TEST(names_defined_twice),
        TEST(left_open),
    };
    return cmocka_run_group_tests_name("bind", tests, NULL, NULL);
}
