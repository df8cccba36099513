/* The evaluator: runs graphs with ONNX's semantics. It folds constants, checks rules and compares models; it is written to be right and
 * to be read. MatMul, convolutions and recurrent cells stand on CBLAS; nothing else is borrowed. */
#ifndef EVAL_EVAL_H
#define EVAL_EVAL_H
#include "ir/ir.h"
#include "ir/schema.h"

/* A dense tensor in memory. Elements lie one after the other in row-major order, each in a whole number of bytes: types below a byte take
 * one byte an element (INT4 and INT2 sign-extended, the others zero-extended); STRING elements are oo_bytes. Counted references. */
typedef struct oo_array {
    uint32_t references;
    oo_elem elem;
    uint32_t rank;
    int64_t *dims;     /* [rank] */
    uint64_t count;    /* product of dims */
    void *data;        /* aligned to 64 bytes; of strings: oo_bytes[count], contents owned */
    struct oo__buffer_of_array *owner; /* of data; shared by views */
} oo_array;

/* What a value is while it runs. */
typedef enum oo_datum_kind { OO_DATUM_NONE, OO_DATUM_TENSOR, OO_DATUM_SEQUENCE, OO_DATUM_MAP, OO_DATUM_OPTIONAL, OO_DATUM_SPARSE } oo_datum_kind;
typedef struct oo_datum {
    uint32_t references;
    oo_datum_kind kind;
    oo_array *array;             /* TENSOR; MAP: keys (rank 1); SPARSE: values */
    oo_array *indices;           /* SPARSE: [NNZ] or [NNZ, rank] */
    struct oo_datum **items;     /* SEQUENCE elements; MAP values; OPTIONAL: nothing or one */
    uint32_t nitems;
    oo_elem elem;                /* SEQUENCE, OPTIONAL without items: element type of their tensors, OO_UNDEFINED = not known */
} oo_datum;

/* Most bytes that one array may have; oo__evaluator_new sets it. */
extern uint64_t oo__eval_limit;
/* Bytes that one element takes in an oo_array (STRING: sizeof(oo_bytes)). */
uint32_t oo__array_width(oo_elem elem);
/* A new array with undefined contents (strings: empty). NULL when it would have more than `oo__eval_limit` bytes or a negative dim. */
oo_array *oo__array_new(oo_elem elem, uint32_t rank, const int64_t *dims);
oo_array *oo__array_scalar(oo_elem elem, const void *element);
oo_array *oo__array_retain(oo_array *array);
void oo__array_release(oo_array *array); /* NULL is allowed */
/* An array whose contents may be written: the same one when nobody else holds it or its data, else a copy (the reference moves). NULL
 * when a copy was refused. */
oo_array *oo__array_own(oo_array *array);
/* The same data, shared, under other dimensions; NULL when their product differs. A new reference. */
oo_array *oo__array_view(oo_array *array, uint32_t rank, const int64_t *dims);
/* Toward zero. NaN, and what int64 does not hold, give INT64_MIN: C leaves that open, x86-64 converts so, and NumPy and ONNX Runtime with it. */
int64_t oo__int_of_double(double value);
/* Element i of a numeric array as double / int64 (oo__int_of_double); integer types and bool exactly. */
double oo__array_double(const oo_array *array, uint64_t i);
int64_t oo__array_int(const oo_array *array, uint64_t i);
/* Stores with ONNX's Cast rounding of floating-point types (nearest even, saturating where Cast saturates); integers wrap. A double
 * is cut by oo__int_of_double first; of uint64, what lies from 2^63 to 2^64 is kept and more gives 0. */
void oo__array_set_double(oo_array *array, uint64_t i, double value);
void oo__array_set_int(oo_array *array, uint64_t i, int64_t value);
/* Element type and dimensions as "float[2,3]", cut off at `size`. */
void oo__array_name(const oo_array *array, char *out, size_t size);
/* Copies a string into element i. */
void oo__array_set_string(oo_array *array, uint64_t i, oo_bytes text);
/* The whole array as floats or doubles in new memory (release with free), and back, rounding once per element. */
float *oo__array_floats(const oo_array *array);
double *oo__array_doubles(const oo_array *array);
void oo__array_from_floats(oo_array *array, const float *values);
void oo__array_from_doubles(oo_array *array, const double *values);

oo_datum *oo__datum_tensor(oo_array *array); /* takes the reference; NULL array gives NULL */
oo_datum *oo__datum_sequence(uint32_t count, oo_datum *const *items, oo_elem elem); /* retains the items */
oo_datum *oo__datum_optional(oo_datum *item, oo_elem elem);                         /* retains; NULL = empty */
/* Takes the reference and gives one to the same value with every tensor of type `from` converted to `to` (both numbers). */
oo_datum *oo__datum_retyped(oo_datum *datum, oo_elem from, oo_elem to);
oo_datum *oo__datum_retain(oo_datum *datum);
void oo__datum_release(oo_datum *datum);

/* Constant tensors of the model to arrays and back. NULL when the data is not to be had. */
oo_array *oo__array_of_tensor(const oo_tensor *tensor);
oo_tensor *oo__tensor_of_array(oo_model *model, const oo_array *array);

/* ---- kernels ---- */
typedef struct oo_evaluator oo_evaluator;

