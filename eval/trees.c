/* TreeEnsemble, TreeEnsembleRegressor and TreeEnsembleClassifier of ai.onnx.ml. */
#include "eval/forest.h"
#include "eval/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum aggregate { AVERAGE, SUM, MIN, MAX } aggregate;

/* Scores of one row; has[k] says whether a leaf had a vote for target k. */
typedef struct tally {
    double *scores;
    bool *has;
} tally;

typedef struct base {
    double *values;
    uint32_t n;
} base;

static tally new_tally(uint32_t targets) {
    return (tally){oo__malloc((targets + 2u) * sizeof(double)), oo__malloc((targets + 2u) * sizeof(bool))};
}

static void free_tally(tally t) {
    free(t.scores);
    free(t.has);
}

static double together(aggregate a, double x, double y) {
    return a == MIN ? fmin(x, y) : a == MAX ? fmax(x, y) : x + y;
}

/* False when a tree goes round in circles. */
static bool vote(const oo__forest *f, const oo_array *x, uint64_t row, aggregate a, tally *t) {
    memset(t->has, 0, f->targets * sizeof *t->has);
    memset(t->scores, 0, f->targets * sizeof *t->scores);
    for (uint32_t i = 0; i < f->nroots; i++) {
        const uint32_t leaf = oo__forest_leaf(f, f->roots[i], x, row);
        if (leaf == UINT32_MAX)
            return false;
        const oo__tree_node *const n = &f->nodes[leaf];
        for (uint32_t k = n->first; k < n->first + n->count; k++) {
            double *const score = &t->scores[f->votes[k].target];
            *score = t->has[f->votes[k].target] ? together(a, *score, f->votes[k].weight) : f->votes[k].weight;
            t->has[f->votes[k].target] = true;
        }
    }
    for (uint32_t k = 0; a == AVERAGE && k < f->targets; k++)
        t->scores[k] /= f->nroots;
    return true;
}

static oo_status in_circles(const oo__call *c) { return oo__eval_fail(c, "a tree goes round in circles"); }

/* ---- regression ---- */
static oo_status regress(oo__call *c, const oo__forest *f, const oo__rows *rows, aggregate a, oo__transform transform,
                         const base *b, oo_elem elem) {
    const int64_t dims[] = {(int64_t)rows->count, f->targets};
    oo_array *const out = oo__array_new(elem, 2, dims);
    tally t = new_tally(f->targets);
    oo_status status = OO_OK;
    for (uint64_t r = 0; out && r < rows->count && status == OO_OK; r++) {
        if (!vote(f, rows->x, r, a, &t))
            status = in_circles(c);
        for (uint32_t k = 0; b->n && k < f->targets; k++)
            t.scores[k] += b->values[k];
        oo__transform_scores(transform, t.scores, f->targets);
        for (uint32_t k = 0; k < f->targets; k++)
            oo__array_set_double(out, r * f->targets + k, t.scores[k]);
    }
    free_tally(t);
    if (status == OO_OK)
        return oo__set(c, 0, out);
    oo__array_release(out);
    return status;
}

static oo_status read_targets(const oo__call *c, uint32_t *out) {
    const int64_t n = oo__int(c, "n_targets", 0);
    *out = (uint32_t)n;
    return n > 0 && n < INT32_MAX ? OO_OK : oo__eval_fail(c, "n_targets is %lld", (long long)n);
}

oo_status oo__kernel_tree_ensemble(oo__call *c) {
    static const oo__transform TRANSFORMS[] = {OO__NONE, OO__SOFTMAX, OO__LOGISTIC, OO__SOFTMAX_ZERO, OO__PROBIT};
    const int64_t a = oo__int(c, "aggregate_function", SUM), transform = oo__int(c, "post_transform", 0);
    oo__rows rows;
    uint32_t targets;
    OO_TRY(oo__rows_in(c, &rows));
    OO_TRY(read_targets(c, &targets));
    if (a < AVERAGE || a > MAX || transform < 0 || transform >= OO__TRANSFORMS)
        return oo__eval_fail(c, "aggregate_function or post_transform is unknown");
    oo__forest f;
    oo_status status = oo__forest_by_position(c, &f, targets, rows.features);
    if (status == OO_OK)
        status = regress(c, &f, &rows, (aggregate)a, TRANSFORMS[transform], &(base){NULL, 0}, rows.x->elem);
    oo__forest_free(&f);
    return status;
}

/* base_values or base_values_as_tensor; new memory. */
static base read_base(const oo__call *c) {
    const oo_attr *const a = oo__attr(c, "base_values_as_tensor");
    oo_array *const array =
        a && a->type == OO_ATTR_TENSOR && a->t->count < UINT32_MAX ? oo__array_of_tensor(a->t) : NULL;
    base b = {0};
    if (array && array->count && oo__is_number(array)) {
        b = (base){oo__array_doubles(array), (uint32_t)array->count};
    } else {
        const float *const floats = oo__floats(c, "base_values", &b.n);
        b.values = oo__malloc(b.n * sizeof *b.values + 1);
        for (uint32_t i = 0; i < b.n; i++)
            b.values[i] = (double)floats[i];
    }
    oo__array_release(array);
    return b;
}

