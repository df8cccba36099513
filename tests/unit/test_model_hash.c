/* The hash by which the manager sees whether a model was changed: what matters changes it, what does not leaves it. */
#include "tests/unit/build.h"

typedef struct kit {
    world *w;
    oo_value *x, *init, *mid;
    oo_node *relu, *add, *branches, *inner;
    uint64_t hash;
} kit;

static int set_up(void **state) {
    kit *const k = oo__malloc(sizeof *k);
    world *const w = k->w = world_new(17);
    k->x = add_input(w->graph, "x");
    w->graph->inputs.data[0].type = tensor_type_of(w->model, OO_FLOAT, 1, (const int64_t[]){4});
    k->init = add_init(w->graph, "w", scalar(w->model, 1));
    k->relu = add_node(w->graph, "Relu", "r", 1, k->x);
    k->mid = k->relu->outputs[0];
    k->add = add_node(w->graph, "Sub", "a", 1, k->mid, k->init);
    k->branches = add_if(w->graph, "f", k->x);
    k->inner = add_node(branch(k->branches, 0), "Abs", "b", 1, k->mid);
    add_output(branch(k->branches, 0), k->inner->outputs[0]);
    add_output(branch(k->branches, 1), k->mid);
    add_output(w->graph, k->add->outputs[0]);
    add_output(w->graph, k->branches->outputs[0]);
    oo_function *const f = add_function(w->model, "local", "f", NULL);
    add_output(f->graph, add_op(f->graph, "Relu", "q", add_input(f->graph, "in")));
    k->hash = oo__model_hash(w->model);
    *state = k;
    return oo_model_verify(w->model) == OO_OK ? 0 : -1;
}

static int tear_down(void **state) {
    kit *const k = *state;
    world_free(k->w);
    free(k);
    return 0;
}

/* The hash as it is now must be new; it becomes the one to compare with. */
static void differs(kit *k, const char *what) {
    const uint64_t now = oo__model_hash(k->w->model);
    if (now == k->hash)
        fail_msg("%s does not change the hash", what);
    k->hash = now;
}

static void same(const kit *k, const char *what) {
    if (oo__model_hash(k->w->model) != k->hash)
        fail_msg("%s changes the hash", what);
}

static void wiring_matters(void **state) {
    kit *const k = *state;
    oo__use_link(k->add, 0, k->x);
    differs(k, "another input");
    oo__use_link(k->add, 0, NULL);
    differs(k, "an omitted input");
    oo__use_link(k->add, 0, k->init);
    oo__use_link(k->add, 1, k->mid);
    differs(k, "swapped inputs");
    oo__use_link(k->inner, 0, k->x);
    differs(k, "another captured value");
    k->w->graph->outputs.data[1].value = k->mid;
    differs(k, "another graph output");
    k->relu->op = oo__op(k->w->model, "", "Abs");
    differs(k, "another operator");
    k->relu->op = oo__op(k->w->model, "com.example", "Abs");
    differs(k, "another domain");
    oo__node_extra(k->relu)->overload = oo__str(k->w->model, "v2");
    differs(k, "another overload");
    oo__graph_unlink(k->relu);
    differs(k, "a node that is gone");
    k->w->model->functions.data[0]->graph->first->op = oo__op(k->w->model, "", "Neg");
    differs(k, "a function's body");
    k->w->model->functions.data[0]->graph->dead = true;
    differs(k, "a function that is gone");
}

