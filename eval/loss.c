/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. Classes are dimension 1; sums are made in double and rounded once. */
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <math.h>
#include <string.h>

typedef enum reduction { NONE, SUM, MEAN } reduction;

typedef struct loss {
    const oo_array *scores; /* [N, C, d...] */
    const oo_array *target; /* [N, d...] */
    const oo_array *weight; /* [C] or NULL */
    reduction reduction;
    bool ignores;
    int64_t ignored;
    uint64_t classes, inner; /* C, product of d */
} loss;

static bool is_floating(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
}

static bool shapes_fit(const oo_array *scores, const oo_array *target) {
    if (scores->rank < 2 || target->rank != scores->rank - 1 || target->dims[0] != scores->dims[0])
        return false;
    return memcmp(target->dims + 1, scores->dims + 2, (scores->rank - 2) * sizeof *target->dims) == 0;
}

static oo_status read_loss(const oo__call *c, loss *l) {
    if (!oo__need(c, 0, &l->scores) || !oo__need(c, 1, &l->target) || !oo__want(c, 2, &l->weight))
        return OO_INVALID;
    if (!is_floating(l->scores->elem) || (l->target->elem != OO_INT32 && l->target->elem != OO_INT64))
        return oo__eval_fail(c, "scores are no floating-point numbers, or labels no integers");
    if (!shapes_fit(l->scores, l->target))
        return oo__eval_fail(c, "the labels do not have the shape of the scores without dimension 1");
    l->classes = (uint64_t)l->scores->dims[1];
    l->inner = oo__product(l->scores->dims, 2, l->scores->rank);
    if (l->weight && (!is_floating(l->weight->elem) || l->weight->rank != 1 || l->weight->count != l->classes))
        return oo__eval_fail(c, "the weights are no vector of %llu numbers", (unsigned long long)l->classes);
    const char *const name = oo__string(c, "reduction", "mean");
    l->reduction = strcmp(name, "none") == 0 ? NONE : strcmp(name, "sum") == 0 ? SUM : MEAN;
    if (l->reduction == MEAN && strcmp(name, "mean") != 0)
        return oo__eval_fail(c, "reduction \"%s\" is none of none, sum, mean", oo__printable(name, strlen(name)));
    l->ignores = oo__attr(c, "ignore_index") != NULL;
    l->ignored = oo__int(c, "ignore_index", 0);
    for (uint64_t i = 0; i < l->target->count; i++) {
        const int64_t label = oo__array_int(l->target, i);
        if ((label < 0 || (uint64_t)label >= l->classes) && !(l->ignores && label == l->ignored))
            return oo__eval_fail(c, "label %lld is out of range for %llu classes", (long long)label,
                                 (unsigned long long)l->classes);
    }
    return OO_OK;
}

/* Output 0; `logs` has the logarithms of the probabilities, shaped as the scores. */
static oo_status set_loss(oo__call *c, const loss *l, const oo_array *logs) {
    const bool whole = l->reduction == NONE;
    oo_array *const out = oo__array_new(l->scores->elem, whole ? l->target->rank : 0, l->target->dims);
    double sum = 0, weights = 0;
    for (uint64_t i = 0; out && i < l->target->count; i++) {
        const int64_t label = oo__array_int(l->target, i);
        const bool counts = !l->ignores || label != l->ignored;
        const double w = !counts ? 0 : l->weight ? oo__array_double(l->weight, (uint64_t)label) : 1;
        const uint64_t at = (i / l->inner * l->classes + (uint64_t)label) * l->inner + i % l->inner;
        const double x = counts ? -w * oo__array_double(logs, at) : 0;
        if (whole)
            oo__array_set_double(out, i, x);
        sum += x;
        weights += w;
    }
    if (out && !whole)
        oo__array_set_double(out, 0, l->reduction == MEAN ? sum / weights : sum);
    return oo__set(c, 0, out);
}

oo_status oo__kernel_negative_log_likelihood_loss(oo__call *c) {
    loss l;
    OO_TRY(read_loss(c, &l));
    return set_loss(c, &l, l.scores);
}

/* Logarithms of the softmax over the classes at one position. */
static void log_softmax(double *out, const loss *l, uint64_t base) {
    double most = -(double)INFINITY, sum = 0;
    for (uint64_t k = 0; k < l->classes; k++)
        most = fmax(most, oo__array_double(l->scores, base + k * l->inner));
    for (uint64_t k = 0; k < l->classes; k++)
        sum += exp(oo__array_double(l->scores, base + k * l->inner) - most);
    for (uint64_t k = 0; k < l->classes; k++)
        out[base + k * l->inner] = oo__array_double(l->scores, base + k * l->inner) - most - log(sum);
}

oo_status oo__kernel_softmax_cross_entropy_loss(oo__call *c) {
    loss l;
    OO_TRY(read_loss(c, &l));
    oo_array *const logs = oo__array_new(OO_DOUBLE, l.scores->rank, l.scores->dims);
    if (!logs)
        return oo__set(c, 0, NULL);
    for (uint64_t i = 0; logs->count && i < l.target->count; i++)
        log_softmax(logs->data, &l, i / l.inner * l.classes * l.inner + i % l.inner);
    oo_status status = set_loss(c, &l, logs);
    if (status == OO_OK && c->nout > 1) {
        oo_array *const probabilities = oo__array_new(l.scores->elem, l.scores->rank, l.scores->dims);
        if (probabilities)
            oo__array_from_doubles(probabilities, logs->data);
        status = oo__set(c, 1, probabilities);
    }
    oo__array_release(logs);
    return status;
}
