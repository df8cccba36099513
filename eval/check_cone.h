/* The smallest part of two models that shows how they differ. Private to eval/. */
#ifndef EVAL_CHECK_CONE_H
#define EVAL_CHECK_CONE_H
#include "eval/check_runs.h"

/* After a run of B by oo__check_plan_parts in which `output` was wrong: fills node, value, goals and the values at inputs and goal of
 * `failure` (want and got of the whole models when nothing smaller is found). `in`: of A's main graph; output NULL: it does not run;
 * `first`: the value that is to be shown, NULL = the first that differs and leads to the output. */
void oo__check_cone(oo__check *c, oo_compare_failure *failure, const oo_value *output, const oo_value *first,
                    oo_datum *const *in);
#endif
