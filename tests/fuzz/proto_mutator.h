/* Structure-aware mutation: changes a message field by field, as its schema describes it, so that most results are still models. */
#ifndef TESTS_FUZZ_PROTO_MUTATOR_H
#define TESTS_FUZZ_PROTO_MUTATOR_H
#include <protobuf-c/protobuf-c.h>

/* Changes a packed message of this type in place; `room` is what `data` can hold. Returns the new size, 0 when the bytes are no such message or
 * the result is too large. */
size_t oo__proto_mutate(const ProtobufCMessageDescriptor *type, uint8_t *data, size_t size, size_t room, unsigned seed);
#endif
