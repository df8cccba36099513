#include "passes/permutation.h"

bool oo__permutation_of(int64_t *perm, const oo_node *transpose, uint32_t rank) {
    const bool given = oo_node_attr(transpose, "perm") != NULL;
    const int64_t *axes;
    uint32_t n;
    uint64_t seen = 0;
    if (rank > OO_PERMUTATION_MOST || !oo_node_ints(&axes, &n, transpose, "perm") || (given && n != rank))
        return false;
    for (uint32_t i = 0; i < rank; i++) {
        const int64_t axis = given ? axes[i] : (int64_t)(rank - 1 - i);
        if (axis < 0 || axis >= (int64_t)rank || seen >> axis & 1)
            return false;
        seen |= (uint64_t)1 << axis;
        perm[i] = axis;
    }
    return true;
}

void oo__move_channels(int64_t *perm, uint32_t rank, bool last) {
    perm[0] = 0;
    for (uint32_t i = 1; i < rank; i++)
        perm[i] = last ? (i + 1 < rank ? i + 1 : 1) : (i == 1 ? rank - 1 : i - 1);
}
