/* --dot, --svg and --review. */
#include "cli/cli.h"
#include "viz/viz.h"

#include <stdlib.h>
#include <string.h>

static oo_status draw_result(const oo_settings *s, oo_context *context, const oo_model *before, const oo_model *after, oo_arena *arena) {
    const oo_draw_options options = {
        .changes = before ? oo__changes_of(before, after, arena) : NULL, .after = true, .title = s->model};
    char *const dot = oo__draw_dot(after, &options);
    oo_status status = s->dot ? oo__text_to_file(context, s->dot, dot, strlen(dot)) : OO_OK;
    if (status == OO_OK && s->svg) {
        char *svg = NULL;
        status = oo__draw_svg(&svg, context, dot, &options);
        if (status == OO_OK)
            status = oo__text_to_file(context, s->svg, svg, strlen(svg));
        free(svg);
    }
    free(dot);
    return status;
}

oo_status oo__draw_pictures(const oo_settings *settings, oo_context *context, const oo_model *before, const oo_model *after) {
    oo_status status = OO_OK;
    if (settings->dot || settings->svg) {
        oo_arena *const arena = oo__arena_new();
        status = draw_result(settings, context, before, after, arena);
        oo__arena_free(arena);
    }
    if (status == OO_OK && settings->review)
        status = oo__draw_review(context, before ? before : after, after, settings->review);
    return status;
}
