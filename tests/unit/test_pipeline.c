/* Pipelines as text and the registry: round trips, every syntax error with its place, options, suggestions. */
#include "tests/unit/build.h"

#include "passes/aliases.h"
#include "passes/pipeline.h"
#include "passes/rule_base.h"

typedef struct knobs {
    bool flag;
    int64_t number;
    double ratio;
    const char *mode, *text;
} knobs;

static const oo_option_row ROWS[] = {
    {.name = "flag",
     .type = OO_OPT_BOOL,
     .offset = offsetof(knobs, flag),
     .initial = "false",
     .help = "",
     .choices = NULL},
    {.name = "number",
     .type = OO_OPT_INT,
     .offset = offsetof(knobs, number),
     .initial = "7",
     .help = "",
     .choices = NULL},
    {.name = "ratio",
     .type = OO_OPT_FLOAT,
     .offset = offsetof(knobs, ratio),
     .initial = "0.5",
     .help = "",
     .choices = NULL},
    {.name = "the-mode",
     .type = OO_OPT_STRING,
     .offset = offsetof(knobs, mode),
     .initial = "fast",
     .help = "",
     .choices = "fast|slow and safe|off"},
    {.name = "text",
     .type = OO_OPT_STRING,
     .offset = offsetof(knobs, text),
     .initial = NULL,
     .help = "",
     .choices = NULL},
};

static oo_status do_nothing(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)rw, (void)model, (void)options;
    return OO_OK;
}

static const oo_pass KNOBS = {.size = sizeof(oo_pass),
                              .name = "knobs",
                              .summary = "has options",
                              .options = ROWS,
                              .noptions = COUNT_OF(ROWS),
                              .options_size = sizeof(knobs),
                              .run = do_nothing};
static const oo_pass PLAIN = {.size = sizeof(oo_pass), .name = "plain-pass2", .summary = "has none", .run = do_nothing};

static oo_context *context;
static oo_registry *registry;

static int set_up(void **state) {
    (void)state;
    context = new_context();
    registry = oo__registry_new(context);
    oo__registry_set_origin(registry, "a test");
    return oo_register_pass(registry, &KNOBS) || oo_register_pass(registry, &PLAIN);
}

static int tear_down(void **state) {
    (void)state;
    oo__registry_free(registry);
    oo_context_free(context);
    forget_told();
    return 0;
}

static oo_pipeline *parsed(const char *text) {
    oo_pipeline *pipeline;
    if (oo__pipeline_parse(&pipeline, context, registry, text, "-p") != OO_OK)
        fail_msg("%s: %s", text, told.text);
    return pipeline;
}

/* ---- round trips ---- */
static void assert_prints(const char *text, const char *expected) {
    oo_pipeline *const pipeline = parsed(text);
    char *const printed = oo__pipeline_print(pipeline);
    assert_string_equal(printed, expected);
    oo_pipeline *const again = parsed(printed);
    char *const twice = oo__pipeline_print(again);
    assert_string_equal(twice, printed);
    free(printed);
    free(twice);
    oo__pipeline_free(pipeline);
    oo__pipeline_free(again);
}

static void canonical_texts(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"  # only a comment", ""},
        {"dce", "dce"},
        {" dce ,\n\tcse # and so on\n,plain_pass2 ", "dce,cse,plain-pass2"},
        {"fix(dce)", "fix(dce)"},
        {"fix{max=100}(dce)", "fix(dce)"},
        {"fix {max=3} ( dce , fix(cse) )", "fix{max=3}(dce,fix(cse))"},
        {"knobs", "knobs"},
        {"knobs{}", "knobs"},
        {"knobs{number=7 flag=0 ratio=5e-1 the-mode=fast}", "knobs"}, /* defaults are not printed */
        {"knobs{flag}", "knobs{flag=true}"},
        {"knobs{flag=1,number=-3}", "knobs{flag=true number=-3}"},
        {"knobs{ number =-9223372036854775808 }", "knobs{number=-9223372036854775808}"},
        {"knobs{number=9223372036854775807 flag=true}", "knobs{flag=true number=9223372036854775807}"},
        {"knobs{ratio=0.1}", "knobs{ratio=0.10000000000000001}"},
        {"knobs{ratio=-inf}", "knobs{ratio=-inf}"},
        {"knobs{the_mode=\"slow and safe\"}", "knobs{the-mode=\"slow and safe\"}"},
        {"knobs{text=a#b;c}", "knobs{text=a#b;c}"},
        {"knobs{text=\"\"}", "knobs{text=\"\"}"},
        {"knobs{text=\"a,b}c\"}", "knobs{text=\"a,b}c\"}"},
        {"knobs{number=1 number=2}", "knobs{number=2}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_prints(cases[i][0], cases[i][1]);
    for (int level = 0; level <= OO_LEVEL_SIZE; level++) {
        oo_pipeline *const pipeline = parsed(oo__pipeline_of_level(level));
        oo__pipeline_free(pipeline);
    }
    assert_null(oo__pipeline_of_level(OO_LEVEL_SIZE + 1));
    assert_null(oo__pipeline_of_level(-1));
    oo__pipeline_free(NULL);
    assert_told_nothing();
}

