/* Writes ModelProto: all messages are put together in memory without the tensors' payloads, which the kernel copies from file to file. */
#include "io/writer.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_THRESHOLD = 1024 };

static void *message_alloc(void *arena, size_t size) { return oo__arena_take(arena, size); }
static void message_free(void *arena, void *block) {
    (void)arena;
    (void)block;
}

static void write_head(oo__writer *w) {
    const oo_model *const model = w->model;
    Onnx__ModelProto m = ONNX__MODEL_PROTO__INIT;
    m.has_ir_version = model->has_ir_version;
    m.ir_version = model->ir_version;
    m.has_model_version = model->has_model_version;
    m.model_version = model->model_version;
    OO__SET_TEXT(&m, producer_name, model->producer_name);
    OO__SET_TEXT(&m, producer_version, model->producer_version);
    OO__SET_TEXT(&m, domain, model->domain);
    OO__SET_TEXT(&m, doc_string, model->doc);
    m.n_opset_import = model->opsets.n;
    m.opset_import = oo__write_opsets(w, &model->opsets);
    oo__write_props(w, 14, &model->metadata);
    oo__emit_message(w->emit, &m.base);
}

static void write_model(oo__writer *w) {
    const oo_model *const model = w->model;
    oo__emit_bytes(w->emit, model->unknown.data, model->unknown.size);
    for (uint32_t i = model->configurations.n; i-- > 0;) {
        const uint64_t mark = oo__emit_size(w->emit);
        oo__emit_bytes(w->emit, model->configurations.data[i].data, model->configurations.data[i].size);
        oo__emit_close(w->emit, 26, mark);
    }
    for (uint32_t i = model->functions.n; i-- > 0;) {
        if (model->functions.data[i]->dropped)
            continue;
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_function(w, model->functions.data[i]);
        oo__emit_close(w->emit, 25, mark);
        oo__arena_reset(w->messages);
    }
    for (uint32_t i = model->trainings.n; i-- > 0;) {
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_training(w, model->trainings.data[i]);
        oo__emit_close(w->emit, 20, mark);
    }
    if (model->graph) {
        const uint64_t mark = oo__emit_size(w->emit);
        oo__write_graph(w, model->graph);
        oo__emit_close(w->emit, 7, mark);
    }
    write_head(w);
}

/* ---- data files ---- */
static char *folder_of(const char *path) {
    char *const copy = strdup(path);
    if (!copy)
        oo__oom(strlen(path));
    char *const real = realpath(dirname(copy), NULL);
    free(copy);
    return real;
}

static bool in_same_folder(const char *a, const char *b) {
    if (!a || !b || strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
        return false;
    char *const fa = folder_of(a), *const fb = folder_of(b);
    const bool same = fa && fb && strcmp(fa, fb) == 0;
    free(fa);
    free(fb);
    return same;
}

static char *beside(const char *path, const char *name) {
    const char *const slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash - path + 1) : 0;
    char *const out = oo__malloc(folder + strlen(name) + 1);
    memcpy(out, path, folder);
    memcpy(out + folder, name, strlen(name) + 1);
    return out;
}

/* What lies in the data file: of each tensor the padding before it and its bytes. */
static bool write_split_tensors(const oo__writer *w, oo_output *output) {
    static const uint8_t zeros[4096];
    oo_vec(oo_piece) pieces = {0};
    uint64_t end = 0;
    for (uint32_t i = 0; i < w->split.n; i++) {
        const oo_tensor *const t = w->split.data[i];
        const bool plain = (t->storage == OO_STORE_RAW || t->storage == OO_STORE_EXTERNAL) && t->payload.source;
        oo_piece piece = {.make = oo__tensor_make, .state = t, .size = oo_tensor_size(t)};
        if (plain)
            piece = (oo_piece){.source = t->payload.source, .offset = t->payload.offset, .size = t->payload.size};
        oo_vec_push(NULL, &pieces, (oo_piece){.bytes = zeros, .size = w->offsets.data[i] - end});
        oo_vec_push(NULL, &pieces, piece);
        end = w->offsets.data[i] + piece.size;
    }
    const bool ok = oo__output_pieces(output, pieces.data, pieces.n);
    oo_vec_free(&pieces);
    return ok;
}

static oo_status write_split_file(const oo__writer *w) {
    char *const path = beside(w->path, w->data_name);
    oo_output *output;
    oo_status status = oo__output_open(&output, w->model->context, path);
    if (status == OO_OK && !write_split_tensors(w, output)) {
        oo__output_discard(output);
        oo__file_error(w->model->context, "save-data", path, -1, "the data of a tensor cannot be had");
        status = OO_IO;
    } else if (status == OO_OK) {
        status = oo__output_commit(output);
    }
    free(path);
    return status;
}

static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
}

