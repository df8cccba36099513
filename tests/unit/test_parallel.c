/* Loops on all cores: every item once, whoever starts the loop and wherever. */
#include "eval/eval.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT = 10007, TURNS = 200 };

static void mark(void *state, uint64_t first, uint64_t last) {
    uint8_t *const seen = state;
    for (uint64_t i = first; i < last; i++)
        seen[i]++;
}

static bool once(uint64_t count, uint64_t grain) {
    static _Thread_local uint8_t seen[COUNT];
    memset(seen, 0, sizeof seen);
    oo__parallel(count, grain, mark, seen);
    for (uint64_t i = 0; i < COUNT; i++)
        if (seen[i] != (i < count))
            return false;
    return true;
}

static void test_every_item_once(void **state) {
    (void)state;
    static const uint64_t grains[] = {0, 1, 7, 5000, COUNT, COUNT + 1};
    for (size_t i = 0; i < sizeof grains / sizeof *grains; i++) {
        assert_true(once(COUNT, grains[i]));
        assert_true(once(1, grains[i]));
        assert_true(once(0, grains[i]));
    }
    for (int i = 0; i < TURNS; i++)
        assert_true(once(COUNT, 1));
}

static void mark_rows(void *state, uint64_t first, uint64_t last) {
    for (uint64_t row = first; row < last; row++)
        oo__parallel(100, 1, mark, (uint8_t *)state + 100 * row);
}

static void test_loop_in_loop(void **state) {
    (void)state;
    uint8_t seen[100 * 50] = {0};
    oo__parallel(50, 1, mark_rows, seen);
    for (size_t i = 0; i < sizeof seen; i++)
        assert_int_equal(seen[i], 1);
}

static void *loop_many(void *ok) {
    for (int i = 0; i < TURNS; i++)
        *(bool *)ok = *(bool *)ok && once(COUNT, 1);
    return NULL;
}

static void test_several_threads(void **state) {
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    bool ok[THREADS] = {true, true, true, true};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, loop_many, &ok[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(ok[i]);
    }
}

#if defined(__SANITIZE_THREAD__)
#define NO_THREADS_AFTER_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_THREADS_AFTER_FORK 1
#endif
#endif

static void test_after_fork(void **state) {
    (void)state;
#ifdef NO_THREADS_AFTER_FORK
    skip(); /* the thread sanitizer refuses it */
#endif
    assert_true(once(COUNT, 1));
    const pid_t child = fork();
    if (child == 0)
        _exit(once(COUNT, 1) && once(COUNT, 1) ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_loop_in_loop),
        cmocka_unit_test(test_several_threads),
        cmocka_unit_test(test_after_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
