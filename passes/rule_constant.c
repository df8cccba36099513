/* Constants of the right side are computed as doubles and rounded once, when they become tensors of the model. Operators run in a model of
 * their own, of the newest opset: rules are written for that. */
#include "passes/rule_run.h"

#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_ELEMENTS = 1 << 26, /* of one constant: half a gigabyte of doubles */
    MOST_NODES = 256         /* of the model of operators, then a new one is begun */
};

struct oo__constants {
    oo_model *target;
    oo_context *context;
    oo_model *model;
    oo_evaluator *evaluator;
    oo_vec(oo_array *) owned;
};

oo__constants *oo__constants_new(oo_model *model) {
    oo__constants *const c = oo__malloc(sizeof *c);
    *c = (oo__constants){.target = model, .context = oo_context_new()};
    c->context->quiet = true;
    return c;
}

static void end_model(oo__constants *c) {
    oo__evaluator_free(c->evaluator);
    oo_model_free(c->model);
    c->evaluator = NULL;
    c->model = NULL;
}

void oo__constants_reset(oo__constants *c) {
    for (uint32_t i = 0; i < c->owned.n; i++)
        oo__array_release(c->owned.data[i]);
    c->owned.n = 0;
    if (c->model && c->model->nnodes > MOST_NODES)
        end_model(c);
}

void oo__constants_free(oo__constants *c) {
    if (!c)
        return;
    oo__constants_reset(c);
    end_model(c);
    oo_vec_free(&c->owned);
    oo_context_free(c->context);
    free(c);
}

static oo_array *keep(oo__constants *c, oo_array *array) {
    if (array)
        oo_vec_push(NULL, &c->owned, array);
    return array;
}

oo__operand oo__computed(oo__constants *c, oo_array *array, oo_elem elem) {
    return (oo__operand){.kind = OO__COMPUTED, .array = keep(c, array), .elem = elem};
}

/* ---- arrays ---- */
static bool is_float(oo_elem elem) { return elem == OO_FLOAT || elem == OO_DOUBLE || elem == OO_FLOAT16 || elem == OO_BFLOAT16; }

/* The same numbers in another element type, rounded when that is narrower. A new array. */
static oo_array *converted(const oo_array *a, oo_elem elem) {
    oo_array *const out = oo__array_new(elem, a->rank, a->dims);
    if (!out)
        return NULL;
    if (a->elem == OO_DOUBLE && is_float(elem)) {
        oo__array_from_doubles(out, a->data);
        return out;
    }
    if (a->elem == OO_FLOAT && elem == OO_DOUBLE) {
        for (uint64_t i = 0; i < a->count; i++)
            ((double *)out->data)[i] = (double)((const float *)a->data)[i];
        return out;
    }
    if (is_float(a->elem) && is_float(elem)) {
        double *const numbers = oo__array_doubles(a);
        oo__array_from_doubles(out, numbers);
        free(numbers);
        return out;
    }
    for (uint64_t i = 0; i < a->count; i++) {
        if (is_float(elem) || is_float(a->elem))
            oo__array_set_double(out, i, oo__array_double(a, i));
        else
            oo__array_set_int(out, i, oo__array_int(a, i));
    }
    return out;
}

static oo_array *scalar(oo_elem elem, double number) {
    oo_array *const out = oo__array_new(elem, 0, NULL);
    if (out)
        oo__array_set_double(out, 0, number);
    return out;
}

/* As it is: a constant of the graph in its own type, a computed one as it was computed. */
static oo_array *raw_array(oo__constants *c, oo__operand *o) {
    if (o->kind == OO__COMPUTED)
        return o->array;
    if (o->kind == OO__LITERAL)
        return keep(c, scalar(OO_DOUBLE, o->number));
    const oo_tensor *const tensor = oo__operand_tensor(o);
    return tensor && oo_tensor_count(tensor) <= MOST_ELEMENTS ? keep(c, oo__array_of_tensor(tensor)) : NULL;
}

