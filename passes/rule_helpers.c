/* The helpers of helpers.def: lists and constants for the right side of rules. */
#include "passes/rule_run.h"

#include "eval/eval.h"

#include <stdlib.h>
#include <string.h>

typedef oo__rule_run run_t;
typedef const oo__term *terms;

static oo__operand *operand(terms args, uint32_t i) { return (oo__operand *)(uintptr_t)&args[i].operand; }

/* ---- numbers ---- */
static oo__term helper_axis(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    int64_t axis, rank;
    if (!oo__int_of(&args[0], &axis) || !oo__int_of(&args[1], &rank) || rank < 0 || !oo__axis(&axis, (uint32_t)rank))
        return oo__unknown();
    return oo__term_int(axis);
}

static oo__term of_exprs(run_t *run, terms args, const oo_expr *(*f)(oo_exprs *pool, const oo_expr *a, const oo_expr *b)) {
    oo_exprs *const pool = run->model->exprs;
    if (args[0].sort != OO__SORT_INT || args[1].sort != OO__SORT_INT)
        return oo__unknown();
    return oo__term_expr(f(pool, args[0].expr ? args[0].expr : oo__expr_int(pool, args[0].number),
                           args[1].expr ? args[1].expr : oo__expr_int(pool, args[1].number)));
}

static oo__term helper_ceil_div(run_t *run, terms args, uint32_t n) {
    (void)n;
    return of_exprs(run, args, oo__expr_ceildiv);
}

static oo__term helper_maximum(run_t *run, terms args, uint32_t n) {
    (void)n;
    return of_exprs(run, args, oo__expr_max);
}

static oo__term helper_minimum(run_t *run, terms args, uint32_t n) {
    (void)n;
    return of_exprs(run, args, oo__expr_min);
}

static oo__term helper_type_of(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    int64_t number;
    if (!oo__int_of(&args[0], &number) || !oo__elem_name((int32_t)number) || number < 1 || number >= OO_ELEM_COUNT)
        return oo__unknown();
    return oo__term_type((oo_elem)number);
}

