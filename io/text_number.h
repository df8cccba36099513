/* Numbers as decimal text and back, bit by bit. Private to the library. */
#ifndef IO_TEXT_NUMBER_H
#define IO_TEXT_NUMBER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes the calling thread write and read numbers with a decimal point, whatever the locale of the program is. */
typedef struct oo__plain_numbers {
    void *plain, *before;
} oo__plain_numbers;
oo__plain_numbers oo__plain_numbers_begin(void);
void oo__plain_numbers_end(oo__plain_numbers numbers);

/* The shortest decimal that reads back as the same bits; NaN is nan or -nan (its payload is not said). Returns the
 * length. */
enum { OO__NUMBER_ROOM = 40 };
size_t oo__float_text(char out[OO__NUMBER_ROOM], float value);
size_t oo__double_text(char out[OO__NUMBER_ROOM], double value);

/* What a literal says, rounded once. False when it is no such number or does not fit; too small is zero. */
bool oo__float_read(float *out, const char *text, size_t size);
bool oo__double_read(double *out, const char *text, size_t size);
/* An integer with an optional minus sign: the magnitude and the sign. */
bool oo__integer_read(uint64_t *magnitude, bool *negative, const char *text, size_t size);
bool oo__int64_read(int64_t *out, const char *text, size_t size);
/* Whether the text is inf, infinity or nan, in any case, with an optional minus sign. */
bool oo__is_float_word(const char *text, size_t size);
#endif
