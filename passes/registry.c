/* The passes that are known by name: the built-in ones of passes.def, and what plugins add. */
#include "passes/manager.h"
#include "passes/rule_base.h"
#include "passes/rule_parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASS(file) extern const oo_pass oo_pass_##file;
#include "passes/passes.def"
#undef PASS

static const oo_pass *const BUILT_IN[] = {
#define PASS(file) &oo_pass_##file,
#include "passes/passes.def"
#undef PASS
};

typedef struct entry {
    const oo_pass *pass;
    const char *origin;
} entry;

struct oo_registry {
    oo_context *context;
    oo_arena *arena;
    const char *origin;
    oo_vec(entry) entries;
    oo_rulebase *rules;
};

oo_registry *oo__registry_new(oo_context *context) {
    oo_registry *const r = oo__malloc(sizeof *r);
    *r = (oo_registry){.context = context, .arena = oo__arena_new(), .origin = "built-in", .rules = oo__rulebase_new(context)};
    for (size_t i = 0; i < sizeof BUILT_IN / sizeof *BUILT_IN; i++)
        oo_require(oo_register_pass(r, BUILT_IN[i]) == OO_OK, "a built-in pass cannot be registered");
    return r;
}

void oo__registry_free(oo_registry *r) {
    if (!r)
        return;
    oo_vec_free(&r->entries);
    oo__rulebase_free(r->rules);
    oo__arena_free(r->arena);
    free(r);
}

void oo__registry_set_origin(oo_registry *r, const char *origin) { r->origin = oo__arena_copy(r->arena, origin, strlen(origin)); }

static const entry *find_entry(const oo_registry *r, const char *name) {
    for (uint32_t i = 0; i < r->entries.n; i++)
        if (strcmp(r->entries.data[i].pass->name, name) == 0)
            return &r->entries.data[i];
    return NULL;
}

static bool is_well_formed(const char *name) {
    if (!name || !islower((unsigned char)*name))
        return false;
    for (const char *p = name; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '-')
            return false;
    return strcmp(name, "fix") != 0;
}

static oo_status refuse(const oo_registry *r, const char *code, const char *format, const char *a, const char *b) {
    const oo_diag diag = {.severity = OO_ERROR, .code = code, .file = r->origin, .offset = -1};
    char text[512];
    (void)snprintf(text, sizeof text, format, a, b);
    oo__diag(r->context, diag, "%s", text);
    return OO_INVALID;
}

oo_status oo_register_pass(oo_registry *r, const oo_pass *pass) {
    /* What the first release of the struct had must be there; later fields are optional. */
    if (!pass || pass->size < offsetof(oo_pass, run) + sizeof pass->run || !pass->run)
        return refuse(r, "pass-invalid", "a pass without %s or %s cannot be registered", "size", "run");
    if (!is_well_formed(pass->name))
        return refuse(r, "pass-invalid", "\"%s\" is no pass name: lower case, digits and hyphens%s", pass->name ? pass->name : "", "");
    const entry *const same = find_entry(r, pass->name);
    if (same)
        return refuse(r, "pass-duplicate", "pass \"%s\" exists already, from %s", pass->name, same->origin);
    oo_vec_push(NULL, &r->entries, (entry){pass, r->origin});
    return OO_OK;
}

const oo_pass *oo__registry_find(const oo_registry *r, const char *name) {
    const entry *const e = find_entry(r, name);
    return e ? e->pass : NULL;
}

uint32_t oo__registry_count(const oo_registry *r) { return r->entries.n; }

const oo_pass *oo__registry_at(const oo_registry *r, uint32_t index, const char **origin) {
    if (origin)
        *origin = r->entries.data[index].origin;
    return r->entries.data[index].pass;
}

static const char *name_at(const void *state, uint32_t i) {
    const oo_registry *const r = state;
    return i < r->entries.n ? r->entries.data[i].pass->name : NULL;
}

const char *oo__registry_suggest(const oo_registry *r, const char *name) { return oo__nearest(name, name_at, r); }

oo_rulebase *oo__registry_rules(const oo_registry *r) { return r->rules; }

oo_status oo_register_rules(oo_registry *r, const char *text, const char *name) {
    return oo__rulebase_add(r->rules, text, strlen(text), name, 1);
}

oo_status oo_register_guard(oo_registry *r, const char *signature, oo_guard guard, const char *help) {
    return oo__rulebase_add_guard(r->rules, signature, guard, help);
}
