/* What the rule engine asks inference. */
#include "ir/infer.h"
#include "passes/rule_run.h"

oo__term oo__known_ints(oo__rule_run *run, const oo_value *value) {
    const oo_known *const known = value->known;
    if (!known || known->rank > 1 || (known->elem != OO_INT64 && known->elem != OO_INT32))
        return oo__unknown();
    oo__term *const items = oo__term_items(run, known->count);
    for (uint32_t i = 0; i < known->count; i++)
        if (known->items[i].denominator == 1)
            items[i] = oo__term_expr(known->items[i].numerator);
    return oo__term_list(items, known->count);
}

bool oo__types_clash(oo_model *model, const oo_type *a, const oo_type *b) {
    oo__infer c = {.model = model, .exprs = model->exprs};
    bool clash = false;
    (void)oo__type_merge(&c, a, b, &clash);
    return clash;
}

void oo__facts_renew(oo_model *model) { oo__infer_proofs(model); }
