/* Read-only inputs: mapped files, gathered pipes, plain memory. */
#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static oo_source *source_new(const char *path) {
    oo_source *const source = oo__malloc(sizeof *source);
    *source = (oo_source){.fd = -1};
    const size_t size = strlen(path) + 1;
    source->path = memcpy(oo__malloc(size), path, size);
    return source;
}

static oo_status io_error(oo_context *context, const char *path, const char *what, int error) {
    oo__file_error(context, "file-read", path, -1, "%s: %s", what, strerror(error));
    return OO_IO;
}

/* Everything that a pipe or terminal gives, in a memory file: so that one code path (a descriptor and a mapping) serves all. */
static int gather(int from) {
    const int to = memfd_create("onnxopt-input", MFD_CLOEXEC);
    if (to < 0)
        return -1;
    enum { CHUNK = 1 << 16 };
    char *const buffer = oo__malloc(CHUNK);
    for (;;) {
        const ssize_t got = read(from, buffer, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        bool ok = got >= 0;
        for (ssize_t done = 0; ok && done < got;) {
            const ssize_t put = write(to, buffer + done, (size_t)(got - done));
            ok = put > 0 || (put < 0 && errno == EINTR);
            done += put > 0 ? put : 0;
        }
        if (got > 0 && ok)
            continue;
        const int error = errno;
        free(buffer);
        if (ok)
            return to;
        close(to);
        errno = error;
        return -1;
    }
}

static oo_status map(oo_source *source, oo_context *context) {
    struct stat info;
    if (fstat(source->fd, &info) != 0)
        return io_error(context, source->path, "cannot be examined", errno);
    source->size = (uint64_t)info.st_size;
    source->device = (uint64_t)info.st_dev;
    source->inode = (uint64_t)info.st_ino;
    if (source->size == 0)
        return OO_OK;
    void *const bytes = mmap(NULL, source->size, PROT_READ, MAP_PRIVATE, source->fd, 0);
    if (bytes == MAP_FAILED)
        return io_error(context, source->path, "cannot be mapped", errno);
    source->bytes = bytes;
    source->mapped = true;
    return OO_OK;
}

static oo_status open_path(oo_source *source, oo_context *context) {
    source->fd = open(source->path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return io_error(context, source->path, "cannot be opened", errno);
    struct stat info;
    if (fstat(source->fd, &info) != 0)
        return io_error(context, source->path, "cannot be examined", errno);
    if (S_ISREG(info.st_mode))
        return OO_OK;
    if (S_ISDIR(info.st_mode))
        return io_error(context, source->path, "cannot be read", EISDIR);
    const int gathered = gather(source->fd);
    if (gathered < 0)
        return io_error(context, source->path, "cannot be read", errno);
    close(source->fd);
    source->fd = gathered;
    return OO_OK;
}

oo_status oo__source_open(oo_source **out, oo_context *context, const char *path) {
    *out = NULL;
    oo_source *const source = source_new(path);
    oo_status status = OO_OK;
    if (strcmp(path, "-") == 0) {
        source->fd = gather(STDIN_FILENO);
        if (source->fd < 0)
            status = io_error(context, "standard input", "cannot be read", errno);
    } else {
        status = open_path(source, context);
    }
    if (status == OO_OK)
        status = map(source, context);
    if (status != OO_OK) {
        oo__source_close(source);
        return status;
    }
    *out = source;
    return OO_OK;
}

oo_source *oo__source_memory(const void *bytes, uint64_t size, const char *path) {
    oo_source *const source = source_new(path ? path : "memory");
    source->bytes = bytes;
    source->size = size;
    return source;
}

void oo__source_close(oo_source *source) {
    if (!source)
        return;
    if (source->mapped)
        munmap((void *)(uintptr_t)source->bytes, source->size);
    if (source->fd >= 0)
        close(source->fd);
    free(source->path);
    free(source);
}

bool oo__source_read(const oo_source *source, uint64_t offset, uint64_t size, void *out) {
    if (offset > source->size || size > source->size - offset)
        return false;
    if (size == 0)
        return true;
    if (source->fd < 0) {
        memcpy(out, source->bytes + offset, size);
        return true;
    }
    for (uint64_t done = 0; done < size;) {
        const ssize_t got = pread(source->fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (uint64_t)got;
    }
    return true;
}

void oo__source_expect(oo_source *source) {
#ifdef MADV_POPULATE_READ
    if (source->mapped) /* unknown before Linux 5.14 */
        source->resident = madvise((void *)(uintptr_t)source->bytes, source->size, MADV_POPULATE_READ) == 0;
#endif
}

void oo__source_forget(const oo_source *source, uint64_t offset, uint64_t size) {
    if (!source->mapped || source->resident)
        return;
    const uint64_t page = 4096;
    const uint64_t from = (offset + page - 1) / page * page;
    const uint64_t to = (offset + size) / page * page;
    if (to > from)
        madvise((void *)(uintptr_t)(source->bytes + from), to - from, MADV_DONTNEED);
}
