/* onnxopt: read an ONNX model into an SSA graph, run passes over it, write ONNX back.
 *
 * The things
 *   model   everything that a ModelProto says: one main graph, local functions, training graphs, metadata.
 *   graph   a list of nodes with inputs, outputs and initializers. An attribute of If, Loop, Scan and the like holds a
 *           graph too (a subgraph); the body of a local function is a graph. oo_for_each_graph visits all of them.
 *   node    one operator call: inputs (NULL = an omitted optional input), outputs, attributes.
 *   value   what flows: it has exactly one origin (a node's output, a graph input, or an initializer) and a list of uses.
 *           A subgraph uses values of the graphs around it directly; such a captured use is in the same list.
 *   tensor  constant data: element type, dimensions, bytes. Large bytes stay in the mapped file until somebody asks.
 *
 * Identity is the pointer; names are labels. A node has a dense id that can index a side table.
 *
 * Ownership: a model owns everything in it, in arenas; nothing is freed singly. What a getter returns lives as long as the
 * model. An erased node keeps its memory as a tombstone: a stale pointer is a detected error, never wild memory.
 *
 * Changing a graph is possible only through the rewriter that a pass is handed (oo_begin, oo_build, oo_replace, oo_erase,
 * oo_end ...). So what changed, by which pass and rule and from which nodes, is known to the engine and needs no promise.
 *
 * Errors: what can fail returns oo_status and its result through the first parameter, `out`; the reason goes to the
 * context's sink as a diagnostic that names file, graph, node and value. A breach of the rules of this header is a bug of
 * the caller: the process prints where and aborts.
 *
 * A pass that comes as a plugin includes <onnxopt/plugin.h> instead of this header; the names are the same. */
#ifndef ONNXOPT_ONNXOPT_H
#define ONNXOPT_ONNXOPT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OO_VERSION_MAJOR 0
#define OO_VERSION_MINOR 1
#define OO_VERSION_PATCH 0
#define OO_VERSION_TEXT "0.1.0"

#if defined(__GNUC__)
#define OO_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define OO_PRINTF(text, first)
#endif

/* Expected outcomes. */
typedef enum oo_status {
    OO_OK = 0,
    OO_INVALID,     /* the input breaks the format's rules */
    OO_UNSUPPORTED, /* legal, but not handled */
    OO_IO,          /* the operating system refused */
    OO_LIMIT,       /* a stated bound was passed */
    OO_MISMATCH     /* a verification or comparison failed */
} oo_status;

/* ONNX TensorProto.DataType, IR version 14. */
typedef enum oo_elem {
    OO_UNDEFINED = 0,
    OO_FLOAT = 1,
    OO_UINT8 = 2,
    OO_INT8 = 3,
    OO_UINT16 = 4,
    OO_INT16 = 5,
    OO_INT32 = 6,
    OO_INT64 = 7,
    OO_STRING = 8,
    OO_BOOL = 9,
    OO_FLOAT16 = 10,
    OO_DOUBLE = 11,
    OO_UINT32 = 12,
    OO_UINT64 = 13,
    OO_COMPLEX64 = 14,
    OO_COMPLEX128 = 15,
    OO_BFLOAT16 = 16,
    OO_FLOAT8E4M3FN = 17,
    OO_FLOAT8E4M3FNUZ = 18,
    OO_FLOAT8E5M2 = 19,
    OO_FLOAT8E5M2FNUZ = 20,
    OO_UINT4 = 21,
    OO_INT4 = 22,
    OO_FLOAT4E2M1 = 23,
    OO_FLOAT8E8M0 = 24,
    OO_UINT2 = 25,
    OO_INT2 = 26,
    OO_FLOAT6E2M3 = 27,
    OO_FLOAT6E3M2 = 28,
    OO_ELEM_COUNT = 29
} oo_elem;

/* ONNX AttributeProto.AttributeType. */
typedef enum oo_attr_type {
    OO_ATTR_UNDEFINED = 0,
    OO_ATTR_FLOAT = 1,
    OO_ATTR_INT = 2,
    OO_ATTR_STRING = 3,
    OO_ATTR_TENSOR = 4,
    OO_ATTR_GRAPH = 5,
    OO_ATTR_FLOATS = 6,
    OO_ATTR_INTS = 7,
    OO_ATTR_STRINGS = 8,
    OO_ATTR_TENSORS = 9,
    OO_ATTR_GRAPHS = 10,
    OO_ATTR_SPARSE_TENSOR = 11,
    OO_ATTR_SPARSE_TENSORS = 12,
    OO_ATTR_TYPE_PROTO = 13,
    OO_ATTR_TYPE_PROTOS = 14
} oo_attr_type;

/* What a value may be, ONNX TypeProto. */
typedef enum oo_kind {
    OO_TYPE_NONE = 0, /* nothing is known */
    OO_TYPE_TENSOR,
    OO_TYPE_SEQUENCE,
    OO_TYPE_MAP,
    OO_TYPE_OPAQUE,
    OO_TYPE_SPARSE_TENSOR,
    OO_TYPE_OPTIONAL
} oo_kind;

typedef struct oo_context oo_context;   /* where diagnostics go; settings of a run */
typedef struct oo_model oo_model;       /* */
typedef struct oo_graph oo_graph;       /* */
typedef struct oo_node oo_node;         /* */
typedef struct oo_value oo_value;       /* */
typedef struct oo_use oo_use;           /* one input position of one node */
typedef struct oo_attr oo_attr;         /* */
typedef struct oo_type oo_type;         /* immutable */
typedef struct oo_tensor oo_tensor;     /* immutable */
typedef struct oo_rewriter oo_rewriter; /* the only means to change a model; lives for one pass run */
typedef struct oo_registry oo_registry; /* what a plugin registers into */

