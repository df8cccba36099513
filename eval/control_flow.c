/* If, Loop and Scan. */
#include "eval/evaluator.h"
#include "eval/kernels.h"
#include "eval/pieces.h"
#include "eval/random.h"

#include <stdlib.h>
#include <string.h>

static void release_all(oo_datum **list, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        oo__datum_release(list[i]);
        list[i] = NULL;
    }
}

static void free_list(oo_datum **list, uint32_t n) {
    release_all(list, n);
    free(list);
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

static bool is_scalar(const oo_array *a, oo_elem elem) { return a && a->elem == elem && a->count == 1; }

/* ---- If ---- */
oo_status oo__kernel_if(oo__call *c) {
    const oo_array *const condition = oo__in(c, 0);
    if (!is_scalar(condition, OO_BOOL))
        return oo__eval_fail(c, "the condition is no bool scalar");
    const char *const branch = *(const uint8_t *)condition->data ? "then_branch" : "else_branch";
    return oo__run_subgraph(c, branch, NULL, 0, c->out, c->nout);
}

/* ---- results that grow: one slice an iteration ---- */
typedef struct slices {
    oo_datum **items;
    uint64_t n, room, bytes;
} slices;

static slices *new_slices(uint32_t n) {
    slices *const list = calloc(n + 1u, sizeof *list);
    if (!list)
        oo__oom(n * sizeof *list);
    return list;
}

/* Takes the reference and leaves NULL behind. */
static oo_status add_slice(const oo__call *c, slices *s, oo_datum **datum) {
    oo_datum *const d = *datum;
    *datum = NULL;
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 8;
        s->items = oo__realloc(s->items, s->room * sizeof *s->items);
    }
    s->items[s->n++] = d;
    if (d->kind != OO_DATUM_TENSOR)
        return oo__eval_fail(c, "a scan output of the body is no tensor");
    s->bytes += d->array->count * oo__array_width(d->array->elem);
    return s->bytes <= oo__eval_limit ? OO_OK
                                      : oo__eval_fail(c, "a scan output is larger than the limit for one tensor");
}

static void free_slices(slices *list, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        for (uint64_t i = 0; i < list[k].n; i++)
            oo__datum_release(list[k].items[i]);
        free(list[k].items);
    }
    free(list);
}

/* No iteration at all: the shape comes from the body's declared output; what is not known counts as 0. The type may also be that of the
 * stacked output. */
static oo_array *no_slices(const oo_graph *body, uint32_t index, int64_t axis, const oo_value *stacked) {
    const oo_value_info *const output = &body->outputs.data[index];
    const oo_type *const type = output->type ? output->type : output->value->type;
    oo_elem elem = oo_type_elem(type);
    if (elem == OO_UNDEFINED && stacked)
        elem = oo_type_elem(stacked->type);
    if (elem == OO_UNDEFINED)
        elem = OO_FLOAT;
    const int32_t rank = oo_type_rank(type) > 0 ? oo_type_rank(type) : 0;
    int64_t dims[OO__MAX_RANK] = {0};
    if (rank + 1 > OO__MAX_RANK || !oo__axis(&axis, (uint32_t)rank + 1))
        return NULL;
    for (int32_t i = 0; i < rank; i++) {
        const int64_t dim = oo_type_dim(type, (uint32_t)i);
        dims[i < axis ? i : i + 1] = dim > 0 ? dim : 0;
    }
    return oo__array_new(elem, (uint32_t)rank + 1, dims);
}

static oo_array *stacked(const slices *s, const oo_graph *body, uint32_t index, int64_t axis, bool backwards, const oo_value *out) {
    const oo__joint how = {.axis = axis, .stacked = true, .backwards = backwards};
    return s->n ? oo__join(s->items, s->n, &how) : no_slices(body, index, axis, out);
}

static oo_status set_stacked(oo__call *c, uint32_t output, oo_array *out) {
    return out ? oo__set(c, output, out)
               : oo__eval_fail(c, "the results of the iterations differ in shape or type, or the axis is out of range");
}

