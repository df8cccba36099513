/* Every mutator does what api.def says, is undone exactly, and refuses misuse. */
#include "tests/unit/build.h"

#include "ir/change.h"

/* x, c -> Relu r -> Add a (r, w) -> Mul m (a, a); outputs m. */
typedef struct chain {
    world *w;
    oo_value *x, *c, *wt, *r, *a, *m;
    oo_node *relu, *add, *mul;
    char *before;
} chain;

static int set_up(void **state) {
    chain *const t = oo__malloc(sizeof *t);
    world *const w = t->w = world_new(17);
    t->x = add_input(w->graph, "x");
    t->c = add_input(w->graph, "c");
    t->wt = add_init(w->graph, "w", scalar(w->model, 2));
    t->relu = add_node(w->graph, "Relu", "r", 1, t->x);
    t->r = t->relu->outputs[0];
    t->add = add_node(w->graph, "Add", "a", 1, t->r, t->wt);
    t->a = t->add->outputs[0];
    t->mul = add_node(w->graph, "Mul", "m", 1, t->a, t->a);
    t->m = t->mul->outputs[0];
    add_output(w->graph, t->m);
    t->before = NULL;
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    chain *const t = *state;
    free(t->before);
    world_free(t->w);
    free(t);
    return 0;
}

static void begin(chain *t) {
    free(t->before);
    t->before = dump(t->w->model);
    assert_true(oo_begin(t->w->rw, "rule", t->add));
}

/* Closes the rewrite, checks the model, and returns the log's entry. */
static const oo_rewrite *end(const chain *t) {
    oo_end(t->w->rw);
    if (oo_model_verify(t->w->model) != OO_OK)
        fail_msg("broken:\n%s", told.text);
    const oo_model *const model = t->w->model;
    return model->history.n ? &model->history.data[model->history.n - 1] : NULL;
}

/* The rewrite comes to an end that leaves no trace. */
static void abandon(const chain *t) {
    oo_abandon(t->w->rw);
    char *const after = dump(t->w->model);
    assert_string_equal(t->before, after);
    free(after);
    assert_int_equal(oo_model_verify(t->w->model), OO_OK);
}

/* ---- replace ---- */
static void replace_takes_every_use(void **state) {
    chain *const t = *state;
    begin(t);
    assert_true(oo_replace(t->w->rw, t->a, t->r));
    const oo_rewrite *const done = end(t);
    assert_ptr_equal(oo_node_input(t->mul, 0), t->r);
    assert_ptr_equal(oo_node_input(t->mul, 1), t->r);
    assert_int_equal(oo_value_nuses(t->a), 0);
    assert_ptr_equal(oo_value_producer(t->a), t->add);
    assert_string_equal(t->a->name, "a"); /* no output: names stay */
    assert_string_equal(t->r->name, "r");
    assert_int_equal(done->nremoved + done->nadded, 0);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->r, t->r)); /* nothing to do */
    oo_end(t->w->rw);
    assert_int_equal(t->w->model->history.n, 1);
}

static void output_name_goes_along(void **state) {
    chain *const t = *state;
    t->m->type = tensor_type_of(t->w->model, OO_FLOAT, 1, (const int64_t[]){4});
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->a));
    end(t);
    assert_ptr_equal(oo_graph_output(t->w->graph, 0), t->a);
    assert_string_equal(oo_value_name(t->a), "m");
    assert_ptr_equal(oo_value_type(t->a), t->m->type);
    assert_string_equal(oo_value_name(t->m), "");
    assert_false(oo_value_is_output(t->m));
    assert_int_equal(oo_graph_nnodes(t->w->graph), 3);
    oo__model_name_values(t->w->model);
    assert_string_equal(oo_value_name(t->m), "m_0");
}

static void assert_identity_keeps(const chain *t, const char *name, const oo_value *of) {
    const oo_value *const output = oo_graph_output(t->w->graph, 0);
    assert_string_equal(oo_value_name(output), name);
    assert_true(oo_node_is(oo_value_producer(output), "Identity"));
    assert_ptr_equal(oo_node_input(oo_value_producer(output), 0), of);
}

static void output_by_an_input(void **state) {
    chain *const t = *state;
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->x));
    const oo_rewrite *const done = end(t);
    assert_identity_keeps(t, "m", t->x);
    assert_string_equal(t->x->name, "x");
    assert_int_equal(done->nadded, 1);
    const oo_value *const kept = oo_graph_output(t->w->graph, 0);
    begin(t); /* an Identity of the same value is no progress */
    assert_true(oo_replace(t->w->rw, oo_graph_output(t->w->graph, 0), t->x));
    oo_end(t->w->rw);
    assert_int_equal(t->w->model->history.n, 1);
    assert_ptr_equal(oo_graph_output(t->w->graph, 0), kept);
}

