/* The command that proves rules. */
#include "cli/cli.h"
#include "passes/rule_base.h"
#include "passes/rule_prove.h"

#include <stdlib.h>
#include <string.h>

/* Whether the rule was named, itself or by its group; without names all are, or those of files where files are given. */
static bool is_wanted(const oo_settings *s, const oo__rule *rule) {
    if (s->prove.words.n < 2)
        return (!s->rule_files.n && !s->loads.n) || rule->rank > 0;
    for (uint32_t i = 1; i < s->prove.words.n; i++)
        if (strcmp(s->prove.words.data[i], rule->name) == 0 || strcmp(s->prove.words.data[i], rule->group) == 0)
            return true;
    return false;
}

/* A rule over operators that ONNX does not define cannot be run. */
static const char *foreign_operator(const oo__ast *ast) {
    if (ast->kind == OO__AST_OPERATOR && !ast->op->schema)
        return ast->op->names[0];
    for (uint32_t i = 0; ast->kind == OO__AST_OPERATOR && i < ast->op->nargs; i++)
        if (foreign_operator(ast->op->args[i]))
            return foreign_operator(ast->op->args[i]);
    return NULL;
}

static const char *foreign_in(const oo__rule *rule) {
    for (uint32_t k = 0; k < rule->nnodes; k++)
        if (!rule->nodes[k]->schema)
            return rule->nodes[k]->names[0];
    for (uint32_t i = 0; i < rule->nright; i++)
        if (foreign_operator(rule->right[i].value))
            return foreign_operator(rule->right[i].value);
    return NULL;
}

/* False when the rule fails. */
static bool prove(const oo_settings *s, const oo__rule *rule) {
    const char *const foreign = foreign_in(rule);
    char name[128];
    if (rule->form)
        snprintf(name, sizeof name, "%s, form %u", rule->name, rule->form);
    else
        snprintf(name, sizeof name, "%s", rule->name);
    if (foreign) {
        printf("%-32s not proved: %s is none of ONNX's operators\n", name, foreign);
        return true;
    }
    oo__proof proof;
    const double start = oo__now();
    oo__rule_prove(&proof, rule, (uint64_t)s->prove.seed, (uint32_t)s->prove.instances);
    const bool enough = proof.fired >= (uint64_t)s->prove.instances;
    printf("%-32s %s %u fired, %u ran, %u tried, %.0f ms\n", name, proof.failed ? "WRONG  " : enough ? "ok     " : "TOO FEW", proof.fired,
           proof.built, proof.tried, (oo__now() - start) * 1e3);
    if (proof.failed)
        printf("  %s\n%s\n", proof.why, proof.reproducer ? proof.reproducer : "");
    free(proof.reproducer);
    (void)fflush(stdout);
    return enough && !proof.failed;
}

oo_exit oo__cmd_passes(const oo_settings *s, oo_context *context, oo_rulebase *base) {
    const oo__rules *const rules = oo__rulebase_all(base);
    for (uint32_t i = 1; i < s->prove.words.n; i++) {
        if (oo__rulebase_has(base, s->prove.words.data[i]))
            continue;
        const char *const near = oo__rulebase_suggest(base, s->prove.words.data[i]);
        oo__usage_error(context, "there is no rule or group \"%s\"%s%s%s", s->prove.words.data[i], near ? "; did you mean " : "", near ? near : "",
                        near ? "?" : "");
        return OO_EXIT_USAGE;
    }
    uint32_t total = 0, wrong = 0;
    for (uint32_t i = 0; i < rules->n; i++) {
        if (!is_wanted(s, rules->data[i]))
            continue;
        bool holds = true;
        do
            holds &= prove(s, rules->data[i]);
        while (i + 1 < rules->n && rules->data[i + 1]->form > 1 && ++i); /* the other forms of the rule */
        total++;
        wrong += !holds;
    }
    const uint32_t good = total - wrong;
    printf("%u of %u rules hold\n", good, total);
    return good == total ? OO_EXIT_DONE : OO_EXIT_CHECK;
}
