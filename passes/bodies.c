/* The table of bodies, and the text of one as a node needs it. */
#include "passes/bodies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char oo__text_bodies[], oo__text_bodies_in_context[];

/* ---- the table ---- */
enum { MAX_BODIES = 256, MAX_NESTED = 16 };
static oo__body table[MAX_BODIES];
static uint32_t ntable;

static const char *line_end(const char *at) {
    const char *const end = strchr(at, '\n');
    return end ? end : at + strlen(at);
}

static const char *next_line(const char *at) {
    const char *const end = line_end(at);
    return *end ? end + 1 : end;
}

static bool begins(const char *at, const char *word) { return strncmp(at, word, strlen(word)) == 0; }

static void add_row(const char *line) {
    oo_require(ntable < MAX_BODIES, "there are more bodies than room for them");
    oo__body *const body = &table[ntable++];
    char op[96];
    long long since, opset;
    oo_require(sscanf(line, "%%body %95s %lld %lld", op, &since, &opset) == 3, "malformed line in the bodies: %.60s", line);
    const char *const dot = strrchr(op, '.');
    snprintf(body->domain, sizeof body->domain, "%.*s", dot ? (int)(dot - op) : 0, op);
    snprintf(body->name, sizeof body->name, "%s", dot ? dot + 1 : op);
    body->since = since;
    body->opset = opset;
    body->text = next_line(line);
}

static void add_rows(const char *text) {
    const uint32_t first = ntable;
    for (const char *line = text; *line; line = next_line(line)) {
        if (begins(line, "%body"))
            add_row(line);
        else if (ntable > first)
            table[ntable - 1].size = (uint32_t)(next_line(line) - table[ntable - 1].text);
    }
    /* Several may share one text. */
    for (uint32_t i = ntable; i-- > first + 1;) {
        if (table[i - 1].size)
            continue;
        table[i - 1].text = table[i].text;
        table[i - 1].size = table[i].size;
    }
}

const oo__body *oo__body_table(uint32_t *count) {
    if (!ntable) {
        add_rows((const char *)oo__text_bodies);
        add_rows((const char *)oo__text_bodies_in_context);
    }
    *count = ntable;
    return table;
}

const oo__body *oo__body_find(const oo_schema *schema, int64_t opset, int64_t *later) {
    uint32_t count;
    const oo__body *const rows = oo__body_table(&count), *best = NULL;
    *later = 0;
    for (uint32_t i = 0; i < count; i++) {
        const oo__body *const row = &rows[i];
        if (row->since != schema->since || strcmp(row->name, schema->name) != 0 || strcmp(row->domain, schema->domain_name) != 0)
            continue;
        if (row->opset <= opset && (!best || row->opset > best->opset))
            best = row;
        if (row->opset > opset && (!*later || row->opset < *later))
            *later = row->opset;
    }
    return best;
}

/* ---- text of one ---- */
typedef struct writer {
    oo__body_scope scope;
    oo_vec(char) out;
    struct {
        bool on;    /* lines count */
        bool taken; /* a branch was chosen */
        bool dead;  /* it is itself in lines that do not count */
    } nest[MAX_NESTED];
    uint32_t depth;
} writer;

static void put(writer *w, const char *text, size_t size) {
    oo_vec_reserve(NULL, &w->out, (uint32_t)size + 1);
    memcpy(w->out.data + w->out.n, text, size);
    w->out.n += (uint32_t)size;
}

static void put_value(writer *w, const oo__body_value *v) {
    char text[64] = "";
    if (v->kind == OO__BODY_INT)
        snprintf(text, sizeof text, "%lld", (long long)v->i);
    else if (v->kind == OO__BODY_REAL)
        snprintf(text, sizeof text, "%.9g", v->f);
    const char *const out = v->kind == OO__BODY_TEXT ? v->text : text;
    put(w, out, strlen(out));
}

static void put_line(writer *w, const char *line, const char *end) {
    for (const char *at = line; at < end;) {
        const char *const from = strstr(at, "${");
        if (!from || from >= end) {
            put(w, at, (size_t)(end - at));
            break;
        }
        const char *const to = strchr(from, '}');
        put(w, at, (size_t)(from - at));
        const oo__body_value v = oo__body_evaluate(&w->scope, from + 2, (size_t)(to - from) - 2);
        put_value(w, &v);
        at = to + 1;
    }
    put(w, "\n", 1);
}

static bool is_on(const writer *w) { return !w->depth || w->nest[w->depth - 1].on; }

