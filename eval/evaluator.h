/* What the parts of the evaluator share. Private to eval/. */
#ifndef EVAL_EVALUATOR_H
#define EVAL_EVALUATOR_H
#include "eval/eval.h"

enum { OO__MAX_CALLS = 64 };

/* A value (by id) that is used no more after the node of this order. */
typedef struct oo__death {
    uint32_t order, value;
} oo__death;
typedef struct oo__plan {
    oo_vec(oo__death) dying; /* sorted by order */
} oo__plan;

/* A call of a local function that is being run: attribute references in its body mean the attributes of `call`. */
typedef struct oo__frame {
    const oo_node *call;
    const oo_function *function;
    const struct oo__frame *around;
} oo__frame;

/* What a node calls. */
typedef struct oo__callee {
    bool known;
    const oo_schema *schema;
    oo__kernel kernel;
    const oo_graph *body; /* of a local function, which goes before a kernel */
} oo__callee;

struct oo_evaluator {
    const oo_model *model;
    oo_eval_settings settings;
    oo_datum **slots;     /* by value id */
    oo__plan **plans;     /* by graph index */
    oo__callee *callees;  /* by node id */
    uint32_t nslots, nplans, ncallees;
    uint32_t serial;      /* of the model when the tables were made */
    const oo__frame *frame;
    unsigned depth;
    uint64_t steps;       /* nodes run so far */
    uint64_t bytes;       /* of results so far */
    const char *disputed; /* the readings of a call of this evaluation that has several */
    uint64_t random;      /* seed, and the iterations and calls around: eval/random.h */
};

oo_status oo__run_graph(oo_evaluator *ev, const oo_graph *graph, oo_datum *const *in, uint32_t nin, oo_datum **out);
/* The kernel for an operator version, NULL when there is none (eval/kernels.def). */
oo__kernel oo__kernel_of(const oo_schema *schema);
oo_datum *oo__datum_of_sparse(const oo_sparse *sparse);
#endif
