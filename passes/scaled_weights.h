/* Weights times one factor for each channel, as a lazy tensor: nothing is multiplied before somebody reads it. */
#ifndef PASSES_SCALED_WEIGHTS_H
#define PASSES_SCALED_WEIGHTS_H
#include <onnxopt/onnxopt.h>

/* Which elements belong to which channel: a channel has runs of `run` elements, `cols` channels take turns for `rows` rounds, and then come
 * the next `cols` channels. Output channels of Conv [M, C/group, k..]: rows = 1, cols = M; of ConvTranspose [C, M/group, k..]: rows = C/group,
 * cols = M/group; columns of a matrix [K, N]: run = 1, rows = K, cols = N. Everything as one channel: run = all elements, rows = cols = 1. */
typedef struct oo__channels {
    uint64_t run, rows, cols;
    uint64_t count; /* of channels */
} oo__channels;

/* What a pass keeps between calls. Start with {.rw = rw}. */
typedef struct oo__scaler {
    oo_rewriter *rw;
    bool allow_denormals; /* 16-bit numbers may become denormal or zero */
    unsigned char *chunk; /* private */
    uint8_t *normal, *kept;
    double *product;
    uint64_t room;
} oo__scaler;

/* weights * factors[channel], computed in double and rounded once. FLOAT, DOUBLE, FLOAT16 and BFLOAT16. NULL and the reason when a product
 * would not be finite, a channel would vanish, a 16-bit number would become denormal, or the data cannot be read. Weights that were scaled
 * before in the same way are not scaled again: factors are multiplied and the first source is read. */
oo_tensor *oo__scale_weights(oo__scaler *scaler, const oo_tensor *weights, const oo__channels *at, const double *factors, const char **why);

/* Smallest normal and largest finite number of a floating-point type. */
typedef struct oo__range {
    double least, most;
} oo__range;
oo__range oo__range_of(oo_elem elem);
static inline bool oo__is_weight_type(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}
static inline bool oo__is_half(oo_elem elem) { return elem == OO_FLOAT16 || elem == OO_BFLOAT16; }
#endif
