/* Reductions of one element into another, for every type that has them. NaN stays NaN in all. */
#include "eval/indices.h"

#include <math.h>
#include <string.h>

#define INT_COMBINER(name, type, expression)                                         \
    static void name(oo_array *out, uint64_t at, const oo_array *in, uint64_t i) {   \
        const type x = (type)oo__array_int(out, at), y = (type)oo__array_int(in, i); \
        oo__array_set_int(out, at, (int64_t)(expression));                           \
    }
/* Computed in double and rounded once, which is exact enough to be right for every narrower type. */
#define REAL_COMBINER(name, expression)                                            \
    static void name(oo_array *out, uint64_t at, const oo_array *in, uint64_t i) { \
        const double x = oo__array_double(out, at), y = oo__array_double(in, i);   \
        oo__array_set_double(out, at, (expression));                               \
    }
#define COMPLEX_COMBINER(name, type, real, imaginary)                              \
    static void name(oo_array *out, uint64_t at, const oo_array *in, uint64_t i) { \
        type *const x = (type *)out->data + 2 * at;                                \
        const type *const y = (const type *)in->data + 2 * i;                      \
        const type re = (real), im = (imaginary);                                  \
        x[0] = re;                                                                 \
        x[1] = im;                                                                 \
    }
/* Integers wrap: they are computed as unsigned. */
INT_COMBINER(add_int, uint64_t, x + y)
INT_COMBINER(mul_int, uint64_t, x *y)
INT_COMBINER(min_int, int64_t, x < y ? x : y)
INT_COMBINER(max_int, int64_t, x > y ? x : y)
INT_COMBINER(min_uint64, uint64_t, x < y ? x : y)
INT_COMBINER(max_uint64, uint64_t, x > y ? x : y)
REAL_COMBINER(add_real, x + y)
REAL_COMBINER(mul_real, x *y)
REAL_COMBINER(min_real, isnan(x) || x < y ? x : y)
REAL_COMBINER(max_real, isnan(x) || x > y ? x : y)
COMPLEX_COMBINER(add_complex64, float, x[0] + y[0], x[1] + y[1])
COMPLEX_COMBINER(mul_complex64, float, x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0])
COMPLEX_COMBINER(add_complex128, double, x[0] + y[0], x[1] + y[1])
COMPLEX_COMBINER(mul_complex128, double, x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0])

oo__combiner oo__combiner_of(const char *reduction, oo_elem elem) {
    static const struct {
        const char *name;
        oo__combiner of_int, of_uint64, of_real, of_complex64, of_complex128;
    } ROWS[] = {
        {"add", add_int, add_int, add_real, add_complex64, add_complex128},
        {"mul", mul_int, mul_int, mul_real, mul_complex64, mul_complex128},
        {"min", min_int, min_uint64, min_real, NULL, NULL},
        {"max", max_int, max_uint64, max_real, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (strcmp(ROWS[i].name, reduction) != 0)
            continue;
        switch (elem) {
        case OO_STRING: return NULL;
        case OO_COMPLEX64: return ROWS[i].of_complex64;
        case OO_COMPLEX128: return ROWS[i].of_complex128;
        case OO_UINT64: return ROWS[i].of_uint64;
        default: return oo__is_floating(elem) ? ROWS[i].of_real : ROWS[i].of_int;
        }
    }
    return NULL;
}
