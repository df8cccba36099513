/* Functions that exporters write in parts, and that runtimes compute by one kernel if no part is missing. */
#ifndef PASSES_WHOLES_H
#define PASSES_WHOLES_H
#include <onnxopt/onnxopt.h>

/* The value is (x * (1 + erf(x / c))) * 0.5, or the same with tanh: the product by a half stands last. */
bool oo__closes_gelu(const oo_value *value);
/* The value is d / sqrt(mean + e) * w, or, where d is x less its mean, that + b, with constant vectors w and b. */
bool oo__closes_normalization(const oo_value *value);
#endif
