/* Names of other optimizers' passes. */
#include "passes/aliases.h"

#include "passes/rule_parse.h"

#include <string.h>

static const oo_alias ALIASES[] = {
#define ALIAS(tools, name, ours, note) {OO_ALIAS_OURS, tools, name, ours, note},
#define NEEDLESS(tools, name, why) {OO_ALIAS_NEEDLESS, tools, name, "", why},
#define REFUSED(tools, name, why) {OO_ALIAS_REFUSED, tools, name, "", why},
#include "passes/aliases.def"
#undef ALIAS
#undef NEEDLESS
#undef REFUSED
};
enum { COUNT = sizeof ALIASES / sizeof *ALIASES, LONGEST = 64 };

const oo_alias *oo__alias_at(uint32_t k) { return k < COUNT ? &ALIASES[k] : NULL; }

static bool same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
            return false;
    return *a == *b;
}

const oo_alias *oo__alias_find(const char *name, bool exactly) {
    for (uint32_t i = 0; i < COUNT; i++)
        if (exactly ? strcmp(ALIASES[i].name, name) == 0 : same_name(ALIASES[i].name, name))
            return &ALIASES[i];
    return NULL;
}

/* ---- misspelt names ---- */
typedef struct spellings {
    char names[COUNT][LONGEST];
} spellings;

static void put_hyphens(char *out, const char *name) {
    size_t n = 0;
    for (; name[n] && n + 1 < LONGEST; n++) {
        out[n] = name[n];
        if (out[n] == '_')
            out[n] = '-';
    }
    out[n] = 0;
}

static const char *spelling_at(const void *state, uint32_t i) {
    const spellings *const s = state;
    return i < COUNT ? s->names[i] : NULL;
}

const char *oo__alias_suggest(const char *name) {
    spellings all;
    char own[LONGEST];
    for (uint32_t i = 0; i < COUNT; i++)
        put_hyphens(all.names[i], ALIASES[i].name);
    put_hyphens(own, name);
    const char *const near = oo__nearest(own, spelling_at, &all);
    return near ? ALIASES[(size_t)(near - all.names[0]) / LONGEST].name : NULL;
}

/* ---- what they stand for ---- */
void oo__alias_each(const oo_alias *alias, oo_arena *arena, void (*visit)(void *state, const char *name), void *state) {
    for (const char *at = alias->ours; *at;) {
        const size_t n = strcspn(at, " ");
        visit(state, oo__arena_copy(arena, at, n));
        at += n + (at[n] == ' ');
    }
}

typedef struct writer {
    const oo_registry *registry;
    oo_arena *arena;
    const char *text, *rules; /* of rules that are not in `text` yet */
} writer;

static void flush(writer *w) {
    if (*w->rules)
        w->text = oo__arena_printf(w->arena, "%s%srules{only=%s level=3}", w->text, *w->text ? "," : "", w->rules);
    w->rules = "";
}

static void write_one(void *state, const char *name) {
    writer *const w = state;
    if (!oo__registry_find(w->registry, name)) {
        w->rules = oo__arena_printf(w->arena, "%s%s%s", w->rules, *w->rules ? "+" : "", name);
        return;
    }
    flush(w);
    w->text = oo__arena_printf(w->arena, "%s%s%s", w->text, *w->text ? "," : "", name);
}

const char *oo__alias_pipeline(const oo_alias *alias, const oo_registry *registry, oo_arena *arena) {
    writer w = {.registry = registry, .arena = arena, .text = "", .rules = ""};
    oo__alias_each(alias, arena, write_one, &w);
    flush(&w);
    return w.text;
}
