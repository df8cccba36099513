/* Softmax, LogSoftmax and Hardmax. Before version 13 the axes from `axis` on were taken together (default axis 1), since then one axis
 * (default -1). */
#include "eval/fast_math.h"
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { SOFTMAX, LOG_SOFTMAX, HARDMAX } kind;

typedef struct job {
    kind kind;
    const oo_array *in;
    oo_array *out;
    uint64_t extent, inner; /* elements that are normalized together lie `inner` apart */
} job;

static void hard(const job *j, const double *x, uint64_t base) {
    uint64_t winner = 0;
    for (uint64_t i = 1; i < j->extent; i++)
        if (x[i] > x[winner])
            winner = i;
    for (uint64_t i = 0; i < j->extent; i++)
        oo__array_set_double(j->out, base + i * j->inner, i == winner);
}

static void soft(const job *j, double *x, uint64_t base) {
    double most = -(double)INFINITY, sum = 0;
    for (uint64_t i = 0; i < j->extent; i++)
        most = x[i] > most ? x[i] : most;
    for (uint64_t i = 0; i < j->extent; i++)
        sum += exp(x[i] - most);
    for (uint64_t i = 0; i < j->extent; i++) {
        const double y = j->kind == SOFTMAX ? exp(x[i] - most) / sum : x[i] - most - log(sum);
        oo__array_set_double(j->out, base + i * j->inner, y);
    }
}

static void run_groups(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    double *const x = oo__malloc(j->extent * sizeof *x);
    const bool fast = j->kind == SOFTMAX && j->in->elem == OO_FLOAT && j->inner == 1;
    for (uint64_t g = first; g < last; g++) {
        const uint64_t base = g / j->inner * j->inner * j->extent + g % j->inner;
        if (fast) {
            /* Groups that are contiguous floats, which is what networks have. */
            oo__softmax_floats((float *)j->out->data + base, (const float *)j->in->data + base, j->extent);
            continue;
        }
        for (uint64_t i = 0; i < j->extent; i++)
            x[i] = oo__array_double(j->in, base + i * j->inner);
        if (j->kind == HARDMAX)
            hard(j, x, base);
        else
            soft(j, x, base);
    }
    free(x);
}

static oo_status normalize(oo__call *c, kind k) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    const bool together = c->schema->since < 13;
    int64_t axis = oo__int(c, "axis", together ? 1 : -1);
    if (!oo__is_number(in))
        return oo__eval_fail(c, "the input is no tensor of numbers");
    const bool past = together && axis == (int64_t)in->rank; /* nothing is taken together: each element by itself */
    if (!past && !oo__axis(&axis, in->rank ? in->rank : 1))
        return oo__eval_fail(c, "axis %lld is out of range for rank %u", (long long)axis, in->rank);
    job j = {.kind = k, .in = in, .extent = 1, .inner = 1};
    for (uint32_t i = (uint32_t)axis; i < in->rank; i++) {
        if (together || i == (uint32_t)axis)
            j.extent *= (uint64_t)in->dims[i];
        else
            j.inner *= (uint64_t)in->dims[i];
    }
    j.out = oo__array_new(in->elem, in->rank, in->dims);
    if (j.out && in->count)
        oo__parallel(in->count / j.extent, 1 + 16384 / j.extent, run_groups, &j);
    return oo__set(c, 0, j.out);
}

oo_status oo__kernel_softmax(oo__call *c) { return normalize(c, SOFTMAX); }
oo_status oo__kernel_log_softmax(oo__call *c) { return normalize(c, LOG_SOFTMAX); }
oo_status oo__kernel_hardmax(oo__call *c) { return normalize(c, HARDMAX); }
