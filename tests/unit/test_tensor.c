/* Constant data in every storage: decoding, equality, hashes, conversions, hostile payloads. With --dump MODEL it prints the initializers
 * of a model, for tests/judge/tensor_values.py. */
#include "tests/unit/build.h"

#include "base/half.h"
#include "io/io.h"

#include <inttypes.h>
#include <math.h>

static world *w;

static int set_up(void **state) {
    (void)state;
    w = world_new(17);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_free(w);
    return 0;
}

/* ---- making tensors as a file would have them ---- */
static oo_tensor *stored(oo_elem elem, uint32_t rank, const int64_t *dims, oo_storage storage, const void *bytes,
                         size_t size) {
    bool valid;
    oo_tensor *const t = oo__tensor_new(w->model, (int32_t)elem, rank, dims, &valid);
    assert_true(valid);
    t->storage = storage;
    t->payload = (oo_payload){.memory = (const uint8_t *)oo__arena_copy(w->model->arena, bytes, size), .size = size};
    return t;
}

static size_t put_varint(uint8_t *out, uint64_t number) {
    size_t n = 0;
    do {
        out[n++] = (uint8_t)(number > 127 ? (number & 0x7f) | 0x80 : number);
        number >>= 7;
    } while (number);
    return n;
}

/* Little-endian numbers of `width` bytes as packed varints; negative ones go as ten bytes, as protobuf has it. */
static oo_tensor *varints(oo_elem elem, int64_t count, oo_storage storage, const void *raw, uint32_t width,
                          bool is_signed) {
    const uint64_t numbers = (uint64_t)count * oo__elem_bits((int32_t)elem) / 8 / width;
    uint8_t *const wire = oo__malloc(numbers * 10);
    size_t size = 0;
    for (uint64_t i = 0; i < numbers; i++) {
        uint64_t number = 0;
        memcpy(&number, (const uint8_t *)raw + i * width, width);
        if (is_signed && width < 8 && number >> (width * 8 - 1))
            number |= UINT64_MAX << (width * 8);
        size += put_varint(wire + size, number);
    }
    oo_tensor *const t = stored(elem, 1, &count, storage, wire, size);
    free(wire);
    return t;
}

/* Six bits an element travel one element a number. */
static oo_tensor *codes(oo_elem elem, int64_t count, const uint8_t *raw) {
    uint8_t *const each = oo__malloc((size_t)count);
    for (int64_t i = 0; i < count; i++) {
        unsigned code = 0;
        for (int64_t bit = 0; bit < 6; bit++)
            code |= ((unsigned)raw[(6 * i + bit) / 8] >> (6 * i + bit) % 8 & 1) << bit;
        each[i] = (uint8_t)code;
    }
    oo_tensor *const t = stored(elem, 1, &count, OO_STORE_INT32S, each, (size_t)count);
    free(each);
    return t;
}

/* The other storage that ONNX allows for the type besides raw_data; NULL when there is none. */
static oo_tensor *typed(oo_elem elem, int64_t count, const void *raw) {
    const uint32_t bits = oo__elem_bits((int32_t)elem);
    switch (elem) {
    case OO_FLOAT:
    case OO_COMPLEX64: return stored(elem, 1, &count, OO_STORE_FLOATS, raw, (size_t)count * bits / 8);
    case OO_DOUBLE:
    case OO_COMPLEX128: return stored(elem, 1, &count, OO_STORE_DOUBLES, raw, (size_t)count * bits / 8);
    case OO_INT64: return varints(elem, count, OO_STORE_INT64S, raw, 8, true);
    case OO_UINT64: return varints(elem, count, OO_STORE_UINT64S, raw, 8, false);
    case OO_UINT32: return varints(elem, count, OO_STORE_UINT64S, raw, 4, false);
    case OO_INT32: return varints(elem, count, OO_STORE_INT32S, raw, 4, true);
    case OO_STRING:
    case OO_UNDEFINED: return NULL;
    case OO_FLOAT6E2M3:
    case OO_FLOAT6E3M2: return codes(elem, count, raw);
    default: return varints(elem, count, OO_STORE_INT32S, raw, bits > 8 ? 2 : 1, elem == OO_INT8 || elem == OO_INT16);
    }
}

typedef struct bytes_of {
    const uint8_t *data;
    uint32_t bits;
} bytes_of;

