/* Copies of graphs: within a model, out of another one, under undo, and what may not be copied. */
#include "tests/unit/build.h"

#include "io/io.h"

static oo_model *parse(world *w, const char *source) {
    oo_model *model;
    forget_told();
    if (oo_model_parse(&model, w->context, source, strlen(source), "text") != OO_OK)
        fail_msg("%s", told.text);
    return model;
}

/* A world whose model is this text. */
static world *world_of(const char *source) {
    world *const w = world_new(17);
    oo_model *const model = parse(w, source);
    oo__rewriter_free(w->rw);
    oo_model_free(w->model);
    w->model = model;
    w->graph = model->graph;
    w->rw = oo__rewriter_new(model, w->scratch, &(oo_rewriter_settings){.pass = "pass"});
    return w;
}

static const char CALL[] = "<ir_version: 8, opset_import: [\"\" : 17, \"l\" : 1]>\n"
                           "main (float[2] x, bool c) => (float[2] y) { [call] y = l.f <slope = 0.5> (x, c) }\n"
                           "<domain: \"l\", opset_import: [\"\" : 17]>\n"
                           "f <slope> (a, c) => (b, a) {\n"
                           "  [k] k = Constant <value = float {3}> ()\n"
                           "  [if] b = If (c) <then_branch = t () => (p) { q = LeakyRelu <alpha: float = @slope> (a)  p = Mul (q, k) },\n"
                           "                   else_branch = e () => (k) { }>\n"
                           "}\n";

static void splice_call(world *w, const oo_graph *body, oo_value **outputs) {
    oo_node *const call = oo_graph_first(w->graph);
    oo_value *const inputs[] = {oo_node_input(call, 0), oo_node_input(call, 1)};
    assert_true(oo_begin(w->rw, "rule", call));
    oo_splice(w->rw, body, call, call, inputs, outputs);
}

/* The body's nodes have no documentation: the call's says where they come from. */
static void document(world *w) {
    oo_node_extra *const extra = oo__node_extra(oo_graph_first(w->graph));
    extra->doc = oo__str(w->model, "why");
    oo_vec_push(w->model->arena, &extra->metadata, (oo_prop){.key = oo__str(w->model, "k"), .value = oo__str(w->model, "v")});
}

static void check_copy(world *w, oo_value *const *outputs) {
    oo_node *const call = oo_graph_last(w->graph);
    assert_string_equal(ops_of(w->graph), "Constant If f");
    oo_node *const copy = oo_node_prev(call);
    assert_int_equal(strncmp(oo_node_name(copy), "call/if", 7), 0); /* a name that was given once is not given again */
    if (call->extra) {
        assert_string_equal(copy->extra->doc, "why");
        assert_int_equal(copy->extra->metadata.n, 1);
    }
    assert_ptr_equal(outputs[0], oo_node_output(copy, 0));
    assert_ptr_equal(outputs[1], oo_node_input(call, 0)); /* passed on */
    const oo_graph *const then = oo_node_subgraph(copy, 0), *const otherwise = oo_node_subgraph(copy, 1);
    assert_string_equal(ops_of(then), "LeakyRelu Mul");
    assert_ptr_equal(oo_node_input(then->first, 0), oo_node_input(call, 0));
    float alpha;
    assert_true(oo_node_float(&alpha, then->first, "alpha", 0));
    assert_true(alpha == 0.5f);
    const oo_value *const k = oo_node_output(w->graph->first, 0);
    assert_ptr_equal(oo_node_input(then->last, 1), k);
    assert_ptr_equal(oo_graph_output(otherwise, 0), k);
    assert_int_equal(k->noutputs, 1);
    double three;
    assert_true(oo_tensor_doubles(oo_value_const(k), 0, 1, &three) && three == 3);
}

static void a_body_is_copied_and_taken_back(void **state) {
    (void)state;
    world *const w = world_of(CALL);
    const oo_graph *const body = oo_model_function(w->model, 0);
    oo_value *outputs[2];
    document(w);
    char *const before = dump(w->model);
    splice_call(w, body, outputs);
    check_copy(w, outputs);
    oo_abandon(w->rw);
    char *const after = dump(w->model);
    assert_string_equal(before, after);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    splice_call(w, body, outputs); /* nothing of the first time is left */
    check_copy(w, outputs);
    oo_end(w->rw);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    free(before);
    free(after);
    world_free(w);
}

static void a_body_of_another_model_is_copied(void **state) {
    (void)state;
    world *const w = world_of(CALL);
    oo_model *const other = parse(w, CALL);
    oo_value *outputs[2];
    splice_call(w, oo_model_function(other, 0), outputs);
    oo_end(w->rw);
    oo_model_free(other); /* nothing of it is used any more */
    check_copy(w, outputs);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    char *const text = oo_model_print(w->model, NULL);
    assert_non_null(strstr(text, "k_0 = Constant <value: tensor = float {3}>"));
    free(text);
    world_free(w);
}

