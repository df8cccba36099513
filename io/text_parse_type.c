/* Types, and the data of tensors. */
#include "io/reader.h"
#include "io/text_number.h"
#include "io/text_parse.h"

#include <string.h>

bool oo__parse_sees_type(const oo__parser *p) {
    return p->lex.token.kind == OO__TOKEN_NAME && oo__is_type_word(p->lex.token.text, p->lex.token.size);
}

/* ---- types ---- */
static oo_status parse_dim(oo_dim *dim, oo__parser *p) {
    *dim = (oo_dim){0};
    if (oo__lex_take(&p->lex, '?'))
        return OO_OK;
    if (oo__parse_sees_name(p)) {
        dim->kind = OO_DIM_PARAM;
        return oo__parse_name(&dim->param, p, "a symbol");
    }
    dim->kind = OO_DIM_VALUE;
    return oo__parse_int(&dim->value, p, "a dimension: a number, a symbol or ?");
}

/* Behind the element type: nothing is a scalar, [] an unknown rank. */
static oo_status parse_shape(oo_type *type, oo__parser *p) {
    type->has_shape = true;
    if (!oo__lex_take(&p->lex, '['))
        return OO_OK;
    if (oo__lex_take(&p->lex, ']')) {
        type->has_shape = false;
        return OO_OK;
    }
    oo_vec(oo_dim) dims = {0};
    do {
        oo_dim dim;
        OO_TRY(parse_dim(&dim, p));
        oo_vec_push(p->model->arena, &dims, dim);
    } while (oo__lex_take(&p->lex, ','));
    type->dims = dims.data;
    type->rank = dims.n;
    return oo__lex_expect(&p->lex, ']');
}

static oo_status parse_elem(oo_type *type, oo__parser *p) {
    const oo__token *const t = &p->lex.token;
    const oo_elem elem = t->kind == OO__TOKEN_NAME ? oo__elem_find(t->text, t->size) : OO_UNDEFINED;
    if (elem == OO_UNDEFINED)
        return oo__lex_expected(&p->lex, "an element type such as float or int64");
    type->has_elem = true;
    type->elem = (int32_t)elem;
    oo__lex_next(&p->lex);
    return OO_OK;
}

/* opaque(), opaque(name) or opaque(domain, name); both may have dots. */
static oo_status parse_opaque(oo_type *type, oo__parser *p) {
    if (oo__lex_is(&p->lex, ')'))
        return OO_OK;
    const char *domain, *name;
    OO_TRY(oo__parse_dotted(&domain, &name, p, "a name"));
    const char *const whole =
        domain ? oo__str(p->model, oo__arena_printf(p->model->arena, "%s.%s", domain, name)) : name;
    if (!oo__lex_take(&p->lex, ',')) {
        type->opaque_name = whole;
        return OO_OK;
    }
    type->opaque_domain = whole;
    return oo__parse_name(&type->opaque_name, p, "a name");
}

static oo_status parse_inside(oo_type *type, oo__parser *p) {
    switch (type->kind) {
    case OO_TYPE_MAP:
        OO_TRY(parse_elem(type, p));
        OO_TRY(oo__lex_expect(&p->lex, ','));
        return oo__parse_type(&type->inner, p);
    case OO_TYPE_SPARSE_TENSOR: OO_TRY(parse_elem(type, p)); return parse_shape(type, p);
    case OO_TYPE_OPAQUE: return parse_opaque(type, p);
    default: return oo__parse_type(&type->inner, p);
    }
}

oo_status oo__parse_type(const oo_type **out, oo__parser *p) {
    if (!oo__parse_sees_type(p))
        return oo__lex_expected(&p->lex, "a type");
    oo_type *const type = OO_NEW(p->model->arena, oo_type);
    *out = type;
    type->kind = oo__kind_find(p->lex.token.text, p->lex.token.size);
    if (type->kind == OO_TYPE_NONE) {
        type->kind = OO_TYPE_TENSOR;
        OO_TRY(parse_elem(type, p));
        return parse_shape(type, p);
    }
    oo__lex_next(&p->lex);
    OO_TRY(oo__lex_expect(&p->lex, '('));
    OO_TRY(oo__parse_enter(p));
    OO_TRY(parse_inside(type, p));
    oo__parse_leave(p);
    return oo__lex_expect(&p->lex, ')');
}

