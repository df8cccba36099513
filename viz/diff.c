/* What changed between two states of a model, and both states in one picture. */
#include "viz/picture.h"

#include <stdio.h>
#include <string.h>

/* ---- marks from the rewriter's history ---- */
static void find_alive(const oo_model *model, bool *alive) {
    for (uint32_t i = 0; i < model->graphs.n; i++) {
        const oo_graph *const graph = model->graphs.data[i];
        if (graph->dead)
            continue;
        for (const oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node))
            alive[node->id] = true;
    }
}

oo_changes *oo__changes_of(const oo_model *before, const oo_model *after, oo_arena *arena) {
    oo_changes *const c = OO_NEW(arena, oo_changes);
    *c = (oo_changes){.nbefore = before->nnodes, .nafter = after->nnodes, .model = after};
    c->before = OO_NEW_ARRAY(arena, oo_mark, c->nbefore);
    c->after = OO_NEW_ARRAY(arena, oo_mark, c->nafter);
    oo_arena *const scratch = oo__arena_new();
    bool *const alive = OO_NEW_ARRAY(scratch, bool, c->nafter);
    find_alive(after, alive);
    for (uint32_t i = 0; i < c->nbefore; i++)
        c->before[i] = i < c->nafter && alive[i] ? OO_MARK_SAME : OO_MARK_REMOVED;
    for (uint32_t i = c->nbefore; i < c->nafter; i++)
        c->after[i] = OO_MARK_ADDED;
    for (uint32_t i = 0; i < after->history.n; i++) {
        const oo_rewrite *const r = &after->history.data[i];
        for (uint32_t k = 0; k < r->nchanged; k++)
            if (r->changed[k] < c->nbefore && alive[r->changed[k]])
                c->before[r->changed[k]] = c->after[r->changed[k]] = OO_MARK_CHANGED;
    }
    oo__arena_free(scratch);
    return c;
}

/* ---- one picture over the other ---- */
typedef struct merger {
    oo_picture *into;
    oo_intern *ids;              /* slot: index + 1 */
    uint32_t *box_of, *frame_of; /* of the picture that is laid over: where its parts are now */
} merger;

static void **slot_of(merger *m, const char *kind, const char *id) {
    return oo__str_slot(oo__intern(m->ids, oo__arena_printf(m->into->arena, "%s %s", kind, id)));
}

static uint32_t known(void *const *slot) { return (uint32_t)(uintptr_t)*slot; }

static void remember(void **slot, uint32_t index) { *slot = (void *)(uintptr_t)(index + 1); }

static void merge_frames(merger *m, const oo_picture *from) {
    m->frame_of = OO_NEW_ARRAY(m->into->arena, uint32_t, from->frames.n);
    for (uint32_t i = 0; i < from->frames.n; i++) {
        void **const slot = slot_of(m, "frame", from->frames.data[i].id);
        if (!known(slot)) {
            oo_frame frame = from->frames.data[i];
            frame.parent = m->frame_of[frame.parent];
            remember(slot, m->into->frames.n);
            oo_vec_push(m->into->arena, &m->into->frames, frame);
        }
        m->frame_of[i] = known(slot) - 1;
    }
}

/* What is in the later state only was added, whatever its own mark says; what is in both takes the later label. */
static void merge_boxes(merger *m, const oo_picture *from, bool later) {
    m->box_of = OO_NEW_ARRAY(m->into->arena, uint32_t, from->boxes.n);
    for (uint32_t i = 0; i < from->boxes.n; i++) {
        oo_box box = from->boxes.data[i];
        box.frame = m->frame_of[box.frame];
        void **const slot = slot_of(m, "box", box.id);
        if (!known(slot)) {
            box.mark = later ? OO_MARK_ADDED : OO_MARK_REMOVED;
            remember(slot, m->into->boxes.n);
            oo_vec_push(m->into->arena, &m->into->boxes, box);
        } else {
            m->into->boxes.data[known(slot) - 1] = box;
        }
        m->box_of[i] = known(slot) - 1;
    }
}

static void merge_links(merger *m, const oo_picture *from, bool later) {
    for (uint32_t i = 0; i < from->links.n; i++) {
        oo_link link = from->links.data[i];
        link.from = m->box_of[link.from];
        link.to = m->box_of[link.to];
        void **const slot = slot_of(m, "link", link.id);
        if (!known(slot)) {
            link.mark = later ? OO_MARK_ADDED : OO_MARK_REMOVED;
            remember(slot, m->into->links.n);
            oo_vec_push(m->into->arena, &m->into->links, link);
        } else {
            link.mark = OO_MARK_SAME;
            m->into->links.data[known(slot) - 1] = link;
        }
    }
}

/* ---- which old nodes became which new ones ---- */
enum { MANY = 12 };

/* Nodes of the model as read that a node made by a rewrite goes back to; a rewrite's new nodes share one list. */
typedef struct ancestry {
    uint32_t count;
    uint32_t node[MANY];
} ancestry;

