/* Operators that move elements: Transpose, Concat, Split, Slice, Gather and its kin, Pad, and operators whose output size depends on data. */
#include "ir/infer_run.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RANK = 64 };

static bool is_axis(int64_t *axis, int32_t rank) {
    if (*axis < -(int64_t)rank || *axis >= rank)
        return false; /* as it was given, for the message */
    *axis += *axis < 0 ? rank : 0;
    return true;
}

static void set_unknown(oo__infer *c, uint32_t output, oo_elem elem, int32_t rank) {
    const oo_expr *dims[MAX_RANK] = {NULL};
    oo__set_tensor(c, output, elem, rank <= MAX_RANK ? rank : -1, dims);
}

static void copy_dims(const oo_type *t, const oo_expr **dims) {
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = t->dims[i].expr;
}

/* ---- Transpose ---- */
static void transpose_contents(oo__infer *c, const int64_t *perm) {
    const oo_known *const in = oo__input_known(c, 0);
    int64_t dims[MAX_RANK];
    uint32_t strides[MAX_RANK], step = 1;
    if (!in || in->rank > MAX_RANK)
        return;
    for (uint32_t i = in->rank; i-- > 0; step *= (uint32_t)in->dims[i])
        strides[i] = step;
    for (uint32_t i = 0; i < in->rank; i++)
        dims[i] = in->dims[perm ? (uint32_t)perm[i] : in->rank - 1 - i];
    oo_known *const out = oo__known_new(c, in->elem, in->rank, dims);
    for (uint32_t e = 0; e < out->count; e++) {
        uint32_t rest = e, from = 0;
        for (uint32_t i = in->rank; i-- > 0; rest /= (uint32_t)dims[i])
            from += rest % (uint32_t)dims[i] * strides[perm ? (uint32_t)perm[i] : in->rank - 1 - i];
        out->items[e] = in->items[from];
    }
    oo__set_known(c, 0, out);
}

oo_status oo__infer_transpose(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const int64_t *perm;
    uint32_t n;
    const oo_expr *dims[MAX_RANK];
    const bool known = oo__infer_ints(c, &perm, &n, "perm");
    if (rank < 0 || rank > MAX_RANK || !known) {
        set_unknown(c, 0, oo_type_elem(in), known && perm && n <= MAX_RANK ? (int32_t)n : rank);
        return OO_OK;
    }
    if (perm && n != (uint32_t)rank)
        return oo__infer_fail(c, "perm has %u entries for rank %d", n, rank);
    for (int32_t i = 0; i < rank; i++) {
        const int64_t from = perm ? perm[i] : rank - 1 - i;
        if (from < 0 || from >= rank)
            return oo__infer_fail(c, "perm names axis %lld of rank %d", (long long)from, rank);
        dims[i] = in->dims[from].expr;
    }
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    transpose_contents(c, perm);
    return OO_OK;
}

/* ---- Concat ---- */
static oo_elem elem_of_parts(const oo__infer *c) {
    for (uint32_t i = 0; i < c->node->ninputs; i++)
        if (oo__input_elem(c, i) != OO_UNDEFINED)
            return oo__input_elem(c, i);
    return OO_UNDEFINED;
}

static void concat_contents(oo__infer *c) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < c->node->ninputs; i++) {
        const oo_known *const k = oo__input_known(c, i);
        if (!k || k->rank != 1 || total + k->count > OO_KNOWN_MAX)
            return;
        total += k->count;
    }
    oo_known *const out = oo__known_new(c, elem_of_parts(c), 1, (const int64_t[]){total});
    uint32_t at = 0;
    for (uint32_t i = 0; i < c->node->ninputs; i++) {
        const oo_known *const k = oo__input_known(c, i);
        if (k->count)
            memcpy(out->items + at, k->items, k->count * sizeof *k->items);
        at += k->count;
    }
    oo__set_known(c, 0, out);
}

/* A vector of which some parts are known keeps what is known of it. */
static void concat_partly(oo__infer *c) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < c->node->ninputs; i++) {
        int64_t n;
        const oo_expr *const dim = oo__input_dim(c, i, 0);
        if (oo__input_rank(c, i) != 1 || !dim || !oo__expr_is_int(dim, &n) || n < 0 || total + n > OO_KNOWN_MAX)
            return;
        total += (uint32_t)n;
    }
    oo_known *const out = oo__known_new(c, elem_of_parts(c), 1, (const int64_t[]){total});
    uint32_t at = 0;
    for (uint32_t i = 0; i < c->node->ninputs; i++) {
        const oo_known *const k = oo__input_known(c, i);
        int64_t n = 0;
        (void)oo__expr_is_int(oo__input_dim(c, i, 0), &n);
        if (k && k->count == (uint32_t)n)
            memcpy(out->items + at, k->items, k->count * sizeof *k->items);
        at += (uint32_t)n;
    }
    oo__set_known(c, 0, out);
}

