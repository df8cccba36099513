/* Matches the left side of a rule: runs its program, trying orders and lengths where there is a choice. */
#include "passes/rule_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BUDGET = 1 << 16 }; /* steps of an attempt */

bool oo__rule_miss(oo__rule_run *run, uint32_t step, const char *format, ...) {
    if (!run->telling || (run->miss && run->miss_step >= step))
        return false;
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    run->miss = oo__arena_copy(run->arena, text, strlen(text));
    run->miss_step = step;
    return false;
}

/* Orders and lengths multiply: what takes too long does not match. */
static bool spend(oo__rule_run *run, uint32_t steps) {
    run->budget = run->budget > steps ? run->budget - steps : 0;
    return run->budget > 0;
}

/* ---- nodes ---- */
static bool names_operator(const oo__operator *op, const oo_op *own) {
    if (strcmp(op->domain, own->domain) != 0)
        return false;
    for (uint32_t i = 0; i < op->nnames; i++)
        if (strcmp(op->names[i], own->name) == 0)
            return true;
    return false;
}

static bool is_default(const oo_schema_attr *schema, const oo_attr *attr) {
    if (!schema || !schema->has_default || attr->reference || attr->raw.data || attr->type != schema->type)
        return false;
    if (attr->type == OO_ATTR_INT)
        return attr->i == schema->i;
    return attr->type == OO_ATTR_FLOAT && attr->f == schema->f;
}

/* An attribute that the newest version has not may say anything, unless its meaning is known. */
static bool has_strange_attr(const oo_node *node, const oo__op_facts *facts) {
    for (uint32_t i = 0; i < node->nattrs && facts->schema != facts->newest; i++) {
        const oo_attr *const attr = node->attrs[i];
        const char *const name = oo_attr_name(attr);
        if (oo__schema_attr(facts->newest, name) || oo__form_of_attr(node->op->name, name) || strcmp(name, "consumed_inputs") == 0)
            continue;
        if (!is_default(oo__schema_attr(facts->schema, name), attr))
            return true;
    }
    return false;
}

static bool has_lists(const oo__operator *op) {
    for (uint32_t i = 0; i < op->nargs; i++)
        if (op->args[i]->kind == OO__AST_VALUES)
            return true;
    return false;
}

static bool inputs_fit(const oo__operator *op, const oo_node *node) {
    if (has_lists(op)) {
        for (uint32_t i = 0; i < node->ninputs; i++)
            if (!node->inputs[i].value)
                return false;
        return true;
    }
    for (uint32_t i = op->nargs; i < node->ninputs; i++)
        if (node->inputs[i].value)
            return false;
    return true;
}

static void bind(oo__rule_run *run, uint32_t slot, oo__operand operand) {
    run->values[slot] = operand;
    run->bound |= UINT64_C(1) << slot;
}

