/* Constant data: a view of bytes in a mapped file, memory, or a function that makes them. */
#include "base/half.h"
#include "base/hash.h"
#include "ir/ir.h"

#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

static const struct elem_row {
    const char *name;
    uint32_t bits;
} ELEMS[OO_ELEM_COUNT] = {
    [OO_UNDEFINED] = {NULL, 0},
    [OO_FLOAT] = {"float", 32},
    [OO_UINT8] = {"uint8", 8},
    [OO_INT8] = {"int8", 8},
    [OO_UINT16] = {"uint16", 16},
    [OO_INT16] = {"int16", 16},
    [OO_INT32] = {"int32", 32},
    [OO_INT64] = {"int64", 64},
    [OO_STRING] = {"string", 0},
    [OO_BOOL] = {"bool", 8},
    [OO_FLOAT16] = {"float16", 16},
    [OO_DOUBLE] = {"double", 64},
    [OO_UINT32] = {"uint32", 32},
    [OO_UINT64] = {"uint64", 64},
    [OO_COMPLEX64] = {"complex64", 64},
    [OO_COMPLEX128] = {"complex128", 128},
    [OO_BFLOAT16] = {"bfloat16", 16},
    [OO_FLOAT8E4M3FN] = {"float8e4m3fn", 8},
    [OO_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8},
    [OO_FLOAT8E5M2] = {"float8e5m2", 8},
    [OO_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8},
    [OO_UINT4] = {"uint4", 4},
    [OO_INT4] = {"int4", 4},
    [OO_FLOAT4E2M1] = {"float4e2m1", 4},
    [OO_FLOAT8E8M0] = {"float8e8m0", 8},
    [OO_UINT2] = {"uint2", 2},
    [OO_INT2] = {"int2", 2},
    [OO_FLOAT6E2M3] = {"float6e2m3", 6},
    [OO_FLOAT6E3M2] = {"float6e3m2", 6},
};

uint32_t oo__elem_bits(int32_t elem) { return elem > 0 && elem < OO_ELEM_COUNT ? ELEMS[elem].bits : 0; }
const char *oo__elem_name(int32_t elem) { return elem > 0 && elem < OO_ELEM_COUNT ? ELEMS[elem].name : NULL; }

uint8_t oo__code_get(const uint8_t *packed, uint32_t bits, uint64_t i) {
    const uint64_t byte = i * bits / 8;
    const uint32_t shift = (uint32_t)(i * bits % 8);
    unsigned code = (unsigned)packed[byte] >> shift;
    if (shift + bits > 8)
        code |= (unsigned)packed[byte + 1] << (8 - shift);
    return (uint8_t)(code & ((1u << bits) - 1));
}

void oo__code_put(uint8_t *packed, uint32_t bits, uint64_t i, unsigned code) {
    const uint64_t byte = i * bits / 8;
    const uint32_t shift = (uint32_t)(i * bits % 8);
    const unsigned placed = (code & ((1u << bits) - 1)) << shift;
    packed[byte] |= (uint8_t)placed;
    if (shift + bits > 8)
        packed[byte + 1] |= (uint8_t)(placed >> 8);
}

oo_elem oo__elem_find(const char *name, size_t size) {
    for (int e = 1; e < OO_ELEM_COUNT; e++)
        if (strlen(ELEMS[e].name) == size && memcmp(ELEMS[e].name, name, size) == 0)
            return (oo_elem)e;
    return OO_UNDEFINED;
}

oo_tensor *oo__tensor_new(oo_model *model, int32_t elem, uint32_t rank, const int64_t *dims, bool *valid) {
    oo_tensor *const t = OO_NEW(model->arena, oo_tensor);
    t->model = model;
    t->elem = elem;
    t->has_elem = true;
    t->rank = rank;
    t->dims = OO_NEW_ARRAY(model->arena, int64_t, rank ? rank : 1);
    uint64_t count = 1;
    bool fits = true, zero = false;
    for (uint32_t i = 0; i < rank; i++) {
        t->dims[i] = dims[i];
        zero |= dims[i] == 0;
        /* The number of bits of the widest type must fit 64 bits too. */
        fits &= dims[i] >= 0 && (dims[i] == 0 || count <= (uint64_t)INT64_MAX / 128 / (uint64_t)dims[i]);
        count *= fits ? (uint64_t)(dims[i] ? dims[i] : 1) : 1;
    }
    t->count = zero ? 0 : count;
    if (valid)
        *valid = fits;
    return t;
}

