/* Types, tensors and attributes as text. */
#include "io/text_print.h"

#include "base/hash.h"
#include "io/text_lex.h"
#include "io/text_number.h"

#include <stdlib.h>
#include <string.h>

/* ---- types ---- */
static bool is_name(const char *text) { return text && oo__lex_is_name(text, oo__str_len(text)); }

/* name ("." name)* */
static bool is_dotted(const char *text) {
    const char *part = text, *const end = text + oo__str_len(text);
    for (;;) {
        const char *const dot = memchr(part, '.', (size_t)(end - part));
        if (!oo__lex_is_name(part, (size_t)((dot ? dot : end) - part)))
            return false;
        if (!dot)
            return true;
        part = dot + 1;
    }
}

static bool opaque_has_text(const oo_type *type) {
    if (type->opaque_domain && *type->opaque_domain)
        return is_dotted(type->opaque_domain) && is_name(type->opaque_name);
    return !type->opaque_name || !*type->opaque_name || is_dotted(type->opaque_name);
}

bool oo__type_has_text(const oo_type *type) {
    if (!type)
        return false;
    switch (type->kind) {
    case OO_TYPE_TENSOR:
    case OO_TYPE_SPARSE_TENSOR: return type->has_elem && oo__elem_name(type->elem);
    case OO_TYPE_MAP: return type->has_elem && oo__elem_name(type->elem) && oo__type_has_text(type->inner);
    case OO_TYPE_SEQUENCE:
    case OO_TYPE_OPTIONAL: return oo__type_has_text(type->inner);
    case OO_TYPE_OPAQUE: return opaque_has_text(type);
    default: return false;
    }
}

static void print_dim(oo__printer *o, const oo_dim *dim) {
    if (dim->kind == OO_DIM_VALUE)
        oo__print_format(o, "%lld", (long long)dim->value);
    else if (dim->kind == OO_DIM_PARAM)
        oo__print_name(o, dim->param);
    else
        oo__print_text(o, "?");
}

static void print_elem_and_shape(oo__printer *o, const oo_type *type) {
    oo__print_text(o, oo__elem_name(type->elem));
    if (type->has_shape && !type->rank)
        return;
    oo__print_text(o, "[");
    for (uint32_t i = 0; type->has_shape && i < type->rank; i++) {
        oo__print_text(o, i ? "," : "");
        print_dim(o, &type->dims[i]);
    }
    oo__print_text(o, "]");
}

void oo__print_type(oo__printer *o, const oo_type *type) {
    if (!oo__type_has_text(type)) {
        oo__print_text(o, "undefined");
        return;
    }
    if (type->kind == OO_TYPE_TENSOR) {
        print_elem_and_shape(o, type);
        return;
    }
    oo__print_format(o, "%s(", oo__kind_word(type->kind));
    if (type->kind == OO_TYPE_SPARSE_TENSOR) {
        print_elem_and_shape(o, type);
    } else if (type->kind == OO_TYPE_OPAQUE) {
        if (type->opaque_domain && *type->opaque_domain) {
            oo__print_text(o, type->opaque_domain);
            oo__print_text(o, ",");
        }
        if (type->opaque_name)
            oo__print_text(o, type->opaque_name);
    } else {
        if (type->kind == OO_TYPE_MAP)
            oo__print_format(o, "%s, ", oo__elem_name(type->elem));
        oo__print_type(o, type->inner);
    }
    oo__print_text(o, ")");
}

/* ---- tensors ---- */
void oo__print_tensor_type(oo__printer *o, const oo_tensor *t) {
    const char *const elem = oo__elem_name(t->elem);
    oo__print_text(o, elem ? elem : "undefined");
    for (uint32_t i = 0; i < t->rank; i++)
        oo__print_format(o, "%s%lld", i ? "," : "[", (long long)t->dims[i]);
    if (t->rank)
        oo__print_text(o, "]");
}

