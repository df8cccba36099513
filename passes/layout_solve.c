/* Chooses in which order tensors are stored.
 *
 * From a place where data moves, the order of one end is carried over to the region around the other end: each seat of the region then has two
 * orders to choose from. Which seats take which is a minimum cut, exact where no tensor of the region is asked for a third order, else a guess;
 * it is taken when the sum over all tensors is less than before. Where the fewest bytes would need more nodes than there were, nodes get dearer
 * until they do not; what no price reaches is searched for among all choices of a small region. This is repeated until no place gives anything.
 * With two orders in all, as in models that mix NCHW and NHWC, one cut is the best there is. (Moves between two labels by a cut: Boykov, Veksler,
 * Zabih, 2001.) */
#include "passes/layout.h"
#include "passes/min_cut.h"

#include <string.h>

enum { MAX_ROUNDS = 8, MAX_ORDERS = 64, MAX_TOUCHED = 4 }; /* MAX_TOUCHED: pairs of orders that a move carries over from one tensor */
enum { MAX_WORK = 4, FREE_WORK = 60000 };                  /* times that everything may be looked at, and what may be in any case */

/* What a cut minimizes. */
typedef struct weights {
    double byte, transpose, view, change;
} weights;
static const weights BY_BYTES = {1, 1.0 / 16, 1.0 / 32, 1.0 / 65536};
static const weights BY_COUNT = {1.0 / 65536, 1 << 20, 1 << 18, 1.0 / 65536};
enum {
    MAX_PRICES = 6,
    MAX_TRIED = 12
}; /* weights that are tried in a move; seats of a region of which all choices are tried */

/* The orders in which a tensor is wanted, each once. More than MAX_ORDERS are not told apart from the last. */
typedef struct orders {
    uint32_t n;
    oo_perm at[MAX_ORDERS];
} orders;

typedef struct solver {
    oo_layout *l;
    oo_cut cut;
    oo_vec(uint32_t) region;  /* seats that take part in the move, in the order in which they were reached */
    oo_vec(uint32_t) tensors; /* touched by them */
    uint32_t *seat_vertex, *tensor_vertex; /* of the cut */
    uint8_t *touched;            /* by tensor: how often in this move */
    bool *done;                  /* by tensor: in this round, and asked for no third order there */
    uint64_t work;               /* seats and tensors of all moves */
    oo_layout_cost start, total; /* of the whole graph: at first, now */
} solver;

/* ---- costs ---- */
static oo_perm produced(const oo_layout *l, const oo_tensor_node *t) {
    if (t->constant)
        return t->now;
    return t->seat == OO_LAYOUT_FIXED ? oo__perm_identity(t->rank)
                                      : oo__order_at_port(&l->ports.data[t->port], &l->seats.data[t->seat].now);
}

static oo_perm wanted(const oo_layout *l, const oo_want *want) {
    return want->seat == OO_LAYOUT_FIXED
               ? want->fixed
               : oo__order_at_port(&l->ports.data[want->port], &l->seats.data[want->seat].now);
}

static void add_order(orders *o, const oo_perm *order) {
    for (uint32_t i = 0; i < o->n; i++)
        if (oo__perm_equal(&o->at[i], order))
            return;
    if (o->n < MAX_ORDERS)
        o->at[o->n++] = *order;
}

static void add_tensor_cost(oo_layout_cost *cost, const oo_layout *l, const oo_tensor_node *t) {
    const oo_perm from = produced(l, t);
    orders seen = {.n = 0};
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_want *const want = &l->wants.data[i];
        const oo_perm to = wanted(l, want);
        add_order(&seen, &to);
        if (!t->constant && want->seat != OO_LAYOUT_FIXED)
            cost->views += oo__gaps_at_port(&l->seats.data[want->seat], &l->ports.data[want->port],
                                            &l->seats.data[want->seat].now) > 0;
    }
    for (uint32_t i = 0; i < seen.n; i++) {
        if (oo__perm_equal(&from, &seen.at[i]))
            continue;
        const bool view = oo__order_is_view(t, &from, &seen.at[i]);
        cost->bytes += view ? 0 : t->bytes;
        cost->transposes += !t->constant && !view;
        cost->views += !t->constant && view;
    }
}

