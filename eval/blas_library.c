#include "eval/blas_library.h"

#include "base/library.h"

#include <pthread.h>
#include <stdlib.h>

#define NAME(f) #f,
static const char *const names[] = {OO_BLAS_FUNCTIONS(NAME)};
enum { COUNT = sizeof names / sizeof *names };
_Static_assert(sizeof(oo__blas_table) == COUNT * sizeof(void *), "oo__library_load fills pointers that stand one after another");

static oo__blas_table table;
static bool loaded;

/* Two pools of threads would fight for the cores, and OpenBLAS's starts spinning when the library is loaded unless the environment
 * says how many threads there are. No other thread of ours reads the environment. */
static void load(void) {
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    loaded = oo__library_load(&table, ONNXOPT_OPENBLAS, names, COUNT);
    if (loaded)
        table.openblas_set_num_threads(1);
}

const oo__blas_table *oo__blas(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded ? &table : NULL;
}
