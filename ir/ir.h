/* The IR's structures. For ir, io, eval, viz and the pass manager; passes and plugins see <onnxopt/onnxopt.h> only.
 *
 * Everything lives in the model's arena. Text (names, documents, domains) is interned in the model: compare pointers, NULL means
 * that the field is absent in the file, "" that it is there and empty. Nothing here is changed but by ir/rewriter.c, by the readers
 * while they build, and by the writer's naming. */
#ifndef IR_IR_H
#define IR_IR_H
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/intern.h"
#include "base/vec.h"
#include "ir/schema.h"

/* Bytes that are kept without being understood, e.g. unknown protobuf fields as they stood on the wire. */
typedef struct oo_bytes {
    const uint8_t *data;
    size_t size;
} oo_bytes;
typedef oo_vec(oo_bytes) oo_bytes_list;

/* StringStringEntryProto. `raw` is set when the message says more than key and value. */
typedef struct oo_prop {
    const char *key, *value;
    oo_bytes raw;
} oo_prop;
typedef oo_vec(oo_prop) oo_props;

/* OperatorSetIdProto. */
typedef struct oo_opset {
    const char *domain; /* NULL when absent; "" and "ai.onnx" are the same set */
    int64_t version;
    bool has_version;
    oo_bytes raw;
} oo_opset;
typedef oo_vec(oo_opset) oo_opsets;

/* ---- types ---- */
typedef struct oo_dim {
    enum { OO_DIM_NONE, OO_DIM_VALUE, OO_DIM_PARAM } kind;
    int64_t value;
    const char *param;
    const char *denotation;
    const struct oo_expr *expr; /* set by inference, NULL = unknown; kind and text agree with it */
} oo_dim;
typedef struct oo_known oo_known;

struct oo_type {
    oo_kind kind;
    bool has_elem;          /* tensor, sparse tensor, map: elem or key type is present */
    bool has_shape;         /* tensor, sparse tensor: rank is known */
    int32_t elem;           /* oo_elem, or whatever number the file has */
    uint32_t rank;
    oo_dim *dims;           /* [rank] */
    const oo_type *inner;   /* sequence, optional: element; map: value */
    const char *denotation;
    const char *opaque_domain, *opaque_name;
    oo_bytes raw;           /* TypeProto as packed, when it says more than fits here (unknown fields) */
};

/* ---- tensors ---- */
/* Where the file keeps the elements. */
typedef enum oo_storage {
    OO_STORE_NONE,    /* no field at all: an empty tensor, or an invalid one */
    OO_STORE_RAW,     /* raw_data */
    OO_STORE_FLOATS,  /* float_data: packed little-endian floats */
    OO_STORE_INT32S,  /* int32_data: packed varints */
    OO_STORE_INT64S,  /* int64_data: packed varints */
    OO_STORE_DOUBLES, /* double_data */
    OO_STORE_UINT64S, /* uint64_data: packed varints */
    OO_STORE_STRINGS, /* string_data */
    OO_STORE_EXTERNAL,/* a file beside the model */
    OO_STORE_LAZY     /* made by a function when asked for */
} oo_storage;

/* The elements as encoded in the field that `storage` names: a range of a source, or memory when source is NULL. */
typedef struct oo_payload {
    const oo_source *source;
    uint64_t offset, size;
    const uint8_t *memory;
} oo_payload;

struct oo_tensor {
    oo_model *model;
    int32_t elem;              /* oo_elem, or whatever number the file has */
    bool has_elem;
    oo_storage storage;
    uint32_t rank;
    int64_t *dims;             /* [rank], not negative once read */
    uint64_t count;            /* product of dims */
    oo_payload payload;        /* RAW, FLOATS .. UINT64S; EXTERNAL once resolved */
    oo_bytes_list strings;     /* STRINGS */
    oo_props external;         /* EXTERNAL: location, offset, length, checksum as the file has them */
    bool has_location;         /* data_location is present */
    bool has_empty_raw;        /* EXTERNAL: an empty raw_data is there as well */
    int32_t location;
    oo_fill fill;              /* LAZY */
    const void *state;
    const char *name;          /* TensorProto.name; for initializers the value's name counts */
    const char *doc;
    oo_props metadata;
    oo_bytes rest;             /* segment and unknown fields, as on the wire */
    bool broken;               /* data or dimensions are wrong, which was told: there are none (only where defects are collected) */
    uint64_t hash;             /* cache of oo_tensor_hash, 0 = not computed */
    uint64_t data_hash;        /* cache: over all data, 0 = not computed */
    const uint8_t *decoded;    /* cache: INT32S .. UINT64S as raw_data */
};

