/* Merges chains of operators that only move data: Reshape, Transpose, Squeeze, Unsqueeze, Flatten, Identity.
 *
 * The dimensions of the chain's source are cut into atoms, as small as the chain needs them: a Reshape regroups atoms, a Transpose permutes
 * them. What counts in the end is the order of the atoms and how they are grouped; at most Reshape, Transpose, Reshape gives that, and often
 * less does. Sizes may be expressions: Reshape [N, S, 4, 16] after [N, S, 64] is understood for every N and S. */
#include "ir/expr.h"
#include "ir/ir.h"
#include "ir/rewriter.h"
#include "passes/permutation.h"
#include "passes/veil.h"

#include <string.h>

static const char RULE[] = "merge-views";

enum { MOST = 32, CHAIN = 16 }; /* dimensions or atoms; operators of a chain */

typedef struct dims {
    uint32_t n;
    const oo_expr *size[MOST];
} dims;

/* Dimensions as groups of atoms: group i holds the atoms from first[i] on, up to first[i + 1]. */
typedef struct layout {
    uint32_t n;
    uint32_t first[MOST + 1];
    uint8_t atom[MOST];
} layout;

typedef struct merger {
    oo_rewriter *rw;
    oo_model *model;
    oo_exprs *exprs;
    const oo_expr *one;
    const uint8_t *veils; /* passes/veil.h; by node id below nveils */
    uint32_t nveils;
    bool out_of_fuel;
    /* the chain under consideration */
    oo_node *chain[CHAIN]; /* from its end upwards */
    uint32_t nchain;
    /* its meaning from some source on */
    const oo_expr *atoms[MOST];
    uint32_t natoms;
    layout source, result;
} merger;

/* ---- recognising ---- */
static bool is_move(const oo_node *node) {
    static const char *const OPS[] = {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity"};
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
        if (oo_node_is(node, OPS[i]))
            return oo_node_noutputs(node) == 1 && oo_node_output(node, 0) && oo_node_input(node, 0);
    return false;
}

static bool is_veil(const merger *m, const oo_node *node) { return m->veils && oo_node_id(node) < m->nveils && m->veils[oo_node_id(node)]; }

/* Whether the model's own function hides the operator. */
static bool is_standard_move(const merger *m, const oo_node *node) {
    return node && is_move(node) && !is_veil(m, node) && !oo_model_callee(m->model, node) && !oo_node_is_opaque(node);
}

static bool dims_of(const oo_value *value, dims *out) {
    const int32_t rank = oo_type_rank(oo_value_type(value));
    if (rank < 0 || rank > MOST)
        return false;
    out->n = (uint32_t)rank;
    for (uint32_t i = 0; i < out->n; i++) {
        out->size[i] = oo_value_type(value)->dims[i].expr;
        if (!out->size[i])
            return false;
    }
    return true;
}

static void collect_chain(merger *m, oo_node *root) {
    m->nchain = 0;
    for (oo_node *node = root; is_standard_move(m, node) && m->nchain < CHAIN;) {
        m->chain[m->nchain++] = node;
        oo_node *const next = oo_value_producer(oo_node_input(node, 0));
        node = next && oo_node_graph(next) == oo_node_graph(root) ? next : NULL;
    }
}

/* ---- meaning ---- */
static bool holds_zero(const dims *d) {
    int64_t value;
    for (uint32_t i = 0; i < d->n; i++)
        if (oo__expr_is_int(d->size[i], &value) && value == 0)
            return true;
    return false;
}

/* Dimensions of size 1 are no atoms: a group may be empty. */
static void start_layout(merger *m, const dims *d) {
    m->natoms = 0;
    m->source = (layout){.n = d->n};
    for (uint32_t i = 0; i < d->n; i++) {
        m->source.first[i] = m->natoms;
        if (d->size[i] == m->one)
            continue;
        m->source.atom[m->natoms] = (uint8_t)m->natoms;
        m->atoms[m->natoms++] = d->size[i];
    }
    m->source.first[d->n] = m->natoms;
    m->result = m->source;
}

/* Atom `at` of the layout becomes two. */
static void split_in(layout *l, uint8_t atom, uint8_t second, uint32_t total) {
    uint32_t at = 0;
    while (l->atom[at] != atom)
        at++;
    memmove(&l->atom[at + 2], &l->atom[at + 1], total - at - 1);
    l->atom[at + 1] = second;
    for (uint32_t i = 0; i <= l->n; i++)
        l->first[i] += l->first[i] > at;
}

static bool split_atom(merger *m, uint8_t atom, const oo_expr *left, const oo_expr *right) {
    if (m->natoms == MOST)
        return false;
    const uint8_t second = (uint8_t)m->natoms;
    split_in(&m->source, atom, second, m->natoms);
    split_in(&m->result, atom, second, m->natoms);
    m->atoms[atom] = left;
    m->atoms[second] = right;
    m->natoms++;
    return true;
}

/* The result's atoms, in their order, as groups of these sizes. */
static bool regroup(merger *m, const dims *d) {
    uint32_t first[MOST + 1], at = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        first[i] = at;
        const oo_expr *rest = d->size[i];
        while (rest != m->one) {
            if (at == m->natoms)
                return false;
            const uint8_t atom = m->result.atom[at];
            const oo_expr *const size = m->atoms[atom];
            const oo_expr *const left_over = size == rest ? m->one : oo__expr_exact_div(m->exprs, rest, size);
            if (left_over) {
                rest = left_over;
                at++;
                continue;
            }
            const oo_expr *const second = oo__expr_exact_div(m->exprs, size, rest);
            if (!second || !split_atom(m, atom, rest, second))
                return false;
        }
    }
    if (at != m->natoms)
        return false;
    first[d->n] = at;
    m->result.n = d->n;
    memcpy(m->result.first, first, (d->n + 1) * sizeof *first);
    return true;
}

