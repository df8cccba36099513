/* Products of one value with several constant matrices are one product with all columns, taken apart after. A constant vector that is added to a
 * product goes along. */
#include "ir/growth.h"

static const char RULE[] = "merge-products";
enum { MOST = 8, WIDEST = 1 << 16 };

typedef struct options {
    oo_growth_options growth;
} options;

typedef struct product {
    oo_node *matmul, *sum;              /* sum: the Add of a vector, NULL = none */
    const oo_tensor *weights, *vector;  /* [K, N], [N] */
    int64_t width;                      /* N */
} product;

/* State of the lazy tensor [K, sum of N]. */
typedef struct columns {
    const oo_tensor *parts[MOST];
    int64_t widths[MOST], width;
    uint32_t count;
    uint32_t bytes; /* of an element */
} columns;

static bool fill_columns(const void *state, uint64_t first, uint64_t count, void *out) {
    const columns *const c = state;
    unsigned char *to = out;
    while (count) {
        const int64_t row = (int64_t)(first / (uint64_t)c->width);
        int64_t column = (int64_t)(first % (uint64_t)c->width);
        uint32_t part = 0;
        while (column >= c->widths[part])
            column -= c->widths[part++];
        const uint64_t rest = (uint64_t)(c->widths[part] - column), n = rest < count ? rest : count;
        if (!oo_tensor_read(c->parts[part], (uint64_t)(row * c->widths[part] + column), n, to))
            return false;
        to += n * c->bytes;
        first += n;
        count -= n;
    }
    return true;
}

/* ---- what may go together ---- */
static uint32_t bytes_of(oo_elem elem) {
    return elem == OO_FLOAT ? 4 : elem == OO_DOUBLE ? 8 : elem == OO_FLOAT16 || elem == OO_BFLOAT16 ? 2 : 0;
}

/* The constant vector that the only user of a product adds to it, as long as its rows. */
static void find_sum(product *p) {
    const oo_value *const y = oo_node_output(p->matmul, 0);
    oo_use *const use = oo_value_first_use(y);
    oo_node *const sum = use && oo_value_nuses(y) == 1 && !oo_value_is_pinned(y) ? oo_use_node(use) : NULL;
    if (!sum || !oo_node_is(sum, "Add") || oo_node_graph(sum) != oo_node_graph(p->matmul) || oo_value_is_annotated(oo_node_output(sum, 0)))
        return;
    const oo_value *const other = oo_node_input(sum, 1 - oo_use_index(use));
    const oo_tensor *const vector = other ? oo_value_const(other) : NULL;
    if (vector && oo_tensor_rank(vector) == 1 && oo_tensor_dims(vector)[0] == p->width && oo_tensor_elem(vector) == oo_tensor_elem(p->weights)) {
        p->sum = sum;
        p->vector = vector;
    }
}

static bool read_product(product *out, const oo_use *use, const oo_graph *graph) {
    oo_node *const node = oo_use_node(use);
    if (!node || oo_use_index(use) != 0 || !oo_node_is(node, "MatMul") || oo_node_graph(node) != graph || !oo_node_output(node, 0) ||
        oo_value_is_annotated(oo_node_output(node, 0)))
        return false;
    const oo_value *const w = oo_node_input(node, 1);
    const oo_tensor *const weights = w && oo_value_nuses(w) == 1 && !oo_value_is_pinned(w) ? oo_value_const(w) : NULL;
    if (!weights || oo_tensor_rank(weights) != 2 || !bytes_of(oo_tensor_elem(weights)) || !oo_tensor_dims(weights)[0] ||
        oo_tensor_dims(weights)[1] < 1 || oo_tensor_dims(weights)[1] > WIDEST)
        return false;
    *out = (product){.matmul = node, .weights = weights, .width = oo_tensor_dims(weights)[1]};
    find_sum(out);
    return true;
}

static uint32_t collect(product *out, const oo_value *x, const oo_graph *graph) {
    uint32_t count = 0;
    for (oo_use *use = oo_value_first_use(x); use && count < MOST; use = oo_use_next(use))
        if (read_product(&out[count], use, graph) && (!count || oo_tensor_dims(out[count].weights)[0] == oo_tensor_dims(out[0].weights)[0]))
            count++;
    /* Uses stand in no order: that of the nodes is that of the columns. */
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && oo_node_order(out[k].matmul) < oo_node_order(out[k - 1].matmul); k--) {
            const product other = out[k];
            out[k] = out[k - 1];
            out[k - 1] = other;
        }
    return count;
}

/* ---- building ---- */
static oo_value *all_columns(oo_rewriter *rw, const oo_graph *graph, const product *p, uint32_t count) {
    columns c = {.count = count, .bytes = bytes_of(oo_tensor_elem(p[0].weights))};
    for (uint32_t i = 0; i < count; i++) {
        c.parts[i] = p[i].weights;
        c.widths[i] = p[i].width;
        c.width += p[i].width;
    }
    const int64_t dims[] = {oo_tensor_dims(p[0].weights)[0], c.width};
    oo_tensor *const tensor = oo_tensor_make_lazy(oo_rewriter_model(rw), oo_tensor_elem(p[0].weights), 2, dims, fill_columns, &c, sizeof c);
    return oo_build_const(rw, (oo_graph *)(uintptr_t)graph, tensor, oo_value_name(oo_node_input(p[0].matmul, 1)));
}

