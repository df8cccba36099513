/* What the parts of fold-shapes share, and shapes_full, which others call too. */
#ifndef PASSES_SHAPES_H
#define PASSES_SHAPES_H
#include "ir/infer.h"
#include "ir/rewriter.h"

typedef struct shapes {
    oo_rewriter *rw;
    oo_model *model;
    const uint8_t *veils; /* passes/veil.h; by node id below nveils */
    uint32_t nveils;
    bool done; /* fuel is out */
} shapes;

/* Whether the node must stay computed. */
bool shapes_is_veil(const shapes *s, const oo_node *node);

/* The type when the shape is known throughout: each dimension a number or an expression. NULL otherwise. */
const oo_type *shapes_full(const oo_value *value);
/* False when fuel is out, and then for good. */
bool shapes_begin(shapes *s, const char *rule, const oo_node *node);
/* Equal contents are computed once, and from as near as can be (passes/share_shapes.c). */
void shapes_share(shapes *s);
#endif
