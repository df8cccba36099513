/* What an operator was in earlier versions: forms.def. */
#include "passes/rule_run.h"

#include <string.h>

static const oo__form FORMS[] = {
#define FORM(op, since, input, attribute, type, like_first) {#op, since, input, #attribute, OO_ATTR_##type, like_first},
#include "passes/forms.def"
};

static const struct {
    const char *op;
    int64_t since;
} MEANINGS[] = {
#define MEANING(op, since) {#op, since},
#include "passes/forms.def"
};

const oo__form *oo__form_of_input(const char *op, uint32_t input) {
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (FORMS[i].input == input && strcmp(FORMS[i].op, op) == 0)
            return &FORMS[i];
    return NULL;
}

const oo__form *oo__form_of_attr(const char *op, const char *attr) {
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (strcmp(FORMS[i].op, op) == 0 && strcmp(FORMS[i].attr, attr) == 0)
            return &FORMS[i];
    return NULL;
}

int64_t oo__meaning_since(const char *op) {
    for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++)
        if (strcmp(MEANINGS[i].op, op) == 0)
            return MEANINGS[i].since;
    return 1;
}

static const oo_schema *newest_of(const char *domain, const char *name) {
    const oo_schema *schema = oo__schema_find(domain, name, oo__schema_latest_opset(domain));
    while (schema && (schema->traits & OO_TRAIT_DEPRECATED))
        schema = schema->since > 1 ? oo__schema_find(domain, name, schema->since - 1) : NULL;
    return schema;
}

void oo__op_facts_find(oo__op_facts *facts, const oo_op *op, int64_t opset) {
    *facts = (oo__op_facts){.op = op, .opset = opset, .bucket = UINT32_MAX, .bit = oo__op_bit(op->name)};
    if (op->functions)
        return;
    facts->usable = !oo__schema_latest_opset(op->domain);
    if (facts->usable)
        return; /* a domain that is not ONNX's: nothing is known but the name */
    const oo_schema *const schema = oo__schema_find(op->domain, op->name, opset);
    if (!schema || (schema->traits & OO_TRAIT_DEPRECATED))
        return;
    facts->schema = schema;
    facts->newest = newest_of(op->domain, op->name);
    facts->usable = facts->newest && (*op->domain || schema->since >= oo__meaning_since(op->name));
}

/* ---- what an absent attribute means ---- */
static oo__term repeated(oo__rule_run *run, int64_t number, uint32_t count) {
    oo__term *const items = oo__term_items(run, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = oo__term_int(number);
    return oo__term_list(items, count);
}

static int32_t rank_of_input(const oo_node *node, uint32_t index) {
    const oo_value *const value = oo_node_input(node, index);
    return value ? oo_type_rank(oo_value_type(value)) : -1;
}

static oo__term reverse(oo__rule_run *run, const oo_node *node) {
    const int32_t rank = rank_of_input(node, 0);
    if (rank < 0)
        return oo__unknown();
    oo__term *const items = oo__term_items(run, (uint32_t)rank);
    for (int32_t i = 0; i < rank; i++)
        items[i] = oo__term_int(rank - 1 - i);
    return oo__term_list(items, (uint32_t)rank);
}

static oo__term spatial(oo__rule_run *run, const oo_node *node, int64_t number, uint32_t times) {
    const int32_t rank = rank_of_input(node, 0);
    return rank < 2 ? oo__unknown() : repeated(run, number, (uint32_t)(rank - 2) * times);
}

static oo__term spatial_ones(oo__rule_run *run, const oo_node *node) { return spatial(run, node, 1, 1); }
static oo__term spatial_zeros(oo__rule_run *run, const oo_node *node) { return spatial(run, node, 0, 2); }
static oo__term spatial_single_zeros(oo__rule_run *run, const oo_node *node) { return spatial(run, node, 0, 1); }

static oo__term spatial_kernel(oo__rule_run *run, const oo_node *node) {
    const oo_value *const weights = oo_node_input(node, 1);
    const int32_t rank = rank_of_input(node, 1);
    if (rank < 2)
        return oo__unknown();
    oo__term *const items = oo__term_items(run, (uint32_t)(rank - 2));
    for (int32_t i = 2; i < rank; i++)
        items[i - 2] = oo__term_expr(weights->type->dims[i].expr);
    return oo__term_list(items, (uint32_t)(rank - 2));
}

/* From 7 to 13 more than one output meant training. */
static oo__term batch_normalization_mode(oo__rule_run *run, const oo_node *node) {
    (void)run;
    bool training = false;
    for (uint32_t i = 1; i < node->noutputs; i++)
        training |= node->outputs[i] != NULL;
    return oo__term_int(training);
}

/* Before 18 a Split without sizes made as many equal parts as it has outputs. */
static oo__term output_count(oo__rule_run *run, const oo_node *node) {
    (void)run;
    return oo__term_int(node->noutputs);
}

static const struct {
    const char *op, *attr;
    oo__term (*function)(oo__rule_run *run, const oo_node *node);
} IMPLIED_ATTRS[] = {
#define IMPLIED(op, attribute, function) {#op, #attribute, function},
#include "passes/forms.def"
};

oo__term oo__implied_attr(oo__rule_run *run, const oo_node *node, const oo__op_facts *facts, const char *name) {
    for (size_t i = 0; facts->schema && i < sizeof IMPLIED_ATTRS / sizeof *IMPLIED_ATTRS; i++)
        if (strcmp(IMPLIED_ATTRS[i].op, facts->schema->name) == 0 && strcmp(IMPLIED_ATTRS[i].attr, name) == 0)
            return IMPLIED_ATTRS[i].function(run, node);
    return oo__unknown();
}
