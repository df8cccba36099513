/* Pipelines as text: parsing with located errors, and printing. */
#include "passes/pipeline.h"

#include "passes/aliases.h"
#include "passes/rule_base.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX = 100, MAX_NESTING = 16, MAX_TEXT = 1 << 20 };

static const char *const LEVELS[] = {
#define LEVEL(number, text) [number] = text,
#include "passes/pipelines.def"
#undef LEVEL
};

const char *oo__pipeline_of_level(int level) {
    const int count = (int)(sizeof LEVELS / sizeof *LEVELS);
    return level >= 0 && level < count ? LEVELS[level] : NULL;
}

const char *oo__level_name(int level) {
    static const char *const names[] = {"0", "1", "2", "3", [OO_LEVEL_SIZE] = "s"};
    oo_require(oo__pipeline_of_level(level), "there is no level %d", level);
    return names[level];
}

typedef struct parser {
    oo_context *context;
    const oo_registry *registry;
    oo_pipeline *pipeline;
    const char *text, *at, *origin;
    unsigned depth;
} parser;

OO_PRINTF(3, 4) static oo_status fail(const parser *p, const char *where, const char *format, ...) {
    const char *line = p->text;
    uint32_t number = 1;
    for (const char *c = p->text; c < where; c++) {
        if (*c != '\n')
            continue;
        line = c + 1;
        number++;
    }
    char source[256];
    const size_t length = strcspn(line, "\n");
    snprintf(source, sizeof source, "%.*s", (int)(length < 250 ? length : 250), line);
    const oo_diag diag = {.severity = OO_ERROR, .code = "pipeline-syntax", .file = p->origin, .offset = -1, .line = number,
                          .column = (uint32_t)(where - line) + 1, .source_line = source};
    va_list args;
    va_start(args, format);
    oo__diag_v(p->context, diag, format, args);
    va_end(args);
    return OO_INVALID;
}

static void skip_space(parser *p) {
    for (;;) {
        while (isspace((unsigned char)*p->at))
            p->at++;
        if (*p->at != '#')
            return;
        p->at += strcspn(p->at, "\n");
    }
}

