/* The command line, parsed from the table in options.def. */
#include "cli/cli.h"
#include "ir/schema.h"
#include "passes/aliases.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const oo_cli_option oo__cli_options[OPT_COUNT] = {
#define OPTION(id, letter_, name_, argument_, group_, common_, help_)                                                  \
    [OPT_##id] = {.letter = (letter_), .name = (name_), .argument = (argument_), .group = (group_), .common = (common_),  \
                  .help = (help_)},
#include "cli/options.def"
#undef OPTION
};

const oo_cli_command oo__cli_commands[CMD_COUNT] = {
#define COMMAND(id, name_, usage_, summary_) [CMD_##id] = {.name = (name_), .usage = (usage_), .summary = (summary_)},
#include "cli/commands.def"
#undef COMMAND
};

enum { ALL_COMMANDS = (1u << CMD_COUNT) - 1 };
const oo_cli_group oo__cli_groups[GROUP_COUNT] = {
    [GROUP_MODEL] = {"Models", 1u << CMD_OPTIMIZE},      [GROUP_PASSES] = {"Passes and plugins", 1u << CMD_OPTIMIZE},
    [GROUP_WATCH] = {"Watching", 1u << CMD_OPTIMIZE},    [GROUP_PICTURES] = {"Pictures", 1u << CMD_OPTIMIZE},
    [GROUP_SHAPES] = {"Shapes", 1u << CMD_OPTIMIZE | 1u << CMD_INFER},
    [GROUP_INFER] = {"Inferring (onnxopt infer)", 1u << CMD_INFER},
    [GROUP_RUN] = {"Running (onnxopt run)", 1u << CMD_RUN}, [GROUP_CHECK] = {"Checking (onnxopt check)", 1u << CMD_CHECK},
    [GROUP_PROVE] = {"Proving (onnxopt passes prove)", 1u << CMD_PASSES},
    [GROUP_MESSAGES] = {"Messages", ALL_COMMANDS},
    [GROUP_HELP] = {"Help", ALL_COMMANDS},
    [GROUP_COMPARE] = {"Checking what the model computes", 1u << CMD_OPTIMIZE},
    [GROUP_DIFF] = {"Comparing (onnxopt diff)", 1u << CMD_DIFF},
};

bool oo__command_has(oo_command_id command, oo_group group) { return oo__cli_groups[group].commands >> command & 1; }

bool oo__argument_is_optional(const oo_cli_option *option) { return option->argument && option->argument[0] == '['; }

bool oo__argument_has_words(const oo_cli_option *option) {
    if (!option->argument)
        return false;
    const char first = option->argument[option->argument[0] == '['];
    return islower((unsigned char)first) || isdigit((unsigned char)first);
}

oo_settings *oo__settings_new(void) {
    oo_arena *const arena = oo__arena_new();
    oo_settings *const settings = OO_NEW(arena, oo_settings);
    settings->arena = arena;
    settings->level = -1;
    settings->fuel = settings->bisect_limit = -1;
    settings->io_layout = "";
    settings->save.threshold = 1024;
    settings->run.rtol = 1e-3;
    settings->run.atol = 1e-7;
    settings->check.limit = 1000;
    settings->compare.rtol = settings->compare.atol = -1;
    settings->prove.instances = 200;
    settings->action = OPT_COUNT;
#ifdef OO_DEBUG
    settings->verify = OO_VERIFY_EACH;
#else
    settings->verify = OO_VERIFY_END;
#endif
    return settings;
}

void oo__settings_free(oo_settings *settings) { oo__arena_free(settings->arena); }

/* ---- misspelt options ---- */
/* Edits that turn `a` into `b`, at most about `limit`; texts of more than 31 bytes are far apart. */
static unsigned edit_distance(const char *a, const char *b) {
    enum { LONGEST = 31 };
    const size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST || nb > LONGEST)
        return LONGEST;
    unsigned row[LONGEST + 1];
    for (unsigned j = 0; j <= nb; j++)
        row[j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            const unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < best ? change : best;
        }
    }
    return row[nb];
}

