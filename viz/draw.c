/* The drawings that other folders ask for: one model, or two laid over each other. */
#include "viz/picture.h"

#include <string.h>

enum { SPAN_LIMIT = 12 };

static const char *title_of(const oo_draw_options *options, oo_arena *arena) {
    if (!options->title)
        return "";
    const char *const slash = strrchr(options->title, '/');
    oo_markup m = oo__markup(arena, OO_LABEL);
    oo__markup_add(&m, "<b>");
    oo__markup_name(&m, slash && slash[1] ? slash + 1 : options->title, 100);
    oo__markup_add(&m, "</b>");
    return oo__markup_done(&m);
}

static void cut(oo_picture *picture, const oo_draw_options *options) {
    oo__picture_cut(picture, options->span_limit ? options->span_limit : SPAN_LIMIT);
}

static char *finish(oo_picture *picture, const oo_draw_options *options) {
    picture->title = title_of(options, picture->arena);
    char *const dot = oo__picture_dot(picture);
    oo__arena_free(picture->arena);
    return dot;
}

char *oo__draw_dot(const oo_model *model, const oo_draw_options *options) {
    oo_picture *const picture = oo__picture_of(model, options->changes, options->after, oo__arena_new());
    cut(picture, options);
    return finish(picture, options);
}

char *oo__draw_diff(const oo_model *before, const oo_model *after, const oo_draw_options *options, uint32_t radius) {
    oo_arena *const arena = oo__arena_new();
    const oo_picture *const old = oo__picture_of(before, options->changes, false, arena);
    const oo_picture *const new = oo__picture_of(after, options->changes, true, arena);
    const oo_picture *const both = oo__picture_union(old, new, options->changes, arena);
    oo_picture *const regions = oo__picture_region(both, radius, arena);
    cut(regions, options);
    oo__picture_stack(regions);
    return finish(regions, options);
}
