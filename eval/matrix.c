#include "eval/matrix.h"

#include "eval/blas.h"
#include "eval/broadcast.h"

#include <stdlib.h>
#include <string.h>

/* ---- integers: wrapping arithmetic is the same for both signs ---- */
#define INT_GEMM(bits)                                                                                                   \
    static void int_gemm_##bits(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const uint##bits##_t *a, int64_t lda, \
                                const uint##bits##_t *b, int64_t ldb, uint##bits##_t *out) {                             \
        for (int64_t i = 0; i < m; i++)                                                                                  \
            for (int64_t p = 0; p < k; p++) {                                                                            \
                const uint##bits##_t x = ta ? a[p * lda + i] : a[i * lda + p];                                           \
                uint##bits##_t *const row = out + i * n;                                                                 \
                for (int64_t j = 0; j < n; j++)                                                                          \
                    row[j] += x * (tb ? b[j * ldb + p] : b[p * ldb + j]);                                                \
            }                                                                                                            \
    }
INT_GEMM(32)
INT_GEMM(64)

void oo__int_gemm(uint32_t width, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda, const void *b,
                  int64_t ldb, void *out) {
    if (width == 4)
        int_gemm_32(trans_a, trans_b, m, n, k, a, lda, b, ldb, out);
    else
        int_gemm_64(trans_a, trans_b, m, n, k, a, lda, b, ldb, out);
}

/* ---- shapes ---- */
/* The operands as [batch..., m, k] and [batch..., k, n]. */
typedef struct product {
    int64_t m, n, k;
    uint32_t batch_rank;
    int64_t batch[OO__MAX_RANK];
    uint64_t count, a_size, b_size; /* products; elements of one matrix */
    uint32_t rank;                  /* of the result */
    int64_t dims[OO__MAX_RANK];
} product;

static oo_status shape_of(const oo__call *c, product *p, const oo_array *a, const oo_array *b) {
    if (a->rank == 0 || b->rank == 0 || a->rank > OO__MAX_RANK || b->rank > OO__MAX_RANK)
        return oo__eval_fail(c, "a factor has %u dimensions", a->rank && a->rank <= OO__MAX_RANK ? b->rank : a->rank);
    p->m = a->rank == 1 ? 1 : a->dims[a->rank - 2];
    p->k = a->dims[a->rank - 1];
    p->n = b->rank == 1 ? 1 : b->dims[b->rank - 1];
    const int64_t k = b->rank == 1 ? b->dims[0] : b->dims[b->rank - 2];
    if (p->k != k)
        return oo__eval_fail(c, "the factors do not fit: %lld columns, %lld rows", (long long)p->k, (long long)k);
    if (!oo__broadcast(&p->batch_rank, p->batch, a->rank > 2 ? a->rank - 2 : 0, a->dims, b->rank > 2 ? b->rank - 2 : 0, b->dims))
        return oo__eval_fail(c, "the leading dimensions of the factors do not broadcast");
    if (p->batch_rank)
        memcpy(p->dims, p->batch, p->batch_rank * sizeof *p->dims);
    p->rank = p->batch_rank;
    if (a->rank > 1)
        p->dims[p->rank++] = p->m;
    if (b->rank > 1)
        p->dims[p->rank++] = p->n;
    return OO_OK;
}

/* Where the operand's matrices for the products [first, first + count) begin. */
static void offsets_of(uint64_t *at, const product *p, const oo_array *operand, uint64_t matrix, uint64_t first, uint64_t count) {
    const uint32_t rank = operand->rank > 2 ? operand->rank - 2 : 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t rest = first + i, offset = 0, step = 1;
        for (uint32_t d = p->batch_rank; d-- > 0;) {
            const uint64_t index = rest % (uint64_t)p->batch[d];
            rest /= (uint64_t)p->batch[d];
            if (d + rank < p->batch_rank)
                continue;
            const uint64_t dim = (uint64_t)operand->dims[d + rank - p->batch_rank];
            offset += dim == 1 ? 0 : index * step;
            step *= dim;
        }
        at[i] = offset * matrix;
    }
}

