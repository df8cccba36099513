/* The bodies of operators that are defined by other operators: passes/bodies.txt and passes/bodies_in_context.txt.
 *
 * A body is the list of nodes between the braces of a function in ONNX's textual syntax. Its inputs, outputs and attributes are called as the
 * operator's schema calls them; @name refers to an attribute. Between the nodes stand lines that choose and compute:
 *
 *     # text                   a comment, at the beginning of a line
 *     %body OP SINCE OPSET     begins the body of version SINCE of OP ("Relu", or with its domain before it: "ai.onnx.preview.FlexAttention"),
 *                              written for version OPSET of ai.onnx; several such lines in a row share what follows
 *     %let NAME = EXPR         a name for a value
 *     %if EXPR  %elif EXPR  %else  %end
 *     %refuse TEXT             the operator has no body here, for this reason
 *     %named TEXT              only for who names the operator: its body is less good than it is, for this reason
 *
 * A node graph.NAME (...) stands for the nodes of the graph in the attribute NAME, and ${EXPR} in a line is the value of the expression as text. What is not known of the node (the rank of an input, say) and is asked for
 * makes the body not to be had, with that as the reason: unknown is neither true nor false.
 *
 *     EXPR: 12  0.5  "text"  || && ! == != < <= > >= + - * / % ( )
 *     attr                     its value at the node, or the schema's default
 *     float int64 bool ...     element types as numbers
 *     since opset              the numbers of the %body line
 *     given(attr)              whether the node has the attribute
 *     has(input) used(output)  whether it is there
 *     elem(input) rank(input)  element type; rank
 *     size(input, axis)        dimension
 *     name(EXPR)               an element type as the syntax writes it */
#ifndef PASSES_BODIES_H
#define PASSES_BODIES_H
#include "ir/ir.h"
#include "ir/schema.h"

typedef struct oo__body {
    char domain[32], name[96]; /* domain "" for ai.onnx */
    int64_t since, opset;
    const char *text;          /* behind the %body line */
    uint32_t size;
} oo__body;

/* All bodies, in the order of the texts. */
const oo__body *oo__body_table(uint32_t *count);
/* The body of the node's operator for this opset of ai.onnx: the newest that is not written for a later one. NULL when there is none, and
 * *later is the opset that the oldest is written for (0: the operator has no body). */
const oo__body *oo__body_find(const oo_schema *schema, int64_t opset, int64_t *later);
/* The body as this node needs it, with its head, as the only function of a model in text; from `arena`. NULL when it is not to be had:
 * then *why says it. *named is why it is only for who names the operator, or NULL. */
const char *oo__body_text(const oo__body *body, const oo_schema *schema, const oo_node *node, oo_arena *arena, const char **why, const char **named);

/* ---- expressions (body_expr.c) ---- */
typedef struct oo__body_value {
    enum { OO__BODY_UNKNOWN, OO__BODY_INT, OO__BODY_REAL, OO__BODY_TEXT } kind;
    int64_t i;
    double f;
    const char *text; /* OO__BODY_TEXT */
} oo__body_value;

typedef struct oo__body_name {
    const char *name;
    oo__body_value value;
} oo__body_name;

typedef struct oo__body_scope {
    const oo__body *body;
    const oo_schema *schema;
    const oo_node *node;
    oo_arena *arena;
    oo_vec(oo__body_name) names; /* of %let */
    const char *why;             /* what was unknown or wrong first, NULL = nothing */
    const char *named;           /* of %named */
} oo__body_scope;

/* The value of the expression in text[0 .. size); UNKNOWN with scope->why set when something in it that counts is unknown. */
oo__body_value oo__body_evaluate(oo__body_scope *scope, const char *text, size_t size);
#endif
