/* The evaluator's core: functions, scopes, limits, doubles, rewritten models; arrays; random inputs; files of values. */
#include "base/diag.h"
#include "eval/compare.h"
#include "eval/random_input.h"
#include "io/io.h"
#include "io/npy.h"
#include "ir/rewriter.h"
#include "passes/values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "<ir_version: 10, opset_import: [\"\" : 21, \"local\" : 1]>\n"

typedef struct world {
    oo_context *context;
    oo_model *model;
    oo_evaluator *ev;
    char heard[400], code[40];
} world;

static void hear(void *user, const oo_diag *d) {
    world *const w = user;
    snprintf(w->heard, sizeof w->heard, "%s", d->text);
    snprintf(w->code, sizeof w->code, "%s", d->code);
}

static world *world_of(const char *text, const oo_eval_settings *settings) {
    world *const w = calloc(1, sizeof *w);
    w->context = oo_context_new();
    oo_set_sink(w->context, hear, w);
    if (oo_model_parse(&w->model, w->context, text, strlen(text), "t") != OO_OK)
        fail_msg("%s", w->heard);
    assert_int_equal(oo__model_sort(w->model), OO_OK);
    w->ev = oo__evaluator_new(w->model, settings);
    return w;
}

static void world_free(world *w) {
    oo__evaluator_free(w->ev);
    oo_model_free(w->model);
    oo_context_free(w->context);
    oo__eval_limit = UINT64_C(4) << 30;
    free(w);
}

static oo_datum *floats(uint32_t count, const float *data) {
    const int64_t dims[] = {count};
    oo_array *const a = oo__array_new(OO_FLOAT, 1, dims);
    memcpy(a->data, data, count * sizeof *data);
    return oo__datum_tensor(a);
}

/* Runs on one float input of two elements; the first output's two elements, or the status. */
static oo_status run(world *w, float a, float b, double *x, double *y) {
    oo_datum *const in = floats(2, (const float[]){a, b});
    oo_datum *out[4];
    const oo_status status = oo__evaluate(w->ev, &in, out);
    oo__datum_release(in);
    if (status != OO_OK)
        return status;
    *x = oo__array_double(out[0]->array, 0);
    *y = oo__array_double(out[0]->array, 1);
    for (uint32_t i = 0; i < w->model->graph->outputs.n; i++)
        oo__datum_release(out[i]);
    return status;
}

static void gives(const char *text, double x, double y) {
    world *const w = world_of(text, NULL);
    for (int again = 0; again < 2; again++) {
        double gx = 0, gy = 0;
        if (run(w, 1, -2, &gx, &gy) != OO_OK)
            fail_msg("%s", w->heard);
        assert_float_equal(gx, x, 1e-6);
        assert_float_equal(gy, y, 1e-6);
    }
    world_free(w);
}

static void fails(const char *text, oo_status status, const char *code, const oo_eval_settings *settings) {
    world *const w = world_of(text, settings);
    double x, y;
    assert_int_equal(run(w, 1, -2, &x, &y), status);
    assert_string_equal(w->code, code);
    world_free(w);
}

/* ---- graphs ---- */
static void test_chain(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y) <float[2] w = {3, 4}> { a = Mul(x, w)\n b = Add(a, w)\n y = Neg(b) }", -6, 4);
}

static void test_function_with_reference(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y) { y = local.leak<slope = 0.5>(x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 21]>\nleak <slope> (a) => (b) { b = LeakyRelu<alpha : float = @slope>(a) }",
          1, -1);
}

static void test_reference_without_attribute(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y) { y = local.leak(x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 21]>\nleak <slope> (a) => (b) { b = LeakyRelu<alpha : float = @slope>(a) }",
          1, -0.02);
}

static void test_function_in_function(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y) { y = local.outer<s = 0.25>(x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 21, \"local\" : 1]>\nouter <s> (a) => (b) { b = local.leak<slope : float = @s>(a) }\n"
               "<domain: \"local\", opset_import: [\"\" : 21]>\nleak <slope> (a) => (b) { b = LeakyRelu<alpha : float = @slope>(a) }",
          1, -0.5);
}