oo_layout_cost oo__layout_cost(const oo_layout *l) {
    oo_layout_cost cost = {0};
    for (uint32_t i = 0; i < l->tensors.n; i++)
        add_tensor_cost(&cost, l, &l->tensors.data[i]);
    return cost;
}

static oo_layout_cost region_cost(const solver *s) {
    oo_layout_cost cost = {0};
    for (uint32_t i = 0; i < s->tensors.n; i++)
        add_tensor_cost(&cost, s->l, &s->l->tensors.data[s->tensors.data[i]]);
    return cost;
}

/* By bytes, then Transposes, then other nodes. */
static bool is_less(const oo_layout_cost *a, const oo_layout_cost *b) {
    if (a->bytes < b->bytes || a->bytes > b->bytes)
        return a->bytes < b->bytes;
    return a->transposes != b->transposes ? a->transposes < b->transposes : a->views < b->views;
}

/* Whether a region may go from `before` to `now`: that is less, and the whole has no more Transposes and no more nodes than at first. */
static bool is_better(const solver *s, const oo_layout_cost *now, const oo_layout_cost *before) {
    const uint32_t transposes = s->total.transposes - before->transposes + now->transposes,
                   views = s->total.views - before->views + now->views;
    return is_less(now, before) && transposes <= s->start.transposes &&
           transposes + views <= s->start.transposes + s->start.views;
}

/* ---- the region of a move ---- */
static bool is_allowed(const oo_layout *l, const oo_seat *seat, const oo_perm *order) {
    return !seat->row->kind->allows || seat->row->kind->allows(l, seat, order);
}

static bool is_one_of(const oo_perm *order, const oo_perm choice[2]) {
    return oo__perm_equal(order, &choice[0]) || oo__perm_equal(order, &choice[1]);
}

/* The seat chooses between the orders that give the tensor at `port` these; nothing when that is no choice for it. */
static void admit(solver *s, uint32_t index, const oo_port *port, const oo_perm at_port[2]) {
    oo_seat *const seat = &s->l->seats.data[index];
    if (seat->moves)
        return;
    oo_perm choice[2];
    for (uint32_t i = 0; i < 2; i++)
        choice[i] = oo__order_of_frame(port, &seat->now, &at_port[i]);
    if (oo__perm_equal(&choice[0], &choice[1]) || !is_one_of(&seat->now, choice) ||
        !is_allowed(s->l, seat, &choice[0]) || !is_allowed(s->l, seat, &choice[1]))
        return;
    seat->choice[0] = choice[0];
    seat->choice[1] = choice[1];
    seat->moves = true;
    oo_vec_push(NULL, &s->region, index);
}

static void touch(solver *s, uint32_t tensor) {
    if (s->touched[tensor]++)
        return;
    oo_vec_push(NULL, &s->tensors, tensor);
}

/* Whoever is at the other ends of the tensor may follow. */
static void carry_over(solver *s, uint32_t index, const oo_perm at_port[2]) {
    oo_layout *const l = s->l;
    oo_tensor_node *const t = &l->tensors.data[index];
    if (s->touched[index] == MAX_TOUCHED)
        return;
    touch(s, index);
    if (oo__perm_equal(&at_port[0], &at_port[1]))
        return;
    if (t->constant) {
        if (!t->moves && is_one_of(&t->now, at_port)) {
            t->choice[0] = at_port[0];
            t->choice[1] = at_port[1];
            t->moves = true;
        }
        return;
    }
    if (t->seat != OO_LAYOUT_FIXED)
        admit(s, t->seat, &l->ports.data[t->port], at_port);
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++)
        if (l->wants.data[i].seat != OO_LAYOUT_FIXED)
            admit(s, l->wants.data[i].seat, &l->ports.data[l->wants.data[i].port], at_port);
}