/* ---- tensors ---- */
static oo_status misfit(oo__parser *p, const oo_tensor *t) {
    const oo__token *const token = &p->lex.token;
    return oo__lex_fail(&p->lex, token, "text-number", "the number %s does not fit the element type %s",
                        oo__printable(token->text, token->size), oo__elem_name(t->elem));
}

static oo_status parse_integer(uint64_t *bits, oo__parser *p, const oo_tensor *t, oo__spelling s) {
    const oo__token *const token = &p->lex.token;
    if (token->kind != OO__TOKEN_INT)
        return oo__lex_expected(&p->lex, s.literal == OO__LITERAL_PATTERN || s.literal == OO__LITERAL_PACKED
                                             ? "an integer: the bits of the element"
                                             : "an integer");
    uint64_t magnitude;
    bool negative;
    if (!oo__integer_read(&magnitude, &negative, token->text, token->size))
        return misfit(p, t);
    const uint32_t bits_of_one = s.literal == OO__LITERAL_PACKED ? oo__elem_bits(t->elem) : 8 * s.width;
    const uint64_t half = (uint64_t)1 << (bits_of_one - 1);
    const uint64_t above = s.literal == OO__LITERAL_SIGNED ? half - 1 : half + (half - 1);
    const uint64_t below = s.literal == OO__LITERAL_UNSIGNED || s.literal == OO__LITERAL_PACKED ? 0 : half;
    if (magnitude > (negative ? below : above))
        return misfit(p, t);
    *bits = negative ? 0 - magnitude : magnitude;
    return OO_OK;
}

static oo_status parse_real(uint64_t *bits, oo__parser *p, const oo_tensor *t, oo__spelling s) {
    const oo__token *const token = &p->lex.token;
    const bool is_word = token->kind == OO__TOKEN_NAME && oo__is_float_word(token->text, token->size);
    if (token->kind != OO__TOKEN_INT && token->kind != OO__TOKEN_FLOAT && !is_word)
        return oo__lex_expected(&p->lex, "a number");
    *bits = 0;
    float f;
    double d;
    const bool ok = s.literal == OO__LITERAL_FLOAT ? oo__float_read(&f, token->text, token->size)
                                                   : oo__double_read(&d, token->text, token->size);
    if (!ok)
        return misfit(p, t);
    memcpy(bits, s.literal == OO__LITERAL_FLOAT ? (const void *)&f : &d, s.width);
    return OO_OK;
}

static oo_status too_few(oo__parser *p, const oo_tensor *t, uint64_t need, uint64_t have) {
    return oo__lex_fail(&p->lex, &p->lex.token, "text-tensor-size",
                        "the tensor of type %s takes %llu values, but has %llu", oo__elem_name(t->elem),
                        (unsigned long long)need, (unsigned long long)have);
}

static oo_status too_many(oo__parser *p, const oo_tensor *t, uint64_t need) {
    return oo__lex_fail(&p->lex, &p->lex.token, "text-tensor-size",
                        "the tensor of type %s takes %llu values, but has more", oo__elem_name(t->elem),
                        (unsigned long long)need);
}

static oo_status parse_strings(oo_tensor *t, oo__parser *p) {
    t->storage = t->count ? OO_STORE_STRINGS : OO_STORE_NONE;
    bool more = !oo__lex_is(&p->lex, '}');
    for (; more; more = oo__lex_take(&p->lex, ',')) {
        if (t->strings.n == t->count)
            return too_many(p, t, t->count);
        oo_bytes text;
        OO_TRY(oo__parse_bytes(&text, p, "a string"));
        oo_vec_push(p->model->arena, &t->strings, text);
    }
    return t->strings.n == t->count || !oo__lex_is(&p->lex, '}') ? OO_OK : too_few(p, t, t->count, t->strings.n);
}

