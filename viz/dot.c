/* A picture as DOT, through libcgraph. Marks show as colour, as line style and as a sign before the name. The colours are apart for
 * the common kinds of colour blindness too. */
#include "viz/picture.h"

#include <cgraph.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct look {
    const char *name, *sign, *colour, *fill, *style, *width;
} look;

static const look looks[] = {
    [OO_MARK_SAME] = {"same", "", "#6B6B6B", "#FAFAFA", "rounded,filled", "1"},
    [OO_MARK_REMOVED] = {"removed", "- ", "#B2182B", "#FBE9E7", "rounded,filled,dashed", "1.6"},
    [OO_MARK_ADDED] = {"added", "+ ", "#00734C", "#DDF3E9", "rounded,filled,bold", "2.4"},
    [OO_MARK_CHANGED] = {"changed", "~ ", "#B36B00", "#FFF1CC", "rounded,filled", "2"},
};

#define INK "#1A1A1A"
#define BECAME "#5B3A8C"
#define FONT "Helvetica,Arial,sans-serif"

/* ---- text into memory ---- */
typedef struct memory {
    char *data;
    size_t size, cap;
} memory;

static int put_memory(void *channel, const char *text) {
    memory *const m = channel;
    const size_t size = strlen(text);
    if (m->size + size + 1 > m->cap) {
        m->cap = (m->size + size + 1) * 2;
        m->data = oo__realloc(m->data, m->cap);
    }
    memcpy(m->data + m->size, text, size + 1);
    m->size += size;
    return 0;
}

static int flush_nothing(void *channel) {
    (void)channel;
    return 0;
}

static char *write_graph(Agraph_t *g) {
    memory m = {0};
    put_memory(&m, "");
    agwrite(g, &m);
    return m.data;
}

/* ---- attributes ---- */
/* cgraph takes its strings as char *, but does not write to them. */
static char *text(const char *s) { return (char *)(uintptr_t)s; }

static void set(void *object, const char *name, const char *value) {
    agsafeset(object, text(name), text(value), text(""));
}

/* Labels are always HTML-like and never begin as a plain attribute does: cgraph keeps one copy of equal strings. */
static void set_label(Agraph_t *g, void *object, const char *markup) {
    char *const html = agstrdup_html(g, text(markup));
    /* Declaring it again would take the label of the whole graph away. */
    if (!agattr(g, agobjkind(object), text("label"), NULL))
        agattr(g, agobjkind(object), text("label"), text(""));
    agset(object, text("label"), html);
    agstrfree(g, html);
}

static void set_defaults(Agraph_t *g, const oo_picture *p) {
    static const char *const graph[][2] = {{"rankdir", "TB"},  {"ranksep", "0.25"}, {"nodesep", "0.2"},
                                           {"fontname", FONT}, {"fontsize", "13"},  {"fontcolor", INK},
                                           {"labelloc", "t"},  {"linelength", "0"}, {"bgcolor", "white"},
                                           {"pad", "0.15"},    {"style", ""},       {"color", ""}};
    static const char *const node[][2] = {{"shape", "box"},     {"style", "rounded,filled"}, {"fillcolor", "#FAFAFA"},
                                          {"color", "#6B6B6B"}, {"fontname", FONT},          {"fontsize", "11"},
                                          {"fontcolor", INK},   {"margin", "0.09,0.045"},    {"height", "0.3"},
                                          {"width", "0.5"}};
    static const char *const edge[][2] = {
        {"fontname", FONT}, {"fontsize", "8"}, {"fontcolor", "#404040"}, {"color", "#6B6B6B"}, {"arrowsize", "0.55"}};
    for (size_t i = 0; i < sizeof graph / sizeof *graph; i++)
        agattr(g, AGRAPH, text(graph[i][0]), text(graph[i][1]));
    for (size_t i = 0; i < sizeof node / sizeof *node; i++)
        agattr(g, AGNODE, text(node[i][0]), text(node[i][1]));
    for (size_t i = 0; i < sizeof edge / sizeof *edge; i++)
        agattr(g, AGEDGE, text(edge[i][0]), text(edge[i][1]));
    set(g, "tooltip", "model graph");
    set_label(g, g, *p->title ? p->title : " ");
}

