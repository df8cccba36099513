/* --list-rules, from the rules themselves. */
#include "cli/cli.h"
#include "cli/json.h"
#include "passes/rule_base.h"

#include <string.h>

static void print_json(FILE *f, const oo__rules *rules) {
    cJSON *const list = cJSON_CreateArray();
    for (uint32_t i = 0; i < rules->n; i++) {
        const oo__rule *const rule = rules->data[i];
        if (rule->form > 1)
            continue; /* the text says them all */
        cJSON *const object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", rule->name);
        cJSON_AddStringToObject(object, "group", rule->group);
        cJSON_AddStringToObject(object, "origin", rule->rank ? rule->origin : "built-in");
        cJSON_AddNumberToObject(object, "level", rule->level);
        cJSON_AddBoolToObject(object, "inexact", rule->inexact);
        if (rule->target)
            cJSON_AddStringToObject(object, "target", rule->target);
        cJSON_AddNumberToObject(object, "benefit", (double)rule->benefit);
        int64_t first, last;
        if (oo__rule_opsets(rule, &first, &last)) {
            cJSON_AddNumberToObject(object, "first_opset", (double)first);
            if (last < oo__schema_latest_opset(""))
                cJSON_AddNumberToObject(object, "last_opset", (double)last);
        }
        cJSON_AddStringToObject(object, "doc", rule->doc);
        cJSON_AddStringToObject(object, "text", rule->text);
        cJSON_AddItemToArray(list, object);
    }
    oo__put_json(f, list, true);
}

void oo__print_rules(FILE *f, oo_rulebase *base, bool json) {
    const oo__rules *const rules = oo__rulebase_all(base);
    int name = 0, group = 0;
    for (uint32_t i = 0; i < rules->n; i++) {
        const int n = (int)strlen(rules->data[i]->name), g = (int)strlen(rules->data[i]->group);
        name = n > name ? n : name;
        group = g > group ? g : group;
    }
    if (json) {
        print_json(f, rules);
        return;
    }
    for (uint32_t i = 0; i < rules->n; i++) {
        const oo__rule *const rule = rules->data[i];
        if (rule->form > 1)
            continue;
        fprintf(f, "%-*s  %-*s  level %d  %s%s%s%s%s%s\n", name, rule->name, group, rule->group, rule->level, rule->inexact ? "inexact  " : "exact    ",
                rule->target ? "target " : "", rule->target ? rule->target : "", rule->rank ? " [" : "", rule->rank ? rule->origin : "",
                rule->rank ? "]" : "");
    }
}
