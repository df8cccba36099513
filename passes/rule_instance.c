/* Makes a model of a rule's left side at random. */
#include "passes/rule_prove.h"

#include "ir/expr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef oo__instance inst;

/* ---- choices ---- */
uint64_t oo__roll(oo__dice *dice) {
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t oo__pick(oo__dice *dice, uint32_t n) { return n ? (uint32_t)(oo__roll(dice) % n) : 0; }
bool oo__chance(oo__dice *dice, uint32_t percent) { return oo__pick(dice, 100) < percent; }

/* ---- contents ---- */
static bool is_float(oo_elem elem) { return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16; }

static double real_number(inst *in) {
    static const double SPECIAL[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e-40, -1e-40, 6e-8, 1, -1, 65504, 3e38, 1e-38};
    const double u = (double)(oo__roll(&in->dice) >> 11) * 0x1p-53 * 4 - 2;
    if (!in->tame && oo__chance(&in->dice, 15))
        return SPECIAL[oo__pick(&in->dice, sizeof SPECIAL / sizeof *SPECIAL)];
    return oo__chance(&in->dice, 10) ? (double)(int)u : u;
}

static int64_t whole_number(inst *in) {
    if (!in->tame && oo__chance(&in->dice, 10))
        return (int64_t)oo__roll(&in->dice);
    return (int64_t)oo__pick(&in->dice, 9) - 4;
}

static void fill_strings(inst *in, oo_array *a) {
    static const char *const WORDS[] = {"", "a", "b", "onnx"};
    for (uint64_t i = 0; i < a->count; i++) {
        const char *const w = WORDS[oo__pick(&in->dice, 4)];
        oo__array_set_string(a, i, (oo_bytes){(const uint8_t *)w, strlen(w)});
    }
}

static void fill(inst *in, oo_array *a) {
    const bool positive = oo__chance(&in->dice, 35), equal = oo__chance(&in->dice, 10);
    if (a->elem == OO_STRING) {
        fill_strings(in, a);
        return;
    }
    double same = real_number(in);
    for (uint64_t i = 0; i < a->count; i++) {
        if (a->elem == OO_BOOL) {
            oo__array_set_int(a, i, oo__pick(&in->dice, 2));
        } else if (is_float(a->elem) || oo__array_width(a->elem) == 1) {
            const double number = equal ? same : real_number(in);
            if (is_float(a->elem) || a->elem >= OO_FLOAT8E4M3FN)
                oo__array_set_double(a, i, positive ? fabs(number) : number);
            else
                oo__array_set_int(a, i, whole_number(in));
        } else {
            oo__array_set_int(a, i, whole_number(in));
        }
    }
}

static oo_array *new_array(inst *in, oo_elem elem, const oo__shape *shape) {
    int64_t count = 1;
    for (uint32_t i = 0; i < shape->rank; i++)
        count *= shape->dims[i];
    if (count > 4096) {
        in->why = "too large";
        return NULL;
    }
    return oo__array_new(elem, shape->rank, shape->dims);
}

/* ---- values ---- */
static const oo_type *type_of(inst *in, oo_elem elem, const oo__shape *shape) {
    oo_type *const type = OO_NEW(in->model->arena, oo_type);
    *type = (oo_type){.kind = OO_TYPE_TENSOR, .has_elem = true, .has_shape = true, .elem = (int32_t)elem, .rank = shape->rank};
    type->dims = OO_NEW_ARRAY(in->model->arena, oo_dim, shape->rank + 1);
    for (uint32_t i = 0; i < shape->rank; i++)
        type->dims[i] = (oo_dim){.kind = OO_DIM_VALUE, .value = shape->dims[i], .expr = oo__expr_int(in->model->exprs, shape->dims[i])};
    return type;
}

/* A constant, or an input of the model; takes the array. */
static oo__operand new_value(inst *in, oo_array *array, bool constant) {
    oo_graph *const graph = in->model->graph;
    oo_value *const value = oo__value_new(graph, NULL);
    oo__shape shape = {.rank = array->rank};
    memcpy(shape.dims, array->dims, array->rank * sizeof *array->dims);
    value->type = type_of(in, array->elem, &shape);
    if (constant) {
        value->flags |= OO_VALUE_INITIALIZER;
        value->name = oo__str(in->model, oo__arena_printf(in->run->arena, "c%u", value->id));
        value->init = oo__tensor_of_array(in->model, array);
        oo_vec_push(in->model->arena, &graph->initializers, value);
        oo__array_release(array);
    } else {
        value->flags |= OO_VALUE_INPUT;
        value->name = oo__str(in->model, oo__arena_printf(in->run->arena, "x%u", value->id));
        oo_vec_push(in->model->arena, &graph->inputs, (oo_value_info){.value = value, .name = value->name, .type = value->type});
        oo_vec_push(NULL, &in->inputs, oo__datum_tensor(array));
    }
    return (oo__operand){.kind = OO__GRAPH_VALUE, .value = value};
}

bool oo__instance_shape(inst *in, const oo__operator *op, uint32_t index, oo__shape *out) {
    if (index >= op->nargs)
        return false;
    oo__operand o = oo__instance_operand(in, op, index);
    if (o.kind == OO__MANY && o.count)
        o = o.items[0];
    if (o.kind != OO__GRAPH_VALUE || oo__operand_rank(&o) < 0 || oo__operand_rank(&o) > OO__DIMS)
        return false;
    out->rank = (uint32_t)oo__operand_rank(&o);
    for (uint32_t i = 0; i < out->rank; i++) {
        const oo__term d = oo__operand_dim(in->run, &o, i);
        if (!oo__int_of(&d, &out->dims[i]))
            return false;
    }
    return true;
}

oo__operand oo__instance_operand(inst *in, const oo__operator *op, uint32_t index) {
    const oo__ast *const arg = op->args[index];
    oo__rule_run *const run = in->run;
    if (arg->kind == OO__AST_VALUE || arg->kind == OO__AST_VALUES)
        return run->bound >> arg->slot & 1 ? run->values[arg->slot] : (oo__operand){.kind = OO__ABSENT};
    if (arg->kind == OO__AST_OPERATOR)
        return run->values[arg->op->results[0]];
    return in->chosen[op->index][index] ? in->args[op->index][index] : (oo__operand){.kind = OO__ABSENT};
}

/* ---- one input ---- */
static oo_elem random_elem(inst *in, uint32_t types) {
    if ((types >> in->usual & 1) && oo__chance(&in->dice, 70))
        return in->usual;
    oo_elem found[OO_ELEM_COUNT];
    uint32_t n = 0;
    for (int e = 1; e < OO_ELEM_COUNT; e++)
        if ((types >> e & 1) && e != OO_COMPLEX64 && e != OO_COMPLEX128)
            found[n++] = (oo_elem)e;
    return n ? found[oo__pick(&in->dice, n)] : OO_UNDEFINED;
}

static const oo_schema *schema_now(const inst *in, const oo__operator *op) {
    return oo__schema_find(op->domain, op->names[0], *op->domain ? oo__schema_latest_opset(op->domain) : in->run->opset);
}

static oo_elem elem_for(inst *in, const oo__operator *op, uint32_t index) {
    const oo_schema *const schema = schema_now(in, op) ? schema_now(in, op) : op->schema;
    const oo_schema_io *const newest = oo__schema_input(op->schema, index), *const now = oo__schema_input(schema, index);
    const oo_schema_io *const io = now ? now : newest;
    for (uint32_t i = 0; io && i < op->nargs; i++) {
        const oo_schema_io *const other = oo__schema_input(now ? schema : op->schema, i);
        oo__operand o = i == index ? (oo__operand){.kind = OO__ABSENT} : oo__instance_operand(in, op, i);
        if (o.kind == OO__MANY && o.count)
            o = o.items[0];
        if (other && other->constraint == io->constraint && io->constraint >= 0 && oo__operand_elem(&o) != OO_UNDEFINED)
            return oo__operand_elem(&o);
    }
    const uint32_t types = io ? io->types->elems[OO_FORM_TENSOR] : 0;
    const oo__operand first = index ? oo__instance_operand(in, op, 0) : (oo__operand){.kind = OO__ABSENT};
    const oo_elem other = oo__operand_elem(&first); /* types that need not agree often do */
    return other != OO_UNDEFINED && (types >> other & 1) && oo__chance(&in->dice, 50) ? other : random_elem(in, types);
}

/* A list of numbers as the operator wants it, else anything that suits. */
static oo__operand choose_data(inst *in, const oo__operator *op, uint32_t index, bool constant) {
    oo__shape shape = {0};
    int64_t ints[64];
    const oo_elem elem = elem_for(in, op, index);
    bool listed = false;
    const bool hinted = oo__hint(in, op->args[index], &shape, ints, &listed);
    listed = listed || (!hinted && oo__recipe_ints(in, op, index, &shape, ints));
    if (elem == OO_UNDEFINED || (!listed && !hinted && !oo__recipe_shape(in, op, index, &shape))) {
        in->why = "nothing suits an input";
        return (oo__operand){.kind = OO__ABSENT};
    }
    oo_array *const array = new_array(in, elem, &shape);
    if (!array)
        return (oo__operand){.kind = OO__ABSENT};
    const bool flat = !listed && in->flat && oo__chance(&in->dice, constant ? 80 : 60) && elem != OO_STRING;
    const double everywhere = oo__chance(&in->dice, 50) ? 0 : 1;
    for (uint64_t i = 0; i < array->count && flat; i++)
        oo__array_set_double(array, i, everywhere);
    if (!listed && !flat)
        fill(in, array);
    for (uint64_t i = 0; i < array->count && listed; i++)
        oo__array_set_int(array, i, ints[i]);
    return new_value(in, array, constant || flat || (listed && oo__chance(&in->dice, 90)) || oo__chance(&in->dice, 20));
}

static bool is_optional(const oo__operator *op, uint32_t index) {
    const oo_schema_io *const io = oo__schema_input(op->schema, index);
    return io && io->optional;
}

/* A number of the pattern as a constant of some shape. */
static oo__operand choose_number(inst *in, const oo__operator *op, uint32_t index) {
    const oo__ast *const arg = op->args[index];
    oo__shape shape = {0}, other;
    int64_t ints[64];
    const bool is_list = oo__recipe_ints(in, op, index, &shape, ints); /* a list of numbers, of one here */
    const bool spreads = !is_list && oo__chance(&in->dice, 35);
    if (is_list)
        shape = (oo__shape){.rank = 1, .dims = {1}};
    for (uint32_t i = 0; i < op->nargs && spreads; i++)
        if (i != index && oo__instance_shape(in, op, i, &other)) {
            shape = other;
            for (uint32_t d = 0; d < shape.rank; d++)
                shape.dims[d] = oo__chance(&in->dice, 50) ? 1 : shape.dims[d];
        }
    const oo_elem elem = elem_for(in, op, index);
    oo_array *const array = elem == OO_UNDEFINED ? NULL : new_array(in, elem, &shape);
    if (!array) {
        in->why = "a number has no type";
        return (oo__operand){.kind = OO__ABSENT};
    }
    for (uint64_t i = 0; i < array->count; i++)
        oo__array_set_double(array, i, arg->sort == OO__SORT_INT ? (double)arg->integer : arg->number);
    return new_value(in, array, true);
}

static oo__operand choose_list(inst *in, const oo__operator *op, uint32_t index) {
    const uint32_t count = oo__pick(&in->dice, 4);
    oo__operand *const items = OO_NEW_ARRAY(in->run->arena, oo__operand, count + 1);
    for (uint32_t i = 0; i < count && !in->why; i++) {
        items[i] = choose_data(in, op, index, false);
        in->run->values[op->args[index]->slot] = (oo__operand){.kind = OO__MANY, .items = items, .count = i + 1};
        in->run->bound |= UINT64_C(1) << op->args[index]->slot;
    }
    return (oo__operand){.kind = OO__MANY, .items = items, .count = count};
}

static void choose_argument(inst *in, const oo__operator *op, uint32_t index) {
    const oo__ast *const arg = op->args[index];
    oo__rule_run *const run = in->run;
    if (arg->kind == OO__AST_OPERATOR || in->why)
        return;
    if (arg->kind == OO__AST_VALUE || arg->kind == OO__AST_VALUES) {
        if (run->bound >> arg->slot & 1)
            return;
        oo__operand o = {.kind = OO__ABSENT};
        if (arg->kind == OO__AST_VALUES)
            o = choose_list(in, op, index);
        else if (!arg->has_default || oo__chance(&in->dice, 50))
            o = choose_data(in, op, index, arg->is_const);
        run->values[arg->slot] = o;
        run->bound |= UINT64_C(1) << arg->slot;
        return;
    }
    if (arg->kind == OO__AST_NUMBER)
        in->args[op->index][index] = choose_number(in, op, index);
    else if (!is_optional(op, index) || oo__chance(&in->dice, 50))
        in->args[op->index][index] = choose_data(in, op, index, false);
    in->chosen[op->index][index] = true;
}

/* ---- attributes ---- */
static void choose_attrs(inst *in, const oo__operator *op) {
    oo__rule_run *const run = in->run;
    for (uint32_t i = 0; i < op->nattrs; i++) {
        const oo__rule_attr *const attr = &op->attrs[i];
        if (attr->value->kind != OO__AST_ATTR || (run->bound_attrs >> attr->value->slot & 1))
            continue;
        oo__term t = oo__hint_attr(in, attr->value->slot);
        if (t.sort == OO__SORT_ANY)
            t = oo__recipe_attr(in, op, attr->schema);
        if (t.sort == OO__SORT_ANY) {
            in->why = "nothing suits an attribute";
            return;
        }
        run->attrs[attr->value->slot] = t;
        run->bound_attrs |= 1u << attr->value->slot;
    }
}

static bool is_said(const oo__operator *op, const char *name) {
    for (uint32_t i = 0; i < op->nattrs; i++)
        if (strcmp(op->attrs[i].name, name) == 0)
            return true;
    return false;
}

/* Attributes that the pattern leaves open are absent or anything. */
static uint32_t choose_extra(inst *in, const oo__operator *op, oo__set_attr *out, uint32_t room) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < op->schema->nattrs && n < room; i++) {
        const oo_schema_attr *const attr = &op->schema->attrs[i];
        bool wanted = attr->required || oo__chance(&in->dice, 30);
        for (uint32_t k = 0; k < in->nextra; k++)
            wanted |= strcmp(in->extra[k].name, attr->name) == 0;
        if (is_said(op, attr->name) || !wanted)
            continue;
        const oo__term t = oo__recipe_attr(in, op, attr);
        if (t.sort != OO__SORT_ANY)
            out[n++] = (oo__set_attr){.name = attr->name, .value = t};
    }
    return n;
}

