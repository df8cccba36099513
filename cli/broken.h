/* What is left of a run in which a pass broke the model. */
#ifndef CLI_BROKEN_H
#define CLI_BROKEN_H
#include "cli/cli.h"

typedef struct oo_broken {
    const oo_settings *settings;
    oo_context *context;
    const oo_input *input;
    const oo_pipeline *pipeline;
    const oo_run_settings *run;
    const oo_run_report *report;
} oo_broken;

/* Whether a model that was changed is still valid, or was not before. The defects are told. */
bool oo__broken_check(const oo_broken *broken, oo_model *model);
/* Finds the run that broke it, by running the pipeline on fresh copies, and writes the model before it and the command that shows it. */
void oo__broken_write(const oo_broken *broken);
/* Before passes run: should one crash, a second process writes the model as it was before that. */
void oo__broken_prepare(const oo_settings *settings, const oo_pipeline *pipeline);
/* The folder for that: MODEL.broken beside the model, or DIR/broken of --dump-dir DIR. In settings->arena. */
const char *oo__broken_folder(const oo_settings *settings);
#endif