static const char *suggest(oo_command_id command, const char *name) {
    const char *best = NULL;
    unsigned least = (unsigned)strlen(name) / 3 + 1;
    for (int i = 0; i < OPT_COUNT; i++) {
        const char *const candidate = oo__command_has(command, oo__cli_options[i].group) ? oo__cli_options[i].name : NULL;
        const unsigned d = candidate ? edit_distance(name, candidate) : least;
        if (d < least) {
            least = d;
            best = candidate;
        }
    }
    return best;
}

static oo_status unknown_option(const oo_settings *s, oo_context *context, const char *shown, const char *name) {
    const char *const near = suggest(s->command, name);
    oo__usage_error(context, "unknown option %s%s%s%s", oo__printable(shown, strlen(shown)), near ? "; did you mean --" : "",
                    near ? near : "", near ? "?" : "");
    return OO_INVALID;
}

/* ---- values ---- */
bool oo__parse_count(int64_t *out, const char *text) {
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return false;
    *out = value;
    return true;
}

bool oo__parse_size(uint64_t *out, const char *text) {
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || errno)
        return false;
    static const char units[] = "KMGT";
    unsigned shift = 0;
    const char *const unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        if (*end == 'i' && (end[1] == 'B' || end[1] == 'b'))
            end++;
    }
    if (*end == 'B' || *end == 'b')
        end++;
    if (*end || value > UINT64_MAX >> shift)
        return false;
    *out = (uint64_t)value << shift;
    return true;
}

/* Index of a word in the option's list, -1 when it is not there. */
static int word_index(const oo_cli_option *option, const char *word, size_t size) {
    const char *at = option->argument ? option->argument + (option->argument[0] == '[') : "";
    for (int i = 0; *at; i++) {
        const size_t n = strcspn(at, "|,]");
        if (n == size && memcmp(at, word, n) == 0)
            return i;
        at += n + (at[n] != 0);
    }
    return -1;
}

static void split_words(oo_settings *s, oo_words *out, const char *list) {
    while (*list) {
        const size_t n = strcspn(list, ",");
        if (n)
            oo_vec_push(s->arena, out, oo__arena_copy(s->arena, list, n));
        list += n + (list[n] != 0);
    }
}

/* The words of a list, as bits by their index. */
static oo_status parse_words(unsigned *out, const oo_settings *s, oo_context *context, const oo_cli_option *option, const char *value) {
    for (const char *at = value; at && *at;) {
        const size_t n = strcspn(at, ",");
        const int word = word_index(option, at, n);
        if (word < 0) {
            oo__usage_error(context, "--%s: \"%s\" is not one of %s", option->name, oo__printable(at, n),
                            oo__arena_printf(s->arena, "%.*s", (int)strlen(option->argument) - 2, option->argument + 1));
            return OO_INVALID;
        }
        *out |= 1u << word;
        at += n + (at[n] != 0);
    }
    return OO_OK;
}

static oo_status parse_strip(oo_settings *s, oo_context *context, const oo_cli_option *option, const char *value) {
    enum { ALL_BUT_NAMES = 7 };
    if (value)
        return parse_words(&s->strip, s, context, option, value);
    s->strip |= ALL_BUT_NAMES;
    return OO_OK;
}

static oo_status parse_remarks(oo_settings *s, oo_context *context, const oo_cli_option *option, const char *value) {
    s->tell_passed = s->tell_missed = !value;
    for (const char *at = value; at && *at;) {
        const size_t n = strcspn(at, ",");
        const int word = word_index(option, at, n);
        if (word < 0) {
            oo__usage_error(context, "--remarks: \"%s\" is neither passed nor missed", oo__printable(at, n));
            return OO_INVALID;
        }
        *(word == 0 ? &s->tell_passed : &s->tell_missed) = true;
        at += n + (at[n] != 0);
    }
    return OO_OK;
}

