/* The parts of a picture in which something changed, and how they stand on the page. */
#include "viz/picture.h"

#include <math.h>

/* Distance of each box to the nearest marked one, up to `radius`; links count both ways. */
static void spread(const oo_picture *p, uint32_t radius, uint32_t *distance) {
    for (uint32_t i = 0; i < p->boxes.n; i++)
        distance[i] = p->boxes.data[i].mark == OO_MARK_SAME ? UINT32_MAX : 0;
    for (uint32_t i = 0; i < p->links.n; i++) {
        uint32_t *const from = &distance[p->links.data[i].from], *const to = &distance[p->links.data[i].to];
        if (p->links.data[i].mark != OO_MARK_SAME && *from && *to)
            *from = *to = 0;
    }
    for (uint32_t r = 0; r < radius; r++) {
        for (uint32_t i = 0; i < p->links.n; i++) {
            uint32_t *const from = &distance[p->links.data[i].from], *const to = &distance[p->links.data[i].to];
            if (*from == r && *to == UINT32_MAX)
                *to = r + 1;
            if (*to == r && *from == UINT32_MAX)
                *from = r + 1;
        }
    }
}

/* Frames that still hold something, and those around them. */
static uint32_t *keep_frames(oo_picture *p, const oo_picture *from, const uint32_t *distance) {
    uint32_t *const kept = OO_NEW_ARRAY(p->arena, uint32_t, from->frames.n);
    kept[0] = 1;
    for (uint32_t i = 0; i < from->boxes.n; i++)
        for (uint32_t f = from->boxes.data[i].frame; distance[i] != UINT32_MAX && !kept[f];
             f = from->frames.data[f].parent)
            kept[f] = 1;
    for (uint32_t f = 0; f < from->frames.n; f++) {
        if (!kept[f])
            continue;
        oo_frame frame = from->frames.data[f];
        frame.parent = f ? kept[frame.parent] : 0;
        kept[f] = p->frames.n;
        oo_vec_push(p->arena, &p->frames, frame);
    }
    return kept;
}

static void add_nothing_note(oo_picture *p) {
    oo_vec_push(p->arena, &p->boxes,
                (oo_box){.kind = OO_BOX_NOTE,
                         .id = "nothing",
                         .head = "no operator, input or output changed",
                         .lines = "",
                         .tooltip = "note",
                         .origin = "",
                         .node = UINT32_MAX});
}

oo_picture *oo__picture_region(const oo_picture *from, uint32_t radius, oo_arena *arena) {
    oo_picture *const p = OO_NEW(arena, oo_picture);
    *p = (oo_picture){.arena = arena, .title = from->title, .legend = from->legend};
    uint32_t *const distance = OO_NEW_ARRAY(arena, uint32_t, from->boxes.n);
    spread(from, radius, distance);
    const uint32_t *const frames = keep_frames(p, from, distance);
    uint32_t *const place = OO_NEW_ARRAY(arena, uint32_t, from->boxes.n);
    for (uint32_t i = 0; i < from->boxes.n; i++) {
        if (distance[i] == UINT32_MAX)
            continue;
        oo_box box = from->boxes.data[i];
        box.frame = frames[box.frame];
        place[i] = p->boxes.n;
        oo_vec_push(arena, &p->boxes, box);
    }
    for (uint32_t i = 0; i < from->links.n; i++) {
        oo_link link = from->links.data[i];
        if (distance[link.from] == UINT32_MAX || distance[link.to] == UINT32_MAX)
            continue;
        link.from = place[link.from];
        link.to = place[link.to];
        oo_vec_push(arena, &p->links, link);
    }
    if (!p->boxes.n)
        add_nothing_note(p);
    return p;
}

/* ---- regions in columns ---- */
/* Graphviz puts unconnected parts side by side: a thousand small regions in one row. */
typedef struct region {
    uint32_t top, bottom; /* boxes of least and greatest rank */
    uint32_t ranks;
} region;

static uint32_t find(uint32_t *parent, uint32_t v) {
    while (parent[v] != v)
        v = parent[v] = parent[parent[v]];
    return v;
}

/* The first box of a region stands for it. */
static uint32_t *components(const oo_picture *p, oo_arena *arena) {
    uint32_t *const parent = OO_NEW_ARRAY(arena, uint32_t, p->boxes.n);
    for (uint32_t i = 0; i < p->boxes.n; i++)
        parent[i] = i;
    for (uint32_t i = 0; i < p->links.n; i++) {
        const uint32_t a = find(parent, p->links.data[i].from), b = find(parent, p->links.data[i].to);
        parent[a > b ? a : b] = a < b ? a : b;
    }
    return parent;
}

static const uint32_t *rank_boxes(const oo_picture *p, oo_arena *arena) {
    oo_arc *const arcs = OO_NEW_ARRAY(arena, oo_arc, p->links.n);
    uint32_t narcs = 0;
    for (uint32_t i = 0; i < p->links.n; i++)
        if (p->links.data[i].kind != OO_LINK_BECAME)
            arcs[narcs++] = (oo_arc){p->links.data[i].from, p->links.data[i].to};
    return oo__ranks(p->boxes.n, arcs, narcs, arena);
}

/* Regions in the order of their first boxes; returns their number. */
static uint32_t find_regions(const oo_picture *p, region *regions, oo_arena *arena) {
    uint32_t *const parent = components(p, arena), *const number = OO_NEW_ARRAY(arena, uint32_t, p->boxes.n);
    const uint32_t *const rank = rank_boxes(p, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->boxes.n; i++) {
        const uint32_t first = find(parent, i);
        if (first == i) {
            number[i] = count;
            regions[count++] = (region){.top = i, .bottom = i};
        }
        region *const r = &regions[number[first]];
        if (rank[i] < rank[r->top])
            r->top = i;
        if (rank[i] > rank[r->bottom])
            r->bottom = i;
        r->ranks = rank[r->bottom] - rank[r->top] + 1;
    }
    return count;
}

void oo__picture_stack(oo_picture *p) {
    oo_arena *const scratch = oo__arena_new();
    region *const regions = OO_NEW_ARRAY(scratch, region, p->boxes.n);
    const uint32_t count = find_regions(p, regions, scratch);
    double total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += regions[i].ranks;
    const double column = total / ceil(sqrt(count));
    double used = 0;
    for (uint32_t i = 0; i + 1 < count; i++) {
        used += regions[i].ranks;
        if (used >= column) {
            used = 0;
            continue;
        }
        const oo_link link = {.kind = OO_LINK_ORDER,
                              .from = regions[i].bottom,
                              .to = regions[i + 1].top,
                              .id = "",
                              .label = "",
                              .name = "",
                              .tooltip = ""};
        oo_vec_push(p->arena, &p->links, link);
    }
    oo__arena_free(scratch);
}
