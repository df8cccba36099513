#include "eval/lookup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Integers are kept whole: as doubles large ones would be equal. */
typedef struct key {
    oo_bytes text;
    double real;
    int64_t integer;
    uint32_t index;
} key;

typedef int (*order)(const void *a, const void *b);

struct oo__lookup {
    oo_array *keys;
    enum { TEXT, REAL, INTEGER } kind;
    order order;
    key *sorted;
    uint32_t count;
};

oo_array *oo__vector_of(const oo__call *c, const char *name) {
    const oo_attr *const a = oo__attr(c, name);
    if (a && a->type == OO_ATTR_TENSOR)
        return a->t->count ? oo__array_of_tensor(a->t) : NULL;
    if (!a || !a->count)
        return NULL;
    const oo_elem elem = a->type == OO_ATTR_INTS      ? OO_INT64
                         : a->type == OO_ATTR_FLOATS  ? OO_FLOAT
                         : a->type == OO_ATTR_STRINGS ? OO_STRING
                                                      : OO_UNDEFINED;
    if (elem == OO_UNDEFINED)
        return NULL;
    const int64_t dims[] = {a->count};
    oo_array *const out = oo__array_new(elem, 1, dims);
    if (out && elem != OO_STRING)
        memcpy(out->data, elem == OO_INT64 ? (const void *)a->ints : (const void *)a->floats,
               a->count * oo__array_width(elem));
    for (uint32_t i = 0; out && elem == OO_STRING && i < a->count; i++)
        oo__array_set_string(out, i, a->strings[i]);
    return out;
}

static int by_text(const void *a, const void *b) {
    const oo_bytes x = ((const key *)a)->text, y = ((const key *)b)->text;
    const size_t shared = x.size < y.size ? x.size : y.size;
    const int first = shared ? memcmp(x.data, y.data, shared) : 0;
    return first ? first : (x.size > y.size) - (x.size < y.size);
}

static int by_real(const void *a, const void *b) {
    const double x = ((const key *)a)->real, y = ((const key *)b)->real;
    if (isnan(x) || isnan(y))
        return (isnan(x) != 0) - (isnan(y) != 0);
    return (x > y) - (x < y);
}

static int by_integer(const void *a, const void *b) {
    const int64_t x = ((const key *)a)->integer, y = ((const key *)b)->integer;
    return (x > y) - (x < y);
}

/* Equal keys by index, for the last one to be found. */
static int by_text_and_index(const void *a, const void *b) {
    const int first = by_text(a, b);
    return first ? first : (((const key *)a)->index > ((const key *)b)->index) * 2 - 1;
}

static int by_real_and_index(const void *a, const void *b) {
    const int first = by_real(a, b);
    return first ? first : (((const key *)a)->index > ((const key *)b)->index) * 2 - 1;
}

static int by_integer_and_index(const void *a, const void *b) {
    const int first = by_integer(a, b);
    return first ? first : (((const key *)a)->index > ((const key *)b)->index) * 2 - 1;
}

static const struct {
    order search, sort;
} ORDERS[] = {{by_text, by_text_and_index}, {by_real, by_real_and_index}, {by_integer, by_integer_and_index}};

static key key_at(const oo__lookup *l, const oo_array *a, uint64_t i) {
    key k = {.index = (uint32_t)i};
    if (l->kind == TEXT)
        k.text = ((const oo_bytes *)a->data)[i];
    else if (l->kind == REAL)
        k.real = oo__array_double(a, i);
    else
        k.integer = oo__index(a, i);
    return k;
}

oo__lookup *oo__lookup_new(oo_array *keys) {
    if (!keys || keys->count >= UINT32_MAX || oo__is_complex(keys->elem)) {
        oo__array_release(keys);
        return NULL;
    }
    oo__lookup *const l = oo__malloc(sizeof *l);
    *l = (oo__lookup){.keys = keys, .count = (uint32_t)keys->count};
    l->kind = keys->elem == OO_STRING ? TEXT : oo__is_floating(keys->elem) ? REAL : INTEGER;
    l->order = ORDERS[l->kind].search;
    l->sorted = oo__malloc(l->count * sizeof *l->sorted + 1);
    for (uint32_t i = 0; i < l->count; i++)
        l->sorted[i] = key_at(l, keys, i);
    if (l->count)
        qsort(l->sorted, l->count, sizeof *l->sorted, ORDERS[l->kind].sort);
    return l;
}

void oo__lookup_free(oo__lookup *l) {
    if (!l)
        return;
    oo__array_release(l->keys);
    free(l->sorted);
    free(l);
}

bool oo__lookup_strings(const oo__lookup *l) { return l->kind == TEXT; }
uint64_t oo__lookup_count(const oo__lookup *l) { return l->count; }

int64_t oo__lookup_find(const oo__lookup *l, const oo_array *a, uint64_t i) {
    const key wanted = key_at(l, a, i);
    uint32_t low = 0, high = l->count; /* the first key that is greater */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (l->order(&l->sorted[middle], &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low && l->order(&l->sorted[low - 1], &wanted) == 0 ? (int64_t)l->sorted[low - 1].index : -1;
}
