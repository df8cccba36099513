/* Inference of types and symbolic shapes, by the dimensions as they are printed. */
#include "tests/unit/build.h"

#include "ir/infer.h"

/* ---- building ---- */
/* An input of FLOAT (or INT64) with dimensions such as "N", "8"; NULL = not said. */
static oo_value *input(world *w, const char *name, oo_elem elem, uint32_t rank, const char *const *dims) {
    oo_value *const value = add_input(w->graph, name);
    oo_type *const type = OO_NEW(w->model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = (int32_t)elem, .has_elem = true, .has_shape = true, .rank = rank};
    type->dims = OO_NEW_ARRAY(w->model->arena, oo_dim, rank);
    for (uint32_t i = 0; i < rank; i++) {
        char *end;
        const long long n = dims[i] ? strtoll(dims[i], &end, 10) : 0;
        if (dims[i] && *end == 0)
            type->dims[i] = (oo_dim){.kind = OO_DIM_VALUE, .value = n};
        else if (dims[i])
            type->dims[i] = (oo_dim){.kind = OO_DIM_PARAM, .param = oo__str(w->model, dims[i])};
    }
    w->graph->inputs.data[w->graph->inputs.n - 1].type = type;
    return value;
}
#define INPUT(w, name, elem, ...) \
    input((w), (name), (elem), COUNT_OF(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

static oo_value *ints(world *w, const char *name, uint32_t rank, uint32_t n, const int64_t *data) {
    return add_init(w->graph, name, oo_tensor_make(w->model, OO_INT64, rank, (const int64_t[]){n}, data));
}
#define INTS(w, name, ...) \
    ints((w), (name), 1, COUNT_OF(((const int64_t[]){__VA_ARGS__})), (const int64_t[]){__VA_ARGS__})

static oo_value *number(world *w, const char *name, int64_t n) { return ints(w, name, 0, 1, &n); }

static void add_ints(world *w, oo_node *node, const char *name, uint32_t n, const int64_t *data) {
    oo_attr *const a = add_attr(node, name, OO_ATTR_INTS);
    a->ints = OO_NEW_ARRAY(w->model->arena, int64_t, n);
    memcpy(a->ints, data, n * sizeof *data);
    a->count = n;
}

static oo_status infer(world *w, const oo_infer_settings *settings) {
    forget_told();
    return oo__infer_model(w->model, settings);
}

/* "[2*N, 8]", "?" for an unknown rank. */
static void expect(const world *w, const oo_value *value, const char *wanted) {
    char text[512] = "?";
    if (oo_type_rank(value->type) >= 0) {
        size_t at = (size_t)snprintf(text, sizeof text, "[");
        for (uint32_t i = 0; i < value->type->rank; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "",
                                   oo__expr_print(value->type->dims[i].expr, w->model->arena));
        snprintf(text + at, sizeof text - at, "]");
    }
    assert_string_equal(text, wanted);
}

/* ---- shapes ---- */
static void strides_on_a_symbol(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *v = INPUT(w, "x", OO_FLOAT, "N", "3", "H", "H");
    oo_value *const weights = INPUT(w, "w", OO_FLOAT, "3", "3", "3", "3");
    for (int i = 0; i < 3; i++) {
        oo_node *const conv = add_node(w->graph, "Conv", "c", 1, v, weights);
        add_ints(w, conv, "strides", 2, (const int64_t[]){2, 2});
        add_ints(w, conv, "pads", 4, (const int64_t[]){1, 1, 1, 1});
        v = oo_node_output(conv, 0);
        assert_int_equal(infer(w, NULL), OO_OK);
        expect(w, v, i == 0 ? "[N, 3, floor((H - 1)/2) + 1, floor((H - 1)/2) + 1]"
                   : i == 1 ? "[N, 3, floor((H - 1)/4) + 1, floor((H - 1)/4) + 1]"
                            : "[N, 3, floor((H - 1)/8) + 1, floor((H - 1)/8) + 1]");
    }
    world_free(w);
}

static void shapes_from_contents(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = INPUT(w, "x", OO_FLOAT, "B", "S", "64");
    oo_value *const split = add_op(w->graph, "Reshape", "split", x, INTS(w, "to", 0, -1, 8, 8));
    oo_node *const join = add_node(w->graph, "Concat", "join", 1, x, x);
    add_int(join, "axis", -2);
    oo_value *const less = add_op(w->graph, "Slice", "less", x, INTS(w, "one", 1), INTS(w, "end", INT64_MAX), INTS(w, "axis", 1));
    oo_value *const shape = add_op(w->graph, "Shape", "shape", x);
    oo_value *const batch = add_op(w->graph, "Gather", "batch", shape, INTS(w, "zero", 0));
    oo_node *const target = add_node(w->graph, "Concat", "target", 1, batch, INTS(w, "rest", -1));
    add_int(target, "axis", 0);
    oo_value *const flat = add_op(w->graph, "Reshape", "flat", x, oo_node_output(target, 0));
    oo_value *const length = add_op(w->graph, "Gather", "length", shape, number(w, "first", 1));
    oo_value *const range = add_op(w->graph, "Range", "range", number(w, "from", 0), length, number(w, "step", 1));
    oo_value *const steps = input(w, "n", OO_INT64, 0, NULL);
    oo_value *const counted = add_op(w->graph, "Range", "counted", number(w, "base", 0), steps, number(w, "by", 1));
    assert_int_equal(infer(w, NULL), OO_OK);
    expect(w, counted, "[\"range#1\"]"); /* as long as data says */
    expect(w, split, "[B, S, 8, 8]");
    expect(w, oo_node_output(join, 0), "[B, 2*S, 64]");
    expect(w, less, "[B, S - min(S, 1), 64]");
    expect(w, flat, "[B, 64*S]");
    expect(w, length, "[]");
    expect(w, range, "[S]");
    const oo_infer_settings fixed = {.dims = (const char *const[]){"S=5"}, .ndims = 1};
    assert_int_equal(infer(w, &fixed), OO_OK);
    expect(w, less, "[B, 4, 64]");
    expect(w, range, "[5]");
    world_free(w);
}

static void edges(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const empty = INPUT(w, "e", OO_FLOAT, "0", "N"), *const row = INPUT(w, "r", OO_FLOAT, "1", "N");
    oo_value *const scalar_value = input(w, "s", OO_FLOAT, 0, NULL), *const anything = add_input(w->graph, "a");
    oo_value *const sum = add_op(w->graph, "Add", "sum", empty, row);
    oo_value *const same = add_op(w->graph, "Add", "same", scalar_value, scalar_value);
    oo_value *const unknown = add_op(w->graph, "Add", "unknown", anything, row);
    oo_value *const indices = add_op(w->graph, "NonZero", "where", row);
    assert_int_equal(infer(w, NULL), OO_OK);
    expect(w, sum, "[0, N]");
    expect(w, same, "[]");
    expect(w, unknown, "?");
    assert_int_equal(oo_type_rank(indices->type), 2);
    const oo_infer_counts n = oo__infer_count(w->model);
    assert_int_equal(n.values, 4);
    assert_int_equal(n.resolved, 2);
    assert_int_equal(n.fresh, 1);
    assert_int_equal(n.unknown, 1);
    world_free(w);
}

static void weights_tell_the_rank(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = add_input(w->graph, "x"), *const weights = INPUT(w, "w", OO_FLOAT, "8", "3", "5");
    oo_value *const y = add_op(w->graph, "Conv", "y", x, weights);
    assert_int_equal(infer(w, NULL), OO_OK);
    expect(w, y, "[?, 8, ?]");
    world_free(w);
}

/* ---- claims and refusals ---- */
static void claims_fill_and_clash(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = INPUT(w, "x", OO_FLOAT, "N", "4");
    oo_node *const foreign = oo__node_new(w->graph, "com.example", "Foreign", 0, 1, 0);
    (void)foreign;
    oo_value *const y = add_op(w->graph, "Relu", "y", x);
    oo_vec_push(w->model->arena, &w->graph->infos,
                ((oo_value_info){.value = y, .name = y->name, .type = tensor_type_of(w->model, OO_FLOAT, 2, (const int64_t[]){2, 5})}));
    assert_int_equal(infer(w, NULL), OO_OK);
    expect(w, y, "[N, 4]"); /* what the operator says counts */
    const oo_infer_settings strict = {.strict = true};
    assert_int_equal(infer(w, &strict), OO_INVALID);
    assert_told("\"y\" is declared as tensor(float)[2,5], its operator gives tensor(float)[N,4]");
    world_free(w);
}

static void refusals_are_located(void **state) {
    (void)state;
    const oo_infer_settings strict = {.strict = true};
    world *const w = world_new(17);
    oo_value *const most = INTS(w, "most", INT64_MAX), *const two = INTS(w, "two", 2);
    add_op(w->graph, "Mul", "huge", most, two);
    assert_int_equal(infer(w, &strict), OO_INVALID);
    assert_told("Mul");
    assert_told("does not fit 64 bits");
    world_free(w);
    world *const s = world_new(17);
    add_op(s->graph, "Softmax", "soft", input(s, "x", OO_FLOAT, 0, NULL));
    assert_int_equal(infer(s, &strict), OO_INVALID);
    assert_told("Softmax");
    assert_told("out of range for rank 0");
    assert_int_equal(infer(s, NULL), OO_OK); /* told, not fatal */
    assert_told("out of range for rank 0");
    world_free(s);
}

/* ---- proofs ---- */
/* The one number that is known of the contents, -1 when none is. */
static int64_t known_number(const oo_value *value) {
    int64_t n;
    const oo_known *const k = value->known;
    return k && k->count == 1 && k->items[0].numerator && oo__expr_is_int(k->items[0].numerator, &n) ? n : -1;
}

static oo_value *scalar_of(world *w, const char *name, oo_elem elem, double number) {
    const uint8_t byte = elem == OO_UINT8 ? (uint8_t)number : 0;
    return add_init(w->graph, name,
                    elem == OO_UINT8 ? oo_tensor_make(w->model, elem, 0, NULL, &byte)
                                     : oo_tensor_from_doubles(w->model, elem, 0, NULL, &number));
}

/* What arithmetic says and a machine does not compute is no proof; what both agree on is. */
static void machines_round_and_wrap(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const wrapped =
        add_op(w->graph, "Add", "wrapped", scalar_of(w, "a", OO_UINT8, 200), scalar_of(w, "b", OO_UINT8, 100));
    oo_value *const fits =
        add_op(w->graph, "Add", "fits", scalar_of(w, "c", OO_UINT8, 200), scalar_of(w, "d", OO_UINT8, 55));
    oo_value *const product =
        add_op(w->graph, "Mul", "product", scalar_of(w, "e", OO_FLOAT, 1 - 0x1p-20), scalar_of(w, "f", OO_FLOAT, 1048577));
    oo_value *const rounded = add_op(w->graph, "Floor", "rounded", product);
    oo_value *const exact =
        add_op(w->graph, "Mul", "exact", scalar_of(w, "g", OO_FLOAT, 0.75), scalar_of(w, "h", OO_FLOAT, 8));
    oo_value *const large =
        add_op(w->graph, "Add", "large", scalar_of(w, "i", OO_FLOAT16, 2048), scalar_of(w, "j", OO_FLOAT16, 1));
    assert_int_equal(infer(w, NULL), OO_OK);
    assert_int_equal(known_number(wrapped), -1);
    assert_int_equal(known_number(rounded), -1); /* arithmetic gives 1048575, floats 1048576 */
    assert_int_equal(known_number(large), -1);
    oo__infer_proofs(w->model);
    assert_int_equal(known_number(wrapped), -1);
    assert_int_equal(known_number(fits), 255);
    assert_int_equal(known_number(rounded), -1);
    assert_int_equal(known_number(exact), 6);
    assert_int_equal(known_number(large), -1);
    world_free(w);
}

static void symbols_in_narrow_types(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const shape = add_op(w->graph, "Shape", "shape", INPUT(w, "x", OO_FLOAT, "N"));
    oo_node *const cast = add_node(w->graph, "Cast", "cast", 1, shape);
    add_attr(cast, "to", OO_ATTR_INT)->i = OO_INT32;
    assert_int_equal(infer(w, NULL), OO_OK);
    assert_non_null(oo_node_output(cast, 0)->known->items[0].numerator);
    oo__infer_proofs(w->model);
    assert_non_null(shape->known->items[0].numerator);
    assert_null(oo_node_output(cast, 0)->known->items[0].numerator);
    world_free(w);
}

/* "?" is no name, and arithmetic in a name is no proof. */
static void names_of_input_dimensions(void **state) {
    (void)state;
    world *const w = world_new(17);
    oo_value *const x = INPUT(w, "x", OO_FLOAT, "?", "?", "N", "N + 1");
    oo_value *const y = INPUT(w, "y", OO_FLOAT, "N", "N + 1", "None", "7 x");
    assert_int_equal(infer(w, NULL), OO_OK);
    const oo_expr *const n = x->type->dims[2].expr;
    assert_ptr_equal(x->type->dims[3].expr, oo__expr_add(w->model->exprs, n, oo__expr_int(w->model->exprs, 1)));
    oo__infer_proofs(w->model);
    const oo_dim *const a = x->type->dims, *const b = y->type->dims;
    assert_ptr_not_equal(a[0].expr, a[1].expr);
    assert_ptr_equal(a[2].expr, b[0].expr);
    assert_ptr_equal(a[3].expr, b[1].expr);
    assert_ptr_not_equal(a[3].expr, oo__expr_add(w->model->exprs, a[2].expr, oo__expr_int(w->model->exprs, 1)));
    assert_non_null(b[2].expr);
    world_free(w);
}

static void sizes_scaled_in_float(void **state) {
    (void)state;
    world *const w = world_new(10);
    oo_value *const x = INPUT(w, "x", OO_FLOAT, "N", "10", "10");
    oo_value *const scales =
        add_init(w->graph, "scales",
                 oo_tensor_from_doubles(w->model, OO_FLOAT, 1, (const int64_t[]){3}, (const double[]){1.5, 0.7, 2}));
    oo_value *const y = add_op(w->graph, "Resize", "y", x, scales);
    assert_int_equal(infer(w, NULL), OO_OK);
    expect(w, y, "[N + floor(N/2), 6, 20]");
    oo__infer_proofs(w->model);
    expect(w, y, "[N + floor(N/2), ?, 20]");
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strides_on_a_symbol), cmocka_unit_test(shapes_from_contents), cmocka_unit_test(edges),
        cmocka_unit_test(claims_fill_and_clash), cmocka_unit_test(refusals_are_located),
        cmocka_unit_test(machines_round_and_wrap), cmocka_unit_test(symbols_in_narrow_types), cmocka_unit_test(sizes_scaled_in_float),
        cmocka_unit_test(names_of_input_dimensions), cmocka_unit_test(weights_tell_the_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
