/* Calls of kernels that ONNX and its runtimes read in more than one way (ir/disputed.def). Private to eval/. */
#ifndef EVAL_READING_H
#define EVAL_READING_H
#include "eval/eval.h"

/* What the readings are, of a call that ran; NULL when there is one. */
const char *oo__call_disputed(const oo__call *c);
#endif
