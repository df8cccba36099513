/* TfIdfVectorizer: counts the n-grams of a pool in each row. Tokens become numbers first, by their place in a sorted dictionary of the
 * pool, so n-grams are compared as lists of numbers. */
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <stdlib.h>
#include <string.h>

typedef union token {
    int64_t number;
    oo_bytes text;
} token;

typedef struct gram {
    const uint32_t *words; /* places in the dictionary */
    uint32_t size;
    int64_t column;
    float weight; /* what one occurrence adds */
} gram;

typedef struct vectorizer {
    bool strings;
    token *dictionary; /* sorted, each once */
    uint32_t ndictionary;
    uint32_t *pool; /* of words */
    uint32_t npool;
    gram *grams; /* sorted by size, then words */
    uint32_t ngrams;
    uint32_t shortest, longest;
    int64_t skips;
    int64_t columns;
    bool once; /* further occurrences add nothing */
} vectorizer;

#define UNKNOWN UINT32_MAX

/* ---- the dictionary ---- */
static int by_number(const void *a, const void *b) {
    const int64_t x = ((const token *)a)->number, y = ((const token *)b)->number;
    return x < y ? -1 : x > y;
}

static int by_text(const void *a, const void *b) {
    const oo_bytes x = ((const token *)a)->text, y = ((const token *)b)->text;
    const size_t shared = x.size < y.size ? x.size : y.size;
    const int order = shared ? memcmp(x.data, y.data, shared) : 0;
    return order ? order : x.size < y.size ? -1 : x.size > y.size;
}

static uint32_t word_of(const vectorizer *v, const token *t) {
    const token *const found =
        v->ndictionary ? bsearch(t, v->dictionary, v->ndictionary, sizeof *t, v->strings ? by_text : by_number) : NULL;
    return found ? (uint32_t)(found - v->dictionary) : UNKNOWN;
}

static token token_of_attr(const vectorizer *v, const oo_attr *pool, uint32_t i) {
    return v->strings ? (token){.text = pool->strings[i]} : (token){.number = pool->ints[i]};
}

static void make_dictionary(vectorizer *v, const oo_attr *pool) {
    int (*const order)(const void *, const void *) = v->strings ? by_text : by_number;
    v->npool = pool->count;
    v->dictionary = oo__malloc(pool->count * sizeof *v->dictionary + 1);
    v->pool = oo__malloc(pool->count * sizeof *v->pool + 1);
    for (uint32_t i = 0; i < pool->count; i++)
        v->dictionary[i] = token_of_attr(v, pool, i);
    if (pool->count)
        qsort(v->dictionary, pool->count, sizeof *v->dictionary, order);
    for (uint32_t i = 0; i < pool->count; i++)
        if (!v->ndictionary || order(&v->dictionary[v->ndictionary - 1], &v->dictionary[i]) != 0)
            v->dictionary[v->ndictionary++] = v->dictionary[i];
    for (uint32_t i = 0; i < pool->count; i++) {
        const token t = token_of_attr(v, pool, i);
        v->pool[i] = word_of(v, &t);
    }
}

/* ---- the n-grams ---- */
static int by_words(const void *a, const void *b) {
    const gram *const x = a, *const y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    for (uint32_t i = 0; i < x->size; i++)
        if (x->words[i] != y->words[i])
            return x->words[i] < y->words[i] ? -1 : 1;
    return 0;
}

/* The weights in the order of the pool, NULL = 1 each: for TF always, else when there are none. */
static oo_status read_weights(const oo__call *c, vectorizer *v, uint32_t grams, const float **out) {
    const char *const mode = oo__string(c, "mode", "TF");
    uint32_t n;
    const float *const weights = oo__floats(c, "weights", &n);
    const bool plain = strcmp(mode, "TF") == 0;
    v->once = strcmp(mode, "IDF") == 0;
    if (!plain && !v->once && strcmp(mode, "TFIDF") != 0)
        return oo__eval_fail(c, "the mode is none of TF, IDF, TFIDF");
    if (!plain && n && n != grams)
        return oo__eval_fail(c, "there are %u weights for %u n-grams", n, grams);
    *out = plain || !n ? NULL : weights;
    return OO_OK;
}

/* counts[k] is where the (k + 1)-grams begin in the pool; indexes give the column of each n-gram. */
static oo_status make_grams(const oo__call *c, vectorizer *v) {
    uint32_t ncounts, nindexes, n = 0;
    const int64_t *const counts = oo__ints(c, "ngram_counts", &ncounts), *const indexes =
                                                                             oo__ints(c, "ngram_indexes", &nindexes);
    const float *weights = NULL;
    OO_TRY(read_weights(c, v, nindexes, &weights));
    v->grams = oo__malloc(nindexes * sizeof *v->grams + 1);
    for (uint32_t k = 0; k < ncounts; k++) {
        const int64_t first = counts[k], last = k + 1 < ncounts ? counts[k + 1] : (int64_t)v->npool;
        if (first < 0 || last < first || last > (int64_t)v->npool || (last - first) % (k + 1) != 0)
            return oo__eval_fail(c, "ngram_counts does not cut the pool into n-grams");
        for (int64_t at = first; at < last; at += k + 1, n++) {
            if (n == nindexes)
                return oo__eval_fail(c, "there are more n-grams than ngram_indexes");
            if (indexes[n] < 0)
                return oo__eval_fail(c, "ngram_indexes has the negative number %lld", (long long)indexes[n]);
            v->columns = indexes[n] >= v->columns ? oo__plus(indexes[n], 1) : v->columns;
            v->grams[n] = (gram){v->pool + at, k + 1, indexes[n], weights ? weights[n] : 1};
        }
    }
    if (n < nindexes)
        return oo__eval_fail(c, "there are fewer n-grams than ngram_indexes");
    v->ngrams = n;
    if (n)
        qsort(v->grams, n, sizeof *v->grams, by_words);
    return OO_OK;
}

