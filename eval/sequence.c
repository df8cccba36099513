/* Sequences and optionals. A sequence holds one element type; positions count from the end when negative. */
#include "eval/evaluator.h"
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 1 << 24 };

/* ---- inputs and outputs ---- */
/* Input `index` as a sequence, also out of an optional; NULL after an error. */
static const oo_datum *sequence_in(const oo__call *c, uint32_t index) {
    const oo_datum *d = index < c->nin ? c->in[index] : NULL;
    if (d && d->kind == OO_DATUM_OPTIONAL && d->nitems)
        d = d->items[0];
    if (d && d->kind == OO_DATUM_SEQUENCE)
        return d;
    oo__eval_fail(c, "input %u is no sequence", index);
    return NULL;
}

static oo_status set_datum(oo__call *c, uint32_t index, oo_datum *datum) {
    if (index < c->nout)
        c->out[index] = datum;
    else
        oo__datum_release(datum);
    return OO_OK;
}

static oo_datum *allow_change(const oo_datum *d) { return (oo_datum *)(uintptr_t)d; }

/* Input `index` as a position in [0, limit); `absent` when it is omitted. False after an error. */
static bool position_in(const oo__call *c, uint32_t index, int64_t absent, int64_t length, int64_t limit,
                        int64_t *out) {
    if (!oo__integer_of(c, index, absent, out))
        return false;
    const int64_t asked = *out;
    if (*out < 0)
        *out += length;
    if (*out >= 0 && *out < limit)
        return true;
    oo__eval_fail(c, "position %lld is out of range for a sequence of %lld", (long long)asked, (long long)length);
    return false;
}

/* ---- making ---- */
oo_status oo__kernel_sequence_construct(oo__call *c) {
    if (!c->nin)
        return oo__eval_fail(c, "there are no inputs");
    for (uint32_t i = 0; i < c->nin; i++) {
        const oo_array *const a = oo__in(c, i);
        if (!a)
            return oo__eval_fail(c, "input %u is missing", i);
        if (a->elem != oo__in(c, 0)->elem)
            return oo__eval_fail(c, "input %u has another element type than the first one", i);
    }
    return set_datum(c, 0, oo__datum_sequence(c->nin, c->in, oo__in(c, 0)->elem));
}

oo_status oo__kernel_sequence_empty(oo__call *c) {
    const int64_t type = oo__int(c, "dtype", OO_FLOAT);
    if (type <= OO_UNDEFINED || type >= OO_ELEM_COUNT)
        return oo__eval_fail(c, "dtype %lld is no element type", (long long)type);
    return set_datum(c, 0, oo__datum_sequence(0, NULL, (oo_elem)type));
}

/* ---- asking ---- */
oo_status oo__kernel_sequence_at(oo__call *c) {
    const oo_datum *const s = sequence_in(c, 0);
    int64_t at;
    if (!s || !position_in(c, 1, 0, s->nitems, s->nitems, &at))
        return OO_INVALID;
    return set_datum(c, 0, oo__datum_retain(s->items[at]));
}

oo_status oo__kernel_sequence_length(oo__call *c) {
    const oo_datum *const s = sequence_in(c, 0);
    if (!s)
        return OO_INVALID;
    const int64_t length = s->nitems;
    return oo__set(c, 0, oo__array_scalar(OO_INT64, &length));
}

/* ---- changing ---- */
oo_status oo__kernel_sequence_insert(oo__call *c) {
    const oo_datum *const s = sequence_in(c, 0);
    if (!s)
        return OO_INVALID;
    oo_datum *const item = c->nin > 1 ? c->in[1] : NULL;
    const oo_elem elem = s->nitems ? s->items[0]->elem : s->elem;
    int64_t at;
    if (!item || item->kind != OO_DATUM_TENSOR)
        return oo__eval_fail(c, "what is inserted is no tensor");
    if (elem != OO_UNDEFINED && elem != item->elem)
        return oo__eval_fail(c, "the tensor's element type is not that of the sequence");
    if (!position_in(c, 2, s->nitems, s->nitems, (int64_t)s->nitems + 1, &at))
        return OO_INVALID;
    if (s->nitems >= MAX_ITEMS)
        return oo__eval_fail(c, "the sequence would have more than %d items", MAX_ITEMS);
    oo_datum **const items = oo__malloc((s->nitems + 1u) * sizeof *items);
    memcpy(items, s->items, (size_t)at * sizeof *items);
    items[at] = item;
    memcpy(items + at + 1, s->items + at, (s->nitems - (size_t)at) * sizeof *items);
    oo_datum *const out = oo__datum_sequence(s->nitems + 1, items, item->elem);
    free(items);
    return set_datum(c, 0, out);
}

