#include "base/minifloat.h"

#include <math.h>
#include <onnxopt/onnxopt.h>
#include <stddef.h>

static const oo__minifloat FORMATS[OO_ELEM_COUNT] = {
    [OO_FLOAT8E4M3FN] = {4, 3, 7, OO__MINI_FN},     [OO_FLOAT8E4M3FNUZ] = {4, 3, 8, OO__MINI_FNUZ},
    [OO_FLOAT8E5M2] = {5, 2, 15, OO__MINI_IEEE},    [OO_FLOAT8E5M2FNUZ] = {5, 2, 16, OO__MINI_FNUZ},
    [OO_FLOAT4E2M1] = {2, 1, 1, OO__MINI_ONLY},     [OO_FLOAT6E2M3] = {2, 3, 1, OO__MINI_ONLY},
    [OO_FLOAT6E3M2] = {3, 2, 3, OO__MINI_ONLY},     [OO_FLOAT8E8M0] = {8, 0, 127, OO__MINI_SCALE},
};

const oo__minifloat *oo__minifloat_of(int32_t elem) {
    if (elem <= 0 || elem >= OO_ELEM_COUNT || !FORMATS[elem].exponent)
        return NULL;
    return &FORMATS[elem];
}

static unsigned sign_bit(const oo__minifloat *f) { return 1u << (f->exponent + f->mantissa); }

/* The code of the largest finite number, without sign. */
static unsigned largest(const oo__minifloat *f) {
    const unsigned ones = sign_bit(f) - 1;
    switch (f->kind) {
    case OO__MINI_IEEE: return ones - (1u << f->mantissa);
    case OO__MINI_FN: return ones - 1;
    case OO__MINI_SCALE: return 254;
    default: return ones;
    }
}

static bool is_nan_code(const oo__minifloat *f, unsigned code) {
    const unsigned magnitude = code & (sign_bit(f) - 1);
    switch (f->kind) {
    case OO__MINI_IEEE: return magnitude > sign_bit(f) - (1u << f->mantissa);
    case OO__MINI_FN: return magnitude == sign_bit(f) - 1;
    case OO__MINI_FNUZ: return code == sign_bit(f);
    case OO__MINI_SCALE: return code == 255;
    default: return false;
    }
}

double oo__minifloat_decode(const oo__minifloat *f, uint8_t code) {
    if (is_nan_code(f, code))
        return NAN;
    if (f->kind == OO__MINI_SCALE)
        return ldexp(1, code - f->bias);
    const unsigned magnitude = code & (sign_bit(f) - 1);
    const double sign = code & sign_bit(f) ? -1 : 1;
    if (f->kind == OO__MINI_IEEE && magnitude == sign_bit(f) - (1u << f->mantissa))
        return sign * INFINITY;
    const int e = (int)(magnitude >> f->mantissa);
    const int m = (int)(magnitude & ((1u << f->mantissa) - 1));
    return sign * (e ? ldexp(m | 1 << f->mantissa, e - f->bias - f->mantissa) : ldexp(m, 1 - f->bias - f->mantissa));
}

static uint8_t nan_code(const oo__minifloat *f, unsigned sign) {
    switch (f->kind) {
    case OO__MINI_IEEE:
    case OO__MINI_FN: return (uint8_t)(sign | (sign_bit(f) - 1));
    case OO__MINI_FNUZ: return (uint8_t)sign_bit(f);
    case OO__MINI_SCALE: return 255;
    default: return 0;
    }
}

static uint8_t overflow_code(const oo__minifloat *f, unsigned sign, bool saturate) {
    if (saturate || f->kind == OO__MINI_ONLY)
        return (uint8_t)(sign | largest(f));
    if (f->kind == OO__MINI_IEEE)
        return (uint8_t)(sign | (largest(f) + 1));
    return nan_code(f, sign);
}

/* A power of two: the exponent is rounded to nearest, what lies below the smallest becomes the smallest. */
static uint8_t encode_scale(const oo__minifloat *f, double value, bool saturate) {
    if (isnan(value) || value < 0)
        return 255;
    if (value == 0)
        return 0;
    if (isinf(value))
        return overflow_code(f, 0, saturate);
    int e;
    const double fraction = frexp(value, &e); /* [0.5, 1) */
    const int exponent = e - 1 + (fraction >= 0.75 ? 1 : 0);
    if (exponent < -f->bias)
        return 0;
    return exponent > 127 ? overflow_code(f, 0, saturate) : (uint8_t)(exponent + f->bias);
}

uint8_t oo__minifloat_encode(const oo__minifloat *f, double value, bool saturate) {
    if (f->kind == OO__MINI_SCALE)
        return encode_scale(f, value, saturate);
    const unsigned sign = signbit(value) ? sign_bit(f) : 0;
    if (isnan(value))
        return nan_code(f, sign);
    if (isinf(value))
        return overflow_code(f, sign, saturate);
    int e;
    frexp(value, &e);
    int exponent = value == 0 ? 1 - f->bias : e - 1;
    if (exponent < 1 - f->bias)
        exponent = 1 - f->bias; /* subnormal: fixed scale */
    if (exponent > 64)
        return overflow_code(f, sign, saturate);
    const double scaled = nearbyint(ldexp(fabs(value), f->mantissa - exponent));
    const unsigned code = (unsigned)scaled + ((unsigned)(exponent + f->bias - 1) << f->mantissa);
    if (code > largest(f))
        return overflow_code(f, sign, saturate);
    if (code == 0 && f->kind == OO__MINI_FNUZ)
        return 0;
    return (uint8_t)(sign | code);
}
