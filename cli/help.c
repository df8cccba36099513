/* --help, --help-all and --version, from the table of options. */
#include "cli/cli.h"

static void put_option(FILE *f, const oo_cli_option *o) {
    char left[64];
    int n = snprintf(left, sizeof left, o->letter ? "  -%c" : "    ", o->letter);
    if (o->letter == 'O')
        n += snprintf(left + n, sizeof left - (size_t)n, "0..-O3");
    if (o->name)
        n += snprintf(left + n, sizeof left - (size_t)n, "%s --%s", o->letter ? "," : " ", o->name);
    if (o->name && o->argument && oo__argument_is_optional(o))
        n += snprintf(left + n, sizeof left - (size_t)n, "[=%s", o->argument + 1);
    else if (o->name && o->argument)
        n += snprintf(left + n, sizeof left - (size_t)n, "=%s", o->argument);
    fprintf(f, "%-38s%s%s\n", left, n > 37 ? "\n                                      " : "", o->help);
}

void oo__print_help(FILE *f, bool all) {
    fputs("usage: onnxopt [-p PIPELINE | -O0..-O3] [OPTION...] MODEL [-o OUT]\n"
          "Optimizes an ONNX model. MODEL is a binary or text file, or - for standard input.\n",
          f);
    for (int group = 0; group < GROUP_COUNT; group++) {
        fprintf(f, "\n%s\n", oo__group_titles[group]);
        for (int i = 0; i < OPT_COUNT; i++)
            if (oo__cli_options[i].group == (oo_group)group && (all || oo__cli_options[i].common))
                put_option(f, &oo__cli_options[i]);
    }
    if (all)
        fputs("\nExit codes\n"
              "  0 done   1 failed   2 usage   3 unreadable or invalid model   4 verification failed   5 a pass or plugin crashed\n",
              f);
    else
        fputs("\nAll options: onnxopt --help-all. The passes: onnxopt --list-passes. The manual: man onnxopt.\n", f);
}

void oo__print_version(FILE *f) { fprintf(f, "onnxopt %s\n", oo_version()); }
