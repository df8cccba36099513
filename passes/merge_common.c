/* Merges nodes that compute the same: equal operator, attributes and inputs.
 *
 * Graphs are walked in the order in which things are computed, a node's subgraphs before the node itself. A hash table
 * holds the nodes seen so far in the current graph and, before its owner, in the graphs around it: exactly the nodes whose
 * results are visible here. */
#include "passes/same_code.h"

static const char RULE[] = "cse";

typedef struct options {
    bool scoped;
    bool unknown_domains;
} options;

typedef struct entry {
    uint64_t hash;
    oo_node *node;
    struct entry *next;  /* in the bucket */
    struct entry *older; /* in order of insertion */
} entry;

typedef struct cse {
    oo_rewriter *rw;
    const options *options;
    oo__same *same;
    entry **buckets;
    entry *newest;
    uint32_t mask;
    bool done; /* fuel is out */
} cse;

/* ---- merging ---- */
static bool output_may_go(cse *c, const oo_node *node, const oo_value *old, const oo_value *kept) {
    if (oo_value_is_annotated(old))
        return oo_miss(c->rw, RULE, node, "an output is annotated");
    if (!oo_value_is_output(old))
        return true;
    if (oo_value_graph(old) != oo_value_graph(kept))
        return oo_miss(c->rw, RULE, node, "it makes a graph output, and the equal node is in an outer graph");
    if (oo_value_is_output(kept))
        return oo_miss(c->rw, RULE, node, "it and the equal node both make graph outputs");
    return true;
}

static bool may_merge(cse *c, const oo_node *node, const oo_node *kept) {
    if (oo_node_is_random(node))
        return oo_miss(c->rw, RULE, node, "it may draw other random numbers than the equal node");
    if (!c->options->unknown_domains && oo_node_is_opaque(node))
        return oo_miss(c->rw, RULE, node, "nothing is known about its operator or one inside it");
    for (uint32_t i = 0; i < oo__output_count(node); i++)
        if (oo_node_output(node, i) && oo_node_output(kept, i) && !output_may_go(c, node, oo_node_output(node, i), oo_node_output(kept, i)))
            return false;
    return true;
}

static bool replace_outputs(cse *c, const oo_node *node, const oo_node *kept) {
    for (uint32_t i = 0; i < oo__output_count(node); i++) {
        oo_value *const old = oo_node_output(node, i), *const by = oo_node_output(kept, i);
        if (!old || !by)
            continue;
        if (!oo_value_type(by))
            oo_copy_type(c->rw, by, old);
        if (!oo_replace(c->rw, old, by))
            return oo_miss(c->rw, RULE, node, "the equal node's output is not visible at every use");
    }
    return true;
}

static void merge(cse *c, oo_node *node, const oo_node *kept) {
    if (!may_merge(c, node, kept))
        return;
    if (!oo_begin(c->rw, RULE, node)) {
        c->done = true;
        return;
    }
    if (!replace_outputs(c, node, kept)) {
        oo_abandon(c->rw);
        return;
    }
    oo_erase(c->rw, node);
    oo_end(c->rw);
    oo_count(c->rw, "nodes merged", 1);
}

/* ---- the walk ---- */
static oo_node *find_equal(cse *c, const oo_node *node, uint64_t hash) {
    for (const entry *e = c->buckets[hash & c->mask]; e; e = e->next) {
        if (e->hash != hash || (!c->options->scoped && oo_node_graph(e->node) != oo_node_graph(node)))
            continue;
        if (oo__same_nodes(c->same, node, e->node))
            return e->node;
    }
    return NULL;
}

/* What an annotation says of a result must not come to be said of others. */
static bool may_stand_for_others(const oo_node *node) {
    for (uint32_t i = 0; i < oo__output_count(node); i++)
        if (oo_node_output(node, i) && oo_value_is_annotated(oo_node_output(node, i)))
            return false;
    return true;
}

static void visit_node(cse *c, oo_node *node) {
    if (oo__output_count(node) == 0)
        return;
    const uint64_t hash = oo__same_hash(c->same, node);
    const oo_node *const equal = find_equal(c, node, hash);
    if (equal) {
        merge(c, node, equal);
        return;
    }
    if (!may_stand_for_others(node))
        return;
    entry *const e = oo_scratch(c->rw, sizeof *e);
    *e = (entry){.hash = hash, .node = node, .next = c->buckets[hash & c->mask], .older = c->newest};
    c->buckets[hash & c->mask] = c->newest = e;
}

static void visit_graph(cse *c, const oo_graph *graph) {
    entry *const outer = c->newest;
    oo_for_each_node(node, graph) {
        for (uint32_t s = 0; !c->done && s < oo_node_nsubgraphs(node); s++)
            visit_graph(c, oo_node_subgraph(node, s));
        if (c->done)
            break;
        visit_node(c, node);
    }
    for (; c->newest != outer; c->newest = c->newest->older)
        c->buckets[c->newest->hash & c->mask] = c->newest->next;
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    uint32_t buckets = 64;
    while (buckets < oo_model_node_ids(model) && buckets < UINT32_MAX / 2)
        buckets *= 2;
    cse c = {.rw = rw, .options = opts, .same = oo__same_new(rw), .mask = buckets - 1};
    c.buckets = oo_scratch(rw, buckets * sizeof(entry *));
    oo_for_each_graph(graph, model)
        if (!oo_graph_owner(graph) && !c.done)
            visit_graph(&c, graph);
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, scoped, OO_OPT_BOOL, "scoped", "true",
              "let a node of a subgraph give way to an equal one of a graph around it"),
    OO_OPTION(options, unknown_domains, OO_OPT_BOOL, "unknown-domains", "false",
              "merge operators that are neither ONNX's nor local functions too: right if they are pure"),
};

const oo_pass oo_pass_merge_common = {
    .size = sizeof(oo_pass),
    .name = "cse",
    .summary = "Merge nodes that compute the same",
    .doc = "Nodes merge when domain, operator, overload, attributes (bit by bit, in any order), and inputs "
           "agree; optional outputs may be omitted where nobody reads them. Constant inputs agree when their bits do, wherever they are kept. Subgraphs agree "
           "when they are equal up to the names inside and use the same outer values. The operands of Add, Mul, And, "
           "Or, Xor, Equal, BitwiseAnd, BitwiseOr and BitwiseXor may be swapped (that may change the payload of a NaN, "
           "nothing else).\n\n"
           "Random operators, Dropout in training and whatever contains them never merge; of two graph outputs both "
           "stay.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .keeps = OO_TYPES | OO_VALUES,
    .run = run,
};
