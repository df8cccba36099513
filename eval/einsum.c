/* Einsum. Operands are taken in from left to right, two at a time; what no later operand and not the result names is summed away at once.
 * Floating-point types are computed in double and rounded once, integers in 64 bits, wrapping. */
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <stdlib.h>
#include <string.h>

/* Labels: A-Z, a-z in ASCII order, then the dimensions that "..." stands for. */
enum { LETTERS = 52, LABELS = LETTERS + OO__MAX_RANK };

typedef struct labels {
    uint32_t n;
    uint8_t items[LABELS];
    bool ellipsis; /* while parsing: it stands before item `before` */
    uint32_t before;
} labels;

/* How an operand is walked: a step for each label, 0 for labels that it does not have or repeats. */
typedef struct operand {
    const oo_array *array; /* DOUBLE or INT64 */
    bool has[LABELS];
    int64_t steps[LABELS];
} operand;

typedef struct equation {
    const oo__call *c;
    labels *terms; /* [nin] */
    labels result;
    int64_t sizes[LABELS]; /* -1 = in no operand */
    uint32_t uses[LABELS]; /* in how many operands and the result it is yet to come */
    bool integer;
} equation;

/* ---- parsing ---- */
static oo_status parse_term(const oo__call *c, const char **text, labels *out) {
    *out = (labels){0};
    for (;; ++*text) {
        const char k = **text;
        const bool upper = k >= 'A' && k <= 'Z', lower = k >= 'a' && k <= 'z';
        if (upper || lower) {
            if (out->n == OO__MAX_RANK)
                return oo__eval_unsupported(c, "a term of more than %d labels", OO__MAX_RANK);
            out->items[out->n++] = (uint8_t)(upper ? k - 'A' : k - 'a' + 26);
        } else if (k == '.') {
            if (out->ellipsis || strncmp(*text, "...", 3) != 0)
                return oo__eval_fail(c, "a term has a dot that is not part of its one ellipsis");
            out->ellipsis = true;
            out->before = out->n;
            *text += 2;
        } else if (k != ' ') {
            return OO_OK;
        }
    }
}

static oo_status parse(equation *e, bool *explicit) {
    const char *text = oo__string(e->c, "equation", "");
    for (uint32_t i = 0; i < e->c->nin; i++) {
        OO_TRY(parse_term(e->c, &text, &e->terms[i]));
        if (i + 1 < e->c->nin && *text++ != ',')
            return oo__eval_fail(e->c, "the equation has fewer terms than there are inputs");
    }
    *explicit = strncmp(text, "->", 2) == 0;
    if (*explicit) {
        text += 2;
        OO_TRY(parse_term(e->c, &text, &e->result));
    }
    return *text ? oo__eval_fail(e->c, "the equation has '%s' where it should end", oo__printable(text, strlen(text)))
                 : OO_OK;
}

/* Puts the labels of `count` dimensions in place of the ellipsis; those of all terms end at the same label. */
static bool expand(labels *l, uint32_t count) {
    if (!l->ellipsis || l->n + count > OO__MAX_RANK)
        return !l->ellipsis;
    memmove(l->items + l->before + count, l->items + l->before, l->n - l->before);
    for (uint32_t k = 0; k < count; k++)
        l->items[l->before + k] = (uint8_t)(LABELS - count + k);
    l->n += count;
    return true;
}

static oo_status bind_sizes(equation *e, const labels *l, const oo_array *a) {
    if (l->n != a->rank)
        return oo__eval_fail(e->c, "a term has %u labels for an input of %u dimensions", l->n, a->rank);
    for (uint32_t k = 0; k < l->n; k++) {
        int64_t *const size = &e->sizes[l->items[k]];
        if (*size < 0 || *size == 1)
            *size = a->dims[k];
        else if (a->dims[k] != *size && a->dims[k] != 1)
            return oo__eval_fail(e->c, "a label stands for %lld and for %lld", (long long)*size, (long long)a->dims[k]);
    }
    return OO_OK;
}

