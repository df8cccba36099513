/* Operators of ai.onnx.ml that work on features one by one: Binarizer, Imputer, Normalizer, Scaler, FeatureVectorizer. */
#include "eval/kernels.h"
#include "eval/scores.h"

#include <math.h>
#include <string.h>

static oo_status numbers_in(const oo__call *c, const oo_array **out) {
    if (!oo__need(c, 0, out))
        return OO_INVALID;
    return oo__is_number(*out) ? OO_OK : oo__eval_fail(c, "the input has no numbers");
}

/* How many features a row has: the last dimension. */
static uint64_t features_of(const oo_array *a) { return a->rank ? (uint64_t)a->dims[a->rank - 1] : 1; }

oo_status oo__kernel_binarizer(oo__call *c) {
    const oo_array *in;
    OO_TRY(numbers_in(c, &in));
    const double threshold = oo__float(c, "threshold", 0);
    oo_array *const out = oo__array_new(in->elem, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++)
        oo__array_set_int(out, i, oo__array_double(in, i) > threshold);
    return oo__set(c, 0, out);
}

/* ---- Imputer: floating-point types by the float attributes, integers by the others ---- */
static oo_status impute(oo__call *c, const oo_array *in, uint32_t n, const float *floats, const int64_t *ints) {
    const uint64_t features = features_of(in);
    if (!n || (n != 1 && n != features))
        return oo__eval_fail(c, "there are %u imputed values of the input's type for %llu features", n,
                             (unsigned long long)features);
    const double lost = oo__float(c, "replaced_value_float", 0);
    const int64_t lost_int = oo__int(c, "replaced_value_int64", 0);
    oo_array *const out = oo__array_new(in->elem, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++) {
        const uint64_t k = n == 1 ? 0 : i % features;
        oo__copy_run(out, i, in, i, 1);
        if (floats) {
            const double x = oo__array_double(in, i);
            if (x == lost || (isnan(x) && isnan(lost)))
                oo__array_set_double(out, i, (double)floats[k]);
        } else if (ints && oo__array_int(in, i) == lost_int) {
            oo__array_set_int(out, i, ints[k]);
        }
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_imputer(oo__call *c) {
    const oo_array *in;
    uint32_t n;
    OO_TRY(numbers_in(c, &in));
    if (oo__is_floating(in->elem)) {
        const float *const floats = oo__floats(c, "imputed_value_floats", &n);
        return impute(c, in, n, floats, NULL);
    }
    const int64_t *const ints = oo__ints(c, "imputed_value_int64s", &n);
    return impute(c, in, n, NULL, ints);
}

/* ---- Normalizer ---- */
typedef enum norm { MAX, L1, L2 } norm;

static double norm_of(const oo_array *a, uint64_t first, uint64_t count, norm kind) {
    double sum = kind == MAX ? -(double)INFINITY : 0;
    for (uint64_t i = first; i < first + count; i++) {
        const double x = oo__array_double(a, i);
        sum = kind == MAX ? fmax(sum, x) : kind == L1 ? sum + fabs(x) : sum + x * x;
    }
    return kind == L2 ? sqrt(sum) : sum;
}

oo_status oo__kernel_normalizer(oo__call *c) {
    oo__rows rows;
    OO_TRY(oo__rows_in(c, &rows));
    const char *const name = oo__string(c, "norm", "MAX");
    const norm kind = strcmp(name, "L1") == 0 ? L1 : strcmp(name, "L2") == 0 ? L2 : MAX;
    if (kind == MAX && strcmp(name, "MAX") != 0)
        return oo__eval_fail(c, "the norm is none of MAX, L1, L2");
    oo_array *const out = oo__array_new(OO_FLOAT, rows.x->rank, rows.x->dims);
    for (uint64_t r = 0; out && out->count && r < rows.count; r++) {
        const uint64_t first = r * rows.features;
        const double n = norm_of(rows.x, first, rows.features, kind);
        for (uint64_t i = first; i < first + rows.features; i++)
            oo__array_set_double(out, i, oo__array_double(rows.x, i) / (n == 0 ? 1 : n));
    }
    return oo__set(c, 0, out);
}

/* ---- Scaler ---- */
oo_status oo__kernel_scaler(oo__call *c) {
    const oo_array *in;
    uint32_t noffset, nscale;
    OO_TRY(numbers_in(c, &in));
    const float *const offset = oo__floats(c, "offset", &noffset), *const scale = oo__floats(c, "scale", &nscale);
    const uint64_t features = features_of(in);
    if ((noffset > 1 && noffset != features) || (nscale > 1 && nscale != features))
        return oo__eval_fail(c, "there are %u offsets and %u scales for %llu features", noffset, nscale,
                             (unsigned long long)features);
    oo_array *const out = oo__array_new(OO_FLOAT, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++) {
        const double shift = noffset ? (double)offset[noffset == 1 ? 0 : i % features] : 0;
        const double factor = nscale ? (double)scale[nscale == 1 ? 0 : i % features] : 1;
        oo__array_set_double(out, i, (oo__array_double(in, i) - shift) * factor);
    }
    return oo__set(c, 0, out);
}

/* ---- FeatureVectorizer: rows side by side, each cut or padded with zeros to its input's width ---- */
static int64_t rows_of(const oo_array *a) { return a->rank > 1 ? a->dims[0] : 1; }

static void put_features(oo_array *out, uint64_t at, uint64_t width, const oo_array *in) {
    const uint64_t rows = (uint64_t)out->dims[0], step = (uint64_t)out->dims[1], have = in->count / rows;
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t k = 0; k < width && k < have; k++)
            oo__array_set_double(out, r * step + at + k, oo__array_double(in, r * have + k));
}

oo_status oo__kernel_feature_vectorizer(oo__call *c) {
    uint32_t n;
    int64_t dims[2] = {0, 0};
    const int64_t *const widths = oo__ints(c, "inputdimensions", &n);
    if (!c->nin || n != c->nin)
        return oo__eval_fail(c, "inputdimensions has %u items for %u inputs", n, c->nin);
    for (uint32_t k = 0; k < n; k++) {
        const oo_array *a;
        if (!oo__need(c, k, &a))
            return OO_INVALID;
        if (!oo__is_number(a) || !a->rank || widths[k] < 0 || (k && rows_of(a) != dims[0]))
            return oo__eval_fail(
                c, "input %u has no numbers, another number of rows than the first one, or a negative width", k);
        dims[0] = rows_of(a);
        dims[1] = oo__plus(dims[1], widths[k]);
    }
    oo_array *const out = oo__array_new(OO_FLOAT, 2, dims);
    if (out)
        oo__fill_zero(out);
    uint64_t at = 0;
    for (uint32_t k = 0; out && out->count && k < n; at += (uint64_t)widths[k++])
        put_features(out, at, (uint64_t)widths[k], oo__in(c, k));
    return oo__set(c, 0, out);
}