static void test_omitted_function_input(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y) { y = local.f(x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 21]>\nf (a, low, high) => (b) { b = Clip(a, low, high) }",
          1, -2);
}

static void test_if_captures(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y) <bool c = {1}> { a = Neg(x)\n"
               " y = If (c) <then_branch = t () => (float[2] z) { z = Add(a, a) }, else_branch = e () => (float[2] z) { z = Identity(x) }> }",
          -2, 4);
}

static void test_unused_and_repeated(void **state) {
    (void)state;
    gives(HEAD "g (float[2] x) => (float[2] y, float[2] x2) { unused = Exp(x)\n y = Abs(x)\n x2 = Identity(y) }", 1, 2);
}

/* ---- errors ---- */
/* Recursion is refused when a model is read; a chain of calls is not. */
static void test_deep_calls(void **state) {
    (void)state;
    enum { DEEP = 1000 };
    char *text;
    size_t size;
    FILE *const f = open_memstream(&text, &size);
    fputs(HEAD "g (float[2] x) => (float[2] y) { y = local.f0(x) }\n", f);
    for (int i = 0; i < DEEP; i++)
        fprintf(f, "<domain: \"local\", opset_import: [\"\" : 21, \"local\" : 1]>\nf%d (a) => (b) { b = local.f%d(a) }\n", i, i + 1);
    fprintf(f, "<domain: \"local\", opset_import: [\"\" : 21]>\nf%d (a) => (b) { b = Neg(a) }\n", (int)DEEP);
    fclose(f);
    fails(text, OO_LIMIT, "eval-depth", NULL);
    free(text);
}

static void test_step_limit(void **state) {
    (void)state;
    fails(HEAD "g (float[2] x) => (float[2] y) { a = Neg(x)\n b = Neg(a)\n y = Neg(b) }", OO_LIMIT, "eval-steps",
          &(oo_eval_settings){.step_limit = 2});
}

static void test_memory_limit(void **state) {
    (void)state;
    fails(HEAD "g (float[2] x) => (float[100, 2] y) <float[100, 1] w = {" /* 100 ones */
               "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
               "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> { y = Add(x, w) }",
          OO_INVALID, "eval-invalid", &(oo_eval_settings){.memory_limit = 600});
}

static void test_unknown_operator(void **state) {
    (void)state;
    fails(HEAD "g (float[2] x) => (float[2] y) { y = my.Strange(x) }", OO_UNSUPPORTED, "eval-unsupported", NULL);
}

static void test_missing_input(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (float[2] x, float[2] z) => (float[2] y) { y = Add(x, z) }", NULL);
    oo_datum *out[1], *in[2] = {floats(2, (const float[]){1, 2}), NULL};
    assert_int_equal(oo__evaluate(w->ev, in, out), OO_INVALID);
    assert_string_equal(w->code, "eval-no-value");
    assert_null(out[0]);
    oo__datum_release(in[0]);
    world_free(w);
}

/* ---- doubles, rewriting ---- */
static void test_in_double(void **state) {
    (void)state;
    static const char text[] = HEAD "g (float[2] x) => (float[2] y) <float[1] big = {16777216}> { a = Add(x, big)\n y = Sub(a, big) }";
    double x, y;
    world *w = world_of(text, NULL);
    assert_int_equal(run(w, 0.25f, -2, &x, &y), OO_OK);
    assert_float_equal(x, 0, 0);
    world_free(w);
    w = world_of(text, &(oo_eval_settings){.in_double = true});
    assert_int_equal(run(w, 0.25f, -2, &x, &y), OO_OK);
    assert_float_equal(x, 0.25, 0);
    world_free(w);
}