static bool fill_bytes(const void *state, uint64_t first, uint64_t count, void *out) {
    const bytes_of *const s = state;
    memcpy(out, s->data + first * s->bits / 8, (count * s->bits + 7) / 8);
    return true;
}

static bool fill_nothing(const void *state, uint64_t first, uint64_t count, void *out) {
    (void)state, (void)first, (void)count, (void)out;
    return false;
}

enum { KINDS = 5 };

/* The same elements in memory, in a typed field, in a file of their own, in the model's file, and made on demand. */
static uint32_t in_every_storage(oo_tensor *out[KINDS], oo_elem elem, int64_t count, const uint8_t *raw,
                                 const oo_source *source) {
    uint32_t n = 0;
    out[n++] = oo_tensor_make(w->model, elem, 1, &count, raw);
    if (typed(elem, count, raw))
        out[n++] = typed(elem, count, raw);
    const uint64_t size = oo_tensor_size(out[0]);
    oo_tensor *const external = out[n++] = stored(elem, 1, &count, OO_STORE_EXTERNAL, NULL, 0);
    external->payload = (oo_payload){.source = source, .offset = 3, .size = size};
    oo_tensor *const mapped = out[n++] = stored(elem, 1, &count, OO_STORE_RAW, NULL, 0);
    mapped->payload = external->payload;
    const bytes_of state = {(const uint8_t *)oo__arena_copy(w->model->arena, raw, size), oo__elem_bits((int32_t)elem)};
    out[n++] = oo_tensor_make_lazy(w->model, elem, 1, &count, fill_bytes, &state, sizeof state);
    return n;
}

/* ---- every type in every storage ---- */
/* From many bytes to many others, to addresses of every alignment, and nothing behind them. */
static void check_bytes(const oo_tensor *t, const uint8_t *raw, uint64_t size) {
    uint8_t *const got = oo__malloc(size + 32);
    for (uint64_t first = 0; first <= size; first += 1 + first / 7)
        for (uint64_t end = first; end <= size; end += 1 + (end - first) / 7) {
            uint8_t *const to = got + (first * 5 + end) % 16;
            to[end - first] = 0x5a;
            assert_true(oo__tensor_make(t, first, end - first, to));
            assert_memory_equal(to, raw + first, end - first);
            assert_int_equal(to[end - first], 0x5a);
        }
    free(got);
}

static void check_reads(const oo_tensor *t, const uint8_t *raw) {
    const uint64_t count = oo_tensor_count(t), bits = oo__elem_bits(t->elem), size = oo_tensor_size(t);
    uint8_t *const got = oo__malloc(size + 1);
    got[size] = 0x5a;
    assert_true(oo_tensor_read(t, 0, count, got));
    assert_memory_equal(got, raw, size);
    const uint64_t step = bits == 6 ? 4 : bits < 8 ? 8 / bits : 1;
    for (uint64_t first = 0; first <= count; first += step * 3) {
        const uint64_t n = count - first < step * 5 ? count - first : step * 5;
        assert_true(oo_tensor_read(t, first, n, got));
        assert_memory_equal(got, raw + first * bits / 8, (n * bits + 7) / 8);
    }
    assert_true(count % step || oo_tensor_read(t, count, 0, got));
    assert_int_equal(got[size], 0x5a);
    free(got);
    if (size <= 10000)
        check_bytes(t, raw, size);
    const void *const whole = oo__tensor_bytes(t, w->scratch);
    assert_non_null(whole);
    assert_memory_equal(whole, raw, size);
}

static void every_type_in_every_storage(void **state) {
    (void)state;
    for (int e = OO_FLOAT; e < OO_ELEM_COUNT; e++) {
        if (e == OO_STRING)
            continue;
        for (int64_t count = 4; count <= 40000; count *= 100) {
            const size_t size = (size_t)count * oo__elem_bits(e) / 8;
            uint8_t *const bytes = oo__malloc(size + 3), *const raw = bytes + 3;
            uint64_t seed = (uint64_t)e;
            for (size_t i = 0; i < size; i++)
                raw[i] = (uint8_t)draw(&seed, 256);
            oo_source *const source = oo__source_memory(bytes, size + 3, "data");
            oo_tensor *same[KINDS];
            const uint32_t n = in_every_storage(same, (oo_elem)e, count, raw, source);
            assert_int_equal(n, KINDS);
            raw[size / 2] ^= 0x80; /* in the middle: past what the hash samples, when it is large */
            oo_tensor *const other = oo_tensor_make(w->model, (oo_elem)e, 1, &count, raw);
            raw[size / 2] ^= 0x80;
            for (uint32_t i = 0; i < n; i++) {
                check_reads(same[i], raw);
                for (uint32_t k = 0; k < n; k++) {
                    assert_true(oo_tensor_equal(same[i], same[k]));
                    assert_true(oo_tensor_hash(same[i]) == oo_tensor_hash(same[k]));
                }
                assert_false(oo_tensor_equal(same[i], other));
                assert_false(oo_tensor_equal(other, same[i]));
            }
            oo__source_close(source);
            free(bytes);
        }
    }
}

