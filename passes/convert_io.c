/* Changes the order of axes of the model's inputs and outputs. */
#include "ir/interface.h"
#include "passes/permutation.h"

#include <stdlib.h>
#include <string.h>

static const char RULE[] = "convert-io";
enum { MOST = 16 }; /* axes */

typedef struct options {
    const char *layouts;
} options;

/* ---- words ---- */
/* The permutation that a word means for a rank: "nhwc" puts the channels, axis 1, last; "nchw" brings the last axis to 1; else the axes themselves,
 * "0,2,3,1", or with dots, since commas end options in a pipeline. False when it is none. */
static bool permutation(int64_t *perm, const char *word, uint32_t rank) {
    const bool last = strcmp(word, "nhwc") == 0;
    if (last || strcmp(word, "nchw") == 0) {
        if (rank >= 3)
            oo__move_channels(perm, rank, last);
        return rank >= 3;
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < rank; i++) {
        char *end;
        const long axis = strtol(word, &end, 10);
        const bool goes_on = i + 1 < rank ? *end == ',' || *end == '.' : *end == 0;
        if (end == word || axis < 0 || axis >= (long)rank || seen >> axis & 1 || !goes_on)
            return false;
        seen |= 1u << axis;
        perm[i] = axis;
        word = end + 1;
    }
    return true;
}

static bool is_identity(const int64_t *perm, uint32_t rank) {
    for (uint32_t i = 0; i < rank; i++)
        if (perm[i] != i)
            return false;
    return true;
}

/* ---- inputs and outputs ---- */
/* Index in the list, or its number of items. */
static uint32_t find(const oo_value_infos *list, const char *name, size_t size) {
    uint32_t i = 0;
    while (i < list->n && (strlen(oo_value_name(list->data[i].value)) != size || memcmp(oo_value_name(list->data[i].value), name, size) != 0))
        i++;
    return i;
}

static oo_status refuse(oo_rewriter *rw, const char *pair, const char *why) {
    return oo_error_at(rw, NULL, OO_UNSUPPORTED, "layout \"%s\": %s", pair, why);
}

static oo_status convert(oo_rewriter *rw, oo_graph *graph, char *pair) {
    char *const sign = strrchr(pair, '=');
    if (!sign || sign == pair)
        return refuse(rw, pair, "not of the form NAME=nhwc, NAME=nchw or NAME=0,2,3,1");
    const size_t size = (size_t)(sign - pair);
    const uint32_t input = find(&graph->inputs, pair, size), output = find(&graph->outputs, pair, size);
    const bool is_input = input < graph->inputs.n;
    if (!is_input && output == graph->outputs.n)
        return refuse(rw, pair, "the model has no input or output of this name");
    const oo_value *const value = is_input ? graph->inputs.data[input].value : graph->outputs.data[output].value;
    const int32_t rank = oo_type_rank(oo_value_type(value));
    int64_t perm[MOST];
    if (rank < 0)
        return refuse(rw, pair, "the rank is not known");
    if (rank > MOST || !permutation(perm, sign + 1, (uint32_t)rank))
        return refuse(rw, pair, "that is no order of its axes");
    if (is_identity(perm, (uint32_t)rank) || !oo_begin(rw, RULE, oo_value_producer(value)))
        return OO_OK;
    oo__inherit_from(rw, oo_value_producer(value), false); /* which stays */
    const char *const why = is_input ? oo__permute_input(rw, graph, input, perm, (uint32_t)rank) : oo__permute_output(rw, graph, output, perm, (uint32_t)rank);
    if (why) {
        oo_abandon(rw);
        return refuse(rw, pair, why);
    }
    oo_end(rw);
    oo_count(rw, is_input ? "inputs in another order" : "outputs in another order", 1);
    return OO_OK;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const char *at = ((const options *)opts)->layouts;
    oo_graph *const graph = oo_model_graph(model);
    while (graph && *at) {
        const size_t size = strcspn(at, ";");
        char *const pair = oo_scratch(rw, size + 1);
        memcpy(pair, at, size);
        const oo_status status = size ? convert(rw, graph, pair) : OO_OK;
        if (status != OO_OK)
            return status;
        at += size + (at[size] == ';');
    }
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, layouts, OO_OPT_STRING, "layouts", "", "inputs and outputs by name: x=nhwc;y=nchw;z=0.2.1"),
};

const oo_pass oo_pass_convert_io = {
    .size = sizeof(oo_pass),
    .name = "convert-io",
    .summary = "Give inputs and outputs another order of their axes",
    .doc = "An input keeps its name and takes its axes in another order, and a Transpose behind it brings the old one back; an output gets a Transpose before it. "
           "nhwc puts axis 1 last, nchw brings the last axis to place 1, and numbers say which old axis comes where. The pass transposes then moves the Transposes "
           "to where they cost least.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .needs = OO_TYPES,
    .run = run,
};
