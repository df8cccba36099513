/* The pass manager: registry of passes, pipelines as text, and running them under watch. */
#ifndef PASSES_MANAGER_H
#define PASSES_MANAGER_H
#include "ir/ir.h"
#include "ir/rewriter.h"

typedef struct oo_rulebase oo_rulebase;

/* ---- registry ---- */
/* Knows the built-in passes (passes.def) from the start; plugins add theirs. */
oo_registry *oo__registry_new(oo_context *context);
void oo__registry_free(oo_registry *registry);
/* Who registers from now on: shown by --list-passes and in messages ("built-in", or a plugin's path). */
void oo__registry_set_origin(oo_registry *registry, const char *origin);
const oo_pass *oo__registry_find(const oo_registry *registry, const char *name);
uint32_t oo__registry_count(const oo_registry *registry);
const oo_pass *oo__registry_at(const oo_registry *registry, uint32_t index, const char **origin);
/* The rules that the pass "rules" applies: the built-in ones and what plugins and files added. */
oo_rulebase *oo__registry_rules(const oo_registry *registry);
/* The registered name closest to a misspelt one, NULL when none is close. */
const char *oo__registry_suggest(const oo_registry *registry, const char *name);

/* ---- pipelines ----
 * pipeline ::= item ("," item)*
 * item     ::= name options? | "fix" options? "(" pipeline ")"      options ::= "{" key "=" value (" "|"," key "=" value)* "}"
 * fix repeats its items until none changes anything (option max, default 100). */
typedef struct oo_pipeline oo_pipeline;
/* Errors point into `text` with line, column and caret text; `origin` names the text ("-p" or a file). */
oo_status oo__pipeline_parse(oo_pipeline **out, oo_context *context, const oo_registry *registry, const char *text, const char *origin);
/* Adds a pass that is known to exist at the front or the end, with options as text; their values are known to fit. */
void oo__pipeline_add(oo_pipeline *pipeline, const oo_registry *registry, const char *pass, bool first, const char *const *keys,
                      const char *const *values, uint32_t count);
/* Sets an option of every run of a pass. */
void oo__pipeline_set(oo_pipeline *pipeline, const char *pass, const char *key, const char *value);
/* --exact: passes that have an exact and an inexact way, by an option "exact", take the exact one. */
void oo__pipeline_keep_exact(oo_pipeline *pipeline);
void oo__pipeline_free(oo_pipeline *pipeline);
/* The canonical text, from malloc; parses back to the same pipeline. */
char *oo__pipeline_print(const oo_pipeline *pipeline);
/* Text of -O0 .. -O3 (level 0 .. 3) and -Os (OO_LEVEL_SIZE), from pipelines.def. */
enum { OO_LEVEL_SIZE = 4 };
const char *oo__pipeline_of_level(int level);
/* "0" .. "3", "s". */
const char *oo__level_name(int level);
/* The lowest level whose pipeline has this pass; -1 when none has. */
int oo__pipeline_level_of(oo_context *context, const oo_registry *registry, const oo_pass *pass);

/* ---- running ---- */
typedef enum oo_verify { OO_VERIFY_OFF, OO_VERIFY_END, OO_VERIFY_EACH } oo_verify;
typedef enum oo_event { OO_EVENT_BEFORE, OO_EVENT_AFTER, OO_EVENT_SKIPPED } oo_event;

/* One invocation of one pass. */
typedef struct oo_pass_report {
    const char *name;
    uint32_t number;             /* 1-based, in the order of running */
    bool skipped;                /* by --disable, --exact or --bisect-limit */
    bool changed;
    uint32_t rewrites;
    double seconds;
    int64_t nodes_before, nodes_after;
    oo_counter *counters;
    uint32_t ncounters;
    const struct oo__item *item; /* of the pipeline, as long as that lives */
} oo_pass_report;

/* The invocation as text of a pipeline: name{options}; from malloc. */
char *oo__pass_print(const oo_pass_report *report);

/* Called around every pass: printing, dumping and timing are instruments. */
typedef void (*oo_instrument)(void *user, oo_event event, const oo_pass_report *report, oo_model *model);

/* For the pass "rules". */
typedef struct oo_rule_settings {
    oo_rulebase *base;           /* NULL = the built-in rules alone */
    const char *target;          /* --target, NULL = none */
    int64_t allow_opset;         /* --allow-opset, 0 = none */
    bool exact;                  /* --exact: without what may change floating-point results, passes included */
    const char *const *disabled; /* names of rules and groups */
    uint32_t ndisabled;
} oo_rule_settings;

typedef struct oo_run_settings {
    oo_verify verify;
    bool honest;                 /* compare structural hashes with what the rewriter counted */
    const char *const *disabled; /* pass names, "name#2" = its second invocation */
    uint32_t ndisabled;
    int64_t bisect_limit;        /* invocations after this many are skipped; < 0 = no limit */
    bool bisect_verbose;         /* a note for each invocation, as LLVM's opt-bisect-limit prints */
    int64_t fuel;                /* rewrites allowed in all; < 0 = no limit */
    bool tell_passed, tell_missed;
    oo_rule_settings rules;
    const oo_instrument *instruments;
    void *const *users;
    uint32_t ninstruments;
} oo_run_settings;

typedef struct oo_run_report {
    oo_pass_report *passes;      /* released by oo__run_report_free */
    uint32_t npasses;
    bool changed;
} oo_run_report;

/* Runs the pipeline. OO_MISMATCH: a verification failed (the model must not be written). */
oo_status oo__pipeline_run(oo_run_report *out, const oo_pipeline *pipeline, oo_model *model, const oo_run_settings *settings);
void oo__run_report_free(oo_run_report *report);
/* Nodes of the model in all graphs; Constant nodes are data and do not count. */
int64_t oo__count_nodes(const oo_model *model);
#endif
