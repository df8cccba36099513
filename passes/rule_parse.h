/* What the parts of the rule parser share. Private to passes/. */
#ifndef PASSES_RULE_PARSE_H
#define PASSES_RULE_PARSE_H
#include "io/text_lex.h"
#include "passes/rule_ast.h"

typedef enum oo__place { OO__LEFT, OO__WHERE, OO__RIGHT } oo__place;

typedef struct oo__rule_parser {
    oo__lexer lex;
    const oo__rule_source *source;
    oo_arena *arena;
    oo__rule *rule;
    oo__place place;
    const char *begin;    /* of the text */
    const char *end;      /* behind the token that was taken last */
    unsigned depth;
    oo_vec(oo__ast *) stack; /* terms of open lists */
    /* The forms of a rule: at each place where its left side has alternatives, which is taken and how many there are. */
    struct {
        uint32_t taken, count;
    } choices[8];
    uint32_t nchoices;       /* places passed in this form */
} oo__rule_parser;

/* ---- tokens ---- */
void oo__rp_next(oo__rule_parser *p);
bool oo__rp_take(oo__rule_parser *p, int punct);
bool oo__rp_take_word(oo__rule_parser *p, const char *word);
oo_status oo__rp_expect(oo__rule_parser *p, int punct, const char *what);
/* The token as NUL-terminated text; goes to the next. */
const char *oo__rp_text(oo__rule_parser *p);
/* The text from `start` to the last token taken, blanks and comments as one blank. */
const char *oo__rp_slice(oo__rule_parser *p, const char *start);

enum { OO__RULE_DEPTH = 64 }; /* of terms and operators in each other */
/* The text behind the current token, blanks left out, and its first character. */
const char *oo__rp_behind(const oo__rule_parser *p);
char oo__rp_char_behind(const oo__rule_parser *p);

/* ---- terms (rule_parse_term.c) ---- */
/* `comparing`: conditions are allowed. */
oo_status oo__rp_term(const oo__ast **out, oo__rule_parser *p, bool comparing);
/* @name; `binding`: it may be new, of this sort. */
oo_status oo__rp_attr_name(oo__ast **out, oo__rule_parser *p, bool binding, oo__sort sort);
/* Whether a term of sort `from` may stand where `to` is wanted, and the error when it may not. */
bool oo__sort_fits(oo__sort from, oo__sort to);
oo_status oo__rp_sort_error(oo__rule_parser *p, const oo__ast *at, const char *what, oo__sort found);
/* A guard: of sort BOOL. */
oo_status oo__rp_guard(const oo__ast **out, oo__rule_parser *p);
/* An argument of an operator, or what stands right of `=` in a binding. */
oo_status oo__rp_argument(const oo__ast **out, oo__rule_parser *p);

/* ---- operators (rule_parse_operator.c) ---- */
/* Whether the next tokens begin an operator call: (A|B), shared, A(, A<, a.b.C. */
bool oo__rp_at_operator(const oo__rule_parser *p);
oo_status oo__rp_operator(oo__operator **out, oo__rule_parser *p);

/* ---- slots (rule_parse.c) ---- */
/* The slot of a name, UINT32_MAX when there is none. */
uint32_t oo__rp_find_slot(const oo__rule_parser *p, const char *name);
oo_status oo__rp_add_slot(uint32_t *out, oo__rule_parser *p, const char *name, const oo__token *where);

/* ---- checking and compiling a read rule (rule_compile.c) ---- */
oo_status oo__rule_compile(oo__rule_parser *p, oo__rule *rule);
/* An error at a place of the rule. */
oo_status oo__rule_fail(oo__rule_parser *p, uint32_t line, uint32_t column, const char *code, const char *format, ...) OO_PRINTF(5, 6);
/* The name nearest to a misspelt one, NULL when none is near. `at(state, i)` gives the names, NULL behind the last. */
const char *oo__nearest(const char *name, const char *(*at)(const void *state, uint32_t i), const void *state);
#endif