/* The labels that occur once, in ASCII order, behind the ellipsis. */
static void implied_result(equation *e, uint32_t ellipsis) {
    uint32_t seen[LABELS] = {0};
    for (uint32_t i = 0; i < e->c->nin; i++)
        for (uint32_t k = 0; k < e->terms[i].n; k++)
            seen[e->terms[i].items[k]]++;
    e->result = (labels){0};
    for (uint32_t k = 0; k < ellipsis; k++)
        e->result.items[e->result.n++] = (uint8_t)(LABELS - ellipsis + k);
    for (uint32_t k = 0; k < LETTERS; k++)
        if (seen[k] == 1)
            e->result.items[e->result.n++] = (uint8_t)k;
}

/* Counts in how many terms each label is; the result must have each once, and only what the operands have. */
static oo_status count_uses(equation *e) {
    for (uint32_t i = 0; i <= e->c->nin; i++) {
        const bool last = i == e->c->nin;
        const labels *const l = last ? &e->result : &e->terms[i];
        bool here[LABELS] = {false};
        for (uint32_t k = 0; k < l->n; k++) {
            const uint8_t label = l->items[k];
            if (last && (here[label] || e->sizes[label] < 0))
                return oo__eval_fail(e->c, "the result names a label twice, or one that no input has");
            e->uses[label] += !here[label];
            here[label] = true;
        }
    }
    return OO_OK;
}

static oo_status prepare(equation *e) {
    bool explicit = false;
    uint32_t ellipsis = 0;
    OO_TRY(parse(e, &explicit));
    for (uint32_t i = 0; i < e->c->nin; i++) {
        const oo_array *a;
        if (!oo__need(e->c, i, &a))
            return OO_INVALID;
        if (!oo__is_number(a) || a->elem != oo__in(e->c, 0)->elem)
            return oo__eval_fail(e->c, "the inputs are not of one type of numbers");
        if (a->rank < e->terms[i].n)
            return oo__eval_fail(e->c, "a term has %u labels for an input of %u dimensions", e->terms[i].n, a->rank);
        const uint32_t own = a->rank - e->terms[i].n;
        if (e->terms[i].ellipsis && own > ellipsis)
            ellipsis = own;
        if (!expand(&e->terms[i], own))
            return oo__eval_unsupported(e->c, "a term of more than %d labels", OO__MAX_RANK);
    }
    for (uint32_t k = 0; k < LABELS; k++)
        e->sizes[k] = -1;
    for (uint32_t i = 0; i < e->c->nin; i++)
        OO_TRY(bind_sizes(e, &e->terms[i], oo__in(e->c, i)));
    if (!explicit)
        implied_result(e, ellipsis);
    else if (!expand(&e->result, ellipsis))
        return oo__eval_unsupported(e->c, "a result of more than %d dimensions", OO__MAX_RANK);
    if (e->result.n > OO__MAX_RANK)
        return oo__eval_unsupported(e->c, "a result of more than %d dimensions", OO__MAX_RANK);
    return count_uses(e);
}

/* ---- contraction ---- */
/* The steps of an array with these labels; a dimension of 1 is walked in place, a repeated label along the diagonal. */
static void set_steps(operand *o, const labels *l) {
    uint64_t step = 1;
    memset(o->has, 0, sizeof o->has);
    memset(o->steps, 0, sizeof o->steps);
    for (uint32_t k = l->n; k-- > 0;) {
        o->has[l->items[k]] = true;
        if (o->array->dims[k] != 1)
            o->steps[l->items[k]] += (int64_t)step;
        step *= (uint64_t)o->array->dims[k];
    }
}

typedef struct loops {
    uint32_t n;
    int64_t sizes[LABELS], a[LABELS], b[LABELS];
    uint64_t count;
} loops;

typedef struct job {
    const oo_array *a, *b; /* b NULL: 1 */
    oo_array *out;
    loops outer, inner;
} job;

static void add_loop(loops *l, int64_t size, int64_t a, int64_t b) {
    l->sizes[l->n] = size;
    l->a[l->n] = a;
    l->b[l->n++] = b;
    l->count = (uint64_t)oo__times((int64_t)l->count, size);
}

