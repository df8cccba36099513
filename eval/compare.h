/* Whether two values agree. Private to eval/ and what stands on it. */
#ifndef EVAL_COMPARE_H
#define EVAL_COMPARE_H
#include "eval/eval.h"

/* Floats agree when |got - want| <= atol + rtol * |want|, both are the same infinity, or both are NaN. Other types must be equal. */
typedef struct oo_tolerance {
    double rtol, atol;
    bool shape_only; /* of random results: kinds, types and shapes */
} oo_tolerance;

/* The kinds, element types, shapes and elements of two values, containers item by item. On false `why` has one line that names the first
 * difference. Either may be NULL (no value). rtol is raised to 2^-6 for bfloat16 (two units in the last place) and to 2^-9 for float16. */
bool oo__datum_agrees(const oo_datum *got, const oo_datum *want, const oo_tolerance *tolerance, char *why, size_t size);
#endif
