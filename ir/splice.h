/* What copying graphs (ir/splice.c) and asking whether that is right (ir/splice_check.c) share. */
#ifndef IR_SPLICE_H
#define IR_SPLICE_H
#include "ir/rewriter.h"

/* What an attribute in a function's body is for this call: itself, or what the call or else the function's default gives the reference.
 * NULL when that is nothing. */
const oo_attr *oo__splice_attr(const oo_attr *attr, const oo_node *call, const oo_function *function);
/* Nodes of a graph and of the graphs inside: what a copy of it adds. */
int64_t oo__nodes_inside(const oo_graph *graph);
/* Formatted text in the rewriter's scratch memory. */
const char *oo__scratch_printf(oo_rewriter *rw, const char *format, ...) OO_PRINTF(2, 3);
#endif
