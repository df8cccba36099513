/* Signal operators and Einsum. */
#include "ir/infer_run.h"

#include <string.h>

enum { MAX_RANK = 64, LETTERS = 128 };

static const oo_expr *one_number(const oo__infer *c, uint32_t input) {
    const oo_known *const k = oo__input_known(c, input);
    return k && k->count == 1 && k->items[0].denominator == 1 ? k->items[0].numerator : NULL;
}

/* ---- DFT ---- */
/* [..., n, ..., 1 or 2]: the axis becomes dft_length, half of it and one when onesided; the last dimension is 2, or 1 for a real inverse. */
static bool dft_axis(oo__infer *c, int32_t rank, int64_t *axis, bool *bad) {
    const oo_expr *const given = c->schema->since >= 20 && oo__has_input(c, 2) ? one_number(c, 2) : NULL;
    *bad = false;
    if (c->schema->since >= 20) {
        *axis = -2;
        if (oo__has_input(c, 2) && !(given && oo__expr_is_int(given, axis)))
            return false;
    } else if (!oo__infer_int(c, axis, "axis", 1)) {
        return false;
    }
    *bad = *axis < -rank || *axis >= rank || *axis == -1 || *axis == rank - 1;
    *axis += *axis < 0 ? rank : 0;
    return true;
}

oo_status oo__infer_dft(oo__infer *c) {
    const oo_type *const in = oo__input_type(c, 0);
    const int32_t rank = oo_type_rank(in);
    int64_t axis = 0, inverse, onesided, last;
    bool bad;
    const oo_expr *dims[MAX_RANK];
    if (rank < 0 || rank > MAX_RANK || !(oo__infer_int(c, &inverse, "inverse", 0) && oo__infer_int(c, &onesided, "onesided", 0))) {
        oo__set_tensor(c, 0, oo_type_elem(in), -1, NULL);
        return OO_OK;
    }
    if (rank < 2)
        return oo__infer_fail(c, "the input has rank %d", rank);
    for (int32_t i = 0; i < rank; i++)
        dims[i] = in->dims[i].expr;
    const bool complex = dims[rank - 1] && oo__expr_is_int(dims[rank - 1], &last) && last == 2;
    if (onesided && !inverse && complex)
        return oo__infer_fail(c, "a onesided transform needs real input");
    const bool known = dft_axis(c, rank, &axis, &bad);
    if (known && bad)
        return oo__infer_fail(c, "the axis is out of range for rank %d, or the last one", rank);
    const oo_expr *length = !known ? NULL : oo__has_input(c, 1) ? one_number(c, 1) : dims[axis];
    if (onesided && !inverse)
        length = oo__expr_add(c->exprs, oo__expr_floordiv(c->exprs, length, oo__number(c, 2)), oo__number(c, 1));
    else if (onesided && !oo__has_input(c, 1))
        length = oo__expr_mul(c->exprs, oo__expr_sub(c->exprs, length, oo__number(c, 1)), oo__number(c, 2));
    for (int32_t i = 0; i + 1 < rank; i++)
        if (known ? i == axis : onesided || oo__has_input(c, 1)) /* else the length stays whatever the axis is */
            dims[i] = known ? length : NULL;
    dims[rank - 1] = oo__number(c, onesided && inverse ? 1 : 2);
    oo__set_tensor(c, 0, oo_type_elem(in), rank, dims);
    return OO_OK;
}

/* signal [B, n, 1 or 2], step, window, frame_length -> [B, frames, bins, 2]. */
oo_status oo__infer_stft(oo__infer *c) {
    int64_t onesided;
    const oo_expr *const step = one_number(c, 1), *length = oo__has_input(c, 3) ? one_number(c, 3) : oo__input_dim(c, 2, 0);
    if (oo__input_rank(c, 0) == 0 || oo__input_rank(c, 0) == 1)
        return oo__infer_fail(c, "the signal has rank %d, it needs a batch and a length", oo__input_rank(c, 0));
    if (!oo__infer_int(c, &onesided, "onesided", 1))
        return OO_OK;
    const oo_expr *const span = oo__expr_sub(c->exprs, oo__input_dim(c, 0, 1), length);
    const oo_expr *const frames = oo__expr_add(c->exprs, oo__expr_floordiv(c->exprs, span, step), oo__number(c, 1));
    if (onesided)
        length = oo__expr_add(c->exprs, oo__expr_floordiv(c->exprs, length, oo__number(c, 2)), oo__number(c, 1));
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 4, (const oo_expr *const[]){oo__input_dim(c, 0, 0), frames, length, oo__number(c, 2)});
    return OO_OK;
}

static oo_elem output_datatype(const oo__infer *c) {
    int64_t type;
    return oo__infer_int(c, &type, "output_datatype", OO_FLOAT) && oo__elem_name((int32_t)type) ? (oo_elem)type : OO_UNDEFINED;
}

oo_status oo__infer_window(oo__infer *c) {
    const oo_expr *const size = one_number(c, 0);
    if (size && oo__expr_high(size) < 0)
        return oo__infer_fail(c, "the size is negative");
    const oo_expr *const length = size ? size : oo__infer_symbol(c, "window", 0, INT64_MAX);
    oo__set_tensor(c, 0, output_datatype(c), 1, &length);
    return OO_OK;
}

