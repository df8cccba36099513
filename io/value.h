/* Values in files: TensorProto, SequenceProto, MapProto and OptionalProto of ONNX's onnx-data, as test data sets have them. */
#ifndef IO_VALUE_H
#define IO_VALUE_H
#include "ir/ir.h"

typedef struct oo_value_tree {
    oo_kind kind;                 /* TENSOR, SEQUENCE, MAP, OPTIONAL, SPARSE_TENSOR; NONE = nothing known */
    oo_kind inner;                /* SEQUENCE, OPTIONAL: kind of the items, also when there are none; NONE = not known */
    oo_tensor *tensor;            /* TENSOR; MAP: keys as a tensor of rank 1 */
    oo_sparse *sparse;
    struct oo_value_tree **items; /* SEQUENCE; MAP: one, a sequence of the values; OPTIONAL: none or one */
    uint32_t nitems;
} oo_value_tree;

/* Reads a file whose message is of this kind (SEQUENCE, ...; OO_TYPE_TENSOR for TensorProto). The tensors belong to `model`, which also keeps
 * the file mapped: best a model of its own, made for values. */
oo_status oo__value_read(oo_value_tree **out, oo_model *model, const char *path, oo_kind kind);
/* Writes it; the file appears whole or not at all. */
oo_status oo__value_write(oo_context *context, const oo_value_tree *tree, const char *path);
#endif
