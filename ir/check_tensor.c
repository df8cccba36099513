/* Checks of constant data: element type, the field that holds it, how much there is, indices of sparse tensors. */
#include "ir/check_run.h"

#include <inttypes.h>
#include <string.h>

/* The field that holds a type when it is not raw_data. */
static oo_storage field_of(int32_t elem) {
    switch (elem) {
    case OO_FLOAT:
    case OO_COMPLEX64: return OO_STORE_FLOATS;
    case OO_DOUBLE:
    case OO_COMPLEX128: return OO_STORE_DOUBLES;
    case OO_INT64: return OO_STORE_INT64S;
    case OO_UINT32:
    case OO_UINT64: return OO_STORE_UINT64S;
    case OO_STRING: return OO_STORE_STRINGS;
    default: return OO_STORE_INT32S;
    }
}

static const char *const fields[] = {
    [OO_STORE_NONE] = "no field",        [OO_STORE_RAW] = "raw_data",         [OO_STORE_FLOATS] = "float_data",
    [OO_STORE_INT32S] = "int32_data",    [OO_STORE_INT64S] = "int64_data",    [OO_STORE_DOUBLES] = "double_data",
    [OO_STORE_UINT64S] = "uint64_data",  [OO_STORE_STRINGS] = "string_data",  [OO_STORE_EXTERNAL] = "another file",
    [OO_STORE_LAZY] = "nowhere yet",
};

static void check_field(oo__check_run *c, const oo_tensor *t, const oo_value *value, const char *what) {
    const char *const type = oo__elem_name(t->elem);
    if (t->storage == OO_STORE_NONE && t->count)
        oo__tell(c, DEFECT_TENSOR_DATA, value, "%sthe tensor holds no data where its dimensions ask for %" PRIu64 " elements", what, t->count);
    else if (t->storage == OO_STORE_RAW && t->elem == OO_STRING)
        oo__tell(c, DEFECT_TENSOR_DATA, value, "%sstrings cannot be in raw_data", what);
    else if (t->storage >= OO_STORE_FLOATS && t->storage <= OO_STORE_STRINGS && t->storage != field_of(t->elem))
        oo__tell(c, DEFECT_TENSOR_DATA, value, "%sthe tensor is of type %s and holds its data in %s, not in raw_data or %s", what, type,
                 fields[t->storage], fields[field_of(t->elem)]);
    else if (t->storage == OO_STORE_EXTERNAL && t->elem == OO_STRING)
        oo__tell(c, DEFECT_TENSOR_DATA, value, "%sstrings cannot be in another file", what);
}

static const uint8_t *payload_of(const oo_tensor *t) {
    const oo_payload *const p = &t->payload;
    return p->source ? p->source->bytes + p->offset : p->memory;
}

/* Six bits an element: packed, what is left of the last byte is zero; as numbers, each is one byte of the wire below 64. */
static void check_six_bits(oo__check_run *c, const oo_tensor *t, const oo_value *value, const char *what) {
    const uint8_t *const data = payload_of(t);
    const uint64_t size = t->payload.size, bits = oo__elem_bits(t->elem);
    if (bits != 6 || !size || !data)
        return;
    if (t->storage == OO_STORE_RAW && size == oo_tensor_size(t) && t->count * bits % 8 && data[size - 1] >> (t->count * bits % 8))
        oo__tell(c, DEFECT_TENSOR_DATA, value, "%sthe last byte of the tensor has bits that belong to no element", what);
    for (uint64_t i = 0; t->storage == OO_STORE_INT32S && i < size; i++) {
        if (data[i] < 64)
            continue;
        oo__tell(c, DEFECT_TENSOR_DATA, value, "%sa number of the tensor has more than 6 bits", what);
        return;
    }
}

void oo__check_tensor(oo__check_run *c, const oo_tensor *t, const oo_value *value, const char *what) {
    if (!t || t->broken)
        return;
    oo__check_props(c, DEFECT_METADATA_TWICE, &t->metadata, value, "the tensor");
    if (!t->has_elem || t->elem == OO_UNDEFINED)
        oo__tell(c, DEFECT_TENSOR_TYPE, value, "%sthe tensor has no element type", what);
    else if (!oo__elem_name(t->elem))
        oo__tell(c, DEFECT_TENSOR_TYPE, value, "%sthe tensor has element type %d, which does not exist", what, (int)t->elem);
    else
        check_field(c, t, value, what);
    check_six_bits(c, t, value, what);
    oo__check_elem_version(c, t->elem, value);
    oo__check_external(c, t, value, what);
}

