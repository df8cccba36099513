#include "passes/find_rewrite.h"

#include <stdlib.h>

/* The model after at most `rewrites` rewrites; NULL when it cannot be had. Nobody is told: it was all told the first time. */
static oo_model *rewritten(const oo_rewrite_search *s, uint64_t rewrites) {
    oo_model *model;
    if (s->read(s->user, &model) != OO_OK)
        return NULL;
    oo_run_settings run = *s->run;
    run.fuel = s->run->fuel >= 0 && (uint64_t)s->run->fuel < rewrites ? s->run->fuel : (int64_t)rewrites;
    run.bisect_limit = s->last_run;
    run.bisect_verbose = run.tell_passed = run.tell_missed = run.honest = false;
    run.verify = OO_VERIFY_OFF;
    run.ninstruments = 0;
    oo_run_report report;
    const bool quiet = model->context->quiet;
    model->context->quiet = true;
    const oo_status status = oo__pipeline_run(&report, s->pipeline, model, &run);
    model->context->quiet = quiet;
    oo__run_report_free(&report);
    if (status == OO_OK)
        return model;
    oo_model_free(model);
    return NULL;
}

static bool is_wrong(const oo_rewrite_search *s, uint64_t rewrites) {
    oo_model *const model = rewritten(s, rewrites);
    const bool wrong = model && s->is_wrong(s->user, model);
    oo_model_free(model);
    return wrong;
}

oo_status oo__find_rewrite(oo_model **before, oo_model **after, const oo_rewrite_search *s) {
    uint64_t good = s->good, bad = s->bad > good ? s->bad : good + 1;
    *before = *after = NULL;
    /* Rewrites that a pass took back cost fuel too, so the count may have been higher than what stayed. */
    const uint64_t most = 16 * bad + 1024;
    while (!is_wrong(s, bad)) {
        good = bad;
        bad *= 2;
        if (bad > most)
            return OO_MISMATCH;
    }
    while (bad - good > 1) {
        const uint64_t middle = good + (bad - good) / 2;
        *(is_wrong(s, middle) ? &bad : &good) = middle;
    }
    *before = rewritten(s, good);
    *after = rewritten(s, bad);
    if (*before && *after && (*after)->history.n)
        return OO_OK;
    oo_model_free(*before);
    oo_model_free(*after);
    *before = *after = NULL;
    return OO_MISMATCH;
}
