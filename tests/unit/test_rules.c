/* The rule engine: what patterns match and what they do not, what is built, and what is refused. */
#include "io/io.h"
#include "passes/rule_base.h"
#include "passes/rule_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct heard {
    char text[2000];
} heard;

static void hear(void *user, const oo_diag *d) {
    heard *const h = user;
    const size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof h->text - n, "%u:%u %s [%s]\n", d->line, d->column, d->text, d->code);
}

/* The nodes of the model after the rules, in one line, or what was said. From malloc. */
static char *apply_at(const char *rules, const char *model_text, int level, bool exact) {
    heard h = {""};
    oo_context *const context = oo_context_new();
    oo_set_sink(context, hear, &h);
    oo_rulebase *const base = oo__rulebase_new(context);
    oo_model *model = NULL;
    char *result = NULL;
    if (oo__rulebase_add(base, rules, strlen(rules), "t.rules", 2) == OO_OK &&
        oo_model_parse(&model, context, model_text, strlen(model_text), "t.onnxtxt") == OO_OK) {
        oo_arena *const scratch = oo__arena_new();
        oo__facts_renew(model);
        oo_rewriter *const rw = oo__rewriter_new(model, scratch, &(oo_rewriter_settings){.pass = "rules"});
        const oo__rule_choice choice = {.level = level, .exact = exact, .group = "t"};
        const oo_status status = oo__rules_run(rw, model, oo__rulebase_all(base), &choice);
        assert_false(oo__rewriter_is_broken(rw));
        assert_true(oo__rewriter_free(rw));
        assert_int_equal(oo_model_verify(model), OO_OK);
        oo__arena_free(scratch);
        char *const text = status == OO_OK ? oo_model_print(model, NULL) : NULL;
        char *out = result = calloc(1, text ? strlen(text) + 1 : 1);
        for (const char *at = text ? strchr(text, '{') : NULL; at && *at; at++)
            if (*at != '\n' && *at != ' ')
                *out++ = *at;
        free(text);
    }
    oo_model_free(model);
    oo__rulebase_free(base);
    oo_context_free(context);
    if (result && *result)
        return result;
    free(result);
    return strdup(h.text);
}

#define HEAD "<ir_version: 10, opset_import: [\"\" : 18]>\n"
#define HEAD11 "<ir_version: 6, opset_import: [\"\" : 11]>\n"
#define HEAD9 "<ir_version: 4, opset_import: [\"\" : 9]>\n"

static void check(const char *rules, const char *model, const char *wanted, int line) {
    char *const got = apply_at(rules, model, 3, false);
    const char *const end = strstr(got, wanted);
    if (!end)
        print_error("line %d: wanted %s\n got %s\n", line, wanted, got);
    assert_non_null(end);
    free(got);
}
#define GIVES(rules, model, wanted) check(rules, model, wanted, __LINE__)

static const char RELU_ADD[] = "rule r { y = Relu(Add(x, 1)) => y = Abs(x) }";

