/* RNN, GRU, LSTM: X W^T of a whole direction in one product, then step by step. */
#include "eval/recurrent.h"

#include "eval/blas.h"
#include "eval/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- attributes ---- */
/* alpha and beta are taken from their lists in turn, by the activations that have one. */
static oo_status read_activations(const oo__call *c, oo__recurrent *u) {
    uint32_t nalpha, nbeta, alpha = 0, beta = 0;
    const float *const alphas = oo__floats(c, "activation_alpha", &nalpha), *const betas = oo__floats(c, "activation_beta", &nbeta);
    const oo_attr *names = oo__attr(c, "activations");
    const uint32_t each = u->cell->activations, all = each * (uint32_t)u->directions;
    if (names && (names->type != OO_ATTR_STRINGS || names->count == 0))
        names = NULL;
    if (names && names->count != all)
        return oo__eval_fail(c, "activations has %u names where %u are wanted", names->count, all);
    for (uint32_t i = 0; i < all; i++) {
        const char *const name = names ? (const char *)names->strings[i].data : u->cell->usual[i % each];
        const size_t size = names ? names->strings[i].size : strlen(name);
        oo__activation *const a = &u->activations[i / each][i % each];
        bool takes_alpha, takes_beta;
        if (!oo__activation_find(a, &takes_alpha, &takes_beta, name, size))
            return oo__eval_fail(c, "activation number %u is unknown", i);
        if (takes_alpha && alpha < nalpha)
            a->alpha = (double)alphas[alpha++];
        if (takes_beta && beta < nbeta)
            a->beta = (double)betas[beta++];
    }
    return OO_OK;
}

static oo_status read_attributes(const oo__call *c, oo__recurrent *u) {
    const char *const direction = oo__string(c, "direction", "forward");
    const bool both = strcmp(direction, "bidirectional") == 0;
    if (!both && strcmp(direction, "forward") != 0 && strcmp(direction, "reverse") != 0)
        return oo__eval_fail(c, "direction is \"%s\"", direction);
    u->directions = both ? 2 : 1;
    u->by_batch = oo__int(c, "layout", 0) != 0;
    u->linear_before_reset = oo__int(c, "linear_before_reset", 0) != 0;
    u->input_forget = oo__int(c, "input_forget", 0) != 0;
    u->clip = oo__float(c, "clip", (double)INFINITY);
    if (!(u->clip >= 0))
        return oo__eval_fail(c, "clip is %g", u->clip);
    return read_activations(c, u);
}

/* ---- shapes ---- */
static oo_status expect(const oo__call *c, uint32_t index, const char *name, uint32_t rank, int64_t d0, int64_t d1, int64_t d2) {
    const oo_array *const a = oo__in(c, index);
    const int64_t dims[] = {d0, d1, d2};
    if (!a || oo__has_dims(a, rank, dims))
        return OO_OK;
    if (rank == 2)
        return oo__eval_fail(c, "%s is not [%lld, %lld]", name, (long long)d0, (long long)d1);
    return oo__eval_fail(c, "%s is not [%lld, %lld, %lld]", name, (long long)d0, (long long)d1, (long long)d2);
}

static oo_status read_shapes(const oo__call *c, oo__recurrent *u) {
    static const char *const names[] = {"X", "W", "R"};
    for (uint32_t i = 0; i < 3; i++) {
        OO_TRY(oo__need_real(c, i, names[i]));
        if (oo__in(c, i)->rank != 3)
            return oo__eval_fail(c, "%s has %u dimensions, not 3", names[i], oo__in(c, i)->rank);
    }
    const oo_array *const x = oo__in(c, 0), *const r = oo__in(c, 2), *const lengths = oo__in(c, 4);
    u->length = x->dims[u->by_batch];
    u->batch = x->dims[!u->by_batch];
    u->input = x->dims[2];
    u->hidden = r->dims[2];
    if (u->hidden > INT32_MAX / OO__MAX_GATES || u->input > INT32_MAX || u->batch > INT32_MAX)
        return oo__eval_unsupported(c, "more than 2^31 - 1 rows or columns");
    if (oo__int(c, "hidden_size", u->hidden) != u->hidden)
        return oo__eval_fail(c, "hidden_size is %lld where R has %lld", (long long)oo__int(c, "hidden_size", 0), (long long)u->hidden);
    const int64_t gates = (int64_t)u->cell->gates * u->hidden, rows = u->by_batch ? u->batch : u->directions;
    const int64_t columns = u->by_batch ? u->directions : u->batch;
    OO_TRY(expect(c, 1, "W", 3, u->directions, gates, u->input));
    OO_TRY(expect(c, 2, "R", 3, u->directions, gates, u->hidden));
    OO_TRY(expect(c, 3, "B", 2, u->directions, 2 * gates, 0));
    OO_TRY(expect(c, 5, "initial_h", 3, rows, columns, u->hidden));
    OO_TRY(expect(c, 6, "initial_c", 3, rows, columns, u->hidden));
    OO_TRY(expect(c, 7, "P", 2, u->directions, 3 * u->hidden, 0));
    for (uint32_t i = 1; i < 8; i++)
        if (i != 4)
            OO_TRY(oo__need_like(c, i, x));
    if (lengths && (lengths->elem != OO_INT32 || lengths->rank != 1 || lengths->dims[0] != u->batch))
        return oo__eval_fail(c, "sequence_lens is no int32 vector with one number for each of %lld sequences", (long long)u->batch);
    for (uint64_t i = 0; lengths && i < lengths->count; i++)
        if (oo__array_int(lengths, i) < 0 || oo__array_int(lengths, i) > u->length)
            return oo__eval_fail(c, "sequence_lens has %lld where sequences have %lld", (long long)oo__array_int(lengths, i),
                                 (long long)u->length);
    return OO_OK;
}

