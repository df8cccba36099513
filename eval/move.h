/* Moving elements whatever their type is, and reading what says where to. Private to eval/. */
#ifndef EVAL_MOVE_H
#define EVAL_MOVE_H
#include "eval/broadcast.h"

enum { OO__MAX_BOX = 2 * OO__MAX_RANK };

/* ---- inputs ---- */
/* Input `index` as a tensor of at most OO__MAX_RANK dimensions. False after an error: it is missing (oo__need only), no tensor, or has too
 * many dimensions. oo__want gives NULL for what is omitted. */
bool oo__need(const oo__call *c, uint32_t index, const oo_array **out);
bool oo__want(const oo__call *c, uint32_t index, const oo_array **out);

/* A short list of integers: axes, sizes, pads. */
typedef struct oo__list {
    bool given;
    uint32_t count;
    int64_t items[OO__MAX_BOX];
} oo__list;
/* From input `index` (int32 or int64, any rank) or, where that is omitted, from attribute `name` (NULL: none). False after an error. */
bool oo__list_of(const oo__call *c, uint32_t index, const char *name, oo__list *out);
/* From an attribute alone. */
bool oo__list_attr(const oo__call *c, const char *name, oo__list *out);
/* Normalizes axes of `rank` dimensions. False after an error: one is out of range or there twice. */
bool oo__list_axes(const oo__call *c, oo__list *axes, uint32_t rank);
/* The one integer of input `index`; `absent` when it is omitted. False after an error. */
bool oo__integer_of(const oo__call *c, uint32_t index, int64_t absent, int64_t *out);

/* ---- numbers ---- */
/* Product of dims[first .. last), without overflow as long as the array is not empty. */
uint64_t oo__product(const int64_t *dims, uint32_t first, uint32_t last);
/* a * b and a + b of numbers that are not negative; INT64_MAX when it is more, which oo__array_new refuses. */
int64_t oo__times(int64_t a, int64_t b);
int64_t oo__plus(int64_t a, int64_t b);
/* Toward zero; the nearest int64 when out of range, 0 for NaN. */
int64_t oo__truncate(double value);
/* Element i as an integer; floating-point types through oo__truncate. */
int64_t oo__index(const oo_array *array, uint64_t i);
/* Whether element i is not 0 (NaN is not, an empty string is). */
bool oo__truth(const oo_array *array, uint64_t i);
bool oo__is_floating(oo_elem elem); /* any format, small ones too */
bool oo__is_complex(oo_elem elem);

/* ---- elements ---- */
/* Where the elements of a box lie in an array: the index of its first one, and the steps from one to the next along each dimension. */
typedef struct oo__place {
    int64_t first;
    int64_t steps[OO__MAX_BOX];
} oo__place;
/* Steps of a whole row-major array. */
void oo__strides(int64_t *strides, uint32_t rank, const int64_t *dims);
/* Copies a box of elements; both arrays have the same element type. At most OO__MAX_BOX dimensions. */
void oo__copy_box(oo_array *out, const oo__place *to, const oo_array *in, const oo__place *from, uint32_t rank,
                  const int64_t *dims);
/* Copies elements that lie one after the other. */
void oo__copy_run(oo_array *out, uint64_t to, const oo_array *in, uint64_t from, uint64_t count);
/* Writes element i of `value` everywhere; zeros (strings: nothing, they are empty). */
void oo__fill(oo_array *out, const oo_array *value, uint64_t i);
void oo__fill_zero(oo_array *out);
/* out[i, j, ...] = in[maps[0][i], maps[1][j], ...]; NULL = the same index. Where an index is negative the element is left as it is. */
void oo__copy_mapped(oo_array *out, const oo_array *in, const int64_t *const *maps);

/* ---- outputs ---- */
/* Output 0 is `in` under other dimensions, sharing its data. */
oo_status oo__set_view(oo__call *c, const oo_array *in, uint32_t rank, const int64_t *dims);
/* Output 0 is `in`. */
oo_status oo__set_same(oo__call *c, const oo_array *in);
#endif
