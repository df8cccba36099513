/* Merges nodes that compute the same: equal operator, attributes and inputs.
 *
 * Graphs are walked in the order in which things are computed, a node's subgraphs before the node itself. A hash table
 * holds the nodes seen so far in the current graph and, before its owner, in the graphs around it: exactly the nodes whose
 * results are visible here. */
#include "passes/outputs.h"

#include <string.h>

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

/* A constant that stands for all with the same bits. */
typedef struct content {
    const oo_tensor *tensor;
    uint32_t id;
    struct content *next;
} content;

/* The place of a value in the body that is being hashed or compared; valid while the stamp is the current one. */
typedef struct place {
    uint32_t stamp, number;
} place;

typedef struct cse {
    oo_rewriter *rw;
    const options *options;
    entry **buckets;
    entry *newest;
    content **contents;
    uint32_t mask;      /* of both tables */
    uint32_t *identity; /* by value id: 1 + id of the value that stands for it, 0 = not known yet */
    place *places;      /* by value id */
    uint32_t stamp, number;
    bool done;          /* fuel is out */
} cse;

/* ---- hashing ---- */
static uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
    return h ^ (h >> 32);
}

static uint64_t text_hash(const char *text) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* ---- what an input is ---- */
static uint32_t stand_in(cse *c, const oo_value *value) {
    const oo_tensor *const tensor = oo_value_const(value);
    if (!tensor || oo_value_is_annotated(value))
        return oo_value_id(value);
    content **const bucket = &c->contents[oo_tensor_hash(tensor) & c->mask];
    for (const content *known = *bucket; known; known = known->next)
        if (oo_tensor_equal(known->tensor, tensor))
            return known->id;
    content *const own = oo_scratch(c->rw, sizeof *own);
    *own = (content){.tensor = tensor, .id = oo_value_id(value), .next = *bucket};
    *bucket = own;
    return own->id;
}

/* Equal for values that are surely equal: the same one, constants of the same bits, the same place of two bodies. 0 = none. */
static uint64_t meaning(cse *c, const oo_value *value) {
    if (!value)
        return 0;
    const uint32_t id = oo_value_id(value);
    if (c->places[id].stamp == c->stamp && c->places[id].number)
        return (uint64_t)1 << 32 | c->places[id].number;
    if (!c->identity[id])
        c->identity[id] = stand_in(c, value) + 1;
    return c->identity[id];
}

static void set_place(cse *c, const oo_value *value, uint32_t number) {
    if (value && !oo_value_const(value))
        c->places[oo_value_id(value)] = (place){c->stamp, number};
}

static void new_body(cse *c) {
    c->stamp++;
    c->number = 0;
}

/* Trailing omitted inputs and outputs say nothing. */
static uint32_t input_count(const oo_node *node) {
    uint32_t n = oo_node_ninputs(node);
    while (n && !oo_node_input(node, n - 1))
        n--;
    return n;
}

static uint32_t output_count(const oo_node *node) {
    uint32_t n = oo_node_noutputs(node);
    while (n && !oo_node_output(node, n - 1))
        n--;
    return n;
}

/* Operators with f(a, b) = f(b, a) bit for bit, but for the payload of NaNs. Not Min, Max, Sum and Mean: which zero or NaN
 * wins, or the order of additions, is the runtime's choice. Before opset 7 the right operand alone was broadcast. */
static bool is_commutative(const oo_node *node) {
    static const char *const ops[] = {"Add", "Mul", "And", "Or", "Xor", "Equal", "BitwiseAnd", "BitwiseOr", "BitwiseXor"};
    if (*oo_node_domain(node) || input_count(node) != 2 || oo_graph_opset(oo_node_graph(node), "") < 7)
        return false;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (oo_node_is(node, ops[i]))
            return true;
    return false;
}

/* ---- nodes and bodies: hash ---- */
static uint64_t body_hash(cse *c, const oo_graph *body);

