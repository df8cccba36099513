/* Kernels that move elements, where ONNX's own cases do not go: large arrays, all widths, corners of Slice, strings, refused inputs. */
#include "eval/eval.h"
#include "run_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Transpose against its definition ---- */
static oo_array *counted(oo_elem elem, uint32_t rank, const int64_t *dims) {
    oo_array *const a = oo__array_new(elem, rank, dims);
    uint8_t *const bytes = a->data;
    for (uint64_t i = 0; i < a->count * oo__array_width(elem); i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    return a;
}

static void check_transposed(const oo_array *x, const oo_array *y, const int64_t *perm) {
    const uint32_t width = oo__array_width(x->elem);
    assert_int_equal(y->count, x->count);
    for (uint64_t i = 0; i < y->count; i++) {
        int64_t index[8] = {0};
        uint64_t rest = i, from = 0;
        for (uint32_t k = y->rank; k-- > 0;) {
            index[perm[k]] = (int64_t)(rest % (uint64_t)y->dims[k]);
            rest /= (uint64_t)y->dims[k];
        }
        for (uint32_t k = 0; k < x->rank; k++)
            from = from * (uint64_t)x->dims[k] + (uint64_t)index[k];
        if (memcmp((char *)y->data + i * width, (char *)x->data + from * width, width) != 0)
            fail_msg("element %llu of a transposed %s", (unsigned long long)i, oo__elem_name((int32_t)x->elem));
    }
}

static void test_transpose(void **state) {
    (void)state;
    static const struct {
        uint32_t rank;
        int64_t dims[5], perm[5];
    } CASES[] = {{2, {700, 333}, {1, 0}},
                 {2, {3, 70001}, {1, 0}},
                 {3, {5, 129, 257}, {0, 2, 1}},
                 {3, {65, 66, 67}, {2, 0, 1}},
                 {4, {3, 64, 33, 17}, {0, 2, 3, 1}},
                 {4, {7, 19, 31, 32}, {2, 0, 3, 1}},
                 {4, {1, 40, 1, 50}, {3, 2, 1, 0}},
                 {5, {6, 7, 8, 9, 10}, {4, 2, 0, 3, 1}},
                 {5, {2, 3, 1, 100, 90}, {1, 0, 2, 4, 3}}};
    static const oo_elem ELEMS[] = {OO_INT8, OO_FLOAT16, OO_FLOAT, OO_INT64, OO_COMPLEX128};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (size_t e = 0; e < sizeof ELEMS / sizeof *ELEMS; e++) {
            oo_array *const x = counted(ELEMS[e], CASES[i].rank, CASES[i].dims);
            char call[80] = "Transpose<perm = [";
            for (uint32_t k = 0; k < CASES[i].rank; k++)
                snprintf(call + strlen(call), 8, "%s%d", k ? ", " : "", (int)CASES[i].perm[k]);
            snprintf(call + strlen(call), 8, "]>(i0)");
            oo_array *const y = RUN(21, call, x);
            assert_non_null(y);
            check_transposed(x, y, CASES[i].perm);
            oo__array_release(x);
            oo__array_release(y);
        }
}

/* ---- Slice: one axis of 0 1 2 3 4 ---- */
static void check_slice(int64_t start, int64_t end, int64_t step, const char *expected) {
    oo_array *const x = INTS(0, 1, 2, 3, 4), *const s = INTS(start), *const e = INTS(end), *const a = INTS(0),
                    *const t = INTS(step);
    oo_array *const y = RUN(13, "Slice(i0, i1, i2, i3, i4)", x, s, e, a, t);
    assert_non_null(y);
    char got[16] = "";
    for (uint64_t i = 0; i < y->count; i++)
        got[i] = (char)('0' + ((int64_t *)y->data)[i]);
    assert_string_equal(got, expected);
    oo_array *const all[] = {x, s, e, a, t, y};
    for (size_t i = 0; i < 6; i++)
        oo__array_release(all[i]);
}

static void test_slice(void **state) {
    (void)state;
    check_slice(0, INT64_MAX, 1, "01234");
    check_slice(INT64_MIN, INT64_MAX, 1, "01234");
    check_slice(-1, INT64_MIN, -1, "43210");
    check_slice(INT64_MAX, INT64_MIN, -1, "43210");
    check_slice(4, 0, -2, "42");
    check_slice(4, -6, -2, "420");
    check_slice(1, 5, INT64_MAX, "1");
    check_slice(3, INT64_MIN, INT64_MIN, "3");
    check_slice(0, 5, 3, "03");
    check_slice(3, 3, 1, "");
    check_slice(4, 1, 1, "");
    check_slice(1, 4, -1, "");
    check_slice(5, 9, 1, "");
    check_slice(-9, -5, 1, "");
    check_slice(-9, INT64_MIN, -1, "0"); /* clamped to the first element */
}

/* ---- strings are copied, not shared ---- */
static oo_array *words(uint32_t count, const char *const *items) {
    oo_array *const a = oo__array_new(OO_STRING, 1, (const int64_t[]){count});
    for (uint32_t i = 0; i < count; i++)
        oo__array_set_string(a, i, (oo_bytes){(const uint8_t *)items[i], strlen(items[i])});
    return a;
}

/* All strings joined; takes the reference. */
static void check_words(oo_array *a, const char *expected) {
    char got[64] = "";
    assert_non_null(a);
    for (uint64_t i = 0; i < a->count; i++) {
        const oo_bytes s = ((const oo_bytes *)a->data)[i];
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i ? "," : "", (int)s.size,
                 s.data ? (const char *)s.data : "");
    }
    assert_string_equal(got, expected);
    oo__array_release(a);
}

