/* What a call that runs tells of how it may be read: dimensions, axes, and numbers that are converted. */
#include "eval/reading.h"

#include "eval/move.h"
#include "ir/disputed.h"

#include <math.h>
#include <string.h>

static bool is_integer(oo_elem elem) {
    return (elem >= OO_UINT8 && elem <= OO_INT64) || elem == OO_UINT32 || elem == OO_UINT64 || elem == OO_UINT4 ||
           elem == OO_INT4 || elem == OO_UINT2 || elem == OO_INT2;
}

static bool is_floating(oo_elem elem) {
    return !is_integer(elem) && elem != OO_BOOL && elem != OO_STRING && elem != OO_COMPLEX64 && elem != OO_COMPLEX128;
}

/* Whether a number becomes an integer that it is not, cut towards zero: each runtime has a result of its own then. */
static bool is_misfit(const oo_array *from, const oo_datum *result) {
    const oo_array *const to = result && result->kind == OO_DATUM_TENSOR ? result->array : NULL;
    if (!to || !is_floating(from->elem) || !is_integer(to->elem))
        return false;
    for (uint64_t i = 0; i < from->count; i++)
        if (!(fabs(oo__array_double(from, i)) < 9e18) || oo__array_double(to, i) != trunc(oo__array_double(from, i)))
            return true;
    return false;
}

const char *oo__call_disputed(const oo__call *c) {
    const oo__dispute *const dispute = c->node->op->dispute;
    if (!dispute)
        return NULL;
    const oo_array *const in = c->nin && c->in[0] && c->in[0]->kind == OO_DATUM_TENSOR ? c->in[0]->array : NULL;
    if (!in || in->rank > OO__READING_RANK)
        return NULL;
    oo__reading call = {.elem = in->elem, .rank = (int32_t)in->rank, .misfit = c->nout && is_misfit(in, c->out[0])};
    memcpy(call.dims, in->dims, in->rank * sizeof *in->dims);
    call.unsorted = oo__schema_attr(c->schema, "sorted") && oo__int(c, "sorted", 1) != 1;
    if (oo__takes_axes(c->schema)) {
        oo__list axes;
        call.axes_known = oo__list_of(c, 1, "axes", &axes) && axes.count <= OO__READING_RANK;
        call.listed = axes.given;
        call.naxes = call.axes_known ? axes.count : 0;
        memcpy(call.axes, axes.items, call.naxes * sizeof *call.axes);
        call.keeps_all = oo__int(c, "noop_with_empty_axes", 0) != 0;
    }
    return oo__disputed(dispute, &call);
}
