/* NonMaxSuppression. */
#include "eval/kernels.h"
#include "eval/move.h"
#include "eval/sort.h"

#include <stdlib.h>

typedef struct corners {
    float x0, y0, x1, y1;
} corners;

/* boxes[4] is y1, x1, y2, x2 of any two opposite corners, or the center's x, y, then width, height. */
static corners corners_of(const float *box, bool by_center) {
    if (by_center)
        return (corners){box[0] - box[2] / 2, box[1] - box[3] / 2, box[0] + box[2] / 2, box[1] + box[3] / 2};
    const bool x = box[1] < box[3], y = box[0] < box[2];
    return (corners){box[x ? 1 : 3], box[y ? 0 : 2], box[x ? 3 : 1], box[y ? 2 : 0]};
}

static float least(float a, float b) { return a < b ? a : b; }

static float most(float a, float b) { return a > b ? a : b; }

/* Whether intersection / union is above the threshold; boxes without area overlap nothing. */
static bool overlap(corners a, corners b, float threshold) {
    const float width = least(a.x1, b.x1) - most(a.x0, b.x0), height = least(a.y1, b.y1) - most(a.y0, b.y0);
    if (!(width > 0 && height > 0))
        return false;
    const float common = width * height;
    const float area_a = (a.x1 - a.x0) * (a.y1 - a.y0), area_b = (b.x1 - b.x0) * (b.y1 - b.y0);
    const float either = area_a + area_b - common;
    return area_a > 0 && area_b > 0 && either > 0 && common / either > threshold;
}

static int by_score(const void *state, uint64_t a, uint64_t b) {
    const float *const scores = state;
    return (scores[a] < scores[b]) - (scores[a] > scores[b]);
}

typedef struct suppression {
    const float *boxes, *scores; /* [batches, n, 4], [batches, classes, n] */
    uint64_t batches, classes, n, most;
    float overlap, least_score;
    bool has_least, by_center;
    uint64_t *candidates, *chosen; /* [n] */
    oo_vec(int64_t) out;           /* triples */
} suppression;

static void suppress_class(suppression *s, uint64_t batch, uint64_t class) {
    const float *const boxes = s->boxes + batch * s->n * 4, *const scores =
                                                                s->scores + (batch * s->classes + class) * s->n;
    uint64_t count = 0, chosen = 0;
    for (uint64_t i = 0; i < s->n; i++)
        if (!s->has_least || scores[i] > s->least_score)
            s->candidates[count++] = i;
    oo__sort(s->candidates, count, by_score, scores);
    for (uint64_t i = 0; i < count && chosen < s->most; i++) {
        const corners box = corners_of(boxes + 4 * s->candidates[i], s->by_center);
        bool free_ = true;
        for (uint64_t k = 0; free_ && k < chosen; k++)
            free_ = !overlap(box, corners_of(boxes + 4 * s->chosen[k], s->by_center), s->overlap);
        if (!free_)
            continue;
        s->chosen[chosen++] = s->candidates[i];
        oo_vec_push(NULL, &s->out, (int64_t)batch);
        oo_vec_push(NULL, &s->out, (int64_t) class);
        oo_vec_push(NULL, &s->out, (int64_t)s->candidates[i]);
    }
}

static oo_array *suppress(suppression *s) {
    s->candidates = oo__malloc((2 * s->n + 1) * sizeof *s->candidates);
    s->chosen = s->candidates + s->n;
    for (uint64_t batch = 0; batch < s->batches; batch++)
        for (uint64_t class = 0; class < s->classes; class ++)
            suppress_class(s, batch, class);
    oo_array *const out = oo__array_new(OO_INT64, 2, (const int64_t[]){(int64_t)s->out.n / 3, 3});
    for (uint32_t i = 0; out && i < s->out.n; i++)
        ((int64_t *)out->data)[i] = s->out.data[i];
    oo_vec_free(&s->out);
    free(s->candidates);
    return out;
}

/* The one float of an optional input. False after an error. */
static bool threshold_of(const oo__call *c, uint32_t index, float *out, bool *given) {
    const oo_array *a;
    *out = 0;
    if (!oo__want(c, index, &a))
        return false;
    *given = a && a->count;
    if (*given && (a->elem != OO_FLOAT || a->count != 1)) {
        oo__eval_fail(c, "input %u is no single float", index);
        return false;
    }
    if (*given)
        *out = *(const float *)a->data;
    return true;
}

oo_status oo__kernel_non_max_suppression(oo__call *c) {
    const oo_array *boxes, *scores;
    suppression s = {.by_center = oo__int(c, "center_point_box", 0) != 0};
    int64_t limit;
    bool has_overlap;
    if (!oo__need(c, 0, &boxes) || !oo__need(c, 1, &scores) || !oo__integer_of(c, 2, 0, &limit) ||
        !threshold_of(c, 3, &s.overlap, &has_overlap) || !threshold_of(c, 4, &s.least_score, &s.has_least))
        return OO_INVALID;
    if (boxes->elem != OO_FLOAT || scores->elem != OO_FLOAT || boxes->rank != 3 || scores->rank != 3 ||
        boxes->dims[2] != 4 || boxes->dims[0] != scores->dims[0] || boxes->dims[1] != scores->dims[2])
        return oo__eval_fail(c, "boxes are no float [B, N, 4] or scores no float [B, C, N]");
    s.boxes = boxes->data;
    s.scores = scores->data;
    s.n = (uint64_t)boxes->dims[1];
    /* Without boxes or scores there is nothing to go through, whatever the other dimensions claim. */
    s.batches = boxes->count && scores->count ? (uint64_t)boxes->dims[0] : 0;
    s.classes = (uint64_t)scores->dims[1];
    s.n = s.batches ? s.n : 0;
    s.most = limit > 0 ? (uint64_t)limit : 0;
    return oo__set(c, 0, suppress(&s));
}
