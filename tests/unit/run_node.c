#include "run_node.h"

#include "io/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char run_message[400];

static void hear(void *user, const oo_diag *d) {
    (void)user;
    snprintf(run_message, sizeof run_message, "%s", d->text);
}

static char *text_of(int opset, const char *call, uint32_t ninputs, oo_array *const *inputs) {
    char *text;
    size_t size;
    FILE *const f = open_memstream(&text, &size);
    fprintf(f, "<ir_version: 10, opset_import: [\"\" : %d]>\ng (", opset);
    for (uint32_t i = 0; i < ninputs; i++) {
        fprintf(f, "%s%s", i ? ", " : "", oo__elem_name((int32_t)inputs[i]->elem));
        for (uint32_t k = 0; k < inputs[i]->rank; k++)
            fprintf(f, "%s%lld%s", k ? "," : "[", (long long)inputs[i]->dims[k], k + 1 == inputs[i]->rank ? "]" : "");
        fprintf(f, " i%u", i);
    }
    fprintf(f, ") => (float y) { y = %s }", call);
    fclose(f);
    return text;
}

oo_array *run_call(int opset, const char *call, uint32_t ninputs, oo_array *const *inputs) {
    oo_context *const context = oo_context_new();
    oo_set_sink(context, hear, NULL);
    char *const text = text_of(opset, call, ninputs, inputs);
    run_message[0] = 0;
    oo_model *model = NULL;
    oo_array *result = NULL;
    if (oo_model_parse(&model, context, text, strlen(text), "t") == OO_OK && oo__model_sort(model) == OO_OK) {
        oo_evaluator *const ev = oo__evaluator_new(model, NULL);
        oo_datum **const in = calloc(ninputs + 1u, sizeof *in), *out = NULL;
        for (uint32_t i = 0; i < ninputs; i++)
            in[i] = oo__datum_tensor(oo__array_retain(inputs[i]));
        if (oo__evaluate(ev, in, &out) == OO_OK)
            result = oo__array_retain(out->array);
        oo__datum_release(out);
        for (uint32_t i = 0; i < ninputs; i++)
            oo__datum_release(in[i]);
        free(in);
        oo__evaluator_free(ev);
    }
    oo_model_free(model);
    oo_context_free(context);
    free(text);
    return result;
}

oo_array *array_of(oo_elem elem, uint32_t rank, const int64_t *dims, const void *elements) {
    oo_array *const a = oo__array_new(elem, rank, dims);
    if (a->count)
        memcpy(a->data, elements, a->count * oo__array_width(elem));
    return a;
}

oo_array *ints_of(uint32_t count, const int64_t *items) {
    return array_of(OO_INT64, 1, (const int64_t[]){count}, items);
}
