/* Operators of two operands that numpy broadcasts: arithmetic, comparison, logic, bits. */
#include "eval/broadcast.h"
#include "eval/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- loops: one for each operation and C type ---- */
typedef void (*loop)(const void *a, int64_t a_step, const void *b, int64_t b_step, void *out, uint64_t n);

/* An operand steps by one element or by none; the frequent pairs have loops of their own, which vectorize. */
#define STEPS(in, result, expression, a_index, b_index)                                                                \
    for (uint64_t i = 0; i < n; i++) {                                                                                 \
        const in x = p[a_index], y = q[b_index];                                                                       \
        (void)x;                                                                                                       \
        (void)y;                                                                                                       \
        r[i] = (result)(expression);                                                                                   \
    }
#define LOOP(name, in, result, expression)                                                                             \
    static void name(const void *a, int64_t a_step, const void *b, int64_t b_step, void *out, uint64_t n) {            \
        const in *const p = a, *const q = b;                                                                           \
        result *const r = out;                                                                                         \
        if (a_step == 1 && b_step == 1)                                                                                \
            STEPS(in, result, expression, i, i)                                                                        \
        else if (a_step == 1 && b_step == 0)                                                                           \
            STEPS(in, result, expression, i, 0)                                                                        \
        else if (a_step == 0 && b_step == 1)                                                                           \
            STEPS(in, result, expression, 0, i)                                                                        \
        else                                                                                                           \
            STEPS(in, result, expression, (int64_t)i * a_step, (int64_t)i * b_step)                                    \
    }

