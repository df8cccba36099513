/* Reads rule files: the shape of a rule. Terms and operators are in rule_parse_term.c. */
#include "passes/rule_parse.h"

#include "io/text_number.h"

#include <stdio.h>
#include <string.h>

/* ---- tokens ---- */
void oo__rp_next(oo__rule_parser *p) {
    p->end = p->lex.at;
    oo__lex_next(&p->lex);
}

bool oo__rp_take(oo__rule_parser *p, int punct) {
    if (!oo__lex_is(&p->lex, punct))
        return false;
    oo__rp_next(p);
    return true;
}

bool oo__rp_take_word(oo__rule_parser *p, const char *word) {
    if (!oo__lex_is_word(&p->lex, word))
        return false;
    oo__rp_next(p);
    return true;
}

oo_status oo__rp_expect(oo__rule_parser *p, int punct, const char *what) {
    return oo__rp_take(p, punct) ? OO_OK : oo__lex_expected(&p->lex, what);
}

const char *oo__rp_text(oo__rule_parser *p) {
    const char *const text = oo__arena_copy(p->arena, p->lex.token.text, p->lex.token.size);
    oo__rp_next(p);
    return text;
}

const char *oo__rp_slice(oo__rule_parser *p, const char *start) {
    const size_t size = p->end > start ? (size_t)(p->end - start) : 0;
    char *const out = oo__arena_alloc(p->arena, size + 1);
    size_t n = 0;
    bool comment = false;
    for (size_t i = 0; i < size; i++) {
        const char c = start[i];
        comment = comment ? c != '\n' : c == '#';
        const bool blank = comment || c == ' ' || (c >= '\t' && c <= '\r');
        if (!blank)
            out[n++] = c;
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
    return out;
}

oo_status oo__rule_fail(oo__rule_parser *p, uint32_t line, uint32_t column, const char *code, const char *format, ...) {
    if (p->lex.failed)
        return OO_INVALID;
    const char *start = p->rule ? p->rule->text : p->lex.at;
    /* The place is behind the beginning of the rule, whose line is known. */
    for (uint32_t at = p->rule ? p->rule->line : line; at < line && start < p->lex.end; at++) {
        const char *const eol = memchr(start, '\n', (size_t)(p->lex.end - start));
        if (!eol)
            break;
        start = eol + 1;
    }
    if (p->rule && line == p->rule->line)
        start -= p->rule->column - 1;
    const oo__token where = {.line = line, .column = column, .line_start = start};
    va_list args;
    va_start(args, format);
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return oo__lex_fail(&p->lex, &where, code, "%s", text);
}

/* ---- slots ---- */
uint32_t oo__rp_find_slot(const oo__rule_parser *p, const char *name) {
    /* The last of a name: on the right side a result that was built goes before the one it replaces. */
    for (uint32_t i = p->rule->nslots; *name && i-- > 0;)
        if (strcmp(p->rule->slots[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

oo_status oo__rp_add_slot(uint32_t *out, oo__rule_parser *p, const char *name, const oo__token *where) {
    oo__rule *const rule = p->rule;
    if (rule->nslots == OO__RULE_SLOTS)
        return oo__lex_fail(&p->lex, where, "rule-limit", "a rule has at most %d values", OO__RULE_SLOTS);
    rule->slots[rule->nslots] = (oo__slot){.name = name,
                                           .left = p->place == OO__LEFT,
                                           .node = UINT32_MAX,
                                           .replaced = UINT32_MAX,
                                           .line = where->line,
                                           .column = where->column};
    *out = rule->nslots++;
    return OO_OK;
}

/* ---- bindings ---- */
typedef struct names {
    const char *name[16];
    oo__token at[16];
    uint32_t n;
    bool many;
} names;

static oo_status parse_names(names *out, oo__rule_parser *p) {
    out->n = 0;
    out->many = false;
    do {
        if (p->lex.token.kind != OO__TOKEN_NAME)
            return oo__lex_expected(&p->lex, out->n ? "the name of a result" : "the name of a result, \"where\", \"=>\" or '}'");
        if (out->n == 16)
            return oo__lex_fail(&p->lex, &p->lex.token, "rule-limit", "a binding names at most 16 results");
        out->at[out->n] = p->lex.token;
        out->name[out->n++] = oo__rp_text(p);
        if (oo__lex_is(&p->lex, OO__DOTS) && out->n == 1) {
            oo__rp_next(p);
            OO_TRY(oo__rp_expect(p, '.', "\"...\""));
            out->many = true;
            break;
        }
    } while (oo__rp_take(p, ','));
    return oo__rp_expect(p, '=', "'='");
}

static oo_status define_left(oo__rule_parser *p, const names *n, oo__operator *op) {
    op->results = OO_NEW_ARRAY(p->arena, uint32_t, n->n);
    op->nresults = n->n;
    op->many = n->many;
    for (uint32_t i = 0; i < n->n; i++) {
        if (strcmp(n->name[i], "_") == 0) {
            op->results[i] = UINT32_MAX;
            continue;
        }
        uint32_t slot = oo__rp_find_slot(p, n->name[i]);
        if (slot == UINT32_MAX)
            OO_TRY(oo__rp_add_slot(&slot, p, n->name[i], &n->at[i]));
        oo__slot *const s = &p->rule->slots[slot];
        if (s->node != UINT32_MAX)
            return oo__lex_fail(&p->lex, &n->at[i], "rule-name", "%s is assigned twice on the left side", n->name[i]);
        if (s->many != n->many && s->uses)
            return oo__lex_fail(&p->lex, &n->at[i], "rule-name", "%s is one value here and a list there", n->name[i]);
        s->many = n->many;
        s->node = op->index;
        s->output = i;
        op->results[i] = slot;
    }
    return OO_OK;
}

/* ---- alternatives ---- */
enum { MOST_FORMS = 64 }; /* of a rule */

static bool at_call(const oo__rule_parser *p) { return oo__lex_is(&p->lex, '<') || oo__lex_is(&p->lex, '('); }

/* Goes over an operator call; false when it does not end. */
static bool skip_call(oo__rule_parser *p) {
    unsigned depth = 0;
    while (p->lex.token.kind != OO__TOKEN_END && p->lex.token.kind != OO__TOKEN_ERROR) {
        const bool opens = oo__lex_is(&p->lex, '('), closes = oo__lex_is(&p->lex, ')');
        depth += opens;
        depth -= closes && depth;
        oo__rp_next(p);
        if (closes && !depth && !at_call(p))
            return true;
    }
    return false;
}

/* How many calls stand here with | between them; one, too, when there is something wrong that reading will find. */
static uint32_t count_alternatives(oo__rule_parser *p) {
    const oo__lexer start = p->lex;
    uint32_t count = 1;
    while (skip_call(p) && oo__rp_take(p, '|'))
        count++;
    if (!p->lex.failed)
        p->lex = start;
    return count;
}

/* One of A(..) | B(..): which one, the form of the rule says. */
static oo_status parse_alternatives(oo__operator **out, oo__rule_parser *p) {
    enum { MOST = sizeof p->choices / sizeof *p->choices };
    const oo__token at = p->lex.token;
    const uint32_t count = count_alternatives(p);
    if (count > 1 && p->nchoices == MOST)
        return oo__lex_fail(&p->lex, &at, "rule-limit", "a rule has at most %d bindings with alternatives", (int)MOST);
    const uint32_t taken = count > 1 ? p->choices[p->nchoices].taken : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!oo__rp_at_operator(p))
            return oo__lex_expected(&p->lex, "an operator such as Add(...): on the left side a result is made by an operator");
        if (i != taken)
            (void)skip_call(p);
        else
            OO_TRY(oo__rp_operator(out, p));
        if (i + 1 < count)
            OO_TRY(oo__rp_expect(p, '|', "'|'"));
    }
    if (count > 1)
        p->choices[p->nchoices++].count = count;
    return OO_OK;
}

/* The next form of the rule that was read: the last place moves first. False behind the last one. */
static bool next_form(oo__rule_parser *p) {
    for (uint32_t i = p->nchoices; i-- > 0;) {
        if (++p->choices[i].taken < p->choices[i].count)
            return true;
        p->choices[i].taken = 0;
    }
    return false;
}

static oo_status parse_left(oo__rule_parser *p) {
    names n;
    OO_TRY(parse_names(&n, p));
    oo__operator *op = NULL;
    OO_TRY(parse_alternatives(&op, p));
    return define_left(p, &n, op);
}

static oo_status define_right(oo__rule_parser *p, const names *n, oo__right *right) {
    const oo__ast *const value = right->value;
    if (n->n > 1 && value->kind != OO__AST_OPERATOR)
        return oo__lex_fail(&p->lex, &n->at[1], "rule-name", "only an operator has several results");
    if (n->n > 8)
        return oo__lex_fail(&p->lex, &n->at[8], "rule-limit", "a binding of the right side names at most 8 results");
    if (n->many)
        return oo__lex_fail(&p->lex, &n->at[0], "rule-name", "a list of results is for the left side");
    right->nslots = n->n;
    for (uint32_t i = 0; i < n->n; i++) {
        right->slots[i] = UINT32_MAX;
        if (strcmp(n->name[i], "_") == 0)
            continue;
        const uint32_t old = oo__rp_find_slot(p, n->name[i]);
        if (old != UINT32_MAX && !p->rule->slots[old].left)
            return oo__lex_fail(&p->lex, &n->at[i], "rule-name", "%s is assigned twice on the right side", n->name[i]);
        if (old != UINT32_MAX && p->rule->slots[old].node == UINT32_MAX)
            return oo__lex_fail(&p->lex, &n->at[i], "rule-name", "%s is an input of the pattern: it cannot be replaced", n->name[i]);
        if (old != UINT32_MAX && p->rule->slots[old].many)
            return oo__lex_fail(&p->lex, &n->at[i], "rule-name", "%s is a list of results: it cannot be replaced as a whole", n->name[i]);
        OO_TRY(oo__rp_add_slot(&right->slots[i], p, n->name[i], &n->at[i]));
        oo__slot *const s = &p->rule->slots[right->slots[i]];
        s->is_result = old != UINT32_MAX;
        s->replaced = old;
        if (old != UINT32_MAX)
            p->rule->slots[old].is_result = true;
    }
    return OO_OK;
}

static oo_status parse_right(oo__rule_parser *p) {
    names n;
    OO_TRY(parse_names(&n, p));
    oo__right right = {0};
    OO_TRY(oo__rp_argument(&right.value, p));
    OO_TRY(define_right(p, &n, &right));
    oo__rule *const rule = p->rule;
    oo__right *const more = OO_NEW_ARRAY(p->arena, oo__right, rule->nright + 1);
    if (rule->nright)
        memcpy(more, rule->right, rule->nright * sizeof *more);
    more[rule->nright++] = right;
    rule->right = more;
    return OO_OK;
}

/* ---- rules ---- */
static oo_status parse_number(int64_t *out, oo__rule_parser *p, const char *what) {
    if (p->lex.token.kind != OO__TOKEN_INT || !oo__int64_read(out, p->lex.token.text, p->lex.token.size))
        return oo__lex_expected(&p->lex, what);
    oo__rp_next(p);
    return OO_OK;
}

static oo_status parse_dotted(const char **out, oo__rule_parser *p, const char *what) {
    const char *const start = p->lex.token.text;
    do {
        if (p->lex.token.kind != OO__TOKEN_NAME)
            return oo__lex_expected(&p->lex, what);
        oo__rp_next(p);
    } while (oo__rp_take(p, '.'));
    *out = oo__rp_slice(p, start);
    return OO_OK;
}

static oo_status parse_keywords(oo__rule_parser *p) {
    oo__rule *const rule = p->rule;
    int64_t level = 0;
    while (!oo__lex_is(&p->lex, '{')) {
        const oo__token at = p->lex.token;
        if (oo__rp_take_word(p, "level")) {
            OO_TRY(parse_number(&level, p, "the level: 1, 2 or 3"));
            if (level < 1 || level > 3)
                return oo__lex_fail(&p->lex, &at, "rule-keyword", "the level is 1, 2 or 3");
        } else if (oo__rp_take_word(p, "inexact")) {
            rule->inexact = true;
        } else if (oo__rp_take_word(p, "benefit")) {
            OO_TRY(parse_number(&rule->benefit, p, "the benefit, a whole number"));
        } else if (oo__rp_take_word(p, "target")) {
            if (p->lex.token.kind != OO__TOKEN_NAME)
                return oo__lex_expected(&p->lex, "the name of a target");
            rule->target = oo__rp_text(p);
        } else if (oo__rp_take_word(p, "import")) {
            OO_TRY(parse_dotted(&rule->import_domain, p, "a domain"));
            OO_TRY(parse_number(&rule->import_version, p, "the version of the domain"));
            if (rule->import_version < 1)
                return oo__lex_fail(&p->lex, &at, "rule-keyword", "the version of a domain is at least 1");
        } else {
            return oo__lex_expected(&p->lex, "'{' or one of level, inexact, benefit, target, import");
        }
    }
    rule->level = level ? (int)level : rule->inexact ? 2 : 1;
    if (rule->inexact && rule->level < 2)
        return oo__lex_fail(&p->lex, &p->lex.token, "rule-keyword", "an inexact rule is of level 2 or 3: level 1 changes no bit");
    return OO_OK;
}

static oo_status parse_where(oo__rule_parser *p) {
    oo_vec(const oo__ast *) guards = {0};
    p->place = OO__WHERE;
    do {
        const oo__ast *guard = NULL;
        OO_TRY(oo__rp_guard(&guard, p));
        oo_vec_push(p->arena, &guards, guard);
    } while (oo__rp_take(p, ','));
    p->rule->guards = guards.data;
    p->rule->nguards = guards.n;
    return OO_OK;
}

static oo_status parse_body(oo__rule_parser *p) {
    p->place = OO__LEFT;
    do
        OO_TRY(parse_left(p));
    while (!oo__lex_is_word(&p->lex, "where") && !oo__lex_is(&p->lex, OO__ARROW) && !oo__lex_is(&p->lex, '}') &&
           p->lex.token.kind != OO__TOKEN_END);
    if (oo__rp_take_word(p, "where"))
        OO_TRY(parse_where(p));
    OO_TRY(oo__rp_expect(p, OO__ARROW, p->rule->nguards ? "',', an operator or \"=>\"" : "\"where\" or \"=>\""));
    p->place = OO__RIGHT;
    do
        OO_TRY(parse_right(p));
    while (!oo__lex_is(&p->lex, '}') && p->lex.token.kind != OO__TOKEN_END);
    return oo__rp_expect(p, '}', "'}' or another binding");
}

static const char *public_name(oo__rule_parser *p, const oo__token *t) {
    char *const name = oo__arena_copy(p->arena, t->text, t->size);
    for (char *c = name; *c; c++)
        *c = (char)(*c == '_' ? '-' : *c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    return name;
}

/* The lines of comment right before a place, as one line of text. */
static const char *comment_before(oo__rule_parser *p, const char *place, const char *begin) {
    const char *start = place;
    while (start > begin) {
        const char *line = start - 1;
        while (line > begin && line[-1] != '\n')
            line--;
        const char *at = line;
        while (at < start && (*at == ' ' || *at == '\t'))
            at++;
        if (at >= start || *at != '#')
            break;
        start = line;
    }
    char *const out = oo__arena_alloc(p->arena, (size_t)(place - start) + 1);
    size_t n = 0;
    for (const char *at = start; at < place; at++) {
        const bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || (*at == '#' && (at == start || at[-1] == '\n'));
        if (!blank)
            out[n++] = *at;
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    n -= n && out[n - 1] == ' ';
    out[n] = 0;
    return out;
}

static oo_status parse_rule(oo__rule **out, oo__rule_parser *p) {
    oo__rule *const rule = *out = OO_NEW(p->arena, oo__rule);
    const oo__token at = p->lex.token;
    rule->text = at.text;
    rule->doc = comment_before(p, at.line_start, p->begin);
    rule->line = at.line;
    rule->column = at.column;
    p->rule = rule;
    if (!oo__rp_take_word(p, "rule"))
        return oo__lex_expected(&p->lex, "\"rule\"");
    if (p->lex.token.kind != OO__TOKEN_NAME)
        return oo__lex_expected(&p->lex, "the name of the rule");
    rule->name = public_name(p, &p->lex.token);
    rule->group = p->source->group;
    rule->origin = p->source->path;
    rule->rank = p->source->rank;
    rule->benefit = INT64_MIN;
    p->nchoices = 0;
    oo__rp_next(p);
    OO_TRY(parse_keywords(p));
    OO_TRY(oo__rp_expect(p, '{', "'{'"));
    OO_TRY(parse_body(p));
    OO_TRY(oo__rule_compile(p, rule));
    rule->text = oo__arena_copy(p->arena, at.text, (size_t)(p->end - at.text));
    return OO_OK;
}

/* A rule whose left side has alternatives is read once for each form. */
static oo_status parse_forms(oo__rules *out, oo__rule_parser *p) {
    const oo__lexer start = p->lex;
    const uint32_t others = out->n;
    memset(p->choices, 0, sizeof p->choices);
    do {
        oo__rule *rule = NULL;
        p->lex = start;
        p->depth = 0;
        OO_TRY(parse_rule(&rule, p));
        for (uint32_t i = 0; i < others; i++)
            if (strcmp(out->data[i]->name, rule->name) == 0)
                return oo__lex_fail(&p->lex, &start.token, "rule-name", "there is a rule \"%s\" already, in line %u", rule->name,
                                    out->data[i]->line);
        if (out->n - others == MOST_FORMS)
            return oo__lex_fail(&p->lex, &start.token, "rule-limit", "the alternatives of a rule make at most %d forms", MOST_FORMS);
        rule->form = p->nchoices ? out->n - others + 1 : 0;
        oo_vec_push(p->arena, out, rule);
    } while (next_form(p));
    return OO_OK;
}

static oo_status parse_file(oo__rules *out, oo__rule_parser *p) {
    while (p->lex.token.kind != OO__TOKEN_END)
        OO_TRY(parse_forms(out, p));
    return p->lex.failed ? OO_INVALID : OO_OK;
}

oo_status oo__rules_parse(oo__rules *out, const oo__rule_source *source, const char *text, size_t size) {
    oo__rule_parser p = {.source = source, .arena = source->arena, .begin = text, .end = text};
    oo__lex_start(&p.lex, source->context, source->path, text, size);
    const oo_status status = parse_file(out, &p);
    oo_vec_free(&p.stack);
    return status;
}
