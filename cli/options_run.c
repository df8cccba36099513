/* The options of onnxopt run. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static oo_status wrong(oo_context *context, const char *shown, const char *value, const char *wanted) {
    oo__usage_error(context, "%s: \"%s\" is not %s", shown, oo__printable(value, strlen(value)), wanted);
    return OO_INVALID;
}

/* NAME=VALUE: names may hold '=', values not. */
static oo_status add_pair(oo_settings *s, oo_context *context, oo_words *list, const char *value, const char *shown, const char *wanted) {
    const char *const sign = strrchr(value, '=');
    if (!sign || sign == value || !sign[1])
        return wrong(context, shown, value, wanted);
    oo_vec_push(s->arena, list, value);
    return OO_OK;
}

oo_status oo__parse_dim(oo_settings *s, oo_context *context, oo_words *list, const char *value, const char *shown) {
    static const char wanted[] = "of the form NAME=N";
    int64_t size;
    OO_TRY(add_pair(s, context, list, value, shown, wanted));
    return oo__parse_count(&size, strrchr(value, '=') + 1) ? OO_OK : wrong(context, shown, value, wanted);
}

oo_status oo__parse_tolerance(double *out, oo_context *context, const char *value, const char *shown) {
    char *end;
    errno = 0;
    *out = strtod(value, &end);
    return *end || end == value || errno || !(*out >= 0) ? wrong(context, shown, value, "a number from 0 on") : OO_OK;
}

oo_status oo__run_option(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    oo_run_options *const run = &s->run;
    switch (id) {
    case OPT_INPUT: return add_pair(s, context, &run->inputs, value, shown, "of the form NAME=FILE");
    case OPT_DIM: return oo__parse_dim(s, context, &run->dims, value, shown);
    case OPT_RTOL: return oo__parse_tolerance(&run->rtol, context, value, shown);
    case OPT_ATOL: return oo__parse_tolerance(&run->atol, context, value, shown);
    case OPT_SEED: return oo__parse_count(&run->seed, value) ? OO_OK : wrong(context, shown, value, "a number");
    case OPT_OUTPUT_DIR: run->output_dir = value; break;
    case OPT_TEST_DATA: run->test_data = value; break;
    case OPT_NPY: run->npy = true; break;
    case OPT_SAVE_INPUTS: run->save_inputs = true; break;
    case OPT_IN_DOUBLE: run->in_double = true; break;
    case OPT_PROFILE:
        run->profile = true;
        run->profile_json = value != NULL;
        break;
    default: oo_bug("option %d is none of onnxopt run", (int)id);
    }
    return OO_OK;
}
