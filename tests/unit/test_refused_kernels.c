/* Sequences, strings, losses, signals, Einsum, ai.onnx.ml, loops: what is against their rules is refused, and the message says why. */
#include "eval/eval.h"
#include "io/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char message[400];

static void hear(void *user, const oo_diag *d) {
    (void)user;
    if (!message[0])
        snprintf(message, sizeof message, "%s", d->text);
}

static void check(const char *body, const char *part) {
    char text[3000];
    snprintf(text, sizeof text,
             "<ir_version: 10, opset_import: [\"\" : 22, \"ai.onnx.ml\" : 5]>\n"
             "g () => (y) { f = Constant <value_floats = [1.0, 2.0, 3.0]> () i = Constant <value_ints = [1, 2, 3]> () "
             "zero = Constant <value_int = 0> ()\n"
             "w = Constant <value_strings = [\"a\", \"b\"]> () m = Constant <value = float[1, 3] {1, 2, 3}> () s = "
             "SequenceConstruct (f, f) %s }",
             body);
    oo_context *const context = oo_context_new();
    oo_set_sink(context, hear, NULL);
    message[0] = 0;
    oo_model *model = NULL;
    if (oo_model_parse(&model, context, text, strlen(text), "t") != OO_OK)
        fail_msg("%s: %s", body, message);
    oo_evaluator *const ev = oo__evaluator_new(model, &(oo_eval_settings){.loop_limit = 100});
    oo_datum *out = NULL;
    assert_int_not_equal(oo__evaluate(ev, NULL, &out), OO_OK);
    assert_null(out);
    if (!strstr(message, part))
        fail_msg("%s: \"%s\" does not say \"%s\"", body, message, part);
    oo__evaluator_free(ev);
    oo_model_free(model);
    oo_context_free(context);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *body, *part;
    } CASES[] = {
        {"y = SequenceConstruct (f, i)", "another element type"},
        {"p = Constant <value_int = 2> () y = SequenceAt (s, p)", "position 2 is out of range for a sequence of 2"},
        {"p = Constant <value_int = -3> () y = SequenceErase (s, p)", "position -3"},
        {"y = SequenceInsert (s, i)", "element type"},
        {"y = SequenceLength (f)", "no sequence"},
        {"e = SequenceEmpty () y = ConcatFromSequence <axis = 0> (e)", "empty"},
        {"y = ConcatFromSequence <axis = 5> (s)", "axis is out of range"},
        {"e = SequenceEmpty <dtype = 99> () y = SequenceLength (e)", "dtype 99"},
        {"y = SplitToSequence (f, i)", "add up to 6"},
        {"y = SplitToSequence (f, zero)", "not positive"},
        {"o = Optional <type = float[2]> () y = OptionalGetElement (o)", "empty"},
        {"y = StringConcat (w, f)", "no tensor of strings"},
        {"y = RegexFullMatch <pattern = \"a(\"> (w)", "wrong at byte 2"},
        {"y = TfIdfVectorizer <mode = \"TF\", min_gram_length = 1, max_gram_length = 1, max_skip_count = 0, "
         "ngram_counts = [0], ngram_indexes = [0], pool_int64s = [1, 2]> (i)",
         "more n-grams"},
        {"y = TfIdfVectorizer <mode = \"TF\", min_gram_length = 1, max_gram_length = 1, max_skip_count = 0, "
         "ngram_counts = [0], ngram_indexes = [9223372036854775807], pool_int64s = [1]> (i)",
         "limit"},
        {"l = Constant <value = int64[1] {3}> () y = NegativeLogLikelihoodLoss (m, l)",
         "label 3 is out of range for 3 classes"},
        {"y = Einsum <equation = \"i,j\"> (f)", "where it should end"},
        {"y = Einsum <equation = \"ij\"> (f)", "2 labels for an input of 1 dimensions"},
        {"y = Einsum <equation = \"i->ii\"> (f)", "twice"},
        {"y = Einsum <equation = \"i.i\"> (f)", "dot"},
        {"a = Constant <value_int = 0> () y = DFT (m, \"\", a)", "1 or 2 real numbers"},
        {"y = HannWindow <output_datatype = 8> (zero)", "no type of numbers"},
        {"n = Constant <value_int = 4611686018427387904> () y = HannWindow (n)", "limit"},
        {"y = RandomUniform <shape = [4611686018427387904, 4]> ()", "limit"},
        {"y = RandomUniform <shape = [2], dtype = 7> ()", "no floating-point type"},
        {"y = Multinomial (f)", "matrix"},
        {"y = ai.onnx.ml.LabelEncoder <keys_int64s = [1, 2], values_int64s = [1]> (i)", "do not fit each other"},
        {"y = ai.onnx.ml.OneHotEncoder <cats_int64s = [1, 2], zeros = 0> (i)", "no known category"},
        {"y = ai.onnx.ml.Scaler <offset = [1.0, 2.0], scale = [1.0]> (m)", "2 offsets"},
        {"y = ai.onnx.ml.CastMap (f)", "no map"},
        {"y = ai.onnx.ml.ZipMap <classlabels_int64s = [1, 2]> (m)", "2 labels for 3 columns"},
        {"y = ai.onnx.ml.LinearRegressor <coefficients = [1.0, 2.0]> (m)", "do not fit 3 features"},
        {"y = ai.onnx.ml.SVMRegressor <coefficients = [1.0], rho = [0.0], n_supports = 1, support_vectors = [1.0]> (m)",
         "do not fit"},
        {"y = ai.onnx.ml.TreeEnsemble <n_targets = 1, nodes_featureids = [0], nodes_truenodeids = [0], "
         "nodes_falsenodeids = [0], nodes_trueleafs = [0], nodes_falseleafs = [0],"
         "nodes_modes = uint8[1] {0}, nodes_splits = float[1] {0}, leaf_targetids = [0], leaf_weights = float[1] {1}, "
         "tree_roots = [0]> (m)",
         "goes round in circles"},
        {"y = ai.onnx.ml.TreeEnsemble <n_targets = 1, nodes_featureids = [3], nodes_truenodeids = [0], "
         "nodes_falsenodeids = [0], nodes_trueleafs = [1], nodes_falseleafs = [1],"
         "nodes_modes = uint8[1] {0}, nodes_splits = float[1] {0}, leaf_targetids = [0], leaf_weights = float[1] {1}, "
         "tree_roots = [0]> (m)",
         "feature 3 of 3"},
        {"y = If (f) <then_branch = t () => (float a) { a = Identity (f) }, else_branch = e () => (float b) { b = "
         "Identity (f) }>",
         "no bool scalar"},
        {"y = Loop (\"\", \"\", f) <body = b (int64 k, bool c, float[3] x) => (bool d, float[3] z) { d = Identity (c) "
         "z = Identity (x) }>",
         "more than 100 times"},
        {"y = Loop (zero, \"\", f) <body = b (int64 k, bool c) => (bool d) { d = Identity (c) }>", "does not fit"},
        {"n = Constant <value_int = 2> () y = Loop (n, \"\") <body = b (int64 k, bool c) => (bool d, float z) { d = "
         "Identity (c) one = Constant <value_ints = [1]> () v = Mul (k, one) z = ConstantOfShape (v) }>",
         "differ in shape"},
        {"y = Scan <num_scan_inputs = 1, scan_input_axes = [4], body = b (float x) => (float z) { z = Identity (x) }> "
         "(f)",
         "out of range"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        check(CASES[i].body, CASES[i].part);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
