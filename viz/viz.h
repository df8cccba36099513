/* Pictures of a model: DOT through libcgraph, SVG through libgvc in a child process. */
#ifndef VIZ_VIZ_H
#define VIZ_VIZ_H
#include "ir/ir.h"

typedef enum oo_mark { OO_MARK_SAME, OO_MARK_REMOVED, OO_MARK_ADDED, OO_MARK_CHANGED } oo_mark;

/* What happened to the nodes between two states of a model, from the rewriter's history; indexed by node id (both states number the
 * nodes that were read alike). */
typedef struct oo_changes {
    oo_mark *before; /* [nbefore] SAME, REMOVED or CHANGED */
    oo_mark *after;  /* [nafter] SAME, ADDED or CHANGED */
    uint32_t nbefore, nafter;
    const oo_model *model; /* whose history it is */
} oo_changes;
/* In `arena`. `before` is the model as it was read, a second reading of the same file. */
oo_changes *oo__changes_of(const oo_model *before, const oo_model *after, oo_arena *arena);

typedef struct oo_draw_options {
    const oo_changes *changes; /* NULL = no colours */
    bool after;                /* the drawn model is the later state */
    const char *title;
    uint32_t span_limit;       /* edges over more ranks become reference stubs; 0 = 12 */
    double cpu_seconds;        /* limit of the layout child; 0 = 20 */
} oo_draw_options;

/* DOT text of one model; from malloc. */
char *oo__draw_dot(const oo_model *model, const oo_draw_options *options);
/* DOT text of both states in one graph: the changed regions with a radius of `radius` nodes around them. */
char *oo__draw_diff(const oo_model *before, const oo_model *after, const oo_draw_options *options, uint32_t radius);
/* Lays DOT text out and gives SVG text (malloc). Always gives a drawing: when the layout child passes its limit, simpler settings are
 * tried, at last positions of our own. */
oo_status oo__draw_svg(char **out, oo_context *context, const char *dot, const oo_draw_options *options);
/* before, after and diff as .dot and .svg, and summary.md, into folder `dir` (made if it is not there; files appear whole). */
oo_status oo__draw_review(oo_context *context, const oo_model *before, const oo_model *after, const char *dir);
#endif
