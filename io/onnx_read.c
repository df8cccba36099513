/* Reads ModelProto. The file is mapped and walked once; nodes, initializers and value_info are unpacked by protobuf-c one at a time
 * into reused memory, so that what is resident is the IR alone and never the file. */
#include "io/reader.h"

#include <stdlib.h>
#include <string.h>

/* What protobuf-c unpacks at once: the limit of a protobuf message, which also keeps all counts in 32 bits. */
enum { FORGET_STEP = 8 << 20, MAX_UNPACKED = INT32_MAX };

oo_status oo__read_fail(const oo__reader *r, const char *code, const uint8_t *where, const char *format, ...) {
    const int64_t offset = where && r->source->bytes && where >= r->source->bytes && where <= r->source->bytes + r->source->size
                               ? where - r->source->bytes
                               : -1;
    va_list args;
    va_start(args, format);
    oo__diag_v(r->context, (oo_diag){.severity = OO_ERROR, .code = code, .file = r->source->path, .offset = offset}, format, args);
    va_end(args);
    return OO_INVALID;
}

oo_status oo__read_defect(oo__reader *r, oo_status failure) {
    enum { MAX_DEFECTS = 1000 };
    if (failure == OO_OK || !r->collect || r->model->defects >= MAX_DEFECTS)
        return failure;
    r->model->defects++;
    return OO_OK;
}

/* ---- protobuf-c ---- */
static void *message_alloc(void *arena, size_t size) { return oo__arena_take(arena, size); }
static void message_free(void *arena, void *block) {
    (void)arena;
    (void)block;
}

static ProtobufCMessage *refuse(const oo__reader *r, const ProtobufCMessageDescriptor *type, const oo__check *check) {
    const char *const field = check->field ? check->field : "";
    oo__read_fail(r, "load-malformed", check->where, "%s is malformed: %s%s%s%s", type->short_name,
                  check->error ? check->error : "protobuf refuses it", *field ? " (" : "", field, *field ? ")" : "");
    return NULL;
}

static oo_status too_large(const oo__reader *r, const char *what, const uint8_t *where) {
    return oo__read_fail(r, "load-too-large", where, "%s has more than %d bytes besides the data of tensors", what, MAX_UNPACKED);
}

/* Pages that were read are given back from time to time, so that a large file does not fill memory: a look at a few bytes may map a
 * large folio. A list that stands before the last one is started anew. */
static void give_back(oo__reader *r, const uint8_t *at) {
    const oo_source *const source = r->source;
    if (at < r->forgotten)
        r->forgotten = at;
    if ((size_t)(at - r->forgotten) <= FORGET_STEP)
        return;
    oo__source_forget(source, (uint64_t)(r->forgotten - source->bytes), (uint64_t)(at - r->forgotten));
    r->forgotten = at;
}

void oo__read_start(oo__reader *r, const oo__range *item) {
    oo__arena_reset(r->messages);
    r->cuts.n = 0;
    r->item = item->data;
    if (r->forgotten)
        give_back(r, item->data);
}

/* What protobuf-c makes of a message that was checked, its payloads cut out. */
static ProtobufCMessage *unpack(oo__reader *r, const oo__check *check, const ProtobufCMessageDescriptor *type, oo__range message) {
    static const uint8_t nothing[1];
    if (check->heavy) {
        r->skeleton.n = 0;
        oo__wire_cut(&r->skeleton, &r->cuts, type, message.data, message.size);
        message = (oo__range){r->skeleton.n ? r->skeleton.data : nothing, r->skeleton.n};
    }
    return protobuf_c_message_unpack(type, &r->allocator, message.size, message.data);
}

ProtobufCMessage *oo__read_part(oo__reader *r, const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size) {
    const oo__check check = oo__wire_check(type, data, size, 1);
    return check.error ? NULL : unpack(r, &check, type, (oo__range){data, size});
}

ProtobufCMessage *oo__read_item_message(oo__reader *r, const ProtobufCMessageDescriptor *type, const oo__range *item) {
    r->cuts.n = 0;
    const oo__check check = oo__wire_check(type, item->data, item->size, 0);
    if (check.error)
        return refuse(r, type, &check);
    if (item->size - check.heavy > MAX_UNPACKED) {
        too_large(r, type->short_name, item->data);
        return NULL;
    }
    ProtobufCMessage *const message = unpack(r, &check, type, *item);
    if (message)
        return message;
    const oo__check reason = oo__wire_explain(type, item->data, item->size);
    return refuse(r, type, &reason);
}

/* ---- walking ---- */
typedef struct walker {
    oo__reader *r;
    oo__cursor cursor;
} walker;

static bool walk(walker *w, oo__field *f) {
    give_back(w->r, w->cursor.at);
    return oo__wire_next(&w->cursor, f);
}

static walker walk_over(oo__reader *r, const uint8_t *data, uint64_t size) {
    return (walker){r, {data, data + size, NULL}};
}

static oo_status walk_result(const walker *w) {
    if (!w->cursor.error)
        return OO_OK;
    return oo__read_fail(w->r, "load-malformed", w->cursor.at, "not an ONNX model, or a damaged one: %s", w->cursor.error);
}