oo_elem oo_tensor_elem(const oo_tensor *t) { return oo__elem_name(t->elem) ? (oo_elem)t->elem : OO_UNDEFINED; }
uint32_t oo_tensor_rank(const oo_tensor *t) { return t->rank; }
const int64_t *oo_tensor_dims(const oo_tensor *t) { return t->dims; }
uint64_t oo_tensor_count(const oo_tensor *t) { return t->count; }

static uint64_t packed_size(const oo_tensor *t, uint64_t count) { return (count * oo__elem_bits(t->elem) + 7) / 8; }

uint64_t oo_tensor_size(const oo_tensor *t) { return packed_size(t, t->count); }

static bool payload_read(const oo_payload *p, uint64_t offset, uint64_t size, void *out) {
    if (offset > p->size || size > p->size - offset)
        return false;
    if (p->source)
        return oo__source_read(p->source, p->offset + offset, size, out);
    if (size)
        memcpy(out, p->memory + offset, size);
    return true;
}

/* What the typed fields hold, as the ONNX schema assigns them: raw_data width per stored number, or 0 when this field cannot hold
 * the element type. Types below 16 bits, and float16, travel in int32_data: those of 4 and 2 bits by the byte, those of 6 one by one. */
static uint32_t stored_bytes(const oo_tensor *t) {
    const uint32_t bits = oo__elem_bits(t->elem);
    switch (t->storage) {
    case OO_STORE_INT32S:
        return t->elem == OO_INT32 ? 4 : bits && bits <= 16 && t->elem != OO_FLOAT ? (bits + 7) / 8 : 0;
    case OO_STORE_INT64S:
        return t->elem == OO_INT64 ? 8 : 0;
    case OO_STORE_UINT64S:
        return t->elem == OO_UINT64 ? 8 : t->elem == OO_UINT32 ? 4 : 0;
    default:
        return 0;
    }
}

uint64_t oo__tensor_numbers(const oo_tensor *t) {
    const uint32_t bits = oo__elem_bits(t->elem);
    return bits == 4 || bits == 2 ? oo_tensor_size(t) : t->count;
}

static bool take_varint(uint64_t *out, const uint8_t *wire, uint64_t size, uint64_t *at) {
    *out = 0;
    for (unsigned shift = 0; *at < size && shift < 64; shift += 7) {
        *out |= (uint64_t)(wire[*at] & 0x7f) << shift;
        if (!(wire[(*at)++] & 0x80))
            return true;
    }
    return false;
}

/* Decodes the packed varints of a typed field into raw_data form. False when they are malformed or too few. */
static bool decode_varints(const oo_tensor *t, uint8_t *out) {
    const uint32_t width = stored_bytes(t), bits = oo__elem_bits(t->elem);
    if (!width || t->payload.size > SIZE_MAX / 2)
        return false;
    const uint64_t numbers = oo__tensor_numbers(t), size = oo_tensor_size(t);
    uint8_t *const wire = oo__malloc(t->payload.size);
    bool ok = payload_read(&t->payload, 0, t->payload.size, wire);
    if (bits == 6 && size)
        memset(out, 0, size);
    uint64_t at = 0;
    for (uint64_t i = 0; ok && i < numbers; i++) {
        uint64_t number;
        ok = take_varint(&number, wire, t->payload.size, &at);
        if (bits == 6)
            oo__code_put(out, bits, i, (unsigned)number);
        for (uint32_t b = 0; bits != 6 && b < width; b++)
            out[i * width + b] = (uint8_t)(number >> (8 * b));
    }
    free(wire);
    return ok && at == t->payload.size;
}

/* Whether the payload bytes are raw_data bytes. */
static bool is_plain(const oo_tensor *t) {
    return t->storage == OO_STORE_RAW || t->storage == OO_STORE_EXTERNAL ||
           (t->storage == OO_STORE_FLOATS && (t->elem == OO_FLOAT || t->elem == OO_COMPLEX64)) ||
           (t->storage == OO_STORE_DOUBLES && (t->elem == OO_DOUBLE || t->elem == OO_COMPLEX128));
}

/* Varints are decoded once and kept: pieces of a tensor are asked for one after the other. */
static const uint8_t *decoded(const oo_tensor *t) {
    if (t->decoded)
        return t->decoded;
    uint8_t *const all = oo__arena_alloc(t->model->arena, oo_tensor_size(t));
    if (!decode_varints(t, all))
        return NULL;
    ((oo_tensor *)(uintptr_t)t)->decoded = all; /* a cache: the tensor's meaning does not change */
    return all;
}

