/* Equality and hash of attributes, bit by bit. */
#include "base/hash.h"
#include "ir/ir.h"

#include <string.h>

static bool same_bytes(oo_bytes a, oo_bytes b) { return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0); }

static bool same_lists(const oo_attr *a, const oo_attr *b) {
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const bool same = a->type == OO_ATTR_STRINGS   ? same_bytes(a->strings[i], b->strings[i])
                          : a->type == OO_ATTR_TENSORS ? oo_tensor_equal(a->tensors[i], b->tensors[i])
                                                       : true;
        if (!same)
            return false;
    }
    return true;
}

bool oo_attr_equal(const oo_attr *a, const oo_attr *b) {
    if (a == b)
        return true;
    if (a->name != b->name || a->type != b->type || a->reference != b->reference)
        return false;
    if (a->raw.data || b->raw.data)
        return a->raw.data && b->raw.data && same_bytes(a->raw, b->raw);
    if (a->reference)
        return true;
    switch (a->type) {
    case OO_ATTR_INT: return a->i == b->i;
    case OO_ATTR_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case OO_ATTR_STRING: return same_bytes(a->s, b->s);
    case OO_ATTR_TENSOR: return oo_tensor_equal(a->t, b->t);
    case OO_ATTR_GRAPH: return true;
    case OO_ATTR_INTS: return a->count == b->count && memcmp(a->ints, b->ints, a->count * sizeof *a->ints) == 0;
    case OO_ATTR_FLOATS: return a->count == b->count && memcmp(a->floats, b->floats, a->count * sizeof *a->floats) == 0;
    case OO_ATTR_STRINGS:
    case OO_ATTR_TENSORS:
    case OO_ATTR_GRAPHS: return same_lists(a, b);
    default: return false; /* sparse tensors and types: not compared, so never equal */
    }
}

uint64_t oo_attr_hash(const oo_attr *a) {
    uint64_t hash = oo__hash_combine(oo__hash(oo_attr_name(a), strlen(oo_attr_name(a))), (uint64_t)a->type);
    if (a->raw.data)
        return oo__hash_combine(hash, oo__hash(a->raw.data, a->raw.size));
    if (a->reference)
        return oo__hash_combine(hash, oo__hash(a->reference, strlen(a->reference)));
    hash = oo__hash_combine(hash, a->count);
    switch (a->type) {
    case OO_ATTR_INT: return oo__hash_combine(hash, (uint64_t)a->i);
    case OO_ATTR_FLOAT: return oo__hash_combine(hash, oo__hash(&a->f, sizeof a->f));
    case OO_ATTR_STRING: return oo__hash_combine(hash, oo__hash(a->s.data, a->s.size));
    case OO_ATTR_TENSOR: return oo__hash_combine(hash, oo_tensor_hash(a->t));
    case OO_ATTR_INTS: return oo__hash_combine(hash, oo__hash(a->ints, a->count * sizeof *a->ints));
    case OO_ATTR_FLOATS: return oo__hash_combine(hash, oo__hash(a->floats, a->count * sizeof *a->floats));
    default: return hash;
    }
}

uint32_t oo_attr_nsubgraphs(const oo_attr *attr) { return oo__attr_ngraphs(attr); }

oo_graph *oo_attr_subgraph(const oo_attr *attr, uint32_t index) {
    oo_require(index < oo__attr_ngraphs(attr), "oo_attr_subgraph: index %u", index);
    return oo__attr_graph(attr, index);
}
