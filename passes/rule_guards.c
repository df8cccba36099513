/* The guards of guards.def: yes, no or unknown, and the terms they are made of. */
#include "passes/filled.h"
#include "passes/rule_run.h"
#include "passes/wholes.h"

#include "eval/eval.h"

#include <math.h>
#include <string.h>

typedef oo__rule_run run_t;
typedef const oo__term *terms;

static oo__operand *operand(terms args, uint32_t i) { return (oo__operand *)(uintptr_t)&args[i].operand; }
static oo_elem elem(terms args, uint32_t i) { return (oo_elem)args[i].number; }

/* ---- shapes ---- */
static oo__term guard_rank(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    const int32_t rank = oo__operand_rank(operand(args, 0));
    return rank < 0 ? oo__unknown() : oo__term_int(rank);
}

static oo__term guard_dim(run_t *run, terms args, uint32_t n) {
    (void)n;
    int64_t axis;
    const int32_t rank = oo__operand_rank(operand(args, 0));
    if (rank < 0 || !oo__int_of(&args[1], &axis) || !oo__axis(&axis, (uint32_t)rank))
        return oo__unknown();
    return oo__operand_dim(run, operand(args, 0), (uint32_t)axis);
}

static oo__term guard_shape(run_t *run, terms args, uint32_t n) {
    (void)n;
    const int32_t rank = oo__operand_rank(operand(args, 0));
    if (rank < 0)
        return oo__unknown();
    oo__term *const items = oo__term_items(run, (uint32_t)rank);
    for (int32_t i = 0; i < rank; i++)
        items[i] = oo__operand_dim(run, operand(args, 0), (uint32_t)i);
    return oo__term_list(items, (uint32_t)rank);
}

static oo_answer both(oo_answer a, oo_answer b) { return a == OO_NO || b == OO_NO ? OO_NO : a == OO_YES && b == OO_YES ? OO_YES : OO_UNKNOWN; }

static oo__term guard_same_shape(run_t *run, terms args, uint32_t n) {
    const oo__term a = guard_shape(run, args, n), b = guard_shape(run, args + 1, n);
    return oo__term_answer(oo__terms_equal(run, &a, &b));
}

/* Each dimension of the value is 1 or that of the shape, counted from the end; a dimension of the shape may be anything then. */
static oo__term guard_expands_to(run_t *run, terms args, uint32_t n) {
    (void)n;
    const oo__operand *const value = operand(args, 0);
    const int32_t rank = oo__operand_rank(value);
    if (rank < 0)
        return oo__unknown();
    if ((uint32_t)rank > args[1].count)
        return oo__term_bool(false);
    oo_answer all = OO_YES;
    const oo__term one = oo__term_int(1);
    for (uint32_t i = 0; i < (uint32_t)rank; i++) {
        const oo__term own = oo__operand_dim(run, value, (uint32_t)rank - 1 - i);
        const oo_answer is_one = oo__terms_equal(run, &own, &one);
        if (is_one == OO_YES)
            continue;
        const oo_answer same = oo__terms_equal(run, &own, &args[1].items[args[1].count - 1 - i]);
        all = both(all, same == OO_YES ? OO_YES : same == OO_NO && is_one == OO_NO ? OO_NO : OO_UNKNOWN);
    }
    return oo__term_answer(all);
}

static oo__term guard_broadcast(run_t *run, terms args, uint32_t n) {
    (void)n;
    const uint32_t rank = args[0].count > args[1].count ? args[0].count : args[1].count;
    oo__term *const items = oo__term_items(run, rank);
    const oo__term one = oo__term_int(1);
    for (uint32_t i = 0; i < rank; i++) {
        const oo__term a = i < args[0].count ? args[0].items[args[0].count - 1 - i] : one;
        const oo__term b = i < args[1].count ? args[1].items[args[1].count - 1 - i] : one;
        oo__term *const out = &items[rank - 1 - i];
        if (oo__terms_equal(run, &a, &one) == OO_YES)
            *out = b;
        else if (oo__terms_equal(run, &b, &one) == OO_YES || oo__terms_equal(run, &a, &b) == OO_YES)
            *out = a;
        else if (oo__terms_equal(run, &a, &one) == OO_NO && oo__terms_equal(run, &b, &one) == OO_NO)
            *out = a; /* both are not 1, so they are equal wherever the model runs at all */
    }
    return oo__term_list(items, rank);
}

