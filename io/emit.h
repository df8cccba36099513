/* A message written from its end to its beginning: when a message is closed its length is known, so nothing is measured twice and
 * tensor payloads never pass through memory. Private to io/. */
#ifndef IO_EMIT_H
#define IO_EMIT_H
#include "ir/ir.h"

#include <protobuf-c/protobuf-c.h>

typedef struct oo__emit oo__emit;

oo__emit *oo__emit_new(void);
void oo__emit_free(oo__emit *e);
/* Bytes so far; a mark to measure a message with. */
uint64_t oo__emit_size(const oo__emit *e);
/* Everything is put in front of what is there. */
void oo__emit_bytes(oo__emit *e, const void *data, size_t size);
/* A field with text that outlives the emitter: a long one is not copied. */
void oo__emit_text_field(oo__emit *e, uint32_t field, const char *text, size_t size);
void oo__emit_message(oo__emit *e, const ProtobufCMessage *message);
/* A tensor's payload as encoded, or the bytes that a lazy tensor makes. It is copied when the file is written. */
void oo__emit_payload(oo__emit *e, const oo_payload *payload);
void oo__emit_lazy(oo__emit *e, const oo_tensor *tensor);
/* Tag and length for all since the mark: makes it a length-delimited field. */
void oo__emit_close(oo__emit *e, uint32_t field, uint64_t mark);
void oo__emit_varint_field(oo__emit *e, uint32_t field, uint64_t value);
void oo__emit_float_field(oo__emit *e, uint32_t field, float value);
/* Writes all in order; nothing can be added after that. False when a lazy tensor cannot be made. */
bool oo__emit_write(oo__emit *e, oo_output *output);
#endif
