/* Short transforms by the definition, powers of two by Cooley and Tukey's scheme, all others by Bluestein's: as a convolution with a chirp,
 * made by transforms of a power of two. */
#include "eval/fourier.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT = 24 };

struct oo__fourier {
    uint64_t n;
    bool inverse;
    oo__complex *roots;    /* [n]: exp(-2 pi i k / n) */
    oo__fourier *inner;    /* Bluestein: a forward transform of `padded` numbers */
    uint64_t padded;       /* power of two, at least 2 n - 1 */
    oo__complex *chirp;    /* [n]: exp(-pi i k^2 / n) */
    oo__complex *spectrum; /* [padded]: transform of the conjugate chirp */
};

static const double PI = 3.14159265358979323846;

static oo__complex unit(double angle) { return (oo__complex){cos(angle), sin(angle)}; }
static oo__complex times(oo__complex a, oo__complex b) {
    return (oo__complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static oo__complex plus(oo__complex a, oo__complex b) { return (oo__complex){a.re + b.re, a.im + b.im}; }
static oo__complex minus(oo__complex a, oo__complex b) { return (oo__complex){a.re - b.re, a.im - b.im}; }
static oo__complex conjugate(oo__complex a) { return (oo__complex){a.re, -a.im}; }

static bool is_power(uint64_t n) { return (n & (n - 1)) == 0; }
static oo__complex *new_numbers(uint64_t n) { return oo__malloc(n * sizeof(oo__complex)); }

/* ---- powers of two ---- */
static void reverse_bits(oo__complex *x, uint64_t n) {
    for (uint64_t i = 1, j = 0; i < n; i++) {
        uint64_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            const oo__complex t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
}

static void run_power(const oo__fourier *p, oo__complex *x) {
    reverse_bits(x, p->n);
    for (uint64_t half = 1; half < p->n; half *= 2) {
        const uint64_t step = p->n / (2 * half);
        for (uint64_t first = 0; first < p->n; first += 2 * half)
            for (uint64_t k = 0; k < half; k++) {
                const oo__complex even = x[first + k], odd = times(x[first + k + half], p->roots[k * step]);
                x[first + k] = plus(even, odd);
                x[first + k + half] = minus(even, odd);
            }
    }
}

/* ---- by the definition ---- */
static void run_short(const oo__fourier *p, oo__complex *x) {
    oo__complex in[SHORT];
    memcpy(in, x, p->n * sizeof *x);
    for (uint64_t k = 0; k < p->n; k++) {
        x[k] = (oo__complex){0, 0};
        for (uint64_t i = 0; i < p->n; i++)
            x[k] = plus(x[k], times(in[i], p->roots[i * k % p->n]));
    }
}

/* ---- Bluestein: i k = (i^2 + k^2 - (k - i)^2) / 2 ---- */
static void plan_chirp(oo__fourier *p) {
    p->padded = 1;
    while (p->padded < 2 * p->n - 1)
        p->padded *= 2;
    p->inner = oo__fourier_new(p->padded, false);
    p->chirp = new_numbers(p->n);
    p->spectrum = new_numbers(p->padded);
    memset(p->spectrum, 0, p->padded * sizeof *p->spectrum);
    for (uint64_t k = 0; k < p->n; k++) {
        p->chirp[k] = unit(-PI * (double)(k * k % (2 * p->n)) / (double)p->n);
        p->spectrum[k] = p->spectrum[(p->padded - k) % p->padded] = conjugate(p->chirp[k]);
    }
    run_power(p->inner, p->spectrum);
}

static void run_chirp(const oo__fourier *p, oo__complex *x, oo__complex *scratch) {
    memset(scratch, 0, p->padded * sizeof *scratch);
    for (uint64_t k = 0; k < p->n; k++)
        scratch[k] = times(x[k], p->chirp[k]);
    run_power(p->inner, scratch);
    /* The inverse transform is the forward one between two conjugations. */
    for (uint64_t k = 0; k < p->padded; k++)
        scratch[k] = conjugate(times(scratch[k], p->spectrum[k]));
    run_power(p->inner, scratch);
    for (uint64_t k = 0; k < p->n; k++) {
        const oo__complex y = times(conjugate(scratch[k]), p->chirp[k]);
        x[k] = (oo__complex){y.re / (double)p->padded, y.im / (double)p->padded};
    }
}

/* ---- plans ---- */
oo__fourier *oo__fourier_new(uint64_t n, bool inverse) {
    oo__fourier *const p = oo__malloc(sizeof *p);
    *p = (oo__fourier){.n = n, .inverse = inverse};
    if (!is_power(n) && n > SHORT) {
        plan_chirp(p);
        return p;
    }
    p->roots = new_numbers(n);
    for (uint64_t k = 0; k < n; k++)
        p->roots[k] = unit(-2 * PI * (double)k / (double)n);
    return p;
}

void oo__fourier_free(oo__fourier *p) {
    if (!p)
        return;
    oo__fourier_free(p->inner);
    free(p->roots);
    free(p->chirp);
    free(p->spectrum);
    free(p);
}

uint64_t oo__fourier_scratch(const oo__fourier *p) { return p->padded + 1; }

void oo__fourier_run(const oo__fourier *p, oo__complex *x, oo__complex *scratch) {
    for (uint64_t k = 0; p->inverse && k < p->n; k++)
        x[k] = conjugate(x[k]);
    if (p->inner)
        run_chirp(p, x, scratch);
    else if (is_power(p->n))
        run_power(p, x);
    else
        run_short(p, x);
    for (uint64_t k = 0; p->inverse && k < p->n; k++)
        x[k] = (oo__complex){x[k].re / (double)p->n, -x[k].im / (double)p->n};
}
