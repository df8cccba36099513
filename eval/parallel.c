/* Independent parts of one loop on all cores. The threads are made at the first large loop and wait for the next one; a part never waits for
 * another. A loop inside a part, or one that another thread starts meanwhile, runs on its own thread alone. */
#include "eval/eval.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { MAX_THREADS = 64 };

typedef struct loop {
    void (*work)(void *state, uint64_t first, uint64_t last);
    void *state;
    uint64_t count, parts;
    uint64_t next;   /* first part that nobody has taken; atomic */
    unsigned inside; /* threads at work on it; under `lock` */
} loop;

static pthread_mutex_t entry = PTHREAD_MUTEX_INITIALIZER; /* held by whom the threads work for */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER, left = PTHREAD_COND_INITIALIZER;
static loop *current;     /* NULL = nothing to do */
static unsigned threads;  /* made so far */
static _Thread_local bool inside_part;

static uint64_t cores(void) {
    const long known = sysconf(_SC_NPROCESSORS_ONLN);
    return known < 1 ? 1 : known > MAX_THREADS ? MAX_THREADS : (uint64_t)known;
}

static void take_parts(loop *l) {
    inside_part = true;
    for (;;) {
        const uint64_t i = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
        if (i >= l->parts)
            break;
        l->work(l->state, l->count * i / l->parts, l->count * (i + 1) / l->parts);
    }
    inside_part = false;
}

static void *serve(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!current || __atomic_load_n(&current->next, __ATOMIC_RELAXED) >= current->parts)
            pthread_cond_wait(&wake, &lock);
        loop *const l = current;
        l->inside++;
        pthread_mutex_unlock(&lock);
        take_parts(l);
        pthread_mutex_lock(&lock);
        if (--l->inside == 0)
            pthread_cond_signal(&left);
    }
    return NULL;
}

/* A child of fork has no threads but its own; it makes new ones when it needs them. */
static void forget_threads(void) {
    const pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    entry = lock = mutex;
    wake = left = cond;
    current = NULL;
    threads = 0;
}

/* Signals from outside go to the threads of the program; those that a crash sends come where it happens. */
static void make_threads(uint64_t wanted) {
    static bool watching;
    sigset_t all, before;
    if (!watching)
        watching = pthread_atfork(NULL, NULL, forget_threads) == 0;
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; threads < wanted; threads++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, NULL) != 0)
            break;
        pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void run_on_all(loop *l) {
    if (threads < l->parts - 1)
        make_threads(l->parts - 1);
    pthread_mutex_lock(&lock);
    current = l;
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    take_parts(l);
    pthread_mutex_lock(&lock);
    current = NULL;
    while (l->inside)
        pthread_cond_wait(&left, &lock);
    pthread_mutex_unlock(&lock);
}

void oo__parallel(uint64_t count, uint64_t grain, void (*work)(void *state, uint64_t first, uint64_t last), void *state) {
    uint64_t parts = count / (grain ? grain : 1);
    if (parts > 1 && !inside_part && parts > cores())
        parts = cores();
    if (parts > 1 && !inside_part && pthread_mutex_trylock(&entry) == 0) {
        loop l = {.work = work, .state = state, .count = count, .parts = parts};
        run_on_all(&l);
        pthread_mutex_unlock(&entry);
    } else if (count) {
        work(state, 0, count);
    }
}
