/* Running pipelines under watch: order of events, fix, disabling, bisecting, fuel, statistics, properties, and passes that lie or break. */
#include "tests/unit/build.h"

#include "passes/manager.h"

/* ---- passes for the tests ---- */
/* What the passes do, set by each test. */
static struct {
    uint32_t rewrites; /* "work" does so many in all */
    uint32_t seen_properties;
    bool order_was_right;
    const void *scratch;
    uint32_t runs;
} script;

/* Changes an attribute of the first node, once a run, until its work is done. */
static oo_status work(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    script.runs++;
    script.scratch = oo_scratch(rw, 64);
    if (!script.rewrites)
        return OO_OK;
    oo_node *const node = oo_graph_first(oo_model_graph(model));
    if (!oo_begin(rw, "work", node))
        return OO_OK;
    oo_set_int(rw, node, "count", (int64_t)script.rewrites--);
    oo_end(rw);
    oo_count(rw, "done", 1);
    return OO_OK;
}

/* As many rewrites in one run as fuel allows, at most ten. */
static oo_status burn(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const node = oo_graph_first(oo_model_graph(model));
    for (int64_t i = 0; i < 10 && oo_begin(rw, "burn", node); i++) {
        oo_set_int(rw, node, "burnt", i);
        oo_end(rw);
        oo_count(rw, "burnt", 1);
    }
    return OO_OK;
}

static oo_status corrupt(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)work(rw, model, options);
    oo_graph_first(oo_model_graph(model))->prev = oo_graph_last(oo_model_graph(model));
    oo_graph_first(oo_model_graph(model))->inputs[0].index = 7;
    return OO_OK;
}

static oo_status rename_output(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)work(rw, model, options);
    oo_graph_output(oo_model_graph(model), 0)->name = oo__str(model, "other");
    return OO_OK;
}

/* Changes the model behind the rewriter's back. */
static oo_status cheat(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)rw, (void)options;
    oo_node *const node = oo_graph_first(oo_model_graph(model));
    add_int(node, "cheated", 1);
    return OO_OK;
}

/* Says that it did something and did nothing. */
static oo_status idle(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const node = oo_graph_last(oo_model_graph(model));
    oo_value *const input = oo_node_input(node, 0);
    (void)oo_begin(rw, "idle", node);
    oo_set_input(rw, node, 0, NULL);
    oo_set_input(rw, node, 0, input);
    oo_end(rw);
    return OO_OK;
}

static oo_status leave_open(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const node = oo_graph_first(oo_model_graph(model));
    (void)oo_begin(rw, "open", node);
    oo_set_int(rw, node, "half-done", 1);
    return OO_OK;
}

static oo_status give_up(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)work(rw, model, options);
    return oo_error_at(rw, oo_graph_first(oo_model_graph(model)), OO_UNSUPPORTED, "not today");
}

/* Looks at OO_ORDER. */
static oo_status look(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)rw, (void)options;
    script.seen_properties = model->properties;
    if (!(model->properties & OO_ORDER))
        return OO_OK;
    script.order_was_right = true;
    uint32_t order = 0;
    oo_for_each_node(node, oo_model_graph(model)) script.order_was_right &= oo_node_order(node) == order++;
    return OO_OK;
}

/* Puts a node in front, which spoils the numbers. */
static oo_status prepend(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)options;
    oo_node *const first = oo_graph_first(oo_model_graph(model));
    const oo_value *const inputs[] = {oo_graph_input(oo_model_graph(model), 0)};
    (void)oo_begin(rw, "prepend", first);
    oo_build(rw, first, "", "Abs", inputs, 1, 1);
    oo_end(rw);
    return OO_OK;
}

#define NAMED(text, function) .size = sizeof(oo_pass), .name = (text), .summary = "for tests", .run = (function)
static const oo_pass PASSES[] = {
    {NAMED("work", work)},
    {NAMED("burn", burn)},
    {NAMED("corrupt", corrupt)},
    {NAMED("rename-output", rename_output)},
    {NAMED("cheat", cheat)},
    {NAMED("idle", idle)},
    {NAMED("leave-open", leave_open)},
    {NAMED("give-up", give_up)},
    {NAMED("look", look)},
    {NAMED("look-order", look), .needs = OO_ORDER},
    {NAMED("prepend", prepend)},
    {NAMED("work-kept", work), .keeps = OO_ORDER},
    {NAMED("work-for-neg", work), .only_for = "Gemm Neg"},
    {NAMED("work-for-absent", work), .only_for = "Gemm Ne Nega", .needs = OO_ORDER},
    {.size = offsetof(oo_pass, only_for), .name = "work-of-old", .run = work, .only_for = "Gemm"},
};

/* ---- running ---- */
static world *w;
static oo_registry *registry;
static oo_run_report report;
static oo_run_settings settings;
static char *events; /* "<name before|after|skipped>;" in order */

