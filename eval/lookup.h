/* Finding elements of a list of numbers or strings. Private to eval/. */
#ifndef EVAL_LOOKUP_H
#define EVAL_LOOKUP_H
#include "eval/pieces.h"

/* A list attribute (ints, floats, strings or one tensor) as a vector: a new reference, NULL when it is absent or empty. */
oo_array *oo__vector_of(const oo__call *c, const char *name);

typedef struct oo__lookup oo__lookup;
/* Takes the reference. NULL for NULL, and when the keys are more than 2^32 or complex. */
oo__lookup *oo__lookup_new(oo_array *keys);
void oo__lookup_free(oo__lookup *lookup); /* NULL is allowed */
bool oo__lookup_strings(const oo__lookup *lookup);
uint64_t oo__lookup_count(const oo__lookup *lookup);
/* The index of the last key that equals element i, -1 when there is none. Numbers are compared as such, NaN equals NaN. `a` has strings
 * exactly when the keys are strings. */
int64_t oo__lookup_find(const oo__lookup *lookup, const oo_array *a, uint64_t i);
#endif
