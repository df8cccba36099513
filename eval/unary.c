/* Operators that look at one element at a time. Float is computed in float, double in double, the half types in float and rounded once. */
#include "eval/fast_math.h"
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

/* Loops over elements; `p` holds what the operator's attributes say. */
typedef void (*float_loop)(const float *in, float *out, uint64_t n, const float *p);
typedef void (*double_loop)(const double *in, double *out, uint64_t n, const double *p);
typedef int64_t (*int_function)(int64_t x, const int64_t *p);

typedef struct unary {
    float_loop of_float;
    double_loop of_double;
    int_function of_int; /* one element; NULL: floating-point types only */
} unary;

#define LOOP(name, real, expression)                                                                                   \
    static void name##_##real(const real *in, real *out, uint64_t n, const real *p) {                                  \
        (void)p;                                                                                                       \
        for (uint64_t i = 0; i < n; i++) {                                                                             \
            const real x = in[i];                                                                                      \
            out[i] = (real)(expression);                                                                               \
        }                                                                                                              \
    }
#define UNARY_2(name, of_float, of_double)                                                                             \
    LOOP(name, float, of_float)                                                                                        \
    LOOP(name, double, of_double)                                                                                      \
    static const unary name = {name##_float, name##_double, NULL};
#define UNARY(name, expression) UNARY_2(name, expression, expression)
#define UNARY_INT(name, expression, int_expression)                                                                    \
    static int64_t name##_int(int64_t x, const int64_t *p) {                                                           \
        (void)p;                                                                                                       \
        return (int_expression);                                                                                       \
    }                                                                                                                  \
    LOOP(name, float, expression)                                                                                      \
    LOOP(name, double, expression)                                                                                     \
    static const unary name = {name##_float, name##_double, name##_int};

#define SIGMOID(x) (1 / (1 + exp(-(x))))
/* log(1 + exp(x)) without overflow. */
#define SOFTPLUS(x) ((x) > 0 ? (x) + log1p(exp(-(x))) : log1p(exp(x)))
#define CLAMP(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))

UNARY_INT(abs_, fabs(x), x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
UNARY_INT(neg, -x, (int64_t)(0 - (uint64_t)x))
UNARY_INT(sign, isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0, (x > 0) - (x < 0))
UNARY_INT(relu, x < 0 ? 0 : x, x < 0 ? 0 : x)
UNARY(acos_, acos(x))
UNARY(acosh_, acosh(x))
UNARY(asin_, asin(x))
UNARY(asinh_, asinh(x))
UNARY(atan_, atan(x))
UNARY(atanh_, atanh(x))
UNARY(ceil_, ceil(x))
UNARY(cos_, cos(x))
UNARY(cosh_, cosh(x))
UNARY(erf_, erf(x))
UNARY_2(exp_, oo__expf(x), exp(x))
UNARY(floor_, floor(x))
UNARY(log_, log(x))
UNARY(reciprocal, 1 / x)
UNARY(round_, nearbyint(x)) /* half to even */
UNARY_2(sigmoid, oo__sigmoidf(x), SIGMOID(x))
UNARY(sin_, sin(x))
UNARY(sinh_, sinh(x))
UNARY(softplus, SOFTPLUS(x))
UNARY(softsign, x / (1 + fabs(x)))
UNARY(sqrt_, sqrt(x))
UNARY(tan_, tan(x))
UNARY(tanh_, tanh(x))
UNARY(mish, x *tanh(SOFTPLUS(x)))
UNARY(gelu, 0.5 * x * (1 + erf(x * 0.70710678118654752440)))
UNARY(gelu_tanh, 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))))
UNARY_2(swish, x *oo__sigmoidf(p[0] * x), x *SIGMOID(p[0] * x))
UNARY(celu, x > 0 ? x : x < 0 ? p[0] * expm1(x / p[0]) : x + 0)
UNARY(elu, x < 0 ? p[0] * expm1(x) : x)
UNARY(selu, x <= 0 ? p[1] * (p[0] * exp(x) - p[0]) : p[1] * x)
UNARY(leaky_relu, x < 0 ? p[0] * x : x)
UNARY(thresholded_relu, x > p[0] ? x : 0)
UNARY(hard_sigmoid, CLAMP(p[0] * x + p[1], 0, 1))
UNARY(hard_swish, x *CLAMP(x / 6 + 0.5, 0, 1))
/* The upper bound wins. */
#define BOUNDED(x, low, high) ((x) < (low) ? ((low) > (high) ? (high) : (low)) : (x) > (high) ? (high) : (x))
UNARY(clip_, BOUNDED(x, p[0], p[1]))
#define WRAPPED(a, op, b) ((int64_t)((uint64_t)(a) op (uint64_t)(b)))
UNARY_INT(shrink, x < -p[1] ? x + p[0] : x > p[1] ? x - p[0] : 0,
          x < WRAPPED(0, -, p[1]) ? WRAPPED(x, +, p[0]) : x > p[1] ? WRAPPED(x, -, p[0]) : 0)

