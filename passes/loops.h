/* What the passes over Loop and Scan share. */
#ifndef PASSES_LOOPS_H
#define PASSES_LOOPS_H
#include "ir/infer.h"

/* A Loop, or a Scan since version 9. State i is input `input + i` of the node, input `body_input + i` and output `body_output + i` of the body, and
 * output i of the node; the outputs behind the states are put together from what the iterations give. */
typedef struct oo_loop {
    oo_node *node;
    oo_graph *body;
    bool scan;
    uint32_t states;
    uint32_t input, body_input, body_output;
    int64_t scanned; /* inputs of a Scan behind the states */
} oo_loop;
/* False for other nodes, for inputs of the body that have defaults, and where the numbers of inputs and outputs do not fit. */
bool oo__read_loop(oo_loop *out, oo_node *node);
/* Whether the body surely runs, as far as types and contents are known. */
bool oo__runs_once(const oo_loop *loop);
/* How often the body of a Loop runs, -1 when that is not known. */
int64_t oo__trip_count(const oo_loop *loop);

/* Whether the node, given inputs of the types that they are known to have, runs without an error whatever they hold. */
bool oo__cannot_fail(const oo_node *node);
#endif
