/* Trees of decisions, whatever attributes they were read from. Private to eval/. */
#ifndef EVAL_FOREST_H
#define EVAL_FOREST_H
#include "eval/scores.h"

typedef enum oo__branch { OO__LEQ, OO__LT, OO__GTE, OO__GT, OO__EQ, OO__NEQ, OO__MEMBER, OO__LEAF } oo__branch;

typedef struct oo__tree_node {
    oo__branch mode;
    bool missing_true; /* where NaN goes */
    uint32_t feature;
    uint32_t yes, no;      /* nodes */
    uint32_t first, count; /* of a leaf: its votes; of MEMBER: its values */
    double split;
} oo__tree_node;

typedef struct oo__vote {
    uint32_t node, target;
    double weight;
} oo__vote;

typedef struct oo__forest {
    oo__tree_node *nodes;
    oo__vote *votes; /* by node */
    double *members; /* sorted within each node */
    uint32_t *roots;
    uint32_t nnodes, nvotes, nroots;
    uint32_t targets;
    bool positive; /* no vote has a negative weight */
    bool single;   /* all votes are for one target, which is `only` */
    uint32_t only;
} oo__forest;

/* From the attributes of TreeEnsembleClassifier and TreeEnsembleRegressor; `votes` is "class" or "target". */
oo_status oo__forest_by_ids(const oo__call *c, oo__forest *f, const char *votes, uint32_t targets, uint64_t features);
/* From those of TreeEnsemble. */
oo_status oo__forest_by_position(const oo__call *c, oo__forest *f, uint32_t targets, uint64_t features);
void oo__forest_free(oo__forest *forest);
/* The leaf in which a row ends; UINT32_MAX when the tree goes round in circles. */
uint32_t oo__forest_leaf(const oo__forest *forest, uint32_t root, const oo_array *x, uint64_t row);
#endif