/* ---- nodes ---- */
static void take_results(inst *in, const oo__operator *op, const oo_node *node) {
    oo__rule_run *const run = in->run;
    if (op->many) {
        oo__operand *const items = OO_NEW_ARRAY(run->arena, oo__operand, node->noutputs);
        for (uint32_t i = 0; i < node->noutputs; i++)
            items[i] = (oo__operand){.kind = OO__GRAPH_VALUE, .value = node->outputs[i]};
        run->values[op->results[0]] = (oo__operand){.kind = OO__MANY, .items = items, .count = node->noutputs};
        run->bound |= UINT64_C(1) << op->results[0];
        return;
    }
    for (uint32_t i = 0; i < op->nresults; i++) {
        if (op->results[i] == UINT32_MAX)
            continue;
        run->values[op->results[i]] = (oo__operand){.kind = OO__GRAPH_VALUE, .value = node->outputs[i]};
        run->bound |= UINT64_C(1) << op->results[i];
    }
}

static void make_node(inst *in, uint32_t k, bool *done, oo_node *end);

/* The operators whose results this one uses come first. */
static void make_children(inst *in, const oo__operator *op, bool *done, oo_node *end) {
    for (uint32_t i = 0; i < op->nargs; i++) {
        const oo__ast *const arg = op->args[i];
        uint32_t child = UINT32_MAX;
        if (arg->kind == OO__AST_OPERATOR)
            child = arg->op->index;
        else if (arg->kind == OO__AST_VALUE || arg->kind == OO__AST_VALUES)
            child = in->rule->slots[arg->slot].node;
        if (child != UINT32_MAX)
            make_node(in, child, done, end);
    }
}

