/* Importing a newer operator set: whether every node keeps its meaning, and writing those anew whose form changed. Private to passes/. */
#ifndef PASSES_RAISE_OPSET_H
#define PASSES_RAISE_OPSET_H
#include "ir/rewriter.h"

/* Whether the model, with all its graphs and functions, means the same with version `to` of ai.onnx (versions.def). False: *why says which
 * node is in the way, in `arena`. */
bool oo__opset_may_rise(oo_model *model, int64_t to, oo_arena *arena, const char **why);
/* Within an open rewrite, after oo__opset_may_rise said yes: the model and its functions import at least version `to`, and nodes whose form
 * changed have the new one. */
void oo__opset_rise(oo_rewriter *rw, oo_model *model, int64_t to);
#endif
