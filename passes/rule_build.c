/* Builds the right side of a matched rule, checks it, and puts its results in the place of the old ones. Whatever fails on the way, the
 * whole rewrite is taken back. */
#include "passes/raise_opset.h"
#include "passes/rule_run.h"

#include "eval/eval.h"
#include "ir/disputed.h"
#include "ir/growth.h"

#include <stdio.h>
#include <string.h>

enum {
    MOST_ARGS = 4096,
    FAR = 10000, /* nodes to look at when two places are compared */
    STEP_BUILD = OO__RULE_STEPS + OO__RULE_STEPS
};

typedef struct builder {
    oo__rule_run *run;
    oo_node *before;                  /* where new nodes go */
    oo_node *made[64];
    uint32_t nmade;
} builder;

static bool fail(builder *b, const char *format, const char *a, const char *c) {
    char text[300];
    snprintf(text, sizeof text, format, a ? a : "", c ? c : "");
    return oo__rule_miss(b->run, STEP_BUILD, "%s", text);
}

/* ---- attributes of a call ---- */
const char *oo__call_name(oo__rule_run *run, const oo__operator *op) {
    for (uint32_t i = 0; op->nnames > 1 && i < op->nattrs; i++)
        if (!op->attrs[i].name)
            return run->nodes[run->rule->slots[op->attrs[i].slot].node]->op->name;
    return op->names[0];
}

static bool put_attr(oo__set_attr *out, uint32_t room, uint32_t *count, oo__set_attr attr) {
    uint32_t i = 0;
    while (i < *count && strcmp(out[i].name, attr.name) != 0)
        i++;
    if (i == room)
        return false;
    out[i] = attr;
    *count += i == *count;
    return true;
}

static bool copy_attrs(oo__rule_run *run, const oo_node *from, oo__set_attr *out, uint32_t room, uint32_t *count) {
    for (uint32_t i = 0; i < from->nattrs; i++) {
        const oo_attr *const attr = from->attrs[i];
        const char *const name = oo_attr_name(attr);
        if (!*from->op->domain && oo__form_of_attr(from->op->name, name))
            continue; /* an input in the newest version: the call says it itself */
        if (oo__attr_ngraphs(attr) || !put_attr(out, room, count, (oo__set_attr){.name = name, .copy = attr}))
            return oo__rule_miss(run, STEP_BUILD, "attribute %s cannot be copied", name);
    }
    return true;
}

bool oo__call_attrs(oo__rule_run *run, const oo__operator *op, oo__set_attr *out, uint32_t room, uint32_t *count) {
    *count = 0;
    for (uint32_t i = 0; i < op->nattrs; i++) {
        const oo__rule_attr *const attr = &op->attrs[i];
        if (!attr->name) {
            if (!copy_attrs(run, run->nodes[run->rule->slots[attr->slot].node], out, room, count))
                return false;
            continue;
        }
        oo__set_attr set = {.name = attr->name, .value = oo__eval(run, attr->value)};
        double real;
        if (attr->schema && attr->schema->type == OO_ATTR_FLOAT && oo__real_of(&set.value, &real))
            set.value = oo__term_float(real);
        if (set.value.sort == OO__SORT_ANY || !put_attr(out, room, count, set))
            return oo__rule_miss(run, STEP_BUILD, "%s = %s is unknown", attr->name, attr->value->text ? attr->value->text : "");
    }
    return true;
}

static bool set_attr(oo_rewriter *rw, oo__rule_run *run, oo_node *node, const oo__set_attr *set) {
    const oo__term *const t = &set->value;
    uint32_t count;
    switch (t->sort) {
    case OO__SORT_INT:
    case OO__SORT_TYPE:
        if (!t->expr)
            oo_set_int(rw, node, set->name, t->number);
        return !t->expr;
    case OO__SORT_FLOAT: oo_set_float(rw, node, set->name, (float)t->real); return true;
    case OO__SORT_STRING: oo_set_string(rw, node, set->name, t->string); return true;
    case OO__SORT_INTS: {
        const int64_t *const ints = oo__ints_of(run, t, &count);
        if (ints)
            oo_set_ints(rw, node, set->name, ints, count);
        return ints != NULL;
    }
    default: return false;
    }
}

