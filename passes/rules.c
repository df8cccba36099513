/* The pass that applies rules: the built-in ones, those of plugins, and those of files that the user names. The engine is rule_engine.c, the
 * language docs/rules.md. */
#include "ir/growth.h"
#include "passes/manager.h"
#include "passes/rule_base.h"

#include <string.h>

typedef struct options {
    int64_t level, allow_opset;
    bool exact;
    const char *target, *file, *group, *only, *except;
    oo_growth_options growth;
} options;

static const oo_option_row ROWS[] = {
    OO_OPTION(options, level, OO_OPT_INT, "level", "2", "the rules up to this level: 1 changes no bit, 2 rounds otherwise, 3 searches longer"),
    OO_OPTION(options, exact, OO_OPT_BOOL, "exact", "false", "leave out the rules that are marked inexact"),
    OO_OPTION(options, allow_opset, OO_OPT_INT, "allow-opset", "0", "import up to this version of ai.onnx where a rule needs it; 0: the one the model has"),
    OO_OPTION(options, target, OO_OPT_STRING, "target", "", "add the rules that serve this target alone"),
    OO_OPTION(options, file, OO_OPT_STRING, "file", "", "the rules of this file alone"),
    OO_OPTION(options, group, OO_OPT_STRING, "group", "", "the rules of these groups alone: names with + or , between them"),
    OO_OPTION(options, only, OO_OPT_STRING, "only", "", "these rules and groups alone"),
    OO_OPTION(options, except, OO_OPT_STRING, "except", "", "all but these rules and groups"),
    OO_GROWTH_OPTIONS(options, growth),
};

static oo_status run_with(oo_rewriter *rw, oo_model *model, oo_rulebase *base, const options *o, const oo_rule_settings *settings) {
    if (*o->file)
        OO_TRY(oo__rulebase_load(base, o->file, 2));
    const oo__rule_choice choice = {.growth = &o->growth,
                                    .level = (int)o->level,
                                    .exact = o->exact || (settings && settings->exact),
                                    .allow_opset = o->allow_opset || !settings ? o->allow_opset : settings->allow_opset,
                                    .target = *o->target ? o->target : settings ? settings->target : NULL,
                                    .file = o->file,
                                    .group = o->group,
                                    .only = o->only,
                                    .except = o->except,
                                    .disabled = settings ? settings->disabled : NULL,
                                    .ndisabled = settings ? settings->ndisabled : 0};
    return oo__rules_run(rw, model, oo__rulebase_all(base), &choice);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *given) {
    const oo_rule_settings *const settings = oo__rewriter_host(rw);
    if (settings && settings->base)
        return run_with(rw, model, settings->base, given, settings);
    oo_rulebase *const base = oo__rulebase_new(model->context);
    const oo_status status = run_with(rw, model, base, given, settings);
    oo__rulebase_free(base);
    return status;
}

const oo_pass oo_pass_rules = {
    .size = sizeof(oo_pass),
    .name = "rules",
    .summary = "Apply rewrite rules until none applies",
    .doc = "The rules that are built in, those of plugins and those of the files that --rules names. --list-rules lists them, --disable "
           "switches a rule or a group of rules off, --exact leaves out what may round otherwise. A rule says what it matches, on which "
           "conditions, and what it builds; see docs/rules.md.",
    .options = ROWS,
    .noptions = sizeof ROWS / sizeof *ROWS,
    .options_size = sizeof(options),
    .needs = OO_TYPES | OO_VALUES,
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