static oo_status keep_field(const oo__reader *r, oo__buffer *rest, const oo__field *f) {
    const size_t size = (size_t)(f->data + f->size - f->start);
    if (size > MAX_UNPACKED - rest->n)
        return too_large(r, "what the file holds besides nodes and tensors", f->start);
    oo__buffer_add(rest, f->start, size);
    return OO_OK;
}

/* ---- the main graph ---- */
static void free_source(oo__graph_source *s) {
    oo_vec_free(&s->nodes);
    oo_vec_free(&s->initializers);
    oo_vec_free(&s->infos);
}

/* Splits a GraphProto into the lists that are streamed and the rest. */
static oo_status split_graph(oo__reader *r, oo__graph_source *s, oo__buffer *rest, const uint8_t *data, uint64_t size) {
    walker w = walk_over(r, data, size);
    oo__field f;
    while (walk(&w, &f)) {
        oo__ranges *const list = f.wire != OO__WIRE_BYTES ? NULL
                                 : f.number == 1          ? &s->nodes
                                 : f.number == 5          ? &s->initializers
                                 : f.number == 13         ? &s->infos
                                                          : NULL;
        if (list)
            oo_vec_push(NULL, list, (oo__range){f.data, f.size});
        else
            OO_TRY(keep_field(r, rest, &f));
    }
    return walk_result(&w);
}

/* The rest of a split message, in memory of its own: it must outlive the streamed items. Tensors in it (of sparse initializers) are
 * not cut: offsets into the file would be lost, so they stay whole. */
static ProtobufCMessage *unpack_rest(oo__reader *r, ProtobufCAllocator *allocator, const ProtobufCMessageDescriptor *type,
                                     const oo__buffer *rest) {
    static const uint8_t nothing[1];
    const uint8_t *const data = rest->n ? rest->data : nothing;
    const oo__check check = oo__wire_check(type, data, rest->n, 0);
    if (check.error)
        return refuse(r, type, &check);
    ProtobufCMessage *const message = protobuf_c_message_unpack(type, allocator, rest->n, data);
    if (message)
        return message;
    const oo__check reason = oo__wire_explain(type, data, rest->n);
    return refuse(r, type, &reason);
}

static oo_status read_main_graph(oo__reader *r, const oo__range *range, oo_arena *arena) {
    oo__graph_source s = {.streamed = true};
    oo__buffer rest = {0};
    ProtobufCAllocator allocator = {message_alloc, message_free, arena};
    r->item = range->data;
    oo_status status = split_graph(r, &s, &rest, range->data, range->size);
    if (status == OO_OK) {
        const size_t names = (size_t)2 * s.nodes.n + s.initializers.n; /* a name and an output a node; damaged files promise anything */
        oo__intern_expect(r->model->strings, names < range->size / 16 ? names : range->size / 16);
        s.message = (const Onnx__GraphProto *)unpack_rest(r, &allocator, &onnx__graph_proto__descriptor, &rest);
        status = s.message ? oo__read_graph(r->model->graph, r, &s) : OO_INVALID;
    }
    oo_vec_free(&rest);
    free_source(&s);
    return status;
}

/* ---- the model ---- */
typedef struct parts {
    oo__ranges graphs, trainings, functions;
    oo__buffer rest;
} parts;

static oo_status split_model(oo__reader *r, parts *p) {
    walker w = walk_over(r, r->source->bytes, r->source->size);
    oo__field f;
    while (walk(&w, &f)) {
        oo__ranges *const list = f.wire != OO__WIRE_BYTES ? NULL
                                 : f.number == 7          ? &p->graphs
                                 : f.number == 20         ? &p->trainings
                                 : f.number == 25         ? &p->functions
                                                          : NULL;
        if (list)
            oo_vec_push(NULL, list, (oo__range){f.data, f.size});
        else
            OO_TRY(keep_field(r, &p->rest, &f));
    }
    return walk_result(&w);
}

static oo_status read_head(oo__reader *r, const parts *p, oo_arena *arena) {
    ProtobufCAllocator allocator = {message_alloc, message_free, arena};
    const Onnx__ModelProto *const m = (const Onnx__ModelProto *)unpack_rest(r, &allocator, &onnx__model_proto__descriptor, &p->rest);
    if (!m)
        return OO_INVALID;
    oo_model *const model = r->model;
    model->has_ir_version = m->has_ir_version;
    model->ir_version = m->ir_version;
    model->has_model_version = m->has_model_version;
    model->model_version = m->model_version;
    model->producer_name = oo__read_text(r, m->has_producer_name, m->producer_name);
    model->producer_version = oo__read_text(r, m->has_producer_version, m->producer_version);
    model->domain = oo__read_text(r, m->has_domain, m->domain);
    model->doc = oo__read_text(r, m->has_doc_string, m->doc_string);
    model->unknown = oo__read_unknown(r, &m->base);
    OO_TRY(oo__read_opsets(r, &model->opsets, m->opset_import, m->n_opset_import));
    oo__read_props(r, &model->metadata, m->metadata_props, m->n_metadata_props);
    for (size_t i = 0; i < m->n_configuration; i++)
        oo_vec_push(model->arena, &model->configurations, oo__read_packed(r, &m->configuration[i]->base));
    return OO_OK;
}

