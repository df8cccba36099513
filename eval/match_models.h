/* Which values and nodes of two models are the same: what a comparison of the two can hold on to. */
#ifndef EVAL_MATCH_MODELS_H
#define EVAL_MATCH_MODELS_H
#include "ir/ir.h"

typedef struct oo_matching {
    const oo_model *a, *b;
    const oo_value **of_a; /* by value id of B: the value of A that has this name in the same scope, NULL = none */
    const oo_value **of_b; /* by value id of A: the other way round */
    bool *same;            /* by node id of B: it computes bit by bit what a node of A computes, from corresponding inputs */
} oo_matching;

/* Values correspond when their names say so (for a value that a pass made, the name that it was made for), inputs and outputs of graphs by
 * position. That is a hint, no proof: a pass may give a name to a value of another meaning. Bodies of local functions are not looked into:
 * a call is never the same. */
oo_matching *oo__matching_new(const oo_model *a, const oo_model *b);
void oo__matching_free(oo_matching *matching);
#endif
