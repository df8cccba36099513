/* Sixteen-bit floating point. Rounding is to nearest even; overflow goes to infinity; NaN stays NaN. */
#ifndef BASE_HALF_H
#define BASE_HALF_H
#include <stdint.h>

double oo__half_to_double(uint16_t half);
double oo__bfloat_to_double(uint16_t bfloat);
/* Rounded once from double. */
uint16_t oo__half_from_double(double value);
uint16_t oo__bfloat_from_double(double value);
#endif
