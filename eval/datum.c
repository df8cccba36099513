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
