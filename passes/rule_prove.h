/* Proof by instances: a rule's left side is built at random as a model, the rule is applied, and both are run. Private to passes/. */
#ifndef PASSES_RULE_PROVE_H
#define PASSES_RULE_PROVE_H
#include "eval/eval.h"
#include "passes/rule_base.h"
#include "passes/rule_run.h"

/* ---- random choices, the same everywhere for the same seed ---- */
typedef struct oo__dice {
    uint64_t state;
} oo__dice;
uint64_t oo__roll(oo__dice *dice);
/* In [0, n). */
uint32_t oo__pick(oo__dice *dice, uint32_t n);
/* True in about `percent` of a hundred cases. */
bool oo__chance(oo__dice *dice, uint32_t percent);

enum { OO__DIMS = 8 };

typedef struct oo__shape {
    uint32_t rank;
    int64_t dims[OO__DIMS];
} oo__shape;

/* A model in the making. */
typedef struct oo__instance {
    oo__dice dice;
    oo__rule_run *run;           /* values and attrs are what was chosen */
    const oo__rule *rule;
    oo_model *model;
    oo__shape base;              /* what shapes are made from where nothing else says */
    oo__operand args[OO__RULE_NODES][16]; /* numbers, _ and what else has no name */
    bool chosen[OO__RULE_NODES][16];
    uint32_t nlist[OO__RULE_SLOTS];
    oo_vec(oo_datum *) inputs;   /* of the main graph */
    bool tame;                   /* no infinities, NaNs and large numbers */
    bool flat;                   /* many constants are all 0 or all 1 */
    int64_t hidden;              /* hidden_size of a recurrent operator; 0 = none yet */
    uint32_t mode;               /* of the operator being made: what several of its inputs agree on */
    int64_t letters[26];         /* sizes of rule_hints.def; 0 = not chosen */
    oo_elem usual;               /* what most of its values are */
    bool free;                   /* without those hints */
    int64_t axis;                /* an axis that suits the shapes that were made; INT64_MIN = none */
    oo__set_attr extra[32];      /* attributes that the shapes ask for */
    uint32_t nextra;
    const char *why;             /* it came to nothing */
} oo__instance;

/* ---- what suits an operator (rule_recipes.c) ---- */
/* The shape of an input, from those that are chosen. False: this operator has no such input, or nothing suits. */
bool oo__recipe_shape(oo__instance *in, const oo__operator *op, uint32_t index, oo__shape *out);
/* The contents of an input that is a list of numbers (axes, a shape, pads ...). False when it is none. */
bool oo__recipe_ints(oo__instance *in, const oo__operator *op, uint32_t index, oo__shape *shape, int64_t *out);
/* An attribute; sort ANY when nothing suits. */
oo__term oo__recipe_attr(oo__instance *in, const oo__operator *op, const oo_schema_attr *attr);
/* The operand of an argument that is chosen already, ABSENT when it is not. */
oo__operand oo__instance_operand(oo__instance *in, const oo__operator *op, uint32_t index);
bool oo__instance_shape(oo__instance *in, const oo__operator *op, uint32_t index, oo__shape *out);

/* ---- what suits a rule (rule_hints.c) ---- */
/* The shape, or the list, of an argument; false when nothing is said of it. */
bool oo__hint(oo__instance *in, const oo__ast *arg, oo__shape *shape, int64_t *ints, bool *listed);
/* The same of a bound attribute, a whole number; sort ANY when nothing is said. */
oo__term oo__hint_attr(oo__instance *in, uint32_t slot);

/* ---- making an instance (rule_instance.c) ---- */
/* `why` is set when it came to nothing. At version `opset` of ai.onnx, 0 = any. Released by oo__instance_end. */
void oo__instance_begin(oo__instance *in, oo_context *context, const oo__rule *rule, uint64_t seed, int64_t opset);
void oo__instance_end(oo__instance *in);

typedef struct oo__proof {
    uint32_t tried, built, fired, failed;
    char why[512];          /* of the first failure */
    char *reproducer;       /* text of its model, from malloc; NULL = none */
} oo__proof;
/* Tries instances until `wanted` fired. */
void oo__rule_prove(oo__proof *out, const oo__rule *rule, uint64_t seed, uint32_t wanted);
#endif
