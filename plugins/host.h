/* The table of functions that plugins are handed. Includers define OO_STATIC first. */
#ifndef PLUGINS_HOST_H
#define PLUGINS_HOST_H
#include <onnxopt/plugin.h>

extern const oo_api oo__host_api;
#endif
