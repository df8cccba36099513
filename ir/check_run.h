/* State of one check. Private to ir/check*.c. */
#ifndef IR_CHECK_RUN_H
#define IR_CHECK_RUN_H
#include "ir/check.h"

typedef enum oo__defect {
#define DEFECT(id, severity, code) DEFECT_##id,
#include "ir/check.def"
    DEFECT_COUNT
} oo__defect;

typedef struct oo__check_run {
    oo_model *model;
    const oo_check_settings *settings;
    oo_arena *arena;       /* of the run: texts of messages, side tables */
    const oo_graph *graph; /* what is being looked at; `node` NULL: the graph as a whole */
    const oo_node *node;
    const oo_schema *schema; /* of the node, NULL = none that holds at its opset */
    uint32_t errors;
    const oo_source *summed; /* file whose SHA-1 is `sum` */
    char sum[41];
    uint8_t *typed, *shaped; /* by node id: a defect of its types, of its shapes was told */
} oo__check_run;

/* A defect of what is being looked at; `value` may be NULL. */
void oo__tell(oo__check_run *c, oo__defect defect, const oo_value *value, const char *format, ...) OO_PRINTF(4, 5);
/* A name of the model, safe and short enough to print. */
const char *oo__shown(const char *name);
/* Whether ONNX itself defines the operators of the domain. */
bool oo__is_own_domain(const char *domain);
/* The local function that a node calls, NULL = none. Operators of ONNX's own domains are never looked up among local functions. */
oo_graph *oo__check_callee(const oo__check_run *c, const oo_node *node);
/* The function whose body the graph is part of, NULL = none; and whether it has an attribute of this name. */
const oo_function *oo__check_function_around(const oo_graph *graph);
bool oo__check_declares(const oo_function *function, const char *name);
/* Warns when the element type came with a newer IR version than the model says. */
void oo__check_elem_version(oo__check_run *c, int32_t elem, const oo_value *value);
/* A tensor of an initializer or an attribute; `what` names it in messages: "", "attribute \"value\": ". */
void oo__check_tensor(oo__check_run *c, const oo_tensor *tensor, const oo_value *value, const char *what);
void oo__check_sparse(oo__check_run *c, const oo_sparse *sparse, const oo_value *value, const char *what);
/* External data, when the tensor has any (check_external.c). */
void oo__check_external(oo__check_run *c, const oo_tensor *tensor, const oo_value *value, const char *what);
/* Keys that occur twice. */
void oo__check_props(oo__check_run *c, oo__defect defect, const oo_props *props, const oo_value *value, const char *of);
/* Types, shapes and subgraphs: all that inference finds (check_types.c, check_subgraph.c, check_facts.c). */
void oo__check_types(oo__check_run *c);
void oo__check_subgraphs(oo__check_run *c, const oo__infer *infer);
void oo__check_facts(oo__check_run *c, const oo__infer *infer);
/* A type as form and element type. */
typedef enum oo__form { FORM_UNKNOWN, FORM_KNOWN, FORM_OTHER } oo__form;
oo__form oo__type_form(const oo_type *type, oo_type_form *form, oo_elem *elem);

#define CHECK(scope, function) void oo__check_##function(oo__check_run *c);
#include "ir/check.def"
#endif
