/* Constant and Identity. */
#include "eval/kernels.h"

#include "eval/evaluator.h"

#include <string.h>

static oo_array *of_list(oo_elem elem, uint32_t count, const void *items) {
    const int64_t dims[] = {count};
    oo_array *const a = oo__array_new(elem, 1, dims);
    if (a && count)
        memcpy(a->data, items, count * oo__array_width(elem));
    return a;
}

static oo_array *of_strings(uint32_t rank, uint32_t count, const oo_bytes *items) {
    const int64_t dims[] = {count};
    oo_array *const a = oo__array_new(OO_STRING, rank, dims);
    for (uint32_t i = 0; a && i < count; i++)
        oo__array_set_string(a, i, items[i]);
    return a;
}

/* Constant, versions 1 to 28: one of the value attributes. */
oo_status oo__kernel_constant(oo__call *c) {
    const oo_attr *a;
    if ((a = oo__attr(c, "value")) && a->type == OO_ATTR_TENSOR)
        return oo__set(c, 0, oo__array_of_tensor(a->t));
    if ((a = oo__attr(c, "value_int")))
        return oo__set(c, 0, oo__array_scalar(OO_INT64, &a->i));
    if ((a = oo__attr(c, "value_float")))
        return oo__set(c, 0, oo__array_scalar(OO_FLOAT, &a->f));
    if ((a = oo__attr(c, "value_ints")))
        return oo__set(c, 0, of_list(OO_INT64, a->count, a->ints));
    if ((a = oo__attr(c, "value_floats")))
        return oo__set(c, 0, of_list(OO_FLOAT, a->count, a->floats));
    if ((a = oo__attr(c, "value_string")))
        return oo__set(c, 0, of_strings(0, 1, &a->s));
    if ((a = oo__attr(c, "value_strings")))
        return oo__set(c, 0, of_strings(1, a->count, a->strings));
    if ((a = oo__attr(c, "sparse_value"))) {
        c->out[0] = oo__datum_of_sparse(a->sparse);
        return c->out[0] ? OO_OK : oo__eval_fail(c, "the sparse value is malformed");
    }
    return oo__eval_fail(c, "none of the value attributes is there");
}

/* Identity, versions 1 to 28: any value, sequences and optionals included. */
oo_status oo__kernel_identity(oo__call *c) {
    if (c->nin != 1 || !c->in[0])
        return oo__eval_fail(c, "the input is missing");
    c->out[0] = oo__datum_retain(c->in[0]);
    return OO_OK;
}