static void options_are_filled(void **state) {
    (void)state;
    oo_pipeline *const pipeline = parsed("knobs,knobs{flag number=-1 ratio=2.5e3 the-mode=off text=\"x y\"}");
    const knobs *const initial = pipeline->items.data[0]->options, *const set = pipeline->items.data[1]->options;
    assert_true(!initial->flag && initial->number == 7 && initial->ratio == 0.5 && !initial->text);
    assert_string_equal(initial->mode, "fast");
    assert_true(set->flag && set->number == -1 && set->ratio == 2500);
    assert_string_equal(set->mode, "off");
    assert_string_equal(set->text, "x y");
    oo__pipeline_free(pipeline);
}

/* ---- errors ---- */
typedef struct mistake {
    const char *text;
    uint32_t line, column;
    const char *message;
} mistake;

static const mistake MISTAKES[] = {
    {",dce", 1, 1, "expected the name of a pass"},
    {"dce,", 1, 5, "expected the name of a pass"},
    {"dce, ,cse", 1, 6, "expected the name of a pass"},
    {"dce cse", 1, 5, "expected ',' or the end of the pipeline"},
    {"dce)", 1, 4, "expected ',' or the end of the pipeline"},
    {"dce,\n  cse;", 2, 6, "expected ',' or the end of the pipeline"},
    {"dce # note\n# more\n !", 3, 2, "expected ',' or the end of the pipeline"},
    {"fix", 1, 4, "expected '(' after fix"},
    {"fix dce", 1, 5, "expected '(' after fix"},
    {"fix()", 1, 5, "expected the name of a pass"},
    {"fix(dce", 1, 8, "expected ',' or ')'"},
    {"fix(dce cse)", 1, 9, "expected ',' or ')'"},
    {"fix{max=0}(dce)", 1, 4, "fix must be allowed at least one iteration"},
    {"fix{max=x}(dce)", 1, 9, "option \"max\" of \"fix\" takes an integer, not \"x\""},
    {"fix{min=1}(dce)", 1, 5, "\"fix\" has no option \"min\""},
    {"nonsense", 1, 1, "there is no pass \"nonsense\"; --list-passes lists them"},
    {"dce,fix(cse,knob)", 1, 13, "there is no pass \"knob\"; did you mean \"knobs\"?"},
    {"DCE", 1, 1, "there is no pass \"DCE\""},
    {"dce{", 1, 5, "expected an option of \"dce\" or '}'"},
    {"knobs{=1}", 1, 7, "expected an option of \"knobs\" or '}'"},
    {"knobs{,flag}", 1, 7, "expected an option of \"knobs\" or '}'"},
    {"knobs{flag,,number=1}", 1, 12, "expected an option of \"knobs\" or '}'"},
    {"knobs{flag", 1, 11, "expected an option of \"knobs\" or '}'"},
    {"knobs{colour=red}", 1, 7, "\"knobs\" has no option \"colour\"; see --help-pass knobs"},
    {"plain-pass2{a=1}", 1, 13, "\"plain-pass2\" has no option \"a\""},
    {"knobs{number}", 1, 13, "option \"number\" needs a value: number=..."},
    {"knobs{number=}", 1, 14, "option \"number\" of \"knobs\" takes an integer, not \"\""},
    {"knobs{number= 1}", 1, 14, "takes an integer, not \"\""},
    {"knobs{number=1.5}", 1, 14, "takes an integer, not \"1.5\""},
    {"knobs{flag number=99999999999999999999}", 1, 19, "takes an integer, not \"99999999999999999999\""},
    {"knobs{flag=maybe}", 1, 12, "option \"flag\" of \"knobs\" takes true or false, not \"maybe\""},
    {"knobs{ratio=half}", 1, 13, "option \"ratio\" of \"knobs\" takes a number, not \"half\""},
    {"knobs{the-mode=slow}", 1, 16, "option \"the-mode\" of \"knobs\" takes fast|slow and safe|off, not \"slow\""},
    {"knobs{the-mode=fas}", 1, 16, "takes fast|slow and safe|off, not \"fas\""},
    {"knobs{text=\"open}", 1, 12, "the quoted value has no end"},
    {"knobs{number=1\x01}", 1, 14, "takes an integer, not \"1\\x01\""},
    {"fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(fix(dce)))))))))))))))))", 1, 69,
     "nested more than 16 deep"},
};

