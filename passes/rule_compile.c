/* Checks a rule as a whole and makes the matcher's program of it. */
#include "passes/rule_parse.h"

#include <limits.h>
#include <string.h>

/* ---- names that are nearly right ---- */
/* Levenshtein distance; names too long for the row are far from all. */
static unsigned distance(const char *a, const char *b) {
    enum { MAX = 64 };
    unsigned row[MAX + 1];
    const size_t n = strlen(b);
    if (strlen(a) > MAX || n > MAX)
        return UINT_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            const unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            const unsigned shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[n];
}

const char *oo__nearest(const char *name, const char *(*at)(const void *state, uint32_t i), const void *state) {
    const char *best = NULL;
    unsigned least = (unsigned)strlen(name) / 3 + 2;
    for (uint32_t i = 0; at(state, i); i++) {
        const char *const other = at(state, i);
        const unsigned d = *other ? distance(name, other) : UINT_MAX;
        if (d >= least)
            continue;
        least = d;
        best = other;
    }
    return best;
}

/* ---- checks ---- */
#define FAIL_AT(p, at, ...) oo__rule_fail((p), (at)->line, (at)->column, __VA_ARGS__)

static oo_status check_arity(oo__rule_parser *p, const oo__operator *op, uint32_t nresults) {
    if (!op->schema)
        return OO_OK;
    uint32_t fixed = 0;
    bool many = false;
    for (uint32_t i = 0; i < op->nargs; i++) {
        const bool list = op->args[i]->kind == OO__AST_VALUES;
        many |= list;
        fixed += !list;
    }
    if (fixed > op->schema->max_inputs)
        return FAIL_AT(p, op, "rule-operator", "%s has at most %u inputs, not %u", op->names[0], op->schema->max_inputs, fixed);
    if (!many && fixed < op->schema->min_inputs)
        return FAIL_AT(p, op, "rule-operator", "%s has at least %u inputs, not %u", op->names[0], op->schema->min_inputs, fixed);
    if (nresults > op->schema->max_outputs)
        return FAIL_AT(p, op, "rule-operator", "%s has at most %u results, not %u", op->names[0], op->schema->max_outputs, nresults);
    return OO_OK;
}

/* The matched node whose attributes an operator copies and which has the same alternatives, UINT32_MAX when there is none. */
static bool has_operator_of_left(const oo__rule *rule, const oo__operator *op) {
    for (uint32_t i = 0; i < op->nattrs; i++) {
        if (op->attrs[i].name)
            continue;
        const oo__operator *const from = rule->nodes[rule->slots[op->attrs[i].slot].node];
        bool same = from->nnames == op->nnames;
        for (uint32_t k = 0; same && k < op->nnames; k++)
            same = strcmp(from->names[k], op->names[k]) == 0;
        if (same)
            return true;
    }
    return false;
}

static oo_status check_required(oo__rule_parser *p, const oo__rule *rule, const oo__operator *op) {
    bool copies = false;
    for (uint32_t i = 0; i < op->nattrs; i++)
        copies |= !op->attrs[i].name;
    for (uint32_t k = 0; op->schema && !copies && k < op->schema->nattrs; k++) {
        const oo_schema_attr *const attr = &op->schema->attrs[k];
        bool given = !attr->required;
        for (uint32_t i = 0; i < op->nattrs && !given; i++)
            given = strcmp(op->attrs[i].name, attr->name) == 0;
        if (!given)
            return FAIL_AT(p, op, "rule-attribute", "%s needs the attribute %s", op->names[0], attr->name);
    }
    if (op->nnames > 1 && !has_operator_of_left(rule, op))
        return FAIL_AT(p, op, "rule-operator", "alternatives on the right side mean the operator that matched: copy its attributes by <..name>");
    return OO_OK;
}

static oo_status check_right_term(oo__rule_parser *p, oo__rule *rule, const oo__ast *ast, uint32_t nresults) {
    if (ast->kind == OO__AST_OPERATOR) {
        OO_TRY(check_arity(p, ast->op, nresults));
        OO_TRY(check_required(p, rule, ast->op));
        for (uint32_t i = 0; i < ast->op->nargs; i++)
            OO_TRY(check_right_term(p, rule, ast->op->args[i], 1));
        for (uint32_t i = 0; i < ast->op->nattrs; i++)
            if (ast->op->attrs[i].value)
                OO_TRY(check_right_term(p, rule, ast->op->attrs[i].value, 1));
    }
    if (ast->kind == OO__AST_VALUE && p->place == OO__RIGHT && rule->slots[ast->slot].left && rule->slots[ast->slot].is_result)
        return FAIL_AT(p, ast, "rule-name", "%s is replaced: what replaces it cannot use it", rule->slots[ast->slot].name);
    for (uint32_t i = 0; i < ast->nargs; i++)
        OO_TRY(check_right_term(p, rule, ast->args[i], 1));
    return OO_OK;
}

