/* The binary interface of plugins: every offset and number that a compiled plugin relies on stands in tests/abi/interface.golden.
 * A line there never changes and never goes; UPDATE_GOLDEN=1 adds what is new. */
#define OO_STATIC
#include <onnxopt/plugin.h>

#include "plugins/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FIELD(type, field) fprintf(f, #type " %zu " #field "\n", offsetof(type, field));
#define NUMBER(name) fprintf(f, "number %d " #name "\n", (int)(name));

static void put_structs(FILE *f) {
    FIELD(oo_api, size) FIELD(oo_api, major) FIELD(oo_api, minor)
#define OO_API(ret, name, params, args) FIELD(oo_api, name)
#define OO_API_VOID(name, params, args) FIELD(oo_api, name)
#define OO_API_V(ret, name, params) FIELD(oo_api, name)
#include <onnxopt/api.def>
#undef OO_API
#undef OO_API_VOID
#undef OO_API_V
    FIELD(oo_pass, size) FIELD(oo_pass, name) FIELD(oo_pass, summary) FIELD(oo_pass, doc) FIELD(oo_pass, options)
    FIELD(oo_pass, noptions) FIELD(oo_pass, options_size) FIELD(oo_pass, needs) FIELD(oo_pass, keeps) FIELD(oo_pass, inexact)
    FIELD(oo_pass, run) FIELD(oo_pass, only_for)
    FIELD(oo_option_row, name) FIELD(oo_option_row, type) FIELD(oo_option_row, offset) FIELD(oo_option_row, initial)
    FIELD(oo_option_row, help) FIELD(oo_option_row, choices)
}

static void put_numbers(FILE *f) {
    NUMBER(OO_OK) NUMBER(OO_INVALID) NUMBER(OO_UNSUPPORTED) NUMBER(OO_IO) NUMBER(OO_LIMIT) NUMBER(OO_MISMATCH)
    NUMBER(OO_ORDER) NUMBER(OO_TYPES) NUMBER(OO_VALUES) NUMBER(OO_ALL)
    NUMBER(OO_OPT_BOOL) NUMBER(OO_OPT_INT) NUMBER(OO_OPT_FLOAT) NUMBER(OO_OPT_STRING)
    NUMBER(OO_TYPE_NONE) NUMBER(OO_TYPE_TENSOR) NUMBER(OO_TYPE_SEQUENCE) NUMBER(OO_TYPE_MAP) NUMBER(OO_TYPE_OPAQUE)
    NUMBER(OO_TYPE_SPARSE_TENSOR) NUMBER(OO_TYPE_OPTIONAL)
    NUMBER(OO_ATTR_FLOAT) NUMBER(OO_ATTR_TYPE_PROTOS) NUMBER(OO_FLOAT) NUMBER(OO_FLOAT6E3M2)
    NUMBER(OO_PLUGIN_NEEDS_MAJOR(0)) NUMBER(OO_PLUGIN_NEEDS_MAJOR(1))
}

static char *read_whole(const char *path) {
    FILE *const f = fopen(path, "r");
    assert_non_null(f);
    char *const text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, f) < (1 << 16) - 1);
    fclose(f);
    return text;
}

/* Prints the lines of `a` that `b` lacks to `out`; their number. */
static int print_missing(FILE *out, const char *a, const char *b, const char *before) {
    int missing = 0;
    for (const char *line = a; *line; line = strchr(line, '\n') + 1) {
        char wanted[200];
        snprintf(wanted, sizeof wanted, "\n%.*s\n", (int)strcspn(line, "\n"), line);
        if (strstr(b, wanted) || strncmp(b, wanted + 1, strlen(wanted + 1)) == 0)
            continue;
        fprintf(out, "%s%s", before, wanted + 1);
        missing++;
    }
    return missing;
}

static void test_golden(void **state) {
    (void)state;
    const char *const root = getenv("ONNXOPT_SOURCE_DIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/abi/interface.golden", root ? root : ".");
    char *now = NULL;
    size_t size = 0;
    FILE *const f = open_memstream(&now, &size);
    put_structs(f);
    put_numbers(f);
    fclose(f);
    char *golden = read_whole(path);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *const more = fopen(path, "a");
        assert_non_null(more);
        print_missing(more, now, golden, "");
        fclose(more);
        free(golden);
        golden = read_whole(path);
    }
    const int broken = print_missing(stderr, golden, now, "compiled plugins break, these lines may not change: ");
    const int added = print_missing(stderr, now, golden, "not listed yet (UPDATE_GOLDEN=1 adds it): ");
    free(now);
    free(golden);
    assert_int_equal(broken, 0);
    assert_int_equal(added, 0);
}

static void test_host(void **state) {
    (void)state;
    assert_int_equal(oo__host_api.size, sizeof(oo_api));
    assert_int_equal(oo__host_api.major, OO_VERSION_MAJOR);
    assert_string_equal(oo__host_api.version(), OO_VERSION_TEXT);
#define OO_API(ret, name, params, args) assert_true(oo__host_api.name == oo_##name);
#define OO_API_VOID(name, params, args) assert_true(oo__host_api.name == oo_##name);
#define OO_API_V(ret, name, params) assert_true(oo__host_api.name == oo_##name);
#include <onnxopt/api.def>
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_host)};
    return cmocka_run_group_tests_name("plugin interface", tests, NULL, NULL);
}
