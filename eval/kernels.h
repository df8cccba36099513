/* The kernels of kernels.def. Private to eval/. */
#ifndef EVAL_KERNELS_H
#define EVAL_KERNELS_H
#include "eval/eval.h"

#define KERNEL(domain, name, function) oo_status oo__kernel_##function(oo__call *c);
#include "eval/kernels.def"
#undef KERNEL
#endif
