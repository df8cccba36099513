/* The options that fix and infer shapes, of onnxopt infer and of optimization. */
#include "cli/cli.h"

#include <string.h>

static oo_status wrong(oo_context *context, const char *shown, const char *value, const char *wanted) {
    oo__usage_error(context, "%s: \"%s\" is not %s", shown, oo__printable(value, strlen(value)), wanted);
    return OO_INVALID;
}

/* NAME=N: names may hold '=', numbers not. */
static oo_status add_dim(oo_settings *s, oo_context *context, const char *value, const char *shown) {
    const char *const sign = strrchr(value, '=');
    int64_t size;
    if (!sign || sign == value || strchr(value, ';') || !oo__parse_count(&size, sign + 1))
        return wrong(context, shown, value, "of the form NAME=N");
    oo_vec_push(s->arena, &s->shapes.dims, value);
    return OO_OK;
}

static oo_status add_shape(oo_settings *s, oo_context *context, const char *value, const char *shown) {
    if (strchr(value, ';'))
        return wrong(context, shown, value, "of the form NAME:1,3,224,224");
    oo_vec_push(s->arena, &s->shapes.inputs, value);
    return OO_OK;
}

oo_status oo__shapes_option(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    oo_shape_options *const shapes = &s->shapes;
    switch (id) {
    case OPT_FIX_DIM: return add_dim(s, context, value, shown);
    case OPT_INPUT_SHAPE:
    case OPT_OVERWRITE_INPUT_SHAPE: return add_shape(s, context, value, shown);
    case OPT_EMIT_SHAPES: shapes->emit = true; break;
    case OPT_INFER_OUTPUT: s->output = value; break;
    case OPT_JSON: shapes->json = true; break;
    case OPT_UNRESOLVED: shapes->unresolved = true; break;
    case OPT_FORGET: shapes->forget = true; break;
    case OPT_INFER_STRICT: shapes->strict = true; break;
    default: return oo__run_option(s, context, id, value, shown);
    }
    return OO_OK;
}

/* a;b, as the pass takes a list. */
static const char *joined(const oo_settings *s, const oo_words *words) {
    const char *text = "";
    for (uint32_t i = 0; i < words->n; i++)
        text = oo__arena_printf(s->arena, "%s%s%s", text, i ? ";" : "", words->data[i]);
    return text;
}

void oo__pipeline_add_shapes(oo_pipeline *pipeline, const oo_settings *s, const oo_registry *registry) {
    const char *const keys[] = {"dims", "input-shapes", "emit"};
    const char *const fix[] = {joined(s, &s->shapes.dims), joined(s, &s->shapes.inputs), "false"};
    if (s->shapes.dims.n || s->shapes.inputs.n)
        oo__pipeline_add(pipeline, registry, "infer-shapes", true, keys, fix, 3);
    if (s->shapes.emit)
        oo__pipeline_add(pipeline, registry, "infer-shapes", false, NULL, NULL, 0);
}