static void numbers(void **state) {
    (void)state;
    GIVES(RELU_ADD, HEAD "g (float[2] x) => (float[2] y) <float one = {1}> { t = Add(one, x) y = Relu(t) }", "y=Abs(x)");
    GIVES(RELU_ADD, HEAD "g (double[2] x) => (double[2] y) <double[1] one = {1}> { t = Add(x, one) y = Relu(t) }", "y=Abs(x)");
    GIVES(RELU_ADD, HEAD "g (float[2] x) => (float[2] y) <float[2] one = {1, 2}> { t = Add(x, one) y = Relu(t) }", "y=Relu(t)");
    /* widens a scalar; a size that may be 1 */
    GIVES(RELU_ADD, HEAD "g (float x) => (float[2] y) <float[2] one = {1, 1}> { t = Add(x, one) y = Relu(t) }", "y=Relu(t)");
    GIVES(RELU_ADD, HEAD "g (float[N] x) => (float[2] y) <float[2] one = {1, 1}> { t = Add(x, one) y = Relu(t) }", "y=Relu(t)");
    GIVES(RELU_ADD, HEAD "g (float[] x) => (float[] y) <float[1] one = {1}> { t = Add(x, one) y = Relu(t) }", "y=Relu(t)");
    GIVES(RELU_ADD, HEAD "g (float[] x) => (float[] y) <float one = {1}> { t = Add(x, one) y = Relu(t) }", "y=Abs(x)");
    /* zeros have a sign; an overridable initializer is no constant */
    GIVES("rule r { y = Sub(x, 0) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) <float z = {-0.0}> { y = Sub(x, z) }", "y=Sub(x,z)");
    GIVES("rule r { y = Sub(x, 0) => y = Abs(x) }", HEAD "g (float[2] x, float z) => (float[2] y) <float z = {0}> { y = Sub(x, z) }",
          "y=Sub(x,z)");
    GIVES("rule r { y = And(x, true) => y = Not(x) }", HEAD "g (bool[2] x) => (bool[2] y) <bool t = {1}> { y = And(t, x) }", "y=Not(x)");
    GIVES("rule r { y = Mul(x, 0.1) => y = Abs(x) }", HEAD "g (float16[2] x) => (float16[2] y) <float16 t = {11878}> { y = Mul(t, x) }", "y=Abs(x)");
}

static void numbers_on_the_right(void **state) {
    (void)state;
    GIVES("rule r inexact { y = Mul(x, near 1.41421356) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) <float t = {1.4142}> { y = Mul(t, x) }",
          "y=Abs(x)");
    GIVES("rule r inexact { y = Mul(x, near 1.41421356) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) <float t = {1.414}> { y = Mul(t, x) }",
          "y=Mul(t,x)");
    GIVES("rule r { y = Mul(x, near 1.41421356) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) { y = Abs(x) }", "only an inexact rule");
    GIVES("rule r { y = Abs(x) => y = Resize(x, _, [1.0, 1.0]) }", HEAD "g (float[2,2] x) => (float[2,2] y) { y = Abs(x) }", "y=Resize(x,\"\",const");
    GIVES("rule r { y = Upsample(x, s) => y = Resize<mode = \"nearest\">(x, absent, [1, 2]) }", HEAD "g (float x) => (float y) { y = Abs(x) }", "absent");
    GIVES("rule r { y = Pad(x, p, v = 0) => y = Resize<mode = \"nearest\">(x, v, [1, 2]) }",
          HEAD "g (float[2,2] x) => (float[2,4] y) <int64[4] p = {0, 0, 0, 2}> { y = Pad(x, p) }", "y=Resize");
    GIVES("rule r { y = Clip(x) => y = Max(x, [1, 2]) }", HEAD "g (float16[2] x) => (float16[2] y) { y = Clip(x) }", "y=Max(");
    GIVES("rule r { y = Clip(x) => y = my.domain.Op(x, 2, [1, 2]) }", HEAD "g (float16[2] x) => (float16[2] y) { y = Clip(x) }", "y=my.domain.Op(x,const");
}

static void uses(void **state) {
    (void)state;
    static const char RULE[] = "rule r { y = Relu(Abs(x)) => y = Abs(x) }", SHARED[] = "rule r { y = Relu(shared Abs(x)) => y = Neg(x) }";
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y) { t = Abs(x) y = Relu(t) }", "{y=Abs(x)}");
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y, float[2] t) { t = Abs(x) y = Relu(t) }", "y=Relu(t)");
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y, float[2] z) { t = Abs(x) y = Relu(t) z = Neg(t) }", "y=Relu(t)");
    GIVES(SHARED, HEAD "g (float[2] x) => (float[2] y, float[2] t) { t = Abs(x) y = Relu(t) }", "{t=Abs(x)y=Neg(x)}");
    /* a subgraph's use counts */
    GIVES(RULE,
          HEAD "g (float[2] x, bool c) => (float[2] y, float[2] z) { t = Abs(x) y = Relu(t) z = If (c) <then_branch = a () => (float[2] p) { p = "
               "Neg(t) }, else_branch = b () => (float[2] q) { q = Neg(x) }> }",
          "y=Relu(t)");
    /* results that are not named are unused */
    static const char POOL[] = "rule r { y = MaxPool<kernel_shape = @k>(x) => y = Abs(x) }";
    GIVES(POOL, HEAD "g (float[1,1,2] x) => (float[1,1,2] y, int64[1,1,2] i) { y, i = MaxPool<kernel_shape = [1]>(x) }", "y,i=MaxPool");
    GIVES(POOL, HEAD "g (float[1,1,2] x) => (float[1,1,2] y) { y, i = MaxPool<kernel_shape = [1]>(x) }", "{y=Abs(x)}");
}

