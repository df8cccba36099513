/* Diagnostics: one sink, located messages as data. Printers (text, JSON lines) live in cli. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H
#include <onnxopt/onnxopt.h>

struct oo_context {
    oo_sink sink;
    void *user;
    uint32_t errors, warnings;
    bool quiet; /* swallow everything (a trial run) */
};

/* A context that prints nothing until a sink is set. */
oo_context *oo_context_new(void);
void oo_context_free(oo_context *context);
void oo_set_sink(oo_context *context, oo_sink sink, void *user);

/* Sends `diag` with its text made from the format. */
void oo__diag(oo_context *context, oo_diag diag, const char *format, ...) OO_PRINTF(3, 4);
void oo__diag_v(oo_context *context, oo_diag diag, const char *format, va_list args) OO_PRINTF(3, 0);
/* Text up to about 60 bytes, control characters and non-UTF-8 escaped, safe to print; ring of 8 static buffers. */
const char *oo__printable(const char *text, size_t size);

/* Errors about a file as a whole or a byte in it (offset -1: none). */
#define oo__file_error(context, code_, file_, offset_, ...)                                                            \
    oo__diag((context), (oo_diag){.severity = OO_ERROR, .code = (code_), .file = (file_), .offset = (offset_)},        \
             __VA_ARGS__)

/* A breach of a function's contract: prints file, line and reason, then aborts. */
_Noreturn void oo__bug(const char *file, int line, const char *format, ...) OO_PRINTF(3, 4);
#define oo_bug(...) oo__bug(__FILE__, __LINE__, __VA_ARGS__)
/* A contract check that stays in release builds. */
#define oo_require(condition, ...) ((condition) ? (void)0 : oo_bug(__VA_ARGS__))

/* Forwards a status that is not OO_OK. */
#define OO_TRY(expression)                                                                                             \
    do {                                                                                                               \
        const oo_status try_status = (expression);                                                                     \
        if (try_status != OO_OK)                                                                                       \
            return try_status;                                                                                         \
    } while (0)
#endif
