/* Pictures: what the DOT text says, read back with libcgraph; that names stand literally; that an SVG always comes. */
#include "tests/unit/build.h"

#include "viz/picture.h"

#include <graphviz/cgraph.h>
#include <sys/stat.h>
#include <unistd.h>

static const oo_draw_options plain = {0};

/* ---- looking at DOT ---- */
static char *str(const char *s) { return (char *)(uintptr_t)s; }

static Agraph_t *drawn(const oo_model *model, const oo_draw_options *options) {
    char *const dot = oo__draw_dot(model, options);
    Agraph_t *const g = agmemread(dot);
    free(dot);
    assert_non_null(g);
    return g;
}

static Agnode_t *box(Agraph_t *g, const char *id) { return agnode(g, str(id), 0); }

static const char *of(void *object, const char *name) {
    const char *const value = agget(object, str(name));
    return value ? value : "";
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("\"%s\" is in: %s", part, text);
}

static Agedge_t *arrow(Agraph_t *g, const char *from, const char *to) {
    assert_non_null(box(g, from));
    assert_non_null(box(g, to));
    return agedge(g, box(g, from), box(g, to), NULL, 0);
}

static char *svg_of(const char *dot, double seconds) {
    oo_context *const context = new_context();
    char *svg = NULL;
    assert_int_equal(oo__draw_svg(&svg, context, dot, &(oo_draw_options){.cpu_seconds = seconds}), OO_OK);
    assert_told_nothing();
    oo_context_free(context);
    assert_int_equal(strncmp(svg, "<?xml", 5), 0);
    return svg;
}

