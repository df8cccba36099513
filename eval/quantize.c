/* QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. */
#include "eval/cast.h"
#include "eval/kernels.h"
#include "eval/move.h"
#include "eval/real.h"

#include <math.h>
#include <string.h>

/* ---- which scale belongs to which element ---- */
/* The input seen as [outer, dim, inner]; element (o, a, k) has scale (o * blocks + a / block) * inner + k when blocked, scale a when there is
 * one for each index of the axis, else scale 0. */
typedef struct granularity {
    enum { PER_TENSOR, PER_AXIS, BLOCKED } kind;
    uint64_t dim, inner, block, blocks;
} granularity;

static bool granularity_of(const oo__call *c, const oo_array *x, const oo_array *scale, const oo_array *zero,
                           granularity *g) {
    int64_t axis = oo__int(c, "axis", 1), block = oo__int(c, "block_size", 0);
    *g = (granularity){.kind = PER_TENSOR};
    /* A scalar and a vector of one element say the same. */
    const bool single = zero && zero->count == 1 && scale->count == 1;
    if (zero && !single && !oo__has_dims(zero, scale->rank, scale->dims)) {
        oo__eval_fail(c, "scale and zero point are not of the same shape");
        return false;
    }
    if (scale->count == 1 && scale->rank <= 1)
        return true;
    bool fits = oo__axis(&axis, x->rank) && block >= 0;
    if (fits) {
        g->kind = block ? BLOCKED : PER_AXIS;
        g->dim = (uint64_t)x->dims[axis];
        g->inner = oo__product(x->dims, (uint32_t)axis + 1, x->rank);
        g->block = block ? (uint64_t)block : 1;
        g->blocks = g->dim / g->block + (g->dim % g->block != 0);
    }
    if (fits && !block)
        fits = scale->rank == 1 && scale->count == g->dim;
    for (uint32_t k = 0; fits && block && k < x->rank; k++)
        fits = scale->rank == x->rank &&
               (uint64_t)scale->dims[k] == (k == (uint32_t)axis ? g->blocks : (uint64_t)x->dims[k]);
    if (!fits)
        oo__eval_fail(c, "the shape of the scale does not fit the input, axis %lld, block size %lld", (long long)axis,
                      (long long)block);
    return fits;
}

static uint64_t scale_index(const granularity *g, uint64_t i) {
    if (g->kind == PER_TENSOR)
        return 0;
    const uint64_t row = i / g->inner, along = row % g->dim;
    return g->kind == PER_AXIS ? along : (row / g->dim * g->blocks + along / g->block) * g->inner + i % g->inner;
}

/* x / scale of element i, both and the quotient rounded to a floating-point type. */
static double quotient(const oo_array *x, uint64_t i, const oo_array *scale, uint64_t s, oo_elem elem) {
    const double a = oo__array_double(x, i), b = oo__array_double(scale, s);
    return elem == OO_FLOAT ? (double)((float)a / (float)b)
                            : oo__round_to(elem, oo__round_to(elem, a) / oo__round_to(elem, b));
}

/* ---- QuantizeLinear ---- */
static const struct {
    oo_elem elem;
    int32_t low, high;
} RANGES[] = {{OO_UINT8, 0, 255}, {OO_INT8, -128, 127}, {OO_UINT16, 0, 65535}, {OO_INT16, -32768, 32767},
              {OO_UINT4, 0, 15},  {OO_INT4, -8, 7},     {OO_UINT2, 0, 3},      {OO_INT2, -2, 1}};

typedef struct quantization {
    const oo_array *x, *scale, *zero;
    oo_array *out;
    granularity g;
    oo_elem precision;
    double low, high; /* of integers */
} quantization;

