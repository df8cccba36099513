/* A rule at work on a model: what its names stand for while it is matched and built. Private to passes/. */
#ifndef PASSES_RULE_RUN_H
#define PASSES_RULE_RUN_H
#include "ir/expr.h"
#include "ir/rewriter.h"
#include "passes/rule_ast.h"

typedef struct oo_array oo_array;

/* What a value's name stands for. */
typedef enum oo__operand_kind {
    OO__ABSENT,      /* an omitted input without a default */
    OO__LITERAL,     /* a number whose type is that of what it meets; also an omitted input with a default */
    OO__GRAPH_VALUE,
    OO__TENSOR,      /* an attribute that later versions of the operator have as a constant input */
    OO__COMPUTED,    /* a constant of the right side */
    OO__MANY         /* a list */
} oo__operand_kind;

typedef struct oo__operand {
    oo__operand_kind kind;
    bool omitted;            /* LITERAL: stands for an omitted input */
    bool listed;             /* COMPUTED: a list of the rule, which has the type of what it meets, else int64 or double */
    oo_elem elem;            /* COMPUTED: the type it will have */
    double number;           /* LITERAL */
    oo_value *value;         /* GRAPH_VALUE */
    const oo_tensor *tensor; /* TENSOR; GRAPH_VALUE: its contents when constant, NULL = not asked for or not constant */
    oo_array *array;         /* COMPUTED: floating-point numbers as doubles or in their type */
    const struct oo__operand *items; /* MANY */
    uint32_t count;
    const char *stem;        /* COMPUTED: name of the constant that it comes from, NULL = none */
} oo__operand;

/* A term at run time. */
typedef struct oo__term {
    oo__sort sort;           /* OO__SORT_ANY = unknown */
    uint32_t count;          /* INTS, FLOATS */
    union {
        oo_answer answer;    /* BOOL */
        struct {             /* INT, TYPE: the number, or an expression when expr is not NULL */
            int64_t number;
            const oo_expr *expr;
        };
        double real;         /* FLOAT */
        const char *string;
        const struct oo__term *items; /* INTS, FLOATS; items may be unknown */
        oo__operand operand; /* VALUE, VALUES */
    };
} oo__term;

/* What is known of an operator at an opset. */
typedef struct oo__op_facts {
    const oo_op *op;
    int64_t opset;
    const oo_schema *schema, *newest; /* NULL for other domains; schema NULL also when rules know nothing of the operator at this opset */
    bool usable;             /* no local function, and of the meaning that rules know */
    uint64_t bit;
    uint32_t bucket;         /* of rules that start with it, UINT32_MAX = none */
} oo__op_facts;

typedef struct oo__constants oo__constants;

typedef struct oo__rule_run {
    oo_rewriter *rw;
    oo_model *model;
    oo_graph *graph;
    int64_t opset;           /* of ai.onnx in the graph */
    oo_arena *arena;         /* of the attempt */
    oo__constants *constants;
    const oo__op_facts *(*facts)(struct oo__rule_run *run, const oo_op *op);
    void *engine;
    bool telling;            /* misses are wanted */

    const oo__rule *rule;
    int64_t room;            /* bytes by which the file may grow (ir/growth.h) */
    int64_t rise;            /* the version of ai.onnx that the right side needs and the model may import; 0 = it has it */
    oo_node *nodes[OO__RULE_NODES];
    const oo__op_facts *node_facts[OO__RULE_NODES];
    bool swapped[OO__RULE_NODES];
    uint32_t lengths[OO__RULE_NODES][3]; /* of the lists among the inputs */
    oo__operand values[OO__RULE_SLOTS];
    oo__term attrs[OO__RULE_ATTRS];
    uint64_t bound;          /* which values are set */
    uint32_t bound_attrs, bound_nodes;
    uint32_t budget;         /* steps that this attempt may still take */
    const char *miss;        /* why the attempt that came farthest failed */
    uint32_t miss_step;
} oo__rule_run;

