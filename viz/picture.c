/* A model as boxes and links. Constants are no boxes; every live graph but the main one gets a frame. */
#include "viz/picture.h"

#include <string.h>

enum { MAX_DEPTH = 16, PORT_NAME = 24 };

typedef struct builder {
    const oo_model *model;
    const oo_changes *changes;
    bool after;
    oo_picture *picture;
    oo_arena *arena;
    uint32_t *frame_of; /* [graphs] frame + 1; 0 = not drawn */
    uint32_t *depth;    /* [graphs] */
    uint32_t *box_of;   /* [nodes] box + 1 */
    uint32_t *input_of; /* [values] box + 1 of a graph input */
} builder;

static oo_mark mark_of(const builder *b, uint32_t node) {
    if (!b->changes)
        return OO_MARK_SAME;
    if (b->after)
        return node < b->changes->nafter ? b->changes->after[node] : OO_MARK_SAME;
    return node < b->changes->nbefore ? b->changes->before[node] : OO_MARK_SAME;
}

static bool is_drawn(const builder *b, const oo_graph *graph) { return b->frame_of[graph->index] != 0; }

static uint32_t frame_of(const builder *b, const oo_graph *graph) { return b->frame_of[graph->index] - 1; }

/* ---- frames ---- */
static void add_frame(builder *b, const oo_graph *graph) {
    const bool nested = graph->parent && graph->owner;
    b->depth[graph->index] = nested ? b->depth[graph->parent->index] + 1 : 0;
    if (b->depth[graph->index] > MAX_DEPTH || (nested && !is_drawn(b, graph->parent)))
        return;
    if (graph == b->model->graph) {
        b->frame_of[graph->index] = 1;
        return;
    }
    const char *const path = oo__graph_path(graph, b->arena);
    oo_markup label = oo__markup(b->arena, OO_LABEL), tooltip = oo__markup(b->arena, OO_TOOLTIP);
    oo__markup_name(&label, path, 60);
    oo__markup_add(&tooltip, "graph ");
    oo__markup_name(&tooltip, path, OO_WHOLE);
    const oo_frame frame = {.parent = nested ? frame_of(b, graph->parent) : 0,
                            .id = oo__arena_printf(b->arena, "g%u", graph->index),
                            .label = oo__markup_done(&label),
                            .tooltip = oo__markup_done(&tooltip)};
    oo_vec_push(b->arena, &b->picture->frames, frame);
    b->frame_of[graph->index] = b->picture->frames.n;
}

/* ---- boxes ---- */
static const char *small_type(builder *b, const oo_type *type) {
    oo_markup m = oo__markup(b->arena, OO_LABEL);
    oo__markup_add(&m, "<br/><font point-size=\"8\">");
    oo__markup_type(&m, type);
    oo__markup_add(&m, "</font>");
    return oo__markup_done(&m);
}

static uint32_t add_port(builder *b, const oo_graph *graph, uint32_t index, const oo_value_info *info,
                         oo_box_kind kind) {
    const bool in = kind == OO_BOX_INPUT;
    const char *const name = info->value && info->value->name ? info->value->name : info->name;
    const oo_type *const type = info->type ? info->type : info->value ? info->value->type : NULL;
    oo_markup head = oo__markup(b->arena, OO_LABEL), tooltip = oo__markup(b->arena, OO_TOOLTIP);
    oo__markup_name(&head, name, PORT_NAME);
    oo__markup_add(&tooltip, "graph %s ", in ? "input" : "output");
    oo__markup_name(&tooltip, name, OO_WHOLE);
    oo__markup_add(&tooltip, ": ");
    oo__markup_type(&tooltip, type);
    const oo_box box = {.kind = kind,
                        .frame = frame_of(b, graph),
                        .id = oo__arena_printf(b->arena, "%c%u_%u", in ? 'i' : 'o', graph->index, index),
                        .head = oo__markup_done(&head),
                        .lines = small_type(b, type),
                        .tooltip = oo__markup_done(&tooltip),
                        .origin = in ? "input" : "output",
                        .node = UINT32_MAX};
    oo_vec_push(b->arena, &b->picture->boxes, box);
    return b->picture->boxes.n;
}

static bool has_deeper(const builder *b, const oo_node *node) {
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (oo__attr_ngraphs(node->attrs[i]) && b->depth[node->graph->index] >= MAX_DEPTH)
            return true;
    return false;
}

static void add_node(builder *b, const oo_node *node) {
    if (node->noutputs == 1 && node->outputs[0] && oo__is_constant(node->outputs[0]))
        return;
    const oo_graph *const callee = oo_model_callee(b->model, node);
    oo_box box = {.kind = OO_BOX_OP,
                  .mark = mark_of(b, node->id),
                  .frame = frame_of(b, node->graph),
                  .id = oo__arena_printf(b->arena, "n%u", node->id),
                  .href = callee ? oo__arena_printf(b->arena, "#g%u", callee->index) : NULL,
                  .node = node->id};
    oo__label_node(&box, node, has_deeper(b, node), b->arena);
    oo_vec_push(b->arena, &b->picture->boxes, box);
    b->box_of[node->id] = b->picture->boxes.n;
}

static void add_boxes(builder *b, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->inputs.n; i++) {
        const oo_value_info *const info = &graph->inputs.data[i];
        if (info->value && !info->value->init && !info->value->sparse_init)
            b->input_of[info->value->id] = add_port(b, graph, i, info, OO_BOX_INPUT);
    }
    for (const oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node))
        add_node(b, node);
}

