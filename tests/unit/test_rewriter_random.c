/* Thousands of random changes in random rewrites of random models with subgraphs. After every one the verifier is content and
 * the public names are as they were; abandoning and rolling back restore the model exactly. */
#include "ir/body.h"
#include "tests/unit/build.h"

enum { SEEDS = 24, REWRITES = 120, MOST_CHANGES = 8, MOST_NODES = 150, MOST_POINTS = 8 };

typedef struct point {
    oo_checkpoint at;
    uint64_t hash;
    char *text;
} point;

typedef struct play {
    world *w;
    uint64_t seed;
    oo_vec(oo_graph *) graphs; /* live ones, refreshed before each change */
    oo_vec(oo_node *) nodes;
    oo_vec(oo_value *) values;
    oo_vec(point) points;
    uint32_t changes, replaced, refused, moved;
} play;

static uint32_t roll(play *p, uint32_t limit) { return draw(&p->seed, limit); }

/* ---- what there is ---- */
static void add_values_of(play *p, oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++)
        oo_vec_push(NULL, &p->values, graph->inputs.data[i].value);
    for (uint32_t i = 0; i < graph->initializers.n; i++)
        if (graph->initializers.data[i]->init && !(graph->initializers.data[i]->flags & OO_VALUE_INPUT))
            oo_vec_push(NULL, &p->values, graph->initializers.data[i]);
    oo_for_each_node(node, graph) {
        oo_vec_push(NULL, &p->nodes, node);
        for (uint32_t i = 0; i < oo_node_noutputs(node); i++)
            if (oo_node_output(node, i))
                oo_vec_push(NULL, &p->values, oo_node_output(node, i));
    }
}

static void look(play *p) {
    p->graphs.n = p->nodes.n = p->values.n = 0;
    oo__model_number(p->w->model);
    oo_for_each_graph(graph, p->w->model) {
        oo_vec_push(NULL, &p->graphs, graph);
        add_values_of(p, graph);
    }
}

static bool holds(const oo_graph *outer, const oo_graph *inner) {
    for (; inner; inner = inner->parent)
        if (inner == outer)
            return true;
    return false;
}

/* Whether the node may use the value: in scope, and made before. */
static bool usable(const oo_value *value, const oo_node *node) {
    if (!holds(value->graph, node->graph))
        return false;
    while (node->graph != value->graph)
        node = node->graph->owner;
    return !value->producer || value->producer->order < node->order;
}

static oo_value *usable_value(play *p, const oo_node *node) {
    for (unsigned attempt = 0; attempt < 10; attempt++) {
        oo_value *const value = p->values.data[roll(p, p->values.n)];
        if (usable(value, node))
            return value;
    }
    return NULL;
}

static oo_node *some_node(play *p) { return p->nodes.n ? p->nodes.data[roll(p, p->nodes.n)] : NULL; }

/* ---- a random model ---- */
static const char *const ops[] = {"Add", "Mul", "Relu", "Identity", "Concat", "Split"};

static void grow(play *p, oo_graph *graph, uint32_t nodes, unsigned depth) {
    char name[32];
    for (uint32_t i = 0; i < nodes; i++) {
        look(p);
        snprintf(name, sizeof name, "n%u", p->w->model->nnodes);
        if (depth < 2 && roll(p, 8) == 0) {
            oo_node *const node = add_if(graph, name, NULL);
            look(p);
            oo__use_link(node, 0, usable_value(p, node));
            grow(p, branch(node, 0), roll(p, 6), depth + 1);
            grow(p, branch(node, 1), roll(p, 6), depth + 1);
            continue;
        }
        oo_node *const node = add_node(graph, ops[roll(p, COUNT_OF(ops))], name, 1 + roll(p, 2), NULL, NULL, NULL);
        look(p);
        for (uint32_t k = 0; k < 3; k++)
            if (roll(p, 4))
                oo__use_link(node, k, usable_value(p, node));
        if (roll(p, 3) == 0)
            add_int(node, "axis", (int64_t)i);
    }
}

