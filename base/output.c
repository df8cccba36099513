/* Output files that appear whole or not at all. What is written goes through a ring of buffers: a thread puts full ones into the file while
 * the next is filled, so that reading or computing the data and storing it overlap. Small outputs have no thread. */
#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUFFER = 256 * 1024,   /* a multiple of the page: full buffers keep the file's writes aligned */
    QUEUE = 3,             /* full buffers that may wait */
    COPY_MIN = 1024 * 1024, /* smallest range that the kernel is asked to copy itself */
    PAGE = 4096,
    MAX_OPEN = 16
};

typedef struct full {
    const uint8_t *bytes;
    size_t size;
} full;

struct oo_output {
    oo_context *context;
    char *path;      /* as given */
    char *target;    /* what the rename replaces; NULL = written directly (standard output, devices) */
    char *temporary; /* NULL when written directly */
    int fd, direct;  /* direct: where commit sends a memory file, or -1 */
    int slot;
    atomic_int error; /* first errno */
    uint64_t size;
    uint8_t *buffers; /* [QUEUE + 1][BUFFER] */
    uint8_t *buffer;  /* the one that is being filled */
    size_t used;
    bool threaded, finished;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    full queue[QUEUE];
    unsigned put, taken; /* buffers that were queued, and that were written */
};

/* Names of temporary files, for the signal handler. */
static char *volatile open_files[MAX_OPEN];

void oo__output_discard_all(void) {
    for (int i = 0; i < MAX_OPEN; i++)
        if (open_files[i])
            unlink(open_files[i]);
}

static char *copy_text(const char *text) {
    const size_t size = strlen(text) + 1;
    return memcpy(oo__malloc(size), text, size);
}

static void stop_thread(oo_output *o) {
    if (!o->threaded)
        return;
    pthread_mutex_lock(&o->lock);
    o->finished = true;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    o->threaded = false;
}

static void release(oo_output *o) {
    stop_thread(o);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->changed);
    if (o->slot >= 0)
        open_files[o->slot] = NULL;
    if (o->fd >= 0)
        close(o->fd);
    if (o->direct > STDERR_FILENO)
        close(o->direct);
    free(o->path);
    free(o->target);
    free(o->temporary);
    free(o->buffers);
    free(o);
}

static oo_status fail(oo_output *o, const char *what, int error) {
    oo__file_error(o->context, "file-write", o->path, -1, "%s: %s", what, strerror(error));
    if (o->temporary && o->fd >= 0)
        unlink(o->temporary);
    release(o);
    return OO_IO;
}

/* A fresh file beside the target. The name is unpredictable enough not to clash; O_EXCL makes it safe. */
static int open_temporary(oo_output *o) {
    const char *const slash = strrchr(o->target, '/');
    const int folder = slash ? (int)(slash - o->target + 1) : 0;
    const size_t room = strlen(o->target) + 64;
    o->temporary = oo__malloc(room);
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        snprintf(o->temporary, room, "%.*s.%s.%ld-%u.tmp", folder, o->target, o->target + folder, (long)getpid(), attempt);
        const int fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static oo_status open_direct(oo_output *o, int fd) {
    o->direct = fd;
    if (fd < 0)
        return fail(o, "cannot be opened for writing", errno);
    o->fd = memfd_create("onnxopt-output", MFD_CLOEXEC);
    return o->fd < 0 ? fail(o, "cannot be buffered", errno) : OO_OK;
}

oo_status oo__output_open(oo_output **out, oo_context *context, const char *path) {
    *out = NULL;
    oo_output *const o = oo__malloc(sizeof *o);
    *o = (oo_output){.context = context, .fd = -1, .direct = -1, .slot = -1, .path = copy_text(path)};
    o->buffers = oo__malloc((size_t)BUFFER * (QUEUE + 1));
    o->buffer = o->buffers;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    struct stat info;
    if (strcmp(path, "-") == 0) {
        OO_TRY(open_direct(o, STDOUT_FILENO));
    } else if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        OO_TRY(open_direct(o, open(path, O_WRONLY | O_CLOEXEC)));
    } else if (!*path || (stat(path, &info) == 0 && S_ISDIR(info.st_mode))) {
        return fail(o, "cannot be created", *path ? EISDIR : ENOENT);
    } else {
        /* A link is followed: the file that it names is replaced, not the link. */
        char *const real = realpath(path, NULL);
        o->target = real ? real : copy_text(path);
        o->fd = open_temporary(o);
        if (o->fd < 0)
            return fail(o, "cannot be created", errno);
        for (int i = 0; i < MAX_OPEN && o->slot < 0; i++)
            if (!open_files[i])
                open_files[o->slot = i] = o->temporary;
    }
    *out = o;
    return OO_OK;
}

