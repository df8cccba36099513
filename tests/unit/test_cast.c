/* Cast for every value: the small element types against what onnx's own Cast gives, and text. */
#include "eval/eval.h"
#include "run_node.h"
#include "under_valgrind.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Written by tests/judge/cast_table.py, which also says what the hashes are of. */
static const struct {
    oo_elem from, to;
    int saturate;
    const char *round;
    uint64_t hash;
} CASTS[] = {
    {OO_FLOAT8E4M3FN, OO_FLOAT, 1, "up", UINT64_C(0x020a1997a6969d25)},
    {OO_FLOAT16, OO_FLOAT8E4M3FN, 1, "up", UINT64_C(0xaf47090016b81063)},
    {OO_FLOAT16, OO_FLOAT8E4M3FN, 0, "up", UINT64_C(0x7b149373f6ec9463)},
    {OO_BFLOAT16, OO_FLOAT8E4M3FN, 1, "up", UINT64_C(0xd126f2d8d2ed16d3)},
    {OO_BFLOAT16, OO_FLOAT8E4M3FN, 0, "up", UINT64_C(0xfe2d3566e5ba2673)},
    {OO_INT16, OO_FLOAT8E4M3FN, 1, "up", UINT64_C(0xbb327a5175163333)},
    {OO_INT16, OO_FLOAT8E4M3FN, 0, "up", UINT64_C(0xde7d8a209e44a5a2)},
    {OO_FLOAT8E4M3FNUZ, OO_FLOAT, 1, "up", UINT64_C(0x3ab50a6f8499c6da)},
    {OO_FLOAT16, OO_FLOAT8E4M3FNUZ, 1, "up", UINT64_C(0x8085b2e0380086e3)},
    {OO_FLOAT16, OO_FLOAT8E4M3FNUZ, 0, "up", UINT64_C(0xf0646aa667c1a463)},
    {OO_BFLOAT16, OO_FLOAT8E4M3FNUZ, 1, "up", UINT64_C(0x2cebd7e9234e80f3)},
    {OO_BFLOAT16, OO_FLOAT8E4M3FNUZ, 0, "up", UINT64_C(0xd26a1cb68a3e7473)},
    {OO_INT16, OO_FLOAT8E4M3FNUZ, 1, "up", UINT64_C(0x436ed3e733de1042)},
    {OO_INT16, OO_FLOAT8E4M3FNUZ, 0, "up", UINT64_C(0x86ac878efa5f2b42)},
    {OO_FLOAT8E5M2, OO_FLOAT, 1, "up", UINT64_C(0x440748092da2a125)},
    {OO_FLOAT16, OO_FLOAT8E5M2, 1, "up", UINT64_C(0x26fad67d8c0b8573)},
    {OO_FLOAT16, OO_FLOAT8E5M2, 0, "up", UINT64_C(0x61911f52756e0a25)},
    {OO_BFLOAT16, OO_FLOAT8E5M2, 1, "up", UINT64_C(0x855d40493170ce93)},
    {OO_BFLOAT16, OO_FLOAT8E5M2, 0, "up", UINT64_C(0xdc6cf332c1ad7525)},
    {OO_INT16, OO_FLOAT8E5M2, 1, "up", UINT64_C(0x1218a04bf316766d)},
    {OO_INT16, OO_FLOAT8E5M2, 0, "up", UINT64_C(0x1218a04bf316766d)},
    {OO_FLOAT8E5M2FNUZ, OO_FLOAT, 1, "up", UINT64_C(0x4524ec9268f9c6da)},
    {OO_FLOAT16, OO_FLOAT8E5M2FNUZ, 1, "up", UINT64_C(0x0d13f62be652bd63)},
    {OO_FLOAT16, OO_FLOAT8E5M2FNUZ, 0, "up", UINT64_C(0x7b46b0c2deb659e3)},
    {OO_BFLOAT16, OO_FLOAT8E5M2FNUZ, 1, "up", UINT64_C(0xd903eac4738ac443)},
    {OO_BFLOAT16, OO_FLOAT8E5M2FNUZ, 0, "up", UINT64_C(0x245ffcb164eb74c3)},
    {OO_INT16, OO_FLOAT8E5M2FNUZ, 1, "up", UINT64_C(0x560fa376faa82ad1)},
    {OO_INT16, OO_FLOAT8E5M2FNUZ, 0, "up", UINT64_C(0x560fa376faa82ad1)},
    {OO_FLOAT4E2M1, OO_FLOAT, 1, "up", UINT64_C(0x00737516397f6465)},
    {OO_FLOAT16, OO_FLOAT4E2M1, 1, "up", UINT64_C(0x1fb1dba66200138b)},
    {OO_BFLOAT16, OO_FLOAT4E2M1, 1, "up", UINT64_C(0xfb418570cc66248b)},
    {OO_INT16, OO_FLOAT4E2M1, 1, "up", UINT64_C(0xb8841607b0d7ebd6)},
    {OO_FLOAT6E2M3, OO_FLOAT, 1, "up", UINT64_C(0x437daba9a23d0825)},
    {OO_FLOAT16, OO_FLOAT6E2M3, 1, "up", UINT64_C(0x0b6f9bfbd0181f43)},
    {OO_BFLOAT16, OO_FLOAT6E2M3, 1, "up", UINT64_C(0xef95397843814593)},
    {OO_INT16, OO_FLOAT6E2M3, 1, "up", UINT64_C(0xca7a83106b7c6f22)},
    {OO_FLOAT6E3M2, OO_FLOAT, 1, "up", UINT64_C(0x4c67d1405afd0825)},
    {OO_FLOAT16, OO_FLOAT6E3M2, 1, "up", UINT64_C(0x5969e4902129f6c3)},
    {OO_BFLOAT16, OO_FLOAT6E3M2, 1, "up", UINT64_C(0x0ae582f4d630afa3)},
    {OO_INT16, OO_FLOAT6E3M2, 1, "up", UINT64_C(0x7bd8c514552807ee)},
    {OO_FLOAT8E8M0, OO_FLOAT, 1, "up", UINT64_C(0x47ea507e91d44728)},
    {OO_FLOAT16, OO_FLOAT8E8M0, 1, "up", UINT64_C(0x042b595ee01d1f12)},
    {OO_FLOAT16, OO_FLOAT8E8M0, 1, "down", UINT64_C(0x1f81c710a9d81363)},
    {OO_FLOAT16, OO_FLOAT8E8M0, 1, "nearest", UINT64_C(0x08649b48d80f9906)},
    {OO_BFLOAT16, OO_FLOAT8E8M0, 1, "up", UINT64_C(0xde15698d35b10344)},
    {OO_BFLOAT16, OO_FLOAT8E8M0, 1, "down", UINT64_C(0x0ec89b4441f4d26a)},
    {OO_BFLOAT16, OO_FLOAT8E8M0, 1, "nearest", UINT64_C(0x89f54651318a1b13)},
    {OO_INT16, OO_FLOAT8E8M0, 1, "up", UINT64_C(0xb12df9100166c05c)},
    {OO_INT16, OO_FLOAT8E8M0, 1, "down", UINT64_C(0xa89de132c0b77ddc)},
    {OO_INT16, OO_FLOAT8E8M0, 1, "nearest", UINT64_C(0x561dfc04add17001)},
    {OO_INT16, OO_INT4, 1, "up", UINT64_C(0x510fff68f8c72325)},
    {OO_INT16, OO_UINT4, 1, "up", UINT64_C(0x58afcfd37ec72325)},
    {OO_INT16, OO_INT2, 1, "up", UINT64_C(0x730a5e1cd5152325)},
    {OO_INT16, OO_UINT2, 1, "up", UINT64_C(0xc5c2e43322c52325)},
};

