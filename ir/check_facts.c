/* Checks of shapes and attributes by the facts of check_facts.def. */
#include "ir/check_run.h"

#include <stdlib.h>
#include <string.h>

enum { ANY = INT32_MAX, MANY = INT32_MAX };
typedef enum kind { KIND_RANK, KIND_SAME, KIND_SIZE, KIND_RANGE, KIND_ELEM, KIND_ONE,
               KIND_LENGTH, KIND_RANKS, KIND_COUNT, KIND_EITHER, KIND_OR, KIND_WHEN, KIND_ELEMS, KIND_TYPED, KIND_GROUPS } kind;

/* One fact; which members count depends on the kind. */
typedef struct fact {
    kind kind;
    oo_domain domain;
    const char *operator;
    int64_t first, last;
    uint32_t input, other;
    int32_t axis, other_axis;
    const char *attribute, *value;
    int64_t low, high;
} fact;

static const fact facts[] = {
#define RANK(domain_, operator_, first_, last_, input_, low_, high_)                                                               \
    {.kind = KIND_RANK, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_),                 \
     .input = (input_), .low = (low_), .high = (high_)},
#define SAME(domain_, operator_, first_, last_, a, i, b, k)                                                                        \
    {.kind = KIND_SAME, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_),                 \
     .input = (a), .axis = (i), .other = (b), .other_axis = (k)},
#define SIZE(domain_, operator_, first_, last_, input_, axis_, low_, high_)                                                        \
    {.kind = KIND_SIZE, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_),                 \
     .input = (input_), .axis = (axis_), .low = (low_), .high = (high_)},
#define RANGE(domain_, operator_, first_, last_, attribute_, low_, high_)                                                          \
    {.kind = KIND_RANGE, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_),                \
     .attribute = (attribute_), .low = (low_), .high = (high_)},
#define ELEM(domain_, operator_, attribute_)                                                                                       \
    {.kind = KIND_ELEM, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = 1, .last = ANY, .attribute = (attribute_)},
#define ONE(domain_, operator_, first_, last_, names_)                                                                             \
    {.kind = KIND_ONE, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_),                  \
     .attribute = (names_)},
#define LENGTH(domain_, operator_, first_, last_, attribute_, input_, factor, less) \
    {.kind = KIND_LENGTH, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .attribute = (attribute_), .input = (input_), .low = (factor), .high = (less)},
#define RANKS(domain_, operator_, first_, last_, a, b, difference) \
    {.kind = KIND_RANKS, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .input = (a), .other = (b), .low = (difference)},
#define COUNT(domain_, operator_, first_, last_, input_, other_) \
    {.kind = KIND_COUNT, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .input = (input_), .other = (other_)},
#define EITHER(domain_, operator_, first_, last_, a, b) \
    {.kind = KIND_EITHER, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .input = (a), .other = (b)},
#define OR(domain_, operator_, first_, last_, input_, attribute_) \
    {.kind = KIND_OR, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .input = (input_), .attribute = (attribute_)},
#define WHEN(domain_, operator_, first_, last_, attribute_, value_, input_) \
    {.kind = KIND_WHEN, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .attribute = (attribute_), .value = (value_), .input = (input_)},
#define ELEMS(domain_, operator_, first_, last_, a, b) \
    {.kind = KIND_ELEMS, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .input = (a), .other = (b)},
#define TYPED(domain_, operator_, first_, last_, attribute_, input_, elem) \
    {.kind = KIND_TYPED, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .attribute = (attribute_), .input = (input_), .low = (elem)},
#define GROUPS(domain_, operator_, first_, last_, skip, size) \
    {.kind = KIND_GROUPS, .domain = OO_DOMAIN_##domain_, .operator = #operator_, .first = (first_), .last = (last_), .low = (skip), .high = (size)},
#include "ir/check_facts.def"
};
enum { NFACTS = sizeof facts / sizeof *facts };

/* ---- one kind each ---- */
static void check_rank(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const int32_t rank = oo__input_rank(infer, f->input);
    if (rank >= 0 && (rank < f->low || rank > f->high))
        oo__tell(c, DEFECT_SHAPE, infer->node->inputs[f->input].value, "input %u has %d dimensions, the operator wants %lld%s", f->input, rank,
                 (long long)f->low, f->high == MANY ? " or more" : f->high > f->low ? oo__arena_printf(c->arena, " to %lld", (long long)f->high) : "");
}

