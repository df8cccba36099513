#include "eval/real.h"

#include "base/half.h"
#include "eval/broadcast.h"

#include <stdlib.h>
#include <string.h>

enum { GRAIN = 1 << 14 };

typedef struct conversion {
    const oo_array *from;
    oo_array *to;
} conversion;

static void to_real(void *state, uint64_t first, uint64_t last) {
    const conversion *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__real_set(j->to, i, oo__array_double(j->from, i));
}

oo_array *oo__as_real(const oo_array *a, oo_elem elem) {
    if (!a)
        return NULL;
    if (a->elem == elem)
        return oo__array_retain((oo_array *)(uintptr_t)a);
    conversion j = {a, oo__array_new(elem, a->rank, a->dims)};
    if (j.to)
        oo__parallel(a->count, GRAIN, to_real, &j);
    return j.to;
}

static void to_elem(void *state, uint64_t first, uint64_t last) {
    const conversion *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__array_set_double(j->to, i, oo__real(j->from, i));
}

oo_array *oo__as_elem(oo_array *work, oo_elem elem) {
    if (!work || work->elem == elem)
        return work;
    conversion j = {work, oo__array_new(elem, work->rank, work->dims)};
    if (j.to)
        oo__parallel(work->count, GRAIN, to_elem, &j);
    oo__array_release(work);
    return j.to;
}

oo_array *oo__zeros(oo_elem elem, uint32_t rank, const int64_t *dims) {
    oo_array *const a = oo__array_new(elem, rank, dims);
    if (a)
        memset(a->data, 0, a->count * oo__array_width(elem));
    return a;
}

double oo__round_to(oo_elem elem, double value) {
    switch (elem) {
    case OO_FLOAT16: return oo__half_to_double(oo__half_from_double(value));
    case OO_BFLOAT16: return oo__bfloat_to_double(oo__bfloat_from_double(value));
    default: return value;
    }
}

typedef struct rounding {
    oo_elem elem;
    oo_array *array;
} rounding;

static void round_part(void *state, uint64_t first, uint64_t last) {
    const rounding *const j = state;
    for (uint64_t i = first; i < last; i++)
        oo__real_set(j->array, i, oo__round_to(j->elem, oo__real(j->array, i)));
}

void oo__round_array(oo_elem elem, oo_array *work) {
    rounding j = {elem, work};
    if (elem == OO_FLOAT16 || elem == OO_BFLOAT16)
        oo__parallel(work->count, GRAIN, round_part, &j);
}

oo_status oo__need_real(const oo__call *c, uint32_t index, const char *name) {
    const oo_array *const a = oo__in(c, index);
    if (!a)
        return oo__eval_fail(c, "the input %s is missing", name);
    if (!oo__is_real(a->elem))
        return oo__eval_unsupported(c, "%s has element type %s", name, oo__elem_name((int32_t)a->elem));
    if (a->rank > OO__MAX_RANK)
        return oo__eval_unsupported(c, "%s has %u dimensions, more than %d", name, a->rank, OO__MAX_RANK);
    return OO_OK;
}

oo_status oo__need_like(const oo__call *c, uint32_t index, const oo_array *like) {
    const oo_array *const a = oo__in(c, index);
    if (a && a->elem != like->elem)
        return oo__eval_fail(c, "input %u has element type %s where %s is wanted", index, oo__elem_name((int32_t)a->elem),
                             oo__elem_name((int32_t)like->elem));
    return OO_OK;
}

bool oo__has_dims(const oo_array *a, uint32_t rank, const int64_t *dims) {
    return a && a->rank == rank && (!rank || memcmp(a->dims, dims, rank * sizeof *dims) == 0);
}

typedef struct expansion {
    const oo_array *from;
    oo_array *to;
} expansion;

static void expand_run(void *state, uint64_t out, const uint64_t *at, const int64_t *strides, uint64_t count) {
    const expansion *const j = state;
    for (uint64_t i = 0; i < count; i++)
        oo__real_set(j->to, out + i, oo__real(j->from, at[0] + i * (uint64_t)strides[0]));
}

oo_array *oo__expand_real(const oo_array *a, uint32_t rank, const int64_t *dims) {
    const oo_array shape = {.elem = a->elem, .rank = rank, .dims = (int64_t *)(uintptr_t)dims};
    oo__walk walk;
    int64_t result[OO__MAX_RANK];
    uint32_t result_rank;
    if (!oo__walk_begin(&walk, 2, (const oo_array *const[]){a, &shape}, &result_rank, result) || result_rank != rank ||
        (rank && memcmp(result, dims, rank * sizeof *dims) != 0))
        return NULL;
    expansion j = {a, oo__array_new(a->elem, rank, dims)};
    if (j.to)
        oo__walk_runs(&walk, expand_run, &j);
    return j.to;
}
