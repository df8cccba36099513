/* How many bytes parts of a model take in the file, about: lengths of lengths are taken as one byte. */
#ifndef IR_WEIGH_H
#define IR_WEIGH_H
#include "ir/ir.h"

/* With its data, without its name. */
uint64_t oo__weigh_tensor(const oo_tensor *tensor);
/* With its name, the names that it uses, attributes without graphs, documentation and metadata. */
uint64_t oo__weigh_node(const oo_node *node);
/* An initializer with this much data, under the value's name. */
uint64_t oo__weigh_initializer(uint32_t rank, uint64_t data, const oo_value *value);
/* What is saved, about, when a constant of `size` bytes is made from `kept` bytes when the model runs: by ConstantOfShape when these are one element,
 * else by Expand. */
int64_t oo__saved_by_generating(uint64_t size, uint64_t kept, bool one_element, uint32_t rank, const oo_value *value);
#endif