static uint32_t results_of(inst *in, const oo__operator *op) {
    if (!op->many)
        return op->nresults;
    oo__shape parts;
    if (oo__instance_shape(in, op, 1, &parts) && parts.rank == 1 && parts.dims[0])
        return (uint32_t)parts.dims[0];
    return 1 + oo__pick(&in->dice, 3);
}

static bool swaps(inst *in, const oo__operator *op) {
    return op->nargs == 2 && (op->schema->traits & OO_TRAIT_COMMUTATIVE) && oo__chance(&in->dice, 50);
}

static void make_node(inst *in, uint32_t k, bool *done, oo_node *end) {
    enum { MOST = 64 };
    const oo__operator *const op = in->rule->nodes[k];
    if (done[k] || in->why)
        return;
    done[k] = true;
    make_children(in, op, done, end);
    in->axis = INT64_MIN;
    in->hidden = 0;
    in->mode = oo__pick(&in->dice, 100);
    in->nextra = 0;
    for (int numbers = 0; numbers < 2; numbers++)
        for (uint32_t i = 0; i < op->nargs; i++)
            if ((op->args[i]->kind == OO__AST_NUMBER) == (numbers == 1))
                choose_argument(in, op, i);
    choose_attrs(in, op);
    if (in->why)
        return;
    oo__set_attr extra[16];
    const uint32_t nextra = choose_extra(in, op, extra, 16);
    oo__operand args[MOST];
    uint32_t n = 0;
    for (uint32_t i = 0; i < op->nargs; i++) {
        const oo__operand o = oo__instance_operand(in, op, i);
        if (o.kind != OO__MANY)
            args[n++] = o;
        for (uint32_t m = 0; o.kind == OO__MANY && m < o.count && n < MOST - 16; m++)
            args[n++] = o.items[m];
    }
    if (n == 2 && swaps(in, op)) {
        const oo__operand other = args[0];
        args[0] = args[1];
        args[1] = other;
    }
    const uint32_t pick = oo__pick(&in->dice, op->nnames);
    oo_node *const node = oo__build_operator(in->run, end, op, op->names[pick], args, n, extra, nextra, results_of(in, op));
    if (!node)
        in->why = "an operator refuses its inputs";
    else
        take_results(in, op, node);
}

