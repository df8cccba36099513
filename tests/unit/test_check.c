/* Comparing two models: distances of values, what corresponds, the verdicts and the part that a failure is cut down to. */
#include "base/diag.h"
#include "eval/check_models.h"
#include "eval/match_models.h"
#include "io/io.h"
#include "ir/extract.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "<ir_version: 8, opset_import: [\"\" : 17, \"local\" : 1]>\n"

static char heard[400];

static void hear(void *user, const oo_diag *d) {
    (void)user;
    snprintf(heard, sizeof heard, "%s", d->text);
}

/* ---- distances ---- */
static oo_datum *of_doubles(oo_elem elem, uint32_t count, const double *data) {
    const int64_t dims[] = {count};
    oo_array *const a = oo__array_new(elem, 1, dims);
    for (uint32_t i = 0; i < count; i++)
        oo__array_set_double(a, i, data[i]);
    return oo__datum_tensor(a);
}

#define DIFFERENCE(elem, limits, got, want) \
    difference((elem), (limits), sizeof(got) / sizeof *(got), (got), sizeof(want) / sizeof *(want), (want))
static oo_difference difference(oo_elem elem, oo_limits limits, size_t ngot, const double *got, size_t nwant, const double *want) {
    oo_datum *const g = of_doubles(elem, (uint32_t)ngot, got), *const w = of_doubles(elem, (uint32_t)nwant, want);
    const oo_difference d = oo__difference(g, w, &limits);
    oo__datum_release(g);
    oo__datum_release(w);
    return d;
}

static void test_distances(void **state) {
    (void)state;
    const oo_limits plain = {0}, wide = {.elementwise = true, .rtol = 0.1}, shape = {.shape_only = true};
    const double want[] = {1, -2, 4, 0}, near[] = {1, -2, 4.00004, 0}, far[] = {1, -2, 4.0004, 0}, small[] = {1, -2, 4, 5e-5};
    assert_true(DIFFERENCE(OO_FLOAT, plain, want, want).equal);
    const oo_difference close = DIFFERENCE(OO_FLOAT, plain, near, want);
    assert_true(close.agree && !close.equal);
    assert_true(fabs(close.error - 1e-5) < 1e-6);
    const oo_difference apart = DIFFERENCE(OO_FLOAT, plain, far, want);
    assert_true(!apart.agree && apart.bad == 1 && apart.total == 4 && apart.floating);
    assert_non_null(strstr(apart.why, "element 2 is 4.00040"));
    /* Beside a scale of 4 a zero may be off by what 4 may be off. */
    assert_true(DIFFERENCE(OO_FLOAT, plain, small, want).agree);
    assert_true(DIFFERENCE(OO_FLOAT16, plain, far, want).agree);
    assert_false(DIFFERENCE(OO_DOUBLE, plain, near, want).agree);
    assert_true(DIFFERENCE(OO_DOUBLE, ((oo_limits){.doubles = 1e-4}), near, want).agree);
    assert_false(DIFFERENCE(OO_INT32, plain, ((double[]){1, 2}), ((double[]){1, 3})).agree);
    assert_true(DIFFERENCE(OO_FLOAT, wide, ((double[]){1.09}), ((double[]){1})).agree);
    assert_false(DIFFERENCE(OO_FLOAT, wide, ((double[]){1.09, 1e-9}), ((double[]){1, 0})).agree);
    assert_true(DIFFERENCE(OO_FLOAT, shape, far, want).agree);
    const oo_difference sizes = DIFFERENCE(OO_FLOAT, shape, ((double[]){1, 2, 3}), want);
    assert_true(!sizes.agree && sizes.incomparable);
    assert_string_equal(sizes.why, "it is float[3] instead of float[4]");
}

static void test_special_numbers(void **state) {
    (void)state;
    const oo_limits plain = {0};
    assert_true(DIFFERENCE(OO_FLOAT, plain, ((double[]){NAN, -INFINITY, 0.0}), ((double[]){NAN, -INFINITY, -0.0})).equal);
    const oo_difference lost = DIFFERENCE(OO_FLOAT, plain, ((double[]){1, INFINITY}), ((double[]){1, 2}));
    assert_true(!lost.agree && lost.lost_finite);
    const oo_difference gained = DIFFERENCE(OO_FLOAT, plain, ((double[]){1, 2}), ((double[]){1, NAN}));
    assert_true(!gained.agree && !gained.lost_finite);
}