/* All vectors in a row, with zeros for what has none; NULL when one cannot be read. */
static oo_value *all_vectors(oo_rewriter *rw, const oo_graph *graph, const product *p, uint32_t count) {
    const oo_elem elem = oo_tensor_elem(p[0].weights);
    int64_t width = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        width += p[i].width;
    unsigned char *const data = oo_scratch(rw, (size_t)width * bytes_of(elem));
    const char *stem = "";
    for (uint32_t i = 0; i < count; i++) {
        if (p[i].vector && !oo_tensor_read(p[i].vector, 0, (uint64_t)p[i].width, data + at * bytes_of(elem)))
            return NULL;
        stem = p[i].vector && !*stem ? oo_value_name(oo_node_input(p[i].sum, oo_value_const(oo_node_input(p[i].sum, 1)) ? 1 : 0)) : stem;
        at += p[i].width;
    }
    return oo_build_const(rw, (oo_graph *)(uintptr_t)graph, oo_tensor_make(oo_rewriter_model(rw), elem, 1, &width, data), stem);
}

static oo_node *build_split(oo_rewriter *rw, oo_node *before, const oo_value *x, const product *p, uint32_t count) {
    int64_t sizes[MOST];
    oo_graph *const graph = oo_node_graph(before);
    for (uint32_t i = 0; i < count; i++)
        sizes[i] = p[i].width;
    const bool by_input = oo_graph_opset(graph, "") >= 13;
    const oo_value *inputs[2] = {x, NULL};
    if (by_input)
        inputs[1] = oo_build_const(rw, graph, oo_tensor_make(oo_rewriter_model(rw), OO_INT64, 1, (const int64_t[]){count}, sizes), "split");
    oo_node *const split = oo_build(rw, before, "", "Split", inputs, by_input ? 2 : 1, count);
    oo_set_int(rw, split, "axis", oo_type_rank(oo_value_type(oo_node_output(p[0].matmul, 0))) - 1);
    if (!by_input)
        oo_set_ints(rw, split, "split", sizes, count);
    return split;
}

static oo_node *build_product(oo_rewriter *rw, oo_node *before, oo_value *x, const product *p, uint32_t count) {
    const oo_graph *const graph = oo_node_graph(before);
    bool sums = false;
    for (uint32_t i = 0; i < count; i++)
        sums |= p[i].sum != NULL;
    const oo_value *inputs[2] = {x, all_columns(rw, graph, p, count)};
    const oo_value *y = oo_node_output(oo_build(rw, before, "", "MatMul", inputs, 2, 1), 0);
    if (sums) {
        inputs[0] = y;
        inputs[1] = all_vectors(rw, graph, p, count);
        if (!inputs[1])
            return NULL;
        y = oo_node_output(oo_build(rw, before, "", "Add", inputs, 2, 1), 0);
    }
    return build_split(rw, before, y, p, count);
}

/* False when fuel is out. */
static bool merge(oo_rewriter *rw, int64_t *room, oo_value *x, const product *p, uint32_t count) {
    if (!oo_begin(rw, RULE, p[0].matmul))
        return false;
    oo_node *const split = build_product(rw, p[0].matmul, x, p, count);
    bool done = split != NULL;
    for (uint32_t i = 0; i < count && done; i++)
        done = oo_replace(rw, oo_node_output(p[i].sum ? p[i].sum : p[i].matmul, 0), oo_node_output(split, i));
    if (!done) {
        oo_abandon(rw);
        oo_miss(rw, RULE, p[0].matmul, "a result is not visible everywhere, or a vector cannot be read");
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (p[i].sum)
            oo_erase(rw, p[i].sum);
        oo_erase(rw, p[i].matmul);
    }
    if (!oo__growth_allowed(room, rw)) {
        oo_miss(rw, RULE, p[0].matmul, "the file would grow by %lld bytes, past the limit: others use the matrices too",
                (long long)oo__growth_of_rewrite(rw));
        oo_abandon(rw);
        return true;
    }
    oo_end(rw);
    return true;
}

/* Fewer operators: n products, with s sums among them, become a product, a Split and perhaps a sum. */
static bool pays(const product *p, uint32_t count) {
    uint32_t sums = 0;
    for (uint32_t i = 0; i < count; i++)
        sums += p[i].sum != NULL;
    return count + sums > 2u + (sums > 0);
}

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    int64_t room = oo__growth_room(model, &((const options *)opts)->growth);
    oo_for_each_graph(graph, model) oo_for_each_node(node, graph) {
        oo_value *const x = oo_node_is(node, "MatMul") ? oo_node_input(node, 0) : NULL;
        const int32_t rank = x && oo_node_output(node, 0) ? oo_type_rank(oo_value_type(oo_node_output(node, 0))) : -1;
        product p[MOST];
        if (rank < 2 || oo_type_rank(oo_value_type(x)) != rank)
            continue;
        const uint32_t count = collect(p, x, graph);
        if (count >= 2 && p[0].matmul == node && pays(p, count) && !merge(rw, &room, x, p, count))
            return OO_OK;
    }
    return OO_OK;
}

static const oo_option_row rows[] = {OO_GROWTH_OPTIONS(options, growth)};

const oo_pass oo_pass_merge_products = {
    .size = sizeof(oo_pass),
    .name = "merge-products",
    .summary = "Make one MatMul of those that multiply one value by constant matrices",
    .doc = "The columns of all matrices, and of the vectors that are added to the products, become one matrix and one vector; a Split takes the "
           "result apart. Only where fewer operators are left: three products, or two with vectors.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .needs = OO_TYPES | OO_VALUES | OO_ORDER,
    .keeps = OO_TYPES | OO_VALUES,
    .inexact = true,
    .run = run,
};