static void permute(merger *m, const int64_t *perm, uint32_t n) {
    layout next = {.n = n};
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        next.first[i] = at;
        for (uint32_t k = m->result.first[perm[i]]; k < m->result.first[perm[i] + 1]; k++)
            next.atom[at++] = m->result.atom[k];
    }
    next.first[n] = at;
    m->result = next;
}

static bool apply_transpose(merger *m, const oo_node *node) {
    int64_t perm[OO_PERMUTATION_MOST];
    if (!oo__permutation_of(perm, node, m->result.n))
        return false;
    permute(m, perm, m->result.n);
    return true;
}

/* What the last `length` operators of the chain do, all taken together. An empty tensor has no order that could be followed. */
static bool understand(merger *m, uint32_t length) {
    dims d;
    if (!dims_of(oo_node_input(m->chain[length - 1], 0), &d) || holds_zero(&d))
        return false;
    start_layout(m, &d);
    for (uint32_t i = length; i-- > 0;) {
        const oo_node *const node = m->chain[i];
        if (oo_node_is(node, "Transpose")) {
            if (!apply_transpose(m, node))
                return false;
            continue;
        }
        if (!dims_of(oo_node_output(node, 0), &d) || holds_zero(&d) || !regroup(m, &d))
            return false;
    }
    return true;
}

/* ---- the shortest way there ---- */
typedef enum kind { RESHAPE, TRANSPOSE } kind;
typedef struct step {
    kind kind;
    dims shape;                     /* of the result */
    int64_t numbers[MOST];          /* RESHAPE: target; TRANSPOSE: permutation */
} step;
typedef struct plan {
    step steps[3];
    uint32_t n;
} plan;

/* The target of a Reshape in numbers: 0 copies the dimension at the same place, -1 is what is left. With -1, no other dimension may be
 * empty, since then nothing would tell its size. */
static bool target_of(const dims *from, const dims *to, int64_t *out) {
    bool open = false, maybe_empty = false;
    for (uint32_t i = 0; i < to->n; i++) {
        if (oo__expr_is_int(to->size[i], &out[i]))
            continue;
        if (i < from->n && from->size[i] == to->size[i]) {
            out[i] = 0;
            maybe_empty |= oo__expr_low(to->size[i]) < 1;
            continue;
        }
        if (open)
            return false;
        open = true;
        out[i] = -1;
    }
    return !(open && maybe_empty);
}