static int set_up(void **state) {
    (void)state;
    w = world_new(17);
    oo_value *const x = add_input(w->graph, "x");
    oo_value *const r = add_op(w->graph, "Relu", "r", x);
    add_output(w->graph, add_op(w->graph, "Neg", "n", r));
    registry = oo__registry_new(w->context);
    for (size_t i = 0; i < COUNT_OF(PASSES); i++)
        if (oo_register_pass(registry, &PASSES[i]) != OO_OK)
            return -1;
    memset(&script, 0, sizeof script);
    settings = (oo_run_settings){.bisect_limit = -1, .fuel = -1};
    report = (oo_run_report){0};
    events = strdup("");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(events);
    oo__run_report_free(&report);
    oo__registry_free(registry);
    world_free(w);
    return 0;
}

static oo_status run(const char *text) {
    oo_pipeline *pipeline;
    assert_int_equal(oo__pipeline_parse(&pipeline, w->context, registry, text, "-p"), OO_OK);
    oo__run_report_free(&report);
    const oo_status status = oo__pipeline_run(&report, pipeline, w->model, &settings);
    oo__pipeline_free(pipeline);
    return status;
}

static void note_event(void *user, oo_event event, const oo_pass_report *pass, oo_model *model) {
    assert_ptr_equal(user, &events);
    assert_ptr_equal(model, w->model);
    static const char *const words[] = {
        [OO_EVENT_BEFORE] = "before", [OO_EVENT_AFTER] = "after", [OO_EVENT_SKIPPED] = "skipped"};
    char *text;
    if (asprintf(&text, "%s%s#%u %s;", events, pass->name, pass->number, words[event]) < 0)
        abort();
    free(events);
    events = text;
}

static void watch(void) {
    static const oo_instrument instruments[] = {note_event};
    static void *const users[] = {&events};
    settings.instruments = instruments;
    settings.users = users;
    settings.ninstruments = 1;
}

/* ---- reports and events ---- */
static void reports_and_events(void **state) {
    (void)state;
    watch();
    script.rewrites = 1;
    assert_int_equal(run("work,prepend,work"), OO_OK);
    assert_string_equal(events,
                        "work#1 before;work#1 after;prepend#2 before;prepend#2 after;work#3 before;work#3 after;");
    assert_int_equal(report.npasses, 3);
    assert_true(report.changed);
    const oo_pass_report *const p = report.passes;
    assert_true(p[0].changed && p[1].changed && !p[2].changed);
    assert_int_equal(p[0].rewrites, 1);
    assert_int_equal(p[2].rewrites, 0);
    assert_int_equal(p[1].nodes_before, 2);
    assert_int_equal(p[1].nodes_after, 3);
    assert_int_equal(p[0].ncounters, 1);
    assert_string_equal(p[0].counters[0].name, "done");
    assert_int_equal(p[0].counters[0].value, 1);
    assert_int_equal(p[2].ncounters, 0);
    assert_true(p[0].seconds >= 0 && p[0].seconds < 60);
    assert_string_equal(w->model->history.data[1].pass, "prepend");
    assert_told_nothing();
}

static void an_empty_pipeline(void **state) {
    (void)state;
    settings.verify = OO_VERIFY_EACH;
    assert_int_equal(run(""), OO_OK);
    assert_int_equal(report.npasses, 0);
    assert_false(report.changed);
}

static void scratch_is_fresh_each_time(void **state) {
    (void)state;
    assert_int_equal(run("work"), OO_OK);
    assert_non_null(script.scratch);
    assert_int_equal(run("work,work"), OO_OK);
    assert_int_equal(script.runs, 3);
}

static void constants_are_not_counted(void **state) {
    (void)state;
    add_node_n(w->graph, "Constant", "c", 1, NULL, 0);
    const oo_node *const branches = add_if(w->graph, "if", NULL);
    add_node_n(branch(branches, 0), "Relu", "q", 1, NULL, 0);
    assert_int_equal(oo__count_nodes(w->model), 4);
}

/* ---- fix ---- */
static void fix_repeats_until_nothing_changes(void **state) {
    (void)state;
    script.rewrites = 5;
    assert_int_equal(run("fix(work)"), OO_OK);
    assert_int_equal(report.npasses, 6); /* the last one finds nothing */
    assert_int_equal(script.rewrites, 0);
    assert_int_equal(report.passes[5].number, 6);
    assert_told_nothing();
}

static void fix_has_a_limit(void **state) {
    (void)state;
    script.rewrites = 50;
    assert_int_equal(run("fix{max=3}(work,look)"), OO_OK);
    assert_int_equal(report.npasses, 6);
    assert_int_equal(script.rewrites, 47);
    assert_told("warning fix-limit");
    assert_told("after 3 iterations");
    forget_told();
    script.rewrites = 3;
    assert_int_equal(run("fix{max=3}(work)"), OO_OK);
    assert_told("fix-limit"); /* nobody knows whether the fourth would have changed anything */
}