/* A mask's huge numbers must not be the scale of what is beside them. */
static void test_mask_hides_nothing(void **state) {
    (void)state;
    double want[64], got[64];
    for (int i = 0; i < 64; i++)
        got[i] = want[i] = i % 2 ? -3e38 : 0.5 + i * 0.01;
    got[10] += 0.2;
    assert_false(DIFFERENCE(OO_FLOAT, ((oo_limits){0}), got, want).agree);
}

/* ---- models ---- */
static oo_model *parse(oo_context *context, const char *text) {
    oo_model *model;
    if (oo_model_parse(&model, context, text, strlen(text), "t") != OO_OK || oo__model_sort(model) != OO_OK)
        fail_msg("%s", heard);
    return model;
}

typedef struct pair {
    oo_context *context;
    oo_model *a, *b;
    oo_compare_report r;
    oo_status status;
} pair;

static pair pair_of(const char *a, const char *b) {
    pair p = {.context = oo_context_new()};
    oo_set_sink(p.context, hear, NULL);
    heard[0] = 0;
    p.a = parse(p.context, a);
    p.b = parse(p.context, b);
    return p;
}

static pair check_with(const char *a, const char *b, const oo_compare_settings *settings) {
    pair p = pair_of(a, b);
    p.status = oo__compare_models(&p.r, p.a, p.b, settings);
    assert_string_equal(heard, "");
    return p;
}

static pair check(const char *a, const char *b) { return check_with(a, b, &(oo_compare_settings){.sets = 8}); }

static void pair_free(pair *p) {
    oo__compare_report_free(&p->r);
    oo_model_free(p->a);
    oo_model_free(p->b);
    oo_context_free(p->context);
}

static void assert_verdict(const char *a, const char *b, oo_compare_verdict verdict) {
    pair p = check(a, b);
    if (p.r.failure.text && verdict != OO_COMPARE_WRONG)
        fail_msg("%s", p.r.failure.text);
    assert_int_equal(p.status, verdict == OO_COMPARE_WRONG ? OO_MISMATCH : OO_OK);
    assert_true(p.r.counts[verdict] > 0);
    pair_free(&p);
}

static void test_matching(void **state) {
    (void)state;
    pair p = pair_of(HEAD "g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Add(x, w) b = Relu(a) c = Sub(b, w) y = Exp(c) }",
                     HEAD "g (float[2] x) => (float[2] y) <float[2] v = {1, 2}> { a = Add(x, v) b_0 = Sub(v, a) y = Exp(b_0) }");
    oo_matching *const m = oo__matching_new(p.a, p.b);
    const oo_node *const add = p.b->graph->first, *const sub = add->next, *const exp = sub->next;
    const oo_node *const relu = p.a->graph->first->next;
    assert_ptr_equal(m->of_a[add->outputs[0]->id], p.a->graph->first->outputs[0]);
    /* "b_0" was made for "b". */
    assert_ptr_equal(m->of_a[sub->outputs[0]->id], relu->outputs[0]);
    assert_ptr_equal(m->of_b[relu->outputs[0]->id], sub->outputs[0]);
    assert_ptr_equal(m->of_a[exp->outputs[0]->id], p.a->graph->last->outputs[0]);
    assert_true(m->same[add->id]);
    assert_false(m->same[sub->id]);
    assert_false(m->same[exp->id]);
    oo__matching_free(m);
    pair_free(&p);
}

static void test_matching_of_subgraphs(void **state) {
    (void)state;
#define LOOP(body)                                                                                                                  \
    HEAD "g (float[2] x, int64 n, bool c) => (float[2] y) { y = Loop(n, c, x) <body = b (int64 i, bool d, float[2] s) => (bool e, " \
         "float[2] t) { "                                                                                                           \
         "e = Identity(d) h = Mul(s, x) t = " body " }> }"
    pair same = pair_of(LOOP("Add(h, s)"), LOOP("Add(h, s)")), other = pair_of(LOOP("Add(h, s)"), LOOP("Add(s, h)"));
    oo_matching *const m = oo__matching_new(same.a, same.b), *const n = oo__matching_new(other.a, other.b);
    assert_true(m->same[same.b->graph->first->id]);
    assert_false(n->same[other.b->graph->first->id]);
    oo__matching_free(m);
    oo__matching_free(n);
    pair_free(&same);
    pair_free(&other);
}

