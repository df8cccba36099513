/* Whether the test runs under valgrind: slow, and with conversions of its own. */
#ifndef TESTS_UNIT_UNDER_VALGRIND_H
#define TESTS_UNIT_UNDER_VALGRIND_H
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool under_valgrind(void) {
    const char *const preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload");
}
#endif
