#include "base/half.h"

#include <math.h>
#include <string.h>

/* A binary format of 1 sign bit, `exponent` exponent bits and `mantissa` mantissa bits, 16 bits together. */
typedef struct format {
    int exponent, mantissa;
} format;

static const format HALF = {5, 10}, BFLOAT = {8, 7};

static double decode(uint16_t bits, format f) {
    const int bias = (1 << (f.exponent - 1)) - 1;
    const int e = bits >> f.mantissa & ((1 << f.exponent) - 1);
    const int m = bits & ((1 << f.mantissa) - 1);
    double value;
    if (e == (1 << f.exponent) - 1)
        value = m ? NAN : INFINITY;
    else if (e == 0)
        value = ldexp(m, 1 - bias - f.mantissa);
    else
        value = ldexp(m | 1 << f.mantissa, e - bias - f.mantissa);
    return bits >> 15 ? -value : value;
}

static uint16_t encode(double value, format f) {
    const int bias = (1 << (f.exponent - 1)) - 1;
    const unsigned infinity = (1u << (f.exponent + f.mantissa)) - (1u << f.mantissa);
    const uint16_t sign = (uint16_t)(signbit(value) ? 0x8000u : 0u);
    if (isnan(value))
        return (uint16_t)(sign | infinity | 1u << (f.mantissa - 1));
    if (isinf(value))
        return (uint16_t)(sign | infinity);
    int e;
    const double fraction = frexp(fabs(value), &e); /* value = fraction * 2^e, fraction in [0.5, 1) */
    if (fraction == 0)
        return sign;
    int exponent = e - 1;
    if (exponent < 1 - bias)
        exponent = 1 - bias; /* subnormal: fixed scale */
    /* nearbyint rounds half to even in the default rounding mode; the carry into the exponent works by addition. */
    const double scaled = nearbyint(ldexp(fabs(value), f.mantissa - exponent));
    if (exponent > bias)
        return (uint16_t)(sign | infinity);
    const unsigned mantissa = (unsigned)scaled;
    const unsigned biased = (unsigned)(exponent + bias);
    const unsigned bits = mantissa + ((biased - 1) << f.mantissa);
    return (uint16_t)(sign | (bits > infinity ? infinity : bits));
}

double oo__half_to_double(uint16_t half) { return decode(half, HALF); }
double oo__bfloat_to_double(uint16_t bfloat) { return decode(bfloat, BFLOAT); }
uint16_t oo__half_from_double(double value) { return encode(value, HALF); }
uint16_t oo__bfloat_from_double(double value) { return encode(value, BFLOAT); }