/* A number along an axis of an input; false when it is not known. */
static bool size_of(const oo__infer *infer, uint32_t input, int32_t axis, int64_t *out) {
    const int32_t rank = oo__input_rank(infer, input), at = axis < 0 ? axis + rank : axis;
    const oo_expr *const dim = rank >= 0 && at >= 0 && at < rank ? oo__input_dim(infer, input, (uint32_t)at) : NULL;
    return dim && oo__expr_is_int(dim, out);
}

static void check_same(oo__check_run *c, const oo__infer *infer, const fact *f) {
    int64_t a, b;
    if (size_of(infer, f->input, f->axis, &a) && size_of(infer, f->other, f->other_axis, &b) && a != b)
        oo__tell(c, DEFECT_SHAPE, NULL, "dimension %d of input %u is %lld, dimension %d of input %u is %lld: the operator wants them equal", f->axis,
                 f->input, (long long)a, f->other_axis, f->other, (long long)b);
}

static void check_size(oo__check_run *c, const oo__infer *infer, const fact *f) {
    int64_t size;
    if (size_of(infer, f->input, f->axis, &size) && (size < f->low || size > f->high))
        oo__tell(c, DEFECT_SHAPE, infer->node->inputs[f->input].value, "dimension %d of input %u is %lld, the operator wants %lld%s", f->axis, f->input,
                 (long long)size, (long long)f->low, f->high > f->low ? oo__arena_printf(c->arena, " to %lld", (long long)f->high) : "");
}

static bool given(const oo__infer *infer, const char *attribute, int64_t *out) {
    return oo__infer_attr(infer, attribute) && oo__infer_int(infer, out, attribute, 0);
}

static void check_range(oo__check_run *c, const oo__infer *infer, const fact *f) {
    int64_t value;
    if (given(infer, f->attribute, &value) && (value < f->low || value > f->high))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" is %lld, the operator wants %lld%s", f->attribute, (long long)value, (long long)f->low,
                 f->high == INT64_MAX ? " or more" : oo__arena_printf(c->arena, " to %lld", (long long)f->high));
}

static void check_elem(oo__check_run *c, const oo__infer *infer, const fact *f) {
    int64_t value;
    if (given(infer, f->attribute, &value) && (value <= 0 || value > INT32_MAX || !oo__elem_name((int32_t)value)))
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" is %lld, which is no element type", f->attribute, (long long)value);
}

static bool has_value(const oo__infer *infer, const char *name) {
    const oo_attr *const a = oo__infer_attr(infer, name);
    const bool list = a && (a->type == OO_ATTR_STRINGS || a->type == OO_ATTR_INTS || a->type == OO_ATTR_FLOATS);
    return a && !(list && !a->reference && !a->raw.data && !a->count);
}

static void check_one(oo__check_run *c, const oo__infer *infer, const fact *f) {
    for (const char *at = f->attribute; *at;) {
        const size_t n = strcspn(at, " ");
        if (has_value(infer, oo__arena_copy(c->arena, at, n)))
            return;
        at += n + (at[n] != 0);
    }
    oo__tell(c, DEFECT_ATTRIBUTE, NULL, "one of the attributes %s must be given", f->attribute);
}

static void check_length(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const int32_t rank = oo__input_rank(infer, f->input);
    const int64_t *list;
    uint32_t n;
    if (rank < f->high || !oo__infer_attr(infer, f->attribute) || !oo__infer_ints(infer, &list, &n, f->attribute))
        return;
    const int64_t wanted = f->low * (rank - f->high);
    if (n != wanted)
        oo__tell(c, DEFECT_ATTRIBUTE, NULL, "attribute \"%s\" has %u items, %lld are wanted for %d dimensions", f->attribute, n,
                 (long long)wanted, rank);
}

static void check_ranks(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const int32_t a = oo__input_rank(infer, f->input), b = oo__input_rank(infer, f->other);
    if (a >= 0 && b >= 0 && a - b != f->low)
        oo__tell(c, DEFECT_SHAPE, NULL, "inputs %u and %u have %d and %d dimensions, the operator wants %s", f->input, f->other, a, b,
                 f->low ? oo__arena_printf(c->arena, "%lld more of the first", (long long)f->low) : "as many");
}

static void check_count(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const int32_t rank = oo__input_rank(infer, f->other);
    int64_t n;
    if (rank >= 0 && oo__input_rank(infer, f->input) == 1 && size_of(infer, f->input, 0, &n) && n != rank)
        oo__tell(c, DEFECT_SHAPE, infer->node->inputs[f->input].value, "input %u has %lld items, input %u has %d dimensions", f->input, (long long)n,
                 f->other, rank);
}

