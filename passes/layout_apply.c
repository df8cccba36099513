/* Rewrites a graph so that its tensors are stored as a layout says. */
#include "ir/rewriter.h"
#include "passes/layout.h"

#include <string.h>

/* A tensor as it is in the new graph, in one of its orders. */
typedef struct stored {
    oo_perm order;
    oo_value *value;
    uint32_t tensor;
    uint32_t next; /* of the same tensor, + 1 */
} stored;

typedef struct applier {
    oo_layout *l;
    oo_rewriter *rw;
    uint32_t *group;                /* by seat: the seats that change together have one number; union-find */
    oo_vec(stored) all;
    uint32_t *first;                /* by tensor: in `all`, + 1 */
    oo_vec(oo_node *) old;          /* nodes that were built anew or stood for, in their order */
} applier;

static bool changes(const oo_seat *seat) {
    const oo_perm straight = oo__perm_identity(seat->rank);
    return !oo__perm_equal(&seat->now, &straight);
}

/* ---- which seats change together ---- */
static uint32_t group_of(const applier *a, uint32_t seat) {
    while (a->group[seat] != seat) {
        a->group[seat] = a->group[a->group[seat]];
        seat = a->group[seat];
    }
    return seat;
}

static void join(applier *a, uint32_t *with, uint32_t seat) {
    if (seat == OO_LAYOUT_FIXED || !changes(&a->l->seats.data[seat]))
        return;
    if (*with != OO_LAYOUT_FIXED)
        a->group[group_of(a, seat)] = group_of(a, *with);
    *with = seat;
}

static void find_groups(applier *a) {
    const oo_layout *const l = a->l;
    for (uint32_t i = 0; i < l->seats.n; i++)
        a->group[i] = i;
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        const oo_tensor_node *const t = &l->tensors.data[i];
        uint32_t with = OO_LAYOUT_FIXED;
        join(a, &with, t->seat);
        for (uint32_t k = t->first_want; k < t->first_want + t->nwants; k++)
            join(a, &with, l->wants.data[k].seat);
    }
}

/* ---- values ---- */
static oo_value *find_stored(const applier *a, uint32_t tensor, const oo_perm *order) {
    for (uint32_t i = a->first[tensor]; i; i = a->all.data[i - 1].next)
        if (oo__perm_equal(&a->all.data[i - 1].order, order))
            return a->all.data[i - 1].value;
    return NULL;
}

static void add_stored(applier *a, uint32_t tensor, const oo_perm *order, oo_value *value) {
    oo_vec_push(NULL, &a->all, (stored){*order, value, tensor, a->first[tensor]});
    a->first[tensor] = a->all.n;
}

/* A tensor is of one group only: what is known of it goes as a whole. */
static void forget_stored(applier *a, uint32_t from) {
    for (uint32_t i = from; i < a->all.n; i++)
        a->first[a->all.data[i].tensor] = 0;
    a->all.n = from;
}

static oo_value *transpose(applier *a, oo_node *before, oo_value *x, const oo_perm *perm) {
    int64_t axes[OO_LAYOUT_RANK];
    oo__perm_axes(axes, perm);
    const oo_value *const inputs[] = {x};
    oo_node *const node = oo_build(a->rw, before, "", "Transpose", inputs, 1, 1);
    oo_set_ints(a->rw, node, "perm", axes, perm->n);
    return oo_node_output(node, 0);
}

/* Whether its producer is built anew. */
static bool is_made_anew(const oo_layout *l, uint32_t tensor) {
    const oo_tensor_node *const t = &l->tensors.data[tensor];
    return t->seat != OO_LAYOUT_FIXED && !t->constant && changes(&l->seats.data[t->seat]);
}