static oo_status concat_dims(oo__infer *c, int64_t axis, int32_t rank, const oo_expr **dims) {
    uint32_t source[MAX_RANK] = {0}; /* the input that a dimension comes from */
    for (int32_t d = 0; d < rank; d++)
        dims[d] = d == axis ? oo__number(c, 0) : NULL;
    for (uint32_t i = 0; i < c->node->ninputs; i++) {
        const int32_t own = oo__input_rank(c, i);
        if (own >= 0 && own != rank)
            return oo__infer_fail(c, "input %u has rank %d, others have %d", i, own, rank);
        for (int32_t d = 0; d < rank; d++) {
            const oo_expr *const dim = own >= 0 ? oo__input_dim(c, i, (uint32_t)d) : NULL;
            if (d == axis) {
                dims[d] = oo__dim_add(c, dims[d], dim);
                continue;
            }
            if (dims[d] && dim && oo__expr_equal(c->exprs, dims[d], dim) == OO_NO)
                return oo__infer_fail_pair(c, source[d], i, "they differ at axis %d, and are joined along axis %lld", d, (long long)axis);
            oo__infer_equal_sizes(c, dims[d], dim, "the parts that are joined");
            /* They must be equal: a number says more than a symbol. */
            int64_t number;
            if (dim && (!dims[d] || oo__expr_is_int(dim, &number))) {
                dims[d] = dim;
                source[d] = i;
            }
        }
    }
    return OO_OK;
}

oo_status oo__infer_concat(oo__infer *c) {
    int32_t rank = -1;
    int64_t axis;
    for (uint32_t i = 0; i < c->node->ninputs && rank < 0; i++)
        rank = oo__input_rank(c, i);
    const oo_expr *dims[MAX_RANK];
    const oo_elem elem = elem_of_parts(c);
    if (rank < 0 || rank > MAX_RANK || !oo__infer_int(c, &axis, "axis", 1)) {
        set_unknown(c, 0, elem, rank);
        return OO_OK;
    }
    if (!is_axis(&axis, rank))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    OO_TRY(concat_dims(c, axis, rank, dims));
    oo__set_tensor(c, 0, elem, rank, dims);
    if (rank == 1 && elem != OO_UNDEFINED) {
        concat_partly(c);
        concat_contents(c);
    }
    return OO_OK;
}

/* ---- Split ---- */
static bool split_sizes(oo__infer *c, const oo_expr *whole, const oo_expr **sizes) {
    const uint32_t n = c->node->noutputs;
    int64_t list[1024], parts = (int64_t)n, total;
    uint32_t count = 0;
    const int64_t *attr = NULL;
    if (n > 1024)
        return false;
    if (oo__schema_attr(c->schema, "split")) {
        if (!oo__infer_ints(c, &attr, &count, "split") || count > 1024)
            return false;
        if (!attr)
            count = 0;
        else
            memcpy(list, attr, count * sizeof *list);
    } else if (oo__has_input(c, 1) && !oo__input_ints(c, 1, &count, list, 1024)) {
        return false;
    }
    if (count) {
        const oo_expr *sum = oo__number(c, 0);
        for (uint32_t i = 0; i < n; i++) {
            sizes[i] = i < count ? oo__number(c, list[i]) : NULL;
            sum = oo__expr_add(c->exprs, sum, sizes[i]);
        }
        oo__infer_equal_sizes(c, whole, sum, "the split dimension and its parts");
        return count == n;
    }
    if (!oo__infer_int(c, &parts, "num_outputs", (int64_t)n) || parts != (int64_t)n || !whole)
        return false;
    if (!oo__expr_is_int(whole, &total)) {
        for (uint32_t i = 0; i < n; i++)
            sizes[i] = oo__expr_exact_div(c->exprs, whole, oo__number(c, parts));
        return sizes[0] != NULL;
    }
    /* Equal chunks, the last one smaller. */
    const int64_t chunk = (total + parts - 1) / parts;
    for (uint32_t i = 0; i < n; i++) {
        const int64_t left = total - (int64_t)i * chunk;
        sizes[i] = oo__number(c, left < 0 ? 0 : left < chunk ? left : chunk);
    }
    return true;
}

