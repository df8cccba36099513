#include "io/text_names.h"

#include <string.h>

static const struct attr_row {
    const char *one, *many;
    oo_attr_type one_type, many_type;
} ATTRS[] = {
    {"float", "floats", OO_ATTR_FLOAT, OO_ATTR_FLOATS},
    {"int", "ints", OO_ATTR_INT, OO_ATTR_INTS},
    {"string", "strings", OO_ATTR_STRING, OO_ATTR_STRINGS},
    {"tensor", "tensors", OO_ATTR_TENSOR, OO_ATTR_TENSORS},
    {"graph", "graphs", OO_ATTR_GRAPH, OO_ATTR_GRAPHS},
    {"sparse_tensor", "sparse_tensors", OO_ATTR_SPARSE_TENSOR, OO_ATTR_SPARSE_TENSORS},
    {"type_proto", "type_protos", OO_ATTR_TYPE_PROTO, OO_ATTR_TYPE_PROTOS},
};
enum { NATTRS = sizeof ATTRS / sizeof *ATTRS };

static const struct attr_row *row_of(oo_attr_type type) {
    for (size_t i = 0; i < NATTRS; i++)
        if (ATTRS[i].one_type == type || ATTRS[i].many_type == type)
            return &ATTRS[i];
    return NULL;
}

static bool same(const char *word, const char *text, size_t size) {
    return strlen(word) == size && memcmp(word, text, size) == 0;
}

const char *oo__attr_kind_name(oo_attr_type type) {
    const struct attr_row *const row = row_of(type);
    if (!row)
        return NULL;
    return row->one_type == type ? row->one : row->many;
}

oo_attr_type oo__attr_kind_find(const char *name, size_t size) {
    for (size_t i = 0; i < NATTRS; i++) {
        if (same(ATTRS[i].one, name, size))
            return ATTRS[i].one_type;
        if (same(ATTRS[i].many, name, size))
            return ATTRS[i].many_type;
    }
    return OO_ATTR_UNDEFINED;
}

oo_attr_type oo__attr_kind_one(oo_attr_type type) {
    const struct attr_row *const row = row_of(type);
    return row ? row->one_type : OO_ATTR_UNDEFINED;
}

oo_attr_type oo__attr_kind_many(oo_attr_type type) {
    const struct attr_row *const row = row_of(type);
    return row ? row->many_type : OO_ATTR_UNDEFINED;
}

static const struct kind_row {
    const char *word;
    oo_kind kind;
} KINDS[] = {
    {"seq", OO_TYPE_SEQUENCE},      {"map", OO_TYPE_MAP},
    {"optional", OO_TYPE_OPTIONAL}, {"sparse_tensor", OO_TYPE_SPARSE_TENSOR},
    {"opaque", OO_TYPE_OPAQUE},
};
enum { NKINDS = sizeof KINDS / sizeof *KINDS };

const char *oo__kind_word(oo_kind kind) {
    for (size_t i = 0; i < NKINDS; i++)
        if (KINDS[i].kind == kind)
            return KINDS[i].word;
    return NULL;
}

oo_kind oo__kind_find(const char *word, size_t size) {
    for (size_t i = 0; i < NKINDS; i++)
        if (same(KINDS[i].word, word, size))
            return KINDS[i].kind;
    return OO_TYPE_NONE;
}

bool oo__is_type_word(const char *word, size_t size) {
    return oo__elem_find(word, size) != OO_UNDEFINED || oo__kind_find(word, size) != OO_TYPE_NONE;
}

