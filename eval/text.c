/* Operators on strings. Strings are bytes, taken as UTF-8 where characters matter; what is no UTF-8 is kept as it is. */
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static oo_bytes string_at(const oo_array *a, uint64_t i) { return ((const oo_bytes *)a->data)[i]; }

static bool same(oo_bytes a, oo_bytes b) {
    return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

/* Input `index` as a tensor of strings. */
static oo_status strings_in(const oo__call *c, uint32_t index, const oo_array **out) {
    if (!oo__need(c, index, out))
        return OO_INVALID;
    return (*out)->elem == OO_STRING ? OO_OK : oo__eval_fail(c, "input %u is no tensor of strings", index);
}

/* ---- StringConcat ---- */
typedef struct joining {
    const oo_array *a, *b;
    oo_array *out;
} joining;

static void join_run(void *state, uint64_t out, const uint64_t *at, const int64_t *strides, uint64_t count) {
    const joining *const j = state;
    for (uint64_t i = 0; i < count; i++) {
        const oo_bytes a = string_at(j->a, at[0] + i * (uint64_t)strides[0]),
                       b = string_at(j->b, at[1] + i * (uint64_t)strides[1]);
        uint8_t *const text = oo__malloc(a.size + b.size + 1);
        if (a.size)
            memcpy(text, a.data, a.size);
        if (b.size)
            memcpy(text + a.size, b.data, b.size);
        oo__array_set_string(j->out, out + i, (oo_bytes){text, a.size + b.size});
        free(text);
    }
}

/* What all strings of an array take. */
static uint64_t bytes_of(const oo_array *a) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < a->count; i++)
        sum += string_at(a, i).size;
    return sum;
}

oo_status oo__kernel_string_concat(oo__call *c) {
    const oo_array *both[2];
    OO_TRY(strings_in(c, 0, &both[0]));
    OO_TRY(strings_in(c, 1, &both[1]));
    oo__walk walk;
    uint32_t rank;
    int64_t dims[OO__MAX_RANK];
    if (!oo__walk_begin(&walk, 2, both, &rank, dims))
        return oo__eval_fail(c, "the shapes do not broadcast");
    for (uint32_t k = 0; k < 2; k++)
        if (both[k]->count && bytes_of(both[k]) > oo__eval_limit / (walk.count / both[k]->count + 1))
            return oo__eval_fail(c, "the result would be larger than the limit for one tensor");
    joining j = {both[0], both[1], oo__array_new(OO_STRING, rank, dims)};
    if (j.out)
        oo__walk_runs(&walk, join_run, &j);
    return oo__set(c, 0, j.out);
}

/* ---- StringSplit ---- */
typedef struct splitter {
    oo_bytes delimiter; /* empty: any run of white space, none in front and behind */
    uint64_t most;      /* splits */
} splitter;

static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

static const uint8_t *find(const uint8_t *text, const uint8_t *end, oo_bytes what) {
    return end > text ? memmem(text, (size_t)(end - text), what.data, what.size) : NULL;
}

/* Takes the next part off the front of `rest`; `splits` were made so far. False when nothing is left. */
static bool next_part(const splitter *s, oo_bytes *rest, uint64_t splits, oo_bytes *part) {
    const uint8_t *text = rest->data, *stop;
    const bool spaces = !s->delimiter.size;
    if (!text)
        return false;
    const uint8_t *const end = text + rest->size;
    while (spaces && text < end && is_space(*text))
        text++;
    if (spaces && text == end)
        return false;
    if (splits >= s->most) {
        *part = (oo_bytes){text, (size_t)(end - text)};
        *rest = (oo_bytes){NULL, 0};
        return true;
    }
    if (spaces) {
        for (stop = text; stop < end && !is_space(*stop);)
            stop++;
    } else {
        stop = find(text, end, s->delimiter);
    }
    *part = (oo_bytes){text, (size_t)((stop ? stop : end) - text)};
    const uint8_t *const next = stop ? stop + s->delimiter.size : NULL;
    *rest = (oo_bytes){next, next ? (size_t)(end - next) : 0};
    return true;
}

/* The parts of a string go to out[0], out[1] ... when `out` is there; returns how many there are. */
static uint64_t split(const splitter *s, oo_bytes text, oo_array *out, uint64_t at) {
    const uint8_t *const empty = (const uint8_t *)"";
    oo_bytes rest = {text.size ? text.data : empty, text.size}, part;
    uint64_t n = 0;
    for (; next_part(s, &rest, n, &part); n++)
        if (out)
            oo__array_set_string(out, at + n, part);
    return n;
}

oo_status oo__kernel_string_split(oo__call *c) {
    const oo_array *in;
    OO_TRY(strings_in(c, 0, &in));
    if (in->rank == OO__MAX_RANK)
        return oo__eval_unsupported(c, "the result has more than %d dimensions", OO__MAX_RANK);
    const oo_attr *const a = oo__attr(c, "delimiter");
    const int64_t most = oo__int(c, "maxsplit", -1);
    const splitter s = {a && a->type == OO_ATTR_STRING ? a->s : (oo_bytes){NULL, 0},
                        most < 0 ? UINT64_MAX : (uint64_t)most};
    oo_array *const counts = oo__array_new(OO_INT64, in->rank, in->dims);
    if (!counts)
        return oo__set(c, 1, NULL);
    int64_t longest = 0;
    for (uint64_t i = 0; i < in->count; i++) {
        const int64_t n = (int64_t)split(&s, string_at(in, i), NULL, 0);
        ((int64_t *)counts->data)[i] = n;
        longest = n > longest ? n : longest;
    }
    int64_t dims[OO__MAX_RANK];
    memcpy(dims, in->dims, in->rank * sizeof *dims);
    dims[in->rank] = longest;
    oo_array *const out = oo__array_new(OO_STRING, in->rank + 1, dims);
    for (uint64_t i = 0; out && i < in->count; i++)
        split(&s, string_at(in, i), out, i * (uint64_t)longest);
    const oo_status status = oo__set(c, 0, out);
    if (status == OO_OK)
        return oo__set(c, 1, counts);
    oo__array_release(counts);
    return status;
}

