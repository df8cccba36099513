/* What the unit tests share: cmocka, a world of one small model built by hand, diagnostics that are kept, text dumps. */
#ifndef TESTS_UNIT_BUILD_H
#define TESTS_UNIT_BUILD_H
#include "ir/ir.h"
#include "ir/rewriter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- diagnostics ---- */
/* What the sink got since the last clear: one line each, "severity code file:line:column [graph] node(op) value {pass/rule}: text". */
typedef struct heard {
    char *text;
    size_t size;
    uint32_t count;
    oo_diag last; /* numbers only; its strings are NULL */
} heard;
extern heard told;
/* A context whose diagnostics go to `told`. */
oo_context *new_context(void);
void forget_told(void);
/* Fails the test, showing what was said, unless some line has the text. */
void assert_told(const char *part);
void assert_told_nothing(void);
/* Whether f(argument) ends the process by oo_bug (or oo__oom) with this text in what it prints. */
bool dies(void (*f)(void *argument), void *argument, const char *part);

/* ---- numbers that repeat ---- */
/* A random number below `limit`, from a seed of its own. */
uint32_t draw(uint64_t *seed, uint32_t limit);

/* ---- a model in the making ---- */
typedef struct world {
    oo_context *context;
    oo_model *model;
    oo_graph *graph; /* main */
    oo_arena *scratch;
    oo_rewriter *rw;
    uint64_t fuel;
} world;

/* An empty main graph, IR version 9, the operator set given, and a rewriter over it. */
world *world_new(int64_t opset);
void world_free(world *w);
oo_value *add_input(oo_graph *graph, const char *name);
oo_value *add_init(oo_graph *graph, const char *name, oo_tensor *tensor);
void add_output(oo_graph *graph, oo_value *value);
/* A node with `noutputs` outputs named <name>, <name>_1 ...; NULL inputs are omitted. */
oo_node *add_node_n(oo_graph *graph, const char *op, const char *name, uint32_t noutputs, oo_value *const *inputs,
                    uint32_t ninputs);
#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof *(array)))
#define add_node(graph, op, name, noutputs, ...)                                    \
    add_node_n((graph), (op), (name), (noutputs), (oo_value *const[]){__VA_ARGS__}, \
               (uint32_t)(sizeof((oo_value *const[]){__VA_ARGS__}) / sizeof(oo_value *)))
/* The first output of such a node with one output. */
#define add_op(graph, op, name, ...) oo_node_output(add_node((graph), (op), (name), 1, __VA_ARGS__), 0)
oo_attr *add_attr(oo_node *node, const char *name, oo_attr_type type);
void add_int(oo_node *node, const char *name, int64_t value);
/* A graph in an attribute of the node. */
oo_graph *add_subgraph(oo_node *node, const char *name);
/* An If over `condition` with one output and two branches, empty so far. */
oo_node *add_if(oo_graph *graph, const char *name, oo_value *condition);
oo_graph *branch(const oo_node *node, uint32_t index);
/* A local function with a body; overload may be NULL. */
oo_function *add_function(oo_model *model, const char *domain, const char *name, const char *overload);
void import_opset(oo_model *model, oo_opsets *opsets, const char *domain, int64_t version);
oo_tensor *floats(oo_model *model, uint32_t count, const float *data);
oo_tensor *scalar(oo_model *model, float value);
oo_type *tensor_type_of(oo_model *model, oo_elem elem, uint32_t rank, const int64_t *dims);

/* ---- looking at it ---- */
/* Everything that the structure says, from malloc: equal texts mean equal models. Use lists are sorted. */
char *dump(const oo_model *model);
/* Operator types of the graph in order, as "Add Mul"; static memory. */
const char *ops_of(const oo_graph *graph);
#endif
