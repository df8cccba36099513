/* SVMClassifier and SVMRegressor of ai.onnx.ml, in the layout of LIBSVM (with support vectors) or of LIBLINEAR (without). */
#include "eval/kernels.h"
#include "eval/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct floats {
    const float *data;
    uint32_t n;
} floats;

typedef struct machine {
    oo__rows rows;
    oo__classes classes;
    oo__transform transform;
    enum { LINEAR, POLY, RBF, SIGMOID } kernel;
    double gamma, bias, degree;
    floats coefficients, vectors, rho, prob_a, prob_b;
    const int64_t *per_class; /* support vectors of each class */
    uint64_t nvectors;        /* 0: linear */
} machine;

/* ---- reading ---- */
static floats floats_of(const oo__call *c, const char *name) {
    floats f;
    f.data = oo__floats(c, name, &f.n);
    return f;
}

static oo_status read_kernel(const oo__call *c, machine *m) {
    static const char *const NAMES[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    const char *const name = oo__string(c, "kernel_type", "LINEAR");
    const floats params = floats_of(c, "kernel_params");
    uint32_t kind = 0;
    while (kind < 4 && strcmp(name, NAMES[kind]) != 0)
        kind++;
    if (kind == 4 || (params.n && params.n != 3))
        return oo__eval_fail(c, "kernel_type is unknown, or kernel_params are not three numbers");
    m->kernel = kind;
    m->gamma = params.n ? (double)params.data[0] : 0;
    m->bias = params.n ? (double)params.data[1] : 0;
    m->degree = params.n ? (double)params.data[2] : 0;
    return OO_OK;
}

static oo_status read_machine(const oo__call *c, machine *m) {
    OO_TRY(oo__rows_in(c, &m->rows));
    OO_TRY(oo__transform_of(c, &m->transform));
    OO_TRY(read_kernel(c, m));
    m->coefficients = floats_of(c, "coefficients");
    m->vectors = floats_of(c, "support_vectors");
    m->rho = floats_of(c, "rho");
    m->prob_a = floats_of(c, "prob_a");
    m->prob_b = floats_of(c, "prob_b");
    return m->coefficients.n && m->rho.n ? OO_OK : oo__eval_fail(c, "coefficients or rho are missing");
}

/* ---- kernels ---- */
/* Of a row and a vector. */
static double product(const machine *m, uint64_t row, const float *vector) {
    double sum = 0;
    for (uint64_t k = 0; k < m->rows.features; k++) {
        const double x = oo__array_double(m->rows.x, row * m->rows.features + k), v = (double)vector[k];
        sum += m->nvectors && m->kernel == RBF ? (x - v) * (x - v) : x * v;
    }
    if (!m->nvectors)
        return sum;
    switch (m->kernel) {
    case POLY: return pow(m->gamma * sum + m->bias, m->degree);
    case RBF: return exp(-m->gamma * sum);
    case SIGMOID: return tanh(m->gamma * sum + m->bias);
    default: return sum;
    }
}

/* ---- SVMRegressor ---- */
oo_status oo__kernel_svm_regressor(oo__call *c) {
    machine m = {0};
    OO_TRY(read_machine(c, &m));
    const int64_t supports = oo__int(c, "n_supports", 0);
    m.nvectors = supports > 0 ? (uint64_t)supports : 0;
    const uint64_t expected = m.nvectors ? m.nvectors : m.rows.features;
    if (m.coefficients.n != expected ||
        (m.nvectors && (m.vectors.n % m.nvectors || m.vectors.n / m.nvectors != m.rows.features)))
        return oo__eval_fail(c, "coefficients or support vectors do not fit %llu features",
                             (unsigned long long)m.rows.features);
    const int64_t dims[] = {(int64_t)m.rows.count, 1};
    oo_array *const out = oo__array_new(OO_FLOAT, 2, dims);
    for (uint64_t r = 0; out && r < m.rows.count; r++) {
        double sum = (double)m.rho.data[0];
        for (uint64_t v = 0; v < m.nvectors; v++)
            sum += (double)m.coefficients.data[v] * product(&m, r, m.vectors.data + v * m.rows.features);
        if (!m.nvectors)
            sum += product(&m, r, m.coefficients.data);
        oo__array_set_double(out, r, !oo__int(c, "one_class", 0) ? sum : sum > 0 ? 1 : -1);
    }
    return oo__set(c, 0, out);
}

/* ---- SVMClassifier ---- */
/* Memory of one run. */
typedef struct bench {
    double *kernels; /* [nvectors] */
    double *pairs;   /* [classes (classes - 1) / 2]: first against second, third ... */
    uint32_t *votes; /* [classes] */
    double *scores;  /* [max(classes, pairs, 2)] */
    double *r, *q;   /* [classes, classes] */
    double *qp;      /* [classes] */
} bench;

static uint64_t pairs_of(const machine *m) { return (uint64_t)m->classes.count * (m->classes.count - 1) / 2; }

static void compare_pairs(const machine *m, uint64_t row, bench *b) {
    const uint32_t n = m->classes.count;
    for (uint64_t v = 0; v < m->nvectors; v++)
        b->kernels[v] = product(m, row, m->vectors.data + v * m->rows.features);
    memset(b->votes, 0, n * sizeof *b->votes);
    uint64_t pair = 0, first_i = 0;
    for (uint32_t i = 0; i < n; first_i += (uint64_t)m->per_class[i++]) {
        uint64_t first_j = first_i + (uint64_t)m->per_class[i];
        for (uint32_t j = i + 1; j < n; first_j += (uint64_t)m->per_class[j++], pair++) {
            double sum = (double)m->rho.data[pair];
            for (uint64_t v = first_i; v < first_i + (uint64_t)m->per_class[i]; v++)
                sum += (double)m->coefficients.data[(j - 1) * m->nvectors + v] * b->kernels[v];
            for (uint64_t v = first_j; v < first_j + (uint64_t)m->per_class[j]; v++)
                sum += (double)m->coefficients.data[i * m->nvectors + v] * b->kernels[v];
            b->pairs[pair] = sum;
            b->votes[sum > 0 ? i : j]++;
        }
    }
}

/* r[i][j] = probability of i when it is i or j. */
static void pair_probabilities(const machine *m, bench *b) {
    const uint32_t n = m->classes.count;
    uint64_t pair = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++, pair++) {
            const double p =
                1 - oo__logistic(b->pairs[pair] * (double)m->prob_a.data[pair] + (double)m->prob_b.data[pair]);
            b->r[i * n + j] = fmin(fmax(p, 1e-7), 1 - 1e-7);
            b->r[j * n + i] = 1 - b->r[i * n + j];
        }
}

