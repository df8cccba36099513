#include "io/text_lex.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool starts_name(char c) { return is_letter(c) || c == '_'; }
static bool goes_on_name(char c) { return starts_name(c) || is_digit(c); }

bool oo__lex_is_name(const char *text, size_t size) {
    if (!size || !starts_name(*text))
        return false;
    for (size_t i = 1; i < size; i++)
        if (!goes_on_name(text[i]))
            return false;
    return true;
}

static const struct {
    char text[3];
    int punct;
} PAIRS[] = {{"=>", OO__ARROW},   {"..", OO__DOTS}, {"==", OO__EQUAL},
             {"!=", OO__UNEQUAL}, {"<=", OO__LESS}, {">=", OO__MORE}};

static int pair_at(const oo__lexer *lexer) {
    for (size_t i = 0; lexer->end - lexer->at >= 2 && i < sizeof PAIRS / sizeof *PAIRS; i++)
        if (memcmp(lexer->at, PAIRS[i].text, 2) == 0)
            return PAIRS[i].punct;
    return 0;
}

static const char *punct_text(int punct, char room[4]) {
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++)
        if (PAIRS[i].punct == punct)
            return PAIRS[i].text;
    room[0] = (char)punct;
    room[1] = 0;
    return room;
}

/* ---- errors ---- */
void oo__lex_locate(const oo__lexer *lexer, const oo__token *where, oo_diag *diag, char line[OO__LINE_ROOM]) {
    diag->file = lexer->path;
    diag->line = where->line;
    diag->column = where->column;
    diag->source_line = NULL;
    if (where->column >= OO__LINE_ROOM - 100)
        return; /* a line of weights: nobody reads that far */
    size_t n = 0;
    for (const char *p = where->line_start; p < lexer->end && *p != '\n' && n < OO__LINE_ROOM - 1; p++) {
        const unsigned char c = (unsigned char)*p;
        const bool shown = (c >= 0x20 && c != 0x7f) || c == '\t';
        line[n++] = *p;
        if (!shown)
            line[n - 1] = '?';
    }
    if (n && line[n - 1] == '?' && where->line_start[n - 1] == '\r')
        n--;
    line[n] = 0;
    diag->source_line = line;
}

void oo__lex_tell(oo__lexer *lexer, const oo__token *where, const char *code, const char *format, ...) {
    if (lexer->failed)
        return;
    lexer->failed = true;
    char line[OO__LINE_ROOM];
    oo_diag diag = {.severity = OO_ERROR, .code = code, .offset = -1};
    oo__lex_locate(lexer, where, &diag, line);
    va_list args;
    va_start(args, format);
    oo__diag_v(lexer->context, diag, format, args);
    va_end(args);
}

void oo__lex_tell_expected(oo__lexer *lexer, const char *what) {
    const oo__token *const t = &lexer->token;
    const char *const shown = oo__printable(t->text, t->size);
    char room[4];
    switch (t->kind) {
    case OO__TOKEN_END: oo__lex_tell(lexer, t, "text-syntax", "expected %s, but the text ends here", what); return;
    case OO__TOKEN_NAME: oo__lex_tell(lexer, t, "text-syntax", "expected %s, found the name %s", what, shown); return;
    case OO__TOKEN_STRING:
        oo__lex_tell(lexer, t, "text-syntax", "expected %s, found the string \"%s\"", what, shown); return;
    case OO__TOKEN_INT:
    case OO__TOKEN_FLOAT: oo__lex_tell(lexer, t, "text-syntax", "expected %s, found the number %s", what, shown); return;
    case OO__TOKEN_PUNCT:
        oo__lex_tell(lexer, t, "text-syntax", "expected %s, found '%s'", what, punct_text(t->punct, room)); return;
    default: return;
    }
}

/* ---- tokens ---- */
static void skip_blanks(oo__lexer *lexer) {
    while (lexer->at < lexer->end) {
        if (*lexer->at == '#') {
            const char *const eol = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
            lexer->at = eol ? eol : lexer->end;
        } else if (*lexer->at == '\n') {
            lexer->line_start = ++lexer->at;
            lexer->line++;
        } else if (is_space(*lexer->at)) {
            lexer->at++;
        } else {
            return;
        }
    }
}

static char peek(const oo__lexer *lexer, size_t ahead) {
    if ((size_t)(lexer->end - lexer->at) <= ahead)
        return 0;
    return lexer->at[ahead];
}

static void skip_digits(oo__lexer *lexer) {
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
}

static void lex_number(oo__lexer *lexer) {
    oo__token *const t = &lexer->token;
    t->kind = OO__TOKEN_INT;
    lexer->at += *lexer->at == '-';
    skip_digits(lexer);
    if (peek(lexer, 0) == '.' && peek(lexer, 1) != '.') {
        t->kind = OO__TOKEN_FLOAT;
        lexer->at++;
        skip_digits(lexer);
    }
    if (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') {
        t->kind = OO__TOKEN_FLOAT;
        lexer->at++;
        lexer->at += peek(lexer, 0) == '+' || peek(lexer, 0) == '-';
        if (!is_digit(peek(lexer, 0))) {
            t->kind = OO__TOKEN_ERROR;
            oo__lex_fail(lexer, t, "text-number", "the exponent of this number has no digits");
        }
        skip_digits(lexer);
    }
}

