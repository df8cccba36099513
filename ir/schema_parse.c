/* Parser of the little language in ir/ops.def. Its text may come from a plugin, so every mistake is an error, not an
 * assertion. */
#include "base/vec.h"
#include "ir/ir.h"
#include "ir/schema.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct cursor {
    oo_arena *arena;
    const char *column, *text; /* which text, for messages */
    const char *p;
    const char **error;
} cursor;

static bool fail(cursor *c, const char *why) {
    *c->error = oo__arena_printf(c->arena, "%s, column %zu: %s", c->column, (size_t)(c->p - c->text) + 1, why);
    return false;
}

static bool accept(cursor *c, char wanted) {
    if (*c->p != wanted) return false;
    c->p++;
    return true;
}

static bool word_char(char ch, bool dots) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' ||
           (dots && ch == '.');
}

/* Length of the word at the cursor, which moves behind it. */
static size_t take_word(cursor *c, bool dots) {
    const char *start = c->p;
    while (word_char(*c->p, dots)) c->p++;
    return (size_t)(c->p - start);
}

static bool is_word(const char *text, size_t size, const char *word) {
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

/* To the next item: false at the end of the text or when there is no single blank between two items. */
static bool next_item(cursor *c, bool *ok) {
    if (*c->p == '\0') return false;
    if (c->p == c->text || accept(c, ' ')) return true;
    *ok = fail(c, "a blank is expected");
    return false;
}

/* ---- types ---- */
static bool parse_types(cursor *c, oo_type_form form, oo_type_set *set);

/* What `form` becomes inside the wrapper at the cursor, whose name has been read; OO_FORM_COUNT when that does not
 * exist. */
static oo_type_form wrap(cursor *c, oo_type_form form, const char *name, size_t size) {
    if (is_word(name, size, "seq")) {
        return form == OO_FORM_TENSOR ? OO_FORM_SEQ : form == OO_FORM_OPTIONAL ? OO_FORM_OPTIONAL_SEQ : OO_FORM_COUNT;
    }
    if (is_word(name, size, "optional")) return form == OO_FORM_TENSOR ? OO_FORM_OPTIONAL : OO_FORM_COUNT;
    if (!is_word(name, size, "map") || (form != OO_FORM_TENSOR && form != OO_FORM_SEQ)) return OO_FORM_COUNT;
    const char *key = c->p;
    const size_t key_size = take_word(c, false);
    const bool int64 = is_word(key, key_size, "int64");
    if ((!int64 && !is_word(key, key_size, "string")) || !accept(c, ',')) return OO_FORM_COUNT;
    if (form == OO_FORM_SEQ) return int64 ? OO_FORM_SEQ_MAP_INT64 : OO_FORM_SEQ_MAP_STRING;
    return int64 ? OO_FORM_MAP_INT64 : OO_FORM_MAP_STRING;
}

static bool parse_group(cursor *c, oo_type_form form, oo_type_set *set) {
    const char *name = c->p;
    const size_t size = take_word(c, false);
    const char *types = oo__schema_types(name, size);
    if (!types) return fail(c, "no TYPES row has this name");
    cursor inner = {c->arena, "TYPES", types, types, c->error};
    return parse_types(&inner, form, set);
}

static bool parse_type(cursor *c, oo_type_form form, oo_type_set *set) {
    if (accept(c, '@')) return parse_group(c, form, set);
    const char *name = c->p;
    const size_t size = take_word(c, false);
    if (accept(c, '(')) {
        const oo_type_form inner = wrap(c, form, name, size);
        if (inner == OO_FORM_COUNT) return fail(c, "no such combination of seq, optional and map");
        return parse_types(c, inner, set) && (accept(c, ')') || fail(c, "')' is expected"));
    }
    const oo_elem elem = oo__elem_find(name, size);
    if (elem == OO_UNDEFINED) return fail(c, "unknown element type");
    set->elems[form] |= 1u << elem;
    return true;
}

static bool parse_types(cursor *c, oo_type_form form, oo_type_set *set) {
    do {
        if (!parse_type(c, form, set)) return false;
    } while (accept(c, '|'));
    return true;
}

static bool parse_constraints(cursor *c, oo_schema *schema) {
    oo_vec(oo_schema_constraint) list = {0};
    bool ok = true;
    while (next_item(c, &ok)) {
        const char *name = c->p;
        const size_t size = take_word(c, false);
        if (size == 0 || !accept(c, '=')) return fail(c, "'name=' is expected");
        oo_schema_constraint constraint = {.name = oo__arena_copy(c->arena, name, size)};
        if (!parse_types(c, OO_FORM_TENSOR, &constraint.types)) return false;
        oo_vec_push(c->arena, &list, constraint);
    }
    schema->constraints = list.data;
    schema->nconstraints = list.n;
    return ok;
}

/* ---- inputs and outputs ---- */
static bool parse_io_type(cursor *c, const oo_schema *schema, oo_schema_io *io) {
    const char *name = c->p;
    const size_t size = take_word(c, false);
    io->constraint = -1;
    for (uint32_t i = 0; i < schema->nconstraints; i++) {
        if (!is_word(name, size, schema->constraints[i].name)) continue;
        io->constraint = (int32_t)i;
        io->types = &schema->constraints[i].types;
        return true;
    }
    c->p = name;
    oo_type_set *own = OO_NEW(c->arena, oo_type_set);
    io->types = own;
    return parse_type(c, OO_FORM_TENSOR, own);
}

typedef struct io_list {
    oo_schema_io *data;
    uint32_t n, min, max;
} io_list;

/* A required input makes those before it required, in that they cannot be left off at the end. */
static bool parse_ios(cursor *c, const oo_schema *schema, io_list *out) {
    oo_vec(oo_schema_io) list = {0};
    bool ok = true;
    while (next_item(c, &ok)) {
        if (out->max == UINT32_MAX) return fail(c, "nothing may follow a variadic one");
        const char *name = c->p;
        const size_t size = take_word(c, true);
        if (size == 0 || !accept(c, ':')) return fail(c, "'name:' is expected");
        oo_schema_io io = {.name = oo__arena_copy(c->arena, name, size)};
        if (!parse_io_type(c, schema, &io)) return false;
        io.optional = accept(c, '?');
        const bool some = !io.optional && accept(c, '+');
        io.variadic = some || (!io.optional && accept(c, '*'));
        io.heterogeneous = io.variadic && accept(c, '~');
        if (some || (!io.variadic && !io.optional))
            out->min = out->max + 1;
        else if (io.variadic)
            out->min = out->max;
        out->max = io.variadic ? UINT32_MAX : out->max + 1;
        oo_vec_push(c->arena, &list, io);
    }
    out->data = list.data;
    out->n = list.n;
    return ok;
}

/* ---- attributes ---- */
static const char *const attr_kinds[] = {
    [OO_ATTR_FLOAT] = "float",
    [OO_ATTR_INT] = "int",
    [OO_ATTR_STRING] = "string",
    [OO_ATTR_TENSOR] = "tensor",
    [OO_ATTR_GRAPH] = "graph",
    [OO_ATTR_FLOATS] = "floats",
    [OO_ATTR_INTS] = "ints",
    [OO_ATTR_STRINGS] = "strings",
    [OO_ATTR_TENSORS] = "tensors",
    [OO_ATTR_GRAPHS] = "graphs",
    [OO_ATTR_SPARSE_TENSOR] = "sparse_tensor",
    [OO_ATTR_SPARSE_TENSORS] = "sparse_tensors",
    [OO_ATTR_TYPE_PROTO] = "type_proto",
    [OO_ATTR_TYPE_PROTOS] = "type_protos",
};

/* One int, float or string with its type. */
typedef struct scalar {
    oo_attr_type type;
    int64_t i;
    float f;
    const char *s;
} scalar;

static bool parse_number(cursor *c, scalar *out) {
    const size_t size = strspn(c->p, "0123456789+-.e");
    const char *digits = oo__arena_copy(c->arena, c->p, size);
    char *end = NULL;
    errno = 0;
    if (c->p[size] == 'f') {
        /* The decimal point must not depend on what locale the program has set. */
        const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        out->type = OO_ATTR_FLOAT;
        out->f = strtof_l(digits, &end, plain);
        freelocale(plain);
    } else {
        out->type = OO_ATTR_INT;
        out->i = strtoll(digits, &end, 10);
    }
    if (size == 0 || *end != '\0' || errno != 0) return fail(c, "a number is expected");
    c->p += size + (out->type == OO_ATTR_FLOAT);
    return true;
}

static bool parse_scalar(cursor *c, scalar *out) {
    const char *start = c->p;
    if (accept(c, '\'')) {
        const size_t size = strcspn(c->p, "'");
        out->type = OO_ATTR_STRING;
        out->s = oo__arena_copy(c->arena, c->p, size);
        c->p += size;
        return accept(c, '\'') || fail(c, "the quote is not closed");
    }
    if (!word_char(*start, false) || (*start >= '0' && *start <= '9')) return parse_number(c, out);
    out->type = OO_ATTR_STRING;
    out->s = oo__arena_copy(c->arena, start, take_word(c, false));
    return true;
}

/* The '[' has been read. */
static bool parse_list(cursor *c, oo_schema_attr *attr) {
    oo_vec(int64_t) ints = {0};
    oo_vec(float) floats = {0};
    oo_vec(const char *) strings = {0};
    oo_attr_type type = OO_ATTR_UNDEFINED;
    do {
        scalar value = {0};
        if (!parse_scalar(c, &value)) return false;
        if (type != OO_ATTR_UNDEFINED && value.type != type) return fail(c, "a list has one type");
        type = value.type;
        if (type == OO_ATTR_INT)
            oo_vec_push(c->arena, &ints, value.i);
        else if (type == OO_ATTR_FLOAT)
            oo_vec_push(c->arena, &floats, value.f);
        else
            oo_vec_push(c->arena, &strings, value.s);
        attr->count++;
    } while (accept(c, ','));
    attr->type = type == OO_ATTR_INT ? OO_ATTR_INTS : type == OO_ATTR_FLOAT ? OO_ATTR_FLOATS : OO_ATTR_STRINGS;
    attr->ints = ints.data;
    attr->floats = floats.data;
    attr->strings = strings.data;
    return accept(c, ']') || fail(c, "']' is expected");
}

static bool parse_default(cursor *c, oo_schema_attr *attr) {
    attr->has_default = true;
    if (accept(c, '[')) return parse_list(c, attr);
    scalar value = {0};
    if (!parse_scalar(c, &value)) return false;
    attr->type = value.type;
    attr->i = value.i;
    attr->f = value.f;
    attr->s = value.s;
    return true;
}

static bool parse_kind(cursor *c, oo_schema_attr *attr) {
    const char *name = c->p;
    const size_t size = take_word(c, false);
    for (size_t i = OO_ATTR_FLOAT; i < sizeof attr_kinds / sizeof *attr_kinds; i++)
        if (is_word(name, size, attr_kinds[i])) attr->type = (oo_attr_type)i;
    attr->required = accept(c, '!');
    return attr->type != OO_ATTR_UNDEFINED || fail(c, "unknown kind of attribute");
}

static bool parse_attributes(cursor *c, oo_schema *schema) {
    oo_vec(oo_schema_attr) list = {0};
    bool ok = true;
    while (next_item(c, &ok)) {
        const char *name = c->p;
        const size_t size = take_word(c, false);
        if (size == 0) return fail(c, "a name is expected");
        oo_schema_attr attr = {.name = oo__arena_copy(c->arena, name, size)};
        const bool done = accept(c, ':')   ? parse_kind(c, &attr)
                          : accept(c, '=') ? parse_default(c, &attr)
                                           : fail(c, "':' or '=' is expected");
        if (!done) return false;
        oo_vec_push(c->arena, &list, attr);
    }
    schema->attrs = list.data;
    schema->nattrs = list.n;
    return ok;
}

oo_schema *oo__schema_parse(oo_arena *arena, const oo_schema_row *row, const char **error) {
    oo_schema *schema = OO_NEW(arena, oo_schema);
    *schema = (oo_schema){.domain = row->domain,
                          .domain_name = row->domain_name,
                          .name = row->name,
                          .since = row->since,
                          .traits = row->traits};
    cursor constraints = {arena, "type constraints", row->constraints, row->constraints, error};
    cursor inputs = {arena, "inputs", row->inputs, row->inputs, error};
    cursor outputs = {arena, "outputs", row->outputs, row->outputs, error};
    cursor attributes = {arena, "attributes", row->attributes, row->attributes, error};
    io_list in = {0}, out = {0};
    if (!parse_constraints(&constraints, schema) || !parse_ios(&inputs, schema, &in) ||
        !parse_ios(&outputs, schema, &out) || !parse_attributes(&attributes, schema))
        return NULL;
    schema->inputs = in.data;
    schema->ninputs = in.n;
    schema->min_inputs = in.min;
    schema->max_inputs = in.max;
    schema->outputs = out.data;
    schema->noutputs = out.n;
    schema->min_outputs = out.min;
    schema->max_outputs = out.max;
    return schema;
}