/* One matrix B for all of A: its rows may stand as one tall matrix. */
static void flatten(product *p, const oo_array *a, const oo_array *b) {
    if (p->batch_rank == 0 || p->k == 0 || b->count != (uint64_t)p->k * (uint64_t)p->n ||
        a->count / (uint64_t)p->k != p->count * (uint64_t)p->m)
        return;
    p->m *= (int64_t)p->count;
    p->count = 1;
    p->batch_rank = 0;
}

typedef struct int_job {
    const oo__gemm *g;
    const uint64_t *a_at, *b_at;
    uint32_t width;
} int_job;

static void run_ints(void *state, uint64_t first, uint64_t last) {
    const int_job *const j = state;
    const oo__gemm *const g = j->g;
    for (uint64_t r = first; r < last; r++) {
        const uint64_t i = r / (uint64_t)g->m, row = r % (uint64_t)g->m;
        oo__int_gemm(j->width, false, false, 1, g->n, g->k, (const char *)g->a + (j->a_at[i] + row * (uint64_t)g->k) * j->width, g->k,
                     (const char *)g->b + j->b_at[i] * j->width, g->n, (char *)g->c + r * (uint64_t)g->n * j->width);
    }
}

static void run_chunk(const oo__gemm *g, bool real, uint64_t count, const uint64_t *a_at, const uint64_t *b_at, uint32_t width) {
    if (real) {
        oo__gemm_batch(g, count, a_at, b_at);
        return;
    }
    memset(g->c, 0, count * (uint64_t)g->m * (uint64_t)g->n * width);
    int_job j = {g, a_at, b_at, width};
    const uint64_t each = (uint64_t)g->n * (uint64_t)g->k;
    oo__parallel(count * (uint64_t)g->m, each ? (1 << 16) / each + 1 : 1 << 16, run_ints, &j);
}

static oo_status run(const oo__call *c, const product *p, const oo_array *a, const oo_array *b, oo_array *out) {
    enum { CHUNK = 4096 };
    const bool real = a->elem == OO_FLOAT || a->elem == OO_DOUBLE;
    const uint32_t width = oo__array_width(a->elem);
    oo__gemm g = {.elem = a->elem,
                  .m = p->m,
                  .n = p->n,
                  .k = p->k,
                  .a = a->data,
                  .b = b->data,
                  .c = out->data,
                  .lda = p->k,
                  .ldb = p->n,
                  .ldc = p->n,
                  .alpha = 1};
    if (!oo__gemm_fits(&g))
        return oo__eval_unsupported(c, "a matrix has more than 2^31 - 1 rows or columns");
    uint64_t a_at[CHUNK], b_at[CHUNK];
    for (uint64_t first = 0; first < p->count; first += CHUNK) {
        const uint64_t count = p->count - first < CHUNK ? p->count - first : CHUNK;
        offsets_of(a_at, p, a, (uint64_t)p->m * (uint64_t)p->k, first, count);
        offsets_of(b_at, p, b, (uint64_t)p->k * (uint64_t)p->n, first, count);
        g.c = (char *)out->data + first * (uint64_t)p->m * (uint64_t)p->n * width;
        run_chunk(&g, real, count, a_at, b_at, width);
    }
    return OO_OK;
}

oo_status oo__matmul(const oo__call *c, oo_array **out, const oo_array *a, const oo_array *b) {
    product p = {.count = 1};
    OO_TRY(shape_of(c, &p, a, b));
    *out = oo__array_new(a->elem, p.rank, p.dims);
    if (!*out)
        return oo__eval_fail(c, "the product would be larger than the limit for one tensor");
    if ((*out)->count == 0)
        return OO_OK;
    for (uint32_t i = 0; i < p.batch_rank; i++)
        p.count *= (uint64_t)p.batch[i];
    flatten(&p, a, b);
    const oo_status status = run(c, &p, a, b, *out);
    if (status != OO_OK) {
        oo__array_release(*out);
        *out = NULL;
    }
    return status;
}
