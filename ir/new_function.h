/* Local functions that a rewrite adds. */
#ifndef IR_NEW_FUNCTION_H
#define IR_NEW_FUNCTION_H
#include "ir/rewriter.h"

/* Within an open rewrite: a local function with an empty body, or NULL when the model has one of these names already, dropped or not. It imports
 * ai.onnx as the main graph does, and the model imports `domain` in version 1. The body is filled before anything calls it, by oo__function_input,
 * oo__function_node and oo__function_output; undoing the rewrite drops the whole function. */
oo_function *oo__function_new(oo_rewriter *rw, const char *domain, const char *name, const char *doc);
oo_value *oo__function_input(oo_function *function, const char *name);
/* A node of ai.onnx at the end of the body with one output of this name. Attributes are added by hand or by oo__function_attributes. */
oo_node *oo__function_node(oo_function *function, const char *op, oo_value *const *inputs, uint32_t ninputs, const char *output);
void oo__function_ints(oo_node *node, const char *name, const int64_t *values, uint32_t count);
/* The node of the body takes each attribute of its operator, subgraphs excepted, from the call: one that the call has not is absent. */
void oo__function_attributes(oo_function *function, oo_node *node);
void oo__function_output(oo_function *function, oo_value *value);
#endif
