#include "eval/move.h"

#include <math.h>
#include <string.h>

/* ---- inputs ---- */
bool oo__want(const oo__call *c, uint32_t index, const oo_array **out) {
    *out = NULL;
    if (index >= c->nin || !c->in[index])
        return true;
    *out = oo__in(c, index);
    if (*out && (*out)->rank > OO__MAX_RANK)
        oo__eval_unsupported(c, "input %u has %u dimensions; the evaluator takes %d", index, (*out)->rank,
                             OO__MAX_RANK);
    return *out && (*out)->rank <= OO__MAX_RANK;
}

bool oo__need(const oo__call *c, uint32_t index, const oo_array **out) {
    if (!oo__want(c, index, out))
        return false;
    if (!*out)
        oo__eval_fail(c, "input %u is missing", index);
    return *out;
}

bool oo__list_attr(const oo__call *c, const char *name, oo__list *out) {
    out->given = oo__attr(c, name) != NULL;
    const int64_t *const items = oo__ints(c, name, &out->count);
    if (out->count > OO__MAX_BOX) {
        oo__eval_unsupported(c, "attribute \"%s\" has %u items; the evaluator takes %d", name, out->count, OO__MAX_BOX);
        return false;
    }
    if (out->count)
        memcpy(out->items, items, out->count * sizeof *items);
    return true;
}

bool oo__list_of(const oo__call *c, uint32_t index, const char *name, oo__list *out) {
    const oo_array *a;
    *out = (oo__list){.given = false};
    if (!oo__want(c, index, &a))
        return false;
    if (!a)
        return !name || oo__list_attr(c, name, out);
    if (a->elem != OO_INT64 && a->elem != OO_INT32) {
        oo__eval_fail(c, "input %u is no tensor of integers", index);
        return false;
    }
    if (a->count > OO__MAX_BOX) {
        oo__eval_unsupported(c, "input %u has %llu items; the evaluator takes %d", index, (unsigned long long)a->count,
                             OO__MAX_BOX);
        return false;
    }
    out->given = true;
    out->count = (uint32_t)a->count;
    for (uint32_t i = 0; i < out->count; i++)
        out->items[i] = oo__array_int(a, i);
    return true;
}

bool oo__list_axes(const oo__call *c, oo__list *axes, uint32_t rank) {
    bool seen[OO__MAX_BOX] = {false};
    for (uint32_t i = 0; i < axes->count; i++) {
        const int64_t asked = axes->items[i];
        if (!oo__axis(&axes->items[i], rank)) {
            oo__eval_fail(c, "axis %lld is out of range for %u dimensions", (long long)asked, rank);
            return false;
        }
        if (seen[axes->items[i]]) {
            oo__eval_fail(c, "axis %lld is there twice", (long long)asked);
            return false;
        }
        seen[axes->items[i]] = true;
    }
    return true;
}

bool oo__integer_of(const oo__call *c, uint32_t index, int64_t absent, int64_t *out) {
    const oo_array *a;
    *out = absent;
    if (!oo__want(c, index, &a))
        return false;
    if (!a)
        return true;
    if (a->count != 1 || a->elem == OO_STRING || oo__is_complex(a->elem)) {
        oo__eval_fail(c, "input %u is no single number", index);
        return false;
    }
    *out = oo__index(a, 0);
    return true;
}

/* ---- numbers ---- */
uint64_t oo__product(const int64_t *dims, uint32_t first, uint32_t last) {
    uint64_t product = 1;
    for (uint32_t i = first; i < last; i++)
        product *= (uint64_t)dims[i];
    return product;
}

int64_t oo__times(int64_t a, int64_t b) { return b && a > INT64_MAX / b ? INT64_MAX : a * b; }

int64_t oo__plus(int64_t a, int64_t b) { return a > INT64_MAX - b ? INT64_MAX : a + b; }

int64_t oo__truncate(double value) {
    if (isnan(value))
        return 0;
    if (value >= 9223372036854775808.0)
        return INT64_MAX;
    return value < -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
}

bool oo__is_complex(oo_elem elem) { return elem == OO_COMPLEX64 || elem == OO_COMPLEX128; }