/* ---- what an operator may take ---- */
static uint32_t types_of(const oo_schema_io *io) { return io ? io->types->elems[OO_FORM_TENSOR] : UINT32_MAX; }

/* Whether some operator that is there already has the value where only some of these types may stand. */
static bool is_used_within(const oo_value *value, uint32_t types) {
    uint32_t seen = 0;
    for (const oo_use *use = value->uses; use && seen < 16; use = use->next, seen++) {
        const oo_op *const op = use->user->op;
        const oo_schema *const schema = op->functions ? NULL : oo__schema_find(op->domain, op->name, oo_graph_opset(use->user->graph, op->domain));
        const oo_schema_io *const io = schema && !(schema->traits & OO_TRAIT_DEPRECATED) ? oo__schema_input(schema, use->index) : NULL;
        if (io && !(types_of(io) & ~types))
            return true;
    }
    return false;
}

/* What a sequence or an optional holds, and how; OO_FORM_COUNT for everything else. */
static oo_type_form container_form(const oo_type *type, oo_elem *elem) {
    if (!type || (type->kind != OO_TYPE_SEQUENCE && type->kind != OO_TYPE_OPTIONAL) || !type->inner)
        return OO_FORM_COUNT;
    const oo_type *const inner = type->inner;
    *elem = oo_type_elem(inner->kind == OO_TYPE_SEQUENCE ? inner->inner : inner);
    if (inner->kind == OO_TYPE_TENSOR)
        return type->kind == OO_TYPE_SEQUENCE ? OO_FORM_SEQ : OO_FORM_OPTIONAL;
    return type->kind == OO_TYPE_OPTIONAL && inner->kind == OO_TYPE_SEQUENCE ? OO_FORM_OPTIONAL_SEQ : OO_FORM_COUNT;
}

static bool type_is_legal(const oo_value *value, const oo_schema_io *io) {
    const uint32_t types = types_of(io);
    oo_elem elem = OO_UNDEFINED;
    const oo_type_form form = container_form(value->type, &elem);
    if (form != OO_FORM_COUNT)
        return elem != OO_UNDEFINED && (io->types->elems[form] >> elem & 1);
    elem = oo_type_elem(value->type);
    if (elem != OO_UNDEFINED)
        return types >> elem & 1;
    return is_used_within(value, types);
}

/* The element type that a number or list has as this input. */
static oo_elem type_for(const oo_schema *schema, const oo__operand *args, uint32_t nargs, uint32_t index) {
    const oo_schema_io *const io = schema ? oo__schema_input(schema, index) : NULL;
    for (uint32_t i = 0; !schema && i < nargs; i++)
        if (!args[i].listed && oo__operand_elem(&args[i]) != OO_UNDEFINED)
            return args[index].listed ? OO_UNDEFINED : oo__operand_elem(&args[i]); /* nothing is known of the operator */
    for (uint32_t i = 0; io && i < nargs; i++) {
        const oo_schema_io *const other = oo__schema_input(schema, i);
        if (i != index && other && io->constraint >= 0 && other->constraint == io->constraint && !args[i].listed &&
            oo__operand_elem(&args[i]) != OO_UNDEFINED)
            return oo__operand_elem(&args[i]);
    }
    const uint32_t types = types_of(io);
    for (int e = 1; io && e < OO_ELEM_COUNT; e++)
        if (types == 1u << e)
            return (oo_elem)e;
    return OO_UNDEFINED;
}

