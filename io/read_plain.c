/* Nodes and value_info are most of what a file says. Where they hold nothing but what ONNX gives them, each once, they are read here: texts
 * stay in the file until they are names, metadata and types become what the model keeps, and protobuf-c unpacks attributes alone, but for
 * integers and texts. What is odd in any way is left to protobuf-c as a whole, and so are the messages about it. */
#include "io/reader.h"

#include <string.h>

enum { RECENT = 16, MAX_PLAIN = INT32_MAX };

struct oo__plain {
    Onnx__NodeProto node;
    oo_vec(ProtobufCBinaryData) inputs, outputs;
    oo_vec(Onnx__AttributeProto *) attributes;
    oo_vec(int64_t) ints;
    oo_props metadata;
    oo_vec(oo_dim) dims;
    const char *recent[RECENT]; /* texts of the last item's metadata */
};

oo__plain *oo__plain_new(void) {
    oo__plain *const p = oo__malloc(sizeof *p);
    *p = (oo__plain){.node = ONNX__NODE_PROTO__INIT};
    return p;
}

void oo__plain_free(oo__plain *p) {
    oo_vec_free(&p->inputs);
    oo_vec_free(&p->outputs);
    oo_vec_free(&p->attributes);
    oo_vec_free(&p->ints);
    oo_vec_free(&p->metadata);
    oo_vec_free(&p->dims);
    free(p);
}

static oo__cursor inside(const oo__field *f) { return (oo__cursor){f->data, f->data + f->size, NULL}; }
static ProtobufCBinaryData text_of(const oo__field *f) { return (ProtobufCBinaryData){f->size, (uint8_t *)(uintptr_t)f->data}; }
static const char *name_of(const oo__reader *r, const oo__field *f) { return oo__str_n(r->model, f->data, f->size); }

/* ---- metadata ---- */
/* Neighbouring nodes mostly say the same, in the same order: then a comparison does, and the name table is not asked. */
static const char *read_repeated(oo__reader *r, uint32_t slot, const oo__range *text) {
    if (!text->data)
        return NULL;
    const char **const last = &r->plain->recent[slot % RECENT];
    if (!*last || oo__str_len(*last) != text->size || memcmp(*last, text->data, text->size) != 0)
        *last = oo__str_n(r->model, text->data, text->size);
    return *last;
}

static bool add_metadata(oo__reader *r, const oo__field *entry) {
    oo_props *const list = &r->plain->metadata;
    oo__cursor c = inside(entry);
    oo__range texts[2] = {{0}};
    oo__field f;
    while (oo__wire_next(&c, &f)) {
        if (f.number > 2 || f.wire != OO__WIRE_BYTES)
            return false;
        texts[f.number - 1] = (oo__range){f.data, f.size};
    }
    const uint32_t slot = 2 * list->n;
    oo_vec_push(NULL, list, (oo_prop){.key = read_repeated(r, slot, &texts[0]), .value = read_repeated(r, slot + 1, &texts[1])});
    return !c.error;
}

static oo_props kept_metadata(const oo__reader *r) {
    const oo_props *const list = &r->plain->metadata;
    if (!list->n)
        return (oo_props){0};
    return (oo_props){(oo_prop *)(void *)oo__arena_copy(r->model->arena, list->data, list->n * sizeof *list->data), list->n, list->n};
}

/* ---- nodes ---- */
#define KEEP_TEXT(m, field, f) ((m)->has_##field = 1, (m)->field = text_of(f), true)

/* A field of an attribute that holds integers or a text; others are for protobuf-c. */
static bool add_attribute_field(oo__plain *p, Onnx__AttributeProto *m, const oo__field *f) {
    switch (f->number << 3 | f->wire) {
    case 1 << 3 | OO__WIRE_BYTES: return KEEP_TEXT(m, name, f);
    case 4 << 3 | OO__WIRE_BYTES: return KEEP_TEXT(m, s, f);
    case 3 << 3 | OO__WIRE_VARINT: return m->has_i = 1, m->i = (int64_t)f->value, true;
    case 20 << 3 | OO__WIRE_VARINT: return m->has_type = 1, m->type = (int32_t)f->value, true;
    case 8 << 3 | OO__WIRE_VARINT: oo_vec_push(NULL, &p->ints, (int64_t)f->value); return true;
    default: return false;
    }
}

static Onnx__AttributeProto *plain_attribute(oo__reader *r, const oo__field *attribute) {
    oo__plain *const p = r->plain;
    Onnx__AttributeProto m = ONNX__ATTRIBUTE_PROTO__INIT;
    p->ints.n = 0;
    oo__cursor c = inside(attribute);
    oo__field f;
    while (oo__wire_next(&c, &f))
        if (!add_attribute_field(p, &m, &f))
            return NULL;
    if (c.error)
        return NULL;
    m.n_ints = p->ints.n;
    m.ints = m.n_ints ? (int64_t *)(void *)oo__arena_copy(r->messages, p->ints.data, m.n_ints * sizeof *m.ints) : NULL;
    Onnx__AttributeProto *const kept = oo__arena_take(r->messages, sizeof m);
    *kept = m;
    return kept;
}

static bool add_attribute(oo__reader *r, const oo__field *f) {
    Onnx__AttributeProto *m = plain_attribute(r, f);
    if (!m)
        m = (Onnx__AttributeProto *)oo__read_part(r, &onnx__attribute_proto__descriptor, f->data, f->size);
    oo_vec_push(NULL, &r->plain->attributes, m);
    return m;
}