/* Outputs of each graph: values of its own, captured ones, inputs, one twice. */
static void choose_outputs(play *p) {
    look(p);
    for (uint32_t g = 0; g < p->graphs.n; g++) {
        oo_graph *const graph = p->graphs.data[g];
        for (unsigned k = 0; k < 20 && graph->outputs.n < 3 - g % 3; k++) {
            oo_value *const value = p->values.data[roll(p, p->values.n)];
            if (value->graph == graph || (graph->owner && usable(value, graph->owner)))
                add_output(graph, value);
        }
    }
}

static play *play_new(uint64_t seed) {
    play *const p = oo__malloc(sizeof *p);
    *p = (play){.w = world_new(17), .seed = seed};
    oo_model *const model = p->w->model;
    add_input(p->w->graph, "x");
    oo_value *const y = add_input(p->w->graph, "y");
    y->flags |= OO_VALUE_INITIALIZER; /* an input with a default */
    y->init = scalar(model, 0);
    oo_vec_push(model->arena, &p->w->graph->initializers, y);
    add_init(p->w->graph, "w0", scalar(model, 1));
    add_init(p->w->graph, "w1", scalar(model, 2))->flags |= seed % 2 ? OO_VALUE_PINNED : 0;
    grow(p, p->w->graph, 25, 0);
    oo_function *const f = add_function(model, "local", "f", NULL);
    oo_value *const in = add_input(f->graph, "in");
    add_output(f->graph, add_op(f->graph, "Relu", "q", in));
    if (seed % 4 == 0)
        model->ir_version = 3;
    choose_outputs(p);
    assert_int_equal(oo_model_verify(model), OO_OK);
    return p;
}

static void play_free(play *p) {
    world_free(p->w);
    for (uint32_t i = 0; i < p->points.n; i++)
        free(p->points.data[i].text);
    oo_vec_free(&p->points);
    oo_vec_free(&p->graphs);
    oo_vec_free(&p->nodes);
    oo_vec_free(&p->values);
    free(p);
}

/* ---- changes ---- */
static void change_input(play *p) {
    oo_node *const node = some_node(p);
    if (node)
        oo_set_input(p->w->rw, node, roll(p, node->ninputs + 1), roll(p, 5) ? usable_value(p, node) : NULL);
}

/* What oo_replace must answer, found the slow way. */
static bool visible_at_every_use(const play *p, const oo_value *by, const oo_value *old) {
    for (uint32_t i = 0; i < p->nodes.n; i++)
        for (uint32_t k = 0; k < p->nodes.data[i]->ninputs; k++)
            if (p->nodes.data[i]->inputs[k].value == old && !holds(by->graph, p->nodes.data[i]->graph))
                return false;
    return !old->noutputs || holds(by->graph, old->graph);
}

/* Whether the caller keeps to the contract: `by` comes before every use, and before an output that it replaces. */
static bool may_replace(const play *p, const oo_value *by, const oo_value *old) {
    for (const oo_use *use = old->uses; use; use = use->next)
        if (holds(by->graph, use->user->graph) && !usable(by, use->user))
            return false;
    if (!old->noutputs)
        return true;
    if (old->producer && holds(by->graph, old->graph) && !usable(by, old->producer))
        return false;
    for (uint32_t g = 0; g < p->graphs.n; g++)
        for (uint32_t i = 0; i < p->graphs.data[g]->outputs.n; i++)
            if (p->graphs.data[g]->outputs.data[i].value == old && p->graphs.data[g] != old->graph &&
                holds(by->graph, p->graphs.data[g]->parent) && !usable(by, p->graphs.data[g]->owner))
                return false;
    return true;
}