static oo_status check_left(oo__rule_parser *p, const oo__rule *rule) {
    for (uint32_t k = 0; k < rule->nnodes; k++) {
        const oo__operator *const op = rule->nodes[k];
        OO_TRY(check_arity(p, op, op->many ? 1 : op->nresults));
        uint32_t lists = 0;
        for (uint32_t i = 0; i < op->nargs; i++)
            lists += op->args[i]->kind == OO__AST_VALUES;
        if (lists > 3)
            return FAIL_AT(p, op, "rule-limit", "an operator has at most three lists among its inputs");
        for (uint32_t i = 0; i < op->nargs; i++)
            if (op->args[i]->kind == OO__AST_ANYTHING && lists)
                return FAIL_AT(p, op->args[i], "rule-operator", "_ and lists do not stand together");
    }
    for (uint32_t i = 0; i < rule->nslots; i++) {
        const oo__slot *const s = &rule->slots[i];
        if (s->left && s->node != UINT32_MAX && !s->uses && !s->is_result && *s->name && !s->used_right && !s->many)
            return FAIL_AT(p, s, "rule-name", "%s is neither replaced nor used", s->name);
    }
    return OO_OK;
}

static oo_status check_results(oo__rule_parser *p, const oo__rule *rule) {
    uint32_t results = 0;
    for (uint32_t i = 0; i < rule->nslots; i++) {
        const oo__slot *const s = &rule->slots[i];
        results += s->left && s->is_result;
        if (!s->left && !s->is_result && !s->used_right)
            return FAIL_AT(p, s, "rule-name", "%s is built but not used", s->name);
    }
    if (!results)
        return FAIL_AT(p, rule, "rule-name", "the right side replaces no result of the left side: assign one of its names");
    return OO_OK;
}

/* ---- constants ---- */
/* Whether a term of the right side is a constant in every model. */
static bool is_computed(const oo__rule *rule, const oo__ast *ast) {
    if (ast->kind == OO__AST_VALUE)
        return rule->slots[ast->slot].is_const;
    if (ast->kind == OO__AST_VALUES)
        return false;
    const uint32_t n = ast->kind == OO__AST_OPERATOR ? ast->op->nargs : 0;
    bool all = ast->kind != OO__AST_OPERATOR || n > 0;
    for (uint32_t i = 0; i < n && all; i++)
        all = is_computed(rule, ast->op->args[i]);
    return all;
}

static void find_constants(oo__rule *rule) {
    for (uint32_t i = 0; i < rule->nright; i++)
        for (uint32_t k = 0; k < rule->right[i].nslots; k++)
            if (rule->right[i].slots[k] != UINT32_MAX)
                rule->slots[rule->right[i].slots[k]].is_const = is_computed(rule, rule->right[i].value);
}

bool oo__rule_computes(const oo__rule *rule, const oo__ast *ast) { return is_computed(rule, ast); }

/* ---- the program ---- */
typedef struct compiler {
    oo__rule_parser *p;
    oo__rule *rule;
    bool placed[OO__RULE_NODES];
    bool bound[OO__RULE_SLOTS];
} compiler;

static void emit(compiler *c, oo__step_kind kind, uint32_t node, uint32_t index, uint32_t child) {
    oo__rule *const rule = c->rule;
    if (rule->nsteps < OO__RULE_STEPS)
        rule->steps[rule->nsteps] = (oo__step){kind, node, index, child};
    rule->nsteps++;
}

static bool has_lists(const oo__operator *op) {
    for (uint32_t i = 0; i < op->nargs; i++)
        if (op->args[i]->kind == OO__AST_VALUES)
            return true;
    return false;
}

/* The matched node that makes what stands in an argument, UINT32_MAX when it is an input of the pattern. */
static uint32_t producer_of(const oo__rule *rule, const oo__ast *arg) {
    if (arg->kind == OO__AST_OPERATOR)
        return arg->op->index;
    return arg->kind == OO__AST_VALUE ? rule->slots[arg->slot].node : UINT32_MAX;
}

