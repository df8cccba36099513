/* What two models compute, compared on random inputs: --check, --check-each and onnxopt diff --numeric. */
#ifndef CLI_CHECKING_H
#define CLI_CHECKING_H
#include "cli/cli.h"
#include "eval/check_models.h"

typedef struct oo_checking {
    const oo_settings *settings;
    oo_context *context;
    const oo_printer *printer;
    const char *folder; /* where the smallest part that differs is written */
} oo_checking;
/* A folder for what a failed check leaves: in --dump-dir, else beside the model, with its name (in `arena`). */
const char *oo__check_folder(const oo_settings *settings, const char *model);
/* Runs both models as the settings say and tells what came of it. OO_MISMATCH when they differ or nothing ran, OO_UNSUPPORTED when the
 * settings do not fit the model. */
oo_status oo__checking_run(const oo_checking *checking, oo_model *before, oo_model *after);
/* The steps of it: comparing (on one set only, unless `only` is 0), telling the result, and writing what differs. */
oo_status oo__checking_compare(oo_compare_report *out, const oo_checking *checking, oo_model *before, oo_model *after, uint32_t only);
void oo__checking_tell(const oo_checking *checking, const oo_compare_report *report, oo_model *before, oo_model *after, const char *when);
void oo__checking_write(const oo_checking *checking, const oo_compare_failure *failure, oo_model *before, oo_model *after);
/* Tells that the model's last rewrite was wrong. */
void oo__checking_tell_rewrite(const oo_model *model, const char *pass, uint32_t run);

/* --check-each (check_each.c): an instrument that compares after each pass that changed something. */
typedef struct oo_check_each {
    oo_checking checking;
    oo_model *before;
    oo_compare_report report; /* of the last comparison */
    oo_status status;
    uint32_t run; /* that made the model wrong, 0 = none */
    const char *pass;
    uint64_t rewrites, good, bad; /* all so far; before and after the wrong run */
} oo_check_each;
void oo__check_each(void *user, oo_event event, const oo_pass_report *report, oo_model *model);
/* Tells what came of it; after a failure finds the rewrite by running the pipeline again on fresh copies of `input`. */
oo_status oo__check_each_end(oo_check_each *each, const oo_pipeline *pipeline, const oo_run_settings *run, const oo_input *input,
                             oo_model *after);
#endif
