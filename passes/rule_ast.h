/* Rules as they are read: docs/rules.md is the language. Private to passes/.
 *
 * A rule has slots for values (what names stand for) and for attributes (@names), operators on its left side that are matched with nodes,
 * guards, and bindings on its right side that are built. Everything is in the arena of its rule base and is never changed once read. */
#ifndef PASSES_RULE_AST_H
#define PASSES_RULE_AST_H
#include "ir/ir.h"
#include "ir/schema.h"

enum {
    OO__RULE_NODES = 32,  /* operators on the left side */
    OO__RULE_SLOTS = 64,  /* values */
    OO__RULE_ATTRS = 32,  /* @names */
    OO__RULE_STEPS = 256, /* of the matcher */
    OO__RULE_ARGS = 8     /* of a function */
};

/* What a term is. */
typedef enum oo__sort {
    OO__SORT_ANY, /* not known before the rule runs; at run time: unknown */
    OO__SORT_BOOL,
    OO__SORT_INT,
    OO__SORT_FLOAT, /* an int will do as well */
    OO__SORT_STRING,
    OO__SORT_TYPE,  /* an element type */
    OO__SORT_INTS,
    OO__SORT_FLOATS,
    OO__SORT_VALUE,
    OO__SORT_VALUES
} oo__sort;

typedef enum oo__ast_kind {
    OO__AST_NUMBER,   /* 1, 0.5, -inf, true */
    OO__AST_STRING,   /* "edge" */
    OO__AST_TYPE,     /* float16 */
    OO__AST_LIST,     /* [a, b] */
    OO__AST_VALUE,    /* a value's name */
    OO__AST_VALUES,   /* a list of values: xs... */
    OO__AST_ATTR,     /* @a */
    OO__AST_ANYTHING, /* _ */
    OO__AST_OPERATOR, /* Add(x, y) */
    OO__AST_CALL,     /* rank(x) */
    OO__AST_NOT,
    OO__AST_MINUS,
    OO__AST_INDEX,    /* list[i] */
    OO__AST_OR,
    OO__AST_AND,
    OO__AST_EQUAL,
    OO__AST_UNEQUAL,
    OO__AST_LESS,
    OO__AST_LESS_EQUAL,
    OO__AST_MORE,
    OO__AST_MORE_EQUAL,
    OO__AST_IN,
    OO__AST_ADD,
    OO__AST_SUB,
    OO__AST_MUL,
    OO__AST_DIV,
    OO__AST_MOD
} oo__ast_kind;

typedef struct oo__ast oo__ast;
typedef struct oo__operator oo__operator;
typedef struct oo__function_row oo__function_row;

struct oo__ast {
    oo__ast_kind kind;
    oo__sort sort;
    uint32_t line, column;
    const char *text;               /* as written, on one line */
    double number;                  /* NUMBER; VALUE on the left side: its default */
    int64_t integer;                /* NUMBER of sort INT */
    const char *string;
    oo_elem elem;
    uint32_t slot;                  /* VALUE, VALUES, ATTR */
    bool is_const, has_default;     /* VALUE on the left side */
    bool is_near;                   /* NUMBER on the left side: about this */
    const oo__operator *op;
    const oo__function_row *function;
    const oo__ast **args;           /* LIST, CALL, and operands */
    uint32_t nargs;
};

/* name = value, or ..node (then name is NULL and slot says whose attributes). */
typedef struct oo__rule_attr {
    const char *name;
    const oo__ast *value;           /* on the left side an ATTR binds, everything else must be equal */
    const struct oo_schema_attr *schema;
    uint32_t slot;
} oo__rule_attr;

/* An operator call, on either side. */
struct oo__operator {
    const char *domain;             /* "" for ai.onnx */
    const char **names;             /* one, or the alternatives of (Relu|Clip) */
    uint32_t nnames;
    const oo_schema *schema;        /* the newest of names[0]; NULL for domains that are not ONNX's */
    bool shared;
    oo__rule_attr *attrs;
    uint32_t nattrs;
    const oo__ast **args;
    uint32_t nargs;
    uint32_t *results;              /* slots, UINT32_MAX = not named */
    uint32_t nresults;
    bool many;                      /* results[0] is a list: all results */
    uint32_t index;                 /* left side: of the matched node */
    uint32_t line, column;
};

/* What a name stands for. */
typedef struct oo__slot {
    const char *name;               /* "" for results of nested calls */
    bool left, many;
    bool is_result;                 /* left: replaced; right: replaces `replaced` */
    uint32_t replaced;
    uint32_t node, output;          /* left: the matched node that makes it, UINT32_MAX = an input of the pattern */
    uint32_t uses;                  /* left: by matched nodes */
    bool used_right;
    bool optional;                  /* some occurrence has a default */
    bool is_const;                  /* left: some occurrence says so; right: computed from constants, whatever the model */
    uint32_t line, column;
} oo__slot;

