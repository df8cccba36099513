/* Orders of elements. Private to eval/. */
#ifndef EVAL_SORT_H
#define EVAL_SORT_H
#include "eval/eval.h"

/* Below, equal to or above 0 as element i stands before, level with or behind element j: numbers by value with NaN last, -0 and 0 level, false
 * before true, strings by bytes, complex numbers by real part, then imaginary part. */
int oo__compare(const oo_array *array, uint64_t i, uint64_t j);
/* Sorts items by `order` as above; what is level keeps its order. */
void oo__sort(uint64_t *items, uint64_t count, int (*order)(const void *state, uint64_t a, uint64_t b),
              const void *state);
#endif