static oo_status read_aggregate(const oo__call *c, aggregate *out) {
    static const char *const NAMES[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    const char *const name = oo__string(c, "aggregate_function", "SUM");
    for (uint32_t k = 0; k < 4; k++)
        if (strcmp(name, NAMES[k]) == 0) {
            *out = (aggregate)k;
            return OO_OK;
        }
    return oo__eval_fail(c, "aggregate_function is none of AVERAGE, SUM, MIN, MAX");
}

oo_status oo__kernel_tree_ensemble_regressor(oo__call *c) {
    oo__rows rows;
    oo__transform transform;
    aggregate a = SUM;
    uint32_t targets;
    OO_TRY(oo__rows_in(c, &rows));
    OO_TRY(oo__transform_of(c, &transform));
    OO_TRY(read_aggregate(c, &a));
    OO_TRY(read_targets(c, &targets));
    const base b = read_base(c);
    oo__forest f = {0};
    oo_status status = !b.n || b.n == targets
                           ? oo__forest_by_ids(c, &f, "target", targets, rows.features)
                           : oo__eval_fail(c, "there are %u base values for %u targets", b.n, targets);
    if (status == OO_OK)
        status = regress(c, &f, &rows, a, transform, &b, OO_FLOAT);
    oo__forest_free(&f);
    free(b.values);
    return status;
}

/* ---- classification ---- */
typedef struct classifier {
    oo__forest f;
    oo__classes classes;
    oo__transform transform;
    base base;
} classifier;

/* Two classes with votes for one of them only: the label comes from that score alone, above 0 or, where no weight is negative, above one
 * half. */
static uint32_t decide_single(const classifier *k, tally *t) {
    const uint32_t only = k->f.only;
    double score = t->scores[only];
    if (only == 0) {
        score += k->base.n ? k->base.values[0] : 0;
        oo__transform_pair(k->transform, score, k->f.positive, t->scores);
    } else {
        score += k->base.n == 2 ? k->base.values[1] : 0;
        t->scores[0] = k->base.n == 2 ? k->base.values[0] : 0;
        t->scores[1] = score;
        oo__transform_scores(k->transform, t->scores, 2);
    }
    return k->f.positive ? score > 0.5 : score > 0;
}

/* The greatest of the classes that have a vote or a base value. */
static uint32_t decide(const classifier *k, tally *t) {
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < k->f.targets; i++) {
        if (i < k->base.n)
            t->scores[i] += k->base.values[i];
        if ((t->has[i] || k->base.n) && (best == UINT32_MAX || t->scores[i] > t->scores[best]))
            best = i;
    }
    oo__transform_scores(k->transform, t->scores, k->f.targets);
    return best == UINT32_MAX ? 0 : best;
}

static oo_status classify(oo__call *c, const classifier *k, const oo__rows *rows, oo_array *labels, oo_array *out) {
    const uint32_t n = k->f.targets;
    tally t = new_tally(n);
    oo_status status = OO_OK;
    for (uint64_t r = 0; r < rows->count && status == OO_OK; r++) {
        if (!vote(&k->f, rows->x, r, SUM, &t)) {
            status = in_circles(c);
            break;
        }
        const bool positive = t.scores[0] + (n == 1 && k->base.n ? k->base.values[0] : 0) > 0;
        const uint32_t best = n == 2 && k->f.single ? decide_single(k, &t) : decide(k, &t);
        /* A single class is not chosen but affirmed. */
        if (n == 1 && !k->classes.strings)
            ((int64_t *)labels->data)[r] = positive;
        else
            oo__label_set(labels, r, &k->classes, best);
        for (uint32_t i = 0; i < n; i++)
            oo__array_set_double(out, r * n + i, t.scores[i]);
    }
    free_tally(t);
    return status;
}

static oo_status set_classes(oo__call *c, const classifier *k, const oo__rows *rows) {
    const int64_t dims[] = {(int64_t)rows->count, k->classes.count};
    oo_array *const labels = oo__labels_new(&k->classes, rows->count), *const out = oo__array_new(OO_FLOAT, 2, dims);
    oo_status status = labels && out ? classify(c, k, rows, labels, out) : OO_OK;
    if (status == OO_OK)
        status = oo__set(c, 0, labels);
    else
        oo__array_release(labels);
    if (status == OO_OK)
        return oo__set(c, 1, out);
    oo__array_release(out);
    return status;
}

oo_status oo__kernel_tree_ensemble_classifier(oo__call *c) {
    classifier k = {0};
    oo__rows rows;
    OO_TRY(oo__rows_in(c, &rows));
    OO_TRY(oo__transform_of(c, &k.transform));
    OO_TRY(oo__classes_of(c, "classlabels_strings", "classlabels_int64s", &k.classes));
    if (!k.classes.count || k.classes.count > INT32_MAX)
        return oo__eval_fail(c, "there are no class labels");
    k.base = read_base(c);
    oo_status status = OO_OK;
    if (k.base.n && k.base.n != k.classes.count && !(k.classes.count == 2 && k.base.n == 1))
        status = oo__eval_fail(c, "there are %u base values for %u classes", k.base.n, k.classes.count);
    if (status == OO_OK)
        status = oo__forest_by_ids(c, &k.f, "class", k.classes.count, rows.features);
    if (status == OO_OK)
        status = set_classes(c, &k, &rows);
    oo__forest_free(&k.f);
    free(k.base.values);
    return status;
}
