/* Operators of ai.onnx.ml on maps: CastMap, DictVectorizer, ZipMap. */
#include "eval/kernels.h"
#include "eval/lookup.h"
#include "eval/scores.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */
/* Input 0 as a map of single elements of one type. */
static oo_status map_in(const oo__call *c, const oo_datum **out) {
    const oo_datum *const d = c->nin ? c->in[0] : NULL;
    if (!d || d->kind != OO_DATUM_MAP || !d->array || d->array->count != d->nitems)
        return oo__eval_fail(c, "the input is no map");
    for (uint32_t i = 0; i < d->nitems; i++) {
        const oo_array *const a = d->items[i]->kind == OO_DATUM_TENSOR ? d->items[i]->array : NULL;
        if (!a || a->count != 1 || a->elem != d->items[0]->array->elem || oo__is_complex(a->elem))
            return oo__eval_fail(c, "a value of the map is no single element, or of another type than the first one");
    }
    *out = d;
    return OO_OK;
}

/* ---- CastMap ---- */
typedef struct entry {
    int64_t key;
    const oo_array *value;
} entry;

static int by_key(const void *a, const void *b) {
    const int64_t x = ((const entry *)a)->key, y = ((const entry *)b)->key;
    return (x > y) - (x < y);
}

/* The text of element 0 as a number; false when it is none. */
static bool number_of(const oo_array *a, bool integer, double *real, int64_t *whole) {
    const oo_bytes s = ((const oo_bytes *)a->data)[0];
    const char *const text = s.size ? (const char *)s.data : "";
    char *end;
    errno = 0;
    if (integer)
        *whole = strtoll(text, &end, 10);
    else
        *real = strtod(text, &end);
    return end != text && !(integer && errno);
}

static oo_status put_cast(const oo__call *c, oo_array *out, uint64_t i, const oo_array *value) {
    double real = 0;
    int64_t whole = 0;
    if (out->elem == OO_STRING && value->elem == OO_STRING) {
        oo__copy_run(out, i, value, 0, 1);
    } else if (out->elem == OO_STRING) {
        char text[400];
        snprintf(text, sizeof text, "%f", oo__array_double(value, 0));
        oo__array_set_string(out, i, (oo_bytes){(const uint8_t *)text, strlen(text)});
    } else if (value->elem == OO_STRING && !number_of(value, out->elem == OO_INT64, &real, &whole)) {
        const oo_bytes s = ((const oo_bytes *)value->data)[0];
        return oo__eval_fail(c, "\"%s\" is no number", oo__printable((const char *)s.data, s.size));
    } else if (out->elem == OO_INT64) {
        oo__array_set_int(out, i, value->elem == OO_STRING ? whole : oo__index(value, 0));
    } else {
        oo__array_set_double(out, i, value->elem == OO_STRING ? real : oo__array_double(value, 0));
    }
    return OO_OK;
}

static oo_status cast_entries(oo__call *c, const entry *entries, uint32_t n, oo_elem elem, bool dense) {
    const int64_t dims[] = {1, dense ? (int64_t)n : oo__int(c, "max_map", 1)};
    oo_array *const out = oo__array_new(elem, 2, dims);
    oo_status status = OO_OK;
    for (uint64_t i = 0; out && elem == OO_STRING && i < out->count; i++)
        oo__array_set_string(out, i, (oo_bytes){(const uint8_t *)"0.f", 3});
    if (out && elem != OO_STRING)
        oo__fill_zero(out);
    for (uint32_t i = 0; out && i < n && status == OO_OK; i++) {
        if (!dense && entries[i].key < 0)
            status = oo__eval_fail(c, "the key %" PRId64 " is negative", entries[i].key);
        else if (dense || entries[i].key < dims[1])
            status = put_cast(c, out, dense ? i : (uint64_t)entries[i].key, entries[i].value);
    }
    if (status == OO_OK)
        return oo__set(c, 0, out);
    oo__array_release(out);
    return status;
}

oo_status oo__kernel_cast_map(oo__call *c) {
    const oo_datum *map;
    OO_TRY(map_in(c, &map));
    const char *const to = oo__string(c, "cast_to", "TO_FLOAT"), *const form = oo__string(c, "map_form", "DENSE");
    const oo_elem elem = strcmp(to, "TO_FLOAT") == 0    ? OO_FLOAT
                         : strcmp(to, "TO_INT64") == 0  ? OO_INT64
                         : strcmp(to, "TO_STRING") == 0 ? OO_STRING
                                                        : OO_UNDEFINED;
    const bool dense = strcmp(form, "DENSE") == 0;
    if (map->array->elem != OO_INT64 || elem == OO_UNDEFINED || (!dense && strcmp(form, "SPARSE") != 0))
        return oo__eval_fail(c, "the keys are no int64, or cast_to or map_form is unknown");
    entry *const entries = oo__malloc(map->nitems * sizeof *entries + 1);
    for (uint32_t i = 0; i < map->nitems; i++)
        entries[i] = (entry){((const int64_t *)map->array->data)[i], map->items[i]->array};
    if (map->nitems)
        qsort(entries, map->nitems, sizeof *entries, by_key);
    const oo_status status = cast_entries(c, entries, map->nitems, elem, dense);
    free(entries);
    return status;
}