static void data_matter(void **state) {
    kit *const k = *state;
    k->init->init = scalar(k->w->model, 2);
    differs(k, "an initializer's content");
    k->init->init = NULL;
    differs(k, "an initializer that is gone");
    k->w->model->opsets.data[0].version = 18;
    differs(k, "the operator set");
    k->x->name = oo__str(k->w->model, "x2");
    differs(k, "a public name");
    oo_type *const type = tensor_type_of(k->w->model, OO_FLOAT, 1, (const int64_t[]){5});
    k->w->graph->inputs.data[0].type = type;
    differs(k, "a public type");
    type->dims[0] = (oo_dim){.kind = OO_DIM_PARAM, .param = "N"};
    differs(k, "a symbolic dimension");
    type->inner = tensor_type_of(k->w->model, OO_INT64, 0, NULL);
    differs(k, "an inner type");
    type->has_shape = false;
    differs(k, "an unknown rank");
    k->w->graph->inputs.data[0].type = NULL;
    differs(k, "an unknown type");
    oo_vec_push(k->w->model->arena, &k->w->graph->infos, (oo_value_info){.value = k->mid});
    k->mid->type = tensor_type_of(k->w->model, OO_FLOAT, 0, NULL);
    differs(k, "the type of a value with information");
}

static void attributes_matter(void **state) {
    kit *const k = *state;
    oo_model *const m = k->w->model;
    oo_attr *const a = add_attr(k->relu, "x", OO_ATTR_INT);
    differs(k, "a new attribute");
    a->i = 1;
    differs(k, "an integer");
    a->type = OO_ATTR_FLOAT;
    a->f = -0.0f;
    differs(k, "a type");
    a->f = 0.0f;
    differs(k, "a sign of zero");
    a->type = OO_ATTR_STRING;
    a->s = (oo_bytes){(const uint8_t *)"a\0b", 3};
    differs(k, "a string");
    a->s.size = 2;
    differs(k, "a byte less");
    a->type = OO_ATTR_TENSOR;
    a->t = NULL;
    differs(k, "no tensor");
    a->t = scalar(m, 1);
    differs(k, "a tensor");
    a->t = scalar(m, 2);
    differs(k, "a tensor's content");
    a->type = OO_ATTR_INTS;
    int64_t ints[] = {1, 2};
    a->ints = ints;
    a->count = 2;
    differs(k, "integers");
    ints[1] = 3;
    differs(k, "one of them");
    a->type = OO_ATTR_FLOATS;
    float list[] = {1, 2};
    a->floats = list;
    differs(k, "numbers");
    list[0] = 9;
    differs(k, "one of them");
    a->type = OO_ATTR_STRINGS;
    oo_bytes texts[] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"c", 1}};
    a->strings = texts;
    differs(k, "strings");
    texts[0].size = 1;
    differs(k, "one of them");
    a->type = OO_ATTR_TENSORS;
    oo_tensor *tensors[] = {scalar(m, 1), scalar(m, 2)};
    a->tensors = tensors;
    differs(k, "tensors");
    tensors[1] = scalar(m, 3);
    differs(k, "one of them");
    a->reference = oo__str(m, "alpha");
    differs(k, "a reference");
    a->raw = (oo_bytes){(const uint8_t *)"1", 1};
    differs(k, "raw bytes");
    a->name = oo__str(m, "y");
    differs(k, "a name");
    k->branches->nattrs--;
    differs(k, "a subgraph that is gone");
}

static void labels_do_not_matter(void **state) {
    const kit *const k = *state;
    k->mid->name = oo__str(k->w->model, "another");
    same(k, "an internal name");
    k->inner->outputs[0]->name = NULL;
    k->mid->type = tensor_type_of(k->w->model, OO_FLOAT, 0, NULL);
    same(k, "an internal type");
    k->relu->name = oo__str(k->w->model, "node");
    oo__node_extra(k->relu)->doc = oo__str(k->w->model, "text");
    same(k, "a node's label");
    oo_vec_push(k->w->model->arena, &k->w->graph->infos, (oo_value_info){.name = oo__str(k->w->model, "nobody")});
    same(k, "information about no value");
    k->w->model->producer_name = oo__str(k->w->model, "somebody");
    same(k, "the producer");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(wiring_matters), TEST(data_matter), TEST(attributes_matter),
                                       TEST(labels_do_not_matter)};
    return cmocka_run_group_tests_name("model hash", tests, NULL, NULL);
}
