/* The program's functions as the table that plugins are handed. */
#define OO_STATIC
#include "plugins/host.h"

const char *oo_version(void) { return OO_VERSION_TEXT; }

const oo_api oo__host_api = {
    .size = sizeof(oo_api),
    .major = OO_VERSION_MAJOR,
    .minor = OO_VERSION_MINOR,
#define OO_API(ret, name, params, args) .name = oo_##name,
#define OO_API_VOID(name, params, args) .name = oo_##name,
#define OO_API_V(ret, name, params) .name = oo_##name,
#include <onnxopt/api.def>
};