/* ---- DictVectorizer ---- */
oo_status oo__kernel_dict_vectorizer(oo__call *c) {
    const oo_datum *map;
    OO_TRY(map_in(c, &map));
    oo_array *const words = oo__vector_of(c, map->array->elem == OO_STRING ? "string_vocabulary" : "int64_vocabulary");
    if (!words || (words->elem == OO_STRING) != (map->array->elem == OO_STRING) || oo__is_complex(words->elem)) {
        oo__array_release(words);
        return oo__eval_fail(c, "there is no vocabulary of the keys' type");
    }
    const int64_t dims[] = {1, (int64_t)words->count};
    const oo_elem elem = map->nitems ? map->items[0]->array->elem : map->elem != OO_UNDEFINED ? map->elem : OO_FLOAT;
    oo_array *const out = oo__array_new(elem, 2, dims);
    oo__lookup *const keys = oo__lookup_new(oo__array_retain(map->array));
    if (out)
        oo__fill_zero(out);
    for (uint64_t i = 0; out && keys && i < words->count; i++) {
        const int64_t at = oo__lookup_find(keys, words, i);
        if (at >= 0)
            oo__copy_run(out, i, map->items[at]->array, 0, 1);
    }
    oo__lookup_free(keys);
    oo__array_release(words);
    return oo__set(c, 0, out);
}

/* ---- ZipMap ---- */
/* A map from the labels to the numbers of one row. */
static oo_datum *zipped(oo_array *labels, const uint32_t *order, const oo__rows *rows, uint64_t row) {
    oo_datum **const values = oo__malloc(rows->features * sizeof *values + 1);
    for (uint64_t k = 0; k < rows->features; k++) {
        oo_array *const value = oo__array_new(rows->x->elem, 0, NULL);
        oo__copy_run(value, 0, rows->x, row * rows->features + order[k], 1);
        values[k] = oo__datum_tensor(value);
    }
    oo_datum *const map = oo__datum_sequence((uint32_t)rows->features, values, rows->x->elem);
    map->kind = OO_DATUM_MAP;
    map->array = oo__array_retain(labels);
    for (uint64_t k = 0; k < rows->features; k++)
        oo__datum_release(values[k]);
    free(values);
    return map;
}

typedef struct place {
    const oo__classes *classes;
    uint32_t index;
} place;

static int by_label(const void *a, const void *b) {
    const place *const x = a, *const y = b;
    if (!x->classes->strings) {
        const int64_t i = x->classes->ints[x->index], j = y->classes->ints[y->index];
        return (i > j) - (i < j);
    }
    const oo_bytes s = x->classes->strings[x->index], t = y->classes->strings[y->index];
    const size_t shared = s.size < t.size ? s.size : t.size;
    const int first = shared ? memcmp(s.data, t.data, shared) : 0;
    return first ? first : (s.size > t.size) - (s.size < t.size);
}

/* Maps have their keys in order. */
static oo_array *sorted_labels(const oo__classes *classes, uint32_t *order) {
    place *const places = oo__malloc(classes->count * sizeof *places + 1);
    for (uint32_t i = 0; i < classes->count; i++)
        places[i] = (place){classes, i};
    if (classes->count)
        qsort(places, classes->count, sizeof *places, by_label);
    oo_array *const labels = oo__labels_new(classes, classes->count);
    for (uint32_t i = 0; i < classes->count; i++) {
        order[i] = places[i].index;
        if (labels)
            oo__label_set(labels, i, classes, order[i]);
    }
    free(places);
    return labels;
}

oo_status oo__kernel_zip_map(oo__call *c) {
    enum { MOST = 1 << 24 };
    oo__rows rows;
    oo__classes classes;
    OO_TRY(oo__rows_in(c, &rows));
    OO_TRY(oo__classes_of(c, "classlabels_strings", "classlabels_int64s", &classes));
    if (classes.count != rows.features || !classes.count)
        return oo__eval_fail(c, "there are %u labels for %llu columns", classes.count,
                             (unsigned long long)rows.features);
    if (rows.count > MOST || rows.x->count > MOST)
        return oo__eval_unsupported(c, "maps of more than %d numbers", MOST);
    uint32_t *const order = oo__malloc(classes.count * sizeof *order);
    oo_datum **const maps = oo__malloc(rows.count * sizeof *maps + 1);
    oo_array *const labels = sorted_labels(&classes, order);
    for (uint64_t i = 0; i < rows.count; i++)
        maps[i] = zipped(labels, order, &rows, i);
    if (c->nout)
        c->out[0] = oo__datum_sequence((uint32_t)rows.count, maps, OO_UNDEFINED);
    for (uint64_t i = 0; i < rows.count; i++)
        oo__datum_release(maps[i]);
    oo__array_release(labels);
    free(maps);
    free(order);
    return OO_OK;
}
