/* Inference for an outside judge: infer_cases [--strict] [--data-prop] IN.onnx OUT.onnx writes the model with everything that was inferred; exit code
 * 1 when inference refused it, 3 when the reader did. */
#include "io/io.h"
#include "ir/infer.h"

#include <stdio.h>
#include <string.h>

static void print(void *user, const oo_diag *diag) {
    (void)user;
    fprintf(stderr, "%s: %s (%s)\n", diag->op ? diag->op : diag->file, diag->text, diag->code);
}

int main(int argc, char **argv) {
    oo_infer_settings settings = {.no_values = true, .defaults_hold = true, .names_hold = true};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        settings.strict |= strcmp(argv[i], "--strict") == 0;
        settings.no_values &= strcmp(argv[i], "--data-prop") != 0;
    }
    if (i + 2 != argc)
        return 2;
    oo_context *const context = oo_context_new();
    oo_set_sink(context, print, NULL);
    oo_model *model;
    int code = 3;
    if (oo_model_load(&model, context, argv[i]) == OO_OK) {
        code = oo__infer_model(model, &settings) != OO_OK;
        oo__infer_store(model);
        if (code == 0)
            code = oo_model_save(model, argv[i + 1], NULL) != OO_OK;
        oo_model_free(model);
    }
    oo_context_free(context);
    return code;
}