static bool read_packed(const oo_tensor *t, uint64_t offset, uint64_t size, void *out) {
    if (is_plain(t))
        return t->payload.size == oo_tensor_size(t) && payload_read(&t->payload, offset, size, out);
    if (!stored_bytes(t))
        return oo_tensor_size(t) == 0 && oo__elem_bits(t->elem) != 0;
    const uint8_t *const all = decoded(t);
    if (all && size)
        memcpy(out, all + offset, size);
    return all != NULL;
}

/* Whether the data may be there as far as sizes tell: what dimensions alone claim is not worth an allocation. */
static bool may_have_data(const oo_tensor *t) {
    const uint64_t size = oo_tensor_size(t);
    return t->storage == OO_STORE_LAZY || size == 0 || (is_plain(t) ? t->payload.size == size : t->payload.size >= t->count / 8);
}

bool oo_tensor_read(const oo_tensor *t, uint64_t first, uint64_t count, void *out) {
    oo_require(first <= t->count && count <= t->count - first, "oo_tensor_read: range passes the end");
    const uint32_t bits = oo__elem_bits(t->elem);
    if (!bits)
        return false;
    if (t->storage == OO_STORE_LAZY)
        return t->fill(t->state, first, count, out);
    oo_require(first * bits % 8 == 0, "oo_tensor_read: range starts inside a byte");
    return read_packed(t, first * bits / 8, packed_size(t, count), out);
}

/* Whole elements go straight to where they belong, parts of elements and what would not be aligned through `part`. */
bool oo__tensor_make(const void *tensor, uint64_t offset, size_t size, void *out) {
    enum { PART = 4096 };
    alignas(16) uint8_t part[PART];
    const oo_tensor *const t = tensor;
    const uint32_t bits = oo__elem_bits(t->elem);
    if (!bits)
        return false;
    const uint64_t share = bits % 8 == 0 ? 8 : bits % 4 == 0 ? 4 : 2;
    const uint64_t width = bits / share, each = 8 / share; /* so many bytes hold so many elements */
    for (uint8_t *to = out; size;) {
        const uint64_t skip = offset % width, first = offset / width * each;
        const bool direct = !skip && size >= width && (each > 1 || (uintptr_t)to % width == 0);
        uint64_t units = direct ? size / width : (skip + size + width - 1) / width;
        units = direct || units < PART / width ? units : PART / width;
        const uint64_t count = t->count - first < units * each ? t->count - first : units * each;
        if (!oo_tensor_read(t, first, count, direct ? to : part))
            return false;
        const size_t n = units * width - skip < size ? (size_t)(units * width - skip) : size;
        if (!direct)
            memcpy(to, part + skip, n);
        to += n;
        offset += n;
        size -= n;
    }
    return true;
}

const void *oo__tensor_bytes(const oo_tensor *t, oo_arena *arena) {
    if (is_plain(t) && t->payload.size == oo_tensor_size(t) && t->payload.size)
        return t->payload.source ? t->payload.source->bytes + t->payload.offset : t->payload.memory;
    if (!oo__elem_bits(t->elem) || oo_tensor_size(t) > SIZE_MAX / 4 || !may_have_data(t))
        return NULL;
    void *const bytes = oo__arena_alloc(arena, oo_tensor_size(t));
    return oo_tensor_read(t, 0, t->count, bytes) ? bytes : NULL;
}

/* ---- numbers ---- */
static double load_double(oo_elem elem, const uint8_t *p) {
    union {
        float f;
        double d;
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
    } n;
    memcpy(&n, p, oo__elem_bits((int32_t)elem) / 8);
    switch (elem) {
    case OO_FLOAT: return (double)n.f;
    case OO_DOUBLE: return n.d;
    case OO_FLOAT16: return oo__half_to_double(n.u16);
    case OO_BFLOAT16: return oo__bfloat_to_double(n.u16);
    case OO_UINT8: return n.u8;
    case OO_BOOL: return n.u8;
    case OO_INT8: return n.i8;
    case OO_UINT16: return n.u16;
    case OO_INT16: return n.i16;
    case OO_UINT32: return n.u32;
    case OO_INT32: return n.i32;
    case OO_UINT64: return (double)n.u64;
    case OO_INT64: return (double)n.i64;
    default: return NAN;
    }
}

