/* What an input of a model is for. Private to eval/. */
#ifndef EVAL_RANDOM_ROLE_H
#define EVAL_RANDOM_ROLE_H
#include "ir/ir.h"

typedef enum oo__role_kind {
    OO__ROLE_DATA,     /* nothing special */
    OO__ROLE_INDEX,    /* indices into a dimension of `limit` entries */
    OO__ROLE_MASK,     /* 0 and 1 */
    OO__ROLE_POSITION, /* counts along the last axis; below `limit` when that is not 0 */
    OO__ROLE_LENGTH,   /* lengths of sequences of `limit` steps */
    OO__ROLE_COUNT,    /* a small number: k, trip counts, repeats */
    OO__ROLE_RATE,     /* a sample rate of sound */
    OO__ROLE_ZERO      /* starts, paddings, axes: 0 is right nearly always */
} oo__role_kind;

typedef struct oo__role {
    oo__role_kind kind;
    int64_t limit; /* 0 = none known */
} oo__role;

/* Size of a dimension of a value as it will be when the model runs, 0 when it is not known. */
typedef int64_t (*oo__dim_of)(void *state, const oo_value *value, int64_t axis);

/* Looks at the uses of a graph input, through operators that keep its elements, and at its name. */
oo__role oo__role_of(const oo_value *input, oo__dim_of dim_of, void *state);
#endif