/* ---- operands to values ---- */
/* The operand as a value of the graph; *out NULL for an omitted input. */
static bool materialize(builder *b, oo_value **out, oo__operand *o, oo_elem elem) {
    oo__rule_run *const run = b->run;
    *out = NULL;
    if (o->kind == OO__ABSENT || (o->kind == OO__LITERAL && o->omitted))
        return true;
    if (o->kind == OO__GRAPH_VALUE) {
        *out = o->value;
        return o->value != NULL;
    }
    const char *why = "";
    const oo_elem own = oo__operand_elem(o);
    const bool follows = own == OO_UNDEFINED || (o->listed && elem != OO_UNDEFINED);
    oo_tensor *const tensor = oo__constant_tensor(run, o, follows ? elem : own, &why);
    if (!tensor)
        return fail(b, "%s", why, NULL);
    if (!oo__can_build_const(run->graph, oo_tensor_elem(tensor)))
        return fail(b, "%s", "a Constant of its type is not legal at this opset", NULL);
    *out = oo_build_const(run->rw, run->graph, tensor, o->stem);
    *o = (oo__operand){.kind = OO__GRAPH_VALUE, .value = *out};
    return true;
}

static bool build_term(builder *b, oo__operand *out, const oo__ast *ast);

/* The arguments of a call, lists spread out. */
static bool gather(builder *b, const oo__operator *op, oo__operand **out, uint32_t *count) {
    oo_vec(oo__operand) args = {0};
    for (uint32_t i = 0; i < op->nargs; i++) {
        oo__operand one;
        if (!build_term(b, &one, op->args[i]))
            return false;
        if (one.kind != OO__MANY) {
            oo_vec_push(b->run->arena, &args, one);
            continue;
        }
        for (uint32_t k = 0; k < one.count && args.n < MOST_ARGS; k++)
            oo_vec_push(b->run->arena, &args, one.items[k]);
    }
    while (args.n && (args.data[args.n - 1].kind == OO__ABSENT))
        args.n--;
    *out = args.data;
    *count = args.n;
    return true;
}

/* ---- a call at the graph's opset ---- */
typedef struct call {
    const oo__operator *op;
    const char *name;
    const oo_schema *schema, *newest; /* NULL for other domains */
    oo__operand *args;
    uint32_t nargs;
    oo__set_attr attrs[32];
    uint32_t nattrs;
    oo_value *inputs[MOST_ARGS];
    uint32_t ninputs;
} call;

static bool is_omitted(const oo__operand *o) { return o->kind == OO__ABSENT || (o->kind == OO__LITERAL && o->omitted); }

/* An input that was an attribute at this opset. */
static bool input_to_attr(builder *b, call *c, uint32_t index) {
    oo__rule_run *const run = b->run;
    oo__operand *const o = &c->args[index];
    if (is_omitted(o))
        return true;
    const oo__form *const form = *c->op->domain ? NULL : oo__form_of_input(c->name, index);
    if (!form || !oo__schema_attr(c->schema, form->attr))
        return fail(b, "%s has no such input at this opset", c->name, NULL);
    oo__set_attr set = {.name = form->attr};
    if (form->type == OO_ATTR_FLOAT) {
        oo_array *const array = oo__operand_is_const(o) ? oo__constant_array(run->constants, o) : NULL;
        if (array && array->count == 1)
            set.value = oo__term_float(oo__array_double(array, 0));
    } else if (form->type == OO_ATTR_INTS || form->type == OO_ATTR_INT) {
        set.value = oo__operand_ints(run, o);
        uint32_t count;
        if (!oo__ints_of(run, &set.value, &count) || (form->type == OO_ATTR_INT && count != 1))
            set.value = oo__unknown();
        else if (form->type == OO_ATTR_INT)
            set.value = set.value.items[0];
    }
    if (set.value.sort == OO__SORT_ANY)
        return fail(b, "%s has %s as an attribute at this opset, and it is not constant", c->name, form->attr);
    return put_attr(c->attrs, 32, &c->nattrs, set) || fail(b, "%s has too many attributes", c->name, NULL);
}

static bool make_inputs(builder *b, call *c) {
    c->ninputs = 0;
    for (uint32_t i = 0; i < c->nargs; i++) {
        if (c->schema && i >= c->schema->max_inputs) {
            if (!input_to_attr(b, c, i))
                return false;
            continue;
        }
        if (i >= MOST_ARGS || !materialize(b, &c->inputs[i], &c->args[i], type_for(c->schema, c->args, c->nargs, i)))
            return false;
        c->ninputs = i + 1;
    }
    while (c->ninputs && !c->inputs[c->ninputs - 1])
        c->ninputs--;
    return true;
}

