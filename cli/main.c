/* onnxopt: the command. */
#include "cli/cli.h"
#include "passes/rule_base.h"
#include "plugins/loader.h"

#include <errno.h>
#include <string.h>

/* The format of messages must be known before the first one, even one about a wrong option. */
static bool asks_for_json(int argc, char **argv) {
    bool json = false;
    for (int i = 1; i < argc && argv[i] && strcmp(argv[i], "--") != 0; i++) {
        const bool split = strcmp(argv[i], "--message-format") == 0 && i + 1 < argc;
        const char *const value = split ? argv[i + 1] : strncmp(argv[i], "--message-format=", 17) == 0 ? argv[i] + 17 : NULL;
        if (value)
            json = strcmp(value, "json") == 0;
    }
    return json;
}

static oo_exit load_plugins(const oo_settings *settings, oo_context *context, oo_registry *registry) {
    const oo_loader_settings loader = {.plugin_dir = settings->plugin_dir};
    for (uint32_t i = 0; i < settings->loads.n; i++) {
        oo__signals_running(settings->loads.data[i], 0);
        if (oo__plugin_load(context, registry, settings->loads.data[i], &loader) != OO_OK)
            return OO_EXIT_FAILED;
    }
    oo__signals_running(NULL, 0);
    return OO_EXIT_DONE;
}

/* The rules of --rules join the built-in ones. */
static oo_exit load_rules(const oo_settings *settings, const oo_registry *registry) {
    for (uint32_t i = 0; i < settings->rule_files.n; i++)
        if (oo__rulebase_load(oo__registry_rules(registry), settings->rule_files.data[i], 2) != OO_OK)
            return OO_EXIT_USAGE;
    return OO_EXIT_DONE;
}

static oo_exit act(const oo_settings *s, oo_context *context, oo_printer *printer) {
    switch (s->action) {
    case OPT_HELP: oo__print_help(stdout, s->command, false); return OO_EXIT_DONE;
    case OPT_HELP_ALL: oo__print_help(stdout, s->command, true); return OO_EXIT_DONE;
    case OPT_VERSION: oo__print_version(stdout); return OO_EXIT_DONE;
    case OPT_COMPLETION: oo__print_completion(stdout); return OO_EXIT_DONE;
    default: break;
    }
    if (s->command == CMD_RUN && s->action == OPT_COUNT)
        return oo__cmd_run(s, context, printer);
    if (s->command == CMD_CHECK && s->action == OPT_COUNT)
        return oo__cmd_check(s, context, printer);
    if (s->command == CMD_INFER && s->action == OPT_COUNT)
        return oo__cmd_infer(s, context, printer);
    if (s->command == CMD_DIFF && s->action == OPT_COUNT)
        return oo__cmd_diff(s, context, printer);
    oo_registry *const registry = oo__registry_new(context);
    oo_exit code = load_plugins(s, context, registry);
    if (code == OO_EXIT_DONE)
        code = load_rules(s, registry);
    if (code == OO_EXIT_DONE) {
        switch (s->action) {
        case OPT_LIST_PASSES: oo__print_passes(stdout, context, registry, s->subject); break;
        case OPT_LIST_RULES: oo__print_rules(stdout, oo__registry_rules(registry), s->subject != NULL); break;
        case OPT_HELP_PASS: code = oo__print_pass_help(stdout, context, registry, s->subject) ? OO_EXIT_DONE : OO_EXIT_USAGE; break;
        case OPT_MAN: oo__print_manual(stdout, registry); break;
        default:
            if (s->command == CMD_PASSES) {
                code = oo__cmd_passes(s, context, oo__registry_rules(registry));
                break;
            }
            code = oo__cmd_optimize(s, context, printer, registry);
        }
    } else if (printer->json) {
        oo__print_result(printer, &(oo_result){.exit = code, .input = s->model, .bytes_before = -1, .bytes_after = -1});
    }
    oo__registry_free(registry);
    return code;
}

int main(int argc, char **argv) {
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    oo__signals_install();
    oo_context *const context = oo_context_new();
    oo_printer printer = {.file = stderr, .json = asks_for_json(argc, argv), .color = oo__use_color(OO_COLOR_AUTO, stderr)};
    oo_set_sink(context, oo__print_diag, &printer);
    oo_settings *const settings = oo__settings_new();
    oo_exit code = OO_EXIT_USAGE;
    if (oo__settings_parse(settings, context, argc, argv) == OO_OK) {
        printer.quiet = settings->quiet;
        printer.color = oo__use_color(settings->color, stderr);
        code = act(settings, context, &printer);
    } else if (printer.json) {
        oo__print_result(&printer, &(oo_result){.exit = code, .bytes_before = -1, .bytes_after = -1});
    }
    oo__settings_free(settings);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        oo__file_error(context, "file-write", "standard output", -1, "cannot be written: %s", strerror(errno));
        code = code == OO_EXIT_DONE ? OO_EXIT_FAILED : code;
    }
    oo_context_free(context);
    return (int)code;
}
