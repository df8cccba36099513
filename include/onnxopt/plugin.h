/* onnxopt for plugins: include this instead of <onnxopt/onnxopt.h>. The names are the same.
 *
 * A plugin is a shared object that links nothing of the program and exports one function, onnxopt_plugin, which OO_PLUGIN writes:
 *
 *     static const oo_pass my_pass = { .size = sizeof(oo_pass), .name = "my-pass", .summary = "...", .run = my_run };
 *     OO_PLUGIN(&my_pass)
 *
 * The program hands it a table of its functions, oo_api; a call such as oo_node_input(node, 0) goes through that table. Functions
 * are only ever appended to the table: a plugin runs on every later program of the same major version. On an earlier program the
 * functions that came after it are absent: ask oo_has(node_overload) before calling what is younger than the program you support.
 *
 * A plugin may have several files: all include this header, one of them says OO_PLUGIN.
 *
 * With OO_STATIC defined the calls are direct and the same source links into a program. OO_PLUGIN_ENTRY then names its entry
 * function, so that several such plugins can be linked together. */
#ifndef ONNXOPT_PLUGIN_H
#define ONNXOPT_PLUGIN_H

#if !defined(OO_STATIC) && !defined(OO_THROUGH_TABLE)
#ifdef ONNXOPT_ONNXOPT_H
#error "include <onnxopt/plugin.h> instead of <onnxopt/onnxopt.h>, or define OO_STATIC"
#endif
#define OO_THROUGH_TABLE
#endif
#include <onnxopt/onnxopt.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The program's functions. The first three fields stand where they are in every version to come. */
typedef struct oo_api {
    uint32_t size;         /* of the program's table, in bytes */
    uint32_t major, minor; /* version of the program */
#define OO_API(ret, name, params, args) ret(*name) params;
#define OO_API_VOID(name, params, args) void(*name) params;
#define OO_API_V(ret, name, params) ret(*name) params;
#include <onnxopt/api.def>
#undef OO_API
#undef OO_API_VOID
#undef OO_API_V
} oo_api;

/* What the entry function returns: 0, an oo_status that registering gave, or this when it was built for another major version. */
#define OO_PLUGIN_NEEDS_MAJOR(major) (-1 - (int)(major))

#ifdef OO_THROUGH_TABLE
/* The table, for all files of the plugin; OO_PLUGIN defines it. */
extern __attribute__((visibility("hidden"))) const oo_api *oo_api_;

#define OO_API(ret, name, params, args)                                                                                \
    static inline ret oo_##name params { return oo_api_->name args; }
#define OO_API_VOID(name, params, args)                                                                                \
    static inline void oo_##name params { oo_api_->name args; }
#define OO_API_V(ret, name, params)
#include <onnxopt/api.def>
#undef OO_API
#undef OO_API_VOID
#undef OO_API_V
#define oo_miss(...) (oo_api_->miss(__VA_ARGS__))
#define oo_remark(...) (oo_api_->remark(__VA_ARGS__))
#define oo_error_at(...) (oo_api_->error_at(__VA_ARGS__))

/* Whether the program has the function oo_<name>. */
#define oo_has(name) (offsetof(oo_api, name) + sizeof(oo_api_->name) <= oo_api_->size)
#define OO_PLUGIN_TABLE_ const oo_api *oo_api_;
#define OO_PLUGIN_SET_TABLE_(api)                                                                                      \
    if ((api)->major != OO_VERSION_MAJOR)                                                                              \
        return OO_PLUGIN_NEEDS_MAJOR(OO_VERSION_MAJOR);                                                                \
    oo_api_ = (api);
#else
#define oo_has(name) 1
#define OO_PLUGIN_TABLE_
#define OO_PLUGIN_SET_TABLE_(api) (void)(api);
#endif

#ifdef __cplusplus
}
#define OO_PLUGIN_LINKAGE_ extern "C"
#else
#define OO_PLUGIN_LINKAGE_
#endif

#ifndef OO_PLUGIN_ENTRY
#define OO_PLUGIN_ENTRY onnxopt_plugin
#endif
typedef int (*oo_plugin_entry)(const oo_api *api, oo_registry *registry);

/* Writes the entry function: it registers the passes whose addresses are given, which may depend on oo_has. Once in a plugin. */
#define OO_PLUGIN(...)                                                                                                 \
    OO_PLUGIN_TABLE_                                                                                                   \
    OO_PLUGIN_LINKAGE_ __attribute__((visibility("default"))) int OO_PLUGIN_ENTRY(const oo_api *api, oo_registry *registry); \
    int OO_PLUGIN_ENTRY(const oo_api *api, oo_registry *registry) {                                                    \
        OO_PLUGIN_SET_TABLE_(api)                                                                                      \
        const oo_pass *const passes[] = {__VA_ARGS__};                                                                 \
        int status = OO_OK;                                                                                            \
        for (size_t i = 0; status == OO_OK && i < sizeof passes / sizeof *passes; i++)                                 \
            status = (int)oo_register_pass(registry, passes[i]);                                                       \
        return status;                                                                                                 \
    }

/* The same for a plugin that registers by itself what it has, rules and guards, say: calls `int setup(oo_registry *)`, which returns 0 or
 * what failed. */
#define OO_PLUGIN_SETUP(setup)                                                                                         \
    OO_PLUGIN_TABLE_                                                                                                   \
    OO_PLUGIN_LINKAGE_ __attribute__((visibility("default"))) int OO_PLUGIN_ENTRY(const oo_api *api, oo_registry *registry); \
    int OO_PLUGIN_ENTRY(const oo_api *api, oo_registry *registry) {                                                    \
        OO_PLUGIN_SET_TABLE_(api)                                                                                      \
        return setup(registry);                                                                                        \
    }

#endif
