/* The difference of two texts by lines: Myers' O(ND) algorithm in linear space (E. Myers, "An O(ND) Difference Algorithm and Its
 * Variations", 1986, section 4b). */
#include "base/hash.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* Beyond this many differences within a block, the block is shown as replaced: time is bounded by it. */
enum { MAX_EDITS = 4096 };

typedef struct text {
    const char **lines;
    size_t *sizes;
    uint64_t *hashes; /* equal hashes count as equal lines: 64 bits, and only people read the result */
    bool *marked;     /* removed or added */
    int64_t n;
} text;

typedef struct differ {
    text a, b;
    int64_t *forward, *backward; /* furthest x by diagonal, from either end */
    int64_t middle;              /* index of diagonal 0 in both */
} differ;

static text split(const char *source) {
    text t = {0};
    for (const char *p = source; *p; p++)
        t.n += *p == '\n' || !p[1];
    const size_t n = (size_t)t.n + 1;
    t.lines = oo__malloc(n * sizeof *t.lines);
    t.sizes = oo__malloc(n * sizeof *t.sizes);
    t.hashes = oo__malloc(n * sizeof *t.hashes);
    t.marked = oo__malloc(n * sizeof *t.marked);
    memset(t.marked, 0, n * sizeof *t.marked);
    const char *at = source;
    for (int64_t i = 0; i < t.n; i++) {
        const size_t size = strcspn(at, "\n");
        t.lines[i] = at;
        t.sizes[i] = size;
        t.hashes[i] = oo__hash(at, size);
        at += size + (at[size] == '\n');
    }
    return t;
}

static void release(text *t) {
    free(t->lines);
    free(t->sizes);
    free(t->hashes);
    free(t->marked);
}

typedef struct block {
    int64_t a0, a1, b0, b1; /* lines [a0, a1) against [b0, b1) */
} block;

static int64_t larger(int64_t x, int64_t y) { return x > y ? x : y; }

/* One step of the search from one end: paths of `edits` edits. True when they meet the paths from the other end; then `snake` is the
 * run of equal lines in the middle, relative to the block. */
static bool step(differ *d, const block *at, int64_t edits, bool from_end, block *snake) {
    const int64_t n = at->a1 - at->a0, m = at->b1 - at->b0, delta = n - m;
    int64_t *const mine = (from_end ? d->backward : d->forward) + d->middle;
    const int64_t *const other = (from_end ? d->forward : d->backward) + d->middle;
    const int64_t reach = from_end ? edits : edits - 1; /* how far the other end has got */
    const int64_t last = edits - 2 * larger(0, edits - n);
    for (int64_t k = -(edits - 2 * larger(0, edits - m)); k <= last; k += 2) {
        int64_t x = k == -edits || (k != edits && mine[k - 1] < mine[k + 1]) ? mine[k + 1] : mine[k - 1] + 1;
        int64_t y = x - k;
        const int64_t x0 = x, y0 = y;
        while (x < n && y < m &&
               (from_end ? d->a.hashes[at->a1 - 1 - x] == d->b.hashes[at->b1 - 1 - y] : d->a.hashes[at->a0 + x] == d->b.hashes[at->b0 + y])) {
            x++;
            y++;
        }
        mine[k] = x;
        const int64_t facing = delta - k;
        const bool may_meet = (delta % 2 != 0) != from_end;
        if (may_meet && facing >= -reach && facing <= reach && x + other[facing] >= n) {
            *snake = from_end ? (block){n - x, n - x0, m - y, m - y0} : (block){x0, x, y0, y};
            return true;
        }
    }
    return false;
}

static bool find_middle(differ *d, const block *at, block *snake) {
    d->forward[d->middle + 1] = d->backward[d->middle + 1] = 0;
    for (int64_t edits = 0; edits <= MAX_EDITS / 2; edits++)
        if (step(d, at, edits, false, snake) || step(d, at, edits, true, snake))
            return true;
    return false;
}

