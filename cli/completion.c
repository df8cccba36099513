/* The completion script for bash, from the table of options. Names of passes are asked of the program when they are needed. */
#include "cli/cli.h"

#include <string.h>

static void put_names(FILE *f, oo_command_id command) {
    for (int i = 0; i < OPT_COUNT; i++) {
        const oo_cli_option *const o = &oo__cli_options[i];
        if (!oo__command_has(command, o->group))
            continue;
        if (o->letter == 'O')
            fputs("-O0 -O1 -O2 -O3 -Os ", f);
        else if (o->letter)
            fprintf(f, "-%c ", o->letter);
        if (o->name)
            fprintf(f, "--%s%s ", o->name, o->argument && !oo__argument_is_optional(o) ? "=" : "");
    }
}

/* What completes the argument of an option, as a shell command. */
static void put_argument(FILE *f, const oo_cli_option *o) {
    const char *const a = o->argument;
    if (oo__argument_has_words(o)) {
        fputs("COMPREPLY=($(compgen -W \"", f);
        for (const char *c = a; *c; c++)
            if (*c != '[' && *c != ']')
                fputc(*c == '|' || *c == ',' ? ' ' : *c, f);
        fputs("\" -- \"$cur\")) ;;\n", f);
    } else if (strcmp(a, "DIR") == 0) {
        fputs("COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n", f);
    } else if (strcmp(a, "FILE") == 0 || strcmp(a, "PLUGIN") == 0) {
        fputs("COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", f);
    } else if (strcmp(a, "PIPELINE") == 0 || strcmp(a, "NAMES") == 0 || strcmp(a, "NAME") == 0) {
        fputs("_onnxopt_passes ;;\n", f);
    } else {
        fputs("COMPREPLY=() ;;\n", f);
    }
}

static void put_cases(FILE *f) {
    for (int i = 0; i < OPT_COUNT; i++) {
        const oo_cli_option *const o = &oo__cli_options[i];
        if (!o->argument || !o->name)
            continue;
        fprintf(f, "        --%s", o->name);
        if (o->letter)
            fprintf(f, " | -%c", o->letter);
        fputs(") ", f);
        put_argument(f, o);
    }
}

void oo__print_completion(FILE *f) {
    fputs("# Completion of onnxopt for bash.\n"
          "_onnxopt_passes() {\n"
          "    local stem=\"\" last=$cur\n"
          "    case $cur in *[,\\(]*) last=${cur##*[,\\(]}; stem=${cur%\"$last\"} ;; esac\n"
          "    COMPREPLY=($(compgen -P \"$stem\" -W \"$(\"${COMP_WORDS[0]}\" --list-passes 2>/dev/null | cut -d' ' -f1) fix\" -- \"$last\"))\n"
          "    compopt -o nospace 2>/dev/null || :\n"
          "}\n"
          "_onnxopt() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    # bash hands --name=value over as three words\n"
          "    if [ \"$cur\" = = ]; then cur=\"\"; elif [ \"$option\" = = ]; then option=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    COMPREPLY=()\n"
          "    case $option in\n",
          f);
    put_cases(f);
    fputs("        *)\n"
          "            case $cur in\n"
          "            -*)\n"
          "                local names\n"
          "                case ${COMP_WORDS[1]} in\n",
          f);
    for (int i = CMD_COUNT; i-- > 0;) {
        const char *const name = oo__cli_commands[i].name;
        fprintf(f, "                %s) names=\"", name ? name : "*");
        put_names(f, (oo_command_id)i);
        fputs("\" ;;\n", f);
    }
    fputs("                esac\n"
          "                COMPREPLY=($(compgen -W \"$names\" -- \"$cur\"))\n"
          "                case ${COMPREPLY[0]} in *=) compopt -o nospace 2>/dev/null || : ;; esac ;;\n"
          "            *)\n"
          "                COMPREPLY=($(compgen -f -X '!*.onnx*' -- \"$cur\") $(compgen -d -S / -- \"$cur\"))\n"
          "                [ \"$COMP_CWORD\" -ne 1 ] || COMPREPLY+=($(compgen -W \"",
          f);
    for (int i = 0; i < CMD_COUNT; i++)
        fprintf(f, "%s%s", i > 1 ? " " : "", oo__cli_commands[i].name ? oo__cli_commands[i].name : "");
    fputs("\" -- \"$cur\")) ;;\n"
          "            esac ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _onnxopt onnxopt\n",
          f);
}
