/* The verifier finds what it claims to find: each test breaks a sound model by hand in one way and expects it named. */
#include "tests/unit/build.h"

/* x -> Relu r -> Add a (r, w) -> y; If f captures r: then = Abs b, else returns r. */
typedef struct sound {
    world *w;
    oo_value *x, *r, *a, *b, *init;
    oo_node *relu, *add, *branches, *abs;
} sound;

static int set_up(void **state) {
    sound *const s = oo__malloc(sizeof *s);
    world *const w = s->w = world_new(17);
    s->x = add_input(w->graph, "x");
    oo_value *const c = add_input(w->graph, "c");
    s->init = add_init(w->graph, "w", scalar(w->model, 1));
    s->relu = add_node(w->graph, "Relu", "r", 1, s->x);
    s->r = s->relu->outputs[0];
    s->add = add_node(w->graph, "Add", "a", 1, s->r, s->init);
    s->a = s->add->outputs[0];
    s->branches = add_if(w->graph, "f", c);
    s->abs = add_node(branch(s->branches, 0), "Abs", "b", 1, s->r);
    s->b = s->abs->outputs[0];
    add_output(branch(s->branches, 0), s->b);
    add_output(branch(s->branches, 1), s->r);
    add_output(w->graph, s->a);
    add_output(w->graph, s->branches->outputs[0]);
    *state = s;
    return oo_model_verify(w->model) == OO_OK && !told.count ? 0 : -1;
}

static int tear_down(void **state) {
    sound *const s = *state;
    world_free(s->w);
    free(s);
    return 0;
}

static void assert_broken(const sound *s, const char *part) {
    assert_int_equal(oo_model_verify(s->w->model), OO_MISMATCH);
    assert_told("error verify");
    assert_told(part);
}

/* ---- lists of nodes ---- */
static void erased_node_in_the_list(void **state) {
    const sound *const s = *state;
    s->add->erased = true;
    assert_broken(s, "[main] a(Add)  {/}: the node is in a list that it does not belong to");
}

static void node_of_another_graph(void **state) {
    const sound *const s = *state;
    s->abs->graph = s->w->graph;
    assert_broken(s, "[main/f.then_branch] b(Abs)  {/}: the node is in a list that it does not belong to");
}

static void broken_back_link(void **state) {
    const sound *const s = *state;
    s->add->prev = s->branches;
    assert_broken(s, "r(Relu)  {/}: the node list is broken after this node");
}

static void wrong_last_node(void **state) {
    const sound *const s = *state;
    s->w->graph->last = s->add;
    assert_broken(s, "f(If)  {/}: the node list is broken after this node");
}

static void wrong_count(void **state) {
    const sound *const s = *state;
    s->w->graph->nnodes++;
    assert_broken(s, "[main] ()  {/}: 3 nodes are listed, 4 counted");
}

static void endless_list(void **state) {
    const sound *const s = *state;
    s->branches->next = s->relu;
    s->relu->prev = s->branches;
    assert_broken(s, "4 nodes are listed, 3 counted");
}

/* ---- inputs of nodes ---- */
static void use_of_another_node(void **state) {
    const sound *const s = *state;
    s->add->inputs[1].index = 0;
    assert_broken(s, "a(Add) w {/}: input 1: the use does not belong to the node");
}

static void use_by_another_node(void **state) {
    const sound *const s = *state;
    s->add->inputs[0].user = s->relu;
    assert_broken(s, "a(Add) r {/}: input 0: the use does not belong to the node");
}

static void input_of_an_erased_node(void **state) {
    const sound *const s = *state;
    oo__graph_unlink(s->relu);
    assert_broken(s, "a(Add) r {/}: input 0 is the output of a node that was erased");
    assert_told("[main/f.else_branch] () r {/}: output 0 is made by a node that was erased");
}

static void input_out_of_scope(void **state) {
    const sound *const s = *state;
    oo__use_link(s->add, 0, s->b);
    assert_broken(s, "[main] a(Add) b {/}: input 0 is not in scope: it belongs to another graph");
}

static void input_of_a_sibling(void **state) {
    const sound *const s = *state;
    add_node(branch(s->branches, 1), "Neg", "n", 1, s->b);
    assert_broken(s, "[main/f.else_branch] n(Neg) b {/}: input 0 is not in scope");
}

static void input_without_origin(void **state) {
    const sound *const s = *state;
    s->init->flags = 0;
    assert_broken(s, "a(Add) w {/}: input 1 has no origin: no node, graph input or initializer");
}

static void input_made_later(void **state) {
    const sound *const s = *state;
    oo__graph_unlink(s->relu);
    oo__graph_link(s->w->graph, s->relu, s->branches);
    assert_broken(s, "a(Add) r {/}: input 0 is made by a later node");
    assert_int_equal(told.count, 1);
    s->w->graph->unsorted = true; /* as the file has it: not a breach */
    assert_int_equal(oo_model_verify(s->w->model), OO_OK);
}