static oo_status bad_value(oo_context *context, const char *shown, const char *value, const char *wanted) {
    oo__usage_error(context, "%s: \"%s\" is not %s", shown, oo__printable(value, strlen(value)), wanted);
    return OO_INVALID;
}

static oo_status set_pipeline(oo_settings *s, oo_context *context, const char *value) {
    if (s->pipeline) {
        oo__usage_error(context, "-p was given twice; one pipeline holds all: -p a,b");
        return OO_INVALID;
    }
    s->pipeline = value;
    return OO_OK;
}

/* Options whose argument is one of a few words; `word` is its index. */
static void apply_word(oo_settings *s, oo_option_id id, int word) {
    static const oo_verify verify[] = {OO_VERIFY_EACH, OO_VERIFY_END, OO_VERIFY_OFF};
    static const oo_external external[] = {OO_EXTERNAL_KEEP, OO_EXTERNAL_INLINE, OO_EXTERNAL_SPLIT};
    switch (id) {
    case OPT_LEVEL: s->level = word; break;
    case OPT_EMIT: s->emit = word == 0 ? OO_EMIT_ONNX : OO_EMIT_TEXT; break;
    case OPT_EXTERNAL: s->save.external = external[word]; s->external_given = true; break;
    case OPT_VERIFY: s->verify = verify[word]; break;
    case OPT_MESSAGE_FORMAT: s->json = word == 1; break;
    case OPT_COLOR: s->color = (oo_color)word; break;
    default: oo_bug("option %d has no words", (int)id);
    }
}

static oo_status apply_number(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    if (id == OPT_EXTERNAL_THRESHOLD)
        return oo__parse_size(&s->save.threshold, value) ? OO_OK : bad_value(context, shown, value, "a size such as 1024, 16K or 2MB");
    if (id == OPT_ALLOW_OPSET)
        return oo__parse_count(&s->allow_opset, value) && s->allow_opset >= 1 && s->allow_opset <= oo__schema_latest_opset("")
                   ? OO_OK
                   : bad_value(context, shown, value, "a version of ai.onnx that this program knows");
    int64_t *const number = id == OPT_FUEL         ? &s->fuel
                            : id == OPT_INSTANCES  ? &s->prove.instances
                            : id == OPT_PROVE_SEED ? &s->prove.seed
                                                   : &s->bisect_limit;
    return oo__parse_count(number, value) ? OO_OK : bad_value(context, shown, value, "a number");
}

static oo_status apply_growth(oo_settings *s, oo_context *context, const char *value, const char *shown) {
    const bool unlimited = strcmp(value, "none") == 0;
    uint64_t bytes = 0;
    if (!unlimited && (!oo__parse_size(&bytes, value) || bytes > INT64_MAX))
        return bad_value(context, shown, value, "none or a size such as 0, 64K or 2MB");
    s->max_growth = unlimited ? "-1" : oo__arena_printf(s->arena, "%llu", (unsigned long long)bytes);
    return OO_OK;
}

/* What the order is, the pass says: it knows the rank. */
static oo_status add_io_layout(oo_settings *s, oo_context *context, const char *value, const char *shown) {
    if (!strchr(value, '=') || strchr(value, ';'))
        return bad_value(context, shown, value, "of the form NAME=nhwc");
    s->io_layout = *s->io_layout ? oo__arena_printf(s->arena, "%s;%s", s->io_layout, value) : value;
    return OO_OK;
}

