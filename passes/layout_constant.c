/* Constants in another order of their axes, made here and now while they are small; larger ones are for fold-constants, which has a budget. */
#include "ir/rewriter.h"
#include "passes/layout.h"

#include <string.h>

enum { SMALL = 16384 }; /* bytes */

/* Element by element in the order of the result. */
static void permute(uint8_t *out, const uint8_t *in, const int64_t *dims, const oo_perm *perm, size_t size, uint64_t count) {
    uint64_t strides[OO_LAYOUT_RANK], at[OO_LAYOUT_RANK] = {0}, from = 0, stride = 1;
    for (uint32_t i = perm->n; i-- > 0;) {
        strides[i] = stride;
        stride *= (uint64_t)dims[i];
    }
    for (uint64_t k = 0; k < count; k++) {
        memcpy(out + k * size, in + from * size, size);
        for (uint32_t i = perm->n; i-- > 0;) {
            const uint32_t axis = perm->at[i];
            from += strides[axis];
            if (++at[i] < (uint64_t)dims[axis])
                break;
            from -= strides[axis] * (uint64_t)dims[axis];
            at[i] = 0;
        }
    }
}

static bool is_small(const oo_layout *l, const oo_tensor *tensor) {
    return tensor && oo__elem_bits((int32_t)oo_tensor_elem(tensor)) >= 8 && oo_tensor_size(tensor) <= SMALL &&
           oo__can_build_const(l->graph, oo_tensor_elem(tensor));
}

oo_value *oo__widened_constant(oo_rewriter *rw, const oo_layout *l, const oo_value *value, const int64_t *gaps, uint32_t n) {
    const oo_tensor *const tensor = oo_value_const(value);
    if (!is_small(l, tensor))
        return NULL;
    int64_t dims[2 * OO_LAYOUT_RANK];
    uint32_t rank = 0, next = 0;
    for (uint32_t i = 0; i < oo_tensor_rank(tensor) + n; i++)
        dims[rank++] = next < n && gaps[next] == i ? (next++, 1) : oo_tensor_dims(tensor)[i - next];
    uint8_t *const data = oo__malloc((size_t)oo_tensor_size(tensor) + 1);
    oo_value *made = NULL;
    if (oo_tensor_read(tensor, 0, oo_tensor_count(tensor), data))
        made = oo_build_const(rw, l->graph, oo_tensor_make(l->model, oo_tensor_elem(tensor), rank, dims, data), oo_value_name(value));
    free(data);
    return made;
}

oo_value *oo__permuted_constant(oo_rewriter *rw, const oo_layout *l, const oo_value *value, const oo_perm *perm) {
    const oo_tensor *const tensor = oo_value_const(value);
    if (!is_small(l, tensor) || oo_tensor_rank(tensor) != perm->n)
        return NULL;
    const uint64_t count = oo_tensor_count(tensor);
    int64_t dims[OO_LAYOUT_RANK] = {0};
    for (uint32_t i = 0; i < perm->n; i++)
        dims[i] = oo_tensor_dims(tensor)[perm->at[i]];
    uint8_t *const in = oo__malloc((size_t)oo_tensor_size(tensor) + 1), *const out = oo__malloc((size_t)oo_tensor_size(tensor) + 1);
    oo_value *made = NULL;
    if (oo_tensor_read(tensor, 0, count, in)) {
        permute(out, in, oo_tensor_dims(tensor), perm, oo__elem_bits((int32_t)oo_tensor_elem(tensor)) / 8, count);
        made = oo_build_const(rw, l->graph, oo_tensor_make(l->model, oo_tensor_elem(tensor), perm->n, dims, out), oo_value_name(value));
    }
    free(in);
    free(out);
    return made;
}
