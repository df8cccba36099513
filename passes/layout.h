/* Layouts: in which order the axes of tensors are stored, as a choice that is made for a whole graph.
 *
 * A value keeps its meaning; what is chosen is the permutation in which it is stored. Transposes are no operators here: a tensor is a value
 * together with all its transposes, its producer stores it in one order and each consumer wants one. Operators that work in any order of their
 * axes (passes/layout.def) have a choice, all others read and write what the model says. Where the orders of the two ends differ, data moves. */
#ifndef PASSES_LAYOUT_H
#define PASSES_LAYOUT_H
#include "ir/ir.h"

enum { OO_LAYOUT_RANK = 8, OO_LAYOUT_NONE = 0xFF };
enum { OO_SOME_SIZE = 16 }; /* of a dimension whose size is not known: only for comparing costs */
/* Of a tensor of known rank; strings count as 16 bytes each. */
double oo__likely_bytes(const oo_type *type);

/* A permutation as Transpose has it: axis i of the result is axis at[i] of the operand. Entries behind n are 0. */
typedef struct oo_perm {
    uint8_t n, at[OO_LAYOUT_RANK];
} oo_perm;

oo_perm oo__perm_identity(uint32_t n);
bool oo__perm_equal(const oo_perm *a, const oo_perm *b);
/* First p, then q: what Transpose by q of Transpose by p does. */
oo_perm oo__perm_then(const oo_perm *p, const oo_perm *q);
oo_perm oo__perm_inverse(const oo_perm *p);
/* As the attribute perm has it. */
void oo__perm_axes(int64_t *axes, const oo_perm *p);
/* Where axis `axis` of the operand is in the result. */
uint32_t oo__perm_place(const oo_perm *p, uint32_t axis);

/* An end of a tensor at a node that has a choice. The node's frame is the list of all axes that it knows; a port's axes are some of them. */
typedef struct oo_port {
    uint32_t tensor, slot;          /* index of the node's input or output */
    oo_perm from_root;              /* the value there is the tensor's root transposed by this */
    uint8_t frame[OO_LAYOUT_RANK];  /* of each axis of the value: which of the frame's it is */
} oo_port;

typedef struct oo_layout oo_layout;
typedef struct oo_seat oo_seat;

/* How a kind of operator works in another order of its axes. */
typedef struct oo_layout_kind {
    /* Declares the frame and the ports of the seat's node by oo__seat_rank, oo__seat_input and oo__seat_output. False: no choice here. */
    bool (*declare)(oo_layout *l, oo_seat *seat);
    /* Whether the frame may be ordered like this; NULL: in any way. */
    bool (*allows)(const oo_layout *l, const oo_seat *seat, const oo_perm *order);
    /* The node was built anew over operands in this order: mends its attributes and other inputs. NULL: nothing to do. Returns what stands for the
     * first output where that has no port, else what it likes. */
    oo_value *(*adapt)(oo_rewriter *rw, const oo_layout *l, const oo_seat *seat, const oo_perm *order, oo_node *node);
    bool broadcasts; /* axes of inputs of lower rank are the last ones of the frame, and must be so again */
} oo_layout_kind;

/* A row of layout.def. */
typedef struct oo_layout_row {
    const char *op;
    int64_t since;            /* the first version of the operator that this is said of */
    const oo_layout_kind *kind;
    uint32_t tensors;         /* inputs that have the frame's axes: the first so many, 0 = all */
    const char *attr;         /* the attribute that names the axis or axes, NULL = none */
    int32_t input;            /* the input that names them, -1 = none */
    int64_t absent;           /* the axis when it is not named */
    bool exact;               /* the result has the same bits in each order */
} oo_layout_row;

/* A node that has a choice. */
struct oo_seat {
    oo_node *node;
    const oo_layout_row *row;
    uint32_t rank;                       /* of the frame */
    uint32_t first_port, ninputs, noutputs; /* its ports: inputs, then outputs */
    oo_perm now;                         /* the order chosen so far */
    oo_perm choice[2];                   /* between which the next move decides */
    bool moves;                          /* takes part in the next move */
};

/* A consumer of a tensor. */
typedef struct oo_want {
    uint32_t seat, port;    /* port: index in l->ports. OO_LAYOUT_FIXED: a consumer without a choice, or a graph output */
    oo_perm fixed;          /* then the order that it wants, of the root's axes */
} oo_want;
static const uint32_t OO_LAYOUT_FIXED = UINT32_MAX; /* clang takes enumerators up to INT_MAX */

typedef struct oo_tensor_node {
    oo_value *root;
    uint32_t rank;
    uint32_t seat, port;    /* of the producer; OO_LAYOUT_FIXED: it has no choice */
    bool constant;          /* may be stored in any order, at no cost while it is one only */
    oo_perm now;            /* constant: the order chosen so far */
    oo_perm choice[2];
    bool moves;
    double bytes;           /* as far as sizes are known; symbols count as some size */
    uint32_t unit;          /* bit i: axis i has size 1 for certain */
    uint32_t first_want, nwants;
} oo_tensor_node;

