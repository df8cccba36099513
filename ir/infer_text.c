/* Strings, random draws and dynamic quantization: operators whose outputs have types of their own. */
#include "ir/infer_run.h"

#include <string.h>

enum { MAX_RANK = 64 };

/* The dimensions of input 0 and `last` (NULL with `more` = a dimension that is not known; without it none). */
static void set_shape(oo__infer *c, uint32_t output, oo_elem elem, bool more, const oo_expr *last) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 || rank >= MAX_RANK) {
        oo__set_tensor(c, output, elem, -1, NULL);
        return;
    }
    for (int32_t i = 0; i < rank; i++)
        dims[i] = in->dims[i].expr;
    dims[rank] = last;
    oo__set_tensor(c, output, elem, rank + (more ? 1 : 0), dims);
}

/* [..., pieces of the string that has most], and how many each has. */
oo_status oo__infer_string_split(oo__infer *c) {
    set_shape(c, 0, OO_STRING, true, oo__infer_symbol(c, "pieces", 0, INT64_MAX));
    set_shape(c, 1, OO_INT64, false, NULL);
    return OO_OK;
}

/* [n] or [1, n]: as the input, less the words that are left out; one empty string when none stays. */
oo_status oo__infer_string_normalizer(oo__infer *c) {
    const int32_t rank = oo__input_rank(c, 0);
    const oo_attr *const stop = oo__infer_attr(c, "stopwords");
    if (rank >= 0 && rank != 1 && rank != 2)
        return oo__infer_fail(c, "the input has rank %d", rank);
    /* Without words to leave out all stay; where none is left there is one, "". */
    const oo_expr *const all = oo__input_dim(c, 0, rank == 2 ? 1 : 0);
    if (rank < 0 || (stop && (stop->reference || stop->raw.data)))
        return oo__set_tensor(c, 0, OO_STRING, rank, (const oo_expr *const[]){NULL, NULL}), OO_OK;
    const oo_expr *const words = stop && stop->count ? oo__infer_symbol(c, "words", 1, INT64_MAX) : oo__expr_max(c->exprs, all, oo__number(c, 1));
    const oo_expr *const flat[] = {words}, *const row[] = {oo__number(c, 1), words};
    oo__set_tensor(c, 0, OO_STRING, rank, rank == 2 ? row : flat);
    return OO_OK;
}

/* [C] -> [n], [N, C] -> [N, n] where n is one more than the largest of ngram_indexes. */
oo_status oo__infer_tf_idf(oo__infer *c) {
    const int32_t rank = oo__input_rank(c, 0);
    const int64_t *indexes;
    uint32_t n;
    int64_t most = -1;
    if (rank >= 0 && rank != 1 && rank != 2)
        return oo__infer_fail(c, "the input has rank %d", rank);
    const bool known = oo__infer_ints(c, &indexes, &n, "ngram_indexes");
    for (uint32_t i = 0; known && i < n; i++)
        most = indexes[i] > most ? indexes[i] : most;
    const oo_expr *const width = known && most < INT64_MAX ? oo__number(c, most + 1) : NULL;
    const oo_expr *const flat[] = {width}, *const rows[] = {oo__input_dim(c, 0, 0), width};
    oo__set_tensor(c, 0, OO_FLOAT, rank, rank == 2 ? rows : flat);
    return OO_OK;
}

/* [batch, classes] -> [batch, sample_size]. */
oo_status oo__infer_multinomial(oo__infer *c) {
    int64_t type, size;
    const bool typed = oo__infer_int(c, &type, "dtype", OO_INT32) && oo__elem_name((int32_t)type);
    const bool sized = oo__infer_int(c, &size, "sample_size", 1);
    oo__set_tensor(c, 0, typed ? (oo_elem)type : OO_UNDEFINED, 2,
                   (const oo_expr *const[]){oo__input_dim(c, 0, 0), sized ? oo__number(c, size) : NULL});
    return OO_OK;
}