/* The nearest integer, half to even, plus the zero point; NaN gives the lowest. */
static void quantize_to_ints(void *state, uint64_t first, uint64_t last) {
    const quantization *const q = state;
    for (uint64_t i = first; i < last; i++) {
        const uint64_t s = scale_index(&q->g, i);
        const double ratio = quotient(q->x, i, q->scale, s, q->precision);
        double y = nearbyint(ratio) + (q->zero ? (double)oo__array_int(q->zero, s) : 0);
        y = y > q->high ? q->high : y >= q->low ? y : q->low;
        oo__array_set_int(q->out, i, (int64_t)y);
    }
}

/* Into an array of doubles, which is cast afterwards. */
static void quantize_to_reals(void *state, uint64_t first, uint64_t last) {
    const quantization *const q = state;
    for (uint64_t i = first; i < last; i++) {
        const uint64_t s = scale_index(&q->g, i);
        const double ratio = quotient(q->x, i, q->scale, s, q->precision);
        ((double *)q->out->data)[i] = ratio + (q->zero ? oo__array_double(q->zero, s) : 0);
    }
}

/* The type of the result: the zero point's, else output_dtype, else uint8. */
static bool quantized_type(const oo__call *c, const oo_array *zero, oo_elem *out) {
    const int64_t asked = oo__int(c, "output_dtype", 0);
    const int64_t elem = zero ? (int64_t)zero->elem : asked ? asked : OO_UINT8;
    bool known = oo__is_floating((oo_elem)(elem < OO_ELEM_COUNT ? elem : 0)) && elem != OO_FLOAT && elem != OO_DOUBLE;
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++)
        known |= (int64_t)RANGES[i].elem == elem;
    *out = (oo_elem)elem;
    if (!known || (zero && asked && asked != elem))
        oo__eval_fail(c, "the zero point is %s, output_dtype %lld",
                      zero ? oo__elem_name((int32_t)zero->elem) : "omitted", (long long)asked);
    return known && !(zero && asked && asked != elem);
}

/* The type in which x is divided: attribute `precision`, else the scale's (unless that is a mere exponent or an integer). */
static bool division_type(const oo__call *c, const oo_array *x, const oo_array *scale, oo_elem *out) {
    const int64_t asked = oo__int(c, "precision", 0);
    if (asked && asked != OO_FLOAT && asked != OO_FLOAT16 && asked != OO_BFLOAT16 && asked != OO_DOUBLE) {
        oo__eval_fail(c, "precision %lld is no floating-point type", (long long)asked);
        return false;
    }
    const oo_elem natural = scale->elem == OO_FLOAT8E8M0 ? x->elem : scale->elem;
    *out = asked ? (oo_elem)asked : oo__is_floating(natural) ? natural : OO_FLOAT;
    return true;
}

static bool are_numbers(const oo__call *c, const oo_array *a, const oo_array *b) {
    const bool ok =
        a->elem != OO_STRING && b->elem != OO_STRING && !oo__is_complex(a->elem) && !oo__is_complex(b->elem);
    if (!ok)
        oo__eval_fail(c, "the inputs are no numbers");
    return ok;
}

oo_status oo__kernel_quantize_linear(oo__call *c) {
    quantization q = {.low = 0};
    oo_elem elem;
    if (!oo__need(c, 0, &q.x) || !oo__need(c, 1, &q.scale) || !oo__want(c, 2, &q.zero) ||
        !are_numbers(c, q.x, q.scale) || !quantized_type(c, q.zero, &elem) ||
        !division_type(c, q.x, q.scale, &q.precision) || !granularity_of(c, q.x, q.scale, q.zero, &q.g))
        return OO_INVALID;
    const bool reals = oo__is_floating(elem);
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++)
        if (RANGES[i].elem == elem) {
            q.low = RANGES[i].low;
            q.high = RANGES[i].high;
        }
    q.out = oo__array_new(reals ? OO_DOUBLE : elem, q.x->rank, q.x->dims);
    if (q.out)
        oo__parallel(q.x->count, 1 << 14, reals ? quantize_to_reals : quantize_to_ints, &q);
    if (!reals || !q.out)
        return oo__set(c, 0, q.out);
    oo_array *const out = oo__array_new(elem, q.x->rank, q.x->dims);
    if (out)
        oo__cast_numbers(out, q.out, (oo__cast_rules){oo__int(c, "saturate", 1) != 0, OO__ROUND_UP});
    oo__array_release(q.out);
    return oo__set(c, 0, out);
}