static void repeated_names(void **state) {
    (void)state;
    static const char RULE[] = "rule r { y = Mul(x, Sigmoid(x)) => y = Abs(x) }", CONST[] = "rule r { y = Add(Mul(x, const c), const c) => y = Abs(x) }";
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y) { s = Sigmoid(x) y = Mul(s, x) }", "{y=Abs(x)}");
    GIVES(RULE, HEAD "g (float[2] x, float[2] z) => (float[2] y) { s = Sigmoid(z) y = Mul(s, x) }", "y=Mul(s,x)");
    GIVES(CONST, HEAD "g (float[2] x) => (float[2] y) <float a = {2}, float b = {2}> { s = Mul(a, x) y = Add(b, s) }", "y=Abs(x)");
    GIVES(CONST, HEAD "g (float[2] x) => (float[2] y) <float a = {2}, float[1] b = {2}> { s = Mul(a, x) y = Add(b, s) }", "y=Add(b,s)");
}

static void operators(void **state) {
    (void)state;
    static const char RULE[] = "rule r { t = (Relu|Abs)(x) y = Neg(t) => y = (Relu|Abs)<..t>(Neg(x)) }";
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y) { t = Abs(x) y = Neg(t) }", "y=Abs(");
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y) { t = Relu(x) y = Neg(t) }", "y=Relu(");
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y) { t = Sin(x) y = Neg(t) }", "y=Neg(t)");
    GIVES("rule r { y = LeakyRelu<alpha = 0.2>(x) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) { y = LeakyRelu<alpha = 0.2>(x) }", "y=Abs(x)");
    GIVES("rule r { y = LeakyRelu<alpha = 0.2>(x) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) { y = LeakyRelu(x) }", "y=LeakyRelu(x)");
    /* a local function, another domain */
    GIVES("rule r { y = Neg(x) => y = Abs(x) }",
          "<ir_version: 10, opset_import: [\"\" : 18]>\ng (float[2] x) => (float[2] y) { y = Neg(x) }\n<opset_import: [\"\" : 18], domain: "
          "\"\">\nNeg (a) => (b) { b = Relu(a) }",
          "y=Neg(x)");
    GIVES("rule r { y = my.domain.Neg(x) => y = Abs(x) }",
          "<ir_version: 10, opset_import: [\"\" : 18, \"my.domain\" : 1]>\ng (float[2] x) => (float[2] y) { t = Neg(x) y = my.domain.Neg(t) }",
          "t=Neg(x)y=Abs(t)");
    GIVES("rule r import my.domain 3 { y = Neg(x) => y = my.domain.Fancy<mode = \"a\", n = 2, f = 0.5, l = [1, 2]>(x, scalar_like(7, x)) }",
          HEAD "g (float[2] x) => (float[2] y) { y = Neg(x) }", "y=my.domain.Fancy<mode:string=\"a\",n:int=2,f:float=0.5,l:ints=[1,2]>(x,const_0)");
}