static void capture_made_later(void **state) {
    const sound *const s = *state;
    oo__graph_unlink(s->relu);
    oo__graph_link(s->w->graph, s->relu, NULL);
    assert_broken(s, "[main/f.then_branch] b(Abs) r {/}: input 0 is made by a later node");
    assert_told("[main/f.else_branch] () r {/}: output 0 is made by a later node");
}

static void input_made_by_its_own_node(void **state) {
    const sound *const s = *state;
    oo__use_link(s->add, 1, s->a);
    assert_broken(s, "a(Add) a {/}: input 1 is made by a later node");
}

static void input_made_by_the_node_around(void **state) {
    const sound *const s = *state;
    oo__use_link(s->abs, 0, s->branches->outputs[0]);
    assert_broken(s, "b(Abs) f {/}: input 0 is made by a later node");
}

/* ---- outputs, subgraphs ---- */
static void output_of_another_producer(void **state) {
    const sound *const s = *state;
    s->r->producer = s->add;
    assert_broken(s, "r(Relu) r {/}: output 0 does not know its producer");
}

static void output_of_another_index(void **state) {
    const sound *const s = *state;
    s->r->index = 1;
    assert_broken(s, "output 0 does not know its producer");
}

static void output_of_another_graph(void **state) {
    const sound *const s = *state;
    s->b->graph = s->w->graph;
    assert_broken(s, "b(Abs) b {/}: output 0 does not know its producer");
}

static void subgraph_of_another_owner(void **state) {
    const sound *const s = *state;
    branch(s->branches, 1)->owner = s->add;
    assert_broken(s, "f(If)  {/}: the subgraph in attribute \"else_branch\" does not know its owner");
}

static void subgraph_of_another_parent(void **state) {
    const sound *const s = *state;
    branch(s->branches, 1)->parent = branch(s->branches, 0);
    assert_broken(s, "the subgraph in attribute \"else_branch\" does not know its owner");
}

static void dead_subgraph(void **state) {
    const sound *const s = *state;
    branch(s->branches, 0)->dead = true;
    assert_broken(s, "the subgraph in attribute \"then_branch\" does not know its owner");
}

static void subgraph_of_an_erased_node(void **state) {
    const sound *const s = *state;
    oo__use_link(s->branches, 0, NULL);
    oo__graph_unlink(s->branches);
    assert_broken(s, "[main/f.then_branch] ()  {/}: the graph lives although its node was erased");
}

/* ---- graph inputs and outputs ---- */
static void graph_output_without_value(void **state) {
    const sound *const s = *state;
    s->w->graph->outputs.data[1].value = NULL;
    assert_broken(s, "[main] ()  {/}: output 1 has no value");
}

static void graph_input_without_value(void **state) {
    const sound *const s = *state;
    s->w->graph->inputs.data[0].value = NULL;
    assert_broken(s, "[main] ()  {/}: input 0 has no value");
}

static void graph_output_out_of_scope(void **state) {
    const sound *const s = *state;
    s->w->graph->outputs.data[0].value = s->b;
    assert_broken(s, "[main] () b {/}: output 0 is not in scope");
}

static void graph_output_without_origin(void **state) {
    const sound *const s = *state;
    oo_value *const v = oo__value_new(s->w->graph, oo__str(s->w->model, "ghost"));
    add_output(s->w->graph, v);
    assert_broken(s, "[main] () ghost {/}: output 2 has no origin");
}

static void output_that_was_not_counted(void **state) {
    const sound *const s = *state;
    s->a->noutputs = 2;
    assert_broken(s, "a(Add) a {/}: it is 1 graph outputs, 2 were counted");
}

static void captured_output_that_was_not_counted(void **state) {
    const sound *const s = *state;
    s->r->noutputs = 0;
    assert_broken(s, "r(Relu) r {/}: it is 1 graph outputs, 0 were counted");
}

/* ---- use lists ---- */
static void use_that_is_not_listed(void **state) {
    const sound *const s = *state;
    s->init->uses = NULL;
    assert_broken(s, "w {/}: 0 uses are listed, 1 counted and 1 seen");
}

static void use_that_is_not_counted(void **state) {
    const sound *const s = *state;
    s->r->nuses = 1;
    assert_broken(s, "2 uses are listed, 1 counted and 2 seen");
}

static void use_of_another_value(void **state) {
    const sound *const s = *state;
    s->init->uses->value = s->x;
    assert_broken(s, "a(Add) w {/}: the use list is broken");
}

static void use_with_a_broken_link(void **state) {
    const sound *const s = *state;
    s->r->uses->next->prev = NULL;
    assert_broken(s, "r {/}: the use list is broken");
}

static void use_by_an_erased_node(void **state) {
    const sound *const s = *state;
    oo__graph_unlink(s->abs);
    assert_broken(s, "b(Abs) r {/}: the use list is broken");
}

static void endless_use_list(void **state) {
    const sound *const s = *state;
    oo_use *const first = s->r->uses;
    first->next->next = first;
    first->prev = first->next;
    assert_broken(s, "r(Relu) r {/}: 3 uses are listed, 2 counted and 2 seen");
}