/* What a question about a graph is answered by. */
typedef enum oo_answer { OO_NO, OO_YES, OO_UNKNOWN } oo_answer;
/* A guard of a rule, as a plugin adds it: the arguments are in `call` (oo_guard_value ...). Only OO_YES lets a rule fire. */
typedef struct oo_guard_call oo_guard_call;
typedef oo_answer (*oo_guard)(const oo_guard_call *call);

typedef enum oo_severity { OO_NOTE, OO_REMARK, OO_WARNING, OO_ERROR } oo_severity;

/* A located message. Strings are NULL where nothing applies and live during the sink call only. */
typedef struct oo_diag {
    oo_severity severity;
    const char *code;        /* stable, e.g. "load-truncated"; listed in docs/diagnostics.md */
    const char *text;        /* one line */
    const char *file;        /* model or text file */
    const char *graph;       /* path, e.g. "main/If_3.then_branch" */
    const char *node;        /* node name */
    const char *op;          /* operator type of the node */
    const char *value;       /* value name */
    const char *pass;        /* pass that was running */
    const char *rule;        /* rule or rewrite within the pass */
    int64_t offset;          /* byte offset in the file, or -1 */
    uint32_t line, column;   /* 1-based in text input, 0 = none; column counts bytes */
    const char *source_line; /* the text line that line and column point into */
} oo_diag;
typedef void (*oo_sink)(void *user, const oo_diag *diag);

/* Properties of a model that analyses compute and passes need or keep. */
enum {
    OO_ORDER = 1u << 0,  /* oo_node_order: nodes of each graph are numbered along the list */
    OO_TYPES = 1u << 1,  /* oo_value_type is inferred where possible; new nodes are inferred when their rewrite ends */
    OO_VALUES = 1u << 2, /* what is known of the contents of small tensors; holds when OO_TYPES does */
    OO_ALL = 0x7fffffff
};

/* One option of a pass; `offset` is the place of the field in the pass's options struct. */
typedef enum oo_option_type { OO_OPT_BOOL, OO_OPT_INT, OO_OPT_FLOAT, OO_OPT_STRING } oo_option_type;
typedef struct oo_option_row {
    const char *name;      /* as written in the pipeline, with hyphens */
    oo_option_type type;   /* field type: bool, int64_t, double, const char * */
    uint32_t offset;       /* offsetof the field */
    const char *initial;   /* default, in pipeline syntax */
    const char *help;      /* one line */
    const char *choices;   /* OO_OPT_STRING: allowed words separated by '|', or NULL */
} oo_option_row;

/* A pass. Declared once, at the foot of its file, as a const struct. `size` is sizeof(oo_pass) of the compiling header: later
 * versions append fields. */
typedef struct oo_pass {
    uint32_t size;
    const char *name;             /* lower case with hyphens, unique */
    const char *summary;          /* one line */
    const char *doc;              /* paragraphs for --help-pass and the manual, or NULL */
    const oo_option_row *options; /* or NULL */
    uint32_t noptions;
    uint32_t options_size;        /* sizeof the options struct, 0 for none */
    uint32_t needs;               /* properties that must hold before run */
    uint32_t keeps;               /* properties that still hold after run changed something */
    bool inexact;                 /* may change floating-point results by reassociation of constants */
    /* Does the work. `options` points to the options struct, filled. Expected failure: a status after oo_error_at. */
    oo_status (*run)(oo_rewriter *rw, oo_model *model, const void *options);
    /* Operators of ONNX by name, between spaces: a model without any of them is left as it is, and what the pass needs is not computed for
     * it. NULL = run always. */
    const char *only_for;
} oo_pass;

#define OO_OPTION(struct_, field, type_, name_, initial_, help_)                                                       \
    { .name = (name_), .type = (type_), .offset = (uint32_t)offsetof(struct_, field), .initial = (initial_),           \
      .help = (help_), .choices = NULL }

/* Fills elements [first, first + count) of a lazy tensor, packed as ONNX raw_data, into `out`. `state` is what was given to
 * oo_tensor_make_lazy. Elements are asked for in any order and more than once; false = the data cannot be had. */
typedef bool (*oo_fill)(const void *state, uint64_t first, uint64_t count, void *out);

#ifndef OO_THROUGH_TABLE
/* Direct prototypes; <onnxopt/plugin.h> makes the same names go through the host's table. */
#define OO_API(ret, name, params, args) ret oo_##name params;
#define OO_API_VOID(name, params, args) void oo_##name params;
#define OO_API_V(ret, name, params) ret oo_##name params;
#include <onnxopt/api.def>
#undef OO_API
#undef OO_API_VOID
#undef OO_API_V
#endif

/* Visit the nodes of a graph in order. Erasing the visited node, or any other, and inserting are allowed on the way. */
#define oo_for_each_node(node, graph)                                                                                  \
    for (oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node))
/* Visit every live graph of a model: main graph first, outer before inner, then functions and training graphs. */
#define oo_for_each_graph(graph, model)                                                                                \
    for (oo_graph *graph = oo_model_first_graph(model); graph; graph = oo_graph_next(graph))
/* Visit the uses of a value by nodes. The visited use may be redirected on the way. */
#define oo_for_each_use(use, value)                                                                                    \
    for (oo_use *use = oo_value_first_use(value), *use##_next = use ? oo_use_next(use) : NULL; use;                    \
         use = use##_next, use##_next = use ? oo_use_next(use) : NULL)

#ifdef __cplusplus
}
#endif
#endif
