#include "io/npy.h"

#include "base/half.h"
#include "base/minifloat.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "\x93NUMPY";
enum { MAGIC_SIZE = 6, MAX_RANK = 64, MAX_HEADER = 1 << 16 };

static const struct {
    const char *name; /* without the byte order */
    oo_elem elem;
} TYPES[] = {{"f4", OO_FLOAT},  {"f8", OO_DOUBLE}, {"f2", OO_FLOAT16}, {"i1", OO_INT8},   {"i2", OO_INT16},     {"i4", OO_INT32},      {"i8", OO_INT64},
             {"u1", OO_UINT8},  {"u2", OO_UINT16}, {"u4", OO_UINT32},  {"u8", OO_UINT64}, {"b1", OO_BOOL},      {"c8", OO_COMPLEX64},  {"c16", OO_COMPLEX128}};
enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

/* ---- the header: a Python dictionary of three known keys ---- */
typedef struct header {
    char descr[16];
    bool fortran, has_descr, has_order, has_shape;
    uint32_t rank;
    int64_t dims[MAX_RANK];
    const char *error;
} header;

typedef struct text {
    const char *at, *end;
} text;

static void skip(text *t) {
    while (t->at < t->end && isspace((unsigned char)*t->at))
        t->at++;
}

static bool take(text *t, char c) {
    skip(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool take_word(text *t, const char *word) {
    const size_t n = strlen(word);
    skip(t);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

/* 'text' or "text" without escapes. */
static bool take_quoted(text *t, char *out, size_t size) {
    const int quote = take(t, '\'') ? '\'' : take(t, '"') ? '"' : 0;
    size_t n = 0;
    while (quote && t->at < t->end && *t->at != quote && n + 1 < size)
        out[n++] = *t->at++;
    out[n] = 0;
    return quote && t->at < t->end && *t->at++ == quote;
}

static bool take_number(text *t, int64_t *out) {
    skip(t);
    const char *const start = t->at;
    int64_t value = 0;
    while (t->at < t->end && isdigit((unsigned char)*t->at)) {
        if (value > (INT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (*t->at++ - '0');
    }
    *out = value;
    if (t->at < t->end && *t->at == 'L') /* as Python 2 wrote it */
        t->at++;
    return t->at > start;
}

static bool take_shape(text *t, header *h) {
    if (!take(t, '('))
        return false;
    while (!take(t, ')')) {
        if (h->rank == MAX_RANK || !take_number(t, &h->dims[h->rank]))
            return false;
        h->rank++;
        if (!take(t, ',')) {
            h->has_shape = true;
            return take(t, ')');
        }
    }
    h->has_shape = true;
    return true;
}

static bool take_entry(text *t, header *h) {
    char key[16];
    if (!take_quoted(t, key, sizeof key) || !take(t, ':'))
        return false;
    if (strcmp(key, "descr") == 0)
        return h->has_descr = !h->has_descr && take_quoted(t, h->descr, sizeof h->descr);
    if (strcmp(key, "fortran_order") == 0) {
        h->fortran = take_word(t, "True");
        return h->has_order = !h->has_order && (h->fortran || take_word(t, "False"));
    }
    return strcmp(key, "shape") == 0 && !h->has_shape && take_shape(t, h);
}

static bool parse_header(header *h, text t) {
    if (!take(&t, '{'))
        return false;
    while (!take(&t, '}'))
        if (!take_entry(&t, h) || (!take(&t, ',') && (skip(&t), t.at == t.end || *t.at != '}')))
            return false;
    skip(&t);
    return t.at == t.end && h->has_descr && h->has_order && h->has_shape;
}

static oo_elem elem_of(const char *descr) {
    if (!strchr("<|=", descr[0]))
        return OO_UNDEFINED;
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (descr[0] && strcmp(descr + 1, TYPES[i].name) == 0)
            return TYPES[i].elem;
    return OO_UNDEFINED;
}

/* ---- reading ---- */
/* Finds the header; *data is the offset of the elements. */
static const char *find_header(const oo_source *s, text *out, uint64_t *data) {
    const uint8_t *const b = s->bytes;
    if (s->size < MAGIC_SIZE + 4 || memcmp(b, MAGIC, MAGIC_SIZE) != 0)
        return "is no .npy file";
    const unsigned version = b[6];
    if (version < 1 || version > 3)
        return "has a version of the .npy format other than 1, 2 and 3";
    const uint64_t start = version == 1 ? 10 : 12;
    if (s->size < start)
        return "is truncated";
    const uint64_t size = version == 1 ? b[8] | (uint64_t)b[9] << 8 : b[8] | (uint64_t)b[9] << 8 | (uint64_t)b[10] << 16 | (uint64_t)b[11] << 24;
    if (size > MAX_HEADER || size > s->size - start)
        return "is truncated, or its header is too long";
    *out = (text){(const char *)b + start, (const char *)b + start + size};
    *data = start + size;
    return NULL;
}

/* Column-major to row-major. */
static const uint8_t *reordered(oo_model *model, const oo_tensor *t, const uint8_t *from) {
    const uint32_t width = oo__elem_bits(t->elem) / 8;
    uint8_t *const to = oo__arena_array(model->arena, t->count, width);
    uint64_t strides[MAX_RANK], step = width, at = 0;
    int64_t index[MAX_RANK] = {0};
    for (uint32_t i = 0; i < t->rank; i++) {
        strides[i] = step;
        step *= (uint64_t)t->dims[i];
    }
    for (uint64_t i = 0; i < t->count; i++) {
        memcpy(to + i * width, from + at, width);
        for (uint32_t k = t->rank; k-- > 0;) {
            at += strides[k];
            if (++index[k] < t->dims[k])
                break;
            at -= strides[k] * (uint64_t)t->dims[k];
            index[k] = 0;
        }
    }
    return to;
}

static oo_status fail(const oo_model *model, const char *path, const char *what) {
    oo__file_error(model->context, "npy-invalid", path, -1, "the file %s", what);
    return OO_INVALID;
}

static oo_status read_array(oo_tensor **out, oo_model *model, oo_source *source, const char *path) {
    text t = {0};
    uint64_t data = 0;
    const char *const error = find_header(source, &t, &data);
    header h = {0};
    if (error)
        return fail(model, path, error);
    if (!parse_header(&h, t))
        return fail(model, path, "has a malformed header");
    const oo_elem elem = elem_of(h.descr);
    if (elem == OO_UNDEFINED) {
        oo__file_error(model->context, "npy-type", path, -1, "the array's type \"%s\" is not one of little-endian numbers",
                       oo__printable(h.descr, strlen(h.descr)));
        return OO_UNSUPPORTED;
    }
    bool valid;
    oo_tensor *const tensor = oo__tensor_new(model, (int32_t)elem, h.rank, h.dims, &valid);
    if (!valid || oo_tensor_size(tensor) != source->size - data)
        return fail(model, path, "has another size than its shape asks for");
    tensor->storage = OO_STORE_RAW;
    tensor->payload = (oo_payload){.source = source, .offset = data, .size = oo_tensor_size(tensor)};
    if (h.fortran && h.rank > 1)
        tensor->payload = (oo_payload){.memory = reordered(model, tensor, source->bytes + data), .size = oo_tensor_size(tensor)};
    *out = tensor;
    return OO_OK;
}

oo_status oo__npy_read(oo_tensor **out, oo_model *model, const char *path) {
    *out = NULL;
    oo_source *source;
    OO_TRY(oo__source_open(&source, model->context, path));
    oo_vec_push(model->arena, &model->sources, source);
    return read_array(out, model, source, path);
}

/* ---- writing ---- */
static const char *name_of(oo_elem elem) {
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].elem == elem)
            return TYPES[i].name;
    return NULL;
}

/* The type that holds all values of one that NumPy has not. */
static oo_elem widened(oo_elem elem) {
    switch (elem) {
    case OO_INT4:
    case OO_INT2: return OO_INT8;
    case OO_UINT4:
    case OO_UINT2: return OO_UINT8;
    default: return OO_FLOAT;
    }
}

/* Element i of raw data of a narrow type. */
static void widen(oo_elem elem, const uint8_t *raw, uint64_t i, void *out) {
    const uint32_t bits = oo__elem_bits((int32_t)elem);
    const oo__minifloat *const mini = oo__minifloat_of((int32_t)elem);
    const unsigned code = bits <= 8 ? oo__code_get(raw, bits, i) : 0;
    if (mini || elem == OO_BFLOAT16) {
        uint16_t half;
        memcpy(&half, raw + (mini ? 0 : 2 * i), 2 * (mini == NULL));
        const float value = (float)(mini ? oo__minifloat_decode(mini, (uint8_t)code) : oo__bfloat_to_double(half));
        memcpy(out, &value, sizeof value);
    } else {
        const unsigned sign = elem == OO_INT4 || elem == OO_INT2 ? 1u << (bits - 1) : 0;
        *(uint8_t *)out = (uint8_t)((code ^ sign) - sign);
    }
}

static void write_header(oo_output *output, oo_elem elem, const oo_tensor *t) {
    char line[128 + 24 * MAX_RANK];
    const uint32_t bits = oo__elem_bits((int32_t)elem);
    int n = snprintf(line, sizeof line, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", bits == 8 ? '|' : '<', name_of(elem));
    for (uint32_t i = 0; i < t->rank; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%lld%s", (long long)t->dims[i], t->rank == 1 ? "," : i + 1 < t->rank ? ", " : "");
    n += snprintf(line + n, sizeof line - (size_t)n, "), }");
    /* The elements start at a multiple of 64. */
    enum { FIXED = 10, ALIGN = 64 };
    while ((n + 1 + FIXED) % ALIGN)
        line[n++] = ' ';
    line[n++] = '\n';
    const uint8_t fixed[] = {1, 0, (uint8_t)(n & 255), (uint8_t)(n >> 8)};
    oo__output_write(output, MAGIC, MAGIC_SIZE);
    oo__output_write(output, fixed, sizeof fixed);
    oo__output_write(output, line, (size_t)n);
}

static bool write_data(oo_output *output, oo_elem elem, const oo_tensor *t) {
    enum { STEP = 8192 };
    uint8_t *const raw = oo__malloc((size_t)STEP * 16), *const wide = oo__malloc((size_t)STEP * 4);
    const uint32_t width = oo__elem_bits((int32_t)elem) / 8;
    bool ok = true;
    for (uint64_t at = 0; ok && at < t->count; at += STEP) {
        const uint64_t n = t->count - at < STEP ? t->count - at : STEP;
        ok = oo_tensor_read(t, at, n, raw);
        for (uint64_t i = 0; ok && elem != (oo_elem)t->elem && i < n; i++)
            widen((oo_elem)t->elem, raw, i, wide + i * width);
        if (ok)
            oo__output_write(output, elem == (oo_elem)t->elem ? raw : wide, n * width);
    }
    free(raw);
    free(wide);
    return ok;
}

oo_status oo__npy_write(oo_context *context, const oo_tensor *t, const char *path) {
    oo_elem elem = oo_tensor_elem(t);
    if (elem == OO_STRING || elem == OO_UNDEFINED || t->rank > MAX_RANK) {
        oo__file_error(context, "npy-type", path, -1, "a tensor of type %s and rank %u cannot be written as .npy",
                       elem ? oo__elem_name((int32_t)elem) : "unknown", t->rank);
        return OO_UNSUPPORTED;
    }
    if (!name_of(elem))
        elem = widened(elem);
    oo_output *output;
    OO_TRY(oo__output_open(&output, context, path));
    write_header(output, elem, t);
    if (write_data(output, elem, t))
        return oo__output_commit(output);
    oo__output_discard(output);
    oo__file_error(context, "save-data", path, -1, "the data of a tensor cannot be had");
    return OO_IO;
}
