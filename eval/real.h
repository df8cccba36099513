/* Floating-point work. Kernels compute on arrays of FLOAT, or of DOUBLE where an operand is one; the half types become FLOAT for that
 * and are rounded once at the end. Private to eval/. */
#ifndef EVAL_REAL_H
#define EVAL_REAL_H
#include "eval/evaluator.h"

/* FLOAT, DOUBLE, FLOAT16, BFLOAT16. */
static inline bool oo__is_real(oo_elem elem) { return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16; }
/* What an element type is computed in. */
static inline oo_elem oo__work_elem(oo_elem elem) { return elem == OO_DOUBLE ? OO_DOUBLE : OO_FLOAT; }
/* The type of an output that ONNX says is `elem`: FLOAT becomes DOUBLE in a run in double. */
static inline oo_elem oo__run_elem(const oo__call *c, oo_elem elem) {
    return elem == OO_FLOAT && c->evaluator->settings.in_double ? OO_DOUBLE : elem;
}

/* Elements of a FLOAT or DOUBLE array. */
static inline double oo__real(const oo_array *a, uint64_t i) {
    return a->elem == OO_DOUBLE ? ((const double *)a->data)[i] : (double)((const float *)a->data)[i];
}
static inline void oo__real_set(oo_array *a, uint64_t i, double value) {
    if (a->elem == OO_DOUBLE)
        ((double *)a->data)[i] = value;
    else
        ((float *)a->data)[i] = (float)value;
}
/* Where element i of a FLOAT or DOUBLE array lies. */
static inline void *oo__real_at(const oo_array *a, uint64_t i) { return (char *)a->data + i * (a->elem == OO_DOUBLE ? 8 : 4); }

/* The array as elements of type `elem` (FLOAT or DOUBLE): a new reference, to `a` itself when it is of that type. NULL for NULL, and when
 * the memory was refused. */
oo_array *oo__as_real(const oo_array *a, oo_elem elem);
/* What was computed, in type `elem`, each element rounded once; takes the reference. NULL for NULL. */
oo_array *oo__as_elem(oo_array *work, oo_elem elem);
/* A new FLOAT or DOUBLE array of zeros. */
oo_array *oo__zeros(oo_elem elem, uint32_t rank, const int64_t *dims);
/* Rounds numbers to what the half type `elem` can hold; other types leave them alone. */
double oo__round_to(oo_elem elem, double value);
void oo__round_array(oo_elem elem, oo_array *work);

/* An error when the input is missing or of no floating-point type. */
oo_status oo__need_real(const oo__call *c, uint32_t index, const char *name);
/* An error when input `index` is there and its element type is not that of `like`. */
oo_status oo__need_like(const oo__call *c, uint32_t index, const oo_array *like);
/* Whether the array is there with exactly these dimensions. */
bool oo__has_dims(const oo_array *a, uint32_t rank, const int64_t *dims);
/* A copy with the shape of `like`, broadcast in one direction; NULL when it does not broadcast to that shape. FLOAT or DOUBLE. */
oo_array *oo__expand_real(const oo_array *a, uint32_t rank, const int64_t *dims);
#endif
