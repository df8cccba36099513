/* A failed check as files: what shows the difference, in ONNX's test layout. */
#ifndef PASSES_REPRODUCER_H
#define PASSES_REPRODUCER_H
#include "eval/check_models.h"

/* Writes into `folder` (made when it is missing):
 *   model.onnx                        the part of `original` that the failure names
 *   rewritten.onnx                    the same part of `changed`
 *   test_data_set_0/input_K.pb        inputs of both
 *   test_data_set_0/output_K.pb       what the original computes
 * Gives names to values of the models that have none. */
oo_status oo__reproducer_write(oo_context *context, const char *folder, oo_model *original, oo_model *changed,
                               const oo_compare_failure *failure);
#endif