static void check_either(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const bool a = oo__has_input(infer, f->input), b = oo__has_input(infer, f->other);
    int64_t n;
    const bool empty = (a && size_of(infer, f->input, 0, &n) && n == 0) || (b && size_of(infer, f->other, 0, &n) && n == 0);
    if (a == b && !empty)
        oo__tell(c, DEFECT_ARITY, NULL, "%s of the inputs %u and %u is given, the operator wants one", a ? "each" : "none", f->input, f->other);
}

static void check_or(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const bool a = oo__has_input(infer, f->input), b = oo__infer_attr(infer, f->attribute) != NULL;
    if (a == b)
        oo__tell(c, DEFECT_ARITY, NULL, "%s input %u %s attribute \"%s\" is given, the operator wants one", a ? "both" : "neither", f->input,
                 a ? "and" : "nor", f->attribute);
}

static void check_when(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const char *const value = oo__infer_string(infer, f->attribute, "");
    if (value && strcmp(value, f->value) == 0 && !oo__has_input(infer, f->input))
        oo__tell(c, DEFECT_ARITY, NULL, "input %u is omitted, attribute \"%s\" = \"%s\" requires it", f->input, f->attribute, f->value);
}

static void check_elems(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const oo_type *const sequence = oo__input_type(infer, f->input);
    const oo_elem a = sequence && sequence->kind == OO_TYPE_SEQUENCE ? oo_type_elem(sequence->inner) : OO_UNDEFINED, b = oo__input_elem(infer, f->other);
    if (a != OO_UNDEFINED && b != OO_UNDEFINED && a != b)
        oo__tell(c, DEFECT_TYPE, NULL, "input %u holds %s, input %u is %s", f->input, oo__elem_name((int32_t)a), f->other, oo__elem_name((int32_t)b));
}

static void check_typed(oo__check_run *c, const oo__infer *infer, const fact *f) {
    const oo_elem elem = oo__input_elem(infer, f->input);
    if (elem != OO_UNDEFINED && elem != (oo_elem)f->low && oo__infer_attr(infer, f->attribute) && has_value(infer, f->attribute))
        oo__tell(c, DEFECT_TYPE, NULL, "input %u is %s, attribute \"%s\" is for %s", f->input, oo__elem_name((int32_t)elem), f->attribute,
                 oo__elem_name((int32_t)f->low));
}

static void check_groups(oo__check_run *c, const oo__infer *infer, const fact *f) {
    if ((infer->node->ninputs - f->low) % f->high)
        oo__tell(c, DEFECT_ARITY, NULL, "the node has %u inputs, the operator takes %lld and groups of %lld", infer->node->ninputs, (long long)f->low,
                 (long long)f->high);
}

/* Places in `facts`, by operator; those of one operator in their order. */
static uint16_t places[NFACTS];

static int compare_places(const void *a, const void *b) {
    const uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
    const int names = strcmp(facts[x].operator, facts[y].operator);
    return names ? names : (int)x - (int)y;
}

/* The first place of an operator, or where it would be. */
static size_t first_place(const char *operator) {
    static bool sorted;
    for (size_t i = 0; !sorted && i < NFACTS; i++)
        places[i] = (uint16_t)i;
    if (!sorted)
        qsort(places, NFACTS, sizeof *places, compare_places);
    sorted = true;
    size_t low = 0, high = NFACTS;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (strcmp(facts[places[middle]].operator, operator) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void oo__check_facts(oo__check_run *c, const oo__infer *infer) {
    static void (*const functions[])(oo__check_run *c, const oo__infer *infer, const fact *f) = {
        [KIND_RANK] = check_rank,   [KIND_SAME] = check_same, [KIND_SIZE] = check_size,
        [KIND_RANGE] = check_range, [KIND_ELEM] = check_elem, [KIND_ONE] = check_one,
        [KIND_LENGTH] = check_length, [KIND_RANKS] = check_ranks, [KIND_COUNT] = check_count,
        [KIND_EITHER] = check_either, [KIND_OR] = check_or, [KIND_WHEN] = check_when,
        [KIND_ELEMS] = check_elems, [KIND_TYPED] = check_typed, [KIND_GROUPS] = check_groups,
    };
    const oo_schema *const s = infer->schema;
    for (size_t i = first_place(s->name); i < NFACTS && strcmp(facts[places[i]].operator, s->name) == 0; i++) {
        const fact *const f = &facts[places[i]];
        if (f->domain == s->domain && s->since >= f->first && s->since <= f->last)
            functions[f->kind](c, infer, f);
    }
}