/* ---- links ---- */
/* Box + 1 that a value comes from, 0 when there is none: a constant, or a graph that is not drawn. */
static uint32_t source_of(const builder *b, const oo_value *value) {
    return value->producer ? b->box_of[value->producer->id] : b->input_of[value->id];
}

static void add_link(builder *b, oo_link_kind kind, const oo_value *value, uint32_t to, uint32_t index) {
    const uint32_t from = source_of(b, value);
    if (!from)
        return;
    const oo_box *const boxes = b->picture->boxes.data;
    oo_markup label = oo__markup(b->arena, OO_LABEL), name = label, tooltip = oo__markup(b->arena, OO_TOOLTIP);
    oo__markup_type(&label, value->type);
    oo__markup_name(&name, value->name, 26);
    oo__markup_add(&tooltip, "tensor ");
    oo__markup_name(&tooltip, value->name, OO_WHOLE);
    oo__markup_add(&tooltip, ": ");
    oo__markup_type(&tooltip, value->type);
    const oo_mark ends[] = {boxes[from - 1].mark, boxes[to].mark};
    oo_mark mark = OO_MARK_SAME;
    for (int i = 0; i < 2; i++)
        if (ends[i] == OO_MARK_REMOVED || ends[i] == OO_MARK_ADDED)
            mark = ends[i];
    const oo_link link = {
        .kind = kind,
        .mark = mark,
        .from = from - 1,
        .to = to,
        .id = oo__arena_printf(b->arena, "%s_%u__%s_%u", boxes[from - 1].id, value->index, boxes[to].id, index),
        .label = oo__markup_done(&label),
        .name = oo__markup_done(&name),
        .tooltip = oo__markup_done(&tooltip)};
    oo_vec_push(b->arena, &b->picture->links, link);
}

/* A value that goes into a node twice is drawn once. */
static bool is_repeated(const oo_node *node, uint32_t index) {
    const uint32_t first = index > 64 ? index - 64 : 0;
    for (uint32_t i = first; i < index; i++)
        if (node->inputs[i].value == node->inputs[index].value)
            return true;
    return false;
}

static void add_inputs(builder *b, const oo_node *node) {
    const uint32_t box = b->box_of[node->id];
    for (uint32_t i = 0; box && i < node->ninputs; i++) {
        const oo_value *const value = node->inputs[i].value;
        if (value && !oo__is_constant(value) && !is_repeated(node, i))
            add_link(b, value->graph == node->graph ? OO_LINK_DATA : OO_LINK_CAPTURE, value, box - 1, i);
    }
}

static void add_return(builder *b, const oo_graph *graph, uint32_t box) {
    const uint32_t owner = graph->owner ? b->box_of[graph->owner->id] : 0;
    if (!owner)
        return;
    const oo_link link = {.kind = OO_LINK_RETURN,
                          .from = box,
                          .to = owner - 1,
                          .mark = b->picture->boxes.data[owner - 1].mark,
                          .id = oo__arena_printf(b->arena, "%s__%s", b->picture->boxes.data[box].id,
                                                 b->picture->boxes.data[owner - 1].id),
                          .label = "",
                          .name = b->picture->boxes.data[box].head,
                          .tooltip = "result of the subgraph"};
    oo_vec_push(b->arena, &b->picture->links, link);
}

static void add_outputs(builder *b, const oo_graph *graph) {
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
        const oo_value *const value = graph->outputs.data[i].value;
        const uint32_t box = add_port(b, graph, i, &graph->outputs.data[i], OO_BOX_OUTPUT) - 1;
        if (value && oo__is_constant(value)) {
            oo_markup lines = oo__markup(b->arena, OO_LABEL);
            oo__markup_add(&lines, "<br/><font point-size=\"8\" color=\"#1F4E79\">");
            oo__markup_constant(&lines, value);
            oo__markup_add(&lines, "</font>");
            b->picture->boxes.data[box].lines = oo__markup_done(&lines);
        } else if (value) {
            add_link(b, value->graph == graph ? OO_LINK_DATA : OO_LINK_CAPTURE, value, box, 0);
        }
        add_return(b, graph, box);
    }
}

oo_picture *oo__picture_of(const oo_model *model, const oo_changes *changes, bool after, oo_arena *arena) {
    oo_picture *const picture = OO_NEW(arena, oo_picture);
    *picture = (oo_picture){.arena = arena, .title = "", .legend = changes != NULL};
    oo_vec_push(arena, &picture->frames, (oo_frame){.id = "g", .label = "", .tooltip = ""});
    builder b = {.model = model,
                 .changes = changes,
                 .after = after,
                 .picture = picture,
                 .arena = arena,
                 .frame_of = OO_NEW_ARRAY(arena, uint32_t, model->graphs.n),
                 .depth = OO_NEW_ARRAY(arena, uint32_t, model->graphs.n),
                 .box_of = OO_NEW_ARRAY(arena, uint32_t, model->nnodes),
                 .input_of = OO_NEW_ARRAY(arena, uint32_t, model->nvalues)};
    for (uint32_t i = 0; i < model->graphs.n; i++)
        if (!model->graphs.data[i]->dead)
            add_frame(&b, model->graphs.data[i]);
    /* All boxes come first: a list that is not sorted names nodes before they stand. */
    for (uint32_t i = 0; i < model->graphs.n; i++)
        if (b.frame_of[i])
            add_boxes(&b, model->graphs.data[i]);
    for (uint32_t i = 0; i < model->graphs.n; i++) {
        const oo_graph *const graph = model->graphs.data[i];
        if (!b.frame_of[i])
            continue;
        for (const oo_node *node = oo_graph_first(graph); node; node = oo_node_next(node))
            add_inputs(&b, node);
        add_outputs(&b, graph);
    }
    return picture;
}
