/* Casts from and to strings. */
#include "eval/cast.h"
#include "eval/move.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers are written with a point whatever the host program's locale is. */
typedef struct plain_locale {
    locale_t plain, before;
} plain_locale;

static plain_locale enter_plain(void) {
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return (plain_locale){plain, plain ? uselocale(plain) : (locale_t)0};
}

static void leave_plain(plain_locale locale) {
    if (!locale.plain)
        return;
    uselocale(locale.before);
    freelocale(locale.plain);
}

/* ---- strings to numbers ---- */
/* Where the number ends: at the end of the text, but for blanks. */
static bool is_all(const char *text, const char *end, size_t size) {
    if (end == text)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    return end == text + size;
}

/* A whole number of any 64-bit type; false when the text is something else. */
static bool read_integer(const char *text, size_t size, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (errno == ERANGE && strchr(text, '-') == NULL) {
        errno = 0;
        *out = (int64_t)strtoull(text, &end, 10);
    }
    return errno == 0 && is_all(text, end, size);
}

/* One string to element `i` of `numbers`, an INT64 or DOUBLE or FLOAT array that is cast on from there. */
static bool read_number(oo_array *numbers, uint64_t i, oo_bytes s) {
    const char *const text = s.data ? (const char *)s.data : "";
    char *end = NULL;
    if (numbers->elem == OO_INT64) {
        int64_t *const place = &((int64_t *)numbers->data)[i];
        if (read_integer(text, s.size, place))
            return true;
        const double value = strtod(text, &end); /* "100.5" to an integer is 100 */
        *place = oo__truncate(value);
    } else if (numbers->elem == OO_FLOAT) {
        ((float *)numbers->data)[i] = strtof(text, &end);
    } else {
        ((double *)numbers->data)[i] = strtod(text, &end);
    }
    return is_all(text, end, s.size);
}

bool oo__cast_from_text(const oo__call *c, oo_array *out, const oo_array *in, oo__cast_rules rules) {
    const oo_elem through = out->elem == OO_DOUBLE                               ? OO_DOUBLE
                            : oo__is_floating(out->elem) || out->elem == OO_BOOL ? OO_FLOAT
                                                                                 : OO_INT64;
    oo_array *const numbers = oo__array_new(through, in->rank, in->dims);
    if (!numbers) {
        oo__eval_fail(c, "the numbers would be larger than the limit for one tensor");
        return false;
    }
    const plain_locale locale = enter_plain();
    bool ok = true;
    for (uint64_t i = 0; ok && i < in->count; i++) {
        const oo_bytes s = ((const oo_bytes *)in->data)[i];
        ok = read_number(numbers, i, s);
        if (!ok)
            oo__eval_fail(c, "element %llu, \"%.*s\", is no number", (unsigned long long)i,
                          (int)(s.size < 40 ? s.size : 40), s.data ? (const char *)s.data : "");
    }
    leave_plain(locale);
    if (ok && through == out->elem)
        memcpy(out->data, numbers->data, out->count * oo__array_width(out->elem));
    else if (ok)
        oo__cast_numbers(out, numbers, rules);
    oo__array_release(numbers);
    return ok;
}

/* ---- numbers to strings ---- */
enum { TEXT_ROOM = 64 };

/* Whether the text reads back to `value` in the element type of `scratch`, an array of one element. */
static bool reads_back(oo_array *scratch, const char *text, double value) {
    if (scratch->elem == OO_FLOAT)
        ((float *)scratch->data)[0] = strtof(text, NULL);
    else
        oo__array_set_double(scratch, 0, strtod(text, NULL));
    return oo__array_double(scratch, 0) == value;
}

/* Plain from 0.0001 to 10^16 and with at least one digit behind the point; else with an exponent of at least two digits. */
static void print_real(char *out, oo_array *scratch, double value) {
    if (isnan(value) || isinf(value)) {
        snprintf(out, TEXT_ROOM, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    int digits = 0; /* behind the first one */
    do
        snprintf(out, TEXT_ROOM, "%.*e", digits, value);
    while (digits++ < 17 && !reads_back(scratch, out, value));
    const int exponent = atoi(strchr(out, 'e') + 1);
    if (value != 0 && (exponent < -4 || exponent >= 16))
        return;
    const int behind = digits - 1 - exponent;
    snprintf(out, TEXT_ROOM, "%.*f", behind > 1 ? behind : 1, value);
}

static void print_element(char *out, const oo_array *in, uint64_t i, oo_array *scratch) {
    const int64_t integer = oo__index(in, i);
    if (oo__is_floating(in->elem))
        print_real(out, scratch, oo__array_double(in, i));
    else if (in->elem == OO_BOOL)
        snprintf(out, TEXT_ROOM, "%s", integer ? "True" : "False");
    else if (in->elem == OO_UINT64)
        snprintf(out, TEXT_ROOM, "%llu", (unsigned long long)integer);
    else
        snprintf(out, TEXT_ROOM, "%lld", (long long)integer);
}

void oo__cast_to_text(oo_array *out, const oo_array *in) {
    const plain_locale locale = enter_plain();
    oo_array *const scratch = oo__array_new(in->elem, 0, NULL);
    char text[TEXT_ROOM];
    for (uint64_t i = 0; i < in->count; i++) {
        print_element(text, in, i, scratch);
        oo__array_set_string(out, i, (oo_bytes){(const uint8_t *)text, strlen(text)});
    }
    oo__array_release(scratch);
    leave_plain(locale);
}
