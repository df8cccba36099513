/* Runs of the two models of a check, with values of the one put into the other. Private to eval/. */
#ifndef EVAL_CHECK_RUNS_H
#define EVAL_CHECK_RUNS_H
#include "eval/check_models.h"
#include "eval/match_models.h"

/* What is done with a value of A where B computes the one that corresponds. */
enum {
    OO__CHECK_DRAWN = 1u << 0,   /* made by a random operator: B takes it */
    OO__CHECK_COMPARE = 1u << 1, /* compared */
    OO__CHECK_FORCE = 1u << 2,   /* B goes on with it when it agrees */
    OO__CHECK_DECIDE = 1u << 3,  /* B goes on with it when nothing that its node takes differs */
    OO__CHECK_FETCH = 1u << 4    /* only kept */
};

typedef enum oo__check_state { OO__CHECK_UNSEEN, OO__CHECK_AGREES, OO__CHECK_DIFFERS } oo__check_state;
typedef oo_vec(oo_datum *) oo__takes;

typedef struct oo__check {
    const oo_model *a, *b;
    const oo_compare_settings *settings;
    oo_limits limits;
    oo_matching *matching;
    oo_arena *arena;
    /* by value id of A */
    uint8_t *plan, *state;
    oo__takes *takes;    /* what A's last run gave there, in the order of running */
    uint32_t *next;      /* of them for B */
    /* A value of A in whose place A itself goes on with what B had there */
    const oo_value *swapped;
    oo__takes swaps;     /* B's, in the order of running */
    uint32_t next_swap;
    uint64_t held, room; /* bytes in takes */
    bool full;           /* there were more */
    /* running */
    bool in_double;
    uint64_t steps, all_steps;
    uint32_t done;       /* sets */
    char why[320];       /* of the last run that failed */
    const oo_node *last; /* of B's main graph: that ran last */
} oo__check;

/* Plans: forget the last one, then say what the next runs of A and B do. */
void oo__check_plan_draws(oo__check *c);     /* random operators share their draws; every plan does that */
void oo__check_plan_parts(oo__check *c);     /* B's rewritten parts are fed with A's values, so each is judged alone */
bool oo__check_plan_decisions(oo__check *c); /* B takes A's discrete decisions; false when there are none */
void oo__check_plan_fetch(oo__check *c, const oo_value *const *values, uint32_t count);

/* After a run of B by oo__check_plan_parts with the outputs right: whether a value that differed (of the main graph, the first one) means in B what it
 * means in A, so that a rewrite is wrong though nothing came of it. It does unless A, going on with B's value, differs where B agreed. The value of
 * B, NULL when there is none. */
const oo_value *oo__check_suspect(oo__check *c, oo_datum *const *in_a, oo_datum *const *in_b);

/* Whether the node's outputs jump where its inputs pass some point. */
bool oo__is_discrete(const oo_node *node);

/* Runs a model quietly. `in`: of its main graph's inputs; the outputs are new references. On failure `why` is set. */
oo_status oo__check_run(oo__check *c, bool original, oo_datum *const *in, oo_datum **out);
void oo__check_forget(oo__check *c);
uint64_t oo__datum_bytes(const oo_datum *datum);
#endif
