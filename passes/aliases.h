/* Names of other optimizers' passes (aliases.def). */
#ifndef PASSES_ALIASES_H
#define PASSES_ALIASES_H
#include "passes/manager.h"

typedef enum oo_alias_kind { OO_ALIAS_OURS, OO_ALIAS_NEEDLESS, OO_ALIAS_REFUSED } oo_alias_kind;

typedef struct oo_alias {
    oo_alias_kind kind;
    const char *tools; /* who calls it so: "a, b" */
    const char *name;
    const char *ours;  /* passes, rules and groups of rules, with spaces between; "" when there is none */
    const char *note;  /* what is different, or why there is none */
} oo_alias;

/* The k-th, NULL behind the last. */
const oo_alias *oo__alias_at(uint32_t k);
/* Hyphens and underscores are the same, but for `exactly`. */
const oo_alias *oo__alias_find(const char *name, bool exactly);
/* The name nearest to a misspelt one, NULL when none is near. */
const char *oo__alias_suggest(const char *name);
/* Calls `visit` with each of ours. */
void oo__alias_each(const oo_alias *alias, oo_arena *arena, void (*visit)(void *state, const char *name), void *state);
/* What it stands for as a pipeline: rules that follow each other run together. */
const char *oo__alias_pipeline(const oo_alias *alias, const oo_registry *registry, oo_arena *arena);
#endif
