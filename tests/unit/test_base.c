/* Arenas, growable arrays, interned strings, hashing, half floats, diagnostics. */
#include "tests/unit/build.h"

#include "base/half.h"
#include "base/hash.h"

#include <math.h>

/* ---- arena ---- */
static bool all_zero(const unsigned char *p, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (p[i])
            return false;
    return true;
}

static void arena_aligns_and_zeroes(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    uint64_t seed = 1;
    for (unsigned round = 0; round < 3; round++) {
        const unsigned char *last = NULL;
        for (unsigned i = 0; i < 2000; i++) {
            const size_t size = draw(&seed, 300);
            unsigned char *const p = oo__arena_alloc(arena, size);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(all_zero(p, size));
            assert_ptr_not_equal(p, last); /* of size 0 too */
            memset(p, 0xff, size);
            last = p;
        }
        oo__arena_reset(arena);
        assert_int_equal(oo__arena_used(arena), 0);
    }
    oo__arena_free(arena);
}

static void arena_blocks_do_not_overlap(void **state) {
    (void)state;
    enum { N = 400 };
    oo_arena *const arena = oo__arena_new();
    unsigned char *blocks[N];
    size_t sizes[N];
    uint64_t seed = 2;
    for (unsigned i = 0; i < N; i++) {
        /* Every tenth passes the size of an ordinary block, some by far. */
        sizes[i] = i % 10 == 9 ? 20000 + draw(&seed, 3000000) : draw(&seed, 5000);
        blocks[i] = oo__arena_alloc(arena, sizes[i]);
        assert_true(all_zero(blocks[i], sizes[i]));
        memset(blocks[i], (int)(i % 255 + 1), sizes[i]);
    }
    size_t sum = 0;
    for (unsigned i = 0; i < N; i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            if (blocks[i][k] != i % 255 + 1)
                fail_msg("block %u was overwritten at %zu", i, k);
        sum += sizes[i];
    }
    assert_true(oo__arena_used(arena) >= sum);
    oo__arena_free(arena);
}

static void arena_reset_after_a_large_block(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    oo__arena_reset(arena);                            /* empty */
    memset(oo__arena_alloc(arena, 100000), 1, 100000); /* the first block is oversized */
    oo__arena_alloc(arena, 5000000);
    oo__arena_reset(arena);
    assert_true(all_zero(oo__arena_alloc(arena, 100000), 100000));
    assert_true(all_zero(oo__arena_alloc(arena, 100000), 100000));
    oo__arena_free(arena);
    oo__arena_free(NULL);
}