/* [dft_length / 2 + 1, mel bins]. */
oo_status oo__infer_mel_weight_matrix(oo__infer *c) {
    const oo_expr *const half = oo__expr_floordiv(c->exprs, one_number(c, 1), oo__number(c, 2));
    oo__set_tensor(c, 0, output_datatype(c), 2,
                   (const oo_expr *const[]){oo__expr_add(c->exprs, half, oo__number(c, 1)), one_number(c, 0)});
    return OO_OK;
}

/* ---- Einsum ---- */
typedef struct einsum {
    const oo_expr *dims[LETTERS]; /* by letter */
    bool seen[LETTERS];
    unsigned count[LETTERS];
    const oo_expr *ellipsis[MAX_RANK];
    int32_t nellipsis;
} einsum;

static bool is_letter(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'); }

/* Reads the term for input `i` up to ',' or '-'. */
static oo_status read_term(oo__infer *c, einsum *e, uint32_t i, const char **at) {
    const int32_t rank = oo__input_rank(c, i);
    int32_t letters = 0, axis = 0;
    for (const char *p = *at; *p && *p != ',' && *p != '-'; p++)
        letters += is_letter(*p);
    const int32_t covered = rank - letters;
    for (; **at && **at != ',' && **at != '-'; ++*at) {
        const char ch = **at;
        if (ch == '.' && (*at)[1] == '.' && (*at)[2] == '.') {
            *at += 2;
            if (covered < 0 || covered > MAX_RANK)
                return oo__infer_fail(c, "input %u has too few dimensions for its term", i);
            bool clash = false;
            for (int32_t k = 0; k < covered; k++, axis++) {
                const oo_expr *const dim = oo__input_dim(c, i, (uint32_t)axis);
                const int32_t place = MAX_RANK - covered + k;
                const bool fresh = MAX_RANK - place > e->nellipsis;
                e->ellipsis[place] = fresh ? dim : oo__broadcast_dim(c, e->ellipsis[place], dim, &clash);
            }
            e->nellipsis = covered > e->nellipsis ? covered : e->nellipsis;
        } else if (is_letter(ch)) {
            const oo_expr *const dim = oo__input_dim(c, i, (uint32_t)axis++);
            bool clash = false;
            e->dims[(int)ch] = e->seen[(int)ch] ? oo__broadcast_dim(c, e->dims[(int)ch], dim, &clash) : dim;
            e->seen[(int)ch] = true;
            e->count[(int)ch]++;
            if (clash)
                return oo__infer_fail(c, "the dimensions named %c differ", ch);
        } else if (ch != ' ') {
            return oo__infer_fail(c, "the equation has a character that means nothing");
        }
    }
    return rank >= 0 && axis != rank ? oo__infer_fail(c, "input %u has rank %d, its term names %d axes", i, rank, axis) : OO_OK;
}

static int32_t put_ellipsis(const einsum *e, const oo_expr **dims, int32_t n) {
    for (int32_t k = 0; k < e->nellipsis && n < MAX_RANK; k++)
        dims[n++] = e->ellipsis[MAX_RANK - e->nellipsis + k];
    return n;
}

/* Without an arrow the result has the ellipsis, then each letter that stands once, in alphabetical order. */
static oo_status einsum_output(oo__infer *c, const einsum *e, const char *at) {
    const oo_expr *dims[MAX_RANK + 1];
    int32_t n = 0;
    if (*at != '-') {
        n = put_ellipsis(e, dims, n);
        for (int ch = 'A'; ch <= 'z' && n < MAX_RANK; ch++)
            if (is_letter((char)ch) && e->count[ch] == 1)
                dims[n++] = e->dims[ch];
    } else {
        for (at += at[1] == '>' ? 2 : 1; *at && n < MAX_RANK; at++) {
            if (*at == '.') {
                n = put_ellipsis(e, dims, n);
                at += at[1] == '.' && at[2] == '.' ? 2 : 0;
            } else if (is_letter(*at)) {
                if (!e->seen[(int)*at])
                    return oo__infer_fail(c, "the result names %c, which no input has", *at);
                dims[n++] = e->dims[(int)*at];
            } else if (*at != ' ') {
                return oo__infer_fail(c, "the equation has a character that means nothing");
            }
        }
    }
    oo__set_tensor(c, 0, oo__input_elem(c, 0), n, dims);
    return OO_OK;
}

oo_status oo__infer_einsum(oo__infer *c) {
    const char *at = oo__infer_string(c, "equation", NULL);
    einsum e = {.nellipsis = 0};
    if (!at)
        return OO_OK;
    for (uint32_t i = 0; i < c->node->ninputs; i++) {
        if (oo__input_rank(c, i) < 0)
            return oo__set_tensor(c, 0, oo__input_elem(c, 0), -1, NULL), OO_OK;
        OO_TRY(read_term(c, &e, i, &at));
        if (*at == ',')
            at++;
        else if (i + 1 < c->node->ninputs)
            return oo__infer_fail(c, "the equation has fewer terms than the node has inputs");
    }
    if (*at && *at != '-')
        return oo__infer_fail(c, "the equation has more terms than the node has inputs");
    return einsum_output(c, &e, at);
}
