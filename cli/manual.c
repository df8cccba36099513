/* The manual page onnxopt(1) in troff, from the tables of options and passes. */
#include "cli/cli.h"

/* Escapes what troff would read as its own. `at_start`: the text begins a line. */
static void put(FILE *f, const char *text, bool at_start) {
    if (at_start && (*text == '.' || *text == '\''))
        fputs("\\&", f);
    for (const char *c = text; *c; c++) {
        if (*c == '-')
            fputs("\\-", f);
        else if (*c == '\\')
            fputs("\\e", f);
        else if (*c == '\'')
            fputs("\\(aq", f);
        else
            fputc(*c == '\n' ? ' ' : *c, f);
    }
}

static void put_option(FILE *f, const oo_cli_option *o) {
    fputs(".TP\n", f);
    if (o->letter == 'O')
        fputs("\\fB\\-O0\\fR..\\fB\\-O3\\fR, \\fB\\-Os\\fR", f);
    else if (o->letter)
        fprintf(f, "\\fB\\-%c\\fR%s", o->letter, o->name ? ", " : "");
    if (o->name) {
        fputs("\\fB\\-\\-", f);
        put(f, o->name, false);
        fputs("\\fR", f);
        if (o->argument) {
            const bool optional = oo__argument_is_optional(o);
            const bool words = oo__argument_has_words(o);
            fputs(optional ? "[=" : "=", f);
            fputs(words ? "" : "\\fI", f);
            put(f, o->argument + optional, false);
            fputs(words ? "" : "\\fR", f);
        }
    }
    fputc('\n', f);
    put(f, o->help, true);
    fputs(".\n", f);
}

static void put_passes(FILE *f, const oo_registry *registry) {
    fputs(".SH PASSES\n", f);
    for (uint32_t i = 0; i < oo__registry_count(registry); i++) {
        const oo_pass *const pass = oo__registry_at(registry, i, NULL);
        fputs(".TP\n\\fB", f);
        put(f, pass->name, false);
        fputs("\\fR\n", f);
        put(f, pass->summary, true);
        fputs(".\n", f);
        for (uint32_t k = 0; k < pass->noptions; k++) {
            const oo_option_row *const row = &pass->options[k];
            fputs(".br\n\\fI", f);
            put(f, row->name, false);
            fputs("\\fR: ", f);
            put(f, row->help, false);
            if (row->initial && *row->initial) {
                fputs(" (", f);
                put(f, row->initial, false);
                fputs(" without)", f);
            }
            fputs(".\n", f);
        }
    }
}

static void put_commands(FILE *f) {
    fputs(".SH COMMANDS\n", f);
    for (int i = 0; i < CMD_COUNT; i++) {
        const oo_cli_command *const c = &oo__cli_commands[i];
        if (!c->name)
            continue;
        fprintf(f, ".TP\n\\fBonnxopt %s\\fR ", c->name);
        put(f, c->usage, false);
        fputc('\n', f);
        put(f, c->summary, true);
        fputc('\n', f);
    }
}

static const char head[] =
    ".SH NAME\nonnxopt \\- optimize ONNX models with passes\n"
    ".SH SYNOPSIS\n\\fBonnxopt\\fR [\\fB\\-p\\fR \\fIPIPELINE\\fR | \\fB\\-O0\\fR..\\fB\\-O3\\fR | \\fB\\-Os\\fR] [\\fIOPTION\\fR...] "
    "\\fIMODEL\\fR [\\fB\\-o\\fR \\fIOUT\\fR]\n"
    ".SH DESCRIPTION\nReads an ONNX model, runs passes over its graph and writes it. \\fIMODEL\\fR is a binary model or one in ONNX\\(aqs "
    "textual syntax; the content tells which. \\- is standard input, as an output standard output. Without \\fB\\-o\\fR the result "
    "stands beside \\fIMODEL\\fR with .opt.onnx at the end of its name; a second file name is taken for \\fIOUT\\fR. Output files "
    "appear whole or not at all. Messages go to standard error, data to standard output.\n.PP\n"
    "A pipeline is text: \\fBa,b{key=value},fix(c,d)\\fR. \\fBfix\\fR repeats its passes until none changes anything.\n";

static const char foot[] =
    ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nFailed: a pass, a plugin or a file that could not be written.\n.TP\n2\nUsage: the command line "
    "or the pipeline is wrong.\n.TP\n3\nThe model is unreadable or invalid.\n.TP\n4\nThe result does not compute what the model "
    "did; nothing was written.\n.TP\n5\nA pass or a plugin broke the model or crashed; nothing was written but what reproduces it.\n"
    ".SH ENVIRONMENT\n.TP\n\\fBONNXOPT_PLUGIN_PATH\\fR\nFolders, absolute and separated by colons, in which named plugins are looked "
    "for.\n.TP\n\\fBXDG_DATA_HOME\\fR\nIts folder onnxopt/plugins is searched too; ~/.local/share when it is not set.\n.TP\n"
    "\\fBNO_COLOR\\fR\nNo colours, unless \\fB\\-\\-color\\fR asks for them.\n"
    ".SH EXAMPLES\n.nf\nonnxopt model.onnx\nonnxopt \\-p fuse\\-conv\\-bn,dce model.onnx \\-o small.onnx \\-\\-review pictures\n"
    "onnxopt \\-O1 \\-n \\-\\-remarks=missed model.onnx\ncurl ... | onnxopt \\- \\-\\-emit=text | less\n.fi\n"
    ".SH SEE ALSO\n\\fBdot\\fR(1)\n";

void oo__print_manual(FILE *f, const oo_registry *registry) {
    fprintf(f, ".TH ONNXOPT 1 \"\" \"onnxopt %s\" \"User Commands\"\n", oo_version());
    fputs(head, f);
    put_commands(f);
    fputs(".SH OPTIONS\n", f);
    for (int group = 0; group < GROUP_COUNT; group++) {
        fprintf(f, ".SS %s\n", oo__cli_groups[group].title);
        for (int i = 0; i < OPT_COUNT; i++)
            if (oo__cli_options[i].group == (oo_group)group)
                put_option(f, &oo__cli_options[i]);
    }
    put_passes(f, registry);
    fputs(foot, f);
}
