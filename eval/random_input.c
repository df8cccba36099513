#include "eval/random_input.h"

#include "eval/random_role.h"
#include "ir/expr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers: a function of seed, input and position, so that each stands alone ---- */
typedef struct stream {
    uint64_t state;
} stream;

static uint64_t next_bits(stream *s) {
    uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* In (0, 1). */
static double next_uniform(stream *s) { return ((double)(next_bits(s) >> 11) + 0.5) * 0x1p-53; }

static double next_normal(stream *s) {
    const double radius = sqrt(-2 * log(next_uniform(s)));
    return radius * cos(6.283185307179586477 * next_uniform(s));
}

static int64_t next_below(stream *s, int64_t limit) { return limit > 1 ? (int64_t)(next_bits(s) % (uint64_t)limit) : 0; }

/* ---- sizes of symbols ---- */
typedef struct maker {
    const oo_model *model;
    const oo_random_settings *settings;
    oo_arena *arena;
    oo_exprs *pool;
    oo_vec(oo_named_dim) dims;
    int64_t missing; /* what a symbol that is new gets */
    int64_t spread;  /* added to the next one */
    uint32_t axis;   /* of the dimension that is looked at */
    uint32_t next_fixed; /* input of `fixed` behind the one found last */
    uint32_t conditions; /* made so far: seeds 0 to 3 are all that two can be, true first */
} maker;

static const oo_named_dim *find_dim(const maker *m, const char *name, size_t size) {
    for (uint32_t i = 0; i < m->dims.n; i++)
        if (strlen(m->dims.data[i].name) == size && memcmp(m->dims.data[i].name, name, size) == 0)
            return &m->dims.data[i];
    return NULL;
}

static int64_t size_of_name(maker *m, const char *name, size_t size) {
    const oo_named_dim *const known = find_dim(m, name, size);
    if (known)
        return known->size;
    const int64_t fresh = m->missing + (m->axis ? m->spread : 0);
    m->spread += m->axis ? m->settings->spread : 0;
    oo_vec_push(m->arena, &m->dims, (oo_named_dim){oo__arena_copy(m->arena, name, size), fresh});
    return fresh;
}

static const oo_expr *expr_of_name(void *state, const char *name, size_t size) {
    maker *const m = state;
    return oo__expr_int(m->pool, size_of_name(m, name, size));
}

/* A dimension of a declared type: a number, a symbol, or an expression as exporters write them. 0 when it can be nothing. */
static int64_t size_of_dim(maker *m, const oo_dim *d, uint32_t axis) {
    m->axis = axis;
    m->missing = axis == 0 ? (m->settings->first ? m->settings->first : 2) : m->settings->other ? m->settings->other : 16;
    if (d->kind == OO_DIM_VALUE)
        return d->value;
    if (d->kind == OO_DIM_NONE || !d->param[0])
        return m->missing;
    const oo_named_dim *const known = find_dim(m, d->param, strlen(d->param));
    if (known)
        return known->size;
    int64_t size;
    const oo_expr *const e = oo__expr_parse(m->pool, d->param, expr_of_name, m);
    return e && oo__expr_is_int(e, &size) ? size : size_of_name(m, d->param, strlen(d->param));
}

static int64_t dim_of(void *state, const oo_value *value, int64_t axis) {
    maker *const m = state;
    const oo_type *const type = value ? value->type : NULL;
    const bool constant = value && value->init;
    const uint32_t rank = constant ? value->init->rank : type && type->has_shape ? type->rank : 0;
    if (axis < 0)
        axis += rank;
    if (axis < 0 || axis >= (int64_t)rank)
        return 0;
    if (constant)
        return value->init->dims[axis];
    const oo_dim *const d = &type->dims[axis];
    return d->kind == OO_DIM_NONE ? 0 : size_of_dim(m, d, (uint32_t)axis);
}

/* The inputs that are there say how large their symbols are. */
static void learn(maker *m, const oo_type *type, const oo_datum *given) {
    if (!type || type->kind != OO_TYPE_TENSOR || !type->has_shape || given->kind != OO_DATUM_TENSOR || given->array->rank != type->rank)
        return;
    for (uint32_t i = 0; i < type->rank; i++) {
        const oo_dim *const d = &type->dims[i];
        if (d->kind == OO_DIM_PARAM && !find_dim(m, d->param, strlen(d->param)))
            oo_vec_push(m->arena, &m->dims, (oo_named_dim){d->param, given->array->dims[i]});
    }
}

/* What `fixed` declares for an input, NULL when it has none of that name. The order is mostly the same: it is looked for behind the last one. */
static const oo_type *fixed_type(maker *m, const oo_value *input) {
    const oo_value_infos *const list = m->settings->fixed ? &m->settings->fixed->graph->inputs : NULL;
    if (!list || !input->name || (input->flags & OO_VALUE_INITIALIZER))
        return NULL;
    for (uint32_t i = 0; i < list->n; i++) {
        const oo_value_info *const info = &list->data[(m->next_fixed + i) % list->n];
        if (!info->value->name || strcmp(info->value->name, input->name) != 0)
            continue;
        m->next_fixed = (uint32_t)(info - list->data) + 1;
        return info->type;
    }
    return NULL;
}

/* The type with the numbers that `fixed` has for its dimensions; their symbols have them everywhere. */
static const oo_type *with_fixed(maker *m, const oo_type *type, const oo_type *fixed) {
    if (!type || !fixed || type->kind != OO_TYPE_TENSOR || fixed->kind != OO_TYPE_TENSOR || !type->has_shape || !fixed->has_shape ||
        type->rank != fixed->rank)
        return type;
    oo_type *const copy = OO_NEW(m->arena, oo_type);
    *copy = *type;
    copy->dims = OO_NEW_ARRAY(m->arena, oo_dim, type->rank);
    for (uint32_t i = 0; i < type->rank; i++) {
        const oo_dim *const d = &type->dims[i];
        const bool numbered = fixed->dims[i].kind == OO_DIM_VALUE && d->kind != OO_DIM_VALUE;
        copy->dims[i] = numbered ? fixed->dims[i] : *d;
        if (numbered && d->kind == OO_DIM_PARAM && !find_dim(m, d->param, strlen(d->param)))
            oo_vec_push(m->arena, &m->dims, (oo_named_dim){d->param, fixed->dims[i].value});
    }
    return copy;
}

/* ---- elements ---- */
static bool is_floating(oo_elem elem) {
    return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16 ||
           (elem >= OO_FLOAT8E4M3FN && elem <= OO_FLOAT8E5M2FNUZ) || elem == OO_FLOAT4E2M1 || elem == OO_FLOAT8E8M0 || elem == OO_FLOAT6E2M3 ||
           elem == OO_FLOAT6E3M2;
}

static double smallest_normal(oo_elem elem) {
    return elem == OO_DOUBLE ? 0x1p-1022 : elem == OO_FLOAT16 ? 0x1p-14 : elem == OO_FLOAT || elem == OO_BFLOAT16 ? 0x1p-126 : 0x1p-6;
}

static double next_float(stream *s, oo_random_values values, oo_elem elem) {
    static const double SPECIAL[] = {INFINITY, -INFINITY, NAN, NAN};
    switch (values) {
    case OO_RANDOM_UNIFORM: return next_uniform(s);
    case OO_RANDOM_ZEROS: return 0;
    case OO_RANDOM_LARGE: return 1e4 * next_normal(s);
    case OO_RANDOM_NEGATIVE: return -next_uniform(s);
    case OO_RANDOM_TINY: return 2 * smallest_normal(elem) * (2 * next_uniform(s) - 1);
    case OO_RANDOM_SPECIAL: return next_below(s, 16) ? next_normal(s) : SPECIAL[next_below(s, 4)];
    case OO_RANDOM_EDGES: {
        const int64_t kind = next_below(s, OO_RANDOM_EDGES + 1);
        return kind == OO_RANDOM_EDGES ? -0.0 : next_float(s, (oo_random_values)kind, elem);
    }
    default: return next_normal(s);
    }
}

/* One of the two ends. */
static int64_t next_end(stream *s, int64_t least, int64_t most) { return next_below(s, 2) ? most : least; }

static bool at_limits(oo_random_values values) { return values == OO_RANDOM_EDGES || values == OO_RANDOM_SPECIAL; }

static void fill_strings(oo_array *a, stream *s) {
    static const char *const WORDS[] = {"a", "b", "cat", "dog", "monday", "tuesday", "", "10"};
    for (uint64_t i = 0; i < a->count; i++) {
        const char *const word = WORDS[next_bits(s) % 8];
        oo__array_set_string(a, i, (oo_bytes){(const uint8_t *)word, strlen(word)});
    }
}

/* Images are bytes; other integers stay small. */
static int64_t numbers_of(oo_elem elem) { return elem == OO_BOOL ? 2 : elem == OO_UINT8 ? 256 : oo__elem_bits((int32_t)elem) < 4 ? 2 : 8; }

static void fill_data(oo_array *a, stream *s, oo_random_values values) {
    for (uint64_t i = 0; i < a->count; i++) {
        if (is_floating(a->elem))
            oo__array_set_double(a, i, next_float(s, values, a->elem));
        else if (at_limits(values))
            oo__array_set_int(a, i, next_end(s, 0, numbers_of(a->elem) - 1));
        else
            oo__array_set_int(a, i, next_below(s, numbers_of(a->elem)));
    }
}

/* Ones, then zeros, along the last axis; each row has a one at least. At its limits: all ones, and a row with one. */
static void fill_mask(oo_array *a, stream *s, oo_random_values values) {
    const int64_t row = a->rank ? a->dims[a->rank - 1] : 1;
    int64_t ones = 0;
    for (uint64_t i = 0; i < a->count; i++) {
        const int64_t at = (int64_t)(i % (uint64_t)row);
        if (at == 0)
            ones = !at_limits(values) ? 1 + next_below(s, row) : i ? 1 : row;
        oo__array_set_int(a, i, at < ones);
    }
}

static void fill_positions(oo_array *a, int64_t limit) {
    const uint64_t row = a->rank ? (uint64_t)a->dims[a->rank - 1] : 1;
    for (uint64_t i = 0; i < a->count; i++) {
        const int64_t at = (int64_t)(i % row);
        oo__array_set_int(a, i, limit ? at % limit : at);
    }
}

static void fill(oo_array *a, oo__role role, stream *s, oo_random_values values) {
    if (a->elem == OO_STRING) {
        fill_strings(a, s);
        return;
    }
    switch (role.kind) {
    case OO__ROLE_MASK: fill_mask(a, s, values); return;
    case OO__ROLE_POSITION: fill_positions(a, role.limit); return;
    case OO__ROLE_DATA: fill_data(a, s, values); return;
    default: break;
    }
    const int64_t least = role.kind == OO__ROLE_LENGTH || role.kind == OO__ROLE_COUNT ? 1 : role.kind == OO__ROLE_RATE ? 16000 : 0;
    const int64_t numbers = role.kind == OO__ROLE_INDEX || role.kind == OO__ROLE_LENGTH ? (role.limit > 1 ? role.limit : 1)
                            : role.kind == OO__ROLE_COUNT                               ? 3
                                                                                        : 1;
    for (uint64_t i = 0; i < a->count; i++)
        oo__array_set_int(a, i, at_limits(values) ? next_end(s, least, least + numbers - 1) : least + next_below(s, numbers));
}

/* ---- values ---- */
static oo_status fail(const oo_value *input, oo_status status, const char *why) {
    oo__report(input->graph->model, OO_ERROR, status == OO_LIMIT ? "random-too-large" : "random-type", input->graph, NULL, input, "%s", why);
    return status;
}

static oo_status make_tensor(oo_datum **out, maker *m, const oo_value *input, const oo_type *type, stream *s) {
    const oo_elem elem = type->has_elem && oo__elem_name(type->elem) ? (oo_elem)type->elem : OO_UNDEFINED;
    if (elem == OO_UNDEFINED || elem == OO_COMPLEX64 || elem == OO_COMPLEX128)
        return fail(input, OO_UNSUPPORTED, "no random values are made for this input: its element type is unknown or complex");
    if (!type->has_shape)
        return fail(input, OO_UNSUPPORTED, "no random values are made for this input: its rank is unknown");
    int64_t *const dims = OO_NEW_ARRAY(m->arena, int64_t, type->rank);
    for (uint32_t i = 0; i < type->rank; i++)
        dims[i] = size_of_dim(m, &type->dims[i], i);
    oo_array *const a = oo__array_new(elem, type->rank, dims);
    if (!a)
        return fail(input, OO_LIMIT, "the input has a negative dimension or would be larger than the limit for one tensor");
    const oo__role role = oo__role_of(input, dim_of, m);
    fill(a, role, s, m->settings->values);
    if (elem == OO_BOOL && a->count == 1 && role.kind == OO__ROLE_DATA)
        oo__array_set_int(a, 0, !(m->settings->seed >> m->conditions++ % 2 & 1));
    *out = oo__datum_tensor(a);
    return OO_OK;
}

/* Sequences get two items, optionals one. */
static oo_status make_value(oo_datum **out, maker *m, const oo_value *input, const oo_type *type, stream *s, unsigned depth) {
    if (type && type->kind == OO_TYPE_TENSOR)
        return make_tensor(out, m, input, type, s);
    if (!type || depth > 8 || (type->kind != OO_TYPE_SEQUENCE && type->kind != OO_TYPE_OPTIONAL))
        return fail(input, OO_UNSUPPORTED, "no random values are made for this input: its type is unknown, a map, sparse or opaque");
    oo_datum *items[2] = {NULL};
    const uint32_t count = type->kind == OO_TYPE_SEQUENCE ? 2 : 1;
    oo_status status = OO_OK;
    for (uint32_t i = 0; i < count && status == OO_OK; i++)
        status = make_value(&items[i], m, input, type->inner, s, depth + 1);
    if (status == OO_OK && items[0])
        *out = count == 2 ? oo__datum_sequence(2, items, items[0]->elem) : oo__datum_optional(items[0], items[0]->elem);
    oo__datum_release(items[0]);
    oo__datum_release(items[1]);
    return status;
}

oo_status oo__random_inputs(oo_datum **inputs, const oo_model *model, const oo_random_settings *settings) {
    maker m = {.model = model, .settings = settings, .arena = oo__arena_new()};
    m.pool = oo__exprs_new(m.arena);
    for (uint32_t i = 0; i < settings->ndims; i++)
        oo_vec_push(m.arena, &m.dims, settings->dims[i]);
    const oo_value_infos *const list = &model->graph->inputs;
    for (uint32_t i = 0; i < list->n; i++)
        if (inputs[i])
            learn(&m, list->data[i].type, inputs[i]);
    const oo_type **const types = OO_NEW_ARRAY(m.arena, const oo_type *, list->n);
    for (uint32_t i = 0; i < list->n; i++)
        types[i] = with_fixed(&m, list->data[i].type, fixed_type(&m, list->data[i].value));
    oo_status status = OO_OK;
    for (uint32_t i = 0; i < list->n && status == OO_OK; i++) {
        const oo_value *const value = list->data[i].value;
        stream s = {settings->seed * UINT64_C(0xd1342543de82ef95) + i * UINT64_C(0x2545f4914f6cdd1d)};
        if (!inputs[i] && !(value->flags & OO_VALUE_INITIALIZER))
            status = make_value(&inputs[i], &m, value, types[i], &s, 0);
    }
    oo__exprs_free(m.pool);
    oo__arena_free(m.arena);
    return status;
}

/* ---- names of dimensions ---- */
typedef struct lookup {
    const char *name;
    oo_exprs *pool;
    bool found;
} lookup;

static const oo_expr *compare_name(void *state, const char *name, size_t size) {
    lookup *const l = state;
    l->found |= strlen(l->name) == size && memcmp(l->name, name, size) == 0;
    return oo__expr_int(l->pool, 1);
}

bool oo__model_has_dim(const oo_model *model, const char *name) {
    oo_arena *const arena = oo__arena_new();
    lookup l = {.name = name, .pool = oo__exprs_new(arena)};
    for (uint32_t i = 0; i < model->graph->inputs.n; i++) {
        const oo_type *const type = model->graph->inputs.data[i].type;
        for (uint32_t k = 0; type && type->has_shape && k < type->rank; k++) {
            const oo_dim *const d = &type->dims[k];
            if (d->kind != OO_DIM_PARAM)
                continue;
            l.found |= strcmp(d->param, name) == 0;
            oo__expr_parse(l.pool, d->param, compare_name, &l);
        }
    }
    oo__exprs_free(l.pool);
    oo__arena_free(arena);
    return l.found;
}
