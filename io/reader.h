/* What the parts of the binary reader share. Private to io/. */
#ifndef IO_READER_H
#define IO_READER_H
#include "io/io.h"
#include "io/wire.h"
#include "onnx.pb-c.h"

typedef struct oo__reader {
    oo_context *context;
    oo_model *model;
    oo_source *source;
    oo_binder *binder;
    oo_arena *messages;        /* protobuf-c unpacks into it; reset after each top-level item */
    ProtobufCAllocator allocator;
    oo__buffer skeleton;
    oo__cuts cuts;             /* payloads cut out of the current item */
    struct oo__plain *plain;   /* private to io/read_plain.c */
    const uint8_t *item;       /* of the current item, for byte offsets in messages */
    const uint8_t *forgotten;  /* pages of the file before this were given back */
    const char *folder;        /* of external data, in the model's arena; NULL = none */
    const char *real_folder;   /* canonical folder of the model file */
    bool collect;              /* defects that leave the file readable are told and counted, and reading goes on */
} oo__reader;

/* Errors that are about a place in the file. Returns OO_INVALID. */
oo_status oo__read_fail(const oo__reader *r, const char *code, const uint8_t *where, const char *format, ...) OO_PRINTF(4, 5);

/* Forwards a failure that was told, or counts it and lets reading go on where defects are collected. */
oo_status oo__read_defect(oo__reader *r, oo_status failure);

/* Text of a bytes field: interned, NULL when absent. */
const char *oo__read_text(const oo__reader *r, protobuf_c_boolean has, ProtobufCBinaryData text);
/* A list item's text: never NULL. */
const char *oo__read_item(const oo__reader *r, ProtobufCBinaryData text);
oo_bytes oo__read_bytes(const oo__reader *r, ProtobufCBinaryData data);
/* The unknown fields of a message as they were on the wire. */
oo_bytes oo__read_unknown(const oo__reader *r, const ProtobufCMessage *message);
/* The whole message packed again. */
oo_bytes oo__read_packed(const oo__reader *r, const ProtobufCMessage *message);
void oo__read_props(const oo__reader *r, oo_props *out, Onnx__StringStringEntryProto *const *entries, size_t count);
oo_status oo__read_opsets(const oo__reader *r, oo_opsets *out, Onnx__OperatorSetIdProto *const *entries, size_t count);
/* Whether a message or one inside it has unknown fields. */
bool oo__read_has_unknown(const ProtobufCMessage *message);

const oo_type *oo__read_type(const oo__reader *r, const Onnx__TypeProto *message);
oo_status oo__read_tensor(oo_tensor **out, oo__reader *r, const Onnx__TensorProto *message);
oo_status oo__read_sparse(oo_sparse **out, oo__reader *r, const Onnx__SparseTensorProto *message);
/* `graph` is the graph of the node that holds the attribute; its subgraphs are read at once. `node` NULL: a function's default. */
oo_status oo__read_attr(oo_attr **out, oo__reader *r, oo_graph *graph, oo_node *node, const Onnx__AttributeProto *message);

/* Begins with an item of the file: forgets the messages of the one before. */
void oo__read_start(oo__reader *r, const oo__range *item);
/* Unpacks an item: checked, payloads cut out. NULL after a diagnostic. Valid until the next oo__read_start. */
ProtobufCMessage *oo__read_item_message(oo__reader *r, const ProtobufCMessageDescriptor *type, const oo__range *item);
/* Unpacks a message that an item holds itself. NULL, without a diagnostic, where it cannot be. */
ProtobufCMessage *oo__read_part(oo__reader *r, const ProtobufCMessageDescriptor *type, const uint8_t *data, uint64_t size);

/* Nodes and value_info of the file that hold nothing but what ONNX gives them, read without protobuf-c. False or NULL is no verdict: such
 * an item is to be unpacked as any other. */
typedef struct oo__plain oo__plain;
oo__plain *oo__plain_new(void);
void oo__plain_free(oo__plain *plain);
/* A node as protobuf-c would unpack it, but for its metadata, which comes beside. Valid until the next one. */
const Onnx__NodeProto *oo__plain_node(oo_props *metadata, oo__reader *r, const oo__range *item);
/* A value_info as the graph keeps it; its value is not known yet. */
bool oo__plain_info(oo_value_info *out, oo__reader *r, const oo__range *item);

/* The fields of a GraphProto: either already unpacked (a subgraph) or ranges of the file that are unpacked one by one. */
typedef struct oo__graph_source {
    const Onnx__GraphProto *message; /* unpacked graph, or what is left of it when the lists are ranges */
    bool streamed;
    oo__ranges nodes, initializers, infos;
} oo__graph_source;
oo_status oo__read_graph(oo_graph *graph, oo__reader *r, const oo__graph_source *source);
oo_status oo__read_function(oo__reader *r, const Onnx__FunctionProto *message);
oo_status oo__read_training(oo__reader *r, const Onnx__TrainingInfoProto *message);

/* Sets the folders of external data from the path of the model file (NULL or "-": there are none). */
void oo__read_folders(oo__reader *r, const char *path);
/* Finds and maps the file of an external tensor and sets its payload. Nothing is done when the file is missing. */
oo_status oo__read_external(oo__reader *r, oo_tensor *tensor);
#endif
