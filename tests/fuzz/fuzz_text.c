/* Any bytes as ONNX text: an error or a model, and a model's text is read back. */
#include "io/io.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    oo_context *const context = oo_context_new();
    oo_model *model, *again;
    if (oo_model_parse(&model, context, (const char *)data, size, "-") == OO_OK) {
        size_t n;
        char *const text = oo__model_print_n(model, NULL, &n);
        oo_require(oo_model_verify(model) == OO_OK, "a parsed model is broken");
        oo_require(oo_model_parse(&again, context, text, n, "-") == OO_OK, "printed text is refused:\n%s", text);
        oo_model_free(again);
        oo_model_free(model);
        free(text);
    }
    oo_context_free(context);
    return 0;
}
