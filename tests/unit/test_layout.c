/* The choice of layouts against an exhaustive search over random regions, and minimum cuts against all ways to cut. */
#include "io/io.h"
#include "ir/infer.h"
#include "passes/layout.h"
#include "passes/min_cut.h"
#include "tests/unit/build.h"

/* ---- minimum cuts ---- */
enum { CUT_VERTICES = 10, CUT_EDGES = 30 };

typedef struct cut_edge {
    uint32_t from, to;
    double capacity;
} cut_edge;

static double cut_cost(const cut_edge *edges, uint32_t n, uint32_t with_sink) {
    double cost = 0;
    for (uint32_t i = 0; i < n; i++)
        cost += !(with_sink >> edges[i].from & 1) && with_sink >> edges[i].to & 1 ? edges[i].capacity : 0;
    return cost;
}

static void check_cut(uint64_t *seed, oo_cut *cut) {
    cut_edge edges[CUT_EDGES];
    const uint32_t vertices = 2 + draw(seed, CUT_VERTICES - 1), n = draw(seed, CUT_EDGES + 1);
    oo__cut_clear(cut);
    while (cut->first.n < vertices)
        oo__cut_vertex(cut);
    for (uint32_t i = 0; i < n; i++) {
        edges[i] = (cut_edge){draw(seed, vertices), draw(seed, vertices), draw(seed, 8) ? draw(seed, 20) / 4.0 : 1e9};
        oo__cut_edge(cut, edges[i].from, edges[i].to, edges[i].capacity);
    }
    oo__cut_run(cut);
    uint32_t chosen = 0;
    for (uint32_t v = 0; v < vertices; v++)
        chosen |= oo__cut_with_sink(cut, v) ? 1u << v : 0;
    assert_int_equal(chosen & 3, 1u << OO_CUT_SINK);
    double best = cut_cost(edges, n, 1u << OO_CUT_SINK);
    for (uint32_t side = 0; side < 1u << vertices; side++)
        if ((side & 3) == 1u << OO_CUT_SINK && cut_cost(edges, n, side) < best)
            best = cut_cost(edges, n, side);
    if (cut_cost(edges, n, chosen) > best + 1e-6)
        fail_msg("a cut of %g, but %g would do", cut_cost(edges, n, chosen), best);
}

static void test_min_cut(void **state) {
    (void)state;
    oo_cut cut = {0};
    uint64_t seed = 1;
    for (uint32_t i = 0; i < 4000; i++)
        check_cut(&seed, &cut);
    oo__cut_free(&cut);
}

/* ---- random regions ----
 * Values live in worlds, each with an order of the axes n c h w that all its tensors have; Transposes lead from one to another. Axes that were
 * taken away are missing from the order. So each node has as many orders to choose from as there are worlds. */
enum { MAX_NODES = 40, MAX_SEATS = 12, MAX_WORLDS = 4, AXES = 4, TEXT = 8192 };

static const char *const WORLDS[MAX_WORLDS] = {"nchw", "nhwc", "cwnh", "whcn"};

typedef struct live {
    char name[8];
    uint32_t realm, has; /* has: bit i for axis i of "nchw" */
    int64_t size[AXES];
} live;

typedef struct region {
    uint64_t seed;
    uint32_t worlds, nvalues, nnodes, nconstants;
    live values[2 * MAX_NODES];
    live frames[MAX_NODES]; /* by node: its frame */
    char body[TEXT], constants[TEXT], outputs[TEXT];
} region;

static uint32_t axis_id(char letter) { return (uint32_t)(strchr(WORLDS[0], letter) - WORLDS[0]); }

/* The axes that the value has, as its realm orders them. */
static uint32_t axes_in(const live *v, uint32_t realm, uint32_t *out) {
    uint32_t n = 0;
    for (const char *letter = WORLDS[realm]; *letter; letter++)
        if (v->has >> axis_id(*letter) & 1)
            out[n++] = axis_id(*letter);
    return n;
}

static oo_perm between(const live *v, uint32_t realm) {
    uint32_t from[AXES], to[AXES];
    const uint32_t n = axes_in(v, v->realm, from);
    axes_in(v, realm, to);
    oo_perm perm = {.n = (uint8_t)n};
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++)
            if (from[k] == to[i])
                perm.at[i] = (uint8_t)k;
    return perm;
}

static void put(char *text, const char *format, ...) {
    const size_t at = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + at, TEXT - at, format, arguments);
    va_end(arguments);
}

static live *new_value(region *r, const live *like) {
    live *const v = &r->values[r->nvalues];
    *v = *like;
    snprintf(v->name, sizeof v->name, "v%u", r->nvalues++);
    return v;
}