static void output_by_an_initializer(void **state) {
    chain *const t = *state;
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->wt));
    end(t);
    assert_identity_keeps(t, "m", t->wt);
    begin(t);
    abandon(t);
}

static void output_by_another_output(void **state) {
    chain *const t = *state;
    add_output(t->w->graph, t->r);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->r));
    end(t);
    assert_identity_keeps(t, "m", t->r);
    assert_string_equal(oo_value_name(oo_graph_output(t->w->graph, 1)), "r");
}

static void output_by_an_annotated_value(void **state) {
    chain *const t = *state;
    t->r->flags |= OO_VALUE_PINNED; /* its name is written elsewhere */
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->r));
    end(t);
    assert_identity_keeps(t, "m", t->r);
    assert_string_equal(t->r->name, "r");
}

static void output_that_is_an_input(void **state) {
    chain *const t = *state;
    add_output(t->w->graph, t->x);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->x, t->c));
    end(t);
    assert_ptr_equal(oo_node_input(t->relu, 0), t->c);
    assert_ptr_equal(oo_graph_output(t->w->graph, 1), t->x);
    begin(t);
    oo_set_input(t->w->rw, t->relu, 0, t->c);
    assert_true(oo_replace(t->w->rw, t->x, t->r)); /* a node's output cannot take the name either */
    oo_end(t->w->rw);
    assert_string_equal(t->x->name, "x");
    assert_string_equal(t->r->name, "r");
    assert_ptr_equal(oo_graph_output(t->w->graph, 1), t->x);
    assert_ptr_equal(oo_graph_input(t->w->graph, 0), t->x);
}

static void output_that_is_an_initializer(void **state) {
    chain *const t = *state;
    add_output(t->w->graph, t->wt);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->wt, t->x)); /* nothing can hold the name but the initializer */
    end(t);
    assert_ptr_equal(oo_node_input(t->add, 1), t->x);
    assert_ptr_equal(oo_graph_output(t->w->graph, 1), t->wt);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->wt, t->r));
    end(t);
    assert_ptr_equal(oo_graph_output(t->w->graph, 1), t->r);
    assert_string_equal(t->r->name, "w");
}

static void two_outputs_of_one_value(void **state) {
    chain *const t = *state;
    add_output(t->w->graph, t->m);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->r));
    end(t);
    assert_ptr_equal(oo_graph_output(t->w->graph, 0), t->r);
    assert_ptr_equal(oo_graph_output(t->w->graph, 1), t->r);
    assert_int_equal(t->r->noutputs, 2);
    assert_int_equal(t->m->noutputs, 0);
}

static void captured_uses_and_outputs(void **state) {
    chain *const t = *state;
    const oo_node *const branches = add_if(t->w->graph, "f", t->c);
    oo_node *const inner = add_node(branch(branches, 0), "Abs", "b", 1, t->a);
    add_output(branch(branches, 0), inner->outputs[0]);
    add_output(branch(branches, 1), t->a); /* returned as it is */
    begin(t);
    assert_true(oo_replace(t->w->rw, t->a, t->r));
    end(t);
    assert_ptr_equal(oo_node_input(inner, 0), t->r);
    assert_ptr_equal(oo_graph_output(branch(branches, 1), 0), t->r);
    begin(t); /* by an input: an Identity in the outer graph serves */
    assert_true(oo_replace(t->w->rw, t->r, t->x));
    end(t);
    const oo_value *const returned = oo_graph_output(branch(branches, 1), 0);
    assert_true(oo_node_is(oo_value_producer(returned), "Identity"));
    assert_ptr_equal(oo_value_graph(returned), t->w->graph);
}

static void inner_output_by_an_outer_value(void **state) {
    chain *const t = *state;
    const oo_node *const branches = add_if(t->w->graph, "f", t->c);
    oo_graph *const inner = branch(branches, 0);
    oo_value *const b = add_op(inner, "Abs", "b", t->a);
    add_output(inner, b);
    begin(t);
    assert_true(oo_replace(t->w->rw, b, t->a));
    end(t);
    const oo_value *const output = oo_graph_output(inner, 0);
    assert_string_equal(oo_value_name(output), "b");
    assert_ptr_equal(oo_value_graph(output), inner);
    assert_ptr_equal(oo_node_input(oo_value_producer(output), 0), t->a);
    assert_string_equal(t->a->name, "a");
}

