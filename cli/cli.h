/* The program: options in, messages out. Private to cli/. */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include "io/io.h"
#include "passes/layout.h"
#include "passes/manager.h"

#include <stdio.h>

typedef enum oo_exit {
    OO_EXIT_DONE = 0,
    OO_EXIT_FAILED = 1,
    OO_EXIT_USAGE = 2,
    OO_EXIT_INPUT = 3,   /* unreadable or invalid model */
    OO_EXIT_CHECK = 4,   /* a comparison failed, nothing was written */
    OO_EXIT_BROKEN = 5   /* a pass or a plugin broke the model or crashed; nothing was written but what reproduces it */
} oo_exit;

/* ---- options (options.c, from commands.def and options.def) ---- */
typedef enum oo_command_id {
#define COMMAND(id, name, usage, summary) CMD_##id,
#include "cli/commands.def"
#undef COMMAND
    CMD_COUNT
} oo_command_id;

typedef struct oo_cli_command {
    const char *name; /* NULL: the one without a name */
    const char *usage, *summary;
} oo_cli_command;
extern const oo_cli_command oo__cli_commands[CMD_COUNT];

typedef enum oo_group {
    GROUP_MODEL,
    GROUP_PASSES,
    GROUP_WATCH,
    GROUP_COMPARE,
    GROUP_PICTURES,
    GROUP_SHAPES,
    GROUP_INFER,
    GROUP_RUN,
    GROUP_CHECK,
    GROUP_DIFF,
    GROUP_PROVE,
    GROUP_MESSAGES,
    GROUP_HELP,
    GROUP_COUNT
} oo_group;

typedef enum oo_option_id {
#define OPTION(id, letter, name, argument, group, common, help) OPT_##id,
#include "cli/options.def"
#undef OPTION
    OPT_COUNT
} oo_option_id;

typedef struct oo_cli_option {
    const char *name;     /* --name, or NULL */
    const char *argument; /* NULL = none */
    const char *help;
    oo_group group;
    char letter;          /* -x, or 0 */
    bool common;          /* shown by --help */
} oo_cli_option;
extern const oo_cli_option oo__cli_options[OPT_COUNT];

typedef struct oo_cli_group {
    const char *title;
    unsigned commands; /* bit 1u << oo_command_id for each that has these options */
} oo_cli_group;
extern const oo_cli_group oo__cli_groups[GROUP_COUNT];
/* Whether a command has an option, or the options of a group. */
bool oo__command_has(oo_command_id command, oo_group group);

/* Whether an argument may be left out, and whether it is one of a few words (separated by '|' or ','). */
bool oo__argument_is_optional(const oo_cli_option *option);
bool oo__argument_has_words(const oo_cli_option *option);

typedef enum oo_emit { OO_EMIT_AUTO, OO_EMIT_ONNX, OO_EMIT_TEXT } oo_emit;
typedef enum oo_color { OO_COLOR_AUTO, OO_COLOR_ALWAYS, OO_COLOR_NEVER } oo_color;
typedef oo_vec(const char *) oo_words;

/* Of onnxopt run. */
typedef struct oo_run_options {
    oo_words inputs, dims; /* NAME=FILE, NAME=N */
    const char *output_dir, *test_data;
    bool npy, save_inputs, in_double, profile, profile_json;
    double rtol, atol;
    int64_t seed;
} oo_run_options;

/* Of onnxopt check. */
typedef struct oo_check_options {
    oo_words models;
    bool strict, no_infer;
    int64_t limit;
} oo_check_options;

/* Of onnxopt infer, and what optimization has of it. */
typedef struct oo_shape_options {
    oo_words dims, inputs; /* NAME=N, NAME:1,3,H,W */
    bool emit, json, unresolved, forget, strict;
} oo_shape_options;

enum { OO_CHECK_SETS = 3 }; /* without a number */
/* Of --check and onnxopt diff --numeric. */
typedef struct oo_compare_options {
    int64_t sets; /* 0 = no check */
    bool each;
    oo_words dims; /* NAME=N */
    int64_t seed;
    double rtol, atol; /* below 0 = not given */
} oo_compare_options;

/* Of onnxopt passes prove. */
typedef struct oo_prove_options {
    oo_words words; /* "prove", then names of rules and groups */
    int64_t instances, seed;
} oo_prove_options;