/* ---- outputs ---- */
static void add_output(inst *in, oo_value *value) {
    oo_graph *const graph = in->model->graph;
    if (value->noutputs)
        return;
    value->name = oo__str(in->model, oo__arena_printf(in->run->arena, "y%u", value->id));
    value->flags &= ~(uint32_t)OO_VALUE_FRESH;
    value->output_index = graph->outputs.n;
    value->noutputs++;
    oo_vec_push(in->model->arena, &graph->outputs, (oo_value_info){.value = value, .name = value->name});
}

static void make_outputs(inst *in, oo_node *end) {
    for (uint32_t i = 0; i < in->rule->nslots; i++) {
        const oo__slot *const s = &in->rule->slots[i];
        if (!s->left || s->node == UINT32_MAX || in->run->values[i].kind != OO__GRAPH_VALUE)
            continue;
        oo_value *value = in->run->values[i].value;
        const bool seen = s->is_result || (in->rule->nodes[s->node]->shared && oo__chance(&in->dice, 25));
        if (!seen)
            continue;
        if (oo__chance(&in->dice, 50)) {
            const oo_value *const inputs[] = {value};
            oo_node *const copy = oo_build(in->run->rw, end, "", "Identity", inputs, 1, 1);
            value = copy->outputs[0];
        }
        add_output(in, value);
    }
}

