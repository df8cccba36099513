/* onnxopt check: everything that makes models invalid. */
#include "cli/cli.h"
#include "ir/check.h"

#include <inttypes.h>
#include <string.h>

oo_status oo__check_option(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    if (id == OPT_LIMIT && !oo__parse_count(&s->check.limit, value)) {
        oo__usage_error(context, "%s: \"%s\" is not a number", shown, oo__printable(value, strlen(value)));
        return OO_INVALID;
    }
    s->check.strict |= id == OPT_STRICT;
    s->check.no_infer |= id == OPT_NO_INFER;
    return OO_OK;
}

/* Lets the first defects of a model through to the printer. */
typedef struct filter {
    oo_printer *printer;
    int64_t left, hidden;
} filter;

static void pass_on(void *user, const oo_diag *diag) {
    filter *const f = user;
    if (diag->severity < OO_WARNING || f->left > 0)
        oo__print_diag(f->printer, diag);
    else
        f->hidden++;
    f->left -= diag->severity >= OO_WARNING;
}

static oo_status check_model(const oo_settings *s, oo_context *context, const char *path) {
    oo_input input;
    oo_model *model = NULL;
    const oo_check_settings settings = {.no_infer = s->check.no_infer};
    oo_status status = oo__input_open(&input, context, path);
    if (status != OO_OK)
        return status;
    status = oo__input_read_defective(&model, context, &input);
    if (status == OO_OK)
        status = oo__model_check(model, &settings);
    oo_model_free(model);
    oo__input_close(&input);
    return status;
}

static bool check_file(const oo_settings *s, oo_context *context, oo_printer *printer, const char *path) {
    const double begin = oo__now();
    filter f = {.printer = printer, .left = s->check.limit};
    context->errors = context->warnings = 0;
    oo_set_sink(context, pass_on, &f);
    const oo_status status = check_model(s, context, path);
    oo_set_sink(context, oo__print_diag, printer);
    if (f.hidden)
        oo__diag(context, (oo_diag){.severity = OO_NOTE, .file = path, .offset = -1}, "%" PRId64 " more are not shown; --limit N shows N", f.hidden);
    const bool valid = status == OO_OK && !context->errors && !(s->check.strict && context->warnings);
    oo__print_checked(printer, path, valid, context->errors, context->warnings, oo__now() - begin);
    return valid;
}

oo_exit oo__cmd_check(const oo_settings *s, oo_context *context, oo_printer *printer) {
    const double begin = oo__now();
    oo_exit code = OO_EXIT_DONE;
    for (uint32_t i = 0; i < s->check.models.n; i++)
        if (!check_file(s, context, printer, s->check.models.data[i]))
            code = OO_EXIT_INPUT;
    if (printer->json)
        oo__print_result(printer, &(oo_result){.exit = code, .bytes_before = -1, .bytes_after = -1, .seconds = oo__now() - begin});
    return code;
}