static bool has_doubles(oo_elem elem) {
    return elem != OO_UNDEFINED && elem != OO_STRING && elem < OO_COMPLEX64 ? true : elem == OO_BFLOAT16;
}

void oo_doubles_unpack(double *out, oo_elem elem, const void *packed, uint64_t count) {
    oo_require(has_doubles(elem), "oo_doubles_unpack: element type %d", (int)elem);
    const uint64_t width = oo__elem_bits((int32_t)elem) / 8;
    for (uint64_t i = 0; i < count; i++)
        out[i] = load_double(elem, (const uint8_t *)packed + i * width);
}

bool oo_tensor_doubles(const oo_tensor *t, uint64_t first, uint64_t count, double *out) {
    const oo_elem elem = oo_tensor_elem(t);
    if (!has_doubles(elem) || !may_have_data(t))
        return false;
    const uint64_t width = oo__elem_bits(t->elem) / 8;
    uint8_t *const bytes = oo__malloc(count * width);
    const bool ok = oo_tensor_read(t, first, count, bytes);
    if (ok)
        oo_doubles_unpack(out, elem, bytes, count);
    free(bytes);
    return ok;
}

const void *oo_tensor_state(const oo_tensor *t, oo_fill fill) {
    return t->storage == OO_STORE_LAZY && t->fill == fill ? t->state : NULL;
}

static oo_tensor *made(oo_model *model, oo_elem elem, uint32_t rank, const int64_t *dims) {
    bool valid;
    oo_tensor *const t = oo__tensor_new(model, (int32_t)elem, rank, dims, &valid);
    oo_require(valid && oo__elem_bits((int32_t)elem), "a tensor is made with impossible dimensions or type");
    t->storage = OO_STORE_RAW;
    return t;
}

oo_tensor *oo_tensor_make(oo_model *model, oo_elem elem, uint32_t rank, const int64_t *dims, const void *data) {
    oo_tensor *const t = made(model, elem, rank, dims);
    t->payload.size = oo_tensor_size(t);
    t->payload.memory = (const uint8_t *)oo__arena_copy(model->arena, data, t->payload.size);
    return t;
}

static void store_double(oo_elem elem, uint8_t *p, double value) {
    const float f = (float)value;
    const uint16_t half = elem == OO_FLOAT16 ? oo__half_from_double(value) : oo__bfloat_from_double(value);
    if (elem == OO_DOUBLE)
        memcpy(p, &value, sizeof value);
    else if (elem == OO_FLOAT)
        memcpy(p, &f, sizeof f);
    else
        memcpy(p, &half, sizeof half);
}

void oo_doubles_pack(void *out, oo_elem elem, const double *values, uint64_t count) {
    oo_require(elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16,
               "oo_doubles_pack: element type %d", (int)elem);
    const uint64_t width = oo__elem_bits((int32_t)elem) / 8;
    for (uint64_t i = 0; i < count; i++)
        store_double(elem, (uint8_t *)out + i * width, values[i]);
}

oo_tensor *oo_tensor_from_doubles(oo_model *model, oo_elem elem, uint32_t rank, const int64_t *dims, const double *data) {
    oo_tensor *const t = made(model, elem, rank, dims);
    t->payload.size = oo_tensor_size(t);
    uint8_t *const bytes = oo__arena_alloc(model->arena, t->payload.size);
    oo_doubles_pack(bytes, elem, data, t->count);
    t->payload.memory = bytes;
    return t;
}

oo_tensor *oo_tensor_make_lazy(oo_model *model, oo_elem elem, uint32_t rank, const int64_t *dims, oo_fill fill,
                               const void *state, size_t state_size) {
    oo_tensor *const t = made(model, elem, rank, dims);
    t->storage = OO_STORE_LAZY;
    t->fill = fill;
    t->state = oo__arena_copy(model->arena, state, state_size);
    return t;
}

/* ---- comparing ---- */
enum { SAMPLE = 4096, CHUNK = 256 * 1024 };

static uint64_t shape_hash(const oo_tensor *t) {
    const uint64_t dims = oo__hash(t->dims, t->rank * sizeof *t->dims);
    return oo__hash_combine(oo__hash_combine((uint64_t)t->elem, t->rank), dims);
}

static uint64_t strings_hash(const oo_tensor *t) {
    uint64_t hash = t->strings.n;
    for (uint32_t i = 0; i < t->strings.n; i++)
        hash = oo__hash_combine(hash, oo__hash(t->strings.data[i].data, t->strings.data[i].size));
    return hash;
}

