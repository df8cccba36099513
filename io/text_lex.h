/* Tokens of ONNX's textual syntax, each with its place. The rewrite language is made of the same tokens. Private to the
 * library. */
#ifndef IO_TEXT_LEX_H
#define IO_TEXT_LEX_H
#include "base/diag.h"

typedef enum oo__token_kind {
    OO__TOKEN_END,
    OO__TOKEN_NAME,   /* letter or _, then letters, digits, _ */
    OO__TOKEN_STRING, /* "..."; a backslash takes the next character as it is */
    OO__TOKEN_INT,    /* -12 */
    OO__TOKEN_FLOAT,  /* 1.5 -1e-3 2. -inf -nan; without a sign inf and nan are names */
    OO__TOKEN_PUNCT,  /* one character, or one of the OO__... below */
    OO__TOKEN_ERROR   /* was reported */
} oo__token_kind;

/* Punctuation of two characters. */
enum {
    OO__ARROW = 256,
    /* => */ OO__DOTS,
    /* .. */ OO__EQUAL,
    /* == */ OO__UNEQUAL,
    /* != */ OO__LESS,
    /* <= */ OO__MORE /* >= */
};

typedef struct oo__token {
    oo__token_kind kind;
    int punct;        /* OO__TOKEN_PUNCT: which, else 0 */
    const char *text; /* as written; a string without its quotes. Not NUL-terminated. */
    size_t size;
    const char *line_start;
    uint32_t line, column; /* 1-based; columns count bytes */
} oo__token;

typedef struct oo__lexer {
    oo_context *context;
    const char *path; /* names the text in messages */
    const char *at, *end;
    const char *line_start;
    uint32_t line;
    oo__token token; /* the one to look at */
    bool failed;     /* an error was reported: no second one is */
} oo__lexer;

/* Starts at the first token of `text`, which outlives the lexer. A byte order mark is skipped. */
void oo__lex_start(oo__lexer *lexer, oo_context *context, const char *path, const char *text, size_t size);
/* Goes to the next token. */
void oo__lex_next(oo__lexer *lexer);
/* Whether the token is this punctuation (a character or OO__ARROW ...). */
bool oo__lex_is(const oo__lexer *lexer, int punct);
/* Whether the token is this word. */
bool oo__lex_is_word(const oo__lexer *lexer, const char *word);
/* Goes over the punctuation when it is there. */
bool oo__lex_take(oo__lexer *lexer, int punct);
/* The same, with an error when it is not. */
oo_status oo__lex_expect(oo__lexer *lexer, int punct);
/* Takes '=' also when the text goes on with '>' and the token is therefore an arrow. */
bool oo__lex_take_assign(oo__lexer *lexer);
/* Whether text is a NAME as a whole. */
bool oo__lex_is_name(const char *text, size_t size);
/* Content of a STRING without backslashes; `out` has room for token->size bytes. Returns the size. */
size_t oo__lex_unescape(char *out, const oo__token *token);

/* Fills the place of `where` into `diag`; the source line goes to `line`. */
enum { OO__LINE_ROOM = 512 };
void oo__lex_locate(const oo__lexer *lexer, const oo__token *where, oo_diag *diag, char line[OO__LINE_ROOM]);
/* Reports an error at `where`, unless one was reported: oo__lex_fail(lexer, where, code, format, ...). Gives OO_INVALID; a macro, so that
 * compilers and analyzers see what. */
void oo__lex_tell(oo__lexer *lexer, const oo__token *where, const char *code, const char *format, ...) OO_PRINTF(4, 5);
static inline oo_status oo__lex_told(oo_status status) { return status; } /* may be ignored, as a bare constant may not */
#define oo__lex_fail(...) oo__lex_told((oo__lex_tell(__VA_ARGS__), OO_INVALID))
/* "expected WHAT, found ..." at the current token: oo__lex_expected(lexer, what). Gives OO_INVALID. */
void oo__lex_tell_expected(oo__lexer *lexer, const char *what);
#define oo__lex_expected(lexer, what) oo__lex_told((oo__lex_tell_expected((lexer), (what)), OO_INVALID))
#endif