static bool check_inputs(builder *b, const call *c) {
    if (!c->schema)
        return true;
    if (c->ninputs < c->schema->min_inputs)
        return fail(b, "%s needs more inputs at this opset", c->name, NULL);
    oo_elem seen[16] = {OO_UNDEFINED};
    for (uint32_t i = 0; i < c->ninputs; i++) {
        const oo_schema_io *const io = oo__schema_input(c->schema, i);
        if (!c->inputs[i]) {
            if (io && !io->optional)
                return fail(b, "%s needs an input that is omitted", c->name, NULL);
            continue;
        }
        if (!io || !type_is_legal(c->inputs[i], io))
            return fail(b, "%s does not take the type of \"%s\" at this opset, or it is unknown", c->name, oo_value_name(c->inputs[i]));
        const oo_elem elem = oo_type_elem(c->inputs[i]->type);
        if (io->constraint < 0 || io->constraint >= 16 || io->heterogeneous || elem == OO_UNDEFINED)
            continue;
        if (seen[io->constraint] != OO_UNDEFINED && seen[io->constraint] != elem)
            return fail(b, "%s has inputs of different types", c->name, NULL);
        seen[io->constraint] = elem;
    }
    return true;
}

static bool equals_default(oo__rule_run *run, const oo_schema_attr *a, const oo__set_attr *set) {
    const oo__term own = set->copy ? oo__term_of_attr(run, set->copy) : set->value;
    double real;
    int64_t whole;
    if (!a || !a->has_default)
        return false;
    if (a->type == OO_ATTR_INT)
        return oo__int_of(&own, &whole) && whole == a->i;
    if (a->type == OO_ATTR_FLOAT)
        return oo__real_of(&own, &real) && (float)real == a->f;
    return a->type == OO_ATTR_STRING && own.sort == OO__SORT_STRING && strcmp(own.string, a->s) == 0;
}

/* An attribute that is not said has the newest version's default, which may not be that of the graph's. */
static bool keep_defaults(builder *b, call *c, oo_node *node) {
    for (uint32_t i = 0; c->schema != c->newest && i < c->newest->nattrs; i++) {
        const oo_schema_attr *const a = &c->newest->attrs[i], *const own = oo__schema_attr(c->schema, a->name);
        if (oo_node_attr(node, a->name) || !a->has_default || !own)
            continue;
        const bool same = own->has_default && own->type == a->type &&
                          (a->type == OO_ATTR_INT     ? own->i == a->i
                           : a->type == OO_ATTR_FLOAT ? own->f == a->f
                                                      : a->type == OO_ATTR_STRING && strcmp(own->s, a->s) == 0);
        if (same)
            continue;
        if (a->type == OO_ATTR_INT)
            oo_set_int(b->run->rw, node, a->name, a->i);
        else if (a->type == OO_ATTR_FLOAT)
            oo_set_float(b->run->rw, node, a->name, a->f);
        else if (a->type == OO_ATTR_STRING)
            oo_set_string(b->run->rw, node, a->name, a->s);
        else
            return fail(b, "%s has another default of %s at this opset", c->name, a->name);
    }
    return true;
}

