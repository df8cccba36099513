#include "ir/node_types.h"

#include "ir/schema.h"

enum { MAX_CONSTRAINTS = 32 };

typedef struct matching {
    const oo_node *node;
    oo_arena *arena;
    oo_elem bound[MAX_CONSTRAINTS]; /* what each type variable stands for so far */
} matching;

static const char *value_problem(matching *m, const oo_value *value, const oo_schema_io *io, const char *what) {
    const oo_elem elem = value && io ? oo_type_elem(value->type) : OO_UNDEFINED;
    if (elem == OO_UNDEFINED)
        return NULL;
    const char *const op = m->node->op->name, *const type = oo__elem_name((int32_t)elem);
    if (!(io->types->elems[OO_FORM_TENSOR] >> elem & 1))
        return oo__arena_printf(m->arena, "%s does not take %s as %s \"%s\"", op, type, what, io->name);
    if (io->constraint < 0 || io->heterogeneous || io->constraint >= MAX_CONSTRAINTS)
        return NULL;
    oo_elem *const bound = &m->bound[io->constraint];
    if (*bound != OO_UNDEFINED && *bound != elem)
        return oo__arena_printf(m->arena, "%s does not take %s and %s together", op, oo__elem_name((int32_t)*bound), type);
    *bound = elem;
    return NULL;
}

static const char *inner_problem(const oo_node *node, oo_arena *arena) {
    for (uint32_t i = 0; i < node->nattrs; i++) {
        const uint32_t n = oo__attr_ngraphs(node->attrs[i]);
        for (uint32_t k = 0; k < n; k++) {
            for (const oo_node *inner = oo__attr_graph(node->attrs[i], k)->first; inner; inner = inner->next) {
                const char *const problem = oo__node_type_problem(inner, arena);
                if (problem)
                    return problem;
            }
        }
    }
    return NULL;
}

const char *oo__node_type_problem(const oo_node *node, oo_arena *arena) {
    const oo_schema *const schema = oo__schema_among(node->op->rows, oo_graph_opset(node->graph, node->op->domain), false);
    if (!schema || node->op->functions)
        return inner_problem(node, arena);
    matching m = {.node = node, .arena = arena};
    const char *problem = NULL;
    for (uint32_t i = 0; i < node->ninputs && !problem; i++)
        problem = value_problem(&m, node->inputs[i].value, oo__schema_input(schema, i), "input");
    for (uint32_t i = 0; i < node->noutputs && !problem; i++)
        problem = value_problem(&m, node->outputs[i], oo__schema_output(schema, i), "output");
    return problem ? problem : inner_problem(node, arena);
}