/* One call of an operator. Inputs are borrowed, NULL = omitted; outputs are new references, NULL where nobody wants them. */
typedef struct oo__call {
    oo_evaluator *evaluator;
    const oo_node *node;
    const oo_schema *schema;     /* of the node at its opset; schema->since tells the version */
    oo_datum *const *in;
    uint32_t nin;
    oo_datum **out;              /* [nout] */
    uint32_t nout;
} oo__call;

typedef oo_status (*oo__kernel)(oo__call *c);

/* Input as a tensor; NULL when omitted, or after an error when it is no tensor (then c->out must not be set). */
const oo_array *oo__in(const oo__call *c, uint32_t index);
/* Sets output `index` to a tensor (takes the reference) when somebody wants it; NULL array: an allocation was refused. */
oo_status oo__set(oo__call *c, uint32_t index, oo_array *array);
/* Attributes with the schema's default applied; references were replaced when the function was entered. */
int64_t oo__int(const oo__call *c, const char *name, int64_t absent);
double oo__float(const oo__call *c, const char *name, double absent);
const char *oo__string(const oo__call *c, const char *name, const char *absent);
const int64_t *oo__ints(const oo__call *c, const char *name, uint32_t *count);   /* NULL and 0 when absent */
const float *oo__floats(const oo__call *c, const char *name, uint32_t *count);
const oo_attr *oo__attr(const oo__call *c, const char *name);
/* Error diagnostic at the node; the value is OO_INVALID (bad data) or OO_UNSUPPORTED. Macros, so that compilers and analyzers see at every
 * call that this is not OO_OK. */
void oo__eval_tell(const oo__call *c, oo_status status, const char *format, ...) OO_PRINTF(3, 4);
static inline oo_status oo__eval_told(oo_status status) { return status; }
#define oo__eval_fail(c, ...) oo__eval_told((oo__eval_tell((c), OO_INVALID, __VA_ARGS__), OO_INVALID))
#define oo__eval_unsupported(c, ...) oo__eval_told((oo__eval_tell((c), OO_UNSUPPORTED, __VA_ARGS__), OO_UNSUPPORTED))
/* Runs a subgraph of the node (attribute `name`): `inputs` are borrowed, outputs are new references. */
oo_status oo__run_subgraph(oo__call *c, const char *name, oo_datum *const *inputs, uint32_t ninputs, oo_datum **outputs, uint32_t noutputs);
/* Calls `work(state, first, last)` on parts of [0, count) on all cores; parts have at least `grain` items. */
void oo__parallel(uint64_t count, uint64_t grain, void (*work)(void *state, uint64_t first, uint64_t last), void *state);

/* Normalizes an axis of an array of `rank` dimensions (negative counts from the end); false when out of range. */
bool oo__axis(int64_t *axis, uint32_t rank);
/* Dimensions that a and b broadcast to (numpy); false when they do not. `out` has room for the larger rank. */
bool oo__broadcast(uint32_t *rank, int64_t *out, uint32_t a_rank, const int64_t *a, uint32_t b_rank, const int64_t *b);

/* ---- running ---- */
typedef struct oo_eval_settings {
    uint64_t memory_limit;  /* bytes of one tensor; 0 = 4 GiB */
    uint64_t seed;          /* of random operators */
    bool in_double;         /* float tensors are computed as doubles: tells ill-conditioned from wrong */
    uint32_t loop_limit;    /* iterations of one Loop; 0 = 10,000,000 */
    uint64_t byte_limit;    /* bytes of all results together, while the evaluator lives; 0 = no limit */
    uint64_t step_limit;    /* nodes run in one evaluation, those of loops and functions each time; 0 = no limit */
    /* Called after each node, for profiles and for looking at intermediate values. */
    void (*watch)(void *user, const oo_node *node, oo_datum *const *outputs, double seconds);
    /* Called after each node, before `watch`: may put another value in the place of an output that is not NULL (release the old one, give a
     * reference to the new one). */
    void (*amend)(void *user, const oo_node *node, oo_datum **outputs);
    void *user;
} oo_eval_settings;

/* The graphs must be in order (oo__model_sort); the model is numbered. It may be rewritten between two evaluations, not during one. */
oo_evaluator *oo__evaluator_new(const oo_model *model, const oo_eval_settings *settings);
void oo__evaluator_free(oo_evaluator *evaluator);
/* Runs the main graph; inputs in the order of graph inputs (NULL: an initializer's default), outputs are new references. Memory of a value
 * is released after its last use. With in_double the outputs that are declared as float are doubles. */
oo_status oo__evaluate(oo_evaluator *evaluator, oo_datum *const *inputs, oo_datum **outputs);
/* Runs one node on given inputs (constant folding). Node inputs that are NULL in `inputs` are omitted. */
oo_status oo__evaluate_node(oo_evaluator *evaluator, const oo_node *node, oo_datum *const *inputs, oo_datum **outputs);
/* What a value of a graph around is when oo__evaluate_node runs subgraphs that use it; NULL takes it back. Holds until the model changes. */
void oo__evaluator_give(oo_evaluator *evaluator, const oo_value *value, oo_datum *datum);
/* What the readings are, when a call of the last evaluation, be it in a subgraph or function, has more than one (ir/disputed.def): then what it
 * gave is ONNX's reading, and others have another. NULL else. */
const char *oo__evaluator_disputed(const oo_evaluator *evaluator);
/* Whether a kernel (or a function body) is there for the node. */
bool oo__can_evaluate(const oo_node *node);
#endif
