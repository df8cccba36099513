/* Inference of types, symbolic shapes and the values of small integer tensors.
 *
 * Facts come from three sources: what the model's inputs and initializers are, what operators say, and what value_info and declared outputs
 * claim. Claims are trusted least: they fill what operators leave unknown, and a clash is told, never fatal (unless strict).
 * Unknown stays unknown: a dimension is a number, an expression over symbols, or NULL. */
#ifndef IR_INFER_H
#define IR_INFER_H
#include "ir/expr.h"
#include "ir/ir.h"
#include "ir/schema.h"

/* One element of a known tensor: numerator / denominator. Integers have denominator 1; floats that come from integers (the sizes of
 * Resize, say) may have others. NULL numerator = unknown. */
typedef struct oo_item {
    const oo_expr *numerator;
    int64_t denominator;
} oo_item;

/* What is known of the contents of a tensor of at most OO_KNOWN_MAX elements. Its shape is all numbers. */
enum { OO_KNOWN_MAX = 4096, OO_KNOWN_FLOATS_MAX = 64 }; /* floats are scales and sizes; more of them are weights */
struct oo_known {
    oo_elem elem;
    uint32_t rank;
    const int64_t *dims; /* [rank] */
    uint32_t count;
    oo_item *items;      /* [count] */
};

typedef struct oo__infer oo__infer;
typedef oo_status (*oo__infer_function)(oo__infer *c);

typedef struct oo_infer_settings {
    bool strict;       /* a clash or a malformed node is an error that ends inference (as onnx's strict_mode) */
    bool collect;      /* with strict: inference goes on, and the outputs of a node that fails stay unknown */
    bool no_values;    /* do not propagate contents (as onnx without data_prop) */
    bool defaults_hold;/* an initializer that a graph input may override counts as constant (as onnx takes it) */
    bool names_hold;   /* equal dimension names in value_info mean equal dimensions (as onnx takes them); no proof, so never for rewrites */
    bool tell_claims;  /* a declaration that an operator contradicts is told; in strict mode always */
    bool forget_claims;/* ignore value_info and the types of outputs */
    bool proofs_only;  /* what rewrites may rely on: operators of opsets that are not known stay unknown, and so does what lies in a function
                        * that is called from more than one place. With forget_claims, everything then follows from the types of the model's
                        * inputs, from constants, and from each operator running without an error. */
    bool quiet;        /* no diagnostics */
    bool no_lessons;   /* equations that nodes need do not refine the symbols of inputs */
    const char *const *dims; /* --dim: "NAME=N" */
    uint32_t ndims;
    /* Gets what would be told as a warning or error, once for each node; NULL = it is a diagnostic. `node` may be NULL. */
    void (*tell)(void *user, const oo_node *node, const char *text);
    /* Called for each node when its types are known, before what the file says of them counts; for nodes of loops and functions as often as
     * they are inferred. */
    void (*visit)(void *user, const oo__infer *c);
    void *user;
    oo__infer_function (*custom)(const oo_node *node); /* for operators that are in no table and no local function; NULL result = unknown */
} oo_infer_settings;

/* Infers everything: sets value->type (dims carry text and expression) and value->known of every value. OO_INVALID after a diagnostic in
 * strict mode. May run again after changes. Only with proofs_only are the results what OO_TYPES and OO_VALUES mean. */
oo_status oo__infer_model(oo_model *model, const oo_infer_settings *settings);
/* What rewrites rely on: OO_TYPES and OO_VALUES, without a word. */
void oo__infer_proofs(oo_model *model);
/* Infers the outputs of one node from what is known of its inputs, as oo__infer_proofs does; the outputs' types are forgotten first. False when
 * the operator refuses its inputs or attributes. Needs an earlier oo__infer_proofs. */
bool oo__infer_one(oo_model *model, const oo_node *node);
/* Infers everything once more and compares with what is known, when OO_TYPES holds: OO_MISMATCH after a diagnostic for each contradiction. */
oo_status oo__infer_verify(oo_model *model);
/* Forgets the types and contents of everything that nodes make; OO_TYPES and OO_VALUES do not hold afterwards. */
void oo__infer_forget(oo_model *model);
/* Forgets all expressions, so that the next run counts data-dependent symbols from 1 again; types that values have must not be used with later
 * ones. */
void oo__infer_restart(oo_model *model);
/* Statistics of the last run: how many tensor dimensions are numbers, expressions over input symbols, fresh symbols, unknown. */
typedef struct oo_infer_counts {
    uint64_t values, resolved, fresh, unknown; /* node outputs; resolved: rank and every dim is a number or over input symbols */
} oo_infer_counts;
oo_infer_counts oo__infer_count(const oo_model *model);
typedef enum oo_infer_class { OO_INFER_RESOLVED, OO_INFER_FRESH, OO_INFER_UNKNOWN } oo_infer_class;
oo_infer_class oo__infer_class(const oo_value *value);

/* ---- for inference functions (ir/infer_*.c) ---- */
/* A function that is being inferred for one call of it. */
typedef struct oo__infer_frame {
    const oo_node *node;
    const oo_function *function;
    const struct oo__infer_frame *outer;
} oo__infer_frame;

struct oo__infer {
    oo_model *model;
    oo_exprs *exprs;
    const oo_infer_settings *settings;
    const oo_node *node;
    const oo_schema *schema;   /* NULL for custom domains */
    const oo__infer_frame *call;      /* whose body the node is in; NULL = none */
    uint32_t failures;         /* calls of oo__infer_fail */
    oo_status status;
};