/* ---- lists ---- */
static int by_number(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static oo__term list_of(run_t *run, const int64_t *ints, uint32_t count) {
    oo__term *const items = oo__term_items(run, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = oo__term_int(ints[i]);
    return oo__term_list(items, count);
}

static oo__term helper_sort(run_t *run, terms args, uint32_t n) {
    (void)n;
    uint32_t count = 0;
    int64_t *const ints = oo__ints_of(run, &args[0], &count);
    if (!ints)
        return oo__unknown();
    if (count)
        qsort(ints, count, sizeof *ints, by_number);
    return list_of(run, ints, count);
}

static oo__term helper_axes(run_t *run, terms args, uint32_t n) {
    uint32_t count = 0;
    int64_t *const ints = oo__ints_of(run, &args[0], &count);
    int64_t rank;
    if (!ints || !oo__int_of(&args[1], &rank) || rank < 0)
        return oo__unknown();
    for (uint32_t i = 0; i < count; i++)
        if (!oo__axis(&ints[i], (uint32_t)rank))
            return oo__unknown();
    const oo__term list = list_of(run, ints, count);
    return helper_sort(run, &list, n);
}

/* r[i] = list[index[i]] */
static oo__term taken(run_t *run, const oo__term *list, const oo__term *index) {
    oo__term *const items = oo__term_items(run, index->count);
    for (uint32_t i = 0; i < index->count; i++) {
        int64_t at;
        if (!oo__int_of(&index->items[i], &at) || at < 0 || at >= (int64_t)list->count)
            return oo__unknown();
        items[i] = list->items[at];
    }
    return oo__term_list(items, index->count);
}

static oo__term helper_compose(run_t *run, terms args, uint32_t n) {
    (void)n;
    return args[0].count == args[1].count ? taken(run, &args[0], &args[1]) : oo__unknown();
}

static oo__term helper_permute(run_t *run, terms args, uint32_t n) {
    (void)n;
    return taken(run, &args[0], &args[1]);
}

static oo__term helper_invert(run_t *run, terms args, uint32_t n) {
    (void)n;
    uint32_t count = 0;
    const int64_t *const perm = oo__ints_of(run, &args[0], &count);
    if (!perm)
        return oo__unknown();
    oo__term *const items = oo__term_items(run, count);
    for (uint32_t i = 0; i < count; i++) {
        if (perm[i] < 0 || perm[i] >= (int64_t)count || items[perm[i]].sort != OO__SORT_ANY)
            return oo__unknown();
        items[perm[i]] = oo__term_int(i);
    }
    return oo__term_list(items, count);
}

static oo__term helper_concat(run_t *run, terms args, uint32_t n) {
    (void)n;
    const uint32_t count = args[0].count + args[1].count;
    oo__term *const items = oo__term_items(run, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = i < args[0].count ? args[0].items[i] : args[1].items[i - args[0].count];
    return oo__term_list(items, count);
}

static oo__term helper_slice(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    int64_t from, to;
    const int64_t count = args[0].count;
    if (!oo__int_of(&args[1], &from) || !oo__int_of(&args[2], &to))
        return oo__unknown();
    from += from < 0 ? count : 0;
    to += to < 0 ? count : 0;
    from = from < 0 ? 0 : from > count ? count : from;
    to = to < from ? from : to > count ? count : to;
    return oo__term_list(args[0].items + from, (uint32_t)(to - from));
}

static oo__term helper_reverse(run_t *run, terms args, uint32_t n) {
    (void)n;
    oo__term *const items = oo__term_items(run, args[0].count);
    for (uint32_t i = 0; i < args[0].count; i++)
        items[i] = args[0].items[args[0].count - 1 - i];
    return oo__term_list(items, args[0].count);
}

enum { LONGEST = 1 << 16 };

static oo__term helper_range(run_t *run, terms args, uint32_t n) {
    (void)n;
    int64_t from, to;
    if (!oo__int_of(&args[0], &from) || !oo__int_of(&args[1], &to) || from < -LONGEST || to > LONGEST)
        return oo__unknown();
    const uint32_t count = to > from ? (uint32_t)(to - from) : 0;
    oo__term *const items = oo__term_items(run, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = oo__term_int(from + i);
    return oo__term_list(items, count);
}

static oo__term helper_repeat(run_t *run, terms args, uint32_t n) {
    (void)n;
    int64_t count;
    if (!oo__int_of(&args[1], &count) || count < 0 || count > LONGEST)
        return oo__unknown();
    oo__term *const items = oo__term_items(run, (uint32_t)count);
    for (int64_t i = 0; i < count; i++)
        items[i] = args[0];
    return oo__term_list(items, (uint32_t)count);
}

static oo__term helper_with(run_t *run, terms args, uint32_t n) {
    (void)n;
    int64_t at;
    if (!oo__int_of(&args[1], &at) || !oo__axis(&at, args[0].count))
        return oo__unknown();
    oo__term *const items = oo__term_items(run, args[0].count);
    for (uint32_t i = 0; i < args[0].count; i++)
        items[i] = i == at ? args[2] : args[0].items[i];
    return oo__term_list(items, args[0].count);
}

/* Marks positions; false when one is out of range or stands twice. */
static bool mark(run_t *run, const oo__term *positions, uint32_t count, bool **out) {
    uint32_t n = 0;
    const int64_t *const at = oo__ints_of(run, positions, &n);
    bool *const marked = *out = OO_NEW_ARRAY(run->arena, bool, count + 1);
    for (uint32_t i = 0; at && i < n; i++) {
        if (at[i] < 0 || at[i] >= (int64_t)count || marked[at[i]])
            return false;
        marked[at[i]] = true;
    }
    return at != NULL;
}

static oo__term helper_drop(run_t *run, terms args, uint32_t n) {
    (void)n;
    bool *gone;
    if (!mark(run, &args[1], args[0].count, &gone))
        return oo__unknown();
    oo__term *const items = oo__term_items(run, args[0].count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < args[0].count; i++)
        if (!gone[i])
            items[count++] = args[0].items[i];
    return oo__term_list(items, count);
}

static oo__term helper_insert(run_t *run, terms args, uint32_t n) {
    (void)n;
    const uint32_t count = args[0].count + args[1].count;
    bool *here;
    if (!mark(run, &args[1], count, &here))
        return oo__unknown();
    oo__term *const items = oo__term_items(run, count);
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++)
        items[i] = here[i] ? args[2] : args[0].items[next++];
    return oo__term_list(items, count);
}

/* ---- constants ---- */
static oo__term value_of(oo__operand operand) { return (oo__term){.sort = OO__SORT_VALUE, .operand = operand}; }

/* [n] becomes [1, .., n, .., 1]. A number stays one. */
static oo__term helper_along(run_t *run, terms args, uint32_t n) {
    (void)n;
    int64_t axis, dims[64];
    const int32_t rank = oo__operand_rank(operand(args, 2));
    if (args[0].operand.kind == OO__LITERAL)
        return args[0];
    if (rank < 1 || rank > 64 || !oo__int_of(&args[1], &axis) || !oo__axis(&axis, (uint32_t)rank) || !run->constants)
        return oo__unknown();
    oo_array *const vector = oo__operand_is_const(operand(args, 0)) ? oo__constant_array(run->constants, operand(args, 0)) : NULL;
    if (!vector || vector->rank != 1)
        return oo__unknown();
    for (int32_t i = 0; i < rank; i++)
        dims[i] = i == axis ? vector->dims[0] : 1;
    oo_array *const view = oo__array_view(vector, (uint32_t)rank, dims);
    if (!view)
        return oo__unknown();
    oo__operand out = oo__computed(run->constants, view, oo__operand_elem(operand(args, 0)));
    out.stem = args[0].operand.kind == OO__GRAPH_VALUE ? args[0].operand.value->name : args[0].operand.stem;
    return value_of(out);
}

static oo__term helper_scalar_like(run_t *run, terms args, uint32_t n) {
    (void)n;
    double number;
    const oo_elem elem = oo__operand_elem(operand(args, 1));
    if (!oo__real_of(&args[0], &number) || elem == OO_UNDEFINED || elem == OO_STRING || !run->constants)
        return oo__unknown();
    const bool real = elem == OO_FLOAT || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
    oo_array *const array = oo__array_new(real ? OO_DOUBLE : elem, 0, NULL);
    if (!array)
        return oo__unknown();
    oo__array_set_double(array, 0, number);
    return value_of(oo__computed(run->constants, array, elem));
}

static oo__term helper_cast_to(run_t *run, terms args, uint32_t n) {
    (void)n;
    const char *why = "";
    oo_tensor *const tensor = run->constants && oo__operand_is_const(operand(args, 0))
                                  ? oo__constant_tensor(run, operand(args, 0), (oo_elem)args[1].number, &why)
                                  : NULL;
    return tensor ? value_of((oo__operand){.kind = OO__TENSOR, .tensor = tensor}) : oo__unknown();
}

/* ---- the table ---- */
static const oo__function_row HELPERS[] = {
#define HELPER(name, signature, help) {#name, signature, help, helper_##name, false, NULL},
#include "passes/helpers.def"
};


const oo__function_row *oo__helper_at(uint32_t k) { return k < sizeof HELPERS / sizeof *HELPERS ? &HELPERS[k] : NULL; }
