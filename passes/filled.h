/* Tensors whose elements are all one number, whatever their shape. */
#ifndef PASSES_FILLED_H
#define PASSES_FILLED_H
#include <onnxopt/onnxopt.h>

/* The number that every element of the value is, if that is known: constants, what ConstantOfShape makes, and what only moves or repeats such
 * elements or chooses among them. BOOL counts as 0 and 1. False when it is not known, when elements differ, or when the constant is empty. */
bool oo__filled_with(double *out, const oo_value *value);
#endif