static void fix_nests(void **state) {
    (void)state;
    script.rewrites = 3;
    assert_int_equal(run("fix(look,fix(work))"), OO_OK);
    /* look, 3 x work + 1; again look, work: the inner change makes the outer go round once more */
    assert_int_equal(report.npasses, 1 + 4 + 1 + 1);
    assert_true(report.changed);
}

/* ---- leaving passes out ---- */
static void disabled_passes(void **state) {
    (void)state;
    static const char *const disabled[] = {"look", "work#2"};
    settings.disabled = disabled;
    settings.ndisabled = 2;
    script.rewrites = 10;
    watch();
    assert_int_equal(run("work,work,look,look-order,work,work-kept"), OO_OK);
    assert_string_equal(
        events, "work#1 before;work#1 after;work#2 skipped;look#3 skipped;look-order#4 before;look-order#4 after;"
                "work#5 before;work#5 after;work-kept#6 before;work-kept#6 after;");
    assert_true(report.passes[1].skipped && report.passes[2].skipped);
    assert_false(report.passes[3].skipped || report.passes[4].skipped || report.passes[5].skipped);
    assert_false(report.passes[1].changed);
}

static void bisecting(void **state) {
    (void)state;
    settings.bisect_limit = 2;
    settings.bisect_verbose = true;
    script.rewrites = 10;
    assert_int_equal(run("work,look,work,look"), OO_OK);
    assert_false(report.passes[0].skipped || report.passes[1].skipped);
    assert_true(report.passes[2].skipped && report.passes[3].skipped);
    assert_int_equal(script.rewrites, 9);
    assert_told("note bisect");
    assert_told("BISECT: running pass (2) look");
    assert_told("BISECT: not running pass (3) work");
    assert_int_equal(told.count, 4);
    settings.bisect_limit = 0;
    assert_int_equal(run("work"), OO_OK);
    assert_true(report.passes[0].skipped);
    assert_int_equal(script.rewrites, 9);
}

static void fuel_is_for_the_whole_run(void **state) {
    (void)state;
    settings.fuel = 13;
    assert_int_equal(run("burn,burn,burn"), OO_OK);
    assert_int_equal(report.passes[0].rewrites, 10);
    assert_int_equal(report.passes[1].rewrites, 3);
    assert_int_equal(report.passes[2].rewrites, 0);
    settings.fuel = 0;
    assert_int_equal(run("burn"), OO_OK);
    assert_false(report.changed);
    settings.fuel = -1;
    assert_int_equal(run("burn"), OO_OK);
    assert_int_equal(report.passes[0].rewrites, 10);
}

/* ---- checks ---- */
static void a_pass_that_corrupts(void **state) {
    (void)state;
    script.rewrites = 10;
    settings.verify = OO_VERIFY_EACH;
    watch();
    assert_int_equal(run("work,corrupt,look"), OO_MISMATCH);
    assert_told("error verify-pass");
    assert_told("the model is broken after pass \"corrupt\"");
    assert_told("error verify test.onnx");
    assert_int_equal(report.npasses, 2); /* what came after it was not run */
    assert_null(strstr(events, "corrupt#2 after"));
}

static void corruption_is_found_at_the_end(void **state) {
    (void)state;
    script.rewrites = 10;
    settings.verify = OO_VERIFY_END;
    assert_int_equal(run("corrupt,look"), OO_MISMATCH);
    assert_int_equal(report.npasses, 2);
    assert_told("after pass \"the last one\"");
    forget_told();
    settings.verify = OO_VERIFY_OFF;
    assert_int_equal(run("look"), OO_OK);
    assert_told_nothing();
}

static void public_names_are_watched(void **state) {
    (void)state;
    script.rewrites = 1;
    settings.verify = OO_VERIFY_EACH;
    assert_int_equal(run("rename-output"), OO_MISMATCH);
    assert_told("error verify-interface");
    assert_told("pass \"rename-output\" changed the names of public inputs or outputs");
}

static void a_pass_that_lies(void **state) {
    (void)state;
    settings.honest = true;
    assert_int_equal(run("cheat"), OO_MISMATCH);
    assert_told("error dishonest-pass");
    assert_told("pass \"cheat\" changed the model but reported nothing");
    forget_told();
    settings.honest = false;
    assert_int_equal(run("cheat"), OO_OK);
    assert_told_nothing();
}

static void a_pass_that_is_busy_with_nothing(void **state) {
    (void)state;
    settings.honest = true;
    assert_int_equal(run("idle"), OO_OK);
    assert_told("warning idle-pass");
    assert_told("pass \"idle\" reported 1 rewrites, but the model is the same");
    script.rewrites = 2;
    forget_told();
    assert_int_equal(run("work,work,work"), OO_OK); /* honest work is not remarked on */
    assert_told_nothing();
}