/* Tags nest, attributes are quoted, every & begins an entity, no bytes that XML forbids. */
static void assert_well_formed(const char *svg) {
    char open[64][16];
    int depth = 0;
    for (const char *c = strstr(svg, "<svg"); c && *c; c++) {
        assert_true((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t');
        if (*c == '&') {
            const size_t length = strspn(c + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
            assert_true(length > 0 && c[1 + length] == ';');
        }
        if (*c != '<')
            continue;
        if (strncmp(c, "<!--", 4) == 0) {
            c = strstr(c, "-->");
            assert_non_null(c);
            continue;
        }
        const bool closes = c[1] == '/';
        const char *const name = c + 1 + closes;
        const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz");
        assert_in_range(length, 1, 15);
        for (c = name + length; *c != '>'; c++) {
            assert_true(*c && *c != '<');
            if (*c == '"')
                c = strchr(c + 1, '"');
            assert_non_null(c);
        }
        if (closes) {
            depth--;
            assert_true(depth >= 0 && strlen(open[depth]) == length && strncmp(open[depth], name, length) == 0);
        } else if (c[-1] != '/') {
            assert_true(depth < 64);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)length, name);
        }
    }
    assert_int_equal(depth, 0);
}

/* ---- one model: x -> Conv (w) -> Identity -> Relu -> y ---- */
typedef struct small {
    world *w;
    oo_value *x, *conv, *identity, *relu;
} small;

static oo_type *image(oo_model *model, int64_t channels) {
    oo_type *const type = tensor_type_of(model, OO_FLOAT, 4, (const int64_t[]){0, channels, 7, 7});
    type->dims[0] = (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(model, "batch")};
    type->dims[3] = (oo_dim){.kind = OO_DIM_NONE};
    return type;
}

static small small_new(void) {
    small s = {.w = world_new(17)};
    oo_model *const model = s.w->model;
    const float zeros[2 * 3 * 5 * 5] = {0};
    oo_tensor *const weights = oo_tensor_make(model, OO_FLOAT, 4, (const int64_t[]){2, 3, 5, 5}, zeros);
    s.x = add_input(s.w->graph, "x");
    s.x->type = image(model, 3);
    s.conv = add_op(s.w->graph, "Conv", "conv", s.x, add_init(s.w->graph, "w", weights));
    add_int(s.conv->producer, "group", 1);
    oo_attr *const window = add_attr(s.conv->producer, "kernel_shape", OO_ATTR_INTS);
    window->ints = OO_NEW_ARRAY(model->arena, int64_t, window->count = 2);
    window->ints[0] = window->ints[1] = 5;
    s.conv->type = image(model, 2);
    s.identity = add_op(s.w->graph, "Identity", "identity", s.conv);
    s.relu = add_op(s.w->graph, "Relu", "relu", s.identity);
    add_output(s.w->graph, s.relu);
    return s;
}

static void test_dot(void **state) {
    (void)state;
    const small s = small_new();
    Agraph_t *const g = drawn(s.w->model, &plain);
    assert_int_equal(agnnodes(g), 5);
    assert_int_equal(agnedges(g), 4);
    assert_has(of(box(g, "i0_0"), "label"), "<b>x</b>");
    assert_has(of(box(g, "i0_0"), "label"), "float[batch,3,7,?]");
    assert_has(of(box(g, "n0"), "label"), "<b>Conv</b>");
    assert_has(of(box(g, "n0"), "label"), ">conv<");
    assert_has(of(box(g, "n0"), "label"), "kernel_shape=[5,5]");
    assert_lacks(of(box(g, "n0"), "label"), "group");
    assert_has(of(box(g, "n0"), "label"), "W float[2,3,5,5]");
    assert_has(of(box(g, "n0"), "tooltip"), "input 1: w: float[2,3,5,5]");
    assert_has(of(arrow(g, "n0", "n1"), "label"), "float[batch,2,7,?]");
    assert_has(of(arrow(g, "n1", "n2"), "label"), "?");
    assert_string_not_equal(of(box(g, "i0_0"), "shape"), of(box(g, "n0"), "shape"));
    assert_string_not_equal(of(box(g, "o0_0"), "shape"), of(box(g, "n0"), "shape"));
    assert_null(box(g, "legend"));
    agclose(g);
    world_free(s.w);
}

static void test_same_bytes(void **state) {
    (void)state;
    const small a = small_new(), b = small_new();
    char *const one = oo__draw_dot(a.w->model, &plain), *const two = oo__draw_dot(b.w->model, &plain);
    assert_string_equal(one, two);
    char *const svg_one = svg_of(one, 0), *const svg_two = svg_of(two, 0);
    assert_string_equal(svg_one, svg_two);
    free(one);
    free(two);
    free(svg_one);
    free(svg_two);
    world_free(a.w);
    world_free(b.w);
}

static void test_constants_are_labels(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_node *const constant = oo__node_new(w->graph, NULL, "Constant", 0, 1, 0);
    oo__node_set_output(constant, 0, oo__value_new(w->graph, oo__str(w->model, "c")));
    add_attr(constant, "value", OO_ATTR_TENSOR)->t = scalar(w->model, 2.5f);
    oo_value *const x = add_input(w->graph, "x");
    add_output(w->graph, add_op(w->graph, "Mul", "mul", x, constant->outputs[0]));
    add_output(w->graph, constant->outputs[0]);
    Agraph_t *const g = drawn(w->model, &plain);
    assert_int_equal(agnnodes(g), 4);
    assert_has(of(box(g, "n1"), "label"), "B float[] = 2.5");
    assert_has(of(box(g, "o0_1"), "label"), "float[] = 2.5");
    agclose(g);
    world_free(w);
}

/* ---- names ---- */
#define HOSTILE "<b>\"&lt;\\N\\G\n]]>\xff"
static const char hostile_in_svg[] = "&lt;b&gt;&quot;&amp;lt;\\N\\G\\x0a]]&gt;\\xff";

static void test_hostile_names(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, HOSTILE);
    oo_node *const node = add_node(w->graph, HOSTILE, HOSTILE "javascript:alert(1)", 1, x);
    oo_attr *const attr = add_attr(node, "t", OO_ATTR_STRING);
    attr->s = (oo_bytes){(const uint8_t *)"</text>\0x", 9};
    oo_type *const type = tensor_type_of(w->model, OO_FLOAT, 1, (const int64_t[]){0});
    type->dims[0] = (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(w->model, "\\E&amp;\"")};
    x->type = type;
    add_output(w->graph, node->outputs[0]);
    char *const dot = oo__draw_dot(w->model, &(oo_draw_options){.title = HOSTILE});
    Agraph_t *const g = agmemread(dot);
    assert_non_null(g);
    assert_int_equal(agnnodes(g), 3);
    agclose(g);
    char *const svg = svg_of(dot, 0);
    assert_well_formed(svg);
    uint32_t times = 0;
    for (const char *at = svg; (at = strstr(at, hostile_in_svg)); at++)
        times++;
    /* Title; input: label, tooltip, on the node's and the link's; the operator's type and name in label and tooltip; output. */
    assert_in_range(times, 9, 20);
    assert_has(svg, "float[\\E&amp;amp;&quot;]");
    assert_has(svg, "&lt;/text&gt;\\x00x");
    assert_lacks(svg, "href=\"javascript");
    free(svg);
    free(dot);
    world_free(w);
}