oo_array *oo__constant_array(oo__constants *c, oo__operand *o) {
    oo_array *const array = raw_array(c, o);
    return array && is_float(array->elem) && array->elem != OO_DOUBLE ? keep(c, converted(array, OO_DOUBLE)) : array;
}

oo__operand oo__constant_of_term(oo__rule_run *run, const oo__term *term) {
    double number;
    uint32_t count = 0;
    if (term->sort == OO__SORT_VALUE)
        return term->operand;
    if (oo__real_of(term, &number))
        return (oo__operand){.kind = OO__LITERAL, .number = number};
    const int64_t *const ints = oo__ints_of(run, term, &count);
    const bool real = term->sort == OO__SORT_FLOATS;
    const int64_t dims[] = {real ? term->count : count};
    oo_array *const array = ints || real ? oo__array_new(real ? OO_DOUBLE : OO_INT64, 1, dims) : NULL;
    if (!array)
        return (oo__operand){.kind = OO__ABSENT};
    oo__operand out = oo__computed(run->constants, array, array->elem);
    out.listed = true;
    for (uint32_t i = 0; i < array->count; i++) {
        if (real && !oo__real_of(&term->items[i], &number))
            return (oo__operand){.kind = OO__ABSENT};
        if (real)
            oo__array_set_double(array, i, number);
        else
            oo__array_set_int(array, i, ints[i]);
    }
    return out;
}

/* ---- running an operator ---- */
static void begin_model(oo__constants *c) {
    if (c->model)
        return;
    c->model = oo__model_new(c->context, "constants");
    c->model->ir_version = 13;
    c->model->has_ir_version = true;
    oo_vec_push(c->model->arena, &c->model->opsets,
                (oo_opset){.domain = c->model->empty, .version = oo__schema_latest_opset(""), .has_version = true});
    c->model->graph = oo__graph_new(c->model, NULL);
    c->evaluator = oo__evaluator_new(c->model, &(oo_eval_settings){.step_limit = 1 << 20});
}

static oo_attr *new_attr(oo_model *model, const oo__set_attr *set) {
    oo_attr *const a = OO_NEW(model->arena, oo_attr);
    const oo__term *const t = &set->value;
    if (set->copy)
        *a = *set->copy;
    a->name = oo__str(model, set->name);
    a->has_type = true;
    if (set->copy)
        return a;
    switch (t->sort) {
    case OO__SORT_INT:
    case OO__SORT_TYPE:
        a->type = OO_ATTR_INT;
        a->i = t->number;
        break;
    case OO__SORT_FLOAT:
        a->type = OO_ATTR_FLOAT;
        a->f = (float)t->real;
        break;
    case OO__SORT_STRING:
        a->type = OO_ATTR_STRING;
        a->s = (oo_bytes){(const uint8_t *)oo__arena_copy(model->arena, t->string, strlen(t->string)), strlen(t->string)};
        break;
    case OO__SORT_INTS:
        a->type = OO_ATTR_INTS;
        a->count = t->count;
        a->ints = OO_NEW_ARRAY(model->arena, int64_t, t->count + 1);
        for (uint32_t i = 0; i < t->count; i++)
            if (!oo__int_of(&t->items[i], &a->ints[i]))
                return NULL;
        break;
    default: return NULL;
    }
    return a;
}

static oo_node *make_node(oo__rule_run *run, const oo__operator *op, const char *name, uint32_t nin, uint32_t nout) {
    enum { MOST = 16 };
    oo__set_attr attrs[MOST];
    uint32_t count = 0;
    oo_model *const model = run->constants->model;
    if (!oo__call_attrs(run, op, attrs, MOST, &count))
        return NULL;
    oo_node *const node = oo__node_new(model->graph, NULL, name, nin, nout, count);
    for (uint32_t i = 0; i < count; i++)
        if (!(node->attrs[i] = new_attr(model, &attrs[i])))
            return NULL;
    for (uint32_t i = 0; i < nout; i++)
        oo__node_set_output(node, i, oo__value_new(model->graph, NULL));
    return node;
}

/* The type constraint of an input or output, -1 when it has a type of its own. */
static int32_t constraint_of(const oo_schema_io *io) { return io ? io->constraint : -1; }

