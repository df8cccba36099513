/* Runs one operator on arrays, for the unit tests of kernels. */
#ifndef TESTS_UNIT_RUN_NODE_H
#define TESTS_UNIT_RUN_NODE_H
#include "eval/eval.h"

/* What the last run said when it failed. */
extern char run_message[400];
/* Runs `call`, such as "Transpose<perm = [1, 0]>(i0)", at this opset; i0, i1 ... are the inputs, which are borrowed. The output, to be
 * released, or NULL when it failed. */
oo_array *run_call(int opset, const char *call, uint32_t ninputs, oo_array *const *inputs);
#define RUN(opset, call, ...)                                                                            \
    run_call((opset), (call), (uint32_t)(sizeof((oo_array *const[]){__VA_ARGS__}) / sizeof(oo_array *)), \
             (oo_array *const[]){__VA_ARGS__})
/* A new array with a copy of the elements. */
oo_array *array_of(oo_elem elem, uint32_t rank, const int64_t *dims, const void *elements);
/* A new vector of int64 numbers. */
oo_array *ints_of(uint32_t count, const int64_t *items);
#define INTS(...) ints_of((uint32_t)(sizeof((int64_t[]){__VA_ARGS__}) / 8), (int64_t[]){__VA_ARGS__})
#endif
