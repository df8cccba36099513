/* Walking over operands of different shapes as numpy broadcasts them. Private to eval/. */
#ifndef EVAL_BROADCAST_H
#define EVAL_BROADCAST_H
#include "eval/eval.h"

enum { OO__MAX_OPERANDS = 4, OO__MAX_RANK = 64 };

/* How the elements of a result find those of its operands. Adjacent dimensions that all operands walk alike are merged. */
typedef struct oo__walk {
    uint32_t operands, rank;
    int64_t dims[OO__MAX_RANK];                        /* of the result, merged */
    int64_t strides[OO__MAX_OPERANDS][OO__MAX_RANK];   /* in elements; 0 where an operand is broadcast */
    uint64_t count;
} oo__walk;

/* The shape of the result through `rank` and `dims` (room for OO__MAX_RANK); false when the operands do not broadcast or the rank is too
 * large. */
bool oo__walk_begin(oo__walk *walk, uint32_t operands, const oo_array *const *arrays, uint32_t *rank, int64_t *dims);
/* A run of the innermost dimension: `at` is the index of its first element in the result and in each operand. */
typedef void (*oo__run)(void *state, uint64_t out, const uint64_t *at, const int64_t *strides, uint64_t count);
void oo__walk_runs(const oo__walk *walk, oo__run run, void *state);
#endif
