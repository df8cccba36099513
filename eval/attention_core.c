/* Attention over blocks of queries: scores, softcap, bias, softmax, values. */
#include "eval/attention.h"
#include "eval/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scores that are held at a time. */
enum { SCORES = 1 << 18, WORTH_A_THREAD = 1 << 20 };

/* What is added to the scores of query i for key j. */
static double mask_at(const oo__attention *a, uint64_t row, int64_t j) {
    if (j >= a->mask_keys)
        return -(double)INFINITY;
    const uint64_t at = row + (uint64_t)j * a->mask_step[3];
    if (a->mask->elem == OO_BOOL)
        return ((const uint8_t *)a->mask->data)[at] ? 0 : -(double)INFINITY;
    return oo__array_double(a->mask, at);
}

/* Fills bias[keys]; false when every key is masked. */
static bool bias_row(const oo__attention *a, double *bias, int64_t b, int64_t h, int64_t i) {
    const int64_t length = a->lengths ? oo__array_int(a->lengths, (uint64_t)b) : a->keys;
    const int64_t position = i + (a->lengths ? length - a->queries : a->past);
    const uint64_t row = a->mask ? (uint64_t)b * a->mask_step[0] + (uint64_t)h * a->mask_step[1] + (uint64_t)i * a->mask_step[2] : 0;
    bool any = false;
    for (int64_t j = 0; j < a->keys; j++) {
        const bool hidden = (a->causal && j > position) || (a->left >= 0 && position - j > a->left) ||
                            (a->right >= 0 && j - position > a->right) || j >= length;
        bias[j] = (a->mask ? mask_at(a, row, j) : 0) + (hidden ? -(double)INFINITY : 0);
        any |= bias[j] != -(double)INFINITY;
    }
    return any || a->keys == 0;
}

static double capped(const oo__attention *a, double score) {
    const double ratio = oo__round_to(a->elem, score / a->softcap);
    return oo__round_to(a->elem, oo__round_to(a->elem, tanh(ratio)) * a->softcap);
}

static void show(const oo__attention *a, oo__attention_output step, const oo_array *scores, uint64_t at, uint64_t row) {
    if (a->qk && a->mode == step)
        memcpy(oo__real_at(a->qk, row * (uint64_t)a->keys), oo__real_at(scores, at), (size_t)a->keys * oo__array_width(scores->elem));
}

/* From scores to probabilities; `row` is the query's number among all. */
static void finish_row(const oo__attention *a, oo_array *scores, uint64_t at, uint64_t row, double *bias) {
    const uint64_t keys = (uint64_t)a->keys;
    const int64_t i = (int64_t)row % a->queries, h = (int64_t)row / a->queries % a->heads, b = (int64_t)row / a->queries / a->heads;
    for (uint64_t j = 0; j < keys; j++)
        oo__real_set(scores, at + j, oo__round_to(a->elem, oo__real(scores, at + j)));
    show(a, OO__QK_RAW, scores, at, row);
    for (uint64_t j = 0; j < keys && a->softcap > 0; j++)
        oo__real_set(scores, at + j, capped(a, oo__real(scores, at + j)));
    show(a, OO__QK_CAPPED, scores, at, row);
    const bool any = bias_row(a, bias, b, h, i);
    for (uint64_t j = 0; j < keys; j++)
        oo__real_set(scores, at + j, oo__round_to(a->elem, oo__real(scores, at + j) + bias[j]));
    show(a, OO__QK_BIASED, scores, at, row);
    if (any)
        oo__softmax_row(scores, at, keys);
    for (uint64_t j = 0; j < keys; j++)
        oo__real_set(scores, at + j, any ? oo__round_to(a->elem, oo__round_to(a->precision, oo__real(scores, at + j))) : 0);
    show(a, OO__QK_PROBABILITY, scores, at, row);
}

/* Queries [row, row + count) of one head. */
static void attend_rows(const oo__attention *a, oo_array *scores, double *bias, uint64_t row, int64_t count) {
    const uint64_t head = row / (uint64_t)a->queries, b = head / (uint64_t)a->heads;
    const uint64_t kv = b * (uint64_t)a->kv_heads + head % (uint64_t)a->heads / (uint64_t)(a->heads / a->kv_heads);
    const oo__gemm qk = {.elem = a->q->elem,
                         .trans_b = true,
                         .m = count,
                         .n = a->keys,
                         .k = a->size,
                         .a = oo__real_at(a->q, row * (uint64_t)a->size),
                         .lda = a->size,
                         .b = oo__real_at(a->k, kv * (uint64_t)(a->keys * a->size)),
                         .ldb = a->size,
                         .c = scores->data,
                         .ldc = a->keys,
                         .alpha = 1};
    oo__gemm_run(&qk);
    for (int64_t i = 0; i < count; i++)
        finish_row(a, scores, (uint64_t)(i * a->keys), row + (uint64_t)i, bias);
    const oo__gemm pv = {.elem = a->q->elem,
                         .m = count,
                         .n = a->v_size,
                         .k = a->keys,
                         .a = scores->data,
                         .lda = a->keys,
                         .b = oo__real_at(a->v, kv * (uint64_t)(a->keys * a->v_size)),
                         .ldb = a->v_size,
                         .c = oo__real_at(a->y, row * (uint64_t)a->v_size),
                         .ldc = a->v_size,
                         .alpha = 1};
    oo__gemm_run(&pv);
}

static uint64_t block_of(const oo__attention *a) { return SCORES / (uint64_t)(a->keys + 1) + 1; }

static void attend_part(void *state, uint64_t first, uint64_t last) {
    const oo__attention *const a = state;
    const uint64_t block = block_of(a) < last - first ? block_of(a) : last - first, queries = (uint64_t)a->queries;
    oo_array scores = {.elem = a->q->elem, .data = oo__malloc((size_t)(block * (uint64_t)a->keys) * oo__array_width(a->q->elem) + 1)};
    double *const bias = oo__malloc((size_t)a->keys * sizeof *bias + 1);
    while (first < last) {
        uint64_t count = queries - first % queries;
        count = count < last - first ? count : last - first;
        count = count < block ? count : block;
        attend_rows(a, &scores, bias, first, (int64_t)count);
        first += count;
    }
    free(scores.data);
    free(bias);
}

void oo__attend(oo__attention *a) {
    const uint64_t rows = (uint64_t)a->batch * (uint64_t)a->heads * (uint64_t)a->queries;
    if (a->y->count || (a->qk && a->qk->count))
        oo__parallel(rows, WORTH_A_THREAD / ((uint64_t)a->keys * (uint64_t)(a->size + a->v_size + 16) + 1) + 1, attend_part, a);
}
