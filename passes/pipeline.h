/* A parsed pipeline. Private to passes/. */
#ifndef PASSES_PIPELINE_H
#define PASSES_PIPELINE_H
#include "passes/manager.h"

typedef struct oo__item oo__item;
typedef oo_vec(oo__item *) oo__items;
struct oo__item {
    const oo_pass *pass; /* NULL: fix(...) */
    void *options;       /* the pass's options struct */
    int64_t max;         /* fix: most iterations */
    oo__items items;     /* fix */
};
struct oo_pipeline {
    oo_arena *arena;
    oo__items items;
};
#endif