static void compare(differ *d, block at) {
    while (at.a0 < at.a1 && at.b0 < at.b1 && d->a.hashes[at.a0] == d->b.hashes[at.b0]) {
        at.a0++;
        at.b0++;
    }
    while (at.a0 < at.a1 && at.b0 < at.b1 && d->a.hashes[at.a1 - 1] == d->b.hashes[at.b1 - 1]) {
        at.a1--;
        at.b1--;
    }
    block s;
    if (at.a0 == at.a1 || at.b0 == at.b1 || !find_middle(d, &at, &s)) {
        for (int64_t i = at.a0; i < at.a1; i++)
            d->a.marked[i] = true;
        for (int64_t i = at.b0; i < at.b1; i++)
            d->b.marked[i] = true;
        return;
    }
    compare(d, (block){at.a0, at.a0 + s.a0, at.b0, at.b0 + s.b0});
    compare(d, (block){at.a0 + s.a1, at.a1, at.b0 + s.b1, at.b1});
}

/* ---- printing ---- */
static void put_lines(FILE *f, char sign, const text *t, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
        fprintf(f, "%c%.*s\n", sign, (int)t->sizes[i], t->lines[i]);
}

/* The changed run at or after (*i, *j), which stand at equal lines; both move behind it. False when there is none. */
static bool next_change(const differ *d, int64_t *i, int64_t *j, block *change) {
    while (*i < d->a.n && *j < d->b.n && !d->a.marked[*i] && !d->b.marked[*j]) {
        ++*i;
        ++*j;
    }
    *change = (block){*i, *i, *j, *j};
    while (change->a1 < d->a.n && d->a.marked[change->a1])
        change->a1++;
    while (change->b1 < d->b.n && d->b.marked[change->b1])
        change->b1++;
    *i = change->a1;
    *j = change->b1;
    return change->a0 < change->a1 || change->b0 < change->b1;
}

static void put_hunk(FILE *f, const differ *d, const block *changes, size_t n, int64_t around) {
    const int64_t before = changes[0].a0 < around ? changes[0].a0 : around;
    const int64_t left = d->a.n - changes[n - 1].a1;
    const int64_t after = left < around ? left : around;
    const int64_t a0 = changes[0].a0 - before, b0 = changes[0].b0 - before;
    fprintf(f, "@@ -%lld,%lld +%lld,%lld @@\n", (long long)a0 + 1, (long long)(changes[n - 1].a1 + after - a0), (long long)b0 + 1,
            (long long)(changes[n - 1].b1 + after - b0));
    int64_t at = a0;
    for (size_t i = 0; i < n; i++) {
        put_lines(f, ' ', &d->a, at, changes[i].a0);
        put_lines(f, '-', &d->a, changes[i].a0, changes[i].a1);
        put_lines(f, '+', &d->b, changes[i].b0, changes[i].b1);
        at = changes[i].a1;
    }
    put_lines(f, ' ', &d->a, at, at + after);
}

static void put_hunks(FILE *f, const differ *d, int64_t around) {
    oo_vec(block) hunk = {0};
    int64_t i = 0, j = 0;
    block change;
    while (next_change(d, &i, &j, &change)) {
        if (hunk.n && change.a0 - hunk.data[hunk.n - 1].a1 > 2 * around) {
            put_hunk(f, d, hunk.data, hunk.n, around);
            hunk.n = 0;
        }
        oo_vec_push(NULL, &hunk, change);
    }
    if (hunk.n)
        put_hunk(f, d, hunk.data, hunk.n, around);
    oo_vec_free(&hunk);
}

char *oo__text_diff(const char *before, const char *after, unsigned around) {
    differ d = {.a = split(before), .b = split(after)};
    d.middle = MAX_EDITS / 2 + 2;
    const size_t room = (size_t)(2 * d.middle + 1) * sizeof *d.forward;
    d.forward = oo__malloc(room);
    d.backward = oo__malloc(room);
    compare(&d, (block){0, d.a.n, 0, d.b.n});
    char *out = NULL;
    size_t size = 0;
    FILE *const f = open_memstream(&out, &size);
    if (!f)
        oo__oom(0);
    put_hunks(f, &d, (int64_t)around);
    fclose(f);
    free(d.forward);
    free(d.backward);
    release(&d.a);
    release(&d.b);
    return out;
}