static bool add_reshape(plan *p, const dims *from, const dims *to) {
    step *const s = &p->steps[p->n++];
    s->kind = RESHAPE;
    s->shape = *to;
    return target_of(from, to, s->numbers);
}

static const oo_expr *product(merger *m, const layout *l, uint32_t group) {
    const oo_expr *size = m->one;
    for (uint32_t i = l->first[group]; i < l->first[group + 1]; i++)
        size = oo__expr_mul(m->exprs, size, m->atoms[l->atom[i]]);
    return size;
}

static bool sizes_of(merger *m, const layout *l, dims *out) {
    out->n = l->n;
    for (uint32_t i = 0; i < l->n; i++)
        if (!(out->size[i] = product(m, l, i)))
            return false;
    return true;
}

/* The groups of `l` in the order in which their first atoms stand in `like`, empty ones last; perm says which group of `out` is group i
 * of l. False when a group's atoms are not together in `like`. */
static bool sorted_like(const merger *m, const layout *l, const layout *like, layout *out, int64_t *perm) {
    bool done[MOST] = {false};
    uint32_t place[MOST], at = 0;
    *out = (layout){.n = l->n};
    for (uint32_t i = 0; i < m->natoms; i++)
        place[like->atom[i]] = i;
    uint32_t group = 0;
    while (at < m->natoms) {
        uint32_t g = 0;
        while (g < l->n && (done[g] || l->first[g] == l->first[g + 1] || place[l->atom[l->first[g]]] != at))
            g++;
        if (g == l->n)
            return false;
        done[g] = true;
        perm[g] = group;
        out->first[group++] = at;
        for (uint32_t i = l->first[g]; i < l->first[g + 1]; i++, at++) {
            if (place[l->atom[i]] != at)
                return false;
            out->atom[at] = l->atom[i];
        }
    }
    for (uint32_t g = 0; g < l->n; g++)
        if (!done[g]) {
            perm[g] = group;
            out->first[group++] = at;
        }
    out->first[l->n] = at;
    return true;
}

static bool same_order(const merger *m, const layout *a, const layout *b) { return memcmp(a->atom, b->atom, m->natoms) == 0; }

static bool same_dims(const dims *a, const dims *b) {
    return a->n == b->n && memcmp(a->size, b->size, a->n * sizeof *a->size) == 0;
}

static bool same_groups(const merger *m, const layout *a, const layout *b) {
    return a->n == b->n && same_order(m, a, b) && memcmp(a->first, b->first, (a->n + 1) * sizeof *a->first) == 0;
}

/* Empty groups, of size 1, are put where `model` has them, as far as it has as many. */
static bool transpose_alone(merger *m, plan *p) {
    layout sorted;
    int64_t perm[MOST];
    if (m->source.n != m->result.n || !sorted_like(m, &m->result, &m->source, &sorted, perm))
        return false;
    /* Group k of the sorted ones is the k-th of the source that is not empty, or the k-th empty one. */
    uint32_t full[MOST], empty[MOST], nfull = 0, nempty = 0;
    for (uint32_t i = 0; i < m->source.n; i++)
        *(m->source.first[i] < m->source.first[i + 1] ? &full[nfull++] : &empty[nempty++]) = i;
    for (uint32_t k = 0; k < nfull; k++)
        if (sorted.first[k] != m->source.first[full[k]] || sorted.first[k + 1] != m->source.first[full[k] + 1])
            return false;
    step *const s = &p->steps[p->n++];
    s->kind = TRANSPOSE;
    for (uint32_t i = 0; i < m->result.n; i++)
        s->numbers[i] = perm[i] < (int64_t)nfull ? full[perm[i]] : empty[perm[i] - nfull];
    return sizes_of(m, &m->result, &s->shape);
}

/* Reshape to the groups of the result in the order of the source, then Transpose. */
static bool reshape_transpose(merger *m, const dims *from, plan *p) {
    layout sorted;
    dims middle;
    step *const last = &p->steps[1];
    if (!sorted_like(m, &m->result, &m->source, &sorted, last->numbers) || !sizes_of(m, &sorted, &middle) ||
        !add_reshape(p, from, &middle))
        return false;
    last->kind = TRANSPOSE;
    p->n = 2;
    return sizes_of(m, &m->result, &last->shape);
}

