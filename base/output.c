/* Output files that appear whole or not at all. Written piece by piece through a buffer, or from a list of pieces: what is in memory is
 * stored from where it is. Where much is not, two threads take turns, block by block, so that one reads or computes while the other
 * stores (a file lets one in at a time). Each has a buffer of its own that fits into its core's cache; a ring between a reading and a
 * writing thread took twice the time. */
#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    BUFFER = 256 * 1024, /* a multiple of the page: writes that begin inside one take twice the time */
    ALIGNMENT = 16,
    DIRECT = 4096, /* what is smaller is copied: each part that is stored has its price */
    MAX_PARTS = 2 * (BUFFER / DIRECT) + 1,
    WORTH_A_THREAD = 4 * BUFFER,
    MAX_OPEN = 16
};

struct oo_output {
    oo_context *context;
    char *path;      /* as given */
    char *target;    /* what the rename replaces; NULL = written directly (standard output, devices) */
    char *temporary; /* NULL when written directly */
    int fd, direct;  /* direct: where commit sends a memory file, or -1 */
    int slot;
    atomic_int error; /* first errno */
    uint64_t size;
    uint8_t *buffer; /* [BUFFER] the last `used` bytes, not yet written */
    size_t used;
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

static void release(oo_output *o) {
    if (o->slot >= 0)
        open_files[o->slot] = NULL;
    if (o->fd >= 0)
        close(o->fd);
    if (o->direct > STDERR_FILENO)
        close(o->direct);
    free(o->path);
    free(o->target);
    free(o->temporary);
    free(o->buffer);
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
    o->buffer = oo__malloc(BUFFER + ALIGNMENT);
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

/* Parts of memory that follow each other in the file. */
typedef struct parts {
    struct iovec list[MAX_PARTS];
    int n;
} parts;

static void add_part(parts *p, const void *bytes, size_t size) {
    struct iovec *const last = p->n ? &p->list[p->n - 1] : NULL;
    if (last && (const char *)last->iov_base + last->iov_len == bytes)
        last->iov_len += size;
    else if (size)
        p->list[p->n++] = (struct iovec){(void *)(uintptr_t)bytes, size};
}

static void put(oo_output *o, parts *p, uint64_t at) {
    for (int i = 0; i < p->n && !o->error;) {
        ssize_t n = pwritev(o->fd, p->list + i, p->n - i, (off_t)at);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            o->error = n < 0 ? errno : EIO;
        at += n > 0 ? (uint64_t)n : 0;
        for (; n > 0 && (size_t)n >= p->list[i].iov_len; i++)
            n -= (ssize_t)p->list[i].iov_len;
        if (n > 0) {
            p->list[i].iov_base = (char *)p->list[i].iov_base + n;
            p->list[i].iov_len -= (size_t)n;
        }
    }
}

static void flush(oo_output *o) {
    parts p = {.n = 0};
    add_part(&p, o->buffer, o->used);
    put(o, &p, o->size - o->used);
    o->used = 0;
}

void oo__output_write(oo_output *o, const void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        if (o->used == BUFFER)
            flush(o);
        const size_t part = size - done < BUFFER - o->used ? size - done : BUFFER - o->used;
        memcpy(o->buffer + o->used, (const char *)bytes + done, part);
        o->used += part;
        o->size += part;
        done += part;
    }
}

/* ---- from pieces ---- */
typedef struct assembly {
    oo_output *o;
    const oo_piece *pieces;
    uint64_t *starts; /* [n + 1] where in the output each piece begins; at last the end */
    uint32_t n;
    atomic_uint_fast64_t next; /* block */
    atomic_bool unmade;
    pthread_mutex_t making;
} assembly;

typedef struct block {
    uint64_t start, end; /* in the output */
    uint32_t first;      /* piece that holds the start */
} block;

static uint32_t piece_at(const assembly *a, uint64_t at) {
    uint32_t low = 0, high = a->n;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (a->starts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The part of piece i that lies in the block. */
static oo_piece part_of(const assembly *a, const block *b, uint32_t i) {
    const uint64_t from = a->starts[i] > b->start ? a->starts[i] : b->start;
    const uint64_t to = a->starts[i + 1] < b->end ? a->starts[i + 1] : b->end;
    oo_piece part = a->pieces[i];
    part.offset += from - a->starts[i];
    part.size = to - from;
    return part;
}

/* Where in the buffer the block must begin so that elements of its largest made piece are aligned. */
static size_t skew_of(const assembly *a, const block *b) {
    uint64_t largest = 0, skew = 0;
    for (uint32_t i = b->first; i < a->n && a->starts[i] < b->end; i++) {
        if (!a->pieces[i].make)
            continue;
        const oo_piece part = part_of(a, b, i);
        if (part.size <= largest)
            continue;
        const uint64_t position = a->starts[i] > b->start ? a->starts[i] - b->start : 0;
        largest = part.size;
        skew = (part.offset - position) % ALIGNMENT;
    }
    return (size_t)skew;
}

/* Who makes data need not know of threads: one piece is made at a time. */
static bool make_part(assembly *a, const oo_piece *part, void *out) {
    pthread_mutex_lock(&a->making);
    const bool made = part->make(part->state, part->offset, (size_t)part->size, out);
    pthread_mutex_unlock(&a->making);
    if (!made)
        a->unmade = true;
    return made;
}

/* Where the bytes of a piece are, NULL when they must be made or read. Those of a mapped file are for the system to look at alone: when
 * the file has shrunk, it gives an error where we would fault. */
static const void *bytes_of(const oo_piece *part) {
    const oo_source *const source = part->source;
    if (part->make)
        return NULL;
    if (!source)
        return (const char *)part->bytes + part->offset;
    const bool there = source->fd < 0 || (source->resident && part->size >= DIRECT);
    return there && part->offset <= source->size && part->size <= source->size - part->offset ? source->bytes + part->offset : NULL;
}

/* Puts the bytes of a piece into `out`. */
static bool fill(assembly *a, const oo_piece *part, const void *bytes, void *out) {
    if (part->make)
        return make_part(a, part, out);
    if (bytes)
        memcpy(out, bytes, part->size);
    else if (!oo__source_read(part->source, part->offset, part->size, out))
        a->o->error = EIO;
    return !a->o->error;
}

/* What is not stored from where it is comes into `out`, at its place in the block. */
static bool gather(assembly *a, const block *b, uint8_t *out, parts *p) {
    for (uint32_t i = b->first; i < a->n && a->starts[i] < b->end; i++) {
        const oo_piece part = part_of(a, b, i);
        const void *const bytes = bytes_of(&part);
        const bool direct = bytes && part.size >= DIRECT;
        if (!direct && !fill(a, &part, bytes, out))
            return false;
        add_part(p, direct ? bytes : out, part.size);
        out += part.size;
    }
    return true;
}

static void put_blocks(assembly *a, uint8_t *buffer) {
    const uint64_t begin = a->starts[0], end = a->starts[a->n];
    while (!a->o->error && !a->unmade) {
        const uint64_t number = begin / BUFFER + atomic_fetch_add(&a->next, 1);
        block b = {.start = number * BUFFER, .end = (number + 1) * BUFFER};
        b.start = b.start > begin ? b.start : begin;
        b.end = b.end < end ? b.end : end;
        if (b.start >= end)
            return;
        b.first = piece_at(a, b.start);
        parts p = {.n = 0};
        if (!gather(a, &b, buffer + skew_of(a, &b), &p))
            return;
        put(a->o, &p, b.start);
    }
}

static void *help(void *assembly_) {
    uint8_t *const buffer = oo__malloc(BUFFER + ALIGNMENT);
    put_blocks(assembly_, buffer);
    free(buffer);
    return NULL;
}

static bool several_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;
}

bool oo__output_pieces(oo_output *o, const oo_piece *pieces, uint32_t n) {
    flush(o);
    assembly a = {.o = o, .pieces = pieces, .n = n, .starts = oo__malloc((n + (size_t)1) * sizeof *a.starts)};
    a.starts[0] = o->size;
    uint64_t elsewhere = 0;
    for (uint32_t i = 0; i < n; i++) {
        a.starts[i + 1] = a.starts[i] + pieces[i].size;
        elsewhere += bytes_of(&pieces[i]) ? 0 : pieces[i].size;
    }
    pthread_mutex_init(&a.making, NULL);
    pthread_t helper;
    const bool helped =
        elsewhere >= WORTH_A_THREAD && several_processors() && pthread_create(&helper, NULL, help, &a) == 0;
    put_blocks(&a, o->buffer);
    if (helped)
        pthread_join(helper, NULL);
    pthread_mutex_destroy(&a.making);
    o->size = a.starts[n];
    free(a.starts);
    return !a.unmade;
}

void oo__output_copy(oo_output *o, const oo_source *source, uint64_t offset, uint64_t size) {
    oo__output_pieces(o, &(oo_piece){.source = source, .offset = offset, .size = size}, 1);
}

uint64_t oo__output_size(const oo_output *o) { return o->size; }

/* Sends the memory file on to where it goes. */
static void send_direct(oo_output *o) {
    uint64_t at = 0;
    for (ssize_t n; !o->error && (n = pread(o->fd, o->buffer, BUFFER, (off_t)at)) > 0; at += (uint64_t)n) {
        for (ssize_t done = 0; done < n && !o->error;) {
            const ssize_t sent = write(o->direct, o->buffer + done, (size_t)(n - done));
            if (sent < 0 && errno != EINTR)
                o->error = errno;
            done += sent > 0 ? sent : 0;
        }
    }
}

oo_status oo__output_commit(oo_output *o) {
    flush(o);
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
