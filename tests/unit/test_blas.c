/* Matrix products: with OpenBLAS, which is loaded when it is first needed, and without it. */
#include "eval/blas.h"
#include "eval/blas_library.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 7, ROOM = SIDE * SIDE, THREADS = 8 };

static double value(int64_t i) { return (double)((i * 37 + 11) % 17 - 8) / 4; }

static void fill(oo_elem elem, void *data, int64_t shift) {
    for (int64_t i = 0; i < ROOM; i++) {
        if (elem == OO_DOUBLE)
            ((double *)data)[i] = value(i + shift);
        else
            ((float *)data)[i] = (float)value(i + shift);
    }
}

/* All values are multiples of 1/16 and small: sums are exact in every order. */
static void compare(oo_elem elem, int64_t m, int64_t n, int64_t k, bool trans_a, bool trans_b, double beta) {
    double a[ROOM], b[ROOM], fast[ROOM], plain[ROOM];
    fill(elem, a, 0);
    fill(elem, b, 5);
    fill(elem, fast, 9);
    fill(elem, plain, 9);
    oo__gemm g = {.elem = elem,
                  .trans_a = trans_a,
                  .trans_b = trans_b,
                  .m = m,
                  .n = n,
                  .k = k,
                  .a = a,
                  .b = b,
                  .c = fast,
                  .lda = SIDE,
                  .ldb = SIDE,
                  .ldc = SIDE,
                  .alpha = 0.5,
                  .beta = beta};
    oo__gemm_run(&g);
    g.c = plain;
    oo__gemm_plain(&g);
    assert_memory_equal(fast, plain, elem == OO_DOUBLE ? sizeof fast : ROOM * sizeof(float));
}

static void test_plain_is_the_same(void **state) {
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1}, {5, 6, 7}, {1, 6, 5}, {6, 1, 5},
                                       {7, 7, 0}, {0, 3, 3}, {3, 0, 3}, {7, 2, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned bits = 0; bits < 16; bits++)
            compare(bits & 1 ? OO_DOUBLE : OO_FLOAT, sizes[i][0], sizes[i][1], sizes[i][2], bits & 2, bits & 4,
                    bits & 8 ? 2 : 0);
}

static void *first_use(void *start) {
    pthread_barrier_wait(start);
    return (void *)(uintptr_t)oo__blas();
}

/* First of all: nothing has loaded the library yet. */
static void test_loaded_once_by_many(void **state) {
    (void)state;
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, first_use, &start), 0);
    for (int i = 0; i < THREADS; i++) {
        void *table;
        pthread_join(threads[i], &table);
        assert_non_null(table);
        assert_ptr_equal(table, oo__blas());
    }
    pthread_barrier_destroy(&start);
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_loaded_once_by_many),
                                              cmocka_unit_test(test_plain_is_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