static const char *markup(oo_arena *arena, const char *text, size_t size, uint32_t limit) {
    oo_markup m = oo__markup(arena, OO_LABEL);
    oo__markup_text(&m, text, size, limit);
    return oo__markup_done(&m);
}

static void test_shortening(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    assert_string_equal(markup(arena, "abcdef", 6, 6), "abcdef");
    assert_string_equal(markup(arena, "abcdef", 6, 4), "abc\xE2\x80\xA6");
    /* Characters are counted, not bytes; half a character, a surrogate and a turning mark are bytes. */
    assert_string_equal(markup(arena, "\xC3\xA4\xC3\xB6\xC3\xBC", 6, 3), "\xC3\xA4\xC3\xB6\xC3\xBC");
    assert_string_equal(markup(arena, "\xC3", 1, 9), "\\\\xc3");
    assert_string_equal(markup(arena, "\xED\xA0\x80", 3, 9), "\\\\xed\\\\xa0\\\\x80");
    assert_string_equal(markup(arena, "\xE2\x80\xAE", 3, 9), "\\\\xe2\\\\x80\\\\xae");
    assert_string_equal(markup(arena, "\xC0\xAF", 2, 9), "\\\\xc0\\\\xaf");
    oo_markup m = oo__markup(arena, OO_LABEL);
    oo__markup_name(&m, "/layer1/conv", 6);
    assert_string_equal(oo__markup_done(&m), "\xE2\x80\xA6/conv");
    oo__arena_free(arena);
}

/* ---- ranks and stubs ---- */
static void test_ranks(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    /* 0 -> 1 -> 2 -> 3, 4 -> 3: the source 4 is pulled down; 3 -> 1 closes a cycle. */
    const oo_arc arcs[] = {{0, 1}, {1, 2}, {2, 3}, {4, 3}, {3, 1}};
    const uint32_t *const rank = oo__ranks(5, arcs, 5, arena);
    const uint32_t expected[] = {0, 1, 2, 3, 2};
    assert_memory_equal(rank, expected, sizeof expected);
    bool trunk[4];
    oo__find_trunk(trunk, 5, arcs, 4, arena);
    assert_true(trunk[0] && trunk[1] && trunk[2] && !trunk[3]);
    oo__ranks(0, NULL, 0, arena);
    oo__arena_free(arena);
}

static void test_positions(void **state) {
    (void)state;
    enum { N = 400, ARCS = 1200 };
    oo_arena *const arena = oo__arena_new();
    oo_spot spots[N];
    oo_arc arcs[ARCS];
    uint64_t seed = 5;
    for (uint32_t i = 0; i < N; i++)
        spots[i] = (oo_spot){.width = 20 + draw(&seed, 100), .height = 20 + draw(&seed, 30), .block = i * 3 / N};
    for (uint32_t i = 0; i < ARCS; i++) {
        arcs[i].to = 1 + draw(&seed, N - 1);
        arcs[i].from = draw(&seed, arcs[i].to);
    }
    oo__place(spots, N, arcs, ARCS, arena);
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t k = 0; k < i; k++) {
            const double dx = spots[i].x - spots[k].x, dy = spots[i].y - spots[k].y;
            assert_true((dx < 0 ? -dx : dx) >= (spots[i].width + spots[k].width) / 2 - 1e-6 ||
                        (dy < 0 ? -dy : dy) >= (spots[i].height + spots[k].height) / 2 - 1e-6);
        }
    }
    oo__arena_free(arena);
}