static void scopes_are_respected(void **state) {
    chain *const t = *state;
    const oo_node *const branches = add_if(t->w->graph, "f", t->c);
    oo_value *const one = add_op(branch(branches, 0), "Abs", "b", t->r);
    oo_value *const other = add_op(branch(branches, 1), "Neg", "n", t->r);
    oo_value *const twice = add_op(branch(branches, 0), "Ceil", "e", one);
    begin(t);
    assert_false(oo_replace(t->w->rw, t->a, one));  /* used in main */
    assert_false(oo_replace(t->w->rw, t->m, one));  /* output of main */
    assert_false(oo_replace(t->w->rw, one, other)); /* siblings */
    abandon(t);
    begin(t);
    assert_true(oo_replace(t->w->rw, t->m, t->a));
    oo_abandon(t->w->rw);
    /* A value of an inner graph may stand in for an outer one all of whose uses lie there. */
    oo_node *const lone = add_node(t->w->graph, "Sqrt", "q", 1, t->x);
    oo__graph_unlink(lone);
    oo__graph_link(t->w->graph, lone, t->relu);
    oo_node *const user = add_node(branch(branches, 0), "Floor", "u", 1, lone->outputs[0]);
    begin(t);
    assert_true(oo_replace(t->w->rw, lone->outputs[0], twice));
    end(t);
    assert_ptr_equal(oo_node_input(user, 0), twice);
}

/* ---- erase ---- */
static void erase_unlinks(void **state) {
    chain *const t = *state;
    begin(t);
    assert_true(oo_replace(t->w->rw, t->a, t->r));
    oo_erase(t->w->rw, t->add);
    const oo_rewrite *const done = end(t);
    assert_true(oo_node_erased(t->add));
    assert_int_equal(oo_value_nuses(t->wt), 0);
    assert_int_equal(oo_value_nuses(t->r), 2);
    assert_string_equal(ops_of(t->w->graph), "Relu Mul");
    assert_int_equal(done->nremoved, 1);
    assert_int_equal(done->removed[0], t->add->id);
    assert_int_equal(done->root, t->add->id);
}

static void erase_takes_subgraphs(void **state) {
    chain *const t = *state;
    oo_node *const outer = add_if(t->w->graph, "f", t->c);
    oo_node *const inner = add_if(branch(outer, 0), "g", t->c);
    add_node(branch(inner, 0), "Abs", "b", 1, t->a);
    add_output(branch(inner, 1), t->r);
    const oo_graph *const innermost = branch(inner, 1);
    const uint32_t uses = t->a->nuses;
    begin(t);
    oo_erase(t->w->rw, outer);
    abandon(t);
    begin(t);
    oo_erase(t->w->rw, outer);
    const oo_rewrite *const done = end(t);
    assert_int_equal(done->nremoved, 3);
    assert_int_equal(t->a->nuses, uses - 1);
    assert_int_equal(t->r->noutputs, 0);
    assert_true(innermost->dead);
    unsigned live = 0;
    oo_for_each_graph(graph, t->w->model) live++;
    assert_int_equal(live, 1);
}

/* ---- inputs and outputs ---- */
static void inputs_change(void **state) {
    chain *const t = *state;
    begin(t);
    oo_set_input(t->w->rw, t->mul, 1, NULL);
    oo_set_input(t->w->rw, t->mul, 2, t->x); /* appended */
    oo_set_input(t->w->rw, t->mul, 0, t->a); /* as it was */
    const oo_rewrite *const done = end(t);
    assert_int_equal(oo_node_ninputs(t->mul), 3);
    assert_null(oo_node_input(t->mul, 1));
    assert_ptr_equal(oo_node_input(t->mul, 2), t->x);
    assert_int_equal(t->a->nuses, 1);
    assert_int_equal(done->nchanged, 1); /* once, however often */
    assert_int_equal(done->changed[0], t->mul->id);
    begin(t);
    oo_set_input(t->w->rw, t->mul, 2, NULL);
    oo_trim_inputs(t->w->rw, t->mul);
    assert_int_equal(oo_node_ninputs(t->mul), 1);
    oo_trim_inputs(t->w->rw, t->mul);
    abandon(t);
    begin(t);
    oo_set_input(t->w->rw, t->mul, 0, NULL);
    oo_set_input(t->w->rw, t->mul, 2, NULL);
    oo_trim_inputs(t->w->rw, t->mul);
    end(t);
    assert_int_equal(oo_node_ninputs(t->mul), 0);
    begin(t);
    oo_set_input(t->w->rw, t->mul, 0, t->a);
    end(t);
    assert_int_equal(oo_node_ninputs(t->mul), 1);
}

