/* Operators that draw random numbers are judged by their distribution: cases with fixed outputs cannot judge them. */
#include "io/io.h"
#include "run_node.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 40000 };

/* Mean and standard deviation of the elements. */
static void moments(const oo_array *a, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < a->count; i++) {
        const double x = oo__array_double(a, i);
        sum += x;
        squares += x * x;
    }
    *mean = sum / (double)a->count;
    *deviation = sqrt(squares / (double)a->count - *mean * *mean);
}

/* Five standard errors: a right generator passes, whatever its seed. */
static void draws(oo_array *a, double mean, double deviation) {
    if (!a)
        fail_msg("%s", run_message);
    double m, d;
    moments(a, &m, &d);
    assert_int_equal(a->count, COUNT);
    if (fabs(m - mean) > 5 * deviation / sqrt(COUNT) || fabs(d - deviation) > 0.02 * deviation)
        fail_msg("mean %g instead of %g, deviation %g instead of %g", m, mean, d, deviation);
    oo__array_release(a);
}

static oo_array *filled(double value) {
    const int64_t dims[] = {COUNT};
    oo_array *const a = oo__array_new(OO_FLOAT, 1, dims);
    for (uint64_t i = 0; i < COUNT; i++)
        oo__array_set_double(a, i, value);
    return a;
}

static oo_array *scalar(oo_elem elem, double value) {
    oo_array *const a = oo__array_new(elem, 0, NULL);
    oo__array_set_double(a, 0, value);
    return a;
}

static void test_normal(void **state) {
    (void)state;
    draws(run_call(22, "RandomNormal<mean = 2.0, scale = 3.0, shape = [200, 200]>()", 0, NULL), 2, 3);
    oo_array *const like = filled(0);
    draws(RUN(22, "RandomNormalLike<mean = -1.0, scale = 0.5>(i0)", like), -1, 0.5);
    oo__array_release(like);
}

static void test_uniform(void **state) {
    (void)state;
    draws(run_call(22, "RandomUniform<low = -1.0, high = 3.0, shape = [40000]>()", 0, NULL), 1, 4 / sqrt(12));
    oo_array *const like = filled(0);
    oo_array *const u = RUN(22, "RandomUniformLike<low = 2.0, high = 4.0>(i0)", like);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_true(oo__array_double(u, i) >= 2 && oo__array_double(u, i) <= 4);
    draws(u, 3, 2 / sqrt(12));
    oo__array_release(like);
}

static void test_bernoulli(void **state) {
    (void)state;
    oo_array *const p = filled(0.3);
    oo_array *const b = RUN(22, "Bernoulli(i0)", p);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_true(oo__array_double(b, i) == 0 || oo__array_double(b, i) == 1);
    draws(b, 0.3, sqrt(0.3 * 0.7));
    oo__array_release(p);
}

static void test_multinomial(void **state) {
    (void)state;
    const int64_t dims[] = {1, 3};
    oo_array *const logs = array_of(OO_FLOAT, 2, dims, (const float[]){logf(0.5f), logf(0.25f), logf(0.25f)});
    oo_array *const drawn = RUN(22, "Multinomial<sample_size = 40000, dtype = 7>(i0)", logs);
    assert_non_null(drawn);
    assert_int_equal(drawn->elem, OO_INT64);
    draws(drawn, 0.75, sqrt(0.25 * 1 + 0.25 * 4 - 0.75 * 0.75));
    oo__array_release(logs);
}

static void test_dropout(void **state) {
    (void)state;
    oo_array *const data = filled(2), *const ratio = scalar(OO_FLOAT, 0.2), *const training = scalar(OO_BOOL, 1);
    oo_array *const out = RUN(22, "Dropout(i0, i1, i2)", data, ratio, training);
    assert_non_null(out);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_true(oo__array_double(out, i) == 0 || fabs(oo__array_double(out, i) - 2.5) < 1e-6);
    draws(out, 2, 2.5 * sqrt(0.2 * 0.8));
    oo__array_release(data);
    oo__array_release(ratio);
    oo__array_release(training);
}

/* ---- what repeats, and what must not ---- */
static bool same(const char *text, const oo_eval_settings *a, const oo_eval_settings *b, uint32_t first, uint32_t second) {
    oo_context *const context = oo_context_new();
    oo_model *model;
    assert_int_equal(oo_model_parse(&model, context, text, strlen(text), "t"), OO_OK);
    oo_datum *x[2] = {NULL}, *y[2] = {NULL};
    oo_evaluator *const one = oo__evaluator_new(model, a), *const two = oo__evaluator_new(model, b);
    assert_int_equal(oo__evaluate(one, NULL, x), OO_OK);
    assert_int_equal(oo__evaluate(two, NULL, y), OO_OK);
    const bool equal = memcmp(x[first]->array->data, y[second]->array->data, 64) == 0;
    for (int i = 0; i < 2; i++) {
        oo__datum_release(x[i]);
        oo__datum_release(y[i]);
    }
    oo__evaluator_free(one);
    oo__evaluator_free(two);
    oo_model_free(model);
    oo_context_free(context);
    return equal;
}

static void test_seeds(void **state) {
    (void)state;
    static const char text[] = "<ir_version: 10, opset_import: [\"\" : 22]>\n"
                               "g () => (float[16] a, float[16] b) { a = RandomNormal<shape = [16]>()\n b = RandomNormal<shape = [16]>() }";
    static const char seeded[] = "<ir_version: 10, opset_import: [\"\" : 22]>\n"
                                 "g () => (float[16] a, float[16] b) { a = RandomNormal<shape = [16], seed = 1.0>()\n"
                                 " b = RandomNormal<shape = [16], seed = 1.0>() }";
    const oo_eval_settings zero = {0}, one = {.seed = 1};
    assert_true(same(text, &zero, &zero, 0, 0));
    assert_false(same(text, &zero, &zero, 0, 1));
    assert_false(same(text, &zero, &one, 0, 0));
    assert_true(same(seeded, &zero, &one, 0, 0));
    assert_true(same(seeded, &zero, &zero, 0, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),  cmocka_unit_test(test_uniform), cmocka_unit_test(test_bernoulli), cmocka_unit_test(test_multinomial),
        cmocka_unit_test(test_dropout), cmocka_unit_test(test_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
