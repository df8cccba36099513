/* --list-passes=aliases: other optimizers' names of passes, and what of ours they stand for. */
#include "cli/cli.h"
#include "cli/json.h"
#include "passes/aliases.h"

#include <string.h>

static const char *const KINDS[] = {[OO_ALIAS_OURS] = "ours", [OO_ALIAS_NEEDLESS] = "needless", [OO_ALIAS_REFUSED] = "refused"};

/* Words with spaces or commas between as an array. */
static void add_words(cJSON *object, const char *key, const char *words) {
    cJSON *const array = cJSON_AddArrayToObject(object, key);
    for (const char *at = words; *at;) {
        const int n = (int)strcspn(at, ", ");
        char word[128];
        (void)snprintf(word, sizeof word, "%.*s", n, at);
        cJSON_AddItemToArray(array, cJSON_CreateString(word));
        at += n;
        at += strspn(at, ", ");
    }
}

static void print_json(FILE *f) {
    cJSON *const list = cJSON_CreateArray();
    for (uint32_t i = 0; oo__alias_at(i); i++) {
        const oo_alias *const alias = oo__alias_at(i);
        cJSON *const object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", alias->name);
        add_words(object, "tools", alias->tools);
        cJSON_AddStringToObject(object, "kind", KINDS[alias->kind]);
        add_words(object, "ours", alias->ours);
        cJSON_AddStringToObject(object, "note", alias->note);
        cJSON_AddItemToArray(list, object);
    }
    oo__put_json(f, list, true);
}

void oo__print_aliases(FILE *f, bool json) {
    int name = 0, tools = 0;
    for (uint32_t i = 0; oo__alias_at(i); i++) {
        const int n = (int)strlen(oo__alias_at(i)->name), t = (int)strlen(oo__alias_at(i)->tools);
        name = n > name ? n : name;
        tools = t > tools ? t : tools;
    }
    if (json) {
        print_json(f);
        return;
    }
    for (uint32_t i = 0; oo__alias_at(i); i++) {
        const oo_alias *const alias = oo__alias_at(i);
        const bool ours = alias->kind == OO_ALIAS_OURS;
        fprintf(f, "%-*s  %-*s  %s%s%s%s\n", name, alias->name, tools, alias->tools,
                ours ? alias->ours : alias->kind == OO_ALIAS_NEEDLESS ? "nothing to do: " : "not offered: ", ours && *alias->note ? "  (" : "",
                alias->note, ours && *alias->note ? ")" : "");
    }
}
