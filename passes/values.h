/* Values of files and values of the evaluator, each made from the other. */
#ifndef PASSES_VALUES_H
#define PASSES_VALUES_H
#include "eval/eval.h"
#include "io/value.h"

/* A new reference; NULL when a tensor's data is not to be had or has a type that is none. */
oo_datum *oo__datum_of_tree(const oo_value_tree *tree);
/* In the model's arena. */
oo_value_tree *oo__tree_of_datum(oo_model *model, const oo_datum *datum);
#endif
