/* --list-passes and --help-pass, from the passes' own declarations. */
#include "cli/cli.h"
#include "cli/json.h"

#include <string.h>

static const char *type_name(oo_option_type type) {
    static const char *const names[] = {[OO_OPT_BOOL] = "true|false", [OO_OPT_INT] = "integer", [OO_OPT_FLOAT] = "number",
                                        [OO_OPT_STRING] = "text"};
    return names[type];
}

static cJSON *pass_json(const oo_pass *pass, const char *origin, int level) {
    cJSON *const object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", pass->name);
    cJSON_AddStringToObject(object, "summary", pass->summary ? pass->summary : "");
    cJSON_AddStringToObject(object, "origin", origin);
    cJSON_AddBoolToObject(object, "inexact", pass->inexact);
    if (level >= 0)
        cJSON_AddStringToObject(object, "level", oo__level_name(level));
    cJSON *const options = cJSON_AddArrayToObject(object, "options");
    for (uint32_t i = 0; i < pass->noptions; i++) {
        const oo_option_row *const row = &pass->options[i];
        cJSON *const option = cJSON_CreateObject();
        cJSON_AddStringToObject(option, "name", row->name);
        cJSON_AddStringToObject(option, "type", row->choices ? row->choices : type_name(row->type));
        cJSON_AddStringToObject(option, "default", row->initial ? row->initial : "");
        cJSON_AddStringToObject(option, "help", row->help ? row->help : "");
        cJSON_AddItemToArray(options, option);
    }
    return object;
}

static void print_json(FILE *f, oo_context *context, const oo_registry *registry) {
    cJSON *const list = cJSON_CreateArray();
    for (uint32_t i = 0; i < oo__registry_count(registry); i++) {
        const char *origin;
        const oo_pass *const pass = oo__registry_at(registry, i, &origin);
        cJSON_AddItemToArray(list, pass_json(pass, origin, oo__pipeline_level_of(context, registry, pass)));
    }
    oo__put_json(f, list, true);
}

void oo__print_passes(FILE *f, oo_context *context, const oo_registry *registry, const char *how) {
    if (how && strncmp(how, "aliases", 7) == 0) {
        oo__print_aliases(f, how[7] != 0);
        return;
    }
    if (how) {
        print_json(f, context, registry);
        return;
    }
    int width = 0;
    for (uint32_t i = 0; i < oo__registry_count(registry); i++) {
        const int n = (int)strlen(oo__registry_at(registry, i, NULL)->name);
        width = n > width ? n : width;
    }
    for (uint32_t i = 0; i < oo__registry_count(registry); i++) {
        const char *origin;
        const oo_pass *const pass = oo__registry_at(registry, i, &origin);
        const bool own = strcmp(origin, "built-in") == 0;
        fprintf(f, "%-*s  %s%s%s%s\n", width, pass->name, pass->summary ? pass->summary : "", own ? "" : " [", own ? "" : origin,
                own ? "" : "]");
    }
}

/* Words of `text` in lines of at most 100 bytes; an empty line separates paragraphs. */
static void put_paragraphs(FILE *f, const char *text) {
    size_t column = 0;
    for (const char *word = text; *word;) {
        const size_t n = strcspn(word, " \n");
        if (column && column + 1 + n > 100) {
            fputc('\n', f);
            column = 0;
        }
        fprintf(f, "%s%.*s", column ? " " : "", (int)n, word);
        column += n + (column > 0);
        word += n;
        if (word[0] == '\n' && word[1] == '\n') {
            fputs("\n\n", f);
            column = 0;
        }
        word += strspn(word, " \n");
    }
    fputc('\n', f);
}

bool oo__print_pass_help(FILE *f, oo_context *context, const oo_registry *registry, const char *name) {
    const oo_pass *const pass = oo__registry_find(registry, name);
    if (!pass) {
        const char *const near = oo__registry_suggest(registry, name);
        oo__usage_error(context, "there is no pass \"%s\"%s%s%s", oo__printable(name, strlen(name)), near ? "; did you mean " : "",
                        near ? near : "", near ? "?" : "; --list-passes lists them");
        return false;
    }
    fprintf(f, "%s: %s\n", pass->name, pass->summary ? pass->summary : "");
    if (pass->doc) {
        fputc('\n', f);
        put_paragraphs(f, pass->doc);
    }
    if (pass->inexact)
        fputs("\nIt may change floating-point results in the last digits.\n", f);
    fputs(pass->noptions ? "\nOptions\n" : "\nIt has no options.\n", f);
    for (uint32_t i = 0; i < pass->noptions; i++) {
        const oo_option_row *const row = &pass->options[i];
        fprintf(f, "  %s=%s  %s (default: %s)\n", row->name, row->choices ? row->choices : type_name(row->type),
                row->help ? row->help : "", row->initial && *row->initial ? row->initial : "none");
    }
    return true;
}
