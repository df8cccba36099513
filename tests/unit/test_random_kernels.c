/* The operators that draw random numbers: distributions, seeds, and that calls, iterations and nodes do not draw the same numbers. */
#include "eval/eval.h"
#include "io/io.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The outputs of a model in textual syntax without inputs, each to be released. */
static void evaluate(const char *text, uint64_t seed, oo_datum **out) {
    oo_context *const context = oo_context_new();
    oo_model *model = NULL;
    assert_int_equal(oo_model_parse(&model, context, text, strlen(text), "t"), OO_OK);
    oo_evaluator *const ev = oo__evaluator_new(model, &(oo_eval_settings){.seed = seed});
    assert_int_equal(oo__evaluate(ev, NULL, out), OO_OK);
    oo__evaluator_free(ev);
    oo_model_free(model);
    oo_context_free(context);
}

static oo_datum *evaluate_one(const char *body, uint64_t seed) {
    char text[2000];
    snprintf(text, sizeof text, "<ir_version: 10, opset_import: [\"\" : 22]>\ng () => (float y) { %s }", body);
    oo_datum *out = NULL;
    evaluate(text, seed, &out);
    return out;
}

static bool same(const oo_datum *a, const oo_datum *b) {
    return a->array->count == b->array->count &&
           memcmp(a->array->data, b->array->data, a->array->count * oo__array_width(a->array->elem)) == 0;
}

static double mean_of(const oo_array *a) {
    double sum = 0;
    for (uint64_t i = 0; i < a->count; i++)
        sum += oo__array_double(a, i);
    return sum / (double)a->count;
}

static double variance_of(const oo_array *a) {
    const double mean = mean_of(a);
    double sum = 0;
    for (uint64_t i = 0; i < a->count; i++)
        sum += (oo__array_double(a, i) - mean) * (oo__array_double(a, i) - mean);
    return sum / (double)a->count;
}

/* Bounds are six standard errors wide: the numbers are always the same, so they hold or they do not. */
static void test_distributions(void **state) {
    (void)state;
    oo_datum *const u = evaluate_one("y = RandomUniform <shape = [400, 250], low = -2.0, high = 4.0> ()", 1);
    assert_int_equal(u->array->rank, 2);
    assert_true(fabs(mean_of(u->array) - 1) < 6 * sqrt(3.0 / 1e5));
    assert_true(fabs(variance_of(u->array) - 3) < 0.06);
    for (uint64_t i = 0; i < u->array->count; i++)
        assert_true(oo__array_double(u->array, i) >= -2 && oo__array_double(u->array, i) <= 4);
    oo__datum_release(u);
    oo_datum *const n = evaluate_one("y = RandomNormal <shape = [100000], mean = 3.0, scale = 0.5, dtype = 11> ()", 1);
    assert_int_equal(n->array->elem, OO_DOUBLE);
    assert_true(fabs(mean_of(n->array) - 3) < 6 * 0.5 / sqrt(1e5));
    assert_true(fabs(variance_of(n->array) - 0.25) < 0.01);
    uint64_t beyond = 0; /* two standard deviations: 4.55 % */
    for (uint64_t i = 0; i < n->array->count; i++)
        beyond += fabs(oo__array_double(n->array, i) - 3) > 1;
    assert_true(beyond > 4100 && beyond < 5000);
    oo__datum_release(n);
    oo_datum *const b = evaluate_one("p = Constant <value_float = 0.3> () s = Constant <value_ints = [100000]> () q = "
                                     "Expand (p, s) y = Bernoulli <dtype = 9> (q)",
                                     1);
    assert_int_equal(b->array->elem, OO_BOOL);
    assert_true(fabs(mean_of(b->array) - 0.3) < 6 * sqrt(0.21 / 1e5));
    oo__datum_release(b);
}

static void test_multinomial(void **state) {
    (void)state;
    /* Logarithms of 1, 2, 0 and 5, and of 1, 0, 0, 0. */
    oo_datum *const m = evaluate_one(
        "l = Constant <value_floats = [0.0, 0.6931472, -inf, 1.609438, 7.0, -inf, -inf, -inf]> ()"
        "s = Constant <value_ints = [2, 4]> () r = Reshape (l, s) y = Multinomial <sample_size = 40000> (r)",
        1);
    assert_int_equal(m->array->elem, OO_INT32);
    uint64_t counts[2][4] = {{0}};
    for (uint64_t i = 0; i < m->array->count; i++)
        counts[i / 40000][oo__array_int(m->array, i)]++;
    assert_true(fabs((double)counts[0][0] - 5000) < 400);
    assert_true(fabs((double)counts[0][1] - 10000) < 520);
    assert_int_equal(counts[0][2], 0);
    assert_int_equal(counts[1][0], 40000);
    oo__datum_release(m);
}

static void test_seeds(void **state) {
    (void)state;
    const char *const plain = "y = RandomUniform <shape = [8]> ()",
                      *const seeded = "y = RandomUniform <shape = [8], seed = 3.0> ()";
    const char *const other = "y = RandomUniform <shape = [8], seed = 4.0> ()";
    oo_datum *const out[] = {evaluate_one(plain, 1),  evaluate_one(plain, 1),  evaluate_one(plain, 2),
                             evaluate_one(seeded, 1), evaluate_one(seeded, 2), evaluate_one(other, 1)};
    assert_true(same(out[0], out[1]));
    assert_false(same(out[0], out[2]));
    assert_true(same(out[3], out[4])); /* the attribute's seed does not ask the evaluator's */
    assert_false(same(out[3], out[5]));
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        oo__datum_release(out[i]);
}

/* Two nodes, the iterations of a loop, two calls of a function: all draw numbers of their own, with and without a seed. */
static void test_independence(void **state) {
    (void)state;
    static const char *const SEEDS[] = {"", ", seed = 1.0"};
    for (size_t k = 0; k < 2; k++) {
        char text[2000];
        snprintf(text, sizeof text,
                 "<ir_version: 10, opset_import: [\"\" : 22, \"my\" : 1]>\n"
                 "g () => (a, b, c, d, l) { a = RandomUniform <shape = [4]> () b = RandomUniform <shape = [4]> () c = "
                 "my.f () d = my.f ()\n"
                 "n = Constant <value_int = 3> () l = Loop (n, \"\") <body = r (int64 i, bool go) => (bool on, "
                 "float[4] u) {\n"
                 "on = Identity (go) u = RandomUniform <shape = [4]%s> () }> }\n"
                 "<domain: \"my\", opset_import: [\"\" : 22]>\nf () => (y) { y = RandomUniform <shape = [4]%s> () }",
                 SEEDS[k], SEEDS[k]);
        oo_datum *out[5] = {NULL};
        evaluate(text, 5, out);
        assert_false(same(out[0], out[1]));
        assert_false(same(out[2], out[3]));
        const float *const l = out[4]->array->data;
        assert_int_equal(out[4]->array->count, 12);
        assert_true(memcmp(l, l + 4, 16) != 0 && memcmp(l + 4, l + 8, 16) != 0);
        for (size_t i = 0; i < 5; i++)
            oo__datum_release(out[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_distributions), cmocka_unit_test(test_multinomial),
                                       cmocka_unit_test(test_seeds), cmocka_unit_test(test_independence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