static void add_ancestor(ancestry *a, uint32_t node) {
    for (uint32_t i = 0; i < a->count; i++)
        if (a->node[i] == node)
            return;
    if (a->count < MANY)
        a->node[a->count++] = node;
}

static ancestry *ancestry_of(const oo_rewrite *r, ancestry *const *origins, uint32_t nbefore, oo_arena *arena) {
    ancestry *const a = OO_NEW(arena, ancestry);
    for (uint32_t i = 0; i < r->nremoved && a->count < MANY; i++) {
        const uint32_t node = r->removed[i];
        const ancestry *const older = origins[node];
        if (node < nbefore)
            add_ancestor(a, node);
        for (uint32_t k = 0; older && k < older->count; k++)
            add_ancestor(a, older->node[k]);
    }
    return a;
}

typedef struct linker {
    merger *merger;
    bool *levelled; /* [boxes] already stands beside its partner */
    uint32_t serial;
} linker;

static uint32_t box_of_node(merger *m, uint32_t node) {
    char id[16];
    snprintf(id, sizeof id, "n%u", node);
    return known(slot_of(m, "box", id));
}

static const char *rewrite_text(const oo_rewrite *r, oo_dialect dialect, oo_arena *arena) {
    oo_markup m = oo__markup(arena, dialect);
    oo__markup_add(&m, dialect == OO_TOOLTIP ? "became, by " : "");
    oo__markup_name(&m, r->pass, 30);
    if (r->rule && (!r->pass || strcmp(r->rule, r->pass) != 0)) {
        oo__markup_add(&m, "/");
        oo__markup_name(&m, r->rule, 30);
    }
    return oo__markup_done(&m);
}

static void add_became(linker *l, const oo_rewrite *r, uint32_t from, uint32_t to, bool labelled) {
    oo_picture *const p = l->merger->into;
    const bool level = p->boxes.data[from].frame == p->boxes.data[to].frame && !l->levelled[from] && !l->levelled[to] &&
                       p->boxes.data[to].mark == OO_MARK_ADDED;
    if (level)
        l->levelled[from] = l->levelled[to] = true;
    const oo_link link = {.kind = OO_LINK_BECAME,
                          .level = level,
                          .from = from,
                          .to = to,
                          .id = oo__arena_printf(p->arena, "b%u", l->serial++),
                          .label = labelled ? rewrite_text(r, OO_LABEL, p->arena) : "",
                          .name = "",
                          .tooltip = rewrite_text(r, OO_TOOLTIP, p->arena)};
    oo_vec_push(p->arena, &p->links, link);
}

/* Where a rewrite made nothing, a node that it changed took the removed ones in. */
static void link_rewrite(linker *l, const oo_rewrite *r, const ancestry *old) {
    const uint32_t *const heirs = r->nadded ? r->added : r->changed;
    const uint32_t nheirs = r->nadded ? r->nadded : r->nchanged;
    bool labelled = true;
    uint32_t drawn = 0;
    for (uint32_t i = 0; i < nheirs && drawn < MANY; i++) {
        const uint32_t to = box_of_node(l->merger, heirs[i]);
        if (!to || l->merger->into->boxes.data[to - 1].mark == OO_MARK_REMOVED)
            continue;
        for (uint32_t k = 0; k < old->count && drawn < MANY; k++) {
            const uint32_t from = box_of_node(l->merger, old->node[k]);
            if (!from || l->merger->into->boxes.data[from - 1].mark != OO_MARK_REMOVED)
                continue;
            add_became(l, r, from - 1, to - 1, labelled);
            labelled = false;
            drawn++;
        }
    }
}

static void link_history(merger *m, const oo_changes *changes) {
    const oo_model *const model = changes->model;
    if (!m->into->boxes.data)
        return;
    oo_arena *const scratch = oo__arena_new();
    ancestry **const origins = OO_NEW_ARRAY(scratch, ancestry *, model->nnodes);
    linker l = {.merger = m, .levelled = OO_NEW_ARRAY(scratch, bool, m->into->boxes.n)};
    for (uint32_t i = 0; i < model->history.n; i++) {
        const oo_rewrite *const r = &model->history.data[i];
        ancestry *const old = ancestry_of(r, origins, changes->nbefore, scratch);
        for (uint32_t k = 0; k < r->nadded; k++)
            origins[r->added[k]] = old;
        link_rewrite(&l, r, old);
    }
    oo__arena_free(scratch);
}

oo_picture *oo__picture_union(const oo_picture *before, const oo_picture *after, const oo_changes *changes,
                              oo_arena *arena) {
    oo_picture *const p = OO_NEW(arena, oo_picture);
    *p = (oo_picture){.arena = arena, .title = "", .legend = true};
    merger m = {.into = p, .ids = oo__intern_new(arena)};
    const oo_picture *const states[] = {before, after};
    for (int later = 0; later < 2; later++) {
        merge_frames(&m, states[later]);
        merge_boxes(&m, states[later], later);
        merge_links(&m, states[later], later);
    }
    if (changes)
        link_history(&m, changes);
    oo__intern_free(m.ids);
    return p;
}