/* The order in which the producer gives the tensor, and its value there. A constant is given as it is; another pass folds its Transpose. */
static oo_value *source_of(const applier *a, uint32_t tensor, oo_perm *order) {
    const oo_layout *const l = a->l;
    const oo_tensor_node *const t = &l->tensors.data[tensor];
    *order = oo__perm_identity(t->rank);
    if (!is_made_anew(l, tensor))
        return t->root;
    *order = oo__order_at_port(&l->ports.data[t->port], &l->seats.data[t->seat].now);
    return find_stored(a, tensor, order);
}

static oo_value *value_in_order(applier *a, oo_node *before, uint32_t tensor, const oo_perm *order) {
    oo_perm from;
    oo_value *const source = source_of(a, tensor, &from);
    if (oo__perm_equal(&from, order))
        return source;
    oo_value *value = find_stored(a, tensor, order);
    if (value)
        return value;
    const oo_perm back = oo__perm_inverse(&from), perm = oo__perm_then(&back, order);
    value = oo__permuted_constant(a->rw, a->l, source, &perm);
    value = value ? value : transpose(a, before, source, &perm);
    add_stored(a, tensor, order, value);
    return value;
}

/* A broadcast operand of lower rank, stored in its order: axes of size 1 are put where the frame has axes that it lacks. */
static oo_value *fill_gaps(applier *a, const oo_seat *seat, const oo_port *port, oo_value *value) {
    const oo_layout *const l = a->l;
    if (!oo__gaps_at_port(seat, port, &seat->now))
        return value;
    int64_t gaps[OO_LAYOUT_RANK];
    uint32_t n = 0, place = 0, seen = 0;
    for (uint32_t i = 0; i < seat->rank; i++) {
        const bool own = memchr(port->frame, seat->now.at[i], port->from_root.n) != NULL;
        if (!own && seen)
            gaps[n++] = place;
        place += own || seen;
        seen += own;
    }
    oo_value *const constant = oo__widened_constant(a->rw, l, value, gaps, n);
    if (constant)
        return constant;
    oo_node *node;
    if (oo_graph_opset(l->graph, "") < 13) {
        const oo_value *const inputs[] = {value};
        node = oo_build(a->rw, seat->node, "", "Unsqueeze", inputs, 1, 1);
        oo_set_ints(a->rw, node, "axes", gaps, n);
    } else {
        const int64_t length[] = {n};
        const oo_value *const inputs[] = {value, oo_build_const(a->rw, l->graph, oo_tensor_make(l->model, OO_INT64, 1, length, gaps), "axes")};
        node = oo_build(a->rw, seat->node, "", "Unsqueeze", inputs, 2, 1);
    }
    return oo_node_output(node, 0);
}

/* ---- nodes ---- */
static oo_node *build_seat(applier *a, const oo_seat *seat) {
    const oo_layout *const l = a->l;
    const uint32_t n = oo_node_ninputs(seat->node);
    const oo_value **const inputs = oo__malloc((n + 1) * sizeof *inputs);
    for (uint32_t i = 0; i < n; i++)
        inputs[i] = oo_node_input(seat->node, i);
    for (uint32_t p = seat->first_port; p < seat->first_port + seat->ninputs; p++) {
        const oo_port *const port = &l->ports.data[p];
        const oo_perm order = oo__order_at_port(port, &seat->now);
        inputs[port->slot] = fill_gaps(a, seat, port, value_in_order(a, seat->node, port->tensor, &order));
    }
    oo__inherit_from(a->rw, seat->node, true);
    oo_node *const node = oo_build(a->rw, seat->node, "", oo_node_op(seat->node), inputs, n, oo_node_noutputs(seat->node));
    free(inputs);
    oo_copy_attrs(a->rw, node, seat->node);
    return node;
}

static bool is_used(const oo_value *value) { return oo_value_nuses(value) || oo_value_is_pinned(value); }

