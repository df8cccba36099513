/* Random small texts: the hunks turn one text into the other, and with as few lines as any edit script needs. */
#include "cli/text_diff.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { LONGEST = 12 };

static uint32_t seed = 1;
static uint32_t next(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void random_text(char *out) {
    const uint32_t lines = next(LONGEST + 1);
    for (uint32_t i = 0; i < lines; i++) {
        *out++ = (char)('a' + next(4));
        *out++ = '\n';
    }
    *out = 0;
}

/* Length of the longest common subsequence of lines. */
static int common(const char *a, const char *b) {
    int best[LONGEST + 1][LONGEST + 1] = {{0}};
    const int n = (int)strlen(a) / 2, m = (int)strlen(b) / 2;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            const int skip = best[i - 1][j] > best[i][j - 1] ? best[i - 1][j] : best[i][j - 1];
            best[i][j] = a[2 * i - 2] == b[2 * j - 2] && best[i - 1][j - 1] + 1 > skip ? best[i - 1][j - 1] + 1 : skip;
        }
    return best[n][m];
}

static void test_random(void **state) {
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char a[64], b[64], from[64] = "", to[64] = "";
        random_text(a);
        random_text(b);
        char *const diff = oo__text_diff(a, b, 100);
        int edits = 0;
        for (const char *line = diff; *line; line = strchr(line, '\n') + 1) {
            if (*line == '@')
                continue;
            edits += *line != ' ';
            if (*line != '+')
                strncat(from, line + 1, 2);
            if (*line != '-')
                strncat(to, line + 1, 2);
        }
        if (strcmp(a, b) == 0) {
            assert_string_equal(diff, "");
        } else {
            assert_string_equal(from, a);
            assert_string_equal(to, b);
            assert_int_equal(edits, (int)(strlen(a) + strlen(b)) / 2 - 2 * common(a, b));
        }
        free(diff);
    }
}

static void test_hunks(void **state) {
    (void)state;
    char *diff = oo__text_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\nx\n4\n5\n6\n7\n8\n9\ny\n", 1);
    assert_string_equal(diff, "@@ -2,3 +2,3 @@\n 2\n-3\n+x\n 4\n@@ -9,1 +9,2 @@\n 9\n+y\n");
    free(diff);
    diff = oo__text_diff("", "a", 3);
    assert_string_equal(diff, "@@ -1,0 +1,1 @@\n+a\n");
    free(diff);
}

/* More differences than are searched for: still right, if not shortest. */
static void test_bounded(void **state) {
    (void)state;
    enum { LINES = 6000 };
    char *const a = malloc(LINES * 8 + 1), *const b = malloc(LINES * 8 + 1);
    assert_non_null(a);
    assert_non_null(b);
    for (int i = 0; i < LINES; i++) {
        sprintf(a + 8 * i, "a%06d\n", i);
        sprintf(b + 8 * i, "b%06d\n", i);
    }
    char *const diff = oo__text_diff(a, b, 3);
    assert_int_equal(strncmp(diff, "@@ -1,6000 +1,6000 @@\n", 22), 0);
    assert_int_equal(strlen(diff), 22 + 2 * LINES * 9);
    free(diff);
    free(a);
    free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_hunks), cmocka_unit_test(test_bounded)};
    return cmocka_run_group_tests_name("text diff", tests, NULL, NULL);
}
