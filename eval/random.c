/* The operators that draw random numbers. */
#include "eval/random.h"

#include "eval/kernels.h"
#include "eval/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */
static const uint64_t GOLDEN = UINT64_C(0x9e3779b97f4a7c15);

/* The finalizer of SplitMix64: every bit of the result depends on every bit of x. */
static uint64_t mixed(uint64_t x) {
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

double oo__random_uniform(uint64_t key, uint64_t index) {
    return (double)(mixed(key + (index + 1) * GOLDEN) >> 11) * 0x1p-53;
}

double oo__random_normal(uint64_t key, uint64_t index) {
    const double radius = sqrt(-2 * log1p(-oo__random_uniform(key, 2 * index)));
    return radius * cos(6.28318530717958647692 * oo__random_uniform(key, 2 * index + 1));
}

/* evaluator->random is the seed, and on it lies a hash of the iterations around, 0 outside of all. */
uint64_t oo__random_enter(oo_evaluator *ev, uint64_t number) {
    const uint64_t before = ev->random, around = before ^ ev->settings.seed;
    ev->random = mixed(around + (number + 1) * GOLDEN) ^ ev->settings.seed;
    return before;
}

uint64_t oo__random_key(const oo__call *c) {
    const oo_attr *const seed = oo__attr(c, "seed");
    const uint64_t around = c->evaluator->random ^ c->evaluator->settings.seed;
    if (!seed || seed->type != OO_ATTR_FLOAT)
        return mixed(mixed(c->evaluator->settings.seed + GOLDEN) ^ mixed(around + c->node->id));
    uint32_t bits;
    memcpy(&bits, &seed->f, sizeof bits);
    return mixed(mixed((UINT64_C(1) << 40) + bits) ^ around);
}

/* ---- filling ---- */
typedef enum law { UNIFORM, NORMAL, BERNOULLI } law;

typedef struct job {
    law law;
    uint64_t key;
    double a, b;        /* low and high, or mean and scale */
    const oo_array *in; /* BERNOULLI: probabilities */
    oo_array *out;
} job;

static double drawn(const job *j, uint64_t i) {
    switch (j->law) {
    case UNIFORM: return j->a + (j->b - j->a) * oo__random_uniform(j->key, i);
    case NORMAL: return j->a + j->b * oo__random_normal(j->key, i);
    case BERNOULLI: return oo__random_uniform(j->key, i) < oo__array_double(j->in, i);
    }
    return 0;
}

static void fill_part(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__array_set_double(j->out, i, drawn(j, i));
}

static bool is_real(int64_t elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}

static oo_status fill(oo__call *c, law l, int64_t elem, uint32_t rank, const int64_t *dims) {
    if (!is_real(elem))
        return oo__eval_fail(c, "element type %lld is no floating-point type", (long long)elem);
    job j = {.law = l, .key = oo__random_key(c)};
    j.a = l == UNIFORM ? oo__float(c, "low", 0) : oo__float(c, "mean", 0);
    j.b = l == UNIFORM ? oo__float(c, "high", 1) : oo__float(c, "scale", 1);
    j.out = oo__array_new((oo_elem)elem, rank, dims);
    if (j.out)
        oo__parallel(j.out->count, 1 << 14, fill_part, &j);
    return oo__set(c, 0, j.out);
}

static oo_status fill_shape(oo__call *c, law l) {
    oo__list shape;
    if (!oo__list_attr(c, "shape", &shape))
        return OO_INVALID;
    if (shape.count > OO__MAX_RANK)
        return oo__eval_unsupported(c, "a shape of %u dimensions", shape.count);
    return fill(c, l, oo__int(c, "dtype", OO_FLOAT), shape.count, shape.items);
}

static oo_status fill_like(oo__call *c, law l) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    return fill(c, l, oo__int(c, "dtype", in->elem), in->rank, in->dims);
}

oo_status oo__kernel_random_uniform(oo__call *c) { return fill_shape(c, UNIFORM); }
oo_status oo__kernel_random_normal(oo__call *c) { return fill_shape(c, NORMAL); }
oo_status oo__kernel_random_uniform_like(oo__call *c) { return fill_like(c, UNIFORM); }
oo_status oo__kernel_random_normal_like(oo__call *c) { return fill_like(c, NORMAL); }

oo_status oo__kernel_bernoulli(oo__call *c) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    const int64_t elem = oo__int(c, "dtype", in->elem);
    if (!is_real(in->elem) || elem <= OO_UNDEFINED || elem > OO_BFLOAT16 || elem == OO_STRING ||
        oo__is_complex((oo_elem)elem))
        return oo__eval_fail(c, "the input or the wanted type is no type of numbers");
    job j = {
        .law = BERNOULLI, .key = oo__random_key(c), .in = in, .out = oo__array_new((oo_elem)elem, in->rank, in->dims)};
    if (j.out)
        oo__parallel(in->count, 1 << 14, fill_part, &j);
    return oo__set(c, 0, j.out);
}

/* ---- Multinomial ---- */
/* sums[i] = sum of exp(x - max) up to i. */
static void accumulate(double *sums, const oo_array *in, uint64_t row, uint64_t classes) {
    double most = -(double)INFINITY, sum = 0;
    for (uint64_t i = 0; i < classes; i++)
        most = fmax(most, oo__array_double(in, row * classes + i));
    for (uint64_t i = 0; i < classes; i++) {
        const double p = exp(oo__array_double(in, row * classes + i) - most);
        sum += isnan(p) ? 0 : p;
        sums[i] = sum;
    }
}

/* The first class whose sum is greater than `at`. */
static int64_t chosen(const double *sums, uint64_t classes, double at) {
    uint64_t low = 0, high = classes - 1;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (sums[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return (int64_t)low;
}

oo_status oo__kernel_multinomial(oo__call *c) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    const int64_t elem = oo__int(c, "dtype", OO_INT32), samples = oo__int(c, "sample_size", 1);
    if (!is_real(in->elem) || in->rank != 2 || in->dims[1] < 1)
        return oo__eval_fail(c, "the input is no matrix of numbers with at least one class");
    if (elem != OO_INT32 && elem != OO_INT64)
        return oo__eval_fail(c, "dtype %lld is neither int32 nor int64", (long long)elem);
    const int64_t dims[] = {in->dims[0], samples};
    oo_array *const out = oo__array_new((oo_elem)elem, 2, dims);
    const uint64_t classes = (uint64_t)in->dims[1], key = oo__random_key(c);
    double *const sums = out && out->count ? oo__malloc(classes * sizeof *sums) : NULL;
    for (uint64_t i = 0; sums && i < out->count; i++) {
        if (i % (uint64_t)samples == 0)
            accumulate(sums, in, i / (uint64_t)samples, classes);
        oo__array_set_int(out, i, chosen(sums, classes, oo__random_uniform(key, i) * sums[classes - 1]));
    }
    free(sums);
    return oo__set(c, 0, out);
}
