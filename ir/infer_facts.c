/* What inference functions read and write: inputs, attributes, outputs, contents. */
#include "ir/change.h"
#include "ir/infer_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- inputs ---- */
static const oo_value *input_of(const oo__infer *c, uint32_t i) {
    return i < c->node->ninputs ? c->node->inputs[i].value : NULL;
}

bool oo__has_input(const oo__infer *c, uint32_t i) { return input_of(c, i) != NULL; }

const oo_type *oo__input_type(const oo__infer *c, uint32_t i) {
    const oo_value *const v = input_of(c, i);
    return v ? v->type : NULL;
}

oo_elem oo__input_elem(const oo__infer *c, uint32_t i) { return oo_type_elem(oo__input_type(c, i)); }
int32_t oo__input_rank(const oo__infer *c, uint32_t i) { return oo_type_rank(oo__input_type(c, i)); }

const oo_expr *oo__input_dim(const oo__infer *c, uint32_t i, uint32_t axis) {
    const oo_type *const type = oo__input_type(c, i);
    return type && oo_type_rank(type) > (int32_t)axis ? type->dims[axis].expr : NULL;
}

/* A constant's contents; numbers whose doubles are exact become fractions of a power of two. */
static bool item_of_double(oo__infer *c, double x, oo_item *out) {
    int64_t denominator = 1;
    while (denominator < 1 << 26 && x != trunc(x) && fabs(x) < 1e12) {
        x *= 2;
        denominator *= 2;
    }
    if (!(fabs(x) <= 9e15) || x != trunc(x))
        return false;
    *out = (oo_item){oo__expr_int(c->exprs, (int64_t)x), denominator};
    return true;
}

static bool is_int64(oo_elem e) { return e == OO_INT64 || e == OO_UINT64; }

static const oo_known *known_of_tensor(oo__infer *c, const oo_tensor *t) {
    const bool inside = t->storage <= OO_STORE_UINT64S && oo_tensor_elem(t) != OO_STRING;
    const bool foreign = oo_tensor_elem(t) == OO_FLOAT && t->storage != OO_STORE_RAW && t->storage != OO_STORE_FLOATS;
    if (t->count && inside && (foreign || !oo_tensor_size(t)))
        oo__infer_fail(c, "a tensor of %llu elements does not hold them", (unsigned long long)t->count);
    const oo_elem elem = oo_tensor_elem(t);
    const bool real = elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16;
    if (t->count > (real ? OO_KNOWN_FLOATS_MAX : OO_KNOWN_MAX) || !oo_tensor_size(t))
        return t->count == 0 && oo_tensor_elem(t) != OO_UNDEFINED ? oo__known_new(c, oo_tensor_elem(t), t->rank, t->dims) : NULL;
    double doubles[OO_KNOWN_MAX];
    int64_t ints[OO_KNOWN_MAX];
    const bool exact = is_int64(oo_tensor_elem(t));
    if (exact ? !oo_tensor_read(t, 0, t->count, ints) : !oo_tensor_doubles(t, 0, t->count, doubles))
        return NULL;
    oo_known *const known = oo__known_new(c, oo_tensor_elem(t), t->rank, t->dims);
    for (uint32_t i = 0; i < known->count; i++) {
        if (exact)
            known->items[i] = (oo_item){oo__expr_int(c->exprs, ints[i]), 1};
        else if (!item_of_double(c, doubles[i], &known->items[i]))
            known->items[i] = (oo_item){NULL, 1};
    }
    return known;
}

const oo_known *oo__value_known(const oo__infer *c, oo_value *v) {
    if (!v)
        return NULL;
    const oo_tensor *constant = v->known ? NULL : oo_value_const(v);
    if (!v->known && !constant && c->settings && c->settings->defaults_hold)
        constant = v->init;
    if (constant)
        v->known = oo__certain((oo__infer *)(uintptr_t)c, known_of_tensor((oo__infer *)(uintptr_t)c, constant)); /* a cache: what is known does not change */
    return v->known;
}

const oo_known *oo__input_known(const oo__infer *c, uint32_t i) { return oo__value_known(c, (oo_value *)(uintptr_t)input_of(c, i)); }

bool oo__input_ints(const oo__infer *c, uint32_t i, uint32_t *count, int64_t *out, uint32_t room) {
    const oo_known *const known = oo__input_known(c, i);
    if (!known || known->count > room)
        return false;
    *count = known->count;
    for (uint32_t k = 0; k < known->count; k++)
        if (known->items[k].denominator != 1 || !oo__expr_is_int(known->items[k].numerator, &out[k]))
            return false;
    return true;
}