static oo__operand list_of(oo__rule_run *run, uint32_t count, oo_value *(*at)(const oo_node *node, uint32_t index), const oo_node *node,
                           uint32_t first) {
    oo__operand *const items = OO_NEW_ARRAY(run->arena, oo__operand, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (oo__operand){.kind = OO__GRAPH_VALUE, .value = at(node, first + i)};
    return (oo__operand){.kind = OO__MANY, .items = items, .count = count};
}

static bool bind_results(oo__rule_run *run, const oo__operator *op, const oo_node *node) {
    if (op->many) {
        for (uint32_t i = 0; i < node->noutputs; i++)
            if (!node->outputs[i])
                return false;
        oo__operand all = list_of(run, node->noutputs, oo_node_output, node, 0);
        if (run->bound >> op->results[0] & 1)
            return oo__operand_same(&all, &run->values[op->results[0]]);
        bind(run, op->results[0], all);
        return true;
    }
    for (uint32_t i = 0; i < op->nresults; i++) {
        if (op->results[i] == UINT32_MAX)
            continue;
        oo_value *const value = oo_node_output(node, i);
        if (!value)
            return false;
        bind(run, op->results[i], (oo__operand){.kind = OO__GRAPH_VALUE, .value = value});
    }
    return true;
}

static bool match_node(oo__rule_run *run, uint32_t k, oo_node *node) {
    const oo__operator *const op = run->rule->nodes[k];
    if (node->erased || node->graph != run->graph || !names_operator(op, node->op))
        return false;
    for (uint32_t i = 0; i < run->rule->nnodes; i++)
        if ((run->bound_nodes >> i & 1) && run->nodes[i] == node)
            return false;
    const oo__op_facts *const facts = run->facts(run, node->op);
    if (!facts->usable || !inputs_fit(op, node) || has_strange_attr(node, facts))
        return false;
    run->nodes[k] = node;
    run->node_facts[k] = facts;
    run->swapped[k] = false;
    run->bound_nodes |= 1u << k;
    return bind_results(run, op, node);
}

/* ---- inputs ---- */
/* Where an argument stands among the node's inputs. */
static uint32_t position(const oo__rule_run *run, uint32_t k, uint32_t index) {
    const oo__operator *const op = run->rule->nodes[k];
    if (run->swapped[k] && index < 2)
        return 1 - index;
    uint32_t at = 0, list = 0;
    for (uint32_t i = 0; i < index; i++)
        at += op->args[i]->kind == OO__AST_VALUES ? run->lengths[k][list++] : 1;
    return at;
}

static oo__operand operand_at(oo__rule_run *run, uint32_t k, uint32_t index) {
    return oo__node_operand(run, run->nodes[k], run->node_facts[k], position(run, k, index));
}

static bool step_producer(oo__rule_run *run, const oo__step *s) {
    const oo__ast *const arg = run->rule->nodes[s->node]->args[s->index];
    const oo__operand operand = operand_at(run, s->node, s->index);
    if (operand.kind != OO__GRAPH_VALUE || !operand.value || !operand.value->producer)
        return false;
    const uint32_t output = arg->kind == OO__AST_OPERATOR ? 0 : run->rule->slots[arg->slot].output;
    if (operand.value->index != output)
        return false;
    if (run->bound_nodes >> s->child & 1)
        return run->nodes[s->child] == operand.value->producer;
    return match_node(run, s->child, operand.value->producer);
}

#define NEAR 1e-4 /* what exporters make of the root of two, say */

/* A number in a pattern. */
typedef struct all_equal {
    double number, part; /* part: how far apart at most, as a part of the number */
    oo_elem elem;
    bool equal;
} all_equal;

static bool is_float_elem(oo_elem elem) { return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16; }

/* The number as the type has it. */
static double rounded(oo_elem elem, double number) {
    double out = number;
    unsigned char packed[8];
    if (!is_float_elem(elem))
        return number;
    oo_doubles_pack(packed, elem, &number, 1);
    oo_doubles_unpack(&out, elem, packed, 1);
    return out;
}

static bool see_equal(void *state, const double *values, uint64_t count) {
    all_equal *const s = state;
    for (uint64_t i = 0; i < count && s->part > 0; i++)
        s->equal &= fabs(values[i] - s->number) <= s->part * fabs(s->number);
    for (uint64_t i = 0; i < count && !(s->part > 0); i++)
        s->equal &= values[i] == s->number && (!is_float_elem(s->elem) || signbit(values[i]) == signbit(s->number));
    return s->equal;
}

static bool is_number(oo__operand *operand, double number, double part) {
    all_equal s = {.elem = oo__operand_elem(operand), .equal = true, .part = part};
    if (operand->kind == OO__ABSENT || (operand->kind == OO__LITERAL && operand->omitted))
        return false;
    s.number = rounded(s.elem, number);
    const oo_tensor *const tensor = oo__operand_tensor(operand);
    if (tensor && (oo_tensor_count(tensor) == 0 || s.elem == OO_STRING))
        return false;
    return oo__operand_scan(operand, see_equal, &s) && s.equal;
}

/* Whether the other inputs alone have the shape of the result: then the constant only adds its number. */
static bool keeps_shape(oo__rule_run *run, uint32_t k, uint32_t at, oo__operand *constant) {
    const oo_node *const node = run->nodes[k];
    const int32_t known = oo__operand_rank(constant);
    const uint32_t rank = known < 0 ? 0 : (uint32_t)known;
    if (rank == 0) /* nothing is known of it in a function that has several callers */
        return known == 0;
    const oo__op_facts *const facts = run->node_facts[k];
    if (!facts->schema || !(facts->schema->traits & OO_TRAIT_ELEMENTWISE) || facts->schema->max_inputs == 1)
        return oo__operand_count(constant) == 1;
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo__operand other = oo__node_operand(run, node, facts, i);
        const int32_t wide = i == at || other.kind != OO__GRAPH_VALUE ? -1 : oo__operand_rank(&other);
        bool fits = wide >= (int32_t)rank;
        for (uint32_t d = 0; fits && d < rank; d++) {
            const oo__term own = oo__operand_dim(run, constant, rank - 1 - d), its = oo__operand_dim(run, &other, (uint32_t)wide - 1 - d);
            fits = (!own.expr && own.number == 1) || oo__terms_equal(run, &own, &its) == OO_YES;
        }
        if (fits)
            return true;
    }
    return false;
}

