/* Reads and writes values as ONNX's test data sets hold them. */
#include "io/value.h"

#include "io/reader.h"
#include "io/writer.h"
#include "onnx-data.pb-c.h"

#include <string.h>

static void *message_alloc(void *arena, size_t size) { return oo__arena_take(arena, size); }
static void message_free(void *arena, void *block) {
    (void)arena;
    (void)block;
}

/* ---- kinds as the messages number them ---- */
static oo_kind kind_of(int32_t number) {
    static const oo_kind KINDS[] = {OO_TYPE_NONE, OO_TYPE_TENSOR, OO_TYPE_SPARSE_TENSOR, OO_TYPE_SEQUENCE, OO_TYPE_MAP, OO_TYPE_OPTIONAL};
    return number >= 0 && number < (int32_t)(sizeof KINDS / sizeof *KINDS) ? KINDS[number] : OO_TYPE_NONE;
}

static uint64_t number_of(oo_kind kind) {
    switch (kind) {
    case OO_TYPE_TENSOR: return 1;
    case OO_TYPE_SPARSE_TENSOR: return 2;
    case OO_TYPE_SEQUENCE: return 3;
    case OO_TYPE_MAP: return 4;
    case OO_TYPE_OPTIONAL: return 5;
    default: return 0;
    }
}

/* ---- reading ---- */
static oo_status read_sequence(oo_value_tree *tree, oo__reader *r, const Onnx__SequenceProto *m);
static oo_status read_map(oo_value_tree *tree, oo__reader *r, const Onnx__MapProto *m);
static oo_status read_optional(oo_value_tree *tree, oo__reader *r, const Onnx__OptionalProto *m);

/* A message of this kind into a tree. Messages are nested at most as deep as the wire check allows. */
static oo_status read_value(oo_value_tree **out, oo__reader *r, oo_kind kind, const void *message) {
    oo_value_tree *const tree = *out = OO_NEW(r->model->arena, oo_value_tree);
    tree->kind = kind;
    switch (kind) {
    case OO_TYPE_TENSOR: return oo__read_tensor(&tree->tensor, r, message);
    case OO_TYPE_SPARSE_TENSOR: return oo__read_sparse(&tree->sparse, r, message);
    case OO_TYPE_SEQUENCE: return read_sequence(tree, r, message);
    case OO_TYPE_MAP: return read_map(tree, r, message);
    case OO_TYPE_OPTIONAL: return read_optional(tree, r, message);
    default: return oo__read_fail(r, "value-kind", r->item, "a value of this kind cannot be in a file");
    }
}

static oo_status read_items(oo_value_tree *tree, oo__reader *r, size_t count, void *const *messages) {
    tree->nitems = (uint32_t)count;
    tree->items = OO_NEW_ARRAY(r->model->arena, oo_value_tree *, count);
    for (size_t i = 0; i < count; i++)
        OO_TRY(read_value(&tree->items[i], r, tree->inner, messages[i]));
    return OO_OK;
}

static oo_status read_sequence(oo_value_tree *tree, oo__reader *r, const Onnx__SequenceProto *m) {
    const struct {
        oo_kind kind;
        size_t count;
        void *const *messages;
    } lists[] = {{OO_TYPE_TENSOR, m->n_tensor_values, (void *const *)m->tensor_values},
                 {OO_TYPE_SPARSE_TENSOR, m->n_sparse_tensor_values, (void *const *)m->sparse_tensor_values},
                 {OO_TYPE_SEQUENCE, m->n_sequence_values, (void *const *)m->sequence_values},
                 {OO_TYPE_MAP, m->n_map_values, (void *const *)m->map_values},
                 {OO_TYPE_OPTIONAL, m->n_optional_values, (void *const *)m->optional_values}};
    size_t used = 0, at = 0;
    tree->inner = kind_of(m->elem_type);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!lists[i].count)
            continue;
        used++;
        at = i;
    }
    if (!used)
        return OO_OK;
    if (used > 1 || (tree->inner && tree->inner != lists[at].kind))
        return oo__read_fail(r, "value-sequence", r->item, "a sequence holds items of another kind than it says");
    tree->inner = lists[at].kind;
    return read_items(tree, r, lists[at].count, lists[at].messages);
}

/* Integer keys in the width of their type. */
static oo_tensor *integer_keys(const oo__reader *r, oo_elem elem, const Onnx__MapProto *m) {
    const uint32_t width = oo__elem_bits((int32_t)elem) / 8;
    const int64_t dims[] = {(int64_t)m->n_keys};
    uint8_t *const bytes = oo__arena_array(r->messages, m->n_keys, width);
    for (size_t i = 0; i < m->n_keys; i++)
        memcpy(bytes + i * width, &m->keys[i], width);
    return oo_tensor_make(r->model, elem, 1, dims, bytes);
}

