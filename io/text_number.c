#include "io/text_number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

oo__plain_numbers oo__plain_numbers_begin(void) {
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return (oo__plain_numbers){plain, plain ? uselocale(plain) : NULL};
}

void oo__plain_numbers_end(oo__plain_numbers numbers) {
    if (!numbers.plain)
        return;
    uselocale(numbers.before);
    freelocale(numbers.plain);
}

/* ---- writing ---- */
static size_t special_text(char *out, double value) {
    const char *const word = isnan(value) ? "nan" : "inf";
    return (size_t)snprintf(out, OO__NUMBER_ROOM, "%s%s", signbit(value) ? "-" : "", word);
}

static bool is_small_integer(double value) {
    return fabs(value) < 1e6 && value == floor(value) && (value != 0 || !signbit(value));
}

size_t oo__float_text(char out[OO__NUMBER_ROOM], float value) {
    if (!isfinite(value))
        return special_text(out, (double)value);
    if (is_small_integer((double)value))
        return (size_t)snprintf(out, OO__NUMBER_ROOM, "%d", (int)value);
    /* Below FLT_MIN fewer digits than FLT_DIG may do. */
    int digits = fabsf(value) < FLT_MIN ? 1 : FLT_DIG;
    for (;; digits++) {
        const int n = snprintf(out, OO__NUMBER_ROOM, "%.*g", digits, (double)value);
        if (digits == FLT_DECIMAL_DIG || strtof(out, NULL) == value)
            return (size_t)n;
    }
}

size_t oo__double_text(char out[OO__NUMBER_ROOM], double value) {
    if (!isfinite(value))
        return special_text(out, value);
    if (is_small_integer(value))
        return (size_t)snprintf(out, OO__NUMBER_ROOM, "%d", (int)value);
    int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    for (;; digits++) {
        const int n = snprintf(out, OO__NUMBER_ROOM, "%.*g", digits, value);
        if (digits == DBL_DECIMAL_DIG || strtod(out, NULL) == value)
            return (size_t)n;
    }
}

/* ---- reading ---- */
static const char *const WORDS[] = {"nan", "inf", "infinity"};

/* Index into WORDS, -1 when the text is none of them. */
static int float_word(const char *text, size_t size) {
    const size_t sign = size && *text == '-';
    for (int i = 0; i < (int)(sizeof WORDS / sizeof *WORDS); i++)
        if (strlen(WORDS[i]) == size - sign && strncasecmp(text + sign, WORDS[i], size - sign) == 0)
            return i;
    return -1;
}

bool oo__is_float_word(const char *text, size_t size) { return float_word(text, size) >= 0; }

/* The word's value: bits that do not depend on the C library. */
static double word_value(int word, const char *text) {
    const double sign = *text == '-' ? -1.0 : 1.0;
    return copysign(word == 0 ? (double)NAN : (double)INFINITY, sign);
}

enum { LITERAL_ROOM = 1100 }; /* every double is exact in fewer digits */

static const char *terminated(char room[LITERAL_ROOM], const char *text, size_t size) {
    if (size >= LITERAL_ROOM || !size)
        return NULL;
    memcpy(room, text, size);
    room[size] = 0;
    return room;
}

bool oo__float_read(float *out, const char *text, size_t size) {
    const int word = float_word(text, size);
    if (word >= 0) {
        *out = (float)word_value(word, text);
        return true;
    }
    char room[LITERAL_ROOM], *end;
    if (!terminated(room, text, size))
        return false;
    *out = strtof(room, &end);
    return *end == 0 && isfinite(*out);
}

bool oo__double_read(double *out, const char *text, size_t size) {
    const int word = float_word(text, size);
    if (word >= 0) {
        *out = word_value(word, text);
        return true;
    }
    char room[LITERAL_ROOM], *end;
    if (!terminated(room, text, size))
        return false;
    *out = strtod(room, &end);
    return *end == 0 && isfinite(*out);
}

bool oo__integer_read(uint64_t *magnitude, bool *negative, const char *text, size_t size) {
    *negative = size && *text == '-';
    *magnitude = 0;
    for (size_t i = *negative; i < size; i++) {
        const uint64_t digit = (uint64_t)(text[i] - '0');
        if (*magnitude > (UINT64_MAX - digit) / 10)
            return false;
        *magnitude = *magnitude * 10 + digit;
    }
    return true;
}

bool oo__int64_read(int64_t *out, const char *text, size_t size) {
    uint64_t magnitude;
    bool negative;
    if (!oo__integer_read(&magnitude, &negative, text, size) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}
