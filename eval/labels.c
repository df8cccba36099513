/* Operators of ai.onnx.ml that replace elements by others from a list: LabelEncoder, CategoryMapper, OneHotEncoder. */
#include "eval/kernels.h"
#include "eval/lookup.h"

#include <stdio.h>
#include <string.h>

/* Replaces each element by the value at the place where the keys have it, or by the element of `fallback`. Takes all references; NULL
 * of any of them is an error. */
static oo_status replace(oo__call *c, oo_array *keys, oo_array *values, oo_array *fallback) {
    const oo_array *in;
    oo_status status = oo__need(c, 0, &in) ? OO_OK : OO_INVALID;
    const bool fits = keys && values && fallback && keys->count == values->count && fallback->count == 1 &&
                      fallback->elem == values->elem;
    oo__lookup *const lookup = oo__lookup_new(keys);
    if (status == OO_OK && (!fits || !lookup))
        status = oo__eval_fail(c, "keys, values and default do not fit each other");
    else if (status == OO_OK && ((in->elem == OO_STRING) != oo__lookup_strings(lookup) || oo__is_complex(in->elem)))
        status = oo__eval_fail(c, "the keys are not of the input's type");
    if (status == OO_OK) {
        oo_array *const out = oo__array_new(values->elem, in->rank, in->dims);
        for (uint64_t i = 0; out && i < in->count; i++) {
            const int64_t at = oo__lookup_find(lookup, in, i);
            oo__copy_run(out, i, at < 0 ? fallback : values, at < 0 ? 0 : (uint64_t)at, 1);
        }
        status = oo__set(c, 0, out);
    }
    oo__lookup_free(lookup);
    oo__array_release(values);
    oo__array_release(fallback);
    return status;
}

static oo_array *string_scalar(const char *text) {
    oo_array *const a = oo__array_new(OO_STRING, 0, NULL);
    oo__array_set_string(a, 0, (oo_bytes){(const uint8_t *)text, strlen(text)});
    return a;
}

/* What the attributes default_string, default_int64 and default_float say for values of a type. */
static oo_array *fallback_of(const oo__call *c, oo_elem elem) {
    const oo_attr *const text = oo__attr(c, "default_string");
    oo_array *const a = elem == OO_STRING ? string_scalar("_Unused") : oo__array_new(elem, 0, NULL);
    if (elem == OO_STRING && text && text->type == OO_ATTR_STRING)
        oo__array_set_string(a, 0, text->s);
    else if (oo__is_floating(elem))
        oo__array_set_double(a, 0, oo__float(c, "default_float", -0.0));
    else if (elem != OO_STRING)
        oo__array_set_int(a, 0, oo__int(c, "default_int64", -1));
    return a;
}

/* 0, 1, 2 ... */
static oo_array *counted(uint64_t n) {
    const int64_t dims[] = {(int64_t)n};
    oo_array *const a = oo__array_new(OO_INT64, 1, dims);
    for (uint64_t i = 0; a && i < n; i++)
        ((int64_t *)a->data)[i] = (int64_t)i;
    return a;
}

/* Strings to integers, or back when the input has integers. */
static oo_status translate(oo__call *c, oo_array *strings, oo_array *ints) {
    const oo_array *const in = oo__in(c, 0);
    const bool from_strings = in && in->elem == OO_STRING;
    return replace(c, from_strings ? strings : ints, from_strings ? ints : strings,
                   fallback_of(c, from_strings ? OO_INT64 : OO_STRING));
}

/* The first of the attributes prefix_tensor, prefix_strings, prefix_int64s, prefix_floats that is there. */
static oo_array *column_of(const oo__call *c, const char *prefix) {
    static const char *const KINDS[] = {"tensor", "strings", "int64s", "floats"};
    char name[32];
    for (uint32_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s_%s", prefix, KINDS[i]);
        oo_array *const a = oo__vector_of(c, name);
        if (a)
            return a;
    }
    return NULL;
}

oo_status oo__kernel_label_encoder(oo__call *c) {
    if (c->schema->since < 2) {
        oo_array *const classes = oo__vector_of(c, "classes_strings");
        return translate(c, classes, counted(classes ? classes->count : 0));
    }
    oo_array *const values = column_of(c, "values");
    oo_array *fallback = c->schema->since < 4 ? NULL : oo__vector_of(c, "default_tensor");
    if (!fallback && values && !oo__is_complex(values->elem))
        fallback = fallback_of(c, values->elem);
    return replace(c, column_of(c, "keys"), values, fallback);
}

oo_status oo__kernel_category_mapper(oo__call *c) {
    return translate(c, oo__vector_of(c, "cats_strings"), oo__vector_of(c, "cats_int64s"));
}

/* ---- OneHotEncoder ---- */
/* Numbers are cut to integers before they are looked up. */
static oo_status encode(oo__call *c, const oo_array *in, const oo__lookup *categories) {
    int64_t dims[OO__MAX_RANK + 1];
    memcpy(dims, in->dims, in->rank * sizeof *dims);
    const uint64_t count = oo__lookup_count(categories);
    dims[in->rank] = (int64_t)count;
    oo_array *const out = oo__array_new(OO_FLOAT, in->rank + 1, dims);
    if (out)
        oo__fill_zero(out);
    for (uint64_t i = 0; out && i < in->count; i++) {
        const int64_t at = oo__lookup_find(categories, in, i);
        if (at >= 0) {
            ((float *)out->data)[i * count + (uint64_t)at] = 1;
        } else if (!oo__int(c, "zeros", 1)) {
            oo__array_release(out);
            return oo__eval_fail(c, "element %llu is no known category", (unsigned long long)i);
        }
    }
    return oo__set(c, 0, out);
}

oo_status oo__kernel_one_hot_encoder(oo__call *c) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    if (in->rank == OO__MAX_RANK || oo__is_complex(in->elem))
        return oo__eval_unsupported(c, "an input of %u dimensions, or of complex numbers", in->rank);
    oo__lookup *const categories =
        oo__lookup_new(oo__vector_of(c, in->elem == OO_STRING ? "cats_strings" : "cats_int64s"));
    const oo_status status = categories && oo__lookup_strings(categories) == (in->elem == OO_STRING)
                                 ? encode(c, in, categories)
                                 : oo__eval_fail(c, "there are no categories of the input's type");
    oo__lookup_free(categories);
    return status;
}
