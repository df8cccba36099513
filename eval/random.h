/* Random numbers without a state: a number is a function of a key and an index, so it is the same in any order and on any number of cores.
 * Private to eval/. */
#ifndef EVAL_RANDOM_H
#define EVAL_RANDOM_H
#include "eval/evaluator.h"

/* The key of a call: from the attribute `seed` where there is one, else from the evaluator's seed and the node; and from the iterations
 * and function calls around it. */
uint64_t oo__random_key(const oo__call *c);
/* In [0, 1), a multiple of 2^-53. */
double oo__random_uniform(uint64_t key, uint64_t index);
/* Mean 0, variance 1. */
double oo__random_normal(uint64_t key, uint64_t index);
/* Tells the calls in one iteration of a loop (one call of a function) from those in another. Returns what evaluator->random was, to be put
 * back afterwards. */
uint64_t oo__random_enter(oo_evaluator *evaluator, uint64_t number);
#endif