/* ---- terms (rule_term.c) ---- */
static inline oo__term oo__unknown(void) { return (oo__term){.sort = OO__SORT_ANY}; }
static inline oo__term oo__term_answer(oo_answer answer) { return (oo__term){.sort = OO__SORT_BOOL, .answer = answer}; }
static inline oo__term oo__term_bool(bool yes) { return oo__term_answer(yes ? OO_YES : OO_NO); }
static inline oo__term oo__term_int(int64_t number) { return (oo__term){.sort = OO__SORT_INT, .number = number}; }
static inline oo__term oo__term_float(double real) { return (oo__term){.sort = OO__SORT_FLOAT, .real = real}; }
/* NULL is unknown. */
oo__term oo__term_expr(const oo_expr *expr);
oo__term oo__term_type(oo_elem elem);
/* Room for `count` items, all unknown. */
oo__term *oo__term_items(oo__rule_run *run, uint32_t count);
oo__term oo__term_list(const oo__term *items, uint32_t count);
oo__term oo__eval(oo__rule_run *run, const oo__ast *ast);
oo_answer oo__terms_equal(oo__rule_run *run, const oo__term *a, const oo__term *b);
/* A number that is one; false for expressions and unknown ones. */
bool oo__int_of(const oo__term *term, int64_t *out);
bool oo__real_of(const oo__term *term, double *out);
/* All items as numbers, in the arena; NULL when one is none. An empty list gives a pointer too. */
int64_t *oo__ints_of(oo__rule_run *run, const oo__term *term, uint32_t *count);
/* Sums and products of whole numbers, with symbols where there are any. */
oo__term oo__term_arithmetic(oo__rule_run *run, oo__ast_kind kind, const oo__term *a, const oo__term *b);
oo_answer oo__term_less(oo__rule_run *run, const oo__term *a, const oo__term *b);
oo__term oo__term_of_attr(oo__rule_run *run, const oo_attr *attr);
/* Short text of a term for remarks, in the arena. */
const char *oo__term_text(oo__rule_run *run, const oo__term *term);

/* The answer of a plugin's guard (rule_plugin.c). */
oo__term oo__plugin_answer(oo_guard guard, const oo__term *args, uint32_t nargs);

/* ---- operands (rule_operand.c) ---- */
/* Contents when constant, else NULL. What is annotated counts as not constant. */
const oo_tensor *oo__operand_tensor(oo__operand *operand);
bool oo__operand_is_const(oo__operand *operand);
oo_elem oo__operand_elem(const oo__operand *operand);
int32_t oo__operand_rank(const oo__operand *operand);              /* -1 unknown */
oo__term oo__operand_dim(oo__rule_run *run, const oo__operand *operand, uint32_t axis);
/* The same value, or constants of equal contents. */
bool oo__operand_same(oo__operand *a, oo__operand *b);
/* Calls `visit` with blocks of elements as doubles. False when the data is not to be had, or visit said so. */
bool oo__operand_scan(oo__operand *operand, bool (*visit)(void *state, const double *values, uint64_t count), void *state);
uint64_t oo__operand_count(const oo__operand *operand);            /* of a constant */
/* What is known of a small integer tensor: its elements as a list, or unknown. */
oo__term oo__operand_ints(oo__rule_run *run, oo__operand *operand);
/* The input of a node as the newest version of the operator has it: attributes that became inputs are constants. */
oo__operand oo__node_operand(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, uint32_t index);
/* An attribute, with the default of the node's version, or what its absence means; unknown for references. */
oo__term oo__node_attr(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, const char *name);

/* ---- what inference knows (rule_facts.c) ---- */
/* The known contents of a value: a number or a 1-D list of whole numbers; unknown otherwise. */
oo__term oo__known_ints(oo__rule_run *run, const oo_value *value);
/* Whether no value can have both types. */
bool oo__types_clash(oo_model *model, const oo_type *a, const oo_type *b);
/* Types, shapes and contents as rewrites may rely on them, anew. */
void oo__facts_renew(oo_model *model);

