/* Times for people: three digits, never an exponent. */
#include "cli/duration.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_duration(void **state) {
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0.00 ms"},         {0.00000049, "0.00 ms"}, {0.00025, "0.25 ms"}, {0.0099949, "9.99 ms"},
                 {0.0099951, "10.0 ms"}, {0.0413, "41.3 ms"},     {0.099951, "100 ms"}, {0.208, "208 ms"},
                 {0.9994, "999 ms"},     {0.9996, "1.00 s"},      {1.746, "1.75 s"},    {13.44, "13.4 s"},
                 {99.94, "99.9 s"},      {99.96, "100 s"},        {3600, "3600 s"},     {123456, "123456 s"}};
    char text[OO_DURATION_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(oo__duration(text, cases[i].seconds), cases[i].text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_duration)};
    return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
