/* Constant folding in four steps: which nodes depend on constants alone (passes/fold_constants.c), what they give (passes/fold_evaluate.c),
 * which results are worth their bytes (passes/fold_decide.c), and putting these into the model (passes/fold_constants.c). Nothing is
 * rewritten before the last step. */
#ifndef PASSES_FOLD_H
#define PASSES_FOLD_H
#include "eval/eval.h"
#include "ir/growth.h"

typedef struct fold_options {
    oo_growth_options growth;
    int64_t memory; /* MiB */
    bool dequantize;
    bool shrink; /* each fold by itself makes the file no larger */
} fold_options;

/* Of a value. */
typedef struct fold_fact {
    oo_datum *datum;  /* contents, while somebody may want them */
    uint64_t cone;    /* bytes of all constants that it is computed from, at least: what its fold may free at most */
    uint64_t bytes;   /* of its contents in the file */
    uint32_t waiting; /* operands of nodes not evaluated yet that want the datum */
    uint32_t uses;    /* while deciding: by what is not known to go */
    bool wanted;      /* somebody depends on it */
    bool shown;       /* somebody does who is no candidate */
    bool kept;        /* the datum stays until the decision */
    bool needed;      /* by something that stays */
} fold_fact;

typedef enum fold_state { FOLD_NOT, FOLD_CANDIDATE, FOLD_EVALUATED, FOLD_GOES } fold_state;

/* Of a node that carries subgraphs: the outer values used inside, once for each use. */
typedef struct fold_captures {
    oo_value **values;
    uint32_t count;
} fold_captures;

typedef struct fold_node {
    fold_state state;
    const fold_captures *captures; /* of candidates; NULL = none */
    bool dead;                     /* while deciding: nothing needs it any more */
    bool pays;                     /* with `shrink`: of a group of folds that shrinks the file */
} fold_node;

typedef struct fold {
    oo_rewriter *rw;
    oo_model *model;
    const fold_options *options;
    oo_evaluator *evaluator;
    fold_fact *facts;       /* by value id */
    fold_node *nodes;       /* by node id */
    uint32_t nnodes;        /* those made while results are put in are not among them */
    const uint8_t *veils;   /* passes/veil.h */
    uint8_t *dequantizes;   /* by graph index: 0 = not known, else 1 + answer; of function bodies */
    uint64_t memory;        /* most bytes of one result, and of all that are kept */
    uint64_t kept;          /* bytes of all that are kept */
    uint64_t kept_small;    /* of these, results that only candidates want so far */
    int64_t room;           /* bytes by which the file may still grow; < 0 when it has grown too much already */
    uint64_t work;          /* steps that deciding may still take */
    oo_vec(oo_node *) goes; /* in reverse order: nodes with results to put in */
    oo_vec(oo_value *) stack, undo;
} fold;

/* Operands: inputs, NULL for omitted ones, then captures. */
uint32_t fold_noperands(const fold *f, const oo_node *node);
oo_value *fold_operand(const fold *f, const oo_node *node, uint32_t index);
/* A Constant node whose value is written in it. */
bool fold_is_literal(const oo_node *node);
/* The dense bytes of contents in a file; UINT64_MAX when they are no tensor. */
uint64_t fold_bytes_of(const oo_datum *datum);
uint64_t fold_tensor_bytes(const oo_tensor *tensor);

/* Of an evaluated result as an initializer. */
uint64_t fold_bytes_in_file(const fold *f, const oo_value *value);

void fold_evaluate(fold *f);
/* Sets which evaluated nodes pay (passes/fold_groups.c). */
void fold_find_groups(fold *f);
/* Sets which nodes go, and lists them. */
void fold_decide(fold *f);
#endif