/* ---- StringNormalizer ---- */
typedef struct normalizer {
    enum { KEEP, LOWER, UPPER } change;
    bool turkish;    /* i with and without dot are two letters */
    locale_t locale; /* any with the letters of Unicode; 0: ASCII only */
    bool sensitive;
    oo_bytes *stops; /* in lower case unless sensitive */
    uint32_t nstops;
} normalizer;

/* The character at `text` and its length; -1 and 1 for what is no UTF-8. */
static int32_t decode(const uint8_t *text, const uint8_t *end, size_t *length) {
    static const int32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = *text;
    const size_t n = first < 0x80 ? 1 : first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    *length = 1;
    if (n == 1)
        return first;
    if (!n || first >= 0xf8 || (size_t)(end - text) < n)
        return -1;
    int32_t code = first & (0xff >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return -1;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < LEAST[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return -1;
    *length = n;
    return code;
}

static size_t encode(uint8_t *out, int32_t code) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    const size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)((0xf00u >> n) | (uint32_t)code);
    return n;
}

static int32_t changed(const normalizer *z, int32_t code, bool upper) {
    enum { DOTTED_CAPITAL = 0x130, DOTLESS_SMALL = 0x131 };
    if (z->turkish && upper && code == 'i')
        return DOTTED_CAPITAL;
    if (z->turkish && !upper && (code == 'I' || code == DOTTED_CAPITAL))
        return code == 'I' ? DOTLESS_SMALL : 'i';
    if (z->locale)
        return (int32_t)(upper ? towupper_l((wint_t)code, z->locale) : towlower_l((wint_t)code, z->locale));
    return upper && code >= 'a' && code <= 'z' ? code - 32 : !upper && code >= 'A' && code <= 'Z' ? code + 32 : code;
}

/* New memory. */
static oo_bytes cased(const normalizer *z, oo_bytes text, bool upper) {
    uint8_t *const out = oo__malloc(text.size * 4 + 1);
    size_t n = 0, length;
    const uint8_t *const end = text.size ? text.data + text.size : text.data;
    for (const uint8_t *p = text.data; p < end; p += length) {
        const int32_t code = decode(p, end, &length);
        if (code < 0)
            out[n++] = *p;
        else
            n += encode(out + n, changed(z, code, upper));
    }
    return (oo_bytes){out, n};
}

static void drop(oo_bytes text) { free((void *)(uintptr_t)text.data); }

static bool is_stop(const normalizer *z, oo_bytes word) {
    const oo_bytes compared = z->sensitive ? word : cased(z, word, false);
    bool found = false;
    for (uint32_t i = 0; i < z->nstops && !found; i++)
        found = same(compared, z->stops[i]);
    if (!z->sensitive)
        drop(compared);
    return found;
}

static oo_array *normalized(const normalizer *z, const oo_array *in) {
    bool *const stays = oo__malloc(in->count * sizeof *stays + 1);
    int64_t kept = 0;
    for (uint64_t i = 0; i < in->count; i++)
        kept += stays[i] = !is_stop(z, string_at(in, i));
    const int64_t dims[] = {1, kept ? kept : 1};
    oo_array *const out = oo__array_new(OO_STRING, in->rank, dims + 2 - in->rank);
    for (uint64_t i = 0, k = 0; out && i < in->count; i++) {
        if (!stays[i])
            continue;
        const oo_bytes word = z->change == KEEP ? string_at(in, i) : cased(z, string_at(in, i), z->change == UPPER);
        oo__array_set_string(out, k++, word);
        if (z->change != KEEP)
            drop(word);
    }
    free(stays);
    return out;
}

oo_status oo__kernel_string_normalizer(oo__call *c) {
    const oo_array *in;
    OO_TRY(strings_in(c, 0, &in));
    if (in->rank < 1 || in->rank > 2 || (in->rank == 2 && in->dims[0] != 1))
        return oo__eval_fail(c, "the input has neither shape [C] nor [1, C]");
    const char *const change = oo__string(c, "case_change_action", "NONE"), *const locale =
                                                                                oo__string(c, "locale", "en_US");
    normalizer z = {.sensitive = oo__int(c, "is_case_sensitive", 0) != 0};
    z.change = strcmp(change, "LOWER") == 0 ? LOWER : strcmp(change, "UPPER") == 0 ? UPPER : KEEP;
    if (z.change == KEEP && strcmp(change, "NONE") != 0)
        return oo__eval_fail(c, "case_change_action \"%s\" is none of LOWER, UPPER, NONE",
                             oo__printable(change, strlen(change)));
    z.turkish = strncmp(locale, "tr", 2) == 0 || strncmp(locale, "az", 2) == 0;
    z.locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    const oo_attr *const stops = oo__attr(c, "stopwords");
    z.nstops = stops && stops->type == OO_ATTR_STRINGS ? stops->count : 0;
    z.stops = oo__malloc(z.nstops * sizeof *z.stops + 1);
    for (uint32_t i = 0; i < z.nstops; i++)
        z.stops[i] = z.sensitive ? stops->strings[i] : cased(&z, stops->strings[i], false);
    oo_array *const out = normalized(&z, in);
    for (uint32_t i = 0; i < z.nstops && !z.sensitive; i++)
        drop(z.stops[i]);
    free(z.stops);
    if (z.locale)
        freelocale(z.locale);
    return oo__set(c, 0, out);
}
