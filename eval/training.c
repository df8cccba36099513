/* One step of Momentum, Adagrad and Adam. After the learning rate R and the step number T come X1 ... Xn, the gradients G1 ... Gn, and one
 * (Adam: two) lists of states; the results are the new X and states. Computed in double, rounded once. */
#include "eval/kernels.h"
#include "eval/pieces.h"
#include "eval/real.h"

#include <math.h>
#include <string.h>

typedef struct step {
    double rate, number;
    double norm, norm_post, alpha, beta, epsilon;
    bool nesterov;
} step;

/* New x and states from old ones and the gradient. */
typedef void (*rule)(const step *s, double gradient, double *x, double *state, double *state2);

static void momentum(const step *s, double g, double *x, double *v, double *unused) {
    (void)unused;
    const double beta = s->number > 0 ? s->beta : 1;
    *v = s->alpha * *v + beta * g;
    *x -= s->rate * (s->nesterov ? g + s->alpha * *v : *v);
}

static void adagrad(const step *s, double g, double *x, double *h, double *unused) {
    (void)unused;
    *h += g * g;
    *x -= s->rate / (1 + s->number * s->alpha) * g / (sqrt(*h) + s->epsilon);
}

static void adam(const step *s, double g, double *x, double *v, double *h) {
    *v = s->alpha * *v + (1 - s->alpha) * g;
    *h = s->beta * *h + (1 - s->beta) * g * g;
    const double rate =
        s->number > 0 ? s->rate * sqrt(1 - pow(s->beta, s->number)) / (1 - pow(s->alpha, s->number)) : s->rate;
    *x = (1 - s->norm_post) * (*x - rate * *v / (sqrt(*h) + s->epsilon));
}

/* Tensor k of each list; the first of them is X. */
static oo_status update(oo__call *c, const step *s, rule r, uint32_t n, uint32_t k, uint32_t states) {
    const oo_array *in[4];
    oo_array *out[3] = {NULL};
    for (uint32_t i = 0; i < states + 2; i++) {
        if (!oo__need(c, 2 + i * n + k, &in[i]))
            return OO_INVALID;
        if (!oo__is_real(in[i]->elem) || in[i]->elem != in[0]->elem || !oo__has_dims(in[i], in[0]->rank, in[0]->dims))
            return oo__eval_fail(c, "input %u has not the type and shape of input %u", 2 + i * n + k, 2 + k);
    }
    for (uint32_t i = 0; i < states + 1; i++)
        out[i] = oo__array_new(in[0]->elem, in[0]->rank, in[0]->dims);
    for (uint64_t e = 0; out[0] && out[1] && (states < 2 || out[2]) && e < in[0]->count; e++) {
        double x = oo__array_double(in[0], e), v = oo__array_double(in[2], e),
               h = states == 2 ? oo__array_double(in[3], e) : 0;
        r(s, s->norm * x + oo__array_double(in[1], e), &x, &v, &h);
        oo__array_set_double(out[0], e, x);
        oo__array_set_double(out[1], e, v);
        if (states == 2)
            oo__array_set_double(out[2], e, h);
    }
    oo_status status = OO_OK;
    for (uint32_t i = 0; i < states + 1; i++) {
        if (status == OO_OK)
            status = oo__set(c, i * n + k, out[i]);
        else
            oo__array_release(out[i]);
    }
    return status;
}

static oo_status update_all(oo__call *c, step *s, rule r, uint32_t states) {
    const oo_array *rate, *number;
    if (!oo__need(c, 0, &rate) || !oo__need(c, 1, &number))
        return OO_INVALID;
    if (rate->count != 1 || number->count != 1 || !oo__is_number(rate) || !oo__is_number(number))
        return oo__eval_fail(c, "learning rate or step number is no scalar");
    const uint32_t n = (c->nin - 2) / (states + 2);
    if (c->nin - 2 != n * (states + 2) || c->nout > n * (states + 1))
        return oo__eval_fail(c, "%u inputs are no lists of equal length", c->nin - 2);
    s->rate = oo__array_double(rate, 0);
    s->number = oo__array_double(number, 0);
    s->norm = oo__float(c, "norm_coefficient", 0);
    for (uint32_t k = 0; k < n; k++)
        OO_TRY(update(c, s, r, n, k, states));
    return OO_OK;
}

oo_status oo__kernel_momentum(oo__call *c) {
    const char *const mode = oo__string(c, "mode", "standard");
    step s = {
        .alpha = oo__float(c, "alpha", 0), .beta = oo__float(c, "beta", 0), .nesterov = strcmp(mode, "nesterov") == 0};
    if (!s.nesterov && strcmp(mode, "standard") != 0)
        return oo__eval_fail(c, "the mode is neither standard nor nesterov");
    return update_all(c, &s, momentum, 1);
}

oo_status oo__kernel_adagrad(oo__call *c) {
    step s = {.alpha = oo__float(c, "decay_factor", 0), .epsilon = oo__float(c, "epsilon", 1e-6)};
    return update_all(c, &s, adagrad, 1);
}

oo_status oo__kernel_adam(oo__call *c) {
    step s = {.alpha = oo__float(c, "alpha", 0.9),
              .beta = oo__float(c, "beta", 0.999),
              .epsilon = oo__float(c, "epsilon", 1e-6)};
    s.norm_post = oo__float(c, "norm_coefficient_post", 0);
    return update_all(c, &s, adam, 2);
}
