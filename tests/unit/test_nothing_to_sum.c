/* Products and convolutions over nothing (no channels, no inner dimension): zeros, or the bias. */
#include "run_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static oo_array *empty(oo_elem elem, uint32_t rank, const int64_t *dims) { return array_of(elem, rank, dims, ""); }
#define EMPTY(elem, ...) empty((elem), sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]){__VA_ARGS__})

/* Runs the call on arrays that are released; the result has `count` elements, those of channel k (of `channels`) are bias[k]. */
static void check(const char *call, uint32_t count, uint32_t channels, const double *bias, uint32_t ninputs, oo_array **inputs) {
    oo_array *const out = run_call(22, call, ninputs, inputs);
    if (!out)
        fail_msg("%s: %s", call, run_message);
    assert_int_equal(out->count, count);
    for (uint64_t i = 0; i < count; i++)
        if (oo__array_double(out, i) != (bias ? bias[i / (count / channels)] : 0))
            fail_msg("%s: element %u is %g", call, (unsigned)i, oo__array_double(out, i));
    oo__array_release(out);
    for (uint32_t i = 0; i < ninputs; i++)
        oo__array_release(inputs[i]);
}
#define CHECK(call, count, channels, bias, ...)                                                                   \
    check((call), (count), (channels), (bias), sizeof((oo_array *[]){__VA_ARGS__}) / sizeof(oo_array *),           \
          (oo_array *[]){__VA_ARGS__})

static const double BIAS[] = {3, -2};

static oo_array *bias(void) { return array_of(OO_FLOAT, 1, (const int64_t[]){2}, (const float[]){3, -2}); }

static void test_convolutions(void **state) {
    (void)state;
    CHECK("Conv(i0, i1)", 8, 2, NULL, EMPTY(OO_FLOAT, 1, 0, 4, 4), EMPTY(OO_FLOAT, 2, 0, 3, 3));
    CHECK("Conv(i0, i1, i2)", 8, 2, BIAS, EMPTY(OO_FLOAT, 1, 0, 4, 4), EMPTY(OO_FLOAT, 2, 0, 3, 3), bias());
    CHECK("Conv(i0, i1, i2)", 32, 2, BIAS, EMPTY(OO_FLOAT, 1, 0, 4, 4), EMPTY(OO_FLOAT, 2, 0, 1, 1), bias()); /* the plain way */
    CHECK("ConvInteger(i0, i1)", 8, 2, NULL, EMPTY(OO_UINT8, 1, 0, 4, 4), EMPTY(OO_UINT8, 2, 0, 3, 3));
}

static void test_transposed(void **state) {
    (void)state;
    CHECK("ConvTranspose(i0, i1, i2)", 72, 2, BIAS, EMPTY(OO_FLOAT, 1, 0, 4, 4), EMPTY(OO_FLOAT, 0, 2, 3, 3), bias());
}

static void test_products(void **state) {
    (void)state;
    CHECK("MatMul(i0, i1)", 6, 1, NULL, EMPTY(OO_FLOAT, 2, 0), EMPTY(OO_FLOAT, 0, 3));
    CHECK("MatMul(i0, i1)", 6, 1, NULL, EMPTY(OO_INT32, 2, 0), EMPTY(OO_INT32, 0, 3));
    CHECK("MatMul(i0, i1)", 1, 1, NULL, EMPTY(OO_DOUBLE, 0), EMPTY(OO_DOUBLE, 0));
    CHECK("MatMulInteger(i0, i1)", 6, 1, NULL, EMPTY(OO_UINT8, 2, 0), EMPTY(OO_UINT8, 0, 3));
    CHECK("Gemm(i0, i1)", 6, 1, NULL, EMPTY(OO_FLOAT, 2, 0), EMPTY(OO_FLOAT, 0, 3));
    CHECK("Gemm<transB = 1>(i0, i1, i2)", 4, 2, BIAS, EMPTY(OO_FLOAT, 2, 0), EMPTY(OO_FLOAT, 2, 0),
          array_of(OO_FLOAT, 2, (const int64_t[]){2, 1}, (const float[]){3, -2}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_transposed),
        cmocka_unit_test(test_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