static void grow(solver *s) {
    oo_layout *const l = s->l;
    for (uint32_t i = 0; i < s->region.n; i++) {
        const oo_seat *const seat = &l->seats.data[s->region.data[i]];
        for (uint32_t p = seat->first_port; p < seat->first_port + seat->ninputs + seat->noutputs; p++) {
            const oo_perm at_port[] = {oo__order_at_port(&l->ports.data[p], &seat->choice[0]),
                                       oo__order_at_port(&l->ports.data[p], &seat->choice[1])};
            carry_over(s, l->ports.data[p].tensor, at_port);
        }
    }
}

static void clear(solver *s) {
    for (uint32_t i = 0; i < s->region.n; i++)
        s->l->seats.data[s->region.data[i]].moves = false;
    for (uint32_t i = 0; i < s->tensors.n; i++) {
        s->touched[s->tensors.data[i]] = 0;
        s->l->tensors.data[s->tensors.data[i]].moves = false;
    }
    s->region.n = s->tensors.n = 0;
}

/* ---- the move as a cut: with the source is choice[0], with the sink choice[1] ---- */
/* What the producer gives under each choice, and its vertex; a fixed one gives the same under both. */
typedef struct giver {
    oo_perm order[2];
    uint32_t vertex; /* OO_CUT_SOURCE: fixed */
} giver;

static giver giver_of(const solver *s, uint32_t index) {
    const oo_layout *const l = s->l;
    const oo_tensor_node *const t = &l->tensors.data[index];
    if (t->constant && t->moves)
        return (giver){{t->choice[0], t->choice[1]}, s->tensor_vertex[index]};
    if (!t->constant && t->seat != OO_LAYOUT_FIXED && l->seats.data[t->seat].moves) {
        const oo_seat *const seat = &l->seats.data[t->seat];
        const oo_port *const port = &l->ports.data[t->port];
        return (giver){{oo__order_at_port(port, &seat->choice[0]), oo__order_at_port(port, &seat->choice[1])},
                       s->seat_vertex[t->seat]};
    }
    const oo_perm order = produced(l, t);
    return (giver){{order, order}, OO_CUT_SOURCE};
}

static void add_linear(solver *s, uint32_t vertex, double when_source, double when_sink) {
    if (vertex == OO_CUT_SOURCE)
        return;
    oo__cut_edge(&s->cut, OO_CUT_SOURCE, vertex, when_sink - when_source);
    oo__cut_edge(&s->cut, vertex, OO_CUT_SINK, when_source - when_sink);
}

static double price(const oo_tensor_node *t, const oo_perm *from, const oo_perm *to, const weights *w) {
    if (oo__perm_equal(from, to))
        return 0;
    const bool view = oo__order_is_view(t, from, to);
    return (view ? 0 : t->bytes * w->byte) + (t->constant ? w->change : view ? w->view : w->transpose);
}

/* Who wants `order`: somebody always, or those of `want` for which wants[side] holds. */
typedef struct demand {
    bool always;
    uint32_t n[2]; /* of seats that want it under choice 0, 1 */
} demand;

static bool wants_under(const solver *s, const oo_want *want, uint32_t side, const oo_perm *order) {
    const oo_layout *const l = s->l;
    if (want->seat == OO_LAYOUT_FIXED)
        return oo__perm_equal(&want->fixed, order);
    const oo_seat *const seat = &l->seats.data[want->seat];
    const oo_perm at = oo__order_at_port(&l->ports.data[want->port], seat->moves ? &seat->choice[side] : &seat->now);
    return oo__perm_equal(&at, order);
}

static demand demand_of(const solver *s, const oo_tensor_node *t, const oo_perm *order) {
    demand d = {0};
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_want *const want = &s->l->wants.data[i];
        const bool first = wants_under(s, want, 0, order), second = wants_under(s, want, 1, order);
        d.always |= first && second;
        d.n[0] += first && !second;
        d.n[1] += !first && second;
    }
    return d;
}