static void print_literal(oo__printer *o, oo__spelling s, const uint8_t *bytes) {
    char text[OO__NUMBER_ROOM];
    uint64_t bits = 0;
    float f;
    double d;
    memcpy(&bits, bytes, s.width);
    switch (s.literal) {
    case OO__LITERAL_FLOAT:
        memcpy(&f, bytes, sizeof f);
        oo__print_bytes(o, text, oo__float_text(text, f));
        break;
    case OO__LITERAL_DOUBLE:
        memcpy(&d, bytes, sizeof d);
        oo__print_bytes(o, text, oo__double_text(text, d));
        break;
    case OO__LITERAL_SIGNED: {
        const unsigned unused = 64 - 8 * s.width;
        oo__print_format(o, "%lld", (long long)((int64_t)(bits << unused) >> unused));
        break;
    }
    default: oo__print_format(o, "%llu", (unsigned long long)bits); break;
    }
}

enum { BLOCK = 4096 }; /* elements read at a time; every type fills whole bytes with so many */

typedef bool (*block_user)(void *user, const uint8_t *bytes, size_t size, uint64_t elements);

/* Goes over the raw_data form of the elements. False when the data cannot be had. */
static bool each_block(const oo_tensor *t, block_user use, void *user) {
    const uint32_t bits = oo__elem_bits(t->elem);
    /* Varints are decoded from the first on, whatever is asked for: all at once then. */
    const bool varints =
        t->storage == OO_STORE_INT32S || t->storage == OO_STORE_INT64S || t->storage == OO_STORE_UINT64S;
    const uint64_t block = varints ? t->count + 1 : BLOCK;
    uint8_t *const bytes = oo__malloc((size_t)(block * bits / 8 + 1));
    bool ok = bits > 0;
    for (uint64_t at = 0; ok && at < t->count; at += block) {
        const uint64_t n = t->count - at < block ? t->count - at : block;
        ok = oo_tensor_read(t, at, n, bytes) && use(user, bytes, (size_t)(n * bits + 7) / 8, n);
    }
    free(bytes);
    return ok;
}

static bool hash_block(void *user, const uint8_t *bytes, size_t size, uint64_t elements) {
    (void)elements;
    oo__hasher_add(user, bytes, size);
    return true;
}

typedef struct number_printer {
    oo__printer *o;
    oo__spelling spelling;
    uint32_t bits; /* of one element */
    bool any;
} number_printer;

static bool print_block(void *user, const uint8_t *bytes, size_t size, uint64_t elements) {
    number_printer *const n = user;
    const bool packed = n->spelling.literal == OO__LITERAL_PACKED;
    const uint64_t literals = packed ? elements : size / n->spelling.width;
    for (uint64_t i = 0; i < literals; i++) {
        const uint8_t code = packed ? oo__code_get(bytes, n->bits, i) : 0;
        if (n->any)
            oo__print_text(n->o, ", ");
        n->any = true;
        print_literal(n->o, n->spelling, packed ? &code : bytes + i * n->spelling.width);
    }
    return true;
}

static uint64_t content_hash(const oo_tensor *t) {
    oo_hasher *const h = oo__hasher_new();
    for (uint32_t i = 0; i < t->strings.n; i++)
        oo__hasher_add(h, t->strings.data[i].data,
                       t->strings.data[i].size + 1); /* the NUL behind it keeps them apart */
    if (t->elem != OO_STRING)
        each_block(t, hash_block, h);
    return oo__hasher_done(h);
}

void oo__print_tensor_data(oo__printer *o, const oo_tensor *t, const char *what) {
    if (t->storage == OO_STORE_EXTERNAL) {
        oo__print_props(o, &t->external);
        return;
    }
    if (o->elide && t->count > o->elide) {
        oo__print_text(o, "{...}");
        oo__print_note(o, "%s%s%016llx", what ? what : "", what ? " " : "", (unsigned long long)content_hash(t));
        return;
    }
    number_printer numbers = {o, oo__elem_spelling(t->elem), oo__elem_bits(t->elem), false};
    oo__print_text(o, "{");
    for (uint32_t i = 0; i < t->strings.n; i++) {
        oo__print_text(o, i ? ", " : "");
        oo__print_quoted(o, t->strings.data[i].data, t->strings.data[i].size);
    }
    if (t->elem != OO_STRING && !each_block(t, print_block, &numbers))
        oo__print_text(o, "...");
    oo__print_text(o, "}");
}