/* Goes on to the next index, the last loop first. */
static void advance(const loops *l, int64_t *index, int64_t *a, int64_t *b) {
    for (uint32_t k = l->n; k-- > 0;) {
        *a += l->a[k];
        *b += l->b[k];
        if (++index[k] < l->sizes[k])
            return;
        *a -= l->a[k] * l->sizes[k];
        *b -= l->b[k] * l->sizes[k];
        index[k] = 0;
    }
}

/* The sum over the inner loops; the last of them is run in one go. */
static double sum_doubles(const job *j, const loops *rest, int64_t a, int64_t b) {
    const double *const x = j->a->data, *const y = j->b ? j->b->data : NULL;
    const uint32_t last = j->inner.n - 1;
    const int64_t n = j->inner.sizes[last], sa = j->inner.a[last], sb = j->inner.b[last];
    int64_t index[LABELS] = {0};
    double sum = 0;
    for (uint64_t i = 0; i < rest->count; i++) {
        for (int64_t k = 0; k < n; k++)
            sum += y ? x[a + k * sa] * y[b + k * sb] : x[a + k * sa];
        advance(rest, index, &a, &b);
    }
    return sum;
}

static uint64_t sum_ints(const job *j, const loops *rest, int64_t a, int64_t b) {
    const uint64_t *const x = j->a->data, *const y = j->b ? j->b->data : NULL;
    const uint32_t last = j->inner.n - 1;
    const int64_t n = j->inner.sizes[last], sa = j->inner.a[last], sb = j->inner.b[last];
    int64_t index[LABELS] = {0};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rest->count; i++) {
        for (int64_t k = 0; k < n; k++)
            sum += y ? x[a + k * sa] * y[b + k * sb] : x[a + k * sa];
        advance(rest, index, &a, &b);
    }
    return sum;
}

static void run_part(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    int64_t index[LABELS] = {0}, a = 0, b = 0;
    uint64_t rest_of_first = first;
    for (uint32_t k = j->outer.n; k-- > 0;) {
        index[k] = (int64_t)(rest_of_first % (uint64_t)j->outer.sizes[k]);
        rest_of_first /= (uint64_t)j->outer.sizes[k];
        a += index[k] * j->outer.a[k];
        b += index[k] * j->outer.b[k];
    }
    loops rest = {.count = 1};
    for (uint32_t k = 0; k + 1 < j->inner.n; k++)
        add_loop(&rest, j->inner.sizes[k], j->inner.a[k], j->inner.b[k]);
    for (uint64_t i = first; i < last; i++) {
        if (j->out->elem == OO_DOUBLE)
            ((double *)j->out->data)[i] = j->inner.count ? sum_doubles(j, &rest, a, b) : 0;
        else
            ((uint64_t *)j->out->data)[i] = j->inner.count ? sum_ints(j, &rest, a, b) : 0;
        advance(&j->outer, index, &a, &b);
    }
}

/* A new array with the labels `kept` of the product of two operands (b NULL: of one). NULL when the memory was refused. */
static oo_array *contract(const equation *e, const operand *a, const operand *b, const labels *kept) {
    int64_t dims[LABELS];
    bool is_kept[LABELS] = {false};
    job j = {.a = a->array, .b = b ? b->array : NULL, .outer.count = 1, .inner.count = 1};
    for (uint32_t k = 0; k < kept->n; k++) {
        const uint8_t label = kept->items[k];
        dims[k] = e->sizes[label];
        is_kept[label] = true;
        add_loop(&j.outer, dims[k], a->steps[label], b ? b->steps[label] : 0);
    }
    for (uint32_t k = 0; k < LABELS; k++)
        if (!is_kept[k] && (a->has[k] || (b && b->has[k])))
            add_loop(&j.inner, e->sizes[k], a->steps[k], b ? b->steps[k] : 0);
    add_loop(&j.inner, 1, 0, 0);
    j.out = oo__array_new(e->integer ? OO_INT64 : OO_DOUBLE, kept->n, dims);
    const uint64_t grain = j.inner.count < 1 << 14 ? (1 << 14) / (j.inner.count ? j.inner.count : 1) : 1;
    if (j.out)
        oo__parallel(j.out->count, grain, run_part, &j);
    return j.out;
}