/* Strings point into argv or `arena`. */
typedef struct oo_settings {
    oo_arena *arena;
    const char *model, *output, *pipeline;
    const char *other; /* onnxopt diff: the second model */
    bool text_diff;
    int level; /* -1 = not given */
    oo_emit emit;
    bool dry_run;
    oo_save_options save;
    bool external_given;
    unsigned strip; /* bits by the words of --strip */
    oo_words loads, disabled, rule_files;
    const char *target;
    const char *io_layout; /* NAME=ORDER;..., as convert-io takes them; "" = none */
    bool exact;
    bool freeze_defaults;
    const char *max_growth; /* bytes, "-1" = no limit; NULL = as the pipeline says */
    const char *plugin_dir;
    oo_verify verify;
    bool honest, time, stats, tell_passed, tell_missed, print_changed, print_pipeline;
    const char *dump_dir;
    int64_t fuel, bisect_limit, allow_opset;
    const char *review, *dot, *svg;
    bool quiet, verbose, json;
    oo_color color;
    oo_command_id command;
    oo_run_options run;
    oo_check_options check;
    oo_shape_options shapes;
    oo_compare_options compare;
    oo_prove_options prove;
    oo_option_id action; /* OPT_COUNT = do what the command does */
    const char *subject; /* argument of the action */
} oo_settings;

oo_settings *oo__settings_new(void);
void oo__settings_free(oo_settings *settings);
/* OO_INVALID after a diagnostic. */
oo_status oo__settings_parse(oo_settings *settings, oo_context *context, int argc, char **argv);
/* A number of bytes: 1024, 16K, 2MB, 1GiB; multiples of 1024. */
bool oo__parse_size(uint64_t *out, const char *text);
/* A number of decimal digits. */
bool oo__parse_count(int64_t *out, const char *text);
/* An option of GROUP_SHAPES or GROUP_INFER, else of GROUP_RUN (options_shapes.c). */
oo_status oo__shapes_option(oo_settings *settings, oo_context *context, oo_option_id id, const char *value, const char *shown);
/* Adds what --dim, --input-shape and --emit-shapes ask for to a pipeline. */
void oo__pipeline_add_shapes(oo_pipeline *pipeline, const oo_settings *settings, const oo_registry *registry);
/* An option of GROUP_RUN (options_run.c). */
oo_status oo__run_option(oo_settings *settings, oo_context *context, oo_option_id id, const char *value, const char *shown);
/* An option of GROUP_COMPARE or GROUP_DIFF (options_compare.c). */
oo_status oo__compare_option(oo_settings *settings, oo_context *context, oo_option_id id, const char *value, const char *shown);
/* NAME=N of --dim and its like appended to `list`; a number from 0 on to *out. */
oo_status oo__parse_dim(oo_settings *settings, oo_context *context, oo_words *list, const char *value, const char *shown);
oo_status oo__parse_tolerance(double *out, oo_context *context, const char *value, const char *shown);

/* ---- messages (messages.c) ---- */
typedef struct oo_printer {
    FILE *file;
    bool json, color, quiet;
} oo_printer;
/* Text `m.onnx: main/If_3.then_branch: node "Conv_3" (Conv): error: ... [code]`, or a line of JSON. `user` is an oo_printer. */
void oo__print_diag(void *user, const oo_diag *diag);
/* Whether `file` gets colours. */
bool oo__use_color(oo_color color, FILE *file);
/* Prints text of a file so that a terminal shows it and does not obey it. */
void oo__put_safe(FILE *file, const char *text);
/* The text as UTF-8, which JSON must be: other bytes are U+FFFD. From malloc. */
char *oo__clean(const char *text);
/* A message without a place. */
void oo__usage_error(oo_context *context, const char *format, ...) OO_PRINTF(2, 3);
/* One line of JSON about a pass. */
void oo__print_pass_json(const oo_printer *printer, const oo_pass_report *report);

/* What came of comparing two models, as a line of JSON. */
typedef struct oo_compared {
    const char *verdict;                                              /* "agree", "differ" or "unknown" */
    uint32_t sets, ran, equal, close, rounding, ties, wrong, skipped; /* input sets */
    double error;                                                     /* largest of the sets that are equal or close */
    const char *folder;                                               /* where the part that differs is, NULL = nowhere */
} oo_compared;
void oo__print_compared_json(const oo_printer *printer, const oo_compared *compared);

typedef struct oo_result {
    oo_exit exit;
    const char *input, *output; /* NULL = none */
    bool changed, ran;
    int64_t nodes_before, nodes_after;
    int64_t bytes_before, bytes_after; /* -1 = unknown */
    bool moved;                        /* with --stats: the next two are known */
    oo_layout_cost moved_before, moved_after;
    double seconds;
    const char *summary; /* of a command that rewrites nothing: said instead of nodes and bytes */
} oo_result;
/* What onnxopt check found in one model: a line of text or of JSON. */
void oo__print_checked(const oo_printer *printer, const char *file, bool valid, uint32_t errors, uint32_t warnings, double seconds);
/* The last line of a run. */
void oo__print_result(const oo_printer *printer, const oo_result *result);
/* --time and --stats. */
void oo__print_times(FILE *file, const oo_run_report *report);
void oo__print_stats(FILE *file, const oo_run_report *report, const oo_result *result);
double oo__now(void);

