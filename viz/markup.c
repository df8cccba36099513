/* Escaping and shortening. A character is one code point of well-formed UTF-8; every other byte is shown as \xNN. */
#include "viz/markup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

oo_markup oo__markup(oo_arena *arena, oo_dialect dialect) { return (oo_markup){.arena = arena, .dialect = dialect}; }

static void put(oo_markup *m, const char *bytes, size_t size) {
    if (size == 0)
        return;
    m->data = oo__vec_room(m->arena, m->data, m->n, (uint32_t)size, &m->cap, 1);
    memcpy(m->data + m->n, bytes, size);
    m->n += (uint32_t)size;
}

static void put_str(oo_markup *m, const char *text) { put(m, text, strlen(text)); }

void oo__markup_add(oo_markup *m, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char small[512];
    va_list again;
    va_copy(again, args);
    const int size = vsnprintf(small, sizeof small, format, args);
    if (size >= 0 && (size_t)size < sizeof small) {
        put(m, small, (size_t)size);
    } else if (size > 0) {
        char *const large = oo__arena_alloc(m->arena, (size_t)size + 1);
        vsnprintf(large, (size_t)size + 1, format, again);
        put(m, large, (size_t)size);
    }
    va_end(again);
    va_end(args);
}

const char *oo__markup_done(oo_markup *m) {
    put(m, "", 1);
    m->n--;
    return m->data;
}

static size_t sequence_length(unsigned char lead) {
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

/* Control characters, surrogates, marks that turn the direction of writing, and what XML forbids. */
static bool is_showable(uint32_t c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0xD800 && c < 0xE000) || c == 0xFFFE || c == 0xFFFF ||
        c > 0x10FFFF)
        return false;
    return !(c >= 0x200B && c <= 0x200F) && !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2060 && c <= 0x206F) &&
           c != 0xFEFF;
}

/* Bytes of the character at `text`; 0 when it must be shown as \xNN, one byte. */
static size_t character(const char *text, size_t size) {
    const unsigned char *const bytes = (const unsigned char *)text;
    const size_t length = sequence_length(bytes[0]);
    if (length == 0 || length > size)
        return 0;
    static const uint8_t lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = bytes[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3F);
    }
    return code >= least[length] && is_showable(code) ? length : 0;
}

static const char *const backslash[] = {[OO_LABEL] = "\\\\", [OO_TOOLTIP] = "\\\\\\\\", [OO_MARKDOWN] = "\\\\"};

static void put_escaped(oo_markup *m, const char *text, size_t length) {
    if (length == 0) {
        char hex[4];
        snprintf(hex, sizeof hex, "x%02x", (unsigned)(unsigned char)*text);
        put_str(m, backslash[m->dialect]);
        put_str(m, hex);
        return;
    }
    switch (*text) {
    case '&': put_str(m, "&amp;"); return;
    case '<': put_str(m, "&lt;"); return;
    case '>': put_str(m, "&gt;"); return;
    case '"': put_str(m, "&quot;"); return;
    case '\\': put_str(m, backslash[m->dialect]); return;
    default: break;
    }
    if (m->dialect == OO_MARKDOWN && strchr("`*_[]|~#!:@", *text))
        put_str(m, "\\");
    put(m, text, length);
}

static size_t step(size_t length) { return length ? length : 1; }

static uint32_t count_characters(const char *text, size_t size) {
    uint32_t count = 0;
    for (size_t i = 0; i < size; i += step(character(text + i, size - i)))
        count++;
    return count;
}

/* Characters [first, end). */
static void put_range(oo_markup *m, const char *text, size_t size, uint32_t first, uint32_t end) {
    uint32_t at = 0;
    for (size_t i = 0; i < size && at < end; at++) {
        const size_t length = character(text + i, size - i);
        if (at >= first)
            put_escaped(m, text + i, length);
        i += step(length);
    }
}

#define ELLIPSIS "\xE2\x80\xA6"

void oo__markup_text(oo_markup *m, const char *text, size_t size, uint32_t limit) {
    const uint32_t count = count_characters(text, size);
    put_range(m, text, size, 0, count > limit ? limit - 1 : count);
    if (count > limit)
        put_str(m, ELLIPSIS);
}

void oo__markup_name(oo_markup *m, const char *name, uint32_t limit) {
    const size_t size = name ? strlen(name) : 0;
    const uint32_t count = count_characters(name, size);
    if (count > limit)
        put_str(m, ELLIPSIS);
    put_range(m, name, size, count > limit ? count - limit + 1 : 0, count);
}

/* ---- types ---- */
static void put_elem(oo_markup *m, int32_t elem) {
    const char *const name = oo__elem_name(elem);
    put_str(m, name && elem != OO_UNDEFINED ? name : "?");
}