/* `cost` when somebody wants the order under `side` and the giver's vertex is on the other side (or anywhere, for the source or sink). */
static void add_any(solver *s, const oo_tensor_node *t, const oo_perm *order, uint32_t side, uint32_t vertex,
                    double cost) {
    const uint32_t any = oo__cut_vertex(&s->cut);
    side ? oo__cut_edge(&s->cut, vertex, any, cost) : oo__cut_edge(&s->cut, any, vertex, cost);
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_want *const want = &s->l->wants.data[i];
        if (!wants_under(s, want, side, order) || wants_under(s, want, 1 - side, order))
            continue;
        const uint32_t seat = s->seat_vertex[want->seat];
        side ? oo__cut_edge(&s->cut, any, seat, OO_CUT_NEVER) : oo__cut_edge(&s->cut, seat, any, OO_CUT_NEVER);
    }
}

/* What it costs to have the tensor in this order, if somebody wants it. */
static void add_order_cost(solver *s, const oo_tensor_node *t, const giver *from, const oo_perm *order,
                           const weights *w) {
    const double cost[] = {price(t, &from->order[0], order, w), price(t, &from->order[1], order, w)};
    const demand d = demand_of(s, t, order);
    if (d.always) {
        add_linear(s, from->vertex, cost[0], cost[1]);
        return;
    }
    for (uint32_t side = 0; side < 2; side++) {
        if (d.n[side] == 0)
            continue;
        const bool follows = from->vertex != OO_CUT_SOURCE && cost[side] == 0 && cost[1 - side] > 0;
        const uint32_t vertex = follows ? from->vertex : side ? OO_CUT_SOURCE : OO_CUT_SINK;
        const double most = cost[0] > cost[1] ? cost[0] : cost[1];
        if (from->vertex == OO_CUT_SOURCE || follows || cost[1 - side] > 0 || cost[side] > 0)
            add_any(s, t, order, side, vertex, from->vertex == OO_CUT_SOURCE ? cost[0] : most);
    }
}

static void add_tensor(solver *s, uint32_t index, const weights *w) {
    const oo_layout *const l = s->l;
    const oo_tensor_node *const t = &l->tensors.data[index];
    const giver from = giver_of(s, index);
    orders all = {.n = 0};
    bool chooses = !oo__perm_equal(&from.order[0], &from.order[1]);
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_want *const want = &l->wants.data[i];
        if (want->seat == OO_LAYOUT_FIXED) {
            add_order(&all, &want->fixed);
            continue;
        }
        const oo_seat *const seat = &l->seats.data[want->seat];
        const oo_port *const port = &l->ports.data[want->port];
        oo_perm order[2];
        double gaps[2];
        for (uint32_t side = 0; side < 2; side++) {
            const oo_perm *const frame = seat->moves ? &seat->choice[side] : &seat->now;
            order[side] = oo__order_at_port(port, frame);
            add_order(&all, &order[side]);
            gaps[side] = !t->constant && oo__gaps_at_port(seat, port, frame) ? w->view : 0;
        }
        chooses |= !oo__perm_equal(&order[0], &order[1]);
        if (seat->moves)
            add_linear(s, s->seat_vertex[want->seat], gaps[0], gaps[1]);
    }
    add_order(&all, &from.order[0]);
    add_order(&all, &from.order[1]);
    s->done[index] |= chooses && all.n <= 2;
    for (uint32_t i = 0; i < all.n; i++)
        add_order_cost(s, t, &from, &all.at[i], w);
}

static void build_cut(solver *s, const weights *w) {
    oo_layout *const l = s->l;
    oo__cut_clear(&s->cut);
    for (uint32_t i = 0; i < s->region.n; i++) {
        const oo_seat *const seat = &l->seats.data[s->region.data[i]];
        const uint32_t vertex = s->seat_vertex[s->region.data[i]] = oo__cut_vertex(&s->cut);
        const bool second = oo__perm_equal(&seat->now, &seat->choice[1]);
        add_linear(s, vertex, second ? w->change : 0, second ? 0 : w->change);
    }
    for (uint32_t i = 0; i < s->tensors.n; i++)
        if (l->tensors.data[s->tensors.data[i]].moves)
            s->tensor_vertex[s->tensors.data[i]] = oo__cut_vertex(&s->cut);
    for (uint32_t i = 0; i < s->tensors.n; i++)
        add_tensor(s, s->tensors.data[i], w);
}