static bool is_small_float(oo_elem elem) {
    return elem >= OO_FLOAT8E4M3FN && elem != OO_UINT4 && elem != OO_INT4 && elem != OO_UINT2 && elem != OO_INT2;
}

/* All codes of a type but, where the result may have none, NaN, and for FLOAT8E8M0 but negative numbers. */
static oo_array *all_values(oo_elem from, oo_elem to) {
    const int64_t codes = !is_small_float(from)                            ? 65536
                          : from == OO_FLOAT4E2M1                          ? 16
                          : from == OO_FLOAT6E2M3 || from == OO_FLOAT6E3M2 ? 64
                                                                           : 256;
    oo_array *const all = oo__array_new(from, 1, &codes);
    int64_t kept = 0;
    for (int64_t code = 0; code < codes; code++) {
        if (codes == 65536)
            ((uint16_t *)all->data)[kept] = (uint16_t)code;
        else
            ((uint8_t *)all->data)[kept] = (uint8_t)code;
        const double value = oo__array_double(all, (uint64_t)kept);
        kept += codes < 65536 || (!isnan(value) && !(to == OO_FLOAT8E8M0 && value < 0));
    }
    oo_array *const x = array_of(from, 1, &kept, all->data);
    oo__array_release(all);
    return x;
}

/* FNV-1a over whole elements; every NaN counts as 2^32 - 1. */
static uint64_t hash_of(const oo_array *a) {
    uint64_t hash = UINT64_C(14695981039346656037);
    const bool is_float = a->elem == OO_FLOAT || is_small_float(a->elem);
    for (uint64_t i = 0; i < a->count; i++) {
        uint32_t bits = a->elem == OO_FLOAT ? ((const uint32_t *)a->data)[i] : ((const uint8_t *)a->data)[i];
        if (is_float && isnan(oo__array_double(a, i)))
            bits = UINT32_MAX;
        hash = (hash ^ bits) * UINT64_C(1099511628211);
    }
    return hash;
}