/* ---- all ---- */
static void choose_base(inst *in) {
    in->base.rank = oo__pick(&in->dice, 5);
    for (uint32_t i = 0; i < in->base.rank; i++) {
        const uint32_t d = oo__pick(&in->dice, 12);
        in->base.dims[i] = d == 0 ? 0 : d < 5 ? 1 : d < 8 ? 2 : d < 11 ? 3 : 4;
    }
}

static bool operators_exist(const inst *in) {
    for (uint32_t k = 0; k < in->rule->nnodes; k++) {
        const oo__operator *const op = in->rule->nodes[k];
        for (uint32_t i = 0; i < op->nnames; i++) {
            oo__op_facts facts;
            const oo_op bare = {.name = op->names[i], .domain = op->domain};
            oo__op_facts_find(&facts, &bare, *op->domain ? oo__schema_latest_opset(op->domain) : in->run->opset);
            if (!facts.usable || !facts.schema)
                return false;
        }
    }
    return oo__rule_can_build(in->rule, in->run->opset, in->model->graph);
}

static void choose_opset(inst *in, int64_t wanted) {
    const int latest = oo__schema_latest_opset("");
    for (int i = 0; i < 20; i++) {
        in->run->opset = wanted ? wanted : oo__chance(&in->dice, 40) ? latest : 7 + (int64_t)oo__pick(&in->dice, (uint32_t)latest - 6);
        if (operators_exist(in))
            return;
    }
    in->why = "its operators are at no opset that was tried";
}

