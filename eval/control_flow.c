/* If, Loop, Scan and SequenceMap. */
#include "eval/broadcast.h"
#include "eval/evaluator.h"
#include "eval/kernels.h"

#include <stdlib.h>
#include <string.h>

static void release_all(oo_datum **list, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        oo__datum_release(list[i]);
        list[i] = NULL;
    }
}

static oo_datum **new_list(uint32_t n) {
    oo_datum **const list = calloc(n + 1u, sizeof *list);
    if (!list)
        oo__oom(n * sizeof *list);
    return list;
}

static const oo_graph *graph_of(const oo__call *c, const char *name) {
    const oo_attr *const a = oo__attr(c, name);
    return a && a->type == OO_ATTR_GRAPH ? a->g : NULL;
}

/* ---- If ---- */
oo_status oo__kernel_if(oo__call *c) {
    const oo_array *const condition = oo__in(c, 0);
    if (!condition || condition->elem != OO_BOOL || condition->count != 1)
        return oo__eval_fail(c, "the condition is no bool scalar");
    const char *const branch = *(const uint8_t *)condition->data ? "then_branch" : "else_branch";
    return oo__run_subgraph(c, branch, NULL, 0, c->out, c->nout);
}

/* ---- results that grow: one slice an iteration ---- */
typedef struct slices {
    oo_datum **items;
    uint64_t n, room;
} slices;

static void add_slice(slices *s, oo_datum *datum) {
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 8;
        s->items = oo__realloc(s->items, s->room * sizeof *s->items);
    }
    s->items[s->n++] = datum;
}

static void free_slices(slices *list, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        for (uint64_t i = 0; i < list[k].n; i++)
            oo__datum_release(list[k].items[i]);
        free(list[k].items);
    }
    free(list);
}

static const oo_type *output_type(const oo_graph *body, uint32_t index) {
    const oo_type *const declared = body->outputs.data[index].type;
    return declared ? declared : body->outputs.data[index].value->type;
}

/* No iteration at all: the shape comes from the body's declared output. */
static oo_array *no_slices(const oo_graph *body, uint32_t index, int64_t axis) {
    const oo_type *const type = output_type(body, index);
    const oo_elem elem = oo_type_elem(type) != OO_UNDEFINED ? oo_type_elem(type) : OO_FLOAT;
    const int32_t rank = oo_type_rank(type);
    int64_t dims[OO__MAX_RANK] = {0};
    uint32_t n = 0;
    for (int32_t i = 0; i < rank && n + 1 < OO__MAX_RANK; i++) {
        if (n == axis)
            dims[n++] = 0;
        dims[n++] = oo_type_dim(type, (uint32_t)i) > 0 ? oo_type_dim(type, (uint32_t)i) : 0;
    }
    if (n <= axis)
        dims[n++] = 0;
    return oo__array_new(elem, n, dims);
}

