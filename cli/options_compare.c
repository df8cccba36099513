/* The options of --check and of onnxopt diff. */
#include "cli/cli.h"

#include <string.h>

enum { MOST_SETS = 1000000 };

static oo_status parse_sets(int64_t *out, oo_context *context, const char *value, const char *shown) {
    *out = OO_CHECK_SETS;
    if (!value || (oo__parse_count(out, value) && *out > 0 && *out <= MOST_SETS))
        return OO_OK;
    oo__usage_error(context, "%s: \"%s\" is not a number from 1 to %d", shown, oo__printable(value, strlen(value)), MOST_SETS);
    return OO_INVALID;
}

static oo_status parse_seed(int64_t *out, oo_context *context, const char *value, const char *shown) {
    if (oo__parse_count(out, value))
        return OO_OK;
    oo__usage_error(context, "%s: \"%s\" is not a number", shown, oo__printable(value, strlen(value)));
    return OO_INVALID;
}

oo_status oo__compare_option(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    oo_compare_options *const check = &s->compare;
    switch (id) {
    case OPT_CHECK:
    case OPT_CHECK_N:
    case OPT_DIFF_NUMERIC: return parse_sets(&check->sets, context, value, shown);
    case OPT_CHECK_DIM:
    case OPT_DIFF_DIM: return oo__parse_dim(s, context, &check->dims, value, shown);
    case OPT_CHECK_SEED:
    case OPT_DIFF_SEED: return parse_seed(&check->seed, context, value, shown);
    case OPT_CHECK_RTOL:
    case OPT_DIFF_RTOL: return oo__parse_tolerance(&check->rtol, context, value, shown);
    case OPT_CHECK_ATOL:
    case OPT_DIFF_ATOL: return oo__parse_tolerance(&check->atol, context, value, shown);
    case OPT_DIFF_DUMP_DIR: s->dump_dir = value; break;
    case OPT_DIFF_TEXT: s->text_diff = true; break;
    case OPT_CHECK_EACH: check->each = true; break;
    default: oo_bug("option %d is none of checking", (int)id);
    }
    return OO_OK;
}
