/* Types that stay true while a model is rewritten. */
#include "tests/unit/build.h"

#include "ir/expr.h"
#include "ir/infer.h"

/* x: FLOAT [N, 4] or of other dimensions. */
static oo_value *typed_input(world *w, const char *name, int64_t rows, int64_t columns) {
    oo_value *const value = add_input(w->graph, name);
    oo_type *const type = tensor_type_of(w->model, OO_FLOAT, 2, (const int64_t[]){rows < 0 ? 1 : rows, columns});
    if (rows < 0)
        type->dims[0] = (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(w->model, "N")};
    w->graph->inputs.data[w->graph->inputs.n - 1].type = type;
    return value;
}

static void expect(const world *w, const oo_value *value, const char *wanted) {
    char text[256] = "?";
    size_t at = 0;
    for (int32_t i = 0; i < oo_type_rank(value->type); i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? "," : "",
                               oo__expr_print(value->type->dims[i].expr, w->model->arena));
    assert_string_equal(text, wanted);
}

static void perm(world *w, oo_node *node, int64_t first) {
    const int64_t order[] = {first, 1 - first};
    oo_set_ints(w->rw, node, "perm", order, 2);
}

static void new_nodes_are_inferred(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = typed_input(w, "x", -1, 4);
    oo_value *const y = add_op(w->graph, "Relu", "r", x);
    add_output(w->graph, y);
    oo__infer_proofs(w->model);
    expect(w, y, "N,4");
    oo_node *const relu = oo_value_producer(y);
    assert_true(oo_begin(w->rw, "test", relu));
    const oo_value *const in[] = {x};
    oo_node *const turn = oo_build(w->rw, relu, "", "Transpose", in, 1, 1);
    perm(w, turn, 1);
    assert_true(oo_infer(w->rw, turn));
    expect(w, turn->outputs[0], "4,N");
    const oo_value *const turned[] = {turn->outputs[0]};
    oo_node *const back = oo_build(w->rw, relu, "", "Transpose", turned, 1, 1);
    perm(w, back, 1);
    oo_set_input(w->rw, relu, 0, back->outputs[0]);
    oo_end(w->rw);
    expect(w, back->outputs[0], "N,4");
    assert_false(oo__rewriter_is_broken(w->rw));
    assert_int_equal(oo__infer_verify(w->model), OO_OK);
    world_free(w);
}

/* What follows from a node changed in place is inferred anew, and comes back when the change is taken back. */
static void changes_spread_and_are_undone(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = typed_input(w, "x", -1, 4);
    oo_node *const turn = add_node(w->graph, "Transpose", "t", 1, x);
    oo_value *const r = add_op(w->graph, "Relu", "r", turn->outputs[0]);
    oo_value *const s = add_op(w->graph, "Shape", "s", r);
    add_output(w->graph, s);
    oo__infer_proofs(w->model);
    expect(w, r, "4,N");
    const oo_checkpoint point = oo__checkpoint(w->rw);
    assert_true(oo_begin(w->rw, "test", turn));
    perm(w, turn, 0);
    oo_end(w->rw);
    expect(w, r, "N,4");
    assert_string_equal(oo__expr_print(s->known->items[0].numerator, w->model->arena), "N");
    oo__rollback(w->rw, point);
    expect(w, r, "4,N");
    assert_string_equal(oo__expr_print(s->known->items[0].numerator, w->model->arena), "4");
    world_free(w);
}

static void another_type_breaks_the_rewrite(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = typed_input(w, "x", 2, 4);
    oo_value *const a = add_op(w->graph, "Relu", "a", x);
    oo_value *const y = add_op(w->graph, "Neg", "y", a);
    add_output(w->graph, y);
    oo__infer_proofs(w->model);
    oo_node *const relu = oo_value_producer(a);
    assert_true(oo_begin(w->rw, "wrong", relu));
    const oo_value *const in[] = {x};
    oo_node *const turn = oo_build(w->rw, relu, "", "Transpose", in, 1, 1);
    assert_true(oo_replace(w->rw, a, turn->outputs[0]));
    forget_told();
    oo_end(w->rw);
    assert_true(oo__rewriter_is_broken(w->rw));
    assert_told("patch-type");
    assert_told("float[4,2] in the place of float[2,4]");
    world_free(w);
}

/* A claim of the file is no proof, and a body with two callers has no types. */
static void only_proofs_count(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = typed_input(w, "x", 2, 4), *const z = typed_input(w, "z", 3, 5);
    oo_function *const f = add_function(w->model, "my", "F", NULL);
    import_opset(w->model, &f->opsets, "", 17);
    oo_value *const formal = add_input(f->graph, "i");
    oo_value *const inside = add_op(f->graph, "Relu", "inside", formal);
    add_output(f->graph, inside);
    oo_node *const one = add_node(w->graph, "F", "one", 1, x);
    one->op = oo__op(w->model, "my", "F");
    one->domain = "my";
    add_output(w->graph, one->outputs[0]);
    oo__infer_proofs(w->model);
    expect(w, inside, "2,4");
    oo_node *const two = add_node(w->graph, "F", "two", 1, z);
    two->op = one->op;
    two->domain = "my";
    add_output(w->graph, two->outputs[0]);
    oo__infer_proofs(w->model);
    expect(w, one->outputs[0], "2,4");
    expect(w, two->outputs[0], "3,5");
    assert_null(inside->type);
    assert_null(formal->type);
    world_free(w);
}

/* Two sizes that depend on data never are one symbol, however often they are inferred. */
static void symbols_stay_apart(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = typed_input(w, "x", -1, 4);
    oo_value *const a = add_op(w->graph, "NonZero", "a", x);
    add_output(w->graph, a);
    oo__infer_proofs(w->model);
    const oo_expr *const before = a->type->dims[1].expr;
    oo_node *const first = oo_value_producer(a);
    assert_true(oo_begin(w->rw, "test", first));
    const oo_value *const in[] = {x};
    oo_node *const other = oo_build(w->rw, first, "", "NonZero", in, 1, 1);
    oo_end(w->rw);
    assert_ptr_not_equal(other->outputs[0]->type->dims[1].expr, before);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_nodes_are_inferred), cmocka_unit_test(changes_spread_and_are_undone),
        cmocka_unit_test(another_type_breaks_the_rewrite), cmocka_unit_test(only_proofs_count),
        cmocka_unit_test(symbols_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