static oo_status read_items(oo__reader *r, const oo__ranges *ranges, const ProtobufCMessageDescriptor *type) {
    for (uint32_t i = 0; i < ranges->n; i++) {
        oo__read_start(r, &ranges->data[i]);
        const ProtobufCMessage *const m = oo__read_item_message(r, type, &ranges->data[i]);
        if (!m)
            return OO_INVALID;
        OO_TRY(type == &onnx__function_proto__descriptor ? oo__read_function(r, (const Onnx__FunctionProto *)m)
                                                         : oo__read_training(r, (const Onnx__TrainingInfoProto *)m));
    }
    return OO_OK;
}

static oo_status read_parts(oo__reader *r, const parts *p, oo_arena *arena) {
    OO_TRY(read_head(r, p, arena));
    if (p->graphs.n != 1)
        return oo__read_fail(r, "load-no-graph", NULL, p->graphs.n ? "the model has more than one graph"
                                                                   : "not an ONNX model: it has no graph");
    r->model->graph = oo__graph_new(r->model, NULL);
    oo__binder_open(r->binder, r->model->graph);
    OO_TRY(read_main_graph(r, &p->graphs.data[0], arena));
    OO_TRY(read_items(r, &p->trainings, &onnx__training_info_proto__descriptor));
    if (!oo__binder_close(r->binder))
        return OO_INVALID;
    OO_TRY(read_items(r, &p->functions, &onnx__function_proto__descriptor));
    OO_TRY(oo__read_defect(r, oo__model_check_acyclic(r->model)));
    return oo__read_defect(r, oo__model_check_calls(r->model));
}

static void free_parts(parts *p) {
    oo_vec_free(&p->graphs);
    oo_vec_free(&p->trainings);
    oo_vec_free(&p->functions);
    oo_vec_free(&p->rest);
}

/* ---- opening ---- */
void oo__read_folders(oo__reader *r, const char *path) {
    if (!path || strcmp(path, "-") == 0)
        return;
    const char *const slash = strrchr(path, '/');
    oo_arena *const arena = r->model->arena;
    r->folder = slash ? oo__arena_copy(arena, path, (size_t)(slash - path + 1)) : oo__arena_copy(arena, "./", 2);
    char *const real = realpath(path, NULL);
    if (!real)
        return;
    r->real_folder = oo__arena_copy(arena, real, (size_t)(strrchr(real, '/') - real + 1));
    free(real);
}

/* Takes the source over, also on failure. */
static oo_status read_source(oo_model **out, oo_context *context, oo_source *source, const char *path, bool collect) {
    oo__reader r = {.context = context, .source = source, .model = oo__model_new(context, path), .messages = oo__arena_new(), .plain = oo__plain_new(),
                   .collect = collect};
    r.forgotten = source->bytes;
    if (source->size <= FORGET_STEP)
        oo__source_expect(source);
    r.allocator = (ProtobufCAllocator){message_alloc, message_free, r.messages};
    r.binder = oo__binder_new(r.model);
    if (collect)
        oo__binder_collect(r.binder);
    oo_vec_push(r.model->arena, &r.model->sources, source);
    oo__read_folders(&r, path);
    oo_arena *const rest = oo__arena_new();
    parts p = {0};
    oo_status status = OO_OK;
    if (source->size == 0)
        status = oo__read_fail(&r, "load-empty", NULL, "the file is empty");
    if (status == OO_OK)
        status = split_model(&r, &p);
    if (status == OO_OK)
        status = read_parts(&r, &p, rest);
    oo__source_forget(source, 0, source->size);
    free_parts(&p);
    oo__arena_free(rest);
    oo__binder_free(r.binder);
    oo__arena_free(r.messages);
    oo_vec_free(&r.skeleton);
    oo_vec_free(&r.cuts);
    oo__plain_free(r.plain);
    if (status != OO_OK) {
        oo_model_free(r.model);
        return status;
    }
    *out = r.model;
    return OO_OK;
}

oo_status oo_model_load(oo_model **out, oo_context *context, const char *path) {
    *out = NULL;
    oo_source *source;
    OO_TRY(oo__source_open(&source, context, path));
    return read_source(out, context, source, path, false);
}

oo_status oo__model_load_defective(oo_model **out, oo_context *context, const char *path) {
    *out = NULL;
    oo_source *source;
    OO_TRY(oo__source_open(&source, context, path));
    return read_source(out, context, source, path, true);
}

oo_status oo__model_read_defective(oo_model **out, oo_context *context, const void *bytes, uint64_t size, const char *path) {
    *out = NULL;
    return read_source(out, context, oo__source_memory(bytes, size, path), path, true);
}

oo_status oo__model_read(oo_model **out, oo_context *context, const void *bytes, uint64_t size, const char *path) {
    *out = NULL;
    return read_source(out, context, oo__source_memory(bytes, size, path), path, false);
}