/* ---- boxes ---- */
static void set_box_look(void *n, const oo_box *box) {
    const look *const l = &looks[box->mark];
    if (box->mark != OO_MARK_SAME) {
        set(n, "color", l->colour);
        set(n, "penwidth", l->width);
        set(n, "style", l->style);
        set(n, "fillcolor", l->fill);
    }
    if (box->kind == OO_BOX_INPUT || box->kind == OO_BOX_OUTPUT) {
        set(n, "shape", box->kind == OO_BOX_INPUT ? "invhouse" : "house");
        set(n, "style", box->mark == OO_MARK_REMOVED ? "filled,dashed" : "filled");
        if (box->mark == OO_MARK_SAME)
            set(n, "fillcolor", "#E3ECF7");
    } else if (box->kind == OO_BOX_STUB) {
        set(n, "style", "dotted");
        set(n, "fontsize", "8");
        set(n, "height", "0.2");
        set(n, "margin", "0.05,0.02");
        set(n, "fontcolor", box->mark == OO_MARK_SAME ? "#404040" : l->colour);
    } else if (box->kind == OO_BOX_NOTE) {
        set(n, "shape", "plaintext");
        set(n, "style", "");
    }
}

static const char *label_of(const oo_box *box, oo_arena *arena) {
    oo_markup m = oo__markup(arena, OO_LABEL);
    if (box->kind == OO_BOX_STUB || box->kind == OO_BOX_NOTE)
        return box->head;
    /* The space keeps the label from being nothing at all. */
    oo__markup_add(&m, "<b>%s%s</b>%s", looks[box->mark].sign, *box->head ? box->head : " ", box->lines);
    if (box->far)
        oo__markup_add(&m, "<br/><font point-size=\"8\" color=\"#5E5E5E\">&#8595; %u use%s far below</font>", box->far,
                       box->far > 1 ? "s" : "");
    return oo__markup_done(&m);
}

static const char *class_of(const oo_box *box, oo_arena *arena) {
    static const char *const kinds[] = {[OO_BOX_OP] = "op",
                                        [OO_BOX_INPUT] = "input",
                                        [OO_BOX_OUTPUT] = "output",
                                        [OO_BOX_STUB] = "stub",
                                        [OO_BOX_NOTE] = "note"};
    return oo__arena_printf(arena, "%s %s", kinds[box->kind], looks[box->mark].name);
}

static Agnode_t *add_box(Agraph_t *g, Agraph_t *frame, const oo_box *box, oo_arena *arena) {
    Agnode_t *const n = agnode(frame, text(box->id), 1);
    set_label(g, n, label_of(box, arena));
    set(n, "id", box->id);
    set(n, "class", class_of(box, arena));
    set(n, "tooltip", box->tooltip);
    if (box->href)
        set(n, "URL", box->href);
    set_box_look(n, box);
    return n;
}

/* ---- links ---- */
/* Without a straight trunk each branch moves what follows it a little further to one side. */
static void set_link_look(void *e, const oo_link *link) {
    if (link->trunk)
        set(e, "weight", "8");
    static const char *const styles[] = {[OO_MARK_REMOVED] = "dashed", [OO_MARK_ADDED] = "bold"};
    if (link->mark == OO_MARK_REMOVED || link->mark == OO_MARK_ADDED) {
        set(e, "color", looks[link->mark].colour);
        set(e, "fontcolor", looks[link->mark].colour);
        set(e, "style", styles[link->mark]);
    }
    if (link->kind == OO_LINK_CAPTURE)
        set(e, "style", "dashed");
    if (link->kind == OO_LINK_RETURN || link->kind == OO_LINK_BECAME)
        set(e, "style", "dotted");
    if (link->kind == OO_LINK_BECAME) {
        set(e, "color", BECAME);
        set(e, "fontcolor", BECAME);
        set(e, "arrowhead", "vee");
        set(e, "penwidth", "1.6");
        if (!link->level) {
            set(e, "constraint", "false");
            set(e, "tailport", "e"); /* clear of the tensors, which run from bottom to top */
            set(e, "headport", "e");
        }
    }
}

static const char *link_class(const oo_link *link, oo_arena *arena) {
    static const char *const kinds[] = {[OO_LINK_DATA] = "tensor",
                                        [OO_LINK_CAPTURE] = "capture",
                                        [OO_LINK_RETURN] = "return",
                                        [OO_LINK_BECAME] = "became"};
    return oo__arena_printf(arena, "%s %s", kinds[link->kind], looks[link->mark].name);
}

