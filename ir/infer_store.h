/* What was inferred, written into the model: value_info and declared types; and inputs that the user fixes first. */
#ifndef IR_INFER_STORE_H
#define IR_INFER_STORE_H
#include "ir/change.h"
#include "ir/infer.h"

/* A dimension as ValueInfoProto has it: the name of a symbol as it is, an expression as oo__expr_print writes it. */
const char *oo__dim_text(const oo_model *model, const oo_expr *expr, oo_arena *arena);

typedef struct oo_store {
    bool all;   /* value_info for every node output, not only where it is already */
    bool stale; /* the numbers of declarations are of other inputs: where nothing is inferred they go */
} oo_store;
/* Declarations (value_info, outputs, inputs of subgraphs) become what was inferred; how many changed. Without a rewriter nothing is logged. Bodies
 * of functions get none: each call may have other types. */
uint32_t oo__infer_store(oo_rewriter *rw, oo_model *model, oo_store store);

/* What onnxopt infer and the pass infer-shapes are asked for. */
typedef struct oo_shape_request {
    const char *const *dims;   /* "NAME=N": the symbol is that number */
    uint32_t ndims;
    const char *const *shapes; /* "NAME:1,3,H,224": the input has this shape; a word is a symbol. Without NAME: it is the only input */
    uint32_t nshapes;
    bool emit;                 /* declare every value */
    bool forget;               /* do not believe value_info and declared outputs */
    bool strict;               /* a clash is an error */
} oo_shape_request;
/* Fixes inputs, infers, and declares what was inferred (where something was declared, or everywhere). After a
 * diagnostic OO_UNSUPPORTED when the request fits no input, OO_INVALID when a node that fitted before does not any more, or in strict mode. Opens rewrites of its own. */
oo_status oo__infer_shapes(oo_rewriter *rw, const oo_shape_request *request);
#endif