static oo_tensor *string_keys(const oo__reader *r, const Onnx__MapProto *m) {
    const int64_t dims[] = {(int64_t)m->n_string_keys};
    oo_tensor *const t = oo__tensor_new(r->model, OO_STRING, 1, dims, NULL);
    t->storage = OO_STORE_STRINGS;
    for (size_t i = 0; i < m->n_string_keys; i++)
        oo_vec_push(r->model->arena, &t->strings, oo__read_bytes(r, m->string_keys[i]));
    return t;
}

static bool is_key(oo_elem elem) {
    return elem == OO_STRING || elem == OO_INT64 || elem == OO_UINT64 || (elem >= OO_UINT8 && elem <= OO_INT32) || elem == OO_UINT32;
}

static oo_status read_map(oo_value_tree *tree, oo__reader *r, const Onnx__MapProto *m) {
    const oo_elem elem = oo__elem_name(m->key_type) ? (oo_elem)m->key_type : OO_UNDEFINED;
    if (!is_key(elem) || (elem == OO_STRING ? m->n_keys : m->n_string_keys))
        return oo__read_fail(r, "value-map", r->item, "a map has keys of another type than it says");
    tree->tensor = elem == OO_STRING ? string_keys(r, m) : integer_keys(r, elem, m);
    tree->inner = OO_TYPE_SEQUENCE;
    Onnx__SequenceProto none = ONNX__SEQUENCE_PROTO__INIT;
    void *const values[] = {m->values ? m->values : &none};
    OO_TRY(read_items(tree, r, 1, values));
    if (tree->items[0]->nitems != tree->tensor->count)
        return oo__read_fail(r, "value-map", r->item, "a map has %llu keys and %u values", (unsigned long long)tree->tensor->count,
                             tree->items[0]->nitems);
    return OO_OK;
}

static oo_status read_optional(oo_value_tree *tree, oo__reader *r, const Onnx__OptionalProto *m) {
    const struct {
        oo_kind kind;
        void *message;
    } fields[] = {{OO_TYPE_TENSOR, m->tensor_value},
                  {OO_TYPE_SPARSE_TENSOR, m->sparse_tensor_value},
                  {OO_TYPE_SEQUENCE, m->sequence_value},
                  {OO_TYPE_MAP, m->map_value},
                  {OO_TYPE_OPTIONAL, m->optional_value}};
    tree->inner = kind_of(m->elem_type);
    const size_t count = sizeof fields / sizeof *fields;
    size_t used = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].message)
            continue;
        used++;
        at = i;
    }
    if (!used)
        return OO_OK;
    if (used > 1 || (tree->inner && tree->inner != fields[at].kind))
        return oo__read_fail(r, "value-optional", r->item, "an optional holds a value of another kind than it says");
    tree->inner = fields[at].kind;
    return read_items(tree, r, 1, &fields[at].message);
}

static const ProtobufCMessageDescriptor *descriptor_of(oo_kind kind) {
    switch (kind) {
    case OO_TYPE_TENSOR: return &onnx__tensor_proto__descriptor;
    case OO_TYPE_SPARSE_TENSOR: return &onnx__sparse_tensor_proto__descriptor;
    case OO_TYPE_SEQUENCE: return &onnx__sequence_proto__descriptor;
    case OO_TYPE_MAP: return &onnx__map_proto__descriptor;
    case OO_TYPE_OPTIONAL: return &onnx__optional_proto__descriptor;
    default: return NULL;
    }
}

oo_status oo__value_read(oo_value_tree **out, oo_model *model, const char *path, oo_kind kind) {
    *out = NULL;
    const ProtobufCMessageDescriptor *const type = descriptor_of(kind);
    oo_source *source;
    OO_TRY(oo__source_open(&source, model->context, path));
    oo_vec_push(model->arena, &model->sources, source);
    oo__reader r = {.context = model->context, .source = source, .model = model, .messages = oo__arena_new()};
    r.allocator = (ProtobufCAllocator){message_alloc, message_free, r.messages};
    r.item = source->bytes;
    oo_status status = type ? OO_OK : oo__read_fail(&r, "value-kind", NULL, "a value of this kind cannot be read from a file");
    if (status == OO_OK) {
        /* An empty file is an empty message: a tensor without type, or a container without items. */
        static const uint8_t nothing[1];
        const oo__range item = {source->size ? source->bytes : nothing, source->size};
        const ProtobufCMessage *const m = oo__read_item_message(&r, type, &item);
        status = m ? read_value(out, &r, kind, m) : OO_INVALID;
    }
    if (status != OO_OK)
        *out = NULL;
    oo__arena_free(r.messages);
    oo_vec_free(&r.skeleton);
    oo_vec_free(&r.cuts);
    return status;
}

