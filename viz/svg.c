/* DOT to SVG through libgvc. Graphviz may take minutes, gigabytes or crash on a graph of a few thousand nodes, so it works in a
 * child with limits; what it cannot do in time is tried again with less care, at last with positions of our own. */
#include "viz/svg_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sanitizers map far more than any limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LIMIT_MEMORY 0
#endif
#endif
#ifndef LIMIT_MEMORY
#define LIMIT_MEMORY 1
#endif

#define DEFAULT_SECONDS 20.0
/* Own positions are linear work; they get this long however small the limit is. */
#define LEAST_LAST 8.0
static const uint64_t child_memory = UINT64_C(2) << 30;
static const size_t largest_svg = (size_t)1 << 30;

/* Of the total, in CPU seconds; on a busy machine a layout may take a little longer by the clock. */
#define WALL_SHARE 0.35
static const double shares[] = {[OO_CARE_FULL] = 0.25, [OO_CARE_LESS] = 0.35, [OO_CARE_OWN] = 0.4};

/* ---- in the child ---- */
/* What is mapped already (a large model, say) does not count. */
static void limit_memory(void) {
    unsigned long pages = 0;
    FILE *const f = fopen("/proc/self/statm", "re");
    const bool known = f && fscanf(f, "%lu", &pages) == 1;
    if (f)
        fclose(f);
    if (!known || !LIMIT_MEMORY)
        return;
    const rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + child_memory;
    setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit});
}

/* The timer is exact, the limit holds even if something stops the timer. */
static void limit_time(double seconds) {
    const rlim_t whole = (rlim_t)ceil(seconds) + 1;
    setrlimit(RLIMIT_CPU, &(struct rlimit){whole, whole});
    signal(SIGPROF, SIG_DFL);
    const struct itimerval timer = {.it_value = {(time_t)seconds, (suseconds_t)(fmod(seconds, 1) * 1e6) + 1}};
    setitimer(ITIMER_PROF, &timer, NULL);
}

static bool write_all(int fd, const char *data, size_t size) {
    while (size) {
        const ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return false;
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

_Noreturn static void work(int fd, const char *dot, oo_care care, double seconds) {
    static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        signal(handled[i], SIG_DFL);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDERR_FILENO);
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    limit_memory();
    limit_time(seconds);
    size_t size = 0;
    char *const svg = oo__svg_layout(&size, dot, care);
    _exit(svg && write_all(fd, svg, size) ? 0 : 1);
}

/* ---- in the parent ---- */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct buffer {
    char *data;
    size_t size, cap;
} buffer;

/* Everything until the end of the pipe; false when the time is over first or it is too much. */
static bool read_until(buffer *b, int fd, double deadline) {
    for (;;) {
        const double left = deadline - now();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        const int ready = left > 0 ? poll(&p, 1, (int)(left * 1000) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        if (b->cap - b->size < 65536) {
            b->cap = b->cap * 2 + 131072;
            b->data = oo__realloc(b->data, b->cap);
        }
        const ssize_t n = read(fd, b->data + b->size, b->cap - b->size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        b->size += (size_t)n;
        if (b->size > largest_svg)
            return false;
    }
}

static bool is_whole(const buffer *b) {
    static const char end[] = "</svg>\n";
    return b->size > sizeof end && memcmp(b->data + b->size - (sizeof end - 1), end, sizeof end - 1) == 0;
}

static char *try_layout(const char *dot, oo_care care, double seconds, double wall_seconds) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    const pid_t child = fork();
    if (child == 0)
        work(ends[1], dot, care, seconds);
    close(ends[1]);
    buffer b = {0};
    const bool complete = child > 0 && read_until(&b, ends[0], now() + wall_seconds);
    close(ends[0]);
    if (child > 0 && !complete)
        kill(child, SIGKILL);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    /* How the child ended does not matter once it has sent a whole document. */
    if (!complete || !is_whole(&b)) {
        free(b.data);
        return NULL;
    }
    b.data[b.size] = 0;
    return b.data;
}

/* How much care a layout may take is decided by size where possible: a limit in seconds is reached on one machine and not on
 * another, and pictures should not depend on that. */
static oo_care first_care(const char *dot) {
    const size_t size = strlen(dot);
    return size < OO_FULL_CARE_BYTES ? OO_CARE_FULL : size < OO_LESS_CARE_BYTES ? OO_CARE_LESS : OO_CARE_OWN;
}

oo_status oo__draw_svg(char **out, oo_context *context, const char *dot, const oo_draw_options *options) {
    const double total = options && options->cpu_seconds > 0 ? options->cpu_seconds : DEFAULT_SECONDS;
    *out = NULL;
    for (oo_care care = first_care(dot); care <= OO_CARE_OWN && !*out; care++) {
        const bool last = care == OO_CARE_OWN;
        const double seconds = last ? fmax(total * shares[care], LEAST_LAST) : total * shares[care];
        *out = try_layout(dot, care, seconds, last ? seconds * 4 : total * WALL_SHARE);
    }
    if (*out)
        return OO_OK;
    oo__diag(context, (oo_diag){.severity = OO_ERROR, .code = "svg-layout", .offset = -1},
             "Graphviz could not draw the graph, not even with given positions; is its package whole (dot -c)?");
    return OO_LIMIT;
}