static void test_small_types(void **state) {
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof CASTS / sizeof *CASTS; i++) {
        char call[120];
        oo_array *const x = all_values(CASTS[i].from, CASTS[i].to);
        snprintf(call, sizeof call, "Cast<to = %d, saturate = %d, round_mode = \"%s\">(i0)", (int)CASTS[i].to,
                 CASTS[i].saturate, CASTS[i].round);
        oo_array *const y = RUN(28, call, x);
        if (!y || hash_of(y) != CASTS[i].hash) {
            printf("%s to %s, saturate %d, round %s\n", oo__elem_name((int32_t)CASTS[i].from),
                   oo__elem_name((int32_t)CASTS[i].to), CASTS[i].saturate, CASTS[i].round);
            wrong++;
        }
        oo__array_release(x);
        oo__array_release(y);
    }
    assert_int_equal(wrong, 0);
}

/* What C leaves open and x86-64 gives: types below 64 bits by way of int32, uint32 and 64 bits by way of int64. */
static void test_out_of_range(void **state) {
    (void)state;
    static const double values[] = {NAN, -INFINITY, 3e9, -3e9, 1e10, 1.5e19, 1e20, -1.9, 300.5, -200};
    enum { COUNT = sizeof values / sizeof *values };
    static const struct {
        oo_elem to;
        int64_t want[COUNT];
    } rows[] = {
        {OO_INT8, {0, 0, 0, 0, 0, 0, 0, -1, 44, 56}},
        {OO_UINT8, {0, 0, 0, 0, 0, 0, 0, 255, 44, 56}},
        {OO_INT16, {0, 0, 0, 0, 0, 0, 0, -1, 300, -200}},
        {OO_UINT16, {0, 0, 0, 0, 0, 0, 0, 65535, 300, 65336}},
        {OO_INT32, {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, -1, 300, -200}},
        {OO_UINT32, {0, 0, 3000000000, 1294967296, 1410065408, 0, 0, UINT32_MAX, 300, 4294967096}},
        {OO_INT64, {INT64_MIN, INT64_MIN, 3000000000, -3000000000, 10000000000, INT64_MIN, INT64_MIN, -1, 300, -200}},
        {OO_UINT64, {INT64_MIN, INT64_MIN, 3000000000, -3000000000, 10000000000, (int64_t)UINT64_C(15000000000000000000), 0, -1, 300, -200}},
    };
    oo_array *const x = array_of(OO_DOUBLE, 1, (const int64_t[]){COUNT}, values);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char call[40];
        snprintf(call, sizeof call, "Cast<to = %d>(i0)", (int)rows[i].to);
        oo_array *const y = RUN(13, call, x), *const stored = oo__array_new(OO_INT64, 1, (const int64_t[]){COUNT});
        for (uint64_t k = 0; k < COUNT; k++) {
            if (oo__array_int(y, k) != rows[i].want[k])
                fail_msg("%g to type %d is %lld", values[k], (int)rows[i].to, (long long)oo__array_int(y, k));
            oo__array_set_double(stored, k, values[k]);
            assert_int_equal(oo__array_int(x, k), oo__array_int(stored, k));
        }
        oo__array_release(stored);
        oo__array_release(y);
    }
    oo__array_release(x);
}

/* ---- text ---- */
static oo_array *word(const char *text) {
    oo_array *const a = oo__array_new(OO_STRING, 0, NULL);
    oo__array_set_string(a, 0, (oo_bytes){(const uint8_t *)text, strlen(text)});
    return a;
}

/* What numpy prints for a number: numpy.array(x).astype(numpy.str_). */
static void prints(oo_elem elem, double value, const char *expected) {
    oo_array *const x = oo__array_new(elem, 0, NULL);
    oo__array_set_double(x, 0, value);
    oo_array *const y = RUN(21, "Cast<to = 8>(i0)", x);
    assert_non_null(y);
    assert_string_equal((const char *)((const oo_bytes *)y->data)->data, expected);
    oo__array_release(x);
    oo__array_release(y);
}