static oo__term guard_count(run_t *run, terms args, uint32_t n) {
    if (args[0].operand.kind == OO__MANY)
        return oo__term_int(args[0].operand.count);
    const oo__term shape = guard_shape(run, args, n);
    oo__term count = oo__term_int(1);
    for (uint32_t i = 0; shape.sort == OO__SORT_INTS && i < shape.count; i++)
        count = oo__term_arithmetic(run, OO__AST_MUL, &count, &shape.items[i]);
    return shape.sort == OO__SORT_INTS ? count : oo__unknown();
}

static oo__term guard_closes_function(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    const oo_value *const value = operand(args, 0)->kind == OO__GRAPH_VALUE ? operand(args, 0)->value : NULL;
    return oo__term_bool(value && (oo__closes_gelu(value) || oo__closes_normalization(value)));
}

/* ---- types ---- */
static oo__term guard_type(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return oo__term_type(oo__operand_elem(operand(args, 0)));
}

/* Digits of the significand and the largest exponent; integers have their bits as digits. */
typedef struct range {
    int digits, high, low; /* low: exponent of the smallest number */
    bool sign, whole;
} range;

static bool range_of(oo_elem e, range *out) {
    const int bits = (int)oo__elem_bits((int32_t)e);
    switch (e) {
    case OO_BOOL: *out = (range){1, 1, 0, false, true}; return true;
    case OO_FLOAT16: *out = (range){11, 16, -24, true, false}; return true;
    case OO_BFLOAT16: *out = (range){8, 128, -133, true, false}; return true;
    case OO_FLOAT: *out = (range){24, 128, -149, true, false}; return true;
    case OO_DOUBLE: *out = (range){53, 1024, -1074, true, false}; return true;
    case OO_INT2:
    case OO_INT4:
    case OO_INT8:
    case OO_INT16:
    case OO_INT32:
    case OO_INT64: *out = (range){bits - 1, bits - 1, 0, true, true}; return true;
    case OO_UINT2:
    case OO_UINT4:
    case OO_UINT8:
    case OO_UINT16:
    case OO_UINT32:
    case OO_UINT64: *out = (range){bits, bits, 0, false, true}; return true;
    default: return false;
    }
}

static bool is_float_type(oo_elem e) {
    range r;
    return range_of(e, &r) && !r.whole;
}

static oo__term guard_is_float(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return oo__term_bool(is_float_type(elem(args, 0)));
}

static oo__term guard_is_int(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    range r;
    return oo__term_bool(elem(args, 0) != OO_BOOL && range_of(elem(args, 0), &r) && r.whole);
}

static oo__term guard_is_signed(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    range r;
    return oo__term_bool(range_of(elem(args, 0), &r) && r.whole && r.sign);
}

static oo__term guard_bits(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    const uint32_t bits = oo__elem_bits((int32_t)elem(args, 0));
    return bits ? oo__term_int(bits) : oo__unknown();
}

static oo__term guard_fits_in(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    range a, b;
    if (elem(args, 0) == elem(args, 1))
        return oo__term_bool(true);
    if (!range_of(elem(args, 0), &a) || !range_of(elem(args, 1), &b))
        return oo__unknown();
    if (b.whole && elem(args, 1) == OO_BOOL)
        return oo__term_bool(false);
    if (b.whole)
        return oo__term_bool(a.whole && a.digits <= b.digits && (!a.sign || b.sign));
    return oo__term_bool(a.digits <= b.digits && a.high + (a.whole && a.sign) <= b.high && a.low >= b.low);
}