/* Four elements in three bytes: numbers that end within a byte, and more of them than are compared at a time. */
static void six_bits_an_element(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 5, 400001};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        const int64_t count = counts[i];
        const size_t size = (size_t)(count * 6 + 7) / 8;
        uint8_t *const raw = oo__malloc(size);
        uint64_t seed = (uint64_t)count;
        for (size_t k = 0; k < size; k++)
            raw[k] = (uint8_t)draw(&seed, 256);
        if (count % 4)
            raw[size - 1] &= (uint8_t)((1 << count * 6 % 8) - 1);
        const oo_tensor *const t = oo_tensor_make(w->model, OO_FLOAT6E3M2, 1, &count, raw), *const same = codes(OO_FLOAT6E3M2, count, raw);
        assert_int_equal(oo_tensor_size(t), size);
        assert_true(oo_tensor_equal(t, same));
        check_reads(same, raw);
        raw[size - 1] ^= 1;
        assert_false(oo_tensor_equal(same, oo_tensor_make(w->model, OO_FLOAT6E3M2, 1, &count, raw)));
        free(raw);
    }
}

static void fields_that_cannot_hold_a_type(void **state) {
    (void)state;
    const int64_t count = 1;
    for (int e = OO_FLOAT; e < OO_ELEM_COUNT; e++) {
        for (int s = OO_STORE_FLOATS; s <= OO_STORE_UINT64S; s++) {
            const oo_tensor *const right = e == OO_STRING ? NULL
                                                          : typed((oo_elem)e, 8,
                                                                  "1234567890123456789012345678901234567890"
                                                                  "1234567890123456789012345678901234567890"
                                                                  "1234567890123456789012345678901234567890123456789");
            if (right && right->storage == (oo_storage)s)
                continue;
            const oo_tensor *const t = stored((oo_elem)e, 1, &count, (oo_storage)s, "\1", 1);
            uint8_t out[16];
            if (oo_tensor_read(t, 0, 1, out))
                fail_msg("type %d in storage %d", e, s);
            assert_null(oo__tensor_bytes(t, w->scratch));
            assert_false(oo_tensor_equal(t, stored((oo_elem)e, 1, &count, (oo_storage)s, "\1", 1)));
        }
    }
}

/* ---- hostile payloads ---- */
static void malformed_varints(void **state) {
    (void)state;
    static const struct {
        const char *wire;
        size_t size;
        bool good;
    } cases[] = {
        {"\x01\x02", 2, true},
        {"\x01", 1, false}, /* too few */
        {"", 0, false},
        {"\x01\x02\x03", 3, false},                                      /* too many */
        {"\x01\x82", 2, false},                                          /* the last is cut off */
        {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, true},      /* -1 */
        {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, false}, /* eleven bytes */
        {"\x01\x80\x00", 3, true},                                       /* longer than needed, allowed */
    };
    const int64_t two = 2;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const oo_tensor *const t = stored(OO_INT64, 1, &two, OO_STORE_INT64S, cases[i].wire, cases[i].size);
        int64_t out[2] = {0};
        if (oo_tensor_read(t, 0, 2, out) != cases[i].good)
            fail_msg("case %zu", i);
        if (cases[i].good)
            assert_int_equal(out[0], 1);
    }
}

