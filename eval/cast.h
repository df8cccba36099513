/* Conversion between element types by the rules of ONNX's Cast. Private to eval/. */
#ifndef EVAL_CAST_H
#define EVAL_CAST_H
#include "eval/eval.h"

typedef enum oo__cast_rounding { OO__ROUND_UP, OO__ROUND_DOWN, OO__ROUND_NEAREST } oo__cast_rounding;
typedef struct oo__cast_rules {
    bool saturate;           /* of 8-bit floating-point types: beyond the largest number stands the largest */
    oo__cast_rounding round; /* of FLOAT8E8M0 */
} oo__cast_rules;

/* `out` has the shape of `in`. Neither is of strings or complex numbers. */
void oo__cast_numbers(oo_array *out, const oo_array *in, oo__cast_rules rules);
/* Strings to numbers; false after an error: one is no number. */
bool oo__cast_from_text(const oo__call *c, oo_array *out, const oo_array *in, oo__cast_rules rules);
/* Numbers to the shortest text that reads back to the same element, as numpy prints them. */
void oo__cast_to_text(oo_array *out, const oo_array *in);
#endif
