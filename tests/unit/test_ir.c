/* The structures as built by hand: uses, captures, constants, iteration, types, attributes, operator sets, functions, paths. */
#include "tests/unit/build.h"

static const int64_t DIMS23[] = {2, 3};

/* ---- uses ---- */
static void uses_are_linked(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    oo_node *const add = add_node(w->graph, "Add", "a", 1, x, x);
    oo_node *const mul = add_node(w->graph, "Mul", "m", 1, x, NULL);
    assert_int_equal(oo_value_nuses(x), 3);
    unsigned seen[2] = {0};
    oo_for_each_use(use, x) {
        assert_ptr_equal(oo_node_input(oo_use_node(use), oo_use_index(use)), x);
        seen[oo_use_node(use) == mul] |= 1u << oo_use_index(use);
    }
    assert_int_equal(seen[0], 3);
    assert_int_equal(seen[1], 1);
    oo__use_link(add, 0, NULL); /* not the head of the list */
    assert_int_equal(oo_value_nuses(x), 2);
    assert_null(oo_node_input(add, 0));
    assert_null(oo_node_input(mul, 1));
    assert_null(oo_node_input(mul, 2));
    assert_null(oo_node_output(mul, 1));
    /* Every use may be redirected while they are visited. */
    oo_value *const y = add_input(w->graph, "y");
    oo_for_each_use(use, x) oo__use_link(oo_use_node(use), oo_use_index(use), y);
    assert_int_equal(oo_value_nuses(x), 0);
    assert_null(oo_value_first_use(x));
    assert_int_equal(oo_value_nuses(y), 2);
    add_output(w->graph, oo_node_output(mul, 0));
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

static void captures_are_uses(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x"), *const c = add_input(w->graph, "c");
    oo_node *const branches = add_if(w->graph, "if", c);
    oo_graph *const yes = branch(branches, 0), *const no = branch(branches, 1);
    oo_value *const inner = add_op(yes, "Relu", "r", x);
    add_output(yes, inner);
    add_output(no, x); /* a captured value that is returned as it is */
    add_output(w->graph, oo_node_output(branches, 0));
    assert_int_equal(oo_value_nuses(x), 1);
    assert_ptr_equal(oo_node_graph(oo_use_node(oo_value_first_use(x))), yes);
    assert_true(oo_value_is_output(x));
    assert_true(oo_value_is_pinned(x));
    assert_false(oo_value_is_annotated(x));
    assert_ptr_equal(oo_graph_parent(yes), w->graph);
    assert_ptr_equal(oo_graph_owner(no), branches);
    assert_null(oo_graph_owner(w->graph));
    assert_int_equal(oo_node_nsubgraphs(branches), 2);
    assert_int_equal(oo_node_nsubgraphs(oo_value_producer(inner)), 0);
    const oo_graph *seen[4] = {0};
    unsigned n = 0;
    oo_for_each_graph(graph, w->model) if (n < 4) seen[n++] = graph;
    assert_int_equal(n, 3);
    assert_true(seen[0] == w->graph && seen[1] == yes && seen[2] == no);
    yes->dead = true;
    n = 0;
    oo_for_each_graph(graph, w->model) n++;
    assert_int_equal(n, 2);
    yes->dead = false;
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

/* ---- constants ---- */
static void what_is_constant(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_tensor *const t = scalar(w->model, 1);
    oo_value *const init = add_init(w->graph, "w", t);
    assert_ptr_equal(oo_value_const(init), t);
    oo_value *const both = add_input(w->graph, "b"); /* an initializer that is an input is its default only */
    both->flags |= OO_VALUE_INITIALIZER;
    both->init = t;
    oo_vec_push(w->model->arena, &w->graph->initializers, both);
    assert_null(oo_value_const(both));
    assert_true(oo_value_is_initializer(both) && oo_value_is_input(both));
    assert_null(oo_value_const(add_input(w->graph, "x")));
    assert_null(oo_value_const(add_op(w->graph, "Relu", "r", init)));

    oo_node *const c = add_node_n(w->graph, "Constant", "c", 1, NULL, 0);
    assert_null(oo_value_const(c->outputs[0]));
    oo_attr *const value = add_attr(c, "value", OO_ATTR_TENSOR);
    value->t = t;
    assert_ptr_equal(oo_value_const(c->outputs[0]), t);
    value->reference = "alpha";
    assert_null(oo_value_const(c->outputs[0]));
    value->reference = NULL;
    value->raw = (oo_bytes){(const uint8_t *)"x", 1};
    assert_null(oo_value_const(c->outputs[0]));
    value->raw = (oo_bytes){0};
    value->name = oo__str(w->model, "value_float");
    assert_null(oo_value_const(c->outputs[0]));
    value->name = oo__str(w->model, "value");
    c->erased = true;
    assert_null(oo_value_const(c->outputs[0]));
    c->erased = false;
    add_int(c, "more", 1);
    assert_null(oo_value_const(c->outputs[0]));

    oo_node *const foreign = oo__node_new(w->graph, "com.example", "Constant", 0, 1, 0);
    oo__node_set_output(foreign, 0, oo__value_new(w->graph, NULL));
    add_attr(foreign, "value", OO_ATTR_TENSOR)->t = t;
    assert_null(oo_value_const(foreign->outputs[0]));
    world_free(w);
}

/* ---- iteration ---- */
static void erase_and_insert_on_the_way(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    oo_node *nodes[6];
    char name[] = "n0";
    for (uint32_t i = 0; i < 6; i++, name[1]++)
        nodes[i] = add_node(w->graph, "Relu", name, 1, x);
    unsigned visited = 0;
    assert_true(oo_begin(w->rw, "walk", NULL));
    oo_for_each_node(node, w->graph) {
        for (uint32_t i = 0; i < 6; i++)
            visited |= (unsigned)(node == nodes[i]) << i;
        if (node == nodes[1])
            oo_erase(w->rw, node); /* itself */
        if (node == nodes[2]) {
            oo_erase(w->rw, nodes[3]); /* the next one */
            oo_erase(w->rw, nodes[0]); /* one before */
        }
        if (node == nodes[4]) {
            const oo_value *const in[] = {x};
            oo_build(w->rw, node, "", "Abs", in, 1, 1);
            oo_erase(w->rw, nodes[5]);
            oo_erase(w->rw, node);
        }
    }
    oo_end(w->rw);
    assert_int_equal(visited, 1 | 2 | 4 | 16);
    assert_string_equal(ops_of(w->graph), "Relu Abs");
    /* From tombstones the neighbours are found, over other tombstones. */
    assert_ptr_equal(oo_node_next(nodes[0]), nodes[2]);
    assert_ptr_equal(oo_node_next(nodes[3]), NULL);
    assert_ptr_equal(oo_node_prev(nodes[5]), oo_graph_last(w->graph));
    assert_ptr_equal(oo_node_prev(nodes[3]), nodes[2]);
    assert_ptr_equal(oo_node_prev(nodes[0]), NULL);
    assert_ptr_equal(oo_node_next(nodes[2]), oo_graph_last(w->graph));
    assert_true(oo_node_erased(nodes[0]));
    assert_int_equal(oo_graph_nnodes(w->graph), 2);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

static void ask_op(void *node) { oo_node_op(node); }
static void ask_input(void *node) { oo_node_input(node, 0); }
static void ask_attr(void *node) { oo_node_attr(node, "axis"); }
static void ask_order(void *node) { oo_node_order(node); }
static void ask_subgraph(void *node) { oo_node_subgraph(node, 0); }
static void ask_graph_input(void *graph) { oo_graph_input(graph, 0); }
static void ask_graph_output(void *graph) { oo_graph_output(graph, 0); }
static void ask_initializer(void *graph) { oo_graph_initializer(graph, 0); }
static void ask_function(void *model) { oo_model_function(model, 0); }
static void ask_attr_at(void *node) { oo_node_attr_at(node, 0); }

static void misuse_is_a_bug(void **state) {
    (void)state;
    world *const w = world_new(17);
    assert_true(dies(ask_graph_input, w->graph, "oo_graph_input: index 0 of 0"));
    assert_true(dies(ask_graph_output, w->graph, "oo_graph_output"));
    assert_true(dies(ask_initializer, w->graph, "oo_graph_initializer"));
    assert_true(dies(ask_function, w->model, "no function 0"));
    oo_node *const node = add_node(w->graph, "Relu", "r", 1, NULL);
    assert_true(dies(ask_order, node, "OO_ORDER"));
    assert_true(dies(ask_subgraph, node, "out of range"));
    assert_true(dies(ask_attr_at, node, "oo_node_attr_at"));
    assert_true(dies(ask_op, NULL, "oo_node_op: node is NULL"));
    assert_true(oo_begin(w->rw, "r", NULL));
    oo_erase(w->rw, node);
    oo_end(w->rw);
    assert_true(dies(ask_op, node, "oo_node_op: node 0 was erased"));
    assert_true(dies(ask_input, node, "was erased"));
    assert_true(dies(ask_attr, node, "was erased"));
    world_free(w);
}

/* ---- types ---- */
static void types_answer_what_is_known(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_type *const t = tensor_type_of(w->model, OO_FLOAT, 2, DIMS23);
    assert_int_equal(oo_type_kind(t), OO_TYPE_TENSOR);
    assert_int_equal(oo_type_elem(t), OO_FLOAT);
    assert_int_equal(oo_type_rank(t), 2);
    assert_int_equal(oo_type_dim(t, 1), 3);
    assert_int_equal(oo_type_dim(t, 2), -1);
    assert_null(oo_type_dim_param(t, 1));
    t->dims[1] = (oo_dim){.kind = OO_DIM_PARAM, .param = "N"};
    assert_int_equal(oo_type_dim(t, 1), -1);
    assert_string_equal(oo_type_dim_param(t, 1), "N");
    t->dims[1] = (oo_dim){.kind = OO_DIM_VALUE, .value = -5}; /* what some exporters write */
    assert_int_equal(oo_type_dim(t, 1), -1);
    t->elem = 99;
    assert_int_equal(oo_type_elem(t), OO_UNDEFINED);
    t->has_shape = false;
    assert_int_equal(oo_type_rank(t), -1);
    assert_int_equal(oo_type_dim(t, 0), -1);
    t->kind = OO_TYPE_SEQUENCE;
    t->elem = OO_FLOAT;
    assert_int_equal(oo_type_elem(t), OO_UNDEFINED);
    assert_int_equal(oo_type_rank(t), -1);
    assert_int_equal(oo_type_kind(NULL), OO_TYPE_NONE);
    assert_int_equal(oo_type_elem(NULL), OO_UNDEFINED);
    assert_int_equal(oo_type_rank(NULL), -1);
    assert_int_equal(oo_type_dim(NULL, 0), -1);
    assert_null(oo_type_dim_param(NULL, 0));
    world_free(w);
}

static void element_types_by_name(void **state) {
    (void)state;
    for (int32_t e = 1; e < OO_ELEM_COUNT; e++) {
        const char *const name = oo__elem_name(e);
        assert_non_null(name);
        assert_int_equal(oo__elem_find(name, strlen(name)), e);
        assert_true(e == OO_STRING ? !oo__elem_bits(e) : oo__elem_bits(e) > 0);
    }
    assert_int_equal(oo__elem_find("floa", 4), OO_UNDEFINED);
    assert_int_equal(oo__elem_find("float16", 5), OO_FLOAT);
    assert_null(oo__elem_name(0));
    assert_null(oo__elem_name(-1));
    assert_null(oo__elem_name(OO_ELEM_COUNT));
    assert_int_equal(oo__elem_bits(INT32_MIN) + oo__elem_bits(OO_ELEM_COUNT), 0);
}

/* ---- attributes ---- */
static oo_node *node_with_attributes(world *w) {
    oo_node *const node = add_node(w->graph, "Any", "n", 1, NULL);
    add_int(node, "i", 7);
    add_attr(node, "f", OO_ATTR_FLOAT)->f = 0.5f;
    add_attr(node, "s", OO_ATTR_STRING)->s = (oo_bytes){(const uint8_t *)"SAME", 4};
    add_attr(node, "nul", OO_ATTR_STRING)->s = (oo_bytes){(const uint8_t *)"a\0b", 3};
    add_attr(node, "nothing", OO_ATTR_STRING);
    static int64_t ints[] = {1, 2, 3};
    oo_attr *const list = add_attr(node, "ints", OO_ATTR_INTS);
    list->ints = ints;
    list->count = 3;
    add_attr(node, "ref", OO_ATTR_INT)->reference = oo__str(w->model, "alpha");
    add_attr(node, "raw", OO_ATTR_INT)->raw = (oo_bytes){(const uint8_t *)"?", 1};
    add_attr(node, "unnamed", OO_ATTR_INT)->name = NULL;
    return node;
}

static void typed_getters(void **state) {
    (void)state;
    world *const w = world_new(17);
    const oo_node *const node = node_with_attributes(w);
    int64_t i = 0;
    float f = 0;
    const char *s = NULL;
    const int64_t *ints = NULL;
    uint32_t count = 9;
    assert_true(oo_node_int(&i, node, "i", 1) && i == 7);
    assert_true(oo_node_float(&f, node, "f", 1) && f == 0.5f);
    assert_true(oo_node_string(&s, node, "s", "x"));
    assert_string_equal(s, "SAME");
    assert_true(oo_node_string(&s, node, "nothing", "x"));
    assert_string_equal(s, "");
    assert_true(oo_node_ints(&ints, &count, node, "ints"));
    assert_true(count == 3 && ints[2] == 3);
    /* absent */
    assert_true(oo_node_int(&i, node, "absent", -1) && i == -1);
    assert_true(oo_node_float(&f, node, "absent", 2) && f == 2);
    assert_true(oo_node_string(&s, node, "absent", "x"));
    assert_string_equal(s, "x");
    assert_true(oo_node_ints(&ints, &count, node, "absent") && !ints && !count);
    /* another type, a reference, what was not understood: unknown, and the default comes out */
    static const char *const unknown_int[] = {"f", "s", "ints", "ref", "raw"};
    for (size_t k = 0; k < COUNT_OF(unknown_int); k++) {
        assert_false(oo_node_int(&i, node, unknown_int[k], 5));
        assert_int_equal(i, 5);
    }
    assert_false(oo_node_float(&f, node, "i", 3) || f != 3);
    assert_false(oo_node_string(&s, node, "i", "y"));
    assert_string_equal(s, "y");
    assert_false(oo_node_string(&s, node, "nul", "y")); /* not a C string */
    assert_false(oo_node_ints(&ints, &count, node, "i") || ints || count);
    world_free(w);
}

static void attributes_by_name(void **state) {
    (void)state;
    world *const w = world_new(17);
    const oo_node *const node = node_with_attributes(w);
    assert_int_equal(oo_node_nattrs(node), 9);
    assert_string_equal(oo_attr_name(oo_node_attr_at(node, 1)), "f");
    assert_string_equal(oo_attr_name(oo_node_attr_at(node, 8)), "");
    assert_null(oo_node_attr(node, "unnamed"));
    assert_null(oo_node_attr(node, ""));
    assert_int_equal(oo_attr_kind(oo_node_attr(node, "ints")), OO_ATTR_INTS);
    assert_true(oo_attr_is_reference(oo_node_attr(node, "ref")));
    assert_false(oo_attr_is_reference(oo_node_attr(node, "i")));
    world_free(w);
}

static oo_attr *attr_of(world *w, const char *name, oo_attr_type type) {
    return add_attr(add_node_n(w->graph, "Any", "n", 0, NULL, 0), name, type);
}

/* One attribute of each kind with content number `k`: equal for equal k, different otherwise. */
static void fill_attr(world *w, oo_attr *a, uint32_t k) {
    oo_model *const m = w->model;
    oo_bytes *const text = OO_NEW_ARRAY(m->arena, oo_bytes, 2);
    text[0] = (oo_bytes){(const uint8_t *)"a\0b", 2 + k};
    text[1] = (oo_bytes){(const uint8_t *)"c", 1};
    a->count =
        a->type == OO_ATTR_INT || a->type == OO_ATTR_FLOAT || a->type == OO_ATTR_STRING || a->type == OO_ATTR_TENSOR
            ? 0
            : 2;
    switch (a->type) {
    case OO_ATTR_INT: a->i = k; break;
    case OO_ATTR_FLOAT: a->f = k ? -0.0f : 0.0f; break;
    case OO_ATTR_STRING: a->s = text[0]; break;
    case OO_ATTR_TENSOR: a->t = scalar(m, (float)k); break;
    case OO_ATTR_INTS: a->ints = (int64_t *)(void *)oo__arena_copy(m->arena, (int64_t[]){5, k}, 16); break;
    case OO_ATTR_FLOATS: a->floats = (float *)(void *)oo__arena_copy(m->arena, (float[]){5, (float)k}, 8); break;
    case OO_ATTR_STRINGS: a->strings = text; break;
    case OO_ATTR_TENSORS:
        a->tensors = OO_NEW_ARRAY(m->arena, oo_tensor *, 2);
        a->tensors[0] = scalar(m, 1);
        a->tensors[1] = scalar(m, (float)k);
        break;
    default: break;
    }
}

static void attributes_compare_by_bits(void **state) {
    (void)state;
    world *const w = world_new(17);
    static const oo_attr_type types[] = {OO_ATTR_INT,  OO_ATTR_FLOAT,  OO_ATTR_STRING,  OO_ATTR_TENSOR,
                                         OO_ATTR_INTS, OO_ATTR_FLOATS, OO_ATTR_STRINGS, OO_ATTR_TENSORS};
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        oo_attr *const a = attr_of(w, "x", types[t]), *const same = attr_of(w, "x", types[t]);
        oo_attr *const other = attr_of(w, "x", types[t]), *const renamed = attr_of(w, "y", types[t]);
        fill_attr(w, a, 0);
        fill_attr(w, same, 0);
        fill_attr(w, other, 1);
        fill_attr(w, renamed, 0);
        assert_true(oo_attr_equal(a, a));
        assert_true(oo_attr_equal(a, same));
        assert_true(oo_attr_hash(a) == oo_attr_hash(same));
        assert_false(oo_attr_equal(a, other));
        assert_false(oo_attr_equal(a, renamed));
        assert_false(oo_attr_equal(a, attr_of(w, "x", types[(t + 1) % COUNT_OF(types)])));
        if (a->count) {
            same->count = 1;
            assert_false(oo_attr_equal(a, same));
        }
        same->reference = oo__str(w->model, "r");
        other->reference = same->reference;
        assert_false(oo_attr_equal(a, same));
        assert_true(oo_attr_equal(same, other)); /* the same attribute of the function, whatever it is */
        assert_true(oo_attr_hash(same) == oo_attr_hash(other));
    }
    world_free(w);
}

static void attributes_that_hold_more(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_attr *const a = attr_of(w, "x", OO_ATTR_TYPE_PROTO), *const b = attr_of(w, "x", OO_ATTR_TYPE_PROTO);
    assert_false(oo_attr_equal(a, b)); /* not compared: not known to be equal */
    a->raw = (oo_bytes){(const uint8_t *)"12", 2};
    assert_false(oo_attr_equal(a, b));
    b->raw = (oo_bytes){(const uint8_t *)"123", 2};
    assert_true(oo_attr_equal(a, b));
    assert_true(oo_attr_hash(a) == oo_attr_hash(b));
    b->raw.size = 3;
    assert_false(oo_attr_equal(a, b));

    oo_node *const one = add_if(w->graph, "a", NULL), *const two = add_if(w->graph, "b", NULL);
    assert_true(oo_attr_equal(one->attrs[0], two->attrs[0])); /* bodies are the caller's */
    assert_true(oo_attr_hash(one->attrs[0]) == oo_attr_hash(two->attrs[0]));
    assert_int_equal(oo_attr_nsubgraphs(one->attrs[0]), 1);
    assert_ptr_equal(oo_attr_subgraph(one->attrs[1], 0), branch(one, 1));
    oo_attr *const graphs = add_attr(one, "graphs", OO_ATTR_GRAPHS), *const more =
                                                                         add_attr(two, "graphs", OO_ATTR_GRAPHS);
    oo_graph *list[] = {branch(one, 0), branch(two, 1)};
    graphs->graphs = list;
    graphs->count = more->count = 2;
    more->graphs = list;
    assert_true(oo_attr_equal(graphs, more));
    more->count = 1;
    assert_false(oo_attr_equal(graphs, more));
    assert_int_equal(oo_node_nsubgraphs(one), 4);
    assert_ptr_equal(oo_node_subgraph(one, 3), list[1]);
    graphs->reference = oo__str(w->model, "r");
    assert_int_equal(oo_attr_nsubgraphs(graphs), 0);
    world_free(w);
}

/* ---- operator sets and functions ---- */
static void operator_sets(void **state) {
    (void)state;
    world *const w = world_new(17);
    import_opset(w->model, &w->model->opsets, "com.example", 3);
    assert_int_equal(oo_model_opset(w->model, ""), 17);
    assert_int_equal(oo_model_opset(w->model, NULL), 17);
    assert_int_equal(oo_model_opset(w->model, "ai.onnx"), 17);
    assert_int_equal(oo_model_opset(w->model, "com.example"), 3);
    assert_int_equal(oo_model_opset(w->model, "com.other"), 0);
    assert_int_equal(oo_model_ir_version(w->model), 9);
    oo_function *const f = add_function(w->model, "local", "f", NULL);
    assert_int_equal(oo_graph_opset(f->graph, ""), 17); /* what the function does not import comes from the model */
    import_opset(w->model, &f->opsets, "ai.onnx", 12);
    assert_int_equal(oo_graph_opset(f->graph, ""), 12);
    assert_int_equal(oo_graph_opset(f->graph, "com.example"), 3);
    const oo_node *const inner = add_if(f->graph, "if", NULL);
    assert_int_equal(oo_graph_opset(branch(inner, 0), ""), 12);
    assert_true(oo_graph_in_function(branch(inner, 0)));
    assert_false(oo_graph_in_function(w->graph));
    assert_int_equal(oo_graph_opset(w->graph, ""), 17);
    w->model->opsets.data[0].domain = NULL;
    assert_int_equal(oo_model_opset(w->model, ""), 17);
    world_free(w);
}

static void functions_and_calls(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_node *const relu = add_node(w->graph, "Relu", "r", 1, NULL);
    assert_true(oo_node_is(relu, "Relu"));
    assert_false(oo_node_is(relu, "Abs"));
    assert_null(oo_model_callee(w->model, relu));
    oo_function *const plain = add_function(w->model, "", "Relu", NULL);
    /* A local function of a standard name goes before the operator: of nodes that were there already, too. */
    assert_false(oo_node_is(relu, "Relu"));
    assert_ptr_equal(oo_model_callee(w->model, relu), plain->graph);
    oo_function *const overload = add_function(w->model, "", "Relu", "v2");
    assert_ptr_equal(oo_model_callee(w->model, relu), plain->graph);
    oo__node_extra(relu)->overload = overload->overload;
    assert_ptr_equal(oo_model_callee(w->model, relu), overload->graph);
    assert_string_equal(oo_node_overload(relu), "v2");
    oo__node_extra(relu)->overload = oo__str(w->model, "v3");
    assert_null(oo_model_callee(w->model, relu));
    assert_int_equal(oo_model_nfunctions(w->model), 2);
    plain->dropped = true;
    assert_int_equal(oo_model_nfunctions(w->model), 1);
    assert_ptr_equal(oo_model_function(w->model, 0), overload->graph);
    const oo_node *const other = oo__node_new(w->graph, "com.example", "Relu", 0, 0, 0);
    assert_false(oo_node_is(other, "Relu"));
    assert_string_equal(oo_node_domain(other), "com.example");
    const oo_node *const same = oo__node_new(w->graph, "ai.onnx", "Abs", 0, 0, 0);
    assert_true(oo_node_is(same, "Abs"));
    assert_string_equal(oo_node_domain(same), "");
    assert_string_equal(same->domain, "ai.onnx"); /* as the file has it */
    world_free(w);
}

/* ---- paths and small getters ---- */
static void paths_of_graphs(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_arena *const a = w->scratch;
    assert_string_equal(oo__graph_path(w->graph, a), "main");
    oo_node *const outer = add_if(w->graph, "If_3", NULL);
    assert_string_equal(oo__graph_path(branch(outer, 0), a), "main/If_3.then_branch");
    oo_node *const inner = add_if(branch(outer, 1), "", NULL);
    inner->outputs[0]->name = oo__str(w->model, "y");
    assert_string_equal(oo__graph_path(branch(inner, 1), a), "main/If_3.else_branch/If:y.else_branch");
    oo_node *const list = add_node_n(w->graph, "Switch", "sw", 0, NULL, 0);
    oo_attr *const attr = add_attr(list, "cases", OO_ATTR_GRAPHS);
    oo_graph *cases[] = {oo__graph_new(w->model, w->graph), oo__graph_new(w->model, w->graph)};
    assert_string_equal(oo__graph_path(cases[1], a), "main/subgraph");
    cases[1]->owner = list;
    assert_string_equal(oo__graph_path(cases[1], a), "main/sw.subgraph");
    attr->graphs = cases;
    attr->count = 2;
    assert_string_equal(oo__graph_path(cases[1], a), "main/sw.cases[1]");
    oo_function *const f = add_function(w->model, "local", "f", NULL);
    assert_string_equal(oo__graph_path(f->graph, a), "function local.f");
    oo_graph *const training = oo__graph_new(w->model, w->graph);
    training->training = true;
    assert_string_equal(oo__graph_path(training, a), "training");
    assert_null(oo_graph_parent(training));
    oo__report(w->model, OO_ERROR, "x", NULL, inner, inner->outputs[0], "text %d", 1);
    assert_told("error x test.onnx:0:0 [main/If_3.else_branch] If:y(If) y {/}: text 1");
    oo__report(w->model, OO_ERROR, "x", NULL, NULL, outer->outputs[0], "of a value");
    assert_told("[main] () If_3 {/}: of a value");
    world_free(w);
}

static void small_getters(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    oo_node *const node = add_node(w->graph, "Split", "s", 2, x);
    oo_value *const second = oo_node_output(node, 1);
    assert_ptr_equal(oo_value_producer(second), node);
    assert_int_equal(oo_value_index(second), 1);
    assert_string_equal(oo_value_name(second), "s_1");
    assert_ptr_equal(oo_value_graph(second), w->graph);
    assert_int_equal(oo_value_id(second), 2);
    assert_int_equal(oo_model_value_ids(w->model), 3);
    assert_int_equal(oo_node_id(node), 0);
    assert_int_equal(oo_model_node_ids(w->model), 1);
    assert_string_equal(oo_node_name(node), "s");
    node->name = NULL;
    assert_string_equal(oo_node_name(node), "");
    second->name = NULL;
    assert_string_equal(oo_value_name(second), "");
    assert_string_equal(oo_graph_name(w->graph), "g");
    w->graph->name = NULL;
    assert_string_equal(oo_graph_name(w->graph), "");
    assert_ptr_equal(oo_graph_model(w->graph), w->model);
    assert_ptr_equal(oo_model_graph(w->model), w->graph);
    assert_ptr_equal(oo_graph_input(w->graph, 0), x);
    assert_int_equal(oo_graph_ninputs(w->graph), 1);
    assert_int_equal(oo_graph_noutputs(w->graph), 0);
    add_output(w->graph, second);
    assert_ptr_equal(oo_graph_output(w->graph, 0), second);
    oo_value *const init = add_init(w->graph, "w", scalar(w->model, 1));
    assert_int_equal(oo_graph_ninitializers(w->graph), 1);
    assert_ptr_equal(oo_graph_initializer(w->graph, 0), init);
    assert_null(oo_value_type(x));
    assert_ptr_equal(oo_graph_first(w->graph), oo_graph_last(w->graph));
    assert_int_equal(oo_node_ninputs(node) + oo_node_noutputs(node), 3);
    oo__model_number(w->model);
    assert_int_equal(oo_node_order(node), 0);
    char *const room = oo_model_alloc(w->model, 100);
    assert_int_equal(room[99], 0);
    oo_model_free(NULL);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_are_linked),
        cmocka_unit_test(captures_are_uses),
        cmocka_unit_test(what_is_constant),
        cmocka_unit_test(erase_and_insert_on_the_way),
        cmocka_unit_test(misuse_is_a_bug),
        cmocka_unit_test(types_answer_what_is_known),
        cmocka_unit_test(element_types_by_name),
        cmocka_unit_test(typed_getters),
        cmocka_unit_test(attributes_by_name),
        cmocka_unit_test(attributes_compare_by_bits),
        cmocka_unit_test(attributes_that_hold_more),
        cmocka_unit_test(operator_sets),
        cmocka_unit_test(functions_and_calls),
        cmocka_unit_test(paths_of_graphs),
        cmocka_unit_test(small_getters),
    };
    return cmocka_run_group_tests_name("ir", tests, NULL, NULL);
}