/* `value` is NULL where the option has no argument: none, or an optional one that was left out. */
static oo_status apply(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    const char *const text = value ? value : "";
    switch (id) {
    case OPT_PASSES: return set_pipeline(s, context, value);
    case OPT_OUTPUT: s->output = value; break;
    case OPT_DRY_RUN: s->dry_run = true; break;
    case OPT_EXTERNAL_THRESHOLD:
    case OPT_INSTANCES:
    case OPT_PROVE_SEED:
    case OPT_FUEL:
    case OPT_ALLOW_OPSET:
    case OPT_BISECT_LIMIT: return apply_number(s, context, id, text, shown);
    case OPT_EXTERNAL_FILE: s->save.external_name = value; break;
    case OPT_PROVE_LOAD:
    case OPT_LOAD: oo_vec_push(s->arena, &s->loads, value); break;
    case OPT_PLUGIN_DIR: s->plugin_dir = value; break;
    case OPT_SKIP_OPTIMIZATION:
    case OPT_SKIP_OPTIMIZATIONS:
    case OPT_SKIP_FUSION_PATTERNS:
    case OPT_DISABLE: split_words(s, &s->disabled, text); break;
    case OPT_PROVE_RULES:
    case OPT_RULES: oo_vec_push(s->arena, &s->rule_files, value); break;
    case OPT_EXACT: s->exact = true; break;
    case OPT_FREEZE_DEFAULTS: s->freeze_defaults = true; break;
    case OPT_MAX_GROWTH: return apply_growth(s, context, text, shown);
    case OPT_TARGET: s->target = value; break;
    case OPT_IO_LAYOUT: return add_io_layout(s, context, text, shown);
    case OPT_HONEST: s->honest = true; break;
    case OPT_TIME: s->time = true; break;
    case OPT_STATS: s->stats = true; break;
    case OPT_REMARKS: return parse_remarks(s, context, &oo__cli_options[id], value);
    case OPT_STRIP: return parse_strip(s, context, &oo__cli_options[id], value);
    case OPT_PRINT_CHANGED: s->print_changed = true; break;
    case OPT_DUMP_DIR: s->dump_dir = value; break;
    case OPT_PRINT_PIPELINE: s->print_pipeline = true; break;
    case OPT_REVIEW: s->review = value; break;
    case OPT_DOT: s->dot = value; break;
    case OPT_SVG: s->svg = value; break;
    case OPT_QUIET: s->quiet = true; break;
    case OPT_VERBOSE: s->verbose = true; break;
    case OPT_LIST_PASSES:
    case OPT_LIST_RULES:
    case OPT_HELP_PASS:
    case OPT_HELP:
    case OPT_HELP_ALL:
    case OPT_VERSION:
    case OPT_COMPLETION:
    case OPT_MAN:
        s->action = id;
        s->subject = value;
        break;
    case OPT_LEVEL:
    case OPT_EMIT:
    case OPT_EXTERNAL:
    case OPT_VERIFY:
    case OPT_MESSAGE_FORMAT:
    case OPT_COLOR: apply_word(s, id, word_index(&oo__cli_options[id], text, strlen(text))); break;
    case OPT_STRICT:
    case OPT_NO_INFER:
    case OPT_LIMIT: return oo__check_option(s, context, id, value, shown);
    default: {
        const oo_group group = oo__cli_options[id].group;
        return (group == GROUP_COMPARE || group == GROUP_DIFF ? oo__compare_option : oo__shapes_option)(s, context, id, value, shown);
    }
    }
    return OO_OK;
}

/* Checks presence and words of the value, then applies the option. `shown` is how the user wrote it. */
static oo_status take(oo_settings *s, oo_context *context, oo_option_id id, const char *value, const char *shown) {
    const oo_cli_option *const option = &oo__cli_options[id];
    if (!option->argument && value) {
        oo__usage_error(context, "%s takes no argument", shown);
        return OO_INVALID;
    }
    if (option->argument && !value && !oo__argument_is_optional(option)) {
        oo__usage_error(context, "%s needs an argument: %s", shown, option->argument);
        return OO_INVALID;
    }
    if (value && id != OPT_REMARKS && id != OPT_STRIP && oo__argument_has_words(option) && word_index(option, value, strlen(value)) < 0)
        return bad_value(context, shown, value, oo__arena_printf(s->arena, "one of %s", option->argument));
    if (value && !*value && id != OPT_PASSES) {
        oo__usage_error(context, "%s has an empty argument", shown);
        return OO_INVALID;
    }
    return apply(s, context, id, value, shown);
}