/* ---- verdicts ---- */
static void test_equal_and_close(void **state) {
    (void)state;
    assert_verdict(HEAD "g (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }",
                   HEAD "g (float[N, 3] x) => (float[N, 3] y) { a = Relu(x) y = Identity(a) }", OO_COMPARE_EQUAL);
    assert_verdict(HEAD "g (float[N, 3] x) => (float[N, 3] y) <float k = {3}, float h = {7}> { a = Mul(x, k) y = Mul(a, h) }",
                   HEAD "g (float[N, 3] x) => (float[N, 3] y) <float k = {21}> { y = Mul(x, k) }", OO_COMPARE_CLOSE);
}

static void test_wrong(void **state) {
    (void)state;
    pair p = check(HEAD "g (float[N, 3] x, float[3] w) => (float[N, 3] y) { a = Abs(x) b = Sub(a, w) c = Tanh(b) y = Exp(c) }",
                   HEAD "g (float[N, 3] x, float[3] w) => (float[N, 3] y) { a = Abs(x) b = Sub(w, a) c = Tanh(b) y = Exp(c) }");
    const oo_compare_failure *const f = &p.r.failure;
    assert_int_equal(p.status, OO_MISMATCH);
    assert_int_equal(f->set, 1);
    assert_non_null(strstr(f->text, "output \"y\" differs in "));
    assert_string_equal(f->value->name, "b");
    assert_string_equal(f->node->op->name, "Sub");
    assert_false(f->stops);
    /* One node: from a and w to b. */
    assert_int_equal(f->inputs.n, 2);
    assert_string_equal(f->goal_a->name, "b");
    for (uint32_t i = 0; i < 2; i++) {
        assert_non_null(f->inputs.data[i].value);
        assert_true(strcmp(f->inputs.data[i].a->name, "a") == 0 || strcmp(f->inputs.data[i].a->name, "w") == 0);
    }
    assert_int_equal(f->want->array->count, 6);
    pair_free(&p);
}

/* What a rewrite left of three nodes is the part, and a constant that was folded belongs to it. */
static void test_wrong_part(void **state) {
    (void)state;
    pair p = check(HEAD "g (float[N, 3] x) => (float[N, 3] y) <float[3] w = {1, 2, 3}, float k = {4}> {"
                        " a = Relu(x) s = Mul(w, k) b = Mul(a, s) c = Add(b, k) y = Neg(c) }",
                   HEAD "g (float[N, 3] x) => (float[N, 3] y) <float[3] v = {4, 8, 13}, float k = {4}> {"
                        " a = Relu(x) b2 = Mul(a, v) c = Add(b2, k) y = Neg(c) }");
    const oo_compare_failure *const f = &p.r.failure;
    assert_int_equal(p.status, OO_MISMATCH);
    assert_string_equal(f->goal_b->name, "c");
    assert_int_equal(f->inputs.n, 1);
    assert_string_equal(f->inputs.data[0].a->name, "a");
    const oo_extract_end in = {f->inputs.data[0].a, "a", NULL}, out = {f->goal_a, "c", NULL};
    oo_model *const part = oo__model_extract(p.a, &(oo_extract){.inputs = &in, .ninputs = 1, .outputs = &out, .noutputs = 1});
    assert_non_null(part);
    assert_int_equal(oo_model_verify(part), OO_OK);
    char *const text = oo_model_print(part, &(oo_print_options){0});
    assert_non_null(strstr(text, "s = Mul (w, k)"));
    assert_null(strstr(text, "Relu"));
    assert_null(strstr(text, "Neg"));
    free(text);
    oo_model_free(part);
    pair_free(&p);
}

static void test_does_not_run(void **state) {
    (void)state;
    pair p = check(HEAD "g (float[N, 3] x) => (float[N, 3] y) { a = Abs(x) b = Neg(a) y = Exp(b) }",
                   HEAD "g (float[N, 3] x) => (float[N, 3] y) { a = Abs(x) b = Transpose<perm = [0, 1, 2]>(a) y = Exp(b) }");
    assert_int_equal(p.status, OO_MISMATCH);
    assert_non_null(strstr(p.r.failure.text, "does not run: Transpose"));
    assert_true(p.r.failure.stops);
    assert_string_equal(p.r.failure.node->op->name, "Transpose");
    assert_string_equal(p.r.failure.goal_a->name, "b");
    assert_int_equal(p.r.failure.inputs.n, 1);
    pair_free(&p);
}