static void payloads_of_the_wrong_size(void **state) {
    (void)state;
    const int64_t two = 2;
    float out[2];
    for (size_t size = 0; size <= 16; size++) {
        const oo_tensor *const t = stored(OO_FLOAT, 1, &two, OO_STORE_RAW, "0123456789abcdef", size);
        assert_int_equal(oo_tensor_read(t, 0, 2, out), size == 8);
        assert_int_equal(oo__tensor_bytes(t, w->scratch) != NULL, size == 8);
    }
    oo_source *const source = oo__source_memory("0123456789", 10, "short");
    oo_tensor *const t = stored(OO_FLOAT, 1, &two, OO_STORE_EXTERNAL, NULL, 0);
    t->payload = (oo_payload){.source = source, .offset = 4, .size = 8}; /* two bytes past the end */
    assert_false(oo_tensor_read(t, 0, 2, out));
    assert_true(oo_tensor_read(t, 0, 1, out));
    oo__source_close(source);
}

static void impossible_dimensions(void **state) {
    (void)state;
    static const struct {
        int64_t dims[3];
        bool valid;
    } cases[] = {
        {{2, 3, 4}, true},
        {{-1, 3, 4}, false},
        {{0, 3, 4}, true},
        {{0, -1, 4}, false},
        {{INT64_MAX, 1, 1}, false},
        {{INT64_MAX, INT64_MAX, 0}, false},
        {{INT64_C(1) << 31, INT64_C(1) << 31, 1}, false},
        {{(INT64_C(1) << 58) + 1, 1, 1}, false}, /* times 64 bits it wraps to 8 bytes */
        {{INT64_C(1) << 55, 1, 1}, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool valid;
        oo_tensor *const t = oo__tensor_new(w->model, OO_INT64, 3, cases[i].dims, &valid);
        if (valid != cases[i].valid)
            fail_msg("case %zu", i);
        if (!valid)
            continue;
        uint64_t count = 1;
        for (unsigned k = 0; k < 3; k++)
            count *= (uint64_t)cases[i].dims[k];
        assert_int_equal(oo_tensor_count(t), count);
        for (int e = 1; e < OO_ELEM_COUNT; e++) { /* sizes do not wrap, whatever the type */
            t->elem = e;
            assert_true(oo_tensor_size(t) >= count / 8 * oo__elem_bits(e));
        }
    }
    bool valid;
    assert_int_equal(oo_tensor_count(oo__tensor_new(w->model, OO_FLOAT, 0, NULL, &valid)), 1);
    assert_true(valid);
}

/* ---- what equal means ---- */
static void equality_is_by_bits(void **state) {
    (void)state;
    oo_model *const m = w->model;
    const int64_t d23[] = {2, 3}, d32[] = {3, 2}, d6[] = {6};
    const float data[6] = {1, 2, 3, 4, 5, 6};
    const oo_tensor *const a = oo_tensor_make(m, OO_FLOAT, 2, d23, data);
    assert_true(oo_tensor_equal(a, a));
    assert_true(oo_tensor_equal(a, oo_tensor_make(m, OO_FLOAT, 2, d23, data)));
    assert_false(oo_tensor_equal(a, oo_tensor_make(m, OO_FLOAT, 2, d32, data)));
    assert_false(oo_tensor_equal(a, oo_tensor_make(m, OO_FLOAT, 1, d6, data)));
    assert_false(oo_tensor_equal(a, oo_tensor_make(m, OO_INT32, 2, d23, data)));
    assert_false(oo_tensor_equal(scalar(m, 0.0f), scalar(m, -0.0f)));
    assert_true(oo_tensor_equal(scalar(m, NAN), scalar(m, NAN)));
    const uint32_t payload = 0x7fc00001;
    float other_nan;
    memcpy(&other_nan, &payload, sizeof payload);
    assert_false(oo_tensor_equal(scalar(m, NAN), scalar(m, other_nan)));
    assert_false(oo_tensor_equal(scalar(m, 1), floats(m, 1, (const float[]){1}))); /* [] and [1] */
    const oo_tensor *const none = floats(m, 0, NULL);
    assert_true(oo_tensor_equal(none, floats(m, 0, NULL)));
    assert_false(oo_tensor_equal(none, oo_tensor_make(m, OO_INT32, 1, (const int64_t[]){0}, NULL)));
    const oo_tensor *const lacking = oo__tensor_new(m, OO_FLOAT, 1, d6, NULL), *const too = oo__tensor_new(m, OO_FLOAT,
                                                                                                           1, d6, NULL);
    assert_false(oo_tensor_equal(lacking, too)); /* data that is not to be had equals nothing */
    const oo_tensor *const odd = oo__tensor_new(m, 99, 1, d6, NULL);
    assert_false(oo_tensor_equal(odd, oo__tensor_new(m, 99, 1, d6, NULL)));
    assert_int_equal(oo_tensor_elem(odd), OO_UNDEFINED);
    assert_int_equal(oo_tensor_size(odd), 0);
}

static oo_tensor *strings(uint32_t count, const oo_bytes *items) {
    oo_tensor *const t = oo__tensor_new(w->model, OO_STRING, 1, (const int64_t[]){count}, NULL);
    t->storage = OO_STORE_STRINGS;
    for (uint32_t i = 0; i < count; i++)
        oo_vec_push(w->model->arena, &t->strings, items[i]);
    return t;
}

static void strings_compare(void **state) {
    (void)state;
    const oo_bytes ab[] = {{(const uint8_t *)"a\0x", 3}, {(const uint8_t *)"b", 1}},
                   copy[] = {ab[0], {(const uint8_t *)"b", 1}}, ba[] = {ab[1], ab[0]},
                   nul[] = {{(const uint8_t *)"a\0y", 3}, ab[1]};
    const oo_tensor *const t = strings(2, ab);
    assert_true(oo_tensor_equal(t, strings(2, copy)));
    assert_true(oo_tensor_hash(t) == oo_tensor_hash(strings(2, copy)));
    assert_false(oo_tensor_equal(t, strings(2, ba)));
    assert_false(oo_tensor_equal(t, strings(2, nul)));
    oo_tensor *const shorter = strings(2, ab);
    shorter->strings.n = 1;
    assert_false(oo_tensor_equal(t, shorter));
    assert_int_equal(oo_tensor_size(t), 0);
    char out[8];
    assert_false(oo_tensor_read(t, 0, 2, out));
    double number;
    assert_false(oo_tensor_doubles(t, 0, 1, &number));
    assert_null(oo__tensor_bytes(t, w->scratch));
}

/* Large tensors are hashed by a sample: differing ends are seen, and equality looks at everything. */
static void hashes_of_large_tensors(void **state) {
    (void)state;
    enum { N = 300000 };
    float *const data = oo__malloc(N * sizeof *data);
    for (int i = 0; i < N; i++)
        data[i] = (float)i;
    const oo_tensor *const a = floats(w->model, N, data);
    static const int places[] = {0, 1, N - 3, N - 1};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        data[places[i]] += 0.5f;
        const oo_tensor *const b = floats(w->model, N, data);
        data[places[i]] -= 0.5f;
        assert_true(oo_tensor_hash(a) != oo_tensor_hash(b));
    }
    static const int inner[] = {N / 2, 65535, 65536, 131072};
    for (size_t i = 0; i < COUNT_OF(inner); i++) {
        data[inner[i]] += 0.5f;
        assert_false(oo_tensor_equal(a, floats(w->model, N, data)));
        data[inner[i]] -= 0.5f;
    }
    assert_true(oo_tensor_equal(a, floats(w->model, N, data)));
    free(data);
}

