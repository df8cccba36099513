/* Calls of operators that ONNX and its runtimes read in more than one way (ir/disputed.def). */
#ifndef IR_DISPUTED_H
#define IR_DISPUTED_H
#include "ir/ir.h"

enum { OO__READING_RANK = 64 };

/* What is known of a call: of a node in a model, or of one that runs. */
typedef struct oo__reading {
    oo_elem elem;                     /* of input 0; OO_UNDEFINED = not known */
    int32_t rank;                     /* of input 0; -1 = not known */
    int64_t dims[OO__READING_RANK];   /* [rank], < 0 = not known */
    bool listed;                      /* axes are given, be they an attribute or an input */
    bool axes_known;                  /* and these are they */
    uint32_t naxes;
    int64_t axes[OO__READING_RANK];
    bool keeps_all;                   /* noop_with_empty_axes */
    bool unsorted;                    /* TopK, of more than one element */
    bool misfit;                      /* a number that is converted does not fit: known of what runs */
} oo__reading;

/* The row of an operator, NULL when it has none. An oo_op holds it. */
typedef struct oo__dispute oo__dispute;
const oo__dispute *oo__dispute_of(const char *domain, const char *name);
/* What the readings are, when the call has more than one; else NULL. */
const char *oo__disputed(const oo__dispute *dispute, const oo__reading *call);
/* Whether the operator has axes, as an attribute or as input 1. */
bool oo__takes_axes(const oo_schema *schema);
/* Whether the shape depends on the reading. */
bool oo__disputes_shape(const oo__dispute *dispute);
/* Of a node, from what is proved of its inputs (OO_TYPES). */
const char *oo__node_disputed(const oo_node *node);
#endif