/* Whether somebody who stays as he is wants the tensor as the model's value has it. */
static bool is_wanted_as_it_was(const oo_layout *l, uint32_t tensor, const oo_perm *order) {
    const oo_tensor_node *const t = &l->tensors.data[tensor];
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_want *const want = &l->wants.data[i];
        if (want->seat == OO_LAYOUT_FIXED ? oo__perm_equal(&want->fixed, order)
                                          : !changes(&l->seats.data[want->seat]) && oo__perm_equal(&l->ports.data[want->port].from_root, order))
            return true;
    }
    return false;
}

/* Who stays as he is gets the tensor in the order of the old value. */
static bool stand_in(applier *a, oo_node *at, oo_value *old, uint32_t tensor) {
    const oo_perm order = a->l->from_root[oo_value_id(old)];
    return !is_wanted_as_it_was(a->l, tensor, &order) || oo_replace(a->rw, old, value_in_order(a, at, tensor, &order));
}

static bool rewrite_seat(applier *a, const oo_seat *seat) {
    const oo_layout *const l = a->l;
    oo__inherit_from(a->rw, seat->node, false);
    oo_node *const node = build_seat(a, seat);
    oo_value *const first = seat->row->kind->adapt ? seat->row->kind->adapt(a->rw, l, seat, &seat->now, node) : NULL;
    oo_vec_push(NULL, &a->old, seat->node);
    if (!oo_infer(a->rw, node))
        return false;
    if (first)
        return oo_replace(a->rw, oo_node_output(seat->node, 0), first);
    for (uint32_t p = seat->first_port + seat->ninputs; p < seat->first_port + seat->ninputs + seat->noutputs; p++) {
        const oo_port *const port = &l->ports.data[p];
        const oo_perm order = oo__order_at_port(port, &seat->now);
        add_stored(a, port->tensor, &order, oo_node_output(node, port->slot));
        if (!stand_in(a, seat->node, oo_node_output(seat->node, port->slot), port->tensor))
            return false;
    }
    return true;
}

/* A Transpose of a tensor that is stored otherwise now, or whose result is there for others to use. */
static bool rewrite_transpose(applier *a, oo_node *node, uint32_t tensor) {
    const oo_layout *const l = a->l;
    oo_value *const y = oo_node_output(node, 0);
    const oo_perm order = l->from_root[oo_value_id(y)];
    oo_vec_push(NULL, &a->old, node);
    oo__inherit_from(a->rw, node, true);
    if (is_made_anew(l, tensor))
        return stand_in(a, node, y, tensor);
    if (!find_stored(a, tensor, &order))
        add_stored(a, tensor, &order, y);
    return true;
}

static bool rewrite_group(applier *a, oo_node *const *nodes, uint32_t n) {
    oo_layout *const l = a->l;
    for (uint32_t i = 0; i < n; i++) {
        oo_node *const node = nodes[i];
        const uint32_t seat = l->seat_of[oo_node_id(node)], tensor = oo__layout_transposed(l, node);
        if (tensor != OO_LAYOUT_FIXED ? !rewrite_transpose(a, node, tensor) : !rewrite_seat(a, &l->seats.data[seat - 1]))
            return false;
    }
    for (uint32_t i = a->old.n; i-- > 0;) {
        bool used = false;
        for (uint32_t k = 0; k < oo_node_noutputs(a->old.data[i]); k++)
            used |= oo_node_output(a->old.data[i], k) && is_used(oo_node_output(a->old.data[i], k));
        if (!used)
            oo_erase(a->rw, a->old.data[i]);
    }
    return true;
}

/* ---- groups, each as one rewrite ---- */
typedef struct member {
    oo_node *node;
    uint32_t group, place;
} member;