/* A tensor in an attribute. Its name cannot be said in quotes. */
static void print_tensor(oo__printer *o, const oo_tensor *t, const char *what) {
    oo__print_tensor_type(o, t);
    oo__print_text(o, " ");
    const bool named = is_name(t->name) && !oo__is_type_word(t->name, oo__str_len(t->name));
    if (named) {
        oo__print_text(o, t->name);
        oo__print_text(o, " ");
    }
    if (!named && t->storage == OO_STORE_EXTERNAL)
        oo__print_text(o, "= ");
    oo__print_tensor_data(o, t, what);
}

/* ---- attributes ---- */
/* A graph's name in an attribute cannot be said in quotes: what is no letter or digit becomes "_". */
static void print_graph_name(oo__printer *o, const char *name) {
    const size_t n = name ? oo__str_len(name) : 0;
    const bool word = n && (oo__is_type_word(name, n) || oo__is_float_word(name, n));
    if (!n || word || (*name >= '0' && *name <= '9'))
        oo__print_text(o, "_");
    for (size_t i = 0; i < n; i++)
        oo__print_bytes(o, oo__lex_is_name((char[]){'_', name[i]}, 2) ? &name[i] : "_", 1);
}

static void print_subgraph(oo__printer *o, const oo_graph *graph) {
    print_graph_name(o, graph->name);
    oo__print_text(o, " ");
    if (o->one_line)
        oo__print_text(o, "{...}");
    else
        oo__print_graph(o, graph);
}

/* Item `i` of a list, or the value itself of an attribute that has one. */
static void print_item(oo__printer *o, const oo_attr *a, uint32_t i) {
    const bool list = oo__attr_kind_many(a->type) == a->type;
    char text[OO__NUMBER_ROOM];
    switch (oo__attr_kind_one(a->type)) {
    case OO_ATTR_INT: oo__print_format(o, "%lld", (long long)(list ? a->ints[i] : a->i)); break;
    case OO_ATTR_FLOAT: oo__print_bytes(o, text, oo__float_text(text, list ? a->floats[i] : a->f)); break;
    case OO_ATTR_STRING: {
        const oo_bytes s = list ? a->strings[i] : a->s;
        oo__print_quoted(o, s.data, s.size);
        break;
    }
    case OO_ATTR_TENSOR: print_tensor(o, list ? a->tensors[i] : a->t, a->name); break;
    case OO_ATTR_GRAPH: print_subgraph(o, list ? a->graphs[i] : a->g); break;
    case OO_ATTR_TYPE_PROTO: oo__print_type(o, list ? a->type_protos[i] : a->type_proto); break;
    default: oo__print_text(o, "..."); break;
    }
}

void oo__print_attr(oo__printer *o, const oo_attr *a) {
    const char *const kind = oo__attr_kind_name(a->type);
    oo__print_word(o, a->name ? a->name : "", a->name ? oo__str_len(a->name) : 0);
    if (kind)
        oo__print_format(o, ": %s", kind);
    oo__print_text(o, " = ");
    if (a->reference && !a->raw.data) {
        oo__print_text(o, "@");
        oo__print_name(o, a->reference);
    } else if (!kind || a->raw.data) {
        oo__print_text(o, "...");
    } else if (oo__attr_kind_one(a->type) == a->type) {
        print_item(o, a, 0);
    } else {
        oo__print_text(o, "[");
        for (uint32_t i = 0; i < a->count; i++) {
            oo__print_text(o, i ? ", " : "");
            print_item(o, a, i);
        }
        oo__print_text(o, "]");
    }
}