static void outputs_are_dropped(void **state) {
    chain *const t = *state;
    oo_node *const split = add_node(t->w->graph, "Split", "s", 4, t->x);
    add_output(t->w->graph, split->outputs[0]);
    begin(t);
    oo_drop_output(t->w->rw, split, 2);
    assert_int_equal(oo_node_noutputs(split), 4);
    assert_null(oo_node_output(split, 2));
    oo_drop_output(t->w->rw, split, 2); /* omitted already */
    oo_drop_output(t->w->rw, split, 3);
    assert_int_equal(oo_node_noutputs(split), 2);
    oo_drop_output(t->w->rw, split, 1);
    assert_int_equal(oo_node_noutputs(split), 1);
    abandon(t);
    assert_int_equal(oo_node_noutputs(split), 4);
}

/* ---- attributes ---- */
static void attributes_are_set(void **state) {
    chain *const t = *state;
    oo_rewriter *const rw = t->w->rw;
    add_int(t->relu, "kept", 1);
    add_int(t->relu, "axis", 2);
    begin(t);
    oo_set_int(rw, t->relu, "axis", 3);
    oo_set_float(rw, t->relu, "alpha", 0.5f);
    char mode[] = "nearest";
    oo_set_string(rw, t->relu, "mode", mode);
    int64_t pads[] = {1, 2};
    oo_set_ints(rw, t->relu, "pads", pads, 2);
    oo_set_ints(rw, t->relu, "none", NULL, 0);
    oo_set_tensor(rw, t->relu, "value", t->wt->init);
    mode[0] = '!';
    pads[0] = -1; /* contents were copied */
    const oo_rewrite *const done = end(t);
    assert_int_equal(done->nchanged, 1);
    assert_int_equal(oo_node_nattrs(t->relu), 7);
    int64_t i;
    float f;
    const char *s;
    const int64_t *list;
    uint32_t n;
    assert_true(oo_node_int(&i, t->relu, "axis", 0) && i == 3);
    assert_true(oo_node_float(&f, t->relu, "alpha", 0) && f == 0.5f);
    assert_true(oo_node_string(&s, t->relu, "mode", NULL));
    assert_string_equal(s, "nearest");
    assert_true(oo_node_ints(&list, &n, t->relu, "pads") && n == 2 && list[0] == 1);
    assert_true(oo_node_ints(&list, &n, t->relu, "none") && n == 0);
    assert_ptr_equal(oo_node_attr(t->relu, "value")->t, t->wt->init);
    begin(t);
    oo_remove_attr(rw, t->relu, "kept");
    oo_remove_attr(rw, t->relu, "absent");
    oo_set_float(rw, t->relu, "axis", 1.5f); /* another type in its place */
    assert_int_equal(oo_node_nattrs(t->relu), 6);
    assert_null(oo_node_attr(t->relu, "kept"));
    abandon(t);
}

static void shared_attributes_are_not_changed(void **state) {
    chain *const t = *state;
    oo_rewriter *const rw = t->w->rw;
    add_int(t->relu, "axis", 1);
    add_int(t->relu, "keepdims", 0);
    add_int(t->add, "axis", 7);
    begin(t);
    oo_copy_attrs(rw, t->add, t->relu);
    assert_int_equal(oo_node_nattrs(t->add), 2); /* no name twice */
    assert_ptr_equal(oo_node_attr(t->add, "axis"), oo_node_attr(t->relu, "axis"));
    oo_set_int(rw, t->add, "axis", 5);
    oo_remove_attr(rw, t->add, "keepdims");
    int64_t i;
    assert_true(oo_node_int(&i, t->relu, "axis", 0) && i == 1);
    assert_true(oo_node_int(&i, t->relu, "keepdims", 9) && i == 0);
    assert_true(oo_node_int(&i, t->add, "axis", 0) && i == 5);
    oo_copy_attrs(rw, t->relu, t->relu);
    assert_int_equal(oo_node_nattrs(t->relu), 2);
    abandon(t);
    const oo_node *const branches = add_if(t->w->graph, "f", t->c);
    begin(t);
    oo_copy_attrs(rw, t->mul, branches);
    assert_int_equal(oo_node_nattrs(t->mul), 0); /* graphs have one owner */
    abandon(t);
}