/* ---- running ---- */
typedef struct job {
    const unary *f;
    const oo_array *in;
    oo_array *out;
    double p[2];
} job;

/* The half types, through float a block at a time. */
static void run_halves(const job *j, uint64_t first, uint64_t last, const float *p) {
    enum { BLOCK = 256 };
    float x[BLOCK];
    for (uint64_t i = first; i < last; i += BLOCK) {
        const uint64_t n = last - i < BLOCK ? last - i : BLOCK;
        for (uint64_t k = 0; k < n; k++)
            x[k] = (float)oo__array_double(j->in, i + k);
        j->f->of_float(x, x, n, p);
        for (uint64_t k = 0; k < n; k++)
            oo__array_set_double(j->out, i + k, (double)x[k]);
    }
}

static void run_part(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    const float pf[2] = {(float)j->p[0], (float)j->p[1]};
    switch (j->in->elem) {
    case OO_FLOAT: j->f->of_float((const float *)j->in->data + first, (float *)j->out->data + first, last - first, pf); break;
    case OO_DOUBLE: j->f->of_double((const double *)j->in->data + first, (double *)j->out->data + first, last - first, j->p); break;
    case OO_FLOAT16:
    case OO_BFLOAT16: run_halves(j, first, last, pf); break;
    default: {
        const int64_t pi[2] = {oo__int_of_double(j->p[0]), oo__int_of_double(j->p[1])};
        for (uint64_t i = first; i < last; i++)
            oo__array_set_int(j->out, i, j->f->of_int(oo__array_int(j->in, i), pi));
    }
    }
}

static bool is_floating(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}

static oo_status run_unary(oo__call *c, const unary *f, double p0, double p1) {
    const oo_array *const in = oo__in(c, 0);
    if (!in)
        return oo__eval_fail(c, "the input is missing");
    if (!is_floating(in->elem) && (!f->of_int || !oo__is_number(in)))
        return oo__eval_unsupported(c, "element type %s", oo__elem_name((int32_t)in->elem));
    oo_array *const out = oo__array_new(in->elem, in->rank, in->dims);
    job j = {f, in, out, {p0, p1}};
    if (out)
        oo__parallel(in->count, 1 << 15, run_part, &j);
    return oo__set(c, 0, out);
}

#define UNARY_KERNEL(function, f)                                                                                      \
    oo_status oo__kernel_##function(oo__call *c) { return run_unary(c, &(f), 0, 0); }
/* Attributes and their defaults come from the schema; the last number stands in for versions without one. */
#define UNARY_KERNEL_1(function, f, name, absent)                                                                      \
    oo_status oo__kernel_##function(oo__call *c) { return run_unary(c, &(f), oo__float(c, name, absent), 0); }
#define UNARY_KERNEL_2(function, f, name0, absent0, name1, absent1)                                                    \
    oo_status oo__kernel_##function(oo__call *c) {                                                                     \
        return run_unary(c, &(f), oo__float(c, name0, absent0), oo__float(c, name1, absent1));                         \
    }
UNARY_KERNEL(abs, abs_)
UNARY_KERNEL(acos, acos_)
UNARY_KERNEL(acosh, acosh_)
UNARY_KERNEL(asin, asin_)
UNARY_KERNEL(asinh, asinh_)
UNARY_KERNEL(atan, atan_)
UNARY_KERNEL(atanh, atanh_)
UNARY_KERNEL(ceil, ceil_)
UNARY_KERNEL(cos, cos_)
UNARY_KERNEL(cosh, cosh_)
UNARY_KERNEL(erf, erf_)
UNARY_KERNEL(exp, exp_)
UNARY_KERNEL(floor, floor_)
UNARY_KERNEL(hard_swish, hard_swish)
UNARY_KERNEL(log, log_)
UNARY_KERNEL(mish, mish)
UNARY_KERNEL(neg, neg)
UNARY_KERNEL(reciprocal, reciprocal)
UNARY_KERNEL(relu, relu)
UNARY_KERNEL(round, round_)
UNARY_KERNEL(sigmoid, sigmoid)
UNARY_KERNEL(sign, sign)
UNARY_KERNEL(sin, sin_)
UNARY_KERNEL(sinh, sinh_)
UNARY_KERNEL(softplus, softplus)
UNARY_KERNEL(softsign, softsign)
UNARY_KERNEL(sqrt, sqrt_)
UNARY_KERNEL(tan, tan_)
UNARY_KERNEL(tanh, tanh_)
UNARY_KERNEL_1(celu, celu, "alpha", 1)
UNARY_KERNEL_1(elu, elu, "alpha", 1)
UNARY_KERNEL_1(leaky_relu, leaky_relu, "alpha", 0.01)
UNARY_KERNEL_1(swish, swish, "alpha", 1)
UNARY_KERNEL_1(thresholded_relu, thresholded_relu, "alpha", 1)
UNARY_KERNEL_2(hard_sigmoid, hard_sigmoid, "alpha", 0.2, "beta", 0.5)
UNARY_KERNEL_2(selu, selu, "alpha", 1.67326319217681884765625, "gamma", 1.05070102214813232421875)
UNARY_KERNEL_2(shrink, shrink, "bias", 0, "lambd", 0.5)