/* SparseTensorProto. */
typedef struct oo_sparse {
    oo_tensor *values, *indices;
    uint32_t rank;
    int64_t *dims;
    oo_bytes unknown;
} oo_sparse;

/* ---- attributes ---- */
enum { OO_ATTR_ODD_TYPE = 1 }; /* of oo_attr.fields: the declared type is none that exists */
struct oo_attr {
    const char *name;
    oo_attr_type type;      /* the declared type, or what the fields imply when none is declared */
    bool has_type;
    uint16_t fields;        /* when raw is set: value fields that the file has, bits by oo_attr_type; OO_ATTR_ODD_TYPE */
    const char *reference;  /* ref_attr_name, NULL = none */
    const char *doc;
    uint32_t count;         /* for the plural types */
    union {
        int64_t i;
        float f;
        oo_bytes s;
        oo_tensor *t;
        oo_graph *g;
        oo_sparse *sparse;
        const oo_type *type_proto;
        int64_t *ints;
        float *floats;
        oo_bytes *strings;
        oo_tensor **tensors;
        oo_graph **graphs;
        oo_sparse **sparses;
        const oo_type **type_protos;
    };
    oo_bytes unknown;       /* unknown fields, as on the wire */
    oo_bytes raw;           /* the whole AttributeProto, when its fields do not fit its type; written back as it is */
};

/* ---- graphs ---- */
struct oo_use {
    oo_value *value;        /* NULL = omitted input */
    oo_node *user;
    oo_use *next, *prev;    /* in the value's list */
    uint32_t index;
};

enum {
    OO_VALUE_INPUT = 1u << 0,       /* graph input (may be an initializer too: its default) */
    OO_VALUE_INITIALIZER = 1u << 1, /* init or sparse_init is set */
    OO_VALUE_PINNED = 1u << 2,      /* named by annotations, bindings or devices: must stay */
    OO_VALUE_ORPHAN = 1u << 3,      /* named somewhere, defined nowhere (training graphs only) */
    OO_VALUE_FROZEN = 1u << 5,      /* was an input with a default, which it is for good now */
    OO_VALUE_FRESH = 1u << 4        /* made by a pass: its name may be changed when it clashes */
};

struct oo_value {
    const char *name;        /* NULL = none yet; the writer gives one */
    const char *read_name;   /* name in the file that was read, NULL for fresh values */
    oo_node *producer;
    oo_graph *graph;         /* scope of definition */
    const oo_type *type;     /* what is known, NULL = nothing */
    const oo_known *known;   /* what inference knows of its contents, NULL = nothing */
    oo_tensor *init;         /* initializer */
    oo_sparse *sparse_init;  /* sparse_initializer */
    oo_use *uses;
    uint32_t nuses;
    uint32_t noutputs;       /* positions in graph outputs that hold it */
    uint32_t output_index;   /* one of them in its own graph when there is one: a hint, to be checked */
    uint32_t index;          /* among the producer's outputs */
    uint32_t id;
    uint32_t flags;
};

/* ValueInfoProto: graph inputs and outputs, and value_info. */
typedef struct oo_value_info {
    oo_value *value;        /* NULL: value_info for a name that nothing defines (kept as it was read) */
    const char *name;       /* NULL = absent; the value's name counts when value is set */
    const oo_type *type;    /* declared here, NULL = absent */
    const char *doc;
    oo_props metadata;
    oo_bytes unknown;
} oo_value_info;
typedef oo_vec(oo_value_info) oo_value_infos;

/* TensorAnnotation. Names that resolve are values. */
typedef struct oo_annotation_entry {
    oo_prop prop;           /* key; value as read */
    oo_value *value;        /* NULL: the name resolves to nothing */
} oo_annotation_entry;
typedef struct oo_annotation {
    const char *name;       /* NULL = absent */
    oo_value *value;
    oo_annotation_entry *entries;
    uint32_t count;
    oo_bytes unknown;
} oo_annotation;

typedef struct oo_function oo_function;