/* Attributes that the graph's version has not are left out where they say what it does anyway. */
static bool set_attrs(builder *b, call *c, oo_node *node) {
    oo_rewriter *const rw = b->run->rw;
    for (uint32_t i = 0; i < c->op->nattrs; i++)
        if (!c->op->attrs[i].name)
            oo_copy_attrs(rw, node, b->run->nodes[b->run->rule->slots[c->op->attrs[i].slot].node]);
    for (uint32_t i = node->nattrs; i-- > 0;) {
        const char *const name = oo_attr_name(node->attrs[i]);
        bool wanted = false;
        for (uint32_t k = 0; k < c->nattrs; k++)
            wanted |= strcmp(c->attrs[k].name, name) == 0;
        if (!wanted)
            oo_remove_attr(rw, node, name);
    }
    for (uint32_t i = 0; i < c->nattrs; i++) {
        const oo__set_attr *const set = &c->attrs[i];
        if (c->schema && !set->copy && equals_default(b->run, oo__schema_attr(c->schema, set->name), set)) {
            if (oo_node_attr(node, set->name))
                oo_remove_attr(rw, node, set->name); /* a copied one */
            continue;
        }
        if (c->schema && !oo__schema_attr(c->schema, set->name)) {
            if (!equals_default(b->run, oo__schema_attr(c->newest, set->name), set))
                return fail(b, "%s has no attribute %s at this opset", c->name, set->name);
            if (set->copy)
                oo_remove_attr(rw, node, set->name);
            continue;
        }
        if (!set->copy && !set_attr(rw, b->run, node, set))
            return fail(b, "attribute %s of %s is unknown", set->name, c->name);
    }
    return !c->schema || keep_defaults(b, c, node);
}

static bool has_required(builder *b, const call *c, const oo_node *node) {
    for (uint32_t i = 0; c->schema && i < c->schema->nattrs; i++)
        if (c->schema->attrs[i].required && !oo_node_attr(node, c->schema->attrs[i].name))
            return fail(b, "%s needs the attribute %s at this opset", c->name, c->schema->attrs[i].name);
    return true;
}

static bool make_node(builder *b, call *c, oo__operand *out, uint32_t nout) {
    oo__rule_run *const run = b->run;
    if (b->nmade == 64)
        return fail(b, "%s", "it builds too many nodes", NULL);
    oo_node *const node = oo_build(run->rw, b->before, c->op->domain, c->name, (const oo_value *const *)c->inputs, c->ninputs, nout);
    b->made[b->nmade++] = node;
    if (!set_attrs(b, c, node) || !has_required(b, c, node))
        return false;
    if (!oo_infer(run->rw, node))
        return fail(b, "%s refuses what it would get", c->name, NULL);
    if (oo__node_disputed(node))
        return fail(b, "ONNX and runtimes differ on the new %s: %s", c->name, oo__node_disputed(node));
    if (!c->schema)
        oo__import_opset(run->rw, run->graph, c->op->domain,
                         run->rule->import_domain && strcmp(run->rule->import_domain, c->op->domain) == 0 ? run->rule->import_version : 1);
    for (uint32_t i = 0; i < nout; i++)
        out[i] = (oo__operand){.kind = OO__GRAPH_VALUE, .value = node->outputs[i]};
    return true;
}

static bool all_const(oo__operand *args, uint32_t nargs) {
    bool any = false;
    for (uint32_t i = 0; i < nargs; i++) {
        if (args[i].kind == OO__ABSENT)
            continue;
        if (!oo__operand_is_const(&args[i]))
            return false;
        any = true;
    }
    return any;
}

static bool find_schemas(builder *b, call *c) {
    const oo__operator *const op = c->op;
    if (oo__schema_latest_opset(op->domain)) {
        oo__op_facts facts;
        const oo_op bare = {.name = c->name, .domain = op->domain};
        oo__op_facts_find(&facts, &bare, oo_graph_opset(b->run->graph, op->domain));
        if (!facts.usable)
            return fail(b, "%s is not there at this opset", c->name, NULL);
        c->schema = facts.schema;
        c->newest = facts.newest;
    }
    if (oo__op(b->run->model, op->domain, c->name)->functions && c->schema)
        return fail(b, "the model has a function that is called %s", c->name, NULL);
    return oo__call_attrs(b->run, op, c->attrs, 32, &c->nattrs);
}

oo_node *oo__build_operator(oo__rule_run *run, oo_node *before, const oo__operator *op, const char *name, oo__operand *args, uint32_t nargs,
                            const oo__set_attr *extra, uint32_t nextra, uint32_t nout) {
    builder b = {.run = run, .before = before};
    oo__operand *const out = OO_NEW_ARRAY(run->arena, oo__operand, nout);
    call *const c = OO_NEW(run->arena, call);
    *c = (call){.op = op, .name = name, .args = args, .nargs = nargs};
    if (!find_schemas(&b, c))
        return NULL;
    for (uint32_t i = 0; i < nextra; i++)
        if (!c->schema || oo__schema_attr(c->schema, extra[i].name))
            (void)put_attr(c->attrs, 32, &c->nattrs, extra[i]);
    const bool ok = make_inputs(&b, c) && check_inputs(&b, c) && make_node(&b, c, out, nout);
    return ok ? b.made[0] : NULL;
}

