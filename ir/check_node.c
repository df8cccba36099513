/* Checks of one node against its operator: existence, numbers of inputs and outputs, calls of local functions. */
#include "ir/check_run.h"

#include <string.h>

/* Operators that were withdrawn before any version of ONNX held them; old models have them, and ONNX's checker lets them pass. */
static const char *const withdrawn[] = {"ATen",     "Affine",          "ConstantFill", "Crop",               "DynamicSlice", "GRUUnit",
                                        "GivenTensorFill", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh"};

static bool is_withdrawn(const oo_node *node) {
    if (*node->op->domain)
        return false;
    for (size_t i = 0; i < sizeof withdrawn / sizeof *withdrawn; i++)
        if (strcmp(withdrawn[i], node->op->name) == 0)
            return true;
    return false;
}

/* ---- operator ---- */
static bool imports(const oo_opsets *opsets, const char *domain) {
    for (uint32_t i = 0; i < opsets->n; i++)
        if (strcmp(opsets->data[i].domain ? opsets->data[i].domain : "", domain) == 0)
            return true;
    return false;
}

/* A node's domain must be imported as it is spelled; only "" also finds "ai.onnx". Before IR version 3 there are no imports. */
static bool has_domain(const oo__check_run *c, const oo_node *node) {
    const oo_function *const f = oo__check_function_around(node->graph);
    const oo_opsets *const opsets = f ? &f->opsets : &c->model->opsets;
    const char *const domain = node->domain ? node->domain : "";
    if (!f && !opsets->n)
        return !*domain || c->model->ir_version >= 3; /* the missing import is told of the model */
    return imports(opsets, domain) || (!*domain && imports(opsets, "ai.onnx"));
}

/* The first version of the operator, 0 when there is none. */
static int64_t first_version(const oo_node *node) {
    const int latest = oo__schema_latest_opset(node->op->domain);
    for (int64_t v = 1; v <= latest; v++)
        if (oo__schema_find(node->op->domain, node->op->name, v))
            return v;
    return 0;
}

static void check_unknown(oo__check_run *c) {
    const oo_node *const node = c->node;
    if (oo__check_callee(c, node))
        return;
    if (!oo__is_own_domain(node->op->domain)) {
        oo__tell(c, DEFECT_OPERATOR_ODD, NULL, "the operator is of the domain \"%s\", which is not ONNX's: nothing is known of it",
                 oo__shown(node->op->domain));
        return;
    }
    const long long opset = (long long)oo_graph_opset(node->graph, node->op->domain);
    const int64_t first = first_version(node);
    if (first > opset)
        oo__tell(c, DEFECT_OPERATOR, NULL, "the operator came with version %lld of its operator set, the model imports %lld", (long long)first, opset);
    else
        oo__tell(c, DEFECT_OPERATOR, NULL, "the operator set \"%s\" has no such operator%s", *node->op->domain ? node->op->domain : "ai.onnx",
                 node->op->functions ? "; local functions are not looked up in ONNX's own domains" : "");
}

void oo__check_operator(oo__check_run *c) {
    const oo_node *const node = c->node;
    if (!*node->op->name)
        return; /* told by the reader */
    if (!node->ninputs && !node->noutputs)
        oo__tell(c, DEFECT_NODE_EMPTY, NULL, "the node has neither inputs nor outputs");
    if (!has_domain(c, node))
        oo__tell(c, DEFECT_DOMAIN, NULL, "the operator's domain \"%s\" is not imported%s", node->domain ? oo__shown(node->domain) : "",
                 oo__check_function_around(node->graph) ? " by the function" : "");
    else if (is_withdrawn(node) && !c->schema)
        oo__tell(c, DEFECT_OPERATOR_ODD, NULL, "the operator was withdrawn before any version of ONNX held it");
    else if (!c->schema)
        check_unknown(c);
    else if (c->schema->traits & OO_TRAIT_DEPRECATED)
        oo__tell(c, DEFECT_OPERATOR, NULL, "the operator is gone since version %lld of its operator set", (long long)c->schema->since);
    if (node->extra)
        oo__check_props(c, DEFECT_METADATA_TWICE, &node->extra->metadata, NULL, "the node");
}

/* ---- arity ---- */
/* Numbers of outputs that are allowed where a range does not say it: a set of bits. */
static const struct {
    const char *name;
    int64_t first, last; /* versions */
    uint32_t allowed;
} output_counts[] = {{"BatchNormalization", 1, 13, 1u << 1 | 1u << 5}, {"BatchNormalization", 14, INT64_MAX, 1u << 1 | 1u << 3}};

static bool is_allowed(const oo_schema *schema, uint32_t noutputs) {
    for (size_t i = 0; i < sizeof output_counts / sizeof *output_counts; i++)
        if (schema->domain == OO_DOMAIN_ONNX && strcmp(output_counts[i].name, schema->name) == 0 && schema->since >= output_counts[i].first &&
            schema->since <= output_counts[i].last)
            return noutputs < 32 && output_counts[i].allowed >> noutputs & 1;
    return true;
}

static void check_count(oo__check_run *c, const char *what, uint32_t n, uint32_t min, uint32_t max) {
    if (n >= min && n <= max)
        return;
    const char *const most = max == UINT32_MAX ? " or more" : max != min ? oo__arena_printf(c->arena, " to %u", max) : "";
    oo__tell(c, DEFECT_ARITY, NULL, "the node has %u %s%s, the operator takes %u%s", n, what, n == 1 ? "" : "s", min, most);
}

static bool may_be_omitted(const oo_schema_io *io) { return io->optional || io->variadic; }

void oo__check_arity(oo__check_run *c) {
    const oo_node *const node = c->node;
    const oo_schema *const s = c->schema;
    if (!s || s->traits & OO_TRAIT_DEPRECATED)
        return;
    check_count(c, "input", node->ninputs, s->min_inputs, s->max_inputs);
    check_count(c, "output", node->noutputs, s->min_outputs, s->max_outputs);
    if (node->noutputs >= s->min_outputs && node->noutputs <= s->max_outputs && !is_allowed(s, node->noutputs))
        oo__tell(c, DEFECT_ARITY, NULL, "the node has %u outputs, which the operator does not allow", node->noutputs);
    for (uint32_t i = 0; i < node->ninputs && i < s->ninputs; i++)
        if (!node->inputs[i].value && !may_be_omitted(&s->inputs[i]))
            oo__tell(c, DEFECT_ARITY, NULL, "input %u (%s) is omitted, the operator requires it", i, s->inputs[i].name);
    for (uint32_t i = 0; i < node->ninputs; i++) {
        const oo_schema_io *const io = oo__schema_input(s, i);
        if (!node->inputs[i].value && io && io->variadic)
            oo__tell(c, DEFECT_ARITY, NULL, "input %u is omitted: of the variadic %s none may be", i, io->name);
    }
    for (uint32_t i = 0; i < node->noutputs && i < s->noutputs; i++)
        if (!node->outputs[i] && !may_be_omitted(&s->outputs[i]))
            oo__tell(c, DEFECT_ARITY, NULL, "output %u (%s) is omitted, the operator requires it", i, s->outputs[i].name);
}

/* ---- calls ---- */
void oo__check_call(oo__check_run *c) {
    const oo_node *const node = c->node;
    const oo_graph *const body = oo__check_callee(c, node);
    if (!body)
        return;
    if (node->ninputs > body->inputs.n)
        oo__tell(c, DEFECT_CALL, NULL, "the call has %u inputs, the function takes %u", node->ninputs, body->inputs.n);
    if (node->noutputs > body->outputs.n)
        oo__tell(c, DEFECT_CALL, NULL, "the call has %u outputs, the function gives %u", node->noutputs, body->outputs.n);
    for (uint32_t i = 0; i < node->nattrs; i++)
        if (node->attrs[i]->name && !oo__check_declares(body->function, node->attrs[i]->name))
            oo__tell(c, DEFECT_ATTRIBUTE_ODD, NULL, "the function has no attribute \"%s\": it is ignored", oo__shown(node->attrs[i]->name));
    for (uint32_t i = 0; i < body->function->attributes.n; i++)
        if (!oo_node_attr(node, body->function->attributes.data[i]))
            oo__tell(c, DEFECT_ATTRIBUTE_ODD, NULL, "the function's attribute \"%s\" is not given and has no default",
                     oo__shown(body->function->attributes.data[i]));
}
