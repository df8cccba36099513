/* Minimum cuts by maximum flow: shortest augmenting paths in layers (E. A. Dinitz, 1970). */
#include "passes/min_cut.h"

#include <string.h>

static const uint32_t UNSEEN = UINT32_MAX;

static const double LITTLE = 1e-9; /* of the capacities: rounding */

void oo__cut_clear(oo_cut *cut) {
    cut->first.n = cut->edges.n = 0;
    oo__cut_vertex(cut);
    oo__cut_vertex(cut);
}

uint32_t oo__cut_vertex(oo_cut *cut) {
    oo_vec_push(NULL, &cut->first, 0);
    return cut->first.n - 1;
}

static void half_edge(oo_cut *cut, uint32_t from, uint32_t to, double capacity) {
    oo_vec_push(NULL, &cut->edges, (oo_cut_edge){.to = to, .next = cut->first.data[from], .room = capacity});
    cut->first.data[from] = cut->edges.n;
}

void oo__cut_edge(oo_cut *cut, uint32_t from, uint32_t to, double capacity) {
    if (from == to || capacity <= 0)
        return;
    half_edge(cut, from, to, capacity);
    half_edge(cut, to, from, 0);
}

/* Distances from the source over edges with room; whether the sink is reached. */
static bool find_levels(oo_cut *cut) {
    memset(cut->level, 0xFF, cut->first.n * sizeof *cut->level);
    uint32_t head = 0, tail = 0;
    cut->level[OO_CUT_SOURCE] = 0;
    cut->queue[tail++] = OO_CUT_SOURCE;
    while (head < tail) {
        const uint32_t v = cut->queue[head++];
        for (uint32_t e = cut->first.data[v]; e; e = cut->edges.data[e - 1].next) {
            const oo_cut_edge *const edge = &cut->edges.data[e - 1];
            if (edge->room <= LITTLE || cut->level[edge->to] != UNSEEN)
                continue;
            cut->level[edge->to] = cut->level[v] + 1;
            cut->queue[tail++] = edge->to;
        }
    }
    return cut->level[OO_CUT_SINK] != UNSEEN;
}

/* The next edge of v that leads a layer on, 0 when there is none. */
static uint32_t step_from(oo_cut *cut, uint32_t v) {
    for (uint32_t *e = &cut->at[v]; *e; *e = cut->edges.data[*e - 1].next) {
        const oo_cut_edge *const edge = &cut->edges.data[*e - 1];
        if (edge->room > LITTLE && cut->level[edge->to] == cut->level[v] + 1)
            return *e;
    }
    return 0;
}

/* Fills the edges of the path that the queue holds; the length up to the first full edge is returned. */
static uint32_t augment(oo_cut *cut, const uint32_t *path, uint32_t length) {
    double flow = OO_CUT_NEVER;
    uint32_t full = 0;
    for (uint32_t i = 0; i < length; i++)
        flow = cut->edges.data[path[i] - 1].room < flow ? cut->edges.data[path[i] - 1].room : flow;
    for (uint32_t i = length; i-- > 0;) {
        cut->edges.data[path[i] - 1].room -= flow;
        cut->edges.data[(path[i] - 1) ^ 1u].room += flow;
        if (cut->edges.data[path[i] - 1].room <= LITTLE)
            full = i;
    }
    return full;
}

/* Flow along all shortest paths, without recursion: a path may be as long as the graph. */
static void fill_layers(oo_cut *cut) {
    uint32_t *const path = cut->queue;
    uint32_t n = 0, v = OO_CUT_SOURCE;
    memcpy(cut->at, cut->first.data, cut->first.n * sizeof *cut->at);
    for (;;) {
        if (v == OO_CUT_SINK) {
            n = augment(cut, path, n);
            v = n ? cut->edges.data[path[n - 1] - 1].to : OO_CUT_SOURCE;
            continue;
        }
        const uint32_t e = step_from(cut, v);
        if (e) {
            path[n++] = e;
            v = cut->edges.data[e - 1].to;
            continue;
        }
        if (n == 0)
            return;
        cut->level[v] = UNSEEN; /* a dead end */
        n--;
        v = n ? cut->edges.data[path[n - 1] - 1].to : OO_CUT_SOURCE;
    }
}

void oo__cut_run(oo_cut *cut) {
    const size_t size = cut->first.n * sizeof(uint32_t);
    cut->level = oo__realloc(cut->level, size);
    cut->at = oo__realloc(cut->at, size);
    cut->queue = oo__realloc(cut->queue, size);
    while (find_levels(cut))
        fill_layers(cut);
}

bool oo__cut_with_sink(const oo_cut *cut, uint32_t vertex) { return cut->level[vertex] == UNSEEN; }

void oo__cut_free(oo_cut *cut) {
    oo_vec_free(&cut->first);
    oo_vec_free(&cut->edges);
    free(cut->level);
    free(cut->at);
    free(cut->queue);
}