static void lists(void **state) {
    (void)state;
    static const char RULE[] = "rule r { y = Concat<axis = @a>(xs..., Concat<axis = @a>(ys...), zs...) => y = Concat<axis = @a>(xs..., ys..., zs...) }";
    GIVES(RULE, HEAD "g (float[2] a, float[2] b) => (float[8] y) { t = Concat<axis = 0>(b, a) y = Concat<axis = 0>(a, t, b) }", "(a,b,a,b)");
    GIVES(RULE, HEAD "g (float[2] a, float[2] b) => (float[8] y) { t = Concat<axis = 0>(b, a) u = Concat<axis = 0>(a, b) y = Concat<axis = 0>(t, u) }",
          "(b,a,a,b)");
    static const char SPLIT[] = "rule r { ys... = Split<axis = @a>(x, _) y = Concat<axis = @a>(ys...) => y = x }";
    GIVES(SPLIT, HEAD "g (float[4] x) => (float[4] z) { n = Neg(x) a, b = Split<axis = 0, num_outputs = 2>(n) y = Concat<axis = 0>(a, b) z = Neg(y) }",
          "{n=Neg(x)z=Neg(n)}");
    GIVES(SPLIT, HEAD "g (float[4] x) => (float[4] z) { n = Neg(x) a, b = Split<axis = 0, num_outputs = 2>(n) y = Concat<axis = 0>(b, a) z = Neg(y) }",
          "y=Concat");
}

static void several_roots(void **state) {
    (void)state;
    static const char RULE[] = "rule r inexact { p = MatMul(x, const A) q = MatMul(x, const B) where rank(A) == 2, rank(B) == 2, dim(A, 1) == dim(B, 1)\n"
                               "=> p, q = Split<axis = -1>(MatMul(x, Concat<axis = 1>(A, B)), [dim(A, 1), dim(B, 1)]) }";
    GIVES(RULE,
          HEAD "g (float[2,1] x) => (float[2,2] a, float[2,2] b) <float[1,2] u = {1, 2}, float[1,2] v = {3, 4}> { p = MatMul(x, u) a = Neg(p) q = "
               "MatMul(x, v) b = Neg(q) }",
          "Split<axis:int=-1>");
    /* no place: q needs what p makes */
    GIVES("rule r { p = Neg(x) q = Add(x, z) => p, q = Split<axis = 0>(Concat<axis = 0>(x, z), [2, 2]) }",
          HEAD "g (float[2] x) => (float[2] q) { p = Neg(x) s = Sin(p) q = Add(x, s) }", "q=Add(x,s)");
}

static void versions(void **state) {
    (void)state;
    static const char RULE[] = "rule r { y = Relu(Clip(x, const a, const b)) => y = Clip(x, Max(a, 0), Max(b, 0)) }";
    GIVES(RULE, HEAD "g (float[2] x) => (float[2] y) <float a = {-1}, float b = {4}> { t = Clip(x, a, b) y = Relu(t) }", "y=Clip(x,a_0,b_0)");
    GIVES(RULE, HEAD9 "g (float[2] x) => (float[2] y) { t = Clip<min = -1.0, max = 4.0>(x) y = Relu(t) }", "y=Clip<min:float=0,max:float=4>(x)");
    static const char SUM[] = "rule r { y = Neg(ReduceSum<keepdims = @k>(x, const a)) => y = ReduceSum<keepdims = @k>(Neg(x), a) }";
    GIVES(SUM, HEAD11 "g (float[2,3] x) => (float[2,1] y) { t = ReduceSum<axes = [1]>(x) y = Neg(t) }", "ReduceSum<axes:ints=[1]>");
    GIVES(SUM, HEAD "g (float[2,3] x) => (float[2] y) <int64[1] a = {1}> { t = ReduceSum<keepdims = 0>(x, a) y = Neg(t) }", "ReduceSum<keepdims:int=0>(");
    static const char PARTS[] = "rule r { a, b = Split<num_outputs = 2>(Abs(x)) => a, b = Split<axis = 0>(Neg(x), [1, 3]) }";
    GIVES(PARTS, HEAD11 "g (float[4] x) => (float[2] a, float[2] b) { t = Abs(x) a, b = Split(t) }", "a,b=Split(t)"); /* another shape */
    static const char SAME[] = "rule r { a, b = Split<num_outputs = 2>(Abs(x)) => a, b = Split<axis = 0>(Neg(x), [2, 2]) }";
    GIVES(SAME, HEAD11 "g (float[4] x) => (float[2] a, float[2] b) { t = Abs(x) a, b = Split(t) }", "a,b=Split<split:ints=[2,2]>(");
    GIVES(SAME, HEAD "g (float[4] x) => (float[2] a, float[2] b) { t = Abs(x) a, b = Split<num_outputs = 2>(t) }", ",const_0)");
    GIVES("rule r { y = Neg(x) => y = Neg(Neg(Neg(x))) }", HEAD "g (float[4] x) => (float[4] y) { y = Neg(x) }", "comes to no end");
    /* not there at this opset, and of another meaning */
    GIVES("rule r { y = Neg(x) => y = Gelu(x) }", HEAD "g (float[2] x) => (float[2] y) { y = Neg(x) }", "y=Neg(x)");
    GIVES("rule r { y = Softmax(x) => y = Neg(x) }", HEAD11 "g (float[2] x) => (float[2] y) { y = Softmax(x) }", "y=Softmax(x)");
    GIVES("rule r { y = BatchNormalization<training_mode = 0>(x, s, b, m, v) => y = Neg(x) }",
          HEAD9 "g (float[1,1,2] x, float[1] s) => (float[1,1,2] y) { y, m, v, n, w = BatchNormalization(x, s, s, s, s) }", "y,m,v,n,w=Batch");
    GIVES("rule r { y = BatchNormalization<training_mode = 0>(x, s, b, m, v) => y = Neg(x) }",
          HEAD9 "g (float[1,1,2] x, float[1] s) => (float[1,1,2] y) { y = BatchNormalization(x, s, s, s, s) }", "y=Neg(x)");
}

