/* SHA-1 of texts whose digests FIPS 180 and RFC 3174 give. */
#include "base/sha1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, unsigned times, const char *digest) {
    oo_sha1 s;
    char hex[41];
    oo__sha1_begin(&s);
    for (unsigned i = 0; i < times; i++)
        oo__sha1_add(&s, text, strlen(text));
    oo__sha1_end(&s, hex);
    assert_string_equal(hex, digest);
}

static void known_digests(void **state) {
    (void)state;
    expect("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    expect("a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    expect("01234567", 80, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_digests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