#define FLOAT_LOOPS(op, expression_f, expression_d)                                                                    \
    LOOP(op##_float, float, float, expression_f)                                                                       \
    LOOP(op##_double, double, double, expression_d)
/* Arithmetic wraps: it is done in the unsigned type. */
#define INT_LOOPS(op, signed_, unsigned_)                                                                              \
    LOOP(op##_int8, int8_t, int8_t, signed_)                                                                           \
    LOOP(op##_int16, int16_t, int16_t, signed_)                                                                        \
    LOOP(op##_int32, int32_t, int32_t, signed_)                                                                        \
    LOOP(op##_int64, int64_t, int64_t, signed_)                                                                        \
    LOOP(op##_uint8, uint8_t, uint8_t, unsigned_)                                                                      \
    LOOP(op##_uint16, uint16_t, uint16_t, unsigned_)                                                                   \
    LOOP(op##_uint32, uint32_t, uint32_t, unsigned_)                                                                   \
    LOOP(op##_uint64, uint64_t, uint64_t, unsigned_)
#define COMPARE_LOOPS(op, expression)                                                                                  \
    LOOP(op##_float, float, uint8_t, expression)                                                                       \
    LOOP(op##_double, double, uint8_t, expression)                                                                     \
    LOOP(op##_int8, int8_t, uint8_t, expression)                                                                       \
    LOOP(op##_int16, int16_t, uint8_t, expression)                                                                     \
    LOOP(op##_int32, int32_t, uint8_t, expression)                                                                     \
    LOOP(op##_int64, int64_t, uint8_t, expression)                                                                     \
    LOOP(op##_uint8, uint8_t, uint8_t, expression)                                                                     \
    LOOP(op##_uint16, uint16_t, uint8_t, expression)                                                                   \
    LOOP(op##_uint32, uint32_t, uint8_t, expression)                                                                   \
    LOOP(op##_uint64, uint64_t, uint8_t, expression)

/* Division truncates; by zero it gives 0 (ONNX leaves it undefined, a trap is no answer); the one overflow wraps. */
#define QUOTIENT(x, y) ((y) == 0 ? 0 : (y) == -1 ? (int64_t)(0 - (uint64_t)(x)) : (int64_t)(x) / (int64_t)(y))
#define REMAINDER(x, y) ((y) == 0 || (y) == -1 ? 0 : (int64_t)(x) % (int64_t)(y))
/* The sign of the result is the divisor's, as numpy's mod. */
#define MODULO(x, y) (REMAINDER(x, y) != 0 && (REMAINDER(x, y) < 0) != ((y) < 0) ? REMAINDER(x, y) + (y) : REMAINDER(x, y))

static int64_t int_power(int64_t base, int64_t exponent) {
    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
    uint64_t result = 1, factor = (uint64_t)base;
    for (; exponent; exponent >>= 1, factor *= factor)
        if (exponent & 1)
            result *= factor;
    return (int64_t)result;
}

/* The same for floats; a zero has the divisor's sign too. */
static double floor_mod(double x, double y) {
    const double r = fmod(x, y);
    if (r == 0)
        return copysign(0, y);
    return (r < 0) != (y < 0) ? r + y : r;
}

static float floor_mod_float(float x, float y) {
    const float r = fmodf(x, y);
    if (r == 0)
        return copysignf(0, y);
    return (r < 0) != (y < 0) ? r + y : r;
}

/* Minimum and maximum give NaN when an operand is NaN, as numpy's. */
#define LEAST(x, y) (isnan(x) || (x) < (y) ? (x) : (y))
#define MOST(x, y) (isnan(x) || (x) > (y) ? (x) : (y))

FLOAT_LOOPS(add, x + y, x + y)
INT_LOOPS(add, (uint64_t)x + (uint64_t)y, x + y)
FLOAT_LOOPS(sub, x - y, x - y)
INT_LOOPS(sub, (uint64_t)x - (uint64_t)y, x - y)
FLOAT_LOOPS(mul, x *y, x *y)
INT_LOOPS(mul, (uint64_t)x *(uint64_t)y, (uint64_t)x *(uint64_t)y)
FLOAT_LOOPS(div, x / y, x / y)
INT_LOOPS(div, QUOTIENT(x, y), y == 0 ? 0 : x / y)
FLOAT_LOOPS(pow, powf(x, y), pow(x, y))
INT_LOOPS(pow, int_power(x, y), int_power((int64_t)x, (int64_t)y))
FLOAT_LOOPS(fmod, fmodf(x, y), fmod(x, y))
INT_LOOPS(fmod, REMAINDER(x, y), y == 0 ? 0 : x % y)
FLOAT_LOOPS(mod, floor_mod_float(x, y), floor_mod(x, y))
INT_LOOPS(mod, MODULO(x, y), y == 0 ? 0 : x % y)
FLOAT_LOOPS(min, isnan(y) ? y : LEAST(x, y), isnan(y) ? y : LEAST(x, y))
INT_LOOPS(min, x < y ? x : y, x < y ? x : y)
FLOAT_LOOPS(max, isnan(y) ? y : MOST(x, y), isnan(y) ? y : MOST(x, y))
INT_LOOPS(max, x > y ? x : y, x > y ? x : y)
FLOAT_LOOPS(prelu, x < 0 ? x * y : x, x < 0 ? x * y : x)
INT_LOOPS(prelu, x < 0 ? (uint64_t)x * (uint64_t)y : (uint64_t)x, x)
INT_LOOPS(bit_and, x &y, x &y)
INT_LOOPS(bit_or, x | y, x | y)
INT_LOOPS(bit_xor, x ^ y, x ^ y)
#define WIDTH(x) (8 * sizeof(x))
INT_LOOPS(shift_left, y >= 0 && (uint64_t)y < WIDTH(x) ? (uint64_t)x << y : 0, y < WIDTH(x) ? (uint64_t)x << y : 0)
/* Out of range the sign bit fills all. */
INT_LOOPS(shift_right, y >= 0 && (uint64_t)y < WIDTH(x) ? x >> y : x < 0 ? -1 : 0, y < WIDTH(x) ? x >> y : 0)
COMPARE_LOOPS(equal, x == y)
COMPARE_LOOPS(less, x < y)
COMPARE_LOOPS(greater, x > y)
COMPARE_LOOPS(less_equal, x <= y)
COMPARE_LOOPS(greater_equal, x >= y)
LOOP(and_uint8, uint8_t, uint8_t, x && y)
LOOP(or_uint8, uint8_t, uint8_t, x || y)
LOOP(xor_uint8, uint8_t, uint8_t, !x != !y)

/* ---- the table of an operation ---- */
typedef struct operation {
    loop loops[OO_ELEM_COUNT];
    bool compares; /* the result is BOOL */
} operation;

#define INTS_OF(op)                                                                                                    \
    [OO_INT8] = op##_int8, [OO_INT16] = op##_int16, [OO_INT32] = op##_int32, [OO_INT64] = op##_int64,                  \
    [OO_UINT8] = op##_uint8, [OO_UINT16] = op##_uint16, [OO_UINT32] = op##_uint32, [OO_UINT64] = op##_uint64
#define FLOATS_OF(op) [OO_FLOAT] = op##_float, [OO_DOUBLE] = op##_double
static const operation ADD = {{FLOATS_OF(add), INTS_OF(add)}, false}, SUB = {{FLOATS_OF(sub), INTS_OF(sub)}, false},
                       MUL = {{FLOATS_OF(mul), INTS_OF(mul)}, false}, DIV = {{FLOATS_OF(div), INTS_OF(div)}, false},
                       POW = {{FLOATS_OF(pow), INTS_OF(pow)}, false}, FMOD = {{FLOATS_OF(fmod), INTS_OF(fmod)}, false},
                       MOD = {{FLOATS_OF(mod), INTS_OF(mod)}, false}, MIN = {{FLOATS_OF(min), INTS_OF(min)}, false},
                       MAX = {{FLOATS_OF(max), INTS_OF(max)}, false}, PRELU = {{FLOATS_OF(prelu), INTS_OF(prelu)}, false},
                       BIT_AND = {{INTS_OF(bit_and)}, false}, BIT_OR = {{INTS_OF(bit_or)}, false},
                       BIT_XOR = {{INTS_OF(bit_xor)}, false}, SHIFT_LEFT = {{INTS_OF(shift_left)}, false},
                       SHIFT_RIGHT = {{INTS_OF(shift_right)}, false}, AND = {{[OO_BOOL] = and_uint8}, true},
                       OR = {{[OO_BOOL] = or_uint8}, true}, XOR = {{[OO_BOOL] = xor_uint8}, true},
                       EQUAL = {{FLOATS_OF(equal), INTS_OF(equal), [OO_BOOL] = equal_uint8}, true},
                       LESS = {{FLOATS_OF(less), INTS_OF(less)}, true}, GREATER = {{FLOATS_OF(greater), INTS_OF(greater)}, true},
                       LESS_EQUAL = {{FLOATS_OF(less_equal), INTS_OF(less_equal)}, true},
                       GREATER_EQUAL = {{FLOATS_OF(greater_equal), INTS_OF(greater_equal)}, true};

/* ---- running ---- */
typedef struct job {
    loop run;
    const char *a, *b;
    char *out;
    uint32_t in_width, out_width;
} job;

static void run_job(void *state, uint64_t out, const uint64_t *at, const int64_t *strides, uint64_t count) {
    const job *const j = state;
    j->run(j->a + at[0] * j->in_width, strides[0], j->b + at[1] * j->in_width, strides[1], j->out + out * j->out_width, count);
}

/* Half types and the smaller ones are computed in float and rounded once. */
static oo_array *as_float(const oo_array *a) {
    oo_array *const f = oo__array_new(OO_FLOAT, a->rank, a->dims);
    for (uint64_t i = 0; f && i < a->count; i++)
        ((float *)f->data)[i] = (float)oo__array_double(a, i);
    return f;
}

static oo_array *rounded(const oo_array *f, oo_elem elem) {
    oo_array *const a = oo__array_new(elem, f->rank, f->dims);
    if (a)
        oo__array_from_floats(a, f->data);
    return a;
}

static oo_array *apply(const operation *op, const oo_array *a, const oo_array *b);

static oo_array *apply_in_float(const operation *op, const oo_array *a, const oo_array *b) {
    oo_array *const fa = as_float(a), *const fb = as_float(b);
    oo_array *result = fa && fb ? apply(op, fa, fb) : NULL;
    oo__array_release(fa);
    oo__array_release(fb);
    if (!result || op->compares)
        return result;
    oo_array *const out = rounded(result, a->elem);
    oo__array_release(result);
    return out;
}

static oo_array *apply(const operation *op, const oo_array *a, const oo_array *b) {
    const loop run = op->loops[a->elem];
    if (!run)
        return apply_in_float(op, a, b);
    oo__walk walk;
    uint32_t rank;
    int64_t dims[OO__MAX_RANK];
    if (!oo__walk_begin(&walk, 2, (const oo_array *const[]){a, b}, &rank, dims))
        return NULL;
    oo_array *const out = oo__array_new(op->compares ? OO_BOOL : a->elem, rank, dims);
    if (!out)
        return NULL;
    job j = {run, a->data, b->data, out->data, oo__array_width(a->elem), oo__array_width(out->elem)};
    oo__walk_runs(&walk, run_job, &j);
    return out;
}

static bool is_supported(const operation *op, oo_elem elem) {
    return op->loops[elem] || (op->loops[OO_FLOAT] && (elem == OO_FLOAT16 || elem == OO_BFLOAT16));
}

/* Before version 7 the second operand was aligned by the attribute `axis` and only with broadcast=1. A new reference. */
static oo_array *align_legacy(const oo__call *c, const oo_array *a, const oo_array *b) {
    oo_array *const own = oo__array_retain((oo_array *)(uintptr_t)b);
    int64_t axis = oo__int(c, "axis", (int64_t)a->rank - (int64_t)b->rank);
    if (c->schema->since >= 7 || !oo__attr(c, "axis") || b->rank >= a->rank)
        return own;
    if (axis < 0)
        axis += (int64_t)a->rank;
    int64_t dims[OO__MAX_RANK];
    uint32_t rank = b->rank;
    if (b->rank)
        memcpy(dims, b->dims, b->rank * sizeof *dims);
    for (int64_t i = axis + (int64_t)b->rank; i < (int64_t)a->rank && rank < OO__MAX_RANK; i++)
        dims[rank++] = 1;
    oo_array *const view = oo__array_view(own, rank, dims);
    oo__array_release(own);
    return view;
}

static bool shapes_fit(const oo_array *a, const oo_array *b) {
    int64_t dims[OO__MAX_RANK];
    uint32_t rank;
    return a->rank <= OO__MAX_RANK && b->rank <= OO__MAX_RANK && oo__broadcast(&rank, dims, a->rank, a->dims, b->rank, b->dims);
}

/* Whether broadcasting b with a leaves a's shape. */
static bool widens(const oo_array *a, const oo_array *b) {
    uint32_t rank;
    int64_t dims[OO__MAX_RANK];
    return a->rank <= OO__MAX_RANK && b->rank <= a->rank && oo__broadcast(&rank, dims, a->rank, a->dims, b->rank, b->dims) && rank == a->rank &&
           (!rank || memcmp(dims, a->dims, rank * sizeof *dims) == 0);
}

static bool same_shape(const oo_array *a, const oo_array *b) {
    return a->rank == b->rank && (!a->rank || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0);
}

static bool is_legacy(const oo__call *c) { return c->schema->since < 7 && oo__schema_attr(c->schema, "broadcast"); }

/* Before version 7 the first operand gives the shape, and the second has the same one unless it may be broadcast. */
static bool fits_legacy(const oo__call *c, const oo_array *a, const oo_array *b, const oo_array *aligned) {
    return oo__int(c, "broadcast", 0) ? widens(a, aligned) : same_shape(a, b);
}

static oo_status run_binary(oo__call *c, const operation *op, const oo_array *a, const oo_array *b) {
    if (!a || !b)
        return oo__eval_fail(c, "an operand is missing");
    if (a->elem != b->elem)
        return oo__eval_fail(c, "the operands have types %s and %s", oo__elem_name((int32_t)a->elem), oo__elem_name((int32_t)b->elem));
    if (!is_supported(op, a->elem))
        return oo__eval_unsupported(c, "element type %s", oo__elem_name((int32_t)a->elem));
    oo_array *const aligned = align_legacy(c, a, b);
    const bool fit = aligned && (is_legacy(c) ? fits_legacy(c, a, b, aligned) : shapes_fit(a, aligned));
    oo_array *const out = fit ? apply(op, a, aligned) : NULL;
    oo__array_release(aligned);
    return fit ? oo__set(c, 0, out) : oo__eval_fail(c, "the shapes of the operands do not broadcast");
}

#define BINARY_KERNEL(function, op)                                                                                    \
    oo_status oo__kernel_##function(oo__call *c) { return run_binary(c, &(op), oo__in(c, 0), oo__in(c, 1)); }
BINARY_KERNEL(add, ADD)
BINARY_KERNEL(sub, SUB)
BINARY_KERNEL(mul, MUL)
BINARY_KERNEL(div, DIV)
BINARY_KERNEL(and, AND)
BINARY_KERNEL(or, OR)
BINARY_KERNEL(xor, XOR)
BINARY_KERNEL(less, LESS)
BINARY_KERNEL(greater, GREATER)
BINARY_KERNEL(less_or_equal, LESS_EQUAL)
BINARY_KERNEL(greater_or_equal, GREATER_EQUAL)
BINARY_KERNEL(bitwise_and, BIT_AND)
BINARY_KERNEL(bitwise_or, BIT_OR)
BINARY_KERNEL(bitwise_xor, BIT_XOR)

oo_status oo__kernel_bit_shift(oo__call *c) {
    const bool left = strcmp(oo__string(c, "direction", ""), "LEFT") == 0;
    return run_binary(c, left ? &SHIFT_LEFT : &SHIFT_RIGHT, oo__in(c, 0), oo__in(c, 1));
}

/* Mod, versions 10 to 28: fmod=0 takes the divisor's sign (floats may ask for it since version 28), fmod=1 the dividend's. */
oo_status oo__kernel_mod(oo__call *c) {
    return run_binary(c, oo__int(c, "fmod", 0) ? &FMOD : &MOD, oo__in(c, 0), oo__in(c, 1));
}

/* PRelu: before version 7 a slope of rank 1 is one number a channel, axis 1. */
oo_status oo__kernel_prelu(oo__call *c) {
    const oo_array *const x = oo__in(c, 0), *const slope = oo__in(c, 1);
    const bool per_channel = x && slope && c->schema->since < 7 && slope->rank == 1 && x->rank >= 2;
    if (x && slope && !per_channel && !widens(x, slope))
        return oo__eval_fail(c, "the slope does not broadcast to the input");
    if (!x || !slope || c->schema->since >= 7 || slope->rank != 1 || slope->count == 1 || x->rank < 2 || x->rank > OO__MAX_RANK)
        return run_binary(c, &PRELU, x, slope);
    int64_t dims[OO__MAX_RANK] = {slope->dims[0]};
    for (uint32_t i = 1; i + 1 < x->rank; i++)
        dims[i] = 1;
    oo_array *const column = oo__array_view((oo_array *)(uintptr_t)slope, x->rank - 1, dims);
    const oo_status status = run_binary(c, &PRELU, x, column);
    oo__array_release(column);
    return status;
}

/* Pow: the exponent may have another type; the result has the base's. Integer bases with other exponents go through double. */
static oo_array *mixed_power(const oo_array *a, const oo_array *b) {
    oo_array *const da = oo__array_new(OO_DOUBLE, a->rank, a->dims), *const db = oo__array_new(OO_DOUBLE, b->rank, b->dims);
    for (uint64_t i = 0; da && i < a->count; i++)
        ((double *)da->data)[i] = oo__array_double(a, i);
    for (uint64_t i = 0; db && i < b->count; i++)
        ((double *)db->data)[i] = oo__array_double(b, i);
    oo_array *const d = da && db ? apply(&POW, da, db) : NULL;
    oo_array *const out = d ? oo__array_new(a->elem, d->rank, d->dims) : NULL;
    if (out)
        oo__array_from_doubles(out, d->data);
    oo__array_release(da);
    oo__array_release(db);
    oo__array_release(d);
    return out;
}

oo_status oo__kernel_pow(oo__call *c) {
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1);
    if (!a || !b || a->elem == b->elem)
        return run_binary(c, &POW, a, b);
    if (!shapes_fit(a, b))
        return oo__eval_fail(c, "the shapes of base and exponent do not broadcast");
    return oo__set(c, 0, mixed_power(a, b));
}

/* ---- Equal, with strings ---- */
static void compare_strings(void *state, uint64_t out, const uint64_t *at, const int64_t *strides, uint64_t count) {
    const job *const j = state;
    const oo_bytes *a = (const oo_bytes *)(const void *)j->a + at[0], *b = (const oo_bytes *)(const void *)j->b + at[1];
    for (uint64_t i = 0; i < count; i++, a += strides[0], b += strides[1])
        j->out[out + i] = (char)(a->size == b->size && (!a->size || memcmp(a->data, b->data, a->size) == 0));
}

oo_status oo__kernel_equal(oo__call *c) {
    const oo_array *const a = oo__in(c, 0), *const b = oo__in(c, 1);
    if (!a || !b || a->elem != OO_STRING || b->elem != OO_STRING)
        return run_binary(c, &EQUAL, a, b);
    oo__walk walk;
    uint32_t rank;
    int64_t dims[OO__MAX_RANK];
    if (!oo__walk_begin(&walk, 2, (const oo_array *const[]){a, b}, &rank, dims))
        return oo__eval_fail(c, "the shapes of the operands do not broadcast");
    oo_array *const out = oo__array_new(OO_BOOL, rank, dims);
    job j = {.a = a->data, .b = b->data, .out = out ? out->data : NULL};
    if (out)
        oo__walk_runs(&walk, compare_strings, &j);
    return oo__set(c, 0, out);
}

/* ---- variadic: Sum, Mean, Min, Max ---- */
static oo_status fold(oo__call *c, const operation *op, bool mean) {
    oo_array *sum = NULL;
    for (uint32_t i = 0; i < c->nin; i++) {
        const oo_array *const a = oo__in(c, i);
        const bool shaped = !a || !sum || (c->schema->since < 8 ? same_shape(sum, a) : shapes_fit(sum, a));
        const bool fits = a && is_supported(op, a->elem) && (!sum || a->elem == sum->elem) && shaped;
        oo_array *const next = !fits ? NULL : sum ? apply(op, sum, a) : oo__array_retain((oo_array *)(uintptr_t)a);
        oo__array_release(sum);
        sum = next;
        if (!sum)
            return oo__eval_fail(c, "input %u does not fit the others", i);
    }
    if (!sum)
        return oo__eval_fail(c, "there are no inputs");
    if (mean && c->nin > 1) {
        oo_array *const n = oo__array_new(sum->elem, 0, NULL);
        oo__array_set_double(n, 0, c->nin);
        oo_array *const quotient = apply(&DIV, sum, n);
        oo__array_release(n);
        oo__array_release(sum);
        sum = quotient;
    }
    return oo__set(c, 0, sum);
}

oo_status oo__kernel_sum(oo__call *c) { return fold(c, &ADD, false); }
oo_status oo__kernel_mean(oo__call *c) { return fold(c, &ADD, true); }
oo_status oo__kernel_min(oo__call *c) { return fold(c, &MIN, false); }
oo_status oo__kernel_max(oo__call *c) { return fold(c, &MAX, false); }