/* ---- sparse tensors ---- */
/* Indices are read in pieces: they may be as large as a file is. */
typedef struct indices {
    oo__check_run *c;
    const oo_sparse *sparse;
    const oo_value *value;
    const char *what;
    int64_t last;    /* place of the one before among all elements */
    uint64_t at;     /* which it is */
    bool failed;
} indices;

static void refuse(indices *x, const char *why) {
    oo__tell(x->c, DEFECT_SPARSE, x->value, "%sindex %" PRIu64 " of the sparse tensor %s", x->what, x->at, why);
    x->failed = true;
}

/* One index: a place among all elements when `n` is 1 and linear, else one number a dimension. */
static void check_index(indices *x, const int64_t *index, uint32_t n, bool linear, int64_t size) {
    int64_t place = 0;
    for (uint32_t i = 0; i < n && !x->failed; i++) {
        const int64_t limit = linear ? size : x->sparse->dims[i];
        if (index[i] < 0 || index[i] >= limit)
            refuse(x, "is out of range");
        else
            place = linear ? index[i] : place * limit + index[i];
    }
    if (!x->failed && place <= x->last)
        refuse(x, "is not greater than the one before");
    x->last = place;
    x->at++;
}

static void check_indices(indices *x, const oo_tensor *t, int64_t size) {
    enum { ROOM = 4096, MAX_RANK = 64 };
    const bool linear = t->rank == 1;
    const uint32_t n = linear ? 1 : x->sparse->rank;
    int64_t buffer[ROOM];
    if (n > MAX_RANK)
        return;
    const uint64_t step = ROOM / n * n;
    for (uint64_t first = 0; first < t->count && !x->failed; first += step) {
        const uint64_t count = t->count - first < step ? t->count - first : step;
        if (!oo_tensor_read(t, first, count, buffer))
            return; /* no data: told of the tensor */
        for (uint64_t i = 0; i + n <= count && !x->failed; i += n)
            check_index(x, buffer + i, n, linear, size);
    }
}

/* Number of elements of the dense tensor; 0 after a diagnostic. */
static int64_t dense_size(oo__check_run *c, const oo_sparse *s, const oo_value *value, const char *what) {
    int64_t size = 1;
    if (!s->rank)
        oo__tell(c, DEFECT_SPARSE, value, "%sthe sparse tensor has no dimensions", what);
    for (uint32_t i = 0; i < s->rank; i++) {
        if (s->dims[i] > 0 && size <= INT64_MAX / s->dims[i]) {
            size *= s->dims[i];
            continue;
        }
        oo__tell(c, DEFECT_SPARSE, value, "%sdimension %u of the sparse tensor is not positive, or there are more elements than can be counted", what, i);
        return 0;
    }
    return s->rank ? size : 0;
}

static void check_parts(oo__check_run *c, const oo_sparse *s, const oo_value *value, const char *what, int64_t size) {
    const oo_tensor *const values = s->values, *const t = s->indices;
    if (values->rank != 1) {
        oo__tell(c, DEFECT_SPARSE, value, "%sthe values of the sparse tensor have %u dimensions, not 1", what, values->rank);
        return;
    }
    if (!t) {
        if (values->count)
            oo__tell(c, DEFECT_SPARSE, value, "%sthe sparse tensor has values and no indices", what);
        return;
    }
    oo__check_tensor(c, t, value, what);
    if (t->elem != OO_INT64)
        oo__tell(c, DEFECT_SPARSE, value, "%sthe indices of the sparse tensor are not int64", what);
    else if (t->rank != 1 && t->rank != 2)
        oo__tell(c, DEFECT_SPARSE, value, "%sthe indices of the sparse tensor have %u dimensions, not 1 or 2", what, t->rank);
    else if (t->dims[0] != values->dims[0] || (t->rank == 2 && t->dims[1] != (int64_t)s->rank))
        oo__tell(c, DEFECT_SPARSE, value, "%sthe indices of the sparse tensor are not as many as its values, or have not one number a dimension", what);
    else if (size)
        check_indices(&(indices){.c = c, .sparse = s, .value = value, .what = what, .last = -1}, t, size);
}

void oo__check_sparse(oo__check_run *c, const oo_sparse *s, const oo_value *value, const char *what) {
    if (s && ((s->values && s->values->broken) || (s->indices && s->indices->broken)))
        return;
    if (!s || !s->values) {
        oo__tell(c, DEFECT_SPARSE, value, "%sthe sparse tensor has no values", what);
        return;
    }
    oo__check_tensor(c, s->values, value, what);
    check_parts(c, s, value, what, dense_size(c, s, value, what));
}
