/* Whether two models compute the same: both run on the same random inputs. */
#ifndef EVAL_CHECK_MODELS_H
#define EVAL_CHECK_MODELS_H
#include "eval/difference.h"
#include "eval/random_input.h"

/* What became of one set of inputs, from good to bad. */
typedef enum oo_compare_verdict {
    OO_COMPARE_EQUAL, /* the same numbers */
    OO_COMPARE_CLOSE, /* within the limits */
    /* Beyond them, but each rewritten part computes the same on the same inputs (or does so in double precision, where the original is as
     * far off): the model enlarges rounding errors. */
    OO_COMPARE_ROUNDING,
    /* So too, and with the discrete decisions (ArgMax, TopK, comparisons ...) of the original the outputs agree: the deciding values are as
     * good as equal. */
    OO_COMPARE_TIE,
    OO_COMPARE_WRONG,
    OO_COMPARE_SKIPPED, /* the original does not run on it */
    OO_COMPARE_VERDICTS
} oo_compare_verdict;

enum { OO_COMPARE_DEFAULT_SETS = 3 };
typedef struct oo_compare_settings {
    uint32_t sets; /* 0 = OO_COMPARE_DEFAULT_SETS */
    uint32_t only; /* just this one of them, 1-based; 0 = all */
    uint64_t seed;
    const oo_named_dim *dims; /* [ndims]: sizes of symbols, else several are tried */
    uint32_t ndims;
    oo_datum *const *given; /* [inputs of the original's main graph] not made up; NULL, or NULL items: made up */
    oo_limits limits;
    uint64_t memory; /* bytes of intermediate values held at once to find a difference; 0 = 2 GiB */
    /* Called now and then: `done` of `sets` are through, and `part` (0 to 1) of the next. */
    void (*progress)(void *user, uint32_t done, uint32_t sets, double part);
    void *user;
} oo_compare_settings;

/* A value that both models compute, or are given, alike. */
typedef struct oo_compare_input {
    const oo_value *a, *b; /* NULL: that model does not need it */
    oo_datum *value;
} oo_compare_input;

typedef struct oo_compare_failure {
    uint32_t set;           /* 1-based */
    const char *text;       /* what differs, or why the changed model does not run; one line */
    const oo_value *output; /* of the changed model, the first that is wrong; NULL: it does not run */
    const oo_node *node;    /* of the changed model: makes the first value that differs, or fails; NULL = not known */
    bool stops;             /* it fails */
    const oo_value *value;  /* that value; it may lie in a subgraph of `node` */
    const char *value_text; /* how it differs */
    /* The smallest part of both models that shows it: from `inputs` to `goal`, all in the main graphs. NULL goals: the whole models do, and
     * the inputs are theirs. */
    const oo_value *goal_a, *goal_b;
    oo_datum *want; /* at the goal, of the original; NULL with it */
    oo_vec(oo_compare_input) inputs;
    oo_datum **outputs; /* of the original, [outputs of its main graph] */
    uint32_t noutputs;
} oo_compare_failure;

typedef struct oo_compare_report {
    oo_arena *arena;
    uint32_t sets, ran;
    uint32_t counts[OO_COMPARE_VERDICTS];
    double error;               /* largest error of an output where the verdict is EQUAL or CLOSE */
    double loose;               /* largest one where it is ROUNDING or TIE */
    uint32_t drawn;             /* outputs that random operators of the changed model alone decide: judged by type and shape */
    const char *skip_reason;    /* of the first set that was skipped */
    bool interface;             /* the public inputs and outputs differ: nothing was run; the reason is failure.text */
    oo_compare_failure failure; /* when counts[OO_COMPARE_WRONG] or `interface` */
} oo_compare_report;

/* Compares `changed` with `original`; both are in order (oo__model_sort) and have a main graph. Stops at the first set that is wrong.
 * OO_OK when every set that ran is right and one ran at least; else OO_MISMATCH, the report says which. Sends no diagnostics. */
oo_status oo__compare_models(oo_compare_report *out, const oo_model *original, const oo_model *changed,
                             const oo_compare_settings *settings);
void oo__compare_report_free(oo_compare_report *report);
#endif