/* ---- attributes ---- */
static const oo_attr *default_of(const oo_function *function, const char *name) {
    for (uint32_t i = 0; i < function->defaults.n; i++)
        if (strcmp(oo_attr_name(function->defaults.data[i]), name) == 0)
            return function->defaults.data[i];
    return NULL;
}

const oo_attr *oo__infer_attr(const oo__infer *c, const char *name) {
    const oo_attr *a = oo_node_attr(c->node, name);
    for (const oo__infer_frame *call = c->call; a && a->reference && call; call = call->outer) {
        const char *const wanted = a->reference;
        a = oo_node_attr(call->node, wanted);
        if (!a)
            return default_of(call->function, wanted);
    }
    return a;
}

/* A scalar that is declared and has no value is zero or empty. */
static bool is_zero(const oo_attr *a) {
    return a->has_type && !a->fields && (a->type == OO_ATTR_INT || a->type == OO_ATTR_FLOAT || a->type == OO_ATTR_STRING);
}

static bool holds(const oo_attr *a, oo_attr_type type) {
    return a->type == type && !a->reference && (!a->raw.data || is_zero(a));
}

bool oo__infer_int(const oo__infer *c, int64_t *out, const char *name, int64_t absent) {
    const oo_schema_attr *const s = c->schema ? oo__schema_attr(c->schema, name) : NULL;
    const oo_attr *const a = oo__infer_attr(c, name);
    *out = s && s->has_default && s->type == OO_ATTR_INT ? s->i : absent;
    if (a && holds(a, OO_ATTR_INT))
        *out = a->i;
    return !a || holds(a, OO_ATTR_INT);
}

bool oo__infer_ints(const oo__infer *c, const int64_t **out, uint32_t *count, const char *name) {
    const oo_attr *const a = oo__infer_attr(c, name);
    const bool there = a && holds(a, OO_ATTR_INTS);
    *out = there ? a->ints : NULL;
    *count = there ? a->count : 0;
    return !a || there;
}

const char *oo__infer_string(const oo__infer *c, const char *name, const char *absent) {
    const oo_schema_attr *const s = c->schema ? oo__schema_attr(c->schema, name) : NULL;
    const oo_attr *const a = oo__infer_attr(c, name);
    if (!a)
        return s && s->has_default && s->type == OO_ATTR_STRING ? s->s : absent;
    if (!holds(a, OO_ATTR_STRING) || (a->s.size && memchr(a->s.data, 0, a->s.size)))
        return NULL;
    return a->s.size ? (const char *)a->s.data : "";
}

/* ---- outputs ---- */
static oo_type *tensor_type(oo__infer *c, oo_elem elem, int32_t rank) {
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .elem = (int32_t)elem, .has_elem = elem != OO_UNDEFINED, .has_shape = rank >= 0};
    type->rank = rank > 0 ? (uint32_t)rank : 0;
    type->dims = OO_NEW_ARRAY(c->model->arena, oo_dim, type->rank);
    return type;
}

/* Symbols stay expressions; their text is made when somebody asks for it. */
oo_dim oo__dim_of(const oo_expr *expr) {
    int64_t value;
    if (expr && oo__expr_is_int(expr, &value))
        return (oo_dim){.kind = OO_DIM_VALUE, .value = value, .expr = expr};
    return (oo_dim){.expr = expr};
}

const oo_type *oo__type_of_dims(oo__infer *c, oo_elem elem, uint32_t rank, const int64_t *dims) {
    oo_type *const type = tensor_type(c, elem, (int32_t)rank);
    for (uint32_t i = 0; i < rank; i++)
        type->dims[i] = oo__dim_of(oo__expr_int(c->exprs, dims[i]));
    return type;
}

void oo__set_type(oo__infer *c, uint32_t output, const oo_type *type) {
    if (output < c->node->noutputs && c->node->outputs[output])
        c->node->outputs[output]->type = type;
}

void oo__set_tensor(oo__infer *c, uint32_t output, oo_elem elem, int32_t rank, const oo_expr *const *dims) {
    oo_type *const type = tensor_type(c, elem, rank);
    for (uint32_t i = 0; i < type->rank && dims; i++)
        type->dims[i] = oo__dim_of(dims[i]);
    oo__set_type(c, output, type);
}

oo_known *oo__known_new(oo__infer *c, oo_elem elem, uint32_t rank, const int64_t *dims) {
    oo_known *const known = OO_NEW(c->model->arena, oo_known);
    known->elem = elem;
    known->rank = rank;
    int64_t *const own = OO_NEW_ARRAY(c->model->arena, int64_t, rank);
    known->count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        own[i] = dims[i];
        known->count *= (uint32_t)dims[i];
    }
    known->dims = own;
    known->items = OO_NEW_ARRAY(c->model->arena, oo_item, known->count);
    for (uint32_t i = 0; i < known->count; i++)
        known->items[i].denominator = 1;
    return known;
}