/* ---- values ---- */
static oo__term guard_present(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    const oo__operand *const o = operand(args, 0);
    if (args[0].sort == OO__SORT_ANY)
        return oo__unknown();
    return oo__term_bool(o->kind != OO__ABSENT && !(o->kind == OO__LITERAL && o->omitted));
}

static oo__term guard_absent(run_t *run, terms args, uint32_t n) {
    const oo__term t = guard_present(run, args, n);
    return t.sort == OO__SORT_ANY ? t : oo__term_bool(t.answer == OO_NO);
}

static oo__term guard_is_const(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return args[0].sort == OO__SORT_ANY ? oo__unknown() : oo__term_bool(oo__operand_is_const(operand(args, 0)));
}

static oo__term guard_is_output(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return oo__term_bool(args[0].operand.kind == OO__GRAPH_VALUE && args[0].operand.value->noutputs > 0);
}

static oo__term guard_nuses(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return args[0].operand.kind == OO__GRAPH_VALUE ? oo__term_int(args[0].operand.value->nuses) : oo__unknown();
}

static oo__term guard_has(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    const oo_node *const node =
        args[0].sort == OO__SORT_VALUE && args[0].operand.kind == OO__GRAPH_VALUE ? args[0].operand.value->producer : NULL;
    return node ? oo__term_bool(oo_node_attr(node, args[1].string) != NULL) : oo__unknown();
}

static oo__term guard_opset(run_t *run, terms args, uint32_t n) {
    (void)args;
    (void)n;
    return oo__term_int(run->opset);
}

static oo__term guard_ints(run_t *run, terms args, uint32_t n) {
    (void)n;
    return oo__operand_ints(run, operand(args, 0));
}

typedef struct extent {
    double low, high;
    uint64_t count;
    bool nan;
} extent;

static bool see_extent(void *state, const double *values, uint64_t count) {
    extent *const e = state;
    for (uint64_t i = 0; i < count; i++) {
        e->low = values[i] < e->low ? values[i] : e->low;
        e->high = values[i] > e->high ? values[i] : e->high;
        e->nan |= isnan(values[i]);
    }
    e->count += count;
    return !e->nan;
}

/* Whole numbers that a double does not tell apart are not known. */
static bool extent_of(terms args, extent *out) {
    const oo_elem e = oo__operand_elem(operand(args, 0));
    *out = (extent){.low = INFINITY, .high = -INFINITY};
    if (!oo__operand_scan(operand(args, 0), see_extent, out) || !out->count || out->nan)
        return false;
    return (e != OO_INT64 && e != OO_UINT64) || (out->low > -0x1p53 && out->high < 0x1p53);
}

static oo__term guard_min_of(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    extent e;
    return extent_of(args, &e) ? oo__term_float(e.low) : oo__unknown();
}

static oo__term guard_max_of(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    extent e;
    return extent_of(args, &e) ? oo__term_float(e.high) : oo__unknown();
}

static bool see_exact(void *state, const double *values, uint64_t count) {
    enum { BLOCK = 64 };
    const oo_elem elem = *(const oo_elem *)state;
    unsigned char packed[BLOCK * 8];
    double back[BLOCK];
    for (uint64_t at = 0; at < count; at += BLOCK) {
        const uint64_t n = count - at < BLOCK ? count - at : BLOCK;
        oo_doubles_pack(packed, elem, values + at, n);
        oo_doubles_unpack(back, elem, packed, n);
        if (memcmp(back, values + at, n * sizeof *back) != 0)
            return false;
    }
    return true;
}

static oo__term guard_fits(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    oo_elem to = elem(args, 1);
    oo__operand *const value = operand(args, 0);
    if (!is_float_type(to) || !is_float_type(oo__operand_elem(value)) || !oo__operand_is_const(value))
        return oo__unknown();
    return oo__term_bool(oo__operand_scan(value, see_exact, &to));
}