/* ---- one direction ---- */
static uint64_t state_at(const oo__recurrent *u, int64_t b) {
    return (uint64_t)((u->by_batch ? b * u->directions + u->direction : u->direction * u->batch + b) * u->hidden);
}

static uint64_t row_of(const oo__recurrent *u, int64_t t, int64_t b) {
    return (uint64_t)(u->by_batch ? b * u->length + t : t * u->batch + b);
}

static uint64_t y_at(const oo__recurrent *u, int64_t t, int64_t b) {
    return (
        uint64_t)((u->by_batch ? (b * u->length + t) * u->directions + u->direction : (t * u->directions + u->direction) * u->batch + b) *
                  u->hidden);
}

static void copy_row(const oo__recurrent *u, oo_array *to, uint64_t at, const oo_array *from, uint64_t from_at, uint64_t count) {
    memcpy(oo__real_at(to, at), oo__real_at(from, from_at), count * oo__array_width(u->x->elem));
}

/* X W^T and the biases of all steps: [sequence and batch as in X, gates * hidden]; NULL when memory was refused. */
static oo_array *project(const oo__recurrent *u) {
    const int64_t columns = (int64_t)u->cell->gates * u->hidden, dims[] = {u->x->dims[0], u->x->dims[1], columns};
    static const uint64_t none = 0;
    oo_array *const all = oo__array_new(u->x->elem, 3, dims);
    if (!all || all->count == 0)
        return all;
    for (uint64_t i = 0; i < all->count; i++) {
        const uint64_t column = i % (uint64_t)columns, bias = (uint64_t)(u->direction * 2 * columns) + column;
        double sum = u->b ? oo__real(u->b, bias) : 0;
        /* The recurrent bias of GRU's last gate belongs inside the product that the reset gate weighs. */
        if (u->b && !(u->linear_before_reset && u->cell->gates == 3 && column >= 2 * (uint64_t)u->hidden))
            sum += oo__real(u->b, bias + (uint64_t)columns);
        oo__real_set(all, i, sum);
    }
    const oo__gemm g = {.elem = all->elem,
                        .trans_b = true,
                        .m = dims[0] * dims[1],
                        .n = columns,
                        .k = u->input,
                        .a = u->x->data,
                        .lda = u->input,
                        .b = oo__real_at(u->w, (uint64_t)(u->direction * columns * u->input)),
                        .ldb = u->input,
                        .c = all->data,
                        .ldc = columns,
                        .alpha = 1,
                        .beta = 1};
    if (oo__gemm_fits(&g)) {
        oo__gemm_batch(&g, 1, &none, &none);
        return all;
    }
    oo__array_release(all);
    return NULL;
}

static void start(const oo__recurrent *u) {
    const uint64_t hidden = (uint64_t)u->hidden;
    memset(u->h->data, 0, u->h->count * oo__array_width(u->h->elem));
    memset(u->c->data, 0, u->c->count * oo__array_width(u->c->elem));
    for (int64_t b = 0; b < u->batch; b++) {
        if (u->h0)
            copy_row(u, u->h, (uint64_t)b * hidden, u->h0, state_at(u, b), hidden);
        if (u->c0)
            copy_row(u, u->c, (uint64_t)b * hidden, u->c0, state_at(u, b), hidden);
    }
}

