/* Writes a model whatever its form: the binary format or ONNX's textual syntax, to a file or standard output. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

bool oo__writes_text(const oo_settings *settings, const char *path) {
    if (settings->emit != OO_EMIT_AUTO || !path)
        return settings->emit == OO_EMIT_TEXT;
    return ends_with(path, ".onnxtxt") || ends_with(path, ".txt");
}

oo_status oo__write_model(const oo_settings *settings, oo_context *context, oo_model *model, const char *path, bool as_text, int64_t *bytes) {
    struct stat info;
    if (as_text) {
        size_t size;
        char *const text = oo__model_print_n(model, &(oo_print_options){0}, &size);
        const oo_status status = oo__text_to_file(context, path, text, size);
        free(text);
        if (bytes)
            *bytes = (int64_t)size;
        return status;
    }
    OO_TRY(oo_model_save(model, path, &settings->save));
    if (bytes && stat(path, &info) == 0 && S_ISREG(info.st_mode))
        *bytes = (int64_t)info.st_size;
    return OO_OK;
}
