/* How far two values are apart. Private to eval/ and what stands on it. */
#ifndef EVAL_DIFFERENCE_H
#define EVAL_DIFFERENCE_H
#include "eval/eval.h"

/* What is allowed. Elements that are no floating-point numbers must be equal. */
typedef struct oo_limits {
    bool elementwise; /* |got - want| <= atol + rtol * |want|, else by element type, over the scale of the tensor */
    double rtol, atol;
    double doubles;  /* limit of DOUBLE when it is not 0 */
    bool shape_only; /* of random results: kinds, types and shapes */
} oo_limits;

typedef struct oo_difference {
    bool agree;          /* nothing is beyond its limit */
    bool equal;          /* every element is the same number */
    bool incomparable;   /* kinds, types or shapes differ */
    bool lost_finite;    /* somewhere a finite number became an infinity or NaN */
    bool floating;       /* the worst difference is one of floating-point numbers */
    double error;        /* largest difference over its scale (elementwise: over what is allowed); 1 for other types, 0 = none */
    double excess;       /* largest error over its limit: above 1 something is beyond it */
    uint64_t bad, total; /* elements beyond their limits, of all */
    char why[192];       /* one line about the first element beyond its limit, "" when there is none */
} oo_difference;

/* The relative error that an element type may have from different orders of rounding. */
double oo__elem_limit(oo_elem elem);
/* Compares `got` with `want`, containers item by item. Either may be NULL (no value). The scale of a number is the largest of its tensor;
 * but not more than 1000 times what nine in ten of the tensor's numbers pass: a mask's -1e9 does not hide what is beside it. */
oo_difference oo__difference(const oo_datum *got, const oo_datum *want, const oo_limits *limits);
#endif
