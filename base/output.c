/* Output files that appear whole or not at all. */
#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, COPY_MIN = 32 * 1024, MAX_OPEN = 16 };

struct oo_output {
    oo_context *context;
    char *path;      /* as given */
    char *target;    /* what the rename replaces; NULL = written directly (standard output, devices) */
    char *temporary; /* NULL when written directly */
    int fd, direct;  /* direct: where commit sends a memory file, or -1 */
    int slot;
    int error;       /* first errno */
    uint64_t size;
    size_t used;
    uint8_t *buffer;
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
    o->buffer = oo__malloc(BUFFER);
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

static void flush(oo_output *o) {
    put(o, o->fd, o->buffer, o->used);
    o->used = 0;
}

void oo__output_write(oo_output *o, const void *bytes, size_t size) {
    o->size += size;
    if (size > BUFFER - o->used)
        flush(o);
    if (size > BUFFER) {
        put(o, o->fd, bytes, size);
    } else if (size) {
        memcpy(o->buffer + o->used, bytes, size);
        o->used += size;
    }
}

/* Through a buffer; also what is left when the kernel does not copy between these files. */
static void copy_through(oo_output *o, const oo_source *source, uint64_t offset, uint64_t size) {
    while (size && !o->error) {
        if (o->used == BUFFER)
            flush(o);
        uint64_t part = BUFFER - o->used;
        if (part > size)
            part = size;
        if (!oo__source_read(source, offset, part, o->buffer + o->used)) {
            o->error = EIO;
            return;
        }
        o->used += part;
        offset += part;
        size -= part;
    }
}

void oo__output_copy(oo_output *o, const oo_source *source, uint64_t offset, uint64_t size) {
    o->size += size;
    if (source->fd < 0 || size < COPY_MIN) {
        copy_through(o, source, offset, size);
        return;
    }
    flush(o);
    loff_t from = (loff_t)offset;
    while (size && !o->error) {
        const ssize_t n = copy_file_range(source->fd, &from, o->fd, NULL, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            copy_through(o, source, (uint64_t)from, size);
            return;
        }
        size -= (uint64_t)n;
    }
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