/* A chain of `length` operators; the last one also takes x. */
static world *long_chain(uint32_t length) {
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x"), *const first = add_op(w->graph, "Relu", "first", x);
    oo_value *v = first;
    for (uint32_t i = 2; i < length; i++) {
        char name[16];
        snprintf(name, sizeof name, "r%u", i);
        v = add_op(w->graph, "Relu", name, v);
    }
    add_output(w->graph, add_op(w->graph, "Add", "add", v, first));
    return w;
}

static void test_stubs(void **state) {
    (void)state;
    /* first has rank 1, the Add rank `length`. */
    for (uint32_t length = 12; length < 18; length++) {
        world *const w = long_chain(length);
        char last[16];
        snprintf(last, sizeof last, "n%u", length - 1);
        Agraph_t *const g = drawn(w->model, &plain);
        char stub[48];
        snprintf(stub, sizeof stub, "s_n0_0__%s_1", last);
        if (length - 1 <= 12) {
            assert_non_null(arrow(g, "n0", last));
            assert_null(box(g, stub));
        } else {
            assert_null(arrow(g, "n0", last));
            assert_non_null(arrow(g, stub, last));
            assert_has(of(box(g, stub), "label"), "first");
            assert_has(of(box(g, stub), "label"), "from Relu n0");
            assert_string_equal(of(box(g, stub), "URL"), "#n0");
            assert_has(of(box(g, "n0"), "label"), "1 use far below");
        }
        agclose(g);
        Agraph_t *const whole = drawn(w->model, &(oo_draw_options){.span_limit = 100});
        assert_non_null(arrow(whole, "n0", last));
        agclose(whole);
        world_free(w);
    }
}

/* ---- subgraphs and functions ---- */
static void test_frames(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x"), *const c = add_input(w->graph, "c");
    oo_node *const choice = add_if(w->graph, "choice", c);
    oo_graph *const then = branch(choice, 0), *const other = branch(choice, 1);
    add_output(then, add_op(then, "Relu", "inner", x));
    add_output(other, x);
    oo_function *const f = add_function(w->model, "my.domain", "Twice", NULL);
    oo_value *const a = add_input(f->graph, "a");
    add_output(f->graph, add_op(f->graph, "Add", "sum", a, a));
    oo_node *const call = oo__node_new(w->graph, "my.domain", "Twice", 1, 1, 0);
    oo__use_link(call, 0, choice->outputs[0]);
    oo__node_set_output(call, 0, oo__value_new(w->graph, oo__str(w->model, "y")));
    add_output(w->graph, call->outputs[0]);
    Agraph_t *const g = drawn(w->model, &(oo_draw_options){.title = "some/folder/name.onnx"});
    assert_string_equal(of(g, "label"), "<b>name.onnx</b>");
    Agraph_t *const inner = agsubg(g, str("cluster_g1"), 0), *const body = agsubg(g, str("cluster_g3"), 0);
    assert_true(inner && body && agsubg(g, str("cluster_g2"), 0));
    assert_non_null(agnode(inner, str("n1"), 0));
    assert_null(agnode(inner, str("n0"), 0));
    assert_has(of(inner, "label"), "choice.then_branch");
    assert_has(of(body, "label"), "function my.domain.Twice");
    assert_string_equal(of(arrow(g, "i0_0", "n1"), "style"), "dashed"); /* captured */
    assert_string_equal(of(arrow(g, "i0_0", "o2_0"), "style"), "dashed");
    assert_string_equal(of(arrow(g, "o1_0", "n0"), "style"), "dotted"); /* returned */
    char id[16];
    snprintf(id, sizeof id, "n%u", call->id);
    assert_string_equal(of(box(g, id), "URL"), "#g3");
    agclose(g);
    char *const dot = oo__draw_dot(w->model, &plain);
    char *const svg = svg_of(dot, 0);
    assert_well_formed(svg);
    assert_has(svg, "id=\"g3\" class=\"cluster\"");
    /* With own positions clusters are drawn too. */
    char *const own = svg_of(dot, 0.0001);
    assert_well_formed(own);
    assert_has(own, "id=\"g3\" class=\"cluster\"");
    free(own);
    free(svg);
    free(dot);
    world_free(w);
}

