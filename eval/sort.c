#include "eval/sort.h"

#include "eval/move.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_reals(double x, double y) {
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

static int compare_strings(oo_bytes a, oo_bytes b) {
    const size_t shorter = a.size < b.size ? a.size : b.size;
    const int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* The parts of complex element i. */
static void parts_of(const oo_array *a, uint64_t i, double *parts) {
    for (uint64_t k = 0; k < 2; k++)
        parts[k] = a->elem == OO_COMPLEX64 ? (double)((const float *)a->data)[2 * i + k]
                                           : ((const double *)a->data)[2 * i + k];
}

int oo__compare(const oo_array *a, uint64_t i, uint64_t j) {
    if (a->elem == OO_FLOAT)
        return compare_reals((double)((const float *)a->data)[i], (double)((const float *)a->data)[j]);
    if (a->elem == OO_STRING)
        return compare_strings(((const oo_bytes *)a->data)[i], ((const oo_bytes *)a->data)[j]);
    if (oo__is_floating(a->elem))
        return compare_reals(oo__array_double(a, i), oo__array_double(a, j));
    if (oo__is_complex(a->elem)) {
        double x[2], y[2];
        parts_of(a, i, x);
        parts_of(a, j, y);
        const int order = compare_reals(x[0], y[0]);
        return order ? order : compare_reals(x[1], y[1]);
    }
    const int64_t x = oo__array_int(a, i), y = oo__array_int(a, j);
    if (a->elem == OO_UINT64)
        return ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y);
    return (x > y) - (x < y);
}

/* Merges the sorted runs from[first .. middle) and from[middle .. last). */
static void merge(uint64_t *to, const uint64_t *from, uint64_t first, uint64_t middle, uint64_t last,
                  int (*order)(const void *state, uint64_t a, uint64_t b), const void *state) {
    uint64_t i = first, j = middle;
    for (uint64_t k = first; k < last; k++) {
        const bool left = i < middle && (j >= last || order(state, from[i], from[j]) <= 0);
        to[k] = left ? from[i++] : from[j++];
    }
}

void oo__sort(uint64_t *items, uint64_t count, int (*order)(const void *state, uint64_t a, uint64_t b),
              const void *state) {
    if (count < 2)
        return;
    uint64_t *const room = oo__malloc(count * sizeof *room), *from = items, *to = room;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t first = 0; first < count; first += 2 * width) {
            const uint64_t middle = first + width < count ? first + width : count;
            merge(to, from, first, middle, middle + width < count ? middle + width : count, order, state);
        }
        uint64_t *const other = from;
        from = to;
        to = other;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
    free(room);
}