static bool alike(const oo_array *a, const oo_array *b) {
    return a && b && a->elem == b->elem && a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

/* Stacks the slices along a new axis; `backwards` puts the last one first. NULL when they differ in shape or type. */
static oo_array *stack(const slices *s, int64_t axis, bool backwards) {
    const oo_array *const first = s->items[0]->array;
    int64_t dims[OO__MAX_RANK];
    if (!first || first->rank + 1 > OO__MAX_RANK || axis > (int64_t)first->rank)
        return NULL;
    uint64_t outer = 1;
    for (uint32_t i = 0, k = 0; i <= first->rank; i++)
        dims[i] = i == (uint32_t)axis ? (int64_t)s->n : first->dims[k++];
    for (int64_t i = 0; i < axis; i++)
        outer *= (uint64_t)dims[i];
    oo_array *const out = oo__array_new(first->elem, first->rank + 1, dims);
    const uint64_t part = outer ? first->count / outer : 0;
    const uint32_t width = oo__array_width(first->elem);
    for (uint64_t i = 0; out && i < s->n; i++) {
        const oo_array *const item = s->items[backwards ? s->n - 1 - i : i]->array;
        if (!alike(first, item)) {
            oo__array_release(out);
            return NULL;
        }
        for (uint64_t o = 0; o < outer && item->elem != OO_STRING; o++)
            memcpy((char *)out->data + (o * s->n + i) * part * width, (const char *)item->data + o * part * width, part * width);
        for (uint64_t e = 0; item->elem == OO_STRING && e < item->count; e++)
            oo__array_set_string(out, (e / part * s->n + i) * part + e % part, ((const oo_bytes *)item->data)[e]);
    }
    return out;
}

static oo_status set_stacked(oo__call *c, uint32_t output, const slices *s, const oo_graph *body, uint32_t index, int64_t axis,
                             bool backwards) {
    if (output >= c->nout)
        return OO_OK;
    oo_array *const out = s->n ? stack(s, axis, backwards) : no_slices(body, index, axis);
    return out ? oo__set(c, output, out) : oo__eval_fail(c, "the results of the iterations differ in shape or type");
}

/* ---- Loop ---- */
typedef struct loop {
    oo__call *c;
    const oo_graph *body;
    uint32_t carried, scanned;
    oo_datum **state;  /* iteration number, condition, carried values: inputs of the body */
    oo_datum **result; /* condition, carried values, slices: outputs of the body */
    slices *slices;
} loop;

static bool is_true(const oo_datum *d) {
    return d && d->kind == OO_DATUM_TENSOR && d->array->elem == OO_BOOL && d->array->count == 1 && *(const uint8_t *)d->array->data;
}

static oo_status iterate(loop *l, int64_t number) {
    oo__datum_release(l->state[0]);
    l->state[0] = oo__datum_tensor(oo__array_scalar(OO_INT64, &number));
    OO_TRY(oo__run_subgraph(l->c, "body", l->state, l->carried + 2, l->result, l->body->outputs.n));
    for (uint32_t i = 0; i < l->carried + 1; i++) {
        oo__datum_release(l->state[i + 1]);
        l->state[i + 1] = l->result[i];
        l->result[i] = NULL;
    }
    for (uint32_t i = 0; i < l->scanned; i++) {
        oo_datum **const slice = &l->result[l->carried + 1 + i];
        if ((*slice)->kind != OO_DATUM_TENSOR)
            return oo__eval_fail(l->c, "scan output %u is no tensor", i);
        add_slice(&l->slices[i], *slice);
        *slice = NULL;
    }
    return OO_OK;
}

static oo_status run_loop(loop *l, int64_t trips, bool limited) {
    const uint32_t most = l->c->evaluator->settings.loop_limit;
    for (int64_t i = 0; (!limited || i < trips) && is_true(l->state[1]); i++) {
        if (i >= (int64_t)most)
            return oo__eval_fail(l->c, "the loop ran more than %u times", most);
        OO_TRY(iterate(l, i));
    }
    for (uint32_t i = 0; i < l->carried && i < l->c->nout; i++)
        l->c->out[i] = oo__datum_retain(l->state[i + 2]);
    for (uint32_t i = 0; i < l->scanned; i++)
        OO_TRY(set_stacked(l->c, l->carried + i, &l->slices[i], l->body, l->carried + 1 + i, 0, false));
    return OO_OK;
}

oo_status oo__kernel_loop(oo__call *c) {
    const oo_graph *const body = graph_of(c, "body");
    const uint32_t carried = c->nin > 2 ? c->nin - 2 : 0;
    if (!body || body->outputs.n < carried + 1 || body->inputs.n != carried + 2)
        return oo__eval_fail(c, "the body does not fit the loop's inputs");
    const oo_array *const trips = oo__in(c, 0), *const condition = oo__in(c, 1);
    if ((trips && (trips->count != 1 || trips->elem != OO_INT64)) || (condition && (condition->count != 1 || condition->elem != OO_BOOL)))
        return oo__eval_fail(c, "trip count or condition is no scalar of its type");
    loop l = {.c = c, .body = body, .carried = carried, .scanned = body->outputs.n - carried - 1};
    l.state = new_list(carried + 2);
    l.result = new_list(body->outputs.n);
    l.slices = calloc(l.scanned + 1u, sizeof *l.slices);
    const uint8_t yes = 1;
    l.state[1] = condition ? oo__datum_retain(c->in[1]) : oo__datum_tensor(oo__array_scalar(OO_BOOL, &yes));
    for (uint32_t i = 0; i < carried; i++)
        l.state[i + 2] = oo__datum_retain(c->in[i + 2]);
    const oo_status status = run_loop(&l, trips ? *(const int64_t *)trips->data : 0, trips != NULL);
    release_all(l.state, carried + 2);
    release_all(l.result, body->outputs.n);
    free(l.state);
    free(l.result);
    free_slices(l.slices, l.scanned);
    return status;
}

/* ---- Scan 9 and later ---- */
typedef struct scan {
    oo__call *c;
    const oo_graph *body;
    uint32_t states, inputs, outputs;
    oo_datum **state;     /* states, then the slices of the inputs: inputs of the body */
    oo_datum **result;
    slices *slices;
} scan;

/* The slice of `a` at `index` along `axis`. */
static oo_array *slice_at(const oo_array *a, int64_t axis, int64_t index) {
    int64_t dims[OO__MAX_RANK] = {0};
    uint32_t rank = 0;
    uint64_t outer = 1;
    for (uint32_t i = 0; i < a->rank; i++) {
        if (i != (uint32_t)axis)
            dims[rank++] = a->dims[i];
        outer *= i < (uint32_t)axis ? (uint64_t)a->dims[i] : 1;
    }
    oo_array *const out = oo__array_new(a->elem, rank, dims);
    const uint64_t part = outer ? (out ? out->count : 0) / outer : 0, extent = (uint64_t)a->dims[axis];
    const uint32_t width = oo__array_width(a->elem);
    for (uint64_t o = 0; out && o < outer; o++) {
        const uint64_t from = (o * extent + (uint64_t)index) * part;
        if (a->elem != OO_STRING)
            memcpy((char *)out->data + o * part * width, (const char *)a->data + from * width, part * width);
        for (uint64_t e = 0; a->elem == OO_STRING && e < part; e++)
            oo__array_set_string(out, o * part + e, ((const oo_bytes *)a->data)[from + e]);
    }
    return out;
}

static int64_t listed(const oo__call *c, const char *name, uint32_t index) {
    uint32_t n;
    const int64_t *const list = oo__ints(c, name, &n);
    return index < n ? list[index] : 0;
}

/* The common length of the scanned axes, or -1. */
static int64_t scan_length(const scan *s) {
    int64_t length = -1;
    for (uint32_t i = 0; i < s->inputs; i++) {
        const oo_array *const a = oo__in(s->c, s->states + i);
        int64_t axis = listed(s->c, "scan_input_axes", i);
        if (!a || !oo__axis(&axis, a->rank) || a->rank > OO__MAX_RANK || (length >= 0 && a->dims[axis] != length))
            return -1;
        length = a->dims[axis];
    }
    return length;
}

static oo_status scan_step(scan *s, int64_t number, int64_t length) {
    for (uint32_t i = 0; i < s->inputs; i++) {
        const oo_array *const a = oo__in(s->c, s->states + i);
        int64_t axis = listed(s->c, "scan_input_axes", i);
        (void)oo__axis(&axis, a->rank);
        const bool backwards = listed(s->c, "scan_input_directions", i) != 0;
        oo__datum_release(s->state[s->states + i]);
        s->state[s->states + i] = oo__datum_tensor(slice_at(a, axis, backwards ? length - 1 - number : number));
    }
    OO_TRY(oo__run_subgraph(s->c, "body", s->state, s->states + s->inputs, s->result, s->body->outputs.n));
    for (uint32_t i = 0; i < s->states; i++) {
        oo__datum_release(s->state[i]);
        s->state[i] = s->result[i];
        s->result[i] = NULL;
    }
    for (uint32_t i = 0; i < s->outputs; i++) {
        add_slice(&s->slices[i], s->result[s->states + i]);
        s->result[s->states + i] = NULL;
    }
    return OO_OK;
}

static oo_status run_scan(scan *s) {
    const int64_t length = scan_length(s);
    if (length < 0)
        return oo__eval_fail(s->c, "the scanned inputs differ in length, or an axis is out of range");
    for (int64_t i = 0; i < length; i++)
        OO_TRY(scan_step(s, i, length));
    for (uint32_t i = 0; i < s->states && i < s->c->nout; i++)
        s->c->out[i] = oo__datum_retain(s->state[i]);
    for (uint32_t i = 0; i < s->outputs; i++) {
        int64_t axis = listed(s->c, "scan_output_axes", i);
        const oo_array *const first = s->slices[i].n ? s->slices[i].items[0]->array : NULL;
        if (axis < 0 && first)
            axis += (int64_t)first->rank + 1;
        OO_TRY(set_stacked(s->c, s->states + i, &s->slices[i], s->body, s->states + i, axis < 0 ? 0 : axis,
                           listed(s->c, "scan_output_directions", i) != 0));
    }
    return OO_OK;
}

static oo_status scan_call(oo__call *c) {
    const oo_graph *const body = graph_of(c, "body");
    const int64_t inputs = oo__int(c, "num_scan_inputs", 0);
    if (!body || inputs < 1 || inputs > (int64_t)c->nin || body->outputs.n < c->nin - (uint32_t)inputs || body->inputs.n != c->nin)
        return oo__eval_fail(c, "the body does not fit the scan's inputs");
    scan s = {.c = c, .body = body, .inputs = (uint32_t)inputs, .states = c->nin - (uint32_t)inputs};
    s.outputs = body->outputs.n - s.states;
    s.state = new_list(c->nin);
    s.result = new_list(body->outputs.n);
    s.slices = calloc(s.outputs + 1u, sizeof *s.slices);
    for (uint32_t i = 0; i < s.states; i++)
        s.state[i] = oo__datum_retain(c->in[i]);
    const oo_status status = run_scan(&s);
    release_all(s.state, c->nin);
    release_all(s.result, body->outputs.n);
    free(s.state);
    free(s.result);
    free_slices(s.slices, s.outputs);
    return status;
}

/* ---- Scan 8: a batch axis in front of everything, each batch is a scan of its own ---- */
static oo_status scan_one_batch(oo__call *c, int64_t batch, slices *results) {
    oo_datum **const in = new_list(c->nin), **const out = new_list(c->nout);
    bool fit = c->nin > 1 && !c->in[0];
    for (uint32_t i = 1; i < c->nin; i++) {
        const oo_array *const a = oo__in(c, i);
        fit = fit && a && a->rank > 0 && batch < a->dims[0];
        in[i - 1] = fit ? oo__datum_tensor(slice_at(a, 0, batch)) : NULL;
    }
    oo__call one = *c;
    one.in = in;
    one.nin = c->nin - 1;
    one.out = out;
    const oo_status status = fit ? scan_call(&one) : oo__eval_unsupported(c, "Scan of version 8 with sequence lengths or without a batch axis");
    for (uint32_t i = 0; i < c->nout && status == OO_OK; i++) {
        add_slice(&results[i], out[i]);
        out[i] = NULL;
    }
    release_all(in, c->nin);
    release_all(out, c->nout);
    free(in);
    free(out);
    return status;
}

static oo_status scan_batches(oo__call *c) {
    const oo_graph *const body = graph_of(c, "body");
    const oo_array *const first = oo__in(c, 1);
    if (!body || !first || !first->rank)
        return oo__eval_fail(c, "the body or the batch axis is missing");
    slices *const results = calloc(c->nout + 1u, sizeof *results);
    oo_status status = OO_OK;
    for (int64_t b = 0; b < first->dims[0] && status == OO_OK; b++)
        status = scan_one_batch(c, b, results);
    for (uint32_t i = 0; i < c->nout && status == OO_OK; i++)
        status = set_stacked(c, i, &results[i], body, i, 0, false);
    free_slices(results, c->nout);
    return status;
}

oo_status oo__kernel_scan(oo__call *c) { return c->schema->since < 9 ? scan_batches(c) : scan_call(c); }
