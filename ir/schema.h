/* Operator schemas: the rows of ir/ops.def, parsed when first asked for. A schema lives until oo__schema_free_all. */
#ifndef IR_SCHEMA_H
#define IR_SCHEMA_H
#include "base/arena.h"

#include <onnxopt/onnxopt.h>

typedef enum oo_domain {
    OO_DOMAIN_ONNX,     /* "" or "ai.onnx" */
    OO_DOMAIN_ML,       /* "ai.onnx.ml" */
    OO_DOMAIN_PREVIEW,  /* "ai.onnx.preview" */
    OO_DOMAIN_TRAINING, /* "ai.onnx.preview.training" */
    OO_DOMAIN_OTHER     /* not ONNX's own */
} oo_domain;

/* What is true of an operator whatever its attributes and inputs are, unless the comment says otherwise. */
typedef enum oo_trait {
    OO_TRAIT_PURE = 1u << 0,            /* outputs are a function of inputs and attributes; nothing else happens */
    OO_TRAIT_RANDOM = 1u << 1,          /* results differ from run to run */
    OO_TRAIT_TRAINING_RANDOM = 1u << 2, /* as RANDOM when training_mode is true (before version 7: is_test is 0), else as PURE */
    OO_TRAIT_COMMUTATIVE = 1u << 3,     /* the first two inputs may be swapped; of a variadic operator any two, up to rounding */
    OO_TRAIT_ELEMENTWISE = 1u << 4,     /* numpy broadcasting of all inputs, then each element by itself; shape comes from that */
    OO_TRAIT_MOVEMENT = 1u << 5,        /* output elements are input elements of the same type, or a filler such as 0 */
    OO_TRAIT_CONTROL = 1u << 6,         /* may carry subgraphs; pure as far as they are */
    OO_TRAIT_INVOLUTION = 1u << 7,      /* f(f(x)) = x, bit for bit */
    OO_TRAIT_IDEMPOTENT = 1u << 8,      /* f(f(x)) = f(x), bit for bit, with equal attributes and equal further inputs */
    OO_TRAIT_DEPRECATED = 1u << 9,      /* this version is not to be used: the operator ended here */
    OO_TRAIT_EXPERIMENTAL = 1u << 10,   /* ONNX does not promise to keep it */
    OO_TRAIT_FUNCTION_BODY = 1u << 11,  /* ONNX defines it by other operators */
    OO_TRAIT_CONTEXT_BODY = 1u << 12,   /* the same, by a body that depends on the node */
    OO_TRAIT_WIDENS = 1u << 13          /* a node that the version before allows means here what it means there */
} oo_trait;

/* How element types make up a type. */
typedef enum oo_type_form {
    OO_FORM_TENSOR,
    OO_FORM_SEQ,          /* seq(tensor) */
    OO_FORM_OPTIONAL,     /* optional(tensor) */
    OO_FORM_OPTIONAL_SEQ, /* optional(seq(tensor)) */
    OO_FORM_MAP_INT64,    /* map(int64, tensor) */
    OO_FORM_MAP_STRING,
    OO_FORM_SEQ_MAP_INT64, /* seq(map(int64, tensor)) */
    OO_FORM_SEQ_MAP_STRING,
    OO_FORM_COUNT
} oo_type_form;

/* A set of types: for each form a mask with bit 1u << oo_elem for each element type. */
typedef struct oo_type_set {
    uint32_t elems[OO_FORM_COUNT];
} oo_type_set;

/* A type constraint such as T. */
typedef struct oo_schema_constraint {
    const char *name;
    oo_type_set types;
} oo_schema_constraint;

/* An input or output as declared. */
typedef struct oo_schema_io {
    const char *name;
    int32_t constraint;       /* index into the schema's constraints, -1 = a type of its own */
    const oo_type_set *types; /* what may stand here */
    bool optional;
    bool variadic;            /* always the last one */
    bool heterogeneous;       /* variadic: the types may differ from each other */
} oo_schema_io;

typedef struct oo_schema_attr {
    const char *name;
    oo_attr_type type;
    bool required;
    bool has_default;         /* then one of these, as `type` says */
    int64_t i;
    float f;
    const char *s;
    uint32_t count;           /* of the list */
    const int64_t *ints;
    const float *floats;
    const char *const *strings;
} oo_schema_attr;

typedef struct oo_schema {
    oo_domain domain;
    const char *domain_name;  /* "" for OO_DOMAIN_ONNX */
    const char *name;
    int64_t since;            /* opset version that brought this definition */
    uint32_t traits;          /* oo_trait */
    oo_schema_io *inputs, *outputs;
    uint32_t ninputs, noutputs;
    uint32_t min_inputs, max_inputs;   /* what a node may have; UINT32_MAX = no limit. Trailing optional ones may be left off. */
    uint32_t min_outputs, max_outputs;
    oo_schema_attr *attrs;    /* sorted by name */
    uint32_t nattrs;
    oo_schema_constraint *constraints;
    uint32_t nconstraints;
} oo_schema;

/* The definition that holds at `opset`: the newest with since <= opset. NULL when the domain (NULL is ""), the operator or the opset
 * is unknown: a version above oo__schema_latest_opset may have changed anything. It may be DEPRECATED: then it is not valid there. */
const oo_schema *oo__schema_find(const char *domain, const char *name, int64_t opset);
/* The rows of ops.def that define the operator, from old to new: `to` is after the last; both 0 when it is unknown. */
typedef struct oo_schema_rows {
    uint32_t from, to;
} oo_schema_rows;
oo_schema_rows oo__schema_rows(const char *domain, const char *name);
/* oo__schema_find among these rows; with `newer`, an opset above the latest counts as the latest. */
const oo_schema *oo__schema_among(oo_schema_rows own, int64_t opset, bool newer);
/* Whether a node that `old` allows means under `now`, a later version of the operator or the same, what it means under `old`. */
bool oo__schema_means_same(const oo_schema *old, const oo_schema *now);
/* Highest opset of the domain that the table knows, 0 for unknown domains. */
int oo__schema_latest_opset(const char *domain);
/* NULL when the schema has no such attribute. */
const oo_schema_attr *oo__schema_attr(const oo_schema *schema, const char *name);
/* The declaration for a node's input or output at `index`; a variadic one covers all that follow. NULL when there are not so many. */
const oo_schema_io *oo__schema_input(const oo_schema *schema, uint32_t index);
const oo_schema_io *oo__schema_output(const oo_schema *schema, uint32_t index);

/* All rows, sorted by domain, name, version. */
uint32_t oo__schema_count(void);
const oo_schema *oo__schema_at(uint32_t index);
/* Releases every parsed schema; they are parsed anew when asked for again. Runs at exit by itself. */
void oo__schema_free_all(void);

/* A row as text, in the language that ir/ops.def explains. */
typedef struct oo_schema_row {
    oo_domain domain;
    uint32_t traits;
    const char *domain_name;
    const char *name;
    int64_t since;
    const char *inputs, *outputs, *attributes, *constraints;
} oo_schema_row;

/* Parses a row into `arena`; domain_name and name are kept as pointers. NULL when it is malformed: then *error says where and why. */
oo_schema *oo__schema_parse(oo_arena *arena, const oo_schema_row *row, const char **error);
/* Text of one of the table's TYPES rows, NULL when there is none of that name. */
const char *oo__schema_types(const char *name, size_t size);
#endif