static void change_value(play *p) {
    oo_value *const old = p->values.data[roll(p, p->values.n)], *const by = p->values.data[roll(p, p->values.n)];
    if (!may_replace(p, by, old))
        return;
    const bool expected = old == by || visible_at_every_use(p, by, old);
    char *const before = expected ? NULL : dump(p->w->model);
    assert_int_equal(oo_replace(p->w->rw, old, by), expected);
    p->replaced += expected;
    p->refused += !expected;
    if (expected) {
        if (old != by)
            assert_int_equal(oo_value_nuses(old), 0);
        return;
    }
    char *const after = dump(p->w->model);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void remove_node(play *p) {
    for (unsigned attempt = 0; attempt < 20; attempt++) {
        oo_node *const node = some_node(p);
        bool used = !node;
        for (uint32_t i = 0; !used && i < node->noutputs; i++)
            used = node->outputs[i] && (node->outputs[i]->nuses || node->outputs[i]->noutputs);
        if (used)
            continue;
        oo_erase(p->w->rw, node);
        return;
    }
}

static void new_node(play *p) {
    oo_node *const before = some_node(p);
    if (!before || p->nodes.n > MOST_NODES)
        return;
    const oo_value *inputs[3];
    for (uint32_t i = 0; i < 3; i++)
        inputs[i] = usable_value(p, before);
    oo_node *const node = oo_build(p->w->rw, before, roll(p, 9) ? "" : "com.example", ops[roll(p, COUNT_OF(ops))],
                                   inputs, roll(p, 4), roll(p, 3));
    if (roll(p, 2))
        oo_copy_attrs(p->w->rw, node, before);
}

static void new_constant(play *p) {
    oo_graph *const graph = p->graphs.data[roll(p, p->graphs.n)];
    oo_build_const(p->w->rw, graph, scalar(p->w->model, (float)roll(p, 100)), roll(p, 2) ? "k" : NULL);
}

static void remove_initializer(play *p) {
    oo_graph *const graph = p->graphs.data[roll(p, p->graphs.n)];
    for (uint32_t i = 0; i < graph->initializers.n; i++) {
        oo_value *const value = graph->initializers.data[i];
        if (!value->init || value->nuses || oo_value_is_pinned(value))
            continue;
        oo_drop_initializer(p->w->rw, value);
        return;
    }
}

static void change_attribute(play *p) {
    oo_rewriter *const rw = p->w->rw;
    oo_node *const node = some_node(p);
    if (!node)
        return;
    static const char *const names[] = {"axis", "alpha", "mode"};
    const char *const name = names[roll(p, 3)];
    switch (roll(p, 6)) {
    case 0: oo_set_int(rw, node, name, (int64_t)roll(p, 9)); break;
    case 1: oo_set_float(rw, node, name, (float)roll(p, 9)); break;
    case 2: oo_set_string(rw, node, name, name); break;
    case 3: oo_set_ints(rw, node, name, (const int64_t[]){1, 2}, roll(p, 3)); break;
    case 4: oo_remove_attr(rw, node, name); break;
    default: oo_copy_attrs(rw, node, some_node(p)); break;
    }
}

static void change_outputs(play *p) {
    oo_node *const node = some_node(p);
    if (!node)
        return;
    oo_trim_inputs(p->w->rw, node);
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (!value || value->nuses || oo_value_is_pinned(value))
            continue;
        oo_drop_output(p->w->rw, node, i);
        return;
    }
}

static void change_type(play *p) {
    oo_value *const value = p->values.data[roll(p, p->values.n)];
    if (roll(p, 2))
        oo_set_tensor_type(p->w->rw, value, OO_FLOAT, (int32_t)roll(p, 3) - 1, (const int64_t[]){1, -1});
    else
        oo_copy_type(p->w->rw, value, p->values.data[roll(p, p->values.n)]);
}

static void remove_function(play *p) {
    if (oo_model_nfunctions(p->w->model) && roll(p, 10) == 0)
        oo_drop_function(p->w->rw, oo_model_function(p->w->model, 0));
}

/* ---- bodies ---- */
static bool is_inside(const oo_graph *graph, const oo_node *node) {
    for (; graph; graph = graph->parent)
        if (graph->owner == node)
            return true;
    return false;
}

