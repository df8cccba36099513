/* Copies boxes of elements between any two layouts: the heart of Transpose, Slice, Concat, Expand, Tile and their like. */
#include "eval/move.h"

#include <string.h>

enum { TILE = 32, GRAIN = 1 << 15 }; /* elements along a side of a block; elements that are worth a thread */

typedef struct side {
    int64_t count, to, from; /* how many, and the steps in the two arrays */
} side;

typedef void (*copier)(oo_array *out, int64_t to, const oo_array *in, int64_t from, side across, side along);

/* Blocks of TILE x TILE keep the lines of both arrays in the cache, whichever of the two sides is contiguous there. */
#define BLOCKS(body)                                                                                      \
    for (int64_t j0 = 0; j0 < along.count; j0 += TILE)                                                    \
        for (int64_t i = 0; i < across.count; i++) {                                                      \
            const int64_t end = along.count - j0 < TILE ? along.count : j0 + TILE;                        \
            int64_t t = to + i * across.to + j0 * along.to, f = from + i * across.from + j0 * along.from; \
            for (int64_t j = j0; j < end; j++, t += along.to, f += along.from)                            \
                body;                                                                                     \
        }
#define COPIER(width)                                                                                                \
    static void copy_##width(oo_array *out, int64_t to, const oo_array *in, int64_t from, side across, side along) { \
        char *const o = out->data;                                                                                   \
        const char *const p = in->data;                                                                              \
        BLOCKS(memcpy(o + t * (width), p + f * (width), (width)))                                                    \
    }
COPIER(1)
COPIER(2)
COPIER(4)
COPIER(8)
COPIER(16)

static void copy_strings(oo_array *out, int64_t to, const oo_array *in, int64_t from, side across, side along) {
    BLOCKS(oo__array_set_string(out, (uint64_t)t, ((const oo_bytes *)in->data)[f]))
}

static void copy_rows(oo_array *out, int64_t to, const oo_array *in, int64_t from, side across, side along) {
    for (int64_t i = 0; i < across.count; i++)
        oo__copy_run(out, (uint64_t)(to + i * across.to), in, (uint64_t)(from + i * across.from),
                     (uint64_t)along.count);
}

static copier copier_for(oo_elem elem, side along) {
    if (along.to == 1 && along.from == 1)
        return copy_rows;
    if (elem == OO_STRING)
        return copy_strings;
    switch (oo__array_width(elem)) {
    case 1: return copy_1;
    case 2: return copy_2;
    case 4: return copy_4;
    case 8: return copy_8;
    default: return copy_16;
    }
}

typedef struct job {
    oo_array *out;
    const oo_array *in;
    int64_t to, from;
    side sides[OO__MAX_BOX + 2]; /* the last two make the blocks */
    uint32_t rank;
    int64_t strips; /* in which the last but one is cut */
    copier copy;
} job;

/* Leaves out dimensions of 1 and joins those that both arrays go through as if they were one. False when there is nothing to copy. */
static bool simplify(job *j, const oo__place *to, const oo__place *from, uint32_t rank, const int64_t *dims) {
    for (uint32_t k = 0; k < rank; k++)
        if (dims[k] <= 0)
            return false;
    for (uint32_t k = 0; k < rank; k++) {
        const side s = {dims[k], to->steps[k], from->steps[k]};
        if (s.count == 1)
            continue;
        side *const last = j->rank ? &j->sides[j->rank - 1] : NULL;
        if (last && last->to == s.to * s.count && last->from == s.from * s.count)
            *last = (side){last->count * s.count, s.to, s.from};
        else
            j->sides[j->rank++] = s;
    }
    return true;
}

/* Puts the side along which the input is contiguous beside the last one, along which the output is. */
static void choose_block(job *j) {
    while (j->rank < 2) {
        memmove(&j->sides[1], &j->sides[0], j->rank * sizeof *j->sides);
        j->sides[0] = (side){1, 0, 0};
        j->rank++;
    }
    const uint32_t beside = j->rank - 2;
    uint32_t best = beside;
    for (uint32_t k = 0; k < beside && j->sides[j->rank - 1].from != 1; k++)
        if (j->sides[k].from == 1)
            best = k;
    const side s = j->sides[best];
    memmove(&j->sides[best], &j->sides[best + 1], (beside - best) * sizeof s);
    j->sides[beside] = s;
}

static void copy_part(void *state, uint64_t first, uint64_t last) {
    const job *const j = state;
    const side along = j->sides[j->rank - 1], across = j->sides[j->rank - 2];
    for (uint64_t part = first; part < last; part++) {
        const int64_t start = (int64_t)(part % (uint64_t)j->strips) * TILE;
        int64_t to = j->to + start * across.to, from = j->from + start * across.from;
        uint64_t rest = part / (uint64_t)j->strips;
        for (uint32_t k = j->rank - 2; k-- > 0;) {
            const int64_t i = (int64_t)(rest % (uint64_t)j->sides[k].count);
            rest /= (uint64_t)j->sides[k].count;
            to += i * j->sides[k].to;
            from += i * j->sides[k].from;
        }
        const int64_t count = across.count - start < TILE ? across.count - start : TILE;
        j->copy(j->out, to, j->in, from, (side){count, across.to, across.from}, along);
    }
}

void oo__copy_box(oo_array *out, const oo__place *to, const oo_array *in, const oo__place *from, uint32_t rank,
                  const int64_t *dims) {
    job j = {.out = out, .in = in, .to = to->first, .from = from->first};
    if (!simplify(&j, to, from, rank, dims))
        return;
    choose_block(&j);
    const side along = j.sides[j.rank - 1], across = j.sides[j.rank - 2];
    j.copy = copier_for(out->elem, along);
    j.strips = (across.count + TILE - 1) / TILE;
    uint64_t parts = (uint64_t)j.strips;
    for (uint32_t k = 0; k + 2 < j.rank; k++)
        parts *= (uint64_t)j.sides[k].count;
    const uint64_t block = (uint64_t)along.count * (uint64_t)(across.count < TILE ? across.count : TILE);
    oo__parallel(parts, block >= GRAIN ? 1 : GRAIN / block + 1, copy_part, &j);
}
