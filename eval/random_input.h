/* Inputs made up for a model: random, but such that the model can run on them. */
#ifndef EVAL_RANDOM_INPUT_H
#define EVAL_RANDOM_INPUT_H
#include "eval/eval.h"

/* The size that a symbolic dimension has. */
typedef struct oo_named_dim {
    const char *name;
    int64_t size;
} oo_named_dim;

/* What inputs hold. Floating-point ones hold what the name says; with EDGES and SPECIAL indices, lengths, counts and other integers are at the
 * limits of their role, masks are all ones but for one. */
typedef enum oo_random_values {
    OO_RANDOM_NORMAL,   /* mean 0, variance 1 */
    OO_RANDOM_UNIFORM,  /* in (0, 1) */
    OO_RANDOM_ZEROS,
    OO_RANDOM_LARGE,    /* normal times 10,000 */
    OO_RANDOM_NEGATIVE, /* in (-1, 0) */
    OO_RANDOM_TINY,     /* around the smallest normal number of the type: half are denormal */
    OO_RANDOM_EDGES,    /* each of the above, and -0, mixed in one tensor */
    OO_RANDOM_SPECIAL   /* normal, one in 16 an infinity or NaN */
} oo_random_values;

typedef struct oo_random_settings {
    uint64_t seed;
    const oo_named_dim *dims; /* [ndims]; other symbols get `first` on axis 0 and `other` behind it */
    uint32_t ndims;
    int64_t first, other;     /* 0 = 2 and 16 */
    int64_t spread;           /* so much more each further symbol behind axis 0 gets: two that are the same by chance hide errors */
    oo_random_values values;
    const oo_model *fixed;    /* NULL, or a model with inputs of the same names: where it has a number for a dimension, that counts */
} oo_random_settings;

/* Fills inputs[i] for each input of the main graph that is NULL and has no default, with new references. An input's role is found by looking at
 * its uses: indices lie within the data that they index, masks are ones followed by zeros, positions count, lengths are not longer than their
 * sequence, conditions are true with seed 0, either with others; floats are normal(0, 1). Symbols that the given inputs fix have the given size; a dimension that is an
 * expression over symbols fits theirs. The same settings give the same values everywhere. OO_UNSUPPORTED after a diagnostic when an input's type
 * is not known well enough, OO_LIMIT when it would be too large. */
oo_status oo__random_inputs(oo_datum **inputs, const oo_model *model, const oo_random_settings *settings);
/* Whether a dimension of a main graph's input has this name, or an expression that uses it. */
bool oo__model_has_dim(const oo_model *model, const char *name);
#endif
