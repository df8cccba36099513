/* Bytes that stand for numbers: taking zero points away, and scaling a sum of products back to bytes. Private to eval/. */
#ifndef EVAL_QUANTIZED_H
#define EVAL_QUANTIZED_H
#include "eval/eval.h"

/* There, and INT8 or UINT8. */
static inline bool oo__is_int8(const oo_array *a) { return a && (a->elem == OO_INT8 || a->elem == OO_UINT8); }
/* FLOAT when sums of `terms` products of centered bytes are exact in it, else DOUBLE, where they always are. */
static inline oo_elem oo__exact_products(int64_t terms) { return terms <= 258 ? OO_FLOAT : OO_DOUBLE; }
/* x minus its zero point (NULL is 0) as FLOAT or DOUBLE; x has elements of one byte. A vector of zero points counts along `axis`; one of
 * more dimensions broadcasts. NULL when it does not fit. */
oo_array *oo__centered(const oo_array *x, const oo_array *zero, oo_elem work, uint32_t axis);
/* Sums to int32, wrapping; takes the reference. */
oo_array *oo__wrapped_int32(oo_array *sums);

typedef struct oo__requantize {
    const oo_array *scales[3]; /* of the factors and of the result; a vector counts along the axis of the same index */
    uint32_t axes[3];
    const oo_array *zero; /* of the result, whose type it gives; a vector counts as scales[2] */
} oo__requantize;
/* Output 0 = round(sums * scale * scale / scale) + zero, saturated; ties go to even, the zero point is added after rounding. Takes the
 * reference to `sums`. */
oo_status oo__requantized(oo__call *c, oo_array *sums, const oo__requantize *r);
#endif
