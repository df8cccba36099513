/* RNN, GRU and LSTM: what they share. Private to eval/. */
#ifndef EVAL_RECURRENT_H
#define EVAL_RECURRENT_H
#include "eval/real.h"

enum { OO__MAX_GATES = 4, OO__MAX_ACTIVATIONS = 3 };

typedef struct oo__activation {
    double (*of)(double x, double alpha, double beta);
    double alpha, beta;
} oo__activation;

typedef struct oo__recurrent oo__recurrent;

/* What tells one operator from another. */
typedef struct oo__cell {
    uint32_t gates, activations;            /* per direction */
    const char *usual[OO__MAX_ACTIVATIONS]; /* activations that are not given */
    bool has_memory;                        /* a cell state beside the hidden one */
    void (*step)(const oo__recurrent *u);
} oo__cell;

/* One step of one direction for the whole batch. All arrays are FLOAT or all DOUBLE. */
struct oo__recurrent {
    const oo__cell *cell;
    int64_t length, batch, input, hidden, directions;
    bool by_batch; /* layout 1: [batch, sequence, ...] */
    bool linear_before_reset, input_forget;
    double clip; /* infinite = none */
    oo__activation activations[2][OO__MAX_ACTIVATIONS];
    oo_array *x, *w, *r, *b, *p; /* b and p may be NULL */
    const oo_array *lengths;     /* NULL: all sequences are whole */
    oo_array *h0, *c0;           /* NULL: zeros */
    oo_array *y, *yh, *yc;       /* results */
    int64_t direction;
    oo_array *gates;                   /* [batch, gates * hidden]: X W^T + biases; the step adds the rest */
    oo_array *h, *c, *next_h, *next_c; /* [batch, hidden]; c only of cells with memory */
    oo_array *scratch;                 /* [batch, hidden] */
};

/* The activation of a name (any case) with what the attributes say or, for negative infinity, the usual numbers; false when unknown. */
bool oo__activation_find(oo__activation *a, bool *takes_alpha, bool *takes_beta, const char *name, size_t size);
/* Bound, then activation number `index` of the running direction. */
static inline double oo__activate(const oo__recurrent *u, uint32_t index, double x) {
    const oo__activation *const a = &u->activations[u->direction][index];
    const double bound = x > u->clip ? u->clip : x < -u->clip ? -u->clip : x;
    return a->of(bound, a->alpha, a->beta);
}
/* The last activation of a cell with memory, on the memory itself: runtimes do not bound that. */
static inline double oo__activate_cell(const oo__recurrent *u, double x) {
    const oo__activation *const a = &u->activations[u->direction][u->cell->activations - 1];
    return a->of(x, a->alpha, a->beta);
}
/* out[batch, columns] += h[batch, hidden] R^T, for the gates from `first` on. `at` is where in a row of `out` they begin. */
void oo__add_recurrence(const oo__recurrent *u, oo_array *out, uint64_t at, const oo_array *h, uint32_t first, uint32_t count);

extern const oo__cell oo__cell_rnn, oo__cell_gru, oo__cell_lstm;
#endif
