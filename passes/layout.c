/* What the tensors of a graph are, and which nodes have a choice of how they are stored. */
#include "passes/layout.h"

#include "ir/expr.h"
#include "passes/permutation.h"

#include <string.h>

/* ---- permutations ---- */
oo_perm oo__perm_identity(uint32_t n) {
    oo_perm p = {.n = (uint8_t)n};
    for (uint32_t i = 0; i < n; i++)
        p.at[i] = (uint8_t)i;
    return p;
}

bool oo__perm_equal(const oo_perm *a, const oo_perm *b) { return memcmp(a, b, sizeof *a) == 0; }

oo_perm oo__perm_then(const oo_perm *p, const oo_perm *q) {
    oo_perm out = {.n = p->n};
    for (uint32_t i = 0; i < p->n; i++)
        out.at[i] = p->at[q->at[i]];
    return out;
}

oo_perm oo__perm_inverse(const oo_perm *p) {
    oo_perm out = {.n = p->n};
    for (uint32_t i = 0; i < p->n; i++)
        out.at[p->at[i]] = (uint8_t)i;
    return out;
}

void oo__perm_axes(int64_t *axes, const oo_perm *p) {
    for (uint32_t i = 0; i < p->n; i++)
        axes[i] = p->at[i];
}

uint32_t oo__perm_place(const oo_perm *p, uint32_t axis) {
    uint32_t place = 0;
    while (place < p->n && p->at[place] != axis)
        place++;
    return place;
}

/* ---- orders at ports ---- */
oo_perm oo__order_at_port(const oo_port *port, const oo_perm *frame) {
    oo_perm order = {.n = port->from_root.n};
    uint32_t n = 0;
    for (uint32_t i = 0; i < frame->n; i++)
        for (uint32_t a = 0; a < order.n; a++)
            if (port->frame[a] == frame->at[i])
                order.at[n++] = (uint8_t)a;
    return oo__perm_then(&port->from_root, &order);
}

oo_perm oo__order_of_frame(const oo_port *port, const oo_perm *base, const oo_perm *at_port) {
    const oo_perm back = oo__perm_inverse(&port->from_root), order = oo__perm_then(&back, at_port);
    oo_perm out = *base;
    uint32_t n = 0;
    for (uint32_t i = 0; i < base->n; i++)
        if (memchr(port->frame, base->at[i], order.n))
            out.at[i] = port->frame[order.at[n++]];
    return out;
}

bool oo__order_is_view(const oo_tensor_node *t, const oo_perm *from, const oo_perm *to) {
    uint32_t a = 0, b = 0;
    for (;;) {
        while (a < from->n && t->unit >> from->at[a] & 1)
            a++;
        while (b < to->n && t->unit >> to->at[b] & 1)
            b++;
        if (a == from->n || b == to->n)
            return a == from->n && b == to->n;
        if (from->at[a++] != to->at[b++])
            return false;
    }
}

uint32_t oo__gaps_at_port(const oo_seat *seat, const oo_port *port, const oo_perm *frame) {
    if (!seat->row->kind->broadcasts)
        return 0;
    uint32_t gaps = 0, seen = 0;
    for (uint32_t i = 0; i < frame->n; i++) {
        const bool own = memchr(port->frame, frame->at[i], port->from_root.n) != NULL;
        seen += own;
        gaps += !own && seen;
    }
    return gaps;
}

/* ---- tensors ---- */
static bool some_size(void *state, const char *name, int64_t *out) {
    (void)state, (void)name;
    *out = OO_SOME_SIZE;
    return true;
}

static int64_t likely_size(const oo_type *type, uint32_t axis) {
    int64_t size = oo_type_dim(type, axis);
    if (size >= 0)
        return size;
    const oo_expr *const expr = type->dims[axis].expr;
    return expr && oo__expr_evaluate(expr, some_size, NULL, &size) && size >= 0 ? size : OO_SOME_SIZE;
}

double oo__likely_bytes(const oo_type *type) {
    const uint32_t bits = oo__elem_bits((int32_t)oo_type_elem(type));
    double bytes = bits ? bits / 8.0 : 16;
    for (uint32_t i = 0; i < (uint32_t)oo_type_rank(type); i++)
        bytes *= (double)likely_size(type, i);
    return bytes;
}

/* The rank of a value that may be stored in another order, -1 when it may not. */
static int32_t rank_of(const oo_value *value) {
    const oo_type *const type = oo_value_type(value);
    const int32_t rank = oo_type_kind(type) == OO_TYPE_TENSOR ? oo_type_rank(type) : -1;
    return rank <= OO_LAYOUT_RANK ? rank : -1;
}

static uint32_t add_tensor(oo_layout *l, oo_value *value, uint32_t rank) {
    const oo_type *const type = oo_value_type(value);
    oo_tensor_node t = {.root = value, .rank = rank, .seat = OO_LAYOUT_FIXED, .bytes = oo__likely_bytes(type), .now = oo__perm_identity(rank)};
    for (uint32_t i = 0; i < rank; i++)
        t.unit |= oo_type_dim(type, i) == 1 ? 1u << i : 0;
    t.constant = oo_value_const(value) && !oo_value_is_pinned(value) && oo_value_graph(value) == l->graph;
    oo_vec_push(NULL, &l->tensors, t);
    l->tensor_of[oo_value_id(value)] = l->tensors.n;
    l->from_root[oo_value_id(value)] = oo__perm_identity(rank);
    return l->tensors.n - 1;
}