/* "[n] v = " for a node whose frame is like this. */
static void begin_node(region *r, const live *frame, const char *outputs) {
    r->frames[r->nnodes] = *frame;
    put(r->body, "  [n%u] %s = ", r->nnodes++, outputs);
}

static const char *new_constant(region *r, const int64_t *dims, uint32_t n) {
    static char name[16];
    uint64_t count = 1;
    snprintf(name, sizeof name, "c%u", r->nconstants++);
    put(r->constants, "%sfloat%s", r->nconstants > 1 ? ", " : "", n ? "[" : "");
    for (uint32_t i = 0; i < n; i++, count *= (uint64_t)dims[i - 1])
        put(r->constants, "%s%d", i ? "," : "", (int)dims[i]);
    put(r->constants, "%s %s = {", n ? "]" : "", name);
    for (uint64_t i = 0; i < count; i++)
        put(r->constants, "%s1", i ? "," : "");
    put(r->constants, "}");
    return name;
}

static void add_transpose(region *r, const live *x) {
    const uint32_t realm = draw(&r->seed, r->worlds);
    const oo_perm perm = between(x, realm), straight = oo__perm_identity(perm.n);
    if (oo__perm_equal(&perm, &straight))
        return;
    live like = *x;
    like.realm = realm;
    begin_node(r, &like, new_value(r, &like)->name);
    put(r->body, "Transpose <perm = [");
    for (uint32_t i = 0; i < perm.n; i++)
        put(r->body, "%s%u", i ? ", " : "", perm.at[i]);
    put(r->body, "]> (%s)\n", x->name);
}

static void add_unary(region *r, const live *x) {
    static const char *const OPS[] = {"Relu", "Neg", "Exp"};
    begin_node(r, x, new_value(r, x)->name);
    put(r->body, "%s (%s)\n", OPS[draw(&r->seed, 3)], x->name);
}

/* An operator that knows but one order. */
static void add_opaque(region *r, const live *x) {
    uint32_t axes[AXES];
    if (axes_in(x, x->realm, axes) < 2)
        return;
    begin_node(r, x, new_value(r, x)->name);
    put(r->body, "Trilu (%s)\n", x->name);
}

/* y broadcasts with x and has the last of its axes. */
static bool fits_under(const live *x, const live *y) {
    uint32_t a[AXES], b[AXES];
    const uint32_t n = axes_in(x, x->realm, a), own = axes_in(y, y->realm, b);
    if (x->realm != y->realm || own > n)
        return false;
    for (uint32_t i = 0; i < own; i++)
        if (a[n - own + i] != b[i] || (x->size[b[i]] != y->size[b[i]] && x->size[b[i]] != 1 && y->size[b[i]] != 1))
            return false;
    return true;
}

static void add_binary(region *r, const live *x) {
    const live *const y = &r->values[draw(&r->seed, r->nvalues)];
    if (!fits_under(x, y))
        return;
    live like = *x;
    for (uint32_t i = 0; i < AXES; i++)
        if (y->has >> i & 1 && y->size[i] > like.size[i])
            like.size[i] = y->size[i];
    begin_node(r, &like, new_value(r, &like)->name);
    put(r->body, "%s (%s, %s)\n", draw(&r->seed, 2) ? "Add" : "Mul", x->name, y->name);
}

static void add_with_constant(region *r, const live *x) {
    uint32_t axes[AXES];
    int64_t dims[AXES];
    const uint32_t n = axes_in(x, x->realm, axes), own = draw(&r->seed, n + 1);
    for (uint32_t i = 0; i < own; i++)
        dims[i] = draw(&r->seed, 3) ? x->size[axes[n - own + i]] : 1;
    begin_node(r, x, new_value(r, x)->name);
    put(r->body, "Add (%s, %s)\n", x->name, new_constant(r, dims, own));
}

static uint32_t place_of(const live *x, uint32_t axis) {
    uint32_t axes[AXES], i = 0;
    axes_in(x, x->realm, axes);
    while (axes[i] != axis)
        i++;
    return i;
}

static void add_concat(region *r, const live *x) {
    const live *const y = &r->values[draw(&r->seed, r->nvalues)];
    if (!(x->has >> 1 & 1) || x->realm != y->realm || x->has != y->has || x->size[1] + y->size[1] > 12)
        return;
    for (uint32_t i = 0; i < AXES; i++)
        if (i != 1 && x->size[i] != y->size[i])
            return;
    live like = *x;
    like.size[1] += y->size[1];
    begin_node(r, &like, new_value(r, &like)->name);
    put(r->body, "Concat <axis = %u> (%s, %s)\n", place_of(x, 1), x->name, y->name);
}