oo_status oo__kernel_gelu(oo__call *c) {
    const bool by_tanh = strcmp(oo__string(c, "approximate", "none"), "tanh") == 0;
    return run_unary(c, by_tanh ? &gelu_tanh : &gelu, 0, 0);
}

/* ---- logic and bits ---- */
oo_status oo__kernel_not(oo__call *c) {
    const oo_array *const in = oo__in(c, 0);
    if (!in || in->elem != OO_BOOL)
        return oo__eval_fail(c, "the input is no bool tensor");
    oo_array *const out = oo__array_new(OO_BOOL, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++)
        ((uint8_t *)out->data)[i] = !((const uint8_t *)in->data)[i];
    return oo__set(c, 0, out);
}

oo_status oo__kernel_bitwise_not(oo__call *c) {
    const oo_array *const in = oo__in(c, 0);
    if (!in || !oo__is_number(in) || is_floating(in->elem))
        return oo__eval_fail(c, "the input is no integer tensor");
    oo_array *const out = oo__array_new(in->elem, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++)
        oo__array_set_int(out, i, ~oo__array_int(in, i));
    return oo__set(c, 0, out);
}

static oo_status classify(oo__call *c, bool (*is)(double x, bool negative, bool positive), bool negative, bool positive) {
    const oo_array *const in = oo__in(c, 0);
    if (!in || !oo__is_number(in))
        return oo__eval_fail(c, "the input is no tensor of numbers");
    oo_array *const out = oo__array_new(OO_BOOL, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++)
        ((uint8_t *)out->data)[i] = is(oo__array_double(in, i), negative, positive);
    return oo__set(c, 0, out);
}

static bool is_nan(double x, bool negative, bool positive) {
    (void)negative;
    (void)positive;
    return isnan(x);
}

static bool is_infinite(double x, bool negative, bool positive) {
    return isinf(x) && ((negative && x < 0) || (positive && x > 0));
}

oo_status oo__kernel_is_nan(oo__call *c) { return classify(c, is_nan, true, true); }

oo_status oo__kernel_is_inf(oo__call *c) {
    return classify(c, is_infinite, oo__int(c, "detect_negative", 1) != 0, oo__int(c, "detect_positive", 1) != 0);
}

/* ---- Clip: bounds are attributes before version 11, inputs since; the upper bound wins when they cross ---- */
static oo_status clip_ints(oo__call *c, const oo_array *in, const oo_array *low, const oo_array *high) {
    oo_array *const out = oo__array_new(in->elem, in->rank, in->dims);
    const bool u64 = in->elem == OO_UINT64;
    const int64_t least = low ? oo__array_int(low, 0) : 0, most = high ? oo__array_int(high, 0) : 0;
    for (uint64_t i = 0; out && i < in->count; i++) {
        int64_t x = oo__array_int(in, i);
        if (low && (u64 ? (uint64_t)x < (uint64_t)least : x < least))
            x = least;
        if (high && (u64 ? (uint64_t)x > (uint64_t)most : x > most))
            x = most;
        oo__array_set_int(out, i, x);
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_clip(oo__call *c) {
    const oo_array *const in = oo__in(c, 0), *const low = oo__in(c, 1), *const high = oo__in(c, 2);
    if (!in || !oo__is_number(in) || (low && low->count != 1) || (high && high->count != 1))
        return oo__eval_fail(c, "the input is missing or a bound is no scalar");
    if (!is_floating(in->elem))
        return clip_ints(c, in, low, high);
    const double least = low ? oo__array_double(low, 0) : oo__float(c, "min", -(double)INFINITY);
    const double most = high ? oo__array_double(high, 0) : oo__float(c, "max", (double)INFINITY);
    return run_unary(c, &clip_, least, most);
}