static bool build_call(builder *b, const oo__operator *op, oo__operand *out, uint32_t nout) {
    oo__rule_run *const run = b->run;
    oo__operand *args = NULL;
    uint32_t nargs = 0;
    if (!gather(b, op, &args, &nargs))
        return false;
    const char *const name = oo__call_name(run, op);
    if (all_const(args, nargs) && op->schema && (op->schema->traits & OO_TRAIT_PURE))
        return oo__constant_fold(run, out, nout, op, name, args, nargs) || fail(b, "%s of constants cannot be computed", name, NULL);
    call c; /* large, and most of it unused */
    c.op = op;
    c.name = name;
    c.args = args;
    c.nargs = nargs;
    c.schema = c.newest = NULL;
    c.nattrs = c.ninputs = 0;
    return find_schemas(b, &c) && make_inputs(b, &c) && check_inputs(b, &c) && make_node(b, &c, out, nout);
}

static bool build_term(builder *b, oo__operand *out, const oo__ast *ast) {
    if (ast->kind == OO__AST_OPERATOR)
        return build_call(b, ast->op, out, 1);
    const oo__term term = oo__eval(b->run, ast);
    *out = term.sort == OO__SORT_VALUE || term.sort == OO__SORT_VALUES ? term.operand : oo__constant_of_term(b->run, &term);
    if (term.sort == OO__SORT_ANY || (out->kind == OO__ABSENT && term.sort != OO__SORT_VALUE))
        return fail(b, "%s is unknown", ast->text, NULL);
    return true;
}

/* ---- places ---- */
/* Whether `a` stands before `b` in their list; false also when they are too far apart to tell. */
static bool stands_before(const oo_node *a, const oo_node *b) {
    const oo_node *from_a = a, *from_b = b;
    for (int i = 0; i < FAR && (from_a || from_b); i++) {
        if (from_a == b)
            return true;
        if (from_b == a)
            return false;
        from_a = from_a ? oo_node_next(from_a) : NULL;
        from_b = from_b ? oo_node_next(from_b) : NULL;
    }
    return false;
}

static bool makes_result(const oo__rule *rule, uint32_t k) {
    for (uint32_t i = 0; i < rule->nslots; i++)
        if (rule->slots[i].left && rule->slots[i].is_result && rule->slots[i].node == k)
            return true;
    return false;
}

/* Whether every value that the right side uses is made before `place`. */
static bool inputs_before(const oo__rule_run *run, const oo_node *place) {
    for (uint32_t i = 0; i < run->rule->nslots; i++) {
        const oo__slot *const s = &run->rule->slots[i];
        const oo__operand *const o = &run->values[i];
        if (!s->left || !s->used_right || !(run->bound >> i & 1))
            continue;
        for (uint32_t k = 0; k < (o->kind == OO__MANY ? o->count : 1); k++) {
            const oo__operand *const one = o->kind == OO__MANY ? &o->items[k] : o;
            const oo_node *const producer = one->kind == OO__GRAPH_VALUE && one->value->graph == run->graph ? one->value->producer : NULL;
            if (producer && !stands_before(producer, place))
                return false;
        }
    }
    return true;
}

static const oo_node *user_in(const oo_graph *graph, const oo_node *node) {
    while (node && node->graph != graph)
        node = node->graph->owner;
    return node;
}