/* The type that a number has at an input: that of another input under the same constraint, or the only one that may stand there. */
static oo_elem type_of_number(const oo_schema *schema, const oo__operand *args, uint32_t nargs, uint32_t index) {
    const oo_schema_io *const io = oo__schema_input(schema, index);
    for (uint32_t i = 0; io && i < nargs; i++) {
        const bool same = io->constraint >= 0 && constraint_of(oo__schema_input(schema, i)) == io->constraint;
        if (same && oo__operand_elem(&args[i]) != OO_UNDEFINED)
            return oo__operand_elem(&args[i]);
    }
    const uint32_t mask = io ? io->types->elems[OO_FORM_TENSOR] : 0;
    for (int e = 1; e < OO_ELEM_COUNT; e++)
        if (mask == 1u << e)
            return (oo_elem)e;
    return OO_UNDEFINED;
}

/* The type of an output: that of an input under the same constraint; OO_UNDEFINED when no input has it. */
static oo_elem type_of_output(const oo_schema *schema, const oo__operand *args, uint32_t nargs, uint32_t index, bool *shared) {
    const int32_t constraint = constraint_of(oo__schema_output(schema, index));
    *shared = false;
    oo_elem elem = OO_UNDEFINED;
    for (uint32_t i = 0; i < nargs && constraint >= 0; i++) {
        if (constraint_of(oo__schema_input(schema, i)) != constraint)
            continue;
        *shared = true;
        if (elem == OO_UNDEFINED)
            elem = oo__operand_elem(&args[i]);
    }
    return elem;
}

/* The inputs as the operator gets them: doubles, or numbers of their own type when the result's type is not that of an input. What only
 * moves elements gets them as they are, which for large weights is half the memory. */
static bool gather(oo__rule_run *run, const oo_schema *schema, oo__operand *args, uint32_t nargs, bool in_double, oo_datum **in) {
    bool raw = in_double && (schema->traits & OO_TRAIT_MOVEMENT);
    for (uint32_t i = 0; i < nargs; i++)
        raw = raw && args[i].kind != OO__COMPUTED && args[i].kind != OO__LITERAL;
    for (uint32_t i = 0; i < nargs; i++) {
        if (args[i].kind == OO__ABSENT)
            continue;
        oo_array *array = raw_array(run->constants, &args[i]);
        oo_elem elem = oo__operand_elem(&args[i]);
        if (args[i].kind == OO__LITERAL)
            elem = type_of_number(schema, args, nargs, i);
        const bool real = elem == OO_UNDEFINED || is_float(elem);
        const oo_elem wanted = raw || elem == OO_UNDEFINED ? OO_UNDEFINED : real && in_double ? OO_DOUBLE : elem;
        if (array && wanted != OO_UNDEFINED && array->elem != wanted)
            array = keep(run->constants, converted(array, wanted));
        if (!array)
            return false;
        in[i] = oo__datum_tensor(oo__array_retain(array));
    }
    return true;
}

static oo__operand result(oo__rule_run *run, const oo_datum *datum, oo_elem elem) {
    oo_array *const array = oo__array_retain(datum->array);
    if (elem == OO_UNDEFINED && array->elem == OO_DOUBLE && array->rank == 0) {
        const double number = oo__array_double(array, 0);
        oo__array_release(array);
        return (oo__operand){.kind = OO__LITERAL, .number = number};
    }
    if (!is_float(array->elem))
        return oo__computed(run->constants, array, array->elem);
    return oo__computed(run->constants, array, elem == OO_UNDEFINED ? array->elem : elem);
}

/* The name of the largest constant among the inputs. */
static const char *stem_of(const oo__operand *args, uint32_t nargs) {
    const char *stem = NULL;
    uint64_t most = 0;
    for (uint32_t i = 0; i < nargs; i++) {
        const char *const own = args[i].kind == OO__GRAPH_VALUE ? args[i].value->name : args[i].stem;
        const uint64_t count = args[i].kind == OO__ABSENT ? 0 : oo__operand_count(&args[i]);
        if (!own || count <= most)
            continue;
        most = count;
        stem = own;
    }
    return stem;
}