oo_status oo__kernel_sequence_erase(oo__call *c) {
    const oo_datum *const s = sequence_in(c, 0);
    int64_t at;
    if (!s || !position_in(c, 1, -1, s->nitems, s->nitems, &at))
        return OO_INVALID;
    oo_datum **const items = oo__malloc(s->nitems * sizeof *items);
    memcpy(items, s->items, (size_t)at * sizeof *items);
    memcpy(items + at, s->items + at + 1, (s->nitems - 1u - (size_t)at) * sizeof *items);
    oo_datum *const out = oo__datum_sequence(s->nitems - 1, items, s->items[0]->elem);
    free(items);
    return set_datum(c, 0, out);
}

/* ---- tensors to sequences and back ---- */
oo_status oo__kernel_concat_from_sequence(oo__call *c) {
    const oo_datum *const s = sequence_in(c, 0);
    if (!s)
        return OO_INVALID;
    if (!s->nitems)
        return oo__eval_fail(c, "the sequence is empty");
    const oo__joint how = {.axis = oo__int(c, "axis", 0), .stacked = oo__int(c, "new_axis", 0) != 0};
    oo_array *const out = oo__join(s->items, s->nitems, &how);
    return out ? oo__set(c, 0, out) : oo__eval_fail(c, "the items differ in shape, or the axis is out of range");
}

/* How many items, and how long they are: from a scalar, from a list, or 1 each. */
typedef struct cuts {
    int64_t count, step;     /* step: of all but the last */
    const oo_array *lengths; /* in place of step */
    bool keep;               /* the axis, in parts of length 1 */
} cuts;

static oo_status read_cuts(const oo__call *c, int64_t extent, cuts *k) {
    const oo_array *split;
    if (!oo__want(c, 1, &split))
        return OO_INVALID;
    if (split && split->elem != OO_INT64 && split->elem != OO_INT32)
        return oo__eval_fail(c, "the lengths are no integers");
    *k = (cuts){.step = 1, .keep = split || oo__int(c, "keepdims", 1) != 0};
    if (split && split->rank) {
        k->lengths = split;
        k->count = (int64_t)split->count;
        int64_t sum = 0;
        for (uint64_t i = 0; i < split->count; i++) {
            if (oo__array_int(split, i) < 0)
                return oo__eval_fail(c, "a length is negative");
            sum = oo__plus(sum, oo__array_int(split, i));
        }
        if (sum != extent)
            return oo__eval_fail(c, "the lengths add up to %lld where the axis has %lld", (long long)sum,
                                 (long long)extent);
    } else {
        k->step = split ? oo__array_int(split, 0) : 1;
        if (k->step < 1)
            return oo__eval_fail(c, "the length %lld is not positive", (long long)k->step);
        k->count = extent / k->step + (extent % k->step != 0);
    }
    return k->count <= MAX_ITEMS ? OO_OK : oo__eval_fail(c, "the sequence would have %lld items", (long long)k->count);
}

oo_status oo__kernel_split_to_sequence(oo__call *c) {
    const oo_array *in;
    int64_t axis = oo__int(c, "axis", 0);
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    if (!oo__axis(&axis, in->rank))
        return oo__eval_fail(c, "the axis is out of range for %u dimensions", in->rank);
    cuts k = {0};
    OO_TRY(read_cuts(c, in->dims[axis], &k));
    oo_datum **const items = oo__malloc((size_t)(k.count + 1) * sizeof *items);
    oo_status status = OO_OK;
    int64_t n = 0;
    for (int64_t at = 0; n < k.count && status == OO_OK; n++) {
        const int64_t rest = in->dims[axis] - at;
        const int64_t length = k.lengths ? oo__array_int(k.lengths, (uint64_t)n) : k.step < rest ? k.step : rest;
        items[n] =
            oo__datum_tensor(k.keep ? oo__cut(in, (uint32_t)axis, at, length) : oo__cut_one(in, (uint32_t)axis, at));
        at += length;
        if (!items[n])
            status = oo__eval_fail(c, "an item would be larger than the limit for one tensor");
    }
    if (status == OO_OK)
        status = set_datum(c, 0, oo__datum_sequence((uint32_t)n, items, in->elem));
    for (int64_t i = 0; i < n; i++)
        oo__datum_release(items[i]);
    free(items);
    return status;
}

