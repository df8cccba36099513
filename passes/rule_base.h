/* The rules that are known: those built in, those of plugins, and those of files that the user names. */
#ifndef PASSES_RULE_BASE_H
#define PASSES_RULE_BASE_H
#include "ir/growth.h"
#include "passes/rule_ast.h"

typedef struct oo_rulebase oo_rulebase;

/* Starts empty; the built-in rules are read when they are first asked for. */
oo_rulebase *oo__rulebase_new(oo_context *context);
void oo__rulebase_free(oo_rulebase *base);
/* Adds the rules of a text. `path` names it in messages and, without folder and .rules, the group. rank: 0 built in, 1 plugin, 2 user. */
oo_status oo__rulebase_add(oo_rulebase *base, const char *text, size_t size, const char *path, int rank);
/* The same from a file. A file that was added before is not added again. */
oo_status oo__rulebase_load(oo_rulebase *base, const char *path, int rank);
/* A guard of a plugin (rule_plugin.c). */
oo_status oo__rulebase_add_guard(oo_rulebase *base, const char *text, oo_guard guard, const char *help);
/* Its row is copied. False when there is a guard or helper of this name. */
bool oo__rulebase_put_guard(oo_rulebase *base, const oo__function_row *row);
oo_context *oo__rulebase_context(const oo_rulebase *base);
/* All rules, the built-in ones first. */
const oo__rules *oo__rulebase_all(oo_rulebase *base);
const oo__rule *oo__rulebase_find(oo_rulebase *base, const char *name);
/* A rule or group of this name exists. */
bool oo__rulebase_has(oo_rulebase *base, const char *name);
const char *oo__rulebase_suggest(oo_rulebase *base, const char *name);

/* The oldest and newest opset of ai.onnx that have all operators of a rule; false when none has (rule_build.c). */
bool oo__rule_opsets(const oo__rule *rule, int64_t *first, int64_t *last);

/* The built-in rules as text (generated from passes/rules/): the k-th file, NULL behind the last. */
typedef struct oo__rule_text {
    const char *group;
    const unsigned char *text;
    size_t size;
} oo__rule_text;
extern const oo__rule_text oo__rule_texts[];

/* Which rules take part in a run, and how. */
typedef struct oo__rule_choice {
    const oo_growth_options *growth; /* NULL = no limit */
    int level;               /* rules of a higher level stay out */
    bool exact;              /* inexact rules stay out */
    int64_t allow_opset;     /* the newest version of ai.onnx that the model may be made to import */
    const char *target;      /* rules for other targets stay out; NULL or "" = all rules with a target */
    const char *file;        /* the rules of this path alone; NULL or "" = no condition */
    const char *only, *except, *group; /* names separated by ',' '+' or blanks; NULL or "" = no condition */
    const char *const *disabled;
    uint32_t ndisabled;
    const oo__rule *single;  /* this one alone, whatever the rest says */
} oo__rule_choice;
bool oo__rule_is_chosen(const oo__rule *rule, const oo__rule_choice *choice);

/* Applies rules everywhere until none applies (rule_engine.c). OO_LIMIT after a diagnostic when they do not come to an end. */
oo_status oo__rules_run(oo_rewriter *rw, oo_model *model, const oo__rules *rules, const oo__rule_choice *choice);
#endif
