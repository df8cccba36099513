/* Tells what a layout changes, and what keeps a Transpose where it is. */
#include "ir/rewriter.h"
#include "passes/layout.h"

#include <string.h>

enum {
    MAX_NAMED = 6,
    MAX_WALK = 256
}; /* operators of a region that are named; seats that are looked at for what blocks */

static const char *node_text(oo_arena *arena, const oo_node *node) {
    return *oo_node_name(node) ? oo__arena_printf(arena, "%s \"%s\"", oo_node_op(node), oo_node_name(node))
                               : oo_node_op(node);
}

/* ---- what moved ---- */
static const char *order_text(oo_arena *arena, const oo_perm *order) {
    const char *text = "[";
    for (uint32_t i = 0; i < order->n; i++)
        text = oo__arena_printf(arena, "%s%s%u", text, i ? ", " : "", order->at[i]);
    return oo__arena_printf(arena, "%s]", text);
}

const char *oo__layout_tell_region(oo_arena *arena, const oo_layout *l, oo_node *const *nodes, uint32_t n) {
    const oo_perm *last = NULL;
    const char *text = "";
    uint32_t seats = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t index = l->seat_of[oo_node_id(nodes[i])];
        if (!index || seats++ >= MAX_NAMED)
            continue;
        const oo_perm *const order = &l->seats.data[index - 1].now;
        if (last && oo__perm_equal(last, order))
            text = oo__arena_printf(arena, "%s, %s", text, node_text(arena, nodes[i]));
        else
            text = oo__arena_printf(arena, "%s%sin order %s: %s", text, last ? "; " : "", order_text(arena, order),
                                    node_text(arena, nodes[i]));
        last = order;
    }
    return seats > MAX_NAMED ? oo__arena_printf(arena, "%s and %u more", text, seats - MAX_NAMED) : text;
}

/* ---- what blocks ---- */
typedef struct walk {
    const oo_layout *l;
    oo_arena *arena;
    oo_vec(uint32_t) seats;
    oo_vec(uint32_t) seen; /* tensors */
} walk;

static bool is_among(const uint32_t *items, uint32_t n, uint32_t item) {
    for (uint32_t i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

static void visit_seat(walk *w, uint32_t seat) {
    if (w->seats.n < MAX_WALK && !is_among(w->seats.data, w->seats.n, seat))
        oo_vec_push(NULL, &w->seats, seat);
}

/* A graph output or a user without a choice among those of the value and its Transposes; NULL when all have one, and these are visited. */
static const char *fixed_user(walk *w, const oo_value *value) {
    const oo_layout *const l = w->l;
    if (oo_value_is_output(value))
        return oo__arena_printf(w->arena, "output \"%s\"", oo_value_name(value));
    for (const oo_use *use = oo_value_first_use(value); use; use = oo_use_next(use)) {
        const oo_node *const user = oo_use_node(use);
        if (oo_node_graph(user) != l->graph)
            return oo__arena_printf(w->arena, "%s in a subgraph", node_text(w->arena, user));
        if (oo__layout_transposed(l, user) != OO_LAYOUT_FIXED) {
            const char *const found = fixed_user(w, oo_node_output(user, 0));
            if (found)
                return found;
            continue;
        }
        if (!l->seat_of[oo_node_id(user)])
            return node_text(w->arena, user);
        visit_seat(w, l->seat_of[oo_node_id(user)] - 1);
    }
    return NULL;
}

static const char *fixed_producer(walk *w, const oo_value *root) {
    const oo_node *const producer = oo_value_producer(root);
    if (!producer)
        return oo_value_const(root) ? NULL : oo__arena_printf(w->arena, "input \"%s\"", oo_value_name(root));
    const uint32_t seat = oo_node_graph(producer) == w->l->graph ? w->l->seat_of[oo_node_id(producer)] : 0;
    if (!seat)
        return node_text(w->arena, producer);
    visit_seat(w, seat - 1);
    return NULL;
}

/* The nearest fixed end of the tensor or of what is reached through operators with a choice from there. */
static const char *nearest(walk *w, const char *found) {
    const oo_layout *const l = w->l;
    for (uint32_t i = 0; !found && i < w->seats.n; i++) {
        const oo_seat *const seat = &l->seats.data[w->seats.data[i]];
        for (uint32_t p = seat->first_port; !found && p < seat->first_port + seat->ninputs + seat->noutputs; p++) {
            const oo_tensor_node *const t = &l->tensors.data[l->ports.data[p].tensor];
            if (is_among(w->seen.data, w->seen.n, l->ports.data[p].tensor))
                continue;
            oo_vec_push(NULL, &w->seen, l->ports.data[p].tensor);
            found = fixed_producer(w, t->root);
            found = found ? found : fixed_user(w, t->root);
        }
    }
    return found;
}

/* What stands at one side of the Transpose, and the fixed end that lies behind it. */
static const char *side(walk *w, uint32_t tensor, const char *direct) {
    if (direct)
        return oo__arena_printf(w->arena, "%s, whose order is fixed", direct);
    const char *const first = w->seats.n ? node_text(w->arena, w->l->seats.data[w->seats.data[0]].node) : "nothing";
    oo_vec_push(NULL, &w->seen, tensor);
    const char *const behind = nearest(w, NULL);
    return behind ? oo__arena_printf(w->arena, "%s, held by %s", first, behind) : first;
}

static void tell_transpose(oo_rewriter *rw, const oo_layout *l, const char *rule, const oo_node *node, uint32_t tensor) {
    const oo_value *const y = oo_node_output(node, 0);
    const oo_tensor_node *const t = &l->tensors.data[tensor];
    const oo_perm straight = oo__perm_identity(t->rank);
    if (t->constant || oo__order_is_view(t, &straight, &l->from_root[oo_value_id(y)]))
        return;
    oo_arena *const arena = oo__arena_new();
    walk from = {.l = l, .arena = arena}, to = from;
    const char *const giver = side(&from, tensor, fixed_producer(&from, t->root));
    const char *const taker = side(&to, tensor, fixed_user(&to, y));
    oo_miss(rw, rule, node, "another order moves no less: between %s, and %s", giver, taker);
    oo_vec_free(&from.seats);
    oo_vec_free(&from.seen);
    oo_vec_free(&to.seats);
    oo_vec_free(&to.seen);
    oo__arena_free(arena);
}

void oo__layout_tell_rest(oo_layout *l, oo_rewriter *rw, const char *rule, oo_graph *graph) {
    if (!oo__rewriter_tells_missed(rw) || !oo__layout_read(l, graph))
        return;
    oo_for_each_node(node, graph) {
        const uint32_t tensor = oo__layout_transposed(l, node);
        if (tensor != OO_LAYOUT_FIXED)
            tell_transpose(rw, l, rule, node, tensor);
    }
}
