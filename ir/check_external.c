/* Checks of data in other files: there, a regular file with one name, long enough, with the checksum that the model gives. */
#include "base/sha1.h"
#include "ir/check_run.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *entry(const oo_tensor *t, const char *key) {
    for (uint32_t i = 0; i < t->external.n; i++)
        if (t->external.data[i].key && strcmp(t->external.data[i].key, key) == 0)
            return t->external.data[i].value;
    return NULL;
}

/* Folder of the model's file with the slash; "" for a bare name, NULL when the model came from no file. */
static const char *folder_of(oo__check_run *c) {
    const char *const path = c->model->path, *const slash = strrchr(path, '/');
    if (strcmp(path, "-") == 0)
        return NULL;
    return slash ? oo__arena_copy(c->arena, path, (size_t)(slash - path + 1)) : "";
}

/* ---- checksums ---- */
static const char *sha1_of(const oo_source *source, char hex[41]) {
    enum { PIECE = 1 << 20 };
    oo_sha1 sha1;
    oo__sha1_begin(&sha1);
    for (uint64_t at = 0; at < source->size; at += PIECE) {
        const uint64_t n = source->size - at < PIECE ? source->size - at : PIECE;
        oo__sha1_add(&sha1, source->bytes + at, n);
        oo__source_forget(source, at, n);
    }
    oo__sha1_end(&sha1, hex);
    return hex;
}

/* Tensors share files: the last file's checksum is kept. */
static void check_sum(oo__check_run *c, const oo_tensor *t, const oo_value *value, const char *what) {
    const char *const wanted = entry(t, "checksum");
    const oo_source *const source = t->payload.source;
    if (!wanted || !*wanted || !source || !source->bytes)
        return;
    if (c->summed != source)
        sha1_of(source, c->sum);
    c->summed = source;
    if (strcasecmp(wanted, c->sum) != 0)
        oo__tell(c, DEFECT_CHECKSUM, value, "%sthe file \"%s\" has the SHA-1 checksum %s, the model gives \"%s\"", what,
                 oo__shown(entry(t, "location")), c->sum, oo__shown(wanted));
}

/* ---- files ---- */
/* Why the file is none that ONNX lets a model name; NULL when it is. Links might show what the model's author may not read. */
static const char *lack_of(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? "does not exist" : strerror(errno);
    if (S_ISLNK(info.st_mode))
        return "is a symbolic link";
    if (!S_ISREG(info.st_mode))
        return "is not a regular file";
    return info.st_nlink > 1 ? "has several names (hard links)" : NULL;
}

void oo__check_external(oo__check_run *c, const oo_tensor *t, const oo_value *value, const char *what) {
    if (t->storage != OO_STORE_EXTERNAL)
        return;
    const char *const folder = folder_of(c), *const location = entry(t, "location");
    if (!location || !*location)
        return; /* told by the reader */
    if (!folder) {
        oo__tell(c, DEFECT_EXTERNAL, value, "%sthe data are in \"%s\", beside a model that came from no file", what, oo__shown(location));
        return;
    }
    const char *const lack = lack_of(oo__arena_printf(c->arena, "%s%s", folder, location));
    if (lack)
        oo__tell(c, DEFECT_EXTERNAL, value, "%sthe file \"%s\" of the data %s", what, oo__shown(location), lack);
    else
        check_sum(c, t, value, what);
}