/* ---- building ---- */
static void nodes_are_built(void **state) {
    chain *const t = *state;
    t->add->name = oo__str(t->w->model, "layer1");
    oo__node_extra(t->add)->doc = oo__str(t->w->model, "from the source");
    begin(t);
    const oo_value *const in[] = {t->r, NULL, t->wt};
    oo_node *const clip = oo_build(t->w->rw, t->add, "", "Clip", in, 3, 1);
    oo_node *const other = oo_build(t->w->rw, t->add, "com.example", "Thing", NULL, 0, 2);
    oo_set_int(t->w->rw, clip, "axis", 1);
    const oo_rewrite *const done = end(t);
    assert_string_equal(ops_of(t->w->graph), "Relu Clip Thing Add Mul");
    assert_null(oo_node_input(clip, 1));
    assert_ptr_equal(oo_node_input(clip, 2), t->wt);
    assert_string_equal(oo_node_domain(other), "com.example");
    assert_string_equal(oo_node_name(clip), "layer1");
    assert_string_equal(oo_node_name(other), "layer1_Thing_1");
    assert_string_equal(clip->extra->doc, "from the source");
    assert_int_equal(clip->origin, t->w->model->history.n);
    assert_string_equal(oo_value_name(clip->outputs[0]), "");
    assert_null(oo_value_type(clip->outputs[0]));
    assert_int_equal(done->nadded, 2);
    assert_int_equal(done->added[1], other->id);
    assert_int_equal(done->nchanged, 0); /* what is new is not changed */
    assert_string_equal(done->rule, "rule");
    assert_string_equal(done->pass, "test");
}

static void constants_are_initializers(void **state) {
    chain *const t = *state;
    oo_tensor *const tensor = floats(t->w->model, 3, (const float[]){1, 2, 3});
    begin(t);
    oo_value *const v = oo_build_const(t->w->rw, t->w->graph, tensor, "bias");
    oo_set_input(t->w->rw, t->add, 1, v);
    abandon(t);
    begin(t);
    oo_value *const again = oo_build_const(t->w->rw, t->w->graph, tensor, "bias");
    oo_build_const(t->w->rw, t->w->graph, tensor, "");
    oo_set_input(t->w->rw, t->add, 1, again);
    const oo_rewrite *const done = end(t);
    assert_true(oo_value_is_initializer(again));
    assert_ptr_equal(oo_value_const(again), tensor);
    assert_int_equal(oo_graph_ninitializers(t->w->graph), 3);
    assert_int_equal(oo_type_elem(oo_value_type(again)), OO_FLOAT);
    assert_int_equal(oo_type_dim(oo_value_type(again), 0), 3);
    assert_int_equal(done->values, 2);
    oo__model_name_values(t->w->model);
    assert_string_equal(oo_value_name(again), "bias_0");
    assert_string_equal(oo_value_name(oo_graph_initializer(t->w->graph, 2)), "const_0");
}

static void assert_constant_node(const chain *t, oo_graph *graph, const char *expected) {
    oo_tensor *const tensor = scalar(t->w->model, 3);
    assert_true(oo_begin(t->w->rw, "r", NULL));
    oo_value *const v = oo_build_const(t->w->rw, graph, tensor, "k");
    const oo_rewrite *const done = end(t);
    assert_true(oo_node_is(oo_value_producer(v), "Constant"));
    assert_ptr_equal(oo_graph_first(graph), oo_value_producer(v));
    assert_ptr_equal(oo_value_const(v), tensor);
    assert_int_equal(oo_graph_ninitializers(graph), graph == t->w->graph);
    assert_int_equal(done->nadded, 1);
    assert_int_equal(done->nchanged, 0);
    assert_int_equal(oo_type_rank(oo_value_type(v)), 0);
    assert_string_equal(ops_of(graph), expected);
}

static void constants_are_nodes_where_they_must(void **state) {
    chain *const t = *state;
    oo_function *const f = add_function(t->w->model, "local", "f", NULL);
    assert_constant_node(t, f->graph, "Constant");
    const oo_node *const inner = add_if(f->graph, "if", NULL);
    assert_constant_node(t, branch(inner, 0), "Constant");
    t->w->model->ir_version = 3;
    assert_constant_node(t, t->w->graph, "Constant Relu Add Mul");
}

/* ---- initializers, functions, types ---- */
static void initializers_are_dropped(void **state) {
    chain *const t = *state;
    begin(t);
    oo_set_input(t->w->rw, t->add, 1, NULL);
    oo_drop_initializer(t->w->rw, t->wt);
    assert_false(oo_value_is_initializer(t->wt));
    assert_null(oo_value_const(t->wt));
    assert_int_equal(oo_graph_ninitializers(t->w->graph), 1); /* its place stays */
    abandon(t);
    assert_non_null(oo_value_const(t->wt));
    oo_value *const both = t->x; /* an input with a default keeps being an input */
    both->flags |= OO_VALUE_INITIALIZER;
    both->init = scalar(t->w->model, 1);
    oo_vec_push(t->w->model->arena, &t->w->graph->initializers, both);
    begin(t);
    oo_set_input(t->w->rw, t->relu, 0, t->c);
    oo_drop_initializer(t->w->rw, both);
    const oo_rewrite *const done = end(t);
    assert_int_equal(done->values, 1);
    assert_true(oo_value_is_input(both));
    assert_false(oo_value_is_initializer(both));
}