oo_status oo__infer_split(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis;
    const oo_expr *dims[MAX_RANK], *sizes[1024] = {NULL};
    if (rank < 0 || rank > MAX_RANK || !oo__infer_int(c, &axis, "axis", 0)) {
        for (uint32_t i = 0; i < c->node->noutputs; i++)
            set_unknown(c, i, oo_type_elem(in), rank);
        return OO_OK;
    }
    if (!is_axis(&axis, rank))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    copy_dims(in, dims);
    const bool known = split_sizes(c, in->dims[axis].expr, sizes);
    const oo_known *const contents = rank == 1 ? oo__input_known(c, 0) : NULL;
    int64_t at = 0;
    for (uint32_t i = 0; i < c->node->noutputs; i++) {
        int64_t n;
        dims[axis] = known && i < 1024 ? sizes[i] : NULL;
        oo__set_tensor(c, i, oo_type_elem(in), rank, dims);
        if (!contents || !dims[axis] || !oo__expr_is_int(dims[axis], &n) || n < 0 || at + n > contents->count)
            continue;
        oo_known *const part = oo__known_new(c, contents->elem, 1, &n);
        memcpy(part->items, contents->items + at, (size_t)n * sizeof *part->items);
        oo__set_known(c, i, part);
        at += n;
    }
    return OO_OK;
}

/* ---- Slice ---- */
typedef struct cut {
    const oo_expr *start, *end;
    int64_t step;
} cut;

/* Position of a bound within [low, high]: a negative one counts from the end. NULL when its sign is not known. */
static const oo_expr *position(oo__infer *c, const oo_expr *bound, const oo_expr *dim, const oo_expr *low, const oo_expr *high) {
    if (!bound || !dim)
        return NULL;
    const oo_expr *at = bound;
    if (oo__expr_high(bound) < 0)
        at = oo__expr_add(c->exprs, bound, dim);
    else if (oo__expr_low(bound) < 0)
        return NULL;
    return oo__expr_max(c->exprs, oo__expr_min(c->exprs, at, high), low);
}

static const oo_expr *cut_length(oo__infer *c, const cut *s, const oo_expr *dim) {
    const oo_expr *const zero = oo__number(c, 0), *const one = oo__number(c, 1);
    const oo_expr *span;
    int64_t end;
    if (s->step == 0)
        return NULL;
    if (s->step > 0) {
        const bool to_end = s->end && oo__expr_is_int(s->end, &end) && end >= INT32_MAX;
        const oo_expr *const from = position(c, s->start, dim, zero, dim);
        const oo_expr *const to = to_end ? dim : position(c, s->end, dim, zero, dim);
        span = oo__expr_sub(c->exprs, to, from);
    } else {
        const oo_expr *const last = oo__expr_sub(c->exprs, dim, one);
        const bool to_start = s->end && oo__expr_is_int(s->end, &end) && end <= -INT32_MAX;
        const oo_expr *const from = oo__expr_min(c->exprs, position(c, s->start, dim, zero, last), last); /* -1 of an empty axis */
        const oo_expr *const to = to_start ? oo__number(c, -1) : position(c, s->end, dim, oo__number(c, -1), last);
        span = oo__expr_sub(c->exprs, from, to);
    }
    const oo_expr *const length = oo__expr_ceildiv(c->exprs, span, oo__number(c, s->step > 0 ? s->step : -s->step));
    return oo__expr_max(c->exprs, length, zero);
}

/* Bounds of one kind: an attribute before version 10, an input since. Elements may be symbolic. False when not even their number is known. */
static bool slice_list(oo__infer *c, const char *attr, uint32_t input, uint32_t *n, const oo_expr **out) {
    const int64_t *list;
    if (c->schema->since < 10) {
        if (!oo__infer_ints(c, &list, n, attr) || *n > MAX_RANK)
            return false;
        for (uint32_t i = 0; i < *n; i++)
            out[i] = oo__number(c, list[i]);
        return true;
    }
    *n = 0;
    if (!oo__has_input(c, input))
        return true;
    const oo_known *const k = oo__input_known(c, input);
    if (!k || k->count > MAX_RANK)
        return false;
    *n = k->count;
    for (uint32_t i = 0; i < k->count; i++)
        out[i] = k->items[i].denominator == 1 ? k->items[i].numerator : NULL;
    return true;
}

typedef struct slice {
    bool known;        /* the axes are */
    bool cut[MAX_RANK];
    cut cuts[MAX_RANK];
} slice;

