/* Parts that rules and passes look for, for random graphs: left sides of rules, models of the golden tests, things that are there twice. */
#ifndef TESTS_FUZZ_RANDOM_MOTIFS_H
#define TESTS_FUZZ_RANDOM_MOTIFS_H
#include "tests/fuzz/random_graph.h"

typedef struct oo_motifs oo_motifs;
/* The built-in rules, and the models of the golden tests in `folder` (NULL = none). */
oo_motifs *oo__motifs_new(const char *folder);
void oo__motifs_free(oo_motifs *motifs);
/* For oo_random_plan.motif; `user` is the oo_motifs. */
bool oo__random_motif(oo_random_graph *g, void *user);
#endif