/* ---- versions of operators (rule_forms.c, forms.def) ---- */
typedef struct oo__form {
    const char *op;
    int64_t since;
    uint32_t input;
    const char *attr;
    oo_attr_type type;
    bool like_first;         /* the input has the element type of input 0 */
} oo__form;
const oo__form *oo__form_of_input(const char *op, uint32_t input);
const oo__form *oo__form_of_attr(const char *op, const char *attr);
/* First version whose meaning is that of the newest; 1 for most. */
int64_t oo__meaning_since(const char *op);
/* What an absent attribute means where no default says so: the reverse for Transpose's perm, say. Unknown when nothing. */
oo__term oo__implied_attr(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, const char *name);
/* Fills schema, newest and usable. */
void oo__op_facts_find(oo__op_facts *facts, const oo_op *op, int64_t opset);

/* ---- matching (rule_match.c) ---- */
/* Whether the rule fits with `root` as its root; then nodes, values and attrs are set. */
bool oo__rule_match(oo__rule_run *run, const oo__rule *rule, oo_node *root);
/* A miss, kept when it came farther than earlier ones of the attempt. Returns false. */
bool oo__rule_miss(oo__rule_run *run, uint32_t step, const char *format, ...) OO_PRINTF(3, 4);

/* ---- constants (rule_constant.c) ---- */
oo__constants *oo__constants_new(oo_model *model);
void oo__constants_free(oo__constants *constants);
/* Forgets what the attempt computed. */
void oo__constants_reset(oo__constants *constants);
/* A computed constant; takes the array's reference. */
oo__operand oo__computed(oo__constants *constants, oo_array *array, oo_elem elem);
/* The operand as an array, floats as doubles; NULL when it is no constant or its data is not to be had. Borrowed. */
oo_array *oo__constant_array(oo__constants *constants, oo__operand *operand);
/* Runs an operator over constants; false when that cannot be done. */
bool oo__constant_fold(oo__rule_run *run, oo__operand *out, uint32_t nout, const oo__operator *op, const char *name, const oo__operand *args,
                       uint32_t nargs);
/* Rounds a constant to its type, as a tensor of the model. NULL when it does not fit: *why says so. */
oo_tensor *oo__constant_tensor(oo__rule_run *run, oo__operand *operand, oo_elem elem, const char **why);
/* The constant that a list or number stands for as an input of type `elem`. */
oo__operand oo__constant_of_term(oo__rule_run *run, const oo__term *term);

/* ---- building (rule_build.c) ---- */
/* An attribute to be set. */
typedef struct oo__set_attr {
    const char *name;
    oo__term value;
    const oo_attr *copy;     /* of a matched node */
} oo__set_attr;
/* Builds the right side of a matched rule and replaces the results. False: nothing was changed, run->miss may say why. *fuel = false:
 * nothing more may be rewritten. */
bool oo__rule_apply(oo__rule_run *run, bool *fuel);
/* Builds one operator of a left side before a node, as the graph's opset has it, with attributes besides those that it says; nothing is
 * computed. For an open rewrite; NULL when it cannot be. */
oo_node *oo__build_operator(oo__rule_run *run, oo_node *before, const oo__operator *op, const char *name, oo__operand *args, uint32_t nargs,
                            const oo__set_attr *extra, uint32_t nextra, uint32_t nout);
/* Whether all operators of the right side exist at this opset. graph NULL: other domains as they are now. */
bool oo__rule_can_build(const oo__rule *rule, int64_t opset, const oo_graph *graph);
/* Attributes of a call as they will be; false when one is unknown. */
bool oo__call_attrs(oo__rule_run *run, const oo__operator *op, oo__set_attr *out, uint32_t room, uint32_t *count);
/* The name of the operator that a call builds. */
const char *oo__call_name(oo__rule_run *run, const oo__operator *op);
#endif
