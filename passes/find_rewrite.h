/* Which of a pipeline's rewrites made a model wrong. */
#ifndef PASSES_FIND_REWRITE_H
#define PASSES_FIND_REWRITE_H
#include "passes/manager.h"

typedef struct oo_rewrite_search {
    const oo_pipeline *pipeline;
    const oo_run_settings *run;                    /* instruments and limits are not used */
    uint32_t last_run;                             /* runs of passes behind this one (1-based) are left out */
    uint64_t good, bad;                            /* numbers of rewrites after which the model was right, and wrong */
    oo_status (*read)(void *user, oo_model **out); /* a fresh copy of the model */
    bool (*is_wrong)(void *user, oo_model *model);
    void *user;
} oo_rewrite_search;

/* Runs the pipeline again with fewer and fewer rewrites, half of what is in doubt each time. *before is the model after the last rewrite
 * that leaves it right, *after has one more: the last of its history. OO_MISMATCH and NULLs when it is not wrong this time. */
oo_status oo__find_rewrite(oo_model **before, oo_model **after, const oo_rewrite_search *search);
#endif