/* ---- optionals ---- */
oo_status oo__kernel_optional(oo__call *c) {
    oo_datum *const item = c->nin ? c->in[0] : NULL;
    const oo_attr *const a = oo__attr(c, "type");
    if (!item && (!a || a->type != OO_ATTR_TYPE_PROTO))
        return oo__eval_fail(c, "there is neither an input nor a type");
    const oo_type *type = item ? NULL : a->type_proto;
    while (type && (type->kind == OO_TYPE_SEQUENCE || type->kind == OO_TYPE_OPTIONAL))
        type = type->inner;
    return set_datum(c, 0, oo__datum_optional(item, item ? item->elem : type ? oo_type_elem(type) : OO_UNDEFINED));
}

oo_status oo__kernel_optional_get_element(oo__call *c) {
    const oo_datum *const d = c->nin ? c->in[0] : NULL;
    if (!d)
        return oo__eval_fail(c, "the input is missing");
    if (d->kind != OO_DATUM_OPTIONAL)
        return set_datum(c, 0, oo__datum_retain(allow_change(d)));
    return d->nitems ? set_datum(c, 0, oo__datum_retain(d->items[0])) : oo__eval_fail(c, "the optional is empty");
}

oo_status oo__kernel_optional_has_element(oo__call *c) {
    const oo_datum *const d = c->nin ? c->in[0] : NULL;
    const uint8_t has = d && (d->kind != OO_DATUM_OPTIONAL || d->nitems);
    return oo__set(c, 0, oo__array_scalar(OO_BOOL, &has));
}

/* ---- SequenceMap ---- */
typedef struct mapping {
    oo__call *c;
    uint32_t length;
    oo_datum **in;  /* of the body, borrowed: [nin] */
    oo_datum **out; /* results of all runs: [nout][length] */
    oo_datum **one; /* of one run: [nout] */
} mapping;

static oo_status map_one(mapping *m, uint32_t i) {
    oo__call *const c = m->c;
    for (uint32_t k = 0; k < c->nin; k++)
        m->in[k] = c->in[k]->kind == OO_DATUM_SEQUENCE ? c->in[k]->items[i] : c->in[k];
    OO_TRY(oo__run_subgraph(c, "body", m->in, c->nin, m->one, c->nout));
    for (uint32_t k = 0; k < c->nout; k++)
        m->out[(size_t)k * m->length + i] = m->one[k];
    return OO_OK;
}

/* Sets output k; without items the element type is the one that the body declares. */
static void set_mapped(mapping *m, uint32_t k) {
    oo_datum **const items = m->out + (size_t)k * m->length;
    const oo_attr *const a = oo__attr(m->c, "body");
    const oo_type *const type =
        a && a->type == OO_ATTR_GRAPH && k < a->g->outputs.n ? a->g->outputs.data[k].type : NULL;
    m->c->out[k] = oo__datum_sequence(m->length, items,
                                      m->length && items[0] ? items[0]->elem
                                      : type    ? oo_type_elem(type)
                                                : OO_UNDEFINED);
}

oo_status oo__kernel_sequence_map(oo__call *c) {
    const oo_datum *const first = c->nin ? c->in[0] : NULL;
    if (!first || first->kind != OO_DATUM_SEQUENCE)
        return oo__eval_fail(c, "input 0 is no sequence");
    for (uint32_t k = 0; k < c->nin; k++)
        if (!c->in[k] || (c->in[k]->kind == OO_DATUM_SEQUENCE && c->in[k]->nitems != first->nitems))
            return oo__eval_fail(c, "input %u is missing, or a sequence of another length", k);
    mapping m = {.c = c, .length = first->nitems};
    const size_t results = (size_t)c->nout * m.length;
    m.in = calloc(c->nin + 1u, sizeof *m.in);
    m.out = calloc(results + 1u, sizeof *m.out);
    m.one = calloc(c->nout + 1u, sizeof *m.one);
    if (!m.in || !m.out || !m.one)
        oo__oom(results * sizeof *m.out);
    oo_status status = OO_OK;
    for (uint32_t i = 0; i < m.length && status == OO_OK; i++)
        status = map_one(&m, i);
    for (uint32_t k = 0; k < c->nout && status == OO_OK; k++)
        set_mapped(&m, k);
    for (size_t i = 0; i < results; i++)
        oo__datum_release(m.out[i]);
    free(m.in);
    free(m.out);
    free(m.one);
    return status;
}