static oo_status read_slice(oo__infer *c, int32_t rank, slice *s) {
    const oo_expr *starts[MAX_RANK], *ends[MAX_RANK], *axes[MAX_RANK], *steps[MAX_RANK];
    uint32_t nstarts, nends, naxes, nsteps;
    const bool has_starts = slice_list(c, "starts", 1, &nstarts, starts), has_ends = slice_list(c, "ends", 2, &nends, ends);
    const bool has_axes = slice_list(c, "axes", 3, &naxes, axes);
    const bool has_steps = c->schema->since < 10 ? (nsteps = 0, true) : slice_list(c, "", 4, &nsteps, steps);
    const uint32_t n = has_axes && naxes ? naxes : has_starts ? nstarts : has_ends ? nends : 0;
    s->known = has_axes && (naxes || has_starts || has_ends || rank == 1);
    for (uint32_t i = 0; s->known && i < (n ? n : 1) && (n || rank == 1); i++) {
        int64_t axis = (int64_t)i, step = 1;
        if (naxes && (!axes[i] || !oo__expr_is_int(axes[i], &axis))) {
            s->known = false;
            return OO_OK;
        }
        if (!is_axis(&axis, rank))
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
        const bool stepped = has_steps && (!nsteps || (i < nsteps && steps[i] && oo__expr_is_int(steps[i], &step)));
        s->cut[axis] = true;
        s->cuts[axis] = (cut){has_starts && i < nstarts ? starts[i] : NULL, has_ends && i < nends ? ends[i] : NULL, stepped ? step : 0};
    }
    return OO_OK;
}

/* One axis of known contents cut with numbers: first position, step and length. */
static bool cut_numbers(const cut *s, int64_t n, int64_t *start, int64_t *length) {
    int64_t end;
    if (!s->start || !s->end || !s->step || !oo__expr_is_int(s->start, start) || !oo__expr_is_int(s->end, &end))
        return false;
    const int64_t step = s->step, high = step > 0 ? n : n - 1, low = step > 0 ? 0 : -1;
    *start += *start < 0 ? n : 0;
    end += end < 0 && end > -INT32_MAX ? n : 0;
    *start = *start < 0 ? 0 : *start;
    *start = *start > high ? high : *start; /* -1 of an empty axis backwards */
    end = end < low ? low : end > high ? high : end;
    *length = step > 0 ? (end - *start + step - 1) / step : (*start - end - step - 1) / -step;
    *length = *length < 0 ? 0 : *length;
    return true;
}

static void slice_contents(oo__infer *c, const slice *s) {
    const oo_known *const in = oo__input_known(c, 0);
    int64_t start[MAX_RANK], dims[MAX_RANK];
    if (!in || in->rank > MAX_RANK)
        return;
    for (uint32_t i = 0; i < in->rank; i++) {
        start[i] = 0;
        dims[i] = in->dims[i];
        if (s->cut[i] && !cut_numbers(&s->cuts[i], in->dims[i], &start[i], &dims[i]))
            return;
    }
    oo_known *const out = oo__known_new(c, in->elem, in->rank, dims);
    for (uint32_t e = 0; e < out->count; e++) {
        int64_t rest = e, from = 0, step = 1;
        for (uint32_t i = in->rank; i-- > 0; step *= in->dims[i]) {
            from += (start[i] + rest % dims[i] * (s->cut[i] ? s->cuts[i].step : 1)) * step;
            rest /= dims[i];
        }
        out->items[e] = in->items[from];
    }
    oo__set_known(c, 0, out);
}

oo_status oo__infer_slice(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *dims[MAX_RANK];
    slice s = {0};
    if (rank < 0 || rank > MAX_RANK) {
        set_unknown(c, 0, oo_type_elem(in), -1);
        return OO_OK;
    }
    OO_TRY(read_slice(c, rank, &s));
    copy_dims(in, dims);
    for (int32_t i = 0; i < rank; i++)
        if (!s.known || s.cut[i])
            dims[i] = s.known ? cut_length(c, &s.cuts[i], dims[i]) : NULL;
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    if (s.known)
        slice_contents(c, &s);
    return OO_OK;
}