/* ---- arguments ---- */
typedef struct arguments {
    int argc, next;
    char **argv;
} arguments;

static const char *next_value(arguments *a, oo_option_id id) {
    const oo_cli_option *const option = &oo__cli_options[id];
    if (!option->argument || oo__argument_is_optional(option) || a->next >= a->argc)
        return NULL;
    return a->argv[a->next++];
}

/* onnxsim and onnxslim take names one by one: those that are some optimizer's name of a pass belong to the option, the next is the model. */
static void take_more_names(oo_settings *s, arguments *a, oo_option_id id) {
    if (id != OPT_SKIP_OPTIMIZATION && id != OPT_SKIP_OPTIMIZATIONS && id != OPT_SKIP_FUSION_PATTERNS)
        return;
    while (a->next < a->argc && oo__alias_find(a->argv[a->next], true))
        oo_vec_push(s->arena, &s->disabled, a->argv[a->next++]);
}

/* --name, --name=value, --name value; an underscore counts as a hyphen. */
static oo_status parse_long(oo_settings *s, oo_context *context, arguments *a, const char *text) {
    const size_t size = strcspn(text, "=");
    char *const name = oo__arena_copy(s->arena, text, size);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    const char *const shown = oo__arena_printf(s->arena, "--%s", name);
    for (int i = 0; i < OPT_COUNT; i++) {
        const oo_option_id id = (oo_option_id)i;
        if (!oo__command_has(s->command, oo__cli_options[i].group) || !oo__cli_options[i].name || strcmp(oo__cli_options[i].name, name) != 0)
            continue;
        OO_TRY(take(s, context, id, text[size] ? text + size + 1 : next_value(a, id), shown));
        take_more_names(s, a, id);
        return OO_OK;
    }
    return unknown_option(s, context, shown, name);
}

/* -n, -nq, -p value, -pvalue, -O2. */
static oo_status parse_letters(oo_settings *s, oo_context *context, arguments *a, const char *text) {
    for (const char *at = text; *at; at++) {
        int i = 0;
        while (i < OPT_COUNT && (!oo__command_has(s->command, oo__cli_options[i].group) || oo__cli_options[i].letter != *at))
            i++;
        if (i == OPT_COUNT)
            return unknown_option(s, context, oo__arena_printf(s->arena, "-%s", at == text ? text : at), text);
        const oo_option_id id = (oo_option_id)i;
        const char shown[] = {'-', *at, 0};
        if (!oo__cli_options[i].argument) {
            OO_TRY(take(s, context, id, NULL, shown));
            continue;
        }
        return take(s, context, id, at[1] ? at + 1 : next_value(a, id), shown);
    }
    return OO_OK;
}

static oo_status parse_positional(oo_settings *s, oo_context *context, const char *text) {
    if (!*text) {
        oo__usage_error(context, "an argument is empty");
        return OO_INVALID;
    }
    if (s->command == CMD_PASSES) {
        oo_vec_push(s->arena, &s->prove.words, text);
        return OO_OK;
    }
    if (s->command == CMD_CHECK)
        oo_vec_push(s->arena, &s->check.models, text);
    if (!s->model || s->command == CMD_CHECK) {
        s->model = s->model ? s->model : text;
        return OO_OK;
    }
    if (s->command == CMD_DIFF && !s->other) {
        s->other = text;
        return OO_OK;
    }
    if (s->command != CMD_OPTIMIZE && s->command != CMD_INFER) {
        oo__usage_error(context, "\"%s\" is one file too many: the model is %s", oo__printable(text, strlen(text)),
                        oo__printable(s->model, strlen(s->model)));
        return OO_INVALID;
    }
    if (s->output && !s->compare.sets && oo__parse_count(&s->compare.sets, text) && s->compare.sets > 0)
        return OO_OK; /* as onnxsim has it: IN OUT N */
    if (s->output) {
        oo__usage_error(context, "\"%s\" is one file too many: the model is %s, the output %s", oo__printable(text, strlen(text)),
                        oo__printable(s->model, strlen(s->model)), oo__printable(s->output, strlen(s->output)));
        return OO_INVALID;
    }
    s->output = text;
    return OO_OK;
}

