/* Adversarial cases of each family of operators: rank 0, dimensions of 0 and 1, unknown rank, negative axes, huge products, omitted optionals,
 * conflicts that name both sources. */
#include "tests/unit/infer_world.h"

#define COUNT(cases) (sizeof(cases) / sizeof *(cases))
/* 2^40, 2^62 */
#define BIG "1099511627776"
#define HUGE_DIM "4611686018427387904"

static void scalars(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {18, "m (float a, float[N] b) => (y) { y = Add(a, b) }", "y", "float[N]"},
        {18, "m (float a) => (y) { y = Shape(a) }", "y", "int64[0]"},
        {18, "m (float a) => (y) { s = Shape(a) y = ConstantOfShape(s) }", "y", "float[]"},
        {18, "m (float a) => (y) <int64[1] s = {-1}> { y = Reshape(a, s) }", "y", "float[1]"},
        {18, "m (float a) => (y) { s = Shape(a) y = Reshape(a, s) }", "y", "float[]"},
        {18, "m (float[1,1] a) => (y) { y = Squeeze(a) }", "y", "float[]"},
        {18, "m (float a) => (y) <int64[1] x = {0}> { y = Unsqueeze(a, x) }", "y", "float[1]"},
        {18, "m (float a) => (y) { y = Flatten <axis = 0> (a) }", "y", "float[1,1]"},
        {18, "m (float a) => (y) { y = Transpose(a) }", "y", "float[]"},
        {18, "m (float a, int64[3] s) => (y) { y = Expand(a, s) }", "y", "float[?,?,?]"},
        {18, "m () => (y) <float a = {3}, int64[1] s = {-1}> { y = Expand(a, s) }", "y", "float[?]"},
        {18, "m (float[2] x) => (y) <int64 n = {-3}> { y = Loop(n, \"\") <body = b (int64 i, bool c) => (bool d, float[2] o) { d = Identity(c) o = Neg(x) }> }", "y", "float[0,2]"},
        {18, "m (float[N] a, int64 i) => (y) { y = Gather(a, i) }", "y", "float[]"},
        {18, "m (float[N,M] a) => (y) { y = ReduceSum <keepdims = 0> (a) }", "y", "float[]"},
        {18, "m (float a) => (y) { y = Size(a) }", "y", "int64[]"},
        {18, "m (float[N] a, float[N] b) => (y) { y = MatMul(a, b) }", "y", "float[]"},
        {18, "m (float[N] a) => (y) { y = Einsum <equation = \"i->\"> (a) }", "y", "float[]"},
        {18, "m (float a) => (y) { y = Where(c, a, a) c = IsNaN(a) }", "c", "bool[]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void zeros_and_ones(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {18, "m (float[0,N] a, float[1,N] b) => (y) { y = Add(a, b) }", "y", "float[0,N]"},
        {18, "m (float[N,1] a, float[1,M] b) => (y) { y = Mul(a, b) }", "y", "float[N,M]"},
        {18, "m (float[0,3] a) => (y) <int64[2] s = {0, 3}> { y = Reshape(a, s) }", "y", "float[0,3]"},
        {18, "m (float[0,3] a) => (y) <int64[3] s = {0, 5, 3}> { y = Reshape <allowzero = 1> (a, s) }", "y", "float[0,5,3]"},
        {18, "m (float[2,0,4] a) => (y) { y = Flatten(a) }", "y", "float[2,0]"},
        {18, "m (float[0] a, float[N] b) => (y) { y = Concat <axis = 0> (a, b) }", "y", "float[N]"},
        {18, "m (float[3,0] a, float[0,4] b) => (y) { y = MatMul(a, b) }", "y", "float[3,4]"},
        {18, "m (float[0,4] a) => (y) <int64[1] s = {1}, int64[1] e = {9}> { y = Slice(a, s, e) }", "y", "float[0,4]"},
        {18, "m (float[0] a) => (y) <int64[1] s = {5}, int64[1] e = {-9}, int64[1] x = {0}, int64[1] t = {-1}> { y = Slice(a, s, e, x, t) }", "y", "float[0]"},
        {18, "m (float[5] a) => (y) <int64[1] s = {9}, int64[1] e = {-9}, int64[1] x = {0}, int64[1] t = {-2}> { y = Slice(a, s, e, x, t) }", "y", "float[3]"},
        {18, "m (float[N,4] a) => (y, i) <int64[1] k = {0}> { y, i = TopK(a, k) }", "i", "int64[N,0]"},
        {18, "m (float[N] a) => (y) <int64[1] r = {0}> { y = Tile(a, r) }", "y", "float[0]"},
        {18, "m (float[1,3,0,0] a) => (y) { y = GlobalAveragePool(a) }", "y", "float[1,3,1,1]"},
        {18, "m (float[0] a) => (y, z) { y, z = Split <num_outputs = 2> (a) }", "z", "float[0]"},
        {18, "m () => (y) <int64 a = {3}, int64 b = {3}, int64 c = {1}> { y = Range(a, b, c) }", "y", "int64[0]"},
        {18, "m () => (y) <int64 a = {3}, int64 b = {-4}, int64 c = {-2}> { y = Range(a, b, c) }", "y", "int64[4]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void unknown_ranks(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {18, "m (float[] a, float[N] b) => (y) { y = Add(a, b) }", "y", "float"}, /* ONNX text: [] is any rank */
        {18, "m (float[N] b) => (y) { a = my.f(b) c = Cast <to = 1> (a) y = Add(c, b) }", "y", "float"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = Cast <to = 6> (a) }", "y", "int32"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = Shape(a) }", "y", "int64[?]"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = Flatten(a) }", "y", "?[?,?]"},
        {18, "m (float[N] b) => (y) <int64[3] s = {2, -1, 4}> { a = my.f(b) y = Reshape(a, s) }", "y", "?[2,?,4]"},
        {18, "m (float[N] b) => (y) <int64[3] s = {0, 3, 4}> { a = my.f(b) y = Reshape(a, s) }", "y", "?[?,3,4]"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = Transpose <perm = [1, 0]> (a) }", "y", "?[?,?]"},
        {18, "m (float[N,M] b) => (y) { a = my.f(b) y = Concat <axis = 0> (b, a) }", "y", "float[?,M]"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = Gemm(a, a) }", "y", "?[?,?]"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = ArgMax(a) }", "y", "int64"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = NonZero(a) }", "y", "int64[?,\"nonzero#1\"]"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = Conv(a, a) }", "y", "?"},
        {18, "m (float[N] b) => (y) { a = my.f(b) y = IsNaN(a) }", "y", "bool"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void negative_axes(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {18, "m (float[A,B,C] a) => (y) { y = Concat <axis = -3> (a, a) }", "y", "float[2*A,B,C]"},
        {18, "m (float[A,B,C] a, int64[K] i) => (y) { y = Gather <axis = -1> (a, i) }", "y", "float[A,B,K]"},
        {18, "m (float[A,B,C] a) => (y) { y = Flatten <axis = -1> (a) }", "y", "float[A*B,C]"},
        {18, "m (float[A,1,C] a) => (y) <int64[1] x = {-2}> { y = Squeeze(a, x) }", "y", "float[A,C]"},
        {18, "m (float[A,B] a) => (y) <int64[2] x = {-1, -4}> { y = Unsqueeze(a, x) }", "y", "float[1,A,B,1]"},
        {18, "m (float[A,B,C] a) => (y) <int64[2] x = {-1, -3}> { y = ReduceMean(a, x) }", "y", "float[1,B,1]"},
        {18, "m (float[A,6] a) => (y, z) { y, z = Split <axis = -1, num_outputs = 2> (a) }", "z", "float[A,3]"},
        {18, "m (float[A,B] a) => (y) { y = ArgMin <axis = -2, keepdims = 0> (a) }", "y", "int64[B]"},
        {18, "m (int64[A,B] a, float[2] v) => (y) <int64 d = {5}> { y = OneHot <axis = -2> (a, d, v) }", "y", "float[A,5,B]"},
        {18, "m (float[A,B,9] a) => (y) <int64[1] s = {-4}, int64[1] e = {-1}, int64[1] x = {-1}> { y = Slice(a, s, e, x) }", "y", "float[A,B,3]"},
        {18, "m (float[A,B] a) => (y) <int64[2] p = {1, 2}, int64[1] x = {-1}> { y = Pad(a, p, , x) }", "y", "float[A,B + 3]"},
        {18, "m (float[A,B] a) => (y) { y = Shape <start = -1> (a) }", "y", "int64[1]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void omitted_inputs(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {18, "m (float[N,4] a, float hi) => (y) { y = Clip(a, , hi) }", "y", "float[N,4]"},
        {18, "m (float[N,4] a) => (y) <int64[1] s = {0}, int64[1] e = {2}, int64[1] t = {2}> { y = Slice(a, s, e, , t) }", "y", "float[floor((min(N, 2) - 1)/2) + 1,4]"},
        {18, "m (float[N,3,8,8] a) => (y) <float[4] s = {1, 1, 2, 0.5}> { y = Resize(a, , s) }", "y", "float[N,3,16,4]"},
        {18, "m (float[N,3,8,8] a) => (y) <int64[4] s = {1, 3, 4, 5}> { y = Resize(a, , , s) }", "y", "float[1,3,4,5]"},
        {18, "m (float[T,B,4] x, float[1,12,4] w, float[1,12,3] r, float[1,B,3] h) => (y, z) { y, z = GRU <hidden_size = 3> (x, w, r, , , h) }", "z",
         "float[1,B,3]"},
        {18, "m (float[T,B,4] x, float[1,9,4] w, float[1,9,3] r) => (z) { , z = GRU <hidden_size = 3> (x, w, r) }", "z", "float[1,B,3]"},
        {18, "m (float[N,4] a) => (y) { y = ReduceSum <noop_with_empty_axes = 1> (a) }", "y", "float[N,4]"},
        {18, "m (float[N,4] a) => (y) { y = Dropout(a) }", "y", "float[N,4]"},
        {18, "m (float[N,4] a) => (y) <int64[4] p = {0, 1, 0, 1}> { y = Pad(a, p) }", "y", "float[N,6]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

static void conflicts_name_both(void **state) {
    (void)state;
    static const refusal_case CASES[] = {
        {18, "m (float[2,3] a, float[4,5] b) => (y) { y = Add(a, b) }", "\"a\" tensor(float)[2,3] and \"b\" tensor(float)[4,5]: they do not broadcast"},
        {18, "m (float[2,3] a, float[4,5] b) => (y) { y = MatMul(a, b) }", "\"a\" tensor(float)[2,3] and \"b\" tensor(float)[4,5]: the inner dimensions"},
        {18, "m (float[N,3] a, float[N,4] b) => (y) { y = Concat <axis = 0> (a, b) }", "\"a\" tensor(float)[N,3] and \"b\" tensor(float)[N,4]: they differ at axis 1"},
        {18, "m (float[N] a, float[\"N + 1\"] b) => (y) { c = Unsqueeze(b, z) z = Constant <value_ints = [0]> () y = Gemm <transB = 1> (d, c) d = Unsqueeze(a, z) }",
         "the inner dimensions"},
        {18, "m (float[1,4,8,8] a, float[8,3,3,3] w) => (y) { y = Conv(a, w) }", "\"a\" tensor(float)[1,4,8,8] and \"w\" tensor(float)[8,3,3,3]: the channels"},
        {18, "m (float[2,3] a) => (y) <int64[1] s = {7}> { y = Reshape(a, s) }", "6 elements cannot take a shape of 7"},
        {18, "m (float[2,3] a) => (y) <int64[2] s = {4, 5}> { y = Expand(a, s) }", "does not broadcast to the shape"},
        {7, "m (float[2,3] a, float[2,4] b) => (y) { y = Sum(a, b) }", "\"a\" tensor(float)[2,3] and \"b\" tensor(float)[2,4]: before version 8"},
    };
    check_refusal_cases(CASES, COUNT(CASES));
}

static void refused(void **state) {
    (void)state;
    static const refusal_case CASES[] = {
        {18, "m (float[A,B] a) => (y) { y = Concat <axis = 2> (a, a) }", "axis 2 is out of range for rank 2"},
        {18, "m (float[A,B] a) => (y) { y = Gather <axis = -3> (a, i) i = Shape(a) }", "axis -3 is out of range"},
        {18, "m (float[A,2] a) => (y) <int64[1] x = {1}> { y = Squeeze(a, x) }", "2 elements and cannot be squeezed"},
        {18, "m (float[A,B] a) => (y) <int64[2] x = {0, 0}> { y = Unsqueeze(a, x) }", "named twice"},
        {18, "m (float[A,B] a) => (y) { y = Transpose <perm = [0, 2]> (a) }", "perm names axis 2"},
        {18, "m (float[A,B] a) => (y) <int64[2] s = {-1, -1}> { y = Reshape(a, s) }", "more than one -1"},
        {18, "m (float[A] a) => (y) <int64[2] s = {0, 0}> { y = Reshape(a, s) }", "copies one that the input does not have"},
        {18, "m () => (y) <int64[1] s = {-1}> { y = ConstantOfShape(s) }", "negative"},
        {18, "m (float[1,1,2,2] a) => (y) { y = MaxPool <kernel_shape = [5, 5]> (a) }", "does not fit"},
        {18, "m (float a) => (y) { y = Concat <axis = 0> (a, a) }", "out of range for rank 0"},
        {18, "m (float a, float b) => (y) { y = MatMul(a, b) }", "a factor is a scalar"},
        /* products that pass 64 bits are refused, never wrapped */
        {18, "m (float[" HUGE_DIM ",4] a) => (y) { y = Flatten <axis = 0> (a) }", "does not fit 64 bits"},
        {18, "m (float[" HUGE_DIM "] a) => (y) { y = Concat <axis = 0> (a, a) }", "does not fit 64 bits"},
        {18, "m (float[" HUGE_DIM "] a) => (y) <int64[1] r = {4}> { y = Tile(a, r) }", "does not fit 64 bits"},
        {18, "m () => (y) <int64 a = {" HUGE_DIM "}, int64 b = {4}> { y = Mul(a, b) }", "does not fit 64 bits"},
    };
    check_refusal_cases(CASES, COUNT(CASES));
}

/* Sizes that nothing can hold are fine as types: 2^80 elements have no count in 64 bits, and nothing is computed from one. */
static void huge_sizes(void **state) {
    (void)state;
    static const shape_case CASES[] = {
        {18, "m (float[" BIG "," BIG "] a) => (y) { y = Neg(a) }", "y", "float[" BIG "," BIG "]"},
        {18, "m (float[" BIG "," BIG "] a) => (y) { y = Transpose(a) }", "y", "float[" BIG "," BIG "]"},
        {18, "m (float[" BIG "," BIG "] a) => (y) <int64[1] s = {-1}> { y = Reshape(a, s) }", "y", "float[?]"},
        {18, "m () => (y) <int64[2] s = {1000000000, 1000000}> { y = ConstantOfShape(s) }", "y", "float[1000000000,1000000]"},
        {18, "m (float[N," BIG "] a, float[" BIG ",M] b) => (y) { y = MatMul(a, b) }", "y", "float[N,M]"},
    };
    check_shape_cases(CASES, COUNT(CASES));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),        cmocka_unit_test(zeros_and_ones),      cmocka_unit_test(unknown_ranks), cmocka_unit_test(negative_axes),
        cmocka_unit_test(omitted_inputs), cmocka_unit_test(conflicts_name_both), cmocka_unit_test(refused),       cmocka_unit_test(huge_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