static void add_link(Agraph_t *g, Agnode_t *from, Agnode_t *to, const oo_link *link, oo_arena *arena) {
    Agedge_t *const e = agedge(g, from, to, NULL, 1);
    if (link->kind == OO_LINK_ORDER) {
        set(e, "style", "invis");
        return;
    }
    if (*link->label)
        set_label(g, e, oo__arena_printf(arena, "&#160;&#160;%s&#160;", link->label));
    set(e, "id", link->id);
    set(e, "class", link_class(link, arena));
    set(e, "tooltip", link->tooltip);
    set_link_look(e, link);
}

/* Old and new on one rank, the old one left: an edge within a rank points to the right. */
static void level(Agraph_t *frame, Agnode_t *from, Agnode_t *to, uint32_t number) {
    char name[32];
    snprintf(name, sizeof name, "level_%u", number);
    Agraph_t *const same = agsubg(frame, name, 1);
    agsafeset(same, text("rank"), text("same"), text(""));
    agsubnode(same, from, 1);
    agsubnode(same, to, 1);
}

/* ---- legend ---- */
static bool has_became(const oo_picture *p) {
    for (uint32_t i = 0; i < p->links.n; i++)
        if (p->links.data[i].kind == OO_LINK_BECAME)
            return true;
    return false;
}

static void add_legend(Agraph_t *g, const oo_picture *p, oo_arena *arena) {
    oo_markup m = oo__markup(arena, OO_LABEL);
    oo__markup_add(&m, "<table border=\"0\" cellborder=\"1\" cellspacing=\"3\" cellpadding=\"3\"><tr>");
    static const oo_mark order[] = {OO_MARK_REMOVED, OO_MARK_ADDED, OO_MARK_CHANGED, OO_MARK_SAME};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const look *const l = &looks[order[i]];
        const char *const lines = order[i] == OO_MARK_REMOVED ? "dashed" : "solid";
        oo__markup_add(&m, "<td bgcolor=\"%s\" color=\"%s\" style=\"%s\"><font point-size=\"9\">%s%s</font></td>",
                       l->fill, l->colour, lines, l->sign, l->name);
    }
    if (has_became(p))
        oo__markup_add(&m, "<td style=\"dotted\" color=\"" BECAME "\"><font point-size=\"9\" color=\"" BECAME
                           "\">&#183;&#183;&gt; became</font></td>");
    oo__markup_add(&m, "</tr></table>");
    const oo_box box = {
        .kind = OO_BOX_NOTE, .id = "legend", .head = oo__markup_done(&m), .lines = "", .tooltip = "legend"};
    add_box(g, g, &box, arena);
}

static Agraph_t *add_frame(Agraph_t *g, Agraph_t *parent, const oo_frame *frame, oo_arena *arena) {
    Agraph_t *const sub = agsubg(parent, text(oo__arena_printf(arena, "cluster_%s", frame->id)), 1);
    set_label(g, sub, frame->label);
    set(sub, "id", frame->id);
    set(sub, "tooltip", frame->tooltip);
    set(sub, "style", "rounded,dashed");
    set(sub, "color", "#8A8A8A");
    set(sub, "fontsize", "10");
    return sub;
}

char *oo__picture_dot(const oo_picture *p) {
    oo_arena *const arena = oo__arena_new();
    Agiodisc_t io = {.afread = AgIoDisc.afread, .putstr = put_memory, .flush = flush_nothing};
    Agdisc_t disc = {.mem = &AgMemDisc, .id = &AgIdDisc, .io = &io};
    Agraph_t *const g = agopen(text("model"), Agdirected, &disc);
    set_defaults(g, p);
    if (p->legend)
        add_legend(g, p, arena);
    Agraph_t **const frames = OO_NEW_ARRAY(arena, Agraph_t *, p->frames.n);
    frames[0] = g;
    for (uint32_t i = 1; i < p->frames.n; i++)
        frames[i] = add_frame(g, frames[p->frames.data[i].parent], &p->frames.data[i], arena);
    Agnode_t **const nodes = OO_NEW_ARRAY(arena, Agnode_t *, p->boxes.n);
    for (uint32_t i = 0; i < p->boxes.n; i++)
        nodes[i] = add_box(g, frames[p->boxes.data[i].frame], &p->boxes.data[i], arena);
    for (uint32_t i = 0; i < p->links.n; i++) {
        const oo_link *const link = &p->links.data[i];
        add_link(g, nodes[link->from], nodes[link->to], link, arena);
        if (link->level)
            level(frames[p->boxes.data[link->from].frame], nodes[link->from], nodes[link->to], i);
    }
    char *const dot = write_graph(g);
    agclose(g);
    oo__arena_free(arena);
    return dot;
}