/* What is chosen now: first of the seats, then of the tensors. */
static void remember(const solver *s, oo_perm *out) {
    for (uint32_t i = 0; i < s->region.n; i++)
        *out++ = s->l->seats.data[s->region.data[i]].now;
    for (uint32_t i = 0; i < s->tensors.n; i++)
        *out++ = s->l->tensors.data[s->tensors.data[i]].now;
}

static void put_back(solver *s, const oo_perm *before) {
    for (uint32_t i = 0; i < s->region.n; i++)
        s->l->seats.data[s->region.data[i]].now = *before++;
    for (uint32_t i = 0; i < s->tensors.n; i++)
        s->l->tensors.data[s->tensors.data[i]].now = *before++;
}

static void take_cut(solver *s) {
    oo_layout *const l = s->l;
    for (uint32_t i = 0; i < s->region.n; i++) {
        oo_seat *const seat = &l->seats.data[s->region.data[i]];
        seat->now = seat->choice[oo__cut_with_sink(&s->cut, s->seat_vertex[s->region.data[i]])];
    }
    for (uint32_t i = 0; i < s->tensors.n; i++) {
        oo_tensor_node *const t = &l->tensors.data[s->tensors.data[i]];
        if (t->moves)
            t->now = t->choice[oo__cut_with_sink(&s->cut, s->tensor_vertex[s->tensors.data[i]])];
    }
}

/* Weights under which `now` is no better than `cost`, because what it has more of is dear enough. False when it has more of nothing that counts. */
static bool raise_prices(weights *w, const oo_layout_cost *now, const oo_layout_cost *cost) {
    const double gain = cost->bytes - now->bytes, transposes = (double)now->transposes - cost->transposes,
                 nodes = transposes + now->views - cost->views;
    if (gain <= 0 || (nodes <= 0 && transposes <= 0))
        return false;
    if (nodes > 0) {
        w->view = gain / nodes > 2 * w->view ? gain / nodes : 2 * w->view;
        w->transpose = w->transpose > w->view ? w->transpose : w->view;
    } else {
        w->transpose = gain / transposes > 2 * w->transpose ? gain / transposes : 2 * w->transpose;
    }
    return true;
}

/* Cuts, at first by bytes; as long as these buy too many nodes, nodes get dearer. */
static bool try_cuts(solver *s, const oo_layout_cost *cost, oo_perm *before, bool *refused) {
    weights w = BY_BYTES;
    for (uint32_t i = 0; i < MAX_PRICES; i++) {
        build_cut(s, &w);
        oo__cut_run(&s->cut);
        take_cut(s);
        s->work += s->region.n + s->tensors.n;
        const oo_layout_cost now = region_cost(s);
        if (is_better(s, &now, cost))
            return true;
        put_back(s, before);
        if (!raise_prices(&w, &now, cost)) {
            if (memcmp(&w, &BY_COUNT, sizeof w) == 0 || !*refused)
                return false;
            w = BY_COUNT;
        }
        *refused = true;
    }
    return false;
}

/* ---- all choices of a small region ---- */
static void take_all(solver *s, uint32_t sides) {
    oo_layout *const l = s->l;
    for (uint32_t i = 0; i < s->region.n; i++)
        l->seats.data[s->region.data[i]].now = l->seats.data[s->region.data[i]].choice[sides >> i & 1];
    for (uint32_t i = 0; i < s->tensors.n; i++) {
        oo_tensor_node *const t = &l->tensors.data[s->tensors.data[i]];
        if (t->constant && t->nwants)
            t->now = wanted(l, &l->wants.data[t->first_want]);
    }
}