static void add_split(region *r, const live *x) {
    if (!(x->has >> 1 & 1) || x->size[1] % 2)
        return;
    live like = *x;
    like.size[1] /= 2;
    const live *const a = new_value(r, &like), *const b = new_value(r, &like);
    char both[24];
    snprintf(both, sizeof both, "%s, %s", a->name, b->name);
    begin_node(r, x, both);
    put(r->body, "Split <axis = %u, num_outputs = 2> (%s)\n", place_of(x, 1), x->name);
}

static void add_reduce(region *r, const live *x) {
    uint32_t axes[AXES];
    const uint32_t n = axes_in(x, x->realm, axes), keep = draw(&r->seed, 2);
    if (n < 2)
        return;
    const uint32_t at = draw(&r->seed, n);
    live like = *x;
    like.size[axes[at]] = 1;
    like.has &= keep ? like.has : ~(1u << axes[at]);
    begin_node(r, x, new_value(r, &like)->name);
    put(r->constants, "%sint64[1] c%u = {%u}", r->nconstants ? ", " : "", r->nconstants, at);
    put(r->body, "ReduceMax <keepdims = %u> (%s, c%u)\n", keep, x->name, r->nconstants++);
}

static void add_softmax(region *r, const live *x) {
    uint32_t axes[AXES];
    const uint32_t n = axes_in(x, x->realm, axes);
    if (n == 0)
        return;
    begin_node(r, x, new_value(r, x)->name);
    put(r->body, "Softmax <axis = %u> (%s)\n", draw(&r->seed, n), x->name);
}

typedef void add_step(region *r, const live *x);
static add_step *const STEPS[] = {add_transpose, add_transpose, add_transpose, add_transpose, add_unary,
                                  add_unary,     add_binary,    add_binary,    add_binary,    add_with_constant,
                                  add_concat,    add_split,     add_reduce,    add_softmax,   add_opaque};

static void make_region(region *r, uint64_t seed, uint32_t worlds) {
    *r = (region){.seed = seed, .worlds = worlds};
    for (uint32_t i = 0; i < 2; i++)
        new_value(
            r, &(live){.realm = draw(&r->seed, worlds), .has = 15, .size = {2, 4, 1 + (int64_t)draw(&r->seed, 5), 7}});
    const uint32_t steps = 4 + draw(&r->seed, 24);
    for (uint32_t i = 0; i < steps; i++) {
        const uint32_t newest =
            draw(&r->seed, 3) ? draw(&r->seed, r->nvalues < 3 ? r->nvalues : 3) : draw(&r->seed, r->nvalues);
        STEPS[draw(&r->seed, COUNT_OF(STEPS))](r, &r->values[r->nvalues - 1 - newest]);
    }
    for (uint32_t i = 2; i < r->nvalues; i++)
        if (draw(&r->seed, 4) == 0)
            put(r->outputs, "%sfloat[] %s", *r->outputs ? ", " : "", r->values[i].name);
}

static oo_model *parse_region(oo_context *context, const region *r) {
    static char text[4 * TEXT];
    *text = '\0';
    int n = snprintf(text, sizeof text, "<ir_version: 9, opset_import: [\"\" : 18]>\nmain (");
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t axes[AXES];
        axes_in(&r->values[i], r->values[i].realm, axes);
        n += snprintf(text + n, sizeof text - (size_t)n, "%sfloat[%d,%d,%d,%d] v%u", i ? ", " : "",
                      (int)r->values[i].size[axes[0]], (int)r->values[i].size[axes[1]], (int)r->values[i].size[axes[2]],
                      (int)r->values[i].size[axes[3]], i);
    }
    snprintf(text + n, sizeof text - (size_t)n, ") => (%s) <%s> {\n%s}\n", r->outputs, r->constants, r->body);
    oo_model *model = NULL;
    if (oo_model_parse(&model, context, text, strlen(text), "region.onnxtxt") != OO_OK)
        fail_msg("%s\n%s", told.text, text);
    oo__infer_proofs(model);
    return model;
}

/* ---- exhaustive search ----
 * Costs are counted anew, from the orders that each seat's ports have under each of its choices. */
enum { MAX_PORTS = 8, MAX_ENDS = 64, MAX_KINDS = 16 };

typedef struct end {
    uint32_t seat;             /* OO_LAYOUT_FIXED: always order[0] */
    uint8_t order[MAX_WORLDS]; /* by choice of the seat: index in `kinds` */
    uint8_t gap[MAX_WORLDS];
} end;