static void arena_text(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    assert_string_equal(oo__arena_printf(arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(oo__arena_printf(arena, "%s", ""), "");
    assert_memory_equal(oo__arena_copy(arena, "a\0b", 3), "a\0b", 4);
    assert_string_equal(oo__arena_copy(arena, NULL, 0), "");
    int *const items = OO_NEW_ARRAY(arena, int, 0);
    assert_non_null(items);
    oo__arena_free(arena);
}

static void overflowing_array(void *arena) { oo__arena_array(arena, SIZE_MAX / 8, 16); }
static void endless_block(void *arena) { oo__arena_alloc(arena, SIZE_MAX - 100); }
static void endless_vec(void *unused) {
    (void)unused;
    uint32_t cap = 3;
    oo__vec_room(NULL, NULL, 3, UINT32_MAX - 1, &cap, 1);
}
static void endless_malloc(void *unused) {
    (void)unused;
    free(oo__malloc(SIZE_MAX / 2 - 64));
}
static void endless_realloc(void *unused) {
    (void)unused;
    free(oo__realloc(NULL, SIZE_MAX / 2 - 64));
}

static void exhaustion_ends_the_process(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    assert_true(dies(overflowing_array, arena, "out of memory"));
    assert_true(dies(endless_block, arena, "out of memory"));
    assert_true(dies(endless_vec, NULL, "out of memory"));
    assert_true(dies(endless_malloc, NULL, ""));
    assert_true(dies(endless_realloc, NULL, ""));
    oo__arena_free(arena);
}

/* ---- vec ---- */
static void vec_against_a_plain_array(void **state) {
    (void)state;
    enum { MOST = 600 };
    oo_arena *const arenas[] = {NULL, oo__arena_new()};
    for (unsigned a = 0; a < 2; a++) {
        oo_vec(int) v = {0};
        int model[MOST];
        uint32_t n = 0;
        uint64_t seed = 3;
        for (int step = 0; step < 20000; step++) {
            const uint32_t what = draw(&seed, 5);
            const uint32_t at = draw(&seed, n + 1);
            if (what < 2 && n < MOST) {
                oo_vec_insert(arenas[a], &v, at, step);
                memmove(model + at + 1, model + at, (n++ - at) * sizeof *model);
                model[at] = step;
            } else if (what == 2 && n < MOST) {
                oo_vec_push(arenas[a], &v, step);
                model[n++] = step;
            } else if (at < n) {
                oo_vec_remove(&v, at);
                n--;
                memmove(model + at, model + at + 1, (n - at) * sizeof *model);
            }
            assert_int_equal(v.n, n);
            assert_true(v.cap >= n);
            if (step % 50 == 0)
                assert_memory_equal(v.data, model, n * sizeof *model);
        }
        assert_memory_equal(v.data, model, n * sizeof *model);
        if (!arenas[a]) {
            oo_vec_free(&v);
            assert_null(v.data);
            assert_int_equal(v.n + v.cap, 0);
        }
    }
    oo__arena_free(arenas[1]);
}

static void vec_reserve(void **state) {
    (void)state;
    oo_vec(uint64_t) v = {0};
    oo_vec_push(NULL, &v, 1);
    oo_vec_reserve(NULL, &v, 1000);
    assert_true(v.cap >= 1001);
    const uint64_t *const data = v.data;
    for (uint64_t i = 0; i < 1000; i++)
        oo_vec_push(NULL, &v, i);
    assert_ptr_equal(v.data, data);
    assert_int_equal(v.data[0], 1);
    assert_int_equal(v.data[1000], 999);
    oo_vec_free(&v);
}

/* ---- intern ---- */
static void intern_identity(void **state) {
    (void)state;
    oo_arena *const arena = oo__arena_new();
    oo_intern *const pool = oo__intern_new(arena);
    assert_null(oo__intern_find(pool, "conv", 4));
    const char *const conv = oo__intern(pool, "conv");
    char other[] = "conv1";
    assert_ptr_equal(oo__intern_bytes(pool, other, 4), conv);
    assert_ptr_not_equal(oo__intern(pool, other), conv);
    assert_ptr_equal(oo__intern_find(pool, "conv", 4), conv);
    assert_null(oo__intern_find(pool, "con", 3));
    const char *const empty = oo__intern_bytes(pool, NULL, 0);
    assert_string_equal(empty, "");
    assert_ptr_equal(oo__intern(pool, ""), empty);
    /* NULs count, and the text behind them. */
    const char *const a = oo__intern_bytes(pool, "a\0b", 3), *const b = oo__intern_bytes(pool, "a\0c", 3);
    assert_ptr_not_equal(a, b);
    assert_ptr_not_equal(a, oo__intern(pool, "a"));
    assert_int_equal(oo__str_len(a), 3);
    assert_memory_equal(a, "a\0b", 4);
    assert_int_equal(oo__str_len(empty), 0);
    oo__intern_free(pool);
    oo__intern_free(NULL);
    oo__arena_free(arena);
}

static void intern_many_keep_slots(void **state) {
    (void)state;
    enum { N = 100000 };
    oo_arena *const arena = oo__arena_new();
    oo_intern *const pool = oo__intern_new(arena);
    const char **const names = oo__malloc(N * sizeof *names);
    char text[32];
    for (unsigned i = 0; i < N; i++) {
        names[i] = oo__intern_bytes(pool, text, (size_t)snprintf(text, sizeof text, "value_%u", i));
        assert_null(*oo__str_slot(names[i]));
        *oo__str_slot(names[i]) = &names[i];
    }
    for (unsigned i = 0; i < N; i++) {
        snprintf(text, sizeof text, "value_%u", i);
        assert_ptr_equal(oo__intern(pool, text), names[i]);
        assert_string_equal(names[i], text);
        assert_ptr_equal(*oo__str_slot(names[i]), &names[i]);
    }
    free(names);
    oo__intern_free(pool);
    oo__arena_free(arena);
}

/* ---- hash ---- */
static void hash_of_pieces(void **state) {
    (void)state;
    unsigned char data[10000];
    uint64_t seed = 4;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)draw(&seed, 256);
    oo_hasher *const h = oo__hasher_new();
    for (size_t at = 0; at < sizeof data;) {
        size_t part = draw(&seed, 700);
        if (part > sizeof data - at)
            part = sizeof data - at;
        oo__hasher_add(h, data + at, part);
        at += part;
    }
    const uint64_t whole = oo__hash(data, sizeof data);
    assert_true(oo__hasher_done(h) == whole);
    data[5000] ^= 1;
    assert_true(oo__hash(data, sizeof data) != whole);
    assert_true(oo__hash(data, 10) != oo__hash(data, 11));
    assert_true(oo__hash(NULL, 0) == oo__hash("", 0));
    const uint64_t ab = oo__hash_combine(oo__hash_combine(0, 1), 2), ba = oo__hash_combine(oo__hash_combine(0, 2), 1);
    assert_true(ab != ba);
    assert_true(oo__hash_combine(1, 2) != oo__hash_combine(2, 1));
}

/* ---- half and bfloat ---- */
typedef struct half_case {
    double (*decode)(uint16_t bits);
    uint16_t (*encode)(double value);
    unsigned infinity; /* its bits */
    double smallest;   /* subnormal */
    double limit;      /* half way between the largest number and what would come next */
} half_case;

static const half_case halves[] = {
    {oo__half_to_double, oo__half_from_double, 0x7c00, 0x1p-24, 65520.0},
    {oo__bfloat_to_double, oo__bfloat_from_double, 0x7f80, 0x1p-133, 0x1.ffp127},
};

static void halves_round_trip(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(halves); k++) {
        const half_case *const c = &halves[k];
        for (unsigned bits = 0; bits < 65536; bits++) {
            const double value = c->decode((uint16_t)bits);
            const unsigned magnitude = bits & 0x7fff;
            if (magnitude > c->infinity) {
                assert_true(isnan(value));
                assert_true(isnan(c->decode(c->encode(value))));
                continue;
            }
            assert_int_equal(!!signbit(value), bits >> 15);
            assert_int_equal(!!isinf(value), magnitude == c->infinity);
            assert_int_equal(c->encode(value), bits);
        }
    }
}