static oo__term guard_number(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    extent e;
    return extent_of(args, &e) && e.low == e.high ? oo__term_float(e.low) : oo__unknown();
}

static oo__term guard_fill(run_t *run, terms args, uint32_t n) {
    double number;
    const oo__operand *const o = operand(args, 0);
    if (o->kind == OO__GRAPH_VALUE)
        return oo__filled_with(&number, o->value) ? oo__term_float(number) : oo__unknown();
    return guard_number(run, args, n);
}

static oo__term guard_is_zeros(run_t *run, terms args, uint32_t n) {
    const oo__term number = guard_fill(run, args, n);
    return number.sort == OO__SORT_FLOAT ? oo__term_bool(number.real == 0 && !signbit(number.real)) : oo__unknown();
}

static oo__term guard_near(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    double a, b, c;
    if (!oo__real_of(&args[0], &a) || !oo__real_of(&args[1], &b) || !oo__real_of(&args[2], &c))
        return oo__unknown();
    return oo__term_bool(fabs(a - b) <= c * fabs(b));
}

/* ---- lists ---- */
static bool all_known(const oo__term *t) {
    if (t->sort == OO__SORT_ANY || (t->sort == OO__SORT_BOOL && t->answer == OO_UNKNOWN))
        return false;
    for (uint32_t i = 0; (t->sort == OO__SORT_INTS || t->sort == OO__SORT_FLOATS) && i < t->count; i++)
        if (!all_known(&t->items[i]))
            return false;
    return true;
}

static oo__term guard_is_known(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return oo__term_bool(all_known(&args[0]));
}

static oo__term guard_len(run_t *run, terms args, uint32_t n) {
    (void)run;
    (void)n;
    return oo__term_int(args[0].count);
}

static oo__term guard_is_identity(run_t *run, terms args, uint32_t n) {
    (void)n;
    oo_answer all = OO_YES;
    for (uint32_t i = 0; i < args[0].count; i++) {
        const oo__term place = oo__term_int(i);
        all = both(all, oo__terms_equal(run, &args[0].items[i], &place));
    }
    return oo__term_answer(all);
}

static oo_answer is_among(run_t *run, const oo__term *list, const oo__term *item) {
    bool unknown = false;
    for (uint32_t i = 0; i < list->count; i++) {
        const oo_answer same = oo__terms_equal(run, &list->items[i], item);
        if (same == OO_YES)
            return OO_YES;
        unknown |= same == OO_UNKNOWN;
    }
    return unknown ? OO_UNKNOWN : OO_NO;
}

static oo__term guard_contains(run_t *run, terms args, uint32_t n) {
    (void)n;
    return oo__term_answer(is_among(run, &args[0], &args[1]));
}

static oo_answer negated(oo_answer a) { return a == OO_UNKNOWN ? a : a == OO_YES ? OO_NO : OO_YES; }

static oo__term guard_disjoint(run_t *run, terms args, uint32_t n) {
    (void)n;
    oo_answer all = OO_YES;
    for (uint32_t i = 0; i < args[0].count; i++)
        all = both(all, negated(is_among(run, &args[1], &args[0].items[i])));
    return oo__term_answer(all);
}

static oo__term guard_unique(run_t *run, terms args, uint32_t n) {
    (void)n;
    oo_answer all = OO_YES;
    for (uint32_t i = 0; i + 1 < args[0].count; i++) {
        const oo__term rest = oo__term_list(args[0].items + i + 1, args[0].count - i - 1);
        all = both(all, negated(is_among(run, &rest, &args[0].items[i])));
    }
    return oo__term_answer(all);
}

static oo__term gathered(run_t *run, const oo__term *list, oo__ast_kind kind, int64_t start) {
    oo__term all = oo__term_int(start);
    for (uint32_t i = 0; i < list->count; i++)
        all = oo__term_arithmetic(run, kind, &all, &list->items[i]);
    return all;
}

