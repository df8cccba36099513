/* The table of kernels, sorted once by domain and name. */
#include "eval/kernels.h"

#include "eval/evaluator.h"

#include <stdlib.h>
#include <string.h>

typedef struct row {
    oo_domain domain;
    const char *name;
    oo__kernel kernel;
} row;

static row ROWS[] = {
#define KERNEL(domain, name, function) {OO_DOMAIN_##domain, #name, oo__kernel_##function},
#include "eval/kernels.def"
#undef KERNEL
};

enum { COUNT = sizeof ROWS / sizeof *ROWS };

static int compare(const void *a, const void *b) {
    const row *const x = a, *const y = b;
    return x->domain != y->domain ? (x->domain < y->domain ? -1 : 1) : strcmp(x->name, y->name);
}

oo__kernel oo__kernel_of(const oo_schema *schema) {
    static bool sorted;
    if (!sorted) {
        qsort(ROWS, COUNT, sizeof *ROWS, compare);
        sorted = true;
    }
    const row key = {schema->domain, schema->name, NULL};
    const row *const found = bsearch(&key, ROWS, COUNT, sizeof *ROWS, compare);
    return found ? found->kernel : NULL;
}
