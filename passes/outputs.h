/* Which outputs of a node somebody reads, and which of them may be omitted. */
#ifndef PASSES_OUTPUTS_H
#define PASSES_OUTPUTS_H
#include "ir/ir.h"

/* Whether something reads the value, be it the outside of the model. */
bool oo__is_read(const oo_value *value);
/* Whether omitting the output changes nothing but that: ONNX calls it optional, and the number of outputs says nothing of what the node does. */
bool oo__may_omit_output(const oo_node *node, uint32_t index);
#endif
