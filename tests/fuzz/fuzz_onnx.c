/* Any bytes as a model: an error with one diagnostic, or a model that is sound and is written and read again as the same message. */
#include "io/io.h"
#include "onnx.pb-c.h"
#include "tests/fuzz/proto_mutator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    const size_t out = seed % 2 ? oo__proto_mutate(&onnx__model_proto__descriptor, data, size, room, seed) : 0;
    return out ? out : LLVMFuzzerMutate(data, size, room);
}

/* The message as protobuf-c writes it: equal bytes are equal messages. */
static uint8_t *normal_form(const uint8_t *data, size_t size, size_t *packed) {
    Onnx__ModelProto *const m = onnx__model_proto__unpack(NULL, size, data);
    oo_require(m != NULL, "protobuf-c refuses what was accepted");
    uint8_t *const out = oo__malloc(onnx__model_proto__get_packed_size(m));
    *packed = onnx__model_proto__pack(m, out);
    onnx__model_proto__free_unpacked(m, NULL);
    return out;
}

static void compare(const uint8_t *data, size_t size, const oo_source *written) {
    size_t before, after;
    uint8_t *const a = normal_form(data, size, &before), *const b = normal_form(written->bytes, written->size, &after);
    oo_require(before == after && memcmp(a, b, before) == 0, "the written message differs: %zu bytes, %zu before", after, before);
    free(a);
    free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char path[64];
    snprintf(path, sizeof path, "/dev/shm/onnxopt-fuzz-%ld.onnx", (long)getpid());
    oo_context *const context = oo_context_new();
    oo_model *model, *again;
    oo_source *written;
    const oo_status status = oo__model_read(&model, context, data, size, NULL);
    oo_require((status == OO_OK) == (context->errors == 0) && context->errors <= 1, "%u errors were reported", context->errors);
    if (status == OO_OK) {
        oo_require(oo_model_verify(model) == OO_OK, "a model that was read is broken");
        oo_require(oo_model_save(model, path, NULL) == OO_OK, "it cannot be written");
        oo_require(oo__source_open(&written, context, path) == OO_OK, "what was written is not there");
        oo_require(oo__model_read(&again, context, written->bytes, written->size, NULL) == OO_OK, "what was written is refused");
        compare(data, size, written);
        oo_model_free(again);
        oo__source_close(written);
        oo_model_free(model);
    }
    unlink(path);
    oo_context_free(context);
    return 0;
}