static uint64_t attrs_hash(cse *c, const oo_node *node) {
    uint64_t sum = 0; /* the order of attributes has no meaning: each body is numbered from the same start */
    const uint32_t start = c->number;
    for (uint32_t i = 0; i < oo_node_nattrs(node); i++) {
        const oo_attr *const attr = oo_node_attr_at(node, i);
        c->number = start;
        uint64_t h = oo_attr_hash(attr);
        for (uint32_t s = 0; s < oo_attr_nsubgraphs(attr); s++)
            h = mix(h, body_hash(c, oo_attr_subgraph(attr, s)));
        sum += mix(1, h);
    }
    c->number = start;
    return sum;
}

static uint64_t inputs_hash(cse *c, const oo_node *node) {
    const uint32_t n = input_count(node);
    uint64_t h = n;
    if (is_commutative(node)) {
        const uint64_t a = meaning(c, oo_node_input(node, 0)), b = meaning(c, oo_node_input(node, 1));
        return mix(mix(h, a < b ? a : b), a < b ? b : a);
    }
    for (uint32_t i = 0; i < n; i++)
        h = mix(h, meaning(c, oo_node_input(node, i)));
    return h;
}

static uint64_t node_hash(cse *c, const oo_node *node) {
    uint64_t h = mix(text_hash(oo_node_op(node)), text_hash(oo_node_domain(node)));
    h = mix(h, text_hash(oo_node_overload(node)));
    h = mix(h, inputs_hash(c, node));
    return mix(h, attrs_hash(c, node));
}

static uint64_t body_hash(cse *c, const oo_graph *body) {
    uint64_t h = mix(oo_graph_ninputs(body), oo_graph_noutputs(body));
    for (uint32_t i = 0; i < oo_graph_ninputs(body); i++)
        set_place(c, oo_graph_input(body, i), ++c->number);
    oo_for_each_node(node, body) {
        h = mix(h, node_hash(c, node));
        for (uint32_t i = 0; i < oo_node_noutputs(node); i++)
            set_place(c, oo_node_output(node, i), ++c->number);
    }
    for (uint32_t i = 0; i < oo_graph_noutputs(body); i++)
        h = mix(h, meaning(c, oo_graph_output(body, i)));
    return h;
}

/* ---- nodes and bodies: comparison ---- */
static bool bodies_equal(cse *c, const oo_graph *a, const oo_graph *b);

/* The attribute of this name, most likely at this index; of very many only there. */
static const oo_attr *same_attr(const oo_node *node, const char *name, uint32_t index) {
    const oo_attr *const attr = oo_node_attr_at(node, index);
    if (strcmp(oo_attr_name(attr), name) == 0)
        return attr;
    return oo_node_nattrs(node) <= 256 ? oo_node_attr(node, name) : NULL;
}

static bool attrs_equal(cse *c, const oo_node *a, const oo_node *b) {
    if (oo_node_nattrs(a) != oo_node_nattrs(b))
        return false;
    for (uint32_t i = 0; i < oo_node_nattrs(a); i++) {
        const oo_attr *const x = oo_node_attr_at(a, i);
        const oo_attr *const y = same_attr(b, oo_attr_name(x), i);
        if (!y || !oo_attr_equal(x, y) || oo_attr_nsubgraphs(x) != oo_attr_nsubgraphs(y))
            return false;
        for (uint32_t s = 0; s < oo_attr_nsubgraphs(x); s++)
            if (!bodies_equal(c, oo_attr_subgraph(x, s), oo_attr_subgraph(y, s)))
                return false;
    }
    return true;
}

static bool inputs_equal(cse *c, const oo_node *a, const oo_node *b) {
    const uint32_t n = input_count(a);
    bool equal = input_count(b) == n;
    for (uint32_t i = 0; equal && i < n; i++)
        equal = meaning(c, oo_node_input(a, i)) == meaning(c, oo_node_input(b, i));
    return equal || (input_count(b) == n && is_commutative(a) &&
                     meaning(c, oo_node_input(a, 0)) == meaning(c, oo_node_input(b, 1)) &&
                     meaning(c, oo_node_input(a, 1)) == meaning(c, oo_node_input(b, 0)));
}

/* What a has and b has not must be an output that may be omitted, and that nobody reads. */
static bool covers(const oo_node *b, const oo_node *a) {
    for (uint32_t i = 0; i < output_count(a); i++)
        if (oo_node_output(a, i) && !oo_node_output(b, i) && (oo__is_read(oo_node_output(a, i)) || !oo__may_omit_output(a, i)))
            return false;
    return true;
}

