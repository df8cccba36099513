/* Mutated models through the first passes: none may crash, break the model or change it without saying so; the result can be written. */
#include "io/io.h"
#include "onnx.pb-c.h"
#include "passes/manager.h"
#include "tests/fuzz/proto_mutator.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    const size_t out = seed % 16 ? oo__proto_mutate(&onnx__model_proto__descriptor, data, size, room, seed) : 0;
    return out ? out : LLVMFuzzerMutate(data, size, room);
}

static void tell(void *user, const oo_diag *diag) {
    (void)user;
    if (diag->severity == OO_ERROR)
        fprintf(stderr, "%s: %s\n", diag->code, diag->text);
}

static void optimize(oo_context *context, oo_model *model) {
    oo_registry *const registry = oo__registry_new(context);
    oo_pipeline *pipeline;
    oo_require(oo__pipeline_parse(&pipeline, context, registry, oo__pipeline_of_level(2), "-p") == OO_OK, "the pipeline does not parse");
    oo__pipeline_add(pipeline, registry, "infer-shapes", true, NULL, NULL, 0);
    const oo_run_settings settings = {.verify = OO_VERIFY_EACH, .honest = true, .bisect_limit = -1, .fuel = -1};
    oo_run_report report;
    oo_set_sink(context, tell, NULL);
    oo_require(oo__pipeline_run(&report, pipeline, model, &settings) == OO_OK, "the pipeline failed");
    oo_require(oo_model_save(model, "/dev/null", NULL) == OO_OK, "the result cannot be written");
    oo__run_report_free(&report);
    oo__pipeline_free(pipeline);
    oo__registry_free(registry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    oo_context *const context = oo_context_new();
    oo_model *model;
    if (oo__model_read(&model, context, data, size, NULL) == OO_OK) {
        optimize(context, model);
        oo_model_free(model);
    }
    oo_context_free(context);
    return 0;
}
