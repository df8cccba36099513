/* Positions when Graphviz takes too long: ranks from top to bottom, each ordered by the mean of its neighbours, boxes as near to
 * that mean as those beside them allow. Linear in arcs but for the sorting. */
#include "viz/picture.h"

#include <math.h>
#include <stdlib.h>

#define COLUMN_GAP 18.0
#define ROW_GAP 34.0
#define BLOCK_GAP 60.0
enum { SWEEPS = 6 };

typedef struct item {
    uint32_t box;
    double wish; /* where it would like to be */
} item;

typedef struct layout {
    oo_spot *spots;
    uint32_t n, nrows;
    const uint32_t *row_of; /* [n] */
    uint32_t *first;        /* [nrows + 1] into items */
    item *items;            /* [n] by row, left to right */
    uint32_t *arc_first[2]; /* [n + 1] neighbours above and below */
    uint32_t *near[2];
    double *from_left; /* [n] scratch */
} layout;

/* Neighbours of each box in earlier (side 0) or later (side 1) rows. */
static void index_side(layout *l, int side, const oo_arc *arcs, uint32_t narcs, oo_arena *arena) {
    uint32_t *const first = l->arc_first[side] = OO_NEW_ARRAY(arena, uint32_t, l->n + 2);
    uint32_t *const near = l->near[side] = OO_NEW_ARRAY(arena, uint32_t, narcs);
    for (uint32_t a = 0; a < narcs; a++)
        first[(side ? arcs[a].from : arcs[a].to) + 2]++;
    for (uint32_t v = 0; v < l->n; v++)
        first[v + 2] += first[v + 1];
    for (uint32_t a = 0; a < narcs; a++)
        near[first[(side ? arcs[a].from : arcs[a].to) + 1]++] = side ? arcs[a].to : arcs[a].from;
}

static void fill_rows(layout *l, oo_arena *arena) {
    for (uint32_t v = 0; v < l->n; v++)
        if (l->row_of[v] >= l->nrows)
            l->nrows = l->row_of[v] + 1;
    l->first = OO_NEW_ARRAY(arena, uint32_t, l->nrows + 2);
    l->items = OO_NEW_ARRAY(arena, item, l->n);
    for (uint32_t v = 0; v < l->n; v++)
        l->first[l->row_of[v] + 2]++;
    for (uint32_t r = 0; r < l->nrows; r++)
        l->first[r + 2] += l->first[r + 1];
    for (uint32_t v = 0; v < l->n; v++)
        l->items[l->first[l->row_of[v] + 1]++].box = v;
}

static double wish_of(const layout *l, uint32_t v, int side) {
    const uint32_t begin = l->arc_first[side][v], end = l->arc_first[side][v + 1];
    double sum = 0;
    for (uint32_t k = begin; k < end; k++)
        sum += l->spots[l->near[side][k]].x;
    return end > begin ? sum / (end - begin) : l->spots[v].x;
}

static int compare_items(const void *a, const void *b) {
    const item *const x = a, *const y = b;
    if (x->wish < y->wish || x->wish > y->wish)
        return x->wish < y->wish ? -1 : 1;
    return x->box < y->box ? -1 : x->box > y->box;
}

/* Two greedy packings, pushed to the right and to the left, and their mean: no overlap, small error. */
static void pack_row(layout *l, item *row, uint32_t count) {
    const oo_spot *const spots = l->spots;
    for (uint32_t i = 0; i < count; i++) {
        const double least =
            i ? l->from_left[i - 1] + (spots[row[i - 1].box].width + spots[row[i].box].width) / 2 + COLUMN_GAP
              : -INFINITY;
        l->from_left[i] = fmax(row[i].wish, least);
    }
    double next = INFINITY;
    for (uint32_t i = count; i-- > 0;) {
        const double most =
            i + 1 < count ? next - (spots[row[i].box].width + spots[row[i + 1].box].width) / 2 - COLUMN_GAP : INFINITY;
        next = fmin(row[i].wish, most);
        l->spots[row[i].box].x = (l->from_left[i] + next) / 2;
    }
}

static void sweep_row(layout *l, uint32_t r, int side, bool sort) {
    item *const row = l->items + l->first[r];
    const uint32_t count = l->first[r + 1] - l->first[r];
    for (uint32_t i = 0; i < count; i++)
        row[i].wish = wish_of(l, row[i].box, side);
    if (sort)
        qsort(row, count, sizeof *row, compare_items);
    pack_row(l, row, count);
}

static void sweep(layout *l) {
    for (int s = 0; s < SWEEPS; s++) {
        const bool down = s % 2 == 0;
        for (uint32_t i = 0; i < l->nrows; i++)
            sweep_row(l, down ? i : l->nrows - 1 - i, down ? 0 : 1, s < SWEEPS - 2);
    }
}