static void functions_are_dropped(void **state) {
    chain *const t = *state;
    oo_function *const f = add_function(t->w->model, "local", "f", NULL);
    oo_value *const in = add_input(f->graph, "in");
    add_output(f->graph, add_op(f->graph, "Relu", "q", in));
    begin(t);
    oo_drop_function(t->w->rw, f->graph);
    assert_int_equal(oo_model_nfunctions(t->w->model), 0);
    abandon(t);
    assert_int_equal(oo_model_nfunctions(t->w->model), 1);
    begin(t);
    oo_drop_function(t->w->rw, f->graph);
    const oo_rewrite *const done = end(t);
    assert_true(f->dropped && f->graph->dead);
    assert_int_equal(done->nremoved, 1);
}

static void types_are_set(void **state) {
    chain *const t = *state;
    begin(t);
    oo_set_tensor_type(t->w->rw, t->a, OO_FLOAT, 2, (const int64_t[]){5, -1});
    assert_int_equal(oo_type_rank(t->a->type), 2);
    assert_int_equal(oo_type_dim(t->a->type, 0), 5);
    assert_int_equal(oo_type_dim(t->a->type, 1), -1);
    oo_copy_type(t->w->rw, t->m, t->a);
    assert_ptr_equal(t->m->type, t->a->type);
    oo_copy_type(t->w->rw, t->m, t->r); /* nothing known: nothing forgotten */
    assert_ptr_equal(t->m->type, t->a->type);
    oo_set_tensor_type(t->w->rw, t->r, OO_INT64, -1, NULL);
    assert_int_equal(oo_type_rank(t->r->type), -1);
    assert_int_equal(oo_type_elem(t->r->type), OO_INT64);
    abandon(t);
    assert_null(t->a->type);
}

static void stripped_text_comes_back(void **state) {
    chain *const t = *state;
    oo_model *const model = t->w->model;
    oo_node_extra said = {.doc = "why", .metadata = {0}};
    oo_vec_push(model->arena, &said.metadata, (oo_prop){.key = "from", .value = "line 3"});
    t->relu->extra = &said;
    const char *const name = t->relu->name = "first";
    oo_vec_push(model->arena, &t->w->graph->infos, (oo_value_info){.value = t->m});
    begin(t);
    assert_true(oo__strip_node(t->w->rw, t->relu, &(oo_strip){.docs = true}));
    assert_null(t->relu->extra->doc);
    assert_int_equal(t->relu->extra->metadata.n, 1);
    assert_true(oo__strip_node(t->w->rw, t->relu, &(oo_strip){.docs = true, .metadata = true, .names = true}));
    assert_false(oo__strip_node(t->w->rw, t->relu, &(oo_strip){.docs = true, .metadata = true, .names = true}));
    assert_null(t->relu->name);
    assert_int_equal(t->relu->extra->metadata.n, 0);
    assert_int_equal(oo__strip_infos(t->w->rw, t->w->graph), 1);
    assert_int_equal(oo__strip_infos(t->w->rw, t->w->graph), 0);
    abandon(t);
    assert_ptr_equal(t->relu->name, name);
    assert_ptr_equal(t->relu->extra, &said);
    assert_string_equal(said.doc, "why");
    assert_int_equal(t->w->graph->infos.n, 1);
    t->relu->extra = NULL;
}

/* ---- rewrites as a whole ---- */
static void fuel_runs_out(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_node *const node = add_node(w->graph, "Relu", "r", 1, NULL);
    uint64_t fuel = 2;
    const oo_rewriter_settings settings = {.pass = "p", .fuel = &fuel};
    oo_rewriter *const rw = oo__rewriter_new(w->model, w->scratch, &settings);
    assert_true(oo_begin(rw, "r", node));
    oo_end(rw); /* did nothing: costs nothing */
    assert_int_equal(fuel, 2);
    assert_int_equal(oo__rewriter_rewrites(rw), 0);
    for (int64_t i = 0; i < 2; i++) {
        assert_true(oo_begin(rw, "r", node));
        oo_set_int(rw, node, "axis", i);
        oo_set_int(rw, node, "axis", i + 10);
        oo_end(rw);
    }
    assert_int_equal(fuel, 0);
    assert_int_equal(oo__rewriter_rewrites(rw), 2);
    assert_false(oo_begin(rw, "r", node));
    assert_true(oo__rewriter_free(rw));
    world_free(w);
}