static const oo__spelling SPELLINGS[OO_ELEM_COUNT] = {
    [OO_FLOAT] = {OO__LITERAL_FLOAT, 4},          [OO_DOUBLE] = {OO__LITERAL_DOUBLE, 8},
    [OO_COMPLEX64] = {OO__LITERAL_FLOAT, 4},      [OO_COMPLEX128] = {OO__LITERAL_DOUBLE, 8},
    [OO_STRING] = {OO__LITERAL_STRING, 0},        [OO_INT8] = {OO__LITERAL_SIGNED, 1},
    [OO_INT16] = {OO__LITERAL_SIGNED, 2},         [OO_INT32] = {OO__LITERAL_SIGNED, 4},
    [OO_INT64] = {OO__LITERAL_SIGNED, 8},         [OO_BOOL] = {OO__LITERAL_UNSIGNED, 1},
    [OO_UINT8] = {OO__LITERAL_UNSIGNED, 1},       [OO_UINT16] = {OO__LITERAL_UNSIGNED, 2},
    [OO_UINT32] = {OO__LITERAL_UNSIGNED, 4},      [OO_UINT64] = {OO__LITERAL_UNSIGNED, 8},
    [OO_FLOAT16] = {OO__LITERAL_PATTERN, 2},      [OO_BFLOAT16] = {OO__LITERAL_PATTERN, 2},
    [OO_FLOAT8E4M3FN] = {OO__LITERAL_PATTERN, 1}, [OO_FLOAT8E4M3FNUZ] = {OO__LITERAL_PATTERN, 1},
    [OO_FLOAT8E5M2] = {OO__LITERAL_PATTERN, 1},   [OO_FLOAT8E5M2FNUZ] = {OO__LITERAL_PATTERN, 1},
    [OO_FLOAT8E8M0] = {OO__LITERAL_PATTERN, 1},   [OO_FLOAT6E2M3] = {OO__LITERAL_PACKED, 1},
    [OO_FLOAT6E3M2] = {OO__LITERAL_PACKED, 1},    [OO_FLOAT4E2M1] = {OO__LITERAL_PATTERN, 1},
    [OO_UINT4] = {OO__LITERAL_PATTERN, 1},        [OO_INT4] = {OO__LITERAL_PATTERN, 1},
    [OO_UINT2] = {OO__LITERAL_PATTERN, 1},        [OO_INT2] = {OO__LITERAL_PATTERN, 1},
};

oo__spelling oo__elem_spelling(int32_t elem) {
    return elem > 0 && elem < OO_ELEM_COUNT ? SPELLINGS[elem] : (oo__spelling){OO__LITERAL_NONE, 0};
}

static const oo__key MODEL_KEYS[] = {
    {"ir_version", OO__KEY_INT, offsetof(oo_model, ir_version), offsetof(oo_model, has_ir_version)},
    {"opset_import", OO__KEY_OPSETS, offsetof(oo_model, opsets), 0},
    {"producer_name", OO__KEY_TEXT, offsetof(oo_model, producer_name), 0},
    {"producer_version", OO__KEY_TEXT, offsetof(oo_model, producer_version), 0},
    {"domain", OO__KEY_TEXT, offsetof(oo_model, domain), 0},
    {"model_version", OO__KEY_INT, offsetof(oo_model, model_version), offsetof(oo_model, has_model_version)},
    {"doc_string", OO__KEY_TEXT, offsetof(oo_model, doc), 0},
    {"metadata_props", OO__KEY_PROPS, offsetof(oo_model, metadata), 0},
};
static const oo__key FUNCTION_KEYS[] = {
    {"domain", OO__KEY_TEXT, offsetof(oo_function, domain), 0},
    {"overload", OO__KEY_TEXT, offsetof(oo_function, overload), 0},
    {"opset_import", OO__KEY_OPSETS, offsetof(oo_function, opsets), 0},
    {"doc_string", OO__KEY_TEXT, offsetof(oo_function, doc), 0},
};
const oo__keys oo__model_keys = {MODEL_KEYS, sizeof MODEL_KEYS / sizeof *MODEL_KEYS};
const oo__keys oo__function_keys = {FUNCTION_KEYS, sizeof FUNCTION_KEYS / sizeof *FUNCTION_KEYS};
