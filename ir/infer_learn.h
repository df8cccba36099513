/* Constraints: what must hold for the model to run without an error, learned from its nodes. Private to ir/ but for the list of them.
 *
 * A node that runs in every run of the model tells that two sizes are equal: the inner dimensions of MatMul, the element counts of Reshape, what
 * Concat joins. Where such an equation gives one symbol of the inputs in terms of others, the symbol is replaced everywhere, also before the node.
 * So types hold for runs that end without an error; other runs have no result that a type could be wrong about. Nodes in subgraphs teach
 * nothing: a branch may not be taken, a loop may not turn. */
#ifndef IR_INFER_LEARN_H
#define IR_INFER_LEARN_H
#include "ir/infer.h"

/* left = right, as `node` needs it. */
typedef struct oo_constraint {
    const oo_expr *left, *right;
    const oo_node *node;
    const char *why;   /* "the inner dimensions of the factors" */
    const char *symbol; /* that was replaced by the other side because of it, NULL = none */
} oo_constraint;

typedef struct oo__learned {
    oo_vec(oo_constraint) all;       /* at most OO__LEARNED_MAX */
    oo_vec(const char *) symbols;    /* of inputs, in the order of the inputs: the first ones stay */
    const oo_expr **values;          /* [symbols.n] what a symbol is replaced by, NULL = itself */
    uint32_t room;
    bool changed;                    /* a symbol was replaced in this round */
} oo__learned;
enum { OO__LEARNED_MAX = 1024, OO__ROUNDS_MAX = 4 };

/* A symbol of the inputs exists. */
void oo__learn_symbol(oo__infer *c, const char *name);
/* The expression with learned symbols replaced. */
const oo_expr *oo__as_learned(oo__infer *c, const oo_expr *e);
#endif