typedef struct oo__right {
    uint32_t slots[8];
    uint32_t nslots;
    const oo__ast *value;
} oo__right;

typedef enum oo__step_kind {
    OO__STEP_PRODUCER, /* input `index` of `node` is made by a node that matches `child` */
    OO__STEP_USER,     /* `child` is a node that has slot `index` as an input; several are tried */
    OO__STEP_ORDER,    /* the first two inputs of `node` may be swapped: both are tried */
    OO__STEP_LISTED,   /* the list of all results of `child`, bound before, tells which node that is */
    OO__STEP_SPREAD,   /* the lists among the inputs of `node` get their lengths: all are tried */
    OO__STEP_ATTRS,    /* attributes of `node` */
    OO__STEP_INPUT,    /* input `index` of `node` is a name, a number or _ */
    OO__STEP_USES,     /* nothing else uses what goes */
    OO__STEP_GUARDS
} oo__step_kind;

typedef struct oo__step {
    oo__step_kind kind;
    uint32_t node, index, child;
} oo__step;

typedef struct oo__rule {
    const char *name;               /* "merge-transpose" */
    const char *group;              /* name of the file it stands in, without folder and .rules */
    const char *origin;             /* path of the file, or "built-in" */
    uint32_t form;                  /* alternatives of the left side make one rule each: 1, 2, ... of the same name; 0 = it has no alternatives */
    uint32_t number;                /* in its rule base */
    int rank;                       /* of equal benefit: built-in 0, plugin 1, user 2 goes first */
    uint32_t line, column;
    int level;
    bool inexact;
    const char *target;             /* NULL = none */
    int64_t benefit;
    const char *import_domain;      /* import my.domain 2: version of a domain that the right side uses */
    int64_t import_version;
    oo__slot slots[OO__RULE_SLOTS];
    uint32_t nslots;
    const char *attrs[OO__RULE_ATTRS];
    oo__sort attr_sorts[OO__RULE_ATTRS];
    uint32_t nattrs;
    const oo__operator *nodes[OO__RULE_NODES]; /* nodes[0] is the root: a result's */
    uint32_t nnodes;
    const oo__ast **guards;
    uint32_t nguards;
    oo__right *right;
    uint32_t nright;
    oo__step steps[OO__RULE_STEPS];
    uint32_t nsteps;
    uint32_t depth;                 /* longest way from a root to the inputs of the pattern */
    uint64_t needs;                 /* producers that the root's inputs must have, see oo__op_bit */
    const char *text;               /* the whole rule */
    const char *doc;                /* the comment before it, on one line; "" without */
} oo__rule;

typedef oo_vec(oo__rule *) oo__rules;

/* A guard or helper of guards.def and helpers.def, or of a plugin. */
struct oo__term;
struct oo__rule_run;
typedef struct oo__term (*oo__function)(struct oo__rule_run *run, const struct oo__term *args, uint32_t nargs);
struct oo__function_row {
    const char *name;
    const char *signature;          /* "value, int -> bool"; "..." after the last parameter: any number */
    const char *help;
    oo__function function;
    bool sees_unknown;              /* called also when an argument is unknown or omitted */
    oo_guard plugin;                /* a plugin's, then function is NULL */
};

/* The parameter at `index` and the result of a signature. False when there are not so many. */
bool oo__signature_at(const oo__function_row *row, uint32_t index, oo__sort *out);
oo__sort oo__signature_result(const oo__function_row *row);
const char *oo__sort_name(oo__sort sort);
/* The k-th function of guards.def and helpers.def; NULL behind the last. *is_helper: which of the two. */
const oo__function_row *oo__function_at(uint32_t k, bool *is_helper);

const oo__function_row *oo__helper_at(uint32_t k);

/* The bit of an operator in `needs`. */
static inline uint64_t oo__op_bit(const char *name) {
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return UINT64_C(1) << (h >> 26);
}

/* Whether a term of the right side is computed, at any opset, and never built (rule_compile.c). */
bool oo__rule_computes(const oo__rule *rule, const oo__ast *ast);

/* ---- reading (rule_parse.c, rule_parse_term.c, rule_compile.c) ---- */
typedef struct oo__rule_source {
    oo_context *context;
    oo_arena *arena;                /* everything goes here */
    const char *path;               /* for messages */
    const char *group;
    int rank;
    const oo__function_row *(*find)(void *state, const char *name); /* a plugin's guard */
    void *state;
} oo__rule_source;
/* All rules of a text. OO_INVALID after a located diagnostic. */
oo_status oo__rules_parse(oo__rules *out, const oo__rule_source *source, const char *text, size_t size);
#endif