/* Whether everything that uses a result comes behind `place`, the matched nodes excepted. */
static bool uses_behind(const oo__rule_run *run, const oo_node *place) {
    for (uint32_t i = 0; i < run->rule->nslots; i++) {
        const oo__slot *const s = &run->rule->slots[i];
        const oo_value *const value = s->left && s->is_result ? run->values[i].value : NULL;
        for (const oo_use *use = value ? value->uses : NULL; use; use = use->next) {
            const oo_node *const user = user_in(run->graph, use->user);
            bool matched = false;
            for (uint32_t k = 0; k < run->rule->nnodes; k++)
                matched |= run->nodes[k] == user;
            if (!matched && user && !stands_before(place, user))
                return false;
        }
    }
    return true;
}

/* New nodes stand where the node was whose results they replace: of several the first, or the last when that is too early. */
static bool find_place(builder *b) {
    const oo__rule_run *const run = b->run;
    oo_node *first = NULL, *last = NULL;
    for (uint32_t k = 0; k < run->rule->nnodes; k++) {
        if (!makes_result(run->rule, k))
            continue;
        oo_node *const node = run->nodes[k];
        first = !first || stands_before(node, first) ? node : first;
        last = !last || stands_before(last, node) ? node : last;
    }
    b->before = first;
    if (first == last || inputs_before(run, first))
        return true;
    b->before = last;
    return uses_behind(run, last) || fail(b, "%s", "there is no place between what it needs and what needs it", NULL);
}

/* ---- putting results in place ---- */
static bool result_fits(builder *b, const oo_value *old, const oo_value *by) {
    if (by->type && old->type && (by->type->kind != old->type->kind || oo__types_clash(b->run->model, by->type, old->type)))
        return fail(b, "result \"%s\" would get another type or shape", oo_value_name(old), NULL);
    const bool known = oo_type_elem(by->type) != OO_UNDEFINED || oo_type_elem(old->type) == OO_UNDEFINED;
    if (!known && by->producer && !*by->producer->op->domain && !by->producer->op->functions)
        for (uint32_t i = 0; i < b->nmade; i++)
            if (b->made[i] == by->producer)
                return fail(b, "the type of what replaces \"%s\" is unknown", oo_value_name(old), NULL);
    return true;
}

static bool replace_one(builder *b, const oo__slot *slot, oo__operand *by) {
    oo_value *const old = b->run->values[slot->replaced].value;
    oo_value *value = NULL;
    if (!materialize(b, &value, by, oo_type_elem(old->type)))
        return false;
    if (!value)
        return fail(b, "what replaces \"%s\" is omitted", oo_value_name(old), NULL);
    if (!result_fits(b, old, value))
        return false;
    return oo_replace(b->run->rw, old, value) || fail(b, "what replaces \"%s\" is not visible everywhere", oo_value_name(old), NULL);
}

static bool is_dead(const oo_node *node) {
    for (uint32_t i = 0; i < node->noutputs; i++)
        if (node->outputs[i] && (node->outputs[i]->nuses || oo_value_is_pinned(node->outputs[i])))
            return false;
    return true;
}

/* Matched nodes that nothing needs any more go. */
static void erase_dead(oo__rule_run *run) {
    bool again = true;
    while (again) {
        again = false;
        for (uint32_t k = 0; k < run->rule->nnodes; k++) {
            if (run->nodes[k]->erased || !is_dead(run->nodes[k]))
                continue;
            oo_erase(run->rw, run->nodes[k]);
            again = true;
        }
    }
}

static bool build_right(builder *b) {
    oo__rule_run *const run = b->run;
    for (uint32_t i = 0; i < run->rule->nright; i++) {
        const oo__right *const right = &run->rule->right[i];
        oo__operand out[8] = {{.kind = OO__ABSENT}};
        const oo__ast *const ast = right->value;
        if (ast->kind == OO__AST_OPERATOR ? !build_call(b, ast->op, out, right->nslots) : !build_term(b, out, ast))
            return false;
        for (uint32_t k = 0; k < right->nslots; k++) {
            if (right->slots[k] == UINT32_MAX)
                continue;
            run->values[right->slots[k]] = out[k];
            run->bound |= UINT64_C(1) << right->slots[k];
        }
    }
    return true;
}

static bool replace_all(builder *b) {
    oo__rule_run *const run = b->run;
    for (uint32_t i = 0; i < run->rule->nslots; i++) {
        const oo__slot *const s = &run->rule->slots[i];
        if (!s->left && s->is_result && !replace_one(b, s, &run->values[i]))
            return false;
    }
    return true;
}