/* Of an initializer that an input overrides it is worth knowing what can be done about it. */
static const char *not_constant(const oo__operand *operand) {
    const oo_value *const value = operand->kind == OO__GRAPH_VALUE ? operand->value : NULL;
    return value && oo_value_is_input(value) && oo_value_is_initializer(value) ? "can be overridden by a graph input (--freeze-defaults makes it constant)"
                                                                              : "is not constant";
}

static bool step_number(oo__rule_run *run, const oo__step *s, uint32_t number, oo__operand *operand) {
    const oo__ast *const arg = run->rule->nodes[s->node]->args[s->index];
    const char *const op = run->nodes[s->node]->op->name;
    const bool tell = run->rule->nnodes > 1; /* that an Add adds no zero is no news */
    if (!oo__operand_is_const(operand))
        return tell && oo__rule_miss(run, number, "input %u of %s %s", s->index, op, not_constant(operand));
    const double wanted = arg->sort == OO__SORT_INT ? (double)arg->integer : arg->number;
    if (!is_number(operand, wanted, 0) && !(arg->is_near && is_number(operand, wanted, NEAR)))
        return tell && oo__rule_miss(run, number, "input %u of %s is not %s", s->index, op, arg->text);
    if (!keeps_shape(run, s->node, position(run, s->node, s->index), operand))
        return oo__rule_miss(run, number, "the shape of input %u of %s may widen the result", s->index, op);
    return true;
}

static bool step_list(oo__rule_run *run, const oo__step *s) {
    const oo__operator *const op = run->rule->nodes[s->node];
    const uint32_t slot = op->args[s->index]->slot;
    uint32_t list = 0;
    for (uint32_t i = 0; i < s->index; i++)
        list += op->args[i]->kind == OO__AST_VALUES;
    if (!spend(run, run->lengths[s->node][list] / 8))
        return false;
    oo__operand all = list_of(run, run->lengths[s->node][list], oo_node_input, run->nodes[s->node], position(run, s->node, s->index));
    if (run->bound >> slot & 1)
        return oo__operand_same(&all, &run->values[slot]);
    bind(run, slot, all);
    return true;
}

static bool step_input(oo__rule_run *run, const oo__step *s, uint32_t number) {
    const oo__ast *const arg = run->rule->nodes[s->node]->args[s->index];
    if (arg->kind == OO__AST_ANYTHING)
        return true;
    if (arg->kind == OO__AST_VALUES)
        return step_list(run, s);
    oo__operand operand = operand_at(run, s->node, s->index);
    const char *const op = run->nodes[s->node]->op->name;
    if (operand.kind == OO__GRAPH_VALUE && !operand.value)
        return oo__rule_miss(run, number, "input %u of %s is unknown", s->index, op);
    if (arg->kind == OO__AST_NUMBER)
        return step_number(run, s, number, &operand);
    if (operand.kind == OO__ABSENT) {
        if (!arg->has_default)
            return oo__rule_miss(run, number, "%s has no input %u", op, s->index);
        operand = (oo__operand){.kind = OO__LITERAL, .omitted = true, .number = arg->number};
    } else if (arg->is_const && !oo__operand_is_const(&operand)) {
        return run->rule->nnodes > 1 && oo__rule_miss(run, number, "%s %s", run->rule->slots[arg->slot].name, not_constant(&operand));
    }
    if (!(run->bound >> arg->slot & 1))
        bind(run, arg->slot, operand);
    else if (!oo__operand_same(&operand, &run->values[arg->slot]))
        return oo__rule_miss(run, number, "%s is not the same everywhere", run->rule->slots[arg->slot].name);
    return true;
}