/* The labels of the operands that are used further on, in order. */
static labels still_used(const equation *e, const operand *a, const operand *b) {
    labels l = {0};
    for (uint32_t k = 0; k < LABELS; k++)
        if (e->uses[k] && (a->has[k] || (b && b->has[k])))
            l.items[l.n++] = (uint8_t)k;
    return l;
}

/* The input as the type that is computed in. */
static oo_array *work_array(const equation *e, const oo_array *in) {
    oo_array *const out = oo__array_new(e->integer ? OO_INT64 : OO_DOUBLE, in->rank, in->dims);
    for (uint64_t i = 0; out && i < in->count; i++) {
        if (e->integer)
            ((int64_t *)out->data)[i] = oo__array_int(in, i);
        else
            ((double *)out->data)[i] = oo__array_double(in, i);
    }
    return out;
}

/* Input i as an operand without labels that only it has. */
static oo_array *take(equation *e, uint32_t i, operand *o) {
    const labels *const l = &e->terms[i];
    oo_array *const whole = work_array(e, oo__in(e->c, i));
    if (!whole)
        return NULL;
    o->array = whole;
    set_steps(o, l);
    bool alone = false;
    for (uint32_t k = 0; k < LABELS; k++) {
        e->uses[k] -= o->has[k];
        alone |= o->has[k] && !e->uses[k];
    }
    if (!alone)
        return whole;
    const labels kept = still_used(e, o, NULL);
    oo_array *const sums = contract(e, o, NULL, &kept);
    oo__array_release(whole);
    o->array = sums;
    if (sums)
        set_steps(o, &kept);
    return sums;
}

static oo_array *combine(equation *e) {
    operand sum, next;
    oo_array *current = take(e, 0, &sum);
    for (uint32_t i = 1; i < e->c->nin && current; i++) {
        /* What the sum so far has stays in use while the next operand is prepared. */
        for (uint32_t k = 0; k < LABELS; k++)
            e->uses[k] += sum.has[k];
        oo_array *const other = take(e, i, &next);
        for (uint32_t k = 0; k < LABELS; k++)
            e->uses[k] -= sum.has[k];
        const bool last = i + 1 == e->c->nin;
        labels kept = {0};
        if (other)
            kept = last ? e->result : still_used(e, &sum, &next);
        oo_array *const product = other ? contract(e, &sum, &next, &kept) : NULL;
        oo__array_release(current);
        oo__array_release(other);
        current = product;
        sum.array = product;
        if (product)
            set_steps(&sum, &kept);
    }
    if (!current || e->c->nin > 1)
        return current;
    oo_array *const out = contract(e, &sum, NULL, &e->result);
    oo__array_release(current);
    return out;
}

oo_status oo__kernel_einsum(oo__call *c) {
    if (!c->nin || !oo__in(c, 0))
        return oo__eval_fail(c, "input 0 is missing");
    const oo_elem elem = oo__in(c, 0)->elem;
    equation e = {.c = c, .integer = !oo__is_floating(elem)};
    e.terms = calloc(c->nin, sizeof *e.terms);
    if (!e.terms)
        oo__oom(c->nin * sizeof *e.terms);
    oo_status status = prepare(&e);
    if (status == OO_OK) {
        oo_array *const sums = combine(&e);
        oo_array *const out = sums ? oo__array_new(elem, sums->rank, sums->dims) : NULL;
        for (uint64_t i = 0; out && i < out->count; i++) {
            if (e.integer)
                oo__array_set_int(out, i, oo__array_int(sums, i));
            else
                oo__array_set_double(out, i, ((const double *)sums->data)[i]);
        }
        oo__array_release(sums);
        status = oo__set(c, 0, out);
    }
    free(e.terms);
    return status;
}