/* One iteration; random operators draw other numbers than in the others. */
static oo_status run_body(oo__call *c, int64_t number, oo_datum *const *in, uint32_t nin, oo_datum **out,
                          uint32_t nout) {
    const uint64_t random = oo__random_enter(c->evaluator, (uint64_t)number);
    const oo_status status = oo__run_subgraph(c, "body", in, nin, out, nout);
    c->evaluator->random = random;
    return status;
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

static oo_status iterate(loop *l, int64_t number) {
    oo__datum_release(l->state[0]);
    l->state[0] = oo__datum_tensor(oo__array_scalar(OO_INT64, &number));
    OO_TRY(run_body(l->c, number, l->state, l->carried + 2, l->result, l->body->outputs.n));
    for (uint32_t i = 0; i < l->carried + 1; i++) {
        oo__datum_release(l->state[i + 1]);
        l->state[i + 1] = l->result[i];
        l->result[i] = NULL;
    }
    const oo_datum *const condition = l->state[1];
    if (condition->kind != OO_DATUM_TENSOR || !is_scalar(condition->array, OO_BOOL))
        return oo__eval_fail(l->c, "the condition that the body gives is no bool scalar");
    for (uint32_t i = 0; i < l->scanned; i++)
        OO_TRY(add_slice(l->c, &l->slices[i], &l->result[l->carried + 1 + i]));
    return OO_OK;
}

static oo_status run_loop(loop *l, int64_t trips, bool limited) {
    const uint32_t most = l->c->evaluator->settings.loop_limit;
    for (int64_t i = 0; (!limited || i < trips) && *(const uint8_t *)l->state[1]->array->data; i++) {
        if (i >= (int64_t)most)
            return oo__eval_fail(l->c, "the loop runs more than %u times", most);
        OO_TRY(iterate(l, i));
    }
    for (uint32_t i = 0; i < l->carried && i < l->c->nout; i++)
        l->c->out[i] = oo__datum_retain(l->state[i + 2]);
    for (uint32_t i = 0; i < l->scanned && l->carried + i < l->c->nout; i++)
        OO_TRY(set_stacked(l->c, l->carried + i, stacked(&l->slices[i], l->body, l->carried + 1 + i, 0, false, oo_node_output(l->c->node, l->carried + i))));
    return OO_OK;
}

oo_status oo__kernel_loop(oo__call *c) {
    const oo_graph *const body = graph_of(c, "body");
    const uint32_t carried = c->nin > 2 ? c->nin - 2 : 0;
    if (!body || body->outputs.n < carried + 1 || body->inputs.n != carried + 2)
        return oo__eval_fail(c, "the body does not fit the loop's inputs");
    const oo_array *trips, *condition;
    if (!oo__want(c, 0, &trips) || !oo__want(c, 1, &condition))
        return OO_INVALID;
    if ((trips && !is_scalar(trips, OO_INT64)) || (condition && !is_scalar(condition, OO_BOOL)))
        return oo__eval_fail(c, "trip count or condition is no scalar of its type");
    loop l = {.c = c, .body = body, .carried = carried, .scanned = body->outputs.n - carried - 1};
    l.state = new_list(carried + 2);
    l.result = new_list(body->outputs.n);
    l.slices = new_slices(l.scanned);
    const uint8_t go = condition ? *(const uint8_t *)condition->data : 1;
    l.state[1] = oo__datum_tensor(oo__array_scalar(OO_BOOL, &go));
    for (uint32_t i = 0; i < carried; i++)
        l.state[i + 2] = oo__datum_retain(c->in[i + 2]);
    const oo_status status = run_loop(&l, trips ? *(const int64_t *)trips->data : 0, trips != NULL);
    free_list(l.state, carried + 2);
    free_list(l.result, body->outputs.n);
    free_slices(l.slices, l.scanned);
    return status;
}

/* ---- Scan ---- */
typedef struct scan {
    oo__call *c;
    const oo_graph *body;
    uint32_t states, inputs, outputs;
    int64_t extent, length; /* of the scanned axes; how many steps of that are made */
    const char *directions; /* attribute with a direction for each scanned input */
    oo_datum **state;       /* states, then the slices of the inputs: inputs of the body */
    oo_datum **result;
    slices *slices;
} scan;

static int64_t listed(const oo__call *c, const char *name, uint32_t index) {
    uint32_t n;
    const int64_t *const list = oo__ints(c, name, &n);
    return index < n ? list[index] : 0;
}

/* Finds the common length of the scanned axes. */
static oo_status measure(scan *s) {
    s->extent = -1;
    for (uint32_t i = 0; i < s->inputs; i++) {
        const oo_array *a;
        int64_t axis = listed(s->c, "scan_input_axes", i);
        if (!oo__need(s->c, s->states + i, &a))
            return OO_INVALID;
        if (!oo__axis(&axis, a->rank))
            return oo__eval_fail(s->c, "axis of scanned input %u is out of range", i);
        if (s->extent >= 0 && a->dims[axis] != s->extent)
            return oo__eval_fail(s->c, "the scanned inputs differ in length: %lld and %lld", (long long)s->extent,
                                 (long long)a->dims[axis]);
        s->extent = a->dims[axis];
    }
    if (s->extent > (int64_t)s->c->evaluator->settings.loop_limit)
        return oo__eval_fail(s->c, "the scan has more than %u steps", s->c->evaluator->settings.loop_limit);
    return OO_OK;
}

static oo_status scan_step(scan *s, int64_t number) {
    for (uint32_t i = 0; i < s->inputs; i++) {
        const oo_array *const a = oo__in(s->c, s->states + i);
        int64_t axis = listed(s->c, "scan_input_axes", i);
        (void)oo__axis(&axis, a->rank);
        const bool backwards = listed(s->c, s->directions, i) != 0;
        oo__datum_release(s->state[s->states + i]);
        s->state[s->states + i] =
            oo__datum_tensor(oo__cut_one(a, (uint32_t)axis, backwards ? s->length - 1 - number : number));
    }
    OO_TRY(run_body(s->c, number, s->state, s->states + s->inputs, s->result, s->body->outputs.n));
    for (uint32_t i = 0; i < s->states; i++) {
        oo__datum_release(s->state[i]);
        s->state[i] = s->result[i];
        s->result[i] = NULL;
    }
    for (uint32_t i = 0; i < s->outputs; i++)
        OO_TRY(add_slice(s->c, &s->slices[i], &s->result[s->states + i]));
    return OO_OK;
}

/* Puts zeros behind a result of fewer steps than the axis has; takes the reference. */
static oo_array *padded(oo_array *a, int64_t extent) {
    if (!a || a->dims[0] >= extent)
        return a;
    int64_t dims[OO__MAX_RANK];
    memcpy(dims, a->dims, a->rank * sizeof *dims);
    dims[0] = extent;
    oo_array *const out = oo__array_new(a->elem, a->rank, dims);
    if (out) {
        oo__fill_zero(out);
        oo__copy_run(out, 0, a, 0, a->count);
    }
    oo__array_release(a);
    return out;
}

static oo_status run_scan(scan *s, int64_t length) {
    OO_TRY(measure(s));
    s->length = length < 0 ? s->extent : length;
    if (s->length > s->extent)
        return oo__eval_fail(s->c, "a sequence is said to have %lld steps of %lld", (long long)s->length,
                             (long long)s->extent);
    for (int64_t i = 0; i < s->length; i++)
        OO_TRY(scan_step(s, i));
    for (uint32_t i = 0; i < s->states && i < s->c->nout; i++)
        s->c->out[i] = oo__datum_retain(s->state[i]);
    for (uint32_t i = 0; i < s->outputs; i++) {
        oo_array *out = stacked(&s->slices[i], s->body, s->states + i, listed(s->c, "scan_output_axes", i),
                                listed(s->c, "scan_output_directions", i) != 0, oo_node_output(s->c->node, s->states + i));
        if (s->length < s->extent)
            out = padded(out, s->extent);
        OO_TRY(set_stacked(s->c, s->states + i, out));
    }
    return OO_OK;
}

/* `length` is how many steps are made, -1 = all. */
static oo_status scan_call(oo__call *c, int64_t length, const char *directions) {
    const oo_graph *const body = graph_of(c, "body");
    const int64_t inputs = oo__int(c, "num_scan_inputs", 0);
    if (!body || inputs < 1 || inputs > (int64_t)c->nin || body->outputs.n < c->nin - (uint32_t)inputs ||
        body->inputs.n != c->nin)
        return oo__eval_fail(c, "the body does not fit the scan's inputs");
    scan s = {.c = c,
              .body = body,
              .inputs = (uint32_t)inputs,
              .states = c->nin - (uint32_t)inputs,
              .directions = directions};
    s.outputs = body->outputs.n - s.states;
    s.state = new_list(c->nin);
    s.result = new_list(body->outputs.n);
    s.slices = new_slices(s.outputs);
    for (uint32_t i = 0; i < s.states; i++)
        s.state[i] = oo__datum_retain(c->in[i]);
    const oo_status status = run_scan(&s, length);
    free_list(s.state, c->nin);
    free_list(s.result, body->outputs.n);
    free_slices(s.slices, s.outputs);
    return status;
}

/* ---- Scan 8: a batch axis in front of everything; each batch is a scan of its own, of its own length ---- */
static oo_status scan_one_batch(oo__call *c, int64_t batch, slices *results) {
    oo_datum **const in = new_list(c->nin), **const out = new_list(c->nout);
    const oo_array *lengths, *a;
    oo_status status = oo__want(c, 0, &lengths) ? OO_OK : OO_INVALID;
    if (lengths &&
        (lengths->elem != OO_INT64 || (uint64_t)batch >= lengths->count || ((const int64_t *)lengths->data)[batch] < 0))
        status = oo__eval_fail(c, "sequence_lens does not fit the batch");
    for (uint32_t i = 1; i < c->nin && status == OO_OK; i++) {
        if (!oo__need(c, i, &a))
            status = OO_INVALID;
        else if (!a->rank || batch >= a->dims[0])
            status = oo__eval_fail(c, "input %u has another batch axis than the first one", i);
        else
            in[i - 1] = oo__datum_tensor(oo__cut_one(a, 0, batch));
    }
    oo__call one = *c;
    one.in = in;
    one.nin = c->nin - 1;
    one.out = out;
    if (status == OO_OK)
        status = scan_call(&one, lengths ? ((const int64_t *)lengths->data)[batch] : -1, "directions");
    for (uint32_t i = 0; i < c->nout && status == OO_OK; i++)
        status =
            out[i] ? add_slice(c, &results[i], &out[i]) : oo__eval_fail(c, "the body gives nothing for output %u", i);
    free_list(in, c->nin);
    free_list(out, c->nout);
    return status;
}

static oo_status scan_batches(oo__call *c) {
    const oo_graph *const body = graph_of(c, "body");
    const oo_array *first;
    if (!body || c->nin < 2)
        return oo__eval_fail(c, "the body or an input is missing");
    if (!oo__need(c, 1, &first))
        return OO_INVALID;
    if (!first->rank || !first->dims[0])
        return oo__eval_unsupported(c, "a batch of nothing");
    if (first->dims[0] > (int64_t)c->evaluator->settings.loop_limit)
        return oo__eval_fail(c, "there are more than %u batches", c->evaluator->settings.loop_limit);
    slices *const results = new_slices(c->nout);
    oo_status status = OO_OK;
    for (int64_t b = 0; b < first->dims[0] && status == OO_OK; b++)
        status = scan_one_batch(c, b, results);
    for (uint32_t i = 0; i < c->nout && status == OO_OK; i++)
        status = set_stacked(c, i, stacked(&results[i], body, i, 0, false, NULL));
    free_slices(results, c->nout);
    return status;
}

oo_status oo__kernel_scan(oo__call *c) {
    return c->schema->since < 9 ? scan_batches(c) : scan_call(c, -1, "scan_input_directions");
}