/* The tensor that the value belongs to; OO_LAYOUT_FIXED when its rank is not known. */
static uint32_t tensor_of(oo_layout *l, oo_value *value) {
    const uint32_t known = l->tensor_of[oo_value_id(value)];
    if (known)
        return known - 1;
    const int32_t rank = rank_of(value);
    return rank < 0 ? OO_LAYOUT_FIXED : add_tensor(l, value, (uint32_t)rank);
}

static bool permutation(oo_perm *out, const oo_node *node, uint32_t rank) {
    int64_t perm[OO_PERMUTATION_MOST];
    if (!oo__permutation_of(perm, node, rank))
        return false;
    *out = (oo_perm){.n = (uint8_t)rank};
    for (uint32_t i = 0; i < rank; i++)
        out->at[i] = (uint8_t)perm[i];
    return true;
}

/* A Transpose makes its result another view of the operand's tensor. */
static bool take_transpose(oo_layout *l, const oo_node *node) {
    oo_value *const x = oo_node_input(node, 0), *const y = oo_node_output(node, 0);
    const uint32_t tensor = x && y ? tensor_of(l, x) : OO_LAYOUT_FIXED;
    oo_perm perm;
    if (tensor == OO_LAYOUT_FIXED || oo_value_is_annotated(y) || !permutation(&perm, node, l->tensors.data[tensor].rank))
        return false;
    l->tensor_of[oo_value_id(y)] = tensor + 1;
    l->from_root[oo_value_id(y)] = oo__perm_then(&l->from_root[oo_value_id(x)], &perm);
    return true;
}

/* ---- seats ---- */
void oo__seat_rank(oo_seat *seat, uint32_t rank) {
    seat->rank = rank;
    seat->now = oo__perm_identity(rank);
}

static bool add_port(oo_layout *l, oo_value *value, uint32_t slot, const uint8_t *frame, uint32_t rank) {
    const uint32_t tensor = tensor_of(l, value);
    if (tensor == OO_LAYOUT_FIXED || l->from_root[oo_value_id(value)].n != rank)
        return false;
    oo_port port = {.tensor = tensor, .slot = slot, .from_root = l->from_root[oo_value_id(value)]};
    memset(port.frame, OO_LAYOUT_NONE, sizeof port.frame);
    if (rank)
        memcpy(port.frame, frame, rank);
    oo_vec_push(NULL, &l->ports, port);
    return true;
}

static bool is_one_element(const oo_tensor_node *t) { return t->unit == (1u << t->rank) - 1; }

bool oo__seat_input(oo_layout *l, oo_seat *seat, uint32_t slot, const uint8_t *frame, uint32_t rank) {
    oo_value *const value = oo_node_input(seat->node, slot);
    if (!value)
        return true;
    const uint32_t tensor = tensor_of(l, value);
    if (tensor == OO_LAYOUT_FIXED)
        return false;
    if (rank == 0 || (seat->row->kind->broadcasts && is_one_element(&l->tensors.data[tensor])))
        return l->from_root[oo_value_id(value)].n == rank;
    seat->ninputs++;
    return add_port(l, value, slot, frame, rank);
}

bool oo__seat_output(oo_layout *l, oo_seat *seat, uint32_t slot, const uint8_t *frame, uint32_t rank) {
    oo_value *const value = oo_node_output(seat->node, slot);
    if (!value)
        return true;
    /* What a file says of its outputs, and what hides it, stays where it is. */
    if (oo_value_is_annotated(value))
        return false;
    seat->noutputs++;
    return add_port(l, value, slot, frame, rank);
}

static void add_seat(oo_layout *l, oo_node *node) {
    const oo_layout_row *const row = oo__layout_row(node);
    if (!row || (l->exact && !row->exact))
        return;
    oo_seat seat = {.node = node, .row = row, .first_port = l->ports.n};
    if (!row->kind->declare(l, &seat) || seat.rank > OO_LAYOUT_RANK || seat.ninputs == 0) {
        l->ports.n = seat.first_port;
        return;
    }
    for (uint32_t i = 0; i < seat.noutputs; i++) {
        const uint32_t port = seat.first_port + seat.ninputs + i;
        oo_tensor_node *const t = &l->tensors.data[l->ports.data[port].tensor];
        t->seat = l->seats.n;
        t->port = port;
    }
    oo_vec_push(NULL, &l->seats, seat);
    l->seat_of[oo_node_id(node)] = l->seats.n;
}

/* ---- wants ---- */
typedef struct tensor_want {
    uint32_t tensor;
    oo_want want;
} tensor_want;
typedef oo_vec(tensor_want) want_list;