static void every_mistake_has_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(MISTAKES); i++) {
        const mistake *const m = &MISTAKES[i];
        forget_told();
        oo_pipeline *pipeline = (oo_pipeline *)1;
        assert_int_equal(oo__pipeline_parse(&pipeline, context, registry, m->text, "-p"), OO_INVALID);
        assert_null(pipeline);
        assert_int_equal(told.count, 1);
        char place[64];
        snprintf(place, sizeof place, "error pipeline-syntax -p:%u:%u ", m->line, m->column);
        if (!strstr(told.text, place) || !strstr(told.text, m->message))
            fail_msg("%s\nexpected %s: %s\ngot %s", m->text, place, m->message, told.text);
    }
}

static char *source_line;
static void keep_line(void *user, const oo_diag *d) {
    (void)user;
    free(source_line);
    source_line = strdup(d->source_line);
}

static void the_line_is_shown(void **state) {
    (void)state;
    oo_set_sink(context, keep_line, NULL);
    oo_pipeline *pipeline;
    assert_int_equal(oo__pipeline_parse(&pipeline, context, registry, "dce,\nfix(\ncse", "-p"), OO_INVALID);
    assert_string_equal(source_line, "cse");
    char *const text = oo__malloc(2000001);
    memset(text, 'a', 2000000);
    text[2000000] = 0;
    assert_int_equal(oo__pipeline_parse(&pipeline, context, registry, text, "-p"), OO_INVALID);
    assert_int_equal(strlen(source_line), 250);
    free(text);
    free(source_line);
    source_line = NULL;
}

/* Whatever the text, parsing ends with a pipeline or with one message. */
static void random_texts(void **state) {
    (void)state;
    static const char *const parts[] = {"dce",    "fix", "knobs", "(",  ")", "{",  "}",    ",",  "=",
                                        "number", "1",   " ",     "\"", "#", "\n", "flag", "max"};
    uint64_t seed = 9;
    unsigned good = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char text[256] = "";
        for (uint32_t n = draw(&seed, 12); n-- > 0;)
            strcat(text, parts[draw(&seed, COUNT_OF(parts))]);
        forget_told();
        oo_pipeline *pipeline;
        if (oo__pipeline_parse(&pipeline, context, registry, text, "-p") == OO_OK) {
            assert_int_equal(told.count, 0);
            char *const printed = oo__pipeline_print(pipeline);
            assert_prints(printed, printed);
            free(printed);
            good++;
        } else {
            assert_int_equal(told.count, 1);
        }
        oo__pipeline_free(pipeline);
    }
    assert_true(good > 100);
}

/* ---- registry ---- */
static void passes_are_known_by_name(void **state) {
    (void)state;
    assert_ptr_equal(oo__registry_find(registry, "knobs"), &KNOBS);
    assert_null(oo__registry_find(registry, "knob"));
    const char *origin;
    const uint32_t n = oo__registry_count(registry);
    assert_ptr_equal(oo__registry_at(registry, n - 1, &origin), &PLAIN);
    assert_string_equal(origin, "a test");
    assert_non_null(oo__registry_at(registry, 0, &origin));
    assert_string_equal(origin, "built-in");
    assert_ptr_equal(oo__registry_at(registry, n - 1, NULL), &PLAIN);
    oo__registry_free(NULL);
}

static void suggestions(void **state) {
    (void)state;
    assert_string_equal(oo__registry_suggest(registry, "knbos"), "knobs");
    assert_string_equal(oo__registry_suggest(registry, "plain-pas"), "plain-pass2");
    assert_string_equal(oo__registry_suggest(registry, "eliminate-identiti"), "eliminate-identity");
    assert_null(oo__registry_suggest(registry, "something-else"));
    char longest[200];
    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_null(oo__registry_suggest(registry, longest));
}

static void is_ours(void *state, const char *name) {
    const oo_alias *const alias = state;
    if (!oo__registry_find(registry, name) && !oo__rulebase_has(oo__registry_rules(registry), name))
        fail_msg("aliases.def: %s stands for %s, which is neither a pass nor a rule nor a group of rules", alias->name, name);
}

