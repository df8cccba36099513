/* Permutations of axes: that of a Transpose, and those between layouts. */
#ifndef PASSES_PERMUTATION_H
#define PASSES_PERMUTATION_H
#include <onnxopt/onnxopt.h>

enum { OO_PERMUTATION_MOST = 64 }; /* axes */

/* Axis i of the result is axis perm[i] of the operand; without the attribute the axes are turned round. `rank` is the operand's. False when the
 * attribute is no permutation of so many axes, or is not known, or the rank is above OO_PERMUTATION_MOST. */
bool oo__permutation_of(int64_t *perm, const oo_node *transpose, uint32_t rank);
/* That of the Transpose which puts axis 1, the channels, last, or brings the last axis to place 1. The rank is at least 2. */
void oo__move_channels(int64_t *perm, uint32_t rank, bool last);
#endif
