#include "eval/fast_math.h"

#include <math.h>

/* As many sums or maxima side by side, so that the loops vectorize and lose less. */
enum { LANES = 8 };

static float largest(const float *x, uint64_t n) {
    float lane[LANES], most = -INFINITY;
    uint64_t i = 0;
    for (unsigned k = 0; k < LANES; k++)
        lane[k] = -INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (unsigned k = 0; k < LANES; k++)
            lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
    for (; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (unsigned k = 0; k < LANES; k++)
        most = lane[k] > most ? lane[k] : most;
    return most;
}

static float total(const float *x, uint64_t n) {
    float lane[LANES] = {0}, sum = 0;
    uint64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (unsigned k = 0; k < LANES; k++)
            lane[k] += x[i + k];
    for (; i < n; i++)
        sum += x[i];
    for (unsigned k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

void oo__softmax_floats(float *y, const float *x, uint64_t n) {
    const float most = largest(x, n);
    for (uint64_t i = 0; i < n; i++)
        y[i] = oo__expf(x[i] - most);
    const float sum = total(y, n);
    for (uint64_t i = 0; i < n; i++)
        y[i] /= sum;
}