static bool add_node_field(oo__reader *r, const oo__field *f) {
    oo__plain *const p = r->plain;
    if (f->wire != OO__WIRE_BYTES)
        return false;
    switch (f->number) {
    case 1: oo_vec_push(NULL, &p->inputs, text_of(f)); return true;
    case 2: oo_vec_push(NULL, &p->outputs, text_of(f)); return true;
    case 3: return KEEP_TEXT(&p->node, name, f);
    case 4: return KEEP_TEXT(&p->node, op_type, f);
    case 5: return add_attribute(r, f);
    case 6: return KEEP_TEXT(&p->node, doc_string, f);
    case 7: return KEEP_TEXT(&p->node, domain, f);
    case 8: return KEEP_TEXT(&p->node, overload, f);
    case 9: return add_metadata(r, f);
    default: return false;
    }
}

const Onnx__NodeProto *oo__plain_node(oo_props *metadata, oo__reader *r, const oo__range *item) {
    oo__plain *const p = r->plain;
    if (item->size > MAX_PLAIN)
        return NULL;
    p->node = (Onnx__NodeProto)ONNX__NODE_PROTO__INIT;
    p->inputs.n = p->outputs.n = p->attributes.n = p->metadata.n = 0;
    oo__cursor c = {item->data, item->data + item->size, NULL};
    oo__field f;
    while (oo__wire_next(&c, &f))
        if (!add_node_field(r, &f))
            return NULL;
    if (c.error)
        return NULL;
    p->node.n_input = p->inputs.n;
    p->node.input = p->inputs.data;
    p->node.n_output = p->outputs.n;
    p->node.output = p->outputs.data;
    p->node.n_attribute = p->attributes.n;
    p->node.attribute = p->attributes.data;
    *metadata = kept_metadata(r);
    return &p->node;
}

/* ---- value_info ---- */
static bool read_dim(oo_dim *dim, const oo__reader *r, const oo__field *field) {
    oo__cursor c = inside(field);
    oo__field f;
    while (oo__wire_next(&c, &f)) {
        if (f.number == 1 && f.wire == OO__WIRE_VARINT && dim->kind == OO_DIM_NONE) {
            dim->kind = OO_DIM_VALUE;
            dim->value = (int64_t)f.value;
        } else if (f.number == 2 && f.wire == OO__WIRE_BYTES && dim->kind == OO_DIM_NONE) {
            dim->kind = OO_DIM_PARAM;
            dim->param = name_of(r, &f);
        } else if (f.number == 3 && f.wire == OO__WIRE_BYTES) {
            dim->denotation = name_of(r, &f);
        } else {
            return false;
        }
    }
    return !c.error;
}

static bool read_shape(oo_type *type, oo__reader *r, const oo__field *shape) {
    oo__plain *const p = r->plain;
    p->dims.n = 0;
    oo__cursor c = inside(shape);
    oo__field f;
    while (oo__wire_next(&c, &f)) {
        oo_dim dim = {0};
        if (f.number != 1 || f.wire != OO__WIRE_BYTES || !read_dim(&dim, r, &f))
            return false;
        oo_vec_push(NULL, &p->dims, dim);
    }
    type->has_shape = true;
    type->rank = p->dims.n;
    type->dims = (oo_dim *)(void *)oo__arena_copy(r->model->arena, p->dims.data, type->rank * sizeof *type->dims);
    return !c.error;
}

static bool read_tensor_type(oo_type *type, oo__reader *r, const oo__field *tensor) {
    oo__cursor c = inside(tensor);
    oo__field f;
    type->kind = OO_TYPE_TENSOR;
    while (oo__wire_next(&c, &f)) {
        if (f.number == 1 && f.wire == OO__WIRE_VARINT) {
            type->has_elem = true;
            type->elem = (int32_t)f.value;
        } else if (f.number != 2 || f.wire != OO__WIRE_BYTES || type->has_shape || !read_shape(type, r, &f)) {
            return false;
        }
    }
    return !c.error;
}

/* The type of a tensor; NULL for any other. */
static const oo_type *read_type(oo__reader *r, const oo__field *field) {
    oo_type *const type = OO_NEW(r->model->arena, oo_type);
    oo__cursor c = inside(field);
    oo__field f;
    while (oo__wire_next(&c, &f)) {
        if (f.wire != OO__WIRE_BYTES)
            return NULL;
        if (f.number == 6)
            type->denotation = name_of(r, &f);
        else if (f.number != 1 || type->kind != OO_TYPE_NONE || !read_tensor_type(type, r, &f))
            return NULL;
    }
    return c.error || type->kind == OO_TYPE_NONE ? NULL : type;
}

static bool read_info_field(oo_value_info *info, oo__reader *r, const oo__field *f) {
    if (f->wire != OO__WIRE_BYTES)
        return false;
    switch (f->number) {
    case 1: info->name = name_of(r, f); return true;
    case 2: return !info->type && (info->type = read_type(r, f));
    case 3: info->doc = name_of(r, f); return true;
    case 4: return add_metadata(r, f);
    default: return false;
    }
}

bool oo__plain_info(oo_value_info *out, oo__reader *r, const oo__range *item) {
    if (item->size > MAX_PLAIN)
        return false;
    *out = (oo_value_info){0};
    r->plain->metadata.n = 0;
    oo__cursor c = {item->data, item->data + item->size, NULL};
    oo__field f;
    while (oo__wire_next(&c, &f))
        if (!read_info_field(out, r, &f))
            return false;
    out->metadata = kept_metadata(r);
    return !c.error;
}
