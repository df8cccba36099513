/* Reductions over axes, ArgMax and ArgMin. Floating-point types accumulate in double and round once, integers in 64 bits. */
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which axes ---- */
typedef struct plan {
    uint32_t rank, out_rank;
    bool reduced[OO__MAX_RANK];
    int64_t out_dims[OO__MAX_RANK];
    int64_t out_strides[OO__MAX_RANK]; /* per input axis, in output elements; 0 where reduced */
} plan;

/* Axes come as an attribute or, since 13 (ReduceSum) and 18, as input 1; none named means all, or none with noop_with_empty_axes. */
static oo_status read_axes(const oo__call *c, plan *p) {
    oo__list axes;
    if (!oo__list_of(c, 1, "axes", &axes))
        return OO_INVALID;
    const bool all = !axes.count && !oo__int(c, "noop_with_empty_axes", 0);
    for (uint32_t i = 0; i < p->rank; i++)
        p->reduced[i] = all;
    for (uint32_t i = 0; i < axes.count; i++) {
        const int64_t asked = axes.items[i];
        if (!oo__axis(&axes.items[i], p->rank))
            return oo__eval_fail(c, "axis %lld is out of range for %u dimensions", (long long)asked, p->rank);
        p->reduced[axes.items[i]] = true;
    }
    return OO_OK;
}

static void shape_output(const oo_array *in, bool keep, plan *p) {
    uint64_t step = 1; /* unsigned: of an empty array it may be anything */
    for (uint32_t i = p->rank; i-- > 0;) {
        p->out_strides[i] = p->reduced[i] ? 0 : (int64_t)step;
        step *= p->reduced[i] ? 1 : (uint64_t)in->dims[i];
    }
    p->out_rank = 0;
    for (uint32_t i = 0; i < p->rank; i++)
        if (!p->reduced[i] || keep)
            p->out_dims[p->out_rank++] = p->reduced[i] ? 1 : in->dims[i];
}

/* Calls `run` for each run along the last axis: input index, output index, output step. */
typedef void (*runner)(void *state, uint64_t in, uint64_t out, int64_t step, uint64_t count);
static void walk(const oo_array *in, const plan *p, runner run, void *state) {
    if (!in->count)
        return;
    if (!p->rank) {
        run(state, 0, 0, 0, 1);
        return;
    }
    const uint32_t last = p->rank - 1;
    const uint64_t length = (uint64_t)in->dims[last];
    int64_t index[OO__MAX_RANK] = {0};
    uint64_t out = 0;
    for (uint64_t at = 0; at < in->count; at += length) {
        run(state, at, out, p->out_strides[last], length);
        for (uint32_t i = last; i-- > 0;) {
            out += (uint64_t)p->out_strides[i];
            if (++index[i] < in->dims[i])
                break;
            out -= (uint64_t)(p->out_strides[i] * in->dims[i]);
            index[i] = 0;
        }
    }
}

/* ---- what is accumulated ---- */
typedef enum kind { SUM, PROD, MAX, MIN, SUM_ABS, SUM_SQUARE, SUM_EXP } kind;

typedef struct job {
    kind kind;
    const oo_array *in;
    double *of_double;      /* accumulators of floating-point types, or ... */
    int64_t *of_int;        /* ... of integers */
    const double *shift;    /* SUM_EXP: subtracted before exp */
} job;

static double value_at(const oo_array *a, uint64_t i) {
    return a->elem == OO_FLOAT ? (double)((const float *)a->data)[i] : oo__array_double(a, i);
}

static double combined(kind k, double sum, double x, double shift) {
    switch (k) {
    case SUM: return sum + x;
    case PROD: return sum * x;
    case MAX: return isnan(x) || x > sum ? x : sum;
    case MIN: return isnan(x) || x < sum ? x : sum;
    case SUM_ABS: return sum + fabs(x);
    case SUM_SQUARE: return sum + x * x;
    case SUM_EXP: return sum + exp(x - shift);
    }
    return sum;
}

static void run_doubles(void *state, uint64_t in, uint64_t out, int64_t step, uint64_t count) {
    const job *const j = state;
    for (uint64_t i = 0; i < count; i++, out += (uint64_t)step)
        j->of_double[out] = combined(j->kind, j->of_double[out], value_at(j->in, in + i), j->shift ? j->shift[out] : 0);
}

static bool less(oo_elem elem, int64_t a, int64_t b) { return elem == OO_UINT64 ? (uint64_t)a < (uint64_t)b : a < b; }