struct oo_layout {
    oo_model *model;
    oo_graph *graph;
    bool exact;             /* only what gives the same bits */
    oo_vec(oo_seat) seats;
    oo_vec(oo_port) ports;
    oo_vec(oo_tensor_node) tensors;
    oo_vec(oo_want) wants;          /* grouped by tensor once the layout is made */
    uint32_t *seat_of;      /* by node id: seat + 1 */
    uint32_t *tensor_of;    /* by value id: tensor + 1 */
    oo_perm *from_root;     /* by value id */
    uint32_t nodes, values; /* room of these */
    const uint8_t *veils;   /* passes/veil.h, by node id below nveils; NULL = none */
    uint32_t nveils;
};

/* Reads what the tensors of the graph are and who has a choice. `l` is zeros but for model, exact and veils, or was used for another graph
 * of the model. False, and nothing is read, when the graph has no Transpose. */
bool oo__layout_read(oo_layout *l, oo_graph *graph);
/* The tensor whose root the node transposes; OO_LAYOUT_FIXED when it is no Transpose, or one that the layout takes for an operator. */
uint32_t oo__layout_transposed(const oo_layout *l, const oo_node *node);
void oo__layout_free(oo_layout *l);

/* ---- for the kinds (passes/layout_kinds.c) ---- */
void oo__seat_rank(oo_seat *seat, uint32_t rank);
/* Input `slot` has these axes of the frame, one for each of its own; nothing is declared for a scalar. False when its rank is not `rank`. */
bool oo__seat_input(oo_layout *l, oo_seat *seat, uint32_t slot, const uint8_t *frame, uint32_t rank);
bool oo__seat_output(oo_layout *l, oo_seat *seat, uint32_t slot, const uint8_t *frame, uint32_t rank);
const oo_layout_row *oo__layout_row(const oo_node *node);

/* ---- orders at ports ---- */
/* The order in which the tensor is stored or wanted at a port of a seat whose frame is ordered so: of the root's axes. */
oo_perm oo__order_at_port(const oo_port *port, const oo_perm *frame);
/* The order of the frame that has this order of the root at the port; axes that the port does not have stay where `base` has them. */
oo_perm oo__order_of_frame(const oo_port *port, const oo_perm *base, const oo_perm *at_port);
/* Whether from one order to another only axes of size 1 move. */
bool oo__order_is_view(const oo_tensor_node *t, const oo_perm *from, const oo_perm *to);
/* Axes of size 1 that must be put between a broadcast operand's own, when it is stored in this order: how many. */
uint32_t oo__gaps_at_port(const oo_seat *seat, const oo_port *port, const oo_perm *frame);

/* ---- choosing (passes/layout_solve.c) ---- */
typedef struct oo_layout_cost {
    double bytes;           /* moved by transposes */
    uint32_t transposes;    /* that move data */
    uint32_t views;         /* Reshapes and Unsqueezes that move nothing */
} oo_layout_cost;
oo_layout_cost oo__layout_cost(const oo_layout *l);
/* Chooses orders for all seats and constants, never worse than they are. How many moves were made. */
uint32_t oo__layout_solve(oo_layout *l);

/* ---- before (passes/layout_tidy.c) ---- */
/* Merges Transposes of Transposes, and takes out those that give what is there already. The layout must be read again. False when fuel ran out. */
bool oo__layout_tidy(oo_layout *l, oo_rewriter *rw, const char *rule);

/* ---- doing it (passes/layout_apply.c) ---- */
/* In an open rewrite: a small constant with axes of size 1 put in at these places, in order; or transposed. NULL when it is none. */
oo_value *oo__widened_constant(oo_rewriter *rw, const oo_layout *l, const oo_value *value, const int64_t *gaps, uint32_t n);
oo_value *oo__permuted_constant(oo_rewriter *rw, const oo_layout *l, const oo_value *value, const oo_perm *perm);
/* False when fuel ran out. */
bool oo__layout_apply(oo_layout *l, oo_rewriter *rw, const char *rule);
/* All of this for one graph. */
bool oo__layout_improve(oo_layout *l, oo_rewriter *rw, const char *rule, oo_graph *graph);

/* ---- telling (passes/layout_remarks.c) ---- */
/* Which of the nodes take another order. */
const char *oo__layout_tell_region(oo_arena *arena, const oo_layout *l, oo_node *const *nodes, uint32_t n);
/* With --remarks=missed: of each Transpose that still moves data, what is at its ends. Reads the graph anew. */
void oo__layout_tell_rest(oo_layout *l, oo_rewriter *rw, const char *rule, oo_graph *graph);

/* ---- for statistics (passes/moved_bytes.c) ---- */
/* What all Transposes of the model move, as far as types are known; those that move nothing count as views. */
oo_layout_cost oo__moved_bytes(const oo_model *model);
#endif