typedef struct searched {
    bool constant;
    double bytes;
    uint32_t nkinds, nends;
    oo_perm kinds[MAX_KINDS];
    bool view[MAX_KINDS][MAX_KINDS];
    end from, ends[MAX_ENDS];
} searched;

typedef struct search {
    const oo_layout *l;
    uint32_t nchoices[MAX_SEATS];
    oo_perm choices[MAX_SEATS][MAX_WORLDS];
    uint32_t chosen[MAX_SEATS];
    oo_vec(searched) tensors;
} search;

static uint8_t kind_of(searched *t, const oo_perm *order) {
    uint32_t i = 0;
    while (i < t->nkinds && !oo__perm_equal(&t->kinds[i], order))
        i++;
    assert_true(i < MAX_KINDS);
    t->kinds[i] = *order;
    t->nkinds += i == t->nkinds;
    return (uint8_t)i;
}

static end end_at(const search *s, searched *t, uint32_t seat, uint32_t port) {
    end e = {.seat = seat};
    for (uint32_t i = 0; i < s->nchoices[seat]; i++) {
        const oo_perm order = oo__order_at_port(&s->l->ports.data[port], &s->choices[seat][i]);
        e.order[i] = kind_of(t, &order);
        e.gap[i] = oo__gaps_at_port(&s->l->seats.data[seat], &s->l->ports.data[port], &s->choices[seat][i]) > 0;
    }
    return e;
}

static end fixed_end(searched *t, const oo_perm *order) {
    return (end){.seat = OO_LAYOUT_FIXED, .order = {kind_of(t, order)}};
}

/* Whether the order changes only where axes have size 1, told from the sizes. */
static bool is_same_memory(const oo_value *root, const oo_perm *a, const oo_perm *b) {
    uint8_t left[2][OO_LAYOUT_RANK], n[2] = {0};
    for (uint32_t i = 0; i < a->n; i++) {
        if (oo_type_dim(oo_value_type(root), a->at[i]) != 1)
            left[0][n[0]++] = a->at[i];
        if (oo_type_dim(oo_value_type(root), b->at[i]) != 1)
            left[1][n[1]++] = b->at[i];
    }
    return memcmp(left[0], left[1], n[0]) == 0;
}

static void add_searched(search *s, const oo_tensor_node *t) {
    searched made = {.constant = t->constant, .bytes = t->bytes};
    const oo_perm straight = oo__perm_identity(t->rank);
    made.from = t->seat == OO_LAYOUT_FIXED ? fixed_end(&made, &straight) : end_at(s, &made, t->seat, t->port);
    for (uint32_t i = t->first_want; i < t->first_want + t->nwants; i++) {
        const oo_want *const want = &s->l->wants.data[i];
        assert_true(made.nends < MAX_ENDS);
        made.ends[made.nends++] =
            want->seat == OO_LAYOUT_FIXED ? fixed_end(&made, &want->fixed) : end_at(s, &made, want->seat, want->port);
    }
    for (uint32_t i = 0; i < made.nkinds; i++)
        for (uint32_t k = 0; k < made.nkinds; k++)
            made.view[i][k] = is_same_memory(t->root, &made.kinds[i], &made.kinds[k]);
    oo_vec_push(NULL, &s->tensors, made);
}

static uint32_t choice_at(const search *s, const end *e) { return e->seat == OO_LAYOUT_FIXED ? 0 : s->chosen[e->seat]; }

static void count_tensor(oo_layout_cost *cost, const search *s, const searched *t) {
    uint32_t seen = 0;
    const uint32_t giver =
        t->constant && t->nends ? t->ends[0].order[choice_at(s, &t->ends[0])] : t->from.order[choice_at(s, &t->from)];
    for (uint32_t i = 0; i < t->nends; i++) {
        const uint32_t choice = choice_at(s, &t->ends[i]), order = t->ends[i].order[choice];
        cost->views += !t->constant && t->ends[i].gap[choice];
        if (order == giver || seen >> order & 1)
            continue;
        seen |= 1u << order;
        cost->bytes += t->view[giver][order] ? 0 : t->bytes;
        cost->transposes += !t->constant && !t->view[giver][order];
        cost->views += !t->constant && t->view[giver][order];
    }
}

static oo_layout_cost count(const search *s) {
    oo_layout_cost cost = {0};
    for (uint32_t i = 0; i < s->tensors.n; i++)
        count_tensor(&cost, s, &s->tensors.data[i]);
    return cost;
}

static bool next_assignment(search *s) {
    for (uint32_t i = 0; i < s->l->seats.n; i++) {
        if (++s->chosen[i] < s->nchoices[i])
            return true;
        s->chosen[i] = 0;
    }
    return false;
}