static void test_deep_nesting(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const c = add_input(w->graph, "c");
    oo_graph *graph = w->graph;
    for (int depth = 0; depth < 200; depth++) {
        oo_node *const node = add_if(graph, "deep", c);
        add_output(branch(node, 1), c);
        add_output(graph, node->outputs[0]);
        graph = branch(node, 0);
    }
    add_output(graph, c);
    char *const dot = oo__draw_dot(w->model, &plain);
    assert_has(dot, "deeper subgraphs are not drawn");
    assert_has(dot, "cluster_g31 ");
    assert_lacks(dot, "cluster_g33 ");
    char *const svg = svg_of(dot, 0);
    assert_well_formed(svg);
    free(svg);
    free(dot);
    world_free(w);
}

/* ---- layout under limits ---- */
static uint32_t count(const char *text, const char *part) {
    uint32_t n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void test_ladder(void **state) {
    (void)state;
    world *const w = long_chain(60);
    char *const dot = oo__draw_dot(w->model, &plain);
    char *const whole = svg_of(dot, 400), *const hurried = svg_of(dot, 0.0001);
    assert_well_formed(whole);
    assert_well_formed(hurried);
    assert_int_equal(count(whole, "class=\"node op"), 60);
    assert_int_equal(count(hurried, "class=\"node op"), 60);
    /* Otherwise the limit did not do anything. */
    assert_string_not_equal(whole, hurried);
    free(whole);
    free(hurried);
    free(dot);
    world_free(w);
}

static void test_bad_dot(void **state) {
    (void)state;
    oo_context *const context = new_context();
    char *svg;
    assert_int_equal(oo__draw_svg(&svg, context, "digraph { a -> ", &plain), OO_LIMIT);
    assert_null(svg);
    assert_told("error svg-layout");
    oo_context_free(context);
    forget_told();
}

/* ---- changes ---- */
/* Identity goes, Relu becomes LeakyRelu through a node that does not last, Conv gets an attribute. */
static void rewrite(small *s) {
    oo_rewriter *const rw = s->w->rw;
    assert_true(oo_begin(rw, "drop", s->identity->producer));
    assert_true(oo_replace(rw, s->identity, s->conv));
    oo_erase(rw, s->identity->producer);
    oo_end(rw);
    oo_node *old = s->relu->producer;
    for (int i = 0; i < 2; i++) {
        assert_true(oo_begin(rw, "leak", old));
        const oo_value *const inputs[] = {s->conv};
        oo_node *const now = oo_build(rw, old, "", i ? "LeakyRelu" : "Elu", inputs, 1, 1);
        assert_true(oo_replace(rw, old->outputs[0], now->outputs[0]));
        oo_erase(rw, old);
        oo_end(rw);
        old = now;
    }
    assert_true(oo_begin(rw, "attribute", s->conv->producer));
    oo_set_int(rw, s->conv->producer, "group", 3);
    oo_end(rw);
}

typedef struct pair {
    small before, after;
    oo_arena *arena;
    oo_changes *changes;
} pair;

static pair pair_new(void) {
    pair p = {.before = small_new(), .after = small_new(), .arena = oo__arena_new()};
    rewrite(&p.after);
    p.changes = oo__changes_of(p.before.w->model, p.after.w->model, p.arena);
    return p;
}

static void pair_free(pair *p) {
    oo__arena_free(p->arena);
    world_free(p->before.w);
    world_free(p->after.w);
}

static void test_changes(void **state) {
    (void)state;
    pair p = pair_new();
    const oo_mark before[] = {OO_MARK_CHANGED, OO_MARK_REMOVED, OO_MARK_REMOVED};
    const oo_mark after[] = {OO_MARK_CHANGED, OO_MARK_SAME, OO_MARK_SAME, OO_MARK_ADDED, OO_MARK_ADDED};
    assert_int_equal(p.changes->nbefore, 3);
    assert_int_equal(p.changes->nafter, 5);
    assert_memory_equal(p.changes->before, before, sizeof before);
    assert_memory_equal(p.changes->after, after, sizeof after);
    oo_changes *const same = oo__changes_of(p.before.w->model, p.before.w->model, p.arena);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(same->before[i] == OO_MARK_SAME && same->after[i] == OO_MARK_SAME);
    pair_free(&p);
}

static void test_marks(void **state) {
    (void)state;
    pair p = pair_new();
    Agraph_t *const before = drawn(p.before.w->model, &(oo_draw_options){.changes = p.changes});
    Agraph_t *const after = drawn(p.after.w->model, &(oo_draw_options){.changes = p.changes, .after = true});
    assert_has(of(box(before, "n1"), "label"), "<b>- Identity</b>");
    assert_has(of(box(before, "n1"), "style"), "dashed");
    assert_string_equal(of(box(before, "n1"), "class"), "op removed");
    assert_has(of(box(before, "n0"), "label"), "<b>~ Conv</b>");
    assert_string_equal(of(arrow(before, "n0", "n1"), "style"), "dashed");
    assert_has(of(box(after, "n4"), "label"), "<b>+ LeakyRelu</b>");
    assert_has(of(box(after, "n4"), "style"), "bold");
    assert_string_equal(of(arrow(after, "n0", "n4"), "style"), "bold");
    assert_null(box(after, "n3"));
    assert_non_null(box(before, "legend"));
    assert_non_null(box(after, "legend"));
    agclose(before);
    agclose(after);
    pair_free(&p);
}

static void test_diff(void **state) {
    (void)state;
    pair p = pair_new();
    const oo_draw_options options = {.changes = p.changes};
    char *const dot = oo__draw_diff(p.before.w->model, p.after.w->model, &options, 1);
    assert_has(dot, "rank=same");
    Agraph_t *const g = agmemread(dot);
    assert_non_null(g);
    assert_int_equal(agnnodes(g), 7); /* legend, x, Conv, Identity, Relu, LeakyRelu, output */
    assert_has(of(box(g, "n1"), "label"), "- Identity");
    assert_has(of(box(g, "n2"), "label"), "- Relu");
    assert_has(of(box(g, "n4"), "label"), "+ LeakyRelu");
    assert_has(of(box(g, "n0"), "label"), "~ Conv");
    assert_has(of(box(g, "n0"), "label"), "group=3");
    assert_has(of(arrow(g, "n2", "n4"), "class"), "became");
    assert_has(of(arrow(g, "n2", "n4"), "label"), "test/leak");
    assert_string_equal(of(arrow(g, "n2", "n4"), "style"), "dotted");
    assert_has(of(arrow(g, "n0", "n1"), "class"), "removed");
    assert_has(of(arrow(g, "n0", "n4"), "class"), "added");
    assert_has(of(arrow(g, "i0_0", "n0"), "class"), "same");
    agclose(g);
    char *const svg = svg_of(dot, 0);
    assert_well_formed(svg);
    free(svg);
    free(dot);
    char *const core = oo__draw_diff(p.before.w->model, p.after.w->model, &options, 0);
    assert_lacks(core, "i0_0");
    free(core);
    char *const nothing = oo__draw_diff(p.before.w->model, p.before.w->model, &plain, 1);
    assert_has(nothing, "no operator, input or output changed");
    free(nothing);
    pair_free(&p);
}

/* Four like regions that nothing connects: two columns of two, one below the other. */
static void test_regions_in_columns(void **state) {
    (void)state;
    world *const old = world_new(17), *const now = world_new(17);
    for (int i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", i);
        oo_value *const x = add_input(old->graph, name), *const y = add_input(now->graph, name);
        add_output(old->graph, add_op(old->graph, "Relu", "r", x));
        add_output(now->graph, add_op(now->graph, "Relu", "r", y));
    }
    oo_arena *const arena = oo__arena_new();
    oo_changes *const changes = oo__changes_of(old->model, now->model, arena);
    for (int i = 0; i < 4; i++)
        changes->before[i] = changes->after[i] = OO_MARK_CHANGED;
    char *const dot = oo__draw_diff(old->model, now->model, &(oo_draw_options){.changes = changes}, 1);
    assert_int_equal(count(dot, "style=invis"), 2);
    Agraph_t *const g = agmemread(dot);
    assert_string_equal(of(arrow(g, "o0_0", "i0_1"), "style"), "invis");
    assert_string_equal(of(arrow(g, "o0_2", "i0_3"), "style"), "invis");
    agclose(g);
    free(dot);
    oo__arena_free(arena);
    world_free(old);
    world_free(now);
}

/* The old node stands to the left of the new one. */
static double x_of(const char *svg, const char *id) {
    char start[32];
    snprintf(start, sizeof start, "<g id=\"%s\"", id);
    const char *const at = strstr(svg, start);
    assert_non_null(at);
    return strtod(strstr(at, " x=\"") + 4, NULL);
}

static void test_old_is_left(void **state) {
    (void)state;
    pair p = pair_new();
    char *const dot = oo__draw_diff(p.before.w->model, p.after.w->model, &(oo_draw_options){.changes = p.changes}, 1);
    char *const svg = svg_of(dot, 0);
    assert_true(x_of(svg, "n2") < x_of(svg, "n4"));
    free(svg);
    free(dot);
    pair_free(&p);
}

/* ---- review ---- */
static char *read_all(const char *folder, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is not there", path);
    char *const text = oo__malloc(1 << 20);
    text[fread(text, 1, (1 << 20) - 1, f)] = 0;
    fclose(f);
    unlink(path);
    return text;
}

static void test_review(void **state) {
    (void)state;
    pair p = pair_new();
    char parent[] = "test_viz_XXXXXX", folder[64];
    assert_non_null(mkdtemp(parent));
    snprintf(folder, sizeof folder, "%s/review", parent);
    oo_context *const context = new_context();
    for (int again = 0; again < 2; again++)
        assert_int_equal(oo__draw_review(context, p.before.w->model, p.after.w->model, folder), OO_OK);
    assert_told_nothing();
    static const char *const names[] = {"before", "after", "diff"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char file[32];
        snprintf(file, sizeof file, "%s.dot", names[i]);
        char *const dot = read_all(folder, file);
        assert_int_equal(strncmp(dot, "digraph", 7), 0);
        snprintf(file, sizeof file, "%s.svg", names[i]);
        char *const svg = read_all(folder, file);
        assert_well_formed(svg);
        free(dot);
        free(svg);
    }
    char *const summary = read_all(folder, "summary.md");
    assert_has(summary, "# test.onnx\n");
    assert_has(summary, "| nodes (without Constant) | 3 | 2 | -1 |\n");
    assert_has(summary, "| parameters in initializers | 150 | 150 |  |\n");
    assert_has(summary, "| bytes of initializers | 600 | 600 |  |\n");
    assert_has(summary,
               "| Conv | 1 | 1 |  |\n| Identity | 1 | 0 | -1 |\n| LeakyRelu | 0 | 1 | +1 |\n| Relu | 1 | 0 | -1 |\n");
    assert_has(summary, "| test | leak | 2 | 2 | 2 | 0 |\n");
    assert_has(summary, "| test | attribute | 1 | 0 | 0 | 1 |\n");
    free(summary);
    /* Nothing else is left, and a file in the folder's place is refused. */
    assert_int_equal(rmdir(folder), 0);
    fclose(fopen(folder, "w"));
    assert_int_equal(oo__draw_review(context, p.before.w->model, p.after.w->model, folder), OO_IO);
    assert_told("error file-write");
    unlink(folder);
    rmdir(parent);
    oo_context_free(context);
    pair_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dot),
                                       cmocka_unit_test(test_same_bytes),
                                       cmocka_unit_test(test_constants_are_labels),
                                       cmocka_unit_test(test_hostile_names),
                                       cmocka_unit_test(test_shortening),
                                       cmocka_unit_test(test_ranks),
                                       cmocka_unit_test(test_positions),
                                       cmocka_unit_test(test_stubs),
                                       cmocka_unit_test(test_frames),
                                       cmocka_unit_test(test_deep_nesting),
                                       cmocka_unit_test(test_ladder),
                                       cmocka_unit_test(test_bad_dot),
                                       cmocka_unit_test(test_changes),
                                       cmocka_unit_test(test_marks),
                                       cmocka_unit_test(test_diff),
                                       cmocka_unit_test(test_old_is_left),
                                       cmocka_unit_test(test_regions_in_columns),
                                       cmocka_unit_test(test_review)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
