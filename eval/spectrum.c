/* Window functions and the weights that turn a spectrum into mel bands. */
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <math.h>
#include <string.h>

/* The wanted element type; a type of numbers that the schema allows. */
static oo_status read_type(const oo__call *c, oo_elem *out) {
    const int64_t elem = oo__int(c, "output_datatype", OO_FLOAT);
    if (elem <= OO_UNDEFINED || elem > OO_BFLOAT16 || elem == OO_STRING || elem == OO_BOOL ||
        oo__is_complex((oo_elem)elem))
        return oo__eval_fail(c, "output_datatype %lld is no type of numbers", (long long)elem);
    *out = (oo_elem)elem;
    return OO_OK;
}

/* a - b cos(x) + d cos(2 x), where x goes once around. */
static oo_status set_window(oo__call *c, double a, double b, double d) {
    int64_t size;
    oo_elem elem = OO_FLOAT;
    if (!oo__integer_of(c, 0, -1, &size))
        return OO_INVALID;
    if (size < 0)
        return oo__eval_fail(c, "the size is missing or negative");
    OO_TRY(read_type(c, &elem));
    oo_array *const out = oo__array_new(elem, 1, &size);
    const double around = (double)(oo__int(c, "periodic", 1) ? size : size - 1);
    for (uint64_t i = 0; out && i < out->count; i++) {
        const double x = 6.28318530717958647692 * (double)i / around;
        oo__array_set_double(out, i, a - b * cos(x) + d * cos(2 * x));
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_hann_window(oo__call *c) { return set_window(c, 0.5, 0.5, 0); }
oo_status oo__kernel_hamming_window(oo__call *c) { return set_window(c, 25.0 / 46, 21.0 / 46, 0); }
oo_status oo__kernel_blackman_window(oo__call *c) { return set_window(c, 0.42, 0.5, 0.08); }

/* ---- MelWeightMatrix ---- */
typedef struct bands {
    int64_t count, length, rate; /* bands, length of the transform, samples a second */
    int64_t bins;                /* rows */
    double low, step;            /* in mel: lower edge, distance of two bands */
} bands;

static double mel_of(double hertz) { return 2595 * log10(1 + hertz / 700); }

/* The bin in which edge i of the bands lies, -1 when it is outside of the spectrum. */
static int64_t edge(const bands *b, int64_t i) {
    const double hertz = 700 * (pow(10, (b->low + (double)i * b->step) / 2595) - 1);
    const double bin = floor((double)(b->length + 1) * hertz / (double)b->rate);
    return bin >= 0 && bin < (double)b->bins ? (int64_t)bin : -1;
}

/* Column i rises from edge i to edge i + 1 and falls to edge i + 2. */
static void put_band(oo_array *out, int64_t count, int64_t i, int64_t left, int64_t center, int64_t right) {
    for (int64_t k = left; k <= center; k++)
        oo__array_set_double(out, (uint64_t)(k * count + i),
                             center == left ? 1 : (double)(k - left) / (double)(center - left));
    for (int64_t k = center; k < right; k++)
        oo__array_set_double(out, (uint64_t)(k * count + i), (double)(right - k) / (double)(right - center));
}

oo_status oo__kernel_mel_weight_matrix(oo__call *c) {
    const oo_array *low, *high;
    oo_elem elem = OO_FLOAT;
    bands b;
    if (!oo__integer_of(c, 0, 0, &b.count) || !oo__integer_of(c, 1, 0, &b.length) ||
        !oo__integer_of(c, 2, 0, &b.rate) || !oo__need(c, 3, &low) || !oo__need(c, 4, &high))
        return OO_INVALID;
    OO_TRY(read_type(c, &elem));
    if (b.count < 1 || b.length < 1 || b.rate < 1 || low->count != 1 || high->count != 1 || !oo__is_number(low) ||
        !oo__is_number(high))
        return oo__eval_fail(c, "a size is not positive, or a frequency no scalar");
    b.bins = b.length / 2 + 1;
    b.low = mel_of(oo__array_double(low, 0));
    b.step = (mel_of(oo__array_double(high, 0)) - b.low) / ((double)b.count + 2);
    const int64_t dims[] = {b.bins, b.count};
    oo_array *const out = oo__array_new(elem, 2, dims);
    if (!out)
        return oo__set(c, 0, NULL);
    memset(out->data, 0, out->count * oo__array_width(elem));
    for (int64_t i = 0; i < b.count; i++) {
        const int64_t left = edge(&b, i), center = edge(&b, i + 1), right = edge(&b, i + 2);
        if (left < 0 || center < 0 || right < 0) {
            oo__array_release(out);
            return oo__eval_fail(c, "band %lld reaches beyond the spectrum of %lld bins", (long long)i,
                                 (long long)b.bins);
        }
        put_band(out, b.count, i, left, center, right);
    }
    return oo__set(c, 0, out);
}