static const oo_port *port_at(const oo_layout *l, const oo_seat *seat, uint32_t slot, uint32_t *index) {
    for (*index = seat->first_port; *index < seat->first_port + seat->ninputs; ++*index)
        if (l->ports.data[*index].slot == slot)
            return &l->ports.data[*index];
    return NULL;
}

uint32_t oo__layout_transposed(const oo_layout *l, const oo_node *node) {
    const oo_value *const y = oo_node_is(node, "Transpose") ? oo_node_output(node, 0) : NULL;
    const uint32_t tensor = y && oo_value_id(y) < l->values ? l->tensor_of[oo_value_id(y)] : 0;
    return tensor && l->tensors.data[tensor - 1].root != y ? tensor - 1 : OO_LAYOUT_FIXED;
}

static void add_wants_of(oo_layout *l, want_list *out, oo_value *value) {
    const uint32_t tensor = l->tensor_of[oo_value_id(value)] - 1;
    const tensor_want fixed = {tensor, {.seat = OO_LAYOUT_FIXED, .fixed = l->from_root[oo_value_id(value)]}};
    if (oo_value_is_pinned(value))
        oo_vec_push(NULL, out, fixed);
    for (const oo_use *use = oo_value_first_use(value); use; use = oo_use_next(use)) {
        const oo_node *const user = oo_use_node(use);
        if (oo_node_graph(user) == l->graph && oo__layout_transposed(l, user) == tensor)
            continue;
        const uint32_t seat = oo_node_graph(user) == l->graph ? l->seat_of[oo_node_id(user)] : 0;
        uint32_t port = 0;
        if (seat && port_at(l, &l->seats.data[seat - 1], oo_use_index(use), &port))
            oo_vec_push(NULL, out, (tensor_want){tensor, {.seat = seat - 1, .port = port}});
        else
            oo_vec_push(NULL, out, fixed);
    }
}

static void group_wants(oo_layout *l, const want_list *list) {
    for (uint32_t i = 0; i < list->n; i++)
        l->tensors.data[list->data[i].tensor].nwants++;
    uint32_t at = 0;
    for (uint32_t t = 0; t < l->tensors.n; t++) {
        l->tensors.data[t].first_want = at;
        at += l->tensors.data[t].nwants;
        l->tensors.data[t].nwants = 0;
    }
    oo_vec_reserve(NULL, &l->wants, list->n);
    l->wants.n = list->n;
    for (uint32_t i = 0; i < list->n; i++) {
        oo_tensor_node *const t = &l->tensors.data[list->data[i].tensor];
        l->wants.data[t->first_want + t->nwants++] = list->data[i].want;
    }
}

static void collect_wants(oo_layout *l) {
    want_list list = {0};
    for (uint32_t i = 0; i < l->tensors.n; i++)
        add_wants_of(l, &list, l->tensors.data[i].root);
    oo_for_each_node(node, l->graph)
        if (oo__layout_transposed(l, node) != OO_LAYOUT_FIXED)
            add_wants_of(l, &list, oo_node_output(node, 0));
    group_wants(l, &list);
    oo_vec_free(&list);
}

static bool has_transpose(const oo_graph *graph) {
    oo_for_each_node(node, (oo_graph *)(uintptr_t)graph)
        if (oo_node_is(node, "Transpose"))
            return true;
    return false;
}

/* Forgets what was read of the graph before. */
static void forget(oo_layout *l) {
    l->seats.n = l->ports.n = l->tensors.n = l->wants.n = 0;
    memset(l->seat_of, 0, l->nodes * sizeof *l->seat_of);
    memset(l->tensor_of, 0, l->values * sizeof *l->tensor_of);
}

static void make_room(oo_layout *l) {
    const uint32_t nodes = oo_model_node_ids(l->model), values = oo_model_value_ids(l->model);
    if (nodes <= l->nodes && values <= l->values) {
        forget(l);
        return;
    }
    l->seat_of = oo__realloc(l->seat_of, nodes * sizeof *l->seat_of);
    l->tensor_of = oo__realloc(l->tensor_of, values * sizeof *l->tensor_of);
    l->from_root = oo__realloc(l->from_root, values * sizeof *l->from_root);
    l->nodes = nodes;
    l->values = values;
    forget(l);
}

bool oo__layout_read(oo_layout *l, oo_graph *graph) {
    if (!has_transpose(graph))
        return false;
    l->graph = graph;
    make_room(l);
    oo_for_each_node(node, graph) {
        const bool hidden = l->veils && oo_node_id(node) < l->nveils && l->veils[oo_node_id(node)];
        if (hidden || oo_model_callee(l->model, node) || oo_node_is_random(node))
            continue;
        if (!oo_node_is(node, "Transpose") || !take_transpose(l, node))
            add_seat(l, node);
    }
    collect_wants(l);
    return true;
}

void oo__layout_free(oo_layout *l) {
    oo_vec_free(&l->seats);
    oo_vec_free(&l->ports);
    oo_vec_free(&l->tensors);
    oo_vec_free(&l->wants);
    free(l->seat_of);
    free(l->tensor_of);
    free(l->from_root);
}