static void refused(void **state) {
    (void)state;
    /* another type, another shape, a type that the operator does not take, an overflow */
    GIVES("rule r { y = Neg(x) => y = Cast<to = int32>(x) }", HEAD "g (float[2] x) => (float[2] y) { y = Neg(x) }", "y=Neg(x)");
    GIVES("rule r { y = Neg(x) => y = Concat<axis = 0>(x, x) }", HEAD "g (float[2] x) => (float[2] y) { y = Neg(x) }", "y=Neg(x)");
    GIVES("rule r { y = Neg(x) => y = Sin(x) }", HEAD "g (int32[2] x) => (int32[2] y) { y = Neg(x) }", "y=Neg(x)");
    GIVES("rule r { y = Mul(x, const c) => y = Neg(Mul(x, Mul(c, c))) }", HEAD "g (float16[1] x) => (float16[1] y) <float16 c = {60000}> { y = Mul(x, c) }",
          "y=Mul(x,c)");
    GIVES("rule r { y = Neg(x) where rank(x) == 1 => y = Abs(x) }", HEAD "g (float[] x) => (float[] y) { y = Neg(x) }", "y=Neg(x)");
    GIVES("rule r { y = Neg(x) where not (rank(x) == 1) => y = Abs(x) }", HEAD "g (float[] x) => (float[] y) { y = Neg(x) }", "y=Neg(x)");
    GIVES("rule r { y = Neg(x) where rank(x) == 1 or type(x) == float => y = Abs(x) }", HEAD "g (float[] x) => (float[] y) { y = Neg(x) }", "y=Abs(x)");
    char *const exact = apply_at("rule r inexact { y = Neg(x) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) { y = Neg(x) }", 3, true);
    assert_non_null(strstr(exact, "Neg"));
    free(exact);
    char *const level = apply_at("rule r level 2 { y = Neg(x) => y = Abs(x) }", HEAD "g (float[2] x) => (float[2] y) { y = Neg(x) }", 1, false);
    assert_non_null(strstr(level, "Neg"));
    free(level);
}

static void scopes(void **state) {
    (void)state;
    static const char RULE[] = "rule r { y = Neg(Neg(x)) => y = x }";
    GIVES(RULE,
          HEAD "g (float[2] x, bool c) => (float[2] z) { z = If (c) <then_branch = a () => (float[2] p) { t = Neg(x) u = Neg(t) p = Sin(u) }, "
               "else_branch = b () => (float[2] q) { q = Neg(x) }> }",
          "{p=Sin(x)}");
    GIVES("rule r { y = Transpose<perm = @p>(x) where is_identity(@p) => y = x }",
          "<ir_version: 10, opset_import: [\"\" : 18, \"f\" : 1]>\ng (float[2,3] x) => (float[2,3] y) { y = f.t<perm = [0, 1]>(x) }\n<opset_import: "
          "[\"\" : 18], domain: \"f\">\nt <perm> (a) => (b) { b = Transpose<perm: ints = @perm>(a) }",
          "b=Transpose");
    GIVES("rule r { y = Neg(x) => y = my.domain.Op(x) }",
          "<ir_version: 10, opset_import: [\"\" : 18, \"f\" : 1]>\ng (float[2,3] x) => (float[2,3] y) { y = f.t(x) }\n<opset_import: "
          "[\"\" : 18], domain: \"f\">\nt (a) => (b) { b = Neg(a) }",
          "opset_import:[\"\":18,\"my.domain\":1]");
}