static void set_heights(layout *l) {
    double y = 0;
    for (uint32_t r = 0; r < l->nrows; r++) {
        double height = 0;
        for (uint32_t i = l->first[r]; i < l->first[r + 1]; i++)
            height = fmax(height, l->spots[l->items[i].box].height);
        for (uint32_t i = l->first[r]; i < l->first[r + 1]; i++)
            l->spots[l->items[i].box].y = y - height / 2;
        y -= height + ROW_GAP;
    }
}

static void place_block(oo_spot *spots, uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena) {
    layout l = {.spots = spots,
                .n = n,
                .row_of = oo__ranks(n, arcs, narcs, arena),
                .from_left = OO_NEW_ARRAY(arena, double, n)};
    for (int side = 0; side < 2; side++)
        index_side(&l, side, arcs, narcs, arena);
    fill_rows(&l, arena);
    for (uint32_t r = 0; r < l.nrows; r++)
        pack_row(&l, l.items + l.first[r], l.first[r + 1] - l.first[r]);
    sweep(&l);
    set_heights(&l);
}

/* ---- blocks ---- */
/* Boxes and arcs sorted by block, arcs between blocks left out. */
typedef struct blocks {
    uint32_t count;
    uint32_t *first_box, *first_arc; /* [count + 1] */
    uint32_t *box;                   /* [n] original index */
    uint32_t *place;                 /* [n] index within its block */
    oo_arc *arcs;
} blocks;

static void sort_boxes(blocks *b, const oo_spot *spots, uint32_t n, oo_arena *arena) {
    for (uint32_t v = 0; v < n; v++)
        if (spots[v].block >= b->count)
            b->count = spots[v].block + 1;
    b->first_box = OO_NEW_ARRAY(arena, uint32_t, b->count + 2);
    b->box = OO_NEW_ARRAY(arena, uint32_t, n);
    b->place = OO_NEW_ARRAY(arena, uint32_t, n);
    for (uint32_t v = 0; v < n; v++)
        b->place[v] = b->first_box[spots[v].block + 2]++;
    for (uint32_t k = 0; k < b->count; k++)
        b->first_box[k + 2] += b->first_box[k + 1];
    for (uint32_t v = 0; v < n; v++)
        b->box[b->first_box[spots[v].block + 1]++] = v;
}

static void sort_arcs(blocks *b, const oo_spot *spots, const oo_arc *arcs, uint32_t narcs, oo_arena *arena) {
    b->first_arc = OO_NEW_ARRAY(arena, uint32_t, b->count + 2);
    b->arcs = OO_NEW_ARRAY(arena, oo_arc, narcs);
    for (uint32_t a = 0; a < narcs; a++)
        b->first_arc[spots[arcs[a].to].block + 2] += spots[arcs[a].from].block == spots[arcs[a].to].block;
    for (uint32_t k = 0; k < b->count; k++)
        b->first_arc[k + 2] += b->first_arc[k + 1];
    for (uint32_t a = 0; a < narcs; a++)
        if (spots[arcs[a].from].block == spots[arcs[a].to].block)
            b->arcs[b->first_arc[spots[arcs[a].to].block + 1]++] =
                (oo_arc){b->place[arcs[a].from], b->place[arcs[a].to]};
}

/* Moves a laid-out block to the right of `x`; returns where the next may begin. */
static double shift_block(oo_spot *spots, uint32_t n, double x) {
    double left = INFINITY, right = -INFINITY;
    for (uint32_t v = 0; v < n; v++) {
        left = fmin(left, spots[v].x - spots[v].width / 2);
        right = fmax(right, spots[v].x + spots[v].width / 2);
    }
    for (uint32_t v = 0; v < n; v++)
        spots[v].x += x - left;
    return n ? x + right - left + BLOCK_GAP : x;
}

void oo__place(oo_spot *spots, uint32_t n, const oo_arc *arcs, uint32_t narcs, oo_arena *arena) {
    blocks b = {0};
    sort_boxes(&b, spots, n, arena);
    sort_arcs(&b, spots, arcs, narcs, arena);
    oo_spot *const part = OO_NEW_ARRAY(arena, oo_spot, n);
    double x = 0;
    for (uint32_t k = 0; k < b.count; k++) {
        const uint32_t begin = b.first_box[k], count = b.first_box[k + 1] - begin;
        for (uint32_t i = 0; i < count; i++)
            part[i] = spots[b.box[begin + i]];
        place_block(part, count, b.arcs + b.first_arc[k], b.first_arc[k + 1] - b.first_arc[k], arena);
        x = shift_block(part, count, x);
        for (uint32_t i = 0; i < count; i++)
            spots[b.box[begin + i]] = part[i];
    }
}