static void put_dims(oo_markup *m, const oo_type *type) {
    enum { MOST = 12 };
    put_str(m, type->has_shape ? "[" : "[...]");
    for (uint32_t i = 0; type->has_shape && i < type->rank && i < MOST; i++) {
        const oo_dim *const dim = &type->dims[i];
        put_str(m, i ? "," : "");
        if (dim->kind == OO_DIM_VALUE)
            oo__markup_add(m, "%lld", (long long)dim->value);
        else if (dim->kind == OO_DIM_PARAM && dim->param && *dim->param)
            oo__markup_name(m, dim->param, 16);
        else
            put_str(m, "?");
    }
    if (type->has_shape)
        put_str(m, type->rank > MOST ? ",...]" : "]");
}

static void put_type(oo_markup *m, const oo_type *type, int depth) {
    if (!type || depth > 8) {
        put_str(m, "?");
        return;
    }
    switch (type->kind) {
    case OO_TYPE_SPARSE_TENSOR: put_str(m, "sparse "); /* fall through */
    case OO_TYPE_TENSOR:
        put_elem(m, type->has_elem ? type->elem : OO_UNDEFINED);
        put_dims(m, type);
        return;
    case OO_TYPE_SEQUENCE:
    case OO_TYPE_OPTIONAL:
        put_str(m, type->kind == OO_TYPE_SEQUENCE ? "seq(" : "optional(");
        put_type(m, type->inner, depth + 1);
        put_str(m, ")");
        return;
    case OO_TYPE_MAP:
        put_str(m, "map(");
        put_elem(m, type->has_elem ? type->elem : OO_UNDEFINED);
        put_str(m, ",");
        put_type(m, type->inner, depth + 1);
        put_str(m, ")");
        return;
    case OO_TYPE_OPAQUE:
        put_str(m, "opaque ");
        oo__markup_name(m, type->opaque_name, 24);
        return;
    case OO_TYPE_NONE: break;
    }
    put_str(m, "?");
}

void oo__markup_type(oo_markup *m, const oo_type *type) { put_type(m, type, 0); }

/* ---- tensors and attributes ---- */
enum { FEW = 6 };

static bool is_number(int32_t elem) {
    return (elem >= OO_FLOAT && elem <= OO_INT64) || elem == OO_DOUBLE || elem == OO_FLOAT16;
}

void oo__markup_tensor(oo_markup *m, const oo_tensor *tensor) {
    put_elem(m, tensor->elem);
    put_str(m, "[");
    for (uint32_t i = 0; i < tensor->rank && i < 12; i++)
        oo__markup_add(m, "%s%lld", i ? "," : "", (long long)tensor->dims[i]);
    put_str(m, tensor->rank > 12 ? ",...]" : "]");
    double values[FEW];
    if (tensor->count == 0 || tensor->count > FEW || !is_number(tensor->elem) ||
        !oo_tensor_doubles(tensor, 0, tensor->count, values))
        return;
    put_str(m, " = ");
    for (uint64_t i = 0; i < tensor->count; i++)
        oo__markup_add(m, "%s%.6g", i ? "," : "", values[i]);
}

static void put_list(oo_markup *m, const oo_attr *attr) {
    enum { MOST = 8 };
    put_str(m, "[");
    for (uint32_t i = 0; i < attr->count && i < MOST; i++) {
        put_str(m, i ? "," : "");
        if (attr->type == OO_ATTR_INTS)
            oo__markup_add(m, "%lld", (long long)attr->ints[i]);
        else if (attr->type == OO_ATTR_FLOATS)
            oo__markup_add(m, "%.6g", (double)attr->floats[i]);
        else
            oo__markup_text(m, (const char *)attr->strings[i].data, attr->strings[i].size, 12);
    }
    if (attr->count > MOST)
        oo__markup_add(m, ",... %u", attr->count);
    put_str(m, "]");
}

void oo__markup_attr(oo_markup *m, const oo_attr *attr) {
    if (attr->reference) {
        put_str(m, "@");
        oo__markup_name(m, attr->reference, 20);
        return;
    }
    if (attr->raw.data) {
        put_str(m, "?");
        return;
    }
    switch (attr->type) {
    case OO_ATTR_INT: oo__markup_add(m, "%lld", (long long)attr->i); return;
    case OO_ATTR_FLOAT: oo__markup_add(m, "%.6g", (double)attr->f); return;
    case OO_ATTR_STRING:
        put_str(m, "&quot;");
        oo__markup_text(m, (const char *)attr->s.data, attr->s.size, 20);
        put_str(m, "&quot;");
        return;
    case OO_ATTR_INTS:
    case OO_ATTR_FLOATS:
    case OO_ATTR_STRINGS: put_list(m, attr); return;
    case OO_ATTR_TENSOR:
        if (attr->t)
            oo__markup_tensor(m, attr->t);
        return;
    case OO_ATTR_TYPE_PROTO: oo__markup_type(m, attr->type_proto); return;
    default: put_str(m, "..."); return;
    }
}