void oo__set_known(oo__infer *c, uint32_t output, const oo_known *known) {
    if (output < c->node->noutputs && c->node->outputs[output] && !(c->settings && c->settings->no_values))
        c->node->outputs[output]->known = oo__certain(c, known);
}

void oo__set_constant(oo__infer *c, uint32_t output, const oo_known *known) {
    if (output < c->node->noutputs && c->node->outputs[output])
        c->node->outputs[output]->known = oo__certain(c, known);
}

/* NULL out of two numbers is an overflow. */
static const oo_expr *unless_overflow(oo__infer *c, const oo_expr *result, const oo_expr *a, const oo_expr *b, const char *what) {
    int64_t x, y;
    if (!result && a && b && oo__expr_is_int(a, &x) && oo__expr_is_int(b, &y))
        oo__infer_fail(c, "%lld %s %lld does not fit 64 bits", (long long)x, what, (long long)y);
    return result;
}

const oo_expr *oo__dim_add(oo__infer *c, const oo_expr *a, const oo_expr *b) {
    return unless_overflow(c, oo__expr_add(c->exprs, a, b), a, b, "+");
}

const oo_expr *oo__dim_mul(oo__infer *c, const oo_expr *a, const oo_expr *b) {
    return unless_overflow(c, oo__expr_mul(c->exprs, a, b), a, b, "*");
}

const oo_expr *oo__infer_symbol(oo__infer *c, const char *stem, int64_t low, int64_t high) {
    char text[128];
    snprintf(text, sizeof text, "%.100s#%u", stem, ++c->model->symbols);
    return oo__expr_symbol(c->exprs, oo__str(c->model, text), low, high);
}

/* Bodies of loops and functions are inferred several times; of a node one thing is said. */
static bool told_before(oo__infer_run *run, const oo_node *node) {
    if (!run->told || !node)
        return false;
    const bool before = run->told[node->id];
    run->told[node->id] = 1;
    return before;
}

void oo__infer_tell(oo__infer *c, const char *format, ...) {
    char text[512];
    c->failures++;
    if (c->settings && c->settings->quiet)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const bool strict = c->settings && c->settings->strict;
    if (!told_before((oo__infer_run *)c, c->node)) { /* c is the first member */
        if (c->settings && c->settings->tell)
            c->settings->tell(c->settings->user, c->node, text);
        else
            oo__report(c->model, strict ? OO_ERROR : OO_WARNING, "infer-clash", NULL, c->node, NULL, "%s", text);
    }
    if (strict && !c->settings->collect)
        c->status = OO_INVALID;
}

/* ---- telling ---- */
oo_status oo__infer_fail_pair(oo__infer *c, uint32_t i, uint32_t k, const char *format, ...) {
    char text[256];
    if (c->settings && c->settings->quiet)
        return oo__infer_fail(c, "%s", format);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const oo_value *const a = input_of(c, i), *const b = input_of(c, k);
    if (!a || !b)
        return oo__infer_fail(c, "%s", text);
    oo_arena *const arena = oo__arena_new();
    oo__infer_fail(c, "\"%.60s\" %.90s and \"%.60s\" %.90s: %s", oo_value_name(a), oo__type_text(a->type, arena), oo_value_name(b),
                   oo__type_text(b->type, arena), text);
    oo__arena_free(arena);
    return OO_INVALID;
}

/* ---- broadcasting ---- */
const oo_expr *oo__broadcast_dim(oo__infer *c, const oo_expr *a, const oo_expr *b, bool *clash) {
    int64_t x = -1, y = -1;
    const bool a_number = a && oo__expr_is_int(a, &x), b_number = b && oo__expr_is_int(b, &y);
    if (a_number && x == 1)
        return b;
    if (b_number && y == 1)
        return a;
    if (a_number && b_number) {
        *clash |= x != y;
        return x == y ? a : NULL;
    }
    if (a == b)
        return a;
    /* A number other than 1 wins over a symbol, which must then be that number or 1. */
    if (a_number || b_number)
        return a_number ? a : b;
    if (!a || !b)
        return NULL;
    if (oo__expr_equal(c->exprs, a, b) == OO_YES)
        return a;
    /* When a <= b, and a is 0 or 1 just when b is, then b: equal, or a is 1 and b wins, or b is 1 and so is a. */
    const oo_expr *const one = oo__expr_int(c->exprs, 1);
    if (oo__expr_min(c->exprs, a, one) != oo__expr_min(c->exprs, b, one))
        return NULL;
    const oo_expr *const most = oo__expr_max(c->exprs, a, b);
    return most == a || most == b ? most : NULL;
}

