/* Constraints: equations that nodes need replace symbols of the inputs, where the nodes surely run. */
#include "tests/unit/infer_world.h"

#include "ir/infer_learn.h"

static void symbols_are_replaced(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {13, "m (float[N,K] a, float[P,Q] b) => (y) { y = MatMul(a, b) }", "b", "float[K,Q]"},
        {13, "m (float[N,K] a, float[768,Q] b) => (y) { y = MatMul(a, b) }", "a", "float[N,768]"},
        {13, "m (float[A,K] a, float[Q,P] b) => (y) { y = Gemm <transB = 1> (a, b) }", "b", "float[Q,K]"},
        {13, "m (float[2,\"3*M\"] a, float[N,P] b) => (y) { y = Concat <axis = 0> (a, b) }", "b", "float[N,3*M]"},
        {13, "m (float[\"M - 4\"] a, float[N] b) => (y) { y = Concat <axis = 0> (a, b) }", "b", "float[N]"},
        {13, "m (float[N,6] a) => (y) <int64[2] s = {4, 12}> { y = Reshape(a, s) }", "a", "float[8,6]"},
        {13, "m (float[N,K] a) => (y) <int64[1] s = {1}> { y = Squeeze(a, s) }", "a", "float[N,1]"},
        {13, "m (float[N,4] a) => (y, z) <int64[2] s = {3, 2}> { y, z = Split(a, s) }", "y", "float[3,4]"},
        {13, "m (float[N,C,8,8] x, float[4,3,3,3] w) => (y) { y = Conv(x, w) }", "x", "float[N,3,8,8]"},
        /* what is learned late holds early, and lessons follow from lessons */
        {13, "m (float[N,K] a, float[P,Q] b, float[Q,7] c) => (z) <int64[1] s = {0}> { e = Neg(b) y = MatMul(a, e) z = MatMul(y, c) q = Gemm(c, a) "
             "}", "y", "float[7,Q]"},
        /* a product may be zero, so that no symbol follows */
        {13, "m (float[N,K] a, float[P,K] b) => (y) { s = Shape(b) y = Reshape(a, s) }", "b", "float[P,K]"},
        /* the number must be a size */
        {13, "m (float[N,K] a, float[\"N + 4\",K] b) => (y) { y = Concat <axis = 1> (a, b) }", "a", "float[N,K]"},
        {13, "m (float[N,K] a, float[\"P + 4\",K] b) => (y) { y = Concat <axis = 1> (a, b) }", "a", "float[P + 4,K]"},
    };
    check_shape_cases(CASES, sizeof CASES / sizeof *CASES);
}

static void subgraphs_teach_nothing(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {13, "m (float[N,K] a, float[P,Q] b, bool c) => (y) { y = If(c) <then_branch = t () => (o) { o = MatMul(a, b) }, "
             "else_branch = e () => (o) { o = Identity(a) }> }", "b", "float[P,Q]"},
        {13, "m (float[N,K] a, float[P,Q] b, int64 n) => (y) { y = Loop(n, , a) <body = t (int64 i, bool c, float[N,K] v) => (d, o) { "
             "d = Identity(c) z = MatMul(v, b) o = Identity(v) }> }", "b", "float[P,Q]"},
        /* the body of a function runs when it is called */
        {13, "m (float[N,K] a, float[P,Q] b) => (y) { y = my.f(a, b) }\n<domain: \"my\", opset_import: [\"\" : 13]> f (u, v) => (w) { w = MatMul(u, v) }",
         "b", "float[K,Q]"},
    };
    check_shape_cases(CASES, sizeof CASES / sizeof *CASES);
}

static void constraints_are_listed(void **state) {
    (void)state;
    text_model m = text_model_new(13, "m (float[N,K] a, float[N,K] b, float[P,M] c) => (y, z) { s = Shape(b) t = Shape(c) y = Reshape(a, t) z = MatMul(c, b) "
                                      "}");
    assert_int_equal(infer_all(&m), OO_OK);
    const oo__learned *const l = m.model->learned;
    assert_int_equal(l->all.n, 2);
    assert_null(l->all.data[0].symbol); /* N*K = P*M */
    assert_string_equal(l->all.data[1].symbol, "M");
    assert_string_equal(oo__expr_print(l->all.data[1].right, m.model->arena), "N");
    assert_string_equal(l->all.data[1].node->op->name, "MatMul");
    text_model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(symbols_are_replaced), cmocka_unit_test(subgraphs_teach_nothing),
                                       cmocka_unit_test(constraints_are_listed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