static void test_strings(void **state) {
    (void)state;
    oo_array *const x = words(4, (const char *const[]){"a", "bc", "", "def"}), *const one =
                                                                                   words(1, (const char *const[]){"-"});
    oo_array *const pads = INTS(1, 2), *const indices = INTS(3, -3), *const two = INTS(2), *const two_two = INTS(2, 2);
    check_words(RUN(21, "Concat<axis = 0>(i0, i1, i0)", x, one), "a,bc,,def,-,a,bc,,def");
    check_words(RUN(21, "Gather(i0, i1)", x, indices), "def,bc");
    check_words(RUN(21, "Pad(i0, i1, i2)", x, pads, one), "-,a,bc,,def,-,-");
    check_words(RUN(21, "Pad<mode = \"reflect\">(i0, i1)", x, pads), "bc,a,bc,,def,,bc");
    check_words(RUN(21, "Tile(i0, i1)", x, two), "a,bc,,def,a,bc,,def");
    check_words(RUN(21, "ScatterElements(i0, i1, i2)", x, two, one), "a,bc,-,def");
    check_words(RUN(21, "Unique(i0)", x), ",a,bc,def");
    oo_array *const square = RUN(21, "Reshape(i0, i1)", x, two_two);
    check_words(RUN(21, "Transpose(i0)", square), "a,,bc,def");
    oo_array *const all[] = {x, one, pads, indices, two, two_two, square};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        oo__array_release(all[i]);
}

/* ---- inputs that are refused ---- */
static void check_refused(oo_array *result, const char *part) {
    assert_null(result);
    if (!strstr(run_message, part))
        fail_msg("\"%s\" does not say \"%s\"", run_message, part);
}

static void test_refused(void **state) {
    (void)state;
    const int64_t empty[] = {0, INT64_MAX, INT64_MAX};
    oo_array *const x = INTS(1, 2, 3), *const five = INTS(5), *const huge = INTS(INT64_MAX, INT64_MAX),
                    *const minus = INTS(-1, -1);
    oo_array *const nothing = oo__array_new(OO_FLOAT, 3, empty);
    check_refused(RUN(21, "Gather(i0, i1)", x, five), "index 5 is out of range for a dimension of 3");
    check_refused(RUN(21, "GatherElements(i0, i1)", x, five), "index 5");
    check_refused(RUN(21, "ScatterElements(i0, i1, i1)", x, five), "index 5");
    check_refused(RUN(21, "Reshape(i0, i1)", x, huge), "does not fit");
    check_refused(RUN(21, "Reshape(i0, i1)", x, minus), "as another one");
    check_refused(RUN(21, "ConstantOfShape(i0)", huge), "limit");
    check_refused(RUN(21, "ConstantOfShape(i0)", minus), "negative");
    check_refused(RUN(21, "Tile(i0, i1)", x, minus), "there are 2 repeats for 1 dimensions");
    check_refused(RUN(21, "Transpose<perm = [1]>(i0)", x), "axis 1 is out of range");
    check_refused(RUN(21, "Squeeze(i0, i1)", x, five), "axis 5");
    check_refused(RUN(21, "Concat<axis = 0>(i0, i1)", x, nothing), "input 1 differs");
    /* Dimensions whose product is no number are harmless where one is 0. */
    oo_array *const turned = RUN(21, "Transpose<perm = [2, 0, 1]>(i0)", nothing);
    assert_non_null(turned);
    assert_int_equal(turned->dims[1], 0);
    oo_array *const sum = RUN(21, "Add(i0, i0)", nothing);
    assert_non_null(sum);
    oo__array_release(sum);
    oo_array *const all[] = {x, five, huge, minus, nothing, turned};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        oo__array_release(all[i]);
}

