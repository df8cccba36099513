/* Independent parts of one loop on all cores. Threads are made for large loops only; a part never waits for another. */
#include "eval/eval.h"

#include <pthread.h>
#include <unistd.h>

enum { MAX_THREADS = 64 };

typedef struct part {
    void (*work)(void *state, uint64_t first, uint64_t last);
    void *state;
    uint64_t first, last;
} part;

static void *run_part(void *argument) {
    const part *const p = argument;
    p->work(p->state, p->first, p->last);
    return NULL;
}

static uint64_t cores(void) {
    static long known;
    if (!known)
        known = sysconf(_SC_NPROCESSORS_ONLN);
    return known < 1 ? 1 : known > MAX_THREADS ? MAX_THREADS : (uint64_t)known;
}

void oo__parallel(uint64_t count, uint64_t grain, void (*work)(void *state, uint64_t first, uint64_t last), void *state) {
    uint64_t parts = count / (grain ? grain : 1);
    if (parts > cores())
        parts = cores();
    if (parts <= 1) {
        if (count)
            work(state, 0, count);
        return;
    }
    part list[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    bool started[MAX_THREADS];
    for (uint64_t i = 0; i < parts; i++)
        list[i] = (part){work, state, count * i / parts, count * (i + 1) / parts};
    for (uint64_t i = 1; i < parts; i++)
        started[i] = pthread_create(&threads[i], NULL, run_part, &list[i]) == 0;
    run_part(&list[0]);
    for (uint64_t i = 1; i < parts; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            run_part(&list[i]);
    }
}