static void messages(void **state) {
    (void)state;
    static const struct {
        const char *rules, *wanted;
    } CASES[] = {
        {"rule", "1:5 expected the name of the rule, but the text ends here"},
        {"rule r { }", "1:10 expected the name of a result"},
        {"rule r { y = x => y = x }", "1:14 expected an operator"},
        {"rule r { y = Add(x, z => y = x }", "1:23 expected ',' or ')'"},
        {"rule r { y = Add(x) => y = x }", "1:14 Add has at least 2 inputs, not 1"},
        {"rule r { y = Relu(x, z) => y = x }", "1:14 Relu has at most 1 inputs, not 2"},
        {"rule r { y = Relu(x) => y = Relu(y) }", "y is replaced: what replaces it cannot use it"},
        {"rule r { y = Relu(x)\n z = Abs(v) => y = x }", "2:2 z is neither replaced nor used"},
        {"rule r { y = Relu(x) z = Abs(v) => y = x z = v }", "Abs is not connected with the rest"},
        {"rule r { y = Relu(x) => x = y }", "x is an input of the pattern"},
        {"rule r { y = Relu(x) => y = Cast(x) }", "Cast needs the attribute to"},
        {"rule r { y = Relu(x) where rank(x) => y = x }", "expected a condition, found a whole number"},
        {"rule r { y = Relu(x) where rank() == 1 => y = x }", "rank lacks a value"},
        {"rule r { y = Relu(x) where rank(x, 1) == 1 => y = x }", "rank takes 1 arguments, not 2"},
        {"rule r { y = Transpose<perm = 1>(x) => y = x }", "expected a list of numbers, found a whole number"},
        {"rule r { y = If(x) => y = x } rule r { y = Abs(x) => y = x }", "there is a rule \"r\" already"},
        {"rule r level 4 { y = If(x) => y = x }", "the level is 1, 2 or 3"},
        {"rule r level 1 inexact { y = If(x) => y = x }", "an inexact rule is of level 2 or 3"},
        {"rule r { y = Relu(x) => y = Relu(x) # c\n", "expected '}' or another binding, but the text ends here"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        check(CASES[i].rules, HEAD "g (float x) => (float y) { y = Abs(x) }", CASES[i].wanted, (int)i);
}

/* Every row of forms.def says what the schemas say. */
static void forms_and_schemas(void **state) {
    (void)state;
    for (uint32_t i = 0; i < oo__schema_count(); i++) {
        const oo_schema *const schema = oo__schema_at(i);
        for (uint32_t input = 0; *schema->domain_name == 0 && input < 8; input++) {
            const oo__form *const form = oo__form_of_input(schema->name, input);
            if (!form || schema->since < oo__meaning_since(schema->name))
                continue;
            const oo_schema_attr *const attr = oo__schema_attr(schema, form->attr);
            assert_int_equal(schema->since < form->since, attr != NULL);
            if (attr)
                assert_int_equal(attr->type, form->type);
            else
                assert_true(schema->max_inputs > input);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(numbers_on_the_right), cmocka_unit_test(uses),     cmocka_unit_test(repeated_names), cmocka_unit_test(operators),
        cmocka_unit_test(lists),         cmocka_unit_test(several_roots), cmocka_unit_test(versions),  cmocka_unit_test(refused),
        cmocka_unit_test(scopes),        cmocka_unit_test(messages), cmocka_unit_test(forms_and_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
