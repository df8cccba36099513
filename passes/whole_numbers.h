/* Whole numbers that constants hold. */
#ifndef PASSES_WHOLE_NUMBERS_H
#define PASSES_WHOLE_NUMBERS_H
#include <onnxopt/onnxopt.h>

/* The elements of a constant of INT64 or INT32, in their order, whatever its rank: *count of them in out[0 .. most - 1]. False when the value is
 * absent or no such constant, or when it has more than `most`. */
bool oo__whole_numbers(int64_t *out, uint32_t *count, uint32_t most, const oo_value *value);
/* The same for a constant of one element. */
bool oo__whole_number(int64_t *out, const oo_value *value);
#endif
