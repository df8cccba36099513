/* One step of each recurrent operator, and the activations that they may use. */
#include "eval/blas.h"
#include "eval/recurrent.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* ---- activations ---- */
#define ACTIVATION(name, expression)                          \
    static double name(double x, double alpha, double beta) { \
        (void)alpha;                                          \
        (void)beta;                                           \
        return (expression);                                  \
    }
ACTIVATION(relu, x < 0 ? 0 : x)
ACTIVATION(tanh_, tanh(x))
ACTIVATION(sigmoid, 1 / (1 + exp(-x)))
ACTIVATION(affine, alpha *x + beta)
ACTIVATION(leaky_relu, x >= 0 ? x : alpha * x)
ACTIVATION(thresholded_relu, x >= alpha ? x : 0)
ACTIVATION(scaled_tanh, alpha *tanh(beta *x))
ACTIVATION(hard_sigmoid, fmin(fmax(alpha *x + beta, 0), 1))
ACTIVATION(elu, x >= 0 ? x : alpha * expm1(x))
ACTIVATION(softsign, x / (1 + fabs(x)))
ACTIVATION(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))

bool oo__activation_find(oo__activation *a, bool *takes_alpha, bool *takes_beta, const char *name, size_t size) {
    static const struct {
        const char *name;
        oo__activation usual;
        bool alpha, beta;
    } table[] = {
        {"Relu", {relu, 0, 0}, false, false},
        {"Tanh", {tanh_, 0, 0}, false, false},
        {"Sigmoid", {sigmoid, 0, 0}, false, false},
        {"Affine", {affine, 1, 0}, true, true},
        {"LeakyRelu", {leaky_relu, 0.01, 0}, true, false},
        {"ThresholdedRelu", {thresholded_relu, 1, 0}, true, false},
        {"ScaledTanh", {scaled_tanh, 1, 1}, true, true},
        {"HardSigmoid", {hard_sigmoid, 0.2, 0.5}, true, true},
        {"Elu", {elu, 1, 0}, true, false},
        {"Softsign", {softsign, 0, 0}, false, false},
        {"Softplus", {softplus, 0, 0}, false, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strlen(table[i].name) == size && strncasecmp(table[i].name, name, size) == 0) {
            *a = table[i].usual;
            *takes_alpha = table[i].alpha;
            *takes_beta = table[i].beta;
            return true;
        }
    return false;
}

/* ---- steps ---- */
void oo__add_recurrence(const oo__recurrent *u, oo_array *out, uint64_t at, const oo_array *h, uint32_t first, uint32_t count) {
    const int64_t hidden = u->hidden;
    const uint64_t from = ((uint64_t)u->direction * u->cell->gates + first) * (uint64_t)(hidden * hidden);
    const oo__gemm g = {.elem = out->elem,
                        .trans_b = true,
                        .m = u->batch,
                        .n = (int64_t)count * hidden,
                        .k = hidden,
                        .a = h->data,
                        .lda = hidden,
                        .b = oo__real_at(u->r, from),
                        .ldb = hidden,
                        .c = oo__real_at(out, at),
                        .ldc = out->dims[1],
                        .alpha = 1,
                        .beta = 1};
    oo__gemm_run(&g);
}

static void step_rnn(const oo__recurrent *u) {
    oo__add_recurrence(u, u->gates, 0, u->h, 0, 1);
    for (uint64_t i = 0; i < u->gates->count; i++)
        oo__real_set(u->next_h, i, oo__activate(u, 0, oo__real(u->gates, i)));
}

/* Gates z, r, h. */
static void step_gru(const oo__recurrent *u) {
    const uint64_t hidden = (uint64_t)u->hidden, row = 3 * hidden;
    oo__add_recurrence(u, u->gates, 0, u->h, 0, 2);
    for (uint64_t b = 0; b < (uint64_t)u->batch; b++)
        for (uint64_t i = 0; i < hidden; i++) {
            const double reset = oo__activate(u, 0, oo__real(u->gates, b * row + hidden + i));
            oo__real_set(u->gates, b * row + hidden + i, reset);
            /* Either r (.) H goes into the product, or the product with its bias is weighted by r. */
            const double bias = u->b ? oo__real(u->b, (uint64_t)u->direction * 6 * hidden + 5 * hidden + i) : 0;
            oo__real_set(u->scratch, b * hidden + i, u->linear_before_reset ? bias : reset * oo__real(u->h, b * hidden + i));
        }
    if (u->linear_before_reset)
        oo__add_recurrence(u, u->scratch, 0, u->h, 2, 1);
    else
        oo__add_recurrence(u, u->gates, 2 * hidden, u->scratch, 2, 1);
    for (uint64_t b = 0; b < (uint64_t)u->batch; b++)
        for (uint64_t i = 0; i < hidden; i++) {
            const double update = oo__activate(u, 0, oo__real(u->gates, b * row + i)), reset = oo__real(u->gates, b * row + hidden + i);
            const double linear = u->linear_before_reset ? reset * oo__real(u->scratch, b * hidden + i) : 0;
            const double candidate = oo__activate(u, 1, oo__real(u->gates, b * row + 2 * hidden + i) + linear);
            oo__real_set(u->next_h, b * hidden + i, (1 - update) * candidate + update * oo__real(u->h, b * hidden + i));
        }
}

/* Gates i, o, f, c; peepholes i, o, f. */
static void step_lstm(const oo__recurrent *u) {
    const uint64_t hidden = (uint64_t)u->hidden, row = 4 * hidden, peephole = (uint64_t)u->direction * 3 * hidden;
    oo__add_recurrence(u, u->gates, 0, u->h, 0, 4);
    for (uint64_t b = 0; b < (uint64_t)u->batch; b++)
        for (uint64_t k = 0; k < hidden; k++) {
            const uint64_t at = b * row + k;
            const double before = oo__real(u->c, b * hidden + k);
            double seen[3] = {0};
            for (uint64_t gate = 0; gate < 3 && u->p; gate++)
                seen[gate] = oo__real(u->p, peephole + gate * hidden + k);
            const double in = oo__activate(u, 0, oo__real(u->gates, at) + seen[0] * before);
            const double forget = u->input_forget ? 1 - in : oo__activate(u, 0, oo__real(u->gates, at + 2 * hidden) + seen[2] * before);
            const double memory = forget * before + in * oo__activate(u, 1, oo__real(u->gates, at + 3 * hidden));
            const double out = oo__activate(u, 0, oo__real(u->gates, at + hidden) + seen[1] * memory);
            oo__real_set(u->next_c, b * hidden + k, memory);
            oo__real_set(u->next_h, b * hidden + k, out * oo__activate_cell(u, memory));
        }
}

const oo__cell oo__cell_rnn = {1, 1, {"Tanh"}, false, step_rnn}, oo__cell_gru = {3, 2, {"Sigmoid", "Tanh"}, false, step_gru},
               oo__cell_lstm = {4, 3, {"Sigmoid", "Tanh", "Tanh"}, true, step_lstm};
