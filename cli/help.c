/* --help, --help-all and --version, from the table of options. */
#include "cli/cli.h"

static void put_option(FILE *f, const oo_cli_option *o) {
    char left[64];
    int n = snprintf(left, sizeof left, o->letter ? "  -%c" : "    ", o->letter);
    if (o->letter == 'O')
        n += snprintf(left + n, sizeof left - (size_t)n, "0..-O3, -Os");
    if (o->name)
        n += snprintf(left + n, sizeof left - (size_t)n, "%s --%s", o->letter ? "," : " ", o->name);
    if (o->name && o->argument && oo__argument_is_optional(o))
        n += snprintf(left + n, sizeof left - (size_t)n, "[=%s", o->argument + 1);
    else if (o->name && o->argument)
        n += snprintf(left + n, sizeof left - (size_t)n, "=%s", o->argument);
    fprintf(f, "%-38s%s%s\n", left, n > 37 ? "\n                                      " : "", o->help);
}

static void put_groups(FILE *f, oo_command_id command, bool all) {
    for (int group = 0; group < GROUP_COUNT; group++) {
        const bool shown = oo__command_has(command, (oo_group)group) || (all && command == CMD_OPTIMIZE);
        if (!shown)
            continue;
        fprintf(f, "\n%s\n", oo__cli_groups[group].title);
        for (int i = 0; i < OPT_COUNT; i++)
            if (oo__cli_options[i].group == (oo_group)group && (all || oo__cli_options[i].common))
                put_option(f, &oo__cli_options[i]);
    }
}

static void put_commands(FILE *f) {
    fputs("\nCommands\n", f);
    for (int i = 0; i < CMD_COUNT; i++)
        if (oo__cli_commands[i].name)
            fprintf(f, "  onnxopt %-28s%s\n", oo__cli_commands[i].name, oo__cli_commands[i].summary);
}

void oo__print_help(FILE *f, oo_command_id command, bool all) {
    const oo_cli_command *const c = &oo__cli_commands[command];
    fprintf(f, "usage: onnxopt %s%s%s\n%s\n", c->name ? c->name : "", c->name ? " " : "", c->usage, c->summary);
    put_groups(f, command, all);
    if (command == CMD_OPTIMIZE)
        put_commands(f);
    if (all)
        fputs("\nExit codes\n"
              "  0 done   1 failed   2 usage   3 unreadable or invalid model   4 verification failed   5 a pass or plugin crashed\n",
              f);
    else if (command == CMD_OPTIMIZE)
        fputs("\nAll options: onnxopt --help-all. The passes: onnxopt --list-passes. The manual: man onnxopt.\n", f);
    else
        fprintf(f, "\nAll options: onnxopt %s --help-all. The manual: man onnxopt.\n", c->name);
}

void oo__print_version(FILE *f) { fprintf(f, "onnxopt %s\n", oo_version()); }