/* ---- numbers ---- */
static void doubles_of_every_type(void **state) {
    (void)state;
    const struct {
        oo_elem elem;
        const void *raw;
        double expected[3];
    } cases[] = {
        {OO_FLOAT, (const float[]){1.5f, -0.1f, 3e38f}, {1.5, (double)-0.1f, (double)3e38f}},
        {OO_DOUBLE, (const double[]){1.5, 5e-324, -1e308}, {1.5, 5e-324, -1e308}},
        {OO_FLOAT16, (const uint16_t[]){0x3c00, 0x8001, 0x7bff}, {1, -0x1p-24, 65504}},
        {OO_BFLOAT16, (const uint16_t[]){0x3f80, 0xc000, 0x0001}, {1, -2, 0x1p-133}},
        {OO_UINT8, (const uint8_t[]){0, 127, 255}, {0, 127, 255}},
        {OO_INT8, (const int8_t[]){-128, -1, 127}, {-128, -1, 127}},
        {OO_UINT16, (const uint16_t[]){0, 1, 65535}, {0, 1, 65535}},
        {OO_INT16, (const int16_t[]){-32768, -1, 32767}, {-32768, -1, 32767}},
        {OO_UINT32, (const uint32_t[]){0, 1, UINT32_MAX}, {0, 1, 4294967295.0}},
        {OO_INT32, (const int32_t[]){INT32_MIN, -1, 7}, {-2147483648.0, -1, 7}},
        {OO_UINT64, (const uint64_t[]){0, 1, UINT64_MAX}, {0, 1, 0x1p64}},
        {OO_INT64, (const int64_t[]){INT64_MIN, -1, 7}, {-0x1p63, -1, 7}},
        {OO_BOOL, (const uint8_t[]){0, 1, 1}, {0, 1, 1}},
    };
    const int64_t three = 3;
    unsigned known = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const oo_tensor *const t = oo_tensor_make(w->model, cases[i].elem, 1, &three, cases[i].raw);
        double out[3] = {0};
        assert_true(oo_tensor_doubles(t, 0, 3, out));
        for (unsigned k = 0; k < 3; k++)
            assert_true(out[k] == cases[i].expected[k]);
        assert_true(oo_tensor_doubles(t, 2, 1, out));
        assert_true(out[0] == cases[i].expected[2]);
        known |= 1u << cases[i].elem;
    }
    for (int e = 1; e < OO_ELEM_COUNT; e++) {
        if (known >> e & 1)
            continue;
        double out[3];
        oo_tensor *const t = oo__tensor_new(w->model, e, 1, &three, NULL);
        assert_false(oo_tensor_doubles(t, 0, 3, out)); /* not known, so not guessed */
    }
}