static void rollbacks_nest(void **state) {
    chain *const t = *state;
    oo_rewriter *const rw = t->w->rw;
    const oo_checkpoint first = oo__checkpoint(rw);
    char *const before = dump(t->w->model);
    begin(t);
    oo_set_int(rw, t->relu, "axis", 1);
    end(t);
    const oo_checkpoint second = oo__checkpoint(rw);
    char *const between = dump(t->w->model);
    begin(t);
    assert_true(oo_replace(rw, t->m, t->r));
    oo_erase(rw, t->mul);
    end(t);
    begin(t);
    oo_erase(rw, t->add);
    end(t);
    assert_int_equal(oo__rewriter_rewrites(rw), 3);
    oo__rollback(rw, second);
    assert_int_equal(oo__rewriter_rewrites(rw), 1);
    char *after = dump(t->w->model);
    assert_string_equal(after, between);
    free(after);
    oo__rollback(rw, first);
    after = dump(t->w->model);
    assert_string_equal(after, before);
    assert_int_equal(oo__rewriter_rewrites(rw), 0);
    assert_int_equal(t->w->model->history.n, 0);
    free(after);
    free(before);
    free(between);
}

static void an_open_rewrite_is_abandoned(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_node *const node = add_node(w->graph, "Relu", "r", 1, NULL);
    const oo_rewriter_settings settings = {.pass = "p"};
    oo_rewriter *const rw = oo__rewriter_new(w->model, w->scratch, &settings);
    assert_true(oo_begin(rw, "r", node));
    oo_set_int(rw, node, "axis", 1);
    assert_false(oo__rewriter_free(rw));
    assert_int_equal(oo_node_nattrs(node), 0);
    world_free(w);
}

/* ---- telling ---- */
static void remarks_are_told_when_asked_for(void **state) {
    chain *const t = *state;
    assert_false(oo_miss(t->w->rw, "rule", t->add, "no %d", 1));
    oo_remark(t->w->rw, t->add, "yes");
    assert_told_nothing();
    const oo_rewriter_settings settings = {.pass = "p", .tell_passed = true, .tell_missed = true};
    oo_rewriter *const rw = oo__rewriter_new(t->w->model, t->w->scratch, &settings);
    assert_false(oo_miss(rw, "guard", t->add, "rank is %d", 1));
    assert_told("remark remark-missed test.onnx:0:0 [main] a(Add) a {p/guard}: rank is 1");
    assert_true(oo_begin(rw, "rule", t->add));
    oo_remark(rw, NULL, "fused");
    oo_end(rw);
    assert_told("remark remark-passed test.onnx:0:0 [] ()  {p/rule}: fused");
    assert_int_equal(oo_error_at(rw, t->mul, OO_LIMIT, "too %s", "large"), OO_LIMIT);
    assert_told("error pass-error test.onnx:0:0 [main] m(Mul) m {p/}: too large");
    assert_ptr_equal(oo_rewriter_model(rw), t->w->model);
    assert_true(oo__rewriter_free(rw));
}

static void statistics_add_up(void **state) {
    const chain *const t = *state;
    oo_count(t->w->rw, "nodes", 2);
    oo_count(t->w->rw, "bytes", 5);
    oo_count(t->w->rw, "nodes", 3);
    uint32_t n;
    const oo_counter *const counters = oo__rewriter_counters(t->w->rw, &n);
    assert_int_equal(n, 2);
    assert_string_equal(counters[0].name, "nodes");
    assert_int_equal(counters[0].value, 5);
    assert_int_equal(counters[1].value, 5);
    assert_int_equal(*(char *)oo_scratch(t->w->rw, 10), 0);
}

/* ---- misuse ---- */
static chain *victim;

