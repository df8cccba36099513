/* State of one inference run. Private to ir/. */
#ifndef IR_INFER_RUN_H
#define IR_INFER_RUN_H
#include "ir/infer.h"

typedef struct oo__infer_run {
    oo__infer c;           /* first: functions get its address */
    const oo_type **claims;/* by value id: what value_info and outputs say; NULL = not asked for */
    unsigned depth;        /* of function calls */
    unsigned inside;       /* of subgraphs, which may not run */
    uint8_t *told;         /* by node id: something was said about the node */
} oo__infer_run;

#define FUNCTION(function) oo_status oo__infer_##function(oo__infer *c);
#include "ir/infer.def"
#undef FUNCTION

/* Resize with a policy that keeps the aspect ratio (ir/infer_patches.c). */
bool oo__resize_by_aspect(oo__infer *c, const oo_expr **dims, const int64_t *axes, const oo_known *sizes, bool not_larger);
/* With proofs_only, the contents without what may be otherwise on a machine (ir/infer_certain.c). NULL gives NULL. */
const oo_known *oo__certain(oo__infer *c, const oo_known *known);
/* floor(size * scale), as far as float arithmetic gives the same. */
const oo_expr *oo__scaled_size(oo__infer *c, const oo_expr *size, const oo_item *scale);
/* The readings of the node, when it has more than one (ir/disputed.c). */
const char *oo__infer_disputed(const oo__infer *c);
oo_status oo__infer_graph(oo__infer_run *run, oo_graph *graph);
oo_dim oo__dim_of(const oo_expr *expr);
const oo_type *oo__type_of_dims(oo__infer *c, oo_elem elem, uint32_t rank, const int64_t *dims);
#endif