static bool is_commutative(const oo__operator *op) {
    return op->schema && (op->schema->traits & OO_TRAIT_COMMUTATIVE) && op->nargs == 2;
}

/* Whether swapping two arguments gives the same pattern: new names without conditions. */
static bool is_plain(const compiler *c, const oo__ast *arg) {
    return arg->kind == OO__AST_VALUE && !arg->is_const && !arg->has_default && c->rule->slots[arg->slot].uses == 1 &&
           c->rule->slots[arg->slot].node == UINT32_MAX;
}

static void bind_names(compiler *c, const oo__operator *op) {
    for (uint32_t i = 0; i < op->nargs; i++)
        if (op->args[i]->kind == OO__AST_VALUE || op->args[i]->kind == OO__AST_VALUES)
            c->bound[op->args[i]->slot] = true;
    for (uint32_t i = 0; i < op->nresults; i++)
        if (op->results[i] != UINT32_MAX)
            c->bound[op->results[i]] = true;
}

/* Structure first, so that most attempts end before anything is looked at closely. */
static void place(compiler *c, uint32_t node) {
    const oo__operator *const op = c->rule->nodes[node];
    c->placed[node] = true;
    bind_names(c, op);
    if (has_lists(op))
        emit(c, OO__STEP_SPREAD, node, 0, 0);
    else if (is_commutative(op) && !(is_plain(c, op->args[0]) && is_plain(c, op->args[1])))
        emit(c, OO__STEP_ORDER, node, 0, 0);
    for (uint32_t i = 0; i < op->nargs; i++) {
        const uint32_t child = producer_of(c->rule, op->args[i]);
        if (child == UINT32_MAX)
            continue;
        const bool again = c->placed[child];
        emit(c, OO__STEP_PRODUCER, node, i, child);
        if (!again)
            place(c, child);
    }
}

/* A name that is an input of the pattern is bound early when a search starts from it. */
static void bind_early(compiler *c, uint32_t slot) {
    for (uint32_t k = 0; k < c->rule->nnodes && c->rule->slots[slot].node == UINT32_MAX; k++) {
        const oo__operator *const op = c->rule->nodes[k];
        for (uint32_t i = 0; i < op->nargs && c->placed[k]; i++) {
            const bool names = op->args[i]->kind == OO__AST_VALUE || op->args[i]->kind == OO__AST_VALUES;
            if (!names || op->args[i]->slot != slot)
                continue;
            emit(c, OO__STEP_INPUT, k, i, 0);
            return;
        }
    }
}

/* The same for a list that is all results of a node. */
static void bind_list_early(compiler *c, uint32_t slot) {
    for (uint32_t k = 0; k < c->rule->nnodes; k++) {
        const oo__operator *const op = c->rule->nodes[k];
        for (uint32_t i = 0; i < op->nargs && c->placed[k]; i++) {
            if (op->args[i]->kind != OO__AST_VALUES || op->args[i]->slot != slot)
                continue;
            emit(c, OO__STEP_INPUT, k, i, 0);
            return;
        }
    }
}

/* A node that no matched node uses is looked for among the users of a value that is known by then. */
static bool place_user(compiler *c) {
    for (uint32_t k = 0; k < c->rule->nnodes; k++) {
        const oo__operator *const op = c->rule->nodes[k];
        if (!c->placed[k] && op->many && c->bound[op->results[0]]) {
            bind_list_early(c, op->results[0]);
            emit(c, OO__STEP_LISTED, k, op->results[0], k);
            place(c, k);
            return true;
        }
        for (uint32_t i = 0; i < op->nargs && !c->placed[k]; i++) {
            if (op->args[i]->kind != OO__AST_VALUE || !c->bound[op->args[i]->slot])
                continue;
            bind_early(c, op->args[i]->slot);
            emit(c, OO__STEP_USER, k, op->args[i]->slot, 0);
            place(c, k);
            return true;
        }
    }
    return false;
}

