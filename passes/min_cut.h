/* Minimum cuts: the cheapest way to divide the vertices of a graph of capacities into those with the source and those with the sink. */
#ifndef PASSES_MIN_CUT_H
#define PASSES_MIN_CUT_H
#include "base/vec.h"

#include <stdbool.h>

typedef struct oo_cut_edge {
    uint32_t to, next; /* next edge of the same vertex + 1, 0 = none; edge e goes back as e ^ 1 */
    double room;       /* capacity left */
} oo_cut_edge;

/* Zeros are an empty one. */
typedef struct oo_cut {
    oo_vec(uint32_t) first; /* by vertex: an edge + 1 */
    oo_vec(oo_cut_edge) edges;
    uint32_t *level, *at, *queue; /* of the search */
} oo_cut;

enum { OO_CUT_SOURCE, OO_CUT_SINK }; /* vertices that are always there */
#define OO_CUT_NEVER 1e30            /* capacity of an edge that is not to be cut */

/* Takes out everything but source and sink. */
void oo__cut_clear(oo_cut *cut);
uint32_t oo__cut_vertex(oo_cut *cut);
/* Costs `capacity` (>= 0) when `from` is with the source and `to` with the sink. */
void oo__cut_edge(oo_cut *cut, uint32_t from, uint32_t to, double capacity);
/* After this, oo__cut_with_sink tells the sides of a minimum cut; of several, the one with the fewest vertices with the source. */
void oo__cut_run(oo_cut *cut);
bool oo__cut_with_sink(const oo_cut *cut, uint32_t vertex);
void oo__cut_free(oo_cut *cut);
#endif