struct oo_graph {
    oo_model *model;
    oo_graph *parent;       /* scope around it: the graph of the owner; for training graphs the main graph */
    oo_node *owner;         /* node whose attribute holds it */
    oo_function *function;  /* body of this function (not for graphs nested in the body) */
    const char *name;       /* GraphProto.name, NULL = absent */
    const char *doc;
    oo_node *first, *last;
    uint32_t nnodes, nconstants; /* of these, nodes of an operator that is called Constant */
    uint32_t index;         /* in model->graphs */
    bool dead;              /* erased with its owner, or a dropped function */
    bool training;          /* initialization or algorithm graph of TrainingInfoProto */
    bool unsorted;          /* the file lists a node before a producer of its inputs */
    oo_value_infos inputs;
    oo_value_infos outputs;
    oo_value_infos infos;
    oo_vec(oo_value *) initializers; /* dropped ones stay in the list with init NULL */
    oo_vec(oo_value *) sparse_initializers;
    oo_vec(oo_annotation) annotations;
    oo_props metadata;
    oo_bytes unknown;
};

/* The rarely used parts of a NodeProto. */
typedef struct oo_node_extra {
    const char *overload;
    const char *doc;
    oo_props metadata;
    oo_bytes_list devices;  /* NodeDeviceConfigurationProto messages as packed; names inside are mended on writing */
    oo_bytes unknown;
} oo_node_extra;

/* An operator type as the model uses it. One per (domain, name); "ai.onnx" is stored as "". */
typedef struct oo_op {
    const char *name;
    const char *domain;
    oo_function *functions; /* a local function of this name, NULL = none; a function goes before a standard operator */
    oo_schema_rows rows;    /* what ONNX defines it to be */
    bool is_constant;       /* Constant of ai.onnx, by its name */
    const struct oo__dispute *dispute; /* some of its calls have several readings (ir/disputed.h); NULL = none */
    struct oo_op *next;     /* in its bucket */
} oo_op;

/* How a node came to be: index + 1 into model->history, 0 = it was read. */
struct oo_node {
    const oo_op *op;
    oo_graph *graph;
    oo_node *prev, *next;   /* of an erased node: as they were when it was erased */
    oo_use *inputs;         /* [ninputs] */
    oo_value **outputs;     /* [noutputs], NULL = omitted */
    oo_attr **attrs;        /* [nattrs] */
    uint32_t ninputs, noutputs, nattrs;
    uint32_t id;
    uint32_t order;
    uint32_t origin;
    uint32_t stamp;         /* model->serial of the rewrite that last noted it as changed */
    bool erased;
    const char *name;       /* NULL = absent */
    const char *domain;     /* as in the file: NULL = absent, "" or "ai.onnx" or another */
    oo_node_extra *extra;   /* NULL = nothing */
};

struct oo_function {
    oo_op *op;              /* of its domain and name */
    oo_graph *graph;        /* body; inputs and outputs by name */
    const char *name, *domain, *overload, *doc;
    oo_vec(const char *) attributes; /* names without default */
    oo_vec(oo_attr *) defaults;      /* attribute_proto */
    oo_opsets opsets;
    oo_props metadata;
    oo_bytes unknown;
    bool dropped;
    struct {
        uint32_t serial;    /* model->function_serial + 1 of the answer, 0 = never asked */
        bool answer;
    } facts[2];             /* private to ir/node_facts.c */
    uint32_t inferred;      /* times in the last inference; private to ir/infer.c */
};

/* TrainingInfoProto. */
typedef struct oo_training {
    oo_graph *initialization, *algorithm; /* NULL = absent */
    oo_props initialization_binding, update_binding;
    oo_bytes unknown;
} oo_training;

/* One rewrite of the log: which nodes went, came and were changed. */
typedef struct oo_rewrite {
    const char *pass, *rule;
    uint32_t root;                           /* node id, UINT32_MAX = none */
    uint32_t *removed, *added, *changed;     /* node ids */
    uint32_t nremoved, nadded, nchanged;
    uint32_t values;                         /* changes that touch no node: initializers, functions, types */
} oo_rewrite;

