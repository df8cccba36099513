/* Any text as rules: an error with one message, or rules that leave a model valid. */
#include "io/io.h"
#include "passes/rule_base.h"
#include "passes/rule_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char MODEL[] =
    "<ir_version: 10, opset_import: [\"\" : 18]>\n"
    "g (float[2,3] x, float[N,3] v, bool c, int64[2] i) => (float[2,3] y, float[] z, float[2,3] w, float[3,2] t)\n"
    "<float one = {1}, float[3] k = {1, 2, 3}, int64[2] s = {3, -1}, float[3,3] m = {1, 2, 3, 4, 5, 6, 7, 8, 9}>\n"
    "{ a = Add(x, k) b = Relu(a) d = Mul(b, one) e = Sigmoid(d) y = Mul(d, e) p = MatMul(x, m) q = Add(p, k) r = Concat<axis = 0>(q, x, v) z = "
    "Neg(r) h, j = Split<axis = 1, num_outputs = 2>(r) w = If (c) <then_branch = n () => (float[2,3] o) { o = Relu(a) }, else_branch = l () => "
    "(float[2,3] u) { u = Neg(x) }> f = Transpose<perm = [1, 0]>(q) o2 = Reshape(f, s) u2 = Clip(o2, one) t = Identity(u2) }";

static void apply(const oo__rules *rules, oo_context *context) {
    oo_model *model = NULL;
    oo_require(oo_model_parse(&model, context, MODEL, sizeof MODEL - 1, "model") == OO_OK, "the model is wrong");
    oo__facts_renew(model);
    oo_arena *const scratch = oo__arena_new();
    uint64_t fuel = 200;
    oo_rewriter *const rw = oo__rewriter_new(model, scratch, &(oo_rewriter_settings){.pass = "rules", .fuel = &fuel, .tell_missed = true});
    const oo__rule_choice choice = {.level = 3};
    (void)oo__rules_run(rw, model, rules, &choice);
    oo_require(!oo__rewriter_is_broken(rw), "a value got another type");
    oo_require(oo__rewriter_free(rw), "a rewrite is open");
    oo_require(oo_model_verify(model) == OO_OK, "the model is broken");
    oo__arena_free(scratch);
    oo_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    oo_context *const context = oo_context_new();
    const oo__rule_source source = {.context = context, .arena = oo__arena_new(), .path = "fuzz.rules", .group = "fuzz"};
    oo__rules rules = {0};
    const oo_status status = oo__rules_parse(&rules, &source, (const char *)data, size);
    oo_require((context->errors > 0) == (status != OO_OK), "%u errors were reported", context->errors);
    if (status == OO_OK)
        apply(&rules, context);
    oo__arena_free(source.arena);
    oo_context_free(context);
    return 0;
}