static void test_interface(void **state) {
    (void)state;
    static const char *const other[] = {"g (float[N, 3] z) => (float[N, 3] y) { y = Relu(z) }",
                                        "g (float16[N, 3] x) => (float16[N, 3] y) { y = Relu(x) }",
                                        "g (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }",
                                        "g (float[N, 3] x) => (float[N, 3] y, float[N, 3] x2) { y = Relu(x) x2 = Abs(x) }"};
    static const char *const why[] = {"input \"x\" is \"z\"", "another element type", "another dimension", "more outputs"};
    for (int i = 0; i < 4; i++) {
        char text[300];
        snprintf(text, sizeof text, HEAD "%s", other[i]);
        pair p = check(HEAD "g (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }", text);
        assert_int_equal(p.status, OO_MISMATCH);
        assert_true(p.r.interface);
        assert_non_null(strstr(p.r.failure.text, why[i]));
        pair_free(&p);
    }
}

/* Sums in another order: the larger one by a rounding error is chosen. */
static void test_tie(void **state) {
    (void)state;
    static const char before[] = HEAD "g (float[64, 2] x, float[2] p, float[2] q) => (int64[64] i) <float[2] big = {10000000, 10000000}> {"
                                      " a = Add(x, big) s = Add(a, p) t = Add(s, q) i = ArgMax<axis = 1, keepdims = 0>(t) }";
    static const char after[] = HEAD "g (float[64, 2] x, float[2] p, float[2] q) => (int64[64] i) <float[2] big = {10000000, 10000000}> {"
                                     " r = Add(p, q) a = Add(x, big) t = Add(a, r) i = ArgMax<axis = 1, keepdims = 0>(t) }";
    assert_verdict(before, after, OO_COMPARE_TIE);
    /* The decision itself is no excuse. */
    static const char least[] = HEAD "g (float[64, 2] x, float[2] p, float[2] q) => (int64[64] i) <float[2] big = {10000000, 10000000}> {"
                                     " r = Add(p, q) a = Add(x, big) t = Add(a, r) i = ArgMin<axis = 1, keepdims = 0>(t) }";
    assert_verdict(before, least, OO_COMPARE_WRONG);
    /* Nor is a tie somewhere else. */
    static const char more[] = HEAD "g (float[64, 2] x, float[2] p, float[2] q) => (int64[64] i) <float[2] big = {10000000, 20000000}> {"
                                    " r = Add(p, q) a = Add(x, big) t = Add(a, r) i = ArgMax<axis = 1, keepdims = 0>(t) }";
    assert_verdict(before, more, OO_COMPARE_WRONG);
}

/* A wrong part is no tie because the model makes nothing of it: here it is 1e-6 of what is chosen from. */
static void test_tie_hides_nothing(void **state) {
    (void)state;
    static const char text[] = HEAD "g (float[64, 2] x, float[2] p, float[2] q) => (int64[64] i) <float[2] big = {10000000, 10000000}> {"
                                    " c = %s b = Neg(c) a = Add(b, big) %s i = ArgMax<axis = 1, keepdims = 0>(t) }";
    static const char sums[] = "s = Add(a, p) t = Add(s, q)", other[] = "r = Add(p, q) t = Add(a, r)";
    char before[400], after[400];
    snprintf(before, sizeof before, text, "Sub(x, p)", sums);
    snprintf(after, sizeof after, text, "Sub(x, p)", other);
    assert_verdict(before, after, OO_COMPARE_TIE);
    snprintf(after, sizeof after, text, "Sub(p, x)", other);
    pair p = check_with(before, after, &(oo_compare_settings){.sets = 1});
    assert_int_equal(p.status, OO_MISMATCH);
    assert_string_equal(p.r.failure.value->name, "c");
    pair_free(&p);
}