/* The first SAMPLE bytes and, of larger tensors, the last: enough to keep apart what differs in practice. */
static bool sample_hash(const oo_tensor *t, uint64_t *hash) {
    uint8_t bytes[2 * SAMPLE];
    const uint64_t block = (uint64_t)SAMPLE * 8 / oo__elem_bits(t->elem) / 8 * 8;
    const uint64_t size = packed_size(t, block);
    const bool small = t->count <= block;
    if (!oo_tensor_read(t, 0, small ? t->count : block, bytes) ||
        (!small && !oo_tensor_read(t, (t->count - block) / 8 * 8, block, bytes + size)))
        return false;
    *hash = oo__hash(bytes, small ? oo_tensor_size(t) : 2 * size);
    return true;
}

uint64_t oo_tensor_hash(const oo_tensor *t) {
    if (t->hash)
        return t->hash;
    /* Data that cannot be had equal no other: a hash of their own keeps such tensors apart. */
    uint64_t data = (uintptr_t)t;
    if (t->elem == OO_STRING && t->storage == OO_STORE_STRINGS)
        data = strings_hash(t);
    else if (oo__elem_bits(t->elem))
        (void)sample_hash(t, &data);
    const uint64_t hash = oo__hash_combine(shape_hash(t), data);
    ((oo_tensor *)(uintptr_t)t)->hash = hash ? hash : 1; /* a cache: the tensor's meaning does not change */
    return hash ? hash : 1;
}

static bool strings_equal(const oo_tensor *a, const oo_tensor *b) {
    if (a->strings.n != b->strings.n)
        return false;
    for (uint32_t i = 0; i < a->strings.n; i++)
        if (a->strings.data[i].size != b->strings.data[i].size ||
            memcmp(a->strings.data[i].data, b->strings.data[i].data, a->strings.data[i].size) != 0)
            return false;
    return true;
}

/* Elements that CHUNK bytes hold, and that end with a byte. */
static uint64_t chunk_elements(const oo_tensor *t) {
    const uint32_t bits = oo__elem_bits(t->elem);
    return bits ? (uint64_t)CHUNK * 8 / bits / 8 * 8 : 1;
}

/* Over all data; of tensors that cannot be read, over what can. */
static uint64_t data_hash(const oo_tensor *t) {
    if (t->data_hash)
        return t->data_hash;
    const uint64_t step = chunk_elements(t);
    uint8_t *const chunk = oo__malloc(CHUNK);
    uint64_t hash = 1;
    for (uint64_t at = 0; at < t->count; at += step) {
        const uint64_t n = t->count - at < step ? t->count - at : step;
        if (!oo_tensor_read(t, at, n, chunk))
            break;
        hash = oo__hash_combine(hash, oo__hash(chunk, packed_size(t, n)));
    }
    free(chunk);
    ((oo_tensor *)(uintptr_t)t)->data_hash = hash ? hash : 1; /* a cache: the tensor's meaning does not change */
    return t->data_hash;
}

static bool data_equal(const oo_tensor *a, const oo_tensor *b) {
    if (!may_have_data(a) || !may_have_data(b) || (a->data_hash && b->data_hash && a->data_hash != b->data_hash))
        return false;
    const uint64_t step = chunk_elements(a);
    uint8_t *const pair = oo__malloc(2 * CHUNK);
    bool equal = true;
    for (uint64_t at = 0; equal && at < a->count; at += step) {
        const uint64_t n = a->count - at < step ? a->count - at : step;
        equal = oo_tensor_read(a, at, n, pair) && oo_tensor_read(b, at, n, pair + CHUNK) &&
                memcmp(pair, pair + CHUNK, packed_size(a, n)) == 0;
    }
    free(pair);
    /* Equal samples and unequal data: with thousands of such tensors each pair would be read. From now on these two are known apart. */
    if (!equal && a->count)
        (void)(data_hash(a) + data_hash(b));
    return equal;
}

bool oo_tensor_equal(const oo_tensor *a, const oo_tensor *b) {
    if (a == b)
        return true;
    if (a->elem != b->elem || a->rank != b->rank || oo_tensor_hash(a) != oo_tensor_hash(b) ||
        memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0)
        return false;
    if (a->elem == OO_STRING)
        return a->storage == OO_STORE_STRINGS && b->storage == OO_STORE_STRINGS && strings_equal(a, b);
    if (!oo__elem_bits(a->elem))
        return false;
    return data_equal(a, b);
}