static void emit_leaves(compiler *c) {
    for (uint32_t k = 0; k < c->rule->nnodes; k++) {
        const oo__operator *const op = c->rule->nodes[k];
        emit(c, OO__STEP_ATTRS, k, 0, 0);
        for (uint32_t i = 0; i < op->nargs; i++)
            if (producer_of(c->rule, op->args[i]) == UINT32_MAX)
                emit(c, OO__STEP_INPUT, k, i, 0);
    }
    emit(c, OO__STEP_USES, 0, 0, 0);
    emit(c, OO__STEP_GUARDS, 0, 0, 0);
}

static bool makes_result(const oo__rule *rule, const oo__operator *op) {
    for (uint32_t i = 0; i < op->nresults; i++)
        if (op->results[i] != UINT32_MAX && rule->slots[op->results[i]].is_result)
            return true;
    return false;
}

static bool is_used(const oo__rule *rule, uint32_t node) {
    for (uint32_t i = 0; i < rule->nslots; i++)
        if (rule->slots[i].left && rule->slots[i].node == node && rule->slots[i].uses)
            return true;
    return false;
}

/* The node where matching starts: of those that no other one uses, the first that makes a result. */
static uint32_t root_of(const oo__rule *rule) {
    for (uint32_t k = 0; k < rule->nnodes; k++)
        if (!is_used(rule, k) && makes_result(rule, rule->nodes[k]))
            return k;
    return UINT32_MAX;
}

/* nodes[0] becomes the root; the numbers in operators and slots follow. */
static void put_first(oo__rule *rule, uint32_t root) {
    const oo__operator *const other = rule->nodes[0];
    rule->nodes[0] = rule->nodes[root];
    rule->nodes[root] = other;
    for (uint32_t i = 0; i < rule->nslots; i++) {
        uint32_t *const node = &rule->slots[i].node;
        if (rule->slots[i].left && (*node == 0 || *node == root))
            *node = *node ? 0 : root;
    }
    for (uint32_t k = 0; k < rule->nnodes; k++)
        ((oo__operator *)(uintptr_t)rule->nodes[k])->index = k;
}

static uint32_t depth_of(const oo__rule *rule, uint32_t node, uint32_t left) {
    uint32_t deepest = 0;
    const oo__operator *const op = rule->nodes[node];
    for (uint32_t i = 0; left && i < op->nargs; i++) {
        const uint32_t child = producer_of(rule, op->args[i]);
        const uint32_t depth = child == UINT32_MAX ? 0 : depth_of(rule, child, left - 1);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void summarize(oo__rule *rule) {
    const oo__operator *const root = rule->nodes[0];
    for (uint32_t i = 0; i < root->nargs; i++) {
        const uint32_t child = producer_of(rule, root->args[i]);
        if (child != UINT32_MAX && rule->nodes[child]->nnames == 1)
            rule->needs |= oo__op_bit(rule->nodes[child]->names[0]);
    }
    int64_t removed = 0;
    for (uint32_t k = 0; k < rule->nnodes; k++) {
        const uint32_t depth = depth_of(rule, k, 12);
        rule->depth = depth > rule->depth ? depth : rule->depth;
        removed += !rule->nodes[k]->shared;
    }
    if (rule->benefit == INT64_MIN)
        rule->benefit = removed;
}

oo_status oo__rule_compile(oo__rule_parser *p, oo__rule *rule) {
    OO_TRY(check_results(p, rule));
    OO_TRY(check_left(p, rule));
    p->place = OO__WHERE;
    for (uint32_t i = 0; i < rule->nguards; i++)
        OO_TRY(check_right_term(p, rule, rule->guards[i], 1));
    p->place = OO__RIGHT;
    for (uint32_t i = 0; i < rule->nright; i++)
        OO_TRY(check_right_term(p, rule, rule->right[i].value, rule->right[i].nslots));
    const uint32_t root = root_of(rule);
    if (root == UINT32_MAX)
        return FAIL_AT(p, rule, "rule-name", "every result that is replaced is used by another operator of the left side");
    put_first(rule, root);
    compiler c = {.p = p, .rule = rule};
    place(&c, 0);
    while (place_user(&c)) {
    }
    for (uint32_t k = 0; k < rule->nnodes; k++)
        if (!c.placed[k])
            return FAIL_AT(p, rule->nodes[k], "rule-operator", "%s is not connected with the rest of the left side", rule->nodes[k]->names[0]);
    emit_leaves(&c);
    find_constants(rule);
    if (rule->nsteps > OO__RULE_STEPS)
        return FAIL_AT(p, rule, "rule-limit", "the left side is too large");
    summarize(rule);
    return OO_OK;
}