/* The other half of being right: magnitudes are 0, one smallest step, and steps that double with each exponent. */
static void halves_have_the_right_values(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(halves); k++) {
        const half_case *const c = &halves[k];
        const unsigned binade = k == 0 ? 1024 : 128;
        double expected = 0, step = c->smallest;
        for (unsigned bits = 0; bits < c->infinity; bits++) {
            assert_true(c->decode((uint16_t)bits) == expected);
            if (bits % binade == 0 && bits > binade)
                step *= 2;
            expected += step;
        }
    }
    for (unsigned bits = 0; bits < 65536; bits++) {
        const uint32_t wide = bits << 16; /* a bfloat is the upper half of a float */
        float f;
        memcpy(&f, &wide, sizeof f);
        const double value = oo__bfloat_to_double((uint16_t)bits);
        assert_true(isnan(f) ? isnan(value) : value == (double)f);
    }
    assert_true(oo__half_to_double(0x3c00) == 1.0);
    assert_true(oo__half_to_double(0x7bff) == 65504.0);
    assert_true(oo__half_to_double(0xc000) == -2.0);
}

/* Between two neighbours the middle goes to the even one, and the next double on either side to the nearer one: a second
 * rounding on the way, through float, would fail here. */
static void halves_round_to_nearest_even(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(halves); k++) {
        const half_case *const c = &halves[k];
        for (unsigned bits = 0; bits + 1 < c->infinity; bits++) {
            const double low = c->decode((uint16_t)bits), high = c->decode((uint16_t)(bits + 1));
            const double middle = (low + high) / 2;
            assert_int_equal(c->encode(middle), bits % 2 ? bits + 1 : bits);
            assert_int_equal(c->encode(nextafter(middle, 0)), bits);
            assert_int_equal(c->encode(nextafter(middle, INFINITY)), bits + 1);
            assert_int_equal(c->encode(-middle), 0x8000 | (bits % 2 ? bits + 1 : bits));
        }
    }
}