/* ---- values ---- */
static void initializer_of_another_graph(void **state) {
    const sound *const s = *state;
    oo_vec_push(s->w->model->arena, &branch(s->branches, 0)->initializers, s->init);
    assert_broken(s, "[main/f.then_branch] () w {/}: the value belongs to another graph");
}

static void sparse_initializers_are_looked_at(void **state) {
    const sound *const s = *state;
    oo_value *const v = oo__value_new(s->w->graph, oo__str(s->w->model, "sparse"));
    v->flags = OO_VALUE_INITIALIZER;
    v->sparse_init = OO_NEW(s->w->model->arena, oo_sparse);
    oo_vec_push(s->w->model->arena, &s->w->graph->sparse_initializers, v);
    assert_int_equal(oo_model_verify(s->w->model), OO_OK);
    v->nuses = 1;
    assert_broken(s, "sparse {/}: 0 uses are listed, 1 counted and 0 seen");
}

static void one_name_twice(void **state) {
    const sound *const s = *state;
    s->a->name = s->x->name;
    assert_broken(s, "[main] a(Add) x {/}: the graph has another value of this name");
    assert_int_equal(told.count, 1);
    forget_told();
    s->a->name = oo__str(s->w->model, "a");
    oo_value *const same = add_init(s->w->graph, "r", scalar(s->w->model, 1));
    assert_broken(s, "r(Relu) r {/}: the graph has another value of this name");
    forget_told();
    same->init = NULL; /* dropped: its name is free */
    same->flags = 0;
    s->b->name = oo__str(s->w->model, "x"); /* graphs may use a name each */
    s->x->flags |= OO_VALUE_INITIALIZER;    /* input and initializer are one value */
    s->x->init = scalar(s->w->model, 1);
    oo_vec_push(s->w->model->arena, &s->w->graph->initializers, s->x);
    assert_int_equal(oo_model_verify(s->w->model), OO_OK);
    assert_told_nothing();
    assert_null(*oo__str_slot(s->x->name));
}

/* ---- as a whole ---- */
static void messages_are_bounded(void **state) {
    const sound *const s = *state;
    for (unsigned i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", i);
        add_node(s->w->graph, "Neg", name, 1, s->b);
    }
    assert_int_equal(oo_model_verify(s->w->model), OO_MISMATCH);
    assert_int_equal(told.count, 20);
}

static void properties_are_left_alone(void **state) {
    const sound *const s = *state;
    s->w->model->properties = OO_TYPES;
    assert_int_equal(oo_model_verify(s->w->model), OO_OK);
    assert_int_equal(s->w->model->properties, OO_TYPES);
    s->w->model->properties = OO_ORDER;
    assert_int_equal(oo_model_verify(s->w->model), OO_OK);
    assert_int_equal(s->w->model->properties, OO_ORDER);
}

static void function_bodies_are_looked_at(void **state) {
    const sound *const s = *state;
    oo_function *const f = add_function(s->w->model, "local", "f", NULL);
    oo_value *const in = add_input(f->graph, "in");
    add_output(f->graph, add_op(f->graph, "Relu", "q", in));
    assert_int_equal(oo_model_verify(s->w->model), OO_OK);
    oo__use_link(f->graph->first, 0, s->x);
    assert_broken(s, "[function local.f] q(Relu) x {/}: input 0 is not in scope");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(erased_node_in_the_list),
        TEST(node_of_another_graph),
        TEST(broken_back_link),
        TEST(wrong_last_node),
        TEST(wrong_count),
        TEST(endless_list),
        TEST(use_of_another_node),
        TEST(use_by_another_node),
        TEST(input_of_an_erased_node),
        TEST(input_out_of_scope),
        TEST(input_of_a_sibling),
        TEST(input_without_origin),
        TEST(input_made_later),
        TEST(capture_made_later),
        TEST(input_made_by_its_own_node),
        TEST(input_made_by_the_node_around),
        TEST(output_of_another_producer),
        TEST(output_of_another_index),
        TEST(output_of_another_graph),
        TEST(subgraph_of_another_owner),
        TEST(subgraph_of_another_parent),
        TEST(dead_subgraph),
        TEST(subgraph_of_an_erased_node),
        TEST(graph_output_without_value),
        TEST(graph_input_without_value),
        TEST(graph_output_out_of_scope),
        TEST(graph_output_without_origin),
        TEST(output_that_was_not_counted),
        TEST(captured_output_that_was_not_counted),
        TEST(use_that_is_not_listed),
        TEST(use_that_is_not_counted),
        TEST(use_of_another_value),
        TEST(use_with_a_broken_link),
        TEST(use_by_an_erased_node),
        TEST(endless_use_list),
        TEST(initializer_of_another_graph),
        TEST(sparse_initializers_are_looked_at),
        TEST(one_name_twice),
        TEST(messages_are_bounded),
        TEST(properties_are_left_alone),
        TEST(function_bodies_are_looked_at),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