static void test_to_text(void **state) {
    (void)state;
    prints(OO_FLOAT, (double)0.1f, "0.1");
    prints(OO_FLOAT, (double)0.47892547f, "0.47892547");
    prints(OO_FLOAT, 1, "1.0");
    prints(OO_FLOAT, -0.0, "-0.0");
    prints(OO_FLOAT, (double)1e20f, "1e+20");
    prints(OO_FLOAT, (double)1.5e-5f, "1.5e-05");
    prints(OO_DOUBLE, 0.1, "0.1");
    prints(OO_DOUBLE, 1.0 / 3, "0.3333333333333333");
    prints(OO_DOUBLE, 123456789, "123456789.0");
    prints(OO_DOUBLE, 1e15, "1000000000000000.0");
    prints(OO_DOUBLE, 1e16, "1e+16");
    prints(OO_DOUBLE, 5e-324, "5e-324");
    prints(OO_DOUBLE, 1.7976931348623157e308, "1.7976931348623157e+308");
    prints(OO_DOUBLE, (double)NAN, "nan");
    prints(OO_DOUBLE, -(double)INFINITY, "-inf");
    prints(OO_FLOAT16, 0.0999755859375, "0.1");
    prints(OO_INT64, -42, "-42");
    prints(OO_UINT8, 200, "200");
    prints(OO_BOOL, 1, "True");
}

static void reads(oo_elem elem, const char *text, double expected) {
    oo_array *const x = word(text);
    char call[40];
    snprintf(call, sizeof call, "Cast<to = %d>(i0)", (int)elem);
    oo_array *const y = RUN(21, call, x);
    if (!y)
        fail_msg("\"%s\": %s", text, run_message);
    const double got = oo__array_double(y, 0);
    if (!(got == expected || (isnan(got) && isnan(expected))))
        fail_msg("\"%s\" gives %.17g and not %.17g", text, got, expected);
    oo__array_release(x);
    oo__array_release(y);
}

static void test_from_text(void **state) {
    (void)state;
    reads(OO_FLOAT, "3.14", (double)3.14f);
    /* Rounded once: by way of double it would be 1.0000001. */
    reads(OO_FLOAT, "1.00000005960464477540", (double)1.00000011920928955f);
    reads(OO_FLOAT, "1.000000059604644775390625", 1);
    reads(OO_DOUBLE, "1E8", 1e8);
    reads(OO_DOUBLE, " 7 ", 7);
    reads(OO_DOUBLE, "+INF", (double)INFINITY);
    reads(OO_DOUBLE, "-inf", -(double)INFINITY);
    reads(OO_DOUBLE, "NaN", (double)NAN);
    reads(OO_INT32, "100.5", 100);
    reads(OO_INT64, "-42", -42);
    reads(OO_UINT64, "18446744073709551615", 18446744073709551615.0);
    reads(OO_FLOAT16, "0.1", 0.0999755859375);
    reads(OO_BOOL, "0", 0);
    reads(OO_BOOL, "2", 1);
    static const char *const BAD[] = {"", "abc", "1x", "1,5", "--1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        oo_array *const x = word(BAD[i]);
        assert_null(RUN(21, "Cast<to = 7>(i0)", x));
        assert_non_null(strstr(run_message, "is no number"));
        oo__array_release(x);
    }
}

/* ---- numbers that go through int64 or double must not be rounded twice or lose bits ---- */
static void test_wide_numbers(void **state) {
    (void)state;
    oo_array *const x = INTS(INT64_C(9007199791611905), -1, INT64_MIN), *const f = RUN(21, "Cast<to = 1>(i0)", x);
    assert_non_null(f);
    /* By way of double, which is how valgrind converts, it would be 9007199254740992. */
    assert_true(under_valgrind() || ((const float *)f->data)[0] == 9007200328482816.0f);
    oo_array *const u = RUN(21, "Cast<to = 13>(i0)", x);
    assert_true(((const uint64_t *)u->data)[1] == UINT64_MAX);
    oo_array *const d = RUN(21, "Cast<to = 11>(i0)", u);
    assert_true(((const double *)d->data)[1] == 18446744073709551616.0);
    oo_array *const back = RUN(21, "Cast<to = 13>(i0)", d), *const all[] = {x, f, u, d, back};
    assert_true(((const uint64_t *)back->data)[2] == UINT64_C(1) << 63);
    for (size_t i = 0; i < 5; i++)
        oo__array_release(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_types), cmocka_unit_test(test_out_of_range), cmocka_unit_test(test_to_text),
                                       cmocka_unit_test(test_from_text), cmocka_unit_test(test_wide_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