static void put(oo_output *o, int fd, const void *bytes, size_t size) {
    for (size_t done = 0; done < size && !o->error;) {
        const ssize_t n = write(fd, (const char *)bytes + done, size - done);
        if (n < 0 && errno != EINTR)
            o->error = errno;
        done += n > 0 ? (size_t)n : 0;
    }
}

/* ---- the thread ---- */
static void *write_queue(void *output) {
    oo_output *const o = output;
    pthread_mutex_lock(&o->lock);
    while (!o->finished || o->taken != o->put) {
        if (o->taken == o->put) {
            pthread_cond_wait(&o->changed, &o->lock);
            continue;
        }
        const full next = o->queue[o->taken % QUEUE];
        pthread_mutex_unlock(&o->lock);
        put(o, o->fd, next.bytes, next.size);
        pthread_mutex_lock(&o->lock);
        o->taken++;
        pthread_cond_broadcast(&o->changed);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

/* Hands the buffer over; the one that is then current is free, since at most QUEUE wait. */
static void enqueue(oo_output *o) {
    pthread_mutex_lock(&o->lock);
    while (o->put - o->taken == QUEUE)
        pthread_cond_wait(&o->changed, &o->lock);
    o->queue[o->put % QUEUE] = (full){o->buffer, o->used};
    o->put++;
    o->buffer = o->buffers + (size_t)BUFFER * (o->put % (QUEUE + 1));
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
    o->used = 0;
}

static void flush(oo_output *o) {
    if (!o->used)
        return;
    if (!o->threaded && o->size > 2 * BUFFER)
        o->threaded = pthread_create(&o->thread, NULL, write_queue, o) == 0;
    if (o->threaded) {
        enqueue(o);
        return;
    }
    put(o, o->fd, o->buffer, o->used);
    o->used = 0;
}

/* Returns when everything is in the file. */
static void drain(oo_output *o) {
    flush(o);
    pthread_mutex_lock(&o->lock);
    while (o->threaded && o->put != o->taken)
        pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
}

void oo__output_write(oo_output *o, const void *bytes, size_t size) {
    o->size += size;
    for (size_t done = 0; done < size;) {
        if (o->used == BUFFER)
            flush(o);
        const size_t part = size - done < BUFFER - o->used ? size - done : BUFFER - o->used;
        memcpy(o->buffer + o->used, (const char *)bytes + done, part);
        o->used += part;
        done += part;
    }
}

static void copy_through(oo_output *o, const oo_source *source, uint64_t offset, uint64_t size) {
    while (size && !o->error) {
        if (o->used == BUFFER)
            flush(o);
        const uint64_t part = size < BUFFER - o->used ? size : BUFFER - o->used;
        if (!oo__source_read(source, offset, part, o->buffer + o->used)) {
            o->error = EIO;
            return;
        }
        o->used += part;
        offset += part;
        size -= part;
    }
}

/* The kernel copies pages well (or shares them) only when both offsets lie alike in a page; else it is slower than reading and writing. */
void oo__output_copy(oo_output *o, const oo_source *source, uint64_t offset, uint64_t size) {
    const bool aligned = offset % PAGE == o->size % PAGE;
    const uint64_t end = o->size + size;
    if (source->fd >= 0 && size >= COPY_MIN && aligned) {
        drain(o);
        loff_t from = (loff_t)offset;
        while (size && !o->error) {
            const ssize_t n = copy_file_range(source->fd, &from, o->fd, NULL, size, 0);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                break;
            size -= (uint64_t)n;
        }
        offset = (uint64_t)from;
    }
    copy_through(o, source, offset, size);
    o->size = end;
}

uint64_t oo__output_size(const oo_output *o) { return o->size; }

/* Sends the memory file on to where it goes. */
static void send_direct(oo_output *o) {
    lseek(o->fd, 0, SEEK_SET);
    for (;;) {
        const ssize_t n = read(o->fd, o->buffer, BUFFER);
        if (n <= 0)
            return;
        put(o, o->direct, o->buffer, (size_t)n);
    }
}

oo_status oo__output_commit(oo_output *o) {
    flush(o);
    stop_thread(o);
    if (o->direct >= 0 && !o->error)
        send_direct(o);
    if (!o->error && o->temporary && rename(o->temporary, o->target) != 0)
        o->error = errno;
    if (o->error)
        return fail(o, "cannot be written", o->error);
    release(o);
    return OO_OK;
}

void oo__output_discard(oo_output *o) {
    if (!o)
        return;
    if (o->temporary)
        unlink(o->temporary);
    release(o);
}
