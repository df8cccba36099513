/* ONNX in and out: the binary format (protobuf-c behind it) and the textual syntax. */
#ifndef IO_IO_H
#define IO_IO_H
#include "ir/ir.h"

/* ---- binary ---- */
/* Reads a ModelProto. `path` "-" is standard input. Tensor bytes stay in the file. External data is resolved relative to the model's
 * folder and must lie inside it; a file that is missing is an error only when its data is asked for. On failure one located
 * diagnostic was sent and *out is NULL. */
oo_status oo_model_load(oo_model **out, oo_context *context, const char *path);
/* The same from memory that outlives the model; `path` names it in messages and gives the folder of external data (NULL: none). */
oo_status oo__model_read(oo_model **out, oo_context *context, const void *bytes, uint64_t size, const char *path);

/* The same two for whoever lists defects: one that leaves the file readable is told and counted in model->defects, and reading goes on (up to
 * 1000 of them). A model with defects may be checked and freed, nothing else. */
oo_status oo__model_load_defective(oo_model **out, oo_context *context, const char *path);
oo_status oo__model_read_defective(oo_model **out, oo_context *context, const void *bytes, uint64_t size, const char *path);

/* How tensor data is written. */
typedef enum oo_external {
    OO_EXTERNAL_KEEP,   /* external stays external (copied when the folder changes), internal stays internal; over 2 GiB moves out */
    OO_EXTERNAL_INLINE, /* all into the model file */
    OO_EXTERNAL_SPLIT   /* every tensor of `threshold` bytes or more goes to one file beside the model */
} oo_external;

typedef struct oo_save_options {
    oo_external external;
    uint64_t threshold;        /* OO_EXTERNAL_SPLIT: smallest size that moves out, in bytes (default 1024) */
    const char *external_name; /* file name of the external data, NULL = the model's file name + ".data" */
} oo_save_options;

/* Writes the model; the file (and its external data) appears whole or not at all. `path` "-" is standard output. Names values that
 * have no name. `options` NULL = all zero. */
oo_status oo_model_save(oo_model *model, const char *path, const oo_save_options *options);

/* Whether a value_info is (still) written: its value lives and is declared nowhere else. */
bool oo__keeps_info(const oo_graph *graph, const oo_value_info *info);

/* ---- text: ONNX textual syntax ---- */
/* Parses a model. Errors carry line, column and source line. `path` names the text in messages. */
oo_status oo_model_parse(oo_model **out, oo_context *context, const char *text, size_t size, const char *path);

typedef struct oo_print_options {
    uint64_t elide; /* tensors of more elements are printed as {...} with a content hash (not parseable back); 0 = never elide */
} oo_print_options;

/* The model as text, NUL-terminated, from malloc. Names values that have no name. */
char *oo_model_print(oo_model *model, const oo_print_options *options);
/* The same with its length: names and strings may hold NUL bytes. `size` may be NULL. */
char *oo__model_print_n(oo_model *model, const oo_print_options *options, size_t *size);
/* One node (with subgraphs on one line elided) as text in `arena`, for messages and diffs. */
char *oo__node_print(const oo_node *node, oo_arena *arena);
#endif