/* ---- versions that no case of ONNX's uses any more ---- */
/* All elements as integers; takes the reference. */
static void check_numbers(oo_array *a, const char *expected) {
    char got[80] = "";
    if (!a) {
        fail_msg("%s", run_message);
        return;
    }
    for (uint32_t k = 0; k < a->rank; k++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", k ? "x" : "", (int)a->dims[k]);
    for (uint64_t i = 0; i < a->count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", i ? " " : ": ", (int)oo__array_double(a, i));
    assert_string_equal(got, expected);
    oo__array_release(a);
}

static oo_array *reals(uint32_t rank, int64_t rows, int64_t columns, const float *items) {
    return array_of(OO_FLOAT, rank, (const int64_t[]){rows, columns}, items);
}

static void test_old_versions(void **state) {
    (void)state;
    oo_array *const x = reals(2, 2, 2, (const float[]){1, 2, 3, 4}), *const two = reals(1, 1, 0, (const float[]){2});
    oo_array *const one = reals(1, 1, 0, (const float[]){1}), *const index =
                                                                  array_of(OO_INT32, 2, (const int64_t[]){1, 1},
                                                                           (const int32_t[]){1});
    oo_array *const image = array_of(OO_FLOAT, 4, (const int64_t[]){1, 1, 2, 2}, (const float[]){1, 2, 3, 4});
    oo_array *const update = reals(2, 1, 1, (const float[]){9});
    check_numbers(RUN(1, "Reshape<shape = [0, 1, -1]>(i0)", x), "2x1x2: 1 2 3 4");
    check_numbers(RUN(1, "Tile(i0, i1, i2)", x, two, one), "2x4: 1 2 1 2 3 4 3 4");
    check_numbers(RUN(1, "Pad<paddings = [0, 1, 1, 0], value = 7.0>(i0)", x), "3x3: 7 1 2 7 3 4 7 7 7");
    check_numbers(RUN(2, "Pad<pads = [0, -1, 0, 1]>(i0)", x), "2x2: 2 0 4 0");
    check_numbers(RUN(1, "Cast<to = \"INT64\">(i0)", x), "2x2: 1 2 3 4");
    check_numbers(RUN(1, "TopK<k = 1>(i0)", x), "2x1: 2 4");
    check_numbers(RUN(1, "Concat(i0, i0)", x), "2x4: 1 2 1 2 3 4 3 4");
    check_numbers(RUN(4, "Concat<axis = 0>(i0, i0)", x), "4x2: 1 2 3 4 1 2 3 4");
    check_numbers(RUN(1, "Slice<axes = [1], starts = [-1], ends = [9]>(i0)", x), "2x1: 2 4");
    check_numbers(RUN(1, "Slice<starts = [1], ends = [2]>(i0)", x), "1x2: 3 4");
    check_numbers(RUN(1, "Split<axis = 1, split = [2]>(i0)", x), "2x2: 1 2 3 4");
    check_numbers(RUN(1, "Split<axis = 1>(i0, i1)", x, two), "2x2: 1 2 3 4");
    check_numbers(RUN(1, "Unsqueeze<axes = [0, 2]>(i0)", x), "1x2x1x2: 1 2 3 4");
    check_numbers(RUN(1, "Upsample<height_scale = 1.5, width_scale = 2.0>(i0)", image),
                  "1x1x3x4: 1 1 2 2 1 1 2 2 3 3 4 4");
    check_numbers(RUN(7, "Upsample<scales = [1.0, 1.0, 1.0, 2.0], mode = \"linear\">(i0)", image),
                  "1x1x2x4: 1 1 2 2 3 3 4 4");
    check_numbers(RUN(9, "Scatter<axis = 1>(i0, i1, i2)", x, index, update), "2x2: 1 9 3 4");
    oo_array *const all[] = {x, two, one, index, image, update};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        oo__array_release(all[i]);
}

/* ---- views share their data, and nobody writes through them ---- */
static void test_shared(void **state) {
    (void)state;
    oo_array *const x = INTS(1, 2, 3, 4), *const shape = INTS(2, 2);
    oo_array *const y = RUN(21, "Reshape(i0, i1)", x, shape);
    assert_ptr_equal(y->data, x->data);
    oo_array *const own = oo__array_own(y); /* `y` moves */
    assert_ptr_not_equal(own->data, x->data);
    oo__array_release(own);
    oo__array_release(x);
    oo__array_release(shape);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transpose),    cmocka_unit_test(test_slice),
                                       cmocka_unit_test(test_strings),      cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_old_versions), cmocka_unit_test(test_shared)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
