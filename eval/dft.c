/* DFT and STFT. The last dimension holds real and imaginary parts. */
#include "eval/fourier.h"
#include "eval/kernels.h"
#include "eval/pieces.h"
#include "eval/real.h"

#include <stdlib.h>
#include <string.h>

static bool is_half(const oo__call *c) { return oo__int(c, "onesided", 0) != 0; }

/* Buffers of one thread. */
typedef struct buffers {
    oo__complex *x, *scratch;
} buffers;

static buffers new_buffers(uint64_t n, const oo__fourier *plan) {
    return (buffers){oo__malloc(n * sizeof(oo__complex)), oo__malloc(oo__fourier_scratch(plan) * sizeof(oo__complex))};
}

static void free_buffers(buffers b) {
    free(b.x);
    free(b.scratch);
}

/* Element i of a row of `parts` numbers each. */
static oo__complex number_at(const oo_array *a, uint64_t i, uint64_t parts) {
    return (oo__complex){oo__array_double(a, i * parts), parts == 2 ? oo__array_double(a, i * parts + 1) : 0};
}

static void put_number(oo_array *a, uint64_t i, uint64_t parts, oo__complex x) {
    oo__array_set_double(a, i * parts, x.re);
    if (parts == 2)
        oo__array_set_double(a, i * parts + 1, x.im);
}

static oo_status check_length(const oo__call *c, int64_t n) {
    if (n < 1)
        return oo__eval_fail(c, "a transform of %lld numbers", (long long)n);
    return n <= OO__LONGEST_TRANSFORM ? OO_OK
                                      : oo__eval_unsupported(c, "a transform of %lld numbers; the evaluator takes %d",
                                                             (long long)n, OO__LONGEST_TRANSFORM);
}

/* ---- DFT ---- */
typedef struct dft {
    const oo_array *in;
    oo_array *out;
    oo__fourier *plan;
    uint64_t n;                   /* length of the transform */
    uint64_t have, give;          /* numbers along the axis of in and out */
    uint64_t in_parts, out_parts; /* 1 real, 2 complex */
    uint64_t inner;               /* numbers behind the axis */
    bool mirrored;                /* the input is half of a spectrum whose other half is its conjugate */
} dft;

static void load_line(const dft *d, oo__complex *x, uint64_t outer, uint64_t inner) {
    const uint64_t useful = d->mirrored ? d->n / 2 + 1 : d->n, count = d->have < useful ? d->have : useful;
    memset(x, 0, d->n * sizeof *x);
    for (uint64_t k = 0; k < count; k++)
        x[k] = number_at(d->in, (outer * d->have + k) * d->inner + inner, d->in_parts);
    for (uint64_t k = 1; d->mirrored && k < count && k < d->n - k; k++)
        x[d->n - k] = (oo__complex){x[k].re, -x[k].im};
}

static void run_lines(void *state, uint64_t first, uint64_t last) {
    const dft *const d = state;
    const buffers b = new_buffers(d->n, d->plan);
    for (uint64_t line = first; line < last; line++) {
        const uint64_t outer = line / d->inner, inner = line % d->inner;
        load_line(d, b.x, outer, inner);
        oo__fourier_run(d->plan, b.x, b.scratch);
        for (uint64_t k = 0; k < d->give; k++)
            put_number(d->out, (outer * d->give + k) * d->inner + inner, d->out_parts, b.x[k]);
    }
    free_buffers(b);
}

/* The axis: attribute before version 20 (default 1), input since (default -2). Never the last dimension. */
static oo_status read_axis(const oo__call *c, const oo_array *in, int64_t *axis) {
    *axis = oo__int(c, "axis", 1);
    if (c->schema->since >= 20 && !oo__integer_of(c, 2, -2, axis))
        return OO_INVALID;
    const int64_t asked = *axis;
    if (in->rank >= 2 && oo__axis(axis, in->rank) && *axis != (int64_t)in->rank - 1)
        return OO_OK;
    return oo__eval_fail(c, "axis %lld is no signal axis of %u dimensions", (long long)asked, in->rank);
}

static oo_status read_dft(const oo__call *c, dft *d, int64_t *dims) {
    int64_t axis, n;
    if (!oo__need(c, 0, &d->in))
        return OO_INVALID;
    const oo_array *const in = d->in;
    if (!oo__is_real(in->elem) || !in->rank || in->dims[in->rank - 1] < 1 || in->dims[in->rank - 1] > 2)
        return oo__eval_fail(c, "the input's last dimension does not hold 1 or 2 real numbers");
    OO_TRY(read_axis(c, in, &axis));
    const bool inverse = oo__int(c, "inverse", 0) != 0, half = is_half(c);
    d->in_parts = (uint64_t)in->dims[in->rank - 1];
    d->mirrored = half && inverse;
    d->out_parts = d->mirrored ? 1 : 2;
    if (half && d->in_parts != (inverse ? 2 : 1))
        return oo__eval_fail(c, inverse ? "a one-sided inverse transform needs a complex input"
                                        : "a one-sided transform needs a real input");
    d->have = (uint64_t)in->dims[axis];
    const int64_t whole = in->dims[axis] ? oo__times(2, in->dims[axis] - 1) : 0;
    if (!oo__integer_of(c, 1, d->mirrored ? whole : in->dims[axis], &n))
        return OO_INVALID;
    OO_TRY(check_length(c, n));
    d->n = (uint64_t)n;
    d->give = half && !inverse ? d->n / 2 + 1 : d->n;
    d->inner = oo__product(in->dims, (uint32_t)axis + 1, in->rank - 1);
    memcpy(dims, in->dims, in->rank * sizeof *dims);
    dims[axis] = (int64_t)d->give;
    dims[in->rank - 1] = (int64_t)d->out_parts;
    return OO_OK;
}