static oo_status read_lengths(const oo__call *c, vectorizer *v) {
    const int64_t shortest = oo__int(c, "min_gram_length", 1), longest = oo__int(c, "max_gram_length", 1);
    uint32_t ncounts;
    oo__ints(c, "ngram_counts", &ncounts);
    if (shortest < 1 || longest < shortest || longest > (int64_t)ncounts)
        return oo__eval_fail(c, "n-grams of %lld to %lld tokens do not fit ngram_counts", (long long)shortest,
                             (long long)longest);
    v->shortest = (uint32_t)shortest;
    v->longest = (uint32_t)longest;
    v->skips = oo__int(c, "max_skip_count", 0);
    return v->skips >= 0 ? OO_OK : oo__eval_fail(c, "max_skip_count is negative");
}

static oo_status prepare(const oo__call *c, vectorizer *v, const oo_array *in) {
    const oo_attr *const pool = oo__attr(c, in->elem == OO_STRING ? "pool_strings" : "pool_int64s");
    v->strings = in->elem == OO_STRING;
    if (!pool || pool->type != (v->strings ? OO_ATTR_STRINGS : OO_ATTR_INTS))
        return oo__eval_fail(c, "there is no pool of the input's type");
    make_dictionary(v, pool);
    OO_TRY(read_lengths(c, v));
    return make_grams(c, v);
}

/* ---- counting ---- */
static void count_at(const vectorizer *v, const uint32_t *row, int64_t length, int64_t start, int64_t step,
                     uint32_t shortest, uint32_t *words, float *out) {
    for (uint32_t size = 1; size <= v->longest && start + (int64_t)(size - 1) * step < length; size++) {
        words[size - 1] = row[start + (int64_t)(size - 1) * step];
        if (words[size - 1] == UNKNOWN)
            return;
        const gram key = {words, size, 0, 0};
        const gram *const found =
            size >= shortest && v->ngrams ? bsearch(&key, v->grams, v->ngrams, sizeof key, by_words) : NULL;
        if (found)
            out[found->column] = v->once ? found->weight : out[found->column] + found->weight;
    }
}

/* With a step of 1 + skips between the tokens. Single tokens are the same for all steps and count once. */
static void count_row(const vectorizer *v, const uint32_t *row, int64_t length, uint32_t *words, float *out) {
    const int64_t farthest = v->skips < length ? v->skips + 1 : length;
    for (int64_t step = 1; step <= farthest || step == 1; step++) {
        const uint32_t shortest = step > 1 && v->shortest == 1 ? 2 : v->shortest;
        if (shortest > v->longest)
            break;
        for (int64_t start = 0; start < length; start++)
            count_at(v, row, length, start, step, shortest, words, out);
    }
}

static void vectorize(const vectorizer *v, const oo_array *in, oo_array *out) {
    const uint64_t rows = in->rank == 2 ? (uint64_t)in->dims[0] : 1, length = in->count / (rows ? rows : 1);
    uint32_t *const row = oo__malloc(length * sizeof *row + 1), *const words = oo__malloc(v->longest * sizeof *words);
    float *const y = out->data;
    memset(y, 0, out->count * sizeof *y);
    for (uint64_t r = 0; r < rows && out->count; r++) {
        for (uint64_t i = 0; i < length; i++) {
            const uint64_t at = r * length + i;
            const token t = v->strings ? (token){.text = ((const oo_bytes *)in->data)[at]}
                                       : (token){.number = oo__array_int(in, at)};
            row[i] = word_of(v, &t);
        }
        count_row(v, row, (int64_t)length, words, y + r * (uint64_t)v->columns);
    }
    free(row);
    free(words);
}

oo_status oo__kernel_tfidf_vectorizer(oo__call *c) {
    const oo_array *in;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    if (in->rank < 1 || in->rank > 2 || (in->elem != OO_STRING && in->elem != OO_INT32 && in->elem != OO_INT64))
        return oo__eval_fail(c, "the input is no vector or matrix of strings or integers");
    vectorizer v = {0};
    oo_status status = prepare(c, &v, in);
    if (status == OO_OK) {
        const int64_t dims[] = {in->dims[0], v.columns};
        oo_array *const out = oo__array_new(OO_FLOAT, in->rank, dims + 2 - in->rank);
        if (out)
            vectorize(&v, in, out);
        status = oo__set(c, 0, out);
    }
    free(v.dictionary);
    free(v.pool);
    free(v.grams);
    return status;
}