/* Whether everything that the node uses, itself or in its subgraphs, may be used at the place. */
static bool all_usable(const oo_node *outermost, const oo_node *node, const oo_node *place) {
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        if (value && !is_inside(value->graph, outermost) && !usable(value, place))
            return false;
    }
    for (uint32_t s = 0; s < oo_node_nsubgraphs(node); s++) {
        const oo_graph *const body = oo_node_subgraph(node, s);
        for (uint32_t i = 0; i < body->outputs.n; i++)
            if (!is_inside(body->outputs.data[i].value->graph, outermost) && !usable(body->outputs.data[i].value, place))
                return false;
        for (const oo_node *inner = body->first; inner; inner = inner->next)
            if (!all_usable(outermost, inner, place))
                return false;
    }
    return true;
}

static bool may_move(const oo_node *node, const oo_node *place) {
    if (node == place || is_inside(place->graph, node) || !all_usable(node, node, place))
        return false;
    for (uint32_t i = 0; i < node->noutputs; i++) {
        const oo_value *const value = node->outputs[i];
        if (value && oo_value_is_pinned(value))
            return false;
        for (const oo_use *use = value ? value->uses : NULL; use; use = use->next) {
            const oo_node *user = use->user;
            if (!holds(place->graph, user->graph))
                return false;
            while (user->graph != place->graph)
                user = user->graph->owner;
            if (user->order < place->order)
                return false;
        }
    }
    return true;
}

static void move_node(play *p) {
    for (unsigned attempt = 0; attempt < 30; attempt++) {
        oo_node *const node = some_node(p), *const place = some_node(p);
        if (!node || !may_move(node, place))
            continue;
        p->moved += node->graph != place->graph;
        oo__move_node(p->w->rw, node, place);
        return;
    }
}

static oo_graph *some_body(play *p) {
    for (unsigned attempt = 0; attempt < 10; attempt++) {
        oo_graph *const graph = p->graphs.data[roll(p, p->graphs.n)];
        if (graph->owner)
            return graph;
    }
    return NULL;
}

static void return_other(play *p) {
    oo_graph *const body = some_body(p);
    oo_value *const value = p->values.data[roll(p, p->values.n)];
    if (body && body->outputs.n && (value->graph == body || usable(value, body->owner)))
        oo__set_body_output(p->w->rw, body, roll(p, body->outputs.n), value);
}

static void return_less(play *p) {
    oo_graph *const body = some_body(p);
    if (body && body->outputs.n)
        oo__remove_body_output(p->w->rw, body, roll(p, body->outputs.n));
}

static void return_more(play *p) {
    oo_graph *const body = some_body(p);
    oo_value *const value = p->values.data[roll(p, p->values.n)];
    if (body && body->outputs.n < 6 && (value->graph == body || usable(value, body->owner)))
        oo__add_body_output(p->w->rw, body, value, roll(p, 2) ? value->type : NULL);
}

static void make_more(play *p) {
    oo_node *const node = some_node(p);
    if (node && node->noutputs < 6)
        oo__add_output(p->w->rw, node, p->values.data[roll(p, p->values.n)]);
}

static void move_to_end(play *p) {
    oo_graph *const body = some_body(p);
    oo_node *const node = some_node(p);
    if (!body || !node || node->graph == body || is_inside(body, node) || !may_move(node, body->owner))
        return;
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && node->outputs[i]->nuses)
            return; /* nothing behind the end uses it */
    oo__move_to_end(p->w->rw, node, body);
}

static void take_less(play *p) {
    oo_node *const node = some_node(p);
    if (!node)
        return;
    if (node->ninputs && roll(p, 2)) {
        oo__remove_input(p->w->rw, node, roll(p, node->ninputs));
        return;
    }
    const uint32_t index = node->noutputs ? roll(p, node->noutputs) : 0;
    const oo_value *const value = node->noutputs ? node->outputs[index] : NULL;
    if (node->noutputs && (!value || (!value->nuses && !oo_value_is_pinned(value))))
        oo__remove_output(p->w->rw, node, index);
}

static void swap_branches(play *p) {
    const oo_graph *const body = some_body(p);
    if (body)
        oo__swap_graphs(p->w->rw, body->owner, "then_branch", "else_branch");
}