static bool holds(writer *w, const char *expr, const char *end) {
    const oo__body_value v = oo__body_evaluate(&w->scope, expr, (size_t)(end - expr));
    return v.kind == OO__BODY_INT && v.i;
}

static void open_branch(writer *w, const char *expr, const char *end) {
    oo_require(w->depth < MAX_NESTED, "bodies nest %%if too deeply");
    const bool dead = !is_on(w), on = !dead && holds(w, expr, end);
    w->nest[w->depth].dead = dead;
    w->nest[w->depth].on = w->nest[w->depth].taken = on;
    w->depth++;
}

static void other_branch(writer *w, const char *expr, const char *end) {
    oo_require(w->depth, "%%else without %%if in the bodies");
    const uint32_t top = w->depth - 1;
    w->nest[top].on = !w->nest[top].dead && !w->nest[top].taken && (!expr || holds(w, expr, end));
    w->nest[top].taken |= w->nest[top].on;
}

static void let(writer *w, const char *at, const char *end) {
    const char *const equals = memchr(at, '=', (size_t)(end - at));
    oo_require(equals, "%%let without a value in the bodies");
    size_t n = 0;
    while (at[n] != ' ' && at[n] != '=')
        n++;
    const oo__body_name name = {oo__arena_copy(w->scope.arena, at, n), oo__body_evaluate(&w->scope, equals + 1, (size_t)(end - equals) - 1)};
    oo_vec_push(w->scope.arena, &w->scope.names, name);
}

/* What a line that begins with % says. */
static void obey(writer *w, const char *line, const char *end) {
    if (begins(line, "%if "))
        open_branch(w, line + 4, end);
    else if (begins(line, "%elif "))
        other_branch(w, line + 6, end);
    else if (begins(line, "%else"))
        other_branch(w, NULL, NULL);
    else if (begins(line, "%end"))
        w->depth -= w->depth > 0;
    else if (!is_on(w))
        return;
    else if (begins(line, "%let "))
        let(w, line + 5, end);
    else if (begins(line, "%refuse "))
        w->scope.why = w->scope.why ? w->scope.why : oo__arena_copy(w->scope.arena, line + 8, (size_t)(end - line) - 8);
    else if (begins(line, "%named "))
        w->scope.named = oo__arena_copy(w->scope.arena, line + 7, (size_t)(end - line) - 7);
    else
        oo_bug("unknown line in the bodies: %.40s", line);
}

static void put_names(writer *w, const oo_schema_io *list, uint32_t count, bool outputs) {
    for (uint32_t i = 0; i < count; i++) {
        /* An output that the node leaves out need not be made: any value may stand in its place. */
        const bool wanted = !outputs || oo_node_output(w->scope.node, i);
        const char *const name = wanted ? list[i].name : w->scope.schema->inputs[0].name;
        put(w, i ? ", " : "(", i ? 2 : 1);
        put(w, name, strlen(name));
    }
    put(w, count ? ")" : "()", count ? 1 : 2);
}

static void put_head(writer *w, const oo__body *body) {
    const oo_schema *const s = w->scope.schema;
    const char *const head = oo__arena_printf(w->scope.arena,
                                              "<ir_version: 10, opset_import: [\"\" : %lld]>\nnothing () => () {}\n"
                                              "<domain: \"body\", opset_import: [\"\" : %lld]>\nof_%s ",
                                              (long long)body->opset, (long long)body->opset, s->name);
    put(w, head, strlen(head));
    const uint32_t noutputs = oo_node_noutputs(w->scope.node);
    put_names(w, s->inputs, s->ninputs, false);
    put(w, " => ", 4);
    put_names(w, s->outputs, noutputs < s->noutputs ? noutputs : s->noutputs, true);
    put(w, " {\n", 3);
}

const char *oo__body_text(const oo__body *body, const oo_schema *schema, const oo_node *node, oo_arena *arena, const char **why,
                          const char **named) {
    writer w = {.scope = {.body = body, .schema = schema, .node = node, .arena = arena}};
    put_head(&w, body);
    for (const char *line = body->text; line < body->text + body->size && !w.scope.why; line = next_line(line)) {
        if (*line == '%')
            obey(&w, line, line_end(line));
        else if (is_on(&w) && *line != '#')
            put_line(&w, line, line_end(line));
    }
    put(&w, "}\n", 2);
    const char *const text = oo__arena_copy(arena, w.out.data, w.out.n);
    oo_vec_free(&w.out);
    *why = w.scope.why;
    *named = w.scope.named;
    return w.scope.why ? NULL : text;
}