oo_status oo__kernel_dft(oo__call *c) {
    dft d = {0};
    int64_t dims[OO__MAX_RANK];
    OO_TRY(read_dft(c, &d, dims));
    d.out = oo__array_new(d.in->elem, d.in->rank, dims);
    if (d.out && d.out->count) {
        d.plan = oo__fourier_new(d.n, oo__int(c, "inverse", 0) != 0);
        oo__parallel(d.out->count / (d.give * d.out_parts), 1 + (1 << 12) / d.n, run_lines, &d);
        oo__fourier_free(d.plan);
    }
    return oo__set(c, 0, d.out);
}

/* ---- STFT ---- */
typedef struct stft {
    const oo_array *signal, *window; /* [batch, length, parts]; [n] or NULL */
    oo_array *out;                   /* [batch, frames, bins, 2] */
    oo__fourier *plan;
    uint64_t n, step, length, frames, bins, parts;
} stft;

static void run_frames(void *state, uint64_t first, uint64_t last) {
    const stft *const s = state;
    const buffers b = new_buffers(s->n, s->plan);
    for (uint64_t f = first; f < last; f++) {
        const uint64_t start = f / s->frames * s->length + f % s->frames * s->step;
        for (uint64_t k = 0; k < s->n; k++) {
            const oo__complex x = number_at(s->signal, start + k, s->parts);
            const double w = s->window ? oo__array_double(s->window, k) : 1;
            b.x[k] = (oo__complex){x.re * w, x.im * w};
        }
        oo__fourier_run(s->plan, b.x, b.scratch);
        for (uint64_t k = 0; k < s->bins; k++)
            put_number(s->out, f * s->bins + k, 2, b.x[k]);
    }
    free_buffers(b);
}

static oo_status read_stft(const oo__call *c, stft *s) {
    int64_t step, n;
    if (!oo__need(c, 0, &s->signal) || !oo__want(c, 2, &s->window) || !oo__integer_of(c, 1, 0, &step))
        return OO_INVALID;
    const oo_array *const signal = s->signal;
    if (!oo__is_real(signal->elem) || signal->rank != 3 || signal->dims[2] < 1 || signal->dims[2] > 2)
        return oo__eval_fail(c, "the signal does not have shape [batch, length, 1 or 2]");
    if (s->window && (!oo__is_real(s->window->elem) || s->window->rank != 1))
        return oo__eval_fail(c, "the window is no vector of real numbers");
    if (!oo__integer_of(c, 3, s->window ? s->window->dims[0] : signal->dims[1], &n))
        return OO_INVALID;
    if (s->window && n != s->window->dims[0])
        return oo__eval_fail(c, "the window has %lld numbers for frames of %lld", (long long)s->window->dims[0],
                             (long long)n);
    if (step < 1 || n > signal->dims[1])
        return oo__eval_fail(c, "frames of %lld every %lld do not fit a signal of %lld", (long long)n, (long long)step,
                             (long long)signal->dims[1]);
    OO_TRY(check_length(c, n));
    if (is_half(c) && signal->dims[2] == 2)
        return oo__eval_fail(c, "a one-sided transform needs a real signal");
    s->n = (uint64_t)n;
    s->step = (uint64_t)step;
    s->length = (uint64_t)signal->dims[1];
    s->parts = (uint64_t)signal->dims[2];
    s->frames = (s->length - s->n) / s->step + 1;
    s->bins = is_half(c) ? s->n / 2 + 1 : s->n;
    return OO_OK;
}

oo_status oo__kernel_stft(oo__call *c) {
    stft s = {0};
    OO_TRY(read_stft(c, &s));
    const int64_t dims[] = {s.signal->dims[0], (int64_t)s.frames, (int64_t)s.bins, 2};
    s.out = oo__array_new(s.signal->elem, 4, dims);
    if (s.out && s.out->count) {
        s.plan = oo__fourier_new(s.n, false);
        oo__parallel((uint64_t)dims[0] * s.frames, 1 + (1 << 12) / s.n, run_frames, &s);
        oo__fourier_free(s.plan);
    }
    return oo__set(c, 0, s.out);
}