/* ---- writing: every message is put together from its end ---- */
static void write_value(oo__writer *w, const oo_value_tree *tree);

static void write_field(oo__writer *w, uint32_t field, const oo_value_tree *tree) {
    const uint64_t mark = oo__emit_size(w->emit);
    write_value(w, tree);
    oo__emit_close(w->emit, field, mark);
}

static void write_map(oo__writer *w, const oo_value_tree *tree) {
    Onnx__MapProto m = ONNX__MAP_PROTO__INIT;
    const oo_tensor *const keys = tree->tensor;
    if (tree->nitems)
        write_field(w, 5, tree->items[0]);
    m.has_key_type = true;
    m.key_type = keys->elem;
    if (keys->elem == OO_STRING) {
        m.n_string_keys = keys->strings.n;
        m.string_keys = OO_NEW_ARRAY(w->messages, ProtobufCBinaryData, keys->strings.n);
        for (uint32_t i = 0; i < keys->strings.n; i++)
            m.string_keys[i] = (ProtobufCBinaryData){keys->strings.data[i].size, (uint8_t *)(uintptr_t)keys->strings.data[i].data};
    } else {
        const uint32_t width = oo__elem_bits(keys->elem) / 8;
        const bool is_signed = keys->elem == OO_INT8 || keys->elem == OO_INT16 || keys->elem == OO_INT32;
        const uint8_t *const bytes = oo__tensor_bytes(keys, w->messages);
        m.n_keys = bytes ? keys->count : 0;
        m.keys = OO_NEW_ARRAY(w->messages, int64_t, m.n_keys);
        for (size_t i = 0; i < m.n_keys; i++) {
            memcpy(&m.keys[i], bytes + i * width, width);
            if (is_signed && m.keys[i] >> (8 * width - 1))
                m.keys[i] -= INT64_C(1) << (8 * width);
        }
    }
    oo__emit_message(w->emit, &m.base);
}

static void write_container(oo__writer *w, const oo_value_tree *tree) {
    const uint64_t kind = number_of(tree->nitems ? tree->items[0]->kind : tree->inner);
    for (uint32_t i = tree->nitems; i-- > 0;)
        write_field(w, (uint32_t)kind + 2, tree->items[i]);
    oo__emit_varint_field(w->emit, 2, kind);
}

static void write_value(oo__writer *w, const oo_value_tree *tree) {
    switch (tree->kind) {
    case OO_TYPE_TENSOR: oo__write_tensor(w, tree->tensor, tree->tensor->name); break;
    case OO_TYPE_SPARSE_TENSOR: oo__write_sparse(w, tree->sparse, NULL); break;
    case OO_TYPE_MAP: write_map(w, tree); break;
    case OO_TYPE_SEQUENCE:
    case OO_TYPE_OPTIONAL: write_container(w, tree); break;
    default: break;
    }
}

/* Some tensor's model, which messages need. */
static oo_model *model_of(const oo_value_tree *tree) {
    if (tree->tensor)
        return tree->tensor->model;
    if (tree->sparse && tree->sparse->values)
        return tree->sparse->values->model;
    oo_model *model = NULL;
    for (uint32_t i = 0; i < tree->nitems && !model; i++)
        model = model_of(tree->items[i]);
    return model;
}

oo_status oo__value_write(oo_context *context, const oo_value_tree *tree, const char *path) {
    oo__writer w = {.model = model_of(tree), .path = path, .emit = oo__emit_new(), .messages = oo__arena_new()};
    w.allocator = (ProtobufCAllocator){message_alloc, message_free, w.messages};
    w.options.external = OO_EXTERNAL_INLINE;
    write_value(&w, tree);
    oo_output *output;
    oo_status status = w.status;
    if (status == OO_OK && oo__emit_size(w.emit) > INT32_MAX) {
        oo__file_error(context, "save-too-large", path, -1, "the value has %llu bytes, more than one protobuf message can have",
                       (unsigned long long)oo__emit_size(w.emit));
        status = OO_LIMIT;
    }
    if (status == OO_OK)
        status = oo__output_open(&output, context, path);
    if (status == OO_OK && oo__emit_write(w.emit, output)) {
        status = oo__output_commit(output);
    } else if (status == OO_OK) {
        oo__output_discard(output);
        oo__file_error(context, "save-data", path, -1, "the data of a tensor cannot be had");
        status = OO_IO;
    }
    oo__emit_free(w.emit);
    oo__arena_free(w.messages);
    return status;
}
