/* Inference through If, Loop, Scan, local functions, sequences, optionals and maps. */
#include "tests/unit/infer_world.h"

#define COUNT(cases) (sizeof(cases) / sizeof *(cases))

static void branches(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {16, "m (bool c, float[N,4] a, float[N,8] b) => (y) { y = If(c) <then_branch = t () => (o) { o = Neg(a) }, else_branch = e () => (p) { p = Neg(b) }> }",
         "y", "float[N,?]"},
        {16, "m (bool c, float[N] a, float[N,8] b) => (y) { y = If(c) <then_branch = t () => (o) { o = Neg(a) }, else_branch = e () => (p) { p = Neg(b) }> }",
         "y", "float"},
        /* a constant condition takes one branch */
        {16, "m (float[N] a, float[N,8] b) => (y) <bool c = {1}> { y = If(c) <then_branch = t () => (o) { o = Neg(a) }, else_branch = e () => (p) { p = Neg(b) "
             "}> }", "y", "float[N]"},
        {16, "m (float[N] a, float[N,8] b) => (y) <bool c = {0}> { y = If(c) <then_branch = t () => (o) { o = Neg(a) }, else_branch = e () => (p) { p = Neg(b) "
             "}> }", "y", "float[N,8]"},
        /* types that differ leave nothing */
        {16, "m (bool c, float[N] a, int64[N] b) => (y) { y = If(c) <then_branch = t () => (o) { o = Neg(a) }, else_branch = e () => (p) { p = Neg(b) }> }", "y",
         "?[N]"},
        {16, "m (bool c, float[N] a) => (y) { s = SequenceConstruct(a) y = If(c) <then_branch = t () => (o) { o = Neg(a) }, "
             "else_branch = e () => (p) { p = Identity(s) }> }", "y", "?"},
        {16, "m (bool c, float[2] a, float[3] b) => (y) { y = If(c) <then_branch = t () => (o) { o = SequenceConstruct(a) }, "
             "else_branch = e () => (p) { p = SequenceConstruct(b) }> }", "y", "seq(float[?])"},
        /* outer values are captured, also two deep */
        {16, "m (bool c, float[N,4] a) => (y) { y = If(c) <then_branch = t () => (o) { o = If(c) <then_branch = u () => (q) { q = Concat <axis = 0> (a, a) }, "
             "else_branch = f () => (r) { r = Concat <axis = 0> (a, a) }> }, else_branch = e () => (p) { p = Concat <axis = 0> (a, a) }> }", "y",
         "float[2*N,4]"},
        /* contents that both branches know alike; where they differ one element is unknown */
        {16, "m (bool c, float[N,4] a, float[M] b) => (y) { z = If(c) <then_branch = t () => (o) { o = Shape(a) }, else_branch = e () => (p) { s = Shape(a) p = "
             "Identity(s) }> y = Expand(b, z) }", "y", "float[N,4]"},
        {16, "m (bool c, float[N,4] a, float[N,8] b) => (y) { z = If(c) <then_branch = t () => (o) { o = Shape(a) }, else_branch = e () => (p) { p = Shape(b) }> "
             "y = ConstantOfShape(z) }", "y", "float[N,?]"},
        {16, "m (bool c, float[N,4] a) => (y) { z = If(c) <then_branch = t () => (o) { o = Shape(a) }, else_branch = e () => (p) <int64[3] p = {1, 2, 3}> {}> "
             "y = ConstantOfShape(z) }", "y", "float"},
        {16, "m (float[N,4] a) => (y) <bool c = {0}> { z = If(c) <then_branch = t () => (o) { o = Shape(a) }, else_branch = e () => (p) <int64[3] p = {1, 2, 3}> {}> "
             "y = ConstantOfShape(z) }", "y", "float[1,2,3]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

#define LOOP(body) "m (int64 n, float[N,4] a) => (y, s) { y, s = Loop(n, , a) <body = b (int64 i, bool c, v) => (d, w, z) { d = Identity(c) " body " }> }"
static void loops(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {16, LOOP("w = Neg(v) z = Identity(v)"), "y", "float[N,4]"},
        {16, LOOP("w = Neg(v) z = Identity(v)"), "s", "float[\"iterations#1\",N,4]"},
        {16, LOOP("w = Concat <axis = 0> (v, a) z = Identity(a)"), "y", "float[?,4]"},
        {16, LOOP("w = Concat <axis = 0> (v, v) z = Identity(v)"), "y", "float[?,4]"},
        {16, LOOP("k = Constant <value_ints = [0]> () w = Unsqueeze(v, k) z = Identity(a)"), "y", "float"},
        {16, LOOP("w = Transpose(v) z = Identity(a)"), "y", "float[?,?]"},
        {16, LOOP("w = Cast <to = 7> (v) z = Identity(a)"), "y", "?[N,4]"},
        /* no trip changes nothing, one trip may: the count of scanned slices is the number of trips */
        {16, "m (float[N,4] a) => (y, s) <int64 n = {3}, bool c = {1}> { y, s = Loop(n, c, a) <body = b (int64 i, bool c0, v) => (d, w, z) { d = Identity(c0) w = "
             "Neg(v) z = Identity(v) }> }", "s", "float[3,N,4]"},
        {16, "m (float[N,4] a) => (y, s) { x = Shape(a) z0 = Constant <value_int = 0> () n = Gather(x, z0) y, s = Loop(n, , a) <body = b (int64 i, bool c, v) => (d, "
             "w, z) { d = Identity(c) w = Neg(v) z = Identity(i) }> }", "s", "int64[N]"},
        /* a condition that the body computes may end it earlier */
        {16, "m (float[N,4] a) => (y, s) <int64 n = {3}, bool c = {1}> { y, s = Loop(n, c, a) <body = b (int64 i, bool c0, v) => (d, w, z) { d = Not(c0) w = Neg(v) "
             "z = Identity(v) }> }", "s", "float[\"iterations#1\",N,4]"},
        /* carried sequences grow without changing their type */
        {16, "m (int64 n, float[N,4] a) => (y) { e = SequenceEmpty() y = Loop(n, , e) <body = b (int64 i, bool c, v) => (d, w) { d = Identity(c) w = "
             "SequenceInsert(v, a) }> }", "y", "seq(float)"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void scans(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {16, "m (float[H] h, float[T,B] x) => (y, s) { y, s = Scan <num_scan_inputs = 1, body = b (v, e) => (w, z) { w = Neg(v) z = Neg(e) }> (h, x) }", "s",
         "float[T,B]"},
        {16, "m (float[H] h, float[T,B] x) => (y, s) { y, s = Scan <num_scan_inputs = 1, scan_input_axes = [-1], scan_output_axes = [1], body = b (v, e) => (w, z) { w "
             "= Neg(v) z = Neg(e) }> (h, x) }", "s", "float[T,B]"},
        {16, "m (float[H] h, float[T,B] x) => (y, s) { y, s = Scan <num_scan_inputs = 1, body = b (v, e) => (w, z) { w = Concat <axis = 0> (v, e) z = Neg(e) }> (h, x) "
             "}", "y", "float[?]"},
        {16, "m (float[H] h, float[T,B] x, float[U,B] z0) => (y, s) { y, s = Scan <num_scan_inputs = 2, body = b (v, e, f) => (w, z) { w = Neg(v) z = Add(e, f) }> (h, x, "
             "z0) }", "z0", "float[T,B]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

#define TWICE "\n<domain: \"my\", opset_import: [\"\" : 16]> twice (v) => (w) { w = Concat <axis = 0> (v, v) }"
static void functions(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {16, "m (float[N] a, int64[3,K] b) => (y, z) { y = my.twice(a) z = my.twice(b) }" TWICE, "y", "float[2*N]"},
        {16, "m (float[N] a, int64[3,K] b) => (y, z) { y = my.twice(a) z = my.twice(b) }" TWICE, "z", "int64[6,K]"},
        {16, "m (float[N] a) => (y) { h = my.twice(a) y = my.twice(h) }" TWICE, "y", "float[4*N]"},
        /* contents go through, attributes are the call's */
        {16, "m (float[N,M] a) => (y) { s = Shape(a) t = my.twice(s) y = ConstantOfShape(t) }" TWICE, "y", "float[N,M,N,M]"},
        {16, "m (float[N,M] a) => (y) { y = my.cat <along = 1> (a) }\n<domain: \"my\", opset_import: [\"\" : 16]> cat <along> (v) => (w) { w = Concat <axis: int = @along> "
             "(v, v) }", "y", "float[N,2*M]"},
        /* sizes that depend on data are of one call each */
        {16, "m (float[N] a, float[M] b) => (y) { p = my.nz(a) q = my.nz(b) y = Concat <axis = 1> (p, q) }\n<domain: \"my\", opset_import: [\"\" : 16]> nz (v) => (w) { w = "
             "NonZero(v) }", "y", "int64[1,\"nonzero#1\" + \"nonzero#2\"]"},
        /* too few inputs are omitted ones */
        {16, "m (float[N,4] a) => (y) { y = my.clip(a) }\n<domain: \"my\", opset_import: [\"\" : 16]> clip (v, lo, hi) => (w) { w = Clip(v, lo, hi) }", "y", "float[N,4]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void containers(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {16, "m (float[N] a, float[M] b) => (s) { s = SequenceConstruct(a, b) }", "s", "seq(float[?])"},
        {16, "m (float[N] a, float[N] b) => (s) { s = SequenceConstruct(a, b) }", "s", "seq(float[N])"},
        {16, "m (float[N] a, float[N,2] b) => (s) { s = SequenceConstruct(a, b) }", "s", "seq(float)"},
        {16, "m (seq(float[N,3]) q, int64 i) => (y) { y = SequenceAt(q, i) }", "y", "float[?,3]"},
        {16, "m (seq(float[N,3]) q) => (y) { y = ConcatFromSequence <axis = 0> (q) }", "y", "float[\"joined#1\",3]"},
        {16, "m (seq(float[N,3]) q) => (y) { y = ConcatFromSequence <axis = -1, new_axis = 1> (q) }", "y", "float[?,3,\"joined#1\"]"},
        {16, "m (float[N,6] a) => (s) <int64 n = {2}> { s = SplitToSequence <axis = 1> (a, n) }", "s", "seq(float[N,2])"},
        {16, "m (float[N,6] a) => (s) <int64 n = {4}> { s = SplitToSequence <axis = 1> (a, n) }", "s", "seq(float[N,?])"},
        {16, "m (float[N,6] a) => (s) { s = SplitToSequence <axis = 1, keepdims = 0> (a) }", "s", "seq(float[N])"},
        {16, "m (seq(float[N,3]) q) => (s) { s = SequenceErase(q) }", "s", "seq(float[?,3])"},
        {17, "m (seq(float[N,3]) q) => (s) { s = SequenceMap(q) <body = b (e) => (o) { o = Transpose(e) }> }", "s", "seq(float[3,?])"},
        {18, "m (float[N] a) => (o) { o = Optional(a) }", "o", "optional(float[N])"},
        {18, "m (optional(float[N]) p) => (y) { y = OptionalGetElement(p) }", "y", "float[N]"},
        {18, "m (optional(seq(float[N])) p) => (y) { y = OptionalGetElement(p) }", "y", "seq(float[?])"},
        {18, "m (optional(float[N]) p) => (y) { y = OptionalHasElement(p) }", "y", "bool[]"},
        {16, "m (float[N,2] a) => (z) { z = ai.onnx.ml.ZipMap <classlabels_strings = [\"a\", \"b\"]> (a) }", "z", "seq(map(string, float[]))"},
        {16, "m (map(int64, float) p) => (y) { y = ai.onnx.ml.CastMap <cast_to = \"TO_FLOAT\"> (p) }", "y", "float[1,\"entries#1\"]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(branches), cmocka_unit_test(loops), cmocka_unit_test(scans), cmocka_unit_test(functions),
                                       cmocka_unit_test(containers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
