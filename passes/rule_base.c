#include "passes/rule_base.h"

#include "passes/rule_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oo_rulebase {
    oo_context *context;
    oo_arena *arena;
    oo__rules rules;
    bool complete; /* the built-in rules are in */
    oo_vec(const char *) files;
    oo_vec(oo__function_row *) guards;
};

bool oo__rulebase_put_guard(oo_rulebase *base, const oo__function_row *row) {
    bool is_helper;
    for (uint32_t k = 0; oo__function_at(k, &is_helper); k++)
        if (strcmp(oo__function_at(k, &is_helper)->name, row->name) == 0)
            return false;
    for (uint32_t i = 0; i < base->guards.n; i++)
        if (strcmp(base->guards.data[i]->name, row->name) == 0)
            return false;
    oo__function_row *const own = OO_NEW(base->arena, oo__function_row);
    *own = *row;
    own->name = oo__arena_copy(base->arena, row->name, strlen(row->name));
    own->signature = oo__arena_copy(base->arena, row->signature, strlen(row->signature));
    oo_vec_push(base->arena, &base->guards, own);
    return true;
}

oo_context *oo__rulebase_context(const oo_rulebase *base) { return base->context; }

oo_rulebase *oo__rulebase_new(oo_context *context) {
    oo_rulebase *const base = oo__malloc(sizeof *base);
    *base = (oo_rulebase){.context = context, .arena = oo__arena_new()};
    return base;
}

void oo__rulebase_free(oo_rulebase *base) {
    if (!base)
        return;
    oo__arena_free(base->arena);
    free(base);
}

static const oo__function_row *find_guard(void *state, const char *name) {
    const oo_rulebase *const base = state;
    for (uint32_t i = 0; i < base->guards.n; i++)
        if (strcmp(base->guards.data[i]->name, name) == 0)
            return base->guards.data[i];
    return NULL;
}

/* net/my_rules.rules is the group my-rules. */
static const char *group_of(oo_arena *arena, const char *path) {
    const char *const slash = strrchr(path, '/');
    const char *const from = slash ? slash + 1 : path;
    const char *const dot = strrchr(from, '.');
    char *const group = oo__arena_copy(arena, from, dot && dot > from ? (size_t)(dot - from) : strlen(from));
    for (char *c = group; *c; c++)
        if (*c == '_')
            *c = '-';
    return group;
}

static oo_status read_text(oo_rulebase *base, oo__rules *out, const char *text, size_t size, const char *path, const char *group, int rank) {
    const oo__rule_source source = {.context = base->context,
                                    .arena = base->arena,
                                    .path = oo__arena_copy(base->arena, path, strlen(path)),
                                    .group = group,
                                    .rank = rank,
                                    .find = find_guard,
                                    .state = base};
    return oo__rules_parse(out, &source, text, size);
}

static void number(oo_rulebase *base, oo__rule *rule) {
    rule->number = base->rules.n;
    oo_vec_push(base->arena, &base->rules, rule);
}

static void complete(oo_rulebase *base) {
    if (base->complete)
        return;
    base->complete = true;
    for (const oo__rule_text *t = oo__rule_texts; t->group; t++) {
        oo__rules rules = {0};
        oo_context *const context = base->context;
        const char *const path = oo__arena_printf(base->arena, "%s.rules", t->group);
        oo_require(read_text(base, &rules, (const char *)t->text, t->size, path, t->group, 0) == OO_OK, "the built-in rules of %s are wrong",
                   t->group);
        base->context = context;
        for (uint32_t i = 0; i < rules.n; i++)
            number(base, rules.data[i]);
    }
}

const oo__rules *oo__rulebase_all(oo_rulebase *base) {
    complete(base);
    return &base->rules;
}

const oo__rule *oo__rulebase_find(oo_rulebase *base, const char *name) {
    const oo__rules *const all = oo__rulebase_all(base);
    for (uint32_t i = 0; i < all->n; i++)
        if (strcmp(all->data[i]->name, name) == 0)
            return all->data[i];
    return NULL;
}

