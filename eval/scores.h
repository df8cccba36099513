/* What the classifiers and regressors of ai.onnx.ml share: rows of features, class labels, and what becomes of scores. Where ONNX leaves
 * open what two classes with one score mean, this does as ONNX Runtime does. Private to eval/. */
#ifndef EVAL_SCORES_H
#define EVAL_SCORES_H
#include "eval/pieces.h"

/* Input 0 as rows: [N, F], or [F] as one row. */
typedef struct oo__rows {
    const oo_array *x;
    uint64_t count, features;
} oo__rows;
oo_status oo__rows_in(const oo__call *c, oo__rows *out);

/* Class labels: strings when the attribute `strings` has any, else integers. */
typedef struct oo__classes {
    uint32_t count;
    const oo_bytes *strings; /* NULL: integers */
    const int64_t *ints;
} oo__classes;
oo_status oo__classes_of(const oo__call *c, const char *strings, const char *ints, oo__classes *out);
/* A vector for `count` labels, and label `k` of the classes at place i of it. */
oo_array *oo__labels_new(const oo__classes *classes, uint64_t count);
void oo__label_set(oo_array *labels, uint64_t i, const oo__classes *classes, uint32_t k);

typedef enum oo__transform {
    OO__NONE,
    OO__SOFTMAX,
    OO__LOGISTIC,
    OO__SOFTMAX_ZERO,
    OO__PROBIT,
    OO__TRANSFORMS
} oo__transform;
/* The attribute post_transform, a string. */
oo_status oo__transform_of(const oo__call *c, oo__transform *out);
/* Two scores and more are transformed together; of a single one only PROBIT makes anything. */
void oo__transform_scores(oo__transform transform, double *scores, uint64_t count);
/* The scores of two classes from the one score of the second: opposite signs, or (`complement`) adding up to 1. */
void oo__transform_pair(oo__transform transform, double score, bool complement, double out[2]);
double oo__logistic(double x);
#endif
