#include "eval/eval.h"

#include <stdlib.h>

static oo_datum *datum_new(oo_datum_kind kind, uint32_t count) {
    oo_datum *const d = oo__malloc(sizeof *d + count * sizeof *d->items);
    *d = (oo_datum){.references = 1, .kind = kind, .items = (oo_datum **)(void *)(d + 1), .nitems = count};
    return d;
}

oo_datum *oo__datum_tensor(oo_array *array) {
    if (!array)
        return NULL;
    oo_datum *const d = datum_new(OO_DATUM_TENSOR, 0);
    d->array = array;
    d->elem = array->elem;
    return d;
}

oo_datum *oo__datum_sequence(uint32_t count, oo_datum *const *items, oo_elem elem) {
    oo_datum *const d = datum_new(OO_DATUM_SEQUENCE, count);
    d->elem = elem;
    for (uint32_t i = 0; i < count; i++)
        d->items[i] = oo__datum_retain(items[i]);
    return d;
}

oo_datum *oo__datum_optional(oo_datum *item, oo_elem elem) {
    oo_datum *const d = datum_new(OO_DATUM_OPTIONAL, item ? 1 : 0);
    d->elem = elem;
    if (item)
        d->items[0] = oo__datum_retain(item);
    return d;
}

oo_datum *oo__datum_retain(oo_datum *d) {
    if (d)
        __atomic_add_fetch(&d->references, 1, __ATOMIC_RELAXED);
    return d;
}

void oo__datum_release(oo_datum *d) {
    if (!d || __atomic_sub_fetch(&d->references, 1, __ATOMIC_ACQ_REL))
        return;
    oo__array_release(d->array);
    oo__array_release(d->indices);
    for (uint32_t i = 0; i < d->nitems; i++)
        oo__datum_release(d->items[i]);
    free(d);
}

static oo_array *retyped(const oo_array *a, oo_elem to) {
    oo_array *const out = oo__array_new(to, a->rank, a->dims);
    for (uint64_t i = 0; out && i < a->count; i++)
        oo__array_set_double(out, i, oo__array_double(a, i));
    return out;
}

oo_datum *oo__datum_retyped(oo_datum *d, oo_elem from, oo_elem to) {
    if (!d || (d->elem != from && !d->nitems))
        return d;
    oo_datum *const new = datum_new(d->kind, d->nitems);
    new->elem = d->elem == from ? to : d->elem;
    new->indices = oo__array_retain(d->indices);
    const bool is_values = d->kind != OO_DATUM_MAP && d->array && d->array->elem == from;
    new->array = is_values ? retyped(d->array, to) : oo__array_retain(d->array);
    bool refused = d->array && !new->array;
    for (uint32_t i = 0; i < d->nitems; i++) {
        new->items[i] = oo__datum_retyped(oo__datum_retain(d->items[i]), from, to);
        refused |= !new->items[i];
    }
    oo__datum_release(d);
    if (!refused)
        return new;
    oo__datum_release(new);
    return NULL;
}