/* ---- crashes and interrupts (signals.c) ---- */
void oo__signals_install(void);
/* The command that writes `model`, into a new folder, as it is before the pass that crashes: argv of this program, NULL at its end. It has the text
 * that is returned as an argument, which is kept at the number of runs before. Everything must live as long as passes run. */
const char *oo__signals_reproduce(const char *const *argv, const char *folder, const char *model);
/* What runs now, for the message of a crash: a pass and the number of its run, or a plugin's entry function and 0; NULL = none. */
void oo__signals_running(const char *pass, uint32_t number);

/* ---- reading a model, binary or text (input.c) ---- */
typedef struct oo_input {
    const char *path;
    oo_source *source; /* NULL: the reader opens the file itself */
    bool text;
    int64_t size;      /* -1 = unknown */
} oo_input;
oo_status oo__input_open(oo_input *out, oo_context *context, const char *path);
/* May be called again, for a second copy of the model. The models must be freed before the input is closed. */
oo_status oo__input_read(oo_model **out, oo_context *context, const oo_input *input);
/* The same for a check: see oo__model_load_defective. */
oo_status oo__input_read_defective(oo_model **out, oo_context *context, const oo_input *input);
void oo__input_close(oo_input *input);
/* Length of a path without the ending that models have. */
size_t oo__model_stem(const char *path);

/* Writes a model to `path` (- is standard output), as text when `as_text`. `bytes`: what was written, untouched when unknown; may be NULL. */
oo_status oo__write_model(const oo_settings *settings, oo_context *context, oo_model *model, const char *path, bool as_text, int64_t *bytes);
/* Whether a result of this name is text, as --emit or the name's end says. */
bool oo__writes_text(const oo_settings *settings, const char *path);

/* ---- instruments (watch.c) ---- */
typedef struct oo_watch {
    const oo_settings *settings;
    const oo_printer *printer;
    oo_context *context;
    char *text;       /* the model before the next pass, for --print-changed */
    oo_status status; /* a dump that failed */
} oo_watch;
/* Call before the pipeline runs; it is the instrument's first look. */
void oo__watch_start(oo_watch *watch, oo_model *model);
void oo__watch(void *user, oo_event event, const oo_pass_report *report, oo_model *model);
void oo__watch_end(oo_watch *watch);
/* Writes `size` bytes of text as a whole file; "-" is stdout. */
oo_status oo__text_to_file(oo_context *context, const char *path, const char *text, size_t size);

/* ---- differences of two texts, line by line (text_diff.c) ---- */
/* Unified hunks with `around` lines of context, or "" when equal; from malloc. */
char *oo__text_diff(const char *before, const char *after, unsigned around);

/* ---- what prints and exits (help.c, help_pass.c, manual.c, completion.c) ---- */
void oo__print_help(FILE *file, oo_command_id command, bool all);
void oo__print_version(FILE *file);
/* how: NULL, "json", "aliases" or "aliases-json". */
void oo__print_passes(FILE *file, oo_context *context, const oo_registry *registry, const char *how);
/* Other optimizers' names (list_aliases.c). */
void oo__print_aliases(FILE *file, bool json);
void oo__print_rules(FILE *file, oo_rulebase *base, bool json);
/* False after a diagnostic when there is no such pass. */
bool oo__print_pass_help(FILE *file, oo_context *context, const oo_registry *registry, const char *name);
void oo__print_manual(FILE *file, const oo_registry *registry);
void oo__print_completion(FILE *file);

/* ---- the commands (cmd_*.c) ---- */
oo_exit oo__cmd_passes(const oo_settings *settings, oo_context *context, oo_rulebase *base);
oo_exit oo__cmd_optimize(const oo_settings *settings, oo_context *context, const oo_printer *printer, oo_registry *registry);
oo_exit oo__cmd_infer(const oo_settings *settings, oo_context *context, const oo_printer *printer);
oo_exit oo__cmd_run(const oo_settings *settings, oo_context *context, const oo_printer *printer);
/* An option of GROUP_CHECK. */
oo_status oo__check_option(oo_settings *settings, oo_context *context, oo_option_id id, const char *value, const char *shown);
oo_exit oo__cmd_check(const oo_settings *settings, oo_context *context, oo_printer *printer);
oo_exit oo__cmd_diff(const oo_settings *settings, oo_context *context, const oo_printer *printer);
/* Pictures that the settings ask for; `before` may be NULL when nothing changed (pictures.c). */
oo_status oo__draw_pictures(const oo_settings *settings, oo_context *context, const oo_model *before, const oo_model *after);
#endif
