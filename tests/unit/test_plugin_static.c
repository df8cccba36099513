/* The example plugin as part of a program: the same source with OO_STATIC, and its passes run. */
#define OO_STATIC
#define OO_PLUGIN_ENTRY count_ops_plugin
#include "plugins/example_count_ops/count_ops.c"

#include "io/io.h"
#include "passes/manager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char source[] = "<ir_version: 8, opset_import: [\"\" : 17]>\n"
                             "g (float[2] x) => (float[2] y) {\n  a = Identity(x)\n  b = Relu(a)\n  y = Identity(b)\n}\n";

static void test_passes(void **state) {
    (void)state;
    oo_context *const context = oo_context_new();
    oo_registry *const registry = oo__registry_new(context);
    assert_int_equal(count_ops_plugin(NULL, registry), 0);
    assert_int_equal(count_ops_plugin(NULL, registry), OO_INVALID); /* the names are taken now */
    oo_model *model;
    assert_int_equal(oo_model_parse(&model, context, source, sizeof source - 1, "test"), OO_OK);
    oo_pipeline *pipeline;
    assert_int_equal(oo__pipeline_parse(&pipeline, context, registry, "count-ops,remove-identity,count-ops", "test"), OO_OK);
    const oo_run_settings settings = {.verify = OO_VERIFY_EACH, .honest = true, .bisect_limit = -1, .fuel = -1};
    oo_run_report report;
    assert_int_equal(oo__pipeline_run(&report, pipeline, model, &settings), OO_OK);
    assert_int_equal(report.npasses, 3);
    assert_false(report.passes[0].changed);
    assert_int_equal(report.passes[0].ncounters, 2);
    assert_string_equal(report.passes[0].counters[0].name, "Identity");
    assert_int_equal(report.passes[0].counters[0].value, 2);
    assert_int_equal(report.passes[1].rewrites, 1);
    assert_int_equal(report.passes[2].counters[0].value, 1); /* Relu; the Identity that makes the output stays */
    assert_int_equal(oo_graph_nnodes(oo_model_graph(model)), 2);
    oo__run_report_free(&report);
    oo__pipeline_free(pipeline);
    oo_model_free(model);
    oo__registry_free(registry);
    oo_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_passes)};
    return cmocka_run_group_tests_name("static plugin", tests, NULL, NULL);
}