static oo_status check_together(const oo_settings *s, oo_context *context) {
    const char *wrong = NULL;
    if (s->command == CMD_RUN) {
        if (!s->model && s->action == OPT_COUNT)
            wrong = "no model was named; usage: onnxopt run [OPTION...] MODEL, see onnxopt run --help";
        else if ((s->run.npy || s->run.save_inputs) && !s->run.output_dir)
            wrong = "--npy and --save-inputs need --output DIR";
    } else if (s->command == CMD_PASSES) {
        if (s->action == OPT_COUNT && (!s->prove.words.n || strcmp(s->prove.words.data[0], "prove") != 0))
            wrong = "usage: onnxopt passes prove [OPTION...] [RULE...], see onnxopt passes --help";
    } else if (s->command == CMD_CHECK) {
        if (!s->model && s->action == OPT_COUNT)
            wrong = "no model was named; usage: onnxopt check [OPTION...] MODEL..., see onnxopt check --help";
    } else if (s->command == CMD_INFER) {
        if (!s->model && s->action == OPT_COUNT)
            wrong = "no model was named; usage: onnxopt infer [OPTION...] MODEL [-o OUT], see onnxopt infer --help";
    } else if (s->command == CMD_DIFF) {
        if (!s->other && s->action == OPT_COUNT)
            wrong = "two models are compared; usage: onnxopt diff [OPTION...] OLD NEW, see onnxopt diff --help";
    } else if (s->pipeline && s->level >= 0)
        wrong = "-p and -O exclude each other";
    else if (s->compare.each && *s->io_layout)
        wrong = "--check-each and --io-layout exclude each other: convert first, then check the rest";
    else if (!s->model && s->action == OPT_COUNT && !s->print_pipeline)
        wrong = "no model was named; usage: onnxopt [-p PIPELINE | -O0..-O3 | -Os] MODEL [-o OUT], see onnxopt --help";
    else if (s->save.external_name && strchr(s->save.external_name, '/'))
        wrong = "--external-file is a name without folder: the data lies beside the model";
    if (wrong)
        oo__usage_error(context, "%s", wrong);
    return wrong ? OO_INVALID : OO_OK;
}

oo_status oo__settings_parse(oo_settings *s, oo_context *context, int argc, char **argv) {
    arguments a = {.argc = argc, .next = 1, .argv = argv};
    for (int i = 0; i < CMD_COUNT && argc > 1; i++)
        if (oo__cli_commands[i].name && strcmp(argv[1], oo__cli_commands[i].name) == 0) {
            s->command = (oo_command_id)i;
            a.next = 2;
        }
    bool only_files = false;
    oo_words positional = {0};
    while (a.next < argc) {
        const char *const text = argv[a.next++];
        oo_status status = OO_OK;
        if (only_files || text[0] != '-' || !text[1]) {
            oo_vec_push(s->arena, &positional, text);
        } else if (strcmp(text, "--") == 0) {
            only_files = true;
        } else if (text[1] == '-') {
            status = parse_long(s, context, &a, text + 2);
        } else if (strncmp(text, "-passes", 7) == 0 && (!text[7] || text[7] == '=')) {
            status = parse_long(s, context, &a, text + 1); /* as LLVM's opt spells it */
        } else {
            status = parse_letters(s, context, &a, text + 1);
        }
        OO_TRY(status);
    }
    for (uint32_t i = 0; i < positional.n; i++)
        OO_TRY(parse_positional(s, context, positional.data[i]));
    if (!s->external_given && (s->save.external_name || s->save.threshold != 1024))
        s->save.external = OO_EXTERNAL_SPLIT;
    if (s->compare.each && !s->compare.sets)
        s->compare.sets = OO_CHECK_SETS;
    return check_together(s, context);
}