/* Codes of a byte each as raw_data has them. */
static const uint8_t *packed(oo__parser *p, const oo_tensor *t, const uint8_t *codes) {
    uint8_t *const bytes = oo__arena_alloc(p->model->arena, oo_tensor_size(t));
    memset(bytes, 0, (size_t)oo_tensor_size(t));
    for (uint64_t i = 0; i < t->count; i++)
        oo__code_put(bytes, oo__elem_bits(t->elem), i, codes[i]);
    return bytes;
}

static oo_status parse_numbers(oo_tensor *t, oo__parser *p) {
    const oo__spelling s = oo__elem_spelling(t->elem);
    const uint64_t need = s.literal == OO__LITERAL_PACKED ? t->count : oo_tensor_size(t) / s.width;
    uint64_t have = 0;
    /* Every value takes a byte of text at least: dimensions alone cannot ask for memory. */
    const uint64_t left = (uint64_t)(p->lex.end - p->lex.at) + 1;
    uint8_t *const bytes = oo__arena_alloc(p->model->arena, (need <= left ? need : left) * s.width);
    bool more = !oo__lex_is(&p->lex, '}');
    for (; more; more = oo__lex_take(&p->lex, ',')) {
        if (have == need)
            return too_many(p, t, need);
        uint64_t bits;
        OO_TRY(s.literal == OO__LITERAL_FLOAT || s.literal == OO__LITERAL_DOUBLE ? parse_real(&bits, p, t, s)
                                                                                 : parse_integer(&bits, p, t, s));
        memcpy(bytes + have++ * s.width, &bits, s.width);
        oo__lex_next(&p->lex);
    }
    if (have < need) /* what stands there in place of '}' is the error then */
        return oo__lex_is(&p->lex, '}') ? too_few(p, t, need, have) : OO_OK;
    t->storage = OO_STORE_RAW;
    t->payload = (oo_payload){.memory = s.literal == OO__LITERAL_PACKED ? packed(p, t, bytes) : bytes, .size = oo_tensor_size(t)};
    return OO_OK;
}

static oo_status parse_elements(oo_tensor *t, oo__parser *p) {
    if (oo__lex_is(&p->lex, OO__DOTS))
        return oo__lex_fail(&p->lex, &p->lex.token, "text-elided",
                            "the data of this tensor were left out when the text was printed: it cannot be read back");
    OO_TRY(t->elem == OO_STRING ? parse_strings(t, p) : parse_numbers(t, p));
    return oo__lex_expect(&p->lex, '}');
}

static oo_status parse_external(oo_tensor *t, oo__parser *p, const oo__token *where) {
    t->storage = OO_STORE_EXTERNAL;
    t->has_location = true;
    t->location = 1;
    OO_TRY(oo__parse_props(&t->external, p));
    OO_TRY(oo__lex_expect(&p->lex, ']'));
    p->at = where;
    const oo_status status = oo__read_external(p->external, t);
    p->at = NULL;
    return status;
}

oo_status oo__parse_tensor(oo_tensor **out, oo__parser *p, const oo_type *type, const oo__token *where,
                           const char *name) {
    if (!type || type->kind != OO_TYPE_TENSOR)
        return oo__lex_fail(&p->lex, where, "text-tensor-type", "data need a tensor type before the name");
    if (!type->has_shape)
        return oo__lex_fail(&p->lex, where, "text-tensor-type", "data need a shape: [] is an unknown rank");
    int64_t *const dims = OO_NEW_ARRAY(p->model->arena, int64_t, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        if (type->dims[i].kind != OO_DIM_VALUE)
            return oo__lex_fail(&p->lex, where, "text-tensor-type",
                                "data need a shape of numbers: dimension %u is none", i);
        dims[i] = type->dims[i].value;
    }
    bool valid;
    oo_tensor *const t = oo__tensor_new(p->model, type->elem, type->rank, dims, &valid);
    *out = t;
    if (!valid)
        return oo__lex_fail(&p->lex, where, "text-tensor-type",
                            "negative dimensions, or more elements than can be counted");
    t->name = name;
    if (oo__lex_take(&p->lex, '{'))
        return parse_elements(t, p);
    if (oo__lex_take(&p->lex, '['))
        return parse_external(t, p, where);
    return t->count ? oo__lex_expected(&p->lex, "'{' and the elements, or '[' and where the data are") : OO_OK;
}