static void test_rewritten_model(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (float[2] x) => (float[2] y) <float[2] w = {3, 4}> { a = Mul(x, w)\n b = Exp(a)\n y = Neg(b) }", NULL);
    double x, y;
    assert_int_equal(run(w, 0, 0, &x, &y), OO_OK);
    assert_float_equal(x, -1, 0);
    oo_arena *const scratch = oo__arena_new();
    oo_rewriter *const rw = oo__rewriter_new(w->model, scratch, &(oo_rewriter_settings){.pass = "test"});
    const oo_checkpoint point = oo__checkpoint(rw);
    oo_node *const first = w->model->graph->first, *const exp = first->next;
    /* A new node takes the place of Exp: ids and orders are others. */
    assert_true(oo_begin(rw, "rule", exp));
    const oo_value *const twice[] = {first->outputs[0], first->outputs[0]};
    oo_node *const sum = oo_build(rw, exp, "", "Add", twice, 2, 1);
    assert_true(oo_replace(rw, exp->outputs[0], sum->outputs[0]));
    oo_erase(rw, exp);
    oo_end(rw);
    assert_int_equal(run(w, 1, 2, &x, &y), OO_OK);
    assert_float_equal(x, -6, 0);
    assert_float_equal(y, -16, 0);
    oo__rollback(rw, point);
    assert_int_equal(run(w, 0, 0, &x, &y), OO_OK);
    assert_float_equal(x, -1, 0);
    assert_true(oo__rewriter_free(rw));
    oo__arena_free(scratch);
    world_free(w);
}

/* When a value is released is planned once; a rewrite that is taken back must not leave the plan of the rewritten graph. */
static void test_plan_after_rollback(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (float[2] x) => (float[2] y) { a = Neg(x)\n b = Exp(a)\n y = Add(b, a) }", NULL);
    double x, y;
    oo_arena *const scratch = oo__arena_new();
    oo_rewriter *const rw = oo__rewriter_new(w->model, scratch, &(oo_rewriter_settings){.pass = "test"});
    const oo_checkpoint point = oo__checkpoint(rw);
    oo_node *const exp = w->model->graph->first->next;
    assert_true(oo_begin(rw, "rule", exp->next));
    oo_set_input(rw, exp->next, 1, exp->outputs[0]);
    oo_end(rw);
    assert_int_equal(run(w, 0, 0, &x, &y), OO_OK);
    assert_float_equal(x, 2, 0);
    oo__rollback(rw, point);
    if (run(w, 0, 0, &x, &y) != OO_OK)
        fail_msg("%s", w->heard);
    assert_float_equal(x, 1, 0);
    assert_true(oo__rewriter_free(rw));
    oo__arena_free(scratch);
    world_free(w);
}

static void test_references_are_given_back(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (float[2] x) => (float[2] y) { a = Neg(x)\n b = Neg(a)\n y = Neg(b) }", NULL);
    oo_datum *const in = floats(2, (const float[]){1, 2});
    oo_datum *out[1];
    assert_int_equal(oo__evaluate(w->ev, &in, out), OO_OK);
    assert_int_equal(in->references, 1);
    assert_int_equal(out[0]->references, 1);
    oo__datum_release(in);
    oo__datum_release(out[0]);
    world_free(w);
}

/* ---- arrays ---- */
static void test_narrow_integers(void **state) {
    (void)state;
    const int64_t dims[] = {3};
    oo_array *const a = oo__array_new(OO_INT4, 1, dims);
    oo__array_set_int(a, 0, 7);
    oo__array_set_int(a, 1, 8);
    oo__array_set_int(a, 2, -1);
    assert_int_equal(oo__array_int(a, 0), 7);
    assert_int_equal(oo__array_int(a, 1), -8);
    assert_int_equal(oo__array_int(a, 2), -1);
    oo_context *const context = oo_context_new();
    oo_model *const model = oo__model_new(context, "t");
    const oo_tensor *const t = oo__tensor_of_array(model, a);
    assert_int_equal(oo_tensor_size(t), 2);
    oo_array *const back = oo__array_of_tensor(t);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(oo__array_int(back, i), oo__array_int(a, i));
    oo__array_release(a);
    oo__array_release(back);
    oo_model_free(model);
    oo_context_free(context);
}