static void (*const changes[])(play *p) = {change_input,   change_value, change_value,       change_value,
                                           remove_node,    remove_node,  remove_node,        new_node,
                                           new_node,       new_constant, remove_initializer, change_attribute,
                                           change_outputs, change_type,  remove_function,    move_node,
                                           move_node,      return_other, return_less,        take_less,
                                           swap_branches,  return_more,  make_more,          move_to_end};

/* ---- rewrites ---- */
static void check(const play *p, const char *const *interface) {
    if (oo_model_verify(p->w->model) != OO_OK)
        fail_msg("after change %u:\n%s", p->changes, told.text);
    const oo_graph *const graph = p->w->graph;
    for (uint32_t i = 0; i < graph->inputs.n + graph->outputs.n; i++) {
        const oo_value *const value =
            i < graph->inputs.n ? graph->inputs.data[i].value : graph->outputs.data[i - graph->inputs.n].value;
        if (value->name != interface[i])
            fail_msg("after change %u: public name %u is \"%s\"", p->changes, i, oo_value_name(value));
    }
}

static void assert_as_at(const play *p, const point *at) {
    char *const text = dump(p->w->model);
    if (strcmp(text, at->text) != 0)
        fail_msg("after %u changes the rollback gives\n%s\nand not\n%s", p->changes, text, at->text);
    free(text);
    assert_true(oo__model_hash(p->w->model) == at->hash);
}

static point here(const play *p) {
    return (point){oo__checkpoint(p->w->rw), oo__model_hash(p->w->model), dump(p->w->model)};
}

static void rewrite(play *p, const char *const *interface) {
    look(p);
    const point before = here(p);
    const uint32_t history = p->w->model->history.n;
    assert_true(oo_begin(p->w->rw, "r", some_node(p)));
    for (uint32_t n = 1 + roll(p, MOST_CHANGES); n-- > 0; p->changes++) {
        look(p);
        changes[roll(p, COUNT_OF(changes))](p);
        check(p, interface);
    }
    if (roll(p, 4)) {
        oo_end(p->w->rw);
        /* A hash that differs without a log entry is what a dishonest pass would look like. */
        if (p->w->model->history.n == history)
            assert_true(oo__model_hash(p->w->model) == before.hash);
    } else {
        oo_abandon(p->w->rw);
        check(p, interface);
        assert_as_at(p, &before);
    }
    free(before.text);
}

static void maybe_roll_back(play *p) {
    if (p->points.n && roll(p, 12) == 0) {
        const uint32_t to = roll(p, p->points.n);
        oo__rollback(p->w->rw, p->points.data[to].at);
        assert_as_at(p, &p->points.data[to]);
        while (p->points.n > to)
            free(p->points.data[--p->points.n].text);
    }
    if (!p->points.n)
        oo__model_name_values(p->w->model);
    if (p->points.n < MOST_POINTS && roll(p, 6) == 0)
        oo_vec_push(NULL, &p->points, here(p));
}

static void random_rewrites(void **state) {
    (void)state;
    uint32_t total = 0, replaced = 0, refused = 0, moved = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        play *const p = play_new(seed);
        const char *interface[16];
        uint32_t n = 0;
        for (uint32_t i = 0; i < p->w->graph->inputs.n; i++)
            interface[n++] = p->w->graph->inputs.data[i].value->name;
        for (uint32_t i = 0; i < p->w->graph->outputs.n; i++)
            interface[n++] = p->w->graph->outputs.data[i].value->name;
        const point first = here(p);
        for (unsigned i = 0; i < REWRITES; i++) {
            rewrite(p, interface);
            maybe_roll_back(p);
        }
        total += p->changes;
        replaced += p->replaced;
        refused += p->refused;
        moved += p->moved;
        oo__rollback(p->w->rw, first.at); /* all the way */
        check(p, interface);
        assert_true(oo__model_hash(p->w->model) == first.hash);
        free(first.text);
        play_free(p);
    }
    assert_true(total > 10000);
    assert_true(replaced > 500 && refused > 20 && moved > 50); /* the game is worth playing */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_rewrites)};
    return cmocka_run_group_tests_name("random rewrites", tests, NULL, NULL);
}
