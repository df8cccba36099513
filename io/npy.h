/* NumPy's .npy files (format versions 1 to 3): one array each. */
#ifndef IO_NPY_H
#define IO_NPY_H
#include "ir/ir.h"

/* Reads numbers of any width, bools and complex numbers, little-endian; Fortran order is turned into row-major order. The tensor belongs to
 * `model`, which also keeps the file mapped. */
oo_status oo__npy_read(oo_tensor **out, oo_model *model, const char *path);
/* Writes version 1 in row-major order; the file appears whole or not at all. Types that NumPy has not are widened without loss: bfloat16 and the
 * smaller floats to float32, int4 and int2 to int8, uint4 and uint2 to uint8. OO_UNSUPPORTED after a diagnostic for strings. */
oo_status oo__npy_write(oo_context *context, const oo_tensor *tensor, const char *path);
#endif