struct oo_model {
    oo_context *context;
    oo_arena *arena;
    oo_intern *strings;
    const char *path;                        /* of the file it came from, for messages */
    const char *empty;                       /* interned "" */
    int64_t ir_version, model_version;
    bool has_ir_version, has_model_version;
    const char *producer_name, *producer_version, *domain, *doc;
    oo_opsets opsets;
    oo_props metadata;
    oo_bytes_list configurations;            /* DeviceConfigurationProto messages as packed */
    oo_graph *graph;                         /* NULL = absent */
    oo_vec(oo_function *) functions;
    oo_vec(oo_training *) trainings;
    oo_bytes unknown;
    oo_vec(oo_graph *) graphs;               /* all, outer before inner; dead ones stay */
    oo_vec(oo_source *) sources;             /* files that payloads point into; closed with the model */
    oo_op **ops;                             /* buckets; private to ir/op.c, as are the next three lines */
    uint32_t nops, op_room;
    oo_function **function_table;            /* by domain, name and overload */
    uint32_t function_room;
    uint32_t last_function[2];               /* index and place in `functions` of the one asked for last; zeros when functions come or go */
    uint32_t function_serial;                /* of the last change inside a function */
    uint32_t serial;                         /* of the rewrite that was opened or taken back last */
    oo_vec(oo_rewrite) history;
    uint32_t nnodes, nvalues;                /* ids given out */
    uint32_t properties;                     /* OO_ORDER ... that hold now */
    uint64_t fresh;                          /* counter for names */
    uint64_t first_weight, first_constants;  /* what the file and its constants weighed when passes began (ir/growth.h) */
    bool weighed;
    uint32_t defects;                        /* told while reading; not 0: the model is whole enough to be checked and for nothing else */
    struct oo_exprs *exprs;                  /* dimensions as inference knows them, NULL before it ran */
    struct oo__learned *learned;             /* constraints of the last inference, NULL = none were looked for */
    uint32_t symbols;                        /* data-dependent ones made so far; never counted anew, so that no two are one */
};

/* ---- construction, for readers and the rewriter (ir/model.c, graph.c, node.c, value.c) ---- */
oo_model *oo__model_new(oo_context *context, const char *path);
void oo_model_free(oo_model *model);
/* Interned in the model. */
const char *oo__str(oo_model *model, const char *text);
const char *oo__str_n(oo_model *model, const void *text, size_t size);
oo_op *oo__op(oo_model *model, const char *domain, const char *name);
/* Whether a node of one of ONNX's own operators was ever in the model; `names` are between spaces. */
bool oo__model_has_op(const oo_model *model, const char *names);
/* Makes the function known to the nodes that call it; name, domain, overload and graph are set. False after an error diagnostic when
 * there is one of these names. */
bool oo__function_add(oo_model *model, oo_function *function);
/* Appended to model->graphs. `owner` is set when the attribute is attached. */
oo_graph *oo__graph_new(oo_model *model, oo_graph *parent);
/* A node at the end of the graph, all inputs and outputs omitted. Text arguments need not be interned. */
oo_node *oo__node_new(oo_graph *graph, const char *domain, const char *op, uint32_t ninputs, uint32_t noutputs, uint32_t nattrs);
oo_node_extra *oo__node_extra(oo_node *node);
/* A value of the graph's scope; `name` interned or NULL. */
oo_value *oo__value_new(oo_graph *graph, const char *name);
void oo__node_set_output(oo_node *node, uint32_t index, oo_value *value);
/* Links input `index` to `value` (NULL unlinks), keeping use lists right; no log. */
void oo__use_link(oo_node *node, uint32_t index, oo_value *value);
void oo__graph_link(oo_graph *graph, oo_node *node, oo_node *before); /* before NULL: at the end */
void oo__graph_unlink(oo_node *node);
/* Subgraphs of an attribute: number and one of them. */
uint32_t oo__attr_ngraphs(const oo_attr *attr);
oo_graph *oo__attr_graph(const oo_attr *attr, uint32_t index);
/* Tensor with fields zero; dims are copied and count is computed: false when the product overflows or a dim is negative. */
oo_tensor *oo__tensor_new(oo_model *model, int32_t elem, uint32_t rank, const int64_t *dims, bool *valid);
/* Bits of one element, 0 for strings and unknown types. */
uint32_t oo__elem_bits(int32_t elem);
/* Elements below a byte lie in raw_data as a stream of bits, the low ones first: the code of element i, and how it is put into zeroed memory. */
uint8_t oo__code_get(const uint8_t *packed, uint32_t bits, uint64_t i);
void oo__code_put(uint8_t *packed, uint32_t bits, uint64_t i, unsigned code);
/* How many numbers a typed field (int32_data ...) has for the tensor's elements. */
uint64_t oo__tensor_numbers(const oo_tensor *tensor);
/* "float", "int64" ...; NULL for numbers that are no type. And back; OO_UNDEFINED when unknown. */
const char *oo__elem_name(int32_t elem);
oo_elem oo__elem_find(const char *name, size_t size);
/* The elements as raw_data bytes, contiguous: a pointer into the mapping or memory where possible, else decoded into `arena`. NULL when
 * the data is not to be had (or is strings). */