/* Transpose of the source's own dimensions, then Reshape. */
static bool transpose_reshape(merger *m, plan *p) {
    layout sorted;
    int64_t inverse[MOST] = {0};
    dims to;
    step *const s = &p->steps[0];
    if (!sorted_like(m, &m->source, &m->result, &sorted, inverse) || !sizes_of(m, &sorted, &s->shape) || !sizes_of(m, &m->result, &to))
        return false;
    s->kind = TRANSPOSE;
    for (uint32_t i = 0; i < m->source.n; i++)
        s->numbers[inverse[i]] = i;
    p->n = 1;
    return add_reshape(p, &s->shape, &to);
}

/* One group for each run of atoms that stay together. */
static bool three_steps(merger *m, const dims *from, plan *p) {
    layout blocks = {.n = 0}, moved;
    uint32_t place[MOST];
    dims middle, to;
    for (uint32_t i = 0; i < m->natoms; i++)
        place[m->result.atom[i]] = i;
    for (uint32_t i = 0; i < m->natoms; i++) {
        if (i == 0 || place[m->source.atom[i]] != place[m->source.atom[i - 1]] + 1)
            blocks.first[blocks.n++] = i;
        blocks.atom[i] = m->source.atom[i];
    }
    blocks.first[blocks.n] = m->natoms;
    step *const s = &p->steps[1];
    int64_t inverse[MOST] = {0};
    if (!sizes_of(m, &blocks, &middle) || !add_reshape(p, from, &middle) || !sorted_like(m, &blocks, &m->result, &moved, inverse))
        return false;
    s->kind = TRANSPOSE;
    for (uint32_t i = 0; i < blocks.n; i++)
        s->numbers[inverse[i]] = i;
    p->n = 2;
    return sizes_of(m, &moved, &s->shape) && sizes_of(m, &m->result, &to) && add_reshape(p, &s->shape, &to);
}

static bool shortest(merger *m, const dims *from, plan *p) {
    dims to;
    *p = (plan){.n = 0};
    if (!sizes_of(m, &m->result, &to))
        return false;
    if (same_order(m, &m->source, &m->result))
        return same_groups(m, &m->source, &m->result) || same_dims(from, &to) || add_reshape(p, from, &to);
    if (transpose_alone(m, p))
        return true;
    p->n = 0;
    if (transpose_reshape(m, p))
        return true;
    p->n = 0;
    if (reshape_transpose(m, from, p))
        return true;
    p->n = 0;
    return three_steps(m, from, p);
}

/* ---- whether it is worth it ---- */
/* How many operators of the chain go when its end is replaced: those that nothing else uses. */
static uint32_t removable(const merger *m, uint32_t length) {
    uint32_t n = 1;
    while (n < length) {
        const oo_value *const value = oo_node_output(m->chain[n], 0);
        if (oo_value_nuses(value) != 1 || oo_value_is_pinned(value))
            break;
        n++;
    }
    return n;
}

/* Reshapes whose target is computed when the model runs. */
static bool computes_a_target(const merger *m, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        const oo_value *const shape = oo_node_is(m->chain[i], "Reshape") ? oo_node_input(m->chain[i], 1) : NULL;
        if (shape && !oo_value_const(shape))
            return true;
    }
    return false;
}

/* ---- rewriting ---- */
static oo_value *build_step(merger *m, oo_node *root, oo_value *x, const step *s) {
    const oo_value *inputs[] = {x, NULL};
    if (s->kind == TRANSPOSE) {
        oo_node *const node = oo_build(m->rw, root, "", "Transpose", inputs, 1, 1);
        oo_set_ints(m->rw, node, "perm", s->numbers, s->shape.n);
        return oo_node_output(node, 0);
    }
    const int64_t length[] = {s->shape.n};
    oo_tensor *const target = oo_tensor_make(m->model, OO_INT64, 1, length, s->numbers);
    inputs[1] = oo_build_const(m->rw, oo_node_graph(root), target, "shape");
    return oo_node_output(oo_build(m->rw, root, "", "Reshape", inputs, 2, 1), 0);
}