/* Whether b makes all that is read of a, and has no output that would make it something else. */
static bool outputs_match(const oo_node *a, const oo_node *b) {
    if (!covers(b, a))
        return false;
    for (uint32_t i = 0; i < output_count(b); i++)
        if (oo_node_output(b, i) && !oo_node_output(a, i) && !oo__may_omit_output(b, i))
            return false;
    return true;
}

static bool nodes_equal(cse *c, const oo_node *a, const oo_node *b) {
    if (strcmp(oo_node_op(a), oo_node_op(b)) != 0 || strcmp(oo_node_domain(a), oo_node_domain(b)) != 0 ||
        strcmp(oo_node_overload(a), oo_node_overload(b)) != 0)
        return false;
    return outputs_match(a, b) && inputs_equal(c, a, b) && attrs_equal(c, a, b);
}

/* Both sides get the same numbers, place by place, so that `meaning` makes them comparable. A constant is known by its bits
 * and has no place; where only one side is constant, the places of the other match nothing. */
static void set_places(cse *c, const oo_value *a, const oo_value *b) {
    c->number++;
    set_place(c, a, c->number);
    set_place(c, b, c->number);
}

/* Defaults of body inputs would be part of the comparison; they are so rare that such bodies are taken as unequal. */
static bool inputs_match(cse *c, const oo_graph *a, const oo_graph *b) {
    for (uint32_t i = 0; i < oo_graph_ninputs(a); i++) {
        const oo_value *const x = oo_graph_input(a, i), *const y = oo_graph_input(b, i);
        if (!x || !y || oo_value_is_initializer(x) || oo_value_is_initializer(y))
            return false;
        set_places(c, x, y);
    }
    return true;
}

static bool bodies_equal(cse *c, const oo_graph *a, const oo_graph *b) {
    if (oo_graph_ninputs(a) != oo_graph_ninputs(b) || oo_graph_noutputs(a) != oo_graph_noutputs(b) ||
        oo_graph_nnodes(a) != oo_graph_nnodes(b) || !inputs_match(c, a, b))
        return false;
    const oo_node *y = oo_graph_first(b);
    oo_for_each_node(x, a) {
        if (!y || !nodes_equal(c, x, y))
            return false;
        for (uint32_t i = 0; i < output_count(x); i++)
            set_places(c, oo_node_output(x, i), oo_node_output(y, i));
        y = oo_node_next(y);
    }
    for (uint32_t i = 0; i < oo_graph_noutputs(a); i++)
        if (meaning(c, oo_graph_output(a, i)) != meaning(c, oo_graph_output(b, i)))
            return false;
    return true;
}

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
    for (uint32_t i = 0; i < output_count(node); i++)
        if (oo_node_output(node, i) && oo_node_output(kept, i) && !output_may_go(c, node, oo_node_output(node, i), oo_node_output(kept, i)))
            return false;
    return true;
}

static bool replace_outputs(cse *c, const oo_node *node, const oo_node *kept) {
    for (uint32_t i = 0; i < output_count(node); i++) {
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
        new_body(c);
        if (nodes_equal(c, node, e->node))
            return e->node;
    }
    return NULL;
}

/* What an annotation says of a result must not come to be said of others. */
static bool may_stand_for_others(const oo_node *node) {
    for (uint32_t i = 0; i < output_count(node); i++)
        if (oo_node_output(node, i) && oo_value_is_annotated(oo_node_output(node, i)))
            return false;
    return true;
}

static void visit_node(cse *c, oo_node *node) {
    if (output_count(node) == 0)
        return;
    new_body(c);
    const uint64_t hash = node_hash(c, node);
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
    const size_t values = (size_t)oo_model_value_ids(model) + 1;
    cse c = {.rw = rw, .options = opts, .mask = buckets - 1};
    c.buckets = oo_scratch(rw, buckets * sizeof(entry *));
    c.contents = oo_scratch(rw, buckets * sizeof(content *));
    c.identity = oo_scratch(rw, values * sizeof *c.identity);
    c.places = oo_scratch(rw, values * sizeof *c.places);
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