bool oo__constant_fold(oo__rule_run *run, oo__operand *out, uint32_t nout, const oo__operator *op, const char *name,
                       const oo__operand *given, uint32_t nargs) {
    enum { MOST = 8 };
    if (!op->schema || *op->domain || nargs > MOST || nout > MOST || !(op->schema->traits & OO_TRAIT_PURE))
        return false;
    oo__operand args[MOST];
    memcpy(args, given, nargs * sizeof *args);
    oo_datum *in[MOST] = {0}, *results[MOST] = {0};
    bool shared = true;
    const oo_elem elem = type_of_output(op->schema, args, nargs, 0, &shared);
    begin_model(run->constants);
    oo_node *const node = make_node(run, op, name, nargs, nout);
    bool ok = node && oo__can_evaluate(node) && gather(run, op->schema, args, nargs, shared, in) &&
              oo__evaluate_node(run->constants->evaluator, node, in, results) == OO_OK && !oo__evaluator_disputed(run->constants->evaluator);
    for (uint32_t i = 0; i < nout && ok; i++) {
        ok = results[i] && results[i]->kind == OO_DATUM_TENSOR && results[i]->array->count <= MOST_ELEMENTS;
        bool same;
        const oo_elem own = i ? type_of_output(op->schema, args, nargs, i, &same) : elem;
        if (ok)
            out[i] = result(run, results[i], shared ? own : results[i]->array->elem);
        ok = ok && out[i].kind != OO__ABSENT;
        out[i].stem = stem_of(args, nargs);
    }
    for (uint32_t i = 0; i < MOST; i++) {
        oo__datum_release(in[i]);
        oo__datum_release(results[i]);
    }
    return ok;
}

/* ---- tensors ---- */
static double smallest_normal(oo_elem elem) { return elem == OO_FLOAT16 ? 0x1p-14 : elem == OO_BFLOAT16 ? 0x1p-126 : 0; }

/* Whether rounding to the type keeps numbers numbers, and in 16 bits all their digits. */
static bool fits_type(const oo_array *wide, const oo_array *narrow, oo_elem elem, const char **why) {
    const double least = smallest_normal(elem);
    if (wide->elem == OO_DOUBLE && elem == OO_FLOAT) {
        bool grew = false;
        for (uint64_t i = 0; i < wide->count; i++)
            grew |= isfinite(((const double *)wide->data)[i]) && !isfinite(((const float *)narrow->data)[i]);
        *why = "a new constant overflows its type";
        return !grew;
    }
    for (uint64_t i = 0; i < wide->count; i++) {
        const double a = oo__array_double(wide, i), b = oo__array_double(narrow, i);
        if (isfinite(a) && !isfinite(b)) {
            *why = "a new constant overflows its type";
            return false;
        }
        if (fabs(a) < least && a != b) {
            *why = "a new constant would be denormal in its type";
            return false;
        }
    }
    return true;
}

oo_tensor *oo__constant_tensor(oo__rule_run *run, oo__operand *o, oo_elem elem, const char **why) {
    *why = "the type of a number is not known";
    if (elem == OO_UNDEFINED)
        elem = oo__operand_elem(o);
    if (elem == OO_UNDEFINED || elem == OO_STRING)
        return NULL;
    *why = "a constant's data is not to be had, or it is too large";
    oo_array *const wide = raw_array(run->constants, o);
    oo_array *const array = !wide || wide->elem == elem ? wide : keep(run->constants, converted(wide, elem));
    if (!array)
        return NULL;
    if (array != wide && is_float(elem) && is_float(wide->elem) && !fits_type(wide, array, elem, why))
        return NULL;
    if (array != wide && !is_float(elem)) {
        *why = "a number does not fit its type";
        for (uint64_t i = 0; i < array->count; i++)
            if (oo__array_double(array, i) != oo__array_double(wide, i))
                return NULL;
    }
    return oo__tensor_of_array(run->model, array);
}
