/* The engine's side of the rewriter; passes see its functions in <onnxopt/onnxopt.h>. */
#ifndef IR_REWRITER_H
#define IR_REWRITER_H
#include "ir/ir.h"

typedef struct oo_counter {
    const char *name;
    uint64_t value;
} oo_counter;

typedef struct oo_rewriter_settings {
    const char *pass;         /* name of the running pass; interned or literal */
    uint64_t *fuel;           /* rewrites that may still be done, counted down; NULL = no limit */
    bool tell_passed, tell_missed;
    const char *filter_rule;  /* only remarks of this rule, NULL = all */
    const void *host;         /* what the pass manager gives to its own passes */
} oo_rewriter_settings;

/* A rewriter over the model. Its scratch arena is `scratch`, reset by the caller. */
oo_rewriter *oo__rewriter_new(oo_model *model, oo_arena *scratch, const oo_rewriter_settings *settings);
/* Frees it; an open rewrite is an error of the pass and is abandoned (false is returned then). */
bool oo__rewriter_free(oo_rewriter *rw);
/* Whether a rewrite put a value in the place of one of another type: told in a diagnostic, and the model must not be written. */
bool oo__rewriter_is_broken(const oo_rewriter *rw);
bool oo__rewriter_tells_passed(const oo_rewriter *rw);
bool oo__rewriter_tells_missed(const oo_rewriter *rw);
const void *oo__rewriter_host(const oo_rewriter *rw);
/* Number of rewrites done; changes of the model outside of rewrites do not exist. */
uint32_t oo__rewriter_rewrites(const oo_rewriter *rw);
/* Statistics of the pass, in the order of first use. */
const oo_counter *oo__rewriter_counters(const oo_rewriter *rw, uint32_t *count);
/* Within an open rewrite: the graph (its function, or the model) imports the operator set `domain`, when it does not yet. */
void oo__import_opset(oo_rewriter *rw, const oo_graph *graph, const char *domain, int64_t version);
/* Whether oo_build_const may make a constant of this type in the graph: where it must be a node, that is a matter of the operator set. */
bool oo__can_build_const(const oo_graph *graph, oo_elem elem);
/* The same of a Constant node, wherever it stands. */
bool oo__can_build_constant_node(const oo_graph *graph, oo_elem elem);
/* Within an open rewrite: the model, and every function that imports the operator set `domain`, imports at least this version of it. */
void oo__raise_opset(oo_rewriter *rw, const char *domain, int64_t version);
/* Within an open rewrite: what is built from now on takes name, documentation and metadata from `source`; with `whole`, the next node its very
 * name, else names that start with it. */
void oo__inherit_from(oo_rewriter *rw, const oo_node *source, bool whole);
/* Within an open rewrite: the graph's input `index`, which an initializer gives a default, is an input no more. */
void oo__freeze_input(oo_rewriter *rw, oo_graph *graph, uint32_t index);
/* Within an open rewrite: the model says this IR version, when it says an older one. */
void oo__raise_ir_version(oo_rewriter *rw, int64_t version);
/* What oo__strip_node takes out of a node. */
typedef struct oo_strip {
    bool docs, metadata, names;
} oo_strip;
/* False when there was nothing. */
bool oo__strip_node(oo_rewriter *rw, oo_node *node, const oo_strip *what);
/* Takes out the graph's value_info, but for results of operators that nothing is known about. Returns how many. */
uint32_t oo__strip_infos(oo_rewriter *rw, oo_graph *graph);
/* A point to come back to. Points nest; a rollback to an earlier one forgets later ones. */
typedef struct oo_checkpoint {
    uint32_t log, history;
} oo_checkpoint;
oo_checkpoint oo__checkpoint(const oo_rewriter *rw);
void oo__rollback(oo_rewriter *rw, oo_checkpoint point);
#endif
