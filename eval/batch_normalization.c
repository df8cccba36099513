/* BatchNormalization: X [N, C, inner...] by channel; before version 9 with spatial=0 each position is a channel of its own. */
#include "eval/kernels.h"
#include "eval/real.h"

#include <math.h>
#include <string.h>

typedef struct batch {
    const oo_array *x, *scale, *bias, *mean, *variance; /* [channels] each but x */
    oo_array *y;
    uint64_t images, channels, inner;
    double epsilon;
} batch;

#define NORMALIZE(real)                                                                                        \
    static void normalize_##real(const batch *j, uint64_t plane, double mean_, double factor_, double bias_) { \
        const real mean = (real)mean_, factor = (real)factor_, bias = (real)bias_;                             \
        const real *const x = (const real *)j->x->data + plane * j->inner;                                     \
        real *const y = (real *)j->y->data + plane * j->inner;                                                 \
        for (uint64_t i = 0; i < j->inner; i++)                                                                \
            y[i] = (x[i] - mean) * factor + bias;                                                              \
    }
NORMALIZE(float)
NORMALIZE(double)

static void run_planes(void *state, uint64_t first, uint64_t last) {
    const batch *const j = state;
    for (uint64_t plane = first; plane < last; plane++) {
        const uint64_t ch = plane % j->channels;
        const double factor = oo__real(j->scale, ch) / sqrt(oo__real(j->variance, ch) + j->epsilon);
        (j->x->elem == OO_DOUBLE ? normalize_double : normalize_float)(j, plane, oo__real(j->mean, ch), factor, oo__real(j->bias, ch));
    }
}

/* Mean and population variance of a channel over images and positions. */
static void gather(const batch *j, uint64_t channel, double *mean, double *variance) {
    const double count = (double)(j->images * j->inner);
    double sum = 0, squares = 0;
    for (uint64_t n = 0; n < j->images; n++)
        for (uint64_t i = 0; i < j->inner; i++)
            sum += oo__real(j->x, (n * j->channels + channel) * j->inner + i);
    *mean = sum / count;
    for (uint64_t n = 0; n < j->images; n++)
        for (uint64_t i = 0; i < j->inner; i++) {
            const double d = oo__real(j->x, (n * j->channels + channel) * j->inner + i) - *mean;
            squares += d * d;
        }
    *variance = squares / count;
}

/* The statistics of this batch replace those of the inputs. Outputs: the running ones, then (before version 14) those of the batch. */
static oo_status train(oo__call *c, batch *j, oo_array **mean, oo_array **variance) {
    const int64_t dims[] = {(int64_t)j->channels};
    const double momentum = oo__float(c, "momentum", 0.9);
    oo_array *const now[2] = {oo__array_new(j->x->elem, 1, dims), oo__array_new(j->x->elem, 1, dims)};
    for (uint64_t ch = 0; ch < j->channels && now[0] && now[1]; ch++) {
        double m, v;
        gather(j, ch, &m, &v);
        oo__real_set(now[0], ch, m);
        oo__real_set(now[1], ch, v);
    }
    oo_status status = now[0] && now[1] ? OO_OK : oo__eval_fail(c, "the statistics are larger than the limit for one tensor");
    for (uint32_t i = 0; i < 2 && status == OO_OK; i++) {
        const oo_array *const before = i ? j->variance : j->mean, *const declared = oo__in(c, 3 + i);
        oo_array *const running = oo__array_new(j->x->elem, 1, dims);
        for (uint64_t ch = 0; running && ch < j->channels; ch++)
            oo__real_set(running, ch, oo__real(before, ch) * momentum + oo__real(now[i], ch) * (1 - momentum));
        status = oo__set(c, 1 + i, oo__as_elem(running, declared->elem));
        if (status == OO_OK && c->schema->since < 14)
            status = oo__set(c, 3 + i, oo__as_elem(oo__array_retain(now[i]), declared->elem));
    }
    oo__array_release(*mean);
    oo__array_release(*variance);
    j->mean = *mean = now[0];
    j->variance = *variance = now[1];
    return status;
}

/* By flag since version 14, by the outputs in 7 and 9, by the absence of is_test before. */
static bool is_training(const oo__call *c) {
    if (c->schema->since >= 14)
        return oo__int(c, "training_mode", 0) != 0;
    return c->schema->since >= 7 ? c->nout > 1 : oo__int(c, "is_test", 0) == 0;
}

static oo_status read(const oo__call *c, batch *j) {
    static const char *const names[] = {"X", "scale", "B", "mean", "var"};
    for (uint32_t i = 0; i < 5; i++)
        OO_TRY(oo__need_real(c, i, names[i]));
    const oo_array *const x = oo__in(c, 0);
    const bool spatial = c->schema->since >= 9 || oo__int(c, "spatial", 1) != 0;
    if (x->rank == 0)
        return oo__eval_fail(c, "the input is a scalar");
    j->images = (uint64_t)x->dims[0];
    j->channels = x->rank > 1 ? (uint64_t)x->dims[1] : 1;
    j->inner = 1;
    for (uint32_t i = 2; i < x->rank && x->count; i++)
        *(spatial ? &j->inner : &j->channels) *= (uint64_t)x->dims[i];
    for (uint32_t i = 1; i < 5 && c->schema->since >= 9; i++)
        if (oo__in(c, i)->rank != 1)
            return oo__eval_fail(c, "%s has rank %u, not 1", names[i], oo__in(c, i)->rank);
    for (uint32_t i = 1; i < 5; i++)
        if (oo__in(c, i)->count != j->channels)
            return oo__eval_fail(c, "%s has %llu elements for %llu channels", names[i], (unsigned long long)oo__in(c, i)->count,
                                 (unsigned long long)j->channels);
    j->epsilon = oo__float(c, "epsilon", 1e-5);
    return OO_OK;
}

oo_status oo__kernel_batch_normalization(oo__call *c) {
    batch j = {0};
    OO_TRY(read(c, &j));
    const oo_array *const x = oo__in(c, 0);
    oo_elem work = OO_FLOAT;
    for (uint32_t i = 0; i < 5; i++)
        work = oo__in(c, i)->elem == OO_DOUBLE ? OO_DOUBLE : work;
    oo_array *in[5];
    bool ok = true;
    for (uint32_t i = 0; i < 5; i++)
        ok &= (in[i] = oo__as_real(oo__in(c, i), work)) != NULL;
    j.x = in[0];
    j.scale = in[1];
    j.bias = in[2];
    j.mean = in[3];
    j.variance = in[4];
    j.y = oo__array_new(work, x->rank, x->dims);
    oo_status status = ok && j.y ? OO_OK : oo__eval_fail(c, "the input is larger than the limit for one tensor");
    if (status == OO_OK && is_training(c))
        status = train(c, &j, &in[3], &in[4]);
    if (status == OO_OK && x->count)
        oo__parallel(j.images * j.channels, (1 << 14) / j.inner + 1, run_planes, &j);
    for (uint32_t i = 0; i < 5; i++)
        oo__array_release(in[i]);
    if (status == OO_OK)
        return oo__set(c, 0, oo__as_elem(j.y, x->elem));
    oo__array_release(j.y);
    return status;
}
