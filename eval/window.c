#include "eval/window.h"

#include <string.h>

/* No size above this is taken, so that sums and products of two stay within 64 bits. */
#define LARGEST (INT64_C(1) << 31)
#define LARGEST_INPUT (INT64_C(1) << 40)
/* Kernels larger than that are mistakes. */
#define MOST_TAPS (INT64_C(1) << 28)

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && a < 0); }
static int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/* An INTS attribute of `count` numbers in [least, LARGEST), or `absent` for each. */
static oo_status read_ints(const oo__call *c, int64_t *out, const char *name, uint32_t count, int64_t least, int64_t absent) {
    uint32_t n;
    const int64_t *const ints = oo__ints(c, name, &n);
    if (ints && n != count)
        return oo__eval_fail(c, "%s has %u numbers where %u are wanted", name, n, count);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = ints ? ints[i] : absent;
        if (out[i] < least || out[i] >= LARGEST)
            return oo__eval_fail(c, "%s has the number %lld", name, (long long)out[i]);
    }
    return OO_OK;
}

oo_status oo__window_read(const oo__call *c, oo__window *w, uint32_t rank, const int64_t *in, const int64_t *kernel) {
    uint32_t n;
    int64_t pads[2 * OO__MAX_RANK];
    w->rank = rank;
    if (rank == 0 || rank > OO__MAX_RANK)
        return oo__eval_fail(c, "the input has no spatial dimensions, or too many");
    if (!kernel && !oo__ints(c, "kernel_shape", &n))
        return oo__eval_fail(c, "kernel_shape is missing");
    OO_TRY(read_ints(c, w->kernel, "kernel_shape", rank, kernel ? 0 : 1, 0));
    OO_TRY(read_ints(c, w->stride, "strides", rank, 1, 1));
    OO_TRY(read_ints(c, w->dilation, "dilations", rank, 1, 1));
    OO_TRY(read_ints(c, pads, "pads", 2 * rank, -LARGEST, 0));
    const bool given = oo__ints(c, "kernel_shape", &n) != NULL;
    for (uint32_t i = 0; i < rank; i++) {
        if (kernel && given && w->kernel[i] != kernel[i])
            return oo__eval_fail(c, "kernel_shape and the weights disagree: %lld and %lld", (long long)w->kernel[i], (long long)kernel[i]);
        if (kernel)
            w->kernel[i] = kernel[i];
        w->in[i] = in[i];
        w->head[i] = pads[i];
        w->tail[i] = pads[rank + i];
        if (w->kernel[i] < 1 || w->kernel[i] >= LARGEST || in[i] > LARGEST_INPUT)
            return oo__eval_fail(c, "a kernel of size %lld over an input of size %lld", (long long)w->kernel[i], (long long)in[i]);
    }
    return OO_OK;
}

/* SAME: as many outputs as input / stride rounded up; the padding that takes is split, the odd one at the end or the start. */
static void pad_same(oo__window *w, uint32_t i, int64_t extent, bool upper) {
    w->out[i] = ceil_div(w->in[i], w->stride[i]);
    const int64_t need = (w->out[i] - 1) * w->stride[i] + extent - w->in[i], total = need > 0 ? need : 0;
    w->head[i] = upper ? total / 2 : total - total / 2;
    w->tail[i] = total - w->head[i];
}

oo_status oo__window_close(const oo__call *c, oo__window *w, bool ceil) {
    const char *const mode = oo__string(c, "auto_pad", "NOTSET");
    const bool upper = strcmp(mode, "SAME_UPPER") == 0, same = upper || strcmp(mode, "SAME_LOWER") == 0, valid = strcmp(mode, "VALID") == 0;
    if (!same && !valid && *mode && strcmp(mode, "NOTSET") != 0)
        return oo__eval_fail(c, "auto_pad is \"%s\"", mode);
    for (uint32_t i = 0; i < w->rank; i++) {
        const int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
        if (same) {
            pad_same(w, i, extent, upper);
            continue;
        }
        if (valid)
            w->head[i] = w->tail[i] = 0;
        const int64_t room = w->in[i] + w->head[i] + w->tail[i] - extent;
        w->out[i] = (ceil && !valid ? ceil_div(room, w->stride[i]) : floor_div(room, w->stride[i])) + 1;
        if (ceil && !valid && (w->out[i] - 1) * w->stride[i] >= w->in[i] + w->head[i])
            w->out[i]--;
        if (w->out[i] < 0 || (w->out[i] == 0 && w->in[i] > 0))
            return oo__eval_fail(c, "a window of %lld does not fit an input of %lld with its padding", (long long)extent,
                                 (long long)w->in[i]);
    }
    return oo__window_sizes(c, w);
}

