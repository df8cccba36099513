/* Operators that find elements: TopK, Unique, NonZero. */
#include "eval/kernels.h"
#include "eval/move.h"
#include "eval/sort.h"

#include <stdlib.h>
#include <string.h>

/* ---- TopK ---- */
/* One line along the axis: element i lies at start + i * step. */
typedef struct line {
    const oo_array *x;
    uint64_t start, step;
    bool largest;
} line;

static int by_rank(const void *state, uint64_t a, uint64_t b) {
    const line *const l = state;
    const int order = oo__compare(l->x, l->start + a * l->step, l->start + b * l->step);
    return l->largest ? -order : order;
}

typedef struct top {
    const oo_array *x;
    oo_array *values, *indices;
    uint64_t dim, k, inner;
    bool largest;
} top;

static void top_of_lines(void *state, uint64_t first, uint64_t last) {
    const top *const t = state;
    uint64_t *const items = oo__malloc((t->dim + 1) * sizeof *items);
    for (uint64_t n = first; n < last; n++) {
        const uint64_t outer = n / t->inner, inside = n % t->inner;
        const line l = {t->x, outer * t->dim * t->inner + inside, t->inner, t->largest};
        for (uint64_t i = 0; i < t->dim; i++)
            items[i] = i;
        oo__sort(items, t->dim, by_rank, &l);
        for (uint64_t i = 0; i < t->k; i++) {
            const uint64_t at = (outer * t->k + i) * t->inner + inside;
            oo__copy_run(t->values, at, t->x, l.start + items[i] * l.step, 1);
            ((int64_t *)t->indices->data)[at] = (int64_t)items[i];
        }
    }
    free(items);
}

/* TopK, versions 1 (attribute k), 10 (input), 11 (largest, sorted), 24: always sorted, which is one of the orders that sorted=0 allows. */
oo_status oo__kernel_top_k(oo__call *c) {
    const oo_array *x;
    int64_t k, axis = oo__int(c, "axis", -1), dims[OO__MAX_RANK];
    if (!oo__need(c, 0, &x) || !oo__integer_of(c, 1, oo__int(c, "k", -1), &k))
        return OO_INVALID;
    if (!oo__axis(&axis, x->rank))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", x->rank);
    if (k < 0 || k > x->dims[axis])
        return oo__eval_fail(c, "K is %lld of %lld", (long long)k, (long long)x->dims[axis]);
    memcpy(dims, x->dims, x->rank * sizeof *dims);
    dims[axis] = k;
    oo_array *const values = oo__array_new(x->elem, x->rank, dims), *const indices =
                                                                        oo__array_new(OO_INT64, x->rank, dims);
    if (values && indices && values->count) {
        const uint64_t dim = (uint64_t)x->dims[axis];
        top t = {x,
                 values,
                 indices,
                 dim,
                 (uint64_t)k,
                 oo__product(x->dims, (uint32_t)axis + 1, x->rank),
                 oo__int(c, "largest", 1) != 0};
        oo__parallel(x->count / dim, (1 << 14) / dim + 1, top_of_lines, &t);
    }
    const oo_status status = oo__set(c, 0, values);
    if (status == OO_OK)
        return oo__set(c, 1, indices);
    oo__array_release(indices);
    return status;
}

/* ---- Unique ---- */
/* Slices along one dimension: element (o, i) of slice s lies at (o * dim + s) * inner + i. */
typedef struct slices {
    const oo_array *x;
    uint64_t outer, dim, inner;
} slices;

static int by_content(const void *state, uint64_t a, uint64_t b) {
    const slices *const s = state;
    for (uint64_t o = 0; o < s->outer; o++)
        for (uint64_t i = 0; i < s->inner; i++) {
            const int order = oo__compare(s->x, (o * s->dim + a) * s->inner + i, (o * s->dim + b) * s->inner + i);
            if (order)
                return order;
        }
    return 0;
}

static int by_number(const void *state, uint64_t a, uint64_t b) {
    const uint64_t *const number = state;
    return (number[a] > number[b]) - (number[a] < number[b]);
}

/* Groups of equal slices: [count] each. */
typedef struct groups {
    uint64_t count;
    uint64_t *first; /* the first slice of each group */
    uint64_t *size;
    uint64_t *of; /* [dim]: the group of each slice */
} groups;