static void tensors_of_doubles(void **state) {
    (void)state;
    const double values[] = {1 + 0x1p-11 + 0x1p-40, -0.0, 1e300, NAN};
    const int64_t four = 4;
    static const oo_elem elems[] = {OO_FLOAT16, OO_BFLOAT16, OO_FLOAT, OO_DOUBLE};
    for (size_t i = 0; i < COUNT_OF(elems); i++) {
        double out[4];
        assert_true(oo_tensor_doubles(oo_tensor_from_doubles(w->model, elems[i], 1, &four, values), 0, 4, out));
        assert_true(out[1] == 0 && signbit(out[1]));
        assert_true(elems[i] == OO_DOUBLE ? out[2] == 1e300 : isinf(out[2]));
        assert_true(isnan(out[3]));
        const double rounded[] = {1 + 0x1p-10, 1, (double)(float)values[0], values[0]}; /* once, not through float */
        assert_true(out[0] == rounded[i]);
    }
    uint16_t packed[2];
    oo_doubles_pack(packed, OO_FLOAT16, (const double[]){1, -2}, 2);
    assert_int_equal(packed[1], 0xc000);
    double out[2];
    oo_doubles_unpack(out, OO_FLOAT16, packed, 2);
    assert_true(out[0] == 1 && out[1] == -2);
}

/* ---- lazy tensors and misuse ---- */
static void lazy_tensors(void **state) {
    (void)state;
    const int64_t four = 4;
    const uint8_t data[] = {1, 2, 3, 4};
    const bytes_of from = {data, 8};
    const oo_tensor *const t = oo_tensor_make_lazy(w->model, OO_UINT8, 1, &four, fill_bytes, &from, sizeof from);
    assert_ptr_equal(((const bytes_of *)oo_tensor_state(t, fill_bytes))->data, data);
    assert_ptr_not_equal(oo_tensor_state(t, fill_bytes), &from);
    assert_null(oo_tensor_state(t, fill_nothing));
    assert_null(oo_tensor_state(scalar(w->model, 1), fill_bytes));
    const oo_tensor *const bad = oo_tensor_make_lazy(w->model, OO_UINT8, 1, &four, fill_nothing, NULL, 0);
    uint8_t out[4];
    double numbers[4];
    assert_false(oo_tensor_read(bad, 0, 4, out));
    assert_false(oo__tensor_make(bad, 0, 4, out));
    assert_false(oo_tensor_doubles(bad, 0, 4, numbers));
    assert_null(oo__tensor_bytes(bad, w->scratch));
    assert_false(oo_tensor_equal(bad, t));
    assert_int_equal(oo_tensor_rank(t), 1);
    assert_int_equal(oo_tensor_dims(t)[0], 4);
}