/* Nor is a value of another meaning wrong when decisions tie. */
static void test_tie_with_other_meaning(void **state) {
    (void)state;
    static const char text[] = HEAD "g (float[2, 2] x, float[2] p, float[2] q) => (int64[2] i) <float[2] big = {10000000, 10000000}> {"
                                    " %s a = Add(b, big) %s i = ArgMax<axis = 1, keepdims = 0>(t) }";
    char before[400], after[400];
    snprintf(before, sizeof before, text, "c = Exp(x) b = Mul(c, big)", "s = Add(a, p) t = Add(s, q)");
    snprintf(after, sizeof after, text, "d = Exp(x) c = Transpose(d) e = Transpose(c) b = Mul(e, big)", "r = Add(p, q) t = Add(a, r)");
    pair p = check_with(before, after, &(oo_compare_settings){.sets = 64});
    assert_int_equal(p.status, OO_OK);
    pair_free(&p);
}

static void test_rounding(void **state) {
    (void)state;
    static const char before[] = HEAD "g (float[64] x, float p, float q) => (float[64] y) <float big = {100000}> {"
                                      " a = Add(x, big) s = Add(a, p) t = Add(s, q) u = Sub(t, big) y = Identity(u) }";
    static const char after[] = HEAD "g (float[64] x, float p, float q) => (float[64] y) <float big = {100000}> {"
                                     " r = Add(p, q) a = Add(x, big) t = Add(a, r) u = Sub(t, big) y = Identity(u) }";
    assert_verdict(before, after, OO_COMPARE_ROUNDING);
}

/* The same in double precision, but the rewrite throws away digits that the original had. */
static void test_loses_digits(void **state) {
    (void)state;
    assert_verdict(HEAD "g (float[64] x) => (float[64] y) <float k = {100000}> { y = Tanh(x) }",
                   HEAD "g (float[64] x) => (float[64] y) <float k = {100000}> { a = Add(x, k) b = Sub(a, k) y = Tanh(b) }",
                   OO_COMPARE_WRONG);
    /* Exp overflows where the original has a stable form. */
    assert_verdict(HEAD "g (float[64] x) => (float[64] y) { y = Softmax<axis = 0>(x) }",
                   HEAD "g (float[64] x) => (float[64] y) { e = Exp(x) s = ReduceSum<keepdims = 1>(e) y = Div(e, s) }", OO_COMPARE_WRONG);
}

static void test_skipped(void **state) {
    (void)state;
    pair p =
        check_with(HEAD "g (float[N, 3] x) => (float[M] y) <int64[1] s = {7}> { y = Reshape(x, s) }",
                   HEAD "g (float[N, 3] x) => (float[M] y) <int64[1] s = {7}> { y = Reshape(x, s) }", &(oo_compare_settings){.sets = 2});
    assert_int_equal(p.status, OO_MISMATCH);
    assert_int_equal(p.r.ran, 0);
    assert_int_equal(p.r.counts[OO_COMPARE_SKIPPED], 2);
    assert_non_null(strstr(p.r.skip_reason, "Reshape"));
    pair_free(&p);
    /* Sizes that do not fit give way to others that do. */
    const oo_named_dim eight = {"H", 32};
    static const char text[] = HEAD "g (float[1, 1, H, W] x) => (float[A, B, C, D] y) <int64[4] s = {1, 1, 32, 32}> { y = Reshape(x, s) }";
    p = check_with(text, text, &(oo_compare_settings){.sets = 2});
    assert_int_equal(p.r.ran, 2);
    pair_free(&p);
    p = check_with(text, text, &(oo_compare_settings){.sets = 1, .dims = &eight, .ndims = 1});
    assert_int_equal(p.r.ran, 1);
    pair_free(&p);
}

static void test_random(void **state) {
    (void)state;
    static const char text[] = HEAD "g (float[N, 3] x) => (float[N, 3] y) { r = RandomNormalLike(x) n = Neg(r) y = Add(x, n) }";
    static const char moved[] = HEAD "g (float[N, 3] x) => (float[N, 3] y) { a = Identity(x) r = RandomNormalLike(a) y = Sub(x, r) }";
    pair p = check(text, moved);
    assert_int_equal(p.status, OO_OK);
    assert_int_equal(p.r.drawn, 0);
    pair_free(&p);
    static const char renamed[] = HEAD "g (float[N, 3] x) => (float[N, 3] y) { other = RandomNormalLike(x) y = Sub(x, other) }";
    p = check(text, renamed);
    assert_int_equal(p.status, OO_OK);
    assert_int_equal(p.r.drawn, 1);
    pair_free(&p);
    static const char wrong[] = HEAD "g (float[N, 3] x) => (float[N, 3] y) { r = RandomNormalLike(x) y = Add(x, r) }";
    assert_verdict(text, wrong, OO_COMPARE_WRONG);
}

