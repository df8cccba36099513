/* Whether nodes and graphs are the same code: equal operators, attributes and inputs. */
#include "passes/same_code.h"

#include "passes/outputs.h"

#include <string.h>

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

struct oo__same {
    oo_rewriter *rw;
    content **contents;
    uint32_t mask;      /* of contents */
    uint32_t nvalues;   /* of the next two */
    uint32_t *identity; /* by value id: 1 + id of the value that stands for it, 0 = not known yet */
    place *places;      /* by value id */
    uint32_t stamp, number;
};

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
static uint32_t stand_in(oo__same *c, const oo_value *value) {
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
static uint64_t meaning(oo__same *c, const oo_value *value) {
    if (!value)
        return 0;
    const uint32_t id = oo_value_id(value);
    if (c->places[id].stamp == c->stamp && c->places[id].number)
        return (uint64_t)1 << 32 | c->places[id].number;
    if (!c->identity[id])
        c->identity[id] = stand_in(c, value) + 1;
    return c->identity[id];
}

static void set_place(oo__same *c, const oo_value *value, uint32_t number) {
    if (value && !oo_value_const(value))
        c->places[oo_value_id(value)] = (place){c->stamp, number};
}

/* Trailing omitted inputs and outputs say nothing. */
static uint32_t input_count(const oo_node *node) {
    uint32_t n = oo_node_ninputs(node);
    while (n && !oo_node_input(node, n - 1))
        n--;
    return n;
}

uint32_t oo__output_count(const oo_node *node) {
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
static uint64_t body_hash(oo__same *c, const oo_graph *body);

static uint64_t attrs_hash(oo__same *c, const oo_node *node) {
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

static uint64_t inputs_hash(oo__same *c, const oo_node *node) {
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

static uint64_t node_hash(oo__same *c, const oo_node *node) {
    uint64_t h = mix(text_hash(oo_node_op(node)), text_hash(oo_node_domain(node)));
    h = mix(h, text_hash(oo_node_overload(node)));
    h = mix(h, inputs_hash(c, node));
    return mix(h, attrs_hash(c, node));
}

static uint64_t body_hash(oo__same *c, const oo_graph *body) {
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
static bool bodies_equal(oo__same *c, const oo_graph *a, const oo_graph *b);

/* The attribute of this name, most likely at this index; of very many only there. */
static const oo_attr *same_attr(const oo_node *node, const char *name, uint32_t index) {
    const oo_attr *const attr = oo_node_attr_at(node, index);
    if (strcmp(oo_attr_name(attr), name) == 0)
        return attr;
    return oo_node_nattrs(node) <= 256 ? oo_node_attr(node, name) : NULL;
}

static bool attrs_equal(oo__same *c, const oo_node *a, const oo_node *b) {
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

static bool inputs_equal(oo__same *c, const oo_node *a, const oo_node *b) {
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
    for (uint32_t i = 0; i < oo__output_count(a); i++)
        if (oo_node_output(a, i) && !oo_node_output(b, i) && (oo__is_read(oo_node_output(a, i)) || !oo__may_omit_output(a, i)))
            return false;
    return true;
}

/* Whether b makes all that is read of a, and has no output that would make it something else. */
static bool outputs_match(const oo_node *a, const oo_node *b) {
    if (!covers(b, a))
        return false;
    for (uint32_t i = 0; i < oo__output_count(b); i++)
        if (oo_node_output(b, i) && !oo_node_output(a, i) && !oo__may_omit_output(b, i))
            return false;
    return true;
}

static bool nodes_equal(oo__same *c, const oo_node *a, const oo_node *b) {
    if (strcmp(oo_node_op(a), oo_node_op(b)) != 0 || strcmp(oo_node_domain(a), oo_node_domain(b)) != 0 ||
        strcmp(oo_node_overload(a), oo_node_overload(b)) != 0)
        return false;
    return outputs_match(a, b) && inputs_equal(c, a, b) && attrs_equal(c, a, b);
}

/* Both sides get the same numbers, place by place, so that `meaning` makes them comparable. A constant is known by its bits
 * and has no place; where only one side is constant, the places of the other match nothing. */
static void set_places(oo__same *c, const oo_value *a, const oo_value *b) {
    c->number++;
    set_place(c, a, c->number);
    set_place(c, b, c->number);
}

/* Defaults of body inputs would be part of the comparison; they are so rare that such bodies are taken as unequal. */
static bool inputs_match(oo__same *c, const oo_graph *a, const oo_graph *b) {
    for (uint32_t i = 0; i < oo_graph_ninputs(a); i++) {
        const oo_value *const x = oo_graph_input(a, i), *const y = oo_graph_input(b, i);
        if (!x || !y || oo_value_is_initializer(x) || oo_value_is_initializer(y))
            return false;
        set_places(c, x, y);
    }
    return true;
}

static bool bodies_equal(oo__same *c, const oo_graph *a, const oo_graph *b) {
    if (oo_graph_ninputs(a) != oo_graph_ninputs(b) || oo_graph_noutputs(a) != oo_graph_noutputs(b) ||
        oo_graph_nnodes(a) != oo_graph_nnodes(b) || !inputs_match(c, a, b))
        return false;
    const oo_node *y = oo_graph_first(b);
    oo_for_each_node(x, a) {
        if (!y || !nodes_equal(c, x, y))
            return false;
        for (uint32_t i = 0; i < oo__output_count(x); i++)
            set_places(c, oo_node_output(x, i), oo_node_output(y, i));
        y = oo_node_next(y);
    }
    for (uint32_t i = 0; i < oo_graph_noutputs(a); i++)
        if (meaning(c, oo_graph_output(a, i)) != meaning(c, oo_graph_output(b, i)))
            return false;
    return true;
}

/* ---- questions ---- */
oo__same *oo__same_new(oo_rewriter *rw) {
    const oo_model *const model = oo_rewriter_model(rw);
    uint32_t buckets = 64;
    while (buckets < oo_model_node_ids(model) && buckets < UINT32_MAX / 2)
        buckets *= 2;
    oo__same *const c = oo_scratch(rw, sizeof *c);
    *c = (oo__same){.rw = rw, .mask = buckets - 1};
    c->contents = oo_scratch(rw, buckets * sizeof(content *));
    return c;
}

/* Room for the values that have come since. */
static void make_room(oo__same *c) {
    const uint32_t n = oo_model_value_ids(oo_rewriter_model(c->rw));
    if (n <= c->nvalues)
        return;
    const uint32_t room = n + n / 4 + 64;
    uint32_t *const identity = oo_scratch(c->rw, room * sizeof *identity);
    place *const places = oo_scratch(c->rw, room * sizeof *places);
    if (c->nvalues) {
        memcpy(identity, c->identity, c->nvalues * sizeof *identity);
        memcpy(places, c->places, c->nvalues * sizeof *places);
    }
    c->identity = identity;
    c->places = places;
    c->nvalues = room;
}

static void start(oo__same *c) {
    make_room(c);
    c->stamp++;
    c->number = 0;
}

uint64_t oo__same_hash(oo__same *c, const oo_node *node) {
    start(c);
    return node_hash(c, node);
}

bool oo__same_nodes(oo__same *c, const oo_node *a, const oo_node *b) {
    start(c);
    return nodes_equal(c, a, b);
}

bool oo__same_graphs(oo__same *c, const oo_graph *a, const oo_graph *b) {
    start(c);
    return bodies_equal(c, a, b);
}

bool oo__same_values(oo__same *c, const oo_value *a, const oo_value *b) {
    start(c);
    return meaning(c, a) == meaning(c, b);
}

void oo__same_let(oo__same *c, const oo_value *value, const oo_value *other) {
    make_room(c);
    c->identity[oo_value_id(value)] = (uint32_t)meaning(c, other);
}
