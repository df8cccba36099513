/* What the parts of the binary writer share. Private to io/. */
#ifndef IO_WRITER_H
#define IO_WRITER_H
#include "io/emit.h"
#include "io/io.h"
#include "onnx.pb-c.h"

typedef struct oo__writer {
    oo_model *model;
    oo__emit *emit;
    oo_arena *messages;          /* message structs; reset after each top-level item */
    ProtobufCAllocator allocator;
    oo_save_options options;
    const char *path;
    bool same_folder;            /* the output lies where the model was read: external files need no copy */
    const char *data_name;       /* file name of split data */
    oo_vec(const oo_tensor *) split; /* tensors that go to the data file, in order */
    oo_vec(uint64_t) offsets;    /* their offsets */
    uint64_t data_size;
    oo_status status;            /* first failure */
} oo__writer;

/* Text as a protobuf-c field pair. */
#define OO__SET_TEXT(message, field, text)                                                                             \
    ((message)->has_##field = (text) != NULL, (message)->field = oo__write_text(text))
ProtobufCBinaryData oo__write_text(const char *interned);
/* Puts a text in front, as field `field` of the message that is being put together; nothing for NULL. */
void oo__write_text_field(oo__writer *w, uint32_t field, const char *interned);
/* Puts StringStringEntryProtos in front, as field `field` of the message that is being put together. */
void oo__write_props(oo__writer *w, uint32_t field, const oo_props *props);
Onnx__OperatorSetIdProto **oo__write_opsets(oo__writer *w, const oo_opsets *opsets);
/* Each puts one message in front, without tag and length; close it. */
void oo__write_type(oo__writer *w, const oo_type *type);
void oo__write_tensor(oo__writer *w, const oo_tensor *tensor, const char *name);
void oo__write_sparse(oo__writer *w, const oo_sparse *sparse, const char *name);
void oo__write_attr(oo__writer *w, const oo_attr *attr);
void oo__write_graph(oo__writer *w, const oo_graph *graph);
void oo__write_function(oo__writer *w, const oo_function *function);
void oo__write_training(oo__writer *w, const oo_training *training);
/* Copies the files of external tensors when the folder changes, and writes the split data. */
oo_status oo__write_data_files(oo__writer *w);
#endif
