/* SHA-1, for the checksums of external data (nothing here is a secret). */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H
#include <stddef.h>
#include <stdint.h>

typedef struct oo_sha1 {
    uint32_t state[5];
    uint64_t size; /* bytes so far */
    uint8_t block[64];
} oo_sha1;

void oo__sha1_begin(oo_sha1 *s);
void oo__sha1_add(oo_sha1 *s, const void *data, size_t size);
/* 40 small hexadecimal digits and a NUL. */
void oo__sha1_end(oo_sha1 *s, char hex[41]);
#endif
