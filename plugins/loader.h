/* Plugins: shared objects with one exported function that register passes. */
#ifndef PLUGINS_LOADER_H
#define PLUGINS_LOADER_H
#include "passes/manager.h"

typedef struct oo_loader_settings {
    const char *plugin_dir; /* --plugin-dir, NULL = none */
} oo_loader_settings;

/* Loads a plugin by path (has a slash) or by name, with all checks of docs/plugins.md, and lets it register its passes. A refusal is
 * one diagnostic that says which check failed. Plugins stay loaded until the process ends. */
oo_status oo__plugin_load(oo_context *context, oo_registry *registry, const char *what, const oo_loader_settings *settings);
#endif
