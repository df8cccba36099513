/* LinearClassifier and LinearRegressor of ai.onnx.ml. */
#include "eval/kernels.h"
#include "eval/scores.h"

#include <stdlib.h>
#include <string.h>

typedef struct model {
    oo__rows rows;
    const float *coefficients; /* [targets, features] */
    const float *intercepts;   /* [targets] or NULL */
    uint64_t targets;
    oo__transform transform;
} model;

/* `targets` 0: as many as the coefficients make. */
static oo_status read_model(const oo__call *c, model *m, int64_t targets) {
    uint32_t n, nintercepts;
    OO_TRY(oo__rows_in(c, &m->rows));
    OO_TRY(oo__transform_of(c, &m->transform));
    m->coefficients = oo__floats(c, "coefficients", &n);
    const float *const intercepts = oo__floats(c, "intercepts", &nintercepts);
    m->intercepts = nintercepts ? intercepts : NULL;
    m->targets = targets > 0 ? (uint64_t)targets : m->rows.features ? n / m->rows.features : 0;
    if (targets < 0 || !n || !m->rows.features || n % m->rows.features || n / m->rows.features != m->targets)
        return oo__eval_fail(c, "%u coefficients do not fit %llu features", n, (unsigned long long)m->rows.features);
    if (nintercepts && nintercepts != m->targets)
        return oo__eval_fail(c, "there are %u intercepts for %llu targets", nintercepts,
                             (unsigned long long)m->targets);
    return OO_OK;
}

static void score_row(const model *m, uint64_t row, double *scores) {
    for (uint64_t t = 0; t < m->targets; t++) {
        scores[t] = m->intercepts ? (double)m->intercepts[t] : 0;
        for (uint64_t k = 0; k < m->rows.features; k++)
            scores[t] += (double)m->coefficients[t * m->rows.features + k] *
                         oo__array_double(m->rows.x, row * m->rows.features + k);
    }
}

oo_status oo__kernel_linear_regressor(oo__call *c) {
    model m;
    OO_TRY(read_model(c, &m, oo__int(c, "targets", 1)));
    const int64_t dims[] = {(int64_t)m.rows.count, (int64_t)m.targets};
    oo_array *const out = oo__array_new(OO_FLOAT, 2, dims);
    double *const scores = oo__malloc(m.targets * sizeof *scores);
    for (uint64_t r = 0; out && r < m.rows.count; r++) {
        score_row(&m, r, scores);
        oo__transform_scores(m.transform, scores, m.targets);
        for (uint64_t t = 0; t < m.targets; t++)
            oo__array_set_double(out, r * m.targets + t, scores[t]);
    }
    free(scores);
    return oo__set(c, 0, out);
}

/* ---- LinearClassifier: with one target the second of two classes is the positive one; without labels these are 0 and 1 ---- */
static const int64_t TWO_LABELS[] = {0, 1};

static uint32_t greatest(const double *scores, uint64_t n) {
    uint32_t best = 0;
    for (uint32_t k = 1; k < n; k++)
        if (scores[k] > scores[best])
            best = k;
    return best;
}

static void classify(const model *m, const oo__classes *classes, bool pair, oo_array *labels, oo_array *out) {
    const uint64_t columns = (uint64_t)out->dims[1];
    double *const scores = oo__malloc((m->targets + 1) * sizeof *scores);
    for (uint64_t r = 0; r < m->rows.count; r++) {
        score_row(m, r, scores);
        oo__label_set(labels, r, classes, m->targets == 1 ? scores[0] > 0 : greatest(scores, m->targets));
        if (pair)
            oo__transform_pair(m->transform, scores[0], true, scores);
        else
            oo__transform_scores(m->transform, scores, m->targets);
        for (uint64_t t = 0; t < columns; t++)
            oo__array_set_double(out, r * columns + t, scores[t]);
    }
    free(scores);
}

oo_status oo__kernel_linear_classifier(oo__call *c) {
    model m;
    oo__classes classes;
    OO_TRY(read_model(c, &m, 0));
    OO_TRY(oo__classes_of(c, "classlabels_strings", "classlabels_ints", &classes));
    const bool pair = m.targets == 1 && classes.count == 2;
    if (m.targets == 1 && !classes.count)
        classes = (oo__classes){.count = 2, .ints = TWO_LABELS};
    if (classes.count < (m.targets == 1 ? 2 : m.targets))
        return oo__eval_fail(c, "there are %u labels for %llu targets", classes.count, (unsigned long long)m.targets);
    const int64_t dims[] = {(int64_t)m.rows.count, pair ? 2 : (int64_t)m.targets};
    oo_array *const labels = oo__labels_new(&classes, m.rows.count), *const out = oo__array_new(OO_FLOAT, 2, dims);
    if (labels && out)
        classify(&m, &classes, pair, labels, out);
    const oo_status status = oo__set(c, 0, labels);
    if (status == OO_OK)
        return oo__set(c, 1, out);
    oo__array_release(out);
    return status;
}