static bool is_accepted(const oo_layout_cost *c, const oo_layout_cost *start) {
    return c->bytes <= start->bytes && c->transposes <= start->transposes &&
           c->transposes + c->views <= start->transposes + start->views;
}

static bool is_less(const oo_layout_cost *a, const oo_layout_cost *b) {
    if (a->bytes < b->bytes || a->bytes > b->bytes)
        return a->bytes < b->bytes;
    return a->transposes != b->transposes ? a->transposes < b->transposes : a->views < b->views;
}

/* Choices of a seat: the orders of all worlds that its operator allows, the one that it has first. */
static void offer(search *s, const region *r, uint32_t index) {
    const oo_seat *const seat = &s->l->seats.data[index];
    const live *const frame = &r->frames[atoi(oo_node_name(seat->node) + 1)];
    s->choices[index][s->nchoices[index]++] = oo__perm_identity(seat->rank);
    for (uint32_t realm = 0; realm < r->worlds; realm++) {
        const oo_perm order = between(frame, realm);
        assert_int_equal(order.n, seat->rank);
        bool known = seat->row->kind->allows && !seat->row->kind->allows(s->l, seat, &order);
        for (uint32_t i = 0; i < s->nchoices[index]; i++)
            known |= oo__perm_equal(&s->choices[index][i], &order);
        if (!known)
            s->choices[index][s->nchoices[index]++] = order;
    }
}

static oo_layout_cost search_all(const oo_layout *l, const region *r, oo_layout_cost *start) {
    search s = {.l = l};
    for (uint32_t i = 0; i < l->seats.n; i++)
        offer(&s, r, i);
    for (uint32_t i = 0; i < l->tensors.n; i++)
        add_searched(&s, &l->tensors.data[i]);
    oo_layout_cost best = *start = count(&s);
    while (next_assignment(&s)) {
        const oo_layout_cost cost = count(&s);
        if (is_accepted(&cost, start) && is_less(&cost, &best))
            best = cost;
    }
    oo_vec_free(&s.tensors);
    return best;
}

typedef struct tally {
    uint32_t regions, seats, improvable, missed, better;
} tally;

static void check_region(tally *t, uint64_t seed, uint32_t worlds, uint32_t most) {
    static region r;
    make_region(&r, seed, worlds);
    oo_context *const context = new_context();
    oo_model *const model = parse_region(context, &r);
    oo_layout l = {.model = model};
    if (oo__layout_read(&l, oo_model_graph(model)) && l.seats.n && l.seats.n <= most) {
        oo_layout_cost start;
        const oo_layout_cost best = search_all(&l, &r, &start);
        oo__layout_solve(&l);
        const oo_layout_cost got = oo__layout_cost(&l);
        t->regions++;
        t->seats += l.seats.n;
        t->improvable += is_less(&best, &start);
        t->missed += is_less(&best, &got);
        t->better += is_less(&got, &best);
        if (!is_accepted(&got, &start) || (worlds == 2 && is_less(&best, &got)))
            print_message("seed %llu: %g bytes, %u Transposes, %u views; at best %g, %u, %u; at first %g, %u, %u\n%s",
                          (unsigned long long)seed, got.bytes, got.transposes, got.views, best.bytes, best.transposes,
                          best.views, start.bytes, start.transposes, start.views, r.body);
    }
    oo__layout_free(&l);
    oo_model_free(model);
    oo_context_free(context);
}

static tally check_regions(uint32_t worlds, uint32_t count, uint32_t most) {
    tally t = {0};
    for (uint64_t seed = 1; seed <= count; seed++)
        check_region(&t, seed, worlds, most);
    print_message(
        "%u orders: %u regions, %.1f operators each; %u can be better, missed %u, better than the search %u\n", worlds,
        t.regions, (double)t.seats / t.regions, t.improvable, t.missed, t.better);
    return t;
}

static void test_two_orders(void **state) {
    (void)state;
    const tally t = check_regions(2, 5000, MAX_SEATS);
    assert_true(t.improvable > t.regions / 4);
    assert_int_equal(t.missed, 0);
}

static void test_more_orders(void **state) {
    (void)state;
    for (uint32_t orders = 3; orders <= MAX_WORLDS; orders++) {
        const tally t = check_regions(orders, 1500, orders == 3 ? 8 : 6);
        assert_true(t.improvable > t.regions / 4);
        assert_in_range(t.missed * 50, 0, t.improvable);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_min_cut), cmocka_unit_test(test_two_orders),
                                       cmocka_unit_test(test_more_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
