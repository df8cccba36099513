/* Scaled dot-product attention on heads that are already apart. Private to eval/. */
#ifndef EVAL_ATTENTION_H
#define EVAL_ATTENTION_H
#include "eval/heads.h"

typedef enum oo__attention_output { OO__QK_RAW, OO__QK_CAPPED, OO__QK_BIASED, OO__QK_PROBABILITY } oo__attention_output;

typedef struct oo__attention {
    oo_elem elem, precision; /* of the queries; of the softmax: numbers are rounded to them between the steps */
    int64_t batch, heads, kv_heads, queries, keys, size, v_size;
    const oo_array *q, *k, *v; /* [batch, heads, queries, size] and [batch, kv_heads, keys, ...], q and k scaled */
    const oo_array *mask;      /* NULL, or what broadcasts to [batch, heads, queries, mask_keys] */
    uint64_t mask_step[4];
    int64_t mask_keys;       /* keys behind them are masked */
    const oo_array *lengths; /* NULL, or the keys of each sequence that are no padding */
    int64_t past;            /* keys before the first query; with lengths: they say */
    bool causal;
    int64_t left, right; /* window around a query's position, -1 = unbounded */
    double softcap;      /* 0 = none */
    oo__attention_output mode;
    oo_array *y, *qk; /* [batch, heads, queries, v_size]; NULL or [batch, heads, queries, keys] */
} oo__attention;

void oo__attend(oo__attention *a);
#endif