static void test_views_and_owning(void **state) {
    (void)state;
    const int64_t flat[] = {6}, square[] = {2, 3}, wrong[] = {4};
    oo_array *const a = oo__array_new(OO_INT32, 1, flat);
    memset(a->data, 0, 24);
    oo_array *view = oo__array_view(a, 2, square);
    assert_null(oo__array_view(a, 1, wrong));
    assert_ptr_equal(view->data, a->data);
    view = oo__array_own(view);
    assert_ptr_not_equal(view->data, a->data);
    oo__array_set_int(view, 5, 9);
    assert_int_equal(oo__array_int(a, 5), 0);
    oo__array_release(a);
    oo_array *const same = oo__array_own(view);
    assert_ptr_equal(same, view);
    oo__array_release(view);
    const int64_t huge[] = {1 << 30, 1 << 30, 1 << 30}, negative[] = {-1}, none[] = {0, 1 << 30, 1 << 30};
    assert_null(oo__array_new(OO_FLOAT, 3, huge));
    assert_null(oo__array_new(OO_FLOAT, 1, negative));
    oo_array *const empty = oo__array_new(OO_FLOAT, 3, none);
    assert_int_equal(empty->count, 0);
    oo__array_release(empty);
}

static void test_agreement(void **state) {
    (void)state;
    const oo_tolerance t = {1e-3, 1e-7, false};
    char why[200];
    oo_datum *const a = floats(2, (const float[]){1, NAN}), *const b = floats(2, (const float[]){1.0005f, NAN});
    oo_datum *const c = floats(2, (const float[]){1.1f, NAN}), *const d = floats(1, (const float[]){1});
    assert_true(oo__datum_agrees(a, b, &t, why, sizeof why));
    assert_false(oo__datum_agrees(a, c, &t, why, sizeof why));
    assert_non_null(strstr(why, "element 0"));
    assert_false(oo__datum_agrees(a, d, &t, why, sizeof why));
    assert_false(oo__datum_agrees(a, NULL, &t, why, sizeof why));
    oo_datum *const s = oo__datum_sequence(2, (oo_datum *const[]){a, a}, OO_FLOAT);
    oo_datum *const u = oo__datum_sequence(2, (oo_datum *const[]){a, c}, OO_FLOAT);
    assert_false(oo__datum_agrees(s, u, &t, why, sizeof why));
    assert_non_null(strstr(why, "item 1"));
    oo_datum *const all[] = {a, b, c, d, s, u};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        oo__datum_release(all[i]);
}

/* ---- files ---- */
/* The same bytes read as another kind, spoilt in one place or cut off are refused or mean something else, but never bring the reader down. */
static void spoil(oo_model *model, const char *path) {
    uint8_t bytes[256];
    FILE *f = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (unsigned turn = 0; turn < 300; turn++) {
        uint8_t bad[256];
        memcpy(bad, bytes, size);
        const size_t at = size ? turn * 7 % size : 0;
        bad[at] = (uint8_t)(bad[at] ^ (turn * 37 + 1));
        f = fopen(path, "wb");
        fwrite(bad, 1, turn % 3 ? size : at, f);
        fclose(f);
        for (oo_kind kind = OO_TYPE_TENSOR; kind <= OO_TYPE_OPTIONAL; kind++) {
            oo_value_tree *tree;
            if (oo__value_read(&tree, model, path, kind) == OO_OK)
                oo__datum_release(oo__datum_of_tree(tree));
        }
    }
}

