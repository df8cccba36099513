/* Tensor data in files beside the model. A model may name only files inside its own folder: neither an absolute path, nor "..", nor a
 * link may lead out of it. "Inside" holds for the folder as named or for the folder that the model's own link leads to (download
 * caches keep both the model and its data as links into one folder). */
#include "io/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *entry(const oo_tensor *t, const char *key) {
    for (uint32_t i = 0; i < t->external.n; i++)
        if (t->external.data[i].key && strcmp(t->external.data[i].key, key) == 0)
            return t->external.data[i].value;
    return NULL;
}

/* A decimal number that fills the text. */
static bool parse_size(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && errno == 0 && *out <= INT64_MAX;
}

static bool climbs(const char *path) {
    for (const char *p = path; *p;) {
        const size_t n = strcspn(p, "/\\");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return true;
        p += n + (p[n] != 0);
    }
    return false;
}

static bool lies_in(const char *path, const char *folder) {
    if (!folder)
        return false;
    char *const real = realpath(folder, NULL);
    if (!real)
        return false;
    const size_t n = strlen(real);
    const bool inside = strncmp(path, real, n) == 0 && (path[n] == '/' || (n && real[n - 1] == '/'));
    free(real);
    return inside;
}

static oo_status refuse(const oo__reader *r, const oo_tensor *t, const char *code, const char *location, const char *what) {
    return oo__read_fail(r, code, r->item, "external data \"%s\" of tensor \"%s\" %s",
                         oo__printable(location ? location : "", location ? strlen(location) : 0),
                         t->name ? oo__printable(t->name, oo__str_len(t->name)) : "", what);
}

static oo_source *known_source(const oo_model *model, const char *path) {
    for (uint32_t i = 0; i < model->sources.n; i++)
        if (strcmp(model->sources.data[i]->path, path) == 0)
            return model->sources.data[i];
    return NULL;
}

static oo_status open_data(oo_source **out, oo__reader *r, const oo_tensor *t, const char *location) {
    const char *const path = oo__arena_printf(r->model->arena, "%s%s", r->folder, location);
    *out = known_source(r->model, path);
    if (*out || access(path, F_OK) != 0)
        return OO_OK;
    char *const real = realpath(path, NULL);
    const bool inside = real && (lies_in(real, r->folder) || lies_in(real, r->real_folder));
    free(real);
    if (!inside)
        return refuse(r, t, "load-external-path", location, "lies outside of the model's folder");
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* a pipe would be waited for */
        return refuse(r, t, "load-external-path", location, "is not a regular file");
    OO_TRY(oo__source_open(out, r->context, path));
    oo_vec_push(r->model->arena, &r->model->sources, *out);
    return OO_OK;
}

oo_status oo__read_external(oo__reader *r, oo_tensor *t) {
    const char *const location = entry(t, "location");
    if (!location || !*location)
        return refuse(r, t, "load-external-path", location, "has no location");
    if (*location == '/' || *location == '\\' || climbs(location) || strlen(location) != oo__str_len(location))
        return refuse(r, t, "load-external-path", location, "would lie outside of the model's folder");
    uint64_t offset = 0, length = oo_tensor_size(t);
    const char *const offset_text = entry(t, "offset"), *const length_text = entry(t, "length");
    if ((offset_text && !parse_size(offset_text, &offset)) || (length_text && !parse_size(length_text, &length)))
        return refuse(r, t, "load-external-range", location, "has an offset or length that is no number");
    if (oo__elem_bits(t->elem) && length != oo_tensor_size(t))
        return refuse(r, t, "load-tensor-size", location, "has another length than its dimensions ask for");
    if (!r->folder)
        return OO_OK;
    oo_source *source;
    OO_TRY(open_data(&source, r, t, location));
    if (!source)
        return OO_OK;
    if (offset > source->size || length > source->size - offset)
        return refuse(r, t, "load-external-range", location, "passes the end of the file");
    t->payload = (oo_payload){.source = source, .offset = offset, .size = length};
    return OO_OK;
}