static bool product(int64_t *out, uint32_t rank, const int64_t *dims, int64_t most) {
    *out = 1;
    for (uint32_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(*out, dims[i], out) || *out > most)
            return false;
    return true;
}

oo_status oo__window_sizes(const oo__call *c, oo__window *w) {
    if (!product(&w->in_size, w->rank, w->in, INT64_MAX) || !product(&w->out_size, w->rank, w->out, LARGEST_INPUT) ||
        !product(&w->taps, w->rank, w->kernel, MOST_TAPS))
        return oo__eval_unsupported(c, "the kernel or the result is too large");
    return OO_OK;
}

bool oo__window_inside(const oo__window *w) {
    for (uint32_t i = 0; i < w->rank; i++)
        if (w->head[i] > 0 || (w->out[i] - 1) * w->stride[i] - w->head[i] + (w->kernel[i] - 1) * w->dilation[i] >= w->in[i])
            return false;
    return true;
}

/* The outputs whose input position through one kernel position is no padding: a box. */
typedef struct box {
    int64_t low[OO__MAX_RANK], high[OO__MAX_RANK]; /* [low, high) */
    int64_t shift[OO__MAX_RANK];                   /* input position of output 0 */
} box;

static bool box_of(box *b, const oo__window *w, int64_t tap) {
    for (uint32_t i = w->rank; i-- > 0;) {
        const int64_t k = tap % w->kernel[i];
        tap /= w->kernel[i];
        b->shift[i] = k * w->dilation[i] - w->head[i];
        const int64_t low = ceil_div(-b->shift[i], w->stride[i]), high = ceil_div(w->in[i] - b->shift[i], w->stride[i]);
        b->low[i] = low > 0 ? low : 0;
        b->high[i] = high < w->out[i] ? high : w->out[i];
        if (b->low[i] >= b->high[i])
            return false;
    }
    return true;
}

void oo__window_tap(const oo__window *w, int64_t tap, int64_t first, int64_t last, oo__window_run run, void *state) {
    box b;
    if (!w->rank || first >= last || !box_of(&b, w, tap))
        return;
    /* Rows before and behind the range need not be looked at. */
    const int64_t slice = w->out_size / w->out[0];
    if (b.low[0] < first / slice)
        b.low[0] = first / slice;
    if (b.high[0] > (last - 1) / slice + 1)
        b.high[0] = (last - 1) / slice + 1;
    if (b.low[0] >= b.high[0])
        return;
    const uint32_t inner = w->rank - 1;
    int64_t index[OO__MAX_RANK];
    memcpy(index, b.low, w->rank * sizeof *index);
    for (;;) {
        int64_t out = 0, in = 0;
        for (uint32_t i = 0; i <= inner; i++) {
            out = out * w->out[i] + (i < inner ? index[i] : b.low[i]);
            in = in * w->in[i] + (i < inner ? index[i] : b.low[i]) * w->stride[i] + b.shift[i];
        }
        const int64_t from = out < first ? first : out, end = out + b.high[inner] - b.low[inner], to = end < last ? end : last;
        if (from < to)
            run(state, tap, from, in + (from - out) * w->stride[inner], to - from);
        uint32_t i = inner;
        while (i > 0 && ++index[i - 1] >= b.high[i - 1]) {
            index[i - 1] = b.low[i - 1];
            i--;
        }
        if (i == 0)
            return;
    }
}