static void an_open_rewrite_is_an_error(void **state) {
    (void)state;
    assert_int_equal(run("leave-open,look"), OO_MISMATCH);
    assert_told("error pass-open-rewrite");
    assert_told("pass \"leave-open\" left a rewrite open");
    assert_int_equal(report.npasses, 1);
    assert_null(oo_node_attr(w->graph->first, "half-done")); /* what it did is taken back */
    assert_int_equal(oo_model_verify(w->model), OO_OK);
}

static void a_pass_that_fails(void **state) {
    (void)state;
    script.rewrites = 5;
    assert_int_equal(run("work,fix(give-up),look"), OO_UNSUPPORTED);
    assert_told("error pass-error test.onnx:0:0 [main] r(Relu) r {give-up/}: not today");
    assert_int_equal(told.count, 1);
    assert_int_equal(report.npasses, 2);
    assert_true(report.changed);
}

static void cycles_stop_the_run(void **state) {
    (void)state;
    oo_node *const first = w->graph->first, *const last = w->graph->last;
    oo__use_link(first, 0, last->outputs[0]);
    w->graph->unsorted = true;
    assert_int_equal(run("work"), OO_INVALID);
    assert_told("load-cycle");
    assert_int_equal(report.npasses, 0);
    assert_int_equal(script.runs, 0);
}

static void unsorted_graphs_are_sorted_first(void **state) {
    (void)state;
    oo_node *const relu = w->graph->first;
    oo__graph_unlink(relu);
    oo__graph_link(w->graph, relu, NULL);
    w->graph->unsorted = true;
    settings.verify = OO_VERIFY_EACH;
    script.rewrites = 1;
    assert_int_equal(run(""), OO_OK);
    assert_true(w->graph->unsorted); /* a mere copy keeps the order of the file */
    assert_int_equal(run("work"), OO_OK);
    assert_string_equal(ops_of(w->graph), "Relu Neg");
}

/* ---- properties ---- */
static void order_is_computed_when_needed(void **state) {
    (void)state;
    assert_int_equal(run("look"), OO_OK);
    assert_false(script.seen_properties & OO_ORDER);
    assert_int_equal(run("look-order"), OO_OK);
    assert_true(script.seen_properties & OO_ORDER);
    assert_true(script.order_was_right);
    script.order_was_right = false;
    assert_int_equal(run("prepend,look-order"), OO_OK); /* not kept: computed anew */
    assert_true(script.order_was_right);
    assert_int_equal(run("prepend,look"), OO_OK);
    assert_false(script.seen_properties & OO_ORDER);
}

static void order_is_kept_when_promised(void **state) {
    (void)state;
    script.rewrites = 2;
    assert_int_equal(run("look-order,work-kept,look"), OO_OK);
    assert_true(script.seen_properties & OO_ORDER);
    assert_int_equal(run("look-order,work,look"), OO_OK);
    assert_false(script.seen_properties & OO_ORDER);
    assert_int_equal(run("look-order,work,look"), OO_OK); /* has no work left: nothing is lost */
    assert_true(script.seen_properties & OO_ORDER);
}

/* A pass for operators that the model does not have is not run, and what it needs is not computed. */
static void passes_for_operators(void **state) {
    (void)state;
    assert_int_equal(run("work-for-absent"), OO_OK);
    assert_int_equal(script.runs, 0);
    assert_false(report.passes[0].skipped);
    assert_false(w->model->properties & OO_ORDER);
    assert_int_equal(run("work-for-neg"), OO_OK);
    assert_int_equal(script.runs, 1);
    assert_int_equal(run("work-of-old"), OO_OK); /* compiled before there was such a field */
    assert_int_equal(script.runs, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(reports_and_events),
        TEST(an_empty_pipeline),
        TEST(scratch_is_fresh_each_time),
        TEST(constants_are_not_counted),
        TEST(fix_repeats_until_nothing_changes),
        TEST(fix_has_a_limit),
        TEST(fix_nests),
        TEST(disabled_passes),
        TEST(bisecting),
        TEST(fuel_is_for_the_whole_run),
        TEST(a_pass_that_corrupts),
        TEST(corruption_is_found_at_the_end),
        TEST(public_names_are_watched),
        TEST(a_pass_that_lies),
        TEST(a_pass_that_is_busy_with_nothing),
        TEST(an_open_rewrite_is_an_error),
        TEST(a_pass_that_fails),
        TEST(cycles_stop_the_run),
        TEST(unsorted_graphs_are_sorted_first),
        TEST(order_is_computed_when_needed),
        TEST(order_is_kept_when_promised),
        TEST(passes_for_operators),
    };
    return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