/* A value inside a loop's body is named; the part is the loop. */
static void test_inside_a_loop(void **state) {
    (void)state;
    pair p = check(LOOP("Add(h, s)"), LOOP("Sub(h, s)"));
    assert_int_equal(p.status, OO_MISMATCH);
    assert_string_equal(p.r.failure.value->name, "t");
    assert_string_equal(p.r.failure.node->op->name, "Sub");
    assert_string_equal(p.r.failure.goal_b->name, "y");
    pair_free(&p);
}

/* A name that means something else inside is no error while the outputs agree, and does not lead astray when they do not. */
static void test_other_meaning(void **state) {
    (void)state;
    static const char before[] = HEAD "g (float[2, 3] x) => (float[2, 3] y) { a = Relu(x) b = Neg(a) c = Abs(b) y = Exp(c) }";
    assert_verdict(
        before,
        HEAD "g (float[2, 3] x) => (float[2, 3] y) { t = Relu(x) a = Transpose(t) n = Neg(a) b = Transpose(n) c = Abs(b) y = Exp(c) }",
        OO_COMPARE_EQUAL);
    pair p = check(before, HEAD "g (float[2, 3] x) => (float[2, 3] y) { t = Relu(x) a = Transpose(t) n = Neg(a) b = Transpose(n) c = "
                                "Neg(c0) c0 = Abs(b) y = Exp(c) }");
    assert_int_equal(p.status, OO_MISMATCH);
    assert_string_equal(p.r.failure.value->name, "c");
    pair_free(&p);
}

static void test_bounded_memory(void **state) {
    (void)state;
    pair p = check_with(HEAD "g (float[N, 3] x, float[3] w) => (float[N, 3] y) { a = Abs(x) b = Sub(a, w) c = Tanh(b) y = Exp(c) }",
                        HEAD "g (float[N, 3] x, float[3] w) => (float[N, 3] y) { a = Abs(x) b = Sub(w, a) c = Tanh(b) y = Exp(c) }",
                        &(oo_compare_settings){.memory = 1});
    assert_int_equal(p.status, OO_MISMATCH);
    assert_int_equal(p.r.counts[OO_COMPARE_WRONG], 1);
    pair_free(&p);
}

/* ---- inputs ---- */
static void test_edge_inputs(void **state) {
    (void)state;
    oo_context *const context = oo_context_new();
    oo_model *const model = parse(context, HEAD "g (float[4096] x, int64[64] i, bool c) => (float[64] y) { y = Gather(x, i) }");
    for (int values = OO_RANDOM_NORMAL; values <= OO_RANDOM_SPECIAL; values++) {
        oo_datum *in[3] = {NULL};
        assert_int_equal(oo__random_inputs(in, model, &(oo_random_settings){.values = (oo_random_values)values}), OO_OK);
        uint64_t zeros = 0, negative = 0, denormal = 0, special = 0, large = 0, first = 0, last = 0;
        for (uint64_t k = 0; k < 4096; k++) {
            const double x = oo__array_double(in[0]->array, k);
            zeros += x == 0;
            negative += x < 0;
            denormal += x != 0 && fabs(x) < 0x1p-126;
            special += isfinite(x) ? 0 : 1;
            large += isfinite(x) && fabs(x) > 100;
        }
        for (uint64_t k = 0; k < 64; k++) {
            const int64_t at = oo__array_int(in[1]->array, k);
            assert_in_range(at, 0, 4095);
            first += at == 0;
            last += at == 4095;
        }
        const bool edges = values == OO_RANDOM_EDGES, at_limits = edges || values == OO_RANDOM_SPECIAL;
        assert_true(values == OO_RANDOM_ZEROS ? zeros == 4096 : (zeros > 0) == edges);
        assert_true(values == OO_RANDOM_NEGATIVE ? negative == 4096 : negative < 4096);
        assert_int_equal(denormal > 1000, values == OO_RANDOM_TINY);
        assert_int_equal(denormal > 0, values == OO_RANDOM_TINY || edges);
        assert_int_equal(special > 0, values == OO_RANDOM_SPECIAL);
        assert_int_equal(large > 0, values == OO_RANDOM_LARGE || edges);
        assert_int_equal(first + last == 64, at_limits);
        assert_int_equal(oo__array_int(in[2]->array, 0), 1);
        for (int k = 0; k < 3; k++)
            oo__datum_release(in[k]);
    }
    oo_model_free(model);
    oo_context_free(context);
}

