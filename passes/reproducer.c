#include "passes/reproducer.h"

#include "io/io.h"
#include "ir/extract.h"
#include "passes/values.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct writer {
    oo_context *context;
    oo_model *values; /* owns what is made here */
    const char *folder;
    const oo_compare_failure *failure;
} writer;

static const char *path_in(const writer *w, const char *name) { return oo__arena_printf(w->values->arena, "%s/%s", w->folder, name); }

static oo_status make_folder(const writer *w, const char *path) {
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return OO_OK;
    oo__file_error(w->context, "file-write", path, -1, "the folder cannot be made: %s", strerror(errno));
    return OO_IO;
}

/* ---- values ---- */
static const char *data_path(const writer *w, const char *what, uint32_t k) {
    return oo__arena_printf(w->values->arena, "%s/test_data_set_0/%s_%u.pb", w->folder, what, k);
}

static oo_status write_value(const writer *w, const oo_datum *value, const char *what, uint32_t k) {
    return oo__value_write(w->context, oo__tree_of_datum(w->values, value), data_path(w, what, k));
}

/* Files of an earlier failure with more inputs. */
static void remove_from(const writer *w, const char *what, uint32_t k) {
    while (unlink(data_path(w, what, k)) == 0)
        k++;
}

static oo_status write_values(const writer *w) {
    const oo_compare_failure *const f = w->failure;
    uint32_t k = 0;
    for (uint32_t i = 0; i < f->inputs.n; i++)
        OO_TRY(write_value(w, f->inputs.data[i].value, "input", k++));
    remove_from(w, "input", k);
    if (f->goal_a) {
        OO_TRY(write_value(w, f->want, "output", 0));
        remove_from(w, "output", 1);
        return OO_OK;
    }
    for (uint32_t i = 0; i < f->noutputs; i++)
        OO_TRY(write_value(w, f->outputs[i], "output", i));
    remove_from(w, "output", f->noutputs);
    return OO_OK;
}

/* ---- models ---- */
static const oo_type *type_of(const writer *w, const oo_datum *d) {
    oo_type *const type = OO_NEW(w->values->arena, oo_type);
    if (d->kind == OO_DATUM_SEQUENCE || d->kind == OO_DATUM_OPTIONAL) {
        type->kind = d->kind == OO_DATUM_SEQUENCE ? OO_TYPE_SEQUENCE : OO_TYPE_OPTIONAL;
        oo_type *const inner = OO_NEW(w->values->arena, oo_type);
        *inner = (oo_type){.kind = OO_TYPE_TENSOR, .has_elem = true, .elem = (int32_t)d->elem};
        type->inner = inner;
        return type;
    }
    if (d->kind != OO_DATUM_TENSOR)
        return NULL;
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .has_elem = true, .elem = (int32_t)d->elem, .has_shape = true, .rank = d->array->rank};
    type->dims = OO_NEW_ARRAY(w->values->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++)
        type->dims[i] = (oo_dim){.kind = OO_DIM_VALUE, .value = d->array->dims[i]};
    return type;
}

static oo_status write_part(const writer *w, oo_model *model, bool original, const char *name) {
    const oo_compare_failure *const f = w->failure;
    if (!f->goal_a)
        return oo_model_save(model, path_in(w, name), NULL);
    oo__model_name_values(model);
    oo_extract_end *const inputs = OO_NEW_ARRAY(w->values->arena, oo_extract_end, f->inputs.n);
    for (uint32_t i = 0; i < f->inputs.n; i++) {
        const oo_compare_input *const input = &f->inputs.data[i];
        inputs[i] = (oo_extract_end){original ? input->a : input->b, oo_value_name(input->a), type_of(w, input->value)};
    }
    const oo_extract_end output = {original ? f->goal_a : f->goal_b, oo_value_name(f->goal_a), type_of(w, f->want)};
    const oo_extract part = {.inputs = inputs, .ninputs = f->inputs.n, .outputs = &output, .noutputs = 1, .name = "difference"};
    oo_model *const extracted = oo__model_extract(model, &part);
    if (!extracted) {
        oo__file_error(w->context, "check-part", path_in(w, name), -1, "the part that differs cannot be cut out of the model");
        return OO_UNSUPPORTED;
    }
    const oo_status status = oo_model_save(extracted, path_in(w, name), &(oo_save_options){.external = OO_EXTERNAL_INLINE});
    oo_model_free(extracted);
    return status;
}

oo_status oo__reproducer_write(oo_context *context, const char *folder, oo_model *original, oo_model *changed,
                               const oo_compare_failure *failure) {
    const writer w = {.context = context, .values = oo__model_new(context, folder), .folder = folder, .failure = failure};
    const char *const slash = strrchr(folder, '/');
    oo_status status = OO_OK;
    if (slash && slash != folder)
        status = make_folder(&w, oo__arena_copy(w.values->arena, folder, (size_t)(slash - folder)));
    if (status == OO_OK)
        status = make_folder(&w, folder);
    if (status == OO_OK)
        status = make_folder(&w, path_in(&w, "test_data_set_0"));
    if (status == OO_OK)
        status = write_part(&w, original, true, "model.onnx");
    if (status == OO_OK)
        status = write_part(&w, changed, false, "rewritten.onnx");
    if (status == OO_OK)
        status = write_values(&w);
    oo_model_free(w.values);
    return status;
}