/* Whether the file has the content of the source. */
static bool holds(oo_context *context, const char *path, const oo_source *source) {
    const bool quiet = context->quiet;
    oo_source *there;
    context->quiet = true;
    bool same = oo__source_open(&there, context, path) == OO_OK;
    context->quiet = quiet;
    if (!same)
        return false;
    same = there->size == source->size && (!source->size || memcmp(there->bytes, source->bytes, source->size) == 0);
    oo__source_close(there);
    return same;
}

/* The location inside the model's folder: what follows it in the source's path. The model chooses that name, so a file that is there
 * already may be anything: it is left alone. */
static oo_status copy_external(const oo__writer *w, const oo_source *source) {
    const char *const from = w->model->path;
    const char *const slash = strrchr(from, '/');
    const size_t folder = slash ? (size_t)(slash - from + 1) : 2; /* "./" was put before */
    char *const path = beside(w->path, source->path + folder);
    make_folders(path);
    oo_output *output;
    oo_status status = OO_OK;
    if (access(path, F_OK) != 0) {
        status = oo__output_open(&output, w->model->context, path);
        if (status == OO_OK) {
            oo__output_copy(output, source, 0, source->size);
            status = oo__output_commit(output);
        }
    } else if (!holds(w->model->context, path, source)) {
        oo__file_error(w->model->context, "save-data", path, -1,
                       "the model's external data would replace this file, which holds something else; remove it or write to another folder");
        status = OO_IO;
    }
    free(path);
    return status;
}

oo_status oo__write_data_files(oo__writer *w) {
    if (w->split.n)
        OO_TRY(write_split_file(w));
    /* Source 0 is the model itself; the others are its external files. */
    for (uint32_t i = 1; w->options.external == OO_EXTERNAL_KEEP && !w->same_folder && i < w->model->sources.n; i++)
        OO_TRY(copy_external(w, w->model->sources.data[i]));
    return OO_OK;
}

/* ---- saving ---- */
static oo_status too_large(const oo__writer *w, const char *why) {
    oo__file_error(w->model->context, "save-too-large", w->path, -1,
                   "the model has %llu bytes, more than the 2147483647 that one protobuf message can have; %s",
                   (unsigned long long)oo__emit_size(w->emit), why);
    return OO_LIMIT;
}

static oo_status put_together(oo__writer *w) {
    write_model(w);
    if (w->status != OO_OK || oo__emit_size(w->emit) <= INT32_MAX)
        return w->status;
    if (w->options.external == OO_EXTERNAL_INLINE)
        return too_large(w, "allow external data");
    if (strcmp(w->path, "-") == 0)
        return too_large(w, "external data needs an output file");
    /* Too large for one message: the tensors move out. */
    w->options.external = OO_EXTERNAL_SPLIT;
    if (!w->options.threshold)
        w->options.threshold = DEFAULT_THRESHOLD;
    oo__emit_free(w->emit);
    w->emit = oo__emit_new();
    write_model(w);
    return oo__emit_size(w->emit) <= INT32_MAX ? w->status : too_large(w, "even without its tensors");
}

static oo_status write_file(oo__writer *w) {
    OO_TRY(oo__write_data_files(w));
    oo_output *output;
    OO_TRY(oo__output_open(&output, w->model->context, w->path));
    if (oo__emit_write(w->emit, output))
        return oo__output_commit(output);
    oo__output_discard(output);
    oo__file_error(w->model->context, "save-data", w->path, -1, "the data of a folded tensor cannot be had");
    return OO_IO;
}

oo_status oo_model_save(oo_model *model, const char *path, const oo_save_options *options) {
    oo__model_name_values(model);
    oo__writer w = {.model = model, .path = path, .emit = oo__emit_new(), .messages = oo__arena_new()};
    w.allocator = (ProtobufCAllocator){message_alloc, message_free, w.messages};
    if (options)
        w.options = *options;
    if (w.options.external == OO_EXTERNAL_SPLIT && !w.options.threshold)
        w.options.threshold = DEFAULT_THRESHOLD;
    w.same_folder = in_same_folder(model->path, path);
    const char *const slash = strrchr(path, '/');
    w.data_name = w.options.external_name ? w.options.external_name : oo__arena_printf(model->arena, "%s.data", slash ? slash + 1 : path);
    oo_status status = OO_OK;
    if (w.options.external == OO_EXTERNAL_SPLIT && strcmp(path, "-") == 0) {
        oo__file_error(model->context, "save-data", "standard output", -1, "external data needs an output file");
        status = OO_IO;
    }
    if (status == OO_OK)
        status = put_together(&w);
    if (status == OO_OK)
        status = write_file(&w);
    oo__emit_free(w.emit);
    oo__arena_free(w.messages);
    oo_vec_free(&w.split);
    oo_vec_free(&w.offsets);
    return status;
}
