/* Infers types and shapes and declares them; inputs may be fixed first. */
#include "ir/infer_store.h"
#include "ir/rewriter.h"

#include <stdlib.h>
#include <string.h>

struct infer_shapes {
    const char *dims, *input_shapes;
    bool emit, forget, strict;
};

typedef oo_vec(const char *) words;

/* "a;b" */
static void split(oo_rewriter *rw, words *out, const char *text) {
    while (text && *text) {
        const size_t n = strcspn(text, ";");
        char *const word = oo_scratch(rw, n + 1);
        memcpy(word, text, n);
        oo_vec_push(NULL, out, word);
        text += n + (text[n] != 0);
    }
}

static oo_status check_dims(oo_rewriter *rw, const words *dims) {
    for (uint32_t i = 0; i < dims->n; i++) {
        const char *const sign = strrchr(dims->data[i], '=');
        if (!sign || sign == dims->data[i] || !sign[1] || sign[1 + strspn(sign + 1, "0123456789")] || strlen(sign + 1) > 18)
            return oo_error_at(rw, NULL, OO_INVALID, "dims: \"%s\" is not of the form NAME=N", dims->data[i]);
    }
    return OO_OK;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    const struct infer_shapes *const o = options;
    (void)model;
    words dims = {0}, shapes = {0};
    split(rw, &dims, o->dims);
    split(rw, &shapes, o->input_shapes);
    oo_status status = check_dims(rw, &dims);
    const oo_shape_request request = {.dims = dims.data,
                                      .ndims = dims.n,
                                      .shapes = shapes.data,
                                      .nshapes = shapes.n,
                                      .emit = o->emit,
                                      .forget = o->forget,
                                      .strict = o->strict};
    if (status == OO_OK)
        status = oo__infer_shapes(rw, &request);
    oo_vec_free(&dims);
    oo_vec_free(&shapes);
    return status;
}

static const oo_option_row OPTIONS[] = {
    OO_OPTION(struct infer_shapes, dims, OO_OPT_STRING, "dims", "", "symbols that are numbers: N=1;M=2"),
    OO_OPTION(struct infer_shapes, input_shapes, OO_OPT_STRING, "input-shapes", "", "shapes of inputs: x:1,3,224,224;y:N,8"),
    OO_OPTION(struct infer_shapes, emit, OO_OPT_BOOL, "emit", "true", "declare every value, not only renew what fixed inputs change"),
    OO_OPTION(struct infer_shapes, forget, OO_OPT_BOOL, "forget", "false", "do not believe what the model declares of values and outputs"),
    OO_OPTION(struct infer_shapes, strict, OO_OPT_BOOL, "strict", "false", "a contradiction is an error"),
};

const oo_pass oo_pass_infer_shapes = {
    .size = sizeof(oo_pass),
    .name = "infer-shapes",
    .summary = "Infer types and symbolic shapes and declare them as value_info; fix inputs",
    .doc = "Element types and shapes of all values are inferred; dimensions are numbers or expressions over the symbols of the inputs. "
           "What was inferred becomes value_info and the declared types of outputs; bodies of local functions get none. With dims or "
           "input-shapes the declared types of inputs change first, and what was declared downstream is renewed. A node that fitted "
           "before and does not any more, because a constant was baked from the old shape, is an error, and nothing is written; a "
           "Reshape whose constant target keeps an old dimension is a warning.",
    .options = OPTIONS,
    .noptions = sizeof OPTIONS / sizeof *OPTIONS,
    .options_size = sizeof(struct infer_shapes),
    .keeps = OO_ORDER,
    .run = run,
};
