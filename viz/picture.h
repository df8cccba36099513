/* A drawing before it is text: boxes, links between them, frames around them. All in one arena. Ids are stable names for the same
 * thing in both states of a model, so that two pictures can be laid over each other. */
#ifndef VIZ_PICTURE_H
#define VIZ_PICTURE_H
#include "viz/markup.h"
#include "viz/viz.h"

typedef enum oo_box_kind { OO_BOX_OP, OO_BOX_INPUT, OO_BOX_OUTPUT, OO_BOX_STUB, OO_BOX_NOTE } oo_box_kind;

typedef struct oo_box {
    oo_box_kind kind;
    oo_mark mark;
    uint32_t frame;    /* index into frames; 0 is the drawing itself */
    const char *id;    /* "n12", "i0_1"; safe characters only */
    const char *head;  /* operator type or name, markup of a label */
    const char *lines; /* further lines of the label, each behind a <br/> */
    const char *tooltip;
    const char *href;   /* "#n7" or NULL */
    const char *origin; /* what a stub for one of its tensors calls it */
    uint32_t far;       /* uses that were cut */
    uint32_t node;      /* node id, UINT32_MAX = no node */
} oo_box;

typedef enum oo_link_kind {
    OO_LINK_DATA,    /* a tensor */
    OO_LINK_CAPTURE, /* a tensor that a subgraph takes from outside */
    OO_LINK_RETURN,  /* a subgraph's output to the node that owns it */
    OO_LINK_BECAME,  /* old node to the node that stands for it now */
    OO_LINK_ORDER    /* not seen: keeps one region below another */
} oo_link_kind;

typedef struct oo_link {
    oo_link_kind kind;
    oo_mark mark;
    bool level;        /* BECAME: both ends side by side */
    bool trunk;        /* part of a longest path: drawn straight */
    uint32_t from, to; /* boxes */
    const char *id;
    const char *label; /* markup: the tensor's type, or who did the rewrite */
    const char *name;  /* markup: the tensor's name, shortened, for stubs */
    const char *tooltip;
} oo_link;

typedef struct oo_frame {
    uint32_t parent;
    const char *id, *label, *tooltip;
} oo_frame;

typedef struct oo_picture {
    oo_arena *arena;
    oo_vec(oo_box) boxes;
    oo_vec(oo_link) links;
    oo_vec(oo_frame) frames;
    const char *title; /* markup */
    bool legend;       /* marks are drawn and explained */
} oo_picture;

/* The whole model. `changes` may be NULL. */
oo_picture *oo__picture_of(const oo_model *model, const oo_changes *changes, bool after, oo_arena *arena);
/* Operator box: head, lines and tooltip (viz/label.c). `deeper`: it has subgraphs that are not drawn. */
void oo__label_node(oo_box *box, const oo_node *node, bool deeper, oo_arena *arena);
/* Whether the value is data that a label tells in place of a box. */
bool oo__is_constant(const oo_value *value);
void oo__markup_constant(oo_markup *m, const oo_value *value);
/* Both pictures in one, marked by what is in which; with the BECAME links of the changes' history. */
oo_picture *oo__picture_union(const oo_picture *before, const oo_picture *after, const oo_changes *changes,
                              oo_arena *arena);
/* Keeps what is at most `radius` links away from a marked box. */
oo_picture *oo__picture_region(const oo_picture *from, uint32_t radius, oo_arena *arena);
/* Puts unconnected regions below each other, in about as many columns as there are regions in a column. */
void oo__picture_stack(oo_picture *picture);
/* Finds the trunk, and cuts links over more than `limit` ranks: a stub at the consumer stands for the origin. */
void oo__picture_cut(oo_picture *picture, uint32_t limit);
/* DOT text; from malloc. */
char *oo__picture_dot(const oo_picture *picture);

/* ---- ranks (viz/layout_ranks.c) ---- */
typedef struct oo_arc {
    uint32_t from, to;
} oo_arc;
/* Longest-path ranks [n] of a graph, each vertex pulled down to its nearest consumer. Cycles are broken. */
uint32_t *oo__ranks(uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena);
/* trunk[a] is set for the arcs that are both the deepest way in and the longest way out of their ends. */
void oo__find_trunk(bool *trunk, uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena);

/* ---- positions of our own (viz/layout_place.c) ---- */
typedef struct oo_spot {
    double width, height; /* of the box, points */
    double x, y;          /* out: centre, y upwards */
    uint32_t block;       /* boxes of a block are laid out together, blocks side by side */
} oo_spot;
void oo__place(oo_spot *spots, uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena);
#endif
