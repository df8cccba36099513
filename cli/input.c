/* Opens a model whatever its form: the binary format or ONNX's textual syntax, a file, a pipe or standard input. */
#include "cli/cli.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A model as text begins with '<' or a comment; as the first byte of a protobuf message either would end or open a group. */
static bool looks_like_text(const char *bytes, size_t size) {
    size_t i = 0;
    while (i < size && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n'))
        i++;
    return i < size && (bytes[i] == '<' || bytes[i] == '#');
}

static bool file_looks_like_text(const char *path) {
    char head[4096];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : 0;
    if (fd >= 0)
        close(fd);
    return n > 0 && looks_like_text(head, (size_t)n);
}

oo_status oo__input_open(oo_input *out, oo_context *context, const char *path) {
    *out = (oo_input){.path = path, .size = -1};
    out->text = ends_with(path, ".onnxtxt") || ends_with(path, ".txt");
    struct stat info;
    if (strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        out->size = (int64_t)info.st_size;
        out->text = out->text || file_looks_like_text(path);
        if (!out->text)
            return OO_OK;
    }
    OO_TRY(oo__source_open(&out->source, context, path));
    out->size = (int64_t)out->source->size;
    out->text = out->text || looks_like_text((const char *)out->source->bytes, out->source->size);
    return OO_OK;
}

static oo_status read_input(oo_model **out, oo_context *context, const oo_input *input, bool defective) {
    if (!input->source)
        return (defective ? oo__model_load_defective : oo_model_load)(out, context, input->path);
    const oo_source *const s = input->source;
    const void *const bytes = s->bytes ? (const void *)s->bytes : "";
    if (input->text)
        return oo_model_parse(out, context, bytes, s->size, input->path);
    return (defective ? oo__model_read_defective : oo__model_read)(out, context, bytes, s->size, input->path);
}

oo_status oo__input_read(oo_model **out, oo_context *context, const oo_input *input) { return read_input(out, context, input, false); }
oo_status oo__input_read_defective(oo_model **out, oo_context *context, const oo_input *input) { return read_input(out, context, input, true); }

void oo__input_close(oo_input *input) { oo__source_close(input->source); }

size_t oo__model_stem(const char *path) {
    static const char *const known[] = {".onnx", ".onnxtxt", ".txt"};
    size_t stem = strlen(path);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(path) > strlen(known[i]) && ends_with(path, known[i]))
            stem = strlen(path) - strlen(known[i]);
    return stem;
}