const void *oo__tensor_bytes(const oo_tensor *tensor, oo_arena *arena);
/* The bytes [offset, offset + size) of a tensor's data as raw_data has them; `tensor` is the oo_tensor. False when they cannot be had. */
bool oo__tensor_make(const void *tensor, uint64_t offset, size_t size, void *out);

/* Path of a graph for messages: "main", "main/If_3.then_branch", "function my.f"; in `arena`. */
const char *oo__graph_path(const oo_graph *graph, oo_arena *arena);
/* "tensor(float)[N,3]", "seq(tensor(int64))", "unknown"; in `arena`. */
const char *oo__type_text(const oo_type *type, oo_arena *arena);
/* Name of a node for messages; of one that has none, "Conv:y" after its first output. In `arena` or the model. */
const char *oo__node_label(const oo_node *node, oo_arena *arena);
/* Sends a diagnostic about a node, value or graph (each may be NULL). */
void oo__report(oo_model *model, oo_severity severity, const char *code, const oo_graph *graph, const oo_node *node,
                const oo_value *value, const char *format, ...) OO_PRINTF(7, 8);

/* ---- name resolution while reading (ir/bind.c) ---- */
typedef struct oo_binder oo_binder;
oo_binder *oo__binder_new(oo_model *model);
void oo__binder_free(oo_binder *binder);
/* From now on inputs of no name are told, counted as model->defects and linked to values of their own (orphans). */
void oo__binder_collect(oo_binder *binder);
/* Scopes nest as graphs do; a function's body or a main graph opens at depth 0. */
void oo__binder_open(oo_binder *binder, oo_graph *graph);
/* Defines the value's name in the innermost scope. False after an error diagnostic when the scope has it already. */
bool oo__binder_define(oo_binder *binder, oo_value *value);
/* Value of an interned name that is visible now, NULL when none (yet). */
oo_value *oo__binder_find(oo_binder *binder, const char *name);
/* Value of a name defined in the innermost scope itself, NULL when none. */
oo_value *oo__binder_find_local(oo_binder *binder, const char *name);
/* Connects an input by name now or, when the name comes later, at oo__binder_close. */
void oo__binder_connect(oo_binder *binder, oo_node *node, uint32_t index, const char *name);
/* Ends the innermost scope: late names are connected (the graph is marked unsorted); what is still open goes to the scope around, or
 * is an error diagnostic at depth 0 and false is returned. */
bool oo__binder_close(oo_binder *binder);

/* ---- checking (ir/verify.c) ---- */
/* Invariants of the structure: use lists, producers, scopes, order, names. Every breach is an error diagnostic; OO_MISMATCH then. */
oo_status oo_model_verify(oo_model *model);
/* Puts the nodes of every unsorted graph into a stable topological order. OO_INVALID after a diagnostic when there is a cycle. */
oo_status oo__model_sort(oo_model *model);
/* Whether every unsorted graph has a topological order at all; nothing is moved. */
oo_status oo__model_check_acyclic(oo_model *model);
/* Whether no local function calls itself, be it through others. OO_INVALID after a diagnostic. */
oo_status oo__model_check_calls(oo_model *model);
/* Computes OO_ORDER: node->order counts along each graph. */
void oo__model_number(oo_model *model);
/* Hash over structure: operators, attributes, wiring, constants by content hash, public names; not over internal names. */
uint64_t oo__model_hash(const oo_model *model);
/* Gives every value without a name one that is free, and renames fresh ones that clash: before writing or printing. */
void oo__model_name_values(oo_model *model);
#endif