/* ---- attributes ---- */
/* ONNX has floats in attributes: a number in a rule is rounded to one. */
static bool same_attr(oo__rule_run *run, const oo__term *own, const oo__term *wanted) {
    double a, b;
    if (own->sort == OO__SORT_FLOAT && oo__real_of(own, &a) && oo__real_of(wanted, &b))
        return (float)a == (float)b;
    return oo__terms_equal(run, own, wanted) == OO_YES;
}

static bool step_attrs(oo__rule_run *run, const oo__step *s, uint32_t number) {
    const oo__operator *const op = run->rule->nodes[s->node];
    for (uint32_t i = 0; i < op->nattrs; i++) {
        const oo__rule_attr *const attr = &op->attrs[i];
        const oo__term own = oo__node_attr(run, run->nodes[s->node], run->node_facts[s->node], attr->name);
        const char *const name = run->nodes[s->node]->op->name;
        if (own.sort == OO__SORT_ANY)
            return oo__rule_miss(run, number, "attribute %s of %s is unknown, or absent without a default", attr->name, name);
        if (attr->value->kind == OO__AST_ATTR && !(run->bound_attrs >> attr->value->slot & 1)) {
            run->attrs[attr->value->slot] = own;
            run->bound_attrs |= 1u << attr->value->slot;
            continue;
        }
        const oo__term wanted = oo__eval(run, attr->value);
        if (same_attr(run, &own, &wanted))
            continue;
        if (!run->telling)
            return false;
        return oo__rule_miss(run, number, "attribute %s of %s is %s, not %s", attr->name, name, oo__term_text(run, &own),
                             oo__term_text(run, &wanted));
    }
    return true;
}

/* ---- uses ---- */
static const char *shown(const oo_value *value) { return value->name && *value->name ? value->name : "a value"; }

static bool result_may_go(oo__rule_run *run, uint32_t number, const oo__slot *slot, const oo_value *value) {
    if (slot && slot->is_result)
        return !(value->flags & OO_VALUE_PINNED) || oo__rule_miss(run, number, "result \"%s\" is annotated", shown(value));
    if (slot && slot->used_right)
        return true; /* it stays */
    if (oo_value_is_pinned(value))
        return oo__rule_miss(run, number, "\"%s\" is a graph output or annotated", shown(value));
    if (value->nuses != (slot ? slot->uses : 0))
        return oo__rule_miss(run, number, "\"%s\" has other uses", shown(value));
    return true;
}

static bool step_uses(oo__rule_run *run, uint32_t number) {
    const oo__rule *const rule = run->rule;
    for (uint32_t k = 0; k < rule->nnodes; k++) {
        const oo__operator *const op = rule->nodes[k];
        for (uint32_t i = 0; i < run->nodes[k]->noutputs; i++) {
            const oo_value *const value = run->nodes[k]->outputs[i];
            const uint32_t at = op->many ? 0 : i;
            const oo__slot *const slot = at < op->nresults && op->results[at] != UINT32_MAX ? &rule->slots[op->results[at]] : NULL;
            if (!value || (op->shared && !(slot && slot->is_result)))
                continue;
            if (!result_may_go(run, number, slot, value))
                return false;
        }
    }
    return true;
}

static bool step_guards(oo__rule_run *run, uint32_t number) {
    for (uint32_t i = 0; i < run->rule->nguards; i++) {
        const oo__ast *const guard = run->rule->guards[i];
        const oo__term t = oo__eval(run, guard);
        if (t.sort == OO__SORT_BOOL && t.answer == OO_YES)
            continue;
        return oo__rule_miss(run, number + i, "%s is %s", guard->text, t.sort == OO__SORT_BOOL && t.answer == OO_NO ? "false" : "unknown");
    }
    return true;
}

