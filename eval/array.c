#include "eval/eval.h"

#include "base/half.h"
#include "base/minifloat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 1 << 21, LARGE = 1 << 22 };
uint64_t oo__eval_limit = UINT64_C(4) << 30;

uint32_t oo__array_width(oo_elem elem) {
    if (elem == OO_STRING)
        return sizeof(oo_bytes);
    return (oo__elem_bits((int32_t)elem) + 7) / 8;
}

/* Product of dims, or false when one is negative or the array would be too large. */
static bool count_of(uint64_t *out, uint32_t rank, const int64_t *dims, uint32_t width) {
    uint64_t count = 1;
    bool zero = false;
    for (uint32_t i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return false;
        zero |= dims[i] == 0;
    }
    for (uint32_t i = 0; i < rank && !zero; i++) {
        if ((uint64_t)dims[i] > oo__eval_limit / width / count)
            return false;
        count *= (uint64_t)dims[i];
    }
    *out = zero ? 0 : count;
    return true;
}

typedef struct oo__buffer_of_array {
    uint32_t references;
    uint64_t strings; /* how many oo_bytes to release, 0 for numbers */
    void *data;
} buffer;

/* Large arrays come in huge pages where the system has them: touching memory for the first time costs as much as a kernel does. */
static void *room_of(size_t size) {
    if (size < LARGE)
        return aligned_alloc(ALIGNMENT, size ? size : ALIGNMENT);
    void *const data = aligned_alloc(HUGE_PAGE, (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (data)
        madvise(data, size, MADV_HUGEPAGE);
    return data;
}

static buffer *buffer_new(oo_elem elem, uint64_t count) {
    const size_t size = (count * oo__array_width(elem) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *const data = room_of(size);
    if (!data)
        return NULL;
    if (elem == OO_STRING)
        memset(data, 0, size);
    buffer *const b = oo__malloc(sizeof *b);
    *b = (buffer){1, elem == OO_STRING ? count : 0, data};
    return b;
}

static void buffer_release(buffer *b) {
    if (__atomic_sub_fetch(&b->references, 1, __ATOMIC_ACQ_REL))
        return;
    for (uint64_t i = 0; i < b->strings; i++)
        free((void *)(uintptr_t)((oo_bytes *)b->data)[i].data);
    free(b->data);
    free(b);
}

static oo_array *header_new(oo_elem elem, uint32_t rank, const int64_t *dims, uint64_t count) {
    oo_array *const a = oo__malloc(sizeof *a + rank * sizeof *dims);
    *a = (oo_array){.references = 1, .elem = elem, .rank = rank, .dims = (int64_t *)(a + 1), .count = count};
    if (rank)
        memcpy(a->dims, dims, rank * sizeof *dims);
    return a;
}

oo_array *oo__array_new(oo_elem elem, uint32_t rank, const int64_t *dims) {
    const uint32_t width = oo__array_width(elem);
    uint64_t count;
    if (!width || !count_of(&count, rank, dims, width))
        return NULL;
    buffer *const b = buffer_new(elem, count);
    if (!b)
        return NULL;
    oo_array *const a = header_new(elem, rank, dims, count);
    a->owner = b;
    a->data = b->data;
    return a;
}

oo_array *oo__array_scalar(oo_elem elem, const void *element) {
    oo_array *const a = oo__array_new(elem, 0, NULL);
    memcpy(a->data, element, oo__array_width(elem));
    return a;
}

oo_array *oo__array_retain(oo_array *a) {
    if (a)
        __atomic_add_fetch(&a->references, 1, __ATOMIC_RELAXED);
    return a;
}

void oo__array_release(oo_array *a) {
    if (!a || __atomic_sub_fetch(&a->references, 1, __ATOMIC_ACQ_REL))
        return;
    buffer_release(a->owner);
    free(a);
}

static oo_bytes copy_string(oo_bytes s) {
    uint8_t *const data = oo__malloc(s.size + 1);
    if (s.size)
        memcpy(data, s.data, s.size);
    data[s.size] = 0;
    return (oo_bytes){data, s.size};
}

static oo_array *copy(const oo_array *a) {
    oo_array *const c = oo__array_new(a->elem, a->rank, a->dims);
    if (!c)
        return NULL;
    if (a->elem != OO_STRING)
        memcpy(c->data, a->data, a->count * oo__array_width(a->elem));
    for (uint64_t i = 0; a->elem == OO_STRING && i < a->count; i++)
        ((oo_bytes *)c->data)[i] = copy_string(((const oo_bytes *)a->data)[i]);
    return c;
}

oo_array *oo__array_own(oo_array *a) {
    if (a->references == 1 && a->owner->references == 1)
        return a;
    oo_array *const c = copy(a);
    oo__array_release(a);
    return c;
}

oo_array *oo__array_view(oo_array *a, uint32_t rank, const int64_t *dims) {
    uint64_t count;
    if (!count_of(&count, rank, dims, oo__array_width(a->elem)) || count != a->count)
        return NULL;
    oo_array *const v = header_new(a->elem, rank, dims, count);
    v->owner = a->owner;
    v->data = a->data;
    __atomic_add_fetch(&a->owner->references, 1, __ATOMIC_RELAXED);
    return v;
}

/* ---- elements ---- */
int64_t oo__int_of_double(double value) {
    return value >= -9223372036854775808.0 && value < 9223372036854775808.0 ? (int64_t)value : INT64_MIN;
}

static uint64_t unsigned_of_double(double value) {
    if (value >= 9223372036854775808.0)
        return value < 18446744073709551616.0 ? (uint64_t)value : 0;
    return (uint64_t)oo__int_of_double(value);
}

int64_t oo__array_int(const oo_array *a, uint64_t i) {
    switch (a->elem) {
    case OO_BOOL:
    case OO_UINT8:
    case OO_UINT4:
    case OO_UINT2: return ((const uint8_t *)a->data)[i];
    case OO_INT8:
    case OO_INT4:
    case OO_INT2: return ((const int8_t *)a->data)[i];
    case OO_UINT16: return ((const uint16_t *)a->data)[i];
    case OO_INT16: return ((const int16_t *)a->data)[i];
    case OO_UINT32: return ((const uint32_t *)a->data)[i];
    case OO_INT32: return ((const int32_t *)a->data)[i];
    case OO_UINT64:
    case OO_INT64: return ((const int64_t *)a->data)[i];
    default: return oo__int_of_double(oo__array_double(a, i));
    }
}

double oo__array_double(const oo_array *a, uint64_t i) {
    switch (a->elem) {
    case OO_FLOAT: return (double)((const float *)a->data)[i];
    case OO_DOUBLE: return ((const double *)a->data)[i];
    case OO_FLOAT16: return oo__half_to_double(((const uint16_t *)a->data)[i]);
    case OO_BFLOAT16: return oo__bfloat_to_double(((const uint16_t *)a->data)[i]);
    case OO_UINT64: return (double)((const uint64_t *)a->data)[i];
    case OO_COMPLEX64: return (double)((const float *)a->data)[2 * i];
    case OO_COMPLEX128: return ((const double *)a->data)[2 * i];
    case OO_STRING: return 0;
    default: break;
    }
    const oo__minifloat *const mini = oo__minifloat_of((int32_t)a->elem);
    return mini ? oo__minifloat_decode(mini, ((const uint8_t *)a->data)[i]) : (double)oo__array_int(a, i);
}

/* Sign or zero extension of the low bits. */
static int64_t narrowed(oo_elem elem, int64_t value) {
    switch (elem) {
    case OO_BOOL: return value != 0;
    case OO_UINT4: return value & 15;
    case OO_UINT2: return value & 3;
    case OO_INT4: return ((value & 15) ^ 8) - 8;
    case OO_INT2: return ((value & 3) ^ 2) - 2;
    default: return value;
    }
}

void oo__array_set_int(oo_array *a, uint64_t i, int64_t value) {
    const int64_t v = narrowed(a->elem, value);
    switch (oo__array_width(a->elem) * (a->elem == OO_FLOAT || a->elem == OO_DOUBLE || a->elem == OO_FLOAT16 ||
                                                a->elem == OO_BFLOAT16 || oo__minifloat_of((int32_t)a->elem)
                                            ? 0u
                                            : 1u)) {
    case 1: ((uint8_t *)a->data)[i] = (uint8_t)v; break;
    case 2: ((uint16_t *)a->data)[i] = (uint16_t)v; break;
    case 4: ((uint32_t *)a->data)[i] = (uint32_t)v; break;
    case 8: ((int64_t *)a->data)[i] = v; break;
    default: oo__array_set_double(a, i, (double)value); break;
    }
}

void oo__array_set_double(oo_array *a, uint64_t i, double value) {
    const oo__minifloat *const mini = oo__minifloat_of((int32_t)a->elem);
    switch (a->elem) {
    case OO_FLOAT: ((float *)a->data)[i] = (float)value; return;
    case OO_DOUBLE: ((double *)a->data)[i] = value; return;
    case OO_FLOAT16: ((uint16_t *)a->data)[i] = oo__half_from_double(value); return;
    case OO_BFLOAT16: ((uint16_t *)a->data)[i] = oo__bfloat_from_double(value); return;
    case OO_BOOL: ((uint8_t *)a->data)[i] = value != 0; return;
    case OO_UINT64: ((uint64_t *)a->data)[i] = unsigned_of_double(value); return;
    case OO_COMPLEX64: memcpy((float *)a->data + 2 * i, (const float[]){(float)value, 0}, 8); return;
    case OO_COMPLEX128: memcpy((double *)a->data + 2 * i, (const double[]){value, 0}, 16); return;
    case OO_STRING: return;
    default: break;
    }
    if (mini)
        ((uint8_t *)a->data)[i] = oo__minifloat_encode(mini, value, true);
    else
        oo__array_set_int(a, i, oo__int_of_double(value));
}

void oo__array_set_string(oo_array *a, uint64_t i, oo_bytes text) {
    oo_bytes *const place = &((oo_bytes *)a->data)[i];
    const oo_bytes own = copy_string(text);
    free((void *)(uintptr_t)place->data);
    *place = own;
}

/* ---- whole arrays ---- */
float *oo__array_floats(const oo_array *a) {
    float *const out = oo__malloc(a->count * sizeof *out);
    if (a->elem == OO_FLOAT)
        memcpy(out, a->data, a->count * sizeof *out);
    else
        for (uint64_t i = 0; i < a->count; i++)
            out[i] = (float)oo__array_double(a, i);
    return out;
}

double *oo__array_doubles(const oo_array *a) {
    double *const out = oo__malloc(a->count * sizeof *out);
    if (a->elem == OO_FLOAT) /* the usual case, in a loop that the compiler makes vectors of */
        for (uint64_t i = 0; i < a->count; i++)
            out[i] = (double)((const float *)a->data)[i];
    else
        for (uint64_t i = 0; i < a->count; i++)
            out[i] = oo__array_double(a, i);
    return out;
}

void oo__array_from_floats(oo_array *a, const float *values) {
    if (a->elem == OO_FLOAT)
        memcpy(a->data, values, a->count * sizeof *values);
    else
        for (uint64_t i = 0; i < a->count; i++)
            oo__array_set_double(a, i, (double)values[i]);
}

void oo__array_from_doubles(oo_array *a, const double *values) {
    if (a->elem == OO_FLOAT)
        for (uint64_t i = 0; i < a->count; i++)
            ((float *)a->data)[i] = (float)values[i];
    else if (a->elem == OO_DOUBLE && a->count)
        memcpy(a->data, values, a->count * sizeof *values);
    else
        for (uint64_t i = 0; i < a->count; i++)
            oo__array_set_double(a, i, values[i]);
}

/* ---- constants ---- */
static void unpack_small(oo_array *a, const uint8_t *packed, uint32_t bits) {
    uint8_t *const out = a->data;
    for (uint64_t i = 0; i < a->count; i++)
        out[i] = (uint8_t)narrowed(a->elem, oo__code_get(packed, bits, i));
}

oo_array *oo__array_of_tensor(const oo_tensor *t) {
    const oo_elem elem = oo_tensor_elem(t);
    if (elem == OO_UNDEFINED || t->count * oo__array_width(elem) > oo__eval_limit)
        return NULL;
    oo_array *const a = oo__array_new(elem, t->rank, t->dims);
    if (!a)
        return NULL;
    const uint32_t bits = oo__elem_bits(t->elem);
    bool ok = true;
    if (elem == OO_STRING) {
        ok = t->strings.n == t->count;
        for (uint64_t i = 0; ok && i < t->count; i++)
            ((oo_bytes *)a->data)[i] = copy_string(t->strings.data[i]);
    } else if (bits < 8) {
        uint8_t *const packed = oo__malloc(oo_tensor_size(t));
        ok = oo_tensor_read(t, 0, t->count, packed);
        if (ok)
            unpack_small(a, packed, bits);
        free(packed);
    } else {
        ok = oo_tensor_read(t, 0, t->count, a->data);
    }
    if (ok)
        return a;
    oo__array_release(a);
    return NULL;
}

static oo_tensor *tensor_of_strings(oo_model *model, const oo_array *a) {
    oo_tensor *const t = oo__tensor_new(model, OO_STRING, a->rank, a->dims, NULL);
    t->storage = OO_STORE_STRINGS;
    for (uint64_t i = 0; i < a->count; i++) {
        const oo_bytes s = ((const oo_bytes *)a->data)[i];
        oo_vec_push(model->arena, &t->strings, (oo_bytes){(const uint8_t *)oo__arena_copy(model->arena, s.data, s.size), s.size});
    }
    return t;
}

oo_tensor *oo__tensor_of_array(oo_model *model, const oo_array *a) {
    if (a->elem == OO_STRING)
        return tensor_of_strings(model, a);
    const uint32_t bits = oo__elem_bits((int32_t)a->elem);
    if (bits >= 8)
        return oo_tensor_make(model, a->elem, a->rank, a->dims, a->data);
    uint8_t *const packed = calloc(1, a->count * bits / 8 + 1);
    if (!packed)
        oo__oom(a->count);
    for (uint64_t i = 0; i < a->count; i++)
        oo__code_put(packed, bits, i, ((const uint8_t *)a->data)[i]);
    oo_tensor *const t = oo_tensor_make(model, a->elem, a->rank, a->dims, packed);
    free(packed);
    return t;
}

/* ---- shapes ---- */
bool oo__axis(int64_t *axis, uint32_t rank) {
    if (*axis < 0)
        *axis += (int64_t)rank;
    return *axis >= 0 && *axis < (int64_t)rank;
}

bool oo__broadcast(uint32_t *rank, int64_t *out, uint32_t a_rank, const int64_t *a, uint32_t b_rank, const int64_t *b) {
    *rank = a_rank > b_rank ? a_rank : b_rank;
    for (uint32_t i = 0; i < *rank; i++) {
        const int64_t x = i < *rank - a_rank ? 1 : a[i - (*rank - a_rank)];
        const int64_t y = i < *rank - b_rank ? 1 : b[i - (*rank - b_rank)];
        if (x != y && x != 1 && y != 1)
            return false;
        out[i] = x == 1 ? y : x;
    }
    return true;
}

void oo__array_name(const oo_array *a, char *out, size_t size) {
    const char *const type = oo__elem_name((int32_t)a->elem);
    size_t n = (size_t)snprintf(out, size, "%s[", type ? type : "?");
    for (uint32_t i = 0; i < a->rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "", (long long)a->dims[i]);
    if (n < size)
        snprintf(out + n, size - n, "]");
}
