/* Plugins that go wrong, one by macro. */
#include <onnxopt/plugin.h>

#include <stdlib.h>

#ifndef PASS_NAME
#define PASS_NAME "some-pass"
#endif

#ifdef UNRESOLVED
void oo_nowhere(void);
#endif

static oo_status run(oo_rewriter *rw, oo_model *model, const void *options) {
    (void)rw, (void)model, (void)options;
#ifdef CRASH
    *(volatile int *)getenv("a variable that is not set") = 1;
#endif
#ifdef UNRESOLVED
    oo_nowhere();
#endif
    return OO_OK;
}

static const oo_pass pass = {.size = sizeof(oo_pass), .name = PASS_NAME, .summary = "for tests", .run = run};

#if defined(FAILING)
__attribute__((visibility("default"))) int onnxopt_plugin(const oo_api *api, oo_registry *registry);
int onnxopt_plugin(const oo_api *api, oo_registry *registry) {
    (void)api, (void)registry, (void)pass;
    return 3;
}
#elif defined(NEWER)
static const oo_pass old_pass = {.size = sizeof(oo_pass), .name = "host-is-old", .summary = "for tests", .run = run};
OO_PLUGIN(oo_has(from_the_future) ? &pass : &old_pass)
#else
OO_PLUGIN(&pass)
#endif
