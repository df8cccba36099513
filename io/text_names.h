/* The words of the textual syntax that printer and parser share. Private to io/. */
#ifndef IO_TEXT_NAMES_H
#define IO_TEXT_NAMES_H
#include "ir/ir.h"

/* Kinds of attributes: "ints"; NULL for what has no name. And back; OO_ATTR_UNDEFINED when unknown. */
const char *oo__attr_kind_name(oo_attr_type type);
oo_attr_type oo__attr_kind_find(const char *name, size_t size);
/* The kind of one item of a list (OO_ATTR_INTS: OO_ATTR_INT), and of a list of such items; kinds that are so already
 * stay. */
oo_attr_type oo__attr_kind_one(oo_attr_type type);
oo_attr_type oo__attr_kind_many(oo_attr_type type);

/* Words that begin a type and are no element type: "seq", "map" ...; OO_TYPE_NONE when unknown. */
const char *oo__kind_word(oo_kind kind);
oo_kind oo__kind_find(const char *word, size_t size);
/* Whether a type begins with this word. */
bool oo__is_type_word(const char *word, size_t size);

/* How the elements of a tensor are spelt. */
typedef enum oo__literal {
    OO__LITERAL_NONE,
    OO__LITERAL_SIGNED,
    OO__LITERAL_UNSIGNED,
    OO__LITERAL_PATTERN, /* the bits as a number: small floats, and bytes that hold two or four elements */
    OO__LITERAL_PACKED,  /* the bits of one element of less than a byte as a number */
    OO__LITERAL_FLOAT,
    OO__LITERAL_DOUBLE,
    OO__LITERAL_STRING
} oo__literal;
typedef struct oo__spelling {
    oo__literal literal;
    uint32_t width; /* bytes of raw_data that one literal stands for; OO__LITERAL_PACKED: 1 before packing */
} oo__spelling;
oo__spelling oo__elem_spelling(int32_t elem);

/* What may stand between < and > before a model or a function: the field of oo_model or oo_function that a word names.
 */
typedef enum oo__key_kind { OO__KEY_INT, OO__KEY_TEXT, OO__KEY_OPSETS, OO__KEY_PROPS } oo__key_kind;
typedef struct oo__key {
    const char *word;
    oo__key_kind kind;
    size_t offset;
    size_t presence; /* OO__KEY_INT: offset of the bool that says whether the field is there */
} oo__key;
typedef struct oo__keys {
    const oo__key *rows;
    size_t count;
} oo__keys;
/* In the order of printing. */
extern const oo__keys oo__model_keys, oo__function_keys;
#endif
