/* The floating-point formats of 4, 6 and 8 bits that ONNX stores: float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0,
 * float6e2m3, float6e3m2, float4e2m1. Sources: ONNX "Float stored in 8 bits" and "Float stored in 4 bits"; OCP MX specification 1.0. */
#ifndef BASE_MINIFLOAT_H
#define BASE_MINIFLOAT_H
#include <stdbool.h>
#include <stdint.h>

typedef enum oo__minifloat_kind {
    OO__MINI_IEEE, /* infinities and NaNs at the largest exponent */
    OO__MINI_FN,   /* finite; NaN is all ones */
    OO__MINI_FNUZ, /* finite; one NaN, which is where -0 would be; no -0 */
    OO__MINI_ONLY, /* finite numbers and nothing else: NaN becomes 0, infinity the largest */
    OO__MINI_SCALE /* an unsigned power of two; NaN is all ones */
} oo__minifloat_kind;

typedef struct oo__minifloat {
    int exponent, mantissa, bias; /* bits, bits, exponent bias */
    oo__minifloat_kind kind;
} oo__minifloat;

/* The format of an ONNX element type, NULL for types that are none of these. */
const oo__minifloat *oo__minifloat_of(int32_t elem);
double oo__minifloat_decode(const oo__minifloat *format, uint8_t code);
/* Rounded once to nearest even. Beyond the largest number: the largest when `saturate`, else infinity where there is one, else NaN (of
 * formats without NaN: the largest). */
uint8_t oo__minifloat_encode(const oo__minifloat *format, double value, bool saturate);
#endif