static void run_steps(oo__recurrent *u, const oo_array *projected, bool backwards) {
    const uint64_t columns = u->cell->gates * (uint64_t)u->hidden, hidden = (uint64_t)u->hidden;
    for (int64_t s = 0; s < u->length; s++) {
        memset(u->gates->data, 0, u->gates->count * oo__array_width(u->gates->elem));
        for (int64_t b = 0; b < u->batch; b++) {
            const int64_t length = u->lengths ? oo__array_int(u->lengths, (uint64_t)b) : u->length;
            if (s < length)
                copy_row(u, u->gates, (uint64_t)b * columns, projected, row_of(u, backwards ? length - 1 - s : s, b) * columns, columns);
        }
        u->cell->step(u);
        for (int64_t b = 0; b < u->batch; b++) {
            const int64_t length = u->lengths ? oo__array_int(u->lengths, (uint64_t)b) : u->length;
            if (s >= length)
                continue;
            copy_row(u, u->h, (uint64_t)b * hidden, u->next_h, (uint64_t)b * hidden, hidden);
            if (u->cell->has_memory)
                copy_row(u, u->c, (uint64_t)b * hidden, u->next_c, (uint64_t)b * hidden, hidden);
            copy_row(u, u->y, y_at(u, backwards ? length - 1 - s : s, b), u->h, (uint64_t)b * hidden, hidden);
        }
    }
    for (int64_t b = 0; b < u->batch; b++) {
        copy_row(u, u->yh, state_at(u, b), u->h, (uint64_t)b * hidden, hidden);
        copy_row(u, u->yc, state_at(u, b), u->c, (uint64_t)b * hidden, hidden);
    }
}

static oo_status run_directions(const oo__call *c, oo__recurrent *u) {
    const bool reverse = strcmp(oo__string(c, "direction", "forward"), "reverse") == 0;
    for (u->direction = 0; u->direction < u->directions; u->direction++) {
        oo_array *const projected = project(u);
        if (!projected)
            return oo__eval_fail(c, "the gates of all steps are larger than the limit for one tensor");
        start(u);
        if (u->h->count)
            run_steps(u, projected, reverse || u->direction == 1);
        oo__array_release(projected);
    }
    return OO_OK;
}

/* ---- the operators ---- */
static bool make_arrays(const oo__call *c, oo__recurrent *u) {
    const oo_elem work = oo__work_elem(oo__in(c, 0)->elem);
    const int64_t one[] = {u->batch, u->hidden}, gates[] = {u->batch, (int64_t)u->cell->gates * u->hidden};
    const int64_t y[2][4] = {{u->length, u->directions, u->batch, u->hidden}, {u->batch, u->length, u->directions, u->hidden}};
    const int64_t state[2][3] = {{u->directions, u->batch, u->hidden}, {u->batch, u->directions, u->hidden}};
    u->x = oo__as_real(oo__in(c, 0), work);
    u->w = oo__as_real(oo__in(c, 1), work);
    u->r = oo__as_real(oo__in(c, 2), work);
    u->b = oo__as_real(oo__in(c, 3), work);
    u->lengths = oo__in(c, 4);
    u->h0 = oo__as_real(oo__in(c, 5), work);
    u->c0 = oo__as_real(oo__in(c, 6), work);
    u->p = oo__as_real(oo__in(c, 7), work);
    u->y = oo__zeros(work, 4, y[u->by_batch]);
    u->yh = oo__zeros(work, 3, state[u->by_batch]);
    u->yc = oo__zeros(work, 3, state[u->by_batch]);
    u->gates = oo__zeros(work, 2, gates);
    oo_array **const small[] = {&u->h, &u->c, &u->next_h, &u->next_c, &u->scratch};
    bool ok = u->x && u->w && u->r && u->y && u->yh && u->yc && u->gates;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        ok &= (*small[i] = oo__zeros(work, 2, one)) != NULL;
    return ok;
}

static oo_status run(oo__call *c, const oo__cell *cell) {
    oo__recurrent u = {.cell = cell};
    OO_TRY(read_attributes(c, &u));
    OO_TRY(read_shapes(c, &u));
    const oo_elem elem = oo__in(c, 0)->elem;
    oo_status status = make_arrays(c, &u) ? run_directions(c, &u) : oo__eval_fail(c, "the result is larger than the limit for one tensor");
    oo_array *const used[] = {u.x, u.w, u.r, u.b, u.p, u.h0, u.c0, u.gates, u.h, u.c, u.next_h, u.next_c, u.scratch};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        oo__array_release(used[i]);
    oo_array *const results[] = {u.y, u.yh, u.yc};
    for (uint32_t i = 0; i < 3; i++) {
        if (status == OO_OK && (i < 2 || cell->has_memory))
            status = oo__set(c, i, oo__as_elem(results[i], elem));
        else
            oo__array_release(results[i]);
    }
    return status;
}

oo_status oo__kernel_rnn(oo__call *c) { return run(c, &oo__cell_rnn); }
oo_status oo__kernel_gru(oo__call *c) { return run(c, &oo__cell_gru); }
oo_status oo__kernel_lstm(oo__call *c) { return run(c, &oo__cell_lstm); }
