/* By how much a file may grow, over all passes and rounds together. */
#ifndef IR_GROWTH_H
#define IR_GROWTH_H
#include "ir/rewriter.h"

typedef struct oo_growth_options {
    int64_t limit;  /* bytes, < 0 = none */
    double percent; /* of the file and of its constants as they were; the larger of the two counts */
} oo_growth_options;

/* The rows of a pass that may make the file larger, at `field` of its options. */
#define OO_GROWTH_OPTIONS(struct_, field)                                                                                                      \
    OO_OPTION(struct_, field.limit, OO_OPT_INT, "limit", "65536", "bytes by which the file may grow, by all passes together; -1 = no limit"), \
        OO_OPTION(struct_, field.percent, OO_OPT_FLOAT, "percent", "5", "the same as a share of the file; the larger of the two counts")

/* Bytes in a file, about, without what dce takes out: constants that nothing uses, functions that nothing calls. */
typedef struct oo__weight {
    uint64_t all;
    uint64_t constants; /* of these, the data of constants */
} oo__weight;
oo__weight oo__weigh_model(const oo_model *model);
/* Of one graph with those inside, without the functions that it calls. */
uint64_t oo__weigh_graph(const oo_graph *graph);
/* Remembers what the model weighs, unless that was done before: budgets count from then, so that repeating a pass does not repeat its budget. */
void oo__growth_start(oo_model *model);
/* How many bytes the model may grow by now: neither the file nor its constants may grow farther, so that what goes with dead nodes and their
 * documentation buys no constants. Negative when it has grown too far already, INT64_MAX without a limit. */
int64_t oo__growth_room(oo_model *model, const oo_growth_options *options);
/* What the open rewrite adds to the file so far, less what it frees: nodes and constants, constants that lost their last use among them. */
int64_t oo__growth_of_rewrite(const oo_rewriter *rw);
/* Whether that is within *room, which then is what remains. A rewrite that frees more than it adds always is. */
bool oo__growth_allowed(int64_t *room, const oo_rewriter *rw);
#endif