/* What the table names exists, and each name is a word of a pipeline. */
static void aliases(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    for (uint32_t i = 0; oo__alias_at(i); i++) {
        const oo_alias *const alias = oo__alias_at(i);
        oo__alias_each(alias, arena, is_ours, (void *)(uintptr_t)alias);
        assert_int_equal(*alias->ours != 0, alias->kind == OO_ALIAS_OURS);
        assert_true(*alias->tools && (alias->kind == OO_ALIAS_OURS || *alias->note));
        assert_ptr_equal(oo__alias_find(alias->name, true), alias);
        oo_pipeline *pipeline;
        forget_told();
        const oo_status status = oo__pipeline_parse(&pipeline, context, registry, alias->name, "-p");
        assert_int_equal(status, alias->kind == OO_ALIAS_REFUSED ? OO_INVALID : OO_OK);
        oo__pipeline_free(pipeline);
    }
    assert_ptr_equal(oo__alias_find("fuse-bn-into-conv", false), oo__alias_find("fuse_bn_into_conv", true));
    assert_null(oo__alias_find("fuse-bn-into-conv", true));
    assert_string_equal(oo__alias_suggest("eliminate-nop-transpos"), "eliminate_nop_transpose");
    assert_string_equal(oo__alias_suggest("FusionConvBn"), "FusionConvBN");
    assert_null(oo__alias_suggest("something else entirely"));
    assert_prints("FusionConvBN,dce", "fuse-conv-bn,rules{level=3 only=fold-conv-bn},dce");
    oo__arena_free(arena);
}

static void refused_passes(void **state) {
    (void)state;
    static const char *const names[] = {NULL,     "",   "Upper", "under_score", "9digit",
                                        "sp ace", "-x", "fix",   "a.b",         "caf\xc3\xa9"};
    const uint32_t n = oo__registry_count(registry);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        oo_pass pass = PLAIN;
        pass.name = names[i];
        forget_told();
        assert_int_equal(oo_register_pass(registry, &pass), OO_INVALID);
        assert_told("error pass-invalid a test:");
        assert_told("is no pass name");
    }
    forget_told();
    oo_pass pass = PLAIN;
    assert_int_equal(oo_register_pass(registry, &pass), OO_INVALID);
    assert_told("pass-duplicate");
    assert_told("pass \"plain-pass2\" exists already, from a test");
    pass.name = "dce";
    assert_int_equal(oo_register_pass(registry, &pass), OO_INVALID);
    assert_told("\"dce\" exists already, from built-in");
    forget_told();
    pass.name = "fine";
    pass.run = NULL;
    assert_int_equal(oo_register_pass(registry, &pass), OO_INVALID);
    pass.run = do_nothing;
    pass.size = (uint32_t)offsetof(oo_pass, run); /* of a header before the first */
    assert_int_equal(oo_register_pass(registry, &pass), OO_INVALID);
    assert_int_equal(oo_register_pass(registry, NULL), OO_INVALID);
    assert_told("a pass without size or run cannot be registered");
    assert_int_equal(oo__registry_count(registry), n);
    pass.size = (uint32_t)(sizeof(oo_pass) + 64); /* of a later header */
    assert_int_equal(oo_register_pass(registry, &pass), OO_OK);
    assert_int_equal(oo__registry_count(registry), n + 1);
}

static void parse_bad_default(void *unused) {
    (void)unused;
    static const oo_option_row row = {
        .name = "n", .type = OO_OPT_INT, .offset = 0, .initial = "many", .help = "", .choices = NULL};
    static const oo_pass bad = {.size = sizeof(oo_pass),
                                .name = "bad-default",
                                .options = &row,
                                .noptions = 1,
                                .options_size = sizeof(int64_t),
                                .run = do_nothing};
    oo_register_pass(registry, &bad);
    oo_pipeline *pipeline;
    oo__pipeline_parse(&pipeline, context, registry, "bad-default", "-p");
}

static void defaults_must_parse(void **state) {
    (void)state;
    assert_true(dies(parse_bad_default, NULL, "the default of option \"n\" does not parse"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(canonical_texts),   TEST(options_are_filled), TEST(every_mistake_has_its_place),
        TEST(the_line_is_shown), TEST(random_texts),       TEST(passes_are_known_by_name),
        TEST(suggestions),       TEST(refused_passes),     TEST(defaults_must_parse),
        TEST(aliases),
    };
    return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
