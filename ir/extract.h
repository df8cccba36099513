/* A part of a model as a model of its own. */
#ifndef IR_EXTRACT_H
#define IR_EXTRACT_H
#include "ir/ir.h"

/* A graph input or output of the new model. */
typedef struct oo_extract_end {
    const oo_value *value; /* of the old model's main graph. An output is made by a node; an input may be NULL: the part does not need it */
    const char *name;
    const oo_type *type; /* NULL = as it is known */
} oo_extract_end;

typedef struct oo_extract {
    const oo_extract_end *inputs, *outputs;
    uint32_t ninputs, noutputs;
    const char *name; /* of the graph */
} oo_extract;

/* What computes the outputs from the inputs: nodes of the main graph with their subgraphs, initializers, and the local functions. What
 * else stands before the inputs is left out; a graph input that is needed and not among them makes it fail (NULL). Metadata and
 * documentation stay behind. Data and types are shared: the old model must outlive the new one. */
oo_model *oo__model_extract(const oo_model *model, const oo_extract *part);
#endif
