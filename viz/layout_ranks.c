/* Longest-path ranks, and stubs for the links that span many of them: a link over R ranks costs Graphviz R virtual nodes, and that,
 * not the number of boxes, is what makes layouts slow. */
#include "viz/picture.h"

typedef struct graph {
    uint32_t n, narcs;
    const oo_arc *arcs;
    uint32_t *first; /* [n + 1] into out */
    uint32_t *out;   /* arc indices by tail */
    bool *back;      /* [narcs] left out to break cycles */
} graph;

static void index_arcs(graph *g, oo_arena *arena) {
    g->first = OO_NEW_ARRAY(arena, uint32_t, g->n + 2);
    g->out = OO_NEW_ARRAY(arena, uint32_t, g->narcs);
    for (uint32_t a = 0; a < g->narcs; a++)
        g->first[g->arcs[a].from + 2]++;
    for (uint32_t v = 0; v < g->n; v++)
        g->first[v + 2] += g->first[v + 1];
    for (uint32_t a = 0; a < g->narcs; a++)
        g->out[g->first[g->arcs[a].from + 1]++] = a;
}

/* Depth first without recursion: an arc to a vertex that is still open closes a cycle. `order` gets the vertices, last first. */
static void visit(graph *g, uint32_t root, uint8_t *state, uint32_t *stack, uint32_t *next, uint32_t *order,
                  uint32_t *left) {
    enum { NEW, OPEN, DONE };
    uint32_t depth = 0;
    stack[depth++] = root;
    state[root] = OPEN;
    while (depth) {
        const uint32_t v = stack[depth - 1];
        if (next[v] == g->first[v + 1]) {
            state[v] = DONE;
            order[--*left] = v;
            depth--;
            continue;
        }
        const uint32_t a = g->out[next[v]++], w = g->arcs[a].to;
        g->back[a] = state[w] == OPEN;
        if (state[w] == NEW) {
            state[w] = OPEN;
            stack[depth++] = w;
        }
    }
}

/* A topological order of all vertices, back arcs aside. */
static uint32_t *topological(graph *g, oo_arena *arena) {
    uint32_t *const order = OO_NEW_ARRAY(arena, uint32_t, g->n), *const stack = OO_NEW_ARRAY(arena, uint32_t, g->n);
    uint32_t *const next = OO_NEW_ARRAY(arena, uint32_t, g->n);
    uint8_t *const state = OO_NEW_ARRAY(arena, uint8_t, g->n);
    uint32_t left = g->n;
    for (uint32_t v = 0; v < g->n; v++)
        next[v] = g->first[v];
    for (uint32_t v = 0; v < g->n; v++)
        if (!state[v])
            visit(g, v, state, stack, next, order, &left);
    return order;
}

/* Moves each vertex down to its nearest consumer: what computes a shape or a mask belongs where it is used. That more arcs may
 * become long by it does no harm, since long ones are cut. */
static void tighten(const graph *g, const uint32_t *order, uint32_t *rank) {
    for (uint32_t i = g->n; i-- > 0;) {
        const uint32_t v = order[i];
        uint32_t nearest = UINT32_MAX;
        for (uint32_t k = g->first[v]; k < g->first[v + 1]; k++)
            if (!g->back[g->out[k]] && rank[g->arcs[g->out[k]].to] < nearest)
                nearest = rank[g->arcs[g->out[k]].to];
        if (nearest != UINT32_MAX)
            rank[v] = nearest - 1;
    }
}

/* Longest path from a source to each vertex; `height` to a sink, when asked for. */
static uint32_t *measure(const graph *g, const uint32_t *order, uint32_t *height, oo_arena *arena) {
    uint32_t *const depth = OO_NEW_ARRAY(arena, uint32_t, g->n);
    for (uint32_t i = 0; i < 2 * g->n; i++) {
        const bool down = i < g->n;
        const uint32_t v = order[down ? i : 2 * g->n - 1 - i];
        for (uint32_t k = g->first[v]; k < g->first[v + 1]; k++) {
            const uint32_t a = g->out[k], w = g->arcs[a].to;
            if (g->back[a])
                continue;
            if (down && depth[w] <= depth[v])
                depth[w] = depth[v] + 1;
            if (!down && height && height[v] <= height[w])
                height[v] = height[w] + 1;
        }
    }
    return depth;
}