static void import(inst *in, const char *domain, int64_t version) {
    oo_vec_push(in->model->arena, &in->model->opsets,
                (oo_opset){.domain = oo__str(in->model, domain), .version = version, .has_version = true});
}

void oo__instance_begin(inst *in, oo_context *context, const oo__rule *rule, uint64_t seed, int64_t opset) {
    static const oo_elem USUAL[] = {OO_FLOAT, OO_FLOAT, OO_FLOAT, OO_DOUBLE, OO_FLOAT16, OO_FLOAT16, OO_BFLOAT16, OO_INT64};
    *in = (inst){.dice = {seed}, .rule = rule, .axis = INT64_MIN};
    in->model = oo__model_new(context, rule->name);
    in->model->ir_version = 13;
    in->model->has_ir_version = true;
    in->model->graph = oo__graph_new(in->model, NULL);
    in->model->graph->name = oo__str(in->model, "main");
    oo__rule_run *const run = in->run = calloc(1, sizeof *run);
    if (!run)
        oo__oom(sizeof *run);
    run->arena = oo__arena_new();
    run->model = in->model;
    run->graph = in->model->graph;
    run->rule = rule;
    run->constants = oo__constants_new(in->model);
    choose_opset(in, opset);
    import(in, "", run->opset);
    import(in, "ai.onnx.ml", oo__schema_latest_opset("ai.onnx.ml"));
    oo__facts_renew(in->model);
    in->usual = USUAL[oo__pick(&in->dice, sizeof USUAL / sizeof *USUAL)];
    in->free = oo__chance(&in->dice, 15);
    in->flat = oo__chance(&in->dice, 35);
    in->tame = rule->inexact || oo__chance(&in->dice, 30);
    choose_base(in);
    if (in->why)
        return;
    const oo_rewriter_settings settings = {.pass = "prove"};
    run->rw = oo__rewriter_new(in->model, run->arena, &settings);
    oo_node *const end = oo__node_new(in->model->graph, NULL, "Constant", 0, 0, 0);
    bool done[OO__RULE_NODES] = {false};
    (void)oo_begin(run->rw, "instance", NULL);
    for (uint32_t k = rule->nnodes; k-- > 0;)
        make_node(in, k, done, end);
    if (!in->why)
        make_outputs(in, end);
    oo_erase(run->rw, end);
    oo_end(run->rw);
    oo__rewriter_free(run->rw);
    run->rw = NULL;
    oo__model_name_values(in->model);
}

void oo__instance_end(inst *in) {
    for (uint32_t i = 0; i < in->inputs.n; i++)
        oo__datum_release(in->inputs.data[i]);
    oo_vec_free(&in->inputs);
    oo__constants_free(in->run->constants);
    oo__arena_free(in->run->arena);
    free(in->run);
    oo_model_free(in->model);
    *in = (inst){0};
}