static void test_value_files(void **state) {
    (void)state;
    oo_context *const context = oo_context_new();
    oo_model *const model = oo__model_new(context, "t");
    oo_datum *const a = floats(2, (const float[]){1, 2});
    oo_datum *const two = oo__datum_sequence(2, (oo_datum *const[]){a, a}, OO_FLOAT), *const no = oo__datum_sequence(0, NULL, OO_FLOAT);
    oo_datum *const some = oo__datum_optional(two, OO_UNDEFINED), *const none = oo__datum_optional(NULL, OO_FLOAT);
    oo_datum *const all[] = {a, two, no, some, none};
    static const oo_kind kinds[] = {OO_TYPE_TENSOR, OO_TYPE_SEQUENCE, OO_TYPE_SEQUENCE, OO_TYPE_OPTIONAL, OO_TYPE_OPTIONAL};
    char path[] = "value_XXXXXX", why[200];
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        oo_value_tree *tree;
        assert_int_equal(oo__value_write(context, oo__tree_of_datum(model, all[i]), path), OO_OK);
        assert_int_equal(oo__value_read(&tree, model, path, kinds[i]), OO_OK);
        oo_datum *const back = oo__datum_of_tree(tree);
        if (!oo__datum_agrees(back, all[i], &(oo_tolerance){0}, why, sizeof why))
            fail_msg("%zu: %s", i, why);
        oo__datum_release(back);
        spoil(model, path);
    }
    unlink(path);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        oo__datum_release(all[i]);
    oo_model_free(model);
    oo_context_free(context);
}

static void write_npy(const char *path, const char *header, size_t data) {
    FILE *const f = fopen(path, "wb");
    const uint8_t size[] = {(uint8_t)strlen(header), 0};
    fwrite("\x93NUMPY\x01\x00", 1, 8, f);
    fwrite(size, 1, 2, f);
    fputs(header, f);
    for (size_t i = 0; i < data; i++)
        fputc((int)i, f);
    fclose(f);
}

static void test_npy_headers(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        oo_status status;
    } cases[] = {
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n", 12, OO_OK},
        {"{'shape': (2, 3), 'fortran_order': True, 'descr': '<i2'}", 12, OO_OK},
        {"{\"descr\":\"|u1\",\"fortran_order\":False,\"shape\":()}", 1, OO_OK},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 5)}", 0, OO_OK},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3)}", 11, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3)}", 13, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", 12, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (-2, 3)}", 12, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': False}", 12, OO_INVALID},
        {"{'descr': '<i2', 'descr': '<i2', 'shape': (6,)}", 12, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': Maybe, 'shape': (6,)}", 12, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (6,)} x", 12, OO_INVALID},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (6,", 12, OO_INVALID},
        {"{'descr': '>i2', 'fortran_order': False, 'shape': (6,)}", 12, OO_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (6,)}", 12, OO_UNSUPPORTED},
        {"", 0, OO_INVALID},
    };
    oo_context *const context = oo_context_new();
    oo_model *const model = oo__model_new(context, "t");
    char path[] = "array_XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        oo_tensor *t;
        write_npy(path, cases[i].header, cases[i].data);
        if (oo__npy_read(&t, model, path) != cases[i].status)
            fail_msg("%s", cases[i].header);
    }
    oo_tensor *t;
    int16_t c_order[6];
    write_npy(path, cases[1].header, 12);
    assert_int_equal(oo__npy_read(&t, model, path), OO_OK);
    assert_true(oo_tensor_read(t, 0, 6, c_order));
    /* Column-major 0x0100, 0x0302, ... of [2, 3]: element (0, 1) is the third stored. */
    assert_int_equal(c_order[0], 0x0100);
    assert_int_equal(c_order[1], 0x0504);
    assert_int_equal(c_order[3], 0x0302);
    unlink(path);
    oo_model_free(model);
    oo_context_free(context);
}

/* ---- random inputs ---- */
static oo_datum **random_of(world *w, const oo_random_settings *settings) {
    oo_datum **const in = calloc(w->model->graph->inputs.n, sizeof *in);
    if (oo__random_inputs(in, w->model, settings) != OO_OK)
        fail_msg("%s", w->heard);
    return in;
}