/* Inputs. Types are NULL when unknown or the input is omitted; ranks are -1 when unknown. */
bool oo__has_input(const oo__infer *c, uint32_t i);
const oo_type *oo__input_type(const oo__infer *c, uint32_t i);
oo_elem oo__input_elem(const oo__infer *c, uint32_t i);
int32_t oo__input_rank(const oo__infer *c, uint32_t i);
const oo_expr *oo__input_dim(const oo__infer *c, uint32_t i, uint32_t axis);     /* NULL unknown */
/* The contents, NULL when unknown. Constants of integers up to OO_KNOWN_MAX elements, and of floats up to OO_KNOWN_FLOATS_MAX, are always known. */
const oo_known *oo__input_known(const oo__infer *c, uint32_t i);
/* The same of any value. */
const oo_known *oo__value_known(const oo__infer *c, oo_value *value);
/* The contents as plain numbers: false when any element is unknown or symbolic. Room for `count` numbers. */
bool oo__input_ints(const oo__infer *c, uint32_t i, uint32_t *count, int64_t *out, uint32_t room);
/* An attribute of the node; within a function's body, one that refers to the call's attribute is what the call, or the function's default,
 * gives it. NULL when absent. What is still a reference is unknown. */
const oo_attr *oo__infer_attr(const oo__infer *c, const char *name);
/* Attributes with the schema's default; false when unknown or of another type. */
bool oo__infer_int(const oo__infer *c, int64_t *out, const char *name, int64_t absent);
bool oo__infer_ints(const oo__infer *c, const int64_t **out, uint32_t *count, const char *name);
const char *oo__infer_string(const oo__infer *c, const char *name, const char *absent); /* NULL unknown */

/* Outputs: set at most once each. dims may be NULL with rank -1; elements of dims may be NULL. */
void oo__set_tensor(oo__infer *c, uint32_t output, oo_elem elem, int32_t rank, const oo_expr *const *dims);
void oo__set_type(oo__infer *c, uint32_t output, const oo_type *type);
/* Contents, as new memory from the model; the output's type must have been set and agree. */
oo_known *oo__known_new(oo__infer *c, oo_elem elem, uint32_t rank, const int64_t *dims);
void oo__set_known(oo__infer *c, uint32_t output, const oo_known *known);
/* The same for contents that are written in the node, which are known even when contents do not flow (no_values). */
void oo__set_constant(oo__infer *c, uint32_t output, const oo_known *known);
/* A sum or product of sizes: numbers that overflow are an error of the node. */
const oo_expr *oo__dim_add(oo__infer *c, const oo_expr *a, const oo_expr *b);
const oo_expr *oo__dim_mul(oo__infer *c, const oo_expr *a, const oo_expr *b);
/* A fresh symbol for a size that depends on data: "nonzero_3" in [low, high]. */
const oo_expr *oo__infer_symbol(oo__infer *c, const char *stem, int64_t low, int64_t high);
/* A located error; in strict mode inference ends, else it is a warning and the outputs stay unknown. The value is OO_INVALID: a macro, so that
 * compilers and analyzers see it at every call. */
void oo__infer_tell(oo__infer *c, const char *format, ...) OO_PRINTF(2, 3);
static inline oo_status oo__infer_told(oo_status status) { return status; }
#define oo__infer_fail(c, ...) oo__infer_told((oo__infer_tell((c), __VA_ARGS__), OO_INVALID))

/* Two sizes that are equal whenever the node runs without an error; NULL = unknown. `why` names them and must stay valid (ir/infer_learn.h). */
void oo__infer_equal_sizes(oo__infer *c, const oo_expr *a, const oo_expr *b, const char *why);
/* Fails with both sources named: "x" float[2,3] and "y" float[4,5]: <text>. */
oo_status oo__infer_fail_pair(oo__infer *c, uint32_t i, uint32_t k, const char *format, ...) OO_PRINTF(4, 5);

/* Helpers. */
static inline const oo_expr *oo__number(oo__infer *c, int64_t n) { return oo__expr_int(c->exprs, n); }
/* numpy broadcasting of a dimension: the other when one is 1; equal ones; NULL when it cannot be told. *clash when they cannot be equal. */
const oo_expr *oo__broadcast_dim(oo__infer *c, const oo_expr *a, const oo_expr *b, bool *clash);
/* Broadcast shape of inputs [first, last): rank -1 when one is unknown. false after oo__infer_fail. */
bool oo__broadcast_inputs(oo__infer *c, uint32_t first, uint32_t last, int32_t *rank, const oo_expr **dims);
/* Types of subgraph inputs are set through this before the body is inferred; then the body's output types can be read. */
oo_status oo__infer_subgraph(oo__infer *c, const char *attribute, const oo_type *const *inputs, const oo_known *const *known, uint32_t ninputs);
const oo_type *oo__subgraph_output(const oo__infer *c, const char *attribute, uint32_t index);
const oo_known *oo__subgraph_known(const oo__infer *c, const char *attribute, uint32_t index);
/* The most precise type that both describe (dims that differ become unknown), and the meet of two facts about one value (NULL on clash). */
const oo_type *oo__type_union(oo__infer *c, const oo_type *a, const oo_type *b);
const oo_type *oo__type_merge(oo__infer *c, const oo_type *a, const oo_type *b, bool *clash);
#endif