static void lex_name(oo__lexer *lexer) {
    lexer->token.kind = OO__TOKEN_NAME;
    while (goes_on_name(peek(lexer, 0)))
        lexer->at++;
}

/* -inf, -nan, -infinity in any case. */
static bool lex_negative_word(oo__lexer *lexer) {
    static const char *const WORDS[] = {"inf", "nan", "infinity"};
    size_t n = 1;
    while (goes_on_name(peek(lexer, n)))
        n++;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strlen(WORDS[i]) == n - 1 && strncasecmp(lexer->at + 1, WORDS[i], n - 1) == 0) {
            lexer->token.kind = OO__TOKEN_FLOAT;
            lexer->at += n;
            return true;
        }
    return false;
}

static void lex_string(oo__lexer *lexer) {
    oo__token *const t = &lexer->token;
    const char *const from = ++lexer->at;
    t->kind = OO__TOKEN_STRING;
    for (; lexer->at < lexer->end && *lexer->at != '"'; lexer->at++) {
        lexer->at += *lexer->at == '\\' && lexer->end - lexer->at > 1;
        if (*lexer->at == '\n') {
            lexer->line_start = lexer->at + 1;
            lexer->line++;
        }
    }
    t->text = from;
    t->size = (size_t)(lexer->at - from);
    if (lexer->at < lexer->end) {
        lexer->at++;
        return;
    }
    t->kind = OO__TOKEN_ERROR;
    oo__lex_fail(lexer, t, "text-syntax", "this string has no closing quote");
}

static void lex_punct(oo__lexer *lexer) {
    oo__token *const t = &lexer->token;
    const char c = *lexer->at;
    const int pair = pair_at(lexer);
    t->kind = OO__TOKEN_PUNCT;
    t->punct = pair ? pair : c;
    lexer->at += pair ? 2 : 1;
    if (!pair && (!c || !strchr("<>(){}[],:=.@?|_*+-/%!&;", c))) {
        t->kind = OO__TOKEN_ERROR;
        oo__lex_fail(lexer, t, "text-syntax", "the character \"%s\" has no meaning here", oo__printable(&c, 1));
    }
}

void oo__lex_next(oo__lexer *lexer) {
    if (lexer->failed) {
        lexer->token.kind = OO__TOKEN_ERROR;
        lexer->token.punct = 0;
        return;
    }
    skip_blanks(lexer);
    lexer->token = (oo__token){.text = lexer->at,
                               .line_start = lexer->line_start,
                               .line = lexer->line,
                               .column = (uint32_t)(lexer->at - lexer->line_start) + 1};
    const char c = peek(lexer, 0);
    if (lexer->at == lexer->end)
        lexer->token.kind = OO__TOKEN_END;
    else if (starts_name(c))
        lex_name(lexer);
    else if (is_digit(c) || (c == '-' && is_digit(peek(lexer, 1))))
        lex_number(lexer);
    else if (c == '"')
        lex_string(lexer);
    else if (c != '-' || !lex_negative_word(lexer))
        lex_punct(lexer);
    if (lexer->token.kind != OO__TOKEN_STRING)
        lexer->token.size = (size_t)(lexer->at - lexer->token.text);
}

void oo__lex_start(oo__lexer *lexer, oo_context *context, const char *path, const char *text, size_t size) {
    *lexer =
        (oo__lexer){.context = context, .path = path, .at = text, .end = text + size, .line_start = text, .line = 1};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        lexer->at = lexer->line_start = text + 3;
    oo__lex_next(lexer);
}

bool oo__lex_is(const oo__lexer *lexer, int punct) {
    return lexer->token.kind == OO__TOKEN_PUNCT && lexer->token.punct == punct;
}

bool oo__lex_is_word(const oo__lexer *lexer, const char *word) {
    const oo__token *const t = &lexer->token;
    return t->kind == OO__TOKEN_NAME && strlen(word) == t->size && memcmp(word, t->text, t->size) == 0;
}

bool oo__lex_take(oo__lexer *lexer, int punct) {
    if (!oo__lex_is(lexer, punct))
        return false;
    oo__lex_next(lexer);
    return true;
}

oo_status oo__lex_expect(oo__lexer *lexer, int punct) {
    if (oo__lex_take(lexer, punct))
        return OO_OK;
    char what[8], room[4];
    snprintf(what, sizeof what, "'%s'", punct_text(punct, room));
    return oo__lex_expected(lexer, what);
}

bool oo__lex_take_assign(oo__lexer *lexer) {
    if (oo__lex_take(lexer, '='))
        return true;
    if (!oo__lex_is(lexer, OO__ARROW))
        return false;
    lexer->token.punct = '>';
    lexer->token.text++;
    lexer->token.size--;
    lexer->token.column++;
    return true;
}

size_t oo__lex_unescape(char *out, const oo__token *token) {
    size_t n = 0;
    for (size_t i = 0; i < token->size; i++) {
        i += token->text[i] == '\\' && i + 1 < token->size;
        out[n++] = token->text[i];
    }
    return n;
}