static void halves_overflow_and_underflow(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(halves); k++) {
        const half_case *const c = &halves[k];
        assert_int_equal(c->encode(nextafter(c->limit, 0)), c->infinity - 1);
        assert_int_equal(c->encode(c->limit), c->infinity);
        assert_int_equal(c->encode(1e300), c->infinity);
        assert_int_equal(c->encode(-INFINITY), 0x8000 | c->infinity);
        assert_int_equal(c->encode(c->smallest / 2), 0);
        assert_int_equal(c->encode(-c->smallest / 4), 0x8000);
        assert_int_equal(c->encode(nextafter(c->smallest / 2, 1)), 1);
        assert_int_equal(c->encode(5e-324), 0);
        assert_int_equal(c->encode(-0.0), 0x8000);
    }
}

/* ---- diagnostics ---- */
static void printable_text(void **state) {
    (void)state;
    assert_string_equal(oo__printable("Conv_1", 6), "Conv_1");
    assert_string_equal(oo__printable("a\nb\"c\\", 6), "a\\x0ab\\x22c\\x5c");
    assert_string_equal(oo__printable("\xff\0", 2), "\\xff\\x00");
    assert_string_equal(oo__printable(NULL, 5), "");
    char bad[100];
    memset(bad, 1, sizeof bad);
    const char *const text = oo__printable(bad, sizeof bad);
    assert_int_equal(strlen(text), 243);
    assert_string_equal(text + 240, "...");
    /* Eight stay valid together. */
    const char *kept[8];
    for (int i = 0; i < 8; i++)
        kept[i] = oo__printable(&"abcdefgh"[i], 1);
    for (int i = 0; i < 8; i++)
        assert_int_equal(kept[i][0], "abcdefgh"[i]);
}

static void diagnostics_are_counted(void **state) {
    (void)state;
    oo_context *const context = new_context();
    oo__diag(context, (oo_diag){.severity = OO_ERROR, .code = "x", .offset = 7}, "number %d", 5);
    assert_told("error x");
    assert_told("number 5");
    assert_int_equal(told.last.offset, 7);
    oo__diag(context, (oo_diag){.severity = OO_WARNING}, "w");
    oo__diag(context, (oo_diag){.severity = OO_NOTE}, "n");
    context->quiet = true;
    oo__diag(context, (oo_diag){.severity = OO_ERROR}, "not heard");
    assert_int_equal(context->errors, 1);
    assert_int_equal(context->warnings, 1);
    assert_int_equal(told.count, 3);
    context->quiet = false;
    oo_set_sink(context, NULL, NULL);
    oo__diag(context, (oo_diag){.severity = OO_ERROR}, "counted, not told");
    assert_int_equal(context->errors, 2);
    assert_int_equal(told.count, 3);
    oo_context_free(context);
    forget_told();
}

static void broken_contract(void *number) { oo_require(*(int *)number == 1, "number is %d", *(int *)number); }

static void bugs_say_where(void **state) {
    (void)state;
    int number = 1;
    broken_contract(&number);
    number = 2;
    assert_true(dies(broken_contract, &number, "number is 2"));
    assert_true(dies(broken_contract, &number, "test_base.c:"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_aligns_and_zeroes),
        cmocka_unit_test(arena_blocks_do_not_overlap),
        cmocka_unit_test(arena_reset_after_a_large_block),
        cmocka_unit_test(arena_text),
        cmocka_unit_test(exhaustion_ends_the_process),
        cmocka_unit_test(vec_against_a_plain_array),
        cmocka_unit_test(vec_reserve),
        cmocka_unit_test(intern_identity),
        cmocka_unit_test(intern_many_keep_slots),
        cmocka_unit_test(hash_of_pieces),
        cmocka_unit_test(halves_round_trip),
        cmocka_unit_test(halves_have_the_right_values),
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(halves_overflow_and_underflow),
        cmocka_unit_test(printable_text),
        cmocka_unit_test(diagnostics_are_counted),
        cmocka_unit_test(bugs_say_where),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
