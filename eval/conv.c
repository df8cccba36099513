/* Conv, ConvInteger, QLinearConv and CausalConvWithState. */
#include "eval/convolution.h"
#include "eval/kernels.h"
#include "eval/quantized.h"
#include "eval/real.h"

#include <math.h>
#include <string.h>

/* NULL, or one number for each output channel. */
static oo_status check_bias(const oo__call *c, const oo_array *bias, int64_t outputs) {
    if (bias && bias->count != (uint64_t)outputs)
        return oo__eval_fail(c, "the bias has %llu elements for %lld channels", (unsigned long long)bias->count, (long long)outputs);
    return OO_OK;
}

oo_status oo__kernel_conv(oo__call *c) {
    oo__convolution v;
    OO_TRY(oo__need_real(c, 0, "X"));
    OO_TRY(oo__need_real(c, 1, "W"));
    const oo_array *const x = oo__in(c, 0), *const w = oo__in(c, 1), *const bias = oo__in(c, 2);
    OO_TRY(oo__need_like(c, 1, x));
    OO_TRY(oo__need_like(c, 2, x));
    OO_TRY(oo__convolution_read(c, &v, x, w));
    OO_TRY(check_bias(c, bias, v.outputs));
    const oo_elem work = oo__work_elem(x->elem);
    oo_array *const wx = oo__as_real(x, work), *const ww = oo__as_real(w, work), *const wb = oo__as_real(bias, work);
    oo_array *const y = wx && ww ? oo__convolve(&v, wx, ww, wb) : NULL;
    oo__array_release(wx);
    oo__array_release(ww);
    oo__array_release(wb);
    return oo__set(c, 0, oo__as_elem(y, x->elem));
}

/* ---- quantized: sums of products of centered bytes, which are exact ---- */
static oo_status convolve_bytes(const oo__call *c, oo_array **out, const oo_array *x, const oo_array *x_zero, const oo_array *w,
                                const oo_array *w_zero, const oo_array *bias) {
    oo__convolution v;
    if (!oo__is_int8(x) || !oo__is_int8(w))
        return oo__eval_fail(c, "the input or the weights are missing or neither int8 nor uint8");
    OO_TRY(oo__convolution_read(c, &v, x, w));
    OO_TRY(check_bias(c, bias, v.outputs));
    const oo_elem work = bias ? OO_DOUBLE : oo__exact_products(w->dims[1] * v.window.taps);
    oo_array *const wx = oo__centered(x, x_zero, work, 1), *const ww = oo__centered(w, w_zero, work, 0);
    oo_array *const wb = oo__as_real(bias, work);
    *out = wx && ww ? oo__convolve(&v, wx, ww, wb) : NULL;
    oo__array_release(wx);
    oo__array_release(ww);
    oo__array_release(wb);
    return *out ? OO_OK : oo__eval_fail(c, "a zero point does not fit, or the result is larger than the limit for one tensor");
}

oo_status oo__kernel_conv_integer(oo__call *c) {
    oo_array *sums = NULL;
    OO_TRY(convolve_bytes(c, &sums, oo__in(c, 0), oo__in(c, 2), oo__in(c, 1), oo__in(c, 3), NULL));
    return oo__set(c, 0, oo__wrapped_int32(sums));
}

oo_status oo__kernel_qlinear_conv(oo__call *c) {
    oo_array *sums = NULL;
    if (!oo__is_int8(oo__in(c, 7)))
        return oo__eval_fail(c, "the zero point of the result is missing or neither int8 nor uint8");
    OO_TRY(convolve_bytes(c, &sums, oo__in(c, 0), oo__in(c, 2), oo__in(c, 3), oo__in(c, 5), oo__in(c, 8)));
    const oo__requantize r = {.scales = {oo__in(c, 1), oo__in(c, 4), oo__in(c, 6)}, .zero = oo__in(c, 7), .axes = {1, 1, 1}};
    return oo__requantized(c, sums, &r);
}

/* ---- CausalConvWithState: each channel by itself, the past before the input ---- */
typedef struct causal {
    const oo_array *x, *w, *bias, *past; /* bias and past may be NULL */
    oo_array *y, *state;
    uint64_t channels, length, taps;
    oo_elem elem;
    bool silu;
} causal;