static void run_ints(void *state, uint64_t in, uint64_t out, int64_t step, uint64_t count) {
    const job *const j = state;
    for (uint64_t i = 0; i < count; i++, out += (uint64_t)step) {
        const int64_t x = oo__array_int(j->in, in + i);
        int64_t *const sum = &j->of_int[out];
        const uint64_t ux = (uint64_t)x, us = (uint64_t)*sum;
        switch (j->kind) {
        case SUM: *sum = (int64_t)(us + ux); break;
        case PROD: *sum = (int64_t)(us * ux); break;
        case MAX: *sum = less(j->in->elem, *sum, x) ? x : *sum; break;
        case MIN: *sum = less(j->in->elem, x, *sum) ? x : *sum; break;
        case SUM_ABS: *sum = (int64_t)(us + (x < 0 ? 0 - ux : ux)); break;
        default: *sum = (int64_t)(us + ux * ux); break;
        }
    }
}

static bool is_floating(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}

static double start_double(kind k) { return k == PROD ? 1 : k == MAX ? -(double)INFINITY : k == MIN ? (double)INFINITY : 0; }

/* The least and the greatest number of an integer type: what the maximum and the minimum of nothing are. */
static int64_t start_int(kind k, oo_elem elem) {
    if (k != MAX && k != MIN)
        return k == PROD;
    const uint32_t bits = elem == OO_BOOL ? 1 : oo__elem_bits((int32_t)elem);
    const bool is_signed = elem == OO_INT8 || elem == OO_INT16 || elem == OO_INT32 || elem == OO_INT64;
    if (is_signed)
        return k == MAX ? (int64_t)(UINT64_MAX << (bits - 1)) : (int64_t)~(UINT64_MAX << (bits - 1));
    return k == MAX ? 0 : (int64_t)(UINT64_MAX >> (64 - bits));
}

/* ---- running ---- */
/* New memory: one accumulator for each output element. */
static double *accumulate(const oo_array *in, const plan *p, kind k, uint64_t outputs, const double *shift) {
    double *const sums = oo__malloc(outputs * sizeof *sums);
    for (uint64_t i = 0; i < outputs; i++)
        sums[i] = start_double(k);
    job j = {.kind = k, .in = in, .of_double = sums, .shift = shift};
    walk(in, p, run_doubles, &j);
    return sums;
}

typedef enum finish { AS_IS, DIVIDE, ROOT, LOGARITHM, LOG_SUM_EXP } finish;

static void finish_doubles(oo_array *out, double *sums, finish f, uint64_t per_output, const double *shift) {
    for (uint64_t i = 0; i < out->count; i++) {
        double x = sums[i];
        switch (f) {
        case AS_IS: break;
        case DIVIDE: x /= (double)per_output; break;
        case ROOT: x = sqrt(x); break;
        case LOGARITHM: x = log(x); break;
        case LOG_SUM_EXP: x = log(x) + shift[i]; break;
        }
        oo__array_set_double(out, i, x);
    }
}

static void reduce_doubles(oo_array *out, const oo_array *in, const plan *p, kind k, finish f) {
    double *shift = NULL;
    if (k == SUM_EXP) {
        shift = accumulate(in, p, MAX, out->count, NULL);
        for (uint64_t i = 0; i < out->count; i++)
            shift[i] = isfinite(shift[i]) ? shift[i] : 0;
    }
    double *const sums = accumulate(in, p, k, out->count, shift);
    finish_doubles(out, sums, f, out->count ? in->count / out->count : 0, shift);
    free(sums);
    free(shift);
}

static int64_t finished_int(oo_elem elem, int64_t sum, finish f, uint64_t per_output) {
    const bool is_unsigned = elem == OO_UINT64;
    const double x = is_unsigned ? (double)(uint64_t)sum : (double)sum;
    switch (f) {
    case DIVIDE:
        if (!per_output)
            return 0;
        return is_unsigned ? (int64_t)((uint64_t)sum / per_output) : sum / (int64_t)per_output;
    case ROOT: return oo__truncate(sqrt(x));
    case LOGARITHM: return oo__truncate(log(x));
    default: return sum;
    }
}

static void reduce_ints(oo_array *out, const oo_array *in, const plan *p, kind k, finish f) {
    int64_t *const sums = oo__malloc(out->count * sizeof *sums);
    for (uint64_t i = 0; i < out->count; i++)
        sums[i] = start_int(k, in->elem);
    job j = {.kind = k, .in = in, .of_int = sums};
    walk(in, p, run_ints, &j);
    for (uint64_t i = 0; i < out->count; i++)
        oo__array_set_int(out, i, finished_int(in->elem, sums[i], f, out->count ? in->count / out->count : 0));
    free(sums);
}

