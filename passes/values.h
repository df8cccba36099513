/* Values of files and values of the evaluator, each made from the other. */
#ifndef PASSES_VALUES_H
#define PASSES_VALUES_H
#include "eval/eval.h"
#include "io/value.h"

/* A new reference; NULL when a tensor's data is not to be had or has a type that is none. */
oo_datum *oo__datum_of_tree(const oo_value_tree *tree);
/* In the model's arena. */
oo_value_tree *oo__tree_of_datum(oo_model *model, const oo_datum *datum);
/* A file with a value of this type (NULL or unknown: a tensor): .npy holds a tensor, every other name a protobuf message. From .npy a type that
 * NumPy has not is narrowed: the file has it as the type that oo__npy_write gives it. `values` is a model made for the purpose. */
oo_status oo__datum_read(oo_datum **out, oo_model *values, const char *path, const oo_type *type);
/* The inputs of a folder in ONNX's test layout: input_K.pb in the order of the graph's inputs; when there are fewer files than inputs, inputs
 * with a default are passed over. inputs[i] stays NULL where no file is. */
oo_status oo__test_inputs_read(oo_datum **inputs, oo_model *values, const oo_graph *graph, const char *folder);
/* output_K.pb, K counting the graph's outputs; OO_OK and NULL when there is no such file. */
oo_status oo__test_output_read(oo_datum **out, oo_model *values, const oo_graph *graph, const char *folder, uint32_t k);
#endif