/* ---- DequantizeLinear ---- */
/* The difference is a float, the product is rounded once to the type of the result. */
static void dequantize(void *state, uint64_t first, uint64_t last) {
    const quantization *const q = state;
    const bool reals = oo__is_floating(q->x->elem);
    for (uint64_t i = first; i < last; i++) {
        const uint64_t s = scale_index(&q->g, i);
        float shifted;
        if (reals)
            shifted = (float)(oo__array_double(q->x, i) - (q->zero ? oo__array_double(q->zero, s) : 0));
        else
            shifted = (float)(oo__array_int(q->x, i) - (q->zero ? oo__array_int(q->zero, s) : 0));
        oo__array_set_double(q->out, i, (double)shifted * oo__array_double(q->scale, s));
    }
}

oo_status oo__kernel_dequantize_linear(oo__call *c) {
    quantization q = {.low = 0};
    if (!oo__need(c, 0, &q.x) || !oo__need(c, 1, &q.scale) || !oo__want(c, 2, &q.zero) ||
        !are_numbers(c, q.x, q.scale) || !granularity_of(c, q.x, q.scale, q.zero, &q.g))
        return OO_INVALID;
    const int64_t asked = oo__int(c, "output_dtype", 0);
    const oo_elem elem = asked > 0 && asked < OO_ELEM_COUNT ? oo__run_elem(c, (oo_elem)asked) : q.scale->elem;
    const bool known = elem == OO_FLOAT || elem == OO_FLOAT16 || elem == OO_BFLOAT16 || elem == OO_DOUBLE;
    if (!known || q.x->elem == OO_INT64 || q.x->elem == OO_UINT64 || (q.zero && q.zero->elem != q.x->elem))
        return oo__eval_fail(c, "%s cannot be dequantized to %s, or the zero point is of another type",
                             oo__elem_name((int32_t)q.x->elem), oo__elem_name((int32_t)elem));
    q.out = oo__array_new(elem, q.x->rank, q.x->dims);
    if (q.out)
        oo__parallel(q.x->count, 1 << 14, dequantize, &q);
    return oo__set(c, 0, q.out);
}

/* ---- DynamicQuantizeLinear: to uint8, with the range of the input and 0 ---- */
oo_status oo__kernel_dynamic_quantize_linear(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    if (x->elem != OO_FLOAT)
        return oo__eval_fail(c, "the input is of type %s and not float", oo__elem_name((int32_t)x->elem));
    const float *const in = x->data;
    float low = 0, high = 0;
    for (uint64_t i = 0; i < x->count; i++) {
        low = in[i] < low ? in[i] : low;
        high = in[i] > high ? in[i] : high;
    }
    const float scale = high == low ? 1 : (high - low) / 255; /* all zeros: any scale is right */
    const float middle = nearbyintf(0 - low / scale);
    const float zero = middle > 0 ? (middle < 255 ? middle : 255) : 0;
    oo_array *const out = oo__array_new(OO_UINT8, x->rank, x->dims);
    for (uint64_t i = 0; out && i < x->count; i++) {
        const float y = nearbyintf(in[i] / scale) + zero;
        ((uint8_t *)out->data)[i] = (uint8_t)(y > 255 ? 255 : y >= 0 ? y : 0);
    }
    const oo_status status = oo__set(c, 0, out);
    if (status != OO_OK)
        return status;
    oo__set(c, 1, oo__array_scalar(OO_FLOAT, &scale));
    return oo__set(c, 2, oo__array_scalar(OO_UINT8, &(uint8_t){(uint8_t)zero}));
}
