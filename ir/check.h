/* Whether a model is valid ONNX: everything that is wrong with it, each with its place. */
#ifndef IR_CHECK_H
#define IR_CHECK_H
#include "ir/infer.h"

typedef struct oo_check_settings {
    bool no_infer;    /* leave out what only inference finds: types and shapes */
    bool errors_only; /* leave out what is found for warnings alone: contradictions of the contents of computed tensors */
} oo_check_settings;

/* Sends a diagnostic for every defect: errors make the model invalid, warnings do not. OO_INVALID when there is an error. The model is
 * sorted and inferred on the way; `settings` NULL = all zero. */
oo_status oo__model_check(oo_model *model, const oo_check_settings *settings);
#endif