/* ---- Gather and its kin ---- */
oo_status oo__infer_gather(oo__infer *c) {
    const oo_type *const data = oo__input_type(c, 0), *const indices = oo__input_type(c, 1);
    const int32_t rank = oo_type_rank(data), inner = oo_type_rank(indices);
    int64_t axis;
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 || inner < 0 || rank + inner > MAX_RANK || !oo__infer_int(c, &axis, "axis", 0)) {
        set_unknown(c, 0, oo_type_elem(data), rank >= 1 && inner >= 0 ? rank + inner - 1 : -1);
        return OO_OK;
    }
    if (!is_axis(&axis, rank))
        return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axis, rank);
    int32_t n = 0;
    for (int32_t i = 0; i < rank; i++) {
        if (i != axis)
            dims[n++] = data->dims[i].expr;
        for (int32_t k = 0; i == axis && k < inner; k++)
            dims[n++] = indices->dims[k].expr;
    }
    oo__set_tensor(c, 0, oo_type_elem(data), n, dims);
    const oo_known *const from = oo__input_known(c, 0), *const which = oo__input_known(c, 1);
    if (!from || !which || from->rank != 1)
        return OO_OK;
    oo_known *const out = oo__known_new(c, from->elem, which->rank, which->dims);
    for (uint32_t i = 0; i < which->count; i++) {
        int64_t index;
        if (!which->items[i].numerator || !oo__expr_is_int(which->items[i].numerator, &index))
            continue;
        index += index < 0 ? from->count : 0;
        if (index < 0 || index >= from->count)
            return oo__infer_fail(c, "index %lld is out of range for %u elements", (long long)index, from->count);
        out->items[i] = from->items[index];
    }
    oo__set_known(c, 0, out);
    return OO_OK;
}

/* The shape of input 1, the type of input 0. */
oo_status oo__infer_gather_elements(oo__infer *c) {
    const oo_type *const indices = oo__input_type(c, 1);
    const oo_expr *dims[MAX_RANK] = {NULL};
    const int32_t rank = oo_type_rank(indices);
    if (rank >= 0 && rank <= MAX_RANK)
        copy_dims(indices, dims);
    oo__set_tensor(c, 0, oo__input_elem(c, 0), rank <= MAX_RANK ? rank : -1, dims);
    return OO_OK;
}

oo_status oo__infer_gather_nd(oo__infer *c) {
    const oo_type *const data = oo__input_type(c, 0), *const indices = oo__input_type(c, 1);
    const int32_t rank = oo_type_rank(data), inner = oo_type_rank(indices);
    int64_t batch, last;
    const oo_expr *dims[MAX_RANK];
    const bool known = rank >= 0 && inner > 0 && rank + inner <= MAX_RANK && oo__infer_int(c, &batch, "batch_dims", 0) &&
                       indices->dims[inner - 1].expr && oo__expr_is_int(indices->dims[inner - 1].expr, &last);
    if (!known) {
        set_unknown(c, 0, oo_type_elem(data), -1);
        return OO_OK;
    }
    if (last < 0 || last + batch > rank)
        return oo__infer_fail(c, "indices have %lld entries for rank %d", (long long)last, rank);
    int32_t n = 0;
    for (int32_t i = 0; i + 1 < inner; i++)
        dims[n++] = indices->dims[i].expr;
    for (int64_t i = batch + last; i < rank; i++)
        dims[n++] = data->dims[i].expr;
    oo__set_tensor(c, 0, oo_type_elem(data), n, dims);
    return OO_OK;
}

/* ---- Pad ---- */
oo_status oo__infer_pad(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    const oo_expr *dims[MAX_RANK], *pads[2 * MAX_RANK] = {NULL};
    int64_t axes[MAX_RANK];
    uint32_t n = 0, npads = 0;
    const int64_t *list;
    bool known = rank >= 0 && rank <= MAX_RANK;
    if (known && c->schema->since < 11) {
        known = oo__infer_ints(c, &list, &npads, c->schema->since == 1 ? "paddings" : "pads") && npads <= 2 * MAX_RANK;
        for (uint32_t i = 0; known && i < npads; i++)
            pads[i] = oo__number(c, list[i]);
    } else if (known) {
        const oo_known *const k = oo__input_known(c, 1);
        known = k && k->count <= 2 * MAX_RANK;
        npads = known ? k->count : 0;
        for (uint32_t i = 0; i < npads; i++)
            pads[i] = k->items[i].denominator == 1 ? k->items[i].numerator : NULL;
    }
    if (known && oo__has_input(c, 3))
        known = oo__input_ints(c, 3, &n, axes, MAX_RANK);
    else
        for (n = 0; known && n < (uint32_t)rank; n++)
            axes[n] = n;
    if (!known) {
        set_unknown(c, 0, oo_type_elem(in), rank);
        return OO_OK;
    }
    if (npads != 2 * n)
        return oo__infer_fail(c, "%u pads are given for %u axes", npads, n);
    copy_dims(in, dims);
    for (uint32_t i = 0; i < n; i++) {
        if (!is_axis(&axes[i], rank))
            return oo__infer_fail(c, "axis %lld is out of range for rank %d", (long long)axes[i], rank);
        dims[axes[i]] = oo__dim_add(c, dims[axes[i]], oo__dim_add(c, pads[i], pads[i + n]));
    }
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}
