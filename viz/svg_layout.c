/* Runs Graphviz, with its own layout or with positions of ours. */
#include "viz/svg_layout.h"

#include "base/library.h"

#include <gvc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libgvc brings eight more libraries, and only the process that draws needs them. */
static struct {
    __typeof__(gvContext) *context;
    __typeof__(gvLayout) *layout;
    __typeof__(gvRenderData) *render;
} gvc;

static bool load(void) {
    static const char *const names[] = {"gvContext", "gvLayout", "gvRenderData"};
    return oo__library_load(&gvc, ONNXOPT_GVC, names, sizeof names / sizeof *names);
}

static char *text(const char *s) { return (char *)(uintptr_t)s; }

static void hurry(Agraph_t *g) {
    static const char *const settings[][2] = {
        {"nslimit", "0.3"}, {"nslimit1", "0.3"}, {"mclimit", "0.1"}, {"splines", "line"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        agattr(g, AGRAPH, text(settings[i][0]), text(settings[i][1]));
}

/* ---- positions of our own ---- */
/* Rows and longest row of an HTML-like label: tags count nothing, entities one character. A table is one row here. */
static oo_spot measure(Agnode_t *n) {
    const char *label = agget(n, text("label"));
    double longest = 0, length = 0, height = 16;
    const char *tail = label ? label : "";
    while (*tail) {
        if (*tail == '<') {
            if (strncmp(tail, "<br/>", 5) == 0) {
                longest = fmax(longest, length);
                length = 0;
                height += 11;
            }
            tail += strcspn(tail, ">");
            tail += *tail == '>';
            continue;
        }
        tail += *tail == '&' ? strcspn(tail, ";") : 1;
        length++;
    }
    return (oo_spot){.width = fmax(fmax(longest, length) * 6.2 + 22, 40), .height = height + 10};
}

static uint32_t index_of(Agnode_t *n) { return (uint32_t)AGSEQ(n) - 1; }

/* The innermost cluster that holds a node is its block; clusters come outer before inner. */
static void assign_blocks(Agraph_t *g, oo_spot *spots, uint32_t *nblocks) {
    for (Agraph_t *sub = agfstsubg(g); sub; sub = agnxtsubg(sub)) {
        if (strncmp(agnameof(sub), "cluster_", 8) != 0)
            continue;
        const uint32_t block = (*nblocks)++;
        for (Agnode_t *n = agfstnode(sub); n; n = agnxtnode(sub, n))
            spots[index_of(n)].block = block;
        assign_blocks(sub, spots, nblocks);
    }
}

static void set_cluster_boxes(Agraph_t *g, const oo_spot *spots) {
    for (Agraph_t *sub = agfstsubg(g); sub; sub = agnxtsubg(sub)) {
        if (strncmp(agnameof(sub), "cluster_", 8) != 0 || !agfstnode(sub))
            continue;
        double left = INFINITY, right = -INFINITY, low = INFINITY, high = -INFINITY;
        for (Agnode_t *n = agfstnode(sub); n; n = agnxtnode(sub, n)) {
            const oo_spot *const s = &spots[index_of(n)];
            left = fmin(left, s->x - s->width / 2);
            right = fmax(right, s->x + s->width / 2);
            low = fmin(low, s->y - s->height / 2);
            high = fmax(high, s->y + s->height / 2);
        }
        char box[128];
        snprintf(box, sizeof box, "%.2f,%.2f,%.2f,%.2f", left - 10, low - 10, right + 10, high + 26);
        agset(sub, text("bb"), box);
        snprintf(box, sizeof box, "%.2f,%.2f", (left + right) / 2, high + 14);
        agset(sub, text("lp"), box);
        set_cluster_boxes(sub, spots);
    }
}

static oo_arc *collect_arcs(Agraph_t *g, uint32_t *narcs, oo_arena *arena) {
    oo_arc *const arcs = OO_NEW_ARRAY(arena, oo_arc, (size_t)agnedges(g));
    *narcs = 0;
    for (Agnode_t *n = agfstnode(g); n; n = agnxtnode(g, n)) {
        for (Agedge_t *e = agfstout(g, n); e; e = agnxtout(g, e)) {
            const char *const constraint = agget(e, text("constraint"));
            if (!constraint || strcmp(constraint, "false") != 0)
                arcs[(*narcs)++] = (oo_arc){index_of(agtail(e)), index_of(aghead(e))};
        }
    }
    return arcs;
}

static void place_all(Agraph_t *g) {
    oo_arena *const arena = oo__arena_new();
    const uint32_t n = (uint32_t)agnnodes(g);
    oo_spot *const spots = OO_NEW_ARRAY(arena, oo_spot, n);
    for (Agnode_t *v = agfstnode(g); v; v = agnxtnode(g, v))
        spots[index_of(v)] = measure(v);
    uint32_t nblocks = 1, narcs;
    assign_blocks(g, spots, &nblocks);
    const oo_arc *const arcs = collect_arcs(g, &narcs, arena);
    oo__place(spots, n, arcs, narcs, arena);
    agattr(g, AGNODE, text("pos"), text(""));
    agattr(g, AGRAPH, text("bb"), text(""));
    agattr(g, AGRAPH, text("lp"), text(""));
    agattr(g, AGRAPH, text("splines"), text("line"));
    agattr(g, AGRAPH, text("outputorder"), text("edgesfirst")); /* lines run behind boxes */
    for (Agnode_t *v = agfstnode(g); v; v = agnxtnode(g, v)) {
        char position[64];
        snprintf(position, sizeof position, "%.2f,%.2f", spots[index_of(v)].x, spots[index_of(v)].y);
        agset(v, text("pos"), position);
    }
    set_cluster_boxes(g, spots);
    oo__arena_free(arena);
}

char *oo__svg_layout(size_t *size, const char *dot, oo_care care) {
    Agraph_t *const g = agmemread(dot);
    GVC_t *const context = g && load() ? gvc.context() : NULL;
    if (!context)
        return NULL;
    if (care == OO_CARE_LESS)
        hurry(g);
    if (care == OO_CARE_OWN)
        place_all(g);
    char *svg = NULL;
    unsigned length = 0;
    if (gvc.layout(context, g, care == OO_CARE_OWN ? "nop2" : "dot") != 0 || gvc.render(context, g, "svg", &svg, &length) != 0)
        return NULL;
    *size = length;
    return svg;
}