static void test_spread_sizes(void **state) {
    (void)state;
    oo_context *const context = oo_context_new();
    oo_model *const model = parse(context, HEAD "g (float[N, C, H, W] x, float[N, C, H, W] z) => (float[N, C, H, W] y) { y = Add(x, z) }");
    oo_datum *in[2] = {NULL};
    assert_int_equal(oo__random_inputs(in, model, &(oo_random_settings){.first = 3, .other = 24, .spread = 8}), OO_OK);
    const int64_t wanted[] = {3, 24, 32, 40};
    assert_memory_equal(in[0]->array->dims, wanted, sizeof wanted);
    assert_memory_equal(in[1]->array->dims, wanted, sizeof wanted);
    oo__datum_release(in[0]);
    oo__datum_release(in[1]);
    oo_model_free(model);
    oo_context_free(context);
}

/* A pass may give numbers to dimensions: then only these are tried. */
static void test_fixed_sizes(void **state) {
    (void)state;
    pair p = check(HEAD "g (float[N, C] x, float[C] w) => (float[N, C] y) { y = Add(x, w) }",
                   HEAD "g (float[5, 7] x, float[7] w) => (float[5, 7] y) <int64[2] s = {5, 7}> { a = Add(x, w) y = Reshape(a, s) }");
    assert_int_equal(p.status, OO_OK);
    assert_int_equal(p.r.ran, 8);
    pair_free(&p);
}

/* ---- cutting out ---- */
static void test_extract(void **state) {
    (void)state;
    pair p = pair_of(HEAD "g (float[2] x, bool c) => (float[2] y, float[2] z) <float[2] w = {1, 2}, float[2] v = {3, 4}> {"
                          " a = Add(x, w) b = local.f(a) y = If(c) <then_branch = t () => (float[2] p) { p = Mul(b, v) },"
                          " else_branch = e () => (float[2] q) { q = Sub(a, b) }> z = Mul(y, v) }"
                          "<domain: \"local\", opset_import: [\"\" : 17]> f (x) => (y) { h = Neg(x) y = Exp(h) }",
                     HEAD "g (float[2] x) => (float[2] y) { y = Relu(x) }");
    const oo_value *const a = p.a->graph->first->outputs[0], *const y = p.a->graph->last->prev->outputs[0];
    const oo_extract_end in[] = {{a, "a", NULL}, {p.a->graph->inputs.data[1].value, "c", NULL}, {NULL, "unused", a->type}},
                         out = {y, "y", NULL};
    oo_model *const part = oo__model_extract(p.a, &(oo_extract){.inputs = in, .ninputs = 3, .outputs = &out, .noutputs = 1});
    assert_non_null(part);
    assert_int_equal(oo_model_verify(part), OO_OK);
    assert_int_equal(part->graph->nnodes, 2);
    assert_int_equal(part->graph->initializers.n, 1);
    assert_int_equal(oo_model_nfunctions(part), 1);
    /* A graph input that is needed and not given. */
    assert_null(oo__model_extract(p.a, &(oo_extract){.inputs = in, .ninputs = 1, .outputs = &out, .noutputs = 1}));
    oo_model_free(part);
    pair_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_special_numbers),
        cmocka_unit_test(test_mask_hides_nothing),
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_matching_of_subgraphs),
        cmocka_unit_test(test_equal_and_close),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_wrong_part),
        cmocka_unit_test(test_does_not_run),
        cmocka_unit_test(test_interface),
        cmocka_unit_test(test_tie),
        cmocka_unit_test(test_tie_hides_nothing),
        cmocka_unit_test(test_tie_with_other_meaning),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_loses_digits),
        cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_inside_a_loop),
        cmocka_unit_test(test_other_meaning),
        cmocka_unit_test(test_bounded_memory),
        cmocka_unit_test(test_edge_inputs),
        cmocka_unit_test(test_spread_sizes),
        cmocka_unit_test(test_fixed_sizes),
        cmocka_unit_test(test_extract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