static oo__term guard_sum(run_t *run, terms args, uint32_t n) {
    (void)n;
    return gathered(run, &args[0], OO__AST_ADD, 0);
}

static oo__term guard_product(run_t *run, terms args, uint32_t n) {
    (void)n;
    return gathered(run, &args[0], OO__AST_MUL, 1);
}

static oo__term extreme(run_t *run, const oo__term *list, bool largest) {
    uint32_t count = 0;
    const int64_t *const ints = oo__ints_of(run, list, &count);
    if (!ints || !count)
        return oo__unknown();
    int64_t best = ints[0];
    for (uint32_t i = 1; i < count; i++)
        best = (ints[i] > best) == largest && ints[i] != best ? ints[i] : best;
    return oo__term_int(best);
}

static oo__term guard_min(run_t *run, terms args, uint32_t n) {
    (void)n;
    return extreme(run, &args[0], false);
}

static oo__term guard_max(run_t *run, terms args, uint32_t n) {
    (void)n;
    return extreme(run, &args[0], true);
}

/* ---- the table ---- */
static const oo__function_row GUARDS[] = {
#define GUARD(name, signature, help) {#name, signature, help, guard_##name, false, NULL},
#define SEES(name, signature, help) {#name, signature, help, guard_##name, true, NULL},
#include "passes/guards.def"
};


const oo__function_row *oo__function_at(uint32_t k, bool *is_helper) {
    const uint32_t count = sizeof GUARDS / sizeof *GUARDS;
    *is_helper = k >= count;
    return k < count ? &GUARDS[k] : oo__helper_at(k - count);
}

static const struct {
    const char *name;
    oo__sort sort;
} SORTS[] = {{"any", OO__SORT_ANY},       {"bool", OO__SORT_BOOL}, {"int", OO__SORT_INT},     {"float", OO__SORT_FLOAT},
             {"string", OO__SORT_STRING}, {"type", OO__SORT_TYPE}, {"ints", OO__SORT_INTS},   {"floats", OO__SORT_FLOATS},
             {"value", OO__SORT_VALUE},   {"values", OO__SORT_VALUES}};

static oo__sort sort_of_word(const char *word) {
    const size_t n = strcspn(word, " ,.-");
    for (size_t i = 0; i < sizeof SORTS / sizeof *SORTS; i++)
        if (strlen(SORTS[i].name) == n && memcmp(SORTS[i].name, word, n) == 0)
            return SORTS[i].sort;
    return OO__SORT_ANY;
}

const char *oo__sort_name(oo__sort sort) {
    static const char *const NAMES[] = {
        [OO__SORT_ANY] = "something unknown", [OO__SORT_BOOL] = "a condition",    [OO__SORT_INT] = "a whole number",
        [OO__SORT_FLOAT] = "a number",        [OO__SORT_STRING] = "a string",     [OO__SORT_TYPE] = "an element type",
        [OO__SORT_INTS] = "a list of numbers", [OO__SORT_FLOATS] = "a list of numbers", [OO__SORT_VALUE] = "a value",
        [OO__SORT_VALUES] = "a list of values"};
    return NAMES[sort];
}

bool oo__signature_at(const oo__function_row *row, uint32_t index, oo__sort *out) {
    const char *const end = strstr(row->signature, "->");
    const char *at = row->signature;
    const char *last = NULL;
    for (uint32_t i = 0; at < end; i++) {
        at += strspn(at, " ");
        if (at >= end)
            break;
        if (strncmp(at, "...", 3) == 0) {
            *out = last ? sort_of_word(last) : OO__SORT_ANY;
            return true;
        }
        last = at;
        if (i == index) {
            *out = sort_of_word(at);
            return true;
        }
        at += strcspn(at, ",-");
        at += *at == ',';
    }
    return false;
}

oo__sort oo__signature_result(const oo__function_row *row) { return sort_of_word(strstr(row->signature, "->") + 3); }
