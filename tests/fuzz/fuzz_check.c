/* Any bytes as a model to check: an end, with an error exactly when it says so; and what is checked is released whole. */
#include "io/io.h"
#include "ir/check.h"
#include "onnx.pb-c.h"
#include "tests/fuzz/proto_mutator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    const size_t out = seed % 4 ? oo__proto_mutate(&onnx__model_proto__descriptor, data, size, room, seed) : 0;
    return out ? out : LLVMFuzzerMutate(data, size, room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    oo_context *const context = oo_context_new();
    oo_model *model;
    oo_status status = oo__model_read_defective(&model, context, data, size, NULL);
    if (status == OO_OK)
        status = oo__model_check(model, NULL);
    oo_require((status == OO_OK) == (context->errors == 0), "%u errors were told, the status is %d", context->errors, (int)status);
    oo_model_free(model);
    oo_context_free(context);
    return 0;
}
