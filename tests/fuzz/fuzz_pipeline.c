/* Any text as a pipeline: an error, or one whose canonical text is read back as the same text. */
#include "passes/manager.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    oo_context *const context = oo_context_new();
    oo_registry *const registry = oo__registry_new(context);
    char *const text = oo__malloc(size + 1);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    oo_pipeline *pipeline, *again;
    const oo_status status = oo__pipeline_parse(&pipeline, context, registry, text, "-p");
    oo_require(context->errors == (status != OO_OK), "%u errors were reported", context->errors);
    if (status == OO_OK) {
        char *const printed = oo__pipeline_print(pipeline);
        oo_require(oo__pipeline_parse(&again, context, registry, printed, "-p") == OO_OK, "its text is refused: %s", printed);
        char *const twice = oo__pipeline_print(again);
        oo_require(strcmp(printed, twice) == 0, "its text is read as another:\n%s\n%s", printed, twice);
        free(twice);
        free(printed);
        oo__pipeline_free(again);
        oo__pipeline_free(pipeline);
    }
    free(text);
    oo__registry_free(registry);
    oo_context_free(context);
    return 0;
}