/* Data as UINT8, scale and zero point. */
oo_status oo__infer_dynamic_quantize(oo__infer *c) {
    set_shape(c, 0, OO_UINT8, false, NULL);
    oo__set_tensor(c, 1, OO_FLOAT, 0, NULL);
    oo__set_tensor(c, 2, OO_UINT8, 0, NULL);
    return OO_OK;
}

/* One output for each input differentiated by, which come first. */
oo_status oo__infer_gradient(oo__infer *c) {
    for (uint32_t i = 0; i < c->node->noutputs && i < c->node->ninputs; i++)
        oo__set_type(c, i, oo__input_type(c, i));
    return OO_OK;
}

/* ---- ai.onnx.ml ---- */
static uint32_t list_of(const oo__infer *c, const char *name) {
    const oo_attr *const a = oo__infer_attr(c, name);
    return a ? a->count : 0;
}

/* Both lists are needed: one holds the keys, the other the values. */
oo_status oo__infer_category_mapper(oo__infer *c) {
    const uint32_t ints = list_of(c, "cats_int64s"), strings = list_of(c, "cats_strings");
    if (!ints || ints != strings)
        return oo__infer_fail(c, "cats_int64s has %u entries, cats_strings %u: both are needed", ints, strings);
    const oo_elem in = oo__input_elem(c, 0);
    set_shape(c, 0, in == OO_STRING ? OO_INT64 : in == OO_INT64 ? OO_STRING : OO_UNDEFINED, false, NULL);
    return OO_OK;
}

oo_status oo__infer_one_hot_encoder(oo__infer *c) {
    const bool ints = list_of(c, "cats_int64s") != 0, strings = list_of(c, "cats_strings") != 0;
    if (ints == strings)
        return oo__infer_fail(c, "just one of cats_int64s and cats_strings is needed");
    set_shape(c, 0, OO_FLOAT, true, oo__number(c, list_of(c, ints ? "cats_int64s" : "cats_strings")));
    return OO_OK;
}

/* Inputs side by side: [N, sum of inputdimensions]. */
oo_status oo__infer_feature_vectorizer(oo__infer *c) {
    const int64_t *widths;
    uint32_t n;
    const oo_expr *total = oo__infer_ints(c, &widths, &n, "inputdimensions") && n ? oo__number(c, 0) : NULL;
    for (uint32_t i = 0; total && i < n; i++)
        total = oo__dim_add(c, total, oo__number(c, widths[i]));
    const oo_expr *const rows = oo__input_rank(c, 0) == 1 ? oo__number(c, 1) : oo__input_dim(c, 0, 0);
    oo__set_tensor(c, 0, OO_FLOAT, 2, (const oo_expr *const[]){rows, total});
    return OO_OK;
}

/* A map becomes one row: as wide as the vocabulary. */
oo_status oo__infer_dict_vectorizer(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const uint32_t n = list_of(c, "string_vocabulary") + list_of(c, "int64_vocabulary");
    oo__set_tensor(c, 0, in && in->kind == OO_TYPE_MAP ? oo_type_elem(in->inner) : OO_UNDEFINED, 2,
                   (const oo_expr *const[]){oo__number(c, 1), n ? oo__number(c, n) : NULL});
    return OO_OK;
}

/* A map becomes one row: as wide as it has entries, or max_map when it is sparse. */
oo_status oo__infer_cast_map(oo__infer *c) {
    const char *const to = oo__infer_string(c, "cast_to", "TO_FLOAT"), *const form = oo__infer_string(c, "map_form", "DENSE");
    int64_t width;
    const bool sparse = form && strcmp(form, "SPARSE") == 0 && oo__infer_int(c, &width, "max_map", 1);
    const oo_elem elem = !to ? OO_UNDEFINED : strcmp(to, "TO_STRING") == 0 ? OO_STRING : strcmp(to, "TO_INT64") == 0 ? OO_INT64 : OO_FLOAT;
    const oo_expr *const columns = sparse ? oo__number(c, width) : oo__infer_symbol(c, "entries", 0, INT64_MAX);
    oo__set_tensor(c, 0, elem, 2, (const oo_expr *const[]){oo__number(c, 1), columns});
    return OO_OK;
}
