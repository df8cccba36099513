/* Random valid graphs out of the operator schemas: bytes drive every choice. Each node is evaluated as soon as it is made, and stays only when
 * that succeeds, so that what is built runs. */
#ifndef TESTS_FUZZ_RANDOM_GRAPH_H
#define TESTS_FUZZ_RANDOM_GRAPH_H
#include "eval/eval.h"

/* A value that later nodes may use, and what it holds. */
typedef struct pooled {
    oo_value *value;
    oo_datum *datum;
    bool plain; /* elements are random small numbers, no shape or index */
} pooled;

typedef struct oo_random_graph oo_random_graph;

typedef struct oo_random_plan {
    const uint8_t *data; /* drive every choice */
    size_t size;
    uint32_t least, most; /* steps of growth: of nodes in the main graph, and of what is as much as one */
    bool common;          /* only operator sets and element types that every runtime has, nothing random */
    bool wild;            /* infinities, NaN and -0 among the numbers */
    /* Adds several nodes, where a random one would be; false when that did not work out. NULL = never. */
    bool (*motif)(oo_random_graph *g, void *user);
    void *user;
} oo_random_plan;

struct oo_random_graph {
    const oo_random_plan *plan;
    size_t at;
    oo_context *context;
    oo_model *model;
    oo_graph *graph;              /* nodes are added here */
    oo_vec(pooled) pool;          /* visible values */
    oo_vec(oo_datum *) inputs;    /* of the main graph, in order */
    uint32_t ninits, depth;
    int64_t symbols[3];           /* sizes of A, B, C */
};

/* Builds a model, as long as the plan lives; NULL when nothing came out. */
oo_random_graph *oo__random_graph(const oo_random_plan *plan);
void oo__random_graph_free(oo_random_graph *g);
/* The size of a symbol of the inputs: false when it is none. */
bool oo__random_symbol(const oo_random_graph *g, const char *name, int64_t *out);

/* ---- between random_graph.c, random_nodes.c, random_scopes.c and random_motifs.c ---- */
enum { OO__RANDOM_RANK = 5 };
/* A number below `limit`. */
uint32_t oo__draw(oo_random_graph *g, uint32_t limit);
bool oo__likely(oo_random_graph *g, uint32_t percent);
/* A tensor of this type and shape: one that is there, or a new input or initializer with small random numbers. */
pooled oo__random_tensor(oo_random_graph *g, oo_elem elem, uint32_t rank, const int64_t *dims);
/* A new INT64 (or INT32) tensor with these numbers, rank 0 or 1; mostly an initializer. */
pooled oo__random_numbers(oo_random_graph *g, oo_elem elem, uint32_t rank, uint32_t n, const int64_t *numbers);
pooled oo__random_reals(oo_random_graph *g, oo_elem elem, uint32_t n, const double *numbers);
/* A tensor of the type and shape of `array`, mostly one that is there, else a new input or initializer that holds it. Takes the array. */
pooled oo__random_given(oo_random_graph *g, oo_array *array, bool constant);
/* Adds nodes to g->graph. */
void oo__random_grow(oo_random_graph *g, uint32_t nodes);
/* A node with graphs in it (0: If, 1: Loop, 2: Scan), which may use what is visible here. */
bool oo__random_scope(oo_random_graph *g, uint32_t kind);
/* Takes out a node that nothing uses, with the graphs in it. */
void oo__random_drop(oo_node *node);
void oo__random_output(oo_random_graph *g, oo_graph *graph, oo_value *value);
/* A node of this schema, evaluated and added to the pool; false when that did not work out: then it is gone. */
bool oo__random_node(oo_random_graph *g, const oo_schema *schema);
/* Evaluates a node that is linked at the end of the graph; its outputs go to the pool. False, and the node is gone, when it fails. */
bool oo__random_keep(oo_random_graph *g, oo_node *node, const pooled *inputs);
oo_attr *oo__random_attr(oo_random_graph *g, oo_node *node, const char *name, oo_attr_type type);
#endif