static void read_past_the_end(void *t) { oo_tensor_read(t, 3, 2, (char[8]){0}); }
static void read_half_a_byte(void *t) { oo_tensor_read(t, 1, 1, (char[8]){0}); }
static void pack_integers(void *unused) {
    (void)unused, oo_doubles_pack((char[8]){0}, OO_INT32, (const double[]){1}, 1);
}
static void unpack_strings(void *unused) { (void)unused, oo_doubles_unpack((double[1]){0}, OO_STRING, "", 1); }
static void make_strings(void *unused) { (void)unused, oo_tensor_make(w->model, OO_STRING, 0, NULL, ""); }
static void make_negative(void *unused) {
    (void)unused, oo_tensor_make(w->model, OO_FLOAT, 1, (const int64_t[]){-1}, "");
}

static void misuse_is_a_bug(void **state) {
    (void)state;
    const int64_t four = 4;
    oo_tensor *const nibbles = oo_tensor_make(w->model, OO_INT4, 1, &four, "\x21\x43");
    assert_true(dies(read_past_the_end, nibbles, "range passes the end"));
    assert_true(dies(read_half_a_byte, nibbles, "range starts inside a byte"));
    assert_true(dies(pack_integers, NULL, "oo_doubles_pack: element type 6"));
    assert_true(dies(unpack_strings, NULL, "oo_doubles_unpack: element type 8"));
    assert_true(dies(make_strings, NULL, "impossible dimensions or type"));
    assert_true(dies(make_negative, NULL, "impossible dimensions or type"));
    /* An odd number of small elements ends within a byte. */
    const oo_tensor *const odd = oo_tensor_make(w->model, OO_INT4, 1, (const int64_t[]){3}, "\x21\x03");
    uint8_t out[2];
    assert_int_equal(oo_tensor_size(odd), 2);
    assert_true(oo_tensor_read(odd, 2, 1, out));
    assert_int_equal(out[0], 3);
}

/* ---- for the judge ---- */
static void print_tensor(const char *name, const oo_tensor *t) {
    printf("%s\t%d\t", name, (int)oo_tensor_elem(t));
    for (uint32_t i = 0; i < oo_tensor_rank(t); i++)
        printf("%s%" PRId64, i ? "," : "", oo_tensor_dims(t)[i]);
    putchar('\t');
    const uint64_t count = oo_tensor_count(t), size = oo_tensor_size(t);
    uint8_t *const bytes = oo__malloc(size);
    if (t->storage == OO_STORE_STRINGS) {
        for (uint32_t i = 0; i < t->strings.n; i++) {
            if (i)
                putchar(',');
            for (size_t k = 0; k < t->strings.data[i].size; k++)
                printf("%02x", t->strings.data[i].data[k]);
        }
    } else if (oo_tensor_read(t, 0, count, bytes)) {
        for (uint64_t i = 0; i < size; i++)
            printf("%02x", bytes[i]);
    } else {
        printf("none");
    }
    putchar('\t');
    double *const numbers = oo__malloc(count * sizeof *numbers);
    if (oo_tensor_doubles(t, 0, count, numbers))
        for (uint64_t i = 0; i < count; i++)
            printf("%s%a", i ? "," : "", numbers[i]);
    putchar('\n');
    free(numbers);
    free(bytes);
}

static int dump_model(const char *path) {
    oo_context *const context = new_context();
    oo_model *model;
    const bool ok = oo_model_load(&model, context, path) == OO_OK;
    if (ok) {
        const oo_graph *const graph = oo_model_graph(model);
        for (uint32_t i = 0; i < oo_graph_ninitializers(graph); i++) {
            const oo_value *const value = oo_graph_initializer(graph, i);
            print_tensor(oo_value_name(value), oo_value_const(value));
        }
        oo_model_free(model);
    } else {
        fputs(told.text, stderr);
    }
    oo_context_free(context);
    forget_told();
    return !ok;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--dump") == 0)
        return dump_model(argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(every_type_in_every_storage),
        TEST(six_bits_an_element),
        TEST(fields_that_cannot_hold_a_type),
        TEST(malformed_varints),
        TEST(payloads_of_the_wrong_size),
        TEST(impossible_dimensions),
        TEST(equality_is_by_bits),
        TEST(strings_compare),
        TEST(hashes_of_large_tensors),
        TEST(doubles_of_every_type),
        TEST(tensors_of_doubles),
        TEST(lazy_tensors),
        TEST(misuse_is_a_bug),
    };
    return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