bool oo__broadcast_inputs(oo__infer *c, uint32_t first, uint32_t last, int32_t *rank, const oo_expr **dims) {
    enum { MAX_RANK = 64 };
    *rank = 0;
    for (uint32_t i = first; i < last; i++) {
        if (!oo__has_input(c, i))
            continue;
        const int32_t r = oo__input_rank(c, i);
        if (r < 0 || r > MAX_RANK) {
            *rank = -1;
            return true;
        }
        *rank = r > *rank ? r : *rank;
    }
    for (int32_t d = 0; d < *rank; d++) {
        const oo_expr *dim = oo__number(c, 1);
        bool clash = false;
        uint32_t source = first; /* of the dimension so far */
        for (uint32_t i = first; i < last; i++) {
            const int32_t missing = *rank - oo__input_rank(c, i);
            if (!oo__has_input(c, i) || d < missing)
                continue;
            const oo_expr *const wide = oo__broadcast_dim(c, dim, oo__input_dim(c, i, (uint32_t)(d - missing)), &clash);
            if (clash) {
                oo__infer_fail_pair(c, source, i, "they do not broadcast at axis %d of %d", d, *rank);
                return false;
            }
            source = wide != dim ? i : source;
            dim = wide;
        }
        dims[d] = dim;
    }
    return true;
}

/* ---- joining types ---- */
static const oo_type *join(oo__infer *c, const oo_type *a, const oo_type *b, bool meet, bool *clash);

/* Sequences, optionals and maps by what is in them; of the rest, what is the same. */
static const oo_type *join_containers(oo__infer *c, const oo_type *a, const oo_type *b, bool meet, bool *clash) {
    const bool container = a->kind == OO_TYPE_SEQUENCE || a->kind == OO_TYPE_OPTIONAL || a->kind == OO_TYPE_MAP;
    const bool keys_differ = a->kind == OO_TYPE_MAP && a->has_elem && b->has_elem && a->elem != b->elem;
    *clash |= keys_differ;
    if (!container || keys_differ)
        return meet || oo__type_says_same(a, b) ? a : NULL;
    oo_type *const type = OO_NEW(c->model->arena, oo_type);
    *type = (oo_type){.kind = a->kind, .has_elem = a->has_elem, .elem = a->elem};
    type->inner = join(c, a->inner, b->inner, meet, clash);
    return type;
}

static const oo_type *join(oo__infer *c, const oo_type *a, const oo_type *b, bool meet, bool *clash) {
    if (!a || !b)
        return meet ? (a ? a : b) : NULL;
    if (a->kind != b->kind || a->kind != OO_TYPE_TENSOR) {
        const bool known = a->kind != OO_TYPE_NONE && b->kind != OO_TYPE_NONE;
        *clash |= known && a->kind != b->kind;
        if (known && a->kind == b->kind)
            return join_containers(c, a, b, meet, clash);
        return meet ? (a->kind != OO_TYPE_NONE ? a : b) : NULL;
    }
    oo_elem elem = oo_type_elem(a) != OO_UNDEFINED ? oo_type_elem(a) : oo_type_elem(b);
    *clash |= oo_type_elem(a) != OO_UNDEFINED && oo_type_elem(b) != OO_UNDEFINED && oo_type_elem(a) != oo_type_elem(b);
    if (!meet && oo_type_elem(a) != oo_type_elem(b))
        elem = OO_UNDEFINED;
    if (!a->has_shape || !b->has_shape) {
        if (!meet)
            return tensor_type(c, elem, -1);
        const oo_type *const shaped = a->has_shape ? a : b;
        oo_type *const type = tensor_type(c, elem, oo_type_rank(shaped));
        for (uint32_t i = 0; i < type->rank; i++)
            type->dims[i] = shaped->dims[i];
        return type;
    }
    if (a->rank != b->rank) {
        *clash = true;
        return tensor_type(c, elem, -1);
    }
    oo_type *const type = tensor_type(c, elem, (int32_t)a->rank);
    for (uint32_t i = 0; i < a->rank; i++) {
        const oo_expr *const x = a->dims[i].expr, *const y = b->dims[i].expr;
        if (meet)
            *clash |= x && y && oo__expr_equal(c->exprs, x, y) == OO_NO;
        type->dims[i] = oo__dim_of(meet ? (x ? x : y) : (x == y ? x : NULL));
    }
    return type;
}

const oo_type *oo__type_union(oo__infer *c, const oo_type *a, const oo_type *b) {
    bool clash = false;
    const oo_type *const type = join(c, a, b, false, &clash);
    return clash && type && (a->kind != b->kind || type->kind != OO_TYPE_TENSOR) ? NULL : type;
}

const oo_type *oo__type_merge(oo__infer *c, const oo_type *a, const oo_type *b, bool *clash) { return join(c, a, b, true, clash); }