bool oo__is_floating(oo_elem elem) {
    switch (elem) {
    case OO_FLOAT:
    case OO_DOUBLE:
    case OO_FLOAT16:
    case OO_BFLOAT16:
    case OO_FLOAT8E4M3FN:
    case OO_FLOAT8E4M3FNUZ:
    case OO_FLOAT8E5M2:
    case OO_FLOAT8E5M2FNUZ:
    case OO_FLOAT8E8M0:
    case OO_FLOAT6E2M3:
    case OO_FLOAT6E3M2:
    case OO_FLOAT4E2M1: return true;
    default: return false;
    }
}

int64_t oo__index(const oo_array *a, uint64_t i) {
    return oo__is_floating(a->elem) ? oo__truncate(oo__array_double(a, i)) : oo__array_int(a, i);
}

bool oo__truth(const oo_array *a, uint64_t i) {
    switch (a->elem) {
    case OO_STRING: return ((const oo_bytes *)a->data)[i].size != 0;
    case OO_COMPLEX64: return ((const float *)a->data)[2 * i] != 0 || ((const float *)a->data)[2 * i + 1] != 0;
    case OO_COMPLEX128: return ((const double *)a->data)[2 * i] != 0 || ((const double *)a->data)[2 * i + 1] != 0;
    default: return oo__is_floating(a->elem) ? oo__array_double(a, i) != 0 : oo__array_int(a, i) != 0;
    }
}

/* ---- elements ---- */
void oo__strides(int64_t *strides, uint32_t rank, const int64_t *dims) {
    uint64_t step = 1; /* unsigned: of an empty array the others may be anything */
    for (uint32_t i = rank; i-- > 0;) {
        strides[i] = (int64_t)step;
        step *= (uint64_t)dims[i];
    }
}

void oo__copy_run(oo_array *out, uint64_t to, const oo_array *in, uint64_t from, uint64_t count) {
    const uint32_t width = oo__array_width(out->elem);
    if (out->elem != OO_STRING) {
        memcpy((char *)out->data + to * width, (const char *)in->data + from * width, count * width);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        oo__array_set_string(out, to + i, ((const oo_bytes *)in->data)[from + i]);
}

void oo__fill(oo_array *out, const oo_array *value, uint64_t i) {
    const int64_t dims[] = {(int64_t)out->count};
    oo__copy_box(out, &(oo__place){0, {1}}, value, &(oo__place){(int64_t)i, {0}}, 1, dims);
}

void oo__fill_zero(oo_array *out) {
    if (out->elem != OO_STRING)
        memset(out->data, 0, out->count * oo__array_width(out->elem));
}

/* Goes on to the next index of `rank` dimensions; the last one counts first. */
static void next_index(int64_t *index, uint32_t rank, const int64_t *dims) {
    for (uint32_t k = rank; k-- > 0;) {
        if (++index[k] < dims[k])
            return;
        index[k] = 0;
    }
}

void oo__copy_mapped(oo_array *out, const oo_array *in, const int64_t *const *maps) {
    if (!out->count || !in->count)
        return;
    int64_t steps[OO__MAX_RANK] = {0};
    oo__strides(steps, in->rank, in->dims);
    uint32_t mapped = out->rank; /* dimensions up to the last one with a map; what is behind them moves in one piece */
    while (mapped && !maps[mapped - 1])
        mapped--;
    const uint64_t piece = oo__product(out->dims, mapped, out->rank);
    const uint64_t pieces = out->count / piece;
    int64_t index[OO__MAX_RANK] = {0};
    for (uint64_t p = 0; p < pieces; p++, next_index(index, mapped, out->dims)) {
        int64_t from = 0;
        for (uint32_t k = 0; k < mapped && from >= 0; k++) {
            const int64_t i = maps[k] ? maps[k][index[k]] : index[k];
            from = i < 0 ? -1 : from + i * steps[k];
        }
        if (from >= 0)
            oo__copy_run(out, p * piece, in, (uint64_t)from, piece);
    }
}

/* ---- outputs ---- */
oo_status oo__set_view(oo__call *c, const oo_array *in, uint32_t rank, const int64_t *dims) {
    oo_array *const view = oo__array_view((oo_array *)(uintptr_t)in, rank, dims);
    if (!view)
        return oo__eval_fail(c, "the new shape has not as many elements as the input (%llu)",
                             (unsigned long long)in->count);
    return oo__set(c, 0, view);
}

oo_status oo__set_same(oo__call *c, const oo_array *in) {
    return oo__set(c, 0, oo__array_retain((oo_array *)(uintptr_t)in));
}