uint32_t *oo__ranks(uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena) {
    graph g = {.n = n, .narcs = narcs, .arcs = arcs, .back = OO_NEW_ARRAY(arena, bool, narcs)};
    index_arcs(&g, arena);
    const uint32_t *const order = topological(&g, arena);
    uint32_t *const rank = measure(&g, order, NULL, arena);
    tighten(&g, order, rank);
    return rank;
}

void oo__find_trunk(bool *trunk, uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena) {
    graph g = {.n = n, .narcs = narcs, .arcs = arcs, .back = OO_NEW_ARRAY(arena, bool, narcs)};
    index_arcs(&g, arena);
    uint32_t *const height = OO_NEW_ARRAY(arena, uint32_t, n);
    const uint32_t *const depth = measure(&g, topological(&g, arena), height, arena);
    /* Arc + 1: the deepest way in and the longest way out of each vertex. */
    uint32_t *const in = OO_NEW_ARRAY(arena, uint32_t, n), *const out = OO_NEW_ARRAY(arena, uint32_t, n);
    for (uint32_t a = 0; a < narcs; a++) {
        const uint32_t from = arcs[a].from, to = arcs[a].to;
        if (!in[to] || depth[from] > depth[arcs[in[to] - 1].from])
            in[to] = a + 1;
        if (!out[from] || height[to] > height[arcs[out[from] - 1].to])
            out[from] = a + 1;
    }
    for (uint32_t a = 0; a < narcs; a++)
        trunk[a] = !g.back[a] && in[arcs[a].to] == a + 1 && out[arcs[a].from] == a + 1;
}

/* ---- stubs ---- */
static uint32_t span(const uint32_t *rank, const oo_link *link) {
    const uint32_t from = rank[link->from], to = rank[link->to];
    return to > from ? to - from : from - to;
}

/* The link then starts at a small box that names the tensor and where it comes from. */
static void cut(oo_picture *p, oo_link *link) {
    const oo_box *const from = &p->boxes.data[link->from];
    oo_markup head = oo__markup(p->arena, OO_LABEL), tooltip = oo__markup(p->arena, OO_TOOLTIP);
    oo__markup_add(&head, "&#8593; %s<br/>from %s", link->kind == OO_LINK_BECAME ? link->label : link->name,
                   from->origin);
    if (from->kind == OO_BOX_OP)
        oo__markup_add(&head, " %s", from->id);
    if (*link->label && link->kind != OO_LINK_BECAME)
        oo__markup_add(&head, "<br/>%s", link->label);
    oo__markup_add(&tooltip, "%s\\nfrom far above: %s", link->tooltip, from->id);
    const oo_box stub = {.kind = OO_BOX_STUB,
                         .mark = link->mark,
                         .frame = p->boxes.data[link->to].frame,
                         .id = oo__arena_printf(p->arena, "s_%s", link->id),
                         .head = oo__markup_done(&head),
                         .lines = "",
                         .tooltip = oo__markup_done(&tooltip),
                         .href = oo__arena_printf(p->arena, "#%s", from->id),
                         .origin = from->origin,
                         .node = UINT32_MAX};
    p->boxes.data[link->from].far++;
    link->from = p->boxes.n;
    link->label = "";
    oo_vec_push(p->arena, &p->boxes, stub);
}

void oo__picture_cut(oo_picture *p, uint32_t limit) {
    oo_arena *const scratch = oo__arena_new();
    oo_arc *const arcs = OO_NEW_ARRAY(scratch, oo_arc, p->links.n);
    uint32_t *const link_of = OO_NEW_ARRAY(scratch, uint32_t, p->links.n);
    bool *const trunk = OO_NEW_ARRAY(scratch, bool, p->links.n);
    uint32_t narcs = 0;
    for (uint32_t i = 0; i < p->links.n; i++) {
        if (p->links.data[i].kind == OO_LINK_BECAME)
            continue;
        link_of[narcs] = i;
        arcs[narcs++] = (oo_arc){p->links.data[i].from, p->links.data[i].to};
    }
    const uint32_t *const rank = oo__ranks(p->boxes.n, arcs, narcs, scratch);
    oo__find_trunk(trunk, p->boxes.n, arcs, narcs, scratch);
    for (uint32_t a = 0; a < narcs; a++)
        p->links.data[link_of[a]].trunk = trunk[a];
    for (uint32_t i = 0; i < p->links.n; i++)
        if (span(rank, &p->links.data[i]) > limit)
            cut(p, &p->links.data[i]);
    oo__arena_free(scratch);
}