static bool try_all(solver *s, const oo_layout_cost *cost, const oo_perm *before) {
    if (s->region.n > MAX_TRIED)
        return false;
    oo_layout_cost best = *cost;
    uint32_t found = 0;
    bool any = false;
    for (uint32_t sides = 0; sides < 1u << s->region.n; sides++) {
        take_all(s, sides);
        const oo_layout_cost now = region_cost(s);
        if (!is_better(s, &now, cost) || (any && !is_less(&now, &best)))
            continue;
        best = now;
        found = sides;
        any = true;
    }
    s->work += ((uint64_t)s->tensors.n << s->region.n) / 4;
    any ? take_all(s, found) : put_back(s, before);
    return any;
}

/* ---- moves ---- */
/* The choice between these two orders of the tensor, for everybody whom it reaches. */
static bool move(solver *s, uint32_t tensor, const oo_perm *here, const oo_perm *there) {
    const oo_perm choice[] = {*here, *there};
    carry_over(s, tensor, choice);
    grow(s);
    bool better = false, refused = false;
    if (s->region.n) {
        const oo_layout_cost cost = region_cost(s);
        oo_perm *const before = oo__malloc((s->region.n + s->tensors.n) * sizeof *before);
        remember(s, before);
        better = try_cuts(s, &cost, before, &refused) || (refused && try_all(s, &cost, before));
        free(before);
        const oo_layout_cost now = region_cost(s);
        s->total.bytes += now.bytes - cost.bytes;
        s->total.transposes += now.transposes - cost.transposes;
        s->total.views += now.views - cost.views;
    }
    clear(s);
    return better;
}

static uint32_t moves_at(solver *s, uint32_t index) {
    const oo_layout *const l = s->l;
    const oo_tensor_node *const t = &l->tensors.data[index];
    const oo_perm from = produced(l, t);
    orders seen = {.n = 0};
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_perm to = wanted(l, &l->wants.data[i]);
        add_order(&seen, &to);
    }
    uint32_t moves = 0;
    for (uint32_t i = 0; i < seen.n; i++)
        if (!oo__perm_equal(&from, &seen.at[i]))
            moves += move(s, index, &from, &seen.at[i]);
    return moves;
}

/* A constant is stored as its first user wants it: its Transposes are computed here and now. */
static void settle_constants(oo_layout *l) {
    for (uint32_t i = 0; i < l->tensors.n; i++)
        if (l->tensors.data[i].constant && l->tensors.data[i].nwants)
            l->tensors.data[i].now = wanted(l, &l->wants.data[l->tensors.data[i].first_want]);
}

uint32_t oo__layout_solve(oo_layout *l) {
    solver s = {.l = l};
    settle_constants(l);
    s.start = s.total = oo__layout_cost(l);
    s.seat_vertex = oo__malloc((l->seats.n + 1) * sizeof *s.seat_vertex);
    s.tensor_vertex = oo__malloc((l->tensors.n + 1) * sizeof *s.tensor_vertex);
    s.touched = oo__malloc(l->tensors.n + 1);
    s.done = oo__malloc(l->tensors.n + 1);
    memset(s.touched, 0, l->tensors.n + 1);
    const uint64_t most = FREE_WORK + MAX_WORK * ((uint64_t)l->seats.n + l->tensors.n);
    uint32_t moves = 0, round = 0, last = 1;
    for (; round < MAX_ROUNDS && last; round++, moves += last) {
        last = 0;
        memset(s.done, 0, l->tensors.n + 1);
        for (uint32_t i = 0; i < l->tensors.n && s.work <= most; i++)
            if (!s.done[i])
                last += moves_at(&s, i);
    }
    oo_vec_free(&s.region);
    oo_vec_free(&s.tensors);
    oo__cut_free(&s.cut);
    free(s.seat_vertex);
    free(s.tensor_vertex);
    free(s.touched);
    free(s.done);
    return moves;
}
