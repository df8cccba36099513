/* What the tests of inference share: models as text, types as text. */
#ifndef TESTS_UNIT_INFER_WORLD_H
#define TESTS_UNIT_INFER_WORLD_H
#include "tests/unit/build.h"

#include "ir/infer.h"

/* A model from ONNX text; fails the test when it does not parse. `text` is what follows the header <ir_version, opset_import>. */
typedef struct text_model {
    oo_context *context;
    oo_model *model;
} text_model;
text_model text_model_new(int opset, const char *text);
void text_model_free(text_model *m);
oo_value *value_named(const text_model *m, const char *name);
/* "float[N,3]", "seq(float[?])", "?"; of the value of this name in any graph. Valid until the model goes. */
const char *type_named(const text_model *m, const char *name);
/* Infers with default settings, what is said going to `told`. */
oo_status infer_all(text_model *m);
/* Infers and compares one type. */
void assert_type(text_model *m, const char *name, const char *wanted);
/* One model, one value, one type. */
typedef struct shape_case {
    int opset;
    const char *text, *name, *type;
} shape_case;
void check_shape_cases(const shape_case *cases, size_t count);
/* One model that must be told with this text. */
typedef struct refusal_case {
    int opset;
    const char *text, *part;
} refusal_case;
void check_refusal_cases(const refusal_case *cases, size_t count);
#endif