/* "MatMul, Add became Gemm". */
static void tell(const builder *b) {
    const oo__rule_run *const run = b->run;
    if (!oo__rewriter_tells_passed(run->rw))
        return;
    const char *went = "", *came = "";
    for (uint32_t k = run->rule->nnodes; k-- > 0;)
        if (run->nodes[k]->erased)
            went = oo__arena_printf(run->arena, "%s%s%s", went, *went ? ", " : "", run->nodes[k]->op->name);
    for (uint32_t i = 0; i < b->nmade; i++)
        came = oo__arena_printf(run->arena, "%s%s%s", came, *came ? ", " : "", b->made[i]->op->name);
    oo_remark(run->rw, run->nodes[0], *came ? "%s became %s" : "%s went", *went ? went : "nothing", came);
}

bool oo__rule_apply(oo__rule_run *run, bool *fuel) {
    builder b = {.run = run};
    *fuel = true;
    if (!find_place(&b))
        return false;
    *fuel = oo_begin(run->rw, run->rule->name, run->nodes[0]);
    if (!*fuel)
        return false;
    if (run->rise)
        oo__opset_rise(run->rw, run->model, run->rise);
    if (!build_right(&b) || !replace_all(&b)) {
        oo_abandon(run->rw);
        return false;
    }
    erase_dead(run);
    if (!oo__growth_allowed(&run->room, run->rw)) {
        oo__rule_miss(run, STEP_BUILD, "the file would grow by %lld bytes, past the limit", (long long)oo__growth_of_rewrite(run->rw));
        oo_abandon(run->rw);
        return false;
    }
    tell(&b);
    oo_end(run->rw);
    return true;
}

/* ---- before anything is matched ---- */
static bool can_build_term(const oo__rule *rule, const oo__ast *ast, int64_t opset, const oo_graph *graph) {
    if (ast->kind != OO__AST_OPERATOR || oo__rule_computes(rule, ast))
        return true;
    const oo__operator *const op = ast->op;
    const bool known = oo__schema_latest_opset(op->domain) > 0;
    for (uint32_t i = 0; known && i < op->nnames; i++) {
        oo__op_facts facts;
        const oo_op bare = {.name = op->names[i], .domain = op->domain};
        const int64_t newest = oo__schema_latest_opset(op->domain);
        oo__op_facts_find(&facts, &bare, !*op->domain ? opset : graph ? oo_graph_opset(graph, op->domain) : newest);
        if (!facts.usable)
            return false;
    }
    for (uint32_t i = 0; i < op->nargs; i++)
        if (!can_build_term(rule, op->args[i], opset, graph))
            return false;
    return true;
}

bool oo__rule_can_build(const oo__rule *rule, int64_t opset, const oo_graph *graph) {
    for (uint32_t i = 0; i < rule->nright; i++)
        if (!can_build_term(rule, rule->right[i].value, opset, graph))
            return false;
    return true;
}

static bool can_match(const oo__operator *op, int64_t opset) {
    const int64_t newest = oo__schema_latest_opset(op->domain);
    for (uint32_t i = 0; i < op->nnames; i++) {
        oo__op_facts facts;
        const oo_op bare = {.name = op->names[i], .domain = op->domain};
        oo__op_facts_find(&facts, &bare, *op->domain ? newest : opset);
        if (facts.usable && (facts.schema || !newest))
            return true;
    }
    return false;
}

bool oo__rule_opsets(const oo__rule *rule, int64_t *first, int64_t *last) {
    *first = *last = 0;
    for (int64_t opset = 1; opset <= oo__schema_latest_opset(""); opset++) {
        bool exists = oo__rule_can_build(rule, opset, NULL);
        for (uint32_t k = 0; k < rule->nnodes && exists; k++)
            exists = can_match(rule->nodes[k], opset);
        if (!exists)
            continue;
        *first = *first ? *first : opset;
        *last = opset;
    }
    return *first > 0;
}