static void a_given_graph_belongs_to_the_call(void **state) {
    (void)state;
    static const char source[] = "<ir_version: 8, opset_import: [\"\" : 17, \"l\" : 1]>\n"
                                 "main (float[2] x, bool c) => (float[2] y) {\n"
                                 "  y = l.f <body = g () => (r) <float[2] w = {1, 2}> { s = Mul (x, w)  r = Neg (s) }> (x, c) }\n"
                                 "<domain: \"l\", opset_import: [\"\" : 17]>\n"
                                 "f <body> (a, c) => (b) { b = If (c) <then_branch: graph = @body, else_branch: graph = @body> }\n";
    world *const w = world_of(source);
    oo_model *const other = parse(w, source);
    oo_value *outputs[1];
    splice_call(w, oo_model_function(other, 0), outputs);
    oo_end(w->rw);
    oo_model_free(other);
    const oo_node *const copy = oo_graph_first(w->graph);
    const oo_graph *const a = oo_node_subgraph(copy, 0), *const b = oo_node_subgraph(copy, 1);
    assert_string_equal(ops_of(a), "Mul Neg");
    assert_ptr_not_equal(oo_node_output(a->first, 0), oo_node_output(b->first, 0));
    assert_ptr_equal(oo_node_input(a->last, 0), oo_node_output(a->first, 0));
    assert_ptr_equal(oo_node_input(b->last, 0), oo_node_output(b->first, 0));
    assert_ptr_equal(oo_node_input(b->first, 0), oo_graph_input(w->graph, 0));
    assert_non_null(oo_value_const(oo_node_input(b->first, 1)));
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    world_free(w);
}

/* The branch of an If: constants go to the graph around, captured values stay what they are. */
static void a_branch_is_copied(void **state) {
    (void)state;
    world *const w = world_of("<ir_version: 8, opset_import: [\"\" : 17]>\n"
                              "main (float[2] x, bool c) => (float[2] y) {\n"
                              "  u = Exp (x)\n"
                              "  y = If (c) <then_branch = t () => (p) <float[2] w = {1, 2}> { [m] p = Mul (u, w) },\n"
                              "              else_branch = e () => (u) { }> }\n");
    oo_node *const node = oo_graph_last(w->graph);
    const oo_graph *const body = oo_node_subgraph(node, 0);
    assert_null(oo_splice_problem(w->rw, body, w->graph, NULL));
    oo_value *outputs[1];
    char *const before = dump(w->model);
    assert_true(oo_begin(w->rw, "rule", node));
    oo_splice(w->rw, body, node, NULL, NULL, outputs);
    assert_string_equal(ops_of(w->graph), "Exp Mul If");
    const oo_node *const copy = oo_value_producer(outputs[0]);
    assert_string_equal(oo_node_name(copy), "m");
    assert_ptr_equal(oo_value_producer(oo_node_input(copy, 0)), oo_graph_first(w->graph));
    assert_ptr_equal(oo_value_graph(oo_node_input(copy, 1)), w->graph);
    assert_int_equal(oo_model_verify(w->model), OO_OK);
    oo_abandon(w->rw);
    char *const after = dump(w->model);
    assert_string_equal(before, after);
    assert_true(oo_begin(w->rw, "rule", node));
    oo_splice(w->rw, oo_node_subgraph(node, 1), node, NULL, NULL, outputs);
    oo_end(w->rw);
    assert_ptr_equal(outputs[0], oo_node_output(oo_graph_first(w->graph), 0));
    free(before);
    free(after);
    world_free(w);
}

static void what_cannot_be_copied_is_said(void **state) {
    (void)state;
    world *const w = world_of("<ir_version: 8, opset_import: [\"\" : 17, \"l\" : 1]>\n"
                              "main (float[2] x) => (float[2] y) { y = l.f (x) }\n"
                              "<domain: \"l\", opset_import: [\"\" : 12]>\n"
                              "f (a) => (b) { b = Softmax (a) }\n");
    const oo_node *const call = oo_graph_first(w->graph);
    oo_graph *const body = oo_model_function(w->model, 0);
    assert_string_equal(oo_splice_problem(w->rw, body, w->graph, call),
                        "Softmax of ai.onnx is not known to mean at version 17 what it means at 12, which the body is written for");
    assert_null(oo_splice_problem(w->rw, body, body, call));
    call->outputs[0]->flags |= OO_VALUE_PINNED;
    assert_string_equal(oo_splice_problem(w->rw, body, w->graph, call), "output \"y\" is annotated");
    oo_vec_push(w->model->arena, &body->annotations, (oo_annotation){0});
    assert_string_equal(oo_splice_problem(w->rw, body, w->graph, call), "the body has quantization annotations");
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_copied_and_taken_back),
        cmocka_unit_test(a_body_of_another_model_is_copied),
        cmocka_unit_test(a_given_graph_belongs_to_the_call),
        cmocka_unit_test(a_branch_is_copied),
        cmocka_unit_test(what_cannot_be_copied_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