static oo_status reduce(oo__call *c, kind k, finish f) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    if (!oo__is_number(in))
        return oo__eval_fail(c, "the input is no tensor of numbers");
    plan p = {.rank = in->rank};
    OO_TRY(read_axes(c, &p));
    shape_output(in, oo__int(c, "keepdims", 1) != 0, &p);
    oo_array *const out = oo__array_new(in->elem, p.out_rank, p.out_dims);
    if (out && (is_floating(in->elem) || k == SUM_EXP))
        reduce_doubles(out, in, &p, k, f);
    else if (out)
        reduce_ints(out, in, &p, k, f);
    return oo__set(c, 0, out);
}

oo_status oo__kernel_reduce_sum(oo__call *c) { return reduce(c, SUM, AS_IS); }
oo_status oo__kernel_reduce_mean(oo__call *c) { return reduce(c, SUM, DIVIDE); }
oo_status oo__kernel_reduce_max(oo__call *c) { return reduce(c, MAX, AS_IS); }
oo_status oo__kernel_reduce_min(oo__call *c) { return reduce(c, MIN, AS_IS); }
oo_status oo__kernel_reduce_prod(oo__call *c) { return reduce(c, PROD, AS_IS); }
oo_status oo__kernel_reduce_l1(oo__call *c) { return reduce(c, SUM_ABS, AS_IS); }
oo_status oo__kernel_reduce_l2(oo__call *c) { return reduce(c, SUM_SQUARE, ROOT); }
oo_status oo__kernel_reduce_sum_square(oo__call *c) { return reduce(c, SUM_SQUARE, AS_IS); }
oo_status oo__kernel_reduce_log_sum(oo__call *c) { return reduce(c, SUM, LOGARITHM); }
oo_status oo__kernel_reduce_log_sum_exp(oo__call *c) { return reduce(c, SUM_EXP, LOG_SUM_EXP); }

/* ---- ArgMax, ArgMin ---- */
typedef struct best {
    const oo_array *in;
    bool least, last; /* smallest wanted; the last of equals wanted */
    uint64_t inner;   /* elements behind the axis */
    uint64_t extent;
} best;

static bool beats(const best *b, uint64_t i, uint64_t j) {
    if (is_floating(b->in->elem)) {
        const double x = oo__array_double(b->in, i), y = oo__array_double(b->in, j);
        return isnan(y) ? false : isnan(x) || (b->least ? x < y : x > y) || (b->last && x == y);
    }
    const int64_t x = oo__array_int(b->in, i), y = oo__array_int(b->in, j);
    return (b->least ? less(b->in->elem, x, y) : less(b->in->elem, y, x)) || (b->last && x == y);
}

static uint64_t winner_at(const best *b, uint64_t base) {
    uint64_t winner = 0;
    for (uint64_t i = 1; i < b->extent; i++)
        if (beats(b, base + i * b->inner, base + winner * b->inner))
            winner = i;
    return winner;
}

static oo_status arg(oo__call *c, bool least) {
    const oo_array *in;
    int64_t axis = oo__int(c, "axis", 0);
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    if (!oo__is_number(in) || !oo__axis(&axis, in->rank ? in->rank : 1))
        return oo__eval_fail(c, "the input is no tensor of numbers, or the axis is out of range");
    plan p = {.rank = in->rank};
    if (in->rank)
        p.reduced[axis] = true;
    shape_output(in, oo__int(c, "keepdims", 1) != 0, &p);
    const best b = {.in = in, .least = least, .last = oo__int(c, "select_last_index", 0) != 0,
                    .inner = oo__product(in->dims, in->rank ? (uint32_t)axis + 1 : 0, in->rank), .extent = in->rank ? (uint64_t)in->dims[axis] : 1};
    oo_array *const out = oo__array_new(OO_INT64, p.out_rank, p.out_dims);
    if (out && out->count && !b.extent) {
        oo__array_release(out);
        return oo__eval_fail(c, "the axis is empty");
    }
    for (uint64_t o = 0; out && o < out->count; o++)
        ((int64_t *)out->data)[o] = (int64_t)winner_at(&b, o / b.inner * b.inner * b.extent + o % b.inner);
    return oo__set(c, 0, out);
}

oo_status oo__kernel_arg_max(oo__call *c) { return arg(c, false); }
oo_status oo__kernel_arg_min(oo__call *c) { return arg(c, true); }