static groups *group(const slices *s) {
    groups *const g = oo__malloc(sizeof *g + 3 * (s->dim + 1) * sizeof(uint64_t));
    uint64_t *const room = (uint64_t *)(g + 1), *const order = oo__malloc((s->dim + 1) * sizeof *order);
    *g = (groups){0, room, room + s->dim + 1, room + 2 * (s->dim + 1)};
    for (uint64_t i = 0; i < s->dim; i++)
        order[i] = i;
    oo__sort(order, s->dim, by_content, s);
    for (uint64_t i = 0; i < s->dim; i++) {
        if (i == 0 || by_content(s, order[i - 1], order[i]) != 0) {
            g->first[g->count] = order[i]; /* the sort is stable: the lowest of its group */
            g->size[g->count++] = 0;
        }
        g->size[g->count - 1]++;
        g->of[order[i]] = g->count - 1;
    }
    free(order);
    return g;
}

/* Output `index`: values[order[0]], values[order[1]], ... */
static oo_status set_numbers(oo__call *c, uint32_t index, uint64_t count, const uint64_t *values,
                             const uint64_t *order) {
    if (index >= c->nout)
        return OO_OK;
    oo_array *const out = oo__array_new(OO_INT64, 1, (const int64_t[]){(int64_t)count});
    for (uint64_t i = 0; out && i < count; i++)
        ((int64_t *)out->data)[i] = (int64_t)values[order ? order[i] : i];
    return oo__set(c, index, out);
}

static oo_status set_groups(oo__call *c, const slices *s, const groups *g, const uint64_t *order, uint32_t rank,
                            int64_t *dims, uint32_t axis) {
    dims[axis] = (int64_t)g->count;
    oo_array *const out = oo__array_new(s->x->elem, rank, dims);
    for (uint64_t o = 0; out && out->count && o < s->outer; o++)
        for (uint64_t k = 0; k < g->count; k++)
            oo__copy_run(out, (o * g->count + k) * s->inner, s->x, (o * s->dim + g->first[order[k]]) * s->inner,
                         s->inner);
    oo_status status = oo__set(c, 0, out);
    uint64_t *const place = oo__malloc((g->count + s->dim + 1) * sizeof *place), *const inverse = place + g->count;
    for (uint64_t k = 0; k < g->count; k++)
        place[order[k]] = k;
    for (uint64_t i = 0; i < s->dim; i++)
        inverse[i] = place[g->of[i]];
    if (status == OO_OK)
        status = set_numbers(c, 1, g->count, g->first, order);
    if (status == OO_OK)
        status = set_numbers(c, 2, s->dim, inverse, NULL);
    if (status == OO_OK)
        status = set_numbers(c, 3, g->count, g->size, order);
    free(place);
    return status;
}

oo_status oo__kernel_unique(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    const bool flat = !oo__attr(c, "axis");
    int64_t axis = oo__int(c, "axis", 0), dims[OO__MAX_RANK] = {(int64_t)x->count};
    if (!flat && !oo__axis(&axis, x->rank))
        return oo__eval_fail(c, "axis is out of range for %u dimensions", x->rank);
    if (!flat)
        memcpy(dims, x->dims, x->rank * sizeof *dims);
    const uint32_t rank = flat ? 1 : x->rank;
    const slices s = {x, oo__product(dims, 0, (uint32_t)axis), (uint64_t)dims[axis],
                      oo__product(dims, (uint32_t)axis + 1, rank)};
    if (s.dim && !x->count)
        return oo__eval_fail(c, "the slices along axis %lld are empty", (long long)axis);
    groups *const g = group(&s);
    uint64_t *const order = oo__malloc((g->count + 1) * sizeof *order);
    for (uint64_t k = 0; k < g->count; k++)
        order[k] = k;
    if (!oo__int(c, "sorted", 1))
        oo__sort(order, g->count, by_number, g->first);
    const oo_status status = set_groups(c, &s, g, order, rank, dims, (uint32_t)axis);
    free(order);
    free(g);
    return status;
}

/* ---- NonZero ---- */
/* [rank, N]: the coordinates, a column each; of a scalar [0, N]. */
oo_status oo__kernel_non_zero(oo__call *c) {
    const oo_array *x;
    if (!oo__need(c, 0, &x))
        return OO_INVALID;
    int64_t count = 0;
    for (uint64_t i = 0; i < x->count; i++)
        count += oo__truth(x, i);
    oo_array *const out = oo__array_new(OO_INT64, 2, (const int64_t[]){(int64_t)x->rank, count});
    int64_t column = 0;
    for (uint64_t i = 0; out && column < count; i++) {
        if (!oo__truth(x, i))
            continue;
        uint64_t rest = i;
        for (uint32_t k = x->rank; k-- > 0;) {
            ((int64_t *)out->data)[(int64_t)k * count + column] = (int64_t)(rest % (uint64_t)x->dims[k]);
            rest /= (uint64_t)x->dims[k];
        }
        column++;
    }
    return oo__set(c, 0, out);
}