/* Element `at` of the past followed by the input; the past has taps - 1 elements. */
static double seen(const causal *j, uint64_t plane, uint64_t at) {
    const uint64_t before = j->taps - 1;
    if (at >= before)
        return oo__real(j->x, plane * j->length + at - before);
    return j->past ? oo__real(j->past, plane * before + at) : 0;
}

static void run_causal(void *state, uint64_t first, uint64_t last) {
    const causal *const j = state;
    for (uint64_t plane = first; plane < last; plane++) {
        const uint64_t channel = plane % j->channels;
        for (uint64_t t = 0; t < j->length; t++) {
            double sum = j->bias ? oo__real(j->bias, channel) : 0;
            for (uint64_t k = 0; k < j->taps; k++)
                sum += oo__real(j->w, channel * j->taps + k) * seen(j, plane, t + k);
            if (j->silu) {
                sum = oo__round_to(j->elem, sum);
                sum /= 1 + exp(-sum);
            }
            oo__real_set(j->y, plane * j->length + t, sum);
        }
        for (uint64_t k = 0; k + 1 < j->taps; k++)
            oo__real_set(j->state, plane * (j->taps - 1) + k, seen(j, plane, j->length + k));
    }
}

static oo_status check_causal(const oo__call *c, const oo_array *x, const oo_array *w, const oo_array *past) {
    if (x->rank != 3 || w->rank != 3 || w->dims[0] != x->dims[1] || w->dims[1] != 1 || w->dims[2] < 1)
        return oo__eval_fail(c, "the input and the weights are not [N, C, L] and [C, 1, k]");
    const int64_t state[] = {x->dims[0], x->dims[1], w->dims[2] - 1};
    if (past && !oo__has_dims(past, 3, state))
        return oo__eval_fail(c, "past_state is not [%lld, %lld, %lld]", (long long)state[0], (long long)state[1], (long long)state[2]);
    for (uint32_t i = 1; i < 4; i++)
        OO_TRY(oo__need_like(c, i, x));
    return check_bias(c, oo__in(c, 2), x->dims[1]);
}

oo_status oo__kernel_causal_conv_with_state(oo__call *c) {
    OO_TRY(oo__need_real(c, 0, "input"));
    OO_TRY(oo__need_real(c, 1, "weight"));
    const oo_array *const x = oo__in(c, 0), *const w = oo__in(c, 1), *const bias = oo__in(c, 2), *const past = oo__in(c, 3);
    OO_TRY(check_causal(c, x, w, past));
    const char *const activation = oo__string(c, "activation", "none");
    const bool silu = strcmp(activation, "silu") == 0 || strcmp(activation, "swish") == 0;
    if (!silu && strcmp(activation, "none") != 0)
        return oo__eval_fail(c, "activation is \"%s\"", activation);
    const oo_elem work = oo__work_elem(x->elem);
    oo_array *const wx = oo__as_real(x, work), *const ww = oo__as_real(w, work), *const wb = oo__as_real(bias, work),
                    *const wp = oo__as_real(past, work);
    causal j = {wx, ww, wb, wp, NULL, NULL, (uint64_t)x->dims[1], (uint64_t)x->dims[2], (uint64_t)w->dims[2], x->elem, silu};
    j.y = oo__array_new(work, 3, x->dims);
    j.state = oo__array_new(work, 3, (const int64_t[]){x->dims[0], x->dims[1], w->dims[2] - 1});
    const bool ok = wx && ww && j.y && j.state;
    if (ok)
        oo__parallel((uint64_t)(x->dims[0] * x->dims[1]), (1 << 15) / (j.length * j.taps + 1) + 1, run_causal, &j);
    oo__array_release(wx);
    oo__array_release(ww);
    oo__array_release(wb);
    oo__array_release(wp);
    if (!ok) {
        oo__array_release(j.y);
        oo__array_release(j.state);
        return oo__eval_fail(c, "the result is larger than the limit for one tensor");
    }
    const oo_status first = oo__set(c, 0, oo__as_elem(j.y, x->elem)), second = oo__set(c, 1, oo__as_elem(j.state, x->elem));
    return first != OO_OK ? first : second;
}