/* ---- choices ---- */
static bool match_from(oo__rule_run *run, uint32_t step);

typedef struct state {
    uint64_t bound;
    uint32_t attrs, nodes;
} state;

static state save(const oo__rule_run *run) { return (state){run->bound, run->bound_attrs, run->bound_nodes}; }

static bool restore(oo__rule_run *run, state s) {
    run->bound = s.bound;
    run->bound_attrs = s.attrs;
    run->bound_nodes = s.nodes;
    return false;
}

static bool try_orders(oo__rule_run *run, const oo__step *s, uint32_t step) {
    const state before = save(run);
    for (int swapped = 0; swapped < 2; swapped++) {
        run->swapped[s->node] = swapped;
        if (match_from(run, step + 1))
            return true;
        restore(run, before);
        if (run->nodes[s->node]->ninputs != 2)
            break;
    }
    return false;
}

/* The lengths of the lists; all but the last are chosen, the last takes what is left. */
static bool try_lengths(oo__rule_run *run, const oo__step *s, uint32_t step) {
    const oo__operator *const op = run->rule->nodes[s->node];
    uint32_t lists = 0;
    for (uint32_t i = 0; i < op->nargs; i++)
        lists += op->args[i]->kind == OO__AST_VALUES;
    const uint32_t fixed = op->nargs - lists, total = run->nodes[s->node]->ninputs;
    if (total < fixed || total > 4096)
        return false;
    const uint32_t rest = total - fixed;
    uint32_t *const length = run->lengths[s->node];
    const state before = save(run);
    for (uint32_t a = lists > 1 ? 0 : rest; a <= rest; a++) {
        for (uint32_t b = lists > 2 ? 0 : rest - a; b <= rest - a; b++) {
            length[0] = a;
            length[1] = b;
            length[2] = rest - a - b;
            if (match_from(run, step + 1))
                return true;
            restore(run, before);
        }
    }
    return false;
}

static bool try_users(oo__rule_run *run, const oo__step *s, uint32_t step) {
    enum { MOST = 256 };
    oo_value *const value = run->bound >> s->index & 1 ? run->values[s->index].value : NULL;
    const state before = save(run);
    uint32_t seen = 0;
    for (oo_use *use = value ? value->uses : NULL; use && seen < MOST; use = use->next, seen++) {
        if (match_node(run, s->node, use->user) && match_from(run, step + 1))
            return true;
        restore(run, before);
    }
    return false;
}

static bool step_listed(oo__rule_run *run, const oo__step *s) {
    const oo__operand *const list = &run->values[s->index];
    oo_node *const producer = list->count ? list->items[0].value->producer : NULL;
    return producer && match_node(run, s->child, producer);
}

static bool match_from(oo__rule_run *run, uint32_t step) {
    for (; step < run->rule->nsteps; step++) {
        if (!spend(run, 1))
            return false;
        const oo__step *const s = &run->rule->steps[step];
        bool ok = true;
        switch (s->kind) {
        case OO__STEP_PRODUCER: ok = step_producer(run, s); break;
        case OO__STEP_LISTED: ok = step_listed(run, s); break;
        case OO__STEP_USER: return try_users(run, s, step);
        case OO__STEP_ORDER: return try_orders(run, s, step);
        case OO__STEP_SPREAD: return try_lengths(run, s, step);
        case OO__STEP_ATTRS: ok = step_attrs(run, s, step); break;
        case OO__STEP_INPUT: ok = step_input(run, s, step); break;
        case OO__STEP_USES: ok = step_uses(run, step); break;
        case OO__STEP_GUARDS: ok = step_guards(run, step); break;
        }
        if (!ok)
            return false;
    }
    return true;
}

bool oo__rule_match(oo__rule_run *run, const oo__rule *rule, oo_node *root) {
    run->rule = rule;
    run->bound = 0;
    run->bound_attrs = run->bound_nodes = 0;
    run->budget = BUDGET;
    run->miss = NULL;
    run->miss_step = 0;
    return match_node(run, 0, root) && match_from(run, 0);
}