static bool take(parser *p, char c) {
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static const char *take_word(parser *p) {
    skip_space(p);
    const char *const start = p->at;
    while (isalnum((unsigned char)*p->at) || *p->at == '-' || *p->at == '_')
        p->at++;
    char *const word = oo__arena_copy(p->pipeline->arena, start, (size_t)(p->at - start));
    for (char *c = word; *c; c++)
        if (*c == '_')
            *c = '-'; /* a habit of other optimizers */
    return word;
}

/* A value: quoted, or up to a separator. */
static oo_status take_value(parser *p, const char **out) {
    if (*p->at == '"') {
        const char *const end = strchr(p->at + 1, '"');
        if (!end)
            return fail(p, p->at, "the quoted value has no end");
        *out = oo__arena_copy(p->pipeline->arena, p->at + 1, (size_t)(end - p->at - 1));
        p->at = end + 1;
        return OO_OK;
    }
    const size_t n = strcspn(p->at, " ,}\n\t");
    *out = oo__arena_copy(p->pipeline->arena, p->at, n);
    p->at += n;
    return OO_OK;
}

/* ---- options ---- */
static bool is_choice(const char *choices, const char *value) {
    const size_t n = strlen(value);
    for (const char *c = choices; c && *c;) {
        const size_t length = strcspn(c, "|");
        if (length == n && strncmp(c, value, n) == 0)
            return true;
        c += length + (c[length] == '|');
    }
    return !choices;
}

static bool set_option(const oo_option_row *row, void *options, const char *value) {
    void *const field = (char *)options + row->offset;
    char *end = NULL;
    errno = 0;
    switch (row->type) {
    case OO_OPT_BOOL: {
        const bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
        if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
            return false;
        *(bool *)field = yes;
        return true;
    }
    case OO_OPT_INT:
        *(int64_t *)field = strtoll(value, &end, 10);
        return *value && !*end && errno == 0;
    case OO_OPT_FLOAT:
        *(double *)field = strtod(value, &end);
        return *value && !*end && errno == 0;
    case OO_OPT_STRING:
        *(const char **)field = value;
        return is_choice(row->choices, value);
    }
    return false;
}

static const char *expected(const oo_option_row *row) {
    static const char *const WORDS[] = {"true or false", "an integer", "a number", "a word"};
    return row->type == OO_OPT_STRING && row->choices ? row->choices : WORDS[row->type];
}

static void set_defaults(const oo_pass *pass, void *options) {
    for (uint32_t i = 0; i < pass->noptions; i++)
        oo_require(!pass->options[i].initial || set_option(&pass->options[i], options, pass->options[i].initial),
                   "pass \"%s\": the default of option \"%s\" does not parse", pass->name, pass->options[i].name);
}

static const oo_option_row *find_option(const oo_option_row *rows, uint32_t n, const char *name) {
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* "{" key "=" value ... "}"; a bare key of a boolean option means true. */
static oo_status parse_options(parser *p, const char *owner, const oo_option_row *rows, uint32_t n, void *options) {
    if (!take(p, '{'))
        return OO_OK;
    for (bool first = true; !take(p, '}'); first = false) {
        if (!first)
            (void)take(p, ',');
        skip_space(p);
        const char *const where = p->at;
        const char *const key = take_word(p);
        if (!*key)
            return fail(p, p->at, "expected an option of \"%s\" or '}'", owner);
        const oo_option_row *const row = find_option(rows, n, key);
        if (!row)
            return fail(p, where, "\"%s\" has no option \"%s\"; see --help-pass %s", owner, key, owner);
        const char *value = "true";
        const char *value_at = p->at;
        if (take(p, '=')) {
            value_at = p->at;
            OO_TRY(take_value(p, &value));
        } else if (row->type != OO_OPT_BOOL) {
            return fail(p, p->at, "option \"%s\" needs a value: %s=...", key, key);
        }
        if (!set_option(row, options, value))
            return fail(p, value_at, "option \"%s\" of \"%s\" takes %s, not \"%s\"", key, owner, expected(row),
                        oo__printable(value, strlen(value)));
    }
    return OO_OK;
}

/* ---- items ---- */
static oo_status parse_items(parser *p, oo__items *out);

static oo_status parse_fix(parser *p, oo__item *item) {
    static const oo_option_row MAX_ROW[] = {{.name = "max", .type = OO_OPT_INT, .offset = 0, .initial = "100", .help = "", .choices = NULL}};
    item->max = DEFAULT_MAX;
    const char *const where = p->at;
    OO_TRY(parse_options(p, "fix", MAX_ROW, 1, &item->max));
    if (item->max < 1)
        return fail(p, where, "fix must be allowed at least one iteration");
    if (!take(p, '('))
        return fail(p, p->at, "expected '(' after fix");
    if (++p->depth > MAX_NESTING)
        return fail(p, p->at, "fix is nested more than %d deep", MAX_NESTING);
    OO_TRY(parse_items(p, &item->items));
    p->depth--;
    if (!take(p, ')'))
        return fail(p, p->at, "expected ',' or ')'");
    return OO_OK;
}

/* What another optimizer calls so: its items stand in its place. */
static oo_status parse_alias(parser *p, const char *where, const oo_alias *alias, oo__items *out) {
    if (alias->kind == OO_ALIAS_REFUSED)
        return fail(p, where, "%s (%s) is not offered: %s", alias->name, alias->tools, alias->note);
    if (take(p, '{'))
        return fail(p, p->at - 1, "%s is another optimizer's name (%s) and has no options", alias->name, alias->tools);
    parser inner = *p;
    inner.origin = alias->name;
    inner.text = inner.at = oo__alias_pipeline(alias, p->registry, p->pipeline->arena);
    return *inner.at ? parse_items(&inner, out) : OO_OK;
}

static oo_status unknown_pass(const parser *p, const char *where, const char *name) {
    oo_rulebase *const rules = oo__registry_rules(p->registry);
    if (oo__rulebase_has(rules, name))
        return fail(p, where, "\"%s\" is no pass but rules of the pass \"rules\": rules{only=%s}", name, name);
    const char *near = oo__registry_suggest(p->registry, name);
    near = near ? near : oo__alias_suggest(name);
    return near ? fail(p, where, "there is no pass \"%s\"; did you mean \"%s\"?", name, near)
                : fail(p, where, "there is no pass \"%s\"; --list-passes lists them", name);
}

static oo_status parse_item(parser *p, oo__items *out) {
    skip_space(p);
    const char *const where = p->at;
    const char *const name = take_word(p);
    if (!*name)
        return fail(p, where, "expected the name of a pass");
    const bool is_fix = strcmp(name, "fix") == 0;
    const oo_pass *const pass = is_fix ? NULL : oo__registry_find(p->registry, name);
    if (!is_fix && !pass) {
        const oo_alias *const alias = oo__alias_find(name, false);
        return alias ? parse_alias(p, where, alias, out) : unknown_pass(p, where, name);
    }
    oo__item *const item = OO_NEW(p->pipeline->arena, oo__item);
    oo_vec_push(p->pipeline->arena, out, item);
    if (is_fix)
        return parse_fix(p, item);
    item->pass = pass;
    item->options = oo__arena_alloc(p->pipeline->arena, pass->options_size);
    set_defaults(pass, item->options);
    return parse_options(p, name, pass->options, pass->noptions, item->options);
}

static oo_status parse_items(parser *p, oo__items *out) {
    do
        OO_TRY(parse_item(p, out));
    while (take(p, ','));
    return OO_OK;
}

static oo_status parse_all(parser *p) {
    skip_space(p);
    if (!*p->at)
        return OO_OK;
    OO_TRY(parse_items(p, &p->pipeline->items));
    skip_space(p);
    return *p->at ? fail(p, p->at, "expected ',' or the end of the pipeline") : OO_OK;
}

oo_status oo__pipeline_parse(oo_pipeline **out, oo_context *context, const oo_registry *registry, const char *text,
                             const char *origin) {
    *out = NULL;
    oo_arena *const arena = oo__arena_new();
    oo_pipeline *const pipeline = OO_NEW(arena, oo_pipeline);
    pipeline->arena = arena;
    parser p = {.context = context, .registry = registry, .pipeline = pipeline, .text = text, .at = text, .origin = origin};
    const oo_status status = strlen(text) > MAX_TEXT ? fail(&p, text, "the pipeline is longer than a megabyte") : parse_all(&p);
    if (status == OO_OK)
        *out = pipeline;
    else
        oo__pipeline_free(pipeline);
    return status;
}

void oo__pipeline_add(oo_pipeline *pipeline, const oo_registry *registry, const char *pass, bool first, const char *const *keys,
                      const char *const *values, uint32_t count) {
    oo__item *const item = OO_NEW(pipeline->arena, oo__item);
    item->pass = oo__registry_find(registry, pass);
    oo_require(item->pass, "there is no pass \"%s\"", pass);
    item->options = oo__arena_alloc(pipeline->arena, item->pass->options_size);
    set_defaults(item->pass, item->options);
    for (uint32_t i = 0; i < count; i++) {
        const oo_option_row *const row = find_option(item->pass->options, item->pass->noptions, keys[i]);
        oo_require(row && set_option(row, item->options, oo__arena_copy(pipeline->arena, values[i], strlen(values[i]))),
                   "pass \"%s\" does not take %s=%s", pass, keys[i], values[i]);
    }
    oo_vec_push(pipeline->arena, &pipeline->items, item);
    oo__item **const items = pipeline->items.data;
    const uint32_t n = pipeline->items.n;
    if (first) {
        memmove(items + 1, items, (n - 1) * sizeof *items);
        items[0] = item;
    }
}

static void set_in(oo_pipeline *pipeline, const oo__items *items, const char *pass, const char *key, const char *value) {
    for (uint32_t i = 0; i < items->n; i++) {
        oo__item *const item = items->data[i];
        if (!item->pass) {
            set_in(pipeline, &item->items, pass, key, value);
            continue;
        }
        if (strcmp(item->pass->name, pass) != 0)
            continue;
        const oo_option_row *const row = find_option(item->pass->options, item->pass->noptions, key);
        oo_require(row && set_option(row, item->options, oo__arena_copy(pipeline->arena, value, strlen(value))),
                   "pass \"%s\" does not take %s=%s", pass, key, value);
    }
}

void oo__pipeline_set(oo_pipeline *pipeline, const char *pass, const char *key, const char *value) {
    set_in(pipeline, &pipeline->items, pass, key, value);
}

static void keep_exact_in(const oo__items *items) {
    static const char NAME[] = "exact";
    for (uint32_t i = 0; i < items->n; i++) {
        oo__item *const item = items->data[i];
        const oo_option_row *const row = item->pass ? find_option(item->pass->options, item->pass->noptions, NAME) : NULL;
        char yes[] = "true";
        if (!item->pass)
            keep_exact_in(&item->items);
        else if (row && row->type == OO_OPT_BOOL)
            (void)set_option(row, item->options, yes);
    }
}

void oo__pipeline_keep_exact(oo_pipeline *pipeline) { keep_exact_in(&pipeline->items); }

void oo__pipeline_free(oo_pipeline *pipeline) {
    if (pipeline)
        oo__arena_free(pipeline->arena);
}

static bool has_pass(const oo__items *items, const oo_pass *pass) {
    for (uint32_t i = 0; i < items->n; i++)
        if (items->data[i]->pass == pass || (!items->data[i]->pass && has_pass(&items->data[i]->items, pass)))
            return true;
    return false;
}

int oo__pipeline_level_of(oo_context *context, const oo_registry *registry, const oo_pass *pass) {
    for (int level = 0; oo__pipeline_of_level(level); level++) {
        oo_pipeline *pipeline;
        oo_require(oo__pipeline_parse(&pipeline, context, registry, oo__pipeline_of_level(level), "level") == OO_OK,
                   "the pipeline of level %d does not parse", level);
        const bool found = has_pass(&pipeline->items, pass);
        oo__pipeline_free(pipeline);
        if (found)
            return level;
    }
    return -1;
}

/* ---- printing ---- */
static void print_value(FILE *f, const oo_option_row *row, const void *options) {
    const void *const field = (const char *)options + row->offset;
    switch (row->type) {
    case OO_OPT_BOOL: fputs(*(const bool *)field ? "true" : "false", f); break;
    case OO_OPT_INT: fprintf(f, "%lld", (long long)*(const int64_t *)field); break;
    case OO_OPT_FLOAT: fprintf(f, "%.17g", *(const double *)field); break;
    case OO_OPT_STRING: {
        const char *const text = *(const char *const *)field ? *(const char *const *)field : "";
        fprintf(f, *text && !strpbrk(text, " ,}\n\t") ? "%s" : "\"%s\"", text);
        break;
    }
    }
}

static bool is_default(const oo_option_row *row, const void *options, const void *defaults) {
    const char *const a = (const char *)options + row->offset, *const b = (const char *)defaults + row->offset;
    switch (row->type) {
    case OO_OPT_BOOL: return *(const bool *)a == *(const bool *)b;
    case OO_OPT_INT: return *(const int64_t *)(const void *)a == *(const int64_t *)(const void *)b;
    case OO_OPT_FLOAT: return memcmp(a, b, sizeof(double)) == 0;
    case OO_OPT_STRING: {
        const char *const x = *(const char *const *)(const void *)a, *const y = *(const char *const *)(const void *)b;
        return x == y || (x && y && strcmp(x, y) == 0);
    }
    }
    return false;
}

static void print_options(FILE *f, const oo__item *item) {
    const oo_pass *const pass = item->pass;
    void *const defaults = calloc(1, pass->options_size + 1u);
    if (!defaults)
        oo__oom(pass->options_size);
    set_defaults(pass, defaults);
    const char *before = "{";
    for (uint32_t i = 0; i < pass->noptions; i++) {
        if (is_default(&pass->options[i], item->options, defaults))
            continue;
        fprintf(f, "%s%s=", before, pass->options[i].name);
        print_value(f, &pass->options[i], item->options);
        before = " ";
    }
    if (*before == ' ')
        fputc('}', f);
    free(defaults);
}

static void print_pass(FILE *f, const oo__item *item) {
    fputs(item->pass->name, f);
    print_options(f, item);
}

static void print_items(FILE *f, const oo__items *items) {
    for (uint32_t i = 0; i < items->n; i++) {
        const oo__item *const item = items->data[i];
        if (i)
            fputc(',', f);
        if (item->pass) {
            print_pass(f, item);
            continue;
        }
        fputs("fix", f);
        if (item->max != DEFAULT_MAX)
            fprintf(f, "{max=%lld}", (long long)item->max);
        fputc('(', f);
        print_items(f, &item->items);
        fputc(')', f);
    }
}

static FILE *open_text(char **text, size_t *size) {
    FILE *const f = open_memstream(text, size);
    if (!f)
        oo__oom(0);
    return f;
}

char *oo__pipeline_print(const oo_pipeline *pipeline) {
    char *text = NULL;
    size_t size = 0;
    FILE *const f = open_text(&text, &size);
    print_items(f, &pipeline->items);
    fclose(f);
    return text;
}

char *oo__pass_print(const oo_pass_report *report) {
    char *text = NULL;
    size_t size = 0;
    FILE *const f = open_text(&text, &size);
    print_pass(f, report->item);
    fclose(f);
    return text;
}
