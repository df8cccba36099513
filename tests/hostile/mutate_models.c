/* Damages small models at random and by truncation, and reads what is left. Whatever it is, it is a sound model or one diagnostic, and
 * nothing stays behind (the address sanitizer sees to it). What cannot be read does not pass a check either.
 *
 * usage: mutate_models COUNT SEED MODEL...     COUNT mutations in all; every model is also cut at up to 1000 places */
#include "io/io.h"
#include "ir/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

typedef struct tally {
    unsigned long read, refused;
} tally;

static uint64_t seed;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return limit ? (size_t)(seed % limit) : 0;
}

static bytes load(const char *path) {
    bytes b = {0};
    FILE *const f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    b.size = (size_t)ftell(f);
    b.data = oo__malloc(b.size);
    rewind(f);
    if (fread(b.data, 1, b.size, f) != b.size)
        exit(2);
    fclose(f);
    return b;
}

/* ---- mutations ---- */
/* Takes `gone` bytes out at `at` and puts `count` bytes there. */
static void splice(bytes *b, size_t at, size_t gone, const void *data, size_t count) {
    uint8_t *const out = oo__malloc(b->size - gone + count);
    memcpy(out, b->data, at);
    if (count)
        memcpy(out + at, data, count);
    memcpy(out + at + count, b->data + at + gone, b->size - at - gone);
    free(b->data);
    *b = (bytes){out, b->size - gone + count};
}

static void insert_noise(bytes *b) {
    uint8_t noise[16];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)below(256);
    splice(b, below(b->size + 1), 0, noise, 1 + below(sizeof noise));
}

/* A number where there was a byte, often one that lengths and sizes do not like. */
static void blow_up(bytes *b) {
    static const uint64_t numbers[] = {0, 1, 127, 128, 255, 16384, INT32_MAX, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};
    uint64_t number = numbers[below(sizeof numbers / sizeof *numbers)];
    uint8_t varint[10];
    size_t n = 0;
    for (; number >= 0x80; number >>= 7)
        varint[n++] = (uint8_t)(number | 0x80);
    varint[n++] = (uint8_t)number;
    splice(b, below(b->size), 1, varint, n);
}

static void splice_from(bytes *b, const bytes *other) {
    const size_t from = below(other->size), count = below(other->size - from), at = below(b->size);
    splice(b, at, below(b->size - at), other->data + from, count);
}

static void mutate(bytes *b, const bytes *other) {
    if (!b->size)
        return;
    switch (below(7)) {
    case 0: b->data[below(b->size)] ^= (uint8_t)(1u << below(8)); break;
    case 1: b->data[below(b->size)] = (uint8_t)below(256); break;
    case 2: b->size = below(b->size); break;
    case 3: insert_noise(b); break;
    case 4: blow_up(b); break;
    case 5: splice_from(b, other); break;
    default: {
        const size_t at = below(b->size);
        splice(b, at, below(b->size - at < 32 ? b->size - at : 32), NULL, 0);
        break;
    }
    }
}

/* ---- reading ---- */
static bool is_whole(const oo_diag *d) {
    return d->severity == OO_ERROR && d->code && *d->code && d->file && d->text && *d->text;
}

typedef struct ear {
    unsigned heard;
    bool attribute; /* a misused attribute: a check looks at it more closely, and may let it pass */
} ear;

static void hear(void *user, const oo_diag *diag) {
    ear *const e = user;
    e->heard += is_whole(diag) ? 1 : 1000;
    e->attribute |= diag->code && strcmp(diag->code, "load-attribute") == 0;
}

/* Whether a check ends, and refuses what the reader refuses. */
static bool check_is_right(const uint8_t *data, size_t size, bool read, bool attribute) {
    oo_context *const context = oo_context_new();
    oo_model *model;
    oo_status status = oo__model_read_defective(&model, context, data, size, NULL);
    if (status == OO_OK)
        status = oo__model_check(model, NULL);
    oo_model_free(model);
    const bool told = status == OO_OK || context->errors > 0;
    oo_context_free(context);
    return told && (read || attribute || status != OO_OK);
}

/* A copy of exactly this size, so that reading past its end is seen. */
static bool read_is_right(const uint8_t *data, size_t size, tally *t) {
    uint8_t *const copy = oo__malloc(size);
    if (size)
        memcpy(copy, data, size);
    oo_context *const context = oo_context_new();
    ear e = {0};
    oo_set_sink(context, hear, &e);
    oo_model *model;
    const oo_status status = oo__model_read(&model, context, copy, size, NULL);
    bool right = status == OO_OK ? e.heard == 0 : e.heard == 1 && !model;
    if (right && model)
        right = oo_model_verify(model) == OO_OK;
    ++*(model ? &t->read : &t->refused);
    oo_model_free(model);
    oo_context_free(context);
    right = right && check_is_right(copy, size, status == OO_OK, e.attribute);
    free(copy);
    return right;
}

static int keep(const bytes *b, const char *how) {
    FILE *const f = fopen("mutated.onnx", "wb");
    if (f) {
        fwrite(b->data, 1, b->size, f);
        fclose(f);
    }
    fprintf(stderr, "read wrongly: mutated.onnx (%s)\n", how);
    return 1;
}

static int cut_everywhere(const bytes *models, int count, tally *t) {
    for (int m = 0; m < count; m++) {
        const size_t step = models[m].size / 1000 + 1;
        for (size_t size = 0; size < models[m].size; size += step) {
            const bytes cut = {models[m].data, size};
            if (!read_is_right(cut.data, cut.size, t))
                return keep(&cut, "cut off");
        }
    }
    return 0;
}

static int mutate_all(const bytes *models, int count, unsigned long times, tally *t) {
    for (unsigned long i = 0; i < times; i++) {
        const bytes *const from = &models[i % (unsigned)count];
        bytes b = {oo__malloc(from->size), from->size};
        memcpy(b.data, from->data, from->size);
        for (size_t changes = 1 + below(4); changes--;)
            mutate(&b, &models[below((size_t)count)]);
        const int wrong = read_is_right(b.data, b.size, t) ? 0 : keep(&b, "damaged");
        free(b.data);
        if (wrong)
            return wrong;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: mutate_models COUNT SEED MODEL...\n");
        return 2;
    }
    seed = strtoull(argv[2], NULL, 10) * 2654435769u + 1;
    const int count = argc - 3;
    bytes *const models = oo__malloc((size_t)count * sizeof *models);
    tally t = {0};
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        models[i] = load(argv[i + 3]);
        if (!read_is_right(models[i].data, models[i].size, &t) || t.refused)
            wrong = keep(&models[i], argv[i + 3]);
    }
    wrong = wrong || cut_everywhere(models, count, &t) || mutate_all(models, count, strtoul(argv[1], NULL, 10), &t);
    printf("%lu models read, %lu refused\n", t.read, t.refused);
    for (int i = 0; i < count; i++)
        free(models[i].data);
    free(models);
    return wrong;
}
