/* Inputs made up for a model: random, but such that the model can run on them. */
#ifndef EVAL_RANDOM_INPUT_H
#define EVAL_RANDOM_INPUT_H
#include "eval/eval.h"

/* The size that a symbolic dimension has. */
typedef struct oo_named_dim {
    const char *name;
    int64_t size;
} oo_named_dim;

/* What floating-point inputs hold. */
typedef enum oo_random_values { OO_RANDOM_NORMAL, OO_RANDOM_UNIFORM, OO_RANDOM_ZEROS, OO_RANDOM_LARGE } oo_random_values;

typedef struct oo_random_settings {
    uint64_t seed;
    const oo_named_dim *dims; /* [ndims]; other symbols get `first` on axis 0 and `other` behind it */
    uint32_t ndims;
    int64_t first, other;     /* 0 = 2 and 16 */
    oo_random_values values;
} oo_random_settings;

/* Fills inputs[i] for each input of the main graph that is NULL and has no default, with new references. An input's role is found by looking at
 * its uses: indices lie within the data that they index, masks are ones followed by zeros, positions count, lengths are not longer than their
 * sequence, conditions are either; floats are normal(0, 1). Symbols that the given inputs fix have the given size; a dimension that is an
 * expression over symbols fits theirs. The same settings give the same values everywhere. OO_UNSUPPORTED after a diagnostic when an input's type
 * is not known well enough, OO_LIMIT when it would be too large. */
oo_status oo__random_inputs(oo_datum **inputs, const oo_model *model, const oo_random_settings *settings);
/* Whether a dimension of a main graph's input has this name, or an expression that uses it. */
bool oo__model_has_dim(const oo_model *model, const char *name);
#endif