/* The products Q p and p Q p. */
static double multiply(const bench *b, const double *p, uint32_t n) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        b->qp[i] = 0;
        for (uint32_t j = 0; j < n; j++)
            b->qp[i] += b->q[i * n + j] * p[j];
        sum += p[i] * b->qp[i];
    }
    return sum;
}

/* Wu, Lin, Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling" (2004), the second approach: minimizes
 * p Q p, sum of p = 1, by going around the conditions for each class. */
static void couple(bench *b, double *p, uint32_t n) {
    enum { ROUNDS = 100 };
    for (uint32_t i = 0; i < n; i++) {
        p[i] = 1.0 / n;
        b->q[i * n + i] = 0;
        for (uint32_t j = 0; j < n; j++) {
            if (j == i)
                continue;
            b->q[i * n + i] += b->r[j * n + i] * b->r[j * n + i];
            b->q[i * n + j] = -b->r[j * n + i] * b->r[i * n + j];
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        double all = multiply(b, p, n), error = 0;
        for (uint32_t i = 0; i < n; i++)
            error = fmax(error, fabs(b->qp[i] - all));
        if (error < 0.005 / n)
            return;
        for (uint32_t i = 0; i < n; i++) {
            const double change = (all - b->qp[i]) / b->q[i * n + i], norm = 1 + change;
            p[i] += change;
            all = (all + change * (change * b->q[i * n + i] + 2 * b->qp[i])) / (norm * norm);
            for (uint32_t j = 0; j < n; j++) {
                b->qp[j] = (b->qp[j] + change * b->q[i * n + j]) / norm;
                p[j] /= norm;
            }
        }
    }
}

static uint32_t most_votes(const bench *b, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (b->votes[i] > b->votes[best])
            best = i;
    return best;
}

/* Scores and label of a row; `columns` is what the scores have. */
static uint32_t classify_by_vectors(const machine *m, uint64_t row, bench *b, uint64_t columns) {
    const uint32_t n = m->classes.count;
    compare_pairs(m, row, b);
    if (m->prob_a.n) {
        pair_probabilities(m, b);
        couple(b, b->scores, n);
    }
    if (!m->prob_a.n && n == 2) {
        oo__transform_pair(m->transform, b->pairs[0], m->transform != OO__NONE, b->scores);
        return most_votes(b, n);
    }
    if (!m->prob_a.n)
        memcpy(b->scores, b->pairs, columns * sizeof *b->scores);
    oo__transform_scores(m->transform, b->scores, columns);
    return most_votes(b, n);
}

static uint32_t classify_linearly(const machine *m, uint64_t row, bench *b, bool positive) {
    const uint32_t n = m->classes.count;
    uint32_t best = 0;
    for (uint32_t k = 0; k < n; k++) {
        b->scores[k] = product(m, row, m->coefficients.data + k * m->rows.features) + (double)m->rho.data[0];
        if (b->scores[k] > b->scores[best])
            best = k;
    }
    if (n == 2 && !m->prob_a.n && (positive ? b->scores[best] >= 0.5 : b->scores[best] > 0))
        best = 1;
    oo__transform_scores(m->transform, b->scores, n);
    return best;
}

static oo_status check_classifier(const oo__call *c, machine *m) {
    uint32_t n;
    OO_TRY(oo__classes_of(c, "classlabels_strings", "classlabels_ints", &m->classes));
    m->per_class = oo__ints(c, "vectors_per_class", &n);
    for (uint32_t i = 0; i < n; i++) {
        if (m->per_class[i] < 0 || m->per_class[i] > UINT32_MAX)
            return oo__eval_fail(c, "vectors_per_class has the number %lld", (long long)m->per_class[i]);
        m->nvectors += (uint64_t)m->per_class[i];
    }
    const uint64_t classes = m->classes.count, features = m->rows.features;
    if (!classes || classes > UINT16_MAX)
        return oo__eval_fail(c, "there are %llu labels", (unsigned long long)classes);
    if (!m->nvectors)
        return m->coefficients.n == classes * features ? OO_OK
                                                       : oo__eval_fail(c, "the coefficients do not fit the features");
    if (classes < 2 || n != classes || m->vectors.n % m->nvectors || m->vectors.n / m->nvectors != features)
        return oo__eval_fail(c, "the support vectors do not fit classes and features");
    if (m->coefficients.n < (classes - 1) * m->nvectors || m->rho.n < pairs_of(m) || m->prob_a.n != m->prob_b.n ||
        (m->prob_a.n && m->prob_a.n < pairs_of(m)))
        return oo__eval_fail(c, "coefficients, rho, prob_a or prob_b have too few numbers");
    return OO_OK;
}

static bench new_bench(const machine *m) {
    const uint64_t n = m->classes.count, pairs = pairs_of(m), most = pairs > n ? pairs : n,
                   square = m->prob_a.n && m->nvectors ? n * n : 1;
    bench b;
    b.kernels = oo__malloc((m->nvectors + 1) * sizeof *b.kernels);
    b.pairs = oo__malloc((m->nvectors ? pairs + 1 : 1) * sizeof *b.pairs);
    b.votes = oo__malloc(n * sizeof *b.votes);
    b.scores = oo__malloc(((m->nvectors ? most : n) + 2) * sizeof *b.scores);
    b.r = oo__malloc(square * sizeof *b.r);
    b.q = oo__malloc(square * sizeof *b.q);
    b.qp = oo__malloc(n * sizeof *b.qp);
    return b;
}

static void free_bench(bench *b) {
    free(b->kernels);
    free(b->pairs);
    free(b->votes);
    free(b->scores);
    free(b->r);
    free(b->q);
    free(b->qp);
}

static bool all_positive(const floats *f) {
    for (uint32_t i = 0; i < f->n; i++)
        if (f->data[i] < 0)
            return false;
    return true;
}

oo_status oo__kernel_svm_classifier(oo__call *c) {
    machine m = {0};
    OO_TRY(read_machine(c, &m));
    OO_TRY(check_classifier(c, &m));
    const uint64_t columns = m.nvectors && !m.prob_a.n && m.classes.count > 2 ? pairs_of(&m) : m.classes.count;
    const int64_t dims[] = {(int64_t)m.rows.count, (int64_t)columns};
    oo_array *const labels = oo__labels_new(&m.classes, m.rows.count), *const out = oo__array_new(OO_FLOAT, 2, dims);
    bench b = new_bench(&m);
    const bool positive = all_positive(&m.coefficients);
    for (uint64_t r = 0; labels && out && r < m.rows.count; r++) {
        const uint32_t best =
            m.nvectors ? classify_by_vectors(&m, r, &b, columns) : classify_linearly(&m, r, &b, positive);
        oo__label_set(labels, r, &m.classes, best);
        for (uint64_t k = 0; k < columns; k++)
            oo__array_set_double(out, r * columns + k, b.scores[k]);
    }
    free_bench(&b);
    const oo_status status = oo__set(c, 0, labels);
    if (status == OO_OK)
        return oo__set(c, 1, out);
    oo__array_release(out);
    return status;
}