/* The new end of the chain, NULL when nothing changed or nothing is left. */
static oo_node *rewrite(merger *m, const plan *p, uint32_t length) {
    oo_node *const root = m->chain[0];
    oo_value *value = oo_node_input(m->chain[length - 1], 0);
    const uint32_t gone = removable(m, length);
    if (!oo_begin(m->rw, RULE, root)) {
        m->out_of_fuel = true;
        return NULL;
    }
    for (uint32_t i = 0; i < p->n; i++)
        value = build_step(m, root, value, &p->steps[i]);
    if (!oo_replace(m->rw, oo_node_output(root, 0), value)) {
        oo_abandon(m->rw);
        return NULL;
    }
    for (uint32_t i = 0; i < gone && !oo_value_nuses(oo_node_output(m->chain[i], 0)) && !oo_value_is_pinned(oo_node_output(m->chain[i], 0)); i++)
        oo_erase(m->rw, m->chain[i]);
    oo_end(m->rw);
    oo_count(m->rw, "chains merged", 1);
    return p->n ? oo_value_producer(value) : NULL;
}

/* A source that is an input or another output cannot take the name of an output: an Identity would stay there. */
static bool leaves_identity(const merger *m, const plan *p, uint32_t length) {
    const oo_value *const y = oo_node_output(m->chain[0], 0), *const source = oo_node_input(m->chain[length - 1], 0);
    return p->n == 0 && oo_value_is_output(y) && (!oo_value_producer(source) || oo_value_is_pinned(source));
}

static oo_node *visit(merger *m, oo_node *root) {
    if (oo_value_is_annotated(oo_node_output(root, 0)))
        return NULL;
    collect_chain(m, root);
    int32_t best = 0;
    uint32_t length = 0;
    plan chosen = {.n = 0};
    for (uint32_t n = 1; n <= m->nchain; n++) {
        plan p;
        dims from;
        if (!dims_of(oo_node_input(m->chain[n - 1], 0), &from) || !understand(m, n))
            break;
        if (!shortest(m, &from, &p))
            continue;
        const uint32_t gone = removable(m, n), come = p.n + leaves_identity(m, &p, n);
        int32_t gain = 2 * ((int32_t)gone - (int32_t)come);
        gain += gone == n && gain >= 0 && computes_a_target(m, n);
        if (gain > best) {
            best = gain;
            length = n;
            chosen = p;
        }
    }
    if (!length) {
        oo_miss(m->rw, RULE, root, "no shorter chain is known to do the same");
        return NULL;
    }
    return rewrite(m, &chosen, length);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    (void)opts;
    merger m = {.rw = rw, .model = model, .exprs = model->exprs, .one = oo__expr_int(model->exprs, 1)};
    m.veils = oo__find_veils(rw, model);
    m.nveils = oo_model_node_ids(model);
    oo_for_each_graph(graph, model) {
        /* Reshape takes its target as an input from opset 5 on. */
        if (oo_graph_opset(graph, "") < 5 || !oo__can_build_const(graph, OO_INT64))
            continue;
        oo_for_each_node(node, graph) {
            /* A merged chain may reach further up. An Identity counts only on the way: alone it is another pass's. */
            for (oo_node *end = is_standard_move(&m, node) && !oo_node_is(node, "Identity") ? node : NULL; end;)
                end = visit(&m, end);
            if (m.out_of_fuel)
                return OO_OK;
        }
    }
    return OO_OK;
}

const oo_pass oo_pass_merge_views = {
    .size = sizeof(oo_pass),
    .name = "merge-views",
    .summary = "Merge chains of Reshape, Transpose, Squeeze, Unsqueeze and Flatten",
    .doc = "A chain of operators that only move data is replaced by the shortest one that does the same, at most Reshape, Transpose, Reshape. "
           "Sizes may be unknown when they are expressions over the sizes of the inputs. Targets that the model computes become constants where "
           "they can be said with 0 (copy) and -1.",
    .needs = OO_TYPES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
