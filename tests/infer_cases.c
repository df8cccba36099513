/* Inference for an outside judge: infer_cases [--strict] [--data-prop] IN.onnx OUT.onnx writes the model with everything that was inferred; exit code
 * 1 when inference refused it, 3 when the reader did. Of several pairs of names
 * the codes are printed, one a line, behind "told" where something was refused. infer_cases --count MODEL... prints how much of each model is resolved, and the time. */
#include "io/io.h"
#include "ir/infer_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print(void *user, const oo_diag *diag) {
    if (user)
        *(bool *)user = true;
    fprintf(stderr, "%s: %s (%s)\n", diag->op ? diag->op : diag->file, diag->text, diag->code);
}

/* ---- the operators of their own that ONNX's tests register ---- */
/* CustomOp: for each of out_len, [rows of input 0, 2048, entry]. Without the list it is the one that takes nothing. */
static oo_status infer_custom_op(oo__infer *c) {
    const int64_t *lengths;
    uint32_t n;
    if (!oo__infer_attr(c, "out_len"))
        return c->node->ninputs ? oo__infer_fail(c, "%u inputs are given, the operator takes none", c->node->ninputs) : OO_OK;
    if (!oo__infer_ints(c, &lengths, &n, "out_len"))
        return OO_OK;
    for (uint32_t i = 0; i < n; i++)
        oo__set_tensor(c, i, oo__input_elem(c, 0), 3,
                       (const oo_expr *const[]){oo__input_dim(c, 0, 0), oo__number(c, 2048), oo__number(c, lengths[i])});
    return OO_OK;
}

/* As many numbers as the contents of the input, which it reads as a shape. */
static oo_status infer_read_symbolic_input(oo__infer *c) {
    const oo_known *const shape = oo__input_known(c, 0);
    const oo_expr *const n = shape ? oo__number(c, shape->count) : NULL;
    oo__set_tensor(c, 0, OO_INT64, 1, &n);
    return OO_OK;
}

static oo__infer_function custom(const oo_node *node) {
    if (strcmp(node->op->name, "CustomOp") == 0)
        return infer_custom_op;
    return strcmp(node->op->name, "ReadSymbolicInput") == 0 ? infer_read_symbolic_input : NULL;
}

/* ---- counting ---- */
static double seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One line a model: resolved, of those whose size does not depend on data, by data, unknown, milliseconds. */
static int count(oo_context *context, int argc, char **argv) {
    const oo_infer_settings settings = {.forget_claims = true};
    oo_infer_counts sum = {0};
    for (int i = 0; i < argc; i++) {
        oo_model *model;
        if (oo_model_load(&model, context, argv[i]) != OO_OK)
            return 3;
        const double start = seconds();
        const oo_status status = oo__infer_model(model, &settings);
        const double ms = (seconds() - start) * 1e3;
        const oo_infer_counts n = oo__infer_count(model);
        oo_model_free(model);
        if (status != OO_OK)
            return 1;
        printf("%s\t%llu\t%llu\t%llu\t%llu\t%.1f\n", argv[i], (unsigned long long)n.values, (unsigned long long)n.resolved,
               (unsigned long long)n.fresh, (unsigned long long)n.unknown, ms);
        sum.values += n.values, sum.resolved += n.resolved, sum.fresh += n.fresh, sum.unknown += n.unknown;
    }
    const double share = sum.values > sum.fresh ? 100.0 * (double)sum.resolved / (double)(sum.values - sum.fresh) : 100;
    printf("all\t%llu\t%llu\t%llu\t%llu\t%.2f %%\n", (unsigned long long)sum.values, (unsigned long long)sum.resolved,
           (unsigned long long)sum.fresh, (unsigned long long)sum.unknown, share);
    return share < 97;
}

/* One model; the exit code. */
static int infer_file(const oo_infer_settings *settings, const char *in, const char *out, bool *told) {
    oo_context *const context = oo_context_new();
    oo_set_sink(context, print, told);
    oo_model *model;
    int code = 3;
    if (oo_model_load(&model, context, in) == OO_OK) {
        code = oo__infer_model(model, settings) != OO_OK;
        oo__infer_store(NULL, model, (oo_store){.all = true});
        if (code == 0)
            code = oo_model_save(model, out, NULL) != OO_OK;
        oo_model_free(model);
    }
    oo_context_free(context);
    return code;
}

int main(int argc, char **argv) {
    oo_infer_settings settings = {.no_values = true, .defaults_hold = true, .names_hold = true, .custom = custom};
    int i = 1;
    if (argc > 2 && strcmp(argv[1], "--count") == 0) {
        oo_context *const quiet = oo_context_new();
        const int result = count(quiet, argc - 2, argv + 2);
        oo_context_free(quiet);
        return result;
    }
    for (; i < argc && argv[i][0] == '-'; i++) {
        settings.strict |= strcmp(argv[i], "--strict") == 0;
        settings.no_values &= strcmp(argv[i], "--data-prop") != 0;
    }
    if (i + 2 == argc)
        return infer_file(&settings, argv[i], argv[i + 1], NULL);
    if (i == argc || (argc - i) % 2)
        return 2;
    for (; i < argc; i += 2) {
        bool told = false;
        const int code = infer_file(&settings, argv[i], argv[i + 1], &told);
        printf("%s%d\n", told ? "told" : "", code);
    }
    return 0;
}