static int by_group(const void *x, const void *y) {
    const member *const a = x, *const b = y;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

/* The seats that change and the Transposes of their tensors, by groups, in the order of the graph. */
static uint32_t collect(applier *a, member *out) {
    const oo_layout *const l = a->l;
    uint32_t n = 0, place = 0;
    oo_for_each_node(node, l->graph) {
        const uint32_t seat = l->seat_of[oo_node_id(node)], tensor = oo__layout_transposed(l, node);
        place++;
        if (seat && changes(&l->seats.data[seat - 1]))
            out[n++] = (member){node, group_of(a, seat - 1), place};
        if (tensor == OO_LAYOUT_FIXED)
            continue;
        const oo_tensor_node *const t = &l->tensors.data[tensor];
        uint32_t group = t->seat;
        for (uint32_t i = t->first_want; i < t->first_want + t->nwants && (group == OO_LAYOUT_FIXED || !changes(&l->seats.data[group])); i++)
            group = l->wants.data[i].seat;
        if (group != OO_LAYOUT_FIXED && changes(&l->seats.data[group]))
            out[n++] = (member){node, group_of(a, group), place};
    }
    qsort(out, n, sizeof *out, by_group);
    return n;
}

static bool apply_groups(applier *a, const char *rule, const member *members, uint32_t n, oo_node **nodes) {
    for (uint32_t from = 0, to; from < n; from = to) {
        const oo_node *root = NULL;
        for (to = from; to < n && members[to].group == members[from].group; to++) {
            nodes[to - from] = members[to].node;
            root = root ? root : members[to].node;
        }
        if (!oo_begin(a->rw, rule, root))
            return false;
        const uint32_t known = a->all.n;
        a->old.n = 0;
        oo_arena *const arena = oo__rewriter_tells_passed(a->rw) ? oo__arena_new() : NULL;
        if (arena)
            oo_remark(a->rw, root, "%s", oo__layout_tell_region(arena, a->l, nodes, to - from));
        oo__arena_free(arena);
        if (!rewrite_group(a, nodes, to - from)) {
            oo_abandon(a->rw);
            forget_stored(a, known);
            oo_miss(a->rw, rule, root, "a node refuses its operands in another order");
            continue;
        }
        oo_end(a->rw);
        oo_count(a->rw, "regions stored otherwise", 1);
    }
    return true;
}

bool oo__layout_apply(oo_layout *l, oo_rewriter *rw, const char *rule) {
    applier a = {.l = l, .rw = rw};
    const uint32_t most = oo_graph_nnodes(l->graph);
    a.group = oo__malloc((l->seats.n + 1) * sizeof *a.group);
    a.first = oo__malloc((l->tensors.n + 1) * sizeof *a.first);
    memset(a.first, 0, (l->tensors.n + 1) * sizeof *a.first);
    member *const members = oo__malloc((most + 1) * sizeof *members);
    oo_node **const nodes = oo__malloc((most + 1) * sizeof *nodes);
    find_groups(&a);
    const bool fuel = apply_groups(&a, rule, members, collect(&a, members), nodes);
    oo_vec_free(&a.all);
    oo_vec_free(&a.old);
    free(a.group);
    free(a.first);
    free(members);
    free(nodes);
    return fuel;
}

/* False when fuel ran out. *has: the graph has Transposes, and the layout is that of the graph as it is now. */
static bool read_and_tidy(oo_layout *l, oo_rewriter *rw, const char *rule, oo_graph *graph, bool *has) {
    const uint32_t before = oo__rewriter_rewrites(rw);
    *has = oo__layout_read(l, graph);
    if (*has && !oo__layout_tidy(l, rw, rule))
        return false;
    if (oo__rewriter_rewrites(rw) != before)
        *has = oo__layout_read(l, graph);
    return true;
}

/* A new graph may show a way that the old one hid: the same choice looks otherwise from there. */
bool oo__layout_improve(oo_layout *l, oo_rewriter *rw, const char *rule, oo_graph *graph) {
    enum { MAX_ROUNDS = 4 };
    bool has;
    for (uint32_t round = 0; round < MAX_ROUNDS; round++) {
        if (!read_and_tidy(l, rw, rule, graph, &has))
            return false;
        if (!has || !oo__layout_solve(l))
            return true;
        if (!oo__layout_apply(l, rw, rule))
            return false;
    }
    return read_and_tidy(l, rw, rule, graph, &has);
}
