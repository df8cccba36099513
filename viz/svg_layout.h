/* What the layout child does. Private to viz/. */
#ifndef VIZ_SVG_LAYOUT_H
#define VIZ_SVG_LAYOUT_H
#include "viz/picture.h"

typedef enum oo_care {
    OO_CARE_FULL, /* dot as it is */
    OO_CARE_LESS, /* dot with few iterations and straight lines */
    OO_CARE_OWN   /* positions from oo__place */
} oo_care;

/* DOT text longer than this is not tried with full, with less care. */
enum { OO_FULL_CARE_BYTES = 1000000, OO_LESS_CARE_BYTES = 8000000 };

/* SVG text; NULL when Graphviz refuses. Nothing is freed: the child ends. */
char *oo__svg_layout(size_t *size, const char *dot, oo_care care);
#endif