bool oo__rulebase_has(oo_rulebase *base, const char *name) {
    const oo__rules *const all = oo__rulebase_all(base);
    for (uint32_t i = 0; i < all->n; i++)
        if (strcmp(all->data[i]->name, name) == 0 || strcmp(all->data[i]->group, name) == 0)
            return true;
    return false;
}

static const char *rule_name(const void *state, uint32_t i) {
    const oo__rules *const all = state;
    return i < all->n ? all->data[i]->name : NULL;
}

const char *oo__rulebase_suggest(oo_rulebase *base, const char *name) { return oo__nearest(name, rule_name, oo__rulebase_all(base)); }

oo_status oo__rulebase_add(oo_rulebase *base, const char *text, size_t size, const char *path, int rank) {
    oo__rules rules = {0};
    complete(base);
    OO_TRY(read_text(base, &rules, text, size, path, group_of(base->arena, path), rank));
    for (uint32_t i = 0; i < rules.n; i++) {
        const oo__rule *const same = oo__rulebase_find(base, rules.data[i]->name);
        if (same) {
            oo__diag(base->context,
                     (oo_diag){.severity = OO_ERROR, .code = "rule-name", .file = path, .line = rules.data[i]->line, .column = rules.data[i]->column,
                               .offset = -1},
                     "there is a rule \"%s\" already, in %s", same->name, same->origin);
            return OO_INVALID;
        }
    }
    for (uint32_t i = 0; i < rules.n; i++)
        number(base, rules.data[i]);
    return OO_OK;
}

oo_status oo__rulebase_load(oo_rulebase *base, const char *path, int rank) {
    enum { LARGEST = 16 << 20 };
    for (uint32_t i = 0; i < base->files.n; i++)
        if (strcmp(base->files.data[i], path) == 0)
            return OO_OK;
    oo_source *source = NULL;
    OO_TRY(oo__source_open(&source, base->context, path));
    oo_status status = OO_LIMIT;
    if (source->size > LARGEST)
        oo__file_error(base->context, "rule-limit", path, -1, "a file of rules has at most 16 MiB");
    else
        status = oo__rulebase_add(base, source->bytes ? (const char *)source->bytes : "", source->size, path, rank);
    oo__source_close(source);
    if (status == OO_OK)
        oo_vec_push(base->arena, &base->files, oo__arena_copy(base->arena, path, strlen(path)));
    return status;
}

/* ---- choosing ---- */
/* Whether a list of names has the rule's or its group's. Hyphens and underscores are the same. */
static bool names_rule(const char *list, const oo__rule *rule) {
    static const char BETWEEN[] = ", +\t\n";
    for (const char *at = list + strspn(list, BETWEEN); *at; at += strspn(at, BETWEEN)) {
        const size_t n = strcspn(at, BETWEEN);
        const char *const names[] = {rule->name, rule->group};
        for (size_t k = 0; k < 2; k++) {
            size_t i = 0;
            while (i < n && names[k][i] && (names[k][i] == at[i] || (names[k][i] == '-' && at[i] == '_')))
                i++;
            if (i == n && !names[k][n])
                return true;
        }
        at += n;
    }
    return false;
}

static bool is_given(const char *text) { return text && *text; }

bool oo__rule_is_chosen(const oo__rule *rule, const oo__rule_choice *c) {
    if (c->single)
        return rule == c->single;
    if (rule->level > c->level || (c->exact && rule->inexact))
        return false;
    if (rule->target && (!is_given(c->target) || strcmp(rule->target, c->target) != 0))
        return false;
    for (uint32_t i = 0; i < c->ndisabled; i++)
        if (names_rule(c->disabled[i], rule))
            return false;
    if (is_given(c->file) && strcmp(c->file, rule->origin) != 0)
        return false;
    if (is_given(c->only) && !names_rule(c->only, rule))
        return false;
    if (is_given(c->group) && !names_rule(c->group, rule))
        return false;
    return !is_given(c->except) || !names_rule(c->except, rule);
}