static void change_outside(void *unused) { (void)unused, oo_set_int(victim->w->rw, victim->add, "axis", 1); }
static void replace_outside(void *unused) { (void)unused, oo_replace(victim->w->rw, victim->a, victim->r); }
static void end_outside(void *unused) { (void)unused, oo_end(victim->w->rw); }
static void abandon_outside(void *unused) { (void)unused, oo_abandon(victim->w->rw); }
static void build_outside(void *unused) { (void)unused, oo_build(victim->w->rw, victim->add, "", "Relu", NULL, 0, 1); }
static void nested(void *unused) {
    (void)unused, oo_begin(victim->w->rw, "b", NULL), oo_begin(victim->w->rw, "c", NULL);
}
static void erase_used(void *unused) { (void)unused, oo_erase(victim->w->rw, victim->add); }
static void erase_output(void *unused) { (void)unused, oo_erase(victim->w->rw, victim->mul); }
static void erase_twice(void *unused) {
    (void)unused;
    oo_node *const lone = add_node(victim->w->graph, "Relu", "lone", 1, NULL);
    oo_erase(victim->w->rw, lone);
    oo_erase(victim->w->rw, lone);
}
static void drop_used_output(void *unused) { (void)unused, oo_drop_output(victim->w->rw, victim->add, 0); }
static void drop_used_initializer(void *unused) { (void)unused, oo_drop_initializer(victim->w->rw, victim->wt); }
static void drop_no_initializer(void *unused) { (void)unused, oo_drop_initializer(victim->w->rw, victim->c); }
static void drop_no_function(void *unused) { (void)unused, oo_drop_function(victim->w->rw, victim->w->graph); }
static void skip_an_input(void *unused) { (void)unused, oo_set_input(victim->w->rw, victim->add, 3, victim->x); }
static void checkpoint_inside(void *unused) { (void)unused, oo__checkpoint(victim->w->rw); }
static void overwrite_graph(void *unused) {
    (void)unused;
    oo_set_int(victim->w->rw, add_if(victim->w->graph, "f", NULL), "then_branch", 1);
}
static void remove_graph(void *unused) {
    (void)unused;
    oo_remove_attr(victim->w->rw, add_if(victim->w->graph, "f", NULL), "then_branch");
}

static void misuse_is_a_bug(void **state) {
    victim = *state;
    static const struct {
        void (*f)(void *unused);
        const char *text;
    } outside[] = {{change_outside, "oo_set_int: outside of oo_begin"},
                   {replace_outside, "oo_replace: outside"},
                   {end_outside, "no rewrite is open"},
                   {abandon_outside, "no rewrite is open"},
                   {build_outside, "oo_build: outside"},
                   {nested, "the rewrite \"b\" is still open"}},
      inside[] = {{erase_used, "output \"a\" of node \"a\" is still used"},
                  {erase_output, "output \"m\" of node \"m\" is still used"},
                  {erase_twice, "oo_erase: the node was erased"},
                  {drop_used_output, "oo_drop_output: \"a\" is used"},
                  {drop_used_initializer, "oo_drop_initializer: \"w\" is used"},
                  {drop_no_initializer, "oo_drop_initializer: \"c\" is no initializer"},
                  {drop_no_function, "no live function"},
                  {skip_an_input, "index 3 of 2"},
                  {checkpoint_inside, "a rewrite is open"},
                  {overwrite_graph, "oo_set_int: \"then_branch\" holds a graph"},
                  {remove_graph, "oo_remove_attr: \"then_branch\" holds a graph"}};
    for (size_t i = 0; i < COUNT_OF(outside); i++)
        assert_true(dies(outside[i].f, NULL, outside[i].text));
    assert_true(oo_begin(victim->w->rw, "r", NULL));
    for (size_t i = 0; i < COUNT_OF(inside); i++)
        assert_true(dies(inside[i].f, NULL, inside[i].text));
    oo_abandon(victim->w->rw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(replace_takes_every_use),
        TEST(output_name_goes_along),
        TEST(output_by_an_input),
        TEST(output_by_an_initializer),
        TEST(output_by_another_output),
        TEST(output_by_an_annotated_value),
        TEST(output_that_is_an_input),
        TEST(output_that_is_an_initializer),
        TEST(two_outputs_of_one_value),
        TEST(captured_uses_and_outputs),
        TEST(inner_output_by_an_outer_value),
        TEST(scopes_are_respected),
        TEST(erase_unlinks),
        TEST(erase_takes_subgraphs),
        TEST(inputs_change),
        TEST(outputs_are_dropped),
        TEST(attributes_are_set),
        TEST(shared_attributes_are_not_changed),
        TEST(nodes_are_built),
        TEST(constants_are_initializers),
        TEST(constants_are_nodes_where_they_must),
        TEST(initializers_are_dropped),
        TEST(functions_are_dropped),
        TEST(types_are_set),
        cmocka_unit_test(fuel_runs_out),
        TEST(rollbacks_nest),
        TEST(stripped_text_comes_back),
        cmocka_unit_test(an_open_rewrite_is_abandoned),
        TEST(remarks_are_told_when_asked_for),
        TEST(statistics_add_up),
        TEST(misuse_is_a_bug),
    };
    return cmocka_run_group_tests_name("rewriter", tests, NULL, NULL);
}