static void release(world *w, oo_datum **in) {
    for (uint32_t i = 0; i < w->model->graph->inputs.n; i++)
        oo__datum_release(in[i]);
    free(in);
}

static void test_random_roles(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (int64[N, S] ids, int64[N, S] attention_mask, float[N, \"S + 1\"] data, int64[N, S] position_ids) =>"
                                   " (float[N, S, 2] y) <float[3, 2] table = {1, 2, 3, 4, 5, 6}> {\n"
                                   " i = Cast<to = 6>(ids)\n y = Gather(table, i) }",
                              NULL);
    const oo_named_dim dims[] = {{"S", 40}};
    oo_datum **const in = random_of(w, &(oo_random_settings){.dims = dims, .ndims = 1});
    assert_int_equal(in[0]->array->dims[0], 2);
    assert_int_equal(in[0]->array->dims[1], 40);
    assert_int_equal(in[2]->array->dims[1], 41);
    bool seen[3] = {false};
    for (uint64_t i = 0; i < 80; i++) {
        const int64_t id = oo__array_int(in[0]->array, i), bit = oo__array_int(in[1]->array, i);
        assert_in_range(id, 0, 2);
        seen[id] = true;
        assert_in_range(bit, 0, 1);
        assert_true(i % 40 || bit);
        assert_int_equal(oo__array_int(in[3]->array, i), i % 40);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    oo_datum **const same = random_of(w, &(oo_random_settings){.dims = dims, .ndims = 1});
    oo_datum **const other = random_of(w, &(oo_random_settings){.dims = dims, .ndims = 1, .seed = 1});
    char why[200];
    assert_true(oo__datum_agrees(same[2], in[2], &(oo_tolerance){0}, why, sizeof why));
    assert_false(oo__datum_agrees(other[2], in[2], &(oo_tolerance){0}, why, sizeof why));
    assert_true(oo__model_has_dim(w->model, "S"));
    assert_false(oo__model_has_dim(w->model, "T"));
    release(w, in);
    release(w, same);
    release(w, other);
    world_free(w);
}

static void test_random_follows_given(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (float[N] x, float[N] z) => (float[N] y) { y = Add(x, z) }", NULL);
    oo_datum *in[2] = {NULL, floats(5, (const float[]){1, 2, 3, 4, 5})};
    assert_int_equal(oo__random_inputs(in, w->model, &(oo_random_settings){0}), OO_OK);
    assert_int_equal(in[0]->array->dims[0], 5);
    oo__datum_release(in[0]);
    oo__datum_release(in[1]);
    world_free(w);
}

static void test_random_too_large(void **state) {
    (void)state;
    world *const w = world_of(HEAD "g (float[1000000, 1000000, 1000] x) => (float[N] y) { y = Neg(x) }", NULL);
    oo_datum *in[1] = {NULL};
    assert_int_equal(oo__random_inputs(in, w->model, &(oo_random_settings){0}), OO_LIMIT);
    assert_string_equal(w->code, "random-too-large");
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_function_with_reference),
        cmocka_unit_test(test_reference_without_attribute),
        cmocka_unit_test(test_function_in_function),
        cmocka_unit_test(test_omitted_function_input),
        cmocka_unit_test(test_if_captures),
        cmocka_unit_test(test_unused_and_repeated),
        cmocka_unit_test(test_deep_calls),
        cmocka_unit_test(test_step_limit),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_unknown_operator),
        cmocka_unit_test(test_missing_input),
        cmocka_unit_test(test_in_double),
        cmocka_unit_test(test_rewritten_model),
        cmocka_unit_test(test_plan_after_rollback),
        cmocka_unit_test(test_references_are_given_back),
        cmocka_unit_test(test_narrow_integers),
        cmocka_unit_test(test_views_and_owning),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_value_files),
        cmocka_unit_test(test_npy_headers),
        cmocka_unit_test(test_random_roles),
        cmocka_unit_test(test_random_follows_given),
        cmocka_unit_test(test_random_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
