#include "eval/scores.h"

#include <math.h>
#include <string.h>

oo_status oo__rows_in(const oo__call *c, oo__rows *out) {
    if (!oo__need(c, 0, &out->x))
        return OO_INVALID;
    if (!oo__is_number(out->x) || out->x->rank < 1 || out->x->rank > 2)
        return oo__eval_fail(c, "the input is no vector or matrix of numbers");
    out->count = out->x->rank == 2 ? (uint64_t)out->x->dims[0] : 1;
    out->features = (uint64_t)out->x->dims[out->x->rank - 1];
    return OO_OK;
}

/* ---- labels ---- */
oo_status oo__classes_of(const oo__call *c, const char *strings, const char *ints, oo__classes *out) {
    const oo_attr *const a = oo__attr(c, strings);
    *out = (oo__classes){0};
    if (a && a->type == OO_ATTR_STRINGS && a->count) {
        out->strings = a->strings;
        out->count = a->count;
        return OO_OK;
    }
    out->ints = oo__ints(c, ints, &out->count);
    return OO_OK;
}

oo_array *oo__labels_new(const oo__classes *classes, uint64_t count) {
    const int64_t dims[] = {(int64_t)count};
    return oo__array_new(classes->strings ? OO_STRING : OO_INT64, 1, dims);
}

void oo__label_set(oo_array *labels, uint64_t i, const oo__classes *classes, uint32_t k) {
    if (classes->strings)
        oo__array_set_string(labels, i, classes->strings[k]);
    else
        ((int64_t *)labels->data)[i] = classes->ints[k];
}

/* ---- transforms ---- */
oo_status oo__transform_of(const oo__call *c, oo__transform *out) {
    static const char *const NAMES[OO__TRANSFORMS] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    const char *const name = oo__string(c, "post_transform", "NONE");
    for (uint32_t i = 0; i < OO__TRANSFORMS; i++)
        if (strcmp(name, NAMES[i]) == 0) {
            *out = (oo__transform)i;
            return OO_OK;
        }
    return oo__eval_fail(c, "post_transform \"%s\" is unknown", oo__printable(name, strlen(name)));
}

double oo__logistic(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }

/* Winitzki's approximation of the inverse error function, with the constants that other runtimes use. */
static double inverse_erf(double x) {
    const double a = 0.147, l = log((1 - x) * (1 + x)), v = 2 / (3.14159 * a) + 0.5 * l;
    const double y = sqrt(sqrt(v * v - l / a) - v);
    return x < 0 ? -y : y;
}

static double probit(double x) { return 1.41421356 * inverse_erf(2 * x - 1); }

/* With `zero` what is 0 stays 0 and does not count. */
static void softmax(double *scores, uint64_t count, bool zero) {
    double most = -(double)INFINITY, sum = 0;
    for (uint64_t i = 0; i < count; i++)
        most = fmax(most, scores[i]);
    for (uint64_t i = 0; i < count; i++) {
        if (!zero || fabs(scores[i]) > 1e-7)
            sum += scores[i] = exp(scores[i] - most);
        else
            scores[i] *= exp(-most);
    }
    for (uint64_t i = 0; i < count; i++)
        scores[i] /= sum;
}

void oo__transform_scores(oo__transform t, double *scores, uint64_t count) {
    if (count == 1 && t != OO__PROBIT)
        return;
    switch (t) {
    case OO__SOFTMAX:
    case OO__SOFTMAX_ZERO: softmax(scores, count, t == OO__SOFTMAX_ZERO); return;
    case OO__LOGISTIC:
    case OO__PROBIT:
        for (uint64_t i = 0; i < count; i++)
            scores[i] = t == OO__PROBIT ? probit(scores[i]) : oo__logistic(scores[i]);
        return;
    default: return;
    }
}

void oo__transform_pair(oo__transform t, double score, bool complement, double out[2]) {
    out[1] = t == OO__LOGISTIC ? oo__logistic(score) : t == OO__PROBIT ? probit(score) : score;
    out[0] = t == OO__LOGISTIC ? oo__logistic(-score) : complement && t != OO__PROBIT ? 1 - score : -out[1];
}
